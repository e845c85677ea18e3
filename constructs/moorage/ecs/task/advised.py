"""The monthly cost of services and workers, and the choice of their launch type."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from moorage.ecs.task.launch_costs import advise_on
from moorage.workload.door import door

if TYPE_CHECKING:
    from constructs import Construct

    from moorage.advice.advice import Advice
    from moorage.advice.monthly_cost import MonthlyCost
    from moorage.advice.placed import Placed


@door
class Advised:
    """The base of services and workers: their costs, by the prices that moorage contains.

    It is no abstract base class, since constructs have the metaclass of jsii.
    """

    def _monthly_cost(self, region: str | None) -> MonthlyCost | None:
        """Return the cost in a region, by default that of the stack."""
        raise NotImplementedError

    @property
    def _costs_path(self) -> str:
        """The construct path, with which an error begins."""
        return str(cast("Construct", self).node.path)

    def _placed(self) -> Placed | None:
        """Return the workload with its place, or None if it is known only at deployment."""
        raise NotImplementedError

    def monthly_cost(self, *, region: str | None = None) -> MonthlyCost | None:
        """Return what AWS bills for the tasks in a month, from the least to the most copies.

        The cost is that of list prices. Load balancers, volumes, Container Insights, queues, logs and traffic are not
        part of it. `moorage cost` estimates the cost of complete stacks.

        Args:
            region: The region of the prices. Default: that of the stack, or us-east-1 if the stack does not state one.

        Returns:
            The cost with its parts and assumptions, or None if the number of copies or the size of the task is a token.

        Raises:
            ValueError: If the region is no code of a region.
        """
        return self._monthly_cost(region)

    def advise(
        self,
        *,
        savings_plan_percent: float = 0,
        ec2_savings_plan_percent: float | None = None,
        fargate_spot_percent: float | None = None,
        ec2_spot_percent: float | None = None,
        managed_instances_fee_percent: float | None = None,
        interruptible: bool | None = None,
        upkeep_hours: float = 2,
        hourly_rate: float = 50,
        trunking: bool | None = None,
        region: str | None = None,
    ) -> Advice | None:
        """Compare the launch types for the tasks, with what each costs a month, and advise on one.

        The advice is that of `moorage advise`. `Cluster.advise` also compares all workloads of a cluster together.

        Args:
            savings_plan_percent: The discount of a Compute Savings Plan on Fargate and EC2, 0 to 100 percent. Default:
                0.
            ec2_savings_plan_percent: The discount on EC2, if it differs, as with an EC2 Instance Savings Plan. Default:
                `savings_plan_percent`.
            fargate_spot_percent: The discount of Fargate Spot on Fargate, 0 to 100 percent. Default: unknown.
            ec2_spot_percent: The discount of EC2 Spot on EC2 on demand, 0 to 100 percent. Default: unknown.
            managed_instances_fee_percent: The fee of ECS Managed Instances, in percent of the price of the instance on
                demand. Default: unknown.
            interruptible: Whether to count on tasks that tolerate a stop with a notice of two minutes. Default: True
                for tasks that use Spot.
            upkeep_hours: The hours a month that people spend on hosts, 0 or more. Default: 2.
            hourly_rate: The cost of such an hour in USD, 0 or more. Default: 50.
            trunking: Whether to count on the account setting `awsvpcTrunking`. Default: True if a capacity of the
                cluster relies on the setting, as with `Capacity.ec2(trunking=True)`, otherwise False.
            region: The region of the prices. Default: that of the stack, or us-east-1 if the stack does not state one.

        Returns:
            The advice, or None if the number of copies or the size of the task is a token.

        Raises:
            ValueError: If a percentage is outside 0 to 100, a number is negative, or the region is no code of a region.
        """
        from moorage.advice.assumptions import Assumptions  # noqa: PLC0415  # needed only by advice
        from moorage.advice.region import stated_region  # noqa: PLC0415  # needed only by advice

        assumptions = Assumptions(
            savings_plan_percent=savings_plan_percent,
            ec2_savings_plan_percent=ec2_savings_plan_percent,
            fargate_spot_percent=fargate_spot_percent,
            ec2_spot_percent=ec2_spot_percent,
            managed_instances_fee_percent=managed_instances_fee_percent,
            interruptible=interruptible,
            upkeep_hours=upkeep_hours,
            hourly_rate=hourly_rate,
            subject=self._costs_path,
        )
        region = stated_region(region, assumptions.subject)
        return advise_on(self._placed(), assumptions, trunking=trunking, region=region)

"""The advice on the launch types of the workloads of a cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from aws_cdk import aws_ecs as ecs

from moorage.scope.claimed_names import exists
from moorage.workload.door import door

if TYPE_CHECKING:
    from constructs import Construct

    from moorage.advice.advice import Advice
    from moorage.advice.placed import Placed


@door
class AdvisedCluster(ecs.Cluster):
    """The base of clusters: the services and jobs that are defined in them."""

    _members: list[tuple[Construct, Callable[[], Placed | None]]]

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
    ) -> tuple[Advice, ...]:
        """Advise on the launch types of the services, workers and jobs that this app defines in the cluster.

        The advice is that of `moorage advise`: one for each of them, and then one for all of them together, since small
        tasks share instances and their upkeep. Those that cannot run on Fargate, and those for Windows, are not part of
        the latter. Workloads of different architectures are compared apart. A run of a job takes 15 minutes;
        `Job.advise` and `moorage advise --usage` take another duration. Services of CDK's own constructs are left out,
        and those whose number of copies or size is a token.

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

        Raises:
            ValueError: If a percentage is outside 0 to 100, a number is negative, or the region is no code of a region.
        """
        from moorage.advice.assumptions import Assumptions  # noqa: PLC0415  # needed only by advice
        from moorage.advice.placed import advise_each, advise_together  # noqa: PLC0415  # needed only by advice
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
            subject=self.node.path,
        )
        region = stated_region(region, assumptions.subject)
        members = [find() for member, find in self._members if exists(member)]
        placed = [each.changed(trunking=trunking, region=region) for each in members if each]
        each_one = [advise_each(each, assumptions=assumptions) for each in placed]
        return (*each_one, *advise_together(placed, assumptions=assumptions))

    def _add_member(self, member: Construct, find: Callable[[], Placed | None]) -> None:
        """Record a service or job of the cluster.

        Args:
            member: The construct.
            find: A function that returns its workload, or None if the workload is known only at deployment.
        """
        self._members.append((member, find))

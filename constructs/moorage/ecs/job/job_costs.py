"""The monthly cost of a job, and the choice of its launch type."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from constructs import Construct

from moorage.ecs.job.triggers import Schedule
from moorage.ecs.task.launch_costs import (
    LEFT_OUT,
    advise_on,
    chosen_region,
    has_tokens,
    parts_of,
    place_of_launch,
    workload_of,
)
from moorage.workload.door import door
from moorage.workload.problems import Problems, is_token

if TYPE_CHECKING:
    from moorage.advice.advice import Advice
    from moorage.advice.monthly_cost import MonthlyCost
    from moorage.advice.placed import Placed
    from moorage.advice.workload import Runs
    from moorage.ecs.job.triggers import EventRule
    from moorage.ecs.task.task_launch import Launch


@door
class JobCosts(Construct):
    """The costs of a job, by the prices that moorage contains."""

    _launch: Launch
    _trigger: Schedule | EventRule | None

    def monthly_cost(
        self, *, run_minutes: float | None = None, runs_per_month: float | None = None, region: str | None = None
    ) -> MonthlyCost | None:
        """Return what AWS bills for the tasks in a month.

        The cost is that of list prices. State machines, volumes, Container Insights, queues, logs and traffic are not
        part of it. `moorage cost` estimates the cost of complete stacks.

        Args:
            run_minutes: The minutes that a run takes, 0 or more. Default: 15, an assumption.
            runs_per_month: The number of runs a month, 0 or more. Default: that of the schedule. For a job without a
                recurring schedule, 30, an assumption.
            region: The region of the prices. Default: that of the stack, or us-east-1 if the stack does not state one.

        Returns:
            The cost with its parts and assumptions, or None if the size of the task is a token.

        Raises:
            ValueError: If a number is negative, or the region is no code of a region.
        """
        from moorage.advice.monthly_cost import monthly_cost  # noqa: PLC0415  # needed only by costs

        runs = self._runs(run_minutes, runs_per_month)
        if has_tokens(self._launch.task):
            return None
        parts = parts_of(self._launch, (1, 1), runs.billed_hours)
        return monthly_cost(self.node.path, parts, chosen_region(self, region), LEFT_OUT, f"The job {runs}.")

    def advise(
        self,
        *,
        run_minutes: float | None = None,
        runs_per_month: float | None = None,
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
            run_minutes: The minutes that a run takes, 0 or more. Default: 15, an assumption.
            runs_per_month: The number of runs a month, 0 or more. Default: that of the schedule. For a job without a
                recurring schedule, 30, an assumption.
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
            The advice, or None if the size of the task is a token.

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
            subject=self.node.path,
        )
        region = stated_region(region, assumptions.subject)
        placed = self._placed(run_minutes, runs_per_month)
        return advise_on(placed, assumptions, trunking=trunking, region=region)

    def _placed(self, run_minutes: float | None = None, runs_per_month: float | None = None) -> Placed | None:
        """Return the job as a workload with its place, or None if the size of the task is a token."""
        from moorage.advice.workload import WorkloadKind  # noqa: PLC0415  # needed only by advice

        runs = self._runs(run_minutes, runs_per_month)
        workload = workload_of(self.node.path, self._launch, kind=WorkloadKind.JOB, runs=runs)
        return place_of_launch(workload, self, self._launch)

    def _runs(self, run_minutes: float | None, runs_per_month: float | None) -> Runs:
        from moorage.advice.workload import Runs  # noqa: PLC0415  # needed only by costs

        problems = Problems(lambda: str(self.node.path))
        for argument, value in (("run_minutes", run_minutes), ("runs_per_month", runs_per_month)):
            if value is not None and value < 0:
                problems.add(f"{argument} must be at least 0 (got {value:g}); use 0 or more")
        problems.raise_any()
        count = self._scheduled_runs() if runs_per_month is None else Decimal(str(runs_per_month))
        return Runs.of(count, None if run_minutes is None else Decimal(str(run_minutes)))

    def _scheduled_runs(self) -> Decimal | None:
        """Return the number of runs a month by the schedule; None if it depends on use."""
        from moorage.advice.schedules import runs_a_month  # noqa: PLC0415  # needed only by costs

        trigger = self._trigger
        if trigger is None:
            return None
        if not trigger.enabled:
            return Decimal(0)
        if not isinstance(trigger, Schedule) or is_token(trigger.expression.expression_string):
            return None
        return runs_a_month(trigger.expression.expression_string)

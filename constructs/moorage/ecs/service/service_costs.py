"""The monthly cost of a service, and the choice of its launch type."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

import aws_cdk as cdk

from moorage.ecs.capacity.capacity import Capacity, CapacityKind
from moorage.ecs.service.service_metrics import ServiceMetrics
from moorage.workload.door import door
from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from moorage.advice.advice import Advice
    from moorage.advice.monthly_cost import CostPart, MonthlyCost
    from moorage.ecs.capacity.strategy import Strategy
    from moorage.ecs.service.service_plan import ServicePlan


@door
class ServiceCosts(ServiceMetrics):
    """The costs of a service, by the prices that moorage contains."""

    _plan: ServicePlan

    def monthly_cost(self, *, region: str | None = None) -> MonthlyCost | None:
        """Return what AWS bills for the tasks of the service in a month, from the least to the most copies.

        The cost is that of list prices. Load balancers, logs and traffic are not part of it. `moorage cost` estimates
        the cost of complete stacks.

        Args:
            region: The region of the prices. Default: that of the stack, or us-east-1 if the stack does not state one.

        Returns:
            The cost with its parts and assumptions, or None if the number of copies is a token.
        """
        from moorage.advice.monthly_cost import monthly_cost  # noqa: PLC0415  # needed only by costs

        copies = _copies_of(self._plan)
        if copies is None:
            return None
        parts = _parts(self._plan, copies)
        return monthly_cost(self.node.path, parts, region or region_of(self))

    def advise(
        self,
        *,
        savings_plan_percent: float = 0,
        interruptible: bool | None = None,
        upkeep_hours: float = 2,
        hourly_rate: float = 50,
        region: str | None = None,
    ) -> Advice | None:
        """Compare the launch types for the service, with what each costs a month, and advise on one.

        `moorage advise` compares all workloads of an app, also together.

        Args:
            savings_plan_percent: The discount of a Compute Savings Plan on Fargate and EC2, 0 to 100 percent. Default:
                0.
            interruptible: Whether to count on tasks that tolerate a stop with a notice of two minutes. Default: True if
                the service uses Spot.
            upkeep_hours: The hours a month that people spend on hosts, 0 or more. Default: 2.
            hourly_rate: The cost of such an hour in USD, 0 or more. Default: 50.
            region: The region of the prices. Default: that of the stack, or us-east-1 if the stack does not state one.

        Returns:
            The advice, or None if the number of copies or the size of the task is a token.

        Raises:
            ValueError: If a percentage is outside 0 to 100, or a number is negative.
        """
        from moorage.advice.advice import advise  # noqa: PLC0415  # needed only by advice
        from moorage.advice.assumptions import MOST_ZONES, Assumptions  # noqa: PLC0415  # needed only by advice
        from moorage.advice.workload import Workload  # noqa: PLC0415  # needed only by advice

        task, copies = self._plan.task, _copies_of(self._plan)
        if copies is None or is_token((task.cpu, task.memory_mib)):
            return None
        assumptions = Assumptions(
            savings_plan_percent=savings_plan_percent,
            interruptible=interruptible,
            upkeep_hours=upkeep_hours,
            hourly_rate=hourly_rate,
            zones=max(1, min(self._plan.launch.reach.zones, MOST_ZONES)),
        )
        capacities = self._plan.launch.strategy.weights
        workload = Workload.of(
            self.node.path,
            task,
            least=copies[0],
            most=copies[1],
            daemon=self._plan.placement.daemon,
            interruptible=any(each._is_spot for each in capacities),
        )
        return advise([workload], region=region or region_of(self), assumptions=assumptions)


def region_of(construct: cdk.IResource | ServiceMetrics) -> str:
    """Return the region of the stack of a construct, or us-east-1 if the stack does not state one.

    Args:
        construct: The construct.
    """
    region = cdk.Stack.of(construct).region
    return "us-east-1" if is_token(region) else region


def _copies_of(plan: ServicePlan) -> tuple[int, int] | None:
    """Return the least and the most copies, with those of schedules; None for tokens."""
    if plan.placement.daemon:
        return 1, 1
    scaling = plan.scaling
    least = [scaling.minimum, *(each.minimum for each in scaling.schedules if each.minimum is not None)]
    most = [scaling.maximum, *(each.maximum for each in scaling.schedules if each.maximum is not None)]
    return None if is_token((*least, *most)) else (min(least), max(*least, *most))


def _parts(plan: ServicePlan, copies: tuple[int, int]) -> Iterator[CostPart]:
    from moorage.advice.monthly_cost import CostPart  # noqa: PLC0415  # needed only by costs
    from moorage.prices.price import HOURS  # noqa: PLC0415  # needed only by costs

    strategy = plan.launch.strategy
    if strategy._kind is CapacityKind.MANAGED_INSTANCES:
        yield CostPart(name="ECS Managed Instances", item="managed_instances.fee_hour", note="AWS chooses the types")
        return
    if strategy._kind is CapacityKind.INSTANCES:
        yield CostPart(name="Tasks on EC2 instances", item="", note="AWS bills the instances of the cluster")
        return
    for capacity, least, most in _shares(strategy, copies):
        yield from _on_fargate(plan, capacity, least * HOURS, most * HOURS)
    if plan.launch.assign_public_ip:
        yield CostPart(name="Public IPv4 addresses", item="ipv4.hour", least=copies[0] * HOURS, most=copies[1] * HOURS)


def _on_fargate(plan: ServicePlan, capacity: Capacity, least: Decimal, most: Decimal) -> Iterator[CostPart]:
    from moorage.advice.monthly_cost import CostPart  # noqa: PLC0415  # needed only by costs
    from moorage.advice.offers import FREE_STORAGE_GIB  # noqa: PLC0415  # needed only by costs

    task = plan.task
    family = "fargate_spot." if capacity._is_spot else "fargate."
    family += "windows_" if task._on_windows else ""
    name = "Fargate Spot" if capacity._is_spot else "Fargate"
    sizes = [
        ("vCPU", f"{family}vcpu_hour", Decimal(task.cpu or 0) / 1024),
        ("memory", f"{family}gb_hour", Decimal(task.memory_mib) / 1024),
    ]
    if task._on_windows:
        sizes.append(("Windows license", "fargate.windows_license_vcpu_hour", Decimal(task.cpu or 0) / 1024))
    storage = (task.ephemeral_storage_gib or FREE_STORAGE_GIB) - FREE_STORAGE_GIB
    if storage:
        sizes.append(("ephemeral storage", "fargate.storage_gb_hour", Decimal(storage)))
    for component, item, size in sizes:
        yield CostPart(
            name=f"{name} {component}",
            item=item,
            least=least * size,
            most=most * size,
            architecture=task.architecture.value,
        )


def _shares(strategy: Strategy, copies: tuple[int, int]) -> Iterator[tuple[Capacity, Decimal, Decimal]]:
    """Yield each capacity with its least and most copies: first the base, then the rest in proportion to the weights.

    The proportion is an average, so the numbers can have fractions.
    """
    total = sum(strategy.weights.values())
    for capacity, weight in strategy.weights.items():
        counts = []
        for number in copies:
            bases = min(number, sum(strategy.base.values()))
            own = min(number, strategy.base.get(capacity, 0))
            counts.append(own + Decimal((number - bases) * weight) / (total or 1))
        if any(counts):
            yield capacity, counts[0], counts[1]

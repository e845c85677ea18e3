"""The monthly cost of a service, and the choice of its launch type."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from moorage.ecs.service.service_metrics import ServiceMetrics
from moorage.ecs.task.advised import Advised
from moorage.ecs.task.launch_costs import LEFT_OUT, chosen_region, has_tokens, parts_of, place_of_launch, workload_of
from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from constructs import Construct

    from moorage.advice.duty import Bounds
    from moorage.advice.monthly_cost import MonthlyCost
    from moorage.advice.placed import Placed
    from moorage.advice.workload import Workload
    from moorage.ecs.service.service_plan import ServicePlan
    from moorage.workload.scaling import Scaling


class ServiceCosts(ServiceMetrics, Advised):
    """The costs of a service, by the prices that moorage contains."""

    _plan: ServicePlan
    _worker: Construct | None = None
    """The worker that the service is a part of."""

    def _monthly_cost(self, region: str | None) -> MonthlyCost | None:
        from moorage.advice.monthly_cost import monthly_cost  # noqa: PLC0415  # needed only by costs
        from moorage.prices.price import HOURS  # noqa: PLC0415  # needed only by costs

        launch, copies = self._plan.launch, self._copies
        if copies is None or has_tokens(launch.task):
            return None
        parts = parts_of(launch, copies, HOURS)
        return monthly_cost(self._named.node.path, parts, chosen_region(self, region), LEFT_OUT)

    def _placed(self) -> Placed | None:
        return place_of_launch(self._workload(), self, self._plan.launch)

    def _workload(self) -> Workload | None:
        """Return the workload, or None if the number of copies or the size of the task is a token."""
        from moorage.advice.workload import WorkloadKind  # noqa: PLC0415  # needed only by advice

        plan, copies = self._plan, self._copies
        if copies is None:
            return None
        daemon = plan.placement.daemon
        return workload_of(
            self._named.node.path,
            plan.launch,
            kind=WorkloadKind.WORKER if self._worker else WorkloadKind.SERVICE,
            least=copies[0],
            most=copies[1],
            hours_at_most=None if daemon else _hours_at_most(plan.scaling, copies),
            daemon=daemon,
        )

    @property
    def _named(self) -> Construct:
        return self._worker or self

    @property
    def _copies(self) -> tuple[int, int] | None:
        """The least and the most copies, with those of schedules; None for tokens."""
        if self._plan.placement.daemon:
            return 1, 1
        scaling = self._plan.scaling
        least = [scaling.minimum, *(each.minimum for each in scaling.schedules if each.minimum is not None)]
        most = [scaling.maximum, *(each.maximum for each in scaling.schedules if each.maximum is not None)]
        return None if is_token((*least, *most)) else (min(least), max(*least, *most))


def _hours_at_most(scaling: Scaling, copies: tuple[int, int]) -> Decimal | None:
    """Return the hours a month with the most copies, by the schedules, as `moorage advise` computes them."""
    from moorage.advice.duty import ScheduledBounds, hours_at_most  # noqa: PLC0415  # needed only by advice

    schedules = [
        ScheduledBounds(each.schedule.expression_string, _decimal(each.minimum), _decimal(each.maximum))
        for each in scaling.schedules
    ]
    initial = _bounds(scaling.minimum, scaling.maximum)
    return hours_at_most(initial, schedules, _bounds(*copies), has_policy=scaling._policies > 0)


def _bounds(least: int, most: int) -> Bounds:
    from moorage.advice.duty import Bounds  # noqa: PLC0415  # needed only by advice

    return Bounds(Decimal(least), Decimal(most))


def _decimal(number: int | None) -> Decimal | None:
    return None if number is None else Decimal(number)

"""The rollout of a new version of a service."""

from __future__ import annotations

import datetime as dt
import enum
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from moorage.workload import rollout_limits
from moorage.workload.attribute_names import AnswersNamesOfCdk
from moorage.workload.circuit_breaker import CircuitBreaker
from moorage.workload.durations import optional_seconds, seconds
from moorage.workload.problems import Problems
from moorage.workload.rollback_alarms import RollbackAlarms
from moorage.workload.value import value_class

if TYPE_CHECKING:
    import aws_cdk as cdk

    from moorage.workload.lifecycle_hooks import LifecycleHook
    from moorage.workload.limit import Limit

_DEFAULT_ALARMS = RollbackAlarms()
_DEFAULT_BREAKER = CircuitBreaker()
_DEFAULT_BLUE_GREEN_BAKE = dt.timedelta(minutes=15)
_DEFAULT_CANARY_BAKE = dt.timedelta(minutes=10)
_DEFAULT_LINEAR_BAKE = dt.timedelta(minutes=6)
_NETWORK_LOAD_BALANCER_SECONDS = 600


@value_class
@attrs.frozen
class EarlySuccess:
    """The condition under which a rolling rollout succeeds before all new tasks are healthy.

    ECS starts the remaining tasks afterwards.

    Args:
        healthy_percent: The percentage of the new tasks that must be healthy, 0 to 100 and at least the rollout's
            `minimum_healthy_percent`.
        remove_old_first: Whether to wait until all old tasks have stopped. Default: False.

    Raises:
        ValueError: If `healthy_percent` is not between 0 and 100.
    """

    healthy_percent: int
    remove_old_first: bool = attrs.field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = Problems("EarlySuccess")
        problems.check(rollout_limits.EARLY_SUCCESS, "healthy_percent", self.healthy_percent)
        problems.raise_any()


class Shift(enum.Enum):
    """The deployment strategies of ECS."""

    ROLLING = "ROLLING"
    BLUE_GREEN = "BLUE_GREEN"
    CANARY = "CANARY"
    LINEAR = "LINEAR"


def _hooks(hooks: Iterable[LifecycleHook]) -> tuple[LifecycleHook, ...]:
    return tuple(hooks)


@value_class
@attrs.frozen(kw_only=True)
class Rollout(metaclass=AnswersNamesOfCdk):
    """The way in which a new version of a service replaces the old one.

    Create a rollout with `rolling`, `blue_green`, `canary` or `linear`. Rollouts of the last three kinds start all
    tasks of the new version beside the old tasks, which needs twice the capacity. Then ECS shifts the traffic of the
    service's routes. As long as the old version runs, a rollback takes seconds.

    Args:
        shift: The deployment strategy of ECS.
        minimum_healthy_percent: The percentage of the copies that stays healthy, rounded up. Default: 100.
        maximum_percent: The percentage of the copies that can run at once, rounded down. Default: 200.
        percent: The percentage of the traffic in the first step (canary) or in each step (linear). Default: none.
        bake: The bake time after each shift except the last, in seconds. Default: none.
        final_bake: The bake time before the old version stops, in seconds. Default: none.
        circuit_breaker: The circuit breaker, only for rolling rollouts. Default: none.
        early_success: The condition under which the rollout succeeds early, only for rolling rollouts. Default: none.
        alarms: The alarms that trigger a rollback. Default: none.
        hooks: The lifecycle hooks. Default: none.

    Raises:
        ValueError: If an argument is outside the limits of ECS or CloudFormation, the rollout could make no progress,
            or a rolling rollout has a hook at a stage of a traffic shift.
    """

    shift: Shift
    minimum_healthy_percent: int = 100
    maximum_percent: int = 200
    percent: float | None = None
    bake: int | None = None
    final_bake: int | None = None
    circuit_breaker: CircuitBreaker | None = None
    early_success: EarlySuccess | None = None
    alarms: RollbackAlarms | None = None
    hooks: tuple[LifecycleHook, ...] = attrs.field(converter=_hooks, default=())

    def __attrs_post_init__(self) -> None:
        problems = Problems(f"Rollout.{self.shift.value.lower()}")
        problems.check(rollout_limits.MINIMUM_HEALTHY, "minimum_healthy_percent", self.minimum_healthy_percent)
        problems.check(rollout_limits.MAXIMUM_PERCENT, "maximum_percent", self.maximum_percent)
        problems.check(
            rollout_limits.ROLLOUT_ROOM, "maximum_percent", (self.minimum_healthy_percent, self.maximum_percent)
        )
        limit = rollout_limits.LINEAR_PERCENT if self.shift is Shift.LINEAR else rollout_limits.CANARY_PERCENT
        problems.check(limit, "percent", self.percent)
        problems.check(rollout_limits.BAKE, "bake", self.bake)
        problems.check(rollout_limits.BAKE, "bake" if self.bake is None else "final_bake", self.final_bake)
        if not problems.messages:
            limit = self._for_steps(rollout_limits.ROLLOUT_DURATION)
            problems.check(limit, "the sum of all bake times", self._total_bake)
        if not problems.messages:
            self._check_longest(problems)
        if self.early_success:
            pair = (self.early_success.healthy_percent, self.minimum_healthy_percent)
            problems.check(rollout_limits.EARLY_SUCCESS_LEAST, "healthy_percent of early_success", pair)
        for hook in self.hooks:
            for stage in hook.stages:
                if self.shift is Shift.ROLLING and stage._shifts_traffic:
                    problems.add(
                        f"hooks must not have the stage {stage.name}, since a rolling rollout shifts no traffic; "
                        "use a stage without a traffic shift, or Rollout.blue_green(...)"
                    )
        problems.raise_any()

    @classmethod
    def rolling(
        cls,
        *,
        minimum_healthy_percent: int = 100,
        maximum_percent: int = 200,
        bake: cdk.Duration | dt.timedelta | None = None,
        circuit_breaker: CircuitBreaker | None = _DEFAULT_BREAKER,
        early_success: EarlySuccess | None = None,
        alarms: RollbackAlarms | None = None,
        hooks: Iterable[LifecycleHook] = (),
    ) -> Rollout:
        """Replace old tasks in batches: start new tasks, and stop old tasks as the new tasks become healthy.

        Rollouts that shift traffic use the two target groups of a service in turn, but a rolling rollout uses only the
        first group. Before you change back to a rolling rollout, check the weights with `aws elbv2 describe-rules`, or
        with `describe-listeners` for a `Listener`. If the second group (with `Alternate` in its ID) has the traffic,
        deploy once more with the previous rollout, which swaps the groups. Otherwise requests fail until new tasks are
        healthy in the first group.

        Args:
            minimum_healthy_percent: The percentage of the copies that stays healthy, 0 to 100. Default: 100.
            maximum_percent: The percentage of the copies that can run at once, 100 or more. Together with
                `minimum_healthy_percent`, this value must allow ECS to start or stop a task. Default: 200.
            bake: The time for which alarms are monitored after all tasks are replaced, up to 24 h in whole minutes.
                Default: none.
            circuit_breaker: The circuit breaker, or None to wait for hours when tasks keep failing.
                Default: `CircuitBreaker()`.
            early_success: The condition under which the rollout succeeds early. Default: all new tasks must be healthy.
            alarms: The alarms that trigger a rollback. Default: none, so only the circuit breaker triggers a rollback.
            hooks: The lifecycle hooks. Default: none.

        Raises:
            ValueError: If an argument is outside the limits of ECS or CloudFormation, the rollout could make no
                progress, or a hook has a stage of a traffic shift.
        """
        return cls(
            shift=Shift.ROLLING,
            minimum_healthy_percent=minimum_healthy_percent,
            maximum_percent=maximum_percent,
            final_bake=optional_seconds(bake),
            circuit_breaker=circuit_breaker,
            early_success=early_success,
            alarms=alarms,
            hooks=hooks,
        )

    @classmethod
    def blue_green(
        cls,
        *,
        bake: cdk.Duration | dt.timedelta = _DEFAULT_BLUE_GREEN_BAKE,
        alarms: RollbackAlarms | None = _DEFAULT_ALARMS,
        hooks: Iterable[LifecycleHook] = (),
    ) -> Rollout:
        """Shift all traffic to the new version at once, and keep the old version for the bake time.

        Args:
            bake: The time for which the old version keeps running, up to 24 h in whole minutes. Default: 15 minutes.
            alarms: The alarms that trigger a rollback, or None to roll back only by hand. Default: `RollbackAlarms()`.
            hooks: The lifecycle hooks. Default: none.

        Raises:
            ValueError: If an argument is outside the limits of ECS, or the hooks and bake times can exceed 33 hours in
                total.
        """
        return cls(shift=Shift.BLUE_GREEN, final_bake=seconds(bake), alarms=alarms, hooks=hooks)

    @classmethod
    def canary(
        cls,
        *,
        percent: float = 5,
        bake: cdk.Duration | dt.timedelta = _DEFAULT_CANARY_BAKE,
        final_bake: cdk.Duration | dt.timedelta | None = None,
        alarms: RollbackAlarms | None = _DEFAULT_ALARMS,
        hooks: Iterable[LifecycleHook] = (),
    ) -> Rollout:
        """Shift a percentage of the traffic to the new version, and the rest after the bake time.

        Args:
            percent: The percentage of the traffic in the first step, 0.1 to 100 in steps of 0.1. Default: 5.
            bake: The bake time of the first step, up to 24 h in whole minutes. Default: 10 minutes.
            final_bake: The time for which the old version keeps running after the last shift, up to 24 h in whole
                minutes. Default: `bake`.
            alarms: The alarms that trigger a rollback, or None to roll back only by hand. Default: `RollbackAlarms()`.
            hooks: The lifecycle hooks. Default: none.

        Raises:
            ValueError: If an argument is outside the limits of ECS, or the hooks and bake times can exceed 33 hours in
                total.
        """
        return cls._in_steps(Shift.CANARY, percent, bake, final_bake, alarms, hooks)

    @classmethod
    def linear(
        cls,
        *,
        percent: float = 10,
        bake: cdk.Duration | dt.timedelta = _DEFAULT_LINEAR_BAKE,
        final_bake: cdk.Duration | dt.timedelta | None = None,
        alarms: RollbackAlarms | None = _DEFAULT_ALARMS,
        hooks: Iterable[LifecycleHook] = (),
    ) -> Rollout:
        """Shift traffic to the new version in equal steps.

        Args:
            percent: The percentage of the traffic in each step, 3 to 100 in steps of 0.1. Default: 10.
            bake: The bake time of each step except the last, up to 24 h in whole minutes. Default: 6 minutes.
            final_bake: The time for which the old version keeps running after the last shift, up to 24 h in whole
                minutes. Default: `bake`.
            alarms: The alarms that trigger a rollback, or None to roll back only by hand. Default: `RollbackAlarms()`.
            hooks: The lifecycle hooks. Default: none.

        Raises:
            ValueError: If an argument is outside the limits of ECS, or the hooks and bake times can exceed 33 hours in
                total.
        """
        return cls._in_steps(Shift.LINEAR, percent, bake, final_bake, alarms, hooks)

    @classmethod
    def _in_steps(
        cls,
        shift: Shift,
        percent: float,
        bake: cdk.Duration | dt.timedelta,
        final_bake: cdk.Duration | dt.timedelta | None,
        alarms: RollbackAlarms | None,
        hooks: Iterable[LifecycleHook],
    ) -> Rollout:
        """Create a rollout that shifts traffic in steps. The default of `final_bake` is `bake`."""
        bake_seconds = seconds(bake)
        return cls(
            shift=shift,
            percent=percent,
            bake=bake_seconds,
            final_bake=bake_seconds if final_bake is None else seconds(final_bake),
            alarms=alarms,
            hooks=hooks,
        )

    @property
    def _shifts_traffic(self) -> bool:
        """True if all tasks of the new version start before traffic is shifted to them."""
        return self.shift is not Shift.ROLLING

    @property
    def _traffic_shifts(self) -> int:
        """The number of times that production traffic is shifted, counted as CloudFormation counts steps."""
        if self.shift is Shift.LINEAR and self.percent:
            return math.ceil(100 / self.percent)
        return {Shift.ROLLING: 0, Shift.BLUE_GREEN: 1}.get(self.shift, 2)

    @property
    def _total_bake(self) -> int:
        """The sum of all bake times in seconds, as CloudFormation counts bake times for its limit.

        Source: CloudFormation's CanaryConfiguration and LinearConfiguration of an ECS service.
        """
        return (self.final_bake or 0) + max(self._traffic_shifts - 1, 0) * (self.bake or 0)

    @property
    def _network_load_balancer_wait(self) -> int:
        """The total time in seconds that ECS waits for a Network Load Balancer.

        ECS waits after the shift of test traffic and after each shift of production traffic (ECS developer guide,
        "Network Load Balancer resources for Amazon ECS blue/green, linear and canary deployments").
        """
        return _NETWORK_LOAD_BALANCER_SECONDS * (1 + self._traffic_shifts) if self._shifts_traffic else 0

    def _longest_hooks(self, pause: int = 0) -> int:
        """Return the sum of the timeouts of the hooks, in seconds. A function without a timeout counts as 0.

        Args:
            pause: The timeout of pauses that have no timeout of their own, in seconds. Default: 0.
        """
        return sum(
            (pause if hook.timeout is None and hook.handler is None else hook.timeout or 0)
            * (self._traffic_shifts if stage._is_of_each_shift else 1)
            for hook in self.hooks
            for stage in hook.stages
        )

    def _check_longest(self, problems: Problems, added_seconds: int = 0) -> None:
        """Check that CloudFormation waits long enough for all hooks, bake times and shifts.

        Args:
            problems: The problems to add to.
            added_seconds: The additional time in seconds that the service's deployment takes, such as waits for a
                Network Load Balancer. Default: 0.
        """
        total = self._total_bake + self._longest_hooks() + added_seconds
        limit = self._for_steps(rollout_limits.ROLLOUT_TOTAL)
        problems.check(limit, "the sum of hook timeouts, bake times and shifts", total)

    def _for_steps(self, limit: Limit) -> Limit:
        """Return a time limit. For a linear rollout, add to the hint of the limit that fewer steps help."""
        is_linear = self.shift is Shift.LINEAR
        return limit._replace(hint=f"{limit.hint}{rollout_limits.FEWER_STEPS}") if is_linear else limit

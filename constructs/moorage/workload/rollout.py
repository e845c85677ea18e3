"""How a new version replaces the old one, and what stops it."""

from __future__ import annotations

import datetime as dt
import enum
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from moorage.workload import rollout_limits
from moorage.workload.circuit_breaker import CircuitBreaker
from moorage.workload.durations import default_seconds, optional_milliseconds, optional_seconds, seconds
from moorage.workload.problems import Problems
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_sns as sns

    from moorage.workload.durations import Duration
    from moorage.workload.lifecycle_hooks import LifecycleHook

_DEFAULT_BREAKER = CircuitBreaker()
_DEFAULT_BLUE_GREEN_BAKE = dt.timedelta(minutes=15)
_DEFAULT_CANARY_BAKE = dt.timedelta(minutes=10)
_DEFAULT_LINEAR_BAKE = dt.timedelta(minutes=6)
_NETWORK_LOAD_BALANCER_SECONDS = 600


@value_class
@attrs.frozen
class EarlySuccess:
    """A rolling rollout counts as done once a share of the new tasks is healthy; ECS starts the others behind it.

    Args:
        healthy_percent: The share, 0 to 100 % and not below the rollout's `minimum_healthy_percent`.
        remove_old_first: Whether the old tasks must be gone before it counts as done.

    Raises:
        ValueError: the share is no percentage.
    """

    healthy_percent: int
    remove_old_first: bool = attrs.field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = Problems("EarlySuccess")
        problems.check(rollout_limits.EARLY_SUCCESS, "healthy_percent", self.healthy_percent)
        problems.raise_any()


def _alarms(alarms: Iterable[cloudwatch.IAlarm]) -> tuple[cloudwatch.IAlarm, ...]:
    return tuple(alarms)


@value_class
@attrs.frozen(kw_only=True)
class RollbackAlarms:
    """Alarms that take a rollout back: three are defined over the targets of all the service's routes.

    Over those of a `Listener` only that of unhealthy targets is: a network load balancer knows of no answers.
    One that is in alarm already when a rollout begins does not stop it (ECS developer guide, deployment alarms). A new
    version whose tasks never start has no targets, and one that never answers has no errors: the first is heard by
    nothing but the time limit of CloudFormation, the second by the alarm on latency once an answer comes.

    Args:
        errors_percent: Answers of 500 and above, and connections that tasks refuse or reset, more than this share of
            the 20 requests or more that one of the versions gets in a minute; None for no alarm. A canary of 5 % is
            heard if there are 400 requests in a minute.
        latency: The time to an answer that 1 of 100 takes longer than, kept in milliseconds; None for no alarm.
        unhealthy_targets: So many targets that fail their health check; None for no alarm.
        evaluation_minutes: How many minutes in a row it must be so, 1 or more; for unhealthy targets at least a minute
            more than the longest `HealthCheck(start_period=)`, or a slow start would take the version back.
        extra_alarms: Alarms of your own, which take it back too.
        topic: The topic to tell besides, in the region of the service; CloudWatch is let in by the policies of the
            topic and of its key. Default: the alarms only roll back.

    Raises:
        ValueError: an argument is outside its limit, or there is no alarm left.
    """

    errors_percent: float | None = 5
    latency: int | None = attrs.field(converter=optional_milliseconds, default=default_seconds(5))
    unhealthy_targets: int | None = 1
    evaluation_minutes: int = 3
    extra_alarms: tuple[cloudwatch.IAlarm, ...] = attrs.field(converter=_alarms, default=())
    topic: sns.ITopic | None = None

    def __attrs_post_init__(self) -> None:
        problems = Problems("RollbackAlarms")
        problems.check(rollout_limits.ALARM_PERCENT, "errors_percent", self.errors_percent)
        problems.check(rollout_limits.ALARM_COUNT, "latency", self.latency)
        problems.check(rollout_limits.ALARM_COUNT, "unhealthy_targets", self.unhealthy_targets)
        problems.check(rollout_limits.ALARM_MINUTES, "evaluation_minutes", self.evaluation_minutes)
        if not self._watches_targets and not self.extra_alarms:
            problems.add("there is no alarm left; use errors_percent=, latency=, unhealthy_targets= or extra_alarms=")
        problems.raise_any()

    @property
    def _watches_targets(self) -> bool:
        """Return whether one of the alarms watches the targets of routes."""
        return any(each is not None for each in (self.errors_percent, self.latency, self.unhealthy_targets))

    def _has_alarm(self, *, reads_requests: bool) -> bool:
        """Return whether there is an alarm over targets whose load balancer reads requests, or does not."""
        return bool(self.extra_alarms) or (
            self._watches_targets if reads_requests else self.unhealthy_targets is not None
        )


class Shift(enum.Enum):
    """ECS's words for how traffic goes from the old version to the new one."""

    ROLLING = "ROLLING"
    BLUE_GREEN = "BLUE_GREEN"
    CANARY = "CANARY"
    LINEAR = "LINEAR"


def _hooks(hooks: Iterable[LifecycleHook]) -> tuple[LifecycleHook, ...]:
    return tuple(hooks)


@value_class
@attrs.frozen(kw_only=True)
class Rollout:
    """How a new version replaces the old one, and what stops it: made by `rolling`, `blue_green`, `canary`, `linear`.

    The last three start the new version whole beside the old one, twice the capacity, and shift the traffic of the
    service's routes to it; for as long as the old one stands, going back takes seconds.

    Args:
        shift: How traffic goes over.
        minimum_healthy_percent: The share of the copies that stays healthy, rounded up.
        maximum_percent: The share of the copies that may run at once, rounded down.
        percent: The share of the traffic in the first step (canary) or in each (linear).
        bake: How long the new version is watched after each shift but the last, in seconds.
        final_bake: How long it is watched before the old version goes, in seconds.
        circuit_breaker: When tasks that keep failing end it; for rolling alone.
        early_success: When it counts as done before all tasks are healthy; for rolling alone.
        alarms: What takes it back.
        hooks: What runs or waits at its stages.
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
            problems.check(rollout_limits.ROLLOUT_DURATION, "the sum of all bake times", self._total_bake)
        if not problems.messages:
            self._check_longest(problems)
        if self.early_success:
            pair = (self.early_success.healthy_percent, self.minimum_healthy_percent)
            problems.check(rollout_limits.EARLY_SUCCESS_LEAST, "early_success", pair)
        for hook in self.hooks:
            for stage in hook.stages:
                if self.shift is Shift.ROLLING and stage._shifts_traffic:
                    problems.add(
                        f"hooks has one at {stage.name}, but a rolling rollout shifts no traffic; "
                        "use another stage, or Rollout.blue_green(...)"
                    )
        problems.raise_any()

    @classmethod
    def rolling(
        cls,
        *,
        minimum_healthy_percent: int = 100,
        maximum_percent: int = 200,
        bake: Duration | None = None,
        circuit_breaker: CircuitBreaker | None = _DEFAULT_BREAKER,
        early_success: EarlySuccess | None = None,
        alarms: RollbackAlarms | None = None,
        hooks: Iterable[LifecycleHook] = (),
    ) -> Rollout:
        """New tasks start beside old ones, which go as the new ones get healthy.

        A service whose rollouts shifted traffic serves from its two target groups in turns, and a rolling rollout knows
        only the first. So look before you go back to it: `aws elbv2 describe-rules` (of a `Listener`,
        `describe-listeners`) shows the weights. If the second group, with `Alternate` in its id, has the traffic,
        deploy once more with the shifting rollout, which turns them; from the second group, requests would fail until
        new tasks are healthy in the first.

        Args:
            minimum_healthy_percent: The share of the copies that stays healthy meanwhile, 0 to 100 %.
            maximum_percent: The share of the copies that may run at once, 100 to 200 %; with `minimum_healthy_percent`
                it must leave room to start a task or to stop one.
            bake: How long alarms are watched once all is new, up to 24 h in whole minutes.
            circuit_breaker: When tasks that keep failing end it; None waits for hours.
            early_success: When it counts as done before all tasks are healthy.
            alarms: What takes it back besides; the circuit breaker alone without it.
            hooks: What runs or waits before tasks start, and after.

        Raises:
            ValueError: with all that ECS would not take, or that could make no progress.
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
        bake: Duration = _DEFAULT_BLUE_GREEN_BAKE,
        alarms: RollbackAlarms | None = RollbackAlarms(),  # frozen
        hooks: Iterable[LifecycleHook] = (),
    ) -> Rollout:
        """All traffic goes to the new version at once; the old one stays for the bake time, to go back to.

        Args:
            bake: How long the old version stays, up to 24 h in whole minutes.
            alarms: What takes it back; None for what the user calls alone.
            hooks: What runs or waits at its stages.

        Raises:
            ValueError: with all that ECS would not take.
        """
        return cls(shift=Shift.BLUE_GREEN, final_bake=seconds(bake), alarms=alarms, hooks=hooks)

    @classmethod
    def canary(
        cls,
        *,
        percent: float = 5,
        bake: Duration = _DEFAULT_CANARY_BAKE,
        final_bake: Duration | None = None,
        alarms: RollbackAlarms | None = RollbackAlarms(),  # frozen
        hooks: Iterable[LifecycleHook] = (),
    ) -> Rollout:
        """A share of the traffic goes to the new version, and when nothing was wrong with it, all.

        Args:
            percent: The share, 0.1 to 100 % by tenths.
            bake: How long that share is watched, up to 24 h in whole minutes.
            final_bake: How long the old version stays after all traffic has gone over; as long as `bake` without it.
            alarms: What takes it back; None for what the user calls alone.
            hooks: What runs or waits at its stages.

        Raises:
            ValueError: with all that ECS would not take.
        """
        return cls._in_steps(Shift.CANARY, percent, bake, final_bake, alarms, hooks)

    @classmethod
    def linear(
        cls,
        *,
        percent: float = 10,
        bake: Duration = _DEFAULT_LINEAR_BAKE,
        final_bake: Duration | None = None,
        alarms: RollbackAlarms | None = RollbackAlarms(),  # frozen
        hooks: Iterable[LifecycleHook] = (),
    ) -> Rollout:
        """Traffic goes to the new version in equal steps.

        Args:
            percent: The share of each step, 3 to 100 % by tenths.
            bake: How long each step but the last is watched, up to 24 h in whole minutes.
            final_bake: How long the old version stays after all traffic has gone over; as long as `bake` without it.
            alarms: What takes it back; None for what the user calls alone.
            hooks: What runs or waits at its stages.

        Raises:
            ValueError: with all that ECS would not take.
        """
        return cls._in_steps(Shift.LINEAR, percent, bake, final_bake, alarms, hooks)

    @classmethod
    def _in_steps(
        cls,
        shift: Shift,
        percent: float,
        bake: Duration,
        final_bake: Duration | None,
        alarms: RollbackAlarms | None,
        hooks: Iterable[LifecycleHook],
    ) -> Rollout:
        """Make a rollout that shifts traffic in steps; the final bake is as long as the others by default."""
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
        """Return whether all tasks of the new version start before traffic is shifted to it."""
        return self.shift is not Shift.ROLLING

    @property
    def _traffic_shifts(self) -> int:
        """Return how often production traffic is shifted, as CloudFormation counts the steps."""
        if self.shift is Shift.LINEAR and self.percent:
            return math.ceil(100 / self.percent)
        return {Shift.ROLLING: 0, Shift.BLUE_GREEN: 1}.get(self.shift, 2)

    @property
    def _total_bake(self) -> int:
        """Return the sum of all bake times in seconds, as CloudFormation counts it against its own limit.

        Source: CloudFormation's CanaryConfiguration and LinearConfiguration of an ECS service.
        """
        return (self.final_bake or 0) + max(self._traffic_shifts - 1, 0) * (self.bake or 0)

    @property
    def _network_load_balancer_wait(self) -> int:
        """Return how long ECS waits for a network load balancer in all, in seconds.

        It does after the shift of test traffic and after each of production traffic (ECS developer guide, "Network Load
        Balancer resources for Amazon ECS blue/green, linear and canary deployments").
        """
        return _NETWORK_LOAD_BALANCER_SECONDS * (1 + self._traffic_shifts) if self._shifts_traffic else 0

    def _longest_hooks(self, pause: int = 0) -> int:
        """Return how long its hooks may take in all, in seconds.

        Args:
            pause: The time limit of a pause that has none of its own.
        """
        return sum(
            (pause if hook.timeout is None and hook.handler is None else hook.timeout or 0)
            * (self._traffic_shifts if stage._is_of_each_shift else 1)
            for hook in self.hooks
            for stage in hook.stages
        )

    def _check_longest(self, problems: Problems, added_seconds: int = 0) -> None:
        """Note hooks, bake times and shifts that CloudFormation does not wait for.

        Args:
            problems: The problems to add to.
            added_seconds: What its service adds.
        """
        total = self._total_bake + self._longest_hooks() + added_seconds
        problems.check(rollout_limits.ROLLOUT_TOTAL, "the sum of timeouts of hooks, bake times and shifts", total)

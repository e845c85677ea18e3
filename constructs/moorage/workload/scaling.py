"""How many copies of a task run, and what moves the number."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from moorage.workload import rollout_limits, scaling_limits, service_limits
from moorage.workload.durations import default_seconds, seconds
from moorage.workload.problems import Problems, is_token
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from aws_cdk import aws_sqs as sqs

    from moorage.workload.scaling_targets import MetricTarget, PredictiveScaling, ScheduledAction


def _as_metrics(metrics: Iterable[MetricTarget]) -> tuple[MetricTarget, ...]:
    return tuple(metrics)


def _as_schedules(schedules: Iterable[ScheduledAction]) -> tuple[ScheduledAction, ...]:
    return tuple(schedules)


def _minimum(scaling: Scaling) -> int:
    return scaling.minimum


@value_class
@attrs.frozen
class Scaling:
    """How many copies run: a number, or a range and what moves the number in it.

    Args:
        minimum: The least, 0 to 5,000, and 1 where nothing but the use of the tasks moves the number;
            `Scaling.surviving_zone_loss` works out what outlives a zone.
        maximum: The most; without it the number is `minimum`, and only `schedules` change it.
        cpu_percent: Keep the average CPU use near this share of what the tasks reserve, 1 or more; above 100 only on
            instances.
        memory_percent: Keep the average memory use near this share, 1 to 100.
        requests_per_task: Keep the requests that each task gets in a minute near this; the service needs a route.
        backlog_per_task: Keep the messages of a queue, waiting and in work, near this number for each task.
        queue: The queue of `backlog_per_task`; a `Worker` gives its own.
        metrics: Other metrics that are kept near a value; all targets together are 50 policies at most.
        schedules: Changes of the range by the clock, 200 at most.
        predictive: Whether copies are started before the load comes.
        high_resolution: Whether ECS measures CPU and memory every 20 s in place of every 60 s, and `cpu_percent` and
            `memory_percent` follow that; priced as custom metrics are.
        scale_out_cooldown: After adding tasks, how long before adding more.
        scale_in_cooldown: After removing tasks, how long before removing more.

    Raises:
        ValueError: the range is the wrong way round or outside the limits, or nothing moves the number in it.
    """

    minimum: int
    maximum: int = attrs.field(default=attrs.Factory(_minimum, takes_self=True))
    cpu_percent: float | None = attrs.field(default=None, kw_only=True)
    memory_percent: float | None = attrs.field(default=None, kw_only=True)
    requests_per_task: float | None = attrs.field(default=None, kw_only=True)
    backlog_per_task: float | None = attrs.field(default=None, kw_only=True)
    queue: sqs.IQueue | None = attrs.field(default=None, kw_only=True)
    metrics: tuple[MetricTarget, ...] = attrs.field(converter=_as_metrics, default=(), kw_only=True)
    schedules: tuple[ScheduledAction, ...] = attrs.field(converter=_as_schedules, default=(), kw_only=True)
    predictive: PredictiveScaling | None = attrs.field(default=None, kw_only=True)
    high_resolution: bool = attrs.field(default=False, kw_only=True)
    scale_out_cooldown: int = attrs.field(converter=seconds, default=default_seconds(60), kw_only=True)
    scale_in_cooldown: int = attrs.field(converter=seconds, default=default_seconds(300), kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = Problems(f"Scaling({self.minimum}, {self.maximum})")
        problems.check(rollout_limits.COPIES, "minimum", self.minimum)
        problems.check(rollout_limits.TASKS, "minimum", self.minimum)
        if self.maximum != self.minimum:
            problems.check(rollout_limits.COPIES, "maximum", self.maximum)
            problems.check(rollout_limits.TASKS, "maximum", self.maximum)
        problems.check(rollout_limits.SCALING_RANGE, "minimum", (self.minimum, self.maximum))
        problems.check(scaling_limits.CPU_TARGET, "cpu_percent", self.cpu_percent)
        problems.check(scaling_limits.TARGET_PERCENT, "memory_percent", self.memory_percent)
        problems.check(rollout_limits.TARGET_VALUE, "requests_per_task", self.requests_per_task)
        problems.check(rollout_limits.TARGET_VALUE, "backlog_per_task", self.backlog_per_task)
        for argument, values in (("metrics", self.metrics), ("schedules", self.schedules)):
            problems.check(
                rollout_limits.UNIQUE_SCALING_NAMES, f"the names of {argument}", [each.name for each in values]
            )
        problems.check(scaling_limits.SCALING_POLICIES, "the number of targets", self._policies)
        problems.check(scaling_limits.SCHEDULED_ACTIONS, "the number of schedules", len(self.schedules))
        if self.queue is not None and self.backlog_per_task is None:
            problems.add("queue is given, but nothing counts its messages; use backlog_per_task=, or leave it out")
        problems.check(rollout_limits.SCALING_COOLDOWN, "scale_out_cooldown", self.scale_out_cooldown)
        problems.check(rollout_limits.SCALING_COOLDOWN, "scale_in_cooldown", self.scale_in_cooldown)
        self._check_movement(problems)
        self._check_schedules(problems)
        self._check_resolution(problems)
        problems.raise_any()

    @staticmethod
    def surviving_zone_loss(*, peak: int, zones: int) -> int:
        """The least number of copies of which `peak` are left when the fullest of their zones is lost.

        Copies are spread over zones evenly, so with one zone go as many as the number divided by the zones, rounded up
        (AWS containers blog, Amazon ECS availability best practices). A multiple of the zones wastes least.

        Args:
            peak: How many copies serve the most that is asked of them.
            zones: Over how many availability zones they are spread, 2 or more.

        Raises:
            ValueError: there is no zone left, or nothing to serve.
        """
        problems = Problems("Scaling.surviving_zone_loss")
        problems.check(service_limits.ZONES, "zones", zones)
        problems.check(rollout_limits.PEAK, "peak", peak)
        problems.raise_any()
        return math.ceil(peak * zones / (zones - 1))

    def left_without_a_zone(self, zones: int) -> int:
        """How many of the least copies are left when the fullest of so many zones is lost."""
        return self.minimum - math.ceil(self.minimum / zones)

    @property
    def _has_target(self) -> bool:
        """Return whether a metric is kept near a target by changing the number of copies."""
        return self._targets > 0

    @property
    def _targets(self) -> int:
        targets = (self.cpu_percent, self.memory_percent, self.requests_per_task, self.backlog_per_task)
        return sum(target is not None for target in targets) + len(self.metrics)

    @property
    def _policies(self) -> int:
        """Return the number of its scaling policies: one a target, the step from zero, and the forecast."""
        steps_from_zero = self.backlog_per_task is not None and self.minimum == 0
        return self._targets + steps_from_zero + (self.predictive is not None)

    @property
    def _changes_count(self) -> bool:
        """Return whether the number of copies is changed automatically, so that a deployment must not set it."""
        return self._has_target or bool(self.schedules) or self.predictive is not None

    def _check_resolution(self, problems: Problems) -> None:
        """Warn about metrics every 20 s that no target follows; without a target they may be there to be looked at."""
        follows = self.cpu_percent is not None or self.memory_percent is not None or self.metrics
        if self.high_resolution and self._has_target and not follows:
            problems.warn(
                "high_resolution=True, but only cpu_percent and memory_percent follow metrics every 20 s, which are "
                "priced; use one of them beside it, or leave it out"
            )

    def _check_schedules(self, problems: Problems) -> None:
        """Note a change that Application Auto Scaling would refuse at its time, whatever other changes came before."""
        maximums = [self.maximum, *(each.maximum for each in self.schedules if each.maximum is not None)]
        minimums = [self.minimum, *(each.minimum for each in self.schedules if each.minimum is not None)]
        if is_token((*maximums, *minimums)):
            return
        for action in self.schedules:
            if action.minimum is not None and action.minimum > max(maximums):
                problems.add(
                    f"schedule {action.name!r} raises the minimum to {action.minimum}, but no maximum is above "
                    f"{max(maximums)}, and the range would be the wrong way round; use maximum= in it"
                )
            if action.maximum is not None and action.maximum < min(minimums):
                problems.add(
                    f"schedule {action.name!r} lowers the maximum to {action.maximum}, but no minimum is below "
                    f"{min(minimums)}, and the range would be the wrong way round; use minimum= in it"
                )

    @property
    def _scales_predictively(self) -> bool:
        """Return whether a forecast starts copies, and is not only shown."""
        return self.predictive is not None and not self.predictive.forecast_only

    @property
    def _scales_from_zero(self) -> bool:
        """Return whether something other than the tasks themselves can raise the number from zero."""
        return bool(self.backlog_per_task is not None or self.metrics or self.schedules or self._scales_predictively)

    def _check_movement(self, problems: Problems) -> None:
        if is_token((self.minimum, self.maximum)):
            return
        if self._scales_predictively and not (self._has_target or self.schedules):
            problems.add(
                "predictive only adds copies, and nothing would ever take them away; "
                "use cpu_percent= or another target beside it"
            )
        elif self.minimum < self.maximum and not (self._has_target or self.schedules):
            problems.add(
                f"nothing moves the number between {self.minimum} and {self.maximum}; "
                "use cpu_percent=, memory_percent=, requests_per_task= or another target, or one number"
            )
        if self.minimum == 0 and self._has_target and not self._scales_from_zero:
            problems.add(
                "minimum is 0, but what no task does cannot be measured, so the number would never rise again; "
                "use 1, or backlog_per_task=, metrics= or schedules= beside"
            )
        if self.minimum == self.maximum and (self._has_target or self._scales_predictively) and not self.schedules:
            problems.add(
                f"minimum and maximum are both {self.minimum}, so the target moves nothing; "
                "use a larger maximum, or no target"
            )

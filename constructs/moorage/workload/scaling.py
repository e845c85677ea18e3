"""The number of copies of a task, and its scaling."""

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
    """The number of copies that run: a fixed number, or a range within which targets and schedules scale the number.

    Args:
        minimum: The minimum number of copies, 0 or more. A number above 5,000, the default quota, causes a warning. The
            minimum must be at least 1 if only metrics of the tasks themselves scale the number.
            `Scaling.surviving_zone_loss` returns a number that tolerates the loss of a zone.
        maximum: The maximum number of copies. Default: `minimum`, so only `schedules` change the number.
        cpu_percent: The target of the average CPU utilization in percent of the reserved CPU, 1 or more. Only tasks on
            instances can exceed 100. Default: no target.
        memory_percent: The target of the average memory utilization in percent, 1 to 100. Default: no target.
        requests_per_task: The target number of requests per minute for each task. The service needs a route.
            Default: no target.
        backlog_per_task: The target number of messages in a queue for each task, both waiting and in flight.
            Default: no target.
        queue: The queue of `backlog_per_task`. Default: none. A `Worker` uses its own queue.
        metrics: Further metrics with targets. All targets together can have at most 50 scaling policies.
            Default: none.
        schedules: The scheduled changes of the range, at most 200. Default: none.
        predictive: The predictive scaling, which starts copies before the load rises. Default: none.
        high_resolution: Whether to publish CPU and memory metrics every 20 s instead of every 60 s. `cpu_percent` and
            `memory_percent` then use these metrics, which are billed as custom metrics. Default: False.
        scale_out_cooldown: The time after a scale-out before the next scale-out. Default: 60 s.
        scale_in_cooldown: The time after a scale-in before the next scale-in. Default: 300 s.

    Raises:
        ValueError: If an argument is outside its limit, the minimum exceeds the maximum, nothing scales the number
            within the range, or arguments contradict each other.
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
            problems.add("queue must not be given without backlog_per_task; use backlog_per_task=, or leave queue= out")
        problems.check(rollout_limits.SCALING_COOLDOWN, "scale_out_cooldown", self.scale_out_cooldown)
        problems.check(rollout_limits.SCALING_COOLDOWN, "scale_in_cooldown", self.scale_in_cooldown)
        self._check_movement(problems)
        self._check_schedules(problems)
        self._check_resolution(problems)
        problems.raise_any()

    @staticmethod
    def surviving_zone_loss(*, peak: int, zones: int) -> int:
        """Return the number of copies that leaves at least `peak` copies when the zone with the most copies is lost.

        Copies are spread evenly, so the loss of a zone removes the number of copies divided by the number of zones,
        rounded up (AWS containers blog, Amazon ECS availability best practices). A multiple of the number of zones is
        the most efficient.

        Args:
            peak: The number of copies that the peak load needs, 1 or more.
            zones: The number of Availability Zones over which the copies are spread, 2 to 6.

        Raises:
            ValueError: If an argument is below its minimum, or `zones` is above 6.
        """
        problems = Problems("Scaling.surviving_zone_loss")
        problems.check(service_limits.ZONES, "zones", zones)
        problems.check(rollout_limits.PEAK, "peak", peak)
        problems.raise_any()
        return math.ceil(peak * zones / (zones - 1))

    def left_without_a_zone(self, zones: int) -> int:
        """Return how many of the `minimum` copies remain when the zone with the most copies is lost.

        Args:
            zones: The number of Availability Zones over which the copies are spread.
        """
        return self.minimum - math.ceil(self.minimum / zones)

    @property
    def _has_target(self) -> bool:
        """True if the number of copies follows the target of a metric."""
        return self._targets > 0

    @property
    def _targets(self) -> int:
        targets = (self.cpu_percent, self.memory_percent, self.requests_per_task, self.backlog_per_task)
        return sum(target is not None for target in targets) + len(self.metrics)

    @property
    def _policies(self) -> int:
        """The number of scaling policies: one for each target, one for the step from zero, and one for the forecast."""
        steps_from_zero = self.backlog_per_task is not None and self.minimum == 0
        return self._targets + steps_from_zero + (self.predictive is not None)

    @property
    def _changes_count(self) -> bool:
        """True if the number of copies changes automatically, so that a deployment must not set the number."""
        return self._has_target or bool(self.schedules) or self.predictive is not None

    def _check_resolution(self, problems: Problems) -> None:
        """Warn about high-resolution metrics that no target uses. Without targets, the metrics may be for display."""
        follows = self.cpu_percent is not None or self.memory_percent is not None or self.metrics
        if self.high_resolution and self._has_target and not follows:
            problems.warn(
                "high_resolution should be used only with cpu_percent or memory_percent (got neither), since only "
                "these targets use the metrics, which are billed; use one of these targets, or leave "
                "high_resolution= out"
            )

    def _check_schedules(self, problems: Problems) -> None:
        """Check that Application Auto Scaling can accept each scheduled change when the change takes effect."""
        maximums = [self.maximum, *(each.maximum for each in self.schedules if each.maximum is not None)]
        minimums = [self.minimum, *(each.minimum for each in self.schedules if each.minimum is not None)]
        if is_token((*maximums, *minimums)):
            return
        for action in self.schedules:
            if action.minimum is not None and action.minimum > max(maximums):
                problems.add(
                    f"minimum of schedule {action.name!r} must be at most the highest maximum, {max(maximums)} (got "
                    f"{action.minimum}); use a higher maximum= in this schedule, or a lower minimum="
                )
            if action.maximum is not None and action.maximum < min(minimums):
                problems.add(
                    f"maximum of schedule {action.name!r} must be at least the lowest minimum, {min(minimums)} (got "
                    f"{action.maximum}); use a lower minimum= in this schedule, or a higher maximum="
                )

    @property
    def _scales_predictively(self) -> bool:
        """True if the forecast starts copies and is not only displayed."""
        return self.predictive is not None and not self.predictive.forecast_only

    @property
    def _scales_from_zero(self) -> bool:
        """True if something other than the tasks themselves can raise the number from zero."""
        return bool(self.backlog_per_task is not None or self.metrics or self.schedules or self._scales_predictively)

    def _check_movement(self, problems: Problems) -> None:
        if is_token((self.minimum, self.maximum)):
            return
        if self._scales_predictively and not (self._has_target or self.schedules):
            problems.add(
                "predictive must be used only with a target or schedules, since a forecast never removes copies; "
                "use cpu_percent= or another target"
            )
        elif self.minimum < self.maximum and not (self._has_target or self.schedules):
            problems.add(
                f"a range must have a target or schedules (got {self.minimum} to {self.maximum} with neither); "
                "use cpu_percent=, memory_percent=, requests_per_task= or another target, or a fixed number"
            )
        if self.minimum == 0 and self._has_target and not self._scales_from_zero:
            problems.add(
                "minimum must be at least 1 with these targets (got 0), since without tasks there is no metric that "
                "could raise the number; use 1, or add backlog_per_task=, metrics= or schedules="
            )
        if self.minimum == self.maximum and (self._has_target or self._scales_predictively) and not self.schedules:
            problems.add(
                f"with a target, maximum must be above minimum (got {self.minimum} for both); "
                "use a larger maximum, or no target"
            )

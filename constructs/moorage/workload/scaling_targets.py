"""The scaling by any metric, by schedules and by forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from moorage.workload import rollout_limits, scaling_limits, schedule_expressions
from moorage.workload.durations import default_seconds, seconds
from moorage.workload.problems import Problems
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_scheduler as scheduler


@value_class
@attrs.frozen
class MetricTarget:
    """A target value for any metric, near which scaling keeps the metric by adding and removing copies.

    The metric must decrease as copies are added: a utilization, a backlog or a rate per copy, not a total.

    Args:
        name: The name: 1 to 249 printable ASCII characters, unique in the service. The name of the scaling policy is
            `Metric`, followed by this name.
        metric: The metric or math expression.
        target: The target value, above 0.

    Raises:
        ValueError: If the name is invalid or the target is not above 0.
    """

    name: str
    metric: cloudwatch.IMetric
    target: float

    def __attrs_post_init__(self) -> None:
        problems = Problems(f"MetricTarget {self.name!r}")
        problems.check(scaling_limits.POLICY_NAME, "name", self.name)
        problems.check(rollout_limits.TARGET_VALUE, "target", self.target)
        problems.raise_any()


@value_class
@attrs.frozen
class ScheduledAction:
    """A scheduled change of the range of copies.

    Args:
        name: The name: 1 to 240 characters without `:`, `/`, `|` and control characters, unique in the service. The
            name must not begin or end with a space.
        schedule: The times of the change, such as `ScheduleExpression.cron(hour="8", minute="0", time_zone=...)`.
        minimum: The new minimum number of copies. Default: unchanged.
        maximum: The new maximum number of copies. Default: unchanged.

    Raises:
        ValueError: If neither `minimum` nor `maximum` is given, the minimum exceeds the maximum, or an argument is
            outside its limit.
    """

    name: str
    schedule: scheduler.ScheduleExpression
    minimum: int | None = attrs.field(default=None, kw_only=True)
    maximum: int | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = Problems(f"ScheduledAction {self.name!r}")
        problems.check(scaling_limits.ACTION_NAME, "name", self.name)
        if self.minimum is None and self.maximum is None:
            problems.add("minimum or maximum must be given (got neither); use minimum= or maximum=")
        problems.check(rollout_limits.COPIES, "minimum", self.minimum)
        problems.check(rollout_limits.TASKS, "minimum", self.minimum)
        problems.check(rollout_limits.COPIES, "maximum", self.maximum)
        problems.check(rollout_limits.TASKS, "maximum", self.maximum)
        if self.minimum is not None and self.maximum is not None:
            problems.check(rollout_limits.SCALING_RANGE, "minimum", (self.minimum, self.maximum))
        self._check_schedule(problems)
        problems.raise_any()

    def _check_schedule(self, problems: Problems) -> None:
        schedule_expressions.check_expression("schedule", self.schedule.expression_string, problems)
        zone = self.schedule.time_zone
        if zone is not None:
            schedule_expressions.check_time_zone("the time_zone of schedule", zone.timezone_name, problems)


@value_class
@attrs.frozen(kw_only=True)
class PredictiveScaling:
    """The predictive scaling of a service, which starts copies before the load that two weeks of history predict.

    A forecast never removes copies. Exactly one of the three targets must be given. AWS forecasts the metric of this
    target.

    Args:
        cpu_percent: The target of the average CPU utilization in percent of the reserved CPU, 1 or more. Only tasks on
            instances can exceed 100. Default: no target.
        memory_percent: The target of the average memory utilization in percent, 1 to 100. Default: no target.
        requests_per_task: The target number of requests per minute for each task. The service needs a route.
            Default: no target.
        forecast_only: Whether to only display the forecast and start no copies. Default: False.
        scheduling_buffer: The time by which copies start before the load, less than an hour. Default: 300 s.
        max_capacity_buffer_percent: The percentage, 0 to 100, by which the capacity can exceed a forecast that is near
            or above the maximum. Default: the maximum is never exceeded.

    Raises:
        ValueError: If not exactly one target is given, or an argument is outside its limit.
    """

    cpu_percent: float | None = None
    memory_percent: float | None = None
    requests_per_task: float | None = None
    forecast_only: bool = False
    scheduling_buffer: int = attrs.field(converter=seconds, default=default_seconds(300))
    max_capacity_buffer_percent: int | None = None

    def __attrs_post_init__(self) -> None:
        problems = Problems("PredictiveScaling")
        targets = self._targets
        if len(targets) != 1:
            problems.add(
                f"exactly one target must be given (got {len(targets)}); "
                "use one of cpu_percent=, memory_percent= and requests_per_task="
            )
        problems.check(scaling_limits.CPU_TARGET, "cpu_percent", self.cpu_percent)
        problems.check(scaling_limits.TARGET_PERCENT, "memory_percent", self.memory_percent)
        problems.check(rollout_limits.TARGET_VALUE, "requests_per_task", self.requests_per_task)
        problems.check(rollout_limits.PREDICTED_AHEAD, "scheduling_buffer", self.scheduling_buffer)
        problems.check(rollout_limits.PREDICTED_ABOVE, "max_capacity_buffer_percent", self.max_capacity_buffer_percent)
        problems.raise_any()

    @property
    def _target(self) -> float:
        """The value of the only target."""
        (target,) = self._targets
        return target

    @property
    def _targets(self) -> list[float]:
        return [each for each in (self.cpu_percent, self.memory_percent, self.requests_per_task) if each is not None]

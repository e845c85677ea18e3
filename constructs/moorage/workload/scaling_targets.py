"""What moves the number of copies besides their own use: any metric, the clock, and what their history foretells."""

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
    """A metric of any kind that is kept near a value by adding and removing copies.

    It must fall as copies are added: a use, a backlog or a rate of each copy, not a total.

    Args:
        name: What it is called, 1 to 249 printable ASCII characters, once per service; the policy's name is `Metric`
            and this.
        metric: A metric or a math expression of CDK's.
        target: The value to keep it near, above 0.

    Raises:
        ValueError: the target is not above 0, or the name is not one.
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
    """A change of the range at a time of the clock.

    Args:
        name: What it is called, 1 to 240 characters without `:`, `/` and `|`; once per service.
        schedule: When, as jobs say it: `ScheduleExpression.cron(hour="8", minute="0", time_zone=...)`.
        minimum: The least from then on; as it was without it.
        maximum: The most from then on; as it was without it.

    Raises:
        ValueError: it changes nothing, or the range is the wrong way round or outside the limits.
    """

    name: str
    schedule: scheduler.ScheduleExpression
    minimum: int | None = attrs.field(default=None, kw_only=True)
    maximum: int | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = Problems(f"ScheduledAction {self.name!r}")
        problems.check(scaling_limits.ACTION_NAME, "name", self.name)
        if self.minimum is None and self.maximum is None:
            problems.add("it changes nothing; use minimum= or maximum=")
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
    """Copies that are started before the load comes, as two weeks of its history foretell it.

    It adds to what the targets do and never takes away. One of the three targets says what is foretold.

    Args:
        cpu_percent: CPU use, kept near this share of what the tasks reserve, 1 or more; above 100 only on instances.
        memory_percent: Memory use, likewise.
        requests_per_task: Requests in a minute that each task gets; the service needs a route.
        forecast_only: Whether the forecast is only shown, to see how good it is, and starts nothing.
        scheduling_buffer: How long before the load the copies start, less than an hour.
        max_capacity_buffer_percent: Lets a forecast near or above the maximum raise it, to so many percent above the
            forecast, 0 to 100 %; the maximum holds without it.

    Raises:
        ValueError: not one of the three is given, or an argument is outside its limit.
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
                f"it has {len(targets)} targets, but one thing is foretold; "
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
        """Return the value of the only target."""
        return self._targets[0]

    @property
    def _targets(self) -> list[float]:
        return [each for each in (self.cpu_percent, self.memory_percent, self.requests_per_task) if each is not None]

"""The alarms that roll back a rollout."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from moorage.workload import rollout_limits
from moorage.workload.durations import default_seconds, optional_milliseconds
from moorage.workload.problems import Problems
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_sns as sns


def _alarms(alarms: Iterable[cloudwatch.IAlarm]) -> tuple[cloudwatch.IAlarm, ...]:
    return tuple(alarms)


@value_class
@attrs.frozen(kw_only=True)
class RollbackAlarms:
    """The alarms that roll back a rollout. Up to three alarms are defined for the targets of all routes of the service.

    For the targets of a `Listener`, only the alarm on unhealthy targets is defined, since a Network Load Balancer has
    no metrics of responses.

    An alarm that is already in ALARM state when a rollout starts does not stop the rollout (ECS developer guide,
    deployment alarms). A new version whose tasks never start has no targets, so only the time limit of CloudFormation
    stops the rollout. A new version that hangs causes no errors. Only the alarm on latency detects such a version, and
    only when a late response arrives.

    Args:
        errors_percent: The percentage of failed requests above which the alarm triggers. Failed requests are responses
            of 500 and above, and connections that tasks refuse or reset. The alarm needs at least 20 requests to the
            new version in a minute. For a canary of 5%, these are 400 requests in total. None defines no alarm.
            Default: 5.
        latency: The response time, above 0, that 99% of the requests must not exceed. None defines no alarm.
            Default: 5 s.
        unhealthy_targets: The number of unhealthy targets, 1 or more, at which the alarm triggers. None defines no
            alarm. Default: 1.
        evaluation_minutes: The number of consecutive minutes after which an alarm triggers, 1 to 1,440. For unhealthy
            targets, the number is at least one more than the longest `HealthCheck(start_period=)`, so that a slow start
            causes no rollback. Default: 3.
        extra_alarms: Alarms of your own that also trigger a rollback. Default: none.
        topic: The SNS topic to notify, in the region of the service. The policies of the topic and of its key allow
            CloudWatch to publish. Default: none, so the alarms only trigger a rollback.

    Raises:
        ValueError: If an argument is outside its limit, or no alarm is given.
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
            problems.add(
                "at least one alarm must be given (got none); "
                "use errors_percent=, latency=, unhealthy_targets= or extra_alarms="
            )
        problems.raise_any()

    @property
    def _watches_targets(self) -> bool:
        """True if one of the alarms monitors the targets of routes."""
        return any(each is not None for each in (self.errors_percent, self.latency, self.unhealthy_targets))

    def _has_alarm(self, *, reads_requests: bool) -> bool:
        """Return whether an alarm applies to a service.

        Args:
            reads_requests: True if the service has targets of an Application Load Balancer, which reads requests.
        """
        return bool(self.extra_alarms) or (
            self._watches_targets if reads_requests else self.unhealthy_targets is not None
        )

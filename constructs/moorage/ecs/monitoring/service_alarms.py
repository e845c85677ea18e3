"""The alarms of a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from moorage.delivery.alarm_topic import check_alarm_topic, let_alarms_publish
from moorage.ecs.load_balancing.target_metrics import target_alarms
from moorage.ecs.service.imported_service import ImportedService
from moorage.ecs.service.service import Service
from moorage.scope.place import check_place
from moorage.workload import rollout_limits, scaling_limits
from moorage.workload.door import door
from moorage.workload.durations import default_seconds, optional_milliseconds
from moorage.workload.problems import Problems

if TYPE_CHECKING:
    import datetime as dt

    import aws_cdk as cdk
    from aws_cdk import aws_sns as sns

    from moorage.ecs.worker.worker import Worker

_DEFAULT_LATENCY = default_seconds(5)
Watch: TypeAlias = tuple[float, list[dict[str, Any]]]
"""A threshold, and the queries of the value to compare with the threshold."""
_CPU_METRIC, _MEMORY_METRIC = "CPUUtilization", "MemoryUtilization"


@attrs.frozen(kw_only=True)
class _Plan:
    """The thresholds of the alarms, with the latency in milliseconds. None stands for no alarm."""

    cpu_percent: float | None
    memory_percent: float | None
    errors_percent: float | None
    latency_milliseconds: int | None
    unhealthy_targets: int | None
    minutes: int

    def check(self, service: Service | ImportedService, problems: Problems) -> None:
        """Check the thresholds, and that at least one alarm applies to the service."""
        problems.check(scaling_limits.CPU_TARGET, "cpu_percent", self.cpu_percent)
        problems.check(scaling_limits.TARGET_PERCENT, "memory_percent", self.memory_percent)
        problems.check(rollout_limits.ALARM_PERCENT, "errors_percent", self.errors_percent)
        problems.check(rollout_limits.ALARM_COUNT, "latency", self.latency_milliseconds)
        problems.check(rollout_limits.ALARM_COUNT, "unhealthy_targets", self.unhealthy_targets)
        problems.check(rollout_limits.ALARM_MINUTES, "minutes", self.minutes)
        reads_requests = any(target.reads_requests for target in service._targets)
        applicable = [self.cpu_percent, self.memory_percent]
        applicable += [self.unhealthy_targets] if service._targets else []
        applicable += [self.errors_percent, self.latency_milliseconds] if reads_requests else []
        if all(threshold is None for threshold in applicable):
            problems.add("at least one alarm must apply to this service; set cpu_percent= or another threshold")

    def task_watches(self, service: Service | ImportedService) -> dict[str, Watch]:
        """Return the threshold and the metric of each alarm on tasks, by the name of the alarm."""
        thresholds = (("Cpu", self.cpu_percent, _CPU_METRIC), ("Memory", self.memory_percent, _MEMORY_METRIC))
        return {
            name: (percent, [_task_query(service, metric)])
            for name, percent, metric in thresholds
            if percent is not None
        }

    def target_watches(self, service: Service | ImportedService) -> dict[str, Watch]:
        """Return the threshold and the queries of each alarm on targets, by the name of the alarm."""
        return {
            f"{name}{target.suffix}": watch
            for target in service._targets
            for name, watch in target_alarms(
                target, self.errors_percent, self.latency_milliseconds, self.unhealthy_targets
            ).items()
        }


@door
class ServiceAlarms(Construct):
    """Alarms on the CPU and memory of a service, and on the errors, latency and health of each route's targets.

    Each alarm notifies a topic when the alarm goes into the ALARM state and when it returns to OK. To roll back
    deployments, use `RollbackAlarms` instead. A Network Load Balancer does not read responses, so a `Listener` has no
    alarms on errors and latency.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: Service | Worker | ImportedService,
        topic: sns.ITopic,
        cpu_percent: float | None = 90,
        memory_percent: float | None = 90,
        errors_percent: float | None = 5,
        latency: cdk.Duration | dt.timedelta | None = _DEFAULT_LATENCY,
        unhealthy_targets: int | None = 1,
        minutes: int = 5,
    ) -> None:
        """Define alarms on the CPU and memory of a service, and on errors, latency and health of its targets.

        The default thresholds are 90 % of CPU and of memory, 5 % errors, a latency of 5 seconds and one unhealthy
        target, each for 5 minutes.

        Args:
            scope: The scope in which to define this construct.
            construct_id: The ID of this construct in its scope.
            service: The service or worker, in the account and region of the alarms, or the result of
                `Service.from_attributes`.
            topic: The SNS topic to notify, in the region of the alarms. CloudWatch is allowed to publish to the topic
                and to use its key. The policies of an imported topic or key must already allow this. A topic that is
                encrypted with `alias/aws/sns` is refused.
            cpu_percent: The threshold for the average CPU use, in percent of the CPU that the tasks reserve, 1 or more,
                or None for no alarm. Default: 90.
            memory_percent: The threshold for the average memory use, in percent of the memory that the tasks reserve, 1
                to 100, or None for no alarm. Default: 90.
            errors_percent: The threshold for errors, in percent of the requests that a target group gets in a minute,
                if there are at least 20. Errors are responses of 500 and above, and refused or reset connections. At
                least 0 and below 100, or None for no alarm. Default: 5.
            latency: The threshold for the 99th percentile of the response time, rounded down to milliseconds, or None
                for no alarm. Default: 5 seconds.
            unhealthy_targets: The number of unhealthy targets at which the alarm triggers, 1 or more, or None for no
                alarm. Default: 1.
            minutes: The number of consecutive minutes after which an alarm triggers, 1 to 1,440. Default: 5.

        Raises:
            ValueError: If an argument is outside its limits, no alarm applies to the service, CloudWatch could not
                publish to the topic, or the service is in another account or region.
        """
        monitored = service_of(service)
        plan = _Plan(
            cpu_percent=cpu_percent,
            memory_percent=memory_percent,
            errors_percent=errors_percent,
            latency_milliseconds=optional_milliseconds(latency),
            unhealthy_targets=unhealthy_targets,
            minutes=minutes,
        )
        problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
        plan.check(monitored, problems)
        check_place(problems, "service", monitored, scope)
        check_alarm_topic(problems, "topic", topic, scope)
        problems.raise_any()

        super().__init__(scope, construct_id)
        watches = {**plan.task_watches(monitored), **plan.target_watches(monitored)}
        let_alarms_publish(topic, self)
        actions = [topic.topic_arn]
        self.alarms = {
            name: cloudwatch.CfnAlarm(
                self,
                name,
                comparison_operator="GreaterThanThreshold",
                evaluation_periods=minutes,
                threshold=threshold,
                treat_missing_data="notBreaching",
                metrics=queries,
                alarm_actions=actions,
                ok_actions=actions,
            )
            for name, (threshold, queries) in watches.items()
        }


def service_of(service: Service | Worker | ImportedService) -> Service | ImportedService:
    """Return the service of a worker, or the service itself."""
    return service if isinstance(service, Service | ImportedService) else service.service


def _task_query(service: Service | ImportedService, metric: str) -> dict[str, Any]:
    dimensions = {"ClusterName": service.cluster.cluster_name, "ServiceName": service.service.service_name}
    return {
        "id": "used",
        "returnData": True,
        "metricStat": {
            "metric": {
                "namespace": "AWS/ECS",
                "metricName": metric,
                "dimensions": [{"name": name, "value": value} for name, value in dimensions.items()],
            },
            "period": 60,
            "stat": "Average",
        },
    }

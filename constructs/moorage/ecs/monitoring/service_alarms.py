"""The alarms of a service that tell somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from moorage.delivery.alarm_topic import check_alarm_topic, let_alarms_publish
from moorage.ecs.load_balancing.target_metrics import target_alarms
from moorage.ecs.service.service import Service
from moorage.scope.place import check_place
from moorage.workload import rollout_limits, scaling_limits
from moorage.workload.door import door
from moorage.workload.durations import default_seconds, optional_milliseconds
from moorage.workload.problems import Problems

if TYPE_CHECKING:
    from aws_cdk import aws_sns as sns

    from moorage.ecs.worker.worker import Worker
    from moorage.workload.durations import Duration

_DEFAULT_LATENCY: Duration = default_seconds(5)
Watch: TypeAlias = tuple[float, list[dict[str, Any]]]
"""A threshold, and the queries for what it is compared with."""
_CPU_METRIC, _MEMORY_METRIC = "CPUUtilization", "MemoryUtilization"


@attrs.frozen(kw_only=True)
class _Plan:
    """The thresholds of the alarms, as the constructor got them; None for no alarm."""

    cpu_percent: float | None
    memory_percent: float | None
    errors_percent: float | None
    latency_milliseconds: int | None
    unhealthy_targets: int | None
    minutes: int

    def check(self, service: Service, problems: Problems) -> None:
        """Note every threshold outside its limit, and a service that is left without an alarm."""
        problems.check(scaling_limits.CPU_TARGET, "cpu_percent", self.cpu_percent)
        problems.check(scaling_limits.TARGET_PERCENT, "memory_percent", self.memory_percent)
        problems.check(rollout_limits.ALARM_PERCENT, "errors_percent", self.errors_percent)
        problems.check(rollout_limits.ALARM_COUNT, "latency", self.latency_milliseconds)
        problems.check(rollout_limits.ALARM_COUNT, "unhealthy_targets", self.unhealthy_targets)
        problems.check(rollout_limits.ALARM_MINUTES, "minutes", self.minutes)
        reads_requests = any(target.route._reads_requests for target in service._targets)
        applicable = [self.cpu_percent, self.memory_percent]
        applicable += [self.unhealthy_targets] if service._targets else []
        applicable += [self.errors_percent, self.latency_milliseconds] if reads_requests else []
        if all(threshold is None for threshold in applicable):
            problems.add("there is no alarm left that this service can ring; give cpu_percent= or another a number")

    def task_watches(self, service: Service) -> dict[str, Watch]:
        """Return the threshold and the metric of each alarm on tasks, by the alarm's name."""
        thresholds = (("Cpu", self.cpu_percent, _CPU_METRIC), ("Memory", self.memory_percent, _MEMORY_METRIC))
        return {
            name: (percent, [_task_query(service, metric)])
            for name, percent, metric in thresholds
            if percent is not None
        }

    def target_watches(self, service: Service) -> dict[str, Watch]:
        """Return the threshold and the queries of each alarm on targets, by the alarm's name."""
        return {
            f"{name}{target.suffix}": watch
            for target in service._targets
            for name, watch in target_alarms(
                target, self.errors_percent, self.latency_milliseconds, self.unhealthy_targets
            ).items()
        }


@door
class ServiceAlarms(Construct):
    """Alarms on a service: CPU, memory, and over the targets of each of its routes errors, latency and health.

    Each tells a topic when it rings and when it is over. `RollbackAlarms` are others, which take a rollout back. A
    network load balancer knows of no answers, so there is none on errors and latency of a `Listener`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: Service | Worker,
        topic: sns.ITopic,
        cpu_percent: float | None = 90,
        memory_percent: float | None = 90,
        errors_percent: float | None = 5,
        latency: Duration | None = _DEFAULT_LATENCY,
        unhealthy_targets: int | None = 1,
        minutes: int = 5,
    ) -> None:
        """Define the service alarms.

        Args:
            scope: Where they are defined.
            construct_id: Their id there.
            service: The service, or the worker, that is watched, in the account and region of the alarms.
            topic: The topic to tell, in the region of the alarms. CloudWatch is let in by the policies of the topic
                and of its key; one that is imported needs them already. `alias/aws/sns` as its key is refused.
            cpu_percent: The average share of what its tasks reserve of CPU, above which it rings; None for no alarm.
            memory_percent: The same of memory.
            errors_percent: Answers of 500 and above, and connections that tasks refuse or reset, more than this share
                of the 20 requests or more that one of the versions gets in a minute; None for no alarm.
            latency: The time to an answer that 1 of 100 takes longer than, kept in milliseconds; None for no alarm.
            unhealthy_targets: So many targets that fail their health check; None for no alarm.
            minutes: How many minutes in a row it must be so, 1 to 1,440.

        Raises:
            ValueError: an argument is outside its limit, or there is no alarm left.
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


def service_of(service: Service | Worker) -> Service:
    """Return the service itself, which a worker has."""
    return service if isinstance(service, Service) else service.service


def _task_query(service: Service, metric: str) -> dict[str, Any]:
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

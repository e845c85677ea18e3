"""The alarms of a service that tell somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from moorage.ecs.cdk_values import arn
from moorage.ecs.cluster.failure_events import let_publish
from moorage.ecs.load_balancing.target_metrics import on_target
from moorage.ecs.service.service import Service
from moorage.workload import rollout_limits
from moorage.workload.durations import default_seconds, optional_milliseconds
from moorage.workload.problems import Problems

if TYPE_CHECKING:
    from aws_cdk import aws_sns as sns

    from moorage.ecs.worker.worker import Worker
    from moorage.workload.durations import Duration

_FIVE_SECONDS: Duration = default_seconds(5)
_CPU, _MEMORY = "CPUUtilization", "MemoryUtilization"


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
        latency: Duration | None = _FIVE_SECONDS,
        unhealthy_targets: int | None = 1,
        minutes: int = 5,
    ) -> None:
        """Define the service alarms.

        Args:
            scope: Where they are defined.
            construct_id: Their id there.
            service: Whose; of a `Worker`, its tasks'.
            topic: What is told; its policy lets CloudWatch publish. A topic encrypted by a key needs a key of one's
                own, whose policy lets `cloudwatch.amazonaws.com` do `kms:Decrypt` and `kms:GenerateDataKey*`.
            cpu_percent: The average share of what its tasks reserve of CPU, above which it rings; None for no alarm.
            memory_percent: The same of memory.
            errors_percent: Answers of 500 and above, more than this share of the 20 or more that one of the versions
                gives in a minute; None for no alarm.
            latency: The time to an answer that 1 of 100 takes longer than, kept in milliseconds; None for no alarm.
            unhealthy_targets: So many targets that fail their health check; None for no alarm.
            minutes: How many minutes in a row it must be so, 1 to 1,440.

        Raises:
            ValueError: an argument is outside its limit, or there is no alarm left.
        """
        watched = service_of(service)
        milliseconds = optional_milliseconds(latency)
        problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
        for name, percent in (("cpu_percent", cpu_percent), ("memory_percent", memory_percent)):
            problems.check(rollout_limits.TARGET_PERCENT, name, percent)
        problems.check(rollout_limits.ALARM_PERCENT, "errors_percent", errors_percent)
        problems.check(rollout_limits.ALARM_COUNT, "latency", milliseconds)
        problems.check(rollout_limits.ALARM_COUNT, "unhealthy_targets", unhealthy_targets)
        problems.check(rollout_limits.ALARM_MINUTES, "minutes", minutes)
        of_routes = (errors_percent, milliseconds, unhealthy_targets)
        reads = any(target.route.reads_requests for target in watched.targets)
        ringing = of_routes if reads else (unhealthy_targets,) if watched.targets else ()
        if all(each is None for each in (cpu_percent, memory_percent, *ringing)):
            problems.add("there is no alarm left that this service can ring; give cpu_percent= or another a number")
        problems.raise_any()

        super().__init__(scope, construct_id)
        of_tasks = {
            name: (percent, [_of_tasks(watched, metric)])
            for name, percent, metric in (("Cpu", cpu_percent, _CPU), ("Memory", memory_percent, _MEMORY))
            if percent is not None
        }
        of_targets = {
            f"{name}{target.suffix}": alarm
            for target in watched.targets
            for name, alarm in on_target(target, *of_routes).items()
        }
        let_publish(topic, "cloudwatch.amazonaws.com", arn("cloudwatch", "alarm:*"))
        told = [topic.topic_arn]
        self.alarms = {
            name: cloudwatch.CfnAlarm(
                self,
                name,
                comparison_operator="GreaterThanThreshold",
                evaluation_periods=minutes,
                threshold=threshold,
                treat_missing_data="notBreaching",
                metrics=queries,
                alarm_actions=told,
                ok_actions=told,
            )
            for name, (threshold, queries) in {**of_tasks, **of_targets}.items()
        }


def service_of(service: Service | Worker) -> Service:
    """The service itself: a worker has one."""
    return service if isinstance(service, Service) else service.service


def _of_tasks(service: Service, metric: str) -> dict[str, Any]:
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

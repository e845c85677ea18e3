"""The scaling of the number of a service's tasks by Application Auto Scaling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from moorage.ecs.capacity.capacity import CapacityKind
from moorage.ecs.cdk_values import duration
from moorage.scope.place import Place, check_place, place_of
from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_ecs as ecs

    from moorage.ecs.load_balancing.target import Target
    from moorage.ecs.task.task_launch import Launch
    from moorage.workload.problems import Problems
    from moorage.workload.scaling import Scaling

HIGH_RESOLUTION_MONITORING: dict[str, Any] = {
    "MetricConfigurations": [{"MetricNames": ["CPUUtilization", "MemoryUtilization"], "ResolutionSeconds": 20}]
}
"""The `Monitoring` property of a service whose metrics have a resolution of 20 seconds."""


_FULL_PERCENT = 100


def check_scaling(scaling: Scaling, launch: Launch, problems: Problems) -> None:
    """Check the account and region of the queue and metrics, and that a scaling policy can follow each target."""
    check_place(problems, "queue of scaling", scaling.queue, launch.cluster)
    for target in scaling.metrics:
        stats = list(_stats_of(target.metric))
        for kind, own, other in _other_places(filter(None, stats), place_of(launch.cluster)):
            problems.add(
                f"metric {target.name!r} must be in {kind} {own}, since Application Auto Scaling reads no metrics of "
                f"another {kind} (got {other}); publish the metric in {kind} {own}"
            )
        if None in stats:
            # CloudWatch user guide, "Using search expressions in graphs": no alarm can be based on one
            problems.add(
                f"metric {target.name!r} must not contain a SEARCH expression, which returns several time series, "
                "while a scaling policy follows a single time series; use a metric, or a math expression over metrics"
            )
    predicted = scaling.predictive.cpu_percent if scaling.predictive else None
    on_fargate = launch.strategy._kind is CapacityKind.FARGATE
    for argument, percent in (("cpu_percent", scaling.cpu_percent), ("cpu_percent of predictive", predicted)):
        if on_fargate and percent is not None and percent > _FULL_PERCENT:
            problems.add(
                f"{argument} must be at most 100% on Fargate, where no task uses more than its size (got {percent}); "
                "use a percentage such as 60"
            )


def _stats_of(metric: cloudwatch.IMetric) -> Iterator[cloudwatch.MetricStatConfig | None]:
    """Yield the statistic of a metric, or of each metric in its expression; None stands for a SEARCH expression."""
    configuration = metric.to_metric_config()
    if configuration.math_expression:
        if re.search(r"\bSEARCH\s*\(", configuration.math_expression.expression):
            yield None
        for used_metric in configuration.math_expression.using_metrics.values():
            yield from _stats_of(used_metric)
    else:
        yield configuration.metric_stat


def _other_places(stats: Iterable[cloudwatch.MetricStatConfig], own_place: Place) -> Iterator[tuple[str, str, str]]:
    """Yield each account or region of a metric that is known to differ from the service's account or region.

    Each item is the kind (`account` or `region`), the value of the service and the value of the metric.
    """
    for stat in stats:
        for kind, own, other in zip(("account", "region"), own_place, (stat.account, stat.region), strict=True):
            if own and other and not is_token(other) and own != other:
                yield kind, own, other


def define_scaling(service: ecs.BaseService, scaling: Scaling, targets: Sequence[Target]) -> ecs.ScalableTaskCount:
    """Define the range of the number of copies, and the schedules and policies that change the number."""
    count = service.auto_scale_task_count(min_capacity=scaling.minimum, max_capacity=scaling.maximum)
    scale_in_cooldown, scale_out_cooldown = duration(scaling.scale_in_cooldown), duration(scaling.scale_out_cooldown)
    if scaling.cpu_percent is not None and not scaling.high_resolution:
        count.scale_on_cpu_utilization(
            "Cpu",
            target_utilization_percent=scaling.cpu_percent,
            scale_in_cooldown=scale_in_cooldown,
            scale_out_cooldown=scale_out_cooldown,
        )
    if scaling.memory_percent is not None and not scaling.high_resolution:
        count.scale_on_memory_utilization(
            "Memory",
            target_utilization_percent=scaling.memory_percent,
            scale_in_cooldown=scale_in_cooldown,
            scale_out_cooldown=scale_out_cooldown,
        )
    if scaling.requests_per_task is not None:
        for target in targets:
            if target.alternate is None and isinstance(target.group, elbv2.ApplicationTargetGroup):
                count.scale_on_request_count(
                    f"Requests{target.suffix}",
                    requests_per_target=scaling.requests_per_task,
                    target_group=target.group,
                    scale_in_cooldown=scale_in_cooldown,
                    scale_out_cooldown=scale_out_cooldown,
                )
    if scaling.schedules:
        _define_schedules(count, scaling)
    if _needs_own_policies(scaling, targets):
        from moorage.ecs.service.scaling_policies import ScalingPolicies  # noqa: PLC0415  # loads aws_cdk.aws_cloudwatch

        ScalingPolicies(service, count, scaling).define(targets)
    return count


def _define_schedules(count: ecs.ScalableTaskCount, scaling: Scaling) -> None:
    for action in scaling.schedules:
        count.scale_on_schedule(
            action.name,
            schedule=appscaling.Schedule.expression(action.schedule.expression_string),
            time_zone=action.schedule.time_zone,
            min_capacity=action.minimum,
            max_capacity=action.maximum,
        )


def _needs_own_policies(scaling: Scaling, targets: Sequence[Target]) -> bool:
    """Return True if there are policies that CDK's classes cannot define."""
    settings = (scaling.high_resolution, scaling.backlog_per_task, scaling.metrics, scaling.predictive)
    shifts_requests = scaling.requests_per_task is not None and any(target.alternate for target in targets)
    return shifts_requests or any(settings)

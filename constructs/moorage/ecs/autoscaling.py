"""What moves the number of a service's copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from moorage.ecs.values import duration

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs
    from aws_cdk import aws_elasticloadbalancingv2 as elbv2

    from moorage.workload.scaling import Scaling


def define_scaling(
    service: ecs.BaseService, scaling: Scaling, target_groups: Sequence[elbv2.ApplicationTargetGroup]
) -> ecs.ScalableTaskCount:
    """Define the range between which the number of copies moves, and what moves it."""
    count = service.auto_scale_task_count(min_capacity=scaling.minimum, max_capacity=scaling.maximum)
    slow, fast = duration(scaling.scale_in_cooldown), duration(scaling.scale_out_cooldown)
    if scaling.cpu_percent is not None:
        count.scale_on_cpu_utilization(
            "Cpu",
            target_utilization_percent=scaling.cpu_percent,
            scale_in_cooldown=slow,
            scale_out_cooldown=fast,
        )
    if scaling.memory_percent is not None:
        count.scale_on_memory_utilization(
            "Memory",
            target_utilization_percent=scaling.memory_percent,
            scale_in_cooldown=slow,
            scale_out_cooldown=fast,
        )
    if scaling.requests_per_task is not None:
        for index, group in enumerate(target_groups):
            count.scale_on_request_count(
                f"Requests{index or ''}",
                requests_per_target=scaling.requests_per_task,
                target_group=group,
                scale_in_cooldown=slow,
                scale_out_cooldown=fast,
            )
    return count

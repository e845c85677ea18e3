"""The scaling and the warm pool of an Auto Scaling group."""

from __future__ import annotations

import attrs

from moorage.workload import capacity_limits
from moorage.workload.durations import optional_seconds
from moorage.workload.problems import Problems
from moorage.workload.value import value_class


@value_class
@attrs.frozen(kw_only=True)
class ManagedScaling:
    """The managed scaling of an Auto Scaling group, by which ECS sets the number of instances.

    Args:
        target_percent: The target utilization of the instances by tasks in percent, 1 to 100. Below 100, some instances
            have no tasks but are billed, so that new tasks start at once. Default: 100.
        maximum_scaling_step_size: The largest number of instances to launch at once, 1 to 10,000. Default: 10,000.
        instance_warmup: The time after the launch of an instance in which the instance does not count for scaling, up
            to 10,000 seconds. Default: 300 seconds (ECS's default).

    Raises:
        ValueError: If an argument is outside the range that ECS accepts (botocore `ManagedScaling`).
    """

    target_percent: int = 100
    maximum_scaling_step_size: int = 10000
    instance_warmup: int | None = attrs.field(converter=optional_seconds, default=None)

    def __attrs_post_init__(self) -> None:
        problems = Problems("ManagedScaling")
        problems.check(capacity_limits.TARGET_CAPACITY, "target_percent", self.target_percent)
        problems.check(capacity_limits.SCALING_STEP, "maximum_scaling_step_size", self.maximum_scaling_step_size)
        problems.check(capacity_limits.INSTANCE_WARMUP, "instance_warmup", self.instance_warmup)
        problems.raise_any()


@value_class
@attrs.frozen(kw_only=True)
class WarmPool:
    """A warm pool of instances that were initialized and then stopped. AWS bills only their volumes until they start.

    On scale-in, instances do not return to the warm pool, since ECS does not support this (ECS developer guide, using a
    warm pool).

    Args:
        min_instances: The minimum number of instances in the warm pool, 0 or more. Default: 0.
        max_prepared_instances: The maximum number of instances, in the warm pool and in service together. Default: the
            group's maximum.

    Raises:
        ValueError: If an argument is a token.
    """

    min_instances: int = 0
    max_prepared_instances: int | None = None

    def __attrs_post_init__(self) -> None:
        problems = Problems("WarmPool")
        problems.check_known("min_instances", self.min_instances)
        problems.check_known("max_prepared_instances", self.max_prepared_instances)
        problems.raise_any()

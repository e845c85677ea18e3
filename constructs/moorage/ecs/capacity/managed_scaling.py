"""How the number of instances in an Auto Scaling group moves, and which of them wait."""

from __future__ import annotations

import attrs

from moorage.workload import capacity_limits
from moorage.workload.durations import optional_seconds
from moorage.workload.problems import Problems
from moorage.workload.value import value_class


@value_class
@attrs.frozen(kw_only=True)
class ManagedScaling:
    """How ECS moves the number of instances.

    Args:
        target_percent: The share of the instances that tasks are to use, 1 to 100; below 100 keeps room that new
            tasks start in at once, and that is paid for.
        maximum_scaling_step_size: How many are launched at once, 1 to 10,000.
        instance_warmup: The time in which a new instance does not count, up to 10,000 s. Default: 300 s.

    Raises:
        ValueError: one of them is outside what ECS takes (botocore `ManagedScaling`).
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
    """Instances that were set up once and wait, stopped: their volumes are paid for, their hours are not.

    None goes back to wait: with ECS that cannot be asked for (ECS developer guide, using a warm pool).

    Args:
        min_instances: How many wait at least.
        max_prepared_instances: The largest number of instances, waiting and in service. Default: the group's maximum.

    Raises:
        ValueError: one of them is known only to CloudFormation.
    """

    min_instances: int = 0
    max_prepared_instances: int | None = None

    def __attrs_post_init__(self) -> None:
        problems = Problems("WarmPool")
        problems.check_known("min_instances", self.min_instances)
        problems.check_known("max_prepared_instances", self.max_prepared_instances)
        problems.raise_any()

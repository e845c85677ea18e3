"""The circuit breaker, which stops a rolling rollout whose tasks keep failing."""

from __future__ import annotations

import enum
import math

import attrs

from moorage.workload import rollout_limits
from moorage.workload.problems import Problems
from moorage.workload.value import value_class


class Threshold(enum.Enum):
    """The unit of a circuit breaker's threshold: a number of tasks, or a percentage with or without bounds."""

    COUNT = "COUNT"
    BOUNDED_PERCENT = "BOUNDED_PERCENT"
    UNBOUNDED_PERCENT = "UNBOUNDED_PERCENT"


@value_class
@attrs.frozen(kw_only=True)
class CircuitBreaker:
    """The circuit breaker of a rolling rollout, which stops the rollout when its tasks keep failing.

    By default, ECS stops the rollout when the number of failed tasks reaches half of the copies, at least 3 and at most
    200 (ECS developer guide, deployment circuit breaker). `failures` and `percent` set another threshold.

    Args:
        rollback: Whether to roll back to the last completed deployment. Default: True.
        reset_on_healthy_task: Whether to count from 0 again when a task becomes healthy. False also stops a rollout
            whose tasks start and then fail. Default: True.
        threshold: The unit of `value`. Default: ECS's own threshold.
        value: The number of failed tasks, or the percentage of the copies. Default: ECS's own threshold.

    Raises:
        ValueError: If only one of `threshold` and `value` is given, or a number of failed tasks is below 1.
    """

    rollback: bool = True
    reset_on_healthy_task: bool = True
    threshold: Threshold | None = None
    value: int | None = None

    def __attrs_post_init__(self) -> None:
        problems = Problems("CircuitBreaker")
        if (self.threshold is None) != (self.value is None):
            problems.add("threshold and value must be given together; use CircuitBreaker.failures(...) or percent(...)")
        if self.threshold is Threshold.COUNT:
            problems.check(rollout_limits.BREAKER_COUNT, "failures", self.value)
        elif self.threshold:
            problems.check(rollout_limits.BREAKER_PERCENT, "percent", self.value)
        problems.raise_any()

    @classmethod
    def failures(cls, count: int, *, rollback: bool = True, reset_on_healthy_task: bool = True) -> CircuitBreaker:
        """Stop a rollout after a number of failed tasks.

        Args:
            count: The number of failed tasks, 1 or more.
            rollback: Whether to roll back to the last completed deployment. Default: True.
            reset_on_healthy_task: Whether to count from 0 again when a task becomes healthy. Default: True.

        Raises:
            ValueError: If `count` is below 1.
        """
        return cls(
            rollback=rollback, reset_on_healthy_task=reset_on_healthy_task, threshold=Threshold.COUNT, value=count
        )

    @classmethod
    def percent(
        cls, percent: int, *, bounded: bool = True, rollback: bool = True, reset_on_healthy_task: bool = True
    ) -> CircuitBreaker:
        """Stop a rollout when the number of failed tasks reaches a percentage of the copies.

        Args:
            percent: The percentage, 1 to 100. Another value only causes a warning.
            bounded: Whether to keep the threshold between 3 and 200 failed tasks, whatever the percentage is.
                Default: True.
            rollback: Whether to roll back to the last completed deployment. Default: True.
            reset_on_healthy_task: Whether to count from 0 again when a task becomes healthy. Default: True.
        """
        threshold = Threshold.BOUNDED_PERCENT if bounded else Threshold.UNBOUNDED_PERCENT
        return cls(rollback=rollback, reset_on_healthy_task=reset_on_healthy_task, threshold=threshold, value=percent)

    def failures_for(self, copies: int) -> int:
        """Return the number of failed tasks at which ECS stops a rollout.

        Args:
            copies: The number of copies that the service runs.
        """
        if self.value is not None and self.threshold is Threshold.COUNT:
            return self.value
        share = math.ceil(copies * (50 if self.value is None else self.value) / 100)
        return share if self.threshold is Threshold.UNBOUNDED_PERCENT else min(max(share, 3), 200)

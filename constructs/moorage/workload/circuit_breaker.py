"""The circuit breaker, which ends a rolling deployment whose tasks keep failing."""

from __future__ import annotations

import enum
import math

import attrs

from moorage.workload import rollout_limits
from moorage.workload.problems import Problems
from moorage.workload.value import value_class


class Threshold(enum.Enum):
    """The unit of a circuit breaker's threshold."""

    COUNT = "COUNT"
    BOUNDED_PERCENT = "BOUNDED_PERCENT"
    UNBOUNDED_PERCENT = "UNBOUNDED_PERCENT"


@value_class
@attrs.frozen(kw_only=True)
class CircuitBreaker:
    """When a rolling rollout whose tasks keep failing is given up: by ECS's own count unless a method says another.

    ECS's own is half of the copies, 3 at least and 200 at most.

    Args:
        rollback: Whether the last version that was completed comes back.
        reset_on_healthy_task: False counts failures on even when a task got healthy in between, so that an application
            that starts and then fails is given up too.
        threshold: What failed tasks are counted against; None for ECS's own.
        value: How many, or how many percent of the copies.
    """

    rollback: bool = True
    reset_on_healthy_task: bool = True
    threshold: Threshold | None = None
    value: int | None = None

    def __attrs_post_init__(self) -> None:
        problems = Problems("CircuitBreaker")
        if (self.threshold is None) != (self.value is None):
            problems.add("threshold and value go together; use CircuitBreaker.failures(...) or .percent(...)")
        if self.threshold is Threshold.COUNT:
            problems.check(rollout_limits.BREAKER_COUNT, "failures", self.value)
        elif self.threshold:
            problems.check(rollout_limits.BREAKER_PERCENT, "percent", self.value)
        problems.raise_any()

    @classmethod
    def failures(cls, count: int, *, rollback: bool = True, reset_on_healthy_task: bool = True) -> CircuitBreaker:
        """Given up after so many failed tasks, 1 or more."""
        return cls(
            rollback=rollback, reset_on_healthy_task=reset_on_healthy_task, threshold=Threshold.COUNT, value=count
        )

    @classmethod
    def percent(
        cls, percent: int, *, bounded: bool = True, rollback: bool = True, reset_on_healthy_task: bool = True
    ) -> CircuitBreaker:
        """Given up after failed tasks of so many percent of the copies; `bounded` means 3 at least and 200 at most."""
        threshold = Threshold.BOUNDED_PERCENT if bounded else Threshold.UNBOUNDED_PERCENT
        return cls(rollback=rollback, reset_on_healthy_task=reset_on_healthy_task, threshold=threshold, value=percent)

    def failures_for(self, copies: int) -> int:
        """How many failed tasks a rollout of so many copies is given up after."""
        if self.threshold is Threshold.COUNT:
            return self.value or 1
        share = math.ceil(copies * (50 if self.value is None else self.value) / 100)
        return share if self.threshold is Threshold.UNBOUNDED_PERCENT else min(max(share, 3), 200)

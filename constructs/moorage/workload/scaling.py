"""How many copies of a task run."""

from __future__ import annotations

import attrs

from moorage.workload import limits
from moorage.workload.durations import default_seconds, seconds
from moorage.workload.faults import Faults, is_token


@attrs.frozen
class Scaling:
    """How many copies run: a number, or a range and what moves the number in it.

    Args:
        minimum: The least, 0 to 5,000. With three zones, a multiple of three loses a third when a zone is lost.
        maximum: The most; without it the number is `minimum`, and nothing moves it.
        cpu_percent: Keep the average CPU use near this share of what the tasks reserve, 1 to 100.
        memory_percent: Keep the average memory use near this share, 1 to 100.
        requests_per_task: Keep the requests that each task gets in a minute near this; the service needs a route.
        scale_out_cooldown: After adding tasks, how long before adding more.
        scale_in_cooldown: After removing tasks, how long before removing more.

    Raises:
        ValueError: the range is the wrong way round or outside the limits, or nothing moves the number in it.
    """

    minimum: int
    maximum: int = attrs.field()
    cpu_percent: float | None = attrs.field(default=None, kw_only=True)
    memory_percent: float | None = attrs.field(default=None, kw_only=True)
    requests_per_task: float | None = attrs.field(default=None, kw_only=True)
    scale_out_cooldown: int = attrs.field(converter=seconds, default=default_seconds(60), kw_only=True)
    scale_in_cooldown: int = attrs.field(converter=seconds, default=default_seconds(300), kw_only=True)

    @maximum.default
    def _maximum(self) -> int:
        return self.minimum

    def __attrs_post_init__(self) -> None:
        faults = Faults(f"Scaling({self.minimum}, {self.maximum})")
        faults.keep(limits.TASKS, "minimum", self.minimum)
        if self.maximum != self.minimum:
            faults.keep(limits.TASKS, "maximum", self.maximum)
        faults.keep(limits.SCALING_RANGE, "minimum to maximum", (self.minimum, self.maximum))
        faults.keep(limits.TARGET_PERCENT, "cpu_percent", self.cpu_percent)
        faults.keep(limits.TARGET_PERCENT, "memory_percent", self.memory_percent)
        faults.keep(limits.TARGET_REQUESTS, "requests_per_task", self.requests_per_task)
        faults.keep(limits.SCALING_COOLDOWN, "scale_out_cooldown", self.scale_out_cooldown)
        faults.keep(limits.SCALING_COOLDOWN, "scale_in_cooldown", self.scale_in_cooldown)
        known = not is_token((self.minimum, self.maximum))
        if known and self.minimum < self.maximum and not self.moves:
            faults.add(
                f"nothing moves the number between {self.minimum} and {self.maximum}; "
                "use cpu_percent=, memory_percent= or requests_per_task=, or one number"
            )
        if known and self.minimum == self.maximum and self.moves:
            faults.add(
                f"minimum and maximum are both {self.minimum}, so the target moves nothing; "
                "use a larger maximum, or no target"
            )
        faults.raise_found()

    @property
    def moves(self) -> bool:
        """Whether something moves the number, so that a deployment must leave it alone."""
        return any(target is not None for target in (self.cpu_percent, self.memory_percent, self.requests_per_task))

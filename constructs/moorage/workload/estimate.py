"""The estimated duration of a rollout, and the number of copies that serve meanwhile."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from moorage.workload.problems import Problems

if TYPE_CHECKING:
    from moorage.workload.rollout import Rollout

_MINUTES_SHOWN_FROM_SECONDS = 600
NO_HEALTH_CHECK_SECONDS = 40
"""The time after which ECS counts a task without any health check as healthy (ECS API minimumHealthyPercent)."""


@attrs.frozen(kw_only=True)
class Pace:
    """The durations of the parts of a replacement, in seconds.

    Args:
        start: From the decision to start a task until its application answers; not in any template.
        check_interval: The interval of the health check that ECS waits for.
        drain: How long a task that leaves finishes its requests.
        stop: From SIGTERM until the application has ended; not in any template.
        network_load_balancer: Whether to count the waits of ECS for a network load balancer.

    Raises:
        ValueError: a time is negative.
    """

    start: int = 60
    check_interval: int = NO_HEALTH_CHECK_SECONDS
    drain: int = 0
    stop: int = 5
    network_load_balancer: bool = False

    def __attrs_post_init__(self) -> None:
        problems = Problems("estimate")
        for argument in ("start", "stop"):
            if getattr(self, argument) < 0:
                problems.add(
                    f"{argument} must be at least 0 seconds (got {getattr(self, argument)}); use a longer time"
                )
        problems.raise_any()


@attrs.frozen(kw_only=True)
class Estimate:
    """An estimate of one replacement of all copies.

    Args:
        copies: How many there are.
        seconds: Until the last old one is gone.
        new_after: Until the new version serves all, in seconds.
        least_healthy: How many serve at least meanwhile.
        most_running: How many run at most meanwhile.
        left_without_a_zone: How many of the least are left if the fullest of their zones is lost just then.
        zones: Over how many zones they are spread.
    """

    copies: int
    seconds: int
    new_after: int
    least_healthy: int
    most_running: int
    left_without_a_zone: int
    zones: int

    def __str__(self) -> str:
        return (
            f"replacing {self.copies} takes an estimated {_duration_text(self.seconds)} with {self.least_healthy} to "
            f"{self.most_running} running, and leaves {self.left_without_a_zone} if one of {self.zones} zones is lost"
        )


def estimate(rollout: Rollout, copies: int, *, zones: int, pace: Pace, places: int | None = None) -> Estimate | None:
    """Estimate how long ECS takes to replace all copies: a model of its documented behavior, not a measurement.

    A rolling rollout goes in waves of as many tasks as may start beside old ones or in place of them; the others start
    all at once and wait out their bake times.

    Args:
        rollout: How they are replaced.
        copies: How many run.
        zones: Over how many zones they are spread.
        pace: How long the parts take.
        places: How many copies there is room for, or None where that is not limited.

    Returns:
        The estimate, or None where the rollout could make no progress.
    """
    least = math.ceil(copies * rollout.minimum_healthy_percent / 100)
    most = copies * rollout.maximum_percent // 100
    removal_seconds = pace.drain + pace.stop
    if rollout._shifts_traffic:
        least, most, waves = copies, 2 * copies, 1
    else:
        extra = max(min(most, most if places is None else places) - copies, 0)
        wave_size = extra + copies - least
        if copies and wave_size < 1:
            return None
        waves = math.ceil(copies / wave_size) if copies else 0
    new_after = waves * (pace.start + pace.check_interval) + max(waves - 1, 0) * removal_seconds
    if rollout._shifts_traffic:
        new_after += (
            rollout._total_bake
            - (rollout.final_bake or 0)
            + (rollout._network_load_balancer_wait if pace.network_load_balancer else 0)
        )
    return Estimate(
        copies=copies,
        seconds=new_after + (rollout.final_bake or 0) + removal_seconds,
        new_after=new_after,
        least_healthy=least,
        most_running=most if places is None else min(most, places),
        left_without_a_zone=least - math.ceil(least / zones),
        zones=zones,
    )


def _duration_text(seconds: int) -> str:
    return f"{seconds} s" if seconds < _MINUTES_SHOWN_FROM_SECONDS else f"{round(seconds / 60)} min"

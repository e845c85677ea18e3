"""The estimated duration of a rollout, and the number of copies that serve requests during it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from moorage.workload.problems import Problems

if TYPE_CHECKING:
    from moorage.workload.rollout import Rollout

_MINUTES_SHOWN_FROM_SECONDS = 600
NO_HEALTH_CHECK_SECONDS = 40
"""The time after which a task without a health check counts as healthy (ECS API minimumHealthyPercent)."""


@attrs.frozen(kw_only=True)
class Pace:
    """The durations of the steps of a replacement, in seconds.

    Args:
        start: The time from the start of a task until its application responds. No template states this time. Default:
            60.
        check_interval: The interval of the health check that ECS waits for. Default: 40, for a task without a health
            check.
        drain: The time in which a deregistered task finishes its requests. Default: 0.
        stop: The time from SIGTERM until the application has stopped. No template states this time. Default: 5.
        network_load_balancer: Whether to add the time that ECS waits at each shift of a Network Load Balancer's
            traffic. Default: False.

    Raises:
        ValueError: If `start` or `stop` is negative.
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
    """The estimated duration of a replacement of all copies, and the numbers of copies during it.

    Args:
        copies: The number of copies.
        seconds: The time until the last old copy has stopped, in seconds.
        new_after: The time until the new version serves all requests, in seconds.
        least_healthy: The minimum number of healthy copies during the rollout.
        most_running: The maximum number of running copies during the rollout.
        left_without_a_zone: The number of `least_healthy` copies that remain if the zone with the most copies is lost.
        zones: The number of Availability Zones over which the copies are spread.
    """

    copies: int
    seconds: int
    new_after: int
    least_healthy: int
    most_running: int
    left_without_a_zone: int
    zones: int

    def __str__(self) -> str:
        zone = "the only zone" if self.zones == 1 else f"one of {self.zones} zones"
        left = self.left_without_a_zone
        return (
            f"replacing {_copies(self.copies)} takes an estimated {duration_text(self.seconds)} with "
            f"{self.least_healthy} to {self.most_running} running; if {zone} is lost, {_copies(left)} "
            f"remain{'s' if left == 1 else ''}"
        )


def estimate(rollout: Rollout, copies: int, *, zones: int, pace: Pace, places: int | None = None) -> Estimate | None:
    """Estimate how long ECS takes to replace all copies, by a model of the documented behavior of ECS.

    A rolling rollout proceeds in batches of the tasks that can start beside old tasks or in place of them. Other
    rollouts start all new tasks at once and wait for their bake times.

    Args:
        rollout: The rollout.
        copies: The number of running copies.
        zones: The number of Availability Zones over which the copies are spread.
        pace: The durations of the steps.
        places: The number of copies that fit on the capacity. Default: no limit.

    Returns:
        The estimate, or None if the rollout could make no progress.
    """
    final = rollout.final_bake or 0
    wait = rollout._network_load_balancer_wait if pace.network_load_balancer else 0
    return replacement(
        copies,
        zones=zones,
        pace=pace,
        places=places,
        minimum_healthy_percent=rollout.minimum_healthy_percent,
        maximum_percent=rollout.maximum_percent,
        shift_seconds=rollout._total_bake - final + wait if rollout._shifts_traffic else None,
        final_bake=final,
    )


def replacement(
    copies: int,
    *,
    zones: int,
    pace: Pace,
    minimum_healthy_percent: int,
    maximum_percent: int,
    final_bake: int,
    shift_seconds: int | None = None,
    places: int | None = None,
) -> Estimate | None:
    """Estimate a replacement as `estimate` does, from the settings of an ECS deployment.

    Args:
        copies: The number of running copies.
        zones: The number of Availability Zones over which the copies are spread.
        pace: The durations of the steps.
        minimum_healthy_percent: The percentage of the copies that keep running during a rolling deployment, rounded up.
        maximum_percent: The percentage of the copies that can run at once during a rolling deployment, rounded down.
        final_bake: The time before the old version stops, in seconds.
        shift_seconds: The time in which a deployment shifts the traffic, in seconds. Default: None, for a rolling
            deployment.
        places: The number of copies that fit on the capacity. Default: no limit.

    Returns:
        The estimate, or None if the deployment could make no progress.
    """
    least = math.ceil(copies * minimum_healthy_percent / 100)
    most = copies * maximum_percent // 100
    removal_seconds = pace.drain + pace.stop
    if shift_seconds is not None:
        least, most, waves = copies, 2 * copies, 1
    else:
        extra = max(min(most, most if places is None else places) - copies, 0)
        wave_size = extra + copies - least
        if copies and wave_size < 1:
            return None
        waves = math.ceil(copies / wave_size) if copies else 0
    new_after = waves * (pace.start + pace.check_interval) + max(waves - 1, 0) * removal_seconds + (shift_seconds or 0)
    return Estimate(
        copies=copies,
        seconds=new_after + final_bake + removal_seconds,
        new_after=new_after,
        least_healthy=least,
        most_running=most if places is None else min(most, places),
        left_without_a_zone=least - math.ceil(least / zones),
        zones=zones,
    )


def duration_text(seconds: int) -> str:
    """Format a duration: in seconds below ten minutes, otherwise in minutes.

    Args:
        seconds: The duration, in seconds.
    """
    return f"{seconds} s" if seconds < _MINUTES_SHOWN_FROM_SECONDS else f"{round(seconds / 60)} min"


def _copies(count: int) -> str:
    return "1 copy" if count == 1 else f"{count} copies"

"""The durations of rollouts, computed by hand from ECS's documented behavior."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from moorage import Rollout
from moorage.workload.estimate import Estimate, Pace, estimate

PACE = Pace(start=60, check_interval=10, drain=30, stop=5)
"""A task serves after 70 s, and an old one is gone after 35 s."""
HOUR = dt.timedelta(hours=1)


def rolling(minimum: int, maximum: int) -> Rollout:
    return Rollout.rolling(minimum_healthy_percent=minimum, maximum_percent=maximum)


@pytest.mark.parametrize(
    ("rollout", "copies", "places", "new_after", "least", "most"),
    [
        (rolling(100, 200), 6, None, 70, 6, 12),  # all new ones at once
        (rolling(50, 100), 6, None, 2 * 70 + 35, 3, 6),  # three at a time, in place of old ones
        (rolling(100, 200), 6, 7, 6 * 70 + 5 * 35, 6, 7),  # there is room for one more
        (rolling(66, 133), 10, None, 2 * 70 + 35, 7, 13),  # three beside and three in place of old ones
        (rolling(66, 133), 10, 12, 2 * 70 + 35, 7, 12),  # two beside and three in place
        (rolling(66, 133), 3, None, 3 * 70 + 2 * 35, 2, 3),  # one in place: two are enough, and there are no four
        (rolling(67, 134), 3, None, 3 * 70 + 2 * 35, 3, 4),  # one beside: all three are needed
        (rolling(50, 200), 6, 5, 2 * 70 + 35, 3, 5),  # three in place, since there is no room even for the old ones
        (rolling(0, 100), 4, None, 70, 0, 4),
        (rolling(100, 200), 0, None, 0, 0, 0),
        (rolling(100, 200), 1, 2, 70, 1, 2),
        (Rollout.blue_green(bake=HOUR), 3, None, 70, 3, 6),
        (Rollout.canary(bake=HOUR, final_bake=2 * HOUR), 3, None, 70 + 3600, 3, 6),
    ],
)
def test_tasks_are_replaced_in_waves(
    rollout: Rollout, copies: int, places: int | None, new_after: int, least: int, most: int
) -> None:
    found = estimate(rollout, copies, zones=2, pace=PACE, places=places)
    assert found is not None
    assert (found.copies, found.new_after, found.least_healthy, found.most_running) == (copies, new_after, least, most)
    assert found.seconds == new_after + (rollout.final_bake or 0) + 35


def test_ecs_waits_for_a_network_load_balancer_after_each_shift() -> None:
    pace = attrs.evolve(PACE, network_load_balancer=True)
    found = estimate(Rollout.canary(bake=HOUR, final_bake=2 * HOUR), 3, zones=2, pace=pace)
    assert found is not None
    assert (found.new_after, found.seconds) == (70 + 3600 + 3 * 600, 70 + 3600 + 3 * 600 + 7200 + 35)


@pytest.mark.parametrize("argument", ["start", "stop"])
def test_a_task_starts_and_stops_in_no_time_or_more(argument: str) -> None:
    make: Any = Pace
    assert getattr(make(**{argument: 0}), argument) == 0
    with pytest.raises(ValueError, match=rf"estimate: {argument} must be at least 0 seconds \(got -1\)"):
        make(**{argument: -1})


@pytest.mark.parametrize("make", [Pace, Estimate])
def test_the_numbers_of_an_estimate_are_named(make: Callable[..., object]) -> None:
    with pytest.raises(TypeError, match="takes 1 positional argument"):
        make(1, 2, 3, 4, 5, 6, 7)


@pytest.mark.parametrize(("maximum", "places"), [(110, None), (200, 6)])
def test_a_rollout_without_room_takes_for_ever(maximum: int, places: int | None) -> None:
    assert estimate(rolling(100, maximum), 6, zones=2, pace=PACE, places=places) is None


@pytest.mark.parametrize(("copies", "zones", "left"), [(6, 2, 3), (5, 2, 2), (1, 1, 0), (1, 3, 0), (7, 3, 4)])
def test_the_fullest_zone_may_be_lost(copies: int, zones: int, left: int) -> None:
    found = estimate(rolling(100, 200), copies, zones=zones, pace=PACE)
    assert found is not None
    assert (found.left_without_a_zone, found.zones) == (left, zones)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (599, "599 s"), (600, "10 min"), (3630, "60 min"), (7200, "120 min")]
)
def test_a_long_time_is_shown_in_minutes(seconds: int, text: str) -> None:
    shown = Estimate(
        copies=6, seconds=seconds, new_after=0, least_healthy=6, most_running=12, left_without_a_zone=3, zones=2
    )
    assert str(shown) == (
        f"replacing 6 copies takes an estimated {text} with 6 to 12 running; if one of 2 zones is lost, 3 copies remain"
    )


def test_a_task_takes_a_minute_to_start_and_is_counted_healthy_after_forty_seconds() -> None:
    assert Pace() == Pace(start=60, check_interval=40, drain=0, stop=5, network_load_balancer=False)

"""The number of copies and the policies that follow from a scaling, and the changes that it refuses."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_scheduler as scheduler

from moorage import MetricTarget, PredictiveScaling, Scaling, ScheduledAction
from tests.stand_ins import stand_in

CLOCK = scheduler.ScheduleExpression.cron(hour="8", minute="0")
TOKEN: Any = cdk.Token.as_number({"Ref": "Copies"})
QUEUE = stand_in("aws_sqs.IQueue")
FORECAST = PredictiveScaling(cpu_percent=60)
DISPLAYED = PredictiveScaling(cpu_percent=60, forecast_only=True)
METRIC = MetricTarget("depth", stand_in("aws_cloudwatch.IMetric"), 5)


def action(name: str = "day", **arguments: Any) -> ScheduledAction:
    return ScheduledAction(name, CLOCK, **arguments)


@pytest.mark.parametrize(("peak", "zones", "least"), [(2, 2, 4), (2, 3, 3), (3, 3, 5), (5, 3, 8), (5, 6, 6)])
def test_the_peak_survives_the_loss_of_a_zone(peak: int, zones: int, least: int) -> None:
    assert Scaling.surviving_zone_loss(peak=peak, zones=zones) == least


@pytest.mark.parametrize(("copies", "zones", "left"), [(1, 3, 0), (3, 3, 2), (4, 3, 2), (7, 3, 4), (4, 2, 2)])
def test_the_zone_with_the_most_copies_is_lost(copies: int, zones: int, left: int) -> None:
    assert Scaling(copies).left_without_a_zone(zones) == left


@pytest.mark.parametrize(
    ("scaling", "policies", "changes"),
    [
        (Scaling(2), 0, False),
        (Scaling(1, 2, cpu_percent=60), 1, True),
        (Scaling(1, 2, cpu_percent=60, memory_percent=60, requests_per_task=5, backlog_per_task=5), 4, True),
        (Scaling(0, 2, backlog_per_task=5), 2, True),
        (Scaling(0, 2, metrics=[METRIC]), 1, True),
        (Scaling(1, 2, cpu_percent=60, predictive=DISPLAYED), 2, True),
        (Scaling(2, predictive=DISPLAYED), 1, True),
        (Scaling(2, schedules=[action(minimum=1)]), 0, True),
    ],
)
def test_each_target_is_a_policy_and_so_are_the_step_from_zero_and_the_forecast(
    scaling: Scaling, policies: int, *, changes: bool
) -> None:
    assert (scaling._policies, scaling._changes_count) == (policies, changes)


@pytest.mark.parametrize(
    ("arguments", "warns"),
    [
        ({"requests_per_task": 5}, True),
        ({"requests_per_task": 5, "cpu_percent": 60}, False),
        ({"requests_per_task": 5, "memory_percent": 60}, False),
        ({"requests_per_task": 5, "metrics": [METRIC]}, False),
        ({"schedules": [action(minimum=1)]}, False),
    ],
)
def test_metrics_of_high_resolution_have_a_target_or_are_for_display(arguments: dict[str, Any], *, warns: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Scaling(1, 2, **arguments)
        with pytest.warns(UserWarning, match="high_resolution should be used") if warns else contextlib.nullcontext():
            assert Scaling(1, 2, high_resolution=True, **arguments)


@pytest.mark.parametrize(
    "schedules",
    [
        [action(minimum=4)],
        [action(maximum=2)],
        [action(minimum=6, maximum=6)],
        [action(minimum=6), action("night", maximum=6)],
        [action(maximum=1), action("night", minimum=1)],
        [action(minimum=TOKEN), action("night", minimum=9)],
    ],
)
def test_a_schedule_may_reach_the_other_end_of_the_range(schedules: list[ScheduledAction]) -> None:
    assert Scaling(2, 4, schedules=schedules).schedules == tuple(schedules)


@pytest.mark.parametrize(
    ("schedules", "says"),
    [
        ([action(minimum=5)], r"minimum of schedule 'day' must be at most the highest maximum, 4 \(got 5\)"),
        ([action(maximum=1)], r"maximum of schedule 'day' must be at least the lowest minimum, 2 \(got 1\)"),
        (
            [action(minimum=7), action("night", maximum=6)],
            r"minimum of schedule 'day' must be at most the highest maximum, 6 \(got 7\)",
        ),
    ],
)
def test_a_schedule_beyond_the_range_is_refused(schedules: list[ScheduledAction], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Scaling(2, 4, schedules=schedules)


@pytest.mark.parametrize(
    ("define", "says"),
    [
        (lambda: Scaling(-1), r"^Scaling\(-1, -1\): minimum must be "),
        (lambda: Scaling(1, 2, cpu_percent=60, queue=QUEUE), "queue must not be given without backlog_per_task"),
        (lambda: Scaling(2, predictive=FORECAST), "predictive must be used only with a target or schedules"),
        (lambda: Scaling(2, 3), r"a range must have a target or schedules \(got 2 to 3 with neither\)"),
        (lambda: Scaling(2, 3, predictive=DISPLAYED), "a range must have a target or schedules"),
        (lambda: Scaling(0, 3, cpu_percent=60), r"minimum must be at least 1 with these targets \(got 0\)"),
        (lambda: Scaling(2, cpu_percent=60), r"with a target, maximum must be above minimum \(got 2 for both\)"),
    ],
)
def test_a_number_that_could_not_move_is_refused(define: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        define()


def test_a_maximum_above_the_quota_warns_once() -> None:
    with pytest.warns(UserWarning, match="maximum should be at most 5,000 tasks") as warned:
        Scaling(1, 5001, cpu_percent=60)
    assert len(warned) == 1
    with pytest.warns(UserWarning, match="minimum should be at most 5,000 tasks") as warned:
        Scaling(5001)
    assert len(warned) == 1


@pytest.mark.parametrize(
    "define",
    [
        lambda: Scaling(2, 3, cpu_percent=60, predictive=FORECAST),
        lambda: Scaling(2, 3, schedules=[action(minimum=3)], predictive=FORECAST),
        lambda: Scaling(1, 3, cpu_percent=60),
        lambda: Scaling(1, 3, queue=QUEUE, backlog_per_task=5),
        lambda: Scaling(0, 3, cpu_percent=60, predictive=FORECAST),
        lambda: Scaling(2, cpu_percent=60, schedules=[action(maximum=3)]),
        lambda: Scaling(0, 3, schedules=[action(minimum=1)]),
        lambda: Scaling(0),
        lambda: Scaling(TOKEN, 3),
        lambda: Scaling(2, TOKEN),
    ],
)
def test_a_number_that_can_move_or_is_unknown_is_accepted(define: Any) -> None:
    assert define()

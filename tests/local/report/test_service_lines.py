"""The table describes rollouts, schedules and queues in one line each."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.local.report.service_lines import queue_line, rollout_line, schedule_line


@pytest.mark.parametrize(
    ("configuration", "says"),
    [
        ({"minimumHealthyPercent": 100, "maximumPercent": 200}, "rolling, minimum healthy 100%, maximum 200%"),
        (
            {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 15, "alarms": {"enable": True, "alarmNames": ["a", "b"]}},
            "blue/green, 15 min bake time, 2 alarms",
        ),
        (
            {
                "strategy": "CANARY",
                "bakeTimeInMinutes": 0,
                "canaryConfiguration": {"canaryPercent": 2.5, "canaryBakeTimeInMinutes": 10},
                "alarms": {"enable": False, "alarmNames": ["a"]},
                "lifecycleHooks": [{}],
            },
            "canary, 2.5% of traffic for 10 min, 1 hook",
        ),
        (
            {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 20.0, "stepBakeTimeInMinutes": 6}},
            "linear, 20% of traffic every 6 min",
        ),
    ],
)
def test_a_rollout_is_described_in_one_line(configuration: dict[str, Any], says: str) -> None:
    assert rollout_line(configuration) == says


def test_a_schedule_is_described_in_one_line() -> None:
    cluster = "arn:aws:ecs:eu-west-1:111111111111:cluster/shop"
    task = "arn:aws:ecs:eu-west-1:111111111111:task-definition/nightly:3"
    schedule = {
        "ScheduleExpression": "cron(0 3 * * ? *)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "State": "ENABLED",
        "Target": {"Arn": cluster, "EcsParameters": {"TaskDefinitionArn": task}},
    }
    assert schedule_line(schedule) == "cron(0 3 * * ? *) Europe/Berlin starts nightly:3"
    machine = {"Arn": "arn:aws:states:eu-west-1:111111111111:stateMachine:one-at-a-time"}
    off = {**schedule, "State": "DISABLED", "Target": machine}
    assert schedule_line(off) == "cron(0 3 * * ? *) Europe/Berlin starts one-at-a-time, DISABLED"


def test_a_queue_is_described_in_one_line() -> None:
    redrive = '{"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:111111111111:dead", "maxReceiveCount": 3}'
    assert queue_line({"ApproximateNumberOfMessages": "4"}) == "4 messages waiting"
    full = {"ApproximateNumberOfMessages": "0", "RedrivePolicy": redrive}
    assert queue_line(full) == "0 messages waiting, moved to dead after 3 receives"

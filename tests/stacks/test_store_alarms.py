"""The alarms on the entrance and the data stores of an environment."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest

from stacks.data import DataStack
from stacks.monitoring import MonitoringStack
from stacks.platform import PlatformStack
from tests.conftest import template
from tests.stacks.small_shop import PROTECTED


@pytest.fixture(scope="module")
def alarms() -> dict[str, list[dict[str, Any]]]:
    return {"with": alarms_of(has_data=True), "without": alarms_of(has_data=False)}


def alarms_of(*, has_data: bool) -> list[dict[str, Any]]:
    app = cdk.App(analytics_reporting=False)
    platform = PlatformStack(app, "Platform", settings=PROTECTED, namespace="shop")
    data = DataStack(app, "Data", settings=PROTECTED, vpc=platform.vpc) if has_data else None
    stack = MonitoringStack(app, "Monitoring", settings=PROTECTED, platform=platform, data=data)
    return [each["Properties"] for each in template(stack).find_resources("AWS::CloudWatch::Alarm").values()]


def test_every_alarm_notifies_the_operators(alarms: dict[str, list[dict[str, Any]]]) -> None:
    for each in (*alarms["with"], *alarms["without"]):
        (action,) = each["AlarmActions"]
        assert "Operators" in action["Fn::ImportValue"]
        assert each["TreatMissingData"] == "notBreaching"


def test_an_environment_without_data_watches_only_its_entrance(alarms: dict[str, list[dict[str, Any]]]) -> None:
    (alarm,) = alarms["without"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count")


def test_every_store_is_watched_but_the_dead_letters_which_the_worker_watches(
    alarms: dict[str, list[dict[str, Any]]],
) -> None:
    metrics = [each.get("MetricName", "of several operations") for each in alarms["with"]]
    assert sorted(metrics) == [
        "ACUUtilization",
        "ACUUtilization",
        "DatabaseMemoryUsagePercentage",
        "DatabaseMemoryUsagePercentage",
        "HTTPCode_ELB_5XX_Count",
        "of several operations",
    ]


def test_every_node_of_the_cache_has_its_alarm(alarms: dict[str, list[dict[str, Any]]]) -> None:
    cached = [each for each in alarms["with"] if each.get("Namespace") == "AWS/ElastiCache"]
    assert [each["Dimensions"][0]["Value"]["Fn::Join"][1][1] for each in cached] == ["-001", "-002"]

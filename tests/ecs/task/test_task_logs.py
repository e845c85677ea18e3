"""The log group of tasks: new with a retention, or given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler

from moorage import Cluster, Container, Job, Scaling, Service, Task, Worker
from tests.conftest import imported_vpc, template

TASK = Task(Container("redis:8"))
HOURLY = scheduler.ScheduleExpression.rate(cdk.Duration.hours(1))
SCALING = Scaling(0, 9, backlog_per_task=100)

Define = Callable[..., Any]
CONSTRUCTS: list[Define] = [
    lambda stack, cluster, **logs: Service(stack, "It", cluster=cluster, task=TASK, **logs),
    lambda stack, cluster, **logs: Worker(stack, "It", cluster=cluster, task=TASK, scaling=SCALING, **logs),
    lambda stack, cluster, **logs: Job(stack, "It", cluster=cluster, task=TASK, schedule=HOURLY, **logs),
]


@pytest.fixture
def cluster(stack: cdk.Stack) -> Cluster:
    return Cluster(stack, "Cluster", vpc=imported_vpc(stack), failure_events=False)


def retentions(stack: cdk.Stack) -> list[int | None]:
    groups = template(stack).find_resources("AWS::Logs::LogGroup").values()
    return [each.get("Properties", {}).get("RetentionInDays") for each in groups]


@pytest.mark.parametrize("define", CONSTRUCTS)
@pytest.mark.parametrize(
    ("arguments", "days"),
    [
        ({}, 365),
        ({"log_retention": logs.RetentionDays.ONE_WEEK}, 7),
        ({"log_retention": logs.RetentionDays.INFINITE}, None),
    ],
)
def test_a_new_log_group_has_the_retention(
    define: Define, arguments: dict[str, Any], days: int | None, stack: cdk.Stack, cluster: Cluster
) -> None:
    define(stack, cluster, **arguments)
    assert retentions(stack) == [days]


@pytest.mark.parametrize("define", CONSTRUCTS)
def test_a_given_log_group_keeps_its_own_retention(define: Define, stack: cdk.Stack, cluster: Cluster) -> None:
    own = logs.LogGroup(stack, "Own", retention=logs.RetentionDays.ONE_DAY)
    with pytest.raises(ValueError, match=r"log_retention must not be used with log_group.* \(got ONE_WEEK\)"):
        define(stack, cluster, log_group=own, log_retention=logs.RetentionDays.ONE_WEEK)
    define(stack, cluster, log_group=own)
    assert retentions(stack) == [1]


def test_the_logs_of_the_pre_deployment_function_have_the_same_retention(stack: cdk.Stack, cluster: Cluster) -> None:
    retention = logs.RetentionDays.ONE_MONTH
    Service(stack, "Web", cluster=cluster, task=TASK, pre_deployment_task=TASK, log_retention=retention)
    assert retentions(stack) == [30, 30]

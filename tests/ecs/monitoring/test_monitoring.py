"""The widgets of a dashboard, and the alarms of a service with their topic."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_sns as sns

from moorage import (
    Cluster,
    Container,
    Dashboard,
    LoadBalancer,
    RollbackAlarms,
    Rollout,
    Route,
    Scaling,
    Service,
    ServiceAlarms,
    Task,
    Worker,
)
from moorage.testing import readable_template
from tests.conftest import imported_vpc, template

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

ALARM = "AWS::CloudWatch::Alarm"
TASK = Task(Container("redis:8", name="web", port=6379))


@pytest.fixture
def cluster(stack: cdk.Stack, vpc: ec2.IVpc) -> Cluster:
    return Cluster(stack, "Cluster", vpc=vpc)


def web(stack: cdk.Stack, cluster: Cluster, **arguments: Any) -> Service:
    edge = LoadBalancer(stack, "Edge", vpc=cluster.vpc, plain_http="a test", access_logs=False)
    return Service(stack, "Web", cluster=cluster, task=TASK, route=Route(edge), **arguments)


def alarms_of(stack: cdk.Stack) -> dict[str, Any]:
    found = template(stack).find_resources(ALARM)
    return {name: each["Properties"] for name, each in found.items() if name.startswith("Alarms")}


def body_of(stack: cdk.Stack) -> list[dict[str, Any]]:
    (dashboard,) = template(stack).find_resources("AWS::CloudWatch::Dashboard").values()
    parts = dashboard["Properties"]["DashboardBody"]["Fn::Join"][1]
    body = json.loads("".join(each if isinstance(each, str) else f"<{next(iter(each.values()))}>" for each in parts))
    widgets: list[dict[str, Any]] = body["widgets"]
    return widgets


def test_every_alarm_notifies_the_topic_which_allows_cloudwatch(
    stack: cdk.Stack, cluster: Cluster, template_snapshot: SnapshotAssertion
) -> None:
    topic = sns.Topic(stack, "Topic")
    ServiceAlarms(stack, "Alarms", service=web(stack, cluster), topic=topic)
    told = {"Ref": next(iter(template(stack).find_resources("AWS::SNS::Topic")))}
    assert len(alarms_of(stack)) == 5
    for alarm in alarms_of(stack).values():
        assert (alarm["AlarmActions"], alarm["OKActions"]) == ([told], [told])
    (policy,) = template(stack).find_resources("AWS::SNS::TopicPolicy").values()
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert readable_template(stack) == template_snapshot


def test_two_dashboards_with_the_same_name_are_refused(stack: cdk.Stack, cluster: Cluster) -> None:
    service = web(stack, cluster)
    Dashboard(stack, "One", services=[service], dashboard_name="shop")
    with pytest.raises(ValueError, match="Shop/Other: Shop/One has the same name 'shop', but"):
        Dashboard(stack, "Other", services=[service], dashboard_name="shop")


def test_dashboards_and_alarms_must_be_in_the_region_of_their_services(app: cdk.App) -> None:
    here, there = (
        cdk.Stack(app, region, env=cdk.Environment(account="111111111111", region=region))
        for region in ("eu-west-1", "us-east-1")
    )
    service = Service(here, "Web", cluster=Cluster(here, "Cluster", vpc=imported_vpc(here)), task=TASK)
    with pytest.raises(ValueError, match="service eu-west-1/Web must be in region us-east-1"):
        Dashboard(there, "Dashboard", services=[service])
    topic = sns.Topic(there, "Topic")
    with pytest.raises(ValueError, match="us-east-1/Alarms: service must be in region us-east-1"):
        ServiceAlarms(there, "Alarms", service=service, topic=topic)
    scaling = Scaling(0, 5, backlog_per_task=10)
    worker = Worker(here, "Worker", cluster=service.cluster, task=TASK, scaling=scaling)
    with pytest.raises(ValueError, match="us-east-1/Alarms: service must be in region us-east-1"):
        ServiceAlarms(there, "Alarms", service=worker, topic=topic)


def test_thresholds_can_be_set_and_none_means_no_alarm(stack: cdk.Stack, cluster: Cluster) -> None:
    ServiceAlarms(
        stack,
        "Alarms",
        service=web(stack, cluster),
        topic=sns.Topic(stack, "Topic"),
        cpu_percent=70,
        memory_percent=None,
        errors_percent=2.5,
        latency=dt.timedelta(milliseconds=800),
        unhealthy_targets=3,
        minutes=2,
    )
    found = alarms_of(stack).values()
    assert sorted(alarm["Threshold"] for alarm in found) == [0.8, 2, 2.5, 70]
    assert {alarm["EvaluationPeriods"] for alarm in found} == {2}


def test_alarms_cover_both_target_groups_of_a_route(stack: cdk.Stack, cluster: Cluster) -> None:
    rollout = Rollout.blue_green(alarms=RollbackAlarms())
    service = web(stack, cluster, rollout=rollout)
    ServiceAlarms(stack, "Alarms", service=service, topic=sns.Topic(stack, "Topic"), cpu_percent=None)
    Dashboard(stack, "Seen", services=[service])
    latency = next(each for name, each in alarms_of(stack).items() if "Latency" in name)
    assert [query["Id"] for query in latency["Metrics"]] == ["m0", "m1", "worst"]
    (unhealthy,) = (each for each in body_of(stack) if each["properties"].get("title") == "Unhealthy targets")
    assert len(unhealthy["properties"]["metrics"]) == 3


def test_invalid_thresholds_and_no_alarms_are_refused(stack: cdk.Stack, cluster: Cluster) -> None:
    topic = sns.Topic(stack, "Topic")
    service = Service(stack, "Api", cluster=cluster, task=TASK)
    with pytest.raises(
        ValueError,
        match=r"(?s)Shop/Alarms.*cpu_percent must .*got 0.*memory_percent must .*got 120.*minutes must .*got 0",
    ):
        ServiceAlarms(stack, "Alarms", service=service, topic=topic, cpu_percent=0, memory_percent=120, minutes=0)
    with pytest.raises(ValueError, match="at least one alarm must apply to this service"):
        ServiceAlarms(stack, "Alarms", service=service, topic=topic, cpu_percent=None, memory_percent=None)


def test_a_dashboard_shows_each_service_its_routes_its_queue_and_failures(
    stack: cdk.Stack, cluster: Cluster, template_snapshot: SnapshotAssertion
) -> None:
    worker = Worker(stack, "Mailer", cluster=cluster, task=TASK, scaling=Scaling(0, 5, backlog_per_task=10))
    Dashboard(stack, "Seen", services=[web(stack, cluster), worker])
    titles = [each["properties"].get("title") for each in body_of(stack) if each["type"] != "text"]
    assert titles == [
        "CPU and memory of the cluster, %",
        "What failed",
        "CPU and memory, %",
        "Running tasks",
        "Requests",
        "Latency (p99), s",
        "Answers of 500 and above, %",
        "Unhealthy targets",
        "CPU and memory, %",
        "Running tasks",
        "Messages to work on",
    ]
    assert readable_template(stack) == template_snapshot


def test_cloudwatch_accepts_the_dashboard_body(stack: cdk.Stack, cluster: Cluster) -> None:
    """Check the dashboard body structure of CloudWatch's API reference."""
    Dashboard(stack, "Seen", services=[web(stack, cluster)])
    for widget in body_of(stack):
        assert widget["type"] in {"metric", "text", "log"}
        assert 1 <= widget["width"] <= 24
        assert 1 <= widget["height"] <= 1000
        properties = widget["properties"]
        if widget["type"] == "text":
            assert properties.keys() == {"markdown"}
            continue
        assert properties["region"] == "<AWS::Region>"
        if widget["type"] == "log":
            assert properties["query"].startswith("SOURCE '<")
            continue
        ids = [metric[-1]["id"] for metric in properties["metrics"] if "id" in metric[-1]]
        assert len(set(ids)) == len(ids)
        for *named, options in properties["metrics"]:
            assert len(named) % 2 == 0
            assert all(isinstance(each, str) for each in named)
            assert ("expression" in options) == (not named)


def test_a_dashboard_without_services_or_with_one_twice_is_refused(stack: cdk.Stack, cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="Shop/Seen: services must not be empty"):
        Dashboard(stack, "Seen", services=[])
    service = Service(stack, "Api", cluster=cluster, task=TASK)
    with pytest.raises(
        ValueError, match=r"services must be unique \(got Shop/Api more than once\); list each service once"
    ):
        Dashboard(stack, "Seen", services=[service, service])

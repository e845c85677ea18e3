"""The metrics of Container Insights, counted from the lists of the Amazon CloudWatch User Guide."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cost.parts import Kind
from tests.cost.cost_rows import Resource, quantities, rows

ENHANCED, STANDARD = "Container Insights (enhanced)", "Container Insights"
CHECKED = {"HealthCheck": {"Command": ["x"]}}


def app(level: str, *, count: int = 1, containers: int = 1, **changes: Any) -> dict[str, Resource]:
    """Return a cluster with a service on Fargate, whose container, definition and service can have other properties."""
    container = {"Name": "web", **changes.pop("inside", {})}
    definition: dict[str, Any] = {"Cpu": "256", "Memory": "512", "NetworkMode": "awsvpc"}
    definition |= {"ContainerDefinitions": [container] * containers, **changes.pop("definition", {})}
    service = {"Cluster": {"Ref": "Cluster"}, "TaskDefinition": {"Ref": "Task"}, "LaunchType": "FARGATE"}
    return {
        "Cluster": Resource("ECS::Cluster", {"ClusterSettings": [{"Name": "containerInsights", "Value": level}]}),
        "Task": Resource("ECS::TaskDefinition", definition),
        "Web": Resource("ECS::Service", {**service, "DesiredCount": count, **changes}),
    }


def metrics(resources: dict[str, Resource]) -> dict[str, int]:
    """Return the number of metrics that are billed without traffic, by the path of the resource."""
    return {
        row.path: int(row.quantity.least)
        for row in rows(resources)
        if row.component in (ENHANCED, STANDARD) and row.kind is Kind.FIXED and row.quantity
    }


@pytest.mark.parametrize(
    ("resources", "cluster", "service"),
    [
        # 16 of tasks, 7 of containers and 2 of the cluster; 2 * (16 + 7) + 5 of service and family, 2 * 23 of a copy
        (app("enhanced"), 25, 51 + 46),
        (app("enhanced", count=3), 25, 51 + 3 * 46),
        (app("enhanced", containers=2), 25, 65 + 60),
        (app("enhanced", inside=CHECKED), 26, 53 + 48),
        (app("enhanced", inside={"RestartPolicy": {"Enabled": True}}), 26, 55 + 50),
        (app("enhanced", inside={"RestartPolicy": {"Enabled": False}}), 25, 51 + 46),
        # 10 of tasks and 2 of the cluster; 2 * 10 + 5 of service and family; none of a copy
        (app("enabled"), 12, 25),
        (app("enabled", count=9), 12, 25),
        # without ephemeral storage, and with ContainerInstanceCount
        (app("enhanced", LaunchType="EC2"), 23, 45 + 40),
        (app("enhanced", LaunchType="EC2", definition={"NetworkMode": "host"}), 19, 37 + 32),
    ],
)
def test_each_set_of_dimensions_is_a_metric(resources: dict[str, Resource], cluster: int, service: int) -> None:
    assert metrics(resources) == {"Shop/Cluster": cluster, "Shop/Web": service}


def test_a_volume_has_metrics() -> None:
    volume = {"Name": "data", "ManagedEBSVolume": {"SizeInGiB": 10, "RoleArn": "a"}}
    found = metrics(app("enhanced", VolumeConfigurations=[volume]))
    assert found == {"Shop/Cluster": 26, "Shop/Web": 53 + 48 + 2 * 3}


def test_a_service_without_a_copy_has_no_metric() -> None:
    found = rows(app("enhanced", count=0))
    assert quantities([row for row in found if row.path == "Shop/Web"])[ENHANCED] == ("0", "0")


def test_a_cluster_without_insights_or_services_has_none() -> None:
    assert metrics(app("disabled")) == {}
    assert metrics({"Cluster": app("enhanced")["Cluster"]}) == {}


def test_the_metrics_of_tasks_outside_services_are_not_counted_but_said() -> None:
    (row,) = [row for row in rows(app("enhanced")) if row.component == "Container Insights of other tasks"]
    assert row.kind is Kind.USE
    assert row.month is None
    assert "jobs, daemons" in row.assumptions[0]

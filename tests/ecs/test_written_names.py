"""Explicit names contain the name of their stack, since an app may have two stacks with the same ids."""

from __future__ import annotations

import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_scheduler as scheduler

from moorage import Capacity, Cluster, Container, Job, Scaling, Service, Task, ValidationError, Worker
from moorage.ecs.identity import Identity
from tests.conftest import imported_vpc, template, warnings_of

PLACE = cdk.Environment(account="111111111111", region="eu-west-1")
TASK = Task(Container("redis:8"))


def define(stack: cdk.Stack) -> dict[str, Any]:
    """Return the explicit names in a stack with a service on Managed Instances."""
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[Capacity.managed_instances("managed")])
    Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8")))
    found = {}
    for resource_type, name in (
        ("AWS::ECS::TaskDefinition", "Family"),
        ("AWS::IAM::Role", "RoleName"),
        ("AWS::IAM::InstanceProfile", "InstanceProfileName"),
    ):
        resources = template(stack).find_resources(resource_type).values()
        (found[name],) = (each["Properties"][name] for each in resources if name in each["Properties"])
    return found


def test_two_stacks_with_the_same_id_have_no_name_in_common() -> None:
    def names(environment: str) -> dict[str, Any]:
        return define(cdk.Stack(cdk.App(), "Shop", stack_name=f"shop-{environment}"))

    dev, production = names("dev"), names("production")
    assert re.fullmatch(r"shop-dev-Web-[0-9a-f]{12}", dev["Family"])
    assert "shop-production" in str(production["RoleName"])
    assert [name for name in dev if dev[name] == production[name]] == []


def test_names_do_not_change_if_the_stack_name_is_its_id(app: cdk.App) -> None:
    stack = cdk.Stack(cdk.Stage(app, "Prod"), "Shop")
    assert define(stack)["Family"].startswith("ProdShopWeb")


@pytest.mark.parametrize("name", ["shop", "s" * 128])
def test_a_name_has_at_most_the_allowed_length(app: cdk.App, name: str) -> None:
    stack = cdk.Stack(app, "Stack", stack_name=name)
    unique_name = Identity.in_scope(stack, "w" * 200).unique_name(33)
    assert unique_name
    assert unique_name.startswith(name[:20])
    assert len(unique_name) == 33


def test_names_in_a_nested_stack_contain_the_name_of_its_parent(app: cdk.App) -> None:
    named = cdk.Stack(app, "Shop", stack_name="shop-dev")
    assert Identity.in_scope(cdk.NestedStack(named, "Nested"), "Web").stack_name == "shop-dev"
    assert Identity.in_scope(cdk.NestedStack(cdk.Stack(app, "Other"), "Nested"), "Web").stack_name is None


def property_of(stack: cdk.Stack, kind: str, name: str) -> list[Any]:
    return [each["Properties"].get(name) for each in template(stack).find_resources(f"AWS::ECS::{kind}").values()]


def test_names_that_the_user_gives_are_written_as_they_are(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop", stack_name="shop-dev")
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), cluster_name="main", namespace="shop")
    web = Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8"), family="front"), service_name="web")
    scaling = Scaling(0, 9, backlog_per_task=100)
    Worker(stack, "Orders", cluster=cluster, task=TASK, scaling=scaling, service_name="orders")
    assert property_of(stack, "Cluster", "ClusterName") == ["main"]
    assert property_of(stack, "Service", "ServiceName") == ["web", "orders"]
    assert web.task_definition.family == "front"
    assert property_of(stack, "TaskDefinition", "Family")[0] == "front"


def test_names_are_generated_by_default(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop")
    Service(stack, "Web", cluster=Cluster(stack, "Cluster", vpc=imported_vpc(stack)), task=TASK)
    assert property_of(stack, "Cluster", "ClusterName") == [None]
    assert property_of(stack, "Service", "ServiceName") == [None]


def two_clusters(stack: cdk.Stack, other: cdk.Stack) -> None:
    for each in (stack, other):
        Cluster(each, "Cluster", vpc=imported_vpc(each), cluster_name="main")


def two_families(stack: cdk.Stack, other: cdk.Stack) -> None:
    task = Task(Container("redis:8"), family="front")
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack))
    Service(stack, "Web", cluster=cluster, task=task)
    hourly = scheduler.ScheduleExpression.rate(cdk.Duration.hours(1))
    Job(other, "Report", cluster=cluster, task=task, schedule=hourly)


def two_services(stack: cdk.Stack, other: cdk.Stack) -> None:
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack))
    for each in (stack, other):
        Service(each, "Web", cluster=cluster, task=TASK, service_name="web")


def two_services_of_an_existing_cluster(stack: cdk.Stack, other: cdk.Stack) -> None:
    for each in (stack, other):
        cluster = Cluster.from_attributes(each, "Cluster", cluster_name="main", vpc=imported_vpc(each))
        Service(each, "Web", cluster=cluster, task=TASK, service_name="web")


@pytest.mark.parametrize(
    ("define", "kind", "name", "within"),
    [
        (two_clusters, "Cluster", "main", "an account and region"),
        (two_families, "TaskDefinition", "front", "an account and region"),
        (two_services, "Service", "web", "the cluster One/Cluster"),
        (two_services_of_an_existing_cluster, "Service", "web", "the cluster main"),
    ],
)
def test_a_name_that_is_used_twice_in_one_account_and_region_is_refused(
    app: cdk.App, define: Any, kind: str, name: str, within: str
) -> None:
    define(cdk.Stack(app, "One", env=PLACE), cdk.Stack(app, "Two", env=PLACE))
    rule = f"have the same name {name!r}, but the name of each AWS::ECS::{kind} must be unique in {within}; use another"
    with pytest.raises(RuntimeError, match=rule):
        app.synth()


@pytest.mark.parametrize(
    ("options", "kind"),
    [({"cluster_name": "main"}, "ECS::Cluster"), ({"namespace": "shop"}, "ServiceDiscovery::HttpNamespace")],
)
def test_a_name_that_is_used_twice_in_one_stack_is_refused_at_once(
    app: cdk.App, options: dict[str, Any], kind: str
) -> None:
    stack = cdk.Stack(app, "Shop")
    vpc = imported_vpc(stack)
    Cluster(stack, "One", vpc=vpc, **options)
    with pytest.raises(ValidationError, match=rf"^Shop/Two: Shop/One has the same name .* AWS::{kind} must be unique"):
        Cluster(stack, "Two", vpc=vpc, **options)


def test_the_second_service_of_a_name_is_refused_at_once(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop")
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack))
    Service(stack, "One", cluster=cluster, task=TASK, service_name="web")
    with pytest.raises(ValidationError, match="must be unique in the cluster Shop/Cluster; use another name"):
        Service(stack, "Two", cluster=cluster, task=TASK, service_name="web")


def test_services_of_two_clusters_may_have_one_name(app: cdk.App) -> None:
    """botocore ecs CreateServiceRequest.serviceName: similarly named services in multiple clusters are possible."""
    stack = cdk.Stack(app, "Shop", env=PLACE)
    for name in ("Live", "Test"):
        cluster = Cluster(stack, name, vpc=imported_vpc(stack) if name == "Live" else stack.node.find_child("Vpc"))  # type: ignore[arg-type]  # the VPC of the first
        Service(stack, f"{name}Web", cluster=cluster, task=TASK, service_name="web")
    assert warnings_of(app, "Shop") == []


def test_a_name_that_is_known_at_deployment_passes(stack: cdk.Stack) -> None:
    name = cdk.CfnParameter(stack, "Name").value_as_string
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), cluster_name=name)
    service = Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8"), family=name), service_name=name)
    assert isinstance(service.service, ecs.FargateService)
    assert property_of(stack, "Service", "ServiceName") == [{"Ref": "Name"}]

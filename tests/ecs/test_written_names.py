"""Explicit names contain the name of their stack, since an app may have two stacks with the same ids."""

from __future__ import annotations

import re
from typing import Any

import aws_cdk as cdk
import pytest

from moorage import Capacity, Cluster, Container, Service, Task
from moorage.ecs.identity import Identity
from tests.conftest import imported_vpc, template


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

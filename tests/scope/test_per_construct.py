"""Values of constructs that cannot hold them."""

from __future__ import annotations

from collections.abc import Callable

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import IConstruct

from moorage.scope.per_construct import PerConstruct

ARN = "arn:aws:ecs:eu-west-1:111111111111:cluster/shop"


def looked_up(stack: cdk.Stack) -> ec2.IVpc:
    return ec2.Vpc.from_lookup(stack, "LookedUp", vpc_id="vpc-1")


def from_attributes(stack: cdk.Stack) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        stack, "Attributes", vpc_id="vpc-1", availability_zones=["a"], private_subnet_ids=["subnet-1"]
    )


def imported_cluster(stack: cdk.Stack) -> ecs.ICluster:
    return ecs.Cluster.from_cluster_arn(stack, "Cluster", ARN)


@pytest.fixture
def stack() -> cdk.Stack:
    return cdk.Stack(cdk.App(), "Stack", env=cdk.Environment(account="111111111111", region="eu-west-1"))


@pytest.mark.parametrize(
    "define", [lambda stack: stack, lambda stack: ec2.Vpc(stack, "Vpc"), looked_up, from_attributes]
)
def test_each_construct_has_its_own_value(stack: cdk.Stack, define: Callable[[cdk.Stack], IConstruct]) -> None:
    values: PerConstruct[IConstruct, list[str]] = PerConstruct()
    construct, other = define(stack), imported_cluster(stack)
    assert values.get(construct) is None
    values.get_or_make(construct, list).append("first")
    values.get_or_make(construct, list).append("second")
    values.set(other, ["other"])
    assert values.get(construct) == ["first", "second"]
    assert list(values.items()) == [(construct, ["first", "second"]), (other, ["other"])]
    values.set(construct, [])
    assert values.get(construct) == []


@pytest.mark.parametrize("define", [looked_up, from_attributes, imported_cluster])
def test_imported_resources_support_no_attributes(stack: cdk.Stack, define: Callable[[cdk.Stack], IConstruct]) -> None:
    with pytest.raises(AttributeError):
        setattr(define(stack), "_value", 1)  # noqa: B010  # mypy refuses an assignment

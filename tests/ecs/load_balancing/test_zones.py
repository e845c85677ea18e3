"""Zones and subnets in which load balancers reach their tasks, and clients reach load balancers."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from moorage import (
    Capacity,
    Cluster,
    Container,
    Listener,
    LoadBalancer,
    Network,
    NetworkLoadBalancer,
    NetworkMode,
    Route,
    Service,
    Task,
)
from tests.conftest import warnings_of

PLACE = cdk.Environment(account="111111111111", region="eu-west-1")
KINDS: list[Any] = [LoadBalancer, NetworkLoadBalancer]


def vpc_of(stack: cdk.Stack, name: str = "Vpc", zones: str = "abc") -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        stack,
        name,
        vpc_id="vpc-1",
        vpc_cidr_block="10.0.0.0/16",
        availability_zones=[f"eu-west-1{zone}" for zone in zones],
        private_subnet_ids=[f"subnet-{zone}" for zone in zones],
    )


def select(vpc: ec2.IVpc, *indexes: int) -> ec2.SubnetSelection:
    return ec2.SubnetSelection(subnets=[vpc.private_subnets[index] for index in indexes])


def serve(stack: cdk.Stack, entrance: Any, vpc: ec2.IVpc, **arguments: Any) -> Service:
    cluster = Cluster(stack, "Cluster", vpc=vpc)
    entry = Route(entrance) if isinstance(entrance, LoadBalancer) else Listener(entrance, port=80)
    task = Task(Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", port=8080))
    return Service(stack, "Web", cluster=cluster, task=task, route=entry, **arguments)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("env", [None, PLACE], ids=["agnostic", "placed"])
@pytest.mark.parametrize(
    "make_vpc",
    [lambda stack: Network(stack, "Network", zones=3).vpc, lambda stack: ec2.Vpc(stack, "Own"), vpc_of],
    ids=["Network", "ec2.Vpc", "imported"],
)
def test_tasks_outside_all_zones_of_their_load_balancer_are_refused(
    app: cdk.App, kind: Any, env: Any, make_vpc: Any
) -> None:
    """ELB: targets in a zone that is not enabled receive no traffic, and stay unused."""
    stack = cdk.Stack(app, "Shop", env=env)
    vpc = make_vpc(stack)
    last = len(vpc.private_subnets) - 1  # in a stack without an environment, CDK's VPC has two zones
    if last < 2 and kind is LoadBalancer:
        return
    entrance = kind(stack, "Edge", vpc=vpc, vpc_subnets=select(vpc, *range(last)))
    with pytest.raises(ValueError, match=r"Shop/Web: vpc_subnets must be in zones of Shop/Edge, \S.* \(got \S"):
        serve(stack, entrance, vpc, vpc_subnets=select(vpc, last))
    stack.node.try_remove_child("Cluster")
    serve(stack, entrance, vpc, vpc_subnets=select(vpc, 0))
    assert warnings_of(app, "Shop") == []


@pytest.mark.parametrize("kind", KINDS)
def test_tasks_partly_outside_the_zones_of_their_load_balancer_warn(app: cdk.App, kind: Any) -> None:
    stack = cdk.Stack(app, "Shop", env=PLACE)
    vpc = vpc_of(stack)
    entrance = kind(stack, "Edge", vpc=vpc, vpc_subnets=select(vpc, 0, 1))
    serve(stack, entrance, vpc)
    assert ["Shop/Edge, eu-west-1a, eu-west-1b (got eu-west-1c)" in each for each in warnings_of(app, "Shop")] == [True]


def test_instances_outside_the_zones_of_the_load_balancer_of_their_tasks_are_refused(stack: cdk.Stack) -> None:
    vpc = vpc_of(stack)
    entrance = LoadBalancer(stack, "Edge", vpc=vpc, vpc_subnets=select(vpc, 0, 1))
    general = Capacity.ec2("general", instance_types=["m7i.large"], max_instances=2, vpc_subnets=select(vpc, 2))
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[general])
    container = Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", port=8080, memory_mib=128)
    task = Task(container, network_mode=NetworkMode.BRIDGE)
    with pytest.raises(ValueError, match=r"vpc_subnets of capacity 'general' must be .* \(got eu-west-1c\)"):
        Service(stack, "Web", cluster=cluster, task=task, route=Route(entrance))


@pytest.mark.parametrize("same_view", [True, False])
def test_zones_of_an_imported_vpc_that_are_tokens_are_accepted(stack: cdk.Stack, *, same_view: bool) -> None:
    """Two tokens may be the same zone, in one view of a VPC or in two."""
    edge_view, task_view = (
        ec2.Vpc.from_vpc_attributes(
            stack,
            name,
            vpc_id="vpc-1",
            vpc_cidr_block="10.0.0.0/16",
            availability_zones=[cdk.Fn.import_value(f"{name}{index}") for index in range(3)],
            private_subnet_ids=["subnet-1", "subnet-2", "subnet-3"],
        )
        for name in ("One", "Two")
    )
    view = edge_view if same_view else task_view
    entrance = LoadBalancer(stack, "Edge", vpc=edge_view, vpc_subnets=select(edge_view, 0, 1))
    serve(stack, entrance, view, vpc_subnets=select(view, 2))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "select_private",
    [
        lambda _: ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
        lambda _: ec2.SubnetSelection(subnet_group_name="Private"),
        lambda vpc: ec2.SubnetSelection(subnets=[vpc.public_subnets[0], vpc.private_subnets[1]]),
    ],
    ids=["type", "group", "subnets"],
)
@pytest.mark.parametrize("is_network", [True, False], ids=["Network", "ec2.Vpc"])
def test_a_public_load_balancer_in_a_private_subnet_is_refused(
    stack: cdk.Stack, kind: Any, select_private: Any, *, is_network: bool
) -> None:
    """ELB: an internet-facing load balancer needs a route to an internet gateway, which private subnets lack."""
    vpc = Network(stack, "Here").vpc if is_network else ec2.Vpc(stack, "Here")
    reason: Any = {"plain_http" if kind is LoadBalancer else "without_tls": "a test"}
    with pytest.raises(ValueError, match=r"vpc_subnets must be public subnets if public=True \(got Shop/Here/"):
        kind(stack, "Edge", vpc=vpc, public=True, vpc_subnets=select_private(vpc), **reason)
    kind(stack, "Internal", vpc=vpc, vpc_subnets=select_private(vpc))
    kind(stack, "Public", vpc=vpc, public=True, vpc_subnets=ec2.SubnetSelection(subnets=vpc.public_subnets), **reason)


def test_zones_of_a_vpc_and_of_an_import_of_it_are_not_compared_by_their_tokens(stack: cdk.Stack) -> None:
    vpc = Network(stack, "Network", zones=3).vpc
    view = vpc_of(stack)
    entrance = LoadBalancer(stack, "Edge", vpc=vpc, vpc_subnets=select(vpc, 0, 1))
    cluster = Cluster.from_attributes(stack, "Cluster", cluster_name="shop", vpc=view)
    task = Task(Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", port=8080))
    with pytest.raises(ValueError, match="in another VPC") as error:
        Service(stack, "Web", cluster=cluster, task=task, route=Route(entrance), vpc_subnets=select(view, 2))
    assert "zones" not in str(error.value)


def test_a_public_load_balancer_in_isolated_subnets_is_refused(stack: cdk.Stack) -> None:
    isolated = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    vpc = Network(stack, "Network", nat_gateways=0).vpc
    with pytest.raises(ValueError, match="vpc_subnets must be public subnets"):
        LoadBalancer(stack, "Edge", vpc=vpc, public=True, plain_http="a test", vpc_subnets=isolated)


@pytest.mark.parametrize("kind", KINDS)
def test_a_public_load_balancer_may_be_in_imported_subnets_of_any_kind(stack: cdk.Stack, kind: Any) -> None:
    vpc = vpc_of(stack)
    reason: Any = {"plain_http" if kind is LoadBalancer else "without_tls": "a test"}
    kind(stack, "Edge", vpc=vpc, public=True, vpc_subnets=select(vpc, 0, 1), **reason)

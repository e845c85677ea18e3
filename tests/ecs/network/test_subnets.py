"""Selections of subnets that a VPC has, lacks, or does not know yet."""

from __future__ import annotations

from collections.abc import Callable

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_scheduler as scheduler

from moorage import Capacity, Cluster, Container, Job, LoadBalancer, Network, NetworkLoadBalancer, Service, Task
from tests.conftest import imported_vpc

TASK = Task(Container("public.ecr.aws/docker/library/redis:8"))


def _general(selection: ec2.SubnetSelection) -> Capacity:
    return Capacity.ec2("general", instance_types=["m7i.large"], max_instances=2, vpc_subnets=selection)


KINDS: dict[str, Callable[[cdk.Stack, ec2.IVpc, ec2.SubnetSelection], object]] = {
    "service": lambda stack, vpc, selection: Service(
        stack, "Here", cluster=Cluster(stack, "Cluster", vpc=vpc), task=TASK, vpc_subnets=selection
    ),
    "job": lambda stack, vpc, selection: Job(
        stack,
        "Here",
        cluster=Cluster(stack, "Cluster", vpc=vpc),
        task=TASK,
        vpc_subnets=selection,
        schedule=scheduler.ScheduleExpression.rate(cdk.Duration.days(1)),
    ),
    "load balancer": lambda stack, vpc, selection: LoadBalancer(stack, "Here", vpc=vpc, vpc_subnets=selection),
    "network load balancer": lambda stack, vpc, selection: NetworkLoadBalancer(
        stack,
        "Here",
        vpc=vpc,
        vpc_subnets=selection,
        public=True,
        without_tls="a test",
        allocation_ids=["eipalloc-0a1b", "eipalloc-0a1c"],
    ),
    "instances": lambda stack, vpc, selection: Cluster(stack, "Here", vpc=vpc, capacity=[_general(selection)]),
    "managed instances": lambda stack, vpc, selection: Cluster(
        stack, "Here", vpc=vpc, capacity=[Capacity.managed_instances("managed", vpc_subnets=selection)]
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "make_vpc",
    [lambda stack: Network(stack, "Network").vpc, lambda stack: ec2.Vpc(stack, "Own")],
    ids=["Network", "ec2.Vpc"],
)
def test_a_selection_without_subnets_is_refused_with_the_available_ones(
    stack: cdk.Stack, kind: str, make_vpc: Callable[[cdk.Stack], ec2.IVpc]
) -> None:
    vpc = make_vpc(stack)
    for selection, got, use in (
        (
            ec2.SubnetSelection(subnet_group_name="Privat"),
            "subnet_group_name='Privat'",
            "subnet_group_name='Public' or subnet_group_name='Private'",
        ),
        (
            ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            "subnet_type=PRIVATE_ISOLATED",
            "subnet_type=PUBLIC or subnet_type=PRIVATE_WITH_EGRESS",
        ),
    ):
        for each in ("Cluster", "Here"):
            stack.node.try_remove_child(each)
        with pytest.raises(ValueError, match=rf"must select subnets of the VPC \S+ \(got {got}\); use {use}"):
            KINDS[kind](stack, vpc, selection)


@pytest.mark.parametrize("kind", KINDS)
def test_a_filter_that_matches_no_subnet_is_refused(stack: cdk.Stack, kind: str) -> None:
    nowhere = ec2.SubnetSelection(availability_zones=["eu-west-1z"])
    with pytest.raises(
        ValueError, match=r"must select subnets of the VPC Shop/Vpc \(got filters that match no subnet\)"
    ):
        KINDS[kind](stack, imported_vpc(stack), nowhere)


@pytest.mark.parametrize("kind", [each for each in KINDS if each != "managed instances"])  # CDK itself refuses them
def test_subnets_that_are_not_looked_up_yet_are_accepted(app: cdk.App, kind: str) -> None:
    stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    vpc = ec2.Vpc.from_lookup(stack, "Vpc", is_default=True)
    KINDS[kind](stack, vpc, ec2.SubnetSelection(subnet_group_name="App"))

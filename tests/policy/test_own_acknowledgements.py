"""The acknowledgements of moorage's constructs cover only what the constructs define, as it is in the template."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from moorage import Cluster, Container, Job, LoadBalancer, Network, Service, Task, policy
from moorage.assembly.cloud_assembly import stacks_of
from moorage.policy.acknowledgements import of_app

IMAGE = "public.ecr.aws/docker/library/nginx:1.29"
Changed = Callable[[cdk.Stack], None]


@pytest.fixture
def shop(app: cdk.App) -> cdk.Stack:
    return shop_of(app)


def shop_of(app: cdk.App) -> cdk.Stack:
    """Return a stack with an internal load balancer, a service with sessions, and a job."""
    policy.acknowledge(app)
    stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    network = Network(stack, "Network")
    cluster = Cluster(stack, "Cluster", vpc=network.vpc)
    LoadBalancer(stack, "Edge", vpc=network.vpc, plain_http="a test")
    task = Task(Container(IMAGE, port=8080), execute_command=True)
    Service(stack, "Web", cluster=cluster, task=task)
    hourly = scheduler.ScheduleExpression.rate(cdk.Duration.hours(1))
    Job(stack, "Nightly", cluster=cluster, task=Task(Container(IMAGE)), schedule=hourly, overlap=False)
    return stack


def found(stack: cdk.Stack, path: str) -> Any:
    construct: Any = stack
    for each in path.split("/"):
        construct = construct.node.find_child(each)
    return construct


def override(path: str, name: str, value: Any) -> Changed:
    return lambda stack: found(stack, path).add_property_override(name, value)


def statement(path: str, action: str, resource: str, **conditions: Any) -> Changed:
    added = iam.PolicyStatement(actions=[action], resources=[resource], conditions=conditions or None)
    return lambda stack: found(stack, path).add_to_principal_policy(added)


def rule(peer: ec2.IPeer, port: ec2.Port) -> Changed:
    return lambda stack: found(stack, "Edge/SecurityGroup").add_ingress_rule(peer, port, "Clients on port 80")


def container(**given: Any) -> Changed:
    image = ecs.ContainerImage.from_registry(IMAGE)
    return lambda stack: found(stack, "Web/TaskDefinition").add_container("Side", image=image, **given)


def grant(principal: iam.IPrincipal, action: str = "kms:CreateGrant") -> Changed:
    added = iam.PolicyStatement(actions=[action], resources=["*"], principals=[principal])
    return lambda stack: cast("None", cast("kms.Key", found(stack, "EventKey")).add_to_resource_policy(added))


SESSIONS = "Web/TaskDefinition/TaskRole"
MACHINE = "Nightly/MachineRole"
DEFINITION = "Web/TaskDefinition/Resource"
GROUP = "Edge/SecurityGroup/Resource"
KEY = "EventKey/Resource"
STATEMENT = "PolicyDocument.Statement.0."
ANY_ROLE = "arn:aws:iam::111111111111:role/*"
CHANGES = {
    "own": [
        ("iam-wildcard", f"{SESSIONS}/DefaultPolicy/Resource", lambda _: None),
        ("iam-wildcard", f"{MACHINE}/Resource", lambda _: None),
        ("iam-wildcard", f"{MACHINE}/DefaultPolicy/Resource", lambda _: None),
        ("nonroot-user", DEFINITION, container(user="1000")),
        ("nonroot-user", DEFINITION, override(DEFINITION, "Cpu", "1024")),
        ("alb-public", GROUP, lambda _: None),
        ("alb-public", GROUP, rule(ec2.Peer.ipv4("10.0.0.0/8"), ec2.Port.tcp(22))),
        ("kms-grants", KEY, grant(iam.ServicePrincipal("events.amazonaws.com"), "kms:*")),
        ("kms-grants", KEY, grant(iam.AccountPrincipal("222222222222"), "kms:Decrypt")),
        ("log-kms", "Web/Logs/Resource", override("Web/Logs/Resource", "RetentionInDays", 1)),
        ("vpc-igw-route", "Network/Default/PublicSubnet1/DefaultRoute", lambda _: None),
    ],
    "changed": [
        ("iam-wildcard", f"{MACHINE}/DefaultPolicy/Resource", statement(MACHINE, "iam:PassRole", ANY_ROLE)),
        ("iam-wildcard", f"{MACHINE}/DefaultPolicy/Resource", statement(MACHINE, "ecs:StopTask", "*")),
        (
            "iam-wildcard",
            f"{SESSIONS}/DefaultPolicy/Resource",
            statement(SESSIONS, "ssmmessages:OpenDataChannel", "*", Bool={"aws:SecureTransport": "true"}),
        ),
        (
            "iam-wildcard",
            f"{SESSIONS}/DefaultPolicy/Resource",
            override(f"{SESSIONS}/DefaultPolicy/Resource", f"{STATEMENT}Action", ["s3:PutObject"]),
        ),
        ("nonroot-user", DEFINITION, container(user="root")),
        ("nonroot-user", DEFINITION, container(user="0:0")),
        ("nonroot-user", DEFINITION, container()),
        ("nonroot-user", DEFINITION, override(DEFINITION, "ContainerDefinitions.0.User", "root")),
        ("alb-public", GROUP, rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(80))),
        ("alb-public", GROUP, rule(ec2.Peer.any_ipv6(), ec2.Port.udp(80))),
        ("alb-public", GROUP, override(GROUP, "SecurityGroupIngress.0.CidrIp", "0.0.0.0/0")),
        ("kms-grants", KEY, grant(iam.AnyPrincipal())),
        ("kms-grants", KEY, grant(iam.AccountPrincipal("222222222222"), "kms:Create*")),
        ("kms-grants", KEY, override(KEY, "KeyPolicy.Statement.0.Principal", "*")),
    ],
}


def acknowledged(stack: cdk.Stack) -> set[tuple[str, str]]:
    app = cast("cdk.App", stack.node.root)
    return {(each.id, each.path) for each in of_app(stacks_of(Path(app.synth().directory)))}


@pytest.mark.parametrize(("issue", "path", "change"), CHANGES["own"])
def test_what_constructs_define_is_acknowledged(shop: cdk.Stack, issue: str, path: str, change: Changed) -> None:
    change(shop)
    assert (issue, f"Shop/{path}") in acknowledged(shop)


@pytest.mark.parametrize(("issue", "path", "change"), CHANGES["own"])
def test_the_partition_may_be_a_literal(app: cdk.App, issue: str, path: str, change: Changed) -> None:
    app.node.set_context("@aws-cdk/core:enablePartitionLiterals", True)  # noqa: FBT003  # a method of CDK
    shop = shop_of(app)
    change(shop)
    assert (issue, f"Shop/{path}") in acknowledged(shop)


@pytest.mark.parametrize(("issue", "path", "change"), CHANGES["changed"])
def test_what_users_change_is_not_acknowledged(shop: cdk.Stack, issue: str, path: str, change: Changed) -> None:
    change(shop)
    assert (issue, f"Shop/{path}") not in acknowledged(shop)


def test_what_users_define_below_our_constructs_is_not_acknowledged(shop: cdk.Stack) -> None:
    definition = found(shop, "Web/TaskDefinition")
    role = iam.Role(definition, "Mine", assumed_by=iam.AccountRootPrincipal())
    role.add_to_policy(iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"]))
    subnet = Construct(found(shop, "Network/Default/PrivateSubnet1"), "Mine")
    ec2.CfnRoute(subnet, "DefaultRoute", route_table_id="rtb-1", destination_cidr_block="::/0", gateway_id="igw-1")
    given = acknowledged(shop)
    assert not [path for _, path in given if "/Mine/" in path or "PrivateSubnet" in path]

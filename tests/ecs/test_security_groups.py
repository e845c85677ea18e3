"""EC2 accepts the descriptions of all security groups, for any construct ids."""

from __future__ import annotations

import re

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from moorage import (
    Capacity,
    Cluster,
    Container,
    Job,
    Listener,
    LoadBalancer,
    NetworkLoadBalancer,
    Route,
    Schedule,
    Service,
    Task,
)
from tests.conftest import imported_vpc, template

DESCRIPTION = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}")
"""The characters that EC2 accepts (botocore ec2 CreateSecurityGroup.Description, IpRange.Description)."""


def descriptions(stack: cdk.Stack) -> set[str]:
    """Return the descriptions of all security groups and rules."""
    found = set()
    for resource in template(stack).to_json()["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::EC2::SecurityGroup":
            found.add(properties["GroupDescription"])
        if resource["Type"].startswith("AWS::EC2::SecurityGroup"):
            rules = [
                *properties.get("SecurityGroupIngress", []),
                *properties.get("SecurityGroupEgress", []),
                properties,
            ]
            found |= {rule["Description"] for rule in rules if "Description" in rule}
    return found


@pytest.mark.parametrize("construct_id", ["Bob's Shop", "Über -> uns", "x" * 250])
def test_ec2_accepts_every_description(app: cdk.App, construct_id: str) -> None:
    stack = cdk.Stack(app, "Shop")
    vpc = ec2.Vpc(stack, "Vpc", restrict_default_security_group=False)
    general = Capacity.ec2("general", instance_types=["m7i.large"], max_instances=10)
    cluster = Cluster(stack, f"{construct_id} Cluster", vpc=vpc, capacity=[Capacity.fargate(), general])
    edge = LoadBalancer(stack, f"{construct_id} Edge", vpc=vpc, plain_http="inside")
    gate = NetworkLoadBalancer(stack, f"{construct_id} Gate", vpc=vpc)
    task = Task(Container("redis:8", port=6379))
    Service(stack, construct_id, cluster=cluster, task=task, route=[Route(edge)])
    Service(stack, f"{construct_id} Gated", cluster=cluster, task=task, route=Listener(gate, 6379))
    Job(
        stack,
        f"{construct_id} Job",
        cluster=cluster,
        task=task,
        schedule=Schedule(cdk.aws_scheduler.ScheduleExpression.rate(cdk.Duration.hours(1))),
    )
    found = descriptions(stack)
    assert len(found) > 7
    assert [each for each in found if not DESCRIPTION.fullmatch(each)] == []


def test_a_description_is_the_path_if_ec2_accepts_it(app: cdk.App) -> None:
    stack = cdk.Stack(cdk.Stage(app, "Prod"), "Shop")
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack))
    for construct_id in ("Web", "Other"):
        Service(stack, construct_id, cluster=cluster, task=Task(Container("redis:8")))
    assert {"Prod/Shop/Web/SecurityGroup", "Prod/Shop/Other/SecurityGroup"} <= descriptions(stack)

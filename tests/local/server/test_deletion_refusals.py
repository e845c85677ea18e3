"""Deletions that fail while another stack uses the resource, and succeed after that stack is deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.local.local_aws import NETWORK, Client, Deploy, fargate, ref, resource

Resources = dict[str, Any]
Values = dict[str, str]

GROUP = resource("AWS::EC2::SecurityGroup", GroupDescription="members", VpcId=ref("Vpc"))


def _service(values: Values) -> Resources:
    network = {"Subnets": [values["Subnet"]], "SecurityGroups": [values["Group"]]}
    stated = {"Cluster": ref("Cluster"), "TaskDefinition": ref("Task"), "LaunchType": "FARGATE", "DesiredCount": 1}
    service = resource("AWS::ECS::Service", **stated, NetworkConfiguration={"AwsvpcConfiguration": network})
    return {"Cluster": resource("AWS::ECS::Cluster"), "Task": fargate("web"), "Service": service}


def _association(values: Values) -> Resources:
    stated = {"SubnetId": values["Subnet"], "RouteTableId": values["Table"]}
    return {"Association": resource("AWS::EC2::SubnetRouteTableAssociation", **stated)}


def _rule(values: Values) -> Resources:
    return {"Rule": resource("AWS::Events::Rule", EventBusName=values["Bus"], EventPattern={"source": ["shop"]})}


HELD: dict[str, tuple[Resources, Callable[[Values], Resources], str]] = {
    "a service's network": (NETWORK | {"Group": GROUP}, _service, "has a dependent object: Service of the stack"),
    "a subnet's routes": (
        NETWORK | {"Table": resource("AWS::EC2::RouteTable", VpcId=ref("Vpc"))},
        _association,
        "has dependencies and cannot be deleted: Association of the stack",
    ),
    "a rule's event bus": (
        {"Bus": resource("AWS::Events::EventBus", Name="orders")},
        _rule,
        "Event bus orders cannot be deleted while it has rules",
    ),
}


@pytest.mark.parametrize(("owned", "using", "says"), HELD.values(), ids=HELD)
def test_resource_in_use_by_another_stack_is_not_deleted(
    client: Client,
    deploy: Deploy,
    remove: Callable[[str], None],
    owned: Resources,
    using: Callable[[Values], Resources],
    says: str,
) -> None:
    owner = deploy(owned, "-owner", **{name: ref(name) for name in owned})
    assert owner["StackStatus"] == "CREATE_COMPLETE", owner["Reason"]
    user = deploy(using(owner["Values"]), "-user")
    assert user["StackStatus"] == "CREATE_COMPLETE", user["Reason"]
    cloudformation = client("cloudformation")
    cloudformation.delete_stack(StackName=owner["StackName"])
    (left,) = cloudformation.describe_stacks(StackName=owner["StackName"])["Stacks"]
    assert left["StackStatus"] == "DELETE_FAILED"
    events = cloudformation.describe_stack_events(StackName=owner["StackName"])["StackEvents"]
    assert says in "".join(each.get("ResourceStatusReason", "") for each in events)
    remove(user["StackName"])
    remove(owner["StackName"])

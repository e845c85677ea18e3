"""Updates and deletions of networks: what remains, and why some are refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.local_aws import NETWORK, Client, Deploy, attribute, load_balancer, ref, resource
from tests.local.networks import (
    HOST_NAMES,
    OTHER_VPC,
    TABLE,
    VPC,
    association,
    ec2,
    endpoint,
    nat,
    route,
    security_group,
    subnet,
    without,
)

Resources = dict[str, Any]


def _balancer(**properties: Any) -> Resources:
    return NETWORK | {"Edge": load_balancer(**properties)}


def _balanced(groups: list[Any]) -> Resources:
    return _balancer(SecurityGroups=groups) | {"Group": security_group()["Group"]}


def _peers(*names: str, rule: bool = False) -> Resources:
    groups = {name: security_group()["Group"] for name in names}
    opened = ec2("SecurityGroupIngress", GroupId=ref("A"), IpProtocol="-1", SourceSecurityGroupId=ref("B"))
    return VPC | groups | ({"Rule": opened} if rule else {})


CHANGES: dict[str, tuple[Resources, Resources]] = {
    "deletes a group with its user": (_peers("A", "B", rule=True), _peers("A")),
    "deletes groups that refer to each other": (_peers("A", "B", rule=True), VPC),
    "deletes a group that is no longer used": (
        _balanced([ref("Group")]),
        without({"Group"}, _balanced([attribute("Vpc", "DefaultSecurityGroup")])),
    ),
    "deletes a load balancer with its network": (_balanced([ref("Group")]), VPC),
    "replaces a group": (security_group(), security_group(GroupDescription="another")),
    "deletes a NAT gateway with its network": (nat(), VPC),
    "associates another route table": (
        TABLE | {"Subnet": subnet(), "Second": TABLE["Table"], "A": association("Table")},
        TABLE | {"Subnet": subnet(), "Second": TABLE["Table"], "A": association("Second")},
    ),
    "attaches a gateway to another VPC": (
        without({"Route"}, route()) | OTHER_VPC,
        without({"Route"}, route())
        | OTHER_VPC
        | {"Attached": ec2("VPCGatewayAttachment", VpcId=ref("Other"), InternetGatewayId=ref("Gateway"))},
    ),
    "replaces a route": (route(), route(DestinationCidrBlock="10.1.0.0/16")),
    "replaces an endpoint": (
        HOST_NAMES | {"Endpoint": endpoint(PrivateDnsEnabled=True)},
        NETWORK | HOST_NAMES | {"Endpoint": endpoint(PrivateDnsEnabled=True, SubnetIds=[ref("Subnet")])},
    ),
}


@pytest.mark.parametrize(("before", "after"), CHANGES.values(), ids=CHANGES)
def test_update_leaves_nothing_behind(deploy: Deploy, before: Resources, after: Resources) -> None:
    made = deploy(before)
    assert made["StackStatus"] == "CREATE_COMPLETE", made["Reason"]
    changed = deploy(after)
    assert changed["StackStatus"] == "UPDATE_COMPLETE", changed["Reason"]
    assert changed["Reason"] == ""


def test_security_group_with_a_name_is_not_replaced(deploy: Deploy) -> None:
    before = security_group(GroupName="shop")
    assert deploy(before)["StackStatus"] == "CREATE_COMPLETE"
    changed = deploy(security_group(GroupName="shop", GroupDescription="another"))
    assert changed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "The security group 'shop' already exists" in changed["Reason"]
    renamed = deploy(security_group(GroupName="shop2", GroupDescription="another"))
    assert renamed["StackStatus"] == "UPDATE_COMPLETE", renamed["Reason"]


def _used_group(values: dict[str, str]) -> Resources:
    subnets = [values["Subnet"], values["OtherSubnet"]]
    return {"Edge": load_balancer(Subnets=subnets, SecurityGroups=[values["Group"]])}


def _used_gateway(values: dict[str, str]) -> Resources:
    address = attribute("Address", "AllocationId")
    nat = ec2("NatGateway", SubnetId=values["Subnet"], AllocationId=address)
    return {"Address": ec2("EIP", Domain="vpc"), "Nat": nat}


def _used_zone(values: dict[str, str]) -> Resources:
    record = {"Name": "www.shop.test.", "Type": "A", "TTL": "60", "ResourceRecords": ["10.0.0.1"]}
    return {"Record": resource("AWS::Route53::RecordSet", HostedZoneId=values["Zone"], **record)}


HELD: dict[str, tuple[Resources, Any, str]] = {
    "group": (NETWORK | security_group(), _used_group, "DependencyViolation: resource sg-"),
    "peer": (
        security_group(),
        lambda values: {
            "Peer": ec2(
                "SecurityGroup",
                VpcId=values["Vpc"],
                GroupDescription="a peer",
                SecurityGroupIngress=[{"IpProtocol": "-1", "SourceSecurityGroupId": values["Group"]}],
            )
        },
        "has a dependent object: Peer of the stack",
    ),
    "gateway": (without({"Address", "Nat"}, nat()), _used_gateway, "has some mapped public address(es)"),
    "subnet": (
        VPC | {"Subnet": subnet()},
        lambda values: {"Nat": ec2("NatGateway", SubnetId=values["Subnet"], ConnectivityType="private")},
        "has dependencies and cannot be deleted",
    ),
    "zone": (
        {"Zone": resource("AWS::Route53::HostedZone", Name="shop.test")},
        _used_zone,
        "HostedZoneNotEmpty: The specified hosted zone contains non-required resource record sets",
    ),
}


@pytest.mark.parametrize(("owned", "using", "said"), HELD.values(), ids=HELD)
def test_resource_that_another_stack_uses_is_not_deleted(
    client: Client, deploy: Deploy, owned: Resources, using: Any, said: str
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
    reasons = [each.get("ResourceStatusReason", "") for each in events if each["ResourceStatus"] == "DELETE_FAILED"]
    assert said in "".join(reasons)

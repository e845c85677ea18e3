"""What changes and deletions of networks leave, and what they are refused for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.local_aws import NETWORK, Client, Deploy, attribute, load_balancer, ref, resource

Resources = dict[str, Any]


def _ec2(kind: str, **properties: Any) -> Resources:
    return resource(f"AWS::EC2::{kind}", **properties)


def _after(name: str, stated: Resources) -> Resources:
    return stated | {"DependsOn": [name]}


def _balancer(**properties: Any) -> Resources:
    return NETWORK | {"Edge": load_balancer(**properties)}


def _subnet(third: int = 0, /, **properties: Any) -> Resources:
    return _ec2("Subnet", **{"VpcId": ref("Vpc"), "CidrBlock": f"10.0.{third}.0/24", **properties})


VPC = {"Vpc": NETWORK["Vpc"]}
TABLE = VPC | {"Table": _ec2("RouteTable", VpcId=ref("Vpc"))}
GATEWAY = _ec2("InternetGateway")
ATTACHED = _ec2("VPCGatewayAttachment", VpcId=ref("Vpc"), InternetGatewayId=ref("Gateway"))
HOST_NAMES = {"Vpc": _ec2("VPC", CidrBlock="10.0.0.0/16", EnableDnsHostnames=True)}
OTHER_VPC = {"Other": _ec2("VPC", CidrBlock="10.1.0.0/16")}
SERVICE = "com.amazonaws.eu-west-1.ecr.api"


def _nat(**properties: Any) -> Resources:
    """A NAT gateway in a VPC with an internet gateway."""
    address = attribute("Address", "AllocationId")
    nat = _ec2("NatGateway", **{"SubnetId": ref("Subnet"), "AllocationId": address, **properties})
    parts = {"Subnet": _subnet(), "Address": _ec2("EIP", Domain="vpc"), "Nat": _after("Attached", nat)}
    return VPC | {"Gateway": GATEWAY, "Attached": ATTACHED} | parts


def _without(names: set[str], resources: Resources) -> Resources:
    kept = {name: dict(stated) for name, stated in resources.items() if name not in names}
    for stated in kept.values():
        stated.pop("DependsOn", None)
    return kept


def _route(**properties: Any) -> Resources:
    stated = {"RouteTableId": ref("Table"), "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": ref("Gateway")}
    route = _ec2("Route", **{**stated, **properties})
    return TABLE | {"Gateway": GATEWAY, "Attached": ATTACHED, "Route": _after("Attached", route)}


def _association(table: str) -> Resources:
    return _ec2("SubnetRouteTableAssociation", RouteTableId=ref(table), SubnetId=ref("Subnet"))


def _endpoint(**properties: Any) -> Resources:
    stated = {"VpcId": ref("Vpc"), "ServiceName": SERVICE, "VpcEndpointType": "Interface"}
    return _ec2("VPCEndpoint", **{**stated, **properties})


def _security_group(**properties: Any) -> Resources:
    stated = {"VpcId": ref("Vpc"), "GroupDescription": "a group"}
    return VPC | {"Group": _ec2("SecurityGroup", **{**stated, **properties})}


def _balanced(groups: list[Any]) -> Resources:
    return _balancer(SecurityGroups=groups) | {"Group": _security_group()["Group"]}


def _peers(*names: str, rule: bool = False) -> Resources:
    groups = {name: _security_group()["Group"] for name in names}
    opened = _ec2("SecurityGroupIngress", GroupId=ref("A"), IpProtocol="-1", SourceSecurityGroupId=ref("B"))
    return VPC | groups | ({"Rule": opened} if rule else {})


CHANGES: dict[str, tuple[Resources, Resources]] = {
    "of what goes with its user": (_peers("A", "B", rule=True), _peers("A")),
    "of both groups": (_peers("A", "B", rule=True), VPC),
    "of a group no longer used": (
        _balanced([ref("Group")]),
        _without({"Group"}, _balanced([attribute("Vpc", "DefaultSecurityGroup")])),
    ),
    "of a load balancer with its network": (_balanced([ref("Group")]), VPC),
    "of a replaced group": (_security_group(), _security_group(GroupDescription="another")),
    "of a NAT gateway with its network": (_nat(), VPC),
    "to another table": (
        TABLE | {"Subnet": _subnet(), "Second": TABLE["Table"], "A": _association("Table")},
        TABLE | {"Subnet": _subnet(), "Second": TABLE["Table"], "A": _association("Second")},
    ),
    "to another VPC": (
        _without({"Route"}, _route()) | OTHER_VPC,
        _without({"Route"}, _route())
        | OTHER_VPC
        | {"Attached": _ec2("VPCGatewayAttachment", VpcId=ref("Other"), InternetGatewayId=ref("Gateway"))},
    ),
    "of a route": (_route(), _route(DestinationCidrBlock="10.1.0.0/16")),
    "of an endpoint": (
        HOST_NAMES | {"Endpoint": _endpoint(PrivateDnsEnabled=True)},
        NETWORK | HOST_NAMES | {"Endpoint": _endpoint(PrivateDnsEnabled=True, SubnetIds=[ref("Subnet")])},
    ),
}


@pytest.mark.parametrize(("before", "after"), CHANGES.values(), ids=CHANGES)
def test_a_change_leaves_nothing_behind(deploy: Deploy, before: Resources, after: Resources) -> None:
    made = deploy(before)
    assert made["StackStatus"] == "CREATE_COMPLETE", made["Reason"]
    changed = deploy(after)
    assert changed["StackStatus"] == "UPDATE_COMPLETE", changed["Reason"]
    assert changed["Reason"] == ""


def test_a_named_group_is_not_replaced(deploy: Deploy) -> None:
    before = _security_group(GroupName="shop")
    assert deploy(before)["StackStatus"] == "CREATE_COMPLETE"
    changed = deploy(_security_group(GroupName="shop", GroupDescription="another"))
    assert changed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "The security group 'shop' already exists" in changed["Reason"]
    renamed = deploy(_security_group(GroupName="shop2", GroupDescription="another"))
    assert renamed["StackStatus"] == "UPDATE_COMPLETE", renamed["Reason"]


def _used_group(values: dict[str, str]) -> Resources:
    subnets = [values["Subnet"], values["OtherSubnet"]]
    return {"Edge": load_balancer(Subnets=subnets, SecurityGroups=[values["Group"]])}


def _used_gateway(values: dict[str, str]) -> Resources:
    address = attribute("Address", "AllocationId")
    nat = _ec2("NatGateway", SubnetId=values["Subnet"], AllocationId=address)
    return {"Address": _ec2("EIP", Domain="vpc"), "Nat": nat}


def _used_zone(values: dict[str, str]) -> Resources:
    record = {"Name": "www.shop.test.", "Type": "A", "TTL": "60", "ResourceRecords": ["10.0.0.1"]}
    return {"Record": resource("AWS::Route53::RecordSet", HostedZoneId=values["Zone"], **record)}


HELD: dict[str, tuple[Resources, Any, str]] = {
    "group": (NETWORK | _security_group(), _used_group, "DependencyViolation: resource sg-"),
    "peer": (
        _security_group(),
        lambda values: {
            "Peer": _ec2(
                "SecurityGroup",
                VpcId=values["Vpc"],
                GroupDescription="a peer",
                SecurityGroupIngress=[{"IpProtocol": "-1", "SourceSecurityGroupId": values["Group"]}],
            )
        },
        "has a dependent object: Peer of the stack",
    ),
    "gateway": (_without({"Address", "Nat"}, _nat()), _used_gateway, "has some mapped public address(es)"),
    "subnet": (
        VPC | {"Subnet": _subnet()},
        lambda values: {"Nat": _ec2("NatGateway", SubnetId=values["Subnet"], ConnectivityType="private")},
        "has dependencies and cannot be deleted",
    ),
    "zone": (
        {"Zone": resource("AWS::Route53::HostedZone", Name="shop.test")},
        _used_zone,
        "HostedZoneNotEmpty: The specified hosted zone contains non-required resource record sets",
    ),
}


@pytest.mark.parametrize(("owned", "using", "said"), HELD.values(), ids=HELD)
def test_what_another_stack_uses_is_not_deleted(
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

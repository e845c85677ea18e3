"""Parts of networks, for the templates of the EC2 tests."""

from __future__ import annotations

from typing import Any

from tests.local.local_aws import NETWORK, attribute, ref, resource

Resources = dict[str, Any]


def ec2(kind: str, **properties: Any) -> Resources:
    return resource(f"AWS::EC2::{kind}", **properties)


def after(name: str, stated: Resources) -> Resources:
    return stated | {"DependsOn": [name]}


def subnet(third: int = 0, /, **properties: Any) -> Resources:
    return ec2("Subnet", **{"VpcId": ref("Vpc"), "CidrBlock": f"10.0.{third}.0/24", **properties})


VPC = {"Vpc": NETWORK["Vpc"]}
TABLE = VPC | {"Table": ec2("RouteTable", VpcId=ref("Vpc"))}
GATEWAY = ec2("InternetGateway")
ATTACHED = ec2("VPCGatewayAttachment", VpcId=ref("Vpc"), InternetGatewayId=ref("Gateway"))
HOST_NAMES = {"Vpc": ec2("VPC", CidrBlock="10.0.0.0/16", EnableDnsHostnames=True)}
OTHER_VPC = {"Other": ec2("VPC", CidrBlock="10.1.0.0/16")}
SERVICE = "com.amazonaws.eu-west-1.ecr.api"


def nat(**properties: Any) -> Resources:
    """Return a NAT gateway in a VPC with an internet gateway."""
    address = attribute("Address", "AllocationId")
    nat = ec2("NatGateway", **{"SubnetId": ref("Subnet"), "AllocationId": address, **properties})
    parts = {"Subnet": subnet(), "Address": ec2("EIP", Domain="vpc"), "Nat": after("Attached", nat)}
    return VPC | {"Gateway": GATEWAY, "Attached": ATTACHED} | parts


def without(names: set[str], resources: Resources) -> Resources:
    kept = {name: dict(stated) for name, stated in resources.items() if name not in names}
    for stated in kept.values():
        stated.pop("DependsOn", None)
    return kept


def route(**properties: Any) -> Resources:
    stated = {"RouteTableId": ref("Table"), "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": ref("Gateway")}
    route = ec2("Route", **{**stated, **properties})
    return TABLE | {"Gateway": GATEWAY, "Attached": ATTACHED, "Route": after("Attached", route)}


def association(table: str) -> Resources:
    return ec2("SubnetRouteTableAssociation", RouteTableId=ref(table), SubnetId=ref("Subnet"))


def endpoint(**properties: Any) -> Resources:
    stated = {"VpcId": ref("Vpc"), "ServiceName": SERVICE, "VpcEndpointType": "Interface"}
    return ec2("VPCEndpoint", **{**stated, **properties})


def security_group(**properties: Any) -> Resources:
    stated = {"VpcId": ref("Vpc"), "GroupDescription": "a group"}
    return VPC | {"Group": ec2("SecurityGroup", **{**stated, **properties})}

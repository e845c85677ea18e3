"""Networks and security groups that Amazon EC2 refuses, each with a correction that deploys."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.local_aws import NETWORK, Deploy, attribute, check_pair, ref
from tests.local.networks import (
    ATTACHED,
    GATEWAY,
    HOST_NAMES,
    OTHER_VPC,
    TABLE,
    VPC,
    after,
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


Case = tuple[Resources, str, Resources]


def _open(**rule: Any) -> Resources:
    stated = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "10.0.0.0/8"}
    return security_group(SecurityGroupIngress=[{**stated, **rule}])


NETWORKS: dict[str, Case] = {
    "VPC of /8": (
        {"Vpc": ec2("VPC", CidrBlock="10.0.0.0/8")},
        "InvalidVpc.Range: The CIDR '10.0.0.0/8' is invalid.",
        {"Vpc": ec2("VPC", CidrBlock="10.0.0.0/16")},
    ),
    "VPC with an invalid CIDR block": (
        {"Vpc": ec2("VPC", CidrBlock="10.0.0/16")},
        "This is not a valid CIDR block.",
        {"Vpc": ec2("VPC", CidrBlock="10.0.0.1/28")},
    ),
    "overlapping subnet": (
        VPC | {"A": subnet(1), "B": after("A", subnet(CidrBlock="10.0.0.0/23"))},
        "InvalidSubnet.Conflict: The CIDR '10.0.0.0/23' conflicts with another subnet",
        VPC | {"A": subnet(2), "B": subnet(CidrBlock="10.0.0.0/23")},
    ),
    "subnet outside of its VPC": (
        VPC | {"A": subnet(CidrBlock="10.1.0.0/24")},
        "InvalidSubnet.Range: The CIDR '10.1.0.0/24' is invalid.",
        VPC | {"A": subnet(255)},
    ),
    "subnet of /29": (
        VPC | {"A": subnet(CidrBlock="10.0.0.0/29")},
        "InvalidSubnet.Range: The CIDR '10.0.0.0/29' is invalid.",
        VPC | {"A": subnet(CidrBlock="10.0.0.0/28")},
    ),
    "subnet of another region": (
        VPC | {"A": subnet(AvailabilityZone="us-east-1a")},
        "Value (us-east-1a) for parameter availabilityZone is invalid",
        VPC | {"A": subnet(AvailabilityZone="eu-west-1a")},
    ),
    "subnet of a VPC that does not exist": (
        {"A": subnet(VpcId="vpc-00000000000000000")},
        "InvalidVpcID.NotFound: The vpc ID 'vpc-00000000000000000' does not exist",
        VPC | {"A": subnet()},
    ),
    "NAT gateway without an internet gateway": (
        without({"Gateway", "Attached"}, nat()),
        "has no Internet gateway attached",
        nat(),
    ),
    "NAT gateway without an address": (
        without({"Address"}, nat(AllocationId=None)),
        "MissingParameter: The request must include the AllocationId parameter",
        without({"Address", "Gateway", "Attached"}, nat(AllocationId=None, ConnectivityType="private")),
    ),
    "route to a gateway of another VPC": (
        without({"Attached"}, route()),
        "belong to different networks",
        route(),
    ),
    "duplicate route": (
        route() | {"Again": after("Route", route()["Route"])},
        "RouteAlreadyExists: The route identified by 0.0.0.0/0 already exists.",
        route(DestinationCidrBlock="10.1.0.0/16") | {"Again": route()["Route"]},
    ),
    "route without a target": (
        route(GatewayId=None),
        "The request must contain exactly one of gatewayId, natGatewayId",
        route(),
    ),
    "internet gateway of two VPCs": (
        route()
        | OTHER_VPC
        | {
            "Again": after(
                "Attached", ATTACHED | {"Properties": {"VpcId": ref("Other"), "InternetGatewayId": ref("Gateway")}}
            )
        },
        "is already attached to network vpc-",
        route(),
    ),
    "two internet gateways of a VPC": (
        VPC
        | {
            "Gateway": GATEWAY,
            "Second": GATEWAY,
            "Attached": ATTACHED,
            "Again": after("Attached", ec2("VPCGatewayAttachment", VpcId=ref("Vpc"), InternetGatewayId=ref("Second"))),
        },
        "already has an internet gateway attached",
        VPC | {"Gateway": GATEWAY, "Second": GATEWAY, "Attached": ATTACHED},
    ),
    "two route tables of a subnet": (
        TABLE
        | {
            "Subnet": subnet(),
            "Second": TABLE["Table"],
            "A": association("Table"),
            "B": after("A", association("Second")),
        },
        "conflicts with an existing association",
        TABLE | {"Subnet": subnet(), "Second": TABLE["Table"], "A": association("Table")},
    ),
    "endpoint with two subnets in a zone": (
        VPC | {"A": subnet(1), "B": subnet(2), "Endpoint": endpoint(SubnetIds=[ref("A"), ref("B")])},
        "DuplicateSubnetsInSameZone: Found another VPC endpoint subnet in the availability zone of subnet-",
        NETWORK | {"Endpoint": endpoint(SubnetIds=[ref("Subnet"), ref("OtherSubnet")])},
    ),
    "private DNS without host names": (
        VPC | {"Endpoint": endpoint(PrivateDnsEnabled=True)},
        "InvalidParameter: Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes",
        HOST_NAMES | {"Endpoint": endpoint(PrivateDnsEnabled=True)},
    ),
    "duplicate private DNS name": (
        HOST_NAMES | {"Endpoint": endpoint(PrivateDnsEnabled=True), "Again": endpoint(PrivateDnsEnabled=True)},
        "there is already a conflicting DNS domain",
        HOST_NAMES | {"Endpoint": endpoint(PrivateDnsEnabled=True), "Again": endpoint()},
    ),
    "gateway endpoint of an interface service": (
        VPC | {"Endpoint": endpoint(VpcEndpointType="Gateway")},
        "Endpoint type (Gateway) does not match available service types ([Interface]).",
        VPC | {"Endpoint": endpoint(VpcEndpointType="Gateway", ServiceName="com.amazonaws.eu-west-1.s3")},
    ),
    "endpoint of another region": (
        VPC | {"Endpoint": endpoint(ServiceName="com.amazonaws.eu-west-2.ecr.api")},
        "InvalidServiceName: The Vpc Endpoint Service 'com.amazonaws.eu-west-2.ecr.api' does not exist",
        VPC | {"Endpoint": endpoint()},
    ),
    "sixth Elastic IP address": (
        {f"Address{number}": ec2("EIP") for number in range(6)},
        "AddressLimitExceeded: The maximum number of addresses has been reached.",
        {f"Address{number}": ec2("EIP") for number in range(5)},
    ),
}
SECURITY_GROUPS: dict[str, Case] = {
    "name in the format of an id": (
        security_group(GroupName="sg-shop"),
        "Value (sg-shop) for parameter GroupName is invalid. Group names may not be in the format sg-*.",
        security_group(GroupName="shop-sg-"),
    ),
    "duplicate name": (
        security_group(GroupName="shop") | {"Again": after("Group", security_group(GroupName="shop")["Group"])},
        "InvalidGroup.Duplicate: The security group 'shop' already exists for VPC 'vpc-",
        security_group(GroupName="shop")
        | OTHER_VPC
        | {"Again": security_group(GroupName="shop", VpcId=ref("Other"))["Group"]},
    ),
    "invalid CIDR block": (
        _open(CidrIp="10.0.0.0/33"),
        "CIDR block 10.0.0.0/33 is malformed",
        _open(CidrIp="10.0.0.1/32"),
    ),
    "address without a prefix length": (
        _open(CidrIp="10.0.0.1"),
        "CIDR block 10.0.0.1 is malformed",
        _open(CidrIp="0.0.0.0/0"),
    ),
    "duplicate rule": (
        security_group(SecurityGroupIngress=[{"IpProtocol": "-1", "CidrIp": "10.0.0.0/8"}] * 2),
        "The same permission must not appear multiple times",
        security_group(SecurityGroupIngress=[{"IpProtocol": "-1", "CidrIp": "10.0.0.0/8"}]),
    ),
    "description with an umlaut": (
        security_group(GroupDescription="für alle"),
        "Character sets beyond ASCII are not supported.",
        security_group(GroupDescription="for all"),
    ),
    "descending port range": (_open(FromPort=81), "Invalid TCP port range (81:80)", _open(FromPort=0, ToPort=65535)),
    "unknown protocol": (_open(IpProtocol="http"), "Invalid value 'http' for IP protocol", _open(IpProtocol="6")),
    "group that does not exist": (
        _open(CidrIp=None, SourceSecurityGroupId="sg-00000000000000000"),
        "InvalidGroup.NotFound: The security group 'sg-00000000000000000' does not exist",
        _open(CidrIp=None, SourceSecurityGroupId=attribute("Vpc", "DefaultSecurityGroup")),
    ),
    "too many rules": (
        security_group(
            SecurityGroupIngress=[{"IpProtocol": "-1", "CidrIp": f"10.0.0.{host}/32"} for host in range(61)]
        ),
        "RulesPerSecurityGroupLimitExceeded",
        security_group(
            SecurityGroupIngress=[{"IpProtocol": "-1", "CidrIp": f"10.0.0.{host}/32"} for host in range(60)]
        ),
    ),
}


def _cases(cases: dict[str, Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("faulty", "said", "mended"), cases.values(), ids=cases)


@_cases(NETWORKS)
def test_faulty_network_is_refused_and_the_corrected_one_deploys(
    deploy: Deploy, faulty: Resources, said: str, mended: Resources
) -> None:
    check_pair(deploy, faulty, said, mended)


@_cases(SECURITY_GROUPS)
def test_faulty_security_group_is_refused_and_the_corrected_one_deploys(
    deploy: Deploy, faulty: Resources, said: str, mended: Resources
) -> None:
    check_pair(deploy, faulty, said, mended)

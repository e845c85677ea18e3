"""What Amazon EC2 refuses of networks and security groups, each with a mended twin that deploys."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.local_aws import NETWORK, Deploy, attribute, ref, resource

Resources = dict[str, Any]


def _ec2(kind: str, **properties: Any) -> Resources:
    return resource(f"AWS::EC2::{kind}", **properties)


def _after(name: str, stated: Resources) -> Resources:
    return stated | {"DependsOn": [name]}


def _subnet(third: int = 0, /, **properties: Any) -> Resources:
    return _ec2("Subnet", **{"VpcId": ref("Vpc"), "CidrBlock": f"10.0.{third}.0/24", **properties})


Case = tuple[Resources, str, Resources]
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


def _open(**rule: Any) -> Resources:
    stated = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "10.0.0.0/8"}
    return _security_group(SecurityGroupIngress=[{**stated, **rule}])


NETWORKS: dict[str, Case] = {
    "VPC of /8": (
        {"Vpc": _ec2("VPC", CidrBlock="10.0.0.0/8")},
        "InvalidVpc.Range: The CIDR '10.0.0.0/8' is invalid.",
        {"Vpc": _ec2("VPC", CidrBlock="10.0.0.0/16")},
    ),
    "VPC of no CIDR": (
        {"Vpc": _ec2("VPC", CidrBlock="10.0.0/16")},
        "This is not a valid CIDR block.",
        {"Vpc": _ec2("VPC", CidrBlock="10.0.0.1/28")},
    ),
    "subnet over another": (
        VPC | {"A": _subnet(1), "B": _after("A", _subnet(CidrBlock="10.0.0.0/23"))},
        "InvalidSubnet.Conflict: The CIDR '10.0.0.0/23' conflicts with another subnet",
        VPC | {"A": _subnet(2), "B": _subnet(CidrBlock="10.0.0.0/23")},
    ),
    "subnet outside": (
        VPC | {"A": _subnet(CidrBlock="10.1.0.0/24")},
        "InvalidSubnet.Range: The CIDR '10.1.0.0/24' is invalid.",
        VPC | {"A": _subnet(255)},
    ),
    "subnet of /29": (
        VPC | {"A": _subnet(CidrBlock="10.0.0.0/29")},
        "InvalidSubnet.Range: The CIDR '10.0.0.0/29' is invalid.",
        VPC | {"A": _subnet(CidrBlock="10.0.0.0/28")},
    ),
    "subnet of another region": (
        VPC | {"A": _subnet(AvailabilityZone="us-east-1a")},
        "Value (us-east-1a) for parameter availabilityZone is invalid",
        VPC | {"A": _subnet(AvailabilityZone="eu-west-1a")},
    ),
    "subnet of no VPC": (
        {"A": _subnet(VpcId="vpc-00000000000000000")},
        "InvalidVpcID.NotFound: The vpc ID 'vpc-00000000000000000' does not exist",
        VPC | {"A": _subnet()},
    ),
    "NAT without internet": (
        _without({"Gateway", "Attached"}, _nat()),
        "has no Internet gateway attached",
        _nat(),
    ),
    "NAT without address": (
        _without({"Address"}, _nat(AllocationId=None)),
        "MissingParameter: The request must include the AllocationId parameter",
        _without({"Address", "Gateway", "Attached"}, _nat(AllocationId=None, ConnectivityType="private")),
    ),
    "route to a gateway apart": (
        _without({"Attached"}, _route()),
        "belong to different networks",
        _route(),
    ),
    "route that is there": (
        _route() | {"Again": _after("Route", _route()["Route"])},
        "RouteAlreadyExists: The route identified by 0.0.0.0/0 already exists.",
        _route(DestinationCidrBlock="10.1.0.0/16") | {"Again": _route()["Route"]},
    ),
    "route to nothing": (
        _route(GatewayId=None),
        "The request must contain exactly one of gatewayId, natGatewayId",
        _route(),
    ),
    "gateway attached twice": (
        _route()
        | OTHER_VPC
        | {
            "Again": _after(
                "Attached", ATTACHED | {"Properties": {"VpcId": ref("Other"), "InternetGatewayId": ref("Gateway")}}
            )
        },
        "is already attached to network vpc-",
        _route(),
    ),
    "two gateways of a VPC": (
        VPC
        | {
            "Gateway": GATEWAY,
            "Second": GATEWAY,
            "Attached": ATTACHED,
            "Again": _after(
                "Attached", _ec2("VPCGatewayAttachment", VpcId=ref("Vpc"), InternetGatewayId=ref("Second"))
            ),
        },
        "already has an internet gateway attached",
        VPC | {"Gateway": GATEWAY, "Second": GATEWAY, "Attached": ATTACHED},
    ),
    "two tables of a subnet": (
        TABLE
        | {
            "Subnet": _subnet(),
            "Second": TABLE["Table"],
            "A": _association("Table"),
            "B": _after("A", _association("Second")),
        },
        "conflicts with an existing association",
        TABLE | {"Subnet": _subnet(), "Second": TABLE["Table"], "A": _association("Table")},
    ),
    "endpoint in one zone twice": (
        VPC | {"A": _subnet(1), "B": _subnet(2), "Endpoint": _endpoint(SubnetIds=[ref("A"), ref("B")])},
        "DuplicateSubnetsInSameZone: Found another VPC endpoint subnet in the availability zone of subnet-",
        NETWORK | {"Endpoint": _endpoint(SubnetIds=[ref("Subnet"), ref("OtherSubnet")])},
    ),
    "private DNS without host names": (
        VPC | {"Endpoint": _endpoint(PrivateDnsEnabled=True)},
        "InvalidParameter: Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes",
        HOST_NAMES | {"Endpoint": _endpoint(PrivateDnsEnabled=True)},
    ),
    "private DNS twice": (
        HOST_NAMES | {"Endpoint": _endpoint(PrivateDnsEnabled=True), "Again": _endpoint(PrivateDnsEnabled=True)},
        "there is already a conflicting DNS domain",
        HOST_NAMES | {"Endpoint": _endpoint(PrivateDnsEnabled=True), "Again": _endpoint()},
    ),
    "gateway endpoint of an interface": (
        VPC | {"Endpoint": _endpoint(VpcEndpointType="Gateway")},
        "Endpoint type (Gateway) does not match available service types ([Interface]).",
        VPC | {"Endpoint": _endpoint(VpcEndpointType="Gateway", ServiceName="com.amazonaws.eu-west-1.s3")},
    ),
    "endpoint of another region": (
        VPC | {"Endpoint": _endpoint(ServiceName="com.amazonaws.eu-west-2.ecr.api")},
        "InvalidServiceName: The Vpc Endpoint Service 'com.amazonaws.eu-west-2.ecr.api' does not exist",
        VPC | {"Endpoint": _endpoint()},
    ),
    "sixth address": (
        {f"Address{number}": _ec2("EIP") for number in range(6)},
        "AddressLimitExceeded: The maximum number of addresses has been reached.",
        {f"Address{number}": _ec2("EIP") for number in range(5)},
    ),
}
SECURITY_GROUPS: dict[str, Case] = {
    "name of an id": (
        _security_group(GroupName="sg-shop"),
        "Value (sg-shop) for parameter GroupName is invalid. Group names may not be in the format sg-*.",
        _security_group(GroupName="shop-sg-"),
    ),
    "name that is there": (
        _security_group(GroupName="shop") | {"Again": _after("Group", _security_group(GroupName="shop")["Group"])},
        "InvalidGroup.Duplicate: The security group 'shop' already exists for VPC 'vpc-",
        _security_group(GroupName="shop")
        | OTHER_VPC
        | {"Again": _security_group(GroupName="shop", VpcId=ref("Other"))["Group"]},
    ),
    "range": (_open(CidrIp="10.0.0.0/33"), "CIDR block 10.0.0.0/33 is malformed", _open(CidrIp="10.0.0.1/32")),
    "address": (_open(CidrIp="10.0.0.1"), "CIDR block 10.0.0.1 is malformed", _open(CidrIp="0.0.0.0/0")),
    "rule twice": (
        _security_group(SecurityGroupIngress=[{"IpProtocol": "-1", "CidrIp": "10.0.0.0/8"}] * 2),
        "The same permission must not appear multiple times",
        _security_group(SecurityGroupIngress=[{"IpProtocol": "-1", "CidrIp": "10.0.0.0/8"}]),
    ),
    "umlaut": (
        _security_group(GroupDescription="für alle"),
        "Character sets beyond ASCII are not supported.",
        _security_group(GroupDescription="for all"),
    ),
    "ports": (_open(FromPort=81), "Invalid TCP port range (81:80)", _open(FromPort=0, ToPort=65535)),
    "protocol": (_open(IpProtocol="http"), "Invalid value 'http' for IP protocol", _open(IpProtocol="6")),
    "group that does not exist": (
        _open(CidrIp=None, SourceSecurityGroupId="sg-00000000000000000"),
        "InvalidGroup.NotFound: The security group 'sg-00000000000000000' does not exist",
        _open(CidrIp=None, SourceSecurityGroupId=attribute("Vpc", "DefaultSecurityGroup")),
    ),
    "rules": (
        _security_group(
            SecurityGroupIngress=[{"IpProtocol": "-1", "CidrIp": f"10.0.0.{host}/32"} for host in range(61)]
        ),
        "RulesPerSecurityGroupLimitExceeded",
        _security_group(
            SecurityGroupIngress=[{"IpProtocol": "-1", "CidrIp": f"10.0.0.{host}/32"} for host in range(60)]
        ),
    ),
}


def _cases(cases: dict[str, Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("faulty", "said", "mended"), cases.values(), ids=cases)


def _check(deploy: Deploy, faulty: Resources, said: str, mended: Resources) -> None:
    refused = deploy(faulty, "-faulty")
    assert refused["StackStatus"] == "ROLLBACK_COMPLETE"
    assert said in refused["Reason"]
    made = deploy(mended, "-mended")
    assert made["StackStatus"] == "CREATE_COMPLETE", made["Reason"]


@_cases(NETWORKS)
def test_a_part_of_a_network_is_refused(deploy: Deploy, faulty: Resources, said: str, mended: Resources) -> None:
    _check(deploy, faulty, said, mended)


@_cases(SECURITY_GROUPS)
def test_a_security_group_is_refused(deploy: Deploy, faulty: Resources, said: str, mended: Resources) -> None:
    _check(deploy, faulty, said, mended)

"""Networks, gateways and instances that deploy on AWS deploy here too, and EC2's API describes them."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.local_aws import NETWORK, Client, Deploy, attribute, load_balancer, ref, resource

Resources = dict[str, Any]

BLOCK = "10.1.0.0/24"
GATEWAY = {
    "Gateway": resource("AWS::EC2::InternetGateway"),
    "Zzz": resource("AWS::EC2::VPCGatewayAttachment", VpcId=ref("Vpc"), InternetGatewayId=ref("Gateway")),
}
"""A template whose attachment would be created last if resources were created in the order of their names."""
IMAGE = "ami-0123456789abcdef0"


def _ec2(kind: str, **properties: Any) -> Resources:
    return resource(f"AWS::EC2::{kind}", **properties)


def _after(stated: Resources, *names: str) -> Resources:
    return stated | {"DependsOn": list(names)}


def _ipv6_ranges(count: int) -> Resources:
    block = _ec2("VPCCidrBlock", VpcId=ref("Vpc"), AmazonProvidedIpv6CidrBlock=True)
    return {f"Range{number}": block for number in range(count)}


def _ipv6(number: int) -> Resources:
    whole = {"Fn::Select": [0, attribute("Vpc", "Ipv6CidrBlocks")]}
    return {"Fn::Select": [number, {"Fn::Cidr": [whole, 4, "64"]}]}


def _subnet(block: str, **properties: Any) -> Resources:
    return _ec2("Subnet", VpcId=ref("Vpc"), CidrBlock=block, **properties)


def _vpn() -> Resources:
    customer = _ec2("CustomerGateway", BgpAsn=65000, IpAddress="192.0.2.1", Type="ipsec.1")
    ends = {"CustomerGatewayId": ref("Customer"), "VpnGatewayId": ref("Gateway"), "Type": "ipsec.1"}
    return {
        "Table": _ec2("RouteTable", VpcId=ref("Vpc")),
        "Customer": customer,
        "Gateway": _ec2("VPNGateway", Type="ipsec.1"),
        "Attached": _ec2("VPCGatewayAttachment", VpcId=ref("Vpc"), VpnGatewayId=ref("Gateway")),
        "Connection": _ec2("VPNConnection", StaticRoutesOnly=True, **ends),
        "Static": _ec2("VPNConnectionRoute", VpnConnectionId=ref("Connection"), DestinationCidrBlock=BLOCK),
        "Propagated": _after(
            _ec2("VPNGatewayRoutePropagation", VpnGatewayId=ref("Gateway"), RouteTableIds=[ref("Table")]), "Attached"
        ),
    }


def _access_list() -> Resources:
    entry = {"NetworkAclId": ref("Acl"), "RuleNumber": 100, "RuleAction": "allow", "CidrBlock": "0.0.0.0/0"}
    return {
        "Acl": _ec2("NetworkAcl", VpcId=ref("Vpc")),
        "In": _ec2("NetworkAclEntry", Protocol=6, PortRange={"From": 53, "To": 53}, **entry),
        "Out": _ec2("NetworkAclEntry", Protocol=-1, Egress=True, **entry),
        "Held": _ec2("SubnetNetworkAclAssociation", NetworkAclId=ref("Acl"), SubnetId=ref("Subnet")),
    }


def _instance(**properties: Any) -> Resources:
    return _ec2("Instance", **{"ImageId": IMAGE, "InstanceType": "t3.micro", "SubnetId": ref("Subnet"), **properties})


def _attached() -> Resources:
    zone = attribute("Instance", "AvailabilityZone")
    return {
        "Key": _ec2("KeyPair", KeyName="shop"),
        "Group": _ec2("PlacementGroup", Strategy="cluster"),
        "Instance": _instance(KeyName=ref("Key")),
        "Address": _ec2("EIP"),
        "Addressed": _ec2(
            "EIPAssociation", AllocationId=attribute("Address", "AllocationId"), InstanceId=ref("Instance")
        ),
        "Disk": _ec2("Volume", AvailabilityZone=zone, Size=20, Encrypted=True),
        "Mounted": _ec2("VolumeAttachment", InstanceId=ref("Instance"), VolumeId=ref("Disk"), Device="/dev/sdh"),
        "Interface": _ec2("NetworkInterface", SubnetId=ref("Subnet"), Description="spare"),
    }


def _joined() -> Resources:
    return {
        "Other": _ec2("VPC", CidrBlock="10.1.0.0/16"),
        "Peering": _ec2("VPCPeeringConnection", VpcId=ref("Vpc"), PeerVpcId=ref("Other")),
        "Options": _ec2("DHCPOptions", DomainName="shop.internal", DomainNameServers=["AmazonProvidedDNS"]),
        "Told": _ec2("VPCDHCPOptionsAssociation", VpcId=ref("Vpc"), DhcpOptionsId=ref("Options")),
        "List": _ec2("PrefixList", PrefixListName="offices", AddressFamily="IPv4", Entries=[{"Cidr": BLOCK}]),
    }


def _peered() -> Resources:
    """Return a rule that allows the members of a security group in a peer VPC."""
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "SourceSecurityGroupId": ref("Clients")}
    opened = _ec2("SecurityGroupIngress", GroupId=ref("Servers"), **rule)
    return {
        **{name: part for name, part in _joined().items() if name in ("Other", "Peering")},
        "Clients": _ec2("SecurityGroup", GroupDescription="clients", VpcId=ref("Other")),
        "Servers": _ec2("SecurityGroup", GroupDescription="servers", VpcId=ref("Vpc")),
        "Opened": opened | {"DependsOn": ["Peering"]},
    }


def _unpeered() -> Resources:
    found = _peered()
    found["Opened"].pop("DependsOn")
    return {name: part for name, part in found.items() if name != "Peering"}


def _offered() -> Resources:
    balancer = load_balancer(Type="network")
    permissions = {"ServiceId": ref("Offer"), "AllowedPrincipals": ["arn:aws:iam::222222222222:root"]}
    return {
        "Edge": balancer,
        "Offer": _ec2("VPCEndpointService", NetworkLoadBalancerArns=[ref("Edge")], AcceptanceRequired=False),
        "Allowed": _ec2("VPCEndpointServicePermissions", **permissions),
    }


TAKEN = {
    "VPN": _vpn,
    "Mac instance": lambda: {"Instance": _instance(InstanceType="mac2.metal")},
    "network ACL": _access_list,
    "instance with attachments": _attached,
    "group of a peered VPC": _peered,
    "peering, DHCP options and a prefix list": _joined,
    "endpoint service": _offered,
}


@pytest.mark.parametrize("case", TAKEN)
def test_network_that_deploys_on_aws_deploys_and_can_be_deleted(case: str, deploy: Deploy) -> None:
    stack = deploy({**NETWORK, **TAKEN[case]()})
    assert (stack["StackStatus"], stack["Reason"]) == ("CREATE_COMPLETE", "")


REFUSED: dict[str, tuple[Callable[[], Resources], str]] = {
    "group of another VPC": (_unpeered, "does not exist"),
    "duplicate rule number of an entry": (
        lambda: _access_list() | {"Again": _after(_access_list()["In"], "In")},
        "NetworkAclEntryAlreadyExists: The network acl entry identified by 100 already exists.",
    ),
    "instance without an image": (
        lambda: {"Instance": _instance(ImageId="")},
        "MissingParameter: The request must contain the parameter ImageId",
    ),
    "instance of an unknown type": (
        lambda: {"Instance": _instance(InstanceType="t3.colossal")},
        "Invalid value 't3.colossal' for InstanceType.",
    ),
    "regional NAT gateway": (
        lambda: {"Nat": _ec2("NatGateway", AvailabilityMode="regional", VpcId=ref("Vpc"))},
        "regional NAT gateways are not implemented by the local AWS",
    ),
    "sixth IPv6 CIDR block": (lambda: _ipv6_ranges(6), "CidrLimitExceeded"),
    "IPv6 subnet outside of its VPC": (
        lambda: {"Outside": _subnet("10.0.9.0/24", Ipv6CidrBlock="2001:db8::/64")},
        "InvalidSubnet.Range: The CIDR '2001:db8::/64' is invalid.",
    ),
    "address that does not exist": (
        lambda: {
            "Instance": _instance(),
            "Addressed": _ec2("EIPAssociation", AllocationId="eipalloc-0", InstanceId=ref("Instance")),
        },
        "InvalidAllocationID.NotFound: The allocation ID 'eipalloc-0' does not exist",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_network_that_ec2_refuses_is_refused(case: str, deploy: Deploy) -> None:
    resources, reason = REFUSED[case]
    stack = deploy({**NETWORK, **resources()})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in stack["Reason"]


def test_vpc_can_have_five_ipv6_cidr_blocks(client: Client, deploy: Deploy) -> None:
    stack = deploy(NETWORK | _ipv6_ranges(5), vpc=ref("Vpc"))
    assert stack["Reason"] == ""
    (vpc,) = client("ec2").describe_vpcs(VpcIds=[stack["Values"]["vpc"]])["Vpcs"]
    assert len({each["Ipv6CidrBlock"] for each in vpc["Ipv6CidrBlockAssociationSet"]}) == 5


def test_subnets_of_a_dual_stack_vpc_are_in_its_ipv6_cidr_block(client: Client, deploy: Deploy) -> None:
    stack = deploy(
        {
            **NETWORK,
            "Ipv6": _ec2("VPCCidrBlock", VpcId=ref("Vpc"), AmazonProvidedIpv6CidrBlock=True),
            "More": _ec2("VPCCidrBlock", VpcId=ref("Vpc"), CidrBlock="10.7.0.0/16"),
            "Dual": _after(
                _subnet("10.7.0.0/24", Ipv6CidrBlock=_ipv6(1), AssignIpv6AddressOnCreation=True), "Ipv6", "More"
            ),
            "Egress": _ec2("EgressOnlyInternetGateway", VpcId=ref("Vpc")),
        },
        vpc=ref("Vpc"),
        subnet=ref("Dual"),
        block={"Fn::Select": [0, attribute("Dual", "Ipv6CidrBlocks")]},
    )
    assert stack["Reason"] == ""
    values, ec2 = stack["Values"], client("ec2")
    (vpc,) = ec2.describe_vpcs(VpcIds=[values["vpc"]])["Vpcs"]
    (subnet,) = ec2.describe_subnets(SubnetIds=[values["subnet"]])["Subnets"]
    (whole,) = [each["Ipv6CidrBlock"] for each in vpc["Ipv6CidrBlockAssociationSet"]]
    assert whole.endswith("00::/56")
    second = list(ipaddress.ip_network(whole).subnets(new_prefix=64))[1]
    assert ipaddress.ip_network(values["block"]) == second
    assert [each["Ipv6CidrBlock"] for each in subnet["Ipv6CidrBlockAssociationSet"]] == [values["block"]]
    assert subnet["AssignIpv6AddressOnCreation"]
    assert [each["CidrBlock"] for each in vpc["CidrBlockAssociationSet"]] == ["10.0.0.0/16", "10.7.0.0/16"]


def test_resources_that_need_an_attached_gateway_need_no_depends_on(deploy: Deploy) -> None:
    stack = deploy(
        {
            **NETWORK,
            **GATEWAY,
            "Address": _ec2("EIP"),
            "Nat": _ec2("NatGateway", AllocationId=attribute("Address", "AllocationId"), SubnetId=ref("Subnet")),
            "Table": _ec2("RouteTable", VpcId=ref("Vpc")),
            "Route": _ec2(
                "Route", RouteTableId=ref("Table"), DestinationCidrBlock="0.0.0.0/0", GatewayId=ref("Gateway")
            ),
            "Edge": load_balancer(Scheme="internet-facing"),
        }
    )
    assert (stack["StackStatus"], stack["Reason"]) == ("CREATE_COMPLETE", "")


def test_instance_has_an_address_of_its_subnet(client: Client, deploy: Deploy) -> None:
    outputs = {name: attribute("Instance", name) for name in ("PrivateIp", "AvailabilityZone", "VpcId")}
    stack = deploy({**NETWORK, "Instance": _instance()}, id=ref("Instance"), vpc=ref("Vpc"), **outputs)
    values = stack["Values"]
    assert values["PrivateIp"].startswith("10.0.0.")
    assert values["VpcId"] == values["vpc"]
    (reservation,) = client("ec2").describe_instances(InstanceIds=[values["id"]])["Reservations"]
    (instance,) = reservation["Instances"]
    assert instance["Placement"]["AvailabilityZone"] == values["AvailabilityZone"]
    assert "PublicIpAddress" not in instance or not instance["PublicIpAddress"]


@pytest.mark.parametrize("options", [{"FileFormat": "parquet"}, {"fileFormat": "parquet", "perHourPartition": "true"}])
def test_flow_log_accepts_destination_options_in_either_case(
    options: dict[str, str], client: Client, deploy: Deploy
) -> None:
    stated = {"ResourceType": "VPC", "TrafficType": "ALL", "LogDestinationType": "s3", "DestinationOptions": options}
    log = _ec2("FlowLog", ResourceId=ref("Vpc"), LogDestination="arn:aws:s3:::logs", **stated)
    stack = deploy({"Vpc": NETWORK["Vpc"], "Log": log}, id=ref("Log"))
    assert stack["Reason"] == ""
    (shown,) = client("ec2").describe_flow_logs(FlowLogIds=[stack["Values"]["id"]])["FlowLogs"]
    assert shown["DestinationOptions"]["FileFormat"] == "parquet"

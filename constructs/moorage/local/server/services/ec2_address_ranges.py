"""Amazon EC2: additional CIDR blocks of VPCs, IPv6 settings of VPCs and subnets, and egress-only internet gateways."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Callable
from typing import Any

from ministack.core.responses import new_uuid

from moorage.local.server.core import owners
from moorage.local.server.core.adapter import ec2
from moorage.local.server.core.calls import RefusedError, xml
from moorage.local.server.core.resource import Made, Properties, Resource
from moorage.local.server.services import ec2_checks
from moorage.local.server.services.ec2_operations import Operated

_MOST_IPV6_RANGES = 5
"""The quota of IPv6 CIDR blocks for a VPC (VPC user guide, "Amazon VPC quotas")."""
_HELD = {"CidrBlockState": {"State": "associated"}}
_HELD_IPV6 = {"Ipv6CidrBlockState": {"State": "associated"}, "IpSource": "amazon"}


class VpcCidrBlock(Resource):
    """An additional IPv4 CIDR block of a VPC, or an Amazon-provided /56 IPv6 CIDR block."""

    type = "AWS::EC2::VPCCidrBlock"

    def create(self, properties: Properties, name: str) -> Made:
        vpc, block = ec2_checks.known_vpc(properties["VpcId"]), properties.get("CidrBlock")
        association = f"vpc-cidr-assoc-{new_uuid().replace('-', '')[:17]}"
        if block:
            ec2_checks.check_vpc({"CidrBlock": block})
            vpc.setdefault("_more", {})[association] = block
        elif str(properties.get("AmazonProvidedIpv6CidrBlock")).lower() == "true":
            ranges = vpc.setdefault("_ipv6", {})
            if len(ranges) >= _MOST_IPV6_RANGES:
                raise RefusedError(
                    f"CidrLimitExceeded: The VPC {vpc['VpcId']} already has {len(ranges)} IPv6 CIDR blocks"
                )
            ranges[association] = _range(association)
        else:
            raise RefusedError(
                "MissingParameter: The local AWS has no address pools; specify CidrBlock or AmazonProvidedIpv6CidrBlock"
            )
        self._tell(vpc)
        return Made(association, {"Id": association})

    def delete(self, physical_id: str, properties: Properties) -> None:
        vpc = ec2.vpcs.get(properties["VpcId"])
        if vpc is None:
            return
        for ranges in ("_more", "_ipv6"):
            vpc.get(ranges, {}).pop(physical_id, None)
        self._tell(vpc)

    def _tell(self, vpc: dict[str, Any]) -> None:
        """Make `Fn::GetAtt` of the VPC return its current CIDR blocks, as CloudFormation does."""
        first = f"vpc-cidr-assoc-{vpc['VpcId'].removeprefix('vpc-')}"
        associations = [first, *vpc.get("_more", {})]
        blocks = list(vpc.get("_ipv6", {}).values())
        owners.renew(vpc["VpcId"], {"CidrBlockAssociations": associations, "Ipv6CidrBlocks": blocks})


class SubnetCidrBlock(Resource):
    """An IPv6 CIDR block that is added to an existing subnet."""

    type = "AWS::EC2::SubnetCidrBlock"

    def create(self, properties: Properties, name: str) -> Made:
        subnet = ec2.subnets.get(properties["SubnetId"])
        if subnet is None:
            raise RefusedError(f"InvalidSubnetID.NotFound: The subnet ID '{properties['SubnetId']}' does not exist")
        assign(subnet, {"Ipv6CidrBlock": properties["Ipv6CidrBlock"]})
        return Made(f"subnet-cidr-assoc-{subnet['SubnetId'].removeprefix('subnet-')}")

    def delete(self, physical_id: str, properties: Properties) -> None:
        if properties["SubnetId"] in ec2.subnets:
            ec2.subnets[properties["SubnetId"]].pop("_ipv6", None)


class EgressOnlyInternetGateway(Operated):
    """An egress-only internet gateway, which allows only outbound IPv6 connections from a VPC."""

    type = "AWS::EC2::EgressOnlyInternetGateway"
    made_by, removed_by = "CreateEgressOnlyInternetGateway", "DeleteEgressOnlyInternetGateway"
    record, identifier = "EgressOnlyInternetGateway", "EgressOnlyInternetGatewayId"

    def create(self, properties: Properties, name: str) -> Made:
        ec2_checks.known_vpc(properties["VpcId"])
        return super().create(properties, name)


def _range(association: str) -> str:
    digits = hashlib.sha256(association.encode()).hexdigest()
    return f"2600:1f18:{digits[:4]}:{digits[4:6]}00::/56"


def assign(subnet: dict[str, Any], properties: Properties) -> None:
    """Set the IPv6 CIDR block of a subnet, and its other IPv6 properties.

    Args:
        subnet: The record of the subnet.
        properties: The properties in the template.

    Raises:
        RefusedError: The IPv6 CIDR block is outside of the VPC's blocks, or overlaps with that of another subnet.
    """
    for name in ("AssignIpv6AddressOnCreation", "Ipv6Native"):
        if name in properties:
            subnet[f"_{name}"] = str(properties[name]).lower() == "true"
    block = properties.get("Ipv6CidrBlock")
    if not block:
        return
    vpc = ec2.vpcs[subnet["VpcId"]]
    whole = [ipaddress.ip_network(each) for each in vpc.get("_ipv6", {}).values()]
    stated = ec2_checks.network(block, "ipv6CidrBlock")
    if not vpc.get("_imported") and not any(each.supernet_of(stated) for each in whole):  # type: ignore[arg-type]  # both of IPv6
        raise RefusedError(f"InvalidSubnet.Range: The CIDR '{block}' is invalid.")
    for other in ec2.subnets.values():
        taken = other is not subnet and other["VpcId"] == subnet["VpcId"] and other.get("_ipv6")
        if taken and stated.overlaps(ipaddress.ip_network(taken)):
            raise RefusedError(
                f"InvalidSubnet.Conflict: The CIDR '{block}' conflicts with another subnet: "
                f"{owners.owner(other['SubnetId'])}"
            )
    subnet["_ipv6"] = str(block)


def blocks(vpc: dict[str, Any]) -> list[str]:
    """Return the IPv4 CIDR blocks of a VPC.

    Args:
        vpc: The record of the VPC.
    """
    return [vpc["CidrBlock"], *vpc.get("_more", {}).values()]


def install() -> None:
    """Make the EC2 API show the CIDR blocks that ministack's records do not have."""
    describe_vpc: Callable[..., str] = ec2.vpc_fields_xml
    describe_subnet: Callable[..., str] = ec2.subnet_fields_xml

    def vpc_shown(vpc: dict[str, Any], tag: str = "item") -> str:
        more = "".join(
            f"<item>{xml('ec2', 'VpcCidrBlockAssociation', {'AssociationId': key, 'CidrBlock': block, **_HELD})}</item>"
            for key, block in vpc.get("_more", {}).items()
        )
        held = [
            {"AssociationId": key, "Ipv6CidrBlock": block, "Ipv6Pool": "Amazon", **_HELD_IPV6}
            for key, block in vpc.get("_ipv6", {}).items()
        ]
        shown = describe_vpc(vpc, tag=tag).replace("</cidrBlockAssociationSet>", f"{more}</cidrBlockAssociationSet>")
        return re.sub(f"</{tag}>$", f"{xml('ec2', 'Vpc', {'Ipv6CidrBlockAssociationSet': held})}</{tag}>", shown)

    def subnet_shown(subnet: dict[str, Any], tag: str = "item") -> str:
        shown = describe_subnet(subnet, tag=tag)
        for name in ("AssignIpv6AddressOnCreation", "Ipv6Native"):
            if subnet.get(f"_{name}"):
                element = name[0].lower() + name[1:]
                shown = shown.replace(f"<{element}>false<", f"<{element}>true<")
        block = subnet.get("_ipv6")
        association = f"subnet-cidr-assoc-{subnet['SubnetId'].removeprefix('subnet-')}"
        held = [{"AssociationId": association, "Ipv6CidrBlock": block, **_HELD_IPV6}] if block else []
        return re.sub(f"</{tag}>$", f"{xml('ec2', 'Subnet', {'Ipv6CidrBlockAssociationSet': held})}</{tag}>", shown)

    ec2.vpc_fields_xml, ec2.subnet_fields_xml = vpc_shown, subnet_shown

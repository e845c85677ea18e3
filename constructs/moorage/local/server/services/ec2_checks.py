"""The checks that Amazon EC2 performs on networks and security groups, and on their deletion.

The messages are those of the API, as users report them (pulumi/pulumi-awsx issue 328, terraform-aws-modules/
terraform-aws-alb issue 294, prabhatsharma/kubernetes-the-hard-way-aws issue 16). Otherwise the code is the API's (EC2
API reference, "Error codes for the Amazon EC2 API") and the rule is that of the operation's page.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id

from moorage.local.server.core import owners
from moorage.local.server.core.adapter import alb, ec2, ecs
from moorage.local.server.core.calls import RefusedError, model
from moorage.workload.ec2_instances import instance_type

Properties = Mapping[str, Any]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_DESCRIPTION = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")
"""The valid descriptions of groups and rules (EC2 API reference, CreateSecurityGroup and IpRange)."""
_PREFIXES = range(16, 29)
_MOST_RULES = 60
_MOST_ADDRESSES = 5
_MOST_VPCS = 5
_LONGEST_NAME = 255
_PROTOCOLS = ("tcp", "udp", "icmp", "icmpv6", "all")
_HIGHEST_PORT = 65535


placeholders: dict[str, bool] = AccountRegionScopedDict()
"""The names that CDK uses for the zones of a region until it has looked them up; no AWS region has such zones."""


def network(text: str, parameter: str) -> Network:
    """Return a CIDR block in its canonical form, as AWS does.

    Args:
        text: The block.
        parameter: The name of the API's parameter.

    Raises:
        RefusedError: The text is not a CIDR block.
    """
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise RefusedError(
            f"InvalidParameterValue: Value ({text}) for parameter {parameter} is invalid. This is not a valid CIDR "
            "block."
        ) from error


def check_vpc(properties: Properties) -> None:
    """Refuse a VPC with a CIDR block outside /16 to /28, or with DNS hostnames but no DNS support (ModifyVpcAttribute).

    Args:
        properties: The properties in the template.

    Raises:
        RefusedError: EC2 does not accept the VPC.
    """
    names, resolved = (str(properties.get(f"EnableDns{name}")).lower() for name in ("Hostnames", "Support"))
    if names == "true" and resolved == "false":
        raise RefusedError(
            "InvalidParameterCombination: DNS hostnames can be enabled only if DNS support is enabled for the VPC"
        )
    cidr = properties.get("CidrBlock")
    if cidr is not None and network(cidr, "cidrBlock").prefixlen not in _PREFIXES:
        raise RefusedError(f"InvalidVpc.Range: The CIDR '{cidr}' is invalid.")


def check_vpcs() -> None:
    """Refuse a sixth VPC in a region, counting the default VPC (VPC user guide, "Amazon VPC quotas")."""
    ec2.ensure_defaults_initialized()
    if len(ec2.vpcs) >= _MOST_VPCS:
        # terraform-aws-modules/terraform-aws-vpc issue 429
        raise RefusedError("VpcLimitExceeded: The maximum number of VPCs has been reached.")


def known_vpc(vpc: str) -> dict[str, Any]:
    """Return the record of a VPC.

    Args:
        vpc: The ID of the VPC.

    Raises:
        RefusedError: The VPC does not exist.
    """
    ec2.ensure_defaults_initialized()
    if vpc not in ec2.vpcs:
        raise RefusedError(f"InvalidVpcID.NotFound: The vpc ID '{vpc}' does not exist")
    found: dict[str, Any] = ec2.vpcs[vpc]
    return found


def internet_gateways(vpc: str) -> list[str]:
    """Return the IDs of the internet gateways that are attached to a VPC.

    Args:
        vpc: The ID of the VPC.
    """
    return [
        gateway["InternetGatewayId"]
        for gateway in ec2.internet_gateways.values()
        if any(attachment["VpcId"] == vpc for attachment in gateway["Attachments"])
    ]


def check_addresses() -> None:
    """Refuse an Elastic IP address beyond the default quota (EC2 user guide, "Elastic IP quota")."""
    if len(ec2.addresses) >= _MOST_ADDRESSES:
        raise RefusedError("AddressLimitExceeded: The maximum number of addresses has been reached.")


def check_nat_gateway(properties: Properties) -> None:
    """Refuse a NAT gateway that EC2 does not accept, for example a public one in a VPC without an internet gateway.

    The sources are the VPC user guide, "Troubleshoot NAT gateways", and the API reference, CreateNatGateway.

    Args:
        properties: The properties in the template.

    Raises:
        RefusedError: EC2 does not accept the NAT gateway.
    """
    if properties.get("AvailabilityMode") == "regional":
        raise RefusedError("regional NAT gateways are not implemented by the local AWS")
    subnet = properties.get("SubnetId")
    if subnet not in ec2.subnets:
        raise RefusedError(f"InvalidSubnetID.NotFound: The subnet ID '{subnet}' does not exist")
    if properties.get("ConnectivityType", "public") != "public":
        if properties.get("AllocationId"):  # CreateNatGateway, AllocationId
            raise RefusedError("InvalidParameter: A private NAT gateway cannot have an Elastic IP address")
        return
    if not properties.get("AllocationId"):
        raise RefusedError("MissingParameter: The request must include the AllocationId parameter")
    vpc = ec2.subnets[subnet]["VpcId"]
    if not internet_gateways(vpc):
        raise RefusedError(f"Gateway.NotAttached: Network {vpc} has no Internet gateway attached")


def check_security_group(properties: Properties, group_id: str | None = None) -> None:
    """Refuse a security group that EC2 does not accept.

    Args:
        properties: The properties in the template.
        group_id: The ID of the group, if it exists already. Default: None, for a new group.

    Raises:
        RefusedError: EC2 does not accept the group or one of its rules.
    """
    description, name = str(properties.get("GroupDescription", "")), str(properties.get("GroupName", ""))
    if not description.isascii():
        raise RefusedError(
            f"InvalidParameterValue: Value ({description}) for parameter GroupDescription is invalid. Character "
            "sets beyond ASCII are not supported."
        )
    check_description("security group", description)
    if name.lower().startswith("sg-") or len(name) > _LONGEST_NAME:  # CreateSecurityGroup, GroupName
        rule = f"have more than {_LONGEST_NAME} characters" if len(name) > _LONGEST_NAME else "be in the format sg-*"
        raise RefusedError(
            f"InvalidParameterValue: Value ({name}) for parameter GroupName is invalid. Group names may not {rule}."
        )
    if name == "default":
        raise RefusedError("InvalidParameterValue: Cannot use reserved security group name: default")
    vpc = properties.get("VpcId", ec2.DEFAULT_VPC_ID)
    known_vpc(vpc)
    for other in ec2.security_groups.values():
        if (other["VpcId"], other["GroupName"]) == (vpc, name) and other["GroupId"] != group_id:
            raise RefusedError(
                f"InvalidGroup.Duplicate: The security group '{name}' already exists for VPC '{vpc}': "
                f"{owners.owner(other['GroupId'])}"
            )
    for rules in ("SecurityGroupIngress", "SecurityGroupEgress"):
        stated = properties.get(rules) or ()
        counts = (sum(of not in rule for rule in stated) for of in ("CidrIp", "CidrIpv6"))
        if max(counts) > _MOST_RULES:  # for IPv4 and IPv6 each (VPC user guide, "Amazon VPC quotas")
            raise RefusedError(
                "RulesPerSecurityGroupLimitExceeded: The maximum number of rules per security group has been reached."
            )
        kinds = [{name: str(rule[name]) for name in rule if name != "Description"} for rule in stated]
        if any(kind in kinds[:number] for number, kind in enumerate(kinds)):
            raise RefusedError("InvalidParameterValue: The same permission must not appear multiple times")
        for rule in stated:
            check_group_rule(rule, vpc)


def is_instance_type(name: str) -> bool:
    """Return whether an instance type is in moorage's list of types for containers, or in botocore's list.

    Args:
        name: The name of the instance type.
    """
    return instance_type(name) is not None or name in model("ec2").shape_for("InstanceType").enum


def check_description(kind: str, description: str) -> None:
    """Refuse a description that EC2 does not accept.

    Args:
        kind: The kind of the described resource.
        description: The description to check.

    Raises:
        RefusedError: EC2 does not accept the description.
    """
    if not _DESCRIPTION.fullmatch(description):
        raise RefusedError(
            f"InvalidParameterValue: Invalid {kind} description. Valid descriptions are strings less than 256 "
            f"characters from the following set: a-zA-Z0-9. _-:/()#,@[]+=&;{{}}!$* (got {description!r})"
        )


def check_group_rule(rule: Properties, vpc: str) -> None:
    """Refuse a security group rule that EC2 does not accept.

    Args:
        rule: The properties in the template.
        vpc: The VPC of the group.

    Raises:
        RefusedError: EC2 does not accept the rule.
    """
    check_description("rule", rule.get("Description", ""))
    for version, name in ((4, "CidrIp"), (6, "CidrIpv6")):
        cidr = rule.get(name)
        if cidr is not None and not _is_network(str(cidr), version):
            raise RefusedError(f"InvalidParameterValue: CIDR block {cidr} is malformed")
    protocol = str(rule.get("IpProtocol", "-1")).lower()
    if protocol not in _PROTOCOLS and not re.fullmatch(r"-1|\d{1,3}", protocol):
        raise RefusedError(f"InvalidParameterValue: Invalid value '{protocol}' for IP protocol. Unknown protocol.")
    ports = [int(rule[name]) for name in ("FromPort", "ToPort") if name in rule]
    if protocol in {"tcp", "udp", "6", "17"} and (ports != sorted(ports) or max(ports, default=0) > _HIGHEST_PORT):
        raise RefusedError(f"InvalidParameterValue: Invalid {protocol.upper()} port range ({ports[0]}:{ports[-1]})")
    if str(rule.get("SourceSecurityGroupOwnerId", get_account_id())) == get_account_id():
        reached = {vpc, *_peers(vpc)}
        for name in ("SourceSecurityGroupId", "DestinationSecurityGroupId"):
            if name in rule and ec2.security_groups.get(rule[name], {}).get("VpcId") not in reached:
                raise RefusedError(f"InvalidGroup.NotFound: The security group '{rule[name]}' does not exist")


def _peers(vpc: str) -> Iterator[str]:
    """Yield the VPCs in active peering connections with a VPC. Security group rules can refer to groups in these VPCs.

    The rule is in the VPC user guide, "Security group rules".
    """
    for peering in ec2.vpc_peering.values():
        pair = [peering[side]["VpcId"] for side in ("RequesterVpcInfo", "AccepterVpcInfo")]
        if vpc in pair and peering["Status"]["Code"] == "active":
            yield from pair


def _is_network(text: str, version: int) -> bool:
    try:
        return ipaddress.ip_network(text, strict=False).version == version and "/" in text
    except ValueError:
        return False


def check_group_unused(group_id: str) -> None:
    """Refuse to delete a security group in use, unless all users are deleted or rolled back with the same stack.

    Args:
        group_id: The ID of the group.

    Raises:
        RefusedError: A resource uses the group; the message names the resource.
    """
    users = [user for user in _group_users(group_id) if not owners.together(group_id, user)]
    if users:
        raise RefusedError(
            f"DependencyViolation: resource {group_id} has a dependent object: {', '.join(map(owners.owner, users))}"
        )


def _group_users(group_id: str) -> Iterator[str]:
    """Yield the users of a security group, including the groups with rules that refer to it."""
    yield from (arn for arn, balancer in alb.lbs.items() if group_id in balancer.get("SecurityGroups", ()))
    yield from (key for key, each in ec2.vpc_endpoints.items() if group_id in each.get("SecurityGroupIds", ()))
    yield from _services_in("securityGroups", group_id)
    for other, group in ec2.security_groups.items():
        rules = (*group.get("IpPermissions", ()), *group.get("IpPermissionsEgress", ()))
        pairs = (pair for rule in rules for pair in rule.get("UserIdGroupPairs", ()))
        if other != group_id and any(pair.get("GroupId") == group_id for pair in pairs):
            yield other


def _services_in(kind: str, identifier: str) -> list[str]:
    """Return the services whose tasks have network interfaces in a subnet, or with a security group."""
    networks = {
        each["serviceArn"]: (each.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
        for each in ecs.services.values()
        if each["status"] == "ACTIVE" and each["desiredCount"]
    }
    return [arn for arn, network in networks.items() if identifier in (network.get(kind) or ())]


def check_table_unused(table_id: str) -> None:
    """Refuse to delete a route table that has a subnet association (DeleteRouteTable).

    An association that is deleted or rolled back with the same stack does not count.

    Args:
        table_id: The ID of the route table.

    Raises:
        RefusedError: A subnet is associated with the route table; the message names the association.
    """
    table = ec2.route_tables.get(table_id, {})
    for each in table.get("Associations", ()):
        association = each.get("RouteTableAssociationId", "")
        if each.get("SubnetId") and not owners.together(table_id, association):
            raise RefusedError(
                f"DependencyViolation: The routeTable '{table_id}' has dependencies and cannot be deleted: "
                f"{owners.owner(association)}"
            )


def check_subnet_unused(subnet_id: str) -> None:
    """Refuse to delete a subnet in use, unless all users are deleted or rolled back with the same stack.

    Args:
        subnet_id: The ID of the subnet.

    Raises:
        RefusedError: A resource uses the subnet; the message names the resource.
    """
    users = [arn for arn, balancer in alb.lbs.items() if subnet_id in balancer.get("Subnets", ())]
    users += [key for key, gateway in ec2.nat_gateways.items() if gateway["SubnetId"] == subnet_id]
    users += [key for key, each in ec2.vpc_endpoints.items() if subnet_id in each.get("SubnetIds", ())]
    users += _services_in("subnets", subnet_id)
    users = [user for user in users if not owners.together(subnet_id, user)]
    if users:
        raise RefusedError(
            f"DependencyViolation: The subnet '{subnet_id}' has dependencies and cannot be deleted: "
            f"{', '.join(map(owners.owner, users))}"
        )


def check_addresses_unmapped(attachment: str, vpc: str) -> None:
    """Refuse to detach an internet gateway while a resource has a public address in the VPC.

    A resource that is deleted or rolled back with the same stack does not count.

    Args:
        attachment: The physical ID of the attachment.
        vpc: The ID of the VPC.

    Raises:
        RefusedError: A resource has a public address; the message names the resource.
    """
    users = [
        key
        for key, gateway in ec2.nat_gateways.items()
        if gateway.get("AllocationId") and ec2.subnets.get(gateway["SubnetId"], {}).get("VpcId") == vpc
    ]
    users += [
        arn for arn, balancer in alb.lbs.items() if balancer["VpcId"] == vpc and balancer["Scheme"] == "internet-facing"
    ]
    users = [user for user in users if not owners.together(attachment, user)]
    if users:
        raise RefusedError(
            f"DependencyViolation: Network {vpc} has some mapped public address(es). Please unmap those public "
            f"address(es) before detaching the gateway: {', '.join(map(owners.owner, users))}"
        )

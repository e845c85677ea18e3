"""The subnets of a VPC that a selection contains, as far as CDK knows them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from aws_cdk import aws_ec2 as ec2

from moorage.ecs.cdk_values import select_subnets, zone_of
from moorage.scope.per_construct import PerConstruct
from moorage.workload.problems import Problems, is_token

_AVAILABLE = re.compile(r"Available (?P<kind>names|types): (?P<listed>.+)")
_TYPES = {"Public": "PUBLIC", "Private": "PRIVATE_WITH_EGRESS", "Isolated": "PRIVATE_ISOLATED"}
"""For each name of a subnet type in CDK's errors: the name of the type in CDK. Other names in errors are deprecated."""
_ZONE_NOT_LOOKED_UP = "dummy1a"
"""The first zone of an account until the CLI has looked up the zones (aws-cdk-lib, `Stack.availabilityZones`)."""

Zones: TypeAlias = tuple[str, ...]


def find_subnets(
    argument: str, selection: ec2.SubnetSelection, vpc: ec2.IVpc, problems: Problems
) -> Sequence[ec2.ISubnet] | None:
    """Return the subnets of a selection. Without subnets, return None, and add a problem unless a look-up is pending.

    Args:
        argument: The name of the argument with the selection.
        selection: The selection. Subnets in the list of the selection are returned unchanged.
        vpc: The VPC of the subnets.
        problems: The problems to add to.
    """
    if selection.subnets is not None:
        return selection.subnets
    available = "another selection, or import the VPC with these subnets"
    try:
        selected = select_subnets(vpc, selection)
    except RuntimeError as error:  # jsii raises it for every error in Node.js, here if there are no subnets
        available = _available(str(error)) or available
    else:
        if selected.subnets or selected.is_pending_lookup or _ZONE_NOT_LOOKED_UP in vpc.availability_zones:
            return selected.subnets or None
    problems.add(
        f"{argument} must select subnets of the VPC {vpc.node.path} (got {_described(selection)}); use {available}"
    )
    return None


def zones_of(selection: ec2.SubnetSelection, vpc: ec2.IVpc) -> Zones | None:
    """Return the Availability Zones of the selected subnets, or None if a zone is not known.

    A zone that is a token counts as known in a VPC that this app defines, since its other zones are tokens too.
    """
    known = _zones.get_or_make(vpc, list)
    for other, zones in known:
        if other == selection:
            return zones
    zones = _find_zones(selection, vpc)
    known.append((selection, zones))
    return zones


_zones: PerConstruct[ec2.IVpc, list[tuple[ec2.SubnetSelection, Zones | None]]] = PerConstruct()


def _find_zones(selection: ec2.SubnetSelection, vpc: ec2.IVpc) -> Zones | None:
    subnets = find_subnets("vpc_subnets", selection, vpc, Problems("Zones"))
    zones = [zone_of(each) for each in subnets or ()]
    own_zones = vpc.availability_zones if isinstance(vpc, ec2.Vpc) and is_token(zones) else ()
    known = [each for each in zones if each and (each in own_zones or not is_token([each]))]
    return tuple(dict.fromkeys(known)) if known and len(known) == len(zones) else None


def _available(error: str) -> str:
    """Return the subnet groups or types of a VPC from CDK's error, since nothing else in CDK's API names the groups."""
    found = _AVAILABLE.search(error)
    if not found:
        return ""
    listed = found["listed"].split(",")
    if found["kind"] == "names":
        return " or ".join(f"subnet_group_name={each!r}" for each in listed)
    return " or ".join(f"subnet_type={name}" for each, name in _TYPES.items() if each in listed)


def _described(selection: ec2.SubnetSelection) -> str:
    if selection.subnet_group_name is not None:
        return f"subnet_group_name={selection.subnet_group_name!r}"
    if selection.subnet_type is not None:
        return f"subnet_type={selection.subnet_type.name}"
    return "filters that match no subnet"

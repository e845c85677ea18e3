"""The subnets that a selection has in a VPC, as far as CDK knows them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aws_cdk import aws_ec2 as ec2

from moorage.ecs.cdk_values import select_subnets

if TYPE_CHECKING:
    from moorage.workload.problems import Problems

_AVAILABLE = re.compile(r"Available (?P<kind>names|types): (?P<listed>.+)")
_TYPES = {"Public": "PUBLIC", "Private": "PRIVATE_WITH_EGRESS", "Isolated": "PRIVATE_ISOLATED"}
"""The names of subnet types, by those in CDK's errors; others there are deprecated."""


def find_subnets(
    argument: str, selection: ec2.SubnetSelection, vpc: ec2.IVpc, problems: Problems
) -> Sequence[ec2.ISubnet] | None:
    """Return the subnets that a selection has, and note that it has none; None if there are none, or none yet.

    Args:
        argument: The name of the argument that takes the selection.
        selection: The selection. Subnets that are named are returned as they are.
        vpc: The VPC.
        problems: The problems to add to.
    """
    if selection.subnets is not None:
        return selection.subnets
    available = "another selection, or import the VPC with these subnets"
    try:
        selected = select_subnets(vpc, selection)
    except RuntimeError as error:  # jsii's name for whatever node throws: here, that there are none
        available = _available(str(error)) or available
    else:
        if selected.subnets or selected.is_pending_lookup:
            return selected.subnets or None
    problems.add(
        f"{argument} must select subnets of the VPC {vpc.node.path} (got {_described(selection)}); use {available}"
    )
    return None


def _available(error: str) -> str:
    """Return the groups or types that a VPC has, from CDK's error, the only place that tells the names of groups."""
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
    return "filters that leave none"

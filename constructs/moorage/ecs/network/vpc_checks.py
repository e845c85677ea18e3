"""Whether things are of the VPC that they are used in, as far as that is known at synthesis."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2
    from constructs import IConstruct

    from moorage.workload.problems import Problems


def check_in_vpc(
    problems: Problems, argument: str, things: Iterable[IConstruct | ec2.ISubnet | ec2.ISecurityGroup], vpc: ec2.IVpc
) -> None:
    """Note subnets or security groups that are known to be of another VPC."""
    for thing in things:
        vpc_id = _vpc_id_of(thing)
        if vpc_id and _differ(vpc_id, vpc):
            problems.add(
                f"{argument} must be of the VPC {vpc.node.path} (got {thing.node.path}, of another); use one of that "
                "VPC"
            )


def _vpc_id_of(thing: Any) -> str | None:
    """Return the id of the VPC of a subnet or security group; None of one that is imported by its own id alone."""
    vpc_id = getattr(thing.node.default_child, "vpc_id", None) or getattr(thing.node.scope, "vpc_id", None)
    return vpc_id if isinstance(vpc_id, str) else None


def _differ(vpc_id: str, vpc: ec2.IVpc) -> bool:
    """Tell whether the id is known to be that of another VPC: of an imported one, only if both are written."""
    own_id = vpc.vpc_id
    is_imported = vpc.node.default_child is None
    return vpc_id != own_id and not (is_imported and (is_token(vpc_id) or is_token(own_id)))

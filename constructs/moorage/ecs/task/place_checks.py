"""The place of what a task is given: another account, region, stage or VPC than that of its cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2

from moorage.scope.place import check_place
from moorage.workload.image import RepositoryImage
from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constructs import IConstruct

    from moorage.workload.problems import Problems
    from moorage.workload.task import Task


def check_images(scope: IConstruct, task: Task, problems: Problems) -> None:
    """Note repositories of another stage; those of another account and region can be pulled from."""
    for container in task.containers:
        if isinstance(container.image, RepositoryImage):
            argument = f"image of container {container.name!r}"
            check_place(
                problems, argument, container.image.repository, scope, across_accounts=True, across_regions=True
            )


def check_network(
    scope: IConstruct,
    vpc: ec2.IVpc,
    subnets: Iterable[ec2.ISubnet],
    security_groups: Iterable[ec2.ISecurityGroup],
    problems: Problems,
) -> None:
    """Note subnets and security groups of another place or VPC than the cluster's."""
    for argument, things in (("vpc_subnets", subnets), ("security_groups", security_groups)):
        for thing in things:
            check_place(problems, f"each of {argument}", cast("IConstruct", thing), scope)
            own_id = _vpc_id_of(thing)
            if own_id and _differ(own_id, vpc):
                problems.add(
                    f"each of {argument} must be of the VPC of the cluster (got {thing.node.path}, of another); use "
                    "one of that VPC"
                )


def _vpc_id_of(thing: Any) -> str | None:
    """Return the id of the VPC that a subnet or security group is of; None if it is imported by its own id alone."""
    vpc_id = getattr(thing.node.default_child, "vpc_id", None) or getattr(thing.node.scope, "vpc_id", None)
    return vpc_id if isinstance(vpc_id, str) else None


def _differ(vpc_id: str, vpc: ec2.IVpc) -> bool:
    """Tell whether the id is known to be that of another VPC."""
    return vpc_id != vpc.vpc_id and _is_known(vpc_id) and _is_known(vpc.vpc_id)


def _is_known(vpc_id: str) -> bool:
    """Tell whether an id is written, or that of a VPC of this app; another token may be the id of any."""
    if not is_token(vpc_id):
        return True
    tokens = cdk.Tokenization.reverse_string(vpc_id).tokens
    return any(isinstance(each, cdk.Reference) and isinstance(each.target, ec2.CfnVPC) for each in tokens)

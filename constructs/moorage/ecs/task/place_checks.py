"""Checks that the arguments of a task belong to the account, region, stage and VPC of its cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from moorage.scope.place import check_in_vpc, check_place
from moorage.workload.image import RepositoryImage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_ec2 as ec2
    from constructs import IConstruct

    from moorage.workload.problems import Problems
    from moorage.workload.task import Task


def check_images(scope: IConstruct, task: Task, problems: Problems) -> None:
    """Check that no image of a task is in a repository of another stage.

    Repositories in other accounts and regions are allowed, since ECS can pull from them.
    """
    for container in task.containers:
        if isinstance(container.image, RepositoryImage):
            argument = f"image of container {container.name!r}"
            check_place(
                problems, argument, container.image.repository, scope, across_accounts=True, across_regions=True
            )


def check_network(
    scope: IConstruct,
    vpc: ec2.IVpc,
    subnets: Sequence[ec2.ISubnet],
    security_groups: Sequence[ec2.ISecurityGroup],
    problems: Problems,
) -> None:
    """Check that subnets and security groups belong to the account, region, stage and VPC of the cluster."""
    for argument, things in (("vpc_subnets", subnets), ("security_groups", security_groups)):
        for thing in things:
            check_place(problems, f"each item of {argument}", cast("IConstruct", thing), scope)
        check_in_vpc(problems, f"each item of {argument}", things, vpc)

"""CDK values that the ECS modules share. Constants are created once, since each costs a round trip to Node.js."""

from __future__ import annotations

import functools
import re
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from moorage.workload.problems import is_token
from moorage.workload.task import Architecture, OperatingSystemFamily

_MAX_DESCRIPTION_LENGTH = 255


@functools.cache
def duration(seconds: int) -> cdk.Duration:
    return cdk.Duration.seconds(seconds)


@functools.cache
def pseudo_parameters() -> tuple[str, str, str]:
    """Return the pseudo parameters `AWS::Partition`, `AWS::Region` and `AWS::AccountId`."""
    return cdk.Aws.PARTITION, cdk.Aws.REGION, cdk.Aws.ACCOUNT_ID


def arn(service: str, resource: str) -> str:
    """Return the ARN of a resource in the account and region of the stack."""
    partition, region, account = pseudo_parameters()
    return f"arn:{partition}:{service}:{region}:{account}:{resource}"


@functools.cache
def stack_name() -> str:
    """Return the pseudo parameter `AWS::StackName`, which is the name of the stack in whose template it is used."""
    return cdk.Aws.STACK_NAME


def stack_of(scope: Construct) -> cdk.Stack:
    """Return the stack of `scope`, without a call to CDK if `scope` is a stack itself."""
    return scope if isinstance(scope, cdk.Stack) else cdk.Stack.of(scope)


def optional_duration(seconds: int | None) -> cdk.Duration | None:
    return None if seconds is None else duration(seconds)


@functools.cache
def any_ipv4() -> ec2.IPeer:
    return ec2.Peer.any_ipv4()


@functools.cache
def any_ipv6() -> ec2.IPeer:
    return ec2.Peer.any_ipv6()


@functools.cache
def tcp(port: int) -> ec2.Port:
    return ec2.Port.tcp(port)


def number_text(number: int) -> str:
    """Write a number, which may be a token, as text."""
    return cdk.Tokenization.stringify_number(number) if is_token(number) else str(number)


@functools.cache
def runtime_platform(architecture: Architecture, system: OperatingSystemFamily) -> ecs.RuntimePlatform:
    return ecs.RuntimePlatform(
        cpu_architecture=ecs.CpuArchitecture.of(architecture.value),
        operating_system_family=ecs.OperatingSystemFamily.of(system.value),
    )


@functools.cache
def registry_image(reference: str) -> ecs.ContainerImage:
    return ecs.ContainerImage.from_registry(reference)


@functools.cache
def ecs_principal() -> iam.IPrincipal:
    """Return the service principal of Amazon ECS, which assumes roles on behalf of ECS services."""
    return cast("iam.IPrincipal", iam.ServicePrincipal("ecs.amazonaws.com"))


def define_security_group(scope: Construct, vpc: ec2.IVpc, path: str) -> ec2.SecurityGroup:
    """Define the security group of a construct, without any rules.

    As in CDK, the description is the path of the group, with only the characters and the length that EC2 accepts
    (botocore ec2 CreateSecurityGroup.Description).

    Args:
        scope: The scope in which to define the group.
        vpc: The VPC of the group.
        path: The path of the construct.
    """
    description = re.sub(r"[^a-zA-Z0-9 ._:/()#,@\[\]+=&;{}!$*-]", "_", f"{path}/SecurityGroup")
    return ec2.SecurityGroup(
        scope, "SecurityGroup", vpc=vpc, allow_all_outbound=False, description=description[:_MAX_DESCRIPTION_LENGTH]
    )


def zone_of(subnet: ec2.ISubnet) -> str | None:
    """Return the Availability Zone of a subnet, or None if the subnet was imported only by its ID."""
    try:
        return subnet.availability_zone
    except RuntimeError:  # jsii raises it for every error in Node.js
        return None


def select_subnet_ids(vpc: ec2.IVpc, selection: ec2.SubnetSelection) -> list[str]:
    """Return the IDs of the selected subnets."""
    if selection.subnets is not None:  # CDK would not select subnets that were imported without a zone
        return [subnet.subnet_id for subnet in selection.subnets]
    return select_subnets(vpc, selection).subnet_ids


def select_subnets(vpc: ec2.IVpc, selection: ec2.SubnetSelection) -> ec2.SelectedSubnets:
    """Return the selected subnets of a VPC."""
    return vpc.select_subnets(
        availability_zones=selection.availability_zones,
        one_per_az=selection.one_per_az,
        subnet_filters=selection.subnet_filters,
        subnet_group_name=selection.subnet_group_name,
        subnets=selection.subnets,
        subnet_type=selection.subnet_type,
    )

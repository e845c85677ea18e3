"""CDK's own values, each made once a process: making one is a round trip to node, and they never change."""

from __future__ import annotations

import functools

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from moorage.workload.task import Architecture


@functools.cache
def duration(seconds: int) -> cdk.Duration:
    return cdk.Duration.seconds(seconds)


def stack_of(scope: Construct) -> cdk.Stack:
    """The stack that `scope` is or is in; where it is one itself, CDK need not be asked."""
    return scope if isinstance(scope, cdk.Stack) else cdk.Stack.of(scope)


def optional_duration(seconds: int | None) -> cdk.Duration | None:
    return None if seconds is None else duration(seconds)


@functools.cache
def anyone() -> ec2.IPeer:
    return ec2.Peer.any_ipv4()


@functools.cache
def tcp(port: int) -> ec2.Port:
    return ec2.Port.tcp(port)


@functools.cache
def platform(architecture: Architecture) -> ecs.RuntimePlatform:
    return ecs.RuntimePlatform(
        cpu_architecture=ecs.CpuArchitecture.of(architecture.value),
        operating_system_family=ecs.OperatingSystemFamily.LINUX,
    )


@functools.cache
def registry_image(reference: str) -> ecs.ContainerImage:
    return ecs.ContainerImage.from_registry(reference)

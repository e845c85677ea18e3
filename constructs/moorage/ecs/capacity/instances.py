"""The instances of a capacity: those of an Auto Scaling group, or ECS Managed Instances."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from moorage.ecs.cdk_values import define_security_group, select_subnets, tcp, zone_of
from moorage.ecs.identity import Identity
from moorage.ecs.network.network import Reach
from moorage.scope.acknowledgements import POLICY_OF_ONE_ROLE, acknowledge

_SINGLE_ZONE_WARNING = "@moorage/ecs:one-zone"
_CLUSTER_ACTIONS = [
    "ecs:RegisterContainerInstance",
    "ecs:DeregisterContainerInstance",
    "ecs:SubmitAttachmentStateChanges",
    "ecs:SubmitContainerStateChange",
    "ecs:SubmitTaskStateChange",
]
_INSTANCE_ACTIONS = [
    "ecs:Poll",
    "ecs:StartTelemetrySession",
    "ecs:PutSystemLogEvents",
    "ecs:UpdateContainerInstancesState",
]


@jsii.implements(ec2.IConnectable)
class Instances(Construct):
    """The instances of one capacity, with their subnets and their security group."""

    provider_name: str

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        egress: Sequence[int],
        vpc_subnets: ec2.SubnetSelection | None,
    ) -> None:
        """Define the instances.

        Args:
            scope: The scope in which to define this construct.
            construct_id: The ID of the construct in its scope.
            vpc: The VPC of the instances.
            egress: The TCP ports through which the instances may connect to any address.
            vpc_subnets: The subnets of the instances. Default: the private subnets.
        """
        super().__init__(scope, construct_id)
        self._imported_security_groups: dict[cdk.Stack, ec2.ISecurityGroup] = {}
        self.security_group = define_security_group(self, vpc, Identity.in_scope(scope, construct_id).path)
        for port, peer in itertools.product(egress, Reach(vpc).any_addresses):
            self.security_group.add_egress_rule(peer, tcp(port), f"Instances to port {port}")
        selected_subnets = vpc_subnets and vpc_subnets.subnets
        self.subnets = selected_subnets or select_subnets(vpc, vpc_subnets or ec2.SubnetSelection()).subnets
        zones = {zone_of(subnet) for subnet in self.subnets}
        if (
            len(zones) == 1 and None not in zones and not any("#{Token[" in each for each in zones if each)
        ):  # a token in the list may stand for several zones
            cdk.Annotations.of(self).add_warning_v2(
                _SINGLE_ZONE_WARNING,
                "all subnets of these instances are in one Availability Zone, so all instances and their tasks fail "
                "with that zone; select subnets in at least two zones with vpc_subnets=, or acknowledge this warning",
            )

    @property
    def connections(self) -> ec2.Connections:
        """The connections of the instances, and of tasks without their own network interface."""
        return self.security_group.connections

    def security_group_in(self, stack: cdk.Stack) -> ec2.ISecurityGroup:
        """Import the security group into `stack` once, so that the rules of a service belong to the service's stack."""
        if stack not in self._imported_security_groups:
            self._imported_security_groups[stack] = ec2.SecurityGroup.from_security_group_id(
                Construct(stack, f"Instances {self.node.addr}"),
                "SecurityGroup",
                self.security_group.security_group_id,
                allow_all_outbound=False,
            )
        return self._imported_security_groups[stack]


def define_instance_role(scope: Construct, cluster: ecs.Cluster, name: str | None = None) -> iam.Role:
    """Define an instance role with only the permissions of the ECS agent.

    The execution role of a task, not the instance role, has the permissions to pull images and to write logs.
    """
    arn = cluster.cluster_arn
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": _CLUSTER_ACTIONS, "Resource": arn},
        {
            "Effect": "Allow",
            "Action": _INSTANCE_ACTIONS,
            "Resource": "*",  # container instances, whose ids are unknown before they register
            "Condition": {"ArnEquals": {"ecs:cluster": arn}},
        },
        {"Effect": "Allow", "Action": "ecs:DiscoverPollEndpoint", "Resource": "*"},
    ]
    policy = {"Version": "2012-10-17", "Statement": statements}
    role = iam.Role(
        scope,
        "Role",
        role_name=name,
        assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
        inline_policies={"Agent": iam.PolicyDocument.from_json(policy)},
    )
    acknowledge(role, *POLICY_OF_ONE_ROLE)
    acknowledge(
        role,
        "iam-wildcard",
        "the ECS agent polls before its instance has an ARN; a condition limits the actions to the cluster, except for "
        "DiscoverPollEndpoint, which has no resource ARN",
        statements=statements,
    )
    return role

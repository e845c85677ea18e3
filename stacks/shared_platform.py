"""The platform of an environment as its previews share it: what it exports, and what a stack imports of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs
import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_servicediscovery as servicediscovery

from moorage import Capacity, Cluster, LoadBalancer
from stacks.network import define_vpc
from stacks.settings import EnvironmentSettings

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs

    from moorage.ecs.load_balancing.imported_load_balancer import ImportedLoadBalancer

_CLUSTER, _LISTENER, _SECURITY_GROUP, _VPC, _SUBNETS = "Cluster", "Listener", "SecurityGroup", "Vpc", "Subnets"


@attrs.frozen(kw_only=True)
class ImportedPlatform:
    """A platform of another stack, with the members of `PlatformStack` that services use.

    Args:
        cluster: The cluster, with the namespace of the importing stack.
        entrance: The load balancer.
        spot: The capacity of all services.
    """

    cluster: ecs.ICluster
    entrance: ImportedLoadBalancer
    spot: Capacity
    operators: None = None
    """None, since nobody is notified of alarms."""

    def strategy(self, weights: Mapping[str, int]) -> Mapping[Capacity, int]:  # noqa: ARG002  # PlatformStack's method takes them
        """Return Fargate Spot, for any weights."""
        return {self.spot: 1}


@attrs.frozen(kw_only=True)
class SharedPlatform:
    """The platform of an environment, for stacks that are deployed beside it.

    CloudFormation neither changes nor deletes what another stack imports, so the environment stays as long as a stack
    beside it.

    Args:
        environment: The name of the environment, which is a part of the names of its exports.
        settings: The settings of the environment.
    """

    environment: str
    settings: EnvironmentSettings

    def export(self, stack: cdk.Stack, *, vpc: ec2.IVpc, cluster: ecs.ICluster, entrance: LoadBalancer) -> None:
        """Export what `imported_by` imports.

        Args:
            stack: The stack of the platform.
            vpc: The VPC.
            cluster: The cluster.
            entrance: The load balancer.
        """
        values = {
            _CLUSTER: cluster.cluster_name,
            _LISTENER: entrance.listener.listener_arn,
            _SECURITY_GROUP: entrance.security_group.security_group_id,
        }
        if not self.settings.network.vpc_id:
            subnets = vpc.private_subnets or vpc.isolated_subnets
            values |= {_VPC: vpc.vpc_id, _SUBNETS: cdk.Fn.join(",", [each.subnet_id for each in subnets])}
        for name, value in values.items():
            cdk.CfnOutput(stack, f"Shared{name}", value=value, export_name=self._export(name))

    def imported_by(self, stack: cdk.Stack) -> ImportedPlatform:
        """Import the platform into a stack with a Service Connect namespace of its own.

        Args:
            stack: The stack of the services.
        """
        vpc, spot = self._vpc(stack), Capacity.fargate_spot()
        stage = cdk.Stage.of(stack)
        name = f"retail-{stage.node.id if stage else stack.node.id}"
        namespace = servicediscovery.HttpNamespace(stack, "Namespace", name=name)
        cluster = Cluster.from_attributes(
            stack, "Cluster", cluster_name=self._import(_CLUSTER), vpc=vpc, capacity=[spot], namespace=namespace
        )
        entrance = LoadBalancer.from_attributes(
            stack,
            "Entrance",
            listener_arn=self._import(_LISTENER),
            security_group_id=self._import(_SECURITY_GROUP),
            vpc=vpc,
            https=self.settings.entrance.has_certificate,
        )
        return ImportedPlatform(cluster=cluster, entrance=entrance, spot=spot)

    def _vpc(self, stack: cdk.Stack) -> ec2.IVpc:
        network = self.settings.network
        if network.vpc_id:
            return define_vpc(stack, self.settings)  # which looks it up
        subnets = cdk.Fn.import_list_value(self._export(_SUBNETS), network.zones)
        is_isolated = network.egress == "endpoints"
        vpc = ec2.Vpc.from_vpc_attributes(
            stack,
            "Vpc",
            vpc_id=self._import(_VPC),
            availability_zones=[cdk.Fn.select(zone, cdk.Fn.get_azs()) for zone in range(network.zones)],
            private_subnet_ids=None if is_isolated else subnets,
            isolated_subnet_ids=subnets if is_isolated else None,
        )
        reason = "tasks need no route tables"
        cdk.Annotations.of(vpc).acknowledge_warning("@aws-cdk/aws-ec2:noSubnetRouteTableId", reason)
        return vpc

    def _export(self, name: str) -> str:
        return f"retail-{self.environment}:Shared{name}"

    def _import(self, name: str) -> str:
        return cdk.Fn.import_value(self._export(name))

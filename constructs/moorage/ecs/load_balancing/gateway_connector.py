"""The connector of a service to gateways: the port that serves, and its health check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

import attrs
import aws_cdk as cdk

from moorage.ecs.cdk_values import number_text, tcp
from moorage.ecs.group_rules import is_first
from moorage.ecs.load_balancing.gateway import Gateway, acknowledge_new_type
from moorage.ecs.load_balancing.target_health import TargetHealth, health_of
from moorage.ecs.load_balancing.zone_checks import check_all_zones
from moorage.ecs.task.port_mappings import mapped_name
from moorage.scope.place import are_different_vpcs, check_place
from moorage.workload import load_balancing_limits, route_limits
from moorage.workload.ports import find_port, missing_port, ports_of
from moorage.workload.problems import Problems
from moorage.workload.task import NetworkMode
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_ecs as ecs
    from constructs import Construct

    from moorage.ecs.task.task_launch import Launch
    from moorage.workload.ports import ContainerPort
    from moorage.workload.rollout import Rollout
    from moorage.workload.task import Task


def _gateways_of(gateways: Gateway | Sequence[Gateway]) -> tuple[Gateway, ...]:
    return tuple(gateways) if isinstance(gateways, Sequence) else (gateways,)


@value_class
@attrs.frozen(eq=False)
class GatewayConnector:
    """The connection of a service to gateways of its cluster.

    ECS gives the service a host name of its own on each gateway, which serves HTTPS. The connector accepts only the
    access types of the given gateways: PUBLIC if a gateway is public, otherwise PRIVATE. ECS connects the service to
    each gateway of the cluster that has an accepted access type, is in the VPC of the tasks and covers their zones (ECS
    developer guide, "Troubleshoot a gateway"). Therefore a gateway that is added to the cluster later can serve this
    service too, from its next deployment on.

    Args:
        gateways: The gateway, or one public and one internal gateway, of the service's cluster.
        health: The path of the health check, or a `TargetHealth`. Default: `/`.
        container: The name of the container that serves. Default: the first container with the port.
        container_port: The port of the container that serves, by name or number. Default: the first port.

    Raises:
        ValueError: If there is no gateway, or the health check is outside its limits.
    """

    _noun: ClassVar[str] = "gateway connector"

    gateways: tuple[Gateway, ...] = attrs.field(converter=_gateways_of)
    health: TargetHealth = attrs.field(converter=health_of, default=TargetHealth("/"), kw_only=True)
    container: str | None = attrs.field(default=None, kw_only=True)
    container_port: str | int | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = Problems("GatewayConnector")
        if not self.gateways:
            problems.add("gateways must not be empty (got []); pass a Gateway")
        problems.check_known("container_port", self.container_port)
        problems.check(route_limits.TARGET_CODES, "codes of health", self.health.codes)
        problems.raise_any()

    def _port_in(self, task: Task) -> ContainerPort | None:
        """Return the port that serves, or None if the task does not have the port."""
        return find_port(task.containers, self.container, self.container_port)

    def _check(self, launch: Launch, connectors: int, problems: Problems) -> None:
        """Check that ECS can connect a service to each gateway.

        Args:
            launch: The task with its capacity and network.
            connectors: The number of connectors of the service.
            problems: The problems to add to.
        """
        problems.check(load_balancing_limits.CONNECTORS, "the number of gateway connectors", connectors)
        self._check_port(launch.task, problems)
        for gateway in self.gateways:
            check_place(problems, "gateways", gateway, launch.cluster)
            if are_different_vpcs(gateway.vpc, launch.reach.vpc):
                problems.add(
                    f"gateways must be in the VPC of the cluster (got {gateway.node.path} in another VPC), since ECS "
                    "connects a service only to gateways in its VPC; define a Gateway with this cluster in clusters="
                )
                continue
            if gateway._association_with(launch.cluster) is None:
                problems.add(
                    f"gateways must be associated with the cluster of the service (got {gateway.node.path} without "
                    f"{launch.cluster.node.path}), since ECS connects a service only to gateways of its cluster; add "
                    "the cluster to clusters= of the Gateway"
                )
            check_all_zones(gateway, launch, problems)

    def _check_port(self, task: Task, problems: Problems) -> None:
        port = self._port_in(task)
        if task.network_mode is not NetworkMode.AWSVPC:
            problems.add(
                f"a gateway connector requires network mode awsvpc (got {task.network_mode.value}), since its targets "
                "are the IP addresses of tasks; use network_mode=NetworkMode.AWSVPC"
            )
        elif not ports_of(task.containers):
            problems.add(
                "a gateway connector requires a container with a port, and no container of the task has a port; use "
                "Container(..., port=...)"
            )
        elif port is None:
            problems.add(
                missing_port(task.containers, self.container, self.container_port, "the gateway connector") or ""
            )
        elif mapped_name(task, port.name) is None:
            problems.add(
                "the name of the container for the gateway connector must be 1 to 64 letters, digits, '_' and '-', "
                f"and not start with '-' (got {port.container.name!r}), since its port has the same name; use another "
                "Container(name=...)"
            )

    def _define(self, service: ecs.BaseService, launch: Launch, security_groups: Sequence[ec2.ISecurityGroup]) -> None:
        """Connect a service: its connector, the rules between security groups, and the order of deployment."""
        _, name, port = cast("ContainerPort", self._port_in(launch.task))
        connector = {
            "PortName": name,
            "Filters": {"AccessTypes": sorted({gateway._access_type for gateway in self.gateways})},
            "HealthCheck": self._health_check,
        }
        resource = cast("cdk.CfnResource", service.node.default_child)
        resource.add_property_override("GatewayConnectors", [connector])
        acknowledge_new_type(resource, "F3002")
        stack = cdk.Stack.of(service)
        for gateway in self.gateways:
            association = cast("Construct", gateway._association_with(launch.cluster))
            service.node.add_dependency(association)  # ECS refuses a connector in a cluster without a gateway
            for group in security_groups:
                if is_first(stack, gateway.security_group.security_group_id, group.security_group_id, port):
                    group.connections.allow_from(
                        gateway.security_group, tcp(port), f"Gateway to port {number_text(port)}"
                    )

    def _warning(self, rollout: Rollout, *, beside: bool) -> str | None:
        """Return a warning about a combination that AWS does not document (November 2026), or None.

        Args:
            rollout: The rollout of the service.
            beside: True if the service has routes or target groups of VPC Lattice as well.
        """
        if rollout._shifts_traffic:
            return (
                f"rollout is {rollout.shift.value}, but AWS does not document how ECS shifts the traffic of a gateway; "
                "test a rollout first, use Rollout.rolling(), or acknowledge this warning"
            )
        if beside:
            return (
                "a gateway connector is given beside a route, listener or lattice, but AWS does not document a "
                "service with both; test a deployment first, use two services, or acknowledge this warning"
            )
        return None

    @property
    def _health_check(self) -> dict[str, Any]:
        health = self.health
        check = {
            "HealthCheckPath": health.path or "/",
            "HealthCheckIntervalSeconds": health.interval,
            "HealthCheckTimeoutSeconds": health.timeout,
            "HealthyThresholdCount": health.healthy_threshold_count,
            "UnhealthyThresholdCount": health.unhealthy_threshold_count,
        }
        return {**check, "Matcher": {"HttpCode": health.codes}} if health.codes else check

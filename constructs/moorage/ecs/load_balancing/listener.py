"""The listener of a service on a Network Load Balancer: a port, and the health checks of the service's tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

import attrs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from moorage.ecs.load_balancing.route import check_name, describe_service
from moorage.ecs.load_balancing.target_health import TargetHealth, health_of
from moorage.workload import load_balancing_limits, port_limits, route_limits
from moorage.workload.durations import default_seconds, optional_seconds, seconds
from moorage.workload.problems import Problems, is_token
from moorage.workload.task import NetworkMode
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from moorage.ecs.load_balancing.connection_load_balancer import ConnectionLoadBalancer
    from moorage.ecs.load_balancing.shared_load_balancer import Entry
    from moorage.workload.task import Task

_UDP_PROTOCOLS = {elbv2.Protocol.UDP, elbv2.Protocol.TCP_UDP}


def _default_protocol(listener: Listener) -> elbv2.Protocol:
    return elbv2.Protocol.TLS if listener.load_balancer.certificate else elbv2.Protocol.TCP


@value_class
@attrs.frozen(eq=False)
class Listener:
    """A port of a Network Load Balancer that forwards all connections to one service.

    The load balancer's security group lets its clients connect to the port. The tasks accept connections only from that
    security group, even if they see the address of the client. A rollout that shifts traffic changes the listener
    itself, and ECS waits ten minutes at each shift. A change of the certificate or the idle timeout resets the weights
    of the target groups, so make such a change only while the first target group serves.

    Args:
        load_balancer: The load balancer, which any number of services in the app can share, each with its own ports.
            For an existing load balancer, use `NetworkLoadBalancer.from_attributes`.
        port: The port that clients connect to, 1 to 65535.
        protocol: The protocol: TLS (terminated by the load balancer), TCP, UDP or TCP_UDP. Default: TLS if the load
            balancer has a certificate, otherwise TCP.
        health: The health check: a path that is requested over HTTP, or a `TargetHealth`. Default: a TCP connection.
        health_port: The port of the container for health checks by TCP or HTTP, 1 to 65535. UDP requires this
            port if the container accepts no TCP connections on the port that serves. Default: the port of the
            container.
        container: The name of the container that serves. Default: the first container with the port.
        container_port: The port of the container that serves, by name or number. If two listeners of a service lead to
            one of several ports of a container, both need `container_port`. Default: the first port.
        preserve_client_ip: Whether to show tasks the address of the client as the source of the connection. A task that
            sees the client's address cannot connect to itself through the load balancer. Default: AWS's default, which
            is True with UDP and in bridge or host mode.
        test_port: The port at which a rollout that shifts traffic serves a new version first, for the peers of the load
            balancer's `test_ingress`, 1 to 65535. Default: none.
        idle_timeout: The time that a TCP connection may be idle, 60 to 6,000 seconds. Only with TCP. Default: 350
            seconds.
        deregistration_delay: The time for which a deregistered task keeps its connections, 0 to 3,600 seconds. ECS
            waits this long for each task that it replaces. More than 1,800 seconds cause a warning, since
            CloudFormation waits at most 30 minutes for the deletion of a service. Default: 60 seconds.
        name: The name in the IDs of the target groups in place of the port, so that the target groups stay when the
            port changes. The name has 1 to 64 letters, digits and hyphens, and is unique in a service. A listener whose
            port is a token needs a name if the service has other listeners. Default: none.

    A port can be used only once on a load balancer. Therefore a service that is renamed or moved to another stack
    cannot keep its ports in the same deployment: Elastic Load Balancing refuses the second listener with
    `DuplicateListener`, and the old service keeps serving. Remove the old service in an earlier deployment, or use
    `cdk refactor`, which moves resources only if nothing else in the app changes.

    A new target group is empty until ECS has replaced the tasks, but CloudFormation changes the listener earlier:
    connections fail in between. Therefore adding a `name` and changing the `protocol` (except between TLS and TCP) need
    two deployments. First add a second listener with a `name` and another port. Then give the second listener the port
    of the first listener, and remove the first listener. To change the `network_mode` of the task, use a second service
    in the same way.

    Raises:
        ValueError: If Elastic Load Balancing would not accept an argument. The error lists all problems.
    """

    _noun: ClassVar[str] = "listener"
    _reads_requests: ClassVar[bool] = False
    """False: a Network Load Balancer forwards connections and does not read requests."""

    load_balancer: ConnectionLoadBalancer
    port: int
    protocol: elbv2.Protocol = attrs.field(default=attrs.Factory(_default_protocol, takes_self=True), kw_only=True)
    health: TargetHealth = attrs.field(converter=health_of, default=TargetHealth(), kw_only=True)
    health_port: int | None = attrs.field(default=None, kw_only=True)
    container: str | None = attrs.field(default=None, kw_only=True)
    container_port: str | int | None = attrs.field(default=None, kw_only=True)
    preserve_client_ip: bool | None = attrs.field(default=None, kw_only=True)
    test_port: int | None = attrs.field(default=None, kw_only=True)
    idle_timeout: int | None = attrs.field(converter=optional_seconds, default=None, kw_only=True)
    deregistration_delay: int = attrs.field(converter=seconds, default=default_seconds(60), kw_only=True)
    name: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = Problems(f"Listener {self.port}")
        for argument in ("port", "health_port", "test_port"):
            problems.check(port_limits.PORT, argument, getattr(self, argument))
        problems.check(load_balancing_limits.LISTENER_PROTOCOL, "protocol", self.protocol)
        problems.check(load_balancing_limits.NETWORK_CODES, "codes of health", self.health.codes)
        problems.check(load_balancing_limits.LISTENER_IDLE, "idle_timeout", self.idle_timeout)
        problems.check(route_limits.DEREGISTRATION_DELAY, "deregistration_delay", self.deregistration_delay)
        problems.check(route_limits.DELETION_DELAY, "deregistration_delay", self.deregistration_delay)
        check_name(self.name, problems)
        problems.check_known("container_port", self.container_port)
        if self.test_port == self.port:
            problems.add(f"test_port must differ from port (got {self.test_port} for both); use another test_port=")
        if self.health.codes and not self.health.path:
            problems.add(
                "health must have a path if it has codes, since a TCP health check returns no code; use "
                "TargetHealth('/', codes=...)"
            )
        if self._takes_udp and self.preserve_client_ip is False:
            problems.add(
                f"preserve_client_ip=False is not possible with {self.protocol.value}, which always preserves the "
                "client IP address; leave preserve_client_ip= out"
            )
        if self.protocol is not elbv2.Protocol.TCP and self.idle_timeout is not None:
            problems.add(
                f"idle_timeout requires protocol TCP (got {self.protocol.value}); use protocol=elbv2.Protocol.TCP, or "
                "leave idle_timeout= out"
            )
        problems.raise_any()

    @property
    def _takes_udp(self) -> bool:
        """True if the listener accepts UDP."""
        return self.protocol in _UDP_PROTOCOLS

    @property
    def _protocols(self) -> frozenset[str]:
        """The protocols with which the load balancer connects to the port of a container, except for health checks."""
        protocol: str = self.protocol.value
        return frozenset({"TCP"} if protocol == "TLS" else protocol.split("_"))

    @property
    def _description(self) -> str:
        """The description of the listener in errors."""
        return f"{self.protocol.value} on port {self.port}"

    @property
    def _load_balancer_ports(self) -> set[int]:
        """The ports of the load balancer that the listener uses."""
        return {self.port, *([] if self.test_port is None else [self.test_port])}

    @property
    def _number_of_client_rules(self) -> int:
        """The number of rules in the load balancer's security group that let clients connect to the listener."""
        load_balancer = self.load_balancer
        peers = len(load_balancer._clients) + (0 if self.test_port is None else len(load_balancer._test_clients))
        return peers * len(self._protocols)

    @property
    def _is_known(self) -> bool:
        """True unless the port is a token."""
        return not is_token(self.port)

    @property
    def _id_suffix(self) -> str:
        """The part of the IDs of the target groups that follows from the listener: its name or its port."""
        return f" {self.name or ('' if is_token(self.port) else self.port)}".rstrip()

    def _reached_ports(self, ports: tuple[int, int]) -> list[tuple[int, int, bool]]:
        """Return the ports of a target that the load balancer reaches, for traffic and health checks.

        Each item has the first port, the last port, and True for UDP.
        """
        health_ports = ports if self.health_port is None else (self.health_port, self.health_port)
        tcp_ports = (
            [health_ports] if self.protocol is elbv2.Protocol.UDP or health_ports == ports else [ports, health_ports]
        )
        return [*((*port_range, False) for port_range in tcp_ports), *([(*ports, True)] if self._takes_udp else [])]

    def _clash(self, other: Entry, owner: Construct | None, _entries: Sequence[Entry]) -> str | None:
        """Describe why the listener cannot be on the same load balancer as `other`, or return None if both can.

        Args:
            other: The existing route or listener.
            owner: The service that has `other`; None if `other` belongs to the service of this listener.
        """
        other = cast("Listener", other)  # a network load balancer has no routes
        shared_ports = sorted(self._load_balancer_ports & other._load_balancer_ports)
        if not shared_ports:
            return None
        return (
            f"listener for {self._description} and the listener of {describe_service(owner)} for {other._description} "
            f"clash: port {shared_ports[0]} can forward to only one service, with one protocol; use another port=, or "
            "TCP_UDP for both protocols of one service"
        )

    def _check(self, beside: Sequence[Entry], problems: Problems) -> None:
        """Check that the listener can be added to its load balancer, given the existing listeners.

        Args:
            beside: The other listeners of the same service on the load balancer.
            problems: The problems to add to.
        """
        load_balancer = self.load_balancer
        tls = self.protocol is elbv2.Protocol.TLS
        if tls and load_balancer.certificate is None:
            problems.add(
                f"listener for {self._description} requires a certificate; pass certificate= to "
                f"{load_balancer.node.path}"
            )
        if not tls and load_balancer._requires_tls:
            problems.add(
                f"listener for {self._description} is public without TLS, so anyone on the network path can read and "
                "change traffic that the tasks do not encrypt; use TLS, or pass without_tls='the reason why this is "
                f"acceptable' to {load_balancer.node.path}"
            )
        if self._takes_udp and load_balancer._dual_stack:
            problems.add(
                f"listener for {self._description} is on a dual-stack load balancer, which sends UDP only to IPv6 "
                "targets, but tasks are IPv4 targets; use a NetworkLoadBalancer without ip_address_type="
            )
        if load_balancer._cross_zone and load_balancer._zonal_shift:
            problems.check(load_balancing_limits.ZONAL_SHIFT_PROTOCOL, f"protocol of port {self.port}", self.protocol)
        load_balancer._check(self, beside, problems)

    def _check_task(self, task: Task, problems: Problems) -> None:
        """Check that the load balancer can reach the tasks and check their health."""
        if task.network_mode is not NetworkMode.BRIDGE:
            return
        if self._takes_udp:
            problems.add(
                f"listener for {self._description} forwards UDP to tasks in bridge mode, where the host port that ECS "
                "assigns accepts no TCP health checks; use network_mode=NetworkMode.AWSVPC"
            )

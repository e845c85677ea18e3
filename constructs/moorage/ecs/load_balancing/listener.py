"""A service's place on a network load balancer: a port, and how its targets are watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

import attrs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from moorage.ecs.load_balancing.route import TargetHealth, check_name, describe_service, health_of
from moorage.workload import container_limits, load_balancing_limits, route_limits
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
    """A port of a network load balancer, whose connections all go to one service.

    The load balancer opens it to its clients, and the tasks to the load balancer alone, by its security group: that
    holds too where tasks see the address of the client. A rollout that shifts traffic turns the listener itself, with
    ten minutes of ECS's own at each shift; a change of its certificate or idle timeout sets the weights back, so make
    it while the first target group serves.

    Args:
        load_balancer: The entrance; any number of services share it, a port each, from any stack of the app. One that
            exists already is a `NetworkLoadBalancer.from_attributes`.
        port: Where clients connect, 1 to 65,535.
        protocol: TLS, which ends at the load balancer, where that has a certificate, and TCP where not; UDP or TCP_UDP.
        health: How targets are checked: whether they can be connected to without it; a path, or a `TargetHealth` with
            one, is requested by HTTP.
        health_port: The port of the container that is checked, by TCP or HTTP, which UDP needs where the container does
            not answer to that on its own; the one it serves on without it.
        container: The name of the container that serves; the first with a port without it.
        preserve_client_ip: Whether tasks see the client's address as that of the connection; without it as AWS does:
            with UDP and in bridge or host mode, not otherwise. A task whose address clients see cannot be its own
            client.
        test_port: The port at which a rollout that shifts traffic shows a new version first, to the load balancer's
            `test_ingress`; without it nowhere.
        idle_timeout: How long a connection by TCP may be idle, 60 to 6,000 s; 350 s without it, as by TLS always.
        deregistration_delay: How long a task that leaves keeps its connections, 0 to 3,600 s. ECS waits that long for
            each task it replaces. More than 1,800 s is a warning: CloudFormation gives up the deletion of a service
            after 30 minutes.
        name: A name that is kept in the ids of its target groups in place of its port, so that they stay when the port
            changes: letters, digits and hyphens, once in a service. A listener whose port is known only at deployment
            needs one beside a second one. Default: none.

    A load balancer has a port once. So a service that is renamed or moved to another stack cannot take its ports along
    in one deployment: Elastic Load Balancing refuses the second listener with `DuplicateListener`, and the old service
    serves on. Remove the old service in a deployment of its own first, or use `cdk refactor`, which moves resources
    only if the app changes in nothing else.

    A new target group is empty until ECS has replaced the tasks, and CloudFormation turns the port to it before:
    connections fail meanwhile. So a `name` given later, and another `protocol` (except TLS in place of TCP, or TCP in
    place of TLS), need two deployments: add a second listener with a `name` and another port; then give it the port of
    the first, and remove that. Another `network_mode` of the task needs a second service in the same way.

    Raises:
        ValueError: with all that Elastic Load Balancing would not take.
    """

    _noun: ClassVar[str] = "listener"
    _reads_requests: ClassVar[bool] = False
    """Its load balancer knows of connections, not of requests."""

    load_balancer: ConnectionLoadBalancer
    port: int
    protocol: elbv2.Protocol = attrs.field(default=attrs.Factory(_default_protocol, takes_self=True), kw_only=True)
    health: TargetHealth = attrs.field(converter=health_of, default=TargetHealth(), kw_only=True)
    health_port: int | None = attrs.field(default=None, kw_only=True)
    container: str | None = attrs.field(default=None, kw_only=True)
    preserve_client_ip: bool | None = attrs.field(default=None, kw_only=True)
    test_port: int | None = attrs.field(default=None, kw_only=True)
    idle_timeout: int | None = attrs.field(converter=optional_seconds, default=None, kw_only=True)
    deregistration_delay: int = attrs.field(converter=seconds, default=default_seconds(60), kw_only=True)
    name: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = Problems(f"Listener {self.port}")
        for argument in ("port", "health_port", "test_port"):
            problems.check(container_limits.PORT, argument, getattr(self, argument))
        problems.check(load_balancing_limits.LISTENER_PROTOCOL, "protocol", self.protocol)
        problems.check(load_balancing_limits.NETWORK_CODES, "health codes", self.health.codes)
        problems.check(load_balancing_limits.LISTENER_IDLE, "idle_timeout", self.idle_timeout)
        problems.check(route_limits.DEREGISTRATION_DELAY, "deregistration_delay", self.deregistration_delay)
        problems.check(route_limits.DELETION_DELAY, "deregistration_delay", self.deregistration_delay)
        check_name(self.name, problems)
        if self.test_port == self.port:
            problems.add(f"test_port is {self.test_port}, but that is its own port; use another")
        if self.health.codes and not self.health.path:
            problems.add(
                "health has codes and no path, but a check by TCP gets no answer; use TargetHealth('/', codes=)"
            )
        if self._takes_udp and self.preserve_client_ip is False:
            problems.add(
                f"preserve_client_ip is False, but with {self.protocol.value} tasks always see the client's address; "
                "leave it out"
            )
        if self.protocol is not elbv2.Protocol.TCP and self.idle_timeout is not None:
            problems.add(
                f"idle_timeout is given, but only that of TCP can be changed, and this is {self.protocol.value}; "
                "leave it out, for 350 s"
            )
        problems.raise_any()

    @property
    def _takes_udp(self) -> bool:
        """True if it takes UDP datagrams."""
        return self.protocol in _UDP_PROTOCOLS

    @property
    def _protocols(self) -> frozenset[str]:
        """The protocols by which its load balancer connects to the port of a container, health checks aside."""
        protocol: str = self.protocol.value
        return frozenset({"TCP"} if protocol == "TLS" else protocol.split("_"))

    @property
    def _description(self) -> str:
        """The listener in words, for errors."""
        return f"{self.protocol.value} on port {self.port}"

    @property
    def _load_balancer_ports(self) -> set[int]:
        """The ports of the load balancer that it takes."""
        return {self.port, *([] if self.test_port is None else [self.test_port])}

    @property
    def _number_of_client_rules(self) -> int:
        """The number of rules of the security group of its load balancer that let clients connect to its ports."""
        load_balancer = self.load_balancer
        peers = len(load_balancer._clients) + (0 if self.test_port is None else len(load_balancer._test_clients))
        return peers * len(self._protocols)

    @property
    def _is_known(self) -> bool:
        """True if more than a token tells it from other listeners."""
        return not is_token(self.port)

    @property
    def _id_suffix(self) -> str:
        """The part of the ids of its target groups that is of the listener: its name or its port."""
        return f" {self.name or ('' if is_token(self.port) else self.port)}".rstrip()

    def _reached_ports(self, ports: tuple[int, int]) -> list[tuple[int, int, bool]]:
        """Return the ports of a target to which it connects, with its `health_port`: first, last, whether by UDP."""
        health_ports = ports if self.health_port is None else (self.health_port, self.health_port)
        tcp_ports = (
            [health_ports] if self.protocol is elbv2.Protocol.UDP or health_ports == ports else [ports, health_ports]
        )
        return [*((*port_range, False) for port_range in tcp_ports), *([(*ports, True)] if self._takes_udp else [])]

    def _clash(self, other: Entry, owner: Construct | None, _entries: Sequence[Entry]) -> str | None:
        """Describe why it cannot be on one load balancer with `other`; None if it can.

        Args:
            other: The route or listener that is there already.
            owner: The service that has `other`; None if it is the same service.
            _entries: All routes and listeners that are there already.
        """
        other = cast("Listener", other)  # a network load balancer has no routes
        shared_ports = sorted(self._load_balancer_ports & other._load_balancer_ports)
        if not shared_ports:
            return None
        return (
            f"listener for {self._description} and that of {describe_service(owner)} for {other._description} clash: "
            f"port {shared_ports[0]} leads to one service, with one protocol; use another port=, or TCP_UDP for both "
            "protocols of one service"
        )

    def _check(self, beside: Sequence[Entry], problems: Problems) -> None:
        """Note why it cannot be on its load balancer, or beside the listeners that are there already.

        Args:
            beside: The other listeners of its service on that load balancer.
            problems: The problems to add to.
        """
        load_balancer = self.load_balancer
        tls = self.protocol is elbv2.Protocol.TLS
        if tls and load_balancer.certificate is None:
            problems.add(
                f"listener for {self._description} has no certificate; give {load_balancer.node.path} a certificate="
            )
        if not tls and load_balancer._requires_tls:
            problems.add(
                f"listener for {self._description} is public, and everyone on the way reads and changes what it "
                "carries unless the tasks themselves encrypt it; use TLS, or say why this is right with "
                f"{load_balancer.node.path}'s without_tls='the reason'"
            )
        if self._takes_udp and load_balancer._dual_stack:
            problems.add(
                f"listener for {self._description} is of a dual-stack load balancer, which sends UDP to targets with "
                "IPv6 alone, and tasks are targets by IPv4; use another NetworkLoadBalancer without ip_address_type"
            )
        if load_balancer._cross_zone and load_balancer._zonal_shift:
            problems.check(load_balancing_limits.ZONAL_SHIFT_PROTOCOL, f"protocol of port {self.port}", self.protocol)
        load_balancer._check(self, beside, problems)

    def _check_task(self, task: Task, problems: Problems) -> None:
        """Note what the tasks that it leads to could not be reached or checked for."""
        if task.network_mode is not NetworkMode.BRIDGE:
            return
        if self._takes_udp:
            problems.add(
                f"listener for {self._description} leads to tasks in bridge mode, where the port that an instance "
                "hands out takes UDP and no check by TCP; use network_mode=NetworkMode.AWSVPC"
            )
        if self.health_port is not None and not is_token(self.health_port):
            problems.add(
                f"listener for {self._description} has health_port={self.health_port}, but in bridge mode only the "
                "instance knows which of its ports leads there; leave it out, or use network_mode=NetworkMode.AWSVPC"
            )

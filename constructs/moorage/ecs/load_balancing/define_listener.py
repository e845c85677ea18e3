"""The target groups, listeners and security group rules of a service's listeners, all in the service's stack."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from moorage.ecs.cdk_values import duration, optional_duration
from moorage.ecs.load_balancing.target import CONSTANT_PORT, Serving, Target, serving_port
from moorage.scope.acknowledgements import acknowledge
from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam
    from constructs import Construct

    from moorage.ecs.load_balancing.listener import Listener

_DESCRIPTION = "Load balancer to tasks"


def define_listener(serving: Serving, listener: Listener, suffix: str, *, udp: bool) -> Target:
    """Define a listener of a Network Load Balancer, and the target groups that the listener forwards to.

    Args:
        serving: The service. If the service has a role, its rollouts shift traffic: there is a second target group, and
            the listener and its test listener forward to both.
        listener: The listener to define.
        suffix: The suffix of the IDs of the alarms.
        udp: Whether to map the port of the container for UDP instead of TCP.
    """
    role, load_balancer_id = serving.role, listener.load_balancer._id
    group_id = f" {listener.load_balancer._replaceable_id}{listener._id_suffix}"
    container, _, port = serving_port(listener, serving.launch.task)
    group = _define_target_group(serving, f"TargetGroup{group_id}", listener)
    alternate = _define_target_group(serving, f"AlternateTargetGroup{group_id}", listener) if role else None
    action = _forward_to_both(group, alternate) if alternate else elbv2.NetworkListenerAction.forward([group])
    number = listener.name or "" if is_token(listener.port) else listener.port
    listeners = [
        _define_network_listener(serving, f"Listener {load_balancer_id} {number}", listener, listener.port, action)
    ]
    if role and listener.test_port is not None:
        test_id = group_id if is_token(listener.test_port) else f" {load_balancer_id} {listener.test_port}"
        listeners.append(
            _define_network_listener(serving, f"TestListener{test_id}", listener, listener.test_port, action)
        )
    target = serving.service.load_balancer_target(
        container_name=container.name,
        container_port=port,
        protocol=ecs.Protocol.UDP if udp else None,
        alternate_target=_alternate_target(group_id, alternate, listeners, role) if alternate and role else None,
    )
    group.add_target(target)
    _allow_clients(serving.scope, listener)
    if serving.launch.has_own_interface:
        _allow_load_balancer(serving, listener, port)
    return Target(listener, suffix, group, alternate, tuple(listeners) if role else ())


def _forward_to_both(
    group: elbv2.NetworkTargetGroup, alternate: elbv2.NetworkTargetGroup
) -> elbv2.NetworkListenerAction:
    return elbv2.NetworkListenerAction.weighted_forward(
        [
            elbv2.NetworkWeightedTargetGroup(target_group=group, weight=100),
            elbv2.NetworkWeightedTargetGroup(target_group=alternate, weight=0),
        ]
    )


def _alternate_target(
    group_id: str, alternate_group: elbv2.NetworkTargetGroup, listeners: Sequence[elbv2.NetworkListener], role: iam.Role
) -> ecs.AlternateTarget:
    production, *test = map(ecs.ListenerRuleConfiguration.network_listener, listeners)
    return ecs.AlternateTarget(
        f"Alternate{group_id}",
        alternate_target_group=alternate_group,
        production_listener=production,
        test_listener=test[0] if test else None,
        role=role,
    )


def _define_network_listener(
    serving: Serving, construct_id: str, listener: Listener, port: int, action: elbv2.NetworkListenerAction
) -> elbv2.NetworkListener:
    load_balancer = listener.load_balancer
    certificate = load_balancer.certificate if listener.protocol is elbv2.Protocol.TLS else None
    return elbv2.NetworkListener(
        serving.scope,
        construct_id,
        load_balancer=load_balancer.load_balancer,
        port=port,
        protocol=listener.protocol,
        certificates=[certificate] if certificate else None,
        ssl_policy=elbv2.SslPolicy.RECOMMENDED_TLS if certificate else None,
        tcp_idle_timeout=optional_duration(listener.idle_timeout),
        default_action=action,
    )


def _define_target_group(serving: Serving, construct_id: str, listener: Listener) -> elbv2.NetworkTargetGroup:
    health, launch = listener.health, serving.launch
    group = elbv2.NetworkTargetGroup(
        serving.scope,
        construct_id,
        vpc=launch.reach.vpc,
        port=CONSTANT_PORT,
        protocol=listener.protocol if listener._takes_udp else elbv2.Protocol.TCP,
        target_type=elbv2.TargetType.IP if launch.has_own_interface else elbv2.TargetType.INSTANCE,
        preserve_client_ip=listener.preserve_client_ip,
        deregistration_delay=duration(listener.deregistration_delay),
        health_check=elbv2.HealthCheck(
            protocol=elbv2.Protocol.HTTP if health.path else elbv2.Protocol.TCP,
            path=health.path,
            port="traffic-port" if listener.health_port is None else str(listener.health_port),
            healthy_http_codes=health.codes,
            interval=duration(health.interval),
            timeout=duration(health.timeout),
            healthy_threshold_count=health.healthy_threshold_count,
            unhealthy_threshold_count=health.unhealthy_threshold_count,
        ),
    )
    if listener.load_balancer._cross_zone and listener.load_balancer._zonal_shift:
        # AWS requires this for every target group (ARC guide; the NLB guide requires nothing else since September 2026)
        group.set_attribute("target_health_state.unhealthy.connection_termination.enabled", "false")
    return group


def _allow_clients(scope: Construct, listener: Listener) -> None:
    """Let clients connect, by rules on the service's own import of the security group.

    CDK numbers the rules for peers that are tokens. On a shared import, removing a service would renumber the rules of
    other services, and CloudFormation would define the same rules again.
    """
    load_balancer = listener.load_balancer
    clients_by_port = [("Clients", load_balancer._clients, listener.port)]
    if listener.test_port is not None:
        clients_by_port.append(("Tests", load_balancer._test_clients, listener.test_port))
    for kind, peers, port in clients_by_port:
        protocol_ports = {"udp": ec2.Port.udp(port)} if listener._takes_udp else {}
        protocol_ports |= {} if listener.protocol is elbv2.Protocol.UDP else {"tcp": ec2.Port.tcp(port)}
        port_text = listener.name or "" if is_token(port) else port
        security_group = ec2.SecurityGroup.from_security_group_id(
            scope,
            f"{kind} {load_balancer._id} {port_text}",
            load_balancer.security_group.security_group_id,
            allow_all_outbound=False,
        )
        acknowledge(
            security_group,
            "alb-public",
            "the user chooses the clients of the load balancer with public= and ingress=",
            rules=[(peer, protocol, port) for peer in peers for protocol in protocol_ports],
            ids=["from *"],
        )
        for peer, protocol_port in itertools.product(peers, protocol_ports.values()):
            security_group.add_ingress_rule(peer, protocol_port, f"{kind} on port {port}")


def _allow_load_balancer(serving: Serving, listener: Listener, port: int) -> None:
    """Let the load balancer reach tasks with their own network interface; `define_routes` does so for instances."""
    load_balancer, stack = listener.load_balancer, serving.stack
    _, security_group = load_balancer._place_in(stack)
    for first_port, last_port, udp in listener._reached_ports((port, port)):
        ports, description = (ec2.Port.udp_range if udp else ec2.Port.tcp_range)(first_port, last_port), _DESCRIPTION
        if serving.given_groups:
            load_balancer._open_to_given(serving.given_groups, stack, ports, description, first_port, last_port, udp)
        else:
            security_group.connections.allow_to(serving.service, ports, description)

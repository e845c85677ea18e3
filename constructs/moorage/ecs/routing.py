"""What a service's routes become: target groups, listener rules and security group rules."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from moorage.ecs.values import duration
from moorage.workload.task import NetworkMode

if TYPE_CHECKING:
    from constructs import Construct

    from moorage.ecs.instances import Instances
    from moorage.ecs.launch import Launch
    from moorage.ecs.route import Route
    from moorage.workload.container import Container
    from moorage.workload.task import Task

_HANDED_OUT = (32768, 65535)
"""The ports of an instance that ECS hands out in bridge mode (botocore PortMapping.hostPort)."""


def define_routes(
    scope: Construct, service: ecs.BaseService, routes: tuple[Route, ...], launch: Launch
) -> tuple[elbv2.ApplicationTargetGroup, ...]:
    """Define target groups, rules and security group rules, all in this stack (see `LoadBalancer.listener_in`)."""
    groups = []
    for index, route in enumerate(routes):
        suffix = f" {route.says}" if index else ""
        container = _serving(route, launch.task)
        group = _target_group(
            scope,
            f"TargetGroup{suffix}",
            route=route,
            container=container,
            launch=launch,
            target=_target(service, container, launch.task),
        )
        elbv2.ApplicationListenerRule(
            scope,
            f"Rule{suffix}",
            listener=route.load_balancer.listener_in(cdk.Stack.of(scope)),
            priority=route.priority,
            conditions=_conditions(route),
            target_groups=[group],
        )
        route.load_balancer.claim(route, scope)
        groups.append(group)
    for route, instances in itertools.product(routes, launch.instances):
        _open(route, instances, launch.task)
    return tuple(groups)


def _target(service: ecs.BaseService, container: Container, task: Task) -> elbv2.IApplicationLoadBalancerTarget:
    if container is next(each for each in task.containers if each.essential):  # what CDK attaches unasked
        return service
    return service.load_balancer_target(container_name=container.name, container_port=container.port)


def _serving(route: Route, task: Task) -> Container:
    """The container that serves a route; `check_routes` has made sure that there is one."""
    return next(each for each in task.containers if each.port and route.container in {None, each.name})


def _conditions(route: Route) -> list[elbv2.ListenerCondition]:
    conditions = [elbv2.ListenerCondition.host_headers(list(route.host))] if route.host else []
    if route.path or not conditions:
        conditions.append(elbv2.ListenerCondition.path_patterns(list(route.path) or ["/*"]))
    return conditions


def _target_group(
    scope: Construct,
    construct_id: str,
    *,
    route: Route,
    container: Container,
    launch: Launch,
    target: elbv2.IApplicationLoadBalancerTarget,
) -> elbv2.ApplicationTargetGroup:
    health = route.health
    return elbv2.ApplicationTargetGroup(
        scope,
        construct_id,
        vpc=launch.reach.vpc,
        port=container.port,
        protocol=elbv2.ApplicationProtocol.HTTP,
        protocol_version=route.protocol_version,
        target_type=elbv2.TargetType.IP if launch.own_interface else elbv2.TargetType.INSTANCE,
        targets=[target],
        deregistration_delay=duration(route.deregistration_delay),
        health_check=elbv2.HealthCheck(
            path=health.path or ("/AWS.ALB/healthcheck" if route.grpc else "/"),
            port="traffic-port",
            healthy_http_codes=None if route.grpc else health.codes or "200",
            healthy_grpc_codes=(health.codes or "12") if route.grpc else None,
            interval=duration(health.interval),
            timeout=duration(health.timeout),
            healthy_threshold_count=health.healthy,
            unhealthy_threshold_count=health.unhealthy,
        ),
    )


def _open(route: Route, instances: Instances, task: Task) -> None:
    """Let a route's load balancer reach the ports of the instances that lead to the container."""
    container = _serving(route, task)
    port = container.port if task.network_mode is NetworkMode.HOST else container.host_port
    route.load_balancer.open_to(instances.security_group, *((port, port) if port else _HANDED_OUT))

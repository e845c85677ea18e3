"""What a service's routes become: target groups, listener rules and security group rules."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam

from moorage.ecs.cdk_values import duration, ecs_principal
from moorage.ecs.load_balancing.route import Route
from moorage.ecs.load_balancing.target import Target, serving_container
from moorage.workload.task import NetworkMode

if TYPE_CHECKING:
    import aws_cdk as cdk
    from aws_cdk import aws_ec2 as ec2
    from constructs import Construct

    from moorage.ecs.load_balancing.listener import Listener
    from moorage.ecs.task.task_launch import Launch
    from moorage.workload.task import Task

EPHEMERAL_PORTS = (32768, 65535)
"""The ports of an instance that ECS hands out in bridge mode (botocore PortMapping.hostPort)."""


def define_routes(
    scope: Construct,
    service: ecs.BaseService,
    routes: tuple[Route | Listener, ...],
    launch: Launch,
    stack: cdk.Stack,
    *,
    shifts: bool,
) -> tuple[Target, ...]:
    """Define target groups, rules and security group rules, all in this stack (see `SharedLoadBalancer`).

    Args:
        scope: The scope in which to define them.
        service: The service whose tasks become targets.
        routes: The routes and listeners that lead to it.
        launch: The task, its capacity and its place in the network.
        stack: The stack of `scope`.
        shifts: Whether rollouts shift traffic: each route then has a second target group, a rule of the load
            balancer's test listener, and a role with which ECS turns both rules.
    """
    role = iam.Role(scope, "InfrastructureRole", assumed_by=ecs_principal()) if shifts and routes else None
    targets = []
    for index, route in enumerate(routes):
        suffix = f" {route._description}" if index else ""
        if not isinstance(route, Route):
            from moorage.ecs.load_balancing.define_listener import define_listener  # noqa: PLC0415  # needed only by listeners

            targets.append(define_listener(scope, service, route, suffix, launch, role, stack))
        elif role:
            targets.append(_define_shifting_target(scope, service, route, suffix, launch, role, stack))
        else:
            targets.append(
                _define_rolling_target(scope, service, route, suffix, launch, route.load_balancer._listener_in(stack))
            )
        route.load_balancer._claim(route, scope)
    for route, security_group in itertools.product(routes, launch.instance_security_groups()):
        _allow_load_balancer(route, security_group, launch.task)
    if role:
        _grant_traffic_shift(scope, service, role, targets)
    return tuple(targets)


def _define_rolling_target(
    scope: Construct,
    service: ecs.BaseService,
    route: Route,
    suffix: str,
    launch: Launch,
    listener: elbv2.IApplicationListener,
) -> Target:
    container = serving_container(route, launch.task)
    essential = next(each for each in launch.task.containers if each.essential)
    target = (
        service  # attaches its first essential container unasked, for a message to node less
        if container is essential
        else service.load_balancer_target(container_name=container.name, container_port=container.port)
    )
    group = _target_group(scope, f"TargetGroup{suffix}", route, launch, [target])
    elbv2.ApplicationListenerRule(
        scope,
        f"Rule{suffix}",
        listener=listener,
        priority=route.priority,
        conditions=_conditions(route),
        target_groups=[group],
    )
    return Target(route, suffix, group)


def _define_shifting_target(
    scope: Construct,
    service: ecs.BaseService,
    route: Route,
    suffix: str,
    launch: Launch,
    role: iam.Role,
    stack: cdk.Stack,
) -> Target:
    load_balancer = route.load_balancer
    container = serving_container(route, launch.task)
    group = _target_group(scope, f"TargetGroup{suffix}", route, launch)
    alternate = _target_group(scope, f"AlternateTargetGroup{suffix}", route, launch)
    forward_to_both = elbv2.ListenerAction.weighted_forward(
        [
            elbv2.WeightedTargetGroup(target_group=group, weight=100),
            elbv2.WeightedTargetGroup(target_group=alternate, weight=0),
        ]
    )
    conditions = _conditions(route)
    listeners = (("Rule", load_balancer._listener_in(stack)), ("TestRule", load_balancer._test_listener_in(stack)))
    rule, *test = (
        elbv2.ApplicationListenerRule(
            scope,
            f"{name}{suffix}",
            listener=listener,
            priority=route.priority,
            conditions=conditions,
            action=forward_to_both,
        )
        for name, listener in listeners
        if listener
    )
    rule_configuration = ecs.ListenerRuleConfiguration.application_listener_rule
    target = service.load_balancer_target(
        container_name=container.name,
        container_port=container.port,
        alternate_target=ecs.AlternateTarget(
            f"Alternate{suffix}",
            alternate_target_group=alternate,
            production_listener=rule_configuration(rule),
            test_listener=rule_configuration(test[0]) if test else None,
            role=role,
        ),
    )
    group.add_target(target)
    return Target(route, suffix, group, alternate, (rule, *test))


def _grant_traffic_shift(scope: Construct, service: ecs.BaseService, role: iam.Role, targets: Sequence[Target]) -> None:
    """Let ECS turn this service's rules and listeners, and no others as far as they can be named.

    In place of AWS's managed policy, which lets it turn every one of the account (ECS developer guide, "Amazon ECS
    infrastructure IAM role for load balancers").
    """
    rules = [rule for target in targets for rule in target.rules]
    rule_arns = [each.listener_rule_arn for each in rules if isinstance(each, elbv2.ApplicationListenerRule)]
    listener_arns = [each.listener_arn for each in rules if isinstance(each, elbv2.NetworkListener)]
    group_arns = [group.target_group_arn for target in targets for group in target.groups]
    rule_actions = ["ModifyRule"] * bool(rule_arns) + ["ModifyListener"] * bool(listener_arns)
    shift_statement = _load_balancing_statement(
        [*rule_actions, "RegisterTargets", "DeregisterTargets"], [*rule_arns, *listener_arns, *group_arns]
    )
    read_statement = _load_balancing_statement(
        ["DescribeListeners", "DescribeRules", "DescribeTargetGroups", "DescribeTargetHealth"], ["*"]
    )
    policy = iam.Policy(scope, "InfrastructurePolicy", roles=[role], statements=[shift_statement, read_statement])
    service.node.add_dependency(policy)


def _load_balancing_statement(actions: Sequence[str], resources: Sequence[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=[f"elasticloadbalancing:{each}" for each in actions], resources=resources)


def _conditions(route: Route) -> list[elbv2.ListenerCondition]:
    conditions = [elbv2.ListenerCondition.host_headers(list(route.host))] if route.host else []
    if route.path or not conditions:
        conditions.append(elbv2.ListenerCondition.path_patterns(list(route.path) or ["/*"]))
    return conditions


def _target_group(
    scope: Construct,
    construct_id: str,
    route: Route,
    launch: Launch,
    targets: list[elbv2.IApplicationLoadBalancerTarget] | None = None,
) -> elbv2.ApplicationTargetGroup:
    health = route.health
    return elbv2.ApplicationTargetGroup(
        scope,
        construct_id,
        vpc=launch.reach.vpc,
        port=serving_container(route, launch.task).port,
        protocol=elbv2.ApplicationProtocol.HTTP,
        protocol_version=route.protocol_version,
        target_type=elbv2.TargetType.IP if launch.has_own_interface else elbv2.TargetType.INSTANCE,
        targets=targets,
        deregistration_delay=duration(route.deregistration_delay),
        health_check=elbv2.HealthCheck(
            path=health.path or ("/AWS.ALB/healthcheck" if route._is_grpc else "/"),
            port="traffic-port",
            healthy_http_codes=None if route._is_grpc else health.codes or "200",
            healthy_grpc_codes=(health.codes or "12") if route._is_grpc else None,
            interval=duration(health.interval),
            timeout=duration(health.timeout),
            healthy_threshold_count=health.healthy_threshold_count,
            unhealthy_threshold_count=health.unhealthy_threshold_count,
        ),
    )


def _allow_load_balancer(route: Route | Listener, instances: ec2.ISecurityGroup, task: Task) -> None:
    """Let a load balancer reach the ports of the instances that lead to the container."""
    container = serving_container(route, task)
    port = container.port if task.network_mode is NetworkMode.HOST else container.host_port
    for first_port, last_port, udp in route._reached_ports((port, port) if port else EPHEMERAL_PORTS):
        route.load_balancer._open_to(instances, first_port, last_port, udp=udp)

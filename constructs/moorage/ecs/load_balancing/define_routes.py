"""The target groups, listener rules and security group rules of a service's routes."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam

from moorage.ecs.cdk_values import duration, number_text, tcp
from moorage.ecs.load_balancing.route import Route
from moorage.ecs.load_balancing.target import CONSTANT_PORT, Serving, Target, serving_port
from moorage.scope.acknowledgements import POLICY_OF_ONE_ROLE, acknowledge
from moorage.workload.ports import find_port
from moorage.workload.problems import is_token
from moorage.workload.task import NetworkMode

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2

    from moorage.ecs.load_balancing.listener import Listener
    from moorage.ecs.load_balancing.route_conditions import Condition
    from moorage.workload.task import Task

EPHEMERAL_PORTS = (32768, 65535)
"""The ports of an instance that ECS assigns in bridge mode (botocore PortMapping.hostPort)."""
_STICKINESS_SECONDS = 86_400
"""AWS's default duration of sticky sessions (botocore TargetGroupAttribute)."""
_READ_ACTIONS = tuple(
    f"elasticloadbalancing:Describe{each}" for each in ("Listeners", "Rules", "TargetGroups", "TargetHealth")
)


def define_routes(
    serving: Serving, routes: tuple[Route | Listener, ...], udp_ports: Collection[tuple[str, int]]
) -> tuple[Target, ...]:
    """Define target groups, listener rules and security group rules in the service's stack (see `SharedLoadBalancer`).

    Only the security group rules for instances are in the load balancer's stack, since services share instances. IDs
    follow from the conditions of each route, so that CloudFormation never creates a resource that exists under another
    ID. The ID of a rule follows from its priority, and the ID of a listener from its port. A priority and a port exist
    only once on a load balancer. The ID of a target group follows from a path, a port or a name. Routes with the same
    shortest path share a target group, unless rollouts shift traffic, since ECS changes one rule for each pair of
    target groups.

    Args:
        serving: The service. If the service has a `role`, its rollouts shift traffic: each route has a second target
            group, and a rule on the load balancer's test listener if there is one.
        routes: The routes and listeners of the service.
        udp_ports: The ports that are mapped for UDP, each with the name of its container.
    """
    launch = serving.launch
    targets: dict[str, Target] = {}
    suffixes = [route._id_suffix for route in {_group_id(route): route for route in routes}.values()]
    for route in sorted(routes, key=_group_id):
        group_id = _group_id(route)
        suffix = route._id_suffix if suffixes.count(route._id_suffix) == 1 else group_id
        if not isinstance(route, Route):
            from moorage.ecs.load_balancing.define_listener import define_listener  # noqa: PLC0415  # needed only by listeners

            port = serving_port(route, launch.task)
            udp = (port.container.name, port.number) in udp_ports
            targets[group_id] = define_listener(serving, route, suffix, udp=udp)
        elif serving.role:
            targets[group_id] = _define_shifting_target(serving, route, suffix, serving.role)
        else:
            if group_id not in targets:
                targets[group_id] = _define_rolling_target(serving, route, suffix)
            listener = route.load_balancer._listener_in(
                serving.stack, route._further_port, opens=not serving.given_groups
            )
            _define_rules(serving, route, {_rule_kind(route): listener}, target_groups=[targets[group_id].group])
        if isinstance(route, Route) and launch.has_own_interface:
            _open_ports(serving, route)
        route.load_balancer._claim(route, serving.scope)
    for route, security_group in itertools.product(routes, launch.instance_security_groups()):
        _allow_load_balancer(route, security_group, launch.task)
    if serving.role:
        _grant_traffic_shift(serving, serving.role, list(targets.values()))
    return tuple({group_id: targets[group_id] for group_id in map(_group_id, routes)}.values())


def _open_ports(serving: Serving, route: Route) -> None:
    """Let the load balancer reach tasks with their own network interface, as far as CDK does not."""
    number = serving_port(route, serving.launch.task).number
    for first_port, last_port, _ in route._reached_ports((number, number)):
        description = "Load balancer to target"  # CDK's own
        if serving.given_groups:
            route.load_balancer._open_to_given(
                serving.given_groups, serving.stack, tcp(first_port), description, first_port
            )
        elif first_port != number:
            _, security_group = route.load_balancer._place_in(serving.stack)
            security_group.connections.allow_to(serving.service, tcp(last_port), description)


def _group_id(route: Route | Listener) -> str:
    """Return the part of target group IDs that follows from the load balancer and the route."""
    return f" {route.load_balancer._replaceable_id}{route._id_suffix}"


def _define_rolling_target(serving: Serving, route: Route, suffix: str) -> Target:
    port = serving_port(route, serving.launch.task)
    essential = next(each for each in serving.launch.task.containers if each.essential)
    target = (
        serving.service  # CDK attaches this port by default, which saves a round trip to Node.js
        if find_port([essential], None, None) == port
        else serving.service.load_balancer_target(container_name=port.container.name, container_port=port.number)
    )
    return Target(route, suffix, _target_group(serving, f"TargetGroup{_group_id(route)}", route, [target]))


def _define_shifting_target(serving: Serving, route: Route, suffix: str, role: iam.Role) -> Target:
    load_balancer, group_id, opens = route.load_balancer, _group_id(route), not serving.given_groups
    port = serving_port(route, serving.launch.task)
    group = _target_group(serving, f"TargetGroup{group_id}", route)
    alternate = _target_group(serving, f"AlternateTargetGroup{group_id}", route)
    forward_to_both = elbv2.ListenerAction.weighted_forward(
        [
            elbv2.WeightedTargetGroup(target_group=group, weight=100),
            elbv2.WeightedTargetGroup(target_group=alternate, weight=0),
        ]
    )
    listeners: dict[str, elbv2.IApplicationListener | None] = {
        _rule_kind(route): load_balancer._listener_in(serving.stack, route._further_port, opens=opens),
        "TestRule": load_balancer._test_listener_in(serving.stack, opens=opens),
    }
    rule, *test = _define_rules(serving, route, listeners, action=forward_to_both)
    if test:
        load_balancer._test_entries.append((route, serving.scope))
    rule_configuration = ecs.ListenerRuleConfiguration.application_listener_rule
    target = serving.service.load_balancer_target(
        container_name=port.container.name,
        container_port=port.number,
        alternate_target=ecs.AlternateTarget(
            f"Alternate{group_id}",
            alternate_target_group=alternate,
            production_listener=rule_configuration(rule),
            test_listener=rule_configuration(*test) if test else None,
            role=role,
        ),
    )
    group.add_target(target)
    return Target(route, suffix, group, alternate, (rule, *test))


def _rule_kind(route: Route) -> str:
    """Return the beginning of the ID of a rule. A priority can be used once on each listener."""
    return f"Rule{route._further_port or ''}"


def _define_rules(
    serving: Serving, route: Route, listeners: Mapping[str, elbv2.IApplicationListener | None], **forward: Any
) -> list[elbv2.ApplicationListenerRule]:
    """Define a rule on each given listener. The ID of the rule begins with the key of the listener in `listeners`."""
    number = (route.name or "") if is_token(route.priority) else route.priority
    conditions = rule_conditions(route)
    return [
        elbv2.ApplicationListenerRule(
            serving.scope,
            f"{kind} {route.load_balancer._id} {number}",
            listener=listener,
            priority=route.priority,
            conditions=conditions,
            **forward,
        )
        for kind, listener in listeners.items()
        if listener
    ]


def _grant_traffic_shift(serving: Serving, role: iam.Role, targets: Sequence[Target]) -> None:
    """Let ECS change only the rules and listeners of this service, as far as IAM can name them.

    AWS's managed policy would let ECS change all rules and listeners of the account (ECS developer guide, "Amazon ECS
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
    read_statement = iam.PolicyStatement(actions=list(_READ_ACTIONS), resources=["*"])
    statements = [shift_statement, read_statement]
    policy = iam.Policy(serving.scope, "InfrastructurePolicy", roles=[role], statements=statements)
    acknowledge(policy, *POLICY_OF_ONE_ROLE)
    acknowledge(policy, "iam-wildcard", "these actions of ELB cannot be limited to a resource", actions=_READ_ACTIONS)
    serving.service.node.add_dependency(policy)


def _load_balancing_statement(actions: Sequence[str], resources: Sequence[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=[f"elasticloadbalancing:{each}" for each in actions], resources=resources)


def rule_conditions(route: Route) -> list[elbv2.ListenerCondition]:
    """Return the conditions of the listener rule of a route."""
    conditions = [elbv2.ListenerCondition.host_headers(list(route._hosts))] if route._hosts else []
    conditions += [_further_condition(each) for each in route._conditions]
    if route._paths or not conditions:
        conditions.append(elbv2.ListenerCondition.path_patterns(list(route._paths) or ["/*"]))
    return conditions


def _further_condition(condition: Condition) -> elbv2.ListenerCondition:
    values = list(condition.values)
    match condition.argument:
        case "http_header":
            return elbv2.ListenerCondition.http_header(condition.name, values)
        case "http_request_method":
            return elbv2.ListenerCondition.http_request_methods(values)
        case "query_string":
            pairs = [elbv2.QueryStringCondition(key=condition.name, value=value) for value in values]
            return elbv2.ListenerCondition.query_strings(pairs)
        case _:
            return elbv2.ListenerCondition.source_ips(values)


def _target_group(
    serving: Serving,
    construct_id: str,
    route: Route,
    targets: list[elbv2.IApplicationLoadBalancerTarget] | None = None,
) -> elbv2.ApplicationTargetGroup:
    health = route.health
    return elbv2.ApplicationTargetGroup(
        serving.scope,
        construct_id,
        vpc=serving.launch.reach.vpc,
        port=CONSTANT_PORT,
        protocol=route.protocol,
        protocol_version=route.protocol_version,
        target_type=elbv2.TargetType.IP if serving.launch.has_own_interface else elbv2.TargetType.INSTANCE,
        targets=targets,
        deregistration_delay=duration(route.deregistration_delay),
        stickiness_cookie_duration=duration(_stickiness_seconds(route)) if route._is_sticky else None,
        stickiness_cookie_name=route.stickiness_cookie_name,
        health_check=elbv2.HealthCheck(
            path=health.path or ("/AWS.ALB/healthcheck" if route._is_grpc else "/"),
            port="traffic-port" if route.health_port is None else number_text(route.health_port),
            protocol=elbv2.Protocol.HTTPS if route.protocol is elbv2.ApplicationProtocol.HTTPS else None,
            healthy_http_codes=None if route._is_grpc else health.codes or "200",
            healthy_grpc_codes=(health.codes or "12") if route._is_grpc else None,
            interval=duration(health.interval),
            timeout=duration(health.timeout),
            healthy_threshold_count=health.healthy_threshold_count,
            unhealthy_threshold_count=health.unhealthy_threshold_count,
        ),
    )


def _stickiness_seconds(route: Route) -> int:
    given = route.stickiness_cookie_duration
    return _STICKINESS_SECONDS if given is None else given


def _allow_load_balancer(route: Route | Listener, instances: ec2.ISecurityGroup, task: Task) -> None:
    """Let a load balancer reach the instance ports that are mapped to the container, and the ports of health checks."""
    container, _, number = serving_port(route, task)
    host_port = container.host_port if number == container.port else None
    port = number if task.network_mode is NetworkMode.HOST else host_port
    for first_port, last_port, udp in route._reached_ports((port, port) if port else EPHEMERAL_PORTS):
        route.load_balancer._open_to(instances, first_port, last_port, udp=udp)

"""Checks of all routes and listeners of a service together."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING

from moorage.ecs.load_balancing.route import Route
from moorage.ecs.load_balancing.target import ports_by_protocol, serving_port
from moorage.ecs.load_balancing.usage import Usage
from moorage.ecs.load_balancing.zone_checks import check_zones
from moorage.scope.claimed_names import exists
from moorage.scope.place import are_different_vpcs
from moorage.workload import route_limits
from moorage.workload.ports import choices, find_port, missing_port, ports_of
from moorage.workload.problems import is_token
from moorage.workload.task import NetworkMode

if TYPE_CHECKING:
    from constructs import Construct

    from moorage.ecs.load_balancing.listener import Listener
    from moorage.ecs.load_balancing.shared_load_balancer import Entry, SharedLoadBalancer
    from moorage.ecs.task.task_launch import Launch
    from moorage.workload.limit import Limit
    from moorage.workload.ports import ContainerPort
    from moorage.workload.problems import Problems
    from moorage.workload.rollout import Rollout
    from moorage.workload.task import Task

SPOT_NOTICE_SECONDS = 120
"""The warning time before AWS interrupts a Spot task (ECS developer guide, Fargate capacity providers)."""


def check_routes(routes: tuple[Route | Listener, ...], launch: Launch, problems: Problems, *, shifts: bool) -> None:
    """Check that routes have a port and constant IDs, do not clash, and are in the VPC and zones of the tasks.

    Args:
        routes: The routes and listeners of the service.
        launch: The task with its capacity and network.
        problems: The problems to add to.
        shifts: True if rollouts shift traffic.
    """
    problems.check(route_limits.ROUTES, "the number of routes", len(routes))
    for index, route in enumerate(routes):
        _check_target(route, launch.task, problems)
        _check_health_port(route, launch.task, problems)
        if not isinstance(route, Route):
            route._check_task(launch.task, problems)
        elif shifts and route._is_sticky:
            problems.add(
                f"route for {route._description} must not have sticky sessions if rollouts shift traffic, since a "
                "client would keep the target group whose tasks ECS stops; use Rollout.rolling(), or leave "
                "stickiness_cookie_duration= and stickiness_cookie_name= out"
            )
        route._check([each for each in routes[:index] if each.load_balancer is route.load_balancer], problems)
        if shifts and isinstance(route, Route):
            _check_test_rule(route, routes[:index], problems)
        if are_different_vpcs(route.load_balancer.vpc, launch.reach.vpc):
            problems.add(
                f"{route._noun} for {route._description} must be on a load balancer in the VPC of the cluster (got "
                f"{route.load_balancer.node.path} in another VPC), since requests would not reach the tasks otherwise; "
                "use a load balancer with the vpc= of the cluster"
            )
    check_zones(routes, launch, problems)
    _check_ports(routes, launch.task, problems)
    _check_identities(routes, launch.task, problems, shifts=shifts)


def _check_test_rule(route: Route, beside: Iterable[Route | Listener], problems: Problems) -> None:
    """Check that a route does not clash with routes of other listeners on the test listener that all of them share."""
    entries = route.load_balancer._test_entries
    if not route.load_balancer._has_test_listener:
        return
    owned: list[tuple[Entry, Construct | None]] = [*entries, *((each, None) for each in beside)]
    others = [
        (each, owner)
        for each, owner in owned
        if isinstance(each, Route) and each.load_balancer._test_entries is entries
    ]
    for other, owner in others:
        if other._listener_key != route._listener_key and (owner is None or exists(owner)):
            clash = route._clash_on_one_listener(other, owner, [each for each, _ in others])
            if clash:
                problems.add(
                    f"on the test listener, which all routes share whose rollouts shift traffic, {clash}, or use "
                    "Rollout.rolling() for one of the services"
                )


def _check_identities(routes: tuple[Route | Listener, ...], task: Task, problems: Problems, *, shifts: bool) -> None:
    """Check that each route has an ID that stays the same at the next deployment."""
    names = [route.name for route in routes if route.name is not None]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.add(
            f"name of each route must be unique (got {name!r} more than once); use another name= for one of the routes"
        )
    routes_by_id: dict[tuple[object, str], Route | Listener] = {}
    for route in routes:
        if len(routes) > 1 and route.name is None and not route._is_known:
            problems.add(
                f"{route._noun} for {route._description} is known only at deployment, so moorage cannot derive a "
                f"unique ID for its target group; give this {route._noun} a name="
            )
            continue
        other = routes_by_id.setdefault((route.load_balancer, route._id_suffix), route)
        if other is not route and isinstance(route, Route) and isinstance(other, Route):
            _check_shared_group(other, route, task, problems, shifts=shifts)


def _check_shared_group(other: Route, route: Route, task: Task, problems: Problems, *, shifts: bool) -> None:
    """Check that two routes whose target groups have the same ID can share a target group."""
    ports = [find_port(task.containers, each.container, each.container_port) for each in (other, route)]
    if ports[0] and ports[1] and ports[0] != ports[1]:
        reason = _different_ports(ports[0], ports[1])
        way_out = "give one route a name="
    elif route._target_settings != other._target_settings:
        reason = "differ in their health, protocol, stickiness or deregistration_delay"
        way_out = "give one route a name=, or use the same settings for both"
    elif shifts:
        reason = "have two rules, and ECS changes only one rule for each pair of target groups"
        way_out = "give one route a name="
        if route._further_port == other._further_port:
            way_out = f"use one Route with the hosts and paths of both, or {way_out}"
    else:
        return
    kind = "path" if route._paths else "container" if route.container_port is None else "container and port"
    shared = f"the {kind} {route._id_suffix.strip()!r}" if route._id_suffix else "the load balancer"
    problems.add(
        f"routes for {other._description} and for {route._description} {reason}, so they cannot share the target group "
        f"whose ID follows from {shared}, not from hosts; {way_out}"
    )


def _different_ports(first: ContainerPort, second: ContainerPort) -> str:
    if first.container is not second.container:
        return f"lead to containers {first.container.name!r} and {second.container.name!r}"
    return f"lead to ports {first.number} and {second.number} of container {first.container.name!r}"


def _check_health_port(route: Route | Listener, task: Task, problems: Problems) -> None:
    """Check that the load balancer can reach the port of the health checks."""
    if task.network_mode is NetworkMode.BRIDGE and route.health_port is not None and not is_token(route.health_port):
        problems.add(
            f"{route._noun} for {route._description} must not have a health_port in bridge mode (got "
            f"{route.health_port}), in which ECS assigns the host port of each container port; leave health_port= "
            "out, or use network_mode=NetworkMode.AWSVPC"
        )


def _check_ports(routes: tuple[Route | Listener, ...], task: Task, problems: Problems) -> None:
    """Check that no two routes reach one of several ports of a container without saying so.

    A user who gives a container several ports and a service several routes most likely wants to reach several ports.
    """
    for index, route in enumerate(routes):
        port = find_port(task.containers, route.container, route.container_port)
        own_ports = [each for each in ports_of(task.containers) if port and each.container is port.container]
        if port is None or len(own_ports) == 1:
            continue
        for other in routes[:index]:
            is_chosen = route.container_port is not None and other.container_port is not None
            if not is_chosen and find_port(task.containers, other.container, other.container_port) == port:
                problems.add(
                    f"{other._noun} for {other._description} and {route._noun} for {route._description} reach the same "
                    f"port {port.number} of container {port.container.name!r}, which has several ports; give both "
                    f"container_port=, one of {choices(own_ports)}"
                )


def _check_target(route: Route | Listener, task: Task, problems: Problems) -> None:
    if not ports_of(task.containers):
        problems.add(
            f"{route._noun} for {route._description} requires a container with a port, and no container of the task "
            "has a port; use Container(..., port=...)"
        )
        return
    owner = f"the {route._noun} for {route._description}"
    if problem := missing_port(task.containers, route.container, route.container_port, owner):
        problems.add(problem)


def udp_beside_tcp_warning(
    routes: tuple[Route | Listener, ...], task: Task, udp_only: set[tuple[str, int]]
) -> str | None:
    """Return a warning about a container whose port serves UDP and TCP, or None. A port can have only one mapping."""
    both = sorted(ports_by_protocol(routes, task, "UDP") - udp_only)
    if not both:
        return None
    return (
        f"container {both[0][0]!r} serves UDP and TCP on one port, but ECS refuses services with two mappings of a "
        "container port, so moorage maps the port for TCP; test that UDP arrives, which AWS does not document, or use "
        "a container with its own port for UDP"
    )


def usages_of(
    routes: Iterable[Route | Listener], launch: Launch, rollout: Rollout, copies: int | None
) -> dict[SharedLoadBalancer, Usage]:
    """Return the part of each load balancer's quotas that a service uses.

    Args:
        routes: The routes and listeners of the service, each with a port that serves it.
        launch: The task with its capacity and network.
        rollout: The rollout, which determines how many tasks run at once.
        copies: The largest number of copies, if it is known.
    """
    shifts = rollout._shifts_traffic
    percent = 200 if shifts or is_token(rollout.maximum_percent) else rollout.maximum_percent
    most_tasks = 0 if copies is None or is_token(copies) else copies * percent // 100
    usages: dict[SharedLoadBalancer, Usage] = {}
    groups: set[Hashable] = set()
    own_group = object()
    for route in routes:
        load_balancer = route.load_balancer
        group = (load_balancer, route._id_suffix)
        new_groups = int(group not in groups)
        groups.add(group)
        port = serving_port(route, launch.task).number
        task_groups: list[Hashable] = [own_group if launch.has_own_interface else id(launch.cluster_view)]
        if launch.has_own_interface and launch.security_groups:
            task_groups = [each.security_group_id for each in launch.security_groups]
        usage = Usage(
            target_groups=new_groups * (1 + shifts),
            targets=new_groups * most_tasks,
            rules=route._number_of_rules(shifts=shifts) if isinstance(route, Route) else 0,
            listeners=0 if isinstance(route, Route) else len(route._load_balancer_ports),
            ingress=0 if isinstance(route, Route) else route._number_of_client_rules,
            egress=frozenset((each, ports) for each in task_groups for ports in route._reached_ports((port, port))),
        )
        usages[load_balancer] = usages.get(load_balancer, Usage()) + usage
    return usages


def check_usage(load_balancer: SharedLoadBalancer, usage: Usage, launch: Launch, problems: Problems) -> None:
    """Check the quotas of a load balancer for a service together with the existing services.

    A quota that AWS can raise gives one warning, for the first service that exceeds it. Asking whether the earlier
    services still exist costs a round trip to Node.js for each of them.

    Args:
        load_balancer: The load balancer to check.
        usage: The part of the quotas that the service uses.
        launch: The task with its capacity and network.
        problems: The problems to add to.
    """
    if not _broken_quotas(load_balancer, sum(load_balancer._used, usage), launch):
        return
    total = sum(load_balancer._used_by_those_that_exist(), usage)
    for row, noun, count in _broken_quotas(load_balancer, total, launch):
        problems.check(row, f"the number of {noun} of {load_balancer.node.path}", count)
        if not row.confirmed:
            load_balancer._warned_quotas.add(row.id)


def _broken_quotas(load_balancer: SharedLoadBalancer, usage: Usage, launch: Launch) -> list[tuple[Limit, str, int]]:
    rows = [
        *load_balancer._quotas(usage, launch),
        (route_limits.GROUP_RULES, "outbound security group rules", len(usage.egress)),
    ]
    return [each for each in rows if each[0].id not in load_balancer._warned_quotas and not each[0].accepts(each[2])]


def slow_drain_warning(routes: Iterable[Route | Listener], launch: Launch) -> str | None:
    """Return a warning about targets that are deregistered more slowly than AWS interrupts a Spot task, or None."""
    spot_names = [each.name for each in launch.strategy._used_capacities if each._is_spot]
    delays = [route.deregistration_delay for route in routes if not is_token(route.deregistration_delay)]
    slow_delays = [delay for delay in delays if delay >= SPOT_NOTICE_SECONDS]
    if not spot_names or not slow_delays:
        return None
    longest_delay = max(slow_delays)
    return (
        f"deregistration_delay is {longest_delay} s, but AWS interrupts a task on {spot_names[0]!r} with a notice of "
        f"{SPOT_NOTICE_SECONDS} s, so the load balancer would send requests to tasks that no longer run; "
        f"use less than {SPOT_NOTICE_SECONDS} s"
    )

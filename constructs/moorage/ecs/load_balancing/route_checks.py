"""The checks of all routes and listeners of one service together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moorage.ecs.load_balancing.route import Route
from moorage.ecs.load_balancing.target import containers_by_protocol
from moorage.scope.place import are_different_vpcs
from moorage.workload import route_limits

if TYPE_CHECKING:
    from moorage.ecs.load_balancing.listener import Listener
    from moorage.ecs.task.task_launch import Launch
    from moorage.workload.problems import Problems
    from moorage.workload.task import Task


def check_routes(routes: tuple[Route | Listener, ...], launch: Launch, problems: Problems, *, shifts: bool) -> None:
    """Note routes that lead nowhere, that clash, or whose load balancer is in another VPC.

    Args:
        routes: The routes and listeners of the service.
        launch: The task, its capacity and its place in the network.
        problems: The problems to add to.
        shifts: Whether rollouts shift traffic.
    """
    problems.check(route_limits.ROUTES, "the number of routes", len(routes))
    for index, route in enumerate(routes):
        _check_target(route, launch.task, problems)
        if not isinstance(route, Route):
            route._check_task(launch.task, problems)
        route._check([each for each in routes[:index] if each.load_balancer is route.load_balancer], problems)
        if are_different_vpcs(route.load_balancer.vpc, launch.reach.vpc):
            problems.add(
                f"{route._noun} for {route._description} is of {route.load_balancer.node.path}, which stands in "
                "another VPC than the cluster, so no request would arrive; use a load balancer with the vpc= of "
                "the cluster"
            )
    _check_identities(routes, problems, shifts=shifts)


def _check_identities(routes: tuple[Route | Listener, ...], problems: Problems, *, shifts: bool) -> None:
    """Note routes that nothing tells apart that stays the same at the next deployment."""
    names = [route.name for route in routes if route.name is not None]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.add(f"name of each route must differ (got {name!r} more than once); give each its own name=")
    routes_by_id: dict[tuple[object, str], Route | Listener] = {}
    for route in routes:
        if len(routes) > 1 and route.name is None and not route._is_known:
            problems.add(
                f"{route._noun} for {route._description} is known only at deployment, and it is not the only route, so "
                "nothing tells it from the others in the template; give it a name="
            )
            continue
        other = routes_by_id.setdefault((route.load_balancer, route._id_suffix), route)
        if other is route or not isinstance(route, Route) or not isinstance(other, Route):
            continue
        if shifts or other._target_settings != route._target_settings:
            problems.add(
                f"routes for {other._description} and for {route._description} differ only by host, which is not in "
                "the ids of target groups, so that a change of host replaces none; use one Route with both hosts, or "
                "give one of them a name="
            )


def _check_target(route: Route | Listener, task: Task, problems: Problems) -> None:
    serving = [each.name for each in task.containers if each.port]
    if not serving:
        problems.add(
            f"{route._noun} for {route._description} needs a container with a port, and the task has none; "
            "use Container(..., port=...)"
        )
    elif route.container not in {None, *serving}:
        problems.add(
            f"{route._noun} for {route._description} names container {route.container!r}, but those with a port "
            f"are {', '.join(map(repr, serving))}; use one of them"
        )


def udp_beside_tcp_warning(routes: tuple[Route | Listener, ...], task: Task, udp_only: set[str]) -> str | None:
    """Describe a container whose port takes UDP and TCP, which has one port mapping."""
    both = sorted(containers_by_protocol(routes, task, "UDP") - udp_only)
    if not both:
        return None
    return (
        f"container {both[0]!r} takes UDP and TCP on one port, but ECS takes no service whose container port is mapped "
        "twice, so it is mapped for TCP; no page of AWS's shows that UDP arrives then, so try it first, or use a "
        "container with a port of its own for UDP"
    )

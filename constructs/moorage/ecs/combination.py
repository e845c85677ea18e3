"""What a service's parts cannot do together; each function notes all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from moorage.ecs.capacity import Kind
from moorage.ecs.cluster import Cluster
from moorage.ecs.placement import Placement
from moorage.ecs.route import Route, clash_of
from moorage.workload import limits
from moorage.workload.task import NetworkMode

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_ecs as ecs

    from moorage.ecs.strategy import Strategy
    from moorage.workload.faults import Faults
    from moorage.workload.scaling import Scaling
    from moorage.workload.task import Task

SPREAD = Placement()
DEFAULT_EGRESS = (443,)


def check_task(task: Task, strategy: Strategy, *, assign_public_ip: bool, faults: Faults) -> None:
    """Note what this kind of capacity cannot run, or give."""
    if assign_public_ip and strategy.kind is not Kind.FARGATE:
        faults.add(
            "assign_public_ip=True, but only Fargate gives a task a public address; "
            "leave it out and use a load balancer, or run on Fargate"
        )
    if strategy.kind is Kind.FARGATE:
        task.check_fargate(faults, spot=any(each.name == "FARGATE_SPOT" for each in strategy.weights))
    elif strategy.kind is Kind.MANAGED_INSTANCES:
        task.check_managed_instances(faults)
    else:
        task.check_instances(faults)


def check_instances(task: Task, strategy: Strategy, cluster: ecs.ICluster, *, routed: bool, faults: Faults) -> None:
    """Note what the instances themselves refuse, or could not be reached for."""
    unknown = [each.name for each in strategy.used if each.exists_already or not isinstance(cluster, Cluster)]
    if routed and unknown and task.network_mode is not NetworkMode.AWSVPC and strategy.kind is Kind.INSTANCES:
        faults.add(
            f"route leads to instances of {', '.join(map(repr, unknown))}, whose security group is not known here, so "
            "the load balancer could not reach them; use network_mode=NetworkMode.AWSVPC"
        )
    for capacity in strategy.used:
        privileged = [each.name for each in task.containers if each.privileged]
        if privileged and not capacity.runs_privileged:
            faults.add(
                f"container {privileged[0]!r} is privileged, which Bottlerocket refuses unless told to; use "
                "ContainerInstance(user_data=['allow-privileged-containers = true']) in "
                f"capacity {capacity.name!r}"
            )


def check_room(
    task: Task, strategy: Strategy, scaling: Scaling, placement: Placement, faults: Faults
) -> dict[str, str | None]:
    """Note what the instances do not hold; returns what is only warned of, by the name of the warning."""
    if strategy.kind is Kind.FARGATE:
        return {}
    from moorage.ecs import room  # noqa: PLC0415  # Fargate needs none of it

    room.check_fit(task, strategy, faults)
    vain = {"@moorage/ecs:types-in-vain": room.types_in_vain(task, strategy)}
    if placement.daemon:
        return vain
    room.check_rollout(task, strategy, scaling.minimum, minimum_percent=100, maximum_percent=200, faults=faults)
    return {"@moorage/ecs:room": room.shortage_at_most(task, strategy, scaling.maximum), **vain}


def check_placement(placement: Placement, strategy: Strategy, faults: Faults) -> None:
    """Note placement that ECS would not take."""
    placement.check(faults)
    if placement.daemon and (strategy.base or len(set(strategy.weights.values())) > 1):
        faults.add(
            "capacity has weights or a base, but a daemon runs on each of its instances; name the capacities alone"
        )
    if placement.daemon and any(each.exists_already for each in strategy.weights):
        faults.add(
            "capacity of a daemon is none made by Capacity.ec2, whose instances alone say which they are; use one"
        )
    if placement != SPREAD and strategy.kind is not Kind.INSTANCES:
        faults.add(
            f"placement is given, but on {strategy.kind.value} AWS places tasks; "
            "leave it out, or use a Capacity.ec2(...)"
        )


def check_scaling(scaling: Scaling | None, routes: tuple[Route, ...], placement: Placement, faults: Faults) -> None:
    """Note what does not move the number of copies."""
    if scaling is None:
        return
    if placement.daemon:
        faults.add(
            "scaling is given for a daemon, of which one runs on each instance; leave it out, and let the capacity grow"
        )
    if scaling.requests_per_task is not None and not routes:
        faults.add(
            f"requests_per_task is {scaling.requests_per_task}, but without a route nothing counts requests; "
            "use route=Route(...), or another target"
        )


def check_routes(routes: tuple[Route, ...], task: Task, faults: Faults) -> None:
    """Note routes that lead nowhere, and those that clash."""
    faults.keep(limits.ROUTES, "the number of routes", len(routes))
    for index, route in enumerate(routes):
        serving = [each.name for each in task.containers if each.port]
        if not serving:
            faults.add(
                f"route for {route.says} needs a container with a port, and the task has none; "
                "use Container(..., port=...)"
            )
        elif route.container not in {None, *serving}:
            faults.add(
                f"route for {route.says} names container {route.container!r}, but those with a port are "
                f"{', '.join(map(repr, serving))}; use one of them"
            )
        route.load_balancer.check(route, faults)
        for other in routes[:index]:
            if other.load_balancer is route.load_balancer:
                clash = clash_of(route, other, None)
                if clash:
                    faults.add(clash)


def check_network(
    task: Task,
    security_groups: Sequence[ec2.ISecurityGroup] | None,
    egress: Sequence[int],
    vpc_subnets: ec2.SubnetSelection | None,
    faults: Faults,
) -> None:
    """Note what tasks cannot have on the network."""
    if task.network_mode is not NetworkMode.AWSVPC:
        given = {
            "security_groups": security_groups is not None,
            "egress": tuple(egress) != DEFAULT_EGRESS,
            "vpc_subnets": vpc_subnets is not None,
        }
        for argument in (name for name, is_given in given.items() if is_given):
            faults.add(
                f"{argument} is given, but in {task.network_mode.value} mode tasks have no interface of their own; "
                "leave it out, and say it of the instances in Capacity.ec2(...)"
            )
        return
    for port in egress:
        faults.keep(limits.PORT, "egress", port)
    if security_groups is not None:
        faults.keep(limits.SECURITY_GROUPS, "the number of security groups", len(security_groups))
        if tuple(egress) != DEFAULT_EGRESS:
            faults.add(
                "security_groups and egress are both given, but egress is for the group defined here; put it into yours"
            )
    if vpc_subnets is not None and vpc_subnets.subnets is not None:
        faults.keep(limits.SUBNETS, "the number of subnets", len(vpc_subnets.subnets))

"""What a service's parts cannot do together; each function notes all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moorage.ecs.capacity.capacity import Kind
from moorage.ecs.capacity.placement import Placement
from moorage.ecs.load_balancing.route import Route
from moorage.ecs.network.network import Network
from moorage.workload import limits, rollout_limits
from moorage.workload.problems import is_token
from moorage.workload.rollout import Shift
from moorage.workload.task import NetworkMode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_ecs as ecs

    from moorage.ecs.capacity.capacity import Capacity
    from moorage.ecs.capacity.strategy import Strategy
    from moorage.ecs.load_balancing.listener import Listener
    from moorage.ecs.service.lattice import Lattice
    from moorage.workload.problems import Problems
    from moorage.workload.rollout import Rollout
    from moorage.workload.scaling import Scaling
    from moorage.workload.task import Task

    Routes = tuple[Route | Listener, ...]

SPREAD = Placement()
SPOT_NOTICE_SECONDS = 120
"""How long before it is taken back a Spot task is told (ECS developer guide, Fargate capacity providers)."""


def check_room(
    task: Task, strategy: Strategy, scaling: Scaling, placement: Placement, rollout: Rollout, problems: Problems
) -> dict[str, str | None]:
    """Note what the instances do not hold; returns what is only warned of, by the name of the warning."""
    if strategy.kind is Kind.FARGATE:
        return {}
    from moorage.ecs.capacity import fit_checks  # noqa: PLC0415  # Fargate is spared 18 ms

    fit_checks.check_fit(task, strategy, problems)
    vain = {"@moorage/ecs:types-in-vain": fit_checks.types_in_vain(task, strategy)}
    if placement.daemon:
        return vain
    fit_checks.check_rollout(task, strategy, scaling.minimum, rollout, problems)
    return {"@moorage/ecs:room": fit_checks.shortage_at_most(task, strategy, scaling.maximum), **vain}


def check_placement(
    placement: Placement, strategy: Strategy, offered: Sequence[Capacity] | None, problems: Problems
) -> None:
    """Note placement that ECS would not take.

    Args:
        placement: Where tasks go.
        strategy: Over which capacities.
        offered: What the cluster has, or None where that is not known.
        problems: Where to note it.
    """
    placement.check(problems)
    if placement.daemon and (strategy.base or len(set(strategy.weights.values())) > 1):
        problems.add(
            "capacity has weights or a base, but a daemon runs on each of its instances; name the capacities alone"
        )
    existing = [each for each in strategy.weights if each.exists_already and each.kind is Kind.INSTANCES]
    if placement.daemon and existing and not _all_instances(strategy, offered):
        problems.add(
            f"capacity of a daemon is {existing[0].name!r}, whose instances do not say which they are, so that it "
            "would run on all of the cluster's; use one made by Capacity.ec2, or name all that the cluster has, here "
            "and in Cluster.from_attributes(capacity=[...])"
        )
    if placement != SPREAD and strategy.kind is not Kind.INSTANCES:
        problems.add(
            f"placement is given, but on {strategy.kind.value} AWS places tasks; "
            "leave it out, or use a Capacity.ec2(...)"
        )


def _all_instances(strategy: Strategy, offered: Sequence[Capacity] | None) -> bool:
    """Whether a strategy names all capacities of a cluster that have instances a daemon could be on."""
    return offered is not None and all(
        any(each.same_as(named) for named in strategy.weights) for each in offered if each.kind is Kind.INSTANCES
    )


def check_scaling(scaling: Scaling | None, routes: Routes, placement: Placement, problems: Problems) -> None:
    """Note what does not move the number of copies."""
    if scaling is None:
        return
    if placement.daemon:
        problems.add(
            "scaling is given for a daemon, of which one runs on each instance; leave it out, and let the capacity grow"
        )
    predicted = scaling.predictive.requests_per_task if scaling.predictive else None
    for argument, requests in (("requests_per_task", scaling.requests_per_task), ("predictive", predicted)):
        if requests is not None and not any(route.reads_requests for route in routes):
            why = "a network load balancer counts none" if routes else "without a route nothing counts requests"
            problems.add(f"{argument} is {requests}, but {why}; use route=Route(...), or another target")
    if scaling.backlog_per_task is not None and scaling.queue is None:
        problems.add(
            f"backlog_per_task is {scaling.backlog_per_task}, but there is no queue whose messages count; "
            "use a Worker, which has one, or Scaling(queue=...)"
        )


def places_for(task: Task, strategy: Strategy) -> int | None:
    """How many copies there is room for; None where that is not limited, as on Fargate, or not known."""
    if strategy.kind is Kind.FARGATE:
        return None
    from moorage.ecs.capacity import fit_checks  # noqa: PLC0415  # Fargate is spared 18 ms

    return fit_checks.room(task, strategy)


def check_rollout(
    rollout: Rollout, copies: Scaling, routes: Routes, placement: Placement, problems: Problems, *, named: bool
) -> None:
    """Note a rollout that would shift, watch or start nothing.

    Args:
        rollout: How a new version arrives.
        copies: How many copies there are.
        routes: What they serve of load balancers.
        placement: Where they go.
        problems: Where to note it.
        named: Whether others reach them by a name of Service Connect, whose proxies shift traffic too (ECS developer
            guide, "Service Connect resources for Amazon ECS blue/green, linear, and canary deployments").
    """
    if placement.daemon:
        if rollout.shifts:
            problems.add(
                f"rollout is {rollout.shift.value}, but a daemon is replaced where it stands, instance by instance; "
                "use Rollout.rolling(minimum_healthy_percent=0, maximum_percent=100)"
            )
        else:
            problems.check(rollout_limits.DAEMON_MAXIMUM, "maximum_percent", rollout.maximum_percent)
        return
    if rollout.shift in {Shift.CANARY, Shift.LINEAR} and not (routes or named):
        problems.add(
            f"rollout is {rollout.shift.value}, but without a route there is no traffic to shift; "
            "use route=Route(...), connect=ServiceConnect(...) with a port, or Rollout.rolling()"
        )
    if rollout.alarms and rollout.alarms.on_targets and not routes:
        problems.add(
            "rollout has alarms on the targets of routes, and there is no route; use alarms=None, or "
            "RollbackAlarms(errors_percent=None, latency=None, unhealthy_targets=None, extra_alarms=[...])"
        )
    elif rollout.alarms and not rollout.alarms.rings(reads_requests=any(route.reads_requests for route in routes)):
        problems.add(
            "rollout has alarms on errors and latency alone, of which a network load balancer knows nothing; "
            "use RollbackAlarms(unhealthy_targets=1), or extra_alarms=[...]"
        )
    for route in routes:
        if not rollout.shifts and not isinstance(route, Route) and route.test_port is not None:
            problems.add(
                f"listener for {route.says} has test_port={route.test_port}, but a rolling rollout shows no version "
                "first; leave it out, or use Rollout.blue_green(), canary() or linear()"
            )
    if rollout.shifts and copies.predictive and copies.predictive.requests_per_task is not None:
        problems.add(
            "predictive is of requests, which AWS foretells of one target group, and with this rollout two take turns; "
            "use PredictiveScaling(cpu_percent=...), or Rollout.rolling()"
        )
    problems.check(
        rollout_limits.ROLLOUT_PROGRESS,
        "rollout",
        (copies.minimum, rollout.minimum_healthy_percent, rollout.maximum_percent),
    )


def check_grace(grace: int | None, task: Task, problems: Problems, *, checked: bool) -> str | None:
    """Note a grace period that ECS would not take, or that nothing would heed; returns what is only warned of."""
    problems.check(limits.GRACE_PERIOD, "health_check_grace_period", grace)
    if grace is not None and not checked:
        problems.add(
            f"health_check_grace_period is {grace} s, but without a route no load balancer checks the tasks; "
            "use route=Route(...), or HealthCheck(start_period=...) in the container"
        )
    slowest = starts_in(task)
    if grace is None or is_token(grace) or grace >= slowest:
        return None
    return (
        f"health_check_grace_period is {grace} s, but HealthCheck(start_period=) lets a container take {slowest} s to "
        "start, so the load balancer's checks would stop it before and a rollout would not end; "
        f"use {slowest} s or more, or leave it out"
    )


def starts_in(task: Task) -> int:
    """How long the slowest of its containers is said to take to start, in seconds."""
    said = [each.health_check.start_period for each in task.containers if each.health_check]
    return max((period for period in said if period and not is_token(period)), default=0)


def check_discovery(
    options: ecs.CloudMapOptions | None, task: Task, cluster: ecs.ICluster, *, connected: bool, problems: Problems
) -> None:
    """Note a name in Cloud Map that a service could not have."""
    if options is None:
        return
    if connected:
        problems.add(
            "cloud_map_options and connect are both given, but a service has one place of names; leave one out"
        )
    if options.cloud_map_namespace is None and cluster.default_cloud_map_namespace is None:
        problems.add(
            "cloud_map_options name no namespace, and the cluster has none by default; "
            "use CloudMapOptions(cloud_map_namespace=...)"
        )
    from aws_cdk import aws_servicediscovery as servicediscovery  # noqa: PLC0415  # loads aws_cdk.aws_servicediscovery

    of_address = options.dns_record_type in {servicediscovery.DnsRecordType.A, servicediscovery.DnsRecordType.AAAA}
    if of_address and task.network_mode is not NetworkMode.AWSVPC:
        problems.add(
            f"cloud_map_options have a record of an address, but in {task.network_mode.value} mode tasks have none of "
            "their own; use DnsRecordType.SRV"
        )


def check_lattices(lattices: tuple[Lattice, ...], task: Task, rollout: Rollout, problems: Problems) -> None:
    """Note why a service could not be reached through VPC Lattice."""
    problems.check(limits.LATTICE_TARGET_GROUPS, "the number of target groups of VPC Lattice", len(lattices))
    if lattices and rollout.shifts:
        problems.add(
            f"rollout is {rollout.shift.value}, but a target group of VPC Lattice takes turns with no other here; "
            "use Rollout.rolling(), or a route in place of lattice"
        )
    for lattice in lattices:
        lattice.check(task, problems)


def slow_to_leave(routes: Routes, strategy: Strategy) -> str | None:
    """What a service on Spot is told whose targets drain for longer than the notice before a task is taken back."""
    taken_back = [each.name for each in strategy.used if each.is_spot]
    slow = [route for route in routes if not is_token(route.deregistration_delay)]
    longest = max((route.deregistration_delay for route in slow), default=0)
    if not taken_back or longest < SPOT_NOTICE_SECONDS:
        return None
    return (
        f"deregistration_delay is {longest} s, but a task on {taken_back[0]!r} is taken back with "
        f"{SPOT_NOTICE_SECONDS} s' notice, so the load balancer would send requests to tasks that are gone; "
        f"use less than {SPOT_NOTICE_SECONDS} s"
    )


def check_routes(routes: Routes, task: Task, vpc: ec2.IVpc, problems: Problems) -> None:
    """Note routes that lead nowhere, those that clash, and those of a load balancer that stands elsewhere."""
    problems.check(limits.ROUTES, "the number of routes", len(routes))
    for index, route in enumerate(routes):
        serving = [each.name for each in task.containers if each.port]
        if not serving:
            problems.add(
                f"{route.word} for {route.says} needs a container with a port, and the task has none; "
                "use Container(..., port=...)"
            )
        elif route.container not in {None, *serving}:
            problems.add(
                f"{route.word} for {route.says} names container {route.container!r}, but those with a port are "
                f"{', '.join(map(repr, serving))}; use one of them"
            )
        if not isinstance(route, Route):
            route.check_task(task, problems)
        route.check(problems)
        if _apart(route.load_balancer.vpc, vpc):
            problems.add(
                f"{route.word} for {route.says} is of {route.load_balancer.node.path}, which stands in another VPC "
                "than the cluster, so no request would arrive; use a load balancer with the vpc= of the cluster"
            )
        for other in routes[:index]:
            if other.load_balancer is route.load_balancer and (clash := route.clash(other, None)):
                problems.add(clash)


def _apart(one: ec2.IVpc, other: ec2.IVpc) -> bool:
    """Whether two VPCs are known to be two: each is a `Network`'s, or says an id of its own."""
    if one is other:
        return False
    if Network.of(one) and Network.of(other):
        return True
    ids = (one.vpc_id, other.vpc_id)
    return not is_token(ids) and ids[0] != ids[1]

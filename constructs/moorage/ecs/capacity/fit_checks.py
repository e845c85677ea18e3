"""Whether the instances of a service's capacities hold its tasks, and leave a rollout the room it needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import attrs

from moorage.ecs.capacity.instance_specification import InstanceGroupSpecification, ManagedInstancesSpecification
from moorage.workload.ec2_instances import instance_type
from moorage.workload.fit import Demand, rollout_shortage, smallest_fitting_type, traffic_shift_shortage
from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from moorage.ecs.capacity.capacity import Capacity
    from moorage.ecs.capacity.strategy import Strategy
    from moorage.workload.fit import Fit
    from moorage.workload.problems import Problems
    from moorage.workload.rollout import Rollout
    from moorage.workload.task import Task

_NAMED = 5


def check_fit(task: Task, strategy: Strategy, problems: Problems) -> None:
    """Note each capacity of which no instance type, or not the one launched first, holds a single copy."""
    for capacity in strategy.weights:
        instances = capacity.instances
        if isinstance(instances, ManagedInstancesSpecification):
            why = instances.why_too_small(task)
            if why:
                problems.add(why)
        elif isinstance(instances, InstanceGroupSpecification) and instances.is_known_for(task):
            fits = instances.fit(task)
            if not any(each.copies for each in fits):
                problems.add(_too_small(task, instances, fits))
            elif not fits[0].copies and not instances.spot and not instances.requirements:
                problems.add(
                    f"{_why(task, fits[0])}, and capacity {capacity.name!r} launches that type first; "
                    "leave it out of instance_types"
                )


def types_in_vain(task: Task, strategy: Strategy) -> str | None:
    """What a service is told of types that may be launched for it and hold no copy of its task."""
    vain = [
        each.host.instance_type
        for group in _groups(strategy)
        if group.is_known_for(task)
        for each in group.fit(task)
        if not each.copies
    ]
    if not vain:
        return None
    few, more = vain[:_NAMED], len(vain) - _NAMED
    return (
        f"{', '.join(few)}{f' and {more} more' if more > 0 else ''} may be launched for it, and hold no copy of its "
        "task; narrow instance_types= or requirements= of its capacity"
    )


def check_rollout(task: Task, strategy: Strategy, least: int, rollout: Rollout, problems: Problems) -> None:
    """Note why a rollout of `least` copies could not make progress with as many instances as there may be."""
    places = room(task, strategy)
    if not places or is_token(least):
        return
    if rollout._shifts_traffic:
        shortage = traffic_shift_shortage(least, places)
    else:
        shortage = rollout_shortage(least, rollout.minimum_healthy_percent, rollout.maximum_percent, places)
    if shortage:
        problems.add(
            f"scaling starts at {least}, but {_sum(task, strategy)}: {shortage}; "
            "use a larger max_instances=, larger instance types or a smaller task"
        )


def room(task: Task, strategy: Strategy) -> int | None:
    """How many copies the capacities of a strategy hold in all; None where that is not known, as on Fargate."""
    rooms = [each.room_for(task) for each in strategy.used]
    return None if None in rooms else sum(filter(None, rooms))


def shortage_at_most(task: Task, strategy: Strategy, most: int) -> str | None:
    """What a service that grows to `most` copies is told where there is no room for them."""
    places = room(task, strategy)
    if places is None or is_token(most) or places >= most:
        return None
    return (
        f"scaling goes to {most}, but {_sum(task, strategy)}, so {most - places} of them would wait; "
        "use a larger max_instances= or a smaller maximum"
    )


@attrs.frozen
class Claim:
    """What one service always runs on a capacity that it does not share its tasks with others over.

    Args:
        path: Gives the service's path; called only if there is a problem.
        task: What runs.
        least: How many copies; None for a daemon, of which each instance has one.
    """

    path: Callable[[], str]
    task: Task
    least: int | None

    def __str__(self) -> str:
        return f"{self.path()} ({'one each' if self.least is None else self.least})"


def overfull(capacity: Capacity, claims: Sequence[Claim]) -> str | None:
    """Why the least copies of all these services never fit on the capacity together; None where they may.

    A sum of each resource over all instances, as if tasks could be cut: what it refuses has no room in any order.
    """
    group = capacity.instances
    if not isinstance(group, InstanceGroupSpecification):
        return None
    counted = [claim for claim in claims if not is_token(claim.least or 0)]
    if not group.is_known_for(*(claim.task for claim in counted)) or not group.hosts:
        return None
    daemons = [Demand.of(claim.task) for claim in counted if claim.least is None]
    hosts = [host.remaining_after(*daemons) for host in group.hosts]
    wanted = [(Demand.of(claim.task), claim.least) for claim in counted if claim.least]
    needed = Counter({"CPU units": 0, "MiB": 0, "network interfaces": 0, "GPUs": 0})
    for each, least in wanted:
        needed["CPU units"] += each.cpu * least
        needed["MiB"] += each.memory_mib * least
        needed["network interfaces"] += each.interface * least
        needed["GPUs"] += each.gpus * least
        needed.update({f"instances with port {port} free": least for port in each.host_ports})
    offered = {
        "CPU units": max(host.cpu for host in hosts),
        "MiB": max(host.memory_mib for host in hosts),
        "network interfaces": max(host.interfaces for host in hosts),
        "GPUs": max(host.gpus for host in hosts),
    }
    for what, total in needed.items():
        most = offered.get(what, 1) * group.max_instances
        if total > most:
            return (
                f"{', '.join(map(str, counted))} need {total} {what} together, but capacity {capacity.name!r} has "
                f"{most} on its {group.max_instances} instances at most; use a larger max_instances= or larger "
                "instance types"
            )
    return None


def _groups(strategy: Strategy) -> Iterator[InstanceGroupSpecification]:
    for capacity in strategy.used:
        if isinstance(capacity.instances, InstanceGroupSpecification):
            yield capacity.instances


def _sum(task: Task, strategy: Strategy) -> str:
    parts = []
    for group in _groups(strategy):
        best = max(group.fit(task), key=lambda each: each.copies)
        parts.append(
            f"capacity {group.name!r} holds {best.copies} on each {best.host.instance_type} "
            f"({' and '.join(best.limiting_resources)}) and has {group.max_instances} at most"
        )
    return f"{' and '.join(parts)}, which is {room(task, strategy)} in all"


def _too_small(task: Task, group: InstanceGroupSpecification, fits: tuple[Fit, ...]) -> str:
    best = max(fits, key=lambda each: (each.host.memory_mib, each.host.cpu))
    if "architecture" in best.limiting_resources:
        return (
            f"task is built for {task.architecture.value}, but the instances of capacity {group.name!r} are "
            f"{best.host.architecture.value}; use architecture=Architecture.{best.host.architecture.name}, or instance "
            "types of the other"
        )
    like = instance_type(best.host.instance_type)
    nearest = like and smallest_fitting_type(
        Demand.of(task),
        trunking=group.trunking,
        reserved_memory_mib=group.instance.reserved_memory_mib,
        like=like,
    )
    return (
        f"{_why(task, best)}, and no instance type of capacity {group.name!r} holds it; "
        f"use {nearest.name + ', the nearest that does, or ' if nearest else ''}a smaller task"
    )


def _why(task: Task, fit: Fit) -> str:
    host = fit.host
    needs = {
        "memory": f"{task.memory_mib} MiB, but {host.instance_type} has {host.memory_mib}",
        "CPU": f"{task.cpu} CPU units, but {host.instance_type} has {host.cpu}",
        "GPUs": f"{task._gpus} GPUs, but {host.instance_type} has {host.gpus}",
        "network interfaces": f"a network interface, but {host.instance_type} has {host.interfaces} for tasks",
        "host ports": f"ports that every {host.instance_type} keeps for itself",
        "architecture": f"{task.architecture.value}, but {host.instance_type} is {host.architecture.value}",
    }
    return f"task needs {' and '.join(needs[each] for each in fit.limiting_resources)} of it".removesuffix(" of it")

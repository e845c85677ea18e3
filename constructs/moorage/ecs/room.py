"""Whether the instances of a service's capacities hold its tasks, and leave a rollout the room it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from moorage.ecs.capacity import Ec2Capacity
from moorage.workload.fit import Demand, rollout_shortage, smallest_holding
from moorage.workload.instances import instance_type

if TYPE_CHECKING:
    from moorage.ecs.strategy import Strategy
    from moorage.workload.faults import Faults
    from moorage.workload.fit import Fit
    from moorage.workload.task import Task


def check_fit(task: Task, strategy: Strategy, faults: Faults) -> None:
    """Note each capacity of which no instance type holds a single copy, and why."""
    for capacity in strategy.weights:
        if isinstance(capacity, Ec2Capacity) and capacity.known_types:
            fits = capacity.fit(task)
            known = len(capacity.known_types) >= len(capacity.instance_types)
            if known and not any(each.copies for each in fits):
                faults.add(_too_small(task, capacity, fits))


def check_rollout(
    task: Task, strategy: Strategy, least: int, *, minimum_percent: int, maximum_percent: int, faults: Faults
) -> None:
    """Note why a rollout of `least` copies could not make progress with as many instances as there may be."""
    places = room(task, strategy)
    if places is None or not places:
        return
    shortage = rollout_shortage(least, minimum_percent, maximum_percent, places)
    if shortage:
        faults.add(
            f"scaling starts at {least}, but {_sum(task, strategy)}: {shortage}; "
            "use a larger max_instances=, larger instance types or a smaller task"
        )


def room(task: Task, strategy: Strategy) -> int | None:
    """How many copies the capacities of a strategy hold in all; None where that is not known, as on Fargate."""
    used = [each for each, weight in strategy.weights.items() if weight or each in strategy.base]
    rooms = [each.room_for(task) if isinstance(each, Ec2Capacity) else None for each in used]
    return None if None in rooms else sum(filter(None, rooms))


def shortage_at_most(task: Task, strategy: Strategy, most: int) -> str | None:
    """What a service that grows to `most` copies is told where there is no room for them."""
    places = room(task, strategy)
    if places is None or places >= most:
        return None
    return (
        f"scaling goes to {most}, but {_sum(task, strategy)}, so {most - places} of them would wait; "
        "use a larger max_instances= or a smaller maximum"
    )


@attrs.frozen
class Claim:
    """What one service always runs on a capacity that it does not share its tasks with others over."""

    path: str
    task: Task
    least: int


def overfull(capacity: Ec2Capacity, claims: Sequence[Claim]) -> str | None:
    """Why the least copies of all these services never fit on the capacity together; None where they may.

    A sum of each resource over all instances, as if tasks could be cut: what it refuses has no room in any order.
    """
    if len(capacity.known_types) < len(capacity.instance_types) or not capacity.hosts:
        return None
    wanted = [(Demand.of(claim.task), claim.least) for claim in claims]
    for what, needed, offered in (
        ("CPU units", [each.cpu for each, _ in wanted], [host.cpu for host in capacity.hosts]),
        ("MiB", [each.memory_mib for each, _ in wanted], [host.memory_mib for host in capacity.hosts]),
        ("interfaces", [int(each.interface) for each, _ in wanted], [host.interfaces for host in capacity.hosts]),
        ("GPUs", [each.gpus for each, _ in wanted], [host.gpus for host in capacity.hosts]),
    ):
        total = sum(one * least for one, (_, least) in zip(needed, wanted, strict=True))
        most = max(offered) * capacity.max_instances
        if total > most:
            listed = ", ".join(f"{claim.path} ({claim.least})" for claim in claims)
            return (
                f"{listed} need {total} {what} together, but capacity {capacity.name!r} has {most} on its "
                f"{capacity.max_instances} instances at most; use a larger max_instances= or larger instance types"
            )
    return None


def _sum(task: Task, strategy: Strategy) -> str:
    parts = []
    for capacity in strategy.weights:
        if isinstance(capacity, Ec2Capacity):
            best = max(capacity.fit(task), key=lambda each: each.copies)
            parts.append(
                f"capacity {capacity.name!r} holds {best.copies} on each {best.host.instance_type} "
                f"({' and '.join(best.binds)}) and has {capacity.max_instances} at most"
            )
    return f"{' and '.join(parts)}, which is {room(task, strategy)} in all"


def _too_small(task: Task, capacity: Ec2Capacity, fits: tuple[Fit, ...]) -> str:
    best = max(fits, key=lambda each: (each.host.memory_mib, each.host.cpu))
    host, (binds, *_) = best.host, best.binds
    if binds == "architecture":
        return (
            f"task is built for {task.architecture.value}, but the instances of capacity {capacity.name!r} are "
            f"{host.architecture.value}; use architecture=Architecture.{host.architecture.name}, or instance types of "
            "the other"
        )
    needs, has = {
        "memory": (f"{task.memory_mib} MiB", f"{host.memory_mib} MiB"),
        "CPU": (f"{task.cpu} CPU units", f"{host.cpu}"),
        "GPUs": (f"{task.gpus} GPUs", f"{host.gpus}"),
        "network interfaces": ("a network interface of its own", f"{host.interfaces} for tasks"),
        "host ports": (f"ports {', '.join(map(str, task.host_ports))} of the instance", "some of them taken"),
    }[binds]
    like = instance_type(host.instance_type)
    nearest = like and smallest_holding(
        Demand.of(task),
        trunking=capacity.trunking,
        reserved_memory_mib=capacity.instance.reserved_memory_mib,
        like=like,
    )
    return (
        f"task needs {needs}, but no instance type of capacity {capacity.name!r} holds more than {has} "
        f"({host.instance_type}); use {nearest.name + ', the nearest that can, or ' if nearest else ''}less of it"
    )

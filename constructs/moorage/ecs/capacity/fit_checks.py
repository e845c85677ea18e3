"""Checks that the tasks of a service fit on the instances of its capacities, with enough room for a rollout."""

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

_MAX_LISTED_TYPES = 5


def check_fit(task: Task, strategy: Strategy, problems: Problems) -> None:
    """Add a problem for each capacity with no instance type that fits, or with a first type that is too small.

    The first type matters only if EC2 launches types in order: without `spot` and without `requirements`.
    """
    for capacity in strategy.weights:
        instances = capacity.instances
        if isinstance(instances, ManagedInstancesSpecification):
            problem = instances.too_small_problem(task)
            if problem:
                problems.add(problem)
        elif isinstance(instances, InstanceGroupSpecification) and instances.is_known_for(task):
            fits = instances.fit(task)
            if not any(each.copies for each in fits):
                problems.add(_describe_too_small_task(task, instances, fits))
            elif not fits[0].copies and not instances.spot and not instances.requirements:
                problems.add(
                    f"{_describe_shortage(task, fits[0])}, and capacity {capacity.name!r} launches that type first; "
                    "remove that type from instance_types="
                )


def too_small_types_warning(task: Task, strategy: Strategy) -> str | None:
    """Return a warning about instance types that may be launched but cannot hold the task, or None."""
    too_small_types = [
        fit.host.instance_type
        for group in _instance_groups(strategy)
        if group.is_known_for(task)
        for fit in group.fit(task)
        if not fit.copies
    ]
    if not too_small_types:
        return None
    listed, unlisted = too_small_types[:_MAX_LISTED_TYPES], len(too_small_types) - _MAX_LISTED_TYPES
    return (
        f"{', '.join(listed)}{f' and {unlisted} more' if unlisted > 0 else ''} may be launched, but cannot hold a task "
        "of this service; remove such types from instance_types= of the capacity, or use narrower requirements="
    )


def check_rollout(task: Task, strategy: Strategy, minimum: int, rollout: Rollout, problems: Problems) -> None:
    """Add a problem if a rollout of `minimum` copies could not make progress on the maximum number of instances."""
    copies = room(task, strategy)
    if not copies or is_token(minimum):
        return
    if rollout._shifts_traffic:
        shortage = traffic_shift_shortage(minimum, copies)
    else:
        shortage = rollout_shortage(minimum, rollout.minimum_healthy_percent, rollout.maximum_percent, copies)
    if shortage:
        problems.add(
            f"minimum of scaling is {minimum}, but {_describe_room(task, strategy)}: {shortage}; use a larger "
            "max_instances=, larger instance types or a smaller task"
        )


def room(task: Task, strategy: Strategy) -> int | None:
    """Return the number of copies that fit on all capacities together, or None if unknown, as on Fargate."""
    rooms = [each._room_for(task) for each in strategy._used_capacities]
    return None if None in rooms else sum(filter(None, rooms))


def maximum_shortage_warning(task: Task, strategy: Strategy, maximum: int) -> str | None:
    """Return a warning about copies that have no room when a service scales out to `maximum`, or None."""
    copies = room(task, strategy)
    if copies is None or is_token(maximum) or copies >= maximum:
        return None
    return (
        f"maximum of scaling is {maximum}, but {_describe_room(task, strategy)}, so {maximum - copies} copies would "
        "wait for room; use a larger max_instances=, or a smaller maximum"
    )


@attrs.frozen
class Claim:
    """The copies that one service always runs on its only capacity.

    Args:
        path: A function that returns the path of the service, called only if there is a problem.
        task: The task that runs.
        minimum: The number of copies, or None for a daemon, which runs once on each instance.
    """

    path: Callable[[], str]
    task: Task
    minimum: int | None

    def __str__(self) -> str:
        return f"{self.path()} ({'one on each instance' if self.minimum is None else self.minimum})"


def overcommitment_problem(capacity: Capacity, claims: Sequence[Claim]) -> str | None:
    """Describe why the minimum copies of all services do not fit on a capacity together, or return None.

    Each resource is summed over all instances, as if tasks could be split. If a sum is too small, no placement fits.
    The result is None if all sums are large enough, or if a size is unknown.
    """
    group = capacity.instances
    if not isinstance(group, InstanceGroupSpecification):
        return None
    known_claims = [claim for claim in claims if not is_token(claim.minimum)]
    if not group.is_known_for(*(claim.task for claim in known_claims)):
        return None
    daemons = [Demand.of(claim.task) for claim in known_claims if claim.minimum is None]
    hosts = [host.remaining_after(*daemons) for host in group.hosts]
    demands = [(Demand.of(claim.task), claim.minimum) for claim in known_claims if claim.minimum]
    needed: Counter[str] = Counter()
    for demand, minimum in demands:
        needed["CPU units"] += demand.cpu * minimum
        needed["MiB"] += demand.memory_mib * minimum
        needed["network interfaces"] += demand.interface * minimum
        needed["GPUs"] += demand.gpus * minimum
        needed.update({f"instances with port {port} free": minimum for port in demand.host_ports})
    capacity_per_instance = {
        "CPU units": max(host.cpu for host in hosts),
        "MiB": max(host.memory_mib for host in hosts),
        "network interfaces": max(host.interfaces for host in hosts),
        "GPUs": max(host.gpus for host in hosts),
    }
    for resource, total in needed.items():
        available = capacity_per_instance.get(resource, 1) * group.max_instances
        if total > available:
            return (
                f"{', '.join(map(str, known_claims))} need {total} {resource} in total, but capacity {capacity.name!r} "
                f"has at most {available} on {group.max_instances} instances; use a larger max_instances= or larger "
                "instance types"
            )
    return None


def _instance_groups(strategy: Strategy) -> Iterator[InstanceGroupSpecification]:
    for capacity in strategy._used_capacities:
        if isinstance(capacity.instances, InstanceGroupSpecification):
            yield capacity.instances


def _describe_room(task: Task, strategy: Strategy) -> str:
    parts = []
    for group in _instance_groups(strategy):
        largest = max(group.fit(task), key=lambda each: each.copies)
        parts.append(
            f"capacity {group.name!r} holds {largest.copies} on each {largest.host.instance_type} (limited by "
            f"{' and '.join(largest.limiting_resources)}) and has at most {group.max_instances} instances"
        )
    return f"{' and '.join(parts)}, {room(task, strategy)} in total"


def _describe_too_small_task(task: Task, group: InstanceGroupSpecification, fits: tuple[Fit, ...]) -> str:
    largest = max(fits, key=lambda each: (each.host.memory_mib, each.host.cpu))
    if "architecture" in largest.limiting_resources:
        return (
            f"task is built for {task.architecture.value}, but the instances of capacity {group.name!r} are "
            f"{largest.host.architecture.value}; use architecture=Architecture.{largest.host.architecture.name}, or "
            f"{task.architecture.value} instance types"
        )
    like = instance_type(largest.host.instance_type)
    suggestion = like and smallest_fitting_type(
        Demand.of(task),
        trunking=group.trunking,
        reserved_memory_mib=group.instance.reserved_memory_mib,
        like=like,
    )
    return (
        f"{_describe_shortage(task, largest)}, and no instance type of capacity {group.name!r} has enough; use "
        f"{suggestion.name + ', the nearest type that holds the task, or ' if suggestion else ''}a smaller task"
    )


def _describe_shortage(task: Task, fit: Fit) -> str:
    host, demand = fit.host, Demand.of(task)
    needs = {
        "memory": f"{demand.memory_mib} MiB, but {host.instance_type} has {host.memory_mib}",
        "CPU": f"{demand.cpu} CPU units, but {host.instance_type} has {host.cpu}",
        "GPUs": f"{demand.gpus} GPUs, but {host.instance_type} has {host.gpus}",
        "network interfaces": f"a network interface, but {host.instance_type} has {host.interfaces} for tasks",
        "host ports": f"host ports that every {host.instance_type} reserves",
        "architecture": f"{task.architecture.value}, but {host.instance_type} is {host.architecture.value}",
    }
    return f"task needs {' and '.join(needs[each] for each in fit.limiting_resources)} of it".removesuffix(" of it")

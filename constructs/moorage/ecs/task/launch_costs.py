"""The monthly cost of tasks, and the advice on their launch type, for every construct that starts tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import aws_cdk as cdk

from moorage.ecs.capacity.capacity import CapacityKind
from moorage.ecs.cdk_values import select_subnets
from moorage.workload.platform_checks import fargate_size
from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2
    from constructs import IConstruct

    from moorage.advice.advice import Advice
    from moorage.advice.assumptions import Assumptions
    from moorage.advice.monthly_cost import CostPart
    from moorage.advice.placed import Placed
    from moorage.advice.workload import Workload
    from moorage.ecs.capacity.capacity import Capacity
    from moorage.ecs.capacity.strategy import Strategy
    from moorage.ecs.task.task_launch import Launch
    from moorage.workload.task import Task

LEFT_OUT = (
    "Load balancers, volumes, Container Insights, state machines, queues, logs and traffic are not part of the cost."
)
"""The sentence about what is billed beside the tasks."""


def region_of(construct: IConstruct) -> str:
    """Return the region of the stack of a construct, or us-east-1 if the stack does not state one.

    Args:
        construct: The construct.
    """
    region = cdk.Stack.of(construct).region
    return "us-east-1" if is_token(region) else region


def place_of_launch(workload: Workload | None, construct: IConstruct, launch: Launch) -> Placed | None:
    """Return the workload of a construct with its place, or None without a workload.

    Args:
        workload: The workload.
        construct: The construct.
        launch: The task with its capacity and network.
    """
    from moorage.advice.placed import Placed  # noqa: PLC0415  # needed only by advice

    if workload is None:
        return None
    return Placed(
        workload=workload,
        cluster=launch.cluster.node.path,
        region=region_of(construct),
        zones=_zones(launch) or None,
        current=" and ".join(dict.fromkeys(map(_name_of, launch.strategy.weights))) or "EC2",
        trunking=any(getattr(each.instances, "trunking", False) for each in _on_instances(launch)),
    )


def advise_on(
    placed: Placed | None, assumptions: Assumptions, *, trunking: bool | None, region: str | None
) -> Advice | None:
    """Return the advice for a workload, or None if the workload is known only at deployment.

    Args:
        placed: The workload with its place.
        assumptions: The assumptions.
        trunking: True if the account setting `awsvpcTrunking` is on. None for what the cluster states.
        region: The region of the prices. None for that of the workload.
    """
    from moorage.advice.placed import advise_each  # noqa: PLC0415  # needed only by advice

    if placed is None:
        return None
    return advise_each(placed.changed(trunking=trunking, region=region), assumptions=assumptions)


def chosen_region(construct: IConstruct, region: str | None) -> str:
    """Return the given region, or that of a construct without a region that is known before deployment.

    Args:
        construct: The construct.
        region: The given region.

    Raises:
        ValidationError: If the given region is no code of a region.
    """
    from moorage.advice.region import stated_region  # noqa: PLC0415  # needed only by costs

    return stated_region(region, lambda: str(construct.node.path)) or region_of(construct)


def workload_of(name: str, launch: Launch, **facts: object) -> Workload | None:
    """Return the workload of a task; None if the size of the task is a token.

    Args:
        name: The construct path.
        launch: The task with its capacity and network.
        **facts: The arguments of `Workload` that the launch does not know.
    """
    from moorage.advice.workload import Workload  # noqa: PLC0415  # needed only by advice

    if has_tokens(launch.task):
        return None
    types = _types(_on_instances(launch))
    spot = any(each._is_spot for each in launch.strategy.weights)
    if launch.strategy._kind is CapacityKind.FARGATE:
        facts["cpu"], facts["memory_mib"] = fargate_size(launch.task)
    return Workload.of(name, launch.task, interruptible=spot, instance_types=types, **facts)


def has_tokens(task: Task) -> bool:
    """Return whether a size that decides the cost of a task is known only at deployment.

    Args:
        task: The task.
    """
    sizes = [task.cpu, task.memory_mib, task.ephemeral_storage_gib, task._gpus, *task._host_ports]
    if None in sizes[:2] or task._on_windows:
        sizes += [size for each in task.containers for size in (each.cpu, each.memory_mib, each.memory_reservation_mib)]
    return is_token(sizes)


def _on_instances(launch: Launch) -> Sequence[Capacity]:
    """Return the capacities of a launch whose instance types are known, otherwise those of its cluster."""
    of_launch = [each for each in launch.strategy.weights if _types([each])]
    return of_launch or [each for each in launch.cluster_view.capacities or () if _types([each])]


def _name_of(capacity: Capacity) -> str:
    """Return the name of what a capacity runs tasks on, as the advice on an assembly has it."""
    if capacity.kind is CapacityKind.FARGATE:
        return "Fargate Spot" if capacity._is_spot else "Fargate"
    if capacity._exists_already:
        return capacity.name
    base = "EC2" if capacity.kind is CapacityKind.INSTANCES else "ECS Managed Instances"
    return f"{base} Spot" if capacity._is_spot else base


def _types(capacities: Sequence[Capacity]) -> tuple[tuple[str, ...], ...]:
    """Return the instance types of each capacity; none for a capacity whose types AWS or a token decides."""
    named = [each.instances.named_types for each in capacities if each.instances]
    return tuple(types for types in named if types and not is_token(types))


def _zones(launch: Launch) -> int:
    """Return the number of Availability Zones of the subnets of the tasks, or of their instances."""
    zones: set[str] = set()
    for _, selection in launch.task_subnets:
        if selection.subnets is not None:
            zones.update(map(_zone_of, selection.subnets))
        else:
            zones.update(select_subnets(launch.reach.vpc, selection).availability_zones)
    return len(zones)


def _zone_of(subnet: ec2.ISubnet) -> str:
    """Return the zone of a subnet, or its ID if the subnet was imported without its zone."""
    try:
        return subnet.availability_zone
    except RuntimeError:  # jsii raises it for every error in Node.js
        return subnet.subnet_id


def parts_of(launch: Launch, copies: tuple[int, int], hours: Decimal) -> Iterator[CostPart]:
    """Yield the components of the monthly cost of tasks.

    Args:
        launch: The task with its capacity and network.
        copies: The least and the most copies.
        hours: The hours a month that each copy runs.
    """
    from moorage.advice.monthly_cost import CostPart  # noqa: PLC0415  # needed only by costs

    strategy = launch.strategy
    if strategy._kind is CapacityKind.MANAGED_INSTANCES:
        yield CostPart(name="ECS Managed Instances", item="managed_instances.fee_hour", note="AWS chooses the types")
        return
    if strategy._kind is CapacityKind.INSTANCES:
        yield CostPart(name="Tasks on EC2 instances", item="", note="AWS bills the instances of the cluster")
        return
    for capacity, least, most in _shares(strategy, copies):
        yield from _on_fargate(launch, capacity, least * hours, most * hours)
    if launch.assign_public_ip:
        yield CostPart(name="Public IPv4 addresses", item="ipv4.hour", least=copies[0] * hours, most=copies[1] * hours)


def _on_fargate(launch: Launch, capacity: Capacity, least: Decimal, most: Decimal) -> Iterator[CostPart]:
    from moorage.advice.monthly_cost import CostPart  # noqa: PLC0415  # needed only by costs
    from moorage.advice.offers import FREE_STORAGE_GIB  # noqa: PLC0415  # needed only by costs

    task = launch.task
    cpu, memory_mib = fargate_size(task)
    family = "fargate_spot." if capacity._is_spot else "fargate."
    family += "windows_" if task._on_windows else ""
    name = "Fargate Spot" if capacity._is_spot else "Fargate"
    sizes = [
        ("vCPU", f"{family}vcpu_hour", Decimal(cpu) / 1024),
        ("memory", f"{family}gb_hour", Decimal(memory_mib) / 1024),
    ]
    if task._on_windows:
        sizes.append(("Windows license", "fargate.windows_license_vcpu_hour", Decimal(cpu) / 1024))
    storage = (task.ephemeral_storage_gib or FREE_STORAGE_GIB) - FREE_STORAGE_GIB
    if storage:
        sizes.append(("ephemeral storage", "fargate.storage_gb_hour", Decimal(storage)))
    for component, item, size in sizes:
        yield CostPart(
            name=f"{name} {component}",
            item=item,
            least=least * size,
            most=most * size,
            architecture=task.architecture.value,
        )


def _shares(strategy: Strategy, copies: tuple[int, int]) -> Iterator[tuple[Capacity, Decimal, Decimal]]:
    """Yield each capacity with its least and most copies: first the base, then the rest in proportion to the weights.

    The proportion is an average, so the numbers can have fractions.
    """
    total = sum(strategy.weights.values())
    for capacity, weight in strategy.weights.items():
        counts = []
        for number in copies:
            bases = min(number, sum(strategy.base.values()))
            own = min(number, strategy.base.get(capacity, 0))
            counts.append(own + Decimal((number - bases) * weight) / (total or 1))
        if any(counts):
            yield capacity, counts[0], counts[1]

"""The container instances that workloads need: the number for each type, and the cheapest type."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from decimal import Decimal

import attrs

from moorage.advice.assumptions import Assumptions
from moorage.advice.market import Market
from moorage.advice.workload import Workload
from moorage.prices.price import HOURS
from moorage.workload.ec2_instances import InstanceType, instance_type, instance_types
from moorage.workload.fit import Demand, Fit, Host, fit
from moorage.workload.task import Architecture

FAMILIES = frozenset({"c7i", "m7i", "r7i", "c7g", "m7g", "r7g", "c8g", "m8g", "r8g"})
"""The families that are compared: compute, general purpose and memory, Intel and Graviton."""
BURSTABLE_FAMILIES = frozenset({"t3", "t4g"})
GPU_FAMILIES = frozenset({"g4dn", "g5", "g5g", "g6"})
NO_TYPE = "None of the compared instance types holds a copy."


@attrs.frozen(kw_only=True)
class Hosts:
    """The instances of one type that workloads need.

    Args:
        instance_type: The name of the type.
        hourly: The price of one instance with its root volume, in USD an hour, at list price.
        instance_hourly: The part of `hourly` that is the instance.
        copies_each: The number of copies of the first workload that fit on an instance.
        limiting_resources: The resources that limit that number.
        least: The number of instances for the least copies.
        most: The number of instances for the most copies.
    """

    instance_type: str
    hourly: Decimal
    instance_hourly: Decimal
    copies_each: int
    limiting_resources: tuple[str, ...]
    least: int
    most: int


@functools.cache
def candidates(architecture: Architecture, *, gpus: bool, burstable: bool) -> tuple[InstanceType, ...]:
    """Return the types that are compared.

    Args:
        architecture: The processor architecture.
        gpus: Whether to return types with GPUs.
        burstable: Whether to add the T families.
    """
    families = GPU_FAMILIES if gpus else FAMILIES | (BURSTABLE_FAMILIES if burstable else frozenset())
    return tuple(
        type_
        for type_ in instance_types()
        if type_.family in families and type_.architecture is architecture and not type_.bare_metal
    )


def compared_types(
    workloads: Sequence[Workload], architecture: Architecture, market: Market, assumptions: Assumptions
) -> tuple[InstanceType, ...]:
    """Return the types on which EC2 is compared for workloads that share instances.

    If their cluster has instance types, they are the first type of each capacity that holds the copies, since EC2
    launches the types in that order.

    Args:
        workloads: The workloads.
        architecture: The processor architecture.
        market: The prices.
        assumptions: The assumptions.
    """
    own = [
        next((each for each in types if hosts_of(each, workloads, market, assumptions)), None)
        for types in own_types(workloads, architecture)
    ]
    if found := tuple(dict.fromkeys(each for each in own if each)):
        return found
    gpus = any(each.gpus for each in workloads)
    return candidates(architecture, gpus=gpus, burstable=assumptions.burstable)


def own_types(workloads: Sequence[Workload], architecture: Architecture) -> tuple[tuple[InstanceType, ...], ...]:
    """Return the known types of each capacity of the cluster of workloads, in order of preference.

    Types with GPUs are left out if no workload needs one.

    Args:
        workloads: The workloads.
        architecture: The processor architecture.
    """
    gpus = any(each.gpus for each in workloads)
    capacities = dict.fromkeys(types for each in workloads for types in each.instance_types)
    known = (tuple(filter(None, map(instance_type, types))) for types in capacities)
    fitting = (
        tuple(each for each in types if each.architecture is architecture and (gpus or not each.gpus))
        for types in known
    )
    return tuple(filter(None, fitting))


def pack(copies: Sequence[tuple[Demand, int]], host: Host) -> int | None:
    """Return the number of instances that hold all copies, placed largest first; None if a copy fits on none.

    Args:
        copies: The demand of each workload with its number of copies.
        host: An empty instance.
    """
    wanted = [(demand, count) for demand, count in copies if count]
    if any(fit(demand, host).copies < 1 for demand, _ in wanted):
        return None
    if len(wanted) == 1:
        ((demand, count),) = wanted
        return math.ceil(count / fit(demand, host).copies)
    ordered = sorted(wanted, key=lambda each: _size(each[0], host), reverse=True)
    opened: list[Host] = []
    for demand, count in ordered:
        left = count
        for position, free in enumerate(opened):
            placed = min(left, fit(demand, free).copies)
            opened[position] = _after(free, demand, placed)
            left -= placed
        while left:
            placed = min(left, fit(demand, host).copies)
            opened.append(_after(host, demand, placed))
            left -= placed
    return len(opened)


def _after(host: Host, demand: Demand, copies: int) -> Host:
    """Return what `copies` of a task leave of a host on which they fit."""
    if not copies:
        return host
    return attrs.evolve(
        host,
        cpu=host.cpu - demand.cpu * copies,
        memory_mib=host.memory_mib - demand.memory_mib * copies,
        gpus=host.gpus - demand.gpus * copies,
        interfaces=host.interfaces - demand.interface * copies,
        taken_ports=host.taken_ports.union(demand.host_ports),
    )


def _size(demand: Demand, host: Host) -> float:
    return max(demand.cpu / max(1, host.cpu), demand.memory_mib / max(1, host.memory_mib))


def with_headroom(instances: int, copies: int, assumptions: Assumptions) -> int:
    """Return the number of instances with those for zones and spare capacity.

    Args:
        instances: The number of instances that hold the copies.
        copies: The number of copies.
        assumptions: The zones, and the target of managed scaling.
    """
    if not copies:
        return 0
    needed = math.ceil(instances * 100 / assumptions.target_capacity_percent)
    needed = max(needed, min(assumptions.zones, copies))
    while assumptions.survives_zone_loss and needed - math.ceil(needed / assumptions.zones) < instances:
        needed += 1
    return needed


def hosts_of(
    type_: InstanceType, workloads: Sequence[Workload], market: Market, assumptions: Assumptions
) -> Hosts | None:
    """Return the instances of a type that workloads need; None if a copy does not fit, or the price is unknown.

    Args:
        type_: The instance type.
        workloads: The workloads, which share the instances.
        market: The prices.
        assumptions: The assumptions.
    """
    price = market.price(f"ec2.{type_.name}")
    if not isinstance(price, Decimal):
        return None
    placed = _placed(
        type_, tuple(workloads), trunking=assumptions.trunking, reserved_memory_mib=assumptions.reserved_memory_mib
    )
    if placed is None:
        return None
    copied = [each for each in workloads if not each.daemon]
    totals = (sum(each.least for each in copied), sum(each.most for each in copied))
    least, most = (
        with_headroom(instances, total, assumptions) for instances, total in zip(placed.instances, totals, strict=True)
    )
    volume_hourly = market.nearest_price("ebs.gp3_gb_month") * assumptions.host_volume_gib / HOURS
    return Hosts(
        instance_type=type_.name,
        hourly=price + volume_hourly,
        instance_hourly=price,
        copies_each=placed.first.copies,
        limiting_resources=placed.first.limiting_resources,
        least=least,
        most=most,
    )


@attrs.frozen
class _Placed:
    """The instances of a type on which copies are placed.

    Args:
        first: The number of copies of the first workload that fit on an instance.
        instances: The numbers of instances for the least and for the most copies.
    """

    first: Fit
    instances: tuple[int, int]


@functools.lru_cache(maxsize=10_000)  # the same copies are priced with many discounts
def _placed(
    type_: InstanceType, workloads: tuple[Workload, ...], *, trunking: bool, reserved_memory_mib: int
) -> _Placed | None:
    daemons = [each.demand(type_.architecture) for each in workloads if each.daemon]
    copied = [each for each in workloads if not each.daemon]
    empty = Host.of(type_, trunking=trunking, reserved_memory_mib=reserved_memory_mib)
    if any(fit(each, empty).copies < 1 for each in daemons):
        return None
    host = empty.remaining_after(*daemons)
    demands = [each.demand(type_.architecture) for each in copied]
    least = pack([(demand, each.least) for demand, each in zip(demands, copied, strict=True)], host)
    most = pack([(demand, each.most) for demand, each in zip(demands, copied, strict=True)], host)
    if least is None or most is None:
        return None
    return _Placed(fit(demands[0], host) if demands else fit(daemons[0], empty), (least, most))


def parity(instance_type: InstanceType, market: Market) -> Decimal | None:
    """Return the share of an instance that must be reserved before EC2 on demand is cheaper than Fargate.

    Args:
        instance_type: The instance type.
        market: The prices.

    Returns:
        The share, which can be above 1, or None if a price is unknown.
    """
    price = market.price(f"ec2.{instance_type.name}")
    vcpu = market.price("fargate.vcpu_hour", instance_type.architecture)
    gib = market.price("fargate.gb_hour", instance_type.architecture)
    if not (isinstance(price, Decimal) and isinstance(vcpu, Decimal) and isinstance(gib, Decimal)):
        return None
    return price / (instance_type.vcpus * vcpu + Decimal(instance_type.memory_mib) / 1024 * gib)

"""The cost of each launch type for workloads that share a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TypeAlias, TypeVar

import attrs

from moorage.advice.assumptions import Assumptions
from moorage.advice.hosts import NO_TYPE, Hosts, compared_types, hosts_of
from moorage.advice.launch_type import (
    HOST_START_SECONDS,
    LaunchType,
    Refusal,
    conditions,
    fargate_size,
    refusals,
)
from moorage.advice.market import Market
from moorage.advice.workload import Runs, Workload
from moorage.prices import UnknownPrice
from moorage.prices.price import HOURS
from moorage.workload.task import Architecture

FREE_STORAGE_GIB = 20
"""The ephemeral storage that Fargate does not bill (AWS Fargate pricing)."""


@attrs.frozen
class Cost:
    """The cost of a month in USD.

    Args:
        least: The cost if the least copies run all month.
        most: The cost if the most copies run all month.
        expected: The cost for the hours that each number of copies runs. The advice compares this cost.
    """

    least: Decimal
    most: Decimal
    expected: Decimal

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.least + other.least, self.most + other.most, self.expected + other.expected)

    def __mul__(self, factor: Decimal) -> Cost:
        return Cost(self.least * factor, self.most * factor, self.expected * factor)


NOTHING = Cost(Decimal(0), Decimal(0), Decimal(0))
_Priced: TypeAlias = Cost | UnknownPrice
_Found = TypeVar("_Found")


@attrs.frozen(kw_only=True)
class Offer:
    """A launch type with an architecture, as an option for workloads.

    Args:
        launch_type: The launch type.
        architecture: The processor architecture.
        refusals: The reasons why the workloads cannot run on it. Default: none.
        conditions: The changes that they need before. Default: none.
        hosts: The cheapest instances. Default: none, for Fargate.
        list_cost: The cost without the discount of Spot or the fee of Managed Instances; None if it is unknown.
        bound: The known side of an unknown cost: the cost on demand for Spot, and the cost without the fee for Managed
            Instances. Default: none.
        cost: The cost that AWS bills; None if it is unknown.
        upkeep: The cost of people, in USD a month. Default: 0.
        unknown: The prices that are unknown, with the assumptions that would decide them. Default: none.
    """

    launch_type: LaunchType
    architecture: Architecture
    refusals: tuple[Refusal, ...] = ()
    conditions: tuple[str, ...] = ()
    hosts: Hosts | None = None
    list_cost: Cost | None = None
    bound: Cost | None = None
    cost: Cost | None = None
    upkeep: Decimal = Decimal(0)
    unknown: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """True if the workloads can run on it as they are."""
        return not self.refusals and not self.conditions

    @property
    def total(self) -> Decimal | None:
        """The expected cost with upkeep, or None if it is unknown."""
        return None if self.cost is None else self.cost.expected + self.upkeep

    @property
    def name(self) -> str:
        """The launch type, with the architecture if it is not x86-64."""
        return f"{self.launch_type.value}{' on Graviton' if self.architecture is Architecture.ARM64 else ''}"


def offers(workloads: Sequence[Workload], market: Market, assumptions: Assumptions) -> tuple[Offer, ...]:
    """Return all launch types with both architectures as options for workloads that share a cluster.

    Args:
        workloads: The workloads.
        market: The prices.
        assumptions: The assumptions.
    """
    if assumptions.interruptible is not None:
        workloads = [attrs.evolve(each, interruptible=assumptions.interruptible) for each in workloads]
    return tuple(
        _offer(workloads, launch_type, architecture, market, assumptions)
        for architecture in Architecture
        for launch_type in LaunchType
    )


def _offer(
    workloads: Sequence[Workload],
    launch_type: LaunchType,
    architecture: Architecture,
    market: Market,
    assumptions: Assumptions,
) -> Offer:
    offer = Offer(
        launch_type=launch_type,
        architecture=architecture,
        refusals=_unique(refusal for each in workloads for refusal in refusals(each, launch_type, architecture)),
        conditions=_unique(each for workload in workloads for each in conditions(workload, launch_type, architecture)),
    )
    if offer.refusals:
        return offer
    if all(each.daemon for each in workloads):
        return attrs.evolve(offer, list_cost=NOTHING, cost=NOTHING)
    priced = (_on_fargate if launch_type.is_fargate else _on_hosts)(offer, workloads, market, assumptions)
    return _discounted(priced, market, assumptions)


def _on_fargate(offer: Offer, workloads: Sequence[Workload], market: Market, _: Assumptions) -> Offer:
    priced = fargate_cost(workloads, offer.architecture, market)
    if isinstance(priced, UnknownPrice):
        return attrs.evolve(offer, unknown=(priced.assumption,))
    return attrs.evolve(offer, list_cost=priced)


def _on_hosts(offer: Offer, workloads: Sequence[Workload], market: Market, assumptions: Assumptions) -> Offer:
    if any(each.windows for each in workloads):
        return attrs.evolve(offer, unknown=("The price book has no prices of instances with Windows.",))
    if offer.launch_type is LaunchType.MANAGED_INSTANCES:  # ECS chooses their types
        workloads = [attrs.evolve(each, instance_types=()) for each in workloads]
    found = cheapest_hosts(workloads, offer.architecture, market, assumptions)
    if found is None:
        refusal = Refusal("has no compared instance type that holds a copy", NO_TYPE)
        return attrs.evolve(offer, refusals=(refusal,))
    hosts, cost = found
    upkeep = assumptions.upkeep if offer.launch_type.needs_upkeep else Decimal(0)
    return attrs.evolve(offer, hosts=hosts, list_cost=cost, upkeep=upkeep)


def _discounted(offer: Offer, market: Market, assumptions: Assumptions) -> Offer:
    """Return an offer with the cost after discounts and fees, or with the price that is unknown."""
    listed = offer.list_cost
    if listed is None:
        return offer
    launch_type = offer.launch_type
    if launch_type is LaunchType.FARGATE:
        return attrs.evolve(offer, cost=listed * assumptions.fargate_factor)
    if launch_type is LaunchType.EC2:
        return attrs.evolve(offer, cost=listed * _of_instance(offer, assumptions.ec2_factor))
    if launch_type is LaunchType.FARGATE_SPOT:
        percent, item = assumptions.fargate_spot_percent, "fargate_spot.vcpu_hour"
    elif launch_type is LaunchType.EC2_SPOT:
        percent, item = assumptions.ec2_spot_percent, "ec2.spot_hour"
    else:
        percent, item = assumptions.managed_instances_fee_percent, "managed_instances.fee_hour"
    if percent is None:
        answer = market.price(item, offer.architecture)
        said = answer.assumption if isinstance(answer, UnknownPrice) else f"The price of {item} changes."
        bound = listed if launch_type.is_spot else listed * _of_instance(offer, assumptions.ec2_factor)
        return attrs.evolve(offer, bound=bound, unknown=(said,))
    factor = 1 - percent / 100 if launch_type.is_spot else assumptions.ec2_factor + percent / 100
    return attrs.evolve(offer, cost=listed * _of_instance(offer, factor))


def _of_instance(offer: Offer, factor: Decimal) -> Decimal:
    """Return a factor of the cost of hosts, from a factor of the instance: root volumes have no discount."""
    if offer.hosts is None:
        return factor
    share = offer.hosts.instance_hourly / offer.hosts.hourly
    return 1 - share + share * factor


def fargate_cost(workloads: Sequence[Workload], architecture: Architecture, market: Market) -> _Priced:
    """Return the cost of workloads on Fargate at list price, or the price that is unknown.

    Args:
        workloads: The workloads, each with a size that Fargate offers.
        architecture: The processor architecture.
        market: The prices.
    """
    cost = NOTHING
    for each in workloads:
        hourly = fargate_hourly(each, architecture, market)
        if isinstance(hourly, UnknownPrice):
            return hourly
        cost += _months(each, hourly)
    return cost


def fargate_hourly(workload: Workload, architecture: Architecture, market: Market) -> Decimal | UnknownPrice:
    """Return the list price of one copy on Fargate in USD an hour, or the price that is unknown.

    Args:
        workload: The workload, with a size that Fargate offers.
        architecture: The processor architecture.
        market: The prices.
    """
    cpu, memory = fargate_size(workload) or (0, 0)
    storage = max(0, workload.ephemeral_storage_gib - FREE_STORAGE_GIB)
    hourly = Decimal(0)
    system = "fargate.windows_" if workload.windows else "fargate."
    for item, quantity in (
        (f"{system}vcpu_hour", Decimal(cpu) / 1024),
        (f"{system}gb_hour", Decimal(memory) / 1024),
        ("fargate.windows_license_vcpu_hour", Decimal(cpu) / 1024 if workload.windows else Decimal(0)),
        ("fargate.storage_gb_hour", Decimal(storage)),
    ):
        price = market.price(item, architecture) if quantity else Decimal(0)
        if isinstance(price, UnknownPrice):
            return price
        hourly += price * quantity
    return hourly


def _months(workload: Workload, hourly: Decimal) -> Cost:
    """Return the cost of a month of all copies that are billed by the hour of a copy."""
    least, most = hourly * workload.least, hourly * workload.most
    if workload.runs:
        hours = workload.runs.billed_hours
        return _weighted(least * hours, most * hours, workload.share_at_most)
    return _weighted(least * HOURS, most * HOURS, workload.share_at_most)


def cheapest_hosts(
    workloads: Sequence[Workload], architecture: Architecture, market: Market, assumptions: Assumptions
) -> tuple[Hosts, Cost] | None:
    """Return the instances for workloads with their cost at list price; None if no type holds them.

    They are the cheapest ones, unless the workloads state the types of their cluster.

    Services and workers share instances, but those with GPUs have their own. A job has its own while it runs.

    Args:
        workloads: The workloads.
        architecture: The processor architecture.
        market: The prices.
        assumptions: The assumptions.
    """
    daemons = [each for each in workloads if each.daemon]
    kept = [each for each in workloads if each.runs is None and not each.daemon]
    groups = [[each for each in kept if (each.gpus > 0) is gpus] for gpus in (False, True)]
    groups += [[_overlapping(each)] for each in workloads if each.runs is not None]
    found = [_cheapest([*group, *daemons], architecture, market, assumptions) for group in groups if group]
    if not found or any(each is None for each in found):
        return None
    known = [each for each in found if each is not None]
    total = NOTHING
    for _, cost in known:
        total += cost
    hosts, _ = max(known, key=lambda each: each[1].expected)
    return hosts, total


def _overlapping(job: Workload) -> Workload:
    """Return a job with the copies of all runs that overlap, which need hosts at once."""
    return attrs.evolve(job, least=job.least * job.at_once, most=job.most * job.at_once)


def _cheapest(
    group: Sequence[Workload], architecture: Architecture, market: Market, assumptions: Assumptions
) -> tuple[Hosts, Cost] | None:
    priced = [
        (hosts, _cost_of_hosts(hosts, group, architecture, market, assumptions))
        for type_ in compared_types(group, architecture, market, assumptions)
        if (hosts := hosts_of(type_, group, market, assumptions))
    ]
    return min(priced, key=lambda each: (each[1].expected, each[0].instance_type), default=None)


def _cost_of_hosts(
    hosts: Hosts, group: Sequence[Workload], architecture: Architecture, market: Market, assumptions: Assumptions
) -> Cost:
    first = group[0]
    share = _share_of(group, architecture, market)
    if first.runs:
        hours = _host_hours(first.runs, first, assumptions)
        return _weighted(hosts.hourly * hosts.least * hours, hosts.hourly * hosts.most * hours, share)
    return _weighted(hosts.hourly * hosts.least * HOURS, hosts.hourly * hosts.most * HOURS, share)


def _host_hours(runs: Runs, workload: Workload, assumptions: Assumptions) -> Decimal:
    """Return the hours a month that the hosts of a job run. A job that must start quickly finds its hosts running."""
    needs_running_hosts = workload.start_seconds is not None and workload.start_seconds < HOST_START_SECONDS
    if not assumptions.scales_to_zero or needs_running_hosts:
        return HOURS
    needed = runs.count * (runs.hours + Decimal(assumptions.idle_minutes) / 60)
    return min(HOURS, needed / workload.at_once)


def _share_of(group: Sequence[Workload], architecture: Architecture, market: Market) -> Decimal:
    """Return the share of the month at the most copies: that of each workload, weighted by what its copies reserve."""
    if len(group) == 1:
        return group[0].share_at_most
    hourly = [fargate_hourly(each, architecture, market) for each in group if fargate_size(each)]
    known = [price for price in hourly if isinstance(price, Decimal)]
    sizes = known if len(known) == len(group) else [Decimal(each.memory_mib) for each in group]
    weights = [size * (each.most - each.least) for size, each in zip(sizes, group, strict=True)]
    total = sum(weights, Decimal(0))
    if not total:
        return Decimal(1)
    return sum((weight * each.share_at_most for weight, each in zip(weights, group, strict=True)), Decimal(0)) / total


def _weighted(least: Decimal, most: Decimal, share: Decimal) -> Cost:
    return Cost(least, most, least + (most - least) * share)


def _unique(found: Iterator[_Found]) -> tuple[_Found, ...]:
    return tuple(dict.fromkeys(found))

"""The advice for a workload, and for all workloads of a cluster together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from moorage.advice.assumptions import Assumptions
from moorage.advice.decision import Decision, cheapest, decide
from moorage.advice.flips import Question, flips
from moorage.advice.launch_type import LaunchType
from moorage.advice.market import Market
from moorage.advice.money import usd, usd_range
from moorage.advice.offers import Offer, offers
from moorage.advice.workload import Workload
from moorage.prices import PriceBook
from moorage.workload import ec2_instances

DEFAULT_REGION = "us-east-1"
"""The region of workloads whose region is unknown."""


@attrs.frozen(kw_only=True)
class Advice:
    """The choice of a launch type for workloads, with the cost of each.

    Args:
        subject: The name of the workload, or of the cluster.
        workloads: The workloads.
        options: The options, with their costs and the reasons against them.
        advised: The advised option; None if no known price decides.
        reason: The reason, in one or two sentences, with the number that decides.
        flips: The circumstances that would change the advice, one sentence each.
        assumptions: The assumptions, one sentence each.
        sources: The documents that state the prices and the reasons against options, one sentence each.
        region: The region of the prices.
    """

    subject: str
    workloads: tuple[Workload, ...]
    options: tuple[Offer, ...]
    advised: Offer | None
    reason: str
    flips: tuple[str, ...]
    assumptions: tuple[str, ...]
    sources: tuple[str, ...]
    region: str

    def __str__(self) -> str:
        """Return the advice as a table with its sentences."""
        rows = [HEADINGS, *map(cells, self.shown)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
        lines = ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
        sentences = [self.reason, *(f"- {flip}" for flip in self.flips)]
        return "\n".join([self.subject, *(line.rstrip() for line in lines), *sentences])

    @property
    def shown(self) -> tuple[Offer, ...]:
        """The options that a table shows: those of the workloads' architectures, and the cheapest of the others."""
        own = set.intersection(*(set(each.architectures) for each in self.workloads))
        others = [each for each in self.options if each.architecture not in own and not each.refusals]
        other = cheapest(each for each in others if each.total is not None)
        return tuple(each for each in self.options if each.architecture in own or each is other)


HEADINGS = ("option", "fits", "instances", "limited by", "USD a month", "upkeep")


def cells(offer: Offer) -> tuple[str, ...]:
    """Return the cells of an option in a table.

    Args:
        offer: The option.
    """
    hosts = offer.hosts
    if offer.refusals:
        fits = f"no: {offer.refusals[0].reason}"
    elif offer.conditions:
        fits = f"with {' and '.join(offer.conditions)}"
    else:
        fits = "yes"
    instances = ""
    if hosts:
        count = str(hosts.least) if hosts.least == hosts.most else f"{hosts.least} to {hosts.most}"
        instances = f"{count} {hosts.instance_type}"
    limit = f"{' and '.join(hosts.limiting_resources)}: {hosts.copies_each} each" if hosts else ""
    return offer.name, fits, instances, limit, _month(offer), usd(offer.upkeep) if offer.upkeep else ""


def _month(offer: Offer) -> str:
    if offer.cost is not None:
        return usd_range(offer.cost.least, offer.cost.most)
    if offer.bound is not None:
        bound = usd_range(offer.bound.least, offer.bound.most)
        return f"below {bound}" if offer.launch_type.is_spot else f"{bound} and a fee"
    return "unknown" if offer.unknown else ""


def advise(
    workloads: Sequence[Workload],
    *,
    subject: str | None = None,
    region: str | None = None,
    assumptions: Assumptions | None = None,
    book: PriceBook | None = None,
) -> Advice:
    """Advise on a launch type for one workload, or for several that share a cluster.

    Args:
        workloads: The workloads, at least one.
        subject: The name of the advice. Default: the names of the workloads.
        region: The region of the prices. Default: us-east-1.
        assumptions: The assumptions. Default: `Assumptions()`.
        book: The price book. Default: the one that moorage contains.

    Raises:
        ValueError: If there is no workload.
    """
    if not workloads:
        raise ValueError("workloads must not be empty (got ()); use at least one workload")
    given = assumptions or Assumptions()
    if given.interruptible is not None:
        workloads = [attrs.evolve(each, interruptible=given.interruptible) for each in workloads]
        given = attrs.evolve(given, interruptible=None)
    market = Market.of(book or PriceBook.load(), region or DEFAULT_REGION)
    options = offers(workloads, market, given)
    decision = decide(options, given)
    question = Question(workloads=workloads, market=market, assumptions=given)
    return Advice(
        subject=subject or " and ".join(each.name for each in workloads),
        workloads=tuple(workloads),
        options=options,
        advised=decision.advised,
        reason=reason_of(decision, options, workloads, given),
        flips=flips(question, decision, options),
        assumptions=tuple(_assumed(workloads, market, given)),
        sources=tuple(dict.fromkeys(_sources(options, market))),
        region=market.region,
    )


def reason_of(
    decision: Decision, options: Sequence[Offer], workloads: Sequence[Workload], assumptions: Assumptions
) -> str:
    """Return why an option is advised, with the number that decides.

    Args:
        decision: The decision.
        options: The options.
        workloads: The workloads.
        assumptions: The assumptions.
    """
    advised, fargate, hosted = decision.advised, decision.fargate, decision.hosted
    if advised is None:
        return _undecided(options)
    if all(each.daemon for each in workloads):
        return "A daemon runs on the instances of its cluster, Fargate has none, and it has no cost of its own."
    spot = ", at a discount that AWS changes" if advised.cost is None and advised.launch_type.is_spot else ""
    cost = f"Advised: {advised.name}{_on_hosts(advised)}{spot}. "
    if fargate and hosted:
        return cost + _compared(decision, workloads, assumptions)
    chosen = hosted or fargate
    month = usd(chosen.cost.expected) if chosen and chosen.cost else "an unknown amount"
    upkeep = f", and upkeep {usd(chosen.upkeep)}" if chosen and chosen.upkeep else ""
    own = set.intersection(*(set(each.architectures) for each in workloads))
    against = _against([each for each in options if each.architecture in own], fargate=fargate is None)
    return f"{cost}{against} The list price is {month} a month{upkeep}."


def _on_hosts(offer: Offer) -> str:
    return f" on {offer.hosts.instance_type}" if offer.hosts else ""


def _compared(decision: Decision, workloads: Sequence[Workload], assumptions: Assumptions) -> str:
    fargate, hosted = decision.fargate, decision.hosted
    if not (fargate and hosted and fargate.cost and hosted.cost and fargate.total and hosted.total):
        return ""
    on_fargate, on_hosts = usd(fargate.cost.expected), usd(hosted.cost.expected)
    upkeep = f" and {usd(hosted.upkeep)} of upkeep" if hosted.upkeep else ""
    percent = (1 - hosted.total / fargate.total) * 100
    name = f"{hosted.name}{_on_hosts(hosted)}"
    if decision.hosts_win:
        return f"It costs {on_hosts}{upkeep} a month, {percent:.0f} % less than {fargate.name} at {on_fargate}."
    said = f"{fargate.name} costs {on_fargate} a month, and {name} {on_hosts}{upkeep}"
    if 0 <= percent <= assumptions.margin_percent:
        return f"{said}: {percent:.0f} % less, within the margin of {assumptions.margin_percent} % for its overhead."
    if hosted.cost.expected < fargate.cost.expected:
        return f"{said}, which decides."
    (first, *others) = workloads
    if first.runs and not others:
        hours = first.runs.count * first.runs.hours
        return f"{said}, whose hosts also run beside the {hours:.0f} hours of its runs."
    return f"{said}."


def _against(options: Sequence[Offer], *, fargate: bool) -> str:
    """Return why Fargate, or instances, cannot be used."""
    refused = LaunchType.FARGATE if fargate else LaunchType.EC2
    for offer in options:
        if offer.launch_type is refused and (offer.refusals or offer.conditions):
            why = offer.refusals[0].reason if offer.refusals else f"needs {' and '.join(offer.conditions)}"
            return f"{refused.value} {why}."
    return f"The price of {refused.value} is unknown."


def _undecided(options: Sequence[Offer]) -> str:
    fitting = [each.name for each in options if each.fits]
    if not fitting:
        return "No compared option fits."
    unknown = next((sentence for each in options if each.fits for sentence in each.unknown), "")
    return f"No known price decides between {', '.join(fitting)}. {unknown}".rstrip()


def _sources(options: Sequence[Offer], market: Market) -> Iterator[str]:
    for offer in options:
        if offer.list_cost is not None:
            for item in ("fargate.vcpu_hour", "fargate.gb_hour") if offer.launch_type.is_fargate else ():
                yield market.source(item, offer.architecture) or ""
            if offer.hosts:
                yield market.source(f"ec2.{offer.hosts.instance_type}") or ""
        yield from (f"{offer.launch_type.value} {each.reason}: {each.source}" for each in offer.refusals)


def _assumed(workloads: Sequence[Workload], market: Market, assumptions: Assumptions) -> Iterator[str]:
    yield market.assumption
    zones = "a zone can be lost" if assumptions.survives_zone_loss else "no spare hosts for the loss of a zone"
    yield (
        f"Hosts are spread over {assumptions.zones} zones, with {zones}, at {assumptions.target_capacity_percent} % "
        f"target capacity, {assumptions.reserved_memory_mib} MiB reserved and a root volume of "
        f"{assumptions.host_volume_gib} GiB; awsvpcTrunking is {'on' if assumptions.trunking else 'off'}."
    )
    yield f"The sizes and network interfaces of instances are those of the types of {ec2_instances.DATE}."
    yield (
        f"Upkeep of the hosts of a cluster takes {assumptions.upkeep_hours} hours a month at "
        f"{usd(assumptions.hourly_rate)}; Fargate and ECS Managed Instances need none."
    )
    plan = assumptions.savings_plan_percent
    yield f"A Compute Savings Plan of {plan} % applies." if plan else "No Savings Plan applies."
    if any(each.least != each.most and each.hours_at_most is None for each in workloads):
        yield "Without schedules, the most copies run for half of the month, and the least for the other half."
    for each in workloads:
        if each.runs:
            minutes = assumptions.idle_minutes
            yield f"A job has hosts of its own, which run {minutes} minutes longer than each run, an assumption."
        if each.runs and each.runs.assumed:
            duration = each.runs.hours * 60
            yield f"{each.name} runs {each.runs.count:.0f} times a month for {duration:.0f} minutes."
    yield "Load balancers, NAT gateways, EBS volumes of tasks, logs and traffic are left out: they cost the same."

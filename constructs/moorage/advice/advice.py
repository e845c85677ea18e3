"""The advice for a workload, and for all workloads of a cluster together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

import attrs

from moorage.advice.assumptions import Assumptions
from moorage.advice.decision import Decision, cheapest, decide
from moorage.advice.flips import Question, flips
from moorage.advice.hosts import own_types
from moorage.advice.launch_type import LaunchType
from moorage.advice.market import Market
from moorage.advice.money import usd, usd_range
from moorage.advice.offers import Offer, offers
from moorage.advice.workload import Workload
from moorage.prices import PriceBook
from moorage.workload import ec2_instances

_MOST_NAMES = 5
"""The most instance types that a sentence names."""
DEFAULT_REGION = "us-east-1"
"""The region of workloads whose region is unknown."""


@attrs.frozen(kw_only=True)
class Advice:
    """The choice of a launch type for workloads, with the cost of each.

    Args:
        subject: The name of the workload, or of the cluster.
        heading: The subject, for one workload also with its kind, its capacity, and the number and size of its copies.
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
    heading: str
    workloads: tuple[Workload, ...]
    options: tuple[Offer, ...]
    advised: Offer | None
    reason: str
    flips: tuple[str, ...]
    assumptions: tuple[str, ...]
    sources: tuple[str, ...]
    region: str

    def __str__(self) -> str:
        """Return the advice as a table with its sentences, assumptions and sources."""
        rows = [HEADINGS, *map(cells, self.shown)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
        lines = ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
        sentences = [self.reason, *(f"- {flip}" for flip in self.flips)]
        assumed = ["Assumptions:", *(f"- {each}" for each in self.assumptions)]
        stated = ["Sources:", *(f"- {each}" for each in self.sources)] if self.sources else []
        return "\n".join([self.heading, *(line.rstrip() for line in lines), *sentences, *assumed, *stated])

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
        return f"{bound} less a discount" if offer.launch_type.is_spot else f"{bound} and a fee"
    return "unknown" if offer.unknown else ""


def advise(
    workloads: Sequence[Workload],
    *,
    subject: str | None = None,
    heading: str | None = None,
    region: str | None = None,
    assumptions: Assumptions | None = None,
    book: PriceBook | None = None,
) -> Advice:
    """Advise on a launch type for one workload, or for several that share a cluster.

    Args:
        workloads: The workloads, at least one.
        subject: The name of the advice. Default: the names of the workloads.
        heading: The first line of the advice as a text. Default: the subject.
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
    named = subject or " and ".join(each.name for each in workloads)
    return Advice(
        subject=named,
        heading=heading or named,
        workloads=tuple(workloads),
        options=options,
        advised=decision.advised,
        reason=reason_of(decision, options, workloads, given),
        flips=flips(question, decision, options),
        assumptions=(*_assumed(workloads, market, given), *_assumed_types(workloads, options)),
        sources=tuple(dict.fromkeys(_sources(options, workloads, market))),
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
    if not (fargate and hosted and fargate.cost and hosted.cost) or fargate.total is None or hosted.total is None:
        return ""
    on_fargate, on_hosts = usd(fargate.cost.expected), usd(hosted.cost.expected)
    upkeep = f" and {usd(hosted.upkeep)} of upkeep" if hosted.upkeep else ""
    percent = (1 - hosted.total / fargate.total) * 100 if fargate.total else Decimal(0)
    name = f"{hosted.name}{_on_hosts(hosted)}"
    month = "a month" if all(each.least == each.most for each in workloads) else "a month on average"
    if decision.hosts_win:
        return f"It costs {on_hosts}{upkeep} {month}, {percent:.0f} % less than {fargate.name} at {on_fargate}."
    said = f"{fargate.name} costs {on_fargate} {month}, and {name} {on_hosts}{upkeep}"
    if fargate.total and 0 <= percent <= assumptions.margin_percent:
        return f"{said}: {percent:.0f} % less, within the margin of {assumptions.margin_percent} % for its overhead."
    if hosted.cost.expected < fargate.cost.expected:
        return f"{said}, which decides."
    (first, *others) = workloads
    if first.runs and not others and first.at_once == 1:
        hours = round(first.runs.count * first.runs.hours, 1).normalize()
        return f"{said}. Its runs take {hours:f} hours a month, and hosts run longer."
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


def _sources(options: Sequence[Offer], workloads: Sequence[Workload], market: Market) -> Iterator[str]:
    system = "fargate.windows_" if any(each.windows for each in workloads) else "fargate."
    for offer in options:
        if offer.list_cost is not None:
            for item in (f"{system}vcpu_hour", f"{system}gb_hour") if offer.launch_type.is_fargate else ():
                yield market.source(item, offer.architecture) or ""
            if offer.hosts:
                yield market.source(f"ec2.{offer.hosts.instance_type}") or ""
        yield from (f"{offer.launch_type.value} {each.reason}: {each.source}" for each in offer.refusals)


def _assumed_types(workloads: Sequence[Workload], options: Sequence[Offer]) -> Iterator[str]:
    for offer in options:
        own = own_types(workloads, offer.architecture)
        if not own or not offer.hosts or offer.launch_type is not LaunchType.EC2:
            continue
        names = tuple(dict.fromkeys(each.name for types in own for each in types))
        listed = ", ".join(names[:_MOST_NAMES])
        listed += f" and {len(names) - _MOST_NAMES} more" if names[_MOST_NAMES:] else ""
        if offer.hosts.instance_type in names:
            yield f"{offer.name} is compared only on the instance types of the cluster: {listed}."
        else:
            yield f"Other types than those of the cluster are compared, which have no price or hold no copy: {listed}."


def _assumed(workloads: Sequence[Workload], market: Market, assumptions: Assumptions) -> Iterator[str]:
    yield market.assumption
    zones = "a zone can be lost" if assumptions.survives_zone_loss else "no spare hosts for the loss of a zone"
    count = f"{assumptions.zones} zone{'s' if assumptions.zones > 1 else ''}"
    yield (
        f"Hosts are spread over {count}, with {zones}, at {assumptions.target_capacity_percent} % "
        f"target capacity, {assumptions.reserved_memory_mib} MiB reserved and a root volume of "
        f"{assumptions.host_volume_gib} GiB; awsvpcTrunking is {'on' if assumptions.trunking else 'off'}."
    )
    yield f"The sizes and network interfaces of instances are those of the types of {ec2_instances.DATE}."
    yield (
        f"Upkeep of the hosts of a cluster takes {assumptions.upkeep_hours} hours a month at "
        f"{usd(assumptions.hourly_rate)}; Fargate and ECS Managed Instances need none."
    )
    yield from _discounts(assumptions)
    if any(each.least != each.most and each.hours_at_most is None for each in workloads):
        yield "Without schedules, the most copies run for half of the month, and the least for the other half."
    for each in workloads:
        if each.runs:
            idle = assumptions.idle_minutes
            yield f"A job has hosts of its own, which run {idle} minutes longer than each run, an assumption."
        if each.at_once > 1:
            yield f"{each.at_once} runs of {each.name} overlap on average, and need hosts at once."
        if each.runs and each.runs.assumed:
            yield f"{each.name} {each.runs}."
    yield "Load balancers, NAT gateways, EBS volumes of tasks, logs and traffic are left out: they cost the same."
    yield "Container Insights, and the public IPv4 addresses of tasks and hosts, are left out."


def _discounts(assumptions: Assumptions) -> Iterator[str]:
    plan, own = assumptions.savings_plan_percent, assumptions.ec2_savings_plan_percent
    if own is not None and own != plan:
        yield f"A Savings Plan of {own} % applies to EC2, and {f'one of {plan} %' if plan else 'none'} to Fargate."
    else:
        yield f"A Compute Savings Plan of {plan} % applies to Fargate and EC2." if plan else "No Savings Plan applies."
    for percent, sentence in (
        (assumptions.fargate_spot_percent, "Fargate Spot costs {} % less than Fargate."),
        (assumptions.ec2_spot_percent, "EC2 Spot costs {} % less than EC2 on demand."),
        (
            assumptions.managed_instances_fee_percent,
            "The fee of ECS Managed Instances is {} % of their price on demand.",
        ),
    ):
        if percent is not None:
            yield sentence.format(percent)

"""The circumstances that would change an advice, with the number at which it changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from decimal import ROUND_FLOOR, Decimal

import attrs

from moorage.advice.assumptions import LARGEST_SAVINGS_PLAN, Assumptions
from moorage.advice.decision import Decision, cheapest, decide
from moorage.advice.hosts import compared_types, hosts_of, own_types, with_headroom
from moorage.advice.launch_type import LaunchType, fargate_size
from moorage.advice.market import Market
from moorage.advice.money import usd
from moorage.advice.offers import Offer, fargate_hourly, offers
from moorage.advice.workload import Workload
from moorage.prices.price import HOURS

LARGEST_SPOT = 90
"""The largest discount of EC2 Spot, in percent (EC2 user guide, Spot Instances)."""
MOST_COPIES = 1000
"""The number of copies up to which a change of the advice is searched, or that of the workload if it is larger."""
_ALL = Decimal(100)


@attrs.frozen(kw_only=True)
class Question:
    """Workloads with the prices and assumptions of an advice.

    Args:
        workloads: The workloads.
        market: The prices.
        assumptions: The assumptions.
    """

    workloads: Sequence[Workload]
    market: Market
    assumptions: Assumptions

    def options(self, **changes: object) -> tuple[Offer, ...]:
        """Return the options with changed assumptions.

        Args:
            **changes: The assumptions that change.
        """
        return offers(self.workloads, self.market, self._changed(changes))

    def hosts_win(self, launch_type: LaunchType, **changes: object) -> bool:
        """Return whether a launch type on instances is cheaper than Fargate by the margin, with changed assumptions.

        Args:
            launch_type: The launch type.
            **changes: The assumptions that change.
        """
        found = [
            each for each in self.options(**changes) if each.launch_type.is_fargate or each.launch_type is launch_type
        ]
        decision = decide(found, self._changed(changes))
        return decision.hosts_win and decision.fargate is not None

    def _changed(self, changes: dict[str, object]) -> Assumptions:
        return attrs.evolve(self.assumptions, **changes)  # type: ignore[arg-type]  # the callers name the fields


def flips(question: Question, decision: Decision, options: Sequence[Offer]) -> tuple[str, ...]:
    """Return the sentences about what would change the advice.

    Args:
        question: The workloads, prices and assumptions.
        decision: The advice.
        options: The options.
    """
    return tuple(_flips(question, decision, options))


def _flips(question: Question, decision: Decision, options: Sequence[Offer]) -> Iterator[str]:
    if decision.fargate and decision.hosted:
        yield from _of_copies(question)
        yield from _of_upkeep(question, decision)
        if not decision.hosts_win:
            yield from _of_discounts(question, options)
            yield from _of_trunking(question, decision, options)
    yield from _of_types(question, decision)
    yield from _of_fee(question, decision, options)
    yield from _of_interruption(question, decision)
    yield from _of_conditions(decision, options)


def _of_copies(question: Question) -> Iterator[str]:
    if len(question.workloads) != 1:
        return
    (workload,) = question.workloads
    if workload.runs or workload.daemon:
        return
    most = max(MOST_COPIES, workload.most)
    losing = copies_where_hosts_lose(workload, question.market, question.assumptions, most)
    if not losing:
        return
    always = losing[-1] + 1
    if len(losing) == most:
        yield f"EC2 on demand does not win with any number of copies up to {most:,}."
    elif always > most:
        yield f"EC2 on demand wins only with those numbers of copies up to {most:,} that fill the instances."
    elif len(losing) == losing[-1]:
        yield f"EC2 on demand wins from {always} copies that run all month, and Fargate below."
    else:
        first = next(copies for copies in range(1, always) if copies not in losing)
        yield (
            f"EC2 on demand wins from {always} copies that run all month. From {first} to {always - 1} copies, it wins "
            "only if they fill the instances."
        )


def copies_where_hosts_lose(workload: Workload, market: Market, assumptions: Assumptions, most: int) -> list[int]:
    """Return the numbers of copies with which EC2 on demand does not win against Fargate, if all run all month.

    Another copy can need another instance that is then half empty, so a number at which EC2 wins can have larger ones
    at which Fargate wins. The list is empty if Fargate or EC2 cannot run the workload.

    Args:
        workload: The workload, which is a service.
        market: The prices.
        assumptions: The assumptions.
        most: The largest number of copies.
    """
    hosted, fargate = _rates(workload, market, assumptions)
    if not hosted or fargate is None:
        return []
    limit = fargate * assumptions.margin_factor
    losing = []
    for copies in range(1, most + 1):
        cost = min(
            hourly * with_headroom(math.ceil(copies / each), copies, assumptions) for each, hourly in hosted.items()
        )
        if cost * HOURS + assumptions.upkeep >= limit * copies * HOURS:
            losing.append(copies)
    return losing


def _rates(workload: Workload, market: Market, assumptions: Assumptions) -> tuple[dict[int, Decimal], Decimal | None]:
    """Return the cheapest price of an instance for each number of copies that it holds, and that of a copy on Fargate.

    Both are in USD an hour. The architectures are those that the workload supports.
    """
    hosted: dict[int, Decimal] = {}
    on_fargate = []
    for architecture in workload.architectures:
        for type_ in compared_types([workload], architecture, market, assumptions):
            hosts = hosts_of(type_, [workload], market, assumptions)
            if hosts:
                volume = hosts.hourly - hosts.instance_hourly
                hourly = volume + hosts.instance_hourly * assumptions.ec2_factor
                hosted[hosts.copies_each] = min(hourly, hosted.get(hosts.copies_each, hourly))
        if fargate_size(workload):
            rate = fargate_hourly(workload, architecture, market)
            if isinstance(rate, Decimal):
                on_fargate.append(rate * assumptions.fargate_factor)
    return hosted, min(on_fargate, default=None)


def _of_upkeep(question: Question, decision: Decision) -> Iterator[str]:
    fargate, hosted, assumptions = decision.fargate, decision.hosted, question.assumptions
    if not (fargate and hosted and fargate.total and hosted.cost and hosted.launch_type.needs_upkeep):
        return
    room = fargate.total * assumptions.margin_factor - hosted.cost.expected
    if not assumptions.hourly_rate or room <= 0:
        return
    hours = (room / assumptions.hourly_rate).quantize(Decimal("0.1"), ROUND_FLOOR)
    if hours <= 0:
        return
    if decision.hosts_win:
        yield f"Fargate wins if upkeep takes more than {hours} hours a month."
    else:
        yield f"{hosted.launch_type.value} wins if upkeep takes less than {hours} hours a month."


def _of_discounts(question: Question, options: Sequence[Offer]) -> Iterator[str]:
    plan = smallest(
        LARGEST_SAVINGS_PLAN,
        lambda percent: question.hosts_win(LaunchType.EC2, ec2_savings_plan_percent=Decimal(percent)),
    )
    if plan:
        own = question.assumptions.savings_plan_percent
        yield (
            f"EC2 on demand wins with a Savings Plan of {plan} % on the instances, and "
            f"{f'{own} %' if own else 'none'} on Fargate."
        )
    else:
        yield f"Even the largest Savings Plan, {LARGEST_SAVINGS_PLAN} %, does not make EC2 win."
    if any(each.launch_type is LaunchType.EC2_SPOT and each.fits for each in options):
        spot = smallest(
            LARGEST_SPOT, lambda percent: question.hosts_win(LaunchType.EC2_SPOT, ec2_spot_percent=Decimal(percent))
        )
        if spot:
            yield f"EC2 Spot wins against Fargate on demand if it is at least {spot} % below EC2 on demand."


def smallest(most: int, holds: Callable[[int], bool]) -> int | None:
    """Return the smallest number from 1 to `most` at which a condition holds, that holds above it too; None for none.

    Args:
        most: The largest number.
        holds: The condition.
    """
    if not holds(most):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _of_trunking(question: Question, decision: Decision, options: Sequence[Offer]) -> Iterator[str]:
    hosts = decision.hosted.hosts if decision.hosted else None
    if question.assumptions.trunking or hosts is None or "network interfaces" not in hosts.limiting_resources:
        return
    offer = cheapest(
        each
        for each in question.options(trunking=True)
        if each.launch_type is LaunchType.EC2 and each.fits and each.total is not None
    )
    if offer is None or offer.total is None or offer.cost is None or offer.hosts is None:
        return
    listed = next(each.total for each in options if _is_same(each, offer))
    if listed is None or offer.total >= listed:  # the setting saves no instance
        return
    wins = question.hosts_win(LaunchType.EC2, trunking=True)
    verb = "wins" if wins else "still loses"
    copies = offer.hosts.copies_each
    fit = "1 copy fits" if copies == 1 else f"{copies} copies fit"
    yield (
        f"EC2 on demand {verb} with the account setting awsvpcTrunking: {fit} "
        f"on {offer.hosts.instance_type}, for {usd(offer.cost.expected)} a month and {usd(offer.upkeep)} of upkeep."
    )


def _is_same(one: Offer, other: Offer) -> bool:
    return (one.launch_type, one.architecture) == (other.launch_type, other.architecture)


def _of_types(question: Question, decision: Decision) -> Iterator[str]:
    """Yield the cheapest type, if the types of the cluster are others that cost more."""
    hosted = decision.hosted
    if hosted is None or hosted.hosts is None or not own_types(question.workloads, hosted.architecture):
        return
    free = [attrs.evolve(each, instance_types=()) for each in question.workloads]
    options = offers(free, question.market, question.assumptions)
    other = next(each for each in options if _is_same(each, hosted))
    if not (other.hosts and other.cost and other.total and hosted.total and hosted.cost):
        return
    if other.hosts.instance_type == hosted.hosts.instance_type:
        return
    percent = round((1 - other.total / hosted.total) * 100)
    if percent >= 1:
        yield (
            f"{other.name} costs {usd(other.cost.expected)} a month on {other.hosts.instance_type}, and "
            f"{usd(hosted.cost.expected)} on {hosted.hosts.instance_type}, a type of the cluster."
        )


def _of_fee(question: Question, decision: Decision, options: Sequence[Offer]) -> Iterator[str]:
    """Yield the fee below which ECS Managed Instances are cheaper than the advice, if they can be."""
    advised = decision.advised
    offer = next(
        (
            each
            for each in options
            if each.launch_type is LaunchType.MANAGED_INSTANCES and each.fits and each.cost is None and each.hosts
        ),
        None,
    )
    base = decision.hosted if decision.hosts_win else decision.fargate
    if offer is None or advised is None or base is None or base.total is None:
        return
    if offer.list_cost is None or offer.hosts is None:
        return
    limit = base.total if decision.hosts_win else base.total * question.assumptions.margin_factor
    instances = offer.list_cost.expected * offer.hosts.instance_hourly / offer.hosts.hourly
    volumes = offer.list_cost.expected - instances
    room = limit - volumes - instances * question.assumptions.ec2_factor
    percent = min(_ALL, (room / instances * 100).quantize(Decimal(1), ROUND_FLOOR)) if instances else Decimal(0)
    if percent >= 1:
        yield f"ECS Managed Instances win if their fee is less than {percent} % of the price of the instances."


def _of_interruption(question: Question, decision: Decision) -> Iterator[str]:
    advised = decision.advised
    if advised is None or advised.launch_type.is_spot or advised.launch_type not in _SPOT_OF:
        return
    if any(each.windows or each.daemon for each in question.workloads):
        return
    wanted = _SPOT_OF[advised.launch_type]
    options = question.options(interruptible=True)
    spot = next((each for each in options if each.launch_type is wanted and each.fits and each.list_cost), None)
    if spot is None or spot.list_cost is None or not spot.list_cost.expected or advised.total is None:
        return
    if spot.total is not None and spot.total >= advised.total:
        return
    given = question.assumptions
    plan = (1 - (given.fargate_factor if advised.launch_type.is_fargate else given.ec2_factor)) * 100
    tolerated = all(each.interruptible for each in question.workloads)
    needs = [] if tolerated else ["the copies tolerate a stop with a notice of two minutes (interruptible)"]
    if spot.total is None and plan:  # Savings Plans do not apply to Spot
        needs.append(f"its discount is more than {plan.normalize():f} %, that of the Savings Plan")
    if needs:
        yield f"{wanted.value} costs less if {' and '.join(needs)}."


_SPOT_OF = {LaunchType.FARGATE: LaunchType.FARGATE_SPOT, LaunchType.EC2: LaunchType.EC2_SPOT}


def _of_conditions(decision: Decision, options: Sequence[Offer]) -> Iterator[str]:
    """Yield the option that fits after the fewest changes of the task, the cheapest of those that cost less."""
    base = decision.hosted if decision.hosts_win else decision.fargate
    if base is None or not base.total:
        return
    cheaper = [
        each
        for each in options
        if each.conditions and not each.refusals and each.total is not None and each.total < base.total
    ]
    fewest = min((len(each.conditions) for each in cheaper), default=0)
    other = cheapest(each for each in cheaper if len(each.conditions) == fewest)
    if other is None or other.total is None:
        return
    percent = round((1 - other.total / base.total) * 100)
    if percent >= 1:
        upkeep = " with upkeep" if other.upkeep else ""
        changes = " and ".join(other.conditions)
        yield f"{other.name} costs {usd(other.total)} a month{upkeep}, {percent} % less, with {changes}."

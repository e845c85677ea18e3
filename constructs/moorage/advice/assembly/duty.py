"""The part of a month in which a service runs its most copies, from its scaling and its schedules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal

from moorage.assembly.values import Value
from moorage.cost.amounts import Range
from moorage.cost.resources import Item, number_of, tables
from moorage.cost.schedules import starts_of_a_year
from moorage.prices.price import HOURS

_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"


def hours_at_most(service: Item, copies: Range) -> Decimal | None:
    """Return the hours a month at the most copies that need as many task-hours as the schedules of a service.

    Between schedules, a policy keeps the copies halfway between the bounds; without a policy, the bound that applies is
    the number of copies.

    Args:
        service: The service.
        copies: The least and the most copies.

    Returns:
        The hours, or None without schedules, and if a schedule cannot be read.
    """
    targets = service.by(_TARGET, "ResourceId")
    if len(targets) != 1 or copies.is_one:
        return None
    (target,) = targets
    changes = sorted(_changes(target), key=lambda each: each[0])
    if not changes:
        return None
    average = _average(target, changes, has_policy=bool(target.by(_POLICY, "ScalingTargetId")))
    share = (average - copies.least) / (copies.most - copies.least)
    return max(Decimal(0), min(Decimal(1), share)) * HOURS


def _changes(target: Item) -> Iterator[tuple[dt.datetime, Mapping[str, Value]]]:
    for action in tables(target.list("ScheduledActions")):
        stated = action.get("ScalableTargetAction")
        if isinstance(stated, dict):
            for start in starts_of_a_year(str(action.get("Schedule"))):
                yield start, stated


def _average(target: Item, changes: list[tuple[dt.datetime, Mapping[str, Value]]], *, has_policy: bool) -> Decimal:
    """Return the average number of copies in a year, which begins as it ends."""
    least, most = target.number("MinCapacity"), target.number("MaxCapacity")
    for _, stated in changes:  # the state at the end of the year is that at its beginning
        least, most = _bounds(stated, least, most)
    year = changes[0][0].year
    now, end = dt.datetime(year, 1, 1, tzinfo=dt.UTC), dt.datetime(year + 1, 1, 1, tzinfo=dt.UTC)
    whole = Decimal((end - now).total_seconds())
    copies = least
    total = Decimal(0)
    for start, stated in [*changes, (end, {})]:
        level = (least + most) / 2 if has_policy else max(least, min(copies, most))
        total += level * Decimal((start - now).total_seconds())
        copies, now = level, start
        least, most = _bounds(stated, least, most)
    return total / whole


def _bounds(stated: Mapping[str, Value], least: Decimal, most: Decimal) -> tuple[Decimal, Decimal]:
    return (
        number_of(stated.get("MinCapacity"), "MinCapacity", least),
        number_of(stated.get("MaxCapacity"), "MaxCapacity", most),
    )

"""The part of a month in which a service of an assembly runs its most copies."""

from __future__ import annotations

from decimal import Decimal

from moorage.advice.duty import Bounds, ScheduledBounds
from moorage.advice.duty import hours_at_most as hours_of
from moorage.assembly.values import Value
from moorage.cost.amounts import Range
from moorage.cost.resources import Item, number_of, tables

_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"


def hours_at_most(service: Item, copies: Range) -> Decimal | None:
    """Return the hours a month at the most copies that need as many task-hours as the schedules of a service.

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
    schedules = [
        ScheduledBounds(str(action.get("Schedule")), _bound(stated, "MinCapacity"), _bound(stated, "MaxCapacity"))
        for action in tables(target.list("ScheduledActions"))
        if isinstance(stated := action.get("ScalableTargetAction"), dict)
    ]
    return hours_of(
        Bounds(target.number("MinCapacity"), target.number("MaxCapacity")),
        schedules,
        Bounds(copies.least, copies.most),
        has_policy=bool(target.by(_POLICY, "ScalingTargetId")),
    )


def _bound(stated: dict[str, Value], name: str) -> Decimal | None:
    return number_of(stated[name], name) if name in stated else None

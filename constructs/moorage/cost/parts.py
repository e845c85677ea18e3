"""The components that rules find in a resource, before they have prices."""

from __future__ import annotations

import enum
from decimal import Decimal

import attrs

from moorage.cost.amounts import ONE, Range
from moorage.cost.usage import Use
from moorage.prices.price import HOURS


class Kind(enum.Enum):
    """The ways in which a component is billed."""

    FIXED = "fixed"
    """It is billed without traffic, for each hour or month that it exists."""
    USE = "by use"
    """It is billed by use, so a template has only its price for a unit."""
    FREE = "free"
    """AWS does not bill it, or bills it with another resource."""
    UNKNOWN = "unknown"
    """Its cost is not known, because a reference leads out of the app or the price book has no price."""


class NotInTemplateError(Exception):
    """The error for a value that the templates do not contain. Its message says which."""


@attrs.frozen(kw_only=True)
class Part:
    """A component of a resource.

    Args:
        component: The name of the component, such as `Fargate vCPU`.
        kind: The way in which the component is billed.
        item: The item of the price book; empty for a component that is free or unknown.
        quantity: The monthly quantity in the unit of the price; None if it depends on use.
        assumptions: The assumptions that the quantity and the price rest on, one sentence each.
        architecture: The processor architecture, for items whose price depends on it. Default: None.
        on_demand: For Spot, the item of the same without Spot. Its price with a discount is used if the book has no
            price for `item`. Default: none.
        scale: The number of units of the price in one unit of the quantity. Default: 1.
        unit: The unit of the quantity. Default: the unit of the price.
    """

    component: str
    kind: Kind
    item: str = ""
    quantity: Range | None = None
    assumptions: tuple[str, ...] = ()
    architecture: str | None = None
    on_demand: str = ""
    scale: Decimal = Decimal(1)
    unit: str = ""


def monthly(
    component: str,
    item: str,
    quantity: Range = ONE,
    *assumptions: str,
    architecture: str | None = None,
) -> Part:
    """Return a component that is billed without traffic.

    Args:
        component: The name of the component.
        item: The item of the price book.
        quantity: The monthly quantity in the unit of the price.
        *assumptions: The assumptions, one sentence each.
        architecture: The processor architecture. Default: None.
    """
    return Part(
        component=component,
        kind=Kind.FIXED,
        item=item,
        quantity=quantity,
        assumptions=assumptions,
        architecture=architecture,
    )


def hourly(
    component: str,
    item: str,
    each_hour: Range = ONE,
    *assumptions: str,
    architecture: str | None = None,
) -> Part:
    """Return a component that is billed for each hour of the month.

    Args:
        component: The name of the component.
        item: The item of the price book, with a price for an hour.
        each_hour: The quantity that each hour is billed for.
        *assumptions: The assumptions, one sentence each.
        architecture: The processor architecture. Default: None.
    """
    return monthly(component, item, each_hour * HOURS, *assumptions, architecture=architecture)


def used(component: str, item: str, use: Use, key: str, *assumptions: str, factor: Decimal | int = 1) -> Part:
    """Return a component that is billed by use.

    Args:
        component: The name of the component.
        item: The item of the price book.
        use: The use of the resource.
        key: The key of the usage file with the quantity.
        *assumptions: The assumptions, one sentence each.
        factor: The number by which the value of the key becomes the monthly quantity. Default: 1.
    """
    stated = use.get(key)
    quantity = None if stated is None else Range.of(stated * factor)
    reason = f"{key} of the usage file" if stated is not None else f"depends on use; {key} in a usage file states it"
    return Part(component=component, kind=Kind.USE, item=item, quantity=quantity, assumptions=(*assumptions, reason))


def free(component: str, reason: str) -> Part:
    """Return a component that AWS does not bill, or bills with another resource.

    Args:
        component: The name of the component.
        reason: The reason, or the resource with which it is billed.
    """
    return Part(component=component, kind=Kind.FREE, assumptions=(reason,))


def unknown(component: str, reason: str) -> Part:
    """Return a component whose cost is not known.

    Args:
        component: The name of the component.
        reason: The reason.
    """
    return Part(component=component, kind=Kind.UNKNOWN, assumptions=(reason,))

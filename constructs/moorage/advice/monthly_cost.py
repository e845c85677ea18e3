"""The monthly cost of a construct, without an assembly."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import attrs

from moorage.advice.market import age_of
from moorage.advice.money import usd_of_unit, usd_range
from moorage.prices import PriceBook, UnknownPrice
from moorage.prices.price import HOURS


@attrs.frozen(kw_only=True)
class CostPart:
    """A component of a monthly cost.

    Args:
        name: The name of the component, such as `Fargate vCPU`.
        item: The item of the price book; empty for a component without a cost of its own.
        least: The least quantity of a month, in the unit of the price. Default: 0.
        most: The most quantity of a month. Default: `least`.
        architecture: The processor architecture, for items whose price depends on it. Default: none.
        note: A sentence about the quantity or the price. Default: none.
        by_use: True if the quantity depends on use, so that only the price of a unit is known. Default: False.
    """

    name: str
    item: str
    least: Decimal = Decimal(0)
    most: Decimal = attrs.field(default=attrs.Factory(lambda self: self.least, takes_self=True))
    architecture: str | None = None
    note: str = ""
    by_use: bool = False


@attrs.frozen(kw_only=True)
class PricedPart:
    """A component of a monthly cost with its price.

    Args:
        part: The component.
        price: The price of a unit in USD; None if it is unknown, or if the component has no cost of its own.
        unit: The unit of the price, or an empty text.
        source: The document that states the price, or an empty text.
    """

    part: CostPart
    price: Decimal | None = None
    unit: str = ""
    source: str = ""

    @property
    def least(self) -> Decimal:
        """The least cost of a month in USD; 0 if it is unknown or depends on use."""
        return Decimal(0) if self.price is None or self.part.by_use else self.price * self.part.least

    @property
    def most(self) -> Decimal:
        """The most cost of a month in USD; 0 if it is unknown or depends on use."""
        return Decimal(0) if self.price is None or self.part.by_use else self.price * self.part.most

    @property
    def is_unknown(self) -> bool:
        """True if the component has a price that the book does not contain."""
        return bool(self.part.item) and self.price is None

    def __str__(self) -> str:
        note = f" ({self.part.note})" if self.part.note else ""
        if not self.part.item:
            return f"{self.part.name}: no cost of its own{note}"
        if self.price is None:
            return f"{self.part.name}: unknown{note}"
        if self.part.by_use:
            return f"{self.part.name}: {usd_of_unit(self.price)} per {self.unit}{note}"
        return f"{self.part.name}: {usd_range(self.least, self.most)}{note}"


@attrs.frozen(kw_only=True)
class MonthlyCost:
    """The monthly cost of a construct in USD, at list prices, from the least to the most copies.

    Args:
        subject: The construct path.
        region: The region that was asked for.
        parts: The components with their prices.
        assumptions: The assumptions, one sentence each.
    """

    subject: str
    region: str
    parts: tuple[PricedPart, ...]
    assumptions: tuple[str, ...]

    @property
    def least(self) -> Decimal:
        """The cost with the least copies, without what is unknown or depends on use."""
        return sum((each.least for each in self.parts), Decimal(0))

    @property
    def most(self) -> Decimal:
        """The cost with the most copies, without what is unknown or depends on use."""
        return sum((each.most for each in self.parts), Decimal(0))

    @property
    def unknown(self) -> tuple[str, ...]:
        """The names of the components whose price is unknown."""
        return tuple(each.part.name for each in self.parts if each.is_unknown)

    def __str__(self) -> str:
        without = f", without {' and '.join(self.unknown)}" if self.unknown else ""
        lines = [f"{self.subject} costs {usd_range(self.least, self.most)} a month in {self.region}{without}:"]
        return "\n".join([*lines, *(f"- {each}" for each in self.parts), *self.assumptions])


def monthly_cost(
    subject: str, parts: Iterable[CostPart], region: str, *assumptions: str, book: PriceBook | None = None
) -> MonthlyCost:
    """Return the monthly cost of components.

    Args:
        subject: The construct path.
        parts: The components.
        region: The region.
        *assumptions: The assumptions of the quantities, one sentence each.
        book: The price book. Default: the one that moorage contains.
    """
    used = book or PriceBook.load()
    priced, notes = [], [f"List prices from the price book of {used.version}; a month has {HOURS} hours.{age_of(used)}"]
    for part in parts:
        answer = used.price(part.item, region, part.architecture) if part.item else None
        if answer is None:
            priced.append(PricedPart(part=part))
        elif isinstance(answer, UnknownPrice):
            priced.append(PricedPart(part=part))
            notes.append(answer.assumption)
        else:
            priced.append(PricedPart(part=part, price=answer.usd, unit=answer.unit, source=answer.source))
            if answer.fallback:
                notes.append(f"The price of {part.name} is that of {answer.region}.")
    return MonthlyCost(
        subject=subject,
        region=region,
        parts=tuple(priced),
        assumptions=tuple(dict.fromkeys((*notes, *assumptions))),
    )

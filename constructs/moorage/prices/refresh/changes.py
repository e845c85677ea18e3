"""A price book with prices of the Price List in place of its own, and what differs between the two."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal

import attrs

from moorage.prices.price import FALLBACK_REGION, Row, Source, split_name
from moorage.prices.price_file import PriceFile
from moorage.prices.refresh.price_list import Listed

MOST = 3
"""The factor by which a price can change. A larger change is that of a unit or of the product, not of the price."""


@attrs.frozen
class Answer:
    """A price that the Price List answered.

    Args:
        item: The item, with its architecture if it has one.
        region: The region.
        unit: The unit.
        listed: The price.
    """

    item: str
    region: str
    unit: str
    listed: Listed


@attrs.frozen
class Change:
    """The difference in a price.

    Args:
        item: The item, with its architecture if it has one.
        region: The region.
        old: The old price; None for a new item or region.
        new: The new price.
    """

    item: str
    region: str
    old: Decimal | None
    new: Decimal

    @property
    def percent(self) -> Decimal | None:
        """The change in percent, or None if there is no old price."""
        return None if self.old is None else (self.new / self.old - 1) * 100


def refreshed(base: PriceFile, answers: Sequence[Answer], today: dt.date) -> PriceFile:
    """Return a book with the answers in place of its prices. What was not asked or answered is kept.

    Args:
        base: The book.
        answers: The prices of the Price List.
        today: The current day.
    """
    rows = {(row.name, row.region): row for row in base.rows}
    sources = dict(base.sources)
    published: dict[str, dt.date] = {}
    for answer in answers:
        service = answer.listed.service
        published[service] = max(answer.listed.published, published.get(service, answer.listed.published))
        item, architecture = split_name(answer.item)
        row = Row(item, architecture, answer.region, answer.listed.usd, answer.unit, _id(service, today))
        rows[answer.item, answer.region] = row
    for service, date in published.items():
        address = f"https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/{service}/current/index.json"
        name = f"AWS Price List, {service}, published {date}"
        sources[_id(service, today)] = Source(name, address, False, date, today)  # noqa: FBT003  # a field of the source
    items = {row.item for row in rows.values()}
    unknown = {item: assumption for item, assumption in base.unknown.items() if item not in items}
    return PriceFile(today, sources, tuple(rows.values()), unknown)


def changes(base: PriceFile, new: PriceFile) -> tuple[Change, ...]:
    """Return the prices that differ, by item and region.

    Args:
        base: The old book.
        new: The new book.
    """
    old = {(row.name, row.region): row.usd for row in base.rows}
    found = (Change(row.name, row.region, old.get((row.name, row.region)), row.usd) for row in new.rows)
    return tuple(sorted((each for each in found if each.old != each.new), key=lambda each: (each.item, each.region)))


def problems(found: Sequence[Change]) -> Iterator[str]:
    """Yield a sentence for each price that changed more than a price does.

    Args:
        found: The changes.
    """
    for change in found:
        if change.old and not change.old / MOST <= change.new <= change.old * MOST:
            yield (
                f"{change.item} in {change.region} must not change by a factor above {MOST} (got {change.old} and now "
                f"{change.new}); look up the price, and correct the book if it is right"
            )


def table(found: Sequence[Change]) -> str:
    """Return the lines that show changes.

    Args:
        found: The changes.
    """
    if not found:
        return "no price differs\n"
    rows = [("item", "region", "old", "new", "change"), *map(_cells, found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n" for row in rows
    )


def comparable(answers: Sequence[Answer], base: PriceFile) -> tuple[Answer, ...]:
    """Return the answers for items that have a price in us-east-1, since the others cannot be compared.

    Args:
        answers: The prices of the Price List.
        base: The book.
    """
    known = {row.name for row in base.rows if row.region == FALLBACK_REGION}
    known |= {answer.item for answer in answers if answer.region == FALLBACK_REGION}
    return tuple(answer for answer in answers if answer.item in known)


def _cells(change: Change) -> tuple[str, ...]:
    percent = "new" if change.percent is None else f"{change.percent:+.1f} %"
    old = "-" if change.old is None else format(change.old, "f")
    return change.item, change.region, old, format(change.new, "f"), percent


def _id(service: str, today: dt.date) -> str:
    return f"price-list-{service.lower()}-{today}"

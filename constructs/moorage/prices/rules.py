"""The rules that the prices of a book keep together: the errors of a source break them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from moorage.prices.price import FALLBACK_REGION, Row

LEAST, MOST = Decimal("0.5"), Decimal(3)
"""The bounds of a price, as multiples of the price of the same item in us-east-1.

In AWS's price feeds of 2025, the items of this book are between 0.61 (c5a in ap-south-1) and 2.11 (r3 in sa-east-1)
times the price in us-east-1. A wrong unit (a GB-second for a GB-hour, a request for a thousand) or the price of another
item is mostly further away. Traffic to another region costs up to 7 times as much, so it is not an item.
"""


def problems_of_rows(rows: Sequence[Row], unknown: Mapping[str, str]) -> Iterator[str]:
    """Yield the problems of the prices of a book.

    Args:
        rows: The prices.
        unknown: The items without a sourced price.
    """
    prices = {(row.name, row.region): row for row in rows}
    for (name, region), count in Counter((row.name, row.region) for row in rows).items():
        if count > 1:
            yield f"{name} in {region} has {count} prices; keep the one with the better source"
    for item in sorted({row.item for row in rows} & unknown.keys()):
        yield f"{item} has a price and is in unknown; remove one of them"
    for row in rows:
        yield from _compared(row, prices)
        yield from _arm(row, prices)


def _compared(row: Row, prices: Mapping[tuple[str, str], Row]) -> Iterator[str]:
    reference = prices.get((row.name, FALLBACK_REGION))
    if reference is None:
        yield (
            f"{row.name} in {row.region} has no price in {FALLBACK_REGION} to compare with; add that price or remove "
            "the item"
        )
    elif row.unit != reference.unit:
        yield (
            f"{row.name} is per {row.unit} in {row.region} and per {reference.unit} in {FALLBACK_REGION}; use one unit"
        )
    elif not reference.usd * LEAST <= row.usd <= reference.usd * MOST:
        yield (
            f"{row.name} in {row.region} must be {LEAST} to {MOST} times the price in {FALLBACK_REGION}, "
            f"{reference.usd} (got {row.usd}); look up the price"
        )


def _arm(row: Row, prices: Mapping[tuple[str, str], Row]) -> Iterator[str]:
    """Yield a problem for a price of Fargate on ARM above that on x86: AWS sells ARM as the cheaper one everywhere."""
    if not row.item.startswith("fargate.") or row.architecture != "arm64":
        return
    other = prices.get((f"{row.item}.x86_64", row.region))
    if other and row.usd > other.usd:
        yield (
            f"{row.name} in {row.region} must not be above the price for x86_64, {other.usd} (got {row.usd}); look up "
            "both prices"
        )

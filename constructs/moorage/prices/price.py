"""The prices of a price book, where they come from, and the units and items that a book can have."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import attrs

HOURS = Decimal(730)
"""The hours of a month: 8,760 hours of a year by 12 (AWS Pricing Calculator)."""
MONTHS_OF_A_YEAR = 12
FALLBACK_REGION = "us-east-1"
"""The region whose prices are used for a region without a price of its own, and with which all regions are compared.

It is the region in which AWS offers all of the items.
"""
ARCHITECTURES = ("x86_64", "arm64")
"""The processor architectures for which an item can have different prices."""
DEFAULT_ARCHITECTURE = "x86_64"
"""The architecture if none is given. ECS and Lambda have the same default."""
UNITS = frozenset(
    {
        "ACU-hour",
        "ECPU",
        "GB",
        "GB-hour",
        "GB-month",
        "GB-second",
        "IOPS-month",
        "LCU-hour",
        "MBps-month",
        "alarm-month",
        "dashboard-month",
        "event",
        "finding",
        "hour",
        "image",
        "instance-month",
        "key-month",
        "message",
        "metric-month",
        "month",
        "notification",
        "parameter-month",
        "request",
        "resource-month",
        "rule-month",
        "secret-month",
        "transition",
        "vCPU-hour",
        "zone-month",
    }
)
"""The units that prices are for. A price is for one unit: a request and not a million."""
FREE_ITEMS = frozenset({"data_transfer.in_gb", "data_transfer.same_zone_gb", "endpoint.gateway_hour"})
"""The items whose price can be 0. Any other 0 is a row that AWS lists beside the price, or a gap in a source."""


class PriceBookError(ValueError):
    """The error for a price book that cannot be used.

    Args:
        subject: The file.
        problems: The problems, each a sentence.
    """

    def __init__(self, subject: object, problems: Sequence[str]) -> None:
        listed = problems[0] if len(problems) == 1 else "".join(f"\n  - {problem}" for problem in problems)
        counted = " " if len(problems) == 1 else f" {len(problems)} problems"
        super().__init__(f"{subject}:{counted}{listed}")
        self.problems = tuple(problems)


@attrs.frozen
class Source:
    """A document that states prices.

    Args:
        name: The document, with its own date or version.
        url: The public address.
        third_party: True if somebody other than AWS states the prices.
        effective: The day for which the document states the prices.
        fetched: The day on which the document was read.
    """

    name: str
    url: str
    third_party: bool
    effective: dt.date
    fetched: dt.date

    def __str__(self) -> str:
        return f"{self.name}, {self.url}" + (" (third party)" if self.third_party else "")


@attrs.frozen
class Price:
    """A list price, without taxes, discounts and free tiers.

    Args:
        usd: The price of one unit in USD.
        unit: The unit, such as `vCPU-hour`.
        item: The item, such as `fargate.vcpu_hour`.
        region: The region whose price this is.
        source: The document that states the price, with its address.
        effective: The day for which the document states the price.
        fetched: The day on which the document was read.
        fallback: True if the book has no price for the region that was asked for, so that `region` is another one.
    """

    usd: Decimal
    unit: str
    item: str
    region: str
    source: str
    effective: dt.date
    fetched: dt.date
    fallback: bool


@attrs.frozen
class UnknownPrice:
    """The answer for an item without a price that a source confirms. It is never 0.

    Args:
        item: The item, such as `fargate_spot.vcpu_hour`.
        region: The region that was asked for.
        assumption: A sentence that names the assumption that would decide the price.
    """

    item: str
    region: str
    assumption: str


@attrs.frozen
class Row:
    """A price of a file, before it is part of a book.

    Args:
        item: The item, without the architecture.
        architecture: The architecture; None if the price is for all.
        region: The region.
        usd: The price of one unit in USD.
        unit: The unit.
        source: The id of the source.
    """

    item: str
    architecture: str | None
    region: str
    usd: Decimal
    unit: str
    source: str

    @property
    def name(self) -> str:
        """The item with its architecture, as files have it."""
        return f"{self.item}.{self.architecture}" if self.architecture else self.item


def split_name(name: str) -> tuple[str, str | None]:
    """Return the item and the architecture of a name in a file, such as `fargate.vcpu_hour.arm64`.

    Args:
        name: The name.
    """
    item, _, last = name.rpartition(".")
    return (item, last) if last in ARCHITECTURES else (name, None)

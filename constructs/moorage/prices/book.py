"""The price book, which answers with a price or with the assumption that would decide it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType

import attrs

from moorage.prices.price import (
    ARCHITECTURES,
    DEFAULT_ARCHITECTURE,
    FALLBACK_REGION,
    Price,
    PriceBookError,
    Row,
    Source,
    UnknownPrice,
)
from moorage.prices.price_file import PriceFile, read

DAYS_UNTIL_OLD = 180
"""The age at which a book warns. AWS changes single prices a few times a year, and adds types more often."""
_Key = tuple[str, str | None, str]


@attrs.frozen(eq=False)
class PriceBook:
    """Dated list prices of AWS, with their sources.

    Args:
        version: The day on which the book was written.
        file: The file that the book comes from.
    """

    version: dt.date
    file: Path
    _rows: Mapping[_Key, Row]
    _sources: Mapping[str, Source]
    _unknown: Mapping[str, str]

    @classmethod
    def load(
        cls, file: Path | None = None, *, today: dt.date | None = None, regions: Collection[str] | None = None
    ) -> PriceBook:
        """Read a book, and refuse prices that cannot be right.

        Args:
            file: The file. Default: the book that moorage contains.
            today: The day that no date in the book can be after. Default: today in UTC.
            regions: The regions whose prices are needed. Those of us-east-1 are always read. Fewer regions take less
                time. Default: all regions.

        Raises:
            PriceBookError: The file cannot be read, or something in it is wrong. The error lists all problems.
        """
        path = shipped_file() if file is None else file
        needed = None if regions is None else {*regions, FALLBACK_REGION}
        return cls.of(read(path, today or dt.datetime.now(dt.UTC).date(), needed), path)

    @classmethod
    def of(cls, contents: PriceFile, file: Path) -> PriceBook:
        """Return the book of checked contents.

        Args:
            contents: The contents.
            file: The file that they come from.
        """
        rows = {(row.item, row.architecture, row.region): row for row in contents.rows}
        return cls(
            contents.version,
            file,
            MappingProxyType(rows),
            MappingProxyType(dict(contents.sources)),
            MappingProxyType(dict(contents.unknown)),
        )

    @property
    def contents(self) -> PriceFile:
        """The contents of the book's file."""
        return PriceFile(self.version, self._sources, tuple(self._rows.values()), self._unknown)

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions with at least one price of their own."""
        return tuple(sorted({region for _, _, region in self._rows}))

    @property
    def items(self) -> tuple[str, ...]:
        """The items with a price in at least one region."""
        return tuple(sorted({item for item, _, _ in self._rows}))

    def price(self, item: str, region: str, architecture: str | None = None) -> Price | UnknownPrice:
        """Return the price of an item in a region.

        If the book has no price for the region, the answer is the price in us-east-1, with `fallback` set.

        Args:
            item: The item, such as `fargate.vcpu_hour` or `ec2.m7g.large`.
            region: The region, such as `eu-west-1`.
            architecture: The architecture, `x86_64` or `arm64` in any case. Items whose price does not depend on the
                architecture ignore it. Default: `x86_64`, the default of ECS and Lambda.

        Raises:
            ValueError: There is no such architecture.
        """
        wanted = DEFAULT_ARCHITECTURE if architecture is None else architecture.lower()
        if wanted not in ARCHITECTURES:
            raise ValueError(f"architecture must be x86_64 or arm64 (got {architecture!r}); use one of them")
        for place in (region, FALLBACK_REGION):
            row = self._rows.get((item, wanted, place)) or self._rows.get((item, None, place))
            if row:
                return self._priced(row, region)
        return UnknownPrice(item, region, self._assumption(item, wanted))

    def is_old(self, today: dt.date) -> bool:
        """Return whether a price in the book was read more than 180 days ago.

        Args:
            today: The current day.
        """
        return (today - self._oldest).days > DAYS_UNTIL_OLD

    def warning(self, today: dt.date) -> str | None:
        """Return a sentence that says that the book is old, or None if it is not.

        Args:
            today: The current day.
        """
        if not self.is_old(today):
            return None
        return (
            f"the price book of {self.version} has prices that were read on {self._oldest}, more than {DAYS_UNTIL_OLD} "
            "days ago; write a new one with `moorage prices refresh`"
        )

    @property
    def _oldest(self) -> dt.date:
        return min((self._sources[row.source].fetched for row in self._rows.values()), default=self.version)

    def _priced(self, row: Row, region: str) -> Price:
        source = self._sources[row.source]
        return Price(
            row.usd,
            row.unit,
            row.item,
            row.region,
            str(source),
            source.effective,
            source.fetched,
            fallback=row.region != region,
        )

    def _assumption(self, item: str, architecture: str) -> str:
        if item in self._unknown:
            return self._unknown[item]
        if item in self.items:
            item = f"{item} for {architecture}"
        return f"The price of {item} is not in the price book of {self.version}; assume a price, and add it to the sum."


def shipped_file() -> Path:
    """Return the file of the newest book that moorage contains.

    Raises:
        PriceBookError: The installation has no book.
    """
    folder = Path(__file__).parent
    found = sorted(folder.glob("prices-*.json"))
    if not found:
        raise PriceBookError(folder, ["has no price book; install moorage again"])
    return found[-1]

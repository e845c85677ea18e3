"""The files of price books: reading with all problems together, and writing.

A file has sources, and tables of prices that share a source and a unit. A table has a column for each region and a line
for each item, so that 1,400 instance types remain readable, and a change of one price is a change of one line.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from moorage.prices.price import FALLBACK_REGION, FREE_ITEMS, UNITS, PriceBookError, Row, Source, split_name
from moorage.prices.regions import REGION
from moorage.prices.rules import problems_of_rows

_ITEM = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_-]+)+")
_PRICE = re.compile(r"\d+(\.\d+)?")
_MOST = 10_000
"""The largest price of a unit. The most expensive item, an hour of an instance, costs some hundred USD."""
_FILE_MEMBERS = {"version": str, "sources": dict, "tables": list, "unknown": dict}


@attrs.frozen
class PriceFile:
    """The contents of a price book's file.

    Args:
        version: The day on which the file was written.
        sources: The sources by id.
        rows: The prices.
        unknown: The assumption for each item without a sourced price.
    """

    version: dt.date
    sources: Mapping[str, Source]
    rows: tuple[Row, ...]
    unknown: Mapping[str, str]


def read(path: Path, today: dt.date, regions: Collection[str] | None = None) -> PriceFile:
    """Read and check a file.

    Args:
        path: The file.
        today: The day that no date can be after.
        regions: The regions whose prices are read and checked. Default: all regions.

    Raises:
        PriceBookError: The file cannot be read, or something in it is wrong. The error lists all problems.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise PriceBookError(path, [f"cannot be read ({error.strerror}); name a readable file"]) from error
    except RecursionError as error:
        raise PriceBookError(path, ["is nested too deeply; write a new file with `moorage prices refresh`"]) from error
    except ValueError as error:
        raise PriceBookError(
            path, [f"is not JSON ({error}); write a new file with `moorage prices refresh`"]
        ) from error
    return parse(data, path, today, regions)


def parse(data: Any, subject: object, today: dt.date, regions: Collection[str] | None = None) -> PriceFile:
    """Check the contents of a file, and return them.

    Args:
        data: The decoded JSON.
        subject: The file, for the error.
        today: The day that no date can be after.
        regions: The regions whose prices are checked and returned. Default: all regions.

    Raises:
        PriceBookError: Something is wrong. The error lists all problems.
    """
    if not isinstance(data, dict) or any(not isinstance(data.get(name), kind) for name, kind in _FILE_MEMBERS.items()):
        members = ", ".join(sorted(_FILE_MEMBERS))
        raise PriceBookError(subject, [f"is not a price book; it must be a JSON object with {members}"])
    reader = _Reader(today, regions)
    version = reader.date("version", data["version"])
    sources = {name: reader.source(name, _members(each)) for name, each in data["sources"].items()}
    tables = [_members(table) for table in data["tables"]]
    rows = tuple(row for number, table in enumerate(tables, 1) for row in reader.rows(number, table, sources))
    unknown = dict(reader.unknown(data["unknown"]))
    problems = [*reader.problems, *problems_of_rows(rows, unknown)]
    if problems:
        raise PriceBookError(subject, problems)
    return PriceFile(version, sources, rows, unknown)


def written(file: PriceFile) -> str:
    """Return the text of a file, with a line for each item.

    Args:
        file: The contents.
    """
    used = {row.source for row in file.rows}
    sources = {name: attrs.asdict(file.sources[name], value_serializer=_dated) for name in sorted(used)}
    groups: dict[tuple[str, str], dict[str, dict[str, Decimal]]] = {}
    for row in file.rows:
        groups.setdefault((row.source, row.unit), {}).setdefault(row.name, {})[row.region] = row.usd
    tables = ",\n".join(_table(source, unit, lines) for (source, unit), lines in sorted(groups.items()))
    head = f'"version": "{file.version}",\n"sources": {json.dumps(sources, indent=1)}'
    unknown = json.dumps(dict(sorted(file.unknown.items())), indent=1)
    return f'{{\n{head},\n"tables": [\n{tables}\n],\n"unknown": {unknown}\n}}\n'


def _table(source: str, unit: str, lines: Mapping[str, Mapping[str, Decimal]]) -> str:
    regions = sorted(
        {region for line in lines.values() for region in line}, key=lambda each: (each != FALLBACK_REGION, each)
    )
    prices = ",\n".join(
        f"{json.dumps(name)}:{_compact([_text(line.get(region)) for region in regions])}"
        for name, line in sorted(lines.items())
    )
    head = f'"source": {json.dumps(source)}, "unit": {json.dumps(unit)}, "regions": {json.dumps(regions)}'
    return f'{{{head}, "prices": {{\n{prices}\n}}}}'


def _members(value: Any) -> Mapping[str, Any]:
    """Return the members of an object, or none for what is not an object and so lacks them."""
    return value if isinstance(value, dict) else {}


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _text(usd: Decimal | None) -> str | None:
    if usd is None:
        return None
    text = format(usd, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _dated(_instance: Any, _field: Any, value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value


@attrs.frozen
class _Reader:
    """The reading of one file, with the problems so far."""

    today: dt.date
    regions: Collection[str] | None
    problems: list[str] = attrs.field(factory=list)

    def date(self, argument: str, value: Any) -> dt.date:
        try:
            date = dt.date.fromisoformat(value)
        except (TypeError, ValueError):
            self.problems.append(f"{argument} must be a date (got {value!r}); write it as YYYY-MM-DD")
            return self.today
        if date > self.today:
            self.problems.append(f"{argument} must not be after today, {self.today} (got {date}); correct the date")
        return date

    def source(self, name: str, given: Mapping[str, Any]) -> Source:
        where = f"source {name}"
        for member in ("name", "url"):
            if not isinstance(given.get(member), str) or not given[member]:
                self.problems.append(f"{where} has no {member}; add the {member} of the document")
        url = str(given.get("url") or "https://")
        if not url.startswith("https://"):
            self.problems.append(f"{where}: url must begin with https:// (got {url}); use a public address")
        if not isinstance(given.get("third_party"), bool):
            self.problems.append(f"{where} does not say third_party; use false for a document of AWS, true for others")
        effective, fetched = (self.date(f"{where}: {each}", given.get(each)) for each in ("effective", "fetched"))
        if effective > fetched:
            self.problems.append(
                f"{where}: effective {effective} must not be after fetched {fetched}; correct the dates"
            )
        return Source(str(given.get("name")), url, bool(given.get("third_party")), effective, fetched)

    def rows(self, number: int, table: Mapping[str, Any], sources: Mapping[str, Source]) -> Iterator[Row]:
        where = f"table {number}"
        source, unit = table.get("source"), table.get("unit")
        if not isinstance(source, str) or source not in sources:
            self.problems.append(f"{where}: source {source!r} is not in sources; name one of {', '.join(sources)}")
        if not isinstance(unit, str) or unit not in UNITS:
            self.problems.append(f"{where}: unit {unit!r} is not known; use one of {', '.join(sorted(UNITS))}")
        regions = tuple(table["regions"]) if isinstance(table.get("regions"), list) else ()
        for region in regions:
            if not isinstance(region, str) or not REGION.fullmatch(region):
                self.problems.append(f"{where}: {region!r} is not a region; use a code such as {FALLBACK_REGION}")
        for name, cells in _members(table.get("prices")).items():
            item, architecture = split_name(name)
            for region, usd in self._cells(name, regions, cells):
                yield Row(item, architecture, region, usd, str(unit), str(source))

    def _cells(self, name: str, regions: tuple[str, ...], cells: Any) -> Iterator[tuple[str, Decimal]]:
        if not _ITEM.fullmatch(name):
            self.problems.append(f"{name!r} is not an item; use a name such as 'alb.hour'")
        if not all(isinstance(region, str) for region in regions):
            return
        if not isinstance(cells, list) or len(cells) != len(regions):
            self.problems.append(
                f"{name} must have a price or null for each of the {len(regions)} regions (got {cells!r}); add what is "
                "missing"
            )
            return
        if all(cell is None for cell in cells):
            self.problems.append(f"{name} has no price; remove it, or move it to unknown with an assumption")
        for region, cell in zip(regions, cells, strict=True):
            if self.regions is not None and region not in self.regions:
                continue
            if cell is not None and self._is_price(name, region, cell):
                yield region, Decimal(cell)

    def _is_price(self, name: str, region: str, cell: Any) -> bool:
        if not isinstance(cell, str) or not _PRICE.fullmatch(cell):
            self.problems.append(
                f"{name} in {region} must be a positive number in quotes (got {cell!r}); look up the price"
            )
            return False
        if Decimal(cell) == 0 and split_name(name)[0] not in FREE_ITEMS:
            self.problems.append(f"{name} in {region} must not be 0, since it is not free; look up the price")
            return False
        if Decimal(cell) > _MOST:
            self.problems.append(f"{name} in {region} must be at most {_MOST:,} (got {cell}); look up the price")
            return False
        return True

    def unknown(self, given: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        for item, assumption in given.items():
            if not isinstance(assumption, str) or not assumption:
                self.problems.append(f"unknown {item} has no assumption; say what would decide the price")
            yield item, str(assumption)

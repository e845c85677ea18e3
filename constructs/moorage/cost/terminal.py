"""An estimate as tables for a terminal."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from decimal import Decimal

from rich.console import Console
from rich.text import Text

from moorage.cost.amounts import Range
from moorage.cost.estimate import Estimate, Row, Sum
from moorage.cost.money import cents, money
from moorage.cost.parts import Kind
from moorage.prices.price import HOURS

_HEADINGS = ("construct", "component", "quantity", "unit", "price", "month", "notes")
_NUMBERS = {"quantity", "price", "month"}
_GAP = "  "
_LEAST_PATH = 16
"""The columns that paths get on a narrow terminal; a longer path loses its beginning."""
_ORDER = {Kind.FIXED: 0, Kind.UNKNOWN: 1, Kind.USE: 2}


def render(
    estimate: Estimate, warnings: Sequence[str] = (), *, origin: str = "", width: int = 120, color: bool = False
) -> str:
    """Render an estimate for a terminal.

    Args:
        estimate: The estimate to render.
        warnings: Further sentences, such as that the prices are old. Default: none.
        origin: The sentence about the folder that was read. Default: none.
        width: The number of columns. Default: 120.
        color: Whether to add the escape sequences of colors. Default: False.
    """
    written = io.StringIO()
    console = Console(file=written, width=width, force_terminal=color, no_color=not color, highlight=False)
    numbers: dict[str, int] = {}
    stacks = sorted(estimate.stacks.items(), key=lambda each: (-each[1].total.least, each[0]))
    for stack, sum_ in stacks:
        console.print(Text(f"{stack}: {said(sum_)}", style="bold"))
        rows = [row for row in estimate.rows_of_stacks[stack] if row.kind is not Kind.FREE]
        if rows:
            console.print(_table(rows, stack, estimate, numbers, width), soft_wrap=True)
    console.print(Text(f"In all: {said(estimate.total)}", style="bold"))
    for sentence in _closing(estimate, origin):
        console.print(Text(sentence), soft_wrap=True)
    if numbers:
        console.print(Text("Assumptions", style="bold"))
        for sentence, number in numbers.items():
            console.print(Text(f"  {number}. {sentence}"), soft_wrap=True)
    for sentence in (*estimate.notes, *warnings):
        console.print(Text(f"Note: {sentence}"), soft_wrap=True)
    return written.getvalue()


def said(sum_: Sum) -> str:
    """Return a sum as a clause: what is fixed, what the usage file adds, and what of both is assumed.

    Args:
        sum_: The sum.
    """
    use = f", and ${money(Range.of(sum_.use))} by use" if cents(sum_.use) else ""
    assumed = f"; ${money(sum_.assumed)} of it rests on assumed prices" if cents(sum_.assumed.most) else ""
    return f"${money(sum_.fixed)} a month{use}{assumed}"


def plain(number: Decimal) -> str:
    """Return a number without trailing zeros and exponents, with at most two digits behind the point above 1.

    Args:
        number: The number.
    """
    rounded = cents(number) if abs(number) >= 1 else number
    text = f"{rounded:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _table(rows: Sequence[Row], stack: str, estimate: Estimate, numbers: dict[str, int], width: int) -> Text:
    """Return the table of a stack, aligned here, since rich's own tables take seconds for thousands of cells."""
    sums: Mapping[tuple[str, str], Sum] = estimate.constructs
    constructs = sorted({row.construct for row in rows}, key=lambda each: (-sums[stack, each].total.least, each))
    cells: list[tuple[str, ...]] = [_HEADINGS]
    headings = set()
    for construct in constructs:
        headings.add(len(cells))
        total = money(sums[stack, construct].total)
        cells.append((construct.removeprefix(f"{stack}/"), "", "", "", "", total, ""))
        for row in sorted((row for row in rows if row.construct == construct), key=_rank):
            inside = row.path.removeprefix(f"{construct}/") if row.path != construct else ""
            component = f"{row.component} (assumed)" if row.assumed else row.component
            cells.append((f"  {inside}", component, *_cells(row, numbers)))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    widths[0] = max(_LEAST_PATH, min(widths[0], width - sum(widths[1:]) - len(_GAP) * (len(widths) - 1)))
    text = Text()
    for position, line in enumerate(cells):
        style = "bold" if position in headings else "dim" if line is _HEADINGS else ""
        text.append(_aligned(line, widths) + "\n", style=style)
    return text


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    found = []
    for name, cell, width in zip(_HEADINGS, cells, widths, strict=True):
        start = "  …" if cell.startswith(" ") else "…"
        shown = cell if len(cell) <= width else start + cell[len(cell) - width + len(start) :]
        found.append(shown.rjust(width) if name in _NUMBERS else shown.ljust(width))
    return _GAP.join(found).rstrip()


def _rank(row: Row) -> tuple[int, Decimal, str, str]:
    return _ORDER[row.kind], -(row.month.least if row.month else Decimal(0)), row.path, row.component


def _cells(row: Row, numbers: dict[str, int]) -> tuple[str, ...]:
    for sentence in row.assumptions:
        numbers.setdefault(sentence, len(numbers) + 1)
    quantity = ""
    if row.quantity is not None:
        ends = [plain(each) for each in (row.quantity.least, row.quantity.most)]
        quantity = ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
    month = money(row.month) if row.month is not None else ("unknown" if row.kind is Kind.UNKNOWN else "by use")
    price = "" if row.price is None else _price(row.price)
    return quantity, row.unit, price, month, ", ".join(str(numbers[each]) for each in row.assumptions)


def _price(price: Decimal) -> str:
    """Return a price with all of its digits."""
    text = f"{price:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _closing(estimate: Estimate, origin: str) -> Sequence[str]:
    said_ = [origin] if origin else []
    said_.append(f"A month has {HOURS} hours. Prices are list prices in USD, without taxes, discounts and free tiers.")
    if any(row.month is not None and not row.month.is_one for row in estimate.rows):
        said_.append("A range is from the least to the most copies.")
    if any(row.kind is Kind.USE and row.month is None for row in estimate.rows):
        said_.append("What is 'by use' is in no sum until a usage file (--usage) states it.")
    if any(row.assumed for row in estimate.rows):
        said_.append("No source states the prices of the components marked (assumed), so they are assumptions.")
    if estimate.unknown_types:
        types = ", ".join(f"{count} {type_}" for type_, count in estimate.unknown_types.items())
        said_.append(f"Unknown, and in no sum: {types}.")
    unknown_rows = sum(row.kind is Kind.UNKNOWN for row in estimate.rows)
    if unknown_rows:
        one = "component has no known cost, and is in no sum: add its cost by hand."
        many = "components have no known cost, and are in no sum: add their cost by hand."
        said_.append(_counted(unknown_rows, one, many))
    said_.append(f"{_counted(estimate.free_resources, 'resource is', 'resources are')} free.")
    return said_


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"

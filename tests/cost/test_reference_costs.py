"""The estimates of reference apps agree to the cent with tables of quantity, price and hours.

Each file in `reference/` is the table of one app: the quantity at the least and at the most copies, the price of a unit
in us-east-1, and the hours of a month; 1 for what is billed by the month. The test multiplies, and needs no other
number. A line that begins with # says where the quantities come from.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from moorage.cost.estimate import Estimate, estimate
from moorage.cost.parts import Kind
from moorage.prices.book import PriceBook
from tests.cost.conftest import ROOT, Synthesized

pytestmark = pytest.mark.slow
TABLES = sorted((Path(__file__).parent / "reference").glob("*.txt"))
DEV_BUDGET = 125
CENT = Decimal("0.01")


class Line(NamedTuple):
    """A component of a table, with its cost at the least and the most copies."""

    component: str
    least: Decimal
    most: Decimal


def lines(file: Path) -> Iterator[Line]:
    for line in file.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            component, least, most, price, hours = (cell.strip() for cell in line.split("|"))
            hourly = Decimal(price) * Decimal(hours)
            yield Line(component, Decimal(least) * hourly, Decimal(most) * hourly)


def of_components(found: Estimate) -> dict[str, tuple[Decimal, Decimal]]:
    """Return the cost of each component that is billed without traffic."""
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for row in found.rows:
        if row.kind is Kind.FIXED and row.month is not None:
            least, most = sums.get(row.component, (Decimal(0), Decimal(0)))
            sums[row.component] = least + row.month.least, most + row.month.most
    return {component: (cents(least), cents(most)) for component, (least, most) in sums.items()}


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def test_there_are_twelve_reference_apps() -> None:
    assert len(TABLES) >= 12


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_the_estimate_agrees_with_its_table(table: Path, synthesized: Synthesized, book: PriceBook) -> None:
    _, stacks = synthesized(table.stem)
    found = estimate(stacks, book)
    expected = list(lines(table))
    assert of_components(found) == {each.component: (cents(each.least), cents(each.most)) for each in expected}
    total = found.total.fixed
    assert cents(total.least) == cents(sum((each.least for each in expected), Decimal(0)))
    assert cents(total.most) == cents(sum((each.most for each in expected), Decimal(0)))


def test_dev_costs_at_most_125_dollars_a_month_without_traffic(synthesized: Synthesized, book: PriceBook) -> None:
    _, stacks = synthesized("dev")
    total = estimate(stacks, book).total
    least, assumed = total.fixed.least, total.assumed.least
    assert Decimal(100) < least <= DEV_BUDGET
    on_demand = assumed * 2  # Spot is assumed to cost half
    assert least - assumed + on_demand * Decimal("0.6") <= DEV_BUDGET < least - assumed + on_demand
    readme = (ROOT / "README.md").read_text()
    assert f"`dev` costs at most ${DEV_BUDGET} a month" in readme
    assert "if Fargate Spot costs at least 40 %\nless than On-Demand" in readme
    assert f"this costs at least ${cents(least)} a month, of which ${cents(assumed)} rests on assumed prices" in readme

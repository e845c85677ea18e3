"""The parts of the page about the cost, which the terminal, Markdown and HTML forms share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from moorage.cost.difference import CostDifference
from moorage.cost.json_form import range_of, sum_of
from moorage.cost.money import money, signed
from moorage.cost.rules.services import COPIES
from moorage.prices.price import HOURS
from moorage.review.cost import ReviewedCost
from moorage.review.cost_causes import Cause, equal_changes
from moorage.review.forms.cost_sentences import between, cost_sentences
from moorage.review.nouns import listed, shortened

_LISTED = 10
_LISTED_NAMES = 5
_LISTED_PATHS = 2


@attrs.frozen
class CostTable:
    """The components whose cost differs, as texts.

    Args:
        headings: The headings of the columns with amounts.
        rows: The rows: the component, its resources, and an amount for each heading.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def cost_lines(cost: ReviewedCost | None) -> list[str]:
    """Return the lines at the top of the page: the difference with its largest causes, and the limits it exceeds.

    Return no lines if nothing in the cost differs, and no limit is exceeded.

    Args:
        cost: The cost of the change; None if it is not estimated.
    """
    if cost is None:
        return []
    return cost_sentences(cost) + [f"Over a limit: {sentence}." for sentence in cost.exceeded]


def cost_table(cost: ReviewedCost | None) -> CostTable:
    """Return the components whose cost differs, the largest difference first. The last row of a long table is the rest.

    A component of several resources is one row if their amounts are equal. If a difference depends on the number of
    copies, there is a column for the least copies and one for the most.

    Args:
        cost: The cost of the change; None if it is not estimated.
    """
    found = equal_changes(cost.difference.changes if cost else ())
    shown = found if len(found) <= _LISTED + 1 else found[:_LISTED]
    has_ranges = not all(each.difference.is_one for each in found)
    rows = [(each.component, _resources(each), *_amounts(each, has_ranges=has_ranges)) for each in shown]
    if rest := [change for each in found[len(shown) :] for change in each.changes]:
        rows.append((f"{len(rest)} more components", "", *_amounts(Cause(tuple(rest)), has_ranges=has_ranges)))
    differences = ("change, least copies", "change, most copies") if has_ranges else ("change",)
    return CostTable(("before", "after", *differences), tuple(rows))


def cost_notes(cost: ReviewedCost | None) -> list[str]:
    """Return the sentences below the table: the components not counted, the assumptions, and the origin of the prices.

    Return nothing if nothing in the cost differs, and no limit is exceeded.

    Args:
        cost: The cost of the change; None if it is not estimated.
    """
    if cost is None or (cost.is_zero and not cost.exceeded):
        return []
    return list(_notes(cost, cost.difference))


def cost_object(cost: ReviewedCost | None) -> Mapping[str, Any] | None:
    """Return the cost for programs; None if it is not estimated. Amounts are texts, so that no digit is lost.

    Args:
        cost: The cost of the change.
    """
    if cost is None:
        return None
    found = cost.difference
    return {
        "sentences": cost_sentences(cost),
        "currency": "USD",
        "prices": cost.prices.isoformat(),
        "before": None if cost.new else sum_of(found.before),
        "after": sum_of(found.after),
        "changes": [
            {
                "path": each.path,
                "component": each.component,
                "before": range_of(each.before),
                "after": range_of(each.after),
                "assumed": each.assumed,
                "assumptions": list(each.assumptions),
            }
            for each in found.changes
        ],
        "unknown": list(found.unknown),
        "byUse": list(found.by_use),
        "notes": list(found.notes),
        "exceeded": list(cost.exceeded),
    }


def _notes(cost: ReviewedCost, found: CostDifference) -> Iterator[str]:
    if found.unknown:
        yield f"Not counted, since the cost is not known: {shortened(found.unknown, _LISTED_NAMES)}."
    for path, amount in cost.removed.items():
        yield f"Not in the sum: ${between(amount)} a month of the stack {path}, until somebody deletes it."
    for path, amount in cost.kept.items():
        yield f"Not in the sum: ${between(amount)} a month of the old {path}, which is kept in no stack."
    if found.by_use:
        names = shortened(found.by_use, _LISTED_NAMES)
        yield f"Not counted, since it depends on use that no usage file (--usage) states: {names}."
    yield from _assumptions(found)
    yield " ".join(_prices(cost, found))
    yield from (f"{note[0].upper()}{note[1:]}." for note in found.notes)


def _assumptions(found: CostDifference) -> Iterator[str]:
    """Yield a sentence for each list of assumptions, with the names of the components that share it.

    Assumed prices come first, also those of components that have no row, since the sums rest on them. The assumption
    about the copies is left out, since the sentence about ranges says the same.
    """
    shown = [each for cause in equal_changes(found.changes)[:_LISTED] for each in cause.changes]
    names: dict[tuple[bool, tuple[str, ...]], dict[str, None]] = {}
    for change in (*(each for each in found.changes if each.assumed), *found.assumed, *shown):
        own = tuple(each for each in change.assumptions if each != COPIES)
        if own or change.assumed:
            names.setdefault((change.assumed, own), {})[change.component] = None
    for (assumed, assumptions), components in names.items():
        subject = "Assumed prices" if assumed else "Assumptions"
        said = "; ".join(assumptions) or "no source states them"
        yield f"{subject} of {listed(list(components), _LISTED_NAMES)}: {said}."


def _prices(cost: ReviewedCost, found: CostDifference) -> Iterator[str]:
    """Yield the sentences about the amounts."""
    regions = f" in {' and '.join(found.regions)}" if found.regions else ""
    yield (
        f"The sums are of all compared stacks. Amounts are in USD a month of {HOURS} hours: list prices{regions} of "
        f"{cost.prices}, without taxes, discounts and free tiers."
    )
    if not all(each.is_one for change in found.changes for each in (change.before, change.after)):
        yield "A range is from the least to the most copies."


def _resources(cause: Cause) -> str:
    first, *others = cause.paths
    return shortened([first, *others], _LISTED_PATHS if len(others) >= _LISTED_PATHS else len(cause.paths))


def _amounts(cause: Cause, *, has_ranges: bool) -> Sequence[str]:
    """Return the cells of a row with amounts."""
    differences = [cause.difference.least, *([cause.difference.most] if has_ranges else [])]
    return money(cause.before), money(cause.after), *(signed(each) for each in differences)

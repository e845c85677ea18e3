"""The parts of the page about the cost, which the terminal, Markdown and HTML forms share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from moorage.cost.amounts import ZERO, Range
from moorage.cost.difference import CostChange, CostDifference
from moorage.cost.json_form import range_of, sum_of
from moorage.cost.money import money, rounded, signed
from moorage.prices.price import HOURS
from moorage.review.cost import ReviewedCost

_CAUSES = 3
_LISTED = 10
_LISTED_NAMES = 5


@attrs.frozen
class CostRow:
    """A component whose cost differs, as texts.

    Args:
        path: The construct path; empty for the row of what is not listed.
        component: The name of the component.
        before: The monthly cost in the base.
        after: The monthly cost in the head.
        difference: The difference, with its sign.
    """

    path: str
    component: str
    before: str
    after: str
    difference: str


def cost_lines(cost: ReviewedCost | None) -> list[str]:
    """Return the lines at the top of the page: the difference with its largest causes, and the limits it exceeds.

    Return no lines if nothing in the cost differs, and no limit is exceeded.

    Args:
        cost: The cost of the change; None if it is not estimated.
    """
    if cost is None:
        return []
    found = [] if cost.difference.is_zero else [f"Cost: {_difference(cost)}"]
    return found + [f"Over a limit: {sentence}." for sentence in cost.exceeded]


def cost_rows(cost: ReviewedCost | None) -> list[CostRow]:
    """Return the components whose cost differs, the largest difference first. A long list ends with a row for the rest.

    Args:
        cost: The cost of the change; None if it is not estimated.
    """
    changes = cost.difference.changes if cost else ()
    listed = changes if len(changes) <= _LISTED + 1 else changes[:_LISTED]
    rows = [_row(each) for each in listed]
    if rest := changes[len(listed) :]:
        before, after, differing = rest[0].before, rest[0].after, rest[0].difference
        for each in rest[1:]:
            before, after, differing = before + each.before, after + each.after, differing + each.difference
        rows.append(CostRow("", f"{len(rest)} more components", money(before), money(after), signed(differing)))
    return rows


def cost_notes(cost: ReviewedCost | None) -> list[str]:
    """Return the sentences below the rows: the components not counted, the assumptions, and the origin of the prices.

    Args:
        cost: The cost of the change; None if it is not estimated.
    """
    if cost is None or cost.difference.is_zero:
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
        yield f"Not counted, since the cost is not known: {_listed(found.unknown)}."
    for path, amount in cost.removed.items():
        yield f"Not in the sum: ${money(amount)} a month of the stack {path}, until somebody deletes it."
    if found.by_use:
        yield f"Not counted, since it depends on use that no usage file (--usage) states: {_listed(found.by_use)}."
    if any(each.assumed for each in found.changes):
        yield f"${money(found.after.assumed)} of the new sum rests on assumed prices of the components (assumed)."
    assumptions = dict.fromkeys(each for change in found.changes[:_LISTED] for each in change.assumptions)
    if assumptions:
        yield f"Assumptions: {'; '.join(assumptions)}."
    regions = f" in {' and '.join(found.regions)}" if found.regions else ""
    yield (
        f"List prices{regions} of {cost.prices}, without taxes, discounts and free tiers; a month has {HOURS} hours. "
        "A range is from the least to the most copies."
    )
    yield from (f"{note[0].upper()}{note[1:]}." for note in found.notes)


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _LISTED_NAMES} more" if len(names) > _LISTED_NAMES else ""
    return ", ".join(names[:_LISTED_NAMES]) + more


def _difference(cost: ReviewedCost) -> str:
    found = cost.difference
    before, after = rounded(found.before.total), rounded(found.after.total)
    said = f"${money(after)} a month" if cost.new else _sums(before, after)
    causes = _causes(found.changes)
    if causes:
        said += f"; {', '.join(causes[:_CAUSES])}"
        said += f" and {len(causes) - _CAUSES} more" if len(causes) > _CAUSES else ""
    if found.unknown:
        count = len(found.unknown)
        said += f"; the cost of {count} component{'' if count == 1 else 's'} is not known"
    return said


def _causes(changes: Sequence[CostChange]) -> list[str]:
    """Return each component with its difference, the largest first. The same component of several constructs is one."""
    groups: dict[str, list[CostChange]] = {}
    for each in changes:
        groups.setdefault(_component(each), []).append(each)
    sums = {name: sum((each.difference for each in group), ZERO) for name, group in groups.items()}
    ranked = sorted(groups, key=lambda name: (-abs(sums[name].least), -abs(sums[name].most), name))
    return [_cause(name, groups[name], sums[name]) for name in ranked]


def _cause(name: str, group: Sequence[CostChange], amount: Range) -> str:
    count = f" ({len(group)})" if len(group) > 1 else ""
    return f"{name}{count} {signed(amount)}"


def _sums(before: Range, after: Range) -> str:
    if before.is_one and after.is_one:
        return _sum(before.least, after.least, "")
    least = _sum(before.least, after.least, " at the least copies")
    return f"{least}, {_sum(before.most, after.most, ' at the most')}"


def _sum(before: Any, after: Any, copies: str) -> str:
    if before == after:
        return f"the same sum{copies} (${before:,} a month)"
    word = "more" if after > before else "less"
    return f"${abs(after - before):,} a month {word}{copies} (${before:,} \u2192 ${after:,})"


def _row(change: CostChange) -> CostRow:
    return CostRow(
        change.path, _component(change), money(change.before), money(change.after), signed(change.difference)
    )


def _component(change: CostChange) -> str:
    return f"{change.component} (assumed)" if change.assumed else change.component

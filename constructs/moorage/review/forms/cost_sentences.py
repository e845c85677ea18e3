"""The sentences about the cost at the top of the page: the difference, and its largest causes."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from moorage.cost.amounts import ZERO, Range
from moorage.cost.difference import CostDifference
from moorage.cost.money import money, rounded, signed
from moorage.review.cost import ReviewedCost
from moorage.review.cost_causes import Cause, causes

_CAUSES = 3
_LEAST, _MOST = "with the least copies", "with the most copies"


def cost_sentences(cost: ReviewedCost) -> list[str]:
    """Return a line with the difference, and a line with its largest causes. Return nothing if nothing differs.

    Args:
        cost: The cost of the change.
    """
    found = cost.difference
    if cost.is_zero:
        return []
    lines = [f"Cost: {' '.join(_difference(cost))}"]
    if all_causes := [each for each in causes(found.changes) if each.difference != ZERO]:
        lines.append(_causes(all_causes))
    return lines


def _difference(cost: ReviewedCost) -> Iterator[str]:
    """Yield the sentences of the first line."""
    found = cost.difference
    before, after = rounded(found.before.total), rounded(found.after.total)
    yield f"{_new(after) if cost.new else _sums(before, after)}."
    if assumed := _assumed(found):
        yield f"{assumed} assumed prices."
    if found.unknown:
        count = len(found.unknown)
        yield f"The cost of {count} component{'' if count == 1 else 's'} is not known."
    if cost.removed:
        amount = rounded(sum(cost.removed.values(), ZERO))
        one, *others = cost.removed
        stacks = f"{len(cost.removed)} stacks are" if others else f"the stack {one} is"
        yield f"Until {stacks} deleted, AWS bills ${between(amount)} a month more."
    if cost.kept:
        amount = rounded(sum(cost.kept.values(), ZERO))
        one, *others = cost.kept
        resources = f"{len(cost.kept)} resources" if others else one
        verb = "are" if others else "is"
        yield f"AWS also bills ${between(amount)} a month of {resources}, which {verb} kept in no stack."


def _assumed(found: CostDifference) -> str:
    """Return the beginning of the sentence about assumed prices; empty if neither sum has one."""
    sums = {"new": rounded(found.after.assumed), "old": rounded(found.before.assumed)}
    if sums["new"] == sums["old"] != ZERO:
        return f"${between(sums['new'])} of each sum rests on"
    parts = [f"${between(amount)} of the {name} sum" for name, amount in sums.items() if amount.most]
    return f"{' and '.join(parts)} rest{'s' if len(parts) == 1 else ''} on" if parts else ""


def _new(after: Range) -> str:
    if after.is_one:
        return f"${after.least:,} a month"
    return f"${after.least:,} a month {_LEAST}, ${after.most:,} {_MOST}"


def _sums(before: Range, after: Range) -> str:
    if before.is_one and after.is_one:
        return _sum(before.least, after.least, "")
    if before == after:
        return f"unchanged (${before.least:,} a month {_LEAST}, ${before.most:,} {_MOST})"
    return f"{_sum(before.least, after.least, f' {_LEAST}')}; {_sum(before.most, after.most, f' {_MOST}')}"


def _sum(before: Decimal, after: Decimal, copies: str) -> str:
    if before == after:
        return f"unchanged{copies} (${before:,} a month)"
    word = "more" if after > before else "less"
    return f"${abs(after - before):,} a month {word}{copies} (${before:,} \u2192 ${after:,})"


def _causes(found: list[Cause]) -> str:
    """Return the line with the largest causes."""
    shown = found[:_CAUSES]
    name = "Cause" if len(found) == 1 else "Causes" if len(found) <= _CAUSES else "Largest causes"
    more = f"; and {len(found) - _CAUSES} more" if len(found) > _CAUSES else ""
    ends = {_only(each) for each in shown}
    common = ends.pop() if len(ends) == 1 else ""  # the line says it once
    texts = [_cause(each).removesuffix(common) for each in shown]
    return f"{name}{common.replace(' only', ', only', 1)}: {'; '.join(texts)}{more}."


def _cause(cause: Cause) -> str:
    least, most = (signed(each, "$") for each in (cause.difference.least, cause.difference.most))
    if only := _only(cause):
        return f"{cause.name} {least if cause.difference.least else most}{only}"
    return f"{cause.name} {least}" if least == most else f"{cause.name} {least} {_LEAST} and {most} {_MOST}"


def _only(cause: Cause) -> str:
    """Return the clause about the only number of copies with which the cost differs; empty if it differs with both."""
    least, most = cause.difference.least, cause.difference.most
    if least and most:
        return ""
    return f" only {_LEAST if least else _MOST}"


def between(amount: Range) -> str:
    """Return an amount in USD without the first sign of the currency, such as `18.02 to $108.12`.

    Args:
        amount: The amount.
    """
    return money(amount).replace(" to ", " to $")

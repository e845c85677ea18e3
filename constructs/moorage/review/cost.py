"""The cost of a change: its difference between both sides, and the limits that a team sets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_UP, Decimal
from pathlib import Path

import attrs

from moorage.assembly.cloud_assembly import Stack
from moorage.cost.amounts import ZERO, Range
from moorage.cost.difference import CostDifference, Place, difference_of
from moorage.cost.estimate import DEFAULT_REGION, Estimate, Sum, estimate, in_region
from moorage.cost.money import cents, money
from moorage.cost.usage import Usage, read
from moorage.prices.book import PriceBook
from moorage.review.comparison import Comparison
from moorage.review.cost_causes import Cause, causes
from moorage.review.kept import kept
from moorage.review.nouns import shown_path
from moorage.review.renamed import renames

MAX_MONTHLY, MAX_INCREASE_PERCENT = "--max-monthly", "--max-increase-percent"
"""The options with the limits. They are part of the sentences about what exceeds them."""
_TENTH = Decimal("0.1")


@attrs.frozen
class CostOptions:
    """The settings for the cost.

    Args:
        usage: The usage file. Default: None; what depends on use is in no sum.
        max_monthly: The largest monthly cost of the head in USD, with the least copies. Default: None, for no limit.
        max_increase_percent: The largest increase, as a percentage of the base with the least copies. Default: None,
            for no limit.
        prices: The file of the price book, such as `moorage prices refresh` writes. Default: None, for that of moorage.
    """

    usage: Path | None = None
    max_monthly: Decimal | None = None
    max_increase_percent: Decimal | None = None
    prices: Path | None = None


@attrs.frozen(eq=False)
class ReviewedCost:
    """The cost of a change, as the forms show it.

    Args:
        difference: The difference between both sides.
        prices: The day of the price book.
        new: True if there is no base.
        removed: The monthly cost of each stack that is not in the head any more, by its path. A deployment does not
            delete such a stack.
        kept: The monthly cost in the base of each resource that the change removes or replaces and that stays in no
            stack, by the path of its construct. Default: none.
        exceeded: A sentence for each limit that the head exceeds.
    """

    difference: CostDifference
    prices: dt.date
    new: bool = False
    removed: Mapping[str, Range] = attrs.field(factory=dict)
    kept: Mapping[str, Range] = attrs.field(factory=dict)
    exceeded: tuple[str, ...] = ()

    @property
    def is_zero(self) -> bool:
        """True if nothing in the cost differs, and no resource is billed in no stack."""
        return self.difference.is_zero and not self.kept


@attrs.frozen(eq=False)
class CostReader:
    """The use, the prices and the limits of one run, which are read before the sides are.

    Args:
        options: The settings.
        usage: The use that the file states.
        book: The price book that the settings name. Default: None, for that of moorage.
    """

    options: CostOptions
    usage: Usage
    book: PriceBook | None = None

    @classmethod
    def of(cls, options: CostOptions) -> CostReader:
        """Read the files that the settings name.

        Args:
            options: The settings.

        Raises:
            UsageError: The usage file cannot be used.
            PriceBookError: The price book cannot be used.
        """
        return cls(options, read(options.usage), PriceBook.load(options.prices) if options.prices else None)

    def reviewed(self, comparison: Comparison) -> ReviewedCost:
        """Return the cost of a change.

        Args:
            comparison: The two assemblies.

        Raises:
            PriceBookError: The installation has no price book.
        """
        base = _top_level([(stack.before, stack.after) for stack in comparison.stacks])
        head = _top_level([(stack.after, stack.before) for stack in comparison.stacks])
        book = self.book or PriceBook.load(regions={stack.region for stack in (*base, *head) if stack.region})
        before = None if comparison.new else estimate(base, book, self.usage, DEFAULT_REGION)
        after = estimate(head, book, self.usage, DEFAULT_REGION)
        difference = difference_of(before, after, _same(comparison))
        if old := book.warning(dt.datetime.now(dt.UTC).date()):
            difference = attrs.evolve(difference, notes=(*difference.notes, old))
        exceeded = tuple(_exceeded(difference, self.options))
        gone = [stack.path for stack in comparison.stacks if stack.after is None]
        sums = before.stacks if before else {}
        removed = {path: sums[path].total for path in gone if path in sums}
        still = _kept(comparison, before) if before else {}
        return ReviewedCost(difference, book.version, comparison.new, removed, still, exceeded)


def _kept(comparison: Comparison, before: Estimate) -> Mapping[str, Range]:
    """Return the cost of each resource that stays in no stack, by the path of its construct."""
    amounts: dict[Place, Range] = {}
    for row in before.rows:
        place = Place(row.template, row.logical_id)
        amounts[place] = amounts.get(place, ZERO) + row.amount
    found: dict[str, Range] = {}
    for change in kept(comparison):
        stack, resource = change.stack.before, change.before
        amount = amounts.get(Place(stack.path, resource.logical_id), ZERO) if stack and resource else ZERO
        if resource and amount != ZERO:
            path = shown_path(resource.path)
            found[path] = found.get(path, ZERO) + amount
    return found


def _top_level(pairs: Sequence[tuple[Stack | None, Stack | None]]) -> list[Stack]:
    """Return the stacks of one side that are not nested. A stack without a region has that of the other side.

    Args:
        pairs: Each stack of the side with the same stack of the other side.
    """
    nested = {id(inner) for stack, _ in pairs if stack for inner in stack.nested.values()}
    return [
        in_region(stack, other.region) if other and other.region else stack
        for stack, other in pairs
        if stack and id(stack) not in nested
    ]


def _same(comparison: Comparison) -> Mapping[Place, Place]:
    """Return a mapping from each resource of the head to the same resource of the base, with those that are renamed."""
    found: dict[Place, Place] = {}
    for stack in comparison.stacks:
        if stack.before and stack.after:
            old, new = stack.before.path, stack.after.path
            found |= {Place(new, each.logical_id): Place(old, each.logical_id) for each in stack.after.resources}
    for rename in renames(comparison):
        for before, after in rename.pairs:
            if before.stack.before and after.stack.after:
                old, new = before.stack.before.path, after.stack.after.path
                found[Place(new, after.logical_id)] = Place(old, before.logical_id)
    return found


def _exceeded(cost: CostDifference, options: CostOptions) -> Iterator[str]:
    """Yield a sentence for each limit that the cost with the least copies exceeds."""
    before, after = (cents(each.total.least) for each in (cost.before, cost.after))  # as the page shows them
    limit = options.max_monthly
    if limit is not None and after > limit:
        already = f"the base costs ${_usd(before)} already" if before > limit else ""
        saved = f", and the change saves ${_usd(before - after)}" if after < before else f"; {_cause(cost)}"
        why = f"{already}{saved}" if already else _cause(cost)
        yield (
            f"the cost of ${_usd(after)} a month with the least copies is over {MAX_MONTHLY} {limit:f}; {why}"
            f"{_assumed(new=cost.after)}"
        )
    percent = options.max_increase_percent
    if percent is None or after <= before:
        return
    if not before:
        yield (
            f"the cost rises from $0.00 to ${_usd(after)} a month with the least copies, which is more than any "
            f"percentage and so over {MAX_INCREASE_PERCENT} {percent:f}; {_cause(cost)}{_assumed(new=cost.after)}; to "
            f"limit an app that cost nothing before, use {MAX_MONTHLY}"
        )
    elif (after - before) * 100 > percent * before:
        rise = ((after - before) * 100 / before).quantize(_TENTH, ROUND_UP)
        yield (
            f"the cost rises by {rise:f} percent with the least copies (${_usd(before)} \u2192 ${_usd(after)} a "
            f"month), over {MAX_INCREASE_PERCENT} {percent:f}; {_cause(cost)}"
            f"{_assumed(old=cost.before, new=cost.after)}"
        )


def _assumed(**sums: Sum) -> str:
    """Return the clause about assumed prices in costs with the least copies; empty if there is no such price."""
    amounts = {name: cents(each.assumed.least) for name, each in sums.items()}
    parts = [f"${_usd(amount)} of the {name} cost" for name, amount in amounts.items() if amount]
    return f"; {' and '.join(parts)} rest{'s' if len(parts) == 1 else ''} on assumed prices" if parts else ""


def _cause(cost: CostDifference) -> str:
    """Return the largest increase as a clause, or the largest part of the head if nothing increases."""
    rise = max(causes(cost.changes), key=lambda each: each.difference.least, default=None)
    if rise and rise.difference.least > 0:
        amounts = f"${_usd(rise.before.least)} \u2192 ${_usd(rise.after.least)} a month"
        return f"the largest cause is {rise.name} ({amounts})"
    if cost.largest:
        part = Cause((cost.largest,))
        amount = f"${_usd(part.after.least)} a month"
        return f"the change raises nothing, and the largest part is {part.name} ({amount})"
    return "nothing in it has a known cost"


def _usd(amount: Decimal) -> str:
    return money(Range.of(amount))

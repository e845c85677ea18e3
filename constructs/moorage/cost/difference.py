"""The difference between the costs of two versions of an app."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

import attrs

from moorage.cost.amounts import ZERO, Range
from moorage.cost.estimate import Estimate, Row, Sum
from moorage.cost.money import rounded
from moorage.cost.parts import Kind


@attrs.frozen
class Place:
    """The place of a resource in an assembly.

    Args:
        template: The construct path of its stack, which can be a nested stack.
        logical_id: Its logical ID.
    """

    template: str
    logical_id: str


@attrs.frozen
class CostChange:
    """A component whose monthly cost differs.

    Args:
        path: The construct path of the resource.
        component: The name of the component.
        type: The type of the resource in CloudFormation.
        before: The monthly cost in the base; 0 if the component is not there.
        after: The monthly cost in the head; 0 if the component is not there.
        assumed: True if no source states one of the prices.
        assumptions: The assumptions of the head, or of the base if the component is removed.
    """

    path: str
    component: str
    type: str
    before: Range
    after: Range
    assumed: bool = False
    assumptions: tuple[str, ...] = ()

    @property
    def difference(self) -> Range:
        """The difference between the amounts as they are shown, in cents."""
        return rounded(self.after) - rounded(self.before)

    @property
    def is_zero(self) -> bool:
        """True if the amounts are equal to the cent."""
        return self.difference == ZERO


@attrs.frozen(kw_only=True)
class CostDifference:
    """The difference between the monthly costs of two versions of an app.

    Args:
        before: The sum of the base.
        after: The sum of the head.
        changes: The components whose cost differs, the largest difference first.
        unknown: The components without a known cost that only one version has, each with the reason.
        by_use: The names of the components that only the head has, and that are billed by use that nothing states.
        largest: The component that costs most in the head; None if nothing there has a cost.
        assumed: The components whose cost does not differ, and has a price that no source states.
        notes: The sentences about the regions and the age of the prices.
        unused: A sentence for each value of the usage file that no component of both versions uses.
        regions: The regions of the components that differ.
    """

    before: Sum
    after: Sum
    changes: tuple[CostChange, ...] = ()
    unknown: tuple[str, ...] = ()
    by_use: tuple[str, ...] = ()
    largest: CostChange | None = None
    assumed: tuple[CostChange, ...] = ()
    notes: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()

    @property
    def is_zero(self) -> bool:
        """True if nothing differs that has a cost without traffic, or with the stated use."""
        return not (self.changes or self.unknown)


def difference_of(before: Estimate | None, after: Estimate, same: Mapping[Place, Place]) -> CostDifference:
    """Return the difference between two estimates.

    A component of a resource that is in both versions is compared with itself. Other components are paired if they are
    the only ones with their construct path and name, such as those of a stack that moves to another region.

    Args:
        before: The estimate of the base; None if there is no base.
        after: The estimate of the head.
        same: A mapping from the place of each resource of the head to that of the same resource in the base.
    """
    base = before or Estimate(())
    pairs = list(_pairs(base.rows, after.rows, same))
    compared = [(pair, _change(pair)) for pair in pairs]
    differing = [(pair, change) for pair, change in compared if not change.is_zero]
    added = [row for old, new in pairs for row in _only_in(new, old)]
    removed = [row for old, new in pairs for row in _only_in(old, new)]
    largest = max(after.rows, key=lambda row: row.amount.least, default=None)
    return CostDifference(
        before=base.total,
        after=after.total,
        changes=tuple(sorted((change for _, change in differing), key=_rank)),
        unknown=tuple(dict.fromkeys((*_unknown(added), *(f"{each}, removed" for each in _unknown(removed))))),
        by_use=tuple(dict.fromkeys(row.component for row in added if row.kind is Kind.USE)),
        largest=_change(((), (largest,))) if largest and largest.amount.least else None,
        assumed=tuple(change for _, change in compared if change.is_zero and change.assumed),
        notes=tuple(dict.fromkeys(note for each in (after, base) for note in each.notes if note not in each.unused)),
        unused=tuple(note for note in after.unused if before is None or note in base.unused),
        regions=tuple(sorted({row.region for pair, _ in differing for rows in pair for row in rows})),
    )


_Pair = tuple[Sequence[Row], Sequence[Row]]
"""The rows of a component in the base and in the head."""


def _pairs(base: Iterable[Row], head: Iterable[Row], same: Mapping[Place, Place]) -> Iterator[_Pair]:
    """Yield the components of both versions, in the order of the head, and removed components last."""
    olds, news = _components(base), _components(head)
    removed = dict(olds)
    added: list[Sequence[Row]] = []
    for (place, component), rows in news.items():
        other = same.get(place)
        old = removed.pop((other, component), None) if other else None
        if old is None:
            added.append(rows)
        else:
            yield old, rows
    by_path, paths = _by_path(removed.values()), _by_path(added)
    for name, news_ in paths.items():
        olds_ = by_path.pop(name, [])
        if len(news_) == len(olds_) == 1:
            yield olds_[0], news_[0]
        else:
            yield from (((), rows) for rows in news_)
            yield from ((rows, ()) for rows in olds_)
    yield from ((rows, ()) for found in by_path.values() for rows in found)


def _components(rows: Iterable[Row]) -> dict[tuple[Place, str], list[Row]]:
    found: dict[tuple[Place, str], list[Row]] = {}
    for row in rows:
        found.setdefault((Place(row.template, row.logical_id), row.component), []).append(row)
    return found


def _by_path(components: Iterable[Sequence[Row]]) -> dict[tuple[str, str], list[Sequence[Row]]]:
    found: dict[tuple[str, str], list[Sequence[Row]]] = {}
    for rows in components:
        found.setdefault((rows[0].path, rows[0].component), []).append(rows)
    return found


def _change(pair: _Pair) -> CostChange:
    before, after = (sum((row.amount for row in rows), ZERO) for rows in pair)
    shown = pair[1] or pair[0]
    assumptions = tuple(dict.fromkeys(each for row in shown for each in row.assumptions))
    assumed = any(row.assumed for rows in pair for row in rows)
    return CostChange(shown[0].path, shown[0].component, shown[0].type, before, after, assumed, assumptions)


def _only_in(rows: Sequence[Row], others: Sequence[Row]) -> Iterator[Row]:
    """Yield the rows without an amount of one version, unless the other version has the same."""
    kinds = {row.kind for row in others if row.month is None}
    yield from (row for row in rows if row.month is None and row.kind not in kinds)


def _unknown(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        if row.kind is Kind.UNKNOWN:
            yield f"{row.component} of {row.path} ({row.assumptions[-1].rstrip('.')})"


def size_of(difference: Range) -> tuple[Decimal, Decimal]:
    """Return a key that sorts differences: the largest one first, with the least or with the most copies.

    Args:
        difference: The difference.
    """
    least, most = abs(difference.least), abs(difference.most)
    return -max(least, most), -least


def _rank(change: CostChange) -> tuple[object, ...]:
    return (*size_of(change.difference), change.path, change.component)

"""The part of a month in which a service runs its most copies, from its scaling and its schedules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import attrs

from moorage.advice.schedules import starts_of_a_year
from moorage.prices.price import HOURS
from moorage.workload.schedule_expressions import is_once


@attrs.frozen
class Bounds:
    """The range of the copies of a service.

    Args:
        least: The minimum number of copies.
        most: The maximum number of copies.
    """

    least: Decimal
    most: Decimal


@attrs.frozen
class ScheduledBounds:
    """A scheduled change of the range of the copies.

    Args:
        expression: The schedule expression.
        least: The new minimum; None if it stays as it is.
        most: The new maximum; None if it stays as it is.
    """

    expression: str
    least: Decimal | None
    most: Decimal | None

    def applied_to(self, bounds: Bounds) -> Bounds:
        """Return the range after this change.

        Args:
            bounds: The range before it.
        """
        return Bounds(
            bounds.least if self.least is None else self.least, bounds.most if self.most is None else self.most
        )


def hours_at_most(
    initial: Bounds, schedules: Sequence[ScheduledBounds], extremes: Bounds, *, has_policy: bool
) -> Decimal | None:
    """Return the hours a month at the most copies that need as many task-hours as the schedules of a service.

    Between schedules, a policy keeps the copies halfway between the bounds; without a policy, the bound that applies is
    the number of copies. Schedules of a single time are left out, since they do not recur.

    Args:
        initial: The range without schedules.
        schedules: The scheduled changes of the range.
        extremes: The least and the most copies of all ranges.
        has_policy: True if a scaling policy changes the number of copies within the range.

    Returns:
        The hours, or None if there is no schedule, if a schedule cannot be read, or if the number never changes.
    """
    recurring = [each for each in schedules if not is_once(each.expression)]
    starts = [[(start, each) for start in starts_of_a_year(each.expression)] for each in recurring]
    if extremes.least == extremes.most or not starts or not all(starts):
        return None
    changes = sorted((change for each in starts for change in each), key=lambda change: change[0])
    average = _average(initial, changes, has_policy=has_policy)
    share = (average - extremes.least) / (extremes.most - extremes.least)
    return max(Decimal(0), min(Decimal(1), share)) * HOURS


def _average(initial: Bounds, changes: list[tuple[dt.datetime, ScheduledBounds]], *, has_policy: bool) -> Decimal:
    """Return the average number of copies in a year, which begins as it ends."""
    bounds, copies = initial, initial.least
    for _, change in changes:  # the state at the end of the year is that at its beginning
        bounds = change.applied_to(bounds)
        copies = _level(bounds, copies, has_policy=has_policy)
    year = changes[0][0].year
    now, end = dt.datetime(year, 1, 1, tzinfo=dt.UTC), dt.datetime(year + 1, 1, 1, tzinfo=dt.UTC)
    whole = Decimal((end - now).total_seconds())
    total = Decimal(0)
    for start, change in changes:
        total += copies * Decimal((start - now).total_seconds())
        now, bounds = start, change.applied_to(bounds)
        copies = _level(bounds, copies, has_policy=has_policy)
    return (total + copies * Decimal((end - now).total_seconds())) / whole


def _level(bounds: Bounds, copies: Decimal, *, has_policy: bool) -> Decimal:
    """Return the copies after a change of the range: halfway with a policy, and otherwise the nearest in the range."""
    return (bounds.least + bounds.most) / 2 if has_policy else max(bounds.least, min(copies, bounds.most))

"""The number of times a month that a schedule expression starts something."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal

from moorage.prices.price import HOURS, MONTHS_OF_A_YEAR
from moorage.workload.schedule_expressions import rate_seconds

_YEAR = 2027
"""A year of 365 days, in which the starts of a cron expression are counted."""
_CRON = re.compile(r"cron\((.*)\)", re.IGNORECASE | re.DOTALL)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEK_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS = 6
_SATURDAY = 7


def runs_a_month(expression: str) -> Decimal | None:
    """Return the starts in a month of 1/12 of a year; None for a single time, and for an expression that is not valid.

    Args:
        expression: The schedule expression of a rule or a schedule.
    """
    if seconds := rate_seconds(expression):
        return HOURS * 3600 / seconds
    found = _CRON.fullmatch(expression)
    fields = found[1].split() if found else []
    if len(fields) != _FIELDS or fields[-1] not in {"*", "?"}:  # with a year, it starts for a limited time
        return None
    try:
        minutes = len(set(_numbers(fields[0], 0, 59)))
        hours = len(set(_numbers(fields[1], 0, 23)))
        days = sum(1 for _ in _days(fields[2], fields[3], fields[4]))
    except ValueError:
        return None
    return Decimal(minutes * hours * days) / MONTHS_OF_A_YEAR


def starts_of_a_year(expression: str) -> tuple[dt.datetime, ...]:
    """Return the starts of a cron expression in a year of 365 days; none for a rate, and if it is not valid.

    The time zone of the schedule is not used.

    Args:
        expression: The schedule expression.
    """
    found = _CRON.fullmatch(expression)
    fields = found[1].split() if found else []
    if len(fields) != _FIELDS:
        return ()
    try:
        minutes = sorted(set(_numbers(fields[0], 0, 59)))
        hours = sorted(set(_numbers(fields[1], 0, 23)))
        days = list(_days(fields[2], fields[3], fields[4]))
    except ValueError:
        return ()
    return tuple(
        dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=dt.UTC)
        for day in days
        for hour in hours
        for minute in minutes
    )


def _days(day_of_month: str, months: str, day_of_week: str) -> Iterator[dt.date]:
    for month in sorted(set(_numbers(months, 1, 12, _MONTHS))):
        last = calendar.monthrange(_YEAR, month)[1]
        for number in range(1, last + 1):
            day = dt.date(_YEAR, month, number)
            if _is_in_month(day, day_of_month, last) and _is_in_week(day, day_of_week, last):
                yield day


def _is_in_month(day: dt.date, field: str, last: int) -> bool:
    if field == "?":
        return True
    return any(_is_day(day, part.upper(), last) for part in field.split(","))


def _is_day(day: dt.date, part: str, last: int) -> bool:
    if part == "L":
        return day.day == last
    if found := re.fullmatch(r"L-(\d+)", part):
        return day.day == last - int(found[1])
    if found := re.fullmatch(r"(L|\d+)W", part):
        wanted = last if found[1] == "L" else min(int(found[1]), last)
        return day.day == _nearest_work_day(day.replace(day=wanted), last)
    return day.day in _numbers(part, 1, 31)


def _nearest_work_day(day: dt.date, last: int) -> int:
    """Return the day of the month of the work day that is nearest, in the same month."""
    weekday = day.isoweekday()
    if weekday == 6:  # noqa: PLR2004  # Saturday
        return day.day - 1 if day.day > 1 else day.day + 2
    if weekday == _SATURDAY:  # ISO counts Sunday as 7
        return day.day + 1 if day.day < last else day.day - 2
    return day.day


def _is_in_week(day: dt.date, field: str, last: int) -> bool:
    if field == "?":
        return True
    number = day.isoweekday() % 7 + 1  # 1 is Sunday
    for part in field.upper().split(","):
        if found := re.fullmatch(r"(\w+)#([1-5])", part):
            matches = number in _numbers(found[1], 1, 7, _WEEK_DAYS) and (day.day - 1) // 7 + 1 == int(found[2])
        elif part == "L":
            matches = number == _SATURDAY
        elif found := re.fullmatch(r"(\w+)L", part):
            matches = number in _numbers(found[1], 1, 7, _WEEK_DAYS) and day.day + 7 > last
        else:
            matches = number in _numbers(part, 1, 7, _WEEK_DAYS)
        if matches:
            return True
    return False


def _numbers(field: str, low: int, high: int, names: tuple[str, ...] = ()) -> list[int]:
    """Return the numbers that a field of values, ranges and increments stands for.

    Args:
        field: The field of the expression.
        low: The smallest number.
        high: The largest number.
        names: The names of the numbers, from the smallest. Default: none.

    Raises:
        ValueError: The field is not valid.
    """
    found: list[int] = []
    for part in field.split(","):
        span, _, increment = part.partition("/")
        first, _, end = span.partition("-")
        start = low if first == "*" else _number(first, low, names)
        stop = _number(end, low, names) if end else high if first == "*" or increment else start
        if not (low <= start <= high and low <= stop <= high):
            raise ValueError(f"{part} is not between {low} and {high}")
        if start > stop:  # around the end, such as FRI-MON
            found.extend([*range(start, high + 1, int(increment or 1)), *range(low, stop + 1, int(increment or 1))])
        else:
            found.extend(range(start, stop + 1, int(increment or 1)))
    return found


def _number(text: str, low: int, names: tuple[str, ...]) -> int:
    return names.index(text.upper()) + low if text.upper() in names else int(text)

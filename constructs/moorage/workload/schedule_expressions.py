"""The schedule expressions of EventBridge Scheduler and Application Auto Scaling.

Sources: EventBridge Scheduler user guide, "Schedule types"; botocore scheduler CreateSchedule.ScheduleExpression,
application-autoscaling PutScheduledAction.Schedule. Both services accept the same cron fields.
"""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from typing import NamedTuple

from moorage.workload.problems import Problems, is_token

_EXPRESSION = re.compile(r"(at|cron|rate)\((.*)\)", re.IGNORECASE | re.DOTALL)
_RATE = re.compile(r"(\d+) *(minute|hour|day)s?", re.IGNORECASE)
_UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_WAY_OUT = "use ScheduleExpression.cron(...), .rate(...) or .at(...) of aws_cdk.aws_scheduler"
_NO_VALUE = "?"


class _Field(NamedTuple):
    """A field of a cron expression: its name, minimum, maximum, names for values (such as `JAN`), and a pattern for its
    special values (such as `L`)."""

    name: str
    low: int
    high: int
    names: str = ""
    wildcard: str = r"(?!)"


_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"
_WEEK_DAYS = "SUN MON TUE WED THU FRI SAT"
_DAY_OF_MONTH, _DAY_OF_WEEK, _YEAR = 2, 4, 5
_FIELDS = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("day-of-month", 1, 31, wildcard=r"L|LW|L-\d{1,2}|(\d{1,2})W"),
    _Field("month", 1, 12, _MONTHS),
    _Field("day-of-week", 1, 7, _WEEK_DAYS, wildcard=r"L|(\w+)L|(\w+)#[1-5]"),
    _Field("year", 1970, 2199),
)


def check_expression(argument: str, expression: str, problems: Problems) -> None:
    """Check an expression, and warn about a time in the past, which AWS accepts although nothing ever starts."""
    if is_token(expression):
        return
    parts = _EXPRESSION.fullmatch(expression)
    if parts is None:
        problems.add(f"{argument} must be at(...), cron(...) or rate(...) (got {expression!r}); {_WAY_OUT}")
        return
    kind, text = parts[1].lower(), parts[2]
    if kind == "cron":
        _check_cron(argument, text, problems)
    elif kind == "rate" and not rate_seconds(expression):
        problems.add(
            f"{argument} must be 1 or more whole minutes, hours or days (got {expression!r}); "
            "use ScheduleExpression.rate(cdk.Duration.minutes(...)), or .hours(...), or .days(...)"
        )
    elif kind == "at":
        _check_moment(argument, expression, problems)


def check_time_zone(argument: str, name: str, problems: Problems) -> None:
    """Check that the IANA database on this machine has this time zone. Without a database, every name is accepted."""
    if is_token(name):
        return
    try:
        zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # KeyError: ZoneInfoNotFoundError; OSError: a folder of the database
        if zoneinfo.available_timezones():
            problems.add(
                f"{argument} must be the name of a time zone in the IANA database (got {name!r}); "
                "use a constant of cdk.TimeZone, such as cdk.TimeZone.EUROPE_PARIS"
            )


def rate_seconds(expression: str) -> int:
    """Return the seconds between two starts of a rate expression, or 0 for any other expression."""
    parts = _EXPRESSION.fullmatch(expression)
    rate = _RATE.fullmatch(parts[2]) if parts and parts[1].lower() == "rate" else None
    return int(rate[1]) * _UNIT_SECONDS[rate[2].lower()] if rate else 0


def is_once(expression: str) -> bool:
    """Return whether an expression is for a single time, `at(...)`."""
    return expression.lower().startswith("at(")


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _check_moment(argument: str, expression: str, problems: Problems) -> None:
    text = expression[3:-1]
    try:
        moment = dt.datetime.strptime(text if text.count(":") > 1 else f"{text}:00", "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        problems.add(
            f"{argument} must be at(yyyy-mm-ddThh:mm:ss), without a time zone (got {expression!r}); "
            "use ScheduleExpression.at(datetime(...), time_zone)"
        )
        return
    if moment.replace(tzinfo=dt.UTC) < now() - dt.timedelta(days=1):  # the time zone of the schedule may be behind UTC
        problems.warn(
            f"{argument} should not be in the past (got {expression!r}); use a later time, or remove the schedule"
        )


def _check_cron(argument: str, text: str, problems: Problems) -> None:
    fields = text.split()
    if len(fields) != len(_FIELDS):
        problems.add(
            f"{argument} must have six fields, minutes, hours, day-of-month, month, day-of-week and year "
            f"(got {len(fields)} in {f'cron({text})'!r}); use a form such as 'cron(0 3 * * ? *)', or "
            "ScheduleExpression.cron(...)"
        )
        return
    for field, value in zip(_FIELDS, fields, strict=True):
        is_day = field in (_FIELDS[_DAY_OF_MONTH], _FIELDS[_DAY_OF_WEEK])
        if not (is_day and value == _NO_VALUE) and not all(_is_valid(field, each) for each in value.split(",")):
            problems.add(
                f"{argument} must have {_choices(field)} as {field.name} (got {value!r} in {f'cron({text})'!r}); "
                "use values in this range, or '*' for every value"
            )
    days = (fields[_DAY_OF_MONTH], fields[_DAY_OF_WEEK])
    if days.count(_NO_VALUE) != 1:
        way_out = "replace one '?' with '*'"
        if _NO_VALUE not in days:
            way_out = "replace one of the two values with '?', or use two schedules"
        problems.add(
            f"{argument} must have '?' as one of day-of-month and day-of-week, and a value as the other "
            f"(got {days[0]!r} and {days[1]!r} in {f'cron({text})'!r}); {way_out}"
        )
    years = fields[_YEAR]
    if re.fullmatch(r"[\d,-]+", years) and max(map(int, re.findall(r"\d+", years))) < now().year:
        problems.warn(f"{argument} should not be in the past (got the year {years!r}); use a later year, or '*'")


def _is_valid(field: _Field, text: str) -> bool:
    """Return whether a part of a field between commas is a value, a range, an increment or a special value."""
    wildcard = re.fullmatch(field.wildcard, text, re.IGNORECASE)
    if wildcard:
        return all(_is_value(field, each) for each in wildcard.groups() if each)
    span, _, increment = text.partition("/")
    if increment and not (increment.isdecimal() and 1 <= int(increment) <= field.high):
        return False
    ends = span.split("-")
    return ("/" not in text or bool(increment)) and (
        span == "*" or (len(ends) <= 2 and all(_is_value(field, end) for end in ends))  # noqa: PLR2004  # of a range
    )


def _is_value(field: _Field, text: str) -> bool:
    return text.upper() in field.names.split() or (text.isdecimal() and field.low <= int(text) <= field.high)


def _choices(field: _Field) -> str:
    names = field.names.split()
    return f"{field.low} to {field.high}" + (f" or {names[0]} to {names[-1]}" if names else "")

"""The validation of schedule expressions and time zones."""

from __future__ import annotations

import contextlib
import datetime as dt
import warnings
import zoneinfo

import pytest

from moorage.workload import schedule_expressions
from moorage.workload.problems import Problems


def problems_of(expression: str) -> list[str]:
    problems = Problems("Schedule")
    schedule_expressions.check_expression("expression", expression, problems)
    return problems.messages


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 3 * * ? *)",
        "cron(0 3 ? * * *)",
        "cron(59 23 31 12 ? 2199)",
        "cron(0/15 8-18 ? * MON-FRI *)",
        "cron(*/1 * * * ? *)",
        "cron(*/59 22-2 ? jan,JUL 1,7 2127-2130)",
        "cron(0 0 L * ? *)",
        "cron(0 0 LW * ? *)",
        "cron(0 0 15W * ? *)",
        "cron(0 0 ? * 6L *)",
        "cron(0 0 ? * FRI#5 *)",
        "CRON(0 0 1 1 ? *)",
        "rate(1 minute)",
        "rate(5 days)",
        "rate(1 hours)",
        "at(2127-01-01T00:00:00)",
        "at(2127-01-01T00:00)",
        "${Token[Expression.1]}",
    ],
)
def test_valid_expressions_are_accepted(expression: str) -> None:
    assert problems_of(expression) == []


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("every day at 3", "must be at(...), cron(...) or rate(...) (got 'every day at 3')"),
        ("0 3 * * ? *", "must be at(...), cron(...) or rate(...)"),
        ("cron(0 3 * * *)", "must have six fields"),
        ("cron(0 3 * * ? * *)", "(got 7 in"),
        ("cron(60 3 * * ? *)", "must have 0 to 59 as minutes (got '60'"),
        ("cron(-1 3 * * ? *)", "as minutes (got '-1'"),
        ("cron(0 24 * * ? *)", "must have 0 to 23 as hours (got '24'"),
        ("cron(0 0 0 * ? *)", "must have 1 to 31 as day-of-month (got '0'"),
        ("cron(0 0 32 * ? *)", "day-of-month (got '32'"),
        ("cron(0 0 32W * ? *)", "day-of-month (got '32W'"),
        ("cron(0 0 1 13 ? *)", "must have 1 to 12 or JAN to DEC as month (got '13'"),
        ("cron(0 0 1 ? ? *)", "as month (got '?'"),
        ("cron(0 0 ? * 0 *)", "must have 1 to 7 or SUN to SAT as day-of-week (got '0'"),
        ("cron(0 0 ? * MON-8 *)", "day-of-week (got 'MON-8'"),
        ("cron(0 0 ? * FRI#6 *)", "day-of-week (got 'FRI#6'"),
        ("cron(0 0 * * ? 2200)", "must have 1970 to 2199 as year (got '2200'"),
        ("cron(0/0 0 * * ? *)", "minutes (got '0/0'"),
        ("cron(0/ 0 * * ? *)", "minutes (got '0/'"),
        ("cron(0/x 0 * * ? *)", "minutes (got '0/x'"),
        ("cron(*/60 0 * * ? *)", "minutes (got '*/60'"),
        ("cron(1-2-3 0 * * ? *)", "minutes (got '1-2-3'"),
        ("cron(0 3 1 * MON *)", "(got '1' and 'MON'"),
        ("cron(0 3 * * * *)", "must have '?' as one of day-of-month and day-of-week"),
        ("cron(0 3 ? * ? *)", "(got '?' and '?' in 'cron(0 3 ? * ? *)'); replace one '?' with '*'"),
        ("rate(30 seconds)", "must be 1 or more whole minutes, hours or days"),
        ("rate(0 minutes)", "must be 1 or more whole minutes"),
        ("rate(1.5 hours)", "must be 1 or more whole minutes"),
        ("at(2127-01-01)", "must be at(yyyy-mm-ddThh:mm:ss)"),
        ("at(2127-02-29T00:00:00)", "must be at(yyyy-mm-ddThh:mm:ss)"),
        ("at(2127-01-01T00:00:00Z)", "without a time zone"),
    ],
)
def test_invalid_expressions_are_refused_by_field(expression: str, says: str) -> None:
    (problem,) = problems_of(expression)
    assert problem.startswith("expression ")
    assert says in problem


@pytest.mark.parametrize("expression", ["at(2020-01-01T00:00:00)", "cron(0 0 1 1 ? 2019-2020)"])
def test_a_time_in_the_past_warns(expression: str) -> None:
    with pytest.warns(UserWarning, match="expression should not be in the past"):
        assert problems_of(expression) == []


def test_the_current_year_does_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert problems_of(f"cron(0 0 1 1 ? {dt.datetime.now(dt.UTC).year})") == []


@pytest.mark.parametrize(("moment", "warns"), [("T12:00:00", False), ("T11:59:59", True)])
def test_a_time_is_in_the_past_if_it_is_in_every_time_zone(
    monkeypatch: pytest.MonkeyPatch, moment: str, *, warns: bool
) -> None:
    monkeypatch.setattr(schedule_expressions, "now", lambda: dt.datetime(2030, 1, 2, 12, tzinfo=dt.UTC))
    with pytest.warns(UserWarning, match="in the past") if warns else contextlib.nullcontext():
        assert problems_of(f"at(2030-01-01{moment})") == []


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("rate(1 minute)", 60),
        ("rate(2 hours)", 7200),
        ("rate(1 day)", 86400),
        ("at(x)", 0),
        ("cron(1 minute)", 0),
        ("1 minute", 0),
    ],
)
def test_the_time_between_starts_is_read_from_a_rate(expression: str, seconds: int) -> None:
    assert schedule_expressions.rate_seconds(expression) == seconds


def zone_problems(name: str) -> list[str]:
    problems = Problems("Schedule")
    schedule_expressions.check_time_zone("time_zone", name, problems)
    return problems.messages


@pytest.mark.parametrize(
    "name", ["Europe/Paris", "Etc/UTC", "Etc/GMT+9", "America/Argentina/Ushuaia", "${Token[Zone.1]}"]
)
def test_time_zones_of_the_iana_database_are_accepted(name: str) -> None:
    assert zone_problems(name) == []


@pytest.mark.parametrize("name", ["Europe/Atlantis", "UTC+2", "Europe", "", "../Europe/Paris"])
def test_other_time_zones_are_refused(name: str) -> None:
    (problem,) = zone_problems(name)
    assert f"must be the name of a time zone in the IANA database (got {name!r})" in problem


def test_every_time_zone_passes_without_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoneinfo, "available_timezones", set[str])
    assert zone_problems("Europe/Atlantis") == []

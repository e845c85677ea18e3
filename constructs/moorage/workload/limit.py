"""A row of a table of limits, and functions that make the common kinds of rows."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias


class Botocore(NamedTuple):
    """A citation of botocore, whose service models AWS writes.

    Args:
        service: The name of the service in botocore.
        shape: The name of the shape.
        member: The member of the shape that states the limit. Default: the shape itself.
        quote: A sentence of the documentation. Default: none, since the constraints of the shape state the limit.
        also: Further sources, or a supplement to the quote. Default: none.
    """

    service: str
    shape: str
    member: str = ""
    quote: str = ""
    also: str = ""


Source: TypeAlias = str | Botocore


class BelowOrAbove(NamedTuple):
    """A hint that differs for values below a range and above it.

    Args:
        below: The way out from a value below the range.
        above: The way out from a value above the range.
        low: The lowest value of the range. Default: none, since `in_range` sets this value.
    """

    below: str
    above: str
    low: float = math.nan

    def __call__(self, value: float) -> str:
        """Return the way out from a value outside the range."""
        return self.below if value < self.low else self.above


class Limit(NamedTuple):
    """A limit of AWS: the values that AWS accepts, and the message for other values.

    Args:
        id: The ID of the limit in the tables of limits, such as `limits.TABLE`.
        accepts: A function that returns whether AWS accepts a value.
        rule: The limit as a predicate of the argument, such as "must be between 1 and 65535". The predicate begins with
            "should" if `confirmed` is False.
        hint: The way out, or a function that derives the way out from the refused value.
        source: The place where AWS states the limit.
        format: A function that formats a refused value. Default: `repr`.
        confirmed: Whether to raise an error for a value outside the limit. Use False if no source confirms the limit,
            or if AWS can raise the limit: the value then causes only a warning. Default: True.
    """

    id: str
    accepts: Callable[[Any], bool]
    rule: str
    hint: str | Callable[[Any], str] | BelowOrAbove
    source: Source
    format: Callable[[Any], str] = repr
    confirmed: bool = True

    def problem(self, argument: str, value: Any) -> str | None:
        """Describe how `value` breaks this limit, or return None if the limit accepts the value."""
        if self.accepts(value):
            return None
        hint = self.hint if isinstance(self.hint, str) else self.hint(value)
        return f"{argument} {self.rule} (got {self.format(value)}); {hint}"


def with_commas(number: float) -> str:
    """Format a number with commas between its thousands, as AWS's documentation does."""
    return f"{number:,}"


def in_range(
    row: str,
    low: float,
    high: float,
    *,
    unit: str = "",
    hint: str | BelowOrAbove,
    source: Source,
    show: Callable[[float], str] = with_commas,
) -> Limit:
    """Return a limit that accepts numbers from `low` to `high`.

    Args:
        row: The ID of the limit.
        low: The lowest number.
        high: The highest number.
        unit: The unit of the numbers, and a supplement to the rule. Default: none.
        hint: The way out.
        source: The place where AWS states the limit.
        show: A function that formats a number. Default: with commas between thousands.
    """
    ends = f"{show(low)}% and {show(high)}%" if unit == "%" else f"{show(low)} and {show(high)} {unit}".rstrip()
    return Limit(
        id=row,
        accepts=lambda value: low <= value <= high,
        rule=f"must be between {ends}",
        hint=hint if isinstance(hint, str) else hint._replace(low=low),
        source=source,
        format=show,
    )


def at_most(row: str, high: int, *, unit: str = "", hint: str, source: Source) -> Limit:
    """Return a limit that accepts numbers of at most `high`."""
    return Limit(
        id=row,
        accepts=lambda value: value <= high,
        rule=f"must be at most {with_commas(high)} {unit}".rstrip(),
        hint=hint,
        source=source,
        format=with_commas,
    )


def quota(row: str, high: int, *, hint: str, source: str) -> Limit:
    """Return a limit that warns about counts above a quota that AWS can raise."""
    return Limit(
        id=row,
        accepts=lambda count: count <= high,
        rule=f"should be at most {with_commas(high)}, a quota that AWS can raise",
        hint=hint,
        source=f"{source} (adjustable)",
        format=with_commas,
        confirmed=False,
    )


def at_least(row: str, low: int, *, unit: str = "", hint: str, source: Source) -> Limit:
    """Return a limit that accepts numbers of at least `low`."""
    return Limit(
        id=row,
        accepts=lambda value: value >= low,
        rule=f"must be at least {with_commas(low)} {unit}".rstrip(),
        hint=hint,
        source=source,
        format=with_commas,
    )


def characters(row: str, high: int, *, hint: str, source: Source) -> Limit:
    """Return a limit that accepts strings of at most `high` characters."""
    return Limit(
        id=row,
        accepts=lambda text: len(text) <= high,
        rule=f"must be at most {with_commas(high)} characters",
        hint=hint,
        source=source,
        format=lambda text: with_commas(len(text)),
    )


def whole_minutes(row: str, low: int, high: int, *, hint: str = "", source: Source) -> Limit:
    """Return a limit that accepts a number of seconds equal to a whole number of minutes from `low` to `high`."""
    return Limit(
        id=row,
        accepts=lambda time: time % 60 == 0 and low <= time // 60 <= high,
        rule=f"must be a whole number of minutes between {with_commas(low)} and {with_commas(high)}",
        hint=hint or "use a duration such as cdk.Duration.minutes(10)",
        source=source,
        format=lambda time: f"{time / 60:,g}",
    )


def matching(row: str, pattern: str, *, rule: str, hint: str, source: Source) -> Limit:
    """Return a limit that accepts strings that fully match a pattern."""
    return Limit(
        id=row,
        accepts=lambda value: re.fullmatch(pattern, value) is not None,
        rule=rule,
        hint=hint,
        source=source,
    )


def one_of(row: str, values: Iterable[str], *, where: str = "", hint: str, source: Source) -> Limit:
    """Return a limit that accepts the strings in `values`."""
    choices = tuple(values)
    choice_text = " or ".join(filter(None, (comma_separated(choices[:-1]), repr(choices[-1]))))
    return Limit(
        id=row,
        accepts=lambda value: value in choices,
        rule=f"must be {choice_text} {where}".rstrip(),
        hint=hint,
        source=source,
    )


def unique(row: str, *, rule: str, hint: str, source: Source) -> Limit:
    """Return a limit that accepts lists without repeated values."""
    return Limit(
        id=row,
        accepts=lambda values: len(set(values)) == len(values),
        rule=rule,
        hint=hint,
        source=source,
        format=lambda values: f"{comma_separated(_repeated(values))} more than once",
    )


def _repeated(values: Iterable[Any]) -> list[Any]:
    every = list(values)
    return sorted({value for value in every if every.count(value) > 1}, key=repr)


def comma_separated(values: Iterable[Any]) -> str:
    """Join the representations of values with commas."""
    return ", ".join(map(repr, values))


def minimum_length(document: Any) -> int:
    """Return the length of a document as compact JSON, without the parts that CloudFormation fills in."""
    return len(json.dumps(_without_tokens(document), separators=(",", ":")))


def _without_tokens(document: Any) -> Any:
    """Return a document without the parts that CloudFormation fills in."""
    if isinstance(document, Mapping):
        if any(name == "Ref" or name.startswith("Fn::") for name in document):
            return ""
        return {_without_tokens(name): _without_tokens(each) for name, each in document.items()}
    if isinstance(document, str):
        return re.sub(r"[$#]\{Token\[[^]]*\]\}", "", document)
    return [_without_tokens(each) for each in document] if isinstance(document, (list, tuple)) else document

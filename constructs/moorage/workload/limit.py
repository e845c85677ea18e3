"""What one row of the table of limits is, and how most of them are written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple


class Limit(NamedTuple):
    """One thing that AWS accepts or refuses.

    Args:
        id: Its name in this table.
        accepts: Whether a value keeps it.
        rule: The limit in words, as the second half of "port is 70000, but ...".
        hint: The way out, or a function that works it out from the refused value.
        source: Where AWS says so.
        format: How a refused value is written in the error.
        confirmed: False where no source was found: breaking it warns.
    """

    id: str
    accepts: Callable[[Any], bool]
    rule: str
    hint: str | Callable[[Any], str]
    source: str
    format: Callable[[Any], str] = repr
    confirmed: bool = True

    def problem(self, argument: str, value: Any) -> str | None:
        """What is wrong with `value`, or None where it keeps this limit."""
        try:
            if self.accepts(value):
                return None
        except TypeError:  # compared with a number or a text that it is not
            return f"{argument} is {value!r}, a {type(value).__name__}, but {self.rule}; give it as its type says"
        hint = self.hint if isinstance(self.hint, str) else self.hint(value)
        return f"{argument} is {self.format(value)}, but {self.rule}; {hint}"


def in_range(
    row: str, low: float, high: float, *, unit: str = "", of: str, hint: str = "", source: str, whole: bool = True
) -> Limit:
    said = f" {unit}" if unit else ""

    def way_out(value: float) -> str:
        number = "whole number" if value % 1 else "value"
        return hint or f"use a {number} from {low:,} to {high:,}{said}"

    return Limit(
        id=row,
        accepts=lambda value: low <= value <= high and not (whole and value % 1),
        rule=f"{of} is {low:,} to {high:,}{said}",
        hint=way_out,
        source=source,
        format=lambda value: (
            f"{value:,}{said}" if isinstance(value, int) and value > 9999 and unit else f"{value}{said}"
        ),
    )


def whole_minutes(row: str, low: int, high: int, *, of: str, source: str) -> Limit:
    """A time that is kept in seconds, of which AWS counts whole minutes."""
    return Limit(
        id=row,
        accepts=lambda time: time % 60 == 0 and low <= time // 60 <= high,
        rule=f"{of} is {low:,} to {high:,} whole minutes",
        hint=f"use cdk.Duration.minutes(...) with {low:,} to {high:,}",
        source=source,
        format=lambda time: f"{time / 60:g} min",
    )


def matching(row: str, pattern: str, *, rule: str, hint: str, source: str) -> Limit:
    return Limit(
        id=row,
        accepts=lambda value: re.fullmatch(pattern, value) is not None,
        rule=rule,
        hint=hint,
        source=source,
    )


def one_of(row: str, values: Iterable[str], *, rule: str, hint: str = "", source: str) -> Limit:
    known = tuple(values)
    return Limit(
        id=row,
        accepts=lambda value: value in known,
        rule=rule,
        hint=hint or f"use {', '.join(map(repr, known[:-1]))} or {known[-1]!r}",
        source=source,
    )


def least_length(document: Any) -> int:
    """How many characters a document has as JSON at least: without spaces, and without what CloudFormation puts in."""
    return len(json.dumps(_known(document), separators=(",", ":")))


def _known(document: Any) -> Any:
    if isinstance(document, Mapping):
        if any(name == "Ref" or name.startswith("Fn::") for name in document):
            return ""
        return {_known(name): _known(each) for name, each in document.items()}
    if isinstance(document, str):
        return re.sub(r"[$#]\{Token\[[^]]*\]\}", "", document)
    return [_known(each) for each in document] if isinstance(document, (list, tuple)) else document

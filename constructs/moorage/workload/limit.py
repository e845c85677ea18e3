"""What a row of a table of limits is: one thing that AWS accepts or refuses, and how it says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import attrs

_FIVE_DIGITS = 10_000


@attrs.frozen(kw_only=True)
class Limit:
    """One thing that AWS accepts or refuses.

    Args:
        id: Its name in this table.
        accepts: Whether a value keeps it.
        says: The limit in words, as the second half of "port is 70000, but ...".
        instead: The way out, or a function that works it out from the refused value.
        source: Where AWS says so.
        show: How a refused value is written in the error.
        confirmed: False where no source was found: breaking it warns.
    """

    id: str
    accepts: Callable[[Any], bool]
    says: str
    instead: str | Callable[[Any], str]
    source: str
    show: Callable[[Any], str] = repr
    confirmed: bool = True

    def fault(self, argument: str, value: Any) -> str | None:
        """What is wrong with `value`, or None where it keeps this limit."""
        try:
            if self.accepts(value):
                return None
        except TypeError:  # compared with a number or a text that it is not
            return f"{argument} is {value!r}, a {type(value).__name__}, but {self.says}; give it as its type says"
        instead = self.instead if isinstance(self.instead, str) else self.instead(value)
        return f"{argument} is {self.show(value)}, but {self.says}; {instead}"


def in_range(row: str, low: float, high: float, *, unit: str = "", of: str, instead: str = "", source: str) -> Limit:
    """A row of numbers from `low` to `high`, of what `of` says."""
    said = f" {unit}" if unit else ""
    return Limit(
        id=row,
        accepts=lambda value: low <= value <= high,
        says=f"{of} is {low:,} to {high:,}{said}",
        instead=instead or f"use a value from {low:,} to {high:,}{said}",
        source=source,
        show=lambda value: (
            f"{value:,}{said}" if isinstance(value, int) and value >= _FIVE_DIGITS and unit else f"{value}{said}"
        ),
    )


def matching(row: str, pattern: str, *, says: str, instead: str, source: str) -> Limit:
    """A row of texts that a pattern matches whole."""
    return Limit(
        id=row,
        accepts=lambda value: re.fullmatch(pattern, value) is not None,
        says=says,
        instead=instead,
        source=source,
    )

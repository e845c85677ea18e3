"""Programs as text, as a user would write them, so that a failing program can be read and run again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import attrs
from hypothesis import strategies as st

T = TypeVar("T")


class Code(str):
    """Source text, as opposed to a string value in a program."""

    __slots__ = ()


NONE = Code("None")
"""The argument None in a program; a plain None leaves the argument out."""


def written(value: Any) -> str:
    """Return a value as source text."""
    if isinstance(value, Code):
        return value
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{written(key)}: {written(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(written, value)) + "]"
    return repr(value)


def call(of: str, *given: Any, **named: Any) -> Code:
    """Return a call as source text, without arguments that are None."""
    said = [written(each) for each in given if each is not None]
    said += [f"{name}={written(value)}" for name, value in named.items() if value is not None]
    return Code(f"{of}({', '.join(said)})")


def seconds(count: float | None) -> Code | None:
    """Return a duration in seconds as source text; None for None."""
    return None if count is None else call("timedelta", seconds=count)


@attrs.define
class Pick:
    """A source of random values that keep all limits except the limits to be broken.

    Args:
        draw: Hypothesis's `draw`.
        broken: The IDs of the limits to break.
    """

    draw: Callable[[st.SearchStrategy[Any]], Any]
    broken: frozenset[str]

    def breaks(self, *rows: str) -> bool:
        """Return whether to break one of these limits."""
        return not self.broken.isdisjoint(rows)

    def one_of(self, *values: T) -> T:
        picked: T = self.draw(st.sampled_from(values))
        return picked

    def often(self) -> bool:
        return self.one_of(0, 1, 2) > 0

    def seldom(self) -> bool:
        return self.one_of(0, 1, 2, 3) > 2  # noqa: PLR2004  # one in four

    def on(self) -> bool | None:
        """Return True or None."""
        return self.often() or None

    def off(self) -> bool | None:
        """Return False or None."""
        return None if self.often() else False

    def when(self, *rows: str) -> bool:
        """Return whether to use an optional setting: always if one of its limits is to be broken."""
        return self.breaks(*rows) or self.seldom()

    def maybe(self, make: Callable[[], T], *rows: str) -> T | None:
        """Return a value that `make` draws, or None; always a value if one of its limits is to be broken."""
        return make() if self.when(*rows) else None

    def within(self, row: str, low: int, high: int, *beyond: float) -> Any:
        """Return an integer in a range, often at its ends; to break the limit, a value just beyond or a given value."""
        if self.breaks(row):
            return self.one_of(*(beyond or (low - 1, high + 1)))
        return self.draw(st.sampled_from((low, high)) | st.integers(low, high))

    def keeping(self, row: str, kept: Sequence[T], beyond: Sequence[T]) -> T:
        """Return a value that keeps a limit; to break the limit, return a value beyond it."""
        return self.one_of(*(beyond if self.breaks(row) else kept))

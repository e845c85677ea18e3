"""Programs as text, so that what is tried is what a user would type, and what fails can be read and run again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import attrs
from hypothesis import strategies as st

T = TypeVar("T")


class Code(str):
    """Source text, as opposed to a string that stands in it."""

    __slots__ = ()


NONE = Code("None")
"""An argument that is given as None; a plain None leaves it out."""


def written(value: Any) -> str:
    """A value as source text."""
    if isinstance(value, Code):
        return value
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{written(key)}: {written(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(written, value)) + "]"
    return repr(value)


def call(of: str, *given: Any, **named: Any) -> Code:
    """A call as source text; what is None is left out."""
    said = [written(each) for each in given if each is not None]
    said += [f"{name}={written(value)}" for name, value in named.items() if value is not None]
    return Code(f"{of}({', '.join(said)})")


def seconds(count: float | None) -> Code | None:
    """A duration as source text."""
    return None if count is None else call("timedelta", seconds=count)


@attrs.define
class Pick:
    """Draws what a program says, within the limits but for the rows that it is to break.

    Args:
        draw: Hypothesis's own.
        broken: The ids of the rows to break.
    """

    draw: Callable[[st.SearchStrategy[Any]], Any]
    broken: frozenset[str]

    def breaks(self, *rows: str) -> bool:
        """Whether one of these rows is to be broken."""
        return not self.broken.isdisjoint(rows)

    def one_of(self, *values: T) -> T:
        picked: T = self.draw(st.sampled_from(values))
        return picked

    def often(self) -> bool:
        return self.one_of(0, 1, 2) > 0

    def seldom(self) -> bool:
        return self.one_of(0, 1, 2, 3) > 2  # noqa: PLR2004  # one of four

    def on(self) -> bool | None:
        """True, or nothing said."""
        return self.often() or None

    def off(self) -> bool | None:
        """False, or nothing said."""
        return None if self.often() else False

    def when(self, *rows: str) -> bool:
        """Whether to say something that may be left out: always when one of its rows is to be broken."""
        return self.breaks(*rows) or self.seldom()

    def maybe(self, make: Callable[[], T], *rows: str) -> T | None:
        """What `make` draws, or nothing; always something when one of its rows is to be broken."""
        return make() if self.when(*rows) else None

    def within(self, row: str, low: int, high: int, *beyond: float) -> Any:
        """A whole number in a range, often at its ends; else just beyond it, or what is given in its place."""
        if self.breaks(row):
            return self.one_of(*(beyond or (low - 1, high + 1)))
        return self.draw(st.sampled_from((low, high)) | st.integers(low, high))

    def keeping(self, row: str, kept: Sequence[T], beyond: Sequence[T]) -> T:
        """One of the values that keep a row, or one of those that do not."""
        return self.one_of(*(beyond if self.breaks(row) else kept))

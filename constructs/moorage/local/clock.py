"""The times of the phases of a command."""

from __future__ import annotations

import time


class Clock:
    """A clock that measures how many seconds each phase of a command took."""

    def __init__(self) -> None:
        self._marks = [time.monotonic()]
        self._names: list[str] = []

    def reached(self, name: str) -> None:
        """Note that a phase has ended.

        Args:
            name: The name of the phase.
        """
        self._names.append(name)
        self._marks.append(time.monotonic())

    @property
    def total(self) -> float:
        """The seconds until the end of the last phase."""
        return self._marks[-1] - self._marks[0]

    def __str__(self) -> str:
        spans = zip(self._names, self._marks, self._marks[1:], strict=False)
        return ", ".join(f"{name} {end - start:.1f}" for name, start, end in spans)

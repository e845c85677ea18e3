"""All problems of one value or construct, in one error."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from moorage.workload.look_ups import is_looked_up_later

if TYPE_CHECKING:
    from moorage.workload.limit import Limit

_TOKEN_NUMBERS_BELOW = -1e280
_PACKAGE = str(Path(__file__).parents[1])


def is_token(value: Any) -> bool:
    """Return whether a value is not known to Python: known to CloudFormation only, or not looked up by CDK yet.

    CDK encodes unknown values in ordinary ones: in strings and lists by a marker, in numbers by
    a magnitude that nothing else has (`core/lib/private/encoding`). Read here without asking CDK, which would
    cost a round trip to node for each value.
    """
    if isinstance(value, str):
        return "${Token[" in value or is_looked_up_later(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value < _TOKEN_NUMBERS_BELOW
    if isinstance(value, Mapping):
        return any(is_token(key) or is_token(entry) for key, entry in value.items())
    if isinstance(value, Sequence):
        return any(is_token(entry) or (isinstance(entry, str) and "#{Token[" in entry) for entry in value)
    return False


def _frames_to_user() -> int:
    """Count the frames from the caller to the user's program: the first that is not of moorage, jsii or attrs."""
    count, frame = 1, sys._getframe(1)
    while frame.f_back and _is_internal(frame):
        count, frame = count + 1, frame.f_back
    return count


def _is_internal(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return file.startswith((_PACKAGE, "<attrs generated")) or f"{os.sep}jsii{os.sep}" in file


class Problems:
    """Collect the problems of one value or construct, so that its user reads all of them at once.

    Args:
        subject: The value or construct that has the problems: a text, or a function that returns a construct's path.
            The function is called only if there is a problem, since a path costs round trips to node.
    """

    def __init__(self, subject: str | Callable[[], str]) -> None:
        self.subject = subject
        self.messages: list[str] = []

    def add(self, problem: str) -> None:
        """Add a problem that is no row of a table of limits."""
        self.messages.append(problem)

    def check(self, limit: Limit, argument: str, value: Any) -> None:
        """Add a problem if `value` breaks `limit`. None and tokens pass.

        A limit that no source confirms warns, since refusing it might refuse what AWS accepts.
        """
        if value is None or is_token(value):
            return
        problem = limit.problem(argument, value)
        if problem and limit.confirmed:
            self.add(problem)
        elif problem:
            self.warn(problem)

    def check_filter(self, argument: str, values: Sequence[Any] | None, everything: str) -> None:
        """Add a problem if a filter is given without values, which AWS would take for everything. None passes."""
        if values is not None and not values:
            self.add(f"{argument} must not be empty (got []); leave it out for {everything}, or name some")

    def check_known(self, argument: str, value: Any) -> None:
        """Add a problem if CDK must read a value, and only CloudFormation knows it; what is looked up later passes."""
        if is_token(value) and not (isinstance(value, str) and "${Token[" not in value):
            self.add(f"{argument} must be known at synthesis (got a token); write the value itself")

    def warn(self, problem: str) -> None:
        """Warn about a problem that AWS may accept, at the line of the user's program."""
        warnings.warn(f"{self._subject_text()}: {problem}", stacklevel=_frames_to_user())

    def raise_any(self) -> None:
        """Raise a `ValueError` that lists every problem found, if there is one."""
        if len(self.messages) == 1:
            raise ValueError(f"{self._subject_text()}: {self.messages[0]}")
        if self.messages:
            listed = "".join(f"\n  - {problem}" for problem in self.messages)
            raise ValueError(f"{self._subject_text()}: {len(self.messages)} problems{listed}")

    def _subject_text(self) -> str:
        return self.subject if isinstance(self.subject, str) else self.subject()

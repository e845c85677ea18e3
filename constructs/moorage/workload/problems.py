"""The problems of one value or construct, reported in one error."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from moorage.workload.errors import ValidationError
from moorage.workload.look_ups import is_looked_up_later
from moorage.workload.user_code import frames_to_user

if TYPE_CHECKING:
    from moorage.workload.limit import Limit

_TOKEN_NUMBERS_BELOW = -1e280


def is_token(value: Any) -> bool:
    """Return whether a value is unknown at synthesis: only CloudFormation knows it, or CDK has not looked it up yet.

    CDK encodes tokens in ordinary values: in strings and lists by a marker, in numbers by a magnitude that no other
    number has (`core/lib/private/encoding`). The encoding is read here because `cdk.Token.is_unresolved` would cost a
    round trip to Node.js for each value.
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


class Problems:
    """A collection of the problems of one value or construct, so that the user reads all of them at once.

    Args:
        subject: The name of the value, or a function that returns the path of the construct. The function is called
            only if there is a problem, since a path costs round trips to Node.js.
    """

    def __init__(self, subject: str | Callable[[], str]) -> None:
        self.subject = subject
        self.messages: list[str] = []

    def add(self, problem: str) -> None:
        """Add a problem for which no table of limits has a row."""
        self.messages.append(problem)

    def check(self, limit: Limit, argument: str, value: Any) -> None:
        """Add a problem if `value` breaks `limit`. None and tokens are accepted.

        If no source confirms the limit, only warn: an error might refuse a value that AWS accepts.
        """
        if value is None or is_token(value):
            return
        problem = limit.problem(argument, value)
        if problem and limit.confirmed:
            self.add(problem)
        elif problem:
            self.warn(problem)

    def check_filter(self, argument: str, values: Sequence[Any] | None, everything: str) -> None:
        """Add a problem if a filter is empty, since AWS would then match everything. `None` is accepted."""
        if values is not None and not values:
            self.add(
                f"{argument} must not be empty (got []); leave {argument}= out for {everything}, or use at "
                "least one value"
            )

    def check_known(self, argument: str, value: Any) -> None:
        """Add a problem if a value that must be known at synthesis is a token, which only CloudFormation knows.

        Values that CDK has not looked up yet are accepted.
        """
        if is_token(value) and not (isinstance(value, str) and "${Token[" not in value):
            self.add(f"{argument} must be known at synthesis (got a token); use a literal value")

    def warn(self, problem: str) -> None:
        """Warn about a value that AWS may accept, at the line of the user's program."""
        warnings.warn(f"{self._subject_text()}: {problem}", stacklevel=frames_to_user())

    def raise_any(self) -> None:
        """Raise a `ValidationError` that lists all problems, if there are any."""
        if len(self.messages) == 1:
            raise ValidationError(f"{self._subject_text()}: {''.join(self.messages)}")
        if self.messages:
            listed = "".join(f"\n  - {problem}" for problem in self.messages)
            raise ValidationError(f"{self._subject_text()}: {len(self.messages)} problems{listed}")

    def _subject_text(self) -> str:
        return self.subject if isinstance(self.subject, str) else self.subject()

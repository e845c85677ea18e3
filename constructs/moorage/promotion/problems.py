"""The errors of a promotion, each a sentence for the user, and the exit codes."""

from __future__ import annotations

from collections.abc import Sequence

REFUSED, USAGE = 1, 2
"""The exit codes: 1 if the promotion is refused, declined or fails, 2 for a wrong command or an unreadable app."""


class PromotionError(Exception):
    """The error for a promotion that cannot be made.

    Args:
        problems: The problems, each a sentence for the user.
    """

    exit_code = REFUSED

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems: Sequence[str] = problems


class RequestError(PromotionError):
    """The error for a wrong command."""

    exit_code = USAGE

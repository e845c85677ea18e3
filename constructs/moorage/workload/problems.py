"""How values and constructs say what is wrong: every fault of one subject in one error."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from moorage.workload.limit import Limit

_TOKEN_NUMBERS_BELOW = -1e280


def is_token(value: Any) -> bool:
    """Whether CloudFormation, and not Python, will know this value.

    CDK encodes what it cannot know yet in ordinary values: in strings and lists by a marker, in numbers by
    a magnitude that nothing else has (`core/lib/private/encoding`). Read here without asking CDK, which would
    cost a round trip to node for each value.
    """
    if isinstance(value, str):
        return "${Token[" in value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value < _TOKEN_NUMBERS_BELOW
    if isinstance(value, Mapping):
        return any(is_token(key) or is_token(entry) for key, entry in value.items())
    if isinstance(value, Sequence):
        return any(is_token(entry) or (isinstance(entry, str) and "#{Token[" in entry) for entry in value)
    return False


class Faults:
    """Collects what is wrong with one subject, so that its user reads all of it at once.

    Args:
        subject: What the faults are of: a value with its name, or a function that gives a construct's path
            (called only when there is a fault, since a path costs round trips to node).
    """

    def __init__(self, subject: str | Callable[[], str]) -> None:
        self.subject = subject
        self.found: list[str] = []

    def add(self, fault: str) -> None:
        self.found.append(fault)

    def keep(self, limit: Limit, argument: str, value: Any) -> None:
        """Note a fault where `value` is outside `limit`; nothing given and tokens pass.

        What no source confirms is a warning, since refusing it might refuse what AWS accepts.
        """
        if value is None or is_token(value):
            return
        fault = limit.fault(argument, value)
        if fault and limit.confirmed:
            self.add(fault)
        elif fault:
            warnings.warn(f"{self._named()}: {fault}", stacklevel=4)

    def raise_found(self) -> None:
        """Raise a `ValueError` that lists every fault noted, if there is one."""
        if self.found:
            self._fail()

    def _named(self) -> str:
        return self.subject if isinstance(self.subject, str) else self.subject()

    def _fail(self) -> NoReturn:
        if len(self.found) == 1:
            raise ValueError(f"{self._named()}: {self.found[0]}")
        listed = "".join(f"\n  - {fault}" for fault in self.found)
        raise ValueError(f"{self._named()}: {len(self.found)} faults{listed}")

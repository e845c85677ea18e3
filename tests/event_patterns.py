"""The comparison of events with patterns by EventBridge's user guide, as far as these patterns need it."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

_MISSING = object()
_COMPARED = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "=": operator.eq}


def matches(pattern: Any, event: Any) -> bool:
    """Return True if an event matches a pattern. Of a list in the event, one element must match."""
    if isinstance(event, list):
        return any(matches(pattern, each) for each in event)
    if isinstance(pattern, Mapping):
        return isinstance(event, Mapping) and all(
            any(matches(each, event) for each in wanted)
            if name == "$or"
            else matches(wanted, event.get(name, _MISSING))
            for name, wanted in pattern.items()
        )
    return any(_is(event, wanted) for wanted in pattern)


def _is(value: Any, wanted: Any) -> bool:
    if not isinstance(wanted, Mapping):
        return bool(value == wanted)
    ((kind, argument),) = wanted.items()
    if kind == "exists" or value is _MISSING:
        return kind == "exists" and (value is not _MISSING) is bool(argument)
    return bool(_KINDS[kind](value, argument))


def _but(value: Any, others: Any) -> bool:
    return not any(_is(value, each) for each in (others if isinstance(others, list) else [others]))


def _within(value: Any, bounds: list[Any]) -> bool:
    return all(_COMPARED[sign](value, number) for sign, number in zip(bounds[::2], bounds[1::2], strict=True))


_KINDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "anything-but": _but,
    "numeric": _within,
    "prefix": lambda value, start: isinstance(value, str) and value.startswith(start),
    "wildcard": lambda value, glob: re.fullmatch(".*".join(map(re.escape, glob.split("*"))), value) is not None,
}

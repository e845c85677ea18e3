"""Durations, kept as whole seconds or milliseconds, since equal `cdk.Duration`s do not compare as equal in Python."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import aws_cdk as cdk

    Duration: TypeAlias = cdk.Duration | dt.timedelta
    """A duration: a `cdk.Duration`, or a `datetime.timedelta` of Python's standard library."""


class Seconds(int):
    """Whole seconds that were read from a duration.

    The type marks seconds that are already converted, so that a value can be made from the fields of another value.
    """


class FractionError(ValueError):
    """An error for a duration that is not a whole number of seconds.

    Args:
        duration: The duration, by which `door` finds the argument.
        text: The duration as shown in the message.
    """

    def __init__(self, duration: object, text: str) -> None:
        self.duration = duration
        self.problem = f"must be a whole number of seconds (got {text}); use cdk.Duration.seconds(...)"
        super().__init__(f"Duration: {self.problem}")


def seconds(duration: Duration | Seconds) -> Seconds:
    """Convert a duration to whole seconds.

    Args:
        duration: The duration. `Seconds` are returned unchanged.

    Raises:
        FractionError: If the duration is not a whole number of seconds.
    """
    if isinstance(duration, Seconds):
        return duration
    if isinstance(duration, dt.timedelta):
        if duration % dt.timedelta(seconds=1):
            raise FractionError(duration, f"{duration.total_seconds():g} s")
        return Seconds(duration.total_seconds())
    try:
        return Seconds(duration.to_seconds())
    except RuntimeError as error:  # jsii raises it for any error in Node.js; here, for milliseconds
        raise FractionError(duration, duration.to_human_string()) from error


class Milliseconds(int):
    """Whole milliseconds that were read from a duration; see `Seconds`."""


def optional_milliseconds(duration: Duration | Milliseconds | None) -> Milliseconds | None:
    """Convert a duration to whole milliseconds, for values that AWS accepts in fractions of a second.

    Return None for None. Drop fractions of a millisecond.
    """
    if duration is None or isinstance(duration, Milliseconds):
        return duration
    if isinstance(duration, dt.timedelta):
        return Milliseconds(duration / dt.timedelta(milliseconds=1))
    return Milliseconds(duration.to_milliseconds())


def default_seconds(count: int) -> Any:
    """Return the default of a field that `seconds` converts.

    The return type is `Any`, since the field has the type of the converted value.
    """
    return dt.timedelta(seconds=count)


def optional_seconds(duration: Duration | Seconds | None) -> Seconds | None:
    return None if duration is None else seconds(duration)

"""Durations, kept as whole seconds or milliseconds, since equal `cdk.Duration`s do not compare as equal in Python.

The converters have the types that users pass, since editors and type checkers show these types in the constructors.
They also return converted values unchanged, so that a value can be made from the fields of another value.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import aws_cdk as cdk


class Seconds(int):
    """Whole seconds that were read from a duration."""


class Milliseconds(int):
    """Whole milliseconds that were read from a duration."""


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


def seconds(duration: cdk.Duration | dt.timedelta) -> Seconds:
    """Convert a duration to whole seconds.

    Args:
        duration: The duration. `Seconds` are returned unchanged.

    Raises:
        FractionError: If the duration is not a whole number of seconds.
    """
    if isinstance(duration, Seconds):
        return duration
    period = dt.timedelta(milliseconds=duration) if isinstance(duration, Milliseconds) else duration
    if isinstance(period, dt.timedelta):
        if period % dt.timedelta(seconds=1):
            raise FractionError(duration, f"{period.total_seconds():g} s")
        return Seconds(period.total_seconds())
    try:
        return Seconds(period.to_seconds())
    except RuntimeError as error:  # jsii raises it for any error in Node.js; here, for milliseconds
        raise FractionError(duration, period.to_human_string()) from error


def optional_seconds(duration: cdk.Duration | dt.timedelta | None) -> Seconds | None:
    return None if duration is None else seconds(duration)


def optional_milliseconds(duration: cdk.Duration | dt.timedelta | None) -> Milliseconds | None:
    """Convert a duration to whole milliseconds, for values that AWS accepts in fractions of a second.

    Return None for None. Drop fractions of a millisecond.
    """
    if duration is None or isinstance(duration, Milliseconds):
        return duration
    period = dt.timedelta(seconds=duration) if isinstance(duration, Seconds) else duration
    if isinstance(period, dt.timedelta):
        return Milliseconds(period / dt.timedelta(milliseconds=1))
    return Milliseconds(period.to_milliseconds())


def default_seconds(count: int) -> Any:
    """Return the default of a field that `seconds` converts.

    The return type is `Any`, since the field has the type of the converted value.
    """
    return dt.timedelta(seconds=count)

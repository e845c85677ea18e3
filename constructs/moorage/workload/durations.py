"""Durations, read once and kept as whole seconds: two equal `cdk.Duration`s are not equal in Python."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import aws_cdk as cdk

    Duration: TypeAlias = cdk.Duration | dt.timedelta


class Seconds(int):
    """Whole seconds that were read from a duration, so that a value made from another's fields need not read again."""


class FractionError(ValueError):
    """A duration is not a whole number of seconds.

    Args:
        duration: The duration, by which `door` finds the argument that it was given for.
        text: The duration as its user knows it.
    """

    def __init__(self, duration: object, text: str) -> None:
        self.duration = duration
        self.problem = f"must be a whole number of seconds (got {text}); use cdk.Duration.seconds(...)"
        super().__init__(f"Duration: {self.problem}")


def seconds(duration: Duration | Seconds) -> Seconds:
    """The whole seconds of a `cdk.Duration` or a `datetime.timedelta`.

    Raises:
        FractionError: it is not a whole number of seconds.
    """
    if isinstance(duration, Seconds):
        return duration
    if isinstance(duration, dt.timedelta):
        if duration % dt.timedelta(seconds=1):
            raise FractionError(duration, f"{duration.total_seconds():g} s")
        return Seconds(duration.total_seconds())
    try:
        return Seconds(duration.to_seconds())
    except RuntimeError as error:  # jsii's name for whatever node throws: here, milliseconds left over
        raise FractionError(duration, duration.to_human_string()) from error


class Milliseconds(int):
    """Whole milliseconds that were read from a duration, as `Seconds` are."""


def optional_milliseconds(duration: Duration | Milliseconds | None) -> Milliseconds | None:
    """The whole milliseconds of a duration, for what AWS takes in fractions of a second."""
    if duration is None or isinstance(duration, Milliseconds):
        return duration
    if isinstance(duration, dt.timedelta):
        return Milliseconds(duration / dt.timedelta(milliseconds=1))
    return Milliseconds(duration.to_milliseconds())


def default_seconds(count: int) -> Any:
    """The default of a field that `seconds` converts; untyped, since the field's type is what it is converted to."""
    return dt.timedelta(seconds=count)


def optional_seconds(duration: Duration | Seconds | None) -> Seconds | None:
    return None if duration is None else seconds(duration)

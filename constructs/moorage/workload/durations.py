"""Durations, read once and kept as whole seconds: two equal `cdk.Duration`s are not equal in Python."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import aws_cdk as cdk

    Duration: TypeAlias = cdk.Duration | dt.timedelta


class Seconds(int):
    """Whole seconds that were read from a duration, so that a value made from another's fields need not read again."""


def seconds(duration: Duration | Seconds) -> Seconds:
    """The whole seconds of a `cdk.Duration` or a `datetime.timedelta`.

    Raises:
        ValueError: it is not a whole number of seconds.
    """
    if isinstance(duration, Seconds):
        return duration
    if isinstance(duration, dt.timedelta):
        if duration % dt.timedelta(seconds=1):
            raise ValueError(_fraction_error(str(duration)))
        return Seconds(duration.total_seconds())
    try:
        return Seconds(duration.to_seconds())
    except RuntimeError as error:  # jsii's name for whatever node throws: here, milliseconds left over
        raise ValueError(_fraction_error(duration.to_human_string())) from error


def _fraction_error(duration: str) -> str:
    """Return the message of a duration that is not a whole number of seconds."""
    return (
        f"Duration: {duration} is not a whole number of seconds, which is all that AWS takes here; "
        "use cdk.Duration.seconds(...) of a whole number"
    )


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

"""Durations, read once and kept as whole seconds: two equal `cdk.Duration`s are not equal in Python."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import aws_cdk as cdk

    Duration: TypeAlias = cdk.Duration | dt.timedelta


def seconds(duration: Duration) -> int:
    """The whole seconds of a `cdk.Duration` or a `datetime.timedelta`.

    Raises:
        ValueError: it is not a whole number of seconds.
        TypeError: it is neither of the two; a bare number has no unit.
    """
    if isinstance(duration, dt.timedelta):
        if duration % dt.timedelta(seconds=1):
            raise ValueError(f"{duration} is not a whole number of seconds, which is all that AWS takes here")
        return int(duration.total_seconds())
    if not hasattr(duration, "to_seconds"):
        raise TypeError(f"{duration!r} is not a duration; use cdk.Duration.seconds(...) or datetime.timedelta(...)")
    try:
        return int(duration.to_seconds())
    except RuntimeError as error:  # jsii's name for whatever node throws: here, milliseconds left over
        raise ValueError(
            f"{duration.to_human_string()} is not a whole number of seconds, which is all that AWS takes here"
        ) from error


def default_seconds(count: int) -> Any:
    """The default of a field that `seconds` converts; untyped, since the field's type is what it is converted to."""
    return dt.timedelta(seconds=count)


def optional_seconds(duration: Duration | None) -> int | None:
    return None if duration is None else seconds(duration)

"""An image to test a lifecycle policy with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import attrs

from moorage.workload.value import value_class


def as_tags(tags: str | Sequence[str]) -> tuple[str, ...]:
    return (tags,) if isinstance(tags, str) else tuple(tags)


def _as_utc(moment: dt.date) -> dt.datetime:
    """Return a date or time as a time with a time zone, which is UTC if none is given."""
    if not isinstance(moment, dt.datetime):
        moment = dt.datetime(moment.year, moment.month, moment.day)
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment


def optional_utc(moment: dt.date | None) -> dt.datetime | None:
    return None if moment is None else _as_utc(moment)


@value_class
@attrs.frozen
class PushedImage:
    """An image to test a lifecycle policy with: its tags and its times.

    Each time is a date or a datetime. A datetime without a time zone is in UTC.

    Args:
        tags: The tags of the image, which can be empty.
        pushed: The time at which the image was pushed.
        pulled: The time at which the image was last pulled. Default: never.
        archived: The time at which the image was moved to the archive. Default: not archived.
        restored: The time at which the image was restored from the archive. Default: never.
        part_of: A tag of the index (multi-architecture image) that refers to the image. ECR keeps the image as long as
            the index. Default: none.
    """

    tags: tuple[str, ...] = attrs.field(converter=as_tags)
    pushed: dt.datetime = attrs.field(converter=_as_utc)
    pulled: dt.datetime | None = attrs.field(default=None, converter=optional_utc, kw_only=True)
    archived: dt.datetime | None = attrs.field(default=None, converter=optional_utc, kw_only=True)
    restored: dt.datetime | None = attrs.field(default=None, converter=optional_utc, kw_only=True)
    part_of: str | None = attrs.field(default=None, kw_only=True)

    @property
    def _arrival(self) -> dt.datetime:
        """The time at which the image was pushed or restored, by which ECR sorts images."""
        return self.restored or self.pushed

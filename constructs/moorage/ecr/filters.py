"""The filters of repositories, tags and images."""

from __future__ import annotations

from collections.abc import Sequence


def as_filters(filters: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Return filters as a tuple, or None if there is no filter. An empty filter stays empty, so that it is refused."""
    return (filters,) if isinstance(filters, str) else None if filters is None else tuple(filters)

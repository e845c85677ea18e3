"""Filters of repositories, tags and images."""

from __future__ import annotations

from collections.abc import Sequence


def as_filters(filters: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Return filters as a tuple, or None if there is no filter: an empty one stays apart, so that it can be refused."""
    return (filters,) if isinstance(filters, str) else None if filters is None else tuple(filters)

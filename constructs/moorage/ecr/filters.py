"""The filters of repositories, tags and images."""

from __future__ import annotations

from collections.abc import Sequence


def as_filters(filters: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Return filters as a tuple, or None for no filter. An empty list stays empty, so that a check refuses it."""
    return (filters,) if isinstance(filters, str) else None if filters is None else tuple(filters)

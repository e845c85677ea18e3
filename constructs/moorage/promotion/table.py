"""The table of a promotion: which image each service has, and which one it gets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from moorage.promotion.plan import DIGEST, Change
from moorage.promotion.pushed import PushedImage

_HEAD = ("service", "from", "to", "pushed", "findings")
_SHOWN_DIGITS = 12


def table(changes: Sequence[Change]) -> str:
    """Return the table of a promotion.

    Args:
        changes: The changes.
    """
    rows = [_HEAD, *(_row(change) for change in changes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = ("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _row(change: Change) -> tuple[str, ...]:
    promoted = change.promoted
    pushed = f"{promoted.pushed.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC" if promoted.pushed else "unknown"
    if not change.is_needed:
        return change.name, _image(promoted.digest, promoted), "already promoted", pushed, promoted.findings
    before = _image(change.earlier, change.running) if change.earlier else "no parameter"
    return change.name, before, _image(promoted.digest, promoted), pushed, promoted.findings


def _image(value: str, image: PushedImage | None) -> str:
    """Return a short digest with its tags, or a value that is no digest, such as `none`."""
    if not DIGEST.fullmatch(value):
        return value
    short = value.removeprefix("sha256:")[:_SHOWN_DIGITS]
    return f"{short} ({', '.join(image.tags)})" if image and image.tags else short

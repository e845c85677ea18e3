"""The properties whose documented update behavior differs from that in AWS's provider schemas."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path

import attrs

from moorage.review.comparison import Replacement
from moorage.review.replacement.provider_schemas import Pointer

TABLE = Path(__file__).with_name("update_behaviors.toml")


@attrs.frozen
class UpdateBehavior:
    """The documented update behavior of a property.

    Args:
        pointer: The path from the resource's `Properties`.
        update: The answer to whether a change of the property replaces the resource.
        documented: The documented update behavior, as in `Update requires: Replacement`.
    """

    pointer: Pointer
    update: Replacement
    documented: str


def documented_behaviors(resource_type: str) -> tuple[UpdateBehavior, ...]:
    """Return the properties of a type whose documentation disagrees with its provider schema."""
    return _behaviors().get(resource_type, ())


@functools.cache
def _behaviors() -> Mapping[str, tuple[UpdateBehavior, ...]]:
    found: dict[str, tuple[UpdateBehavior, ...]] = {}
    for row in tomllib.loads(TABLE.read_text("utf-8"))["behavior"]:
        behavior = UpdateBehavior(tuple(row["property"].split(".")), Replacement(row["update"]), row["documented"])
        found[row["type"]] = (*found.get(row["type"], ()), behavior)
    return found

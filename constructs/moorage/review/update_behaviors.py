"""The properties whose update behavior AWS documents otherwise than its provider schemas say."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path

import attrs

from moorage.review.comparison import Replacement
from moorage.review.provider_schemas import Pointer

_TABLE = Path(__file__).with_name("update_behaviors.toml")


@attrs.frozen
class UpdateBehavior:
    """The documented update behavior of a property.

    Args:
        pointer: The names of the properties, from the resource's.
        update: The answer to whether a change of it replaces the resource.
        condition: The condition under which a change replaces the resource, as the end of a sentence.
    """

    pointer: Pointer
    update: Replacement
    condition: str = ""


def documented_behaviors(resource_type: str) -> tuple[UpdateBehavior, ...]:
    """Return the properties of a type whose documentation disagrees with its provider schema."""
    return _behaviors().get(resource_type, ())


@functools.cache
def _behaviors() -> Mapping[str, tuple[UpdateBehavior, ...]]:
    found: dict[str, tuple[UpdateBehavior, ...]] = {}
    for row in tomllib.loads(_TABLE.read_text("utf-8"))["behavior"]:
        behavior = UpdateBehavior(
            tuple(row["property"].split(".")), Replacement(row["update"]), row.get("condition", "")
        )
        found[row["type"]] = (*found.get(row["type"], ()), behavior)
    return found

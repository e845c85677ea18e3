"""The resource types that AWS does not bill."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path

_CUSTOM = "Custom::"
"""The beginning of the types of custom resources, whose function runs only during a deployment."""


def free_reason(type_: str) -> str | None:
    """Return the reason why AWS does not bill a type, or None for any other type.

    Args:
        type_: The type in CloudFormation.
    """
    if type_.startswith(_CUSTOM):
        return "its function runs only during a deployment"
    return _reasons().get(type_)


@functools.cache
def _reasons() -> Mapping[str, str]:
    content = tomllib.loads(Path(__file__).with_name("free.toml").read_text("utf-8"))
    return {type_: group["reason"] for group in content["group"] for type_ in group["types"]}

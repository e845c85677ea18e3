"""Comparisons of templates that are written as Python dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moorage.assembly.cloud_assembly import Stack
from moorage.review.comparison import Comparison, compare


def compared(base: Mapping[str, Mapping[str, Any]] | None, head: Mapping[str, Mapping[str, Any]]) -> Comparison:
    """Compare two apps, each as the resources of its stacks by the stacks' names."""
    return compare(None if base is None else stacks(base), stacks(head))


def stacks(resources: Mapping[str, Mapping[str, Any]]) -> list[Stack]:
    return [Stack(name, name, "111111111111", "eu-west-1", {"Resources": resources[name]}, ()) for name in resources]

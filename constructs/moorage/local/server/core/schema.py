"""CloudFormation's resource schemas, as cfn-lint ships them: which properties a type has, of which types."""

from __future__ import annotations

import difflib
import functools
import importlib.util
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Schema = Mapping[str, Any]

_BRANCHES = ("oneOf", "anyOf")
_TRUTHS = ("true", "false")


@functools.cache
def _directory() -> Path:
    # Found without being imported: cfn-lint takes a second to import and only its data is needed.
    spec = importlib.util.find_spec("cfnlint")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("cfn-lint, whose resource schemas are needed, is not installed; install moorage[local]")
    return Path(spec.submodule_search_locations[0]) / "data" / "schemas"


@functools.cache
def _types(region: str) -> Mapping[str, str]:
    providers = _directory() / "providers"
    path = providers / f"{region}.json"
    types: dict[str, str] = json.loads((path if path.exists() else providers / "us-east-1.json").read_text("utf-8"))
    return types


@functools.cache
def _read(digest: str) -> Schema:
    schema: Schema = json.loads((_directory() / "resources" / f"{digest}.json").read_text("utf-8"))
    return schema


def of(resource_type: str, region: str) -> Schema | None:
    """The schema of a type in a region.

    Args:
        resource_type: As in a template: `AWS::ECS::Service`.
        region: Where it is deployed; one that cfn-lint does not know counts as us-east-1.

    Returns:
        The schema, or nothing for a type that has none (CDK's metadata, custom resources).
    """
    digest = _types(region).get(resource_type)
    return _read(digest) if digest else None


def create_only(resource_type: str) -> tuple[str, ...]:
    """The properties of a type whose change replaces the resource, nested ones left out."""
    paths = (of(resource_type, "us-east-1") or {}).get("createOnlyProperties", ())
    names = (path.removeprefix("/properties/") for path in paths)
    return tuple(name for name in names if "/" not in name)


def identifier(resource_type: str) -> str | None:
    """The one property that identifies a resource of a type, which no two may share; None where it takes several."""
    schema = of(resource_type, "us-east-1") or {}
    paths = schema.get("primaryIdentifier", ())
    return str(paths[0]).removeprefix("/properties/") if len(paths) == 1 else None


def tag_property(resource_type: str) -> str | None:
    """The property of a type that takes the stack's tags as a list, if it has one."""
    schema = of(resource_type, "us-east-1") or {}
    tagging = schema.get("tagging") or {}
    if not tagging.get("taggable"):
        return None
    name = str(tagging.get("tagProperty", "/properties/Tags")).removeprefix("/properties/")
    return name if schema["properties"].get(name, {}).get("type") == "array" else None


def faults(resource_type: str, properties: Mapping[str, Any], region: str) -> list[str]:
    """What the schema of a type has against its properties.

    Names, types and required properties are checked; ranges and patterns are the service's own to check.

    Args:
        resource_type: As in a template.
        properties: Resolved: without intrinsic functions.
        region: Where it is deployed.
    """
    schema = of(resource_type, region)
    if schema is None:
        return []
    given = {path.removeprefix("/properties/") for path in schema.get("readOnlyProperties", ())} & set(properties)
    found = [f"property {name} is read-only" for name in sorted(given)]
    return found + list(_check(properties, schema, schema, ""))


def _check(value: Any, schema: Schema, root: Schema, path: str) -> Iterator[str]:
    schema = _followed(schema, root)
    if value is None:
        return
    kinds = schema.get("type")
    if kinds and not any(_is(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        wanted = kinds if isinstance(kinds, str) else " or ".join(kinds)
        yield f"property {path} must be of type {wanted}, not {value!r}"
        return
    for keyword in _BRANCHES:
        yield from _check_branches(value, schema.get(keyword, ()), root, path)
    if isinstance(value, Mapping):
        yield from _check_names(value, schema, root, path)
    elif isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        for number, item in enumerate(value):
            yield from _check(item, schema["items"], root, f"{path}[{number}]")


def _check_branches(value: Any, branches: list[Schema], root: Schema, path: str) -> Iterator[str]:
    results = [list(_check(value, branch, root, path)) for branch in branches]
    if results and all(results):
        yield from min(results, key=len)


def _check_names(value: Mapping[str, Any], schema: Schema, root: Schema, path: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    prefix = f"{path}." if path else ""
    closed = schema.get("additionalProperties") is False and not schema.get("patternProperties")
    for name, item in value.items():
        if name in properties:
            yield from _check(item, properties[name], root, f"{prefix}{name}")
        elif closed and properties:
            close = difflib.get_close_matches(name, properties, n=1)
            yield f"property {prefix}{name} does not exist" + (f" (is {close[0]} meant?)" if close else "")
    for name in schema.get("required", ()):
        if name not in value:
            yield f"property {prefix}{name} is required"


def _followed(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        target: Any = root
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    return schema


def _is(value: Any, kind: str) -> bool:
    if kind == "object":
        return isinstance(value, Mapping)
    if kind == "array":
        return isinstance(value, list)
    if isinstance(value, Mapping | list):
        return False
    if kind == "boolean":
        return str(value).lower() in _TRUTHS
    if kind in ("integer", "number"):
        return not isinstance(value, bool) and _is_number(value, whole=kind == "integer")
    return kind != "null"


def _is_number(value: Any, *, whole: bool) -> bool:
    try:
        number = float(value)
    except ValueError:
        return False
    return not whole or number.is_integer()

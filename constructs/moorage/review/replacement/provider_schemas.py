"""CloudFormation's provider schemas, from cfn-lint: the properties whose change replaces a resource."""

from __future__ import annotations

import functools
import importlib.util
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

Pointer = tuple[str, ...]
"""The path from a resource's properties to a value, as names; `*` means each item of a list."""
_ANY_REGION = "us-east-1"


@attrs.frozen(eq=False)
class Node:
    """The schema of a value, as a part of the schema of a resource type.

    Args:
        schema: The schema of the resource type, which has the definitions.
        part: The JSON Schema of the value; empty if the value has no schema.
    """

    schema: Mapping[str, Any]
    part: Mapping[str, Any]
    _members: dict[str, Node] = attrs.field(init=False, factory=dict)

    def member(self, name: str) -> Node:
        """Return the schema of a property of an object; an empty schema if the property is not described."""
        if not self.part:
            return self
        if name not in self._members:
            self._members[name] = self._to((self.part.get("properties") or {}).get(name))
        return self._members[name]

    @functools.cached_property
    def item(self) -> Node:
        """The schema of the items of a list."""
        return self._to(self.part.get("items"))

    @property
    def kinds(self) -> tuple[str, ...]:
        """The JSON types of the value; empty if the schema does not name them."""
        kind = self.part.get("type", ())
        return (kind,) if isinstance(kind, str) else tuple(kind)

    @property
    def is_unordered(self) -> bool:
        """True if the order of the items of a list is not significant."""
        # CloudFormation CLI guide, "Resource type schema": insertionOrder, by default true
        return self.part.get("insertionOrder") is False

    @property
    def is_unique(self) -> bool:
        """True if the items of a list must be unique."""
        return self.part.get("uniqueItems") is True

    def _to(self, part: Any) -> Node:
        for _ in range(10):  # a definition that is a reference, at most a few times
            if not isinstance(part, Mapping) or not isinstance(part.get("$ref"), str):
                break
            part = functools.reduce(
                lambda found, name: found.get(name, {}) if isinstance(found, Mapping) else {},
                part["$ref"].removeprefix("#/").split("/"),
                self.schema,
            )
        return Node(self.schema, part if isinstance(part, Mapping) else {})


@attrs.frozen(eq=False)
class ProviderSchema:
    """The schema of one resource type.

    Args:
        document: The schema as CloudFormation publishes it.
    """

    document: Mapping[str, Any]

    @functools.cached_property
    def properties(self) -> Node:
        return Node(self.document, self.document)

    @functools.cached_property
    def create_only(self) -> tuple[Pointer, ...]:
        """The properties whose change always replaces the resource, without properties inside another such property."""
        return tuple(_outermost(self._pointers("createOnlyProperties")))

    @functools.cached_property
    def conditionally_create_only(self) -> tuple[Pointer, ...]:
        """The properties whose change replaces the resource only under conditions, except those in `create_only`."""
        found = _outermost(self._pointers("conditionalCreateOnlyProperties"))
        return tuple(pointer for pointer in found if not any(_starts(pointer, of) for of in self.create_only))

    @functools.cached_property
    def read_only(self) -> frozenset[Pointer]:
        """The properties that only the service sets: the resource's attributes."""
        return frozenset(self._pointers("readOnlyProperties"))

    @functools.cached_property
    def identifiers(self) -> frozenset[Pointer]:
        """The properties in the resource's identifiers."""
        others = (pointer for each in self.document.get("additionalIdentifiers", ()) for pointer in each)
        return frozenset((*self._pointers("primaryIdentifier"), *map(_pointer, others)))

    def node(self, pointer: Pointer) -> Node:
        """Return the schema of the value at a pointer."""
        found = self.properties
        for name in pointer:
            found = found.item if name == "*" else found.member(name)
        return found

    def _pointers(self, key: str) -> Iterator[Pointer]:
        return map(_pointer, self.document.get(key, ()))


@functools.cache
def provider_schema(resource_type: str, region: str | None = None) -> ProviderSchema | None:
    """Return the schema of a resource type; None if AWS publishes no schema.

    Args:
        resource_type: The type, as in a template: `AWS::ECS::Service`.
        region: The region. Default: us-east-1, which is also used for regions that cfn-lint does not know.
    """
    digest = _digests(region or _ANY_REGION).get(resource_type) or _digests(_ANY_REGION).get(resource_type)
    return _read(digest) if digest else None


@functools.cache
def _read(digest: str) -> ProviderSchema:
    return ProviderSchema(json.loads((_folder() / "resources" / f"{digest}.json").read_text("utf-8")))


@functools.cache
def _digests(region: str) -> Mapping[str, str]:
    path = _folder() / "providers" / f"{region}.json"
    if not path.exists():
        path = path.with_name(f"{_ANY_REGION}.json")
    digests: dict[str, str] = json.loads(path.read_text("utf-8"))
    return digests


@functools.cache
def _folder() -> Path:
    # located without importing it: cfn-lint takes a second to import, and only its data is needed
    spec = importlib.util.find_spec("cfnlint")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("there is no module cfnlint, whose data has the resource schemas", name="cfn-lint")
    return Path(spec.submodule_search_locations[0]) / "data" / "schemas"


def _pointer(text: str) -> Pointer:
    # some schemas write the name of each object's properties between: /properties/A/properties/B
    return tuple(name for name in text.split("/")[1:] if name != "properties")


def _outermost(pointers: Iterator[Pointer]) -> Iterator[Pointer]:
    every = list(dict.fromkeys(pointers))
    return (pointer for pointer in every if not any(_starts(pointer, of) for of in every if of != pointer))


def _starts(pointer: Pointer, beginning: Pointer) -> bool:
    return pointer[: len(beginning)] == beginning

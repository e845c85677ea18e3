"""One side of a comparison: its resources, the references to them, and texts that can be compared.

Two values have the same text if CloudFormation resolves them to the same value. A reference becomes a token that names
the place of its stack in the comparison and the logical ID: `${0|Bucket.Arn}`. So values can be compared across
intrinsic functions (`Fn::Join` and `Fn::Sub`), across stacks (exports, outputs and the parameters of nested stacks),
and between base and head. An unknown value stays a token and equals only itself.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Resource, Stack
from moorage.assembly.construct_paths import short_path
from moorage.assembly.references import References
from moorage.assembly.values import Choice, Function, Joined, Place, Reference, Unknown, Value, places
from moorage.review.comparison import Comparison

_TOKEN = re.compile(r"\$\{(?P<place>\d+)\|(?P<id>[^}.]+)(?:\.(?P<attribute>[^}]*))?\}")
_IN_MOST_REGIONS = {"AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com"}
"""The texts of pseudo parameters in a stack whose region is not known."""


@attrs.frozen
class Constraint:
    """A condition of an IAM statement, or a condition of the template.

    Args:
        operator: The operator in lower case, such as `stringlike`; `fn::if` for a condition of the template.
        key: The key in lower case; the name of the condition for a condition of the template.
        values: The values: one of them must match.
        name: The key as it is written.
    """

    operator: str
    key: str
    values: frozenset[str]
    name: str = attrs.field(default="", eq=False)


Given = frozenset[Constraint]
"""The constraints that must all be met."""
ALWAYS: Given = frozenset()


Renamed = Mapping[tuple[int, str], tuple[int, str]]
"""A mapping from the place and logical ID of a resource in the base to those in the head."""


@attrs.frozen(eq=False)
class Scope:
    """A stack of one side, in which logical IDs are unique.

    Args:
        place: The number of the stack in the comparison, which is the same on both sides.
        stack: The stack.
        side: All stacks of the side.
        account: The account of the stack on this side, or else on the other side; None if both are unknown.
        region: The region of the stack on this side, or else on the other side; None if both are unknown.
    """

    place: int
    stack: Stack
    side: Side
    account: str | None = None
    region: str | None = None

    @functools.cached_property
    def by_id(self) -> Mapping[str, Resource]:
        """A mapping from the logical ID of each resource of the stack to the resource."""
        return {resource.logical_id: resource for resource in self.stack.resources}

    def value(self, raw: Any) -> Value:
        """Return a value of the template in the form of the module `values`."""
        return self.side.references.value(self.place, raw)

    def referenced(self, raw: Any) -> tuple[Place, ...]:
        """Return the resources, in this or another stack, that a value of the template refers to."""
        return places(self.value(raw))

    def resource(self, raw: Any) -> tuple[Scope, Resource] | None:
        """Return the resource that a value of the template refers to; None unless there is exactly one.

        Args:
            raw: The value as it is in the template.
        """
        found = self.referenced(raw)
        return self.side.at(*found) if len(found) == 1 else None

    def exports(self) -> dict[str, Value]:
        """Return a mapping from export name to value for the stack. Exports with unknown names are left out."""
        references = self.side.references
        return {
            name: references.output(self.place, output)
            for name, output in references.exports(self.place)
            if isinstance(name, str)
        }

    def imports(self) -> frozenset[str]:
        """Return the names of exports that the stack imports, as far as they are known."""
        return frozenset(name for name in self.side.references.imports(self.place) if isinstance(name, str))

    def text(self, value: Any) -> str:
        """Return the canonical text of a value.

        Args:
            value: A value of the template.
        """
        return self.side.text(self.value(value))

    def items(self, value: Any, given: Given = ALWAYS) -> Iterator[tuple[Given, Any]]:
        """Yield each item of a list, or a single value, with the constraints under which the item applies.

        The items of both branches of `Fn::If` are yielded.

        Args:
            value: A list, a value, or `Fn::If` around one of them.
            given: The constraints under which the value applies. Default: it always applies.
        """
        if value is None or value == {"Ref": "AWS::NoValue"}:
            return
        match value:
            case {"Fn::If": [str(name), yes, no]}:
                for branch, answer in ((yes, "true"), (no, "false")):
                    constraint = Constraint("fn::if", f"{self.place}|{name}", frozenset({answer}), name)
                    yield from self.items(branch, given | {constraint})
            case [*each]:
                for item in each:
                    yield from self.items(item, given)
            case _:
                yield given, value

    def texts(self, value: Any) -> frozenset[str]:
        """Return the canonical text of each item of a list, or of a single value, from all branches of `Fn::If`."""
        return frozenset(self.text(item) for _, item in self.items(value))

    def given(self, resource: Resource) -> Given:
        """Return the condition of the template under which a resource exists; `ALWAYS` if it has no condition."""
        condition = resource.definition.get("Condition")
        if not isinstance(condition, str):
            return ALWAYS
        return frozenset({Constraint("fn::if", f"{self.place}|{condition}", frozenset({"true"}), condition)})

    def token(self, logical_id: str) -> str:
        """Return the token of a reference to a resource of this stack."""
        return self.side.token(self.place, logical_id)


@attrs.frozen(eq=False)
class Side:
    """All stacks before the change, or all after it.

    Args:
        references: The references in the templates.
        scopes: A mapping from the place of each stack in the comparison to the stack.
        _renamed: A mapping from the place and logical ID of each renamed resource in the base to those in the head.
    """

    references: References
    scopes: dict[int, Scope] = attrs.field(factory=dict)
    _renamed: Renamed = attrs.field(factory=dict, alias="renamed")

    @classmethod
    def of(cls, comparison: Comparison, *, base: bool, renamed: Renamed | None = None) -> Side:
        """Return one side of a comparison.

        Args:
            comparison: The two assemblies.
            base: Whether to return the side before the change.
            renamed: The resources that have another logical ID in the head. Default: none.
        """
        before, after = ([getattr(each, of) for each in comparison.stacks] for of in ("before", "after"))
        return cls.of_stacks(before if base else after, after if base else before, renamed)

    @classmethod
    def of_stacks(
        cls, stacks: Sequence[Stack | None], others: Sequence[Stack | None] = (), renamed: Renamed | None = None
    ) -> Side:
        """Return a side that consists of these stacks.

        Args:
            stacks: The stacks in the order of the comparison; None for a stack that this side does not have.
            others: The stacks of the other side. Default: there is no other side.
            renamed: The resources that have another logical ID in the head. Default: none.
        """
        side = cls(References(stacks, others or [None] * len(stacks)), renamed=renamed or {})
        for place, stack in enumerate(stacks):
            if stack:
                side.scopes[place] = Scope(place, stack, side, *side.references.environment(place))
        return side

    def resources(self, *types: str) -> Iterator[tuple[Scope, Resource]]:
        """Yield the resources of the given types, or of all types if no type is given."""
        for scope in self.scopes.values():
            for resource in scope.stack.resources:
                if not types or resource.definition.get("Type") in types:
                    yield scope, resource

    def scope(self, stack: Stack) -> Scope:
        """Return the scope of a stack of this side."""
        return next(scope for scope in self.scopes.values() if scope.stack is stack)

    def found(self, text: str) -> tuple[Scope, Resource] | None:
        """Return the resource of the first token in a text; None if this side has no such resource."""
        token = _TOKEN.search(text)
        if token is None:
            return None
        shared = (int(token["place"]), token["id"])
        return self.at(Place(*self._own.get(shared, shared)))

    def at(self, place: Place) -> tuple[Scope, Resource] | None:
        """Return the resource at a place; None if there is no such resource."""
        scope = self.scopes.get(place.stack)
        resource = scope.by_id.get(place.logical_id) if scope else None
        return (scope, resource) if scope and resource else None

    @functools.cached_property
    def _own(self) -> dict[tuple[int, str], tuple[int, str]]:
        return {shared: own for own, shared in self._renamed.items()}

    def token(self, place: int, logical_id: str, attribute: str | None = None) -> str:
        """Return the token of a reference to a resource, with the resource's logical ID in the head.

        Args:
            place: The place of the stack.
            logical_id: The logical ID on this side.
            attribute: The attribute. Default: None, for `Ref`.
        """
        number, name = self._renamed.get((place, logical_id), (place, logical_id))
        return f"${{{number}|{name}{f'.{attribute}' if attribute else ''}}}"

    def text(self, value: Value) -> str:
        """Return the canonical text of a value that has the form of the module `values`."""
        found = self._written(value)
        if isinstance(found, str):
            return found
        return "null" if found is None else "${" + json.dumps(found, sort_keys=True) + "}"

    def _written(self, value: Value) -> Any:
        """Return a value as JSON data, with canonical texts in place of references and intrinsic functions."""
        match value:
            case dict():
                return {name: self._written(each) for name, each in value.items()}
            case tuple():
                return [self._written(each) for each in value]
            case Choice():
                return {"Fn::If": [value.name, self._written(value.then), self._written(value.otherwise)]}
            case Function():
                return self._of_function(value)
            case Joined(parts):
                return "".join(map(self.text, parts))
        return self._of_one(value)

    def _of_one(self, value: Value) -> Any:
        match value:
            case Reference(place, attribute):
                return self.token(place.stack, place.logical_id, attribute)
            case Unknown("parameter", name, int(stack)):
                return self.token(stack, name)
            case Unknown("pseudo parameter", name):
                return _IN_MOST_REGIONS.get(name, f"${{{name}}}")
            case Unknown(kind, name, stack):
                return f"${{the {kind} {name} of {stack}}}"
        return value

    def _of_function(self, value: Function) -> Any:
        match value.name, value.argument:
            case "Fn::ImportValue", name:
                return f"${{the export {self.text(name)}}}"
            case "Fn::GetStackOutput", {"StackName": stack, "OutputName": output}:
                return f"${{the output {self.text(output)} of {self.text(stack)}}}"
            case "Fn::Join", (str(delimiter), tuple(parts)):
                return delimiter.join(map(self.text, parts))
            case "Fn::Select", (str(index), tuple(among)) if index.isdecimal() and int(index) < len(among):
                return self._written(among[int(index)])
            case "Fn::FindInMap", (_, *keys):
                return {value.name: [self._written(each) for each in keys]}
        return {value.name: self._written(value.argument)}


def root(text: str) -> str:
    """Return the token of the resource in a text without its attribute; the text if there is no token."""
    token = _TOKEN.search(text)
    return f"${{{token['place']}|{token['id']}}}" if token else text


def readable(text: str, sides: Sequence[Side]) -> str:
    """Return a text with construct paths in place of tokens.

    Args:
        text: A canonical text.
        sides: The sides to search for the resources, in this order.
    """

    def path(found: re.Match[str]) -> str:
        for side in sides:
            if resource := side.found(found[0]):
                return short_path(resource[1])
        return f"{found['id']}.{found['attribute']}" if found["attribute"] else found["id"]

    return _TOKEN.sub(path, text)

"""The values of a template as texts that are equal if the values are the same to CloudFormation.

A reference becomes a token that names the place of its stack in the comparison and the logical ID: `${0|Bucket.Arn}`.
So values compare across logical structure (`Fn::Join` and `Fn::Sub`), across stacks (exports, outputs and the
parameters of nested stacks) and between base and head. An unknown value stays a token and equals only itself.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Resource, Stack
from moorage.review.comparison import Comparison

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_TOKEN = re.compile(r"\$\{(?P<place>\d+)\|(?P<id>[^}.]+)(?:\.(?P<attribute>[^}]*))?\}")
_DEEPEST = 40
"""The depth beyond which a value counts as unknown, since outputs and parameters can refer to each other."""
_PARTITIONS = {"cn-": ("aws-cn", "amazonaws.com.cn"), "us-gov-": ("aws-us-gov", "amazonaws.com")}
"""The partition and the URL suffix by the prefix of the region; all others are in `aws`
(CloudFormation user guide, "Pseudo parameters reference")."""


@attrs.frozen
class Constraint:
    """A condition of IAM, or a condition of the template, under which something holds.

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
"""The place and logical ID of resources in the head, by those in the base."""


@attrs.frozen(eq=False)
class Scope:
    """A stack of one side, in which logical IDs have a meaning.

    Args:
        place: The number of the stack in the comparison, which is the same on both sides.
        stack: The stack.
        side: All stacks of the side.
        parent: The scope that contains the stack and the logical ID of the stack in it; None if it is not nested.
        account: The account of the stack on this side, or else on the other; None if neither is known.
        region: The region of the stack on this side, or else on the other; None if neither is known.
    """

    place: int
    stack: Stack
    side: Side
    parent: tuple[Scope, str] | None = None
    account: str | None = None
    region: str | None = None

    @functools.cached_property
    def by_id(self) -> Mapping[str, Resource]:
        """The resources of the stack by their logical IDs."""
        return {resource.logical_id: resource for resource in self.stack.resources}

    def text(self, value: Any, depth: int = 0) -> str:
        """Return the canonical text of a value.

        Args:
            value: A value of the template.
            depth: The number of functions and references around the value.
        """
        if isinstance(value, str):
            return value
        if isinstance(value, bool) or not isinstance(value, Mapping | list):
            return json.dumps(value, default=str)
        if depth > _DEEPEST:
            return "${unknown}"
        if isinstance(value, Mapping) and len(value) == 1:
            ((name, argument),) = value.items()
            found = self._function(str(name), argument, depth + 1)
            if found is not None:
                return found
        return "${" + json.dumps(self._canonical(value, depth + 1), sort_keys=True) + "}"

    def items(self, value: Any, given: Given = ALWAYS) -> Iterator[tuple[Given, Any]]:
        """Yield the items of a list, or a single value, with the branches of each `Fn::If` under its condition.

        Args:
            value: A list, a value, or `Fn::If` around one of them.
            given: The constraints under which the value holds.
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
        """Return the canonical texts of a list or of a single value, in any branch."""
        return frozenset(self.text(item) for _, item in self.items(value))

    def given(self, resource: Resource) -> Given:
        """Return the condition of the template under which a resource exists."""
        condition = resource.definition.get("Condition")
        if not isinstance(condition, str):
            return ALWAYS
        return frozenset({Constraint("fn::if", f"{self.place}|{condition}", frozenset({"true"}), condition)})

    def token(self, logical_id: str) -> str:
        """Return the canonical token, such as `${0|Bucket}`, for a reference to a resource of this stack."""
        place, name = self.side.shared(self.place, logical_id)
        return f"${{{place}|{name}}}"

    def _canonical(self, value: Any, depth: int) -> Any:
        if isinstance(value, list):
            return [self._canonical(each, depth) for each in value]
        if isinstance(value, Mapping):
            if len(value) == 1:
                ((name, argument),) = value.items()
                known = self._function(str(name), argument, depth)
                if known is not None:
                    return known
            return {str(key): self._canonical(each, depth) for key, each in value.items()}
        return value

    def _function(self, name: str, argument: Any, depth: int) -> str | None:
        """Return the text of an intrinsic function; None for one whose value is not known."""
        if depth > _DEEPEST:
            return "${unknown}"
        functions = {
            "Ref": self._reference,
            "Fn::GetAtt": self._attribute,
            "Fn::ImportValue": self._imported,
            "Fn::GetStackOutput": self._output,
            "Fn::Join": self._joined,
            "Fn::Select": self._selected,
            "Fn::Sub": self._substituted,
        }
        return functions[name](argument, depth) if name in functions else None

    def _joined(self, argument: Any, depth: int) -> str | None:
        match argument:
            case [str(delimiter), [*parts]]:
                return delimiter.join(self.text(each, depth) for each in parts)
        return None

    def _selected(self, argument: Any, depth: int) -> str | None:
        match argument:
            case [index, [*among]] if str(index).isdecimal() and int(index) < len(among):
                return self.text(among[int(index)], depth)
        return None

    def _imported(self, argument: Any, depth: int) -> str:
        return self.side.exported(self, self.text(argument, depth), depth)

    def _output(self, argument: Any, depth: int) -> str | None:
        match argument:
            case {"StackName": stack, "OutputName": output}:
                return self.side.output(self.text(stack, depth), self.text(output, depth), depth)
        return None

    def _reference(self, name: Any, depth: int) -> str | None:
        if not isinstance(name, str):
            return None
        region = self.region or ""
        prefix = next((prefix for prefix in _PARTITIONS if region.startswith(prefix)), "")
        partition, suffix = _PARTITIONS.get(prefix, ("aws", "amazonaws.com"))
        known = {
            "AWS::AccountId": self.account,
            "AWS::Region": self.region,
            "AWS::Partition": partition,
            "AWS::URLSuffix": suffix,
        }
        if name.startswith("AWS::"):
            return known.get(name) or f"${{{name}}}"
        if self.parent and name in _mapping(self.stack.template.get("Parameters")):
            scope, logical_id = self.parent
            given = _mapping(_mapping(scope.resource(logical_id).get("Properties")).get("Parameters"))
            if name in given:
                return scope.text(given[name], depth)
        return self.token(name)

    def _attribute(self, argument: Any, depth: int) -> str | None:
        match argument.split(".", 1) if isinstance(argument, str) else argument:
            case [str(logical_id), stated]:
                attribute = self.text(stated, depth)
            case _:
                return None
        nested = self.side.nested(self, logical_id)
        if nested and attribute.startswith("Outputs."):
            output = _mapping(nested.stack.template.get("Outputs")).get(attribute.removeprefix("Outputs."))
            if isinstance(output, Mapping) and "Value" in output:
                return nested.text(output["Value"], depth)
        return f"{self.token(logical_id)[:-1]}.{attribute}}}"

    def _substituted(self, argument: Any, depth: int) -> str | None:
        match argument if isinstance(argument, list) else [argument, {}]:
            case [str(template), {**values}]:
                pass
            case _:
                return None

        def replaced(found: re.Match[str]) -> str:
            name = found[1].strip()
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in values:
                return self.text(values[name], depth)
            return self.text({"Fn::GetAtt": name} if "." in name else {"Ref": name}, depth)

        return _VARIABLE.sub(replaced, template)

    def resource(self, logical_id: str) -> Mapping[str, Any]:
        """Return the definition of a resource; empty if there is no such resource."""
        return _mapping(_mapping(self.stack.template.get("Resources")).get(logical_id))


@attrs.frozen(eq=False)
class Side:
    """All stacks before the change, or all after it.

    Args:
        scopes: The stacks by their place in the comparison.
        _nested: The nested stacks by the place and the logical ID of their resource.
        _renamed: The place and logical ID in the head of each resource of the base that gets another logical ID.
    """

    scopes: dict[int, Scope] = attrs.field(factory=dict)
    _nested: dict[tuple[int, str], Scope] = attrs.field(factory=dict)
    _renamed: dict[tuple[int, str], tuple[int, str]] = attrs.field(factory=dict)

    @classmethod
    def of(cls, comparison: Comparison, *, base: bool, renamed: Renamed | None = None) -> Side:
        """Return one side of a comparison.

        Args:
            comparison: The two assemblies.
            base: Whether to return the side before the change.
            renamed: The resources of the base that get another logical ID. Default: none.
        """
        side = cls(renamed=dict(renamed or {}))
        stacks = [(place, change.before if base else change.after) for place, change in enumerate(comparison.stacks)]
        places = {id(stack): place for place, stack in stacks if stack}
        parents = {
            id(nested): (place, name) for place, stack in stacks if stack for name, nested in stack.nested.items()
        }

        def scope(place: int, stack: Stack) -> Scope:
            if place not in side.scopes:
                number, logical_id = parents.get(id(stack), (None, ""))
                outer = next((each for at, each in stacks if at == number and each), None)
                parent = (scope(places[id(outer)], outer), logical_id) if outer else None
                both = [
                    each for each in (stack, comparison.stacks[place].before, comparison.stacks[place].after) if each
                ]
                account = next((each.account for each in both if each.account), None)
                region = next((each.region for each in both if each.region), None)
                side.scopes[place] = Scope(place, stack, side, parent, account, region)
                if parent:
                    side._nested[parent[0].place, logical_id] = side.scopes[place]
            return side.scopes[place]

        for place, stack in stacks:
            if stack:
                scope(place, stack)
        return side

    def resources(self, *types: str) -> Iterator[tuple[Scope, Resource]]:
        """Yield the resources of some types; of all types if there is no argument."""
        for scope in self.scopes.values():
            for resource in scope.stack.resources:
                if not types or resource.definition.get("Type") in types:
                    yield scope, resource

    def found(self, text: str) -> tuple[Scope, Resource] | None:
        """Return the resource that a text refers to; None if it refers to none of this side."""
        token = _TOKEN.search(text)
        if token is None:
            return None
        shared = (int(token["place"]), token["id"])
        place, logical_id = self._own.get(shared, shared)
        scope = self.scopes.get(place)
        resource = scope.by_id.get(logical_id) if scope else None
        return (scope, resource) if scope and resource else None

    def shared(self, place: int, logical_id: str) -> tuple[int, str]:
        """Return the place and the logical ID by which both sides know a resource: those of the head.

        Args:
            place: The place of the stack.
            logical_id: The logical ID on this side.
        """
        return self._renamed.get((place, logical_id), (place, logical_id))

    @functools.cached_property
    def _own(self) -> dict[tuple[int, str], tuple[int, str]]:
        return {shared: own for own, shared in self._renamed.items()}

    def nested(self, scope: Scope, logical_id: str) -> Scope | None:
        """Return the nested stack that a resource of a stack creates."""
        return self._nested.get((scope.place, logical_id))

    def exported(self, scope: Scope, name: str, depth: int) -> str:
        """Return the text of an exported value, whose name is unique in an account and region."""
        found = self._exports.get((scope.account, scope.region, name))
        return found[0].text(found[1], depth) if found else f"${{the export {name}}}"

    @functools.cached_property
    def _exports(self) -> dict[tuple[str | None, str | None, str], tuple[Scope, Any]]:
        found = {}
        for scope in self.scopes.values():
            for output in _mapping(scope.stack.template.get("Outputs")).values():
                export = _mapping(_mapping(output).get("Export")).get("Name")
                if export is not None and "Value" in output:
                    name = export if isinstance(export, str) else scope.text(export)
                    found[scope.account, scope.region, name] = (scope, output["Value"])
        return found

    def output(self, stack: str, name: str, depth: int) -> str:
        """Return the text of the output of a stack."""
        for other in self.scopes.values():
            output = _mapping(_mapping(other.stack.template.get("Outputs")).get(name))
            if other.stack.name == stack and "Value" in output:
                return other.text(output["Value"], depth)
        return f"${{the output {name} of {stack}}}"


def root(text: str) -> str:
    """Return the first token in a text, without its attribute; the text if there is no token."""
    token = _TOKEN.search(text)
    return f"${{{token['place']}|{token['id']}}}" if token else text


def readable(text: str, sides: Sequence[Side]) -> str:
    """Return a text with construct paths in the place of tokens.

    Args:
        text: A canonical text.
        sides: The sides in which to look for a resource; the first one that has it is used.
    """

    def path(found: re.Match[str]) -> str:
        for side in sides:
            if resource := side.found(found[0]):
                return short_path(resource[1])
        return f"{found['id']}.{found['attribute']}" if found["attribute"] else found["id"]

    return _TOKEN.sub(path, text)


def short_path(resource: Resource) -> str:
    """Return the construct path of a resource without the parts that CDK adds for the resource itself."""
    parts = resource.path.split("/")
    while len(parts) > 1 and parts[-1] in {"Resource", "Default"}:
        parts.pop()
    return "/".join(parts)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def properties_of(resource: Resource) -> Mapping[str, Any]:
    """Return the properties of a resource; empty if they are missing or a function."""
    return _mapping(resource.definition.get("Properties"))

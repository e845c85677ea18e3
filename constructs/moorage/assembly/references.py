"""The references in the templates of an assembly, followed through exports, outputs and nested stacks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Stack, mapping
from moorage.assembly.values import (
    Joined,
    Place,
    Reference,
    Unknown,
    Value,
    choice,
    function,
    is_function,
    joined,
    text,
)

_IN_TEXT = re.compile(r"\$\{(!?)([^${}]*)\}")
_PARTITIONS = {"cn-": ("aws-cn", "amazonaws.com.cn"), "us-gov-": ("aws-us-gov", "amazonaws.com")}
"""The partition and the URL suffix by the beginning of the region
(CloudFormation user guide, "Pseudo parameters reference")."""
_OTHER_PARTITIONS = ("us-iso", "eu-isoe-", "eusc-")
"""The beginnings of other regions that are not in the partition aws."""


@attrs.define(eq=False)
class References:
    """The references in the stacks of an assembly, which can be one side of a comparison.

    Args:
        stacks: The stacks in the order of the comparison; None for a stack that this side does not have.
        others: The stacks of the other side. If the account or region of a stack is not known, it is taken from the
            same stack on the other side. Default: no stacks.
        parameter_defaults: True if the parameters of stacks have their default values, as in a first deployment.
            Default: False; their values are not known, because a deployment keeps those of the last one.
    """

    stacks: Sequence[Stack | None]
    others: Sequence[Stack | None] = ()
    parameter_defaults: bool = attrs.field(default=False, kw_only=True)
    _parents: dict[int, Place] = attrs.field(init=False, factory=dict)
    _children: dict[Place, int] = attrs.field(init=False, factory=dict)
    _outputs: dict[tuple[int, str], Value] = attrs.field(init=False, factory=dict)
    _exported: dict[tuple[str | None, str | None, str], tuple[int, str]] | None = attrs.field(init=False, default=None)
    _open: set[tuple[str, int, str]] = attrs.field(init=False, factory=set)

    def __attrs_post_init__(self) -> None:
        positions = {id(stack): position for position, stack in enumerate(self.stacks)}
        for position, stack in enumerate(self.stacks):
            for logical_id, nested in (stack.nested if stack else {}).items():
                child = positions.get(id(nested))
                if child is not None:
                    self._parents[child] = Place(position, logical_id)
                    self._children[Place(position, logical_id)] = child

    def value(self, stack: int, raw: Any) -> Value:
        """Return a value of a stack's template in the form of the module `values`.

        Args:
            stack: The position of the stack.
            raw: The value as it is in the template.
        """
        if isinstance(raw, dict):
            if is_function(raw):
                return self._function(stack, *next(iter(raw.items())))
            found = ((str(name), self.value(stack, each)) for name, each in raw.items())
            return {name: each for name, each in found if each is not None}
        if isinstance(raw, list):
            return tuple(each for each in (self.value(stack, inner) for inner in raw) if each is not None)
        return None if raw is None else text(raw)

    def _function(self, stack: int, name: str, argument: Any) -> Value:
        if name == "Ref" and isinstance(argument, str):
            return self._named(stack, argument)
        follow = {
            "Fn::GetAtt": self._attribute,
            "Fn::Sub": self._filled,
            "Fn::If": self._chosen,
            "Fn::ImportValue": self._imported,
            "Fn::GetStackOutput": self._of_stack,
            "Fn::FindInMap": self._found,
            "Fn::GetAZs": self._zones,
        }.get(name)
        return follow(stack, argument) if follow else function(name, self.value(stack, argument))

    def _chosen(self, stack: int, argument: Any) -> Value:
        if not isinstance(argument, list) or len(argument) != 3:  # noqa: PLR2004  # condition and values
            return function("Fn::If", self.value(stack, argument))
        condition, then, otherwise = argument
        values = self.value(stack, then), self.value(stack, otherwise)
        return choice(self._condition(stack, {"Condition": condition}), *values, str(condition))

    def _found(self, stack: int, argument: Any) -> Value:
        found = self.value(stack, argument)
        keys = found if isinstance(found, tuple) else (found,)
        tables = json.dumps(_narrowed(self._section(stack, "Mappings"), keys[:3]), sort_keys=True, default=str)
        return function("Fn::FindInMap", (tables, *keys))

    def _zones(self, stack: int, argument: Any) -> Value:
        return function("Fn::GetAZs", self.value(stack, argument) or self._named(stack, "AWS::Region"))

    def _named(self, stack: int, name: str) -> Value:
        if name.startswith("AWS::"):
            return self._pseudo(stack, name)
        if name in self._section(stack, "Parameters"):
            return self._once("parameter", stack, name, self._parameter)
        return Reference(Place(stack, name))

    def _pseudo(self, stack: int, name: str) -> Value:
        of = self.stacks[stack]
        if name == "AWS::NoValue" or of is None:
            return None
        account, region = self.environment(stack)
        known = {"AWS::Region": region, "AWS::AccountId": account}
        if stack not in self._parents:
            known["AWS::StackName"] = of.name
        if region and not region.startswith(_OTHER_PARTITIONS):
            named = (names for start, names in _PARTITIONS.items() if region.startswith(start))
            known["AWS::Partition"], known["AWS::URLSuffix"] = next(named, ("aws", "amazonaws.com"))
        # the account and the region of an agnostic stack are those of the credentials, the same in each such stack
        is_shared = name in {"AWS::Region", "AWS::AccountId", "AWS::Partition", "AWS::URLSuffix"}
        return known.get(name) or Unknown("pseudo parameter", name, None if is_shared else stack)

    def environment(self, stack: int) -> tuple[str | None, str | None]:
        """Return the account and the region of a stack on either side, this side first; None for an unknown value."""
        other = self.others[stack] if self.others else None
        sides = [each for each in (self.stacks[stack], other) if each]
        account = next((each.account for each in sides if each.account), None)
        return account, next((each.region for each in sides if each.region), None)

    def _parameter(self, stack: int, name: str) -> Value:
        parent = self._parents.get(stack)
        stated = mapping(self._section(stack, "Parameters").get(name))
        default, kind = stated.get("Default"), str(stated.get("Type"))
        if parent is None:
            # the default of an SSM parameter is its name
            if not self.parameter_defaults or default is None or kind.startswith("AWS::SSM::Parameter::Value"):
                # the CLI keeps the value of the last deployment, so a new default need not be the new value
                return Unknown("parameter", name, stack, repr(default))
            return _of_type(kind, text(default))
        above = mapping(self._section(parent.stack, "Resources").get(parent.logical_id))
        given = mapping(mapping(above.get("Properties")).get("Parameters"))
        if name in given:
            return _of_type(kind, self.value(parent.stack, given[name]))
        return Unknown("parameter", name, stack) if default is None else _of_type(kind, text(default))

    def _attribute(self, stack: int, argument: Any) -> Value:
        match argument.split(".", 1) if isinstance(argument, str) else argument:
            case [str(logical_id), *rest] if rest and all(isinstance(self.value(stack, each), str) for each in rest):
                place, attribute = Place(stack, logical_id), ".".join(self.value(stack, each) for each in rest)
            case _:
                return function("Fn::GetAtt", self.value(stack, argument))
        child = self._children.get(place)
        if child is not None and attribute.startswith("Outputs."):
            return self.output(child, attribute.removeprefix("Outputs."))
        return Reference(place, attribute)

    def _filled(self, stack: int, argument: Any) -> Value:
        template, given = argument, {}
        if isinstance(argument, list) and len(argument) == 2:  # noqa: PLR2004  # text and variables
            template, given = argument
        if not isinstance(template, str) or not isinstance(given, Mapping):
            return function("Fn::Sub", self.value(stack, argument))
        parts: list[Value] = []
        end = 0
        for found in _IN_TEXT.finditer(template):
            parts.append(template[end : found.start()])
            end, name = found.end(), found[2].strip()
            if found[1]:
                parts.append(f"${{{found[2]}}}")
            elif name in given:
                parts.append(self.value(stack, given[name]))
            else:
                parts.append(self._attribute(stack, name) if "." in name else self._named(stack, name))
        return joined((*parts, template[end:]))

    def is_never(self, stack: int, condition: Any) -> bool:
        """Return whether a condition of a stack is false for all values of the parameters.

        Args:
            stack: The position of the stack.
            condition: The name of the condition.
        """
        return isinstance(condition, str) and self._condition(stack, {"Condition": condition}) is False

    def _condition(self, stack: int, raw: Any) -> Value:
        if not isinstance(raw, Mapping) or len(raw) != 1:
            return function("condition", self.value(stack, raw))
        name, argument = next(iter(raw.items()))
        if name == "Condition":
            conditions = self._section(stack, "Conditions")
            if not isinstance(argument, str) or argument not in conditions:
                return Unknown("condition", str(argument), stack)
            return self._once("condition", stack, argument, lambda at, of: self._condition(at, conditions[of]))
        if name in {"Fn::And", "Fn::Or", "Fn::Not"} and isinstance(argument, list):
            return function(name, tuple(self._condition(stack, each) for each in argument))
        if name == "Fn::Equals" and isinstance(argument, list):
            return function(name, tuple(self.value(stack, each) for each in argument))
        return function(name, self.value(stack, argument))

    def _imported(self, stack: int, argument: Any) -> Value:
        name = self.value(stack, argument)
        if self._exported is None:
            self._exported = {}  # already, for an import in the name of an export
            for position in range(len(self.stacks)):
                environment = self.environment(position)
                exported = {(*environment, repr(known_as)): (position, of) for known_as, of in self.exports(position)}
                self._exported |= exported
        found = self._exported.get((*self.environment(stack), repr(name)))
        return self.output(*found) if found else function("Fn::ImportValue", name)

    def exports(self, stack: int) -> Iterator[tuple[Value, str]]:
        """Yield the name of each export of a stack, and the name of its output."""
        for output, stated in self._section(stack, "Outputs").items():
            export = mapping(mapping(stated).get("Export"))
            if "Name" in export:
                yield self.value(stack, export["Name"]), output

    def imports(self, stack: int) -> Iterator[Value]:
        """Yield the names of the exports that a stack imports."""

        def walk(raw: Any) -> Iterator[Value]:
            if isinstance(raw, Mapping):
                if "Fn::ImportValue" in raw:
                    yield self.value(stack, raw["Fn::ImportValue"])
                raw = list(raw.values())
            for inner in raw if isinstance(raw, list) else ():
                yield from walk(inner)

        of = self.stacks[stack]
        yield from walk(of.template if of else None)

    def _of_stack(self, stack: int, argument: Any) -> Value:
        """Return the value of `Fn::GetStackOutput`, which CDK calls a weak reference."""
        stated = self.value(stack, argument)
        if not isinstance(stated, Mapping):
            return function("Fn::GetStackOutput", stated)
        region = stated.get("Region") or self.environment(stack)[1]
        named = [
            position for position, of in enumerate(self.stacks) if of is not None and of.name == stated.get("StackName")
        ]
        for position in named:
            if len(named) == 1 or self.environment(position)[1] == region:
                return self.output(position, str(stated.get("OutputName")))
        return function("Fn::GetStackOutput", stated)

    def output(self, stack: int, name: str) -> Value:
        """Return the value of an output of a stack."""
        key = stack, name
        if key not in self._outputs:
            self._outputs[key] = self._once("output", stack, name, self._stated_output)
        return self._outputs[key]

    def _stated_output(self, stack: int, name: str) -> Value:
        stated = self._section(stack, "Outputs").get(name)
        if not isinstance(stated, Mapping) or "Value" not in stated:
            return Unknown("output", name, stack)
        return self.value(stack, stated["Value"])

    def _once(self, kind: str, stack: int, name: str, follow: Any) -> Value:
        """Follow a reference. Return an unknown value for a circular reference, which CloudFormation refuses."""
        key = kind, stack, name
        if key in self._open:
            return Unknown(kind, name, stack)
        self._open.add(key)
        try:
            return follow(stack, name)
        finally:
            self._open.remove(key)

    def _section(self, stack: int, name: str) -> Mapping[str, Any]:
        of = self.stacks[stack]
        return mapping(of.template.get(name)) if of else {}


def _of_type(kind: str, value: Value) -> Value:
    """Return the value of a parameter; of a list type, its items. Parts of an item can be known only at deployment."""
    if not (kind == "CommaDelimitedList" or kind.startswith("List<")) or not isinstance(value, str | Joined):
        return value
    items: list[list[Value]] = [[]]
    for part in value.parts if isinstance(value, Joined) else (value,):
        first, *rest = part.split(",") if isinstance(part, str) else (part,)
        items[-1].append(first)
        items.extend([each] for each in rest)
    return tuple(joined(each.strip() if isinstance(each, str) else each for each in item) for item in items)


def _narrowed(tables: Any, keys: Sequence[Value]) -> Any:
    """Return the part of a mapping of the template that the keys can select. Other entries do not change the value."""
    if not keys or not isinstance(tables, Mapping):
        return tables
    known = isinstance(keys[0], str) and keys[0] in tables
    return {name: _narrowed(inner, keys[1:]) for name, inner in tables.items() if not known or name == keys[0]}

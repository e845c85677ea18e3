"""The values of a template in a common form, in which two ways to write the same value are equal.

A text, a number and a boolean are the text that CloudFormation converts them to. A list is a tuple, an object a dict,
`AWS::NoValue` is None. A value that is known only at deployment is an instance of a class in this module.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import attrs

Value: TypeAlias = Any
"""A text, a tuple, a dict, None, or one of the classes of this module."""


@attrs.frozen
class Place:
    """A logical ID in a stack, the same before and after an update.

    Args:
        stack: The position of the stack in the comparison.
        logical_id: The logical ID.
    """

    stack: int
    logical_id: str


@attrs.frozen
class Reference:
    """A reference to a resource.

    Args:
        place: The resource.
        attribute: The attribute of `Fn::GetAtt`; None for `Ref`.
    """

    place: Place
    attribute: str | None = None


@attrs.frozen
class Unknown:
    """A value that the template does not contain.

    Args:
        kind: The kind of the value, such as `parameter`.
        name: The name of the value.
        stack: The position of the stack in the comparison; None for a value that is the same in all stacks.
        detail: A further part of the identity of the value, such as the default of a parameter. Default: nothing.
    """

    kind: str
    name: str
    stack: int | None = None
    detail: str = ""


@attrs.frozen
class Function:
    """An intrinsic function with an argument that is not known."""

    name: str
    argument: Value


@attrs.frozen
class Joined:
    """A text of several parts, at least one of them unknown."""

    parts: tuple[Value, ...]


@attrs.frozen
class Choice:
    """The two values of `Fn::If`.

    Args:
        condition: The condition as a `Value`, by which two conditions are compared.
        then: The value if the condition is true.
        otherwise: The value if the condition is false.
        name: The name of the condition in the template.
    """

    condition: Value
    then: Value
    otherwise: Value
    name: str = attrs.field(eq=False)


def is_function(raw: Mapping[Any, Any]) -> bool:
    """Return whether an object of a template is an intrinsic function."""
    name = str(next(iter(raw), ""))
    return len(raw) == 1 and (name == "Ref" or name.startswith("Fn::"))


def text(value: Any) -> str:
    """Return a scalar as CloudFormation converts it to a text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def joined(parts: Iterable[Value]) -> Value:
    """Return the concatenation of parts: a text if all parts are known, otherwise `Joined` or the only part."""
    found: list[Value] = []
    for part in parts:
        for each in part.parts if isinstance(part, Joined) else (part,):
            if isinstance(each, str) and found and isinstance(found[-1], str):
                found[-1] += each
            elif each != "":
                found.append(each)
    if len(found) == 1:
        return found[0]
    return Joined(tuple(found)) if found else ""


def function(name: str, argument: Value) -> Value:
    """Return the value of an intrinsic function, as far as its argument is known."""
    if isinstance(argument, tuple):
        if name in {"Fn::And", "Fn::Or"} or (name == "Fn::Not" and len(argument) == 1):
            return _logic(name, argument)
        if name == "Fn::FindInMap":
            return _find(argument)
        if name in _OF_TWO and len(argument) == 2:  # noqa: PLR2004  # as in the name
            return _OF_TWO[name](*argument)
    return Function(name, argument)


def choice(condition: Value, then: Value, otherwise: Value, name: str) -> Value:
    """Return the value of `Fn::If`, as far as its condition is known."""
    if isinstance(condition, bool):
        return then if condition else otherwise
    if isinstance(condition, Function) and condition.name == "Fn::Not" and isinstance(condition.argument, tuple):
        return choice(condition.argument[0], otherwise, then, name)
    return then if then == otherwise else Choice(condition, then, otherwise, name)


def within(value: Value) -> Iterator[Value]:
    """Yield a value and all values nested in it."""
    yield value
    if isinstance(value, tuple):
        inner: Iterable[Value] = value
    elif isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, Joined):
        inner = value.parts
    elif isinstance(value, Function):
        inner = (value.argument,)
    elif isinstance(value, Choice):
        inner = (value.then, value.otherwise)
    else:
        return
    for each in inner:
        yield from within(each)


def places(value: Value) -> tuple[Place, ...]:
    """Return the resources that a value refers to, each once, in the order of the references."""
    return tuple(dict.fromkeys(each.place for each in within(value) if isinstance(each, Reference)))


def assumed(value: Value, condition: Value, *, truth: bool) -> Value:
    """Return a value under the assumption that a condition is true, or false."""

    def of(inner: Value) -> Value:
        return assumed(inner, condition, truth=truth)

    found = value
    if isinstance(value, tuple):
        found = tuple(each for each in map(of, value) if each is not None)
    elif isinstance(value, dict):
        pairs = ((name, of(each)) for name, each in value.items())
        found = {name: each for name, each in pairs if each is not None}
    elif isinstance(value, Joined):
        found = joined(map(of, value.parts))
    elif isinstance(value, Function):
        found = function(value.name, of(value.argument))
    elif isinstance(value, Choice):
        if value.condition == condition:
            found = of(value.then if truth else value.otherwise)
        else:
            found = choice(value.condition, of(value.then), of(value.otherwise), value.name)
    return found


def at(value: Value, pointer: tuple[str, ...]) -> Value:
    """Return the value at a pointer; None if there is no such value."""
    if not pointer or value is None:
        return value
    name, rest = pointer[0], pointer[1:]
    if isinstance(value, Choice):
        return choice(value.condition, at(value.then, pointer), at(value.otherwise, pointer), value.name)
    if isinstance(value, tuple):
        return tuple(at(each, rest if name == "*" else pointer) for each in value)
    if isinstance(value, dict):
        if name == "*":
            return {each: at(inner, rest) for each, inner in value.items()}
        return at(value.get(name), rest)
    return Function("at", (value, *pointer))


def _join(delimiter: Value, items: Value) -> Value:
    if not isinstance(delimiter, str) or not isinstance(items, tuple) or any(_may_be_absent(each) for each in items):
        return Function("Fn::Join", (delimiter, items))
    parts = [part for item in items for part in (delimiter, item)]
    return joined(parts[1:])


def _may_be_absent(value: Value) -> bool:
    return isinstance(value, Choice)


def _select(index: Value, items: Value) -> Value:
    known = isinstance(items, tuple) and isinstance(index, str) and index.isdecimal()
    if known and int(index) < len(items) and not any(_may_be_absent(each) for each in items):
        return items[int(index)]
    return Function("Fn::Select", (index, items))


def _split(delimiter: Value, of: Value) -> Value:
    if isinstance(delimiter, str) and delimiter and isinstance(of, str):
        return tuple(of.split(delimiter))
    return Function("Fn::Split", (delimiter, of))


def _find(argument: tuple[Value, ...]) -> Value:
    tables, *keys = argument
    if all(isinstance(each, str) for each in keys[:3]):
        found: Any = _tables(tables)
        for key in keys[:3]:
            found = found.get(key) if isinstance(found, Mapping) else None
        if found is not None:
            return tuple(map(text, found)) if isinstance(found, list) else text(found)
    return Function("Fn::FindInMap", argument)


@functools.cache
def _tables(tables: str) -> Any:
    return json.loads(tables)


def _equal(one: Value, other: Value) -> Value:
    if one == other:
        return True
    if isinstance(one, str) and isinstance(other, str):
        return False
    return Function("Fn::Equals", (one, other))


_OF_TWO: Mapping[str, Callable[[Value, Value], Value]] = {
    "Fn::Equals": _equal,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
}


def _logic(name: str, of: tuple[Value, ...]) -> Value:
    if name == "Fn::Not":
        return not of[0] if isinstance(of[0], bool) else Function(name, of)
    decisive = name == "Fn::Or"
    if any(each is decisive for each in of):
        return decisive
    rest = tuple(each for each in of if not isinstance(each, bool))
    if not rest:
        return not decisive
    return rest[0] if len(rest) == 1 else Function(name, rest)

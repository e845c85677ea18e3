"""The type check of the arguments of public classes, by their annotations."""

from __future__ import annotations

import ast
import datetime as dt
import enum
import functools
import inspect
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias, TypeVar

from moorage.workload.cdk_types import full_name, names_of, public_name
from moorage.workload.durations import FractionError, Milliseconds, Seconds
from moorage.workload.errors import ArgumentTypeError, ValidationError
from moorage.workload.look_ups import stand_in
from moorage.workload.problems import is_token
from moorage.workload.type_problems import ALIASES, described, members_of, way_out, wrong_list, wrong_type

Class = TypeVar("Class", bound=type[Any])
Check: TypeAlias = Callable[[Any], Any]
"""A function that returns a value in the form that moorage uses, or raises `_WrongKindError`."""

_NO_STACK = "should be created in the scope of a Stack"
"""A part of CDK's error for a construct outside a stack. Looking for the stack would cost a round trip to Node.js."""


class _WrongKindError(Exception):
    """An error for a value whose type the annotation does not allow.

    Args:
        entry: A description of the wrong entry of a dict or list, without the value of a dict entry, which may be
            secret. Default: none.
    """

    def __init__(self, entry: str | None = None) -> None:
        super().__init__()
        self.entry = entry


class _Parameters(NamedTuple):
    positional: tuple[str, ...]
    rest: str | None
    annotations: Mapping[str, str]


class _Call(NamedTuple):
    function: Callable[..., Any]
    subject: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


def door(cls: Class) -> Class:
    """Decorate a class, so that the types of the arguments of its constructor and public methods are checked.

    Each argument is checked against its annotation before the class uses it, and one `ArgumentTypeError` names all
    wrong, unknown and missing arguments. For a sequence, a single element or any iterable is accepted. The iterable is
    read once into a tuple. A placeholder that CDK has not looked up yet is replaced
    by a well-formed string. A duration with a fraction of a second, or a scope outside a stack, causes a
    `ValidationError` that names the argument.

    CDK classes are compared by name, as `cdk_types` explains.
    """
    for name, member in list(vars(cls).items()):
        if name == "__init__":
            setattr(cls, name, _checked(member, cls.__name__))
        elif name.startswith("_"):
            continue
        elif isinstance(member, (classmethod, staticmethod)):
            setattr(cls, name, type(member)(_checked(member.__func__, f"{cls.__name__}.{name}")))
        elif inspect.isfunction(member):
            setattr(cls, name, _checked(member, f"{cls.__name__}.{name}"))
    return cls


def _checked(function: Callable[..., Any], subject: str) -> Callable[..., Any]:
    @functools.cache
    def parameters() -> _Parameters:
        return _parameters_of(function)

    @functools.wraps(function)
    def check_then_call(*args: Any, **kwargs: Any) -> Any:
        positional, rest, annotations = parameters()
        args = _with_rest(args, kwargs, positional, rest)
        names = (*positional, *[rest or ""] * len(args))[: len(args)]
        given = [*zip(names, args, strict=True), *kwargs.items()]
        checked, problems = [], []
        for name, each in given:
            value = tuple(each) if isinstance(each, Iterator) else each  # can be read only once
            annotation = annotations.get(name)
            try:
                taken = value if annotation is None else _check_of(annotation)(value)
                checked.append(stand_in(f"{subject}.{name}", taken))
            except _WrongKindError as error:
                most = math.inf if name == rest else 1
                problems.append(
                    wrong_list(name, str(annotation), each, _call_of(subject, positional))
                    if isinstance(each, (list, tuple)) and _is_list_of_right(str(annotation), each, most)
                    else wrong_type(subject, name, str(annotation), value, error.entry)
                )
        if problems:
            call = _Call(function, _public_name(subject, dict(given)), args, kwargs)
            problems = _with_call_problems(problems, call)
            raise ArgumentTypeError(_message(_subject_text(call.subject, dict(given)), problems))
        try:
            return function(*checked[: len(args)], **dict(zip(kwargs, checked[len(args) :], strict=True)))
        except (FractionError, RuntimeError, TypeError) as error:
            call = _Call(function, _public_name(subject, dict(given)), args, kwargs)
            problems = _problems_behind(error, given, call)
            if not problems:
                raise
            raised = ArgumentTypeError if isinstance(error, TypeError) else ValidationError
            raise raised(_message(_subject_text(call.subject, dict(given)), problems)) from None

    return check_then_call


def _with_rest(
    args: tuple[Any, ...], kwargs: dict[str, Any], positional: tuple[str, ...], rest: str | None
) -> tuple[Any, ...]:
    """Return the arguments by position with those of `*rest` that were given by name, as `attrs.evolve` passes them."""
    if rest not in kwargs or not kwargs.keys() >= set(others := positional[len(args) :]):
        return args
    values = kwargs.pop(rest)
    is_one = isinstance(values, (str, bytes, bytearray, Mapping, type)) or not isinstance(values, Iterable)
    return (*args, *map(kwargs.pop, others), *((values,) if is_one else _as_tuple(values)))


def _call_of(subject: str, positional: tuple[str, ...]) -> str:
    """Return a call with several arguments after the positional ones, such as `Task(a, b)`."""
    own = [name for name in positional if name not in {"self", "cls"}]
    return f"{subject}({', '.join((*own, 'a', 'b'))})"


def _is_list_of_right(annotation: str, values: list[Any] | tuple[Any, ...], most: float) -> bool:
    """Return whether a list or tuple has one to `most` values, and the annotation allows each of them."""
    if not 1 <= len(values) <= most:
        return False
    try:
        for each in values:
            _check_of(annotation)(each)
    except _WrongKindError:
        return False
    return True


def _parameters_of(function: Callable[..., Any]) -> _Parameters:
    parameters = inspect.signature(function).parameters.values()
    return _Parameters(
        tuple(each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD),
        next((each.name for each in parameters if each.kind is each.VAR_POSITIONAL), None),
        {each.name: str(each.annotation) for each in parameters if each.annotation is not each.empty},
    )


def _with_call_problems(problems: list[str], call: _Call) -> list[str]:
    """Return the problems, and those of unknown and missing arguments, except for arguments that a problem asks for."""
    from moorage.workload.argument_names import binding_problems, unknown_names  # noqa: PLC0415  # only wrong calls need difflib and tomllib

    unknown = unknown_names(call.function, call.subject, call.kwargs)
    others = binding_problems(*call, way_out)
    asked_for = [name for name in others if any(f"use {name}=" in each for each in unknown)]
    return [*unknown, *problems, *(problem for name, problem in others.items() if name not in asked_for)]


def _public_name(subject: str, given: Mapping[str, Any]) -> str:
    """Return the name of a method with the class that users call it on, since a base class may not be public."""
    _, dot, method = subject.partition(".")
    kind = given.get("cls") or type(given.get("self"))
    owner = next((each for each in kind.__mro__ if each.__module__.startswith("moorage.")), None)
    return f"{owner.__name__}.{method}" if dot and owner else subject


def _subject_text(subject: str, given: Mapping[str, Any]) -> str:
    """Return the path of the construct if its scope and ID are known, else the name of the class or method."""
    scope: Any = given.get("scope")
    construct_id = given.get("construct_id")
    if "constructs.Construct" in names_of(scope) and isinstance(construct_id, str):
        return f"{scope.node.path}/{construct_id}"
    return subject


def _message(subject: str, problems: list[str]) -> str:
    if len(problems) == 1:
        return "".join(problems) if problems[0].startswith(f"{subject}()") else f"{subject}: {problems[0]}"
    return f"{subject}: {len(problems)} problems" + "".join(f"\n  - {problem}" for problem in problems)


def _problems_behind(
    error: FractionError | RuntimeError | TypeError, given: list[tuple[str, Any]], call: _Call
) -> list[str]:
    """Return the problems of the arguments that caused an error, or an empty list if no argument did."""
    if isinstance(error, TypeError):
        return _with_call_problems([], call)
    if isinstance(error, FractionError):
        return [f"{name} {error.problem}" for name, value in given if value is error.duration][:1]
    scope: Any = dict(given).get("scope")
    if scope is None or _NO_STACK not in str(error):  # jsii raises a RuntimeError for any error in Node.js
        return []
    place = f"{type(scope).__name__} {scope.node.path!r}"
    return [f"scope must be in a stack (got {place}); use a cdk.Stack, or a construct in a stack"]


@functools.cache
def _check_of(annotation: str) -> Check:
    return _check_of_node(ast.parse(annotation, mode="eval").body)


def _check_of_node(node: ast.expr) -> Check:
    members = list(members_of(node))
    if len(members) > 1:
        return functools.partial(_check_union, tuple(_check_of_node(each) for each in members))
    text = ast.unparse(node)
    if text in ALIASES:
        return _check_of(ALIASES[text])
    if isinstance(node, ast.Subscript):
        arguments = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return _check_of_generic(ast.unparse(node.value), arguments)
    return _SIMPLE_CHECKS.get(text) or functools.partial(_check_name, text)


def _check_of_generic(name: str, arguments: list[ast.expr]) -> Check:
    if name == "Mapping":
        return functools.partial(_check_mapping, *map(_check_of_node, arguments))
    if name == "tuple" and "..." not in map(ast.unparse, arguments):
        return functools.partial(_check_tuple, tuple(map(_check_of_node, arguments)))
    return functools.partial(_check_sequence, _check_of_node(arguments[0]))


def _check_union(checks: tuple[Check, ...], value: Any) -> Any:
    """Return the value unchanged if a check leaves it unchanged, otherwise as the first accepting check converts it."""
    taken, entry = [], None
    for check in checks:
        try:
            taken.append(check(value))
        except _WrongKindError as error:
            entry = entry or error.entry
    if not taken:
        raise _WrongKindError(entry)
    return next((each for each in taken if each is value), taken[0])


def _check_mapping(check_key: Check, check_value: Check, value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise _WrongKindError
    for key, entry in value.items():
        try:
            check_key(key)
        except _WrongKindError:
            raise _WrongKindError(f"a dict with the key {described(key)}") from None
        try:
            check_value(entry)
        except _WrongKindError:
            name = repr(key) if isinstance(key, (str, int)) else f"a {public_name(key)}"
            raise _WrongKindError(f"a dict with a value of type {public_name(entry)} for {name}") from None
    return value


def _check_tuple(checks: tuple[Check, ...], value: Any) -> tuple[Any, ...]:
    values = _as_tuple(value)
    if len(values) != len(checks):
        raise _WrongKindError
    return tuple(check(each) for check, each in zip(checks, values, strict=True))


def _check_sequence(check: Check, value: Any) -> tuple[Any, ...]:
    try:
        return (check(value),)
    except _WrongKindError:
        return tuple(_check_element(check, each) for each in _as_tuple(value))


def _check_element(check: Check, value: Any) -> Any:
    try:
        return check(value)
    except _WrongKindError as error:
        raise _WrongKindError(error.entry or f"a list with {described(value)}") from None


def _as_tuple(value: Any) -> tuple[Any, ...]:
    """Read an iterable once into a tuple. A set is sorted, so that templates do not depend on its order."""
    if isinstance(value, (str, bytes, bytearray, Mapping, type)) or not isinstance(value, Iterable):
        raise _WrongKindError
    return tuple(sorted(value, key=str) if isinstance(value, (set, frozenset)) else value)


def _check_int(value: Any) -> Any:
    if isinstance(value, enum.Enum) and isinstance(value, int):
        return int(value)  # jsii would treat it as one of its own enums
    if (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and is_token(value)):
        return value
    raise _WrongKindError


def _check_float(value: Any) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return value
    raise _WrongKindError


def _check_str(value: Any) -> Any:
    text = _check_instance(str, value)
    return str(text.value) if isinstance(text, enum.Enum) else text


def _check_instance(kind: type[Any] | tuple[type[Any], ...], value: Any) -> Any:
    if not isinstance(value, kind):
        raise _WrongKindError
    return value


_SIMPLE_CHECKS: Mapping[str, Check] = {
    "Any": lambda value: value,
    "None": functools.partial(_check_instance, type(None)),
    "Path": functools.partial(_check_instance, os.PathLike),
    "bool": functools.partial(_check_instance, bool),
    "dt.date": functools.partial(_check_instance, dt.date),
    "dt.datetime": functools.partial(_check_instance, dt.datetime),
    "dt.timedelta": functools.partial(_check_instance, (dt.timedelta, Seconds, Milliseconds)),
    "float": _check_float,
    "int": _check_int,
    "str": _check_str,
}


def _check_name(name: str, value: Any) -> Any:
    """Return `value` if it has the class or interface `name`."""
    if full_name(name) not in names_of(value):
        raise _WrongKindError
    return value

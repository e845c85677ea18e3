"""The decorator of value classes, whose values are checked when created and can be copied and pickled."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import attrs

from moorage.workload.cdk_types import public_name
from moorage.workload.door import door
from moorage.workload.errors import ArgumentTypeError

Class = TypeVar("Class", bound=type[Any])


def value_class(cls: Class) -> Class:
    """Decorate a frozen attrs class, so that `door` checks the arguments, and values can be copied and pickled.

    A copy of a value is the value itself, since values never change. A value that holds a construct cannot be pickled,
    since the construct belongs to the app of one process.
    """
    door(cls)
    for name, method in (("__copy__", _copy), ("__deepcopy__", _copy), ("__reduce__", _reduce)):
        setattr(cls, name, method)
    setattr(cls, "__setattr__", _refuse_change)  # noqa: B010  # mypy refuses the assignment to a type
    return cls


def _refuse_change(self: Any, name: str, _: Any) -> None:
    """Refuse a new value of an attribute, as attrs does, but say how to make a copy.

    Args:
        self: The value.
        name: The attribute.

    Raises:
        FrozenInstanceError: Always.
    """
    error = attrs.exceptions.FrozenInstanceError()
    kind = type(self).__name__
    way_out = f"use attrs.evolve(value, {name}=...)" if hasattr(self, name) else f"see help(moorage.{kind})"
    error.add_note(f"{name} of a {kind} cannot be set; {way_out}")
    raise error


def _copy(self: Any, *_: Any) -> Any:
    return self


def _reduce(self: Any) -> tuple[Any, ...]:
    """Return the function and the arguments that make an equal value in another process.

    Args:
        self: The value.

    Raises:
        TypeError: If the value holds a construct or another CDK object.
    """
    state = {}
    for field in attrs.fields(type(self)):
        content = getattr(self, field.name)
        for each in _parts(content):
            if hasattr(type(each), "__jsii_type__"):
                raise ArgumentTypeError(
                    f"{type(self).__name__} cannot be pickled, since {field.name} holds an object of type "
                    f"{public_name(each)}, which belongs to the app of this process; create the value in the process "
                    "that uses it"
                )
        state[field.name] = dict(content) if isinstance(content, MappingProxyType) else content
    return _restore, (type(self), state)


def _parts(content: Any) -> list[Any]:
    if isinstance(content, Mapping):
        content = (*content, *content.values())
    return [part for each in content for part in _parts(each)] if isinstance(content, tuple) else [content]


def _restore(cls: type[Any], state: Mapping[str, Any]) -> Any:
    restored = object.__new__(cls)
    for name, content in state.items():
        object.__setattr__(restored, name, MappingProxyType(content) if isinstance(content, dict) else content)
    return restored

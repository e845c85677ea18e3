"""The resources of an assembly with their values resolved: references, parameters and conditions."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import attrs

from moorage.assembly.cloud_assembly import Resource, Stack
from moorage.assembly.construct_paths import short_path
from moorage.assembly.references import References
from moorage.assembly.values import Choice, Place, Reference, Value, at, places, within
from moorage.cost.parts import NotInTemplateError
from moorage.prices.price import ARCHITECTURES

_MOST = Decimal(10) ** 9
"""A larger number is refused: amounts have at most 28 digits, and no property of a resource is larger."""
_Default = TypeVar("_Default")
_REQUIRED: Any = object()


@attrs.frozen(eq=False)
class Item:
    """A resource of an assembly.

    Args:
        resource: The resource as it is in its template.
        place: The place of the resource.
        all: All resources of the assembly.
    """

    resource: Resource
    place: Place
    all: Resources = attrs.field(repr=False)

    @property
    def type(self) -> str:
        return self.resource.type

    @functools.cached_property
    def path(self) -> str:
        """The construct path, without the parts that CDK adds at its end."""
        return short_path(self.resource)

    def at(self, *pointer: str) -> Value:
        """Return the resolved value of a property, or of a part of it; None if it is absent.

        Args:
            *pointer: The names of the property and of its parts. `*` is every item of a list.
        """
        name, *rest = pointer
        return at(self.all.references.value(self.place.stack, self.resource.properties.get(name)), tuple(rest))

    def text(self, *pointer: str, default: _Default = _REQUIRED) -> str | _Default:
        """Return a property that is a text.

        Args:
            *pointer: The names of the property and of its parts.
            default: The value if the property is absent. By default, the property is required.

        Raises:
            NotInTemplateError: The property is known only at deployment, or absent without a default.
        """
        return text_of(self.at(*pointer), ".".join(pointer), default)

    def number(self, *pointer: str, default: _Default = _REQUIRED) -> Decimal | _Default:
        """Return a property that is a number.

        Args:
            *pointer: The names of the property and of its parts.
            default: The value if the property is absent. By default, the property is required.

        Raises:
            NotInTemplateError: The property is known only at deployment, is no number, or absent without a default.
        """
        return number_of(self.at(*pointer), ".".join(pointer), default)

    def is_true(self, *pointer: str) -> bool:
        """Return whether a property is true; an absent one is not.

        Args:
            *pointer: The names of the property and of its parts.

        Raises:
            NotInTemplateError: The property is known only at deployment.
        """
        return self.text(*pointer, default="false").lower() == "true"

    def list(self, *pointer: str) -> tuple[Value, ...]:
        """Return a property that is a list; empty if it is absent.

        Args:
            *pointer: The names of the property and of its parts.

        Raises:
            NotInTemplateError: The list is known only at deployment.
        """
        return list_of(self.at(*pointer), ".".join(pointer))

    def target(self, *pointer: str) -> Item | None:
        """Return the resource that a property refers to, by `Ref`, an attribute or in a text; None for none.

        Args:
            *pointer: The names of the property and of its parts.

        Raises:
            NotInTemplateError: A condition that the templates do not decide chooses between resources.
        """
        return self.all.first(self.at(*pointer))

    def by(self, type_: str, *pointer: str) -> tuple[Item, ...]:
        """Return the resources of a type that refer to this resource in a property.

        Args:
            type_: The type in CloudFormation.
            *pointer: The names of the property and of its parts.
        """
        return self.all.referring(type_, pointer).get(self.place, ())


@attrs.frozen(eq=False)
class Resources:
    """The resources of all stacks of an assembly, nested stacks included.

    Args:
        stacks: The stacks, without those that are nested in them.
    """

    stacks: Sequence[Stack]
    _indexes: dict[tuple[str, tuple[str, ...]], dict[Place, tuple[Item, ...]]] = attrs.field(init=False, factory=dict)

    @functools.cached_property
    def all_stacks(self) -> tuple[Stack, ...]:
        return tuple(each for stack in self.stacks for each in stack.walk())

    @functools.cached_property
    def references(self) -> References:
        return References(self.all_stacks, parameter_defaults=True)

    @functools.cached_property
    def items(self) -> Mapping[Place, Item]:
        """A mapping from place to resource, without resources whose condition is false."""
        found = {}
        for position, stack in enumerate(self.all_stacks):
            for resource in stack.resources:
                if not self.references.is_never(position, resource.definition.get("Condition")):
                    place = Place(position, resource.logical_id)
                    found[place] = Item(resource, place, self)
        return found

    @functools.cached_property
    def _types(self) -> Mapping[str, tuple[Item, ...]]:
        found: dict[str, list[Item]] = {}
        for item in self.items.values():
            found.setdefault(item.type, []).append(item)
        return {type_: tuple(items) for type_, items in found.items()}

    def of_type(self, type_: str) -> tuple[Item, ...]:
        """Return the resources of a type.

        Args:
            type_: The type in CloudFormation.
        """
        return self._types.get(type_, ())

    def first(self, value: Value) -> Item | None:
        """Return the first resource that a value refers to; None for no resource of the assembly.

        Args:
            value: The resolved value.

        Raises:
            NotInTemplateError: A condition that the templates do not decide chooses between resources.
        """
        for each in within(value):
            if isinstance(each, Choice) and self.first(each.then) is not self.first(each.otherwise):
                raise NotInTemplateError(f"the condition {each.name} chooses between resources at deployment")
        return next((self.items[place] for place in places(value) if place in self.items), None)

    def referring(self, type_: str, pointer: tuple[str, ...]) -> Mapping[Place, tuple[Item, ...]]:
        """Return a mapping from each place to the resources of a type that refer to it in a property.

        Args:
            type_: The type in CloudFormation.
            pointer: The names of the property and of its parts.
        """
        key = type_, pointer
        if key not in self._indexes:
            found: dict[Place, list[Item]] = {}
            for item in self.of_type(type_):
                for place in places(item.at(*pointer)):
                    found.setdefault(place, []).append(item)
            self._indexes[key] = {place: tuple(items) for place, items in found.items()}
        return self._indexes[key]


def is_conditional(item: Item) -> bool:
    """Return whether a resource exists only under a condition that the templates do not decide.

    Args:
        item: The resource, whose condition is not false.
    """
    condition = item.resource.definition.get("Condition")
    if not isinstance(condition, str):
        return False
    chosen = item.all.references.value(item.place.stack, {"Fn::If": [condition, "yes", "no"]})
    return bool(chosen != "yes")


def text_of(value: Value, name: str, default: _Default = _REQUIRED) -> str | _Default:
    """Return a resolved value that is a text.

    Args:
        value: The value.
        name: The name of the property, for the error.
        default: The value if the property is absent. By default, the property is required.

    Raises:
        NotInTemplateError: The value is known only at deployment, or absent without a default.
    """
    if value is None and default is not _REQUIRED:
        return default
    if not isinstance(value, str):
        raise NotInTemplateError(_reason(value, name))
    return value


def number_of(value: Value, name: str, default: _Default = _REQUIRED) -> Decimal | _Default:
    """Return a resolved value that is a number.

    Args:
        value: The value.
        name: The name of the property, for the error.
        default: The value if the property is absent. By default, the property is required.

    Raises:
        NotInTemplateError: The value is known only at deployment, is no number or negative, or absent without a
            default.
    """
    if value is None and default is not _REQUIRED:
        return default
    try:
        found = Decimal(text_of(value, name))
    except InvalidOperation as error:
        raise NotInTemplateError(f"{name} is not a number (got {value!r})") from error
    if not found.is_finite():
        raise NotInTemplateError(f"{name} is not a number (got {value!r})")
    if not 0 <= found <= _MOST:
        raise NotInTemplateError(f"{name} is not a number from 0 to {_MOST:,} (got {value!r})")
    return found


def architecture_of(stated: str) -> str:
    """Return a processor architecture as the price book names it.

    Args:
        stated: The architecture as ECS and Lambda name it, such as `ARM64`.

    Raises:
        NotInTemplateError: There is no such architecture.
    """
    if stated.lower() not in ARCHITECTURES:
        raise NotInTemplateError(f"there are no prices for the architecture {stated!r}")
    return stated.lower()


def list_of(value: Value, name: str) -> tuple[Value, ...]:
    """Return a resolved value that is a list; empty if it is absent.

    Args:
        value: The value.
        name: The name of the property, for the error.

    Raises:
        NotInTemplateError: The list, or the number of its items, is known only at deployment.
    """
    if value is None:
        return ()
    if not isinstance(value, tuple):
        raise NotInTemplateError(_reason(value, name))
    for each in value:
        if isinstance(each, Choice) and None in (each.then, each.otherwise):
            raise NotInTemplateError(f"{name} has an item that the condition {each.name} decides at deployment")
    return value


def tables(values: Sequence[Value]) -> Iterator[Mapping[str, Value]]:
    """Yield the objects of a resolved list.

    Args:
        values: The items of the list.

    Raises:
        NotInTemplateError: An item is known only at deployment.
    """
    for each in values:
        if isinstance(each, dict):
            yield each
        elif isinstance(each, Choice):
            raise NotInTemplateError(f"the condition {each.name} decides a part of a list at deployment")


def _reason(value: Value, name: str) -> str:
    if value is None:
        return f"the template has no {name}"
    if isinstance(value, Reference):
        return f"{name} refers to {value.place.logical_id}, whose value is known only at deployment"
    return f"{name} is known only at deployment"

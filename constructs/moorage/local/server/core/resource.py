"""The interface between CloudFormation types and the engine."""

from __future__ import annotations

import dataclasses
import secrets
import string
from collections.abc import Mapping
from typing import Any, ClassVar

_SUFFIX = string.ascii_uppercase + string.digits

Properties = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Made:
    """A resource that exists: its physical ID, which `Ref` returns, and the attributes that `Fn::GetAtt` returns."""

    physical_id: str
    attributes: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Resource:
    """A CloudFormation type, whose resources are created, updated and deleted in the state of its service.

    A subclass with a `type` registers itself. Only the properties that the subclass reads count as implemented: a
    template with another property fails. If a create-only property of CloudFormation's schema changes, the engine
    replaces the resource and does not call `update`.
    """

    type: ClassVar[str]
    known: ClassVar[dict[str, Resource]] = {}

    def __init_subclass__(cls) -> None:
        if "type" in vars(cls):
            Resource.known[cls.type] = cls()

    def create(self, properties: Properties, name: str) -> Made:
        """Create the resource, and return it.

        Args:
            properties: The resolved properties of the template.
            name: A physical name in case the template has none: stack, logical ID and a random suffix.
        """
        raise NotImplementedError

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        """Update the resource in place from the old properties to the new properties, and return it."""
        raise NotImplementedError

    def update_under(self, policy: Properties, physical_id: str, old: Properties, new: Properties) -> Made:
        """Update the resource according to its `UpdatePolicy`, which most types do not have, and return it.

        Args:
            policy: The `UpdatePolicy` of the resource in the template; empty if it has none.
            physical_id: The physical ID, as for `update`.
            old: The old properties.
            new: The new properties.
        """
        return self.update(physical_id, old, new)

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Delete the resource. A resource that is already gone is not an error."""
        raise NotImplementedError


def generated_name(stack_name: str, logical_id: str) -> str:
    """Return a physical name like those of CloudFormation.

    A random suffix distinguishes the name from those of retained resources.
    """
    suffix = "".join(secrets.choice(_SUFFIX) for _ in range(12))
    return f"{stack_name}-{logical_id}"[:242] + f"-{suffix}"


def shortened(name: str, most: int) -> str:
    """Return a generated name of at most `most` characters. The middle of a longer name is removed."""
    return name if len(name) <= most else name[: most - 13] + name[-13:]

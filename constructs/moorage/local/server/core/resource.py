"""What one CloudFormation type owes the engine."""

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
    """A resource that exists: its physical id, which is what `Ref` returns, and what `Fn::GetAtt` returns."""

    physical_id: str
    attributes: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Resource:
    """One CloudFormation type, made, changed and removed through its service's own state.

    A subclass that names the type is thereby known. Only the properties it reads count as implemented: a template that
    sets another fails. A change of a property that CloudFormation's schema calls create-only never reaches `update`:
    the engine replaces the resource.
    """

    type: ClassVar[str]
    known: ClassVar[dict[str, Resource]] = {}

    def __init_subclass__(cls) -> None:
        if "type" in vars(cls):
            Resource.known[cls.type] = cls()

    def create(self, properties: Properties, name: str) -> Made:
        """Make the resource.

        Args:
            properties: What the template says, resolved.
            name: A physical name for when the template gives none: stack, logical id and a random end.
        """
        raise NotImplementedError

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        """Bring the resource from the old properties to the new ones, in place."""
        raise NotImplementedError

    def update_under(self, policy: Properties, physical_id: str, old: Properties, new: Properties) -> Made:
        """Do what `update` does, as the resource's `UpdatePolicy` wants it; most types have none.

        Args:
            policy: The template's `UpdatePolicy` of the resource, empty where it has none.
            physical_id: As for `update`.
            old: As for `update`.
            new: As for `update`.
        """
        return self.update(physical_id, old, new)

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Remove the resource; one that is gone already is no fault."""
        raise NotImplementedError


def generated_name(stack_name: str, logical_id: str) -> str:
    """A physical name as CloudFormation makes one: never the same twice, so what is retained is not in the way."""
    suffix = "".join(secrets.choice(_SUFFIX) for _ in range(12))
    return f"{stack_name}-{logical_id}"[:242] + f"-{suffix}"


def shortened(name: str, most: int) -> str:
    """A generated name without its middle, where a service takes no more than so many characters."""
    return name if len(name) <= most else name[: most - 13] + name[-13:]

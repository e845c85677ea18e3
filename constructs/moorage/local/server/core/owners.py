"""The stack that a resource belongs to, and the resource in its template."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from moorage.local.server.core.adapter import cloudformation, engine


def definition(stack_name: str, logical_id: str) -> Mapping[str, Any]:
    """What a stack's template says of a resource.

    Args:
        stack_name: The stack.
        logical_id: The resource's logical id.
    """
    body = cloudformation.stacks.get(stack_name, {}).get("_template_body")
    found: Mapping[str, Any] = _resources(body).get(logical_id, {}) if body else {}
    return found


@functools.lru_cache(maxsize=8)
def _resources(body: str) -> Mapping[str, Any]:
    """Return the resources of a template, which is asked once for each of them."""
    resources: Mapping[str, Any] = engine.parse_template(body).get("Resources", {})
    return resources


def construct(logical_id: str, stated: Mapping[str, Any]) -> str:
    """The path of the construct that a resource is of, where the template carries it, else its logical id.

    Args:
        logical_id: The resource's logical id.
        stated: What the template says of it.
    """
    return str((stated.get("Metadata") or {}).get("aws:cdk:path", logical_id))


def path(stack_name: str, logical_id: str) -> str:
    """The path of a resource's construct.

    Args:
        stack_name: The stack.
        logical_id: The resource's logical id.
    """
    return construct(logical_id, definition(stack_name, logical_id))


def owner(physical_id: str) -> str:
    """Say which stack a resource is of, and which of its constructs.

    Args:
        physical_id: The resource's physical id.
    """
    for stack_name, stack in cloudformation.stacks.items():
        for logical_id, found in stack.get("_resources", {}).items():
            if found.get("PhysicalResourceId") == physical_id:
                stated = stack.get("_template", {}).get("Resources", {}).get(logical_id)
                named = construct(logical_id, stated) if stated else path(stack_name, logical_id)
                return f"{named} of the stack {stack_name}"
    return physical_id


def together(physical_id: str, other_id: str) -> bool:
    """Return whether a stack that is going away has both of two resources, so that neither outlives the other.

    Args:
        physical_id: The physical id of the one.
        other_id: The physical id of the other.
    """
    for stack in cloudformation.stacks.values():
        parts = {part.get("PhysicalResourceId") for part in stack.get("_resources", {}).values()}
        status = str(stack.get("StackStatus"))
        if physical_id in parts and status.startswith(("DELETE", "ROLLBACK")):
            # ministack takes what it cannot roll back out of the stack until the end.
            return other_id in parts or (status.startswith("ROLLBACK") and owner(other_id) == other_id)
    return False


def replaces(name: str, physical_id: str) -> bool:
    """Return whether a resource that is being made takes the place of another, as its replacement.

    Args:
        name: The generated name of that which is being made, as `Resource.create` gets it.
        physical_id: The physical id of the other.
    """
    return any(
        found.get("PhysicalResourceId") == physical_id
        and name.rsplit("-", maxsplit=1)[0] == f"{stack_name}-{logical_id}"[:242]
        for stack_name, stack in cloudformation.stacks.items()
        for logical_id, found in stack.get("_resources", {}).items()
    )

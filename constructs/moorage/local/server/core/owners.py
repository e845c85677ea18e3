"""The stack, the construct and the definition of a resource, and the resources that are deleted or replaced with it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from moorage.local.server.core.adapter import cloudformation, engine


def definition(stack_name: str, logical_id: str) -> Mapping[str, Any]:
    """Return the definition of a resource in its stack's template; empty if there is no such resource.

    Args:
        stack_name: The name of the stack.
        logical_id: The logical ID of the resource.
    """
    body = cloudformation.stacks.get(stack_name, {}).get("_template_body")
    found: Mapping[str, Any] = _resources(body).get(logical_id, {}) if body else {}
    return found


@functools.lru_cache(maxsize=8)
def _resources(body: str) -> Mapping[str, Any]:
    """Return the resources of a template; the result is cached, since it is needed for each resource of a stack."""
    resources: Mapping[str, Any] = engine.parse_template(body).get("Resources", {})
    return resources


def construct(logical_id: str, stated: Mapping[str, Any]) -> str:
    """Return the path of a resource's construct if the template contains it; otherwise the logical ID.

    Args:
        logical_id: The logical ID of the resource.
        stated: The definition of the resource in the template.
    """
    return str((stated.get("Metadata") or {}).get("aws:cdk:path", logical_id))


def path(stack_name: str, logical_id: str) -> str:
    """Return the path of a resource's construct; the logical ID if the template does not contain the path.

    Args:
        stack_name: The name of the stack.
        logical_id: The logical ID of the resource.
    """
    return construct(logical_id, definition(stack_name, logical_id))


def owner(physical_id: str) -> str:
    """Return a phrase for a message that names the construct and the stack of a resource.

    Return the physical ID if no stack contains the resource.

    Args:
        physical_id: The physical ID of the resource.
    """
    for stack_name, stack in cloudformation.stacks.items():
        for logical_id, found in stack.get("_resources", {}).items():
            if found.get("PhysicalResourceId") == physical_id:
                stated = stack.get("_template", {}).get("Resources", {}).get(logical_id)
                named = construct(logical_id, stated) if stated else path(stack_name, logical_id)
                return f"{named} of the stack {stack_name}"
    return physical_id


def together(physical_id: str, other_id: str) -> bool:
    """Return whether two resources are in the same stack, which is being deleted or rolled back.

    Neither resource then outlives the other.

    Args:
        physical_id: The physical ID of the first resource.
        other_id: The physical ID of the second resource.
    """
    for stack in cloudformation.stacks.values():
        parts = {part.get("PhysicalResourceId") for part in stack.get("_resources", {}).values()}
        status = str(stack.get("StackStatus"))
        if physical_id in parts and status.startswith(("DELETE", "ROLLBACK")):
            # ministack removes resources that it cannot roll back from the stack until the end
            return other_id in parts or (status.startswith("ROLLBACK") and owner(other_id) == other_id)
    return False


def replaces(name: str, physical_id: str) -> bool:
    """Return whether a resource that is being created replaces another resource.

    Args:
        name: The generated name of the new resource, as `Resource.create` gets it.
        physical_id: The physical ID of the other resource.
    """
    return any(
        found.get("PhysicalResourceId") == physical_id
        and name.rsplit("-", maxsplit=1)[0] == f"{stack_name}-{logical_id}"[:242]
        for stack_name, stack in cloudformation.stacks.items()
        for logical_id, found in stack.get("_resources", {}).items()
    )


def renew(physical_id: str, attributes: Mapping[str, Any]) -> None:
    """Change the values that `Fn::GetAtt` returns for a resource, in the stack that contains it.

    Args:
        physical_id: The physical ID of the resource.
        attributes: The attributes that changed.
    """
    for stack in cloudformation.stacks.values():
        for found in stack.get("_resources", {}).values():
            if found.get("PhysicalResourceId") == physical_id:
                found.setdefault("Attributes", {}).update(attributes)

"""The stack that a resource belongs to, and the resource in its template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import engine


def definition(stack_name: str, logical_id: str) -> Mapping[str, Any]:
    """What a stack's template says of a resource.

    Args:
        stack_name: The stack.
        logical_id: The resource's logical id.
    """
    body = cloudformation._stacks.get(stack_name, {}).get("_template_body")
    resources = engine._parse_template(body).get("Resources", {}) if body else {}
    found: Mapping[str, Any] = resources.get(logical_id, {})
    return found


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
    for stack_name, stack in cloudformation._stacks.items():
        for logical_id, found in stack.get("_resources", {}).items():
            if found.get("PhysicalResourceId") == physical_id:
                stated = stack.get("_template", {}).get("Resources", {}).get(logical_id)
                named = construct(logical_id, stated) if stated else path(stack_name, logical_id)
                return f"{named} of the stack {stack_name}"
    return physical_id

"""Checks and additional properties of the resources that ministack creates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moorage.local.server.core.adapter import provisioners
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Properties

Check = Callable[[Properties], None]
Completion = Callable[[str, Properties, Properties], Properties | None]


def guard(
    resource_type: str,
    check: Check | None = None,
    *,
    creation: Check | None = None,
    change: Callable[[Properties, Properties], None] | None = None,
    deletion: Callable[[str, Properties], None] | None = None,
) -> None:
    """Check a resource before ministack's handler gets it.

    Each check raises `RefusedError` if the service does not accept the operation.

    Args:
        resource_type: The CloudFormation type.
        check: The check of the properties at creation and update. Default: no check.
        creation: The check of the properties at creation only. Default: no check.
        change: The check of the old and the new properties at an update. Default: no check.
        deletion: The check of the physical ID and the properties at deletion. Default: no check.
    """
    handler: dict[str, Any] = provisioners.RESOURCE_HANDLERS[resource_type]
    create = handler["create"]
    update: Callable[..., Any] = handler.get("update", create)
    delete: Callable[..., Any] = handler["delete"]

    def created(logical_id: str, properties: Properties, stack_name: str) -> Any:
        if check:
            check(plain(properties))
        if creation:
            creation(plain(properties))
        return create(logical_id, properties, stack_name)

    def updated(physical_id: str, old: Properties, new: Properties, *rest: Any) -> Any:
        if check:
            check(plain(new))
        if change:
            change(plain(old), plain(new))
        return update(physical_id, old, new, *rest)

    def deleted(physical_id: str, properties: Properties, *rest: Any) -> None:
        if deletion:
            deletion(physical_id, plain(properties))
        delete(physical_id, properties, *rest)

    handler["create"] = created
    if "update" in handler:
        handler["update"] = updated
    handler["delete"] = deleted


def complete(resource_type: str, add: Completion) -> None:
    """Complete the resources of a type with properties that ministack's handler leaves out.

    Args:
        resource_type: The CloudFormation type.
        add: The function to call after creation and update with the physical ID, the old properties (none at creation)
            and the new ones. The function returns further attributes for `Fn::GetAtt`, or None.
    """
    handler: dict[str, Any] = provisioners.RESOURCE_HANDLERS[resource_type]
    create = handler["create"]
    update: Callable[..., Any] = handler.get("update", create)

    def created(logical_id: str, properties: Properties, stack_name: str) -> Any:
        physical_id, attributes = create(logical_id, properties, stack_name)
        try:
            return physical_id, {**attributes, **(add(physical_id, {}, properties) or {})}
        except (RefusedError, ValueError):
            provisioners.delete_resource(resource_type, physical_id, plain(properties), stack_name, logical_id)
            raise

    def updated(physical_id: str, old: Properties, new: Properties, *rest: Any) -> Any:
        physical_id, attributes = update(physical_id, old, new, *rest)
        return physical_id, {**attributes, **(add(physical_id, old, new) or {})}

    handler["create"] = created
    if "update" in handler:
        handler["update"] = updated


def plain(properties: Mapping[str, Any]) -> Properties:
    """Return a copy of a resource's properties: reading the copy does not count as implementing a property."""
    return {name: dict.__getitem__(properties, name) for name in properties} if isinstance(properties, dict) else {}

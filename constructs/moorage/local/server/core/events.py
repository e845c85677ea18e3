"""The events of a stack: in order, and only for resources that an operation changes.

CloudFormation updates the resources whose definition changed, and adds no event for other resources. During an update,
CloudFormation creates new resources; during the cleanup, it deletes replaced and removed resources (AWS CloudFormation
user guide, "Understand stack creation events"). ministack adds update events for every resource, several within a
millisecond, and none for the deletions of the cleanup.

This module also adds operation IDs to events, lets clients read several pages of events while a stack is changed, and
omits resources with a false condition from change sets.
"""

from __future__ import annotations

import datetime
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from moorage.local.server.core import owners, template
from moorage.local.server.core.adapter import changesets, cloudformation, handlers, stacks

_KEPT = ("LogicalResourceId", "PhysicalResourceId", "ResourceStatus", "Timestamp")
_ATTRIBUTES = (
    "Type", "Properties", "Metadata", "CreationPolicy", "UpdatePolicy", "DeletionPolicy", "UpdateReplacePolicy",
)  # fmt: skip
"""The parts of a resource definition that a change set compares."""
_STACK = "AWS::CloudFormation::Stack"
_CLEANUP = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
_EVENTS = "DescribeStackEvents"
_TOKEN = re.compile(rf"{_EVENTS}:(\d+)")
_FORMAT = "%Y-%m-%dT%H:%M:%S.%f"

Key = tuple[str, str]
Add = Callable[..., None]
Answer = tuple[int, dict[str, str], bytes]
Page = tuple[list[Any], str, Answer | None]


def install() -> None:
    """Replace ministack's stack events, and omit from change sets the resources that are not created."""
    log = _Log(stacks.add_event)
    for module in (stacks, handlers, changesets):
        module.add_event = log.add
    stacks.update_keeping_seed = log.updating(stacks.update_keeping_seed)
    stacks.delete_resource = log.deleting(stacks.delete_resource)
    handlers.ACTION_HANDLERS[_EVENTS] = _with_operations(handlers.ACTION_HANDLERS[_EVENTS])
    handlers.page = _steady(handlers.page)
    changesets.resolve_props_for_diff = _standing(changesets.resolve_props_for_diff)


class _Log:
    """The events of resources in stacks that are being changed."""

    def __init__(self, add: Add) -> None:
        self._add = add
        self._held: dict[Key, tuple[tuple[Any, ...], Mapping[str, Any]]] = {}
        """The start event of an update that may not change its resource, and the resource before the update."""
        self._new: set[Key] = set()
        self._operations: dict[str, str] = {}

    def add(
        self, stack_id: str, stack_name: str, logical_id: str, resource_type: str, status: str, *rest: Any, **named: Any
    ) -> None:
        """Add an event if the operation changes the resource."""
        key = (stack_id, logical_id)
        before = (stack_id, stack_name, logical_id, resource_type)
        starts = status == "UPDATE_IN_PROGRESS" and not rest and not named and logical_id != stack_name
        if starts and not self._is_changed(stack_name, logical_id, key):
            return
        if key in self._new and status in ("UPDATE_COMPLETE", "UPDATE_FAILED"):
            self._new.discard(key)
            status = status.replace("UPDATE", "CREATE")
            _resources(stack_name).get(logical_id, {}).update(ResourceStatus=status)
        if key in self._held and status == "UPDATE_COMPLETE":
            _, kept = self._held.pop(key)
            _resources(stack_name)[logical_id].update(kept)
            return
        if status == "UPDATE_COMPLETE" and logical_id == stack_name:
            self._clean_up(stack_id, stack_name)
        self._release(key)
        self._write(*before, "CREATE_IN_PROGRESS" if starts and key in self._new else status, *rest, **named)

    def _is_changed(self, stack_name: str, logical_id: str, key: Key) -> bool:
        """Return whether a resource is new or its definition changed; if not, hold back the update's start event."""
        known = _resources(stack_name).get(logical_id)
        if known is None:
            self._new.add(key)
            return True
        stack = cloudformation.stacks[stack_name]
        old = (stack.get("_template") or {}).get("Resources", {}).get(logical_id, {})
        new = owners.definition(stack_name, logical_id)
        if any(old.get(name) != new.get(name) for name in _ATTRIBUTES if name in old or name in new):
            return True
        start = (key[0], stack_name, logical_id, known["ResourceType"], "UPDATE_IN_PROGRESS")
        self._held[key] = start, {name: known[name] for name in _KEPT if name in known}
        return False

    def _release(self, key: Key) -> None:
        """Add the held start event of an update that changes its resource after all."""
        if key in self._held:
            start, _ = self._held.pop(key)
            self._write(*start)

    def _clean_up(self, stack_id: str, stack_name: str) -> None:
        """Add the cleanup event, once per operation."""
        written = _operation(cloudformation.stack_events[stack_id], stack_name)
        if not any(each["ResourceStatus"] == _CLEANUP for each in written):
            self._write(stack_id, stack_name, stack_name, _STACK, _CLEANUP, physical_id=stack_id)

    def _write(self, stack_id: str, *rest: Any, **named: Any) -> None:
        written = cloudformation.stack_events.get(stack_id) or []
        last = written[-1]["Timestamp"] if written else ""
        self._add(stack_id, *rest, **named)
        event = cloudformation.stack_events[stack_id][-1]
        if event["ResourceType"] == _STACK and event["PhysicalResourceId"] == stack_id and _begins(event):
            self._operations[stack_id] = str(uuid.uuid4())
        event["OperationId"] = self._operations.setdefault(stack_id, str(uuid.uuid4()))
        if event["Timestamp"] <= last:  # clients that sort events by time must get the same order
            later = datetime.datetime.strptime(last, f"{_FORMAT}Z") + datetime.timedelta(milliseconds=1)
            event["Timestamp"] = later.strftime(_FORMAT)[:-3] + "Z"

    def updating(self, update: Callable[..., Any]) -> Callable[..., Any]:
        """Add the held start event of an update if the resolved properties differ.

        Resolved properties can differ even if the definition in the template is the same.
        """

        def updated(resource_type: str, physical_id: str, old: Any, new: Any, *rest: Any) -> Any:
            stack_name, logical_id = rest[:2]
            if old != new:
                self._release((cloudformation.stacks[stack_name]["StackId"], logical_id))
            return update(resource_type, physical_id, old, new, *rest)

        return updated

    def deleting(self, delete: Callable[..., None]) -> Callable[..., None]:
        """Add events for a deletion if it is part of the cleanup of an update."""

        def deleted(
            resource_type: str, physical_id: str, properties: Any, stack_name: str = "", logical_id: str = ""
        ) -> None:
            stack = cloudformation.stacks.get(stack_name) or {}
            if stack.get("StackStatus") != "UPDATE_IN_PROGRESS":
                delete(resource_type, physical_id, properties, stack_name, logical_id)
                return
            stack_id = stack["StackId"]
            self._clean_up(stack_id, stack_name)
            named = {"physical_id": physical_id}
            self._write(stack_id, stack_name, logical_id, resource_type, "DELETE_IN_PROGRESS", **named)
            delete(resource_type, physical_id, properties, stack_name, logical_id)
            self._write(stack_id, stack_name, logical_id, resource_type, "DELETE_COMPLETE", **named)

        return deleted


def _begins(event: Mapping[str, Any]) -> bool:
    """Return whether an event of a stack starts an operation. A rollback is a separate operation; a cleanup is not."""
    return str(event["ResourceStatus"]).endswith("_IN_PROGRESS") and "CLEANUP" not in event["ResourceStatus"]


def _with_operations(describe: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any]], Answer]:
    """Show the operation ID of each event, which the cdk CLI reads (botocore cloudformation StackEvent.OperationId)."""

    def described(parameters: dict[str, Any]) -> Answer:
        status, headers, body = describe(parameters)
        operations = {
            each["EventId"]: each.get("OperationId", "")
            for events in cloudformation.stack_events.values()
            for each in events
        }

        def shown(found: re.Match[bytes]) -> bytes:
            operation = operations.get(found[1].decode(), "")
            return found[0] + f"<OperationId>{operation}</OperationId>".encode()

        return status, headers, re.sub(rb"<EventId>([^<]+)</EventId>", shown, body)

    return described


def _steady(page: Callable[..., Page]) -> Callable[..., Page]:
    """Count the pages of events from the oldest event, since an event can be added between two requests.

    The newest events come first, and ministack's token is a position. So a second page would repeat an event of the
    first one, and the cdk CLI would stop reading there.
    """

    def paged(items: list[Any], parameters: dict[str, Any], action: str, *size: int) -> Page:
        def mirrored(found: re.Match[str]) -> str:
            return f"{_EVENTS}:{max(0, len(items) - int(found[1]))}"

        if action != _EVENTS:
            return page(items, parameters, action, *size)
        token = _TOKEN.sub(mirrored, handlers.p(parameters, "NextToken"))
        events, following, error = page(items, {**parameters, "NextToken": token}, action, *size)
        return events, _TOKEN.sub(mirrored, following), error

    return paged


def _operation(written: list[dict[str, Any]], stack_name: str) -> list[dict[str, Any]]:
    """Return the events of the stack itself since the start of its last update; all events if it was never updated."""
    own = [each for each in written if each["LogicalResourceId"] == stack_name]
    starts = [number for number, each in enumerate(own) if each["ResourceStatus"] == "UPDATE_IN_PROGRESS"]
    return own[starts[-1] :] if starts else own


def _resources(stack_name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = cloudformation.stacks.get(stack_name, {}).get("_resources", {})
    return found


def _standing(resolve: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Omit resources with a false condition from change sets, since they are not created."""

    def resolved(stated: dict[str, Any], parameters: dict[str, Any], *rest: Any) -> dict[str, Any]:
        found = resolve(stated, parameters, *rest)
        conditions = template.evaluate(stated, parameters)
        resources = found.get("Resources") or {}
        kept = {name: each for name, each in resources.items() if conditions.get(each.get("Condition"), True)}
        return {**found, "Resources": kept}

    return resolved

"""ministack's CloudFormation engine, extended by this package's types and by checks of properties.

ministack's handlers silently ignore the properties that they do not support. Here, each handler gets the properties in
a mapping that records which ones were read. If CloudFormation has a property that no handler reads, the resource fails
and is rolled back. ministack has no public interface for this, so private names are used.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

from ministack.core.responses import get_region, now_iso

from moorage.local.server.core import calls, changes, events, exports, order, owners, schema, template
from moorage.local.server.core.adapter import app, changesets, cloudformation, handlers, provisioners, stacks
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Properties, Resource, generated_name

_UNRECOGNIZED = "Template format error: Unrecognized resource types: ["
_HELD_SECONDS = 20.0
_PLACEHOLDERS = ("AWS::CDK::Metadata",)  # AWS creates nothing for this type either
_BLOCKING = ("AWS::ECS::Service",)  # its lifecycle hooks invoke functions, which send requests to this server
_UNIQUE = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "Name",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "Name",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SecretsManager::Secret": "Name",
}
"""For each type whose resources CloudFormation's schema identifies by ARN or URL: the property that must be unique."""

Handler = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]
Result = tuple[str, dict[str, Any]]


class _Read(dict[str, Any]):
    """The properties of a resource, with a record of those that were read."""

    def __init__(self, properties: Properties) -> None:
        super().__init__(properties)
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.read.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.read.add(key)
        return super().get(key, default)

    def pop(self, key: str, *default: Any) -> Any:
        self.read.add(key)
        return super().pop(key, *default)

    def __iter__(self) -> Iterator[str]:
        # overridden so that `dict(properties)` and `{**properties}` also call `__getitem__`
        return super().__iter__()

    def items(self) -> Any:
        self.read.update(self)
        return super().items()

    def values(self) -> Any:
        self.read.update(self)
        return super().values()

    def copy(self) -> dict[str, Any]:
        return dict(self.items())

    def __or__(self, other: Any) -> Any:
        """Return these properties updated with others; the result shares the record."""
        combined = _Read({**{name: super(_Read, self).__getitem__(name) for name in self}, **other})
        combined.read = self.read
        return combined


def install() -> None:
    """Add this package's types and checks to ministack.

    Call this function once per process, before ministack serves requests.
    """
    table = provisioners.RESOURCE_HANDLERS
    for resource_type, resource in Resource.known.items():
        table[resource_type] = _handler(resource)
        provisioners.REPLACING_PROPERTIES[resource_type] = schema.create_only(resource_type)
        tags = schema.tag_property(resource_type)
        if tags:
            provisioners.STACK_TAG_PROPERTY[resource_type] = (tags, "list")
    for resource_type, handler in table.items():
        if resource_type not in _PLACEHOLDERS:
            _Checked(resource_type, handler)
    for module in (handlers, changesets):
        module.validate_template_support = _naming_paths(module.validate_template_support)
    blocks = stacks.runs_on_worker_thread
    stacks.runs_on_worker_thread = lambda resource_type: resource_type in _BLOCKING or blocks(resource_type)
    calls.install()
    template.install()
    order.install()
    exports.install()
    events.install()
    changes.install()
    for module in (handlers, stacks):
        module.roll_back_operation = _remembering(module.roll_back_operation)
    app.SERVICE_HANDLERS["cloudformation"] = _holding(app.SERVICE_HANDLERS["cloudformation"])


def _handler(resource: Resource) -> Handler:
    def create(logical_id: str, properties: Properties, stack_name: str) -> Result:
        made = resource.create(properties, generated_name(stack_name, logical_id))
        return made.physical_id, dict(made.attributes)

    def update(
        physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str | None = None
    ) -> Result:
        policy = owners.definition(stack_name, logical_id or physical_id).get("UpdatePolicy") or {}
        made = resource.update_under(policy, physical_id, old, new)
        return made.physical_id, dict(made.attributes)

    return {"create": create, "update": update, "update_with_logical_id": True, "delete": resource.delete}


class _Checked:
    """A wrapper for the handler of a type, which also fails on unknown, mistyped and unread properties and taken names.

    Args:
        resource_type: The CloudFormation type.
        handler: The handler, which is modified.
    """

    def __init__(self, resource_type: str, handler: Handler) -> None:
        self._type = resource_type
        self._create = handler["create"]
        self._update: Callable[..., Result] | None = handler.get("update")
        self._with_logical_id = handler.get("update_with_logical_id", False)
        handler["create"] = self.create
        if self._update:
            handler |= {"update": self.update, "update_with_logical_id": True}

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Result:
        seen = _Read(properties)
        with self._naming(logical_id, stack_name):
            _refuse(schema.faults(self._type, properties, get_region()))
            _refuse(_claimed(self._type, logical_id, properties, stack_name))
            result: Result = self._create(logical_id, seen, stack_name)
            unread = _unread(properties, seen.read)
            if unread:
                provisioners.delete_resource(self._type, result[0], properties, stack_name, logical_id)
            _refuse(unread)
        return result

    def update(
        self, physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str | None = None
    ) -> Result:
        seen = _Read(new)
        with self._naming(logical_id or physical_id, stack_name):
            _refuse(schema.faults(self._type, new, get_region()))
            result = self._change(physical_id, old, seen, stack_name, logical_id)
            changed = {name: value for name, value in new.items() if old.get(name) != value}
            unread = _unread(changed, seen.read)
            if unread:
                self._change(physical_id, new, old, stack_name, logical_id)
            _refuse(unread)
        return result

    def _change(
        self, physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str | None
    ) -> Result:
        assert self._update is not None  # noqa: S101  # `update` is only in the table if it exists
        return self._update(physical_id, old, new, stack_name, *([logical_id] if self._with_logical_id else []))

    @contextlib.contextmanager
    def _naming(self, logical_id: str, stack_name: str) -> Iterator[None]:
        """Prefix errors with the type and the construct's path, and report failures of this code as refusals."""
        named = f"{self._type} {owners.path(stack_name, logical_id)}: "
        try:
            yield
        except ValueError as error:  # the error of a custom resource may already have this prefix
            raise RefusedError(named + str(error).removeprefix(named)) from error
        except (AssertionError, AttributeError, LookupError, TypeError) as error:
            failure = f"the local AWS failed; the template may be correct ({error!r})"
            raise RefusedError(named + failure) from error


def _claimed(resource_type: str, logical_id: str, properties: Properties, stack_name: str) -> list[str]:
    """Return an error for each other resource that has the unique name: ministack would overwrite that resource."""
    name = _UNIQUE.get(resource_type) or schema.identifier(resource_type)
    wanted = properties.get(name) if name else None
    return [
        f'a resource of this type with {name} "{wanted}" already exists, in stack {stack["StackName"]} (AlreadyExists)'
        for stack in cloudformation.stacks.values()
        for other_id, other in stack.get("_resources", {}).items()
        if wanted is not None
        and other.get("ResourceType") == resource_type
        and (stack["StackName"], other_id) != (stack_name, logical_id)
        and not str(stack.get("StackStatus")).startswith(("DELETE_COMPLETE", "REVIEW"))
        and (other.get("Properties") or {}).get(name) == wanted
    ]


def _unread(properties: Mapping[str, Any], read: set[str]) -> list[str]:
    return [
        f"property {name} exists in CloudFormation, but the local AWS does not implement it"
        for name in properties
        if name not in read
    ]


def _refuse(faults: list[str]) -> None:
    if faults:
        raise RefusedError("; ".join(faults))


def _naming_paths(validate: Callable[..., None]) -> Callable[..., None]:
    """Make the error for unrecognized resource types name the constructs."""

    @functools.wraps(validate)
    def validated(template: dict[str, Any], conditions: dict[str, bool], **options: Any) -> None:
        try:
            validate(template, conditions, **options)
        except ValueError as error:
            if not str(error).startswith(_UNRECOGNIZED):
                raise
            types = str(error).removeprefix(_UNRECOGNIZED).rstrip("]").split(", ")
            where = (
                f"{definition['Type']} ({owners.construct(logical_id, definition)})"
                for logical_id, definition in template["Resources"].items()
                if definition.get("Type") in types
            )
            raise ValueError(f"{_UNRECOGNIZED}{', '.join(sorted(where))}]") from error

    return validated


def _remembering(roll_back: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Keep resources that the rollback of a stack creation could not delete.

    They stay in the stack as DELETE_FAILED, and deleting the stack deletes them.
    """

    async def rolled_back(
        stack_name: str, stack_id: str, stack: dict[str, Any], operation: dict[str, Any], *rest: Any
    ) -> None:
        await roll_back(stack_name, stack_id, stack, operation, *rest)
        kept = stack.get("_rollback_failed", {}) if not operation.get("is_update") else {}
        for logical_id, record in kept.items():
            stated = {"LogicalResourceId": logical_id, "ResourceStatus": "DELETE_FAILED", "Attributes": {}}
            stack["_resources"][logical_id] = {**record, **stated, "Timestamp": now_iso()}

    return rolled_back


def _holding(handle: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    """Delay the response to DescribeStacks until the stack's operation is complete, but at most 20 s.

    The cdk CLI calls DescribeStacks once and then waits five seconds, longer than a complete deployment takes here. The
    delay is shorter than any client's timeout.
    """

    async def answer(
        method: str, path: str, headers: dict[str, str], body: bytes, parameters: dict[str, Any]
    ) -> Answer:
        asked = parse_qs(body.decode("utf-8", errors="replace")) if body else {}
        name = asked.get("StackName", [""])[0]
        if name and asked.get("Action") == ["DescribeStacks"]:
            deadline = time.monotonic() + _HELD_SECONDS
            while _in_progress(name) and time.monotonic() < deadline:
                await asyncio.sleep(0.01)
        return await handle(method, path, headers, body, parameters)

    return answer


def _in_progress(name_or_id: str) -> bool:
    stack = handlers.resolve_stack(name_or_id) or {}
    status = str(stack.get("StackStatus", ""))
    return status.endswith("_IN_PROGRESS") and not status.startswith("REVIEW")

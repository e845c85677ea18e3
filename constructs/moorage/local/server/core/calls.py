"""The input and output of API operations: calls within the process, conversions, checks, and handlers of JSON APIs.

CloudFormation and the service capitalize names differently (`EFSVolumeConfiguration` and `efsVolumeConfiguration`), and
CloudFormation accepts strings for numbers. botocore's model of the service resolves both. So no resource needs a list
of names, and no property that the API lacks is passed on by accident.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from html import escape
from typing import Any
from xml.etree import ElementTree as ET

from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from moorage.local.server.core.adapter import responses

_TRUTHS = {"true": True, "false": False}
_SHOWN = 60

Operation = Callable[[dict[str, Any]], dict[str, Any]]
Handler = Callable[..., Awaitable[tuple[int, dict[str, str], bytes]]]


class RefusedError(ValueError):
    """The refusal of a request by a service, or by CloudFormation before it calls the service."""


@functools.cache
def model(service: str) -> ServiceModel:
    """Return botocore's model of a service's API, without documentation.

    Args:
        service: The service's name in boto3, such as `ecs`.
    """
    stated = _stated(service)
    for part in (*stated["operations"].values(), *stated["shapes"].values()):
        # the documentation takes more than half of a model's memory
        for each in (part, part.get("member", {}), *part.get("members", {}).values()):
            each.pop("documentation", None)
    return ServiceModel(stated, service)


def documentation(service: str, shape: str, member: str) -> str:
    """Return the documentation of a structure's member in a service's model.

    Args:
        service: The service's name in boto3.
        shape: The structure, such as `Service`.
        member: The member of the structure.
    """
    return str(_stated(service)["shapes"][shape]["members"][member]["documentation"])


def _stated(service: str) -> dict[str, Any]:
    found: dict[str, Any] = Loader().load_service_model(service, "service-2")
    return found


def install() -> None:
    """Make ministack use the models of this module instead of loading its own copies."""
    named = responses.BOTOCORE_NAME

    def found(service: str) -> ServiceModel | None:
        try:
            return model(named.get(service, service))
        except (DataNotFoundError, UnknownServiceError):
            return None

    responses.service_model = found


def request(
    service: str, operation: str, properties: Mapping[str, Any], *, renamed: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return a template's properties as the input of an operation.

    Args:
        service: The service's name in boto3.
        operation: The operation, such as `CreateService`.
        properties: The properties of the template.
        renamed: The operation's names for the properties, at any depth, whose names differ by more than capitalization.
            Default: None, if there are no such properties.

    Raises:
        RefusedError: The operation's input does not have a property, or a value cannot be converted.
    """
    shape = model(service).operation_model(operation).input_shape
    return _structure(properties, shape, "", renamed or {}) if isinstance(shape, StructureShape) else {}


def structure(
    service: str, shape: str, properties: Mapping[str, Any], *, renamed: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return a template's properties as a structure of the service, with the names that its responses use.

    Args:
        service: The service's name in boto3.
        shape: The structure, such as `Stage`.
        properties: The properties of the template.
        renamed: The structure's names for the properties, at any depth, whose names differ by more than capitalization.
            Default: None, if there are no such properties.

    Raises:
        RefusedError: The structure does not have a property, or a value cannot be converted.
    """
    found = model(service).shape_for(shape)
    answered: dict[str, Any] = _answered(_structure(properties, found, "", renamed or {}), found)
    return answered


def _answered(value: Any, shape: Shape) -> Any:
    """Return a value with the member names that a response uses."""
    if isinstance(shape, StructureShape) and isinstance(value, Mapping) and not shape.is_document_type:
        members = shape.members
        return {
            members[name].serialization.get("name", name): _answered(each, members[name])
            for name, each in value.items()
        }
    if isinstance(shape, ListShape):
        return [_answered(each, shape.member) for each in value]
    if isinstance(shape, MapShape):
        return {name: _answered(each, shape.value) for name, each in value.items()}
    return value


def members(service: str, shape: str) -> frozenset[str]:
    """Return the member names of a structure of the service.

    Args:
        service: The service's name in boto3.
        shape: The structure, such as `Service`.
    """
    found = model(service).shape_for(shape)
    return frozenset(found.members) if isinstance(found, StructureShape) else frozenset()


def xml(service: str, shape: str, record: Mapping[str, Any]) -> str:
    """Return a record as the content of an element of an XML response.

    Args:
        service: The service's name in boto3.
        shape: The structure of the record, such as `AutoScalingGroup`; keys that are not its members are left out.
        record: The values, by the names of the structure's members.
    """
    return _element(record, model(service).shape_for(shape))


def _element(value: Any, shape: Shape) -> str:
    if isinstance(shape, StructureShape):
        return "".join(
            f"<{tag}>{_element(value[name], member)}</{tag}>"
            for name, member in shape.members.items()
            if value.get(name) is not None
            for tag in [member.serialization.get("name", name)]
        )
    if isinstance(shape, ListShape):
        tag = shape.member.serialization.get("name", "member")
        return "".join(f"<{tag}>{_element(item, shape.member)}</{tag}>" for item in value)
    return str(value).lower() if isinstance(value, bool) else escape(str(value))


def _structure(value: Any, shape: StructureShape, path: str, renamed: Mapping[str, str]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise RefusedError(f"{path or 'the properties'} must be an object, not {value!r}")
    names = {name.lower(): name for name in shape.members}
    result = {}
    for key, item in value.items():
        name = names.get(renamed.get(key, key).lower())
        if name is None:
            raise RefusedError(f"property {path}{key} has no counterpart in the service's API ({shape.name})")
        result[name] = _converted(item, shape.members[name], f"{path}{key}.", renamed)
    return result


def _converted(value: Any, shape: Shape, path: str, renamed: Mapping[str, str]) -> Any:
    if isinstance(shape, StructureShape) and shape.is_document_type:
        return json.loads(value) if isinstance(value, str) else value
    if isinstance(shape, StructureShape):
        return _structure(value, shape, path, renamed)
    if isinstance(shape, ListShape):
        items = value if isinstance(value, list | tuple) else [value]
        return [_converted(item, shape.member, path, renamed) for item in items]
    if isinstance(shape, MapShape):
        pairs = {each["Key"]: each["Value"] for each in value} if isinstance(value, list) else value  # a list of tags
        return {key: _converted(item, shape.value, path, renamed) for key, item in pairs.items()}
    return _scalar(value, shape.type_name, path.rstrip("."))


def _scalar(value: Any, kind: str, path: str) -> Any:
    try:
        if kind in ("integer", "long"):
            return int(value)
        if kind in ("double", "float"):
            return float(value)
        if kind == "boolean":
            return _TRUTHS[str(value).lower()]
    except (KeyError, TypeError, ValueError) as error:
        raise RefusedError(f"property {path} must be of type {kind}, not {value!r}") from error
    if kind == "string" and isinstance(value, dict | list):
        return json.dumps(value)
    if kind == "string":
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value


def check(service: str, operation: str, parameters: Mapping[str, Any]) -> None:
    """Check an operation's input against the service's model: required members, lengths, ranges, patterns and values.

    Args:
        service: The service's name in boto3.
        operation: The operation, such as `CreateRepository`.
        parameters: The input of the operation.

    Raises:
        RefusedError: The input lacks a required member or breaks a limit. The message begins with the error code
            `InvalidParameterException`.
    """
    shape = model(service).operation_model(operation).input_shape
    for fault in _faults(parameters, shape, "") if shape is not None else ():
        raise RefusedError(f"InvalidParameterException: Invalid parameter at {fault}")


def _faults(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        yield from (f"'{path}{name}': a value is required" for name in shape.required_members if name not in value)
        for name in value.keys() & shape.members.keys():
            yield from _faults(value[name], shape.members[name], f"{path}{name}.")
        return
    at = path.rstrip(".")
    if isinstance(shape, ListShape):
        for number, item in enumerate(value):
            yield from _faults(item, shape.member, f"{at}[{number}].")
    yield from _broken_limits(value, shape, at)


def _broken_limits(value: Any, shape: Shape, at: str) -> Iterator[str]:
    limits, shown = shape.metadata, str(value)[:_SHOWN]
    sized = hasattr(value, "__len__")
    size, verb = (len(value), "have a length of") if sized else (value, "be")
    if "min" in limits and size < limits["min"]:
        yield f"'{at}': {shown!r} must {verb} at least {limits['min']}"
    if "max" in limits and size > limits["max"]:
        yield f"'{at}': {shown!r} must {verb} at most {limits['max']}"
    if "pattern" in limits and not re.fullmatch(limits["pattern"], value, re.ASCII):
        yield f"'{at}': {shown!r} must match {limits['pattern']}"
    if limits.get("enum") and value not in limits["enum"]:
        yield f"'{at}': {value!r} must be one of {', '.join(limits['enum'])}"


def json_service(operations: Mapping[str, Operation], otherwise: Handler | None = None) -> Handler:
    """Return a handler, in ministack's form, for the requests of a service with a JSON protocol.

    Args:
        operations: The functions that answer the operations, by name.
        otherwise: The handler of all other operations. Default: None, and other operations are refused.
    """

    async def answer(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> tuple[int, dict[str, str], bytes]:
        operation = headers.get("x-amz-target", "").rsplit(".", maxsplit=1)[-1]
        kind = {"Content-Type": "application/x-amz-json-1.1"}  # ministack modifies it
        if operation not in operations and otherwise is not None:
            return await otherwise(method, path, headers, body, query)
        try:
            if operation not in operations:
                raise RefusedError(f"UnknownOperationException: the local AWS does not implement {operation}")
            return 200, kind, json.dumps(operations[operation](json.loads(body or b"{}"))).encode("utf-8")
        except RefusedError as error:
            code, _, message = str(error).partition(": ")
            return 400, kind, json.dumps({"__type": code, "message": message}).encode("utf-8")

    return answer


def perform(operation: Callable[[dict[str, Any]], Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Call an operation of a JSON API, and return its output.

    Args:
        operation: ministack's function for the operation.
        parameters: The input of the operation.

    Raises:
        RefusedError: The service refused the call; the message contains its code and message.
    """
    status, _, body = operation(dict(parameters))
    answer: dict[str, Any] = json.loads(body) if body else {}
    if status >= 400:  # noqa: PLR2004  # HTTP status codes from 400 are errors
        code = str(answer.get("__type", "")).rsplit("#", maxsplit=1)[-1]
        raise RefusedError(f"{code}: {answer.get('message') or answer.get('Message') or ''}")
    return answer


def query(operation: Callable[[dict[str, Any]], Any], **parameters: Any) -> ET.Element:
    """Call an operation of a query API, such as EC2's, and return its XML response without namespaces.

    Args:
        operation: ministack's function for the operation.
        parameters: The input of the operation; a list becomes numbered parameters.

    Raises:
        RefusedError: The service refused the call; the message contains its code and message.
    """
    flat: dict[str, list[str]] = {}
    for name, value in parameters.items():
        if isinstance(value, list):
            flat |= {f"{name}.{number}": [str(item)] for number, item in enumerate(value, start=1)}
        elif value is not None:
            flat[name] = [str(value)]
    status, _, body = operation(flat)
    answer = ET.fromstring(body)  # noqa: S314  # written by this process
    for element in answer.iter():
        element.tag = element.tag.rsplit("}", maxsplit=1)[-1]
    if status >= 400:  # noqa: PLR2004  # HTTP status codes from 400 are errors
        raise RefusedError(f"{answer.findtext('.//Code')}: {answer.findtext('.//Message')}")
    return answer


def text(answer: ET.Element, name: str) -> str:
    """Return the text of the first element with a name in a response. A response without the element is an error."""
    found = answer.findtext(f".//{name}")
    if found is None:
        raise RefusedError(f"the service's response has no {name}")
    return found

"""Calls of any service's API within the process, and CloudFormation types that only call an API."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar
from urllib.parse import parse_qs, quote, urlencode

from botocore.awsrequest import HeadersDict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from moorage.local.server.core.adapter import app
from moorage.local.server.core.calls import RefusedError, model, request
from moorage.local.server.core.resource import Made, Properties, Resource, shortened

REF = "Ref"
"""A placeholder for the physical ID among the parameters of an operation."""
_GONE = ("NotFound", "NoSuch", "NonExistent", "does not exist")

Answer = tuple[int, Mapping[str, str], bytes | str]


def call(service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Call an operation of a service as a client would, and return its output.

    Args:
        service: The service's name in boto3.
        operation: The operation, such as `CreateActivity`.
        parameters: The input of the operation, with the names of the service's model.

    Raises:
        RefusedError: The service refused the call; the message contains its code and message.
    """
    known = model(service)
    shape = known.operation_model(operation)
    protocol = known.metadata["protocol"]
    sent: dict[str, Any] = create_serializer(protocol).serialize_to_request(dict(parameters), shape)
    query, body = sent["query_string"] or {}, sent["body"]
    if isinstance(body, dict):
        body = urlencode(body).encode()
    encoded = urlencode(query, doseq=True, quote_via=quote) if isinstance(query, dict) else str(query)
    headers = {name.lower(): value for name, value in {"Host": "127.0.0.1", **sent["headers"]}.items()}
    handle = app.SERVICE_HANDLERS[_handler(known.metadata)]
    asked = parse_qs(encoded, keep_blank_values=True)
    status, answered, content = _done(handle(sent["method"], sent["url_path"], headers, body or b"", asked))
    raw = content.encode() if isinstance(content, str) else content
    response = {"status_code": status, "headers": HeadersDict(answered), "body": raw}
    parsed: dict[str, Any] = create_parser(protocol).parse(response, shape.output_shape)
    if status >= 300:  # noqa: PLR2004  # HTTP status codes below 300 mean success
        error = parsed.get("Error") or {}
        raise RefusedError(f"{error.get('Code', status)}: {error.get('Message', '')}")
    return parsed


def _handler(metadata: Mapping[str, str]) -> str:
    """Return ministack's name for a service."""
    names = (metadata.get("signingName"), metadata.get("endpointPrefix"), metadata.get("serviceId", "").lower())
    return next(str(name) for name in names if name in app.SERVICE_HANDLERS)


def _done(answer: Awaitable[Answer]) -> Answer:
    """Run a ministack handler in a new event loop, since the handler may wait for threads, and return the response."""

    async def awaited() -> Answer:
        return await answer

    context = contextvars.copy_context()
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(context.run, asyncio.run, awaited()).result()


class ApiResource(Resource):
    """A type whose resources CloudFormation creates, updates and deletes by calls of the service's API.

    Attributes:
        service: The service's name in boto3.
        creation: The operation that creates the resource from its properties.
        change: The operation that updates the resource, with the parameters that name the resource; None if every
            change replaces the resource.
        deletion: The operation that deletes the resource, with its parameters: each is the name of a property, or
            `REF`.
        identity: The path of the physical ID in the output of the creation or in the properties.
        named: The property that gets a generated name if the template has none, and the maximum length of the name.
        attributes: The attributes for `Fn::GetAtt`, each with the path of its value.
        renamed: The API's names for properties whose names differ by more than capitalization.
        without: Properties that CloudFormation has but the API does not take.
    """

    service: ClassVar[str]
    creation: ClassVar[str]
    change: ClassVar[tuple[str, Mapping[str, str]] | None] = None
    deletion: ClassVar[tuple[str, Mapping[str, str]]]
    identity: ClassVar[str]
    named: ClassVar[tuple[str, int] | None] = None
    attributes: ClassVar[tuple[tuple[str, str], ...]] = ()
    renamed: ClassVar[tuple[tuple[str, str], ...]] = ()
    without: ClassVar[tuple[str, ...]] = ()

    def create(self, properties: Properties, name: str) -> Made:
        stated = self.stated(properties)
        if self.named and self.named[0] not in stated:
            stated[self.named[0]] = shortened(name, self.named[1])
        answer = call(self.service, self.creation, self._request(self.creation, stated))
        return self.made({**stated, **answer})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        if self.change is None:
            self.delete(physical_id, old)
            return self.create(new, physical_id)
        operation, named = self.change
        shape = model(self.service).operation_model(operation).input_shape
        taken = {name.lower() for name in shape.members}
        renamed = dict(self.renamed)
        stated = {name: value for name, value in self.stated(new).items() if renamed.get(name, name).lower() in taken}
        parameters = self._request(operation, stated) | self._naming(named, physical_id, new)
        answer = call(self.service, operation, parameters)
        return self.made({**new, **answer}, physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        operation, named = self.deletion
        try:
            call(self.service, operation, self._naming(named, physical_id, properties))
        except RefusedError as error:
            if not any(sign in str(error) for sign in _GONE):
                raise

    def stated(self, properties: Properties) -> Properties:
        """Return the properties that the API takes, with CloudFormation's names.

        Args:
            properties: The properties of the template.
        """
        return {name: value for name, value in properties.items() if name not in self.without}

    def made(self, known: Mapping[str, Any], physical_id: str | None = None) -> Made:
        """Return the created or updated resource.

        Args:
            known: The resource's properties and the output of the operation.
            physical_id: The physical ID, if the resource exists already. Default: None, for a new resource.
        """
        found = physical_id or str(_at(self.identity, known))
        values = {name: _at(path, {**known, REF: found}) for name, path in self.attributes}
        return Made(found, {name: value for name, value in values.items() if value is not None})

    def _request(self, operation: str, stated: Properties) -> dict[str, Any]:
        return request(self.service, operation, stated, renamed=dict(self.renamed))

    def _naming(self, named: Mapping[str, str], physical_id: str, properties: Properties) -> dict[str, Any]:
        return {name: physical_id if path == REF else _at(path, properties) for name, path in named.items()}


def _at(path: str, value: Any) -> Any:
    """Return the value at a dotted path; None if there is no such value."""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value

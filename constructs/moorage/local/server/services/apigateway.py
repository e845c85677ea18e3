"""Amazon API Gateway: request validators, and REST APIs whose OpenAPI document is in a bucket."""

from __future__ import annotations

import json
from typing import Any

from moorage.local.server.core.adapter import apigateway_v1, engine, provisioners, s3
from moorage.local.server.core.calls import RefusedError, structure
from moorage.local.server.core.resource import Made, Properties, Resource

_OF_THE_IMPORT = ("FailOnWarnings", "Mode", "Parameters")
"""The options of an import, which are not stored. ministack's import never warns."""


class RequestValidator(Resource):
    """A request validator; `Ref` returns its ID."""

    type = "AWS::ApiGateway::RequestValidator"

    def create(self, properties: Properties, name: str) -> Made:
        api = properties["RestApiId"]
        status, _, body = apigateway_v1.create_request_validator(api, self._stated(properties))
        answer = json.loads(body)
        if status >= 400:  # noqa: PLR2004  # HTTP status codes from 400 are errors
            raise RefusedError(f"NotFoundException: {answer.get('message')}")
        return Made(answer["id"], {"RequestValidatorId": answer["id"]})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        validator = apigateway_v1.request_validators[new["RestApiId"]][physical_id]
        validator.update(self._stated(new))
        return Made(physical_id, {"RequestValidatorId": physical_id})

    def delete(self, physical_id: str, properties: Properties) -> None:
        apigateway_v1.delete_request_validator(properties["RestApiId"], physical_id)

    def _stated(self, properties: Properties) -> dict[str, Any]:
        flags = {"validateRequestBody": False, "validateRequestParameters": False}
        stated = {name: value for name, value in properties.items() if name != "RestApiId"}
        return {"name": "", **flags, **structure("apigateway", "RequestValidator", stated)}


def install() -> None:
    """Make REST APIs read the OpenAPI document that `BodyS3Location` names."""
    handler = provisioners.RESOURCE_HANDLERS["AWS::ApiGateway::RestApi"]
    create, update = handler["create"], handler["update"]

    def created(logical_id: str, properties: Properties, stack_name: str) -> Any:
        return create(logical_id, _with_body(properties), stack_name)

    def updated(physical_id: str, old: Properties, new: Properties, *rest: Any) -> Any:
        return update(physical_id, _with_body(old), _with_body(new), *rest)

    handler |= {"create": created, "update": updated}


def _with_body(properties: Properties) -> Properties:
    """Return an API's properties with the document that they refer to."""
    for name in _OF_THE_IMPORT:
        properties.get(name)
    location = properties.get("BodyS3Location")
    if not location:
        return properties
    bucket, key = location.get("Bucket"), location.get("Key")
    found = s3.get_object_data(bucket, key)
    if found is None:
        raise RefusedError(f"NoSuchKey: The specified key does not exist: {key} in {bucket}")
    return properties | {"Body": engine.parse_template(found.decode())}

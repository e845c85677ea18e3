"""The AWS calls of JavaScript functions: read from standard input, made with botocore, answered on standard output.

A function's process runs this file by its path, with only Lambda's environment variables, so the file imports nothing
from this package.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import functools
import gzip
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore
import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, UnknownServiceError

_SERVICE_ID = re.compile(rb'"serviceId"\s*:\s*"([^"]+)"')
_POLL_SECONDS = 1
_LOOSE = Config(parameter_validation=False, retries={"max_attempts": 1})
"""The AWS SDK for JavaScript leaves the validation of parameters to the services."""

_session = botocore.session.get_session()


def main() -> None:
    """Answer one call for each line of standard input, until the function ends."""
    for line in sys.stdin:
        call = json.loads(line)
        try:
            answer = {"output": _encoded(_answer(call))}
        except ClientError as error:
            answer = {"error": _stated(error, call)}
        except (BotoCoreError, KeyError, ValueError) as error:
            answer = {"error": {"name": type(error).__name__, "message": str(error), "status": 500}}
        sys.stdout.write(json.dumps({"id": call["id"], **answer}) + "\n")
        sys.stdout.flush()


def _answer(call: dict[str, Any]) -> Any:
    service = _service(call["service"])
    if call["kind"] == "names":
        return list(_names(service))
    client, given = _client(service, call), _decoded(call["input"])
    if call["kind"] == "pages":
        return list(client.get_paginator(xform_name(call["name"])).paginate(**given))
    if call["kind"] == "wait":
        return client.get_waiter(xform_name(call["name"])).wait(WaiterConfig={"Delay": _POLL_SECONDS}, **given)
    answer: dict[str, Any] = getattr(client, xform_name(call["name"]))(**given)
    if "Payload" in answer and service == "lambda":
        answer["Payload"] = answer["Payload"].read()  # bytes in the AWS SDK for JavaScript
    return answer


@functools.cache
def _service(package: str) -> str:
    """Return botocore's name for a service; the SDK for JavaScript uses the service ID."""
    data = Path(str(botocore.__file__)).parent / "data"
    wanted = package.replace("-", "")
    candidates = sorted(data.iterdir(), key=lambda each: (each.name != wanted, each.name))
    for path in (model for each in candidates if each.is_dir() for model in sorted(each.glob("*/service-2.json.gz"))):
        with gzip.open(path) as model:
            found = _SERVICE_ID.search(model.read(2000))
        if found and found[1].decode().lower().replace(" ", "") == wanted:
            return path.parent.parent.name
    raise KeyError(f"botocore has no service for @aws-sdk/client-{package}")


def _names(service: str) -> Iterator[str]:
    """Yield the names that an SDK package exports."""
    model = _session.get_service_model(service)
    name = "".join(part[:1].upper() + part[1:] for part in str(model.service_id).split(" "))
    yield from (f"{name}Client", name, f"{name}ServiceException")
    for operation in model.operation_names:
        yield from (f"{operation}Command", f"paginate{operation}")
    for error in model.error_shapes:
        yield error.name
    with contextlib.suppress(UnknownServiceError):  # the service has no waiters
        yield from (f"waitUntil{waiter}" for waiter in _session.get_waiter_model(service).waiter_names)


def _client(service: str, call: dict[str, Any]) -> Any:
    keys = call.get("credentials") or {}
    return _made(
        service,
        call.get("region"),
        keys.get("accessKeyId"),
        keys.get("secretAccessKey"),
        keys.get("sessionToken"),
    )


@functools.cache
def _made(service: str, region: str | None, key: str | None, secret: str | None, token: str | None) -> Any:
    return _session.create_client(
        service,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=_LOOSE,
    )


def _stated(error: ClientError, call: dict[str, Any]) -> dict[str, Any]:
    """Return an error as the SDK for JavaScript names it: by its shape, if the service's model has that shape."""
    code = error.response["Error"].get("Code", "UnknownError")
    metadata = error.response.get("ResponseMetadata", {})
    modelled = _client(_service(call["service"]), call).exceptions.from_code(code)
    return {
        "name": code if modelled is ClientError else modelled.__name__,
        "code": code,
        "message": error.response["Error"].get("Message", ""),
        "status": metadata.get("HTTPStatusCode", 400),
        "requestId": metadata.get("RequestId", ""),
    }


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "$date" in value:
        return dt.datetime.fromisoformat(value["$date"])
    if "$bytes" in value:
        return base64.b64decode(value["$bytes"])
    return {key: _decoded(each) for key, each in value.items() if each is not None}


def _encoded(value: Any) -> Any:
    if isinstance(value, dict):
        shown = {key: _encoded(each) for key, each in value.items() if key != "ResponseMetadata"}
        return shown | ({"$metadata": _metadata(value["ResponseMetadata"])} if "ResponseMetadata" in value else {})
    if isinstance(value, list | tuple):
        return [_encoded(each) for each in value]
    if isinstance(value, dt.datetime):
        return {"$date": value.isoformat()}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if hasattr(value, "read"):
        return {"$stream": base64.b64encode(value.read()).decode()}
    return value


def _metadata(answered: dict[str, Any]) -> dict[str, Any]:
    return {"httpStatusCode": answered.get("HTTPStatusCode"), "requestId": answered.get("RequestId")}


if __name__ == "__main__":
    main()

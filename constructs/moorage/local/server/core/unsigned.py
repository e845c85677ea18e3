"""The requests that are served without a signature, and the reasons. `TABLE` lists them all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs

from moorage.local.server.core.adapter import app, custom_resource, wait_conditions

Answer = tuple[int, dict[str, str], bytes]

INTERNAL = ("/_ministack", "/_localstack")
"""Paths that administer ministack. Only the responses to CloudFormation are served."""
_RESPONSES = "/_ministack/cfn-response/"
_CONNECTIONS = "/@connections/"
_SIGNED = "AWS_IAM"
_AT_ONCE = 32
"""The number of unsigned requests that are served at a time: each may start the process of a Lambda function."""
_after_body = app.handle_post_body_shortcuts  # ministack's own function, saved before it is replaced


@attrs.frozen
class Call:
    """A request, in the form that ministack passes between its steps.

    Args:
        method: The HTTP method.
        path: The decoded path.
        headers: The headers with lower-case names.
        body: The body of the request.
        query: The query parameters.
        as_sent: The path and the query as they were sent.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, list[str]]
    as_sent: Mapping[str, Any]

    @property
    def addressed(self) -> tuple[Any, ...]:
        """The arguments of ministack's handlers for the app's own URLs."""
        return (self.headers.get("host", ""), self.path, self.method, self.headers, self.body, self.query)


@attrs.frozen
class Traffic:
    """A kind of request that is served without a signature.

    Args:
        what: The requests.
        why: The reason why they need no signature.
        admits: A function that returns whether a request is of this kind, by its method, path and headers.
        serve: A function that answers a request of this kind.
    """

    what: str
    why: str
    admits: Callable[[str, str, Mapping[str, str]], bool]
    serve: Callable[[Call], Awaitable[Answer | None]]


def _is_of_an_api(method: str, path: str, headers: Mapping[str, str]) -> bool:
    api = app.parse_execute_api_url(headers.get("host", ""), path)
    if api is None:
        return False
    identifier, stage, rest = api
    if _CONNECTIONS in f"/{stage}/{rest}/":  # clients that send to the connections of a WebSocket API must sign
        return False
    return bool(app.execute_api_authorization_type(identifier, stage, method, rest) != _SIGNED)


def _is_of_a_function_url(_method: str, path: str, headers: Mapping[str, str]) -> bool:
    url = app.parse_lambda_url(headers.get("host", ""), path)
    return url is not None and app.function_url_auth_target(url[0])[1].get("lambda:FunctionUrlAuthType") != _SIGNED


def _is_of_a_load_balancer(_method: str, path: str, headers: Mapping[str, str]) -> bool:
    return bool(app.is_potential_alb_request(headers.get("host", ""), path))


async def _call_api(call: Call) -> Answer | None:
    answer: Answer | None = await app.handle_execute_api_request(*call.addressed, **call.as_sent)
    return answer


async def _call_function(call: Call) -> Answer | None:
    answer: Answer | None = await app.handle_lambda_url_request(*call.addressed)
    return answer


async def _call_load_balancer(call: Call) -> Answer | None:
    answer: Answer | None = await app.handle_alb_request(*call.addressed, **call.as_sent)
    return answer


async def _answer_cloudformation(call: Call) -> Answer | None:
    answer: Answer | None = await _after_body(call.method, call.path, call.headers, call.body, call.query, "")
    return answer


def is_expected(method: str, path: str, _headers: Mapping[str, str] | None = None) -> bool:
    """Return whether CloudFormation awaits a request: a custom resource's response or a wait condition's signal.

    Args:
        method: The HTTP method.
        path: The decoded path.
    """
    token = path.rpartition("/")[2]
    if method != "PUT" or path.count("/") != _RESPONSES.count("/"):
        return False
    if path.startswith(_RESPONSES):
        return token in custom_resource.pending
    return path.startswith(wait_conditions.SIGNAL_PATH) and bool(wait_conditions.has_handle(token))


_CLIENTS = "the app's clients have no AWS credentials"
TABLE = (
    Traffic(
        "requests to an API Gateway API, except `@connections` and methods or routes with `AWS_IAM` authorization",
        _CLIENTS,
        _is_of_an_api,
        _call_api,
    ),
    Traffic("requests to a function URL whose `AuthType` is `NONE`", _CLIENTS, _is_of_a_function_url, _call_function),
    Traffic("requests to a load balancer", _CLIENTS, _is_of_a_load_balancer, _call_load_balancer),
    Traffic(
        "the response that CloudFormation awaits from a custom resource, and the signals of a wait condition",
        "on AWS the URL is presigned; here it contains a random token that only the function or the handle gets",
        is_expected,
        _answer_cloudformation,
    ),
)


def may_serve(method: str, path: str, headers: Mapping[str, str]) -> bool:
    """Return whether a request is of a kind that is served without a signature.

    A request with `x-amz-content-sha256` or the content encoding `aws-chunked` is never served without a signature.

    Args:
        method: The HTTP method.
        path: The decoded path.
        headers: The headers with lower-case names.
    """
    chunked = "aws-chunked" in headers.get("content-encoding", "") or "x-amz-content-sha256" in headers
    return not chunked and any(traffic.admits(method, path, headers) for traffic in TABLE)


def install(signed: Callable[[], bool]) -> None:
    """Serve unsigned requests of the kinds in `TABLE`, at most 32 at a time, and pass no others to ministack.

    Args:
        signed: A function that returns whether the current request has a verified signature.
    """
    before_body, special = app.handle_pre_body_request, app.handle_special_data_plane_request
    turns = asyncio.Semaphore(_AT_ONCE)

    async def handle_before_body(*request: Any) -> Answer | None:
        answer: Answer | None = await before_body(*request) if signed() else None
        return answer

    async def handle_after_body(*request: Any) -> Answer | None:
        answer: Answer | None = await _after_body(*request) if signed() else None
        return answer

    async def handle_special(*request: Any, **raw: Any) -> Answer | None:
        if signed():
            answer: Answer | None = await special(*request, **raw)
            return answer
        method, path, headers, body, query, _ = request
        as_sent = {name: raw[name] for name in ("raw_path", "raw_query_string")}
        call = Call(method, path, headers, body, query, as_sent)
        async with turns:
            for traffic in TABLE:
                if traffic.admits(method, path, headers):
                    return await traffic.serve(call)
        return None

    app.handle_pre_body_request = handle_before_body
    app.handle_post_body_shortcuts = handle_after_body
    app.handle_special_data_plane_request = handle_special

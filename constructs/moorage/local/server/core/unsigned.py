"""What is served without a signature, and why. `TABLE` is all of it."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs

from moorage.local.server.core.adapter import app, custom_resource, wait_conditions
from moorage.local.server.core.calls import model

Answer = tuple[int, dict[str, str], bytes]

INTERNAL = ("/_ministack", "/_localstack")
"""Paths that administer ministack, of which only the answers to CloudFormation are served."""
_RESPONSES = "/_ministack/cfn-response/"
_COGNITO = "AWSCognitoIdentityProviderService"
_after_body = app.handle_post_body_shortcuts  # ministack's own, read before another is put in its place


@attrs.frozen
class Call:
    """A request as ministack hands it from one step to the next.

    Args:
        method: The HTTP method.
        path: The decoded path.
        headers: The headers in lower case.
        body: The body.
        query: The query's parameters.
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
        """Return the request as ministack's handlers of the app's own addresses take it."""
        return (self.headers.get("host", ""), self.path, self.method, self.headers, self.body, self.query)


@attrs.frozen
class Traffic:
    """One kind of request that is served without a signature.

    Args:
        what: The requests.
        why: The reason why they need none.
        serve: What answers such a request, and returns None for every other.
    """

    what: str
    why: str
    serve: Callable[[Call], Awaitable[Answer | None]]


async def _api(call: Call) -> Answer | None:
    answer: Answer | None = await app.handle_execute_api_request(*call.addressed, **call.as_sent)
    return answer


async def _function_url(call: Call) -> Answer | None:
    answer: Answer | None = await app.handle_lambda_url_request(*call.addressed)
    return answer


async def _load_balancer(call: Call) -> Answer | None:
    answer: Answer | None = await app.handle_alb_request(*call.addressed, **call.as_sent)
    return answer


async def _sign_in(call: Call) -> Answer | None:
    service, _, operation = call.headers.get("x-amz-target", "").partition(".")
    if service != _COGNITO or operation not in _without_credentials():
        return None
    answer: Answer = await app.SERVICE_HANDLERS["cognito-idp"](
        call.method, call.path, call.headers, call.body, call.query
    )
    return answer


@functools.cache
def _without_credentials() -> frozenset[str]:
    """Return the operations of Cognito user pools that AWS's own model marks as unsigned."""
    cognito = model("cognito-idp")
    return frozenset(name for name in cognito.operation_names if cognito.operation_model(name).auth_type == "none")


async def _answer_to_cloudformation(call: Call) -> Answer | None:
    if not is_expected(call.method, call.path):
        return None
    answer: Answer | None = await _after_body(call.method, call.path, call.headers, call.body, call.query, "")
    return answer


def is_expected(method: str, path: str) -> bool:
    """Return whether this is the answer of a custom resource or a wait condition that CloudFormation waits for.

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


TABLE = (
    Traffic("requests to an API Gateway API, WebSocket too", "the clients of the app have no keys", _api),
    Traffic(
        "requests to a function URL whose `AuthType` is `NONE`", "the clients of the app have no keys", _function_url
    ),
    Traffic("requests to a load balancer", "the clients of the app have no keys", _load_balancer),
    Traffic(
        "what users of a Cognito user pool do, as `InitiateAuth`",
        "AWS's model of the service marks these operations as unsigned",
        _sign_in,
    ),
    Traffic(
        "the one answer of a custom resource, and the signals of a wait condition",
        "on AWS their URL is presigned; here it has a random part that only the function or the handle is told",
        _answer_to_cloudformation,
    ),
)


def install(signed: Callable[[], bool]) -> None:
    """Keep requests without a signature from everything that is not in the table.

    Args:
        signed: Whether the request at hand has a signature, which was verified.
    """
    before_body, special = app.handle_pre_body_request, app.handle_special_data_plane_request

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
        for traffic in TABLE:
            served = await traffic.serve(call)
            if served is not None:
                return served
        return None

    app.handle_pre_body_request = handle_before_body
    app.handle_post_body_shortcuts = handle_after_body
    app.handle_special_data_plane_request = handle_special

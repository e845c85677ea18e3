"""The authentication of requests. Requests must be signed with the secret of the home, or with keys that the server
issued.

Every request is checked before ministack gets it. The check refuses web pages in a browser, other users of the machine
and programs without the secret. Docker's requests have a token of `registry_tokens` instead of a signature.
`unsigned.TABLE` lists the requests that are served without either.
"""

from __future__ import annotations

import contextvars
import sys
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from botocore.loaders import Loader
from ministack.core.iam_evaluator import AuthError
from ministack.core.router import detect_service

from moorage.local.server.core import registry_tokens, unsigned
from moorage.local.server.core.adapter import app as ministack
from moorage.local.server.core.adapter import router
from moorage.local.server.core.signatures import Request, account_of

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
Answer = tuple[int, dict[str, str], bytes]

_CHALLENGE = {"Content-Type": "application/json", "WWW-Authenticate": 'Basic realm="Amazon ECR"'}
_UNAUTHORIZED = b'{"errors": [{"code": "UNAUTHORIZED", "message": "Authentication required"}]}'
"""The response with which a registry requests a token (OCI distribution specification, "Error Codes")."""
_DIGITS_OF_A_SHORT_BODY = 5
"""The number of digits of the largest Content-Length for which the body of a refused request is read."""
_MISSING = AuthError("MissingAuthenticationToken", "Missing Authentication Token")
_MOST_UNVERIFIED_BYTES = 64 * 1024 * 1024
"""The longest body that is read before its signature is verified, if the signature covers the body."""
_MOST_UNSIGNED_BYTES = 10 * 1024 * 1024
"""The longest payload of an API Gateway API (API Gateway developer guide, "Quotas"); function URLs take less."""


_signed: contextvars.ContextVar[bool] = contextvars.ContextVar("signed", default=False)


def authenticated(application: Application) -> Application:
    """Return ministack's application with the checks of this module. Call this function once per process.

    Args:
        application: ministack's ASGI application.
    """
    # otherwise ministack would load all of botocore's models to check whether a signature names a service
    router.KNOWN_AWS_SERVICE_NAMES = frozenset(Loader().list_available_services("service-2"))
    unsigned.install(_signed.get)
    _refuse_the_rest()
    set_account = ministack.set_request_account_id
    ministack.set_request_account_id = lambda key: set_account(account_of(key) or key)

    async def guarded(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await _serve(application, scope, receive, _without_cors(send))
        elif scope["type"] == "websocket":
            await _serve_websocket(application, scope, receive, send)
        else:
            await application(scope, receive, send)

    return guarded


async def _serve(application: Application, scope: Message, receive: Receive, send: Send) -> None:
    request = Request.of(scope)
    refused = request.foreign()
    closed = request.path.startswith(unsigned.INTERNAL) and not unsigned.is_expected(request.method, request.path)
    if refused is None and closed:
        refused = f"{request.path[:255]} is closed"
    if refused is not None:
        kind = {"Content-Type": "text/plain; charset=utf-8"}
        await ministack.send_response(send, 403, kind, f"403 Forbidden: {refused}\n".encode())
        return
    _signed.set(False)
    if not request.claims_signature and ministack.is_ecr_registry_path(request.path):
        holder = registry_tokens.holder(request.headers.get("authorization", ""))
        if holder is None:
            await ministack.send_response(send, HTTPStatus.UNAUTHORIZED, _CHALLENGE, _UNAUTHORIZED)
            return
        _signed.set(True)
        await application(_acting_as(scope, holder), receive, send)
        return
    read = _verified if request.claims_signature else _of_the_app
    body = await read(request, receive, send)
    if body is not None:
        await application(scope, _replayed(body, receive), send)


def _acting_as(scope: Message, holder: registry_tokens.Holder) -> Message:
    """Return a request with a header from which ministack reads the account and region of the token's holder."""
    stated = f"AWS4-HMAC-SHA256 Credential={holder.account}/20260101/{holder.region}/ecr/aws4_request"
    rest = [(name, value) for name, value in scope["headers"] if name.lower() != b"authorization"]
    return {**scope, "headers": [*rest, (b"authorization", stated.encode())]}


async def _verified(request: Request, receive: Receive, send: Send) -> bytes | None:
    """Return the body of a signed request; None if the request was refused, or if its client disconnected."""
    if request.states_hash and (failure := request.failure(None)):
        await _refuse(request, failure, send)
        return None
    body = await _read(receive, send, sys.maxsize if request.states_hash else _MOST_UNVERIFIED_BYTES)
    if body is None:
        return None
    if failure := request.failure(body):
        await _refuse(request, failure, send)
        return None
    _signed.set(True)
    return body


async def _of_the_app(request: Request, receive: Receive, send: Send) -> bytes | None:
    """Return the body of an unsigned request; None if the request was refused, or if its client disconnected."""
    if unsigned.may_serve(request.method, request.path, request.headers):
        return await _read(receive, send, _MOST_UNSIGNED_BYTES)
    length = request.headers.get("content-length", "")
    short = length.isascii() and length.isdigit() and len(length) <= _DIGITS_OF_A_SHORT_BODY
    body = await _read(receive, send, _MOST_UNSIGNED_BYTES) if short else b""
    if body is not None:
        await _refuse(request, _MISSING, send, body)
    return None


async def _refuse(request: Request, failure: AuthError, send: Send, body: bytes = b"") -> None:
    """Refuse a request in the protocol of its service, so that the SDK can parse the error code.

    In the query protocol, the body identifies the service.
    """
    asked = ministack.routing_params(request.method, request.path, request.headers, body, request.query)
    service = detect_service(request.method, request.path, request.headers, asked)
    await ministack.send_response(send, *_denied(service, failure, request.headers))


async def _serve_websocket(application: Application, scope: Message, receive: Receive, send: Send) -> None:
    """Serve the WebSocket APIs of the app.

    Close connections to ministack's other endpoints, from web pages, and with an invalid signature.
    """
    request = Request.of(scope)
    if (
        request.foreign() is None
        and ministack.parse_execute_api_url(request.hosts[0], request.path) is not None
        and (not request.claims_signature or request.failure(b"") is None)
    ):
        await application(scope, receive, send)
        return
    await receive()
    await send({"type": "websocket.close", "code": 1008})


async def _read(receive: Receive, send: Send, most: int) -> bytes | None:
    """Return the complete body; None if the client disconnected, or if a body of over `most` bytes was refused."""
    parts, length = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if length > most:
            await ministack.send_response(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"Connection": "close"}, b"")
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a receive function that first returns the body that was already read, then the following messages."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return left.pop() if left else await receive()

    return replayed


def _without_cors(send: Send) -> Send:
    """Return a send function that removes the headers with which web pages could read responses."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [
                (name, value)
                for name, value in message.get("headers", ())
                if not name.lower().startswith(b"access-control-")
            ]
            message = {**message, "headers": headers}
        await send(message)

    return sent


def _refuse_the_rest() -> None:
    """Refuse unsigned requests that no other handler serves, with AWS's error."""
    dispatch = ministack.dispatch_service_request

    async def handle_rest(*request: Any) -> Answer:
        if _signed.get():
            answer: Answer = await dispatch(*request)
            return answer
        method, path, headers, _, query_params, _ = request
        return _denied(detect_service(method, path, headers, query_params), _MISSING, headers)

    ministack.dispatch_service_request = handle_rest


def _denied(service: str, failure: AuthError, headers: dict[str, str]) -> Answer:
    """Return an error response in the protocol of the service, so that the SDK can parse the error code."""
    answer: Answer = ministack.credential_failure(service, "", str(uuid.uuid4()), failure, headers)
    return answer

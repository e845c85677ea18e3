"""The check of every request: only programs that sign with the home's secret, or with keys issued here, are served.

Every request passes here before ministack sees it. A page that is open in a browser, another user of the machine and a
program without the secret are refused. `unsigned.TABLE` says what is served without a signature.
"""

from __future__ import annotations

import contextvars
import hashlib
import re
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, quote

import attrs
from ministack.core.iam_evaluator import (
    AmbiguousAccessKeyError,
    AuthError,
    CredentialResolutionError,
    find_iam_access_key_account,
    resolve_credential,
)
from ministack.core.router import detect_service

from moorage.local.server.core import unsigned
from moorage.local.server.core.adapter import app as ministack
from moorage.local.server.core.adapter import responses, sigv4

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
Answer = tuple[int, dict[str, str], bytes]

_LOOPBACK = re.compile(r"(?:(?:[a-z0-9_-]+\.)*(?:localhost|127\.0\.0\.1)|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
"""`*.localhost` is loopback by RFC 6761, section 6.3; no name in DNS ends in a number (RFC 1123, section 2.1)."""
_ALGORITHM = "AWS4-HMAC-SHA256"
_SIGNATURE = re.compile("[0-9a-f]{64}")
_LONGEST_SECONDS = 7 * 24 * 3600
"""The longest that a presigned URL is valid (S3 API reference, "Authenticating Requests: Using Query Parameters")."""
_UNSIGNED_BODY = ("UNSIGNED-PAYLOAD", "STREAMING-")

_signed: contextvars.ContextVar[bool] = contextvars.ContextVar("signed", default=False)


@attrs.frozen
class Request:
    """One HTTP request as it arrived.

    Args:
        method: The HTTP method.
        path: The decoded path.
        raw_path: The path as it was sent, which is signed.
        query: The query's parameters.
        headers: The headers in lower case; those that were sent twice are joined by a comma, as they are signed.
        hosts: Every Host header.
    """

    method: str
    path: str
    raw_path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    hosts: tuple[str, ...]

    @classmethod
    def of(cls, scope: Message) -> Request:
        """Read a request from its ASGI scope."""
        sent = [(name.decode("latin-1").lower(), sigv4.decode_header_value(value)) for name, value in scope["headers"]]
        headers: dict[str, str] = {}
        for name, value in sent:
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        raw = scope.get("raw_path") or quote(scope["path"]).encode()
        return cls(
            method=scope.get("method", "GET"),
            path=scope["path"],
            raw_path=raw.decode("latin-1"),
            query=parse_qs(scope.get("query_string", b"").decode("utf-8", errors="replace"), keep_blank_values=True),
            headers=headers,
            hosts=tuple(value for name, value in sent if name == "host"),
        )

    @property
    def presigned(self) -> bool:
        """Return whether the signature is in the query instead of a header."""
        return "authorization" not in self.headers and self._of_query("X-Amz-Algorithm") == _ALGORITHM

    @property
    def has_signature(self) -> bool:
        """Return whether the request names Signature Version 4, valid or not."""
        return self.headers.get("authorization", "").startswith(f"{_ALGORITHM} ") or self.presigned

    def foreign(self) -> str | None:
        """Say why a browser sent this request for a page, or why it was meant for another host; None if neither."""
        if "origin" in self.headers:
            return "requests with an Origin header come from web pages"
        if self.headers.get("sec-fetch-site", "none") != "none":
            return "requests with Sec-Fetch-Site other than none come from web pages"
        if len(self.hosts) != 1 or not _LOOPBACK.fullmatch(self.hosts[0]):
            named = ", ".join(self.hosts) or "none"
            return f"the Host header must be a loopback name, as 127.0.0.1 or localhost (got {named[:255]})"
        return None

    def failure(self, body: bytes) -> AuthError | None:
        """Verify the signature with the home's secret or with a key that this server issued.

        Args:
            body: The body as it was sent.
        """
        signature = (sigv4.parse_query_signature if self.presigned else sigv4.parse_header_signature)(
            self.query if self.presigned else self.headers
        )
        if isinstance(signature, tuple):
            return AuthError(*signature)
        if unfit := self._unfit(signature, body):
            return unfit
        account = _account_of(signature.access_key_id)
        if account is None:
            return AuthError("InvalidClientTokenId", "The security token included in the request is invalid.")
        token = self._of_query("X-Amz-Security-Token") or self.headers.get("x-amz-security-token", "")
        credential = resolve_credential(signature.access_key_id, account, token)
        if isinstance(credential, CredentialResolutionError):
            return AuthError(credential.code, credential.message)
        stated = self.headers.get("x-amz-content-sha256", "")
        if stated and not stated.startswith(_UNSIGNED_BODY) and stated != hashlib.sha256(body).hexdigest():
            return AuthError("XAmzContentSHA256Mismatch", "The x-amz-content-sha256 header does not match the body.")
        mismatch = sigv4.header_signature_failure(
            signature,
            credential.secret_access_key,
            self.method,
            self.raw_path,
            self.query,
            self.headers,
            body,
            presigned=self.presigned,
        )
        return AuthError(*mismatch) if mismatch else None

    def _unfit(self, signature: Any, body: bytes) -> AuthError | None:
        """Return why a signature cannot be one of this request, whatever its key.

        Headers and a body that a signature does not cover must not make another operation of a presigned URL: S3
        requires that every x-amz- header is signed (Amazon S3 API reference, "Authenticating Requests: Using Query
        Parameters"), and its presigned URLs sign no body.
        """
        if not _SIGNATURE.fullmatch(signature.signature):
            return AuthError("IncompleteSignature", "The signature must be 64 hexadecimal digits.")
        covered = signature.signed_headers.split(";")
        if any(name.startswith("x-amz-") and name not in covered for name in self.headers):
            return AuthError("AccessDenied", "There were headers present in the request which were not signed")
        if self.presigned and signature.service == "s3" and self._service(body) != "s3":
            return AuthError("SignatureDoesNotMatch", "Credential should be scoped to correct service.")
        untimely = self._expired(signature) if self.presigned else sigv4.request_time_failure(signature)
        return AuthError(*untimely) if untimely else None

    def _service(self, body: bytes) -> str:
        """Return the service that ministack would hand this request to."""
        routed = ministack.routing_params(self.method, self.path, self.headers, body, self.query)
        return str(detect_service(self.method, self.path, self.headers, routed))

    def _expired(self, signature: Any) -> tuple[str, str] | None:
        seconds = self._of_query("X-Amz-Expires")
        try:
            valid = 0 < int(seconds) <= _LONGEST_SECONDS
            expired = not valid or sigv4.presigned_request_is_expired(signature.amz_date, seconds)
        except (ValueError, OverflowError):
            expired = True
        return ("AccessDenied", "Request has expired") if expired else None

    def _of_query(self, name: str) -> str:
        return self.query.get(name, [""])[0]


def _account_of(access_key_id: str) -> str | None:
    """The account that a key acts in: its own digits, or that of the session or the user it was issued to."""
    if re.fullmatch(r"\d{12}", access_key_id):
        return access_key_id
    try:
        account: str | None = responses.account_from_sts_session(access_key_id) or find_iam_access_key_account(
            access_key_id
        )
    except AmbiguousAccessKeyError:
        return None
    return account


def authenticated(application: Application) -> Application:
    """Put the checks of this module before ministack's application, once per process.

    Args:
        application: ministack's ASGI application.
    """
    unsigned.install(_signed.get)
    _refuse_the_rest()
    set_account = ministack.set_request_account_id
    ministack.set_request_account_id = lambda key: set_account(_account_of(key) or key)

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
    if not request.has_signature:
        _signed.set(False)
        await application(scope, receive, send)
        return
    body = await _read(receive)
    if body is None:
        return
    failure = request.failure(body)
    if failure is not None:
        service = detect_service(request.method, request.path, request.headers, request.query)
        await ministack.send_response(send, *_denied(service, failure, request.headers))
        return
    _signed.set(True)
    await application(scope, _replayed(body, receive), send)


async def _serve_websocket(application: Application, scope: Message, receive: Receive, send: Send) -> None:
    """Serve the WebSocket APIs of the app; what else ministack has of them is not implemented here."""
    request = Request.of(scope)
    if request.foreign() is None and ministack.parse_execute_api_url(request.hosts[0], request.path) is not None:
        await application(scope, receive, send)
        return
    await receive()
    await send({"type": "websocket.close", "code": 1008})


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None when the client left before its end."""
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A channel that gives a body that was read already, then whatever comes after it."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return left.pop() if left else await receive()

    return replayed


def _without_cors(send: Send) -> Send:
    """Drop the headers with which a server lets web pages read its answers."""

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
    """Answer a request without a signature that nothing served as AWS does."""
    dispatch = ministack.dispatch_service_request

    async def handle_rest(*request: Any) -> Answer:
        if _signed.get():
            answer: Answer = await dispatch(*request)
            return answer
        method, path, headers, body, query_params, _ = request
        routed = ministack.routing_params(method, path, headers, body, query_params)
        service = detect_service(method, path, headers, routed)
        return _denied(service, AuthError("MissingAuthenticationToken", "Missing Authentication Token"), headers)

    ministack.dispatch_service_request = handle_rest


def _denied(service: str, failure: AuthError, headers: dict[str, str]) -> Answer:
    """A refusal in the service's own protocol, so that its SDK reads the code."""
    answer: Answer = ministack.credential_failure(service, "", str(uuid.uuid4()), failure, headers)
    return answer

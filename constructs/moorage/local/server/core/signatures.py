"""The verification of request signatures, with the secret of the home folder or with keys that this server issued."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, MutableMapping
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

from moorage.local.server.core.adapter import app, responses, sigv4

_LOOPBACK = re.compile(r"(?:(?:[a-z0-9_-]+\.)*(?:localhost|127\.0\.0\.1)|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
"""`*.localhost` is loopback by RFC 6761, section 6.3; no DNS name ends in a number (RFC 1123, section 2.1)."""
_ALGORITHM = "AWS4-HMAC-SHA256"
_SIGNATURE = re.compile("[0-9a-f]{64}")
_LONGEST_SECONDS = 7 * 24 * 3600
"""The longest validity of a presigned URL (S3 API reference, "Authenticating Requests: Using Query Parameters")."""
_UNSIGNED_BODY = ("UNSIGNED-PAYLOAD", "STREAMING-")
_SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
_PARTS = ["Credential", "Signature", "SignedHeaders"]
_DATE = re.compile("[0-9]{8}T[0-9]{6}Z")


@attrs.frozen
class Request:
    """An HTTP request.

    Args:
        method: The HTTP method.
        path: The decoded path.
        raw_path: The path as it was sent and signed.
        query: The query parameters.
        headers: The headers with lower-case names. The values of a repeated header are joined by a comma, as in the
            signature.
        hosts: The values of all Host headers.
    """

    method: str
    path: str
    raw_path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    hosts: tuple[str, ...]

    @classmethod
    def of(cls, scope: MutableMapping[str, Any]) -> Request:
        """Return the request of an ASGI scope."""
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
        """True if the signature is in the query instead of a header."""
        return "authorization" not in self.headers and self._of_query("X-Amz-Algorithm") == _ALGORITHM

    @property
    def claims_signature(self) -> bool:
        """True if the request has anything that ministack may take for a signature, valid or not."""
        return self.headers.get("authorization", "").upper().startswith("AWS4-") or any(
            name.lower().startswith(("x-amz-algorithm", "x-amz-credential", "x-amz-signature")) for name in self.query
        )

    @property
    def states_hash(self) -> bool:
        """True if the signature can be verified before the body is read."""
        stated = self.headers.get("x-amz-content-sha256", "")
        return bool(stated) and not stated.startswith(_SIGNED_CHUNKS)

    def foreign(self) -> str | None:
        """Return the reason to refuse a request from a web page or for another host; None for any other request."""
        if "origin" in self.headers:
            return "requests with an Origin header come from web pages"
        if self.headers.get("sec-fetch-site", "none") != "none":
            return "requests with Sec-Fetch-Site other than none come from web pages"
        if len(self.hosts) != 1 or not _LOOPBACK.fullmatch(self.hosts[0]):
            named = ", ".join(self.hosts) or "none"
            return f"the Host header must be a loopback name such as 127.0.0.1 or localhost (got {named[:255]})"
        return None

    def failure(self, body: bytes | None) -> AuthError | None:
        """Verify the signature, and return the error; None if the signature is valid.

        Args:
            body: The body as it was sent; None if it has not been read yet and a header contains its hash.
        """
        return next(self._failures(body), None)

    def _failures(self, body: bytes | None) -> Iterator[AuthError]:
        if not self.presigned and not _has_parts(self.headers.get("authorization", "")):
            yield AuthError("IncompleteSignature", f"Authorization header requires {', '.join(_PARTS)}, each once.")
        parse = sigv4.parse_query_signature if self.presigned else sigv4.parse_header_signature
        signature = parse(self.query if self.presigned else self.headers)
        if isinstance(signature, tuple):
            yield AuthError(*signature)
            return
        yield from self._unfit(signature, body or b"")
        account = account_of(signature.access_key_id)
        if account is None:
            yield AuthError("InvalidClientTokenId", "The security token included in the request is invalid.")
        token = self._of_query("X-Amz-Security-Token") or self.headers.get("x-amz-security-token", "")
        credential = resolve_credential(signature.access_key_id, account, token)
        if isinstance(credential, CredentialResolutionError):
            yield AuthError(credential.code, credential.message)
        stated = self.headers.get("x-amz-content-sha256", "")
        if stated.startswith(_UNSIGNED_BODY) and not signature.service.startswith("s3"):
            yield AuthError("AccessDenied", "Only Amazon S3 accepts unsigned payloads.")
        unread = body is None or stated.startswith(_UNSIGNED_BODY)
        if stated and not unread and stated != hashlib.sha256(body or b"").hexdigest():
            yield AuthError("XAmzContentSHA256Mismatch", "The x-amz-content-sha256 header does not match the body.")
        mismatch = sigv4.header_signature_failure(
            signature,
            credential.secret_access_key,
            self.method,
            self.raw_path,
            self.query,
            self.headers,
            body or b"",
            presigned=self.presigned,
        )
        if mismatch:
            yield AuthError(*mismatch)

    def _unfit(self, signature: Any, body: bytes) -> Iterator[AuthError]:
        """Yield errors that make a signature invalid for this request, regardless of its key.

        Headers and a body that the signature does not cover must not turn a presigned URL into another operation. S3
        requires that every x-amz- header is signed (Amazon S3 API reference, "Authenticating Requests: Using Query
        Parameters"), and its presigned URLs do not sign the body. A request to another port was signed for another
        server.
        """
        if not _SIGNATURE.fullmatch(signature.signature):
            yield AuthError("IncompleteSignature", "The signature must be 64 hexadecimal digits.")
        if not _DATE.fullmatch(signature.amz_date):
            yield AuthError("IncompleteSignature", "Date must be in ISO-8601 'basic format'.")
        if self.hosts[0].rpartition(":")[2] != os.environ["GATEWAY_PORT"]:
            yield AuthError("SignatureDoesNotMatch", "The request was signed for another port.")
        if "authorization" in self.headers and any(name.lower() == "x-amz-credential" for name in self.query):
            yield AuthError("InvalidArgument", "Only one auth mechanism allowed")
        covered = signature.signed_headers.split(";")
        if any(name.startswith("x-amz-") and name not in covered for name in self.headers):
            yield AuthError("AccessDenied", "There were headers present in the request which were not signed")
        if self.presigned and signature.service == "s3" and self._service(body) != "s3":
            yield AuthError("SignatureDoesNotMatch", "Credential should be scoped to correct service.")
        untimely = self._expired(signature) if self.presigned else sigv4.request_time_failure(signature)
        if untimely:
            yield AuthError(*untimely)

    def _service(self, body: bytes) -> str:
        """Return the service to which ministack would route this request."""
        routed = app.routing_params(self.method, self.path, self.headers, body, self.query)
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


def _has_parts(authorization: str) -> bool:
    """Return whether an Authorization header has each part of a signature exactly once.

    ministack itself does not refuse repeated parts.
    """
    algorithm, _, parts = authorization.partition(" ")
    return algorithm == _ALGORITHM and sorted(part.strip().partition("=")[0] for part in parts.split(",")) == _PARTS


def account_of(access_key_id: str) -> str | None:
    """Return the account of an access key; None if the key is not known.

    An access key ID of 12 digits is itself the account. For other keys, it is the account of the session or user.

    Args:
        access_key_id: The access key ID of a request.
    """
    if re.fullmatch("[0-9]{12}", access_key_id):
        return access_key_id
    try:
        account: str | None = responses.account_from_sts_session(access_key_id) or find_iam_access_key_account(
            access_key_id
        )
    except AmbiguousAccessKeyError:
        return None
    return account

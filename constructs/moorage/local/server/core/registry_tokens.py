"""The tokens with which Docker logs in to the registry. Docker sends them as passwords and does not sign requests."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from typing import Any

import attrs
from ministack.core.responses import get_account_id, get_region

_SECONDS = 12 * 3600
"""The validity of a token (Amazon ECR API reference, `GetAuthorizationToken`)."""


@attrs.frozen
class Holder:
    """The account and region that a token was issued to.

    Args:
        account: The account ID.
        region: The name of the region.
        expires: The time when the token expires, in seconds since 1970.
    """

    account: str
    region: str
    expires: float


_issued: dict[str, Holder] = {}


def issue() -> dict[str, Any]:
    """Issue a token to the account and region of the current request, as `GetAuthorizationToken` returns it."""
    token, expires = secrets.token_urlsafe(30), time.time() + _SECONDS
    for ended in [each for each, holder in _issued.items() if holder.expires < time.time()]:
        del _issued[ended]
    _issued[token] = Holder(get_account_id(), get_region(), expires)
    return {"authorizationToken": base64.b64encode(f"AWS:{token}".encode()).decode("ascii"), "expiresAt": expires}


def holder(authorization: str) -> Holder | None:
    """Return the holder of the token in a header; None if this server did not issue it, or if it has expired.

    Args:
        authorization: The `Authorization` header.
    """
    scheme, _, encoded = authorization.partition(" ")
    try:
        user, _, token = base64.b64decode(encoded, validate=True).decode("ascii").partition(":")
    except (binascii.Error, ValueError):
        return None
    found = _issued.get(token) if (scheme.lower(), user) == ("basic", "AWS") else None
    return found if found and found.expires > time.time() else None

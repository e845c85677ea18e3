"""The calls to AWS of a promotion. An error of AWS becomes a sentence that names the operation and the permission."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from typing import Any

import attrs
import boto3
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from moorage.promotion.problems import PromotionError, RequestError

Clients = Callable[[str, str | None, str | None], Any]
"""A function that returns the boto3 client of a service, an account and a region.

The account is None for that of the credentials, and the region is None for that of the session.
"""
_UNSIGNED = (CredentialRetrievalError, NoCredentialsError, PartialCredentialsError, SSOError, TokenRetrievalError)
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_UNKNOWN = {"InvalidClientTokenId", "UnrecognizedClientException", "InvalidSignatureException", "SignatureDoesNotMatch"}
"""The error codes of requests whose credentials are not allowed to make them, have expired, or do not exist (botocore
has the models of the services; "Common Error Types" in their API references).
"""


class DeniedError(PromotionError):
    """The error for an operation that the credentials do not permit."""


@attrs.frozen
class Account:
    """An account and a region, as the app specifies them, and the credentials for them.

    Args:
        clients: A function that returns the clients.
        account: The account; None for that of the credentials.
        region: The region; None for that of the session.
        option: The option of the command that chooses the credentials.
    """

    clients: Clients = attrs.field(eq=False)
    account: str | None
    region: str | None
    option: str

    def __str__(self) -> str:
        region = self.region or "the region of the session"
        return f"{self.account} {region}" if self.account else f"the account of the credentials, {region}"

    def call(
        self, service: str, operation: str, on: str, *, missing: Collection[str] = (), **arguments: Any
    ) -> dict[str, Any] | None:
        """Call an operation, and return its output; None if what it asks for does not exist.

        Args:
            service: The service, such as `ssm`.
            operation: The operation, such as `GetParameter`.
            on: The resource of the operation, for the error.
            missing: The error codes for which None is returned. Default: none.
            **arguments: The input of the operation.

        Raises:
            DeniedError: The credentials do not permit the operation.
            PromotionError: There are no valid credentials, or AWS cannot be reached or refuses the operation.
        """
        permission = f"{service}:{operation}"
        try:
            client = self.clients(service, self.account, self.region)
            answer: dict[str, Any] = getattr(client, _method(operation))(**arguments)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in missing:
                return None
            raise self._refused(permission, on, code, error) from error
        except _UNSIGNED as error:
            raise PromotionError(
                f"{permission} in {self} has no credentials ({_reason(error)}); sign in, or choose an AWS profile with "
                f"{self.option}"
            ) from error
        except NoRegionError as error:
            raise PromotionError(f"{permission} has no region, since the app specifies none; set AWS_REGION") from error
        except BotoCoreError as error:
            raise PromotionError(
                f"{permission} in {self} failed ({_reason(error)}); check the network and the settings of the AWS "
                "profile"
            ) from error
        return answer

    def _refused(self, permission: str, on: str, code: str, error: ClientError) -> PromotionError:
        if code in _DENIED:
            return DeniedError(
                f"{permission} on {on} in {self} is denied; allow the permission {permission}, or choose an AWS "
                f"profile that has the permission with {self.option}"
            )
        if code in _EXPIRED | _UNKNOWN:
            said = "have expired" if code in _EXPIRED else "are not valid"
            return PromotionError(
                f"the credentials for {permission} in {self} {said}; sign in again, or choose an AWS profile with "
                f"{self.option}"
            )
        reason = error.response.get("Error", {}).get("Message") or code or "no reason given"
        return PromotionError(f"{permission} on {on} in {self} failed ({reason.rstrip('.')}); fix this and try again")


def from_profile(profile: str | None, option: str) -> Clients:
    """Return a function that returns clients with the credentials of an AWS profile.

    Args:
        profile: The name of the profile; None for the default credentials of boto3.
        option: The option of the command that names the profile, for the error.

    Raises:
        RequestError: There is no such profile.
    """
    try:
        session = boto3.Session(profile_name=profile)
    except ProfileNotFound as error:
        named = f"{option} {profile}" if profile else "AWS_PROFILE"
        raise RequestError(
            f"{named}: {_reason(error)}; list your profiles with `aws configure list-profiles`"
        ) from error

    @functools.cache
    def client(service: str, _account: str | None, region: str | None) -> Any:
        return session.client(service, region_name=region)

    return client


def _method(operation: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation).lstrip("_")


def _reason(error: Exception) -> str:
    return str(error).rstrip(".")

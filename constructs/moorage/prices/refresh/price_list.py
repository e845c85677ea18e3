"""The calls to the Price List of AWS, and the price that counts in its answers.

The form of an answer is described in the AWS Price List section of the AWS Billing user guide: GetProducts returns
texts, each a product with its attributes and its terms. Among the terms for On-Demand are free tiers, whose price is 0.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import attrs
import boto3
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from moorage.prices.refresh.queries import INSTANCE_USAGE, INSTANCES, PREFIXES, Query

ENDPOINT_REGION = "us-east-1"
"""A region with an endpoint of the Price List (AWS Billing user guide, "Price List Query API endpoints")."""
_UNSIGNED = (CredentialRetrievalError, NoCredentialsError, PartialCredentialsError, SSOError, TokenRetrievalError)
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_INVALID = {"InvalidClientTokenId", "UnrecognizedClientException", "InvalidSignatureException"}
_THROTTLED = {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"}
_PERMISSION = "pricing:GetProducts"
_AMOUNT = re.compile(r"\d+(\.\d+)?")


class PriceListError(Exception):
    """The error for a Price List that cannot be read. Its text is a sentence for the user."""


class SeveralPricesError(PriceListError):
    """The error for an item for which the Price List has several prices."""


@attrs.frozen
class Listed:
    """A price in an answer of the Price List.

    Args:
        usd: The price of one unit in USD.
        usage_type: The usage type of the product.
        service: The service code.
        published: The day on which AWS published the list.
    """

    usd: Decimal
    usage_type: str
    service: str
    published: dt.date


def client_for(profile: str | None) -> Any:
    """Return a client for the Price List.

    Args:
        profile: The AWS profile; None for the default credentials of boto3.

    Raises:
        PriceListError: There is no such profile.
    """
    try:
        return boto3.Session(profile_name=profile).client("pricing", region_name=ENDPOINT_REGION)
    except ProfileNotFound as error:
        raise PriceListError(f"{_text(error)}; list your profiles with `aws configure list-profiles`") from error
    except BotoCoreError as error:
        raise PriceListError(
            f"the settings of the AWS profile cannot be used ({_text(error)}); correct them"
        ) from error


@attrs.frozen
class PriceList:
    """The Price List of AWS.

    Args:
        client: The boto3 client of the service `pricing`.
    """

    client: Any

    def price(self, query: Query, region: str) -> Listed | None:
        """Return the price of an item in a region, or None if the list has no such price.

        It is the price of the first tier that is not free.

        Args:
            query: The question.
            region: The region.

        Raises:
            SeveralPricesError: The list has several prices for the question.
            PriceListError: The list cannot be read.
        """
        place = {} if query.everywhere else {"regionCode": region}
        for usage_type in query.usage_types(region):
            wanted = {"usagetype": usage_type, **query.attributes, **place}
            found = {listed.usd: listed for listed in self._listed(query.service, wanted)}
            if len(found) > 1:
                amounts = ", ".join(map(str, sorted(found)))
                raise SeveralPricesError(
                    f"{query.item} in {region} has several prices for {usage_type} ({amounts}); look up which one it is"
                )
            if found:
                return next(iter(found.values()))
        return None

    def instance_prices(self, region: str) -> dict[str, Listed]:
        """Return the prices of On-Demand Instances with Linux in a region, by type.

        Args:
            region: The region.

        Raises:
            PriceListError: The list cannot be read.
        """
        usage = re.compile(rf"(?:{PREFIXES[region]}-|{region}-)?{INSTANCE_USAGE}:(.+)")
        found = {}
        for listed in self._listed("AmazonEC2", {**INSTANCES, "regionCode": region}):
            named = usage.fullmatch(listed.usage_type)
            if named:
                found[named[1]] = listed
        return found

    def _listed(self, service: str, wanted: Mapping[str, str]) -> Iterator[Listed]:
        for product in self._products(service, wanted):
            attributes = product["product"]["attributes"]
            if "usagetype" in attributes and all(
                attributes.get(name, value) == value for name, value in wanted.items()
            ):
                usd = _first_amount(product)
                if usd is not None:
                    published = dt.date.fromisoformat(product["publicationDate"][:10])
                    yield Listed(usd, attributes["usagetype"], service, published)

    def _products(self, service: str, wanted: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in wanted.items()]
        page: dict[str, Any] = {}
        while True:
            answer = self._call(ServiceCode=service, Filters=filters, FormatVersion="aws_v1", **page)
            yield from map(json.loads, answer.get("PriceList", ()))
            if not answer.get("NextToken"):
                return
            page = {"NextToken": answer["NextToken"]}

    def _call(self, **arguments: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = self.client.get_products(**arguments)
        except ClientError as error:
            raise PriceListError(_refused(error)) from error
        except _UNSIGNED as error:
            raise PriceListError(
                f"{_PERMISSION} has no credentials ({_text(error)}); sign in, or choose an AWS profile with --profile"
            ) from error
        except BotoCoreError as error:
            raise PriceListError(
                f"{_PERMISSION} cannot be called ({_text(error)}); check the network and the settings of the AWS "
                "profile"
            ) from error
        return answer


def _first_amount(product: Mapping[str, Any]) -> Decimal | None:
    """Return the price of the first tier that is not free, or None if there is no such tier in USD."""
    tiers = [
        (Decimal(tier["beginRange"]), Decimal(tier["pricePerUnit"]["USD"]))
        for term in product["terms"].get("OnDemand", {}).values()
        for tier in term["priceDimensions"].values()
        if _AMOUNT.fullmatch(tier["pricePerUnit"].get("USD", "")) and _AMOUNT.fullmatch(tier.get("beginRange", ""))
    ]
    return next((usd for _, usd in sorted(tiers) if usd), None)


def _refused(error: ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "")
    if code in _DENIED:
        return f"{_PERMISSION} is denied; allow this permission, or choose an AWS profile that has it with --profile"
    if code in _THROTTLED:
        return f"{_PERMISSION} is throttled, also after the retries of boto3; wait a minute and try again"
    if code in _EXPIRED | _INVALID:
        said = "have expired" if code in _EXPIRED else "are not valid"
        return f"the credentials for {_PERMISSION} {said}; sign in again, or choose an AWS profile with --profile"
    reason = error.response.get("Error", {}).get("Message") or code or "no reason given"
    return f"{_PERMISSION} failed ({reason.rstrip('.')}); fix this and try again"


def _text(error: Exception) -> str:
    return str(error).rstrip(".")

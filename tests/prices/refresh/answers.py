"""Answers of the Price List, in the form of the AWS Billing user guide ("Finding services and products using the
AWS Price List Query API"), and a client that returns them. botocore's Stubber checks both with the model of the API.
"""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.stub import Stubber


def product(
    usage_type: str,
    *amounts: str,
    region: str = "eu-west-1",
    service: str = "AmazonECS",
    published: str = "2026-11-20T20:12:14Z",
    currency: str = "USD",
    **attributes: str,
) -> str:
    """Return a product with a tier for each amount.

    Args:
        usage_type: The usage type.
        *amounts: The prices of the tiers, the first tier first.
        region: The region.
        service: The service code.
        published: The time of the list.
        currency: The currency.
        **attributes: Other attributes of the product.
    """
    sku = f"SKU{abs(hash((usage_type, amounts, region))) % 10**8}"
    tiers = {
        f"{sku}.JRTCKXETXF.{number}": {
            "unit": "hours",
            "endRange": "Inf" if number == len(amounts) - 1 else str((number + 1) * 1000),
            "description": f"{amount} per hour",
            "appliesTo": [],
            "rateCode": f"{sku}.JRTCKXETXF.{number}",
            "beginRange": str(number * 1000),
            "pricePerUnit": {currency: amount},
        }
        for number, amount in enumerate(amounts)
    }
    reserved = {f"{sku}.4NA7Y494T4": {"priceDimensions": tiers, "sku": sku, "termAttributes": {}}}
    on_demand = {
        f"{sku}.JRTCKXETXF": {
            "priceDimensions": dict(reversed(tiers.items())),
            "sku": sku,
            "effectiveDate": "2026-11-01T00:00:00Z",
            "offerTermCode": "JRTCKXETXF",
            "termAttributes": {},
        }
    }
    place = {"usagetype": usage_type, "regionCode": region, "servicecode": service, **attributes}
    return json.dumps(
        {
            "product": {"productFamily": "Compute", "attributes": place, "sku": sku},
            "serviceCode": service,
            "terms": {"OnDemand": on_demand, "Reserved": reserved} if amounts else {},
            "version": "20261120201214",
            "publicationDate": published,
        }
    )


def request(service: str, token: str | None = None, **filters: str) -> dict[str, Any]:
    """Return the input of a call that asks for exact attributes."""
    terms = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in filters.items()]
    arguments: dict[str, Any] = {"ServiceCode": service, "Filters": terms, "FormatVersion": "aws_v1"}
    return arguments | ({"NextToken": token} if token else {})


def stubbed() -> tuple[Any, Stubber]:
    """Return a client that answers only what the stubber is given."""
    client = boto3.client("pricing", region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="key")  # noqa: S106  # opens nothing
    stubber = Stubber(client)
    stubber.activate()
    return client, stubber


def answer(stubber: Stubber, expected: dict[str, Any], *products: str, more: str | None = None) -> None:
    """Add an answer, which the client returns for the expected input."""
    response: dict[str, Any] = {"FormatVersion": "aws_v1", "PriceList": list(products)}
    stubber.add_response("get_products", response | ({"NextToken": more} if more else {}), expected)

"""The Price List is asked for exact usage types, and the first price that is not free counts."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, TokenRetrievalError
from botocore.loaders import Loader

from moorage.prices.price import UNITS, split_name
from moorage.prices.refresh.price_list import PriceList, PriceListError, SeveralPricesError, client_for
from moorage.prices.refresh.queries import INSTANCES, PREFIXES, QUERIES, Query
from tests.prices.refresh.answers import answer, product, request, stubbed

MEMORY = Query("fargate.gb_hour.x86_64", "GB-hour", "AmazonECS", "Fargate-GB-Hours")
REQUESTS = Query("lambda.request.x86_64", "request", "AWSLambda", "Request")
IRELAND = {"usagetype": "EU-Fargate-GB-Hours", "regionCode": "eu-west-1"}


def test_a_price_is_asked_for_with_exact_attributes() -> None:
    client, stubber = stubbed()
    answer(stubber, request("AmazonECS", **IRELAND), product("EU-Fargate-GB-Hours", "0.0044450000"))
    listed = PriceList(client).price(MEMORY, "eu-west-1")
    assert listed
    assert (listed.usd, listed.usage_type) == (Decimal("0.004445"), "EU-Fargate-GB-Hours")
    assert (listed.service, listed.published) == ("AmazonECS", dt.date(2026, 11, 20))
    stubber.assert_no_pending_responses()


def documented() -> str:
    """Return the product in the answer that AWS documents for GetProducts, which botocore contains."""
    (example,) = Loader().load_data("pricing/2017-10-15/examples-1")["examples"]["GetProducts"]
    (found,) = example["output"]["PriceList"]
    return str(found)


def test_the_answer_that_aws_documents_is_read() -> None:
    volume = Query("ebs.io1_gb_month", "GB-month", "AmazonEC2", "EBS:VolumeUsage.piops")
    client, stubber = stubbed()
    asked = request("AmazonEC2", usagetype="CAN1-EBS:VolumeUsage.piops", regionCode="ca-central-1")
    answer(stubber, asked, documented())
    listed = PriceList(client).price(volume, "ca-central-1")
    assert listed
    assert (listed.usd, listed.published) == (Decimal("0.138"), dt.date(2017, 9, 1))


def test_the_answers_of_these_tests_have_the_members_that_aws_documents() -> None:
    ours, theirs = (json.loads(each) for each in (product("CAN1-EBS:VolumeUsage.piops", "0.138"), documented()))
    assert ours.keys() == theirs.keys()
    assert ours["product"].keys() == theirs["product"].keys()
    assert {"usagetype", "servicecode"} <= ours["product"]["attributes"].keys() & theirs["product"]["attributes"].keys()
    (our_term,), (their_term,) = (each["terms"]["OnDemand"].values() for each in (ours, theirs))
    assert our_term.keys() == their_term.keys()
    (our_tier,), (their_tier,) = (each["priceDimensions"].values() for each in (our_term, their_term))
    assert our_tier.keys() == their_tier.keys()
    assert our_tier["pricePerUnit"].keys() == their_tier["pricePerUnit"].keys() == {"USD"}


@pytest.mark.parametrize("decoy", ["Windows-GB-Hours", "ARM-GB-Hours", "EphemeralStorage-GB-Hours", "GB-Hours-Spot"])
def test_other_products_whose_names_contain_the_usage_type_do_not_count(decoy: str) -> None:
    client, stubber = stubbed()
    decoys = (product(f"EU-Fargate-{decoy}", "0.009"), product("EU-SpotUsage-Fargate-GB-Hours", "0.001"))
    answer(stubber, request("AmazonECS", **IRELAND), *decoys, product("EU-Fargate-GB-Hours", "0.0044450000"))
    listed = PriceList(client).price(MEMORY, "eu-west-1")
    assert listed
    assert listed.usd == Decimal("0.004445")


def test_products_of_another_region_do_not_count() -> None:
    client, stubber = stubbed()
    other = product("EU-Fargate-GB-Hours", "0.009", region="eu-west-2")
    answer(stubber, request("AmazonECS", **IRELAND), other, product("EU-Fargate-GB-Hours", "0.004"))
    listed = PriceList(client).price(MEMORY, "eu-west-1")
    assert listed
    assert listed.usd == Decimal("0.004")


@pytest.mark.parametrize(
    ("amounts", "usd"),
    [
        (("0.0000000000", "0.0000002000"), "0.0000002"),
        (("0.0000002000", "0.0000001000"), "0.0000002"),
        (("0.0000002000", "0.0000000000"), "0.0000002"),
        (("0.0000000000", "0.0000000000", "0.0000004000", "0.0000001000"), "0.0000004"),
    ],
)
def test_the_first_tier_that_is_not_free_counts(amounts: tuple[str, ...], usd: str) -> None:
    client, stubber = stubbed()
    asked = request("AWSLambda", usagetype="EU-Request", regionCode="eu-west-1")
    answer(stubber, asked, product("EU-Request", *amounts, service="AWSLambda"))
    listed = PriceList(client).price(REQUESTS, "eu-west-1")
    assert listed
    assert listed.usd == Decimal(usd)


def test_a_product_that_is_only_free_is_no_price() -> None:
    client, stubber = stubbed()
    free = product("EU-Request", "0.0000000000", service="AWSLambda")
    paid = product("EU-Request", "0.0000002000", service="AWSLambda")
    answer(stubber, request("AWSLambda", usagetype="EU-Request", regionCode="eu-west-1"), free, paid)
    listed = PriceList(client).price(REQUESTS, "eu-west-1")
    assert listed
    assert listed.usd == Decimal("0.0000002")


@pytest.mark.parametrize(
    ("region", "usage_types"),
    [
        ("us-east-1", ("USE1-Request", "Request", "us-east-1-Request")),
        ("eu-west-1", ("EU-Request", "EUW1-Request", "eu-west-1-Request")),
        ("eu-central-1", ("EUC1-Request", "eu-central-1-Request")),
        ("ap-south-1", ("APS3-Request", "ap-south-1-Request")),
    ],
)
def test_the_irregular_prefixes_of_a_region_are_tried_in_turn(region: str, usage_types: tuple[str, ...]) -> None:
    client, stubber = stubbed()
    for usage_type in usage_types[:-1]:
        answer(stubber, request("AWSLambda", usagetype=usage_type, regionCode=region))
    last = product(usage_types[-1], "0.0000002", region=region)
    answer(stubber, request("AWSLambda", usagetype=usage_types[-1], regionCode=region), last)
    listed = PriceList(client).price(REQUESTS, region)
    assert listed
    assert listed.usage_type == usage_types[-1]
    stubber.assert_no_pending_responses()


def test_an_item_that_is_not_listed_has_no_price() -> None:
    client, stubber = stubbed()
    for usage_type in REQUESTS.usage_types("eu-central-1"):
        answer(stubber, request("AWSLambda", usagetype=usage_type, regionCode="eu-central-1"))
    assert PriceList(client).price(REQUESTS, "eu-central-1") is None


@pytest.mark.parametrize(
    "other", [product("EU-Fargate-GB-Hours"), product("EU-Fargate-GB-Hours", "0.03", currency="CNY")]
)
def test_a_product_without_a_price_in_usd_is_passed_over(other: str) -> None:
    client, stubber = stubbed()
    answer(stubber, request("AmazonECS", **IRELAND), other, product("EU-Fargate-GB-Hours", "0.004"))
    listed = PriceList(client).price(MEMORY, "eu-west-1")
    assert listed
    assert listed.usd == Decimal("0.004")


def test_several_prices_are_refused_and_the_same_price_twice_is_not() -> None:
    client, stubber = stubbed()
    cheap, dear = product("EU-Fargate-GB-Hours", "0.004"), product("EU-Fargate-GB-Hours", "0.005")
    answer(stubber, request("AmazonECS", **IRELAND), cheap, cheap)
    answer(stubber, request("AmazonECS", **IRELAND), cheap, dear)
    assert PriceList(client).price(MEMORY, "eu-west-1")
    with pytest.raises(SeveralPricesError) as raised:
        PriceList(client).price(MEMORY, "eu-west-1")
    assert str(raised.value) == (
        "fargate.gb_hour.x86_64 in eu-west-1 has several prices for EU-Fargate-GB-Hours (0.004, 0.005); look up which "
        "one it is"
    )


def test_a_price_for_all_regions_is_asked_for_without_a_region() -> None:
    client, stubber = stubbed()
    zone = next(query for query in QUERIES if query.item == "route53.zone_month")
    answer(stubber, request("AmazonRoute53", usagetype="HostedZone"), product("HostedZone", "0.5", "0.1", region=""))
    listed = PriceList(client).price(zone, "us-east-1")
    assert listed
    assert listed.usd == Decimal("0.5")


def test_instances_are_read_page_by_page() -> None:
    client, stubber = stubbed()
    wanted = {**INSTANCES, "regionCode": "eu-west-1"}
    first = (
        product("EU-BoxUsage:m7g.large", "0.091"),
        product("EU-DedicatedUsage:m7g.large", "0.1"),
        product("EU-UnusedBox:m7g.large", "0.2"),
        product("EU-HostBoxUsage:m7g.xlarge", "0.2"),
        product("EU-BoxUsage:m7i.large", "0.2", operatingSystem="Windows"),
        product("EU-BoxUsage:t2.micro", "0.0000000000"),
    )
    answer(stubber, request("AmazonEC2", **wanted), *first, more="next")
    answer(stubber, request("AmazonEC2", "next", **wanted), product("EU-BoxUsage:t3.medium", "0.0456"))
    found = PriceList(client).instance_prices("eu-west-1")
    assert {name: str(listed.usd) for name, listed in found.items()} == {"m7g.large": "0.091", "t3.medium": "0.0456"}


def test_instances_of_us_east_1_have_no_prefix() -> None:
    client, stubber = stubbed()
    asked = request("AmazonEC2", **INSTANCES, regionCode="us-east-1")
    answer(stubber, asked, product("BoxUsage:m7g.large", "0.0816", region="us-east-1"))
    assert list(PriceList(client).instance_prices("us-east-1")) == ["m7g.large"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "AccessDeniedException",
            "pricing:GetProducts is denied; allow this permission, or choose an AWS profile that has it with --profile",
        ),
        (
            "ThrottlingException",
            "pricing:GetProducts is throttled, also after the retries of boto3; wait a minute and try again",
        ),
        (
            "ExpiredTokenException",
            "the credentials for pricing:GetProducts have expired; sign in again, or choose an AWS profile with "
            "--profile",
        ),
        (
            "UnrecognizedClientException",
            "the credentials for pricing:GetProducts are not valid; sign in again, or choose an AWS profile with "
            "--profile",
        ),
        ("InternalErrorException", "pricing:GetProducts failed (It is broken); fix this and try again"),
    ],
)
def test_an_error_of_aws_is_one_sentence(code: str, said: str) -> None:
    client, stubber = stubbed()
    stubber.add_client_error("get_products", code, "It is broken.")
    with pytest.raises(PriceListError) as raised:
        PriceList(client).price(MEMORY, "eu-west-1")
    assert str(raised.value) == said


class _Failing:
    """A client whose calls fail before AWS answers."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def get_products(self, **_: Any) -> Any:
        raise self.error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            NoCredentialsError(),
            "pricing:GetProducts has no credentials (Unable to locate credentials); sign in, or choose an AWS profile "
            "with --profile",
        ),
        (
            TokenRetrievalError(provider="sso", error_msg="expired"),
            "pricing:GetProducts has no credentials (Error when retrieving token from sso: expired); sign in, or "
            "choose an AWS profile with --profile",
        ),
        (
            EndpointConnectionError(endpoint_url="https://api.pricing"),
            'pricing:GetProducts cannot be called (Could not connect to the endpoint URL: "https://api.pricing"); '
            "check the network and the settings of the AWS profile",
        ),
        (
            ClientError({}, "GetProducts"),
            "pricing:GetProducts failed (no reason given); fix this and try again",
        ),
    ],
)
def test_no_answer_is_one_sentence(error: Exception, said: str) -> None:
    with pytest.raises(PriceListError) as raised:
        PriceList(_Failing(error)).price(MEMORY, "eu-west-1")
    assert str(raised.value) == said


def test_a_missing_profile_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(PriceListError) as raised:
        client_for("nobody")
    assert str(raised.value) == (
        "The config profile (nobody) could not be found; list your profiles with `aws configure list-profiles`"
    )


def test_the_client_is_in_a_region_that_has_the_price_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert client_for(None).meta.region_name == "us-east-1"


def test_every_query_is_for_one_item_with_a_known_unit() -> None:
    assert len({query.item for query in QUERIES}) == len(QUERIES)
    assert {query.unit for query in QUERIES} <= UNITS
    assert all("." in split_name(query.item)[0] for query in QUERIES)
    assert len(set(PREFIXES.values())) == len(PREFIXES)


@pytest.mark.parametrize(
    ("region", "usage_type"),
    [("eu-west-1", "EU-AWSSecretsManager-APIRequests"), ("us-east-2", "USE2-AWSSecretsManagerAPIRequest")],
)
def test_a_region_can_have_a_usage_type_of_its_own(region: str, usage_type: str) -> None:
    (query,) = (query for query in QUERIES if query.item == "secrets.request")
    assert query.usage_types(region)[0] == usage_type

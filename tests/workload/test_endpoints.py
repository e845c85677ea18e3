"""Known and unknown names of VPC endpoints."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from aws_cdk import aws_ec2 as ec2

from moorage import Container, Endpoints, Image, Task
from moorage.prices import Price, PriceBook
from moorage.workload.egress_prices import EgressPrice
from moorage.workload.endpoint_names import KNOWN_NAMES, unknown_name_warning
from tests.stand_ins import stand_in


def test_the_known_names_are_those_of_cdk() -> None:
    interface, gateway = ec2.InterfaceVpcEndpointAwsService, ec2.GatewayVpcEndpointAwsService
    services: list[Any] = [getattr(interface, name) for name in dir(interface) if name.isupper()]
    regional = {each.short_name for each in services if each.name.startswith("${Token[")}  # without a prefix
    gateways = {getattr(gateway, name).name.rpartition(".")[2] for name in dir(gateway) if name.isupper()}
    assert regional | gateways == KNOWN_NAMES


def test_an_unknown_endpoint_warns_with_similar_names() -> None:
    for name, near in (("ecr-api", "'ecr.api'"), ("secretmanager", "'secretsmanager'"), ("s4", "'s3'")):
        with pytest.warns(UserWarning, match=rf"Endpoints: each service should have .* \(got {name!r}\); use .*{near}"):
            assert Endpoints(name).services == (name,)
    with pytest.warns(UserWarning, match=r"\(got 'qqqqqq'\); look up the name with aws ec2 describe-vpc-endpoint-"):
        Endpoints("qqqqqq")


def test_an_endpoint_with_another_prefix_warns() -> None:
    """The prefixes are `com.amazonaws.iam` without a region, and `aws.sagemaker.<region>.notebook`."""
    for name in ("iam", "notebook"):
        with pytest.warns(UserWarning, match=rf"\(got {name!r}\)"):
            Endpoints(name)


def test_endpoints_that_cdk_knows_do_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Endpoints("s3", "ecr.api", "logs", "cassandra", "s3express", "ecs-agent", "ecs-telemetry", "ssmmessages", "kms")


PRIVATE = Image.from_repository(stand_in("aws_ecr.IRepository"), tag="1")
NEEDED = ("ecr.api", "ecr.dkr", "logs", "s3")


def test_tasks_have_the_endpoints_that_one_of_them_needs() -> None:
    plain, caller = Task(Container(PRIVATE)), Task(Container(PRIVATE), called_services=["sqs"])
    assert Endpoints.for_tasks(plain).services == NEEDED
    assert Endpoints.for_tasks(plain, caller).services == (*NEEDED, "sqs")
    assert Endpoints.for_tasks().services == ()


def test_instances_need_the_endpoints_of_their_agent() -> None:
    needed = ("ecr.api", "ecr.dkr", "ecs", "ecs-agent", "ecs-telemetry", "logs", "s3")
    assert Endpoints.for_tasks(Task(Container(PRIVATE)), instances=True).services == needed


def test_no_endpoint_reaches_a_public_registry_or_the_internet() -> None:
    public = Task(Container(PRIVATE, name="web"), Container("redis:8", name="cache"))
    caller = Task(Container(PRIVATE), called_services=["internet"])
    with pytest.raises(ValueError, match="Endpoints: 2 problems") as raised:
        Endpoints.for_tasks(public, caller)
    assert "image of container 'cache' must not be in a public registry, which no endpoint" in str(raised.value)
    assert "called_services must not contain 'internet', which has no endpoint; keep a NAT gateway" in str(raised.value)
    assert "'web'" not in str(raised.value)


def test_gateways_of_a_network_cost_nothing() -> None:
    price = Endpoints("s3", "dynamodb", "logs", "ecr.api").monthly_price(zones=3, gib=10)
    assert (price.interfaces, price.zones, price.gib) == (2, 3, 10)
    assert Endpoints("s3").monthly_price(zones=2).gib == 0


def test_three_similar_names_are_suggested() -> None:
    warning = unknown_name_warning("sqss")
    assert warning is not None
    assert "; use 'sqs', 'sqs-fips', 'sts', or look up the name with " in warning


def test_the_numbers_of_a_price_are_named() -> None:
    make: Any = EgressPrice
    with pytest.raises(TypeError):
        make(2, 3, 10)


def test_a_price_counts_hours_in_each_zone_and_traffic() -> None:
    """An endpoint costs 0.01 USD an hour and GiB, a NAT gateway 0.045 USD and 0.005 USD for its address."""
    price = EgressPrice(interfaces=2, zones=3, gib=10)
    assert price.endpoints == pytest.approx(2 * 3 * 7.30 + 0.10)
    assert price.nat_gateway_per_zone == pytest.approx(3 * 36.50 + 0.45)
    assert price.one_nat_gateway == pytest.approx(36.50 + 0.45)
    assert str(price) == (
        "2 interface endpoints in 3 zones cost about $44 a month; one NAT gateway in each zone costs "
        "$110, and a single NAT gateway $37"
    )


def test_its_prices_are_those_of_the_price_book() -> None:
    """The values of `workload` import no price book, so they have numbers of their own."""
    book = PriceBook.load()

    def usd(item: str) -> float:
        found = book.price(item, "us-east-1")
        assert isinstance(found, Price)
        return float(found.usd)

    price = EgressPrice(interfaces=1, zones=1, gib=1)
    assert price.endpoints == pytest.approx(usd("endpoint.hour") * 730 + usd("endpoint.gb"))
    nat = (usd("nat.hour") + usd("ipv4.hour")) * 730 + usd("nat.gb")
    assert price.nat_gateway_per_zone == pytest.approx(nat)
    assert price.one_nat_gateway == pytest.approx(nat)


@pytest.mark.parametrize("name", ["", "ecr api", "com.amazonaws.eu-west-1.logs"])
def test_a_service_is_named_as_in_its_endpoint(name: str) -> None:
    with pytest.raises(
        ValueError, match=r"each item of services must not be empty, contain spaces or .* \(got '[^']*'\); use a name"
    ):
        Endpoints("logs", name)

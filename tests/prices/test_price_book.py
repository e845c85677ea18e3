"""The price book answers with a price and its source, or with the assumption that would decide it."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import zipfile
from decimal import Decimal
from pathlib import Path

import attrs
import pytest

from moorage.prices import Price, PriceBook, UnknownPrice
from moorage.prices.book import DAYS_UNTIL_OLD, shipped_file
from moorage.prices.price_file import written
from moorage.workload.ec2_instances import instance_types
from tests.prices.books import TODAY, book

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = PriceBook.load()


@pytest.fixture
def small(tmp_path: Path) -> PriceBook:
    file = tmp_path / "prices.json"
    file.write_text(json.dumps(book()))
    return PriceBook.load(file, today=TODAY)


def test_a_price_says_where_it_comes_from(small: PriceBook) -> None:
    assert small.price("fargate.vcpu_hour", "sa-east-1", "ARM64") == Price(
        Decimal("0.05"),
        "vCPU-hour",
        "fargate.vcpu_hour",
        "sa-east-1",
        "AWS Fargate Pricing, https://aws.amazon.com/fargate/pricing/",
        dt.date(2026, 11, 1),
        dt.date(2026, 11, 30),
        fallback=False,
    )


def test_a_source_that_is_not_of_aws_says_so(tmp_path: Path) -> None:
    contents = book()
    contents["sources"]["fargate"]["third_party"] = True
    file = tmp_path / "prices.json"
    file.write_text(json.dumps(contents))
    price = PriceBook.load(file, today=TODAY).price("fargate.vcpu_hour", "us-east-1")
    assert isinstance(price, Price)
    assert price.source.endswith("(third party)")


def test_a_region_without_a_price_falls_back_to_us_east_1(small: PriceBook) -> None:
    price = small.price("fargate.vcpu_hour", "eu-west-1")
    assert isinstance(price, Price)
    assert (price.usd, price.region, price.fallback) == (Decimal("0.04"), "us-east-1", True)
    own = small.price("fargate.vcpu_hour", "us-east-1")
    assert isinstance(own, Price)
    assert not own.fallback


def test_the_default_architecture_is_x86_64(small: PriceBook) -> None:
    assert small.price("fargate.vcpu_hour", "us-east-1") == small.price("fargate.vcpu_hour", "us-east-1", "x86_64")
    assert small.price("fargate.vcpu_hour", "us-east-1") != small.price("fargate.vcpu_hour", "us-east-1", "arm64")


def test_an_item_for_all_architectures_ignores_the_architecture(small: PriceBook) -> None:
    expected = small.price("fargate.windows_vcpu_hour", "us-east-1")
    assert isinstance(expected, Price)
    assert small.price("fargate.windows_vcpu_hour", "us-east-1", "arm64") == expected


def test_an_unknown_architecture_is_refused(small: PriceBook) -> None:
    with pytest.raises(ValueError, match=r"architecture must be x86_64 or arm64 \(got 'riscv'\); use one of them"):
        small.price("fargate.vcpu_hour", "us-east-1", "riscv")


def test_an_item_without_a_source_is_unknown_with_an_assumption(small: PriceBook) -> None:
    assert small.price("fargate_spot.vcpu_hour", "eu-west-1") == UnknownPrice(
        "fargate_spot.vcpu_hour", "eu-west-1", "Assume a discount."
    )
    assert small.price("ec2.z99.large", "us-east-1") == UnknownPrice(
        "ec2.z99.large",
        "us-east-1",
        "The price of ec2.z99.large is not in the price book of 2026-11-30; assume a price, and add it to the sum.",
    )


def test_an_item_for_one_architecture_is_unknown_for_the_other(tmp_path: Path) -> None:
    contents = book()
    del contents["tables"][0]["prices"]["fargate.vcpu_hour.arm64"]
    file = tmp_path / "prices.json"
    file.write_text(json.dumps(contents))
    answer = PriceBook.load(file, today=TODAY).price("fargate.vcpu_hour", "us-east-1", "arm64")
    assert answer == UnknownPrice(
        "fargate.vcpu_hour",
        "us-east-1",
        "The price of fargate.vcpu_hour for arm64 is not in the price book of 2026-11-30; assume a price, and add it "
        "to the sum.",
    )


def test_a_book_is_old_after_180_days(small: PriceBook) -> None:
    last = TODAY + dt.timedelta(days=DAYS_UNTIL_OLD)
    assert (small.is_old(last), small.is_old(last + dt.timedelta(days=1))) == (False, True)
    assert small.warning(last) is None
    assert small.warning(last + dt.timedelta(days=1)) == (
        "the price book of 2026-11-30 has prices that were read on 2026-11-30, more than 180 days ago; write a new one "
        "with `moorage prices refresh`"
    )


def test_the_oldest_price_decides_whether_a_book_is_old(tmp_path: Path) -> None:
    contents = book()
    contents["sources"]["old"] = {**contents["sources"]["fargate"], "effective": "2026-01-01", "fetched": "2026-01-01"}
    contents["tables"][1]["source"] = "old"
    file = tmp_path / "prices.json"
    file.write_text(json.dumps(contents))
    loaded = PriceBook.load(file, today=TODAY)
    assert (loaded.is_old(dt.date(2026, 6, 30)), loaded.is_old(dt.date(2026, 7, 1))) == (False, True)


def test_prices_are_frozen(small: PriceBook) -> None:
    price = small.price("fargate.vcpu_hour", "us-east-1")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        price.item = "other"  # type: ignore[misc]  # the test needs it


def test_the_book_of_the_package_is_as_the_writer_writes_it() -> None:
    assert written(SHIPPED.contents) == shipped_file().read_text()
    assert shipped_file().stat().st_size < 300_000
    assert shipped_file().name == f"prices-{SHIPPED.version}.json"


def test_the_book_of_the_package_has_these_regions() -> None:
    assert {
        "us-east-1",
        "us-east-2",
        "us-west-2",
        "eu-west-1",
        "eu-central-1",
        "ap-southeast-2",
        "ap-northeast-1",
    } <= set(SHIPPED.regions)


@pytest.mark.parametrize("item", ["fargate.vcpu_hour", "fargate.gb_hour", "nat.hour", "nat.gb", "endpoint.hour"])
@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "eu-central-1", "sa-east-1"])
def test_what_every_service_needs_has_a_price_of_its_own(item: str, region: str) -> None:
    price = SHIPPED.price(item, region)
    assert isinstance(price, Price)
    assert not price.fallback


@pytest.mark.parametrize(
    "item", ["fargate_spot.vcpu_hour", "ec2.spot_hour", "managed_instances.fee_hour", "data_transfer.other_region_gb"]
)
def test_what_no_source_states_is_unknown(item: str) -> None:
    answer = SHIPPED.price(item, "us-east-1")
    assert isinstance(answer, UnknownPrice)
    assert "assume" in answer.assumption.lower()


def test_nearly_all_instance_types_have_a_price() -> None:
    missing = {
        type_.name for type_ in instance_types() if isinstance(SHIPPED.price(f"ec2.{type_.name}", ""), UnknownPrice)
    }
    assert len(missing) <= 46
    assert not {name for name in missing if name.startswith(("m7g.", "m7i.", "c7g.", "r7g.", "t3.", "t4g.", "m8g."))}


def test_the_book_needs_neither_cdk_nor_boto3() -> None:
    code = (
        "import sys; from moorage.prices import PriceBook; PriceBook.load(); "
        "print([name for name in ('aws_cdk', 'boto3', 'click') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_the_wheel_contains_the_book(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert f"moorage/prices/{shipped_file().name}" in zipfile.ZipFile(wheel).namelist()


def test_a_book_of_few_regions_has_their_prices_and_those_of_us_east_1() -> None:
    full, few = PriceBook.load(), PriceBook.load(regions=["eu-west-1"])
    assert few.regions == ("eu-west-1", "us-east-1")
    for region in ("eu-west-1", "us-east-1"):
        assert few.price("nat.hour", region) == full.price("nat.hour", region)

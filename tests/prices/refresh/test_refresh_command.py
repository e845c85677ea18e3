"""The command writes a new book and shows what differs, or writes nothing and says why."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber
from click.testing import CliRunner

from moorage.cli.commands import moorage as command
from moorage.prices import Price, PriceBook, UnknownPrice
from moorage.prices.book import shipped_file
from moorage.prices.refresh import command as refreshing
from moorage.prices.refresh.command import Request, run
from moorage.prices.refresh.queries import INSTANCES, QUERIES, Query
from tests.prices.books import TODAY, book
from tests.prices.refresh.answers import answer, product, request, stubbed

LATER = TODAY + dt.timedelta(days=30)
ASKED = ("fargate.vcpu_hour.x86_64", "fargate.vcpu_hour.arm64")
X86, ARM = "Fargate-vCPU-Hours:perCPU", "Fargate-ARM-vCPU-Hours:perCPU"


@pytest.fixture(autouse=True)
def two_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refreshing, "QUERIES", tuple(query for query in QUERIES if query.item in ASKED))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "book.json"
    path.write_text(json.dumps(book()))
    return path


def listing(stubber: Stubber, region: str, prefix: str, x86: str, arm: str, *instances: str) -> None:
    """Add the answers about a region."""
    for usage_type, amount in ((f"{prefix}{X86}", x86), (f"{prefix}{ARM}", arm)):
        asked = request("AmazonECS", usagetype=usage_type, regionCode=region)
        answer(stubber, asked, product(usage_type, "0.0000000000", amount, region=region))
    answer(stubber, request("AmazonEC2", **INSTANCES, regionCode=region), *instances)


def test_a_new_book_has_the_new_prices_and_keeps_the_rest(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    client, stubber = stubbed()
    box = product("USE1-BoxUsage:m7g.large", "0.0816", region="us-east-1", service="AmazonEC2")
    listing(stubber, "us-east-1", "USE1-", "0.05", "0.03", box)
    assert run(Request(("us-east-1",), file), client, LATER) == 0
    stubber.assert_no_pending_responses()

    new = PriceBook.load(file, today=LATER)
    price = new.price("fargate.vcpu_hour", "us-east-1")
    assert isinstance(price, Price)
    assert (str(price.usd), price.unit, price.effective, price.fetched) == (
        "0.05",
        "vCPU-hour",
        dt.date(2026, 11, 20),
        LATER,
    )
    assert price.source.startswith("AWS Price List, AmazonECS, published 2026-11-20, https://pricing.us-east-1.amaz")
    assert new.version == LATER
    kept = new.price("fargate.vcpu_hour", "sa-east-1")
    assert isinstance(kept, Price)
    assert (str(kept.usd), kept.fetched) == ("0.07", TODAY)
    assert isinstance(new.price("fargate_spot.vcpu_hour", "us-east-1"), UnknownPrice)
    assert capsys.readouterr().out == (
        "item                      region     old   new     change\n"
        "ec2.m7g.large             us-east-1  -     0.0816  new\n"
        "fargate.vcpu_hour.x86_64  us-east-1  0.04  0.05    +25.0 %\n"
        f"\n{file}: 3 prices of us-east-1 read from the Price List\n"
        "2 items keep a price that was not read: data_transfer.in_gb, fargate.windows_vcpu_hour\n"
    )


def test_prices_that_are_the_same_are_no_difference(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    client, stubber = stubbed()
    listing(stubber, "us-east-1", "USE1-", "0.0400000000", "0.0300000000")
    assert run(Request(("us-east-1",), file), client, LATER) == 0
    assert capsys.readouterr().out.startswith("no price differs\n")


def test_each_region_is_asked_for_itself_and_by_default_those_of_the_book(file: Path) -> None:
    client, stubber = stubbed()
    listing(stubber, "sa-east-1", "SAE1-", "0.06", "0.05")
    listing(stubber, "us-east-1", "USE1-", "0.04", "0.03")
    assert run(Request(into=file), client, LATER) == 0
    stubber.assert_no_pending_responses()


def test_a_new_region_is_added(file: Path) -> None:
    client, stubber = stubbed()
    listing(stubber, "eu-west-1", "EU-", "0.041", "0.031")
    assert run(Request(("eu-west-1",), file), client, LATER) == 0
    price = PriceBook.load(file, today=LATER).price("fargate.vcpu_hour", "eu-west-1")
    assert isinstance(price, Price)
    assert (str(price.usd), price.fallback) == ("0.041", False)


def test_a_type_without_a_price_in_us_east_1_is_left_out(file: Path) -> None:
    client, stubber = stubbed()
    box = product("EU-BoxUsage:m7g.large", "0.091", service="AmazonEC2")
    listing(stubber, "eu-west-1", "EU-", "0.041", "0.031", box)
    assert run(Request(("eu-west-1",), file), client, LATER) == 0
    assert isinstance(PriceBook.load(file, today=LATER).price("ec2.m7g.large", "eu-west-1"), UnknownPrice)


@pytest.mark.parametrize(
    ("x86", "arm", "said"),
    [
        ("0.1201", "0.03", "must be 0.5 to 3 times the price in us-east-1, 0.04 (got 0.1201)"),
        ("0.03", "0.031", "must not be above the price for x86_64, 0.03 (got 0.031)"),
    ],
)
def test_a_price_that_a_book_refuses_is_not_written(
    file: Path, capsys: pytest.CaptureFixture[str], x86: str, arm: str, said: str
) -> None:
    before = file.read_bytes()
    client, stubber = stubbed()
    listing(stubber, "eu-west-1", "EU-", x86, arm)
    assert run(Request(("eu-west-1",), file), client, LATER) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.endswith("\nNothing was written.\n")
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(("amount", "code"), [("0.12", 0), ("0.1201", 1)])
def test_a_price_does_not_change_by_a_factor_above_3(
    file: Path, capsys: pytest.CaptureFixture[str], amount: str, code: int
) -> None:
    contents = book()
    contents["tables"][0]["prices"]["fargate.vcpu_hour.x86_64"] = ["0.04", None]
    contents["tables"][0]["prices"]["fargate.vcpu_hour.arm64"] = ["0.03", None]
    file.write_text(json.dumps(contents))
    client, stubber = stubbed()
    listing(stubber, "us-east-1", "USE1-", amount, "0.03")
    assert run(Request(("us-east-1",), file), client, LATER) == code
    assert ("must not change by a factor above 3 (got 0.04 and now 0.1201)" in capsys.readouterr().err) == (code == 1)


def test_an_item_with_a_price_is_no_longer_unknown(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = book()
    contents["unknown"]["gwlb.hour"] = "Assume a price."
    file.write_text(json.dumps(contents))
    monkeypatch.setattr(refreshing, "QUERIES", (Query("gwlb.hour", "hour", "AWSELB", "LoadBalancerUsage"),))
    client, stubber = stubbed()
    asked = request("AWSELB", usagetype="USE1-LoadBalancerUsage", regionCode="us-east-1")
    answer(stubber, asked, product("USE1-LoadBalancerUsage", "0.0125", region="us-east-1", service="AWSELB"))
    answer(stubber, request("AmazonEC2", **INSTANCES, regionCode="us-east-1"))
    assert run(Request(("us-east-1",), file), client, LATER) == 0
    assert isinstance(PriceBook.load(file, today=LATER).price("gwlb.hour", "us-east-1"), Price)


@pytest.mark.parametrize("days", [("2026-11-20", "2026-11-25"), ("2026-11-25", "2026-11-20")])
def test_the_date_of_a_service_is_its_latest_list(file: Path, days: tuple[str, str]) -> None:
    client, stubber = stubbed()
    for usage_type, amount, day in zip((f"USE1-{X86}", f"USE1-{ARM}"), ("0.04", "0.03"), days, strict=True):
        listed = product(usage_type, amount, region="us-east-1", published=f"{day}T00:00:00Z")
        answer(stubber, request("AmazonECS", usagetype=usage_type, regionCode="us-east-1"), listed)
    answer(stubber, request("AmazonEC2", **INSTANCES, regionCode="us-east-1"))
    assert run(Request(("us-east-1",), file), client, LATER) == 0
    price = PriceBook.load(file, today=LATER).price("fargate.vcpu_hour", "us-east-1")
    assert isinstance(price, Price)
    assert price.effective == dt.date(2026, 11, 25)


def test_a_price_for_all_regions_is_kept_in_us_east_1(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zone = Query("route53.zone_month", "zone-month", "AmazonRoute53", "HostedZone", everywhere=True)
    monkeypatch.setattr(refreshing, "QUERIES", (zone,))
    client, stubber = stubbed()
    answer(stubber, request("AmazonEC2", **INSTANCES, regionCode="eu-west-1"))
    answer(stubber, request("AmazonRoute53", usagetype="HostedZone"), product("HostedZone", "0.5", "0.1", region=""))
    answer(stubber, request("AmazonEC2", **INSTANCES, regionCode="us-east-1"))
    assert run(Request(("eu-west-1", "us-east-1"), file), client, LATER) == 0
    price = PriceBook.load(file, today=LATER).price("route53.zone_month", "eu-west-1")
    assert isinstance(price, Price)
    assert (str(price.usd), price.region) == ("0.5", "us-east-1")


def test_an_item_with_several_prices_keeps_its_own(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    client, stubber = stubbed()
    usage_type = f"USE1-{X86}"
    asked = request("AmazonECS", usagetype=usage_type, regionCode="us-east-1")
    several = [product(usage_type, amount, region="us-east-1") for amount in ("0.041", "0.042")]
    answer(stubber, asked, *several)
    arm = request("AmazonECS", usagetype=f"USE1-{ARM}", regionCode="us-east-1")
    answer(stubber, arm, product(f"USE1-{ARM}", "0.03", region="us-east-1"))
    answer(stubber, request("AmazonEC2", **INSTANCES, regionCode="us-east-1"))
    assert run(Request(("us-east-1",), file), client, LATER) == 0
    assert "has several prices" in capsys.readouterr().err
    price = PriceBook.load(file, today=LATER).price("fargate.vcpu_hour", "us-east-1")
    assert isinstance(price, Price)
    assert str(price.usd) == "0.04"


def test_an_error_of_aws_writes_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = file.read_bytes()
    client, stubber = stubbed()
    stubber.add_client_error("get_products", "AccessDeniedException", "No.")
    assert run(Request(("us-east-1",), file), client, LATER) == 1
    assert capsys.readouterr().err.splitlines()[1:] == [
        "moorage prices refresh: pricing:GetProducts is denied; allow this permission, or choose an AWS profile that "
        "has it with --profile",
        "Nothing was written.",
    ]
    assert file.read_bytes() == before


def test_a_file_that_cannot_be_replaced_stays_as_it_is(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = file.read_bytes()
    client, stubber = stubbed()
    listing(stubber, "us-east-1", "USE1-", "0.04", "0.03")

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    assert run(Request(("us-east-1",), file), client, LATER) == 1
    assert (
        f"{file} cannot be written (No space left on device); name another file with --into" in capsys.readouterr().err
    )
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_an_interruption_writes_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Interrupted:
        def get_products(self, **_: Any) -> Any:
            raise KeyboardInterrupt

    before = file.read_bytes()
    assert run(Request(("us-east-1",), file), Interrupted(), LATER) == 130
    assert capsys.readouterr().err.endswith("moorage prices refresh: interrupted; nothing was written\n")
    assert file.read_bytes() == before


def test_a_wrong_argument_is_refused_before_aws_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Request(("eu-west-1", "cn-north-1", "Ireland"))) == 2
    assert capsys.readouterr().err == (
        "moorage prices refresh: --region must be a region with prices in USD (got cn-north-1, Ireland); use one such "
        "as eu-west-1\n"
    )
    target = tmp_path / "no" / "prices.json"
    assert run(Request(into=target)) == 2
    assert capsys.readouterr().err == (
        f"moorage prices refresh: --into {target} is in a folder that does not exist; create {target.parent}, or name "
        "another file\n"
    )


def test_an_old_file_that_is_no_book_is_refused(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("{}")
    assert run(Request(("us-east-1",), file), stubbed()[0], LATER) == 1
    assert "is not a price book" in capsys.readouterr().err
    assert file.read_text() == "{}"


def test_the_default_is_a_new_file_from_the_book_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    client, stubber = stubbed()
    listing(stubber, "us-east-1", "USE1-", "0.0405", "0.0324")
    before = shipped_file().read_bytes()
    assert run(Request(("us-east-1",)), client, LATER) == 0
    (written,) = tmp_path.iterdir()
    assert written.name == f"prices-{LATER}.json"
    assert len(PriceBook.load(written, today=LATER).items) == len(PriceBook.load().items)
    assert shipped_file().read_bytes() == before


def test_the_command_passes_its_arguments_on(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = []

    def record(given: Request) -> int:
        passed.append(given)
        return 1

    monkeypatch.setattr(refreshing, "run", record)
    arguments = ["--region", "eu-west-1", "--region", "us-east-1", "--into", "new.json", "--profile", "admin"]
    done = CliRunner().invoke(command, ["prices", "refresh", *arguments])
    assert (done.exit_code, done.output) == (1, "")
    assert CliRunner().invoke(command, ["prices", "refresh"]).exit_code == 1
    assert passed == [Request(("eu-west-1", "us-east-1"), Path("new.json"), "admin"), Request()]

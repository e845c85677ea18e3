"""A book with a price that cannot be right is refused; the nearest price that can be right is accepted."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from moorage.prices import PriceBook, PriceBookError
from moorage.prices.price import UNITS
from moorage.prices.price_file import parse, written
from tests.prices.books import TODAY, book, with_price, with_source

X86, ARM = "fargate.vcpu_hour.x86_64", "fargate.vcpu_hour.arm64"


def problems(contents: Any) -> list[str]:
    """Return the problems of a book."""
    try:
        parse(contents, "book", TODAY)
    except PriceBookError as error:
        return list(error.problems)
    return []


def test_a_book_without_a_problem_is_accepted() -> None:
    assert problems(book()) == []


@pytest.mark.parametrize("cell", ["-0.04", "free", "", "1e3", "NaN", "Infinity", 0.04, True, ["0.04"]])
def test_a_price_is_a_positive_number_in_quotes(cell: Any) -> None:
    assert problems(with_price("nat.hour", cell, None)) == [
        f"nat.hour in us-east-1 must be a positive number in quotes (got {cell!r}); look up the price"
    ]


@pytest.mark.parametrize("cell", ["0", "0.0", "0.0000000000"])
def test_a_price_is_not_0(cell: str) -> None:
    assert problems(with_price("nat.hour", cell, None)) == [
        "nat.hour in us-east-1 must not be 0, since it is not free; look up the price"
    ]
    assert problems(with_price("nat.hour", "0.0000000001", None)) == []


def test_the_price_of_a_free_item_can_be_0() -> None:
    contents = book()
    contents["tables"][1]["prices"] = {"data_transfer.in_gb": ["0"], "data_transfer.out_gb": ["0"]}
    assert problems(contents) == [
        "data_transfer.out_gb in us-east-1 must not be 0, since it is not free; look up the price"
    ]


def test_a_price_is_not_missing() -> None:
    assert problems(with_price("nat.hour", None, None)) == [
        "nat.hour has no price; remove it, or move it to unknown with an assumption"
    ]
    assert problems(with_price("nat.hour", "0.045")) == [
        "nat.hour must have a price or null for each of the 2 regions (got ['0.045']); add what is missing"
    ]
    assert problems(with_price("nat.hour", "0.045", None)) == []


@pytest.mark.parametrize(("arm", "wrong"), [("0.0399", False), ("0.04", False), ("0.0401", True)])
def test_fargate_on_arm_is_not_dearer_than_on_x86(arm: str, wrong: bool) -> None:  # noqa: FBT001  # from the parameters
    expected = f"{ARM} in us-east-1 must not be above the price for x86_64, 0.04 (got {arm}); look up both prices"
    assert problems(with_price(ARM, arm, "0.05")) == ([expected] if wrong else [])


def test_arm_can_be_dearer_elsewhere() -> None:
    contents = with_price("lambda.request.x86_64", "0.04", None)
    contents["tables"][0]["prices"]["lambda.request.arm64"] = ["0.05", None]
    assert problems(contents) == []


@pytest.mark.parametrize(("price", "wrong"), [("0.0199", True), ("0.02", False), ("0.12", False), ("0.1201", True)])
def test_a_region_is_within_bounds_of_us_east_1(price: str, wrong: bool) -> None:  # noqa: FBT001  # from the parameters
    expected = (
        f"nat.hour in sa-east-1 must be 0.5 to 3 times the price in us-east-1, 0.04 (got {price}); look up the price"
    )
    assert problems(with_price("nat.hour", "0.04", price)) == ([expected] if wrong else [])


def test_a_region_is_compared_with_us_east_1() -> None:
    assert problems(with_price("nat.hour", None, "0.093")) == [
        "nat.hour in sa-east-1 has no price in us-east-1 to compare with; add that price or remove the item"
    ]


def test_an_item_has_one_price_and_one_unit() -> None:
    contents = book()
    contents["tables"].append(
        {"source": "fargate", "unit": "hour", "regions": ["sa-east-1"], "prices": {X86: ["0.07"]}}
    )
    assert problems(contents) == [
        f"{X86} in sa-east-1 has 2 prices; keep the one with the better source",
        f"{X86} is per hour in sa-east-1 and per vCPU-hour in us-east-1; use one unit",
    ]
    contents["tables"][2]["regions"] = ["eu-west-1"]
    contents["tables"][2]["unit"] = "vCPU-hour"
    assert problems(contents) == []


def test_an_item_with_a_price_is_not_unknown() -> None:
    contents = book()
    contents["unknown"]["fargate.vcpu_hour"] = "Assume a price."
    assert problems(contents) == ["fargate.vcpu_hour has a price and is in unknown; remove one of them"]


def test_an_unknown_item_has_an_assumption() -> None:
    contents = book()
    contents["unknown"]["gwlb.hour"] = ""
    assert problems(contents) == ["unknown gwlb.hour has no assumption; say what would decide the price"]


def test_a_unit_is_known() -> None:
    contents = book()
    contents["tables"][1]["unit"] = "GiB"
    assert problems(contents) == [f"table 2: unit 'GiB' is not known; use one of {', '.join(sorted(UNITS))}"]


@pytest.mark.parametrize("region", ["Ireland", "eu-west", "EU", 1])
def test_a_region_has_the_form_of_a_code(region: Any) -> None:
    contents = book()
    contents["tables"][1]["regions"] = [region]
    assert f"table 2: {region!r} is not a region; use a code such as us-east-1" in problems(contents)


def test_an_item_has_the_form_of_a_name() -> None:
    assert problems(with_price("NAT hours", "0.045", None)) == [
        "'NAT hours' is not an item; use a name such as 'alb.hour'"
    ]


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({"name": None}, "source fargate has no name; add the name of the document"),
        ({"url": None}, "source fargate has no url; add the url of the document"),
        (
            {"url": "http://example.com"},
            "source fargate: url must begin with https:// (got http://example.com); use a public address",
        ),
        (
            {"third_party": None},
            "source fargate does not say third_party; use false for a document of AWS, true for others",
        ),
        ({"fetched": None}, "source fargate: fetched must be a date (got None); write it as YYYY-MM-DD"),
        ({"effective": "soon"}, "source fargate: effective must be a date (got 'soon'); write it as YYYY-MM-DD"),
        (
            {"fetched": "2026-12-01"},
            "source fargate: fetched must not be after today, 2026-11-30 (got 2026-12-01); correct the date",
        ),
        (
            {"effective": "2026-11-02", "fetched": "2026-11-01"},
            "source fargate: effective 2026-11-02 must not be after fetched 2026-11-01; correct the dates",
        ),
    ],
)
def test_a_source_has_an_address_and_dates(members: dict[str, Any], problem: str) -> None:
    assert problems(with_source(**members)) == [problem]


@pytest.mark.parametrize("members", [{"fetched": "2026-11-30"}, {"effective": "2026-11-01", "fetched": "2026-11-01"}])
def test_dates_up_to_today_are_accepted(members: dict[str, Any]) -> None:
    assert problems(with_source(**members)) == []


def test_a_table_names_its_source() -> None:
    contents = book()
    contents["tables"][1]["source"] = "a friend"
    assert problems(contents) == ["table 2: source 'a friend' is not in sources; name one of fargate"]


def test_the_version_is_not_in_the_future() -> None:
    assert problems({**book(), "version": "2026-12-01"}) == [
        "version must not be after today, 2026-11-30 (got 2026-12-01); correct the date"
    ]


def test_all_problems_are_reported_together() -> None:
    contents = with_price("nat.hour", "0", "-1")
    contents["tables"][0]["prices"][ARM] = ["0.05", None]
    contents["version"] = "2027-01-01"
    with pytest.raises(PriceBookError, match="book: 4 problems\n  - version must not") as raised:
        parse(contents, "book", TODAY)
    assert len(raised.value.problems) == 4


@pytest.mark.parametrize("contents", [[], {}, {**book(), "tables": {}}, {**book(), "sources": []}, None])
def test_other_json_is_no_price_book(contents: Any) -> None:
    assert problems(contents) == [
        "is not a price book; it must be a JSON object with sources, tables, unknown, version"
    ]


@pytest.mark.parametrize("table", [None, {}, [], {"prices": []}, {"regions": 1, "prices": {"nat.hour": None}}])
def test_a_malformed_table_is_a_problem_and_no_crash(table: Any) -> None:
    assert problems({**book(), "tables": [table]})
    assert problems({**book(), "sources": {"fargate": table}})


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    with pytest.raises(PriceBookError) as raised:
        PriceBook.load(file)
    assert str(raised.value) == f"{file}: cannot be read (No such file or directory); name a readable file"
    file.write_text("{")
    with pytest.raises(PriceBookError, match=r"prices.json: is not JSON \(.*\); write a new file with `moorage prices"):
        PriceBook.load(file)


def test_the_day_without_an_argument_is_today_in_utc(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    today = dt.datetime.now(dt.UTC).date()
    file.write_text(json.dumps(with_source(fetched=str(today))))
    assert PriceBook.load(file).version == dt.date(2026, 11, 30)
    file.write_text(json.dumps(with_source(fetched=str(today + dt.timedelta(days=2)))))
    with pytest.raises(PriceBookError, match="fetched must not be after today"):
        PriceBook.load(file)


def test_a_written_book_is_the_same_book() -> None:
    first = parse(book(), "book", TODAY)
    second = parse(json.loads(written(first)), "book", TODAY)
    assert set(second.rows) == set(first.rows)
    assert (second.sources, second.unknown, second.version) == (first.sources, first.unknown, first.version)


@pytest.mark.parametrize(("price", "wrong"), [("10000", False), ("10000.01", True), ("9" * 40, True)])
def test_a_price_is_not_larger_than_any_price(price: str, *, wrong: bool) -> None:
    expected = f"nat.hour in us-east-1 must be at most 10,000 (got {price}); look up the price"
    assert problems(with_price("nat.hour", price, None)) == ([expected] if wrong else [])


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"source": ["fargate"], "unit": "hour"}, "source ['fargate'] is not in sources"),
        ({"source": "fargate", "unit": {}}, "unit {} is not known"),
        ({"source": "fargate", "unit": "hour", "regions": [["x"]], "prices": {"a.b": ["1"]}}, "['x'] is not a region"),
    ],
)
def test_a_table_of_another_shape_is_a_sentence(table: Any, said: str) -> None:
    contents = book()
    contents["tables"].append(table)
    (problem,) = problems(contents)
    assert said in problem


def test_a_file_that_is_nested_too_deeply_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text("[" * 100_000)
    with pytest.raises(PriceBookError, match="is nested too deeply; write a new file with `moorage prices refresh`"):
        PriceBook.load(file)

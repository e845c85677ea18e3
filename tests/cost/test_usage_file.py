"""The usage file: what it states, and the sentences about its mistakes."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from moorage.cost.estimate import estimate
from moorage.cost.usage import KEYS, UsageError, Use, matches, read
from tests.cost.cost_rows import BOOK, Resource, stack_of

USAGE = """
# the shop in June
[defaults]
log_gb = 5
nat_gb = 0.5

[constructs."Shop/Logs"]
log_gb = 1_000

[constructs."Shop/*Audit"]
log_gb = 7
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "usage.toml"
    file.write_text(text)
    return file


def test_the_last_table_that_matches_decides(tmp_path: Path) -> None:
    usage = read(written(tmp_path, USAGE))
    assert usage.of("Shop/Web").get("log_gb") == 5
    assert usage.of("Shop/Web").get("nat_gb") == Decimal("0.5")
    assert usage.of("Shop/Logs").get("log_gb") == 1000
    assert usage.of("Shop/Logs/Group").get("log_gb") == 1000
    assert usage.of("Shop/WebAudit/Logs").get("log_gb") == 7
    assert usage.of("Shop/Web").get("lcus") is None


def test_without_a_file_nothing_is_used() -> None:
    assert read(None).of("Shop").get("log_gb") is None


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("Shop", "Shop/Web/Logs", True),
        ("Shop/Web", "Shop/Web", True),
        ("Shop/We", "Shop/Web", False),
        ("*/Web", "Shop/Web/Logs", True),
        ("*/Web", "Shop/WebAudit", False),
    ],
)
def test_a_pattern_matches_a_construct_and_what_it_contains(pattern: str, path: str, expected: bool) -> None:  # noqa: FBT001  # a parameter of pytest
    assert matches(path, pattern) is expected


def test_a_rule_can_ask_only_for_known_keys() -> None:
    with pytest.raises(KeyError):
        Use({}).get("logs")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[defaults]\nlog_gbs = 5", ":2: log_gbs is not a key of a usage file; did you mean log_gb?"),
        ("[defaults]\n\nzzz = 5", ":3: zzz is not a key of a usage file; the keys are average_acus, "),
        ("[defaults]\nlog_gb = '5'", ":2: log_gb must be a number (got '5'); write log_gb = 10 for GB a month into"),
        ("[defaults]\nlog_gb = true", ":2: log_gb must be a number (got True)"),
        ("[defaults]\nlog_gb = nan", ":2: log_gb must be a number (got NaN)"),
        (
            "[defaults]\nlog_gb = 1e400",
            ":2: log_gb must be at most 1,000,000,000,000 (got 1E+400); write log_gb = 10 for GB a month into a log "
            "group",
        ),
        ("[defaults]\nlog_gb = -1", ":2: log_gb must be at least 0 (got -1); write log_gb = 0 for no use"),
        (
            "[defaults]\nnat_gb = 1e40",
            ":2: nat_gb must be at most 1,000,000,000,000 (got 1E+40); write nat_gb = 10 for GB",
        ),
        ("[defaults]\nspot_discount_percent = 101", ":2: spot_discount_percent must be at most 100 (got 101)"),
        ('[constructs."Shop/Web"]\nlcu = 1', ":2: lcu is not a key of a usage file; did you mean lcus?"),
        ('[constructs."Shop/Web/"]\nlcus = 1', ':1: a construct path must not be empty or begin or end with "/"'),
        ("[constructs]\nlcus = 1", ':2: lcus must be a table of keys (got 1); write [constructs."PATH"]'),
        ("[constructs.Shop.Web]\nlcus = 1", "Web is not a key of a usage file (a construct path needs quotes"),
        ("[default]\nlcus = 1", ':1: default is not a table of a usage file; use [defaults] or [constructs."PATH"]'),
        ("defaults = 1", ":1: defaults must be a table (got 1)"),
        ("[defaults", "; a line is a key and a number without a unit, such as nat_gb = 50"),
        ("[defaults]\nnat_gb = 50 GB", "; a line is a key and a number without a unit, such as nat_gb = 50"),
        ("[constructs.Shop/Web]\nlcus = 1", '; a construct path needs quotes: [constructs."Shop/Web"]'),
    ],
)
def test_a_mistake_is_a_sentence_with_its_line(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        read(written(tmp_path, text))
    assert says in str(error.value)
    assert "usage.toml" in str(error.value)


def test_no_use_and_a_full_discount_are_values(tmp_path: Path) -> None:
    usage = read(written(tmp_path, "[defaults]\nlog_gb = 0\nspot_discount_percent = 100"))
    assert usage.defaults == {"log_gb": 0, "spot_discount_percent": 100}


def test_the_largest_number_is_a_value(tmp_path: Path) -> None:
    assert read(written(tmp_path, "[defaults]\nlog_gb = 1e12")).defaults == {"log_gb": Decimal(10**12)}


def test_all_mistakes_are_reported_together(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        read(written(tmp_path, "[defaults]\nlog_gb = -1\nlcus = 'x'\n"))
    assert len(str(error.value).splitlines()) == 2


def test_a_file_that_is_missing_or_no_text_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path / "missing.toml")
    (tmp_path / "usage.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="it is not UTF-8"):
        read(tmp_path / "usage.toml")


def test_what_is_used_by_no_component_is_a_note(tmp_path: Path) -> None:
    constructs = '[constructs."Shop/Logs"]\nlcus = 1\nlog_gb = 1\n[constructs."Shop/Web"]\nlcus = 1'
    usage = read(written(tmp_path, f"[defaults]\nnat_gb = 1\nlog_storage_gb = 1\n{constructs}"))
    notes = estimate([stack_of({"Logs": Resource("Logs::LogGroup")})], BOOK, usage).notes
    assert notes == (
        "nat_gb in [defaults] of the usage file is used by no component",
        'lcus in [constructs."Shop/Logs"] of the usage file is used by no component',
        '[constructs."Shop/Web"] of the usage file matches no construct',
    )


def test_keys_are_in_alphabetical_order_and_have_a_meaning() -> None:
    assert list(KEYS) == sorted(KEYS)
    assert all(KEYS.values())

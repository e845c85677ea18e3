"""`moorage cost` runs over every example and every environment of this repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from moorage.cli.commands import moorage
from moorage.prices.book import PriceBook
from tests.cost.conftest import ENVIRONMENTS, ROOT, Synthesized

pytestmark = pytest.mark.slow
PROGRAMS = [
    *ENVIRONMENTS,
    *(
        pytest.param(path.stem, marks=pytest.mark.oracle)  # the rules have tests of their own
        for path in sorted((ROOT / "examples").glob("*.py"))
    ),
]

WITHOUT_PRICE = {
    "ec2_windows.m7i.xlarge",
    "elasticache.valkey.cache.t4g.micro",
    "firehose.gb",
    "route53.query",
}
"""The items of these programs for which no source states a price. Any other one is probably misspelled."""


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_command_knows_every_type_and_gives_every_number_a_reason(
    name: str, synthesized: Synthesized, book: PriceBook, tmp_path: Path
) -> None:
    assembly, stacks = synthesized(name)
    file = tmp_path / "cost.json"
    done = CliRunner().invoke(moorage, ["cost", str(assembly), "--json", str(file)])
    assert done.exit_code == 0, done.output
    assert "In all: $" in done.output
    content = json.loads(file.read_text())
    assert content["unknown_types"] == {}
    assert {each["stack"] for each in content["stacks"]} == {stack.path for stack in stacks}
    for row in content["rows"]:
        check(row, book)
    assert {row["item"] for row in content["rows"] if row["item"] and row["price"] is None} <= WITHOUT_PRICE


def check(row: dict[str, Any], book: PriceBook) -> None:
    """Check that a row has what its kind promises."""
    kind = row["kind"]
    if kind == "fixed":
        assert row["month"] is not None
        assert row["source"]
    elif kind == "by use":
        assert row["price"] is not None
    else:
        assert row["assumptions"], row
        assert row["month"] is None
    if row["price"] is not None:
        assert float(row["price"]) > 0
        assert row["item"] in book.items or "Spot" in row["component"]

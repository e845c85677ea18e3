"""The page in the guide to costs is what the command prints, and its table of keys is complete."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from moorage.cost.usage import KEYS
from tests.docs.fences import fences_of
from tools.docs.pages import ROOT

GUIDE = ROOT / "docs" / "guides" / "cost.md"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a folder with the guide's files and the assembly of its app."""
    for fence in fences_of(GUIDE):
        if fence.title:
            (tmp_path / fence.title).write_text(fence.text)
    environment = {**os.environ, "CDK_OUTDIR": "cdk.out", "CDK_CONTEXT_JSON": '{"aws:cdk:version-reporting": true}'}
    subprocess.run([sys.executable, "app.py"], cwd=tmp_path, env=environment, check=True, capture_output=True)
    return tmp_path


@pytest.mark.slow
def test_the_page_is_what_the_command_prints(shop: Path) -> None:
    (shown,) = [fence for fence in fences_of(GUIDE) if fence.language == "text"]
    (shop / "cdk.out" / "manifest.json").touch()  # the page shows an assembly that is less than a minute old
    command = [sys.executable, "-c", "from moorage.cli import main; main()", "cost", "cdk.out"]
    done = subprocess.run([*command, "--usage", "usage.toml"], cwd=shop, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines()) == shown.text


def test_the_arithmetic_of_the_page_is_right() -> None:
    """The rows of the worked example add up to its sums: quantity by price is the month, and the months the total."""
    (shown,) = [fence for fence in fences_of(GUIDE) if fence.language == "text"]
    total = Decimal(0)
    for quantity, price, month in re.findall(
        r" ([\d,.]+)(?: to [\d,.]+)?  [\w-]+ +([\d.]+) +([\d.]+)(?: to [\d.]+)?(?:  [\d, ]+)?$",
        shown.text,
        re.MULTILINE,
    ):
        exact = Decimal(quantity.replace(",", "")) * Decimal(price)
        assert abs(exact - Decimal(month)) < Decimal("0.006")
        total += exact
    fixed, use = re.findall(r"^In all: \$([\d.]+) to [\d.]+ a month, and \$([\d.]+) by use$", shown.text, re.MULTILINE)[
        0
    ]
    assert abs(total - Decimal(fixed) - Decimal(use)) < Decimal("0.01")


def test_the_numbers_of_metrics_are_those_of_the_example() -> None:
    """The text says how many metrics a cluster, a service and a task have; the example has 2 to 6 tasks."""
    page = " ".join(GUIDE.read_text().split())
    said = re.findall(
        r"(\d+) for a cluster with a service on Fargate, (\d+) for the service and (\d+) for each task", page
    )
    ((cluster, service, task),) = (tuple(map(int, each)) for each in said)
    (ranges,) = re.findall(r"Container Insights \(enhanced\) (\d+) to (\d+) metric-month", page)
    assert tuple(map(int, ranges)) == (service + 2 * task, service + 6 * task)
    assert f" Container Insights (enhanced) {cluster} metric-month" in page


def test_the_table_of_keys_is_complete() -> None:
    section = GUIDE.read_text().partition("\n## State the use\n")[2].partition("\n## ")[0]
    assert dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE)) == KEYS

"""The tables in the guide to launch types are what the command and the arithmetic give for its app and workloads."""

from __future__ import annotations

import itertools
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner

from moorage.advice.advice import advise
from moorage.advice.assumptions import Assumptions
from moorage.advice.hosts import parity
from moorage.advice.launch_type import LaunchType
from moorage.advice.market import Market
from moorage.advice.money import usd
from moorage.advice.offers import Offer
from moorage.advice.workload import DEFAULT_RUN_MINUTES, DEFAULT_RUNS, Workload
from moorage.cli.commands import moorage
from moorage.prices import PriceBook
from moorage.workload.ec2_instances import instance_type
from moorage.workload.fargate_sizes import FARGATE_MEMORY
from moorage.workload.task import Architecture
from tests.docs.fences import fences_of
from tools.docs.pages import ROOT

GUIDE = ROOT / "docs" / "guides" / "launch-type.md"
_COMPUTED = re.compile(r"<!-- computed: (\w+) -->\n(.*?)<!-- end -->", re.DOTALL)
PARITY = ("m6i.large", "c6i.xlarge", "m7i.large", "m7g.large", "r7g.large", "c7g.xlarge", "m8g.large")
SERVICE = Workload(name="service", cpu=1024, memory_mib=2048, least=64)
LIST = Assumptions(trunking=True, upkeep_hours=0)


def parities() -> Iterator[str]:
    market = Market.of(PriceBook.load(), "us-east-1")
    yield "| type | share that must be reserved |\n|---|---:|\n"
    for name in PARITY:
        type_ = instance_type(name)
        assert type_ is not None
        share = parity(type_, market)
        assert share is not None
        yield f"| {name} | {share * 100:.0f} % |\n"


def reasons() -> Iterator[str]:
    """Yield the lines of the table of what makes EC2 cheaper, each with its own change of one service."""
    spot = attrs.evolve(LIST, ec2_spot_percent=60)
    both = attrs.evolve(spot, fargate_spot_percent=66)
    yield "| 64 copies | Fargate | EC2 | EC2 to Fargate |\n|---|---:|---:|---:|\n"
    yield row("1 vCPU and 2 GiB, list price", SERVICE, SERVICE, LIST)
    yield row(
        "the same with a Savings Plan of 40 % on EC2", SERVICE, SERVICE, attrs.evolve(LIST, ec2_savings_plan_percent=40)
    )
    yield row(
        "the same with 40 % on EC2 and 20 % on Fargate",
        SERVICE,
        SERVICE,
        attrs.evolve(LIST, savings_plan_percent=20, ec2_savings_plan_percent=40),
    )
    yield row(
        "EC2 Spot at 60 % below on demand, against Fargate on demand",
        SERVICE,
        SERVICE,
        spot,
        hosted=LaunchType.EC2_SPOT,
    )
    yield row(
        "EC2 Spot at 60 %, against Fargate Spot at 66 %",
        SERVICE,
        SERVICE,
        both,
        fargate=LaunchType.FARGATE_SPOT,
        hosted=LaunchType.EC2_SPOT,
    )
    yield row("1 vCPU that EC2 shares: a reservation of 0.25 vCPU", SERVICE, attrs.evolve(SERVICE, cpu=256), LIST)
    large = attrs.evolve(SERVICE, memory_mib=4096)
    yield row("1 vCPU and 4 GiB", large, large, LIST)
    fitted = attrs.evolve(SERVICE, memory_mib=3840)
    yield row("1 vCPU and 3,840 MiB, a shape for hosts that Fargate rounds up", fitted, fitted, LIST)


def row(
    name: str,
    on_fargate: Workload,
    on_hosts: Workload,
    assumptions: Assumptions,
    *,
    fargate: LaunchType = LaunchType.FARGATE,
    hosted: LaunchType = LaunchType.EC2,
) -> str:
    first, second = (
        cost(advised_on(workload, assumptions), launch_type)
        for workload, launch_type in ((on_fargate, fargate), (on_hosts, hosted))
    )
    assert first.cost is not None
    assert second.cost is not None
    ratio = second.cost.expected / first.cost.expected
    return f"| {name} | {usd(first.cost.expected)} | {usd(second.cost.expected)} | {ratio:.2f} |\n"


def advised_on(workload: Workload, assumptions: Assumptions) -> tuple[Offer, ...]:
    return advise([attrs.evolve(workload, interruptible=True)], assumptions=assumptions).options


def cost(options: tuple[Offer, ...], launch_type: LaunchType) -> Offer:
    (found,) = [each for each in options if (each.launch_type, each.architecture) == (launch_type, Architecture.X86_64)]
    return found


@pytest.mark.parametrize(("name", "lines"), [("parity", parities), ("reasons", reasons)])
def test_a_computed_table_is_what_the_arithmetic_gives(name: str, lines: object) -> None:
    shown = dict(_COMPUTED.findall(GUIDE.read_text()))
    assert callable(lines)
    assert shown[name].strip() == "".join(lines()).strip()


def test_the_defaults_of_the_page_are_those_of_the_advice() -> None:
    page, given = " ".join(GUIDE.read_text().split()), Assumptions()
    for said in (
        f"more than {given.margin_percent} % cheaper than Fargate",
        f"| {given.upkeep_hours} hours at ${given.hourly_rate} |",
        f"| {DEFAULT_RUN_MINUTES} minutes a run; {DEFAULT_RUNS} runs a month for events |",
        f"by default, a run takes {DEFAULT_RUN_MINUTES} minutes",
        f"more than {max(FARGATE_MEMORY) // 1024} vCPUs or {max(map(max, FARGATE_MEMORY.values())) // 1024} GiB",
    ):
        assert said in page


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    (program,) = [fence for fence in fences_of(GUIDE) if fence.title == "app.py"]
    (tmp_path / "app.py").write_text(program.text)
    environment = {**os.environ, "CDK_OUTDIR": "cdk.out", "CDK_VALIDATION": "false"}
    done = subprocess.run([sys.executable, "app.py"], cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return tmp_path


@pytest.mark.slow
def test_each_page_is_what_its_command_prints(assembly: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(assembly)
    fences = fences_of(GUIDE)
    (assembly / "usage.toml").write_text(next(fence.text for fence in fences if fence.title == "usage.toml"))
    pages = [
        (command.text, page.text)
        for command, page in itertools.pairwise(fences)
        if command.language == "sh" and page.language == "text"
    ]
    assert len(pages) == 5
    for command, shown in pages:
        done = CliRunner().invoke(moorage, shlex.split(command, comments=True)[1:])
        assert done.exit_code == 0, done.output
        printed = "".join(f"{line.rstrip()}\n" for line in done.output.partition("\nAssumptions\n")[0].splitlines())
        assert shown.strip() == printed.strip()

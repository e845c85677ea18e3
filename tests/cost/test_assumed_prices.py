"""Prices that no source states are marked as assumed in each form of an estimate, and in its sums."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from moorage.assembly.cloud_assembly import Stack
from moorage.cost import command, json_form, terminal
from moorage.cost.amounts import ZERO
from moorage.cost.estimate import Estimate
from moorage.cost.summary import summary
from tests.cost.cost_rows import BOOK, Resource, estimated, stack_of


def app() -> Stack:
    """Return a stack with a key and a task on Fargate Spot."""
    strategy = [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}]
    service = {"TaskDefinition": {"Ref": "Task"}, "CapacityProviderStrategy": strategy}
    resources = {
        "Task": Resource("ECS::TaskDefinition", {"Cpu": "1024", "Memory": "2048"}),
        "Web": Resource("ECS::Service", service),
        "Key": Resource("KMS::Key"),
    }
    return stack_of(resources)


def spot(**use: float) -> Estimate:
    """Return the estimate of a key and of a task on Fargate Spot."""
    return estimated(app(), use=use)


def test_the_table_and_the_sum_say_what_is_assumed() -> None:
    shown = terminal.render(spot())
    assert "Fargate Spot vCPU (assumed)" in shown
    assert "KMS key (assumed)" not in shown
    for name in ("Shop", "In all"):
        assert f"{name}: $19.02 a month; $18.02 of it rests on assumed prices\n" in shown
    assert "No source states the prices of the components marked (assumed), so they are assumptions." in shown


def test_json_marks_rows_and_sums() -> None:
    content = json.loads(json_form.render(spot(), BOOK))
    assert {row["component"] for row in content["rows"] if row["assumed"]} == {
        "Fargate Spot vCPU",
        "Fargate Spot memory",
    }
    assert Decimal(content["total"]["assumed"]["least"]) == Decimal(content["total"]["fixed"]["least"]) - 1


def test_a_discount_of_the_usage_file_is_not_assumed() -> None:
    found = spot(spot_discount_percent=60)
    assert found.total.assumed == ZERO
    assert "assumed" not in terminal.render(found)


def test_the_line_after_a_deployment_says_what_is_assumed() -> None:
    assert summary([app()], Path("cdk.out"), ()) == (
        "On AWS, this costs at least $19.02 a month, of which $18.02 rests on assumed prices (moorage cost cdk.out)\n"
    )


def test_an_exceeded_budget_says_what_is_assumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "manifest.json").touch()
    monkeypatch.setattr(command, "stacks_of", lambda _: [app()])
    assert command.run(command.Request(assembly=tmp_path, budget="10")) == 1
    assert capsys.readouterr().err == (
        "moorage cost: $19.02 a month is over the budget of $10, which is compared with the least number of copies; "
        "$18.02 of it rests on assumed prices\n"
    )

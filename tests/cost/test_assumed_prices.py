"""Prices that no source states are marked as assumed in each form of an estimate, and in its sums."""

from __future__ import annotations

import json
from decimal import Decimal

from moorage.cost import json_form, terminal
from moorage.cost.amounts import ZERO
from moorage.cost.estimate import Estimate
from tests.cost.cost_rows import BOOK, Resource, estimated, stack_of


def spot(**use: float) -> Estimate:
    """Return the estimate of a key and of a task on Fargate Spot."""
    strategy = [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}]
    service = {"TaskDefinition": {"Ref": "Task"}, "CapacityProviderStrategy": strategy}
    resources = {
        "Task": Resource("ECS::TaskDefinition", {"Cpu": "1024", "Memory": "2048"}),
        "Web": Resource("ECS::Service", service),
        "Key": Resource("KMS::Key"),
    }
    return estimated(stack_of(resources), use=use)


def test_the_table_and_the_sum_say_what_is_assumed() -> None:
    shown = terminal.render(spot())
    assert "Fargate Spot vCPU (assumed)" in shown
    assert "KMS key (assumed)" not in shown
    assert "$18.02 of it is assumed: no source states the prices of the components marked (assumed)." in shown


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

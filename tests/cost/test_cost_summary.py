"""The line about the cost at the end of a deployment into the local AWS."""

from __future__ import annotations

from pathlib import Path

import pytest

from moorage.cost import summary as module
from moorage.cost.summary import summary
from moorage.prices.price import PriceBookError
from tests.cost.cost_rows import Resource, stack_of

NAT = {"Nat": Resource("EC2::NatGateway")}
FOLDER = Path(".moorage/cdk.out")


def test_the_line_has_the_least_cost_and_the_command_that_shows_it() -> None:
    service = {
        "Task": Resource("ECS::TaskDefinition", {"Cpu": "1024", "Memory": "2048"}),
        "Web": Resource(
            "ECS::Service", {"TaskDefinition": {"Ref": "Task"}, "LaunchType": "FARGATE", "DesiredCount": 2}
        ),
    }
    line = summary([stack_of({**NAT, **service})], FOLDER, ())
    assert line == "On AWS, this costs at least $104.93 a month (moorage cost .moorage/cdk.out)\n"


def test_only_the_stacks_with_the_paths_are_estimated() -> None:
    stacks = [stack_of(NAT, name="Prod/Web"), stack_of(NAT, name="Prod/Data"), stack_of(NAT, name="Dev/Web")]
    line = summary(stacks, Path("my home/cdk.out"), ["Prod/*"], "bin/moorage")
    assert line == "On AWS, this costs at least $65.70 a month (bin/moorage cost 'my home/cdk.out' 'Prod/*')\n"


def test_components_whose_cost_is_unknown_are_counted() -> None:
    databases = {name: Resource("RDS::DBCluster", {"Engine": "other"}) for name in ("One", "Two")}
    one = summary([stack_of({**NAT, "One": databases["One"]})], FOLDER, ())
    assert " a month, without 1 component whose cost is unknown (moorage" in one
    assert " a month, without 2 components whose cost is unknown (moorage" in summary(
        [stack_of(NAT | databases)], FOLDER, ()
    )


def test_there_is_no_line_if_everything_depends_on_use() -> None:
    assert summary([stack_of({"Topic": Resource("SNS::Topic")})], FOLDER, ()) == ""


@pytest.mark.parametrize("error", [PriceBookError("prices.json", ["it cannot be read"]), KeyError("Resources")])
def test_there_is_no_line_if_the_cost_cannot_be_estimated(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(module, "estimate", fail)
    assert summary([stack_of(NAT)], FOLDER, ()) == ""

"""The programs of docs/migrating keep the resources of a running service."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from moorage.local.server.core.schema import create_only
from moorage.testing import readable_template
from tests.conftest import synthesize
from tests.local.local_aws import Client

_PAGES = Path(__file__).parents[2] / "docs" / "migrating"
_PROGRAM = re.compile(r"^```python[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_BALANCING = "AWS::ElasticLoadBalancingV2"
_KEPT = {
    "from-aws-ecs-patterns": {
        *("AWS::ECS::Cluster", "AWS::ECS::Service"),
        *(f"{_BALANCING}::{name}" for name in ("LoadBalancer", "Listener", "TargetGroup")),
    },
    "from-terraform": {"AWS::ECS::Service", f"{_BALANCING}::ListenerRule", f"{_BALANCING}::TargetGroup"},
}
"""The types of the resources that each page promises to keep."""

Resources = dict[str, dict[str, Any]]


def templates_of(page: str, folder: Path) -> tuple[Resources, Resources]:
    """Return the resources of the stack before and after the move, as the programs of a page define them."""
    before, after = (resources_of(text, folder / str(index)) for index, text in enumerate(programs_of(page)))
    return before, after


def programs_of(page: str) -> list[str]:
    return _PROGRAM.findall((_PAGES / f"{page}.md").read_text(encoding="utf-8"))


def resources_of(text: str, folder: Path) -> Resources:
    folder.mkdir()
    program = folder / "app.py"
    program.write_text(text)
    synthesize(program, folder / "cdk.out")
    (template,) = readable_template(folder / "cdk.out").values()
    resources: Resources = template["Resources"]
    return resources


@pytest.mark.parametrize("page", _KEPT)
def test_a_move_changes_no_property_that_replaces_a_resource(page: str, tmp_path: Path) -> None:
    before, after = templates_of(page, tmp_path)
    kept = {name for name in before.keys() & after.keys() if before[name]["Type"] in _KEPT[page]}
    assert {before[name]["Type"] for name in kept} == _KEPT[page]
    for name in kept:
        assert after[name]["Type"] == before[name]["Type"]
        for argument in create_only(before[name]["Type"]):
            values = [each[name].get("Properties", {}).get(argument) for each in (before, after)]
            assert values[0] == values[1], f"{name}.{argument}"


@pytest.mark.slow
def test_a_service_of_a_pattern_stays_when_it_is_moved(
    client: Client, remove: Callable[[str], None], tmp_path: Path
) -> None:
    cloudformation = client("cloudformation")
    before, after = templates_of("from-aws-ecs-patterns", tmp_path)

    def deployed(change: Callable[..., Any], resources: Resources) -> dict[str, str]:
        template = json.dumps({"Resources": resources})
        change(StackName="Moved", TemplateBody=template, Capabilities=["CAPABILITY_IAM"])
        (stack,) = cloudformation.describe_stacks(StackName="Moved")["Stacks"]
        assert stack["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
        described = cloudformation.describe_stack_resources(StackName="Moved")["StackResources"]
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in described}

    try:
        first = deployed(cloudformation.create_stack, before)
        second = deployed(cloudformation.update_stack, after)
    finally:
        remove("Moved")
    kept = [name for name, each in before.items() if each["Type"] in _KEPT["from-aws-ecs-patterns"]]
    assert {name: second.get(name) for name in kept} == {name: first[name] for name in kept}

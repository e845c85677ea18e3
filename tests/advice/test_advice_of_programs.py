"""`moorage advise` runs over every example and every environment of this repository."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from moorage.cli.commands import moorage
from tests.cost.conftest import ENVIRONMENTS, ROOT, Synthesized

pytestmark = pytest.mark.slow
PROGRAMS = [
    *ENVIRONMENTS,
    *(
        pytest.param(path.stem, marks=pytest.mark.oracle)  # the rules have tests of their own
        for path in sorted((ROOT / "examples").glob("*.py"))
    ),
]
WITHOUT_WORKLOADS = {"lifecycle", "public_repository", "registry", "replication", "repository", "tooling"}
FAMILIES = {"Fargate", "Fargate Spot", "EC2 on demand", "EC2 Spot", "ECS Managed Instances"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_workload_of_a_program_gets_advice(name: str, synthesized: Synthesized, tmp_path: Path) -> None:
    assembly, stacks = synthesized(name)
    services = sum(
        each.type == "AWS::ECS::Service" for top in stacks for stack in top.walk() for each in stack.resources
    )
    file = tmp_path / "advice.json"
    done = CliRunner().invoke(moorage, ["advise", str(assembly), "--json", str(file)])
    assert done.exit_code == 0, done.output
    content = json.loads(file.read_text())
    single = [each for each in content["advice"] if "together" not in each["subject"]]
    assert len(single) >= services
    assert bool(single) is (name not in WITHOUT_WORKLOADS)
    assert not [note for note in content["notes"] if note.startswith("no advice")]
    for advice in content["advice"]:
        assert {option["launch_type"] for option in advice["options"]} == FAMILIES
        if not advice["reason"].startswith("A daemon"):
            assert advice["advised"]["launch_type"] in FAMILIES
            assert f"Advised: {advice['advised']['launch_type']}" in advice["reason"]


def test_a_service_that_sends_messages_is_no_worker(synthesized: Synthesized) -> None:
    assembly, _ = synthesized("production")
    for path, kind in (("production/Services/Orders", "service"), ("production/Jobs/Orders", "worker")):
        done = CliRunner().invoke(moorage, ["advise", str(assembly), path])
        assert f"\n{path} ({kind} on " in f"\n{done.output}"

"""Someone follows docs/environments.md: all environments of this repository are deployed into the local AWS."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from moorage.local.account import Account
from moorage.local.process import Home
from tests.docs.fences import fences_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "environments.md"
NOT_RUN = re.compile(r"make setup|\. \.venv|cdk ")
TOOLING, DEV, STAGING, PRODUCTION = "111111111111", "222222222222", "333333333333", "444444444444"
IRELAND, FRANKFURT = "eu-west-1", "eu-central-1"


@attrs.frozen
class Clone:
    """A folder with what the commands use of a clone."""

    folder: Path

    def run(self, command: str) -> str:
        python = Path(sys.executable).parent
        environment = {
            **os.environ,
            "PATH": f"{python}{os.pathsep}{ROOT / 'node_modules' / '.bin'}{os.pathsep}{os.environ['PATH']}",
            "CDK_VALIDATION": "false",
        }
        done = subprocess.run(
            ["sh", "-ec", command],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def change(self, old: str, new: str) -> None:
        file = self.folder / "environments.toml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))

    def client(self, service: str, account: str, region: str = IRELAND) -> Any:
        server = Home(self.folder / ".moorage").running()
        assert server
        return Account(server.access, account, region).client(service)


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    for name in ("app.py", "cdk.json", "environments.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("stacks", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    yield Clone(tmp_path)
    Home(tmp_path / ".moorage").stop()


def commands() -> list[str]:
    """Return the commands of the page, which end with the removal of everything."""
    lines = [line for fence in fences_of(PAGE) if fence.language == "sh" for line in fence.text.splitlines()]
    return [line for line in lines if line and not NOT_RUN.match(line)]


@pytest.mark.slow
def test_all_environments_are_deployed_changed_and_removed(clone: Clone) -> None:
    *deploying, diff, down = commands()
    assert (diff, down) == ("python -m moorage.local diff", "python -m moorage.local down")
    status = [clone.run(command) for command in deploying][-1]
    stacks = dict(re.findall(r"^stack +(\S+) +(\S+), ", status, re.MULTILINE))
    assert set(stacks.values()) == {"CREATE_COMPLETE"}
    assert {stack.partition("/")[0] for stack in stacks} == {"tooling", "dev", "staging", "production"}
    assert f"{PRODUCTION} {FRANKFURT}" in status
    every = re.findall(r"(\d+) of (\d+) tasks running", status)
    assert len(every) > 15
    assert all(running == wanted for running, wanted in every)
    changed_image_and_capacity(clone, diff)
    assert "All stacks are deleted" in clone.run(down)


def changed_image_and_capacity(clone: Clone, diff: str) -> None:
    """Pin an image by its digest, and take a capacity away, as the page's review announces."""
    digest = f"sha256:{'0a' * 32}"
    clone.change("[production.jobs]", f'[production.services.ui]\ndigest = "{digest}"\n\n[production.jobs]')
    clone.change("capacity = { general = 1, spot = 1 }", "capacity = { general = 1 }")
    said = clone.run(diff)
    assert "production/Services/Ui" in said
    assert "5 resources differ" in said
    clone.run("python -m moorage.local up 'production/Services' 'staging/*'")
    ecs = clone.client("ecs", PRODUCTION)
    (cluster,) = ecs.list_clusters()["clusterArns"]
    families = [arn for arn in ecs.list_task_definitions()["taskDefinitionArns"] if "Ui" in arn]
    image = ecs.describe_task_definition(taskDefinition=families[-1])["taskDefinition"]["containerDefinitions"][0]
    cached = "ecr-public/aws-containers/retail-store-sample-ui"
    assert image["image"] == f"{TOOLING}.dkr.ecr.{IRELAND}.amazonaws.com/{cached}@{digest}"
    assert len(ecs.list_services(cluster=cluster)["serviceArns"]) == 6

"""Someone follows docs/environments.md and docs/recovery.md in the local AWS."""

from __future__ import annotations

import json
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
NOT_RUN = re.compile(r"make setup-local|\. \.venv|(time )?cdk ")
TOOLING, DEV, STAGING, PRODUCTION = "111111111111", "222222222222", "333333333333", "444444444444"
IRELAND, FRANKFURT = "eu-west-1", "eu-central-1"
READS_APP = re.compile(r"python -m moorage\.local (up|diff)|moorage promote")
ZONES = {
    f"availability-zones:account={account}:region={region}": [f"{region}{letter}" for letter in "abc"]
    for account in (TOOLING, DEV, STAGING, PRODUCTION)
    for region in (IRELAND, FRANKFURT)
}
"""The zones that CDK would look up."""
CHECKOUT = {
    "stacks/settings/services.py": (
        ', "checkout")',
        ")",
        "        checkout: The differences of the checkout. Default: none.\n",
        "",
        "    checkout: ServiceOverrides | None = None\n",
        "",
    ),
    "stacks/services.py": (
        """        checkout = service(
            "checkout", store=stores["checkout"], environment={"RETAIL_CHECKOUT_ENDPOINTS_ORDERS": "http://orders"}
        )
""",
        "",
        "        checkout.connect_to(orders)\n",
        "",
        "carts, checkout, orders)",
        "carts, orders)",
        ", orders, checkout)",
        ", orders)",
    ),
}
"""The lines of a service, and the lines that replace them, in turn."""


@attrs.frozen
class Clone:
    """A folder with what the commands use of a clone. They read an assembly, which is synthesized once a change."""

    folder: Path

    def synthesize(self) -> None:
        shutil.rmtree(self.folder / "cdk.out", ignore_errors=True)
        self.run("CDK_OUTDIR=cdk.out python app.py")

    def run(self, command: str) -> str:
        if READS_APP.match(command):
            command += " --app cdk.out"
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

    def change(self, name: str, old: str, new: str) -> None:
        file = self.folder / name
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
    (tmp_path / "cdk.context.json").write_text(json.dumps(ZONES))
    yield Clone(tmp_path)
    Home(tmp_path / ".moorage").stop()


def commands(page: str) -> list[str]:
    """Return the commands of a page."""
    lines = [
        line for fence in fences_of(ROOT / "docs" / page) if fence.language == "sh" for line in fence.text.splitlines()
    ]
    return [line for line in lines if line and not NOT_RUN.match(line)]


def stacks(status: str) -> dict[str, str]:
    """Return the state of each stack, as `status` shows it."""
    return dict(re.findall(r"^stack +(\S+) +(\S+), ", status, re.MULTILINE))


def require_running(status: str, least: int) -> None:
    """Check that all stacks and all tasks are as wanted."""
    assert set(stacks(status).values()) <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    every = re.findall(r"(\d+) of (\d+) tasks running", status)
    assert len(every) >= least
    assert all(running == wanted for running, wanted in every)


@pytest.mark.oracle
@pytest.mark.slow
def test_all_environments_are_deployed_changed_recovered_and_removed(clone: Clone) -> None:
    *deploying, diff, down = commands("environments.md")
    assert diff.startswith("python -m moorage.local diff ")
    assert down == "python -m moorage.local down"
    clone.run(deploying.pop(0))
    clone.synthesize()
    status = [clone.run(command) for command in deploying][-1]
    require_running(status, 16)
    assert {stack.partition("/")[0] for stack in stacks(status)} == {"tooling", "dev", "staging", "production"}
    assert f"{PRODUCTION} {FRANKFURT}" in status
    a_release_is_promoted(clone)
    a_service_a_repository_and_a_capacity_are_removed(clone, diff)
    status = [clone.run(command) for command in commands("recovery.md")][-1]
    require_running(status, 5)
    assert {stack.partition("/")[0] for stack in stacks(status)} == {"production", "production-recovery"}
    assert not re.search(rf"^stack .*{IRELAND}", status, re.MULTILINE)
    assert running_image(clone, "Ui", FRANKFURT) == f"{registry(FRANKFURT)}/retail/ui@{digest_of(clone, '1.6.2')}"
    assert "All stacks are deleted" in clone.run(down)


def a_release_is_promoted(clone: Clone) -> None:
    """Push a release, and promote it from `staging` to `production` by its digest."""
    clone.run("python -m tools.local_images 1.7.0")
    released = digest_of(clone, "1.7.0")
    assert f"{registry(IRELAND)}/retail/ui@{digest_of(clone, '1.6.2')}" == running_image(clone, "Ui", IRELAND)
    clone.run("moorage promote --local --yes ui :1.7.0 staging")
    clone.run("moorage promote --local --yes ui staging production")
    clone.run("python -m moorage.local up production/Services")
    assert running_image(clone, "Ui", IRELAND) == f"{registry(IRELAND)}/retail/ui@{released}"


def a_service_a_repository_and_a_capacity_are_removed(clone: Clone, diff: str) -> None:
    """Remove a service with its repository, and a capacity, as the page's review announces."""
    clone.change("environments.toml", "capacity = { general = 1, spot = 1 }", "capacity = { general = 1 }")
    for file, texts in CHECKOUT.items():
        for old, new in zip(texts[::2], texts[1::2], strict=True):
            clone.change(file, old, new)
    clone.synthesize()
    assert "production/Services/Checkout" in clone.run(diff)
    clone.run("python -m moorage.local up 'tooling/*' 'staging/*' production/Services")
    ecs, ecr = clone.client("ecs", PRODUCTION), clone.client("ecr", TOOLING)
    (cluster,) = ecs.list_clusters()["clusterArns"]
    assert len(ecs.list_services(cluster=cluster)["serviceArns"]) == 5
    names = {each["repositoryName"] for each in ecr.describe_repositories()["repositories"]}
    assert "ecr-public/aws-containers/retail-store-sample-ui" in names
    assert "ecr-public/aws-containers/retail-store-sample-checkout" not in names
    assert "retail/checkout" in names  # it is retained, since tooling is not removable


def registry(region: str) -> str:
    return f"{PRODUCTION}.dkr.ecr.{region}.amazonaws.com"


def digest_of(clone: Clone, tag: str) -> str:
    """Return the digest of an image of the web front end in the recovery region."""
    ecr = clone.client("ecr", PRODUCTION, FRANKFURT)
    (image,) = ecr.describe_images(repositoryName="retail/ui", imageIds=[{"imageTag": tag}])["imageDetails"]
    return str(image["imageDigest"])


def running_image(clone: Clone, service: str, region: str) -> str:
    """Return the image in the newest task definition of a service of `production`."""
    ecs = clone.client("ecs", PRODUCTION, region)
    families = [arn for arn in ecs.list_task_definitions()["taskDefinitionArns"] if service in arn]
    definition = ecs.describe_task_definition(taskDefinition=families[-1])["taskDefinition"]
    return str(definition["containerDefinitions"][0]["image"])

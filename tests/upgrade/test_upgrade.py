"""The environments of the last release are updated in place: no data is replaced, and no service."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from moorage.local.account import Account
from moorage.local.process import Home

ROOT = Path(__file__).resolve().parents[2]
KEPT = Path(__file__).with_name("kept")
"""The assembly of the last release, as tools/kept_assembly.py keeps it: `dev` and `production`."""
CERTIFICATE = "/moorage/production/certificate-arn"
REPLACED = {"AWS::ECS::TaskDefinition": "each change of a task definition is a new revision"}
"""The types whose resources may be replaced, each with the reason."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    shutil.copy(ROOT / "cdk.json", tmp_path)
    yield tmp_path
    Home(tmp_path / ".moorage").stop()


def run(folder: Path, *command: str, **variables: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, **variables}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def up(folder: Path, assembly: Path, *stacks: str) -> None:
    run(folder, sys.executable, "-m", "moorage.local", "up", "--app", str(assembly), *stacks)


def account(folder: Path) -> Account:
    server = Home(folder / ".moorage").running()
    assert server
    return Account(server.access, None, None)


def write_certificate(folder: Path) -> None:
    here = account(folder)
    arn = here.client("acm").request_certificate(DomainName="shop.example.com")["CertificateArn"]
    here.client("ssm").put_parameter(Name=CERTIFICATE, Type="String", Value=arn)


def resources(folder: Path) -> Mapping[tuple[str, str], tuple[str, str]]:
    """Return the type and the physical ID of each resource, by its stack and logical ID."""
    found = {}
    cloudformation = account(folder).client("cloudformation")
    for stack in cloudformation.list_stacks(StackStatusFilter=["CREATE_COMPLETE", "UPDATE_COMPLETE"])["StackSummaries"]:
        listed = cloudformation.list_stack_resources(StackName=stack["StackName"])["StackResourceSummaries"]
        for each in listed:
            key = (stack["StackName"], each["LogicalResourceId"])
            found[key] = (each["ResourceType"], each["PhysicalResourceId"])
    return found


def last_release(folder: Path, today: Path) -> Path:
    """Return the assembly of the last release, with the code of CDK's custom resources that today's assembly has."""
    kept = folder / "kept"
    shutil.copytree(KEPT, kept)
    code = {
        each["displayName"]: manifest.parent / each["source"]["path"]
        for manifest in today.glob("assembly-*/*.assets.json")
        for each in json.loads(manifest.read_text())["files"].values()
    }
    for manifest in kept.glob("assembly-*/*.assets.json"):
        for each in json.loads(manifest.read_text())["files"].values():
            source = manifest.parent / each["source"]["path"]
            if each["source"]["packaging"] == "zip" and not source.exists():
                shutil.copytree(code[each["displayName"]], source)
    return kept


@pytest.mark.slow
def test_the_last_release_is_updated_in_place(folder: Path) -> None:
    today = folder / "today"
    run(ROOT, sys.executable, "app.py", CDK_OUTDIR=str(today), CDK_VALIDATION="false")
    kept = last_release(folder, today)
    up(folder, kept, "dev/*")
    write_certificate(folder)
    up(folder, kept)
    before = resources(folder)
    up(folder, today, "dev/*", "production/*")
    after = resources(folder)
    gone = {
        key: (kind, after.get(key, (kind, "removed"))[1])
        for key, (kind, physical_id) in before.items()
        if kind not in REPLACED and after.get(key) != (kind, physical_id)
    }
    assert gone == {}
    assert len(after) > len(before) > 200
    # the review says the same without a deployment
    run(folder, "moorage", "review", str(kept), str(today), "--no-policy", "--fail-on", "lost,refused")

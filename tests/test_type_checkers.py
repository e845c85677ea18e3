"""mypy and pyright report the lines of a user's program that fail at run time, and no other line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAM = """\
import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_servicediscovery as servicediscovery

from moorage import Cluster, Repository

stack = cdk.Stack(cdk.App(), "Shop")
cluster = Cluster(stack, "Cluster", vpc=ec2.Vpc(stack, "Vpc"))
group = cluster.add_capacity("Asg", instance_type=ec2.InstanceType("t3.small"))  # error
cluster.enable_fargate_capacity_providers()  # error
cluster.add_default_capacity_provider_strategy([])  # error
cluster.add_default_cloud_map_namespace(name="shop")  # error
namespace = servicediscovery.HttpNamespace(stack, "Namespace", name="shop")
cluster.add_existing_default_cloud_map_namespace(namespace=namespace)  # error
Repository(stack, "Images").add_lifecycle_rule(max_image_count=3)  # error
cluster.with_capacity.cluster_name
cluster.cluster_names  # error
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("program") / "program.py"
    file.write_text(PROGRAM, "utf-8")
    return file


def lines_of_mypy(program: Path) -> set[int]:
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "--num-workers", "0", str(program)]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    return {int(line) for line in re.findall(r"program\.py:(\d+): error", output)}


def lines_of_pyright(program: Path) -> set[int]:
    settings = {"include": [program.name], "extraPaths": [str(ROOT / "constructs")], "useLibraryCodeForTypes": False}
    environment = {"venvPath": str(ROOT), "venv": ".venv", "typeCheckingMode": "standard"}
    (program.parent / "pyrightconfig.json").write_text(json.dumps(settings | environment), "utf-8")
    command = ["node", str(ROOT / "node_modules" / "pyright" / "index.js"), "-p", str(program.parent), "--outputjson"]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    return {each["range"]["start"]["line"] + 1 for each in json.loads(output)["generalDiagnostics"]}


def expected() -> set[int]:
    return {number for number, line in enumerate(PROGRAM.splitlines(), 1) if line.endswith("# error")}


@pytest.mark.slow
def test_mypy_reports_each_line_that_fails(program: Path) -> None:
    assert lines_of_mypy(program) == expected()


@pytest.mark.slow
def test_pyright_reports_each_line_that_fails(program: Path) -> None:
    assert lines_of_pyright(program) == expected()

"""Every example synthesizes as it stands, and so does the README's."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import synthesize
from tools.cloudformation_lint import matches

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
BOUNDARY = {"@aws-cdk/core:permissionsBoundary": {"name": "developers"}}
"""CDK's own way to put a permissions boundary on all roles of an app from outside."""
ROLES = {"AWS::IAM::Role", "AWS::IAM::User"}
OF_CDK = ("W3005", "W7001")
"""What cfn-lint says of CDK's own: dependencies that are said twice, and a mapping that is not used."""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_synthesizes_what_cfn_lint_takes_with_a_boundary_on_every_role(path: Path, tmp_path: Path) -> None:
    synthesize(path, tmp_path, **BOUNDARY)
    templates = templates_in(tmp_path)
    assert templates
    for template in templates:
        assert not matches(json.dumps(template), "us-east-1", ignore=OF_CDK)
    roles = [each for template in templates for each in template["Resources"].values() if each["Type"] in ROLES]
    assert all(each["Properties"].get("PermissionsBoundary") for each in roles)


def test_the_readme_begins_with_the_first_example_and_it_runs(tmp_path: Path) -> None:
    (source, *_) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    program = tmp_path / "app.py"
    program.write_text(source)
    out = tmp_path / "cdk.out"
    environment = {**os.environ, "CDK_OUTDIR": str(out)}
    done = subprocess.run([sys.executable, str(program)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (template,) = templates_in(out)
    types = {each["Type"] for each in template["Resources"].values()}
    assert {"AWS::ECS::Service", "AWS::ElasticLoadBalancingV2::Listener"} <= types


def templates_in(assembly: Path) -> list[dict[str, Any]]:
    templates = [json.loads(path.read_text()) for path in assembly.glob("*.template.json")]
    return [template for template in templates if "Resources" in template]

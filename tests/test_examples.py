"""Every example synthesizes as it stands, and so does the README's."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import synthesize

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_synthesizes(path: Path, tmp_path: Path) -> None:
    synthesize(path, tmp_path)
    assert types_in(tmp_path)


def test_the_readme_begins_with_the_first_example_and_it_runs(tmp_path: Path) -> None:
    (source, *_) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    program = tmp_path / "app.py"
    program.write_text(source)
    out = tmp_path / "cdk.out"
    environment = {**os.environ, "CDK_OUTDIR": str(out)}
    done = subprocess.run([sys.executable, str(program)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {"AWS::ECS::Service", "AWS::ElasticLoadBalancingV2::Listener"} <= types_in(out)


def types_in(assembly: Path) -> set[str]:
    templates = [json.loads(path.read_text()) for path in assembly.glob("*.template.json")]
    return {resource["Type"] for template in templates for resource in template["Resources"].values()}

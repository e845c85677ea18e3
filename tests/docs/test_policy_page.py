"""The page in the guide to policy is what the commands print for the app that the guide shows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.fences import fences_of
from tools.docs.pages import ROOT

GUIDE = ROOT / "docs" / "guides" / "policy.md"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a folder with the guide's app, synthesized, and the guide's file under another name."""
    for fence in fences_of(GUIDE):
        if fence.title:
            (tmp_path / fence.title).write_text(fence.text)
    (tmp_path / "acknowledged.toml").rename(tmp_path / "given.toml")
    environment = {**os.environ, "CDK_OUTDIR": "cdk.out", "CDK_CONTEXT_JSON": '{"aws:cdk:enable-path-metadata": true}'}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return tmp_path


SAID = "Checking 1 new template with the policy engines, which takes about 5 s; the results are kept ...\n"


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    without_checkov = [each for each in os.environ["PATH"].split(os.pathsep) if not Path(each, "checkov").exists()]
    program = "from moorage.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "policy", *arguments],
        cwd=folder,
        env={**os.environ, "PATH": os.pathsep.join(without_checkov), "XDG_CACHE_HOME": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr in ("", SAID)
    return done.returncode, "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


@pytest.mark.slow
def test_the_page_is_what_the_command_prints(shop: Path) -> None:
    (shown,) = [fence for fence in fences_of(GUIDE) if fence.language == "text"]
    assert run(shop, "cdk.out") == (1, shown.text)
    code, page = run(shop, "cdk.out", "--acknowledged", "given.toml")
    assert code == 1
    assert "policy/sqs-dlq" not in page
    assert "The acknowledgement of cfn-lint:W3010 for */Network matches no finding; remove it." in page

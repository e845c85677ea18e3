"""The page in the guide to reviews is what the command prints for the change that the guide shows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.fences import Fence, fences_of
from tools.docs.pages import ROOT

GUIDE = ROOT / "docs" / "guides" / "review.md"


def fences(language: str) -> list[Fence]:
    return [fence for fence in fences_of(GUIDE) if fence.language == language]


def git(folder: Path, *arguments: str, entered: str | None = None) -> None:
    author = ("-c", "user.name=reader", "-c", "user.email=reader@example.com")
    subprocess.run(["git", *author, *arguments], cwd=folder, input=entered, check=True, capture_output=True, text=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout whose branch `main` has the guide's app, and whose files have its change."""
    folder = tmp_path / "shop"
    folder.mkdir()
    for fence in fences_of(GUIDE):
        if fence.title:
            (folder / fence.title).write_text(fence.text)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "The app")
    (change,) = fences("diff")
    git(folder, "apply", entered=change.text)
    return folder


@pytest.mark.slow
def test_the_page_is_what_the_command_prints(checkout: Path, tmp_path: Path) -> None:
    without_checkov = [each for each in os.environ["PATH"].split(os.pathsep) if not Path(each, "checkov").exists()]
    path = os.pathsep.join([str(Path(sys.executable).parent), *without_checkov])
    done = subprocess.run(
        [sys.executable, "-m", "moorage.review", "main"],
        cwd=checkout,
        env={**os.environ, "PATH": path, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    said = "Checking 2 new templates with the policy engines, which takes about 10 s; the results are kept ...\n"
    assert (done.returncode, done.stderr) == (0, said)
    assert done.stdout == fences("text")[0].text

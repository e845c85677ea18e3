"""The hooks for pre-commit: what they run before a push."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.ci.runner import ROOT, load
from tests.review.apps import App

HOOKS = {hook["id"]: hook for hook in load(ROOT / ".pre-commit-hooks.yaml")}


def run(hook: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a hook as pre-commit does: `entry` is split as a shell would, and `args` follow."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        [*shlex.split(HOOKS[hook]["entry"]), *(arguments or HOOKS[hook]["args"])],
        cwd=folder,
        env={**os.environ, "PATH": path, "XDG_CACHE_HOME": str(folder / ".cache")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def shop(tmp_path: Path) -> App:
    """Return an app that was cloned at `origin/main`, with one commit since then."""
    app = App(tmp_path / "shop")
    app.commit()
    app.git("update-ref", "refs/remotes/origin/main", "HEAD")
    app.set(name="new")
    app.commit()
    return app


@pytest.mark.slow
def test_a_push_is_reviewed_from_the_merge_base(shop: App) -> None:
    shop.git("switch", "--quiet", "--create", "upstream", "origin/main")
    shop.set(name="of-others")
    shop.commit()
    shop.git("update-ref", "refs/remotes/origin/main", "HEAD")
    shop.git("switch", "--quiet", "main")
    done = run("moorage-review", shop.folder)
    said = [line for line in done.stderr.splitlines() if not line.startswith("Checking ")]  # the policy engines
    assert (done.returncode, said) == (0, [])
    assert "new" in done.stdout
    assert "of-others" not in done.stdout


def test_arguments_replace_the_branch_and_the_kinds(shop: App) -> None:
    done = run("moorage-review", shop.folder, "HEAD", "--fail-on", "lost", "--no-policy")
    assert done.returncode == 0, done.stderr
    assert "nothing to object to" in done.stdout


def test_a_branch_that_is_not_there_stops_the_push(shop: App) -> None:
    assert run("moorage-review", shop.folder, "origin/nothing").returncode == 2


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_runs_once_before_a_push_with_the_extra_that_its_command_needs(hook: str) -> None:
    stated = HOOKS[hook]
    assert (stated["language"], stated["stages"]) == ("python", ["pre-push"])
    assert (stated["pass_filenames"], stated["always_run"]) == ("false", "true")
    (requirement,) = stated["additional_dependencies"]
    extra = re.fullmatch(r"\.\[(\w+)\]", requirement)
    assert extra
    assert extra[1] in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]

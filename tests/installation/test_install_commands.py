"""A suggested command installs moorage from where it came from, into the Python that lacks something."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import shlex
import shutil
import sys
import sysconfig
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from moorage.installation import commands


@pytest.fixture(autouse=True)
def activated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Make pip that of an activated virtual environment."""
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda name: str(tmp_path / name))


@pytest.mark.parametrize(
    ("origin", "installs"),
    [
        (None, "moorage[local]"),
        ({"url": "file:///work/my%20moorage", "dir_info": {}}, "moorage[local] @ file:///work/my%20moorage"),
        ({"url": "file:///work/m-0.1.0.whl", "archive_info": {}}, "moorage[local] @ file:///work/m-0.1.0.whl"),
        (
            {
                "url": "https://example.com/m.git",
                "vcs_info": {"vcs": "git", "commit_id": "abc", "requested_revision": "v1"},
            },
            "moorage[local] @ git+https://example.com/m.git@v1",
        ),
        (
            {"url": "https://example.com/m.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "moorage[local] @ git+https://example.com/m.git@abc",
        ),
    ],
)
def test_an_extra_is_installed_from_where_moorage_came_from(
    monkeypatch: pytest.MonkeyPatch, origin: dict[str, Any] | None, installs: str
) -> None:
    _came_from(monkeypatch, json.dumps(origin) if origin else None)
    assert shlex.split(commands.install_moorage("local")) == ["pip", "install", installs]


def test_an_extra_of_an_editable_installation_keeps_it_editable(monkeypatch: pytest.MonkeyPatch) -> None:
    _came_from(monkeypatch, json.dumps({"url": "file:///work/my%20moorage", "dir_info": {"editable": True}}))
    assert shlex.split(commands.install_moorage("local")) == ["pip", "install", "--editable", "/work/my moorage[local]"]


@pytest.mark.parametrize("record", ["", "{", "[]"])
def test_an_unreadable_origin_means_the_index(monkeypatch: pytest.MonkeyPatch, record: str) -> None:
    _came_from(monkeypatch, record)
    assert commands.install_moorage() == 'pip install "moorage"'


def _came_from(monkeypatch: pytest.MonkeyPatch, record: str | None) -> None:
    distribution = SimpleNamespace(read_text=lambda _: record)
    monkeypatch.setattr(importlib.metadata, "distribution", lambda _: distribution)


def test_a_python_that_is_not_activated_is_named_by_its_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    monkeypatch.chdir(tmp_path)
    assert commands.pip_install("rich") == ".venv/bin/python -m pip install rich"
    assert commands.pip_install("rich", "/usr/bin/python 3") == "'/usr/bin/python 3' -m pip install rich"


def test_uv_installs_into_a_python_without_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "pip" else f"/usr/bin/{name}")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    assert commands.pip_install("rich") == "uv pip install --python /usr/bin/python3 rich"


@pytest.mark.parametrize("folder", ["/a b", "/a$b", "/a`b", '/a"b'])
def test_a_folder_is_quoted_for_a_shell(monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    _came_from(monkeypatch, json.dumps({"url": f"file://{folder}", "dir_info": {"editable": True}}))
    assert shlex.split(commands.install_moorage("local"))[-1] == f"{folder}[local]"

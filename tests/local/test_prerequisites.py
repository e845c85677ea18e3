"""Everything that is missing is named together, with the commands that get it, before anything starts."""

from __future__ import annotations

import json
import shlex
import socket
import sys
import sysconfig
from pathlib import Path

import pytest

from moorage.installation.app_python import app_python
from moorage.installation.commands import install_moorage, shell_path
from moorage.installation.stated_app import stated_app
from moorage.local.__main__ import main
from moorage.local.prerequisites import problems

HOME = Path("home")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the folder of a machine without programs: `path` is on the PATH, and `project` is the current folder."""
    for name in ("path", "scripts", "project"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    for name in ("PYTHONPATH", "VIRTUAL_ENV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path / "scripts"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CDK_APP", raising=False)
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


def complete(machine: Path) -> None:
    """Install Node.js and the CDK CLI."""
    for name in ("node", "cdk"):
        program(machine / "path" / name, "echo v24.19.0")


def program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def bare_python(path: Path) -> str:
    """Return a Python without any library."""
    return program(path, f'exec {shlex.quote(sys.executable)} -S "$@"')


def project(app: str, text: str = "import aws_cdk\n") -> None:
    Path("cdk.json").write_text(json.dumps({"app": app}))
    Path("app.py").write_text(text)


def test_everything_that_is_missing_is_named_at_once(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    python = bare_python(machine / "path" / "python3")
    project("python3 app.py")
    for name in ("ministack", "yaml"):
        monkeypatch.setitem(sys.modules, name, None)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["up", "--port", str(port), "--home", "home"]) == 1
    printed = capsys.readouterr().err.splitlines()
    assert printed[0] == "moorage up: 5 problems"
    assert [line[:46] for line in printed[1:]] == [
        "  - the local AWS needs moorage[local], which in"[:46],
        "  - Node.js, which runs the CDK CLI, is not installed"[:46],
        "  - the CDK CLI (`cdk`) is not installed; install it"[:46],
        f"  - {python}, which runs the app, has no aws_cdk"[:46],
        f"  - port {port} on 127.0.0.1 cannot be used (Address"[:46],
    ]
    assert not HOME.exists()


def test_a_complete_machine_has_no_problem(machine: Path) -> None:
    complete(machine)
    assert problems("node app.js", None, HOME) == []


def test_one_problem_is_one_sentence(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    complete(machine)
    (machine / "path" / "cdk").unlink()
    assert main(["up", "--app", "node app.js"]) == 1
    assert capsys.readouterr().err.startswith("moorage up: the CDK CLI (`cdk`) is not installed; install it with `")


def test_a_missing_extra_is_named_with_the_command_that_installs_it(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete(machine)
    monkeypatch.setitem(sys.modules, "rich", None)
    assert problems("node app.js", None, HOME) == [
        f"the local AWS needs moorage[local], which installs rich; install it with `{install_moorage('local')}`"
    ]


def test_windows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(sys, "platform", "win32")
        found = problems(None, None, HOME)
    assert found == ["the local AWS needs Linux or macOS; on Windows, use WSL"]


def test_the_port_of_a_server_that_runs_is_not_tried(machine: Path) -> None:
    complete(machine)
    assert problems("node app.js", 99999, HOME) == [
        "port 99999 on 127.0.0.1 cannot be used (the highest port is 65535); omit --port to use a free port"
    ]
    HOME.mkdir()
    (HOME / "server.json").touch()
    assert problems("node app.js", 99999, HOME) == []


def test_an_outdated_cli_is_named_before_an_assembly_is_deployed(machine: Path) -> None:
    complete(machine)
    package = Path("node_modules") / "aws-cdk"
    (package / "bin").mkdir(parents=True)
    program(package / "bin" / "cdk", "")
    (package / "package.json").write_text('{"name": "aws-cdk", "version": "2.1000.0"}')
    (machine / "path" / "cdk").unlink()
    (machine / "path" / "cdk").symlink_to((package / "bin" / "cdk").resolve())
    Path("cdk.out").mkdir()
    Path("cdk.out/manifest.json").write_text('{"minimumCliVersion": "2.1148.0"}')
    (found,) = problems("cdk.out", None, HOME)
    assert found.startswith("the CDK CLI 2.1000.0 (")
    assert " must be 2.1148.0 or newer to read the app's cloud assembly; update it with `" in found


@pytest.mark.parametrize("app", ["node app.js", "npx ts-node app.ts", "mvn exec:java", "uv run app.py", "'", ""])
def test_an_app_in_another_language_is_not_checked(machine: Path, app: str) -> None:
    complete(machine)
    project(app)
    assert app_python(None).problem is None


@pytest.mark.parametrize("settings", ["{", "[]", '{"app": 1}', None])
def test_settings_without_an_app_are_left_to_the_cli(machine: Path, settings: str | None) -> None:
    complete(machine)
    if settings is not None:
        Path("cdk.json").write_text(settings)
    assert app_python(None).problem is None


def test_a_python_without_aws_cdk_is_named_with_its_own_pip(machine: Path) -> None:
    python = bare_python(machine / "path" / "python3")
    project("STAGE=dev python3 app.py")
    assert app_python(None).problem == (
        f"{python}, which runs the app, has no aws_cdk; install it with `{python} -m pip install aws-cdk-lib`"
    )
    Path("requirements.txt").touch()
    assert (app_python(None).problem or "").endswith("-m pip install --requirement requirements.txt`")


def test_a_python_without_moorage_gets_it_from_where_it_came_from(machine: Path) -> None:
    python = bare_python(machine / "path" / "python3")
    project("python3 app.py", "from moorage import Service\n")
    assert app_python(None).problem == (
        f"{python}, which runs the app, has no moorage; install it with `{install_moorage(python=python)}`"
    )


def test_a_program_that_imports_aws_cdk_elsewhere_is_named_only_after_it_failed(machine: Path) -> None:
    bare_python(machine / "path" / "python3")
    project("python3 app.py", "import stacks\n")
    assert app_python(None).problem is None
    assert "has no aws_cdk; " in (app_python(None, failed=True).problem or "")


def test_a_python_that_is_not_installed_is_named(machine: Path) -> None:
    project(".venv/bin/python app.py --stage dev")
    other = f"{shell_path(machine / 'scripts' / 'python')} app.py --stage dev"
    assert app_python(None).problem == (
        f".venv/bin/python, which runs the app, is not installed; use another Python with `--app '{other}'`"
    )


def test_the_python_of_moorage_runs_the_app_if_no_environment_is_active(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then a user who did not activate the virtual environment needs no more than its path to `moorage`."""
    bare_python(machine / "path" / "python3")
    program(machine / "scripts" / "python3", "")
    project("python3 app.py")
    found = app_python(None)
    assert found.problem is None
    assert found.path.startswith(f"{machine / 'scripts'}:")
    monkeypatch.setenv("VIRTUAL_ENV", str(machine / "path"))
    assert "has no aws_cdk; " in (app_python(None).problem or "")


@pytest.mark.parametrize("command", ["up", "diff"])
def test_a_folder_without_an_app_is_named_and_not_written_to(
    machine: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    complete(machine)
    assert main([command]) == 1
    assert capsys.readouterr().err == (
        f"moorage {command}: there is no cdk.json in {Path.cwd()}; run this in the folder of the app, use --app, or "
        "make an app with `moorage init`\n"
    )
    assert list(Path.cwd().iterdir()) == []


def test_an_app_of_the_settings_of_the_user_is_taken_as_the_cdk_cli_takes_it(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete(machine)
    (machine / ".cdk.json").write_text('{"app": "node mine.js"}')
    assert problems(None, None, HOME) == []
    assert stated_app(None) == "node mine.js"
    Path("cdk.json").write_text('{"app": "node app.js"}')
    assert stated_app(None) is None
    monkeypatch.setenv("CDK_APP", "node other.js")
    assert stated_app(None) == "node other.js"
    assert stated_app("node given.js") == "node given.js"


def python_of(machine: Path, version: str, *, managed: bool = False) -> str:
    """Return a Python of a version without any library."""
    kind = f"{version.replace('.', ' ')} {int(managed)}"
    return program(
        machine / "path" / "python3", f'case "$2" in *EXTERNALLY*) echo {kind};; *) shift 2; echo "$@";; esac'
    )


def test_the_python_of_moorage_is_the_way_out_if_it_can_run_the_app(machine: Path) -> None:
    python = python_of(machine, "3.12.3", managed=True)
    project(f"{python} app.py", "import aws_cdk\nimport moorage\n")
    own = program(machine / "scripts" / "python", "")
    assert app_python(None).problem == (
        f"{python}, which runs the app, has no aws_cdk and no moorage; run the app with the Python of this moorage: "
        f"`--app '{own} app.py'`"
    )


def test_a_python_that_is_too_old_for_moorage_is_the_cause(machine: Path) -> None:
    python = python_of(machine, "3.10.14")
    project("python3 app.py", "import aws_cdk\nimport moorage\n")
    assert app_python(None).problem == (
        f"{python}, which runs the app, has no aws_cdk and no moorage, since it is Python 3.10.14 and moorage needs "
        "3.11 or newer; run the app with the Python of a virtual environment: `--app '.venv/bin/python app.py'`"
    )
    python_of(machine, "3.11.0")
    assert "since it is" not in (app_python(None).problem or "")


def test_a_python_that_the_system_manages_gets_a_virtual_environment(machine: Path) -> None:
    python = python_of(machine, "3.12.3", managed=True)
    project("python3 app.py", "import aws_cdk\nimport moorage\n")
    Path("requirements.txt").touch()
    assert app_python(None).problem == (
        f"{python}, which runs the app, has no aws_cdk and no moorage, and pip cannot install into it; install them "
        f"into a virtual environment with `{python} -m venv .venv && .venv/bin/python -m pip install --requirement "
        "requirements.txt`, and use `--app '.venv/bin/python app.py'`"
    )


def test_two_missing_packages_are_installed_together(machine: Path) -> None:
    python = python_of(machine, "3.12.3")
    project("python3 app.py", "import aws_cdk\nimport moorage\n")
    assert f"no aws_cdk and no moorage; install them with `{python} -m pip install" in (app_python(None).problem or "")

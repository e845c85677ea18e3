"""Broken homes, assemblies and AWS settings are reported in a sentence, and nothing is lost."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from moorage.local.__main__ import main
from moorage.local.account import Account
from moorage.local.ports import HOST
from moorage.local.process import Home, LocalError, Server
from tests.local.local_aws import access

_STACK = {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region"}
_ARTIFACTS = {
    "Shop": {**_STACK, "properties": {"templateFile": "Shop.json"}, "dependencies": ["Assets"]},
    "Assets": {"type": "cdk:asset-manifest", "properties": {"file": "assets.json"}},
    "Stage": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "stage"}},
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """Yield a home whose server is a child process of the test."""
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def remembered(*arguments: Any, **more: Any) -> subprocess.Popen[bytes]:
        started.append(popen(*arguments, **more))
        return started[-1]

    made = Home(tmp_path / "home")
    with monkeypatch.context() as patched, made.exclusive():
        patched.setattr(subprocess, "Popen", remembered)
        made.start()
    yield made
    for process in started:  # by its id: `start` marks its own process object as ended
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(process.pid, signal.SIGKILL)
            os.waitpid(process.pid, 0)


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    """Return a complete assembly."""
    made = tmp_path / "assembly"
    (made / "stage").mkdir(parents=True)
    (made / "manifest.json").write_text(json.dumps({"artifacts": _ARTIFACTS}))
    (made / "stage" / "manifest.json").write_text('{"artifacts": {}}')
    (made / "Shop.json").write_text('{"Resources": {}}')
    (made / "assets.json").write_text("{}")
    return made


def _comes_true(holds: Callable[[], object]) -> bool:
    until = time.monotonic() + 20
    while not holds() and time.monotonic() < until:
        time.sleep(0.05)
    return bool(holds())


def _running(home: Home) -> Server:
    server = home.running()
    assert server
    return server


def _unmade(home: Home) -> None:
    shutil.rmtree(home.folder)


def _unrecorded(home: Home) -> None:
    (home.folder / "server.json").unlink()


def _moved(home: Home) -> None:
    home.folder.rename(home.folder.with_name("elsewhere"))


def _taken_over(home: Home) -> None:
    (home.folder / "server.json").write_text(json.dumps({"pid": os.getpid(), "port": 1}))


@pytest.mark.parametrize("befall", [_unmade, _unrecorded, _moved, _taken_over])
def test_a_server_without_its_home_stops_by_itself(home: Home, befall: Callable[[Home], None]) -> None:
    server = _running(home)
    assert server.answers
    befall(home)
    assert _comes_true(lambda: not server.lives)


@pytest.mark.parametrize("command", ["status", "down"])
def test_a_copied_home_does_not_stop_the_server_of_the_original(
    home: Home, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server = _running(home)
    copy = home.folder.with_name("copy")
    shutil.copytree(home.folder, copy)
    assert main([command, "--home", str(copy)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{copy} was copied or moved from {home.folder}; its local AWS is not affected.\n")
    assert server.answers
    with Home(copy).exclusive():
        assert Home(copy)._own_secret() != server.secret


def test_a_server_with_a_reused_process_id_is_not_stopped(home: Home) -> None:
    server = _running(home)
    other = Home(home.folder.with_name("other"))
    with other.exclusive():
        other._own_secret()
        record = {"pid": server.pid, "port": server.port + 1, "home": str(other.folder)}
        (other.folder / "server.json").write_text(json.dumps(record))
        assert other.stop() is False
    assert server.answers


def test_processes_that_a_killed_server_left_behind_are_stopped(home: Home) -> None:
    server = _running(home)
    account = Account(server.access, None, None)
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = account.client("iam").create_role(RoleName="function", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", "import subprocess\ndef handler(*_): subprocess.run(['sleep', '600'])")
    functions = account.client("lambda")
    functions.create_function(
        FunctionName="endless",
        Runtime="python3.13",
        Handler="index.handler",
        Role=role,
        Timeout=600,
        Code={"ZipFile": archive.getvalue()},
    )
    functions.invoke(FunctionName="endless", InvocationType="Event")
    parts = ["server", "function", "sleep"]
    assert _comes_true(lambda: len(_inside(home.folder)) == len(parts))
    os.kill(server.pid, signal.SIGKILL)
    assert _comes_true(lambda: not server.lives)
    assert home.stop() is False
    assert _comes_true(lambda: not _inside(home.folder))


def _inside(folder: Path) -> list[str]:
    """Return the processes whose working directory is in a folder."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.readlink().is_relative_to(folder):
                found.append(link.parent.name)
        except OSError:
            continue
    return found


@pytest.mark.parametrize("arguments", [["down"], ["down", "--discard"]])
def test_a_server_that_does_not_respond_is_stopped(
    home: Home, arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = _running(home)
    for seconds in ("ANSWER_SECONDS", "STOP_SECONDS"):
        monkeypatch.setattr(f"moorage.local.process.{seconds}", 1)
    os.kill(server.pid, signal.SIGSTOP)
    assert main([*arguments, "--home", str(home.folder)]) == 0
    assert "is stopped" in capsys.readouterr().out
    assert not server.lives


def test_down_discards_stacks_without_an_assembly(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.assembly.mkdir()
    (home.assembly / "manifest.json").write_text("{")
    assert main(["down", "--home", str(home.folder)]) == 1
    assert "; down --discard stops the local AWS without deleting its stacks" in capsys.readouterr().err
    assert main(["down", "--discard", "--home", str(home.folder)]) == 0
    assert capsys.readouterr().out == "The local AWS is stopped and its stacks are discarded.\n"
    assert main(["down", "--discard", "--home", str(home.folder)]) == 0
    assert capsys.readouterr().out == "The local AWS is not running.\n"


def test_only_down_of_all_stacks_can_discard_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["down", "Shop", "--discard", "--home", str(tmp_path / "home")]) == 1
    assert capsys.readouterr().err.endswith("discards all stacks; use it only as `down --discard`\n")
    assert main(["up", "--discard", "--home", str(tmp_path / "home")]) == 2
    assert not (tmp_path / "home").exists()


def _file(folder: Path) -> None:
    folder.write_text("mine")


def _link_to_nothing(folder: Path) -> None:
    folder.symlink_to("nowhere")


def _link_inside(folder: Path) -> None:
    with Home(folder).exclusive():
        (folder / "cdk.out").symlink_to(folder.parent)


@pytest.mark.parametrize(
    ("befall", "said"),
    [
        (_file, "home is not a folder; choose a new or empty folder with --home"),
        (_link_to_nothing, "home is not a folder; choose a new or empty folder with --home"),
        (_link_inside, "home/cdk.out is a symbolic link, which moorage.local did not create; remove it"),
    ],
)
def test_a_home_that_moorage_did_not_create_is_refused(
    tmp_path: Path, befall: Callable[[Path], None], said: str
) -> None:
    befall(tmp_path / "home")
    with pytest.raises(LocalError, match=said):
        Home(tmp_path / "home")


@pytest.mark.parametrize("file", ["manifest.json", "Shop.json", "assets.json", "stage/manifest.json"])
@pytest.mark.parametrize("broken", [None, "", "{", "[]"])
def test_a_broken_assembly_is_named_and_does_not_replace_another(
    tmp_path: Path, assembly: Path, file: str, broken: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if broken is None:
        (assembly / file).unlink()
    else:
        (assembly / file).write_text(broken)
    assert main(["up", "--app", str(assembly), "--home", str(tmp_path / "home")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"moorage up: {assembly} is not a readable CDK cloud assembly (")
    assert broken == "[]" or Path(file).name in line
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("inside", ["assembly/home", "assembly/deep/home"])
def test_a_home_inside_an_assembly_is_refused_before_it_is_created(
    assembly: Path, inside: str, capsys: pytest.CaptureFixture[str]
) -> None:
    home = assembly.parent / inside
    assert main(["up", "--app", str(assembly), "--home", str(home)]) == 1
    assert "must be separate folders; choose a folder outside the assembly" in capsys.readouterr().err
    assert not home.exists()


def test_an_assembly_inside_the_assembly_of_the_home_is_refused(
    tmp_path: Path, assembly: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path / "home")
    with home.exclusive():
        shutil.move(assembly, home.assembly / "stage")
    assert main(["up", "--app", str(home.assembly / "stage"), "--home", str(home.folder)]) == 1
    assert "must be separate folders" in capsys.readouterr().err
    assert (home.assembly / "stage" / "Shop.json").exists()


@pytest.mark.parametrize(
    "settings",
    [
        {"AWS_PROFILE": "missing"},
        {"AWS_CONFIG_FILE": "broken"},
        {"AWS_SHARED_CREDENTIALS_FILE": "broken"},
        {"AWS_MAX_ATTEMPTS": "many"},
        {"AWS_RETRY_MODE": "never"},
        {"AWS_DEFAULTS_MODE": "none"},
        {"AWS_CA_BUNDLE": "missing.pem"},
        {"AWS_STS_REGIONAL_ENDPOINTS": "nowhere"},
        {"AWS_DATA_PATH": "broken"},
    ],
    ids=lambda each: next(iter(each)),
)
def test_broken_aws_settings_of_the_user_are_ignored(
    server: tuple[int, int], settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken").write_text("[default\nregion")
    for name, value in settings.items():
        monkeypatch.setenv(name, str(tmp_path / value) if value in ("broken", "missing.pem") else value)
    account = Account(access(server[1]), None, None)
    assert account.stack("Shop") is None
    assert account.client("sts").get_caller_identity()["Account"] == account.account


def test_no_other_process_can_listen_while_the_server_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(command: list[str], **_: object) -> None:
        port = int(command[command.index("--port") + 1])
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind((HOST, port))
        raise LocalError("the port was taken")

    monkeypatch.setattr(subprocess, "Popen", start)
    home = Home(tmp_path / "home")
    with home.exclusive(), pytest.raises(LocalError, match="the port was taken"):
        home.start()

"""Promises of the commands that need no server: reading assemblies, an isolated environment, clear errors."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from moorage.assembly.cloud_assembly import AssemblyError, stacks_of
from moorage.assembly.diagram import BEGIN, END, draw, show
from moorage.installation import mark
from moorage.local import commands, private, selection
from moorage.local.__main__ import main
from moorage.local.environment import Access, sealed
from moorage.local.process import Home, LocalError, Server
from tests.conftest import synthesize
from tests.local.local_aws import SECRET, free_port, started

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the assembly of this repository's app."""
    out = tmp_path_factory.mktemp("assembly")
    synthesize(ROOT / "app.py", out, **context())
    return out


def context() -> dict[str, Any]:
    """Return the context that the CLI passes to an app from `cdk.json`."""
    found: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return {**found, "aws:cdk:enable-path-metadata": True}


def test_stacks_are_read_in_deployment_order(assembly: Path) -> None:
    paths = [stack.path for stack in stacks_of(assembly)]
    assert paths.index("dev/Platform") < paths.index("dev/Services")
    assert {path.split("/")[0] for path in paths} == {"tooling", "dev", "staging", "production"}
    platform = next(stack for stack in stacks_of(assembly) if stack.path == "dev/Platform")
    assert (platform.name, platform.account, platform.region) == ("dev-Platform", None, None)


def test_selecting_a_stack_also_selects_the_stacks_that_it_needs(assembly: Path) -> None:
    stacks = stacks_of(assembly)
    assert [stack.path for stack in selection.chosen_stacks(stacks, ["dev/Services"])] == [
        "dev/Platform",
        "dev/Services",
    ]
    assert len(selection.chosen_stacks(stacks, ["dev/*"])) == 4
    with pytest.raises(LocalError, match="no stack matches qa/.*; the paths of the app's stacks are tooling/Registry"):
        selection.chosen_stacks(stacks, ["qa/*"])


def test_destroying_a_stack_includes_only_the_stacks_that_need_it(assembly: Path) -> None:
    stacks = stacks_of(assembly)

    def gone(pattern: str) -> list[str]:
        return [stack.path for stack in selection.with_dependents(stacks, selection.named_stacks(stacks, [pattern]))]

    assert gone("dev/Services") == ["dev/Services"]
    assert gone("dev/Platform") == ["dev/Platform", "dev/Services", "dev/Monitoring"]


def test_suggested_commands_repeat_the_options_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def suggest(request: commands.Request) -> int:
        commands._suggest(Home(tmp_path), Server(1, 4566, SECRET), request, [])
        return 0

    monkeypatch.setattr(sys, "executable", str(Path.cwd() / ".venv/bin/python"))
    monkeypatch.setattr(commands, "run", suggest)
    given = ["up", "dev/*", "--app", "python app.py", "--home", str(tmp_path)]
    assert main(given) == 0
    printed = capsys.readouterr().out
    assert f"\n  .venv/bin/python -m moorage.local up --app 'python app.py' --home {tmp_path} 'dev/*'\n" in printed
    assert f"\n  .venv/bin/python -m moorage.local diff --app 'python app.py' --home {tmp_path} 'dev/*'\n" in printed
    assert f"\n  .venv/bin/python -m moorage.local down --home {tmp_path} 'dev/*'\n" in printed
    assert f'AWS_SECRET_ACCESS_KEY="$(cat {tmp_path}/secret)" ' in printed
    assert SECRET not in printed


def test_the_diagram_shows_connections(assembly: Path) -> None:
    drawn = draw([stack for stack in stacks_of(assembly) if stack.path.startswith("production/")])
    for edge in ("-->|HTTPS| production_Platform_Entrance", "-->|runs in| production_Platform_Cluster"):
        assert edge in drawn
    assert drawn.count("subgraph") == 5  # the alarms of Monitoring are not drawn


def test_the_diagram_shows_ports_and_protocols(tmp_path: Path) -> None:
    environment = {**os.environ, "CDK_OUTDIR": str(tmp_path), "CDK_VALIDATION": "false"}
    subprocess.run([sys.executable, "examples/network_load_balancer.py"], cwd=ROOT, env=environment, check=True)
    drawn = draw(stacks_of(tmp_path))
    assert re.search(r"Platform_Gate\w+ -->\|TLS 8883\| Broker_Broker", drawn)
    assert re.search(r"internet -->\|TLS UDP\| Platform_Gate", drawn)


def test_the_diagram_in_the_readme_is_current(assembly: Path, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text((ROOT / "README.md").read_text())
    show(assembly, ["production/*"], readme)
    assert readme.read_text() == (ROOT / "README.md").read_text(), "stale: run `make diagram`"


def test_only_the_text_between_the_marks_is_replaced(assembly: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    show(assembly, ["dev/*"], page)
    assert page.read_text().startswith(f"before\n{BEGIN}\n```mermaid\nflowchart LR\n")
    assert page.read_text().endswith(f"```\n{END}\nafter\n")
    page.write_text("no marks")
    with pytest.raises(ValueError, match="must contain"):
        show(assembly, ["dev/*"], page)


def test_only_the_named_stacks_are_drawn(assembly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show(assembly, ["dev/Platform", "dev/Registry"], None)
    drawn = capsys.readouterr().out
    assert re.findall(r'subgraph \w+\["(.*)"\]', drawn) == ["dev/Platform", "dev/Registry"]
    with pytest.raises(AssemblyError, match=r"no stack matches dev/No; the stacks are .*dev/Platform"):
        show(assembly, ["dev/*", "dev/No"], None)


def test_the_diagram_works_without_path_metadata(tmp_path: Path) -> None:
    synthesize(ROOT / "examples" / "without_nat.py", tmp_path)
    assert "|image|" in draw(stacks_of(tmp_path))


def test_the_environment_contains_no_aws_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = {
        "AWS_PROFILE": "production",
        "AWS_ENDPOINT_URL_ECS": "https://example.com",
        "AWS_SESSION_TOKEN": "real",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/etc/token",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/",
        "AMAZON_SESSION": "real",
        "BOTO_CONFIG": "/etc/boto.cfg",
        "CDK_DEFAULT_ACCOUNT": "111111111111",
        "HTTPS_PROXY": "http://proxy:3128",
        "https_proxy": "http://proxy:3128",
    }
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)
    environment = sealed(tmp_path, Access("http://127.0.0.1:1", SECRET))
    assert not {*hostile} & environment.keys()
    assert Path(environment["AWS_CONFIG_FILE"]).read_text() == ""
    assert {value for name, value in environment.items() if name.startswith("AWS_ENDPOINT")} == {"http://127.0.0.1:1"}


def test_two_commands_at_once_are_refused(tmp_path: Path) -> None:
    refused = pytest.raises(LocalError, match=f"another up, down or diff is running in .*process {os.getpid()}")
    with Home(tmp_path).exclusive(), refused, Home(tmp_path).exclusive():
        pass
    with Home(tmp_path).exclusive():
        pass


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalError, match=f"port {port} on 127.0.0.1 cannot be used"):
            Home(tmp_path).start(port)


def test_an_invalid_port_is_reported_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"port 99999 on 127.0.0.1 cannot be used \(the highest port is 65535\)"):
        Home(tmp_path).start(99999)


def test_a_server_whose_record_cannot_be_written_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def remembered(*arguments: Any, **more: Any) -> subprocess.Popen[bytes]:
        made.append(popen(*arguments, **more))
        return made[-1]

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    home = Home(tmp_path)
    monkeypatch.setattr(subprocess, "Popen", remembered)
    monkeypatch.setattr("moorage.local.process.json.dumps", full)
    with pytest.raises(OSError, match="No space left"):
        home.start()
    assert [process.poll() is None for process in made] == [False]
    assert not (tmp_path / "server.json").exists()


def test_a_server_is_recognized_without_ps_and_in_a_narrow_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    process = started(port, {})
    monkeypatch.setenv("COLUMNS", "20")
    if sys.platform == "linux":
        monkeypatch.setenv("PATH", str(tmp_path))
    assert Server(process.pid, port, SECRET).answers
    process.terminate()
    process.wait(timeout=10)
    assert not Server(process.pid, port, SECRET).answers


def test_a_process_that_is_not_the_server_is_not_stopped(tmp_path: Path) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        home = Home(tmp_path)
        (tmp_path / "server.json").write_text(json.dumps({"pid": bystander.pid, "port": 1}))
        (tmp_path / "secret").write_text(SECRET)
        assert home.running() is None
        assert home.stop() is False
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_server_that_exited_does_not_answer() -> None:
    assert not Server(os.getpid(), 9, SECRET).answers


def test_down_says_that_the_local_aws_is_not_running(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["down", "--home", str(tmp_path / "home")]) == 0
    assert capsys.readouterr().out == "The local AWS is not running.\n"
    assert main(["status", "--home", str(tmp_path / "home")]) == 0


@pytest.mark.parametrize("command", ["status", "down"])
def test_a_command_in_a_folder_of_the_app_names_the_folder_above(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    below = tmp_path / "tests" / "unit"
    below.mkdir(parents=True)
    (tmp_path / ".moorage").mkdir()
    (tmp_path / ".moorage" / mark.FILE).write_text(mark.TEXT)
    monkeypatch.chdir(below)
    assert main([command]) == 1
    said = f"moorage {command}: no app was deployed from {below}, but from {tmp_path}; run this there\n"
    assert capsys.readouterr().err == said
    monkeypatch.chdir(tmp_path)
    assert main([command]) == 0
    assert capsys.readouterr().out == "The local AWS is not running.\n"


@pytest.mark.parametrize("command", ["status", "down"])
def test_down_and_status_write_nothing_if_the_local_aws_never_ran(tmp_path: Path, command: str) -> None:
    assert main([command, "--home", str(tmp_path / "home")]) == 0
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("arguments", [["status"], ["down"], ["up", "--app", "assembly"]], ids=lambda each: each[0])
def test_a_folder_with_other_files_is_refused_and_not_changed(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in {".gitignore": "dist/\n", "cdk.out/kept.txt": "mine", "assembly/manifest.json": "{}"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    before = _files(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main([*arguments, "--home", "."]) == 1
    assert ". is not empty, and moorage.local did not create it; choose a new or" in capsys.readouterr().err
    assert _files(tmp_path) == before


def _files(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(path): (path.stat().st_mode, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("manifest", ['{"artifacts":[', "[]", '{"artifacts": {"a": {"type": "x"}, "b": 1}}'])
def test_an_unreadable_assembly_is_reported_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], manifest: str
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "manifest.json").write_text(manifest)
    assert main(["up", "--app", str(tmp_path / "app"), "--home", str(tmp_path / "home")]) == 1
    assert "is not a readable CDK cloud assembly" in capsys.readouterr().err


def test_a_home_inside_its_assembly_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    assert main(["up", "--app", str(tmp_path), "--home", str(tmp_path / "home")]) == 1
    assert "must be separate folders" in capsys.readouterr().err


def test_a_symbolic_link_in_a_home_is_not_followed(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("precious")
    home = Home(tmp_path / "home")
    with home.exclusive():
        (home.folder / "link").symlink_to(theirs)
        with pytest.raises(OSError, match="symbolic links"):
            private.write(home.folder / "link", "")
    assert theirs.read_text() == "precious"


def test_a_home_is_recognized_and_keeps_its_secret(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.exclusive():
        secret = home._own_secret()
    with Home(tmp_path).exclusive():
        assert Home(tmp_path)._own_secret() == secret
    assert len(secret) >= 40


def test_an_empty_secret_file_is_replaced(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.exclusive():
        (tmp_path / "secret").touch()
        assert len(home._own_secret()) >= 40


def test_two_homes_have_different_secrets(tmp_path: Path) -> None:
    made = []
    for name in ("one", "other"):
        with Home(tmp_path / name).exclusive():
            made.append(Home(tmp_path / name)._own_secret())
    assert made[0] != made[1]


def test_a_home_that_others_can_read_is_made_private(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    home = Home(tmp_path)
    with home.exclusive():
        home._own_secret()
        assert {oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == {"0o600"}
        assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(LocalError, match="belongs to another user; choose another folder with --home"):
        Home(tmp_path)


def test_restricting_a_folder_does_not_change_the_targets_of_links(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("")
    theirs.chmod(0o644)
    folder = tmp_path / "home"
    folder.mkdir(mode=0o755)
    (folder / "link").symlink_to(theirs)
    (folder / "run.sh").touch(0o755)
    private.restrict(folder)
    assert [oct(path.stat().st_mode & 0o777) for path in (theirs, folder, folder / "run.sh")] == [
        "0o644", "0o700", "0o700"
    ]  # fmt: skip


def test_a_server_without_a_secret_does_not_start() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "AWS_SECRET_ACCESS_KEY"}
    command = [sys.executable, "-m", "moorage.local.server", "--port", str(free_port())]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 1
    assert "AWS_SECRET_ACCESS_KEY is not set; set it to the secret that requests must be signed with" in done.stderr


def test_a_failed_synthesis_is_reported_in_a_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    app = tmp_path / "app.py"
    app.write_text("raise SystemExit('no')\n")
    assert main(["up", "--home", str(tmp_path / "home"), "--app", shlex.join([sys.executable, str(app)])]) == 1
    assert "cdk synth failed (exit code 1); see its output above" in capfd.readouterr().err


def test_a_full_disk_is_reported_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["up", "--home", str(tmp_path / "file" / "home")]) == 1
    assert "fix the problem, or choose another folder with --home" in capsys.readouterr().err


def test_a_closed_output_ends_a_command_quietly(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "moorage.local", "status", "--home", str(tmp_path)]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, ""), "as ls and git"


def test_the_commands_import_no_construct() -> None:
    code = (
        "import sys, moorage.local.__main__, moorage.local.commands, moorage.cli.commands; "
        "print([n for n in sys.modules if n.startswith(('aws_cdk', 'moorage.e'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

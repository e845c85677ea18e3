"""The command `moorage promote`: its app, its question, its exit codes and the next command."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from moorage.cli.commands import moorage
from moorage.promotion import command
from moorage.promotion.calls import Clients
from moorage.promotion.command import Opened, Options, run
from moorage.promotion.plan import Request
from tests.promotion.aws import NEW, OLD, Aws, promotable, stages

DEPLOY = "cdk deploy"


@contextlib.contextmanager
def opened(aws: Aws) -> Iterator[Opened]:
    yield Opened(stages(), aws.clients, aws.clients)


def promote(aws: Aws, *services: str, target: str = "production", **options: Any) -> int:
    return run(Request(services or ("*",), "staging", target), opened(aws), Options(DEPLOY, **options))


class Terminal(io.StringIO):
    """A standard input that a user types into."""

    def isatty(self) -> bool:
        return True


def test_a_promotion_ends_with_the_command_that_deploys_it(capsys: pytest.CaptureFixture[str]) -> None:
    aws = promotable()
    assert promote(aws, yes=True) == 0
    assert (aws.value("production", "ui"), aws.value("production", "orders")) == (NEW, NEW)
    assert capsys.readouterr().out.endswith(
        "\n\nPromoted to production: 2 SSM parameters changed.\n\nThe images run after the next deployment:\n"
        "  cdk deploy production/Services\n"
    )


def test_a_promotion_that_changes_nothing_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    aws = promotable()
    promote(aws, yes=True)
    aws.calls.clear()
    assert promote(aws, yes=True) == 0
    assert aws.writes == []
    assert "\nNothing to do: production has these digests already.\n" in capsys.readouterr().out


def test_a_dry_run_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    aws = promotable()
    assert promote(aws, "ui", dry_run=True) == 0
    assert aws.writes == []
    assert "\nNothing is written, because of --dry-run. 1 SSM parameter would change.\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "code", "value"),
    [("y\n", 0, NEW), ("Yes\n", 0, NEW), ("\n", 1, OLD), ("", 1, OLD)],
)
def test_a_terminal_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, code: int, value: str
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    aws = promotable()
    assert promote(aws) == code
    assert aws.value("production", "ui") == value
    assert ("Nothing is promoted." in capsys.readouterr().out) == bool(code)


def test_without_a_terminal_a_promotion_needs_yes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    aws = promotable()
    assert promote(aws) == 2
    assert aws.calls == []
    assert capsys.readouterr().err == (
        "moorage promote: there is no terminal to ask for confirmation; promote with --yes, or look with --dry-run\n"
    )


def test_each_problem_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    aws = promotable()
    aws.images.clear()
    assert promote(aws, yes=True) == 1
    assert [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()] == ["moorage promote"] * 2
    assert promote(aws, target="prod", yes=True) == 2
    assert capsys.readouterr().err.startswith("moorage promote: the app has no stage or stack prod; ")


def test_an_interruption_before_the_writes_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    aws = promotable()
    aws.refused["describe_images", "*"] = KeyboardInterrupt()
    assert promote(aws, yes=True) == 130
    assert capsys.readouterr().err == "\nmoorage promote: interrupted; nothing was written\n"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


# ---- the command line


def cli(*arguments: str) -> Result:
    return CliRunner().invoke(moorage, ["promote", *arguments])


def written(folder: Path) -> Path:
    """Write the stages as a cloud assembly."""
    folder.mkdir()
    artifacts = {}
    for stack in stages():
        (folder / f"{stack.name}.template.json").write_text(json.dumps(stack.template))
        artifacts[stack.name] = {
            "type": "aws:cloudformation:stack",
            "environment": f"aws://{stack.account}/{stack.region}",
            "properties": {"templateFile": f"{stack.name}.template.json"},
            "displayName": stack.path,
        }
    (folder / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": artifacts}))
    return folder


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    """Return the AWS behind all profiles."""
    found = promotable()
    monkeypatch.setattr(command, "from_profile", lambda *_: found.clients)
    return found


def test_the_app_can_be_an_assembly(aws: Aws, tmp_path: Path) -> None:
    assembly = written(tmp_path / "cdk.out")
    done = cli("ui", "staging", "production", "--yes", "--app", str(assembly))
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.endswith(f"  cdk deploy --app {assembly} production/Services\n")
    assert aws.value("production", "ui") == NEW


def test_the_app_can_be_a_command(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assembly = written(tmp_path / "cdk.out")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cdk.json").write_text(json.dumps({"app": f"cp -r {assembly}/. $CDK_OUTDIR"}))
    done = cli("ui", "orders", ":1.7.0", "production", "--dry-run")
    assert (done.exit_code, done.stderr) == (0, "")
    (tmp_path / "cdk.json").write_text(json.dumps({"app": "echo wrong >&2; exit 3"}))
    failed = cli("ui", "staging", "production", "--yes")
    assert failed.exit_code == 2
    assert failed.stderr.startswith("wrong\n\nmoorage promote: the app does not synthesize: ")
    (tmp_path / "cdk.json").unlink()
    missing = cli("ui", "staging", "production", "--yes")
    assert missing.exit_code == 2
    assert missing.stderr.startswith("moorage promote: there is no cdk.json that defines an app; ")
    (assembly / "manifest.json").unlink()
    assert (
        "is not a readable CDK cloud assembly" in cli("ui", "staging", "production", "--yes", "--app", "cdk.out").stderr
    )
    assert aws.writes == []


def test_each_side_has_its_own_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def from_profile(*given: str) -> Clients:
        asked.append(given)
        return promotable().clients

    monkeypatch.setattr(command, "from_profile", from_profile)
    assembly = str(written(tmp_path / "cdk.out"))
    cli("ui", "staging", "production", "--dry-run", "--app", assembly, "--profile", "prod", "--source-profile", "stage")
    assert asked == [("prod", "--profile"), ("stage", "--source-profile")]


@pytest.mark.parametrize(
    "arguments", [(), ("ui", "staging"), ("ui", "staging", "production", "--local", "--profile", "prod")]
)
def test_a_wrong_command_line_is_refused(arguments: tuple[str, ...]) -> None:
    assert cli(*arguments).exit_code == 2

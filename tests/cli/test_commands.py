"""The command `moorage`: each subcommand passes its arguments on, and nothing else is loaded."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import attrs
import click
import pytest
from click.testing import CliRunner, Result

import moorage
from moorage.assembly.cloud_assembly import Stack
from moorage.cli.commands import moorage as command
from moorage.installation.commands import install_moorage
from moorage.local import __main__ as module
from moorage.local import commands as local
from moorage.local import prerequisites
from moorage.local.commands import Request

SECTIONS = {
    "Start": ["init"],
    "Deploy to a local AWS on this machine": ["up", "diff", "status", "down", "diagram"],
    "Check a change": ["review", "policy", "cost", "advise", "prices"],
    "Release": ["promote"],
}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def test_the_help_lists_the_subcommands_in_sections() -> None:
    for title, names in SECTIONS.items():
        section = run("--help").output.partition(f"{title}:\n")[2].partition("\n\n")[0]
        assert [line.split()[0] for line in section.splitlines()] == names
    named = {name for names in SECTIONS.values() for name in names}
    assert "Other:" not in run("--help").output
    assert named <= set(command.commands)


@pytest.mark.parametrize("arguments", [[], ["prices"]], ids=["moorage", "moorage prices"])
def test_the_summaries_of_the_commands_fit_into_80_columns(arguments: list[str]) -> None:
    listed = CliRunner().invoke(command, [*arguments, "--help"], terminal_width=80).output.partition("--help")[2]
    summaries = re.findall(r"^  [a-z]+  +(.*)$", listed, re.MULTILINE)
    assert summaries
    assert [each for each in summaries if not each.endswith(".") or each.endswith("...")] == []


def test_a_command_without_a_section_is_listed_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(command.commands, "another", click.Command("another", help="Do it."))
    assert run("--help").output.endswith("Other:\n  another  Do it.\n")


def test_python_m_lists_the_commands_of_the_local_aws(capsys: pytest.CaptureFixture[str]) -> None:
    assert module.main(["--help"]) == 0
    listed = capsys.readouterr().out.partition("machine:\n")[2].splitlines()
    assert [line.split()[0] for line in listed] == ["up", "diff", "status", "down", "diagram"]


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        (("up",), Request("up")),
        (
            ("up", "dev/*", "--app", "cdk.out", "--port", "4566", "--home", "here", "Other"),
            Request("up", stacks=("dev/*", "Other"), app="cdk.out", port=4566, home=Path("here")),
        ),
        (("diff", "--app", "cdk.out", "dev/*"), Request("diff", stacks=("dev/*",), app="cdk.out")),
        (("down", "--discard"), Request("down", discard=True)),
        (("down", "dev/*"), Request("down", stacks=("dev/*",))),
        (("status", "--home", "here"), Request("status", home=Path("here"))),
    ],
)
@pytest.mark.parametrize("code", [0, 1])
def test_a_command_of_the_local_aws_gets_the_same_arguments_from_both_programs(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], given: Request, code: int
) -> None:
    passed = []

    def record(request: Request) -> int:
        passed.append(request)
        return code

    monkeypatch.setattr(local, "run", record)
    monkeypatch.setattr(prerequisites, "problems", lambda *_: [])
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    assert run(*arguments).exit_code == code
    assert module.main(list(arguments)) == code
    same = [attrs.evolve(each, program="", show=given.show, cost=given.cost) for each in passed]
    assert same == [attrs.evolve(given, program="")] * 2
    assert [each.program for each in passed] == ["moorage", "/usr/bin/python3 -m moorage.local"]


@pytest.mark.parametrize(
    ("found", "program"), [("bin/moorage", "moorage"), (None, "bin/moorage"), ("other/moorage", "bin/moorage")]
)
def test_suggested_commands_begin_with_a_program_that_the_shell_finds(
    monkeypatch: pytest.MonkeyPatch, found: str | None, program: str
) -> None:
    passed: list[Request] = []
    monkeypatch.setattr(local, "run", passed.append)
    monkeypatch.setattr(sys, "argv", [str(Path.cwd() / "bin" / "moorage"), "status"])
    monkeypatch.setattr(shutil, "which", lambda _: found and str(Path.cwd() / found))
    run("status")
    assert [each.program for each in passed] == [program]


def test_both_programs_end_an_up_with_a_command_that_shows_the_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[Request] = []
    monkeypatch.setattr(local, "run", passed.append)
    monkeypatch.setattr(prerequisites, "problems", lambda *_: [])
    monkeypatch.setattr("moorage.cli.commands.scripts", lambda: Path.cwd() / ".venv/bin")
    template = {"Resources": {"Nat": {"Type": "AWS::EC2::NatGateway", "Properties": {"SubnetId": "subnet-1"}}}}
    stacks = [Stack("Shop", "Shop", None, None, template, ()), Stack("Other", "Other", None, None, template, ())]
    run("up")
    module.main(["up"])
    line = "On AWS, this costs at least ${} a month ({} cost {})\n"
    one, other = (
        each.cost(stacks, Path(".moorage/cdk.out"), given) for each, given in zip(passed, ((), ["Shop"]), strict=True)
    )
    assert one == line.format("65.70", "moorage", ".moorage/cdk.out")
    assert other == line.format("32.85", ".venv/bin/moorage", ".moorage/cdk.out Shop")


@pytest.mark.parametrize("arguments", [("up", "--discard"), ("status", "--port", "1"), ("up", "--port", "text")])
def test_an_unknown_argument_is_refused(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2
    assert module.main(arguments) == 2


def test_a_page_that_cannot_be_written_is_refused_before_the_app_is_synthesized(tmp_path: Path) -> None:
    done = run("diff", "--markdown", str(tmp_path / "no" / "page.md"), "--home", str(tmp_path / "home"))
    assert done.exit_code == 2
    assert "there is no folder" in done.output


def test_a_diagram_that_cannot_be_drawn_is_one_sentence(tmp_path: Path) -> None:
    done = run("diagram", str(tmp_path))
    assert done.exit_code == 1
    assert done.output == (
        f"moorage diagram: {tmp_path} is not a CDK cloud assembly, since it has no manifest.json; name the folder that "
        "`cdk synth` wrote, such as cdk.out\n"
    )


@pytest.mark.parametrize(
    "arguments", [("init", "--name", "1"), ("diagram", "no"), ("up", "--home", "file", "--app", "a")]
)
def test_an_error_begins_with_its_command(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    monkeypatch.setattr(prerequisites, "problems", lambda *_: [])
    done = run(*arguments)
    assert (done.exit_code, done.output.partition(": ")[0]) == (1, f"moorage {arguments[0]}")


def test_a_diagram_is_printed_or_written_into_a_file(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"artifacts": {}}')
    page = tmp_path / "page.md"
    page.write_text("no marks")
    assert run("diagram", str(tmp_path)).output == "```mermaid\nflowchart LR\n```\n"
    assert "must contain" in run("diagram", str(tmp_path), "--into", str(page)).output


def test_the_version_is_that_of_the_package() -> None:
    assert run("--version").exit_code == 0


def test_a_missing_library_is_said_with_its_extra() -> None:
    """Neither the extra `local` nor click itself is needed to be told what to install."""
    without = "import sys; sys.modules.update(dict.fromkeys({names!r})); sys.argv = ['moorage', *{arguments!r}]\n"
    program = without + "from moorage.cli import main; main()"
    said = {
        (("click",), ("review",)): (
            f"moorage: install the command with `{install_moorage('local')}`, "
            "or with the extra review, prices or promotion\n"
        ),
        (("rich", "rich.console"), ("review", "HEAD")): (
            f"moorage review needs moorage[review], which installs rich: {install_moorage('review')}\n"
        ),
        (("boto3", "botocore", "botocore.exceptions"), ("status",)): (
            f"moorage status needs moorage[local], which installs botocore: {install_moorage('local')}\n"
        ),
        (("boto3", "botocore", "botocore.exceptions"), ("promote", "ui", "staging", "production")): (
            f"moorage promote needs moorage[promotion], which installs boto3: {install_moorage('promotion')}\n"
        ),
        (("boto3", "botocore", "botocore.exceptions"), ("prices", "refresh")): (
            f"moorage prices refresh needs moorage[prices], which installs boto3: {install_moorage('prices')}\n"
        ),
        (("ministack", "yaml"), ("promote", "ui", "staging", "production", "--local")): (
            f"moorage promote --local needs moorage[local], which installs yaml: {install_moorage('local')}\n"
        ),
        (("rich", "rich.console"), ("diff",)): (
            f"moorage diff needs moorage[review], which installs rich: {install_moorage('review')}\n"
        ),
    }
    for (names, arguments), sentence in said.items():
        code = program.format(names=names, arguments=arguments)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert (re.sub(r"(botocore|rich)\.\w+", r"\1", done.stderr), done.returncode) == (sentence, 2)


def test_the_command_loads_neither_cdk_nor_the_local_aws() -> None:
    code = "import json, sys, moorage.cli.commands; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout)
    assert not [name for name in loaded if name.startswith(("aws_cdk", "jsii", "boto", "moorage.local", "moorage.ecs"))]
    assert moorage.__name__ in loaded


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["up", "--help"],
        ["status", "--home", "home"],
        ["down", "--home", "home"],
        ["diff", "--home", "home"],
        ["diagram", "assembly"],
        ["review", "assembly", "assembly"],
        ["policy", "assembly"],
        ["cost", "assembly"],
        ["advise", "assembly"],
        ["promote", "ui", "staging", "production", "--app", "assembly"],
    ],
    ids=lambda each: each[0],
)
def test_a_command_whose_output_is_closed_ends_quietly(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "assembly").mkdir()
    (tmp_path / "assembly" / "manifest.json").write_text('{"artifacts": {}}')
    reading, writing = os.pipe()
    os.close(reading)
    program = [sys.executable, "-c", "from moorage.cli import main; main()"]
    done = subprocess.run(
        [*program, *arguments], cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert "roken pipe" not in done.stderr
    assert "BrokenPipeError" not in done.stderr
    assert "Traceback" not in done.stderr

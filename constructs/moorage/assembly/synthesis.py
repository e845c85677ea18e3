"""The synthesis of a CDK app, as the cdk CLI runs it, but without credentials and with stack traces."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import VALIDATION_REPORT, AssemblyError, entries
from moorage.assembly.stack_traces import tracing
from moorage.installation.app_python import app_python
from moorage.installation.programs import node_problem

SETTINGS, CONTEXT = "cdk.json", "cdk.context.json"
_FOREIGN = ("AWS_", "AMAZON_", "BOTO_", "CDK_CONTEXT", "CDK_OUTDIR", "CDK_CLI_", "CDK_VALIDATION", "CONTEXT_OVERFLOW")
_MOST_CONTEXT = 100_000
"""The maximum size of the context in a variable, in bytes. Linux permits 131,072 (`execve(2)`, "Limits on size of
arguments").
"""
_INTERRUPTING = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if sys.platform != "win32" else []))
_MOST_NAMED = 3
_REGION = "us-east-1"
"""The region that the cdk CLI uses if no region is configured (aws-cdk 2.1148.1, `AwsCliCompatible.region`)."""
_WITHOUT_ACCOUNT = re.compile(r"CDK_DEFAULT_ACCOUNT|account/region are not specified")
_WITHOUT_NODE = re.compile(r"_NodeProcess|'node'|node: (command )?not found")
"""The output of jsii, whose last line is a fault of its own, and of shells, if there is no Node.js."""
_REPORTS = (VALIDATION_REPORT, "policy-validation-report.json")
_OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR")
"""Variables that git sets for its hooks, such as the index of the commit in progress (`githooks`, "DESCRIPTION").

With them, a command in a worktree would write the user's index.
"""


class SynthesisError(AssemblyError):
    """The error for an app that does not synthesize.

    Args:
        sentence: The message for the user.
        output: The output of the app before it failed. Default: nothing.
    """

    def __init__(self, sentence: str, output: str = "") -> None:
        super().__init__(sentence)
        self.output = output


@attrs.frozen
class Program:
    """A CDK app in a folder.

    Args:
        name: The name of the side, as the user gave it.
        folder: The folder with `cdk.json`, in which the app runs.
        settings: The settings of `cdk.json`.
        command: The command that synthesizes the app.
    """

    name: str
    folder: Path
    settings: Mapping[str, Any]
    command: str

    @classmethod
    def of(cls, name: str, folder: Path, app: str | None) -> Program | None:
        """Return the app of a folder; None if the folder has no app.

        Args:
            name: The name of the side, as the user gave it.
            folder: The folder with `cdk.json`.
            app: The command that synthesizes the app. Default: None; the `app` of `cdk.json`.

        Raises:
            SynthesisError: `cdk.json` cannot be read.
        """
        settings = _json(folder / SETTINGS, name)
        command = app or settings.get("app")
        if isinstance(command, list):
            command = " ".join(map(str, command))
        return cls(name, folder, settings, command) if isinstance(command, str) and folder.is_dir() else None


class Synthesis:
    """An app that is being synthesized.

    Args:
        program: The app.
        root: The folder to which the file paths in `Stack.lines` are made relative.
        output: The folder for the assembly.
        log: The file for what the app prints.
        python_path: The `PYTHONPATH` of the app; None for the value in this process.
    """

    def __init__(self, program: Program, root: Path, output: Path, log: Path, python_path: str | None) -> None:
        self.root = root
        self.folder = program.folder
        self._program = program
        self._output = output
        self._log = log
        output.mkdir()
        with log.open("wb") as printed:
            self._process = subprocess.Popen(  # noqa: S602  # the user's own command, as the cdk CLI runs it
                _shell(program),
                shell=True,
                cwd=program.folder,
                env=self._environment(python_path),
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _environment(self, python_path: str | None) -> dict[str, str]:
        program = self._program
        stated = {
            **_object(_json(program.folder / CONTEXT, program.name)),
            **_object(program.settings.get("context")),
            "aws:cdk:enable-path-metadata": True,
            "aws:cdk:enable-asset-metadata": True,
            "aws:cdk:bundling-stacks": ["**"],
            # a violation is a finding, not an error; the report is written all the same
            "@aws-cdk/core:failSynthOnValidationErrors": False,
        }
        if program.settings.get("versionReporting", True):
            stated["aws:cdk:version-reporting"] = True
        context = json.dumps(stated)
        environment = {**synthesis_variables(program.command), "CDK_OUTDIR": str(self._output)}
        if len(context.encode()) > _MOST_CONTEXT:
            overflow = self._log.with_suffix(".context.json")
            overflow.write_text(context, "utf-8")
            environment["CONTEXT_OVERFLOW_LOCATION_ENV"], context = str(overflow), "{}"
        environment["CDK_CONTEXT_JSON"] = context
        if python_path is not None:
            environment["PYTHONPATH"] = python_path
        return environment

    def finish(self) -> Path:
        """Wait for the app, and return the folder of the assembly.

        Raises:
            SynthesisError: The app fails, writes no assembly, needs a lookup or has an error annotation.
        """
        code = self._process.wait()
        name = self._program.name
        manifest = self._output / "manifest.json"
        if code and not (manifest.is_file() and self._reports_failures()):
            raise self._failed(f"{name} does not synthesize: `{self._program.command}` ended with exit code {code}")
        if not manifest.is_file():
            raise self._failed(
                f"{name} does not synthesize: `{self._program.command}` wrote no assembly to the folder in CDK_OUTDIR; "
                "the app must call app.synth() and give App no outdir"
            )
        if missing := _json(manifest, name).get("missing"):
            raise SynthesisError(_unanswered(name, missing))
        if errors := list(entries(self._output, "aws:cdk:error")):
            said = "; ".join(f"{path.removeprefix('/')}: {text}" for path, text in errors[:_MOST_NAMED])
            more = f"; and {len(errors) - _MOST_NAMED} more" if len(errors) > _MOST_NAMED else ""
            raise SynthesisError(f"{name} does not synthesize: {said}{more}")
        return self._output

    def _reports_failures(self) -> bool:
        """Return whether a plugin reported violations. Older versions of CDK exit with 1 after such a report."""
        reports = [self._output / name for name in _REPORTS]
        return any('"failure"' in report.read_text("utf-8") for report in reports if report.is_file())

    def _failed(self, sentence: str) -> SynthesisError:
        """Return the error for an app that fails, with the output of the app."""
        printed = self._log.read_text("utf-8", errors="replace").strip()
        if _WITHOUT_NODE.search(printed) and (problem := node_problem()):
            return SynthesisError(f"{self._program.name} does not synthesize: {problem}")
        if _WITHOUT_ACCOUNT.search(printed) and "CDK_DEFAULT_ACCOUNT" not in os.environ:
            sentence += "; the app gets no credentials: set CDK_DEFAULT_ACCOUNT and CDK_DEFAULT_REGION"
        return SynthesisError(sentence, printed)

    def stop(self) -> None:
        """If the app is still running, end the app and the programs that it started."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


@contextlib.contextmanager
def synthesizing(
    program: Program, root: Path, output: Path, log: Path, python_path: str | None = None
) -> Iterator[Synthesis]:
    """Start the synthesis of an app, and end the app afterwards if it still runs, also if this process is interrupted.

    Args:
        program: The app.
        root: The folder to which the file paths in `Stack.lines` are made relative.
        output: The folder for the assembly.
        log: The file for what the app prints.
        python_path: The `PYTHONPATH` of the app. Default: the value in this process.
    """
    synthesis = None
    try:
        with _uninterrupted():
            synthesis = Synthesis(program, root, output, log, python_path)
        yield synthesis
    finally:
        if synthesis:
            synthesis.stop()


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold back an interruption until the body has ended: in the middle of it, a started program would be lost."""
    if threading.current_thread() is not threading.main_thread():  # only there do signals interrupt
        yield
        return
    held: list[tuple[int, FrameType | None]] = []
    before = {number: handler for number in _INTERRUPTING if callable(handler := signal.getsignal(number))}
    for number in before:
        signal.signal(number, lambda *given: held.append(given))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for caught, frame in held[:1]:
        before[signal.Signals(caught)](caught, frame)


def program_variables() -> dict[str, str]:
    """Return this process's environment without the variables that git sets for its hooks."""
    return {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}


def synthesis_variables(command: str) -> dict[str, str]:
    """Return the environment of an app: that of this process, without credentials, and with stack traces.

    Args:
        command: The command that synthesizes the app.
    """
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or _REGION
    modules = [str(folder / "node_modules" / ".bin") for folder in (Path.cwd(), *Path.cwd().parents)]
    path = [app_python(command, unless_imported=False).path, *(each for each in modules if Path(each).is_dir())]
    kept = {name: value for name, value in program_variables().items() if not name.startswith(_FOREIGN)}
    return {
        "CDK_DEFAULT_REGION": region,
        "PYTHONIOENCODING": "utf-8",
        **kept,
        "PATH": os.pathsep.join(path),  # as npm does, and behind the user's own
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        **tracing(kept),
        # only CDK's own rules, which take half of a synthesis: plugins such as cdk-nag still report
        "CDK_VALIDATION": "false",
        "PYTHONDONTWRITEBYTECODE": "1",
        "UV_NO_SYNC": "1",  # `uv run` would install the worktree into the user's environment
    }


def _shell(program: Program) -> str:
    """Return the command line. A JavaScript file that is not executable is run with Node.js, as the cdk CLI does."""
    command = program.command
    first = Path(program.folder, command.split(" ", 1)[0])
    if first.suffix == ".js" and first.is_file() and not os.access(first, os.X_OK):
        command = f"node {command}"
    build = program.settings.get("build")
    return f"{build} && {command}" if isinstance(build, str) and build else command


def _unanswered(name: str, missing: list[Mapping[str, Any]]) -> str:
    keys = [str(each.get("key")) for each in missing]
    more = f" and {len(keys) - _MOST_NAMED} more" if len(keys) > _MOST_NAMED else ""
    return (
        f"{name} does not synthesize: {CONTEXT} has no value for {', '.join(keys[:_MOST_NAMED])}{more}, and the app "
        f"gets no credentials for lookups; run `cdk synth` once with credentials, and commit {CONTEXT}"
    )


def _json(path: Path, name: str) -> Mapping[str, Any]:
    """Return the object in a JSON file; an empty object if the file does not exist."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except json.JSONDecodeError as error:
        raise SynthesisError(f"{name}: {path.name}:{error.lineno} is not valid JSON ({error.msg})") from error
    except UnicodeDecodeError as error:
        raise SynthesisError(f"{name}: {path.name} is not UTF-8 text") from error
    if not isinstance(found, dict):
        raise SynthesisError(f"{name}: {path.name} is not a JSON object")
    return found


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}

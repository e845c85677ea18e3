"""The Python that runs an app: a Python without aws_cdk is reported, or replaced if no virtual environment is active.

An app can be written in any language, so only an app whose command begins with a Python is checked.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import attrs

from moorage.installation.commands import install_moorage, pip_install, scripts, shell_path
from moorage.installation.programs import search_path

_PYTHON = re.compile(r"python(3(\.\d+)?)?")
_ASSIGNMENT = re.compile(r"\w+=.*")
_IMPORT = re.compile(r"^\s*(?:import|from)\s+(aws_cdk|moorage)\b", re.MULTILINE)
_PROBE = "import importlib.util, sys; print(*(each for each in sys.argv[1:] if not importlib.util.find_spec(each)))"
_CDK = "aws_cdk"
_SECONDS = 20


@attrs.frozen
class AppPython:
    """The Python that runs an app.

    Args:
        path: The PATH with which the app runs.
        problem: A sentence about a Python that cannot run the app; None if no problem is known.
    """

    path: str
    problem: str | None = None


def app_python(app: str | None, *, failed: bool = False) -> AppPython:
    """Return the Python of the app of the current folder.

    If no virtual environment is active, and the Python on the PATH lacks aws_cdk, the folder of the running Python
    comes first in the PATH.

    Args:
        app: The command that synthesizes the app, or the folder of an assembly. None for the `app` of `cdk.json`.
        failed: True if the app has failed. Then aws_cdk counts as missing even if the first file of the app does not
            import it. Default: False.
    """
    path, words = search_path(), _words(app)
    if not words:
        return AppPython(path)
    name, imported = words[0], _imported(words)
    program = shutil.which(name, path=path)
    lacking = _lacking(program, dict.fromkeys([_CDK, *imported])) if program else [_CDK]
    if not lacking:
        return AppPython(path)
    if _may_replace(name, program) and not _lacking(str(scripts() / name), imported or [_CDK]):
        return AppPython(os.pathsep.join([str(scripts()), path]))
    if program is None:
        other = shlex.quote(f"{shell_path(scripts() / 'python')} {shlex.join(words[1:])}")
        return AppPython(path, f"{name}, which runs the app, is not installed; use another Python with `--app {other}`")
    missing = [each for each in lacking if failed or each in imported]
    if not missing:
        return AppPython(path)
    install = _install(program, missing)
    return AppPython(
        path, f"{program}, which runs the app, has no {' and no '.join(missing)}; install it with `{install}`"
    )


def is_folder(app: str) -> bool:
    """Return whether an app is the folder of an assembly.

    Args:
        app: The command that synthesizes the app, or the folder.
    """
    try:
        return Path(app).is_dir()
    except (OSError, ValueError):  # a command may be longer than any file name
        return False


def _words(app: str | None) -> list[str]:
    """Return the words of a command that begins with a Python; no words for another app."""
    if app is None:
        try:
            app = json.loads(Path("cdk.json").read_text("utf-8")).get("app")
        except (OSError, ValueError, AttributeError):
            return []
    if isinstance(app, list):
        app = " ".join(map(str, app))
    try:
        words = shlex.split(app) if isinstance(app, str) else []
    except ValueError:  # an open quote, which the shell reports
        return []
    while words and _ASSIGNMENT.fullmatch(words[0]):
        words = words[1:]
    return words if words and _PYTHON.fullmatch(Path(words[0]).name) else []


def _imported(words: Sequence[str]) -> list[str]:
    """Return which of aws_cdk and moorage the first file of the app imports."""
    for word in words[1:]:
        if word.endswith(".py"):
            try:
                return list(dict.fromkeys(_IMPORT.findall(Path(word).read_text("utf-8", errors="replace"))))
            except OSError:
                return []
    return []


def _lacking(program: str, modules: Sequence[str] | dict[str, None]) -> list[str]:
    """Return the modules that a Python does not find; none if the Python does not run."""
    if Path(program).absolute().parent == scripts():
        return [each for each in modules if importlib.util.find_spec(each) is None]
    try:
        done = subprocess.run(
            [program, "-c", _PROBE, *modules], capture_output=True, text=True, timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.split()


def _may_replace(name: str, program: str | None) -> bool:
    """Return whether a Python is only that of the PATH: neither a path nor in an active virtual environment."""
    active = os.environ.get("VIRTUAL_ENV")
    chosen = bool(active and program and Path(program).is_relative_to(active))
    return "/" not in name and (scripts() / name).exists() and not chosen


def _install(program: str, missing: Sequence[str]) -> str:
    if Path("requirements.txt").is_file():
        return pip_install("--requirement requirements.txt", program)
    if "moorage" in missing:
        return install_moorage(python=program)
    return pip_install("aws-cdk-lib", program)

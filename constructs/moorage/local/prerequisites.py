"""The needs of `up` on this machine, checked together before anything starts.

Only the standard library is needed, so that missing libraries can be reported too.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from moorage.installation.app_python import app_python, is_folder
from moorage.installation.commands import install_moorage
from moorage.installation.programs import cdk_problem, node_problem, outdated_problem
from moorage.installation.stated_app import app_problem, stated_app
from moorage.local.ports import PortError, listening

WINDOWS = "the local AWS needs Linux or macOS; on Windows, use WSL"
_LIBRARIES = ("boto3", "botocore", "cfnlint", "jsonschema", "ministack", "regex", "rich", "yaml")
"""The modules of the extra `local`."""


def problems(app: str | None, port: int | None, home: Path) -> list[str]:
    """Return a sentence about each thing that is missing, with the command that gets it.

    Args:
        app: The command that synthesizes the app, or the folder of a cloud assembly; None for the `app` of `cdk.json`.
        port: The port to listen on; None for a free port.
        home: The folder for the state of the local AWS.
    """
    return [WINDOWS] if sys.platform == "win32" else list(_problems(app, port, home))


def _problems(app: str | None, port: int | None, home: Path) -> Iterator[str]:
    if missing := [name for name in _LIBRARIES if importlib.util.find_spec(name) is None]:
        yield (
            f"the local AWS needs moorage[local], which installs {', '.join(missing)}; install it with "
            f"`{install_moorage('local')}`"
        )
    found = [app_problem(app), node_problem(), cdk_problem()]
    app = stated_app(app)
    if app and is_folder(app):
        found.append(outdated_problem(Path(app), ask=False))
    else:
        found.append(app_python(app).problem)
    yield from filter(None, found)
    if port is not None and not (home / "server.json").exists():  # a server that runs keeps its own port
        try:
            listening(port).close()
        except PortError as error:
            yield str(error)


def require(app: str | None, port: int | None, home: Path) -> None:
    """Exit with 1 if something is missing, after a message that names all of it.

    Args:
        app: The command that synthesizes the app, or the folder of a cloud assembly; None for the `app` of `cdk.json`.
        port: The port to listen on; None for a free port.
        home: The folder for the state of the local AWS.

    Raises:
        SystemExit: Something is missing.
    """
    if found := problems(app, port, home):
        sys.stderr.write(f"moorage up: {joined(found)}\n")
        raise SystemExit(1)


def joined(found: Sequence[str]) -> str:
    """Return the message for problems: a sentence for one problem, a list for more.

    Args:
        found: The sentences about the problems.
    """
    if len(found) == 1:
        return found[0]
    return f"{len(found)} problems" + "".join(f"\n  - {each}" for each in found)

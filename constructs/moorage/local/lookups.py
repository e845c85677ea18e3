"""Context lookups of an app. The local AWS answers the cdk CLI, which caches the answers in the home folder.

The CLI reads `cdk.json` and writes `cdk.context.json` in the current folder. Answers of the local AWS must not get into
the user's files. So the CLI runs in a folder with copies of both files, and the app runs in the user's folder.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from moorage.local import private
from moorage.local.process import LocalError

_SETTINGS, _CONTEXT = "cdk.json", "cdk.context.json"
_COMMANDS = ("app", "build")
_ASIDE = ("account", "dummyValue", "ignoreErrorOnMissingContext", "lookupRoleArn", "region", "returnAsymmetricSubnets")
_MOST_NAMED = 3


def prepared(folder: Path) -> Path:
    """Prepare and return the folder in which the CLI synthesizes the app of the current folder.

    Args:
        folder: The home folder of the local AWS.
    """
    ours, theirs = folder / "synthesis", Path.cwd()
    ours.mkdir(mode=0o700, exist_ok=True)
    for name in (_SETTINGS, _CONTEXT):
        (ours / name).unlink(missing_ok=True)
        if (theirs / name).exists():
            text = (theirs / name).read_text("utf-8")
            private.write(ours / name, _moved(text) if name == _SETTINGS else text)
    return ours


def command(app: str) -> str:
    """Return the value of `cdk --app` in a form that works from another folder.

    Args:
        app: The command, or the folder of an assembly, as given from the current folder.
    """
    here, path = Path.cwd(), Path(app)
    if path.is_dir():
        return str(path.resolve())
    if path.is_file():  # the CLI runs a file by its name, and a JavaScript file with Node.js
        app = _quoted(str(path.resolve()))
        if not os.access(path, os.X_OK) and path.suffix == ".js":
            app = f"node {app}"
    return f"cd {'/d ' if sys.platform == 'win32' else ''}{_quoted(str(here))} && {app}"


def _quoted(text: str) -> str:
    return subprocess.list2cmdline([text]) if sys.platform == "win32" else shlex.quote(text)


def _moved(text: str) -> str:
    """Return the CLI's settings, changed so that their commands and plugins also work from another folder."""
    try:
        settings = json.loads(text)
    except ValueError:
        return text  # the CLI reports the error
    if not isinstance(settings, dict):
        return text
    for name in _COMMANDS:
        if isinstance(settings.get(name), str):
            settings[name] = command(settings[name])
    if isinstance(settings.get("plugin"), list):
        settings["plugin"] = [
            str(Path(each).resolve()) if each.startswith(".") else each for each in settings["plugin"]
        ]
    return json.dumps(settings)


class UnansweredError(LocalError):
    """The error for an app that looks up resources that do not exist in the local AWS.

    Args:
        missing: The missing lookups in the format of the assembly's manifest.
    """

    def __init__(self, missing: Sequence[Mapping[str, Any]]) -> None:
        named = [_named(each) for each in missing[:_MOST_NAMED]]
        if len(missing) > _MOST_NAMED:
            named.append(f"{len(missing) - _MOST_NAMED} more")
        super().__init__(
            f"the app looks up resources that do not exist in the local AWS: {'; '.join(named)}. Create them "
            f"(the local AWS is running, see above), or add the values to {_CONTEXT}"
        )
        stated = [each.get("props") or {} for each in missing]
        self.places = [
            (str(each["account"]), str(each["region"])) for each in stated if {"account", "region"} <= set(each)
        ]


def require_answered(assembly: Path) -> None:
    """Check that the local AWS has answered all lookups of an assembly.

    Args:
        assembly: The folder of the assembly, which may be incomplete.

    Raises:
        UnansweredError: A lookup has no answer.
    """
    try:
        missing = json.loads((assembly / "manifest.json").read_text("utf-8")).get("missing")
    except (OSError, ValueError, AttributeError):
        return
    if missing:
        raise UnansweredError(missing)


def _named(missing: Mapping[str, Any]) -> str:
    properties = missing.get("props") or {}
    asked = {name: value for name, value in properties.items() if name not in _ASIDE}
    place = " ".join(str(properties[name]) for name in ("account", "region") if name in properties)
    return f"{missing.get('provider')} in {place} with {json.dumps(asked)}"

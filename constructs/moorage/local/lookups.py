"""The look-ups of an app: the cdk CLI asks the local AWS, and keeps its answers in a folder of the home's own.

The CLI reads `cdk.json` and writes `cdk.context.json` in the folder in which it runs. What the local AWS answers is of
no use elsewhere, so the CLI synthesizes beside copies of the two, while the app runs in the user's own folder.
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
    """Make the folder in which the CLI synthesizes the app of the folder that this process runs in.

    Args:
        folder: The home's folder.
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
    """Return a command as it is run from another folder than this process's.

    Args:
        app: The command, or the folder of an assembly, as `cdk --app` takes them.
    """
    here, path = Path.cwd(), Path(app)
    if path.is_dir():
        return str(path.resolve())
    if path.is_file():  # the CLI runs a file by its name, one of JavaScript with Node.js
        app = _quoted(str(path.resolve()))
        if not os.access(path, os.X_OK) and path.suffix == ".js":
            app = f"node {app}"
    return f"cd {'/d ' if sys.platform == 'win32' else ''}{_quoted(str(here))} && {app}"


def _quoted(text: str) -> str:
    return subprocess.list2cmdline([text]) if sys.platform == "win32" else shlex.quote(text)


def _moved(text: str) -> str:
    """Return settings of the CLI with their commands and plugins as another folder needs them."""
    try:
        settings = json.loads(text)
    except ValueError:
        return text  # the CLI says what is wrong with it
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
    """An app looks up what the local AWS does not have.

    Args:
        missing: The look-ups, as the assembly's manifest states them.
    """

    def __init__(self, missing: Sequence[Mapping[str, Any]]) -> None:
        named = [_named(each) for each in missing[:_MOST_NAMED]]
        if len(missing) > _MOST_NAMED:
            named.append(f"{len(missing) - _MOST_NAMED} more")
        super().__init__(
            f"the app looks up what the local AWS does not have: {'; '.join(named)}. Make it there (the "
            f"local AWS stands, see above), or state the answer in {_CONTEXT}"
        )
        stated = [each.get("props") or {} for each in missing]
        self.places = [
            (str(each["account"]), str(each["region"])) for each in stated if {"account", "region"} <= set(each)
        ]


def require_answered(assembly: Path) -> None:
    """Refuse an assembly with look-ups that the local AWS did not answer.

    Args:
        assembly: The folder of the assembly, whether or not it was synthesized to its end.

    Raises:
        UnansweredError: There are some.
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
    return f"{missing.get('provider')} in {place} of {json.dumps(asked)}"

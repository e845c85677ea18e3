"""The lines of the user's program, from the stack traces that CDK records with `CDK_DEBUG`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

_FRAME = re.compile(r"\(?(?P<file>[^()\s][^()]*?):(?P<line>\d+)(?::\d+)?\)?$")
_OF_LIBRARIES = ("/site-packages/", "/dist-packages/", "/node_modules/", "/lib/python3", "/constructs/moorage/")
"""Folders of libraries. A stack frame of a file in such a folder is not the user's."""
_OF_RUNTIMES = ("node:", "<")
"""The prefixes of stack frames in Node.js itself and in frozen Python modules, which have no file."""


@attrs.frozen(order=True)
class Line:
    """A line of the user's program.

    Args:
        file: The path of the file, as in the stack trace.
        number: The number of the line, from 1.
    """

    file: str
    number: int

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"


def tracing(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables that make an app record stack traces.

    Args:
        environment: The other environment variables of the app. The options in `NODE_OPTIONS` are kept.
    """
    return {
        "CDK_DEBUG": "1",
        "JSII_HOST_STACK_TRACES": "1",
        # V8's own limit of 10 frames ends within CDK's constructs
        "NODE_OPTIONS": f"{environment.get('NODE_OPTIONS', '')} --stack-trace-limit=100".strip(),
    }


def user_lines(metadata: Mapping[str, Sequence[Mapping[str, Any]]], root: Path | None) -> dict[str, Line]:
    """Return a mapping from the construct path of each resource to the line of the user's program that defined it.

    Resources whose stack traces contain no line of the user's program are left out.

    Args:
        metadata: A mapping from construct path to the metadata entries of the construct, for one stack.
        root: The folder that file paths are made relative to, as in `user_line`.
    """
    found = {}
    for path, entries in metadata.items():
        identity = next((entry for entry in entries if entry["type"] == "aws:cdk:logicalId"), None)
        if identity is None:
            continue
        stacks = [entry["data"] for entry in entries if entry["type"] == "aws:cdk:creationStack"]
        frames = stacks[0] if stacks else identity.get("trace", [])
        if line := user_line(frames, root):
            found[path.removeprefix("/")] = line
    return found


def user_line(frames: Sequence[str], root: Path | None = None) -> Line | None:
    """Return the file and line of the innermost frame in the user's program; None if all frames are in libraries.

    Args:
        frames: The frames as CDK writes them, innermost first: `make (/app/app.py:5)` or `at f (/app/app.ts:5:3)`.
        root: The folder that the file path is made relative to if the file is in that folder. Default: None; the path
            is not changed.
    """
    for frame in frames:
        found = _FRAME.search(frame.strip())
        if found is None or frame.strip().startswith("..."):
            continue
        file = found["file"].removeprefix("at ").removeprefix("file://")
        if not file.startswith(_OF_RUNTIMES) and not any(folder in file for folder in _OF_LIBRARIES):
            return Line(_relative(file, root) if root else file, int(found["line"]))
    return None


def _relative(file: str, root: Path) -> str:
    """Return the path of a file relative to the root if the file is in the root, otherwise the path itself.

    The path can begin with the root, or with the root without symbolic links.
    """
    for folder in (root, root.resolve()):
        if Path(file).is_relative_to(folder):
            return Path(file).relative_to(folder).as_posix()
    return file

"""The requirements of a new app: the versions that are installed, and moorage from where it was installed."""

from __future__ import annotations

import json
import re
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import attrs

from moorage.starter.refusals import StarterError

_MOORAGE = "moorage[local,review,testing]"
_PINNED = ("aws-cdk-lib", "constructs", "pytest")


@attrs.frozen
class Requirements:
    """The text of `requirements.txt`.

    Args:
        text: The text.
        path: The path outside the app from which moorage is installed, which exists only on this machine. None if
            moorage comes from an index, a repository or the folder of the app.
    """

    text: str
    path: Path | None


def requirements(folder: Path) -> Requirements:
    """Return the requirements of an app.

    Args:
        folder: The folder of the app.

    Raises:
        StarterError: moorage is imported without being installed.
    """
    try:
        moorage = metadata.distribution("moorage")
    except metadata.PackageNotFoundError as error:
        raise StarterError(
            "moorage must be installed, so that requirements.txt can name it; install it with pip"
        ) from error
    origin = json.loads(moorage.read_text("direct_url.json") or "{}")
    path, place = _path(origin), folder.resolve()
    inner = path is not None and path.is_relative_to(place) and "vcs_info" not in origin and " " not in str(path)
    if path and inner:
        own = f"./{path.relative_to(place).as_posix()}{_MOORAGE.removeprefix('moorage')}"
    else:
        own = f"{_MOORAGE} @ {_url(origin)}" if origin else f"{_MOORAGE}=={moorage.version}"
    pins = [_pin(name, moorage.requires or []) for name in _PINNED]
    lines = ["# the versions that were installed when `moorage init` wrote this file", *sorted(pins), own]
    return Requirements("".join(f"{line}\n" for line in lines), None if inner else path)


def _path(origin: dict[str, Any]) -> Path | None:
    parts = urlsplit(origin.get("url", ""))
    return Path(url2pathname(parts.path)).resolve() if parts.scheme == "file" else None


def _url(origin: dict[str, Any]) -> str:
    """Return the URL of a `direct_url.json`, as requirements write it.

    The source is the specification "Recording the Direct URL Origin of installed distributions" of PyPA.
    """
    url: str = origin["url"]
    if vcs := origin.get("vcs_info"):
        url = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
    return f"{url}#subdirectory={origin['subdirectory']}" if "subdirectory" in origin else url


def _pin(name: str, required: list[str]) -> str:
    """Return the installed version of a package, or else the versions that moorage permits."""
    try:
        return f"{name}=={metadata.version(name)}"
    except metadata.PackageNotFoundError:
        permitted = (re.match(rf"{re.escape(name)}\s*([<>=!~][^;]*)", each) for each in required)
        return next((f"{name}{found[1].strip()}" for found in permitted if found), name)

"""Commands that install libraries into the running Python, as a user can paste them into a shell."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import shlex
import shutil
import sys
import sysconfig
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any


def scripts() -> Path:
    """Return the folder of the programs that belong to the running Python, such as `.venv/bin`."""
    return Path(sysconfig.get_path("scripts"))


def shell_path(program: str | Path) -> str:
    """Return the path of a program, quoted for a shell, and relative to the current folder if the program is in it.

    Args:
        program: The path of the program.
    """
    here, path = Path.cwd(), Path(program)
    return shlex.quote(str(path.relative_to(here)) if path.is_relative_to(here) else str(program))


def pip_install(requirement: str, python: str | Path | None = None) -> str:
    """Return the command that installs a requirement with pip, or with uv if pip is missing.

    Args:
        requirement: The requirement or the options of `pip install`, quoted for a shell.
        python: The Python to install into. Default: the running Python.
    """
    if python is None:
        python = sys.executable
        found = shutil.which("pip")
        if found and Path(found).parent == scripts():
            return f"pip install {requirement}"
        if importlib.util.find_spec("pip") is None and shutil.which("uv"):
            return f"uv pip install --python {shell_path(python)} {requirement}"
    return f"{shell_path(python)} -m pip install {requirement}"


def install_moorage(extra: str = "", python: str | Path | None = None) -> str:
    """Return the command that installs moorage, from the same place as the running moorage.

    Args:
        extra: The name of the extra, such as `local`. Default: no extra.
        python: The Python to install into. Default: the running Python.
    """
    named = f"moorage[{extra}]" if extra else "moorage"
    origin = _origin()
    url = str(origin.get("url", ""))
    if (origin.get("dir_info") or {}).get("editable"):
        folder = urllib.request.url2pathname(urllib.parse.urlsplit(url).path)
        return pip_install(f"--editable {_quoted(folder + named.removeprefix('moorage'))}", python)
    if control := origin.get("vcs_info"):
        url = f"{control['vcs']}+{url}@{control.get('requested_revision') or control['commit_id']}"
    return pip_install(_quoted(f"{named} @ {url}" if url else named), python)


def _origin() -> dict[str, Any]:
    """Return the record of where pip installed moorage from; an empty record if it was installed from an index.

    The source is the packaging specification "Recording the Direct URL Origin of installed distributions".
    """
    try:
        text = importlib.metadata.distribution("moorage").read_text("direct_url.json")
        found = json.loads(text or "{}")
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _quoted(text: str) -> str:
    """Quote a text for a shell, with double quotes if possible, which also work in `cmd`."""
    return shlex.quote(text) if set(text) & set('"$`\\!') else f'"{text}"'

"""The reasons not to make an app in a folder: its name, what is in the folder, and the app around it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from fnmatch import fnmatch
from pathlib import Path

from moorage.installation.mark import is_marked

KEPT = {".gitignore", "README.md"}
"""Files that stay as they are if they exist, since hosts of repositories write them into a new one."""
_HARMLESS = (
    *(".git", ".gitattributes", ".github", ".gitignore", ".editorconfig", ".idea", ".vscode", ".DS_Store"),
    *(
        ".venv",
        "venv",
        ".python-version",
        "wheels",
        "*.whl",
        "LICENSE*",
        "LICENCE*",
        "README*",
        "CODEOWNERS",
        "NOTICE*",
    ),
)
_LISTED = 5
"""The maximum number of files that a sentence names."""
_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
"""The source is the API reference of CloudFormation, `CreateStack`, "StackName"."""


class StarterError(Exception):
    """An error that the user can act on: one sentence."""


def require_name(name: str, argument: str) -> None:
    """Refuse a name that CloudFormation does not permit for a stack.

    Args:
        name: The name of the app.
        argument: The argument that gives the name, as the error names it.

    Raises:
        StarterError: The name is not permitted.
    """
    if _STACK_NAME.fullmatch(name):
        return
    near = re.sub(r"^[^A-Za-z]+", "", re.sub(r"[^A-Za-z0-9]+", "-", name)).rstrip("-")[:128] or "Shop"
    raise StarterError(
        f"{argument} must begin with a letter and have at most 128 letters, digits and hyphens, since it becomes the "
        f"name of a CloudFormation stack (got {name!r}); choose another with --name {near}"
    )


def require_free(folder: Path, files: Iterable[str]) -> None:
    """Refuse a folder that is in a CDK app, or that has other files than a new repository.

    Args:
        folder: The folder of the app, which need not exist.
        files: The files to write into it.

    Raises:
        StarterError: The folder is not free.
        OSError: The folder cannot be read.
    """
    place = folder.resolve()
    if place.exists() and not place.is_dir():
        raise StarterError(f"FOLDER must be a folder (got the file {place}); choose another")
    around = next((each for each in (place, *place.parents) if (each / "cdk.json").is_file()), None)
    if around:
        raise StarterError(
            f"{place} is in a CDK app ({around / 'cdk.json'} exists); choose a folder outside {around}, or import "
            "moorage in that app"
        )
    found = _found(place, set(files) - KEPT) if place.exists() else []
    if found:
        names = ", ".join(found[:_LISTED]) + (f" and {len(found) - _LISTED} more" if len(found) > _LISTED else "")
        raise StarterError(
            f"FOLDER must be empty, apart from files such as .git, .venv, LICENSE and README.md ({place} has "
            f"{names}); choose another folder, or move them away"
        )


def _is_harmless(path: Path) -> bool:
    """Return whether a file or a folder is of a new repository, or has the state of a local AWS."""
    return is_marked(path) or any(fnmatch(path.name, name) for name in _HARMLESS)


def _found(folder: Path, files: Collection[str]) -> list[str]:
    """Return what is in the way, from the folder."""
    others = {each.name for each in folder.iterdir() if not _is_harmless(each)}
    existing = {name for name in files if (folder / name).exists() or (folder / name).is_symlink()}
    return sorted(others | {name for name in existing if name.partition("/")[0] not in others})

"""Links from a worktree to the dependencies of the user's checkout, such as `node_modules` and `.venv`.

Git does not track these folders, so a new worktree does not contain them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from moorage.assembly.synthesis import CONTEXT
from moorage.review.sides.revisions import Repository

_MODULES = "node_modules"
_VIRTUAL_ENVIRONMENT = "pyvenv.cfg"
_PYTHON = re.compile(r"(?P<command>[^|&;<>()$`]*?\bpython[\d.]*(\.exe)?\"?)\s")
"""The part of a command that runs Python: `python3`, `.venv/bin/python`, `uv run python`."""
_PATHS = """
import json, sys
finders = [sys.modules.get(type(each).__module__ if not isinstance(each, type) else each.__module__)
           for each in sys.meta_path]
mapped = [path for each in finders for path in getattr(each, "MAPPING", {}).values()]
print(json.dumps([[path for path in sys.path if path], mapped]))
"""
"""A program that prints the folders that Python imports from, and the folders of editable installs by setuptools."""


def link(repository: Repository, worktree: Path) -> None:
    """Make the dependencies of the checkout available in a worktree through symbolic links.

    A package of the repository itself can be a link in `node_modules`, which npm and pnpm create. The new link leads to
    the same package in the worktree. An untracked `cdk.context.json` is also linked, so that lookups return the same
    values on both sides.

    Args:
        repository: The repository of the checkout.
        worktree: The worktree of a revision.
    """
    for path in repository.untracked():
        theirs, ours = repository.root / path, worktree / path
        if os.path.lexists(ours) or not ours.parent.is_dir():
            continue
        if path.name == _MODULES and theirs.is_dir():
            _link_modules(theirs, ours, repository.root, worktree)
        elif path.name == CONTEXT or (theirs / _VIRTUAL_ENVIRONMENT).is_file():
            ours.symlink_to(theirs)


def _link_modules(theirs: Path, ours: Path, root: Path, worktree: Path) -> None:
    ours.mkdir()
    for entry in theirs.iterdir():
        if entry.name.startswith("@") and entry.is_dir() and not entry.is_symlink():
            _link_modules(entry, ours / entry.name, root, worktree)
        else:
            (ours / entry.name).symlink_to(_moved(entry.resolve(), root, worktree) or entry)


def python_path(repository: Repository, worktree: Path, command: str, variables: Mapping[str, str]) -> str:
    """Return the `PYTHONPATH` that makes Python import the packages of the repository from a worktree.

    Otherwise, Python would import an editable install (`pip install -e .`) from the user's checkout.

    Args:
        repository: The repository of the checkout.
        worktree: The worktree of a revision.
        command: The command that runs the app.
        variables: The environment of the command.
    """
    here = repository.root / repository.folder
    found = [_moved(Path(each), repository.root, worktree) for each in _imported_from(here, command, variables)]
    stated = [each for each in variables.get("PYTHONPATH", "").split(os.pathsep) if each]
    others = [each for each in stated if not _moved(Path(each), repository.root, worktree)]
    return os.pathsep.join([*dict.fromkeys(str(each) for each in found if each), *others])


def _imported_from(here: Path, command: str, variables: Mapping[str, str]) -> Iterator[str]:
    """Yield the folders that the command's Python imports from; none if Python cannot be run."""
    stated = _PYTHON.match(f"{command} ")
    python = stated["command"] if stated else "python3"
    done = subprocess.run(  # noqa: S602  # the user's own command, as the cdk CLI runs it
        f"{python} -",
        shell=True,
        cwd=here,
        env=dict(variables),
        input=_PATHS,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        paths, packages = json.loads(done.stdout)
    except ValueError:
        return
    yield from paths
    yield from (str(Path(each).parent) for each in packages)


def _moved(path: Path, root: Path, worktree: Path) -> Path | None:
    """Return the folder in the worktree that corresponds to a folder of the checkout.

    Return None for a folder outside of the checkout, for a folder of dependencies, and if the worktree has no such
    folder.
    """
    try:
        relative = path.resolve().relative_to(root)
    except ValueError:
        return None
    ours = worktree / relative
    return ours if not _of_dependencies(relative, root) and ours.exists() else None


def _of_dependencies(relative: Path, root: Path) -> bool:
    folders = [root / folder for folder in (relative, *relative.parents) if folder.parts]
    return _MODULES in relative.parts or any((folder / _VIRTUAL_ENVIRONMENT).is_file() for folder in folders)

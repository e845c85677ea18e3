"""All files of a new app are written, or none."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files that do not exist yet. If that fails, delete the files and folders that were made.

    Args:
        folder: The folder, which is made if it does not exist.
        files: The text of each file by its path from the folder.

    Raises:
        OSError: A file cannot be written.
    """
    made: list[Path] = []
    try:
        for name, text in files.items():
            path = folder / name
            _make_folders(path.parent, made)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                made.append(path)
                file.write(text)
    except BaseException:  # also Ctrl-C
        for path in reversed(made):
            with contextlib.suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        raise


def _make_folders(folder: Path, made: list[Path]) -> None:
    for each in reversed((folder, *folder.parents)):
        if not each.is_dir():
            each.mkdir()
            made.append(each)

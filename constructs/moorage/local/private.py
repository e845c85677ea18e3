"""Files that only their owner can read: the state of the local AWS is private to its user."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

UMASK = 0o077


def opened(path: Path, mode: str) -> IO[str]:
    """Open and return a text file; a symbolic link is an error. Only the owner can read a new file."""
    return open(path, mode, encoding="utf-8", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW, 0o600))


def write(path: Path, text: str) -> None:
    """Write a file. Only the owner can read a new file."""
    with opened(path, "w") as file:
        file.write(text)


def restrict(folder: Path) -> None:
    """Remove the permissions of other users from a folder and its contents. Symbolic links are skipped."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~UMASK & 0o777)

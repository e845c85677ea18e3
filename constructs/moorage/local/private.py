"""Files that only their owner may read: the state of the local AWS is nobody else's on the machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

UMASK = 0o077


def opened(path: Path, mode: str) -> IO[str]:
    """Open a text file, and no link to one; a new one is readable only by its owner."""
    return open(path, mode, encoding="utf-8", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW, 0o600))


def write(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    with opened(path, "w") as file:
        file.write(text)


def restrict(folder: Path) -> None:
    """Let only the owner read what other programs wrote into a folder; links are left as they are."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~UMASK & 0o777)

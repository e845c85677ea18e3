"""The mark of a folder that the local AWS created for its state.

Only the standard library is needed, so that `moorage init` can read the mark without the extra `local`.
"""

from __future__ import annotations

from pathlib import Path

FILE = ".gitignore"
"""The file that marks the folder. It keeps the folder out of Git."""
TEXT = "# The state of a local AWS, written by moorage.local"
"""The first line of the file."""


def is_marked(folder: Path) -> bool:
    """Return whether the local AWS created a folder.

    Args:
        folder: The folder, which need not exist.
    """
    try:
        return (folder / FILE).read_text().startswith(TEXT)
    except (OSError, UnicodeDecodeError):
        return False

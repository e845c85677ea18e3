"""The forms of a review, each written to a file or printed."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from moorage.review.review import Review
from moorage.review.sides.revisions import ReviewError

PRINTED = Path("-")
"""The file that means standard output."""
_WIDTH = 100
"""The number of columns of a page that is printed to a file or a log."""


def require_writable(files: Mapping[str, Path]) -> None:
    """Check, before the review starts, that each file can be written.

    Args:
        files: A mapping from each form to the file to write.

    Raises:
        ReviewError: Two forms have the same file, a file is a folder, or the folder of a file does not exist.
    """
    for form, file in files.items():
        if not file.absolute().parent.is_dir():
            raise ReviewError(f"--{form} {file}: there is no folder {file.parent}; create it first")
        if file != PRINTED and file.is_dir():
            raise ReviewError(f"--{form} {file}: this is a folder; give the path of a file")
        same = [other for other in files if files[other].absolute() == file.absolute()]
        if len(same) > 1:
            raise ReviewError(f"--{same[0]} and --{same[1]} both write {file}; give each form a different file")


def write(review: Review, files: Mapping[str, Path]) -> None:
    """Write a review in several forms. Print the page for the terminal unless another form is printed.

    Nothing is written unless every form can be rendered, and no file is half-written.

    Args:
        review: The review to write.
        files: A mapping from each form to the file to write.
    """
    texts = {file: _render(form, review) for form, file in files.items()}
    if PRINTED not in texts:
        color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH
        texts = {PRINTED: _render("terminal", review, color=color, width=width), **texts}
    for file, text in texts.items():
        if file == PRINTED:
            _print(text)
        else:
            _replace(file, text)


def _render(form: str, review: Review, **options: Any) -> str:
    text: str = importlib.import_module(f"moorage.review.forms.{form}").render(review, **options)
    return text if text.endswith("\n") else f"{text}\n"


def _print(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:  # a reader such as `head` closed the output; Python's exit must not write to it again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _replace(file: Path, text: str) -> None:
    if file.exists() and not file.is_file():  # a pipe or a device, such as /dev/stderr
        file.write_text(text, "utf-8")
        return
    target = file.resolve()
    written = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        written.write_text(text, "utf-8")
        if target.exists():
            written.chmod(target.stat().st_mode)
        written.replace(target)
    finally:
        written.unlink(missing_ok=True)

"""The lines of the user's program to which errors and warnings point."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import FrameType, TracebackType

_PACKAGE = str(Path(__file__).parents[1])
_STANDARD_LIBRARY = str(Path(os.__file__).parent)
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


def frames_to_user() -> int:
    """Count the frames from the caller to the first frame that is not in moorage, jsii or attrs: the user's program."""
    count, frame = 1, sys._getframe(1)
    while frame.f_back and _is_internal(frame):
        count, frame = count + 1, frame.f_back
    return count


def _is_internal(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return file.startswith((_PACKAGE, "<attrs generated")) or f"{os.sep}jsii{os.sep}" in file


def user_lines(trace: TracebackType | None) -> list[str]:
    """Return the lines of the user's program in a traceback, as `stacks/web.py:31`, with the innermost line first.

    Lines of moorage, of the standard library and of installed packages are left out.
    """
    lines: dict[str, None] = {}  # in order, and each once: a comprehension has a frame of its own before Python 3.12
    while trace:
        file = trace.tb_frame.f_code.co_filename
        if _is_of_user(file):
            lines[f"{_relative(file)}:{trace.tb_lineno}"] = None
        trace = trace.tb_next
    return [*lines][::-1]


def _is_of_user(file: str) -> bool:
    if file.startswith(("<", _PACKAGE, f"{_STANDARD_LIBRARY}{os.sep}")):  # "<frozen runpy>" and generated code
        return False
    return not any(folder in file for folder in _INSTALLED)


def _relative(file: str) -> str:
    """Return a path relative to the current folder if the file is in it, otherwise the absolute path."""
    path = Path(file).absolute()
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)

"""The end of a command whose output nobody reads any more, such as `moorage status | head -1`."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

CLOSED = 141
"""The exit code of `ls` and `git` in a shell if the reader of their output closed it: 128 and the number of SIGPIPE."""


def end_quietly() -> NoReturn:
    """Exit with `CLOSED`. The rest of the output is discarded, since Python flushes it again when it exits.

    Raises:
        SystemExit: Always.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(CLOSED) from None

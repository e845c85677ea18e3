"""The form of moorage's errors if the CDK CLI runs the app: the line of the user's program, and the message.

The traceback of such an error shows frames of moorage and jsii, which the user cannot change.
"""

from __future__ import annotations

import os
import sys
from types import TracebackType

from moorage.workload.errors import ArgumentTypeError, ValidationError
from moorage.workload.user_code import user_lines

_TRACEBACK = "MOORAGE_TRACEBACK"


def install() -> None:
    """Print moorage's errors without a traceback. All other errors go to the present `sys.excepthook`."""
    print_other = sys.excepthook

    def print_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        lines = user_lines(trace) if _is_brief(error) else []
        if lines and sys.stderr is not None:  # None under `pythonw`
            sys.stderr.write(text_of(error, *lines))
        else:
            print_other(kind, error, trace)

    sys.excepthook = print_error


def _is_brief(error: BaseException) -> bool:
    """Return whether an error is moorage's own, has no other error behind it, and no traceback is wanted."""
    if os.environ.get(_TRACEBACK, "0") not in {"", "0"} or os.environ.get("CDK_DEBUG") == "true":  # cdk --debug
        return False
    behind = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return isinstance(error, (ValidationError, ArgumentTypeError)) and behind is None


def text_of(error: BaseException, line: str, *callers: str) -> str:
    """Return what is printed for an error.

    Args:
        error: The error.
        line: The line of the user's program that raised it, such as `app.py:12`.
        *callers: The lines that called this line, the innermost first.
    """
    called = f", called from {', '.join(callers)}" if callers else ""
    notes = getattr(error, "__notes__", ())
    return "\n".join((f"{line}{called}", str(error), *map(str, notes), f"Set {_TRACEBACK}=1 to see the traceback.", ""))

"""The progress of the policy engines, on standard error: a line about what takes seconds, and a bar on a terminal."""

from __future__ import annotations

import contextlib
import math
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from moorage.assembly.cloud_assembly import Stack
from moorage.policy.engines import Checked, unchecked

Watch = Callable[[Sequence[Stack]], AbstractContextManager[Checked]]
"""A function that takes all stacks of a run. Its context has the function to call after each stack."""
_START_SECONDS, _RESOURCE_SECONDS, _CHECKOV_SECONDS = 3, 0.02, 10
"""The seconds for the start of the engines, for each resource, and for checkov, on a machine with two cores."""
_STEP = 5


@contextlib.contextmanager
def silent(_: Sequence[Stack]) -> Iterator[Checked]:
    """Show nothing."""
    yield lambda _: None


@contextlib.contextmanager
def shown(stacks: Sequence[Stack]) -> Iterator[Checked]:
    """Print what the engines check and how long that takes. On a terminal, also show how many stacks are done.

    Print nothing if all results are cached, since that takes no time.

    Args:
        stacks: The stacks of both sides, including the nested stacks.
    """
    waiting, has_checkov = unchecked(stacks), bool(stacks and shutil.which("checkov"))
    if not waiting and not has_checkov:
        yield lambda _: None
        return
    sys.stderr.write(f"{_line(waiting, has_checkov=has_checkov)}\n")
    sys.stderr.flush()
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Templates", total=len(waiting))
        yield lambda _: bar.advance(task)


def _line(waiting: Sequence[Stack], *, has_checkov: bool) -> str:
    """Return the line about what the engines check, with an estimate of the time in steps of 5 s."""
    resources = sum(len(stack.resources) for stack in waiting)
    seconds = (_START_SECONDS + _RESOURCE_SECONDS * resources if waiting else 0) + _CHECKOV_SECONDS * has_checkov
    about = f"about {_STEP * math.ceil(seconds / _STEP)} s"
    if not waiting:
        return f"Checking the templates with checkov, which takes {about} each time ..."
    count = f"{len(waiting)} new template{'' if len(waiting) == 1 else 's'}"
    kept = "the results are kept, except those of checkov" if has_checkov else "the results are kept"
    return f"Checking {count} with the policy engines, which takes {about}; {kept} ..."

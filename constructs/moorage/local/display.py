"""The output while the cdk CLI runs: a line for each resource on a terminal, and for each stack elsewhere."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as Bar
from rich.text import Text

from moorage.local.progress import Event, Progress

_WIDTH = len("UPDATE_COMPLETE")
_LEAST_TYPE, _MOST_TYPE = 20, len("AWS::ElasticLoadBalancingV2::TargetGroup")
_REST = 60
"""The width of a line without the type. On a narrow terminal the type is cut rather than the path."""


class Display:
    """The output of one run of the cdk CLI.

    Progress is shown on standard error. A failure is always shown with its resource and its reason.

    Args:
        paths: A mapping from the names of stacks to their construct paths.
    """

    def __init__(self, paths: Mapping[str, str]) -> None:
        self._paths = paths
        self._lock = threading.Lock()
        self._console = Console(stderr=True, highlight=False) if sys.stdout.isatty() and sys.stderr.isatty() else None
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
        self._bar = Bar(*columns, console=self._console, transient=True) if self._console else None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Display:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def copy(
        self, printed: IO[str] | None, shown: IO[str], kept: Callable[[Iterable[str]], Iterator[str]] = iter
    ) -> threading.Thread:
        """Start and return a thread that shows what the CLI prints to a stream.

        Args:
            printed: The stream of the CLI; None for a stream that is not read.
            shown: The stream of this process for lines that are not progress.
            kept: A function that returns the lines to show. Default: all lines.
        """

        def show() -> None:
            progress = Progress(self._paths.values())
            for line in kept(printed or ()):
                for each in progress.read(line):
                    with self._lock:
                        self._show(each, shown)

        reader = threading.Thread(target=show, daemon=True)
        reader.start()
        return reader

    def _show(self, each: Event | str, shown: IO[str]) -> None:
        if self._console:
            self._console.print(self._text(each), no_wrap=not _must_be_read(each), overflow="ellipsis")
            if isinstance(each, Event):
                self._advance(each)
        elif isinstance(each, str) or each.of_stack or each.failed:
            shown.write(each if isinstance(each, str) else self._line(each))
            shown.flush()

    def _advance(self, event: Event) -> None:
        """Show how many resources of a stack are finished, until the stack is finished."""
        if self._bar is None or not event.total:
            return
        if event.stack not in self._tasks:
            self._bar.start()
            self._tasks[event.stack] = self._bar.add_task(self._path(event), total=event.total)
        task = self._tasks[event.stack]
        if event.of_stack:
            self._bar.remove_task(task)
            del self._tasks[event.stack]
        else:
            self._bar.update(task, completed=event.done, total=event.total)

    def _text(self, each: Event | str) -> Text:
        if isinstance(each, str):
            return Text.from_ansi(each.rstrip("\n"))
        color = "red" if each.failed or "ROLLBACK" in each.status else "green" if each.of_stack else ""
        if each.of_stack:
            return Text(self._line(each).rstrip("\n"), style=f"bold {color}".strip())
        kind, text = Text(each.type), Text(f"{each.count:>7}  {each.status:{_WIDTH}}  ", style=color)
        width = self._console.width if self._console else _REST + _MOST_TYPE
        kind.truncate(max(_LEAST_TYPE, min(_MOST_TYPE, width - _REST)), overflow="ellipsis", pad=True)
        return text.append_text(kind).append(f"  {self._path(each)}/{each.resource}")

    def _line(self, event: Event) -> str:
        name = self._path(event)
        if event.of_stack:
            return f"{name}: {event.status}{event.resource.removeprefix(event.stack)}\n"
        return f"{name}: {event.status} {event.type} {event.resource}\n"

    def _path(self, event: Event) -> str:
        return self._paths.get(event.stack, event.stack)


def _must_be_read(each: Event | str) -> bool:
    return isinstance(each, str) or each.failed

"""The progress of a deployment: one line of the cdk CLI's output for each resource, with a correct count."""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

_COLOR = r"(?:\x1b\[[0-9;]*m)*"
_EVENT = re.compile(
    rf"(?P<stack>[A-Za-z][A-Za-z0-9-]*) \| +(?:(?P<done>\d+)(?:/ *(?P<total>\d+))? \| )?(?P<time>[^|]*\d:\d[^|]*) \| "
    rf"{_COLOR}(?P<status>[A-Z_]+)[^|]*\| (?P<type>[^|]*\S) *\| (?P<rest>.*)"
)
_COLORS = re.compile(_COLOR)
_AGAIN = "Failed resources:"
_STACK = "AWS::CloudFormation::Stack"
_UNDER_WAY = ("_IN_PROG", "_CLEANUP")
"""Parts of statuses in progress. The CLI prints only the first 23 characters of a status."""
_ROLLED_BACK = "UPDATE_ROLLBACK_COMPLET"
_UPDATE = "UPDATE_IN_PROGRESS"


@attrs.define
class _Count:
    """The number of finished resources of a stack, and the total. After a failure, no further resource is counted."""

    total: int = 0
    done: set[str] = attrs.field(factory=set)
    failed: bool = False

    def after(self, resource: str, status: str, *, last: bool) -> str:
        self.failed |= status.endswith("_FAILED")
        if not self.failed:
            self.done.add(resource)
            if last or len(self.done) > self.total:  # a change set counts every resource that may change
                self.total = len(self.done) if self.total else 0
        width = len(str(self.total))
        return f"{len(self.done):>{width}}/{self.total}" if self.total else f"{len(self.done):>3}"


class Progress:
    """A filter for the progress lines of the cdk CLI.

    The CLI prints the start and the end of each resource, and repeats the failed resources. The CLI counts the cleanup
    of an update as a separate resource, and a replaced resource as unfinished. This filter shows each resource once,
    when it is finished.
    """

    def __init__(self) -> None:
        self._counts: dict[str, _Count] = {}
        self._repeats = False
        self._rolled_back: set[str] = set()

    def lines(self, printed: str) -> Iterator[str]:
        """Yield the lines to show for a line that the CLI printed: one line or nothing."""
        event = _EVENT.match(printed)
        if printed.strip() == _AGAIN:
            self._repeats = True
            return
        if event is None:
            if not self._repeats or not printed.strip() or not printed[0].isspace():
                self._repeats = False
                yield printed
            return
        if event["done"] is None:
            yield from [] if self._repeats else [printed]
            return
        count = self._counts.setdefault(event["stack"], _Count())
        resource = _COLORS.sub("", event["rest"]).strip()
        of_the_stack = event["type"] == _STACK and resource.split(" ")[0] == event["stack"]
        if of_the_stack and event["status"] in ("CREATE_IN_PROGRESS", _UPDATE, "DELETE_IN_PROGRESS"):
            self._counts[event["stack"]] = _Count(int(event["total"] or 0) - (event["status"] == _UPDATE))
        rolled_back = event["status"].startswith(_ROLLED_BACK)
        if rolled_back and event["stack"] not in self._rolled_back:
            self._rolled_back.add(event["stack"])  # this is the start of the cleanup; its end is printed later
            return
        if any(word in event["status"] for word in _UNDER_WAY):
            return
        counted = count.after(resource, event["status"], last=of_the_stack)
        end = event.end("total" if event["total"] else "done")
        yield f"{event['stack']} | {counted}{printed[end:]}"

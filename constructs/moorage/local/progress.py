"""The progress of a deployment: one event for each resource, with a correct count, from the cdk CLI's output."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import attrs

_EVENT = re.compile(
    r"(?P<stack>[A-Za-z][A-Za-z0-9-]*) \| +(?:(?P<done>\d+)(?:/ *(?P<total>\d+))? \| )?(?P<time>[^|]*\d:\d[^|]*) \| "
    r"(?P<status>[A-Z_]+)[^|]*\| (?P<type>[^|]*\S) *\| (?P<rest>.*)"
)
_COLORS = re.compile(r"\x1b\[[0-9;]*m")
_NOISE = re.compile(
    r"\s*$"
    r"|arn:[^ ]+:cloudformation:[^ ]+:stack/[^ ]+$"
    r"|\s*⏳ +Bootstrapping environment |Trusted accounts for |Using default execution policy of "
    r"|Successfully synthesized to |Supply a stack id \(|\d+ feature flags? (?:is|are) not configured"
    r"|[^:]+: (?:creating CloudFormation changeset|deploying|destroying)\.\.\."
    r"|.+: (?:start|success): (?:Building|Built|Publishing|Published) "
    r"|\s*✅ |\s*✨ +(?:Synthesis|Deployment|Total) time"
    r"|(?:or )?\S*/tmp\w+/lib/program\.js:\d+:\d+$"
)
"""Lines of the cdk CLI (aws-cdk 2.1148.1) about its own steps. The table of `up` shows the results.

The last one is the place of a warning of a Python app: jsii's own code, in a folder that no longer exists.
"""
_BEGINS = re.compile(r"(?P<path>[^:()]+?)(?: \([^()]*\))?: (?P<verb>deploying|destroying)\.\.\.")
_AGAIN = "Failed resources:"
_OUTPUTS, _ARN = "Outputs:", "Stack ARN:"
_STACK = "AWS::CloudFormation::Stack"
_UNDER_WAY = ("_IN_PROG", "_CLEANUP")
"""Parts of statuses in progress. The CLI prints only the first 23 characters of a status."""
_ROLLED_BACK = "UPDATE_ROLLBACK_COMPLET"
_UPDATE = "UPDATE_IN_PROGRESS"
_BESIDE = 1
"""The number by which the CLI's total exceeds the resources: it counts the stack. In an update, also the cleanup."""
_NAMED = re.compile(r"(?P<path>.+) \((?P<id>[A-Za-z0-9]+)\)")
_ADDED = re.compile(r"/(Resource|Default)$")


def plain(printed: str) -> str:
    """Return a printed text without its colors.

    Args:
        printed: The text.
    """
    return _COLORS.sub("", printed)


def is_step(text: str) -> bool:
    """Return whether a line is empty or about a step of the CLI.

    Args:
        text: The line without colors.
    """
    return bool(_NOISE.match(text))


@attrs.frozen
class Event:
    """A resource or a stack that is finished.

    Args:
        stack: The name of the stack.
        count: The number of finished resources and, if it is known, the total, such as `3/12`. The stack itself is not
            counted. Empty for a stack, and for a resource that does not change the number, such as in a rollback.
        status: The status, such as `CREATE_COMPLETE`.
        type: The type of the resource.
        resource: The construct path in the stack, or the logical ID. If the resource failed, the reason follows.
        of_stack: True if the event is about the stack.
        done: The number of finished resources.
        total: The number of resources; 0 if it is not known.
    """

    stack: str
    count: str
    status: str
    type: str
    resource: str
    of_stack: bool
    done: int = 0
    total: int = 0

    @property
    def failed(self) -> bool:
        """True if the resource or the stack failed."""
        return self.status.endswith("_FAILED")


@attrs.define
class _Count:
    """The number of finished resources of a stack, and the total. After a failure, no further resource is counted."""

    total: int = 0
    done: set[str] = attrs.field(factory=set)
    failed: bool = False

    def after(self, resource: str, status: str) -> str:
        """Count a resource, and return the count; an empty text for a resource that does not change the count."""
        failed = status.endswith("_FAILED")
        self.failed |= failed
        if not failed and (self.failed or resource in self.done):
            return ""
        if not failed:
            self.done.add(resource)
            if self.total:
                self.total = max(self.total, len(self.done))
        return f"{len(self.done)}/{self.total}" if self.total else f"{len(self.done)}"

    def end(self) -> None:
        """Set the total to the count: a change set counts every resource that may change."""
        if self.total and not self.failed:
            self.total = len(self.done)


class Progress:
    """A reader of what the cdk CLI prints.

    The CLI prints the start and the end of each resource, and repeats the failed resources. The CLI counts the cleanup
    of an update as a separate resource, and a replaced resource as unfinished. This reader returns each resource once,
    when it is finished, and leaves out the lines about the CLI's own steps, apart from the start of a stack.

    Args:
        paths: The construct paths of the stacks. The CLI prints each of them in a line of its own.
    """

    def __init__(self, paths: Collection[str]) -> None:
        self._paths = paths
        self._counts: dict[str, _Count] = {}
        self._repeats = False
        self._outputs = False
        self._rolled_back: set[str] = set()

    def read(self, printed: str) -> Iterator[Event | str]:
        """Yield what a line says: an event, the line itself, or nothing.

        Args:
            printed: A line that the CLI printed.
        """
        text = plain(printed)
        event = _EVENT.match(text)
        if text.strip() == _AGAIN:
            self._repeats = True
        elif event and event["done"] is not None:
            self._outputs = False
            yield from self._finished(event)
        elif event:
            yield from [] if self._repeats else [printed]
        elif begins := _BEGINS.match(text):
            self._outputs = False
            yield f"{begins['path']}: {begins['verb']} ...\n"
        elif not self._is_known(text):
            yield printed

    def _is_known(self, text: str) -> bool:
        """Return whether a line repeats a failure, is an output of a stack, or is about a step of the CLI."""
        if self._repeats and text.strip() and text[0].isspace():
            return True
        self._repeats = False
        if text.strip() in (_OUTPUTS, _ARN):
            self._outputs = text.strip() == _OUTPUTS
            return True
        return self._outputs or is_step(text) or text.strip() in self._paths

    def _finished(self, event: re.Match[str]) -> Iterator[Event]:
        stack, status, resource = event["stack"], event["status"], event["rest"].strip()
        of_stack = event["type"] == _STACK and resource.split(" ")[0] == stack
        total = int(event["total"] or 0)
        if of_stack and status in ("CREATE_IN_PROGRESS", _UPDATE, "DELETE_IN_PROGRESS"):
            self._counts[stack] = _Count(max(0, total - _BESIDE - (status == _UPDATE)))
        count = self._counts.setdefault(stack, _Count(max(0, total - _BESIDE)))
        if status.startswith(_ROLLED_BACK) and stack not in self._rolled_back:
            self._rolled_back.add(stack)  # this is the start of the cleanup; its end is printed later
            return
        if any(word in status for word in _UNDER_WAY):
            return
        if of_stack:
            count.end()
        counted = "" if of_stack else count.after(resource, status)
        status = f"{_ROLLED_BACK}E" if status == _ROLLED_BACK else status
        named = _NAMED.fullmatch(resource)
        if named and not status.endswith("_FAILED"):
            resource = _ADDED.sub("", named["path"])
        yield Event(stack, counted, status, event["type"], resource, of_stack, len(count.done), count.total)

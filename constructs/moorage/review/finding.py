"""The findings of a review, each of one kind and in one sentence."""

from __future__ import annotations

import enum

import attrs

from moorage.assembly.cloud_assembly import Resource
from moorage.assembly.stack_traces import Line


class Kind(enum.Enum):
    """The kinds of findings, the most serious first."""

    LOST = "lost"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"
    OPENED = "opened"
    DEPLOYED = "deployed"
    RENAMED = "renamed"
    POLICY = "policy"


@attrs.frozen
class Finding:
    """One thing that the reviewer should know.

    Args:
        kind: The kind of the finding.
        rule: The ID of the rule, stable across versions, such as `lost/replaced` or `policy/log-kms`.
        stack: The path of the stack.
        resource: The resource that the finding is about, from the head unless it is removed; None if the finding is
            about a stack or a line.
        sentence: The consequence, in one sentence that begins with a capital letter and ends with a period.
        details: Further lines, such as a condition, the argument that fixes the problem, or the consequence for
            clients. Default: none.
        place: The line of a file, if the finding is about that line instead of a resource. Default: None.
    """

    kind: Kind
    rule: str
    stack: str
    resource: Resource | None
    sentence: str
    details: tuple[str, ...] = ()
    place: Line | None = None

    @property
    def path(self) -> str:
        """The path of the construct, or of the stack if there is no resource."""
        return self.resource.path if self.resource else self.stack

    @property
    def line(self) -> Line | None:
        """The line of the user's program that defined the resource, or else `place`; None if it is not known."""
        return self.resource.line if self.resource else self.place

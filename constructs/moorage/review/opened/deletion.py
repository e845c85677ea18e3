"""The findings about resources and stacks that are no longer protected from deletion.

Sources: CloudFormation template reference, "DeletionPolicy attribute"; CloudFormation user guide, "Protect
CloudFormation stacks from being deleted".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moorage.assembly.cloud_assembly import Resource
from moorage.review.comparison import KEPT, Comparison, StackChange
from moorage.review.data import PROTECTED, data_of, deletion_policy, is_protected
from moorage.review.finding import Finding, Kind
from moorage.review.nouns import named

_RULE = "opened/deletion"


def deletable(comparison: Comparison) -> Iterator[Finding]:
    """Yield a finding for each resource or stack that is no longer protected from deletion.

    Args:
        comparison: The two assemblies.
    """
    for stack in comparison.stacks:
        if stack.before is None or stack.after is None:
            continue
        if stack.before.termination_protection and not stack.after.termination_protection:
            sentence = f"The stack {stack.path} is no longer protected from deletion (termination protection)."
            yield Finding(Kind.OPENED, _RULE, stack.path, None, sentence)
        for change in stack.changes:
            if change.before and change.after and change.before.type == change.after.type:
                yield from _resource(stack, change.before, change.after)


def _resource(stack: StackChange, before: Resource, after: Resource) -> Iterator[Finding]:
    name, _ = PROTECTED.get(after.type, ("", None))
    if is_protected(before) and not is_protected(after) and not isinstance(after.properties.get(name), Mapping):
        sentence = f"The {named(after)} is no longer protected from deletion."
        yield Finding(Kind.OPENED, _RULE, stack.path, after, sentence)
    old, new = deletion_policy(before), deletion_policy(after)
    if data_of(after) and _rank(new) > _rank(old):
        without = "without a snapshot" if old == "Snapshot" else "instead of keeping it"
        sentence = f"CloudFormation deletes the {named(after)} {without} when it leaves the stack."
        detail = f"DeletionPolicy: {new} (before: {old})."
        yield Finding(Kind.OPENED, _RULE, stack.path, after, sentence, (detail,))


def _rank(policy: Any) -> int:
    """Return a number that is higher if the policy keeps less."""
    return 0 if policy in KEPT else 1 if policy == "Snapshot" else 2

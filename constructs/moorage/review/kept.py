"""Resources that an update removes or replaces, and that stay in AWS without a stack."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.assembly.cloud_assembly import Resource, Stack
from moorage.review.comparison import KEPT, Comparison, Replacement, ResourceChange
from moorage.review.data import is_protected

StackPlace = tuple[str | None, str | None, str]
"""The account, the region and the name of a stack."""


def place_of(stack: Stack) -> StackPlace:
    """Return the account, the region and the name of a stack, or of the top-level stack of a nested stack.

    Args:
        stack: The stack.
    """
    return stack.account, stack.region, stack.root or stack.name


def removed_stacks(comparison: Comparison) -> set[StackPlace]:
    """Return the places of the top-level stacks that are no longer in the app. A deployment does not delete them.

    Args:
        comparison: The two assemblies.
    """
    return {place_of(stack.stack) for stack in comparison.stacks if stack.after is None and stack.stack.root is None}


def is_retained(before: Resource, after: Resource | None) -> bool:
    """Return whether a policy keeps a resource that is removed or replaced.

    Args:
        before: The resource in the base.
        after: The resource in the head; None if it is removed.
    """
    return (after or before).definition.get("UpdateReplacePolicy" if after else "DeletionPolicy") in KEPT


def kept(comparison: Comparison) -> Iterator[ResourceChange]:
    """Yield the change of each resource that is certainly removed or replaced, and whose old one stays in no stack.

    Args:
        comparison: The two assemblies, and the replacements that the update causes.
    """
    gone = removed_stacks(comparison)
    for stack in comparison.stacks:
        for change in stack.changes:
            before, after = change.before, change.after
            if before is None or (stack.after is None and place_of(stack.stack) in gone):
                continue
            leaves = after is None or change.replacement is Replacement.YES
            if leaves and (is_retained(before, after) or is_protected(before)):
                yield change

"""Data that an update loses or leaves behind because it removes or replaces the resource."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from moorage.assembly.cloud_assembly import Resource
from moorage.review.comparison import KEPT, Comparison, Replacement, ResourceChange, StackChange
from moorage.review.data import (
    PROTECTED,
    Data,
    data_of,
    deletion_policy,
    in_the_way,
    is_dead_letter_queue,
    is_lesser,
    is_member,
    is_protected,
)
from moorage.review.expired import expired
from moorage.review.finding import Finding, Kind
from moorage.review.kept import StackPlace, is_retained, place_of, removed_stacks
from moorage.review.nouns import named, placed
from moorage.review.renamed import moved

RULES: Mapping[str, str] = {
    "lost/removed": "A resource with data is removed, and its data is deleted with it.",
    "lost/replaced": "A resource with data is replaced by an empty one, and the old one is deleted with its data.",
    "lost/snapshot": "A resource with data is deleted after a final snapshot.",
    "lost/replica": "A replica of a global table is removed, and its items are deleted.",
    "lost/expired": "A resource keeps its data for a shorter time, and older data is deleted.",
    "lost/backups": "A resource keeps fewer backups, or earlier versions of its data are no longer kept.",
    "lost/kept": "A resource with data leaves the stack and is kept: it is billed, and nothing manages it.",
    "lost/protected": "A resource that is protected from deletion is removed or replaced: it stays, and is billed.",
    "lost/stack": "A stack with data leaves the app. The CDK CLI does not delete it.",
}
_EMPTIED_BY_CDK = {"aws-cdk:auto-delete-objects", "aws-cdk:auto-delete-images"}
"""The tags of buckets and repositories that a custom resource of CDK empties before they are deleted."""
_SELECTION = "AWS::Backup::BackupSelection"
_BY_ID = "replaced because it gets another logical ID"
_UNPROTECT = "To delete it, turn its protection off in a separate deployment first."
_NO_STACK = "it is billed, and no stack manages it"


def lost(comparison: Comparison) -> Iterator[Finding]:
    """Yield a finding for each resource whose data is lost or left behind, the most serious first.

    Args:
        comparison: The two assemblies, and the replacements that the update causes.
    """
    gone = removed_stacks(comparison)
    new = moved(comparison)
    found = [
        finding
        for stack in comparison.stacks
        for finding in (_of_stack(comparison, stack) if _is_gone(stack) else _of_resources(stack, gone, new))
    ]
    resources = {id(each): stack for stack in comparison.stacks for each in (stack.before or stack.stack).resources}
    yield from sorted(found, key=lambda finding: _seriousness(finding, resources.get(id(finding.resource))))


def _seriousness(finding: Finding, stack: StackChange | None) -> tuple[float, bool]:
    """Return the sort key of a finding. A less serious loss comes after a database that leaves a snapshot."""
    order = list(RULES)
    rank: float = order.index(finding.rule)
    resource = finding.resource
    if resource is None:
        return rank, False
    if is_lesser(resource):
        rank = max(rank, order.index("lost/snapshot") + 0.5)
    among = stack.before.resources if stack and stack.before else ()
    return rank, is_dead_letter_queue(resource, among)


def _is_gone(stack: StackChange) -> bool:
    return stack.after is None and stack.stack.root is None


def _of_stack(comparison: Comparison, removed: StackChange) -> Iterator[Finding]:
    """Yield the finding for a stack that leaves the app. The CDK CLI deletes a stack only with `cdk destroy`."""
    resources = [
        resource
        for stack in comparison.stacks
        if stack.after is None and place_of(stack.stack) == place_of(removed.stack)
        for resource in stack.stack.resources
    ]
    data = [named(resource) for resource in resources if data_of(resource)]
    count = len(resources)
    stay = "1 resource stays and is billed" if count == 1 else f"{count} resources stay and are billed"
    again = any(stack.after and stack.path == removed.path for stack in comparison.stacks)
    name = placed(removed.stack) if again else removed.path
    sentence = f"The stack {name} is no longer in the app: `cdk deploy` does not delete it, so its {stay}."
    protected = ", after its termination protection is turned off" if removed.stack.termination_protection else ""
    details = [f"`cdk destroy` with the base deletes it{protected}."]
    if data:
        details.append(f"It has data: {', '.join(data)}.")
    yield Finding(Kind.LOST, "lost/stack", removed.path, None, sentence, tuple(details))


def _of_resources(stack: StackChange, gone: set[StackPlace], new: set[int]) -> Iterator[Finding]:
    for change in stack.changes:
        before, after = change.before, change.after
        if before is None or (stack.after is None and place_of(stack.stack) in gone):
            continue
        data = data_of(before)
        if data is None and is_protected(before):
            yield from _protected(change, before, after, is_new=id(change) in new)
        if is_member(before):
            yield from _member(change, before, after, is_new=id(change) in new)
        if data and after is None:
            yield _moved(change, before, data) if id(change) in new else _removed(change, before, data)
        if before.type == _SELECTION and after is None and not _is_selected(stack):
            sentence = f"The {named(before)} is removed: its resources are no longer backed up."
            yield Finding(Kind.LOST, "lost/backups", stack.path, before, sentence)
        if after is None or after.type != before.type:
            continue
        if change.replacement is Replacement.NO:
            yield from expired(change, before, after)
        elif data:
            yield _replaced(change, before, after, data)


def _is_selected(stack: StackChange) -> bool:
    """Return whether a stack gets another backup selection, or is removed."""
    return stack.after is None or any(each.type == _SELECTION and each.before is None for each in stack.changes)


def _removed(change: ResourceChange, before: Resource, data: Data) -> Finding:
    policy = deletion_policy(before)
    subject = f"The {named(before)} is removed"
    details = [f"DeletionPolicy of the base: {policy}."]
    if policy in KEPT:
        rule, sentence = "lost/kept", f"{subject} from the stack and kept with its {data.contents}: {_NO_STACK}."
        details += in_the_way(before)
    elif is_protected(before):
        rule, kept = "lost/kept", f"{subject} from the stack and kept with its {data.contents}"
        sentence = f"{kept}, {_because_protected(before)}; {_NO_STACK}."
        details += in_the_way(before)
    elif policy == "Snapshot":
        rule, sentence = "lost/snapshot", f"{subject}: {data.loss} after a final snapshot."
    elif data.only_if_empty and not _is_emptied(before):
        rule = "lost/kept"
        sentence = f"{subject}: CloudFormation deletes it if it is empty; otherwise {_NO_STACK}."
        details += in_the_way(before)
    else:
        rule, sentence = "lost/removed", f"{subject}: {data.loss}."
    return Finding(Kind.LOST, rule, change.stack.path, before, sentence, tuple(details))


def _protected(change: ResourceChange, before: Resource, after: Resource | None, *, is_new: bool) -> Iterator[Finding]:
    """Yield the finding for a resource without data that CloudFormation cannot delete.

    Such a failure ends no update: CloudFormation skips the resource and completes the update (aws/aws-cdk-cli, pull
    request 1564).
    """
    if is_retained(before, after) or (after is not None and change.replacement is Replacement.NO):
        return
    sentence = (
        f"The {named(before)} {_verb(change, is_new=is_new)}, but it is protected from deletion: CloudFormation cannot "
        "delete the old one, which stays outside of the stack and is billed."
    )
    yield Finding(Kind.LOST, "lost/protected", change.stack.path, after or before, sentence, (_UNPROTECT,))


def _member(change: ResourceChange, before: Resource, after: Resource | None, *, is_new: bool) -> Iterator[Finding]:
    """Yield the finding for a kept database instance, whose data is in its cluster."""
    if not is_retained(before, after) or (after is not None and change.replacement is Replacement.NO):
        return
    which = "the old one" if after or is_new else "it"
    sentence = (
        f"The {named(before)} {_verb(change, is_new=is_new)}: {which} is kept, billed, and in no stack; its data is in "
        "the cluster."
    )
    yield Finding(Kind.LOST, "lost/kept", change.stack.path, after or before, sentence, tuple(in_the_way(before)))


def _verb(change: ResourceChange, *, is_new: bool) -> str:
    """Return the verb for a resource that is replaced, gets another logical ID, or is removed."""
    return change.replaced if change.after else f"is {_BY_ID}" if is_new else "is removed"


def _because_protected(before: Resource) -> str:
    """Return the clause about the property that keeps a resource with data.

    CloudFormation tries three times to delete such a resource, and then completes the update (AWS re:Post, "Why is my
    CloudFormation stack stuck in the UPDATE_COMPLETE_CLEANUP_IN_PROGRESS state?").
    """
    return f"because its {PROTECTED[before.type][0]} is on: CloudFormation cannot delete it"


def _replaced(change: ResourceChange, before: Resource, after: Resource, data: Data) -> Finding:
    policy = str(after.definition.get("UpdateReplacePolicy") or "Delete")
    rule, clause = _by_a_new_one(before, data, policy)
    sentence = f"The {named(after)} {change.replaced}: {clause}."
    return Finding(Kind.LOST, rule, change.stack.path, after, sentence, (f"UpdateReplacePolicy: {policy}.",))


def _moved(change: ResourceChange, before: Resource, data: Data) -> Finding:
    """Return the finding for a resource that gets another logical ID, so that CloudFormation creates a new resource."""
    policy = deletion_policy(before)
    rule, clause = _by_a_new_one(before, data, policy)
    sentence = f"The {named(before)} is {_BY_ID}: {clause}."
    details = (f"DeletionPolicy of the base: {policy}.", *(in_the_way(before) if rule == "lost/kept" else ()))
    return Finding(Kind.LOST, rule, change.stack.path, before, sentence, details)


def _by_a_new_one(before: Resource, data: Data, policy: str) -> tuple[str, str]:
    """Return the rule and the clause about the data of a resource that a new resource replaces."""
    kept = f"{data.new}; the old one is kept with its {data.contents}"
    if policy in KEPT:
        return "lost/kept", f"{kept}, billed, and in no stack"
    if is_protected(before):
        return "lost/kept", f"{kept}, {_because_protected(before)}; {_NO_STACK}"
    if policy == "Snapshot":
        return "lost/snapshot", f"{data.new}; the old one is deleted after a snapshot"
    if data.only_if_empty and not _is_emptied(before):
        return "lost/replaced", f"{data.new}; the old one is deleted if it is empty; otherwise {_NO_STACK}"
    return "lost/replaced", f"{data.new}, and the old one is deleted with its {data.contents}"


def _is_emptied(resource: Resource) -> bool:
    """Return whether ECR or a custom resource of CDK empties a resource before it is deleted."""
    tags = resource.properties.get("Tags")
    keys = {tag.get("Key") for tag in tags if isinstance(tag, Mapping)} if isinstance(tags, list) else set()
    return resource.properties.get("EmptyOnDelete") in {True, "true"} or bool(keys & _EMPTIED_BY_CDK)

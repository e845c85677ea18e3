"""Data that an update loses or leaves behind, since a resource with data is removed or replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from moorage.assembly.cloud_assembly import Resource, Stack
from moorage.review.claims import NAMES
from moorage.review.comparison import KEPT, Comparison, Replacement, ResourceChange, StackChange
from moorage.review.expired import expired
from moorage.review.finding import Finding, Kind
from moorage.review.nouns import named
from moorage.review.refused import is_protected

RULES: Mapping[str, str] = {
    "lost/removed": "A resource with data is removed, and its data is deleted with it.",
    "lost/replaced": "A resource with data is replaced by an empty one, and the old one is deleted with its data.",
    "lost/snapshot": "A resource with data is deleted after a final snapshot.",
    "lost/replica": "A replica of a global table is removed, and its items are deleted.",
    "lost/expired": "A resource keeps its data for a shorter time, and older data is deleted.",
    "lost/backups": "A resource keeps fewer backups, or earlier versions of its data are no longer kept.",
    "lost/kept": "A resource with data leaves the stack and is kept: it is billed, and nothing manages it.",
    "lost/stack": "A stack with data leaves the app. The CDK CLI does not delete it.",
}


@attrs.frozen
class Data:
    """The contents of a type of resource.

    Args:
        contents: The noun for the contents.
        only_if_empty: True if AWS refuses to delete the resource while it has contents.
        loss: The clause about the contents of a deleted resource. Default: a clause that the contents are deleted.
    """

    contents: str
    only_if_empty: bool = False
    loss: str = attrs.field(default=attrs.Factory(lambda data: f"its {data.contents} are deleted", takes_self=True))


_DATABASE = "its database is deleted"
DATA: Mapping[str, Data] = {
    "AWS::Backup::BackupVault": Data("recovery points", only_if_empty=True),
    "AWS::Cassandra::Table": Data("rows"),
    "AWS::Cognito::UserPool": Data("users"),
    "AWS::DocDB::DBCluster": Data("database", loss=_DATABASE),
    "AWS::DocDBElastic::Cluster": Data("database", loss=_DATABASE),
    "AWS::DynamoDB::GlobalTable": Data("items"),
    "AWS::DynamoDB::Table": Data("items"),
    "AWS::EC2::Volume": Data("data", loss="its data is deleted"),
    "AWS::ECR::PublicRepository": Data("images"),
    "AWS::ECR::Repository": Data("images", only_if_empty=True),
    "AWS::EFS::FileSystem": Data("files"),
    "AWS::ElastiCache::CacheCluster": Data("data", loss="its data is deleted"),
    "AWS::ElastiCache::ReplicationGroup": Data("data", loss="its data is deleted"),
    "AWS::ElastiCache::ServerlessCache": Data("data", loss="its data is deleted"),
    "AWS::Events::Archive": Data("events"),
    "AWS::FSx::FileSystem": Data("files"),
    "AWS::KMS::Key": Data("key material", loss="no data that it encrypted can be decrypted after its waiting period"),
    "AWS::Kinesis::Stream": Data("records"),
    "AWS::Logs::LogGroup": Data("log events"),
    "AWS::MSK::Cluster": Data("messages"),
    "AWS::MemoryDB::Cluster": Data("data", loss="its data is deleted"),
    "AWS::Neptune::DBCluster": Data("database", loss=_DATABASE),
    "AWS::OpenSearchService::Domain": Data("indexes"),
    "AWS::RDS::DBCluster": Data("database", loss=_DATABASE),
    "AWS::RDS::DBInstance": Data("database", loss=_DATABASE),
    "AWS::Redshift::Cluster": Data("database", loss=_DATABASE),
    "AWS::S3::Bucket": Data("objects", only_if_empty=True),
    "AWS::SQS::Queue": Data("messages"),
    "AWS::SecretsManager::Secret": Data("value", loss="its value is deleted"),
    "AWS::Timestream::Table": Data("records"),
}
"""The types with contents. S3 and ECR delete only an empty resource (CloudFormation template reference,
`DeletionPolicy` and `AWS::ECR::Repository`, `EmptyOnDelete`); so does AWS Backup (AWS Backup API reference,
DeleteBackupVault)."""
_SNAPSHOT_BY_DEFAULT = {"AWS::RDS::DBCluster", "AWS::RDS::DBInstance"}
"""The types whose default policy is `Snapshot`, except an instance of a cluster (CloudFormation template reference,
`DeletionPolicy`)."""
_EMPTIED_BY_CDK = {"aws-cdk:auto-delete-objects", "aws-cdk:auto-delete-images"}
"""The tags of buckets and repositories that a custom resource of CDK empties before they are deleted."""
_SELECTION = "AWS::Backup::BackupSelection"
_NO_STACK = "it is billed, and no stack manages it"


def lost(comparison: Comparison) -> Iterator[Finding]:
    """Yield a finding for each loss of data, or for data that is left behind, the most serious first.

    Args:
        comparison: The two assemblies, with the replacements known.
    """
    gone = {_place(stack.stack) for stack in comparison.stacks if stack.after is None and stack.stack.root is None}
    found = [
        finding
        for stack in comparison.stacks
        for finding in (_of_stack(comparison, stack) if _is_gone(stack) else _of_resources(stack, gone))
    ]
    order = list(RULES)
    yield from sorted(found, key=lambda finding: order.index(finding.rule))


def _place(stack: Stack) -> tuple[str | None, str | None, str]:
    """Return the account, the region and the name of a stack, or of the top-level stack of a nested stack."""
    return stack.account, stack.region, stack.root or stack.name


def _is_gone(stack: StackChange) -> bool:
    return stack.after is None and stack.stack.root is None


def _of_stack(comparison: Comparison, removed: StackChange) -> Iterator[Finding]:
    """Yield the finding for a stack that leaves the app. The CDK CLI deletes a stack only with `cdk destroy`."""
    resources = [
        resource
        for stack in comparison.stacks
        if stack.after is None and _place(stack.stack) == _place(removed.stack)
        for resource in stack.stack.resources
    ]
    data = [named(resource) for resource in resources if resource.type in DATA]
    count = len(resources)
    stay = "1 resource stays and is billed" if count == 1 else f"{count} resources stay and are billed"
    sentence = f"The stack {removed.path} is no longer in the app: `cdk deploy` does not delete it, so its {stay}."
    protected = ", after its termination protection is turned off" if removed.stack.termination_protection else ""
    details = [f"`cdk destroy` with the base deletes it{protected}."]
    if data:
        details.append(f"It has data: {', '.join(data)}.")
    yield Finding(Kind.LOST, "lost/stack", removed.path, None, sentence, tuple(details))


def _of_resources(stack: StackChange, gone: set[tuple[str | None, str | None, str]]) -> Iterator[Finding]:
    for change in stack.changes:
        before, after = change.before, change.after
        if before is None or (stack.after is None and _place(stack.stack) in gone):
            continue
        if before.type in DATA and after is None:
            yield _removed(change, before)
        if before.type == _SELECTION and after is None and not _is_selected(stack):
            sentence = f"The {named(before)} is removed: its resources are no longer backed up."
            yield Finding(Kind.LOST, "lost/backups", stack.path, before, sentence)
        if after is None or after.type != before.type:
            continue
        if change.replacement is Replacement.NO:
            yield from expired(change, before, after)
        elif before.type in DATA:
            yield _replaced(change, before, after)


def _is_selected(stack: StackChange) -> bool:
    """Return whether a stack gets another backup selection, or is removed."""
    return stack.after is None or any(each.type == _SELECTION and each.before is None for each in stack.changes)


def _removed(change: ResourceChange, before: Resource) -> Finding:
    data = DATA[before.type]
    policy = _deletion_policy(before)
    subject = f"The {named(before)} is removed"
    details = [f"DeletionPolicy of the base: {policy}."]
    if policy in KEPT:
        rule, sentence = "lost/kept", f"{subject} from the stack and kept with its {data.contents}: {_NO_STACK}."
        details += _in_the_way(before)
    elif is_protected(before):
        rule = "lost/kept"
        sentence = f"{subject} from the stack, and its protection keeps it with its {data.contents}: {_NO_STACK}."
        details += _in_the_way(before)
    elif policy == "Snapshot":
        rule, sentence = "lost/snapshot", f"{subject}: {data.loss} after a final snapshot."
    elif data.only_if_empty and not _is_emptied(before):
        rule = "lost/kept"
        sentence = f"{subject}: CloudFormation deletes it if it is empty; otherwise {_NO_STACK}."
        details += _in_the_way(before)
    else:
        rule, sentence = "lost/removed", f"{subject}: {data.loss}."
    return Finding(Kind.LOST, rule, change.stack.path, before, sentence, tuple(details))


def _replaced(change: ResourceChange, before: Resource, after: Resource) -> Finding:
    data = DATA[after.type]
    policy = str(after.definition.get("UpdateReplacePolicy") or "Delete")
    subject = f"The {named(after)} {change.replaced}"
    details = [f"UpdateReplacePolicy: {policy}."]
    if policy in KEPT or is_protected(before):
        rule = "lost/kept"
        sentence = (
            f"{subject}: the new one is empty; the old one is kept with its {data.contents}, billed, and in no stack."
        )
    elif policy == "Snapshot":
        rule, sentence = "lost/snapshot", f"{subject}: the new one is empty; the old one is deleted after a snapshot."
    elif data.only_if_empty and not _is_emptied(before):
        rule = "lost/replaced"
        sentence = f"{subject}: the new one is empty; the old one is deleted if it is empty, otherwise {_NO_STACK}."
    else:
        rule, sentence = (
            "lost/replaced",
            f"{subject}: the new one is empty, and the old one is deleted with its {data.contents}.",
        )
    return Finding(Kind.LOST, rule, change.stack.path, after, sentence, tuple(details))


def _deletion_policy(resource: Resource) -> str:
    by_default = "Delete"
    if resource.type in _SNAPSHOT_BY_DEFAULT and not resource.properties.get("DBClusterIdentifier"):
        by_default = "Snapshot"
    return str(resource.definition.get("DeletionPolicy") or by_default)


def _is_emptied(resource: Resource) -> bool:
    """Return whether a resource is emptied before it is deleted."""
    tags = resource.properties.get("Tags")
    keys = {tag.get("Key") for tag in tags if isinstance(tag, Mapping)} if isinstance(tags, list) else set()
    return resource.properties.get("EmptyOnDelete") in {True, "true"} or bool(keys & _EMPTIED_BY_CDK)


def _in_the_way(resource: Resource) -> Iterator[str]:
    name = resource.properties.get(NAMES.get(resource.type, ""))
    if isinstance(name, str):
        yield f"While it exists, no other resource can be created with the name {name}."

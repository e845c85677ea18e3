"""Updates of one resource that CloudFormation or the service of the resource does not support."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from moorage.assembly.cloud_assembly import Resource, mapping
from moorage.review.comparison import Replacement, ResourceChange
from moorage.review.finding import Finding, Kind
from moorage.review.nouns import named

_TABLE, _GLOBAL_TABLE = "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"
_USER_POOL = "AWS::Cognito::UserPool"
_KEY = "AWS::KMS::Key"
_OF_KEY = {"KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT", "MultiRegion": "false", "Origin": "AWS_KMS"}
"""The properties of a key that cannot change, with their defaults (CloudFormation template reference, `AWS::KMS::Key`:
"the update request fails, regardless of the value of the UpdateReplacePolicy attribute")."""
_ONLY_AT_CREATION = ("AliasAttributes", "UsernameAttributes", "UsernameConfiguration")
"""The properties of a user pool that cannot change (Cognito developer guide, "Updating user pool and app client
configuration": "To change user pool sign-in options, create a new user pool"). CloudFormation does not replace the
pool: its handler answers "Updates are not allowed for property" (aws-amplify/amplify-cli, issue 4227)."""
_NEW_POOL = "Restore it, or define another user pool and migrate the users to it."


def unsupported(change: ResourceChange) -> Iterator[Finding]:
    """Yield a finding for each part of an update that is not supported.

    Args:
        change: The change of a resource, including its replacement.
    """
    before, after = change.before, change.after
    if before is None or after is None:
        return
    if change.refusals and before.type != after.type:
        sentence = (
            f"The logical ID {change.logical_id} changes from {before.type} to {after.type}, which CloudFormation does "
            "not permit."
        )
        way = "Give the new resource another construct ID."
        yield Finding(Kind.REFUSED, "refused/type", change.stack.path, after, sentence, (way,))
        return
    if change.refusals:
        why = f"{' and '.join(change.refusals)}, which CloudFormation does not support"
        way = "Give the resource another construct ID, so that a new one is created."
        sentence = f"The update of the {named(after)} is refused because {why}."
        yield Finding(Kind.REFUSED, "refused/update", change.stack.path, after, sentence, (way,))
    if before.type == after.type and change.replacement is not Replacement.YES:
        for check in _CHECKS.get(after.type, ()):
            yield from check(change, before, after)


def _key(change: ResourceChange, before: Resource, after: Resource) -> Iterator[Finding]:
    """Yield a finding for each changed property of a KMS key that cannot change."""
    for name, default in _OF_KEY.items():
        old, new = (_known(side.properties.get(name, default)) for side in (before, after))
        if old is not None and new is not None and old != new:
            way = "Define another key, and encrypt the data with it."
            yield _refused(change, after, f"its {name} changes, which AWS KMS does not permit", way)


def _refused(change: ResourceChange, after: Resource, why: str, way: str, *, certain: bool = True) -> Finding:
    sentence = f"The update of the {named(after)} {'is' if certain else 'may be'} refused: {why}."
    return Finding(Kind.REFUSED, "refused/update", change.stack.path, after, sentence, (way,))


def _smaller(change: ResourceChange, before: Resource, after: Resource) -> Iterator[Finding]:
    """Yield the finding for a smaller volume.

    Source: EC2 API reference, ModifyVolume: "The target volume size must be greater than or equal to the existing size
    of the volume."
    """
    old, new = (str(side.properties.get("Size", "")) for side in (before, after))
    if old.isdecimal() and new.isdecimal() and int(new) < int(old):
        way = "Define another volume, and copy the data to it."
        yield _refused(change, after, f"its size shrinks from {old} to {new} GiB, and a volume can only grow", way)


def _indexed(change: ResourceChange, before: Resource, after: Resource) -> Iterator[Finding]:
    """Yield the finding for a table that gets or loses several indexes at once.

    Sources: DynamoDB API reference, UpdateTable (an operation can create or delete only one index);
    CloudFormation template reference, `AWS::DynamoDB::GlobalTable`, `GlobalSecondaryIndexes` (the same).
    """
    old, new = (_names(side, "GlobalSecondaryIndexes", "IndexName") for side in (before, after))
    changed = sorted(old ^ new) if change.replacement is Replacement.NO else []
    if len(changed) > 1:
        why = (
            f"it adds or removes {len(changed)} global secondary indexes ({', '.join(changed)}), and DynamoDB permits "
            "1 in an update"
        )
        yield _refused(change, after, why, "Deploy them one after the other.")


def _redefined(change: ResourceChange, before: Resource, after: Resource) -> Iterator[Finding]:
    """Yield the finding for a global secondary index that gets another key or projection under the same name.

    Source: the message of CloudFormation's handler, "Cannot update GSI's properties other than Provisioned Throughput
    and Contributor Insights Specification. You can create a new GSI with a different name." (aws-amplify/amplify-cli,
    issue 11384).
    """
    old, new = (_items(side, "GlobalSecondaryIndexes", "IndexName") for side in (before, after))
    for name in new if change.replacement is Replacement.NO else ():
        for part in ("KeySchema", "Projection"):
            one, other = (_in_order(side.get(name, {}).get(part)) for side in (old, new))
            if name in old and one is not None and other is not None and one != other:
                why = f"the {part} of its global secondary index {name} changes, and an index cannot change"
                yield _refused(change, after, why, "Give the new index another name, and remove the old one later.")


def _expiring(change: ResourceChange, before: Resource, after: Resource) -> Iterator[Finding]:
    """Yield the finding for a table that expires its items by another attribute.

    Source: CloudFormation template reference, `TimeToLiveSpecification`, `AttributeName`: "To update this property, you
    must first disable TTL and then enable TTL with the new attribute name."
    """
    old, new = (mapping(side.properties.get("TimeToLiveSpecification")) for side in (before, after))
    names = [each.get("AttributeName") for each in (old, new)]
    enabled = change.replacement is Replacement.NO and all(
        str(each.get("Enabled")).lower() == "true" for each in (old, new)
    )
    if enabled and all(isinstance(name, str) for name in names) and names[0] != names[1]:
        why = f"the attribute of its time to live changes from {names[0]} to {names[1]}"
        yield _refused(change, after, why, "Turn the time to live off in a separate deployment first.")


def _replicated(change: ResourceChange, before: Resource, after: Resource) -> Iterator[Finding]:
    """Yield the finding for a global table that gets or loses several replicas, or loses the replica in its own Region.

    Source: CloudFormation template reference, `AWS::DynamoDB::GlobalTable`, `Replicas`: "you can only add or remove a
    single replica in each update", "You cannot remove the replica in the stack region".
    """
    old, new = (_names(side, "Replicas", "Region") for side in (before, after))
    if change.stack.stack.region in old - new:
        why = f"it removes the replica in {change.stack.stack.region}, the Region of its stack"
        yield _refused(change, after, why, "Keep this replica.")
    elif len(changed := sorted(old ^ new)) > 1:
        why = f"it adds or removes {len(changed)} replicas ({', '.join(changed)}), and only 1 can change in an update"
        yield _refused(change, after, why, "Deploy them one after the other.")


def _sign_in(change: ResourceChange, before: Resource, after: Resource) -> Iterator[Finding]:
    """Yield a finding for each changed property that Cognito accepts only when it creates a user pool."""
    for name in _ONLY_AT_CREATION:
        old, new = (_known(side.properties.get(name)) for side in (before, after))
        if old is None or new is None or old == new:
            continue
        why = f"its {name} changes, which Amazon Cognito accepts only when it creates a user pool"
        yield _refused(change, after, why, _NEW_POOL, certain=bool(new))


def _user_attributes(change: ResourceChange, before: Resource, after: Resource) -> Iterator[Finding]:
    """Yield the findings for the attributes of a user pool that are removed, changed, or newly required.

    Sources: CloudFormation template reference, `AWS::Cognito::UserPool`, `Schema`: "you can add new schema attributes
    but you cannot modify or delete an existing schema attribute"; Cognito developer guide, "Updating user pool and app
    client configuration": "To change required attributes, create a new user pool". An update without a `Schema` changes
    none.
    """
    old, new = (_attributes(side) for side in (before, after))
    if not old or not new:
        return
    changed = [name for name in new if name in old and _contradict(old[name], new[name])]
    required = [name for name in new if name not in old and _known(new[name].get("Required")) == "true"]
    removed = [name for name in old if name not in new]
    if changed:
        why = f"it changes {_attribute(changed)}, and an existing attribute cannot change"
        yield _refused(change, after, why, _NEW_POOL)
    if required:
        why = f"it requires {_attribute(required)}, and required attributes are set when a user pool is created"
        yield _refused(change, after, why, _NEW_POOL)
    if removed:
        why = f"it removes {_attribute(removed)}, and an existing attribute cannot be deleted"
        yield _refused(change, after, why, _NEW_POOL, certain=False)


def _attribute(names: list[str]) -> str:
    return f"the attribute{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _attributes(pool: Resource) -> dict[str, Mapping[str, Any]]:
    """Return a mapping from attribute name to attribute for a user pool; empty if the schema is not known."""
    stated = pool.properties.get("Schema")
    found = [mapping(each) for each in stated] if isinstance(stated, list) else []
    if not all(isinstance(each.get("Name"), str) for each in found):
        return {}
    # the handler adds the prefix of custom attributes (propertyTransform in the provider schema)
    return {str(each["Name"]).removeprefix("custom:"): each for each in found}


def _contradict(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether an attribute has different settings. A setting that only one template has can be the default."""
    for name in before.keys() & after.keys():
        old, new = _known(before[name]), _known(after[name])
        if name != "Name" and old is not None and new is not None and old != new:
            return True
    return False


def _names(resource: Resource, of: str, name: str) -> set[str]:
    """Return the names of the items of a list. Unknown names are left out."""
    stated = resource.properties.get(of)
    items = [mapping(each).get(name) for each in stated] if isinstance(stated, list) else []
    return {each for each in items if isinstance(each, str)}


def _items(resource: Resource, of: str, name: str) -> dict[str, Mapping[str, Any]]:
    """Return a mapping from the name of each item of a list to the item. Items with unknown names are left out."""
    stated = resource.properties.get(of)
    items = [mapping(each) for each in stated] if isinstance(stated, list) else []
    return {each[name]: each for each in items if isinstance(each.get(name), str)}


def _in_order(value: Any) -> Any:
    """Return a value in which the order of lists is significant; None if the value is not known."""
    if isinstance(value, list):
        return [_known(each) for each in value] if all(_known(each) is not None for each in value) else None
    return _known(value)


def _known(value: Any) -> Any:
    """Return a value in a form that compares without the order of lists; None if the value is not known."""
    if isinstance(value, Mapping):
        found = {str(name): _known(each) for name, each in value.items()}
        unknown = any(name == "Ref" or name.startswith("Fn::") for name in found)
        return None if unknown or None in found.values() else found
    if isinstance(value, list):
        items = [_known(each) for each in value]
        return None if None in items else sorted(map(str, items))
    return [] if value is None else str(value).lower()


_CHECKS: Mapping[str, Sequence[Callable[[ResourceChange, Resource, Resource], Iterator[Finding]]]] = {
    _GLOBAL_TABLE: (_indexed, _redefined, _expiring, _replicated),
    _KEY: (_key,),
    _TABLE: (_indexed, _redefined, _expiring),
    _USER_POOL: (_sign_in, _user_attributes),
    "AWS::EC2::Volume": (_smaller,),
}
"""The checks of each type."""

"""Data that a resource keeps for a shorter time: retention periods, lifecycle rules, times to live, and backups."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Resource, mapping
from moorage.assembly.values import is_function
from moorage.review.comparison import ResourceChange
from moorage.review.finding import Finding, Kind
from moorage.review.nouns import listed, named

_BUCKET, _REPOSITORY = "AWS::S3::Bucket", "AWS::ECR::Repository"
_TABLES = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")
_RECOVERY = ("PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled")
_UNKNOWN = object()
"""The value of a setting inside an intrinsic function."""


@attrs.frozen
class _Period:
    """A property that says how long a resource keeps something.

    Args:
        name: The name of the property.
        contents: The noun for what the resource keeps, such as `events`.
        unit: The unit of the property.
        by_default: The value of a resource without the property; None for no limit.
        forever: The value that means no limit. Default: no such value.
    """

    name: str
    contents: str
    unit: str
    by_default: int | None
    forever: int | None = None


_AUTOMATED = _Period("BackupRetentionPeriod", "automated backups", "days", 1)
_SNAPSHOTS = _Period("SnapshotRetentionLimit", "automatic snapshots", "days", 0)
_RETENTION: Mapping[str, _Period] = {
    "AWS::CloudTrail::EventDataStore": _Period("RetentionPeriod", "events", "days", 366),
    "AWS::Events::Archive": _Period("RetentionDays", "events", "days", None, forever=0),
    "AWS::Kinesis::Stream": _Period("RetentionPeriodHours", "records", "hours", 24),
    "AWS::Logs::LogGroup": _Period("RetentionInDays", "log events", "days", None),
    "AWS::SQS::Queue": _Period("MessageRetentionPeriod", "messages", "seconds", 345_600),
}
"""The property that sets how long a type keeps its data. Sources: CloudTrail API reference, UpdateEventDataStore;
EventBridge API reference, CreateArchive (0 or no value: indefinitely); Kinesis API reference,
DecreaseStreamRetentionPeriod; CloudWatch Logs API reference, PutRetentionPolicy; SQS API reference, SetQueueAttributes
(a shorter period deletes messages that are in the queue)."""
_BACKUPS: Mapping[str, _Period] = {
    "AWS::DocDB::DBCluster": _AUTOMATED,
    "AWS::ElastiCache::CacheCluster": _SNAPSHOTS,
    "AWS::ElastiCache::ReplicationGroup": _SNAPSHOTS,
    "AWS::ElastiCache::ServerlessCache": _SNAPSHOTS,
    "AWS::MemoryDB::Cluster": _SNAPSHOTS,
    "AWS::Neptune::DBCluster": _AUTOMATED,
    "AWS::RDS::DBCluster": _AUTOMATED,
    "AWS::RDS::DBInstance": _AUTOMATED,
}
"""The property that sets how long a type keeps its backups (CloudFormation template reference; 0 turns them off)."""


def expired(change: ResourceChange, before: Resource, after: Resource) -> Iterator[Finding]:
    """Yield a finding for each part of the data, and for backups, that an update in place keeps for a shorter time.

    Args:
        change: The change of a resource that is not replaced.
        before: The resource in the base.
        after: The resource in the head, of the same type.
    """
    if period := _RETENTION.get(after.type):
        yield from _shorter(change, before, after, period, "lost/expired")
    period = _BACKUPS.get(after.type)
    if period and period.name in after.properties and not after.properties.get("DBClusterIdentifier"):
        yield from _shorter(change, before, after, period, "lost/backups")
    if after.type == _BUCKET:
        yield from _objects(change, before, after)
    if after.type == _REPOSITORY:
        yield from _images(change, before, after)
    if after.type in _TABLES:
        yield from _items(change, before, after)
    if after.type == "AWS::EFS::FileSystem":
        status = [_setting(side.properties, "BackupPolicy", "Status") for side in (before, after)]
        if status == ["ENABLED", "DISABLED"]:
            yield _finding(change, after, "lost/backups", f"The {named(after)} is no longer backed up automatically.")
    if after.type == "AWS::Backup::BackupPlan":
        old, new = (_plan(side) for side in (before, after))
        if new and (gone := sorted(old - new)):
            rules = f"its rule{'s' if len(gone) > 1 else ''} {listed(gone)}"
            sentence = f"The {named(after)} no longer makes the backups of {rules}."
            yield _finding(change, after, "lost/backups", sentence)


def _plan(plan: Resource) -> set[str]:
    """Return the names of the rules of a backup plan; none if the names are not known."""
    stated = _setting(plan.properties, "BackupPlan", "BackupPlanRule")
    names = [mapping(each).get("RuleName") for each in stated] if isinstance(stated, list) else []
    return {str(name) for name in names} if all(isinstance(name, str) for name in names) else set()


def _shorter(
    change: ResourceChange, before: Resource, after: Resource, period: _Period, rule: str
) -> Iterator[Finding]:
    """Yield the finding for a shorter period, if both periods are known."""
    values = (side.properties.get(period.name, period.by_default) for side in (before, after))
    old, new = (math.inf if value is None else _number(value) for value in values)
    if rule == "lost/expired":
        old, new = (math.inf if value == period.forever else value for value in (old, new))
    if old is None or new is None or new >= old:
        return
    if new == 0:
        sentence = f"The {named(after)} no longer has {period.contents} (before: for {_amount(old, period.unit)})."
        yield _finding(change, after, rule, sentence)
    else:
        yield _kept(change, after, rule, period.contents, (old, new), period.unit)


def _amount(number: float, unit: str) -> str:
    """Return a period in the largest unit in which it is a whole number: `14 days` for `1209600 seconds`."""
    for seconds, larger in ((86_400, "days"), (3600, "hours")):
        if unit == "seconds" and number >= seconds and number % seconds == 0:
            return f"{number / seconds:g} {larger}" if number > seconds else f"1 {larger[:-1]}"
    return f"{number:.0f} {unit}" if number.is_integer() else f"{number:g} {unit}"


def _kept(
    change: ResourceChange, after: Resource, rule: str, contents: str, limits: tuple[float, float], unit: str
) -> Finding:
    old, new = limits
    was = "without a limit" if old == math.inf else _amount(old, unit)
    sentence = (
        f"The {named(after)} keeps its {contents} for only {_amount(new, unit)} (before: {was}): older ones are "
        "deleted."
    )
    return _finding(change, after, rule, sentence)


def _finding(change: ResourceChange, after: Resource, rule: str, sentence: str, *details: str) -> Finding:
    return Finding(Kind.LOST, rule, change.stack.path, after, sentence, details)


@attrs.frozen
class _Rule:
    """A lifecycle rule: the objects or images that it selects, and the limit after which it deletes them.

    Args:
        contents: The noun phrase for the objects or images that the rule selects.
        selects: The filters of the rule, which must all match. No filter selects everything.
        prefix: The beginning of the names that the rule selects.
        unit: The unit of the limit, `days` or `images`.
        limit: The number of days before deletion, or the number of images to keep.
    """

    contents: str
    selects: frozenset[str]
    prefix: str
    unit: str
    limit: float

    def covers(self, other: _Rule) -> bool:
        """Return whether this rule selects everything that another rule selects."""
        within = other.prefix.startswith(self.prefix) and self.selects <= other.selects
        return within and self.unit == other.unit


def _earlier(before: Sequence[_Rule], after: Sequence[_Rule]) -> Iterator[tuple[_Rule, float]]:
    """Yield the rules that now delete something earlier, each with its previous limit; infinity for no limit."""
    for rule in dict.fromkeys(after):
        old = min((each.limit for each in before if each.covers(rule)), default=math.inf)
        if rule.limit < old:
            yield rule, old


def _objects(change: ResourceChange, before: Resource, after: Resource) -> Iterator[Finding]:
    """Yield the findings for objects that S3 deletes earlier, and for versions that it no longer keeps.

    Sources: S3 user guide, "Expiring objects" (in a bucket with versioning, an object that expires becomes a noncurrent
    version, and NoncurrentVersionExpiration deletes these) and "Setting an S3 Lifecycle configuration" (a rule applies
    to existing objects).
    """
    versioned = [_setting(side.properties, "VersioningConfiguration", "Status") for side in (before, after)]
    old, new = (_bucket_rules(side) for side in (before, after))
    if old is not None and new is not None:
        noncurrent = any(rule.contents.startswith("noncurrent") for rule in new)
        for rule, limit in _earlier(old, new):
            if not rule.contents.startswith("noncurrent") and versioned[1] is not None and not noncurrent:
                continue
            yield _kept(change, after, "lost/expired", rule.contents, (limit, rule.limit), rule.unit)
    if versioned == ["Enabled", "Suspended"]:
        sentence = f"The {named(after)} no longer keeps the versions that are overwritten or deleted from now on."
        yield _finding(change, after, "lost/backups", sentence)


def _bucket_rules(bucket: Resource) -> list[_Rule] | None:
    """Return the rules for objects from the enabled rules of a bucket; None if a rule is not known."""
    stated = _setting(bucket.properties, "LifecycleConfiguration", "Rules") or []
    if not isinstance(stated, list) or any(not isinstance(each, Mapping) or is_function(each) for each in stated):
        return None
    found: list[_Rule] = []
    for each in stated:
        if each.get("Status") != "Enabled":
            continue
        newer = mapping(each.get("NoncurrentVersionExpiration"))
        limits = {
            "objects": each.get("ExpirationInDays"),
            "noncurrent versions": newer.get("NoncurrentDays", each.get("NoncurrentVersionExpirationInDays")),
        }
        selects = {f"{name}={each[name]}" for name in ("ObjectSizeGreaterThan", "ObjectSizeLessThan") if name in each}
        tags = each.get("TagFilters")
        selects |= {json.dumps(tag, sort_keys=True) for tag in tags} if isinstance(tags, list) else set()
        prefix = each.get("Prefix", "")
        if "NewerNoncurrentVersions" in newer:
            selects.add(f"NewerNoncurrentVersions={newer['NewerNoncurrentVersions']}")
        for contents, days in limits.items():
            limit = _number(days)
            if limit is not None and isinstance(prefix, str):
                noun = contents + (f" under {prefix}" if prefix else "") + (" that match a filter" if selects else "")
                found.append(_Rule(noun, frozenset({*selects, contents}), prefix, "days", limit))
    return found


def _images(change: ResourceChange, before: Resource, after: Resource) -> Iterator[Finding]:
    """Yield the findings for images that ECR expires earlier.

    Source: ECR user guide, "Lifecycle policy properties". A new policy also applies to the images that are already in
    the repository.
    """
    old, new = (_image_rules(side) for side in (before, after))
    if old is None or new is None:
        return
    for rule, limit in _earlier(old, new):
        if rule.unit == "images":
            was = "all" if limit == math.inf else f"{limit:g}"
            sentence = f"The {named(after)} keeps only {rule.limit:g} of its {rule.contents} (before: {was})"
            yield _finding(change, after, "lost/expired", f"{sentence}: older ones are deleted.")
        else:
            yield _kept(change, after, "lost/expired", rule.contents, (limit, rule.limit), rule.unit)


def _image_rules(repository: Resource) -> list[_Rule] | None:
    """Return the rules that expire images; None if the policy is not known."""
    text = _setting(repository.properties, "LifecyclePolicy", "LifecyclePolicyText") or '{"rules": []}'
    try:
        stated = mapping(json.loads(text)).get("rules") if isinstance(text, str) else None
    except ValueError:
        return None
    if not isinstance(stated, list):
        return None
    found: list[_Rule] = []
    for each in map(mapping, stated):
        selection = mapping(each.get("selection"))
        limit = _number(selection.get("countNumber"))
        if limit is None or mapping(each.get("action")).get("type") != "expire":
            continue
        status, kind = str(selection.get("tagStatus")), str(selection.get("countType"))
        tags = [str(tag) for name in ("tagPrefixList", "tagPatternList") for tag in selection.get(name) or ()]
        selects = set() if status == "any" else {status, *tags}
        storage = selection.get("storageClass")
        unit = "images" if kind == "imageCountMoreThan" else "days"
        selects |= {kind, *([str(storage)] if storage else [])} if unit == "days" else set()
        noun = {"any": "images", "untagged": "untagged images"}.get(status, f"images tagged {listed(tags)}")
        noun += {"sinceImagePulled": " since they were pulled"}.get(kind, "")
        found.append(_Rule(noun, frozenset(selects), "", unit, limit))
    return found


def _items(change: ResourceChange, before: Resource, after: Resource) -> Iterator[Finding]:
    """Yield the findings for items that may expire, and for backups and replicas that a table no longer has.

    Sources: DynamoDB API reference, UpdateTimeToLive ("If the epoch time value stored in the attribute is less than the
    current time, the item is marked as expired and subsequently deleted"), UpdateContinuousBackups, and
    ReplicationGroupUpdate ("deleting the replica and all of its items in the destination Region").
    """
    old, new = (mapping(side.properties.get("TimeToLiveSpecification")) for side in (before, after))
    if _is_on(new.get("Enabled")) and (not old or _is_off(old.get("Enabled"))):
        attribute = f" {new['AttributeName']}" if isinstance(new.get("AttributeName"), str) else ""
        sentence = f"The {named(after)} now has a time to live: items whose attribute{attribute} is in the past may be "
        yield _finding(change, after, "lost/expired", f"{sentence}deleted.")
    was, now = (dict(_recovery(side)) for side in (before, after))
    if gone := sorted(region for region, setting in now.items() if _is_off(setting) and _is_on(was.get(region))):
        where = f" in {listed(gone)}" if all(gone) else ""
        sentence = f"The {named(after)} can no longer be restored to a point in time{where}."
        yield _finding(change, after, "lost/backups", sentence)
    regions, left = ({region for region, _ in _replicas(side)} for side in (before, after))
    if left and (lost := sorted(regions - left)):
        replicas = f"its replica{'s' if len(lost) > 1 else ''} in {listed(lost)}"
        sentence = f"The {named(after)} loses {replicas}: the items there are deleted, and clients there fail."
        yield _finding(change, after, "lost/replica", sentence)


def _recovery(table: Resource) -> Iterator[tuple[str, Any]]:
    """Yield each Region with its setting of point-in-time recovery. Without replicas, the Region is an empty text."""
    sides = _replicas(table) if table.type == _TABLES[1] else [("", table.properties)]
    for region, stated in sides:
        yield region, _setting(stated, *_RECOVERY)


def _replicas(table: Resource) -> Iterator[tuple[str, Mapping[str, Any]]]:
    stated = table.properties.get("Replicas")
    for replica in map(mapping, stated) if isinstance(stated, list) else ():
        if isinstance(replica.get("Region"), str):
            yield replica["Region"], replica


def _setting(properties: Mapping[str, Any], *path: str) -> Any:
    """Return the value at a path; None if there is no such value."""
    value: Any = properties
    for name in path:
        if isinstance(value, Mapping) and is_function(value):
            return _UNKNOWN
        value = mapping(value).get(name)
    return value


def _is_on(value: Any) -> bool:
    return str(value).lower() == "true"


def _is_off(value: Any) -> bool:
    return str(value).lower() == "false"


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None

"""The conditions under which CloudFormation updates a property in place, and the attributes that follow a property.

Sources: CloudFormation template reference, the page of each type; the handlers that CloudFormation runs for Amazon RDS
(aws-cloudformation/aws-cloudformation-resource-providers-rds, `ImmutabilityHelper`), which decide about the properties
that the schema lists in conditionalCreateOnlyProperties.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Resource, mapping
from moorage.review.replacement.provider_schemas import Pointer

_INSTANCE, _CLUSTER = "AWS::RDS::DBInstance", "AWS::RDS::DBCluster"
_CACHE, _REPLICATION = "AWS::ElastiCache::CacheCluster", "AWS::ElastiCache::ReplicationGroup"


@attrs.frozen(eq=False)
class _Update:
    """The resource before and after the update of one of its properties."""

    name: str
    before: Resource
    after: Resource


_Condition = Callable[[_Update], bool]
"""A function that returns whether CloudFormation updates the property in place."""
_ABSENT = (None, "", False, "false", {"Ref": "AWS::NoValue"})
_CONVERTED = {
    ("aurora", "aurora-mysql"),
    ("oracle-ee", "oracle-ee-cdb"),
    ("oracle-se", "oracle-se2"),
    ("oracle-se1", "oracle-se2"),
    ("oracle-se2", "oracle-se2-cdb"),
}
"""The engines that are converted in place, each with the engine after it."""


def is_in_place(pointer: Pointer, before: Resource, after: Resource) -> bool:
    """Return whether a property that can replace a resource is updated in place by this update.

    Args:
        pointer: The path of the property.
        before: The resource in the base.
        after: The resource in the head, of the same type.
    """
    condition = _IN_PLACE.get((after.type, pointer[0]))
    return condition is not None and condition(_Update(pointer[0], before, after))


def properties_of(type_: str, attribute: str) -> tuple[str, ...] | None:
    """Return the properties from which the service computes an attribute; None if these properties are not known.

    Args:
        type_: The type of the resource.
        attribute: The attribute of `Fn::GetAtt`.
    """
    if attribute.lower().endswith("port"):
        return _OF_PORT
    return _FOLLOWS.get((type_, attribute))


def _removed(update: _Update) -> bool:
    """Return whether the property is removed, as for the snapshot or the source of a database."""
    return update.after.properties.get(update.name) in _ABSENT


def _added(update: _Update) -> bool:
    return update.before.properties.get(update.name) in _ABSENT


def _converted(update: _Update) -> bool:
    return (update.before.properties.get(update.name), update.after.properties.get(update.name)) in _CONVERTED


def _multi_zone(update: _Update) -> bool:
    return _removed(update) and str(update.after.properties.get("MultiAZ")).lower() == "true"


def _resharded(update: _Update) -> bool:
    """Return whether `UseOnlineResharding` in the update policy updates the shards without interruption."""
    policy: Mapping[str, Any] = mapping(update.after.definition.get("UpdatePolicy"))
    return str(policy.get("UseOnlineResharding")).lower() == "true"


def _placed(update: _Update) -> bool:
    """Return whether the cluster has a preferred Availability Zone before or after the update."""
    return any(side.properties.get(zone) for side in (update.before, update.after) for zone in _ZONES)


_ZONES = ("PreferredAvailabilityZone", "PreferredAvailabilityZones")
_IN_PLACE: Mapping[tuple[str, str], _Condition] = {
    (_CACHE, "NumCacheNodes"): _placed,
    (_CLUSTER, "Engine"): _converted,
    (_CLUSTER, "GlobalClusterIdentifier"): _removed,
    (_INSTANCE, "AvailabilityZone"): _multi_zone,
    (_INSTANCE, "DBClusterSnapshotIdentifier"): _removed,
    (_INSTANCE, "DBSnapshotIdentifier"): _removed,
    (_INSTANCE, "Engine"): _converted,
    (_INSTANCE, "PerformanceInsightsKMSKeyId"): _added,
    (_INSTANCE, "RestoreTime"): _removed,
    (_INSTANCE, "SourceDBClusterIdentifier"): _removed,
    (_INSTANCE, "SourceDBInstanceAutomatedBackupsArn"): _removed,
    (_INSTANCE, "SourceDBInstanceIdentifier"): _removed,
    (_INSTANCE, "SourceDbiResourceId"): _removed,
    (_INSTANCE, "UseLatestRestorableTime"): _removed,
    (_REPLICATION, "NodeGroupConfiguration"): _resharded,
    (_REPLICATION, "NumNodeGroups"): _resharded,
}
"""A mapping from property to the condition for an update in place. All other properties replace the resource, unless
`update_behaviors.toml` has an entry for them."""
_OF_PORT = ("Port", "Engine")
"""The properties that decide the port of an endpoint: the port, or else the default of the engine."""
_FOLLOWS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("AWS::EC2::LaunchTemplate", "DefaultVersionNumber"): ("LaunchTemplateData",),
    ("AWS::EC2::LaunchTemplate", "LatestVersionNumber"): ("LaunchTemplateData",),
}
"""The properties that decide other attributes that change in place (CloudFormation template reference, "Return values"
of each type). Any other attribute of a resource changes only if the resource is replaced."""

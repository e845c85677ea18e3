"""Updates of databases that Amazon RDS and similar services refuse: versions, sizes and subnets.

Sources: CloudFormation template reference, `AWS::RDS::DBInstance`, `AllowMajorVersionUpgrade` ("Major version upgrades
must be allowed when specifying a value for the EngineVersion parameter that is a different major version"); RDS user
guide, "Settings for DB instances" ("You can only increase the allocated storage. You can't reduce the allocated
storage.") and "Upgrading a DB instance engine version" (an earlier version needs a restored snapshot); RDS API
reference, ModifyDBSubnetGroup ("The new Subnets are not in the same Vpc as the existing subnet group",
hashicorp/terraform-provider-aws, issue 27459).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from moorage.assembly.cloud_assembly import Resource
from moorage.assembly.values import Place
from moorage.review.comparison import Comparison, Replacement, ResourceChange
from moorage.review.finding import Finding, Kind
from moorage.review.nouns import named
from moorage.review.template.side import Scope, Side

_INSTANCE = "AWS::RDS::DBInstance"
_VERSIONED = {_INSTANCE, "AWS::DocDB::DBCluster", "AWS::Neptune::DBCluster", "AWS::RDS::DBCluster"}
_SUBNETS: Mapping[str, str] = {
    "AWS::DocDB::DBSubnetGroup": "SubnetIds",
    "AWS::ElastiCache::SubnetGroup": "SubnetIds",
    "AWS::MemoryDB::SubnetGroup": "SubnetIds",
    "AWS::Neptune::DBSubnetGroup": "SubnetIds",
    "AWS::RDS::DBSubnetGroup": "SubnetIds",
    "AWS::Redshift::ClusterSubnetGroup": "SubnetIds",
}
"""The property with the subnets of each type of subnet group."""
_PARTS_OF_MAJOR = {"mariadb": 2, "mysql": 2, "oracle": 1, "postgres": 1, "sqlserver": 1}
"""A mapping from the beginning of an engine's name to the number of version parts that are the major version (RDS user
guide, the page about upgrades of each engine)."""
_VERSION = re.compile(r"\d+(\.\d+)*")
_OLD_POSTGRES = 10
"""Before PostgreSQL 10, the major version had 2 parts."""


def databases(comparison: Comparison) -> Iterator[Finding]:
    """Yield a finding for each update of a database that is refused.

    Args:
        comparison: The two assemblies, and the replacements that the update causes.
    """
    base, head = (Side.of(comparison, base=base) for base in (True, False))
    replaced = {
        Place(position, change.logical_id)
        for position, stack in enumerate(comparison.stacks)
        for change in stack.changes
        if change.before and change.after and change.replacement is not Replacement.NO
    }
    for position, stack in enumerate(comparison.stacks):
        for change in stack.changes:
            before, after = change.before, change.after
            if before is None or after is None or before.type != after.type:
                continue
            if after.type in _VERSIONED and change.replacement is Replacement.NO:
                yield from _version(change, before, after)
            if after.type == _INSTANCE and change.replacement is Replacement.NO:
                yield from _storage(change, before, after)
        if stack.before and stack.after:
            yield from _subnet_groups(stack.path, (base.scopes[position], head.scopes[position]), replaced)


def _version(change: ResourceChange, before: Resource, after: Resource) -> Iterator[Finding]:
    """Yield the finding for an earlier version, or for another major version that is not allowed."""
    old, new = (str(side.properties.get("EngineVersion")) for side in (before, after))
    if not _VERSION.fullmatch(old) or not _VERSION.fullmatch(new):
        return
    one, other = ([int(part) for part in version.split(".")] for version in (old, new))
    shared = min(len(one), len(other))
    if other[:shared] < one[:shared]:
        why = f"its EngineVersion changes from {old} to {new}, and a database cannot return to an earlier version"
        yield _refused(change, after, why, "Restore a snapshot of that version as another database.")
        return
    parts = next((of for name, of in _PARTS_OF_MAJOR.items() if _engine(after).startswith(name)), None)
    if parts == 1 and _engine(after) == "postgres" and one[0] < _OLD_POSTGRES:
        parts = 2
    allowed = after.properties.get("AllowMajorVersionUpgrade", False)
    if after.type != _INSTANCE or parts is None or shared < parts or str(allowed).lower() != "false":
        return
    if one[:parts] != other[:parts]:
        why = f"its EngineVersion changes from {old} to {new}, another major version, without AllowMajorVersionUpgrade"
        yield _refused(change, after, why, "Set AllowMajorVersionUpgrade to true (`allow_major_version_upgrade=True`).")


def _engine(database: Resource) -> str:
    return str(database.properties.get("Engine", "")).lower()


def _storage(change: ResourceChange, before: Resource, after: Resource) -> Iterator[Finding]:
    old, new = (str(side.properties.get("AllocatedStorage")) for side in (before, after))
    if old.isdecimal() and new.isdecimal() and int(new) < int(old):
        why = f"its AllocatedStorage shrinks from {old} to {new} GiB, and the storage of a database can only grow"
        yield _refused(change, after, why, "Define another database, and copy the data to it.")


def _subnet_groups(path: str, scopes: tuple[Scope, Scope], replaced: set[Place]) -> Iterator[Finding]:
    """Yield the finding for each subnet group that is updated in place and whose subnets are in another VPC."""
    for after in scopes[1].stack.resources:
        before = scopes[0].by_id.get(after.logical_id)
        place = Place(scopes[1].place, after.logical_id)
        if after.type not in _SUBNETS or before is None or before.type != after.type or place in replaced:
            continue
        old, new = (_network(*side) for side in zip(scopes, (before, after), strict=True))
        if old and new and (old != new or old in replaced):
            sentence = (
                f"The update of the {named(after)} is refused: its subnets are in another VPC, and a subnet group "
                "cannot move to one."
            )
            way = "Define another subnet group and another database in the new VPC, and migrate the data."
            yield Finding(Kind.REFUSED, "refused/update", path, after, sentence, (way,))


def _network(scope: Scope, group: Resource) -> Place | None:
    """Return the VPC of the subnets of a group; None if the VPC is not known, or if there are several VPCs."""
    found = set()
    for place in scope.referenced(group.properties.get(_SUBNETS[group.type])):
        subnet = scope.side.at(place)
        networks = subnet[0].referenced(subnet[1].properties.get("VpcId")) if subnet else ()
        if len(networks) != 1:
            return None
        found |= set(networks)
    return found.pop() if len(found) == 1 else None


def _refused(change: ResourceChange, after: Resource, why: str, way: str) -> Finding:
    sentence = f"The update of the {named(after)} is refused: {why}."
    return Finding(Kind.REFUSED, "refused/update", change.stack.path, after, sentence, (way,))

"""The properties that a database and a cache update in place, and the attributes that follow a property."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.review.comparison import Comparison, Replacement
from moorage.review.refused import refused
from moorage.review.replacement.replacement import replaced
from tests.review.templates import compared

NO, MAY, YES = Replacement.NO, Replacement.MAY, Replacement.YES
INSTANCE, CLUSTER = "AWS::RDS::DBInstance", "AWS::RDS::DBCluster"
CACHE, REPLICATION = "AWS::ElastiCache::CacheCluster", "AWS::ElastiCache::ReplicationGroup"
INGRESS = "AWS::EC2::SecurityGroupIngress"


def of(type_: str, **properties: Any) -> dict[str, Any]:
    return {"Type": type_, "Properties": properties}


def reviewed(base: dict[str, Any], head: dict[str, Any]) -> Comparison:
    return replaced(compared({"Shop": base}, {"Shop": head}))


def answer(type_: str, before: dict[str, Any], after: dict[str, Any], **attributes: Any) -> Replacement:
    base, head = ({"Db": of(type_, **properties) | attributes} for properties in (before, after))
    return next(change for change in reviewed(base, head).changes).replacement


@pytest.mark.parametrize(
    ("type_", "name", "before", "after"),
    [
        (INSTANCE, "AutoMinorVersionUpgrade", True, False),
        (INSTANCE, "BackupRetentionPeriod", 7, 14),
        (INSTANCE, "DBParameterGroupName", "one", "other"),
        (INSTANCE, "MultiAZ", False, True),
        (INSTANCE, "PreferredMaintenanceWindow", "sun:03:00-sun:04:00", "mon:03:00-mon:04:00"),
        (INSTANCE, "StorageType", "gp2", "gp3"),
        (CLUSTER, "MasterUsername", "one", "other"),
        (CACHE, "AZMode", "single-az", "cross-az"),
        (REPLICATION, "AuthToken", "a" * 16, "b" * 16),
    ],
)
def test_a_documented_interruption_is_no_replacement(type_: str, name: str, before: Any, after: Any) -> None:
    assert answer(type_, {name: before}, {name: after}) is NO


@pytest.mark.parametrize(
    ("type_", "name", "before", "after", "in_place"),
    [
        (INSTANCE, "Engine", "oracle-ee", "oracle-ee-cdb", True),
        (INSTANCE, "Engine", "mysql", "postgres", False),
        (CLUSTER, "Engine", "aurora", "aurora-mysql", True),
        (CLUSTER, "Engine", "aurora-mysql", "aurora-postgresql", False),
        (INSTANCE, "DBSnapshotIdentifier", "one", None, True),
        (INSTANCE, "DBSnapshotIdentifier", "one", "other", False),
        (INSTANCE, "DBSnapshotIdentifier", None, "other", False),
        (INSTANCE, "SourceDBInstanceIdentifier", "source", None, True),
        (INSTANCE, "SourceDBInstanceIdentifier", "source", "other", False),
        (INSTANCE, "PerformanceInsightsKMSKeyId", None, "key", True),
        (INSTANCE, "PerformanceInsightsKMSKeyId", "key", "other", False),
        (INSTANCE, "AvailabilityZone", "eu-west-1a", "eu-west-1b", False),
        (CACHE, "NumCacheNodes", 2, 3, False),
        (REPLICATION, "NumNodeGroups", 2, 3, False),
    ],
)
def test_the_values_decide_about_a_replacement(
    type_: str, name: str, before: Any, after: Any, *, in_place: bool
) -> None:
    sides = ({} if value is None else {name: value} for value in (before, after))
    assert answer(type_, *sides) is (NO if in_place else MAY)


def test_another_property_decides_about_a_replacement() -> None:
    zone = {"AvailabilityZone": "eu-west-1a"}
    assert answer(INSTANCE, zone, {"MultiAZ": True}) is NO
    assert answer(INSTANCE, zone, {"MultiAZ": False}) is MAY
    zone = {"PreferredAvailabilityZone": "eu-west-1a"}
    assert answer(CACHE, {"NumCacheNodes": 2, **zone}, {"NumCacheNodes": 3, **zone}) is NO
    policy = {"UpdatePolicy": {"UseOnlineResharding": True}}
    assert answer(REPLICATION, {"NumNodeGroups": 2}, {"NumNodeGroups": 3}, **policy) is NO


def behind(database: dict[str, Any]) -> dict[str, Any]:
    """Return a database with a rule that opens its port."""
    port = {"Fn::GetAtt": ["Db", "Endpoint.Port"]}
    rule = of(INGRESS, GroupId="sg-1", IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp="10.0.0.0/8")
    return {"Db": of(INSTANCE, **database), "Rule": rule}


@pytest.mark.parametrize("after", [{"Tags": [{"Key": "a", "Value": "b"}]}, {"StorageEncrypted": True}])
def test_an_endpoint_keeps_its_port_if_neither_the_port_nor_the_engine_changes(after: dict[str, Any]) -> None:
    found = reviewed(behind({"Port": "5432"}), behind({"Port": "5432", **after}))
    assert {change.logical_id for change in found.changes} == {"Db"}
    assert not list(refused(found))


def test_an_endpoint_may_change_its_port_with_the_port_or_the_engine() -> None:
    for before, after in (({"Port": "5432"}, {"Port": "5433"}), ({"Engine": "mysql"}, {"Engine": "postgres"})):
        found = reviewed(behind(before), behind(after))
        assert {change.logical_id: change.replacement for change in found.changes}["Rule"] is MAY
        assert not list(refused(found))  # the new rule has another port


def test_a_rule_that_is_replaced_for_another_reason_keeps_its_claim() -> None:
    base, head = (behind({"Port": "5432"}) for _ in range(2))
    head["Rule"]["Properties"]["SourceSecurityGroupOwnerId"] = "111111111111"
    assert [finding.rule for finding in refused(reviewed(base, head))] == ["refused/in-use"]


def test_other_attributes_of_a_resource_change_only_with_the_resource() -> None:
    def resources(key: str, *, encrypted: bool = False) -> dict[str, Any]:
        value = {"Fn::GetAtt": ["Db", "Endpoint.HostedZoneId"]}
        database = of(INSTANCE, Tags=[{"Key": key, "Value": key}], StorageEncrypted=encrypted)
        return {"Db": database, "Group": of("AWS::Logs::LogGroup", LogGroupName=value)}

    assert {change.logical_id for change in reviewed(resources("a"), resources("b")).changes} == {"Db"}
    found = reviewed(resources("a"), resources("a", encrypted=True))
    assert {change.logical_id: change.replacement for change in found.changes} == {"Db": YES, "Group": MAY}

"""Data and backups that an update in place keeps for a shorter time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from moorage.review.lost import lost
from tests.review.templates import compared

UNKNOWN = {"Ref": "Days"}


def found(kind: str, before: Any, after: Any) -> list[tuple[str, str]]:
    """Return the rule and the sentence of each finding, without the kind and without the resource."""
    base, head = ({"Shop": {"It": {"Type": f"AWS::{kind}", "Properties": each}}} for each in (before, after))
    return [
        (each.rule.removeprefix("lost/"), each.sentence.partition(" Shop/It ")[2])
        for each in lost(compared(base, head))
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"RetentionInDays": 30}, {"RetentionInDays": 7}, "for only 7 days (before: 30 days): older ones are deleted."),
        ({}, {"RetentionInDays": "7"}, "for only 7 days (before: without a limit): older ones are deleted."),
        ({"RetentionInDays": 7}, {"RetentionInDays": 30}, ""),
        ({"RetentionInDays": 7}, {}, ""),
        ({"RetentionInDays": 30}, {"RetentionInDays": UNKNOWN}, ""),
    ],
)
def test_a_shorter_retention_deletes_what_is_older(before: Any, after: Any, expected: str) -> None:
    sentences = [f"keeps its log events {expected}" for _ in range(bool(expected))]
    assert found("Logs::LogGroup", before, after) == [("expired", sentence) for sentence in sentences]


@pytest.mark.parametrize(
    ("kind", "name", "limits", "said"),
    [
        ("Events::Archive", "RetentionDays", (30, 7), "keeps its events for only 7 days (before: 30 days)"),
        ("Events::Archive", "RetentionDays", (0, 7), "keeps its events for only 7 days (before: without a limit)"),
        (
            "SQS::Queue",
            "MessageRetentionPeriod",
            (600, 60),
            "keeps its messages for only 60 seconds (before: 600 seconds)",
        ),
        (
            "SQS::Queue",
            "MessageRetentionPeriod",
            (1_209_600, 86_400),
            "keeps its messages for only 1 day (before: 14 days)",
        ),
        (
            "SQS::Queue",
            "MessageRetentionPeriod",
            (90_000, 3600),
            "keeps its messages for only 1 hour (before: 25 hours)",
        ),
        (
            "CloudTrail::EventDataStore",
            "RetentionPeriod",
            (90, 30),
            "keeps its events for only 30 days (before: 90 days)",
        ),
    ],
)
def test_other_types_have_a_retention_too(kind: str, name: str, limits: tuple[int, int], said: str) -> None:
    old, new = ({name: limit} for limit in limits)
    assert found(kind, old, new) == [("expired", f"{said}: older ones are deleted.")]
    assert found(kind, new, old) == []


@pytest.mark.parametrize(
    ("kind", "name", "contents"),
    [
        ("RDS::DBInstance", "BackupRetentionPeriod", "automated backups"),
        ("RDS::DBCluster", "BackupRetentionPeriod", "automated backups"),
        ("ElastiCache::ReplicationGroup", "SnapshotRetentionLimit", "automatic snapshots"),
    ],
)
def test_backups_that_are_kept_for_a_shorter_time_are_lost(kind: str, name: str, contents: str) -> None:
    shorter = f"keeps its {contents} for only 3 days (before: 7 days): older ones are deleted."
    assert found(kind, {name: 7}, {name: 3}) == [("backups", shorter)]
    assert found(kind, {name: 7}, {name: 0}) == [("backups", f"no longer has {contents} (before: for 7 days).")]
    for after in ({name: 7, "Port": 1}, {name: 14}, {name: UNKNOWN}, {}):
        assert found(kind, {name: 7}, after) == []


def test_the_cluster_keeps_the_backups_of_an_instance() -> None:
    member = {"DBClusterIdentifier": "c"}
    assert (
        found("RDS::DBInstance", {**member, "BackupRetentionPeriod": 7}, {**member, "BackupRetentionPeriod": 1}) == []
    )


def bucket(*rules: Any, versioning: Any = None) -> dict[str, Any]:
    stated = {"LifecycleConfiguration": {"Rules": list(rules)}} if rules else {}
    return {**stated, **({"VersioningConfiguration": versioning} if versioning else {})}


def expiring(days: Any, **settings: Any) -> dict[str, Any]:
    return {"Status": "Enabled", "ExpirationInDays": days, **settings}


def old_versions(days: int) -> dict[str, Any]:
    return {"Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": days}}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (bucket(), bucket(expiring(30)), "objects for only 30 days (before: without a limit)"),
        (bucket(expiring(90)), bucket(expiring("30")), "objects for only 30 days (before: 90 days)"),
        (bucket(expiring(9, Prefix="tmp/")), bucket(expiring(9)), "objects for only 9 days (before: without a limit)"),
        (
            bucket(expiring(90)),
            bucket(expiring(90), expiring(5, Prefix="tmp/")),
            "objects under tmp/ for only 5 days (before: 90 days)",
        ),
        (
            bucket(),
            bucket(expiring(5, TagFilters=[{"Key": "a", "Value": "b"}])),
            "objects that match a filter for only 5 days (before: without a limit)",
        ),
        (
            bucket(versioning={"Status": "Enabled"}),
            bucket(old_versions(7), versioning={"Status": "Enabled"}),
            "noncurrent versions for only 7 days (before: without a limit)",
        ),
    ],
)
def test_a_lifecycle_rule_that_deletes_more_is_reported(before: Any, after: Any, said: str) -> None:
    assert found("S3::Bucket", before, after) == [("expired", f"keeps its {said}: older ones are deleted.")]
    assert found("S3::Bucket", after, before) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (bucket(expiring(30)), bucket(expiring(30, Prefix="tmp/"))),
        (bucket(expiring(30)), bucket(expiring(30, Id="again"), expiring(30, TagFilters=[{"Key": "a", "Value": "b"}]))),
        (bucket(), bucket(expiring(30, Status="Disabled"))),
        (bucket(), bucket({"Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}})),
        (bucket(), bucket(expiring(UNKNOWN))),
        (bucket({"Fn::If": ["A", expiring(1), expiring(2)]}), bucket(expiring(30))),
        ({"LifecycleConfiguration": {"Fn::If": ["A", {}, {}]}}, bucket(expiring(30))),
        (bucket(versioning={"Status": "Enabled"}), bucket(expiring(30), versioning={"Status": "Enabled"})),
        (bucket(versioning=UNKNOWN), bucket(expiring(30), versioning=UNKNOWN)),
    ],
)
def test_a_lifecycle_rule_that_deletes_nothing_new_is_not_reported(before: Any, after: Any) -> None:
    assert found("S3::Bucket", before, after) == []


def test_objects_of_a_versioned_bucket_are_lost_if_its_old_versions_expire() -> None:
    on = {"Status": "Enabled"}
    base, head = (bucket(old_versions(7), *rules, versioning=on) for rules in ([], [expiring(30)]))
    assert [rule for rule, _ in found("S3::Bucket", base, head)] == ["expired"]


def test_a_bucket_without_versioning_keeps_no_old_versions() -> None:
    on, off = (bucket(versioning={"Status": status}) for status in ("Enabled", "Suspended"))
    said = "no longer keeps the versions that are overwritten or deleted from now on."
    assert found("S3::Bucket", on, off) == [("backups", said)]
    assert found("S3::Bucket", off, on) == []
    assert found("S3::Bucket", on, bucket(versioning=UNKNOWN)) == []


def repository(*rules: Any) -> dict[str, Any]:
    return {"LifecyclePolicy": {"LifecyclePolicyText": json.dumps({"rules": rules})}} if rules else {}


def counted(number: int, status: str = "any", *tags: str, action: str = "expire") -> dict[str, Any]:
    selection = {"tagStatus": status, "countType": "imageCountMoreThan", "countNumber": number}
    return {"selection": {**selection, **({"tagPrefixList": tags} if tags else {})}, "action": {"type": action}}


def dated(number: int, status: str = "any") -> dict[str, Any]:
    selection = {"tagStatus": status, "countType": "sinceImagePushed", "countUnit": "days", "countNumber": number}
    return {"selection": selection, "action": {"type": "expire"}}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (repository(), repository(counted(10)), "only 10 of its images (before: all)"),
        (repository(counted(30)), repository(counted(10)), "only 10 of its images (before: 30)"),
        (repository(dated(9)), repository(dated(9), counted(5)), "only 5 of its images (before: all)"),
        (
            repository(counted(30)),
            repository(counted(30), counted(5, "tagged", "test")),
            "only 5 of its images tagged test (before: 30)",
        ),
        (
            repository(dated(9, "untagged")),
            repository(dated(9)),
            "its images for only 9 days (before: without a limit)",
        ),
    ],
)
def test_a_lifecycle_policy_that_expires_more_images_is_reported(before: Any, after: Any, said: str) -> None:
    assert found("ECR::Repository", before, after) == [("expired", f"keeps {said}: older ones are deleted.")]
    assert found("ECR::Repository", after, before) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (repository(dated(9)), repository(dated(9), dated(9, "untagged"))),
        (repository(), repository(counted(10, action="transition"))),
        (repository(), {"LifecyclePolicy": {"LifecyclePolicyText": UNKNOWN}}),
        ({"LifecyclePolicy": UNKNOWN}, repository(counted(10))),
        ({"LifecyclePolicy": {"LifecyclePolicyText": "{"}}, repository(counted(10))),
    ],
)
def test_a_lifecycle_policy_that_expires_nothing_new_is_not_reported(before: Any, after: Any) -> None:
    assert found("ECR::Repository", before, after) == []


@pytest.mark.parametrize("kind", ["DynamoDB::Table", "DynamoDB::GlobalTable"])
def test_items_may_expire_in_a_table_that_gets_a_time_to_live(kind: str) -> None:
    on, off = ({"TimeToLiveSpecification": {"AttributeName": "until", "Enabled": each}} for each in (True, False))
    said = "now has a time to live: items whose attribute until is in the past may be deleted."
    assert found(kind, {}, on) == [("expired", said)]
    assert found(kind, off, on) == [("expired", said)]
    assert found(kind, on, off) == []
    assert found(kind, {"TimeToLiveSpecification": UNKNOWN}, on) == []


def test_a_table_that_cannot_be_restored_to_a_point_in_time_is_reported() -> None:
    on, off = ({"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": each}} for each in (True, False))
    assert found("DynamoDB::Table", on, off) == [("backups", "can no longer be restored to a point in time.")]
    assert found("DynamoDB::Table", off, on) == []
    assert found("DynamoDB::Table", {}, off) == []
    assert found("DynamoDB::Table", on, {"PointInTimeRecoverySpecification": UNKNOWN}) == []
    head = {"Replicas": [{"Region": "eu-west-1", **on}, {"Region": "us-east-1", **off}]}
    base = {"Replicas": [{"Region": "eu-west-1", **on}, {"Region": "us-east-1", **on}]}
    said = "can no longer be restored to a point in time in us-east-1."
    assert found("DynamoDB::GlobalTable", base, head) == [("backups", said)]


def test_the_items_of_a_removed_replica_are_deleted() -> None:
    both, one = ({"Replicas": [{"Region": each} for each in regions]} for regions in (("a", "b"), ("a",)))
    said = "loses its replica in b: the items there are deleted, and clients there fail."
    assert found("DynamoDB::GlobalTable", both, one) == [("replica", said)]
    assert found("DynamoDB::GlobalTable", one, both) == []
    assert found("DynamoDB::GlobalTable", both, {"Replicas": UNKNOWN}) == []


def test_a_file_system_that_is_no_longer_backed_up_is_reported() -> None:
    on, off = ({"BackupPolicy": {"Status": status}} for status in ("ENABLED", "DISABLED"))
    assert found("EFS::FileSystem", on, off) == [("backups", "is no longer backed up automatically.")]
    assert found("EFS::FileSystem", off, on) == []
    assert found("EFS::FileSystem", on, {"BackupPolicy": UNKNOWN}) == []


def test_a_backup_plan_with_fewer_rules_is_reported() -> None:
    def plan(*names: Any) -> dict[str, Any]:
        return {"BackupPlan": {"BackupPlanRule": [{"RuleName": name} for name in names]}}

    said = "no longer makes the backups of its rule daily."
    assert found("Backup::BackupPlan", plan("daily", "weekly"), plan("weekly")) == [("backups", said)]
    assert found("Backup::BackupPlan", plan("weekly"), plan("daily", "weekly")) == []
    assert found("Backup::BackupPlan", plan("daily"), plan(UNKNOWN)) == []


def test_resources_that_no_backup_selection_selects_are_reported() -> None:
    topic, one = ({"Type": f"AWS::{kind}"} for kind in ("SNS::Topic", "Backup::BackupSelection"))
    (finding,) = lost(compared({"Shop": {"Topic": topic, "One": one}}, {"Shop": {"Topic": topic}}))
    assert finding.rule == "lost/backups"
    assert finding.sentence == "The backup selection Shop/One is removed: its resources are no longer backed up."
    moved = {"Topic": topic, "Two": {**one, "Properties": {"BackupPlanId": "p"}}}
    assert list(lost(compared({"Shop": {"Topic": topic, "One": one}}, {"Shop": moved}))) == []

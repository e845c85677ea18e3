"""The data that an update loses or leaves behind."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from moorage.assembly.cloud_assembly import Stack
from moorage.local.server.core import schema
from moorage.review.comparison import Comparison, Replacement, compare
from moorage.review.data import DATA, PROTECTED
from moorage.review.finding import Finding, Kind
from moorage.review.lost import lost
from tests.review.templates import compared

REPOSITORY = {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": "web"}}
TABLE = {"Type": "AWS::DynamoDB::Table"}
OTHER = {"Type": "AWS::SNS::Topic"}


def found(base: dict[str, Any], head: dict[str, Any]) -> list[Finding]:
    return list(lost(compared({"Shop": base}, {"Shop": head})))


def replaced(base: Any, head: Any, replacement: Replacement = Replacement.YES) -> list[Finding]:
    comparison = compared({"Shop": {"Data": base}}, {"Shop": {"Data": head}})
    (stack,) = comparison.stacks
    (change,) = stack.changes
    reasons = ("its Name is create-only",)
    stack.changes = (attrs.evolve(change, replacement=replacement, reasons=reasons),)
    return list(lost(Comparison((stack,))))


def test_the_data_of_a_removed_resource_is_deleted() -> None:
    (finding,) = found({"Data": TABLE, "Topic": OTHER}, {})
    assert (finding.kind, finding.rule) == (Kind.LOST, "lost/removed")
    assert finding.sentence == "The DynamoDB table Shop/Data is removed: its items are deleted."


def test_nothing_is_lost_with_a_resource_without_data() -> None:
    assert found({"Topic": OTHER}, {}) == []


def test_an_update_in_place_loses_nothing() -> None:
    assert found({"Data": TABLE}, {"Data": {**TABLE, "Properties": {"TableClass": "STANDARD"}}}) == []


@pytest.mark.parametrize("policy", ["Retain", "RetainExceptOnCreate"])
def test_a_retained_resource_is_kept_and_in_the_way(policy: str) -> None:
    (finding,) = found({"Data": {**REPOSITORY, "DeletionPolicy": policy}}, {})
    assert finding.rule == "lost/kept"
    assert "kept with its images: it is billed, and no stack manages it" in finding.sentence
    assert "no other resource can be created with the name web" in finding.details[-1]


def test_the_policy_of_the_base_decides_about_a_removed_resource() -> None:
    """CloudFormation deletes by the template that is deployed."""
    (finding,) = found({"Data": {**TABLE, "DeletionPolicy": "Retain"}}, {})
    assert finding.details[0] == "DeletionPolicy of the base: Retain."


@pytest.mark.parametrize(
    ("properties", "rule"),
    [
        ({}, "lost/kept"),
        ({"EmptyOnDelete": True}, "lost/removed"),
        ({"Tags": [{"Key": "aws-cdk:auto-delete-images", "Value": "true"}]}, "lost/removed"),
        ({"Tags": {"Fn::If": ["A", [], []]}}, "lost/kept"),
    ],
)
def test_a_repository_is_deleted_only_if_it_is_empty_or_emptied(properties: dict[str, Any], rule: str) -> None:
    (finding,) = found({"Data": {**REPOSITORY, "Properties": properties}}, {})
    assert finding.rule == rule


def test_a_database_is_deleted_after_a_snapshot_by_default() -> None:
    (cluster,) = found({"Data": {"Type": "AWS::RDS::DBCluster"}}, {})
    assert cluster.rule == "lost/snapshot"
    (instance,) = found({"Data": {"Type": "AWS::RDS::DBInstance"}}, {})
    assert instance.rule == "lost/snapshot"


def member(identifier: str = "a", **definition: Any) -> dict[str, Any]:
    properties = {"DBClusterIdentifier": "c", "DBInstanceIdentifier": identifier, "DeletionProtection": True}
    return {"Type": "AWS::RDS::DBInstance", "Properties": properties, **definition}


def test_nothing_is_lost_with_an_instance_whose_data_is_in_a_cluster() -> None:
    assert found({"Data": member()}, {}) == []
    assert replaced(member(), member("b")) == []


def test_a_kept_instance_of_a_cluster_is_billed() -> None:
    (finding,) = found({"Data": member(DeletionPolicy="Retain")}, {})
    assert (finding.rule, finding.sentence) == (
        "lost/kept",
        "The RDS DB instance Shop/Data is removed: it is kept, billed, and in no stack; its data is in the cluster.",
    )
    (finding,) = replaced(member(), member("b", UpdateReplacePolicy="Retain"))
    assert "is replaced because its Name is create-only: the old one is kept, billed" in finding.sentence
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    assert replaced(member(**kept), member("b", **kept), Replacement.NO) == []


def test_protection_keeps_the_old_one_of_a_replaced_resource() -> None:
    cluster = {"Type": "AWS::RDS::DBCluster", "Properties": {"DeletionProtection": True}}
    head = {**cluster, "UpdateReplacePolicy": "Snapshot", "Properties": {"DBClusterIdentifier": "b"}}
    (finding,) = replaced(cluster, head)
    assert finding.rule == "lost/kept"
    assert finding.sentence.endswith(
        ": the new one is empty; the old one is kept with its database, because its DeletionProtection is on: "
        "CloudFormation cannot delete it; it is billed, and no stack manages it."
    )
    unprotected = {**cluster, "Properties": {}}
    (finding,) = replaced(unprotected, head)
    assert finding.rule == "lost/snapshot"


def test_a_replaced_resource_is_empty() -> None:
    (finding,) = replaced(TABLE, {**TABLE, "Properties": {"TableName": "items"}})
    assert finding.rule == "lost/replaced"
    assert finding.sentence == (
        "The DynamoDB table Shop/Data is replaced because its Name is create-only: the new one is empty, and the old "
        "one is deleted with its items."
    )


def test_the_replace_policy_decides_about_a_replaced_resource() -> None:
    (finding,) = replaced(TABLE, {**TABLE, "UpdateReplacePolicy": "Retain", "Properties": {"TableName": "items"}})
    assert finding.rule == "lost/kept"
    (finding,) = replaced(TABLE, {**TABLE, "DeletionPolicy": "Retain", "Properties": {"TableName": "items"}})
    assert finding.rule == "lost/replaced"


def test_a_possible_replacement_is_said_as_possible() -> None:
    (finding,) = replaced(TABLE, {**TABLE, "Properties": {"TableName": "items"}}, Replacement.MAY)
    assert "may be replaced" in finding.sentence


def test_a_stack_that_leaves_the_app_stays_deployed() -> None:
    comparison = compared({"Shop": {"Data": TABLE}, "Web": {"Topic": OTHER}}, {"Web": {"Topic": OTHER}})
    (finding,) = lost(comparison)
    assert finding.rule == "lost/stack"
    assert "`cdk deploy` does not delete it, so its 1 resource stays and is billed" in finding.sentence
    assert finding.details[-1] == "It has data: DynamoDB table Shop/Data."


@pytest.mark.parametrize(
    ("protected", "end"), [(True, ", after its termination protection is turned off."), (False, ".")]
)
def test_a_protected_stack_has_to_be_unprotected_first(protected: bool, end: str) -> None:  # noqa: FBT001  # a parameter of pytest
    stack = Stack("Shop", "Shop", None, None, {"Resources": {}}, (), termination_protection=protected)
    (finding,) = lost(compare([stack], []))
    assert finding.details == (f"`cdk destroy` with the base deletes it{end}",)


def test_the_data_of_a_removed_nested_stack_is_deleted() -> None:
    nested = Stack("Shop/Inner", "Shop/Inner", None, None, {"Resources": {"Data": TABLE}}, (), root="Shop")
    resource = {"Inner": {"Type": "AWS::CloudFormation::Stack"}}
    base = Stack("Shop", "Shop", None, None, {"Resources": resource}, (), nested={"Inner": nested})
    head = Stack("Shop", "Shop", None, None, {"Resources": {}}, ())
    assert [finding.rule for finding in lost(compare([base], [head]))] == ["lost/removed"]
    assert [finding.rule for finding in lost(compare([base], []))] == ["lost/stack"]


def test_the_worst_is_first() -> None:
    kept = {**TABLE, "DeletionPolicy": "Retain"}
    assert [finding.rule for finding in found({"A": kept, "B": TABLE}, {})] == ["lost/removed", "lost/kept"]


def test_a_stack_of_another_account_with_the_same_name_is_another_stack() -> None:
    def stack(account: str) -> Stack:
        return Stack("Shop", "Shop", account, "eu-west-1", {"Resources": {"Data": TABLE}}, ())

    (finding,) = lost(compare([stack("111111111111")], [stack("222222222222")]))
    assert "so its 1 resource stays and is billed" in finding.sentence


def test_protection_keeps_the_data_of_a_removed_resource() -> None:
    (finding,) = found({"Data": {**TABLE, "Properties": {"DeletionProtectionEnabled": True}}}, {})
    assert finding.rule == "lost/kept"
    assert finding.sentence == (
        "The DynamoDB table Shop/Data is removed from the stack and kept with its items, because its "
        "DeletionProtectionEnabled is on: CloudFormation cannot delete it; it is billed, and no stack manages it."
    )


@pytest.mark.parametrize("type_", PROTECTED)
def test_a_protected_resource_stays(type_: str) -> None:
    def said(before: dict[str, Any], after: dict[str, Any] | None = None) -> list[Finding]:
        return list(lost(compared({"Shop": {"A": before}}, {"Shop": {"A": after} if after else {}})))

    name, value = PROTECTED[type_]
    protected = {"Type": type_, "Properties": {name: value}}
    (finding,) = said(protected)
    assert finding.rule == ("lost/kept" if type_ in DATA else "lost/protected")
    (kept,) = said({**protected, "DeletionPolicy": "Retain"}) or (None,)
    assert kept is None or (kept.rule == "lost/kept" and type_ in DATA)
    off = {True: False, "ACTIVE": "INACTIVE"}[value]
    assert said(protected, {"Type": type_, "Properties": {name: off}}) == []
    properties = schema.of(type_, "us-east-1")
    assert properties is not None
    assert name in properties["properties"]


def test_a_protected_load_balancer_stays() -> None:
    def said(value: str) -> list[Finding]:
        attributes = [{"Key": "deletion_protection.enabled", "Value": value}]
        properties = {"LoadBalancerAttributes": attributes}
        balancer = {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": properties}
        return list(lost(compared({"Shop": {"B": balancer}}, {"Shop": {}})))

    (finding,) = said("true")
    assert finding.rule == "lost/protected"
    assert "which stays outside of the stack and is billed" in finding.sentence
    assert said("false") == []

"""The comparison of two assemblies: which stacks are the same, and which resources differ."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.assembly.cloud_assembly import AssemblyError, Stack
from moorage.review.comparison import Comparison, compare

TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "orders"}}


def stack(
    path: str, name: str, account: str | None = None, region: str | None = None, **resources: dict[str, Any]
) -> Stack:
    return Stack(name, path, account, region, {"Resources": resources or {"Topic": TOPIC}}, ())


def pairs(base: list[Stack], head: list[Stack]) -> list[tuple[str | None, str | None]]:
    return [
        (f"{each.before.path} {each.before.region}" if each.before else None, each.after.path if each.after else None)
        for each in compare(base, head).stacks
    ]


def test_stacks_are_matched_by_stage_and_name_though_the_id_of_the_stack_differs() -> None:
    assert pairs([stack("dev/Old", "shop")], [stack("dev/New", "shop")]) == [("dev/Old None", "dev/New")]


@pytest.mark.parametrize(
    "other",
    [
        stack("production/Shop", "shop", "111111111111", "eu-west-1"),
        stack("dev/Shop", "store", "111111111111", "eu-west-1"),
        stack("dev/Shop", "shop", "222222222222", "eu-west-1"),
        stack("dev/Shop", "shop", "111111111111", "eu-west-2"),
    ],
    ids=["stage", "name", "account", "region"],
)
def test_a_stack_in_another_stage_account_or_region_or_with_another_name_is_added(other: Stack) -> None:
    base = stack("dev/Shop", "shop", "111111111111", "eu-west-1")
    assert pairs([base], [other]) == [(None, other.path), ("dev/Shop eu-west-1", None)]


def test_a_stack_that_gets_an_account_and_region_is_the_stack_of_the_credentials() -> None:
    agnostic, explicit = stack("Shop", "shop"), stack("Shop", "shop", "111111111111", "eu-west-1")
    assert pairs([agnostic], [explicit]) == [("Shop None", "Shop")]
    assert pairs([explicit], [agnostic]) == [("Shop eu-west-1", "Shop")]


def test_an_unknown_region_is_not_matched_if_there_is_a_choice() -> None:
    regions = [stack("Eu", "shop", "111111111111", "eu-west-1"), stack("Us", "shop", "111111111111", "us-east-1")]
    assert pairs([stack("Shop", "shop")], regions) == [(None, "Eu"), (None, "Us"), ("Shop None", None)]
    assert pairs(regions, [stack("Shop", "shop")]) == [(None, "Shop"), ("Eu eu-west-1", None), ("Us us-east-1", None)]


def test_an_exact_match_goes_before_an_unknown_region() -> None:
    base = [stack("Shop", "shop"), stack("Eu", "shop", "111111111111", "eu-west-1")]
    assert pairs(base, [stack("Eu", "shop", "111111111111", "eu-west-1")]) == [
        ("Eu eu-west-1", "Eu"),
        ("Shop None", None),
    ]


def test_removed_stacks_are_last_in_the_order_of_the_base() -> None:
    base = [stack(name, name) for name in ("A", "B", "C", "D", "E")]
    assert [after or before for before, after in pairs(base, [stack("F", "F")])] == [
        "F",
        *(f"{name} None" for name in ("A", "B", "C", "D", "E")),
    ]


def test_two_stacks_with_one_name_in_one_place_are_refused() -> None:
    twice = [stack("Shop", "shop"), stack("Store", "shop")]
    said = (
        r"^the stacks Shop and Store have the same name shop \(the account of the credentials, the region of the "
        r"credentials\); give each stack a different stack_name$"
    )
    with pytest.raises(AssemblyError, match=said):
        compare(None, twice)
    with pytest.raises(AssemblyError, match="account 111111111111, region eu-west-1"):
        compare([stack(path, "shop", "111111111111", "eu-west-1") for path in ("Shop", "Store")], [])


def test_cdk_metadata_is_never_a_change() -> None:
    def metadata(text: str) -> Stack:
        return stack("Shop", "shop", CDKMetadata={"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": text}})

    assert changed(compare([metadata("v2:a")], [metadata("v2:b")])) == []
    assert changed(compare(None, [metadata("v2:a")])) == []


def test_resources_of_nested_stacks_are_compared() -> None:
    def nesting(topic: str) -> Stack:
        parent = stack("Shop", "shop", Inner={"Type": "AWS::CloudFormation::Stack", "Properties": {}})
        inner = stack("Shop/Inner", "Shop/Inner.NestedStack", Topic={"Type": topic})
        return Stack(parent.name, parent.path, None, None, parent.template, (), nested={"Inner": inner})

    assert changed(compare([nesting("AWS::SNS::Topic")], [nesting("AWS::SQS::Queue")])) == [("Shop/Inner", "Topic")]


@pytest.mark.parametrize(
    "resource",
    [["Name", ["a", "b"], {"Topic${Name}": TOPIC}], "text", None, {"Properties": {}}, {"Type": {"Ref": "Type"}}],
    ids=["Fn::ForEach", "text", "nothing", "without type", "type that is a function"],
)
def test_what_is_not_a_resource_is_left_out(resource: Any) -> None:
    both = [stack("Shop", "shop", **{"Fn::ForEach::Topics": resource, "Topic": TOPIC})]
    assert changed(compare(None, both)) == [("Shop", "Topic")]


@pytest.mark.parametrize("properties", [[], "text", None, {"Fn::Transform": {"Name": "Include"}}])
def test_properties_of_any_kind_are_compared(properties: Any) -> None:
    strange = [stack("Shop", "shop", Topic={"Type": "AWS::SNS::Topic", "Properties": properties})]
    assert changed(compare(strange, strange)) == []
    assert changed(compare([stack("Shop", "shop")], strange)) == [("Shop", "Topic")]


def changed(comparison: Comparison) -> list[tuple[str, str]]:
    return [(change.stack.path, change.logical_id) for change in comparison.changes]

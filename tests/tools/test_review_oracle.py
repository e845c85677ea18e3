"""The comparison with the CDK CLI: the changes that it makes, and the table of the differences."""

from __future__ import annotations

import tomllib
from typing import Any

from moorage.assembly.cloud_assembly import Stack
from tools.review_oracle.__main__ import TABLE, Row, answers_of_moorage, differences, rows
from tools.review_oracle.changes import Change, each_value, single_properties

GROUP = "AWS::Logs::LogGroup"


def change(before: dict[str, Any], after: dict[str, Any]) -> Change:
    sides = ({"Resources": {"A": {"Type": GROUP, "Properties": each}}} for each in (before, after))
    return Change("a change", *sides)


def test_every_property_of_a_type_is_changed() -> None:
    names = {each.name.partition(" ")[2] for each in single_properties(["AWS::ECS::CapacityProvider", "Custom::A"])}
    assert {"Name", "Tags", "ClusterName", "AutoScalingGroupProvider.AutoScalingGroupArn"} <= names
    assert "AutoScalingGroupProvider" not in names, "its create-only part is changed instead"


def test_every_literal_of_a_template_is_changed_once_a_property() -> None:
    properties = {"LogGroupName": "a", "RetentionInDays": 1, "KmsKeyId": {"Ref": "Key"}, "Tags": [{"Key": "a"}] * 2}
    template = {"Resources": {"A": {"Type": GROUP, "Properties": properties}}}
    found = list(each_value([Stack("S", "S", None, None, template, ())]))
    assert [each.name for each in found] == ["S/A LogGroupName", "S/A RetentionInDays", "S/A Tags.Key"]
    assert [each.after["Resources"]["A"]["Properties"]["LogGroupName"] for each in found] == ["ax", "a", "a"]
    assert all(each.before == template for each in found)


def test_answers_that_are_the_same_are_no_difference() -> None:
    renamed = change({"LogGroupName": "a"}, {"LogGroupName": "b"})
    assert answers_of_moorage(renamed) == {"A": ("yes", ["LogGroupName"])}
    assert list(differences(renamed, {"A": ("yes", ["LogGroupName"])})) == []
    assert list(differences(change({"RetentionInDays": 1}, {"RetentionInDays": 3}), {})) == []


def test_a_difference_names_the_property_and_both_answers() -> None:
    renamed = change({"LogGroupName": "a"}, {"LogGroupName": "b"})
    assert list(differences(renamed, {})) == [Row(GROUP, "LogGroupName", "yes", "no")]
    kept = change({"RetentionInDays": 1}, {"RetentionInDays": 3})
    other = {"A": ("yes", ["RetentionInDays"])}
    assert list(differences(kept, other)) == [Row(GROUP, "RetentionInDays", "no", "yes")]


def test_each_row_of_the_table_is_complete_and_one_of_its_kind() -> None:
    table = tomllib.loads(TABLE.read_text("utf-8"))["difference"]
    assert len(set(rows())) == len(table) > 0
    for row in table:
        assert row["moorage"] != row["cdk"], row
        assert {row["moorage"], row["cdk"]} <= {"no", "may", "yes"}, row
        assert row["documented"], row
        assert row["why"].endswith("."), row
        assert row["url"].startswith(("https://docs.aws.amazon.com/", "https://github.com/aws/")), row


def test_the_table_has_the_answers_of_moorage() -> None:
    """The rows about single properties; the others need the templates of programs."""
    table = {(row.type, row.property): row.moorage for row in rows()}
    checked = 0
    for each in single_properties({row.type for row in rows()}):
        answer, properties = answers_of_moorage(each).get("A", ("no", []))
        key = each.after["Resources"]["A"]["Type"], ", ".join(properties) or each.name.partition(" ")[2]
        if key in table:
            checked += 1
            assert answer == table[key] or answer == "yes", each.name
    assert checked > 0

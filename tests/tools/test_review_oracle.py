"""The comparison with the CDK CLI: the changes that it makes, and the table of the differences."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping
from typing import Any

import pytest

from moorage.assembly.cloud_assembly import Stack
from moorage.review.comparison import Replacement, compare
from moorage.review.replacement.replacement import replaced
from tools.fuzz.deployment import World
from tools.fuzz.shops import draw_shop
from tools.fuzz.updates import KINDS, synthesized
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


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["scheme", "certificate", "ports", "names", "capacity"])
def test_the_replacements_of_random_updates_are_those_of_their_deployment(kind: str) -> None:
    """The fuzzer has its own way through the references between stacks, since it deploys them one by one."""
    before, after = random_update(kind)
    world = World()
    for stack, template in before.items():
        world.update(stack, template)
    earlier = set(world.resources)
    for stack, template in after.items():
        world.update(stack, template)
    expected = {(each.stack, each.logical_id) for each in world.resources if each.generation and each not in earlier}
    assert expected or kind != "scheme", "another scheme replaces the load balancer"
    sides = ([Stack(name, name, None, None, of, ()) for name, of in side.items()] for side in (before, after))
    found = {(each.stack.path, each.logical_id): each.replacement for each in replaced(compare(*sides)).changes}
    assert {place for place, answer in found.items() if answer is Replacement.YES} == expected
    assert Replacement.MAY not in found.values()


def random_update(kind: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the templates of a shop in several stacks, before and after a change of a kind."""
    drawn = random.Random(11)  # noqa: S311  # nothing secret
    while True:
        shop = draw_shop(drawn)
        changed = KINDS[kind](shop, drawn)
        if changed is None or shop.stacks == "one":
            continue
        try:
            return synthesized(shop), synthesized(changed)
        except ValueError:  # moorage refuses it
            continue

"""Changes of mappings and conditions that change the values of resources, or the resources that exist."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.assembly.cloud_assembly import Stack
from moorage.review.comparison import Comparison, Replacement, compare
from moorage.review.lost import lost
from moorage.review.replacement.replacement import replaced

IMAGE = {"Fn::FindInMap": ["Images", {"Ref": "AWS::Region"}, "ami"]}


def of(type_: str, condition: str | None = None, **properties: Any) -> dict[str, Any]:
    return {"Type": type_, "Properties": properties} | ({"Condition": condition} if condition else {})


def reviewed(base: dict[str, Any], head: dict[str, Any], region: str | None = "eu-west-1") -> Comparison:
    sides = ([Stack("Shop", "Shop", "111111111111", region, template, ())] for template in (base, head))
    return replaced(compare(*sides))


def mapped(image: str, other: str = "ami-other", **mappings: Any) -> dict[str, Any]:
    tables = {"Images": {"eu-west-1": {"ami": image}, "us-east-1": {"ami": other}}, **mappings}
    template = of("AWS::EC2::LaunchTemplate", LaunchTemplateData={"ImageId": IMAGE, "KeyName": "k"})
    return {"Mappings": tables, "Resources": {"Template": template, "Host": of("AWS::EC2::Instance", ImageId=IMAGE)}}


def test_another_value_in_a_mapping_is_a_difference() -> None:
    found = {change.logical_id: change for change in reviewed(mapped("ami-a"), mapped("ami-b")).changes}
    (image,) = found["Template"].properties
    assert (image.path, image.before, image.after) == (("LaunchTemplateData", "ImageId"), "ami-a", "ami-b")
    assert found["Template"].replacement is Replacement.NO
    assert found["Host"].replacement is Replacement.YES


@pytest.mark.parametrize(
    ("region", "head", "count"),
    [
        ("eu-west-1", mapped("ami-a", "ami-new"), 0),
        ("us-east-1", mapped("ami-a", "ami-new"), 2),
        (None, mapped("ami-a", "ami-new"), 2),
        (None, mapped("ami-a", More={"a": {"b": "c"}}), 0),
        ("eu-west-1", mapped("ami-a", More={"a": {"b": "c"}}), 0),
    ],
)
def test_only_the_entries_that_can_be_used_count(region: str | None, head: dict[str, Any], count: int) -> None:
    assert len(list(reviewed(mapped("ami-a"), head, region).changes)) == count


def conditional(keep: str, **attributes: Any) -> dict[str, Any]:
    table = of("AWS::DynamoDB::Table", "Keep", **attributes)
    return {"Conditions": {"Keep": {"Fn::Equals": [keep, "yes"]}}, "Resources": {"T": table}}


def test_a_resource_whose_condition_turns_false_is_removed() -> None:
    comparison = reviewed(conditional("yes"), conditional("no"))
    (change,) = comparison.changes
    assert change.after is None
    assert [finding.rule for finding in lost(comparison)] == ["lost/removed"]
    (added,) = reviewed(conditional("no"), conditional("yes")).changes
    assert added.before is None
    assert list(reviewed(conditional("no"), conditional("no", TableName="t")).changes) == []


def test_a_condition_on_a_parameter_may_be_true() -> None:
    def shop(default: str) -> dict[str, Any]:
        template = conditional("yes")
        template["Parameters"] = {"Keep": {"Type": "String", "Default": default}}
        template["Conditions"] = {"Keep": {"Fn::Equals": [{"Ref": "Keep"}, "yes"]}}
        return template

    assert list(reviewed(shop("yes"), shop("no")).changes) == []


def test_another_branch_is_a_difference() -> None:
    def shop(is_large: str) -> dict[str, Any]:
        size = {"Fn::If": ["Large", "large", "small"]}
        conditions = {"Large": {"Fn::Equals": [is_large, "yes"]}}
        return {"Conditions": conditions, "Resources": {"P": of("AWS::SSM::Parameter", Value=size)}}

    (change,) = reviewed(shop("no"), shop("yes")).changes
    assert [(each.path, each.before, each.after) for each in change.properties] == [(("Value",), "small", "large")]

"""The lines that a failed snapshot shows: the resource, the property, and both values."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.testing.differences import difference_lines

SERVICE = {
    "Type": "AWS::ECS::Service",
    "Properties": {
        "DesiredCount": 2,
        "LoadBalancers": [{"ContainerPort": 80}, {"ContainerPort": 81}],
        "Script": "one\ntwo\nthree\nfour\n",
    },
}
TOPIC = {"Type": "AWS::SNS::Topic", "DeletionPolicy": "Retain"}
BEFORE = {"Resources": {"Web": SERVICE, "Orders": TOPIC}, "Outputs": {"Address": {"Value": "a"}}}


def lines(old: Any, new: Any) -> list[str]:
    return list(difference_lines(old, new))


def with_web(**properties: Any) -> dict[str, Any]:
    changed: dict[str, Any] = copy.deepcopy(BEFORE)
    changed["Resources"]["Web"]["Properties"].update(properties)
    return changed


WEB = "Web (AWS::ECS::Service)"


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({}, []),
        ({"DesiredCount": 3}, [WEB, "  - DesiredCount: 2", "  + DesiredCount: 3"]),
        ({"DesiredCount": True}, [WEB, "  - DesiredCount: 2", "  + DesiredCount: true"]),
        ({"DesiredCount": 2.0}, [WEB, "  - DesiredCount: 2", "  + DesiredCount: 2.0"]),
        ({"Tags": [{"Key": "ä"}]}, [WEB, '  + Tags: [{"Key": "ä"}]']),
        ({"Tags": {}}, [WEB, "  + Tags: {}"]),
        ({"LoadBalancers": [{"ContainerPort": 81}]}, [WEB, '  - LoadBalancers[0]: {"ContainerPort": 80}']),
        (
            {"LoadBalancers": [{"ContainerPort": 1}, {"ContainerPort": 80}, {"ContainerPort": 81}]},
            [WEB, '  + LoadBalancers[0]: {"ContainerPort": 1}'],
        ),
        (
            {"LoadBalancers": [{"ContainerPort": 80}, {"ContainerPort": 82}]},
            [WEB, "  - LoadBalancers[1].ContainerPort: 81", "  + LoadBalancers[1].ContainerPort: 82"],
        ),
        (
            {"Script": "one\ntwo\n3\nfour\n"},
            [WEB, "  Script", "    @@ -2,3 +2,3 @@", "     two", "    -three", "    +3", "     four"],
        ),
    ],
)
def test_a_property_is_shown_with_its_resource(properties: dict[str, Any], expected: list[str]) -> None:
    assert lines(BEFORE, with_web(**properties)) == expected


def test_a_resource_is_one_line() -> None:
    after = {**BEFORE, "Resources": {"Web": SERVICE, "Returns": TOPIC}}
    assert lines(BEFORE, after) == ["- Orders (AWS::SNS::Topic)", "+ Returns (AWS::SNS::Topic)"]


def test_another_type_is_another_resource() -> None:
    after = {**BEFORE, "Resources": {"Web": TOPIC, "Orders": {**TOPIC, "DeletionPolicy": "Delete"}}}
    assert lines(BEFORE, after) == [
        *("Orders (AWS::SNS::Topic)", '  - DeletionPolicy: "Retain"', '  + DeletionPolicy: "Delete"'),
        *(f"- {WEB}", "+ Web (AWS::SNS::Topic)"),
    ]


def test_other_sections_have_their_full_path() -> None:
    after = {
        "Resources": BEFORE["Resources"],
        "Outputs": {"Url": {"Value": "b"}},
        "Transform": "AWS::LanguageExtensions",
    }
    assert lines(BEFORE, after) == [
        '- Outputs.Address.Value: "a"',
        '+ Outputs.Url.Value: "b"',
        '+ Transform: "AWS::LanguageExtensions"',
    ]


def test_a_first_template_is_listed_by_its_resources() -> None:
    assert lines({}, BEFORE) == [
        '+ Outputs.Address.Value: "a"',
        "+ Orders (AWS::SNS::Topic)",
        "+ Web (AWS::ECS::Service)",
    ]


def test_stacks_are_named_and_listed_by_their_resources() -> None:
    old = {"production/Web": BEFORE, "Old": {"Resources": {"Orders": TOPIC}}}
    new = {"production/Web": with_web(DesiredCount=3)}
    assert lines(old, new) == [
        "- Old/Orders (AWS::SNS::Topic)",
        *(f"production/Web/{WEB}", "  - DesiredCount: 2", "  + DesiredCount: 3"),
    ]


def test_nested_stacks_are_named_and_listed_by_their_resources() -> None:
    def parent(url: Any) -> dict[str, Any]:
        return {"Resources": {"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}}}

    assert lines(parent(BEFORE), parent(with_web(DesiredCount=3))) == [
        *(f"Inner/{WEB}", "  - DesiredCount: 2", "  + DesiredCount: 3")
    ]
    assert "+ Inner/Orders (AWS::SNS::Topic)" in lines(parent("https://example.com"), parent(BEFORE))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(), each, max_size=4),
    max_leaves=12,
)


@given(VALUES, VALUES)
def test_a_difference_of_the_texts_is_shown_and_none_otherwise(old: Any, new: Any) -> None:
    templates = [{"Resources": {"Web": {"Type": "AWS::ECS::Service", "Properties": each}}} for each in (old, new)]
    one, other = (json.dumps(each, sort_keys=True) for each in templates)
    assert (lines(*templates) == []) == (one == other)

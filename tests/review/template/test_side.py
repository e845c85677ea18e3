"""The values of templates as texts: what CloudFormation makes the same of is the same text."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from moorage.assembly.cloud_assembly import Stack
from moorage.review.comparison import compare
from moorage.review.template.side import Side, readable, root
from tests.review.templates import stacks

RESOURCES = {"Images": {"Type": "AWS::S3::Bucket", "Metadata": {"aws:cdk:path": "Shop/Store/Images/Resource"}}}


def side(region: str | None = "eu-west-1", account: str | None = "111111111111") -> Side:
    outputs = {
        "Arn": {"Value": {"Fn::GetAtt": ["Images", "Arn"]}, "Export": {"Name": {"Fn::Sub": "Data-${AWS::Region}"}}}
    }
    (data, shop) = stacks({"Data": RESOURCES, "Shop": {}})
    data = attrs.evolve(data, template={"Resources": RESOURCES, "Outputs": outputs})
    head = [attrs.evolve(each, region=region, account=account) for each in (data, shop)]
    return Side.of(compare(None, head), base=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (7, "7"),
        (True, "true"),
        ({"Ref": "AWS::AccountId"}, "111111111111"),
        ({"Ref": "AWS::Partition"}, "aws"),
        ({"Ref": "AWS::StackName"}, "Data"),
        ({"Ref": "Images"}, "${0|Images}"),
        ({"Fn::GetAtt": ["Images", "Arn"]}, "${0|Images.Arn}"),
        ({"Fn::GetAtt": "Images.Arn"}, "${0|Images.Arn}"),
        ({"Fn::GetAtt": ["Images", {"Fn::Sub": "Arn"}]}, "${0|Images.Arn}"),
        ({"Fn::Join": ["", [{"Fn::GetAtt": ["Images", "Arn"]}, "/*"]]}, "${0|Images.Arn}/*"),
        ({"Fn::Sub": "${Images.Arn}/*"}, "${0|Images.Arn}/*"),
        ({"Fn::Sub": ["${A}/${!B}", {"A": {"Ref": "AWS::Region"}}]}, "eu-west-1/${B}"),
        ({"Fn::Select": ["1", ["a", "b"]]}, "b"),
        ({"Fn::Select": [0, [{"Fn::If": ["A", "a", "b"]}, "c"]]}, '${{"Fn::If": ["A", "a", "b"]}}'),
        ({"Fn::Join": ["-", ["a", {"Fn::If": ["A", "b", "c"]}]]}, 'a-${{"Fn::If": ["A", "b", "c"]}}'),
        (
            {"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "A"]},
            '${{"Fn::FindInMap": ["Sizes", "eu-west-1", "A"]}}',
        ),
        ({"Fn::GetStackOutput": {"StackName": "Other", "OutputName": "A"}}, "${the output A of Other}"),
        (None, "null"),
        ({"Fn::ImportValue": "Data-eu-west-1"}, "${0|Images.Arn}"),
        ({"Fn::ImportValue": {"Fn::Sub": "Data-${AWS::Region}"}}, "${0|Images.Arn}"),
        ({"Fn::ImportValue": "Other"}, "${the export Other}"),
        ({"Fn::GetStackOutput": {"StackName": "Data", "OutputName": "Arn"}}, "${0|Images.Arn}"),
    ],
)
def test_a_value_has_the_text_that_cloudformation_makes_of_it(value: Any, text: str) -> None:
    assert side().scopes[0].text(value) == text


def test_what_is_not_known_equals_only_itself() -> None:
    scope = side().scopes[0]
    one, other = ({"Fn::Split": [",", {"Ref": name}]} for name in ("A", "B"))
    assert scope.text(one) == scope.text(one)
    assert scope.text(one) != scope.text(other)
    assert scope.text({"Fn::If": ["A", "x", "y"]}) != "x"


def test_a_reference_from_another_stack_is_to_the_same_resource() -> None:
    found = side()
    assert found.scopes[1].text({"Fn::ImportValue": "Data-eu-west-1"}) == found.scopes[0].text(
        {"Fn::GetAtt": "Images.Arn"}
    )
    assert found.scopes[1].text({"Ref": "Images"}) != found.scopes[0].text({"Ref": "Images"})


@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    [
        (None, "aws", "amazonaws.com"),
        ("us-east-1", "aws", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
    ],
)
def test_the_partition_follows_from_the_region(region: str | None, partition: str, suffix: str) -> None:
    scope = side(region).scopes[0]
    assert scope.text({"Fn::Sub": "${AWS::Partition} ${AWS::URLSuffix}"}) == f"{partition} {suffix}"


def test_an_account_that_is_not_known_stays_a_token() -> None:
    assert side(account=None).scopes[0].text({"Ref": "AWS::AccountId"}) == "${AWS::AccountId}"


def test_a_text_is_readable_with_the_paths_of_constructs() -> None:
    assert readable("${0|Images.Arn}/*", [side()]) == "Shop/Store/Images/*"
    assert readable("${7|Other.Arn} ${8|More}", [side()]) == "Other.Arn More"
    assert root("${0|Images.Arn}/*") == "${0|Images}"
    assert root("arn:aws:s3:::a") == "arn:aws:s3:::a"


def test_items_have_the_condition_of_their_branch() -> None:
    scope = side().scopes[0]
    value = [{"Fn::If": ["A", ["x", {"Ref": "AWS::NoValue"}], "y"]}, None, "z"]
    found = [(sorted((each.name, *each.values) for each in given), item) for given, item in scope.items(value)]
    assert found == [([("A", "true")], "x"), ([("A", "false")], "y"), ([], "z")]


def test_a_parameter_is_known_by_its_stack() -> None:
    template = {"Parameters": {"Size": {"Type": "Number"}}, "Resources": RESOURCES}
    stack = Stack("Shop", "Shop", None, None, template, ())
    found = Side.of_stacks([stack])
    assert found.scope(stack).text({"Fn::Sub": "${Size}/${Images}"}) == "${0|Size}/${0|Images}"
    assert found.found("${0|Size}") is None


def test_a_resource_is_the_only_one_that_a_value_refers_to() -> None:
    found = side()
    imported, other = {"Fn::ImportValue": "Data-eu-west-1"}, {"Fn::GetAtt": ["Other", "Arn"]}
    scope, resource = found.scopes[1].resource(imported) or pytest.fail("the import is not followed")
    assert (scope.stack.name, resource.logical_id) == ("Data", "Images")
    assert found.scopes[1].resource([imported, other]) is None
    assert found.scopes[1].resource("text") is None


def test_the_exports_and_imports_of_a_stack_have_their_names_filled_in() -> None:
    template = {"Resources": {"T": {"Type": "A", "Properties": {"V": {"Fn::ImportValue": {"Fn::Sub": "${A}-x"}}}}}}
    known = {"Resources": {"T": {"Type": "A", "Properties": {"V": [{"Fn::ImportValue": {"Fn::Sub": "x-${!A}"}}]}}}}
    unknown, plain = (Stack(str(each), "", None, None, each, ()) for each in (template, known))
    found = Side.of_stacks([unknown, plain])
    assert found.scope(unknown).imports() == frozenset()
    assert found.scope(plain).imports() == {"x-${A}"}
    assert side().scopes[0].exports().keys() == {"Data-eu-west-1"}

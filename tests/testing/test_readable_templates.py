"""The templates that snapshots of users have: without hashes and without what CDK adds for itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_ssm as ssm
from aws_cdk.assertions import Template
from constructs import IValidation, RootConstruct

from moorage.assembly.cloud_assembly import AssemblyError
from moorage.testing import assert_no_new_findings, readable_template

TOPIC = "AWS::SNS::Topic"


def topics(template: dict[str, Any]) -> list[str]:
    return [name for name, each in template["Resources"].items() if each["Type"] == TOPIC]


def function(stack: cdk.Stack, folder: Path, code: str) -> lambda_.Function:
    folder.mkdir(exist_ok=True)
    (folder / "index.py").write_text(code)
    return lambda_.Function(
        stack,
        "Orders",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_asset(str(folder)),
    )


def test_a_template_has_the_definitions_of_its_stack(stack: cdk.Stack) -> None:
    topic = sns.Topic(stack, "Orders")
    cdk.CfnOutput(stack, "Arn", value=topic.topic_arn)
    cdk.CfnParameter(stack, "Size", default="1")
    (logical_id,) = topics(readable_template(stack))
    assert readable_template(stack) == {
        "Resources": {logical_id: {"Type": TOPIC}},
        "Outputs": {"Arn": {"Value": {"Ref": logical_id}}},
        "Parameters": {"Size": {"Type": "String", "Default": "1"}},
    }


def test_another_code_of_a_function_and_its_version_changes_nothing(tmp_path: Path) -> None:
    made = []
    for code in ("one", "two"):
        stack = cdk.Stack(cdk.App(analytics_reporting=False), "Shop")
        version = function(stack, tmp_path / "code", code).current_version
        cdk.CfnOutput(stack, "Version", value=version.function_arn)
        made.append((Template.from_stack(stack).to_json(), readable_template(stack)))
    assert made[0][0] != made[1][0]
    assert made[0][1] == made[1][1]
    (bucket_key,) = (
        each["Properties"]["Code"]["S3Key"]
        for each in made[0][1]["Resources"].values()
        if each["Type"] == "AWS::Lambda::Function"
    )
    assert bucket_key == "<asset>.zip"
    (logical_id,) = (name for name in made[0][1]["Resources"] if "CurrentVersion" in name)
    assert logical_id.endswith("<hash>")
    assert made[0][1]["Outputs"]["Version"]["Value"] == {"Ref": logical_id}


@pytest.mark.parametrize("text", [f"sha256:{'0a' * 32}", "0a" * 33, "0A" * 32], ids=["digest", "longer", "upper case"])
def test_what_is_no_hash_of_an_asset_is_kept(stack: cdk.Stack, text: str) -> None:
    cdk.CfnOutput(stack, "Text", value=text)
    assert readable_template(stack)["Outputs"]["Text"]["Value"] == text


def test_a_hash_of_the_user_is_kept(stack: cdk.Stack) -> None:
    for one in "ab":
        ssm.StringParameter(stack, one.upper(), string_value=one * 64)
    cdk.CfnResource(stack, "Map", type="Shop::Map", properties={"M": {"a" * 64: 1, "b" * 64: 2}})
    for each in (readable_template(stack), readable_template(Template.from_stack(stack))):
        text = json.dumps(each)
        assert "<asset>" not in text
        assert len(each["Resources"]["Map"]["Properties"]["M"]) == 2


def test_logical_ids_that_end_like_that_of_a_version_are_kept(stack: cdk.Stack) -> None:
    for one in "ab":
        cdk.CfnResource(stack, one, type="Shop::Map").override_logical_id(f"Key0123ABCD{one * 32}")
    assert len(readable_template(stack)["Resources"]) == 2


def test_two_versions_of_a_function_stay_distinct(stack: cdk.Stack) -> None:
    for one in "ab":
        version = cdk.CfnResource(stack, one, type="AWS::Lambda::Version")
        version.override_logical_id(f"Key0123ABCD{one * 32}")
        cdk.CfnOutput(stack, f"{one}Name", value=version.ref)
    template = readable_template(stack)
    assert list(template["Resources"]) == ["Key0123ABCD<hash>", "Key0123ABCD<hash 2>"]
    assert [each["Value"]["Ref"] for each in template["Outputs"].values()] == list(template["Resources"])


def test_what_the_cdk_cli_asks_for_is_left_out(tmp_path: Path) -> None:
    context = {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}
    found: list[Any] = []
    for app in (cdk.App(context=context), cdk.App(analytics_reporting=False)):
        stack = cdk.Stack(app, "Shop", analytics_reporting=not found)
        function(stack, tmp_path / "code", "pass").node.default_child.add_metadata("team", "orders")  # type: ignore[union-attr]  # it is there
        found.append((Template.from_stack(stack).to_json(), readable_template(stack)))
    raw = found[0][0]
    assert {"CDKMetadata"} <= raw["Resources"].keys()
    assert {"CDKMetadataAvailable"} <= raw["Conditions"].keys()
    assert found[0][1] == found[1][1]
    (defined,) = (each for each in found[0][1]["Resources"].values() if each["Type"] == "AWS::Lambda::Function")
    assert defined["Metadata"] == {"team": "orders"}


def nested(scope: cdk.Stack, name: str) -> cdk.NestedStack:
    stack = cdk.NestedStack(scope, name)
    sns.Topic(stack, "Topic")
    return stack


def test_a_nested_stack_is_in_place_of_its_url(stack: cdk.Stack) -> None:
    inner = nested(stack, "Inner")
    innermost = nested(inner, "Innermost")
    template = readable_template(stack)
    (outer,) = template["Resources"].values()
    assert outer["Type"] == "AWS::CloudFormation::Stack"
    assert outer["Properties"]["TemplateURL"] == readable_template(inner)
    (url,) = (
        each["Properties"]["TemplateURL"]
        for each in readable_template(inner)["Resources"].values()
        if each["Type"] != TOPIC
    )
    assert url == readable_template(innermost)
    assert len(topics(url)) == 1


def test_an_app_a_stage_and_an_assembly_have_the_templates_of_all_stacks(app: cdk.App, stack: cdk.Stack) -> None:
    sns.Topic(stack, "Orders")
    stage = cdk.Stage(app, "production")
    web = cdk.Stack(stage, "Web", stack_name="shop-web")
    sns.Topic(web, "Visits")
    assert readable_template(stage) == {"production/Web": readable_template(web)}
    assert readable_template(app) == {"Shop": readable_template(stack), "production/Web": readable_template(web)}
    assert readable_template(app.synth().directory) == readable_template(app)
    assert readable_template(Path(app.outdir)) == readable_template(app)


def test_a_template_of_cdks_assertions_is_taken(stack: cdk.Stack) -> None:
    sns.Topic(stack, "Orders")
    assert readable_template(Template.from_stack(stack)) == readable_template(stack)


def test_sections_that_are_no_objects_are_kept() -> None:
    given = {"Description": "A shop", "Transform": ["AWS::LanguageExtensions"], "Resources": {}}
    template = Template.from_json(given)
    assert readable_template(template) == {"Description": "A shop", "Transform": ["AWS::LanguageExtensions"]}


@pytest.mark.parametrize("function", [readable_template, assert_no_new_findings])
def test_another_type_is_a_sentence(function: Any, stack: cdk.Stack) -> None:
    says = (
        f"{function.__name__}: app must be of type cdk.App, cdk.Stage, cdk.Stack or Path (got 7 of type int); use an "
        "app, one of its stages or stacks, or the folder of a cloud assembly"
    )
    with pytest.raises(TypeError) as raised:
        function(7)
    assert str(raised.value) == says
    with pytest.raises(TypeError, match=r"\(got <aws_cdk.aws_sns.Topic .* of type Topic\)"):
        function(sns.Topic(stack, "Orders"))


@pytest.mark.parametrize("function", [readable_template, assert_no_new_findings])
def test_a_folder_that_is_no_assembly_is_a_sentence(function: Any, tmp_path: Path) -> None:
    with pytest.raises(AssemblyError, match="is not a readable CDK cloud assembly"):
        function(tmp_path)


@jsii.implements(IValidation)
class Refusal:
    """A validation of a construct that fails."""

    def validate(self) -> list[str]:
        return ["a shop needs a queue"]


@pytest.mark.parametrize("function", [readable_template, assert_no_new_findings])
def test_what_a_construct_refuses_is_told_in_its_words(function: Any, stack: cdk.Stack) -> None:
    """Only the violations of validation plugins do not end a synthesis."""
    stack.node.add_validation(Refusal())
    with pytest.raises(RuntimeError, match="a shop needs a queue"):
        function(stack)


def test_a_stack_in_no_app_is_a_sentence() -> None:
    with pytest.raises(
        ValueError, match=r"^readable_template: Shop must be in a cdk.App \(got none\); define the stack"
    ):
        readable_template(cdk.Stack(RootConstruct(), "Shop"))

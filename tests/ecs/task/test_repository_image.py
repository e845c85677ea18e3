"""Repository images in a task: by a parameter that CI sets, and before the first push."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm
from jsii._kernel.providers import process

from moorage import (
    Architecture,
    Cluster,
    Container,
    Encryption,
    Image,
    OperatingSystemFamily,
    Repository,
    Service,
    Task,
)
from tests.conftest import imported_vpc, template


@pytest.fixture
def images(app: cdk.App) -> Repository:
    return Repository(cdk.Stack(app, "Images"), "Web", name="shop/web")


def image_of(stack: cdk.Stack, vpc: ec2.IVpc, image: Image) -> tuple[Any, dict[str, Any]]:
    """Return the image of a service's container, and the complete template."""
    Service(stack, "Web", cluster=Cluster(stack, "Cluster", vpc=vpc), task=Task(Container(image)))
    made = dict(template(stack).to_json())
    (definition,) = (each for each in made["Resources"].values() if each["Type"] == "AWS::ECS::TaskDefinition")
    return definition["Properties"]["ContainerDefinitions"][0]["Image"], made


def test_an_image_has_the_tag_that_a_parameter_holds_at_deployment(
    stack: cdk.Stack, vpc: ec2.IVpc, images: Repository
) -> None:
    image, made = image_of(stack, vpc, Image.from_repository(images, parameter="/shop/web/tag"))
    ((name, parameter),) = (
        (name, each)
        for name, each in made["Parameters"].items()
        if each["Type"] == "AWS::SSM::Parameter::Value<String>" and "cdk-bootstrap" not in each["Default"]
    )
    assert parameter["Default"] == "/shop/web/tag"
    assert {"Ref": name} in image["Fn::Join"][1]
    assert "ecr:BatchGetImage" in json.dumps(made)


def test_an_image_has_the_digest_that_a_parameter_holds_at_deployment(
    stack: cdk.Stack, vpc: ec2.IVpc, images: Repository
) -> None:
    image, made = image_of(stack, vpc, Image.from_repository(images, digest_parameter="/shop/web/digest"))
    (name,) = (name for name, each in made["Parameters"].items() if each["Default"] == "/shop/web/digest")
    assert made["Parameters"][name]["Type"] == "AWS::SSM::Parameter::Value<String>"
    empty, parts = image["Fn::Join"]
    assert (empty, parts[-2:]) == ("", ["@", {"Ref": name}])
    (policy,) = (each for name, each in made["Resources"].items() if "ExecutionRoleDefaultPolicy" in name)
    assert json.dumps(policy).count("ecr:BatchGetImage") == 1


def test_an_image_causes_no_callbacks_into_python(
    stack: cdk.Stack, vpc: ec2.IVpc, images: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive, called = process._NodeProcess._next_message, []

    def counted(node: Any) -> Any:
        message = receive(node)
        called.extend([message] if "callback" in message else [])
        return message

    monkeypatch.setattr(process._NodeProcess, "_next_message", counted)
    task = Task(Container(Image.from_repository(images, tag="1.4.2")))
    Service(stack, "Web", cluster=Cluster(stack, "Cluster", vpc=vpc), task=task)
    assert called == []


def test_the_execution_role_needs_no_access_to_the_key_of_a_repository(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    keyed = Repository(stack, "Keyed", encryption=Encryption.own_key())
    _, made = image_of(stack, vpc, Image.from_repository(keyed, tag="1.4.2"))
    (policy,) = (each for name, each in made["Resources"].items() if "ExecutionRoleDefaultPolicy" in name)
    assert "kms:" not in json.dumps(policy)  # ECR decrypts with its own grant (ECR user guide, encryption at rest)
    assert json.dumps(policy).count("ecr:BatchGetImage") == 1


@pytest.mark.parametrize("pull_through", [False, True])
def test_a_task_may_fill_a_pull_through_cache_only_if_its_image_is_from_a_cache(
    stack: cdk.Stack, vpc: ec2.IVpc, *, pull_through: bool
) -> None:
    arn = "arn:aws:ecr:eu-west-1:222222222222:repository/ecr-public/nginx/nginx"
    cached = ecr.Repository.from_repository_attributes(
        stack, "Nginx", repository_arn=arn, repository_name="ecr-public/nginx/nginx"
    )
    _, made = image_of(stack, vpc, Image.from_repository(cached, tag="1.29", pull_through=pull_through))
    (policy,) = (each for name, each in made["Resources"].items() if "ExecutionRoleDefaultPolicy" in name)
    statements = [each for each in policy["Properties"]["PolicyDocument"]["Statement"] if each["Resource"] == arn]
    granted = {action for each in statements for action in each["Action"]}
    assert granted - {"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"} == (
        {"ecr:BatchImportUpstreamImage", "ecr:CreateRepository"} if pull_through else set()
    )


def test_a_cloudformation_parameter_may_hold_the_tag(stack: cdk.Stack, vpc: ec2.IVpc, images: Repository) -> None:
    tag = cdk.CfnParameter(stack, "Tag", default="none")
    image, _ = image_of(stack, vpc, Image.from_repository(images, parameter=tag))
    assert {"Ref": "Tag"} in image["Fn::Join"][1]


def test_a_cloudformation_parameter_may_hold_the_digest(stack: cdk.Stack, vpc: ec2.IVpc, images: Repository) -> None:
    digest = cdk.CfnParameter(stack, "Digest", default="none")
    image, _ = image_of(stack, vpc, Image.from_repository(images, digest_parameter=digest))
    assert image["Fn::Join"][1][-2:] == ["@", {"Ref": "Digest"}]


@pytest.mark.parametrize(("argument", "separator"), [("parameter", ":"), ("digest_parameter", "@")])
def test_a_placeholder_runs_before_the_first_push(
    stack: cdk.Stack, vpc: ec2.IVpc, images: Repository, argument: str, separator: str
) -> None:
    nginx = "public.ecr.aws/nginx/nginx:1.29"
    stored: dict[str, Any] = {argument: cdk.CfnParameter(stack, "Tag", default="none")}
    image, made = image_of(stack, vpc, Image.from_repository(images, placeholder=nginx, **stored))
    condition, pushed, otherwise = image["Fn::If"]
    assert made["Conditions"][condition] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Tag"}, "none"]}]}
    assert pushed["Fn::Join"][1][-2:] == [separator, {"Ref": "Tag"}]
    assert otherwise == nginx
    assert "ecr:BatchGetImage" in json.dumps(made)


@pytest.mark.oracle
def test_equal_conditions_have_a_warning_only_if_they_are_those_of_the_user(app: cdk.App) -> None:
    def stack_with(name: str, *services: str, in_template: bool = False) -> cdk.Stack:
        stack = cdk.Stack(app, name)
        parameter = cdk.CfnParameter(stack, "Tag", default="none") if in_template else "/shop/web/tag"
        images = Repository(stack, "Images")
        image = Image.from_repository(images, parameter=parameter, placeholder="public.ecr.aws/nginx/nginx:1.29")
        cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack))
        for each in services:
            Service(stack, each, cluster=cluster, task=Task(Container(image)))
        return stack

    stack_with("InTemplate", "Web", "Api", in_template=True)
    stack_with("InParameterStore", "Web", "Api")
    own = stack_with("Own", "Web")
    stage = cdk.CfnParameter(own, "Stage")
    for name in ("One", "Other"):
        equal = cdk.Fn.condition_equals(stage.value_as_string, "prod")
        cdk.CfnOutput(own, name, value=name).condition = cdk.CfnCondition(own, f"Is{name}", expression=equal)
    (found,) = equal_conditions(app)
    assert "IsOne" in found
    assert "IsOther" in found


def equal_conditions(app: cdk.App) -> list[str]:
    """Return the findings of CDK's validation, which is on for users, about equal conditions.

    The validation takes a second, and 20 in a process that ran the tests before.
    """
    cdk.Validations.of(app).add_plugins(cdk.CloudFormationValidatePlugin())
    report = Path(app.synth().directory) / "validation-report.json"  # only if there is a violation, or one acknowledged
    plugins = json.loads(report.read_text())["pluginReports"]
    return [each["description"] for plugin in plugins for each in plugin["violations"] if each["ruleName"] == "W9053"]


@pytest.mark.parametrize(("argument", "kept"), [("parameter", "tag"), ("digest_parameter", "digest")])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_parameter_that_this_app_defines_is_refused(
    app: cdk.App, stack: cdk.Stack, images: Repository, *, elsewhere: bool, argument: str, kept: str
) -> None:
    own = ssm.StringParameter(
        cdk.Stack(app, "Elsewhere") if elsewhere else stack, "Own", parameter_name="/shop/web/tag", string_value="none"
    )
    stored: dict[str, Any] = {argument: own}
    with pytest.raises(
        ValueError, match=rf"Image: {argument} must not be defined .* the {kept} that CI .*aws ssm put-p.* {argument}='"
    ):
        Image.from_repository(images, **stored)


@pytest.mark.parametrize("argument", ["parameter", "digest_parameter"])
def test_an_imported_parameter_is_read_by_its_name(
    stack: cdk.Stack, vpc: ec2.IVpc, images: Repository, argument: str
) -> None:
    stored: dict[str, Any] = {argument: ssm.StringParameter.from_string_parameter_name(stack, "Tag", "/shop/web/tag")}
    _, made = image_of(stack, vpc, Image.from_repository(images, **stored))
    assert "/shop/web/tag" in {each["Default"] for each in made["Parameters"].values()}


@pytest.mark.parametrize(
    ("task", "platform"),
    [
        ({}, "linux/amd64"),
        ({"architecture": Architecture.ARM64}, "linux/arm64"),
        (
            {
                "operating_system_family": OperatingSystemFamily.WINDOWS_SERVER_2022_CORE,
                "cpu": 1024,
                "memory_mib": 2048,
            },
            "windows/amd64",
        ),
    ],
)
def test_a_directory_is_built_for_the_platform_of_its_task(
    app: cdk.App, stack: cdk.Stack, vpc: ec2.IVpc, tmp_path: Path, task: dict[str, Any], platform: str
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    image = Image.from_directory(tmp_path, build_secrets={"NPM_TOKEN": "env=NPM_TOKEN"})
    Service(stack, "Web", cluster=Cluster(stack, "Cluster", vpc=vpc), task=Task(Container(image), **task))
    assets = json.loads((Path(app.synth().directory) / "Shop.assets.json").read_text())["dockerImages"]
    (source,) = (each["source"] for each in assets.values())
    assert source["platform"] == platform
    assert source["dockerBuildSecrets"] == {"NPM_TOKEN": "env=NPM_TOKEN"}


PUBLISHING = {
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:DescribeRepositories",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
}
"""The permissions of the publishing role for the bootstrap repository (bootstrap-template.yaml of the CDK CLI)."""


def test_the_repository_of_a_stack_receives_and_serves_the_images_that_cdk_builds(
    app: cdk.App, images: Repository, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    publisher = iam.Role.from_role_name(images.stack, "Publisher", "cdk-hnb659fds-image-publishing-role")
    images.grant_pull_push(publisher)
    images.grant_read(publisher)
    synthesizer = cdk.DefaultStackSynthesizer(image_assets_repository_name="shop/web")
    stack = cdk.Stack(app, "Built", synthesizer=synthesizer)
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2)
    image = Image.from_directory(tmp_path)
    Service(stack, "Web", cluster=Cluster(stack, "Cluster", vpc=vpc), task=Task(Container(image)))

    assembly = app.synth()
    assets = json.loads((Path(assembly.directory) / "Built.assets.json").read_text())["dockerImages"]
    ((digest, asset),) = assets.items()
    (destination,) = asset["destinations"].values()
    assert (destination["repositoryName"], destination["imageTag"]) == ("shop/web", digest)
    made = assembly.get_stack_by_name("Built").template["Resources"].values()
    (definition,) = (each for each in made if each["Type"] == "AWS::ECS::TaskDefinition")
    name = definition["Properties"]["ContainerDefinitions"][0]["Image"]["Fn::Sub"]
    assert name.endswith(f"/shop/web:{digest}")
    assert ":repository/shop/web" in json.dumps([each for each in made if each["Type"] == "AWS::IAM::Policy"])
    policies = assembly.get_stack_by_name("Images").template["Resources"].values()
    (policy,) = (each for each in policies if each["Type"] == "AWS::IAM::Policy")
    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    on_repository = [each["Action"] for each in statements if each["Resource"] != "*"]
    assert {action for actions in on_repository for action in actions} >= PUBLISHING

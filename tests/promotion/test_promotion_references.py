"""The repository and the parameter of an image are read from the templates in each form that CDK renders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_scheduler as scheduler

from moorage import Cluster, Container, Image, Job, Network, Repository, Service, Task
from moorage.assembly.cloud_assembly import Stack, nested_stack, stacks_of
from moorage.assembly.image_references import GeneratedName, Reference, References
from moorage.assembly.image_references import Repository as Found
from moorage.promotion.calls import Account
from moorage.promotion.images import stage_of
from moorage.promotion.problems import PromotionError
from moorage.promotion.pushed import repository_name
from tests.promotion.aws import PARAMETER_TYPE, PRODUCTION, REGION, Aws, image_of, stack, uri

NAMED = {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": "retail/ui"}}
UNNAMED = {"Type": "AWS::ECR::Repository"}
ARN = {"Fn::GetAtt": ["Images", "Arn"]}


def part(arn: Any, index: int) -> dict[str, Any]:
    return {"Fn::Select": [index, {"Fn::Split": [":", arn]}]}


def of_arn(arn: Any, name: Any) -> list[Any]:
    """Return the URI of a repository as CDK renders it from the ARN and the name."""
    return [part(arn, 4), ".dkr.ecr.", part(arn, 3), ".", {"Ref": "AWS::URLSuffix"}, "/", name]


def read(
    image: Any, resources: Mapping[str, Any], *others: Stack, account: str | None = PRODUCTION
) -> Reference | None:
    own = stack("production/Services", account, dict(resources), region=REGION if account else None, P="/digest")
    return References([own, *others]).read(image, own)


@pytest.mark.parametrize(
    ("repository", "found"),
    [
        (uri(PRODUCTION, "retail/ui"), Found(PRODUCTION, REGION, "retail/ui")),
        (f"{PRODUCTION}.dkr-ecr.eu-west-1.on.aws/retail/ui", Found(PRODUCTION, REGION, "retail/ui")),
        (of_arn(ARN, {"Ref": "Images"}), Found(PRODUCTION, REGION, "retail/ui")),
        ({"Fn::GetAtt": ["Images", "RepositoryUri"]}, Found(PRODUCTION, REGION, "retail/ui")),
        (of_arn({"Fn::GetAtt": ["Unnamed", "Arn"]}, {"Ref": "Unnamed"}),
         Found(PRODUCTION, REGION, GeneratedName("production-Services", "Unnamed"))),
        (of_arn("arn:aws:ecr:us-east-1:333333333333:repository/ui", "ui"), Found("333333333333", "us-east-1", "ui")),
        ("public.ecr.aws/nginx/nginx", None),
        (["222222222222.dkr.ecr.eu-west-1.amazonaws.com/", {"Ref": "Unknown"}], None),
        (["222222222222.dkr.ecr.eu-west-1.amazonaws.com/", {"Fn::Select": [9, ["a"]]}], None),
        (["222222222222.dkr.ecr.eu-west-1.amazonaws.com/", {"Fn::Join": "wrong"}], None),
    ],
)  # fmt: skip
def test_the_repository_of_an_image_is_read(repository: Any, found: Found | None) -> None:
    for placeholder in (None, "public.ecr.aws/nginx/nginx:1.29"):
        reference = read(image_of("P", repository, placeholder), {"Images": NAMED, "Unnamed": UNNAMED})
        assert reference == Reference("/digest", found)


def test_a_substituted_image_is_read() -> None:
    text = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/${Images}@${P}"
    assert read({"Fn::Sub": text}, {"Images": NAMED}) == Reference("/digest", Found(PRODUCTION, REGION, "retail/ui"))
    assert read({"Fn::Sub": ["${Uri}@${P}", {"Uri": {"Fn::GetAtt": ["Images", "RepositoryUri"]}}]}, {"Images": NAMED})


def test_a_stack_without_an_account_has_the_repository_of_the_credentials() -> None:
    image = image_of("P", of_arn(ARN, {"Ref": "Images"}))
    assert read(image, {"Images": NAMED}, account=None) == Reference("/digest", Found(None, None, "retail/ui"))


@pytest.mark.parametrize(
    "image",
    [
        "nginx@sha256:abc",
        {"Ref": "P"},
        {"Fn::Sub": "nginx:${P}"},
        {"Fn::Sub": "nginx@${Images}"},
        None,
        {"Fn::If": "x"},
    ],
)
def test_other_images_are_not_read(image: Any) -> None:
    assert read(image, {"Images": UNNAMED}) is None


def test_a_repository_of_another_stack_is_read_through_its_exports() -> None:
    exports = {
        "Arn": {"Value": ARN, "Export": {"Name": "Images:Arn"}},
        "Name": {"Value": {"Ref": "Images"}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}:Name"}}},
    }
    other = stack("production/Images", PRODUCTION, {"Images": UNNAMED})
    other = attrs.evolve(other, template={**other.template, "Outputs": exports})
    image = image_of("P", of_arn({"Fn::ImportValue": "Images:Arn"}, {"Fn::ImportValue": "production-Images:Name"}))
    generated = GeneratedName("production-Images", "Images")
    assert read(image, {}, other) == Reference("/digest", Found(PRODUCTION, REGION, generated))
    assert read(image, {}) == Reference("/digest", None)


def test_a_nested_stack_gets_the_repository_of_its_parent() -> None:
    given = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"Parameters": {"Uri": {"Fn::Sub": "${Images.RepositoryUri}"}}},
    }
    parent = stack("production/Services", PRODUCTION, {"Images": NAMED, "Inner": given})
    declared = {"Uri": {"Type": "String"}, "P": {"Type": PARAMETER_TYPE, "Default": "/digest"}}
    resource = next(each for each in parent.resources if each.logical_id == "Inner")
    inner = nested_stack(parent, resource, {"Parameters": declared, "Resources": {}}, Path("inner.json"))
    parent = attrs.evolve(parent, nested={"Inner": inner})
    found = References([parent]).read(image_of("P", {"Ref": "Uri"}), inner)
    assert found == Reference("/digest", Found(PRODUCTION, REGION, "retail/ui"))


def test_cloudformation_knows_the_name_that_it_generated() -> None:
    place = Account(Aws().clients, PRODUCTION, REGION, "--profile")
    found = Found(PRODUCTION, REGION, GeneratedName("production-Images", "Images"))
    assert repository_name(place, found) == "generated-images"
    missing = attrs.evolve(found, name=GeneratedName("production-Services", "Images"))
    with pytest.raises(PromotionError, match="repository Images of production-Services, which is not deployed"):
        repository_name(place, missing)


def test_the_images_of_an_app_of_the_library_are_found(tmp_path: Path) -> None:
    app = cdk.App(outdir=str(tmp_path), analytics_reporting=False)
    stage = cdk.Stage(app, "production", env=cdk.Environment(account=PRODUCTION, region=REGION))
    images, services = cdk.Stack(stage, "Images"), cdk.Stack(stage, "Services")
    repository = Repository(images, "Ui", name="retail/ui")
    imported = ecr.Repository.from_repository_name(services, "Imported", "retail/orders")
    cluster = Cluster(services, "Cluster", vpc=Network(services, "Network", nat_gateways=1).vpc)
    placeholder = "public.ecr.aws/nginx/nginx:1.29"
    ui = Image.from_repository(repository, digest_parameter="/ui/digest", placeholder=placeholder)
    orders = Image.from_repository(imported, digest_parameter="/orders/digest")
    Service(services, "Ui", cluster=cluster, task=Task(Container(ui)))
    schedule = scheduler.ScheduleExpression.rate(cdk.Duration.days(1))
    Job(services, "Orders", cluster=cluster, task=Task(Container(orders)), schedule=schedule)
    tagged = Image.from_repository(imported, tag="1.7.0")
    Service(services, "Tagged", cluster=cluster, task=Task(Container(tagged)))
    plain = ecs.FargateTaskDefinition(services, "Plain")
    plain.add_container("app", image=ecs.ContainerImage.from_registry(placeholder))
    app.synth()

    stacks = stacks_of(tmp_path)
    found = stage_of("production", stacks, References(stacks))
    assert [(image.service, image.container, image.stack, image.reference) for image in found.images] == [
        ("Services/Ui", "app", "production/Services", Reference("/ui/digest", Found(PRODUCTION, REGION, "retail/ui"))),
        (
            "Services/Orders",
            "app",
            "production/Services",
            Reference("/orders/digest", Found(PRODUCTION, REGION, "retail/orders")),
        ),
    ]
    assert found.others == ("Services/Tagged", "Services/Plain")

"""Public repositories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam

from moorage import PublicRepository
from moorage.testing import readable_template
from tests.conftest import template

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion


@pytest.fixture
def shop(app: cdk.App) -> cdk.Stack:
    return cdk.Stack(app, "Shop", env=cdk.Environment(region="us-east-1"))


def test_whole_template(shop: cdk.Stack, template_snapshot: SnapshotAssertion) -> None:
    cli = PublicRepository(
        shop,
        "Cli",
        name="shop-cli",
        description="the shop's command line",
        about="# Shop",
        usage="`docker run shop`",
        architectures=["ARM 64", "x86-64"],
        operating_systems=["Linux"],
    )
    cli.grant_push(iam.AccountPrincipal("222222222222"))
    assert readable_template(shop) == template_snapshot


def test_a_public_repository_is_retained_by_default(shop: cdk.Stack) -> None:
    PublicRepository(shop, "Kept")
    PublicRepository(shop, "Gone", removal_policy=cdk.RemovalPolicy.DESTROY)
    found = template(shop).find_resources("AWS::ECR::PublicRepository").values()
    assert [each["DeletionPolicy"] for each in found] == ["RetainExceptOnCreate", "Delete"]


def test_a_public_repository_outside_us_east_1_is_refused(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop", env=cdk.Environment(region="eu-west-1"))
    with pytest.raises(
        ValueError,
        match="Shop/Cli: the region of the stack must be us-east-1, the region of Amazon ECR Public",
    ):
        PublicRepository(stack, "Cli")


def test_a_stack_without_a_region_passes(stack: cdk.Stack) -> None:
    assert PublicRepository(stack, "Cli")


def test_a_granted_role_can_log_in_and_push(shop: cdk.Stack) -> None:
    role = iam.Role(shop, "Ci", assumed_by=iam.ServicePrincipal("codebuild.amazonaws.com"))
    PublicRepository(shop, "Cli").grant_push(role)
    (policy,) = template(shop).find_resources("AWS::IAM::Policy").values()
    for action in ("ecr-public:PutImage", "ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"):
        assert action in json.dumps(policy)
    (repository,) = template(shop).find_resources("AWS::ECR::PublicRepository").values()
    assert "RepositoryPolicyText" not in repository.get("Properties", {})


def test_a_logo_is_checked_and_an_output_has_its_command(shop: cdk.Stack, tmp_path: Path) -> None:
    logo = tmp_path / "logo.png"
    with pytest.raises(ValueError, match="logo must be the path of a file"):
        PublicRepository(shop, "Cli", logo=logo)
    logo.write_bytes(b"png")
    PublicRepository(shop, "Cli", logo=str(logo))
    (output,) = template(shop).find_outputs("*").values()
    assert "put-repository-catalog-data" in json.dumps(output["Value"])

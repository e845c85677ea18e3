"""The roles that the workflows of a GitHub repository assume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import aws_cdk as cdk
import pytest

from moorage.testing import readable_template
from stacks.environment import define_environments
from stacks.settings import Description, EnvironmentSettings, ToolingSettings
from stacks.settings.capacities import FargateSettings
from stacks.settings.environments import RegistrySettings
from stacks.settings.github import DeploymentSettings, RepositorySettings
from stacks.settings.previews import PreviewSettings
from stacks.settings.services import ImageSettings
from tests.conftest import template
from tests.stacks.test_registries import of_type

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

TOOLING, STAGING, PRODUCTION = "111111111111", "333333333333", "444444444444"
IRELAND, FRANKFURT = "eu-west-1", "eu-central-1"
ISSUER = "token.actions.githubusercontent.com"
REPOSITORY = "my-organization@1234567/shop@7654321"
ROLES = [("tooling", "Push"), ("staging", "Deploy"), ("staging", "Promote"), ("production", "Deploy")]


def environment(account: str | None, **settings: Any) -> EnvironmentSettings:
    given = {"removable": True, "region": IRELAND, "github": DeploymentSettings(), **settings}
    return EnvironmentSettings(account=account, capacity={"fargate": FargateSettings(kind="fargate")}, **given)


def tooling(**settings: Any) -> ToolingSettings:
    given = {"account": TOOLING, "region": IRELAND, "github": RepositorySettings(repository=REPOSITORY), **settings}
    return ToolingSettings(registry=RegistrySettings(replicates_to=("production",)), **given)


FROM_STAGING = DeploymentSettings(promotes_from="staging")
DESCRIPTION = Description(
    environments={
        "dev": environment("222222222222", github=None),
        "staging": environment(STAGING),
        "production": environment(PRODUCTION, recovery_region=FRANKFURT, images=ImageSettings(), github=FROM_STAGING),
    },
    tooling=tooling(),
)


def changed(tool: ToolingSettings | None = DESCRIPTION.tooling, **environments: EnvironmentSettings) -> Description:
    return Description(environments={**DESCRIPTION.environments, **environments}, tooling=tool)


class Pipelines:
    """The stacks of a description that have roles for GitHub Actions, by stage."""

    def __init__(self, description: Description, **context: Any) -> None:
        self.app = cdk.App(analytics_reporting=False, context=context)
        define_environments(self.app, description)
        found = {each.node.id: each.node.try_find_child("Pipelines") for each in self.app.node.children}
        self.stacks = {name: stack for name, stack in found.items() if isinstance(stack, cdk.Stack)}
        self.templates = {name: template(stack) for name, stack in self.stacks.items()}

    def roles(self, stage: str) -> dict[str, dict[str, Any]]:
        """Return the properties of the roles of a stage, by the names of their outputs."""
        outputs = self.templates[stage].to_json()["Outputs"]
        resources = self.templates[stage].to_json()["Resources"]
        roles = {name: output["Value"]["Fn::GetAtt"] for name, output in outputs.items()}
        assert {attribute for _, attribute in roles.values()} == {"Arn"}
        return {name.removesuffix("RoleArn"): resources[role]["Properties"] for name, (role, _) in roles.items()}

    def trust(self, stage: str, role: str) -> dict[str, Any]:
        (statement,) = self.roles(stage)[role]["AssumeRolePolicyDocument"]["Statement"]
        assert isinstance(statement, dict)
        return statement

    def permissions(self, stage: str, role: str) -> dict[str, list[str]]:
        """Return the resources of each action that a role may call."""
        (policy,) = (
            each
            for each in of_type(self.templates[stage], "AWS::IAM::ManagedPolicy")
            if [attached["Ref"].startswith(role) for attached in each["Roles"]] == [True]
        )
        return {
            action: [text(each) for each in listed(statement["Resource"])]
            for statement in policy["PolicyDocument"]["Statement"]
            for action in listed(statement["Action"])
            if statement["Effect"] == "Allow" and "Condition" not in statement
        }

    @property
    def warnings(self) -> list[str]:
        metadata = (entry for each in self.app.node.find_all() for entry in each.node.metadata)
        return [entry.data for entry in metadata if entry.type == "aws:cdk:warning" and "GitHub" in entry.data]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def text(value: Any) -> str:
    """Return a text that CDK may have joined from parts, with the partition of the most regions."""
    parts = [value] if isinstance(value, str) else value["Fn::Join"][1]
    return "".join("aws" if each == {"Ref": "AWS::Partition"} else each for each in parts)


def bootstrap_roles(account: str, *regions: str, qualifier: str = "hnb659fds") -> list[str]:
    return [
        f"arn:aws:iam::{account}:role/cdk-{qualifier}-{kind}-role-{account}-{region}"
        for region in regions
        for kind in ("deploy", "file-publishing", "image-publishing", "lookup")
    ]


@pytest.fixture(scope="module")
def made() -> Pipelines:
    return Pipelines(DESCRIPTION)


@pytest.mark.parametrize("stage", ["tooling", "staging", "production"])
def test_whole_template(made: Pipelines, stage: str, template_snapshot: SnapshotAssertion) -> None:
    assert readable_template(made.templates[stage]) == template_snapshot


def test_these_are_all_roles(made: Pipelines) -> None:
    assert [(stage, role) for stage in made.stacks for role in sorted(made.roles(stage))] == ROLES
    for each in made.templates.values():
        each.resource_count_is("AWS::IAM::Role", len(of_type(each, "AWS::IAM::ManagedPolicy")))
        each.resource_count_is("AWS::IAM::Policy", 0)


@pytest.mark.parametrize(
    ("stage", "role", "environments"),
    [
        ("tooling", "Push", ["tooling"]),
        ("staging", "Deploy", ["staging"]),
        ("staging", "Promote", ["production"]),
        ("production", "Deploy", ["production"]),
    ],
)
def test_a_role_trusts_one_branch_and_one_github_environment(
    made: Pipelines, stage: str, role: str, environments: list[str]
) -> None:
    trust = made.trust(stage, role)
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    (provider,) = made.templates[stage].find_resources("AWS::IAM::OIDCProvider")
    assert trust["Principal"] == {"Federated": {"Ref": provider}}
    assert trust["Condition"] == {  # StringEquals has no wildcards
        "StringEquals": {
            f"{ISSUER}:aud": "sts.amazonaws.com",
            f"{ISSUER}:sub": [f"repo:{REPOSITORY}:environment:{each}" for each in environments],
            f"{ISSUER}:ref": "refs/heads/main",
        }
    }


def test_the_branch_and_a_repository_without_ids_are_trusted_as_they_are_written() -> None:
    repository = RepositorySettings(repository="my-organization/shop", branch="release/2.x")
    conditions = Pipelines(changed(tooling(github=repository))).trust("staging", "Deploy")["Condition"]["StringEquals"]
    assert conditions[f"{ISSUER}:sub"] == ["repo:my-organization/shop:environment:staging"]
    assert conditions[f"{ISSUER}:ref"] == "refs/heads/release/2.x"


def test_a_deployment_may_assume_only_the_bootstrap_roles_of_its_account_and_regions(made: Pipelines) -> None:
    for stage, account, regions in (("staging", STAGING, [IRELAND]), ("production", PRODUCTION, [IRELAND, FRANKFURT])):
        parameters = [f"arn:aws:ssm:{region}:{account}:parameter/retail/{stage}/*" for region in regions]
        images = [f"arn:aws:ecr:{region}:{account}:repository/retail/*" for region in regions]
        assert made.permissions(stage, "Deploy") == {
            "sts:AssumeRole": bootstrap_roles(account, *regions),
            "ssm:GetParameter": parameters,
            "ssm:PutParameter": parameters,
            "ecr:DescribeImages": images,
            "ecr:DescribeImageScanFindings": images,
            "inspector2:ListCoverage": ["*"],
            "inspector2:ListFindings": ["*"],
        }


def test_a_deployment_assumes_the_roles_of_the_bootstrap_stack_of_the_app() -> None:
    pipelines = Pipelines(DESCRIPTION, **{"@aws-cdk/core:bootstrapQualifier": "retail"})
    own = bootstrap_roles(STAGING, IRELAND, qualifier="retail")
    assert pipelines.permissions("staging", "Deploy")["sts:AssumeRole"] == own


def test_a_promotion_may_only_read_the_parameters_of_the_environment_that_it_promotes_from(made: Pipelines) -> None:
    assert made.permissions("staging", "Promote") == {
        "ssm:GetParameter": [f"arn:aws:ssm:{IRELAND}:{STAGING}:parameter/retail/staging/*"]
    }


def test_previews_have_a_role_for_pull_requests_that_only_deploys() -> None:
    spot = {"spot": FargateSettings(kind="fargate-spot")}
    host = attrs.evolve(
        environment("222222222222"), capacity=spot, previews=PreviewSettings(domain="preview.example.com")
    )
    pipelines = Pipelines(changed(dev=host))
    assert pipelines.trust("dev", "Preview")["Condition"]["StringEquals"] == {  # a pull request has a ref of its own
        f"{ISSUER}:aud": "sts.amazonaws.com",
        f"{ISSUER}:sub": [f"repo:{REPOSITORY}:environment:preview"],
    }
    assert pipelines.permissions("dev", "Preview") == {"sts:AssumeRole": bootstrap_roles("222222222222", IRELAND)}


def test_several_environments_can_promote_from_one() -> None:
    both = Pipelines(changed(dev=environment("222222222222", github=FROM_STAGING)))
    subjects = both.trust("staging", "Promote")["Condition"]["StringEquals"][f"{ISSUER}:sub"]
    assert subjects == [f"repo:{REPOSITORY}:environment:{each}" for each in ("dev", "production")]


def test_images_may_be_pushed_only_to_the_repositories_of_the_company(made: Pipelines) -> None:
    repositories = [f"arn:aws:ecr:{IRELAND}:{TOOLING}:repository/retail/*"]
    pushing = ("BatchCheckLayerAvailability", "BatchGetImage", "InitiateLayerUpload", "UploadLayerPart")
    assert made.permissions("tooling", "Push") == {
        "ecr:GetAuthorizationToken": ["*"],
        **{
            f"ecr:{each}": repositories
            for each in (*pushing, "CompleteLayerUpload", "GetDownloadUrlForLayer", "PutImage")
        },
    }


def test_a_session_lasts_two_hours(made: Pipelines) -> None:
    assert {role["MaxSessionDuration"] for stage in made.stacks for role in made.roles(stage).values()} == {7200}


def test_an_existing_provider_is_used_and_not_defined() -> None:
    existing = DeploymentSettings(provider="existing")
    pipelines = Pipelines(changed(staging=environment(TOOLING, github=existing)))
    pipelines.templates["staging"].resource_count_is("AWS::IAM::OIDCProvider", 0)
    pipelines.templates["tooling"].resource_count_is("AWS::IAM::OIDCProvider", 1)
    principal = pipelines.trust("staging", "Deploy")["Principal"]["Federated"]
    assert text(principal) == f"arn:aws:iam::{TOOLING}:oidc-provider/{ISSUER}"


def test_the_provider_accepts_only_tokens_for_aws(made: Pipelines) -> None:
    for each in made.templates.values():
        (provider,) = of_type(each, "AWS::IAM::OIDCProvider")
        assert (provider["Url"], provider["ClientIdList"]) == (f"https://{ISSUER}", ["sts.amazonaws.com"])


def test_without_a_repository_there_are_no_roles() -> None:
    without = {name: attrs.evolve(each, github=None) for name, each in DESCRIPTION.environments.items()}
    for tool in (tooling(github=None), None):
        environments = without if tool else {"dev": without["dev"]}
        pipelines = Pipelines(Description(environments=environments, tooling=tool))
        assert (pipelines.stacks, pipelines.warnings) == ({}, [])


def test_a_stage_without_account_and_region_has_a_warning_and_no_roles() -> None:
    staging = environment(None)
    production = environment(PRODUCTION, region=None, github=FROM_STAGING)
    pipelines = Pipelines(changed(tooling(region=None, account=None), staging=staging, production=production))
    assert pipelines.stacks == {}
    assert pipelines.warnings == [
        "environments.toml: tooling.account and tooling.region are not set, so GitHub Actions has no role there; set "
        "both [ack: retail:tooling-github]",
        "environments.toml: staging.account is not set, so GitHub Actions has no role there; set it [ack: "
        "retail:staging-github]",
        "environments.toml: production.region is not set, so GitHub Actions has no role there; set it [ack: "
        "retail:production-github]",
    ]
    pipelines.app.synth()


def test_the_complete_description_has_no_warning_and_is_valid(made: Pipelines) -> None:
    assert made.warnings == []
    made.app.synth()


def test_tags_the_permissions_boundary_and_protection_are_those_of_the_stage() -> None:
    limited = {"tags": {"owner": "shop"}, "permissions_boundary": "limit"}
    pipelines = Pipelines(changed(tooling(removable=True), staging=environment(STAGING, **limited)))
    for resource in pipelines.templates["staging"].to_json()["Resources"].values():
        if resource["Type"] != "AWS::IAM::ManagedPolicy":  # which CloudFormation cannot tag
            assert {"Key": "owner", "Value": "shop"} in resource["Properties"]["Tags"]
    role = pipelines.roles("staging")["Deploy"]
    assert text(role["PermissionsBoundary"]) == f"arn:aws:iam::{STAGING}:policy/limit"
    assert not pipelines.stacks["tooling"].termination_protection
    assert Pipelines(changed(tooling())).stacks["tooling"].termination_protection


def test_nothing_is_left_behind_when_a_stage_is_removed(made: Pipelines) -> None:
    for each in made.templates.values():
        resources = each.to_json()["Resources"].values()
        assert {resource.get("DeletionPolicy", "Delete") for resource in resources} == {"Delete"}

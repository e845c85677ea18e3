"""Private repositories, and the names of all repositories of an app."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Annotations, Match

from moorage import Encryption, Image, LifecyclePolicy, LifecycleRule, PublicRepository, Repository
from moorage.testing import readable_template
from tests.conftest import template

if TYPE_CHECKING:
    from constructs import Construct
    from syrupy.assertion import SnapshotAssertion

ORGANIZATION = "o-1234567890"


def lifecycle_of(stack: cdk.Stack) -> list[dict[str, Any]]:
    (repository,) = template(stack).find_resources("AWS::ECR::Repository").values()
    rules: list[dict[str, Any]] = json.loads(repository["Properties"]["LifecyclePolicy"]["LifecyclePolicyText"])[
        "rules"
    ]
    return rules


def test_whole_template(stack: cdk.Stack, template_snapshot: SnapshotAssertion) -> None:
    repository = Repository(stack, "Web", name="shop/web")
    assert isinstance(repository, ecr.Repository)
    assert readable_template(stack) == template_snapshot


def test_whole_template_with_a_key_and_mutable_tags(stack: cdk.Stack, template_snapshot: SnapshotAssertion) -> None:
    repository = Repository(
        stack,
        "Web",
        mutable_tags=["latest"],
        encryption=Encryption.own_key(),
        lifecycle=LifecyclePolicy(LifecycleRule(unpulled_for=dt.timedelta(days=90), archive=True)),
        removal_policy=cdk.RemovalPolicy.DESTROY,
        empty_on_delete=True,
    )
    repository.grant_pull(iam.OrganizationPrincipal(ORGANIZATION))
    assert readable_template(stack) == template_snapshot


@pytest.mark.parametrize("name", ["shop/web--api", "shop__web", "shop/web_1"])
def test_every_name_that_ecr_accepts_is_accepted(stack: cdk.Stack, name: str) -> None:
    Repository(stack, "Web", name=name)
    template(stack).has_resource_properties("AWS::ECR::Repository", {"RepositoryName": name})


def test_a_repository_is_immutable_encrypted_scanned_and_retained(stack: cdk.Stack) -> None:
    Repository(stack, "Web")
    template(stack).has_resource(
        "AWS::ECR::Repository",
        {
            "DeletionPolicy": "RetainExceptOnCreate",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "ImageTagMutability": "IMMUTABLE",
                "EncryptionConfiguration": {"EncryptionType": "KMS"},
                "ImageScanningConfiguration": {"ScanOnPush": True},
            },
        },
    )


def test_releases_are_kept_by_their_tags(stack: cdk.Stack) -> None:
    Repository(stack, "Web", keep_releases=30, release_tags="v*", expire_untagged=cdk.Duration.days(7))
    untagged, releases = lifecycle_of(stack)
    assert untagged["selection"]["countNumber"] == 7
    assert releases["selection"]["tagPatternList"] == ["v*"]
    assert releases["selection"]["countNumber"] == 30


def test_rules_for_the_archive_are_in_the_template(stack: cdk.Stack) -> None:
    Repository(stack, "Web", lifecycle=LifecyclePolicy(LifecycleRule(unpulled_for=dt.timedelta(days=90), archive=True)))
    (rule,) = lifecycle_of(stack)
    assert rule["action"] == {"type": "transition", "targetStorageClass": "archive"}


def test_a_rule_cannot_be_added_later(stack: cdk.Stack) -> None:
    with pytest.raises(ValueError, match=r"Shop/Web: add_lifecycle_rule .*; use Repository\(lifecycle="):
        Repository(stack, "Web").add_lifecycle_rule(max_image_count=3)  # type: ignore[call-arg]  # type checkers refuse it, too


@pytest.mark.parametrize(
    ("encryption", "configuration", "keys"),
    [
        (Encryption.aws_key(), {"EncryptionType": "KMS", "KmsKey": Match.absent()}, 0),
        (Encryption.aws_key(dual_layer=True), {"EncryptionType": "KMS_DSSE", "KmsKey": Match.absent()}, 0),
        (Encryption.aes256(), {"EncryptionType": "AES256"}, 0),
        (Encryption.own_key(), {"EncryptionType": "KMS", "KmsKey": Match.any_value()}, 1),
    ],
)
def test_images_are_encrypted_with_the_chosen_key(
    stack: cdk.Stack, encryption: Encryption, configuration: dict[str, Any], keys: int
) -> None:
    Repository(stack, "Web", encryption=encryption)
    template(stack).has_resource_properties("AWS::ECR::Repository", {"EncryptionConfiguration": configuration})
    template(stack).resource_count_is("AWS::KMS::Key", keys)


def test_a_given_key_encrypts_with_one_or_two_layers(stack: cdk.Stack) -> None:
    key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:111111111111:key/1a2b")
    Repository(stack, "Web", encryption=Encryption.with_key(key, dual_layer=True))
    template(stack).has_resource_properties(
        "AWS::ECR::Repository", {"EncryptionConfiguration": {"EncryptionType": "KMS_DSSE", "KmsKey": key.key_arn}}
    )


def test_an_own_key_is_rotated_and_deleted_with_its_repository(stack: cdk.Stack) -> None:
    Repository(stack, "Web", encryption=Encryption.own_key(), removal_policy=cdk.RemovalPolicy.DESTROY)
    key = {"DeletionPolicy": "Delete", "Properties": {"EnableKeyRotation": True}}
    template(stack).has_resource("AWS::KMS::Key", key)


def test_an_own_key_is_retained_with_its_repository(stack: cdk.Stack) -> None:
    Repository(stack, "Web", encryption=Encryption.own_key())
    template(stack).has_resource(
        "AWS::KMS::Key", {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
    )


def test_a_key_of_another_region_is_refused_and_one_of_another_account_is_not(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    there = kms.Key.from_key_arn(stack, "There", "arn:aws:kms:us-east-1:111111111111:key/1a2b")
    with pytest.raises(ValueError, match=r"Shop/Web: encryption must be in region eu-west-1.*got region us-east-1"):
        Repository(stack, "Web", encryption=Encryption.with_key(there))
    security = kms.Key.from_key_arn(stack, "Security", "arn:aws:kms:eu-west-1:222222222222:key/1a2b")
    assert Repository(stack, "Web", encryption=Encryption.with_key(security))


@pytest.mark.parametrize(
    "encryption", [lambda _: Encryption.own_key(), lambda stack: Encryption.with_key(kms.Key(stack, "Key"))]
)
@pytest.mark.parametrize("grant", ["grant_pull", "grant_push", "grant_pull_push"])
def test_a_grant_of_images_does_not_change_the_key_policy(app: cdk.App, encryption: Any, grant: str) -> None:
    """ECR uses the key with its own grants, and a key policy cannot name a role that does not exist yet."""
    stack = cdk.Stack(app, "Images", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    ci = cdk.Stack(app, "Ci", env=cdk.Environment(account="222222222222", region="eu-west-1"))
    role = iam.Role(
        ci, "Role", role_name=cdk.PhysicalName.GENERATE_IF_NEEDED, assumed_by=iam.ServicePrincipal("ecs.amazonaws.com")
    )
    repository = Repository(stack, "Web", name="shop/web", encryption=encryption(stack))
    for principal in (role, iam.AccountPrincipal("333333333333"), iam.OrganizationPrincipal(ORGANIZATION)):
        getattr(repository, grant)(principal)
    found = app.synth().get_stack_by_name("Images").template["Resources"].values()
    (key,) = (each for each in found if each["Type"] == "AWS::KMS::Key")
    (images,) = (each for each in found if each["Type"] == "AWS::ECR::Repository")
    assert len(key["Properties"]["KeyPolicy"]["Statement"]) == 1  # only that of the account's administrators
    said = json.dumps(images["Properties"]["RepositoryPolicyText"])
    assert all(each in said for each in ("222222222222", "333333333333", ORGANIZATION))


def test_a_grant_to_a_role_is_in_the_policy_of_the_role(stack: cdk.Stack) -> None:
    role = iam.Role(stack, "Ci", assumed_by=iam.ServicePrincipal("codebuild.amazonaws.com"))
    repository = Repository(stack, "Web", encryption=Encryption.own_key())
    repository.grant_pull_push(role)
    repository.grant_read(role)
    (policy,) = template(stack).find_resources("AWS::IAM::Policy").values()
    said = json.dumps(policy)
    for action in ("ecr:PutImage", "ecr:BatchGetImage", "ecr:GetAuthorizationToken", "ecr:DescribeImages"):
        assert action in said
    assert "kms:" not in said


def test_an_existing_repository_is_used_by_its_arn(stack: cdk.Stack) -> None:
    found = Repository.from_repository_arn(stack, "Found", "arn:aws:ecr:eu-west-1:111111111111:repository/web")
    assert Image.from_repository(found, tag="latest")


def test_pulls_are_counted(stack: cdk.Stack) -> None:
    metric = Repository(stack, "Web", name="shop/web").metric_pull_count(statistic="Average")
    assert (metric.namespace, metric.metric_name, metric.statistic) == ("AWS/ECR", "RepositoryPullCount", "Average")
    assert list(metric.dimensions or {}) == ["RepositoryName"]


def test_latest_can_be_used_if_it_is_mutable(stack: cdk.Stack) -> None:
    assert Image.from_repository(Repository(stack, "Moving", immutable_tags=False), tag="latest")
    assert Image.from_repository(Repository(stack, "Excluded", mutable_tags=["latest"]), tag="latest")
    assert Image.from_repository(Repository(stack, "Versions", immutable_tags=["v*"]), tag="latest")
    with pytest.raises(ValueError, match="tag must not be 'latest'"):
        Image.from_repository(Repository(stack, "Fixed"), tag="latest")


def test_latest_is_refused_for_any_repository_of_cdk_with_immutable_tags(stack: cdk.Stack) -> None:
    fixed = ecr.Repository(stack, "Fixed", image_tag_mutability=ecr.TagMutability.IMMUTABLE)
    with pytest.raises(ValueError, match="tag must not be 'latest'"):
        Image.from_repository(fixed, tag="latest")
    assert Image.from_repository(fixed, tag="1.4.2")
    assert Image.from_repository(ecr.Repository(stack, "Moving"), tag="latest")
    assert Image.from_repository(ecr.Repository.from_repository_name(stack, "Known", "known"), tag="latest")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"keep_releases": 1}, "so that a rollback finds the previous image"),
        ({"empty_on_delete": True}, "empty_on_delete must be used only with removal_policy=DESTROY"),
        ({"keep_releases": 3, "lifecycle": LifecyclePolicy.releases()}, "which lifecycle replaces"),
        ({"name": "Shop/Web"}, "2 to 256 characters: lowercase letters"),
        ({"expire_untagged": dt.timedelta(hours=1)}, "must be a whole number of days"),
    ],
)
def test_contradicting_arguments_are_refused(stack: cdk.Stack, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=f"Shop/Web: .*{says}"):
        Repository(stack, "Web", **arguments)
    assert stack.node.try_find_child("Web") is None


def test_all_problems_are_reported_together(stack: cdk.Stack) -> None:
    with pytest.raises(ValueError, match="Shop/Web: 3 problems"):
        Repository(stack, "Web", name="Shop", keep_releases=0, mutable_tags=["a b"])


def test_a_name_that_is_known_at_deployment_passes(stack: cdk.Stack) -> None:
    assert Repository(stack, "Web", name=cdk.CfnParameter(stack, "Name").value_as_string)


def in_place(scope: Construct, name: str, account: str | None = None, region: str | None = None) -> cdk.Stack:
    return cdk.Stack(scope, name, env=cdk.Environment(account=account, region=region))


@pytest.mark.parametrize("construct", [Repository, PublicRepository])
def test_the_same_name_in_one_environment_is_an_error_that_names_both(app: cdk.App, construct: Any) -> None:
    stage = cdk.Stage(app, "Test")
    for name in ("One", "Two"):
        construct(in_place(stage, name, "111111111111", "us-east-1"), "Web", name="shop/web")
    with pytest.raises(
        RuntimeError,
        match=rf"Test/One/Web and Test/Two/Web have the same name 'shop/web', .* AWS::ECR::{construct.__name__} must",
    ):
        app.synth()


def test_the_same_name_in_one_stack_is_an_error_in_any_environment(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop")
    Repository(stack, "One", name="shop/web")
    with pytest.raises(ValueError, match="Shop/Two: Shop/One has the same name 'shop/web', but"):
        Repository(stack, "Two", name="shop/web")


def test_the_same_name_in_two_stages_of_one_environment_is_an_error(app: cdk.App) -> None:
    for name in ("Dev", "Prod"):
        Repository(in_place(cdk.Stage(app, name), "Images", "111111111111", "eu-west-1"), "Web", name="shop/web")
    with pytest.raises(RuntimeError, match="Dev/Images/Web and Prod/Images/Web have the same name"):
        app.synth()


def test_the_same_name_in_two_accounts_or_stages_passes(app: cdk.App) -> None:
    stage = cdk.Stage(app, "Test")
    stacks = [in_place(stage, f"In{account}", account, "eu-west-1") for account in ("111111111111", "222222222222")]
    stacks.append(in_place(stage, "Elsewhere", "111111111111", "us-east-1"))
    for stack in stacks:
        Repository(stack, "Web", name="shop/web")
    for name in ("Other", "Another"):
        stacks.append(cdk.Stack(cdk.Stage(app, name), "One"))
        Repository(stacks[-1], "Web", name="shop/web")
    app.synth()
    for stack in stacks:
        Annotations.from_stack(stack).has_no_warning("*", Match.any_value())


def test_the_same_name_in_stacks_of_unknown_environments_warns(app: cdk.App) -> None:
    first, second = cdk.Stack(app, "One"), in_place(app, "Two", region="eu-west-1")
    for stack in (first, second):
        Repository(stack, "Web", name="shop/web")
    app.synth()
    Annotations.from_stack(first).has_no_warning("*", Match.any_value())
    Annotations.from_stack(second).has_warning(
        "/Two/Web",
        Match.string_like_regexp(
            "One/Web has the same name 'shop/web', but the name of each AWS::ECR::Repository.*env="
        ),
    )


def test_a_removed_repository_does_not_occupy_its_name(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop")
    Repository(stack, "Old", name="shop/web")
    stack.node.try_remove_child("Old")
    Repository(stack, "New", name="shop/web")
    app.synth()

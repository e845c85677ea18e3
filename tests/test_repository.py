"""What a repository promises, and what a stage of them shows together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr

from moorage import Image, Repository
from tests.conftest import readable, template

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion


def test_whole_template(stack: cdk.Stack, whole: SnapshotAssertion) -> None:
    repository = Repository(stack, "Web", name="shop/web")
    assert isinstance(repository, ecr.Repository)
    assert readable(template(stack).to_json()) == whole


def test_it_is_immutable_encrypted_scanned_and_retained(stack: cdk.Stack) -> None:
    Repository(stack, "Web")
    template(stack).has_resource(
        "AWS::ECR::Repository",
        {
            "DeletionPolicy": "Retain",
            "Properties": {
                "ImageTagMutability": "IMMUTABLE",
                "EncryptionConfiguration": {"EncryptionType": "KMS"},
                "ImageScanningConfiguration": {"ScanOnPush": True},
            },
        },
    )


def test_latest_can_be_used_where_tags_move(stack: cdk.Stack) -> None:
    assert Image.from_repository(Repository(stack, "Moving", immutable_tags=False), tag="latest")
    with pytest.raises(ValueError, match="tag is 'latest'"):
        Image.from_repository(Repository(stack, "Fixed"), tag="latest")


def test_latest_is_refused_of_any_repository_of_cdk_that_says_its_tags_are_immutable(stack: cdk.Stack) -> None:
    fixed = ecr.Repository(stack, "Fixed", image_tag_mutability=ecr.TagMutability.IMMUTABLE)
    with pytest.raises(ValueError, match="tag is 'latest'"):
        Image.from_repository(fixed, tag="latest")
    assert Image.from_repository(fixed, tag="1.4.2")
    assert Image.from_repository(ecr.Repository(stack, "Moving"), tag="latest")
    assert Image.from_repository(ecr.Repository.from_repository_name(stack, "Known", "known"), tag="latest")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"keep_images": 0}, "an empty repository deploys nothing"),
        ({"empty_on_delete": True}, "a repository that is retained is not deleted"),
    ],
)
def test_arguments_that_contradict_are_refused(stack: cdk.Stack, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=f"Shop/Web: .*{says}"):
        Repository(stack, "Web", **arguments)


def test_one_name_twice_in_an_environment_is_an_error_that_names_both(app: cdk.App) -> None:
    stage = cdk.Stage(app, "Test")
    for name in ("One", "Two"):
        Repository(cdk.Stack(stage, name), "Web", name="shop/web")
    with pytest.raises(
        RuntimeError, match="Test/One/Web and Test/Two/Web are both the AWS::ECR::Repository 'shop/web'"
    ):
        app.synth()


def test_one_name_in_two_accounts_or_stages_is_none(app: cdk.App) -> None:
    stage = cdk.Stage(app, "Test")
    for account in ("111111111111", "222222222222"):
        stack = cdk.Stack(stage, f"In{account}", env=cdk.Environment(account=account, region="eu-west-1"))
        Repository(stack, "Web", name="shop/web")
    Repository(cdk.Stack(cdk.Stage(app, "Other"), "One"), "Web", name="shop/web")
    app.synth()

"""The keys that images are encrypted with, and who may use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moorage.ecr import repository_limits
from moorage.workload.problems import Problems, is_token

if TYPE_CHECKING:
    import aws_cdk as cdk
    from aws_cdk import aws_kms as kms
    from constructs import Construct

    from moorage.ecr.repository.repository_settings import Encryption

PULL_KEY_ACTIONS = ("kms:Decrypt", "kms:DescribeKey")
PUSH_KEY_ACTIONS = (*PULL_KEY_ACTIONS, "kms:GenerateDataKey")


def check_key(encryption: Encryption, stack: cdk.Stack, problems: Problems) -> None:
    """Note a key that is of another region than `stack`, as far as both are known."""
    if encryption.given_key is not None:
        regions = (encryption.given_key.env.region, stack.region)
        if not any(map(is_token, regions)):
            problems.check(repository_limits.KEY_REGION, "encryption", regions)


def encryption_key_for(scope: Construct, encryption: Encryption, removal_policy: cdk.RemovalPolicy) -> kms.IKey | None:
    """Return the key that encrypts images, and define it in `scope` if it does not exist; None for AWS's key."""
    if not encryption.defines_key:
        return encryption.given_key
    from aws_cdk import aws_kms as kms  # noqa: PLC0415  # loads aws_cdk.aws_kms

    return kms.Key(
        scope,
        "Key",
        enable_key_rotation=True,
        description="Images of Amazon ECR",
        removal_policy=removal_policy,
    )

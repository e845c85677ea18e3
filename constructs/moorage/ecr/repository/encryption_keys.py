"""The KMS keys with which images are encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from moorage.delivery.keys import retained_except_on_create
from moorage.scope.acknowledgements import POLICY_OF_KEY, acknowledge

if TYPE_CHECKING:
    import aws_cdk as cdk
    from aws_cdk import aws_kms as kms
    from constructs import Construct

    from moorage.ecr.repository.repository_settings import Encryption


def encryption_key_for(scope: Construct, encryption: Encryption, removal_policy: cdk.RemovalPolicy) -> kms.IKey | None:
    """Return the KMS key that encrypts images, defined in `scope` if needed, or None for a key that AWS manages."""
    if not encryption.defines_key:
        return encryption.given_key
    from aws_cdk import aws_kms as kms  # noqa: PLC0415  # loads aws_cdk.aws_kms

    key = kms.Key(
        scope,
        "Key",
        enable_key_rotation=True,
        description="Images of Amazon ECR",
        removal_policy=retained_except_on_create(removal_policy),
    )
    acknowledge(key, *POLICY_OF_KEY)
    return cast("kms.IKey", key)

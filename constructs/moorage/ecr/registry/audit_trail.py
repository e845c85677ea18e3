"""The CloudTrail trail that records who called ECR."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import aws_cdk as cdk

from moorage.workload.durations import default_seconds, seconds
from moorage.workload.problems import Problems, is_token
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from aws_cdk import aws_cloudtrail as cloudtrail
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from constructs import Construct

_SECONDS_PER_DAY = 86400
_OLD_VERSIONS_KEPT_DAYS = 30


@value_class
@attrs.frozen
class AuditTrail:
    """The CloudTrail trail that records calls of ECR; made by one of its methods.

    CloudTrail keeps 90 days of each account's management events without one. A trail keeps them longer, and is what
    `Registry.on_api_call` hears.

    Args:
        name_or_arn: The trail that exists already, where it matters which.
        kept: How many seconds events are kept by a trail of the registry's own; none is defined without it.
        auto_delete_objects: Whether the bucket of that trail is emptied when it is deleted.
    """

    name_or_arn: str | None = None
    kept: int | None = None
    auto_delete_objects: bool = False

    @staticmethod
    def existing(name_or_arn: str | None = None) -> AuditTrail:
        """The trail that the account, or its organization, has already; nothing is defined.

        Args:
            name_or_arn: Which one, where it matters.
        """
        return AuditTrail(name_or_arn)

    @staticmethod
    def own(*, kept: cdk.Duration | None = None, auto_delete_objects: bool = False) -> AuditTrail:
        """A trail of the registry's own. It records all management events of the account and region, not ECR's alone.

        CloudTrail delivers the first copy of them free of charge; with another trail there, AWS bills this one by the
        event. Its bucket is billed by volume, its key by the month.

        Args:
            kept: How long events are kept, in days; a year without it.
            auto_delete_objects: Whether to empty the trail's bucket when it is deleted, as `RemovalPolicy.DESTROY` of
                the registry needs: CDK adds a custom resource for it.

        Raises:
            ValueError: it is less than a day.
        """
        kept_seconds = seconds(default_seconds(365 * _SECONDS_PER_DAY) if kept is None else kept)
        problems = Problems("AuditTrail")
        if kept_seconds < _SECONDS_PER_DAY:
            problems.add(f"kept is {kept_seconds} s, but a bucket counts days, from 1; use cdk.Duration.days(365)")
        problems.raise_any()
        return AuditTrail(kept=kept_seconds, auto_delete_objects=auto_delete_objects)

    def _arn_in(self, stack: cdk.Stack) -> str | None:
        """Return the ARN of an existing trail, or None if the trail was not named."""
        if self.name_or_arn is None or self.name_or_arn.startswith("arn:") or is_token(self.name_or_arn):
            return self.name_or_arn
        return stack.format_arn(service="cloudtrail", resource="trail", resource_name=self.name_or_arn)


def check_removal(audit: AuditTrail, removal_policy: cdk.RemovalPolicy, problems: Problems) -> None:
    """Note a bucket that CloudFormation could not delete: CloudTrail writes into it from the first minutes on."""
    goes = audit.kept is not None and removal_policy is cdk.RemovalPolicy.DESTROY
    if goes and not audit.auto_delete_objects:
        problems.add(
            "removal_policy is DESTROY, but the bucket of its trail is never empty, and CloudFormation deletes only "
            "empty buckets; use AuditTrail.own(auto_delete_objects=True) or RemovalPolicy.RETAIN"
        )
    if audit.auto_delete_objects and not goes:
        problems.add(
            "audit has auto_delete_objects=True, but no bucket of a trail is deleted with the stack; leave it out, or "
            "use removal_policy=cdk.RemovalPolicy.DESTROY"
        )


def define_trail(scope: Construct, audit: AuditTrail, removal_policy: cdk.RemovalPolicy) -> cloudtrail.Trail | None:
    """Define the registry's own trail, of this region, with its files in an encrypted, versioned and private bucket."""
    if audit.kept is None:
        return None
    from aws_cdk import aws_cloudtrail as cloudtrail  # noqa: PLC0415  # loads aws_cdk.aws_cloudtrail

    key = _define_key(scope, removal_policy)
    bucket = _define_bucket(
        scope,
        key,
        days=-(-audit.kept // _SECONDS_PER_DAY),
        removal_policy=removal_policy,
        auto_delete_objects=audit.auto_delete_objects,
    )
    trail = cloudtrail.Trail(
        scope,
        "Trail",
        bucket=bucket,
        encryption_key=key,
        enable_file_validation=True,
        is_multi_region_trail=False,
        include_global_service_events=False,
        management_events=cloudtrail.ReadWriteType.ALL,
    )
    if audit.auto_delete_objects:
        trail.node.add_dependency(bucket)  # is deleted first, and writes no more when the bucket is emptied
    return trail


def _define_key(scope: Construct, removal_policy: cdk.RemovalPolicy) -> kms.Key:
    """Define the key of the trail's files, which CloudTrail may use."""
    from aws_cdk import aws_iam as iam  # noqa: PLC0415  # loads aws_cdk.aws_iam
    from aws_cdk import aws_kms as kms  # noqa: PLC0415  # loads aws_cdk.aws_kms

    key = kms.Key(scope, "TrailKey", enable_key_rotation=True, removal_policy=removal_policy)
    trails = cdk.Stack.of(scope).format_arn(service="cloudtrail", resource="trail", resource_name="*")
    source = {"ArnLike": {"aws:SourceArn": trails}}
    context = {"StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": trails}}
    # CloudTrail user guide, configure AWS KMS key policies: Decrypt is for the bucket key, and has no condition there
    for action, conditions in (
        ("kms:GenerateDataKey*", {**context, **source}),
        ("kms:Decrypt", {}),
        ("kms:DescribeKey", source),
    ):
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudtrail.amazonaws.com")],
                actions=[action],
                resources=["*"],
                conditions=conditions,
            )
        )
    return key


def _define_bucket(
    scope: Construct, key: kms.Key, *, days: int, removal_policy: cdk.RemovalPolicy, auto_delete_objects: bool
) -> s3.Bucket:
    """Define the bucket of the trail's files, which it keeps for so many days."""
    from aws_cdk import aws_s3 as s3  # noqa: PLC0415  # loads aws_cdk.aws_s3

    return s3.Bucket(
        scope,
        "TrailFiles",
        encryption=s3.BucketEncryption.KMS,
        encryption_key=key,
        bucket_key_enabled=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        versioned=True,
        lifecycle_rules=[
            s3.LifecycleRule(
                expiration=cdk.Duration.days(days),
                noncurrent_version_expiration=cdk.Duration.days(_OLD_VERSIONS_KEPT_DAYS),
                abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
            )
        ],
        removal_policy=removal_policy,
        auto_delete_objects=auto_delete_objects,
    )

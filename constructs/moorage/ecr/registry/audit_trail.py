"""The CloudTrail trail that records ECR API calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import aws_cdk as cdk

from moorage.scope.acknowledgements import POLICY_OF_KEY, acknowledge
from moorage.workload.durations import default_seconds, seconds
from moorage.workload.problems import Problems, is_token
from moorage.workload.value import value_class

if TYPE_CHECKING:
    import datetime as dt

    from aws_cdk import aws_cloudtrail as cloudtrail
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from constructs import Construct

_SECONDS_PER_DAY = 86400
_OLD_VERSIONS_KEPT_DAYS = 30


@value_class
@attrs.frozen
class AuditTrail:
    """The CloudTrail trail that records ECR API calls, created by `existing` or `own`.

    Without a trail, CloudTrail keeps the management events of an account for 90 days. A trail keeps events longer, and
    `Registry.on_api_call` needs a trail.

    Args:
        name_or_arn: The name or ARN of an existing trail. Default: any trail of the account.
        kept: The time for which the registry's own trail keeps events, in seconds. Default: the registry defines no
            trail.
        auto_delete_objects: Whether to empty the bucket of the registry's own trail when the bucket is deleted.
            Default: False.
    """

    name_or_arn: str | None = None
    kept: int | None = None
    auto_delete_objects: bool = False

    @staticmethod
    def existing(name_or_arn: str | None = None) -> AuditTrail:
        """Use an existing trail of the account or its organization. No resource is defined.

        Args:
            name_or_arn: The name or ARN of the trail. Default: any trail of the account.
        """
        return AuditTrail(name_or_arn)

    @staticmethod
    def own(*, kept: cdk.Duration | dt.timedelta | None = None, auto_delete_objects: bool = False) -> AuditTrail:
        """Define a trail that belongs to the registry and records all management events of the account and region.

        CloudTrail delivers the first copy of management events free of charge. If another trail of the account already
        records these events, AWS bills this trail for each event. AWS also bills the trail's bucket by volume and its
        KMS key by the month.

        Args:
            kept: The time for which events are kept, at least a day. Default: 365 days.
            auto_delete_objects: Whether to empty the trail's bucket when the bucket is deleted, which
                `RemovalPolicy.DESTROY` of the registry requires. CDK adds a custom resource. Default: False.

        Raises:
            ValueError: If `kept` is less than a day.
        """
        kept_seconds = seconds(default_seconds(365 * _SECONDS_PER_DAY) if kept is None else kept)
        problems = Problems("AuditTrail")
        if kept_seconds < _SECONDS_PER_DAY:
            problems.add(
                f"kept must be at least 1 day (got {kept_seconds} s); use a duration such as cdk.Duration.days(365)"
            )
        problems.raise_any()
        return AuditTrail(kept=kept_seconds, auto_delete_objects=auto_delete_objects)

    def _arn_in(self, stack: cdk.Stack) -> str | None:
        """Return the ARN of the named trail, or None if no trail is named. A token is returned unchanged."""
        if self.name_or_arn is None or self.name_or_arn.startswith("arn:") or is_token(self.name_or_arn):
            return self.name_or_arn
        return stack.format_arn(service="cloudtrail", resource="trail", resource_name=self.name_or_arn)


def check_removal(audit: AuditTrail, removal_policy: cdk.RemovalPolicy, problems: Problems) -> None:
    """Check that the bucket of the trail is emptied if, and only if, it is deleted.

    CloudFormation deletes only empty buckets, and CloudTrail writes to the bucket within minutes.
    """
    goes = audit.kept is not None and removal_policy is cdk.RemovalPolicy.DESTROY
    if goes and not audit.auto_delete_objects:
        problems.add(
            "removal_policy must not be DESTROY with a trail whose bucket is not emptied, since CloudFormation deletes "
            "only empty buckets; use AuditTrail.own(auto_delete_objects=True) or RemovalPolicy.RETAIN"
        )
    if audit.auto_delete_objects and not goes:
        problems.add(
            "auto_delete_objects of audit must be used only with removal_policy=DESTROY, since the bucket of the "
            "trail is otherwise retained; leave auto_delete_objects= out, or use "
            "removal_policy=cdk.RemovalPolicy.DESTROY"
        )


def define_trail(scope: Construct, audit: AuditTrail, removal_policy: cdk.RemovalPolicy) -> cloudtrail.Trail | None:
    """Define the registry's own trail, for this region, or return None if `audit` has no trail of its own.

    The bucket of the trail is encrypted, versioned and private.
    """
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
    acknowledge(
        bucket,
        "log-bucket-extras",
        "replication, Object Lock and access logs of the bucket cost money, so the user decides",
    )
    acknowledge(
        trail,
        "trail-cloudwatch-logs",
        "the bucket stores all events, and EventBridge delivers each event; AWS would bill a second copy in CloudWatch "
        "Logs by volume",
    )
    acknowledge(trail, "trail-one-region", "the trail records a registry, which belongs to one region")
    if audit.auto_delete_objects:
        trail.node.add_dependency(bucket)  # so that the trail stops writing before the bucket is emptied
    return trail


def _define_key(scope: Construct, removal_policy: cdk.RemovalPolicy) -> kms.Key:
    """Define the KMS key that encrypts the trail's files, and allow CloudTrail to use the key."""
    from aws_cdk import aws_iam as iam  # noqa: PLC0415  # loads aws_cdk.aws_iam
    from aws_cdk import aws_kms as kms  # noqa: PLC0415  # loads aws_cdk.aws_kms

    key = kms.Key(scope, "TrailKey", enable_key_rotation=True, removal_policy=removal_policy)
    acknowledge(key, *POLICY_OF_KEY)
    trails = cdk.Stack.of(scope).format_arn(service="cloudtrail", resource="trail", resource_name="*")
    source = {"ArnLike": {"aws:SourceArn": trails}}
    context = {"StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": trails}}
    # CloudTrail user guide, configure AWS KMS key policies: Decrypt is for the bucket key, without a condition
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
    """Define the bucket for the trail's log files, which expire after `days` days."""
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

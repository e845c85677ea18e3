"""The bucket for the access logs of load balancers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from moorage.scope.acknowledgements import acknowledge

if TYPE_CHECKING:
    from constructs import Construct, IDependable

APPLICATION_LOG_WRITER = "logdelivery.elasticloadbalancing.amazonaws.com"
"""The service that writes the access logs of Application Load Balancers."""
_LOG_RETENTION_DAYS = 365
_OLD_VERSION_RETENTION_DAYS = 30


def define_log_bucket(
    scope: Construct,
    writer: str,
    removal_policy: cdk.RemovalPolicy,
    conditions: Mapping[str, Any] | None = None,
    *,
    auto_delete_objects: bool,
) -> tuple[s3.Bucket, IDependable | None]:
    """Define a bucket for access logs. Return the bucket, and the policy that lets the service write.

    Args:
        scope: The scope in which to define the bucket.
        writer: The AWS service that writes the logs.
        removal_policy: The removal policy of the bucket.
        conditions: The conditions under which the service may write. Default: none.
        auto_delete_objects: Whether to empty the bucket when the bucket is deleted.
    """
    bucket = s3.Bucket(
        scope,
        "AccessLogs",
        encryption=s3.BucketEncryption.S3_MANAGED,  # the only encryption that both kinds of load balancers support
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        versioned=True,
        lifecycle_rules=[
            s3.LifecycleRule(
                expiration=cdk.Duration.days(_LOG_RETENTION_DAYS),
                noncurrent_version_expiration=cdk.Duration.days(_OLD_VERSION_RETENTION_DAYS),
                abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
            )
        ],
        removal_policy=removal_policy,
        auto_delete_objects=auto_delete_objects,
    )
    acknowledge(
        bucket,
        "log-bucket-extras",
        "log buckets of Application Load Balancers support only SSE-S3; replication, Object Lock and access logs "
        "of the bucket cost money",
    )
    result = bucket.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(writer)],
            actions=["s3:PutObject"],
            resources=[bucket.arn_for_objects(f"AWSLogs/{cdk.Aws.ACCOUNT_ID}/*")],
            conditions=conditions,
        )
    )
    return bucket, result.policy_dependable

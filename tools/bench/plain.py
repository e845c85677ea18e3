"""The parts of both comparison apps that have no pattern, defined with L2s and L1s."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs
    from aws_cdk import aws_elasticloadbalancingv2 as elbv2


def keep_failures(stack: cdk.Stack, cluster: ecs.Cluster) -> None:
    """Store the failure events of a cluster in a log group, as `moorage.FailureEvents` does."""
    seen = logs.LogGroup(stack, "SeenLogs", retention=logs.RetentionDays.ONE_YEAR)
    let_write = logs.CfnResourcePolicy(
        stack,
        "EventLogs",
        policy_name=f"{cdk.Aws.STACK_NAME}-event-logs",
        policy_document=stack.to_json_string(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": ["events.amazonaws.com", "delivery.logs.amazonaws.com"]},
                        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                        "Resource": seen.log_group_arn,
                    }
                ],
            }
        ),
    )
    key = kms.Key(
        stack,
        "SeenKey",
        enable_key_rotation=True,
        description="Events of Amazon ECS on their way",
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    key.grant_encrypt_decrypt(iam.ServicePrincipal("events.amazonaws.com"))
    letters = sqs.Queue(
        stack,
        "SeenLetters",
        encryption=sqs.QueueEncryption.KMS,
        encryption_master_key=key,
        enforce_ssl=True,
        retention_period=cdk.Duration.days(14),
        redrive_allow_policy=sqs.RedriveAllowPolicy(redrive_permission=sqs.RedrivePermission.DENY_ALL),
        removal_policy=cdk.RemovalPolicy.RETAIN,
    )
    letters.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=["sqs:SendMessage"],
            resources=[letters.queue_arn],
            conditions={
                "StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID},
                "ArnLike": {"aws:SourceArn": stack.format_arn(service="events", resource="rule", resource_name="*")},
            },
        )
    )
    exited = {"stopCode": ["EssentialContainerExited"]}
    kept = {
        "detail-type": ["ECS Task State Change"],
        "detail": {
            "clusterArn": [cluster.cluster_arn],
            "lastStatus": ["STOPPED"],
            "$or": [
                {
                    "stopCode": [
                        {"anything-but": ["EssentialContainerExited", "ServiceSchedulerInitiated"]},
                        {"exists": False},
                    ]
                },
                {**exited, "group": [{"prefix": "service:"}]},
                {**exited, "containers": {"exitCode": [{"anything-but": [0]}]}},
                {
                    "stopCode": ["ServiceSchedulerInitiated"],
                    "stoppedReason": [{"anything-but": {"prefix": "Scaling activity initiated by"}}],
                },
            ],
        },
    }
    failed = {
        "detail-type": ["ECS Deployment State Change"],
        "resources": [
            {"prefix": stack.format_arn(service="ecs", resource="service", resource_name=f"{cluster.cluster_name}/")}
        ],
        "detail": {"eventName": ["SERVICE_DEPLOYMENT_FAILED"]},
    }
    impaired = {
        "detail-type": ["ECS Service Action"],
        "detail": {"clusterArn": [cluster.cluster_arn], "eventType": ["WARN", "ERROR"]},
    }
    rule = events.CfnRule(
        stack,
        "Seen",
        description="Stopped tasks, failed deployments and tasks without a place",
        event_pattern={"source": ["aws.ecs"], "$or": [kept, failed, impaired]},
        targets=[
            events.CfnRule.TargetProperty(
                id="Logs",
                dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=letters.queue_arn),
                arn=stack.format_arn(
                    service="logs",
                    resource="log-group",
                    resource_name=seen.log_group_name,
                    arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                ),
            )
        ],
    )
    rule.add_resource_dependency(let_write)


def log_access(stack: cdk.Stack, edge: elbv2.ApplicationLoadBalancer) -> None:
    """Log the requests of a load balancer for a year, as `moorage.LoadBalancer` does."""
    access_logs = s3.Bucket(
        stack,
        "AccessLogs",
        encryption=s3.BucketEncryption.S3_MANAGED,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        enforce_ssl=True,
        versioned=True,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        lifecycle_rules=[
            s3.LifecycleRule(
                expiration=cdk.Duration.days(365),
                noncurrent_version_expiration=cdk.Duration.days(30),
                abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
            )
        ],
    )
    granted = access_logs.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("logdelivery.elasticloadbalancing.amazonaws.com")],
            actions=["s3:PutObject"],
            resources=[access_logs.arn_for_objects(f"AWSLogs/{cdk.Aws.ACCOUNT_ID}/*")],
        )
    )
    edge.set_attribute("access_logs.s3.enabled", "true")
    edge.set_attribute("access_logs.s3.bucket", access_logs.bucket_name)
    if granted.policy_dependable:
        edge.node.add_dependency(granted.policy_dependable)

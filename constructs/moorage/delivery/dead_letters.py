"""Dead-letter queues for failed deliveries, and the alarm on their messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_events as events
    from aws_cdk import aws_kms as kms
    from constructs import Construct

MAXIMUM_RETENTION_DAYS = 14
"""The longest that SQS keeps a message (botocore sqs SetQueueAttributes.MessageRetentionPeriod)."""


def define_dead_letters(
    scope: Construct,
    construct_id: str,
    *,
    encryption: sqs.QueueEncryption,
    removal_policy: cdk.RemovalPolicy,
    encryption_key: kms.IKey | None = None,
) -> sqs.Queue:
    """Define a dead-letter queue for services, with the longest retention of SQS; no other queue may use it."""
    return sqs.Queue(
        scope,
        construct_id,
        encryption=encryption,
        encryption_master_key=encryption_key,
        enforce_ssl=True,
        retention_period=cdk.Duration.days(MAXIMUM_RETENTION_DAYS),
        redrive_allow_policy=sqs.RedriveAllowPolicy(redrive_permission=sqs.RedrivePermission.DENY_ALL),
        removal_policy=removal_policy,
    )


def allow_send(queue: sqs.IQueue, rule: events.CfnRule) -> None:
    """Allow EventBridge to send the events that a target of `rule` did not take to a queue."""
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions={"ArnEquals": {"aws:SourceArn": rule.attr_arn}},
        )
    )


def define_alarm(
    scope: Construct, construct_id: str, queue: sqs.IQueue, actions: Sequence[cloudwatch.IAlarmAction], description: str
) -> cloudwatch.Alarm:
    """Define an alarm that is raised within minutes of a message in `queue`, for as long as it is there."""
    from aws_cdk import aws_cloudwatch as cloudwatch  # noqa: PLC0415  # loads aws_cdk.aws_cloudwatch

    alarm = cloudwatch.Alarm(
        scope,
        construct_id,
        alarm_description=description,
        metric=queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=cdk.Duration.minutes(1)),
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        threshold=1,
        evaluation_periods=1,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    if actions:
        alarm.add_alarm_action(*actions)
    return alarm

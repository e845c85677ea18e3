"""The dead-letter queues for failed deliveries: their definition, checks, permissions and alarm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs

from moorage.delivery.alarm_actions import add_alarm_actions
from moorage.delivery.keys import EVENTBRIDGE, allow_use, retained_except_on_create
from moorage.scope.acknowledgements import acknowledge
from moorage.scope.place import check_place

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_events as events
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sns as sns
    from constructs import Construct, IConstruct

    from moorage.workload.problems import Problems

MAXIMUM_RETENTION_DAYS = 14
"""The maximum retention period of SQS (botocore sqs SetQueueAttributes.MessageRetentionPeriod)."""


def define_dead_letters(
    scope: Construct,
    construct_id: str,
    *,
    encryption: sqs.QueueEncryption,
    removal_policy: cdk.RemovalPolicy,
    encryption_key: kms.IKey | None = None,
) -> sqs.Queue:
    """Define a dead-letter queue for AWS services, with the maximum retention period of SQS.

    Other queues cannot use the queue as their dead-letter queue. Even with `RETAIN`, the queue is deleted if its
    creation fails, because the queue is empty then.
    """
    queue = sqs.Queue(
        scope,
        construct_id,
        encryption=encryption,
        encryption_master_key=encryption_key,
        enforce_ssl=True,
        retention_period=cdk.Duration.days(MAXIMUM_RETENTION_DAYS),
        redrive_allow_policy=sqs.RedriveAllowPolicy(redrive_permission=sqs.RedrivePermission.DENY_ALL),
        removal_policy=retained_except_on_create(removal_policy),
    )
    acknowledge(queue, "sqs-dlq", "the queue is a dead-letter queue itself")
    return queue


def check_queue(
    problems: Problems, argument: str, queue: sqs.IQueue, scope: IConstruct, *, across_accounts: bool = True
) -> None:
    """Check that an EventBridge rule in the stack of `scope` can send messages to a queue.

    The policy of the AWS managed key for SQS allows principals of its account but no AWS service (SQS developer guide,
    key management).

    Args:
        problems: The problems to add to.
        argument: The name of the argument.
        queue: The queue. The KMS key of an imported queue is unknown.
        scope: The construct that has the rule.
        across_accounts: Whether to accept a queue in another account, as for a dead-letter queue, whose queue policy
            can allow the rule (EventBridge guide, dead-letter queues). Default: True.
    """
    check_place(problems, argument, queue, scope, across_accounts=across_accounts)
    if queue.encryption_type is sqs.QueueEncryption.KMS_MANAGED:
        problems.add(
            f"{argument} must not be encrypted with alias/aws/sqs, which EventBridge cannot use (got "
            f"{queue.node.path}); use QueueEncryption.SQS_MANAGED, or QueueEncryption.KMS with a key of your own"
        )


def allow_send(queue: sqs.IQueue, rule: events.CfnRule) -> None:
    """Allow EventBridge to send undelivered events of `rule` to a queue, and to use the queue's KMS key.

    If the queue is in another stack, that stack is deployed first, so the queue policy cannot name the rule. The policy
    then allows all rules of the rule's account and region.
    """
    if cdk.Stack.of(queue) is cdk.Stack.of(rule):
        _allow_source(queue, "ArnEquals", rule.attr_arn)
    else:
        allow_any_rule(queue, rule)


def allow_any_rule(queue: sqs.IQueue, scope: Construct) -> None:
    """Allow all EventBridge rules of the account and region of `scope` to send to a queue and to use its KMS key."""
    rules = cdk.Stack.of(scope).format_arn(service="events", resource="rule", resource_name="*")
    _allow_source(queue, "ArnLike", rules)


def _allow_source(queue: sqs.IQueue, operator: str, source: str) -> None:
    """Allow EventBridge to send messages to a queue for the rules whose ARN matches `source`.

    The EventBridge guide on dead-letter queues has no condition other than `aws:SourceArn`.
    """
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(EVENTBRIDGE)],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions={operator: {"aws:SourceArn": source}},
        )
    )
    key = queue.encryption_master_key
    if key is not None:
        allow_use(key, EVENTBRIDGE)


def define_alarm(
    scope: Construct,
    construct_id: str,
    queue: sqs.IQueue,
    actions: Sequence[cloudwatch.IAlarmAction],
    description: str,
    *,
    topic: sns.ITopic | None = None,
) -> cloudwatch.Alarm:
    """Define an alarm that is in ALARM state as long as a message is in `queue`.

    SQS stops publishing metrics of a queue that has not been used for six hours, even if the queue has messages. SQS
    needs up to 15 minutes to start again (SQS developer guide, available CloudWatch metrics). Until then, the alarm
    keeps its state.

    Args:
        scope: The scope in which to define the alarm.
        construct_id: The ID of the alarm in its scope.
        queue: The queue to monitor.
        actions: The actions of the alarm.
        description: The description of the alarm.
        topic: The topic to notify, to which CloudWatch is allowed to publish. Default: none.
    """
    from aws_cdk import aws_cloudwatch as cloudwatch  # noqa: PLC0415  # loads aws_cdk.aws_cloudwatch

    alarm = cloudwatch.Alarm(
        scope,
        construct_id,
        alarm_description=description,
        metric=queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=cdk.Duration.minutes(1)),
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        threshold=1,
        evaluation_periods=1,
        treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
    )
    add_alarm_actions(alarm, actions, scope, topic=topic)
    return alarm

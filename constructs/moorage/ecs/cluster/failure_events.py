"""What is kept of tasks that stop and services that fail, longer than ECS keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from moorage.delivery.dead_letters import define_dead_letters
from moorage.ecs.cdk_values import arn, pseudo_parameters, stack_name
from moorage.scope.per_construct import PerConstruct
from moorage.workload.door import door

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs
    from aws_cdk import aws_sns as sns

Pattern: TypeAlias = Mapping[str, Any]
"""An event pattern as EventBridge writes it."""

_EVENTBRIDGE_SERVICE = "events.amazonaws.com"
_LOG_POLICY_ID = "EventLogs"
_QUEUE_KEY_ID = "EventKey"


def stopped_pattern(cluster_arn: str) -> Pattern:
    """Match tasks that stopped unexpectedly (ECS guide: task state change events, stopped task error codes).

    Kept: what could not start, what was killed or taken by AWS or by hand, every task of a service that ended by
    itself, and others (jobs) of which a container ended with anything but 0. The scheduler says why it stops a task:
    `Scaling activity initiated by` is a deployment or a scale-in, which are left out; failed health checks are kept.

    Args:
        cluster_arn: The cluster's ARN.
    """
    exited = {"stopCode": ["EssentialContainerExited"]}
    return {
        "detail-type": ["ECS Task State Change"],
        "detail": {
            "clusterArn": [cluster_arn],
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


def failed_deployment_pattern(service_arn_prefix: str) -> Pattern:
    """Match deployments that failed or were rolled back (ECS guide: service deployment state change events).

    Args:
        service_arn_prefix: The prefix of the ARNs of the cluster's services, since these events do not name it.
    """
    return {
        "detail-type": ["ECS Deployment State Change"],
        "resources": [{"prefix": service_arn_prefix}],
        "detail": {"eventName": ["SERVICE_DEPLOYMENT_FAILED"]},
    }


def impaired_service_pattern(cluster_arn: str) -> Pattern:
    """Match services that cannot place, start or configure tasks, or are throttled (ECS guide: service action events).

    Args:
        cluster_arn: The cluster's ARN.
    """
    return {
        "detail-type": ["ECS Service Action"],
        "detail": {"clusterArn": [cluster_arn], "eventType": ["WARN", "ERROR"]},
    }


def failure_pattern(cluster_arn: str, service_arn_prefix: str) -> Pattern:
    """Match all of these, as one rule takes them."""
    return {
        "source": ["aws.ecs"],
        "$or": [
            stopped_pattern(cluster_arn),
            failed_deployment_pattern(service_arn_prefix),
            impaired_service_pattern(cluster_arn),
        ],
    }


@door
class FailureEvents(Construct):
    """What failed in a cluster, kept in a log group: stopped tasks, failed deployments, and tasks without a place.

    ECS forgets a stopped task within an hour. A `Cluster` has this unless told otherwise; for a cluster that exists
    already, it is defined by itself. An account may have ten policies of log groups in a region: one is defined per
    stack, for all log groups that CloudFormation names in it. What the log group does not take for a day is in a
    dead-letter queue, whose key AWS bills by the month: one is defined per stack too.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster: ecs.ICluster,
        topic: sns.ITopic | None = None,
        log_group: logs.ILogGroup | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        """Define the failure events.

        Args:
            scope: Where it is defined.
            construct_id: Its id there.
            cluster: Whose failures are kept.
            topic: What is told of each besides; its policy lets EventBridge publish. A topic encrypted by a key needs a
                key of one's own, whose policy lets `events.amazonaws.com` do `kms:Decrypt` and `kms:GenerateDataKey*`;
                one that is imported needs both policies already.
            log_group: The log group of another `FailureEvents`, to have one for several clusters, and no further
                policy; one that keeps a year without it.
            removal_policy: What becomes of the log group, and of the queue of what neither took, when the stack goes.
        """
        super().__init__(scope, construct_id)
        _failure_events.set(cluster, self)
        self.log_group = log_group or logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.ONE_YEAR, removal_policy=removal_policy
        )
        log_group_arn = arn("logs", f"log-group:{self.log_group.log_group_name}")
        self.dead_letter_queue = _define_dead_letter_queue(self, removal_policy)
        target_arns = {"Logs": log_group_arn}
        if topic:
            grant_publish(topic, _EVENTBRIDGE_SERVICE, _rule_arns())
            target_arns["Topic"] = topic.topic_arn
        dead_letter_arn = self.dead_letter_queue.queue_arn
        self.rule = cdk.CfnResource(  # which needs no aws_events, or every cluster would load it for this alone
            self,
            "Rule",
            type="AWS::Events::Rule",
            properties={
                "Description": "Stopped tasks, failed deployments and tasks without a place",
                "EventPattern": failure_pattern(cluster.cluster_arn, arn("ecs", f"service/{cluster.cluster_name}/")),
                "Targets": [
                    {"Id": target_id, "Arn": target_arn, "DeadLetterConfig": {"Arn": dead_letter_arn}}
                    for target_id, target_arn in target_arns.items()
                ],
            },
        )
        if log_group is None:
            self.rule.add_resource_dependency(_log_policy_of(cdk.Stack.of(self)))

    @staticmethod
    def _of(cluster: ecs.ICluster) -> FailureEvents | None:
        """Return the failure events of a cluster, if this app defines them."""
        return _failure_events.get(cluster)


_failure_events: PerConstruct[ecs.ICluster, FailureEvents] = PerConstruct()


def _rule_arns() -> str:
    return arn("events", "rule/*")


def _define_dead_letter_queue(scope: Construct, removal_policy: cdk.RemovalPolicy) -> sqs.Queue:
    """Define the queue for events that a target did not accept for a day."""
    queue = define_dead_letters(
        scope,
        "DeadLetters",
        encryption=sqs.QueueEncryption.KMS,
        encryption_key=_queue_key_of(cdk.Stack.of(scope)),
        removal_policy=removal_policy,
    )
    queue.add_to_resource_policy(
        _source_statement("sqs:SendMessage", queue.queue_arn, _EVENTBRIDGE_SERVICE, _rule_arns())
    )
    return queue


def _queue_key_of(stack: cdk.Stack) -> kms.Key:
    """Find or define the stack's key for such queues: EventBridge may use it, but not the key that SQS manages."""
    existing = stack.node.try_find_child(_QUEUE_KEY_ID)
    if isinstance(existing, kms.Key):
        return existing
    key = kms.Key(
        stack,
        _QUEUE_KEY_ID,
        enable_key_rotation=True,
        description="Events of Amazon ECS on their way",
        removal_policy=cdk.RemovalPolicy.DESTROY,  # what it encrypts is gone in 14 days
    )
    key.grant_encrypt_decrypt(iam.ServicePrincipal(_EVENTBRIDGE_SERVICE))
    return key


def grant_publish(topic: sns.ITopic, service: str, source: str) -> None:
    """Let a service of AWS publish to a topic for what `source` names in this account.

    Said even where SNS's own default would let it: a topic with a policy has no default any more.
    """
    topic.add_to_resource_policy(_source_statement("sns:Publish", topic.topic_arn, service, source))


def _source_statement(action: str, resource: str, service: str, source: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        principals=[iam.ServicePrincipal(service)],
        actions=[action],
        resources=[resource],
        conditions={
            "StringEquals": {"aws:SourceAccount": pseudo_parameters()[2]},
            "ArnLike": {"aws:SourceArn": source},
        },
    )


def _log_policy_of(stack: cdk.Stack) -> logs.CfnResourcePolicy:
    """Find or define the stack's policy that lets EventBridge write to log groups named after the stack."""
    existing = stack.node.try_find_child(_LOG_POLICY_ID)
    if isinstance(existing, logs.CfnResourcePolicy):
        return existing
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": [_EVENTBRIDGE_SERVICE, "delivery.logs.amazonaws.com"]},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": arn("logs", f"log-group:{stack_name()}-*:*"),
    }
    return logs.CfnResourcePolicy(
        stack,
        _LOG_POLICY_ID,
        policy_name=f"{stack_name()}-event-logs",
        policy_document=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )

"""What is kept of tasks that stop and services that fail, longer than ECS keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IConstruct

from moorage.delivery.dead_letters import allow_any_rule, define_dead_letters
from moorage.delivery.keys import EVENTBRIDGE, allow_use, retained_except_on_create, strictest
from moorage.delivery.topics import allow_publish, check_topic
from moorage.ecs.cdk_values import arn, stack_name
from moorage.scope.exports import keep_exported
from moorage.scope.inventory import register, registered
from moorage.scope.per_construct import PerConstruct
from moorage.scope.place import check_place
from moorage.workload.door import door
from moorage.workload.problems import Problems

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs
    from aws_cdk import aws_sns as sns

Pattern: TypeAlias = Mapping[str, Any]
"""An event pattern as EventBridge writes it."""

_LOG_POLICY_ID = "EventLogs"
_QUEUE_KEY_ID = "EventKey"
_MAX_LOG_POLICIES = 10
"""The policies without a resource of their own that an account has in a region (botocore logs PutResourcePolicy)."""
_MANY_LOG_POLICIES = 8


def stopped_pattern(cluster_arn: str) -> Pattern:
    """Match tasks that stopped unexpectedly (ECS guide: task state change events, stopped task error codes).

    Kept: what could not start, what was killed or taken by AWS or by hand, every task of a service that ended by
    itself, and others (jobs) of which a container ended with anything but 0. The scheduler says why it stops a task:
    `Scaling activity initiated by` is a deployment or a scale-in, which are left out; failed health checks are kept.

    `$or` has no key beside it, which cdk-preflight says that EventBridge refuses.

    Args:
        cluster_arn: The cluster's ARN.
    """
    stopped = {"clusterArn": [cluster_arn], "lastStatus": ["STOPPED"]}
    exited = {**stopped, "stopCode": ["EssentialContainerExited"]}
    return {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Task State Change"],
        "detail": {
            "$or": [
                {
                    **stopped,
                    "stopCode": [
                        {"anything-but": ["EssentialContainerExited", "ServiceSchedulerInitiated"]},
                        {"exists": False},
                    ],
                },
                {**exited, "group": [{"prefix": "service:"}]},
                {**exited, "containers": {"exitCode": [{"anything-but": [0]}]}},
                {
                    **stopped,
                    "stopCode": ["ServiceSchedulerInitiated"],
                    "stoppedReason": [{"anything-but": {"prefix": "Scaling activity initiated by"}}],
                },
            ],
        },
    }


def service_pattern(cluster_arn: str, service_arn_prefix: str) -> Pattern:
    """Match deployments that failed or were rolled back, and services that cannot place or start tasks.

    ECS guide: service deployment state change events, and service action events, which are throttled too.

    Args:
        cluster_arn: The cluster's ARN.
        service_arn_prefix: The prefix of the ARNs of the cluster's services, since deployments do not name the cluster.
    """
    failed_deployment = {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Deployment State Change"],
        "resources": [{"prefix": service_arn_prefix}],
        "detail": {"eventName": ["SERVICE_DEPLOYMENT_FAILED"]},
    }
    impaired_service = {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Service Action"],
        "detail": {"clusterArn": [cluster_arn], "eventType": ["WARN", "ERROR"]},
    }
    return {"$or": [failed_deployment, impaired_service]}


@attrs.frozen
class _LogPolicy:
    """The record of a policy that a stack defines, of which an account has ten in a region."""

    environment: str


@door
class FailureEvents(Construct):
    """What failed in a cluster, kept in a log group: stopped tasks, failed deployments, and tasks without a place.

    ECS forgets a stopped task within an hour. A `Cluster` has this unless told otherwise; for a cluster that exists
    already, it is defined by itself. An account may have ten policies of log groups in a region, and no more: one is
    defined per stack, for all log groups that CloudFormation names in it, or `log_policy` serves all stacks. What the
    log group does not take for a day is in a dead-letter queue, whose key AWS bills by the month: one is defined per
    stack too.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster: ecs.ICluster,
        topic: sns.ITopic | None = None,
        log_group: logs.ILogGroup | None = None,
        log_policy: logs.CfnResourcePolicy | logs.ResourcePolicy | str | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        """Define the failure events.

        Args:
            scope: Where it is defined.
            construct_id: Its id there.
            cluster: Whose failures are kept.
            topic: A topic that is told of each besides. EventBridge is let in by the policies of the topic and of its
                key; what is imported needs them already. A topic encrypted by `alias/aws/sns` is refused.
            log_group: The log group of another `FailureEvents`, to have one for several clusters, and no further
                policy; one that keeps a year without it.
            log_policy: A policy that lets EventBridge write to the log group: that of `define_log_policy`, or the name
                of one that the account has already. Default: one per stack.
            removal_policy: What becomes of the log group, and of the queue of what neither took, when the stack goes.

        Raises:
            ValueError: EventBridge could not reach the topic.
        """
        problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
        check_place(problems, "cluster", cluster, scope)
        if topic:
            check_topic(problems, "topic", topic, scope)
        problems.raise_any()

        super().__init__(scope, construct_id)
        _failure_events.set(cluster, self)
        self.log_group = log_group or logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.ONE_YEAR, removal_policy=removal_policy
        )
        if log_group is None:
            keep_exported(self, [self.log_group.log_group_name])  # a dashboard of another stack reads it
        self.dead_letter_queue = _define_dead_letter_queue(self, removal_policy)
        target_arns = {"Logs": arn("logs", f"log-group:{self.log_group.log_group_name}")}
        if topic:
            allow_publish(topic)
            target_arns["Topic"] = topic.topic_arn
        cluster_arn, service_arns = cluster.cluster_arn, arn("ecs", f"service/{cluster.cluster_name}/")
        policy = log_policy or (_log_policy_of(cdk.Stack.of(self)) if log_group is None else None)
        self.rule = self._define_rule("Rule", "Stopped tasks", stopped_pattern(cluster_arn), target_arns, policy)
        self.service_rule = self._define_rule(
            "ServiceRule",
            "Failed deployments and services that cannot place or start tasks",
            service_pattern(cluster_arn, service_arns),
            target_arns,
            policy,
        )

    @staticmethod
    def define_log_policy(scope: Construct, construct_id: str, *, log_groups: str = "*") -> logs.CfnResourcePolicy:
        """Define a policy that lets EventBridge write to log groups of many stacks, for `log_policy`.

        Args:
            scope: Where it is defined.
            construct_id: Its id there.
            log_groups: The names of the log groups, as a pattern: `shop-*` for those of stacks that are named so.
        """
        return _define_log_policy(scope, construct_id, f"{stack_name()}-{construct_id}", log_groups)

    def _define_rule(
        self,
        construct_id: str,
        description: str,
        pattern: Pattern,
        target_arns: Mapping[str, str],
        log_policy: IConstruct | str | None,
    ) -> cdk.CfnResource:
        """Define a rule as a resource of its own, so that a cluster does not load aws_cdk.aws_events."""
        dead_letters = {"Arn": self.dead_letter_queue.queue_arn}
        targets = [
            {"Id": target_id, "Arn": target_arn, "DeadLetterConfig": dead_letters}
            for target_id, target_arn in target_arns.items()
        ]
        rule = cdk.CfnResource(
            self,
            construct_id,
            type="AWS::Events::Rule",
            properties={"Description": description, "EventPattern": pattern, "Targets": targets},
        )
        if log_policy is not None and not isinstance(log_policy, str):
            rule.node.add_dependency(log_policy)
        return rule

    @staticmethod
    def _of(cluster: ecs.ICluster) -> FailureEvents | None:
        """Return the failure events of a cluster, if this app defines them."""
        return _failure_events.get(cluster)


_failure_events: PerConstruct[ecs.ICluster, FailureEvents] = PerConstruct()
_key_policies: PerConstruct[kms.Key, cdk.RemovalPolicy] = PerConstruct()


def _define_dead_letter_queue(scope: Construct, removal_policy: cdk.RemovalPolicy) -> sqs.Queue:
    """Define the queue for events that a target did not accept for a day."""
    queue = define_dead_letters(
        scope,
        "DeadLetters",
        encryption=sqs.QueueEncryption.KMS,
        encryption_key=_queue_key_of(cdk.Stack.of(scope), retained_except_on_create(removal_policy)),
        removal_policy=removal_policy,
    )
    allow_any_rule(queue, scope)
    return queue


def _queue_key_of(stack: cdk.Stack, removal_policy: cdk.RemovalPolicy) -> kms.Key:
    """Find or define the stack's key for such queues: EventBridge may use it, but not the key that SQS manages.

    What it encrypts is unreadable once its deletion is pending, so it is retained with the first queue that is.
    """
    key = stack.node.try_find_child(_QUEUE_KEY_ID)
    if not isinstance(key, kms.Key):
        key = kms.Key(
            stack,
            _QUEUE_KEY_ID,
            enable_key_rotation=True,
            description="Events of Amazon ECS on their way",
            removal_policy=removal_policy,
        )
        allow_use(key, EVENTBRIDGE)
    policy = strictest(removal_policy, _key_policies.get(key) or removal_policy)
    _key_policies.set(key, policy)
    key.apply_removal_policy(policy)
    return key


def _log_policy_of(stack: cdk.Stack) -> logs.CfnResourcePolicy:
    """Find or define the stack's policy that lets EventBridge write to log groups named after the stack."""
    existing = stack.node.try_find_child(_LOG_POLICY_ID)
    if isinstance(existing, logs.CfnResourcePolicy):
        return existing
    policy = _define_log_policy(stack, _LOG_POLICY_ID, f"{stack_name()}-event-logs", f"{stack_name()}-*")
    record = _LogPolicy(stack.environment)
    register(stack, record)
    number = registered(stack, _LogPolicy).count(record)
    if number > _MANY_LOG_POLICIES:
        cdk.Annotations.of(policy).add_warning_v2(
            "@moorage/ecs:log-policies",
            f"this is log resource policy {number} of this app in one account and region, where CloudWatch Logs takes "
            f"{_MAX_LOG_POLICIES}; define one for all stacks with FailureEvents.define_log_policy(...), and name it in "
            "Cluster(failure_log_policy=...); or acknowledge this",
        )
    return policy


def _define_log_policy(scope: Construct, construct_id: str, name: str, log_groups: str) -> logs.CfnResourcePolicy:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": [EVENTBRIDGE, "delivery.logs.amazonaws.com"]},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": arn("logs", f"log-group:{log_groups}:*"),
    }
    return logs.CfnResourcePolicy(
        scope,
        construct_id,
        policy_name=name,
        policy_document=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )

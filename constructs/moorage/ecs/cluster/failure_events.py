"""The failures of a cluster's tasks and services, kept longer than ECS keeps them."""

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
from moorage.scope.acknowledgements import LOG_GROUP_WITHOUT_KEY, POLICY_OF_KEY, acknowledge
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
"""An event pattern in EventBridge's JSON."""

_LOG_POLICY_ID = "EventLogs"
_QUEUE_KEY_ID = "EventKey"
_MAX_LOG_POLICIES = 10
"""The maximum number of resource policies for an account in a region (botocore logs PutResourcePolicy)."""
_MANY_LOG_POLICIES = 8


def stopped_pattern(cluster_arn: str) -> Pattern:
    """Return the pattern for tasks that stopped unexpectedly (ECS guide: task state change events, stopped tasks).

    The pattern matches tasks that could not start, and tasks that AWS or a user stopped. Of tasks whose containers
    exited, the pattern matches all tasks of services, and other tasks (jobs) with an exit code other than 0. Of tasks
    that the service scheduler stopped, for example after failed health checks, the pattern excludes deployments and
    scale-ins, whose `stoppedReason` begins with `Scaling activity initiated by`.

    `$or` is the only key of its object, since EventBridge accepts no other key beside `$or`, according to
    cdk-preflight.

    Args:
        cluster_arn: The ARN of the cluster.
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
    """Return the pattern for failed or rolled back deployments, and for services that cannot place or start tasks.

    ECS guide: service deployment state change events, and service action events, which include throttled services.

    Args:
        cluster_arn: The ARN of the cluster.
        service_arn_prefix: The prefix of the ARNs of the cluster's services. The pattern matches deployment events by
            this prefix, since these events do not name the cluster.
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
    """The record of a stack's resource policy for CloudWatch Logs. An account can have ten in each region."""

    environment: str


@door
class FailureEvents(Construct):
    """The failures of a cluster, kept in a log group: stopped tasks, failed deployments and placement failures.

    ECS keeps a stopped task for at most an hour. A `Cluster` defines its failure events by default; define them only
    for an imported cluster. CloudWatch Logs allows ten resource policies in an account and region (botocore logs
    PutResourcePolicy). Therefore each stack has one policy, for all log groups whose names CloudFormation generates in
    that stack; `log_policy` can replace these policies with one policy for all stacks. Events that a target does not
    accept within a day go to a dead-letter queue. The KMS key of the queue, which AWS bills by the month, is defined
    once per stack.
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
        """Define the log group of the stopped tasks, failed deployments and placement failures of a cluster.

        A `Cluster` defines its failure events by default; define them only for an imported cluster.

        Args:
            scope: The scope in which to define this construct.
            construct_id: The ID of this construct in its scope.
            cluster: The cluster whose failures are kept.
            topic: The SNS topic to notify of each failure. EventBridge is allowed to publish to the topic and to use
                its key. The policies of an imported topic or key must already allow this. A topic that is encrypted
                with `alias/aws/sns` is refused. Default: none.
            log_group: The log group of another `FailureEvents`, to share the log group and its policy. Default: a new
                log group that keeps events for a year.
            log_policy: A policy that lets EventBridge write to the log group: a policy that `define_log_policy`
                returned, or the name of an existing policy in the account. Default: a policy per stack.
            removal_policy: The removal policy of the log group, the dead-letter queue and the key of the queue.
                Default: `RETAIN`.

        Raises:
            ValueError: If EventBridge could not publish to the topic, or the cluster is in another account, region or
                stage.
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
            acknowledge(self.log_group, *LOG_GROUP_WITHOUT_KEY)
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
        """Define a policy for the argument `log_policy` that lets EventBridge write to the log groups of many stacks.

        Args:
            scope: The scope in which to define the policy.
            construct_id: The ID of the policy in this scope.
            log_groups: A pattern for the names of the log groups, such as `shop-*` for the stacks whose names begin
                with `shop-`. Default: "*".
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
        """Define a rule by its CloudFormation type, so that a cluster does not load aws_cdk.aws_events."""
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
        """Return the failure events that this app defines for a cluster, or None."""
        return _failure_events.get(cluster)


_failure_events: PerConstruct[ecs.ICluster, FailureEvents] = PerConstruct()
_key_policies: PerConstruct[kms.Key, cdk.RemovalPolicy] = PerConstruct()


def _define_dead_letter_queue(scope: Construct, removal_policy: cdk.RemovalPolicy) -> sqs.Queue:
    """Define the queue for events that a target did not accept within a day."""
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
    """Find or define the stack's key for dead-letter queues. EventBridge cannot use the AWS managed key of SQS.

    Messages are unreadable once the deletion of their key is pending, so the key has the strictest of the queues'
    removal policies.
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
        acknowledge(key, *POLICY_OF_KEY)
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
            f"this is log resource policy {number} of this app in one account and region, and CloudWatch Logs allows "
            f"{_MAX_LOG_POLICIES}; define one policy for all stacks with FailureEvents.define_log_policy(...) and pass "
            "this policy to Cluster(failure_log_policy=...), or acknowledge this warning",
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

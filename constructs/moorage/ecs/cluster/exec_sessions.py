"""Sessions of ECS Exec: how a cluster records and encrypts them, and the permissions of the task role."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs
import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs

from moorage.delivery.keys import retained_except_on_create
from moorage.ecs.cdk_values import arn, pseudo_parameters, stack_name
from moorage.scope.acknowledgements import POLICY_OF_KEY, acknowledge
from moorage.scope.place import check_place
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constructs import Construct, IConstruct

    from moorage.workload.problems import Problems
    from moorage.workload.required_services import Needs

_SESSION_ACTIONS = (
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
    "logs:DescribeLogGroups",
)
"""The actions of ECS Exec and of its logging that cannot be limited to a resource (ECS developer guide, ECS Exec)."""
_LOG_GROUP_ACTIONS = ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")


@value_class
@attrs.frozen(kw_only=True)
class ExecSessions:
    """The encryption and recording of a cluster's ECS Exec sessions (`aws ecs execute-command`).

    Without `ExecSessions`, TLS encrypts a session, and its input and output are recorded in the log group of the
    service. With `ExecSessions`, a KMS key also encrypts the data between client and container, and all sessions of the
    cluster are recorded in one separate log group. In both cases, recording needs `script` and `cat` in the image.

    Args:
        key: The KMS key for the sessions and their log group. AWS bills a key by the month. Users who open a session
            need `kms:GenerateDataKey` on the key. The policy of an imported key must already let CloudWatch Logs use
            the key. Default: a new key.
        log_group: The log group of the sessions. The log group must be encrypted with a KMS key, since Systems Manager
            requires this encryption. Default: a new log group that keeps records for a year.
    """

    key: kms.IKey | None = None
    log_group: logs.ILogGroup | None = None

    @property
    def _needs(self) -> Needs:
        """The services that a task must reach for these sessions, besides the services that every session needs."""
        return frozenset({"kms"}) if self.key else frozenset()

    def _check(self, scope: Construct, problems: Problems) -> None:
        """Check that ECS can use the key and the log group in the account and region of `scope`."""
        check_place(problems, "key of exec_sessions", self.key, scope, across_accounts=True)
        check_place(problems, "log_group of exec_sessions", self.log_group, scope)

    def _define(self, scope: Construct, removal_policy: cdk.RemovalPolicy) -> ExecSessions:
        """Return the sessions with a key and a log group, each defined in `scope` unless it is given."""
        key = self.key or kms.Key(
            scope,
            "SessionKey",
            enable_key_rotation=True,
            description="Sessions in containers of Amazon ECS",
            # a new log group is retained even after a failed creation, so the key that encrypts it is, too
            removal_policy=retained_except_on_create(removal_policy) if self.log_group else removal_policy,
        )
        if self.key is None:
            acknowledge(key, *POLICY_OF_KEY)
        if self.log_group:
            return ExecSessions(key=key, log_group=self.log_group)
        _grant_log_encryption(key, "*" if self.key else f"{stack_name()}-*")
        log_group = logs.LogGroup(
            scope,
            "Sessions",
            encryption_key=key,
            retention=logs.RetentionDays.ONE_YEAR,
            removal_policy=removal_policy,
        )
        return ExecSessions(key=key, log_group=log_group)

    @property
    def _configuration(self) -> ecs.ExecuteCommandConfiguration:
        """The ECS Exec configuration, as CDK's clusters accept it."""
        return ecs.ExecuteCommandConfiguration(
            kms_key=self.key,
            logging=ecs.ExecuteCommandLogging.OVERRIDE if self.log_group else ecs.ExecuteCommandLogging.DEFAULT,
            log_configuration=ecs.ExecuteCommandLogConfiguration(
                cloud_watch_log_group=self.log_group, cloud_watch_encryption_enabled=self.key is not None
            )
            if self.log_group
            else None,
        )

    def _arns_in(self, stack: cdk.Stack) -> list[str]:
        """Return the ARNs of the log group and the key, each only if `stack` defines it."""
        log_group, key = self.log_group, self.key
        arns = []
        if isinstance(log_group, logs.LogGroup) and log_group.stack is stack:
            arns.append(log_group.log_group_arn)
        if isinstance(key, kms.Key) and key.stack is stack:
            arns.append(key.key_arn)
        return arns

    def _configure(self, cluster: ecs.CfnCluster) -> None:
        """Set the ECS Exec configuration of a cluster."""
        key, log_group = cast("kms.IKey", self.key), cast("logs.ILogGroup", self.log_group)  # both are defined by now
        cluster.configuration = ecs.CfnCluster.ClusterConfigurationProperty(
            execute_command_configuration=ecs.CfnCluster.ExecuteCommandConfigurationProperty(
                kms_key_id=key.key_arn,
                logging="OVERRIDE",
                log_configuration=ecs.CfnCluster.ExecuteCommandLogConfigurationProperty(
                    cloud_watch_log_group_name=log_group.log_group_name, cloud_watch_encryption_enabled=True
                ),
            )
        )


def grant_sessions(
    definition: ecs.TaskDefinition,
    log_group: logs.ILogGroup,
    sessions: ExecSessions | None,
    owners: Iterable[IConstruct],
) -> None:
    """Allow a task role to open and record sessions.

    Args:
        definition: The task definition.
        log_group: The log group of the task, which records the sessions unless `sessions` has a log group.
        sessions: The key and the log group of the sessions.
        owners: The constructs below which the policy of the task role may be.
    """
    session_log_group = (sessions and sessions.log_group) or log_group
    definition.add_to_task_role_policy(iam.PolicyStatement(actions=list(_SESSION_ACTIONS), resources=["*"]))
    reason = "these actions of ECS Exec cannot be limited to a resource"
    for owner in owners:
        acknowledge(owner, "iam-wildcard", reason, actions=_SESSION_ACTIONS)
    definition.add_to_task_role_policy(
        iam.PolicyStatement(actions=list(_LOG_GROUP_ACTIONS), resources=[session_log_group.log_group_arn])
    )
    if sessions and sessions.key:
        definition.add_to_task_role_policy(
            iam.PolicyStatement(actions=["kms:Decrypt"], resources=[sessions.key.key_arn])
        )


def _grant_log_encryption(key: kms.IKey, log_groups: str) -> None:
    """Let CloudWatch Logs encrypt log groups with a key (CloudWatch Logs user guide, "Encrypt log data")."""
    context = {"kms:EncryptionContext:aws:logs:arn": arn("logs", f"log-group:{log_groups}")}
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(f"logs.{pseudo_parameters()[1]}.amazonaws.com")],
            actions=["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
            resources=["*"],
            conditions={"ArnLike": context},
        )
    )

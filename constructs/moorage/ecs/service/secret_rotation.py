"""A new deployment of a service when a secret or a parameter of its tasks gets a new value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from moorage.delivery.dead_letters import allow_send, define_dead_letters
from moorage.delivery.keys import EVENTBRIDGE, allow_use
from moorage.ecs.cdk_values import arn, pseudo_parameters
from moorage.ecs.task.state_machine import define_machine, define_role
from moorage.scope.place import Place, check_place, place_of
from moorage.workload import secret_sources
from moorage.workload.problems import Problems, is_token

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_logs as logs

    from moorage.workload.task import Task

Pattern: TypeAlias = Mapping[str, Any]
"""An event pattern in EventBridge's JSON."""

_CURRENT_STAGE = "AWSCURRENT"
_IGNORED_STAGES = {"", "AWSPENDING", "AWSPREVIOUS"}
"""The stages whose moves are ignored, since they move together with AWSCURRENT (Secrets Manager guide, events)."""
_ROTATION, _RULE = "Rotation", "Rule"
_RETRY = {"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 60, "BackoffRate": 2, "MaxAttempts": 6}
"""The retries of a deployment, an hour in all, for temporary errors: throttling, or a deployment in progress."""


def change_pattern(secrets: Iterable[Any]) -> Pattern | None:
    """Return the pattern for events when a secret or parameter gets a new value, or None if no value can change.

    The pattern matches the events for a stage of a secret that moved to another version, by rotation or manually
    ("Secret Label Updated", Secrets Manager guide), and for a parameter that was updated ("Parameter Store Change",
    Systems Manager guide). Neither event needs a CloudTrail trail.

    Args:
        secrets: Secrets, parameters and `ecs.Secret`s. The value of a secret with a version ID never changes.
    """
    parameters: set[str] = set()
    by_stage: dict[str, set[str]] = {}
    for secret in secrets:
        stage, version = secret_sources.version(secret) or ("", "")
        if secret_sources.source_service(secret) == "ssm":
            parameters.add(secret_sources.arn(secret))
        elif not version:
            by_stage.setdefault(_CURRENT_STAGE if stage in _IGNORED_STAGES else stage, set()).add(
                secret_sources.arn(secret)
            )
    patterns = [pattern for stage, arns in by_stage.items() for pattern in _stage_patterns(stage, sorted(arns))]
    if parameters:
        parameters_written = {"resources": sorted(parameters), "detail": {"operation": ["Update"]}}
        patterns.append({"source": ["aws.ssm"], "detail-type": ["Parameter Store Change"], **parameters_written})
    if len(patterns) > 1:  # EventBridge refuses $or with a single pattern
        return {"$or": patterns}
    return patterns[0] if patterns else None


def _stage_patterns(stage: str, arns: list[str]) -> list[Pattern]:
    """Return patterns for a stage that moves to another version.

    Secrets are matched by ARN. Secrets with a literal ARN are also matched by the end of the ARN, which is the name if
    the ARN is partial.
    """
    source = {"source": ["aws.secretsmanager"], "detail-type": ["Secret Label Updated"]}
    names = [each.split(":secret:")[1] for each in arns if ":secret:" in each]
    return [
        {**source, "resources": arns, "detail": {"labelUpdated": [stage]}},
        *([{**source, "detail": {"name": names, "labelUpdated": [stage]}}] if names else []),
    ]


def define_redeployment(
    scope: Construct,
    service: ecs.BaseService,
    cluster: ecs.ICluster,
    task: Task,
    log_group: logs.ILogGroup,
    encryption_key: kms.IKey | None,
) -> events.CfnRule:
    """Define the rule, unless it exists, and the state machine that lets ECS replace the tasks of `service`.

    EventBridge cannot call UpdateService itself (EventBridge user guide, targets), so Step Functions does.

    Args:
        scope: The construct in which the resources are defined, and that errors name.
        service: The service to deploy again.
        cluster: The cluster of the service.
        task: The task with the secrets and parameters.
        log_group: The log group for executions of the state machine.
        encryption_key: The key of the dead-letter queue, or None for a key that SQS manages.

    Raises:
        ValueError: If the task has no secret or parameter whose value can change, or if a secret or parameter is in
            another account or region, whose events are not sent to this account and region.
    """
    defined = scope.node.try_find_child(_ROTATION)
    if defined is not None:
        return cast("events.CfnRule", defined.node.find_child(_RULE))
    secrets = [(name, secret) for container in task.containers for name, secret in container._all_secrets]
    pattern = change_pattern(secret for _, secret in secrets)
    problems = Problems(lambda: str(scope.node.path))
    _check(pattern, secrets, place_of(scope), problems)
    check_place(problems, "encryption_key", encryption_key, scope, across_accounts=True)
    problems.raise_any()

    rotation = Construct(scope, _ROTATION)
    machine = define_machine(rotation, *_redeployment(service, cluster.cluster_arn), log_group)
    start_statement = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": machine.state_machine_arn}
    role = define_role(rotation, "Role", "events", arn("events", "rule/*"), [start_statement])
    dead_letters = define_dead_letters(
        rotation,
        "DeadLetters",
        # EventBridge cannot use the AWS managed key of SQS
        encryption=sqs.QueueEncryption.KMS if encryption_key else sqs.QueueEncryption.SQS_MANAGED,
        encryption_key=encryption_key,
        removal_policy=cdk.RemovalPolicy.DESTROY,  # its messages only tell that a deployment did not start
    )
    if encryption_key:
        allow_use(encryption_key, EVENTBRIDGE)
    rule = events.CfnRule(
        rotation,
        _RULE,
        description="Secrets and parameters of a service that have a new value",
        event_pattern=pattern,
        targets=[
            events.CfnRule.TargetProperty(
                id="Deploy",
                arn=machine.state_machine_arn,
                role_arn=role.role_arn,
                input="{}",
                dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=dead_letters.queue_arn),
            )
        ],
    )
    allow_send(dead_letters, rule)
    return rule


def _check(pattern: Pattern | None, secrets: Iterable[tuple[str, Any]], own_place: Place, problems: Problems) -> None:
    """Check that a value can change, and that its events are sent to this account and region."""
    if pattern is None:
        problems.add(
            "redeploy_on_rotation() has no effect, since no container has a secret or a parameter whose value can "
            "change; use Container(secrets={...}), without a version_id"
        )
    for name, secret in secrets:
        parts = secret_sources.arn(secret).split(":")
        place = (parts[4], parts[3]) if parts[0] == "arn" and len(parts) > 4 else ("", "")  # noqa: PLR2004  # to the account
        for kind, own, other in zip(("account", "region"), own_place, place, strict=True):
            if own and other and not is_token(other) and other != own:
                problems.add(
                    f"secret {name!r} must be in {kind} {own} (got {other}), since another {kind} sends its events "
                    f"elsewhere; forward these events to {kind} {own}, and define a rule of your own that redeploys "
                    "the service"
                )


def _redeployment(service: ecs.BaseService, cluster_arn: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the definition of the state machine, and its permissions."""
    state = {
        "Type": "Task",
        "Resource": f"arn:{pseudo_parameters()[0]}:states:::aws-sdk:ecs:updateService",
        "Parameters": {"Cluster": cluster_arn, "Service": service.service_name, "ForceNewDeployment": True},
        "Retry": [_RETRY],
        "End": True,
    }
    statement = {"Effect": "Allow", "Action": "ecs:UpdateService", "Resource": service.service_arn}
    return {"StartAt": "Deploy", "States": {"Deploy": state}}, [statement]

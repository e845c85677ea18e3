"""A task that runs once ahead of each new version: a database migration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from moorage.ecs.launch import DEFAULT_EGRESS, Launch, Launched
from moorage.workload.lifecycle import LifecycleHook, LifecycleStage

_FUNCTION = Path(__file__).with_name("run_once.py")
_ANSWERS_IN_SECONDS = 30
_RUNS_AT_MOST_MINUTES = 60


def define_before(
    scope: Construct, launch: Launch, service: Launched, cluster: ecs.ICluster, removal_policy: cdk.RemovalPolicy
) -> tuple[Launched, LifecycleHook]:
    """Define the task, and the hook that runs it where and as the service's own tasks are run.

    Args:
        scope: Where.
        launch: The task, on what and where it runs.
        service: The service's own, whose security groups it shares.
        cluster: The cluster, as what is defined after its capacity names it.
        removal_policy: What becomes of its function's log group when the stack goes.
    """
    before = Construct(scope, "Before")
    groups = service.security_groups if launch.own_interface else None
    shared = attrs.evolve(launch, security_groups=groups, egress=DEFAULT_EGRESS)
    launched = shared.define(before, log_group=service.log_group, removal_policy=removal_policy)
    logged = logs.LogGroup(before, "FunctionLogs", retention=logs.RetentionDays.ONE_YEAR, removal_policy=removal_policy)
    role = iam.Role(before, "FunctionRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    logged.grant_write(role)
    for statement in _run_statements(launched, cluster):
        role.add_to_policy(statement)
    stack = cdk.Stack.of(before)
    function = lambda_.Function(
        before,
        "Function",
        description="Runs a task once ahead of each new version of a service",
        runtime=lambda_.Runtime.PYTHON_3_13,
        architecture=lambda_.Architecture.ARM_64,
        handler="index.handler",
        code=lambda_.Code.from_inline(_FUNCTION.read_text()),
        timeout=cdk.Duration.seconds(_ANSWERS_IN_SECONDS),
        role=role,
        log_group=logged,
        environment={
            "RUN_TASK": stack.to_json_string(_run_request(launched, cluster)),
            "ESSENTIAL": ",".join(each.name for each in launch.task.containers if each.essential),
        },
    )
    hook = LifecycleHook.function(
        function, LifecycleStage.PRE_SCALE_UP, timeout=cdk.Duration.minutes(_RUNS_AT_MOST_MINUTES)
    )
    return launched, hook


def _run_request(launched: Launched, cluster: ecs.ICluster) -> dict[str, Any]:
    """What RunTask is asked for, in the words of ECS's API."""
    request: dict[str, Any] = {
        "cluster": cluster.cluster_arn,
        "taskDefinition": launched.task_definition.task_definition_arn,
        "count": 1,
    }
    if launched.strategy_items is not None:
        request["capacityProviderStrategy"] = [_in_camel_case(item) for item in launched.strategy_items]
    if launched.interface is not None:
        request["networkConfiguration"] = {"awsvpcConfiguration": _in_camel_case(launched.interface)}
    return request


def _in_camel_case(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name[0] + name.title().replace("_", "")[1:]: value for name, value in said.items()}


def _run_statements(launched: Launched, cluster: ecs.ICluster) -> list[iam.PolicyStatement]:
    """The right to run this task, there and with its own roles, and to see what became of it."""
    there = {"ArnEquals": {"ecs:cluster": cluster.cluster_arn}}
    definition = launched.task_definition
    roles = [definition.task_role, *filter(None, [definition.execution_role])]
    return [
        iam.PolicyStatement(actions=["ecs:RunTask"], resources=[definition.task_definition_arn], conditions=there),
        iam.PolicyStatement(actions=["ecs:DescribeTasks"], resources=["*"], conditions=there),
        iam.PolicyStatement(
            actions=["iam:PassRole"],
            resources=[role.role_arn for role in roles],
            conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        ),
    ]

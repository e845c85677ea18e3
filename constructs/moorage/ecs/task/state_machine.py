"""The state machines that run tasks, and the roles of the services that start tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from moorage.ecs.cdk_values import arn, pseudo_parameters
from moorage.scope.acknowledgements import POLICY_OF_ONE_ROLE, acknowledge

if TYPE_CHECKING:
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_stepfunctions as sfn
    from constructs import Construct

WILDCARDS_OF_RUNS = (
    "iam-wildcard",
    "the ARNs of future tasks and of future revisions of the task definition are not known; a condition limits the "
    "actions to the cluster",
)
"""The issue of a policy that lets a role run a task, and the reason why it is acknowledged."""
_DELIVERY_ACTIONS = (
    *("logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery"),
    *("logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups"),
    *("xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"),
)
"""The actions that CDK grants a state machine that logs and traces (aws_cdk.aws_stepfunctions.StateMachine)."""


def define_role(
    scope: Construct, construct_id: str, service: str, source: str, statements: Sequence[Mapping[str, Any]]
) -> iam.Role:
    """Define a role that an AWS service assumes only for sources of this account.

    Args:
        scope: The scope in which to define the role.
        construct_id: The ID of the role in its scope.
        service: The first part of the service principal, such as `scheduler`.
        source: The ARN of the resource on whose behalf the service acts, or a pattern if the resource's name is
            unknown.
        statements: The statements of the role's policy.
    """
    conditions = {"StringEquals": {"aws:SourceAccount": pseudo_parameters()[2]}, "ArnLike": {"aws:SourceArn": source}}
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    role = iam.Role(
        scope,
        construct_id,
        assumed_by=iam.ServicePrincipal(f"{service}.amazonaws.com", conditions=conditions),
        inline_policies={"Run": iam.PolicyDocument.from_json(policy)},
    )
    acknowledge(role, *POLICY_OF_ONE_ROLE)
    acknowledge(role, *WILDCARDS_OF_RUNS, statements=statements)
    return role


def define_machine(
    scope: Construct, definition: Mapping[str, Any], statements: Sequence[Mapping[str, Any]], log_group: logs.ILogGroup
) -> sfn.StateMachine:
    """Define a state machine with the ID `Machine` that logs and traces each execution.

    Args:
        scope: The scope in which to define the state machine.
        definition: The definition of the state machine in the Amazon States Language.
        statements: The statements of the role's policy.
        log_group: The log group of the executions.
    """
    from aws_cdk import aws_stepfunctions as sfn  # noqa: PLC0415  # loads aws_cdk.aws_stepfunctions

    source = arn("states", "stateMachine:*")  # CloudFormation chooses its name
    role = define_role(scope, "MachineRole", "states", source, statements)
    acknowledge(
        role,
        "iam-wildcard",
        "the actions for the logs and traces of Step Functions cannot be limited to a resource",
        actions=_DELIVERY_ACTIONS,
    )
    return sfn.StateMachine(
        scope,
        "Machine",
        definition_body=sfn.DefinitionBody.from_string(cdk.Stack.of(scope).to_json_string(definition)),
        role=role,
        logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL),
        tracing_enabled=True,
    )

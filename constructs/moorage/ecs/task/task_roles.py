"""The roles of a task that the user gives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from moorage.scope.acknowledgements import POLICY_OF_ONE_ROLE, acknowledge
from moorage.scope.place import check_place

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs
    from constructs import Construct, IConstruct

    from moorage.workload.problems import Problems
    from moorage.workload.task import Task

_TASKS_PRINCIPAL = "ecs-tasks.amazonaws.com"


def check_roles(scope: IConstruct, task: Task, problems: Problems) -> None:
    """Check that ECS can use the given roles of a task in the account of `scope`."""
    for argument, role in (("task_role", task.task_role), ("execution_role", task.execution_role)):
        if role is None:
            continue
        check_place(problems, argument, role, scope, across_regions=True)
        if isinstance(role, iam.Role) and not _may_trust_tasks(role):
            problems.add(
                f"{argument} must trust {_TASKS_PRINCIPAL}, or no task starts (got {role.node.path}, which trusts only "
                f"others); use iam.Role(..., assumed_by=iam.ServicePrincipal({_TASKS_PRINCIPAL!r}))"
            )


def _may_trust_tasks(role: iam.Role) -> bool:
    """Return True unless the trust policy of a role is known not to name ECS tasks."""
    policy = cast("iam.PolicyDocument", role.assume_role_policy)  # only imported roles have none
    trust = json.dumps(cdk.Stack.of(role).resolve(policy.to_json()))
    return any(each in trust for each in (_TASKS_PRINCIPAL, '"*"', '"Ref"', '"Fn::'))


def role_in(scope: Construct, construct_id: str, role: iam.IRole | None) -> iam.IRole | None:
    """Return a role for a task in `scope`, to whose policies the permissions of the task are added.

    The policies of a role that another stack of the app defines belong to `scope`. Otherwise the stack of the role
    would refer to log groups, repositories and secrets of the stack that needs the role, and neither stack could be
    deployed first.
    """
    if not isinstance(role, iam.Role) or cdk.Stack.of(role) is cdk.Stack.of(scope):
        return role
    if cast("iam.CfnRole", role.node.default_child).path not in {None, "/"}:
        return role  # the ARN of an import must end with the name
    imported = iam.Role.from_role_arn(scope, construct_id, role.role_arn)
    acknowledge(imported, *POLICY_OF_ONE_ROLE)
    return imported


def policy_owners(definition: ecs.TaskDefinition, task: Task) -> list[IConstruct]:
    """Return the constructs below which the policies of the roles are: the task definition, and the given roles."""
    return [
        definition,
        *([definition.task_role] if task.task_role else []),
        *([definition.obtain_execution_role()] if task.execution_role else []),
    ]

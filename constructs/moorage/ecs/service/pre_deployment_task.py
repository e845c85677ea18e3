"""A task that runs once before each deployment, such as a database migration."""

from __future__ import annotations

from pathlib import Path

import attrs
import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from moorage.ecs.service.hook_checks import PRE_DEPLOYMENT_MINUTES
from moorage.ecs.service.hook_function import define_hook_function
from moorage.ecs.task.run_task import TaskRun
from moorage.ecs.task.state_machine import WILDCARDS_OF_RUNS
from moorage.ecs.task.task_launch import DEFAULT_EGRESS, Launch, TaskResources
from moorage.ecs.task.task_logs import DEFAULT_LOG_RETENTION, TaskLogs
from moorage.scope.acknowledgements import LOG_GROUP_WITHOUT_KEY, POLICY_OF_ONE_ROLE, acknowledge
from moorage.workload.lifecycle_hooks import LifecycleHook, LifecycleStage

_FUNCTION_FILE = Path(__file__).with_name("pre_deployment_function.py")
_FUNCTION_TIMEOUT_SECONDS = 30
_MINUTES_TO_STOP = 5
"""The minutes that the hook still has when the function stops the task."""


def define_pre_deployment_task(
    scope: Construct,
    launch: Launch,
    service_resources: TaskResources,
    cluster: ecs.ICluster,
    task_logs: TaskLogs,
) -> tuple[TaskResources, LifecycleHook]:
    """Define the resources of the task, and a hook that runs the task. Return both.

    The task runs with the capacity and network of the service.

    Args:
        scope: The scope in which to define the task and the hook.
        launch: The task with its capacity and network.
        service_resources: The resources of the service, whose security groups and log group the task shares.
        cluster: The cluster, or `with_capacity` of a `Cluster`.
        task_logs: The retention and the removal policy of the log group of the hook's function.
    """
    task_scope = Construct(scope, "Before")
    security_groups = service_resources.security_groups if launch.has_own_interface else None
    own_launch = attrs.evolve(launch, security_groups=security_groups, egress=DEFAULT_EGRESS)
    resources = own_launch.define(task_scope, task_logs=TaskLogs(service_resources.log_group))
    function_log_group = logs.LogGroup(
        task_scope,
        "FunctionLogs",
        retention=task_logs.retention or DEFAULT_LOG_RETENTION,
        removal_policy=task_logs.removal_policy,
    )
    role = iam.Role(task_scope, "FunctionRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    function_log_group.grant_write(role)
    acknowledge(function_log_group, *LOG_GROUP_WITHOUT_KEY)
    acknowledge(role, *POLICY_OF_ONE_ROLE)
    run = TaskRun(resources=resources, cluster=cluster, placement=None)
    statements = (*run.run_statements(), run.describe_statement())
    for statement in statements:
        role.add_to_policy(iam.PolicyStatement.from_json(statement))
    acknowledge(role, *WILDCARDS_OF_RUNS, statements=statements)
    stack = cdk.Stack.of(task_scope)
    function = define_hook_function(
        task_scope,
        _FUNCTION_FILE,
        description="Runs a task once ahead of each new version of a service",
        timeout_seconds=_FUNCTION_TIMEOUT_SECONDS,
        role=role,
        log_group=function_log_group,
        environment={
            "RUN_TASK": stack.to_json_string(run.run_task_request()),
            "MAIN": next(each.name for each in launch.task.containers if each.essential),
            "STOP_AFTER": str((PRE_DEPLOYMENT_MINUTES - _MINUTES_TO_STOP) * 60),
        },
        purpose="start the task and then to check if the task has ended",
    )
    hook = LifecycleHook.function(
        function, LifecycleStage.PRE_SCALE_UP, timeout=cdk.Duration.minutes(PRE_DEPLOYMENT_MINUTES)
    )
    return resources, hook

"""One run of a task: by EventBridge directly, or by a state machine that waits for its end."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam

from moorage.ecs.cdk_values import arn, pseudo_parameters
from moorage.ecs.task.state_machine import define_machine

if TYPE_CHECKING:
    from aws_cdk import aws_events as events
    from aws_cdk import aws_scheduler as scheduler
    from aws_cdk import aws_stepfunctions as sfn
    from constructs import Construct

    from moorage.ecs.capacity.placement import Placement
    from moorage.ecs.task.task_launch import TaskResources

_START_ERRORS = ["ECS.AmazonECSException", "ECS.ServerException", "AmazonECS.Unknown"]
"""The errors of a task that did not start, not of a task that ran and failed (Step Functions, connect to ECS)."""
_RETRY = {"IntervalSeconds": 5, "BackoffRate": 2, "MaxAttempts": 6, "JitterStrategy": "FULL"}
"""The retries of a start after a temporary error, such as throttling. They take five minutes in total."""

_RUN_RETRY = {"IntervalSeconds": 10, "BackoffRate": 2, "MaxDelaySeconds": 600, "JitterStrategy": "FULL"}
"""The intervals before a failed task is run again."""
_EXECUTION = "$$.Execution.Name"
"""The name of an execution, as a path in Step Functions' context object."""


@attrs.frozen(eq=False, kw_only=True)
class TaskRun:
    """One run of a task, as parameters for each service that can start it.

    Args:
        resources: The resources of the task to run.
        cluster: The cluster that runs the task.
        placement: The placement of the task on instances, or None for the default of ECS.
    """

    resources: TaskResources
    cluster: ecs.ICluster
    placement: Placement | None

    def run_statements(self) -> list[dict[str, Any]]:
        """Return the permissions to run the task: only this task, in this cluster, with the task's two roles."""
        definition = self.resources.task_definition
        roles = [definition.task_role.role_arn, definition.obtain_execution_role().role_arn]
        return [
            {
                "Effect": "Allow",
                "Action": "ecs:RunTask",
                "Resource": arn("ecs", f"task-definition/{definition.family}:*"),
                "Condition": {"ArnEquals": {"ecs:cluster": self.cluster.cluster_arn}},
            },
            {
                "Effect": "Allow",
                "Action": "ecs:TagResource",
                "Resource": self._task_arns,
                "Condition": {"StringEquals": {"ecs:CreateAction": "RunTask"}},
            },
            {
                "Effect": "Allow",
                "Action": "iam:PassRole",
                "Resource": roles,
                "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            },
        ]

    def grant(self, grantee: iam.IGrantable) -> iam.Grant:
        """Grant the permissions to run the task."""
        grants = []
        for statement in self.run_statements():
            resources = statement["Resource"]
            grants.append(
                iam.Grant.add_to_principal(
                    grantee=grantee,
                    actions=[statement["Action"]],
                    resource_arns=resources if isinstance(resources, list) else [resources],
                    conditions=statement["Condition"],
                )
            )
        return functools.reduce(iam.Grant.combine, grants)

    def scheduler_parameters(self) -> scheduler.CfnSchedule.EcsParametersProperty:
        """Return the parameters for EventBridge Scheduler."""
        from aws_cdk import aws_scheduler as scheduler  # noqa: PLC0415  # loads aws_cdk.aws_scheduler

        cfn = scheduler.CfnSchedule
        parameters = self._target_parameters(cfn, "awsvpc_configuration")
        strategies = [cfn.PlacementStrategyProperty(**each) for each in self._strategies]
        return cfn.EcsParametersProperty(**parameters, placement_strategy=strategies or None)

    def rule_parameters(self) -> events.CfnRule.EcsParametersProperty:
        """Return the parameters for an EventBridge rule."""
        from aws_cdk import aws_events as events  # noqa: PLC0415  # loads aws_cdk.aws_events

        cfn = events.CfnRule
        parameters = self._target_parameters(cfn, "aws_vpc_configuration")
        strategies = [cfn.PlacementStrategyProperty(**each) for each in self._strategies]
        return cfn.EcsParametersProperty(**parameters, placement_strategies=strategies or None)

    def run_task_request(self) -> dict[str, Any]:
        """Return the request of ECS's RunTask API."""
        request: dict[str, Any] = _camel_case({**self._run_task_parameters, "count": 1})
        return request

    def describe_statement(self) -> dict[str, Any]:
        """Return the permissions to wait for the end of the task, and to stop it."""
        return {"Effect": "Allow", "Action": ["ecs:DescribeTasks", "ecs:StopTask"], "Resource": self._task_arns}

    def define_machine(
        self,
        scope: Construct,
        *,
        overlap: bool,
        timeout: int | None,
        retries: int,
        retry_interval: int | None = None,
        pass_input: bool,
    ) -> sfn.StateMachine:
        """Define a state machine that runs the task and waits for its end.

        Args:
            scope: The scope in which to define the state machine, with the ID `Machine`.
            overlap: Whether to run the task while another task of its family runs in the cluster.
            timeout: The number of seconds after which the task is stopped, or None for no timeout.
            retries: The number of times that a failed task is run again.
            retry_interval: The number of seconds before each retry. Default: intervals that grow.
            pass_input: Whether to pass the input of an execution to the task as overrides.
        """
        states = self.machine_states(
            overlap=overlap, timeout=timeout, retries=retries, retry_interval=retry_interval, pass_input=pass_input
        )
        definition = {"StartAt": next(iter(states)), "States": states}
        statements = self._machine_statements(lists_tasks=not overlap or timeout is not None)
        return define_machine(scope, definition, statements, self.resources.log_group)

    def machine_states(
        self,
        *,
        overlap: bool,
        timeout: int | None,
        retries: int,
        retry_interval: int | None = None,
        pass_input: bool,
    ) -> dict[str, dict[str, Any]]:
        """Return the states of the state machine, the start state first."""
        return {
            **({} if overlap else self._overlap_states()),
            "Run": self._run_state(timeout, retries, retry_interval, pass_input=pass_input),
            **(self._timeout_states() if timeout else {}),
        }

    @property
    def _run_task_parameters(self) -> dict[str, Any]:
        """The parameters of RunTask that are known before an execution starts."""
        return {
            "cluster": self.cluster.cluster_arn,
            "task_definition": self.resources.task_definition.task_definition_arn,
            "capacity_provider_strategy": self.resources.strategy_items,
            "network_configuration": self.resources.network_interface
            and {"awsvpc_configuration": self.resources.network_interface},
            "placement_constraints": self._constraints or None,
            "placement_strategy": self._strategies or None,
            "propagate_tags": "TASK_DEFINITION",
            "enable_execute_command": self._execute_command,
        }

    @property
    def _task_arns(self) -> str:
        return arn("ecs", f"task/{self.cluster.cluster_name}/*")

    def _target_parameters(self, cfn: type[scheduler.CfnSchedule | events.CfnRule], awsvpc: str) -> dict[str, Any]:
        """Return the parameters that EventBridge Scheduler and EventBridge rules share, in the classes of `cfn`."""
        public_address, interface = self.resources.launch.assign_public_ip, self.resources.network_interface
        strategy_items = None if public_address else self.resources.strategy_items
        capacity_providers: list[Any] = [
            cfn.CapacityProviderStrategyItemProperty(**item) for item in strategy_items or ()
        ]
        network = interface and {awsvpc: cfn.AwsVpcConfigurationProperty(**interface)}
        return {
            "task_definition_arn": self.resources.task_definition.task_definition_arn,
            "task_count": 1,
            # EventBridge assigns a public address only with the launch type FARGATE
            "launch_type": "FARGATE" if public_address else None,
            "capacity_provider_strategy": capacity_providers or None,
            "network_configuration": network and cfn.NetworkConfigurationProperty(**network),
            "placement_constraints": [cfn.PlacementConstraintProperty(**each) for each in self._constraints] or None,
            "propagate_tags": "TASK_DEFINITION",
            "enable_ecs_managed_tags": True,
            "enable_execute_command": self._execute_command,
        }

    @property
    def _execute_command(self) -> bool | None:
        return True if self.resources.launch.task.execute_command else None

    @property
    def _constraints(self) -> list[dict[str, Any]]:
        constraints = self.placement.constraints if self.placement else ()
        return [
            {"type": constraint_property.type, "expression": constraint_property.expression}
            for each in constraints
            for constraint_property in each.to_json()
        ]

    @property
    def _strategies(self) -> list[dict[str, Any]]:
        return self.placement._written_strategies if self.placement else []

    def _overlap_states(self) -> dict[str, Any]:
        """Return the states that end an execution if another task of the family is running."""
        return {
            "List": {**self._list_state(MaxResults=1), "Next": "Any"},
            "Any": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.TaskArns[0]", "IsPresent": True, "Next": "Runs already"}],
                "Default": "Run",
            },
            "Runs already": {"Type": "Succeed"},
        }

    def _run_state(
        self, timeout: int | None, retries: int, retry_interval: int | None, *, pass_input: bool
    ) -> dict[str, Any]:
        interval = _RUN_RETRY if retry_interval is None else {"IntervalSeconds": retry_interval, "BackoffRate": 1}
        run_again = {"ErrorEquals": ["States.TaskFailed"], **interval, "MaxAttempts": retries}
        return {
            "Type": "Task",
            "Resource": f"arn:{pseudo_parameters()[0]}:states:::ecs:runTask.sync",
            "Parameters": {
                **pascal_case(self._run_task_parameters),
                **({"Overrides.$": "$$.Execution.Input"} if pass_input else {}),
                **({"Group.$": _EXECUTION} if timeout else {}),
            },
            "Retry": [{"ErrorEquals": _START_ERRORS, **_RETRY}, *([run_again] if retries else [])],
            **({"TimeoutSeconds": timeout} if timeout else {}),
            **({"Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "List running"}]} if timeout else {}),
            "End": True,
        }

    def _timeout_states(self) -> dict[str, Any]:
        """Return the states that stop a task that ran too long.

        Step Functions stops the task of an execution that is stopped. Its guide does not mention the task of a state
        that timed out ("Run a Job (.sync)"). Such a state has no output, so these states find the task by its group.
        """
        stop_own = {
            "StartAt": "Describe",
            "States": {
                "Describe": {**self._call("describeTasks", **{"Tasks.$": "States.Array($)"}), "Next": "Own"},
                "Own": {
                    "Type": "Choice",
                    "Choices": [
                        {
                            "And": [
                                {"Variable": "$.Tasks[0].Group", "IsPresent": True},  # it may have ended meanwhile
                                {"Variable": "$.Tasks[0].Group", "StringEqualsPath": _EXECUTION},
                            ],
                            "Next": "Stop",
                        },
                    ],
                    "Default": "Other run",
                },
                "Stop": {
                    **self._call(
                        "stopTask", **{"Task.$": "$.Tasks[0].TaskArn"}, Reason="It ran longer than the job's timeout"
                    ),
                    "End": True,
                },
                "Other run": {"Type": "Succeed"},
            },
        }
        return {
            "List running": {**self._list_state(), "Next": "Stop own"},
            "Stop own": {
                "Type": "Map",
                "ItemsPath": "$.TaskArns",
                "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **stop_own},
                "Next": "Timed out",
            },
            "Timed out": {"Type": "Fail", "Error": "Timeout", "Cause": "The task ran longer than the job's timeout"},
        }

    def _list_state(self, **parameters: Any) -> dict[str, Any]:
        family = self.resources.task_definition.family
        return self._call("listTasks", Family=family, DesiredStatus="RUNNING", **parameters)

    def _call(self, action: str, **parameters: Any) -> dict[str, Any]:
        """Return a state, without its `Next` or `End`, that calls ECS's API for the cluster."""
        return {
            "Type": "Task",
            "Resource": f"arn:{pseudo_parameters()[0]}:states:::aws-sdk:ecs:{action}",
            "Parameters": {"Cluster": self.cluster.cluster_arn, **parameters},
            "Retry": [{"ErrorEquals": ["States.TaskFailed"], **_RETRY}],
        }

    def _machine_statements(self, *, lists_tasks: bool) -> list[dict[str, Any]]:
        """Return the state machine's permissions: to run, find and stop the task, and to define its event rule."""
        in_cluster = {"ArnEquals": {"ecs:cluster": self.cluster.cluster_arn}}
        list_statement = {"Effect": "Allow", "Action": "ecs:ListTasks", "Resource": "*", "Condition": in_cluster}
        return [
            *self.run_statements(),
            # ListTasks can be limited only to container instances, so the condition limits it to the cluster
            *([list_statement] if lists_tasks else []),
            self.describe_statement(),
            {
                "Effect": "Allow",
                "Action": ["events:DescribeRule", "events:PutRule", "events:PutTargets"],
                "Resource": arn("events", "rule/StepFunctionsGetEventsForECSTaskRule"),
            },
        ]


def pascal_case(value: Any) -> Any:
    """Rename keys to PascalCase, as in Step Functions' parameters of an API, and drop keys whose value is None."""
    return _renamed_keys(value, lambda parts: "".join(word[:1].upper() + word[1:] for word in parts))


def _camel_case(value: Any) -> Any:
    """Rename keys to camelCase, as in ECS's API, and drop keys whose value is None."""
    return _renamed_keys(value, lambda parts: parts[0] + "".join(word.title() for word in parts[1:]))


def _renamed_keys(value: Any, join: Callable[[list[str]], str]) -> Any:
    if isinstance(value, dict):
        present = {name: each for name, each in value.items() if each is not None}
        return {join(name.split("_")): _renamed_keys(each, join) for name, each in present.items()}
    return [_renamed_keys(each, join) for each in value] if isinstance(value, list) else value

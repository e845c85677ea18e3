"""How a task is run once: by EventBridge itself, or by a state machine that sees to the end of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam

from moorage.ecs.cdk_values import arn, here

if TYPE_CHECKING:
    from aws_cdk import aws_events as events
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_scheduler as scheduler
    from aws_cdk import aws_stepfunctions as sfn
    from constructs import Construct

    from moorage.ecs.capacity.placement import Placement
    from moorage.ecs.task.task_launch import Launched

_NOT_STARTED = ["ECS.AmazonECSException", "ECS.ServerException", "AmazonECS.Unknown"]
"""The errors of a task that was not started, and not of one that ran and failed (Step Functions, connect to ECS)."""
_STARTS_AGAIN = {"IntervalSeconds": 5, "BackoffRate": 2, "MaxAttempts": 6, "JitterStrategy": "FULL"}
"""Five minutes in all, for what passes: throttling, and ECS not answering."""


def define_role(
    scope: Construct, construct_id: str, service: str, source: str, statements: Sequence[Mapping[str, Any]]
) -> iam.Role:
    """Define a role that a service of AWS acts as for sources of this account alone.

    Args:
        scope: Where it is defined.
        construct_id: Its id there.
        service: The service, as in `scheduler`.
        source: The ARN that the service acts for; a pattern where the resource's own name is not known before.
        statements: What it may do.
    """
    conditions = {"StringEquals": {"aws:SourceAccount": here()[2]}, "ArnLike": {"aws:SourceArn": source}}
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    return iam.Role(
        scope,
        construct_id,
        assumed_by=iam.ServicePrincipal(f"{service}.amazonaws.com", conditions=conditions),
        inline_policies={"Run": iam.PolicyDocument.from_json(policy)},
    )


def define_machine(
    scope: Construct, definition: Mapping[str, Any], statements: Sequence[Mapping[str, Any]], log_group: logs.ILogGroup
) -> sfn.StateMachine:
    """Define a state machine as `Machine`, which logs each execution.

    Args:
        scope: Where it is defined.
        definition: What it does, in the States Language.
        statements: What it may do.
        log_group: Where it logs.
    """
    from aws_cdk import aws_stepfunctions as sfn  # noqa: PLC0415  # loads aws_cdk.aws_stepfunctions

    source = arn("states", "stateMachine:*")  # CloudFormation chooses its name
    return sfn.StateMachine(
        scope,
        "Machine",
        definition_body=sfn.DefinitionBody.from_string(cdk.Stack.of(scope).to_json_string(definition)),
        role=define_role(scope, "MachineRole", "states", source, statements),
        logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL),
        tracing_enabled=True,
    )


@attrs.frozen(eq=False, kw_only=True)
class Run:
    """One run of a task, in the words of each that starts it.

    Args:
        launched: What is run.
        cluster: Where.
        placement: On which instances.
    """

    launched: Launched
    cluster: ecs.ICluster
    placement: Placement | None

    def may_run(self) -> list[dict[str, Any]]:
        """What whoever runs it must be allowed: this task, in this cluster, as its own two roles."""
        definition = self.launched.task_definition
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
                "Resource": self._tasks,
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
        """Let somebody run it."""
        granted = [
            iam.Grant.add_to_principal(
                grantee=grantee,
                actions=[said["Action"]],
                resource_arns=said["Resource"] if isinstance(said["Resource"], list) else [said["Resource"]],
                conditions=said["Condition"],
            )
            for said in self.may_run()
        ]
        return functools.reduce(iam.Grant.combine, granted)

    def by_scheduler(self) -> scheduler.CfnSchedule.EcsParametersProperty:
        """What EventBridge Scheduler is told."""
        from aws_cdk import aws_scheduler as scheduler  # noqa: PLC0415  # loads aws_cdk.aws_scheduler

        words = scheduler.CfnSchedule
        told = self._told(words, "awsvpc_configuration")
        placed = [words.PlacementStrategyProperty(**each) for each in self._strategies]
        return words.EcsParametersProperty(**told, placement_strategy=placed or None)

    def by_rule(self) -> events.CfnRule.EcsParametersProperty:
        """What a rule of EventBridge is told."""
        from aws_cdk import aws_events as events  # noqa: PLC0415  # loads aws_cdk.aws_events

        words = events.CfnRule
        told = self._told(words, "aws_vpc_configuration")
        placed = [words.PlacementStrategyProperty(**each) for each in self._strategies]
        return words.EcsParametersProperty(**told, placement_strategies=placed or None)

    def by_api(self) -> dict[str, Any]:
        """What ECS's own RunTask is asked for."""
        asked: dict[str, Any] = _camel({**self._asked, "count": 1})
        return asked

    def may_see(self) -> dict[str, Any]:
        """What whoever waits for its end must be allowed besides."""
        return {"Effect": "Allow", "Action": "ecs:DescribeTasks", "Resource": self._tasks}

    def define_machine(self, scope: Construct, *, overlap: bool, timeout: int | None, passed: bool) -> sfn.StateMachine:
        """Define a state machine that runs it and waits until it ends.

        Args:
            scope: Where it is defined, as `Machine`.
            overlap: Whether it runs though one of its family runs in the cluster already.
            timeout: After how many seconds it is stopped.
            passed: Whether an execution's input is passed to the task as its overrides.
        """
        states = {**({} if overlap else self._others()), "Run": self._run(timeout, passed=passed)}
        definition = {"StartAt": next(iter(states)), "States": states}
        return define_machine(scope, definition, self._may_watch(overlap=overlap), self.launched.log_group)

    @property
    def _asked(self) -> dict[str, Any]:
        """The parameters of RunTask that are known before."""
        return {
            "cluster": self.cluster.cluster_arn,
            "task_definition": self.launched.task_definition.task_definition_arn,
            "capacity_provider_strategy": self.launched.strategy_items,
            "network_configuration": self.launched.interface and {"awsvpc_configuration": self.launched.interface},
            "placement_constraints": self._constraints or None,
            "placement_strategy": self._strategies or None,
            "propagate_tags": "TASK_DEFINITION",
            "enable_execute_command": self._sessions,
        }

    @property
    def _tasks(self) -> str:
        return arn("ecs", f"task/{self.cluster.cluster_name}/*")

    def _told(self, words: type[scheduler.CfnSchedule | events.CfnRule], awsvpc: str) -> dict[str, Any]:
        """What both are told alike, each in its own words."""
        public, interface = self.launched.launch.assign_public_ip, self.launched.interface
        items = None if public else self.launched.strategy_items
        spread: list[Any] = [words.CapacityProviderStrategyItemProperty(**item) for item in items or ()]
        network = interface and {awsvpc: words.AwsVpcConfigurationProperty(**interface)}
        return {
            "task_definition_arn": self.launched.task_definition.task_definition_arn,
            "task_count": 1,
            "launch_type": "FARGATE" if public else None,  # EventBridge gives a public address with nothing else
            "capacity_provider_strategy": spread or None,
            "network_configuration": network and words.NetworkConfigurationProperty(**network),
            "placement_constraints": [words.PlacementConstraintProperty(**each) for each in self._constraints] or None,
            "propagate_tags": "TASK_DEFINITION",
            "enable_ecs_managed_tags": True,
            "enable_execute_command": self._sessions,
        }

    @property
    def _sessions(self) -> bool | None:
        return True if self.launched.launch.task.execute_command else None

    @property
    def _constraints(self) -> list[dict[str, Any]]:
        given = self.placement.constraints if self.placement else ()
        return [{"type": said.type, "expression": said.expression} for each in given for said in each.to_json()]

    @property
    def _strategies(self) -> list[dict[str, Any]]:
        given = self.placement.strategies if self.placement else ()
        return [{"type": said.type, "field": said.field} for each in given for said in each.to_json()]

    def _others(self) -> dict[str, Any]:
        """The states that end an execution while another task of the family runs."""
        return {
            "List": {
                "Type": "Task",
                "Resource": f"arn:{here()[0]}:states:::aws-sdk:ecs:listTasks",
                "Parameters": {
                    "Cluster": self.cluster.cluster_arn,
                    "Family": self.launched.task_definition.family,
                    "DesiredStatus": "RUNNING",
                    "MaxResults": 1,
                },
                "Retry": [{"ErrorEquals": ["States.TaskFailed"], **_STARTS_AGAIN}],
                "Next": "Any",
            },
            "Any": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.TaskArns[0]", "IsPresent": True, "Next": "Runs already"}],
                "Default": "Run",
            },
            "Runs already": {"Type": "Succeed"},
        }

    def _run(self, timeout: int | None, *, passed: bool) -> dict[str, Any]:
        return {
            "Type": "Task",
            "Resource": f"arn:{here()[0]}:states:::ecs:runTask.sync",
            "Parameters": {**pascal(self._asked), **({"Overrides.$": "$$.Execution.Input"} if passed else {})},
            "Retry": [{"ErrorEquals": _NOT_STARTED, **_STARTS_AGAIN}],
            **({"TimeoutSeconds": timeout} if timeout else {}),
            "End": True,
        }

    def _may_watch(self, *, overlap: bool) -> list[dict[str, Any]]:
        """What the machine may do: run the task, see and stop it, and learn of its end by a rule of Step Functions."""
        in_cluster = {"ArnEquals": {"ecs:cluster": self.cluster.cluster_arn}}
        listed = {"Effect": "Allow", "Action": "ecs:ListTasks", "Resource": "*", "Condition": in_cluster}
        return [
            *self.may_run(),
            *([] if overlap else [listed]),  # ListTasks knows no resource but an instance, so the cluster bounds it
            {"Effect": "Allow", "Action": ["ecs:DescribeTasks", "ecs:StopTask"], "Resource": self._tasks},
            {
                "Effect": "Allow",
                "Action": ["events:DescribeRule", "events:PutRule", "events:PutTargets"],
                "Resource": arn("events", "rule/StepFunctionsGetEventsForECSTaskRule"),
            },
        ]


def pascal(said: Any) -> Any:
    """Plain data by the names that Step Functions gives the parameters of an API, without what is not said."""
    return _renamed(said, lambda words: "".join(word[:1].upper() + word[1:] for word in words))


def _camel(said: Any) -> Any:
    """The same by the names that ECS's own API has."""
    return _renamed(said, lambda words: words[0] + "".join(word.title() for word in words[1:]))


def _renamed(said: Any, joined: Callable[[list[str]], str]) -> Any:
    if isinstance(said, dict):
        known = {name: each for name, each in said.items() if each is not None}
        return {joined(name.split("_")): _renamed(each, joined) for name, each in known.items()}
    return [_renamed(each, joined) for each in said] if isinstance(said, list) else said

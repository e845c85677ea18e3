"""The schedule or the rule that starts a job, with the role that EventBridge assumes."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import attrs
import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_scheduler as scheduler

from moorage.delivery.dead_letters import allow_send
from moorage.ecs.cdk_values import arn
from moorage.ecs.task.run_task import pascal_case
from moorage.ecs.task.state_machine import define_role

if TYPE_CHECKING:
    from aws_cdk import aws_sqs as sqs
    from aws_cdk import aws_stepfunctions as sfn
    from constructs import Construct

    from moorage.ecs.job.triggers import EventRule, Schedule, Trigger
    from moorage.ecs.task.run_task import TaskRun


@attrs.frozen(eq=False)
class JobStarter:
    """The schedule or the rule of EventBridge that starts a task, directly or through a state machine.

    Args:
        run: The task to run, with its cluster and placement.
        machine: The state machine that runs the task, or None if EventBridge starts the task directly.
        dead_letters: The queue for starts that failed.
    """

    run: TaskRun
    machine: sfn.StateMachine | None
    dead_letters: sqs.IQueue

    def define_schedule(self, scope: Construct, schedule: Schedule) -> scheduler.CfnSchedule:
        """Define a schedule that starts the task, and the role that EventBridge Scheduler assumes."""
        cfn, schedule_group, time_zone = scheduler.CfnSchedule, schedule.group, schedule.expression.time_zone
        # aws:SourceArn of a schedule is its group (EventBridge Scheduler user guide, confused deputy prevention)
        source = schedule_group.schedule_group_arn if schedule_group else arn("scheduler", "schedule-group/default")
        send_statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": self.dead_letters.queue_arn}
        role = define_role(scope, "Role", "scheduler", source, [*self._start_statements(), send_statement])
        if self.dead_letters.encryption_master_key:
            self.dead_letters.encryption_master_key.grant_encrypt_decrypt(role)
        target_input = self._input_for(schedule)
        window = schedule.flexible_window
        return cfn(
            scope,
            "Default",
            schedule_expression=schedule.expression.expression_string,
            schedule_expression_timezone=time_zone.timezone_name if time_zone else None,
            start_date=_utc_text(schedule.start),
            end_date=_utc_text(schedule.end),
            group_name=schedule_group.schedule_group_name if schedule_group else None,
            state="ENABLED" if schedule.enabled else "DISABLED",
            flexible_time_window=cfn.FlexibleTimeWindowProperty(
                mode="FLEXIBLE" if window else "OFF", maximum_window_in_minutes=window and window // 60
            ),
            target=cfn.TargetProperty(
                arn=self._target_arn,
                role_arn=role.role_arn,
                ecs_parameters=None if self.machine else self.run.scheduler_parameters(),
                input=cdk.Stack.of(scope).to_json_string(target_input) if target_input or self.machine else None,
                dead_letter_config=cfn.DeadLetterConfigProperty(arn=self.dead_letters.queue_arn),
                retry_policy=self._retry_policy(cfn, schedule),
            ),
        )

    def define_rule(self, scope: Construct, rule: EventRule) -> events.CfnRule:
        """Define a rule that starts the task, and the role that EventBridge assumes.

        EventBridge is allowed to send failed starts to the dead-letter queue.
        """
        cfn = events.CfnRule
        role = define_role(scope, "Role", "events", arn("events", "rule/*"), self._start_statements())
        cfn_rule = cfn(
            scope,
            "Rule",  # not the id of a schedule, since CloudFormation refuses to change the type of a resource
            event_pattern=rule._event_pattern,
            event_bus_name=rule.bus.event_bus_name if rule.bus else None,
            state="ENABLED" if rule.enabled else "DISABLED",
        )
        target_input = events.RuleTargetInput.from_object(self._input_for(rule)).bind(cfn_rule)
        transformed = None
        if target_input.input_template:
            transformed = cfn.InputTransformerProperty(
                input_template=target_input.input_template, input_paths_map=target_input.input_paths_map
            )
        cfn_rule.targets = [
            cfn.TargetProperty(
                id="Task",
                arn=self._target_arn,
                role_arn=role.role_arn,
                ecs_parameters=None if self.machine else self.run.rule_parameters(),
                # "{}" if nothing is passed, or ECS would use the event itself as overrides
                input=target_input.input,
                input_transformer=transformed,
                dead_letter_config=cfn.DeadLetterConfigProperty(arn=self.dead_letters.queue_arn),
                retry_policy=self._retry_policy(cfn, rule),
            )
        ]
        scope.node.default_child = cfn_rule
        allow_send(self.dead_letters, cfn_rule)
        return cfn_rule

    @property
    def _target_arn(self) -> str:
        return self.machine.state_machine_arn if self.machine else self.run.cluster.cluster_arn

    def _start_statements(self) -> list[dict[str, Any]]:
        if self.machine is None:
            return self.run.run_statements()
        return [{"Effect": "Allow", "Action": "states:StartExecution", "Resource": self.machine.state_machine_arn}]

    def _input_for(self, trigger: Trigger) -> dict[str, Any]:
        overrides = trigger._overrides(self.run.resources.launch.task)
        target_input: dict[str, Any] = pascal_case(overrides) if self.machine else overrides
        return target_input

    @staticmethod
    def _retry_policy(cfn: type[scheduler.CfnSchedule | events.CfnRule], trigger: Trigger) -> Any:
        if trigger.retries is None and trigger.max_event_age is None:
            return None
        return cfn.RetryPolicyProperty(
            maximum_retry_attempts=trigger.retries, maximum_event_age_in_seconds=trigger.max_event_age
        )


def _utc_text(moment: dt.datetime | None) -> str | None:
    """Return a time in the form that CloudFormation's handler and CDK use, with milliseconds. Return None for None."""
    return None if moment is None else f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S}.000Z"

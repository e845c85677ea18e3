"""The schedule or the rule that starts a job, with the role that it does so as."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import attrs
import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_scheduler as scheduler

from moorage.delivery.dead_letters import allow_send
from moorage.ecs.cdk_values import arn
from moorage.ecs.task.run_task import define_role, pascal

if TYPE_CHECKING:
    from aws_cdk import aws_sqs as sqs
    from aws_cdk import aws_stepfunctions as sfn
    from constructs import Construct

    from moorage.ecs.job.triggers import EventRule, Schedule, Trigger
    from moorage.ecs.task.run_task import Run


@attrs.frozen(eq=False)
class Start:
    """How EventBridge starts a run: itself, or through the machine that sees to its end.

    Args:
        run: What is run.
        machine: What runs it, where EventBridge does not itself.
        dead_letters: Where what could not be started goes.
    """

    run: Run
    machine: sfn.StateMachine | None
    dead_letters: sqs.IQueue

    def define_schedule(self, scope: Construct, schedule: Schedule) -> scheduler.CfnSchedule:
        """Define a schedule that starts it, and its role."""
        words, group, zone = scheduler.CfnSchedule, schedule.group, schedule.expression.time_zone
        # of a schedule the group is the source (EventBridge Scheduler user guide, confused deputy prevention)
        source = group.schedule_group_arn if group else arn("scheduler", "schedule-group/default")
        sends = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": self.dead_letters.queue_arn}
        role = define_role(scope, "Role", "scheduler", source, [*self._may_start(), sends])
        if self.dead_letters.encryption_master_key:
            self.dead_letters.encryption_master_key.grant_encrypt_decrypt(role)
        passed = self._passed(schedule)
        window = schedule.flexible_window
        return words(
            scope,
            "Default",
            schedule_expression=schedule.expression.expression_string,
            schedule_expression_timezone=zone.timezone_name if zone else None,
            start_date=_utc(schedule.start),
            end_date=_utc(schedule.end),
            group_name=group.schedule_group_name if group else None,
            state="ENABLED" if schedule.enabled else "DISABLED",
            flexible_time_window=words.FlexibleTimeWindowProperty(
                mode="FLEXIBLE" if window else "OFF", maximum_window_in_minutes=window and window // 60
            ),
            target=words.TargetProperty(
                arn=self._arn,
                role_arn=role.role_arn,
                ecs_parameters=None if self.machine else self.run.by_scheduler(),
                input=cdk.Stack.of(scope).to_json_string(passed) if passed or self.machine else None,
                dead_letter_config=words.DeadLetterConfigProperty(arn=self.dead_letters.queue_arn),
                retry_policy=self._retries(words, schedule),
            ),
        )

    def define_rule(self, scope: Construct, rule: EventRule) -> events.CfnRule:
        """Define a rule that starts it, its role, and its way into the queue."""
        words = events.CfnRule
        role = define_role(scope, "Role", "events", arn("events", "rule/*"), self._may_start())
        defined = words(
            scope,
            "Default",
            event_pattern=rule.fields,
            event_bus_name=rule.bus.event_bus_name if rule.bus else None,
            state="ENABLED" if rule.enabled else "DISABLED",
        )
        passed = events.RuleTargetInput.from_object(self._passed(rule)).bind(defined)
        transformed = None
        if passed.input_template:
            transformed = words.InputTransformerProperty(
                input_template=passed.input_template, input_paths_map=passed.input_paths_map
            )
        defined.targets = [
            words.TargetProperty(
                id="Task",
                arn=self._arn,
                role_arn=role.role_arn,
                ecs_parameters=None if self.machine else self.run.by_rule(),
                input=passed.input,  # "{}" where nothing is passed, or the event itself would be taken as overrides
                input_transformer=transformed,
                dead_letter_config=words.DeadLetterConfigProperty(arn=self.dead_letters.queue_arn),
                retry_policy=self._retries(words, rule),
            )
        ]
        allow_send(self.dead_letters, defined)
        return defined

    @property
    def _arn(self) -> str:
        return self.machine.state_machine_arn if self.machine else self.run.cluster.cluster_arn

    def _may_start(self) -> list[dict[str, Any]]:
        if self.machine is None:
            return self.run.may_run()
        return [{"Effect": "Allow", "Action": "states:StartExecution", "Resource": self.machine.state_machine_arn}]

    def _passed(self, trigger: Trigger) -> dict[str, Any]:
        overrides = trigger.overrides(self.run.launched.launch.task)
        passed: dict[str, Any] = pascal(overrides) if self.machine else overrides
        return passed

    @staticmethod
    def _retries(words: type[scheduler.CfnSchedule | events.CfnRule], trigger: Trigger) -> Any:
        if trigger.retries is None and trigger.max_event_age is None:
            return None
        return words.RetryPolicyProperty(
            maximum_retry_attempts=trigger.retries, maximum_event_age_in_seconds=trigger.max_event_age
        )


def _utc(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

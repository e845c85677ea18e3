"""The schedule or the event that starts a job."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs
import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_scheduler as scheduler

from moorage.delivery.alarm_actions import check_alarm_actions
from moorage.delivery.dead_letters import check_queue
from moorage.scope.place import check_place
from moorage.workload import command_limits, event_patterns, job_limits, schedule_expressions
from moorage.workload.attribute_names import AnswersNamesOfCdk
from moorage.workload.durations import optional_seconds
from moorage.workload.plain_texts import PlainText, check_literals, check_unwrapped
from moorage.workload.problems import Problems, is_token
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_sns as sns
    from aws_cdk import aws_sqs as sqs
    from constructs import Construct

    from moorage.workload.task import Task

_EVENT_FIELDS = {
    "account": "account",
    "detail": "detail",
    "detail_type": "detail-type",
    "id": "id",
    "region": "region",
    "resources": "resources",
    "source": "source",
    "time": "time",
    "version": "version",
}
"""For each field of an event, by its name in CDK: the name in EventBridge's JSON."""
_ALIKE_OF_TASKS = (
    *("availabilityZone", "connectivity", "cpu", "enableExecuteCommand", "healthStatus", "launchType", "memory"),
    *("platformVersion", "stopCode", "version"),
)
"""The fields of task events whose values many tasks share."""
_LOOKS_LIKE_FIELD = re.compile(rf"\$\.({'|'.join(_EVENT_FIELDS.values())})(\.[\w.-]+)?")
_TELLS_APART = {
    "ECS Task State Change": "detail={'group': ['service:web']}",
    "Step Functions Execution Status Change": "detail={'stateMachineArn': [machine.state_machine_arn]}",
    "AWS API Call via CloudTrail": "detail={'eventName': ['UpdateService']}",
}
"""For each kind of event: a filter that excludes the events of a job's own runs."""
_EXECUTION_NAME = "00000000-0000-0000-0000-000000000000"
"""A stand-in for the name of an execution, which Step Functions generates when the execution starts."""
_START_LEEWAY = dt.timedelta(minutes=5)


def _frozen_environment(environment: Mapping[str, str] | None) -> Mapping[str, str]:
    return MappingProxyType(dict(environment or {}))


def _actions(actions: Sequence[cloudwatch.IAlarmAction] | None) -> tuple[cloudwatch.IAlarmAction, ...] | None:
    return None if actions is None else tuple(actions)


@attrs.frozen(kw_only=True)
class Trigger:
    """The settings that schedules and event rules share: overrides, retries and the dead-letter queue.

    Args:
        environment: Variables for each container of the task, which override the variables of the container.
            Default: none.
        retries: The number of retries of a failed start. Default: none, for the default of EventBridge.
        max_event_age: The time during which a failed start is retried. Default: none, for the default of EventBridge.
        dead_letter_queue: The queue for starts that failed. Default: a new queue.
        alarm_actions: The actions of an alarm on messages in that queue. Default: no alarm.
        topic: The topic that this alarm notifies. Default: none.
        enabled: Whether to start tasks. Default: True.
    """

    environment: Mapping[str, str] = attrs.field(converter=_frozen_environment, default=None)
    retries: int | None = None
    max_event_age: int | None = attrs.field(converter=optional_seconds, default=None)
    dead_letter_queue: sqs.IQueue | None = None
    alarm_actions: tuple[cloudwatch.IAlarmAction, ...] | None = attrs.field(converter=_actions, default=None)
    topic: sns.ITopic | None = None
    enabled: bool = True

    def _check(self, problems: Problems) -> None:
        """Check the settings against the limits of EventBridge and ECS."""
        problems.check(job_limits.TARGET_RETRIES, "retries", self.retries)
        problems.check(job_limits.EVENT_AGE, "max_event_age", self.max_event_age)
        for name in self.environment:
            problems.check(command_limits.ENVIRONMENT_NAME, "each name of environment", name)
        if self.dead_letter_queue is not None and self.dead_letter_queue.fifo:
            problems.add(
                "dead_letter_queue must be a standard queue (got a FIFO queue); use another queue, or leave "
                "dead_letter_queue= out for a new queue"
            )

    def _check_places(self, scope: Construct, problems: Problems) -> None:
        """Check the accounts and regions of resources, and that the alarm can notify the topic."""
        check_alarm_actions(problems, "alarm_actions", self.alarm_actions or (), scope, topic=self.topic)

    def _overrides(self, task: Task) -> dict[str, Any]:
        """Return the overrides of the task for ECS's RunTask."""
        if not self.environment:
            return {}
        variables = [{"name": name, "value": value} for name, value in self.environment.items()]
        return {"containerOverrides": [{"name": each.name, "environment": variables} for each in task.containers]}

    def _check_overrides(self, task: Task, scope: Construct, problems: Problems) -> None:
        """Check the size of the overrides, and that they neither contain a secret nor have the name of a secret."""
        if not is_token(self.environment):
            problems.check(job_limits.TASK_OVERRIDES, "environment", len(json.dumps(self._overrides(task))))
        owners = {name: container.name for container in task.containers for name in container.secrets}
        for name in sorted(self.environment.keys() & owners.keys()):
            # ECS refuses a variable and a secret with the same name
            problems.add(
                f"environment must not have {name!r}, which is a secret of container {owners[name]!r}; leave the "
                "variable or the secret out"
            )
        named = {name for container in task.containers for name in container.not_secret}
        texts = [
            PlainText(
                "environment",
                name,
                value,
                f"use Container(secrets={{{name!r}: ...}}), or give the reason with Container(environment=...,"
                f" not_secret={{{name!r}: 'the reason'}})",
                readers="may see what starts the job",
            )
            for name, value in self.environment.items()
            if name not in named
        ]
        check_literals(texts, problems)
        if is_token(self.environment):
            check_unwrapped(texts, cdk.Stack.of(scope).resolve, problems)


@value_class
@attrs.frozen
class Schedule(Trigger, metaclass=AnswersNamesOfCdk):
    """The schedule of a job, and the retries of a start. A bare `ScheduleExpression` has the defaults below.

    Args:
        expression: A rate, a cron expression in its time zone, or a single time.
        flexible_window: The window after each scheduled time in which EventBridge Scheduler may start the job, to
            spread load: 1 to 1,440 whole minutes, and not longer than the rate. Default: none.
        start: The time before which the job does not start, in the future and with a time zone. Not for a single time.
            Default: none.
        end: The time after which the job does not start, in the future and with a time zone. Not for a single time.
            Default: none.
        group: The schedule group. Default: the group `default`.
        environment: Variables for each container of the task, which override the variables of the container.
            `scheduler.ContextAttribute` provides the scheduled time. Default: none.
        retries: The number of retries of a failed start, 0 to 185. EventBridge does not notice if a task fails after
            its start. Default: 185.
        max_event_age: The time during which a failed start is retried, 60 seconds to 24 hours. Default: 24 hours.
        dead_letter_queue: The queue for starts that failed. Default: a new queue.
        alarm_actions: The actions of an alarm on messages in that queue; `()` for an alarm without actions. After a
            time without messages, SQS may need 15 minutes to count new messages. Default: no alarm, unless there is a
            topic.
        topic: The topic that this alarm notifies. CloudWatch is allowed to publish to the topic. Default: none.
        enabled: Whether to enable the schedule. Default: True.

    Raises:
        ValueError: If EventBridge Scheduler would not accept the expression, or an argument is outside its limits. The
            error lists all problems.
    """

    expression: scheduler.ScheduleExpression
    flexible_window: int | None = attrs.field(converter=optional_seconds, default=None, kw_only=True)
    start: dt.datetime | None = attrs.field(default=None, kw_only=True)
    end: dt.datetime | None = attrs.field(default=None, kw_only=True)
    group: scheduler.IScheduleGroup | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = Problems("Schedule")
        self._check_expression(problems)
        problems.check(job_limits.FLEXIBLE_WINDOW, "flexible_window", self.flexible_window)
        self._check_times(problems)
        self._check(problems)
        problems.raise_any()

    def _check_expression(self, problems: Problems) -> None:
        """Check that EventBridge Scheduler accepts the expression, and that the other arguments apply to it."""
        expression, zone = self.expression.expression_string, self.expression.time_zone
        schedule_expressions.check_expression("expression", expression, problems)
        if zone is not None:
            schedule_expressions.check_time_zone("the time_zone of expression", zone.timezone_name, problems)
        rate = schedule_expressions.rate_seconds(expression)
        if rate and self.flexible_window and self.flexible_window > rate:
            problems.add(
                f"flexible_window must not be longer than the time between two starts (got {self.flexible_window} "
                f"seconds with {expression!r}); use a shorter flexible_window=, or start the job less often"
            )
        for name in ("start", "end"):
            if schedule_expressions.is_once(expression) and getattr(self, name) is not None:
                problems.add(
                    f"{name} has no effect on {expression!r}, since EventBridge Scheduler ignores {name} for one-time "
                    f"schedules; leave {name}= out"
                )

    def _check_times(self, problems: Problems) -> None:
        """Check that times have a time zone and are in the future."""
        times = {name: each for name, each in (("start", self.start), ("end", self.end)) if each is not None}
        naive = [name for name, each in times.items() if each.tzinfo is None]
        for name in naive:
            problems.add(f"{name} must have a time zone (got {times[name]}); use datetime(..., tzinfo=...)")
        if naive:
            return
        now = schedule_expressions.now()
        # CreateSchedule: "The StartDate you specify cannot be earlier than 5 minutes ago."
        if self.start and self.start < now - _START_LEEWAY:
            problems.add(
                f"start must not be in the past (got {self.start}), since EventBridge Scheduler rejects such a date; "
                "leave start= out to start from now on"
            )
        if self.end and self.end <= now:
            problems.add(
                f"end must not be in the past (got {self.end}), since the job would never start; use a later end, or "
                "enabled=False"
            )
        if self.start and self.end and self.start >= self.end:
            problems.add(f"end must be later than start (got {self.end} and {self.start}); use a later end")

    def _check_places(self, scope: Construct, problems: Problems) -> None:
        super()._check_places(scope, problems)
        check_place(problems, "dead_letter_queue", self.dead_letter_queue, scope, across_accounts=True)
        check_place(problems, "group", self.group, scope)

    @classmethod
    def _of(cls, choice: scheduler.ScheduleExpression | Schedule) -> Schedule:
        """Return the `schedule` argument of a job as a `Schedule`."""
        return choice if isinstance(choice, Schedule) else cls(choice)


@value_class
@attrs.frozen
class EventRule(Trigger):
    """The events that start a job, and the retries of a start. A bare `EventPattern` has the defaults below.

    Args:
        pattern: The pattern that events must match.
        bus: The event bus. Default: the default bus of the account.
        environment: Variables for each container of the task, which override the variables of the container.
            `events.EventField.from_path("$.detail.name")` stands for a value of the event. Default: none.
        retries: The number of retries of a failed start, 0 to 185. EventBridge does not notice if a task fails after
            its start. Default: 185.
        max_event_age: The time during which a failed start is retried, 60 seconds to 24 hours. Default: 24 hours.
        dead_letter_queue: The queue for events that could not start the job. Default: a new queue.
        alarm_actions: The actions of an alarm on messages in that queue; `()` for an alarm without actions. After a
            time without messages, SQS may need 15 minutes to count new messages. Default: no alarm, unless there is a
            topic.
        topic: The topic that this alarm notifies. CloudWatch is allowed to publish to the topic. Default: none.
        enabled: Whether to enable the rule. Default: True.

    Raises:
        ValueError: If the pattern is empty, invalid or too long, or an argument is outside its limits. The error
            lists all problems.
    """

    pattern: events.EventPattern
    bus: events.IEventBus | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = Problems("EventRule")
        if not self._event_pattern:
            problems.add(
                "pattern must not be empty, since EventBridge requires at least one field; use source= or another field"
            )
        else:
            _check_pattern(self._event_pattern, problems)
        self._check_fields(problems)
        self._check(problems)
        problems.raise_any()

    def _check_fields(self, problems: Problems) -> None:
        """Check the event fields in variables, and warn about variables that contain the path of a field as text."""
        tokens = [each for text in self.environment.values() if is_token(text) for each in _tokens_in(text)]
        paths = dict.fromkeys(each.path for each in tokens if isinstance(each, events.EventField))
        problems.check(job_limits.EVENT_FIELDS, "the number of fields in environment", len(paths))
        for path in paths:
            problems.check(job_limits.EVENT_FIELD, "each field in environment", path)
        for name, text in self.environment.items():
            if _LOOKS_LIKE_FIELD.fullmatch(text):
                problems.warn(
                    f"environment[{name!r}] is the text {text!r}, not the value of this field of the event; use "
                    f"EventField.from_path({text!r})"
                )

    def _check_places(self, scope: Construct, problems: Problems) -> None:
        super()._check_places(scope, problems)
        check_place(problems, "bus", self.bus, scope, across_accounts=True)
        if self.dead_letter_queue is not None:
            check_queue(problems, "dead_letter_queue", self.dead_letter_queue, scope)

    @classmethod
    def _of(cls, choice: events.EventPattern | EventRule) -> EventRule:
        """Return the `event` argument of a job as an `EventRule`."""
        return choice if isinstance(choice, EventRule) else cls(choice)

    def _check_in_place(
        self, scope: Construct, cluster_arns: Sequence[str], problems: Problems, *, by_machine: bool, has_group: bool
    ) -> None:
        """Check that the pattern, as CDK resolves it, does not match events of the job's own runs.

        Args:
            scope: The scope of the job, whose stack resolves `events.Match`.
            cluster_arns: The ARNs of the cluster of the job.
            problems: The problems to add to.
            by_machine: True if a state machine runs the task.
            has_group: True if each run has a group of its own instead of the family of the task definition.
        """
        pattern, arns = self._event_pattern, list(cluster_arns)
        if is_token(pattern):
            pattern, arns = cdk.Stack.of(scope).resolve([pattern, arns])
            _check_pattern(pattern, problems)
        if problems.messages or self.bus is not None:  # AWS services send their events to the default bus
            return
        own_events = _own_events(arns, by_machine=by_machine, has_group=has_group)
        kinds = [each["detail-type"] for each in own_events if event_patterns.may_match(pattern, each)]
        if kinds:
            way_out = _TELLS_APART[kinds[0]] if len(kinds) == 1 else "detail_type=['ECS Deployment State Change']"
            problems.add(
                f"pattern matches the {' and '.join(map(repr, kinds))} events of the job's own runs, so each run would "
                f"start another, endlessly; add a field that excludes these events, such as {way_out}"
            )

    @property
    def _event_pattern(self) -> dict[str, Any]:
        """The pattern in EventBridge's JSON."""
        fields = {field: getattr(self.pattern, name) for name, field in _EVENT_FIELDS.items()}
        return {field: _with_nulls(each) for field, each in fields.items() if each is not None}


def _with_nulls(pattern: Any) -> Any:
    """Replace each None in a part of a pattern with CDK's match for null, since jsii would drop None from a list."""
    if isinstance(pattern, Mapping):
        return {name: _with_nulls(each) for name, each in pattern.items()}
    if not isinstance(pattern, list | tuple):
        return pattern
    if None in pattern:
        match = events.Match
        return match.any_of(*(match.null_value() if each is None else each for each in pattern))
    return [_with_nulls(each) for each in pattern]


def _tokens_in(text: str) -> list[cdk.IResolvable]:
    return cdk.Tokenization.reverse_string(text).tokens


def _check_pattern(pattern: Mapping[str, Any], problems: Problems) -> None:
    event_patterns.check_pattern("pattern", pattern, problems)
    event_patterns.check_length(pattern, problems)


def _own_events(cluster_arns: Sequence[Any], *, by_machine: bool, has_group: bool) -> list[dict[str, Any]]:
    """Return the known fields of the events that a run of a job causes, except for those that identify the run.

    The group of a task is its family by default (botocore ecs RunTask.group), and with `has_group` the execution's
    name.
    Sources: ECS developer guide, "Amazon ECS task state change events"; Step Functions developer guide, "Automating
    event delivery with EventBridge"; EventBridge user guide, events delivered via CloudTrail.
    """
    task = {
        "clusterArn": list(cluster_arns),
        "lastStatus": ["PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPED"],
        "desiredStatus": ["RUNNING", "STOPPED"],
        "group": _EXECUTION_NAME if has_group else event_patterns.Beginning("family:"),
        **dict.fromkeys(_ALIKE_OF_TASKS, event_patterns.ANY),
    }
    execution = {"status": ["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]}
    call = {"eventSource": "ecs.amazonaws.com", "eventName": "RunTask", "awsRegion": event_patterns.ANY}
    return [
        {
            "version": "0",
            "account": event_patterns.ANY,
            "region": event_patterns.ANY,
            "source": source,
            "detail-type": detail_type,
            "detail": detail,
        }
        for source, detail_type, detail in (
            ("aws.ecs", "ECS Task State Change", task),
            *([("aws.states", "Step Functions Execution Status Change", execution)] if by_machine else []),
            ("aws.ecs", "AWS API Call via CloudTrail", call),
        )
    ]

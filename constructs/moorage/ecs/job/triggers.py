"""What starts a job: a schedule, or an event."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs
import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_scheduler as scheduler

from moorage.workload import job_limits
from moorage.workload.durations import optional_seconds
from moorage.workload.limit import minimum_length
from moorage.workload.problems import Problems, is_token
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
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
"""The fields of an event by the names that CDK gives them."""


def _frozen_environment(environment: Mapping[str, str] | None) -> Mapping[str, str]:
    return MappingProxyType(dict(environment or {}))


def _actions(actions: Sequence[cloudwatch.IAlarmAction] | None) -> tuple[cloudwatch.IAlarmAction, ...] | None:
    return None if actions is None else tuple(actions)


@attrs.frozen(kw_only=True)
class Trigger:
    """The settings that schedules and rules share: overrides of the task, retries, and the dead-letter queue.

    Args:
        environment: Variables for each container of the task, in place of its own of that name.
        retries: The number of retries of a start that failed.
        max_event_age: The time for which a start is tried.
        dead_letter_queue: The queue for events that could start nothing, in place of the one defined for it.
        alarm_actions: The actions of an alarm on messages in that queue. Default: no alarm.
        enabled: Whether to start tasks.
    """

    environment: Mapping[str, str] = attrs.field(converter=_frozen_environment, default=None)
    retries: int | None = None
    max_event_age: int | None = attrs.field(converter=optional_seconds, default=None)
    dead_letter_queue: sqs.IQueue | None = None
    alarm_actions: tuple[cloudwatch.IAlarmAction, ...] | None = attrs.field(converter=_actions, default=None)
    enabled: bool = True

    def _check(self, problems: Problems) -> None:
        """Note what EventBridge would not take."""
        problems.check(job_limits.TARGET_RETRIES, "retries", self.retries)
        problems.check(job_limits.EVENT_AGE, "max_event_age", self.max_event_age)
        if self.dead_letter_queue is not None and self.dead_letter_queue.fifo:
            problems.add("dead_letter_queue is a FIFO queue, and EventBridge delivers to standard ones; use one")

    def _overrides(self, task: Task) -> dict[str, Any]:
        """Return the overrides of the task as ECS's RunTask takes them."""
        if not self.environment:
            return {}
        variables = [{"name": name, "value": value} for name, value in self.environment.items()]
        return {"containerOverrides": [{"name": each.name, "environment": variables} for each in task.containers]}

    def _check_overrides(self, task: Task, problems: Problems) -> None:
        """Note overrides that are more than ECS takes."""
        if not is_token(self.environment):
            problems.check(job_limits.TASK_OVERRIDES, "environment", len(json.dumps(self._overrides(task))))


@value_class
@attrs.frozen
class Schedule(Trigger):
    """When a job starts, and how strictly; a bare `ScheduleExpression` is one that EventBridge keeps to the minute.

    Args:
        expression: A rate, a cron expression in its time zone, or a time once.
        flexible_window: How much later than that it may start, 1 to 1,440 whole minutes, to spread load; at once
            without it.
        start: Not before; with a time zone.
        end: Not after; with a time zone.
        group: The schedule group it stands in; the default one without it.
        environment: Variables for each container of the task; `scheduler.ContextAttribute` knows when it was due.
        retries: How often a start that failed is tried again, 0 to 185; 185 without it. Of a task that started and
            failed EventBridge learns nothing.
        max_event_age: How long it is tried, 60 s to 24 h; 24 h without it.
        dead_letter_queue: Where what could not be started goes, in place of the queue defined for it.
        alarm_actions: What an alarm does when something is in that queue; `()` for an alarm that does nothing, and
            without it no alarm.
        enabled: Whether it starts anything.

    Raises:
        ValueError: the expression is none of EventBridge Scheduler's, or one of the others is outside its limit.
    """

    expression: scheduler.ScheduleExpression
    flexible_window: int | None = attrs.field(converter=optional_seconds, default=None, kw_only=True)
    start: dt.datetime | None = attrs.field(default=None, kw_only=True)
    end: dt.datetime | None = attrs.field(default=None, kw_only=True)
    group: scheduler.IScheduleGroup | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = Problems("Schedule")
        problems.check(job_limits.FLEXIBLE_WINDOW, "flexible_window", self.flexible_window)
        times = {name: each for name, each in (("start", self.start), ("end", self.end)) if each is not None}
        naive = [name for name, each in times.items() if each.tzinfo is None]
        for name in naive:
            problems.add(f"{name} is {times[name]}, but of which time zone is not said; use datetime(..., tzinfo=...)")
        if self.start and self.end and not naive and self.start >= self.end:
            problems.add(f"start is {self.start} and end is {self.end}, so it would never start; use a later end")
        self._check(problems)
        problems.raise_any()

    @classmethod
    def _of(cls, choice: scheduler.ScheduleExpression | Schedule) -> Schedule:
        """Return the schedule argument of a job as a `Schedule`."""
        return choice if isinstance(choice, Schedule) else cls(choice)


@value_class
@attrs.frozen
class EventRule(Trigger):
    """Which events start a job, and what of them is passed on; a bare `EventPattern` is one that passes nothing.

    Args:
        pattern: The events.
        bus: The event bus they come by; the default one without it.
        environment: Variables for each container of the task; `events.EventField.from_path("$.detail.name")` is a
            text of the event.
        retries: How often a start that failed is tried again, 0 to 185; 185 without it. Of a task that started and
            failed EventBridge learns nothing.
        max_event_age: How long it is tried, 60 s to 24 h; 24 h without it.
        dead_letter_queue: Where events go for which nothing could be started, in place of the queue defined for it.
        alarm_actions: What an alarm does when something is in that queue; `()` for an alarm that does nothing, and
            without it no alarm.
        enabled: Whether it starts anything.

    Raises:
        ValueError: the pattern is none or matches nothing, or one of the others is outside its limit.
    """

    pattern: events.EventPattern
    bus: events.IEventBus | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = Problems("EventRule")
        if not self._event_pattern:
            problems.add(
                "pattern is empty, and EventBridge takes none that matches every event; use source= or another"
            )
        else:
            problems.check(job_limits.EVENT_PATTERN, "pattern", minimum_length(self._event_pattern))
        self._check(problems)
        problems.raise_any()

    @classmethod
    def _of(cls, choice: events.EventPattern | EventRule) -> EventRule:
        """Return the event argument of a job as an `EventRule`."""
        return choice if isinstance(choice, EventRule) else cls(choice)

    def _check_pattern(self, scope: Construct, problems: Problems) -> None:
        """Note a pattern that is too long with the matches of `events.Match`, which only CDK knows."""
        if is_token(self._event_pattern):
            problems.check(
                job_limits.EVENT_PATTERN, "pattern", minimum_length(cdk.Stack.of(scope).resolve(self._event_pattern))
            )

    @property
    def _event_pattern(self) -> dict[str, Any]:
        """The pattern in the words of EventBridge."""
        fields = {field: getattr(self.pattern, name) for name, field in _EVENT_FIELDS.items()}
        return {field: each for field, each in fields.items() if each}

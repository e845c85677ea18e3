"""Amazon EventBridge Scheduler: schedules and schedule groups, checked every second in each schedule's time zone.

A failed invocation is not retried: its event goes to the dead-letter queue at once, as on AWS after the last retry. Of
the universal targets, which call an operation of any API, only the deletion of a stack is implemented.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
import time
import zoneinfo
from typing import Any

from ministack.core.responses import new_uuid, request_scope

from moorage.local.server.core.adapter import ecs, eventbridge, handlers, provisioners, scheduler
from moorage.local.server.core.adapter import stepfunctions as machines
from moorage.local.server.core.calls import RefusedError, check, perform, query, request
from moorage.local.server.core.resource import Made, Properties, Resource, shortened
from moorage.local.server.ecs import event_targets as targets
from moorage.local.server.services import iam

_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)", re.IGNORECASE)
_FIELDS_WITHOUT_YEAR = 5
_HANDLERS_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
"""The format of StartDate and EndDate in CloudFormation; the API also accepts times without milliseconds (measured by
cdk-preflight 1.9.1, rule pf-scheduler-date-format)."""
_EARLIEST_START_SECONDS = 5 * 60
_TICK_SECONDS = 1
_MOST_TASKS = 10
_MOST_PROVIDERS = 6
_RETRIES, _AGE = range(186), range(60, 86401)
_DELETE_STACK = ":::aws-sdk:cloudformation:deleteStack"
_DELETE_SECONDS = 60

Record = dict[str, Any]

_seen: dict[tuple[str, ...], tuple[Record, float, bool]] = {}
"""For each schedule, the time of its last invocation or of its first check, and whether it was invoked."""
_loops: list[asyncio.AbstractEventLoop] = []
"""The event loop of the server, which starts the thread that invokes schedules."""


class Schedule(Resource):
    """A schedule; `Ref` returns its name."""

    type = "AWS::Scheduler::Schedule"

    def create(self, properties: Properties, name: str) -> Made:
        wanted = request("scheduler", "CreateSchedule", {"Name": shortened(name, 64), **properties})
        _check(wanted)
        start = _date(wanted, "StartDate")
        if start is not None and start < time.time() - _EARLIEST_START_SECONDS:
            raise RefusedError("ValidationException: The StartDate you specify cannot be earlier than 5 minutes ago.")
        perform(lambda body: scheduler.create_schedule(wanted["Name"], body), wanted)
        return self._made(wanted)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        wanted = request("scheduler", "UpdateSchedule", {**new, "Name": physical_id})
        _check(wanted)
        perform(lambda body: scheduler.update_schedule(physical_id, body), wanted)
        return self._made(wanted)

    def delete(self, physical_id: str, properties: Properties) -> None:
        provisioners.scheduler_schedule_delete(physical_id, properties)

    def _made(self, wanted: Record) -> Made:
        return Made(wanted["Name"], {"Arn": scheduler.schedule_arn(wanted.get("GroupName", "default"), wanted["Name"])})


class ScheduleGroup(Resource):
    """A schedule group; `Ref` returns its name."""

    type = "AWS::Scheduler::ScheduleGroup"

    def create(self, properties: Properties, name: str) -> Made:
        wanted = request("scheduler", "CreateScheduleGroup", {"Name": shortened(name, 64), **properties})
        perform(lambda body: scheduler.create_schedule_group(wanted["Name"], body), wanted)
        return self._made(wanted["Name"])

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        tags = scheduler.tags.setdefault(scheduler.schedule_groups[physical_id]["Arn"], {})
        provisioners.reconcile_tag_map(tags, old, new)
        return self._made(physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        provisioners.scheduler_group_delete(physical_id, properties)

    def _made(self, name: str) -> Made:
        group = scheduler.schedule_groups[name]
        shown = {key: group[key] for key in ("Arn", "State")}
        return Made(name, shown | {key: str(group[key]) for key in ("CreationDate", "LastModificationDate")})


def _check(schedule: Record) -> None:
    """Refuse a schedule that EventBridge Scheduler does not accept."""
    target, expression = schedule["Target"], schedule["ScheduleExpression"]
    group = scheduler.group_arn(schedule.get("GroupName", "default"))
    if not iam.is_trusted(target["RoleArn"], "scheduler.amazonaws.com", sourcearn=group):
        raise RefusedError(
            "ValidationException: The execution role you provide must allow AWS EventBridge Scheduler to assume the "
            f"role: {target['RoleArn']}"
        )
    zone = schedule.get("ScheduleExpressionTimezone", "UTC")
    if zone not in zoneinfo.available_timezones():
        raise RefusedError(f"ValidationException: Provided ScheduleExpressionTimezone {zone} is not valid.")
    start, end = _date(schedule, "StartDate"), _date(schedule, "EndDate")
    if start is not None and end is not None and start >= end:
        raise RefusedError("ValidationException: The StartDate you specify must come before the EndDate.")
    rate, cron = _rate(expression), _cron(expression)
    if not rate and cron is None and not _AT.fullmatch(expression):
        raise RefusedError(f"ValidationException: Invalid Schedule Expression {expression}.")
    window = schedule["FlexibleTimeWindow"]
    flexible = window["Mode"] == "FLEXIBLE"
    if flexible != ("MaximumWindowInMinutes" in window):  # cdk-preflight 1.9.1, rule pf-scheduler-flexible-window
        rule = "must be provided" if flexible else "must not be provided"
        raise RefusedError(
            f"ValidationException: MaximumWindowInMinutes {rule} when FlexibleTimeWindowMode is set to "
            f"{window['Mode']}."
        )
    retries = target.get("RetryPolicy", {})
    if (
        retries.get("MaximumRetryAttempts", 0) not in _RETRIES
        or retries.get("MaximumEventAgeInSeconds", 60) not in _AGE
    ):
        raise RefusedError("ValidationException: A schedule can retry 0 to 185 times within 60 to 86400 seconds")
    kind = target["Arn"].split(":")[2]
    if kind not in ("ecs", "states", "lambda", "sqs", "sns", "events") and not target["Arn"].endswith(_DELETE_STACK):
        raise RefusedError(f"The local AWS does not implement schedules with the target {target['Arn']}")
    if kind == "ecs":
        _check_tasks(target.get("EcsParameters"))
    if kind == "scheduler":
        check("cloudformation", "DeleteStack", json.loads(target.get("Input") or "{}"))


def _rate(expression: str) -> float | None:
    """Return the interval of a rate in seconds, or None for another expression; the keyword is case-insensitive."""
    keyword, bracket, rest = expression.partition("(")
    seconds: float | None = eventbridge.parse_rate_seconds(f"{keyword.lower()}{bracket}{rest}")
    return seconds


def _cron(expression: str) -> Any:
    """Return the fields of a cron expression, or None for another expression.

    EventBridge Scheduler accepts an expression without a year, and a keyword in any case (cdk-preflight 1.9.1, rule
    pf-scheduler-schedule-expression).
    """
    keyword, bracket, rest = expression.partition("(")
    fields = rest.removesuffix(")").split()
    year = ["*"] if len(fields) == _FIELDS_WITHOUT_YEAR else []
    return eventbridge.parse_cron_fields(f"{keyword.lower()}{bracket}{' '.join([*fields, *year])})")


def _date(schedule: Record, name: str) -> float | None:
    """Return StartDate or EndDate, or None if the schedule does not have it. Refuse a date without milliseconds."""
    stated = schedule.get(name)
    if stated is None:
        return None
    if not _HANDLERS_DATE.fullmatch(str(stated)):
        raise RefusedError(f"Invalid request provided: {name} needs to follow the format yyyy-MM-ddTHH:mm:ss.SSSZ")
    return dt.datetime.fromisoformat(str(stated)).timestamp()


def _check_tasks(parameters: Record | None) -> None:
    if parameters is None:
        raise RefusedError("ValidationException: EcsParameters is required for an ECS target.")
    if not 1 <= parameters.get("TaskCount", 1) <= _MOST_TASKS:
        raise RefusedError(f"ValidationException: TaskCount must be between 1 and {_MOST_TASKS}")
    strategy = parameters.get("CapacityProviderStrategy", ())
    if len(strategy) > _MOST_PROVIDERS or (strategy and "LaunchType" in parameters):
        raise RefusedError(
            f"ValidationException: An ECS target has at most {_MOST_PROVIDERS} capacity providers, or a launch type"
        )


def _due(schedule: Record, since: float, now: float, *, fired: bool) -> bool:
    """Return whether a schedule is due, given the time when it was last invoked or first checked."""
    expression = schedule["ScheduleExpression"]
    zone = zoneinfo.ZoneInfo(schedule.get("ScheduleExpressionTimezone") or "UTC")
    once = _AT.fullmatch(expression)
    if once:
        return not fired and now >= dt.datetime.fromisoformat(once[1]).replace(tzinfo=zone).timestamp()
    seconds = _rate(expression)
    if seconds is not None:
        return bool(now - since >= seconds)
    fields = _cron(expression)
    following = fields and eventbridge.cron_next_fire(fields, dt.datetime.fromtimestamp(since, zone))
    return bool(following and now >= following.timestamp())


def _tick() -> None:
    """Invoke the schedules that are due."""
    now = time.time()
    for key, schedule in list(scheduler.schedules._data.items()):
        start, end = (scheduler.to_epoch(schedule.get(name)) for name in ("StartDate", "EndDate"))
        if schedule["State"] != "ENABLED" or now < (start or 0) or (end and now > end):
            continue
        known, since, fired = _seen.get(key, ({}, now, False))
        if known is not schedule:
            since, fired = now, False
            _seen[key] = (schedule, since, fired)
        if not _due(schedule, since, now, fired=fired):
            continue
        _seen[key] = (schedule, now, True)
        with request_scope(*key[:2]):
            _fire(schedule, now)
        if _AT.fullmatch(schedule["ScheduleExpression"]) and schedule.get("ActionAfterCompletion") == "DELETE":
            scheduler.schedules._data.pop(key, None)


def _fire(schedule: Record, now: float) -> None:
    target = schedule["Target"]
    moment = dt.datetime.fromtimestamp(now, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    said = {
        "schedule-arn": schedule["Arn"],
        "scheduled-time": moment,
        "execution-id": new_uuid(),
        "attempt-number": "1",
    }
    text = re.sub(r"<aws\.scheduler\.([a-z-]+)>", lambda found: said.get(found[1], found[0]), target.get("Input", ""))
    try:
        _deliver(schedule, target, text)
    except RefusedError as error:
        targets.put_aside(target, text or json.dumps({"target": target["Arn"]}), schedule["Arn"], error)


def _deliver(schedule: Record, target: Record, text: str) -> None:
    kind = target["Arn"].split(":")[2]
    if kind == "ecs":
        targets.run(target, text, f"chronos-schedule/{schedule['Name']}"[:36])
    elif kind == "states":
        iam.require(target["RoleArn"], "states:StartExecution", target["Arn"])
        perform(machines.start_execution, {"stateMachineArn": target["Arn"], "input": text or "{}"})
    elif kind == "scheduler":
        _delete_stack(target["RoleArn"], json.loads(text))
    else:
        event = {"Source": "aws.scheduler", "DetailType": "Scheduled Event", "Detail": "{}", "Time": time.time()}
        event |= {"EventId": new_uuid(), "Resources": [schedule["Arn"]]}
        event |= {"Account": ecs.get_account_id(), "Region": ecs.get_region()}
        eventbridge.invoke_target(target, event, schedule)


def _delete_stack(role_arn: str, parameters: Record) -> None:
    """Delete a stack in the server's event loop, in which ministack changes stacks."""
    stack = handlers.resolve_stack(parameters["StackName"])
    if stack:  # the deletion of a stack that does not exist succeeds
        iam.require(role_arn, "cloudformation:DeleteStack", stack["StackId"])

        async def delete() -> None:
            query(handlers.ACTION_HANDLERS["DeleteStack"], **parameters)

        asyncio.run_coroutine_threadsafe(delete(), _loops[-1]).result(_DELETE_SECONDS)


def install() -> None:
    """Replace the function with which ministack runs due schedules, and call it more often."""
    _loops.append(asyncio.get_running_loop())
    scheduler.tick_schedules = _tick
    scheduler.SCHEDULE_TICK_INTERVAL = eventbridge.SCHEDULER_TICK_INTERVAL = _TICK_SECONDS

"""Amazon ECS as a target of rules and schedules: the tasks that they run, and the events that cannot be delivered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region

from moorage.local.server.core.adapter import ecs, eventbridge, sqs
from moorage.local.server.core.calls import RefusedError, perform, request
from moorage.local.server.services import iam

_RENAMED = {"TaskDefinitionArn": "taskDefinition", "TaskCount": "count"}
_CLUSTER = ":cluster/"


def run(target: Mapping[str, Any], text: str | None, started_by: str) -> None:
    """Run the tasks of a target.

    Args:
        target: The target, in the format of EventBridge or EventBridge Scheduler.
        text: Overrides as JSON; other text is ignored.
        started_by: The `startedBy` of the tasks.

    Raises:
        RefusedError: The target's role lacks a permission, or ECS refuses the tasks.
    """
    wanted = request("ecs", "RunTask", target["EcsParameters"], renamed=_RENAMED)
    wanted |= {"cluster": target["Arn"], "startedBy": started_by}
    wanted["overrides"] = _overrides(text)
    revision = ecs.task_defs.get(ecs.resolve_td_key(wanted["taskDefinition"]))
    if revision is None:
        raise RefusedError(f"ClientException: Unable to find task definition: {wanted['taskDefinition']}")
    may_run(target["RoleArn"], revision, target["Arn"])
    answer = perform(ecs.run_task, wanted)
    if answer["failures"]:
        raise RefusedError(f"ECS.RunTaskFailed: {answer['failures'][0]['reason']}")


def may_run(role_arn: str, revision: Mapping[str, Any], cluster: str) -> None:
    """Check that a role is allowed to run a task and to pass the task's roles.

    Args:
        role_arn: The ARN of the role that runs the task.
        revision: The task definition.
        cluster: The ARN of the cluster.

    Raises:
        RefusedError: The role does not have one of these permissions.
    """
    iam.require(role_arn, "ecs:RunTask", revision["taskDefinitionArn"], cluster=cluster)
    for name in ("executionRoleArn", "taskRoleArn"):
        if revision.get(name):
            iam.require(role_arn, "iam:PassRole", revision[name], passedtoservice="ecs-tasks.amazonaws.com")


def _overrides(text: str | None) -> dict[str, Any]:
    stated = json.loads(text) if text and text.lstrip().startswith("{") else {}
    known = ("containerOverrides", "cpu", "ephemeralStorage", "executionRoleArn", "memory", "taskRoleArn")
    return {"containerOverrides": [], **{name: stated[name] for name in known if name in stated}}


def put_aside(target: Mapping[str, Any], text: str, source: str, error: RefusedError) -> None:
    """Send an undeliverable event to the dead-letter queue of its target, if there is one.

    Args:
        target: The target, in the format of EventBridge or EventBridge Scheduler.
        text: The event.
        source: The ARN of the rule or the schedule.
        error: The reason why the event cannot be delivered.
    """
    queue = sqs.queue_by_arn(target.get("DeadLetterConfig", {}).get("Arn", ""))
    if queue is None:
        return
    code, _, message = str(error).partition(": ")
    said = {
        "ERROR_CODE": code,
        "ERROR_MESSAGE": message,
        "RULE_ARN" if ":rule/" in source else "SCHEDULE_ARN": source,
        "TARGET_ARN": target["Arn"],
    }
    attributes = {name: {"DataType": "String", "StringValue": value or "-"} for name, value in said.items()}
    sqs.act_send_message({"MessageBody": text, "MessageAttributes": attributes}, queue["url"])


def _invoking(invoke: Callable[..., None]) -> Callable[..., None]:
    """Run tasks if the target of a rule is a cluster, which ministack does not support."""

    def invoked(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        if _CLUSTER not in target["Arn"]:
            invoke(target, event, rule, view)
            return
        seen = view or eventbridge.pattern_event_view(event)
        text = target.get("Input")
        if "InputTransformer" in target:
            text = eventbridge.apply_input_transformer(target["InputTransformer"], rule, seen)
        try:
            run(target, text, f"events-rule/{rule['Name']}"[:36])
        except RefusedError as error:
            put_aside(target, json.dumps(seen.event_with_detail()), rule["Arn"], error)

    return invoked


def task_family(task_definition: str) -> str:
    """Return the group of a task that does not belong to a service."""
    return f"family:{(ecs.resolve_td_key(task_definition) or task_definition).partition(':')[0]}"


def cluster_arn(name_or_arn: str) -> str:
    """Return the ARN of a cluster."""
    name = ecs.resolve_cluster_name(name_or_arn)
    return f"arn:aws:ecs:{get_region()}:{get_account_id()}{_CLUSTER}{name}"


def install() -> None:
    """Add ECS as a target of rules."""
    eventbridge.invoke_target = _invoking(eventbridge.invoke_target)

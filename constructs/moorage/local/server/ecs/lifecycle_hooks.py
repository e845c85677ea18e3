"""Amazon ECS: the lifecycle hooks of a deployment: functions that are invoked, and pauses that wait to be continued.

A function that answers IN_PROGRESS is invoked again at once: as often as its callback delay fits into the hook's
timeout, and at most a hundred times. A pause waits one second for each minute of its timeout, at most 20 s. Then it
times out, and its timeout action follows, as on AWS.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ministack.core.responses import new_uuid

from moorage.local.server.core.adapter import lambda_svc
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.ecs import service_revisions as revisions
from moorage.local.server.ecs.container_instances import Record
from moorage.local.server.services import iam

FUNCTION, PAUSE = "AWS_LAMBDA", "PAUSE"

_DAY = 1440
_MOST_MINUTES = {FUNCTION: _DAY, PAUSE: 14 * _DAY}
_MOST_HOOKS = 10
_UNPAUSED = ("TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT")
_DELAY_SECONDS = 30
_MOST_CALLS = 100
_MOST_PAUSE_SECONDS = 20
_CONTINUE, _ROLLBACK = "CONTINUE", "ROLLBACK"

_waiting: dict[str, _Pause] = {}


class _Pause:
    """A pause, and the event that ends it."""

    def __init__(self, record: Record) -> None:
        self.record, self.action, self.over = record, _ROLLBACK, threading.Event()


def check(hooks: Sequence[Mapping[str, Any]]) -> None:
    """Refuse hooks that ECS does not accept.

    Args:
        hooks: The hooks, in the API's format.

    Raises:
        RefusedError: ECS does not accept a hook.
    """
    kinds = [hook.get("targetType", FUNCTION) for hook in hooks]
    for kind in (FUNCTION, PAUSE):
        if kinds.count(kind) > _MOST_HOOKS:
            raise RefusedError(f"A service can have at most {_MOST_HOOKS} lifecycle hooks of target type {kind}.")
    for hook, kind in zip(hooks, kinds, strict=True):
        minutes = hook.get("timeoutConfiguration", {}).get("timeoutInMinutes", _DAY)
        if not 1 <= minutes <= _MOST_MINUTES[kind]:
            raise RefusedError(
                f"The timeout of a {kind} lifecycle hook must be 1 to {_MOST_MINUTES[kind]} minutes, not {minutes}."
            )
        if kind == PAUSE:
            _check_pause(hook)
        else:
            _check_function(hook)


def _check_pause(hook: Mapping[str, Any]) -> None:
    for name in ("hookTargetArn", "roleArn"):
        if name in hook:
            raise RefusedError(f"A PAUSE lifecycle hook must not have {name}.")
    for stage in hook["lifecycleStages"]:
        if stage in _UNPAUSED:
            raise RefusedError(f"PAUSE lifecycle hooks cannot be configured at the {stage} stage.")


def _check_function(hook: Mapping[str, Any]) -> None:
    for name in ("hookTargetArn", "roleArn"):
        if name not in hook:
            raise RefusedError(f"{name} must be specified for an AWS_LAMBDA lifecycle hook.")
    if not iam.is_trusted(hook["roleArn"], "ecs.amazonaws.com"):
        raise RefusedError(f"Unable to assume the lifecycle hook's role: {hook['roleArn']}.")


def run(hooks: Sequence[Mapping[str, Any]], stage: str, deployment: Record) -> None:
    """Run the hooks of a stage one after the other; AWS runs them in parallel.

    Args:
        hooks: The hooks of the service.
        stage: The lifecycle stage.
        deployment: The record of the service deployment, to which the details of the hooks are added.

    Raises:
        RefusedError: A hook rolls back the deployment.
    """
    for hook in hooks:
        if stage not in hook["lifecycleStages"]:
            continue
        kind, timeout = hook.get("targetType", FUNCTION), hook.get("timeoutConfiguration", {})
        minutes = timeout.get("timeoutInMinutes", _DAY)
        record = {
            "hookId": f"ecs-{'pause' if kind == PAUSE else 'lambda'}-{new_uuid()}",
            "targetType": kind,
            "status": "AWAITING_ACTION" if kind == PAUSE else "IN_PROGRESS",
            "expiresAt": time.time() + minutes * 60,
            "timeoutAction": timeout.get("action", _ROLLBACK),
        }
        if kind != PAUSE:
            record["targetArn"] = hook["hookTargetArn"]
        deployment["lifecycleHookDetails"] = [*deployment["lifecycleHookDetails"], record]
        reason = _pause(record, minutes) if kind == PAUSE else _ask(hook, stage, record, deployment, minutes)
        if reason and not (record["status"] == "TIMED_OUT" and record["timeoutAction"] == _CONTINUE):
            raise RefusedError(f"Service deployment rolled back because {reason} at the lifecycle stage {stage}.")


def _pause(record: Record, minutes: int) -> str | None:
    """Wait until a pause ends, and return the reason for a rollback; None if the deployment continues."""
    pause = _waiting[record["hookId"]] = _Pause(record)
    resolved = pause.over.wait(min(minutes, _MOST_PAUSE_SECONDS))
    _waiting.pop(record["hookId"], None)
    if not resolved:
        record["status"] = "TIMED_OUT"
        return f"the pause hook {record['hookId']} timed out: ContinueServiceDeployment was not called"
    record["status"] = "SUCCEEDED" if pause.action == _CONTINUE else "FAILED"
    return None if pause.action == _CONTINUE else f"a rollback was requested for the pause hook {record['hookId']}"


def resolve(parameters: Record) -> Record:
    """Continue a paused deployment or roll it back (ContinueServiceDeployment). Refuse a hook that does not wait."""
    deployment = revisions.deployment(parameters["serviceDeploymentArn"])
    pause = _waiting.get(parameters["hookId"])
    if pause is None or pause.record not in deployment["lifecycleHookDetails"]:
        raise RefusedError(f"The lifecycle hook {parameters['hookId']} is not awaiting an action.")
    pause.action = parameters.get("action", _CONTINUE)
    pause.over.set()
    return {"serviceDeploymentArn": deployment["serviceDeploymentArn"]}


def interrupt(deployment: Mapping[str, Any]) -> None:
    """End the pauses of a deployment, so that the deployment is rolled back."""
    for pause in list(_waiting.values()):
        if pause.record in deployment["lifecycleHookDetails"]:
            pause.over.set()


def _ask(hook: Mapping[str, Any], stage: str, record: Record, deployment: Record, minutes: int) -> str | None:
    """Invoke a function until its status is final, and return the reason for a rollback; None after a success."""
    arn, details = hook["hookTargetArn"], dict(hook.get("hookDetails") or {})
    left = minutes * 60
    for _ in range(_MOST_CALLS):
        try:
            iam.require(hook["roleArn"], "lambda:InvokeFunction", arn)
            answer = _invoked(arn, _payload(stage, record["hookId"], deployment, details))
        except RefusedError as error:
            record["status"] = "FAILED"
            return f"the lifecycle hook {arn} could not be run ({error})"
        status = answer.get("hookStatus")
        if status == "SUCCEEDED":
            record["status"] = status
            return None
        if status != "IN_PROGRESS":
            record["status"] = "FAILED"
            return f"the lifecycle hook {arn} answered {json.dumps(answer)}"
        details |= answer.get("hookDetails") or {}
        left -= max(1, int(answer.get("callBackDelay", _DELAY_SECONDS)))
        if left <= 0:
            break
        time.sleep(0.01)
    record["status"] = "TIMED_OUT"
    return f"the lifecycle hook {arn} timed out"


def _payload(stage: str, hook_id: str, deployment: Record, details: Mapping[str, Any]) -> Record:
    weights = deployment["_weights"]
    payload = {
        "executionId": hook_id.removeprefix("ecs-lambda-"),
        "lifecycleStage": stage,
        "resourceArn": deployment["serviceDeploymentArn"],
        "executionDetails": {
            "serviceArn": deployment["serviceArn"],
            "targetServiceRevisionArn": deployment["_target"],
            "testTrafficWeights": weights["test"] if stage == "TEST_TRAFFIC_SHIFT" else {},
            "productionTrafficWeights": weights["production"] if stage.startswith(("PRE_PROD", "PROD")) else {},
        },
    }
    return payload | ({"hookDetails": dict(details)} if details else {})


def _invoked(arn: str, payload: Record) -> Record:
    record, configuration, _ = lambda_svc.get_func_record_for_ref(arn)
    if record is None or configuration is None:
        raise RefusedError(f"ResourceNotFoundException: Function not found: {arn}")
    found = lambda_svc.execution_record_for_config(record, configuration)
    result = lambda_svc.execute_function_with_config_scope(found, payload)
    body = result.get("body")
    if result.get("error") or result.get("throttle"):
        raise RefusedError(f"the function failed: {body if isinstance(body, str) else json.dumps(body)}")
    answer = json.loads(body) if isinstance(body, str | bytes) else body
    return answer if isinstance(answer, dict) else {"answer": answer}

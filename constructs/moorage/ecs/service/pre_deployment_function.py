"""The function that ECS asks ahead of a rollout: it runs a task once, and answers as the task ended.

Its text goes into the template as it stands, so it is kept short and imports nothing of moorage.
"""

import hashlib
import json
import os
import time
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

AGAIN_IN_SECONDS = 10
MOST_STARTS = 30
"""The starts in five minutes: what RunTask answers may pass, as "Capacity is unavailable at this time"."""
MOST_MISSES = 6
"""The times that a task may be missing: DescribeTasks is eventually consistent."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Start the task when first asked in a rollout, then say how it goes (ECS developer guide, "Lambda hooks").

    ECS passes the `hookDetails` of one answer to the next call.
    """
    # time out before the function does
    ecs = boto3.client("ecs", config=Config(connect_timeout=3, read_timeout=8, retries={"total_max_attempts": 2}))
    request = json.loads(os.environ["RUN_TASK"])
    state = {"stopAt": int(time.time()) + int(os.environ["STOP_AFTER"]), **(event.get("hookDetails") or {})}
    is_late = time.time() >= state["stopAt"]
    task = state.get("task")
    if not task:
        return _start(ecs, request, event["resourceArn"], state)
    try:
        found = ecs.describe_tasks(cluster=request["cluster"], tasks=[task])["tasks"]
        if found and found[0]["lastStatus"] != "STOPPED" and is_late:
            ecs.stop_task(cluster=request["cluster"], task=task, reason="It ran longer than a rollout waits for it")
            return _ended("FAILED", f"{task} ran too long, and was stopped")
    except (BotoCoreError, ClientError) as error:  # such as a throttled call, which says nothing of the task
        return _again(state, "errors", MOST_STARTS, f"{task} could not be asked for: {error}")
    if not found:
        return _again(state, "misses", MOST_MISSES, f"{task} is gone")
    if found[0]["lastStatus"] != "STOPPED":
        return _answer({**state, "misses": 0, "errors": 0})
    codes = {each["name"]: each.get("exitCode") for each in found[0]["containers"]}
    # ECS stops the other containers when the main one ends, and these may end with 143
    succeeded = codes.get(os.environ["MAIN"]) == 0
    said = f"{task} ended: {found[0].get('stoppedReason')}, exit codes {codes}"
    return _ended("SUCCEEDED" if succeeded else "FAILED", said)


def _start(ecs: Any, request: dict[str, Any], rollout: str, state: dict[str, Any]) -> dict[str, Any]:
    # one rollout starts one task: the token changes only when ECS has answered that it started none
    token = hashlib.sha256(f"{rollout} {state.get('failures', 0)}".encode()).hexdigest()
    try:
        answer = ecs.run_task(**request, clientToken=token)
    except (BotoCoreError, ClientError) as error:
        return _again(state, "errors", MOST_STARTS, f"the task was not started: {error}")
    if answer["tasks"]:
        return _answer({**state, "task": answer["tasks"][0]["taskArn"]})
    return _again(state, "failures", MOST_STARTS, f"the task was not started: {answer['failures']}")


def _again(state: dict[str, Any], counted: str, most: int, said: str) -> dict[str, Any]:
    count = int(state.get(counted, 0)) + 1
    return _ended("FAILED", said) if count >= most else _answer({**state, counted: count})


def _answer(state: dict[str, Any]) -> dict[str, Any]:
    return {"hookStatus": "IN_PROGRESS", "callBackDelay": AGAIN_IN_SECONDS, "hookDetails": state}


def _ended(status: str, said: str) -> dict[str, Any]:
    print(json.dumps({"hookStatus": status, "said": said}))
    return {"hookStatus": status}

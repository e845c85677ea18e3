"""The function that ECS asks ahead of a rollout: it runs a task once, and answers as the task ended.

Its text goes into the template as it stands, so it is kept short and imports nothing of moorage.
"""

import hashlib
import json
import os
from typing import Any

import boto3

AGAIN_IN_SECONDS = 10


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Start the task when first asked in a rollout, then say how it goes (ECS developer guide, "Lambda hooks")."""
    ecs = boto3.client("ecs")
    request = json.loads(os.environ["RUN_TASK"])
    task = (event.get("hookDetails") or {}).get("task")
    if not task:
        # one rollout starts one task, even when this answer is lost and it is asked again
        token = hashlib.sha256(event["resourceArn"].encode()).hexdigest()
        answer = ecs.run_task(**request, clientToken=token)
        if answer["failures"]:
            return _ended("FAILED", f"the task was not started: {answer['failures']}")
        return _again(answer["tasks"][0]["taskArn"])
    found = ecs.describe_tasks(cluster=request["cluster"], tasks=[task])["tasks"]
    if not found:
        return _ended("FAILED", f"{task} is gone")
    if found[0]["lastStatus"] != "STOPPED":
        return _again(task)
    essential = os.environ["ESSENTIAL"].split(",")
    codes = {each["name"]: each.get("exitCode") for each in found[0]["containers"] if each["name"] in essential}
    succeeded = bool(codes) and all(code == 0 for code in codes.values())
    said = f"{task} ended: {found[0].get('stoppedReason')}, exit codes {codes}"
    return _ended("SUCCEEDED" if succeeded else "FAILED", said)


def _again(task: str) -> dict[str, Any]:
    return {"hookStatus": "IN_PROGRESS", "callBackDelay": AGAIN_IN_SECONDS, "hookDetails": {"task": task}}


def _ended(status: str, said: str) -> dict[str, Any]:
    print(json.dumps({"hookStatus": status, "said": said}))
    return {"hookStatus": status}

"""Amazon ECS: tasks that end when their commands do.

No container runs. A task ends as a shell would end a container's command: `exit 3` ends with exit code 3, `sleep 60`
after 60 s, `sleep infinity` never, and every other command at once with exit code 0. The tasks of a service keep
running, unless the command of an essential container exits: then the deployment fails.
"""

from __future__ import annotations

import contextvars
import math
import re
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from moorage.local.server.core.adapter import ecs
from moorage.local.server.ecs import task_starts as starts
from moorage.local.server.ecs.container_instances import Record

_EXIT = re.compile(r"\bexit (\d{1,3})\b")
_SLEEP = re.compile(r"\bsleep (\d+|infinity)\b")
_EXITED = "Essential container in task exited"


def _command(container: Mapping[str, Any]) -> str:
    return " ".join([*(container.get("entryPoint") or ()), *(container.get("command") or ())])


def _essential(containers: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [each for each in containers if each.get("essential", True)]


def exit_code(containers: Iterable[Mapping[str, Any]]) -> int | None:
    """Return the exit code of the first essential container whose command contains `exit`; otherwise None."""
    found = (_EXIT.search(_command(each)) for each in _essential(containers))
    return next((int(match[1]) for match in found if match), None)


def started(task: Record) -> None:
    """Start a placed task, and end it when the command of one of its essential containers ends.

    A task that can never start is stopped at once. A service's task keeps running.
    """
    if task["group"].startswith("service:"):
        return
    revision = ecs.task_defs[ecs.resolve_td_key(task["taskDefinitionArn"])]
    overrides = {each["name"]: each for each in task["overrides"].get("containerOverrides", ()) if "name" in each}
    containers = [each | _overridden(overrides.get(each["name"], {})) for each in revision["containerDefinitions"]]
    on_instances, executes = task["launchType"] == "EC2", bool(task.get("enableExecuteCommand"))
    run = {**revision, "containerDefinitions": containers}
    fault = starts.why_not(run, on_instances=on_instances, executes=executes)
    if fault:
        ecs.mark_task_stopped(task["taskArn"], task, fault, "TaskFailedToStart")
        return
    lasts = min(map(_seconds, _essential(containers)), default=0.0)
    if lasts == math.inf:
        return
    if lasts == 0:
        _end(task, containers)
        return
    task["_ends"] = time.time() + lasts
    timer = threading.Timer(lasts, contextvars.copy_context().run, (_end, task, containers))
    timer.daemon = True
    timer.start()


def _overridden(override: Mapping[str, Any]) -> dict[str, Any]:
    return {name: override[name] for name in ("command",) if override.get(name)}


def _seconds(container: Mapping[str, Any]) -> float:
    found = _SLEEP.search(_command(container))
    return float(found[1].replace("infinity", "inf")) if found else 0.0


def _end(task: Record, containers: Iterable[Mapping[str, Any]]) -> None:
    if ecs.tasks.get(task["taskArn"]) is not task or task["lastStatus"] == "STOPPED":
        return
    codes = {each["name"]: exit_code([{**each, "essential": True}]) or 0 for each in containers}
    for container in task["containers"]:
        container["exitCode"] = codes.get(container["name"], 0)
    ecs.mark_task_stopped(task["taskArn"], task, _EXITED, "EssentialContainerExited", exit_code=0)

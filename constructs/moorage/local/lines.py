"""What the table says of a rollout, a schedule and a queue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Shown = Mapping[str, Any]


def rollout_line(configuration: Shown) -> str:
    """How a service's next version will replace this one.

    Args:
        configuration: The service's deployment configuration, as DescribeServices shows it.
    """
    strategy = configuration.get("strategy", "ROLLING")
    says = [strategy.lower().replace("_", "/")]
    if strategy == "ROLLING":
        low, high = configuration["minimumHealthyPercent"], configuration["maximumPercent"]
        says.append(f"{low} % stay, {high} % at most")
    elif strategy == "CANARY":
        canary = configuration["canaryConfiguration"]
        says.append(f"{canary['canaryPercent']:g} % for {canary['canaryBakeTimeInMinutes']} min first")
    elif strategy == "LINEAR":
        linear = configuration["linearConfiguration"]
        says.append(f"{linear['stepPercent']:g} % more every {linear['stepBakeTimeInMinutes']} min")
    if configuration.get("bakeTimeInMinutes"):
        says.append(f"bakes {configuration['bakeTimeInMinutes']} min")
    for name, one in (("lifecycleHooks", "hook"), ("alarms", "alarm")):
        stated = configuration.get(name) or ()
        number = len(stated["alarmNames"]) * bool(stated["enable"]) if isinstance(stated, Mapping) else len(stated)
        if number:
            says.append(f"{number} {one}{'' if number == 1 else 's'}")
    return ", ".join(says)


def schedule_line(schedule: Shown) -> str:
    """When a schedule starts what.

    Args:
        schedule: As GetSchedule shows it.
    """
    target = schedule["Target"]
    started = target.get("EcsParameters", {}).get("TaskDefinitionArn") or target["Arn"]
    zone = schedule.get("ScheduleExpressionTimezone", "UTC")
    state = "" if schedule["State"] == "ENABLED" else f", {schedule['State']}"
    name = started.partition("task-definition/")[2] or started.rpartition(":")[2]
    return f"{schedule['ScheduleExpression']} {zone} starts {name}{state}"


def queue_line(attributes: Shown) -> str:
    """How much waits in a queue, and where it goes when it cannot be worked off.

    Args:
        attributes: As GetQueueAttributes shows them.
    """
    says = f"{attributes['ApproximateNumberOfMessages']} waiting"
    redrive = json.loads(attributes.get("RedrivePolicy", "{}"))
    if not redrive:
        return says
    return f"{says}, after {redrive['maxReceiveCount']} tries to {redrive['deadLetterTargetArn'].rpartition(':')[2]}"

"""What the table says of a rollout and how long it is estimated to take, of a schedule and of a queue."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from moorage.workload.estimate import NO_HEALTH_CHECK_SECONDS, Pace, estimate
from moorage.workload.rollout import Rollout

Client = Any
Shown = Mapping[str, Any]

_MINUTE = 60
_OF_REQUESTS = {"HTTP", "HTTPS"}
_DELAY = "deregistration_delay.timeout_seconds"


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


def estimate_line(ecs: Client, elbv2: Client, ec2: Client, service: Shown) -> str | None:
    """How long replacing a service's tasks is estimated to take, and what serves meanwhile.

    Args:
        ecs: boto3's client.
        elbv2: boto3's client.
        ec2: boto3's client.
        service: As DescribeServices shows it.

    Returns:
        The line; None where nothing says over which zones the tasks are, for a daemon or a service without tasks, and
        for a rollout that this library would not define.
    """
    subnets = (service.get("networkConfiguration") or {}).get("awsvpcConfiguration", {}).get("subnets")
    if not subnets or not service["desiredCount"] or service["schedulingStrategy"] == "DAEMON":
        return None
    zones = {each["AvailabilityZone"] for each in ec2.describe_subnets(SubnetIds=subnets)["Subnets"]}
    arns = [each["targetGroupArn"] for each in service["loadBalancers"] if "targetGroupArn" in each]
    groups = []
    if arns:
        groups = elbv2.describe_target_groups(TargetGroupArns=arns)["TargetGroups"]
        checked = [each["HealthCheckIntervalSeconds"] for each in groups]
    else:
        revision = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
        checks = [each["healthCheck"] for each in revision["containerDefinitions"] if each.get("healthCheck")]
        checked = [each.get("interval", 30) for each in checks]
    pace = Pace(
        check_interval=max(checked, default=NO_HEALTH_CHECK_SECONDS),
        drain=_drain(elbv2, arns),
        network_load_balancer=any(each["Protocol"] not in _OF_REQUESTS for each in groups),
    )
    try:
        rollout = _rollout(service["deploymentConfiguration"])
    except ValueError:
        return None
    found = estimate(rollout, service["desiredCount"], zones=len(zones), pace=pace)
    return str(found) if found else "cannot replace a task: none may stop and none more may start"


def _drain(elbv2: Client, arns: Sequence[str]) -> int:
    attributes = (elbv2.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"] for arn in arns)
    delays = (int(each["Value"]) for group in attributes for each in group if each["Key"] == _DELAY)
    return max(delays, default=0)


def _rollout(configuration: Shown) -> Rollout:
    """The value that a service's deployments are as."""
    bake = configuration.get("bakeTimeInMinutes", 0) * _MINUTE
    match configuration.get("strategy", "ROLLING"):
        case "BLUE_GREEN":
            return Rollout.blue_green(bake=dt.timedelta(seconds=bake))
        case "CANARY":
            step = configuration["canaryConfiguration"]
            percent, watched, kind = step["canaryPercent"], step["canaryBakeTimeInMinutes"], Rollout.canary
        case "LINEAR":
            step = configuration["linearConfiguration"]
            percent, watched, kind = step["stepPercent"], step["stepBakeTimeInMinutes"], Rollout.linear
        case _:
            least, most = configuration["minimumHealthyPercent"], configuration["maximumPercent"]
            watched = dt.timedelta(seconds=bake) if bake else None
            return Rollout.rolling(minimum_healthy_percent=least, maximum_percent=most, bake=watched)
    final = dt.timedelta(seconds=bake)
    return kind(percent=percent, bake=dt.timedelta(minutes=watched), final_bake=final)


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

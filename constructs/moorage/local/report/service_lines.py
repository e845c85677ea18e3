"""The lines of the table for rollouts, their estimated durations, schedules and queues."""

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
    """Describe how a new version of a service replaces the old one.

    Args:
        configuration: The service's deployment configuration, as DescribeServices shows it.
    """
    strategy = configuration.get("strategy", "ROLLING")
    says = [strategy.lower().replace("_", "/")]
    if strategy == "ROLLING":
        low, high = configuration["minimumHealthyPercent"], configuration["maximumPercent"]
        says.append(f"minimum healthy {low}%, maximum {high}%")
    elif strategy == "CANARY":
        canary = configuration["canaryConfiguration"]
        says.append(f"{canary['canaryPercent']:g}% of traffic for {canary['canaryBakeTimeInMinutes']} min")
    elif strategy == "LINEAR":
        linear = configuration["linearConfiguration"]
        says.append(f"{linear['stepPercent']:g}% of traffic every {linear['stepBakeTimeInMinutes']} min")
    if configuration.get("bakeTimeInMinutes"):
        says.append(f"{configuration['bakeTimeInMinutes']} min bake time")
    for name, one in (("lifecycleHooks", "hook"), ("alarms", "alarm")):
        stated = configuration.get(name) or ()
        number = len(stated["alarmNames"]) * bool(stated["enable"]) if isinstance(stated, Mapping) else len(stated)
        if number:
            says.append(f"{number} {one}{'' if number == 1 else 's'}")
    return ", ".join(says)


def estimate_line(ecs: Client, elbv2: Client, ec2: Client, service: Shown) -> str | None:
    """Describe the estimated time in which a deployment replaces a service's tasks, and how many tasks stay healthy.

    Args:
        ecs: The boto3 client for ECS.
        elbv2: The boto3 client for Elastic Load Balancing.
        ec2: The boto3 client for EC2.
        service: The service, as DescribeServices shows it.

    Returns:
        The line; None for a service without known subnets, a daemon service, a service without tasks, and a rollout
        that moorage does not support.
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
    return str(found) if found else "cannot replace a task: no task may stop, and no additional task may start"


def _drain(elbv2: Client, arns: Sequence[str]) -> int:
    attributes = (elbv2.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"] for arn in arns)
    delays = (int(each["Value"]) for group in attributes for each in group if each["Key"] == _DELAY)
    return max(delays, default=0)


def _rollout(configuration: Shown) -> Rollout:
    """Return a deployment configuration as a `Rollout`."""
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
    """Describe the time and the target of a schedule, and its state if it is not enabled.

    Args:
        schedule: The schedule, as GetSchedule shows it.
    """
    target = schedule["Target"]
    started = target.get("EcsParameters", {}).get("TaskDefinitionArn") or target["Arn"]
    zone = schedule.get("ScheduleExpressionTimezone", "UTC")
    state = "" if schedule["State"] == "ENABLED" else f", {schedule['State']}"
    name = started.partition("task-definition/")[2] or started.rpartition(":")[2]
    return f"{schedule['ScheduleExpression']} {zone} starts {name}{state}"


def queue_line(attributes: Shown) -> str:
    """Describe how many messages wait in a queue, and after how many receives they move to its dead-letter queue.

    Args:
        attributes: The attributes, as GetQueueAttributes shows them.
    """
    number = attributes["ApproximateNumberOfMessages"]
    says = f"{number} message{'' if number == '1' else 's'} waiting"
    redrive = json.loads(attributes.get("RedrivePolicy", "{}"))
    if not redrive:
        return says
    dead_letters = redrive["deadLetterTargetArn"].rpartition(":")[2]
    return f"{says}, moved to {dead_letters} after {redrive['maxReceiveCount']} receives"

"""How a service that stands in the local AWS would be replaced, estimated from what its own APIs show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moorage.workload.estimate import UNCHECKED_SECONDS, Pace, estimate
from moorage.workload.rollout import Rollout, Shift

Client = Any
Shown = Mapping[str, Any]


def rollout_line(ecs: Client, elbv2: Client, ec2: Client, service: Shown) -> str | None:
    """The kind of a service's rollouts, and how long one is estimated to take.

    Args:
        ecs: boto3's client.
        elbv2: boto3's client.
        ec2: boto3's client.
        service: As DescribeServices shows it.

    Returns:
        The line; None for a daemon, and where no copy is wanted.
    """
    if service.get("schedulingStrategy") == "DAEMON" or not service["desiredCount"]:
        return None
    rollout = _rollout(service["deploymentConfiguration"])
    found = estimate(rollout, service["desiredCount"], zones=_zones(ec2, service) or 1, pace=_pace(ecs, elbv2, service))
    return f"{rollout.shift.value.lower()}: {found}" if found else None


def _rollout(configuration: Shown) -> Rollout:
    shift = Shift[configuration.get("strategy", "ROLLING")]
    canary, linear = configuration.get("canaryConfiguration") or {}, configuration.get("linearConfiguration") or {}
    percent = canary.get("canaryPercent") or linear.get("stepPercent")
    bake = canary.get("canaryBakeTimeInMinutes", linear.get("stepBakeTimeInMinutes"))
    final = configuration.get("bakeTimeInMinutes")
    return Rollout(
        shift=shift,
        minimum_healthy_percent=configuration["minimumHealthyPercent"],
        maximum_percent=configuration["maximumPercent"],
        percent=percent,
        bake=None if bake is None else bake * 60,
        final_bake=None if final is None else final * 60,
    )


def _pace(ecs: Client, elbv2: Client, service: Shown) -> Pace:
    arns = [each["targetGroupArn"] for each in service.get("loadBalancers") or () if "targetGroupArn" in each]
    if arns:
        groups = elbv2.describe_target_groups(TargetGroupArns=arns)["TargetGroups"]
        attributes = [
            each
            for arn in arns
            for each in elbv2.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
            if each["Key"] == "deregistration_delay.timeout_seconds"
        ]
        return Pace(
            checked=max(each["HealthCheckIntervalSeconds"] for each in groups),
            drain=max((int(each["Value"]) for each in attributes), default=300),
        )
    definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    checks = [
        each["healthCheck"].get("interval", 30) for each in definition["containerDefinitions"] if "healthCheck" in each
    ]
    return Pace(checked=max((each.get("interval", 30) for each in checks), default=UNCHECKED_SECONDS))


def _zones(ec2: Client, service: Shown) -> int:
    network = (service.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    subnets = network.get("subnets")
    if not subnets:
        return 0
    return len({each["AvailabilityZone"] for each in ec2.describe_subnets(SubnetIds=subnets)["Subnets"]})

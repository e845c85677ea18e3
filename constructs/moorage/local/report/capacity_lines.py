"""The lines of the table for capacity: Auto Scaling groups, and the number of tasks that fit on instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from moorage.workload.ec2_instances import instance_type
from moorage.workload.fit import Demand, Host, fit
from moorage.workload.port_limits import RESERVED_PORTS
from moorage.workload.task import Architecture

Client = Any
Shown = Mapping[str, Any]


def group_line(ecs: Client, autoscaling: Client, provider: str) -> str:
    """Describe a capacity provider's Auto Scaling group: number of instances, minimum and maximum size, instance types.

    A capacity provider without an Auto Scaling group is described as ECS Managed Instances.

    Args:
        ecs: The boto3 client for ECS.
        autoscaling: The boto3 client for EC2 Auto Scaling.
        provider: The name of the capacity provider.
    """
    (found,) = ecs.describe_capacity_providers(capacityProviders=[provider])["capacityProviders"]
    arn = (found.get("autoScalingGroupProvider") or {}).get("autoScalingGroupArn")
    if not arn:
        return "ECS Managed Instances"
    pages = autoscaling.get_paginator("describe_auto_scaling_groups").paginate()
    group = next(each for page in pages for each in page["AutoScalingGroups"] if each["AutoScalingGroupARN"] == arn)
    types = dict.fromkeys(each["InstanceType"] for each in group["Instances"])
    number = len(group["Instances"])
    counted = f"{number} instance{'' if number == 1 else 's'} ({group['MinSize']} to {group['MaxSize']})"
    return ", ".join([counted, *types])


def fit_line(ecs: Client, cluster: str, service: Shown) -> str | None:
    """Describe how many copies of a service's task fit on an instance of each type, and how many more fit now.

    Args:
        ecs: The boto3 client for ECS.
        cluster: The cluster's name or ARN.
        service: The service, as DescribeServices shows it.

    Returns:
        The line; None if the cluster has no instances for the service, or if the task states no memory.
    """
    providers = {item["capacityProvider"] for item in service.get("capacityProviderStrategy") or ()}
    instances = [
        each for each in _instances(ecs, cluster) if not providers or each.get("capacityProviderName") in providers
    ]
    if not instances or service.get("launchType") == "FARGATE":
        return None
    revision = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    empty = {host.instance_type: host for host in (_host(each, "registered") for each in instances) if host}
    now = [host for host in (_host(each, "remaining") for each in instances) if host]
    each_type = []
    for host in empty.values():
        demand = _demand(revision, host.architecture)
        if demand is None:
            return None
        found = fit(demand, host)
        each_type.append(f"{found.copies} per {host.instance_type} (limited by {', '.join(found.limiting_resources)})")
    more = sum(fit(demand, host).copies for host in now if (demand := _demand(revision, host.architecture)))
    return f"{'; '.join(each_type)}, room for {more} more"


def _instances(ecs: Client, cluster: str) -> Sequence[Shown]:
    arns = ecs.list_container_instances(cluster=cluster)["containerInstanceArns"]
    if not arns:
        return []
    found: Sequence[Shown] = ecs.describe_container_instances(cluster=cluster, containerInstances=arns)[
        "containerInstances"
    ]
    return found


def _host(instance: Shown, which: str) -> Host | None:
    has = {each["name"]: each.get("value") for each in instance["attributes"]}
    type_ = instance_type(has["ecs.instance-type"] or "")
    if type_ is None:
        return None
    resources = {each["name"]: each for each in instance[f"{which}Resources"]}
    placed = instance["runningTasksCount"] + instance["pendingTasksCount"] if which == "remaining" else 0
    host = Host.of(type_, reserved_memory_mib=0)
    return attrs.evolve(
        host,
        cpu=resources["CPU"]["integerValue"],
        memory_mib=resources["MEMORY"]["integerValue"],
        gpus=len(resources.get("GPU", {}).get("stringSetValue", ())),
        interfaces=max(0, host.interfaces - placed),
        taken_ports=RESERVED_PORTS | {int(port) for port in resources["PORTS"]["stringSetValue"]},
    )


def _demand(revision: Shown, architecture: Architecture) -> Demand | None:
    """Return the resources that a task needs; None if the task states no memory.

    Args:
        revision: The task definition.
        architecture: The architecture of the instance, for a task that states no architecture.
    """
    containers, mode = revision["containerDefinitions"], revision["networkMode"]
    stated = (revision.get("runtimePlatform") or {}).get("cpuArchitecture")
    mappings = [mapping for each in containers for mapping in each.get("portMappings") or ()]
    ports = {each.get("hostPort") or (each.get("containerPort") if mode == "host" else 0) for each in mappings}
    requirements = [item for each in containers for item in each.get("resourceRequirements") or ()]
    try:
        return Demand(
            cpu=int(revision.get("cpu") or sum(each.get("cpu") or 0 for each in containers)),
            memory_mib=int(revision.get("memory") or sum(_memory(each) for each in containers)),
            gpus=sum(int(item["value"]) for item in requirements if item["type"] == "GPU"),
            host_ports=tuple(sorted(filter(None, ports))) if mode in ("bridge", "host") else (),
            interface=mode == "awsvpc",
            architecture=Architecture(stated) if stated else architecture,
        )
    except ValueError:
        return None


def _memory(container: Shown) -> int:
    return int(container.get("memoryReservation") or container.get("memory") or 0)

"""Amazon ECS: the placement of tasks, and the reasons why tasks cannot be placed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moorage.local.server.core.adapter import ec2, ecs
from moorage.local.server.ecs import capacity_providers as capacity
from moorage.local.server.ecs import container_instances as instances
from moorage.local.server.ecs.container_instances import Record
from moorage.local.server.services import ec2_instances

_UNPLACED = "was unable to place a task because no container instance met all of its requirements."
_GUIDE = "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
_DYNAMIC_PORTS = range(32768, 61000)


def provider_for(strategy: Sequence[Mapping[str, Any]], used: Sequence[str | None]) -> str:
    """Return the capacity provider for the next task: by base first, then by weight.

    Args:
        strategy: The capacity provider strategy.
        used: The providers of the running tasks.
    """
    based = next((item for item in strategy if used.count(item["capacityProvider"]) < item.get("base", 0)), None)
    if based:
        return str(based["capacityProvider"])
    weighted = [item for item in strategy if item.get("weight", 0)] or strategy

    def share(item: Mapping[str, Any]) -> float:
        above = used.count(item["capacityProvider"]) - int(item.get("base", 0))
        return float((above + 1) / max(1, item.get("weight", 0)))

    return str(min(weighted, key=share)["capacityProvider"])


def candidates(task: Mapping[str, Any], cluster: str) -> list[Record]:
    """Return the container instances that a task can be placed on, regardless of free resources."""
    provider, pinned = task.get("capacityProviderName"), task.get("_pinned")
    return [
        record
        for record in instances.cluster_instances(cluster)
        if record["status"] == "ACTIVE"
        and (provider is None or capacity.provider_of(record) == provider)
        and pinned in (None, record["containerInstanceArn"])
    ]


def place_on(task: Record, offered: Sequence[Record]) -> bool:
    """Place a task on the best instance with enough resources, and return whether the task was placed."""
    fitting = [record for record in offered if instances.why_not(record, task["_need"], task["group"]) is None]
    if not fitting:
        return False
    record = min(fitting, key=lambda each: _rank(each, task))
    instance = ec2.instances[record["ec2InstanceId"]]
    now = ecs.iso()
    task |= {
        "lastStatus": "RUNNING",
        "containerInstanceArn": record["containerInstanceArn"],
        "availabilityZone": instance["Placement"]["AvailabilityZone"],
        "startedAt": now,
    }
    if not task["_need"].interface:
        task["_container_ip"] = instance["PrivateIpAddress"]
    revision = ecs.task_defs[ecs.resolve_td_key(task["taskDefinitionArn"])]
    used = {
        binding["hostPort"]
        for other in instances.tasks_on(record)
        for container in other["containers"]
        for binding in container.get("networkBindings") or ()
    }
    for container, stated in zip(task["containers"], revision["containerDefinitions"], strict=False):
        container["lastStatus"] = "RUNNING"
        if not task["_need"].interface:
            container["networkBindings"] = list(_bindings(stated, revision["networkMode"], used))
    give_address(task, task["_owner"])
    return True


def give_address(task: Record, owner: Mapping[str, Any]) -> None:
    """Give a task an address in the least used of its subnets. Target groups register the task by this address.

    Args:
        task: ECS's record of the task, which is modified. On a container instance, only subnets in its zone are used.
        owner: The service, or the input of RunTask.
    """
    configuration = (owner.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    subnets = [ec2.subnets[subnet] for subnet in configuration.get("subnets", ()) if subnet in ec2.subnets]
    if task.get("containerInstanceArn"):
        subnets = [subnet for subnet in subnets if subnet["AvailabilityZone"] == task["availabilityZone"]]
    if task["attachments"] or not subnets:
        return
    details = [item for other in ecs.tasks.values() for place in other["attachments"] for item in place["details"]]
    used = [item["value"] for item in details]
    subnet = min(subnets, key=lambda candidate: used.count(candidate["SubnetId"]))
    task["availabilityZone"] = subnet["AvailabilityZone"]
    task["attachments"] = [
        {
            "id": ecs.new_uuid(),
            "type": "ElasticNetworkInterface",
            "status": "ATTACHED",
            "details": [
                {"name": "subnetId", "value": subnet["SubnetId"]},
                {"name": "privateIPv4Address", "value": ec2_instances.free_address(subnet)},
            ],
        }
    ]


def _bindings(container: Mapping[str, Any], mode: str, used: set[int]) -> list[Record]:
    bound = []
    for mapping in container.get("portMappings") or ():
        inside = mapping.get("containerPort")
        port = mapping.get("hostPort") or (
            inside if mode == "host" else next(p for p in _DYNAMIC_PORTS if p not in used)
        )
        used.add(port)
        protocol = mapping.get("protocol", "tcp")
        everywhere = "0.0.0.0"  # noqa: S104  # only reported; nothing listens there
        bound.append({"bindIP": everywhere, "containerPort": inside, "hostPort": port, "protocol": protocol})
    return bound


def _rank(record: Record, task: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the rank of an instance by the task's placement strategy.

    The default strategy spreads tasks over Availability Zones and then over instances.
    """
    strategy = task["_owner"].get("placementStrategy") or [
        {"type": "spread", "field": "attribute:ecs.availability-zone"},
        {"type": "spread", "field": "instanceId"},
    ]
    return tuple(_score(record, task, item["type"], item.get("field", "")) for item in strategy)


def _score(record: Record, task: Mapping[str, Any], kind: str, field: str) -> int:
    if kind == "binpack":
        left = instances.free(record)
        return left.cpu if field == "cpu" else left.memory_mib
    if kind == "random":
        return 0
    name = field.removeprefix("attribute:")

    def value(other: Record) -> Any:
        same = name.lower() in ("instanceid", "host")
        return other["ec2InstanceId"] if same else instances.attributes_of(other).get(name)

    alike = [other for other in instances.cluster_instances(record["_cluster"]) if value(other) == value(record)]
    return sum(1 for other in alike for each in instances.tasks_on(other) if each["group"] == task["group"])


def waiting(cluster: str) -> list[Record]:
    """Return the tasks of a cluster that are not placed yet, daemons first."""
    arn = ecs.clusters[cluster]["clusterArn"] if cluster in ecs.clusters else None
    found = [task for task in ecs.tasks.values() if task["clusterArn"] == arn and task["lastStatus"] == "PROVISIONING"]
    return sorted(found, key=lambda task: "_pinned" not in task)


def why_waiting(service: Mapping[str, Any]) -> str | None:
    """Return why a service has fewer running tasks than desired, as its events show it; None if it has enough."""
    primary = ecs.primary_deployment(service)
    if not primary or primary["runningCount"] >= service["desiredCount"]:
        return None
    head = f"(service {service['serviceName']}) {_UNPLACED}"
    group = f"service:{service['serviceName']}"
    cluster = ecs.cluster_name_from_arn(service["clusterArn"])
    unplaced = next((task for task in waiting(cluster) if task["group"] == group), None)
    if unplaced is None:
        stated = service["deploymentConfiguration"]
        return (
            f"the deployment cannot replace any of {service['desiredCount']} tasks with minimumHealthyPercent "
            f"{stated.get('minimumHealthyPercent', 100)} and maximumPercent {stated.get('maximumPercent', 200)}"
        )
    provider = unplaced.get("capacityProviderName")
    found = [(record, instances.why_not(record, unplaced["_need"], group)) for record in candidates(unplaced, cluster)]
    most = ""
    scaled = capacity.group_of(provider)
    if scaled is not None and len(scaled["Instances"]) >= scaled["MaxSize"]:
        most = f" Capacity provider {provider} has reached its group's maximum of {scaled['MaxSize']} instances."
    if not found:
        where = "capacity provider" if provider else "cluster"
        return f"{head} Reason: No Container Instances were found in your {where}.{most} {_GUIDE}"
    record, reason = max(found, key=lambda each: "insufficient" in str(each[1]))
    identifier = record["containerInstanceArn"].rsplit("/", maxsplit=1)[-1]
    return f"{head} The closest matching container-instance {identifier} {reason}.{most} {_GUIDE}"

"""Amazon ECS: the container instances that EC2 instances register as, and their resources for tasks."""

from __future__ import annotations

import base64
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region, new_uuid

from moorage.local.server.autoscaling import instances as groups
from moorage.local.server.core.adapter import ec2, ecs
from moorage.local.server.core.calls import RefusedError, perform
from moorage.local.server.ecs.registered_resources import RESERVED_PORTS, Room
from moorage.local.server.services.ssm import architecture
from moorage.workload.ec2_instances import instance_type

Record = dict[str, Any]

_registered = AccountRegionScopedDict()
_CLUSTER = re.compile(r"ECS_CLUSTER=[\"']?([A-Za-z0-9_-]+)")
_RESERVED = re.compile(r"ECS_RESERVED_MEMORY=[\"']?(\d+)")
_ATTRIBUTES = re.compile(r"ECS_INSTANCE_ATTRIBUTES=['\"]?(\{.*?\})")
_EXPRESSION = re.compile(
    r"\s*(?:attribute:)?(?P<name>[A-Za-z0-9._:-]+)\s*"
    r"(?P<operator>==|!=|=~|!~|\bequals\b|\bnot_equals\b|\bmatches\b|\bin\b|!in\b|\bnot_in\b|\bexists\b|!exists\b)\s*(?P<value>.*?)\s*"
)
_CAPABILITIES = ("task-eni", "docker-remote-api.1.44", "logging-driver.awslogs", "secrets.asm", "secrets.ssm")
_NOT_BOTTLEROCKET = ("efs", "efsAuth", "service-connect-v1")
"""Features that Bottlerocket's agent lacks: bottlerocket-os/bottlerocket issues 1080 and 2801, open on 2026-11-29."""


@attrs.frozen(kw_only=True)
class Need:
    """The resources of a container instance that a task uses, and the task's other requirements.

    Args:
        cpu: The CPU units.
        memory: The memory in MiB.
        gpus: The number of GPUs.
        ports: The host ports.
        interface: True if the task has its own network interface.
        architecture: The required CPU architecture; None for any.
        expressions: The `memberOf` placement constraints. Default: none.
        distinct: True if tasks of the group must be on distinct instances. Default: False.
        zones: The Availability Zones of the task's subnets. Default: None, for any zone.
        capabilities: The required capabilities of the agent. Default: none.
    """

    cpu: int
    memory: int
    gpus: int
    ports: frozenset[int]
    interface: bool
    architecture: str | None
    expressions: tuple[str, ...] = ()
    distinct: bool = False
    zones: frozenset[str] | None = None
    capabilities: frozenset[str] = frozenset()


def need(revision: Mapping[str, Any], owner: Mapping[str, Any]) -> Need:
    """Return the requirements of a task.

    Args:
        revision: The task definition.
        owner: The service, or the input of RunTask.
    """
    containers = revision["containerDefinitions"]
    mode = revision.get("networkMode")
    mappings = [mapping for each in containers for mapping in each.get("portMappings") or ()]
    ports = {mapping.get("hostPort") or (mapping.get("containerPort") if mode == "host" else 0) for mapping in mappings}
    requirements = [item for each in containers for item in each.get("resourceRequirements") or ()]
    constraints = [*(revision.get("placementConstraints") or ()), *(owner.get("placementConstraints") or ())]
    subnets = ((owner.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}).get("subnets", ())
    built_for = (revision.get("runtimePlatform") or {}).get("cpuArchitecture")
    return Need(
        cpu=int(revision.get("cpu") or sum(int(each.get("cpu") or 0) for each in containers)),
        memory=int(revision.get("memory") or sum(_memory(each) for each in containers)),
        gpus=sum(int(item["value"]) for item in requirements if item["type"] == "GPU"),
        ports=frozenset(filter(None, ports)) if mode in ("bridge", "host") else frozenset(),
        interface=mode == "awsvpc",
        architecture=str(built_for).lower() if built_for else None,
        expressions=tuple(item["expression"] for item in constraints if item["type"] == "memberOf"),
        distinct=any(item["type"] == "distinctInstance" for item in constraints),
        zones=frozenset(ec2.subnets[name]["AvailabilityZone"] for name in subnets if name in ec2.subnets)
        if mode == "awsvpc"
        else None,
        capabilities=frozenset(_capabilities(revision, owner)),
    )


def _capabilities(revision: Mapping[str, Any], owner: Mapping[str, Any]) -> Iterator[str]:
    newest = next(iter(owner.get("deployments") or ()), owner)
    if (newest.get("serviceConnectConfiguration") or {}).get("enabled"):
        yield "ecs.capability.service-connect-v1"
    for volume in revision.get("volumes") or ():
        file_system = volume.get("efsVolumeConfiguration")
        if file_system:
            yield "ecs.capability.efs"
        if file_system and file_system.get("authorizationConfig"):
            yield "ecs.capability.efsAuth"


def _memory(container: Mapping[str, Any]) -> int:
    return int(container.get("memoryReservation") or container.get("memory") or 0)


def cluster_instances(cluster: str) -> list[Record]:
    """Return the container instances of a cluster."""
    return [record for record in _registered.values() if record["_cluster"] == cluster]


def of_ec2(instance_id: str) -> Record | None:
    """Return the container instance of an EC2 instance; None if it is not registered."""
    found: Record | None = _registered.get(instance_id)
    return found


def by_arn(arn: str) -> Record | None:
    """Return the container instance with an ARN; None if there is no such container instance."""
    return next((record for record in _registered.values() if record["containerInstanceArn"] == arn), None)


def tasks_on(record: Mapping[str, Any]) -> list[Record]:
    """Return the tasks that use resources of an instance."""
    arn = record["containerInstanceArn"]
    return [
        task
        for task in ecs.tasks.values()
        if task.get("containerInstanceArn") == arn and task["lastStatus"] in ecs.PRE_STOP_STATUSES
    ]


def refresh() -> None:
    """Register the instances of Auto Scaling groups whose agents find their cluster.

    Deregister the instances that no longer run, and stop their tasks.
    """
    for instance_id, record in list(_registered.items()):
        if ec2.instances.get(instance_id, {}).get("State", {}).get("Name") != "running":
            _forget(record)
    for group in groups.groups():
        for instance in group["Instances"]:
            if instance["InstanceId"] not in _registered:
                _register(group, instance)


def _forget(record: Record) -> None:
    for task in tasks_on(record):
        reason = f"Host EC2 (instance {record['ec2InstanceId']}) terminated."
        perform(ecs.stop_task, {"task": task["taskArn"], "cluster": record["_cluster"], "reason": reason})
    _registered.pop(record["ec2InstanceId"])


def _register(group: Mapping[str, Any], shown: Mapping[str, Any]) -> None:
    instance = ec2.instances[shown["InstanceId"]]
    cluster, reserved, stated = agent_settings(instance["UserData"])
    capabilities = (*_CAPABILITIES, *(() if _is_bottlerocket(instance["UserData"]) else _NOT_BOTTLEROCKET))
    type_ = instance_type(instance["InstanceType"])
    if cluster not in ecs.clusters or type_ is None:
        return
    trunking = ecs.account_settings.get("awsvpcTrunking") == "enabled"
    room = Room.of(type_, trunking=trunking, reserved_mib=reserved)
    attributes = {
        "ecs.ami-id": instance["ImageId"],
        "ecs.availability-zone": shown["AvailabilityZone"],
        "ecs.cpu-architecture": architecture(instance["ImageId"]) or type_.architecture.value.lower(),
        "ecs.instance-type": type_.name,
        "ecs.os-type": "linux",
        "ecs.subnet-id": instance["SubnetId"],
        "ecs.vpc-id": instance["VpcId"],
        **{f"ecs.capability.{name}": None for name in capabilities},
        **stated,
    }
    kind = f"{get_region()}:{get_account_id()}:container-instance"
    _registered[instance["InstanceId"]] = {
        "containerInstanceArn": f"arn:aws:ecs:{kind}/{cluster}/{new_uuid().replace('-', '')}",
        "ec2InstanceId": instance["InstanceId"],
        "status": "ACTIVE",
        "agentConnected": True,
        "version": 1,
        "registeredAt": ecs.iso(),
        "attachments": [],
        "tags": [],
        "_cluster": cluster,
        "_group": group["AutoScalingGroupARN"],
        "_room": room,
        "_attributes": attributes,
    }


def agent_settings(user_data: str) -> tuple[str, int, Mapping[str, str]]:
    """Return the cluster, the reserved MiB and the attributes that user data sets for the ECS agent.

    Args:
        user_data: A script that writes `ECS_...` settings, or Bottlerocket's TOML, in Base64.
    """
    said = base64.b64decode(user_data or "").decode("utf-8", errors="replace")
    settings = _toml(user_data)
    if settings:
        stated = settings.get("instance-attributes", {})
        return settings.get("cluster", "default"), int(settings.get("reserved-memory", 0)), stated
    cluster, reserved, attributes = (pattern.search(said) for pattern in (_CLUSTER, _RESERVED, _ATTRIBUTES))
    return (
        cluster[1] if cluster else "default",
        int(reserved[1]) if reserved else 0,
        json.loads(attributes[1].replace('\\"', '"')) if attributes else {},
    )


def _toml(user_data: str) -> Mapping[str, Any]:
    """Return the settings of Bottlerocket's ECS agent; empty for other user data."""
    try:
        stated = tomllib.loads(base64.b64decode(user_data or "").decode("utf-8", errors="replace"))
    except tomllib.TOMLDecodeError:
        return {}
    settings: Mapping[str, Any] = stated.get("settings", {}).get("ecs", {})
    return settings


def _is_bottlerocket(user_data: str) -> bool:
    return bool(_toml(user_data))


def attributes_of(record: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the attributes of an instance, including those that the API added."""
    arn = record["containerInstanceArn"]
    put = {item["name"]: item.get("value") for item in ecs.attributes.values() if item.get("targetId") == arn}
    return {**record["_attributes"], **put}


def free(record: Mapping[str, Any]) -> Room:
    """Return the resources of a container instance that are not in use."""
    room: Room = record["_room"]
    for task in tasks_on(record):
        taken: Need = task["_need"]
        room = attrs.evolve(
            room,
            cpu=room.cpu - taken.cpu,
            memory_mib=room.memory_mib - taken.memory,
            gpus=room.gpus - taken.gpus,
            interfaces=room.interfaces - taken.interface,
            taken_ports=room.taken_ports | taken.ports,
        )
    return room


def why_not(record: Mapping[str, Any], wanted: Need, group: str) -> str | None:
    """Return why a task cannot be placed on an instance, as ECS reports it; None if the task can be placed.

    Args:
        record: The container instance.
        wanted: The requirements of the task.
        group: The group of the task.
    """
    room, has = free(record), attributes_of(record)
    if not is_meant(record, wanted):
        missing = wanted.architecture not in (None, has["ecs.cpu-architecture"]) or wanted.capabilities - has.keys()
        unsatisfied = 'encountered error "MemberOf placement constraint unsatisfied."'
        return "is missing an attribute required by your task" if missing else unsatisfied
    if wanted.zones is not None and has["ecs.availability-zone"] not in wanted.zones:
        return "is in an Availability Zone in which the task has no subnet"
    if wanted.distinct and any(task["group"] == group for task in tasks_on(record)):
        return 'encountered error "DistinctInstance placement constraint unsatisfied."'
    if wanted.ports & room.taken_ports:
        return "is already using a port required by your task"
    shortages = (
        (wanted.cpu > room.cpu, "has insufficient CPU units available"),
        (wanted.memory > room.memory_mib, "has insufficient memory available"),
        (wanted.gpus > room.gpus, 'encountered error "RESOURCE:GPU"'),
        (wanted.interface and room.interfaces < 1, 'encountered error "RESOURCE:ENI"'),
    )
    return next((reason for short, reason in shortages if short), None)


def is_meant(record: Mapping[str, Any], wanted: Need) -> bool:
    """Return whether an instance meets a task's requirements, regardless of free resources.

    Args:
        record: The container instance.
        wanted: The requirements of the task.
    """
    has = attributes_of(record)
    return (
        wanted.architecture in (None, has["ecs.cpu-architecture"])
        and wanted.capabilities <= has.keys()
        and all(_satisfies(expression, record, has) for expression in wanted.expressions)
    )


def check_expression(expression: str) -> None:
    """Refuse a cluster query language expression that is not supported here."""
    for _ in _terms(expression):
        pass


def _terms(expression: str) -> Iterator[tuple[str, str, str]]:
    for term in re.split(r"\s+and\s+|\s*&&\s*", expression):
        found = _EXPRESSION.fullmatch(term)
        if found is None or re.search(r"\bor\b|\|\||[()]", term):
            raise RefusedError(
                f"the placement constraint '{expression}' is not supported by the local AWS; use comparisons that are "
                "joined with `and`, without parentheses"
            )
        yield found["name"], found["operator"], found["value"]


def _satisfies(expression: str, record: Mapping[str, Any], has: Mapping[str, str | None]) -> bool:
    return all(_holds(name, operator, value, record, has) for name, operator, value in _terms(expression))


def _holds(name: str, operator: str, value: str, record: Mapping[str, Any], has: Mapping[str, str | None]) -> bool:
    if name == "task:group":
        is_ = [task["group"] for task in tasks_on(record)]
    else:
        is_ = [record["ec2InstanceId"] if name == "ec2InstanceId" else str(has.get(name))]
    wanted = [item.strip(" '\"") for item in value.strip("[]").split(",")]
    if operator in ("exists", "!exists"):
        return (name in has) == (operator == "exists")
    if operator in ("=~", "matches", "!~"):
        return any(re.fullmatch(wanted[0], item) for item in is_) != (operator == "!~")
    return any(item in wanted for item in is_) != (operator in ("!=", "not_equals", "!in", "not_in"))


def shown(record: Record, provider: str | None) -> Record:
    """Return a container instance as DescribeContainerInstances shows it."""
    tasks = tasks_on(record)
    has = attributes_of(record).items()
    return {
        **{name: value for name, value in record.items() if not name.startswith("_")},
        **({"capacityProviderName": provider} if provider else {}),
        "versionInfo": {"agentVersion": "1.100.0", "agentHash": "00000000", "dockerVersion": "DockerVersion: 25.0.8"},
        "registeredResources": _resources(record["_room"], ()),
        "remainingResources": _resources(free(record), [task["_need"] for task in tasks]),
        "runningTasksCount": sum(1 for task in tasks if task["lastStatus"] == "RUNNING"),
        "pendingTasksCount": sum(1 for task in tasks if task["lastStatus"] != "RUNNING"),
        "attributes": [{"name": name} | ({"value": value} if value else {}) for name, value in has],
    }


def _resources(room: Room, taken: Sequence[Need]) -> list[Record]:
    ports = sorted(RESERVED_PORTS | {port for each in taken for port in each.ports})
    resources: list[Record] = [
        {"name": "CPU", "type": "INTEGER", "integerValue": room.cpu},
        {"name": "MEMORY", "type": "INTEGER", "integerValue": room.memory_mib},
        {"name": "PORTS", "type": "STRINGSET", "stringSetValue": [str(port) for port in ports]},
        {"name": "PORTS_UDP", "type": "STRINGSET", "stringSetValue": []},
    ]
    if room.gpus or any(each.gpus for each in taken):
        identifiers = [f"GPU-{number:08x}" for number in range(room.gpus)]
        resources.append({"name": "GPU", "type": "STRINGSET", "stringSetValue": identifiers})
    return resources

"""Amazon ECS: the checks that RegisterTaskDefinition performs on each container and on references between containers.

The messages are ECS's, as users report them, with the report beside each. If there is no report, the rule is the API
reference's, with the name of the structure beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_IMAGE = re.compile(r"[A-Za-z0-9._:/#@+-]+")
_FILE = re.compile(r"arn:[a-z-]+:s3:::[^/]+/.+\.env")
_HIGHEST_PORT = 65535
_LEAST_MEBIBYTES = 4
_LONGEST_STOP_SECONDS = 120
_NOT_ON_FARGATE = ("disableNetworking", "dnsSearchDomains", "dnsServers", "dockerSecurityOptions", "extraHosts")
"""The parameters that Fargate lacks (ECS developer guide, "Amazon ECS task definition differences for Fargate")."""

_IPC_PARAMETERS = {
    *("kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem"),
    *("kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"),
}
"""The kernel parameters of the IPC namespace (SystemControl.value)."""

Record = Mapping[str, Any]


def faults(containers: Sequence[Record]) -> Iterator[str]:
    """Yield the errors in a task's containers that do not depend on the launch type.

    Args:
        containers: The container definitions of RegisterTaskDefinition.
    """
    known = {each.get("name"): each for each in containers}
    for container in containers:
        yield from _own_faults(container)
        yield from _reference_faults(container, known)


def _own_faults(container: Record) -> Iterator[str]:
    name = container.get("name")
    if not _IMAGE.fullmatch(container.get("image", "")):
        yield "Container.image contains invalid characters."  # Shippable/support issue 3094
    if 0 < container.get("memory", _LEAST_MEBIBYTES) < _LEAST_MEBIBYTES:
        # ContainerDefinition.memory
        yield f"Invalid setting for container '{name}'. 'memory' must be at least {_LEAST_MEBIBYTES} MiB."
    for mapping in container.get("portMappings") or ():
        if not 0 <= mapping.get("containerPort", 1) <= _HIGHEST_PORT:
            yield f"Invalid 'containerPort' setting for container '{name}'."  # aws/aws-cdk issue 8762
    for each in container.get("environmentFiles") or ():
        if not _FILE.fullmatch(each.get("value", "")):  # EnvironmentFile.value, ContainerDefinition.environmentFiles
            yield f"The environment file '{each.get('value')}' must be the ARN of an S3 object with extension .env."


def _reference_faults(container: Record, known: Mapping[str | None, Record]) -> Iterator[str]:
    name = container.get("name")
    for each in container.get("volumesFrom") or ():
        if each.get("sourceContainer") not in known:
            # badmintoncryer/cdk-preflight, pf-ecs-volumesfrom-source-container-missing
            yield f"Invalid 'volumesFrom' setting. Unknown container: '{each.get('sourceContainer')}'"
    for link in container.get("links") or ():
        if link.partition(":")[0] not in known:  # ContainerDefinition.links
            yield f"Container '{name}' links to '{link.partition(':')[0]}', which does not exist."
    for each in container.get("dependsOn") or ():
        other = known.get(each["containerName"], {"healthCheck": {}})
        if each["condition"] == "HEALTHY" and "healthCheck" not in other:  # ContainerDependency.condition
            yield "A dependency container with HEALTHY condition must have a health check configured."


def namespace_faults(containers: Sequence[Record], network_mode: str | None, ipc_mode: str | None) -> Iterator[str]:
    """Yield the errors in kernel parameters, which must belong to a namespace of the task (SystemControl).

    Args:
        containers: The container definitions of RegisterTaskDefinition.
        network_mode: The network mode of the task, or None for the default.
        ipc_mode: The IPC mode of the task, or None for the default.
    """
    for container in containers:
        for each in container.get("systemControls") or ():
            name = each.get("namespace", "")
            of_network = name.startswith("net.")
            if not of_network and not name.startswith("fs.mqueue.") and name not in _IPC_PARAMETERS:
                yield f"The systemControls namespace '{name}' of container '{container['name']}' is not valid."
            if of_network and network_mode == "host":
                yield f"systemControls '{name}' of container '{container['name']}' needs another networkMode than host."
            if not of_network and ipc_mode == "host":
                yield f"systemControls '{name}' of container '{container['name']}' needs another ipcMode than host."


def fargate_faults(container: Record) -> Iterator[str]:
    """Yield the errors in a container's settings that apply only to Fargate.

    Args:
        container: A container definition of RegisterTaskDefinition.
    """
    unsupported = [name for name in _NOT_ON_FARGATE if container.get(name)]
    if any(each.get("type") == "GPU" for each in container.get("resourceRequirements") or ()):
        unsupported.append("GPU resource requirements")
    if unsupported:
        yield f"Fargate compatible task definitions do not support {unsupported[0]}"
    if container.get("stopTimeout", 0) > _LONGEST_STOP_SECONDS:  # ContainerDefinition.stopTimeout
        yield f"The stopTimeout of container '{container['name']}' must be at most {_LONGEST_STOP_SECONDS} on Fargate."
    log = container.get("logConfiguration") or {}
    if log.get("logDriver") == "awslogs" and not (log.get("options") or {}).get("awslogs-stream-prefix"):
        yield (  # aws/aws-cdk issue 1422
            "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs."
        )


def platform_faults(wanted: Record) -> Iterator[str]:
    """Yield the errors in a task's platform settings and volumes that apply only to Fargate.

    Args:
        wanted: The input of RegisterTaskDefinition.
    """
    platform, cpu = wanted.get("runtimePlatform") or {}, str(wanted.get("cpu", ""))
    if str(platform.get("operatingSystemFamily", "")).startswith("WINDOWS"):
        if cpu in ("256", "512"):  # RegisterTaskDefinition, memory
            yield f"Windows containers on Fargate need at least 1 vCPU, not cpu {cpu}."
        if platform.get("cpuArchitecture") == "ARM64":  # RuntimePlatform.cpuArchitecture
            yield "Windows containers do not run on the cpuArchitecture ARM64."
    if any(each.get("dockerVolumeConfiguration") for each in wanted.get("volumes") or ()):
        # Volume.dockerVolumeConfiguration
        yield "Fargate compatible task definitions do not support dockerVolumeConfiguration"

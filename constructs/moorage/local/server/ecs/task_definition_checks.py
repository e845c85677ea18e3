"""Amazon ECS: the checks that RegisterTaskDefinition performs on a task definition.

The messages are ECS's, as users report them, with the report beside each. If there is no report, the rule is the API
reference's (RegisterTaskDefinition and its structures). ECS accepts a health check command without CMD (aws/aws-cdk
issue 34389), and the same port for TCP and UDP (awsdocs/amazon-ecs-developer-guide pull request 128).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from moorage.local.server.core.calls import RefusedError
from moorage.local.server.ecs import container_definition_checks as container_definitions

_FARGATE = "FARGATE"
_MOST_CONTAINERS = 10  # ECS developer guide, "Amazon ECS service quotas"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}", re.ASCII)
_ECR_IMAGE = re.compile(r"\d{12}\.dkr[.-]ecr\.")
_GIGABYTES = re.compile(r"(\d*\.?\d+)\s*GB", re.IGNORECASE)
_STORAGE_GIB = range(21, 201)
_LOG_DRIVERS = {
    *("awsfirelens", "awslogs", "fluentd", "gelf", "journald", "json-file", "splunk", "syslog"),
    *("logentries", "none", "sumologic"),  # the agent also supports these (aws/amazon-ecs-agent, agent/dockerclient)
}
_FARGATE_CAPABILITIES = {"SYS_PTRACE"}
_NOT_ON_FARGATE = ("devices", "maxSwap", "sharedMemorySize", "swappiness")
_ROLE = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/.+|(?!arn:).+")
_CHECK_RANGES = {
    "interval": range(5, 301),
    "timeout": range(2, 61),
    "retries": range(1, 11),
    "startPeriod": range(301),
}
"""The ranges of a container's health check (HealthCheck)."""

Record = Mapping[str, Any]


def check(wanted: Record) -> None:
    """Refuse a task definition that ECS does not register.

    Args:
        wanted: The input of RegisterTaskDefinition.

    Raises:
        RefusedError: The task definition has an error; the message describes the first error.
    """
    for fault in _faults(wanted):
        raise RefusedError(f"ClientException: {fault}")


def _faults(wanted: Record) -> Iterator[str]:
    containers: Sequence[Record] = wanted.get("containerDefinitions") or ()
    if not _NAME.fullmatch(wanted["family"]):
        yield "Family contains invalid characters."  # aws/amazon-ecs-cli issue 37
    if len(containers) > _MOST_CONTAINERS:
        yield "Too many containers."  # aws/amazon-ecs-cli issue 184
    for role in (wanted.get("taskRoleArn"), wanted.get("executionRoleArn")):
        if role and not _ROLE.fullmatch(role):
            yield "Role is not valid"  # aws-samples/aws-modern-application-workshop issue 9
    volumes = {each.get("name") for each in wanted.get("volumes") or ()}
    for container in containers:
        if not _NAME.fullmatch(container.get("name", "")):
            yield "Container.name contains invalid characters."  # hashicorp/terraform-provider-aws issue 5950
        yield from _container_faults(container, volumes)
    yield from container_definitions.faults(containers)
    yield from _log_faults(containers)
    yield from _memory_faults(wanted, containers)
    yield from _port_faults(wanted.get("networkMode"), containers)
    yield from container_definitions.namespace_faults(containers, wanted.get("networkMode"), wanted.get("ipcMode"))
    yield from _order_faults({each.get("name", ""): each for each in containers})
    for volume in wanted.get("volumes") or ():
        yield from _volume_faults(volume)
    yield from _storage_faults(wanted.get("ephemeralStorage", {}).get("sizeInGiB"))
    if not wanted.get("executionRoleArn"):
        yield from _role_faults(containers)
    if _FARGATE in wanted.get("requiresCompatibilities", ()):
        yield from _fargate_faults(wanted, containers)


def _role_faults(containers: Sequence[Record]) -> Iterator[str]:
    """Yield errors for secrets and registry credentials in a task without an execution role."""
    if any(_secrets(each) for each in containers):
        # fabfuel/ecs-deploy issue 87
        yield "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."
    if any(each.get("repositoryCredentials") for each in containers):
        # ECS developer guide, "Amazon ECS task execution IAM role"
        yield "When you are specifying repositoryCredentials, you must also specify a value for 'executionRoleArn'."


def _fargate_faults(wanted: Record, containers: Sequence[Record]) -> Iterator[str]:
    if wanted.get("ipcMode"):
        yield "Tasks using the Fargate launch type do not support ipcMode."  # cn-terraform/terraform-aws-ecs-fargate 2
    if wanted.get("pidMode") == "host":
        yield "Tasks using the Fargate launch type do not support pidMode 'host'."  # RegisterTaskDefinition, pidMode
    if any((each.get("host") or {}).get("sourcePath") for each in wanted.get("volumes") or ()):
        # cloudposse/terraform-aws-ecs-alb-service-task issue 174
        yield "Fargate compatible task definitions do not support sourcePath"
    yield from container_definitions.platform_faults(wanted)
    for container in containers:
        yield from _privilege_faults(container)
        yield from container_definitions.fargate_faults(container)
        if not wanted.get("executionRoleArn"):
            yield from _execution_faults(container)


def _privilege_faults(container: Record) -> Iterator[str]:
    """Yield errors for unsupported privileges on Fargate (ContainerDefinition, LinuxParameters, KernelCapabilities)."""
    linux = container.get("linuxParameters") or {}
    unsupported = [name for name in _NOT_ON_FARGATE if linux.get(name)]
    if unsupported or container.get("privileged"):
        yield f"Fargate compatible task definitions do not support {(*unsupported, 'privileged')[0]}"
    added = sorted(set((linux.get("capabilities") or {}).get("add") or ()) - _FARGATE_CAPABILITIES)
    if added:
        yield (
            f"Tasks launched on Fargate only support adding the SYS_PTRACE kernel capability, not {', '.join(added)} "
            f"of container '{container['name']}'."
        )


def _execution_faults(container: Record) -> Iterator[str]:
    """Yield errors for features for which Fargate requires a task execution role."""
    needs = "Fargate requires task definition to have execution role ARN to support"
    if (container.get("logConfiguration") or {}).get("logDriver") == "awslogs":
        yield f"{needs} log driver awslogs."  # virtual-kubelet/virtual-kubelet issue 193
    if _ECR_IMAGE.match(container.get("image", "")):
        yield f"{needs} ECR images."  # hashicorp/terraform-provider-aws issue 3051


def _storage_faults(size_gib: int | None) -> Iterator[str]:
    if size_gib is not None and size_gib < _STORAGE_GIB.start:
        yield f"EphemeralStorage size should be at least {_STORAGE_GIB.start}"  # guardian/cdk pull request 1101
    if size_gib is not None and size_gib >= _STORAGE_GIB.stop:
        yield f"EphemeralStorage size should be at most {_STORAGE_GIB[-1]}"


def _container_faults(container: Record, volumes: Container[str | None]) -> Iterator[str]:
    for mount in container.get("mountPoints") or ():
        if mount.get("sourceVolume") not in volumes:
            yield f"Unknown volume '{mount.get('sourceVolume')}'."  # ansible/ansible issue 35751
    names = [each["name"] for each in container.get("secrets") or ()]
    plain = {each.get("name") for each in container.get("environment") or ()}
    for name in names:
        if name in plain or names.count(name) > 1:
            yield (  # dagster-io/dagster issue 11622
                "The secret name must be unique and not shared with any new or existing environment variables set on "
                f"the container, such as '{name}'."
            )
    check = container.get("healthCheck") or {}
    for name, allowed in _CHECK_RANGES.items():
        if name in check and check[name] not in allowed:
            yield (
                f"The {name} of the health check of container '{container['name']}' must be {allowed[0]} to "
                f"{allowed[-1]}, not {check[name]}."
            )


def _log_faults(containers: Sequence[Record]) -> Iterator[str]:
    drivers = [(each.get("logConfiguration") or {}).get("logDriver") for each in containers]
    for driver in drivers:
        if driver is not None and driver not in _LOG_DRIVERS:
            yield f"Log driver '{driver}' is not supported by ECS."  # LogConfiguration.logDriver
    for container in containers:
        mode = ((container.get("logConfiguration") or {}).get("options") or {}).get("mode", "blocking")
        if mode not in ("blocking", "non-blocking"):  # LogConfiguration.options
            yield f"The log mode of container '{container['name']}' must be blocking or non-blocking, not {mode}."
    routed, routes = "awsfirelens" in drivers, any(each.get("firelensConfiguration") for each in containers)
    if routed and not routes:
        yield (  # fabfuel/ecs-deploy issue 164
            "When awsfirelens log driver is specified in log configuration, a firelens configuration object must be "
            "configured in one of the containers."
        )
    if routes and not routed:
        yield (  # aws/amazon-cloudwatch-logs-for-fluent-bit issue 20
            "When a firelensConfiguration object is specified, at least one container has to be configured with the "
            "awsfirelens log driver."
        )


def _secrets(container: Record) -> bool:
    log = container.get("logConfiguration") or {}
    return bool(container.get("secrets") or log.get("secretOptions"))


def _memory_faults(wanted: Record, containers: Sequence[Record]) -> Iterator[str]:
    task = _mebibytes(wanted.get("memory"))
    for container in containers:
        if task is None and not container.get("memory") and not container.get("memoryReservation"):
            yield (  # cuttlesoft/ecs-deploy.py issue 17
                f"Invalid setting for container '{container['name']}'. At least one of 'memory' or "
                "'memoryReservation' must be specified."
            )
        if task is not None and container.get("memory", 0) > task:
            # pulumi/pulumi-awsx issue 188
            yield f"The 'memory' setting for container '{container['name']}' is greater than for the task."
    if task is not None and sum(each.get("memoryReservation", 0) for each in containers) > task:
        yield (  # cloudnativedaysjp/dreamkast-infra pull request 4766
            "The sum of all container 'memoryReservation' values cannot be greater than the value of the task 'memory'."
        )
    for container in containers:
        if 0 < container.get("memory", 0) < container.get("memoryReservation", 0):
            # ContainerDefinition.memory, with awsdocs/amazon-ecs-developer-guide pull request 242
            yield f"The 'memory' of container '{container['name']}' must not be less than its 'memoryReservation'."
    cpu = str(wanted.get("cpu") or "").strip()
    if cpu.isdecimal() and sum(each.get("cpu", 0) for each in containers) > int(cpu):
        # klothoplatform/klotho issue 892
        yield "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'."


def _mebibytes(stated: str | None) -> float | None:
    """Return a task's memory in MiB; None if no memory is specified, or if the format is unknown."""
    text = str(stated or "").strip()
    gigabytes = _GIGABYTES.fullmatch(text)
    if gigabytes:
        return float(gigabytes[1]) * 1024
    return float(text) if text.isdecimal() else None


def _port_faults(mode: str | None, containers: Sequence[Record]) -> Iterator[str]:
    fixed = mode in ("awsvpc", "host")
    ports: Counter[tuple[str, int]] = Counter()
    for container in containers:
        yield from _mode_faults(mode, container)
        for mapping in container.get("portMappings") or ():
            inside, outside = mapping.get("containerPort"), mapping.get("hostPort")
            if inside is None:
                if "containerPortRange" not in mapping:
                    # aws/aws-cdk issue 8762
                    yield f"Invalid 'containerPort' setting for container '{container['name']}'."
                continue
            if fixed and outside and outside != inside:
                # aws/amazon-ecs-cli issue 1014
                yield f"When networkMode={mode}, the host ports and container ports in port mappings must match."
            port = (inside if fixed else 0) or outside
            if port:
                ports[mapping.get("protocol", "tcp").upper(), port] += 1
    for (protocol, port), count in ports.items():
        if count > 1:
            # aws/amazon-ecs-agent issue 1220
            yield f"{protocol} host port '{port}' is mapped multiple times in task."


def _mode_faults(mode: str | None, container: Record) -> Iterator[str]:
    if mode == "awsvpc" and container.get("hostname"):
        # labd/ecs-deplojo issue 26
        yield "hostname is not supported on container when networkMode=awsvpc."
    if mode == "awsvpc" and container.get("dnsServers"):
        # badmintoncryer/cdk-preflight, pf-ecs-fargate-dns-servers
        yield "DNS servers are not supported on container when networkMode=awsvpc"
    if mode == "awsvpc" and container.get("extraHosts"):
        # badmintoncryer/cdk-preflight, pf-ecs-awsvpc-extra-hosts
        yield "Extra hosts are not supported on container when networkMode=awsvpc"
    if mode not in (None, "bridge") and container.get("links"):
        # ContainerDefinition.links
        yield f"Links of container '{container['name']}' are not supported when networkMode={mode}."
    if mode == "none" and container.get("portMappings"):
        # RegisterTaskDefinition, networkMode
        yield f"Port mappings of container '{container['name']}' are not supported when networkMode=none."


def _order_faults(containers: Mapping[str, Record]) -> Iterator[str]:
    """Yield errors in the dependencies of containers, which determine their start order."""
    waits: dict[str, set[str]] = {name: set() for name in containers}
    for name, container in containers.items():
        for each in container.get("dependsOn") or ():
            other = each["containerName"]
            if other not in containers:
                # dagster-io/dagster issue 6926
                yield f"Cannot depend on container + '{other}' because it does not exist"
                return
            if each["condition"] in ("COMPLETE", "SUCCESS") and containers[other].get("essential", True):
                # boto/boto3 issue 2436
                yield "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"
            waits[name].add(other)
    while ready := {name for name, others in waits.items() if not others}:
        waits = {name: others - ready for name, others in waits.items() if name not in ready}
    if waits:
        # the message for links (Shippable/support issue 4194), since there is no report of the one for dependencies
        yield f"Container dependencies should not have a cycle: {', '.join(sorted(waits))}"


def _volume_faults(volume: Record) -> Iterator[str]:
    """Yield errors in an EFS volume (ECS API reference, EFSVolumeConfiguration and EFSAuthorizationConfig)."""
    stated = volume.get("efsVolumeConfiguration") or {}
    authorization = stated.get("authorizationConfig") or {}
    point, iam = authorization.get("accessPointId"), authorization.get("iam") == "ENABLED"
    if point and stated.get("rootDirectory", "/") not in ("", "/"):
        yield (
            f"Root directory of volume '{volume.get('name')}' must either be omitted or set to / if an EFS access "
            "point is specified."
        )
    if (point or iam) and stated.get("transitEncryption") != "ENABLED":
        yield (
            f"Transit encryption of volume '{volume.get('name')}' must be turned on if an EFS access point or IAM "
            "authorization is used."
        )

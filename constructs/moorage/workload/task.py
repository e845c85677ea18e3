"""A task: the containers that run together, and their shared settings."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from moorage.workload import container_limits, platform_limits, port_limits, task_limits, volume_limits
from moorage.workload.problems import Problems, is_token
from moorage.workload.required_services import EXECUTE_COMMAND_NEEDS, LOG_NEEDS, Needs, check_services
from moorage.workload.start_order import check_start_order
from moorage.workload.task_checks import check_containers, check_namespaces, check_permissions
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam

    from moorage.workload.container import Container
    from moorage.workload.volumes import Volume


_ONLY_ON_LINUX = (
    *("writable", "linux_parameters", "privileged", "user", "environment_files"),
    *("system_controls", "dns_servers", "dns_search_domains", "extra_hosts"),
)
"""The arguments of a container that Windows does not support."""


class Architecture(enum.Enum):
    """The processor architecture that the images of a task are built for."""

    X86_64 = "X86_64"
    ARM64 = "ARM64"


class OperatingSystemFamily(enum.Enum):
    """The operating system that the images of a task are built for."""

    LINUX = "LINUX"
    WINDOWS_SERVER_2019_CORE = "WINDOWS_SERVER_2019_CORE"
    WINDOWS_SERVER_2019_FULL = "WINDOWS_SERVER_2019_FULL"
    WINDOWS_SERVER_2022_CORE = "WINDOWS_SERVER_2022_CORE"
    WINDOWS_SERVER_2022_FULL = "WINDOWS_SERVER_2022_FULL"
    WINDOWS_SERVER_2025_CORE = "WINDOWS_SERVER_2025_CORE"
    WINDOWS_SERVER_2025_FULL = "WINDOWS_SERVER_2025_FULL"


class NetworkMode(enum.Enum):
    """The network mode of a task. Fargate supports only `AWSVPC`."""

    AWSVPC = "awsvpc"
    """The task has its own network interface, with its own IP address and security groups."""
    BRIDGE = "bridge"
    """The ports of the containers are mapped to ports of the instance."""
    HOST = "host"
    """The containers use the network of the instance directly, and can use the role of the instance."""
    NONE = "none"
    """The containers have no network connections."""


class _SumOfContainers(int):
    """The memory of a task that is derived from its containers.

    The type marks derived memory, so that a task made from the fields of another task derives the memory again.
    """


@value_class
@attrs.frozen(init=False)
class Task:
    """The containers that run together, and their shared settings. A task does not define how many copies run.

    Args:
        *containers: The containers, 1 to 10, with at least one essential container. The first container with a port
            receives connections.
        cpu: The CPU units of the task, 128 to 196,608, with 1,024 for each vCPU.
            The units are reserved for the task, which cannot use more. On instances, None reserves only the CPU of the
            containers. On Fargate, None selects the smallest sufficient size. Default: 256.
        memory_mib: The memory of the task in MiB. Fargate supports only certain combinations with `cpu`.
            None selects the sum of the containers' `memory_mib`, or on Fargate the smallest sufficient size. Each
            container must then have a `memory_mib`. Default: 512.
        architecture: The processor architecture that the images are built for. Default: `Architecture.X86_64`.
        ephemeral_storage_gib: The ephemeral storage of a Fargate task, 21 to 200 GiB. Default: 20 GiB.
        permissions: The statements of the task role's policy, with which the application calls AWS. Grants, such as
            `bucket.grant_read(service)`, add further statements. Default: none.
        network_mode: The network mode. `BRIDGE` and `NONE` need instances of an Auto Scaling group; `HOST` needs such
            instances or ECS Managed Instances. Default: `NetworkMode.AWSVPC`.
        volumes: The volumes that containers mount with `Container(mounts=...)`, with at most one `Volume.ebs`.
            Default: none.
        called_services: The AWS services that the application calls, as in the names of their endpoints (`sqs`,
            `dynamodb`, `kms`), and `internet` for everything else. The network is checked for these services, and
            `Endpoints.for_tasks` includes them. Default: none.
        execute_command: Whether to enable ECS Exec (`aws ecs execute-command`). AWS does not support ECS Exec in
            containers with a read-only root file system. On Fargate and in Auto Scaling groups, such a container
            therefore gets an init process and writable directories for the SSM agent: `/var/lib/amazon/ssm`, and on
            Fargate also `/managed-agents` and `/var/log/amazon/ssm`. On ECS Managed Instances, use
            `Container(read_only=False)`. Default: False.
        operating_system_family: The operating system that the images are built for.
            Default: `OperatingSystemFamily.LINUX`.
        pid_mode: The process namespace: `task` shares one namespace between the containers, and `host` shares the
            namespace of the instance. `host` fails Security Hub control ECS.3. Default: each container has its own
            namespace.
        ipc_mode: The IPC namespace, only on instances: `task`, `host` or `none`. Default: Docker's default.
        enable_fault_injection: Whether to allow fault injection by AWS Fault Injection Service. Default: False.
        retain_revisions: Whether to keep earlier revisions of the task definition active, for a manual rollback.
            Revisions are free, and remain after the stack is deleted until they are deregistered.
            Default: False, so a deployment deregisters the revision that it replaces.
        family: The family of the task definition, by which scripts and metrics find it: 1 to 255 letters, digits,
            hyphens and underscores, unique in an account and region. moorage does not add the name of the stack.
            Default: a generated name that contains the name of the stack.
        task_role: The role with which the application calls AWS, in the account of the task. `permissions`, grants and
            sidecars add to its policies. moorage cannot see if CDK drops these policies, as for a role in another
            account, a role imported with `mutable=False`, or `without_policy_updates()`. Such a role must have all
            permissions already. Default: a new role.
        execution_role: The role with which ECS pulls images, reads secrets and writes logs. The same applies to its
            policies. Default: a new role.

    Raises:
        ValueError: If an argument is outside its limits, or containers conflict. The error lists all problems.
    """

    containers: tuple[Container, ...]
    cpu: int | None
    memory_mib: int
    architecture: Architecture
    ephemeral_storage_gib: int | None
    permissions: tuple[iam.PolicyStatement, ...]
    network_mode: NetworkMode
    volumes: tuple[Volume, ...]
    called_services: tuple[str, ...]
    execute_command: bool
    operating_system_family: OperatingSystemFamily
    pid_mode: str | None
    ipc_mode: str | None
    enable_fault_injection: bool
    retain_revisions: bool
    family: str | None
    task_role: iam.IRole | None
    execution_role: iam.IRole | None

    def __init__(
        self,
        *containers: Container,
        cpu: int | None = 256,
        memory_mib: int | None = 512,
        architecture: Architecture = Architecture.X86_64,
        ephemeral_storage_gib: int | None = None,
        permissions: Sequence[iam.PolicyStatement] = (),
        network_mode: NetworkMode = NetworkMode.AWSVPC,
        volumes: Volume | Sequence[Volume] = (),
        called_services: str | Sequence[str] = (),
        execute_command: bool = False,
        operating_system_family: OperatingSystemFamily = OperatingSystemFamily.LINUX,
        pid_mode: str | None = None,
        ipc_mode: str | None = None,
        enable_fault_injection: bool = False,
        retain_revisions: bool = False,
        family: str | None = None,
        task_role: iam.IRole | None = None,
        execution_role: iam.IRole | None = None,
    ) -> None:
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue]  # attrs makes it
            containers=containers,
            cpu=cpu,
            memory_mib=_SumOfContainers(sum(each.memory_mib or 0 for each in containers))
            if memory_mib is None or isinstance(memory_mib, _SumOfContainers)
            else memory_mib,
            architecture=architecture,
            ephemeral_storage_gib=ephemeral_storage_gib,
            permissions=tuple(permissions),
            network_mode=network_mode,
            volumes=tuple(volumes) if isinstance(volumes, Iterable) else (volumes,),
            called_services=(called_services,) if isinstance(called_services, str) else tuple(called_services),
            execute_command=execute_command,
            operating_system_family=operating_system_family,
            pid_mode=pid_mode,
            ipc_mode=ipc_mode,
            enable_fault_injection=enable_fault_injection,
            retain_revisions=retain_revisions,
            family=family,
            task_role=task_role,
            execution_role=execution_role,
        )

    def __attrs_post_init__(self) -> None:
        problems = Problems(f"Task {'+'.join(container.name for container in self.containers)!r}")
        problems.check(task_limits.TASK_CPU, "cpu", self.cpu)
        if self._sized_by_containers:
            self._check_sizes(problems)
        else:
            problems.check(task_limits.TASK_MEMORY, "memory_mib", self.memory_mib)
        sized = not problems.messages
        problems.check(task_limits.CONTAINERS, "the number of containers", len(self.containers))
        if self.containers:
            problems.check(task_limits.UNIQUE_NAMES, "name", tuple(container.name for container in self.containers))
            self._check_ports(problems)
            problems.check(task_limits.ESSENTIAL, "essential", [container.essential for container in self.containers])
            if sized:
                self._check_shares(problems)
            check_start_order(self.containers, problems)
            check_namespaces(self.containers, problems, network_mode=self.network_mode.value, ipc_mode=self.ipc_mode)
            self._check_volumes(problems)
            check_containers(self.containers, problems, on_windows=self._on_windows)
        check_permissions(self.permissions, problems)
        problems.check(task_limits.EPHEMERAL_STORAGE, "ephemeral_storage_gib", self.ephemeral_storage_gib)
        problems.check(task_limits.FAMILY, "family", self.family)
        problems.check(task_limits.PID_MODE, "pid_mode", self.pid_mode)
        problems.check(task_limits.IPC_MODE, "ipc_mode", self.ipc_mode)
        for argument in ("pid_mode", "ipc_mode"):
            problems.check_known(argument, getattr(self, argument))
        if self.enable_fault_injection:
            problems.check(task_limits.FAULT_INJECTION_MODE, "network_mode", self.network_mode.value)
        if self._on_windows:
            self._check_windows(problems)
        check_services("called_services", self.called_services, problems)
        problems.raise_any()

    @property
    def _sized_by_containers(self) -> bool:
        """True if the memory is derived from the containers."""
        return isinstance(self.memory_mib, _SumOfContainers)

    @property
    def _log_router(self) -> Container | None:
        """The container that routes the logs of the other containers, or None if there is no such container."""
        return next((container for container in self.containers if container._firelens), None)

    @property
    def _on_windows(self) -> bool:
        """True if the images are built for Windows."""
        return self.operating_system_family is not OperatingSystemFamily.LINUX

    @property
    def _needs(self) -> Needs:
        """The services that the task needs to start and to run."""
        return self._needs_to_start | self._needs_to_run

    @property
    def _needs_to_start(self) -> Needs:
        """The services for images, logs, secrets, credential specs and environment files.

        On instances, the ECS agent calls these services.
        """
        return LOG_NEEDS.union(
            *(container.image._needs for container in self.containers),
            *(container._needs_to_start for container in self.containers),
        )

    @property
    def _needs_to_run(self) -> Needs:
        """The services that the task calls from its own subnets, including those of ECS Exec."""
        return frozenset(self.called_services).union(
            EXECUTE_COMMAND_NEEDS if self.execute_command else (),
            *(container.sidecar.called_services for container in self.containers if container.sidecar),
        )

    def _memory_limit_of(self, container: Container) -> int | None:
        """Return the hard memory limit of a container in MiB: its own, or that of a task with only this container.

        Return None for a container without its own limit in a task of several containers.
        """
        return self.memory_mib if container.memory_mib is None and len(self.containers) == 1 else container.memory_mib

    @property
    def _gpus(self) -> int:
        """The number of GPUs of all containers."""
        return sum(container.gpus for container in self.containers)

    @property
    def _host_ports(self) -> tuple[int, ...]:
        """The fixed ports of the instance. Only one copy of a task with such ports fits on an instance."""
        if self.network_mode is NetworkMode.AWSVPC:
            return ()
        if self.network_mode is NetworkMode.HOST:
            return tuple(port for container in self.containers for port in container._ports.values())
        return tuple(container.host_port for container in self.containers if container.host_port)

    def _check_without_service(self, problems: Problems) -> None:
        """Check a task that runs without a service for volumes that ECS creates only for services."""
        for volume in self.volumes:
            if volume._per_task:
                problems.add(
                    f"volumes must not have a Volume.ebs(...) in a task without a service (got {volume.name!r}); "
                    "use Volume.efs(...), or Volume.bind_mount(...) and Task(ephemeral_storage_gib=...)"
                )

    def _check_sizes(self, problems: Problems) -> None:
        """Check that all containers have a `memory_mib`, from which the memory of the task is derived."""
        for container in self.containers:
            if container.memory_mib is None or is_token(container.memory_mib):
                problems.add(
                    f"memory_mib of container {container.name!r} must be a number, not None or a token, if memory_mib "
                    "of the task is None; use a number such as Container(memory_mib=512), or Task(memory_mib=1024)"
                )

    def _check_ports(self, problems: Problems) -> None:
        if self.network_mode is NetworkMode.NONE:
            names = tuple(each.name for each in self.containers if each._ports or each.port_ranges)
            problems.check(task_limits.NO_PORTS, "port, ports and port_ranges", names)
            return
        self._check_port_ranges(problems)
        argument = "host_port" if self.network_mode is NetworkMode.BRIDGE else "port"
        for port in self._host_ports:
            problems.check(port_limits.HOST_PORT, argument, port)
        if self.network_mode is NetworkMode.BRIDGE:
            for port in self._host_ports:
                problems.check(port_limits.HOST_PORT_EPHEMERAL, argument, port)
            problems.check(task_limits.UNIQUE_HOST_PORTS, "host_port", self._host_ports)
            return
        single_ports = [port for container in self.containers for port in container._ports.values()]
        sidecar_ports = (port for each in self.containers if each.sidecar for port in each.sidecar.ports)
        problems.check(task_limits.UNIQUE_PORTS, "port", (*single_ports, *sidecar_ports))
        for container in (each for each in self.containers if each.port is not None):
            problems.check(
                port_limits.HOST_PORT_SAME,
                f"host_port of container {container.name!r}",
                (container.host_port or container.port, container.port),
            )

    def _check_port_ranges(self, problems: Problems) -> None:
        ranges = [each for container in self.containers for each in container.port_ranges]
        if not ranges:
            return
        problems.check(task_limits.PORT_RANGE_MODE, "network_mode", self.network_mode.value)
        if self.network_mode is NetworkMode.AWSVPC:
            single_ports = [(port, port) for each in self.containers for port in each._ports.values()]
            problems.check(port_limits.PORT_RANGES_APART, "ports of the task", (*single_ports, *ranges))

    def _check_shares(self, problems: Problems) -> None:
        cpu = sum(container.cpu or 0 for container in self.containers)
        problems.check(task_limits.CONTAINER_CPU, "cpu", (cpu, self.cpu))
        memory = sum(container.memory_mib or 0 for container in self.containers)
        problems.check(task_limits.CONTAINER_MEMORY, "memory_mib", (memory, self.memory_mib))
        for container in self.containers:
            limit = self._memory_limit_of(container)
            if container.memory_reservation_mib is not None and container.memory_mib is None:
                problems.check(
                    container_limits.MEMORY_RESERVATION,
                    f"memory_reservation_mib of container {container.name!r}",
                    (container.memory_reservation_mib, self.memory_mib),
                )
            if container.writable and limit is not None:
                writable = (sum(container.writable.values()), limit)
                problems.check(
                    container_limits.WRITABLE_SIZE, f"the sum of writable of container {container.name!r}", writable
                )
            if container.log_mode and container.log_mode.max_buffer_mib is not None:
                buffer = (container.log_mode.max_buffer_mib, self.memory_mib)
                problems.check(container_limits.LOG_BUFFER_MEMORY, f"log_mode of container {container.name!r}", buffer)
        if len(self.containers) > 1:
            writable = (sum(size for each in self.containers for size in each.writable.values()), self.memory_mib)
            problems.check(container_limits.WRITABLE_SIZE, "the sum of writable of all containers", writable)

    def _check_volumes(self, problems: Problems) -> None:
        names = tuple(volume.name for volume in self.volumes)
        problems.check(volume_limits.VOLUME_NAMES, "volumes", names)
        problems.check(
            volume_limits.EBS_VOLUMES, "volumes", [volume.name for volume in self.volumes if volume._per_task]
        )
        for volume in self.volumes:
            volume._check_system(problems, on_windows=self._on_windows)
        mounted_names = {mount.volume for container in self.containers for mount in container.mounts.values()}
        for container in self.containers:
            for path, mount in container.mounts.items():
                if mount.volume not in names:
                    choices = f"use {', '.join(map(repr, names))}, or remove the mount" if names else ""
                    problems.add(
                        f"mounts of container {container.name!r} must name volumes of the task (got {mount.volume!r} "
                        f"at {path!r}); {choices or 'add the volume to Task(volumes=[...])'}"
                    )
        for name in (name for name in names if name not in mounted_names):
            problems.add(
                f"each item of volumes must be mounted by a container (got {name!r}); use "
                f"Container(mounts={{'/path': {name!r}}}), or remove the volume"
            )

    def _check_windows(self, problems: Problems) -> None:
        """Check a task on Windows for settings that only Linux supports."""
        problems.check(platform_limits.WINDOWS_NETWORK_MODE, "network_mode", self.network_mode.value)
        problems.check(platform_limits.WINDOWS_ARCHITECTURE, "architecture", self.architecture.value)
        problems.check(platform_limits.WINDOWS_LINUX_ONLY, "pid_mode", self.pid_mode)
        for container in self.containers:
            reference = getattr(container.image, "reference", None)
            problems.check(platform_limits.WINDOWS_IMAGE, f"image of container {container.name!r}", reference)
            problems.check(
                platform_limits.WINDOWS_SECURITY_OPTIONS,
                f"docker_security_options of container {container.name!r}",
                container.docker_security_options,
            )
            for argument in _ONLY_ON_LINUX:
                value = getattr(container, argument)
                problems.check(
                    platform_limits.WINDOWS_LINUX_ONLY,
                    f"{argument} of container {container.name!r}",
                    list(value) if isinstance(value, Mapping) else value,
                )

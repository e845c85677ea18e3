"""The wrapper of a whole application: its containers and what they have together."""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from moorage.workload import limits
from moorage.workload.container import Container
from moorage.workload.faults import Faults, is_token
from moorage.workload.needs import LOGS, Needs

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam


class Architecture(enum.Enum):
    """The processor that the images of a task are built for."""

    X86_64 = "X86_64"
    ARM64 = "ARM64"


class NetworkMode(enum.Enum):
    """How the containers of a task are connected to the network; on Fargate, always by an interface of their own."""

    AWSVPC = "awsvpc"
    """The task has a network interface of its own, with its own address and security groups."""
    BRIDGE = "bridge"
    """The containers stand behind the instance's address, each port of theirs mapped to one of its ports."""
    HOST = "host"
    """The containers listen on the instance's own ports, and nothing keeps them from the role of the instance."""


@attrs.frozen(init=False)
class Task:
    """The containers that run together on one network interface, and what they need. It says nothing of how many run.

    Args:
        containers: 1 to 10 of them, at least one essential. The first with a port is the one that is connected to.
        cpu: CPU units of the task, of which 1,024 are one vCPU: what is reserved, and the most it has. On instances of
            an Auto Scaling group None reserves nothing and takes what is free.
        memory_mib: Memory of the task, in MiB. Fargate offers certain pairs of the two.
        architecture: The processor the images are built for.
        ephemeral_storage_gib: Disk of a Fargate task, 21 to 200 GiB; 20 GiB without it.
        permissions: What the application itself may do in AWS; grants (`bucket.grant_read(service)`) add to it.
        network_mode: How its containers are connected. `BRIDGE` and `HOST` are for instances in an Auto Scaling group,
            `HOST` for ECS Managed Instances too.
        calls: Services of AWS that the application calls, as endpoints name them (`sqs`, `dynamodb`, `kms`), so that
            its network is checked for a way there, and `Endpoints.for_tasks` has it; `internet` for anything else.

    Raises:
        ValueError: with all that the containers cannot have together.
    """

    containers: tuple[Container, ...]
    cpu: int | None
    memory_mib: int
    architecture: Architecture
    ephemeral_storage_gib: int | None
    permissions: tuple[iam.PolicyStatement, ...]
    network_mode: NetworkMode
    calls: tuple[str, ...]

    def __init__(
        self,
        *containers: Container,
        cpu: int | None = 256,
        memory_mib: int = 512,
        architecture: Architecture = Architecture.X86_64,
        ephemeral_storage_gib: int | None = None,
        permissions: Sequence[iam.PolicyStatement] = (),
        network_mode: NetworkMode = NetworkMode.AWSVPC,
        calls: str | Sequence[str] = (),
    ) -> None:
        self.__attrs_init__(
            containers=containers,
            cpu=cpu,
            memory_mib=memory_mib,
            architecture=architecture,
            ephemeral_storage_gib=ephemeral_storage_gib,
            permissions=tuple(permissions),
            network_mode=network_mode,
            calls=(calls,) if isinstance(calls, str) else tuple(calls),
        )

    def __attrs_post_init__(self) -> None:
        faults = Faults(f"Task {'+'.join(container.name for container in self.containers)!r}")
        faults.keep(limits.TASK_CPU, "cpu", self.cpu)
        faults.keep(limits.TASK_MEMORY, "memory_mib", self.memory_mib)
        sized = not faults.found
        faults.keep(limits.CONTAINERS, "the number of containers", len(self.containers))
        if self.containers:
            faults.keep(limits.UNIQUE_NAMES, "name", tuple(container.name for container in self.containers))
            self._check_ports(faults)
            faults.keep(limits.ESSENTIAL, "essential", [container.essential for container in self.containers])
            if sized:
                self._check_shares(faults)
            self._check_order(faults)
            faults.keep(limits.TASK_DEFINITION_SIZE, "the definition", self._size())
        faults.keep(limits.EPHEMERAL_STORAGE, "ephemeral_storage_gib", self.ephemeral_storage_gib)
        faults.raise_found()

    @property
    def front(self) -> Container | None:
        """The container that is connected to: the first with a port."""
        return next((container for container in self.containers if container.port is not None), None)

    @property
    def needs(self) -> Needs:
        """What the task must reach: to start, its images, log group and secrets; to run, what it calls."""
        images = (container.image.needs for container in self.containers)
        return LOGS.union(*images, self._secret_needs(), self.calls)

    def memory_of(self, container: Container) -> int | None:
        """The hard limit of a container, in MiB: its own, or an even share of what the others leave.

        None where only CloudFormation will know what there is to share: the task's memory is then its limit.
        """
        if container.memory_mib is not None:
            return container.memory_mib
        if len(self.containers) == 1:
            return self.memory_mib
        said = [each.memory_mib for each in self.containers if each.memory_mib is not None]
        if is_token((self.memory_mib, *said)):
            return None
        return (self.memory_mib - sum(said)) // (len(self.containers) - len(said))

    @property
    def gpus(self) -> int:
        """How many GPUs its containers have."""
        return sum(container.gpus for container in self.containers)

    @property
    def host_ports(self) -> tuple[int, ...]:
        """The ports of the instance that are this task's alone, so that no second copy fits beside it."""
        if self.network_mode is NetworkMode.AWSVPC:
            return ()
        if self.network_mode is NetworkMode.HOST:
            return tuple(container.port for container in self.containers if container.port)
        return tuple(container.host_port for container in self.containers if container.host_port)

    def check_fargate(self, faults: Faults) -> None:
        """Note what Fargate cannot run; the same task may run on instances."""
        faults.keep(limits.FARGATE_SIZE, "cpu and memory_mib", (self.cpu, self.memory_mib))
        faults.keep(limits.FARGATE_NETWORK_MODE, "network_mode", self.network_mode.value)
        for container in self.containers:
            of = f"of container {container.name!r}"
            faults.keep(limits.STOP_TIMEOUT, f"stop_timeout {of}", container.stop_timeout)
            faults.keep(limits.FARGATE_GPUS, f"gpus {of}", container.gpus)
            faults.keep(limits.FARGATE_PRIVILEGED, f"privileged {of}", container.privileged)

    def check_instances(self, faults: Faults) -> None:
        """Note what no instance of an Auto Scaling group can run."""
        self._check_ephemeral_storage("an Auto Scaling group's instances", faults)

    def check_managed_instances(self, faults: Faults) -> None:
        """Note what ECS Managed Instances cannot run."""
        faults.keep(limits.MANAGED_NETWORK_MODE, "network_mode", self.network_mode.value)
        self._check_ephemeral_storage("ECS Managed Instances", faults)

    def _check_ephemeral_storage(self, where: str, faults: Faults) -> None:
        if self.ephemeral_storage_gib is not None:
            faults.add(
                f"ephemeral_storage_gib is {self.ephemeral_storage_gib}, but it is Fargate's, and tasks on {where} "
                "share the instance's volume; leave it out, and give the capacity a larger volume"
            )

    def _check_ports(self, faults: Faults) -> None:
        ports = [container for container in self.containers if container.port is not None]
        for port in self.host_ports:
            faults.keep(limits.HOST_PORT, "host_port" if self.network_mode is NetworkMode.BRIDGE else "port", port)
        if self.network_mode is NetworkMode.BRIDGE:
            faults.keep(limits.UNIQUE_HOST_PORTS, "host_port", self.host_ports)
            return
        faults.keep(limits.UNIQUE_PORTS, "port", tuple(container.port for container in ports))
        for container in ports:
            faults.keep(
                limits.HOST_PORT_SAME,
                f"host_port of container {container.name!r}",
                (container.host_port or container.port, container.port),
            )

    def _check_shares(self, faults: Faults) -> None:
        cpu = sum(container.cpu or 0 for container in self.containers)
        faults.keep(limits.CONTAINER_CPU, "cpu", (cpu, self.cpu))
        memory = sum(container.memory_mib or 0 for container in self.containers)
        faults.keep(limits.CONTAINER_MEMORY, "memory_mib", (memory, self.memory_mib))
        if memory > self.memory_mib:
            return
        for container in self.containers:
            share = self.memory_of(container)
            if container.memory_mib is None:
                faults.keep(limits.CONTAINER_MEMORY_LEAST, f"what is left for container {container.name!r}", share)
            written = sum(container.writable.values())
            if container.writable and share is not None:
                faults.keep(limits.WRITABLE_SIZE, f"writable of container {container.name!r}", (written, share))

    def _check_order(self, faults: Faults) -> None:
        waits = {container.name: set(container.depends_on) for container in self.containers}
        for container in self.containers:
            others = ", ".join(repr(name) for name in waits if name != container.name)
            for missing in sorted(waits[container.name] - waits.keys()):
                faults.add(
                    f"container {container.name!r} depends on {missing!r}, which the task does not have; "
                    f"use {others or 'another container'}, or leave it out"
                )
        started: set[str] = set()
        while ready := {name for name, on in waits.items() if name not in started and on & waits.keys() <= started}:
            started |= ready
        if circle := sorted(waits.keys() - started):
            faults.add(
                f"depends_on is a circle ({', '.join(map(repr, circle))}), so none of them would start; leave one out"
            )

    def _secret_needs(self) -> Needs:
        secrets = [secret for container in self.containers for secret in container.secrets.values()]
        return frozenset("ssm" if hasattr(secret, "parameter_arn") else "secretsmanager" for secret in secrets)

    def _size(self) -> int:
        said = [[c.name, c.command, c.entry_point, dict(c.environment), list(c.secrets)] for c in self.containers]
        return len(json.dumps(said))

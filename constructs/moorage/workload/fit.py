"""The number of copies of a task that fit on a container instance, and the room that a rollout needs.

All numbers must be known; tokens are not supported.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import attrs

from moorage.workload import container_limits, port_limits
from moorage.workload.ec2_instances import InstanceType, instance_types
from moorage.workload.problems import Problems
from moorage.workload.shares import reserved_cpu, reserved_memory_mib
from moorage.workload.task import Architecture, NetworkMode

if TYPE_CHECKING:
    from moorage.workload.task import Task

DEFAULT_RESERVED_MIB = 256
"""The memory of an instance that is reserved for the operating system and the ECS agent by default. The value is the
example of the ECS developer guide; ECS itself reserves nothing."""


def registered_memory_mib(installed_mib: int) -> int:
    """Estimate the memory in MiB that ECS registers for an instance, without the memory of firmware and kernel.

    The estimate is below all publicly known results of DescribeContainerInstances (15 Nitro and 3 Xen types), such as
    7,690 MiB for an m5.large. Kernels and types differ by a few percent.
    """
    return installed_mib * 956 // 1000 - 205


def _ports(ports: Iterable[int]) -> tuple[int, ...]:
    return tuple(ports)


@attrs.frozen(kw_only=True)
class Demand:
    """The resources of a container instance that one copy of a task uses.

    Args:
        cpu: The reserved CPU units. Default: 0, so CPU does not limit the number of copies.
        memory_mib: The reserved memory in MiB.
        gpus: The number of GPUs. Default: 0.
        host_ports: The fixed ports of the instance, in bridge and host mode. Two copies cannot share a port.
            Default: none.
        interface: True if the task has its own network interface (`awsvpc`), so that it uses no ports of the instance.
            Default: True.
        architecture: The processor architecture that the images are built for. Default: `Architecture.X86_64`.

    Raises:
        ValueError: If an argument is outside its limits, or host ports are given for a task with its own network
            interface.
    """

    cpu: int = 0
    memory_mib: int
    gpus: int = 0
    host_ports: tuple[int, ...] = attrs.field(default=(), converter=_ports)
    interface: bool = True
    architecture: Architecture = Architecture.X86_64

    @classmethod
    def of(cls, task: Task) -> Demand:
        """Return the demand of one copy of a task."""
        return cls(
            cpu=reserved_cpu(task),
            memory_mib=reserved_memory_mib(task),
            gpus=task._gpus,
            host_ports=task._host_ports,
            interface=task.network_mode is NetworkMode.AWSVPC,
            architecture=task.architecture,
        )

    def __attrs_post_init__(self) -> None:
        problems = Problems("Demand")
        if self.cpu < 0:
            problems.add(f"cpu must be 0 or more (got {self.cpu}); use 0 to reserve no CPU")
        problems.check(container_limits.CONTAINER_MEMORY_LEAST, "memory_mib", self.memory_mib)
        problems.check(container_limits.INSTANCE_GPUS, "gpus", self.gpus)
        for port in self.host_ports:
            problems.check(port_limits.PORT, "each item of host_ports", port)
        if self.interface and self.host_ports:
            problems.add(
                f"host_ports must be empty for a task with its own network interface (got {self.host_ports}); "
                "use interface=False, or no host ports"
            )
        problems.raise_any()


@attrs.frozen(kw_only=True)
class Host:
    """The resources of a container instance for tasks, as ECS registers them.

    Args:
        instance_type: The name of the instance type.
        cpu: The CPU units, 1,024 for each vCPU.
        memory_mib: The memory for tasks, in MiB.
        gpus: The number of NVIDIA GPUs.
        interfaces: The number of tasks that can have their own network interface.
        architecture: The processor architecture.
        taken_ports: The host ports that a task cannot use. Default: the ports that every instance reserves.
    """

    instance_type: str
    cpu: int
    memory_mib: int
    gpus: int
    interfaces: int
    architecture: Architecture
    taken_ports: frozenset[int] = port_limits.RESERVED_PORTS

    @classmethod
    def of(
        cls, instance_type: InstanceType, *, trunking: bool = False, reserved_memory_mib: int = DEFAULT_RESERVED_MIB
    ) -> Host:
        """Return the resources of a new container instance of a type.

        Args:
            instance_type: The instance type.
            trunking: True if the account setting `awsvpcTrunking` was on when the instance was launched. The setting
                has no effect on types that AWS does not list as supported. Default: False.
            reserved_memory_mib: The memory that `ECS_RESERVED_MEMORY` withholds from tasks, in MiB. Default: 256, the
                example of the ECS developer guide.
        """
        trunk_tasks = instance_type.trunk_tasks if trunking else None
        return cls(
            instance_type=instance_type.name,
            cpu=instance_type.vcpus * 1024,
            memory_mib=max(0, registered_memory_mib(instance_type.memory_mib) - reserved_memory_mib),
            gpus=instance_type.gpus,
            interfaces=instance_type.interfaces - 1 if trunk_tasks is None else trunk_tasks,
            architecture=instance_type.architecture,
        )

    def remaining_after(self, *daemons: Demand) -> Host:
        """Return the resources that one copy of each daemon leaves. Daemons of another architecture are not placed."""
        placed = [daemon for daemon in daemons if daemon.architecture is self.architecture]
        return attrs.evolve(
            self,
            cpu=max(0, self.cpu - sum(daemon.cpu for daemon in placed)),
            memory_mib=max(0, self.memory_mib - sum(daemon.memory_mib for daemon in placed)),
            gpus=max(0, self.gpus - sum(daemon.gpus for daemon in placed)),
            interfaces=max(0, self.interfaces - sum(daemon.interface for daemon in placed)),
            taken_ports=self.taken_ports.union(*(daemon.host_ports for daemon in placed)),
        )


@attrs.frozen
class Fit:
    """The number of copies of a task that fit on one container instance, and the resources that limit this number.

    Args:
        host: The container instance.
        copies: The number of copies.
        limiting_resources: The resources that limit the number: 'CPU', 'memory', 'network interfaces', 'host ports',
            'GPUs' or 'architecture'. Several resources are given if they allow the same number of copies.
    """

    host: Host
    copies: int
    limiting_resources: tuple[str, ...]


def fit(demand: Demand, host: Host) -> Fit:
    """Return how many copies of `demand` fit on the `host`, and the resources that limit the number."""
    if demand.architecture is not host.architecture:
        return Fit(host, 0, ("architecture",))
    free = {"memory": host.memory_mib // demand.memory_mib}
    if demand.cpu:
        free["CPU"] = host.cpu // demand.cpu
    if demand.gpus:
        free["GPUs"] = host.gpus // demand.gpus
    if demand.interface:
        free["network interfaces"] = host.interfaces
    if demand.host_ports:
        free["host ports"] = 0 if host.taken_ports.intersection(demand.host_ports) else 1
    copies = min(free.values())
    return Fit(host, copies, tuple(sorted(resource for resource, count in free.items() if count == copies)))


def smallest_fitting_type(
    demand: Demand,
    *,
    trunking: bool,
    reserved_memory_mib: int,
    like: InstanceType,
    daemons: Sequence[Demand] = (),
) -> InstanceType | None:
    """Return the type nearest to `like` with room for one copy beside the daemons. Error messages suggest this type.

    The nearest type is the smallest sufficient type of the same family. If the family has no such type, all types of
    the current generations are compared. Types of the class of `like` and of the C, M and R classes come first, then
    types with similar vCPUs and memory, then types with a similar family name. Bare metal types are left out. Burstable
    types are considered only if `like` is burstable, and accelerated types only if the task needs GPUs.

    Args:
        demand: The resources that one copy uses.
        trunking: True if the account setting `awsvpcTrunking` is on.
        reserved_memory_mib: The memory of each instance that is withheld from tasks, in MiB.
        like: The type that was requested.
        daemons: The resources of the daemons on every instance. Default: none.

    Returns:
        The type, or None if no type is sufficient.
    """

    def holds(type_: InstanceType) -> bool:
        host = Host.of(type_, trunking=trunking, reserved_memory_mib=reserved_memory_mib).remaining_after(*daemons)
        return fit(demand, host).copies >= 1

    types = [type_ for type_ in instance_types() if not type_.bare_metal]
    relatives = [type_ for type_ in types if type_.family == like.family and holds(type_)]
    if relatives:
        return min(relatives, key=lambda type_: (type_.vcpus, type_.memory_mib, type_.name))
    candidates = [type_ for type_ in types if _may_replace(type_, like, gpus=demand.gpus > 0) and holds(type_)]
    return min(candidates, key=lambda type_: _distance(like, type_), default=None)


def _may_replace(type_: InstanceType, like: InstanceType, *, gpus: bool) -> bool:
    return not type_.previous and type_.accelerated == gpus and type_.burstable <= like.burstable


def _distance(like: InstanceType, type_: InstanceType) -> tuple[bool, Fraction | int, float, str]:
    is_special_purpose = _class_of(type_) not in {"c", "m", "r", _class_of(like)}
    ratios = (Fraction(type_.vcpus, like.vcpus), Fraction(type_.memory_mib, like.memory_mib))
    change = math.prod(max(ratio, 1 / ratio) for ratio in ratios)
    similarity = difflib.SequenceMatcher(None, like.family, type_.family).ratio()
    return is_special_purpose, change, -similarity, type_.name


def _class_of(type_: InstanceType) -> str:
    return re.split(r"\d", type_.name)[0]


def rollout_shortage(least: int, minimum_percent: int, maximum_percent: int, slots: int) -> str | None:
    """Explain with numbers why a rolling deployment could never progress. Return None if the deployment can progress.

    ECS keeps `minimum_percent` of the copies running, rounded up. ECS runs at most `maximum_percent` of the copies,
    rounded down (ECS API DeploymentConfiguration). ECS must be able to start or stop at least one task.

    Args:
        least: The number of copies that run when the rollout starts.
        minimum_percent: The percentage of the copies that stays healthy.
        maximum_percent: The percentage of the copies that can run at once.
        slots: The number of copies that fit on the maximum number of instances.
    """
    single = least == 1
    copies = "1 copy" if single else f"{least} copies"
    if slots < least:
        return f"{copies} {'needs 1 place' if single else f'need {least} places'}, and there are {slots}"
    most = least * maximum_percent // 100
    may_start, may_stop = min(most, slots) - least, least - math.ceil(least * minimum_percent / 100)
    if not least or may_start + may_stop >= 1:
        return None
    reasons, remedies = [], []
    if slots == least:
        reasons.append("fills the only place" if single else f"fill all {slots} places")
        remedies.append(f"{least + 1} places")
    if most <= least:
        reasons.append(f"{'is' if single else 'are'} all that a maximum of {maximum_percent}% allows")
        remedies.append(f"a maximum of {math.ceil((least + 1) * 100 / least)}%")
    verb = "are" if slots == least else "is"
    return (
        f"{copies} {' and '.join(reasons)}, and at {minimum_percent}% healthy no copy can stop before a new one has "
        f"started: {' and '.join(remedies)} {verb} needed"
    )


def traffic_shift_shortage(least: int, slots: int) -> str | None:
    """Return the reason why the old and the new version do not fit side by side, or None if both fit.

    Args:
        least: The number of copies that run when the rollout starts.
        slots: The number of copies that fit on the maximum number of instances.
    """
    if slots >= 2 * least:
        return None
    return f"the old version and the new one need {2 * least} places at once, and there are {slots}"

"""Amazon ECS: what a container instance registers, by the numbers of AWS and of those who read them there.

None of these numbers is the library's, so that a wrong one there is not confirmed here.
"""

from __future__ import annotations

import math

import attrs

from moorage.workload.ec2_instances import InstanceType

RESERVED_PORTS = frozenset({22, 2375, 2376, 51678, 51679, 51680})
"""The ports of SSH, of Docker and of the agent, which no task can have (ECS API reference, PortMapping.hostPort)."""

_CPU_UNITS = 1024
_MEASURED_MIB = {
    "c5.large": 3714,
    "c5.xlarge": 7634,
    "inf1.xlarge": 7667,
    "m4.large": 7985,
    "m5.large": 7690,
    "m6i.large": 7820,
    "t3.medium": 3828,
}
"""The MiB that instances of a type registered: m4.large by the ECS developer guide ("Reserving Amazon ECS Linux
container instance memory"), m6i.large by thewca/worldcubeassociation.org pull request 9974 (two tasks of 3,910 MiB
had room and two of 3,954 had not), the others by users' `registeredResources`."""
_PAGE_SHARE = 64 / 4096
"""The part of the memory that Linux keeps its account of pages in: 64 bytes for each of 4 KiB."""
_KERNEL_MIB = (318, 112, 40)
"""What the kernel keeps besides: at 4 GiB as of a c5.large, more for each doubling as of a c5.xlarge, and the least."""


@attrs.frozen(kw_only=True)
class Room:
    """What a container instance has for tasks.

    Args:
        cpu: CPU units.
        memory_mib: MiB.
        gpus: Whole GPUs.
        interfaces: Tasks that can have a network interface of their own.
        taken_ports: Ports that no task can have any more.
    """

    cpu: int
    memory_mib: int
    gpus: int
    interfaces: int
    taken_ports: frozenset[int] = RESERVED_PORTS

    @classmethod
    def of(cls, type_: InstanceType, *, trunking: bool, reserved_mib: int) -> Room:
        """What a new container instance of a type registers.

        Args:
            type_: Its type.
            trunking: Whether `awsvpcTrunking` is on.
            reserved_mib: What its agent keeps from tasks.
        """
        trunk_tasks = type_.trunk_tasks if trunking else None
        return cls(
            cpu=type_.vcpus * _CPU_UNITS,
            memory_mib=max(0, registered_mib(type_) - reserved_mib),
            gpus=type_.gpus,
            interfaces=type_.interfaces - 1 if trunk_tasks is None else trunk_tasks,
        )


def registered_mib(type_: InstanceType) -> int:
    """The MiB that an instance of a type registers, if its agent keeps none from tasks.

    Args:
        type_: Its type.
    """
    if type_.name in _MEASURED_MIB:
        return _MEASURED_MIB[type_.name]
    at_four_gib, each_doubling, least = _KERNEL_MIB
    kernel = max(least, at_four_gib + each_doubling * math.log2(type_.memory_mib / 4096))
    return int(type_.memory_mib * (1 - _PAGE_SHARE) - kernel)

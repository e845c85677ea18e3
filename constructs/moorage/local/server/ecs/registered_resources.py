"""Amazon ECS: the resources that a container instance registers, from AWS's documentation and users' measurements.

These numbers are independent of those in the library, so that an error there is noticed here.
"""

from __future__ import annotations

import math

import attrs

from moorage.workload.ec2_instances import InstanceType

RESERVED_PORTS = frozenset({22, 2375, 2376, 51678, 51679, 51680})
"""The ports of SSH, Docker and the agent, which tasks cannot use (ECS API reference, PortMapping.hostPort)."""

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
"""The MiB that instances of a type registered: m4.large from the ECS developer guide ("Reserving Amazon ECS Linux
container instance memory"), m6i.large from thewca/worldcubeassociation.org pull request 9974 (two tasks of 3,910 MiB
fitted and two of 3,954 MiB did not), the others from `registeredResources` in users' reports."""
_PAGE_SHARE = 64 / 4096
"""The share of memory for Linux's page structures: 64 bytes for each page of 4 KiB."""
_KERNEL_MIB = (318, 112, 40)
"""The additional MiB that the kernel uses: at 4 GiB (from c5.large), per doubling (from c5.xlarge), and the minimum."""


@attrs.frozen(kw_only=True)
class Room:
    """The resources of a container instance for tasks.

    Args:
        cpu: The CPU units.
        memory_mib: The memory in MiB.
        gpus: The number of GPUs.
        interfaces: The number of tasks that can have their own network interface.
        taken_ports: The ports that are reserved or in use. Default: `RESERVED_PORTS`.
    """

    cpu: int
    memory_mib: int
    gpus: int
    interfaces: int
    taken_ports: frozenset[int] = RESERVED_PORTS

    @classmethod
    def of(cls, type_: InstanceType, *, trunking: bool, reserved_mib: int) -> Room:
        """Return the resources that a new container instance of a type registers.

        Args:
            type_: The instance type.
            trunking: True if `awsvpcTrunking` is enabled.
            reserved_mib: The MiB that the agent does not offer to tasks (`ECS_RESERVED_MEMORY`).
        """
        trunk_tasks = type_.trunk_tasks if trunking else None
        return cls(
            cpu=type_.vcpus * _CPU_UNITS,
            memory_mib=max(0, registered_mib(type_) - reserved_mib),
            gpus=type_.gpus,
            interfaces=type_.interfaces - 1 if trunk_tasks is None else trunk_tasks,
        )


def registered_mib(type_: InstanceType) -> int:
    """Return the MiB that an instance of a type registers if no memory is reserved for the agent.

    Args:
        type_: The instance type.
    """
    if type_.name in _MEASURED_MIB:
        return _MEASURED_MIB[type_.name]
    at_four_gib, each_doubling, least = _KERNEL_MIB
    kernel = max(least, at_four_gib + each_doubling * math.log2(type_.memory_mib / 4096))
    return int(type_.memory_mib * (1 - _PAGE_SHARE) - kernel)

"""What Linux alone gives a container."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import attrs

from moorage.workload import container_limits
from moorage.workload.problems import Problems
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs


def _capabilities(capabilities: str | Iterable[str]) -> tuple[str, ...]:
    return (capabilities,) if isinstance(capabilities, str) else tuple(capabilities)


def _devices(devices: Sequence[ecs.Device]) -> tuple[ecs.Device, ...]:
    return tuple(devices)


def _ulimits(ulimits: Mapping[str, int | tuple[int, int]] | None) -> Mapping[str, tuple[int, int]]:
    pairs = {
        name: (limit, limit) if isinstance(limit, (int, float)) else limit for name, limit in (ulimits or {}).items()
    }
    return MappingProxyType(pairs)


@value_class
@attrs.frozen(kw_only=True)
class LinuxParameters:
    """What a container may do to the kernel, how much of it, and what it sees of its instance.

    Args:
        add_capabilities: Capabilities beside Docker's own, as in `NET_ADMIN`; Fargate adds `SYS_PTRACE` alone.
        drop_capabilities: Capabilities of Docker's own that it does without, or `ALL`.
        init_process_enabled: Whether a first process forwards signals and ends what its children leave behind.
        ulimits: Limits of its processes by name, as in `{"nofile": 65536}`, or each with a soft and a hard one; -1 is
            none. Fargate takes only `nofile`.
        devices: Devices of the instance that it may use; none on Fargate.
        shared_memory_mib: The size of `/dev/shm`; Docker's own 64 MiB without it. Not on Fargate.
        max_swap_mib: How much swap space of the instance it may use, 0 for none. Not on Fargate.
        swappiness: How early the kernel swaps, 0 to 100, where `max_swap_mib` is given; not on Amazon Linux 2023.

    Raises:
        ValueError: one of them is outside what ECS takes (botocore `LinuxParameters`, `Ulimit`).
    """

    add_capabilities: tuple[str, ...] = attrs.field(converter=_capabilities, default=())
    drop_capabilities: tuple[str, ...] = attrs.field(converter=_capabilities, default=())
    init_process_enabled: bool = False
    ulimits: Mapping[str, tuple[int, int]] = attrs.field(converter=_ulimits, default=None)
    devices: tuple[ecs.Device, ...] = attrs.field(converter=_devices, default=())
    shared_memory_mib: int | None = None
    max_swap_mib: int | None = None
    swappiness: int | None = None

    def __attrs_post_init__(self) -> None:
        problems = Problems("LinuxParameters")
        for argument in ("add_capabilities", "drop_capabilities"):
            for name in getattr(self, argument):
                problems.check(container_limits.CAPABILITY, f"each of {argument}", name)
                problems.check_known(f"each of {argument}", name)
        for name, pair in self.ulimits.items():
            problems.check(container_limits.ULIMIT_NAME, "each name of ulimits", name)
            problems.check_known("each name of ulimits", name)
            problems.check(container_limits.ULIMIT, f"ulimits {name!r}", pair)
        problems.check(container_limits.SHARED_MEMORY, "shared_memory_mib", self.shared_memory_mib)
        problems.check(container_limits.MAX_SWAP, "max_swap_mib", self.max_swap_mib)
        problems.check(container_limits.SWAPPINESS, "swappiness", self.swappiness)
        if self.swappiness is not None:
            problems.check(container_limits.SWAPPINESS_ALONE, "swappiness", (self.swappiness, self.max_swap_mib))
        problems.raise_any()

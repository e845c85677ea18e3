"""The options that a container has only on Linux."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import attrs

from moorage.workload import docker_option_limits
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
    """The Linux options of a container: capabilities, init process, ulimits, devices, shared memory and swap.

    Args:
        add_capabilities: The capabilities to add to Docker's defaults, such as `NET_ADMIN`. Fargate supports only
            `SYS_PTRACE`. Default: none.
        drop_capabilities: The capabilities to drop from Docker's defaults, or `ALL`. Default: none.
        init_process_enabled: Whether to run an init process that forwards signals and reaps processes. Default: False.
        ulimits: The ulimits by name. Each is one number, as in `{"nofile": 65536}`, or a pair of a soft and a hard
            limit. -1 is unlimited. Fargate supports only `nofile`. Default: none.
        devices: The devices of the instance that the container can use. Not supported on Fargate. Default: none.
        shared_memory_mib: The size of `/dev/shm` in MiB. Not supported on Fargate. Default: Docker's 64 MiB.
        max_swap_mib: The swap space in MiB that the container can use, 0 for none. Not supported on Fargate. Default:
            Docker's default.
        swappiness: The swappiness of the kernel, 0 to 100. Requires `max_swap_mib`, and is not supported by Amazon
            Linux 2023. Default: the kernel's default.

    Raises:
        ValueError: If an argument is outside the limits of ECS (botocore `LinuxParameters`, `Ulimit`).
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
                problems.check(docker_option_limits.CAPABILITY, f"each item of {argument}", name)
                problems.check_known(f"each item of {argument}", name)
        for name, pair in self.ulimits.items():
            problems.check(docker_option_limits.ULIMIT_NAME, "each name of ulimits", name)
            problems.check_known("each name of ulimits", name)
            problems.check(docker_option_limits.ULIMIT, f"ulimit {name!r}", pair)
        problems.check(docker_option_limits.SHARED_MEMORY, "shared_memory_mib", self.shared_memory_mib)
        problems.check(docker_option_limits.MAX_SWAP, "max_swap_mib", self.max_swap_mib)
        problems.check(docker_option_limits.SWAPPINESS, "swappiness", self.swappiness)
        if self.swappiness is not None:
            problems.check(docker_option_limits.SWAPPINESS_ALONE, "swappiness", (self.swappiness, self.max_swap_mib))
        problems.raise_any()

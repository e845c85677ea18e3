"""The launch types, and the reasons why a workload cannot run on one of them."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator

import attrs

from moorage.advice.workload import Workload
from moorage.workload import platform_limits
from moorage.workload.fargate_sizes import FARGATE_MEMORY, WINDOWS_MEMORY
from moorage.workload.limit import Botocore, Source
from moorage.workload.task import Architecture, NetworkMode

FARGATE_START_SECONDS = 30
"""The time below which a task on Fargate is not likely to start: 30 to 45 seconds or longer are normal."""
HOST_START_SECONDS = 300
"""The time in which a new host can be counted on to start tasks: the default warm-up period of managed scaling."""
MOST_STORAGE_GIB = 200
"""The largest ephemeral storage of a task on Fargate, in GiB."""


class LaunchType(enum.Enum):
    """A launch type, with the way in which AWS bills it."""

    FARGATE = "Fargate"
    FARGATE_SPOT = "Fargate Spot"
    EC2 = "EC2 on demand"
    EC2_SPOT = "EC2 Spot"
    MANAGED_INSTANCES = "ECS Managed Instances"

    @property
    def is_fargate(self) -> bool:
        """True if there are no hosts."""
        return self in {LaunchType.FARGATE, LaunchType.FARGATE_SPOT}

    @property
    def is_spot(self) -> bool:
        """True if AWS can take the capacity back."""
        return self in {LaunchType.FARGATE_SPOT, LaunchType.EC2_SPOT}

    @property
    def needs_upkeep(self) -> bool:
        """True if people look after the hosts."""
        return self in {LaunchType.EC2, LaunchType.EC2_SPOT}


@attrs.frozen
class Refusal:
    """A reason why a workload cannot run on a launch type.

    Args:
        reason: The reason, as the end of a sentence that begins with the launch type.
        source: The place where AWS states it.
    """

    reason: str
    source: str


_Rule = tuple[frozenset[LaunchType], Callable[[Workload], bool], str, Source]
_FARGATE = frozenset({LaunchType.FARGATE, LaunchType.FARGATE_SPOT})
_SPOT = frozenset({LaunchType.FARGATE_SPOT, LaunchType.EC2_SPOT})
_MANAGED = frozenset({LaunchType.MANAGED_INSTANCES})
_RULES: tuple[_Rule, ...] = (
    (_FARGATE, lambda each: each.gpus > 0, "has no GPUs", platform_limits.FARGATE_GPUS.source),
    (
        _FARGATE,
        lambda each: each.privileged,
        "runs no privileged containers",
        platform_limits.FARGATE_PRIVILEGED.source,
    ),
    (
        _FARGATE,
        lambda each: each.daemon,
        "has no hosts on which a daemon could run",
        Botocore(
            "ecs",
            "CreateServiceRequest",
            "schedulingStrategy",
            "Tasks using the Fargate launch type or the CODE_DEPLOY or EXTERNAL deployment controller types don't "
            "support the DAEMON scheduling strategy.",
        ),
    ),
    (
        _FARGATE,
        lambda each: each.host_volumes,
        "has no folders of a host",
        platform_limits.FARGATE_HOST_PATH.source,
    ),
    (
        _FARGATE,
        lambda each: each.ephemeral_storage_gib > MOST_STORAGE_GIB,
        f"has at most {MOST_STORAGE_GIB} GiB of ephemeral storage",
        Botocore("ecs", "EphemeralStorage", "sizeInGiB", "the maximum supported value is 200 GiB"),
    ),
    (
        _FARGATE,
        lambda each: each.windows and each.ebs_volumes,
        "has no EBS volumes on Windows",
        platform_limits.FARGATE_WINDOWS_VOLUMES.source,
    ),
    (
        _FARGATE,
        lambda each: each.start_seconds is not None and each.start_seconds < FARGATE_START_SECONDS,
        f"takes {FARGATE_START_SECONDS} seconds or more to start a task, since it caches no images",
        "AWS re:Post, how to speed up provisioning of ECS Fargate task; ECS developer guide, Fargate pull behavior",
    ),
    (
        frozenset({LaunchType.FARGATE_SPOT}),
        lambda each: each.windows,
        "does not run Windows",
        platform_limits.FARGATE_SPOT_WINDOWS.source,
    ),
    (_MANAGED, lambda each: each.windows, "does not run Windows", platform_limits.MANAGED_SYSTEM.source),
    (
        _SPOT,
        lambda each: not each.interruptible,
        "needs copies that can be interrupted",
        Botocore(
            "ecs",
            "CapacityProviderStrategyItem",
            "",
            "With FARGATE_SPOT, you can run interruption tolerant tasks",
            "EC2 user guide, Spot Instance interruptions",
        ),
    ),
)


def fargate_size(workload: Workload) -> tuple[int, int] | None:
    """Return the smallest Fargate size that holds a task, in CPU units and MiB; None for a larger task.

    Args:
        workload: The workload.
    """
    offered = WINDOWS_MEMORY if workload.windows else FARGATE_MEMORY
    sizes = (
        (cpu, memory)
        for cpu, memories in offered.items()
        for memory in memories
        if not (workload.windows and memory == cpu)  # FARGATE_WINDOWS_LEAST
    )
    return next(((cpu, memory) for cpu, memory in sizes if cpu >= workload.cpu and memory >= workload.memory_mib), None)


def refusals(workload: Workload, launch_type: LaunchType, architecture: Architecture) -> tuple[Refusal, ...]:
    """Return the reasons why a workload cannot run on a launch type.

    Args:
        workload: The workload.
        launch_type: The launch type.
        architecture: The processor architecture.
    """
    return tuple(_refusals(workload, launch_type, architecture))


def _refusals(workload: Workload, launch_type: LaunchType, architecture: Architecture) -> Iterator[Refusal]:
    if workload.windows and architecture is Architecture.ARM64:
        yield Refusal("does not run Windows on Graviton", _text(platform_limits.WINDOWS_ARCHITECTURE.source))
    if launch_type.is_fargate and fargate_size(workload) is None:
        offered = WINDOWS_MEMORY if workload.windows else FARGATE_MEMORY
        cpu, memory = max(offered), max(offered[max(offered)])
        limit = platform_limits.FARGATE_WINDOWS_SIZE if workload.windows else platform_limits.FARGATE_SIZE
        yield Refusal(
            f"has no size with {workload.cpu / 1024:g} vCPU and {workload.memory_mib / 1024:g} GiB; the largest has "
            f"{cpu // 1024} vCPU and {memory // 1024} GiB",
            _text(limit.source),
        )
    for launch_types, applies, reason, source in _RULES:
        if launch_type in launch_types and applies(workload):
            yield Refusal(reason, _text(source))


def conditions(workload: Workload, launch_type: LaunchType, architecture: Architecture) -> tuple[str, ...]:
    """Return what must change before a workload can run on a launch type.

    Args:
        workload: The workload.
        launch_type: The launch type.
        architecture: The processor architecture.
    """
    found = []
    if architecture not in workload.architectures:
        found.append(f"images for {architecture.value}")
    accepted = {NetworkMode.AWSVPC}
    if launch_type is LaunchType.MANAGED_INSTANCES:
        accepted.add(NetworkMode.HOST)
    if launch_type not in {LaunchType.EC2, LaunchType.EC2_SPOT} and workload.network_mode not in accepted:
        found.append("network mode awsvpc")
    if launch_type is LaunchType.MANAGED_INSTANCES and workload.daemon:
        found.append("a managed daemon")
    return tuple(found)


def _text(source: Source) -> str:
    if isinstance(source, str):
        return source
    member = f".{source.member}" if source.member else ""
    return "; ".join(filter(None, (f"botocore {source.service} {source.shape}{member}", source.also)))

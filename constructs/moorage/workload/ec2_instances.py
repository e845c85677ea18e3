"""The EC2 instance types: the resources that they offer to tasks, and the types that meet requirements."""

from __future__ import annotations

import difflib
import functools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from moorage.workload import capacity_limits, container_limits
from moorage.workload.problems import Problems, is_token
from moorage.workload.task import Architecture
from moorage.workload.value import value_class

DATA_FILE = Path(__file__).with_name("instance_types.json")
"""The data that `python -m tools.instance_types` writes. Its header names the sources."""

if TYPE_CHECKING:
    DATE: str
    """The date of the data, such as '2026-10-27'. The data does not contain newer types."""
else:

    def __getattr__(name: str) -> Any:
        if name == "DATE":
            return _load_data()["date"]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@attrs.frozen
class InstanceType:
    """The resources that an EC2 instance type offers to the tasks of a container instance.

    Args:
        name: The name in EC2, such as `m7g.large`.
        vcpus: The number of vCPUs. ECS registers 1,024 CPU units for each.
        memory_mib: The memory in MiB. ECS registers less, since the operating system uses some of it.
        architecture: The processor architecture.
        gpus: The number of complete NVIDIA GPUs.
        interfaces: The number of elastic network interfaces of all network cards, including the primary interface.
        trunk_tasks: The number of tasks with their own network interface that the type runs with `awsvpcTrunking`. None
            if AWS lists the type as not supported or does not list the type.
        previous: True if the type belongs to a previous generation. Default: False.
        accelerated: True if the type has GPUs, FPGAs or other accelerators. Default: False.
        nitro: True if the type is built on the AWS Nitro System. Default: True.
    """

    name: str
    vcpus: int
    memory_mib: int
    architecture: Architecture
    gpus: int
    interfaces: int
    trunk_tasks: int | None
    previous: bool = False
    accelerated: bool = False
    nitro: bool = True

    @property
    def family(self) -> str:
        """The part of the name before the dot: `m7g` for `m7g.large`."""
        return self.name.partition(".")[0]

    @property
    def burstable(self) -> bool:
        """True for the T families, whose CPU performance depends on credits."""
        return re.match(r"t\d", self.name) is not None

    @property
    def bare_metal(self) -> bool:
        """True if the type has no hypervisor."""
        return self.name.partition(".")[2].startswith("metal")


@functools.cache
def instance_type(name: str) -> InstanceType | None:
    """Return the instance type with this name, or None if the data, which ends at `DATE`, does not contain the name."""
    data = _load_data()
    if name not in data["types"]:
        return None
    vcpus, memory_mib, architecture, gpus, interfaces, trunk_tasks = data["types"][name]
    family = name.partition(".")[0]
    return InstanceType(
        name,
        vcpus,
        memory_mib,
        Architecture(architecture.upper()),
        gpus,
        interfaces,
        trunk_tasks,
        previous=family in data["previous"],
        accelerated=family in data["accelerated"],
        nitro=family not in data["xen"] or name.partition(".")[2].startswith("metal"),
    )


def instance_types() -> tuple[InstanceType, ...]:
    """Return all types, grouped by family, from small to large."""
    return tuple(filter(None, map(instance_type, _load_data()["types"])))


def nearest_names(name: str) -> tuple[str, ...]:
    """Return up to three names of types that are similar to `name`, the most similar first."""
    return tuple(difflib.get_close_matches(name.lower(), _load_data()["types"], n=3, cutoff=0.7))


@value_class
@attrs.frozen(kw_only=True)
class InstanceRequirements:
    """The requirements for instance types; EC2 chooses from all types that meet these requirements.

    Only types of the current generations are used. Bare metal types are left out.

    Args:
        vcpus: The minimum and the maximum number of vCPUs. Use 0 for no minimum and None for no maximum.
        memory_mib: The minimum and the maximum memory in MiB. Use 0 for no minimum and None for no maximum.
        architecture: The processor architecture that the images are built for. Default: `Architecture.X86_64`.
        gpus: The minimum number of NVIDIA GPUs. Default: 0, which leaves out types with GPUs or other accelerators.
        burstable: Whether to include the T families. Their CPU performance depends on credits. Default: False.

    Raises:
        ValueError: If a minimum exceeds its maximum, or a number is below 0.
    """

    vcpus: tuple[int, int | None]
    memory_mib: tuple[int, int | None]
    architecture: Architecture = Architecture.X86_64
    gpus: int = 0
    burstable: bool = False

    def __attrs_post_init__(self) -> None:
        problems = Problems("InstanceRequirements")
        problems.check(capacity_limits.INSTANCE_RANGE, "vcpus", self.vcpus)
        problems.check(capacity_limits.INSTANCE_RANGE, "memory_mib", self.memory_mib)
        problems.check(container_limits.INSTANCE_GPUS, "gpus", self.gpus)
        problems.raise_any()

    @property
    def _has_tokens(self) -> bool:
        return is_token((self.vcpus, self.memory_mib, self.gpus))

    def _matching_types(self) -> tuple[InstanceType, ...]:
        """Return the types that EC2 can choose from, or no types if a requirement is known only at deployment."""
        return () if self._has_tokens else tuple(type_ for type_ in instance_types() if self._accepts(type_))

    def _accepts(self, type_: InstanceType) -> bool:
        return (
            _is_within(type_.vcpus, self.vcpus)
            and _is_within(type_.memory_mib, self.memory_mib)
            and type_.architecture is self.architecture
            and (type_.gpus >= self.gpus if self.gpus else not type_.accelerated)
            and (self.burstable or not type_.burstable)
            and not type_.bare_metal
            and not type_.previous
        )


def _is_within(value: int, bounds: tuple[int, int | None]) -> bool:
    least, most = bounds
    return least <= value and (most is None or value <= most)


@functools.cache
def _load_data() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(DATA_FILE.read_text("utf-8"))
    return data

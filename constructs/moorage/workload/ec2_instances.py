"""The EC2 instance types: the resources that they offer to tasks, and those that meet a requirement."""

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
"""The data that `python -m tools.instance_types` writes; its head names the sources."""

if TYPE_CHECKING:
    DATE: str
    """The day of the data, as in '2026-10-27'. A type that is younger is not known here."""
else:

    def __getattr__(name: str) -> Any:
        if name == "DATE":
            return _load_data()["date"]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@attrs.frozen
class InstanceType:
    """The resources that an EC2 instance type offers to the tasks of a container instance.

    Args:
        name: Its name in EC2: `m7g.large`.
        vcpus: Its vCPUs; ECS registers 1,024 CPU units for each.
        memory_mib: The memory EC2 installs, in MiB. The operating system shows ECS less of it.
        architecture: The processor that images must be built for.
        gpus: NVIDIA GPUs, whole ones.
        interfaces: Elastic network interfaces, of all its network cards together, its primary one included.
        trunk_tasks: Tasks with a network interface of their own that it holds with `awsvpcTrunking`; None where AWS
            lists it as not supported or does not list it.
        previous: Whether EC2 counts it as of a previous generation.
        accelerated: Whether it has GPUs, FPGAs or other accelerators that are paid for with it.
        nitro: Whether it is built on the AWS Nitro System, and not on Xen.
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
        """Return the part before the dot: `m7g` of `m7g.large`."""
        return self.name.partition(".")[0]

    @property
    def burstable(self) -> bool:
        """Return whether its CPU is a credit that runs out: the T families."""
        return re.match(r"t\d", self.name) is not None

    @property
    def bare_metal(self) -> bool:
        """Return whether it has no hypervisor."""
        return self.name.partition(".")[2].startswith("metal")


@functools.cache
def instance_type(name: str) -> InstanceType | None:
    """Return the type of a name, or None if the data has none: it may be newer than `DATE`."""
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
    """Return every type, family by family, and each family from small to large."""
    return tuple(filter(None, map(instance_type, _load_data()["types"])))


def nearest_names(name: str) -> tuple[str, ...]:
    """Return up to three names of types that are similar to `name`, the nearest first."""
    return tuple(difflib.get_close_matches(name.lower(), _load_data()["types"], n=3, cutoff=0.7))


@value_class
@attrs.frozen(kw_only=True)
class InstanceRequirements:
    """Instances by requirement: any type that has what is asked for, so that EC2 may choose where there is capacity.

    Of the current generations; bare metal is left out, and so are accelerators that nothing asks for.

    Args:
        vcpus: The least and the most vCPUs; 0 for no least, None for no most.
        memory_mib: The least and the most memory, in MiB; 0 for no least, None for no most.
        architecture: The processor that the images are built for.
        gpus: The least number of NVIDIA GPUs. Without it, types with GPUs or other accelerators are left out.
        burstable: Whether the T families may be chosen. Their CPU is a credit that runs out, or is billed beyond it.

    Raises:
        ValueError: a range is the wrong way round or below 0, or the number of GPUs is below 0.
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
        """Return the types that EC2 may choose from, family by family; none if that is not known before deployment."""
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
    data: dict[str, Any] = json.loads(DATA_FILE.read_text())
    return data

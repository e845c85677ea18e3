"""The components of running ECS tasks, for services and for jobs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

import attrs

from moorage.assembly.values import Value
from moorage.cost.amounts import Range
from moorage.cost.parts import Kind, NotInTemplateError, Part, free, unknown
from moorage.cost.resources import Item, architecture_of, number_of, tables
from moorage.cost.rules.volumes import volume
from moorage.prices.price import HOURS

_CPU_UNITS = 1024
"""The CPU units of a vCPU, and the MiB of a GB of memory."""
FREE_STORAGE_GB = 20
"""The GB of ephemeral storage that Fargate does not bill (AWS Fargate pricing)."""
_SIZE = re.compile(r"(?P<number>\d*\.?\d+)\s*(?P<unit>vcpu|gb)?", re.IGNORECASE)
FARGATE = frozenset({"FARGATE", "FARGATE_SPOT"})
"""The capacity providers of Fargate."""
PROVIDER, GROUP = "AWS::ECS::CapacityProvider", "AutoScalingGroupProvider"


@attrs.frozen(kw_only=True)
class Time:
    """The time that tasks run in a month.

    Args:
        hours: The task-hours of a month: those of all copies together. None if they depend on use.
        kind: The way in which they are billed.
        assumptions: The assumptions, one sentence each.
        unit: The unit of the hours. Default: the unit of each price.
    """

    hours: Range | None
    kind: Kind
    assumptions: tuple[str, ...] = ()
    unit: str = ""

    def of(self, count: Decimal) -> Time:
        """Return the time of several tasks that run at once.

        Args:
            count: The number of tasks.
        """
        return attrs.evolve(self, hours=None if self.hours is None else self.hours * count)

    def part(
        self,
        component: str,
        item: str,
        size: Decimal,
        *assumptions: str,
        architecture: str | None = None,
        on_demand: str = "",
    ) -> Part:
        """Return a component that is billed for each hour of each task.

        Args:
            component: The name of the component.
            item: The item of the price book.
            size: The quantity of one task.
            *assumptions: The assumptions, one sentence each.
            architecture: The processor architecture. Default: None.
            on_demand: For Spot, the item of the same without Spot. Default: none.
        """
        in_runs = bool(self.unit)
        return Part(
            component=component,
            kind=self.kind,
            item=item,
            quantity=None if self.hours is None else self.hours if in_runs else self.hours * size,
            assumptions=(*assumptions, *self.assumptions),
            architecture=architecture,
            on_demand=on_demand,
            scale=size if in_runs else Decimal(1),
            unit=self.unit,
        )


def always(copies: Range, *assumptions: str) -> Time:
    """Return the time of tasks that are kept running.

    Args:
        copies: The number of copies.
        *assumptions: The assumptions, one sentence each.
    """
    return Time(hours=copies * HOURS, kind=Kind.FIXED, assumptions=assumptions)


def on_provider(provider: Value, definition: Item, time: Time) -> Iterator[Part]:
    """Yield the components of tasks on a capacity provider.

    Args:
        provider: The resolved name of the capacity provider.
        definition: The task definition.
        time: The time that the tasks run.
    """
    if provider in FARGATE:
        yield from on_fargate(definition, time, spot=provider == "FARGATE_SPOT")
        return
    found = definition.all.first(provider)
    if found is None or found.type != PROVIDER:
        named = f" {provider}" if isinstance(provider, str) else ""
        yield unknown("Tasks", f"the capacity provider{named} is not in the app, so what it starts is not known")
    elif found.at(GROUP):
        group = found.target(GROUP, "AutoScalingGroupArn")
        where = group.path if group else "an Auto Scaling group that is not in the app"
        yield free("Tasks on EC2 instances", f"billed as the instances of {where}")
    else:
        yield unknown(
            "Tasks on Managed Instances",
            "ECS chooses the instance types when it places the tasks, and adds a fee to their price",
        )


def on_fargate(definition: Item, time: Time, *, spot: bool) -> Iterator[Part]:
    """Yield the components of tasks on Fargate.

    Args:
        definition: The task definition.
        time: The time that the tasks run.
        spot: True for Fargate Spot.
    """
    cpu, memory = size_of(definition, "Cpu"), size_of(definition, "Memory")
    system = str(definition.text("RuntimePlatform", "OperatingSystemFamily", default="LINUX"))
    architecture = architecture_of(definition.text("RuntimePlatform", "CpuArchitecture", default="X86_64"))
    family, name, prefix = ("fargate_spot", "Fargate Spot", "") if spot else ("fargate", "Fargate", "")
    if system.upper().startswith("WINDOWS"):
        name, prefix = "Fargate Windows", "windows_"
    for part, component, size in (("vcpu_hour", "vCPU", cpu), ("gb_hour", "memory", memory)):
        item, on_demand = f"{family}.{prefix}{part}", f"fargate.{part}" if spot else ""
        yield time.part(f"{name} {component}", item, size, architecture=architecture, on_demand=on_demand)
    if prefix:
        said = ("no source for the least time that AWS bills a task with Windows was found",) if time.unit else ()
        yield time.part("Windows license", "fargate.windows_license_vcpu_hour", cpu, *said)
    storage = definition.number("EphemeralStorage", "SizeInGiB", default=Decimal(FREE_STORAGE_GB)) - FREE_STORAGE_GB
    if storage > 0:
        yield time.part(
            "Fargate ephemeral storage", "fargate.storage_gb_hour", storage, f"the first {FREE_STORAGE_GB} GB are free"
        )


def size_of(definition: Item, name: str) -> Decimal:
    """Return the vCPUs or the GB of memory of a task.

    Args:
        definition: The task definition.
        name: `Cpu` or `Memory`.

    Raises:
        NotInTemplateError: The size is not in the template.
    """
    stated = definition.text(name)
    found = _SIZE.fullmatch(stated.strip())
    if not found:
        raise NotInTemplateError(f"{name} of {definition.path} is not a size (got {stated!r})")
    number = Decimal(found["number"])
    return number if found["unit"] else number / _CPU_UNITS


def task_volumes(configurations: tuple[Value, ...], copies: Range) -> Iterator[Part]:
    """Yield the components of the EBS volumes that ECS makes for each task.

    Args:
        configurations: The resolved volume configurations of the service.
        copies: The number of copies.
    """
    for each in tables(configurations):
        managed = each.get("ManagedEBSVolume")
        if isinstance(managed, dict):
            size = number_of(managed.get("SizeInGiB"), "SizeInGiB of a volume from a snapshot")
            yield from volume({**managed, "VolumeSize": str(size)}, copies, f"volume {each.get('Name')} of each task")

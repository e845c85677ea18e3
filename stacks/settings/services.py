"""The settings of services and jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import attrs

from moorage import Scaling
from stacks.settings.checks import SettingError, Settings, between, matches

SERVICES = ("ui", "catalog", "carts", "orders", "checkout")
FARGATE_MEMORY_GIB: Mapping[int, Sequence[float]] = MappingProxyType(
    {
        256: (0.5, 1, 2),
        512: range(1, 5),
        1024: range(2, 9),
        2048: range(4, 17),
        4096: range(8, 31),
        8192: range(16, 61, 4),
        16384: range(32, 121, 8),
        32768: (60, 120, 244),
    }
)
"""The memory sizes that Fargate offers, by CPU units (ECS Developer Guide, task size)."""
_NO_WEIGHTS: Mapping[str, int] = MappingProxyType({})


@attrs.frozen(kw_only=True)
class ServiceSettings(Settings):
    """The size of a service.

    Args:
        cpu: The CPU units of a task; 1,024 are a vCPU. Default: 1024.
        memory_mib: The memory of a task in MiB. Default: 2048.
        min_tasks: The minimum number of copies, 1 to 5000. Default: 2.
        max_tasks: The maximum number of copies, `min_tasks` to 5000. Default: 10.
        capacity: The weights of the capacities, by name. Default: the first capacity of the environment.
        digest: The digest of the image, only for a single service. Default: the image of the release's tag.
    """

    cpu: int = attrs.field(default=1024, metadata=between(128, 196_608))
    memory_mib: int = attrs.field(default=2048, metadata=between(6, 33_554_432))
    min_tasks: int = attrs.field(default=2, metadata=between(1, 5000))
    max_tasks: int = attrs.field(default=10, metadata=between(1, 5000))
    capacity: Mapping[str, int] = _NO_WEIGHTS
    digest: str | None = attrs.field(
        default=None, metadata=matches("sha256:[0-9a-f]{64}", "the digest of an image", f"sha256:{'0a' * 32}")
    )

    @property
    def scaling(self) -> Scaling:
        """The number of copies, which follows the CPU utilization if it can change."""
        is_fixed = self.min_tasks == self.max_tasks
        return Scaling(self.min_tasks, self.max_tasks, cpu_percent=None if is_fixed else 60)

    def fargate_problem(self) -> SettingError | None:
        """Return the problem of a size that Fargate does not offer."""
        if self.cpu not in FARGATE_MEMORY_GIB:
            nearest_cpu = min(FARGATE_MEMORY_GIB, key=lambda units: abs(units - self.cpu))
            return SettingError(f"must be a size that Fargate offers (got {self.cpu}); use {nearest_cpu}", "cpu")
        sizes = [int(1024 * each) for each in FARGATE_MEMORY_GIB[self.cpu]]
        if self.memory_mib in sizes:
            return None
        nearest = min(sizes, key=lambda size: abs(size - self.memory_mib))
        return SettingError(
            f"must be a size that Fargate offers with cpu = {self.cpu} (got {self.memory_mib}); use {nearest}, or "
            "another cpu",
            "memory_mib",
        )

    def _problems(self) -> Iterator[SettingError]:
        if self.max_tasks < self.min_tasks:
            yield SettingError(
                f"must be at least min_tasks, {self.min_tasks} (got {self.max_tasks}); use a larger max_tasks, or a "
                "smaller min_tasks",
                "max_tasks",
            )


@attrs.frozen(kw_only=True)
class ServiceOverrides:
    """The settings in which one service differs from the others.

    Args:
        cpu: The CPU units of a task. Default: those of all services.
        memory_mib: The memory of a task in MiB. Default: that of all services.
        min_tasks: The minimum number of copies. Default: that of all services.
        max_tasks: The maximum number of copies. Default: that of all services.
        capacity: The weights of the capacities, by name. Default: those of all services.
        digest: The digest of the image. Default: the image of the release's tag.
    """

    cpu: int | None = None
    memory_mib: int | None = None
    min_tasks: int | None = None
    max_tasks: int | None = None
    capacity: Mapping[str, int] | None = None
    digest: str | None = None


@attrs.frozen(kw_only=True)
class AllServiceSettings(ServiceSettings):
    """The size of all services, and the differences of some.

    Args:
        ui: The differences of the web front end. Default: none.
        catalog: The differences of the catalog. Default: none.
        carts: The differences of the carts. Default: none.
        orders: The differences of the orders. Default: none.
        checkout: The differences of the checkout. Default: none.
    """

    ui: ServiceOverrides | None = None
    catalog: ServiceOverrides | None = None
    carts: ServiceOverrides | None = None
    orders: ServiceOverrides | None = None
    checkout: ServiceOverrides | None = None

    def of(self, service: str) -> ServiceSettings:
        """Return the settings of one service.

        Args:
            service: The name of the service, one of `SERVICES`.
        """
        overrides = getattr(self, service) or ServiceOverrides()
        fields = [field.name for field in attrs.fields(ServiceOverrides)]
        given = {name: getattr(overrides, name) for name in fields if getattr(overrides, name) is not None}
        return ServiceSettings(**{name: getattr(self, name) for name in fields} | given)

    def _problems(self) -> Iterator[SettingError]:
        yield from super()._problems()
        if self.digest:
            yield SettingError(
                "must be set for a single service, not for all; set it in a table such as [dev.services.ui]", "digest"
            )
        for name in SERVICES:
            if getattr(self, name) is not None:
                try:
                    self.of(name)
                except ExceptionGroup as group:
                    for each in group.exceptions:
                        yield SettingError(str(each), (name, *getattr(each, "setting", ())))


@attrs.frozen(kw_only=True)
class ImageSettings(Settings):
    """The images that are promoted to an environment.

    Args:
        refused_severity: The severity at which, and above which, a finding in an image stops its deployment. Default:
            "critical".
    """

    refused_severity: Literal["critical", "high", "medium", "low", "informational"] = "critical"


@attrs.frozen(kw_only=True)
class JobSettings(Settings):
    """The size of the jobs and workers.

    Args:
        max_tasks: The maximum number of copies of a worker, 1 to 5000. Default: 5.
        capacity: The weights of the capacities, by name. Default: the first capacity of the environment.
    """

    max_tasks: int = attrs.field(default=5, metadata=between(1, 5000))
    capacity: Mapping[str, int] = _NO_WEIGHTS

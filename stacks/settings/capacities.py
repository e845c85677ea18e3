"""The settings of capacities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

import attrs

from moorage import Capacity, InstanceRequirements
from stacks.settings.checks import SettingError, Settings


@attrs.frozen(kw_only=True)
class FargateSettings(Settings):
    """AWS Fargate.

    Args:
        kind: `fargate`, or `fargate-spot` for tasks that AWS can interrupt.
    """

    kind: Literal["fargate", "fargate-spot"]

    def capacity(self, _: str) -> Capacity:
        """Return the capacity."""
        return Capacity.fargate_spot() if self.kind == "fargate-spot" else Capacity.fargate()


@attrs.frozen(kw_only=True)
class InstanceSettings(Settings):
    """EC2 instances in an Auto Scaling group.

    Args:
        kind: `ec2`.
        instance_types: The instance types.
        min_instances: The minimum number of instances. Default: 0.
        max_instances: The maximum number of instances.
        spot: Whether to launch Spot Instances. Default: False.
        termination_protection: Whether to protect instances with tasks from scale-in. Default: False.
    """

    kind: Literal["ec2"]
    instance_types: tuple[str, ...]
    min_instances: int = 0
    max_instances: int
    spot: bool = False
    termination_protection: bool = False

    def _problems(self) -> Iterator[SettingError]:
        if not self.instance_types:
            yield SettingError('must have at least one instance type, such as "m7i.large"', "instance_types")

    def capacity(self, name: str) -> Capacity:
        """Return the capacity with a name."""
        return Capacity.ec2(
            name,
            instance_types=self.instance_types,
            min_instances=self.min_instances,
            max_instances=self.max_instances,
            spot=self.spot,
            termination_protection=self.termination_protection,
        )


@attrs.frozen(kw_only=True)
class ManagedInstanceSettings(Settings):
    """ECS Managed Instances.

    Args:
        kind: `managed-instances`.
        vcpus: The least and the most vCPUs of an instance.
        memory_mib: The least and the most memory of an instance in MiB.
    """

    kind: Literal["managed-instances"]
    vcpus: tuple[int, int]
    memory_mib: tuple[int, int]

    def _problems(self) -> Iterator[SettingError]:
        for setting, (least, most) in {"vcpus": self.vcpus, "memory_mib": self.memory_mib}.items():
            if least < 0 or most < max(least, 1):
                yield SettingError(
                    f"must be the least, 0 or more, and the most, which is not lower (got [{least}, {most}]); use a "
                    "list such as [2, 8]",
                    setting,
                )

    def capacity(self, name: str) -> Capacity:
        """Return the capacity with a name."""
        requirements = InstanceRequirements(vcpus=self.vcpus, memory_mib=self.memory_mib)
        return Capacity.managed_instances(name, requirements=requirements)


CapacitySettings: TypeAlias = FargateSettings | InstanceSettings | ManagedInstanceSettings

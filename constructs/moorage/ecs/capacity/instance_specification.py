"""The instances that a capacity defines: those of an Auto Scaling group, and ECS Managed Instances."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from moorage.ecs.capacity.container_instance import Ami, ContainerInstance
from moorage.ecs.capacity.known_types import check_known_type, matches, matches_known_type
from moorage.ecs.capacity.managed_scaling import ManagedScaling, WarmPool
from moorage.workload import capacity_limits, port_limits
from moorage.workload.ec2_instances import (
    DATE,
    InstanceRequirements,
    InstanceType,
    instance_type,
    instance_types,
)
from moorage.workload.fit import Demand, Fit, Host, fit
from moorage.workload.problems import Problems, is_token
from moorage.workload.required_services import INSTANCE_NEEDS, SESSION_NEEDS, Needs
from moorage.workload.shares import reserved_cpu, reserved_memory_mib
from moorage.workload.task import Architecture, OperatingSystemFamily

if TYPE_CHECKING:
    from aws_cdk.aws_ec2 import SubnetSelection
    from aws_cdk.aws_sns import ITopic

    from moorage.ecs.capacity.capacity_reservations import CapacityReservations
    from moorage.workload.task import Task


def _names(names: str | Iterable[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


@attrs.frozen(eq=False)
class InstanceSpecification:
    """The instances that a capacity defines, of either kind.

    Args:
        name: The name of the capacity.
        spot: Whether to launch Spot Instances.
        vpc_subnets: The subnets of the instances. Default: the private subnets of every zone.
    """

    name: str
    spot: bool = attrs.field(kw_only=True)
    vpc_subnets: SubnetSelection | None = attrs.field(kw_only=True)

    @property
    def agent_needs(self) -> Needs:
        """The services that the instances must reach to join a cluster."""
        return INSTANCE_NEEDS

    @property
    def runs_privileged(self) -> bool:
        """True if the instances can run privileged containers, or if this is unknown."""
        return True

    @property
    def runs_bottlerocket(self) -> bool:
        """True if the instances are known to run Bottlerocket."""
        return False

    @property
    def runs_al2023(self) -> bool:
        """True if the instances are known to run the Amazon ECS-optimized Amazon Linux 2023 AMI."""
        return False

    @property
    def named_types(self) -> tuple[str, ...]:
        """The only instance types that may be launched, or an empty tuple if AWS chooses the types."""
        return ()

    @property
    def xen_types(self) -> tuple[str, ...]:
        """The named instance types that are not built on the AWS Nitro System."""
        return ()

    @property
    def operating_system(self) -> OperatingSystemFamily | None:
        """The operating system of the instances, or None if unknown."""
        return None

    @property
    def most_instances(self) -> int:
        """The largest number of container instances that the capacity can add to a cluster, or 0 if unknown."""
        return 0

    @property
    def has_public_addresses(self) -> bool:
        """True if each instance gets a public IPv4 address at launch."""
        return False

    def fit(self, task: Task) -> tuple[Fit, ...]:  # noqa: ARG002  # AWS chooses the instances, so their sizes are unknown
        """Return how many copies of a task fit on one instance of each type, or an empty tuple for unknown types."""
        return ()

    def room_for(self, task: Task) -> int | None:  # noqa: ARG002  # AWS chooses the instances, so their number is unknown
        """Return the largest number of copies of a task that fit on the instances, or None if unknown."""
        return None


@attrs.frozen(eq=False)
class ManagedInstancesSpecification(InstanceSpecification):
    """ECS Managed Instances, made by `Capacity.managed_instances`, which documents each field."""

    requirements: InstanceRequirements | None = attrs.field(kw_only=True)
    allowed_instance_types: tuple[str, ...] = attrs.field(converter=_names, kw_only=True)
    excluded_instance_types: tuple[str, ...] = attrs.field(converter=_names, kw_only=True)
    volume_gib: int = attrs.field(kw_only=True)
    scale_in_delay: int | None = attrs.field(kw_only=True)
    detailed_monitoring: bool = attrs.field(kw_only=True)
    egress: tuple[int, ...] = attrs.field(kw_only=True)
    auto_repair: bool | None = attrs.field(kw_only=True)
    reservations: CapacityReservations | None = attrs.field(kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = _check_name(self.name)
        problems.check(capacity_limits.MANAGED_VOLUME, "volume_gib", self.volume_gib)
        problems.check(capacity_limits.SCALE_IN_DELAY, "scale_in_delay", self.scale_in_delay)
        for argument in ("allowed_instance_types", "excluded_instance_types"):
            problems.check(
                capacity_limits.INSTANCE_TYPE_FILTERS, f"the number of {argument}", len(getattr(self, argument))
            )
            for pattern in getattr(self, argument):
                problems.check(capacity_limits.INSTANCE_TYPE_FILTER, f"each item of {argument}", pattern)
                if capacity_limits.INSTANCE_TYPE_FILTER.accepts(pattern):
                    check_known_type(argument, pattern, problems)
        if self.allowed_instance_types and self.excluded_instance_types:
            problems.add(
                "allowed_instance_types and excluded_instance_types must not be given together, since ECS accepts "
                "only one of them; leave one of them out"
            )
        for port in self.egress:
            problems.check(port_limits.PORT, "each port of egress", port)
        if self.spot and self.reservations:  # botocore ecs InstanceLaunchTemplate.capacityOptionType has one value
            problems.add(
                "reservations must not be used with spot=True, since Capacity Reservations hold On-Demand capacity; "
                "leave one of them out"
            )
        problems.raise_any()

    def too_small_problem(self, task: Task) -> str | None:
        """Describe why the task fits on no allowed type. Return None if it fits, or if no type or size is known."""
        if not self.known_types or is_token([reserved_cpu(task), reserved_memory_mib(task)]):
            return None
        demand = Demand.of(task)
        if any(fit(demand, Host.of(each)).copies for each in self.known_types):
            return None
        return (
            f"task needs {demand.cpu} CPU units, {demand.memory_mib} MiB, {demand.gpus} GPUs and "
            f"{task.architecture.value}, but no instance type that capacity {self.name!r} allows holds the task; use "
            "wider requirements=, more allowed_instance_types= or fewer excluded_instance_types= of the capacity"
        )

    @functools.cached_property
    def known_types(self) -> tuple[InstanceType, ...]:
        """The allowed types in moorage's data.

        The tuple is empty if a type or pattern is a token, or if an allowed pattern matches no type in the data.
        """
        types = self.requirements._matching_types() if self.requirements else instance_types()
        allowed, excluded = self.allowed_instance_types, self.excluded_instance_types
        if is_token([*allowed, *excluded]) or not all(map(matches_known_type, allowed)):
            return ()
        return tuple(each for each in types if (not allowed or matches(each, allowed)) and not matches(each, excluded))


def _default_known_types(group: InstanceGroupSpecification) -> tuple[InstanceType, ...]:
    if group.requirements:
        return group.requirements._matching_types()
    return tuple(filter(None, (instance_type(each) for each in group.instance_types)))


@attrs.frozen(eq=False)
class InstanceGroupSpecification(InstanceSpecification):
    """Instances in an Auto Scaling group, made by `Capacity.ec2`, which documents each field."""

    instance_types: tuple[str, ...] = attrs.field(converter=_names, kw_only=True)
    requirements: InstanceRequirements | None = attrs.field(kw_only=True)
    min_instances: int = attrs.field(kw_only=True)
    max_instances: int = attrs.field(kw_only=True)
    on_demand_base: int = attrs.field(kw_only=True)
    instance: ContainerInstance = attrs.field(kw_only=True)
    scaling: ManagedScaling = attrs.field(kw_only=True)
    warm_pool: WarmPool | None = attrs.field(kw_only=True)
    termination_protection: bool = attrs.field(kw_only=True)
    trunking: bool = attrs.field(kw_only=True)
    notifications: ITopic | None = attrs.field(kw_only=True)
    assign_public_ip: bool = attrs.field(kw_only=True)
    known_types: tuple[InstanceType, ...] = attrs.field(
        default=attrs.Factory(_default_known_types, takes_self=True), init=False
    )

    def __attrs_post_init__(self) -> None:
        problems = _check_name(self.name)
        problems.check(
            capacity_limits.INSTANCES, "min_instances and max_instances", (self.min_instances, self.max_instances)
        )
        self._check_types(problems)
        if self.on_demand_base and not self.spot:
            problems.add(
                "on_demand_base requires spot=True, since all instances are On-Demand Instances otherwise (got "
                f"{self.on_demand_base}); use spot=True, or leave on_demand_base= out"
            )
        problems.check(capacity_limits.ON_DEMAND_BASE, "on_demand_base", (self.on_demand_base, self.max_instances))
        if self.warm_pool:
            prepared = self.warm_pool.max_prepared_instances
            max_prepared = self.max_instances if prepared is None else prepared
            problems.check(capacity_limits.WARM_POOL, "warm_pool", (self.warm_pool.min_instances, max_prepared))
        if self.warm_pool and self.spot:
            problems.add(
                "warm_pool must not be used with spot=True, since a Spot Instance cannot be stopped to wait in a warm "
                "pool; leave one of them out, or use a second capacity for Spot Instances"
            )
        problems.raise_any()

    @property
    def architecture(self) -> Architecture:
        """The architecture of the instances. For types that are not in the data, `g` after the generation means Arm."""
        if self.requirements:
            return self.requirements.architecture
        if self.known_types:
            return self.known_types[0].architecture
        return Architecture.ARM64 if re.match(r"[a-z]+\d+g", self.instance_types[0]) else Architecture.X86_64

    @property
    def has_gpus(self) -> bool:
        """True if the instances have GPUs for tasks."""
        return bool(self.requirements.gpus) if self.requirements else any(each.gpus for each in self.known_types)

    @property
    def most_instances(self) -> int:
        """The largest number of container instances that the capacity can add to a cluster."""
        return self.max_instances

    @property
    def has_public_addresses(self) -> bool:
        """True if each instance gets a public IPv4 address at launch."""
        return self.assign_public_ip

    @functools.cached_property
    def hosts(self) -> tuple[Host, ...]:
        """The resources for tasks on each instance type."""
        reserved = self.instance.reserved_memory_mib
        return tuple(Host.of(each, trunking=self.trunking, reserved_memory_mib=reserved) for each in self.known_types)

    def fit(self, task: Task) -> tuple[Fit, ...]:
        """Return how many copies of a task fit on one instance of each type, and which resources limit the number.

        A task that needs a host port, as in host mode, fits only once on each instance.
        """
        demand = Demand.of(task)
        return tuple(fit(demand, host) for host in self.hosts)

    @property
    def agent_needs(self) -> Needs:
        """The services that the instances must reach: to join a cluster, and for Session Manager."""
        return INSTANCE_NEEDS | SESSION_NEEDS if self.instance.ssm_access else INSTANCE_NEEDS

    @property
    def runs_privileged(self) -> bool:
        """True if the instances can run privileged containers. On Bottlerocket, the user data must allow them."""
        return self.instance._runs_privileged

    @property
    def runs_bottlerocket(self) -> bool:
        """True if the instances run Bottlerocket."""
        return self.instance.ami.is_bottlerocket

    @property
    def runs_al2023(self) -> bool:
        """True if the instances run the Amazon ECS-optimized Amazon Linux 2023 AMI."""
        return self.instance.ami == Ami.al2023()

    @property
    def named_types(self) -> tuple[str, ...]:
        """The only instance types that may be launched. Empty with `requirements`, since EC2 then chooses the types."""
        return self.instance_types

    @property
    def xen_types(self) -> tuple[str, ...]:
        """The named types that are not built on the AWS Nitro System. Empty with `requirements`."""
        return () if self.requirements else tuple(each.name for each in self.known_types if not each.nitro)

    @property
    def operating_system(self) -> OperatingSystemFamily:
        """The operating system of the instances."""
        return self.instance.ami.operating_system_family

    def is_known_for(self, *tasks: Task) -> bool:
        """Return True if the sizes of all instance types and of the tasks are known before deployment."""
        sizes = [size for task in tasks for size in (reserved_cpu(task), reserved_memory_mib(task), *task._host_ports)]
        are_types_known = self.known_types and len(self.known_types) >= len(self.instance_types)
        return bool(are_types_known) and not is_token([self.max_instances, *sizes])

    def room_for(self, task: Task) -> int | None:
        """Return the largest number of copies of a task that fit on the instances, or None if a size is not known."""
        if not self.is_known_for(task):
            return None
        return self.max_instances * max(each.copies for each in self.fit(task))

    def _check_types(self, problems: Problems) -> None:
        if bool(self.instance_types) is bool(self.requirements):
            problems.add(
                "exactly one of instance_types and requirements must be given (got "
                f"{'both' if self.requirements else 'neither'}); use instance_types=['m7g.large', ...] or "
                "requirements=InstanceRequirements(...)"
            )
        if self.requirements and not self.known_types and not self.requirements._has_tokens:
            problems.add(
                f"requirements match no instance type (data of {DATE}); use wider requirements, such as another "
                "range of vcpus= or memory_mib="
            )
        problems.check(capacity_limits.INSTANCE_TYPES, "the number of instance_types", len(self.instance_types))
        problems.check(capacity_limits.UNIQUE_INSTANCE_TYPES, "instance_types", self.instance_types)
        for name in self.instance_types:
            check_known_type("instance_types", name, problems)
        for argument, values in (
            ("architecture", {each.name: each.architecture.value for each in self.known_types}),
            ("GPUs", {each.name: "with GPUs" if each.gpus else "without GPUs" for each in self.known_types}),
        ):
            if len(set(values.values())) > 1 and not self.requirements:
                listed = ", ".join(f"{name} ({value})" for name, value in values.items())
                problems.add(
                    f"instance_types must not differ in {argument} (got {listed}), since all instances start from one "
                    "AMI; use a second capacity for the other types"
                )
        if self.has_gpus and self.architecture is Architecture.ARM64 and not self._has_ami_for_arm_gpus:
            problems.add(
                "instance_types are arm64 with GPUs, for which there is no Amazon Linux 2023 AMI; "
                "use ContainerInstance(ami=Ami.bottlerocket())"
            )
        self._check_trunking(problems)
        if self.instance_types or self.requirements:
            self._check_ami(problems)

    def _check_ami(self, problems: Problems) -> None:
        parameter = self.instance.ami.parameter
        if parameter is not None and not is_token(self.instance_types):
            pair = (parameter, self.architecture.value)
            problems.check(capacity_limits.AMI_ARCHITECTURE, "parameter of the AMI", pair)
        if self.instance.ami._on_windows:
            self._check_windows(problems)

    def _check_windows(self, problems: Problems) -> None:
        """Add a problem for everything that AWS's Windows AMIs do not support."""
        if self.architecture is not Architecture.X86_64 or self.has_gpus:
            problems.add(
                "instance_types must be x86_64 without GPUs, the only types that ECS's Windows AMIs support; use types "
                "such as 'm7i.large'"
            )
        for argument in (name for name in ("trunking", "warm_pool") if getattr(self, name)):
            problems.add(f"{argument} is not supported by Windows instances; leave {argument}= out, or use a Linux AMI")

    def _check_trunking(self, problems: Problems) -> None:
        if self.trunking and self.requirements and self.requirements.burstable:
            problems.add(
                "trunking=True must not be used with burstable=True of requirements, since the T families have no "
                "trunk interface; leave one of them out"
            )
        for known_type in self.known_types if self.trunking and not self.requirements else ():
            if known_type.burstable:
                problems.add(
                    f"trunking=True requires instance types with a trunk interface (got {known_type.name}); use other "
                    "types, or leave trunking= out"
                )
            elif known_type.trunk_tasks is None:
                problems.warn(
                    f"trunking=True may have no effect on {known_type.name}, which AWS does not list with a trunk "
                    f"interface (data of {DATE}), so moorage assumes no additional interfaces; use another type if "
                    "tasks need more interfaces"
                )

    @property
    def _has_ami_for_arm_gpus(self) -> bool:
        return self.instance.ami.is_bottlerocket or self.instance.ami.parameter is not None


def _check_name(name: str) -> Problems:
    problems = Problems(f"Capacity {name!r}")
    problems.check(capacity_limits.CAPACITY_NAME, "name", name)
    problems.check_known("name", name)
    return problems

"""The capacity that tasks run on."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from moorage.workload import capacity_limits
from moorage.workload.attribute_names import AnswersNamesOfCdk
from moorage.workload.durations import optional_seconds
from moorage.workload.problems import Problems
from moorage.workload.required_services import Needs
from moorage.workload.value import value_class

if TYPE_CHECKING:
    import datetime as dt

    import aws_cdk as cdk
    from aws_cdk.aws_ec2 import SubnetSelection
    from aws_cdk.aws_sns import ITopic

    from moorage.ecs.capacity.capacity_reservations import CapacityReservations
    from moorage.ecs.capacity.container_instance import ContainerInstance
    from moorage.ecs.capacity.instance_specification import InstanceSpecification
    from moorage.ecs.capacity.managed_scaling import ManagedScaling, WarmPool
    from moorage.workload.ec2_instances import InstanceRequirements
    from moorage.workload.fit import Fit
    from moorage.workload.task import OperatingSystemFamily, Task

CAPACITY_ATTRIBUTE = "moorage.capacity"
"""The attribute with the name of an instance's capacity. Daemons are limited to a capacity by this attribute, since ECS
accepts no capacity provider for a daemon."""


class CapacityKind(enum.Enum):
    """A kind of capacity. All capacities of a strategy have the same kind."""

    FARGATE = "Fargate"
    INSTANCES = "Auto Scaling group"
    MANAGED_INSTANCES = "Managed Instances"


@value_class
@attrs.frozen(eq=False)
class Capacity(metaclass=AnswersNamesOfCdk):
    """The capacity that tasks run on, created by one of its methods.

    Capacities are compared by identity, and can be the keys of a mapping.

    Args:
        name: The name of the capacity in errors. For Fargate and existing capacity providers, also the name in ECS.
        kind: The kind of capacity. Default: `CapacityKind.FARGATE`.
        instances: The instances to define for the capacity. Default: none, for Fargate and for an existing capacity
            provider.
    """

    name: str
    kind: CapacityKind = attrs.field(default=CapacityKind.FARGATE, kw_only=True)
    instances: InstanceSpecification | None = attrs.field(default=None, kw_only=True)

    @property
    def _exists_already(self) -> bool:
        """True if the capacity provider already exists, so that no instances are defined."""
        return self.instances is None

    def _same_as(self, other: Capacity) -> bool:
        """Return whether two capacities are the same: by name if both already exist, otherwise by identity."""
        return self is other or (self._exists_already and other._exists_already and self.name == other.name)

    @property
    def _vpc_subnets(self) -> SubnetSelection | None:
        """The subnets of the instances. None for the private subnets of every zone, or if there are no instances."""
        return self.instances.vpc_subnets if self.instances else None

    @property
    def _has_public_addresses(self) -> bool:
        """True if each instance gets a public IPv4 address at launch. False also if this is unknown."""
        return bool(self.instances and self.instances.has_public_addresses)

    @property
    def _agent_needs(self) -> Needs:
        """The services that the instances must reach to join a cluster."""
        return self.instances.agent_needs if self.instances else frozenset()

    @property
    def _is_spot(self) -> bool:
        """True if AWS can interrupt the instances or tasks with a two-minute notice. False also if this is unknown."""
        return self.instances.spot if self.instances else self.name == "FARGATE_SPOT"

    @property
    def _runs_privileged(self) -> bool:
        """True if the instances can run privileged containers, or if this is unknown."""
        return self.instances.runs_privileged if self.instances else True

    @property
    def _runs_bottlerocket(self) -> bool:
        """True if the instances are known to run Bottlerocket."""
        return bool(self.instances and self.instances.runs_bottlerocket)

    @property
    def _runs_al2023(self) -> bool:
        """True if the instances are known to run the Amazon ECS-optimized Amazon Linux 2023 AMI."""
        return bool(self.instances and self.instances.runs_al2023)

    @property
    def _operating_system(self) -> OperatingSystemFamily | None:
        """The operating system of the instances, or None if unknown."""
        return self.instances.operating_system if self.instances else None

    @property
    def _most_instances(self) -> int:
        """The largest number of container instances that the capacity can add to a cluster, or 0 if unknown."""
        return self.instances.most_instances if self.instances else 0

    def fit(self, task: Task) -> tuple[Fit, ...]:
        """Return how many copies of a task fit on one instance of each type, and which resources limit the number.

        Args:
            task: The task to fit.

        Returns:
            One result for each instance type, or an empty tuple for Fargate, ECS Managed Instances and existing
            capacity providers.
        """
        return self.instances.fit(task) if self.instances else ()

    def _room_for(self, task: Task) -> int | None:
        """Return the largest number of copies of a task that fit on the instances, or None if unknown."""
        return self.instances.room_for(task) if self.instances else None

    @staticmethod
    def fargate() -> Capacity:
        """Return AWS Fargate, which runs tasks without instances to manage. AWS bills each task by the second."""
        return Capacity("FARGATE")

    @staticmethod
    def fargate_spot() -> Capacity:
        """Return Fargate Spot, which costs less, but whose tasks AWS can interrupt with a two-minute notice."""
        return Capacity("FARGATE_SPOT")

    @staticmethod
    def from_provider_name(name: str, *, managed_instances: bool = False) -> Capacity:
        """Return an existing capacity provider.

        The instances are unknown, so moorage does not check that tasks fit on the instances.

        Args:
            name: The name of the provider in ECS, 1 to 255 letters, digits, `_` and `-`.
            managed_instances: Whether to treat the provider as one of ECS Managed Instances. Default: False, for a
                provider of an Auto Scaling group.

        Raises:
            ValueError: If `name` is not a name that ECS accepts for a provider.
        """
        problems = Problems(f"Capacity {name!r}")
        problems.check(capacity_limits.PROVIDER_NAME, "name", name)
        problems.raise_any()
        return Capacity(name, kind=CapacityKind.MANAGED_INSTANCES if managed_instances else CapacityKind.INSTANCES)

    @staticmethod
    def ec2(
        name: str,
        *,
        instance_types: Sequence[str] | None = None,
        requirements: InstanceRequirements | None = None,
        min_instances: int = 0,
        max_instances: int,
        spot: bool = False,
        on_demand_base: int = 0,
        instance: ContainerInstance | None = None,
        scaling: ManagedScaling | None = None,
        warm_pool: WarmPool | None = None,
        termination_protection: bool = False,
        trunking: bool = False,
        notifications: ITopic | None = None,
        vpc_subnets: SubnetSelection | None = None,
        assign_public_ip: bool = False,
    ) -> Capacity:
        """Return EC2 instances in an Auto Scaling group, which AWS bills whether or not tasks run on them.

        Args:
            name: The name of the capacity in errors and in the IDs of its resources: 1 to 128 letters, digits, `_` and
                `-`. CloudFormation generates the name in ECS, which must be unique in an account and region.
            instance_types: The instance types to launch, up to 40, all of one architecture. Without `spot`, list the
                types in order of preference: EC2 launches a later type only if an earlier type is not available.
                Default: the types that meet `requirements`.
            requirements: The requirements for instance types, in place of `instance_types`: exactly one of the two must
                be given. EC2 can launch any type that meets the requirements. Default: none.
            min_instances: The minimum number of instances, 0 or more. Default: 0.
            max_instances: The maximum number of instances, 1 or more.
            spot: Whether to launch Spot Instances, which are cheaper, but which AWS can interrupt with a two-minute
                notice. EC2 chooses the pools that are least likely to be interrupted, then the cheapest
                (`price-capacity-optimized`). Default: False.
            on_demand_base: With `spot`, the number of On-Demand Instances to launch before any Spot Instance, up to
                `max_instances`. Default: 0.
            instance: The AMI, volume and access of each instance. Default: `ContainerInstance()`.
            scaling: The managed scaling, by which ECS sets the number of instances. Default: `ManagedScaling()`.
            warm_pool: The warm pool of stopped instances, which start faster than new instances. Default: none.
            termination_protection: Whether to protect instances with tasks from scale-in (Security Hub ECS.19).
                CloudFormation cannot delete a group with protected instances. Deploy with False first, remove the
                protection from the instances with the command in an output of the stack, then delete the stack.
                Default: False.
            trunking: Whether to rely on the account setting `awsvpcTrunking`. With this setting, more tasks with their
                own network interface fit on an instance. CloudFormation cannot turn on the setting. The setting applies
                only to instances that are launched afterwards. Default: False.
            notifications: The SNS topic to notify when the launch or termination of an instance succeeds or fails.
                Default: none.
            vpc_subnets: The subnets of the instances. Default: the private subnets of every zone, or the public subnets
                if `assign_public_ip`.
            assign_public_ip: Whether to assign a public IPv4 address to each instance, which AWS bills. The instances
                must be in public subnets, and reach the internet without a NAT gateway. Their security group still has
                no ingress rule, but Security Hub controls EC2.9 and EC2.25 fail. Default: False.

        Raises:
            ValueError: If the instances cannot be launched, or cannot be in one Auto Scaling group. The error lists all
                problems.
        """
        from moorage.ecs.capacity import container_instance, instance_specification, managed_scaling  # noqa: PLC0415  # Fargate needs no instance types

        instances = instance_specification.InstanceGroupSpecification(
            name,
            instance_types=instance_types or (),
            requirements=requirements,
            min_instances=min_instances,
            max_instances=max_instances,
            spot=spot,
            on_demand_base=on_demand_base,
            instance=instance or container_instance.ContainerInstance(),
            scaling=scaling or managed_scaling.ManagedScaling(),
            warm_pool=warm_pool,
            termination_protection=termination_protection,
            trunking=trunking,
            notifications=notifications,
            vpc_subnets=vpc_subnets or (_public_subnets() if assign_public_ip else None),
            assign_public_ip=assign_public_ip,
        )
        return Capacity(name, kind=CapacityKind.INSTANCES, instances=instances)

    @staticmethod
    def managed_instances(
        name: str,
        *,
        requirements: InstanceRequirements | None = None,
        allowed_instance_types: Sequence[str] | None = None,
        excluded_instance_types: Sequence[str] = (),
        spot: bool = False,
        volume_gib: int = 80,
        scale_in_delay: cdk.Duration | dt.timedelta | None = None,
        detailed_monitoring: bool = True,
        egress: Sequence[int] = (443,),
        vpc_subnets: SubnetSelection | None = None,
        auto_repair: bool | None = None,
        reservations: CapacityReservations | None = None,
    ) -> Capacity:
        """Return ECS Managed Instances: EC2 instances in your VPC that AWS chooses, patches and replaces.

        Args:
            name: The name of the capacity in errors and in the IDs of its resources: 1 to 128 letters, digits, `_` and
                `-`.
            requirements: The requirements for instance types. Default: none, so ECS chooses from all types on which the
                tasks fit.
            allowed_instance_types: The types or patterns (`m7g.*`) that ECS can use, up to 400. Default: all types.
            excluded_instance_types: The types or patterns that ECS must not use, up to 400. Not together with
                `allowed_instance_types`. Default: none.
            spot: Whether to use Spot Instances. Default: False.
            volume_gib: The size of the volume for images, logs and files of tasks on each instance, in GiB, 1 or more.
                Default: 80.
            scale_in_delay: The time that an instance stays idle before ECS terminates it, up to one hour;
                `datetime.timedelta(seconds=-1)` keeps idle instances. Default: ECS decides.
            detailed_monitoring: Whether to send metrics of the instances every minute. AWS bills these metrics.
                Default: True.
            egress: The TCP ports through which instances may connect to any address. Default: 443.
            vpc_subnets: The subnets of the instances. Default: the private subnets of every zone.
            auto_repair: Whether to let ECS replace instances whose health is impaired, such as by a failed GPU. If
                False, ECS only reports their health. Default: ECS decides.
            reservations: The use of EC2 Capacity Reservations. Not together with `spot`. Default: On-Demand Instances,
                which also run in open reservations that match.

        Raises:
            ValueError: If ECS would not accept an argument. The error lists all problems.
        """
        from moorage.ecs.capacity.instance_specification import ManagedInstancesSpecification  # noqa: PLC0415  # Fargate needs no instance types

        problems = Problems(f"Capacity {name!r}")
        problems.check_filter("allowed_instance_types", allowed_instance_types, "all types")
        problems.raise_any()
        instances = ManagedInstancesSpecification(
            name,
            requirements=requirements,
            allowed_instance_types=allowed_instance_types or (),
            excluded_instance_types=excluded_instance_types,
            spot=spot,
            volume_gib=volume_gib,
            scale_in_delay=optional_seconds(scale_in_delay),
            detailed_monitoring=detailed_monitoring,
            egress=tuple(egress),
            vpc_subnets=vpc_subnets,
            auto_repair=auto_repair,
            reservations=reservations,
        )
        return Capacity(name, kind=CapacityKind.MANAGED_INSTANCES, instances=instances)


def _public_subnets() -> SubnetSelection:
    from aws_cdk import aws_ec2 as ec2  # noqa: PLC0415  # loads aws_cdk.aws_ec2

    return ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)

"""What tasks run on."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from moorage.workload import capacity_limits
from moorage.workload.durations import optional_seconds
from moorage.workload.problems import Problems
from moorage.workload.required_services import Needs
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from aws_cdk.aws_ec2 import SubnetSelection
    from aws_cdk.aws_sns import ITopic

    from moorage.ecs.capacity.container_instance import ContainerInstance
    from moorage.ecs.capacity.instance_specification import InstanceSpecification
    from moorage.ecs.capacity.managed_scaling import ManagedScaling, WarmPool
    from moorage.workload.durations import Duration
    from moorage.workload.ec2_instances import InstanceRequirements
    from moorage.workload.fit import Fit
    from moorage.workload.task import OperatingSystemFamily, Task

CAPACITY_ATTRIBUTE = "moorage.capacity"
"""The attribute of a container instance that names its capacity, for what is placed without a provider: daemons."""


class CapacityKind(enum.Enum):
    """One of the three kinds of capacity that ECS has. The capacities of a strategy are all of one kind."""

    FARGATE = "Fargate"
    INSTANCES = "Auto Scaling group"
    MANAGED_INSTANCES = "Managed Instances"


@value_class
@attrs.frozen(eq=False)
class Capacity:
    """What tasks run on; defined by one of its methods and compared by identity, so that it can be a key.

    Args:
        name: What errors call it; of what AWS has already, its provider's name in ECS.
        kind: The sort of capacity.
        instances: The instances that are defined for it; None for a capacity that exists already.
    """

    name: str
    kind: CapacityKind = attrs.field(default=CapacityKind.FARGATE, kw_only=True)
    instances: InstanceSpecification | None = attrs.field(default=None, kw_only=True)

    @property
    def _exists_already(self) -> bool:
        """True if its provider exists already, so that no instances are defined for it."""
        return self.instances is None

    def _same_as(self, other: Capacity) -> bool:
        """Tell whether both are the same capacity: by name if AWS has them already, otherwise by identity."""
        return self is other or (self._exists_already and other._exists_already and self.name == other.name)

    @property
    def _vpc_subnets(self) -> SubnetSelection | None:
        """The subnets of its instances; None for the private subnets of every zone, or if no instances are defined."""
        return self.instances.vpc_subnets if self.instances else None

    @property
    def _agent_needs(self) -> Needs:
        """The services that its instances must reach to join a cluster."""
        return self.instances.agent_needs if self.instances else frozenset()

    @property
    def _is_spot(self) -> bool:
        """True if AWS may take its instances or tasks back with two minutes' notice, as far as is known."""
        return self.instances.spot if self.instances else self.name == "FARGATE_SPOT"

    @property
    def _runs_privileged(self) -> bool:
        """True if it starts privileged containers, as far as is known."""
        return self.instances.runs_privileged if self.instances else True

    @property
    def _runs_bottlerocket(self) -> bool:
        """True if its instances run Bottlerocket, as far as is known."""
        return bool(self.instances and self.instances.runs_bottlerocket)

    @property
    def _runs_al2023(self) -> bool:
        """True if its instances run AWS's AMI of Amazon Linux 2023."""
        return bool(self.instances and self.instances.runs_al2023)

    @property
    def _operating_system(self) -> OperatingSystemFamily | None:
        """The operating system of its instances, as far as is known."""
        return self.instances.operating_system if self.instances else None

    @property
    def _most_instances(self) -> int:
        """The largest number of container instances that it may add to a cluster, as far as is known."""
        return self.instances.most_instances if self.instances else 0

    def fit(self, task: Task) -> tuple[Fit, ...]:
        """How many copies of a task each of its instance types holds, and what binds; empty where that is not known."""
        return self.instances.fit(task) if self.instances else ()

    def _room_for(self, task: Task) -> int | None:
        """Return the largest number of copies of a task that its instances hold; None if that is not known."""
        return self.instances.room_for(task) if self.instances else None

    @staticmethod
    def fargate() -> Capacity:
        """Fargate: the platform injects each task into the VPC, and bills it by the second."""
        return Capacity("FARGATE")

    @staticmethod
    def fargate_spot() -> Capacity:
        """Fargate Spot: cheaper, and taken back with two minutes' notice when AWS needs the room."""
        return Capacity("FARGATE_SPOT")

    @staticmethod
    def from_provider_name(name: str, *, managed_instances: bool = False) -> Capacity:
        """A capacity provider that exists already, by its name in ECS.

        What fits on its instances is not known, so it is not checked.

        Args:
            name: Its name.
            managed_instances: Whether it is one of ECS Managed Instances; over an Auto Scaling group without it.

        Raises:
            ValueError: the name is none that ECS gives.
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
    ) -> Capacity:
        """Instances in an Auto Scaling group, which the owner pays for whether or not a task runs on them.

        Args:
            name: What errors call it, and part of the ids of its group and provider; CloudFormation chooses the
                names in ECS, which an account has once. 1 to 128 letters, digits, `_` and `-`.
            instance_types: Types that may be launched, all of one architecture, in order of preference where none is
                Spot. Several find room where one has run out.
            requirements: What the types must have, in place of naming them: EC2 takes any that has it.
            min_instances: Instances that always run.
            max_instances: Instances that run at most.
            spot: Whether instances are Spot: cheaper, and taken back with two minutes' notice. Those are taken that
                are least likely to be, then the cheapest (`price-capacity-optimized`).
            on_demand_base: With `spot`, the first instances that are on demand nevertheless.
            instance: What each instance is: AMI, volume, access.
            scaling: How ECS moves their number between the two.
            warm_pool: Stopped instances that start sooner than new ones; none without it.
            termination_protection: Whether instances with tasks are protected from scale-in (Security Hub ECS.19).
                CloudFormation cannot delete a group with protected instances, in whatever order. To delete: deploy
                with this off and take the protection from the instances, which an output of the stack says how;
                then delete.
            trunking: Whether the account has `awsvpcTrunking` on, which CloudFormation cannot set: more tasks with an
                interface of their own on each instance. It counts for instances launched after it was turned on.
            notifications: A topic that is told of each instance that is launched or ended, or cannot be.
            vpc_subnets: Where instances run; the private subnets of every zone without it.

        Raises:
            ValueError: with all that could not be launched, or not as one group.
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
            vpc_subnets=vpc_subnets,
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
        scale_in_delay: Duration | None = None,
        detailed_monitoring: bool = True,
        egress: Sequence[int] = (443,),
        vpc_subnets: SubnetSelection | None = None,
    ) -> Capacity:
        """ECS Managed Instances: EC2 instances that AWS chooses, patches and replaces in the owner's VPC.

        Args:
            name: As in `Capacity.ec2`.
            requirements: What the types must have; any type that a task fits on without it.
            allowed_instance_types: Types or patterns (`m7g.*`) that may be used, up to 400; all without it.
            excluded_instance_types: Types or patterns that may not be used, up to 400, in place of the allowed ones.
            spot: Whether instances are Spot.
            volume_gib: The volume for images, logs and files of the tasks on each instance, 1 GiB or more.
            scale_in_delay: How long an instance stays idle, up to an hour, or `datetime.timedelta(seconds=-1)` for
                ever; as AWS sees fit without it.
            detailed_monitoring: Whether instances are measured every minute; priced.
            egress: TCP ports that instances may connect to anywhere.
            vpc_subnets: Where instances run; the private subnets of every zone without it.

        Raises:
            ValueError: with all that ECS would not take.
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
        )
        return Capacity(name, kind=CapacityKind.MANAGED_INSTANCES, instances=instances)

"""ECS Managed Instances, which AWS launches and maintains."""

from __future__ import annotations

from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from moorage.ecs.capacity.instance_specification import ManagedInstancesSpecification
from moorage.ecs.capacity.instances import Instances, define_instance_role
from moorage.ecs.identity import Identity
from moorage.scope.acknowledgements import AWS_MANAGED_POLICY, acknowledge
from moorage.workload.task import Architecture

_INFRASTRUCTURE_POLICY = "AmazonECSInfrastructureRolePolicyForManagedInstances"
_MAX_ROLE_WORDS_LENGTH = 64 - len("ecsInstanceRole-ap-southeast-1-")
"""The number of characters that the longest prefix leaves for a role name (botocore iam CreateRole.RoleName)."""


class ManagedInstances(Instances):
    """The capacity provider and the roles of a `Capacity.managed_instances`, returned by `Cluster.capacity(...)`."""

    def __init__(
        self, scope: Construct, construct_id: str, *, specification: ManagedInstancesSpecification, cluster: ecs.Cluster
    ) -> None:
        """Define the managed instances.

        Args:
            scope: The scope in which to define this construct.
            construct_id: The ID of the construct in its scope.
            specification: The instances to define.
            cluster: The cluster that the instances join.
        """
        super().__init__(
            scope, construct_id, vpc=cluster.vpc, egress=specification.egress, vpc_subnets=specification.vpc_subnets
        )
        self.specification = specification
        self.provider = ecs.ManagedInstancesCapacityProvider(
            self,
            "Provider",
            subnets=self.subnets,
            security_groups=[self.security_group],
            capacity_option_type=ecs.CapacityOptionType.SPOT
            if specification.spot
            else ecs.CapacityOptionType.ON_DEMAND,
            instance_requirements=_managed_instance_requirements(specification),
            task_volume_storage=cdk.Size.gibibytes(specification.volume_gib),
            monitoring=ecs.InstanceMonitoring.DETAILED
            if specification.detailed_monitoring
            else ecs.InstanceMonitoring.BASIC,
            propagate_tags=ecs.PropagateManagedInstancesTags.CAPACITY_PROVIDER,
            ec2_instance_profile=self._define_profile(cluster, Identity.in_scope(scope, construct_id)),
        )
        acknowledge(self.provider, *AWS_MANAGED_POLICY, policies=[_INFRASTRUCTURE_POLICY])
        self.provider.bind(cluster)
        self.provider_name = self.provider.capacity_provider_name
        self._override_properties()

    def _override_properties(self) -> None:
        """Set the properties that CDK's construct does not have (aws-cdk-lib 2.275)."""
        specification = self.specification
        properties: dict[str, Any] = {}
        if specification.scale_in_delay is not None:
            properties["InfrastructureOptimization.ScaleInAfter"] = specification.scale_in_delay
        if specification.auto_repair is not None:
            status = "ENABLED" if specification.auto_repair else "DISABLED"
            properties["AutoRepairConfiguration.ActionsStatus"] = status
        reservations = specification.reservations
        if reservations:
            # ECS API reference, CapacityReservationRequest: "to be used when using the RESERVED capacity option type"
            properties["InstanceLaunchTemplate.CapacityOptionType"] = "RESERVED"
            properties["InstanceLaunchTemplate.CapacityReservations"] = {
                "ReservationPreference": reservations.preference,
                **({"ReservationGroupArn": reservations.group_arn} if reservations.group_arn else {}),
            }
        for name, value in properties.items():
            resource = cast("cdk.CfnResource", self.provider.node.default_child)
            resource.add_property_override(f"ManagedInstancesProvider.{name}", value)

    def _define_profile(self, cluster: ecs.Cluster, identity: Identity) -> iam.InstanceProfile:
        """Define an instance profile and its role, both with the same unique name, which starts with `ecsInstanceRole`.

        The AWS managed policy for the infrastructure role lets ECS pass only roles whose names start in this way.
        """
        unique_name = identity.unique_name(_MAX_ROLE_WORDS_LENGTH) or self.node.addr[-12:]
        name = f"ecsInstanceRole-{cdk.Stack.of(self).region}-{unique_name}"
        self.role = define_instance_role(self, cluster, name)
        return iam.InstanceProfile(self, "Profile", instance_profile_name=name, role=self.role)


def _managed_instance_requirements(
    specification: ManagedInstancesSpecification,
) -> ec2.InstanceRequirementsConfig | None:
    requirements = specification.requirements
    type_filters: dict[str, Any] = {
        "allowed_instance_types": list(specification.allowed_instance_types) or None,
        "excluded_instance_types": list(specification.excluded_instance_types) or None,
    }
    if requirements is None and not any(type_filters.values()):
        return None
    if requirements is None:
        return ec2.InstanceRequirementsConfig(v_cpu_count_min=1, memory_min=cdk.Size.mebibytes(1), **type_filters)
    max_memory_mib = requirements.memory_mib[1]
    return ec2.InstanceRequirementsConfig(
        v_cpu_count_min=requirements.vcpus[0],
        v_cpu_count_max=requirements.vcpus[1],
        memory_min=cdk.Size.mebibytes(requirements.memory_mib[0]),
        memory_max=None if max_memory_mib is None else cdk.Size.mebibytes(max_memory_mib),
        cpu_manufacturers=(
            [ec2.CpuManufacturer.AWS]
            if requirements.architecture is Architecture.ARM64
            else [ec2.CpuManufacturer.INTEL, ec2.CpuManufacturer.AMD]
        ),
        burstable_performance=(
            ec2.BurstablePerformance.INCLUDED if requirements.burstable else ec2.BurstablePerformance.EXCLUDED
        ),
        instance_generations=[ec2.InstanceGeneration.CURRENT],
        accelerator_count_min=requirements.gpus or None,
        accelerator_count_max=None if requirements.gpus else 0,
        accelerator_types=[ec2.AcceleratorType.GPU] if requirements.gpus else None,
        accelerator_manufacturers=[ec2.AcceleratorManufacturer.NVIDIA] if requirements.gpus else None,
        **type_filters,
    )

"""The instances that a capacity defines in its cluster."""

from __future__ import annotations

from typing import cast

from aws_cdk import aws_ecs as ecs

from moorage.ecs.capacity.auto_scaling_group import InstanceGroup
from moorage.ecs.capacity.capacity import Capacity
from moorage.ecs.capacity.instance_specification import InstanceGroupSpecification, ManagedInstancesSpecification
from moorage.ecs.capacity.instances import Instances
from moorage.ecs.capacity.managed_instances import ManagedInstances


def define_instances(cluster: ecs.Cluster, capacity: Capacity) -> Instances:
    """Define the instances of a capacity of `cluster`, with their capacity provider.

    Args:
        cluster: The cluster that the instances join.
        capacity: The capacity, made by `Capacity.ec2` or `Capacity.managed_instances`.
    """
    construct_id = f"{capacity.name} instances"
    specification = capacity.instances
    if isinstance(specification, ManagedInstancesSpecification):
        return ManagedInstances(cluster, construct_id, specification=specification, cluster=cluster)
    group = cast("InstanceGroupSpecification", specification)
    return InstanceGroup(cluster, construct_id, specification=group, cluster=cluster)

"""An ECS cluster in a VPC."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from moorage.ecs.capacity import Capacity
from moorage.ecs.network import Reach
from moorage.workload.faults import Faults


class Cluster(ecs.Cluster):
    """An ECS cluster in a VPC and the capacities that its services may use. It is an `ecs.Cluster`.

    Args:
        scope: Where it is defined.
        construct_id: Its id there.
        vpc: The VPC that Fargate injects the tasks into: a `Network`'s, or any other.
        capacity: What tasks run on; the first is what a service gets that does not say. Fargate without it.
        container_insights: How much CloudWatch keeps of the cluster's metrics; `ENHANCED` goes down to the
            container. `DISABLED` saves its price and leaves Security Hub ECS.12 unmet.

    Raises:
        ValueError: there is no capacity, or one twice.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        capacity: Sequence[Capacity] | None = None,
        container_insights: ecs.ContainerInsights = ecs.ContainerInsights.ENHANCED,
    ) -> None:
        capacities = (Capacity.fargate(),) if capacity is None else tuple(capacity)
        faults = Faults(lambda: f"{scope.node.path}/{construct_id}")
        names = [each.name for each in capacities]
        if not capacities:
            faults.add("capacity is empty, so no task could run; leave it out for Fargate")
        if len(set(names)) < len(names):
            faults.add(f"capacity is {', '.join(map(repr, names))}, but a cluster has each once; name each once")
        faults.raise_found()

        super().__init__(scope, construct_id, vpc=vpc, container_insights_v2=container_insights)
        self.capacities = capacities
        self.associations = ecs.CfnClusterCapacityProviderAssociations(
            self,
            "Capacity",
            cluster=self.cluster_name,
            capacity_providers=names,
            default_capacity_provider_strategy=[{"capacityProvider": names[0], "weight": 1}],
        )
        self.reach = Reach(vpc)
        # Ref of the associations is the cluster's name, so whatever names the cluster by it is defined after them and
        # deleted before: ECS does not take a capacity away from a service that runs on it.
        self.with_capacity = ecs.Cluster.from_cluster_attributes(
            self, "WithCapacity", cluster_name=self.associations.ref, vpc=vpc
        )

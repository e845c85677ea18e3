"""The platform of the services: a network, a cluster, an entrance, and a topic for notifications."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from constructs import Construct

from moorage import Capacity, Cluster, ExecSessions
from stacks.entrance import define_entrance
from stacks.network import define_vpc
from stacks.notifications import define_topic
from stacks.settings import EnvironmentSettings


class PlatformStack(cdk.Stack):
    """The network, its cluster and load balancer, and the topic that notifies the operators."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: EnvironmentSettings, namespace: str) -> None:
        super().__init__(scope, construct_id, termination_protection=not settings.removable)
        self.vpc = define_vpc(self, settings)
        key = kms.Key(
            self,
            "OperatorsKey",
            enable_key_rotation=True,
            removal_policy=settings.removal_policy,
            description="Notifications for operators",
        )
        self.operators = define_topic(self, key=key, operators=settings.operators)
        self._capacities = {name: each.capacity(name) for name, each in settings.capacity.items()}
        insights = ecs.ContainerInsights
        self.cluster = Cluster(
            self,
            "Cluster",
            vpc=self.vpc,
            capacity=list(self._capacities.values()),
            namespace=namespace,
            container_insights=insights.ENHANCED if settings.container_insights else insights.DISABLED,
            failure_topic=self.operators,
            exec_sessions=ExecSessions() if settings.exec_sessions else None,
            removal_policy=settings.removal_policy,
        )
        self.entrance = define_entrance(self, self.vpc, settings)

    def strategy(self, weights: Mapping[str, int]) -> Mapping[Capacity, int] | None:
        """Return the capacities of a service or a job, or None for the default of the cluster.

        Args:
            weights: The weight of each capacity, by name.
        """
        return {self._capacities[name]: weight for name, weight in weights.items()} or None

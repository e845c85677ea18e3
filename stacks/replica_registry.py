"""The registry of an account and region to which the company's images are replicated."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from moorage import Registry, Severity
from stacks.images import PREFIX
from stacks.notifications import define_topic
from stacks.replication import Replica, replicas
from stacks.scanning import scanning
from stacks.settings import Description


class ReplicaRegistryStack(cdk.Stack):
    """A registry that accepts the images of the company's registry.

    Args:
        scope: The stage of the environment.
        construct_id: The ID of the stack in the stage.
        description: The description of all environments.
        replica: The account and region of the registry.
        source: The registry of the company.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, description: Description, replica: Replica, source: Registry
    ) -> None:
        settings = description.environments[replica.environment]
        super().__init__(
            scope,
            construct_id,
            env=cdk.Environment(account=replica.account, region=replica.region),
            termination_protection=not settings.removable,
        )
        registry = Registry(self, "Registry", scanning=scanning(description), replicates_from=[source])
        target = targets.SnsTopic(define_topic(self, key=registry.event_key, operators=settings.operators))
        registry.on_replicated("Replicated", target=target, repositories=[f"{PREFIX}/*"])
        registry.on_replicated("ReplicationFailed", target=target, repositories=[f"{PREFIX}/*"], failed=True)
        registry.on_scan_finding("Critical", severity=Severity.CRITICAL, target=target)


def define_replicas(stage: cdk.Stage, environment: str, *, description: Description, source: Registry) -> None:
    """Define the registries of an environment to which the company's images are replicated.

    Args:
        stage: The stage of the environment.
        environment: The name of the environment.
        description: The description of all environments.
        source: The registry of the company.
    """
    for replica in replicas(description):
        if replica.environment == environment:
            construct_id = "RecoveryReplica" if replica.is_recovery else "Replica"
            ReplicaRegistryStack(stage, construct_id, description=description, replica=replica, source=source)

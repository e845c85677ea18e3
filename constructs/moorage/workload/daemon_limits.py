"""The limits of daemons on ECS Managed Instances; rows of the table in `limits`."""

from __future__ import annotations

from collections.abc import Sequence

from moorage.workload.limit import Limit, unique

MANAGED_INSTANCES_KIND = "Managed Instances"
_REGIONS_WITHOUT_DAEMONS = frozenset(("cn-north-1", "cn-northwest-1", "me-central-1", "us-gov-east-1", "us-gov-west-1"))


def _without_managed_kind(capacities: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [each for each in capacities if each[1] != MANAGED_INSTANCES_KIND]


DAEMON_SETTINGS = Limit(
    id="daemon-settings",
    accepts=lambda settings: not settings,
    rule="must have only settings of a daemon task definition",
    hint="remove these settings, or run the task as a Service",
    source="botocore ecs RegisterDaemonTaskDefinition: DaemonContainerDefinition, DaemonLinuxParameters, DaemonVolume",
    format=", ".join,
)
DAEMON_CAPACITIES = Limit(
    id="daemon-capacities",
    accepts=bool,
    rule="must contain at least one capacity",
    hint="use a capacity of the cluster, made by Capacity.managed_instances",
    source="CFN AWS::ECS::Daemon CapacityProviderArns (minItems)",
)
DAEMON_CAPACITY_KIND = Limit(
    id="daemon-capacity-kind",
    accepts=lambda capacities: not _without_managed_kind(capacities),
    rule="must be ECS Managed Instances",
    hint="use Capacity.managed_instances(...), or, on Capacity.ec2(...), a Service with Placement.on_each_instance()",
    source="botocore ecs CreateDaemon: only supported for Amazon ECS Managed Instances Capacity Providers",
    format=lambda capacities: ", ".join(f"{name!r}: {kind}" for name, kind in _without_managed_kind(capacities)),
)
DAEMON_CAPACITIES_UNIQUE = unique(
    "daemon-capacities-unique",
    rule="must be unique",
    hint="pass each capacity once",
    source="botocore ecs CreateDaemon: exactly one daemon task on each container instance of the capacity providers",
)
DAEMON_REGION = Limit(
    id="daemon-region",
    accepts=lambda region: region not in _REGIONS_WITHOUT_DAEMONS,
    rule="should be a region that offered daemons of ECS Managed Instances in November 2026",
    hint="run the containers as sidecars of each task",
    source="CFN schemas of each region: AWS::ECS::Daemon",
    confirmed=False,
)

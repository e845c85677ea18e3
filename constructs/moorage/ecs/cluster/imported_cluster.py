"""Imported clusters, and the arguments with which they were imported."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import attrs
import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs

from moorage.ecs.capacity.capacity import Capacity, CapacityKind
from moorage.ecs.capacity.strategy import Strategy
from moorage.ecs.network.network import Reach
from moorage.scope.per_construct import PerConstruct
from moorage.scope.place import check_place
from moorage.workload import service_limits
from moorage.workload.errors import ValidationError
from moorage.workload.problems import Problems, is_token

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_servicediscovery as servicediscovery
    from constructs import Construct

    from moorage.advice.placed import Placed
    from moorage.ecs.cluster.exec_sessions import ExecSessions
    from moorage.workload.task import Task

_ARN_REGION_INDEX, _ARN_ACCOUNT_INDEX = 3, 4


@attrs.frozen(eq=False, kw_only=True)
class ImportedCluster:
    """An imported cluster, with the members of `Cluster` that moorage uses.

    Args:
        with_capacity: The cluster, as CDK imports it.
        capacities: The capacities of the cluster. Default: None, for unknown capacities.
        namespace: The name, the ARN or CDK's construct of the Service Connect namespace of the services. Default: none.
        security_groups: The security groups of the instances. Default: none, for unknown groups.
        exec_sessions: The key and the log group of the ECS Exec sessions. Default: none.
    """

    with_capacity: ecs.ICluster
    capacities: tuple[Capacity, ...] | None = None
    namespace: servicediscovery.INamespace | str | None = None
    security_groups: tuple[ec2.ISecurityGroup, ...] = ()
    exec_sessions: ExecSessions | None = None

    @classmethod
    def of(cls, cluster: ecs.ICluster) -> ImportedCluster:
        """Return moorage's view of a cluster: the arguments of its import, or the values in CDK for other clusters."""
        imported = _imported_clusters.get(cluster)
        return imported or cls(with_capacity=cluster, namespace=cluster.default_cloud_map_namespace)

    @property
    def _task_strategy(self) -> Strategy:
        """The strategy of tasks whose construct names no capacity."""
        return Strategy(self.capacities[0] if self.capacities else Capacity.fargate())

    @functools.cached_property
    def _reach(self) -> Reach:
        """The reach of the subnets of the cluster's VPC.

        Raises:
            ValueError: If the VPC is not known.
        """
        try:
            return Reach(self.with_capacity.vpc)
        except RuntimeError:  # jsii raises it for every error in Node.js
            raise ValidationError(
                f"{self.with_capacity.node.path}: the VPC of this imported cluster is not known, but tasks need a VPC; "
                "use Cluster.from_attributes(..., vpc=...)"
            ) from None

    def _provider_name(self, capacity: Capacity) -> str:
        """Return the name of a capacity's provider in ECS."""
        return capacity.name

    def _knows_security_group_of(self, capacity: Capacity) -> bool:  # noqa: ARG002  # an imported cluster's groups belong to all its instances
        """Return True if the security group of a capacity's instances is known."""
        return bool(self.security_groups)

    def _instance_security_groups(
        self,
        capacities: Iterable[Capacity],  # noqa: ARG002  # Cluster's method takes it
        stack: cdk.Stack | None = None,  # noqa: ARG002  # Cluster's method takes it
    ) -> list[ec2.ISecurityGroup]:
        """Return the security groups of the instances."""
        return list(self.security_groups)

    def _claim(self, service: Construct, task: Task, strategy: Strategy, minimum: int | None) -> None:
        """Record nothing, since the size of the instances is not known."""

    def _add_member(self, member: Construct, find: Callable[[], Placed | None]) -> None:
        """Record nothing, since an imported cluster has services that this app does not know."""


_imported_clusters: PerConstruct[ecs.ICluster, ImportedCluster] = PerConstruct()
"""The clusters that `Cluster.from_attributes` returned."""


def import_cluster(
    scope: Construct,
    construct_id: str,
    *,
    cluster_name: str | None,
    cluster_arn: str | None,
    vpc: ec2.IVpc | None,
    capacity: Sequence[Capacity] | None,
    security_groups: Sequence[ec2.ISecurityGroup],
    namespace: servicediscovery.INamespace | str | None,
    exec_sessions: ExecSessions | None,
) -> ecs.ICluster:
    """Import a cluster into CDK, and record the other arguments, or raise a `ValueError`.

    `Cluster.from_attributes` documents the arguments and the error.
    """
    problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
    stack = cdk.Stack.of(scope)
    _check_name(cluster_name, cluster_arn, stack, problems)
    if capacity is not None:
        _check_capacity(tuple(capacity), problems)
    check_place(problems, "namespace", namespace, scope, across_accounts=True)  # a namespace can be shared
    if exec_sessions:
        exec_sessions._check(scope, problems)
    problems.raise_any()

    resource = f"cluster/{cluster_name}"
    identity = cluster_arn or f"arn:{stack.partition}:ecs:{stack.region}:{stack.account}:{resource}"
    if vpc is None:
        cluster = ecs.Cluster.from_cluster_arn(scope, construct_id, identity)
    else:
        cluster = ecs.Cluster.from_cluster_attributes(
            scope,
            construct_id,
            cluster_name=cluster_name or cdk.Arn.extract_resource_name(identity, "cluster"),
            cluster_arn=identity,
            vpc=vpc,  # without security groups, since CDK would add a load balancer's rules for each service again
            has_ec2_capacity=capacity is None or any(each.kind is CapacityKind.INSTANCES for each in capacity),
            default_cloud_map_namespace=None if isinstance(namespace, str) else namespace,
            execute_command_configuration=exec_sessions._configuration if exec_sessions else None,
        )
    imported = ImportedCluster(
        with_capacity=cluster,
        capacities=None if capacity is None else tuple(capacity),
        namespace=namespace,
        security_groups=tuple(security_groups),
        exec_sessions=exec_sessions,
    )
    _imported_clusters.set(cluster, imported)
    return cluster


def _check_name(name: str | None, arn: str | None, stack: cdk.Stack, problems: Problems) -> None:
    """Check that exactly one of name and ARN is given, and that the cluster is in the stack's account and region."""
    if (name is None) == (arn is None):
        given = "neither" if name is None else "both"
        problems.add(
            f"exactly one of cluster_name and cluster_arn must be given (got {given}); use cluster_name= for a cluster "
            "of this account and region, or cluster_arn="
        )
    problems.check(service_limits.CLUSTER_NAME, "cluster_name", name)
    problems.check(service_limits.CLUSTER_ARN, "cluster_arn", arn)
    if arn is None or is_token(arn) or problems.messages:
        return
    parts = arn.split(":")
    for kind, cluster_value, stack_value in (
        ("region", parts[_ARN_REGION_INDEX], stack.region),
        ("account", parts[_ARN_ACCOUNT_INDEX], stack.account),
    ):
        if not is_token(stack_value) and stack_value != cluster_value:
            problems.add(
                f"cluster_arn must be in the stack's {kind} {stack_value} (got {cluster_value}), since tasks run where "
                f"their cluster is; use a stack with env=Environment({kind}='{cluster_value}')"
            )


def _check_capacity(capacities: tuple[Capacity, ...], problems: Problems) -> None:
    """Check the capacities of an imported cluster."""
    if not capacities:
        problems.add(
            "capacity must not be empty (got []), since tasks need capacity to run; leave capacity= out if the "
            "capacities are not known"
        )
    names = [capacity.name for capacity in capacities]
    if len(set(names)) < len(names):
        problems.add(
            f"names of capacities must be unique (got {', '.join(map(repr, names))}); list each capacity once, or "
            "use another name for one of the capacities"
        )
    for capacity in capacities:
        if not capacity._exists_already:
            problems.add(
                f"capacity {capacity.name!r} must exist already, since an imported cluster defines no instances; use "
                "Capacity.from_provider_name(...) for a capacity provider of the cluster, or define a Cluster"
            )

"""The checks of the arguments of a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from moorage.delivery.topics import check_topic, warn_of_fifo
from moorage.ecs.capacity.capacity import Capacity, CapacityKind
from moorage.ecs.network.network import Reach, describe_unreachable
from moorage.scope.place import check_in_vpc, check_place
from moorage.workload import capacity_limits, service_limits
from moorage.workload.problems import Problems, is_token

if TYPE_CHECKING:
    from aws_cdk import aws_sns as sns
    from constructs import Construct

    from moorage.ecs.cluster.exec_sessions import ExecSessions


def check_names(cluster_name: str | None, namespace: str | None, problems: Problems) -> None:
    """Check the name of a new cluster and the name of its namespace."""
    problems.check(service_limits.CLUSTER_NAME, "cluster_name", cluster_name)
    problems.check(service_limits.NAMESPACE, "namespace", namespace)


def check_failure_topic(
    topic: sns.ITopic | None, scope: Construct, problems: Problems, *, failure_events: bool
) -> None:
    """Add a problem for a topic that would not be notified, or to which EventBridge could not publish."""
    if topic and not failure_events:
        problems.add(
            "failure_topic must not be used with failure_events=False, since nothing would notify the topic; leave "
            "one of them out"
        )
    elif topic:
        check_topic(problems, "failure_topic", topic, scope)


def check_capacities(
    capacities: Sequence[Capacity],
    reach: Reach,
    exec_sessions: ExecSessions | None,
    scope: Construct,
    problems: Problems,
) -> None:
    """Check that the cluster can have these capacities, and that it can use the VPC and the sessions."""
    check_place(problems, "vpc", reach.vpc, scope, across_accounts=True)
    if exec_sessions:
        exec_sessions._check(scope, problems)
    names = [capacity.name for capacity in capacities]
    if not names:
        problems.add(
            "capacity must not be empty (got []), since tasks need capacity to run; leave capacity= out for Fargate"
        )
    problems.check(capacity_limits.PROVIDERS, "the number of capacity providers in capacity", len(names))
    max_instances = [capacity._most_instances for capacity in capacities]
    if not is_token(max_instances):
        problems.check(
            capacity_limits.INSTANCES_PER_CLUSTER, "the sum of max_instances of all capacities", sum(max_instances)
        )
    if len(set(names)) < len(names):
        problems.add(
            f"names of capacities must be unique (got {', '.join(map(repr, names))}); list each capacity once, or "
            "use another name for one of the capacities"
        )
    for capacity in capacities:
        notifications = getattr(capacity.instances, "notifications", None)
        check_place(problems, f"notifications of capacity {capacity.name!r}", notifications, scope)
        if notifications is not None and notifications.fifo:
            name = notifications.node.path
            warn_of_fifo(problems, f"notifications of capacity {capacity.name!r}", name, "Amazon EC2 Auto Scaling")
        if capacity._exists_already and capacity.kind is CapacityKind.MANAGED_INSTANCES:
            # botocore ecs CreateCapacityProvider.cluster
            problems.add(
                f"capacity {capacity.name!r} must not be an existing capacity provider of ECS Managed Instances, since "
                "only the cluster that it was created for can use it; use Capacity.managed_instances(...), or import "
                "that cluster with Cluster.from_attributes(...)"
            )
        if capacity.instances:
            argument = f"vpc_subnets of capacity {capacity.name!r}"
            reach.check_selection(capacity._vpc_subnets, problems, argument=argument)
            subnets = (capacity._vpc_subnets and capacity._vpc_subnets.subnets) or ()
            check_in_vpc(problems, argument, subnets, reach.vpc)
        missing = reach.missing(capacity._agent_needs, capacity._vpc_subnets, public_address=False)
        if missing:
            problems.add(f"capacity {capacity.name!r}: {describe_unreachable(missing, 'an instance')}")

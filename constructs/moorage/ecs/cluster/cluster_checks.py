"""The checks of the arguments of a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from moorage.delivery.topics import check_topic, warn_of_fifo
from moorage.ecs.capacity.capacity import Capacity, CapacityKind
from moorage.ecs.network.network import Reach, describe_unreachable
from moorage.ecs.network.subnets import find_subnets
from moorage.scope.place import check_in_vpc, check_place
from moorage.workload import capacity_limits, service_limits
from moorage.workload.problems import Problems, is_token

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_sns as sns
    from constructs import Construct

    from moorage.ecs.capacity.strategy import Strategy
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


def check_default_strategy(strategy: Strategy | None, capacities: tuple[Capacity, ...], problems: Problems) -> None:
    """Add a problem if the default strategy has a capacity that the cluster does not have."""
    if strategy is None:
        return
    own_problems = Problems("default_strategy")
    strategy._check(capacities, own_problems)
    for problem in own_problems.messages:
        problems.add(f"default_strategy: {problem}")


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
        reservations = getattr(capacity.instances, "reservations", None)
        group_arn = reservations and reservations.group_arn
        check_place(problems, f"reservations of capacity {capacity.name!r}", group_arn, scope)
        if capacity._exists_already and capacity.kind is CapacityKind.MANAGED_INSTANCES:
            # botocore ecs CreateCapacityProvider.cluster
            problems.add(
                f"capacity {capacity.name!r} must not be an existing capacity provider of ECS Managed Instances, since "
                "only the cluster that it was created for can use it; use Capacity.managed_instances(...), or import "
                "that cluster with Cluster.from_attributes(...)"
            )
        if capacity.instances:
            _check_subnets(capacity, reach, problems)


def _check_subnets(capacity: Capacity, reach: Reach, problems: Problems) -> None:
    """Check the subnets of the instances: they must exist, reach ECS, and be public for public addresses."""
    argument, selection = f"vpc_subnets of capacity {capacity.name!r}", capacity._vpc_subnets
    if capacity._has_public_addresses and selection:
        _check_public(argument, selection, reach.vpc, problems)
    else:
        reach.check_selection(selection, problems, argument=argument)
    check_in_vpc(problems, argument, (selection and selection.subnets) or (), reach.vpc)
    missing = reach.missing(capacity._agent_needs, selection, public_address=capacity._has_public_addresses)
    if missing:
        problems.add(f"capacity {capacity.name!r}: {describe_unreachable(missing, 'an instance')}")


def _check_public(argument: str, selection: ec2.SubnetSelection, vpc: ec2.IVpc, problems: Problems) -> None:
    """Add a problem if one of the selected subnets is known to be private."""
    subnets = find_subnets(argument, selection, vpc, problems) or ()
    private = {each.subnet_id for each in [*vpc.private_subnets, *vpc.isolated_subnets]}
    hidden = [each.node.path for each in subnets if each.subnet_id in private]
    if hidden:
        problems.add(
            f"{argument} must be public subnets if assign_public_ip=True (got {', '.join(hidden)}), since public "
            "addresses have no effect without a route to an internet gateway; leave vpc_subnets= out, or use "
            "assign_public_ip=False"
        )

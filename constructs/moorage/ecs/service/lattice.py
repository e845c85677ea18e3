"""The target groups through which VPC Lattice forwards requests of other VPCs and accounts to a service."""

from __future__ import annotations

import collections
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import attrs
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_vpclattice as vpclattice

from moorage.ecs.cdk_values import ecs_principal, number_text, tcp
from moorage.ecs.load_balancing.route import port_suffix
from moorage.ecs.load_balancing.target import CONSTANT_PORT
from moorage.ecs.load_balancing.target_health import TargetHealth
from moorage.ecs.task.port_mappings import mapped_name
from moorage.scope.acknowledgements import POLICY_OF_ONE_ROLE, acknowledge
from moorage.scope.claimed_names import exists
from moorage.scope.per_construct import PerConstruct
from moorage.scope.place import check_place, place_of
from moorage.scope.stage_validation import add_stage_check
from moorage.workload import route_limits, service_limits
from moorage.workload.ports import find_port, missing_port, ports_of
from moorage.workload.problems import Problems, is_token
from moorage.workload.task import NetworkMode
from moorage.workload.value import value_class

if TYPE_CHECKING:
    import aws_cdk as cdk
    from aws_cdk import aws_ecs as ecs
    from constructs import Construct, IConstruct

    from moorage.ecs.task.task_launch import Launch
    from moorage.workload.ports import ContainerPort
    from moorage.workload.rollout import Rollout
    from moorage.workload.task import Task

_TARGET_GROUP_ACTIONS = ("RegisterTargets", "DeregisterTargets", "GetTargetGroup", "ListTargets")
_NETWORK_ACTIONS = ("ec2:DescribeInstances", "ec2:DescribeSubnets", "ec2:DescribeVpcs")
"""The actions of AmazonECSInfrastructureRolePolicyForVpcLattice that cannot be limited to a resource."""


def _health(health: TargetHealth | str) -> TargetHealth:
    return health if isinstance(health, TargetHealth) else TargetHealth(health)


def _prefix_list_id(prefix_list: ec2.IPrefixList | str) -> str:
    return prefix_list if isinstance(prefix_list, str) else prefix_list.prefix_list_id


@value_class
@attrs.frozen
class Lattice:
    """A VPC Lattice target group in which ECS registers the tasks of a service.

    The target group can be reached only through VPC Lattice.

    Define the service network, its auth policy and the Lattice service with `aws_vpclattice`. The listeners of the
    Lattice service forward to `service.lattice_target_groups`. ECS registers each task with the port of its container
    (botocore ecs `VpcLatticeConfiguration.portName`). The target group's own port, 80, is not used (VPC Lattice user
    guide, "Create a VPC Lattice target group"). Therefore, a change of the container port does not replace the target
    group.

    Args:
        prefix_list: The ID of AWS's prefix list `com.amazonaws.<region>.vpc-lattice`, which
            `ec2.PrefixList.from_lookup` finds, or the prefix list itself. The tasks accept connections from the
            addresses in the list.
        container: The name of the container that serves. Default: the first container with the port.
        container_port: The port of the container that serves, by name or number. Default: the first port.
        health: The path of the health check, or a `TargetHealth`, for a new target group. Default: `TargetHealth()`.
        target_group_arn: The ARN of an existing target group of type IP that no other service uses. Default: a new
            target group for HTTP.

    Raises:
        ValueError: If prefix_list or target_group_arn is invalid, if VPC Lattice would not accept the health codes, or
            if health is given for an existing target group.
    """

    prefix_list: str = attrs.field(converter=_prefix_list_id)
    container: str | None = attrs.field(default=None, kw_only=True)
    container_port: str | int | None = attrs.field(default=None, kw_only=True)
    health: TargetHealth = attrs.field(converter=_health, default=TargetHealth(), kw_only=True)
    target_group_arn: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = Problems("Lattice")
        problems.check(service_limits.PREFIX_LIST, "prefix_list", self.prefix_list)
        problems.check(service_limits.LATTICE_TARGET_GROUP, "target_group_arn", self.target_group_arn)
        problems.check_known("container_port", self.container_port)
        problems.check(route_limits.TARGET_CODES, "codes of health", self.health.codes)
        if self.target_group_arn is not None and self.health != TargetHealth():
            problems.add(
                "health must not be used with target_group_arn, since the existing target group has its own health "
                "check; leave one of them out"
            )
        problems.raise_any()

    def _port_in(self, task: Task) -> ContainerPort | None:
        """Return the port that serves, or None if the task does not have the port."""
        return find_port(task.containers, self.container, self.container_port)

    def _check(self, task: Task, problems: Problems) -> None:
        """Check that a service with this task can be in the target group."""
        port = self._port_in(task)
        if task.network_mode is not NetworkMode.AWSVPC:
            problems.add(
                f"lattice requires network mode awsvpc (got {task.network_mode.value}), since its targets are the IP "
                "addresses of tasks; use network_mode=NetworkMode.AWSVPC"
            )
        elif not ports_of(task.containers):
            problems.add(
                "lattice requires a container with a port, and no container of the task has a port; use "
                "Container(..., port=...)"
            )
        elif port is None:
            problems.add(missing_port(task.containers, self.container, self.container_port, "lattice") or "")
        elif mapped_name(task, port.name) is None:
            problems.add(
                "the name of the container for lattice must be 1 to 64 letters, digits, '_' and '-', and not start "
                f"with '-' (got {port.container.name!r}), since its port has the same name; use "
                "another Container(name=...)"
            )


def check_lattices(lattices: Sequence[Lattice], launch: Launch, rollout: Rollout, problems: Problems) -> None:
    """Check the target groups of a service against its task, cluster and rollout.

    Args:
        lattices: The target groups.
        launch: The task with its capacity and network.
        rollout: The rollout of the service.
        problems: The problems to add to.
    """
    problems.check(service_limits.LATTICE_TARGET_GROUPS, "the number of target groups in lattice", len(lattices))
    if rollout._shifts_traffic:
        problems.add(
            f"rollout must be Rollout.rolling() if lattice is given (got {rollout.shift.value}), since ECS "
            "cannot shift traffic of VPC Lattice; use Rollout.rolling(), or use a route instead of lattice"
        )
    problems.check(service_limits.LATTICE_REGION, "the region of the stack", place_of(launch.cluster)[1])
    for lattice in lattices:
        check_place(problems, "target_group_arn of lattice", lattice.target_group_arn, launch.cluster)
        lattice._check(launch.task, problems)


def define_lattices(
    scope: Construct,
    service: ecs.BaseService,
    resource: cdk.CfnResource,
    lattices: Sequence[Lattice],
    launch: Launch,
    *,
    connections: ec2.Connections,
) -> tuple[vpclattice.CfnTargetGroup, ...]:
    """Define the target groups, the role with which ECS registers tasks in them, and the security group rules.

    Args:
        scope: The construct in which the resources are defined.
        service: The service whose tasks are registered.
        resource: The CloudFormation resource of the service.
        lattices: The target groups to define or to use.
        launch: The task with its capacity and network.
        connections: The connections of the tasks, to which VPC Lattice is allowed to connect.
    """
    role = iam.Role(scope, "LatticeRole", assumed_by=ecs_principal())
    target_groups: list[vpclattice.CfnTargetGroup] = []
    configurations: list[dict[str, str]] = []
    seen: collections.Counter[str] = collections.Counter()
    for lattice in lattices:
        (_, name, port), arn = cast("ContainerPort", lattice._port_in(launch.task)), lattice.target_group_arn
        if arn is None:
            suffix = port_suffix(lattice.container, lattice.container_port)
            named = f"-{suffix}" if suffix else ""
            construct_id = f"LatticeTargetGroup{named}{seen[named] or ''}"  # independent of other target groups
            target_groups.append(_define_group(scope, construct_id, lattice, launch))
            seen[named] += 1
            arn = target_groups[-1].attr_arn
        else:
            _claim(scope, arn)
        configurations.append({"PortName": name, "RoleArn": role.role_arn, "TargetGroupArn": arn})
        peer = ec2.Peer.prefix_list(lattice.prefix_list)
        connections.allow_from(peer, tcp(port), f"VPC Lattice to port {number_text(port)}")
    actions = [f"vpc-lattice:{each}" for each in _TARGET_GROUP_ACTIONS]
    role.add_to_policy(
        iam.PolicyStatement(actions=actions, resources=[each["TargetGroupArn"] for each in configurations])
    )
    role.add_to_policy(iam.PolicyStatement(actions=list(_NETWORK_ACTIONS), resources=["*"]))
    acknowledge(role, *POLICY_OF_ONE_ROLE)
    acknowledge(
        role, "iam-wildcard", "these actions of Amazon EC2 cannot be limited to a resource", actions=_NETWORK_ACTIONS
    )
    service.node.add_dependency(role)  # ECS needs it to deregister tasks when the service is deleted
    resource.add_property_override("VpcLatticeConfigurations", configurations)
    return tuple(target_groups)


def _define_group(scope: Construct, construct_id: str, lattice: Lattice, launch: Launch) -> vpclattice.CfnTargetGroup:
    health, cfn = lattice.health, vpclattice.CfnTargetGroup
    return cfn(
        scope,
        construct_id,
        type="IP",
        config=cfn.TargetGroupConfigProperty(
            vpc_identifier=launch.reach.vpc.vpc_id,
            port=CONSTANT_PORT,
            protocol="HTTP",
            protocol_version="HTTP1",
            health_check=cfn.HealthCheckConfigProperty(
                enabled=True,
                path=health.path or "/",
                matcher=cfn.MatcherProperty(http_code=health.codes or "200"),
                health_check_interval_seconds=health.interval,
                health_check_timeout_seconds=health.timeout,
                healthy_threshold_count=health.healthy_threshold_count,
                unhealthy_threshold_count=health.unhealthy_threshold_count,
            ),
        ),
    )


_services_by_arn: PerConstruct[IConstruct, dict[str, list[Construct]]] = PerConstruct()
"""The services of an app in each existing target group, by the ARN of the group."""


def _claim(service: Construct, arn: str) -> None:
    """Record that a service is in an existing target group, and check that no other service is in the group.

    A target group can be added to only one service (ECS developer guide, "Create a service that uses VPC Lattice").
    """
    if is_token(arn):
        return
    services = _services_by_arn.get_or_make(service.node.root, dict).setdefault(arn, [])
    if service in services:
        return
    for other in services:
        add_stage_check(service, functools.partial(_conflict, other, service, arn))
    services.append(service)


def _conflict(first: Construct, second: Construct, arn: str) -> list[str]:
    if not (exists(first) and exists(second)):
        return []
    return [
        f"{first.node.path} and {second.node.path} are both in the target group {arn!r} of VPC Lattice, which can have "
        "only one service; use another target_group_arn for one service, or leave target_group_arn= out for a new "
        "target group"
    ]

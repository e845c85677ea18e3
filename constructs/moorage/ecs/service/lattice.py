"""A service's place in VPC Lattice: the targets that other VPCs and accounts reach through a service network."""

from __future__ import annotations

import collections
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_vpclattice as vpclattice

from moorage.ecs.cdk_values import ecs_principal, number_text, tcp
from moorage.ecs.load_balancing.route import TargetHealth
from moorage.ecs.load_balancing.target import CONSTANT_PORT
from moorage.ecs.task.port_mappings import port_name
from moorage.scope.claimed_names import exists
from moorage.scope.per_construct import PerConstruct
from moorage.scope.stage_validation import add_stage_check
from moorage.workload import route_limits, service_limits
from moorage.workload.problems import Problems, is_token
from moorage.workload.task import NetworkMode
from moorage.workload.value import value_class

if TYPE_CHECKING:
    import aws_cdk as cdk
    from aws_cdk import aws_ecs as ecs
    from constructs import Construct, IConstruct

    from moorage.ecs.task.task_launch import Launch
    from moorage.workload.container import Container
    from moorage.workload.task import Task

_TARGET_GROUP_ACTIONS = ("RegisterTargets", "DeregisterTargets", "GetTargetGroup", "ListTargets")
_NETWORK_ACTIONS = ("ec2:DescribeInstances", "ec2:DescribeSubnets", "ec2:DescribeVpcs")
"""The actions of AmazonECSInfrastructureRolePolicyForVpcLattice that AWS limits to no resource."""


def _health(health: TargetHealth | str) -> TargetHealth:
    return health if isinstance(health, TargetHealth) else TargetHealth(health)


def _prefix_list_id(prefix_list: ec2.IPrefixList | str) -> str:
    return prefix_list if isinstance(prefix_list, str) else prefix_list.prefix_list_id


@value_class
@attrs.frozen
class Lattice:
    """A target group of VPC Lattice that ECS keeps a service's tasks in, and the way in for Lattice alone.

    The service network, its auth policy and the Lattice service with its listeners are of `aws_vpclattice`; a listener
    forwards to `service.lattice_target_groups`. ECS registers each task with the port of its container (botocore ecs
    `VpcLatticeConfiguration.portName`), in place of that of the target group, which is 80 (VPC Lattice user guide,
    "Create a VPC Lattice target group"). So another port replaces no target group.

    Args:
        prefix_list: AWS's list of the addresses that Lattice sends from in this region, by its id: of
            `com.amazonaws.<region>.vpc-lattice`, which `ec2.PrefixList.from_lookup` finds. The tasks let it in.
        container: The name of the container that serves; the first with a port without it.
        health: The path of the health check, or a `TargetHealth`; of the target group that is defined.
        target_group_arn: A target group that exists already, for addresses and of no other service, in place of one
            that is defined for HTTP. Two services of an app with one are an error.

    Raises:
        ValueError: the list or the target group is none, or the codes are not those that Lattice takes.
    """

    prefix_list: str = attrs.field(converter=_prefix_list_id)
    container: str | None = attrs.field(default=None, kw_only=True)
    health: TargetHealth = attrs.field(converter=_health, default=TargetHealth(), kw_only=True)
    target_group_arn: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = Problems("Lattice")
        problems.check(service_limits.PREFIX_LIST, "prefix_list", self.prefix_list)
        problems.check(service_limits.LATTICE_TARGET_GROUP, "target_group_arn", self.target_group_arn)
        problems.check(route_limits.TARGET_CODES, "health codes", self.health.codes)
        if self.target_group_arn is not None and self.health != TargetHealth():
            problems.add("health is given, but the target group exists already, and has its own; leave one of them out")
        problems.raise_any()

    def _serving_containers(self, task: Task) -> tuple[Container, ...]:
        """Return the containers with a port that may serve, of which the first does."""
        return tuple(each for each in task.containers if each.port and self.container in {None, each.name})

    def _check(self, task: Task, problems: Problems) -> None:
        """Note why a service of this task could not have this place."""
        ports = ", ".join(repr(each.name) for each in task.containers if each.port)
        (serving, *_) = self._serving_containers(task) or (None,)
        if task.network_mode is not NetworkMode.AWSVPC:
            problems.add(
                f"lattice is given in {task.network_mode.value} mode, but its targets are the addresses of tasks, "
                "which have none of their own there; use network_mode=NetworkMode.AWSVPC"
            )
        elif not ports:
            problems.add("lattice needs a container with a port, and the task has none; use Container(..., port=...)")
        elif serving is None:
            problems.add(
                f"lattice names container {self.container!r}, but those with a port are {ports}; use one of them"
            )
        elif port_name(task, serving) is None:
            problems.add(
                f"lattice is given, but a port is named after its container, and {serving.name!r} is no name of one; "
                "use Container(name=...) with 1 to 64 letters, digits, '_' and '-', not first '-'"
            )


def define_lattices(
    scope: Construct,
    service: ecs.BaseService,
    resource: cdk.CfnResource,
    lattices: Sequence[Lattice],
    launch: Launch,
    *,
    connections: ec2.Connections,
) -> tuple[vpclattice.CfnTargetGroup, ...]:
    """Define target groups, the role with which ECS keeps tasks in them, and the way in.

    Args:
        scope: The construct in which they are defined.
        service: The service whose tasks they hold.
        resource: Its CloudFormation resource.
        lattices: The target groups to define or to use.
        launch: The task, its capacity and its place in the network.
        connections: The connections of its tasks, which let Lattice in.
    """
    role = iam.Role(scope, "LatticeRole", assumed_by=ecs_principal())
    target_groups: list[vpclattice.CfnTargetGroup] = []
    configurations: list[dict[str, str]] = []
    seen: collections.Counter[str] = collections.Counter()
    for lattice in lattices:
        container = lattice._serving_containers(launch.task)[0]
        port, arn = container.port or 0, lattice.target_group_arn
        if arn is None:
            named = f"-{lattice.container}" if lattice.container else ""
            construct_id = f"LatticeTargetGroup{named}{seen[named] or ''}"  # others of a list change no id
            target_groups.append(_define_group(scope, construct_id, lattice, launch))
            seen[named] += 1
            arn = target_groups[-1].attr_arn
        else:
            _claim(scope, arn)
        name = port_name(launch.task, container) or ""
        configurations.append({"PortName": name, "RoleArn": role.role_arn, "TargetGroupArn": arn})
        peer = ec2.Peer.prefix_list(lattice.prefix_list)
        connections.allow_from(peer, tcp(port), f"VPC Lattice to port {number_text(port)}")
    actions = [f"vpc-lattice:{each}" for each in _TARGET_GROUP_ACTIONS]
    role.add_to_policy(
        iam.PolicyStatement(actions=actions, resources=[each["TargetGroupArn"] for each in configurations])
    )
    role.add_to_policy(iam.PolicyStatement(actions=list(_NETWORK_ACTIONS), resources=["*"]))
    service.node.add_dependency(role)  # with which ECS takes tasks out when the service goes
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
"""The services of an app in each target group that exists already."""


def _claim(service: Construct, arn: str) -> None:
    """Record that a service is in a target group that exists already, and refuse it beside another one.

    A target group can be added to one service (ECS developer guide, "Create a service that uses VPC Lattice").
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
        f"{first.node.path} and {second.node.path} are both in the target group {arn!r} of VPC Lattice, which is of "
        "one service; give one of them another target_group_arn, or leave it out for a target group of its own"
    ]

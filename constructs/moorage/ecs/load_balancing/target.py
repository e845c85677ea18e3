"""The target groups of a route or a listener, and the port of the container that serves the requests."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeAlias, cast

import attrs
import aws_cdk as cdk

from moorage.workload.ports import find_port

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_ecs as ecs
    from aws_cdk import aws_elasticloadbalancingv2 as elbv2
    from aws_cdk import aws_iam as iam
    from constructs import Construct

    from moorage.ecs.load_balancing.listener import Listener
    from moorage.ecs.load_balancing.route import Route
    from moorage.ecs.task.task_launch import Launch
    from moorage.workload.ports import ContainerPort
    from moorage.workload.task import Task

    TargetGroup = elbv2.ApplicationTargetGroup | elbv2.NetworkTargetGroup


CONSTANT_PORT = 80
"""The port of all target groups. ECS registers each task with its own port, so the value has no effect. A change of the
value would replace the target groups."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Serving:
    """A service for which target groups are defined, with the arguments that all its routes share.

    Args:
        scope: The scope in which to define the target groups.
        service: The service whose tasks become targets.
        launch: The task with its capacity and network.
        role: The role with which ECS changes rules and listeners. None unless rollouts shift traffic.
        stack: The stack of `scope`.
    """

    scope: Construct
    service: ecs.BaseService
    launch: Launch
    role: iam.Role | None
    stack: cdk.Stack

    @property
    def given_groups(self) -> Sequence[ec2.ISecurityGroup]:
        """The given security groups of the tasks, which other services may share."""
        return self.launch.security_groups or () if self.launch.has_own_interface else ()


@attrs.frozen(eq=False, repr=False)
class Target:
    """The target groups and rules of one route.

    Args:
        route: The route or listener.
        suffix: The suffix of the IDs of the route's alarms.
        group: The target group that serves first.
        alternate: The target group of the next version in a rollout that shifts traffic. The two target groups
            alternate from rollout to rollout. Default: none.
        rules: The listener rules of an Application Load Balancer, or the listeners of a Network Load Balancer, that
            such a rollout changes. Default: none.
    """

    route: Route | Listener
    suffix: str
    group: TargetGroup
    alternate: TargetGroup | None = None
    rules: tuple[elbv2.ApplicationListenerRule | elbv2.NetworkListener, ...] = ()

    @property
    def groups(self) -> list[TargetGroup]:
        return [self.group, self.alternate] if self.alternate else [self.group]

    @property
    def reads_requests(self) -> bool:
        """True if the load balancer reads requests, and therefore measures them."""
        return self.route._reads_requests

    @functools.cached_property
    def dimensions(self) -> list[Mapping[str, str]]:
        """The CloudWatch dimensions of each target group."""
        load_balancer = self.route.load_balancer._full_name
        return [{"LoadBalancer": load_balancer, "TargetGroup": group.target_group_full_name} for group in self.groups]


@attrs.frozen(eq=False, repr=False)
class ImportedTarget:
    """The target groups of one route of a service that exists already.

    Args:
        load_balancer_arn: The ARN of the load balancer.
        group_arns: The ARNs of the target groups: one, or the two between which rollouts alternate.
    """

    MAX_GROUPS: ClassVar[int] = 2
    suffix: ClassVar[str] = ""

    load_balancer_arn: str
    group_arns: tuple[str, ...]

    @property
    def reads_requests(self) -> bool:
        """True unless the load balancer is known to be a Network Load Balancer."""
        return ":loadbalancer/net/" not in self.load_balancer_arn

    @functools.cached_property
    def dimensions(self) -> list[Mapping[str, str]]:
        """The CloudWatch dimensions of each target group."""
        load_balancer = full_name_of(self.load_balancer_arn)
        return [{"LoadBalancer": load_balancer, "TargetGroup": _group_name_of(arn)} for arn in self.group_arns]


MeasuredTarget: TypeAlias = Target | ImportedTarget
"""A target whose metrics are known."""


def full_name_of(arn: str) -> str:
    """Return `app/name/id` or `net/name/id`, from the ARN of a load balancer or of its listener."""
    if not cdk.Token.is_unresolved(arn):
        return "/".join(arn.split("/")[1:4])
    parts = cdk.Fn.split("/", arn)
    return cdk.Fn.join("/", [cdk.Fn.select(index, parts) for index in (1, 2, 3)])


def _group_name_of(arn: str) -> str:
    """Return `targetgroup/name/id`, from the ARN of a target group."""
    return cdk.Fn.select(5, cdk.Fn.split(":", arn)) if cdk.Token.is_unresolved(arn) else arn.rpartition(":")[2]


def ports_by_protocol(routes: Iterable[Route | Listener], task: Task, protocol: str) -> set[tuple[str, int]]:
    """Return the ports that load balancers reach with a protocol, TCP or UDP, each with the name of its container."""
    ports = [serving_port(route, task) for route in routes if protocol in route._protocols]
    return {(port.container.name, port.number) for port in ports}


def serving_port(route: Route | Listener, task: Task) -> ContainerPort:
    """Return the port that serves a route. `ServicePlan.check` ensures that there is such a port."""
    return cast("ContainerPort", find_port(task.containers, route.container, route.container_port))

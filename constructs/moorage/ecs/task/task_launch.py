"""The capacity and the network of a task, for every construct that starts tasks."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs
import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs

from moorage.ecs.capacity.capacity import CapacityKind
from moorage.ecs.capacity.strategy import CapacityChoice, Strategy
from moorage.ecs.cdk_values import define_security_group, number_text, select_subnet_ids, tcp
from moorage.ecs.cluster.cluster import cluster_view_of
from moorage.ecs.identity import Identity
from moorage.ecs.network.network import describe_unreachable
from moorage.ecs.task.place_checks import check_images, check_network
from moorage.ecs.task.secret_checks import check_secrets
from moorage.ecs.task.task_definition import define_task
from moorage.ecs.task.task_logs import NEW_LOG_GROUP, TaskLogs
from moorage.ecs.task.task_roles import check_roles, policy_owners
from moorage.workload import platform_checks, port_limits, service_limits
from moorage.workload.errors import ValidationError
from moorage.workload.problems import Problems
from moorage.workload.task import NetworkMode

if TYPE_CHECKING:
    from aws_cdk import aws_logs as logs
    from constructs import Construct

    from moorage.ecs.cluster.cluster import Cluster
    from moorage.ecs.cluster.imported_cluster import ImportedCluster
    from moorage.ecs.network.network import Reach
    from moorage.workload.task import Task

DEFAULT_EGRESS = (443,)
"""HTTPS, through which a task on Fargate pulls images, writes logs and calls AWS."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Launch:
    """A task with its capacity and network.

    Args:
        task: The task to run.
        cluster: The cluster that runs the task.
        strategy: The capacities that the copies run on.
        vpc_subnets: The subnets of the tasks. Default: the private subnets, or the public subnets if
            `assign_public_ip`.
        assign_public_ip: Whether to assign each task a public IP address.
        security_groups: The security groups of the tasks. Default: a new security group.
        egress: The TCP ports through which a new security group lets tasks connect to any address.
        reach: The reach of the subnets of the cluster's VPC.
        cluster_view: Moorage's view of the cluster.
    """

    task: Task
    cluster: ecs.ICluster
    strategy: Strategy
    vpc_subnets: ec2.SubnetSelection | None
    assign_public_ip: bool
    security_groups: Sequence[ec2.ISecurityGroup] | None
    egress: Sequence[int]
    reach: Reach
    cluster_view: Cluster | ImportedCluster

    @classmethod
    def of(
        cls,
        task: Task,
        cluster: ecs.ICluster,
        capacity: CapacityChoice | None,
        *,
        vpc_subnets: ec2.SubnetSelection | None = None,
        assign_public_ip: bool = False,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        egress: Sequence[int] = DEFAULT_EGRESS,
    ) -> Launch:
        """Return a launch from the arguments of a construct.

        Args:
            task: The task to run.
            cluster: The cluster that runs the task.
            capacity: The capacities that the copies run on. Default: the cluster's default strategy.
            vpc_subnets: The subnets of the tasks. Default: the private subnets, or the public subnets if
                `assign_public_ip`.
            assign_public_ip: Whether to assign each task a public IP address. Default: False.
            security_groups: The security groups of the tasks. Default: a new security group.
            egress: The TCP ports through which a new security group lets tasks connect to any address. Default: 443.

        Raises:
            ValueError: If the VPC of the cluster is not known.
        """
        cluster_view = cluster_view_of(cluster)
        return cls(
            task=task,
            cluster=cluster,
            strategy=cluster_view._task_strategy if capacity is None else Strategy._of(capacity),
            vpc_subnets=vpc_subnets,
            assign_public_ip=assign_public_ip,
            security_groups=security_groups,
            egress=egress,
            reach=cluster_view._reach,
            cluster_view=cluster_view,
        )

    @property
    def has_own_interface(self) -> bool:
        """True if each task has its own network interface, with its own security groups."""
        return self.task.network_mode is NetworkMode.AWSVPC

    @property
    def task_subnets(self) -> list[tuple[str, ec2.SubnetSelection]]:
        """The subnets of the tasks, or of the instances whose interfaces the tasks use, after the argument's name."""
        if self.has_own_interface:
            default_type = ec2.SubnetType.PUBLIC if self.assign_public_ip else None
            return [("vpc_subnets", self.vpc_subnets or ec2.SubnetSelection(subnet_type=default_type))]
        return [
            (f"vpc_subnets of capacity {each.name!r}", each._vpc_subnets or ec2.SubnetSelection())
            for each in self.strategy._used_capacities
            if not each._exists_already
        ]

    @property
    def may_not_reach_services(self) -> bool:
        """True if the subnets in which tasks start have no route to the internet, as far as CDK knows."""
        starts = [subnets for subnets, has_public_address in self._start_subnets if not has_public_address]
        return None in self._missing and any(self.reach.is_isolated(each) for each in starts)

    def instance_security_groups(self, stack: cdk.Stack | None = None) -> list[ec2.ISecurityGroup]:
        """Return the security groups of the instances, for tasks without their own network interface."""
        return (
            []
            if self.has_own_interface
            else self.cluster_view._instance_security_groups(self.strategy._used_capacities, stack)
        )

    def check(self, problems: Problems, *, has_routes: bool = False, has_connect: bool = False) -> None:
        """Check the task, the capacity and the network together.

        Args:
            problems: The problems to add to.
            has_routes: True if a load balancer forwards to the task. Default: False.
            has_connect: True if the task has a name in Service Connect. Default: False.
        """
        self._check_kind(problems)
        self.strategy._check(self.cluster_view.capacities, problems)
        self._check_instances(problems, has_routes=has_routes, has_connect=has_connect)
        self._check_network(problems)
        if self.task.volumes:
            from moorage.ecs.task.volumes import check_volumes  # noqa: PLC0415  # needed only by volumes

            check_volumes(self.task, self.cluster, self.reach.vpc, problems)
        check_secrets(self.cluster, self.task, problems)
        check_images(self.cluster, self.task, problems)
        check_roles(self.cluster, self.task, problems)
        on_fargate = self.strategy._kind is CapacityKind.FARGATE  # elsewhere, tasks get no public address
        in_public = on_fargate and self.reach.are_public(self.vpc_subnets)
        for each in filter(None, self._missing):
            problems.add(describe_unreachable(each, in_public=in_public))
        if self.task.execute_command:
            self._check_sessions(problems)

    def check_as_argument(self, argument: str, problems: Problems) -> None:
        """Check a second task of a construct, and prefix each problem with the argument of the task."""
        own_problems = Problems(argument)
        self.check(own_problems)
        for problem in own_problems.messages:
            problems.add(f"{argument}: {problem}")

    def define(
        self,
        scope: Construct,
        identity: Identity | None = None,
        task_logs: TaskLogs = NEW_LOG_GROUP,
        port_protocols: Mapping[tuple[str, int], str] = MappingProxyType({}),
    ) -> TaskResources:
        """Define the task definition, and the log group and the security group unless they are given.

        Args:
            scope: The construct that starts the task.
            identity: The identity of that construct. Default: the identity from CDK, which costs round trips to
                Node.js.
            task_logs: The log group of the containers. Default: a new log group.
            port_protocols: The protocols of ports that are not TCP, by container name and port. Default: none.
        """
        identity = identity or Identity.of(scope)
        task_log_group = task_logs.define(scope)
        if self.has_own_interface:
            security_groups = tuple(self.security_groups or [self._define_security_group(scope, identity.path)])
        else:
            security_groups = tuple(self.instance_security_groups(cdk.Stack.of(scope)))
        definition = define_task(scope, identity, self.task, task_log_group, self.strategy._kind, port_protocols)
        if self.task.execute_command:
            from moorage.ecs.cluster.exec_sessions import grant_sessions  # noqa: PLC0415  # needed only by sessions

            owners = policy_owners(definition, self.task)
            grant_sessions(definition, task_log_group, self.cluster_view.exec_sessions, owners)
        return TaskResources(self, task_log_group, security_groups, definition)

    @property
    def _start_subnets(self) -> list[tuple[ec2.SubnetSelection | None, bool]]:
        """The subnets that must reach images, logs and secrets: of the tasks on Fargate, otherwise of the instances.

        Each is paired with True if the tasks or instances have a public address.
        """
        if self.strategy._kind is CapacityKind.FARGATE:
            return [(self.vpc_subnets, self.assign_public_ip)]
        return [(each._vpc_subnets, each._has_public_addresses) for each in self.strategy.weights]

    @functools.cached_property
    def _missing(self) -> list[frozenset[str] | None]:
        task, starts = self.task, self._start_subnets
        if self.strategy._kind is CapacityKind.FARGATE or not self.has_own_interface:
            return [self.reach.missing(task._needs, each, public_address=public) for each, public in starts]
        missing = [self.reach.missing(task._needs_to_start, each, public_address=public) for each, public in starts]
        if task._needs_to_run:
            missing.append(self.reach.missing(task._needs_to_run, self.vpc_subnets, public_address=False))
        return missing

    def _check_kind(self, problems: Problems) -> None:
        kind = self.strategy._kind
        if self.assign_public_ip and kind is not CapacityKind.FARGATE:
            problems.add(
                "assign_public_ip=True requires Fargate, since other capacities assign no public addresses to tasks; "
                "use a load balancer instead, or run the task on Fargate"
            )
        if kind is CapacityKind.FARGATE:
            spot = any(each.name == "FARGATE_SPOT" for each in self.strategy.weights)
            platform_checks.check_fargate(self.task, problems, spot=spot)
        elif kind is CapacityKind.MANAGED_INSTANCES:
            platform_checks.check_managed_instances(self.task, problems)
        else:
            platform_checks.check_instances(self.task, problems)

    def _check_sessions(self, problems: Problems) -> None:
        """Add a problem if a KMS key encrypts the sessions and the subnets do not reach KMS."""
        needs = (
            self.cluster_view.exec_sessions._needs if self.cluster_view.exec_sessions else frozenset()
        ) - self.task._needs
        places = [(self.vpc_subnets, self.assign_public_ip)] if self.has_own_interface else self._start_subnets
        for selection, public in places if needs else ():
            if self.reach.missing(needs, selection, public_address=public):
                problems.add(
                    "execute_command=True requires subnets that reach 'kms', since a KMS key encrypts the cluster's "
                    "sessions; use Task(called_services=['kms']), which Endpoints.for_tasks(...) includes, or a NAT "
                    "gateway (nat_gateways=1)"
                )

    def _check_instances(self, problems: Problems, *, has_routes: bool, has_connect: bool) -> None:
        """Check that the instances support the task, and that a load balancer can reach the instances."""
        capacities = self.strategy._used_capacities
        unknown = [each.name for each in capacities if not self.cluster_view._knows_security_group_of(each)]
        if has_routes and unknown and not self.has_own_interface and self.strategy._kind is CapacityKind.INSTANCES:
            problems.add(
                f"route leads to instances of capacity {', '.join(map(repr, unknown))}, whose security group is not "
                "known, so the load balancer could not reach them; use network_mode=NetworkMode.AWSVPC, or pass the "
                "security group to Cluster.from_attributes(security_groups=[...])"
            )
        if self.strategy._kind is not CapacityKind.FARGATE:
            from moorage.ecs.capacity.instance_checks import check_instances  # noqa: PLC0415  # Fargate needs no instances

            check_instances(self.task, capacities, problems, has_connect=has_connect)

    def _check_network(self, problems: Problems) -> None:
        """Check the subnets, security groups and ports of the tasks."""
        has_own_ports = tuple(self.egress) != DEFAULT_EGRESS
        if not self.has_own_interface:
            given_arguments = {
                "security_groups": self.security_groups is not None,
                "egress": has_own_ports,
                "vpc_subnets": self.vpc_subnets is not None,
            }
            for argument in (name for name, is_given in given_arguments.items() if is_given):
                problems.add(
                    f"{argument} does not apply in {self.task.network_mode.value} mode, in which tasks have no network "
                    f"interface of their own; leave {argument}= out, and configure the instances in Capacity.ec2(...) "
                    "instead"
                )
            return
        self.reach.check_selection(self.vpc_subnets, problems, public_address=self.assign_public_ip)
        for port in self.egress:
            problems.check(port_limits.PORT, "each port of egress", port)
        if self.security_groups is not None:
            problems.check(service_limits.SECURITY_GROUPS, "the number of security groups", len(self.security_groups))
            if has_own_ports:
                problems.add(
                    "egress must not be used with security_groups, since egress applies only to a new security group; "
                    "allow the ports in your security groups instead"
                )
        subnets = (self.vpc_subnets and self.vpc_subnets.subnets) or ()
        if self.vpc_subnets is not None and self.vpc_subnets.subnets is not None:
            problems.check(service_limits.SUBNETS, "the number of subnets", len(subnets))
        check_network(self.cluster, self.reach.vpc, subnets, self.security_groups or (), problems)

    def _define_security_group(self, scope: Construct, path: str) -> ec2.SecurityGroup:
        security_group = define_security_group(scope, self.reach.vpc, path)
        for port, peer in itertools.product(self.egress, self.reach.any_addresses):
            security_group.add_egress_rule(peer, tcp(port), f"Tasks to port {number_text(port)}")
        return security_group


@attrs.frozen(eq=False, repr=False)
class TaskResources:
    """The resources that are defined for a `Launch`, in the forms that services and jobs need.

    Args:
        launch: The task with its capacity and network.
        log_group: The log group of the containers.
        security_groups: The security groups of the tasks, or of the instances whose interfaces the tasks use.
        task_definition: The task definition of the task.
    """

    launch: Launch
    log_group: logs.ILogGroup
    security_groups: tuple[ec2.ISecurityGroup, ...]
    task_definition: ecs.TaskDefinition

    @property
    def strategies(self) -> list[ecs.CapacityProviderStrategy] | None:
        """The capacity provider strategy, or None if the service follows the cluster's default.

        A launch type is never used, since a change between a launch type and a strategy replaces the service.
        """
        items = self.strategy_items
        return None if items is None else [ecs.CapacityProviderStrategy(**item) for item in items]

    @property
    def strategy_items(self) -> list[dict[str, Any]] | None:
        """The capacity provider strategy as plain data, or None if the service follows the cluster's default."""
        strategy = self.launch.strategy
        if strategy._follows_cluster:
            return None
        return strategy._items(self.launch.cluster_view._provider_name)

    @property
    def network_interface(self) -> dict[str, Any] | None:
        """The network interface of each task as plain data, or None if tasks use the interfaces of instances."""
        if not self.launch.has_own_interface:
            return None
        public = self.launch.assign_public_ip
        subnet_selection = self.launch.vpc_subnets or ec2.SubnetSelection(
            subnet_type=ec2.SubnetType.PUBLIC if public else None
        )
        return {
            "subnets": select_subnet_ids(self.launch.reach.vpc, subnet_selection),
            "security_groups": [each.security_group_id for each in self.security_groups],
            "assign_public_ip": "ENABLED" if public else "DISABLED",
        }

    @property
    def network_arguments(self) -> dict[str, Any]:
        """The network of the tasks, as arguments of CDK's services."""
        if self.launch.has_own_interface:
            return {
                "vpc_subnets": self.launch.vpc_subnets,
                "security_groups": list(self.security_groups),
                "assign_public_ip": self.launch.assign_public_ip,
            }
        managed = self.launch.strategy._kind is CapacityKind.MANAGED_INSTANCES
        return {"security_groups": list(self.security_groups)} if managed else {}


def connections_of(construct: Construct, security_groups: Sequence[ec2.ISecurityGroup]) -> ec2.Connections:
    """Return the connections of these security groups.

    Args:
        construct: The construct that errors name.
        security_groups: The security groups of the connections.

    Raises:
        ValueError: If there are no security groups, since rules would be lost.
    """
    if not security_groups:
        raise ValidationError(
            f"{construct.node.path}: the security groups of the cluster's instances are not known, and tasks have no "
            "network interface of their own; use Cluster.from_attributes(..., security_groups=[...])"
        )
    return ec2.Connections(security_groups=list(security_groups))

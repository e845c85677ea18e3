"""On what, and where in the network, a task is started: the same for whatever starts one."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs

from moorage.ecs.capacity.capacity import Kind
from moorage.ecs.capacity.strategy import CapacityChoice, Strategy
from moorage.ecs.cdk_values import anyone, selected_ids, tcp
from moorage.ecs.cluster.cluster import known
from moorage.ecs.network.network import UNREACHED, unreached
from moorage.ecs.task.task_definition import check_secrets, define_task
from moorage.workload import container_limits, platform_checks, service_limits
from moorage.workload.problems import Problems, is_token
from moorage.workload.task import NetworkMode

if TYPE_CHECKING:
    from constructs import Construct

    from moorage.ecs.cluster.cluster import Cluster
    from moorage.ecs.cluster.imported_cluster import ImportedCluster
    from moorage.ecs.network.network import Reach
    from moorage.workload.task import Task

_HTTPS = 443
DEFAULT_EGRESS = (_HTTPS,)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Launch:
    """A task, what it is started on, and where in the network.

    Args:
        task: What runs.
        cluster: Where it runs.
        strategy: Over which capacities.
        vpc_subnets: The subnets of its tasks; the private ones without it.
        assign_public_ip: Whether each task gets a public address.
        security_groups: In place of the one defined for its tasks.
        egress: TCP ports that the security group defined here lets tasks connect to anywhere.
        reach: What is reached from the subnets of the cluster's VPC.
        known: What is known of the cluster.
    """

    task: Task
    cluster: ecs.ICluster
    strategy: Strategy
    vpc_subnets: ec2.SubnetSelection | None
    assign_public_ip: bool
    security_groups: Sequence[ec2.ISecurityGroup] | None
    egress: Sequence[int]
    reach: Reach
    known: Cluster | ImportedCluster

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
        """What a construct was given, with the cluster's first capacity where it names none.

        Raises:
            ValueError: the VPC of the cluster is not known.
        """
        of_cluster = known(cluster)
        return cls(
            task=task,
            cluster=cluster,
            strategy=Strategy.of(of_cluster.first if capacity is None else capacity),
            vpc_subnets=vpc_subnets,
            assign_public_ip=assign_public_ip,
            security_groups=security_groups,
            egress=egress,
            reach=of_cluster.reach,
            known=of_cluster,
        )

    @property
    def own_interface(self) -> bool:
        """Whether each task has a network interface of its own, with security groups of its own."""
        return self.task.network_mode is NetworkMode.AWSVPC

    def instance_groups(self, stack: cdk.Stack | None = None) -> list[ec2.ISecurityGroup]:
        """The security groups of the instances that stand for tasks without an interface of their own, where known."""
        return [] if self.own_interface else self.known.instance_groups(self.strategy.used, stack)

    def check(self, problems: Problems, *, routed: bool = False) -> None:
        """Note what this task, capacity and network cannot do together.

        Args:
            problems: Where to note it.
            routed: Whether a load balancer is to reach it.
        """
        self._check_kind(problems)
        self.strategy.check(self.known.capacities, problems)
        self._check_instances(problems, routed=routed)
        self._check_network(problems)
        check_secrets(self.cluster, self.task, problems)
        for each in filter(None, self._missing):
            problems.add(unreached(each))
        if self.task.execute_command:
            self._check_sessions(problems)

    def check_named(self, argument: str, problems: Problems) -> None:
        """Note the same of a second task, behind the argument that gives it."""
        found = Problems(argument)
        self.check(found)
        for problem in found.messages:
            problems.add(f"{argument}: {problem}")

    def warn(self, construct: Construct) -> None:
        """Warn where it is not known whether tasks reach what they need, or may."""
        warn(construct, "@moorage/ecs:no-https", self._without_https())
        warn(construct, "@moorage/ecs:latest", self._moving())
        if self.task.execute_command:
            warn(construct, "@moorage/ecs:sessions", self._unrecorded())
        unknown = None in self._missing and not self.assign_public_ip
        if unknown and any(self.reach.isolated(each) for each in self._starts_in):
            warn(construct, UNREACHED, self._unsure())

    def define(
        self, scope: Construct, *, log_group: logs.ILogGroup | None, removal_policy: cdk.RemovalPolicy
    ) -> Launched:
        """Define the log group, security group and task definition that it needs, and what is not given."""
        logged = log_group or logs.LogGroup(
            scope, "Logs", retention=logs.RetentionDays.ONE_YEAR, removal_policy=removal_policy
        )
        if self.own_interface:
            groups = tuple(self.security_groups or [self._define_security_group(scope)])
        else:
            groups = tuple(self.instance_groups(cdk.Stack.of(scope)))
        definition = define_task(scope, self.task, logged, self.strategy.kind)
        if self.task.execute_command:
            from moorage.ecs.cluster.exec_sessions import let_in  # noqa: PLC0415  # 1 ms that only sessions need

            let_in(definition, logged, self.known.exec_sessions)
        return Launched(self, logged, groups, definition)

    @property
    def _starts_in(self) -> list[ec2.SubnetSelection | None]:
        """Where images, logs and secrets are reached from: the task itself on Fargate, else the instances."""
        if self.strategy.kind is Kind.FARGATE:
            return [self.vpc_subnets]
        return [each.vpc_subnets for each in self.strategy.weights]

    @functools.cached_property
    def _missing(self) -> list[frozenset[str] | None]:
        public, task = self.assign_public_ip, self.task
        if self.strategy.kind is Kind.FARGATE or not self.own_interface:
            return [self.reach.missing(task._needs, each, public_address=public) for each in self._starts_in]
        missing = [self.reach.missing(task._needs_to_start, each, public_address=public) for each in self._starts_in]
        if task._needs_to_run:
            missing.append(self.reach.missing(task._needs_to_run, self.vpc_subnets, public_address=public))
        return missing

    def _unsure(self) -> str:
        return (
            "its subnets have no way to the internet, as far as CDK says, so whether tasks reach "
            f"{', '.join(sorted(self.task._needs))} is not known; use a Network, which knows"
        )

    def _moving(self) -> str | None:
        """What is told of images of which nobody can say which one runs, or go back to it."""
        moving = [image._mutable_reference for each in self.task.containers if (image := each.image)._mutable_reference]
        if not moving:
            return None
        return (
            f"image {moving[0]!r} is whatever is latest, so a new version comes unasked and none can be gone back to; "
            "name a release's tag, or its digest"
        )

    def _unrecorded(self) -> str | None:
        """What is told of sessions in containers without an awslogs driver, by whose log group ECS records them."""
        if self.known.exec_sessions and self.known.exec_sessions.log_group:
            return None
        router = self.task._log_router
        routed = [each.name for each in self.task.containers if each.logging or (router and each is not router)]
        if not routed:
            return None
        return (
            f"sessions in container {routed[0]!r} are recorded nowhere, as far as is known, since its logs go "
            "elsewhere; use Cluster(exec_sessions=ExecSessions())"
        )

    def _without_https(self) -> str | None:
        """Why tasks may not start; on instances, the agent starts them through the group of its instance."""
        own_group = self.own_interface and self.security_groups is None and self.strategy.kind is Kind.FARGATE
        if not own_group or _HTTPS in self.egress or is_token(tuple(self.egress)):
            return None
        return (
            f"egress is {list(self.egress)} without {_HTTPS}, through which a task on Fargate pulls its image, reads "
            f"secrets and writes its log; use egress={[_HTTPS, *self.egress]}, or open {_HTTPS} to what serves those "
            "with connections"
        )

    def _check_kind(self, problems: Problems) -> None:
        kind = self.strategy.kind
        if self.assign_public_ip and kind is not Kind.FARGATE:
            problems.add(
                "assign_public_ip=True, but only Fargate gives a task a public address; "
                "leave it out and use a load balancer, or run on Fargate"
            )
        if kind is Kind.FARGATE:
            spot = any(each.name == "FARGATE_SPOT" for each in self.strategy.weights)
            platform_checks.check_fargate(self.task, problems, spot=spot)
        elif kind is Kind.MANAGED_INSTANCES:
            platform_checks.check_managed_instances(self.task, problems)
        else:
            platform_checks.check_instances(self.task, problems)

    def _check_sessions(self, problems: Problems) -> None:
        """Note sessions that pass by a key which nothing in its place reaches."""
        needs = (self.known.exec_sessions.needs if self.known.exec_sessions else frozenset()) - self.task._needs
        places = [self.vpc_subnets] if self.own_interface else self._starts_in
        for each in places if needs else ():
            if self.reach.missing(needs, each, public_address=self.assign_public_ip):
                problems.add(
                    "execute_command=True, and sessions of the cluster pass by a key, but its subnets cannot reach "
                    "'kms'; use Task(called_services=['kms']), which Endpoints.for_tasks(...) looks at, or a NAT "
                    "gateway (nat_gateways=1)"
                )

    def _check_instances(self, problems: Problems, *, routed: bool) -> None:
        """Note what the instances themselves refuse, or could not be reached for."""
        used = self.strategy.used
        unknown = [each.name for each in used if not self.known.knows_group_of(each)]
        if routed and unknown and not self.own_interface and self.strategy.kind is Kind.INSTANCES:
            problems.add(
                f"route leads to instances of {', '.join(map(repr, unknown))}, whose security group is not known here, "
                "so the load balancer could not reach them; use network_mode=NetworkMode.AWSVPC, or name the group in "
                "Cluster.from_attributes(security_groups=[...])"
            )
        asked = self.task.operating_system_family
        for capacity in used:
            if capacity.system not in {None, asked}:
                problems.add(
                    f"operating_system_family is {asked.value!r}, but instances of capacity {capacity.name!r} run "
                    f"{capacity.system.value if capacity.system else ''}; use a capacity with such an AMI "
                    "(Ami.windows(...) has Windows), or run it on Fargate"
                )
        privileged = [each.name for each in self.task.containers if each.privileged]
        for capacity in used:
            if privileged and not capacity.runs_privileged:
                problems.add(
                    f"container {privileged[0]!r} is privileged, which Bottlerocket refuses unless told to; use "
                    "ContainerInstance(user_data=['allow-privileged-containers = true']) in "
                    f"capacity {capacity.name!r}"
                )

    def _check_network(self, problems: Problems) -> None:
        """Note what tasks cannot have on the network."""
        ports_given = tuple(self.egress) != DEFAULT_EGRESS
        if not self.own_interface:
            given = {
                "security_groups": self.security_groups is not None,
                "egress": ports_given,
                "vpc_subnets": self.vpc_subnets is not None,
            }
            for argument in (name for name, is_given in given.items() if is_given):
                problems.add(
                    f"{argument} is given, but in {self.task.network_mode.value} mode tasks have no interface of their "
                    "own; leave it out, and say it of the instances in Capacity.ec2(...)"
                )
            return
        for port in self.egress:
            problems.check(container_limits.PORT, "egress", port)
        if self.security_groups is not None:
            problems.check(service_limits.SECURITY_GROUPS, "the number of security groups", len(self.security_groups))
            if ports_given:
                problems.add(
                    "security_groups and egress are both given, but egress is for the group defined here; "
                    "put it into yours"
                )
        if self.vpc_subnets is not None and self.vpc_subnets.subnets is not None:
            problems.check(service_limits.SUBNETS, "the number of subnets", len(self.vpc_subnets.subnets))

    def _define_security_group(self, scope: Construct) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(scope, "SecurityGroup", vpc=self.reach.vpc, allow_all_outbound=False)
        for port in self.egress:
            group.add_egress_rule(anyone(), tcp(port), f"Tasks to port {port}")
        return group


@attrs.frozen(eq=False, repr=False)
class Launched:
    """What is defined for a `Launch`, and the same in the words of those who start it.

    Args:
        launch: What it was defined for.
        log_group: Where its containers write.
        security_groups: Those of its tasks, or of the instances that stand for them.
        task_definition: What ECS starts.
    """

    launch: Launch
    log_group: logs.ILogGroup
    security_groups: tuple[ec2.ISecurityGroup, ...]
    task_definition: ecs.TaskDefinition

    @property
    def strategies(self) -> list[ecs.CapacityProviderStrategy] | None:
        """Capacity providers, and no launch type: a change from one to the other replaces a service."""
        items = self.strategy_items
        return None if items is None else [ecs.CapacityProviderStrategy(**item) for item in items]

    @property
    def strategy_items(self) -> list[dict[str, Any]] | None:
        """The same as plain data; None where the cluster's default is followed."""
        strategy = self.launch.strategy
        if strategy.of_cluster:
            return None
        return [
            {
                "capacity_provider": self.launch.known.provider_name(each),
                "weight": weight,
                **({"base": strategy.base[each]} if each in strategy.base else {}),
            }
            for each, weight in strategy.weights.items()
        ]

    @property
    def interface(self) -> dict[str, Any] | None:
        """The network interface of each task as plain data; None where it has none of its own."""
        if not self.launch.own_interface:
            return None
        public = self.launch.assign_public_ip
        among = self.launch.vpc_subnets or ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC if public else None)
        return {
            "subnets": selected_ids(self.launch.reach.vpc, among),
            "security_groups": [each.security_group_id for each in self.security_groups],
            "assign_public_ip": "ENABLED" if public else "DISABLED",
        }

    @property
    def networked(self) -> dict[str, Any]:
        """Where tasks stand in the network, as arguments of CDK's services."""
        if self.launch.own_interface:
            return {
                "vpc_subnets": self.launch.vpc_subnets,
                "security_groups": list(self.security_groups),
                "assign_public_ip": self.launch.assign_public_ip,
            }
        managed = self.launch.strategy.kind is Kind.MANAGED_INSTANCES
        return {"security_groups": list(self.security_groups)} if managed else {}


def connections_of(construct: Construct, groups: Sequence[ec2.ISecurityGroup]) -> ec2.Connections:
    """Whom these groups may connect to, and who to them.

    Raises:
        ValueError: there is none, so that each rule would be lost.
    """
    if not groups:
        raise ValueError(
            f"{construct.node.path}: security_groups of its cluster's instances are not known, and its tasks have no "
            "interface of their own; use Cluster.from_attributes(..., security_groups=[...])"
        )
    return ec2.Connections(security_groups=list(groups))


def warn(construct: Construct, name: str, warning: str | None) -> None:
    """Add a warning to a construct that its user may acknowledge by its name; none where there is nothing to say."""
    if warning:
        cdk.Annotations.of(construct).add_warning_v2(name, f"{warning}; or acknowledge this")

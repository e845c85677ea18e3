"""A task kept running in a cluster."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from moorage.ecs.capacity.capacity import CAPACITY_ATTRIBUTE, Kind
from moorage.ecs.capacity.placement import Placement
from moorage.ecs.capacity.strategy import CapacityChoice, Strategy
from moorage.ecs.cdk_values import duration, stack_of
from moorage.ecs.load_balancing.define_routes import define_routes
from moorage.ecs.service.autoscaling import HIGH_RESOLUTION, define_scaling
from moorage.ecs.service.deployment import DAEMON, ROLLING, complete, deployment
from moorage.ecs.service.service_checks import (
    SPREAD,
    check_discovery,
    check_grace,
    check_lattices,
    check_placement,
    check_rollout,
    check_room,
    check_routes,
    check_scaling,
    places_for,
    slow_to_leave,
    starts_in,
)
from moorage.ecs.task.task_launch import DEFAULT_EGRESS, Launch, Launched, connections_of, warn
from moorage.workload.durations import default_seconds, optional_seconds, seconds
from moorage.workload.problems import Problems, is_token
from moorage.workload.scaling import Scaling
from moorage.workload.task import NetworkMode

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_elasticloadbalancingv2 as elbv2
    from aws_cdk import aws_events as events
    from aws_cdk import aws_sqs as sqs
    from aws_cdk import aws_vpclattice as vpclattice

    from moorage.ecs.load_balancing.listener import Listener
    from moorage.ecs.load_balancing.route import Route
    from moorage.ecs.service.lattice import Lattice
    from moorage.ecs.service.service_connect import ConnectedService, ServiceConnect
    from moorage.workload.durations import Duration
    from moorage.workload.estimate import Estimate
    from moorage.workload.rollout import Rollout
    from moorage.workload.task import Task

TWO = Scaling(2)
_GRACE_SECONDS = 60
_START: Duration = default_seconds(60)
_STOP: Duration = default_seconds(5)


@jsii.implements(ec2.IConnectable, iam.IGrantable)
class Service(Construct):
    """A task kept running in a cluster: copies, load balancing, scaling, and rollouts that undo themselves.

    New tasks are started and healthy before old ones stop, and a rollout that does not get healthy goes back. Tasks
    have no public address, read-only file systems, a log group, and let out TCP 443 alone. It is a grantee (the task
    role) and a connectable (the tasks' security group, or the instances' where tasks have no interface of their own).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster: ecs.ICluster,
        task: Task,
        scaling: Scaling | None = None,
        route: Route | Listener | Sequence[Route | Listener] = (),
        rollout: Rollout | None = None,
        pre_deployment_task: Task | None = None,
        connect: ServiceConnect | None = None,
        cloud_map_options: ecs.CloudMapOptions | None = None,
        lattice: Lattice | Sequence[Lattice] = (),
        capacity: CapacityChoice | None = None,
        placement: Placement = SPREAD,
        vpc_subnets: ec2.SubnetSelection | None = None,
        assign_public_ip: bool = False,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        egress: Sequence[int] = DEFAULT_EGRESS,
        health_check_grace_period: Duration | None = None,
        log_group: logs.ILogGroup | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        """Define a service.

        Args:
            scope: Where it is defined.
            construct_id: Its id there.
            cluster: Where it runs: a `Cluster`, one of `Cluster.from_attributes`, or any other of CDK's.
            task: What runs.
            scaling: How many copies; two without it, so that one is left when a zone is lost.
            route: Which requests of a load balancer reach it, or which ports of a network load balancer, in up to 5
                routes and listeners; without it nothing does.
            rollout: How a new version replaces the old one; rolling, with all copies serving and a circuit breaker,
                without it, and of a daemon one instance after the other.
            pre_deployment_task: A task that runs once ahead of each new version, where and as its own tasks do, and
                fails the rollout when it does not end with 0 within an hour: a database migration. Its role is
                `before_task_definition`'s.
            connect: Its name for other services in the cluster's namespace; `connect_to` opens the path to one.
            cloud_map_options: A name of its own in a Cloud Map namespace, by DNS or by API, in place of `connect`.
            lattice: What VPC Lattice lets other VPCs and accounts reach of it, in up to 5 target groups.
            capacity: What it runs on: one capacity of the cluster, weights over several, or a `Strategy` with a base;
                the cluster's first without it. `cluster.default_strategy` follows the cluster's default, whatever it
                becomes.
            placement: On which instances of an Auto Scaling group tasks go: zones, then instances, evenly, without it.
            vpc_subnets: The subnets of the tasks, up to 16; the private ones without it.
            assign_public_ip: Whether each task gets a public address, which a public subnet without NAT needs; on
                Fargate alone.
            security_groups: In place of the one defined for its tasks, 1 to 5.
            egress: TCP ports that tasks may connect to anywhere. HTTPS alone without it, through which a task on
                Fargate starts: AWS's own interfaces, public registries and most others'. `connections` opens more, to a
                peer each.
            health_check_grace_period: After its start, how long a task's failed checks by the load balancer do not
                count; 60 s without it, or as long as a container's `HealthCheck(start_period=)` where that is longer.
                Of a service with a route or `lattice` alone.
            log_group: In place of the one defined for it, which keeps a year.
            removal_policy: What becomes of its log group when the stack goes.

        Raises:
            ValueError: with everything that this task, cluster, network and route cannot do together.
        """
        routes = tuple(route) if isinstance(route, Sequence) else (route,)
        lattices = tuple(lattice) if isinstance(lattice, Sequence) else (lattice,)
        copies = scaling or TWO
        grace = optional_seconds(health_check_grace_period)
        launch = Launch.of(
            task,
            cluster,
            capacity,
            vpc_subnets=vpc_subnets,
            assign_public_ip=assign_public_ip,
            security_groups=security_groups,
            egress=egress,
        )
        chosen = rollout or (DAEMON if placement.daemon else ROLLING)
        problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
        launch.check(problems, routed=bool(routes))
        check_scaling(scaling, routes, placement, problems)
        check_routes(routes, task, launch.reach.vpc, problems)
        check_placement(placement, launch.strategy, launch.known.capacities, problems)
        named = connect is not None and connect.name_for(task) is not None
        check_rollout(chosen, copies, routes, placement, problems, named=named)
        first = attrs.evolve(launch, task=pre_deployment_task) if pre_deployment_task else None
        if first:
            first.check_named("pre_deployment_task", problems)
            first.task.check_run_alone(problems)
        if connect:
            connect.check(task, launch.known, problems)
        told = check_room(task, launch.strategy, copies, placement, chosen, problems)
        told["@moorage/ecs:spot-drain"] = slow_to_leave(routes, launch.strategy)
        told["@moorage/ecs:grace"] = check_grace(grace, task, problems, checked=bool(routes or lattices))
        check_discovery(cloud_map_options, task, cluster, connected=connect is not None, problems=problems)
        check_lattices(lattices, task, chosen, problems)
        problems.raise_any()

        super().__init__(scope, construct_id)
        launch.warn(self)
        for name, warning in told.items():
            warn(self, name, warning)
        if launch.strategy.kind is Kind.INSTANCES:
            launch.known.claim(self, task, launch.strategy, None if placement.daemon else copies.minimum)
        launched = launch.define(self, log_group=log_group, removal_policy=removal_policy)
        self.log_group = launched.log_group
        self.security_groups = launched.security_groups
        self.task_definition = launched.task_definition
        after_capacity = launch.known.with_capacity
        self.service = _SERVICES[launch.strategy.kind](
            self,
            "Default",
            cluster=after_capacity,
            task_definition=self.task_definition,
            desired_count=None if copies.moves or placement.daemon else copies.minimum,
            capacity_provider_strategies=None if placement.daemon else launched.strategies,
            health_check_grace_period=(
                duration(max(_GRACE_SECONDS, starts_in(task)) if grace is None else grace)
                if routes or lattices
                else None
            ),
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
            enable_ecs_managed_tags=True,
            **launched.networked,
            **_placed(placement, launch.strategy),
            **deployment(chosen, placement),
            **(connect.define(self, task, launch.known, self.log_group) if connect else {}),
            cloud_map_options=cloud_map_options,
        )
        for leftover in _leftovers(task, launch.strategy):
            self._resource.add_property_deletion_override(leftover)
        if task.execute_command:
            self._resource.add_property_override("EnableExecuteCommand", value=True)
        self.rollout = chosen
        self._launch, self._copies, self._routes, self._connect = launch, copies, routes, connect
        self._daemon = placement.daemon
        self.targets = define_routes(self, self.service, routes, launch, stack_of(scope), shifts=chosen.shifts)
        self.lattice_target_groups = self._define_lattices(lattices)
        _attach_volumes(
            self, [task, pre_deployment_task] if pre_deployment_task else [task], own_interface=launch.own_interface
        )
        self._define_rollout(launched, first, after_capacity, removal_policy)
        if copies.high_resolution:
            self._resource.add_property_override("Monitoring", HIGH_RESOLUTION)
        self.scalable_task_count = define_scaling(self.service, copies, self.targets) if copies.moves else None

    def _define_lattices(self, lattices: Sequence[Lattice]) -> tuple[vpclattice.CfnTargetGroup, ...]:
        if not lattices:
            return ()
        from moorage.ecs.service.lattice import define_lattices  # noqa: PLC0415  # loads aws_cdk.aws_vpclattice

        return define_lattices(self, self.service, self._resource, lattices, self._launch, connections=self.connections)

    def _define_rollout(
        self, launched: Launched, first: Launch | None, cluster: ecs.ICluster, removal_policy: cdk.RemovalPolicy
    ) -> None:
        hooks = list(self.rollout.hooks)
        self.before_task_definition: ecs.TaskDefinition | None = None
        if first:
            from moorage.ecs.service.pre_deployment_task import define_before  # noqa: PLC0415  # loads aws_cdk.aws_lambda

            ahead, hook = define_before(self, first, launched, cluster, removal_policy)
            self.before_task_definition = ahead.task_definition
            hooks.insert(0, hook)
        for path, value in complete(self, self.service, self.rollout, self.targets, hooks).items():
            self._resource.add_property_override(f"DeploymentConfiguration.{path}", value)

    @property
    def target_groups(self) -> tuple[elbv2.ApplicationTargetGroup | elbv2.NetworkTargetGroup, ...]:
        """The target groups of its routes, and those that a shifting rollout takes turns with."""
        return tuple(group for target in self.targets for group in target.groups)

    def estimate(self, *, start: Duration = _START, stop: Duration = _STOP) -> Estimate | None:
        """How long replacing the least copies is estimated to take, how many serve meanwhile, and what outlives a zone.

        A model of ECS's documented behaviour, not a measurement.

        Args:
            start: From the decision to start a task until its application answers.
            stop: From SIGTERM until the application has ended.

        Returns:
            The estimate; None where there may be no copy, where the number is a token, and for a daemon, whose
            number the instances decide.
        """
        from moorage.workload.estimate import UNCHECKED_SECONDS, Pace, estimate  # noqa: PLC0415  # 2 ms that only estimates need

        if is_token(self._copies.minimum) or not self._copies.minimum or self._daemon:
            return None
        checks = [each.health_check.interval for each in self._launch.task.containers if each.health_check]
        intervals = [route.health.interval for route in self._routes] or checks
        pace = Pace(
            start=seconds(start),
            checked=max(intervals, default=UNCHECKED_SECONDS),
            drain=max((route.deregistration_delay for route in self._routes), default=0),
            stop=seconds(stop),
            connections=not all(route.reads_requests for route in self._routes),
        )
        return estimate(
            self.rollout,
            self._copies.minimum,
            zones=self._launch.reach.zones,
            pace=pace,
            places=places_for(self._launch.task, self._launch.strategy),
        )

    def connect_to(self, other: Service) -> str:
        """Let its tasks connect to another service on the port that it serves, and on no other.

        To tasks in bridge mode it opens the ports that instances hand out, of which a proxy has one.

        It is defined after the other, since a proxy knows the services alone that were there when it started.

        Args:
            other: A service with `connect=ServiceConnect()` and a port, as this one has, with or without one.

        Returns:
            Where it is reached: `http://catalog`.

        Raises:
            ValueError: one of the two has no place in a namespace, or each in another, the other serves no port, or it
                is a circle of stacks.
        """
        from moorage.ecs.service.service_connect import apart, open_path  # noqa: PLC0415  # 4 ms that only Service Connect needs

        problems = Problems(lambda: str(self.node.path))
        for service in (self, other):
            if service._connect is None:  # of the same class
                problems.add(
                    f"{service.node.path} has no place in a namespace, so it knows no names of others and has none; "
                    "use Service(connect=ServiceConnect())"
                )
            if not service.security_groups:
                problems.add(
                    f"{service.node.path} runs behind instances whose security group is not known, so that no path "
                    "could be opened; use Cluster.from_attributes(..., security_groups=[...])"
                )
        if self._connect and other._connect and apart(self._launch.known, other._launch.known):  # of the same class
            problems.add(
                f"{other.node.path} has its name in another namespace than this service, whose proxy would not find "
                "it; define both in one cluster, or in clusters that share a namespace"
            )
        front = other._launch.task.front  # of the same class
        if front is None or front.port is None:
            problems.add(f"{other.node.path} serves no port to connect to; use Container(..., port=...) in its task")
        problems.raise_any()
        if front and front.port and other._connect:  # of the same class
            open_path(self._connected, other._connected, front.port)  # of the same class
            return other._connect.url_for(other._launch.task)  # of the same class
        return ""

    @functools.cached_property
    def _connected(self) -> ConnectedService:
        from moorage.ecs.service.service_connect import ConnectedService  # noqa: PLC0415  # 4 ms that only Service Connect needs

        return ConnectedService(
            self,
            service=self.service,
            launch=self._launch,
            security_groups=self.security_groups,
            targets=self.targets,
        )

    def redeploy_on_rotation(self) -> events.CfnRule:
        """Have ECS replace its tasks, by its rollout, when a secret or a parameter that they read has a new value.

        Tasks read them once, at their start. A secret is heard of when its stage moves, by rotation or by hand.

        Returns:
            The rule of EventBridge that hears of it.

        Raises:
            ValueError: its tasks read nothing that could change, or a secret of another account.
        """
        from moorage.ecs.service.secret_rotation import define_redeployment  # noqa: PLC0415  # loads aws_cdk.aws_events

        return define_redeployment(self, self.service, self.cluster, self._launch.task, self.log_group)

    @property
    def cluster(self) -> ecs.ICluster:
        """Where it runs."""
        return self._launch.cluster

    @property
    def queue(self) -> sqs.IQueue | None:
        """The queue whose messages move the number of its tasks."""
        return self._copies.queue

    @property
    def connections(self) -> ec2.Connections:
        """Whom its tasks may connect to, and who may connect to them."""
        return self.service.connections if self._launch.own_interface else self._of_instances

    @functools.cached_property
    def _of_instances(self) -> ec2.Connections:
        return connections_of(self, self.security_groups)

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The task role, which the application in the task acts as."""
        return self.task_definition.task_role.grant_principal

    def metric(
        self, metric_name: str, *, statistic: str | None = None, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """A metric that ECS publishes of this service; averages over five minutes unless told otherwise."""
        return self.service.metric(metric_name, statistic=statistic, period=period)

    def metric_cpu_utilization(
        self, *, statistic: str | None = None, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """How much CPU its tasks use, in percent of what they reserve."""
        return self.service.metric_cpu_utilization(statistic=statistic, period=period)

    def metric_memory_utilization(
        self, *, statistic: str | None = None, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """How much memory its tasks use, in percent of what they reserve."""
        return self.service.metric_memory_utilization(statistic=statistic, period=period)

    @property
    def _resource(self) -> cdk.CfnResource:
        resource = self.service.node.default_child
        if not isinstance(resource, cdk.CfnResource):
            raise TypeError(f"{self.node.path}: the service has no CloudFormation resource as its default child")
        return resource


_SERVICES: Mapping[Kind, type[ecs.FargateService] | type[ecs.Ec2Service]] = {
    Kind.FARGATE: ecs.FargateService,
    Kind.INSTANCES: ecs.Ec2Service,
    Kind.MANAGED_INSTANCES: ecs.FargateService,  # CDK's name for what AWS places itself
}


def _attach_volumes(service: Service, tasks: Sequence[Task], *, own_interface: bool) -> None:
    if any(task.volumes for task in tasks):
        from moorage.ecs.task.volumes import attach_volumes  # noqa: PLC0415  # 5 ms that only volumes need

        attach_volumes(service, tasks, service.service, service.connections if own_interface else None)


def _placed(placement: Placement, strategy: Strategy) -> dict[str, Any]:
    """On which instances tasks go."""
    if strategy.kind is not Kind.INSTANCES:
        return {}
    constraints = list(placement.constraints)
    # ECS starts a daemon on every instance of the cluster, and takes no strategy for it
    if placement.daemon and not any(each.exists_already for each in strategy.used):
        names = ", ".join(each.name for each in strategy.used)
        constraints.append(ecs.PlacementConstraint.member_of(f"attribute:{CAPACITY_ATTRIBUTE} in [{names}]"))
    return {
        "daemon": placement.daemon,
        "placement_strategies": placement.by or None,
        "placement_constraints": constraints or None,
    }


def _leftovers(task: Task, strategy: Strategy) -> list[str]:
    """What CDK writes though it was not asked: a launch type beside no strategy, and awsvpc beside host mode."""
    left = ["LaunchType"] if strategy.of_cluster else []
    hosted = task.network_mode is not NetworkMode.AWSVPC and strategy.kind is Kind.MANAGED_INSTANCES
    return [*left, "NetworkConfiguration"] if hosted else left

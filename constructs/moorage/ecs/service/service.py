"""A task kept running in a cluster."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from moorage.ecs.capacity.capacity import CapacityKind
from moorage.ecs.capacity.placement import EVEN_PLACEMENT, Placement
from moorage.ecs.capacity.strategy import CapacityChoice, Strategy
from moorage.ecs.cdk_values import optional_duration, stack_of
from moorage.ecs.identity import Identity
from moorage.ecs.service.autoscaling import HIGH_RESOLUTION_MONITORING, define_scaling
from moorage.ecs.service.deployment import (
    DAEMON_ROLLOUT,
    DEFAULT_ROLLOUT,
    define_deployment_properties,
    deployment_arguments,
)
from moorage.ecs.service.service_plan import DEFAULT_SCALING, ServicePlan
from moorage.ecs.task.task_launch import DEFAULT_EGRESS, Launch, TaskResources, connections_of
from moorage.workload.door import door
from moorage.workload.durations import default_seconds, optional_seconds, seconds
from moorage.workload.problems import Problems
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
    from moorage.ecs.service.service_connect import ServiceConnect
    from moorage.ecs.service.service_connect_paths import ConnectedService
    from moorage.workload.durations import Duration
    from moorage.workload.estimate import Estimate
    from moorage.workload.rollout import Rollout
    from moorage.workload.task import Task

_DEFAULT_START: Duration = default_seconds(60)
_DEFAULT_STOP: Duration = default_seconds(5)


@door
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
        route: Route | Listener | Sequence[Route | Listener] | None = None,
        rollout: Rollout | None = None,
        pre_deployment_task: Task | None = None,
        connect: ServiceConnect | None = None,
        cloud_map_options: ecs.CloudMapOptions | None = None,
        lattice: Lattice | Sequence[Lattice] | None = None,
        capacity: CapacityChoice | None = None,
        placement: Placement = EVEN_PLACEMENT,
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
            scope: The scope in which to define it.
            construct_id: Its id in this scope.
            cluster: The cluster that runs the tasks: a `Cluster`, one of `Cluster.from_attributes`, or any other of
                CDK's.
            task: The task to run.
            scaling: The number of copies, and what changes it. Default: 2, so that one copy survives the loss of a
                zone.
            route: The requests of a load balancer, or the ports of a network load balancer, that reach the service: up
                to 5 routes and listeners. Default: none.
            rollout: How a new version replaces the old one. Default: a rolling deployment with a circuit breaker, in
                which all copies keep serving; for a daemon, one instance after the other.
            pre_deployment_task: A task that runs once before each deployment, such as a database migration, with the
                capacity and network of the service. The rollout fails if its first essential container does not exit
                with 0 within an hour. `before_task_definition` has its role. Default: none.
            connect: The name in the cluster's namespace. With it, `connect_to` of the service opens a path to another
                service. Default: no name.
            cloud_map_options: A name in a namespace of Cloud Map, by DNS or by API, in place of `connect`. Default:
                none.
            lattice: Up to 5 target groups through which VPC Lattice opens the service to other VPCs and accounts.
                Default: none.
            capacity: The capacity of the tasks: one capacity of the cluster, weights over several, or a `Strategy` with
                a base. `cluster.default_strategy` follows the cluster's default, whatever it becomes. Default: the
                cluster's first capacity.
            placement: The instances of an Auto Scaling group that tasks go to. Default: spread evenly over zones, then
                over instances.
            vpc_subnets: The subnets of the tasks, up to 16. Default: the private subnets.
            assign_public_ip: Whether to give each task a public address, which a public subnet without NAT needs. Only
                on Fargate. Default: False.
            security_groups: The security groups of the tasks, 1 to 5. Default: a new one.
            egress: The TCP ports through which tasks may connect to any address. `connections` opens others to one peer
                each. Default: HTTPS (443), through which a task on Fargate pulls images, writes logs and calls AWS.
            health_check_grace_period: The time after the start of a task in which failed checks of the load balancer,
                of VPC Lattice and of its containers do not count. Default: with a route or `lattice` 60 seconds, or the
                longest `HealthCheck(start_period=)` of a container if that is more; otherwise none.
            log_group: The log group of the containers. Default: a new one, which keeps logs for a year.
            removal_policy: What to do with the log group and the queues that are defined here when the stack is
                deleted. Default: RETAIN.

        Raises:
            ValueError: with everything that this task, cluster, network and route cannot do together.
        """
        launch = Launch.of(
            task,
            cluster,
            capacity,
            vpc_subnets=vpc_subnets,
            assign_public_ip=assign_public_ip,
            security_groups=security_groups,
            egress=egress,
        )
        plan = ServicePlan(
            launch=launch,
            scaling=scaling or DEFAULT_SCALING,
            routes=route,
            rollout=rollout or (DAEMON_ROLLOUT if placement.daemon else DEFAULT_ROLLOUT),
            placement=placement,
            pre_deployment_task=pre_deployment_task,
            connect=connect,
            cloud_map_options=cloud_map_options,
            lattices=lattice,
            explicit_grace_period=optional_seconds(health_check_grace_period),
        )
        problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
        plan.check(problems, scope, log_group)
        problems.raise_any()

        super().__init__(scope, construct_id)
        self._plan = plan
        plan.warn(self)
        plan.claim_names(self)
        identity = Identity.in_scope(scope, construct_id)
        resources = launch.define(self, identity, log_group, removal_policy, plan.port_protocols)
        self.log_group = resources.log_group
        self.security_groups = resources.security_groups
        self.task_definition = resources.task_definition
        self.service = self._define_service(resources)
        self._targets = plan.define_routes(self, self.service, stack_of(scope))
        self.lattice_target_groups = self._define_lattices()
        self._attach_volumes()
        self.before_task_definition = self._define_deployment(resources, removal_policy)
        self.scalable_task_count = self._define_scaling()

    def _define_service(self, resources: TaskResources) -> ecs.FargateService | ecs.Ec2Service:
        plan, launch = self._plan, self._plan.launch
        if launch.strategy._kind is CapacityKind.INSTANCES:
            launch.cluster_view._claim(self, plan.task, launch.strategy, plan.copies)
        connect = plan.connect._define(self, plan.task, launch.cluster_view, self.log_group) if plan.connect else {}
        service = _SERVICE_CLASSES[launch.strategy._kind](
            self,
            "Default",
            cluster=launch.cluster_view.with_capacity,
            task_definition=self.task_definition,
            desired_count=None if plan.scaling._changes_count else plan.copies,
            capacity_provider_strategies=None if plan.placement.daemon else resources.strategies,
            health_check_grace_period=optional_duration(plan.grace_period),
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
            enable_ecs_managed_tags=True,
            **resources.network_arguments,
            **plan.placement._service_arguments(launch.strategy),
            **deployment_arguments(plan.rollout, plan.placement),
            **connect,
            cloud_map_options=plan.cloud_map_options,
        )
        for property_name in _unwanted_properties(plan.task, launch.strategy):
            _resource_of(service).add_property_deletion_override(property_name)
        for index, field in plan.placement._packed_fields.items():
            _resource_of(service).add_property_override(f"PlacementStrategies.{index}.Field", field)
        if plan.task.execute_command:
            _resource_of(service).add_property_override("EnableExecuteCommand", value=True)
        return service

    def _define_lattices(self) -> tuple[vpclattice.CfnTargetGroup, ...]:
        plan = self._plan
        if not plan.lattices:
            return ()
        from moorage.ecs.service.lattice import define_lattices  # noqa: PLC0415  # loads aws_cdk.aws_vpclattice

        resource = _resource_of(self.service)
        return define_lattices(self, self.service, resource, plan.lattices, plan.launch, connections=self.connections)

    def _attach_volumes(self) -> None:
        plan = self._plan
        if not any(task.volumes for task in plan.tasks):
            return
        from moorage.ecs.task.volumes import attach_volumes  # noqa: PLC0415  # needed only by volumes

        own_connections = self.service.connections if plan.launch.has_own_interface else None
        attach_volumes(self, plan.tasks, self.service, own_connections)

    def _define_deployment(
        self, resources: TaskResources, removal_policy: cdk.RemovalPolicy
    ) -> ecs.TaskDefinition | None:
        """Define the hooks and alarms of a rollout, and return the definition of its task, if it has one."""
        plan = self._plan
        hooks = list(plan.rollout.hooks)
        task_definition = None
        if plan.pre_deployment_launch:
            from moorage.ecs.service.pre_deployment_task import define_pre_deployment_task  # noqa: PLC0415  # loads aws_cdk.aws_lambda

            cluster = plan.launch.cluster_view.with_capacity
            pre_deployment_resources, hook = define_pre_deployment_task(
                self, plan.pre_deployment_launch, resources, cluster, removal_policy
            )
            task_definition = pre_deployment_resources.task_definition
            hooks.insert(0, hook)
        arguments = (plan.rollout, self._targets, hooks, plan._start_period)
        for path, value in define_deployment_properties(self, self.service, *arguments).items():
            _resource_of(self.service).add_property_override(f"DeploymentConfiguration.{path}", value)
        return task_definition

    def _define_scaling(self) -> ecs.ScalableTaskCount | None:
        scaling = self._plan.scaling
        if scaling.high_resolution:
            _resource_of(self.service).add_property_override("Monitoring", HIGH_RESOLUTION_MONITORING)
        return define_scaling(self.service, scaling, self._targets) if scaling._changes_count else None

    @property
    def target_groups(self) -> tuple[elbv2.ApplicationTargetGroup | elbv2.NetworkTargetGroup, ...]:
        """The target groups of its routes, and those that a shifting rollout takes turns with."""
        return tuple(group for target in self._targets for group in target.groups)

    def estimate(self, *, start: Duration = _DEFAULT_START, stop: Duration = _DEFAULT_STOP) -> Estimate | None:
        """How long replacing the least copies is estimated to take, how many serve meanwhile, and what outlives a zone.

        A model of ECS's documented behaviour, not a measurement.

        Args:
            start: From the decision to start a task until its application answers.
            stop: From SIGTERM until the application has ended.

        Returns:
            The estimate; None where there may be no copy, where the number is a token, and for a daemon, whose
            number the instances decide.
        """
        return self._plan.estimate(start=seconds(start), stop=seconds(stop))

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
        from moorage.ecs.service.service_connect_paths import connect  # noqa: PLC0415  # needed only by Service Connect

        return connect(self._connected, other._connected)

    @functools.cached_property
    def _connected(self) -> ConnectedService:
        from moorage.ecs.service.service_connect_paths import ConnectedService  # noqa: PLC0415  # needed only by Service Connect

        return ConnectedService(
            self,
            service=self.service,
            launch=self._plan.launch,
            connect=self._plan.connect,
            security_groups=self.security_groups,
            targets=self._targets,
        )

    def redeploy_on_rotation(self) -> events.CfnRule:
        """Have ECS replace its tasks, by its rollout, when a secret or a parameter that they read has a new value.

        Tasks read them once, at their start. A secret is heard of when its stage moves, by rotation or by hand. This is
        a deployment: the pre-deployment task runs again.

        Returns:
            The rule of EventBridge that hears of it, the same at each call.

        Raises:
            ValueError: its tasks read nothing that could change, or a secret of another account.
        """
        from moorage.ecs.service.secret_rotation import define_redeployment  # noqa: PLC0415  # loads aws_cdk.aws_events

        return define_redeployment(self, self.service, self.cluster, self._plan.launch.task, self.log_group)

    @property
    def rollout(self) -> Rollout:
        """The way in which a new version replaces the old one."""
        return self._plan.rollout

    @property
    def cluster(self) -> ecs.ICluster:
        """The cluster that runs its tasks."""
        return self._plan.launch.cluster

    @property
    def queue(self) -> sqs.IQueue | None:
        """The queue whose messages move the number of its tasks."""
        return self._plan.scaling.queue

    @property
    def connections(self) -> ec2.Connections:
        """Whom its tasks may connect to, and who may connect to them."""
        return self.service.connections if self._plan.launch.has_own_interface else self._instance_connections

    @functools.cached_property
    def _instance_connections(self) -> ec2.Connections:
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


_SERVICE_CLASSES: Mapping[CapacityKind, type[ecs.FargateService] | type[ecs.Ec2Service]] = {
    CapacityKind.FARGATE: ecs.FargateService,
    CapacityKind.INSTANCES: ecs.Ec2Service,
    CapacityKind.MANAGED_INSTANCES: ecs.FargateService,  # CDK's name for what AWS places itself
}


def _unwanted_properties(task: Task, strategy: Strategy) -> list[str]:
    """List the properties that CDK writes by itself: a launch type beside no strategy, and awsvpc beside host mode."""
    launch_type = ["LaunchType"] if strategy._follows_cluster else []
    without_own_network = (
        task.network_mode is not NetworkMode.AWSVPC and strategy._kind is CapacityKind.MANAGED_INSTANCES
    )
    return [*launch_type, "NetworkConfiguration"] if without_own_network else launch_type


def _resource_of(service: ecs.BaseService) -> cdk.CfnResource:
    return cast("cdk.CfnResource", service.node.default_child)

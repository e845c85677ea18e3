"""A service: a task that is kept running in a cluster."""

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
from moorage.ecs.task.task_logs import TaskLogs
from moorage.workload.door import door
from moorage.workload.durations import default_seconds, optional_seconds, seconds
from moorage.workload.ports import find_port
from moorage.workload.scaling import Scaling
from moorage.workload.task import NetworkMode

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_elasticloadbalancingv2 as elbv2
    from aws_cdk import aws_events as events
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sqs as sqs
    from aws_cdk import aws_vpclattice as vpclattice

    from moorage.ecs.load_balancing.gateway_connector import GatewayConnector
    from moorage.ecs.load_balancing.listener import Listener
    from moorage.ecs.load_balancing.route import Route
    from moorage.ecs.service.imported_service import ImportedService
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
    """A task that is kept running in a cluster, with load balancing, scaling and rollouts that roll back on failure.

    By default, new tasks are healthy before old tasks stop, and a rollout whose tasks do not become healthy is rolled
    back. Tasks have no public address, a read-only root file system and a log group, and may connect only to TCP 443. A
    service is an `IGrantable` (the task role) and an `IConnectable` (the security group of the tasks, or of the
    instances if tasks do not have their own network interface).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster: ecs.ICluster,
        task: Task,
        scaling: Scaling | None = None,
        route: Route | Listener | GatewayConnector | Sequence[Route | Listener | GatewayConnector] | None = None,
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
        log_retention: logs.RetentionDays | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
        service_name: str | None = None,
    ) -> None:
        """Define a service.

        Args:
            scope: The scope in which to define this construct.
            construct_id: The ID of this construct in its scope.
            cluster: The cluster that runs the tasks: a `Cluster`, a cluster that `Cluster.from_attributes` returned, or
                any other `ecs.ICluster`.
            task: The task to run.
            scaling: The number of copies, and its scaling. Default: 2, so that one copy survives the loss of a zone.
            route: The requests of an Application Load Balancer (`Route`), or the ports of a Network Load Balancer
                (`Listener`), that go to the service, up to 5; or the connection to a `Gateway` (`GatewayConnector`), at
                most one. Default: none.
            rollout: The way in which a new version replaces the old one. Default: a rolling deployment with a circuit
                breaker, in which all copies keep serving. A daemon is replaced on one instance after the other.
            pre_deployment_task: A task that runs once before each deployment, such as a database migration, with the
                capacity and network of the service. The deployment fails if the task's first essential container does
                not exit with code 0 within an hour. The attribute `before_task_definition` has the task definition and
                its role. Default: none.
            connect: The name of the service in the cluster's Service Connect namespace. With a name,
                `Service.connect_to` can open a path to another service. Default: no name.
            cloud_map_options: A name in a DNS namespace of Cloud Map, in place of `connect`. Default: none.
            lattice: Up to 5 target groups through which VPC Lattice opens the service to other VPCs and accounts.
                Default: none.
            capacity: The capacity of the tasks: one capacity of the cluster, several capacities with weights, or a
                `Strategy` with a base. `cluster.default_strategy` follows the cluster's default, even if the default
                changes. Default: `Cluster(default_strategy=)`, otherwise the cluster's first capacity.
            placement: The placement of tasks on the instances of an Auto Scaling group. Default: spread evenly over
                zones, then over instances.
            vpc_subnets: The subnets of the tasks, up to 16. Default: the private subnets, or the public subnets if
                `assign_public_ip`.
            assign_public_ip: Whether to assign a public address to each task. A task in a public subnet needs a public
                address to reach the internet. Supported only on Fargate. Default: False.
            security_groups: The security groups of the tasks, 1 to 5. Default: a new security group.
            egress: The TCP ports through which tasks may connect to any address. Use `connections` for other ports and
                peers. Default: HTTPS (443), through which a task on Fargate pulls images, writes logs and calls AWS.
            health_check_grace_period: The time after the start of a task in which failed health checks of the load
                balancer, of VPC Lattice and of containers are ignored, 0 to 2,147,483,647 seconds. Default: with a
                route or `lattice`, 60 seconds or the longest `HealthCheck(start_period=)`, whichever is longer.
                Otherwise none.
            log_group: The log group of the containers. Default: a new log group.
            log_retention: The time for which new log groups keep logs. Default: a year.
            removal_policy: The removal policy of new log groups. Default: `RETAIN`.
            service_name: The name of the service, by which scripts and metrics find it: 1 to 255 letters, digits,
                hyphens and underscores, unique in the cluster. moorage does not add the name of the stack. A change
                that replaces the service in its cluster must also change the name. Default: CloudFormation generates a
                name.

        Raises:
            ValueError: If the task, cluster, network, routes and other arguments do not work together. The error lists
                all problems.
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
            entrances=route,
            rollout=rollout or (DAEMON_ROLLOUT if placement.daemon else DEFAULT_ROLLOUT),
            placement=placement,
            pre_deployment_task=pre_deployment_task,
            connect=connect and connect._named_after(construct_id, task),
            cloud_map_options=cloud_map_options,
            lattices=lattice,
            explicit_grace_period=optional_seconds(health_check_grace_period),
            task_logs=TaskLogs(log_group, log_retention, removal_policy),
            service_name=service_name,
        )
        plan.raise_problems(scope, construct_id)

        super().__init__(scope, construct_id)
        self._plan = plan
        plan.warn(self)
        plan.claim_names(self)
        identity = Identity.in_scope(scope, construct_id)
        resources = launch.define(self, identity, plan.task_logs, plan.port_protocols)
        self.log_group = resources.log_group
        self.security_groups = resources.security_groups
        self.task_definition = resources.task_definition
        self.service = self._define_service(resources)
        self._targets = plan.define_routes(self, self.service, stack_of(scope))
        self.lattice_target_groups = self._define_lattices()
        self._attach_volumes()
        self.before_task_definition = self._define_deployment(resources)
        self.scalable_task_count = self._define_scaling()

    @staticmethod
    def from_attributes(
        scope: Construct,
        construct_id: str,
        *,
        cluster: ecs.ICluster,
        service_name: str | None = None,
        service_arn: str | None = None,
        load_balancer_arn: str | None = None,
        target_group_arns: str | Sequence[str] = (),
        connect: ServiceConnect | None = None,
        port: int | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] = (),
    ) -> ImportedService:
        """Import a service that another stack or another tool defines, for alarms, dashboards and `connect_to`.

        Args:
            scope: The scope in which to import the service.
            construct_id: The ID of this construct in its scope.
            cluster: The cluster of the service, such as the result of `Cluster.from_attributes`, which needs no VPC
                here.
            service_name: The name of the service. Default: the name in `service_arn`.
            service_arn: The ARN of the service, in place of its name. Default: the name and the cluster say it.
            load_balancer_arn: The ARN of the load balancer of the service, for metrics of targets. A token stands for
                an Application Load Balancer. Default: no metrics of targets.
            target_group_arns: The ARN of the target group, or of the two target groups between which rollouts that
                shift traffic alternate. Default: no metrics of targets.
            connect: The name and the port of the service in the Service Connect namespace of the cluster. Other
                settings have no effect. Default: no service can connect to it.
            port: The port of the container that other services connect to, 1 to 65535. Required by `connect`.
                Default: none.
            security_groups: The security groups of the tasks, which need network interfaces of their own. Required by
                `connect`. Default: unknown.

        Returns:
            The service, with its metrics and its `connections`.

        Raises:
            ValueError: If both or neither of service_name and service_arn are given, an ARN does not have the form of
                its resource type or is in another account or region, or arguments that belong together are missing.
        """
        from moorage.ecs.service.imported_service import ImportedService  # noqa: PLC0415  # needed only by imports

        return ImportedService(
            scope,
            construct_id,
            cluster=cluster,
            service_name=service_name,
            service_arn=service_arn,
            load_balancer_arn=load_balancer_arn,
            target_group_arns=target_group_arns,
            connect=connect,
            port=port,
            security_groups=security_groups,
        )

    def _define_service(self, resources: TaskResources) -> ecs.FargateService | ecs.Ec2Service:
        plan, launch = self._plan, self._plan.launch
        if launch.strategy._kind is CapacityKind.INSTANCES:
            launch.cluster_view._claim(self, plan.task, launch.strategy, plan.copies)
        connect = plan.connect._define(self, plan.task, launch.cluster_view, self.log_group) if plan.connect else {}
        service = _SERVICE_CLASSES[launch.strategy._kind](
            self,
            "Default",
            cluster=launch.cluster_view.with_capacity,
            service_name=plan.service_name,
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
        if plan.gateway:
            plan.gateway._define(service, launch, resources.security_groups)
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

    def _define_deployment(self, resources: TaskResources) -> ecs.TaskDefinition | None:
        """Define the hooks and alarms of rollouts. Return the definition of the pre-deployment task, or None."""
        plan = self._plan
        hooks = list(plan.rollout.hooks)
        task_definition = None
        if plan.pre_deployment_launch:
            from moorage.ecs.service.pre_deployment_task import define_pre_deployment_task  # noqa: PLC0415  # loads aws_cdk.aws_lambda

            cluster = plan.launch.cluster_view.with_capacity
            pre_deployment_resources, hook = define_pre_deployment_task(
                self, plan.pre_deployment_launch, resources, cluster, plan.task_logs
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
        """The target groups of the routes, including the alternate target groups of rollouts that shift traffic."""
        return tuple(group for target in self._targets for group in target.groups)

    @property
    def url(self) -> str:
        """The URL of the service: its first route's host or the DNS name of the load balancer, and the first path.

        The scheme is that of the load balancer's listener. The path ends before its first wildcard.

        Raises:
            ValueError: If the service has no `Route`, for example because it is on a `Gateway`; if all hosts of its
                first route have wildcards; or if the load balancer is imported and the route has no host.
        """
        from moorage.ecs.load_balancing.urls import url_of  # noqa: PLC0415  # needed only by URLs

        return url_of(self.node.path, self._plan.routes, self._plan.gateway)

    def estimate(self, *, start: Duration = _DEFAULT_START, stop: Duration = _DEFAULT_STOP) -> Estimate | None:
        """Estimate how long it takes to replace the minimum number of copies, and how many copies serve meanwhile.

        The estimate follows from ECS's documented behavior and is not a measurement.

        Args:
            start: The time from the decision to start a task until its application responds. Default: 60 seconds.
            stop: The time from SIGTERM until the application has exited. Default: 5 seconds.

        Returns:
            The estimate, or None for a daemon and if the minimum is 0 or a token.

        Raises:
            ValueError: If a time is negative.
        """
        return self._plan.estimate(start=seconds(start), stop=seconds(stop))

    def connect_to(self, other: Service | ImportedService) -> str:
        """Let the tasks of this service connect to the port of another service.

        Only that port is opened, unless the other service is in bridge mode. ECS then assigns the port of the other
        service's proxy, so all ports that ECS may assign are opened.

        Unless the other service already connects to this service, this service is deployed after the other service. A
        proxy knows only services that exist when the proxy starts.

        Args:
            other: A service with `connect=ServiceConnect()` and a port, or the result of `Service.from_attributes`.
                This service needs `connect` as well, but no port.

        Returns:
            The URL of the other service, such as `http://catalog`.

        Raises:
            ValueError: If a service has no `connect` or no known security group, the namespaces differ, the other
                service has no port, or the stacks would depend on each other in a cycle.
        """
        from moorage.ecs.service.service_connect_paths import connect  # noqa: PLC0415  # needed only by Service Connect

        return connect(self._connected, other._connected)

    @functools.cached_property
    def _connected(self) -> ConnectedService:
        from moorage.ecs.service.service_connect_paths import ConnectedService  # noqa: PLC0415  # needed only by Service Connect

        launch, connect = self._plan.launch, self._plan.connect
        port = find_port(launch.task.containers, None, connect.container_port if connect else None)
        name = connect and connect._name_for(launch.task)
        return ConnectedService(
            self,
            service=self.service,
            cluster_view=launch.cluster_view,
            connect=connect,
            url=connect._url_of(name) if connect and name else None,
            port=port.number if port else None,
            has_own_interface=launch.has_own_interface,
            security_groups=self.security_groups,
            instance_security_groups=launch.instance_security_groups,
            cluster=launch.cluster,
            load_balancers=tuple(target.route.load_balancer for target in self._targets),
        )

    def redeploy_on_rotation(self, *, encryption_key: kms.IKey | None = None) -> events.CfnRule:
        """Start a new deployment, which replaces the tasks, when a secret or parameter of the tasks gets a new value.

        Tasks read their secrets once, when they start. A secret has a new value when its stage moves to another
        version, by rotation or manually. The deployment uses the service's rollout and runs its pre-deployment task.

        Args:
            encryption_key: The KMS key of the dead-letter queue, which receives an event if no deployment can start.
                EventBridge is allowed to use the key; the policy of an imported key must already allow this.
                Default: a key that SQS manages.

        Returns:
            The EventBridge rule for these events. Each call returns the same rule, with the key of the first call.

        Raises:
            ValueError: If the tasks have no secret or parameter whose value can change, a secret or parameter is in
                another account or region, or the key is in another region.
        """
        from moorage.ecs.service.secret_rotation import define_redeployment  # noqa: PLC0415  # loads aws_cdk.aws_events

        return define_redeployment(
            self, self.service, self.cluster, self._plan.launch.task, self.log_group, encryption_key
        )

    @property
    def rollout(self) -> Rollout:
        """The way in which a new version replaces the old one."""
        return self._plan.rollout

    @property
    def cluster(self) -> ecs.ICluster:
        """The cluster that runs the tasks."""
        return self._plan.launch.cluster

    @property
    def queue(self) -> sqs.IQueue | None:
        """The queue whose backlog changes the number of tasks, or None if no queue does."""
        return self._plan.scaling.queue

    @property
    def connections(self) -> ec2.Connections:
        """The connections of the tasks, to allow traffic from and to the tasks."""
        return self.service.connections if self._plan.launch.has_own_interface else self._instance_connections

    @functools.cached_property
    def _instance_connections(self) -> ec2.Connections:
        return connections_of(self, self.security_groups)

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The task role, with which the application calls AWS."""
        return self.task_definition.task_role.grant_principal

    def metric(
        self, metric_name: str, *, statistic: str | None = None, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Return a metric that ECS publishes for this service.

        Args:
            metric_name: The name of the metric in the namespace `AWS/ECS`.
            statistic: The statistic. Default: the average.
            period: The period over which the statistic is computed. Default: five minutes.
        """
        return self.service.metric(metric_name, statistic=statistic, period=period)

    def metric_cpu_utilization(
        self, *, statistic: str | None = None, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Return the metric for the CPU that the tasks use, in percent of the CPU that they reserve.

        Args:
            statistic: The statistic. Default: the average.
            period: The period over which the statistic is computed. Default: five minutes.
        """
        return self.service.metric_cpu_utilization(statistic=statistic, period=period)

    def metric_memory_utilization(
        self, *, statistic: str | None = None, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Return the metric for the memory that the tasks use, in percent of the memory that they reserve.

        Args:
            statistic: The statistic. Default: the average.
            period: The period over which the statistic is computed. Default: five minutes.
        """
        return self.service.metric_memory_utilization(statistic=statistic, period=period)


_SERVICE_CLASSES: Mapping[CapacityKind, type[ecs.FargateService] | type[ecs.Ec2Service]] = {
    CapacityKind.FARGATE: ecs.FargateService,
    CapacityKind.INSTANCES: ecs.Ec2Service,
    CapacityKind.MANAGED_INSTANCES: ecs.FargateService,  # CDK uses it for Managed Instances as well
}


def _unwanted_properties(task: Task, strategy: Strategy) -> list[str]:
    """Return the properties to delete from CDK's resource.

    CDK writes a launch type if there is no strategy, and a network configuration even if tasks do not have their own
    network interface.
    """
    launch_type = ["LaunchType"] if strategy._follows_cluster else []
    without_own_network = (
        task.network_mode is not NetworkMode.AWSVPC and strategy._kind is CapacityKind.MANAGED_INSTANCES
    )
    return [*launch_type, "NetworkConfiguration"] if without_own_network else launch_type


def _resource_of(service: ecs.BaseService) -> cdk.CfnResource:
    return cast("cdk.CfnResource", service.node.default_child)

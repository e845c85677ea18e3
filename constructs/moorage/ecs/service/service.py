"""A service: a task that is kept running in a cluster."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from moorage.ecs.capacity.placement import EVEN_PLACEMENT, Placement
from moorage.ecs.cdk_values import stack_of
from moorage.ecs.identity import Identity
from moorage.ecs.service.define_service import (
    attach_volumes,
    define_deployment,
    define_lattices,
    define_scaling,
    define_service,
)
from moorage.ecs.service.deployment import DAEMON_ROLLOUT, DEFAULT_ROLLOUT
from moorage.ecs.service.service_costs import ServiceCosts
from moorage.ecs.service.service_plan import DEFAULT_SCALING, ServicePlan
from moorage.ecs.task.task_launch import DEFAULT_EGRESS, Launch, connections_of
from moorage.ecs.task.task_logs import TaskLogs
from moorage.workload.door import door
from moorage.workload.durations import default_seconds, optional_seconds, seconds
from moorage.workload.ports import find_port
from moorage.workload.scaling import Scaling

if TYPE_CHECKING:
    import datetime as dt

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_elasticloadbalancingv2 as elbv2
    from aws_cdk import aws_events as events
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sqs as sqs

    from moorage.ecs.capacity.capacity import Capacity
    from moorage.ecs.capacity.strategy import Strategy
    from moorage.ecs.load_balancing.gateway_connector import GatewayConnector
    from moorage.ecs.load_balancing.listener import Listener
    from moorage.ecs.load_balancing.route import Route
    from moorage.ecs.service.imported_service import ImportedService
    from moorage.ecs.service.lattice import Lattice
    from moorage.ecs.service.service_connect import ServiceConnect
    from moorage.ecs.service.service_connect_paths import ConnectedService
    from moorage.workload.estimate import Estimate
    from moorage.workload.rollout import Rollout
    from moorage.workload.task import Task

_DEFAULT_START = default_seconds(60)
_DEFAULT_STOP = default_seconds(5)


@door
@jsii.implements(ec2.IConnectable, iam.IGrantable)
class Service(ServiceCosts):
    """A task that is kept running in a cluster, with load balancing, scaling and rollouts.

    By default, a rollout stops old tasks only after new tasks are healthy, and is rolled back if they do not become
    healthy. Tasks have no public address, a read-only root file system and a log group, and may connect only to TCP
    443. A service is an `IGrantable` (the task role) and an `IConnectable` (the security group of the tasks, or of the
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
        capacity: Capacity | Mapping[Capacity, int] | Strategy | None = None,
        placement: Placement = EVEN_PLACEMENT,
        vpc_subnets: ec2.SubnetSelection | None = None,
        assign_public_ip: bool = False,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        egress: Sequence[int] = DEFAULT_EGRESS,
        health_check_grace_period: cdk.Duration | dt.timedelta | None = None,
        log_group: logs.ILogGroup | None = None,
        log_retention: logs.RetentionDays | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
        service_name: str | None = None,
    ) -> None:
        """Define a task that is kept running, with load balancing, scaling and rollouts.

        By default, a rollout stops old tasks only after new tasks are healthy, and is rolled back on failure. Tasks
        have no public address, a read-only root file system and a log group, and may connect only to TCP 443.

        Args:
            scope: The scope in which to define this construct.
            construct_id: The ID of this construct in its scope.
            cluster: The cluster that runs the tasks: a `Cluster`, a cluster that `Cluster.from_attributes` returned, or
                any other `ecs.ICluster`.
            task: The task to run.
            scaling: The number of copies: a fixed number, such as `Scaling(2)`, or a range, such as
                `Scaling(2, 10, cpu_percent=60)`. Default: 2, so that one copy survives the loss of a zone.
            route: The requests of an Application Load Balancer (`Route`), or the ports of a Network Load Balancer
                (`Listener`), that go to the service, up to 5; or the connection to a `Gateway` (`GatewayConnector`), at
                most one. Default: none.
            rollout: The way in which a new version replaces the old one. Default: a rolling deployment with a circuit
                breaker, in which all copies keep serving. A daemon is replaced on one instance after the other.
            pre_deployment_task: A task that runs once before each deployment, such as a database migration.
                The task has the capacity and network of the service. The deployment fails if the task's first essential
                container does not exit with code 0 within an hour. The attribute `before_task_definition` has the task
                definition and its role. Default: none.
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
            health_check_grace_period: The time after the start of a task in which failed health checks are ignored.
                The time is 0 to 2,147,483,647 seconds, and applies to the checks of the load balancer, of VPC Lattice
                and of containers. Default: with a route or `lattice`, 60 seconds or the longest
                `HealthCheck(start_period=)`, whichever is longer. Otherwise none.
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
        resources = launch.define(self, Identity.in_scope(scope, construct_id), plan.task_logs, plan.port_protocols)
        self.log_group = resources.log_group
        self.security_groups = resources.security_groups
        self.task_definition = resources.task_definition
        self.service = define_service(self, plan, resources)
        self._targets = plan.define_routes(self, self.service, stack_of(scope))
        self.lattice_target_groups = define_lattices(self, plan, self.service, lambda: self.connections)
        attach_volumes(self, plan, self.service)
        self.before_task_definition = define_deployment(self, plan, self.service, resources, self._targets)
        self.scalable_task_count = define_scaling(plan, self.service, self._targets)
        launch.cluster_view._add_member(self, self._placed)

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

    def estimate(
        self, *, start: cdk.Duration | dt.timedelta = _DEFAULT_START, stop: cdk.Duration | dt.timedelta = _DEFAULT_STOP
    ) -> Estimate | None:
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
                This service needs `connect` as well, but no port. The cluster needs a `namespace`.

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

    def _metric(self, metric_name: str, statistic: str | None, period: cdk.Duration | None) -> cloudwatch.Metric:
        return self.service.metric(metric_name, statistic=statistic, period=period)

"""A task kept running in a cluster."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from moorage.ecs.capacity import CAPACITY_ATTRIBUTE, Capacity, Kind
from moorage.ecs.cluster import Cluster
from moorage.ecs.combination import (
    DEFAULT_EGRESS,
    SPREAD,
    check_instances,
    check_network,
    check_placement,
    check_room,
    check_routes,
    check_scaling,
    check_task,
)
from moorage.ecs.network import UNREACHED, Reach, unreached
from moorage.ecs.placement import Placement
from moorage.ecs.route import Route
from moorage.ecs.strategy import CapacityChoice, Strategy
from moorage.ecs.task_definition import define_task
from moorage.ecs.values import anyone, duration, stack_of, tcp
from moorage.workload import limits
from moorage.workload.durations import optional_seconds
from moorage.workload.faults import Faults
from moorage.workload.scaling import Scaling
from moorage.workload.task import NetworkMode

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch

    from moorage.ecs.instances import Instances
    from moorage.workload.container import Container
    from moorage.workload.durations import Duration
    from moorage.workload.task import Task

TWO = Scaling(2)
_GRACE_SECONDS = 60


@jsii.implements(ec2.IConnectable, iam.IGrantable)
class Service(Construct):
    """A task kept running in a cluster: copies, load balancing, scaling, and rollouts that undo themselves.

    New tasks are started and healthy before old ones stop, and a rollout that does not get healthy goes back. Tasks
    have no public address, read-only file systems, a log group, and let out TCP 443 alone. It is a grantee (the task
    role) and a connectable (the tasks' security group, or the instances' where tasks have no interface of their own).

    Args:
        scope: Where it is defined.
        construct_id: Its id there.
        cluster: Where it runs: a `Cluster`, or any other of CDK's with the capacity providers that are named.
        task: What runs.
        scaling: How many copies; two without it, so that one is left when a zone is lost.
        route: Which requests of a load balancer reach it, in up to 5 routes; without it nothing does.
        capacity: What it runs on: one capacity of the cluster, weights over several, or a `Strategy` with a base; the
            cluster's first without it. `cluster.default_strategy` follows the cluster's default, whatever it becomes.
        placement: On which instances of an Auto Scaling group tasks go: zones, then instances, evenly, without it.
        vpc_subnets: The subnets of the tasks, up to 16; the private ones without it.
        assign_public_ip: Whether each task gets a public address, which a public subnet without NAT needs; on Fargate
            alone.
        security_groups: In place of the one defined for its tasks, 1 to 5.
        egress: TCP ports that tasks may connect to anywhere. HTTPS alone without it: AWS's own interfaces, public
            registries and most others'. `connections` opens more, to one peer each.
        health_check_grace_period: After its start, how long a task's failed checks by the load balancer do not count;
            60 s without it. Longer than the slowest start.
        log_group: In place of the one defined for it, which keeps a year.
        removal_policy: What becomes of its log group when the stack goes.

    Raises:
        ValueError: with everything that this task, cluster, network and route cannot do together.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster: ecs.ICluster,
        task: Task,
        scaling: Scaling | None = None,
        route: Route | Sequence[Route] = (),
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
        routes = (route,) if isinstance(route, Route) else tuple(route)
        offered = cluster.capacities if isinstance(cluster, Cluster) else None
        chosen = capacity if capacity is not None else offered[0] if offered else Capacity.fargate()
        strategy = Strategy.of(chosen)
        copies = scaling or TWO
        reach = cluster.reach if isinstance(cluster, Cluster) else Reach(cluster.vpc)
        grace = optional_seconds(health_check_grace_period)

        faults = Faults(lambda: f"{scope.node.path}/{construct_id}")
        check_task(task, strategy, assign_public_ip=assign_public_ip, faults=faults)
        strategy.check(offered, faults)
        check_scaling(scaling, routes, placement, faults)
        check_routes(routes, task, faults)
        check_placement(placement, strategy, faults)
        check_instances(task, strategy, cluster, routed=bool(routes), faults=faults)
        told = check_room(task, strategy, copies, placement, faults)
        check_network(task, security_groups, egress, vpc_subnets, faults)
        faults.keep(limits.GRACE_PERIOD, "health_check_grace_period", grace)
        starts_in = _starts_in(strategy, vpc_subnets)
        missing = [reach.missing(task.needs, each, public_address=assign_public_ip) for each in starts_in]
        for each in filter(None, missing):
            faults.add(unreached(each))
        faults.raise_found()

        super().__init__(scope, construct_id)
        self._stack = stack_of(scope)
        if None in missing and not assign_public_ip and any(map(reach.isolated, starts_in)):
            told[UNREACHED] = _unsure(task)
        for name, warning in told.items():
            if warning:
                cdk.Annotations.of(self).add_warning_v2(name, f"{warning}; or acknowledge this")
        if isinstance(cluster, Cluster) and strategy.kind is Kind.INSTANCES:
            cluster.claim(self, task, strategy, None if placement.daemon else copies.minimum)
        self.log_group = log_group or logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.ONE_YEAR, removal_policy=removal_policy
        )
        own_interface = task.network_mode is NetworkMode.AWSVPC
        instances = [] if own_interface else _instances_of(strategy, cluster)
        self.security_groups = (
            tuple(security_groups or [self._define_security_group(reach.vpc, egress)])
            if own_interface
            else tuple(each.security_group_in(self._stack) for each in instances)
        )
        self.task_definition = define_task(self, task, self.log_group, strategy.kind)
        self.service = _SERVICES[strategy.kind](
            self,
            "Default",
            cluster=cluster.with_capacity if isinstance(cluster, Cluster) else cluster,
            task_definition=self.task_definition,
            desired_count=None if copies.moves or placement.daemon else copies.minimum,
            capacity_provider_strategies=None if placement.daemon else _strategies(strategy, cluster),
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            health_check_grace_period=duration(_GRACE_SECONDS if grace is None else grace) if routes else None,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
            enable_ecs_managed_tags=True,
            **_networked(task, strategy, vpc_subnets, self.security_groups, assign_public_ip=assign_public_ip),
            **_placed(placement, strategy),
        )
        for leftover in _leftovers(task, strategy):
            self._resource.add_property_deletion_override(leftover)
        self._own_interface = own_interface
        self.target_groups = self._define_routes(routes, task, reach.vpc)
        for place in itertools.product(routes, instances):
            _open(*place, task)
        self.scalable_task_count = self._define_scaling(copies) if copies.moves else None

    @property
    def connections(self) -> ec2.Connections:
        """Whom its tasks may connect to, and who may connect to them."""
        return self.service.connections if self._own_interface else self._of_instances

    @functools.cached_property
    def _of_instances(self) -> ec2.Connections:
        return ec2.Connections(security_groups=list(self.security_groups))

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

    def _define_security_group(self, vpc: ec2.IVpc, egress: Sequence[int]) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(self, "SecurityGroup", vpc=vpc, allow_all_outbound=False)
        for port in egress:
            group.add_egress_rule(anyone(), tcp(port), f"Tasks to port {port}")
        return group

    def _define_routes(
        self, routes: tuple[Route, ...], task: Task, vpc: ec2.IVpc
    ) -> tuple[elbv2.ApplicationTargetGroup, ...]:
        """Define target groups, rules and security group rules, all in this stack (see `LoadBalancer.listener_in`)."""
        groups = []
        for index, route in enumerate(routes):
            suffix = f" {route.says}" if index else ""
            container = _serving(route, task)
            own_interface = task.network_mode is NetworkMode.AWSVPC
            group = _target_group(
                self,
                f"TargetGroup{suffix}",
                route=route,
                container=container,
                vpc=vpc,
                target=self._target(container, task),
                target_type=elbv2.TargetType.IP if own_interface else elbv2.TargetType.INSTANCE,
            )
            elbv2.ApplicationListenerRule(
                self,
                f"Rule{suffix}",
                listener=route.load_balancer.listener_in(self._stack),
                priority=route.priority,
                conditions=_conditions(route),
                target_groups=[group],
            )
            route.load_balancer.claim(route, self)
            groups.append(group)
        return tuple(groups)

    def _target(self, container: Container, task: Task) -> elbv2.IApplicationLoadBalancerTarget:
        if container is next(each for each in task.containers if each.essential):  # what CDK attaches unasked
            return self.service
        return self.service.load_balancer_target(container_name=container.name, container_port=container.port)

    def _define_scaling(self, scaling: Scaling) -> ecs.ScalableTaskCount:
        count = self.service.auto_scale_task_count(min_capacity=scaling.minimum, max_capacity=scaling.maximum)
        slow, fast = duration(scaling.scale_in_cooldown), duration(scaling.scale_out_cooldown)
        if scaling.cpu_percent is not None:
            count.scale_on_cpu_utilization(
                "Cpu",
                target_utilization_percent=scaling.cpu_percent,
                scale_in_cooldown=slow,
                scale_out_cooldown=fast,
            )
        if scaling.memory_percent is not None:
            count.scale_on_memory_utilization(
                "Memory",
                target_utilization_percent=scaling.memory_percent,
                scale_in_cooldown=slow,
                scale_out_cooldown=fast,
            )
        if scaling.requests_per_task is not None:
            for index, group in enumerate(self.target_groups):
                count.scale_on_request_count(
                    f"Requests{index or ''}",
                    requests_per_target=scaling.requests_per_task,
                    target_group=group,
                    scale_in_cooldown=slow,
                    scale_out_cooldown=fast,
                )
        return count


def _serving(route: Route, task: Task) -> Container:
    """The container that serves a route; `_check_routes` has made sure that there is one."""
    return next(each for each in task.containers if each.port and route.container in {None, each.name})


def _conditions(route: Route) -> list[elbv2.ListenerCondition]:
    conditions = [elbv2.ListenerCondition.host_headers(list(route.host))] if route.host else []
    if route.path or not conditions:
        conditions.append(elbv2.ListenerCondition.path_patterns(list(route.path) or ["/*"]))
    return conditions


def _target_group(
    scope: Construct,
    construct_id: str,
    *,
    route: Route,
    container: Container,
    vpc: ec2.IVpc,
    target: elbv2.IApplicationLoadBalancerTarget,
    target_type: elbv2.TargetType,
) -> elbv2.ApplicationTargetGroup:
    health = route.health
    return elbv2.ApplicationTargetGroup(
        scope,
        construct_id,
        vpc=vpc,
        port=container.port,
        protocol=elbv2.ApplicationProtocol.HTTP,
        protocol_version=route.protocol_version,
        target_type=target_type,
        targets=[target],
        deregistration_delay=duration(route.deregistration_delay),
        health_check=elbv2.HealthCheck(
            path=health.path or ("/AWS.ALB/healthcheck" if route.grpc else "/"),
            port="traffic-port",
            healthy_http_codes=None if route.grpc else health.codes or "200",
            healthy_grpc_codes=(health.codes or "12") if route.grpc else None,
            interval=duration(health.interval),
            timeout=duration(health.timeout),
            healthy_threshold_count=health.healthy,
            unhealthy_threshold_count=health.unhealthy,
        ),
    )


_HANDED_OUT = (32768, 65535)
"""The ports of an instance that ECS hands out in bridge mode (botocore PortMapping.hostPort)."""

_SERVICES: Mapping[Kind, type[ecs.FargateService] | type[ecs.Ec2Service]] = {
    Kind.FARGATE: ecs.FargateService,
    Kind.INSTANCES: ecs.Ec2Service,
    Kind.MANAGED_INSTANCES: ecs.FargateService,  # CDK's name for what AWS places itself
}


def _strategies(strategy: Strategy, cluster: ecs.ICluster) -> list[ecs.CapacityProviderStrategy] | None:
    """Capacity providers, and no launch type but a daemon's: a change from one to the other replaces the service."""
    if strategy.of_cluster:
        return None
    return [
        ecs.CapacityProviderStrategy(
            capacity_provider=cluster.provider_name(each) if isinstance(cluster, Cluster) else each.name,
            weight=weight,
            base=strategy.base.get(each),
        )
        for each, weight in strategy.weights.items()
    ]


def _placed(placement: Placement, strategy: Strategy) -> dict[str, Any]:
    """Where tasks go, and how much of them stays meanwhile: all, or of a daemon none."""
    rebalancing = ecs.AvailabilityZoneRebalancing
    how: dict[str, Any] = {
        "min_healthy_percent": 0 if placement.daemon else 100,
        "max_healthy_percent": 100 if placement.daemon else 200,
        "availability_zone_rebalancing": rebalancing.ENABLED if placement.zones_first else rebalancing.DISABLED,
    }
    if strategy.kind is not Kind.INSTANCES:
        return how
    constraints = list(placement.constraints)
    if placement.daemon:  # which ECS starts on every instance of the cluster, and takes no strategy for
        names = ", ".join(each.name for each in strategy.used)
        constraints.append(ecs.PlacementConstraint.member_of(f"attribute:{CAPACITY_ATTRIBUTE} in [{names}]"))
    return {
        **how,
        "daemon": placement.daemon,
        "placement_strategies": placement.by or None,
        "placement_constraints": constraints or None,
    }


def _networked(
    task: Task,
    strategy: Strategy,
    vpc_subnets: ec2.SubnetSelection | None,
    security_groups: tuple[ec2.ISecurityGroup, ...],
    *,
    assign_public_ip: bool,
) -> dict[str, Any]:
    if task.network_mode is NetworkMode.AWSVPC:
        return {
            "vpc_subnets": vpc_subnets,
            "security_groups": list(security_groups),
            "assign_public_ip": assign_public_ip,
        }
    return {"security_groups": list(security_groups)} if strategy.kind is Kind.MANAGED_INSTANCES else {}


def _leftovers(task: Task, strategy: Strategy) -> list[str]:
    """What CDK writes though it was not asked: a launch type beside no strategy, and awsvpc beside host mode."""
    left = ["LaunchType"] if strategy.of_cluster else []
    hosted = task.network_mode is not NetworkMode.AWSVPC and strategy.kind is Kind.MANAGED_INSTANCES
    return [*left, "NetworkConfiguration"] if hosted else left


def _unsure(task: Task) -> str:
    return (
        "its subnets have no way to the internet, as far as CDK says, so whether tasks reach "
        f"{', '.join(sorted(task.needs))} is not known; use a Network, which knows"
    )


def _open(route: Route, instances: Instances, task: Task) -> None:
    """Let a route's load balancer reach the ports of the instances that lead to the container."""
    container = _serving(route, task)
    port = container.port if task.network_mode is NetworkMode.HOST else container.host_port
    route.load_balancer.open_to(instances.security_group, *((port, port) if port else _HANDED_OUT))


def _instances_of(strategy: Strategy, cluster: ecs.ICluster) -> list[Instances]:
    """The instances that stand for tasks without an interface of their own, as far as they are defined here."""
    if not isinstance(cluster, Cluster):
        return []
    return [cluster.capacity(each) for each in strategy.used if not each.exists_already]


def _starts_in(strategy: Strategy, vpc_subnets: ec2.SubnetSelection | None) -> list[ec2.SubnetSelection | None]:
    """Where images, logs and secrets are reached from: the task itself on Fargate, else the instances."""
    if strategy.kind is Kind.FARGATE:
        return [vpc_subnets]
    return [each.vpc_subnets for each in strategy.weights]

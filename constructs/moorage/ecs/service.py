"""A task kept running in a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from moorage.ecs.capacity import Capacity, Strategy, check_strategy, weights_of
from moorage.ecs.cluster import Cluster
from moorage.ecs.network import Reach
from moorage.ecs.route import Route, clash_of
from moorage.ecs.task_definition import define_task
from moorage.ecs.values import anyone, duration, tcp
from moorage.workload import limits
from moorage.workload.durations import optional_seconds
from moorage.workload.faults import Faults
from moorage.workload.scaling import Scaling

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch

    from moorage.workload.container import Container
    from moorage.workload.durations import Duration
    from moorage.workload.needs import Needs
    from moorage.workload.task import Task

TWO = Scaling(2)
DEFAULT_EGRESS = (443,)
_GRACE_SECONDS = 60
_UNREACHED = "@moorage/ecs:reach"


@jsii.implements(ec2.IConnectable, iam.IGrantable)
class Service(Construct):
    """A task kept running in a cluster on Fargate: copies, load balancing, scaling, and rollouts that undo themselves.

    New tasks are started and healthy before old ones stop, and a rollout that does not get healthy goes back. Tasks
    have no public address, read-only file systems, a log group, and let out TCP 443 alone. It is a grantee (the task
    role) and a connectable (the tasks' security group).

    Args:
        scope: Where it is defined.
        construct_id: Its id there.
        cluster: Where it runs: a `Cluster`, or any other of CDK's with Fargate as a capacity provider.
        task: What runs.
        scaling: How many copies; two without it, so that one is left when a zone is lost.
        route: Which requests of a load balancer reach it, in up to 5 routes; without it nothing does.
        capacity: What it runs on: one capacity of the cluster, or weights over several; the cluster's first without it.
        vpc_subnets: The subnets of the tasks, up to 16; the private ones without it.
        assign_public_ip: Whether each task gets a public address, which a public subnet without NAT needs.
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
        scaling: Scaling = TWO,
        route: Route | Sequence[Route] = (),
        capacity: Strategy | None = None,
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
        strategy = capacity or (offered[0] if offered else Capacity.fargate())
        reach = cluster.reach if isinstance(cluster, Cluster) else Reach(cluster.vpc)
        grace = optional_seconds(health_check_grace_period)

        faults = Faults(lambda: f"{scope.node.path}/{construct_id}")
        task.check_fargate(faults)
        check_strategy(strategy, offered, faults)
        _check_scaling(scaling, routes, faults)
        _check_routes(routes, task, faults)
        _check_network(security_groups, egress, vpc_subnets, faults)
        faults.keep(limits.GRACE_PERIOD, "health_check_grace_period", grace)
        missing = reach.missing(task.needs, vpc_subnets, public_address=assign_public_ip)
        if missing:
            faults.add(_unreached(missing))
        faults.raise_found()

        super().__init__(scope, construct_id)
        if missing is None and not assign_public_ip and reach.isolated(vpc_subnets):
            cdk.Annotations.of(self).add_warning_v2(
                _UNREACHED,
                f"its subnets are isolated, and its VPC is not a Network, so whether tasks reach "
                f"{', '.join(sorted(task.needs))} is not known; acknowledge this where they do",
            )
        self.log_group = log_group or logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.ONE_YEAR, removal_policy=removal_policy
        )
        self.security_groups = tuple(security_groups or [self._define_security_group(reach.vpc, egress)])
        self.task_definition = define_task(self, task, self.log_group)
        self.service = ecs.FargateService(
            self,
            "Default",
            cluster=cluster.with_capacity if isinstance(cluster, Cluster) else cluster,
            task_definition=self.task_definition,
            desired_count=None if scaling.moves else scaling.minimum,
            capacity_provider_strategies=[
                ecs.CapacityProviderStrategy(capacity_provider=each.name, weight=weight)
                for each, weight in weights_of(strategy).items()
            ],
            vpc_subnets=vpc_subnets,
            assign_public_ip=assign_public_ip,
            security_groups=list(self.security_groups),
            min_healthy_percent=100,
            max_healthy_percent=200,
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            availability_zone_rebalancing=ecs.AvailabilityZoneRebalancing.ENABLED,
            health_check_grace_period=duration(_GRACE_SECONDS if grace is None else grace) if routes else None,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
            enable_ecs_managed_tags=True,
        )
        self.target_groups = self._define_routes(routes, task, reach.vpc)
        self.scalable_task_count = self._define_scaling(scaling) if scaling.moves else None

    @property
    def connections(self) -> ec2.Connections:
        """Whom its tasks may connect to, and who may connect to them."""
        return self.service.connections

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
            group = _target_group(self, f"TargetGroup{suffix}", route, container, vpc, self._target(container, task))
            elbv2.ApplicationListenerRule(
                self,
                f"Rule{suffix}",
                listener=route.load_balancer.listener_in(cdk.Stack.of(self)),
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
    route: Route,
    container: Container,
    vpc: ec2.IVpc,
    target: elbv2.IApplicationLoadBalancerTarget,
) -> elbv2.ApplicationTargetGroup:
    health = route.health
    return elbv2.ApplicationTargetGroup(
        scope,
        construct_id,
        vpc=vpc,
        port=container.port,
        protocol=elbv2.ApplicationProtocol.HTTP,
        protocol_version=route.protocol_version,
        target_type=elbv2.TargetType.IP,
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


def _check_scaling(scaling: Scaling, routes: tuple[Route, ...], faults: Faults) -> None:
    if scaling.requests_per_task is not None and not routes:
        faults.add(
            f"requests_per_task is {scaling.requests_per_task}, but without a route nothing counts requests; "
            "use route=Route(...), or another target"
        )


def _check_routes(routes: tuple[Route, ...], task: Task, faults: Faults) -> None:
    faults.keep(limits.ROUTES, "the number of routes", len(routes))
    for index, route in enumerate(routes):
        serving = [each.name for each in task.containers if each.port]
        if not serving:
            faults.add(
                f"route for {route.says} needs a container with a port, and the task has none; "
                "use Container(..., port=...)"
            )
        elif route.container not in {None, *serving}:
            faults.add(
                f"route for {route.says} names container {route.container!r}, but those with a port are "
                f"{', '.join(map(repr, serving))}; use one of them"
            )
        route.load_balancer.check(route, faults)
        for other in routes[:index]:
            if other.load_balancer is route.load_balancer:
                clash = clash_of(route, other, None)
                if clash:
                    faults.add(clash)


def _check_network(
    security_groups: Sequence[ec2.ISecurityGroup] | None,
    egress: Sequence[int],
    vpc_subnets: ec2.SubnetSelection | None,
    faults: Faults,
) -> None:
    for port in egress:
        faults.keep(limits.PORT, "egress", port)
    if security_groups is not None:
        faults.keep(limits.SECURITY_GROUPS, "the number of security groups", len(security_groups))
        if tuple(egress) != DEFAULT_EGRESS:
            faults.add(
                "security_groups and egress are both given, but egress is for the group defined here; put it into yours"
            )
    if vpc_subnets is not None and vpc_subnets.subnets is not None:
        faults.keep(limits.SUBNETS, "the number of subnets", len(vpc_subnets.subnets))


def _unreached(missing: Needs) -> str:
    if "internet" in missing:
        return (
            "its subnets cannot reach the internet, where an image of the task is; use a NAT gateway (nat_gateways=1), "
            "or push the image to a Repository and use Image.from_repository(...)"
        )
    names = ", ".join(map(repr, sorted(missing)))
    return (
        f"its subnets cannot reach {names}, which the task needs to start; "
        "use Network(endpoints=Endpoints.for_tasks(...)) with this task, or a NAT gateway (nat_gateways=1)"
    )

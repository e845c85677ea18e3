"""For each limit of rollouts and scaling, a definition within it and one beyond it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_servicediscovery as servicediscovery

from moorage import (
    Capacity,
    CircuitBreaker,
    Cluster,
    Container,
    Dashboard,
    EarlySuccess,
    LifecycleHook,
    LifecycleStage,
    LoadBalancer,
    MetricTarget,
    Placement,
    PredictiveScaling,
    RollbackAlarms,
    Rollout,
    Route,
    Scaling,
    ScheduledAction,
    Service,
    ServiceConnect,
    ServiceConnectTls,
    Task,
)
from tests.conftest import imported_vpc

Define = Callable[[cdk.Stack], object]
AUTHORITY = "arn:aws:acm-pca:eu-west-1:111111111111:certificate-authority/1a2b"
CLOCK = scheduler.ScheduleExpression.cron(hour="8", minute="0")


METRIC = cloudwatch.Metric(namespace="Shop", metric_name="Depth")


def minutes(count: float) -> dt.timedelta:
    return dt.timedelta(minutes=count)


def value(make: Callable[[], object]) -> Define:
    return lambda _: make()


def pause(**arguments: Any) -> Define:
    return lambda _: LifecycleHook.pause(LifecycleStage.PRE_SCALE_UP, **arguments)


def waits(timeout: dt.timedelta) -> Define:
    """Define a rollout that bakes for 15 minutes."""
    paused = LifecycleHook.pause(LifecycleStage.PRE_SCALE_UP, timeout=timeout)
    return lambda _: Rollout.blue_green(hooks=[paused])


def asks(**arguments: Any) -> Define:
    def define(stack: cdk.Stack) -> LifecycleHook:
        handler = lambda_.Function.from_function_name(stack, "Function", "check")
        return LifecycleHook.function(handler, LifecycleStage.PRE_SCALE_UP, **arguments)

    return define


def dashboard(routes: int, **arguments: Any) -> Define:
    def define(stack: cdk.Stack) -> Dashboard:
        vpc = imported_vpc(stack)
        edge = LoadBalancer(stack, "Edge", vpc=vpc, plain_http="a test", access_logs=False)
        task = Task(Container("redis:8", port=6379))
        web = Service(stack, "Web", cluster=Cluster(stack, "Cluster", vpc=vpc), task=task, route=Route(edge))
        web._targets *= routes
        return Dashboard(stack, "Seen", services=[web], **arguments)

    return define


def copies(minimum: int, rollout: Rollout) -> Define:
    def define(stack: cdk.Stack) -> Service:
        cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack))
        return Service(
            stack, "Web", cluster=cluster, task=Task(Container("redis:8")), scaling=Scaling(minimum), rollout=rollout
        )

    return define


def daemon(rollout: Rollout) -> Define:
    def define(stack: cdk.Stack) -> Service:
        general = Capacity.ec2("general", instance_types=["m7i.large"], max_instances=3)
        cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[general])
        return Service(
            stack,
            "Agent",
            cluster=cluster,
            task=Task(Container("redis:8")),
            placement=Placement.on_each_instance(),
            rollout=rollout,
        )

    return define


def named(*names: str) -> Define:
    return lambda _: Scaling(1, 2, schedules=[ScheduledAction(name, CLOCK, minimum=1) for name in names])


def followed(*names: str) -> Define:
    return lambda _: Scaling(1, 2, metrics=[MetricTarget(name, METRIC, 1) for name in names])


def connected(name: str) -> Define:
    return lambda _: ServiceConnect(name=name)


def discovered(name: str) -> Define:
    def define(stack: cdk.Stack) -> Service:
        vpc = imported_vpc(stack)
        namespace = servicediscovery.PrivateDnsNamespace(stack, "Names", name="shop.local", vpc=vpc)
        options = ecs.CloudMapOptions(cloud_map_namespace=namespace, name=name)
        cluster = Cluster(stack, "Cluster", vpc=vpc)
        return Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8")), cloud_map_options=options)

    return define


rolling, canary, linear, alarms = Rollout.rolling, Rollout.canary, Rollout.linear, RollbackAlarms
early = EarlySuccess(50)

CASES: dict[str, tuple[Define, Define]] = {
    "target-value": (
        value(lambda: Scaling(1, 2, requests_per_task=0.5)),
        value(lambda: Scaling(1, 2, requests_per_task=0)),
    ),
    "scaling-name": (named("early morning"), named("at 8:00")),
    "scaling-policy-name": (followed("8:00 a/b"), followed("Größe")),
    "scaling-policies": (followed(*map(str, range(50))), followed(*map(str, range(51)))),
    "scheduled-actions": (named(*map(str, range(200))), named(*map(str, range(201)))),
    "scaling-names-unique": (named("morning", "evening"), named("morning", "morning")),
    "peak-copies": (
        value(lambda: Scaling.surviving_zone_loss(peak=1, zones=3)),
        value(lambda: Scaling.surviving_zone_loss(peak=0, zones=3)),
    ),
    "predicted-ahead": (
        value(lambda: PredictiveScaling(cpu_percent=50, scheduling_buffer=minutes(59))),
        value(lambda: PredictiveScaling(cpu_percent=50, scheduling_buffer=minutes(60))),
    ),
    "predicted-above-maximum": (
        value(lambda: PredictiveScaling(cpu_percent=50, max_capacity_buffer_percent=100)),
        value(lambda: PredictiveScaling(cpu_percent=50, max_capacity_buffer_percent=101)),
    ),
    "bake-time": (value(lambda: rolling(bake=minutes(1440))), value(lambda: rolling(bake=minutes(1.5)))),
    "rollout-duration": (
        value(lambda: canary(bake=minutes(990), final_bake=minutes(990))),
        value(lambda: canary(bake=minutes(991), final_bake=minutes(990))),
    ),
    "rollout-total": (waits(minutes(33 * 60 - 15)), waits(minutes(33 * 60 - 14))),
    "hook-timeout": (pause(timeout=minutes(20160)), pause(timeout=minutes(20161))),
    "function-timeout": (asks(timeout=minutes(1440)), asks(timeout=minutes(1441))),
    "minimum-healthy": (
        value(lambda: rolling(minimum_healthy_percent=0)),
        value(lambda: rolling(minimum_healthy_percent=101)),
    ),
    "maximum-percent": (
        value(lambda: rolling(minimum_healthy_percent=50, maximum_percent=100)),
        value(lambda: rolling(minimum_healthy_percent=50, maximum_percent=99)),
    ),
    "rollout-room": (value(lambda: rolling(maximum_percent=101)), value(lambda: rolling(maximum_percent=100))),
    "rollout-progress": (copies(2, rolling(maximum_percent=150)), copies(1, rolling(maximum_percent=150))),
    "daemon-maximum": (
        daemon(rolling(minimum_healthy_percent=50, maximum_percent=100)),
        daemon(rolling()),
    ),
    "canary-percent": (value(lambda: canary(percent=0.1)), value(lambda: canary(percent=0.15))),
    "linear-percent": (value(lambda: linear(percent=12.5)), value(lambda: linear(percent=2.9))),
    "breaker-count": (value(lambda: CircuitBreaker.failures(1)), value(lambda: CircuitBreaker.failures(0))),
    "breaker-percent": (value(lambda: CircuitBreaker.percent(100)), value(lambda: CircuitBreaker.percent(101))),
    "early-success": (value(lambda: EarlySuccess(100)), value(lambda: EarlySuccess(101))),
    "early-success-least": (
        value(lambda: rolling(minimum_healthy_percent=50, early_success=early)),
        value(lambda: rolling(minimum_healthy_percent=51, early_success=early)),
    ),
    "alarm-threshold": (value(lambda: alarms(unhealthy_targets=1)), value(lambda: alarms(unhealthy_targets=0))),
    "alarm-percent": (value(lambda: alarms(errors_percent=0.5)), value(lambda: alarms(errors_percent=100))),
    "dashboard-name": (dashboard(1, dashboard_name="shop-1_a"), dashboard(1, dashboard_name="Große Tafel")),
    "dashboard-widgets": (dashboard(123), dashboard(124)),
    "alarm-minutes": (value(lambda: alarms(evaluation_minutes=1)), value(lambda: alarms(evaluation_minutes=0))),
    "cloud-map-name": (discovered("Api_1"), discovered("a b")),
    "service-connect-name": (connected("my_api." + "x" * 120), connected("x" * 128)),
    "service-connect-protocol": (
        value(lambda: ServiceConnect(protocol="http2")),
        value(lambda: ServiceConnect(protocol="tcp")),
    ),
    "service-connect-timeout": (
        value(lambda: ServiceConnect(idle_timeout=cdk.Duration.seconds(2147483647))),
        value(lambda: ServiceConnect(idle_timeout=cdk.Duration.seconds(2147483648))),
    ),
    "private-ca-arn": (
        value(lambda: ServiceConnectTls(authority_arn=AUTHORITY)),
        value(lambda: ServiceConnectTls(authority_arn="arn:aws:acm:eu-west-1:111111111111:certificate/1a2b")),
    ),
}

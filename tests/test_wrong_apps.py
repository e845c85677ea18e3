"""More than eighty wrong apps. CDK accepts nearly all of them; moorage refuses each, or warns, with the reason."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_servicediscovery as servicediscovery
from aws_cdk import aws_ssm as ssm

from moorage import (
    Architecture,
    Capacity,
    CircuitBreaker,
    Cluster,
    Container,
    EarlySuccess,
    Endpoints,
    HealthCheck,
    Image,
    LifecycleHook,
    LifecycleStage,
    LinuxParameters,
    LoadBalancer,
    MetricTarget,
    Network,
    NetworkMode,
    Placement,
    Repository,
    RollbackAlarms,
    Rollout,
    Route,
    Scaling,
    ScheduledAction,
    Service,
    ServiceConnect,
    TargetHealth,
    Task,
    Volume,
)
from tests.conftest import imported_vpc, warnings_of
from tests.stand_ins import stand_in

QUEUE = stand_in("aws_sqs.IQueue")
CLOCK = stand_in("aws_scheduler.ScheduleExpression")  # an action is checked without its schedule
CLOCK = scheduler.ScheduleExpression.cron(hour="8", minute="0")
REDIS = Task(Container("redis:8", port=6379))
SMALL = Capacity.ec2("small", instance_types=["t4g.micro"], max_instances=2)
PAIR = Capacity.ec2("pair", instance_types=["m7i.large"], max_instances=2)


def minutes(count: float) -> dt.timedelta:
    return dt.timedelta(minutes=count)


class Shop:
    """A stack with the constructs that most services need, defined when they are first used."""

    def __init__(self, stack: cdk.Stack) -> None:
        self.stack = stack

    @functools.cached_property
    def vpc(self) -> ec2.IVpc:
        return imported_vpc(self.stack)

    @functools.cached_property
    def edge(self) -> LoadBalancer:
        return LoadBalancer(self.stack, "Edge", vpc=self.vpc)

    def service(self, task: Task = REDIS, *on: Capacity, **arguments: Any) -> Service:
        cluster = Cluster(self.stack, "Cluster", vpc=self.vpc, capacity=on or None)
        return Service(self.stack, "Web", **{"cluster": cluster, "task": task, **arguments})


def twice(shop: Shop) -> Service:
    shop.service(route=Route(shop.edge, path="/v1/*"))
    cluster = Cluster(shop.stack, "Second", vpc=shop.vpc)
    return Service(shop.stack, "Api", cluster=cluster, task=REDIS, route=Route(shop.edge, path="/v1/*"))


def isolated(shop: Shop) -> Service:
    network = Network(shop.stack, "Network", nat_gateways=0, endpoints=Endpoints("logs"))
    return Service(shop.stack, "Web", cluster=Cluster(shop.stack, "Cluster", vpc=network.vpc), task=REDIS)


def elsewhere(shop: Shop) -> Service:
    other = LoadBalancer(shop.stack, "Other", vpc=Network(shop.stack, "Network").vpc)
    cluster = Cluster(shop.stack, "Cluster", vpc=Network(shop.stack, "Second").vpc)
    return Service(shop.stack, "Web", cluster=cluster, task=REDIS, route=Route(other))


def latest(shop: Shop) -> Image:
    return Image.from_repository(Repository(shop.stack, "Images"), tag="latest")


def named(shop: Shop) -> Service:
    by_address = ecs.CloudMapOptions(
        cloud_map_namespace=servicediscovery.HttpNamespace(shop.stack, "Names", name="shop"),
        dns_record_type=servicediscovery.DnsRecordType.A,
    )
    bridged = Task(Container("redis:8", port=6379), network_mode=NetworkMode.BRIDGE)
    return shop.service(bridged, PAIR, cloud_map_options=by_address)


def placed(shop: Shop, region: str = "eu-west-1", account: str = "111111111111") -> cdk.Stack:
    """Return a stack of a known account and region."""
    environment = cdk.Environment(account=account, region=region)
    return cdk.Stack(cdk.Stage.of(shop.stack), f"Shop-{account}-{region}", env=environment)


def here(shop: Shop, **given: Any) -> Service:
    """Define a service in Ireland with an argument of another place."""
    stack = placed(shop)
    secrets = given.pop("secrets", {})
    cluster = given.pop("cluster", None) or Cluster(stack, "Cluster", vpc=imported_vpc(stack))
    return Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8", port=6379, secrets=secrets)), **given)


def secret(shop: Shop) -> secretsmanager.Secret:
    return secretsmanager.Secret(shop.stack, "Secret")


ROUTER = {"Name": "http", "host": "logs.example.com"}

REFUSED: dict[str, tuple[Callable[[Shop], object], str]] = {
    "a size that Fargate does not offer": (
        lambda shop: shop.service(Task(Container("redis:8"), cpu=1024, memory_mib=9216)),
        "must be a size that Fargate offers .*; use cpu=",
    ),
    "8 vCPU with an odd number of GiB": (
        lambda shop: shop.service(Task(Container("redis:8"), cpu=8192, memory_mib=17408)),
        "use cpu=8192, memory_mib=20480",
    ),
    "a GPU on Fargate": (lambda shop: shop.service(Task(Container("redis:8", gpus=1))), "must be 0 on Fargate"),
    "a privileged container on Fargate": (
        lambda shop: shop.service(Task(Container("redis:8", privileged=True))),
        "must be False on Fargate",
    ),
    "bridge mode on Fargate": (
        lambda shop: shop.service(Task(Container("redis:8"), network_mode=NetworkMode.BRIDGE)),
        "network_mode must be 'awsvpc' on Fargate",
    ),
    "three minutes to stop on Fargate": (
        lambda shop: shop.service(Task(Container("redis:8", stop_timeout=minutes(3)))),
        r"stop_timeout .* must be between 2 and 120 seconds on Fargate \(got 180\)",
    ),
    "twenty GiB of ephemeral storage": (
        lambda _: Task(Container("redis:8"), ephemeral_storage_gib=20),
        "leave ephemeral_storage_gib= out for the default of 20 GiB",
    ),
    "eleven containers": (
        lambda _: Task(*(Container("redis:8", name=f"c{index}") for index in range(11))),
        r"must be between 1 and 10 \(got 11\)",
    ),
    "one port twice in a task": (
        lambda _: Task(Container("a:1", name="a", port=80), Container("b:1", name="b", port=80)),
        "since the containers share a network interface",
    ),
    "containers with more memory than their task": (
        lambda _: Task(Container("redis:8", memory_mib=1024), memory_mib=512),
        "got 512, with 1024 in its containers",
    ),
    "containers that wait for each other": (
        lambda _: Task(Container("a:1", name="a", depends_on="b"), Container("b:1", name="b", depends_on="a")),
        "depends_on must not be circular",
    ),
    "nothing essential": (
        lambda _: Task(Container("redis:8", essential=False)),
        "essential must be True for at least one container",
    ),
    "a health check of 90 seconds": (
        lambda _: HealthCheck("true", interval=minutes(3), timeout=minutes(1.5)),
        r"timeout must be between 2 and 60 seconds \(got 90\)",
    ),
    "eleven retries": (lambda _: HealthCheck("true", retries=11), r"retries must be between 1 and 10 \(got 11\)"),
    "a health check that is no command": (
        lambda _: HealthCheck(["curl", "localhost"]),
        "must be CMD followed by a program and its arguments, or CMD-SHELL followed by one command line",
    ),
    "half a second": (
        lambda _: HealthCheck("true", interval=dt.timedelta(seconds=5.5)),
        "must be a whole number of seconds",
    ),
    "a password in the environment": (
        lambda _: Container("redis:8", environment={"DB_PASSWORD": "hunter2"}),
        "looks like a secret",
    ),
    "a number as a variable": (
        lambda _: Container("redis:8", environment={"PORT": 80}),  # type: ignore[dict-item]  # wrong on purpose
        r"environment\['PORT'\] must be of type str \(got 80 of type int\)",
    ),
    "an image by its address": (lambda _: Container("https://ghcr.io/org/web:1"), "without 'https://'"),
    "an image of another account's registry": (
        lambda _: Container("111111111111.dkr.ecr.eu-west-1.amazonaws.com/web:1"),
        "cannot pull without permissions",
    ),
    "latest in a repository that keeps its tags": (latest, "tag must not be 'latest' with a repository whose tags"),
    "a task that no instance holds": (
        lambda shop: shop.service(Task(Container("redis:8"), memory_mib=65536, cpu=None), PAIR),
        "no instance type of capacity 'pair' has enough",
    ),
    "images of another processor than the instances": (
        lambda shop: shop.service(Task(Container("redis:8"), memory_mib=128, cpu=None), SMALL),
        "built for X86_64, but the instances of capacity 'small' are ARM64",
    ),
    "a rollout that never gets room": (
        lambda shop: shop.service(
            Task(Container("redis:8", port=6379), network_mode=NetworkMode.HOST), PAIR, scaling=Scaling(2)
        ),
        "2 copies fill all 2 places",
    ),
    "Fargate and instances in one strategy": (
        lambda shop: shop.service(REDIS, PAIR, fargate := Capacity.fargate(), capacity={PAIR: 1, fargate: 1}),
        "the capacities must all be of one kind",
    ),
    "weights that are all zero": (
        lambda shop: shop.service(
            REDIS, one := Capacity.fargate(), spot := Capacity.fargate_spot(), capacity={one: 0, spot: 0}
        ),
        "weights must not all be 0",
    ),
    "a capacity that the cluster does not have": (
        lambda shop: shop.service(capacity=Capacity.fargate_spot()),
        "'FARGATE_SPOT' must be one of the cluster's",
    ),
    "a provider with AWS's own name": (
        lambda _: Capacity.from_provider_name("fargate-like"),
        "not start with aws, ecs or fargate",
    ),
    "instances of two architectures": (
        lambda _: Capacity.ec2("mixed", instance_types=["m7i.large", "m7g.large"], max_instances=1),
        "differ in architecture",
    ),
    "placement on Fargate": (
        lambda shop: shop.service(placement=Placement.packed_by_cpu()),
        "since AWS itself decides the placement",
    ),
    "a daemon with a number of copies": (
        lambda shop: shop.service(REDIS, PAIR, placement=Placement.on_each_instance(), scaling=Scaling(2)),
        "scaling does not apply to a daemon",
    ),
    "a daemon that runs twice while it is replaced": (
        lambda shop: shop.service(REDIS, PAIR, placement=Placement.on_each_instance(), rollout=Rollout.rolling()),
        "for a daemon, which never runs twice on an instance",
    ),
    "a rollout in which no task may start or stop": (
        lambda _: Rollout.rolling(minimum_healthy_percent=100, maximum_percent=100),
        "maximum_percent must be above 100 if",
    ),
    "one copy and 150 %": (
        lambda shop: shop.service(scaling=Scaling(1), rollout=Rollout.rolling(maximum_percent=150)),
        "must leave room to start or to stop a task",
    ),
    "a canary of less than a tenth of a percent": (
        lambda _: Rollout.canary(percent=0.05),
        "between 0.1 and 100 in steps of 0.1",
    ),
    "a rollout of two days": (
        lambda _: Rollout.canary(bake=minutes(1440), final_bake=minutes(1440)),
        r"must be at most 33 hours, the maximum that CloudFormation accepts \(got 48\)",
    ),
    "a canary without traffic": (
        lambda shop: shop.service(rollout=Rollout.canary()),
        "there is no traffic to shift without a route",
    ),
    "rollback alarms without a target": (
        lambda shop: shop.service(rollout=Rollout.rolling(alarms=RollbackAlarms())),
        "alarms on the targets of routes, but there is no route",
    ),
    "a pause while traffic is shifting": (
        lambda _: LifecycleHook.pause(LifecycleStage.PRODUCTION_TRAFFIC_SHIFT),
        "ECS does not pause while traffic is shifting",
    ),
    "early success below the healthy minimum": (
        lambda _: Rollout.rolling(early_success=EarlySuccess(50)),
        "got 50 with minimum_healthy_percent=100",
    ),
    "a circuit breaker after zero failures": (lambda _: CircuitBreaker.failures(0), "failures must be at least 1"),
    "a range without a scaling target": (lambda _: Scaling(2, 10), "a range must have a target or schedules"),
    "a minimum above the maximum": (lambda _: Scaling(10, 2, cpu_percent=60), "minimum must not exceed maximum"),
    "scaling to zero by CPU": (lambda _: Scaling(0, 10, cpu_percent=60), "without tasks there is no metric"),
    "scaling by requests without a route": (
        lambda shop: shop.service(scaling=Scaling(1, 4, requests_per_task=100)),
        "only routes count requests",
    ),
    "a target of zero": (
        lambda _: MetricTarget("Depth", cloudwatch.Metric(namespace="Shop", metric_name="Depth"), 0),
        r"target must be above 0 \(got 0\)",
    ),
    "an action with a colon in its name": (
        lambda _: ScheduledAction("8:00", CLOCK, minimum=2),
        "without ':', '/' and '|'",
    ),
    "a grace period without a load balancer": (
        lambda shop: shop.service(health_check_grace_period=minutes(1)),
        "health_check_grace_period requires a health check",
    ),
    "a route to a task without a port": (
        lambda shop: shop.service(Task(Container("redis:8")), route=Route(shop.edge)),
        "requires a container with a port",
    ),
    "two services with one path": (twice, "route for path '/v1/\\*' and the route of .* clash"),
    "six paths in one rule": (
        lambda shop: Route(shop.edge, path=[f"/{index}" for index in range(6)]),
        r"must be at most 5 \(got 6\)",
    ),
    "a check that outlasts its interval": (
        lambda _: TargetHealth(timeout=dt.timedelta(seconds=30), interval=dt.timedelta(seconds=10)),
        "timeout must be shorter than interval",
    ),
    "gRPC checked by a path": (
        lambda shop: Route(shop.edge, health="/healthz", protocol_version=elbv2.ApplicationProtocolVersion.GRPC),
        "must have the form /package.service/method for gRPC",
    ),
    "public without a certificate": (
        lambda shop: LoadBalancer(shop.stack, "Edge", vpc=shop.vpc, public=True),
        "public=True without a certificate",
    ),
    "a load balancer in another VPC": (elsewhere, "must be on a load balancer in the VPC of the cluster"),
    "an isolated subnet without the endpoints": (isolated, "its subnets cannot reach"),
    "six security groups": (
        lambda shop: shop.service(
            security_groups=[ec2.SecurityGroup.from_security_group_id(shop.stack, f"G{n}", f"sg-{n}") for n in range(6)]
        ),
        r"must be between 1 and 5 \(got 6\)",
    ),
    "a name in Service Connect in host mode": (
        lambda shop: Service(
            shop.stack,
            "Web",
            cluster=Cluster(shop.stack, "Cluster", vpc=shop.vpc, capacity=[PAIR], namespace="shop"),
            task=Task(Container("redis:8", port=6379), network_mode=NetworkMode.HOST),
            scaling=Scaling(1),
            connect=ServiceConnect(),
        ),
        "connect requires network mode awsvpc or bridge .got host",
    ),
    "a cluster of another region": (
        lambda shop: here(
            shop, cluster=Cluster(there := placed(shop, "us-east-1"), "Cluster", vpc=Network(there, "Network").vpc)
        ),
        "cluster must be in region eu-west-1",
    ),
    "a log group of another account": (
        lambda shop: here(shop, log_group=logs.LogGroup(placed(shop, account="222222222222"), "Logs")),
        "log_group must be in account 111111111111",
    ),
    "a secret of another region": (
        lambda shop: here(shop, secrets={"A": secretsmanager.Secret(placed(shop, "us-east-1"), "Secret")}),
        "secret 'A' of container 'app' must be in region eu-west-1",
    ),
    "a security group of another VPC": (
        lambda shop: shop.service(
            security_groups=[ec2.SecurityGroup(shop.stack, "Group", vpc=Network(shop.stack, "Other").vpc)]
        ),
        "each item of security_groups must be in the VPC ",
    ),
    "subnets of another VPC": (
        lambda shop: shop.service(
            vpc_subnets=ec2.SubnetSelection(subnets=Network(shop.stack, "Other").vpc.private_subnets)
        ),
        "each item of vpc_subnets must be in the VPC ",
    ),
    "an unwrapped secret in a variable": (
        lambda shop: shop.service(
            Task(
                Container(
                    "redis:8",
                    environment={"URL": secret(shop).secret_value.unsafe_unwrap()},
                )
            )
        ),
        "environment must not contain 'URL', which looks like a secret",
    ),
    "a secret by a dynamic reference": (
        lambda _: Container("redis:8", environment={"URL": "{{resolve:secretsmanager:shop:SecretString:url}}"}),
        "environment must not contain 'URL', which looks like a secret",
    ),
    "a password in the options of a log router": (
        lambda _: Container.log_router({"Name": "datadog", "apikey": "0123456789"}),
        "use secret_output={'apikey'",
    ),
    "a secret in a command": (
        lambda shop: shop.service(
            Task(
                Container(
                    "redis:8",
                    command=["app", secret(shop).secret_value.unsafe_unwrap()],
                )
            )
        ),
        "command must not contain the value of a secret",
    ),
    "a field of a secret that is plain text": (
        lambda shop: shop.service(
            Task(
                Container(
                    "redis:8",
                    secrets={"A": ecs.Secret.from_secrets_manager(secret(shop), "password")},
                )
            )
        ),
        "since the secret is plain text without fields; use the secret itself",
    ),
    "the previous version of a new secret": (
        lambda shop: shop.service(
            Task(
                Container(
                    "redis:8",
                    secrets={
                        "A": ecs.Secret.from_secrets_manager_version(
                            secret(shop), ecs.SecretVersionInfo(version_stage="AWSPREVIOUS")
                        )
                    },
                )
            )
        ),
        "must refer to a version that a new secret has",
    ),
    "a line as a command": (lambda _: Container("node:22", command="npm run start"), "use \\['npm', 'run'"),
    "a shell command without its arguments": (
        lambda _: HealthCheck(["CMD-SHELL", "curl", "-f", "http://localhost"]),
        "must be CMD followed by a program and its arguments, or CMD-SHELL followed by one command line",
    ),
    "a shell entry point with separate words": (
        lambda _: Container("node:22", entry_point=["sh", "-c"], command=["npm", "start"]),
        "must have one string after 'sh -c'",
    ),
    "a relative working directory": (
        lambda _: Container("node:22", working_directory="app"),
        "working_directory must be an absolute path",
    ),
    "a log router without other containers": (
        lambda _: Task(Container.log_router(ROUTER)),
        "the logs of another container in the task",
    ),
    "FireLens without a router": (
        lambda _: Task(Container("redis:8", logging=ecs.LogDrivers.firelens(options=ROUTER))),
        "add Container.log_router",
    ),
    "two collectors on one port": (
        lambda _: Task(
            Container("redis:8", memory_mib=64), Container.otel_collector(), Container.otel_collector(name="second")
        ),
        "4317, 4318 more than once",
    ),
    "Fluentd in the image of Fluent Bit": (
        lambda _: Container.log_router(ROUTER, type="fluentd"),
        "image must be a Fluentd image",
    ),
    "a parameter that each update resets": (
        lambda shop: Image.from_repository(
            Repository(shop.stack, "Images"),
            parameter=ssm.StringParameter(shop.stack, "Tag", parameter_name="/shop/tag", string_value="none"),
        ),
        "parameter must not be defined by this app",
    ),
    "a permission for a name instead of an ARN": (
        lambda _: Task(
            Container("redis:8"),
            permissions=[iam.PolicyStatement(actions=["s3:GetObject"], resources=["orders"])],
        ),
        "must be an ARN or '\\*' \\(got 'orders'\\)",
    ),
    "a task definition of 69 KiB": (
        lambda _: Task(Container("redis:8", environment={f"V{n}": "x" * 200 for n in range(300)})),
        "must be at most 65,536 bytes",
    ),
    "a variable without a name": (lambda _: Container("redis:8", environment={"": "x"}), "each name in environ"),
    "a variable with a value in its name": (
        lambda _: Container("redis:8", environment={"A=B": "x"}),
        "each name in environment must not be empty or contain '='",
    ),
    "a limit on processes on Fargate": (
        lambda shop: shop.service(
            Task(Container("redis:8", linux_parameters=LinuxParameters(ulimits={"nproc": 1024})))
        ),
        "must contain only 'nofile' on Fargate",
    ),
    "containers Web and web": (
        lambda _: Task(Container("a:1", name="Web", port=80), Container("b:1", name="web", port=81)),
        "must be unique regardless of case",
    ),
    "a namespace with a slash": (
        lambda shop: Cluster(shop.stack, "Cluster", vpc=shop.vpc, namespace="shop/web"),
        "without <, >, / and double quotes",
    ),
    "a path of Windows on Linux": (
        lambda _: Task(Container("redis:8", mounts={"C:\\data": "data"}), volumes=[Volume.bind_mount("data")]),
        "must start with '/' on Linux",
    ),
    "an address in bridge mode": (
        named,
        "in bridge mode, where tasks have no IP address of their own; use DnsRecordType.SRV",
    ),
}

WARNED: dict[str, tuple[Callable[[Shop], object], str]] = {
    "an image without a fixed version": (
        lambda shop: shop.service(Task(Container("redis"))),
        "image 'redis' has no fixed version",
    ),
    "five minutes to drain on Spot": (
        lambda shop: shop.service(
            REDIS, Capacity.fargate_spot(), route=Route(shop.edge, deregistration_delay=minutes(5))
        ),
        "deregistration_delay is 300 s, but AWS interrupts a task on 'FARGATE_SPOT' with a notice of 120 s",
    ),
    "more copies than there is room for": (
        lambda shop: shop.service(
            Task(Container("redis:8", port=6379), cpu=None, memory_mib=5000),
            PAIR,
            scaling=Scaling(1, 9, cpu_percent=60),
        ),
        "7 copies would wait",
    ),
    "a load balancer that does not wait for a slow start": (
        lambda shop: shop.service(
            Task(Container("redis:8", port=6379, health_check=HealthCheck("true", start_period=minutes(5)))),
            route=Route(shop.edge),
            health_check_grace_period=minutes(0),
        ),
        "health_check_grace_period is 0 s, but .* allows a container 300 s to start",
    ),
    "egress only to a database": (
        lambda shop: shop.service(egress=[5432]),
        "egress should contain 443 \\(got \\[5432\\]\\)",
    ),
}


@pytest.mark.parametrize("wrong", REFUSED)
def test_a_wrong_app_is_refused_with_the_reason(stack: cdk.Stack, wrong: str) -> None:
    define, says = REFUSED[wrong]
    with pytest.raises(ValueError, match=says) as refused:
        define(Shop(stack))
    print(f"| {wrong} | {refused.value} |")  # pytest -rP shows the table of all messages


@pytest.mark.parametrize("wrong", WARNED)
def test_a_doubtful_app_warns(app: cdk.App, stack: cdk.Stack, wrong: str) -> None:
    define, says = WARNED[wrong]
    define(Shop(stack))
    warned = [each for each in warnings_of(app, "Shop") if re.search(says, each)]
    assert len(warned) == 1
    print(f"| {wrong} | {warned[0]} |")


def test_a_shorter_deregistration_delay_on_spot_does_not_warn(app: cdk.App, stack: cdk.Stack) -> None:
    shop = Shop(stack)
    shop.service(REDIS, Capacity.fargate_spot(), route=Route(shop.edge, deregistration_delay=dt.timedelta(seconds=119)))
    assert not [each for each in warnings_of(app, "Shop") if "notice" in each]


def test_a_drain_as_long_as_the_notice_of_spot_is_warned_of(app: cdk.App, stack: cdk.Stack) -> None:
    shop = Shop(stack)
    shop.service(REDIS, Capacity.fargate_spot(), route=Route(shop.edge, deregistration_delay=minutes(2)))
    (warning,) = [each for each in warnings_of(app, "Shop") if "notice" in each]
    assert "deregistration_delay is 120 s" in warning
    assert "use less than 120 s" in warning


@pytest.mark.parametrize(("seconds", "warned"), [(299, True), (300, False), (301, False)])
def test_a_grace_period_as_long_as_the_start_period_is_enough(
    app: cdk.App, stack: cdk.Stack, *, seconds: int, warned: bool
) -> None:
    slow = Task(Container("redis:8", port=6379, health_check=HealthCheck("true", start_period=minutes(5))))
    shop = Shop(stack)
    shop.service(slow, route=Route(shop.edge), health_check_grace_period=dt.timedelta(seconds=seconds))
    assert any("health_check_grace_period" in each for each in warnings_of(app, "Shop")) is warned


@pytest.mark.parametrize("said", ["redis:8", f"redis@sha256:{'0a' * 32}", "registry:5000/redis:8"])
def test_an_image_with_a_fixed_version_does_not_warn(app: cdk.App, stack: cdk.Stack, said: str) -> None:
    Shop(stack).service(Task(Container(said)))
    assert not [each for each in warnings_of(app, "Shop") if "has no fixed version" in each]


@pytest.mark.parametrize(
    "beside",
    [
        {"schedules": [ScheduledAction("day", CLOCK, minimum=2)]},
        {"backlog_per_task": 5, "queue": QUEUE},
    ],
)
def test_other_scaling_beside_cpu_may_start_from_zero(beside: dict[str, Any]) -> None:
    assert Scaling(0, 4, cpu_percent=60, **beside).minimum == 0


def test_the_nearest_correct_app_is_accepted(stack: cdk.Stack) -> None:
    """A check that refuses everything would pass the other tests."""
    task = Task(Container("redis:8"), memory_mib=128, cpu=None, architecture=Architecture.ARM64)
    Shop(stack).service(task, SMALL, scaling=Scaling(1))

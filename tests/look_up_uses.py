"""A use of each public class, to try every string argument with a value that CDK has not looked up yet."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import attrs
import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_secretsmanager as secretsmanager

from moorage import (
    Capacity,
    CapacityReservations,
    Cluster,
    Container,
    ContainerInstance,
    Gateway,
    Image,
    Job,
    LifecyclePolicy,
    LifecycleStage,
    LinuxParameters,
    Listener,
    LoadBalancer,
    Network,
    NetworkLoadBalancer,
    NetworkMode,
    Registry,
    Replication,
    Repository,
    RepositoryTemplate,
    RollbackAlarms,
    Rollout,
    Route,
    Scaling,
    Scanning,
    Service,
    ServiceConnect,
    Severity,
    Task,
    Volume,
)

_ELB = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:"
_BALANCER, _GROUP = f"{_ELB}loadbalancer/app/edge/50dc6c495c0c9188", f"{_ELB}targetgroup/web/0123456789abcdef"
REDIS = "public.ecr.aws/docker/library/redis:8"
WEB = Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", name="web", port=8080)
DAILY = scheduler.ScheduleExpression.rate(cdk.Duration.days(1))
Make = Callable[..., Any]
"""A function that calls the tried class or method, with the looked-up string in place of the given one."""


@attrs.frozen
class World:
    """The constructs that a use needs."""

    stack: cdk.Stack
    vpc: ec2.IVpc

    def run(self, *containers: Container, of: dict[str, Any] | None = None, **arguments: Any) -> Service:
        """Define a service of these containers."""
        task = Task(*(containers or (WEB,)), **(of or {}))
        cluster = arguments.pop("cluster", None) or Cluster(
            self.stack, "Cluster", vpc=self.vpc, namespace="shop", failure_events=False
        )
        return Service(self.stack, "Web", cluster=cluster, task=task, **arguments)

    def reserve(self, reservations: CapacityReservations) -> None:
        """Run a task on ECS Managed Instances with these reservations."""
        managed = Capacity.managed_instances("a", reservations=reservations)
        self.run_on(managed, network_mode=NetworkMode.AWSVPC)

    @property
    def cluster(self) -> Cluster:
        """A new cluster."""
        return Cluster(self.stack, "Cluster", vpc=self.vpc, failure_events=False)

    def run_on(self, capacity: Capacity, linux_parameters: LinuxParameters | None = None, **of: Any) -> None:
        """Define a service on a capacity."""
        cluster = Cluster(self.stack, "Cluster", vpc=self.vpc, capacity=[capacity], failure_events=False)
        self.run(Container(REDIS, memory_mib=256, linux_parameters=linux_parameters), cluster=cluster, of=of)

    def bridge(self, container: Container) -> None:
        """Define a service in bridge mode."""
        instances = Capacity.ec2("a", instance_types=["m5.large"], max_instances=2)
        cluster = Cluster(self.stack, "Cluster", vpc=self.vpc, capacity=[instances], failure_events=False)
        self.run(container, cluster=cluster, of={"network_mode": NetworkMode.BRIDGE})

    def mount(self, volume: Volume) -> None:
        """Define a service that has a volume."""
        self.run(Container(REDIS, mounts={"/data": volume.name}), of={"volumes": [volume]})

    def route(self, make: Make) -> None:
        """Define a service with a route."""
        self.run(route=make(load_balancer=LoadBalancer(self.stack, "Edge", vpc=self.vpc, plain_http="a test")))

    def connect(self, make: Make) -> None:
        """Define a service that is connected to a gateway."""
        cluster = Cluster(self.stack, "Cluster", vpc=self.vpc, failure_events=False)
        self.run(cluster=cluster, route=make(gateways=Gateway(self.stack, "Gate", clusters=cluster)))

    def listen(self, make: Make) -> None:
        """Define a service with a listener."""
        self.run(route=make(load_balancer=NetworkLoadBalancer(self.stack, "Gate", vpc=self.vpc), port=5000))

    def register(self, **arguments: Any) -> None:
        """Define a registry."""
        Registry(self.stack, "Registry", **arguments)

    def job(self, **arguments: Any) -> Job:
        """Define a job."""
        cluster = Cluster(self.stack, "Cluster", vpc=self.vpc, failure_events=False)
        return Job(self.stack, "Job", cluster=cluster, task=Task(Container(REDIS, name="web")), **arguments)

    @property
    def secret(self) -> secretsmanager.ISecret:
        """The secret with the credentials of an upstream registry."""
        arn = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:ecr-pullthroughcache/hub-AbCdEf"
        return secretsmanager.Secret.from_secret_complete_arn(self.stack, "Secret", arn)

    @property
    def function(self) -> lambda_.Function:
        """The function of a hook."""
        code = lambda_.Code.from_inline("def handler(*_): return {'hookStatus': 'SUCCEEDED'}")
        return lambda_.Function(
            self.stack, "Function", code=code, handler="index.handler", runtime=lambda_.Runtime.PYTHON_3_13
        )


USES: dict[str, Callable[[Make, World], object]] = {
    "Ami.from_ssm_parameter": lambda make, world: world.run_on(
        Capacity.ec2("a", instance_types=["m5.large"], max_instances=2, instance=ContainerInstance(ami=make()))
    ),
    "AuditTrail.existing": lambda make, world: world.register(audit=make()),
    "Capacity.from_provider_name": lambda make, world: world.run_on(make()),
    "Capacity.ec2": lambda make, world: world.run_on(make(name="a", instance_types=["m5.large"], max_instances=2)),
    "Capacity.managed_instances": lambda make, world: world.run_on(make(name="a"), network_mode=NetworkMode.AWSVPC),
    "CapacityReservations": lambda make, world: world.reserve(make(preference="RESERVATIONS_FIRST")),
    "CapacityReservations.first": lambda make, world: world.reserve(make()),
    "CapacityReservations.only": lambda make, world: world.reserve(make()),
    "Cluster": lambda make, world: world.run(
        cluster=make(world.stack, "Own", vpc=world.vpc, namespace="shop"), connect=ServiceConnect(name="web")
    ),
    "Cluster.from_attributes": lambda make, world: world.run(
        cluster=make(world.stack, "Own", vpc=world.vpc, namespace="shop"), connect=ServiceConnect(name="web")
    ),
    "Container": lambda make, world: world.run(make(image=REDIS)),
    **dict.fromkeys(
        (f"Container.{each}" for each in ("dns_servers", "dns_search_domains", "extra_hosts")),
        lambda make, world: world.bridge(make(image=REDIS, memory_mib=256)),
    ),
    "Container.otel_collector": lambda make, world: world.run(WEB, make()),
    "Container.log_router": lambda make, world: world.run(WEB, make(output={"Name": "cloudwatch"})),
    "ContainerInstance": lambda make, world: world.run_on(
        Capacity.ec2("a", instance_types=["m5.large"], max_instances=2, instance=make())
    ),
    "Dashboard": lambda make, world: make(world.stack, "Board", services=[world.run()]),
    "EnvironmentFile.from_bucket": lambda make, world: world.run(
        Container(REDIS, environment_files=[make(bucket=s3.Bucket(world.stack, "Bucket"), key="a.env")])
    ),
    "Endpoints": lambda make, world: Network(world.stack, "Network", endpoints=make()),
    "EventRule": lambda make, world: world.job(event=make(pattern=events.EventPattern(source=["aws.s3"]))),
    "FailureEvents.define_log_policy": lambda make, world: make(world.stack, "Policy"),
    "Gateway": lambda make, world: make(world.stack, "Gate", clusters=Cluster(world.stack, "Own", vpc=world.vpc)),
    "GatewayConnector": lambda make, world: world.connect(make),
    "HealthCheck": lambda make, world: world.run(Container(REDIS, health_check=make(command="true"))),
    "Image.from_registry": lambda make, world: world.run(Container(make())),
    "Image.from_repository": lambda make, world: world.run(
        Container(make(repository=Repository(world.stack, "Images")), name="web")
    ),
    "Job.metric": lambda make, world: make(world.job(schedule=DAILY), metric_name="Errors"),
    "Lattice": lambda make, world: world.run(lattice=make(prefix_list="pl-0123456789abcdef0")),
    "LifecycleHook.function": lambda make, world: world.run(
        rollout=Rollout.blue_green(hooks=[make(handler=world.function, stages=[LifecycleStage.POST_SCALE_UP])]),
        route=Route(LoadBalancer(world.stack, "Edge", vpc=world.vpc, plain_http="a test")),
    ),
    "LifecyclePolicy.releases": lambda make, world: Repository(world.stack, "Images", lifecycle=make()),
    "LifecycleRule": lambda make, world: Repository(world.stack, "Images", lifecycle=LifecyclePolicy(make(keep=5))),
    "LinuxParameters": lambda make, world: world.run_on(
        Capacity.ec2("a", instance_types=["m5.large"], max_instances=2), linux_parameters=make()
    ),
    "Listener": lambda make, world: world.listen(make),
    "LoadBalancer": lambda make, world: world.run(
        route=Route(make(world.stack, "Edge", vpc=world.vpc, plain_http="a test"))
    ),
    "LoadBalancer.add_action": lambda make, world: make(
        LoadBalancer(world.stack, "Edge", vpc=world.vpc, plain_http="a test"), elbv2.ListenerAction.fixed_response(404)
    ),
    "LoadBalancer.from_attributes": lambda make, world: world.run(
        route=Route(
            make(
                world.stack,
                "Edge",
                listener_arn="arn:aws:elasticloadbalancing:eu-west-1:111111111111:listener/app/edge/1a/2b",
                security_group_id="sg-1",
                vpc=world.vpc,
            )
        ),
        rollout=Rollout.canary(alarms=RollbackAlarms(unhealthy_targets=1)),
        scaling=Scaling(2, 4, requests_per_task=100),
    ),
    "MetricTarget": lambda make, world: world.run(
        scaling=Scaling(
            2,
            4,
            metrics=[make(name="a", metric=cloudwatch.Metric(namespace="shop", metric_name="orders"), target=5)],
        )
    ),
    "Mount": lambda make, world: world.run(
        Container(REDIS, mounts={"/data": make(volume="data")}), of={"volumes": [Volume.bind_mount("data")]}
    ),
    "Network": lambda make, world: make(world.stack, "Network"),
    "NetworkLoadBalancer": lambda make, world: world.run(
        route=Listener(make(world.stack, "Gate", vpc=world.vpc, public=True, without_tls="a test"), 5000)
    ),
    "NetworkLoadBalancer.from_attributes": lambda make, world: world.run(
        route=Listener(
            make(
                world.stack,
                "Gate",
                load_balancer_arn="arn:aws:elasticloadbalancing:eu-west-1:111111111111:loadbalancer/net/gate/1a",
                security_group_id="sg-1",
                vpc=world.vpc,
            ),
            5000,
        ),
        rollout=Rollout.canary(alarms=RollbackAlarms(unhealthy_targets=1)),
    ),
    "PublicRepository": lambda make, world: make(
        cdk.Stack(world.stack, "Public", env=cdk.Environment(account="111111111111", region="us-east-1")),
        "Images",
    ),
    **dict.fromkeys(
        (f"PullThrough.{upstream}" for upstream in ("ecr_public", "quay", "kubernetes")),
        lambda make, world: world.register(pull_through=[make()]),
    ),
    **dict.fromkeys(
        (f"PullThrough.{upstream}" for upstream in ("docker_hub", "github", "gitlab", "chainguard")),
        lambda make, world: world.register(pull_through=[make(secret=world.secret)]),
    ),
    "PullThrough.azure": lambda make, world: world.register(
        pull_through=[make(registry="shop.azurecr.io", secret=world.secret, prefix="azure")]
    ),
    "PullThrough.ecr": lambda make, world: world.register(
        pull_through=[make(account="222222222222", region="us-east-1", prefix="other")]
    ),
    "Registry": lambda make, world: make(world.stack, "Registry"),
    "ScanGate": lambda make, world: world.run(
        rollout=Rollout.rolling(hooks=[make(world.stack, "ScanGate", severity=Severity.CRITICAL).hook])
    ),
    **{
        f"Registry.{each}": lambda make, world: make(Registry(world.stack, "Registry"), "Rule")
        for each in (
            *("on_push", "on_delete", "on_archive", "on_scan_completed"),
            *("on_replicated", "on_pull_through", "on_api_call"),
        )
    },
    "Registry.on_scan_finding": lambda make, world: make(
        Registry(world.stack, "Registry", scanning=Scanning.enhanced()), "Rule", severity=Severity.CRITICAL
    ),
    "Replication": lambda make, world: world.register(replication=[make(to="us-east-1")]),
    "ReplicationDestination": lambda make, world: world.register(
        replication=[Replication(to=make(region="us-east-1", managed_elsewhere=True))]
    ),
    "ReplicationSource": lambda make, world: world.register(
        replicates_from=[make(account="222222222222", replication=[Replication(to="eu-west-1")])]
    ),
    "Repository": lambda make, world: world.run(
        Container(Image.from_repository(make(world.stack, "Images"), tag="v1"), name="web")
    ),
    "RepositorySettings": lambda make, world: world.register(templates=[RepositoryTemplate("a", settings=make())]),
    "RepositoryTemplate": lambda make, world: world.register(templates=[make(prefix="a")]),
    "Route": lambda make, world: world.route(make),
    "Scanning.basic": lambda make, world: world.register(scanning=make()),
    "Scanning.enhanced": lambda make, world: world.register(scanning=make()),
    "Schedule": lambda make, world: world.job(schedule=make(expression=DAILY)),
    "ScheduledAction": lambda make, world: world.run(
        scaling=Scaling(
            2,
            4,
            cpu_percent=60,
            schedules=[make(name="a", schedule=DAILY, minimum=3)],
        )
    ),
    "Service.from_attributes": lambda make, world: make(
        world.stack,
        "Existing",
        cluster=world.cluster,
        service_name="web",
        load_balancer_arn=_BALANCER,
        target_group_arns=_GROUP,
    ),
    "Service.metric": lambda make, world: make(world.run(), metric_name="CPUUtilization"),
    "Service.metric_cpu_utilization": lambda make, world: make(world.run()),
    "Service.metric_memory_utilization": lambda make, world: make(world.run()),
    "ServiceConnect": lambda make, world: world.run(connect=make()),
    "Service": lambda make, world: make(world.stack, "Own", cluster=world.cluster, task=Task(WEB)),
    "ServiceConnectTls": lambda make, world: world.run(connect=ServiceConnect(tls=make())),
    "SigningRule": lambda make, world: world.register(
        signing=[make(profile="arn:aws:signer:eu-west-1:111111111111:/signing-profiles/shop")]
    ),
    "TargetHealth": lambda make, world: world.route(functools.partial(Route, health=make())),
    "Task": lambda make, world: Service(
        world.stack,
        "Web",
        cluster=Cluster(
            world.stack,
            "Cluster",
            vpc=world.vpc,
            namespace="shop",
            failure_events=False,
            capacity=[Capacity.ec2("a", instance_types=["m5.large"], max_instances=2)],
        ),
        task=make(Container(REDIS)),
    ),
    "Volume.bind_mount": lambda make, world: world.mount(make(name="data")),
    "Volume.efs": lambda make, world: world.mount(
        make(name="data", file_system=efs.FileSystem(world.stack, "Files", vpc=world.vpc))
    ),
    "Volume.ebs": lambda make, world: world.mount(make(name="data", size_gib=10)),
    "Worker": lambda make, world: make(
        world.stack, "Own", cluster=world.cluster, task=Task(WEB), scaling=Scaling(0, 9, backlog_per_task=100)
    ),
}
"""The use of each public class or method."""

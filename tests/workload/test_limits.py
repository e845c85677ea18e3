"""Every limit has a definition within it and one beyond it, and refuses only the latter."""

from __future__ import annotations

import datetime as dt
import math
import warnings
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_events as events
from aws_cdk import aws_scheduler as scheduler

from moorage import (
    Ami,
    Architecture,
    Capacity,
    CapacityReservations,
    Cluster,
    Container,
    ContainerInstance,
    EventRule,
    HealthCheck,
    Image,
    Job,
    Lattice,
    LoadBalancer,
    ManagedScaling,
    Network,
    NetworkMode,
    Placement,
    Repository,
    Route,
    Scaling,
    Schedule,
    Service,
    Strategy,
    TargetHealth,
    Task,
    WarmPool,
    Worker,
    WorkQueue,
)
from moorage.ecr import limits as ecr_limits
from moorage.workload import (
    capacity_limits,
    command_limits,
    container_limits,
    docker_option_limits,
    ec2_instances,
    image_limits,
    job_limits,
    limits,
    load_balancing_limits,
    platform_limits,
    port_limits,
    rollout_limits,
    route_limits,
    scaling_limits,
    service_limits,
    task_limits,
    volume_limits,
)
from moorage.workload.ec2_instances import InstanceRequirements
from moorage.workload.limit import Limit, minimum_length
from tests.conftest import imported_vpc
from tests.ecr import ecr_limit_cases as ecr_cases
from tests.stand_ins import stand_in
from tests.workload import load_balancing_limit_cases, rollout_limit_cases, task_limit_cases

Define = Callable[[cdk.Stack], object]
ARM = Task(Container("redis:8", port=6379), architecture=Architecture.ARM64)
BRIDGED = Task(Container("redis:8", port=6379), network_mode=NetworkMode.BRIDGE)
HOSTED = Task(Container("redis:8", port=6379), network_mode=NetworkMode.HOST)
RESERVATION_GROUP = "arn:aws:resource-groups:eu-west-1:111111111111:group"
MANAGED = Capacity.managed_instances("managed")
CLUSTER_ARN = "arn:aws:ecs:eu-west-1:111111111111:cluster/shop"
RESPONSE = elbv2.ListenerAction.fixed_response
SERVICE_ARN = "arn:aws:ecs:eu-west-1:111111111111:service/shop/web"
BALANCER_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:loadbalancer/app/edge/50dc6c495c0c9188"
GROUP_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:targetgroup/web/0123456789abcdef"
EDGE = stand_in("RequestLoadBalancer")  # a route is checked without its load balancer
REPOSITORY = stand_in("aws_ecr.IRepository")
CREDENTIALS = stand_in("aws_secretsmanager.ISecret")


def seconds(count: int) -> dt.timedelta:
    return dt.timedelta(seconds=count)


def container(**arguments: Any) -> Define:
    return lambda _: Container("redis:8", **arguments)


def health(**arguments: Any) -> Define:
    return lambda _: HealthCheck(**{"command": "true", **arguments})


def task(*names: str, **arguments: Any) -> Define:
    return lambda _: Task(*(Container("redis:8", name=name) for name in names), **{"memory_mib": 2048, **arguments})


def instances(**arguments: Any) -> Define:
    return lambda _: InstanceRequirements(**{"vcpus": (2, 8), "memory_mib": (4096, None), **arguments})


def target(**arguments: Any) -> Define:
    return lambda _: TargetHealth(**arguments)


def route(**arguments: Any) -> Define:
    return lambda _: Route(EDGE, **arguments)


def grpc(health: TargetHealth) -> Define:
    return route(health=health, protocol_version=elbv2.ApplicationProtocolVersion.GRPC)


def service(*, cpu: int = 256, memory_mib: int = 512, stop: int = 30, **arguments: Any) -> Define:
    def define(stack: cdk.Stack) -> Service:
        what = Task(Container("redis:8", port=6379, stop_timeout=seconds(stop)), cpu=cpu, memory_mib=memory_mib)
        return Service(stack, "Web", cluster=Cluster(stack, "Cluster", vpc=imported_vpc(stack)), task=what, **arguments)

    return define


def existing_service(stack: cdk.Stack, **arguments: Any) -> object:
    named = {} if "service_arn" in arguments else {"service_name": "web"}
    cluster = Cluster.from_attributes(stack, "Theirs", cluster_name="shop")
    return Service.from_attributes(stack, "Existing", cluster=cluster, **{**named, **arguments})


def instance_types(count: int) -> Define:
    arm = [type_ for type_ in ec2_instances.instance_types() if type_.architecture is Architecture.ARM64]
    names = [type_.name for type_ in arm if not type_.gpus]
    return lambda _: Capacity.ec2("a", instance_types=names[:count], max_instances=1)


def zones(count: int, region: str) -> Define:
    def define(stack: cdk.Stack) -> Network:
        there = cdk.Stack(stack, "There", env=cdk.Environment(account="111111111111", region=region))
        return Network(there, "Network", zones=count)

    return define


def groups(count: int) -> Define:
    def define(stack: cdk.Stack) -> object:
        some = [ec2.SecurityGroup.from_security_group_id(stack, f"Group{i}", f"sg-{i}") for i in range(count)]
        return service(security_groups=some)(stack)

    return define


def subnets(count: int) -> Define:
    def define(stack: cdk.Stack) -> object:
        some = [ec2.Subnet.from_subnet_id(stack, f"Subnet{i}", f"subnet-{i}") for i in range(count)]
        return service(vpc_subnets=ec2.SubnetSelection(subnets=some))(stack)

    return define


def routes(count: int, **arguments: Any) -> Define:
    def define(stack: cdk.Stack) -> object:
        edge = LoadBalancer(stack, "Edge", vpc=imported_vpc(cdk.Stack(stack, "Other")))
        some = [Route(edge, path=f"/{index}/*") for index in range(count)]
        return service(route=some, **arguments)(stack)

    return define


def existing(count: int) -> list[Capacity]:
    return [Capacity.from_provider_name(f"capacity-{index}") for index in range(count)]


def many(count: int) -> Define:
    def define(stack: cdk.Stack) -> object:
        cluster = ecs.Cluster(stack, "Cluster", vpc=imported_vpc(stack))
        return Service(
            stack, "Web", cluster=cluster, task=Task(Container("redis:8")), capacity=dict.fromkeys(existing(count), 1)
        )

    return define


def providers(count: int) -> Define:
    return lambda stack: Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=existing(count))


def cluster_of(count: int) -> Define:
    """Define a cluster of at most `count` instances, half of them in each of two capacities."""

    def define(stack: cdk.Stack) -> object:
        halves = [
            general(name=name, max_instances=most) for name, most in (("one", count // 2), ("other", -(-count // 2)))
        ]
        return Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=halves)

    return define


def on(capacity: Capacity, task: Task, **arguments: Any) -> Define:
    """Define a service of `task` on one capacity."""

    def define(stack: cdk.Stack) -> object:
        cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[capacity])
        return Service(stack, "Web", cluster=cluster, task=task, **arguments)

    return define


def mapped(*host_ports: int | None, mode: NetworkMode = NetworkMode.BRIDGE) -> Define:
    return lambda _: Task(
        *(
            Container("redis:8", name=f"c{index}", port=6379 + index, host_port=port)
            for index, port in enumerate(host_ports)
        ),
        network_mode=mode,
    )


def ec2_capacity(**arguments: Any) -> Define:
    return lambda _: general(**arguments)


def general(**arguments: Any) -> Capacity:
    return Capacity.ec2(
        **{"name": "general", "instance_types": ["m7g.large", "m6g.large"], "max_instances": 2, **arguments}
    )


def strategy(make: Callable[[Capacity, Capacity], Strategy]) -> Define:
    def define(stack: cdk.Stack) -> object:
        one, other = general(), general(name="spot", spot=True)
        cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[one, other, Capacity.fargate()])
        return Service(stack, "Web", cluster=cluster, task=ARM, capacity=make(one, other))

    return define


def placed(*, strategies: int = 0, constraints: int = 0, expression: str = "true") -> Define:
    def define(stack: cdk.Stack) -> object:
        by = [ecs.PlacementStrategy.spread_across_instances()] * strategies
        where = [ecs.PlacementConstraint.member_of(expression)] * constraints
        return on(general(), ARM, placement=Placement(strategies=by, constraints=where))(stack)

    return define


def weights(*of: int) -> Define:
    def define(stack: cdk.Stack) -> object:
        fargate, spot = Capacity.fargate(), Capacity.fargate_spot()
        cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[fargate, spot])
        chosen = dict(zip((fargate, spot), of, strict=False))
        return Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8")), capacity=chosen)

    return define


def answer(action: elbv2.ListenerAction) -> Define:
    return lambda stack: LoadBalancer(stack, "Edge", vpc=imported_vpc(stack)).add_action(action, path="/a")


def forwarding(stack: cdk.Stack) -> object:
    vpc = imported_vpc(stack)
    group = elbv2.ApplicationTargetGroup(stack, "Group", vpc=vpc, port=80)
    return LoadBalancer(stack, "Edge", vpc=vpc).add_action(elbv2.ListenerAction.forward([group]), path="/a")


def balancer(**arguments: Any) -> Define:
    return lambda stack: LoadBalancer(stack, "Edge", vpc=imported_vpc(stack), **arguments)


def numbered(text: str, count: int) -> list[str]:
    return [f"{text}{number}" for number in range(count)]


def event_fields(*paths: str) -> Define:
    return lambda _: EventRule(
        events.EventPattern(source=["shop"]),
        environment={f"F{number}": events.EventField.from_path(path) for number, path in enumerate(paths)},
    )


def schedule(**arguments: Any) -> Define:
    return lambda _: Schedule(scheduler.ScheduleExpression.rate(cdk.Duration.days(1)), **arguments)


def job(capacity: dict[Capacity, int] | None = None, **arguments: Any) -> Define:
    def define(stack: cdk.Stack) -> object:
        cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=list(capacity) if capacity else None)
        start = Schedule(
            scheduler.ScheduleExpression.rate(cdk.Duration.days(1)), environment=arguments.pop("environment", None)
        )
        what = Task(Container("redis:8"))
        return Job(stack, "Job", cluster=cluster, task=what, schedule=start, capacity=capacity, **arguments)

    return define


def between(count: int) -> Define:
    def define(stack: cdk.Stack) -> object:
        some = [
            ec2.Subnet.from_subnet_attributes(stack, f"Subnet{i}", subnet_id=f"subnet-{i}", availability_zone=f"z{i}")
            for i in range(count)
        ]
        return balancer(vpc_subnets=ec2.SubnetSelection(subnets=some))(stack)

    return define


def work_queue(**arguments: Any) -> Define:
    return lambda _: WorkQueue(**arguments)


def worker(visible: int) -> Define:
    def define(stack: cdk.Stack) -> object:
        cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack))
        queue = WorkQueue(visibility_timeout=seconds(visible))
        scaling = Scaling(0, 5, backlog_per_task=10)
        return Worker(stack, "Worker", cluster=cluster, task=Task(Container("a:1")), scaling=scaling, queue=queue)

    return define


def event(source: str) -> Define:
    return lambda _: EventRule(events.EventPattern(source=[source]))


def lattices(count: int) -> Define:
    def define(stack: cdk.Stack) -> object:
        cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack))
        each = [Lattice("pl-0a1b2c3d")] * count
        return Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8", port=6379)), lattice=each)

    return define


LATTICE = "vpc-lattice:eu-west-1:111111111111:targetgroup"
AWS_AMI = "/aws/service/ecs/optimized-ami/amazon-linux-2023"
WINDOWS_AMI = "/aws/service/ami-windows-latest/Windows_Server-2022-English-Core-ECS_Optimized"
BOTTLEROCKET_AMI = "/aws/service/bottlerocket/aws-ecs-2/arm64/latest/image_id"


def made_from(path: str, instance_type: str) -> Capacity:
    instance = ContainerInstance(ami=Ami.from_ssm_parameter(path))
    return Capacity.ec2("general", instance_types=[instance_type], max_instances=1, instance=instance)


SHA = "sha256:" + "0a" * 32

CASES: dict[str, tuple[Define, Define]] = {
    "fargate-size": (service(cpu=32768, memory_mib=249856), service(cpu=1024, memory_mib=9216)),
    "ephemeral-storage": (task("a", ephemeral_storage_gib=21), task("a", ephemeral_storage_gib=20)),
    "containers-per-task": (task(*"abcdefghij"), task(*"abcdefghijk")),
    "container-name": (container(name="a_b-C1"), container(name="a b")),
    "container-names-unique": (task("a", "b"), task("a", "a")),
    "container-ports-unique": (
        lambda _: Task(Container("a:1", name="a", port=80), Container("b:1", name="b", port=81)),
        lambda _: Task(Container("a:1", name="a", port=80), Container("b:1", name="b", port=80)),
    ),
    "essential-container": (
        lambda _: Task(Container("a:1", name="a"), Container("b:1", name="b", essential=False)),
        lambda _: Task(Container("a:1", name="a", essential=False)),
    ),
    "container-cpu-least": (container(cpu=0), container(cpu=-1)),
    "container-cpu": (
        lambda _: Task(Container("a:1", cpu=256), cpu=256),
        lambda _: Task(Container("a:1", cpu=257), cpu=256),
    ),
    "container-memory": (
        lambda _: Task(Container("a:1", memory_mib=512), memory_mib=512),
        lambda _: Task(Container("a:1", memory_mib=513), memory_mib=512),
    ),
    "container-memory-least": (container(memory_mib=6), container(memory_mib=5)),
    "writable-least": (container(writable={"/tmp": 1}), container(writable={"/tmp": 0})),
    "writable-size": (
        container(writable={"/tmp": 63}, memory_mib=64),
        container(writable={"/tmp": 64}, memory_mib=64),
    ),
    "mount-path": (container(mounts={"/var/lib/x": "data"}), container(mounts={"data": "data"})),
    "writable-path": (container(writable=["/var/lib/x"]), container(writable=["tmp"])),
    "port": (container(port=65535), container(port=65536)),
    "stop-timeout": (service(stop=120), service(stop=121)),
    "health-command": (health(command=["CMD", "true"]), health(command=["true"])),
    "health-interval": (health(interval=seconds(300)), health(interval=seconds(301))),
    "health-timeout": (
        health(timeout=seconds(60), interval=seconds(60)),
        health(timeout=seconds(61), interval=seconds(61)),
    ),
    "health-retries": (health(retries=10), health(retries=11)),
    "health-start-period": (health(start_period=seconds(300)), health(start_period=seconds(301))),
    "task-definition-size": (container(), lambda _: Task(Container("a:1", environment={"TEXT": "x" * 65536}))),
    "scaling-copies": (lambda _: Scaling(0), lambda _: Scaling(-1)),
    "tasks-per-service": (lambda _: Scaling(5000), lambda _: Scaling(5001)),
    "scaling-cooldown": (
        lambda _: Scaling(1, 2, cpu_percent=60, scale_in_cooldown=seconds(0)),
        lambda _: Scaling(1, 2, cpu_percent=60, scale_in_cooldown=seconds(-1)),
    ),
    "scaling-range": (lambda _: Scaling(2, 3, cpu_percent=60), lambda _: Scaling(3, 2, cpu_percent=60)),
    "target-percent": (lambda _: Scaling(1, 2, memory_percent=100), lambda _: Scaling(1, 2, memory_percent=101)),
    "cpu-target-percent": (lambda _: Scaling(1, 2, cpu_percent=150), lambda _: Scaling(1, 2, cpu_percent=0.9)),
    "strategy-items": (many(20), many(21)),
    "strategy-weight": (weights(1000, 1), weights(1001, 1)),
    "strategy-weights": (weights(0, 1), weights(0, 0)),
    "strategy-base": (
        strategy(lambda a, b: Strategy({a: 1, b: 1}, base={a: 100_000})),
        strategy(lambda a, b: Strategy({a: 1, b: 1}, base={a: 100_001})),
    ),
    "strategy-one-base": (
        strategy(lambda a, b: Strategy({a: 1, b: 1}, base={a: 1})),
        strategy(lambda a, b: Strategy({a: 1, b: 1}, base={a: 1, b: 1})),
    ),
    "strategy-one-kind": (
        strategy(lambda a, b: Strategy({a: 1, b: 1})),
        strategy(lambda a, _: Strategy({a: 1, Capacity.fargate(): 1})),
    ),
    "capacity-provider-name": (
        lambda _: Capacity.from_provider_name("a_B-1"),
        lambda _: Capacity.from_provider_name("Fargate-like"),
    ),
    "namespace-name": (
        lambda stack: Cluster(stack, "Cluster", vpc=imported_vpc(stack), namespace="shop.local"),
        lambda stack: Cluster(stack, "Cluster", vpc=imported_vpc(stack), namespace="the shop"),
    ),
    "cluster-name": (
        lambda stack: Cluster.from_attributes(stack, "Theirs", cluster_name="a_B-1"),
        lambda stack: Cluster.from_attributes(stack, "Theirs", cluster_name="cluster/shop"),
    ),
    "service-name": (
        service(service_name="a_B-1" * 51),
        service(service_name="a" * 256),
    ),
    "service-arn": (
        lambda stack: existing_service(stack, service_arn=SERVICE_ARN),
        lambda stack: existing_service(stack, service_arn=CLUSTER_ARN),
    ),
    "load-balancer-arn": (
        lambda stack: existing_service(stack, load_balancer_arn=BALANCER_ARN, target_group_arns=GROUP_ARN),
        lambda stack: existing_service(stack, load_balancer_arn=GROUP_ARN, target_group_arns=GROUP_ARN),
    ),
    "target-group-arn": (
        lambda stack: existing_service(stack, load_balancer_arn=BALANCER_ARN, target_group_arns=GROUP_ARN),
        lambda stack: existing_service(stack, load_balancer_arn=BALANCER_ARN, target_group_arns=BALANCER_ARN),
    ),
    "task-family": (
        lambda _: Task(Container("redis:8"), family="a_B-1" * 51),
        lambda _: Task(Container("redis:8"), family="a" * 256),
    ),
    "cluster-arn": (
        lambda stack: Cluster.from_attributes(stack, "Theirs", cluster_arn=CLUSTER_ARN),
        lambda stack: Cluster.from_attributes(stack, "Theirs", cluster_arn=CLUSTER_ARN.replace(":cluster", ":service")),
    ),
    "capacity-providers-per-cluster": (providers(20), providers(21)),
    "instances-per-cluster": (cluster_of(5000), cluster_of(5001)),
    "instances-range": (ec2_capacity(min_instances=2), ec2_capacity(min_instances=3)),
    "on-demand-base": (ec2_capacity(spot=True, on_demand_base=2), ec2_capacity(spot=True, on_demand_base=3)),
    "warm-pool": (
        ec2_capacity(warm_pool=WarmPool(min_instances=2)),
        ec2_capacity(warm_pool=WarmPool(min_instances=3)),
    ),
    "managed-instances-type": (
        lambda _: Capacity.managed_instances("m", allowed_instance_types="m7g.*"),
        lambda _: Capacity.managed_instances("m", excluded_instance_types=["m5.bogus!"]),
    ),
    "managed-scaling-target": (
        lambda _: ManagedScaling(target_percent=100),
        lambda _: ManagedScaling(target_percent=101),
    ),
    "managed-scaling-step": (
        lambda _: ManagedScaling(maximum_scaling_step_size=10_000),
        lambda _: ManagedScaling(maximum_scaling_step_size=0),
    ),
    "managed-scaling-warmup": (
        lambda _: ManagedScaling(instance_warmup=seconds(10_000)),
        lambda _: ManagedScaling(instance_warmup=seconds(10_001)),
    ),
    "ami-id": (
        lambda _: Ami.from_ssm_parameter(f"{AWS_AMI}/recommended/image_id"),
        lambda _: Ami.from_ssm_parameter(f"{AWS_AMI}/recommended"),
    ),
    "ami-system": (
        lambda _: Ami.from_ssm_parameter(BOTTLEROCKET_AMI, bottlerocket=True),
        lambda _: Ami.from_ssm_parameter(BOTTLEROCKET_AMI),
    ),
    "ami-architecture": (
        lambda _: made_from(f"{AWS_AMI}/arm64/recommended/image_id", "m7g.large"),
        lambda _: made_from(f"{AWS_AMI}/arm64/recommended/image_id", "m7i.large"),
    ),
    "instance-volume": (lambda _: ContainerInstance(volume_gib=30), lambda _: ContainerInstance(volume_gib=29)),
    "instance-user-data": (
        lambda _: ContainerInstance(user_data="x" * 15000),
        lambda _: ContainerInstance(user_data="ä" * 7501),
    ),
    "instance-types": (instance_types(40), instance_types(41)),
    "instance-types-unique": (
        lambda _: Capacity.ec2("a", instance_types=["m7g.large", "m6g.large"], max_instances=1),
        lambda _: Capacity.ec2("a", instance_types=["m7g.large", "m7g.large"], max_instances=1),
    ),
    "capacity-name": (
        lambda _: Capacity.ec2("ecs-" + "a" * 124, instance_types=["m7g.large"], max_instances=1),
        lambda _: Capacity.managed_instances("a" * 129),
    ),
    "reserved-memory": (
        lambda _: ContainerInstance(reserved_memory_mib=0),
        lambda _: ContainerInstance(reserved_memory_mib=-1),
    ),
    "managed-instances-volume": (
        lambda _: Capacity.managed_instances("m", volume_gib=1),
        lambda _: Capacity.managed_instances("m", volume_gib=0),
    ),
    "managed-instances-scale-in-delay": (
        lambda _: Capacity.managed_instances("m", scale_in_delay=seconds(3600)),
        lambda _: Capacity.managed_instances("m", scale_in_delay=seconds(3601)),
    ),
    "capacity-reservation-preference": (
        lambda _: CapacityReservations("RESERVATIONS_EXCLUDED"),
        lambda _: CapacityReservations("RESERVATIONS_FIRST_"),
    ),
    "capacity-reservation-group": (
        lambda _: CapacityReservations.first(group_arn=f"{RESERVATION_GROUP}/gpus"),
        lambda _: CapacityReservations.only(group_arn=RESERVATION_GROUP),
    ),
    "managed-instances-types": (
        lambda _: Capacity.managed_instances("m", allowed_instance_types=["m7g.*"] * 400),
        lambda _: Capacity.managed_instances("m", excluded_instance_types=["m7g.*"] * 401),
    ),
    "managed-instances-network-mode": (on(MANAGED, HOSTED), on(MANAGED, BRIDGED)),
    "task-cpu": (task("a", cpu=128), task("a", cpu=127)),
    "task-memory": (task("a", memory_mib=6), task("a", memory_mib=5)),
    "placement-strategies": (placed(strategies=5), placed(strategies=6)),
    "placement-constraints": (placed(constraints=10), placed(constraints=11)),
    "placement-expression": (
        placed(constraints=1, expression="attribute:ecs.instance-type == m7i.large and attribute:a =~ b.* and c >= 1"),
        placed(constraints=1, expression="attribute:ecs.instance-type = m7i.large"),
    ),
    "host-ports-unique": (mapped(8080, 8081), mapped(8080, 8080)),
    "host-port": (
        lambda _: Task(Container("redis:8", port=50051), network_mode=NetworkMode.HOST),
        mapped(2375),
    ),
    "host-port-ephemeral": (mapped(32767), mapped(32768)),
    "host-port-same": (mapped(6379, mode=NetworkMode.HOST), mapped(6380, mode=NetworkMode.AWSVPC)),
    "fargate-gpus": (
        on(Capacity.fargate(), Task(Container("redis:8", gpus=0))),
        on(Capacity.fargate(), Task(Container("redis:8", gpus=1))),
    ),
    "fargate-privileged": (
        on(Capacity.fargate(), Task(Container("redis:8"))),
        on(Capacity.fargate(), Task(Container("redis:8", privileged=True))),
    ),
    "fargate-network-mode": (on(Capacity.fargate(), Task(Container("redis:8"))), on(Capacity.fargate(), BRIDGED)),
    "awsvpc-security-groups": (groups(5), groups(6)),
    "awsvpc-subnets": (subnets(16), subnets(17)),
    "target-groups-per-service": (routes(5), routes(6)),
    "health-check-grace-period": (
        routes(1, health_check_grace_period=seconds(0)),
        routes(1, health_check_grace_period=seconds(-1)),
    ),
    "prefix-list": (lambda _: Lattice("pl-0a1b2c3d"), lambda _: Lattice("com.amazonaws.eu-west-1.vpc-lattice")),
    "lattice-target-group": (
        lambda _: Lattice("pl-0a1b2c3d", target_group_arn=f"arn:aws:{LATTICE}/tg-0123456789abcdef0"),
        lambda _: Lattice("pl-0a1b2c3d", target_group_arn="tg-0123456789abcdef0"),
    ),
    "lattice-target-groups": (lattices(5), lattices(6)),
    "target-health-interval": (target(interval=seconds(300)), target(interval=seconds(301))),
    "target-health-timeout": (
        target(timeout=seconds(120), interval=seconds(300)),
        target(timeout=seconds(121), interval=seconds(300)),
    ),
    "target-health-timeout-shorter": (
        target(timeout=seconds(9), interval=seconds(10)),
        target(timeout=seconds(10), interval=seconds(10)),
    ),
    "target-health-threshold": (target(healthy_threshold_count=10), target(unhealthy_threshold_count=1)),
    "target-health-path": (target(path="/" + "x" * 1023), target(path="healthz")),
    "target-health-grpc-path": (grpc(TargetHealth("/grpc.health.v1.Health/Check")), grpc(TargetHealth("/healthz"))),
    "target-health-codes": (route(health=TargetHealth(codes="200,300-499")), route(health=TargetHealth(codes="500"))),
    "target-health-grpc-codes": (grpc(TargetHealth(codes="0,12-99")), grpc(TargetHealth(codes="100"))),
    "deregistration-delay": (route(deregistration_delay=seconds(0)), route(deregistration_delay=seconds(3601))),
    "deregistration-delay-at-deletion": (
        route(deregistration_delay=seconds(1800)),
        route(deregistration_delay=seconds(1801)),
    ),
    "rule-priority": (route(priority=50000), route(priority=50001)),
    "rule-condition-values": (
        route(path=["/a", "/b", "/c", "/d", "/e"]),
        route(path=["/a", "/b", "/c", "/d", "/e", "/f"]),
    ),
    "rule-wildcards": (route(path="/*/?/*/*/*"), route(path=["/*/*/*", "/?/*/*/*"])),
    "rule-wildcards-of-guide": (route(path="/*/?/*/*/*"), route(host="*.example.com", path="/*/?/*/*/*")),
    "listener-action": (answer(elbv2.ListenerAction.redirect(host="b.example.com")), forwarding),
    "fixed-response-code": (answer(RESPONSE(599)), answer(RESPONSE(302))),
    "fixed-response-type": (
        answer(RESPONSE(200, content_type="application/json")),
        answer(RESPONSE(200, content_type="text/xml")),
    ),
    "fixed-response-body": (
        answer(RESPONSE(200, message_body="a" * 1024)),
        answer(RESPONSE(200, message_body="a" * 1025)),
    ),
    "rule-header": (route(http_header={"a" * 40: "b"}), route(http_header={"a" * 41: "b"})),
    "rule-header-value": (route(http_header={"a": "b" * 128}), route(http_header={"a": "b" * 129})),
    "rule-method": (route(http_request_method="M-SEARCH"), route(http_request_method="get")),
    "rule-query-key": (route(query_string={"a" * 128: "b"}), route(query_string={"a" * 129: "b"})),
    "rule-query-value": (route(query_string={"a": "b" * 128}), route(query_string={"a": "b" * 129})),
    "rule-source": (route(source_ip=["10.0.0.0/8", "2001:db8::/32"]), route(source_ip="10.0.0.1")),
    "stickiness-cookie-duration": (
        route(stickiness_cookie_duration=seconds(604800)),
        route(stickiness_cookie_duration=seconds(604801)),
    ),
    "stickiness-cookie-name": (route(stickiness_cookie_name="SID"), route(stickiness_cookie_name="AWSALBTG")),
    "rule-host": (route(host="*.example.com"), route(host="example.*")),
    "rule-path": (route(path="/v1/*"), route(path="v1")),
    "idle-timeout": (balancer(idle_timeout=seconds(4000)), balancer(idle_timeout=seconds(4001))),
    "zones-of-region": (zones(3, "eu-west-1"), zones(4, "eu-west-1")),
    "zones": (
        lambda stack: Network(stack, "Net", zones=6, nat_gateways=1),
        lambda stack: Network(stack, "Net", zones=1),
    ),
    "network-cidr": (
        lambda stack: Network(stack, "Net", zones=3, cidr="10.0.0.0/18"),
        lambda stack: Network(stack, "Net", zones=3, cidr="10.0.0.0/19"),
    ),
    "load-balancer-subnets": (
        between(2),
        between(1),
    ),
    "instance-range": (instances(vcpus=(2, None)), instances(vcpus=(8, 2))),
    "instance-gpus": (instances(gpus=1), instances(gpus=-1)),
    "target-retries": (schedule(retries=185), schedule(retries=186)),
    "target-event-age": (schedule(max_event_age=seconds(60)), schedule(max_event_age=seconds(86401))),
    "flexible-time-window": (schedule(flexible_window=seconds(86400)), schedule(flexible_window=seconds(90))),
    "event-pattern": (event("x" * 2033), event("x" * 4082)),
    "event-pattern-quota": (event("x" * 2033), event("x" * 2034)),
    "event-fields": (event_fields(*numbered("$.detail.f", 100)), event_fields(*numbered("$.detail.f", 101))),
    "event-field": (event_fields("$.detail.list[0].name"), event_fields("detail.name")),
    "task-overrides": (job(environment={"TEXT": "x" * 8000}), job(environment={"TEXT": "x" * 8192})),
    "ecs-target-strategy-items": (
        job(dict.fromkeys(existing(6), 1)),
        job(dict.fromkeys(existing(7), 1)),
    ),
    "task-timeout": (job(timeout=seconds(1)), job(timeout=seconds(0))),
    "task-retries": (job(retries=1), job(retries=-1)),
    "task-retry-interval": (
        job(retries=1, retry_interval=seconds(1)),
        job(retries=1, retry_interval=seconds(0)),
    ),
    "visibility-timeout": (
        work_queue(visibility_timeout=seconds(43200)),
        work_queue(visibility_timeout=seconds(43201)),
    ),
    "visibility-after-stop": (worker(31), worker(30)),
    "max-receives": (work_queue(max_receives=1000), work_queue(max_receives=0)),
    "message-retention": (work_queue(retention=seconds(60)), work_queue(retention=seconds(1209601))),
    "repository-name": (
        lambda stack: Repository(stack, "Images", name="shop/web_1"),
        lambda stack: Repository(stack, "Images", name="Shop"),
    ),
    "image-reference": (
        lambda _: Image.from_registry(f"registry.Example.com:5000/org/web__api:1.4@{SHA}"),
        lambda _: Image.from_registry("https://ghcr.io/org/web:1.4"),
    ),
    "registry-credentials": (
        lambda _: Image.from_registry("ghcr.io/shop/web:1.4", credentials=CREDENTIALS),
        lambda _: Image.from_registry("public.ecr.aws/shop/web:1.4", credentials=CREDENTIALS),
    ),
    "image-tag": (
        lambda _: Image.from_repository(REPOSITORY, tag="v1.4"),
        lambda _: Image.from_repository(REPOSITORY, tag="-v1"),
    ),
    "image-digest": (
        lambda _: Image.from_repository(REPOSITORY, digest=SHA),
        lambda _: Image.from_repository(REPOSITORY, digest=SHA[:-1]),
    ),
    "parameter-name": (
        lambda _: Image.from_repository(REPOSITORY, parameter="/shop/web/tag"),
        lambda _: Image.from_repository(REPOSITORY, parameter="/shop/web tag"),
    ),
    **task_limit_cases.CASES,
    **rollout_limit_cases.CASES,
}


CASES |= ecr_cases.CASES | load_balancing_limit_cases.CASES
TABLE = (*limits.TABLE, *ecr_limits.TABLE)


def test_every_row_has_both_cases_and_a_source() -> None:
    assert {row.id for row in TABLE} == CASES.keys()
    assert len({row.id for row in TABLE}) == len(TABLE)
    assert all(row.source for row in TABLE)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.id)
def test_a_definition_within_the_limit_is_accepted(row: Limit, stack: cdk.Stack) -> None:
    CASES[row.id][0](stack)


def message_of(row: Limit, stack: cdk.Stack) -> str:
    """Break a limit and return its message: an error, or a warning if no source confirms the limit."""
    if row.confirmed:
        with pytest.raises(ValueError, match=" must ") as refused:
            CASES[row.id][1](stack)
        return str(refused.value)
    with pytest.warns(UserWarning, match=" should ") as warned:
        CASES[row.id][1](stack)
    return str(warned[0].message)


def test_rules_are_predicates_of_the_argument() -> None:
    assert [row.rule for row in TABLE if not row.rule.startswith("must " if row.confirmed else "should ")] == []


@pytest.mark.parametrize(
    ("row", "value", "hint"),
    [
        (container_limits.MEMORY_RESERVATION, (5, 64), "use memory_reservation_mib=6 or more"),
        (container_limits.MEMORY_RESERVATION, (65, 64), "use a smaller memory_reservation_mib="),
        (task_limits.EPHEMERAL_STORAGE, 20, "use 21 or more"),
        (task_limits.EPHEMERAL_STORAGE, 201, "use 200 or less"),
        (task_limits.CONTAINERS, 0, "add a container"),
        (task_limits.CONTAINERS, 11, "move some of the containers"),
        (service_limits.ZONES, 1, "use 2 or more"),
        (service_limits.ZONES, 7, "use at most the number of zones"),
        (service_limits.SECURITY_GROUPS, 0, "leave security_groups= out"),
        (service_limits.SECURITY_GROUPS, 6, "combine the rules"),
        (service_limits.SUBNETS, 0, "select at least one subnet"),
        (service_limits.SUBNETS, 17, "select fewer subnets"),
        (capacity_limits.STRATEGY_WEIGHT, -1, "use a weight of 0 or more"),
        (capacity_limits.STRATEGY_WEIGHT, 1001, "use smaller weights"),
        (capacity_limits.INSTANCES, (0, 0), "use min_instances=0 or more, and max_instances=1 or more"),
        (capacity_limits.INSTANCES, (-1, 2), "use min_instances=0 or more"),
        (capacity_limits.INSTANCES, (3, 2), "use a smaller min_instances="),
        (capacity_limits.ON_DEMAND_BASE, (-1, 2), "use on_demand_base=0 or more"),
        (capacity_limits.ON_DEMAND_BASE, (3, 2), "use a smaller on_demand_base="),
        (capacity_limits.WARM_POOL, (-1, 2), "use WarmPool(min_instances=0) or more"),
        (capacity_limits.WARM_POOL, (3, 2), "use a smaller WarmPool(min_instances=)"),
        (capacity_limits.VOLUME, (29, 30), "use 30 or more"),
        (capacity_limits.VOLUME, (65537, 30), "use 65,536 or less"),
        (volume_limits.EBS_THROUGHPUT, (200, "gp2", 3000), "leave throughput_mib= out, or use volume_type='gp3'"),
        (volume_limits.EBS_THROUGHPUT, (124, "gp3", 3000), "use a value of throughput_mib between 125 and 2,000"),
        (volume_limits.EBS_THROUGHPUT, (2001, "gp3", 9000), "use a value of throughput_mib between 125 and 2,000"),
        (volume_limits.EBS_THROUGHPUT, (2000, "gp3", 7999), "use iops=8000 or more"),
    ],
)
def test_hints_fit_the_refused_value(row: Limit, value: Any, hint: str) -> None:
    problem = row.problem("argument", value)
    assert problem is not None
    assert f"); {hint}" in problem


ACCEPTED_AND_REFUSED: list[tuple[Limit, list[Any], list[Any]]] = [
    (service_limits.CLOUD_MAP_NAME, ["_api._tcp", "Api", "a" * 63, "."], ["a b", "-a", "a..b", "a" * 64, ""]),
    (service_limits.CONNECT_NAME, ["my_api", "v1.shop", "a" * 127], ["-api", "API", "a..b", "a" * 128]),
    (route_limits.RULE_HOST, ["*.example.com", "api.example.com"], ["example.*", "example.c0m", "example"]),
    (
        image_limits.IMAGE_REFERENCE,
        ["a" * 255, f"{'a' * 255}@{SHA}"],
        ["a" * 256, f"{'a' * 256}@{SHA}", f"{'a' * 250}:12345"],
    ),
    (
        image_limits.PARAMETER_NAME,
        ["tag", "/shop/web.tag-1", "/a" * 15, f"/{'a' * 1010}", "/shop/tag:3"],
        ["", "/", "/shop/", "shop/tag", "/shop//tag", "a b", "/a" * 16, f"/{'a' * 1011}", "/shop/tag:x"],
    ),
    (capacity_limits.INSTANCES, [(0, 1), (2, 2)], [(-1, 2), (0, 0), (3, 2)]),
    (capacity_limits.ON_DEMAND_BASE, [(0, 2), (2, 2)], [(-1, 2), (3, 2)]),
    (capacity_limits.WARM_POOL, [(0, 2), (2, 2)], [(-1, 2), (3, 2)]),
    (capacity_limits.VOLUME, [(30, 30), (65536, 30)], [(29, 30), (65537, 30)]),
    (capacity_limits.INSTANCE_RANGE, [(0, None), (0, 0), (2, 2)], [(-1, None), (3, 2), (1, 2, 3), (2,)]),
    (
        capacity_limits.ZONES_OF_REGION,
        [
            *((3, "eu-west-1"), (4, "ap-northeast-1"), (4, "ap-northeast-2"), (6, "us-east-1"), (2, "us-west-1")),
            *((4, "us-west-2"), (9, "eu-new-1")),
        ],
        [
            *((4, "eu-west-1"), (5, "ap-northeast-1"), (5, "ap-northeast-2"), (7, "us-east-1"), (3, "us-west-1")),
            (5, "us-west-2"),
        ],
    ),
    (
        capacity_limits.AMI_ID,
        [f"{AWS_AMI}/recommended/image_id", f"{AWS_AMI}/recommended/image_id:3", "/shop/ami"],
        [f"{AWS_AMI}/recommended", f"{AWS_AMI}/recommended/image_id:x"],
    ),
    (
        capacity_limits.AMI_SYSTEM,
        [
            (f"{AWS_AMI}/recommended/image_id", "LINUX"),
            (BOTTLEROCKET_AMI, "Bottlerocket"),
            (f"{WINDOWS_AMI}/image_id", "WINDOWS_SERVER_2022_CORE"),
            ("/shop/ami/Windows_Server-2022", "LINUX"),
        ],
        [
            (f"{AWS_AMI}/recommended/image_id", "Bottlerocket"),
            (BOTTLEROCKET_AMI, "LINUX"),
            (f"{WINDOWS_AMI}/image_id", "WINDOWS_SERVER_2022_FULL"),
        ],
    ),
    (
        capacity_limits.AMI_ARCHITECTURE,
        [
            (f"{AWS_AMI}/recommended/image_id", "X86_64"),
            (f"{AWS_AMI}/gpu/recommended/image_id", "X86_64"),
            (f"{AWS_AMI}/arm64/recommended/image_id", "ARM64"),
            (f"{WINDOWS_AMI}/image_id", "ARM64"),
            ("/shop/ami/arm64/image_id", "X86_64"),
        ],
        [
            (f"{AWS_AMI}/recommended/image_id", "ARM64"),
            (f"{AWS_AMI}/arm64/recommended/image_id", "X86_64"),
            (BOTTLEROCKET_AMI, "X86_64"),
        ],
    ),
    (port_limits.HOST_PORT, [21, 50051, 51677, 51681], [22, 2375, 2376, 51678, 51679, 51680]),
    (port_limits.PORT_RANGE, [(1, 2), (65534, 65535)], [(0, 2), (8000, 8000), (2, 1), (1, 65536), (1, 2, 3)]),
    (
        port_limits.PORT_RANGES_APART,
        [((8000, 8079), (8080, 8080), (8081, 8090))],
        [((8000, 8080), (8080, 8090)), ((8070, 8090), (8000, 8080))],
    ),
    (container_limits.INSTANCE_GPUS, [0], [-1]),
    (
        docker_option_limits.ULIMIT,
        [(-1, -1), (0, 0), (0, 1), (1024, 1024)],
        [(-2, -2), (-2, -1), (-1, 0), (1, 0), (1, 2, 3), (1,)],
    ),
    (
        platform_limits.FARGATE_WINDOWS_SIZE,
        [*((1024, size * 1024) for size in range(1, 9)), (2048, 4096), (2048, 16384), (4096, 8192), (4096, 30720)],
        [
            (1024, 0),
            (1024, 512),
            (1024, 9216),
            (2048, 3072),
            (2048, 17408),
            (4096, 7168),
            (4096, 31744),
            (512, 1024),
            (0, 512),
        ],
    ),
    (platform_limits.FARGATE_WINDOWS_LEAST, [(1024, 2048), (2048, 1024)], [(1024, 1024)]),
    (platform_limits.WINDOWS_FILE_SYSTEM, [("ntfs", True), ("xfs", False)], [("ntfs", False), ("xfs", True)]),
    (route_limits.TARGET_PATH, ["/", "/" + "x" * 1023], ["", "x", "/" + "x" * 1024]),
    (route_limits.TARGET_CODES, ["200", "499", "200-499"], ["199", "500", "199-300", "300-500"]),
    (route_limits.TARGET_GRPC_CODES, ["0", "99", "0-99"], ["100", "0-100", "1-0"]),
    (route_limits.DELETION_DELAY, [1800, 3601], [1801, 3600]),
    (route_limits.RULE_WILDCARDS_OF_GUIDE, [5, 7], [6]),
    (
        service_limits.NETWORK_CIDR,
        [("10.0.0.0/16", 15), ("10.0.0.1/16", 2), ("10.0.0.0/18", 3), ("10.0.0.0/19", 1)],
        [("10.0.0.0/15", 2), ("10.0.0.0/18", 4), ("10.0.0.0/19", 2), ("10.0.0.0", 2), ("shop", 2)],
    ),
    (port_limits.HOST_PORT_EPHEMERAL, [32767], [32768]),
    (service_limits.DISCOVERED_TASKS, [1000], [1001]),
    (service_limits.WIDGETS, [500], [501]),
    (job_limits.FLEXIBLE_WINDOW, [60, 86400], [0, 59, 61, 86460]),
    (volume_limits.EBS_VOLUMES, [[], ["a"]], [["a", "b"]]),
    (volume_limits.EFS_ROOT, [("/", None), ("/", "fsap-1"), ("/shop", None)], [("/shop", "fsap-1")]),
    (container_limits.MEMORY_RESERVATION, [(6, 6), (128, 128)], [(5, 128), (129, 128)]),
    (
        volume_limits.EBS_IOPS,
        [(3000, "gp3", 1), (16000, "gp3", 32), (5000, "io1", 100), (10000, "io2", 10), (80000, "gp3", None)],
        [
            *((2999, "gp3", 1), (3001, "gp3", 1), (15501, "gp3", 31), (16000, "gp3", 31), (80001, "gp3", None)),
            *((5001, "io1", 100), (10001, "io2", 10), (3000, "gp2", 10)),
        ],
    ),
    (
        volume_limits.EBS_THROUGHPUT,
        [(125, "gp3", 3000), (750, "gp3", 3000), (2000, "gp3", 8000)],
        [(124, "gp3", 3000), (751, "gp3", 3000), (2001, "gp3", 80000), (125, "gp2", 3000)],
    ),
    (
        volume_limits.EBS_INITIALIZATION,
        [(100, "snap-0"), (300, "snap-0")],
        [(99, "snap-0"), (301, "snap-0"), (100, None)],
    ),
    (task_limits.TASK_DEFINITION_SIZE, [65536], [65537]),
    (task_limits.TASK_MEMORY, [6], [5]),
    (task_limits.CONTAINER_CPU, [(5, 5), (5, 6), (5, None)], [(6, 5)]),
    (task_limits.CONTAINER_MEMORY, [(5, 5), (5, 6)], [(6, 5)]),
    (task_limits.LOG_ROUTERS, [[], ["a"]], [["a", "b"]]),
    (task_limits.PERMISSION_SIZE, [10_240], [10_241]),
    (task_limits.PERMISSIONS_SIZE, [160_000], [160_001]),
    (rollout_limits.COPIES, [0, 1, 5], [-1, 0.5]),
    (rollout_limits.TASKS, [5000], [5001]),
    (rollout_limits.SCALING_RANGE, [(1, 1), (1, 2)], [(2, 1)]),
    (rollout_limits.TARGET_VALUE, [0.1], [0]),
    (rollout_limits.ROLLOUT_DURATION, [33 * 3600], [33 * 3600 + 1]),
    (rollout_limits.ROLLOUT_TOTAL, [33 * 3600], [33 * 3600 + 1]),
    (rollout_limits.FUNCTION_TIMEOUT, [86_400, 86_459, 20_161 * 60], [86_460, 20_160 * 60]),
    (rollout_limits.ROLLOUT_ROOM, [(99, 100), (100, 101)], [(100, 100)]),
    (
        rollout_limits.ROLLOUT_PROGRESS,
        [(0, 100, 100), (1, 0, 200), (1, 100, 200), (3, 100, 134), (3, 66, 100), (100, 99, 100)],
        [(1, 1, 199), (3, 100, 133), (3, 67, 100), (200, 100, 100)],
    ),
    (rollout_limits.DAEMON_MAXIMUM, [100], [99, 101]),
    (rollout_limits.CANARY_PERCENT, [0.1, 2.5, 100], [0, 0.15, 99.95, 100.1]),
    (rollout_limits.LINEAR_PERCENT, [3, 12.5, 100], [2.9, 3.05, 100.1]),
    (rollout_limits.BREAKER_PERCENT, [1, 100], [0, 101]),
    (rollout_limits.EARLY_SUCCESS_LEAST, [(50, 50), (51, 50)], [(49, 50)]),
    (rollout_limits.ALARM_COUNT, [0.1], [0]),
    (rollout_limits.ALARM_PERCENT, [0, 99.9], [-0.1, 100]),
    (scaling_limits.CPU_TARGET, [1, 1000], [0.9, math.inf]),
    (load_balancing_limits.NETWORK_CODES, ["200", "599", "200-599"], ["199", "600"]),
    (command_limits.COMMAND_WORDS, [["start"], [" start "], ["npm run", "start"], ["a", "b c"]], [["npm start"]]),
    (
        command_limits.COMMAND_SHELL,
        [
            ["sh", "-c", "a"],
            ["sh", "x", "-c", "-c"],
            ["go", "-c", "x", "y"],
            ["sh", "-c", "a b", "c"],
            ["sh", "-c", "$0", "x"],
        ],
        [["sh", "-c", "npm", "start"], ["/usr/bin/bash", "-c", "npm", "run", "a b"]],
    ),
    (
        command_limits.COMMAND_OPERATOR,
        [["a", "b"], ["sh", "-c", "a", "&&"], ["/bin/sh", "|"], ["a", "b|c"]],
        [["a", "&&", "b"], ["a", "sh", "|"]],
    ),
    (
        command_limits.COMMAND_VARIABLE,
        [["echo", "$"], ["sh", "-c", "echo", "$A"], [r"C:\bin\PowerShell.exe", "$A"], ["echo", "a $A"], ["echo", "$1"]],
        [["echo", "$A"], ["echo", "x${A_1}y"], ["sh/echo", "$A"]],
    ),
    (command_limits.COMMAND_BLANK, [["a", ""]], [["", "a"], [" "]]),
    (command_limits.PROGRAM, [["a"], ["a", ""]], [[], [""], [" ", "a"]]),
    (command_limits.USER, ["", "1000:1000"], [" "]),
    (command_limits.COMMAND_FORM, [["a"], ["a", "CMD"]], [["CMD"], ["CMD-SHELL", "a"]]),
    (
        command_limits.HEALTH_COMMAND,
        [["CMD", "a"], ["CMD", "a", "b c"], ["CMD-SHELL", "a b"], ["CMD", "sh", "-c", "a"], ["CMD-SHELL", "CMDS a"]],
        [
            *([], ["CMD"], ["CMD-SHELL"], ["CMD", ""], ["CMD", "a", ""], ["CMD-SHELL", ""], ["a", "b"], ["a"]),
            *(["CMD-SHELL", "a", "b"], ["CMD-SHELL", "CMD a"], ["CMD-SHELL", "CMD-SHELL a"]),
            *(["CMD", "a b"], ["CMD", "sh", "-c", "a", "b"]),
        ],
    ),
]
"""Values at both ends of limits, and on each side of their conditions."""


@pytest.mark.parametrize(
    ("row", "value", "text"),
    [
        (task_limits.ESSENTIAL, [False], "False"),
        (task_limits.ESSENTIAL, [False, False], "False for all 2 containers"),
        (rollout_limits.ROLLOUT_DURATION, 33 * 3600 + 59, "33.02"),
        (rollout_limits.ROLLOUT_TOTAL, 33 * 3600 + 59, "33.02"),
        (rollout_limits.FUNCTION_TIMEOUT, 90_030, "1,500.5"),
        (
            rollout_limits.ROLLOUT_PROGRESS,
            (3, 67, 100),
            "3 copies with minimum_healthy_percent=67, rounded up to 3, and maximum_percent=100, rounded down to 3",
        ),
        (rollout_limits.ROLLOUT_ROOM, (100, 99), "99 with minimum_healthy_percent=100"),
    ],
)
def test_a_refused_value_is_named_as_its_limit_counts_it(row: Limit, value: Any, text: str) -> None:
    assert f"(got {text})" in str(row.problem("value", value))


@pytest.mark.parametrize(("row", "accepted", "refused"), ACCEPTED_AND_REFUSED, ids=lambda part: getattr(part, "id", ""))
def test_limits_are_exact_at_both_ends(row: Limit, accepted: list[Any], refused: list[Any]) -> None:
    assert [value for value in accepted if not row.accepts(value)] == []
    assert [value for value in refused if row.accepts(value)] == []


HINTS: list[tuple[Limit, Any, str]] = [
    (capacity_limits.AMI_ID, f"{AWS_AMI}/recommended/image_name", f"use '{AWS_AMI}/recommended/image_id'"),
    (capacity_limits.AMI_SYSTEM, (BOTTLEROCKET_AMI, "LINUX"), "use bottlerocket=True"),
    (
        capacity_limits.AMI_SYSTEM,
        (f"{WINDOWS_AMI}/image_id", "LINUX"),
        "use operating_system_family=OperatingSystemFamily.WINDOWS_SERVER_2022_CORE",
    ),
    (platform_limits.FARGATE_SIZE, (256, 513), "use cpu=256, memory_mib=1024 or cpu=256, memory_mib=512"),
    (platform_limits.FARGATE_SIZE, (257, 512), "use cpu=512, memory_mib=1024 or cpu=256, memory_mib=512"),
    (platform_limits.FARGATE_SIZE, (0, 700), "use cpu=256, memory_mib=1024 or cpu=256, memory_mib=512"),
    (platform_limits.FARGATE_SIZE, (0, 4179), "use cpu=1024, memory_mib=5120 or cpu=512, memory_mib=4096"),
    (platform_limits.FARGATE_SIZE, (1024, 9216), "use cpu=2048, memory_mib=9216 or cpu=1024, memory_mib=8192"),
    (platform_limits.FARGATE_SIZE, (65536, 512), "use cpu=32768, memory_mib=61440"),
    (platform_limits.WINDOWS_FILE_SYSTEM, ("xfs", True), "use 'ntfs'"),
    (platform_limits.WINDOWS_FILE_SYSTEM, ("ntfs", False), "use 'xfs'"),
    (volume_limits.EBS_SIZE, (0, "io1"), "use a value of size_gib between 4 and 16,384"),
    (volume_limits.EBS_IOPS, (100, "gp2", 10), "leave iops= out, or use volume_type='gp3'"),
    (volume_limits.EBS_IOPS, (1, "gp3", None), "use a value of iops between 3,000 and 80,000"),
    (volume_limits.EBS_IOPS, (1, "gp3", 160), "use a value of iops between 3,000 and 80,000"),
    (volume_limits.EBS_IOPS, (1, "gp3", 159), "use a value of iops between 3,000 and 79,500, or a larger size_gib="),
    (volume_limits.EBS_IOPS, (1, "gp3", 7), "use a value of iops between 3,000 and 3,500, or a larger size_gib="),
    (volume_limits.EBS_IOPS, (1, "gp3", 6), "use iops=3000, or a larger size_gib="),
    (volume_limits.EBS_IOPS, (1, "io1", 2), "use iops=100, or a larger size_gib="),
    (volume_limits.EBS_IOPS, (1, "io1", 1), "use size_gib=4 or more"),
]
"""Refused values with the ways out that depend on them."""


@pytest.mark.parametrize(("row", "refused", "hint"), HINTS, ids=lambda part: getattr(part, "id", ""))
def test_a_way_out_depends_on_the_refused_value(row: Limit, refused: Any, hint: str) -> None:
    assert row.problem("it", refused) == f"it {row.rule} (got {row.format(refused)}); {hint}"


def test_only_the_repeated_values_are_listed() -> None:
    problem = container_limits.MOUNT_PATHS.problem("paths", ["/c", "/a", "/b", "/c", "/b"])
    assert problem
    assert "(got '/b', '/c' more than once)" in problem


def test_the_length_of_a_document_leaves_out_what_cloudformation_fills_in() -> None:
    document = {
        "reference": {"Ref": "Table"},
        "attribute": {"Fn::GetAtt": ["Table", "Arn"]},
        "text": "a ${Token[Text.1]} b #{Token[List.2]} c",
        "${Token[Key.3]}": [1, ("x", {"y": None})],
    }
    assert minimum_length(document) == len('{"reference":"","attribute":"","text":"a  b  c","":[1,["x",{"y":null}]]}')


def test_a_refused_service_defines_nothing(stack: cdk.Stack) -> None:
    with pytest.raises(ValueError, match="must be a size that Fargate offers"):
        service(cpu=1024, memory_mib=9216)(stack)
    assert stack.node.try_find_child("Web") is None


@pytest.mark.parametrize("codes", ["2xx", "200-", "200,,201", "200-299-399", " 200"])
def test_codes_are_numbers_and_ranges_of_numbers(codes: str) -> None:
    with pytest.raises(ValueError, match="codes of health must be HTTP codes between 200 and 499"):
        Route(EDGE, health=TargetHealth(codes=codes))


def test_ranges_of_codes_are_ascending() -> None:
    with pytest.raises(ValueError, match=r"codes of health must be HTTP codes between 200 and 499 \(got '299-200'\)"):
        route(health=TargetHealth(codes="299-200"))(None)  # type: ignore[arg-type]  # a value needs no stack


def test_unconfirmed_limits_are_not_errors() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        CASES["breaker-percent"][1](None)  # type: ignore[arg-type]  # a value needs no stack

"""More kinds of capacity: ECS Managed Instances, GPUs on Bottlerocket, a warm pool, a daemon and public addresses."""

import aws_cdk as cdk

from moorage import (
    Ami,
    Architecture,
    Capacity,
    CapacityReservations,
    Cluster,
    Container,
    ContainerInstance,
    InstanceRequirements,
    ManagedScaling,
    Network,
    NetworkMode,
    Placement,
    Service,
    Task,
    WarmPool,
)

app = cdk.App()
stack = cdk.Stack(app, "Models")
managed = Capacity.managed_instances(
    "managed",
    requirements=InstanceRequirements(vcpus=(2, 8), memory_mib=(4096, None), architecture=Architecture.ARM64),
    scale_in_delay=cdk.Duration.minutes(10),
    auto_repair=True,
    reservations=CapacityReservations.first(),
)
gpus = Capacity.ec2(
    "gpus",
    instance_types=["g6.xlarge", "g5.xlarge"],
    max_instances=4,
    instance=ContainerInstance(ami=Ami.bottlerocket(), volume_gib=200),
)
warm = Capacity.ec2(
    "warm",
    instance_types=["m7g.large"],
    max_instances=10,
    trunking=True,  # prerequisite: aws ecs put-account-setting-default --name awsvpcTrunking --value enabled
    scaling=ManagedScaling(target_percent=80),
    warm_pool=WarmPool(min_instances=1),
    termination_protection=True,
)
crawlers = Capacity.ec2("crawlers", instance_types=["t4g.small"], max_instances=2, assign_public_ip=True)
vpc = Network(stack, "Network").vpc
cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[managed, gpus, warm, crawlers])
python = "public.ecr.aws/docker/library/python:3.13-slim"
serve = ["python", "-m", "http.server", "8000"]

Service(
    stack,
    "Api",
    cluster=cluster,
    task=Task(Container(python, command=serve), cpu=512, memory_mib=1024, architecture=Architecture.ARM64),
    capacity=cluster.default_strategy,  # the first capacity of the cluster
)
train = Task(Container(python, command=serve, gpus=1), cpu=2048, memory_mib=8192)
Service(stack, "Train", cluster=cluster, task=train, capacity=gpus)
agent = Container(
    "quay.io/prometheus/node-exporter:v1.9.1",
    name="agent",
    port=9100,
    docker_security_options="no-new-privileges",
    dns_servers="169.254.169.253",  # the DNS server of the VPC
    dns_search_domains="models.internal",
    extra_hosts={"metrics.models.internal": "10.0.0.10"},
)
Service(
    stack,
    "Agent",
    cluster=cluster,
    task=Task(agent, memory_mib=256, architecture=Architecture.ARM64, network_mode=NetworkMode.HOST),
    capacity=warm,
    placement=Placement.on_each_instance(),
)
crawl = Task(
    Container(python, command=serve), memory_mib=256, architecture=Architecture.ARM64, network_mode=NetworkMode.BRIDGE
)
Service(stack, "Crawl", cluster=cluster, task=crawl, capacity=crawlers)  # sends from the addresses of the instances
app.synth()

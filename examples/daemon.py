"""A daemon on ECS Managed Instances: an agent that runs once on each instance, before the tasks of services."""

import aws_cdk as cdk

from moorage import Capacity, Cluster, Container, Daemon, Mount, Network, Service, Task, Volume

app = cdk.App()
stack = cdk.Stack(app, "Shop")
managed = Capacity.managed_instances("managed")
cluster = Cluster(stack, "Cluster", vpc=Network(stack, "Network").vpc, capacity=[managed])

agent = Container(
    "quay.io/prometheus/node-exporter:v1.9.1",
    name="agent",
    command=["--path.rootfs=/host"],
    mounts={"/host/proc": Mount("processes", read_only=True)},
)
Daemon(
    stack,
    "Agent",
    cluster=cluster,
    capacity=managed,
    critical=False,  # other tasks continue without metrics
    task=Task(agent, cpu=128, memory_mib=256, volumes=Volume.bind_mount("processes", host_path="/proc")),
)

web = Task(Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", port=8080, writable=["/tmp"]))
Service(stack, "Web", cluster=cluster, task=web, capacity=managed)
app.synth()

"""A service with three of four tasks on Fargate Spot, on arm64."""

import aws_cdk as cdk

from moorage import Architecture, Capacity, Cluster, Container, Network, Scaling, Service, Task

app = cdk.App()
stack = cdk.Stack(app, "Render")
steady, spot = Capacity.fargate(), Capacity.fargate_spot()
cluster = Cluster(stack, "Cluster", vpc=Network(stack, "Network").vpc, capacity=[steady, spot])
Service(
    stack,
    "Render",
    cluster=cluster,
    task=Task(
        Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", port=8080, writable=["/tmp"]),
        cpu=512,
        memory_mib=1024,
        architecture=Architecture.ARM64,
    ),
    scaling=Scaling(4, 40, cpu_percent=70),
    capacity={steady: 1, spot: 3},
)
app.synth()

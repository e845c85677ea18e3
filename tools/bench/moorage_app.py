"""Services behind one load balancer, defined with moorage: `moorage_app SERVICES [no-route | canary] [ec2]`."""

from __future__ import annotations

import sys

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2

from moorage import (
    Architecture,
    Capacity,
    Cluster,
    Container,
    LoadBalancer,
    Rollout,
    Route,
    Scaling,
    Service,
    Task,
)

SERVICES_A_STACK = 20  # a stack can have at most 500 resources

services, routed, on_instances = int(sys.argv[1]), "no-route" not in sys.argv, "ec2" in sys.argv
app = cdk.App()
stack = cdk.Stack(app, "Shop")
vpc = ec2.Vpc(stack, "Vpc")
capacity = (
    Capacity.ec2("general", instance_types=["m7g.large", "m6g.large"], max_instances=1000)
    if on_instances
    else Capacity.fargate()
)
cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[capacity])
certificate = acm.Certificate.from_certificate_arn(
    stack, "Certificate", "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
)
edge = LoadBalancer(stack, "Edge", vpc=vpc, public=True, certificate=certificate)
rollout = Rollout.canary() if "canary" in sys.argv else None  # with its alarms
for index in range(services):
    if index % SERVICES_A_STACK == 0:
        stack = cdk.Stack(app, f"Services{index // SERVICES_A_STACK}")
    Service(
        stack,
        f"Web{index}",
        cluster=cluster,
        task=Task(
            Container(
                "public.ecr.aws/aws-containers/retail-store-sample-ui:1.6.2", name="web", port=8080, writable=["/tmp"]
            ),
            cpu=512 if on_instances else 1024,
            memory_mib=1024 if on_instances else 2048,
            architecture=Architecture.ARM64 if on_instances else Architecture.X86_64,
        ),
        scaling=Scaling(2, 20, cpu_percent=60),
        route=Route(edge, host=f"web{index}.example.com", health="/actuator/health") if routed else (),
        rollout=rollout,
    )
app.synth()

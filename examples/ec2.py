"""A cluster on EC2: On-Demand Instances as the base, Spot Instances beside them, and a service on both by default."""

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm

from moorage import (
    Architecture,
    Capacity,
    Cluster,
    Container,
    LoadBalancer,
    Network,
    Route,
    Scaling,
    Service,
    Strategy,
    Task,
)

app = cdk.App()
stack = cdk.Stack(app, "Shop")
# prerequisite: a certificate in this account and region; replace this ARN
certificate = acm.Certificate.from_certificate_arn(
    stack, "Certificate", "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
)

network = Network(stack, "Network", zones=3)
general = Capacity.ec2("general", instance_types=["m7g.large", "m6g.large"], min_instances=2, max_instances=10)
spot = Capacity.ec2("spot", instance_types=["m7g.large", "m6g.large", "r7g.large"], max_instances=40, spot=True)
cluster = Cluster(
    stack,
    "Cluster",
    vpc=network.vpc,
    capacity=[general, spot],
    default_strategy=Strategy({general: 1, spot: 3}, base={general: 2}),
)
edge = LoadBalancer(stack, "Edge", vpc=network.vpc, public=True, certificate=certificate)

Service(
    stack,
    "Web",
    cluster=cluster,
    task=Task(
        Container("public.ecr.aws/aws-containers/retail-store-sample-ui:1.6.2", port=8080, writable=["/tmp"]),
        cpu=512,
        memory_mib=1024,
        architecture=Architecture.ARM64,
    ),
    scaling=Scaling(3, 30, cpu_percent=60),
    route=Route(edge, health="/actuator/health"),
)
app.synth()

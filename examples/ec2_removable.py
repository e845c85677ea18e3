"""A cluster on EC2 that can be removed completely: On-Demand and Spot groups, and a service on both."""

import aws_cdk as cdk

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
    Task,
)

GONE = cdk.RemovalPolicy.DESTROY

app = cdk.App()
stack = cdk.Stack(app, "Trial")
network = Network(stack, "Network", nat_gateways=1, removal_policy=GONE)
general = Capacity.ec2("general", instance_types=["m7g.large", "m6g.large"], min_instances=1, max_instances=4)
spot = Capacity.ec2("spot", instance_types=["m7g.large", "m6g.large"], max_instances=4, spot=True)
cluster = Cluster(stack, "Cluster", vpc=network.vpc, capacity=[general, spot])
edge = LoadBalancer(stack, "Edge", vpc=network.vpc, access_logs=False, deletion_protection=False)

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
    capacity={general: 1, spot: 1},
    scaling=Scaling(2, 8, cpu_percent=60),
    route=Route(edge, health="/actuator/health"),
    removal_policy=GONE,
)
app.synth()

"""A web service behind a load balancer, with scaling."""

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm

from moorage import Cluster, Container, LoadBalancer, Network, Route, Scaling, Service, Task

app = cdk.App()
stack = cdk.Stack(app, "Shop")
# prerequisite: a certificate in this account and region; replace this ARN
certificate = acm.Certificate.from_certificate_arn(
    stack, "Certificate", "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
)

network = Network(stack, "Network")
cluster = Cluster(stack, "Cluster", vpc=network.vpc)  # Fargate by default
edge = LoadBalancer(stack, "Edge", vpc=network.vpc, public=True, certificate=certificate)
ui = Container("public.ecr.aws/aws-containers/retail-store-sample-ui:1.6.2", port=8080, writable=["/tmp"])

Service(
    stack,
    "Web",
    cluster=cluster,
    task=Task(ui, cpu=1024, memory_mib=2048),
    scaling=Scaling(2, 20, cpu_percent=60),
    route=Route(edge, health="/actuator/health"),
)
app.synth()

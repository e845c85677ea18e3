"""A blue/green deployment: all traffic moves to the new version at once, and alarms roll it back."""

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm

from moorage import Cluster, Container, LoadBalancer, Network, Rollout, Route, Service, Task

app = cdk.App()
stack = cdk.Stack(app, "Shop")
# prerequisite: a certificate in this account and region; replace this ARN
certificate = acm.Certificate.from_certificate_arn(
    stack, "Certificate", "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
)
network = Network(stack, "Network")
edge = LoadBalancer(stack, "Edge", vpc=network.vpc, public=True, certificate=certificate)

Service(
    stack,
    "Web",
    cluster=Cluster(stack, "Cluster", vpc=network.vpc),
    task=Task(Container("public.ecr.aws/nginx/nginx:1.29", port=80, writable=["/var/cache/nginx", "/run"])),
    route=Route(edge),
    rollout=Rollout.blue_green(bake=cdk.Duration.minutes(5)),
)
app.synth()

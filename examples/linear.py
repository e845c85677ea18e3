"""A linear deployment: traffic moves to the new version in four steps, five minutes apart."""

import aws_cdk as cdk

from moorage import Cluster, Container, LoadBalancer, Network, Rollout, Route, Service, Task

app = cdk.App()
stack = cdk.Stack(app, "Intranet")
network = Network(stack, "Network")
edge = LoadBalancer(stack, "Edge", vpc=network.vpc)

Service(
    stack,
    "Wiki",
    cluster=Cluster(stack, "Cluster", vpc=network.vpc),
    task=Task(Container("public.ecr.aws/nginx/nginx:1.29", port=80, writable=["/var/cache/nginx", "/run"])),
    route=Route(edge),
    rollout=Rollout.linear(percent=25, bake=cdk.Duration.minutes(5)),
)
app.synth()

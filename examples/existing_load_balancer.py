"""A service on an imported load balancer, known by its listener's ARN and its security group."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2

from moorage import Cluster, Container, LoadBalancer, Rollout, Route, Service, Task

app = cdk.App()
stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="111111111111", region="eu-west-1"))
# prerequisites: the VPC, the load balancer with its HTTPS listener, and its security group
vpc = ec2.Vpc.from_vpc_attributes(
    stack,
    "Vpc",
    vpc_id="vpc-0a1b2c3d",
    availability_zones=["eu-west-1a", "eu-west-1b"],
    private_subnet_ids=["subnet-0a1b2c3d", "subnet-1a2b3c4d"],
    private_subnet_route_table_ids=["rtb-0a1b2c3d", "rtb-1a2b3c4d"],
)
edge = LoadBalancer.from_attributes(
    stack,
    "Edge",
    listener_arn="arn:aws:elasticloadbalancing:eu-west-1:111111111111:listener/app/edge/50dc6c495c0c9188/f2f7dc8efc522ab2",
    security_group_id="sg-0a1b2c3d",
    vpc=vpc,
)

Service(
    stack,
    "Web",
    cluster=Cluster(stack, "Cluster", vpc=vpc),
    task=Task(Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", port=8080, writable=["/tmp"])),
    route=Route(edge, host="shop.example.com", priority=120),  # no other rule of the listener can have this priority
    rollout=Rollout.blue_green(),
)
app.synth()

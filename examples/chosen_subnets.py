"""A service in an existing VPC, with chosen subnets and a given security group."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2

from moorage import Cluster, Container, Service, Task

app = cdk.App()
stack = cdk.Stack(app, "Ledger", env=cdk.Environment(account="111111111111", region="eu-west-1"))
# prerequisites: the VPC with internet access, the subnets and the security group
vpc = ec2.Vpc.from_vpc_attributes(
    stack,
    "Vpc",
    vpc_id="vpc-0a1b2c3d",
    availability_zones=["eu-west-1a", "eu-west-1b"],
    private_subnet_ids=["subnet-0a1b2c3d", "subnet-1a2b3c4d"],
    private_subnet_route_table_ids=["rtb-0a1b2c3d", "rtb-1a2b3c4d"],
)
inner = {"subnet-2a3b4c5d": "rtb-2a3b4c5d", "subnet-3a4b5c6d": "rtb-3a4b5c6d"}
subnets = [
    ec2.Subnet.from_subnet_attributes(stack, f"Inner{index}", subnet_id=subnet, route_table_id=table)
    for index, (subnet, table) in enumerate(inner.items())
]

Service(
    stack,
    "Ledger",
    cluster=Cluster(stack, "Cluster", vpc=vpc),
    task=Task(Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", port=8080, writable=["/tmp"])),
    vpc_subnets=ec2.SubnetSelection(subnets=subnets),
    security_groups=[ec2.SecurityGroup.from_security_group_id(stack, "Tasks", "sg-0a1b2c3d")],
)
app.synth()

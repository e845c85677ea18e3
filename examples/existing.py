"""A service in an imported cluster, with its VPC, namespace, instances and roles, beside a service that exists."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns

from moorage import (
    Capacity,
    Cluster,
    Container,
    Dashboard,
    FailureEvents,
    NetworkMode,
    Service,
    ServiceAlarms,
    ServiceConnect,
    Task,
)

app = cdk.App()
stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="111111111111", region="eu-west-1"))
# prerequisites: the VPC, the cluster with its capacity provider and namespace, its instances' security group, two roles
vpc = ec2.Vpc.from_vpc_attributes(
    stack,
    "Vpc",
    vpc_id="vpc-0a1b2c3d",
    availability_zones=["eu-west-1a", "eu-west-1b"],
    private_subnet_ids=["subnet-0a1b2c3d", "subnet-1a2b3c4d"],
    private_subnet_route_table_ids=["rtb-0a1b2c3d", "rtb-1a2b3c4d"],
)  # or ec2.Vpc.from_lookup(...), with credentials
general = Capacity.from_provider_name("general")
cluster = Cluster.from_attributes(
    stack,
    "Cluster",
    cluster_arn="arn:aws:ecs:eu-west-1:111111111111:cluster/platform",
    vpc=vpc,
    capacity=[Capacity.fargate(), general],
    security_groups=[ec2.SecurityGroup.from_security_group_id(stack, "Instances", "sg-0a1b2c3d")],
    namespace="platform",
)
FailureEvents(stack, "Failures", cluster=cluster)

redis = "public.ecr.aws/docker/library/redis:8"
roles = {
    name: iam.Role.from_role_arn(stack, name, f"arn:aws:iam::111111111111:role/platform/{name}", mutable=False)
    for name in ("cache", "execution")
}  # without mutable=False, moorage adds the permissions that the task needs
cached = Task(Container(redis, port=6379), task_role=roles["cache"], execution_role=roles["execution"])
cache = Service(stack, "Cache", cluster=cluster, task=cached, connect=ServiceConnect())
bridged = Task(Container(redis, name="queue", port=6379), network_mode=NetworkMode.BRIDGE)
queue = Service(stack, "Queue", cluster=cluster, task=bridged, capacity=general, connect=ServiceConnect())
queue.connect_to(cache)

# prerequisite: a service that another stack or tool owns, here behind a load balancer
elb = "arn:aws:elasticloadbalancing:eu-west-1:111111111111"
catalog = Service.from_attributes(
    stack,
    "Catalog",
    cluster=cluster,
    service_name="catalog",
    load_balancer_arn=f"{elb}:loadbalancer/app/edge/50dc6c495c0c9188",
    target_group_arns=f"{elb}:targetgroup/catalog/0123456789abcdef",
    connect=ServiceConnect(name="catalog"),
    port=8080,
    security_groups=[ec2.SecurityGroup.from_security_group_id(stack, "CatalogTasks", "sg-1a2b3c4d")],
)
print(cache.connect_to(catalog))
ServiceAlarms(stack, "CatalogAlarms", service=catalog, topic=sns.Topic(stack, "Operators", enforce_ssl=True))
Dashboard(stack, "Dashboard", services=[cache, catalog])
app.synth()

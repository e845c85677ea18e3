"""Two services behind an Amazon ECS Gateway, which gives each of them a host name with a certificate."""

import aws_cdk as cdk

from moorage import Cluster, Container, Gateway, GatewayConnector, Network, Service, TargetHealth, Task

app = cdk.App()
stack = cdk.Stack(app, "Shop")
cluster = Cluster(stack, "Cluster", vpc=Network(stack, "Network").vpc)
gateway = Gateway(stack, "Gateway", clusters=cluster, public=True)

web = Task(Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", port=8080, writable=["/tmp"]))
Service(stack, "Web", cluster=cluster, task=web, route=GatewayConnector(gateway))

broker = Container(
    "public.ecr.aws/docker/library/rabbitmq:4.1-management",
    ports={"amqp": 5672, "admin": 15672},
    writable=["/var/log/rabbitmq"],
)
Service(
    stack,
    "Queues",
    cluster=cluster,
    task=Task(broker, cpu=512, memory_mib=1024),
    route=GatewayConnector(gateway, health=TargetHealth("/", codes="200-399"), container_port="admin"),
)
cdk.CfnOutput(stack, "GatewayName", value=gateway.gateway_name)  # for aws ecs list-gateway-routes
app.synth()

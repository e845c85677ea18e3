"""A message broker with two ports: AMQP on a Network Load Balancer, and a web page on a port of its own over HTTP."""

import aws_cdk as cdk
from aws_cdk import aws_secretsmanager as secretsmanager

from moorage import (
    Cluster,
    Container,
    Listener,
    LoadBalancer,
    Network,
    NetworkLoadBalancer,
    Rollout,
    Route,
    Scaling,
    Service,
    Task,
)

app = cdk.App()
stack = cdk.Stack(app, "Queues")
password = secretsmanager.Secret(
    stack, "Password", generate_secret_string=secretsmanager.SecretStringGenerator(exclude_punctuation=True)
)
network = Network(stack, "Network")
broker = Container(
    "public.ecr.aws/docker/library/rabbitmq:4.1-management",
    ports={"amqp": 5672, "admin": 15672},  # the first is the default
    environment={"RABBITMQ_DEFAULT_USER": "shop"},
    secrets={"RABBITMQ_DEFAULT_PASS": password},
    writable=["/var/log/rabbitmq"],
)
gate = NetworkLoadBalancer(stack, "Gate", vpc=network.vpc)
edge = LoadBalancer(stack, "Edge", vpc=network.vpc, listener_ports=[15672])
Service(
    stack,
    "Broker",
    cluster=Cluster(stack, "Cluster", vpc=network.vpc),
    task=Task(broker, cpu=512, memory_mib=1024),
    scaling=Scaling(1),  # a second broker would have queues of its own
    rollout=Rollout.rolling(minimum_healthy_percent=0, maximum_percent=100),
    route=[Listener(gate, 5672), Route(edge, container_port="admin", listener_port=15672)],
)
app.synth()

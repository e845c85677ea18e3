"""A task that drains a queue, as many copies as its backlog needs and none where there is nothing to do."""

import aws_cdk as cdk
from aws_cdk import aws_sns as sns

from moorage import Capacity, Cluster, Container, Network, Scaling, Task, Worker

app = cdk.App()
stack = cdk.Stack(app, "Mail")
spot = Capacity.fargate_spot()
cluster = Cluster(stack, "Cluster", vpc=Network(stack, "Network").vpc, capacity=[spot])
operators = sns.Topic(stack, "Operators", enforce_ssl=True)

Worker(
    stack,
    "Mailer",
    cluster=cluster,
    task=Task(
        Container("public.ecr.aws/docker/library/mailer:1.0", stop_timeout=cdk.Duration.seconds(120)),
        cpu=512,
        memory_mib=1024,
    ),
    scaling=Scaling(0, 50, backlog_per_task=100),
    topic=operators,
)
app.synth()

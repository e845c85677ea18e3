"""A worker with as many tasks as the backlog of its queue needs, and none if it is empty, and one of a fixed number."""

import aws_cdk as cdk
from aws_cdk import aws_sns as sns

from moorage import Capacity, Cluster, Container, Network, Scaling, Task, Worker

DRAIN = """
while true; do
  message=$(aws sqs receive-message --queue-url "$QUEUE_URL" --wait-time-seconds 20 \\
    --query 'Messages[0].ReceiptHandle' --output text)
  [ "$message" = None ] || aws sqs delete-message --queue-url "$QUEUE_URL" --receipt-handle "$message"
done
"""

app = cdk.App()
stack = cdk.Stack(app, "Mail")
spot = Capacity.fargate_spot()
cluster = Cluster(stack, "Cluster", vpc=Network(stack, "Network").vpc, capacity=[spot])
operators = sns.Topic(stack, "Operators", enforce_ssl=True)

task = Task(
    Container(
        "public.ecr.aws/aws-cli/aws-cli:2.32.9",
        entry_point=["sh", "-c"],
        command=DRAIN,
        stop_timeout=cdk.Duration.seconds(120),
    ),
    cpu=512,
    memory_mib=1024,
)
Worker(
    stack,
    "Mailer",
    cluster=cluster,
    task=task,
    scaling=Scaling(0, 50, backlog_per_task=100),
    topic=operators,
)
Worker(stack, "Bounces", cluster=cluster, task=task, scaling=Scaling(2), topic=operators)
app.synth()

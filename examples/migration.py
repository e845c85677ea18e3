"""A database migration that runs once before each new version, and stops the deployment if it fails."""

import aws_cdk as cdk
from aws_cdk import aws_secretsmanager as secretsmanager

from moorage import Cluster, Container, Network, Service, Task

MIGRATE = "import os; print(f'migrated with a password of {len(os.environ[\"DB_PASSWORD\"])} characters')"

app = cdk.App()
stack = cdk.Stack(app, "Ledger")
network = Network(stack, "Network")
password = secretsmanager.Secret(stack, "Password")
image = "public.ecr.aws/docker/library/python:3.13-slim"

Service(
    stack,
    "Ledger",
    cluster=Cluster(stack, "Cluster", vpc=network.vpc),
    task=Task(Container(image, port=8000, command=["python", "-m", "http.server"])),
    pre_deployment_task=Task(
        Container(image, name="migrate", command=["python", "-c", MIGRATE], secrets={"DB_PASSWORD": password})
    ),
)
app.synth()

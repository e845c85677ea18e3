"""A service in a network without NAT: its image in a repository, and the endpoints that its task needs."""

import aws_cdk as cdk
from aws_cdk import aws_secretsmanager as secretsmanager

from moorage import Cluster, Container, Endpoints, Image, Network, Repository, Service, Task

app = cdk.App()
# prerequisites: cdk deploy Images, and an image 1.4.2 in the repository that listens on port 8080
images = Repository(cdk.Stack(app, "Images"), "Ledger")
stack = cdk.Stack(app, "Ledger")
password = secretsmanager.Secret(stack, "Password")
task = Task(
    Container(
        Image.from_repository(images, tag="1.4.2"),
        port=8080,
        secrets={"DB_PASSWORD": password},
        writable={"/tmp": 128},
    )
)

endpoints = Endpoints.for_tasks(task)  # the smallest sufficient set
print(endpoints.monthly_price(zones=2))

network = Network(stack, "Network", nat_gateways=0, endpoints=endpoints)
Service(stack, "Ledger", cluster=Cluster(stack, "Cluster", vpc=network.vpc), task=task)
app.synth()

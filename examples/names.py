"""Services that know each other by name, with one path open: the web front to the catalog."""

import aws_cdk as cdk

from moorage import Cluster, Container, Network, Service, ServiceConnect, Task

app = cdk.App()
stack = cdk.Stack(app, "Shop")
network = Network(stack, "Network")
cluster = Cluster(stack, "Cluster", vpc=network.vpc, namespace="shop")
nginx = "public.ecr.aws/nginx/nginx:1.29"

catalog = Service(
    stack,
    "Catalog",
    cluster=cluster,
    task=Task(Container(nginx, name="catalog", port=8080, writable=["/var/cache/nginx", "/run"])),
    connect=ServiceConnect(access_logs=True),
)
web = Service(
    stack,
    "Web",
    cluster=cluster,
    task=Task(
        Container(
            nginx,
            name="web",
            port=8080,
            writable=["/var/cache/nginx", "/run"],
            environment={"CATALOG": "http://catalog"},
        )
    ),
    connect=ServiceConnect(),
)
print(web.connect_to(catalog))
app.synth()

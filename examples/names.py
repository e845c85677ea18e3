"""Names: of the cluster and a service for scripts, of services in Service Connect over TLS, and of one in DNS."""

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_servicediscovery as servicediscovery

from moorage import Cluster, Container, Network, Service, ServiceConnect, ServiceConnectTls, Task

app = cdk.App()
stack = cdk.Stack(app, "Shop")
network = Network(stack, "Network")
cluster = Cluster(stack, "Cluster", vpc=network.vpc, namespace="shop", cluster_name="shop")
nginx = "public.ecr.aws/nginx/nginx-unprivileged:1.29"
# prerequisite: a private CA in this account and region; replace this ARN
tls = ServiceConnectTls(authority_arn="arn:aws:acm-pca:eu-west-1:111111111111:certificate-authority/1a2b3c4d")

catalog = Service(
    stack,
    "Catalog",
    cluster=cluster,
    task=Task(Container(nginx, name="catalog", port=8080, writable=["/tmp"])),
    connect=ServiceConnect(protocol="http", tls=tls, access_logs=True),
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
            writable=["/tmp"],
            environment={"CATALOG": "http://catalog"},
        ),
        family="web",
    ),
    connect=ServiceConnect(),
    log_retention=logs.RetentionDays.THREE_MONTHS,
    service_name="web",  # aws ecs describe-services --cluster shop --services web
)
print(web.connect_to(catalog))

dns = servicediscovery.PrivateDnsNamespace(stack, "Dns", name="shop.internal", vpc=network.vpc)
Service(
    stack,
    "Cache",
    cluster=cluster,
    task=Task(Container("public.ecr.aws/docker/library/redis:8", port=6379)),
    cloud_map_options=ecs.CloudMapOptions(name="cache", cloud_map_namespace=dns),  # cache.shop.internal
)
app.synth()

"""One load balancer for the services of several stacks, by host and path, one of them gRPC."""

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53

from moorage import Cluster, Container, LoadBalancer, Network, Route, Service, TargetHealth, Task

app = cdk.App()
platform = cdk.Stack(app, "Platform")
# prerequisite: the hosted zone; replace this ID and name
zone = route53.HostedZone.from_hosted_zone_attributes(platform, "Zone", hosted_zone_id="Z1", zone_name="example.com")
certificate = acm.Certificate(
    platform, "Certificate", domain_name="*.example.com", validation=acm.CertificateValidation.from_dns(zone)
)
network = Network(platform, "Network", zones=3, ipv6=True)
cluster = Cluster(platform, "Cluster", vpc=network.vpc)
edge = LoadBalancer(
    platform,
    "Edge",
    vpc=network.vpc,
    public=True,
    certificate=certificate,
    zone=zone,
    ip_address_type=elbv2.IpAddressType.DUAL_STACK,
)

web = Task(Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", port=8080, writable=["/tmp"]))
shop = Service(cdk.Stack(app, "Web"), "Web", cluster=cluster, task=web, route=Route(edge, host="shop.example.com"))
cdk.CfnOutput(shop, "Url", value=shop.url)  # https://shop.example.com

health = Container(
    "registry.k8s.io/e2e-test-images/agnhost:2.53", port=50051, command=["grpc-health-checking", "--port=50051"]
)
Service(
    cdk.Stack(app, "Health"),
    "Health",
    cluster=cluster,
    task=Task(health),
    route=Route(
        edge,
        host="shop.example.com",
        path="/grpc.health.v1.Health/*",
        protocol_version=elbv2.ApplicationProtocolVersion.GRPC,
        health=TargetHealth("/grpc.health.v1.Health/Check", codes="0"),
    ),
)
app.synth()

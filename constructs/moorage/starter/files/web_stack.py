"""A web service behind a load balancer, in a network of its own."""

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from constructs import Construct

from moorage import Cluster, Container, LoadBalancer, Network, Route, Scaling, Service, Task


class WebStack(cdk.Stack):
    """A web service: a trial over HTTP that can be deleted, or with a certificate, HTTPS and what production keeps."""

    def __init__(self, scope: Construct, construct_id: str, *, certificate_arn: str | None = None) -> None:
        super().__init__(scope, construct_id)
        trial = certificate_arn is None
        removal_policy = cdk.RemovalPolicy.DESTROY if trial else cdk.RemovalPolicy.RETAIN

        network = Network(self, "Network", nat_gateways=1 if trial else None, removal_policy=removal_policy)
        cluster = Cluster(self, "Cluster", vpc=network.vpc, removal_policy=removal_policy)
        certificate = None
        if certificate_arn:
            certificate = acm.Certificate.from_certificate_arn(self, "Certificate", certificate_arn)
        edge = LoadBalancer(
            self,
            "Edge",
            vpc=network.vpc,
            public=True,
            certificate=certificate,
            plain_http="a trial without a domain and without real data" if trial else None,
            access_logs=not trial,
            deletion_protection=not trial,
        )
        if trial:
            for issue in ("alb-http-redirect", "alb-https-listener", "alb-access-logs", "alb-deletion-protection"):
                acknowledgment = cdk.Acknowledgment(id=f"moorage::{issue}", reason="the trial has no data to protect")
                cdk.Validations.of(edge).acknowledge(acknowledgment)

        web = Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", port=8080, user="101", writable=["/tmp"])
        Service(
            self,
            "Web",
            cluster=cluster,
            task=Task(web, cpu=256, memory_mib=512),
            scaling=Scaling(2, 10, cpu_percent=60),
            route=Route(edge, health="/"),
            removal_policy=removal_policy,
        )
        scheme = "http" if trial else "https"
        cdk.CfnOutput(self, "Address", value=f"{scheme}://{edge.load_balancer.load_balancer_dns_name}")

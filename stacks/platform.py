"""The platform of the services: a network, a cluster, a load balancer, and a topic for notifications."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from moorage import Cluster, LoadBalancer, Network


class PlatformStack(cdk.Stack):
    """The network, its cluster and load balancer, and the topic that notifies the operators."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        namespace: str,
        zones: int,
        certificate_parameter: str | None,
        removable: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        removal_policy = cdk.RemovalPolicy.DESTROY if removable else cdk.RemovalPolicy.RETAIN
        network = Network(
            self, "Network", zones=zones, nat_gateways=1 if removable else None, removal_policy=removal_policy
        )
        self.operators = self._topic(removal_policy)
        self.cluster = Cluster(
            self,
            "Cluster",
            vpc=network.vpc,
            namespace=namespace,
            failure_topic=self.operators,
            removal_policy=removal_policy,
        )
        self.entrance = LoadBalancer(
            self,
            "Entrance",
            vpc=network.vpc,
            public=True,
            certificate=self._certificate(certificate_parameter) if certificate_parameter else None,
            plain_http=None
            if certificate_parameter
            else "an environment to try things in, without a domain or real data",
            access_logs=not removable,
            deletion_protection=not removable,
            removal_policy=removal_policy,
        )
        address = self.entrance.load_balancer.load_balancer_dns_name
        cdk.CfnOutput(self, "Address", value=f"{'https' if certificate_parameter else 'http'}://{address}")

    def _topic(self, removal_policy: cdk.RemovalPolicy) -> sns.Topic:
        """Define the topic that notifies the operators."""
        key = kms.Key(
            self,
            "OperatorsKey",
            enable_key_rotation=True,
            removal_policy=removal_policy,
            description="Notifications for operators",
        )
        return sns.Topic(self, "Operators", master_key=key, enforce_ssl=True)

    def _certificate(self, parameter: str) -> acm.ICertificate:
        arn = ssm.StringParameter.value_for_string_parameter(self, parameter)
        return acm.Certificate.from_certificate_arn(self, "Certificate", arn)

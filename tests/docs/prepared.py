"""The names that fragments of the documentation use without defining them."""

from __future__ import annotations

import ast
import datetime as dt
import importlib
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_efs as efs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

import moorage
from moorage import Cluster, Container, Image, LoadBalancer, Network, NetworkLoadBalancer, Service, ServiceConnect, Task

MODULES = {
    "acm": "certificatemanager",
    "elbv2": "elasticloadbalancingv2",
    "lambda_": "lambda",
    "sfn": "stepfunctions",
    "sfn_tasks": "stepfunctions_tasks",
    "subscriptions": "sns_subscriptions",
    "targets": "events_targets",
}
"""The modules of CDK that programs import by another name."""
_IMAGE = "public.ecr.aws/nginx/nginx-unprivileged:1.29"


class Prepared:
    """An app with what fragments use, each defined when it is first asked for, in a stack "Platform".

    Its `stack` is an empty one, "Shop", for what a fragment defines.
    """

    @cached_property
    def app(self) -> cdk.App:
        return cdk.App(analytics_reporting=False)

    @cached_property
    def stack(self) -> cdk.Stack:
        return cdk.Stack(self.app, "Shop")

    @cached_property
    def _platform(self) -> cdk.Stack:
        return cdk.Stack(self.app, "Platform")

    @cached_property
    def network(self) -> Network:
        return Network(self._platform, "Network")

    @cached_property
    def vpc(self) -> ec2.IVpc:
        return self.network.vpc

    @cached_property
    def cluster(self) -> Cluster:
        return Cluster(self._platform, "Cluster", vpc=self.vpc, namespace="shop")

    @cached_property
    def certificate(self) -> acm.ICertificate:
        arn = "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
        return acm.Certificate.from_certificate_arn(self._platform, "Certificate", arn)

    @cached_property
    def edge(self) -> LoadBalancer:
        return LoadBalancer(self._platform, "Edge", vpc=self.vpc, public=True, certificate=self.certificate)

    @cached_property
    def gate(self) -> NetworkLoadBalancer:
        return NetworkLoadBalancer(self._platform, "Gate", vpc=self.vpc)

    @cached_property
    def image(self) -> Image:
        return Image.from_registry(_IMAGE)

    @cached_property
    def container(self) -> Container:
        return Container(self.image, port=8080, writable=["/tmp"])

    @cached_property
    def task(self) -> Task:
        return Task(self.container)

    @cached_property
    def web(self) -> Service:
        return Service(self._platform, "Web", cluster=self.cluster, task=self.task, connect=ServiceConnect())

    @cached_property
    def api(self) -> Service:
        return Service(self._platform, "Api", cluster=self.cluster, task=self.task, connect=ServiceConnect())

    @cached_property
    def topic(self) -> sns.Topic:
        return sns.Topic(self._platform, "Topic")

    @cached_property
    def secret(self) -> secretsmanager.Secret:
        return secretsmanager.Secret(self._platform, "Secret")

    @cached_property
    def database(self) -> rds.DatabaseInstance:
        engine = rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_17)
        return rds.DatabaseInstance(self._platform, "Database", engine=engine, vpc=self.vpc)

    @cached_property
    def table(self) -> dynamodb.Table:
        key = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
        return dynamodb.Table(self._platform, "Table", partition_key=key)

    @cached_property
    def bucket(self) -> s3.Bucket:
        return s3.Bucket(self._platform, "Bucket")

    @cached_property
    def queue(self) -> sqs.Queue:
        return sqs.Queue(self._platform, "Queue")

    @cached_property
    def key(self) -> kms.Key:
        return kms.Key(self._platform, "Key")

    @cached_property
    def repository(self) -> ecr.Repository:
        return ecr.Repository(self._platform, "Repository")

    @cached_property
    def zone(self) -> route53.IHostedZone:
        return route53.HostedZone.from_hosted_zone_attributes(
            self._platform, "Zone", hosted_zone_id="Z23ABC4XYZL05B", zone_name="example.com"
        )

    @cached_property
    def file_system(self) -> efs.FileSystem:
        return efs.FileSystem(self._platform, "FileSystem", vpc=self.vpc)


def names_for(code: Iterable[ast.AST], prepared: Prepared | type[Prepared]) -> dict[str, Any]:
    """Return what code uses and does not define: of an app, or the bare properties of the class."""
    named = {node.id for each in code for node in ast.walk(each) if isinstance(node, ast.Name)}
    found = {name: _looked_up(name, prepared) for name in sorted(named)}
    return {name: value for name, value in found.items() if value is not None}


def _looked_up(name: str, prepared: Prepared | type[Prepared]) -> Any:
    known = {"cdk": cdk, "Construct": Construct, "timedelta": dt.timedelta}
    if name in known:
        return known[name]
    if name in moorage.__all__:
        return getattr(moorage, name)
    name = {"self": "stack"}.get(name, name)  # a part of the class of a stack
    if not name.startswith("_") and name in vars(Prepared):
        return getattr(prepared, name)
    try:
        return importlib.import_module(f"aws_cdk.aws_{MODULES.get(name, name)}")
    except ModuleNotFoundError:
        return None

"""What a program looks up is not known in the first pass of `cdk synth`, which asks for its context."""

from __future__ import annotations

import json
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_ssm as ssm

from moorage import (
    Capacity,
    Cluster,
    Container,
    Encryption,
    Lattice,
    LoadBalancer,
    NetworkLoadBalancer,
    Repository,
    Route,
    Service,
    Task,
)

PLACE = cdk.Environment(account="111111111111", region="eu-west-1")


def test_a_program_that_looks_things_up_asks_for_all_of_them_at_once(tmp_path: Path) -> None:
    app = cdk.App(outdir=str(tmp_path))
    stack = cdk.Stack(app, "Shop", env=PLACE)
    vpc = ec2.Vpc.from_lookup(stack, "Vpc", is_default=True)
    group = ec2.SecurityGroup.from_lookup_by_name(stack, "Group", "web", vpc)
    listener = elbv2.ApplicationListener.from_lookup(stack, "Listener", load_balancer_tags={"name": "edge"})
    gate = elbv2.NetworkLoadBalancer.from_lookup(stack, "Gate", load_balancer_tags={"name": "gate"})
    prefixes = ec2.PrefixList.from_lookup(stack, "Prefixes", prefix_list_name="com.amazonaws.eu-west-1.vpc-lattice")
    zone = route53.HostedZone.from_lookup(stack, "Zone", domain_name="example.com")
    key = kms.Key.from_lookup(stack, "Key", alias_name="alias/images")
    tag = ssm.StringParameter.value_from_lookup(stack, "/shop/tag")
    host = ssm.StringParameter.value_from_lookup(stack, "/shop/host")
    domain = ssm.StringParameter.value_from_lookup(stack, "/shop/provider")

    edge = LoadBalancer.from_attributes(
        stack, "Edge", listener_arn=listener.listener_arn, security_group_id=group.security_group_id, vpc=vpc
    )
    NetworkLoadBalancer.from_attributes(
        stack, "Door", load_balancer_arn=gate.load_balancer_arn, security_group_id=group.security_group_id, vpc=vpc
    )
    LoadBalancer(stack, "Own", vpc=vpc, zone=zone)
    Repository(stack, "Images", encryption=Encryption.with_key(key))
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[Capacity.fargate(), Capacity.from_provider_name(domain)])
    Service(
        stack,
        "Web",
        cluster=Cluster.from_attributes(stack, "Imported", cluster_name=domain, vpc=vpc),
        task=Task(Container(f"public.ecr.aws/nginx/nginx-unprivileged:{tag}", port=8080)),
        route=Route(edge, host=host, priority=5),
        lattice=Lattice(prefix_list=prefixes),
        security_groups=[group],
    )
    Service(stack, "Other", cluster=cluster, task=Task(Container("public.ecr.aws/docker/library/redis:8")))
    app.synth()
    missing = json.loads((tmp_path / "manifest.json").read_text())["missing"]
    assert {each["provider"] for each in missing} == {
        *("vpc-provider", "security-group", "load-balancer-listener", "load-balancer", "hosted-zone", "key-provider"),
        *("ssm", "cc-api-provider"),
    }

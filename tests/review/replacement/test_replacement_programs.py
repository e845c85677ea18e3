"""The replacements of updates of CDK programs, through the assemblies that they synthesize."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from moorage.assembly.cloud_assembly import stacks_of
from moorage.review.comparison import Replacement, compare
from moorage.review.replacement.replacement import replaced

AS_THE_CLI = {"aws:cdk:enable-path-metadata": "true", "aws:cdk:enable-asset-metadata": "true"}
"""The context that the CDK CLI passes, without which an assembly names neither constructs nor nested stacks."""
Program = Callable[[cdk.App, bool], None]
"""A program that defines an app, whose load balancer is public or not."""


def balancer(scope: cdk.Stack, *, public: bool) -> elbv2.ApplicationLoadBalancer:
    vpc = ec2.Vpc(scope, "Vpc", max_azs=2, nat_gateways=0, restrict_default_security_group=False)
    return elbv2.ApplicationLoadBalancer(
        scope,
        "Balancer",
        vpc=vpc,
        internet_facing=public,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
    )


def listener(scope: cdk.Stack, arn: str) -> None:
    answer = elbv2.CfnListener.ActionProperty(type="fixed-response", fixed_response_config={"statusCode": "200"})
    elbv2.CfnListener(scope, "Listener", load_balancer_arn=arn, port=80, protocol="HTTP", default_actions=[answer])


def one_stack(app: cdk.App, public: bool) -> None:  # noqa: FBT001  # as Program
    shop = cdk.Stack(app, "Shop")
    listener(shop, balancer(shop, public=public).load_balancer_arn)


def two_stacks(app: cdk.App, public: bool) -> None:  # noqa: FBT001  # as Program
    platform = cdk.Stack(app, "Platform")
    listener(cdk.Stack(app, "Shop"), balancer(platform, public=public).load_balancer_arn)


def nested_stack(app: cdk.App, public: bool) -> None:  # noqa: FBT001  # as Program
    shop = cdk.Stack(app, "Shop")
    listener(cdk.NestedStack(shop, "Inner"), balancer(shop, public=public).load_balancer_arn)


def nested_in_the_next(app: cdk.App, public: bool) -> None:  # noqa: FBT001  # as Program
    platform = cdk.NestedStack(cdk.Stack(app, "Platform"), "Inner")
    listener(cdk.Stack(app, "Shop"), balancer(platform, public=public).load_balancer_arn)


def answers(tmp_path: Path, program: Program, **context: str) -> dict[str, Replacement]:
    """Return the answers for the resources of an app that changes the scheme of its load balancer."""
    sides = []
    for public in (False, True):
        app = cdk.App(outdir=str(tmp_path / str(public)), analytics_reporting=False, context=AS_THE_CLI | context)
        program(app, public)
        sides.append(stacks_of(Path(app.synth().directory)))
    changes = replaced(compare(*sides)).changes
    return {change.resource.name: change.replacement for change in changes}


@pytest.mark.parametrize("program", [one_stack, two_stacks, nested_stack, nested_in_the_next])
@pytest.mark.parametrize("references", ["strong", "weak"])
def test_a_replaced_load_balancer_replaces_its_listener_in_every_stack(
    tmp_path: Path, program: Program, references: str
) -> None:
    found = answers(tmp_path, program, **{"@aws-cdk/core:defaultCrossStackReferences": references})
    assert {name.rpartition("/")[2] for name, answer in found.items() if answer is Replacement.YES} == {
        "Balancer",
        "Listener",
    }
    assert Replacement.MAY not in found.values()

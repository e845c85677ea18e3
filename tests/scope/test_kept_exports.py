"""The exports of stacks, and the values of nested stacks, which need none."""

from __future__ import annotations

import aws_cdk as cdk
import pytest

from moorage import Cluster, Container, Listener, LoadBalancer, Network, NetworkLoadBalancer, Route, Service, Task

WEB = Task(Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", port=8080))


def define(platform: cdk.Stack, services: cdk.Stack) -> None:
    vpc = Network(platform, "Network").vpc
    cluster = Cluster(platform, "Cluster", vpc=vpc)
    edge, gate = LoadBalancer(platform, "Edge", vpc=vpc), NetworkLoadBalancer(platform, "Gate", vpc=vpc)
    Service(services, "Web", cluster=cluster, task=WEB, route=[Route(edge), Listener(gate, port=80)])


@pytest.mark.parametrize("references", ["strong", "weak"])
@pytest.mark.parametrize("nests", ["all", "platform", "services"])
def test_stacks_can_be_nested(references: str, nests: str) -> None:
    app = cdk.App(context={"@aws-cdk/core:defaultCrossStackReferences": references})
    stack = cdk.Stack(app, "Shop")
    nested = cdk.NestedStack(stack, "Nested")
    define(stack if nests == "services" else nested, stack if nests == "platform" else nested)
    outputs = app.synth().get_stack_by_name("Shop").template.get("Outputs", {})
    assert not [name for name in outputs if "Network" in name]


def test_a_nested_stack_can_use_the_platform_of_another_stack() -> None:
    app = cdk.App(context={"@aws-cdk/core:defaultCrossStackReferences": "strong"})
    platform = cdk.Stack(app, "Platform")
    define(platform, cdk.NestedStack(cdk.Stack(app, "Shop"), "Nested"))
    assert "Export" in str(app.synth().get_stack_by_name("Platform").template["Outputs"])

"""Given security groups that services of one or several stacks share: EC2 accepts each rule only once."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs

from moorage import (
    Cluster,
    Container,
    Listener,
    LoadBalancer,
    NetworkLoadBalancer,
    Rollout,
    Route,
    Service,
    ServiceConnect,
    Task,
    Volume,
)
from tests.conftest import imported_vpc, template
from tests.workload.load_balancing_limit_cases import ARN

CAREFUL = Rollout.canary(alarms=None)


@pytest.fixture
def platform(app: cdk.App) -> cdk.Stack:
    return cdk.Stack(app, "Platform")


@pytest.fixture
def cluster(platform: cdk.Stack) -> Cluster:
    return Cluster(platform, "Cluster", vpc=imported_vpc(platform), namespace="store")


def task(name: str) -> Task:
    return Task(Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", name=name, port=8080))


def serve(scope: cdk.Stack, cluster: Cluster, name: str, group: ec2.ISecurityGroup, **arguments: Any) -> Service:
    return Service(scope, name, cluster=cluster, task=task(name), security_groups=[group], **arguments)


def rules(stack: cdk.Stack) -> list[tuple[str, int]]:
    """Return the rules between a load balancer or tasks and a shared group."""
    found = []
    for resource in template(stack).to_json().get("Resources", {}).values():
        kind = resource["Type"].removeprefix("AWS::EC2::SecurityGroup")
        of_groups = {"SourceSecurityGroupId", "DestinationSecurityGroupId"} & set(resource.get("Properties", ()))
        if kind in {"Ingress", "Egress"} and of_groups:
            found.append((kind, resource["Properties"]["FromPort"]))
    return sorted(found)


def entry(edge: LoadBalancer | NetworkLoadBalancer | Any, number: int) -> Route | Listener:
    if isinstance(edge, NetworkLoadBalancer):
        return Listener(edge, port=8000 + number)
    return Route(edge, path=f"/{number}/*")


@pytest.mark.parametrize("kind", [LoadBalancer, NetworkLoadBalancer])
@pytest.mark.parametrize("rollout", [Rollout.rolling(), CAREFUL])
@pytest.mark.parametrize("imported", [True, False])
def test_services_of_two_stacks_share_a_group(
    app: cdk.App, platform: cdk.Stack, cluster: Cluster, kind: Any, rollout: Rollout, *, imported: bool
) -> None:
    edge = kind(platform, "Edge", vpc=cluster.vpc)
    first, second = cdk.Stack(app, "First"), cdk.Stack(app, "Second")
    defined = ec2.SecurityGroup(platform, "Tasks", vpc=cluster.vpc)
    for number, scope in enumerate((first, second)):
        group = ec2.SecurityGroup.from_security_group_id(scope, "Tasks", "sg-1a") if imported else defined
        serve(scope, cluster, f"web{number}", group, route=entry(edge, number), rollout=rollout)
    app.synth()
    assert rules(first) == [("Egress", 8080), ("Ingress", 8080)]
    assert rules(second) == []
    assert first in second.dependencies


def test_the_rules_of_a_given_group_equal_those_that_cdk_defines(
    app: cdk.App, platform: cdk.Stack, cluster: Cluster
) -> None:
    edge = LoadBalancer(platform, "Edge", vpc=cluster.vpc)
    shop = cdk.Stack(app, "Shop")
    group = ec2.SecurityGroup(shop, "Tasks", vpc=cluster.vpc)
    serve(shop, cluster, "web", group, route=Route(edge))
    resources = template(shop).find_resources("AWS::EC2::SecurityGroupIngress")
    (ingress,) = resources
    assert ingress.startswith("TasksfromShopEntrance")
    assert resources[ingress]["Properties"]["Description"] == "Load balancer to target"


def test_services_of_one_stack_share_a_group_that_each_imports(platform: cdk.Stack, cluster: Cluster) -> None:
    edge = LoadBalancer(platform, "Edge", vpc=cluster.vpc)
    for number in (1, 2):
        group = ec2.SecurityGroup.from_security_group_id(platform, f"Tasks{number}", "sg-1a")
        serve(platform, cluster, f"web{number}", group, route=Route(edge, path=f"/{number}/*"))
    assert rules(platform) == [("Egress", 8080), ("Ingress", 8080)]


def test_a_load_balancer_that_is_imported_twice_gets_each_rule_once(
    app: cdk.App, platform: cdk.Stack, cluster: Cluster
) -> None:
    first, second = cdk.Stack(app, "First"), cdk.Stack(app, "Second")
    group = ec2.SecurityGroup(platform, "Tasks", vpc=cluster.vpc)
    for number, scope in enumerate((first, second)):
        edge = LoadBalancer.from_attributes(
            scope, "Edge", listener_arn=ARN, security_group_id="sg-0b", vpc=cluster.vpc, https=False
        )
        serve(scope, cluster, f"web{number}", group, route=Route(edge, path=f"/{number}/*"))
    assert [len(rules(each)) for each in (first, second)] == [2, 0]


def test_another_port_of_a_shared_group_has_rules_of_its_own(
    app: cdk.App, platform: cdk.Stack, cluster: Cluster
) -> None:
    edge = LoadBalancer(platform, "Edge", vpc=cluster.vpc)
    first, second = cdk.Stack(app, "First"), cdk.Stack(app, "Second")
    group = ec2.SecurityGroup(platform, "Tasks", vpc=cluster.vpc)
    serve(first, cluster, "web", group, route=Route(edge, path="/1/*"))
    api = Task(Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", name="api", port=9090))
    Service(second, "api", cluster=cluster, task=api, security_groups=[group], route=Route(edge, path="/2/*"))
    assert rules(second) == [("Egress", 9090), ("Ingress", 9090)]


def test_services_of_two_stacks_with_one_group_connect_to_a_third(
    app: cdk.App, platform: cdk.Stack, cluster: Cluster
) -> None:
    group = ec2.SecurityGroup(platform, "Tasks", vpc=cluster.vpc)
    server = Service(platform, "api", cluster=cluster, task=task("api"), connect=ServiceConnect())
    first, second = cdk.Stack(app, "First"), cdk.Stack(app, "Second")
    for scope in (first, second):
        client = serve(scope, cluster, f"web-{scope.node.addr[-4:]}", group, connect=ServiceConnect())
        assert client.connect_to(server) == "http://api"
    app.synth()
    assert [len(rules(each)) for each in (first, second)] == [2, 0]
    assert first in second.dependencies


def mount(scope: cdk.Stack, cluster: Any, group: ec2.ISecurityGroup, file_system: efs.IFileSystem) -> Service:
    container = Container("redis:8", name="redis", mounts={"/files": "files"})
    task = Task(container, volumes=[Volume.efs("files", file_system)])
    return Service(scope, "Web", cluster=cluster, task=task, security_groups=[group])


@pytest.mark.parametrize("outbound", [True, False])
def test_services_of_two_stacks_open_a_file_system_to_their_group_once(
    app: cdk.App, platform: cdk.Stack, cluster: Cluster, *, outbound: bool
) -> None:
    file_system = efs.FileSystem(platform, "Files", vpc=cluster.vpc)
    group = ec2.SecurityGroup(platform, "Group", vpc=cluster.vpc, allow_all_outbound=outbound)
    first, second = cdk.Stack(app, "First"), cdk.Stack(app, "Second")
    for scope in (first, second):
        mount(scope, cluster, group, file_system)
    found = [rule for scope in (platform, first, second) for rule in rules(scope)]
    assert sorted(found) == ([] if outbound else [("Egress", 2049)]) + [("Ingress", 2049)]
    assert first in second.dependencies


def test_a_file_system_that_is_imported_twice_is_opened_once(app: cdk.App) -> None:
    stacks = [cdk.Stack(app, name) for name in ("First", "Second")]
    for scope in stacks:
        group, of_files = (
            ec2.SecurityGroup.from_security_group_id(scope, name, name) for name in ("sg-0a1b2c3d", "sg-4e5f6a7b")
        )
        file_system = efs.FileSystem.from_file_system_attributes(
            scope, "Files", file_system_id="fs-12345678", security_group=of_files
        )
        cluster = Cluster(scope, "Cluster", vpc=imported_vpc(scope))
        mount(scope, cluster, group, file_system)
    assert [rules(each) for each in stacks] == [[("Ingress", 2049)], []]

"""Services that exist already, for metrics, alarms, dashboards and connections."""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_sns as sns

from moorage import Capacity, Cluster, Container, Dashboard, NetworkMode, Service, ServiceAlarms, ServiceConnect, Task
from tests.conftest import imported_vpc, template

PLACE = cdk.Environment(account="111111111111", region="eu-west-1")
ARN = "arn:aws:ecs:eu-west-1:111111111111:service/shop/catalog"
ELB = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:"
BALANCER = f"{ELB}loadbalancer/app/edge/50dc6c495c0c9188"
NETWORK = f"{ELB}loadbalancer/net/gate/50dc6c495c0c9188"
GROUP, OTHER_GROUP = (f"{ELB}targetgroup/catalog-{each}/0123456789abcdef" for each in "ab")
TASK = Task(Container("redis:8", name="web", port=8080))


@pytest.fixture
def stack(app: cdk.App) -> cdk.Stack:
    return cdk.Stack(app, "Shop", env=PLACE)


@pytest.fixture
def cluster(stack: cdk.Stack) -> ecs.ICluster:
    return Cluster.from_attributes(stack, "Cluster", cluster_name="shop", vpc=imported_vpc(stack), namespace="shop")


def group(stack: cdk.Stack) -> ec2.ISecurityGroup:
    return ec2.SecurityGroup.from_security_group_id(stack, "CatalogTasks", "sg-0a1b2c3d")


def catalog(stack: cdk.Stack, cluster: ecs.ICluster, **arguments: Any) -> Any:
    connect = ServiceConnect(name="catalog", port=9000)
    named = {"service_name": "catalog"} if "service_arn" not in arguments else {}
    connected = {"connect": connect, "port": 8080, "security_groups": [group(stack)]}
    return Service.from_attributes(stack, "Catalog", **{"cluster": cluster, **named, **connected, **arguments})


def alarms_of(stack: cdk.Stack) -> dict[str, str]:
    found = template(stack).find_resources("AWS::CloudWatch::Alarm").items()
    return {name: json.dumps(each["Properties"]["Metrics"]) for name, each in found}


def test_an_import_defines_no_resources(stack: cdk.Stack, cluster: ecs.ICluster) -> None:
    catalog(stack, cluster, load_balancer_arn=BALANCER, target_group_arns=GROUP)
    assert "Resources" not in template(stack).to_json()


@pytest.mark.parametrize("given", [{"service_name": "catalog"}, {"service_arn": ARN}])
def test_metrics_are_those_of_the_service(given: dict[str, str], stack: cdk.Stack, cluster: ecs.ICluster) -> None:
    service = Service.from_attributes(stack, "Catalog", cluster=cluster, **given)  # type: ignore[arg-type]  # one of two
    for metric, name in (
        (service.metric_cpu_utilization(), "CPUUtilization"),
        (service.metric_memory_utilization(), "MemoryUtilization"),
        (service.metric("Other"), "Other"),
    ):
        assert metric.metric_name == name
        assert metric.dimensions == {"ClusterName": "shop", "ServiceName": "catalog"}


def test_an_old_arn_has_no_cluster(stack: cdk.Stack, cluster: ecs.ICluster) -> None:
    assert catalog(stack, cluster, service_arn=ARN.replace("shop/", "")).service.service_name == "catalog"


def test_alarms_and_dashboards_have_the_metrics_of_tasks_and_targets(stack: cdk.Stack, cluster: ecs.ICluster) -> None:
    service = catalog(stack, cluster, load_balancer_arn=BALANCER, target_group_arns=[GROUP, OTHER_GROUP])
    ServiceAlarms(stack, "Alarms", service=service, topic=sns.Topic(stack, "Operators"))
    Dashboard(stack, "Dashboard", services=[service])
    alarms = alarms_of(stack)
    assert sorted(name[: -len("12345678")] for name in alarms) == [
        "AlarmsCpu",
        "AlarmsErrors",
        "AlarmsLatency",
        "AlarmsMemory",
        "AlarmsUnhealthyTargets",
    ]
    (errors,) = [each for name, each in alarms.items() if name.startswith("AlarmsErrors")]
    for value in ("app/edge/50dc6c495c0c9188", "targetgroup/catalog-a/0123456789abcdef", OTHER_GROUP.split(":")[-1]):
        assert f'"Value": "{value}"' in errors
    (dashboard,) = template(stack).find_resources("AWS::CloudWatch::Dashboard").values()
    assert "targetgroup/catalog-a/0123456789abcdef" in json.dumps(dashboard)


def test_a_network_load_balancer_measures_only_unhealthy_targets(stack: cdk.Stack, cluster: ecs.ICluster) -> None:
    service = catalog(stack, cluster, load_balancer_arn=NETWORK, target_group_arns=GROUP)
    topic = sns.Topic(stack, "Operators")
    ServiceAlarms(stack, "Alarms", service=service, topic=topic, cpu_percent=None, memory_percent=None)
    (unhealthy,) = alarms_of(stack).values()
    assert '"Namespace": "AWS/NetworkELB"' in unhealthy
    assert '"Value": "net/gate/50dc6c495c0c9188"' in unhealthy


def test_without_target_groups_only_tasks_are_measured(stack: cdk.Stack, cluster: ecs.ICluster) -> None:
    service = Service.from_attributes(stack, "Catalog", cluster=cluster, service_name="catalog")
    ServiceAlarms(stack, "Alarms", service=service, topic=sns.Topic(stack, "Operators"))
    assert len(alarms_of(stack)) == 2


def test_names_that_are_known_at_deployment_are_found_in_arns(stack: cdk.Stack, cluster: ecs.ICluster) -> None:
    names = ("service", "balancer", "group")
    service, balancer, target = (cdk.CfnParameter(stack, name).value_as_string for name in names)
    imported = catalog(stack, cluster, service_arn=service, load_balancer_arn=balancer, target_group_arns=target)
    assert stack.resolve(imported.service.service_name) == {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "service"}]}]}
    (measured,) = imported._targets
    assert measured.reads_requests
    (dimensions,) = stack.resolve(measured.dimensions)
    assert dimensions["TargetGroup"] == {"Fn::Select": [5, {"Fn::Split": [":", {"Ref": "group"}]}]}
    assert "balancer" in json.dumps(dimensions["LoadBalancer"])


def test_a_service_connects_to_an_existing_one(stack: cdk.Stack, cluster: ecs.ICluster) -> None:
    web = Service(stack, "Web", cluster=cluster, task=TASK, connect=ServiceConnect())
    assert web.connect_to(catalog(stack, cluster)) == "http://catalog:9000"
    (ingress,) = template(stack).find_resources("AWS::EC2::SecurityGroupIngress").values()
    own = stack.resolve(web.security_groups[0].security_group_id)
    assert ingress["Properties"] | {"Description": ""} == {
        "Description": "",
        "GroupId": "sg-0a1b2c3d",
        "SourceSecurityGroupId": own,
        "IpProtocol": "tcp",
        "FromPort": 8080,
        "ToPort": 8080,
    }
    (egress,) = template(stack).find_resources("AWS::EC2::SecurityGroupEgress").values()
    assert egress["Properties"]["DestinationSecurityGroupId"] == "sg-0a1b2c3d"


def test_a_service_on_instances_connects_to_an_existing_one(stack: cdk.Stack) -> None:
    general = Capacity.from_provider_name("general")
    instances = ec2.SecurityGroup.from_security_group_id(stack, "Instances", "sg-1a1b2c3d")
    cluster = Cluster.from_attributes(
        stack,
        "Cluster",
        cluster_name="shop",
        vpc=imported_vpc(stack),
        namespace="shop",
        capacity=[general],
        security_groups=[instances],
    )
    bridged = Task(Container("redis:8", port=8080), network_mode=NetworkMode.BRIDGE)
    web = Service(stack, "Web", cluster=cluster, task=bridged, connect=ServiceConnect())
    web.connect_to(catalog(stack, cluster))
    (ingress,) = template(stack).find_resources("AWS::EC2::SecurityGroupIngress").values()
    assert ingress["Properties"]["SourceSecurityGroupId"] == "sg-1a1b2c3d"
    assert ingress["Properties"]["FromPort"] == 8080


def test_an_existing_service_of_another_stack_makes_no_order_of_stacks(app: cdk.App, stack: cdk.Stack) -> None:
    other = cdk.Stack(app, "Other", env=PLACE)
    clusters = [
        Cluster.from_attributes(each, "Cluster", cluster_name="shop", vpc=imported_vpc(each), namespace="shop")
        for each in (stack, other)
    ]
    web = Service(stack, "Web", cluster=clusters[0], task=TASK, connect=ServiceConnect())
    api = Service(other, "Api", cluster=clusters[1], task=TASK, connect=ServiceConnect())
    api.connect_to(catalog(stack, clusters[0]))
    web.connect_to(api)
    app.synth()
    assert stack.dependencies == [other]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"service_arn": ARN, "service_name": "catalog"}, r"exactly one of service_name and service_arn.*\(got both\)"),
        ({"service_name": None}, r"exactly one of service_name and service_arn must be given \(got neither\)"),
        ({"service_arn": ARN.replace("shop", "other")}, "service_arn must be that of a service in the cluster 'shop'"),
        ({"service_arn": ARN.replace("eu-west-1", "us-east-1")}, "service_arn must be in region eu-west-1"),
        ({"load_balancer_arn": BALANCER}, "load_balancer_arn and target_group_arns must be given together"),
        ({"target_group_arns": GROUP}, "load_balancer_arn and target_group_arns must be given together"),
        (
            {"load_balancer_arn": BALANCER, "target_group_arns": [GROUP, OTHER_GROUP, GROUP]},
            r"target_group_arns must have at most 2 items.*\(got 3\)",
        ),
        (
            {"load_balancer_arn": BALANCER.replace("eu-west-1", "us-east-1"), "target_group_arns": GROUP},
            "load_balancer_arn must be in region eu-west-1",
        ),
        (
            {"load_balancer_arn": BALANCER, "target_group_arns": GROUP.replace("1111", "2222", 1)},
            "each item of target_group_arns must be in account 111111111111",
        ),
        ({"connect": ServiceConnect()}, "connect of an existing service must have its name"),
        ({"port": None}, "connect requires the port and the security groups"),
        ({"security_groups": []}, "connect requires the port and the security groups"),
    ],
)
def test_what_cannot_be_is_refused(
    arguments: dict[str, Any], says: str, stack: cdk.Stack, cluster: ecs.ICluster
) -> None:
    with pytest.raises(ValueError, match=f"Shop/Catalog: (.*\n.*)?{says}"):
        catalog(stack, cluster, **arguments)


def test_a_name_needs_a_namespace(stack: cdk.Stack) -> None:
    cluster = Cluster.from_attributes(stack, "Cluster", cluster_name="shop")
    with pytest.raises(ValueError, match="connect requires a cluster with a namespace"):
        catalog(stack, cluster)


def test_an_existing_service_without_a_name_cannot_be_connected_to(stack: cdk.Stack, cluster: ecs.ICluster) -> None:
    web = Service(stack, "Web", cluster=cluster, task=TASK, connect=ServiceConnect())
    server = catalog(stack, cluster, connect=None, port=None, security_groups=[])
    with pytest.raises(ValueError, match=r"no name in a namespace.*; use Service.from_attributes\(connect="):
        web.connect_to(server)


def test_connections_open_other_ports(stack: cdk.Stack, cluster: ecs.ICluster) -> None:
    catalog(stack, cluster).connections.allow_from(ec2.Peer.ipv4("10.0.0.0/8"), ec2.Port.tcp(9000))
    (ingress,) = template(stack).find_resources("AWS::EC2::SecurityGroupIngress").values()
    assert ingress["Properties"]["GroupId"] == "sg-0a1b2c3d"

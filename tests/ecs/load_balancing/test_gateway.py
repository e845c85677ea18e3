"""Gateways of Amazon ECS, and the services that connect to them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam

from moorage import (
    Capacity,
    Cluster,
    Container,
    Gateway,
    GatewayConnector,
    Lattice,
    LoadBalancer,
    Network,
    NetworkMode,
    Rollout,
    Route,
    Service,
    TargetHealth,
    Task,
)
from moorage.testing import readable_template
from tests.conftest import imported_vpc, template
from tests.workload.load_balancing_limit_cases import WEB_ACL

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

SERVICE, GATEWAY, ASSOCIATION = "AWS::ECS::Service", "AWS::ECS::Gateway", "AWS::ECS::GatewayClusterAssociations"
WEB = Container("public.ecr.aws/nginx/nginx:1.29", name="Web", port=8080)


def cluster_in(stack: cdk.Stack, name: str = "Cluster", vpc: ec2.IVpc | None = None, **said: Any) -> Cluster:
    return Cluster(stack, name, vpc=vpc or imported_vpc(stack), failure_events=False, **said)


def connected(stack: cdk.Stack, gateway: dict[str, Any] | None = None, **said: Any) -> Service:
    cluster = cluster_in(stack)
    connector = GatewayConnector(Gateway(stack, "Gate", clusters=cluster, **(gateway or {})))
    return Service(stack, "Web", **{"cluster": cluster, "task": Task(WEB), "route": connector, **said})


def only(stack: cdk.Stack, kind: str) -> dict[str, Any]:
    (found,) = template(stack).find_resources(kind).values()
    return dict(found)


def settings(stack: cdk.Stack) -> dict[str, Any]:
    found: dict[str, Any] = only(stack, GATEWAY)["Properties"]["Configuration"]["HostSharedAlb"]
    return found


def warnings_of(stack: cdk.Stack) -> list[str]:
    return [str(each.data) for each in stack.node.find_child("Web").node.metadata if each.type.endswith("warning")]


def test_whole_template(stack: cdk.Stack, template_snapshot: SnapshotAssertion) -> None:
    connected(stack)
    assert readable_template(stack) == template_snapshot


@pytest.mark.parametrize(
    ("public", "scheme", "access"), [(False, "internal", "PRIVATE"), (True, "internet-facing", "PUBLIC")]
)
def test_a_connector_accepts_only_the_access_type_of_its_gateway(
    stack: cdk.Stack, *, public: bool, scheme: str, access: str
) -> None:
    connected(stack, {"public": public})
    assert settings(stack)["Scheme"] == scheme
    (connector,) = only(stack, SERVICE)["Properties"]["GatewayConnectors"]
    assert connector["Filters"] == {"AccessTypes": [access]}


def test_a_service_may_use_a_public_and_an_internal_gateway(stack: cdk.Stack) -> None:
    cluster = cluster_in(stack)
    both = [Gateway(stack, "Out", clusters=cluster, public=True), Gateway(stack, "In", clusters=[cluster])]
    Service(stack, "Web", cluster=cluster, task=Task(WEB), route=GatewayConnector(both))
    properties = only(stack, SERVICE)
    assert properties["Properties"]["GatewayConnectors"][0]["Filters"] == {"AccessTypes": ["PRIVATE", "PUBLIC"]}
    associations = template(stack).find_resources(ASSOCIATION)
    assert len(associations) == 2
    assert set(associations) <= set(properties["DependsOn"])


def test_a_service_is_deployed_after_the_association_and_deleted_before_it(app: cdk.App, stack: cdk.Stack) -> None:
    service = connected(stack)
    other = cdk.Stack(app, "Other")
    gateway = stack.node.find_child("Gate")
    assert isinstance(gateway, Gateway)
    Service(other, "Api", cluster=service.cluster, task=Task(WEB), route=GatewayConnector(gateway))
    assert set(template(stack).find_resources(ASSOCIATION)) <= set(only(stack, SERVICE)["DependsOn"])
    assert stack in other.dependencies
    assert other not in stack.dependencies


def test_only_the_gateway_may_connect_to_the_port_of_the_tasks(stack: cdk.Stack) -> None:
    connected(stack)
    rule = only(stack, "AWS::EC2::SecurityGroupIngress")["Properties"]
    group = settings(stack)["NetworkConfiguration"]["InboundSecurityGroup"]
    assert (rule["SourceSecurityGroupId"], rule["FromPort"], rule["ToPort"]) == (group, 8080, 8080)
    assert only(stack, "AWS::EC2::SecurityGroupEgress")["Properties"]["GroupId"] == group


def test_two_services_in_one_given_group_define_one_rule(stack: cdk.Stack) -> None:
    cluster = cluster_in(stack)
    group = ec2.SecurityGroup(stack, "Group", vpc=cluster.vpc, allow_all_outbound=False)
    connector = GatewayConnector(Gateway(stack, "Gate", clusters=cluster))
    for name in ("Web", "Api"):
        Service(stack, name, cluster=cluster, task=Task(WEB), route=connector, security_groups=[group])
    template(stack).resource_count_is("AWS::EC2::SecurityGroupIngress", 1)


def test_clients_reach_only_https(stack: cdk.Stack) -> None:
    Gateway(stack, "Gate", clusters=cluster_in(stack), ingress=[ec2.Peer.ipv4("192.0.2.0/24")])
    (group,) = template(stack).find_resources("AWS::EC2::SecurityGroup").values()
    (rule,) = group["Properties"]["SecurityGroupIngress"]
    assert (rule["CidrIp"], rule["FromPort"], rule["ToPort"]) == ("192.0.2.0/24", 443, 443)


def test_the_role_has_the_policy_that_aws_documents_and_may_be_given(stack: cdk.Stack) -> None:
    cluster = cluster_in(stack)
    Gateway(stack, "Gate", clusters=cluster)
    role = only(stack, "AWS::IAM::Role")["Properties"]
    assert (
        str(role["ManagedPolicyArns"]).count(":iam::aws:policy/AmazonECSInfrastructureRoleForGatewayHostSharedALB'")
        == 1
    )
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "ecs.amazonaws.com"}


def test_the_role_may_be_given(stack: cdk.Stack) -> None:
    given = iam.Role.from_role_arn(stack, "Given", "arn:aws:iam::111111111111:role/gate")
    gateway = Gateway(stack, "Gate", clusters=cluster_in(stack), infrastructure_role=given)
    assert gateway.infrastructure_role is given
    assert only(stack, GATEWAY)["Properties"]["InfrastructureRoleArn"] == given.role_arn
    template(stack).resource_count_is("AWS::IAM::Role", 0)


@pytest.mark.parametrize(("name", "begins"), [(None, "Shop-Gate-"), ("shop-dev", "shop-dev-Gate-")])
def test_the_name_begins_with_the_name_of_the_stack(name: str | None, begins: str) -> None:
    stack = cdk.Stack(cdk.App(), "Shop", stack_name=name)
    gateway = Gateway(stack, "Gate", clusters=cluster_in(stack))
    assert re.fullmatch("[a-zA-Z0-9-]{1,255}", gateway.gateway_name)
    assert gateway.gateway_name.startswith(begins)
    assert only(stack, GATEWAY)["Properties"]["GatewayName"] == gateway.gateway_name


@pytest.mark.parametrize("protected", [True, False])
def test_protection_can_be_turned_off(stack: cdk.Stack, *, protected: bool) -> None:
    Gateway(stack, "Gate", clusters=cluster_in(stack), deletion_protection=protected)
    assert only(stack, GATEWAY)["Properties"]["DeletionProtection"] is protected


def test_a_gateway_that_can_be_removed_is_deleted_before_its_bucket(stack: cdk.Stack) -> None:
    removable: dict[str, Any] = {"removal_policy": cdk.RemovalPolicy.DESTROY, "auto_delete_objects": True}
    gateway = Gateway(stack, "Gate", clusters=cluster_in(stack), deletion_protection=False, **removable)
    assert gateway.log_bucket
    bucket = stack.get_logical_id(gateway.log_bucket.node.default_child)  # type: ignore[arg-type]  # a CfnBucket
    assert bucket in only(stack, GATEWAY)["DependsOn"]


def test_access_logs_may_be_left_out(stack: cdk.Stack) -> None:
    assert Gateway(stack, "Gate", clusters=cluster_in(stack), access_logs=False).log_bucket is None
    assert "AccessLogs" not in settings(stack)
    template(stack).resource_count_is("AWS::S3::Bucket", 0)


def test_a_web_acl_and_an_address_type_are_passed_on(stack: cdk.Stack) -> None:
    dual = elbv2.IpAddressType.DUAL_STACK
    Gateway(stack, "Gate", clusters=cluster_in(stack), web_acl=WEB_ACL, ip_address_type=dual)
    assert settings(stack)["WebACLArn"] == WEB_ACL
    assert settings(stack)["NetworkConfiguration"]["IpAddressType"] == "dualstack"


def test_the_health_check_is_passed_on(stack: cdk.Stack) -> None:
    cluster = cluster_in(stack)
    connector = GatewayConnector(
        Gateway(stack, "Gate", clusters=cluster),
        health=TargetHealth("/up", codes="200-299", interval=cdk.Duration.seconds(20)),
    )
    Service(stack, "Web", cluster=cluster, task=Task(WEB), route=connector)
    check = only(stack, SERVICE)["Properties"]["GatewayConnectors"][0]["HealthCheck"]
    assert check["HealthCheckPath"] == "/up"
    assert check["HealthCheckIntervalSeconds"] == 20
    assert check["Matcher"] == {"HttpCode": "200-299"}


def test_tasks_have_time_to_start_before_failed_checks_count(stack: cdk.Stack) -> None:
    connected(stack)
    assert only(stack, SERVICE)["Properties"]["HealthCheckGracePeriodSeconds"] == 60


def test_each_container_port_may_be_chosen(stack: cdk.Stack) -> None:
    cluster = cluster_in(stack)
    admin = Container("redis:8", name="admin", ports={"ui": 9090})
    connector = GatewayConnector(Gateway(stack, "Gate", clusters=cluster), container_port="ui")
    Service(stack, "Web", cluster=cluster, task=Task(WEB, admin), route=connector)
    assert only(stack, SERVICE)["Properties"]["GatewayConnectors"][0]["PortName"] == "ui"


def test_a_cluster_that_is_imported_twice_is_the_same_cluster(stack: cdk.Stack) -> None:
    vpc = imported_vpc(stack)
    first, second = (Cluster.from_attributes(stack, each, cluster_name="shop", vpc=vpc) for each in ("First", "Second"))
    connector = GatewayConnector(Gateway(stack, "Gate", clusters=first))
    Service(stack, "Web", cluster=second, task=Task(WEB), route=connector)
    template(stack).resource_count_is(ASSOCIATION, 1)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (
            {"task": Task(Container("redis:8"))},
            "a gateway connector requires a container with a port, and no container",
        ),
        (
            {"task": Task(Container("redis:8", name="x" * 65, port=80))},
            "the name of the container for the gateway connector must be 1 to 64 letters",
        ),
    ],
)
def test_a_task_that_a_gateway_cannot_reach_is_refused(stack: cdk.Stack, said: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match="Shop/Web: ") as raised:
        connected(stack, **said)
    assert problem in str(raised.value)


def test_a_port_that_the_task_lacks_is_refused(stack: cdk.Stack) -> None:
    cluster = cluster_in(stack)
    connector = GatewayConnector(Gateway(stack, "Gate", clusters=cluster), container_port=9090)
    with pytest.raises(
        ValueError, match=r"container_port of the gateway connector must be a port of the task \(got 9090"
    ):
        Service(stack, "Web", cluster=cluster, task=Task(WEB), route=connector)


def test_tasks_without_an_address_are_refused(stack: cdk.Stack) -> None:
    fleet = Capacity.ec2("fleet", instance_types=["m7i.large"], max_instances=2)
    cluster = cluster_in(stack, capacity=[fleet])
    connector = GatewayConnector(Gateway(stack, "Gate", clusters=cluster))
    with pytest.raises(ValueError, match=r"a gateway connector requires network mode awsvpc \(got bridge\)"):
        Service(stack, "Web", cluster=cluster, task=Task(WEB, network_mode=NetworkMode.BRIDGE), route=connector)


def test_a_gateway_of_another_vpc_or_another_cluster_is_refused(stack: cdk.Stack) -> None:
    here, afar = Network(stack, "Here").vpc, Network(stack, "Afar").vpc
    own, beside = cluster_in(stack, vpc=here), cluster_in(stack, "Beside", vpc=here)
    gates = [
        Gateway(stack, "Far", clusters=cluster_in(stack, "Distant", vpc=afar)),
        Gateway(stack, "Near", clusters=beside),
    ]
    with pytest.raises(ValueError, match="Shop/Web: ") as raised:
        Service(stack, "Web", cluster=own, task=Task(Container("redis:8")), route=GatewayConnector(gates))
    said = str(raised.value)
    assert "gateways must be in the VPC of the cluster (got Shop/Far in another VPC)" in said
    assert "gateways must be associated with the cluster of the service (got Shop/Near without Shop/Cluster)" in said
    assert "requires a container with a port" in said


def test_each_zone_of_the_tasks_must_be_one_of_the_gateway(stack: cdk.Stack) -> None:
    vpc = Network(stack, "Network", zones=3).vpc
    cluster, zones = cluster_in(stack, vpc=vpc), vpc.availability_zones
    two = ec2.SubnetSelection(availability_zones=zones[:2])
    connector = GatewayConnector(Gateway(stack, "Gate", clusters=cluster, vpc_subnets=two))
    with pytest.raises(
        ValueError, match=r"each subnet of vpc_subnets must be in zones of Shop/Gate, .* zone 3 of the VPC"
    ):
        Service(stack, "Web", cluster=cluster, task=Task(WEB), route=connector)
    Service(stack, "Api", cluster=cluster, task=Task(WEB), route=connector, vpc_subnets=two)


def test_clusters_are_in_one_vpc_and_named_once(stack: cdk.Stack) -> None:
    here, afar = Network(stack, "Here").vpc, Network(stack, "Afar").vpc
    own, distant = cluster_in(stack, vpc=here), cluster_in(stack, "Distant", vpc=afar)
    with pytest.raises(ValueError, match="Shop/Gate: ") as raised:
        Gateway(stack, "Gate", clusters=[own, own, distant])
    assert "clusters must be unique (got Shop/Cluster more than once)" in str(raised.value)
    assert "clusters must be in one VPC (got Shop/Distant in another VPC than Shop/Cluster)" in str(raised.value)
    with pytest.raises(ValueError, match=r"Shop/Gate: clusters must not be empty"):
        Gateway(stack, "Gate", clusters=[])


def test_a_connector_needs_a_gateway() -> None:
    with pytest.raises(ValueError, match="gateways must not be empty"):
        GatewayConnector([])


@pytest.mark.parametrize(
    "rollout", [Rollout.blue_green(alarms=None), Rollout.canary(alarms=None), Rollout.linear(alarms=None)]
)
def test_shifted_traffic_is_not_documented(stack: cdk.Stack, rollout: Rollout) -> None:
    connected(stack, rollout=rollout)
    assert any("does not document how ECS shifts the traffic of a gateway" in each for each in warnings_of(stack))


def test_a_route_or_lattice_beside_a_gateway_is_not_documented(stack: cdk.Stack) -> None:
    cluster = cluster_in(stack)
    connector = GatewayConnector(Gateway(stack, "Gate", clusters=cluster))
    edge = LoadBalancer(stack, "Edge", vpc=cluster.vpc)
    Service(stack, "Web", cluster=cluster, task=Task(WEB), route=[Route(edge), connector])
    assert any("does not document a service with both" in each for each in warnings_of(stack))
    lattice = Lattice("pl-0a1b2c3d")
    both = Service(stack, "Api", cluster=cluster, task=Task(WEB), route=connector, lattice=lattice)
    assert any("does not document a service with both" in str(each.data) for each in both.node.metadata)


def test_a_rolling_service_with_only_a_gateway_has_no_warning(stack: cdk.Stack) -> None:
    connected(stack)
    assert not any("gateway" in each for each in warnings_of(stack))


def test_cdk_does_not_refuse_types_that_are_newer_than_its_schemas(tmp_path: Path) -> None:
    context = json.dumps({"@aws-cdk/core:validateAgainstDefaultRules": True})
    environment = {**os.environ, "CDK_VALIDATION": "true", "CDK_CONTEXT_JSON": context, "CDK_OUTDIR": str(tmp_path)}
    program = Path(__file__).parents[3] / "examples" / "gateway.py"
    done = subprocess.run([sys.executable, program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Gateway" not in done.stderr

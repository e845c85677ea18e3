"""The choices in the settings of an environment: network, entrance, tags, boundary, protection, capacity."""

from __future__ import annotations

import json
from typing import Any

import attrs
import aws_cdk as cdk
import pytest

from stacks.environment import Environment
from stacks.images import Images
from stacks.settings import Description, EnvironmentSettings
from stacks.settings.capacities import CapacitySettings, FargateSettings, InstanceSettings, ManagedInstanceSettings
from stacks.settings.environments import RegistrySettings, ToolingSettings
from stacks.settings.infrastructure import EntranceSettings, NetworkSettings
from stacks.settings.services import AllServiceSettings, ServiceOverrides
from tests.conftest import template

ACCOUNT, REGION = "111111111111", "eu-west-1"
FARGATE = FargateSettings(kind="fargate")
SETTINGS = EnvironmentSettings(account=ACCOUNT, region=REGION, removable=True, capacity={"fargate": FARGATE})


def stage(settings: EnvironmentSettings, *, tooling: ToolingSettings | None = None) -> Environment:
    app = cdk.App(analytics_reporting=False)
    description = Description(environments={"test": settings}, tooling=tooling)
    return Environment(app, "test", settings=settings, images=Images(description, "test"))


def stack(of: Environment, name: str) -> cdk.Stack:
    found: cdk.Stack = of.node.find_child(name)  # type: ignore[assignment]  # it is a stack
    return found


def resources(of: Environment, name: str, kind: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in template(stack(of, name)).find_resources(f"AWS::{kind}").values()]


@pytest.mark.parametrize(
    ("egress", "gateways", "endpoints"),
    [("nat-gateway-per-zone", 3, 0), ("one-nat-gateway", 1, 0), ("endpoints", 0, 12)],
)
def test_the_way_to_the_internet_is_chosen(egress: Any, gateways: int, endpoints: int) -> None:
    tooling = ToolingSettings(account=ACCOUNT, region=REGION, registry=RegistrySettings(caches=("ecr-public",)))
    network = NetworkSettings(zones=3, egress=egress)
    made = stage(attrs.evolve(SETTINGS, network=network, exec_sessions=True), tooling=tooling)
    assert len(resources(made, "Platform", "EC2::NatGateway")) == gateways
    interfaces = [
        each for each in resources(made, "Platform", "EC2::VPCEndpoint") if each["VpcEndpointType"] == "Interface"
    ]
    assert len(interfaces) == endpoints


@pytest.mark.parametrize("egress", ["one-nat-gateway", "endpoints"])
def test_image_layers_and_carts_never_take_a_nat_gateway(egress: Any) -> None:
    tooling = ToolingSettings(account=ACCOUNT, region=REGION, registry=RegistrySettings(caches=("ecr-public",)))
    made = stage(attrs.evolve(SETTINGS, network=NetworkSettings(egress=egress)), tooling=tooling)
    gateways = [
        each for each in resources(made, "Platform", "EC2::VPCEndpoint") if each["VpcEndpointType"] == "Gateway"
    ]
    assert sorted(str(each["ServiceName"]).split("'.")[-1][:-4] for each in gateways) == ["dynamodb", "s3"]
    private = {
        name for name in template(stack(made, "Platform")).find_resources("AWS::EC2::RouteTable") if "Private" in name
    }
    assert all(private <= {table["Ref"] for table in each["RouteTableIds"]} for each in gateways)


@pytest.mark.parametrize(("recorded", "value"), [(True, "enhanced"), (False, "disabled")])
def test_insights_are_recorded_if_the_settings_say_so(recorded: bool, value: str) -> None:  # noqa: FBT001  # a case
    made = stage(attrs.evolve(SETTINGS, container_insights=recorded))
    (cluster,) = resources(made, "Platform", "ECS::Cluster")
    assert cluster["ClusterSettings"] == [{"Name": "containerInsights", "Value": value}]
    metrics = [
        each.get("Namespace") or each["Metrics"][0]["MetricStat"]["Metric"]["Namespace"]
        for each in resources(made, "Services", "CloudWatch::Alarm")
    ]
    assert metrics
    assert "ECS/ContainerInsights" not in metrics  # without insights, an alarm on them would never be raised


def test_an_existing_vpc_is_looked_up() -> None:
    made = stage(attrs.evolve(SETTINGS, network=NetworkSettings(vpc_id="vpc-0a1b2c3d")))
    assert resources(made, "Platform", "EC2::VPC") == []
    (service,) = (each for each in resources(made, "Services", "ECS::Service") if each.get("LoadBalancers"))
    subnets = service["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"]
    assert all(each.startswith("p-") for each in subnets)  # CDK's placeholders until the lookup


def test_a_hosted_zone_gives_a_certificate_and_a_record() -> None:
    entrance = EntranceSettings(
        domain="shop.example.com", hosted_zone="example.com", hosted_zone_id="Z0123456789ABCDEFGHIJ"
    )
    made = stage(attrs.evolve(SETTINGS, entrance=entrance))
    (certificate,) = resources(made, "Platform", "CertificateManager::Certificate")
    assert (certificate["DomainName"], certificate["ValidationMethod"]) == ("shop.example.com", "DNS")
    records = [each for name in ("Platform", "Services") for each in resources(made, name, "Route53::RecordSet")]
    assert {each["Name"] for each in records} == {"shop.example.com."}
    (rule,) = resources(made, "Services", "ElasticLoadBalancingV2::ListenerRule")
    assert rule["Conditions"] == [{"Field": "host-header", "HostHeaderConfig": {"Values": ["shop.example.com"]}}]
    outputs = template(stack(made, "Platform")).to_json()["Outputs"]
    assert outputs["Address"]["Value"] == "https://shop.example.com"


def test_an_existing_web_acl_protects_the_entrance() -> None:
    arn = f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/shop/1a2b3c4d-1a2b-1a2b-1a2b-1a2b3c4d5e6f"
    made = stage(attrs.evolve(SETTINGS, entrance=EntranceSettings(web_acl=arn)))
    (association,) = resources(made, "Platform", "WAFv2::WebACLAssociation")
    assert association["WebACLArn"] == arn


def test_all_roles_have_the_permissions_boundary_and_all_resources_the_tags() -> None:
    made = stage(attrs.evolve(SETTINGS, permissions_boundary="limits", tags={"team": "shop"}))
    for name in ("Platform", "Services"):
        roles = resources(made, name, "IAM::Role")
        assert roles
        assert all(":policy/limits" in json.dumps(role["PermissionsBoundary"]) for role in roles)
    (cluster,) = resources(made, "Platform", "ECS::Cluster")
    assert {"Key": "team", "Value": "shop"} in cluster["Tags"]


@pytest.mark.parametrize("removable", [True, False])
def test_only_a_removable_environment_is_not_protected(removable: bool) -> None:  # noqa: FBT001  # a case
    entrance = EntranceSettings(certificate_parameter="/shop/certificate-arn")
    made = stage(attrs.evolve(SETTINGS, removable=removable, entrance=entrance))
    stacks = [each for each in made.node.children if isinstance(each, cdk.Stack)]
    assert [each.termination_protection for each in stacks] == [not removable] * len(stacks)
    (balancer,) = resources(made, "Platform", "ElasticLoadBalancingV2::LoadBalancer")
    attributes = {each["Key"]: each["Value"] for each in balancer["LoadBalancerAttributes"]}
    assert attributes["deletion_protection.enabled"] == str(not removable).lower()


def test_operators_get_an_email() -> None:
    made = stage(attrs.evolve(SETTINGS, operators=("operators@example.com",)))
    (subscription,) = resources(made, "Platform", "SNS::Subscription")
    operators = stack(made, "Platform").node.find_child("Operators")
    acknowledged = [entry.data for entry in operators.node.metadata]
    assert "Serverless-SNSRedrivePolicy" in json.dumps(acknowledged, default=str)  # nobody reads a queue of emails
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "operators@example.com")


def test_sessions_are_recorded_where_they_are_allowed() -> None:
    for allowed in (True, False):
        made = stage(attrs.evolve(SETTINGS, exec_sessions=allowed))
        services = resources(made, "Services", "ECS::Service")
        assert {each.get("EnableExecuteCommand", False) for each in services} == {allowed}
        (cluster,) = resources(made, "Platform", "ECS::Cluster")
        assert ("ExecuteCommandConfiguration" in cluster.get("Configuration", {})) == allowed


def test_services_run_on_the_capacity_of_the_settings() -> None:
    spot = InstanceSettings(kind="ec2", instance_types=("m7i.large",), max_instances=4, spot=True)
    general = InstanceSettings(kind="ec2", instance_types=("m7i.large",), min_instances=1, max_instances=4)
    managed = ManagedInstanceSettings(kind="managed-instances", vcpus=(2, 8), memory_mib=(4096, 16384))
    services = AllServiceSettings(
        capacity={"general": 1, "spot": 3},
        ui=ServiceOverrides(capacity={"fargate": 1}),
        orders=ServiceOverrides(capacity={"managed": 1}),
    )
    capacity: dict[str, CapacitySettings] = {"fargate": FARGATE, "general": general, "spot": spot, "managed": managed}
    made = stage(attrs.evolve(SETTINGS, capacity=capacity, services=services))
    strategies = {
        each["ServiceConnectConfiguration"]["Services"][0]["ClientAliases"][0]["DnsName"]: each[
            "CapacityProviderStrategy"
        ]
        for each in resources(made, "Services", "ECS::Service")
        if each["ServiceConnectConfiguration"].get("Services")
    }
    assert [each["Weight"] for each in strategies["catalog"]] == [1, 3]
    assert strategies["ui"] == [{"CapacityProvider": "FARGATE", "Weight": 1}]
    (orders,) = strategies["orders"]
    assert "managed" in json.dumps(orders["CapacityProvider"])
    assert len(resources(made, "Platform", "AutoScaling::AutoScalingGroup")) == 2

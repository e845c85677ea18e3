"""Load balancers, groups and tasks that deploy on AWS deploy here too, and their APIs describe them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local.local_aws import NETWORK, Client, Deploy, attribute, fargate, load_balancer, ref, resource, role

Resources = dict[str, Any]

IMAGE = "ami-0123456789abcdef0"
LISTENER = {"InstancePort": "80", "InstanceProtocol": "http", "LoadBalancerPort": "80", "Protocol": "http"}
SUBNETS = [ref("Subnet"), ref("OtherSubnet")]


def _classic(**properties: Any) -> Resources:
    stated = {"Listeners": [LISTENER], "Subnets": SUBNETS, "Scheme": "internal"}
    return resource("AWS::ElasticLoadBalancing::LoadBalancer", **{**stated, **properties})


def _group(**properties: Any) -> Resources:
    stated = {"VpcId": ref("Vpc"), "Port": 80, "Protocol": "TCP", "TargetType": "ip"}
    return resource("AWS::ElasticLoadBalancingV2::TargetGroup", **{**stated, **properties})


def _scaled(**properties: Any) -> Resources:
    configuration = {"ImageId": IMAGE, "InstanceType": "t3.micro", "SpotPrice": "0.20"}
    stated = {"MinSize": "1", "MaxSize": "1", "VPCZoneIdentifier": SUBNETS}
    named = {"LaunchConfigurationName": ref("Configuration")}
    return {
        "Configuration": resource("AWS::AutoScaling::LaunchConfiguration", **configuration),
        "Scaled": resource("AWS::AutoScaling::AutoScalingGroup", **{**stated, **named, **properties}),
    }


def test_classic_load_balancer_is_described_with_its_listeners_and_instances(client: Client, deploy: Deploy) -> None:
    check = {"Target": "HTTP:80/", "Interval": "20", "Timeout": "4", "HealthyThreshold": "3", "UnhealthyThreshold": "2"}
    tags = [{"Key": "team", "Value": "shop"}]
    stack = deploy(
        {
            **NETWORK,
            "Edge": _classic(HealthCheck=check, CrossZone=True, Tags=tags),
            **_scaled(LoadBalancerNames=[ref("Edge")]),
        },
        name=ref("Edge"),
        dns=attribute("Edge", "DNSName"),
        vpc=ref("Vpc"),
    )
    assert stack["Reason"] == ""
    values, elb = stack["Values"], client("elb")
    (shown,) = elb.describe_load_balancers(LoadBalancerNames=[values["name"]])["LoadBalancerDescriptions"]
    assert (shown["DNSName"], shown["VPCId"], shown["Scheme"]) == (values["dns"], values["vpc"], "internal")
    assert shown["ListenerDescriptions"][0]["Listener"]["InstancePort"] == 80
    assert shown["HealthCheck"]["Interval"] == 20
    assert len(shown["Instances"]) == 1
    states = elb.describe_instance_health(LoadBalancerName=values["name"])["InstanceStates"]
    assert [each["InstanceId"] for each in states] == [each["InstanceId"] for each in shown["Instances"]]
    attributes = elb.describe_load_balancer_attributes(LoadBalancerName=values["name"])["LoadBalancerAttributes"]
    assert attributes["CrossZoneLoadBalancing"]["Enabled"]
    assert elb.describe_tags(LoadBalancerNames=[values["name"]])["TagDescriptions"][0]["Tags"][0] in tags


def test_newer_api_does_not_describe_classic_load_balancers(client: Client, deploy: Deploy) -> None:
    deploy({**NETWORK, "Edge": _classic()})
    assert client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    with pytest.raises(client("elb").exceptions.AccessPointNotFoundException, match="no ACTIVE|There is no"):
        client("elb").describe_load_balancers(LoadBalancerNames=["nothing"])


REFUSED = {
    "classic, public without an internet gateway": (
        {"Edge": _classic(Scheme="internet-facing")},
        "InvalidSubnet: VPC vpc-",
    ),
    "classic, in a subnet that does not exist": ({"Edge": _classic(Subnets=["subnet-0"])}, "SubnetNotFound"),
    "group of instances, target group that does not exist": (
        _scaled(TargetGroupARNs=["arn:aws:elasticloadbalancing:eu-west-1:111111111111:targetgroup/a/1"]),
        "ValidationError: The target group 'arn:aws",
    ),
    "group of instances, load balancer that does not exist": (
        _scaled(LoadBalancerNames=["nothing"]),
        "ValidationError: The load balancer 'nothing' does not exist",
    ),
    "address that does not exist": (
        {
            "Edge": load_balancer(
                Type="network",
                Subnets={"Ref": "AWS::NoValue"},
                SubnetMappings=[{"SubnetId": ref("Subnet"), "AllocationId": "eipalloc-0"}],
            )
        },
        "AllocationIdNotFound: The allocation ID 'eipalloc-0' does not exist",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_template_that_aws_refuses_is_refused(case: str, deploy: Deploy) -> None:
    resources, reason = REFUSED[case]
    stack = deploy({**NETWORK, **resources})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in stack["Reason"]


def test_network_load_balancer_can_have_an_address_in_each_subnet(client: Client, deploy: Deploy) -> None:
    mapping = {"SubnetId": ref("Subnet"), "AllocationId": attribute("Address", "AllocationId")}
    edge = load_balancer(Type="network", Subnets={"Ref": "AWS::NoValue"}, SubnetMappings=[mapping])
    stack = deploy(
        {**NETWORK, "Address": resource("AWS::EC2::EIP"), "Edge": edge},
        arn=ref("Edge"),
        name=attribute("Edge", "LoadBalancerFullName"),
        subnet=ref("Subnet"),
    )
    assert stack["Reason"] == ""
    values = stack["Values"]
    assert f":loadbalancer/{values['name']}" in values["arn"]
    assert values["name"].startswith("net/")
    (shown,) = client("elbv2").describe_load_balancers(LoadBalancerArns=[values["arn"]])["LoadBalancers"]
    assert [each["SubnetId"] for each in shown["AvailabilityZones"]] == [values["subnet"]]


def test_target_group_has_the_targets_of_its_template_and_of_auto_scaling_groups(
    client: Client, deploy: Deploy
) -> None:
    targets = [{"Id": "10.0.0.9", "Port": 8080}]
    stack = deploy(
        {
            **NETWORK,
            "Group": _group(Targets=targets),
            "Machines": _group(TargetType="instance"),
            **_scaled(TargetGroupARNs=[ref("Machines")]),
        },
        group=ref("Group"),
        machines=ref("Machines"),
    )
    assert stack["Reason"] == ""
    elbv2 = client("elbv2")

    def registered(name: str) -> list[dict[str, Any]]:
        health = elbv2.describe_target_health(TargetGroupArn=stack["Values"][name])["TargetHealthDescriptions"]
        return [each["Target"] for each in health]

    assert registered("group") == targets
    assert [each["Id"].partition("-")[0] for each in registered("machines")] == ["i"]


def test_service_with_an_external_controller_has_no_tasks(client: Client, deploy: Deploy) -> None:
    service = {"Cluster": ref("Cluster"), "DeploymentController": {"Type": "EXTERNAL"}, "DesiredCount": 2}
    cluster = resource("AWS::ECS::Cluster")
    stack = deploy({"Cluster": cluster, "Service": resource("AWS::ECS::Service", **service)}, arn=ref("Service"))
    assert stack["Reason"] == ""
    arn = stack["Values"]["arn"]
    (shown,) = client("ecs").describe_services(cluster=arn.split("/")[-2], services=[arn])["services"]
    assert (shown["desiredCount"], shown["runningCount"], shown["deployments"]) == (2, 0, [])
    changed = resource("AWS::ECS::Service", **service | {"DesiredCount": 3})
    assert deploy({"Cluster": cluster, "Service": changed})["Reason"] == ""


def test_task_definition_keeps_its_proxy_configuration(client: Client, deploy: Deploy) -> None:
    settings = [{"Name": "AppPorts", "Value": "8080"}, {"Name": "IgnoredUID", "Value": "1337"}]
    proxy = {"Type": "APPMESH", "ContainerName": "envoy", "ProxyConfigurationProperties": settings}
    stack = deploy({"Task": fargate("envoy", task={"ProxyConfiguration": proxy})}, arn=ref("Task"))
    assert stack["Reason"] == ""
    shown = client("ecs").describe_task_definition(taskDefinition=stack["Values"]["arn"])["taskDefinition"]
    assert shown["proxyConfiguration"]["properties"] == [
        {"name": "AppPorts", "value": "8080"},
        {"name": "IgnoredUID", "value": "1337"},
    ]


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-arm64-gp2", "ami-0"),
        ("/aws/service/ami-windows-latest/Windows_Server-2022-English-Full-Base", "ami-0"),
        ("/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id", "ami-0"),
        (
            "/aws/service/aws-for-fluent-bit/stable",
            "906394416424.dkr.ecr.eu-west-1.amazonaws.com/aws-for-fluent-bit:stable",
        ),
    ],
)
def test_public_parameters_name_images(name: str, begins: str, client: Client) -> None:
    assert client("ssm").get_parameter(Name=name)["Parameter"]["Value"].startswith(begins)


def test_cloud_map_service_can_be_discoverable_only_by_the_api(deploy: Deploy) -> None:
    namespace = resource("AWS::ServiceDiscovery::HttpNamespace", Name="shop")
    found = {"NamespaceId": ref("Namespace"), "Type": "HTTP"}
    service = resource("AWS::ServiceDiscovery::Service", **found)
    assert deploy({"Namespace": namespace, "Service": service})["Reason"] == ""
    records = {"DnsRecords": [{"Type": "A", "TTL": 60}]}
    named = resource("AWS::ServiceDiscovery::Service", **found, DnsConfig=records)
    assert "Services of type HTTP" in deploy({"Namespace": namespace, "Service": service, "Named": named})["Reason"]


def test_template_can_be_read_from_a_virtual_hosted_bucket_url(client: Client) -> None:
    s3, cloudformation = client("s3", region="us-east-1"), client("cloudformation", region="us-east-1")
    s3.create_bucket(Bucket="templates-of-shop")
    body = json.dumps({"Resources": {"Role": role("ecs.amazonaws.com")}})
    s3.put_object(Bucket="templates-of-shop", Key="cdk/Shop/a b.yml", Body=body.encode())
    address = "https://templates-of-shop.s3.us-east-1.amazonaws.com/cdk/Shop/a%20b.yml"
    made = cloudformation.create_stack(StackName="at-host", TemplateURL=address, Capabilities=["CAPABILITY_IAM"])
    (stack,) = cloudformation.describe_stacks(StackName=made["StackId"])["Stacks"]
    cloudformation.delete_stack(StackName="at-host")
    assert stack["StackStatus"] == "CREATE_COMPLETE"

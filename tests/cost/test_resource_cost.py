"""The cost of the resources beside tasks, type by type."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from moorage.cost.amounts import Range
from moorage.cost.free_types import free_reason
from moorage.cost.parts import Kind
from moorage.cost.rules.table import RULES
from tests.cost.cost_rows import Resource, estimated, one, quantities, rows, stack_of

GP2, GP3 = "EBS volume (gp2)", "EBS volume (gp3)"


def template(**data: Any) -> Resource:
    return Resource("EC2::LaunchTemplate", {"LaunchTemplateData": {"InstanceType": "m7g.large", **data}})


def group(least: int = 1, most: int = 3, **properties: Any) -> Resource:
    stated = {"LaunchTemplate": {"LaunchTemplateId": {"Ref": "Template"}}, "MinSize": str(least), "MaxSize": str(most)}
    return Resource("AutoScaling::AutoScalingGroup", {**stated, **properties})


def mixed(**distribution: Any) -> dict[str, Any]:
    overrides = [{"InstanceType": "m7i.large"}, {"InstanceType": "m6i.large"}]
    return {
        "MixedInstancesPolicy": {
            "LaunchTemplate": {
                "LaunchTemplateSpecification": {"LaunchTemplateId": {"Ref": "Template"}},
                "Overrides": overrides,
            },
            "InstancesDistribution": distribution,
        }
    }


DISK = [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 30, "VolumeType": "gp3"}}]


def test_a_group_costs_from_its_minimum_to_its_maximum() -> None:
    found = rows({"Template": template(BlockDeviceMappings=DISK), "Group": group()})
    assert quantities(found) == {"EC2 On-Demand m7g.large": ("730", "2190"), GP3: ("30", "90")}


def test_a_group_without_a_volume_does_not_know_its_root_volume() -> None:
    found = rows({"Template": template(), "Group": group()})
    assert [(row.component, row.kind) for row in found[1:]] == [("EBS root volume", Kind.UNKNOWN)]


@pytest.mark.parametrize(
    ("distribution", "on_demand", "spot"),
    [
        ({}, ("730", "7300"), None),
        ({"OnDemandPercentageAboveBaseCapacity": 0}, None, ("730", "7300")),
        ({"OnDemandBaseCapacity": 2, "OnDemandPercentageAboveBaseCapacity": 50}, ("730", "4380"), ("0", "2920")),
        ({"OnDemandPercentageAboveBaseCapacity": 25}, ("730", "2190"), ("0", "5110")),
    ],
)
def test_a_mixed_group_has_on_demand_and_spot_instances(distribution: Any, on_demand: Any, spot: Any) -> None:
    resources = {"Template": template(BlockDeviceMappings=DISK), "Group": group(1, 10, **mixed(**distribution))}
    found = quantities(rows(resources))
    assert found.get("EC2 On-Demand m7i.large") == on_demand
    assert found.get("EC2 Spot m7i.large") == spot


def test_the_instances_of_a_mixed_group_are_of_the_first_type_and_say_so() -> None:
    found = rows({"Template": template(BlockDeviceMappings=DISK), "Group": group(**mixed())})
    assert "all instances are m7i.large, the first of 2 types" in found[0].assumptions
    assert found[0].price == Decimal("0.1008")


def test_instances_can_have_monitoring_and_addresses() -> None:
    data = template(
        BlockDeviceMappings=DISK,
        Monitoring={"Enabled": True},
        NetworkInterfaces=[{"AssociatePublicIpAddress": True, "DeviceIndex": 0}],
    )
    found = quantities(rows({"Template": data, "Group": group()}))
    assert found["Detailed monitoring"] == ("7", "21")
    assert found["Public IPv4 address"] == ("730", "2190")


def test_scheduled_sizes_and_averages_count() -> None:
    action = Resource("AutoScaling::ScheduledAction", {"AutoScalingGroupName": {"Ref": "Group"}, "MinSize": 0})
    resources = {"Template": template(BlockDeviceMappings=DISK), "Group": group(), "Night": action}
    assert quantities(rows(resources))["EC2 On-Demand m7g.large"] == ("0", "2190")
    assert quantities(rows(resources, average_instances=1.5))["EC2 On-Demand m7g.large"] == one("1095")


def test_a_warm_pool_has_volumes_and_if_it_runs_instances() -> None:
    pool = {"AutoScalingGroupName": {"Ref": "Group"}, "MinSize": 1, "PoolState": "Running"}
    resources = {
        "Template": template(BlockDeviceMappings=DISK),
        "Group": group(0, 4),
        "Pool": Resource("AutoScaling::WarmPool", pool),
    }
    found = rows(resources)
    assert [(row.component, row.quantity) for row in found] == [
        ("EC2 On-Demand m7g.large", Range(Decimal(0), Decimal(2920))),
        (GP3, Range(Decimal(0), Decimal(120))),
        (GP3, Range(Decimal(120), Decimal(30))),
        ("EC2 On-Demand m7g.large", Range(Decimal(2920), Decimal(730))),
    ]


def test_a_launch_configuration_counts_like_a_template() -> None:
    configuration = Resource(
        "AutoScaling::LaunchConfiguration",
        {"InstanceType": "t3.medium", "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8}}]},
    )
    stated = {"LaunchConfigurationName": {"Ref": "Configuration"}, "MinSize": "2", "MaxSize": "2"}
    resources = {"Configuration": configuration, "Group": Resource("AutoScaling::AutoScalingGroup", stated)}
    found = quantities(rows(resources))
    assert found == {"EC2 On-Demand t3.medium": one("1460"), GP2: one("16"), "Detailed monitoring": one("14")}


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"LaunchTemplate": {"LaunchTemplateId": "lt-1"}}, "the launch template of the group is not in the app"),
        (mixed() | {"MinSize": {"Ref": "Size"}}, "MinSize refers to Size"),
    ],
)
def test_a_group_without_what_it_refers_to_is_unknown(properties: Any, reason: str) -> None:
    (row,) = rows({"Template": template(BlockDeviceMappings=DISK), "Group": group(**properties)})
    assert row.kind is Kind.UNKNOWN
    assert reason in row.assumptions[0]


def test_instance_requirements_and_weights_are_unknown() -> None:
    for override in (
        {"InstanceRequirements": {"VCpuCount": {"Min": 2}}},
        {"InstanceType": "a", "WeightedCapacity": "2"},
    ):
        policy = mixed()
        policy["MixedInstancesPolicy"]["LaunchTemplate"]["Overrides"] = [override]
        (row,) = rows({"Template": template(), "Group": group(**policy)})
        assert row.kind is Kind.UNKNOWN


def test_windows_instances_have_another_price() -> None:
    image = {"Ref": "Image"}
    name = "/aws/service/ami-windows-latest/Windows_Server-2022-English-Core-ECS_Optimized/image_id"
    parameters = {"Image": {"Type": "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", "Default": name}}
    shop = stack_of(
        {"Template": template(ImageId=image, BlockDeviceMappings=DISK), "Group": group()}, Parameters=parameters
    )
    row = next(row for row in estimated(shop).rows if row.component.startswith("EC2"))
    assert row.item == "ec2_windows.m7g.large"
    assert row.kind is Kind.UNKNOWN


LIST = ["a", "b", "c"]
QUERY = {"MetricStat": {"Metric": {"MetricName": "a"}, "Period": 60, "Stat": "Sum"}}
CLUSTER = {"Engine": "aurora-mysql", "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 4}}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (Resource("EC2::NatGateway", {"SubnetId": "a"}), {"NAT gateway": one("730"), "NAT gateway data": None}),
        (Resource("EC2::EIP"), {"Public IPv4 address": one("730")}),
        (Resource("EC2::EIP", {"PublicIpv4Pool": "ipv4pool-ec2-1"}), {}),
        (
            Resource("EC2::VPCEndpoint", {"VpcEndpointType": "Interface", "SubnetIds": LIST}),
            {"Interface endpoint": one("2190"), "Interface endpoint data": None},
        ),
        (Resource("EC2::VPCEndpoint", {"VpcEndpointType": "Gateway"}), {}),
        (Resource("EC2::VPCEndpoint"), {}),
        (
            Resource("ElasticLoadBalancingV2::LoadBalancer", {"Scheme": "internal", "Subnets": LIST}),
            {"Application Load Balancer": one("730"), "Load balancer capacity units": None},
        ),
        (
            Resource("ElasticLoadBalancingV2::LoadBalancer", {"Type": "network", "Subnets": LIST}),
            {
                "Network Load Balancer": one("730"),
                "Load balancer capacity units": None,
                "Public IPv4 addresses": one("2190"),
                "Data to the internet": None,
            },
        ),
        (
            Resource(
                "ElasticLoadBalancingV2::LoadBalancer",
                {"Type": "network", "SubnetMappings": [{"SubnetId": "a", "AllocationId": "eip"}, {"SubnetId": "b"}]},
            ),
            {
                "Network Load Balancer": one("730"),
                "Load balancer capacity units": None,
                "Public IPv4 addresses": one("730"),
                "Data to the internet": None,
            },
        ),
        (
            Resource("VpcLattice::Service"),
            {"VPC Lattice service": one("730"), "VPC Lattice data": None, "VPC Lattice requests": None},
        ),
        (Resource("EC2::FlowLog"), {"Flow log data": None}),
        (Resource("Route53::HostedZone"), {"Hosted zone": one("1"), "DNS queries": None}),
        (Resource("CloudWatch::Alarm", {"MetricName": "a", "Period": 60}), {"Alarm (standard resolution)": one("1")}),
        (Resource("CloudWatch::Alarm", {"MetricName": "a", "Period": 30}), {"Alarm (high resolution)": one("1")}),
        (
            Resource("CloudWatch::Alarm", {"Metrics": [QUERY, QUERY, {"Expression": "a+b"}]}),
            {"Alarm (standard resolution)": one("2")},
        ),
        (
            Resource("CloudWatch::Alarm", {"Metrics": [QUERY, {"Expression": "BAND"}], "ThresholdMetricId": "b"}),
            {"Alarm (standard resolution)": one("3")},
        ),
        (Resource("CloudWatch::CompositeAlarm"), {"Composite alarm": one("1")}),
        (Resource("CloudWatch::Dashboard"), {"Dashboard": one("1")}),
        (
            Resource("ApplicationAutoScaling::ScalingPolicy", {"TargetTrackingScalingPolicyConfiguration": {"a": 1}}),
            {"Alarms of target tracking": one("2")},
        ),
        (
            Resource(
                "ApplicationAutoScaling::ScalingPolicy",
                {
                    "TargetTrackingScalingPolicyConfiguration": {
                        "DisableScaleIn": True,
                        "CustomizedMetricSpecification": {"Metrics": [QUERY, QUERY, {"Expression": "a/b"}]},
                    }
                },
            ),
            {"Alarms of target tracking": one("2")},
        ),
        (Resource("ApplicationAutoScaling::ScalingPolicy", {"PolicyType": "StepScaling"}), {}),
        (Resource("Logs::LogGroup"), {"Log data": None, "Log storage": None}),
        (Resource("CloudTrail::Trail", {"EventSelectors": [{"ReadWriteType": "All"}]}), {}),
        (Resource("CloudTrail::Trail", {"EventSelectors": [{"DataResources": []}]}), {"Data events": None}),
        (
            Resource("ECS::Cluster", {"ClusterSettings": [{"Name": "containerInsights", "Value": "enhanced"}]}),
            {"Container Insights of other tasks": None},
        ),
        (
            Resource("ECS::Cluster", {"ClusterSettings": [{"Name": "containerInsights", "Value": "enabled"}]}),
            {"Container Insights of other tasks": None},
        ),
        (Resource("ECS::Cluster", {"ClusterSettings": [{"Name": "containerInsights", "Value": "disabled"}]}), {}),
        (Resource("KMS::Key"), {"KMS key": one("1"), "KMS requests": None}),
        (
            Resource("SecretsManager::Secret", {"ReplicaRegions": [{"Region": "eu-west-1"}]}),
            {"Secret": one("2"), "Secret requests": None},
        ),
        (Resource("SSM::Parameter", {"Tier": "Advanced"}), {"Advanced parameter": one("1")}),
        (Resource("SSM::Parameter", {"Tier": "Standard"}), {}),
        (
            Resource("WAFv2::WebACL", {"Rules": [{"Name": "a"}, {"Name": "b"}]}),
            {"Web ACL": one("1"), "Web ACL rules": one("2"), "Web ACL requests": None},
        ),
        (Resource("ECR::Repository"), {"Image storage": None}),
        (Resource("ECR::RegistryScanningConfiguration", {"ScanType": "BASIC"}), {}),
        (
            Resource("ECR::RegistryScanningConfiguration", {"ScanType": "ENHANCED"}),
            {"Amazon Inspector image scans": None},
        ),
        (
            Resource("DynamoDB::Table", {"BillingMode": "PAY_PER_REQUEST"}),
            {"Table storage": None, "Read request units": None, "Write request units": None},
        ),
        (
            Resource(
                "DynamoDB::Table", {"ProvisionedThroughput": {"ReadCapacityUnits": 30, "WriteCapacityUnits": 20}}
            ),
            {"Table storage": None, "Read capacity units": one("21900"), "Write capacity units": one("14600")},
        ),
        (
            Resource("ElastiCache::ReplicationGroup", {"CacheNodeType": "cache.m4.large", "NumCacheClusters": 2}),
            {"Cache nodes cache.m4.large (redis)": one("1460")},
        ),
        (
            Resource(
                "ElastiCache::ReplicationGroup",
                {"CacheNodeType": "cache.m4.large", "NumNodeGroups": 4, "ReplicasPerNodeGroup": 3},
            ),
            {"Cache nodes cache.m4.large (redis)": one("11680")},
        ),
        (
            Resource("ElastiCache::ServerlessCache", {"Engine": "valkey"}),
            {"Serverless cache (valkey)": one("73"), "Cache requests": None},
        ),
        (Resource("S3::Bucket"), {"Bucket storage": None}),
        (Resource("EFS::FileSystem"), {"EFS storage": None}),
        (
            Resource("RDS::DBInstance", {"Engine": "mysql", "DBInstanceClass": "db.t3.large", "MultiAZ": True}
            | {"AllocatedStorage": "30"}),
            {
                "Database instance db.t3.large (mysql)": one("1460"),
                "Database storage (gp2)": one("60"),
                "Database backups": None,
            },
        ),
        (Resource("Lambda::Function"), {"Function requests": None, "Function duration": None}),
        (Resource("EC2::Volume", {"Size": 40, "VolumeType": "gp3"}), {GP3: one("40")}),
        (Resource("EC2::Volume", {"Size": 40, "VolumeType": "io1", "Iops": 300}),
         {"EBS volume (io1)": one("40"), "EBS IOPS (io1)": one("300")}),
    ],
    ids=lambda each: each.type if isinstance(each, Resource) else "",
)  # fmt: skip
def test_a_resource_has_these_components(resource: Resource, expected: Any) -> None:
    assert quantities(rows({"Thing": resource})) == expected


def test_serverless_instances_cost_the_capacity_of_their_cluster() -> None:
    instance = {"DBClusterIdentifier": {"Ref": "Cluster"}, "DBInstanceClass": "db.serverless", "Engine": "aurora-mysql"}
    resources = {"Cluster": Resource("RDS::DBCluster", CLUSTER), "Writer": Resource("RDS::DBInstance", instance)}
    assert quantities(rows(resources))["Aurora capacity units"] == ("365", "2920")
    assert quantities(rows(resources, average_acus=2))["Aurora capacity units"] == one("1460")


@pytest.mark.parametrize(("days", "billed"), [(1, False), (2, True)])
def test_only_backups_of_more_than_a_day_are_billed(days: int, billed: bool) -> None:  # noqa: FBT001  # a parameter of pytest
    found = quantities(rows({"Cluster": Resource("RDS::DBCluster", {**CLUSTER, "BackupRetentionPeriod": days})}))
    assert ("Aurora backups" in found) is billed


def test_a_load_balancer_with_own_addresses_has_no_others() -> None:
    mappings = [{"SubnetId": "a", "AllocationId": "eip-1"}, {"SubnetId": "b", "AllocationId": "eip-2"}]
    balancer = Resource("ElasticLoadBalancingV2::LoadBalancer", {"Type": "network", "SubnetMappings": mappings})
    assert "Public IPv4 addresses" not in quantities(rows({"Edge": balancer}))


def test_provisioned_instances_of_aurora_have_the_price_of_their_class() -> None:
    instance = {"DBClusterIdentifier": {"Ref": "Cluster"}, "DBInstanceClass": "db.r4.large", "Engine": "aurora-mysql"}
    resources = {"Cluster": Resource("RDS::DBCluster", CLUSTER), "Writer": Resource("RDS::DBInstance", instance)}
    assert quantities(rows(resources))["Aurora instance db.r4.large"] == one("730")


def test_an_instance_of_a_foreign_cluster_is_unknown() -> None:
    (row,) = rows({"Writer": Resource("RDS::DBInstance", {"DBClusterIdentifier": "orders"})})
    assert row.kind is Kind.UNKNOWN


@pytest.mark.parametrize(
    ("resource", "use", "component", "quantity"),
    [
        (Resource("EC2::NatGateway"), {"nat_gb": 100}, "NAT gateway data", "100"),
        (Resource("ElasticLoadBalancingV2::LoadBalancer"), {"lcus": 2}, "Load balancer capacity units", "1460"),
        (Resource("Logs::LogGroup"), {"log_gb": 5}, "Log data", "5"),
        (Resource("S3::Bucket"), {"storage_gb": 1000}, "Bucket storage", "1000"),
        (Resource("ElastiCache::ServerlessCache", {"Engine": "valkey"}), {"cache_gb": 2}, "Serverless cache (valkey)",
         "1460"),
        (Resource("Lambda::Function", {"MemorySize": 512}), {"lambda_requests": 100000, "lambda_seconds": 0.35},
         "Function duration", "17500"),
    ],
)  # fmt: skip
def test_a_usage_file_states_the_quantity(resource: Resource, use: Any, component: str, quantity: str) -> None:
    assert quantities(rows({"Thing": resource}, **use))[component] == one(quantity)


def test_replicated_images_are_stored_in_each_destination() -> None:
    rules = [{"Destinations": [{"Region": "a", "RegistryId": "1"}, {"Region": "b", "RegistryId": "1"}]}]
    resource = Resource("ECR::ReplicationConfiguration", {"ReplicationConfiguration": {"Rules": rules}})
    assert quantities(rows({"Thing": resource}, image_gb=10)) == {"Image storage in 2 destinations": one("20")}


def test_the_log_group_of_a_flow_log_is_billed_with_the_flow_log() -> None:
    resources = {
        "Logs": Resource("Logs::LogGroup"),
        "Flow": Resource("EC2::FlowLog", {"LogGroupName": {"Ref": "Logs"}}),
    }
    assert set(quantities(rows(resources))) == {"Log storage", "Flow log data"}


def test_table_scaling_gives_a_range() -> None:
    throughput = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    target = {
        "ResourceId": {"Fn::Sub": "table/${Table}"},
        "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
        "MinCapacity": 5,
        "MaxCapacity": 50,
    }
    resources = {
        "Table": Resource("DynamoDB::Table", {"ProvisionedThroughput": throughput}),
        "Target": Resource("ApplicationAutoScaling::ScalableTarget", target),
    }
    assert quantities(rows(resources))["Read capacity units"] == ("3650", "36500")
    assert quantities(rows(resources))["Write capacity units"] == one("3650")


def test_an_unknown_type_is_listed_and_in_no_sum() -> None:
    found = estimated(stack_of({"Thing": Resource("Fantasy::Thing"), "Other": Resource("Fantasy::Thing")}))
    assert found.unknown_types == {"AWS::Fantasy::Thing": 2}
    assert {row.kind for row in found.rows} == {Kind.UNKNOWN}
    assert not found.total.fixed.most


def test_a_free_type_gives_its_reason() -> None:
    (row,) = estimated(stack_of({"Role": Resource("IAM::Role")})).rows
    assert (row.kind, row.assumptions) == (Kind.FREE, ("AWS does not bill IAM",))


def test_no_type_is_both_free_and_billed() -> None:
    assert [type_ for type_ in RULES if free_reason(type_)] == []


STRANGE = re.findall(
    r"\w+",
    """
Metrics MetricStat Type Size Engine Rules Target Targets Cluster TaskDefinition DesiredCount Configuration
LaunchTemplate LaunchConfigurationName MixedInstancesPolicy MinSize MaxSize Subnets SubnetMappings Scheme
ClusterSettings DefinitionString DBClusterIdentifier GlobalSecondaryIndexes ReplicationConfiguration
CapacityProviderStrategy VolumeConfigurations BlockDeviceMappings Architectures EventSelectors
TargetTrackingScalingPolicyConfiguration NetworkConfiguration MinimumLoadBalancerCapacity State Period
""",
)


@pytest.mark.parametrize("value", [{"Ref": "Elsewhere"}, ["a"], "x", -1, None, {"a": {"b": ["c"]}}, [{"Ebs": "x"}]])
@pytest.mark.parametrize("type_", RULES)
def test_a_strange_template_is_no_traceback(type_: str, value: Any) -> None:
    for name in STRANGE:
        estimated(stack_of({"Thing": Resource(type_.removeprefix("AWS::"), {name: value})}))
    estimated(stack_of({"Thing": Resource(type_.removeprefix("AWS::"), dict.fromkeys(STRANGE, value))}))

"""Templates that are legal but unusual: a cost is never guessed, and no billed component is left out silently."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import attrs
import pytest

from moorage.assembly.cloud_assembly import Stack
from moorage.cost.estimate import Row
from moorage.cost.parts import Kind
from tests.cost.cost_rows import Resource, estimated, one, quantities, rows, stack_of

CLUSTER = Resource("ECS::Cluster")
SIZE = {"Cpu": "512", "Memory": "1024"}
TASK = Resource("ECS::TaskDefinition", SIZE)
UNDECIDED: dict[str, Any] = {
    "Parameters": {"Stage": {"Type": "String"}},
    "Conditions": {"Prod": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}},
}
NO_VALUE = {"Ref": "AWS::NoValue"}


def either(then: Any, otherwise: Any = NO_VALUE) -> dict[str, Any]:
    return {"Fn::If": ["Prod", then, otherwise]}


def service(**properties: Any) -> Resource:
    stated = {"Cluster": {"Ref": "Cluster"}, "TaskDefinition": {"Ref": "Task"}, "LaunchType": "FARGATE"}
    return Resource("ECS::Service", {**stated, **properties})


def undecided(resources: Mapping[str, Resource]) -> list[Row]:
    found = estimated(stack_of(resources, **UNDECIDED))
    return [row for row in found.rows if row.kind is not Kind.FREE]


SPOT = {"CapacityProvider": "FARGATE_SPOT", "Weight": 1}
STRATEGY = service(LaunchType=NO_VALUE, CapacityProviderStrategy=[either({"CapacityProvider": "FARGATE"}), SPOT])
SUBNETS = {"VpcEndpointType": "Interface", "SubnetIds": [either("subnet-1"), "subnet-2"]}
METRICS = [either({"MetricStat": {"Period": 10}}, {"MetricStat": {"Period": 60}})]


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (service(TaskDefinition=either({"Ref": "Task"}, {"Ref": "Larger"})), "the condition Prod chooses between"),
        (STRATEGY, "CapacityProviderStrategy has an item that the condition Prod decides at deployment"),
        (service(DesiredCount=either(2, 5)), "DesiredCount is known only at deployment"),
        (service(DesiredCount="-3"), "DesiredCount is not a number from 0 to 1,000,000,000 (got '-3')"),
        (service(DesiredCount="1e30"), "DesiredCount is not a number from 0 to 1,000,000,000 (got '1e30')"),
        (Resource("EC2::VPCEndpoint", SUBNETS), "SubnetIds has an item that the condition Prod decides at deployment"),
        (Resource("EC2::VPCEndpoint", {"VpcEndpointType": "Interface"}), "the template has no SubnetIds"),
        (Resource("CloudWatch::Alarm", {"Metrics": METRICS}), "the condition Prod decides a part of a list"),
    ],
)
def test_a_value_that_no_template_decides_is_unknown(resource: Resource, reason: str) -> None:
    larger = Resource("ECS::TaskDefinition", {"Cpu": "4096", "Memory": "8192"})
    (row,) = undecided({"Cluster": CLUSTER, "Task": TASK, "Larger": larger, "Odd": resource})
    assert row.kind is Kind.UNKNOWN
    assert row.assumptions[0].startswith(reason)


def test_a_condition_with_the_same_resource_on_both_sides_decides_nothing() -> None:
    same = either({"Ref": "Task"}, {"Fn::GetAtt": ["Task", "TaskDefinitionArn"]})
    found = undecided({"Cluster": CLUSTER, "Task": TASK, "Odd": service(TaskDefinition=same)})
    assert quantities(found)["Fargate vCPU"] == one("365")


def test_container_insights_under_a_condition_is_unknown() -> None:
    settings = [{"Name": "containerInsights", "Value": either("enhanced", "disabled")}]
    cluster = Resource("ECS::Cluster", {"ClusterSettings": settings})
    found = undecided({"Cluster": cluster, "Task": TASK, "Odd": service()})
    assert [row.path for row in found if row.kind is Kind.UNKNOWN] == ["Shop/Cluster", "Shop/Odd"]
    assert quantities(found)["Fargate vCPU"] == one("365")


def test_a_size_can_begin_with_a_point() -> None:
    task = Resource("ECS::TaskDefinition", {"Cpu": ".25 vCPU", "Memory": "0.5 GB"})
    found = quantities(rows({"Cluster": CLUSTER, "Task": task, "Odd": service()}))
    assert found == {"Fargate vCPU": one("182.5"), "Fargate memory": one("365")}


def test_many_copies_are_shared_at_once() -> None:
    strategy = [{"CapacityProvider": "FARGATE", "Base": 2, "Weight": 1}, {**SPOT, "Weight": 3}]
    found = service(LaunchType=NO_VALUE, CapacityProviderStrategy=strategy, DesiredCount=100_000_002)
    quantity = quantities(rows({"Cluster": CLUSTER, "Task": TASK, "Odd": found}))
    assert quantity["Fargate vCPU"] == one("9125000730")
    assert quantity["Fargate Spot vCPU"] == one("27375000000")


@pytest.mark.parametrize("resource_id", ["service/shop/web", {"Fn::Sub": "service/${Cluster}/web"}])
def test_a_scalable_target_can_name_its_service(resource_id: Any) -> None:
    bounds = {"MinCapacity": 4, "MaxCapacity": 9, "ScalableDimension": "ecs:service:DesiredCount"}
    resources = {
        "Cluster": CLUSTER,
        "Task": TASK,
        "Odd": service(ServiceName="web"),
        "Other": service(ServiceName="other-web"),
        "Target": Resource("ApplicationAutoScaling::ScalableTarget", {**bounds, "ResourceId": resource_id}),
    }
    found = {row.path: row.quantity for row in rows(resources) if row.component == "Fargate vCPU"}
    assert {path: attrs.astuple(each) for path, each in found.items() if each} == {
        "Shop/Odd": (Decimal(1460), Decimal(3285)),
        "Shop/Other": (Decimal(365), Decimal(365)),
    }


def job(**parameters: Any) -> Resource:
    stated = {"TaskDefinitionArn": {"Ref": "Task"}, **parameters}
    target = {"Arn": {"Fn::GetAtt": ["Cluster", "Arn"]}, "EcsParameters": stated}
    return Resource("Events::Rule", {"ScheduleExpression": "rate(1 hour)", "Targets": [target]})


def test_the_tasks_of_a_run_are_shared_by_the_strategy() -> None:
    strategy = [{"CapacityProvider": "FARGATE", "Base": 1, "Weight": 1}, {**SPOT, "Weight": 4}]
    resources = {"Cluster": CLUSTER, "Task": TASK, "Job": job(TaskCount=11, CapacityProviderStrategy=strategy)}
    found = quantities(rows(resources, run_minutes=60))
    assert found["Fargate vCPU"] == one("2190")
    assert found["Fargate Spot vCPU"] == one("5840")


@pytest.mark.parametrize("assigned", ["ENABLED", "DISABLED"])
def test_a_run_has_a_public_address_only_if_it_is_assigned(assigned: str) -> None:
    network = {"AwsVpcConfiguration": {"AssignPublicIp": assigned}}
    task = job(TaskCount=2, LaunchType="FARGATE", NetworkConfiguration=network)
    found = quantities(rows({"Cluster": CLUSTER, "Task": TASK, "Job": task}, run_minutes=60))
    assert found.get("Public IPv4 address") == (one("1460") if assigned == "ENABLED" else None)


def test_an_express_workflow_is_billed_by_its_runs_and_duration() -> None:
    machine = Resource("StepFunctions::StateMachine", {"StateMachineType": "EXPRESS", "DefinitionString": "{}"})
    found = quantities(rows({"Machine": machine}, runs=1000, express_gb_hours=5, state_transitions=7))
    assert found == {"Express workflow requests": one("1000"), "Express workflow duration": one("5")}


@pytest.mark.parametrize(
    ("resource", "use", "expected"),
    [
        (
            Resource("ElasticLoadBalancing::LoadBalancer", {"Subnets": ["a", "b"]}),
            {},
            {"Public IPv4 addresses": one("1460")},
        ),
        (
            Resource("RDS::DBInstance", {"Engine": "mysql", "Iops": 3000, "DBInstanceClass": "x", "MultiAZ": True}),
            {},
            {},
        ),
        (Resource("EFS::FileSystem", {"ThroughputMode": "elastic"}), {"file_read_gb": 3}, {"EFS data read": one("3")}),
        (
            Resource("Lambda::Function", {"EphemeralStorage": {"Size": 1536}}),
            {"lambda_requests": 10, "lambda_seconds": 2},
            {"Function storage": one("20")},
        ),
        (Resource("Lambda::Function", {"EphemeralStorage": {"Size": 1536}}), {}, {"Function storage": None}),
        (
            Resource("CloudTrail::Trail", {"InsightSelectors": [{"InsightType": "ApiCallRateInsight"}]}),
            {},
            {"Insights events": None},
        ),
        (Resource("Logs::MetricFilter"), {"filter_metrics": 2}, {"Metrics of the filter": one("2")}),
        (Resource("KMS::Key", {"KeySpec": "ECC_NIST_P256"}), {}, {"KMS requests (asymmetric)": None}),
        (Resource("KMS::Key", {"KeySpec": "RSA_2048"}), {}, {"KMS requests": None}),
        (Resource("ElasticLoadBalancingV2::TrustStore"), {}, {"Trust store": one("730")}),
        (Resource("CloudFormation::Stack"), {}, {"Resources of the nested stack": None}),
    ],
)
def test_what_aws_bills_has_a_row(resource: Resource, use: Any, expected: Any) -> None:
    found = quantities(rows({"Odd": resource}, **use))
    assert expected.items() <= found.items()


def test_only_the_first_trail_of_a_region_has_free_management_events() -> None:
    selectors = [{"FieldSelectors": [{"Field": "eventCategory", "Equals": [kind]}]} for kind in ("Management", "Data")]
    trails = {
        "One": Resource("CloudTrail::Trail"),
        "Two": Resource("CloudTrail::Trail", {"AdvancedEventSelectors": selectors[:1]}),
        "Three": Resource("CloudTrail::Trail", {"AdvancedEventSelectors": selectors}),
    }
    found = estimated(stack_of(trails), stack_of({"Four": trails["One"]}, name="Eu", region="eu-west-1"))
    billed = [(row.path, row.component) for row in found.rows if row.kind is not Kind.FREE]
    assert billed == [
        ("Shop/Two", "Management events"),
        ("Shop/Three", "Management events"),
        ("Shop/Three", "Data events"),
    ]


def test_a_load_balancer_without_public_ipv4_has_no_addresses() -> None:
    stated = {"Subnets": ["a", "b"], "IpAddressType": "dualstack-without-public-ipv4"}
    found = quantities(rows({"Lb": Resource("ElasticLoadBalancingV2::LoadBalancer", stated)}))
    assert "Public IPv4 addresses" not in found
    assert found["Application Load Balancer"] == one("730")


@pytest.mark.parametrize("storage", [{}, {"StorageType": "io1"}])
def test_a_database_bills_provisioned_iops_in_each_zone(storage: Any) -> None:
    stated = {"Engine": "mysql", "DBInstanceClass": "db.m5.large", "AllocatedStorage": "100", "Iops": 3000}
    found = quantities(rows({"Db": Resource("RDS::DBInstance", {**stated, **storage, "MultiAZ": True})}))
    assert found["Database IOPS (io1)"] == one("6000")
    assert found["Database storage (io1)"] == one("200")


def test_the_indexes_of_a_table_keep_their_capacity_beside_a_scaling() -> None:
    capacity = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    indexes = [{"IndexName": name, "ProvisionedThroughput": capacity} for name in ("one", "two")]
    table = Resource("DynamoDB::Table", {"ProvisionedThroughput": capacity, "GlobalSecondaryIndexes": indexes})

    def target(kind: str, end: str, most: int) -> Resource:
        stated = {"ScalableDimension": f"dynamodb:{kind}:ReadCapacityUnits", "MinCapacity": 1, "MaxCapacity": most}
        return Resource(
            "ApplicationAutoScaling::ScalableTarget",
            {**stated, "ResourceId": {"Fn::Join": ["", ["table/", {"Ref": "Table"}, end]]}},
        )

    resources = {"Table": table, "OfTable": target("table", "", 50), "OfIndex": target("index", "/index/two", 20)}
    found = quantities(rows(resources))
    assert found["Read capacity units"] == ("5110", "54750")  # 1 + 5 + 1 to 50 + 5 + 20
    assert found["Write capacity units"] == one("10950")


def test_a_table_of_another_class_is_unknown() -> None:
    found = rows({"Table": Resource("DynamoDB::Table", {"TableClass": "STANDARD_INFREQUENT_ACCESS"})})
    assert [row.kind for row in found] == [Kind.UNKNOWN]


@pytest.mark.parametrize(
    ("regions", "mode", "components"),
    [
        (1, "PAY_PER_REQUEST", {"Table storage", "Read request units", "Write request units", "Continuous backups"}),
        (1, "PROVISIONED", {"Table storage", "Capacity units", "Continuous backups"}),
        (2, "PAY_PER_REQUEST", {"Table in 2 regions"}),
    ],
)
def test_a_global_table_in_one_region_counts_like_a_table(regions: int, mode: str, components: set[str]) -> None:
    recovery = {"PointInTimeRecoveryEnabled": True}
    replicas = [{"Region": f"eu-west-{n}", "PointInTimeRecoverySpecification": recovery} for n in range(regions)]
    table = Resource("DynamoDB::GlobalTable", {"BillingMode": mode, "Replicas": replicas})
    assert set(quantities(rows({"Table": table}))) == components


@pytest.mark.parametrize(
    "given",
    ["a, b,c", {"Fn::Join": [",", ["a", {"Ref": "Subnet"}, {"Fn::ImportValue": "x"}]]}],
)
def test_a_list_parameter_of_a_nested_stack_has_items(given: Any) -> None:
    endpoint = {"VpcEndpointType": "Interface", "SubnetIds": {"Ref": "Subnets"}}
    parameters = {"Subnets": {"Type": "List<AWS::EC2::Subnet::Id>"}}
    inner = stack_of({"Endpoint": Resource("EC2::VPCEndpoint", endpoint)}, name="Shop/Inner", Parameters=parameters)
    outer = {
        "Subnet": Resource("EC2::Subnet"),
        "Inner": Resource("CloudFormation::Stack", {"Parameters": {"Subnets": given}}),
    }
    found = estimated(attrs.evolve(stack_of(outer), nested={"Inner": inner}))
    billed = [row for row in found.rows if row.kind is not Kind.FREE]
    assert quantities(billed)["Interface endpoint"] == one("2190")


def test_each_node_group_of_a_cache_states_its_replicas() -> None:
    groups = [{"ReplicaCount": 2}, {"ReplicaCount": 1}]
    stated = {"CacheNodeType": "cache.m4.large", "Engine": "Redis", "NodeGroupConfiguration": groups}
    (row,) = rows({"Cache": Resource("ElastiCache::ReplicationGroup", stated)})
    assert row.quantity is not None
    assert (row.quantity.least, row.price) == (Decimal(5 * 730), Decimal("0.156"))


def instance(**properties: Any) -> Resource:
    disk = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8}}
    return Resource("EC2::Instance", {"InstanceType": "t3.medium", "BlockDeviceMappings": [disk], **properties})


@pytest.mark.parametrize(
    ("interfaces", "is_public"),
    [
        ({"SubnetId": {"Ref": "Public"}}, True),
        ({"SubnetId": {"Ref": "Private"}}, False),
        ({"NetworkInterfaces": [{"SubnetId": {"Ref": "Public"}, "AssociatePublicIpAddress": False}]}, False),
        ({"NetworkInterfaces": [{"SubnetId": {"Ref": "Private"}, "AssociatePublicIpAddress": True}]}, True),
    ],
)
def test_the_subnet_gives_an_instance_its_address(interfaces: Any, *, is_public: bool) -> None:
    resources = {
        "Public": Resource("EC2::Subnet", {"MapPublicIpOnLaunch": True}),
        "Private": Resource("EC2::Subnet"),
        "Host": instance(**interfaces),
    }
    found = quantities(rows(resources))
    assert ("Public IPv4 address" in found) == is_public
    template = {"InstanceType": "t3.medium", "NetworkInterfaces": interfaces.get("NetworkInterfaces", NO_VALUE)}
    launch = {"LaunchTemplateId": {"Ref": "Template"}}
    subnets = [interfaces["SubnetId"]] if "SubnetId" in interfaces else ["subnet-1"]
    group = {"MinSize": "1", "MaxSize": "1", "LaunchTemplate": launch, "VPCZoneIdentifier": subnets}
    resources["Template"] = Resource("EC2::LaunchTemplate", {"LaunchTemplateData": template})
    resources["Host"] = Resource("AutoScaling::AutoScalingGroup", group)
    assert ("Public IPv4 address" in quantities(rows(resources))) == is_public


def test_the_root_volume_of_an_image_is_not_a_data_volume() -> None:
    disk = {"DeviceName": "/dev/xvdb", "Ebs": {"VolumeSize": 20, "VolumeType": "io2", "Iops": 40_000}}
    found = quantities(rows({"Host": instance(BlockDeviceMappings=[disk])}))
    assert found["EBS root volume"] is None
    assert found["EBS IOPS (io2)"] is None  # those above 32,000, whose price is another
    assert "EBS root volume" not in quantities(rows({"Host": instance()}))


@pytest.mark.parametrize("tenancy", ["dedicated", "host"])
def test_the_price_of_a_dedicated_instance_is_not_that_of_a_shared_one(tenancy: str) -> None:
    (row,) = rows({"Host": instance(Tenancy=tenancy)})
    assert row.kind is Kind.UNKNOWN
    assert row.assumptions == (f"the price book has no prices of instances with the tenancy {tenancy}",)


@pytest.mark.parametrize(
    ("vendor", "name", "has_fee"),
    [
        ("AWS", "AWSManagedRulesBotControlRuleSet", True),
        ("AWS", "AWSManagedRulesCommonRuleSet", False),
        ("Fortinet", "all_rules", True),
    ],
)
def test_some_managed_rule_groups_have_a_fee(vendor: str, name: str, *, has_fee: bool) -> None:
    rule = {"Statement": {"ManagedRuleGroupStatement": {"VendorName": vendor, "Name": name}}}
    found = rows({"Acl": Resource("WAFv2::WebACL", {"Rules": [rule]})})
    assert any(row.kind is Kind.UNKNOWN for row in found) == has_fee


@pytest.mark.parametrize(
    "expression",
    ["cron(0-99999999999 0 * * ? *)", "cron(0 24 * * ? *)", "cron(0 3 1 1 ? 2030)"],
)
def test_an_expression_out_of_bounds_or_with_a_year_starts_no_regular_runs(expression: str) -> None:
    task = job(LaunchType="FARGATE")
    stated = Resource("Events::Rule", {**task.properties, "ScheduleExpression": expression})
    found = rows({"Cluster": CLUSTER, "Task": TASK, "Job": stated}, run_minutes=60)
    assert {row.quantity for row in found} == {None}
    assert f"{expression} starts no regular runs; runs in a usage file states them" in found[0].assumptions


def test_what_cloudformation_makes_at_deployment_is_noted() -> None:
    loop = {"Fn::ForEach::Queues": ["Name", ["A"], {"${Name}": {"Type": "AWS::SQS::Queue"}}]}
    template = {"Resources": loop, "Transform": ["AWS::LanguageExtensions", "Audit"]}
    stack = Stack(name="Shop", path="Shop", account=None, region="us-east-1", template=template, needs=())
    assert estimated(stack).notes == (
        "Shop has Fn::ForEach::Queues, whose resources CloudFormation makes at deployment: they are in no sum",
        "the transform Audit changes the template of Shop at deployment: its changes are in no sum",
    )


def test_spot_and_arm_say_that_they_have_the_prices_of_another_region() -> None:
    spot = service(LaunchType=NO_VALUE, CapacityProviderStrategy=[SPOT])
    found = estimated(stack_of({"Cluster": CLUSTER, "Task": TASK, "Odd": spot}, region="me-south-1"))
    (note,) = found.notes
    assert note.startswith("the price book has no price in me-south-1 for fargate_spot.gb_hour")
    assert {row.price_region for row in found.rows if row.price is not None} == {"us-east-1"}


def test_the_notes_of_chosen_stacks_leave_out_the_regions_of_others() -> None:
    stacks = [stack_of({"Q": Resource("KMS::Key")}, name=name, region=name) for name in ("us-east-1", "me-south-1")]
    found = estimated(*stacks)
    assert len(found.notes) == 1
    assert found.of(["us-east-1"]).notes == ()
    assert found.of(["me-*"]).notes == found.notes

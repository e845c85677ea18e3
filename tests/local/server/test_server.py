"""The server of the local AWS, through the APIs that its users call."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.local_aws import (
    ACCOUNT,
    NETWORK,
    REGION,
    SECRET,
    Client,
    Deploy,
    attribute,
    free_port,
    ref,
    resource,
    role,
    started,
)


def _service(image: str, **properties: Any) -> dict[str, Any]:
    return NETWORK | {
        "Cluster": resource("AWS::ECS::Cluster"),
        "Execution": role("ecs-tasks.amazonaws.com"),
        "Capacity": resource(
            "AWS::ECS::ClusterCapacityProviderAssociations",
            Cluster=ref("Cluster"),
            CapacityProviders=["FARGATE"],
            DefaultCapacityProviderStrategy=[{"CapacityProvider": "FARGATE", "Weight": 1}],
        ),
        "Task": resource(
            "AWS::ECS::TaskDefinition",
            Cpu="256",
            Memory="512",
            NetworkMode="awsvpc",
            RequiresCompatibilities=["FARGATE"],
            ExecutionRoleArn=attribute("Execution", "Arn"),
            TaskRoleArn=attribute("Execution", "Arn"),
            ContainerDefinitions=[
                {"Name": "web", "Image": image, "Memory": "512", "DockerLabels": {"Keep": "Case"}, "Secrets": []}
            ],
        ),
        "Service": resource(
            "AWS::ECS::Service",
            Cluster=ref("Capacity"),
            TaskDefinition=ref("Task"),
            CapacityProviderStrategy=[{"CapacityProvider": "FARGATE", "Weight": 1}],
            DeploymentConfiguration={"DeploymentCircuitBreaker": {"Enable": True, "Rollback": True}},
            NetworkConfiguration={"AwsvpcConfiguration": {"Subnets": [ref("Subnet")]}},
            **properties,
        ),
    }


def test_the_server_listens_only_on_the_loopback_address(server: tuple[int, int]) -> None:
    listening = "0A"
    inodes = {str(link.readlink()) for link in Path(f"/proc/{server[0]}/fd").iterdir()}
    opened = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text("ascii").splitlines()[1:]:
            fields = line.split()
            if f"socket:[{fields[9]}]" in inodes and (table.startswith("udp") or fields[3] == listening):
                opened.append((table, fields[1]))
    assert opened == [("tcp", f"0100007F:{server[1]:04X}")]


def test_the_server_stops_promptly_and_reports_a_port_in_use(server: tuple[int, int]) -> None:
    command = [sys.executable, "-m", "moorage.local.server", "--port", str(server[1])]
    environment = os.environ | {"AWS_SECRET_ACCESS_KEY": SECRET}
    second = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=20)
    assert second.returncode != 0
    assert f"cannot listen on 127.0.0.1:{server[1]}" in second.stderr
    assert "Traceback" not in second.stderr
    process = started(free_port(), {})
    told = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0
    assert time.monotonic() - told < 2


def test_a_network_is_shown_by_ec2_and_deleted_with_its_stack(
    client: Client, deploy: Deploy, remove: Callable[[str], None]
) -> None:
    stack = deploy(
        NETWORK
        | {
            "Address": resource("AWS::EC2::EIP", Domain="vpc"),
            "Gateway": resource("AWS::EC2::InternetGateway"),
            "Attached": resource("AWS::EC2::VPCGatewayAttachment", VpcId=ref("Vpc"), InternetGatewayId=ref("Gateway")),
            "Nat": resource(
                "AWS::EC2::NatGateway",
                SubnetId=ref("Subnet"),
                AllocationId=attribute("Address", "AllocationId"),
                Tags=[{"Key": "Name", "Value": "egress"}],
            )
            | {"DependsOn": ["Attached"]},
            "Logs": resource("AWS::Logs::LogGroup", RetentionInDays=7),
            "FlowLog": resource(
                "AWS::EC2::FlowLog",
                ResourceId=ref("Vpc"),
                ResourceType="VPC",
                TrafficType="REJECT",
                LogGroupName=ref("Logs"),
                DeliverLogsPermissionArn="arn:aws:iam::111111111111:role/flow",
                MaxAggregationInterval=60,
            ),
        },
        cidr=attribute("Vpc", "CidrBlock"),
        group=attribute("Vpc", "DefaultSecurityGroup"),
        nat=ref("Nat"),
        flow=ref("FlowLog"),
        vpc=ref("Vpc"),
        address=ref("Address"),
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    values = stack["Values"]
    ec2 = client("ec2")
    assert values["cidr"] == "10.0.0.0/16"
    nat = ec2.describe_nat_gateways(NatGatewayIds=[values["nat"]])["NatGateways"][0]
    assert nat["NatGatewayAddresses"][0]["PublicIp"] == values["address"]
    assert {"Key": "Name", "Value": "egress"} in nat["Tags"]
    flow = ec2.describe_flow_logs(FlowLogIds=[values["flow"]])["FlowLogs"][0]
    assert (flow["TrafficType"], flow["MaxAggregationInterval"]) == ("REJECT", 60)
    assert flow["DeliverLogsPermissionArn"].endswith("role/flow")
    group = ec2.describe_security_groups(GroupIds=[values["group"]])["SecurityGroups"][0]
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == values["group"]

    remove(stack["StackName"])
    assert not [a for a in ec2.describe_addresses()["Addresses"] if a["PublicIp"] == values["address"]]
    assert not [n for n in ec2.describe_nat_gateways()["NatGateways"] if n["NatGatewayId"] == values["nat"]]
    assert not [v for v in ec2.describe_vpcs()["Vpcs"] if v["VpcId"] == values["vpc"]]
    assert not ec2.describe_flow_logs(FlowLogIds=[values["flow"]])["FlowLogs"]


def test_security_group_rules_are_added_and_removed_one_by_one(client: Client, deploy: Deploy) -> None:
    groups = NETWORK | {
        name: resource("AWS::EC2::SecurityGroup", GroupDescription=name, VpcId=ref("Vpc")) for name in ("A", "B")
    }
    port = {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": "8080"}
    rules = {
        "In": resource("AWS::EC2::SecurityGroupIngress", GroupId=ref("A"), SourceSecurityGroupId=ref("B"), **port),
        "Out": resource("AWS::EC2::SecurityGroupEgress", GroupId=ref("B"), DestinationSecurityGroupId=ref("A"), **port),
    }
    values = deploy(groups | rules, a=ref("A"), b=ref("B"))["Values"]

    def peers(group: str, direction: str) -> list[str]:
        described = client("ec2").describe_security_groups(GroupIds=[values[group]])["SecurityGroups"][0]
        return [pair["GroupId"] for rule in described[direction] for pair in rule["UserIdGroupPairs"]]

    assert peers("a", "IpPermissions") == [values["b"]]
    assert peers("b", "IpPermissionsEgress") == [values["a"]]
    assert deploy(groups, a=ref("A"), b=ref("B"))["StackStatus"] == "UPDATE_COMPLETE"
    assert peers("a", "IpPermissions") == peers("b", "IpPermissionsEgress") == []


def test_a_service_matches_its_template_and_counts_its_tasks(client: Client, deploy: Deploy) -> None:
    resources = _service(
        "public.ecr.aws/nginx/nginx:1",
        AvailabilityZoneRebalancing="ENABLED",
        EnableECSManagedTags=True,
        EnableExecuteCommand="true",
        HealthCheckGracePeriodSeconds=60,
        PlatformVersion="1.4.0",
        PropagateTags="SERVICE",
        Tags=[{"Key": "team", "Value": "shop"}],
    )
    values = deploy(resources, cluster=ref("Capacity"), service=ref("Service"), name=attribute("Service", "Name"))[
        "Values"
    ]
    ecs = client("ecs")
    service = ecs.describe_services(cluster=values["cluster"], services=[values["service"]])["services"][0]
    assert service["availabilityZoneRebalancing"] == "ENABLED"
    assert service["capacityProviderStrategy"] == [{"capacityProvider": "FARGATE", "weight": 1}]
    assert service["deploymentConfiguration"]["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert service["enableExecuteCommand"] is True
    assert service["healthCheckGracePeriodSeconds"] == 60
    assert service["platformVersion"] == "1.4.0"
    assert (service["desiredCount"], service["runningCount"], service["pendingCount"]) == (1, 1, 0)
    tasks = ecs.list_tasks(cluster=values["cluster"])["taskArns"]
    task = ecs.describe_tasks(cluster=values["cluster"], tasks=tasks, include=["TAGS"])["tasks"][0]
    assert task["lastStatus"] == "RUNNING"
    assert {"key": "team", "value": "shop"} in task["tags"]
    assert {"key": "aws:ecs:serviceName", "value": values["name"]} in task["tags"]
    assert task["availabilityZone"] == f"{REGION}b"
    container = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"][
        "containerDefinitions"
    ][0]
    assert (container["memory"], container["dockerLabels"]) == (512, {"Keep": "Case"})


@pytest.mark.parametrize(
    "description",
    ["Bob's Shop", "a -> b", "Straße", "a" * 256, "line\nbreak"],
    ids=["quote", "arrow", "umlaut", "256 characters", "line break"],
)
@pytest.mark.parametrize("where", ["group", "rule of the group", "ingress", "egress"])
def test_an_invalid_description_is_refused_as_by_ec2(deploy: Deploy, where: str, description: str) -> None:
    stack = deploy(NETWORK | _described(where, description))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "InvalidParameterValue" in stack["Reason"]
    kind = "security group" if where == "group" else "rule"
    beyond = where == "group" and not description.isascii()
    said = "Character sets beyond ASCII are not supported." if beyond else f"Invalid {kind} description."
    assert said in stack["Reason"]


@pytest.mark.parametrize("description", ["a" * 255, "aZ09. _-:/()#,@[]+=&;{}!$*"])
def test_a_description_with_ec2s_characters_is_accepted(client: Client, deploy: Deploy, description: str) -> None:
    wheres = ("group", "rule of the group", "ingress", "egress")
    stack = deploy(NETWORK | _described(wheres[0], description))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    found = client("ec2").describe_security_groups()["SecurityGroups"]
    assert description in [each["Description"] for each in found]
    for where in wheres[1:]:
        changed = deploy(NETWORK | _described(where, description))
        assert changed["StackStatus"] == "UPDATE_COMPLETE", changed["Reason"]


def _described(where: str, description: str) -> dict[str, Any]:
    """Return a security group with rules; one rule has the description."""

    def said(here: str) -> str:
        return description if here == where else "fine"

    port = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}
    rule = port | {"CidrIp": "10.0.0.0/16", "Description": said("rule of the group")}
    return {
        "Group": resource(
            "AWS::EC2::SecurityGroup",
            GroupDescription=said("group"),
            SecurityGroupIngress=[rule],
            VpcId=ref("Vpc"),
        ),
        "In": resource(
            "AWS::EC2::SecurityGroupIngress",
            GroupId=ref("Group"),
            CidrIp="10.1.0.0/16",
            Description=said("ingress"),
            **port,
        ),
        "Out": resource(
            "AWS::EC2::SecurityGroupEgress",
            GroupId=ref("Group"),
            CidrIp="10.1.0.0/16",
            Description=said("egress"),
            **port,
        ),
    }


def test_a_scalable_target_raises_the_count_to_its_minimum(
    client: Client, deploy: Deploy, remove: Callable[[str], None]
) -> None:
    count = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}

    def scaled(least: int) -> dict[str, Any]:
        return _service("public.ecr.aws/nginx/nginx:1") | {
            "Target": resource(
                "AWS::ApplicationAutoScaling::ScalableTarget",
                ResourceId={"Fn::Sub": "service/${Cluster}/${Service.Name}"},
                MinCapacity=least,
                MaxCapacity=9,
                ScheduledActions=[{"ScheduledActionName": "night", "Schedule": "cron(0 0 * * ? *)"}],
                **count,
            ),
            "Policy": resource(
                "AWS::ApplicationAutoScaling::ScalingPolicy",
                PolicyName="cpu",
                PolicyType="TargetTrackingScaling",
                ScalingTargetId=ref("Target"),
                TargetTrackingScalingPolicyConfiguration={
                    "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
                    "TargetValue": 60,
                },
            ),
        }

    def running(values: dict[str, str]) -> int:
        ecs = client("ecs")
        found = ecs.describe_services(cluster=values["cluster"], services=[values["service"]])["services"][0]
        assert found["desiredCount"] == found["runningCount"]
        total: int = found["runningCount"]
        return total

    outputs = {"cluster": ref("Cluster"), "service": ref("Service")}
    stack = deploy(scaled(2), **outputs)
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    assert running(stack["Values"]) == 2
    assert running(deploy(scaled(4), **outputs)["Values"]) == 4
    scaling = client("application-autoscaling")
    target = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"][0]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (4, 9)
    policy = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"][0]
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 60
    actions = scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"]
    assert [action["ScheduledActionName"] for action in actions] == ["night"]
    remove(stack["StackName"])
    assert not scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert not scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]


def test_a_missing_image_fails_the_update_and_the_old_revision_runs_on(client: Client, deploy: Deploy) -> None:
    repository = {"Images": resource("AWS::ECR::Repository", RepositoryName="shop/web", EmptyOnDelete=True)}
    deploy(repository, "-images")
    client("ecr").put_image(repositoryName="shop/web", imageManifest="{}", imageTag="1")
    registry = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop/web"
    outputs = {"cluster": ref("Cluster"), "service": ref("Service"), "task": ref("Task")}
    stack = deploy(_service(f"{registry}:1"), **outputs)
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    failed = deploy(_service(f"{registry}:2"), **outputs)
    assert failed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "ECS Deployment Circuit Breaker was triggered" in failed["Reason"]
    assert f"{registry}:2: not found" in failed["Reason"]
    values = stack["Values"]
    service = client("ecs").describe_services(cluster=values["cluster"], services=[values["service"]])["services"][0]
    assert service["taskDefinition"] == values["task"]
    assert (service["desiredCount"], service["runningCount"]) == (1, 1)
    assert [deployment["rolloutState"] for deployment in service["deployments"]] == ["COMPLETED", "FAILED"]
    assert "not found" in service["events"][0]["message"]
    assert deploy(_service(f"{registry}@sha256:{'0' * 64}"), "-new")["StackStatus"] == "ROLLBACK_COMPLETE"


@pytest.mark.parametrize(
    ("kind", "properties", "fault"),
    [
        ("AWS::EC2::EIP", {"Domian": "vpc"}, "property Domian does not exist; did you mean Domain?"),
        ("AWS::EC2::EIP", {"PublicIpv4Pool": "pool"}, "property PublicIpv4Pool exists in CloudFormation, but"),
        ("AWS::SQS::Queue", {"DelaySeconds": "soon"}, "property DelaySeconds must be of type integer, not 'soon'"),
        ("AWS::EC2::FlowLog", {"ResourceType": "VPC"}, "property ResourceId is required"),
        ("AWS::ECS::Cluster", {"Configuration": {"Shell": 1}}, "property Configuration.Shell does not exist"),
        ("AWS::KMS::Key", {"RotationPeriodInDays": 90, "KeyPolicy": {}, "Arn": "x"}, "property Arn is read-only"),
    ],
)
def test_a_property_that_is_not_implemented_fails_its_resource(
    client: Client, deploy: Deploy, kind: str, properties: dict[str, Any], fault: str
) -> None:
    faulty = resource(kind, **properties) | {"Metadata": {"aws:cdk:path": "Shop/Faulty/Resource"}}
    before = client("ec2").describe_addresses()["Addresses"]
    stack = deploy({"Faulty": faulty})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert f"{kind} Shop/Faulty/Resource: {fault}" in stack["Reason"]
    assert client("ec2").describe_addresses()["Addresses"] == before


def test_an_unknown_type_is_named_with_its_construct_before_any_creation(deploy: Deploy) -> None:
    unknown = resource("AWS::GameLift::Fleet") | {"Metadata": {"aws:cdk:path": "Shop/Game/Resource"}}
    with pytest.raises(
        ClientError, match=r"Unrecognized resource types: \[AWS::GameLift::Fleet \(Shop/Game/Resource\)\]"
    ):
        deploy({"Game": unknown})


@pytest.mark.parametrize(
    ("resource", "listed"),
    [
        (resource("AWS::ECR::Repository", RepositoryName="taken"), ("ecr", "describe_repositories", "repositories")),
        (resource("AWS::Logs::LogGroup", LogGroupName="taken"), ("logs", "describe_log_groups", "logGroups")),
    ],
    ids=["repository", "log group"],
)
def test_a_second_stack_cannot_take_over_a_name(
    client: Client,
    deploy: Deploy,
    remove: Callable[[str], None],
    resource: dict[str, Any],
    listed: tuple[str, str, str],
) -> None:
    service, operation, key = listed

    def named() -> list[dict[str, Any]]:
        found = getattr(client(service), operation)()[key]
        return [item for item in found if "taken" in (item.get("repositoryName"), item.get("logGroupName"))]

    assert deploy({"First": resource})["StackStatus"] == "CREATE_COMPLETE"
    first = named()
    second = deploy({"Second": resource}, "-second")
    assert second["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "already exists" in second["Reason"]
    remove(second["StackName"])
    assert named() == first
    assert len(first) == 1


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::IAM::Role", {**role("ec2.amazonaws.com")["Properties"], "RoleName": "taken"}),
        ("AWS::SNS::Topic", {"TopicName": "taken"}),
        ("AWS::SQS::Queue", {"QueueName": "taken"}),
    ],
)
def test_a_second_stack_cannot_claim_a_resource_of_another(
    deploy: Deploy, remove: Callable[[str], None], kind: str, properties: dict[str, Any]
) -> None:
    first = deploy({"First": resource(kind, **properties)})
    second = deploy({"Second": resource(kind, **properties)}, "-second")
    assert second["StackStatus"] == "ROLLBACK_COMPLETE"
    assert f'"taken" already exists, in stack {first["StackName"]} (AlreadyExists)' in second["Reason"]
    remove(second["StackName"])
    remove(first["StackName"])
    assert deploy({"Third": resource(kind, **properties)}, "-third")["StackStatus"] == "CREATE_COMPLETE"


def test_a_bucket_keeps_its_encryption_and_lifecycle(client: Client, deploy: Deploy) -> None:
    encryption = {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}
    rule = {
        "Id": "old",
        "Status": "Enabled",
        "ExpirationInDays": 9,
        "NoncurrentVersionExpiration": {"NoncurrentDays": 3},
    }
    bucket = resource("AWS::S3::Bucket", BucketEncryption=encryption, LifecycleConfiguration={"Rules": [rule]})
    stack = deploy({"Bucket": bucket}, bucket=ref("Bucket"))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    name = {"Bucket": stack["Values"]["bucket"]}
    s3 = client("s3")
    found = s3.get_bucket_encryption(**name)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert found["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    rules = s3.get_bucket_lifecycle_configuration(**name)["Rules"]
    assert (rules[0]["Expiration"]["Days"], rules[0]["NoncurrentVersionExpiration"]["NoncurrentDays"]) == (9, 3)
    s3.put_object(Key="asset", Body=b"", ServerSideEncryption="aws:kms", **name)
    s3.delete_object(Key="asset", **name)


HANDLER = """
const http = require("http");
exports.handler = async (event) => {
  const body = JSON.stringify({ Status: "SUCCESS", PhysicalResourceId: "made", RequestId: event.RequestId,
    StackId: event.StackId, LogicalResourceId: event.LogicalResourceId, Data: { Region: process.env.AWS_REGION,
    Endpoint: process.env.AWS_ENDPOINT_URL,
    Hostile: [process.env.AWS_PROFILE, process.env.AWS_ENDPOINT_URL_EC2].join("") } });
  await new Promise((done) => http.request(event.ResponseURL, { method: "PUT" }, done).end(body));
};
"""


def _custom(client: Client, deploy: Deploy, code: str, **outputs: Any) -> dict[str, Any]:
    """Deploy a stack with a custom resource whose function has this code, and return it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.js", code)
    if "code" not in [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]]:
        client("s3").create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": REGION})
    client("s3").put_object(Bucket="code", Key="code.zip", Body=archive.getvalue())
    role = {
        "Statement": [{"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}]
    }
    return deploy(
        {
            "Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument=role),
            "Function": resource(
                "AWS::Lambda::Function",
                Code={"S3Bucket": "code", "S3Key": "code.zip"},
                Handler="index.handler",
                Role=attribute("Role", "Arn"),
                Runtime="nodejs24.x",
            ),
            "Custom": resource("Custom::Probe", ServiceToken=attribute("Function", "Arn")),
        },
        **outputs,
    )


def test_a_custom_resource_in_node_reaches_only_the_local_aws(
    client: Client, deploy: Deploy, server: tuple[int, int]
) -> None:
    stack = _custom(
        client,
        deploy,
        HANDLER,
        region=attribute("Custom", "Region"),
        endpoint=attribute("Custom", "Endpoint"),
        hostile=attribute("Custom", "Hostile"),
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    assert stack["Values"] == {"region": REGION, "endpoint": f"http://127.0.0.1:{server[1]}", "hostile": ""}


def test_accounts_and_regions_are_separate(client: Client, deploy: Deploy) -> None:
    deploy({"Logs": resource("AWS::Logs::LogGroup", LogGroupName="apart")})

    def seen(account: str, region: str) -> bool:
        return bool(client("logs", account, region).describe_log_groups(logGroupNamePrefix="apart")["logGroups"])

    assert seen(ACCOUNT, REGION)
    assert not seen("222222222222", REGION)
    assert not seen(ACCOUNT, "us-east-1")

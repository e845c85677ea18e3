"""CloudFormation's schemas and cfn-lint's rules refuse invalid properties."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.local.server.core import schema

Properties = dict[str, Any]

ROLE = "arn:aws:iam::111111111111:role/app"
FORWARD = [{"Type": "forward", "TargetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:111111111111:targetgroup/a/1"}]
FARGATE: Properties = {
    "RequiresCompatibilities": ["FARGATE"],
    "NetworkMode": "awsvpc",
    "Cpu": "256",
    "Memory": "512",
    "ContainerDefinitions": [{"Name": "web", "Image": "nginx", "Essential": "true"}],
}
LISTENER: Properties = {"LoadBalancerArn": "arn", "Port": "443", "DefaultActions": FORWARD}
FUNCTION: Properties = {"Code": {"ZipFile": "x"}, "Role": ROLE, "Runtime": "python3.13", "Handler": "index.handler"}
GROUP: Properties = {"TargetType": "ip", "Port": 80, "Protocol": "HTTP", "VpcId": "vpc-1"}

CASES: list[tuple[str, Properties, str, Properties]] = [
    (
        "AWS::SQS::Queue",
        {"VisibilityTimeout": 43201},
        "must be at most 43200, not '43201'",
        {"VisibilityTimeout": 43200},
    ),
    ("AWS::SQS::Queue", {"VisibilityTimeout": "43201"}, "must be at most 43200", {"VisibilityTimeout": "0"}),
    ("AWS::KMS::Key", {"PendingWindowInDays": 6}, "must be at least 7, not '6'", {"PendingWindowInDays": 7}),
    ("AWS::Logs::LogGroup", {"RetentionInDays": 2}, "must be one of 1, 3, 5, 7", {"RetentionInDays": 3}),
    ("AWS::S3::Bucket", {"BucketName": "A_b"}, "must match", {"BucketName": "a-b"}),
    ("AWS::Lambda::Function", FUNCTION | {"MemorySize": 127}, "must be at least 128", FUNCTION | {"MemorySize": 128}),
    ("AWS::Lambda::Function", FUNCTION | {"Runtime": "python9"}, "Runtime must be one of", FUNCTION),
    (
        "AWS::Lambda::Function",
        FUNCTION | {"Runtime": "java21"},
        "Runtime must match",
        FUNCTION | {"Runtime": "nodejs24.x"},
    ),
    (
        "AWS::ECS::TaskDefinition",
        FARGATE | {"ContainerDefinitions": FARGATE["ContainerDefinitions"] * 2},
        "must have unique items",
        FARGATE,
    ),
    ("AWS::ECS::TaskDefinition", FARGATE | {"Cpu": "300"}, "Cpu must be one of", FARGATE),
    ("AWS::ECS::TaskDefinition", FARGATE | {"Memory": "513"}, "Memory must be one of", FARGATE | {"Memory": 1024}),
    ("AWS::ECS::TaskDefinition", FARGATE | {"NetworkMode": "bridge"}, "NetworkMode must be", FARGATE),
    (
        "AWS::ECS::TaskDefinition",
        FARGATE | {"ContainerDefinitions": [{"Name": "web", "Image": "nginx", "Essential": False}]},
        "ContainerDefinitions",
        FARGATE,
    ),
    (
        "AWS::ECS::Service",
        {"LaunchType": "FARGATE", "SchedulingStrategy": "DAEMON"},
        "SchedulingStrategy must be REPLICA",
        {"LaunchType": "EC2", "SchedulingStrategy": "DAEMON"},
    ),
    ("AWS::ElasticLoadBalancingV2::Listener", LISTENER | {"Protocol": "HTTPS"}, "Certificates is required", LISTENER),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", {"Subnets": ["a"]}, "at least 2 items", {"Subnets": ["a", "b"]}),
    (
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        GROUP | {"HealthCheckProtocol": "TCP", "Matcher": {"HttpCode": "200"}},
        "Matcher is not allowed with the other given properties",
        GROUP | {"HealthCheckProtocol": "HTTP", "Matcher": {"HttpCode": "200"}},
    ),
    ("AWS::ElasticLoadBalancingV2::TargetGroup", {"TargetType": "ip"}, "VpcId is required", GROUP),
    (
        "AWS::EC2::SecurityGroup",
        {"GroupDescription": "a", "SecurityGroupIngress": [{"IpProtocol": "tcp", "CidrIp": "0.0.0.0/0"}]},
        "FromPort is required",
        {"GroupDescription": "a", "SecurityGroupIngress": [{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}]},
    ),
    (
        "AWS::CloudWatch::Alarm",
        {"ComparisonOperator": "More", "EvaluationPeriods": 1, "MetricName": "a"},
        "ComparisonOperator must be one of",
        {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "MetricName": "a"},
    ),
    (
        "AWS::ECS::Service",
        {"DeploymentConfiguration": {"CanaryConfiguration": {"CanaryPercent": 5.55}}},
        "must be a multiple of 0.1",
        {"DeploymentConfiguration": {"CanaryConfiguration": {"CanaryPercent": 33.3}}},
    ),
]


@pytest.mark.parametrize(("kind", "faulty", "says", "mended"), CASES)
def test_invalid_properties_have_an_error_and_corrected_ones_have_none(
    kind: str, faulty: Properties, says: str, mended: Properties
) -> None:
    assert says in "; ".join(schema.faults(kind, faulty, "eu-west-1"))
    assert schema.faults(kind, mended, "eu-west-1") == []


def test_tags_of_cloudformation_and_absent_values_are_no_errors() -> None:
    tags = [{"Key": "aws:cloudformation:stack-name", "Value": "Shop"}]
    properties = {"Profile": None, "PlatformId": "Notation-OCI-SHA384-ECDSA", "Tags": tags}
    assert schema.faults("AWS::Signer::SigningProfile", properties, "eu-west-1") == []
    assert schema.faults("AWS::Signer::SigningProfile", properties | {"Tags": []}, "eu-west-1") == []


def test_each_file_of_rules_exists() -> None:
    """cfn-lint may move these files."""
    assert all(schema._further(kind) for kind in schema._EXTENSIONS)

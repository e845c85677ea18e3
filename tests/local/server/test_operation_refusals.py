"""Logs, alarms, trails, registries and scaling that are refused, each with a correction that deploys."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local.local_aws import (
    ACCOUNT,
    NETWORK,
    REGION,
    Client,
    Deploy,
    attribute,
    check_pair,
    fargate,
    ref,
    resource,
    role,
)

Resources = dict[str, Any]

ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
WRITER = {"Service": "cloudtrail.amazonaws.com"}
EVERYTHING = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


def _sid(sid: str) -> Resources:
    return {"Role": role("lambda.amazonaws.com", EVERYTHING | {"Sid": sid})}


def _bounded(policy: str) -> Resources:
    made = role("lambda.amazonaws.com", EVERYTHING)
    made["Properties"]["PermissionsBoundary"] = f"arn:aws:iam::{policy}"
    return {"Role": made}


def _tagged(key: str) -> Resources:
    tags = [{"Key": key, "Value": "shop"}]
    return {"Queue": resource("AWS::SQS::Queue", Tags=tags)}


def _parameter(name: str) -> Resources:
    return {"Parameter": resource("AWS::SSM::Parameter", Name=name, Type="String", Value="1")}


def _subscriptions(count: int) -> Resources:
    function = resource(
        "AWS::Lambda::Function",
        Runtime="python3.12",
        Handler="index.handler",
        Role=attribute("Role", "Arn"),
        Code={"ZipFile": "handler = print"},
    )
    permitted = {"FunctionName": ref("Function"), "Action": "lambda:InvokeFunction", "Principal": "logs.amazonaws.com"}
    stated = {"LogGroupName": ref("Group"), "FilterPattern": "", "DestinationArn": attribute("Function", "Arn")}
    sending = resource("AWS::Logs::SubscriptionFilter", **stated) | {"DependsOn": "Permission"}
    return {
        "Group": resource("AWS::Logs::LogGroup"),
        "Role": role("lambda.amazonaws.com"),
        "Function": function,
        "Permission": resource("AWS::Lambda::Permission", **permitted),
        **{f"Sending{number}": sending for number in range(count)},
    }


def _alarm(actions: int) -> Resources:
    topics = [f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms{number}" for number in range(actions)]
    stated = {"Namespace": "Shop", "MetricName": "Orders", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
    compared = {"Threshold": 1, "ComparisonOperator": "LessThanThreshold", "AlarmActions": topics}
    return {"Alarm": resource("AWS::CloudWatch::Alarm", **stated, **compared)}


def _trail(**properties: Any) -> Resources:
    readable = {
        "Effect": "Allow",
        "Principal": WRITER,
        "Action": "s3:GetBucketAcl",
        "Resource": attribute("Logs", "Arn"),
    }
    writable = {
        "Effect": "Allow",
        "Principal": WRITER,
        "Action": "s3:PutObject",
        "Resource": {"Fn::Sub": "${Logs.Arn}/*"},
    }
    policy = resource("AWS::S3::BucketPolicy", Bucket=ref("Logs"), PolicyDocument={"Statement": [readable, writable]})
    trail = resource("AWS::CloudTrail::Trail", IsLogging=True, S3BucketName=ref("Logs"), **properties)
    return {
        "Logs": resource("AWS::S3::Bucket"),
        "Policy": policy,
        "Group": resource("AWS::Logs::LogGroup"),
        "Role": role("cloudtrail.amazonaws.com", {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}),
        "Trail": trail | {"DependsOn": "Policy"},
    }


def _expiring(*rules: Resources) -> Resources:
    text = json.dumps({"rules": list(rules)})
    return {"Images": resource("AWS::ECR::Repository", LifecyclePolicy={"LifecyclePolicyText": text})}


def _rule(priority: int, status: str = "any", kind: str = "imageCountMoreThan", **selection: Any) -> Resources:
    selected = {"tagStatus": status, "countType": kind, "countNumber": 3, **selection}
    return {"rulePriority": priority, "selection": selected, "action": {"type": "expire"}}


def _cluster(**properties: Any) -> Resources:
    group = resource("AWS::Logs::LogGroup")
    return {"Group": group, "Cluster": resource("AWS::ECS::Cluster", **properties)}


def _insights(value: str) -> Resources:
    return _cluster(ClusterSettings=[{"Name": "containerInsights", "Value": value}])


def _commands(**configuration: Any) -> Resources:
    stated = {"Logging": "OVERRIDE", **configuration}
    return _cluster(Configuration={"ExecuteCommandConfiguration": stated})


def _scaled(*, metric: str = "ECSServiceAverageCPUUtilization", schedule: str = "rate(1 day)") -> Resources:
    network = {"AwsvpcConfiguration": {"Subnets": [ref("Subnet")]}}
    service = resource(
        "AWS::ECS::Service",
        Cluster=ref("Cluster"),
        TaskDefinition=ref("Task"),
        LaunchType="FARGATE",
        NetworkConfiguration=network,
        DesiredCount=0,
    )
    action = {"ScheduledActionName": "night", "Schedule": schedule, "ScalableTargetAction": {"MinCapacity": 0}}
    target = resource(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        ServiceNamespace="ecs",
        ScalableDimension="ecs:service:DesiredCount",
        ResourceId={"Fn::Sub": "service/${Cluster}/${Service.Name}"},
        MinCapacity=0,
        MaxCapacity=2,
        ScheduledActions=[action],
    )
    tracked = {"TargetValue": 50, "PredefinedMetricSpecification": {"PredefinedMetricType": metric}}
    policy = resource(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        PolicyName="load",
        PolicyType="TargetTrackingScaling",
        ScalingTargetId=ref("Target"),
        TargetTrackingScalingPolicyConfiguration=tracked,
    )
    made = {"Cluster": resource("AWS::ECS::Cluster"), "Task": fargate("web"), "Service": service}
    return NETWORK | made | {"Target": target, "Policy": policy}


LAST = _rule(9)
ARCHIVE = {
    "rulePriority": 1,
    "selection": {"tagStatus": "any", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 30},
    "action": {"type": "transition", "targetStorageClass": "archive"},
}
EXPIRE, EXPIRE_UNTAGGED = (
    _rule(priority, status, "sinceImageTransitioned", countUnit="days", storageClass="archive")
    for priority, status in ((2, "any"), (3, "untagged"))
)
"""`ARCHIVE` and `EXPIRE` are in the ECR user guide, "Examples of lifecycle policies in Amazon ECR"."""
CASES: dict[str, tuple[Resources, str, Resources]] = {
    "statement id with a hyphen": (_sid("read-all"), "Statement IDs (SID) must be alpha-numeric.", _sid("ReadAll1")),
    "boundary that does not exist": (
        _bounded(f"{ACCOUNT}:policy/nothing"),
        "NoSuchEntity: ",
        _bounded("aws:policy/ReadOnlyAccess"),
    ),
    "tag with the prefix of AWS": (_tagged("aws:shop"), "property Tags has the key aws:shop", _tagged("aws-shop")),
    "parameter with sixteen levels": (
        _parameter("/a" * 16),
        "HierarchyLevelLimitExceededException",
        _parameter("/a" * 15),
    ),
    "three subscription filters": (
        _subscriptions(3),
        "LimitExceededException: Resource limit exceeded.",
        _subscriptions(2),
    ),
    "six alarm actions": (_alarm(6), "AlarmActions must have length less than or equal to 5", _alarm(5)),
    "log group of a trail without a role": (
        _trail(CloudWatchLogsLogGroupArn=attribute("Group", "Arn")),
        "InvalidCloudWatchLogsRoleArnException",
        _trail(CloudWatchLogsLogGroupArn=attribute("Group", "Arn"), CloudWatchLogsRoleArn=attribute("Role", "Arn")),
    ),
    "multi-region trail without global events": (
        _trail(IsMultiRegionTrail=True, IncludeGlobalServiceEvents=False),
        "Multi-Region trail must include global service events.",
        _trail(IsMultiRegionTrail=True),
    ),
    "duplicate priority": (
        _expiring(_rule(1, "untagged"), _rule(1)),
        "Duplicate priority in multiple rules",
        _expiring(_rule(1, "untagged"), _rule(2)),
    ),
    "rule after the one for any image": (
        _expiring(_rule(1), _rule(2, "untagged")),
        "Rule for tagStatus=ANY must have the highest rulePriority",
        _expiring(LAST, _rule(2, "untagged")),
    ),
    "archive rule after the one for any archived image": (
        _expiring(ARCHIVE, EXPIRE, EXPIRE_UNTAGGED),
        "Rule for tagStatus=ANY must have the highest rulePriority",
        _expiring(ARCHIVE, EXPIRE),
    ),
    "tagged images without tags": (
        _expiring(_rule(1, "tagged")),
        "tagPrefixList or tagPatternList is required",
        _expiring(_rule(1, "tagged", tagPatternList=["shop*"])),
    ),
    "days without a unit": (
        _expiring(_rule(1, kind="sinceImagePushed")),
        "countUnit days is required",
        _expiring(_rule(1, kind="sinceImagePushed", countUnit="days")),
    ),
    "invalid value of Container Insights": (
        _insights("on"),
        "the cluster setting containerInsights cannot be 'on'",
        _insights("enhanced"),
    ),
    "logged commands without a destination": (
        _commands(),
        "logConfiguration is required when logging is OVERRIDE",
        _commands(LogConfiguration={"CloudWatchLogGroupName": ref("Group")}),
    ),
    "metric of another service": (
        _scaled(metric="DynamoDBReadCapacityUtilization"),
        "Scalable dimension ecs:service:DesiredCount only supports the following predefined metric types: ALBRequest",
        _scaled(metric="ECSServiceAverageMemoryUtilizationHighResolution"),
    ),
    "request count without a target group": (
        _scaled(metric="ALBRequestCountPerTarget"),
        "Resource label should be specified for predefined metric type ALBRequestCountPerTarget",
        _scaled(),
    ),
    "unknown schedule": (
        _scaled(schedule="daily"),
        "Invalid schedule expression. Schedule expressions must have the following syntax: rate(",
        _scaled(schedule="rate(2hours)"),
    ),
}


@pytest.mark.parametrize(("faulty", "says", "mended"), CASES.values(), ids=CASES)
def test_faulty_template_is_refused_and_the_corrected_one_deploys(
    deploy: Deploy, faulty: Resources, says: str, mended: Resources
) -> None:
    check_pair(deploy, faulty, says, mended)


def test_role_keeps_its_permissions_boundary(deploy: Deploy, client: Client) -> None:
    def role_of(policy: str) -> str:
        name = deploy(_bounded(policy), Name=ref("Role"))["Values"]["Name"]
        boundary: str = client("iam").get_role(RoleName=name)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"]
        return boundary

    assert role_of("aws:policy/ReadOnlyAccess") == "arn:aws:iam::aws:policy/ReadOnlyAccess"
    assert role_of("aws:policy/PowerUserAccess") == "arn:aws:iam::aws:policy/PowerUserAccess"


def test_update_adds_at_most_one_index_to_a_table(deploy: Deploy) -> None:
    def table(*indexes: str) -> Resources:
        key = [{"AttributeName": "id", "KeyType": "HASH"}]
        stated = [{"IndexName": name, "KeySchema": key, "Projection": {"ProjectionType": "ALL"}} for name in indexes]
        attributes = [{"AttributeName": "id", "AttributeType": "S"}]
        kept = {"KeySchema": key, "AttributeDefinitions": attributes, "BillingMode": "PAY_PER_REQUEST"}
        more = {"GlobalSecondaryIndexes": stated} if stated else {}
        return {"Table": resource("AWS::DynamoDB::Table", **kept, **more)}

    assert deploy(table())["StackStatus"] == "CREATE_COMPLETE"
    both = deploy(table("first", "second"))
    assert both["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Cannot perform more than one GSI creation or deletion in a single update" in both["Reason"]
    assert deploy(table("first"))["StackStatus"] == "UPDATE_COMPLETE"

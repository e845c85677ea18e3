"""Templates for storage and operations that are refused, each with the smallest correction, which deploys."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local.local_aws import ACCOUNT, Client, Deploy, attribute, check_pair, ref, resource

Resources = dict[str, Any]
MANAGED = "arn:aws:iam::aws:policy/"


def _trust(principal: Any, **changed: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, **changed}]}


def _role(*statements: dict[str, Any], trust: dict[str, Any] | None = None, **properties: Any) -> Resources:
    policies = [{"PolicyName": "own", "PolicyDocument": {"Statement": list(statements)}}] if statements else []
    document = trust or _trust({"Service": "lambda.amazonaws.com"})
    return {"Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument=document, Policies=policies, **properties)}


def _queue_policy(**changed: Any) -> Resources:
    stated = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*", **changed}
    policy = resource("AWS::SQS::QueuePolicy", Queues=[ref("Queue")], PolicyDocument={"Statement": [stated]})
    return {"Queue": resource("AWS::SQS::Queue"), "Policy": policy}


def _key(principal: Any, action: str = "kms:*", **properties: Any) -> Resources:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
    return {"Key": resource("AWS::KMS::Key", KeyPolicy={"Statement": [statement]}, **properties)}


ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


def _function(*statements: dict[str, Any], managed: tuple[str, ...] = (), **properties: Any) -> Resources:
    code = {"ZipFile": "def handler(event, context): ..."}
    stated = {"Runtime": "python3.13", "Handler": "index.handler", "Code": code, **properties}
    return {
        **_role(*statements, ManagedPolicyArns=[f"{MANAGED}service-role/{name}" for name in managed]),
        "Function": resource("AWS::Lambda::Function", Role=attribute("Role", "Arn"), **stated),
    }


def _permission(**properties: Any) -> Resources:
    stated = {"Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com", "FunctionName": ref("Function")}
    return {**_function(), "Permission": resource("AWS::Lambda::Permission", **(stated | properties))}


def _bucket(**properties: Any) -> Resources:
    return {"Bucket": resource("AWS::S3::Bucket", **properties)}


def _lifecycle(*rules: dict[str, Any]) -> Resources:
    return _bucket(LifecycleConfiguration={"Rules": [{"Status": "Enabled", **rule} for rule in rules]})


def _moved(days: int, kind: str = "STANDARD_IA") -> dict[str, Any]:
    return {"Transitions": [{"StorageClass": kind, "TransitionInDays": days}]}


def _notifying(principal: str, event: str = "s3:ObjectCreated:*") -> Resources:
    notified = {"QueueConfigurations": [{"Event": event, "Queue": attribute("Queue", "Arn")}]}
    bucket = resource("AWS::S3::Bucket", NotificationConfiguration=notified)
    return {**_queue_policy(Principal={"Service": principal}), "Bucket": {**bucket, "DependsOn": "Policy"}}


def _public(**blocked: bool) -> Resources:
    block = {"PublicAccessBlockConfiguration": blocked} if blocked else {}
    owned = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    return _bucket(AccessControl="PublicRead", OwnershipControls=owned, **block)


def _table(*attributes: str, key: str = "id", **properties: Any) -> Resources:
    stated = {
        "AttributeDefinitions": [{"AttributeName": each, "AttributeType": "S"} for each in attributes],
        "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        **properties,
    }
    return {"Table": resource("AWS::DynamoDB::Table", **stated)}


def _index(key: str) -> list[dict[str, Any]]:
    schema = [{"AttributeName": key, "KeyType": "HASH"}]
    return [{"IndexName": "other", "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}]


STORES: list[tuple[str, Resources, str, Resources]] = [
    (
        "notification of a queue without a policy",
        _notifying("sns.amazonaws.com"),
        "Unable to validate the following destination configurations",
        _notifying("s3.amazonaws.com"),
    ),
    (
        "notification of an unknown event",
        _notifying("s3.amazonaws.com", "s3:Object"),
        "The event is not supported for notifications",
        _notifying("s3.amazonaws.com", "s3:ObjectRemoved:*"),
    ),
    ("transition after 29 days", _lifecycle(_moved(29)), "greater than or equal to 30", _lifecycle(_moved(30))),
    (
        "expiration before the transition",
        _lifecycle({**_moved(60), "ExpirationInDays": 60}),
        "must be greater than 'Days' in the Transition action",
        _lifecycle({**_moved(60), "ExpirationInDays": 61}),
    ),
    (
        "rule without an action",
        _lifecycle({"Prefix": "a/"}),
        "At least one action needs to be specified in a rule",
        _lifecycle({"Prefix": "a/", "ExpirationInDays": 1}),
    ),
    (
        "rules with the same ID",
        _lifecycle({"Id": "a", "ExpirationInDays": 1}, {"Id": "a", "ExpirationInDays": 2}),
        "Rule ID must be unique.",
        _lifecycle({"Id": "a", "ExpirationInDays": 1}, {"Id": "b", "ExpirationInDays": 2}),
    ),
    ("public under the default block", _public(), "cannot have public ACLs", _public(BlockPublicAcls=False)),
    (
        "log bucket that does not exist",
        _bucket(LoggingConfiguration={"DestinationBucketName": "never-made"}),
        "The target bucket for logging does not exist",
        _bucket(BucketName="logs-in-itself", LoggingConfiguration={"DestinationBucketName": "logs-in-itself"}),
    ),
    (
        "key that is not defined",
        _table("id", key="name"),
        "Hash Key not specified in Attribute Definitions",
        _table("name", key="name"),
    ),
    ("unused attribute", _table("id", "name"), "Some AttributeDefinitions are not used", _table("id")),
    (
        "index of an attribute that is not defined",
        _table("id", GlobalSecondaryIndexes=_index("name")),
        "name",
        _table("id", "name", GlobalSecondaryIndexes=_index("name")),
    ),
    ("table name of two letters", _table("id", TableName="ab"), "at 'tableName'", _table("id", TableName="abc")),
]


def _alarm(**properties: Any) -> Resources:
    stated = {
        "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "MetricName": "Errors",
        "Namespace": "Shop", "Period": 60, "Statistic": "Sum", "Threshold": 1,
    }  # fmt: skip
    return {"Topic": resource("AWS::SNS::Topic"), "Alarm": resource("AWS::CloudWatch::Alarm", **(stated | properties))}


LOGS_WRITE = {
    "Effect": "Allow", "Principal": {"Service": "es.amazonaws.com"}, "Action": "logs:PutLogEvents", "Resource": "*",
}  # fmt: skip


def _log_policy(document: str) -> Resources:
    return {"Policy": resource("AWS::Logs::ResourcePolicy", PolicyName="writers", PolicyDocument=document)}


def _band(**returned: bool) -> Resources:
    """Return an alarm on anomaly detection; both its metric and its band return data by default."""
    metric = {"Metric": {"MetricName": "Errors", "Namespace": "Shop"}, "Period": 60, "Stat": "Sum"}
    band = {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m1, 2)"}
    metrics = [band, {"Id": "m1", "MetricStat": metric, **returned}]
    alarm = {"ComparisonOperator": "GreaterThanUpperThreshold", "EvaluationPeriods": 1, "ThresholdMetricId": "band"}
    return {"Alarm": resource("AWS::CloudWatch::Alarm", Metrics=metrics, **alarm)}


def _promql() -> Resources:
    criteria = {"PromQLCriteria": {"Query": "sum(errors) > 1", "PendingPeriod": 60, "RecoveryPeriod": 60}}
    return {"Alarm": resource("AWS::CloudWatch::Alarm", EvaluationCriteria=criteria, EvaluationInterval=60)}


def _unbounded() -> Resources:
    alarm = _alarm()["Alarm"]["Properties"]
    return {"Alarm": resource("AWS::CloudWatch::Alarm", **{key: alarm[key] for key in alarm if key != "Threshold"})}


def _math(expression: str) -> Resources:
    metric = {"Metric": {"MetricName": "Errors", "Namespace": "Shop"}, "Period": 60, "Stat": "Sum"}
    metrics = [{"Id": "e1", "Expression": expression}, {"Id": "m1", "MetricStat": metric, "ReturnData": False}]
    alarm = {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Threshold": 1, "Metrics": metrics}
    return {"Alarm": resource("AWS::CloudWatch::Alarm", **alarm)}


def _filtered(pattern: str) -> Resources:
    metric = [{"MetricName": "Errors", "MetricNamespace": "Shop", "MetricValue": "1"}]
    properties = {"LogGroupName": ref("Group"), "FilterPattern": pattern, "MetricTransformations": metric}
    return {"Group": resource("AWS::Logs::LogGroup"), "Filter": resource("AWS::Logs::MetricFilter", **properties)}


def _encrypted(*more: dict[str, Any]) -> Resources:
    statement = {"Effect": "Allow", "Principal": ROOT, "Action": "kms:*", "Resource": "*"}
    return {
        "Key": resource("AWS::KMS::Key", KeyPolicy={"Statement": [statement, *more]}),
        "Group": resource("AWS::Logs::LogGroup", KmsKeyId=attribute("Key", "Arn")),
    }


def _forwarded(*depends: str) -> Resources:
    arn = attribute("Function", "Arn")
    properties = {"LogGroupName": ref("Group"), "FilterPattern": "", "DestinationArn": arn}
    subscription = resource("AWS::Logs::SubscriptionFilter", **properties)
    return {
        **_permission(Principal="logs.amazonaws.com" if depends else "events.amazonaws.com"),
        "Group": resource("AWS::Logs::LogGroup"),
        "Subscription": {**subscription, "DependsOn": ["Permission"]},
    }


def _parameter(value: str, **properties: Any) -> Resources:
    return {"Parameter": resource("AWS::SSM::Parameter", Type="String", Value=value, **properties)}


LOGS_USE = {
    "Effect": "Allow",
    "Principal": {"Service": "logs.eu-west-1.amazonaws.com"},
    "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
    "Resource": "*",
    "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:eu-west-1:{ACCOUNT}:*"}},
}
OPERATIONS: list[tuple[str, Resources, str, Resources]] = [
    ("action that is not an ARN", _alarm(AlarmActions=["page"]), "Invalid arn syntax: page", _alarm()),
    (
        "action on a bucket",
        _alarm(OKActions=["arn:aws:s3:::bucket"]),
        "Invalid arn syntax",
        _alarm(OKActions=[ref("Topic")]),
    ),
    (
        "more than a day",
        _alarm(EvaluationPeriods=1441),
        "Metrics cannot be checked across more than a day",
        _alarm(EvaluationPeriods=1440),
    ),
    (
        "anomaly detection without its metric",
        _band(ReturnData=False),
        "Exactly two elements of the metrics list should return data.",
        _band(),
    ),
    ("alarm without a threshold", _unbounded(), "should have valid Threshold parameter", _promql()),
    ("unknown metric", _math("m1 + m2"), "m2", _math("IF(m1 > 5, m1, 0)")),
    ("pattern without an end", _filtered("{ $.level = "), "Invalid filter pattern", _filtered('{ $.level = "a" }')),
    ("pattern without a quote", _filtered('"a b'), "Invalid filter pattern", _filtered('?ERROR ?"a b"')),
    ("pattern of columns without an end", _filtered("[ip, user"), "it must end with ']'", _filtered("[ip, user]")),
    (
        "policy of log groups that is not JSON",
        _log_policy("{"),
        "Error occurred while parsing accessPolicy.",
        _log_policy(json.dumps({"Version": "2012-10-17", "Statement": [LOGS_WRITE]})),
    ),
    (
        "key that does not allow CloudWatch Logs",
        _encrypted(),
        "The specified KMS key does not exist or is not allowed to be used with LogGroup",
        _encrypted(LOGS_USE),
    ),
    (
        "function that does not allow CloudWatch Logs",
        _forwarded(),
        "Make sure you have given CloudWatch Logs permission to execute your function.",
        _forwarded("Permission"),
    ),
    (
        "alias of a key that does not exist",
        {"Alias": resource("AWS::KMS::Alias", AliasName="alias/shop", TargetKeyId="nothing")},
        "NotFoundException: Key 'nothing' does not exist",
        {**_key(ROOT), "Alias": resource("AWS::KMS::Alias", AliasName="alias/shop", TargetKeyId=ref("Key"))},
    ),
    (
        "parameter of 4097 characters",
        _parameter("a" * 4097),
        "Standard tier parameters support a maximum parameter value of 4096 characters.",
        _parameter("a" * 4097, Tier="Advanced"),
    ),
    (
        "parameter against its pattern",
        _parameter("a", AllowedPattern="^b$"),
        "cannot be validated against allowedPattern: ^b$",
        _parameter("b", AllowedPattern="^b$"),
    ),
    (
        "parameter path without a leading slash",
        _parameter("a", Name="shop/tag"),
        "Parameter name must be a fully qualified name.",
        _parameter("a", Name="/shop/tag"),
    ),
]


def _pairs(*tables: list[tuple[str, Resources, str, Resources]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("faulty", "says", "mended"), [pytest.param(*case[1:], id=case[0]) for table in tables for case in table]
    )


def test_protected_table_is_not_deleted(deploy: Deploy, client: Client) -> None:
    topic = {"Topic": resource("AWS::SNS::Topic")}
    table = {**_table("id", DeletionProtectionEnabled=True), **topic}
    name = deploy(table, Name=ref("Table"))["Values"]["Name"]
    changed = deploy(topic)
    assert "Resource cannot be deleted as it is currently protected against deletion." in changed["Reason"]
    client("dynamodb").update_table(TableName=name, DeletionProtectionEnabled=False)


@_pairs(STORES, OPERATIONS)
def test_faulty_template_is_refused_and_the_corrected_one_deploys(
    deploy: Deploy, faulty: Resources, says: str, mended: Resources
) -> None:
    check_pair(deploy, faulty, says, mended)

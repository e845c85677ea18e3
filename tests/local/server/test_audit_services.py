"""Resources beside a registry in the local AWS: trails, alarms, dashboards, keys, topics, buckets and parameters."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.local_aws import ACCOUNT, REGION, Client, Deploy, attribute, ref, resource

TRAIL = {"Service": "cloudtrail.amazonaws.com"}
ROOT = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "kms:*",
    "Resource": "*",
}


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


DESCRIBE = {"Effect": "Allow", "Principal": TRAIL, "Action": "kms:DescribeKey", "Resource": "*"}
PUBLISH = DESCRIBE | {"Action": "sns:Publish"}
DECRYPT = DESCRIBE | {"Action": "kms:Decrypt"}
OF_TRAILS = {
    "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"},
}
ENCRYPT = DESCRIBE | {"Action": "kms:GenerateDataKey*", "Condition": OF_TRAILS}


def _trailed(**trail: Any) -> dict[str, Any]:
    arn = attribute("Bucket", "Arn")
    logs = {"Fn::Join": ["", [arn, f"/AWSLogs/{ACCOUNT}/*"]]}
    owned = {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}
    return {
        "Key": resource("AWS::KMS::Key", KeyPolicy=_document(ROOT, ENCRYPT, DESCRIBE)),
        "Bucket": resource("AWS::S3::Bucket", VersioningConfiguration={"Status": "Enabled"}),
        "Policy": resource(
            "AWS::S3::BucketPolicy",
            Bucket=ref("Bucket"),
            PolicyDocument=_document(
                {"Effect": "Allow", "Principal": TRAIL, "Action": "s3:GetBucketAcl", "Resource": arn},
                {
                    "Effect": "Allow",
                    "Principal": TRAIL,
                    "Action": "s3:PutObject",
                    "Resource": logs,
                    "Condition": owned,
                },
            ),
        ),
        "Trail": resource("AWS::CloudTrail::Trail", IsLogging=True, S3BucketName=ref("Bucket"), **trail)
        | {"DependsOn": ["Policy"]},
    }


def test_trail_has_the_properties_of_its_template_and_can_be_deleted(
    client: Client, deploy: Deploy, remove: Callable[[str], None]
) -> None:
    selector = {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}
    resources = _trailed(
        EnableLogFileValidation=True,
        EventSelectors=[selector],
        IncludeGlobalServiceEvents=True,
        InsightSelectors=[{"InsightType": "ApiCallRateInsight"}],
        IsMultiRegionTrail=True,
        KMSKeyId=attribute("Key", "Arn"),
        Tags=[{"Key": "team", "Value": "shop"}],
        TrailName="audit",
    )
    stack = deploy(resources, arn=attribute("Trail", "Arn"), bucket=ref("Bucket"), key=attribute("Key", "Arn"))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    values, trails = stack["Values"], client("cloudtrail")
    (shown,) = trails.describe_trails(trailNameList=["audit"])["trailList"]
    assert (shown["TrailARN"], shown["S3BucketName"], shown["KmsKeyId"]) == (
        values["arn"],
        values["bucket"],
        values["key"],
    )
    assert (shown["IsMultiRegionTrail"], shown["LogFileValidationEnabled"]) == (True, True)
    assert trails.get_trail_status(Name="audit")["IsLogging"]
    assert trails.get_event_selectors(TrailName="audit")["EventSelectors"][0]["ReadWriteType"] == "WriteOnly"
    insights = trails.get_insight_selectors(TrailName="audit")["InsightSelectors"]
    assert [each["InsightType"] for each in insights] == ["ApiCallRateInsight"]
    tags = trails.list_tags(ResourceIdList=[values["arn"]])["ResourceTagList"][0]["TagsList"]
    assert {"Key": "team", "Value": "shop"} in tags

    changed = deploy(_trailed(TrailName="audit") | {"Key": resources["Key"]})
    assert changed["StackStatus"] == "UPDATE_COMPLETE", changed["Reason"]
    (shown,) = trails.describe_trails(trailNameList=["audit"])["trailList"]
    assert "KmsKeyId" not in shown
    assert (shown["IsMultiRegionTrail"], shown["HasInsightSelectors"]) == (False, False)
    assert trails.get_event_selectors(TrailName="audit")["EventSelectors"][0]["ReadWriteType"] == "All"
    remove(stack["StackName"])
    assert trails.describe_trails()["trailList"] == []


@pytest.mark.parametrize(
    ("without", "fault"), [("Policy", "InsufficientS3BucketPolicyException"), ("Key", "InsufficientEncryptionPolicy")]
)
def test_trail_that_cannot_write_is_refused(client: Client, deploy: Deploy, without: str, fault: str) -> None:
    resources = _trailed(KMSKeyId=attribute("Key", "Arn"))
    if without == "Policy":
        del resources["Policy"], resources["Trail"]["DependsOn"]
    else:
        resources["Key"] = resource("AWS::KMS::Key", KeyPolicy=_document(ROOT))
    stack = deploy(resources)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert fault in stack["Reason"]
    assert client("cloudtrail").describe_trails()["trailList"] == []


def test_key_of_a_trail_can_be_in_another_account(deploy: Deploy) -> None:
    stack = deploy(_trailed(KMSKeyId="arn:aws:kms:us-east-1:999988887777:key/shared"))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]


@pytest.mark.parametrize(
    ("statements", "bucket_key", "denied"),
    [
        ((ENCRYPT,), False, "kms:DescribeKey"),
        ((ENCRYPT, DESCRIBE | {"Condition": OF_TRAILS}), False, "kms:DescribeKey"),
        ((DESCRIBE,), False, "kms:GenerateDataKey"),
        ((ENCRYPT, DESCRIBE), False, None),
        ((ENCRYPT, DESCRIBE), True, "kms:Decrypt"),
        ((ENCRYPT, DESCRIBE, DECRYPT), True, None),
        ((ENCRYPT, DESCRIBE, DECRYPT | {"Condition": OF_TRAILS}), True, None),
    ],
)
def test_key_of_a_trail_must_allow_describe_encrypt_and_with_a_bucket_key_decrypt(
    deploy: Deploy, statements: tuple[dict[str, Any], ...], *, bucket_key: bool, denied: str | None
) -> None:
    resources = _trailed(KMSKeyId=attribute("Key", "Arn"))
    resources["Key"] = resource("AWS::KMS::Key", KeyPolicy=_document(ROOT, *statements))
    by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": attribute("Key", "Arn")}
    encryption = {"BucketKeyEnabled": bucket_key, "ServerSideEncryptionByDefault": by_default}
    resources["Bucket"]["Properties"]["BucketEncryption"] = {"ServerSideEncryptionConfiguration": [encryption]}
    stack = deploy(resources)
    if denied is None:
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    else:
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
        assert "InsufficientEncryptionPolicyException" in stack["Reason"]
        assert f"does not allow cloudtrail.amazonaws.com to perform {denied}" in stack["Reason"]


def test_account_has_at_most_ten_log_resource_policies(deploy: Deploy) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "logs:PutLogEvents"}
    document = json.dumps(_document(statement | {"Resource": "*"}))

    def policies(count: int, first: int = 0) -> dict[str, Any]:
        return {
            f"Policy{number}": resource(
                "AWS::Logs::ResourcePolicy", PolicyName=f"events-{number}", PolicyDocument=document
            )
            for number in range(first, first + count)
        }

    assert deploy(policies(10))["StackStatus"] == "CREATE_COMPLETE"
    more = deploy(policies(1, first=10), "-more")
    assert more["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "LimitExceededException" in more["Reason"]
    own = resource("AWS::Logs::LogGroup", LogGroupName="own", ResourcePolicyDocument=_document(statement))
    assert deploy({"Group": own}, "-own")["StackStatus"] == "CREATE_COMPLETE"


def test_alarm_on_metric_math_has_all_its_properties_and_keeps_its_state(client: Client, deploy: Deploy) -> None:
    metric = {
        "Namespace": "AWS/Usage",
        "MetricName": "CallCount",
        "Dimensions": [{"Name": "Service", "Value": "ECR"}],
    }
    usage = {"Id": "usage", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Sum"}, "ReturnData": False}
    share = {"Id": "share", "Expression": "100 * usage / SERVICE_QUOTA(usage)", "Label": "of the quota"}

    def alarm(**properties: Any) -> dict[str, Any]:
        return {
            "Alarm": resource(
                "AWS::CloudWatch::Alarm",
                AlarmActions=[f"arn:aws:sns:{REGION}:{ACCOUNT}:topic"],
                AlarmName="quota",
                ComparisonOperator="GreaterThanThreshold",
                EvaluationPeriods=3,
                TreatMissingData="notBreaching",
                **properties,
            )
        }

    stack = deploy(
        alarm(Metrics=[usage, share], Threshold=80, DatapointsToAlarm=2, AlarmDescription="near"),
        arn=attribute("Alarm", "Arn"),
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    watch = client("cloudwatch")

    def shown() -> dict[str, Any]:
        (found,) = watch.describe_alarms(AlarmNames=["quota"])["MetricAlarms"]
        result: dict[str, Any] = found
        return result

    first = shown()
    assert [each["Id"] for each in first["Metrics"]] == ["usage", "share"]
    assert first["Metrics"][0]["MetricStat"] == {"Metric": metric, "Period": 300, "Stat": "Sum"}
    assert first["Metrics"][1]["Expression"] == "100 * usage / SERVICE_QUOTA(usage)"
    assert (first["Threshold"], first["DatapointsToAlarm"], first["EvaluationPeriods"]) == (80.0, 2, 3)
    assert (first["TreatMissingData"], first["AlarmDescription"]) == ("notBreaching", "near")
    assert (first["AlarmArn"], first["StateValue"]) == (stack["Values"]["arn"], "INSUFFICIENT_DATA")

    watch.set_alarm_state(AlarmName="quota", StateValue="ALARM", StateReason="tried")
    single = {"MetricName": "CallCount", "Namespace": "AWS/Usage", "Period": 60, "Statistic": "Sum", "Threshold": 1}
    changed = deploy(alarm(**single))
    assert changed["StackStatus"] == "UPDATE_COMPLETE", changed["Reason"]
    assert (shown()["StateValue"], shown()["MetricName"], shown()["Period"]) == ("ALARM", "CallCount", 60)
    assert "Metrics" not in shown()
    faulty = deploy({"Alarm": resource("AWS::CloudWatch::Alarm", ComparisonOperator="x", EvaluationPeriods=1)}, "-no")
    assert "the properties must have exactly one of Metrics, MetricName" in faulty["Reason"]


def test_composite_alarm_and_dashboard_are_described_and_can_be_deleted(
    client: Client, deploy: Deploy, remove: Callable[[str], None]
) -> None:
    part = resource(
        "AWS::CloudWatch::Alarm",
        AlarmName="part",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="CallCount",
        Namespace="AWS/Usage",
        Threshold=1,
    )
    template_snapshot = resource("AWS::CloudWatch::CompositeAlarm", AlarmName="whole", AlarmRule='ALARM("part")')
    body = json.dumps({"widgets": []})
    dashboard = resource("AWS::CloudWatch::Dashboard", DashboardName="registry", DashboardBody=body)
    stack = deploy({"Part": part, "Whole": template_snapshot | {"DependsOn": ["Part"]}, "Dashboard": dashboard})
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    watch = client("cloudwatch")
    (found,) = watch.describe_alarms(AlarmNames=["whole"], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert found["AlarmRule"] == 'ALARM("part")'
    assert watch.get_dashboard(DashboardName="registry")["DashboardBody"] == body
    remove(stack["StackName"])
    assert watch.describe_alarms(AlarmTypes=["CompositeAlarm", "MetricAlarm"])["CompositeAlarms"] == []
    with pytest.raises(ClientError):
        watch.get_dashboard(DashboardName="registry")


def test_key_topic_and_parameter_keep_every_property(client: Client, deploy: Deploy) -> None:
    policy = _document(ROOT)
    resources = {
        "Key": resource(
            "AWS::KMS::Key",
            Description="images",
            Enabled="true",
            EnableKeyRotation="true",
            KeyPolicy=policy,
            PendingWindowInDays=7,
            RotationPeriodInDays=90,
            Tags=[{"Key": "team", "Value": "shop"}],
        ),
        "Alias": resource("AWS::KMS::Alias", AliasName="alias/images", TargetKeyId=ref("Key")),
        "Topic": resource(
            "AWS::SNS::Topic",
            DisplayName="Alarms",
            KmsMasterKeyId=ref("Key"),
            SignatureVersion="2",
            TracingConfig="Active",
        ),
        "Policy": resource("AWS::SNS::TopicPolicy", Topics=[ref("Topic")], PolicyDocument=_document(PUBLISH)),
        "Parameter": resource(
            "AWS::SSM::Parameter", Name="/shop/tag", Type="String", Value="1.4.2", Description="the tag"
        ),
    }
    stack = deploy(resources, key=ref("Key"), topic=ref("Topic"))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    key, topic = stack["Values"]["key"], stack["Values"]["topic"]
    kms = client("kms")
    shown = kms.describe_key(KeyId="alias/images")["KeyMetadata"]
    assert (shown["KeyId"], shown["Description"], shown["KeyState"]) == (key, "images", "Enabled")
    assert kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"] == 90
    assert json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]) == policy
    attributes = client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (attributes["DisplayName"], attributes["KmsMasterKeyId"]) == ("Alarms", key)
    assert (attributes["SignatureVersion"], attributes["TracingConfig"]) == ("2", "Active")
    assert json.loads(attributes["Policy"]) == _document(PUBLISH)
    found = client("ssm").get_parameter(Name="/shop/tag")["Parameter"]
    assert (found["Value"], found["Version"]) == ("1.4.2", 1)

    resources["Topic"] = resource("AWS::SNS::Topic", DisplayName="Alarms")
    resources["Parameter"]["Properties"]["Value"] = "1.4.3"
    changed = deploy(resources)
    assert changed["StackStatus"] == "UPDATE_COMPLETE", changed["Reason"]
    attributes = client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
    assert not {"KmsMasterKeyId", "TracingConfig"} & attributes.keys()
    found = client("ssm").get_parameter(Name="/shop/tag")["Parameter"]
    assert (found["Value"], found["Version"]) == ("1.4.3", 2)


def test_bucket_of_a_trail_keeps_the_properties_that_cdk_writes(client: Client, deploy: Deploy) -> None:
    encryption = {
        "ServerSideEncryptionConfiguration": [
            {"BucketKeyEnabled": True, "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
        ]
    }
    rule = {
        "Id": "bound",
        "Status": "Enabled",
        "ExpirationInDays": 365,
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 90}],
    }
    bucket = resource(
        "AWS::S3::Bucket",
        BucketEncryption=encryption,
        LifecycleConfiguration={"Rules": [rule]},
        LoggingConfiguration={"DestinationBucketName": ref("Access"), "LogFilePrefix": "trail/"},
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}},
        },
        ObjectLockEnabled=True,
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
        Tags=[{"Key": "team", "Value": "shop"}],
        VersioningConfiguration={"Status": "Enabled"},
    )
    stack = deploy(
        {"Access": resource("AWS::S3::Bucket"), "Bucket": bucket}, bucket=ref("Bucket"), access=ref("Access")
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    s3, name = client("s3"), {"Bucket": stack["Values"]["bucket"]}
    (found,) = s3.get_bucket_encryption(**name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert found["BucketKeyEnabled"]
    assert s3.get_bucket_versioning(**name)["Status"] == "Enabled"
    (kept,) = s3.get_bucket_lifecycle_configuration(**name)["Rules"]
    assert kept["Transitions"] == [{"Days": 90, "StorageClass": "GLACIER"}]
    assert kept["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    logging = s3.get_bucket_logging(**name)["LoggingEnabled"]
    assert (logging["TargetBucket"], logging["TargetPrefix"]) == (stack["Values"]["access"], "trail/")
    lock = s3.get_object_lock_configuration(**name)["ObjectLockConfiguration"]
    assert lock["Rule"]["DefaultRetention"] == {"Mode": "GOVERNANCE", "Days": 30}
    assert s3.get_public_access_block(**name)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"]

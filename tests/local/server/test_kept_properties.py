"""The APIs of services return the properties that configure a resource."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from tests.local.local_aws import Client, Deploy, attribute, ref, resource, role

Resources = dict[str, Any]

ALLOWED = {"Version": "2012-10-17", "Statement": []}
KEY = {"AttributeName": "id", "AttributeType": "S"}
TABLE = {
    "AttributeDefinitions": [KEY],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}
BUILD = {
    "Artifacts": {"Type": "NO_ARTIFACTS"},
    "Environment": {"ComputeType": "BUILD_GENERAL1_SMALL", "Image": "aws/codebuild/standard:7.0",
                    "Type": "LINUX_CONTAINER"},
    "Source": {"Type": "NO_SOURCE", "BuildSpec": "version: 0.2"},
}  # fmt: skip
API = {
    "Api": resource("AWS::ApiGateway::RestApi", Name="api", ApiKeySourceType="AUTHORIZER"),
    "Validator": resource(
        "AWS::ApiGateway::RequestValidator", RestApiId=ref("Api"), Name="body", ValidateRequestBody="true"
    ),
    "Method": resource(
        "AWS::ApiGateway::Method",
        RestApiId=ref("Api"),
        ResourceId=attribute("Api", "RootResourceId"),
        HttpMethod="POST",
        AuthorizationType="NONE",
        RequestValidatorId=ref("Validator"),
        Integration={"Type": "MOCK"},
    ),
    "Deployment": resource("AWS::ApiGateway::Deployment", RestApiId=ref("Api")) | {"DependsOn": "Method"},
    "Logs": resource("AWS::Logs::LogGroup"),
}


def stage(log_format: str) -> Resources:
    return {
        **API,
        "Stage": resource(
            "AWS::ApiGateway::Stage",
            RestApiId=ref("Api"),
            DeploymentId=ref("Deployment"),
            StageName="prod",
            AccessLogSetting={"DestinationArn": attribute("Logs", "Arn"), "Format": log_format},
            CacheClusterEnabled=True,
            CacheClusterSize="0.5",
        ),
    }


def rotated(days: int) -> Resources:
    transition = {"StorageClass": "GLACIER", "TransitionInDays": days, "NewerNoncurrentVersions": 2}
    rule = {
        "Status": "Enabled",
        "NoncurrentVersionTransitions": [transition],
        "NoncurrentVersionExpirationInDays": 365,
        "Transition": {"StorageClass": "GLACIER", "TransitionInDays": 60},
        "ObjectSizeGreaterThan": "1000",
        "Prefix": "logs/",
    }
    return {"It": resource("AWS::S3::Bucket", LifecycleConfiguration={"Rules": [rule]})}


def table(**properties: Any) -> Resources:
    return {"It": resource("AWS::DynamoDB::Table", **TABLE, **properties)}


def recovery(days: str) -> dict[str, Any]:
    return {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": days}}


def expiring(name: str) -> dict[str, Any]:
    return {"TimeToLiveSpecification": {"AttributeName": name, "Enabled": "true"}}


@attrs.frozen
class Case:
    """A resource and its description, before and after an update."""

    made: Resources
    seen: Any
    changed: Resources
    seen_then: Any
    look: Callable[[Client, str], Any]
    shown: Any = attrs.field(factory=lambda: ref("It"))


def _lifecycle(client: Client, name: str) -> Any:
    rule = client("s3").get_bucket_lifecycle_configuration(Bucket=name)["Rules"][0]
    (moved,) = rule["NoncurrentVersionTransitions"]
    filters = rule["Filter"]["And"]
    return (
        moved["NoncurrentDays"],
        moved["NewerNoncurrentVersions"],
        rule["NoncurrentVersionExpiration"]["NoncurrentDays"],
        rule["Transitions"][0]["Days"],
        (filters["Prefix"], filters["ObjectSizeGreaterThan"]),
    )


def _described(client: Client, name: str) -> Any:
    return client("dynamodb").describe_table(TableName=name)["Table"]


def _recovery(client: Client, name: str) -> Any:
    found = client("dynamodb").describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    return found["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]


def _expiry(client: Client, name: str) -> Any:
    found = client("dynamodb").describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    return found["TimeToLiveStatus"], found["AttributeName"]


def _stage(client: Client, api: str) -> Any:
    found = client("apigateway").get_stage(restApiId=api, stageName="prod")
    return found["accessLogSettings"]["format"], found["cacheClusterEnabled"], found["cacheClusterSize"]


def _stream(client: Client, name: str) -> Any:
    return client("kinesis").describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["EncryptionType"]


def _tags(client: Client, pool: str) -> Any:
    tags = client("cognito-identity").describe_identity_pool(IdentityPoolId=pool)["IdentityPoolTags"]
    return {key: value for key, value in tags.items() if not key.startswith("aws:")}


def _pool(owner: str) -> Resources:
    tags = [{"Key": "owner", "Value": owner}]
    return {"It": resource("AWS::Cognito::IdentityPool", AllowUnauthenticatedIdentities=False, IdentityPoolTags=tags)}


def _build(status: str) -> Resources:
    logs = {"CloudWatchLogs": {"Status": status}}
    hook = {"Webhook": True, "FilterGroups": [[{"Type": "EVENT", "Pattern": status}]]}
    arn = attribute("Role", "Arn")
    return {
        "Role": role("codebuild.amazonaws.com"),
        "It": resource("AWS::CodeBuild::Project", **BUILD, ServiceRole=arn, LogsConfig=logs, Triggers=hook),
    }


def _project(client: Client, name: str) -> Any:
    (found,) = client("codebuild").batch_get_projects(names=[name])["projects"]
    return found["logsConfig"]["cloudWatchLogs"]["status"], found["webhook"]["filterGroups"][0][0]["pattern"]


def _role(**properties: Any) -> Resources:
    made = role("lambda.amazonaws.com")
    made["Properties"] |= properties
    return {"It": made}


def _boundary(client: Client, name: str) -> Any:
    found = client("iam").get_role(RoleName=name)["Role"].get("PermissionsBoundary") or {}
    return found.get("PermissionsBoundaryArn")


ENCRYPTED = {"StreamEncryption": {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}}
READERS = "arn:aws:iam::aws:policy/ReadOnlyAccess"

CASES = {
    "a bucket's older versions": Case(
        rotated(90), (90, 2, 365, 60, ("logs/", 1000)), rotated(91), (91, 2, 365, 60, ("logs/", 1000)), _lifecycle
    ),
    "a stream's encryption": Case(
        {"It": resource("AWS::Kinesis::Stream", ShardCount=1, **ENCRYPTED)}, "KMS",
        {"It": resource("AWS::Kinesis::Stream", ShardCount=1)}, "NONE", _stream,
    ),
    "a table's encryption": Case(
        table(SSESpecification={"SSEEnabled": "true"}), "ENABLED",
        table(SSESpecification={"SSEEnabled": False}), None,
        lambda client, name: _described(client, name).get("SSEDescription", {}).get("Status"),
    ),
    "a table's class": Case(
        table(TableClass="STANDARD_INFREQUENT_ACCESS"), "STANDARD_INFREQUENT_ACCESS",
        table(TableClass="STANDARD"), "STANDARD",
        lambda client, name: _described(client, name)["TableClassSummary"]["TableClass"],
    ),
    "a table's recovery": Case(table(**recovery("true")), "ENABLED", table(), "DISABLED", _recovery),
    "a table's expiry": Case(
        table(**expiring("gone")), ("ENABLED", "gone"), table(), ("DISABLED", "gone"), _expiry
    ),
    "a stage's logs and cache": Case(
        stage("one"), ("one", True, "0.5"), stage("two"), ("two", True, "0.5"), _stage, ref("Api")
    ),
    "where an API's keys are": Case(
        API, "AUTHORIZER", API | {"Api": resource("AWS::ApiGateway::RestApi", Name="api")}, None,
        lambda client, api: client("apigateway").get_rest_api(restApiId=api).get("apiKeySource"), ref("Api"),
    ),
    "an identity pool's tags": Case(_pool("me"), {"owner": "me"}, _pool("you"), {"owner": "you"}, _tags),
    "a project's logs and webhook": Case(
        _build("ENABLED"), ("ENABLED", "ENABLED"), _build("DISABLED"), ("DISABLED", "DISABLED"), _project
    ),
    "a role's boundary": Case(_role(PermissionsBoundary=READERS), READERS, _role(), None, _boundary),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_property_is_described_and_updated(client: Client, deploy: Deploy, case: Case) -> None:
    made = deploy(case.made, it=case.shown)
    assert made["StackStatus"] == "CREATE_COMPLETE", made["Reason"]
    assert case.look(client, made["Values"]["it"]) == case.seen
    changed = deploy(case.changed, it=case.shown)
    assert changed["StackStatus"] == "UPDATE_COMPLETE", changed["Reason"]
    assert changed["Values"] == made["Values"]
    assert case.look(client, made["Values"]["it"]) == case.seen_then


def test_key_of_an_encrypted_stream_must_exist(deploy: Deploy) -> None:
    encryption = {"EncryptionType": "KMS", "KeyId": "alias/none"}
    stack = deploy({"It": resource("AWS::Kinesis::Stream", ShardCount=1, StreamEncryption=encryption)})
    assert "KMSNotFoundException: Key 'alias/none' does not exist" in stack["Reason"]


def test_key_of_an_encrypted_stream_can_be_in_another_account(deploy: Deploy) -> None:
    encryption = {"EncryptionType": "KMS", "KeyId": "arn:aws:kms:us-east-1:999988887777:key/shared"}
    stack = deploy({"It": resource("AWS::Kinesis::Stream", ShardCount=1, StreamEncryption=encryption)})
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]


def test_new_table_does_not_get_the_settings_of_a_deleted_one_with_its_name(client: Client, deploy: Deploy) -> None:
    stack = deploy(table(TableName="named", **recovery("true"), **expiring("gone")))
    client("cloudformation").delete_stack(StackName=stack["StackName"])
    again = deploy(table(TableName="named"), "again")
    assert again["StackStatus"] == "CREATE_COMPLETE", again["Reason"]
    assert _recovery(client, "named") == "DISABLED"


def test_global_table_has_replicas_and_the_settings_of_its_region(client: Client, deploy: Deploy) -> None:
    def replicated(*regions: str) -> Resources:
        here = {"Region": "eu-west-1", **recovery("true"), "Tags": [{"Key": "owner", "Value": "me"}]}
        replicas = [here, *({"Region": region} for region in regions)]
        stream = {"StreamViewType": "NEW_AND_OLD_IMAGES"}
        return {"It": resource("AWS::DynamoDB::GlobalTable", **TABLE, Replicas=replicas, StreamSpecification=stream)}

    made = deploy(replicated("us-east-1"), it=ref("It"), id=attribute("It", "TableId"))
    assert made["StackStatus"] == "CREATE_COMPLETE", made["Reason"]
    name = made["Values"]["it"]
    assert _recovery(client, name) == "ENABLED"
    assert [each["RegionName"] for each in _described(client, name)["Replicas"]] == ["us-east-1"]
    assert client("dynamodb", region="us-east-1").describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE"
    alone = deploy(replicated(), it=ref("It"))
    assert (alone["StackStatus"], alone["Values"]["it"]) == ("UPDATE_COMPLETE", name), alone["Reason"]
    assert client("dynamodb", region="us-east-1").list_tables()["TableNames"] == []


def test_certificate_adds_its_record_to_the_zone_and_removes_it(client: Client, deploy: Deploy) -> None:
    zone = {"Zone": resource("AWS::Route53::HostedZone", Name="shop.test")}
    validation = [{"DomainName": "www.shop.test", "HostedZoneId": ref("Zone")}]
    certificate = resource(
        "AWS::CertificateManager::Certificate", DomainName="www.shop.test", ValidationMethod="DNS",
        DomainValidationOptions=validation,
    )  # fmt: skip
    stack = deploy({**zone, "Certificate": certificate}, zone=ref("Zone"))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]

    def aliases() -> list[str]:
        found = client("route53").list_resource_record_sets(HostedZoneId=stack["Values"]["zone"])["ResourceRecordSets"]
        return [each["Name"] for each in found if each["Type"] == "CNAME"]

    assert [name.endswith(".www.shop.test.") for name in aliases()] == [True]
    assert deploy(zone, zone=ref("Zone"))["StackStatus"] == "UPDATE_COMPLETE"
    assert aliases() == []


@pytest.mark.parametrize(
    ("principal", "status"),
    [("states.eu-west-1.amazonaws.com", "CREATE_COMPLETE"), ("states.us-east-1.amazonaws.com", "ROLLBACK_COMPLETE")],
)
def test_role_of_a_state_machine_can_trust_the_regional_principal(deploy: Deploy, principal: str, status: str) -> None:
    definition = '{"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": true}}}'
    machine = resource(
        "AWS::StepFunctions::StateMachine", DefinitionString=definition, RoleArn=attribute("Role", "Arn")
    )
    stack = deploy({"Role": role(principal), "It": machine})
    assert stack["StackStatus"] == status, stack["Reason"]

"""Types that ministack lacks: managed through the API of their service, or only recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from tests.local.local_aws import Client, Deploy, attribute, ref, resource, role

Resources = dict[str, Any]
Look = Callable[[Client, dict[str, str]], Any]

METRICS = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "m"}
ADDRESSES = {"one": "10.0.0.0/8", "two": "192.168.0.0/16"}
EVERYTHING = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
SUBNETS = {
    "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16"),
    "A": resource("AWS::EC2::Subnet", VpcId=ref("Vpc"), CidrBlock="10.0.0.0/24", AvailabilityZone="eu-west-1a"),
    "B": resource("AWS::EC2::Subnet", VpcId=ref("Vpc"), CidrBlock="10.0.1.0/24", AvailabilityZone="eu-west-1b"),
}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def public(action: str, resource_arn: Any, sid: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource_arn}


@attrs.frozen
class Case:
    """A type: its resources with a word in them, and the description by the service that contains the word."""

    resources: Callable[[str], Resources]
    look: Look
    outputs: dict[str, Any] = attrs.field(factory=lambda: {"it": ref("It")})


def _policies(client: Client, values: dict[str, str]) -> Any:
    found = client("iam").get_group_policy(GroupName=values["it"], PolicyName="own")
    return found["PolicyDocument"]["Statement"][0]["Sid"]


def _selection(word: str) -> Resources:
    rule = {"RuleName": "daily", "TargetBackupVault": ref("Vault")}
    plan = {"BackupPlanName": "plan", "BackupPlanRule": [rule]}
    return {
        "Vault": resource("AWS::Backup::BackupVault", BackupVaultName="vault"),
        "Role": role("backup.amazonaws.com"),
        "Plan": resource("AWS::Backup::BackupPlan", BackupPlan=plan),
        "It": resource(
            "AWS::Backup::BackupSelection",
            BackupPlanId=ref("Plan"),
            BackupSelection={"SelectionName": word, "IamRoleArn": attribute("Role", "Arn"), "Resources": ["*"]},
        ),
    }


def _pool(word: str) -> Resources:
    details = {"client_id": word, "client_secret": "s", "authorize_scopes": "email"}
    return {
        "Pool": resource("AWS::Cognito::UserPool"),
        "It": resource(
            "AWS::Cognito::UserPoolIdentityProvider", UserPoolId=ref("Pool"), ProviderName="Google",
            ProviderType="Google", ProviderDetails=details,
        ),
        "User": resource("AWS::Cognito::UserPoolUser", UserPoolId=ref("Pool"), Username="me"),
        "Group": resource("AWS::Cognito::UserPoolGroup", UserPoolId=ref("Pool"), GroupName="staff"),
        "Member": resource(
            "AWS::Cognito::UserPoolUserToGroupAttachment", UserPoolId=ref("Pool"), GroupName=ref("Group"),
            Username=ref("User"),
        ),
    }  # fmt: skip


def _provider(client: Client, values: dict[str, str]) -> Any:
    named = {"UserPoolId": values["pool"]}
    (group,) = client("cognito-idp").admin_list_groups_for_user(Username="me", **named)["Groups"]
    assert group["GroupName"] == "staff"
    found = client("cognito-idp").describe_identity_provider(ProviderName=values["it"], **named)
    return found["IdentityProvider"]["ProviderDetails"]["client_id"]


def _destination(word: str) -> Resources:
    key = {"ApiKeyAuthParameters": {"ApiKeyName": "key", "ApiKeyValue": "value"}}
    return {
        "Connection": resource("AWS::Events::Connection", AuthorizationType="API_KEY", AuthParameters=key),
        "It": resource(
            "AWS::Events::ApiDestination", ConnectionArn=attribute("Connection", "Arn"), HttpMethod="POST",
            InvocationEndpoint=f"https://example.com/{word}",
        ),
    }  # fmt: skip


def _acl(word: str) -> Resources:
    return {
        "Acl": resource(
            "AWS::WAFv2::WebACL", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=METRICS, Rules=[]
        ),
        "Pool": resource("AWS::Cognito::UserPool"),
        "It": resource(
            "AWS::WAFv2::WebACLAssociation", ResourceArn=attribute("Pool", "Arn"), WebACLArn=attribute("Acl", "Arn")
        ),
        "Set": resource("AWS::WAFv2::IPSet", Scope="REGIONAL", IPAddressVersion="IPV4", Addresses=[ADDRESSES[word]]),
    }


def _protected(client: Client, values: dict[str, str]) -> Any:
    found = client("wafv2").get_web_acl_for_resource(ResourceArn=values["pool"])["WebACL"]
    assert found["ARN"] == values["acl"]
    name, identity, scope = values["set"].split("|")
    addresses = client("wafv2").get_ip_set(Name=name, Id=identity, Scope=scope)["IPSet"]["Addresses"]
    return next(word for word, address in ADDRESSES.items() if [address] == addresses)


def _stream(word: str) -> Resources:
    arn = attribute("Stream", "Arn")
    return {
        "Stream": resource("AWS::Kinesis::Stream", ShardCount=1),
        "Consumer": resource("AWS::Kinesis::StreamConsumer", ConsumerName="reader", StreamARN=arn),
        "It": resource(
            "AWS::Kinesis::ResourcePolicy", ResourceArn=arn,
            ResourcePolicy=document(public("kinesis:GetRecords", arn, word)),
        ),
    }  # fmt: skip


def _proxy(word: str) -> Resources:
    auth = [{"AuthScheme": "SECRETS", "IAMAuth": "DISABLED", "SecretArn": ref("Secret")}]
    return {
        **SUBNETS,
        "Role": role("rds.amazonaws.com"),
        "Secret": resource("AWS::SecretsManager::Secret"),
        "Cluster": resource("AWS::RDS::DBCluster", Engine="aurora-postgresql", ManageMasterUserPassword=True,
                            MasterUsername="me", EnableCloudwatchLogsExports=[word]),
        "It": resource(
            "AWS::RDS::DBProxy", DBProxyName="proxy", EngineFamily="POSTGRESQL", Auth=auth,
            RoleArn=attribute("Role", "Arn"), VpcSubnetIds=[ref("A"), ref("B")], DebugLogging=word == "two",
        ),
        "Targets": resource(
            "AWS::RDS::DBProxyTargetGroup", DBProxyName=ref("It"), TargetGroupName="default",
            DBClusterIdentifiers=[ref("Cluster")], ConnectionPoolConfigurationInfo={"MaxConnectionsPercent": 50},
        ),
    }  # fmt: skip


def _proxied(client: Client, values: dict[str, str]) -> Any:
    (proxy,) = client("rds").describe_db_proxies(DBProxyName=values["it"])["DBProxies"]
    secret = client("secretsmanager").get_secret_value(SecretId=values["secret"])["SecretString"]
    assert '"username": "me"' in secret
    return "two" if proxy["DebugLogging"] else "one"


def _secret(word: str) -> Resources:
    return {
        "It": resource("AWS::SecretsManager::Secret"),
        "Policy": resource(
            "AWS::SecretsManager::ResourcePolicy", SecretId=ref("It"),
            ResourcePolicy=document(public("secretsmanager:GetSecretValue", "*", word)),
        ),
        "Rotation": resource(
            "AWS::SecretsManager::RotationSchedule", SecretId=ref("It"),
            RotationRules={"AutomaticallyAfterDays": 30},
        ),
    }  # fmt: skip


def _rotating(client: Client, values: dict[str, str]) -> Any:
    found = client("secretsmanager").describe_secret(SecretId=values["it"])
    assert (found["RotationEnabled"], found["RotationRules"]["AutomaticallyAfterDays"]) == (True, 30)
    policy = client("secretsmanager").get_resource_policy(SecretId=values["it"])["ResourcePolicy"]
    return "two" if '"two"' in policy else "one"


CASES = {
    "an activity": Case(
        lambda word: {"It": resource("AWS::StepFunctions::Activity", Name=word)},
        lambda client, values: client("stepfunctions").describe_activity(activityArn=values["it"])["name"],
    ),
    "a backup selection": Case(
        _selection,
        lambda client, values: client("backup").get_backup_selection(
            BackupPlanId=values["plan"], SelectionId=values["it"]
        )["BackupSelection"]["SelectionName"],
        {"it": ref("It"), "plan": ref("Plan")},
    ),
    "a rule of Config": Case(
        lambda word: {
            "It": resource(
                "AWS::Config::ConfigRule", Description=word,
                Source={"Owner": "AWS", "SourceIdentifier": "ACCESS_KEYS_ROTATED"},
            )
        },
        lambda client, values: client("config").describe_config_rules(ConfigRuleNames=[values["it"]])["ConfigRules"][
            0
        ]["Description"],
    ),
    "a job definition": Case(
        lambda word: {
            "It": resource(
                "AWS::Batch::JobDefinition", Type="container", ContainerProperties={"Image": word, "Command": ["run"]}
            )
        },
        lambda client, values: client("batch").describe_job_definitions(jobDefinitions=[values["it"]])[
            "jobDefinitions"
        ][-1]["containerProperties"]["image"],
    ),
    "a workflow": Case(
        lambda word: {"It": resource("AWS::Glue::Workflow", Description=word)},
        lambda client, values: client("glue").get_workflow(Name=values["it"])["Workflow"]["Description"],
    ),
    "a health check": Case(
        lambda word: {
            "It": resource(
                "AWS::Route53::HealthCheck",
                HealthCheckConfig={"Type": "HTTP", "FullyQualifiedDomainName": "a.test", "ResourcePath": f"/{word}"},
            )
        },
        lambda client, values: client("route53").get_health_check(HealthCheckId=values["it"])["HealthCheck"][
            "HealthCheckConfig"
        ]["ResourcePath"].strip("/"),
    ),
    "a stream's policy": Case(
        _stream,
        lambda client, values: "two" if '"two"' in client("kinesis").get_resource_policy(ResourceARN=values["it"])[
            "Policy"
        ] else "one",
    ),
    "a secret's policy and rotation": Case(_secret, _rotating),
    "a user pool's provider, user and group": Case(_pool, _provider, {"it": ref("It"), "pool": ref("Pool")}),
    "an archive": Case(
        lambda word: {
            "Bus": resource("AWS::Events::EventBus", Name="bus"),
            "It": resource("AWS::Events::Archive", SourceArn=attribute("Bus", "Arn"), Description=word),
        },
        lambda client, values: client("events").describe_archive(ArchiveName=values["it"])["Description"],
    ),
    "an API destination": Case(
        _destination,
        lambda client, values: client("events").describe_api_destination(Name=values["it"])[
            "InvocationEndpoint"
        ].rpartition("/")[2],
    ),
    "a bus's policy": Case(
        lambda word: {
            "Bus": resource("AWS::Events::EventBus", Name="open"),
            "It": resource(
                "AWS::Events::EventBusPolicy", EventBusName=ref("Bus"), StatementId="own",
                Statement={"Effect": "Allow", "Principal": word, "Action": "events:PutEvents",
                           "Resource": attribute("Bus", "Arn")},
            ),
        },
        lambda client, _: "two" if '"two"' in client("events").describe_event_bus(Name="open")["Policy"] else "one",
    ),
    "a web ACL's resource": Case(
        _acl, _protected, {"pool": attribute("Pool", "Arn"), "acl": attribute("Acl", "Arn"), "set": ref("Set")}
    ),
    "a proxy of a cluster": Case(
        _proxy, _proxied, {"it": ref("It"), "secret": attribute("Cluster", "MasterUserSecret.SecretArn")}
    ),
    "a group of users": Case(
        lambda word: {
            "User": resource("AWS::IAM::User"),
            "Key": resource("AWS::IAM::AccessKey", UserName=ref("User")),
            "It": resource(
                "AWS::IAM::Group",
                Policies=[{"PolicyName": "own", "PolicyDocument": document({"Sid": word, **EVERYTHING})}],
            ),
            "Members": resource("AWS::IAM::UserToGroupAddition", GroupName=ref("It"), Users=[ref("User")]),
        },
        _policies,
    ),
    "an OpenID Connect provider": Case(
        lambda word: {
            "It": resource("AWS::IAM::OIDCProvider", Url="https://example.com", ClientIdList=[word])
        },
        lambda client, values: client("iam").get_open_id_connect_provider(OpenIDConnectProviderArn=values["it"])[
            "ClientIDList"
        ][0],
    ),
    "records of a zone": Case(
        lambda word: {
            "Zone": resource("AWS::Route53::HostedZone", Name="shop.test"),
            "Group": resource(
                "AWS::Route53::RecordSetGroup", HostedZoneId=ref("Zone"),
                RecordSets=[{"Name": f"{word}.shop.test", "Type": "A", "TTL": "60", "ResourceRecords": ["10.0.0.1"]}],
            ),
        },
        lambda client, values: next(
            each["Name"].partition(".")[0]
            for each in client("route53").list_resource_record_sets(HostedZoneId=values["zone"])["ResourceRecordSets"]
            if each["Type"] == "A"
        ),
        {"zone": ref("Zone")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_type_is_created_updated_and_deleted(
    client: Client, deploy: Deploy, remove: Callable[[str], None], case: Case
) -> None:
    for word, status in (("one", "CREATE_COMPLETE"), ("two", "UPDATE_COMPLETE")):
        stack = deploy(case.resources(word), **case.outputs)
        assert stack["StackStatus"] == status, stack["Reason"]
        assert case.look(client, stack["Values"]) == word
    remove(stack["StackName"])


def test_recorded_type_is_checked_against_its_schema_and_has_its_attributes(deploy: Deploy) -> None:
    repository = resource("AWS::CodeCommit::Repository", RepositoryName="code")
    stack = deploy({"It": repository}, arn=attribute("It", "Arn"), name=attribute("It", "Name"), id=ref("It"))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    assert stack["Values"]["arn"] == "arn:aws:codecommit:eu-west-1:111111111111:code"
    assert stack["Values"]["name"] == "code" != stack["Values"]["id"]
    described = resource("AWS::CodeCommit::Repository", RepositoryName="code", RepositoryDescription="d")
    changed = deploy({"It": described}, arn=attribute("It", "RepositoryId"), id=ref("It"))
    assert changed["StackStatus"] == "UPDATE_COMPLETE", changed["Reason"]
    assert changed["Values"]["arn"] == changed["Values"]["id"] == stack["Values"]["id"]
    wrong = deploy({"It": resource("AWS::CodeCommit::Repository", RepositoryNam="code")}, "-wrong")
    assert "RepositoryNam does not exist; did you mean RepositoryName?" in wrong["Reason"]


@pytest.mark.parametrize(("zone", "status"), [("Z0123456789ABC", "CREATE_COMPLETE"), ("zone", "ROLLBACK_COMPLETE")])
def test_zone_of_a_record_can_be_imported_by_its_id(client: Client, deploy: Deploy, zone: str, status: str) -> None:
    record = {"Name": "www.imported.test", "Type": "A", "TTL": "60", "ResourceRecords": ["10.0.0.1"]}
    stack = deploy({"It": resource("AWS::Route53::RecordSet", HostedZoneId=zone, **record)})
    assert stack["StackStatus"] == status, stack["Reason"]
    if status == "CREATE_COMPLETE":
        assert client("route53").get_hosted_zone(Id=zone)["HostedZone"]["Name"] == "imported.test."


def test_generated_name_of_a_parameter_is_not_reserved(deploy: Deploy) -> None:
    stack = deploy({"It": resource("AWS::SSM::Parameter", Type="String", Value="a")}, it=ref("It"))
    assert stack["Values"]["it"].startswith("CFN-It-")

"""A secret or a parameter that changes starts a new deployment, by the events that AWS documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm

from moorage import Cluster, Container, Scaling, Service, Task, Worker
from moorage.ecs.service.secret_rotation import change_pattern
from moorage.testing import readable_template
from tests.conftest import template
from tests.event_patterns import matches

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

ARN = "arn:aws:secretsmanager:us-west-2:012345678901:secret:mySecret-a1b2c3"
PARAMETER = "arn:aws:ssm:us-east-1:123456789012:parameter/foo"


def label_updated(arn: str = ARN, name: str = "mySecret", label: str = "AWSCURRENT") -> dict[str, Any]:
    """Return the sample of the Secrets Manager user guide, "Secret Label Updated event"."""
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "Secret Label Updated",
        "source": "aws.secretsmanager",
        "account": "012345678901",
        "time": "2024-02-06T16:43:48Z",
        "region": "us-west-2",
        "resources": [arn],
        "detail": {"name": name, "labelUpdated": label, "versionId": "a1b2c3d4-5678-90ab-cdef-EXAMPLE11111"},
    }


def parameter_change(arn: str = PARAMETER, operation: str = "Update") -> dict[str, Any]:
    """Return the sample of the EventBridge user guide, "SSM Parameter Store event types"."""
    return {
        "version": "0",
        "id": "9547ef2d-3b7e-4057-b6cb-5fdf09ee7c8f",
        "detail-type": "Parameter Store Change",
        "source": "aws.ssm",
        "account": "123456789012",
        "time": "2017-05-22T16:44:48Z",
        "region": "us-east-1",
        "resources": [arn],
        "detail": {"operation": operation, "name": "foo", "type": "String", "description": "Sample Parameter"},
    }


def complete(stack: cdk.Stack) -> secretsmanager.ISecret:
    return secretsmanager.Secret.from_secret_complete_arn(stack, "Secret", ARN)


def by_name(stack: cdk.Stack) -> secretsmanager.ISecret:
    return secretsmanager.Secret.from_secret_name_v2(stack, "Secret", "mySecret")


def field(stack: cdk.Stack) -> ecs.Secret:
    return ecs.Secret.from_secrets_manager(complete(stack), "password")


def version(**told: str) -> Callable[[cdk.Stack], ecs.Secret]:
    return lambda stack: ecs.Secret.from_secrets_manager_version(complete(stack), ecs.SecretVersionInfo(**told))


def parameter(stack: cdk.Stack) -> ssm.IParameter:
    return ssm.StringParameter.from_string_parameter_arn(stack, "Parameter", PARAMETER)


@pytest.mark.parametrize(
    "secret",
    [
        complete,
        by_name,
        field,
        version(version_stage="AWSCURRENT"),
        version(version_stage="AWSPENDING"),
        version(version_stage="AWSPREVIOUS"),
    ],
)
def test_the_pattern_matches_a_new_current_version_of_the_secret_and_no_other(stack: cdk.Stack, secret: Any) -> None:
    pattern = change_pattern([secret(stack)])
    assert matches(pattern, label_updated())
    assert not matches(pattern, label_updated(label="CANARY"))
    assert not matches(pattern, label_updated(ARN.replace("mySecret-", "mySecret-2-"), "mySecret-2"))
    assert not matches(pattern, parameter_change())


def test_the_pattern_matches_a_move_of_a_custom_stage(stack: cdk.Stack) -> None:
    pattern = change_pattern([version(version_stage="CANARY")(stack)])
    assert matches(pattern, label_updated(label="CANARY"))
    assert not matches(pattern, label_updated())


def test_the_pattern_matches_an_update_of_a_parameter(stack: cdk.Stack) -> None:
    for secret in (parameter(stack), ecs.Secret.from_ssm_parameter(parameter(cdk.Stack(stack, "Other")))):
        pattern = change_pattern([secret])
        assert matches(pattern, parameter_change())
        assert not matches(pattern, parameter_change(operation="LabelParameterVersion"))
        assert not matches(pattern, parameter_change(f"{PARAMETER}2"))


def test_one_rule_covers_secrets_and_parameters(stack: cdk.Stack) -> None:
    pattern = change_pattern([complete(stack), parameter(stack)])
    assert matches(pattern, label_updated())
    assert matches(pattern, parameter_change())


def test_a_version_id_has_no_pattern(stack: cdk.Stack) -> None:
    assert change_pattern([version(version_id="a1b2c3d4-5678-90ab-cdef-EXAMPLE11111")(stack)]) is None


@pytest.fixture
def service(stack: cdk.Stack, vpc: ec2.IVpc) -> Service:
    task = Task(Container("redis:8", secrets={"PASSWORD": secretsmanager.Secret(stack, "Secret")}))
    cluster = Cluster.from_attributes(stack, "Cluster", cluster_name="shop", vpc=vpc)
    return Service(stack, "Web", cluster=cluster, task=task)


def test_whole_template(stack: cdk.Stack, service: Service, template_snapshot: SnapshotAssertion) -> None:
    service.redeploy_on_rotation()
    assert readable_template(stack) == template_snapshot


def test_a_new_value_deploys_only_this_service(stack: cdk.Stack, service: Service) -> None:
    service.redeploy_on_rotation()
    made = template(stack)
    (secret,) = made.find_resources("AWS::SecretsManager::Secret")
    (web,) = made.find_resources("AWS::ECS::Service")
    (rule,) = made.find_resources("AWS::Events::Rule").values()
    assert rule["Properties"]["EventPattern"]["resources"] == [{"Ref": secret}]
    (machine,) = made.find_resources("AWS::StepFunctions::StateMachine").values()
    parts = machine["Properties"]["DefinitionString"]["Fn::Join"][1]
    text = "".join(each if isinstance(each, str) else f"<{json.dumps(each)}>".replace('"', "'") for each in parts)
    (deploy,) = json.loads(text)["States"].values()
    assert deploy["Resource"].endswith(":states:::aws-sdk:ecs:updateService")
    assert deploy["Parameters"]["ForceNewDeployment"] is True
    assert deploy["Parameters"]["Service"] == f"<{{'Fn::GetAtt': ['{web}', 'Name']}}>"
    roles = made.find_resources("AWS::IAM::Role")
    may = [
        (statement["Action"], statement["Resource"])
        for name, role in roles.items()
        if "Rotation" in name
        for policy in role["Properties"].get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    assert [action for action, _ in may] == ["ecs:UpdateService", "states:StartExecution"]
    assert may[0][1] == {"Ref": web}


def test_failed_starts_go_to_a_queue_that_allows_the_rule(stack: cdk.Stack, service: Service) -> None:
    service.redeploy_on_rotation()
    made = template(stack)
    (queue,) = made.find_resources("AWS::SQS::Queue")
    (name, rule), *others = made.find_resources("AWS::Events::Rule").items()
    assert not others
    assert rule["Properties"]["Targets"][0]["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": [queue, "Arn"]}}
    (policy,) = made.find_resources("AWS::SQS::QueuePolicy").values()
    (sends,) = [each for each in policy["Properties"]["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]
    assert sends["Principal"] == {"Service": "events.amazonaws.com"}
    assert sends["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [name, "Arn"]}}}


def test_a_key_encrypts_the_events_of_failed_starts(stack: cdk.Stack, service: Service) -> None:
    key = kms.Key(stack, "Key")
    service.redeploy_on_rotation(encryption_key=key)
    found = template(stack)
    (queue,) = found.find_resources("AWS::SQS::Queue").values()
    (logical_id,) = found.find_resources("AWS::KMS::Key")
    assert queue["Properties"]["KmsMasterKeyId"] == {"Fn::GetAtt": [logical_id, "Arn"]}
    (policy,) = (each["Properties"]["KeyPolicy"] for each in found.find_resources("AWS::KMS::Key").values())
    (statement,) = (each for each in policy["Statement"] if each["Principal"] == {"Service": "events.amazonaws.com"})
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]


def test_the_key_of_failed_starts_must_be_in_the_region(app: cdk.App) -> None:
    here = cdk.Stack(app, "Here", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    there = cdk.Stack(app, "There", env=cdk.Environment(account="111111111111", region="us-east-1"))
    secret = secretsmanager.Secret(here, "Secret")
    task = Task(Container("redis:8", secrets={"PASSWORD": secret}))
    service = Service(here, "Web", cluster=Cluster(here, "Cluster", vpc=ec2.Vpc(here, "Vpc")), task=task)
    with pytest.raises(ValueError, match=r"encryption_key must be in region eu-west-1.*\(got region us-east-1\)"):
        service.redeploy_on_rotation(encryption_key=kms.Key(there, "Key"))
    service.redeploy_on_rotation(encryption_key=kms.Key(here, "Key"))


def test_the_service_of_a_worker_redeploys_as_well(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    task = Task(Container("redis:8", secrets={"KEY": parameter(stack)}))
    scaling = Scaling(0, 2, backlog_per_task=9)
    worker = Worker(stack, "Mailer", cluster=Cluster(stack, "Cluster", vpc=vpc), task=task, scaling=scaling)
    rule = worker.service.redeploy_on_rotation()
    assert matches(rule.event_pattern, parameter_change())


@pytest.mark.parametrize("secrets", [{}, {"PINNED": version(version_id="1")}])
def test_redeploying_without_changeable_values_is_refused(
    stack: cdk.Stack, vpc: ec2.IVpc, secrets: dict[str, Any]
) -> None:
    task = Task(Container("redis:8", secrets={name: define(stack) for name, define in secrets.items()}))
    web = Service(stack, "Web", cluster=Cluster(stack, "Cluster", vpc=vpc), task=task)
    with pytest.raises(ValueError, match=r"Shop/Web: redeploy_on_rotation\(\) has no effect, .*; use Container"):
        web.redeploy_on_rotation()
    assert web.node.try_find_child("Rotation") is None


def test_a_secret_of_another_account_is_refused(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Here", env=cdk.Environment(account="111111111111", region="us-west-2"))
    cluster = Cluster(stack, "Cluster", vpc=ec2.Vpc(stack, "Vpc"))
    web = Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8", secrets={"KEY": complete(stack)})))
    with pytest.raises(ValueError, match=r"secret 'KEY' must be in account 1{12} \(got 012345678901\), since another"):
        web.redeploy_on_rotation()


def test_a_secret_of_another_region_is_refused(app: cdk.App) -> None:
    account = "123456789012"
    stack = cdk.Stack(app, "Here", env=cdk.Environment(account=account, region="eu-west-1"))
    there = cdk.Stack(app, "There", env=cdk.Environment(account=account, region="us-east-1"))
    cluster = Cluster(stack, "Cluster", vpc=ec2.Vpc(stack, "Vpc"))
    web = Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8", secrets={"KEY": parameter(there)})))
    with pytest.raises(ValueError, match=r"secret 'KEY' must be in region eu-west-1 \(got us-east-1\), since another"):
        web.redeploy_on_rotation()


def test_a_second_call_returns_the_same_rule(stack: cdk.Stack, service: Service) -> None:
    assert service.redeploy_on_rotation() is service.redeploy_on_rotation()
    template(stack).resource_count_is("AWS::Events::Rule", 1)


def test_the_service_is_identified_by_an_arn_with_the_cluster(stack: cdk.Stack, service: Service) -> None:
    service.redeploy_on_rotation()
    policies = json.dumps(template(stack).find_resources("AWS::IAM::Role"))
    assert "ecs:UpdateService" in policies
    assert "ecs:cluster" not in policies

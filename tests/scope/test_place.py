"""The check that things are in the place of the construct that uses them."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from constructs import Construct, IConstruct

from moorage.scope.place import are_different_vpcs, check_in_vpc, check_place
from moorage.workload.problems import Problems, is_token

OWN = cdk.Environment(account="111111111111", region="eu-west-1")


def stack(app: Construct, name: str = "Own", env: cdk.Environment | None = OWN) -> cdk.Stack:
    return cdk.Stack(app, name, env=env)


def problems_of(thing: IConstruct | str, scope: Construct, **allowed: bool) -> list[str]:
    problems = Problems("It")
    check_place(problems, "thing", thing, scope, **allowed)
    return problems.messages


OTHER_REGION = [
    lambda scope: acm.Certificate.from_certificate_arn(scope, "T", "arn:aws:acm:us-east-1:111111111111:certificate/a"),
    lambda scope: sqs.Queue.from_queue_arn(scope, "T", "arn:aws:sqs:us-east-1:111111111111:jobs"),
    lambda scope: sns.Topic.from_topic_arn(scope, "T", "arn:aws:sns:us-east-1:111111111111:alarms"),
    lambda scope: kms.Key.from_key_arn(scope, "T", "arn:aws:kms:us-east-1:111111111111:key/a"),
    lambda scope: secretsmanager.Secret.from_secret_complete_arn(
        scope, "T", "arn:aws:secretsmanager:us-east-1:111111111111:secret:a-AbCdEf"
    ),
    lambda scope: cloudwatch.Alarm.from_alarm_arn(scope, "T", "arn:aws:cloudwatch:us-east-1:111111111111:alarm:a"),
    lambda _: "arn:aws:wafv2:us-east-1:111111111111:regional/webacl/a/b",
    lambda scope: sqs.Queue(
        stack(scope.node.root, "Other", cdk.Environment(account=OWN.account, region="us-east-1")), "T"
    ),
]


@pytest.mark.parametrize("make", OTHER_REGION)
def test_things_in_another_region_are_refused(make: object) -> None:
    scope = stack(cdk.App())
    thing = make(scope)  # type: ignore[operator]  # a lambda of the table
    assert problems_of(thing, scope) == [
        "thing must be in region eu-west-1, the region of the stack that uses it (got region us-east-1); "
        "use a resource in region eu-west-1"
    ]
    assert problems_of(thing, scope, across_regions=True) == []


def test_things_in_another_account_are_refused_unless_aws_allows_them() -> None:
    scope = stack(cdk.App())
    thing = sqs.Queue.from_queue_arn(scope, "T", "arn:aws:sqs:eu-west-1:222222222222:jobs")
    assert "account 222222222222" in problems_of(thing, scope)[0]
    assert problems_of(thing, scope, across_accounts=True) == []


def test_unknown_places_pass() -> None:
    app = cdk.App()
    scope = stack(app)
    agnostic = stack(app, "Agnostic", None)
    elsewhere = sqs.Queue(stack(app, "Other", cdk.Environment(account="222222222222", region="us-east-1")), "T")
    assert problems_of(sqs.Queue(agnostic, "T"), scope) == []
    assert problems_of(elsewhere, agnostic) == []
    assert problems_of(s3.Bucket.from_bucket_name(scope, "B", "files"), scope) == []
    assert problems_of(sns.Topic(scope, "Topic").topic_arn, scope) == []
    assert problems_of(sqs.Queue(scope, "Q"), scope) == []


def test_things_of_another_stage_are_refused_and_imported_ones_pass() -> None:
    app = cdk.App()
    test, live = cdk.Stage(app, "Test"), cdk.Stage(app, "Live")
    test_stack, live_stack = stack(test), stack(live)
    assert problems_of(sqs.Queue(test_stack, "T"), live_stack) == [
        "thing must be in the stage 'Live', the stage of the construct that uses it (got stage 'Test'); "
        "define the resource in each stage, or import it by its name or ARN"
    ]
    imported = sqs.Queue.from_queue_arn(test_stack, "Q", "arn:aws:sqs:eu-west-1:111111111111:jobs")
    assert problems_of(imported, live_stack) == []


def test_vpcs_differ_if_both_are_known() -> None:
    app = cdk.App()
    scope = stack(app)
    first, second = ec2.Vpc(scope, "A"), ec2.Vpc(scope, "B")
    imported = ec2.Vpc.from_vpc_attributes(scope, "C", vpc_id="vpc-0a1b2c3d", availability_zones=["eu-west-1a"])
    same = ec2.Vpc.from_vpc_attributes(scope, "D", vpc_id="vpc-0a1b2c3d", availability_zones=["eu-west-1a"])
    looked_up = ec2.Vpc.from_lookup(scope, "E", is_default=True)
    assert are_different_vpcs(first, second)
    assert are_different_vpcs(first, imported)
    assert not are_different_vpcs(first, first)
    assert not are_different_vpcs(imported, same)
    assert not are_different_vpcs(first, looked_up)
    assert not are_different_vpcs(imported, looked_up)
    problems = Problems("It")
    stray = second.private_subnets[0]
    by_its_id = ec2.Subnet.from_subnet_id(scope, "F", "subnet-0a1b2c3d")
    check_in_vpc(problems, "vpc_subnets", [first.private_subnets[0], stray, by_its_id], first)
    assert problems.messages == [
        "vpc_subnets must be in the VPC Own/A (got Own/B/PrivateSubnet1 in another VPC); use a resource in that VPC"
    ]


def test_a_value_that_is_not_looked_up_yet_has_no_place() -> None:
    scope = stack(cdk.App())
    vpc = ec2.Vpc.from_lookup(scope, "V", is_default=True)
    listener = elbv2.ApplicationListener.from_lookup(scope, "L", load_balancer_tags={"a": "b"})
    assert is_token(vpc.vpc_id)
    assert is_token(vpc.vpc_cidr_block)
    assert is_token(vpc.private_subnets[0].subnet_id)
    assert is_token(ec2.SecurityGroup.from_lookup_by_id(scope, "S", "sg-0a1b2c3d").security_group_id)
    assert is_token(ec2.SecurityGroup.from_lookup_by_name(scope, "N", "web", vpc).security_group_id)
    assert is_token(ec2.PrefixList.from_lookup(scope, "P", prefix_list_name="a").prefix_list_id)
    assert is_token(ssm.StringParameter.value_from_lookup(scope, "/a"))
    assert is_token(listener.listener_arn)
    assert problems_of(listener, scope) == []
    assert not is_token("vpc-0a1b2c3d")
    assert not is_token("sg-12345678a")


def test_a_resource_that_is_looked_up_by_name_has_no_place_yet() -> None:
    scope = stack(cdk.App())
    assert problems_of(iam.Role.from_lookup(scope, "Role", role_name="tls"), scope) == []
    assert problems_of(ecr.Repository.from_lookup(scope, "Images", repository_name="shop/web"), scope) == []

"""The judge of what opens: its rules and their order, strange templates, and programs of CDK."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from moorage.assembly.cloud_assembly import Stack, stacks_of
from moorage.review.comparison import Comparison, compare
from moorage.review.finding import Kind
from moorage.review.opened.opened import RULES, opened
from tests.review.opened.openings import findings, sentences
from tests.review.templates import compared, stacks

STRANGE = [
    None,
    [],
    {},
    7,
    True,
    "text",
    [[["nested"]]],
    {"Ref": "AWS::NoValue"},
    {"Ref": "Missing"},
    {"Fn::If": ["A", {"Ref": "AWS::NoValue"}, ["one", {"two": 2}]]},
    {"Fn::If": "broken"},
    {"Fn::GetAtt": "X.Y"},
    {"Fn::GetAtt": ["X", {"Ref": "Y"}]},
    {"Fn::Sub": ["${A.B} ${!C} ${D}", {"D": {"Ref": "E"}}]},
    {"Fn::Sub": 7},
    {"Fn::Join": ["", {"Ref": "List"}]},
    {"Fn::Select": [9, ["one"]]},
    {"Fn::ImportValue": {"Fn::Sub": "${A}-b"}},
    {"Fn::GetStackOutput": {"StackName": "Other", "OutputName": "Arn"}},
    {"Fn::Transform": {"Name": "AWS::Include"}},
    [{"Fn::If": ["A", {"Effect": "Allow"}, 7]}, None, {"Effect": {"Ref": "Effect"}}],
]
TYPES = {
    "AWS::IAM::Role": ["AssumeRolePolicyDocument", "Policies", "ManagedPolicyArns", "RoleName"],
    "AWS::IAM::ManagedPolicy": ["PolicyDocument", "Roles"],
    "AWS::S3::Bucket": ["PublicAccessBlockConfiguration", "AccessControl"],
    "AWS::S3::BucketPolicy": ["PolicyDocument", "Bucket"],
    "AWS::KMS::Key": ["KeyPolicy"],
    "AWS::SQS::QueuePolicy": ["PolicyDocument", "Queues"],
    "AWS::Lambda::Permission": ["Principal", "Action", "FunctionName", "SourceArn"],
    "AWS::Lambda::Url": ["AuthType", "TargetFunctionArn"],
    "AWS::Events::EventBusPolicy": ["Statement", "EventBusName"],
    "AWS::EC2::SecurityGroup": ["SecurityGroupIngress", "SecurityGroupEgress"],
    "AWS::EC2::SecurityGroupIngress": ["GroupId", "IpProtocol", "FromPort", "CidrIp", "SourceSecurityGroupId"],
    "AWS::EC2::VPCPeeringConnection": ["VpcId", "PeerVpcId", "PeerOwnerId"],
    "AWS::ECS::Service": ["NetworkConfiguration"],
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ["Scheme", "SecurityGroups", "Type"],
    "AWS::ElasticLoadBalancingV2::Listener": ["Port", "Protocol", "SslPolicy", "LoadBalancerArn", "DefaultActions"],
    "AWS::ApiGateway::Method": ["HttpMethod", "RestApiId", "ResourceId", "AuthorizationType"],
    "AWS::WAFv2::WebACLAssociation": ["ResourceArn"],
    "AWS::CloudFront::Distribution": ["DistributionConfig"],
    "Custom::Unknown": ["Policy"],
}


@pytest.mark.parametrize("value", STRANGE, ids=str)
def test_a_strange_template_is_no_error_and_equals_itself(value: Any) -> None:
    strange: dict[str, Any] = {
        f"It{number}": {"Type": kind, "Properties": dict.fromkeys(names, value)}
        for number, (kind, names) in enumerate(TYPES.items())
    }
    strange |= {f"Bare{number}": {"Type": kind, "Properties": value} for number, kind in enumerate(TYPES)}
    strange |= {f"None{number}": {"Type": kind} for number, kind in enumerate(TYPES)}
    strange["Fn::ForEach::Topics"] = ["Name", ["A"], {"Topic${Name}": {"Type": "AWS::SNS::Topic"}}]
    plain = {name: {"Type": each["Type"]} for name, each in strange.items() if isinstance(each, dict)}
    assert findings(strange, strange) == []
    for base, head in ((plain, strange), (strange, plain), ({}, strange), (None, strange)):
        for found in findings(base, head):
            assert found.rule in RULES
            assert found.sentence.endswith(".")


def test_references_that_refer_to_each_other_end() -> None:
    comparison = compared({"Shop": {}}, {"Shop": {"P": {"Type": "AWS::SNS::TopicPolicy"}}})
    stack = comparison.stacks[0].after
    assert stack
    loop = {"Fn::GetStackOutput": {"StackName": "Shop", "OutputName": "Loop"}}
    policy = {"Topics": [loop], "PolicyDocument": {"Statement": {"Effect": "Allow", "Principal": loop, "Action": loop}}}
    template = {
        "Resources": {"P": {"Type": "AWS::SNS::TopicPolicy", "Properties": policy}},
        "Outputs": {"Loop": {"Value": loop}},
    }
    list(opened(compare([], [attrs.evolve(stack, template=template)])))


def test_the_most_serious_rule_comes_first_and_every_rule_has_a_meaning() -> None:
    base = {"Role": {"Type": "AWS::IAM::Role"}, "Web": {"Type": "AWS::EC2::SecurityGroup"}}
    statement = {"Effect": "Allow", "Action": ["s3:Get*", "*"], "Resource": "*"}
    policies = [{"PolicyName": "A", "PolicyDocument": {"Statement": [statement]}}]
    rules = [
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "10.0.0.0/8"},
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"},
    ]
    head = {
        "Web": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupIngress": rules}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"Policies": policies}},
    }
    found = [rule for rule, _ in sentences(base, head)]
    assert found == ["iam-admin", "internet", "iam-broadened", "security-group"]
    assert found == sorted(found, key=lambda rule: list(RULES).index(f"opened/{rule}"))
    assert all(rule.startswith("opened/") and meaning.endswith(".") for rule, meaning in RULES.items())


def test_a_finding_names_its_stack_and_the_resource_with_its_line() -> None:
    base = {"Role": {"Type": "AWS::IAM::Role"}}
    policies = [{"PolicyDocument": {"Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}}]
    (found,) = findings(base, {"Role": {"Type": "AWS::IAM::Role", "Properties": {"Policies": policies}}})
    assert (found.kind, found.stack, found.path) == (Kind.OPENED, "Shop", "Shop/Role")
    assert found.resource
    assert found.resource.logical_id == "Role"


METADATA = {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}
"""The context that the cdk CLI gives."""


def program(define: Callable[[cdk.Stack], None], folder: Path) -> tuple[Stack, ...]:
    app = cdk.App(outdir=str(folder), analytics_reporting=False, context=METADATA)
    define(cdk.Stack(app, "Shop", env=cdk.Environment(account="111111111111", region="eu-west-1")))
    app.synth()
    return stacks_of(folder)


def changed(folder: Path, before: Callable[[cdk.Stack], None], after: Callable[[cdk.Stack], None]) -> Comparison:
    return compare(program(before, folder / "base"), program(after, folder / "head"))


def test_a_program_that_grants_writing_opens_only_what_reading_did_not_allow(tmp_path: Path) -> None:
    def define(stack: cdk.Stack, *, write: bool) -> None:
        bucket = s3.Bucket(stack, "Images", encryption_key=kms.Key(stack, "Key"))
        role = iam.Role(stack, "Web", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
        if write:
            bucket.grant_read_write(role)
        else:
            bucket.grant_read(role)

    narrow, wide = (lambda stack: define(stack, write=False)), (lambda stack: define(stack, write=True))
    (found,) = opened(changed(tmp_path, narrow, wide))
    assert found.rule == "opened/iam-broadened"
    assert found.sentence.startswith("The IAM role Shop/Web may now call kms:Encrypt, ")
    said = "; ".join(found.details)
    assert "s3:PutObject" in said
    assert "kms:Decrypt" not in said
    assert "s3:GetObject*" not in said
    assert "Shop/Images/*" in said
    assert list(opened(changed(tmp_path / "back", wide, narrow))) == []


def test_a_program_that_opens_a_port_says_the_port_the_peer_and_the_group(tmp_path: Path) -> None:
    def define(stack: cdk.Stack, *, ports: tuple[int, ...], inline: bool = True) -> None:
        vpc = ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=0)
        web = ec2.SecurityGroup(stack, "Web", vpc=vpc, disable_inline_rules=not inline)
        db = ec2.SecurityGroup(stack, "Db", vpc=vpc, allow_all_outbound=False)
        db.connections.allow_from(web, ec2.Port.tcp(5432))
        for port in ports:
            web.connections.allow_from_any_ipv4(ec2.Port.tcp(port))

    def with_ports(*ports: int, inline: bool = True) -> Callable[[cdk.Stack], None]:
        return lambda stack: define(stack, ports=ports, inline=inline)

    (found,) = opened(changed(tmp_path / "opened", with_ports(443), with_ports(443, 22)))
    assert (found.rule, found.sentence) == (
        "opened/internet",
        "The internet can now reach port 22 of the EC2 security group Shop/Web.",
    )
    assert list(opened(changed(tmp_path / "closed", with_ports(443, 22), with_ports(443)))) == []
    assert list(opened(changed(tmp_path / "moved", with_ports(443), with_ports(443, inline=False)))) == []


def test_a_program_whose_policy_refers_to_another_stack_is_compared_through_the_export(tmp_path: Path) -> None:
    def synthesized(folder: str, *, write: bool) -> tuple[Stack, ...]:
        app = cdk.App(outdir=str(tmp_path / folder), analytics_reporting=False, context=METADATA)
        bucket = s3.Bucket(cdk.Stack(app, "Data"), "Images")
        role = iam.Role(cdk.Stack(app, "Shop"), "Web", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
        bucket.grant_read(role)
        if write:
            bucket.grant_delete(role)
        app.synth()
        return stacks_of(tmp_path / folder)

    (found,) = opened(compare(synthesized("base", write=False), synthesized("head", write=True)))
    assert found.sentence == "The IAM role Shop/Web may now call s3:DeleteObject* on Data/Images/*."


def test_a_nested_stack_knows_what_its_parent_gives_it(tmp_path: Path) -> None:
    def define(stack: cdk.Stack, *, write: bool) -> None:
        bucket = s3.Bucket(stack, "Images")
        nested = cdk.NestedStack(stack, "Inner")
        role = iam.Role(nested, "Web", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
        bucket.grant_read(role)
        if write:
            bucket.grant_delete(role)

    narrow, wide = (lambda stack: define(stack, write=False)), (lambda stack: define(stack, write=True))
    (found,) = opened(changed(tmp_path, narrow, wide))
    assert found.sentence == "The IAM role Shop/Inner/Web may now call s3:DeleteObject* on Shop/Images/*."


def test_a_construct_under_another_id_opens_nothing_and_a_broader_one_only_the_difference(tmp_path: Path) -> None:
    def define(stack: cdk.Stack, construct_id: str, actions: list[str]) -> None:
        scope = Construct(stack, construct_id)
        role = iam.Role(scope, "Web", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
        vpc = ec2.Vpc.from_vpc_attributes(stack, "Vpc", vpc_id="vpc-1", availability_zones=["eu-west-1a"])
        group = ec2.SecurityGroup(scope, "Group", vpc=vpc)
        group.connections.allow_from_any_ipv4(ec2.Port.tcp(443))
        queue = sqs.Queue(scope, "Queue")
        role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[queue.queue_arn]))

    def under(construct_id: str, *actions: str) -> Callable[[cdk.Stack], None]:
        return lambda stack: define(stack, construct_id, list(actions))

    send = "sqs:SendMessage"
    assert list(opened(changed(tmp_path / "same", under("Old", send), under("New", send)))) == []
    (found,) = opened(changed(tmp_path / "more", under("Old", send), under("New", send, "sqs:PurgeQueue")))
    assert found.sentence == "The IAM role Shop/New/Web may now call sqs:PurgeQueue on Shop/New/Queue."


def test_an_account_that_only_one_side_knows_is_the_account_of_both() -> None:
    trust = {"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}}
    statement = {"Effect": "Allow", "Principal": trust, "Action": "sts:AssumeRole"}
    properties = {"AssumeRolePolicyDocument": {"Statement": statement}}
    head = stacks({"Shop": {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}}})
    base = [attrs.evolve(stack, account=None, region=None) for stack in head]
    assert list(opened(compare(base, head))) == list(opened(compare(head, base))) == []


def test_a_thousand_roles_and_groups_take_less_than_two_seconds() -> None:
    def app(action: str) -> dict[str, Any]:
        statements = [
            {
                "Effect": "Allow",
                "Action": [f"s3:{action}{n}" for n in range(10)],
                "Resource": [f"arn:{n}" for n in "abc"],
            }
        ]
        policies = [{"PolicyDocument": {"Statement": statements}}]
        rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "CidrIp": "10.0.0.0/8"}
        return {
            **{f"R{n}": {"Type": "AWS::IAM::Role", "Properties": {"Policies": policies}} for n in range(500)},
            **{
                f"G{n}": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupIngress": [rule]}}
                for n in range(500)
            },
        }

    before = time.process_time()
    assert len(findings(app("Get"), app("Put"))) == 500
    assert time.process_time() - before < 2

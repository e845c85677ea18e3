"""Openings of IAM: who may do what to what, and the changes of policies that open nothing."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from moorage.review.comparison import compare
from moorage.review.opened.opened import opened
from tests.review.opened.openings import findings, sentences
from tests.review.templates import compared, stacks

OWN = "111111111111"
TASKS = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
BUCKET: dict[str, Any] = {"Images": {"Type": "AWS::S3::Bucket"}}
ARN = {"Fn::GetAtt": ["Images", "Arn"]}
OBJECTS = {"Fn::Join": ["", [ARN, "/*"]]}


def allow(actions: Any, resources: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def role(*statements: Any, trust: Any = TASKS, **more: Any) -> dict[str, Any]:
    policies = [{"PolicyName": "Own", "PolicyDocument": {"Statement": list(statements)}}]
    properties = {"AssumeRolePolicyDocument": {"Statement": trust}, "Policies": policies, **more}
    return {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}}


def policy(*statements: Any, kind: str = "AWS::IAM::Policy", **more: Any) -> dict[str, Any]:
    properties = {"PolicyDocument": {"Statement": list(statements)}, "Roles": [{"Ref": "Role"}], **more}
    return {"Policy": {"Type": kind, "Properties": properties}}


def bucket_policy(*statements: Any, logical_id: str = "BucketPolicy") -> dict[str, Any]:
    properties = {"Bucket": {"Ref": "Images"}, "PolicyDocument": {"Statement": list(statements)}}
    return {**BUCKET, logical_id: {"Type": "AWS::S3::BucketPolicy", "Properties": properties}}


def key(*statements: Any) -> dict[str, Any]:
    return {"Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Statement": list(statements)}}}}


def test_a_broadened_role_names_the_action_and_the_resource() -> None:
    base = {**BUCKET, **role(allow("s3:GetObject*", [ARN, OBJECTS]))}
    head = {**BUCKET, **role(allow(["s3:GetObject*", "s3:PutObject"], [ARN, OBJECTS]))}
    said = "The IAM role Shop/Role may now call s3:PutObject on Shop/Images and Shop/Images/*."
    assert sentences(base, head) == [("iam-broadened", said)]
    assert sentences(head, base) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([allow("ecr:Get*")], [allow("ecr:GetAuthorizationToken")]),
        ([allow("ECR:getauthorizationtoken")], [allow("ecr:GetAuthorizationToken")]),
        ([allow("ecr:*Image")], [allow("ecr:Put*Image")]),
        ([allow("s3:Get?")], [allow("s3:GetA")]),
        ([allow("s3:Get*", OBJECTS)], [allow("s3:Get*", {"Fn::Sub": "${Images.Arn}/*"})]),
        ([allow("s3:Get*", OBJECTS)], [allow("s3:Get*", {"Fn::Sub": "${Images.Arn}/public/*"})]),
        ([allow("s3:Get*")], [allow("s3:Get*", OBJECTS)]),
        ([allow(["s3:Get*", "s3:Put*"], OBJECTS)], [allow("s3:Put*", [OBJECTS]), allow(["s3:Get*"], OBJECTS)]),
        ([allow("s3:Get*", OBJECTS), allow("s3:Get*", ARN)], [allow("s3:Get*", [ARN, OBJECTS])]),
        ([allow("s3:Get*")], [allow("s3:Get*", Condition={"Bool": {"aws:SecureTransport": "true"}})]),
        (
            [allow("s3:*", Condition={"StringLike": {"aws:PrincipalTag/team": ["web*", "shop"]}})],
            [allow("s3:*", Condition={"StringEquals": {"aws:principaltag/team": "web-a"}})],
        ),
        (
            [allow("s3:*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})],
            [allow("s3:*", Condition={"IpAddress": {"aws:SourceIp": ["10.1.0.0/16", "10.2.3.4"]}})],
        ),
        (
            [allow("s3:*", Condition={"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1"]}})],
            [allow("s3:*", Condition={"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}})],
        ),
        (
            [allow("s3:*", Condition={"NumericLessThan": {"s3:max-keys": "10"}})],
            [allow("s3:*", Condition={"NumericLessThan": {"s3:max-keys": "9"}})],
        ),
        (
            [allow("s3:*", Condition={"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}})],
            [allow("s3:*", Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})],
        ),
        (
            [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}],
            [{"Effect": "Allow", "NotAction": ["iam:*", "kms:*"], "Resource": "*"}],
        ),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], [allow("s3:GetObject")]),
        ([allow("s3:Get*")], [{"Effect": "Allow", "Action": "s3:Get*", "NotResource": OBJECTS}]),
        ([allow("s3:Get*")], [allow("s3:Get*"), {"Effect": "Deny", "Action": "s3:Put*", "Resource": "*"}]),
        ([allow("s3:Get*")], [allow("s3:Get*"), allow("s3:Put*"), {"Effect": "Deny", "Action": "*", "Resource": "*"}]),
        ([allow("s3:Get*")], [{"Fn::If": ["Wide", allow("s3:Get*"), {"Ref": "AWS::NoValue"}]}]),
        ([{"Fn::If": ["Wide", allow("s3:Get*"), allow("s3:GetObject")]}], [allow("s3:GetObject")]),
        ([allow("s3:*", {"Fn::Sub": "arn:${AWS::Partition}:s3:::a"})], [allow("s3:*", "arn:aws:s3:::a")]),
        (
            [allow("sqs:*", {"Fn::Sub": "arn:aws:sqs:*:${AWS::AccountId}:a"})],
            [allow("sqs:*", f"arn:aws:sqs:*:{OWN}:a")],
        ),
    ],
)
def test_what_is_narrowed_split_merged_reordered_or_written_otherwise_opens_nothing(before: Any, after: Any) -> None:
    assert sentences({**BUCKET, **role(*before)}, {**BUCKET, **role(*after)}) == []


@pytest.mark.parametrize(
    ("before", "after", "opens"),
    [
        ([allow("ecr:GetAuthorizationToken")], [allow("ecr:Get*")], "call ecr:Get* on any resource"),
        ([allow("s3:Get?")], [allow("s3:Get*")], "call s3:Get* on any resource"),
        ([allow("s3:Get*", ARN)], [allow("s3:Get*", OBJECTS)], "call s3:Get* on Shop/Images/*"),
        ([allow("s3:Get*", OBJECTS)], [allow("s3:Get*")], "call s3:Get* on any resource"),
        (
            [allow("s3:*", Condition={"Bool": {"aws:SecureTransport": "true"}})],
            [allow("s3:*")],
            "call s3:* on any resource under other conditions",
        ),
        (
            [allow("s3:*", Condition={"IpAddress": {"aws:SourceIp": "10.1.0.0/16"}})],
            [allow("s3:*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})],
            "call s3:* on any resource under other conditions",
        ),
        (
            [allow("s3:*", Condition={"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}})],
            [allow("s3:*", Condition={"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}})],
            "call s3:* on any resource under other conditions",
        ),
        (
            [allow("s3:*", Condition={"NumericLessThan": {"s3:max-keys": "9"}})],
            [allow("s3:*", Condition={"NumericLessThan": {"s3:max-keys": "10"}})],
            "call s3:* on any resource under other conditions",
        ),
        (
            [{"Fn::If": ["Wide", allow("s3:Get*"), {"Ref": "AWS::NoValue"}]}],
            [allow("s3:Get*")],
            "call s3:Get* on any resource under other conditions",
        ),
        (
            [allow("s3:Get*")],
            [{"Effect": "Allow", "NotAction": "s3:Put*", "Resource": ARN}],
            "call any action but s3:Put* on Shop/Images",
        ),
    ],
)
def test_what_is_loosened_is_an_opening_of_only_the_difference(before: Any, after: Any, opens: str) -> None:
    found = sentences({**BUCKET, **role(*before)}, {**BUCKET, **role(*after)})
    assert found == [("iam-broadened", f"The IAM role Shop/Role may now {opens}.")]


def test_the_details_say_the_conditions_now_and_before() -> None:
    before = allow("s3:*", Condition={"Bool": {"aws:SecureTransport": True}})
    after = allow("s3:*", Condition={"StringEquals": {"aws:SourceVpc": ["vpc-2", "vpc-1"]}})
    (found,) = findings(role(before), role(after))
    assert found.details == (
        "s3:* on any resource, only if aws:SourceVpc is vpc-1 or vpc-2",
        "Before, only if aws:SecureTransport is true.",
    )


@pytest.mark.parametrize(
    "moved",
    [
        {**role(), **policy(allow("s3:Get*"))},
        {**role(), **policy(allow("s3:Get*"), kind="AWS::IAM::ManagedPolicy")},
        {**role(), **policy(allow("s3:Get*"), kind="AWS::IAM::RolePolicy", RoleName={"Ref": "Role"})},
        {
            **role(ManagedPolicyArns=[{"Ref": "Policy"}]),
            **policy(allow("s3:Get*"), kind="AWS::IAM::ManagedPolicy", Roles=[]),
        },
    ],
    ids=["policy", "managed policy", "role policy", "managed policy by its ARN"],
)
def test_a_policy_that_moves_from_one_kind_to_another_opens_nothing(moved: Any) -> None:
    inline = role(allow("s3:Get*"))
    assert sentences(inline, moved) == sentences(moved, inline) == []


def test_a_policy_that_moves_to_another_stack_opens_nothing() -> None:
    base = {"Shop": {**role(RoleName="web"), **policy(allow("s3:Get*"))}, "Other": {}}
    head = {"Shop": role(RoleName="web"), "Other": policy(allow("s3:Get*"), Roles=["web"])}
    assert list(opened(compared(base, head))) == []


@pytest.mark.parametrize(
    ("statement", "opens"),
    [
        (allow("*"), "any action on any resource"),
        (allow("iam:PassRole"), "iam:PassRole on any resource"),
        (allow("iam:*"), "iam:* on any resource"),
        (allow("sts:Assume*"), "sts:Assume* on any resource"),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "any action but iam:* on any resource"),
    ],
)
def test_what_reaches_other_identities_is_said_first_and_for_new_apps_too(statement: Any, opens: str) -> None:
    first = ("iam-admin", f"The IAM role Shop/Role may now call {opens}.")
    assert sentences(role(), role(allow("s3:Get*"), statement))[0] == first
    assert sentences(None, role(allow("s3:Get*"), statement)) == [first]


@pytest.mark.parametrize(
    "statement",
    [
        allow("iam:PassRole", {"Fn::GetAtt": ["Role", "Arn"]}),
        allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}),
        allow("sts:AssumeRole", f"arn:aws:iam::{OWN}:role/cdk-*"),
        allow("iam:Get*"),
    ],
)
def test_what_reaches_a_named_identity_or_service_is_only_broader(statement: Any) -> None:
    assert [rule for rule, _ in sentences(role(), role(statement))] == ["iam-broadened"]


def test_managed_policies_of_aws_are_named() -> None:
    arn = "arn:aws:iam::aws:policy/"
    attached = role(ManagedPolicyArns=[f"{arn}AmazonS3FullAccess"])
    said = "The IAM role Shop/Role may now do what the managed policy AmazonS3FullAccess allows."
    assert sentences(role(), attached) == [("iam-broadened", said)]
    assert sentences(attached, role()) == []
    (found,) = findings(attached, role(allow("s3:Get*")))
    assert "AmazonS3FullAccess, which is no longer attached, may have allowed it" in found.details[-1]
    assert sentences(role(), role(ManagedPolicyArns=[f"{arn}AdministratorAccess"]))[0] == (
        "iam-admin",
        "The IAM role Shop/Role may now call any action on any resource.",
    )
    assert sentences(role(), role(ManagedPolicyArns=[f"{arn}IAMFullAccess"]))[0][0] == "iam-admin"


def test_a_new_role_is_one_line_and_none_in_a_new_stack() -> None:
    new = {**BUCKET, **role(allow(["s3:Get*", "s3:Put*"], [ARN, OBJECTS]), allow("ecr:Get*"))}
    calls = "call ecr:Get*, s3:Get* and s3:Put* on Shop/Images, Shop/Images/* and any resource"
    said = f"The new IAM role Shop/Role may {calls}."
    assert sentences(BUCKET, new) == [("iam-new-identity", said)]
    assert sentences(None, new) == []


def test_a_deny_that_is_removed_or_narrowed_is_an_opening() -> None:
    deny = {"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"}
    said = ("deny-removed", "The IAM role Shop/Role is no longer denied to call s3:Delete* on any resource.")
    assert sentences(role(allow("s3:*"), deny), role(allow("s3:*"))) == [said]
    assert sentences(role(allow("s3:*"), deny), role(allow("s3:*"), {**deny, "Resource": ARN})) == [said]
    assert sentences(role(allow("s3:*"), deny), role(allow("s3:*"), {**deny, "Action": "s3:*"})) == []
    assert sentences(role(allow("sqs:*"), deny), role(allow("sqs:*"))) == [], "nothing allows what it denied"


def test_a_bucket_policy_that_no_longer_denies_plain_http_is_an_opening() -> None:
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": condition}
    (found,) = findings(bucket_policy(deny), BUCKET)
    assert (found.rule, found.sentence) == (
        "opened/deny-removed",
        "The policy of the S3 bucket Shop/Images no longer denies to call s3:*.",
    )
    assert found.details == ("s3:*, only if aws:SecureTransport is false",)
    assert sentences(bucket_policy(deny), bucket_policy(deny, logical_id="Other")) == []
    assert sentences(bucket_policy(deny), {}) == [], "the bucket is removed, too"


@pytest.mark.parametrize(
    ("principal", "condition", "rule", "who"),
    [
        ("*", {}, "internet", "Anyone"),
        ({"AWS": "*"}, {"Bool": {"aws:SecureTransport": "true"}}, "internet", "Anyone"),
        ({"AWS": "*"}, {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, "internet", "Anyone"),
        ("*", {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}, "internet", "Anyone"),
        ("*", {"StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}, "internet", "Anyone"),
        ("*", {"StringEquals": {"aws:SourceVpce": "vpce-1"}}, "resource-policy", "Anyone who meets its conditions"),
        (
            "*",
            {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
            "other-account",
            "Any account of the organization o-1",
        ),
        ("*", {"StringEquals": {"aws:PrincipalAccount": "2" * 12}}, "other-account", "The account 222222222222"),
        (
            "*",
            {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}},
            "resource-policy",
            "An identity or service of the stack's own account",
        ),
        ({"AWS": "222222222222"}, {}, "other-account", "The account 222222222222"),
        ({"AWS": "arn:aws:iam::222222222222:root"}, {}, "other-account", "The account 222222222222"),
        ({"AWS": OWN}, {}, "resource-policy", "An identity of the stack's own account"),
        ({"AWS": {"Fn::GetAtt": ["Role", "Arn"]}}, {}, "resource-policy", "The IAM role Shop/Role"),
        ({"Service": "cloudfront.amazonaws.com"}, {}, "resource-policy", "The service cloudfront.amazonaws.com"),
        ({"AWS": "arn:aws:iam::156460612806:root"}, {}, "resource-policy", "Elastic Load Balancing"),
    ],
)
def test_a_bucket_policy_names_who_may_use_the_bucket(principal: Any, condition: Any, rule: str, who: str) -> None:
    statement = allow("s3:GetObject", OBJECTS, Principal=principal, **({"Condition": condition} if condition else {}))
    said = (rule, f"{who} may now call s3:GetObject on the S3 bucket Shop/Images.")
    assert sentences({**role(), **BUCKET}, {**role(), **bucket_policy(statement)}) == [said]
    public = [said] if rule in ("internet", "other-account") else []
    assert sentences(None, bucket_policy(statement)) == public, "only what leaves the account is said of a new app"


def test_everyone_but_one_is_anyone() -> None:
    statement = {"Effect": "Allow", "NotPrincipal": {"AWS": OWN}, "Action": "s3:Get*", "Resource": "*"}
    assert sentences(BUCKET, bucket_policy(statement))[0][0] == "internet"


def test_the_account_covers_its_own_roles_and_no_role_covers_another() -> None:
    own = allow("kms:*", Principal={"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}})
    reader = allow("kms:Decrypt", Principal={"AWS": {"Fn::GetAtt": ["Role", "Arn"]}})
    assert sentences({**role(), **key(own)}, {**role(), **key(own, reader)}) == []
    other = allow("kms:Decrypt", Principal={"AWS": f"arn:aws:iam::{OWN}:role/other"})
    assert len(sentences({**role(), **key(reader)}, {**role(), **key(reader, other)})) == 1


def test_a_key_that_another_account_controls_is_said_first() -> None:
    theirs = allow("kms:*", Principal={"AWS": "222222222222"})
    assert sentences(key(), key(theirs)) == [
        ("iam-admin", "The account 222222222222 may now call kms:* on the KMS key Shop/Key.")
    ]
    decrypt = allow("kms:Decrypt", Principal={"AWS": "222222222222"})
    assert sentences(key(), key(decrypt))[0][0] == "other-account"


@pytest.mark.parametrize(
    ("principal", "rule", "who"),
    [
        ({"Service": "lambda.amazonaws.com"}, "iam-trust", "The service lambda.amazonaws.com"),
        ({"AWS": "222222222222"}, "other-account", "The account 222222222222"),
        ({"AWS": "*"}, "internet", "Anyone"),
    ],
)
def test_a_trust_policy_names_who_may_assume_the_role(principal: Any, rule: str, who: str) -> None:
    trust = [TASKS, {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]
    assert sentences(role(), role(trust=trust)) == [(rule, f"{who} may now assume the IAM role Shop/Role.")]


def test_the_services_of_a_new_role_are_expected_and_an_identity_provider_is_not() -> None:
    assert sentences({}, role()) == []
    web = {"Effect": "Allow", "Principal": {"Federated": "idp"}, "Action": "sts:AssumeRoleWithWebIdentity"}
    said = "An identity of the provider idp may now assume the IAM role Shop/Role."
    assert sentences({}, role(trust=web)) == [("iam-trust", said)]
    assert sentences(None, role(trust=web)) == []


def test_a_trust_policy_without_its_condition_says_the_condition_before() -> None:
    narrow = {**TASKS, "Condition": {"StringEquals": {"aws:SourceAccount": OWN}}}
    (found,) = findings(role(trust=narrow), role())
    assert found.details == (f"Before, only if aws:SourceAccount is {OWN}.",)
    assert findings(role(), role(trust=narrow)) == []


@pytest.mark.parametrize(
    ("kind", "own_kind", "name", "target"),
    [
        ("AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "PolicyDocument", {"Queues": [{"Ref": "It"}]}),
        ("AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "PolicyDocument", {"Topics": [{"Ref": "It"}]}),
        (
            "AWS::SecretsManager::Secret",
            "AWS::SecretsManager::ResourcePolicy",
            "ResourcePolicy",
            {"SecretId": {"Ref": "It"}},
        ),
    ],
)
def test_policies_that_are_resources_name_what_they_are_of(kind: str, own_kind: str, name: str, target: Any) -> None:
    base = {"It": {"Type": kind}}
    statement = allow("*", Principal={"AWS": "222222222222"})
    head = {**base, "P": {"Type": own_kind, "Properties": {name: {"Statement": statement}, **target}}}
    (found,) = findings(base, head)
    assert found.rule == "opened/other-account"
    assert found.sentence.startswith("The account 222222222222 may now call any action on the ")
    assert found.sentence.endswith("Shop/It.")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("AWS::ECR::Repository", "RepositoryPolicyText"),
        ("AWS::EFS::FileSystem", "FileSystemPolicy"),
        ("AWS::OpenSearchService::Domain", "AccessPolicies"),
        ("AWS::Events::EventBus", "Policy"),
        ("AWS::ECR::RegistryPolicy", "PolicyText"),
    ],
)
def test_the_policies_that_are_properties_are_read(kind: str, name: str) -> None:
    statement = allow("a:Read", Principal={"AWS": "222222222222"})
    base = {"It": {"Type": kind, "Properties": {name: {"Statement": []}}}}
    head = {"It": {"Type": kind, "Properties": {name: {"Statement": [statement]}}}}
    assert [rule for rule, _ in sentences(base, head)] == ["other-account"]


def test_a_permission_of_lambda_is_a_statement_with_conditions() -> None:
    function = {"Type": "AWS::Lambda::Function"}

    def permission(**more: Any) -> dict[str, Any]:
        stated = {"Action": "lambda:InvokeFunction", "FunctionName": {"Fn::GetAtt": ["F", "Arn"]}, **more}
        return {"F": function, "P": {"Type": "AWS::Lambda::Permission", "Properties": stated}}

    events = permission(Principal="events.amazonaws.com", SourceArn="arn:aws:events:eu-west-1:1:rule/a")
    (found,) = findings({"F": function}, events)
    assert found.rule == "opened/resource-policy"
    assert found.sentence == (
        "The service events.amazonaws.com may now call lambda:InvokeFunction on the Lambda function Shop/F."
    )
    assert "only if aws:SourceArn matches arn:aws:events:eu-west-1:1:rule/a" in found.details[0]
    assert len(findings(events, permission(Principal="events.amazonaws.com"))) == 1
    assert findings(permission(Principal="events.amazonaws.com"), events) == []
    assert sentences({"F": function}, permission(Principal="222222222222"))[0][0] == "other-account"
    assert sentences({"F": function}, permission(Principal="*"))[0][0] == "internet"


def test_a_vpc_endpoint_without_a_policy_allows_everything() -> None:
    narrow = {"Statement": allow("s3:Get*", Principal="*")}
    base = {"E": {"Type": "AWS::EC2::VPCEndpoint", "Properties": {"PolicyDocument": narrow}}}
    head = {"E": {"Type": "AWS::EC2::VPCEndpoint", "Properties": {}}}
    assert [rule for rule, _ in sentences(base, head)] == ["resource-policy"]
    assert sentences(head, base) == []
    assert sentences({}, head) == []


def test_a_policy_in_json_is_read_and_one_that_is_not_known_opens_nothing() -> None:
    def bus(policy: Any) -> dict[str, Any]:
        return {"B": {"Type": "AWS::Events::EventBus", "Properties": {"Policy": policy}}}

    text = '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": "*"}}'
    assert [rule for rule, _ in sentences(bus("{}"), bus(text))] == ["internet"]
    assert sentences(bus("{}"), bus({"Fn::Sub": "{}"})) == []
    assert sentences(bus("{}"), bus("not JSON")) == []


def test_a_managed_policy_without_identities_is_said_of_itself() -> None:
    base = policy(allow("s3:Get*"), kind="AWS::IAM::ManagedPolicy", Roles=[])
    head = policy(allow("s3:*"), kind="AWS::IAM::ManagedPolicy", Roles=[])
    said = "The IAM managed policy Shop/Policy may now call s3:* on any resource."
    assert sentences(base, head) == [("iam-broadened", said)]


def test_the_account_of_a_stack_that_is_not_known_may_be_the_same() -> None:
    statement = allow("s3:GetObject", OBJECTS, Principal={"AWS": "222222222222"})
    base, head = (
        [attrs.evolve(each, account=None) for each in stacks({"Shop": side})]
        for side in (BUCKET, bucket_policy(statement))
    )
    (found,) = opened(compare(base, head))
    assert found.details[-1] == "The account of the stack is not known: it may be the same account."


def test_a_new_role_that_only_writes_its_own_log_is_no_news() -> None:
    log = {"Log": {"Type": "AWS::Logs::LogGroup"}}
    arn = {"Fn::GetAtt": ["Log", "Arn"]}
    writing = role(allow(["logs:CreateLogStream", "logs:PutLogEvents"], arn))
    assert sentences(BUCKET, {**BUCKET, **log, **writing}) == []
    assert len(sentences({**BUCKET, **log}, {**BUCKET, **log, **writing})) == 1
    assert len(sentences(BUCKET, {**BUCKET, **log, **role(allow("logs:*", arn))})) == 1

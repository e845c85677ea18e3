"""Identities and resource policies that are refused, each with the smallest correction, which deploys."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.local_aws import ACCOUNT, Client, Deploy, attribute, check_pair, ref, resource

Resources = dict[str, Any]
MANAGED = "arn:aws:iam::aws:policy/"
S3_READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def _trust(principal: Any, **changed: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, **changed}]}


def _managed_policy(statement: dict[str, Any]) -> dict[str, Any]:
    return resource("AWS::IAM::ManagedPolicy", PolicyDocument={"Version": "2012-10-17", "Statement": [statement]})


def _role(*statements: dict[str, Any], trust: dict[str, Any] | None = None, **properties: Any) -> Resources:
    policies = [{"PolicyName": "own", "PolicyDocument": {"Statement": list(statements)}}] if statements else []
    document = trust or _trust({"Service": "lambda.amazonaws.com"})
    return {"Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument=document, Policies=policies, **properties)}


def _managed(*names: str) -> Resources:
    return _role(ManagedPolicyArns=[f"{MANAGED}{name}" for name in names])


def _attached(statement: dict[str, Any], **properties: Any) -> Resources:
    document = {"Statement": [statement]}
    stated = {"PolicyName": "own", "PolicyDocument": document, "Roles": [ref("Role")], **properties}
    return {**_role(), "Policy": resource("AWS::IAM::Policy", **stated)}


def _long(characters: int) -> dict[str, Any]:
    return {**S3_READ, "Resource": "arn:aws:s3:::" + "a" * characters}


MOST_POLICIES = [f"AmazonEC2Policy{number}" for number in range(25)]
IAM: list[tuple[str, Resources, str, Resources]] = [
    (
        "unknown service",
        _role(trust=_trust({"Service": "ecs-task.amazonaws.com"})),
        'MalformedPolicyDocument: Invalid principal in policy: "SERVICE":"ecs-task.amazonaws.com"',
        _role(trust=_trust({"Service": "ecs-tasks.amazonaws.com"})),
    ),
    (
        "role that does not exist",
        _role(trust=_trust({"AWS": f"arn:aws:iam::{ACCOUNT}:role/nobody"})),
        'Invalid principal in policy: "AWS":"arn:aws:iam::111111111111:role/nobody"',
        _role(trust=_trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})),
    ),
    (
        "account's ARN misspelt",
        _role(trust=_trust({"AWS": f"arn:aws::iam::{ACCOUNT}:root"})),
        "Invalid principal in policy",
        _role(trust=_trust({"AWS": ACCOUNT})),
    ),
    (
        "trust with a resource",
        _role(trust=_trust("*", Resource="*")),
        "Has prohibited field Resource",
        _role(trust=_trust("*")),
    ),
    (
        "trust policy with another action",
        _role(trust=_trust("*", Action="s3:GetObject")),
        "AssumeRole policy may only specify STS AssumeRole actions.",
        _role(trust=_trust("*", Action=["sts:AssumeRole", "sts:TagSession"])),
    ),
    (
        "policy with a principal",
        _role({**S3_READ, "Principal": "*"}),
        "MalformedPolicyDocument: Policy document should not specify a principal.",
        _role(S3_READ),
    ),
    (
        "action without a service",
        _role({**S3_READ, "Action": "GetObject"}),
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        _role({**S3_READ, "Action": "nosuchservice:GetObject"}),
    ),
    (
        "action with two colons",
        _role({**S3_READ, "Action": "s3:Get:Object"}),
        "Actions/Condition can contain only one colon.",
        _role({**S3_READ, "Action": "*"}),
    ),
    (
        "resource that is not an ARN",
        _role({**S3_READ, "Resource": "my-bucket"}),
        'Resource my-bucket must be in ARN format or "*".',
        _role({**S3_READ, "Resource": "arn:aws:s3:::my-bucket/*"}),
    ),
    (
        "resource of an unknown partition",
        _role({**S3_READ, "Resource": "arn:asw:s3:::my-bucket"}),
        'Partition "asw" is not valid for resource',
        _role({**S3_READ, "Resource": "arn:aws-cn:s3:::my-bucket"}),
    ),
    ("invalid effect", _role({**S3_READ, "Effect": "allow"}), "Syntax errors in policy.", _role(S3_READ)),
    (
        "unknown condition operator",
        _role({**S3_READ, "Condition": {"StringEqual": {"aws:PrincipalTag/a": "b"}}}),
        "Syntax errors in policy.",
        _role({**S3_READ, "Condition": {"ForAnyValue:StringEqualsIfExists": {"aws:TagKeys": ["b"]}}}),
    ),
    (
        "duplicate statement ids",
        _role({**S3_READ, "Sid": "A"}, {**S3_READ, "Sid": "A"}),
        "Statement IDs (SID) in a single policy must be unique.",
        _role({**S3_READ, "Sid": "A"}, {**S3_READ, "Sid": "B"}),
    ),
    (
        "inline policies too long",
        _role(_long(10240)),
        "Maximum policy size of 10240 bytes exceeded for role",
        _role(_long(10000)),
    ),
    (
        "26 managed policies",
        _managed(*MOST_POLICIES, "ReadOnlyAccess"),
        "LimitExceeded: Cannot exceed quota for PoliciesPerRole: 25",
        _managed(*MOST_POLICIES),
    ),
    (
        "managed policy without its path",
        _managed("AmazonECSTaskExecutionRolePolicy"),
        "NoSuchEntity: Policy arn:aws:iam::aws:policy/AmazonECSTaskExecutionRolePolicy does not exist",
        _managed("service-role/AmazonECSTaskExecutionRolePolicy"),
    ),
    (
        "unknown AWS managed policy",
        _managed("NoSuchPolicy"),
        "does not exist or is not attachable",
        _managed("IAMFullAccess"),
    ),
    (
        "unknown customer managed policy",
        _role(ManagedPolicyArns=[f"arn:aws:iam::{ACCOUNT}:policy/none"]),
        "does not exist or is not attachable",
        _role(),
    ),
    (
        "session of less than an hour",
        _role(MaxSessionDuration=3599),
        "3600",
        _role(MaxSessionDuration=3600),
    ),
    ("session of more than 12 hours", _role(MaxSessionDuration=43201), "43200", _role(MaxSessionDuration="43200")),
    ("path without an end", _role(Path="/team"), "The specified value for path is invalid.", _role(Path="/team/")),
    (
        "attached policy with a principal",
        _attached({**S3_READ, "Principal": "*"}),
        "Policy document should not specify a principal.",
        _attached(S3_READ),
    ),
    ("policy without an entity", _attached(S3_READ, Roles=[]), "At least one of", _attached(S3_READ)),
    ("policy of a role that does not exist", _attached(S3_READ, Roles=["nobody"]), "nobody", _attached(S3_READ)),
    (
        "managed policy too long",
        {"Policy": _managed_policy(_long(6144))},
        "Cannot exceed quota for PolicySize: 6144",
        {"Policy": _managed_policy(_long(6000))},
    ),
    (
        "managed policy without a version",
        {"Policy": resource("AWS::IAM::ManagedPolicy", PolicyDocument={"Statement": [S3_READ]})},
        "Policy document must be version 2012-10-17 or greater.",
        {"Policy": _managed_policy(S3_READ)},
    ),
]


def _bucket_policy(statement: dict[str, Any], **blocked: bool) -> Resources:
    stated = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": OBJECTS, **statement}
    block = {"PublicAccessBlockConfiguration": blocked} if blocked else {}
    return {
        "Bucket": resource("AWS::S3::Bucket", **block),
        "Policy": resource("AWS::S3::BucketPolicy", Bucket=ref("Bucket"), PolicyDocument={"Statement": [stated]}),
    }


def _queue_policy(**changed: Any) -> Resources:
    stated = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*", **changed}
    policy = resource("AWS::SQS::QueuePolicy", Queues=[ref("Queue")], PolicyDocument={"Statement": [stated]})
    return {"Queue": resource("AWS::SQS::Queue"), "Policy": policy}


def _topic_policy(**changed: Any) -> Resources:
    stated = {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": "*", **changed}
    policy = resource("AWS::SNS::TopicPolicy", Topics=[ref("Topic")], PolicyDocument={"Statement": [stated]})
    return {"Topic": resource("AWS::SNS::Topic"), "Policy": policy}


def _key(principal: Any, action: str = "kms:*", **properties: Any) -> Resources:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
    return {"Key": resource("AWS::KMS::Key", KeyPolicy={"Statement": [statement]}, **properties)}


OBJECTS = {"Fn::Sub": "arn:aws:s3:::${Bucket}/*"}
LAMBDA = {"Service": "lambda.amazonaws.com"}
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
POLICIES: list[tuple[str, Resources, str, Resources]] = [
    (
        "bucket policy for an unknown role",
        _bucket_policy({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/nobody"}}),
        "MalformedPolicy: Invalid principal in policy",
        _bucket_policy({"Principal": ROOT}),
    ),
    (
        "public bucket policy under the default block",
        _bucket_policy({}),
        "because public policies are prevented by the BlockPublicPolicy setting",
        _bucket_policy({}, BlockPublicAcls=True, BlockPublicPolicy=False),
    ),
    (
        "public bucket policy under a block",
        _bucket_policy({}, BlockPublicPolicy=True),
        "BlockPublicPolicy",
        _bucket_policy({"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}, BlockPublicPolicy=True),
    ),
    (
        "bucket policy of another bucket",
        _bucket_policy({"Principal": ROOT, "Resource": "arn:aws:s3:::another/*"}),
        "Policy has invalid resource",
        _bucket_policy({"Principal": ROOT}),
    ),
    (
        "bucket policy with another service's action",
        _bucket_policy({"Principal": ROOT, "Action": "sqs:SendMessage"}),
        "Policy has invalid action",
        _bucket_policy({"Principal": ROOT, "Action": "S3:GetObject"}),
    ),
    (
        "action on objects with a bucket's ARN",
        _bucket_policy({"Principal": ROOT, "Resource": attribute("Bucket", "Arn")}),
        "Action does not apply to any resource(s) in statement",
        _bucket_policy({"Principal": ROOT, "Action": "s3:ListBucket", "Resource": attribute("Bucket", "Arn")}),
    ),
    (
        "policy of a bucket that does not exist",
        {
            "Policy": resource(
                "AWS::S3::BucketPolicy",
                Bucket="never-made",
                PolicyDocument={"Statement": [{**S3_READ, "Principal": ROOT, "Resource": "arn:aws:s3:::never-made/*"}]},
            )
        },
        "NoSuchBucket: The specified bucket does not exist",
        _bucket_policy({"Principal": ROOT}),
    ),
    (
        "queue policy for an unknown role",
        _queue_policy(Principal={"Service": "event.amazonaws.com"}),
        "InvalidAttributeValue: Invalid value for the parameter Policy.",
        _queue_policy(Principal={"Service": "events.amazonaws.com"}),
    ),
    (
        "queue policy of eight actions",
        _queue_policy(Action=[f"sqs:{name}" for name in "abcdefgh"]),
        "OverLimit: 8 Actions were found, maximum allowed is 7.",
        _queue_policy(Action=[f"sqs:{name}" for name in "abcdefg"]),
    ),
    (
        "topic policy with another service's action",
        _topic_policy(Action="sqs:SendMessage"),
        "Policy statement action out of service scope!",
        _topic_policy(Action="SNS:Publish"),
    ),
    (
        "topic policy for an unknown role",
        _topic_policy(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/nobody"}),
        "PrincipalNotFound",
        _topic_policy(Principal={"AWS": ACCOUNT}),
    ),
    (
        "key that nobody can change",
        _key(LAMBDA),
        "The new key policy will not allow you to update the key policy in the future.",
        _key(LAMBDA, BypassPolicyLockoutSafetyCheck=True),
    ),
    (
        "key policy that only allows use",
        _key(ROOT, "kms:Decrypt"),
        "The new key policy will not allow you to update the key policy in the future.",
        _key(ROOT, "kms:Put*"),
    ),
    (
        "key policy for an unknown role",
        _key({"AWS": [ROOT["AWS"], f"arn:aws:iam::{ACCOUNT}:role/nobody"]}),
        "Policy contains a statement with one or more invalid principals.",
        _key(ROOT),
    ),
]


def _pairs(*tables: list[tuple[str, Resources, str, Resources]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("faulty", "says", "mended"), [pytest.param(*case[1:], id=case[0]) for table in tables for case in table]
    )


def test_policy_in_use_is_not_deleted(deploy: Deploy, client: Client) -> None:
    policy = _managed_policy(S3_READ)
    arn = deploy({"Policy": policy}, "-policy", Arn=ref("Policy"))["Values"]["Arn"]
    user = deploy(_role(ManagedPolicyArns=[arn]), "-role")
    assert user["StackStatus"] == "CREATE_COMPLETE", user["Reason"]
    changed = deploy({"Topic": resource("AWS::SNS::Topic")}, "-policy")
    assert "DeleteConflict: Cannot delete a policy attached to entities." in changed["Reason"]
    assert client("iam").get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1


def test_role_with_a_policy_of_another_stack_is_not_deleted(deploy: Deploy, client: Client) -> None:
    name = deploy({**_role(), "Topic": resource("AWS::SNS::Topic")}, Name=ref("Role"))["Values"]["Name"]
    iam = client("iam")
    iam.attach_role_policy(RoleName=name, PolicyArn=f"{MANAGED}IAMFullAccess")
    changed = deploy({"Topic": resource("AWS::SNS::Topic")})
    assert "DeleteConflict: Cannot delete entity, must detach all policies first." in changed["Reason"]
    iam.detach_role_policy(RoleName=name, PolicyArn=f"{MANAGED}IAMFullAccess")


def test_role_is_not_updated_to_a_malformed_policy(deploy: Deploy) -> None:
    deploy(_role(S3_READ))
    changed = deploy(_role({**S3_READ, "Action": "GetObject"}))
    assert changed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Actions/Conditions must be prefaced by a vendor" in changed["Reason"]
    assert deploy(_role({**S3_READ, "Action": "s3:PutObject"}))["StackStatus"] == "UPDATE_COMPLETE"


@_pairs(IAM, POLICIES)
def test_faulty_policy_is_refused_and_the_corrected_one_deploys(
    deploy: Deploy, faulty: Resources, says: str, mended: Resources
) -> None:
    check_pair(deploy, faulty, says, mended)

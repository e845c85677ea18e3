"""What IAM and the services refuse, in their words, each beside its smallest mended twin, which deploys."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.local_aws import ACCOUNT, Client, Deploy, ref, resource

Resources = dict[str, Any]

MANAGED = "arn:aws:iam::aws:policy/"
S3_READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def _trust(principal: Any, **changed: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, **changed}]}


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


TEN = [f"AmazonEC2Policy{number}" for number in range(10)]

IAM: list[tuple[str, Resources, str, Resources]] = [
    (
        "service that is none",
        _role(trust=_trust({"Service": "ecs-task.amazonaws.com"})),
        'MalformedPolicyDocument: Invalid principal in policy: "SERVICE":"ecs-task.amazonaws.com"',
        _role(trust=_trust({"Service": "ecs-tasks.amazonaws.com"})),
    ),
    (
        "role that is not there",
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
        "trust in another action",
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
        "resource that is no ARN",
        _role({**S3_READ, "Resource": "my-bucket"}),
        'Resource my-bucket must be in ARN format or "*".',
        _role({**S3_READ, "Resource": "arn:aws:s3:::my-bucket/*"}),
    ),
    (
        "resource of a partition that is none",
        _role({**S3_READ, "Resource": "arn:asw:s3:::my-bucket"}),
        'Partition "asw" is not valid for resource',
        _role({**S3_READ, "Resource": "arn:aws-cn:s3:::my-bucket"}),
    ),
    ("no effect", _role({**S3_READ, "Effect": "allow"}), "Syntax errors in policy.", _role(S3_READ)),
    (
        "condition operator unknown",
        _role({**S3_READ, "Condition": {"StringEqual": {"aws:PrincipalTag/a": "b"}}}),
        "Syntax errors in policy.",
        _role({**S3_READ, "Condition": {"ForAnyValue:StringEqualsIfExists": {"aws:TagKeys": ["b"]}}}),
    ),
    (
        "statement ids twice",
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
        "11 managed policies",
        _managed(*TEN, "ReadOnlyAccess"),
        "LimitExceeded: Cannot exceed quota for PoliciesPerRole: 10",
        _managed(*TEN),
    ),
    (
        "managed policy under no path",
        _managed("AmazonECSTaskExecutionRolePolicy"),
        "NoSuchEntity: Policy arn:aws:iam::aws:policy/AmazonECSTaskExecutionRolePolicy does not exist",
        _managed("service-role/AmazonECSTaskExecutionRolePolicy"),
    ),
    (
        "managed policy unknown",
        _managed("NoSuchPolicy"),
        "does not exist or is not attachable",
        _managed("IAMFullAccess"),
    ),
    (
        "managed policy of the account unknown",
        _role(ManagedPolicyArns=[f"arn:aws:iam::{ACCOUNT}:policy/none"]),
        "does not exist or is not attachable",
        _role(),
    ),
    (
        "session of an hour less a second",
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
    ("attached to nobody", _attached(S3_READ, Roles=[]), "At least one of", _attached(S3_READ)),
    ("attached to a role that is not there", _attached(S3_READ, Roles=["nobody"]), "nobody", _attached(S3_READ)),
    (
        "managed policy too long",
        {"Policy": resource("AWS::IAM::ManagedPolicy", PolicyDocument={"Statement": [_long(6144)]})},
        "Cannot exceed quota for PolicySize: 6144",
        {"Policy": resource("AWS::IAM::ManagedPolicy", PolicyDocument={"Statement": [_long(6000)]})},
    ),
]


def _pairs(*tables: list[tuple[str, Resources, str, Resources]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("faulty", "says", "mended"), [pytest.param(*case[1:], id=case[0]) for table in tables for case in table]
    )


@_pairs(IAM)
def test_a_fault_is_refused_and_its_mended_twin_deploys(
    deploy: Deploy, faulty: Resources, says: str, mended: Resources
) -> None:
    refused = deploy(faulty)
    assert refused["StackStatus"] == "ROLLBACK_COMPLETE"
    assert says in refused["Reason"]
    made = deploy(mended, "-mended")
    assert made["StackStatus"] == "CREATE_COMPLETE", made["Reason"]


def test_a_policy_in_use_is_not_deleted(deploy: Deploy, client: Client) -> None:
    policy = resource("AWS::IAM::ManagedPolicy", PolicyDocument={"Statement": [S3_READ]})
    arn = deploy({"Policy": policy}, "-policy", Arn=ref("Policy"))["Values"]["Arn"]
    user = deploy(_role(ManagedPolicyArns=[arn]), "-role")
    assert user["StackStatus"] == "CREATE_COMPLETE", user["Reason"]
    changed = deploy({"Topic": resource("AWS::SNS::Topic")}, "-policy")
    assert "DeleteConflict: Cannot delete a policy attached to entities." in changed["Reason"]
    assert client("iam").get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1


def test_a_role_with_a_policy_from_elsewhere_is_not_deleted(deploy: Deploy, client: Client) -> None:
    name = deploy({**_role(), "Topic": resource("AWS::SNS::Topic")}, Name=ref("Role"))["Values"]["Name"]
    iam = client("iam")
    iam.attach_role_policy(RoleName=name, PolicyArn=f"{MANAGED}IAMFullAccess")
    changed = deploy({"Topic": resource("AWS::SNS::Topic")})
    assert "DeleteConflict: Cannot delete entity, must detach all policies first." in changed["Reason"]
    iam.detach_role_policy(RoleName=name, PolicyArn=f"{MANAGED}IAMFullAccess")


def test_a_role_is_brought_to_no_policy_that_is_malformed(deploy: Deploy) -> None:
    deploy(_role(S3_READ))
    changed = deploy(_role({**S3_READ, "Action": "GetObject"}))
    assert changed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Actions/Conditions must be prefaced by a vendor" in changed["Reason"]
    assert deploy(_role({**S3_READ, "Action": "s3:PutObject"}))["StackStatus"] == "UPDATE_COMPLETE"

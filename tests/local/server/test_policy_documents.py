"""The errors of IAM for policy documents (moto, tests/test_iam/test_iam_policies.py, measured on AWS)."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.local.server.core.calls import RefusedError
from moorage.local.server.services import documents

_GOOD = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:eu-west-1:111111111111:orders"}
_SYNTAX = "Syntax errors in policy."
_LEGACY = "The policy failed legacy parsing"


def _document(**changed: Any) -> dict[str, Any]:
    statement = {name: value for name, value in (_GOOD | changed).items() if value != "none"}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"Version": "2012-10-17"}, _SYNTAX),
        ({"Version": "2012-10-17", "Statement": []}, _SYNTAX),
        ({"Version": "2013-01-01", "Statement": [_GOOD]}, _SYNTAX),
        ({"Version": "2012-10-17", "Id": {}, "Statement": [_GOOD]}, _SYNTAX),
        ({"Version": "2012-10-17", "Owner": "me", "Statement": [_GOOD]}, _SYNTAX),
        (_document(Effect="Permit"), _SYNTAX),
        (_document(Effect="none"), _SYNTAX),
        (_document(NotAction="sqs:*"), _SYNTAX),
        (_document(Resource={"Arn": "*"}), _SYNTAX),
        (_document(Action=[["sqs:*"]]), _SYNTAX),
        (_document(Condition="always"), _SYNTAX),
        (_document(Condition={"StringIs": {"aws:RequestedRegion": "eu-west-1"}}), _SYNTAX),
        (_document(Condition={"Bool": "true"}), _SYNTAX),
        (_document(Condition={"DateLessThan": {"aws:CurrentTime": "tomorrow"}}), _LEGACY),
        (_document(Resource="arn:aws:sqs::orders"), _LEGACY),
        (_document(Principal="*"), "Policy document should not specify a principal."),
        *(
            (
                _document(Sid=sid),
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression "
                "[0-9A-Za-z]*",
            )
            for sid in ("two words", "\u00fcber")
        ),
        (_document(Action="none"), "Policy statement must contain actions."),
        (_document(Action=[]), "Policy statement must contain actions."),
        (_document(Resource="none"), "Policy statement must contain resources."),
        (_document(Action="SendMessage"), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
        (_document(Action="sqs:Send:Message"), "Actions/Condition can contain only one colon."),
        (_document(Action="s q s:SendMessage"), "Vendor s q s is not valid"),
        (_document(Resource="orders"), 'Resource orders must be in ARN format or "*".'),
        (_document(Resource="arn:sqs:orders"), 'Partition "sqs" is not valid for resource "arn:sqs:orders:*:*:*".'),
        (_document(Resource="arn:aws"), "Resource vendor must be fully qualified and cannot contain regexes."),
        (
            _document(Resource="arn:aws:s3:eu-west-1::a-bucket"),
            "Resource arn:aws:s3:eu-west-1::a-bucket can not contain region information.",
        ),
        (
            _document(Resource="arn:aws:iam::111111111111:roles/a-role"),
            'IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, '
            "instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, "
            "access-report/.",
        ),
    ],
)
def test_faulty_document_is_refused_in_the_words_of_iam(document: dict[str, Any], words: str) -> None:
    assert next(documents.identity_faults(document)) == words


@pytest.mark.parametrize(
    "document",
    [
        _document(),
        {"Statement": _GOOD},
        _document(Action="none", NotAction=["sqs:DeleteQueue", "nosuchservice:Anything"]),
        _document(Resource=["*", "arn:aws:sqs:*:*:orders-*", "arn:aws:s3:::a-bucket/*"]),
        _document(Resource="arn:aws:s3:eu-west-1:111111111111:accesspoint/reports"),
        _document(Resource=["arn:aws:iam::111111111111:role/a-role", "arn:aws-cn:iam::111111111111:user/*"]),
        _document(Condition={"ForAllValues:StringLikeIfExists": {"aws:TagKeys": "a"}, "Null": {"aws:Token": True}}),
        _document(Condition={"DateGreaterThan": {"aws:CurrentTime": ["2026-01-01T00:00:00Z", "1767225600"]}}),
        _document(Resource=["arn:aws:kms:*:111111111111:key/*", None]),
    ],
)
def test_document_that_iam_accepts_is_accepted(document: dict[str, Any]) -> None:
    assert list(documents.identity_faults(document)) == []


def test_document_must_be_a_json_object() -> None:
    for text in ("not JSON", "[]", 7):
        with pytest.raises(RefusedError, match="MalformedPolicyDocument: Syntax errors in policy"):
            documents.parsed(text)

"""The table of requests that are served without a signature equals the table in the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from moorage.local.environment import ACCOUNT as DEFAULT_ACCOUNT
from moorage.local.server.core.unsigned import TABLE, is_expected
from tests.local.local_aws import sent

_DOCS = Path(__file__).parents[3] / "docs" / "guides" / "local-aws.md"


def test_the_documentation_lists_the_requests_without_a_signature() -> None:
    rows = [f"| {traffic.what} | {traffic.why} |" for traffic in TABLE]
    _, table = _DOCS.read_text(encoding="utf-8").split("| request | why |\n|---|---|\n")
    assert table.split("\n\n")[0].splitlines() == rows


@pytest.mark.parametrize("action", ["AssumeRoleWithWebIdentity", "AssumeRoleWithSAML", "GetCallerIdentity"])
def test_keys_are_not_issued_without_keys(server: tuple[int, int], action: str) -> None:
    body = f"Action={action}&Version=2011-06-15&RoleArn=arn:aws:iam::{DEFAULT_ACCOUNT}:role/any&RoleSessionName=any"
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    answer = sent(server[1], "POST", "/", f"{body}&WebIdentityToken=forged", **form)
    assert answer.status == 403
    assert "MissingAuthenticationToken" in answer.body


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/_ministack/cfn-response/guessed"),
        ("GET", "/_ministack/cfn-response/guessed"),
        ("PUT", "/_ministack/cfn-response/more/guessed"),
        ("PUT", "/_ministack/reset"),
    ],
)
def test_a_response_is_accepted_only_at_its_path(method: str, path: str) -> None:
    assert not is_expected(method, path)

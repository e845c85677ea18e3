"""Web ACLs that block fewer requests."""

from __future__ import annotations

from typing import Any

import pytest

from tests.review.opened.openings import sentences


def acl(*rules: Any, default: Any = "Allow") -> dict[str, Any]:
    action = {default: {}} if isinstance(default, str) else default
    properties = {"DefaultAction": action, "Rules": list(rules), "Scope": "REGIONAL"}
    return {"Acl": {"Type": "AWS::WAFv2::WebACL", "Properties": properties}}


def rule(name: str, action: str = "Block", property_name: str = "Action") -> dict[str, Any]:
    return {"Name": name, property_name: {action: {}}, "Priority": 1}


def group(name: str, action: str = "None") -> dict[str, Any]:
    return rule(name, action, "OverrideAction")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (acl(default="Block"), acl(default="Allow"), "now allows the requests that match no rule."),
        (acl(rule("rate"), group("common")), acl(group("common")), "no longer applies the rule rate."),
        (acl(rule("a"), group("b")), acl(), "no longer applies the rules a and b."),
        (acl(rule("rate")), acl(rule("rate", "Count")), "no longer blocks requests by the rule rate."),
        (acl(group("common")), acl(group("common", "Count")), "no longer blocks requests by the rule common."),
    ],
)
def test_a_web_acl_that_blocks_less_is_reported(before: Any, after: Any, said: str) -> None:
    assert sentences(before, after) == [("firewall", f"The web ACL Shop/Acl {said}")]
    assert sentences(after, before) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (acl(rule("count", "Count")), acl()),
        (acl(rule("allow", "Allow")), acl()),
        (acl(rule("a"), group("b")), acl(group("b"), rule("a", "Captcha"))),
        (acl({"Fn::If": ["A", rule("a"), rule("b")]}), acl()),
        (acl(rule("a")), acl({"Name": "a", "Action": {"Fn::If": ["A", {"Count": {}}, {"Block": {}}]}})),
        (acl(default="Block"), acl(default={"Fn::If": ["A", {"Allow": {}}, {"Block": {}}]})),
    ],
)
def test_a_web_acl_that_blocks_as_much_is_not_reported(before: Any, after: Any) -> None:
    assert sentences(before, after) == []

"""Authentication that a change removes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.review.opened.openings import sentences

FORWARD = {"Type": "forward", "TargetGroupArn": "arn"}
OIDC = {"Type": "authenticate-oidc", "Order": 1}


def rule(*actions: Any, addresses: Any = None) -> dict[str, Any]:
    conditions: list[dict[str, Any]] = [{"Field": "path-pattern", "Values": ["/a"]}]
    if addresses is not None:
        conditions.append({"Field": "source-ip", "SourceIpConfig": {"Values": addresses}})
    properties = {"ListenerArn": "arn", "Conditions": conditions, "Actions": list(actions)}
    return {"It": {"Type": "AWS::ElasticLoadBalancingV2::ListenerRule", "Properties": properties}}


def listener(*actions: Any) -> dict[str, Any]:
    return {"It": {"Type": "AWS::ElasticLoadBalancingV2::Listener", "Properties": {"DefaultActions": list(actions)}}}


@pytest.mark.parametrize(("make", "noun"), [(rule, "listener rule"), (listener, "listener")])
@pytest.mark.parametrize("kind", ["authenticate-oidc", "authenticate-cognito", "jwt-validation"])
def test_requests_that_are_no_longer_authenticated_are_reported(make: Any, noun: str, kind: str) -> None:
    closed = make({"Type": kind}, FORWARD)
    said = f"The {noun} Shop/It no longer authenticates the requests that it forwards ({kind})."
    assert sentences(closed, make(FORWARD)) == [("authentication", said)]
    assert sentences(make(FORWARD), closed) == []
    assert sentences(closed, make({"Type": "fixed-response"})) == []
    assert sentences(closed, make({"Ref": "Action"}, FORWARD)) == []


def test_another_way_to_authenticate_is_no_opening() -> None:
    assert sentences(rule(OIDC, FORWARD), rule({"Type": "jwt-validation"}, FORWARD)) == []


def test_a_rule_for_more_addresses_is_an_opening() -> None:
    base = rule(FORWARD, addresses=["10.0.0.0/16"])
    wider = "The listener rule Shop/It now matches requests from {} (before: 10.0.0.0/16)."
    assert sentences(base, rule(FORWARD, addresses=["10.0.0.0/8"])) == [("authentication", wider.format("10.0.0.0/8"))]
    assert sentences(base, rule(FORWARD)) == [("authentication", wider.format("any address"))]
    for addresses in (["10.0.1.0/24"], {"Ref": "Addresses"}):
        assert sentences(base, rule(FORWARD, addresses=addresses)) == []
    assert sentences(rule(FORWARD), base) == []


def pool(**properties: Any) -> dict[str, Any]:
    return {"Users": {"Type": "AWS::Cognito::UserPool", "Properties": properties}}


def test_a_user_pool_that_anyone_can_sign_up_in_is_an_opening() -> None:
    closed, opened = (pool(AdminCreateUserConfig={"AllowAdminCreateUserOnly": only}) for only in (True, False))
    said = ("authentication", "Anyone can now sign up in the Cognito user pool Shop/Users.")
    assert sentences(closed, opened) == [said]
    assert sentences(closed, pool()) == [said]
    assert sentences(opened, closed) == []
    assert sentences(closed, pool(AdminCreateUserConfig={"Ref": "Config"})) == []


@pytest.mark.parametrize("after", ["OPTIONAL", "OFF"])
def test_a_user_pool_that_needs_no_second_factor_is_an_opening(after: str) -> None:
    base, head = pool(MfaConfiguration="ON"), pool(MfaConfiguration=after)
    said = "Users of the Cognito user pool Shop/Users can now sign in without a second factor."
    assert sentences(base, head) == [("authentication", said)]
    assert sentences(head, base) == []
    assert sentences(base, pool(MfaConfiguration={"Ref": "Mfa"})) == []


def distribution(default: Any, **paths: Any) -> dict[str, Any]:
    others = [{"PathPattern": path, "TrustedKeyGroups": groups} for path, groups in paths.items()]
    config = {"DefaultCacheBehavior": {"TrustedKeyGroups": default}, "CacheBehaviors": others}
    return {"Cdn": {"Type": "AWS::CloudFront::Distribution", "Properties": {"DistributionConfig": config}}}


def test_a_distribution_that_needs_no_signed_requests_is_an_opening() -> None:
    said = "The CloudFront distribution Shop/Cdn no longer requires signed requests for {}."
    assert sentences(distribution(["k"]), distribution([])) == [("authentication", said.format("*"))]
    assert sentences(distribution([], a=["k"]), distribution([], a=[])) == [("authentication", said.format("a"))]
    assert sentences(distribution([], a=["k"]), distribution([])) == [], "the path is gone"
    assert sentences(distribution(["k"]), distribution(["l"])) == []
    assert sentences(distribution([]), distribution(["k"])) == []


def test_clients_that_need_no_certificate_are_an_opening() -> None:
    def domain(**properties: Any) -> dict[str, Any]:
        return {"It": {"Type": "AWS::ApiGatewayV2::DomainName", "Properties": properties}}

    closed = domain(MutualTlsAuthentication={"TruststoreUri": "s3://a"})
    said = "The API Gateway domain name Shop/It no longer requires a certificate of its clients."
    assert sentences(closed, domain()) == [("authentication", said)]
    assert sentences(domain(), closed) == []
    verified, off = (
        {
            "It": {
                "Type": "AWS::ElasticLoadBalancingV2::Listener",
                "Properties": {"MutualAuthentication": {"Mode": mode}},
            }
        }
        for mode in ("verify", "off")
    )
    said = "The listener Shop/It no longer verifies the certificates of its clients."
    assert sentences(verified, off) == [("authentication", said)]
    assert sentences(off, verified) == []

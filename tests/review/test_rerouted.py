"""Requests that reach another target after an update in place."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.review.interrupted import _OFF, interrupted
from moorage.review.replacement.provider_schemas import provider_schema
from moorage.review.replacement.replacement import replaced
from moorage.review.rerouted import rerouted
from tests.review.templates import compared

ELB = "AWS::ElasticLoadBalancingV2"
END = "reach another rule or the default action of the listener."
FORWARD = [{"Type": "forward", "TargetGroupArn": {"Ref": "Blue"}}]


def of(type_: str, **properties: Any) -> dict[str, Any]:
    return {"Type": type_, "Properties": properties}


def rule(*conditions: Any, actions: Any = FORWARD, listener: str = "Https") -> dict[str, Any]:
    return of(f"{ELB}::ListenerRule", ListenerArn={"Ref": listener}, Conditions=list(conditions), Actions=actions)


def path(*values: Any) -> dict[str, Any]:
    return {"Field": "path-pattern", "PathPatternConfig": {"Values": list(values)}}


def host(*values: Any) -> dict[str, Any]:
    return {"Field": "host-header", "Values": list(values)}


def header(name: str, *values: Any) -> dict[str, Any]:
    return {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": name, "Values": list(values)}}


def sentences(base: dict[str, Any], head: dict[str, Any]) -> list[str]:
    groups = {name: of(f"{ELB}::TargetGroup") for name in ("Blue", "Green")}
    sides = [{"Shop": {**groups, "Https": of(f"{ELB}::Listener", Port=443), **each}} for each in (base, head)]
    return [finding.sentence for finding in rerouted(replaced(compared(*sides)))]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([path("/a/*", "/b/*")], [path("/a/*")], "no longer matches requests for the path /b/*: they"),
        (
            [host("a.example.com")],
            [host("b.example.com")],
            "no longer matches requests for the host a.example.com: they",
        ),
        ([path("/*")], [path("/a/*")], "no longer matches requests for the path /*: they"),
        ([header("X-A", "1", "2")], [header("x-a", "1")], "no longer matches requests with the header x-a 2: they"),
        (
            [{"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "1"}, {"Value": "2"}]}}],
            [{"Field": "query-string", "QueryStringConfig": {"Values": [{"Value": "2"}]}}],
            "no longer matches requests with the query v=1: they",
        ),
        (
            [{"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}}],
            [{"Field": "source-ip", "SourceIpConfig": {"Values": ["10.1.0.0/16"]}}],
            "no longer matches requests from the address 10.0.0.0/8: they",
        ),
        (
            [{"Field": "path-pattern", "RegexValues": ["^/a"]}],
            [{"Field": "path-pattern", "RegexValues": ["^/b"]}],
            "no longer matches requests for the path the expression ^/a: they",
        ),
        ([path("/a")], [path("/a"), host("x.com")], "now matches only requests for the host x.com: others"),
    ],
)
def test_requests_that_a_rule_no_longer_matches_go_elsewhere(before: Any, after: Any, said: str) -> None:
    assert sentences({"Rule": rule(*before)}, {"Rule": rule(*after)}) == [f"The listener rule Shop/Rule {said} {END}"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([path("/a/*")], [path("/a/*", "/b/*")]),
        ([path("/a/b")], [path("/a/*")]),
        ([host("A.example.com")], [host("a.EXAMPLE.com")]),
        ([host("a.example.com")], [{"Field": "host-header", "HostHeaderConfig": {"Values": ["*.example.com"]}}]),
        ([path("/a"), host("x.com")], [path("/a")]),
        ([path("/a")], [path({"Ref": "Path"})]),
        ([header("X-A", "1")], [header("x-a", "1")]),
    ],
)
def test_a_rule_that_matches_as_much_as_before_is_not_reported(before: Any, after: Any) -> None:
    assert sentences({"Rule": rule(*before)}, {"Rule": rule(*after)}) == []


def test_requests_that_another_rule_of_the_listener_matches_are_not_reported() -> None:
    base, head = {"Rule": rule(path("/a", "/b"))}, {"Rule": rule(path("/a")), "Other": rule(path("/b"))}
    assert sentences(base, head) == []
    assert len(sentences(base, {**head, "Other": rule(path("/b"), listener="Http")})) == 1


def forward(*weights: tuple[str, int]) -> list[dict[str, Any]]:
    groups = [{"TargetGroupArn": {"Ref": name}, "Weight": weight} for name, weight in weights]
    return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        (forward(("Green", 1)), "the target group Shop/Green"),
        (forward(("Blue", 0), ("Green", 1)), "the target group Shop/Green"),
        ([{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}], "the status code 503"),
        (
            [{"Type": "redirect", "RedirectConfig": {"Host": "b.example.com", "StatusCode": "HTTP_301"}}],
            "a redirect to b.example.com",
        ),
    ],
)
def test_requests_that_something_else_answers_are_reported(actions: Any, said: str) -> None:
    end = f"with {said} (before: the target group Shop/Blue)."
    expected = [f"The listener rule Shop/Rule answers requests {end}"]
    assert sentences({"Rule": rule(path("/a"))}, {"Rule": rule(path("/a"), actions=actions)}) == expected
    base, head = (
        {"Http": of(f"{ELB}::Listener", Port=80, Protocol="HTTP", DefaultActions=each)} for each in (FORWARD, actions)
    )
    assert sentences(base, head) == [f"The listener Shop/Http answers requests that match no rule {end}"]


@pytest.mark.parametrize(
    "actions",
    [
        forward(("Blue", 1)),
        forward(("Blue", 1), ("Green", 0)),
        [{"Type": "authenticate-oidc", "Order": 1}, *FORWARD],
        [{"Fn::If": ["A", FORWARD[0], {"Type": "fixed-response"}]}],
        {"Ref": "Actions"},
    ],
)
def test_requests_that_the_same_targets_answer_are_not_reported(actions: Any) -> None:
    assert sentences({"Rule": rule(path("/a"))}, {"Rule": rule(path("/a"), actions=actions)}) == []


def test_a_rule_of_another_listener_is_not_compared() -> None:
    base, head = {"Rule": rule(path("/a"))}, {"Rule": rule(path("/b"), listener="Other")}
    assert sentences(base, {**head, "Other": of(f"{ELB}::Listener", Port=444)}) == []


def test_a_name_that_no_distribution_answers_for_is_reported() -> None:
    def distribution(*names: Any) -> dict[str, Any]:
        return of("AWS::CloudFront::Distribution", DistributionConfig={"Aliases": list(names)})

    base, head = {"Cdn": distribution("a.com", "b.com")}, {"Cdn": distribution("a.com")}
    said = "The CloudFront distribution Shop/Cdn no longer answers for b.com: clients that use this name fail."
    assert sentences(base, head) == [said]
    assert sentences(base, {**head, "Other": distribution("*.com")}) == []
    assert sentences(head, base) == []
    assert sentences(base, {"Cdn": distribution({"Ref": "Name"})}) == []


@pytest.mark.parametrize("type_", sorted(_OFF))
def test_a_resource_that_is_turned_off_is_reported(type_: str) -> None:
    names, off, consequence = _OFF[type_]
    schema = provider_schema(type_)
    assert schema is not None
    assert schema.node(names).part

    def resource(value: Any, **others: Any) -> dict[str, Any]:
        for name in reversed(names):
            value = {name: value}
        return {"Shop": {"It": {"Type": type_, "Properties": {**value, **others}}}}

    def found(before: Any, after: Any) -> list[str]:
        return [each.sentence for each in interrupted(compared(resource(before), resource(after)))]

    on = {"true": False, "false": True}.get(off, "ENABLED")
    (sentence,) = found(on, off)
    assert sentence.endswith(f" Shop/It {consequence}.")
    assert found(off, on) == []
    assert found(on, {"Ref": "Off"}) == []
    assert found({"Ref": "Off"}, off) == []
    assert list(interrupted(compared(resource(off), resource(off, Tags=["a"])))) == []


def test_a_record_that_points_somewhere_else_is_reported() -> None:
    def record(*values: Any, **properties: Any) -> dict[str, Any]:
        stated = {"Name": "a.com.", "Type": "A", "HostedZoneId": "Z", "ResourceRecords": list(values), **properties}
        return {"Record": of("AWS::Route53::RecordSet", **stated)}

    said = "The Route53 record set Shop/Record now points to "
    assert sentences(record("1.1.1.1"), record("2.2.2.2")) == [f"{said}2.2.2.2 (before: 1.1.1.1)."]
    assert sentences(record("1.1.1.1"), record("1.1.1.1", "2.2.2.2")) == []
    assert sentences(record("a", Type="TXT"), record("b", Type="TXT")) == []
    one, other = ({"DNSName": {"Fn::GetAtt": [name, "DNSName"]}} for name in ("Blue", "Green"))
    base, head = (record(AliasTarget=alias) for alias in (one, other))
    assert sentences(base, head) == [f"{said}Shop/Green (before: Shop/Blue)."]
    again = record(AliasTarget={"DNSName": {"Fn::Join": ["", ["dualstack.", {"Fn::GetAtt": ["Blue", "DNSName"]}]]}})
    assert sentences(base, again) == []

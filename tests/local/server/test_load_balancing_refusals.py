"""Attributes, actions and conditions that Elastic Load Balancing refuses, each with a correction that deploys."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.local_aws import NETWORK, Deploy, check_pair, load_balancer, ref, resource

Resources = dict[str, Any]
Actions = list[Resources]

GROUP = {"VpcId": ref("Vpc"), "Port": 80, "Protocol": "HTTP", "TargetType": "ip"}


def _elb(kind: str, **properties: Any) -> Resources:
    return resource(f"AWS::ElasticLoadBalancingV2::{kind}", **properties)


def _attributes(**attributes: str) -> list[dict[str, str]]:
    return [{"Key": name.replace("__", "."), "Value": value} for name, value in attributes.items()]


def _balancer(**attributes: str) -> Resources:
    return NETWORK | {"Edge": load_balancer(LoadBalancerAttributes=_attributes(**attributes))}


def _group(protocol: str = "HTTP", **attributes: str) -> Resources:
    stated = GROUP | {"Protocol": protocol, "TargetGroupAttributes": _attributes(**attributes)}
    return NETWORK | {"Targets": _elb("TargetGroup", **stated)}


def _checked(**properties: Any) -> Resources:
    return NETWORK | {"Targets": _elb("TargetGroup", **(GROUP | properties))}


def _forward(*weights: int) -> Actions:
    groups = [{"TargetGroupArn": ref(f"Targets{number}"), "Weight": weight} for number, weight in enumerate(weights)]
    return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]


def _listening(actions: Actions, protocol: str = "HTTP", kind: str = "application") -> Resources:
    stated = GROUP | {"Protocol": protocol}
    groups = {f"Targets{number}": _elb("TargetGroup", **stated) for number in range(6)}
    edge = {"Edge": load_balancer(Type=kind)}
    listener = _elb("Listener", LoadBalancerArn=ref("Edge"), Port=80, Protocol=protocol, DefaultActions=actions)
    return NETWORK | groups | edge | {"Listener": listener}


def _redirect(**stated: str) -> Actions:
    return [{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", **stated}}]


def _answer(kind: str) -> Actions:
    return [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "ContentType": kind}}]


def _signed_in() -> Actions:
    site = "https://login.example.com"
    identity = {
        "Issuer": site,
        "AuthorizationEndpoint": f"{site}/a",
        "TokenEndpoint": f"{site}/t",
        "UserInfoEndpoint": f"{site}/u",
        "ClientId": "shop",
        "ClientSecret": "x",
    }
    return [
        {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": identity},
        {**_forward(1)[0], "Order": 2},
    ]


def _rule(*conditions: Resources, actions: Actions | None = None) -> Resources:
    rule = _elb(
        "ListenerRule",
        ListenerArn=ref("Listener"),
        Priority=1,
        Actions=actions or _forward(1),
        Conditions=list(conditions),
    )
    return _listening(_forward(1)) | {"Rule": rule}


def _paths(*values: str) -> Resources:
    return {"Field": "path-pattern", "Values": list(values)}


def _header(**name: str) -> Resources:
    return {"Field": "http-header", "HttpHeaderConfig": {"Values": ["*"], **name}}


def _method(name: str) -> Resources:
    return {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": [name]}}


HOSTS = {"HostHeaderConfig": {"Values": ["shop.example.com"]}}
CASES: dict[str, tuple[Resources, str, Resources]] = {
    "unknown mitigation": (
        _balancer(routing__http__desync_mitigation_mode="strict"),
        "must be one of monitor, defensive, strictest, not 'strict'",
        _balancer(routing__http__desync_mitigation_mode="strictest"),
    ),
    "unknown algorithm": (
        _group(load_balancing__algorithm__type="random"),
        "must be one of round_robin, least_outstanding_requests, weighted_random",
        _group(load_balancing__algorithm__type="weighted_random"),
    ),
    "slow start without round robin": (
        _group(load_balancing__algorithm__type="least_outstanding_requests", slow_start__duration_seconds="60"),
        "Slow start mode can be enabled only with the round robin algorithm",
        _group(load_balancing__algorithm__type="round_robin", slow_start__duration_seconds="60"),
    ),
    "source IP stickiness over HTTP": (
        _group(stickiness__type="source_ip"),
        "Stickiness type 'source_ip' is not supported for target groups with the HTTP protocol",
        _group("TCP", stickiness__type="source_ip"),
    ),
    "cookie stickiness over TCP": (
        _group("TCP", stickiness__lb_cookie__duration_seconds="60"),
        "is not supported for target groups with the TCP protocol",
        _group(stickiness__lb_cookie__duration_seconds="60"),
    ),
    "cookie without a name": (
        _group(stickiness__enabled="true", stickiness__type="app_cookie"),
        "The cookie name '' is not valid",
        _group(
            stickiness__enabled="true", stickiness__type="app_cookie", stickiness__app_cookie__cookie_name="SESSION"
        ),
    ),
    "gRPC over TCP": (
        _checked(Protocol="TCP", ProtocolVersion="GRPC"),
        "Protocol version is supported only for target groups with protocol HTTP or HTTPS",
        _checked(ProtocolVersion="GRPC"),
    ),
    "HTTP with a TCP health check": (
        _checked(HealthCheckProtocol="TCP"),
        "Health check protocol 'TCP' is not supported for target groups with protocol HTTP",
        _checked(HealthCheckProtocol="HTTPS"),
    ),
    "redirect to itself": (
        _listening(_redirect(Port="80")),
        "The redirect configuration is not valid because it creates a loop",
        _listening(_redirect(Protocol="HTTPS", Port="443")),
    ),
    "rule that redirects to itself": (
        _rule(_paths("/a"), actions=_redirect()),
        "The redirect configuration is not valid because it creates a loop",
        _rule(_paths("/a"), actions=_redirect(Path="/b")),
    ),
    "weight above 999": (
        _listening(_forward(1000)),
        "The weight of a target group must be between 0 and 999, not 1000",
        _listening(_forward(999)),
    ),
    "six target groups": (
        _listening(_forward(*[1] * 6)),
        "TooManyTargetGroups",
        _listening(_forward(*[1] * 5)),
    ),
    "sign-in over HTTP": (
        _listening(_signed_in()),
        "Actions of type 'authenticate-oidc' are supported only on HTTPS listeners",
        _listening(_forward(1)),
    ),
    "fixed response of an unknown content type": (
        _listening(_answer("image/png")),
        "ContentType 'image/png' must be one of text/plain",
        _listening(_answer("text/html")),
    ),
    "redirect of a network load balancer": (
        _listening(_redirect(Protocol="HTTPS"), "TCP", "network"),
        "Actions of type 'redirect' are not supported on network load balancers",
        _listening(_forward(1), "TCP", "network"),
    ),
    "rule without a condition": (_rule(), "A condition must be specified", _rule(_paths("/a"))),
    "two conditions for a field": (
        _rule(_paths("/a"), _paths("/b")),
        "A rule can only have one 'path-pattern' condition",
        _rule(_paths("/a", "/b")),
    ),
    "seven wildcards": (
        _rule(_paths("/*/*/*", "/?/?/?/?")),
        "A rule can only have '6' condition wildcards",
        _rule(_paths("/*/*/*", "/?/?/?"), {"Field": "query-string", "QueryStringConfig": {"Values": [{"Value": "a"}]}}),
    ),
    "path of 129 characters": (
        _rule(_paths("/" + "a" * 128)),
        "cannot be longer than '128' characters",
        _rule(_paths("/" + "a" * 127)),
    ),
    "header without a name": (
        _rule(_header()),
        "The HTTP header name must be specified",
        _rule(_header(HttpHeaderName="X-A"), _header(HttpHeaderName="X-B")),
    ),
    "method in lowercase": (
        _rule(_method("get")),
        "The HTTP request method 'get' is not valid",
        _rule(_method("GET")),
    ),
    "host values of a path condition": (
        _rule({"Field": "path-pattern", **HOSTS}),
        "HostHeaderConfig can be specified only for the condition field 'host-header'",
        _rule({"Field": "host-header", **HOSTS}),
    ),
}


@pytest.mark.parametrize(("faulty", "says", "mended"), CASES.values(), ids=CASES)
def test_faulty_template_is_refused_and_the_corrected_one_deploys(
    deploy: Deploy, faulty: Resources, says: str, mended: Resources
) -> None:
    check_pair(deploy, faulty, says, mended)

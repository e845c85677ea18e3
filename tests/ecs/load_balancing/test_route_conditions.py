"""Conditions of routes on headers, methods, query strings and addresses, and the settings of their target groups."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Match, Template

from moorage import Cluster, Container, LoadBalancer, NetworkMode, Rollout, Route, Service, Task
from tests.conftest import template
from tests.stand_ins import stand_in

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

EDGE = stand_in("RequestLoadBalancer")
WEB = Container("nginx:1", name="web", port=8080)
GROUP, RULE = "AWS::ElasticLoadBalancingV2::TargetGroup", "AWS::ElasticLoadBalancingV2::ListenerRule"
TOKEN: Any = cdk.Token.as_string({"Ref": "Version"})
GRPC = elbv2.ApplicationProtocolVersion.GRPC
BETA = {"X-Version": "beta"}


@pytest.fixture
def cluster(stack: cdk.Stack, vpc: ec2.IVpc) -> Cluster:
    return Cluster(stack, "Cluster", vpc=vpc)


@pytest.fixture
def edge(stack: cdk.Stack, vpc: ec2.IVpc) -> LoadBalancer:
    arn = "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", arn)
    return LoadBalancer(stack, "Edge", vpc=vpc, certificate=certificate)


def serve(stack: cdk.Stack, cluster: Cluster, *routes: Route, task: Task | None = None, **arguments: Any) -> Template:
    Service(stack, "Web", cluster=cluster, task=task or Task(WEB), route=routes, **arguments)
    return template(stack)


def only(made: Template, kind: str) -> Any:
    (resource,) = made.find_resources(kind).values()
    return resource["Properties"]


def attributes(made: Template) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in only(made, GROUP)["TargetGroupAttributes"]}


def opened_ports(made: Template) -> list[int]:
    rules = made.find_resources("AWS::EC2::SecurityGroupIngress").values()
    return sorted(rule["Properties"]["FromPort"] for rule in rules)


def test_a_rule_has_all_conditions(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer, snapshot: SnapshotAssertion
) -> None:
    route = Route(
        edge,
        http_header=BETA,
        http_request_method=["GET"],
        query_string={"version": "beta", "debug": "1"},
        source_ip="203.0.113.0/24",
    )
    assert only(serve(stack, cluster, route), RULE)["Conditions"] == snapshot


def test_a_rule_with_further_conditions_needs_no_path(stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer) -> None:
    (condition,) = only(serve(stack, cluster, Route(edge, http_header=BETA)), RULE)["Conditions"]
    assert condition == {
        "Field": "http-header",
        "HttpHeaderConfig": {"HttpHeaderName": "X-Version", "Values": ["beta"]},
    }


@pytest.mark.parametrize("asked", [{}, {"path": "/api/*"}, {"host": "shop.example.com"}])
def test_more_conditions_come_first(asked: dict[str, Any]) -> None:
    plain = Route(EDGE, **asked)
    one = Route(EDGE, http_header=BETA, **asked)
    two = Route(EDGE, http_header=BETA, http_request_method="GET", **asked)
    assert plain.priority - 600 <= two.priority < plain.priority - 300 <= one.priority < plain.priority


def test_a_priority_does_not_depend_on_the_order_of_conditions() -> None:
    first = Route(EDGE, query_string={"a": "1", "b": "2"}, source_ip="10.0.0.0/8")
    assert first.priority == Route(EDGE, source_ip="10.0.0.0/8", query_string={"b": "2", "a": "1"}).priority


def test_the_first_priority_is_1() -> None:
    routes = [Route(EDGE, host="a.example.com", path=f"/{n}", http_header=BETA) for n in range(200)]
    assert min(route.priority for route in routes) >= 1


def test_services_share_a_path_by_a_header(stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer) -> None:
    Service(stack, "Stable", cluster=cluster, task=Task(WEB), route=Route(edge, path="/api/*"))
    Service(stack, "Beta", cluster=cluster, task=Task(WEB), route=Route(edge, path="/api/*", http_header=BETA))
    template(stack).resource_count_is(RULE, 2)


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        ({"http_header": BETA}, {"http_header": {"x-version": "BETA"}}, "their conditions are the same"),
        ({"source_ip": ["10.0.0.0/8", "::/0"]}, {"source_ip": ["::/0", "10.0.0.0/8"]}, "conditions are the same"),
        (
            {"http_header": {"X-Version": ["beta", "rc"]}, "priority": 1},
            {"http_header": {"X-Version": "rc"}, "query_string": {"a": "1"}, "priority": 2},
            "evaluated first and leaves no requests",
        ),
        ({"priority": 1}, {"http_header": BETA, "priority": 2}, "evaluated first and leaves no requests"),
    ],
)
def test_hidden_routes_are_refused(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer, first: Any, second: Any, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        serve(stack, cluster, Route(edge, **first), Route(edge, name="second", **second))


@pytest.mark.parametrize(
    "second",
    [
        {"http_header": {"X-Version": "rc"}},
        {"http_header": {"X-Other": "beta"}},
        {"query_string": {"X-Version": "beta"}},
        {"http_request_method": "GET"},
    ],
)
def test_other_requests_are_not_hidden(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer, second: dict[str, Any]
) -> None:
    routes = [Route(edge, http_header=BETA, priority=1), Route(edge, name="second", priority=2, **second)]
    serve(stack, cluster, *routes).resource_count_is(RULE, 2)


def test_values_of_all_conditions_count() -> None:
    four: Any = {"http_header": {"a": ["1", "2"]}, "query_string": {"b": "3"}, "http_request_method": "GET"}
    assert Route(EDGE, path="/a", **four).priority
    with pytest.raises(ValueError, match=r"number of hosts, paths and other values must be at most 5 \(got 6\)"):
        Route(EDGE, path=["/a", "/b"], **four)


def test_wildcards_of_all_conditions_count_except_after_a_backslash() -> None:
    values: Any = {"query_string": {"a": ["*?", r"\*\?"]}, "http_header": {"b": "*?"}}
    assert Route(EDGE, path="/*", **values).priority
    with pytest.raises(ValueError, match=r"the number of wildcards must be at most 6 \(got 7\)"):
        Route(EDGE, path="/*/*?", **values)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"http_header": {"Host": "a"}}, "each name of http_header must be"),
        ({"http_header": {"a": []}}, r"http_header\['a'\] must not be empty"),
        ({"http_request_method": []}, "http_request_method must not be empty"),
        ({"source_ip": []}, "source_ip must not be empty"),
        ({"source_ip": "300.0.0.0/8"}, "source_ip must be"),
        ({"source_ip": "10.0.0.1"}, "source_ip must be"),
        ({"source_ip": "10.0.0.1"}, "source_ip must be an IPv4 or IPv6 block"),
        ({"http_header": {TOKEN: "a"}}, "each name of http_header and query_string must be known"),
        ({"http_header": {"a": TOKEN}}, "another condition is known only at deployment"),
    ],
)
def test_invalid_conditions_are_refused(arguments: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Route(EDGE, **arguments)


def test_a_token_is_accepted_with_a_priority() -> None:
    assert Route(EDGE, http_header={"a": TOKEN}, priority=7).http_header == {"a": (TOKEN,)}


def test_targets_and_health_checks_use_https(stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer) -> None:
    group = only(serve(stack, cluster, Route(edge, protocol=elbv2.ApplicationProtocol.HTTPS)), GROUP)
    assert (group["Protocol"], group["HealthCheckProtocol"], group["Port"]) == ("HTTPS", "HTTPS", 80)


def test_targets_use_http_by_default(stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer) -> None:
    group = only(serve(stack, cluster, Route(edge)), GROUP)
    assert (group["Protocol"], "HealthCheckProtocol" in group, group["HealthCheckPort"]) == (
        "HTTP",
        False,
        "traffic-port",
    )


def test_health_checks_reach_another_port(stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer) -> None:
    made = serve(stack, cluster, Route(edge, health_port=9090))
    assert only(made, GROUP)["HealthCheckPort"] == "9090"
    assert opened_ports(made) == [8080, 9090]


def test_health_checks_reach_another_port_in_given_groups(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer, vpc: ec2.IVpc
) -> None:
    group = ec2.SecurityGroup(stack, "Group", vpc=vpc)
    made = serve(stack, cluster, Route(edge, health_port=9090), security_groups=[group])
    assert opened_ports(made) == [8080, 9090]


def test_bridge_mode_has_no_health_port(stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer) -> None:
    task = Task(WEB, network_mode=NetworkMode.BRIDGE)
    with pytest.raises(ValueError, match=r"must not have a health_port in bridge mode \(got 9090\)"):
        serve(stack, cluster, Route(edge, health_port=9090), task=task)


def test_a_cookie_keeps_a_session_on_a_task(stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer) -> None:
    made = serve(stack, cluster, Route(edge, stickiness_cookie_duration=dt.timedelta(hours=1)))
    assert (
        attributes(made).items()
        >= {
            "stickiness.enabled": "true",
            "stickiness.type": "lb_cookie",
            "stickiness.lb_cookie.duration_seconds": "3600",
        }.items()
    )


def test_a_cookie_of_the_application_keeps_a_session_for_a_day(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer
) -> None:
    made = serve(stack, cluster, Route(edge, stickiness_cookie_name="JSESSIONID"))
    assert (
        attributes(made).items()
        >= {
            "stickiness.enabled": "true",
            "stickiness.type": "app_cookie",
            "stickiness.app_cookie.cookie_name": "JSESSIONID",
            "stickiness.app_cookie.duration_seconds": "86400",
        }.items()
    )


def test_sessions_are_not_sticky_by_default(stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer) -> None:
    assert attributes(serve(stack, cluster, Route(edge)))["stickiness.enabled"] == "false"


@pytest.mark.parametrize(
    "sticky", [{"stickiness_cookie_duration": dt.timedelta(hours=1)}, {"stickiness_cookie_name": "SID"}]
)
def test_a_rollout_that_shifts_traffic_has_no_sticky_sessions(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer, sticky: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="must not have sticky sessions if rollouts shift traffic"):
        serve(stack, cluster, Route(edge, **sticky), rollout=Rollout.canary(percent=10))


def test_grpc_has_no_sticky_sessions() -> None:
    with pytest.raises(ValueError, match="stickiness is not supported with protocol_version GRPC"):
        Route(EDGE, protocol_version=GRPC, stickiness_cookie_name="SID")


@pytest.mark.parametrize("rollout", [Rollout.blue_green(), Rollout.canary(percent=10), Rollout.linear(percent=50)])
def test_traffic_shifts_with_conditions_and_https(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer, rollout: Rollout
) -> None:
    route = Route(edge, http_header=BETA, protocol=elbv2.ApplicationProtocol.HTTPS, health_port=9090)
    made = serve(stack, cluster, route, rollout=rollout)
    https = {"Protocol": "HTTPS", "HealthCheckProtocol": "HTTPS", "HealthCheckPort": "9090"}
    made.resource_properties_count_is(GROUP, https, 2)
    by_header = {"Conditions": [Match.object_like({"Field": "http-header"})]}
    made.resource_properties_count_is(RULE, by_header, 2)


@pytest.mark.parametrize(
    "other", [{"health_port": 9090}, {"protocol": elbv2.ApplicationProtocol.HTTPS}, {"stickiness_cookie_name": "a"}]
)
def test_routes_with_other_targets_share_no_target_group(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer, other: dict[str, Any]
) -> None:
    routes = [Route(edge, host="a.example.com"), Route(edge, host="b.example.com", **other)]
    with pytest.raises(ValueError, match="differ in their health, protocol, stickiness or deregistration_delay"):
        serve(stack, cluster, *routes)

"""Redirects and fixed responses of an Application Load Balancer."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53

from moorage import Cluster, Container, LoadBalancer, Route, Service, Task
from tests.conftest import template
from tests.workload.load_balancing_limit_cases import ARN

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
REDIRECT = elbv2.ListenerAction.redirect
RESPONSE = elbv2.ListenerAction.fixed_response


@pytest.fixture
def certificate(stack: cdk.Stack) -> acm.ICertificate:
    arn = "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
    return acm.Certificate.from_certificate_arn(stack, "Certificate", arn)


@pytest.fixture
def edge(stack: cdk.Stack, vpc: ec2.IVpc, certificate: acm.ICertificate) -> LoadBalancer:
    return LoadBalancer(stack, "Edge", vpc=vpc, certificate=certificate)


def serve(stack: cdk.Stack, edge: LoadBalancer, **asked: Any) -> None:
    cluster = Cluster(stack, "Cluster", vpc=edge.vpc)
    Service(stack, "Web", cluster=cluster, task=Task(Container("nginx:1", port=80)), route=Route(edge, **asked))


def only_rule(stack: cdk.Stack) -> Any:
    (rule,) = template(stack).find_resources(RULE).values()
    return rule["Properties"]


def test_a_host_is_redirected(stack: cdk.Stack, edge: LoadBalancer) -> None:
    edge.add_action(REDIRECT(host="shop.example.com", permanent=True), host="www.example.com")
    rule = only_rule(stack)
    assert rule["ListenerArn"] == stack.resolve(edge.listener.listener_arn)
    assert rule["Priority"] == Route(edge, host="www.example.com").priority
    assert rule["Conditions"] == [{"Field": "host-header", "HostHeaderConfig": {"Values": ["www.example.com"]}}]
    assert rule["Actions"] == [
        {"Type": "redirect", "RedirectConfig": {"Host": "shop.example.com", "StatusCode": "HTTP_301"}}
    ]


def test_requests_get_a_fixed_response(stack: cdk.Stack, edge: LoadBalancer) -> None:
    edge.add_action(RESPONSE(503), path="/admin/*", source_ip="10.0.0.0/8", http_request_method="POST", priority=7)
    rule = only_rule(stack)
    assert rule["Priority"] == 7
    assert {each["Field"] for each in rule["Conditions"]} == {"path-pattern", "source-ip", "http-request-method"}
    assert rule["Actions"] == [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}]


def test_an_imported_load_balancer_answers(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    edge = LoadBalancer.from_attributes(stack, "Edge", listener_arn=ARN, security_group_id="sg-0a1b2c3d", vpc=vpc)
    edge.add_action(RESPONSE(404), path="/internal/*", priority=3)
    assert only_rule(stack)["ListenerArn"] == ARN


def test_actions_and_routes_do_not_clash(stack: cdk.Stack, edge: LoadBalancer) -> None:
    serve(stack, edge, path="/a/*")
    edge.add_action(RESPONSE(404), path="/b/*")
    with pytest.raises(ValueError, match="Shop/Edge: route for path '/a/\\*' and the route of Shop/Web .* clash"):
        edge.add_action(RESPONSE(404), path="/a/*")
    with pytest.raises(ValueError, match="the route of Shop/Edge for path '/b/\\*' clash"):
        edge.add_action(RESPONSE(404), path="/b/*")


def test_a_route_does_not_clash_with_an_action(stack: cdk.Stack, edge: LoadBalancer) -> None:
    edge.add_action(RESPONSE(404), path="/a/*")
    with pytest.raises(ValueError, match="the route of Shop/Edge for path '/a/\\*' clash"):
        serve(stack, edge, path="/a/*")


def test_a_redirected_host_becomes_an_alias(stack: cdk.Stack, vpc: ec2.IVpc, certificate: acm.ICertificate) -> None:
    zone = route53.HostedZone.from_hosted_zone_attributes(stack, "Zone", hosted_zone_id="Z1", zone_name="example.com")
    edge = LoadBalancer(stack, "Edge", vpc=vpc, certificate=certificate, zone=zone)
    edge.add_action(REDIRECT(host="shop.example.com"), host="www.example.com")
    serve(stack, edge, host="www.example.com", path="/api/*")
    made = template(stack)
    made.resource_count_is("AWS::Route53::RecordSet", 1)
    made.has_resource_properties("AWS::Route53::RecordSet", {"Name": "www.example.com."})


def test_an_action_uses_a_rule_of_the_quota(edge: LoadBalancer) -> None:
    edge.add_action(RESPONSE(404), path="/a/*")
    assert [usage.rules for usage in edge._used] == [1]


@pytest.mark.parametrize(
    ("action", "arguments", "problem"),
    [
        (REDIRECT(protocol="HTTP"), {}, "action must not redirect HTTPS to HTTP"),
        (RESPONSE(302), {}, r"status_code of action must be a 2XX, 4XX or 5XX code \(got '302'\)"),
        (RESPONSE(404, content_type="text/xml"), {}, "content_type of action must be 'text/plain'"),
        (RESPONSE(404, message_body="a" * 1025), {}, "message_body of action must be at most 1,024 characters"),
        (RESPONSE(404), {"path": "a"}, "path must start with '/'"),
        (RESPONSE(404), {"priority": 0}, "priority must be between 1 and 50,000"),
    ],
)
def test_invalid_answers_are_refused(edge: LoadBalancer, action: Any, arguments: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        edge.add_action(action, **arguments)


def test_an_action_does_not_forward(stack: cdk.Stack, vpc: ec2.IVpc, edge: LoadBalancer) -> None:
    group = elbv2.ApplicationTargetGroup(stack, "Group", vpc=vpc, port=80)
    with pytest.raises(ValueError, match=r"action must be a redirect or a fixed response \(got 'forward'\)"):
        edge.add_action(elbv2.ListenerAction.forward([group]), path="/a")


def test_http_is_redirected_to_http(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    edge = LoadBalancer(stack, "Edge", vpc=vpc)
    edge.add_action(REDIRECT(protocol="HTTP", path="/new"), path="/old")
    assert only_rule(stack)["Actions"][0]["RedirectConfig"]["Path"] == "/new"

"""The URLs of services and load balancers."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2

from moorage import (
    Cluster,
    Container,
    Gateway,
    GatewayConnector,
    Listener,
    LoadBalancer,
    NetworkLoadBalancer,
    Route,
    Service,
    Task,
)
from tests.conftest import imported_vpc, template

CERTIFICATE = "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:listener/app/edge/50dc6c495c0c9188/f2f7dc8efc522ab2"


@pytest.fixture
def stack(app: cdk.App) -> cdk.Stack:
    return cdk.Stack(app, "Shop", env=cdk.Environment(account="111111111111", region="eu-west-1"))


@pytest.fixture
def vpc(stack: cdk.Stack) -> ec2.IVpc:
    return imported_vpc(stack)


def edge(stack: cdk.Stack, vpc: ec2.IVpc, *, https: bool) -> LoadBalancer:
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE) if https else None
    return LoadBalancer(stack, "Edge", vpc=vpc, certificate=certificate)


def serve(stack: cdk.Stack, vpc: ec2.IVpc, route: Any) -> Service:
    cluster = Cluster(stack, "Cluster", vpc=vpc, failure_events=False)
    return Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8", port=8080)), route=route)


@pytest.mark.parametrize(
    ("conditions", "url"),
    [
        ({"host": "shop.example.com"}, "https://shop.example.com"),
        ({"host": ["*.example.com", "shop.example.com"]}, "https://shop.example.com"),
        ({"host": "shop.example.com", "path": "/v1/*"}, "https://shop.example.com/v1/"),
        ({"host": "shop.example.com", "path": ["/v?/cart", "/b"]}, "https://shop.example.com/v"),
        ({"host": "shop.example.com", "path": "/cart"}, "https://shop.example.com/cart"),
    ],
)
def test_a_url_has_the_host_and_the_path_of_the_route(
    conditions: dict[str, Any], url: str, stack: cdk.Stack, vpc: ec2.IVpc
) -> None:
    assert serve(stack, vpc, Route(edge(stack, vpc, https=True), **conditions)).url == url


@pytest.mark.parametrize(("host", "url"), [("shop.example.com", "https://shop.example.com:9443"), (None, ":9443")])
def test_a_url_has_the_port_of_another_listener(host: str | None, url: str, stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE)
    balancer = LoadBalancer(stack, "Edge", vpc=vpc, certificate=certificate, listener_ports=[9443])
    assert serve(stack, vpc, Route(balancer, host=host, listener_port=9443)).url.endswith(url)


def test_a_service_on_a_gateway_has_no_url_that_is_known(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cluster = Cluster(stack, "Cluster", vpc=vpc, failure_events=False)
    connector = GatewayConnector(Gateway(stack, "Gateway", clusters=[cluster]))
    task = Task(Container("redis:8", port=8080))
    service = Service(stack, "Web", cluster=cluster, task=task, route=connector)
    with pytest.raises(ValueError, match="run aws ecs list-gateway-routes --gateway NAME"):
        _ = service.url


@pytest.mark.parametrize(("https", "scheme"), [(True, "https"), (False, "http")])
def test_a_url_without_a_host_has_the_name_of_the_load_balancer(
    https: bool,  # noqa: FBT001  # a parameter of the table
    scheme: str,
    stack: cdk.Stack,
    vpc: ec2.IVpc,
) -> None:
    load_balancer = edge(stack, vpc, https=https)
    web = serve(stack, vpc, Route(load_balancer, path="/v1/*"))
    cdk.CfnOutput(stack, "Url", value=web.url)
    cdk.CfnOutput(stack, "Edge Url", value=load_balancer.url)
    outputs = template(stack).to_json()["Outputs"]
    resource = stack.get_logical_id(load_balancer.load_balancer.node.default_child)  # type: ignore[arg-type]  # the resource
    name = {"Fn::GetAtt": [resource, "DNSName"]}
    assert outputs["Url"]["Value"] == {"Fn::Join": ["", [f"{scheme}://", name, "/v1/"]]}
    assert outputs["EdgeUrl"]["Value"] == {"Fn::Join": ["", [f"{scheme}://", name]]}


def test_a_url_of_an_imported_load_balancer_needs_a_host(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    theirs = LoadBalancer.from_attributes(stack, "Edge", listener_arn=LISTENER, security_group_id="sg-1", vpc=vpc)
    web = serve(stack, vpc, [Route(theirs, host="shop.example.com"), Route(theirs, path="/v1/*")])
    assert web.url == "https://shop.example.com"
    with pytest.raises(ValueError, match="Shop/Edge: the DNS name of an imported load balancer is not known"):
        _ = theirs.url


def test_the_first_route_has_the_url(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    gate = NetworkLoadBalancer(stack, "Gate", vpc=vpc)
    route = Route(edge(stack, vpc, https=False), host="shop.example.com")
    assert serve(stack, vpc, [Listener(gate, 9000), route]).url == "http://shop.example.com"


def test_a_service_without_a_route_has_no_url(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(ValueError, match=r"Shop/Web: url requires a Route .*\(got none\); use Service\(route=Route"):
        _ = serve(stack, vpc, None).url


def test_a_service_with_listeners_only_has_no_url(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    web = serve(stack, vpc, Listener(NetworkLoadBalancer(stack, "Gate", vpc=vpc), 9000))
    with pytest.raises(ValueError, match=r"Shop/Web: url requires a Route .*\(got only listeners"):
        _ = web.url


def test_a_wildcard_is_no_host_of_a_url(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    web = serve(stack, vpc, Route(edge(stack, vpc, https=True), host="*.example.com"))
    with pytest.raises(ValueError, match=r"url requires a host without wildcards \(got '\*\.example\.com'\)"):
        _ = web.url

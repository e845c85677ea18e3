"""Listeners of an Application Load Balancer on ports other than 443 and 80."""

from __future__ import annotations

import warnings
from typing import Any

import attrs
import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53

from moorage import Cluster, Container, LoadBalancer, Rollout, Route, Service, Task
from tests.conftest import template
from tests.workload.load_balancing_limit_cases import ARN

LISTENER, RULE = "AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule"
GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
TEST_ARN = ARN.replace("f2f7dc8efc522ab2", "a2f7dc8efc522ab2")
OTHER_ARN = ARN.replace("f2f7dc8efc522ab2", "b2f7dc8efc522ab2")
CANARY = Rollout.canary(alarms=None)
NGINX = "public.ecr.aws/nginx/nginx-unprivileged:1.29"
WEB = Task(Container(NGINX, name="web", port=8080))
TWO_PORTS = Task(Container(NGINX, name="web", ports={"web": 8080, "admin": 8081}))


@pytest.fixture
def certificate(stack: cdk.Stack) -> acm.ICertificate:
    arn = "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
    return acm.Certificate.from_certificate_arn(stack, "Certificate", arn)


@pytest.fixture
def edge(stack: cdk.Stack, vpc: ec2.IVpc, certificate: acm.ICertificate) -> LoadBalancer:
    return LoadBalancer(stack, "Edge", vpc=vpc, certificate=certificate, listener_ports=[9443, 10443])


def serve(stack: cdk.Stack, name: str, *routes: Route, task: Task = WEB, **arguments: Any) -> Service:
    cluster: Any = stack.node.try_find_child("Cluster") or Cluster(stack, "Cluster", vpc=routes[0].load_balancer.vpc)
    return Service(stack, name, cluster=cluster, task=task, route=routes, **arguments)


def listeners(stack: cdk.Stack) -> dict[int, Any]:
    """Return the properties of the listeners, by port."""
    found = template(stack).find_resources(LISTENER).values()
    return {each["Properties"]["Port"]: each["Properties"] for each in found}


def rules(stack: cdk.Stack) -> list[tuple[Any, Any]]:
    """Return the priority of each rule, with the beginning of the logical ID of its listener."""
    found = [each["Properties"] for each in template(stack).find_resources(RULE).values()]
    return sorted((each["Priority"], each["ListenerArn"]["Ref"][:-8]) for each in found)


def ports_of_clients(stack: cdk.Stack, cidr: str) -> set[int]:
    groups = template(stack).find_resources("AWS::EC2::SecurityGroup").values()
    ingress = [rule for each in groups for rule in each["Properties"].get("SecurityGroupIngress", [])]
    return {rule["FromPort"] for rule in ingress if rule["CidrIp"] == cidr}


@pytest.mark.usefixtures("edge")
def test_a_further_listener_has_the_certificate_and_the_policy_of_the_main_listener(stack: cdk.Stack) -> None:
    found = listeners(stack)
    assert found.keys() == {80, 443, 8443, 9443, 10443}
    for port in (9443, 10443):
        assert found[port] == {**found[443], "Port": port}
    assert found[9443]["Protocol"] == "HTTPS"


def test_without_a_certificate_a_further_listener_serves_http(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    LoadBalancer(stack, "Edge", vpc=vpc, public=True, plain_http="a test", listener_ports=[9090])
    assert listeners(stack)[9090]["Protocol"] == "HTTP"


def test_the_clients_of_the_main_listener_reach_each_further_port(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    clients, tests = (ec2.Peer.ipv4(f"198.51.{number}.0/24") for number in (100, 101))
    LoadBalancer(stack, "Edge", vpc=vpc, ingress=[clients], test_ingress=[tests], listener_ports=[9090, 9091])
    assert ports_of_clients(stack, "198.51.100.0/24") == {80, 9090, 9091}
    assert ports_of_clients(stack, "198.51.101.0/24") == {8080}


@pytest.mark.usefixtures("edge")
def test_a_further_listener_is_exported_before_a_route_uses_it(stack: cdk.Stack) -> None:
    exports = [str(each["Value"]) for each in template(stack).find_outputs("*").values()]
    assert len([each for each in exports if "Port9443" in each or "Port10443" in each]) == 2


def test_a_further_listener_waits_for_a_test_listener_that_leaves_its_port(
    stack: cdk.Stack, vpc: ec2.IVpc, certificate: acm.ICertificate
) -> None:
    LoadBalancer(stack, "Edge", vpc=vpc, certificate=certificate, test_port=9443, listener_ports=[8443])
    found = template(stack).find_resources(LISTENER)
    (test,) = (name for name, each in found.items() if each["Properties"]["Port"] == 9443)
    (further,) = (each for each in found.values() if each["Properties"]["Port"] == 8443)
    assert test in further["DependsOn"]


def test_a_route_on_a_further_port_has_its_rule_there(app: cdk.App, stack: cdk.Stack, edge: LoadBalancer) -> None:
    serve(stack, "Web", Route(edge, path="/a", priority=7), Route(edge, path="/b", priority=7, listener_port=9443))
    apart = cdk.Stack(app, "Apart")
    cluster = Cluster(apart, "Cluster", vpc=edge.vpc)
    Service(apart, "Admin", cluster=cluster, task=WEB, route=Route(edge, listener_port=10443))
    assert rules(stack) == [(7, "EdgeHttps"), (7, "EdgePort9443")]
    (rule,) = template(apart).find_resources(RULE).values()
    assert "Port10443" in rule["Properties"]["ListenerArn"]["Fn::ImportValue"]


def test_the_port_of_the_main_listener_changes_nothing(stack: cdk.Stack, edge: LoadBalancer) -> None:
    serve(stack, "Web", Route(edge, path="/a", priority=7, listener_port=443))
    assert rules(stack) == [(7, "EdgeHttps")]
    with pytest.raises(ValueError, match="have the same priority 7; set priority= on one of the routes: priority=6 is"):
        serve(stack, "Api", Route(edge, path="/b", priority=7))


def test_routes_on_different_ports_do_not_clash(stack: cdk.Stack, edge: LoadBalancer) -> None:
    serve(stack, "Web", Route(edge, path="/a"))
    serve(stack, "Api", Route(edge, path="/a", listener_port=9443))
    with pytest.raises(ValueError, match="the route of Shop/Api for path '/a' clash: their conditions are the same"):
        serve(stack, "Late", Route(edge, path="/a", listener_port=9443))


def test_a_free_priority_is_free_on_the_same_listener(stack: cdk.Stack, edge: LoadBalancer) -> None:
    serve(stack, "Web", *(Route(edge, path=f"/{number}", priority=number) for number in (4, 6)))
    serve(stack, "Api", Route(edge, path="/a", priority=5, listener_port=9443))
    with pytest.raises(ValueError, match="priority=4 is free for the new route"):
        serve(stack, "Late", Route(edge, path="/b", priority=5, listener_port=9443))


def test_two_ports_of_one_container_have_listeners_and_target_groups_of_their_own(
    stack: cdk.Stack, edge: LoadBalancer
) -> None:
    routes = [Route(edge, container_port="web"), Route(edge, container_port="admin", listener_port=9443)]
    serve(stack, "Web", *routes, task=TWO_PORTS)
    assert rules(stack) == [(50_000, "EdgeHttps"), (50_000, "EdgePort9443")]
    template(stack).resource_count_is(GROUP, 2)


def test_a_target_group_stays_when_its_route_moves_to_another_port(stack: cdk.Stack, edge: LoadBalancer) -> None:
    serve(stack, "Web", Route(edge, path="/a"))
    before = template(stack).find_resources(GROUP)
    app = cdk.App()
    moved = cdk.Stack(app, "Shop")
    vpc = ec2.Vpc.from_vpc_attributes(
        moved, "Vpc", vpc_id="vpc-1", availability_zones=["a", "b"], private_subnet_ids=["subnet-1", "subnet-2"]
    )
    other = LoadBalancer(moved, "Edge", vpc=vpc, ingress=[], listener_ports=[9443])
    serve(moved, "Web", Route(other, path="/a", listener_port=9443))
    assert template(moved).find_resources(GROUP).keys() == before.keys()


def test_a_host_on_two_ports_has_one_alias(stack: cdk.Stack, vpc: ec2.IVpc, certificate: acm.ICertificate) -> None:
    zone = route53.HostedZone.from_hosted_zone_attributes(stack, "Zone", hosted_zone_id="Z1", zone_name="example.com")
    edge = LoadBalancer(stack, "Edge", vpc=vpc, certificate=certificate, zone=zone, listener_ports=[9443])
    host = "shop.example.com"
    serve(stack, "Web", Route(edge, host=host), Route(edge, host=host, listener_port=9443))
    template(stack).resource_count_is("AWS::Route53::RecordSet", 1)


def test_a_rollout_that_shifts_traffic_tests_routes_of_all_ports_on_one_listener(
    stack: cdk.Stack, edge: LoadBalancer
) -> None:
    serve(stack, "Web", Route(edge, path="/a", priority=7), rollout=CANARY)
    serve(stack, "Api", Route(edge, path="/b", priority=8, listener_port=9443), rollout=CANARY)
    assert rules(stack) == [(7, "EdgeHttps"), (7, "EdgeTest"), (8, "EdgePort9443"), (8, "EdgeTest")]


def test_routes_of_two_ports_that_clash_on_the_test_listener_are_refused(stack: cdk.Stack, edge: LoadBalancer) -> None:
    serve(stack, "Web", Route(edge, path="/a", priority=7), rollout=CANARY)
    with pytest.raises(
        ValueError,
        match="on the test listener, which all routes share whose rollouts shift traffic, route for path '/b' and the "
        "route of Shop/Web for path '/a' have the same priority 7; .*, or use Rollout.rolling",
    ):
        serve(stack, "Api", Route(edge, path="/b", priority=7, listener_port=9443), rollout=CANARY)
    routes = [Route(edge, listener_port=port, name=f"port-{port}") for port in (9443, 10443)]
    with pytest.raises(ValueError, match="on the test listener, .* the route of this service for all requests clash"):
        serve(stack, "Own", *routes, rollout=CANARY)
    serve(stack, "Rolling", Route(edge, path="/b", priority=7, listener_port=9443))


def test_a_removed_service_has_no_rule_on_the_test_listener(stack: cdk.Stack, edge: LoadBalancer) -> None:
    gone = serve(stack, "Gone", Route(edge, path="/a"), rollout=CANARY)
    stack.node.try_remove_child(gone.node.id)
    serve(stack, "Web", Route(edge, path="/a", listener_port=9443), rollout=CANARY)


def test_two_imported_listeners_can_share_a_test_listener(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    first, second = (
        LoadBalancer.from_attributes(
            stack, name, listener_arn=arn, test_listener_arn=TEST_ARN, security_group_id="sg-0a1b", vpc=vpc
        )
        for name, arn in (("First", ARN), ("Second", OTHER_ARN))
    )
    serve(stack, "Web", Route(first, path="/a"), rollout=CANARY)
    serve(stack, "Api", Route(second, path="/b"), rollout=CANARY)
    with pytest.raises(ValueError, match="on the test listener, .* the route of Shop/Web for path '/a' clash"):
        serve(stack, "Late", Route(second, path="/a"), rollout=CANARY)


def test_two_routes_of_a_rollout_on_different_ports_need_a_name(stack: cdk.Stack, edge: LoadBalancer) -> None:
    first = Route(edge, path="/a", host="a.com")
    routes = [first, attrs.evolve(first, host="b.com", listener_port=9443)]
    with pytest.raises(ValueError, match="path '/a', not from hosts; give one route a name=$") as raised:
        serve(stack, "Web", *routes, rollout=CANARY)
    assert "use one Route" not in str(raised.value)


def test_an_action_has_its_rule_on_the_named_port(stack: cdk.Stack, edge: LoadBalancer) -> None:
    response = elbv2.ListenerAction.fixed_response(503)
    edge.add_action(response, path="/a", priority=7)
    edge.add_action(response, path="/a", priority=7, listener_port=9443)
    assert rules(stack) == [(7, "EdgeHttps"), (7, "EdgePort9443")]
    with pytest.raises(ValueError, match=r"Shop/Edge: listener_port must be a port of Shop/Edge .* \(got 9444\)"):
        edge.add_action(response, path="/b", listener_port=9444)


@pytest.mark.parametrize("port", [80, 8443, 9444])
def test_a_port_without_routes_is_refused(stack: cdk.Stack, edge: LoadBalancer, port: int) -> None:
    with pytest.raises(ValueError, match=rf"listener_port must be .* one of 443, 9443, 10443 \(got {port}\); use one"):
        serve(stack, "Web", Route(edge, listener_port=port))


def test_an_imported_load_balancer_has_one_listener(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    edge = LoadBalancer.from_attributes(stack, "Edge", listener_arn=ARN, security_group_id="sg-0a1b", vpc=vpc)
    with pytest.raises(ValueError, match=r"must not be given for an imported load balancer \(got 443\), .*; import"):
        serve(stack, "Web", Route(edge, listener_port=443))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"listener_ports": [80]}, r"listener_ports must not contain 80 or 443, .* \(got 80\); leave 80 out"),
        ({"listener_ports": [443]}, r"listener_ports must not contain 80 or 443, .* \(got 443\); leave 443 out"),
        ({"listener_ports": [8080]}, r"listener_ports must not contain the port of the test listener \(got 8080\)"),
        ({"listener_ports": [9443], "test_port": 9443}, r"the port of the test listener \(got 9443\); use another"),
        ({"listener_ports": [0]}, r"each port of listener_ports must be between 1 and 65535 \(got 0\)"),
        ({"listener_ports": [cdk.Token.as_number({"Ref": "Port"})]}, "each port of listener_ports must be known"),
    ],
)
def test_a_port_that_is_taken_or_impossible_is_refused(
    stack: cdk.Stack, vpc: ec2.IVpc, arguments: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        LoadBalancer(stack, "Edge", vpc=vpc, **arguments)


def test_a_port_of_a_route_is_known_at_synthesis(edge: LoadBalancer) -> None:
    port: Any = cdk.Token.as_number({"Ref": "Port"})
    with pytest.raises(ValueError, match="listener_port must be known at synthesis"):
        Route(edge, listener_port=port)


@pytest.mark.parametrize(("tests", "warns"), [(20, False), (21, True)])
def test_further_ports_count_as_rules_of_the_security_group(
    stack: cdk.Stack, vpc: ec2.IVpc, tests: int, *, warns: bool
) -> None:
    clients, testers = ([ec2.Peer.ipv4(f"10.{net}.{each}.0/24") for each in range(30)] for net in (1, 2))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        LoadBalancer(stack, "Edge", vpc=vpc, ingress=clients[:20], test_ingress=testers[:tests], listener_ports=[9090])
    assert any("inbound security group rules" in str(each.message) for each in caught) == warns

"""The places, names, logs and neighbors that a load balancer accepts or refuses."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_route53 as route53

from moorage import Cluster, Container, Listener, LoadBalancer, NetworkLoadBalancer, Route, Service, Task
from tests.conftest import imported_vpc, template
from tests.workload.load_balancing_limit_cases import ARN, NETWORK_ARN, WEB_ACL

OWN = cdk.Environment(account="111111111111", region="eu-west-1")
WEB = Task(Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", name="web", port=8080))
KINDS: list[Any] = [LoadBalancer, NetworkLoadBalancer]


@pytest.fixture
def placed(app: cdk.App) -> cdk.Stack:
    return cdk.Stack(app, "Shop", env=OWN)


def zone(scope: cdk.Stack, name: str = "Zone", zone_id: str = "Z1") -> route53.IHostedZone:
    return route53.HostedZone.from_hosted_zone_attributes(scope, name, hosted_zone_id=zone_id, zone_name="example.com")


def serve(stack: cdk.Stack, name: str, *routes: Route | Listener) -> Service:
    cluster: Any = stack.node.try_find_child("Cluster") or Cluster(stack, "Cluster", vpc=routes[0].load_balancer.vpc)
    return Service(stack, name, cluster=cluster, task=WEB, route=routes)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("what", "place"), [("region", "us-east-1:111111111111"), ("account", "eu-west-1:222222222222")]
)
def test_a_certificate_of_another_place_is_refused(placed: cdk.Stack, kind: Any, what: str, place: str) -> None:
    certificate = acm.Certificate.from_certificate_arn(placed, "Certificate", f"arn:aws:acm:{place}:certificate/1a2b")
    with pytest.raises(ValueError, match=f"Shop/Edge: certificate must be in {what}"):
        kind(placed, "Edge", vpc=imported_vpc(placed), certificate=certificate)


def test_a_certificate_of_another_region_is_refused_for_an_imported_load_balancer(placed: cdk.Stack) -> None:
    arn = "arn:aws:acm:us-east-1:111111111111:certificate/1a2b"
    with pytest.raises(ValueError, match="certificate must be in region eu-west-1"):
        NetworkLoadBalancer.from_attributes(
            placed,
            "Gate",
            load_balancer_arn=NETWORK_ARN,
            security_group_id="sg-0a1b",
            vpc=imported_vpc(placed),
            certificate=acm.Certificate.from_certificate_arn(placed, "Certificate", arn),
        )


@pytest.mark.parametrize("kind", KINDS)
def test_a_zone_of_another_account_is_refused(app: cdk.App, placed: cdk.Stack, kind: Any) -> None:
    hosts = {"host": "a.example.com"} if kind is NetworkLoadBalancer else {}
    apart = cdk.Stack(app, "Apart", env=cdk.Environment(account="222222222222", region="eu-west-1"))
    theirs = route53.HostedZone(apart, "Zone", zone_name="example.com")
    with pytest.raises(ValueError, match="zone must be in account 111111111111"):
        kind(placed, "Edge", vpc=imported_vpc(placed), zone=theirs, **hosts)
    kind(placed, "Edge", vpc=placed.node.find_child("Vpc"), zone=zone(placed), **hosts)


def test_a_web_acl_of_another_account_is_refused(placed: cdk.Stack) -> None:
    with pytest.raises(ValueError, match="web_acl must be in account 111111111111"):
        LoadBalancer(placed, "Edge", vpc=imported_vpc(placed), web_acl=WEB_ACL.replace("111111111111", "222222222222"))


@pytest.mark.parametrize("kind", KINDS)
def test_subnets_of_another_vpc_or_two_of_one_zone_are_refused(stack: cdk.Stack, kind: Any) -> None:
    own, other = ec2.Vpc(stack, "Own"), ec2.Vpc(stack, "Other")
    theirs = ec2.SubnetSelection(subnets=other.private_subnets)
    with pytest.raises(
        ValueError, match="each subnet of vpc_subnets must be in the VPC .*got Shop/Other/PrivateSubnet1 in another"
    ):
        kind(stack, "Edge", vpc=own, vpc_subnets=theirs)
    vpc = imported_vpc(stack)
    same = [
        ec2.Subnet.from_subnet_attributes(stack, name, subnet_id=name, availability_zone="eu-west-1a")
        for name in ("subnet-7", "subnet-8")
    ]
    with pytest.raises(
        ValueError, match="the Availability Zones of vpc_subnets must be unique .got 'eu-west-1a' more than once"
    ):
        kind(stack, "Edge", vpc=vpc, vpc_subnets=ec2.SubnetSelection(subnets=same))


def test_an_elastic_ip_address_that_is_given_twice_is_refused(stack: cdk.Stack) -> None:
    with pytest.raises(ValueError, match="allocation_ids must be unique .got 'eipalloc-0a1b' more than once"):
        NetworkLoadBalancer(
            stack,
            "Gate",
            vpc=imported_vpc(stack),
            public=True,
            without_tls="a test",
            allocation_ids=["eipalloc-0a1b", "eipalloc-0a1b"],
        )


def test_an_alias_of_two_load_balancers_is_refused(stack: cdk.Stack) -> None:
    vpc = imported_vpc(stack)
    edge = LoadBalancer(stack, "Edge", vpc=vpc, zone=zone(stack))
    serve(stack, "Web", Route(edge, host="shop.example.com"))
    again = zone(stack, "Again")
    with pytest.raises(
        ValueError, match="Shop/Gate: host is 'shop.example.com', which is already an alias of Shop/Edge"
    ):
        NetworkLoadBalancer(stack, "Gate", vpc=vpc, zone=again, host="shop.example.com")
    NetworkLoadBalancer(stack, "Gate", vpc=vpc, zone=again, host="mqtt.example.com")
    inner = LoadBalancer(stack, "Inner", vpc=vpc, zone=again)
    with pytest.raises(ValueError, match="Shop/Api: 2 problems") as raised:
        serve(stack, "Api", Route(inner, host=["shop.example.com", "mqtt.example.com"]))
    assert "host is 'mqtt.example.com', which is already an alias of Shop/Gate in the same zone" in str(raised.value)
    elsewhere = LoadBalancer(stack, "Private", vpc=vpc, zone=zone(stack, "Private zone", "Z2"))
    serve(stack, "Api", Route(elsewhere, host="shop.example.com"))


def test_the_alias_of_a_host_that_is_a_token_belongs_to_the_stack_of_its_service(
    app: cdk.App, stack: cdk.Stack
) -> None:
    edge = LoadBalancer(stack, "Edge", vpc=imported_vpc(stack), zone=zone(stack))
    shop = cdk.Stack(app, "Services")
    host = cdk.CfnParameter(shop, "Host").value_as_string
    Service(
        shop, "Web", cluster=Cluster(shop, "Cluster", vpc=edge.vpc), task=WEB, route=Route(edge, host=host, priority=5)
    )
    template(shop).resource_count_is("AWS::Route53::RecordSet", 1)
    app.synth()
    assert not stack.dependencies


def test_two_imports_of_one_listener_share_their_routes(app: cdk.App, stack: cdk.Stack) -> None:
    vpc = imported_vpc(stack)
    other = cdk.Stack(app, "Other")
    edges = [
        LoadBalancer.from_attributes(scope, "Edge", listener_arn=ARN, security_group_id="sg-0a1b", vpc=vpc)
        for scope in (stack, other)
    ]
    serve(stack, "Web", Route(edges[0], path="/a", priority=7))
    with pytest.raises(ValueError, match="Other/Web: route for path '/b' and the route of Shop/Web .* same priority 7"):
        serve(other, "Web", Route(edges[1], path="/b", priority=7))
    gates = [
        NetworkLoadBalancer.from_attributes(
            scope, "Gate", load_balancer_arn=NETWORK_ARN, security_group_id="sg-0a1b", vpc=vpc
        )
        for scope in (stack, other)
    ]
    serve(stack, "Broker", Listener(gates[0], 9000))
    with pytest.raises(ValueError, match="clash: port 9000 can forward to only one service"):
        serve(other, "Broker", Listener(gates[1], 9000))


def test_the_aliases_of_a_removed_load_balancer_can_be_used_again(stack: cdk.Stack) -> None:
    vpc = imported_vpc(stack)
    for name in ("Old", "New"):
        edge = LoadBalancer(stack, f"{name}Edge", vpc=vpc, zone=zone(stack, f"{name}Zone"))
        serve(stack, name, Route(edge, host="shop.example.com"))
        if name == "Old":
            assert stack.node.try_remove_child("OldEdge")
            assert stack.node.try_remove_child("Old")
    template(stack).resource_count_is("AWS::Route53::RecordSet", 1)


def test_the_routes_of_a_removed_service_can_be_used_again(stack: cdk.Stack) -> None:
    edge = LoadBalancer(stack, "Edge", vpc=imported_vpc(stack))
    gate = NetworkLoadBalancer(stack, "Gate", vpc=edge.vpc)
    serve(stack, "Web", Route(edge, path="/a"), Listener(gate, 9000))
    assert stack.node.try_remove_child("Web")
    serve(stack, "Api", Route(edge, path="/a"), Listener(gate, 9000))
    template(stack).resource_count_is("AWS::ElasticLoadBalancingV2::ListenerRule", 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_log_bucket_that_is_deleted_must_be_emptied(stack: cdk.Stack, kind: Any) -> None:
    vpc, gone = imported_vpc(stack), cdk.RemovalPolicy.DESTROY
    with pytest.raises(ValueError, match="removal_policy=DESTROY cannot delete the access log bucket"):
        kind(stack, "Edge", vpc=vpc, removal_policy=gone)
    with pytest.raises(
        ValueError, match="auto_delete_objects=True has no effect, since no access log bucket is deleted"
    ):
        kind(stack, "Edge", vpc=vpc, auto_delete_objects=True)
    kind(stack, "Without", vpc=vpc, removal_policy=gone, access_logs=False)
    kind(stack, "Edge", vpc=vpc, removal_policy=gone, auto_delete_objects=True)
    made = template(stack)
    (emptying,) = made.find_resources("Custom::S3AutoDeleteObjects")
    edge = made.find_resources("AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert [emptying in each.get("DependsOn", []) for each in edge.values()] == [False, True]  # it is deleted first


@pytest.mark.parametrize("public", [False, True])
def test_a_vpc_with_two_groups_of_subnets_provides_one_subnet_of_each_zone(stack: cdk.Stack, *, public: bool) -> None:
    """Elastic Load Balancing accepts one subnet of each zone (botocore elbv2 CreateLoadBalancer.Subnets)."""
    kinds = [ec2.SubnetType.PUBLIC] * 2 + [ec2.SubnetType.PRIVATE_WITH_EGRESS] * 2
    groups = [ec2.SubnetConfiguration(name=f"Group{index}", subnet_type=kind) for index, kind in enumerate(kinds)]
    vpc = ec2.Vpc(stack, "Groups", max_azs=2, subnet_configuration=groups)
    LoadBalancer(stack, "Edge", vpc=vpc, public=public, plain_http="a test" if public else None)
    NetworkLoadBalancer(stack, "Gate", vpc=vpc, public=public, without_tls="a test" if public else None)
    balancers = template(stack).find_resources("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    assert [len(each["Properties"]["Subnets"]) for each in balancers] == [2, 2]


def test_a_selection_with_too_few_subnets_is_refused(stack: cdk.Stack) -> None:
    vpc = ec2.Vpc(stack, "Two", max_azs=2)
    one = ec2.SubnetSelection(availability_zones=[vpc.availability_zones[0]])
    with pytest.raises(ValueError, match=r"the number of subnets must be at least 2 \(got 1\)"):
        LoadBalancer(stack, "Edge", vpc=vpc, vpc_subnets=one)
    with pytest.raises(ValueError, match="vpc_subnets must select subnets of the VPC Shop/Two"):
        LoadBalancer(stack, "Edge", vpc=vpc, vpc_subnets=ec2.SubnetSelection(subnet_group_name="Absent"))


@pytest.mark.parametrize("entry", [Route, Listener])
def test_a_deregistration_delay_longer_than_the_deletion_of_a_service_warns(stack: cdk.Stack, entry: Any) -> None:
    """CloudFormation's schema of AWS::ECS::Service: handlers.delete.timeoutInMinutes is 30."""
    vpc = imported_vpc(stack)
    edge = LoadBalancer(stack, "Edge", vpc=vpc) if entry is Route else NetworkLoadBalancer(stack, "Edge", vpc=vpc)
    more = {} if entry is Route else {"port": 80}
    entry(edge, deregistration_delay=cdk.Duration.minutes(30), **more)
    for longer in (1801, 3600):
        with pytest.warns(UserWarning, match=rf"deregistration_delay should be at most 1,800 .* \(got {longer:,}\)"):
            entry(edge, deregistration_delay=cdk.Duration.seconds(longer), **more)
    with pytest.raises(ValueError, match="deregistration_delay must be between 0 and 3,600 seconds"):
        entry(edge, deregistration_delay=cdk.Duration.seconds(3601), **more)


def test_a_subnet_that_is_given_twice_is_refused_even_if_its_zone_is_not_known(stack: cdk.Stack) -> None:
    subnet = ec2.Subnet.from_subnet_id(stack, "Subnet", "subnet-0a1b2c3d")
    twice = ec2.SubnetSelection(subnets=[subnet, subnet])
    with pytest.raises(
        ValueError, match=r"the Availability Zones of vpc_subnets must be unique \(got 'subnet-0a1b2c3d' more"
    ):
        LoadBalancer(stack, "Edge", vpc=imported_vpc(stack), vpc_subnets=twice)

"""Application Load Balancers and their routes."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

import attrs
import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_wafv2 as wafv2
from aws_cdk.assertions import Match
from hypothesis import given
from hypothesis import strategies as st

from moorage import (
    Capacity,
    Cluster,
    Container,
    LoadBalancer,
    Network,
    NetworkMode,
    Rollout,
    Route,
    Scaling,
    Service,
    TargetHealth,
    Task,
)
from moorage.testing import readable_template
from tests.conftest import imported_vpc, template, warnings_of
from tests.stand_ins import stand_in
from tests.workload.load_balancing_limit_cases import ARN, WEB_ACL

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

EDGE = stand_in("RequestLoadBalancer")
WEB = Task(Container("public.ecr.aws/nginx/nginx:1.29", name="web", port=8080))
DUAL_STACK = elbv2.IpAddressType.DUAL_STACK
GRPC = elbv2.ApplicationProtocolVersion.GRPC


@pytest.fixture
def certificate(stack: cdk.Stack) -> acm.ICertificate:
    arn = "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
    return acm.Certificate.from_certificate_arn(stack, "Certificate", arn)


@pytest.fixture
def edge(stack: cdk.Stack, vpc: ec2.IVpc, certificate: acm.ICertificate) -> LoadBalancer:
    return LoadBalancer(stack, "Edge", vpc=vpc, public=True, certificate=certificate)


def serve(stack: cdk.Stack, name: str, *routes: Route) -> Service:
    cluster: Any = stack.node.try_find_child("Cluster")
    if cluster is None:
        vpc: Any = stack.node.find_child("Vpc")
        cluster = Cluster(stack, "Cluster", vpc=vpc)
    return Service(stack, name, cluster=cluster, task=WEB, route=routes)


def test_whole_template(stack: cdk.Stack, edge: LoadBalancer, template_snapshot: SnapshotAssertion) -> None:
    assert edge.node.default_child is edge.load_balancer
    assert readable_template(stack) == template_snapshot


@pytest.mark.usefixtures("edge")
def test_unmatched_requests_get_404_and_http_is_redirected(stack: cdk.Stack) -> None:
    result = template(stack)
    result.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::Listener",
        {
            "Port": 443,
            "Protocol": "HTTPS",
            "SslPolicy": Match.string_like_regexp("TLS13"),
            "DefaultActions": [
                {"Type": "fixed-response", "FixedResponseConfig": Match.object_like({"StatusCode": "404"})}
            ],
        },
    )
    result.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::Listener",
        {
            "Port": 80,
            "DefaultActions": [{"Type": "redirect", "RedirectConfig": Match.object_like({"Protocol": "HTTPS"})}],
        },
    )


@pytest.mark.usefixtures("edge")
def test_access_is_logged_even_without_a_region(stack: cdk.Stack) -> None:
    template(stack).has_resource_properties(
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        {"LoadBalancerAttributes": Match.array_with([{"Key": "access_logs.s3.enabled", "Value": "true"}])},
    )
    template(stack).has_resource_properties(
        "AWS::S3::BucketPolicy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [
                        Match.object_like(
                            {
                                "Action": "s3:PutObject",
                                "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
                            }
                        )
                    ]
                )
            }
        },
    )


def test_each_protection_can_be_turned_off(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    LoadBalancer(stack, "Edge", vpc=vpc, access_logs=False, deletion_protection=False)
    template(stack).resource_count_is("AWS::S3::Bucket", 0)
    template(stack).has_resource_properties(
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        {"LoadBalancerAttributes": Match.array_with([{"Key": "deletion_protection.enabled", "Value": "false"}])},
    )


def test_public_without_a_certificate_is_refused_with_the_way_out(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(ValueError, match="Shop/Edge: public=True without a certificate") as raised:
        LoadBalancer(stack, "Edge", vpc=vpc, public=True)
    assert "plain_http='the reason" in str(raised.value)
    assert stack.node.try_find_child("Edge") is None


def test_the_reason_for_plain_http_is_kept(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    edge = LoadBalancer(stack, "Edge", vpc=vpc, public=True, plain_http="a demonstration")
    assert [entry.data for entry in edge.load_balancer.node.metadata] == ["a demonstration"]


@pytest.mark.parametrize("reason", ["", "  "])
def test_an_empty_reason_is_refused(stack: cdk.Stack, vpc: ec2.IVpc, reason: str) -> None:
    with pytest.raises(ValueError, match="plain_http must not be empty"):
        LoadBalancer(stack, "Edge", vpc=vpc, public=True, plain_http=reason)


def test_a_certificate_with_plain_http_is_refused(
    stack: cdk.Stack, vpc: ec2.IVpc, certificate: acm.ICertificate
) -> None:
    with pytest.raises(ValueError, match="certificate and plain_http must not be given together"):
        LoadBalancer(stack, "Edge", vpc=vpc, certificate=certificate, plain_http="why")


def test_an_internal_load_balancer_allows_only_the_vpc(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    LoadBalancer(stack, "Edge", vpc=vpc)
    template(stack).has_resource_properties("AWS::ElasticLoadBalancingV2::LoadBalancer", {"Scheme": "internal"})
    template(stack).has_resource_properties(
        "AWS::EC2::SecurityGroup",
        {"SecurityGroupIngress": [Match.object_like({"CidrIp": "10.0.0.0/16", "FromPort": 80})]},
    )


def test_an_empty_ingress_allows_nobody(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    LoadBalancer(stack, "Edge", vpc=vpc, ingress=[])
    template(stack).has_resource_properties("AWS::EC2::SecurityGroup", {"SecurityGroupIngress": Match.absent()})


def test_a_vpc_that_is_not_suitable_is_refused_with_all_reasons(stack: cdk.Stack) -> None:
    bare = ec2.Vpc.from_vpc_attributes(
        stack, "Bare", vpc_id="vpc-2", availability_zones=["a"], private_subnet_ids=["subnet-1"]
    )
    with pytest.raises(ValueError, match="Shop/Edge: 2 problems") as raised:
        LoadBalancer(stack, "Edge", vpc=bare)
    assert "the number of private subnets of the VPC must be at least 2 (got 1)" in str(raised.value)
    assert "use ingress=[ec2.Peer.ipv4(...)], or import the VPC with vpc_cidr_block=" in str(raised.value)
    with pytest.raises(ValueError, match=r"the number of public subnets of the VPC must be at least 2 \(got 0\)"):
        LoadBalancer(stack, "Edge", vpc=bare, public=True, plain_http="a test")


def test_the_load_balancer_and_the_tasks_allow_only_each_other(stack: cdk.Stack, edge: LoadBalancer) -> None:
    serve(stack, "Web", Route(edge))
    result = template(stack)
    for kind in ("Ingress", "Egress"):
        result.resource_count_is(f"AWS::EC2::SecurityGroup{kind}", 1)
        result.has_resource_properties(f"AWS::EC2::SecurityGroup{kind}", {"FromPort": 8080, "ToPort": 8080})


def test_services_of_several_stacks_share_a_load_balancer_whose_stack_refers_to_none(
    app: cdk.App, stack: cdk.Stack, edge: LoadBalancer
) -> None:
    others = [cdk.Stack(app, name) for name in ("Api", "Admin")]
    for other in others:
        cluster = Cluster(other, "Cluster", vpc=edge.load_balancer.vpc or imported_vpc(other))
        Service(
            other, "Web", cluster=cluster, task=WEB, route=Route(edge, host=f"{other.stack_name.lower()}.example.com")
        )
    app.synth()
    assert [[each.stack_name for each in other.dependencies] for other in others] == [["Shop"], ["Shop"]]
    assert not stack.dependencies
    template(others[0]).resource_count_is("AWS::ElasticLoadBalancingV2::ListenerRule", 1)
    template(others[0]).resource_count_is("AWS::EC2::SecurityGroupEgress", 1)
    template(stack).resource_count_is("AWS::EC2::SecurityGroupEgress", 0)


def test_a_rule_has_the_hosts_and_paths_of_its_route(stack: cdk.Stack, edge: LoadBalancer) -> None:
    selections = [("shop.example.com", "/api/*"), ("shop.example.com", None), (None, "/api/*"), (None, None)]
    routes = [Route(edge, host=host, path=path, priority=n) for n, (host, path) in enumerate(selections, 1)]
    serve(stack, "Web", *routes)
    rules = template(stack).find_resources("AWS::ElasticLoadBalancingV2::ListenerRule").values()
    by_priority = sorted((rule["Properties"] for rule in rules), key=lambda rule: rule["Priority"])
    on_host = {"Field": "host-header", "HostHeaderConfig": {"Values": ["shop.example.com"]}}
    on_path, on_any = ({"Field": "path-pattern", "PathPatternConfig": {"Values": [each]}} for each in ("/api/*", "/*"))
    assert [rule["Conditions"] for rule in by_priority] == [[on_host, on_path], [on_host], [on_path], [on_any]]


def test_grpc_targets_are_checked_by_a_method(stack: cdk.Stack, edge: LoadBalancer) -> None:
    serve(stack, "Web", Route(edge, protocol_version=GRPC, health=TargetHealth("/shop.Cart/Check", codes="0")))
    template(stack).has_resource_properties(
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        {"ProtocolVersion": "GRPC", "HealthCheckPath": "/shop.Cart/Check", "Matcher": {"GrpcCode": "0"}},
    )


def test_http2_and_grpc_need_https(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    plain = LoadBalancer(stack, "Plain", vpc=vpc)
    with pytest.raises(
        ValueError, match="with protocol_version GRPC requires HTTPS; pass certificate= to the load balancer"
    ):
        serve(stack, "Web", Route(plain, protocol_version=GRPC))


def test_each_host_of_a_zone_becomes_an_alias_once(
    stack: cdk.Stack, vpc: ec2.IVpc, certificate: acm.ICertificate
) -> None:
    zone = route53.HostedZone.from_hosted_zone_attributes(stack, "Zone", hosted_zone_id="Z1", zone_name="example.com")
    edge = LoadBalancer(stack, "Edge", vpc=vpc, public=True, certificate=certificate, zone=zone)
    serve(stack, "Web", Route(edge, host="shop.example.com"))
    serve(stack, "Api", Route(edge, host="shop.example.com", path="/api/*"))
    template(stack).resource_count_is("AWS::Route53::RecordSet", 1)
    template(stack).has_resource_properties(
        "AWS::Route53::RecordSet", {"Name": "shop.example.com.", "Type": "A", "AliasTarget": Match.any_value()}
    )


@pytest.mark.parametrize("host", ["shop.other.com", "notexample.com", "a*.example.com", "?.example.com"])
def test_a_host_outside_the_zone_warns_and_has_no_alias(
    app: cdk.App, stack: cdk.Stack, vpc: ec2.IVpc, host: str
) -> None:
    zone = route53.HostedZone.from_hosted_zone_attributes(stack, "Zone", hosted_zone_id="Z1", zone_name="example.com")
    edge = LoadBalancer(stack, "Edge", vpc=vpc, zone=zone)
    serve(stack, "Web", Route(edge, host=[host, "example.com", "*.example.com"]))
    template(stack).resource_count_is("AWS::Route53::RecordSet", 2)
    (warning,) = warnings_of(app, "Shop")
    assert f"host {host!r} does not belong to the hosted zone of the load balancer" in warning


def test_a_zone_without_a_known_name_accepts_any_host(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    zone = route53.HostedZone.from_hosted_zone_id(stack, "Zone", "Z1")
    serve(stack, "Web", Route(LoadBalancer(stack, "Edge", vpc=vpc, zone=zone), host="shop.example.com"))
    template(stack).resource_count_is("AWS::Route53::RecordSet", 1)


def test_zonal_shift_is_on_by_default(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    LoadBalancer(stack, "Edge", vpc=vpc)
    LoadBalancer(stack, "Fixed", vpc=vpc, zonal_shift=False)
    found = template(stack).find_resources("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    shift = {"Key": "zonal_shift.config.enabled", "Value": "true"}
    assert [shift in each["Properties"]["LoadBalancerAttributes"] for each in found] == [True, False]


def test_a_load_balancer_may_have_a_web_acl(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    LoadBalancer(stack, "Edge", vpc=vpc, web_acl=WEB_ACL)
    LoadBalancer(stack, "Other", vpc=vpc, web_acl=web_acl(stack, "REGIONAL"))
    LoadBalancer(stack, "Late", vpc=vpc, web_acl=cdk.Fn.import_value("WebAcl"))
    result = template(stack)
    result.resource_count_is("AWS::WAFv2::WebACLAssociation", 3)
    edge = {"Ref": Match.string_like_regexp("^Edge")}
    result.has_resource_properties("AWS::WAFv2::WebACLAssociation", {"ResourceArn": edge, "WebACLArn": WEB_ACL})


def web_acl(scope: cdk.Stack, of: str) -> wafv2.CfnWebACL:
    visible = wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name="all", sampled_requests_enabled=True
    )
    allow = wafv2.CfnWebACL.DefaultActionProperty(allow={})
    return wafv2.CfnWebACL(scope, f"WebAcl{of}", scope=of, default_action=allow, visibility_config=visible)


def test_a_web_acl_of_cloudfront_or_of_another_region_is_refused(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop", env=cdk.Environment(region="eu-west-1", account="111111111111"))
    vpc = imported_vpc(stack)
    with pytest.raises(
        ValueError,
        match="Shop/Edge: web_acl must have the scope REGIONAL .got Shop/WebAclCLOUDFRONT with the scope 'CLOUDFRONT'",
    ):
        LoadBalancer(stack, "Edge", vpc=vpc, web_acl=web_acl(stack, "CLOUDFRONT"))
    for elsewhere in (
        WEB_ACL.replace("eu-west-1", "eu-central-1"),
        web_acl(cdk.Stack(app, "Other", env=cdk.Environment(region="eu-central-1")), "REGIONAL"),
    ):
        with pytest.raises(ValueError, match="web_acl must be in the load balancer's region eu-west-1"):
            LoadBalancer(stack, "Edge", vpc=vpc, web_acl=elsewhere)
    LoadBalancer(stack, "Edge", vpc=vpc, web_acl=WEB_ACL)


def test_dual_stack_allows_everyone_and_has_records_of_both_kinds(
    stack: cdk.Stack, vpc: ec2.IVpc, certificate: acm.ICertificate
) -> None:
    zone = route53.HostedZone.from_hosted_zone_attributes(stack, "Zone", hosted_zone_id="Z1", zone_name="example.com")
    edge = LoadBalancer(
        stack, "Edge", vpc=vpc, public=True, certificate=certificate, zone=zone, ip_address_type=DUAL_STACK
    )
    serve(stack, "Web", Route(edge, host="shop.example.com"))
    result = template(stack)
    result.has_resource_properties("AWS::ElasticLoadBalancingV2::LoadBalancer", {"IpAddressType": "dualstack"})
    for everyone in ({"CidrIp": "0.0.0.0/0"}, {"CidrIpv6": "::/0"}):
        rule = Match.object_like({**everyone, "FromPort": 443})
        result.has_resource_properties("AWS::EC2::SecurityGroup", {"SecurityGroupIngress": Match.array_with([rule])})
    assert record_types(stack) == ["A", "AAAA"]


def record_types(stack: cdk.Stack) -> list[str]:
    records = template(stack).find_resources("AWS::Route53::RecordSet").values()
    return sorted(each["Properties"]["Type"] for each in records)


def test_without_public_ipv4_there_is_no_ipv4_record(
    stack: cdk.Stack, vpc: ec2.IVpc, certificate: acm.ICertificate
) -> None:
    zone = route53.HostedZone.from_hosted_zone_attributes(stack, "Zone", hosted_zone_id="Z1", zone_name="example.com")
    only = elbv2.IpAddressType.DUAL_STACK_WITHOUT_PUBLIC_IPV4
    edge = LoadBalancer(stack, "Edge", vpc=vpc, public=True, certificate=certificate, zone=zone, ip_address_type=only)
    serve(stack, "Web", Route(edge, host="shop.example.com"))
    assert record_types(stack) == ["AAAA"]
    with pytest.raises(ValueError, match="since an internal load balancer has no public address"):
        LoadBalancer(stack, "Internal", vpc=vpc, ip_address_type=only)


def test_a_network_has_no_ipv6_by_default(stack: cdk.Stack) -> None:
    network = Network(stack, "Network")
    with pytest.raises(
        ValueError, match="ip_address_type must be IPV4 in a Network whose subnets have only IPv4"
    ) as raised:
        LoadBalancer(stack, "Edge", vpc=network.vpc, ip_address_type=DUAL_STACK)
    assert "use Network(ipv6=True)" in str(raised.value)


def test_a_load_balancer_has_ipv6_in_a_network_with_ipv6(app: cdk.App, stack: cdk.Stack) -> None:
    network = Network(stack, "Network", ipv6=True)
    LoadBalancer(stack, "Edge", vpc=network.vpc, public=True, plain_http="a test", ip_address_type=DUAL_STACK)
    template(stack).has_resource_properties("AWS::ElasticLoadBalancingV2::LoadBalancer", {"IpAddressType": "dualstack"})
    assert not [each for each in warnings_of(app, "Shop") if "IPv6" in each]


def test_subnets_that_are_known_to_lack_ipv6_warn(app: cdk.App, stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    own = ec2.Vpc(stack, "Own", ip_protocol=ec2.IpProtocol.DUAL_STACK)
    LoadBalancer(stack, "Edge", vpc=own, ip_address_type=DUAL_STACK)
    LoadBalancer(stack, "Unknown", vpc=vpc, ip_address_type=DUAL_STACK)
    bare = ec2.Vpc(stack, "Bare")
    LoadBalancer(stack, "Other", vpc=bare, public=True, plain_http="a test", ip_address_type=DUAL_STACK)
    (warning,) = warnings_of(app, "Shop")
    assert "subnets Shop/Bare/PublicSubnet1, Shop/Bare/PublicSubnet2 have no IPv6" in warning


def test_an_imported_load_balancer_only_gets_rules_from_services(app: cdk.App, stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    edge = LoadBalancer.from_attributes(stack, "Edge", listener_arn=ARN, security_group_id="sg-0a1b", vpc=vpc)
    others = [cdk.Stack(app, name) for name in ("Api", "Admin")]
    for other in others:
        cluster = Cluster(other, "Cluster", vpc=vpc)
        Service(other, "Web", cluster=cluster, task=WEB, route=Route(edge, path=f"/{other.stack_name}/*"))
    app.synth()
    assert not stack.dependencies
    assert "Resources" not in template(stack).to_json()
    for other in others:
        assert not other.dependencies
        result = template(other)
        result.has_resource_properties("AWS::ElasticLoadBalancingV2::ListenerRule", {"ListenerArn": ARN})
        result.has_resource_properties("AWS::EC2::SecurityGroupEgress", {"GroupId": "sg-0a1b", "FromPort": 8080})
        result.has_resource_properties(
            "AWS::EC2::SecurityGroupIngress", {"SourceSecurityGroupId": "sg-0a1b", "FromPort": 8080}
        )


def test_a_service_behind_an_imported_load_balancer_scales_shifts_traffic_and_has_alarms(
    stack: cdk.Stack, vpc: ec2.IVpc
) -> None:
    test_arn = ARN.replace("f2f7dc8efc522ab2", "a2f7dc8efc522ab2")
    edge = LoadBalancer.from_attributes(
        stack, "Edge", listener_arn=ARN, security_group_id="sg-0a1b", vpc=vpc, test_listener_arn=test_arn
    )
    cluster = Cluster(stack, "Cluster", vpc=vpc)
    Service(
        stack,
        "Web",
        cluster=cluster,
        task=WEB,
        route=Route(edge, protocol_version=GRPC),
        scaling=Scaling(2, 9, requests_per_task=100),
        rollout=Rollout.canary(),
    )
    result = template(stack)
    for arn in (ARN, test_arn):
        result.has_resource_properties("AWS::ElasticLoadBalancingV2::ListenerRule", {"ListenerArn": arn})
    dimensions = [{"Name": "LoadBalancer", "Value": "app/edge/50dc6c495c0c9188"}, Match.any_value()]
    metric = Match.object_like({"Metric": Match.object_like({"Dimensions": dimensions})})
    query = Match.object_like({"MetricStat": metric})
    result.has_resource_properties("AWS::CloudWatch::Alarm", {"Metrics": Match.array_with([query])})


def test_without_a_test_listener_a_rollout_has_no_test_rule(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    edge = LoadBalancer.from_attributes(stack, "Edge", listener_arn=ARN, security_group_id="sg-0a1b", vpc=vpc)
    cluster = Cluster(stack, "Cluster", vpc=vpc)
    Service(stack, "Web", cluster=cluster, task=WEB, route=Route(edge), rollout=Rollout.blue_green())
    template(stack).resource_count_is("AWS::ElasticLoadBalancingV2::ListenerRule", 1)
    (service,) = template(stack).find_resources("AWS::ECS::Service").values()
    assert "TestListenerRule" not in service["Properties"]["LoadBalancers"][0]["AdvancedConfiguration"]


def test_an_imported_load_balancer_may_be_known_only_at_deployment(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    arn, group = cdk.Fn.import_value("Listener"), cdk.Fn.import_value("Group")
    edge = LoadBalancer.from_attributes(stack, "Edge", listener_arn=arn, security_group_id=group, vpc=vpc)
    cluster = Cluster(stack, "Cluster", vpc=vpc)
    Service(stack, "Web", cluster=cluster, task=WEB, route=Route(edge), rollout=Rollout.canary())
    result = template(stack)
    imported = {"Fn::ImportValue": "Listener"}
    result.has_resource_properties("AWS::ElasticLoadBalancingV2::ListenerRule", {"ListenerArn": imported})
    parts = [{"Fn::Select": [index, {"Fn::Split": ["/", imported]}]} for index in (1, 2, 3)]
    assert {"Fn::Join": ["/", parts]} in [
        dimension["Value"]
        for alarm in result.find_resources("AWS::CloudWatch::Alarm").values()
        for query in alarm["Properties"]["Metrics"]
        if "MetricStat" in query
        for dimension in query["MetricStat"]["Metric"]["Dimensions"]
    ]


def test_routes_on_an_imported_load_balancer_are_checked(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    edge = LoadBalancer.from_attributes(
        stack, "Edge", listener_arn=ARN, security_group_id="sg-0a1b", vpc=vpc, https=False
    )
    serve(stack, "Web", Route(edge, path="/a"))
    with pytest.raises(ValueError, match="Shop/Api: 2 problems") as raised:
        serve(stack, "Api", Route(edge, path="/a", protocol_version=GRPC))
    assert "with protocol_version GRPC requires HTTPS" in str(raised.value)
    assert "the route of Shop/Web for path '/a' clash" in str(raised.value)


def test_instances_allow_an_imported_load_balancer(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    general = Capacity.ec2("general", instance_types=["m7i.large"], max_instances=2)
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[general])
    edge = LoadBalancer.from_attributes(stack, "Edge", listener_arn=ARN, security_group_id="sg-0a1b", vpc=vpc)
    task = Task(Container("redis:8", port=6379), network_mode=NetworkMode.BRIDGE)
    Service(stack, "Web", cluster=cluster, task=task, route=Route(edge))
    template(stack).has_resource_properties(
        "AWS::EC2::SecurityGroupIngress",
        {"SourceSecurityGroupId": "sg-0a1b", "IpProtocol": "tcp", "FromPort": 32768, "ToPort": 65535},
    )


@pytest.mark.parametrize(
    ("what", "account", "region"), [("account", "222222222222", "eu-west-1"), ("region", "111111111111", "eu-west-2")]
)
def test_an_imported_load_balancer_of_another_account_or_region_is_refused(
    app: cdk.App, what: str, account: str, region: str
) -> None:
    stack = cdk.Stack(app, "Shop", env=cdk.Environment(account=account, region=region))
    with pytest.raises(
        ValueError, match=f"Shop/Edge: listener_arn must be in the stack's {what} .* use a load balancer in {what}"
    ):
        LoadBalancer.from_attributes(
            stack, "Edge", listener_arn=ARN, security_group_id="sg-0a1b", vpc=imported_vpc(stack)
        )


def test_a_test_listener_that_is_the_listener_is_refused(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(ValueError, match="test_listener_arn must differ from listener_arn"):
        LoadBalancer.from_attributes(
            stack, "Edge", listener_arn=ARN, security_group_id="sg-0a1b", vpc=vpc, test_listener_arn=ARN
        )


@pytest.mark.parametrize("other", ["app/other/50dc6c495c0c9188", "app/shop/60dc6c495c0c9188"])
def test_a_test_listener_of_another_load_balancer_is_refused(stack: cdk.Stack, vpc: ec2.IVpc, other: str) -> None:
    """ELB refuses the second with TargetGroupAssociationLimit: both listeners have the same target groups."""
    test_arn = re.sub("app/[^/]+/[^/]+", other, ARN)
    with pytest.raises(
        ValueError, match=rf"test_listener_arn must belong to the load balancer of listener_arn, app/.* \(got {other}\)"
    ):
        LoadBalancer.from_attributes(
            stack, "Edge", listener_arn=ARN, security_group_id="sg-0a1b", vpc=vpc, test_listener_arn=test_arn
        )


def test_listeners_that_are_not_looked_up_yet_are_accepted(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    arns: dict[str, Any] = {name: f"dummy-value-for-/{name}" for name in ("listener_arn", "test_listener_arn")}
    edge = LoadBalancer.from_attributes(stack, "Edge", security_group_id="sg-0a1b", vpc=vpc, **arns)
    cluster = Cluster(stack, "Cluster", vpc=vpc)
    Service(stack, "Web", cluster=cluster, task=WEB, route=Route(edge), rollout=Rollout.canary())


def test_two_services_with_the_same_route_are_refused(stack: cdk.Stack, edge: LoadBalancer) -> None:
    serve(stack, "Web", Route(edge, host="shop.example.com"))
    with pytest.raises(
        ValueError, match="Shop/Api: route for host 'shop.example.com' and the route of Shop/Web for .* clash: their"
    ):
        serve(stack, "Api", Route(edge, host="SHOP.example.com"))
    with pytest.raises(ValueError, match="their conditions are the same"):
        serve(stack, "Cart", Route(edge, host="shop.example.com", priority=1))


def test_two_routes_with_the_same_priority_are_refused(stack: cdk.Stack, edge: LoadBalancer) -> None:
    serve(stack, "Web", Route(edge, path="/a", priority=7))
    with pytest.raises(ValueError, match="have the same priority 7; set priority= on one of the routes"):
        serve(stack, "Api", Route(edge, path="/b", priority=7))


def test_a_route_that_never_gets_a_request_is_refused(stack: cdk.Stack, edge: LoadBalancer) -> None:
    serve(stack, "Web", Route(edge, path="/api/*", priority=1))
    with pytest.raises(
        ValueError,
        match="the route with priority 1 is evaluated first and leaves no requests for the route with priority 2",
    ):
        serve(stack, "Api", Route(edge, path="/api/admin/*", priority=2))
    serve(stack, "Admin", Route(edge, path=["/api/admin/*", "/admin/*"], priority=3))


def test_two_routes_of_one_service_that_clash_are_refused(stack: cdk.Stack, edge: LoadBalancer) -> None:
    with pytest.raises(ValueError, match="the route of this service for path '/a' clash"):
        serve(stack, "Web", Route(edge, path="/a"), Route(edge, path="/a"))


def test_a_second_route_keeps_the_ids_of_the_first(stack: cdk.Stack, edge: LoadBalancer) -> None:
    serve(stack, "Web", Route(edge, path="/a"), Route(edge, path="/b"))
    rules = template(stack).find_resources("AWS::ElasticLoadBalancingV2::ListenerRule")
    assert len(rules) == 2
    assert any(name.startswith("WebRule") and "path" not in name for name in rules)


@pytest.mark.parametrize("asked", ["host", "path"])
def test_an_empty_list_of_hosts_or_paths_is_refused(asked: str) -> None:
    nothing: Any = {asked: []}
    with pytest.raises(
        ValueError, match=rf"Route: {asked} must not be empty \(got \[\]\); leave {asked}= out for all {asked}s"
    ):
        Route(EDGE, **nothing)
    everything = attrs.evolve(Route(EDGE), name="all")
    assert (everything.host, everything.path) == (None, None)


def test_more_specific_routes_come_first() -> None:
    both = Route(EDGE, host="a.example.com", path="/a")
    host, path, rest = Route(EDGE, host="a.example.com"), Route(EDGE, path="/a"), Route(EDGE)
    assert both.priority <= 20_000 < host.priority <= 35_000 < path.priority < rest.priority == 50_000


@given(st.permutations(["/a", "/b", "/c", "/d"]))
def test_a_priority_depends_only_on_hosts_and_paths(paths: list[str]) -> None:
    assert Route(EDGE, path=paths).priority == Route(EDGE, path=sorted(paths)).priority


def test_a_host_that_is_a_token_needs_a_priority() -> None:
    host = cdk.Token.as_string({"Ref": "Host"})
    with pytest.raises(ValueError, match="so moorage cannot derive a constant priority; use priority="):
        Route(EDGE, host=host)
    assert Route(EDGE, host=host, priority=5).priority == 5


HOSTS = ["*.com", "a.com", "b.com", "?.com"]
PATHS = ["/*", "/?*", "/a", "/a*", "/a/*", "/?", "/b"]
TEXTS = ["", *("".join(letters) for length in (1, 2, 3) for letters in itertools.product("ab/", repeat=length))]
REQUESTS = [(name, f"/{text}") for name in ("a.com", "b.com", "c.com", "long.com", "d.org") for text in TEXTS]


@pytest.mark.parametrize("host", [*HOSTS, None])
@pytest.mark.parametrize("path", PATHS)
def test_one_route_hides_another_exactly_if_it_matches_all_its_requests(path: str, host: str | None) -> None:
    wide = Route(EDGE, host=host, path=path)
    answered = {request for request in REQUESTS if matches(wide, *request)}
    for other, other_host in itertools.product(PATHS, [*HOSTS, None]):
        narrow = Route(EDGE, host=other_host, path=other)
        asked = {request for request in REQUESTS if matches(narrow, *request)}
        assert wide._hides(narrow) == (asked <= answered), (other_host, other)


@pytest.mark.parametrize(("has_test_listener", "shifts", "rules"), [(1, 1, 2), (1, 0, 1), (0, 1, 1), (0, 0, 1)])
def test_a_rollout_that_shifts_traffic_needs_a_rule_on_the_test_listener(
    has_test_listener: int, shifts: int, rules: int
) -> None:
    edge = stand_in("RequestLoadBalancer", _has_test_listener=bool(has_test_listener))
    assert Route(edge)._number_of_rules(shifts=bool(shifts)) == rules


def test_two_routes_with_the_same_arguments_are_two_routes() -> None:
    assert len({Route(EDGE), Route(EDGE)}) == 2


def test_an_asterisk_matches_more_than_question_marks() -> None:
    assert not Route(EDGE, path="/a?b*")._hides(Route(EDGE, path="/a*bb"))
    assert Route(EDGE, path="/a*b*")._hides(Route(EDGE, path="/a*bb"))


@pytest.mark.parametrize(
    ("taken", "priority", "free"),
    [
        ([1, 2], 1, "3"),
        ([2, 3], 2, "1"),
        ([50_000, 49_999], 50_000, "49998"),
        ([49_999, 49_998], 49_999, "50000"),
        ([7, 6, 8], 7, "5"),
    ],
)
def test_a_free_priority_is_between_1_and_50_000(taken: list[int], priority: int, free: str) -> None:
    routes = [Route(EDGE, path=f"/{number}", priority=number) for number in taken]
    message = Route(EDGE, path="/new", priority=priority)._clash(routes[0], None, routes)
    assert message is not None
    assert message.endswith(f"; set priority= on one of the routes: priority={free} is free for the new route")


@pytest.mark.parametrize(
    ("wide", "way_out"),
    [
        (10, "set priority= on one of the routes: priority=8 is free for the new route"),
        (9, "set priority= on one of the routes: priority=8 is free for the new route"),
        (8, "set priority= on one of the routes"),
    ],
)
def test_a_free_priority_is_after_narrower_routes_and_before_wider_ones(wide: int, way_out: str) -> None:
    routes = [
        Route(EDGE, path="/z", priority=3),
        Route(EDGE, path="/a/b/c", priority=7),
        Route(EDGE, path="/a/*", priority=wide),
    ]
    message = Route(EDGE, path="/a/b/*", priority=3)._clash(routes[0], None, routes)
    assert message is not None
    assert message.endswith(f"; {way_out}")


def matches(route: Route, host: str, path: str) -> bool:
    return (not route._hosts or any(glob(each, host) for each in route._hosts)) and any(
        glob(each, path) for each in route._paths
    )


def glob(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return glob(pattern[1:], text) or (bool(text) and glob(pattern, text[1:]))
    return bool(text) and pattern[0] in {"?", text[0]} and glob(pattern[1:], text[1:])


@pytest.mark.parametrize("port", [80, 443])
def test_a_test_listener_has_a_port_of_its_own(stack: cdk.Stack, vpc: ec2.IVpc, port: int) -> None:
    with pytest.raises(ValueError, match=rf"test_port must not be 80 or 443, which other listeners use \(got {port}\)"):
        LoadBalancer(stack, "Edge", vpc=vpc, test_port=port)

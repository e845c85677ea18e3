"""Network Load Balancers and their listeners."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Match

from moorage import (
    Capacity,
    Cluster,
    Container,
    Dashboard,
    Listener,
    LoadBalancer,
    Network,
    NetworkLoadBalancer,
    NetworkMode,
    PredictiveScaling,
    RollbackAlarms,
    Rollout,
    Route,
    Scaling,
    Service,
    ServiceAlarms,
    ServiceConnect,
    TargetHealth,
    Task,
)
from moorage.testing import readable_template
from tests.conftest import imported_vpc, template, warnings_of
from tests.stand_ins import stand_in
from tests.workload.load_balancing_limit_cases import NETWORK_ARN

if TYPE_CHECKING:
    from aws_cdk.assertions import Template
    from syrupy.assertion import SnapshotAssertion

BROKER = Container("public.ecr.aws/docker/library/eclipse-mosquitto:2", name="broker", port=1883)
TASK = Task(BROKER)
UDP, TCP, TLS, BOTH = elbv2.Protocol.UDP, elbv2.Protocol.TCP, elbv2.Protocol.TLS, elbv2.Protocol.TCP_UDP
DUAL = elbv2.IpAddressType.DUAL_STACK
GATE = stand_in("ConnectionLoadBalancer", certificate=None)  # a listener is checked without its load balancer
BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"


@pytest.fixture
def certificate(stack: cdk.Stack) -> acm.ICertificate:
    arn = "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
    return acm.Certificate.from_certificate_arn(stack, "Certificate", arn)


@pytest.fixture
def gate(stack: cdk.Stack, vpc: ec2.IVpc) -> NetworkLoadBalancer:
    """Return an internal load balancer without a certificate."""
    return NetworkLoadBalancer(stack, "Gate", vpc=vpc)


def serve(stack: cdk.Stack, name: str, *listeners: Listener | Route, task: Task = TASK, **arguments: Any) -> Service:
    cluster: Any = stack.node.try_find_child("Cluster")
    if cluster is None:
        vpc: Any = stack.node.find_child("Vpc")
        cluster = Cluster(stack, "Cluster", vpc=vpc)
    return Service(stack, name, cluster=cluster, task=task, route=listeners, **arguments)


def attributes(result: Template, kind: str) -> list[dict[str, str]]:
    """Return the attributes of each resource of a kind, by key."""
    name = "LoadBalancerAttributes" if kind == BALANCER else "TargetGroupAttributes"
    found = [each["Properties"].get(name, []) for each in result.find_resources(kind).values()]
    return [{item["Key"]: item["Value"] for item in each} for each in found]


def rules(result: Template, kind: str) -> set[tuple[str, int, int]]:
    """Return the rules between security groups: protocol and ports."""
    found = [each["Properties"] for each in result.find_resources(f"AWS::EC2::SecurityGroup{kind}").values()]
    return {(each["IpProtocol"], each["FromPort"], each["ToPort"]) for each in found}


def test_whole_template(
    stack: cdk.Stack, vpc: ec2.IVpc, certificate: acm.ICertificate, template_snapshot: SnapshotAssertion
) -> None:
    gate = NetworkLoadBalancer(stack, "Gate", vpc=vpc, public=True, certificate=certificate)
    serve(stack, "Broker", Listener(gate, 8883, test_port=9883), rollout=Rollout.canary())
    assert gate.node.default_child is gate.load_balancer
    assert readable_template(stack) == template_snapshot


def test_a_load_balancer_is_internal_protected_logged_and_cross_zone_by_default(
    stack: cdk.Stack, vpc: ec2.IVpc
) -> None:
    NetworkLoadBalancer(stack, "Gate", vpc=vpc)
    result = template(stack)
    result.has_resource_properties(
        BALANCER, {"Type": "network", "Scheme": "internal", "SecurityGroups": Match.any_value()}
    )
    (found,) = attributes(result, BALANCER)
    assert found["deletion_protection.enabled"] == found["load_balancing.cross_zone.enabled"] == "true"
    assert found["access_logs.s3.enabled"] == "true"
    assert found["zonal_shift.config.enabled"] == "false"


def test_a_new_service_does_not_change_the_ids_of_the_rules_of_another() -> None:
    """EC2 has each rule once: with another id, CloudFormation would create it before it deletes the old one."""
    ids: list[str] = []
    for before in ((), (1000, 1001)):
        shop = cdk.Stack(cdk.App(), "Shop")
        network = Network(shop, "Network")  # its CIDR block is a token
        gate, cluster = NetworkLoadBalancer(shop, "Gate", vpc=network.vpc), Cluster(shop, "Cluster", vpc=network.vpc)
        for port in before:
            Service(shop, f"At{port}", cluster=cluster, task=TASK, route=Listener(gate, port, protocol=BOTH))
        Service(shop, "Broker", cluster=cluster, task=TASK, route=Listener(gate, 1884))
        ids += template(shop).find_resources("AWS::EC2::SecurityGroupIngress", {"Properties": {"FromPort": 1884}})
    assert len(ids) == 2
    assert ids[0] == ids[1]


def test_each_protection_can_be_turned_off(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    NetworkLoadBalancer(stack, "Gate", vpc=vpc, access_logs=False, deletion_protection=False, cross_zone=False)
    template(stack).resource_count_is("AWS::S3::Bucket", 0)
    (found,) = attributes(template(stack), BALANCER)
    assert found["deletion_protection.enabled"] == found["load_balancing.cross_zone.enabled"] == "false"


@pytest.mark.usefixtures("gate")
def test_logs_expire_and_are_written_only_for_the_own_account(stack: cdk.Stack) -> None:
    result = template(stack)
    result.has_resource_properties(
        "AWS::S3::Bucket",
        {"LifecycleConfiguration": {"Rules": [Match.object_like({"ExpirationInDays": 365, "Status": "Enabled"})]}},
    )
    (policy,) = result.find_resources("AWS::S3::BucketPolicy").values()
    allowed = [each for each in policy["Properties"]["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]
    assert {each["Action"] for each in allowed} == {"s3:PutObject", "s3:GetBucketAcl"}
    for each in allowed:
        assert each["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
        assert each["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_public_without_a_certificate_is_refused_with_the_way_out(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(ValueError, match="Shop/Gate: public=True without a certificate") as raised:
        NetworkLoadBalancer(stack, "Gate", vpc=vpc, public=True)
    assert "without_tls='the reason" in str(raised.value)
    assert stack.node.try_find_child("Gate") is None
    with pytest.raises(ValueError, match="without_tls must not be empty"):
        NetworkLoadBalancer(stack, "Gate", vpc=vpc, public=True, without_tls=" ")


def test_the_reason_for_no_tls_is_kept(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    gate = NetworkLoadBalancer(stack, "Gate", vpc=vpc, public=True, without_tls="tasks end TLS themselves")
    assert [entry.data for entry in gate.load_balancer.node.metadata] == ["tasks end TLS themselves"]


def test_tls_ends_at_a_load_balancer_with_a_certificate(
    stack: cdk.Stack, vpc: ec2.IVpc, certificate: acm.ICertificate
) -> None:
    gate = NetworkLoadBalancer(stack, "Gate", vpc=vpc, public=True, certificate=certificate)
    serve(stack, "Broker", Listener(gate, 8883))
    template(stack).has_resource_properties(
        LISTENER, {"Port": 8883, "Protocol": "TLS", "SslPolicy": Match.string_like_regexp("TLS13")}
    )
    template(stack).has_resource_properties(GROUP, {"Port": 80, "Protocol": "TCP", "TargetType": "ip"})


def test_a_public_listener_without_tls_needs_a_reason_even_with_a_certificate(
    stack: cdk.Stack, vpc: ec2.IVpc, certificate: acm.ICertificate
) -> None:
    gate = NetworkLoadBalancer(stack, "Gate", vpc=vpc, public=True, certificate=certificate)
    with pytest.raises(ValueError, match="listener for TCP on port 1883 is public") as raised:
        serve(stack, "Broker", Listener(gate, 1883, protocol=TCP))
    assert "pass without_tls='the reason" in str(raised.value)
    open_gate = NetworkLoadBalancer(stack, "Open", vpc=vpc, public=True, certificate=certificate, without_tls="a test")
    serve(stack, "Other", Listener(open_gate, 1883, protocol=TCP))


def test_tls_without_a_certificate_is_refused(stack: cdk.Stack, gate: NetworkLoadBalancer) -> None:
    with pytest.raises(ValueError, match="TLS on port 8883 requires a certificate; pass certificate= to Shop/Gate"):
        serve(stack, "Broker", Listener(gate, 8883, protocol=TLS))


def test_clients_reach_the_port_and_only_the_load_balancer_reaches_the_tasks(
    stack: cdk.Stack, gate: NetworkLoadBalancer
) -> None:
    serve(stack, "Broker", Listener(gate, 8883))
    result = template(stack)
    assert rules(result, "Egress") == {("tcp", 1883, 1883)}
    assert rules(result, "Ingress") == {("tcp", 8883, 8883), ("tcp", 1883, 1883)}
    result.has_resource_properties("AWS::EC2::SecurityGroupIngress", {"CidrIp": "10.0.0.0/16", "FromPort": 8883})
    (to_tasks,) = [
        each["Properties"]
        for each in result.find_resources("AWS::EC2::SecurityGroupIngress").values()
        if each["Properties"]["FromPort"] == 1883
    ]
    assert "CidrIp" not in to_tasks
    assert "SourceSecurityGroupId" in to_tasks


def test_an_empty_ingress_allows_nobody(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    gate = NetworkLoadBalancer(stack, "Gate", vpc=vpc, ingress=[])
    serve(stack, "Broker", Listener(gate, 8883))
    assert rules(template(stack), "Ingress") == {("tcp", 1883, 1883)}


def test_services_of_several_stacks_share_a_load_balancer_whose_stack_refers_to_none(
    app: cdk.App, stack: cdk.Stack, gate: NetworkLoadBalancer
) -> None:
    others = {name: cdk.Stack(app, name) for name in ("Mail", "Chat")}
    for index, other in enumerate(others.values()):
        cluster = Cluster(other, "Cluster", vpc=gate.vpc)
        Service(
            other,
            "Broker",
            cluster=cluster,
            task=TASK,
            route=Listener(gate, 8883 + index, test_port=9000 + index),
            rollout=Rollout.blue_green(),
        )
    app.synth()
    assert [[each.stack_name for each in other.dependencies] for other in others.values()] == [["Shop"], ["Shop"]]
    assert not stack.dependencies
    for other in others.values():
        template(other).resource_count_is(LISTENER, 2)
        assert ("tcp", 1883, 1883) in rules(template(other), "Egress")
    template(stack).resource_count_is("AWS::EC2::SecurityGroupEgress", 0)
    template(stack).resource_count_is("AWS::EC2::SecurityGroupIngress", 0)


def test_two_listeners_on_one_port_are_refused(stack: cdk.Stack, gate: NetworkLoadBalancer) -> None:
    serve(stack, "Broker", Listener(gate, 8883))
    with pytest.raises(
        ValueError,
        match="Shop/Other: listener for UDP on port 8883 and the listener of Shop/Broker for TCP on port 8883 clash",
    ):
        serve(stack, "Other", Listener(gate, 8883, protocol=UDP))
    with pytest.raises(ValueError, match="the listener of this service for TCP on port 53 clash: port 54"):
        serve(
            stack,
            "Third",
            Listener(gate, 53, test_port=54),
            Listener(gate, 54),
            rollout=Rollout.blue_green(alarms=None),
        )


def test_tasks_allow_udp_and_the_health_check_by_tcp(stack: cdk.Stack, gate: NetworkLoadBalancer) -> None:
    serve(stack, "Dns", Listener(gate, 53, protocol=UDP, health="/health", health_port=8080))
    result = template(stack)
    result.has_resource_properties(
        GROUP,
        {"Protocol": "UDP", "HealthCheckProtocol": "HTTP", "HealthCheckPort": "8080", "HealthCheckPath": "/health"},
    )
    assert rules(result, "Egress") == {("udp", 1883, 1883), ("tcp", 8080, 8080)}
    assert rules(result, "Ingress") == {("udp", 53, 53), ("udp", 1883, 1883), ("tcp", 8080, 8080)}
    assert port_mappings(result) == [(1883, "udp")]


def port_mappings(result: Template) -> list[tuple[int, str]]:
    (task,) = result.find_resources("AWS::ECS::TaskDefinition").values()
    mappings = task["Properties"]["ContainerDefinitions"][0]["PortMappings"]
    return [(each["ContainerPort"], each["Protocol"]) for each in mappings]


@pytest.mark.parametrize(
    "protocols", [{53: BOTH}, {53: UDP, 8853: TCP}, {8853: TCP, 53: UDP}, {53: UDP, 8853: TCP, 8854: TCP}]
)
def test_a_container_port_for_udp_and_tcp_is_mapped_once_and_warns(
    app: cdk.App, stack: cdk.Stack, gate: NetworkLoadBalancer, protocols: dict[int, elbv2.Protocol]
) -> None:
    """CreateService refuses a container port in two mappings (amazon-ecs-agent #3428, terraform-aws-ecs #89)."""
    serve(stack, "Dns", *(Listener(gate, port, protocol=each) for port, each in protocols.items()))
    assert port_mappings(template(stack)) == [(1883, "tcp")]
    (warning,) = warnings_of(app, "Shop")
    assert "container 'broker' serves UDP and TCP on one port" in warning


def test_a_port_with_a_name_in_service_connect_is_mapped_for_tcp(
    app: cdk.App, stack: cdk.Stack, gate: NetworkLoadBalancer
) -> None:
    cluster = Cluster(stack, "Cluster", vpc=gate.vpc, namespace="shop")
    route = Listener(gate, 53, protocol=UDP)
    Service(stack, "Dns", cluster=cluster, task=TASK, route=route, connect=ServiceConnect())
    assert port_mappings(template(stack)) == [(1883, "tcp")]
    assert any("serves UDP and TCP on one port" in warning for warning in warnings_of(app, "Shop"))


def test_only_the_container_with_a_udp_listener_is_mapped_for_udp(stack: cdk.Stack, gate: NetworkLoadBalancer) -> None:
    task = Task(BROKER, Container("public.ecr.aws/docker/library/redis:8", name="dns", port=53))
    serve(stack, "Dns", Listener(gate, 53, protocol=UDP, container="dns"), Listener(gate, 1883), task=task)
    (found,) = template(stack).find_resources("AWS::ECS::TaskDefinition").values()
    protocols = [each["PortMappings"][0]["Protocol"] for each in found["Properties"]["ContainerDefinitions"]]
    assert protocols == ["tcp", "udp"]


def test_one_service_may_have_both_protocols_of_a_port(stack: cdk.Stack, gate: NetworkLoadBalancer) -> None:
    serve(stack, "Dns", Listener(gate, 53, protocol=BOTH))
    result = template(stack)
    result.has_resource_properties(LISTENER, {"Port": 53, "Protocol": "TCP_UDP"})
    assert rules(result, "Egress") == {("udp", 1883, 1883), ("tcp", 1883, 1883)}
    assert rules(result, "Ingress") >= {("udp", 53, 53), ("tcp", 53, 53)}


def test_two_ports_may_forward_to_one_container_port(stack: cdk.Stack, gate: NetworkLoadBalancer) -> None:
    service = serve(stack, "Dns", Listener(gate, 53, protocol=UDP), Listener(gate, 5353, protocol=UDP))
    result = template(stack)
    assert port_mappings(result) == [(1883, "udp")]
    result.resource_count_is("AWS::EC2::SecurityGroupEgress", 2)
    assert len(service.target_groups) == 2


def test_a_health_check_by_tcp_has_no_path_or_codes(stack: cdk.Stack, gate: NetworkLoadBalancer) -> None:
    serve(stack, "Broker", Listener(gate, 8883))
    template(stack).has_resource_properties(
        GROUP,
        {
            "HealthCheckProtocol": "TCP",
            "HealthCheckPort": "traffic-port",
            "HealthCheckPath": Match.absent(),
            "Matcher": Match.absent(),
            "HealthCheckIntervalSeconds": 10,
        },
    )


def test_the_arguments_of_a_listener_appear_in_the_template(stack: cdk.Stack, gate: NetworkLoadBalancer) -> None:
    serve(
        stack,
        "Broker",
        Listener(
            gate,
            8883,
            health=TargetHealth("/healthz", codes="200-599"),
            preserve_client_ip=True,
            idle_timeout=dt.timedelta(minutes=10),
            deregistration_delay=dt.timedelta(seconds=5),
        ),
    )
    result = template(stack)
    result.has_resource_properties(GROUP, {"HealthCheckPath": "/healthz", "Matcher": {"HttpCode": "200-599"}})
    (found,) = attributes(result, GROUP)
    assert found["preserve_client_ip.enabled"] == "true"
    assert found["deregistration_delay.timeout_seconds"] == "5"
    result.has_resource_properties(
        LISTENER, {"ListenerAttributes": [{"Key": "tcp.idle_timeout.seconds", "Value": "600"}]}
    )


def test_an_unsupported_protocol_is_refused() -> None:
    with pytest.raises(
        ValueError,
        match=r"protocol must be TCP, TLS, UDP or TCP_UDP \(got HTTP\); use a protocol such as elbv2.Protocol.TCP",
    ):
        Listener(GATE, 8883, protocol=elbv2.Protocol.HTTP)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"health": TargetHealth(codes="200")}, "health must have a path if it has codes"),
        ({"protocol": UDP, "preserve_client_ip": False}, "preserve_client_ip=False is not possible with UDP"),
        (
            {"protocol": UDP, "idle_timeout": dt.timedelta(minutes=10)},
            "idle_timeout requires protocol TCP",
        ),
        (
            {"protocol": TLS, "idle_timeout": dt.timedelta(minutes=10)},
            "idle_timeout requires protocol TCP",
        ),
        ({"test_port": 8883}, r"test_port must differ from port \(got 8883 for both\)"),
    ],
)
def test_invalid_arguments_of_a_listener_are_refused(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=f"Listener 8883: {problem}"):
        Listener(GATE, 8883, **arguments)


def test_a_traffic_shifting_rollout_may_change_only_its_own_listeners(
    stack: cdk.Stack, gate: NetworkLoadBalancer
) -> None:
    serve(stack, "Broker", Listener(gate, 8883, test_port=9883), rollout=Rollout.linear())
    result = template(stack)
    result.resource_count_is(GROUP, 2)
    for port in (8883, 9883):
        result.has_resource_properties(
            LISTENER,
            {
                "Port": port,
                "DefaultActions": [
                    {
                        "Type": "forward",
                        "ForwardConfig": {
                            "TargetGroups": [Match.object_like({"Weight": 100}), Match.object_like({"Weight": 0})]
                        },
                    }
                ],
            },
        )
    result.has_resource_properties(
        "AWS::ECS::Service",
        {
            "LoadBalancers": [
                {
                    "ContainerName": "broker",
                    "ContainerPort": 1883,
                    "TargetGroupArn": Match.any_value(),
                    "AdvancedConfiguration": {
                        "AlternateTargetGroupArn": Match.any_value(),
                        "ProductionListenerRule": {"Ref": Match.string_like_regexp("^BrokerListener")},
                        "TestListenerRule": {"Ref": Match.string_like_regexp("^BrokerTestListener")},
                        "RoleArn": Match.any_value(),
                    },
                }
            ]
        },
    )
    (turn, read) = [
        statement
        for policy in result.find_resources("AWS::IAM::Policy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if str(statement["Action"]).count("elasticloadbalancing")
    ]
    assert "elasticloadbalancing:ModifyListener" in turn["Action"]
    assert "elasticloadbalancing:ModifyRule" not in turn["Action"]
    assert len(turn["Resource"]) == 4
    assert all("Modify" not in action for action in read["Action"])


def test_without_a_test_port_a_rollout_has_no_test_listener(stack: cdk.Stack, gate: NetworkLoadBalancer) -> None:
    serve(stack, "Broker", Listener(gate, 8883), rollout=Rollout.blue_green())
    template(stack).resource_count_is(LISTENER, 1)
    (service,) = template(stack).find_resources("AWS::ECS::Service").values()
    assert "TestListenerRule" not in service["Properties"]["LoadBalancers"][0]["AdvancedConfiguration"]
    with pytest.raises(ValueError, match="has no effect with a rolling rollout, which does not test"):
        serve(stack, "Other", Listener(gate, 8884, test_port=9884))


def test_only_test_ingress_reaches_the_test_port(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    gate = NetworkLoadBalancer(stack, "Gate", vpc=vpc, test_ingress=[ec2.Peer.ipv4("198.51.100.0/24")])
    serve(stack, "Broker", Listener(gate, 8883, test_port=9883), rollout=Rollout.blue_green())
    template(stack).has_resource_properties(
        "AWS::EC2::SecurityGroupIngress", {"CidrIp": "198.51.100.0/24", "FromPort": 9883, "ToPort": 9883}
    )


def test_each_traffic_shift_takes_ten_more_minutes(stack: cdk.Stack, gate: NetworkLoadBalancer) -> None:
    shifting = Rollout.blue_green(bake=dt.timedelta(0))
    broker = serve(stack, "Broker", Listener(gate, 8883), rollout=shifting)
    web = serve(stack, "Web", Route(LoadBalancer(stack, "Edge", vpc=gate.vpc)), rollout=shifting)
    one, other = broker.estimate(), web.estimate()
    assert one
    assert other
    assert one.new_after - other.new_after == 1200


def test_a_listener_has_only_alarms_on_unhealthy_targets(stack: cdk.Stack, gate: NetworkLoadBalancer) -> None:
    broker = serve(stack, "Broker", Listener(gate, 8883), rollout=Rollout.canary())
    ServiceAlarms(stack, "Alarms", service=broker, topic=sns.Topic(stack, "Topic"))
    alarms = template(stack).find_resources("AWS::CloudWatch::Alarm")
    asked = [
        (query["MetricStat"]["Metric"]["Namespace"], query["MetricStat"]["Metric"]["MetricName"])
        for alarm in alarms.values()
        for query in alarm["Properties"]["Metrics"]
        if "MetricStat" in query
    ]
    assert set(asked) == {
        ("AWS/NetworkELB", "UnHealthyHostCount"),
        ("AWS/ECS", "CPUUtilization"),
        ("AWS/ECS", "MemoryUtilization"),
    }
    assert asked.count(("AWS/NetworkELB", "UnHealthyHostCount")) == 4  # both groups, for the rollback and for the topic


def test_alarms_only_on_responses_are_refused(stack: cdk.Stack, gate: NetworkLoadBalancer) -> None:
    alarms = RollbackAlarms(unhealthy_targets=None)
    with pytest.raises(ValueError, match="only alarms on errors and latency, which a Network Load Balancer does not"):
        serve(stack, "Broker", Listener(gate, 8883), rollout=Rollout.canary(alarms=alarms))
    broker = serve(stack, "Other", Listener(gate, 8884))
    with pytest.raises(ValueError, match="at least one alarm must apply to this service"):
        ServiceAlarms(
            stack,
            "Alarms",
            service=broker,
            topic=sns.Topic(stack, "Topic"),
            cpu_percent=None,
            memory_percent=None,
            unhealthy_targets=None,
        )


def test_a_dashboard_shows_the_unhealthy_targets_of_a_listener(stack: cdk.Stack, gate: NetworkLoadBalancer) -> None:
    Dashboard(stack, "Dashboard", services=[serve(stack, "Broker", Listener(gate, 8883))])
    (found,) = template(stack).find_resources("AWS::CloudWatch::Dashboard").values()
    body = str(found["Properties"]["DashboardBody"])
    assert "AWS/NetworkELB" in body
    assert "UnHealthyHostCount" in body
    assert "AWS/ApplicationELB" not in body


@pytest.mark.parametrize(
    ("scaling", "argument"),
    [
        (Scaling(2, 9, requests_per_task=100), "requests_per_task"),
        (
            Scaling(2, 9, cpu_percent=60, predictive=PredictiveScaling(requests_per_task=100)),
            "requests_per_task of predictive",
        ),
    ],
)
def test_scaling_by_requests_is_refused_without_a_route(
    stack: cdk.Stack, gate: NetworkLoadBalancer, scaling: Scaling, argument: str
) -> None:
    with pytest.raises(
        ValueError,
        match=f"{argument} requires a Route, since a Network Load Balancer does not count requests .* use route=Route",
    ):
        serve(stack, "Broker", Listener(gate, 8883), scaling=scaling)


def test_beside_a_route_only_its_requests_scale_the_service(stack: cdk.Stack, gate: NetworkLoadBalancer) -> None:
    edge = LoadBalancer(stack, "Edge", vpc=gate.vpc)
    scaling = Scaling(2, 9, requests_per_task=100, predictive=PredictiveScaling(requests_per_task=100))
    service = serve(stack, "Broker", Listener(gate, 8883), Route(edge), scaling=scaling)
    policies = template(stack).find_resources("AWS::ApplicationAutoScaling::ScalingPolicy")
    assert len(policies) == 2
    of_connections, of_requests = (stack.resolve(group.target_group_full_name) for group in service.target_groups)
    for policy in policies.values():
        assert str(of_requests) in str(policy)
        assert str(of_connections) not in str(policy)


def test_a_route_and_a_listener_refuse_the_load_balancer_of_the_other(
    stack: cdk.Stack, gate: NetworkLoadBalancer
) -> None:
    edge: Any = LoadBalancer(stack, "Edge", vpc=gate.vpc, ingress=[])
    other: Any = gate
    with pytest.raises(TypeError, match=r"use a LoadBalancer, or Listener\(...\) for a NetworkLoadBalancer"):
        Route(other, path="/a")
    with pytest.raises(TypeError, match=r"use a NetworkLoadBalancer, or Route\(...\) for a LoadBalancer"):
        Listener(edge, 8883)


@pytest.mark.parametrize("mode", [NetworkMode.BRIDGE, NetworkMode.HOST])
def test_tasks_on_instances_are_reached_through_their_instances(
    stack: cdk.Stack, vpc: ec2.IVpc, mode: NetworkMode
) -> None:
    general = Capacity.ec2("general", instance_types=["m7i.large"], max_instances=2)
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[general])
    gate = NetworkLoadBalancer(stack, "Gate", vpc=vpc)
    task = Task(BROKER, network_mode=mode)
    Service(
        stack,
        "Broker",
        cluster=cluster,
        task=task,
        route=Listener(gate, 8883),
        rollout=Rollout.rolling(minimum_healthy_percent=0, maximum_percent=100),
    )
    result = template(stack)
    result.has_resource_properties(GROUP, {"TargetType": "instance"})
    ports = (32768, 65535) if mode is NetworkMode.BRIDGE else (1883, 1883)
    assert ("tcp", *ports) in rules(result, "Ingress")
    assert all(first != 1883 or mode is NetworkMode.HOST for _, first, _ in rules(result, "Egress"))


def test_udp_and_a_health_port_are_refused_in_bridge_mode(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    general = Capacity.ec2("general", instance_types=["m7i.large"], max_instances=2)
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[general])
    gate = NetworkLoadBalancer(stack, "Gate", vpc=vpc)
    bridged = Task(BROKER, network_mode=NetworkMode.BRIDGE)
    with pytest.raises(ValueError, match="Shop/Broker: 2 problems") as raised:
        Service(
            stack,
            "Broker",
            cluster=cluster,
            task=bridged,
            route=Listener(gate, 53, protocol=UDP, health_port=8080),
        )
    assert "forwards UDP to tasks in bridge mode" in str(raised.value)
    assert "must not have a health_port in bridge mode" in str(raised.value)
    hosted = Task(BROKER, network_mode=NetworkMode.HOST)
    replaced = Rollout.rolling(minimum_healthy_percent=0, maximum_percent=100)
    Service(
        stack,
        "Hosted",
        cluster=cluster,
        task=hosted,
        route=Listener(gate, 53, protocol=UDP, health_port=8080),
        rollout=replaced,
    )
    assert {("udp", 1883, 1883), ("tcp", 8080, 8080)} <= rules(template(stack), "Ingress")


def test_zonal_shift_with_cross_zone_keeps_connections_open_and_warns_about_udp(
    stack: cdk.Stack, vpc: ec2.IVpc
) -> None:
    gate = NetworkLoadBalancer(stack, "Gate", vpc=vpc, zonal_shift=True)
    with pytest.warns(
        UserWarning, match="protocol of port 53 should be TCP or TLS if cross_zone and zonal_shift are True"
    ):
        serve(stack, "Dns", Listener(gate, 53, protocol=UDP))
    result = template(stack)
    assert attributes(result, BALANCER)[0]["zonal_shift.config.enabled"] == "true"
    assert attributes(result, GROUP)[0]["target_health_state.unhealthy.connection_termination.enabled"] == "false"


def test_zonal_shift_without_cross_zone_changes_no_target_group(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    gate = NetworkLoadBalancer(stack, "Gate", vpc=vpc, zonal_shift=True, cross_zone=False)
    serve(stack, "Dns", Listener(gate, 53, protocol=UDP))
    assert "target_health_state.unhealthy.connection_termination.enabled" not in attributes(template(stack), GROUP)[0]


def test_dual_stack_allows_everyone_and_refuses_udp(
    stack: cdk.Stack, vpc: ec2.IVpc, certificate: acm.ICertificate
) -> None:
    gate = NetworkLoadBalancer(
        stack, "Gate", vpc=vpc, public=True, certificate=certificate, without_tls="DNS", ip_address_type=DUAL
    )
    with pytest.raises(ValueError, match="which sends UDP only to IPv6 targets"):
        serve(stack, "Dns", Listener(gate, 53, protocol=BOTH))
    serve(stack, "Broker", Listener(gate, 8883))
    result = template(stack)
    result.has_resource_properties(BALANCER, {"IpAddressType": "dualstack"})
    for everyone in ({"CidrIp": "0.0.0.0/0"}, {"CidrIpv6": "::/0"}):
        result.has_resource_properties("AWS::EC2::SecurityGroupIngress", {**everyone, "FromPort": 8883})


def test_subnets_that_are_known_to_lack_ipv6_warn(app: cdk.App, stack: cdk.Stack) -> None:
    bare = ec2.Vpc(stack, "Bare")
    NetworkLoadBalancer(stack, "Gate", vpc=bare, ip_address_type=DUAL)
    (warning,) = warnings_of(app, "Shop")
    assert "subnets Shop/Bare/PrivateSubnet1, Shop/Bare/PrivateSubnet2 have no IPv6" in warning


def test_an_unsupported_ip_address_type_is_refused(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    network = Network(stack, "Network")
    with pytest.raises(ValueError, match="ip_address_type must be IPV4 in a Network whose subnets have only IPv4"):
        NetworkLoadBalancer(stack, "Gate", vpc=network.vpc, ip_address_type=DUAL)
    with pytest.raises(ValueError, match="must be IPV4 or DUAL_STACK for a Network Load Balancer .*; use DUAL_STACK"):
        NetworkLoadBalancer(
            stack,
            "Gate",
            vpc=vpc,
            public=True,
            without_tls="a test",
            ip_address_type=elbv2.IpAddressType.DUAL_STACK_WITHOUT_PUBLIC_IPV4,
        )


def test_a_load_balancer_may_have_elastic_ip_addresses(stack: cdk.Stack) -> None:
    network = Network(stack, "Network")
    own = [ec2.CfnEIP(stack, f"Address{zone}").attr_allocation_id for zone in range(2)]
    NetworkLoadBalancer(stack, "Gate", vpc=network.vpc, public=True, without_tls="a test", allocation_ids=own)
    mapping = Match.object_like({"AllocationId": Match.any_value(), "SubnetId": Match.any_value()})
    template(stack).has_resource_properties(BALANCER, {"SubnetMappings": [mapping, mapping], "Subnets": Match.absent()})


def test_elastic_ip_addresses_that_do_not_match_the_subnets_are_refused(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(ValueError, match="the number of allocation_ids must be 2, the number of subnets .got 1."):
        NetworkLoadBalancer(stack, "Gate", vpc=vpc, public=True, without_tls="a test", allocation_ids=["eipalloc-0a1b"])
    with pytest.raises(ValueError, match="an internal load balancer has no public addresses"):
        NetworkLoadBalancer(stack, "Gate", vpc=vpc, allocation_ids=["eipalloc-0a1b", "eipalloc-0a1c"])


def test_hosts_become_aliases(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    zone = route53.HostedZone.from_hosted_zone_attributes(stack, "Zone", hosted_zone_id="Z1", zone_name="example.com")
    NetworkLoadBalancer(stack, "Gate", vpc=vpc, zone=zone, host="mqtt.example.com", ip_address_type=DUAL, ingress=[])
    for kind in ("A", "AAAA"):
        template(stack).has_resource_properties(
            "AWS::Route53::RecordSet", {"Name": "mqtt.example.com.", "Type": kind, "AliasTarget": Match.any_value()}
        )


@pytest.mark.parametrize(
    ("host", "zone_id", "problem"),
    [
        ((), "Z1", "zone requires host"),
        ("mqtt.example.com", None, "host requires zone, the hosted zone"),
        ("mqtt.other.com", "Z1", "host must end with the name of the hosted zone .got 'mqtt.other.com'"),
    ],
)
def test_a_host_without_its_zone_is_refused(
    stack: cdk.Stack, vpc: ec2.IVpc, host: Any, zone_id: str | None, problem: str
) -> None:
    zone = zone_id and route53.HostedZone.from_hosted_zone_attributes(
        stack, "Zone", hosted_zone_id=zone_id, zone_name="example.com"
    )
    with pytest.raises(ValueError, match=f"Shop/Gate: {problem}"):
        NetworkLoadBalancer(stack, "Gate", vpc=vpc, zone=zone or None, host=host)


def test_a_load_balancer_of_another_vpc_is_refused(stack: cdk.Stack, gate: NetworkLoadBalancer) -> None:
    elsewhere = ec2.Vpc.from_vpc_attributes(
        stack, "Elsewhere", vpc_id="vpc-2", availability_zones=["a", "b"], private_subnet_ids=["subnet-8", "subnet-9"]
    )
    cluster = Cluster(stack, "Other", vpc=elsewhere)
    with pytest.raises(ValueError, match="listener for TCP on port 8883 must be on a load balancer in the VPC of the"):
        Service(stack, "Broker", cluster=cluster, task=TASK, route=Listener(gate, 8883))


def existing(stack: cdk.Stack, vpc: ec2.IVpc, **arguments: Any) -> Any:
    known = {"load_balancer_arn": NETWORK_ARN, "security_group_id": "sg-0a1b", "vpc": vpc, **arguments}
    return NetworkLoadBalancer.from_attributes(stack, "Gate", **known)


def test_an_imported_load_balancer_only_gets_listeners_from_services(
    app: cdk.App, stack: cdk.Stack, vpc: ec2.IVpc
) -> None:
    gate = existing(stack, vpc)
    others = [cdk.Stack(app, name) for name in ("Mail", "Chat")]
    for index, other in enumerate(others):
        Service(
            other,
            "Broker",
            cluster=Cluster(other, "Cluster", vpc=vpc),
            task=TASK,
            route=Listener(gate, 8883 + index, test_port=9883 + index),
            rollout=Rollout.canary(),
        )
    app.synth()
    assert not stack.dependencies
    assert "Resources" not in template(stack).to_json()
    for index, other in enumerate(others):
        assert not other.dependencies
        result = template(other)
        result.has_resource_properties(LISTENER, {"LoadBalancerArn": NETWORK_ARN, "Port": 8883 + index})
        result.has_resource_properties("AWS::EC2::SecurityGroupEgress", {"GroupId": "sg-0a1b", "FromPort": 1883})
        result.has_resource_properties(
            "AWS::EC2::SecurityGroupIngress", {"GroupId": "sg-0a1b", "FromPort": 8883 + index, "CidrIp": "10.0.0.0/16"}
        )
        (alarm,) = result.find_resources("AWS::CloudWatch::Alarm").values()
        assert {"Name": "LoadBalancer", "Value": "net/gate/50dc6c495c0c9188"} in (
            alarm["Properties"]["Metrics"][0]["MetricStat"]["Metric"]["Dimensions"]
        )


def test_listeners_on_an_imported_load_balancer_are_checked(
    stack: cdk.Stack, vpc: ec2.IVpc, certificate: acm.ICertificate
) -> None:
    with pytest.raises(ValueError, match="Shop/Gate: public=True without a certificate"):
        existing(stack, vpc, public=True)
    gate = existing(stack, vpc, public=True, certificate=certificate)
    serve(stack, "Broker", Listener(gate, 8883))
    with pytest.raises(ValueError, match="Shop/Other: 2 problems") as raised:
        serve(stack, "Other", Listener(gate, 8883, protocol=UDP))
    assert "listener for UDP on port 8883 is public" in str(raised.value)
    assert "the listener of Shop/Broker for TLS on port 8883 clash" in str(raised.value)


def test_an_imported_load_balancer_of_another_account_is_refused(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="222222222222", region="eu-west-1"))
    with pytest.raises(ValueError, match="Shop/Gate: load_balancer_arn must be in the stack's account 222222222222"):
        existing(stack, imported_vpc(stack))


def test_a_load_balancer_may_be_in_the_vpc_of_another_stack(app: cdk.App) -> None:
    platform, shop = cdk.Stack(app, "Platform"), cdk.Stack(app, "Web")
    vpc = imported_vpc(platform)
    gate = NetworkLoadBalancer(platform, "Gate", vpc=vpc)
    Service(shop, "Broker", cluster=Cluster(platform, "Cluster", vpc=vpc), task=TASK, route=Listener(gate, 8883))
    app.synth()
    assert not platform.dependencies


def test_a_certificate_of_its_own_stack_stays_exported(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    certificate = acm.Certificate(stack, "Certificate", domain_name="mqtt.example.com")
    NetworkLoadBalancer(stack, "Gate", vpc=vpc, public=True, certificate=certificate, access_logs=False)
    outputs = template(stack).to_json()["Outputs"].values()
    (written,) = stack.resolve(certificate.certificate_arn).values()
    assert {"Ref": written} in [each["Value"] for each in outputs if "Export" in each]

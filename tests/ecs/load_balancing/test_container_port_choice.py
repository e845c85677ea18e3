"""The port of a container that a route, a listener, Service Connect and VPC Lattice reach."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_servicediscovery as servicediscovery
from aws_cdk.assertions import Match, Template

from moorage import (
    Architecture,
    Capacity,
    Cluster,
    Container,
    Lattice,
    Listener,
    LoadBalancer,
    NetworkLoadBalancer,
    NetworkMode,
    Rollout,
    Route,
    Service,
    ServiceConnect,
    Task,
)
from tests.conftest import template

RABBIT = Container("rabbitmq:4", name="rabbit", ports={"amqp": 5672, "admin": 15672})
EXPORTER = Container("exporter:1", name="exporter", port=9419)
TASK = Task(RABBIT, EXPORTER)


@pytest.fixture
def cluster(stack: cdk.Stack, vpc: ec2.IVpc) -> Cluster:
    return Cluster(stack, "Cluster", vpc=vpc, namespace="shop", capacity=[Capacity.fargate(), *instances()])


def instances() -> list[Capacity]:
    return [Capacity.ec2("instances", instance_types=["m7g.large"], max_instances=4)]


@pytest.fixture
def edge(stack: cdk.Stack, vpc: ec2.IVpc) -> LoadBalancer:
    return LoadBalancer(stack, "Edge", vpc=vpc)


@pytest.fixture
def gate(stack: cdk.Stack, vpc: ec2.IVpc) -> NetworkLoadBalancer:
    return NetworkLoadBalancer(stack, "Gate", vpc=vpc, ingress=[ec2.Peer.ipv4("10.0.0.0/16")])


def serve(stack: cdk.Stack, cluster: Cluster, *routes: Any, task: Task = TASK, **arguments: Any) -> Template:
    Service(stack, "Broker", cluster=cluster, task=task, route=routes, **arguments)
    return template(stack)


def load_balancers(made: Template) -> list[tuple[str, int]]:
    (service,) = made.find_resources("AWS::ECS::Service").values()
    return [(each["ContainerName"], each["ContainerPort"]) for each in service["Properties"]["LoadBalancers"]]


def mappings(made: Template, container: str = "rabbit") -> Any:
    (definition,) = made.find_resources("AWS::ECS::TaskDefinition").values()
    containers = definition["Properties"]["ContainerDefinitions"]
    return next(each["PortMappings"] for each in containers if each["Name"] == container)


def opened_ports(made: Template) -> set[int]:
    rules = made.find_resources("AWS::EC2::SecurityGroupIngress").values()
    return {rule["Properties"]["FromPort"] for rule in rules}


def test_each_port_has_a_mapping_with_its_name(stack: cdk.Stack, cluster: Cluster) -> None:
    made = serve(stack, cluster)
    assert mappings(made) == [
        {"ContainerPort": 5672, "Name": "amqp", "Protocol": "tcp"},
        {"ContainerPort": 15672, "Name": "admin", "Protocol": "tcp"},
    ]
    assert mappings(made, "exporter") == [{"ContainerPort": 9419, "Name": "exporter", "Protocol": "tcp"}]


@pytest.mark.parametrize("port", ["admin", 15672])
def test_a_route_reaches_the_chosen_port(stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer, port: Any) -> None:
    made = serve(stack, cluster, Route(edge, container_port=port))
    assert load_balancers(made) == [("rabbit", 15672)]
    assert opened_ports(made) == {15672}


def test_a_route_reaches_the_first_port_by_default(stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer) -> None:
    assert load_balancers(serve(stack, cluster, Route(edge))) == [("rabbit", 5672)]


def test_a_route_reaches_a_port_of_another_container(stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer) -> None:
    routes = [Route(edge, path="/a", container_port="exporter"), Route(edge, path="/b", container="exporter")]
    assert load_balancers(serve(stack, cluster, *routes)) == [("exporter", 9419)] * 2


@pytest.mark.parametrize("rollout", [Rollout.rolling(), Rollout.blue_green()], ids=["rolling", "blue/green"])
def test_routes_reach_several_ports_of_a_container(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer, gate: NetworkLoadBalancer, rollout: Rollout
) -> None:
    routes = [Listener(gate, 5672), Route(edge, host="broker.example.com", container_port="admin")]
    made = serve(stack, cluster, *routes, rollout=rollout)
    assert sorted(load_balancers(made)) == [("rabbit", 5672), ("rabbit", 15672)]
    assert opened_ports(made) >= {5672, 15672}


def test_only_the_port_of_a_udp_listener_is_mapped_for_udp(
    stack: cdk.Stack, cluster: Cluster, gate: NetworkLoadBalancer
) -> None:
    listener = Listener(gate, 53, protocol=elbv2.Protocol.UDP, container_port="admin", health_port=5672)
    made = serve(stack, cluster, listener)
    assert [(each["ContainerPort"], each["Protocol"], each.get("Name")) for each in mappings(made)] == [
        (5672, "tcp", "amqp"),
        (15672, "udp", None),
    ]


def test_a_fixed_port_of_the_instance_is_only_for_port(stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer) -> None:
    web = Container("nginx:1", name="web", port=80, host_port=8080, ports={"admin": 81})
    task = Task(web, network_mode=NetworkMode.BRIDGE, architecture=Architecture.ARM64)
    capacity = cluster.capacities[1]
    made = serve(stack, cluster, Route(edge, container_port="admin"), task=task, capacity=capacity)
    assert [(each["ContainerPort"], each.get("HostPort")) for each in mappings(made, "web")] == [(80, 8080), (81, 0)]
    assert opened_ports(made) == {32768}
    assert load_balancers(made) == [("web", 81)]


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda edge, _: Route(edge, container_port="console"), "route for all requests must be a port of the task"),
        (
            lambda _, gate: Listener(gate, 80, container_port=80),
            "listener for TCP on port 80 must be a",
        ),
        (
            lambda edge, _: Route(edge, container="exporter", container_port="admin"),
            r"must be a port of container 'exporter' \(got 'admin'\); use 'exporter' \(9419\)",
        ),
    ],
)
def test_a_missing_port_is_an_error_that_names_the_others(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer, gate: NetworkLoadBalancer, make: Any, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        serve(stack, cluster, make(edge, gate))


@pytest.mark.parametrize("chosen", [(None, None), ("amqp", None), (None, "amqp")])
def test_two_routes_do_not_reach_one_of_several_ports_by_accident(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer, chosen: tuple[str | None, str | None]
) -> None:
    first, second = chosen
    routes = [Route(edge, path="/a", container_port=first), Route(edge, path="/b", container_port=second)]
    with pytest.raises(ValueError, match=r"reach the same port 5672 of container 'rabbit'.*'admin' \(15672\)"):
        serve(stack, cluster, *routes)


def test_two_routes_reach_one_of_several_ports_on_purpose(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer
) -> None:
    routes = [Route(edge, path="/a", container_port="admin"), Route(edge, path="/b", container_port=15672)]
    assert load_balancers(serve(stack, cluster, *routes)) == [("rabbit", 15672)] * 2


def test_routes_without_paths_to_two_ports_have_two_target_groups(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer
) -> None:
    hosts = [("a.example.com", "amqp"), ("b.example.com", "admin")]
    made = serve(stack, cluster, *(Route(edge, host=host, container_port=port) for host, port in hosts))
    assert sorted(load_balancers(made)) == [("rabbit", 5672), ("rabbit", 15672)]
    made.resource_count_is("AWS::ElasticLoadBalancingV2::TargetGroup", 2)


def test_routes_with_one_path_to_two_ports_need_a_name(stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer) -> None:
    hosts = [("a.example.com", "amqp"), ("b.example.com", "admin")]
    routes = [Route(edge, host=host, path="/a", container_port=port) for host, port in hosts]
    with pytest.raises(ValueError, match="lead to ports 5672 and 15672 of container 'rabbit'"):
        serve(stack, cluster, *routes)


def test_other_services_reach_the_chosen_port(stack: cdk.Stack, cluster: Cluster) -> None:
    connect = ServiceConnect(name="admin", container_port="admin", protocol="http")
    server = Service(stack, "Broker", cluster=cluster, task=TASK, connect=connect)
    client = Service(
        stack, "Client", cluster=cluster, task=Task(Container("redis:8")), connect=ServiceConnect(), egress=()
    )
    assert client.connect_to(server) == "http://admin"
    made = template(stack)
    made.has_resource_properties(
        "AWS::ECS::Service",
        {"ServiceConnectConfiguration": Match.object_like({"Services": [Match.object_like({"PortName": "admin"})]})},
    )
    made.has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "ContainerDefinitions": Match.array_with(
                [
                    Match.object_like(
                        {
                            "PortMappings": [
                                {"ContainerPort": 5672, "Name": "amqp", "Protocol": "tcp"},
                                {"ContainerPort": 15672, "Name": "admin", "Protocol": "tcp", "AppProtocol": "http"},
                            ]
                        }
                    )
                ]
            )
        },
    )
    assert opened_ports(made) == {15672}


def test_the_chosen_port_does_not_change_the_name_for_other_services(stack: cdk.Stack, cluster: Cluster) -> None:
    connect = ServiceConnect(container_port="exporter")
    server = Service(stack, "Broker", cluster=cluster, task=TASK, connect=connect)
    assert server.connect_to(server) == "http://broker"


def test_a_missing_port_for_other_services_is_an_error(stack: cdk.Stack, cluster: Cluster) -> None:
    with pytest.raises(ValueError, match=r"container_port of connect must be a port of the task \(got 'console'\)"):
        serve(stack, cluster, connect=ServiceConnect(container_port="console"))


def test_lattice_reaches_the_chosen_port(stack: cdk.Stack, cluster: Cluster) -> None:
    made = serve(stack, cluster, lattice=Lattice("pl-0a1b2c3d", container_port="admin"))
    made.has_resource_properties(
        "AWS::ECS::Service", {"VpcLatticeConfigurations": [Match.object_like({"PortName": "admin"})]}
    )


def test_a_missing_port_for_lattice_is_an_error(stack: cdk.Stack, cluster: Cluster) -> None:
    with pytest.raises(ValueError, match=r"container_port of lattice must be a port of the task \(got 1\)"):
        serve(stack, cluster, lattice=Lattice("pl-0a1b2c3d", container_port=1))


@pytest.mark.parametrize(("given", "expected"), [(None, 5672), (15672, 15672)])
def test_cloud_map_records_a_port_of_the_container(
    stack: cdk.Stack, cluster: Cluster, vpc: ec2.IVpc, given: int | None, expected: int
) -> None:
    namespace = servicediscovery.PrivateDnsNamespace(stack, "Names", name="shop.local", vpc=vpc)
    options = ecs.CloudMapOptions(
        cloud_map_namespace=namespace, dns_record_type=servicediscovery.DnsRecordType.SRV, container_port=given
    )
    made = serve(stack, cluster, cloud_map_options=options)
    registries = [Match.object_like({"ContainerName": "rabbit", "ContainerPort": expected})]
    made.has_resource_properties("AWS::ECS::Service", {"ServiceRegistries": registries})


def test_cloud_map_records_no_other_port(stack: cdk.Stack, cluster: Cluster, vpc: ec2.IVpc) -> None:
    namespace = servicediscovery.PrivateDnsNamespace(stack, "Names", name="shop.local", vpc=vpc)
    options = ecs.CloudMapOptions(
        cloud_map_namespace=namespace, dns_record_type=servicediscovery.DnsRecordType.SRV, container_port=80
    )
    with pytest.raises(ValueError, match="container_port of cloud_map_options must be 5672 or 15672"):
        serve(stack, cluster, cloud_map_options=options)

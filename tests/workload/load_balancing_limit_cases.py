"""For each row of `load_balancing_limits`, a definition within it and one beyond it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_sns as sns

from moorage import (
    Cluster,
    Container,
    Gateway,
    GatewayConnector,
    Lattice,
    Listener,
    LoadBalancer,
    Network,
    NetworkLoadBalancer,
    Route,
    Scaling,
    Service,
    ServiceConnect,
    TargetHealth,
    Task,
)
from moorage.delivery.alarm_actions import check_alarm_actions
from moorage.ecs.load_balancing.usage import Usage
from moorage.workload.problems import Problems
from tests.conftest import imported_vpc
from tests.stand_ins import stand_in

Define = Callable[[cdk.Stack], object]
GATE = stand_in("ConnectionLoadBalancer", certificate=None)  # a listener is checked without its load balancer
ARN = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:listener/app/edge/50dc6c495c0c9188/f2f7dc8efc522ab2"
NETWORK_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:loadbalancer/net/gate/50dc6c495c0c9188"
WEB_ACL = "arn:aws:wafv2:eu-west-1:111111111111:regional/webacl/shop/1a2b-3c"


def listener(**arguments: Any) -> Define:
    return lambda _: Listener(GATE, 8883, **arguments)


def gate(**arguments: Any) -> Define:
    return lambda stack: NetworkLoadBalancer(stack, "Gate", vpc=imported_vpc(stack), **arguments)


def addresses(*ids: str) -> Define:
    return gate(public=True, without_tls="a test", allocation_ids=ids)


def between(count: int, *, zones: int = 9) -> Define:
    def define(stack: cdk.Stack) -> object:
        some = [
            ec2.Subnet.from_subnet_attributes(
                stack, f"Subnet{i}", subnet_id=f"subnet-{i}", availability_zone=f"z{i % zones}"
            )
            for i in range(count)
        ]
        return gate(vpc_subnets=ec2.SubnetSelection(subnets=some))(stack)

    return define


def existing(**arguments: Any) -> Define:
    known = {"listener_arn": ARN, "security_group_id": "sg-0a1b", **arguments}
    return lambda stack: LoadBalancer.from_attributes(stack, "Edge", vpc=imported_vpc(stack), **known)


def existing_network(arn: str) -> Define:
    return lambda stack: NetworkLoadBalancer.from_attributes(
        stack, "Gate", vpc=imported_vpc(stack), load_balancer_arn=arn, security_group_id="sg-0a1b"
    )


def guarded(web_acl: str) -> Define:
    return lambda stack: LoadBalancer(stack, "Edge", vpc=imported_vpc(stack), web_acl=web_acl)


def on_ports(*ports: int) -> Define:
    return lambda stack: LoadBalancer(stack, "Edge", vpc=imported_vpc(stack), listener_ports=ports)


def shifted(protocol: elbv2.Protocol) -> Define:
    def define(stack: cdk.Stack) -> object:
        vpc = imported_vpc(stack)
        entrance = NetworkLoadBalancer(stack, "Gate", vpc=vpc, zonal_shift=True)
        task = Task(Container("redis:8", port=6379))
        route = Listener(entrance, 6379, protocol=protocol)
        return Service(stack, "Web", cluster=Cluster(stack, "Cluster", vpc=vpc), task=task, route=route)

    return define


def crowded(kind: type[LoadBalancer] | type[NetworkLoadBalancer], **used: Any) -> Define:
    """Define a service of two copies on a load balancer whose quotas other services use."""

    def define(stack: cdk.Stack) -> object:
        vpc = imported_vpc(stack)
        edge: Any = kind(stack, "Edge", vpc=vpc)
        edge._use(Usage(**used), stack)
        task = Task(Container("redis:8", port=6379))
        route = Route(edge) if kind is LoadBalancer else Listener(edge, 6379)
        return Service(stack, "Web", cluster=Cluster(stack, "Cluster", vpc=vpc), task=task, route=route)

    return define


def networks(count: int, **arguments: Any) -> Define:
    return lambda stack: [Network(stack, f"Network{index}", **arguments) for index in range(count)]


def standing(count: int) -> Define:
    """Define a load balancer with an address in each of its subnets."""

    def define(stack: cdk.Stack) -> object:
        names = [f"subnet-{index}" for index in range(count)]
        subnets = [
            ec2.Subnet.from_subnet_attributes(stack, name, subnet_id=name, availability_zone=f"z{name}")
            for name in names
        ]
        addresses = [f"eipalloc-0{index}" for index in range(count)]
        selection = ec2.SubnetSelection(subnets=subnets)
        return gate(public=True, without_tls="a test", allocation_ids=addresses, vpc_subnets=selection)(stack)

    return define


def discovered(copies: int) -> Define:
    def define(stack: cdk.Stack) -> object:
        cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), namespace="shop")
        task = Task(Container("redis:8", name="redis", port=6379))
        return Service(stack, "Web", cluster=cluster, task=task, scaling=Scaling(copies), connect=ServiceConnect())

    return define


def reached(region: str) -> Define:
    def define(_: cdk.Stack) -> object:
        there = cdk.Stack(cdk.App(), "There", env=cdk.Environment(region=region))
        cluster = Cluster(there, "Cluster", vpc=imported_vpc(there))
        task = Task(Container("redis:8", name="redis", port=6379))
        return Service(there, "Web", cluster=cluster, task=task, lattice=Lattice("pl-0a1b2c3d"))

    return define


def gateways(count: int, **arguments: Any) -> Define:
    def define(stack: cdk.Stack) -> object:
        cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack))
        return [Gateway(stack, f"Gate{index}", clusters=cluster, **arguments) for index in range(count)]

    return define


def gateway_subnets(count: int) -> Define:
    subnets = [f"subnet-{index}" for index in range(count)]

    def define(stack: cdk.Stack) -> object:
        some = [
            ec2.Subnet.from_subnet_attributes(stack, each, subnet_id=each, availability_zone=each) for each in subnets
        ]
        return gateways(1, vpc_subnets=ec2.SubnetSelection(subnets=some))(stack)

    return define


def gateway_in(region: str) -> Define:
    return lambda _: gateways(1)(cdk.Stack(cdk.App(), "There", env=cdk.Environment(region=region)))


def connectors(count: int) -> Define:
    def define(stack: cdk.Stack) -> object:
        cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack))
        each = [GatewayConnector(Gateway(stack, "Gate", clusters=cluster))] * count
        return Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8", port=6379)), route=each)

    return define


def ringing(count: int) -> Define:
    """Define a schedule whose alarm has `count` actions."""

    def define(stack: cdk.Stack) -> object:
        arns = [f"arn:aws:sns:eu-west-1:111111111111:t{index}" for index in range(count)]
        topics = [sns.Topic.from_topic_arn(stack, arn, arn) for arn in arns]
        problems = Problems("the alarm")
        given = [actions.SnsAction(each) for each in topics[1:]]
        check_alarm_actions(problems, "alarm_actions", given, stack, topic=topics[0])
        problems.raise_any()
        return topics

    return define


CASES: dict[str, tuple[Define, Define]] = {
    "network-load-balancer-subnets": (between(1), between(0)),
    "load-balancer-zones": (between(2), between(2, zones=1)),
    "elastic-ip-allocation-ids-unique": (
        addresses("eipalloc-0a", "eipalloc-0b"),
        addresses("eipalloc-0a", "eipalloc-0a"),
    ),
    "network-target-health-codes": (
        listener(health=TargetHealth("/", codes="200,500-599")),
        listener(health=TargetHealth("/", codes="600")),
    ),
    "listener-protocol": (listener(protocol=elbv2.Protocol.TCP_UDP), listener(protocol=elbv2.Protocol.HTTP)),
    "listener-idle-timeout": (
        listener(idle_timeout=dt.timedelta(seconds=6000)),
        listener(idle_timeout=dt.timedelta(seconds=59)),
    ),
    "zonal-shift-protocol": (shifted(elbv2.Protocol.TCP), shifted(elbv2.Protocol.UDP)),
    "elastic-ip-allocation-id": (addresses("eipalloc-0a1b", "eipalloc-0a1c"), addresses("eipalloc-0a1b", "1.2.3.4")),
    "listener-arn": (existing(), existing(listener_arn=ARN.replace("listener/app", "loadbalancer/app"))),
    "network-load-balancer-arn": (existing_network(NETWORK_ARN), existing_network(ARN)),
    "security-group-id": (existing(security_group_id="sg-1"), existing(security_group_id="default")),
    "web-acl-arn": (guarded(WEB_ACL), guarded(WEB_ACL.replace("regional/", "global/"))),
    "target-groups-per-load-balancer": (
        crowded(LoadBalancer, target_groups=99),
        crowded(LoadBalancer, target_groups=100),
    ),
    "rules-per-load-balancer": (crowded(LoadBalancer, rules=99), crowded(LoadBalancer, rules=100)),
    "targets-per-load-balancer": (crowded(LoadBalancer, targets=996), crowded(LoadBalancer, targets=997)),
    "listener-port": (on_ports(1, 65535), on_ports(65536)),
    "listener-ports-unique": (on_ports(9090, 9091), on_ports(9090, 9091, 9090)),
    "listeners-per-application-load-balancer": (on_ports(*range(9001, 9048)), on_ports(*range(9001, 9049))),
    "listeners-per-network-load-balancer": (
        crowded(NetworkLoadBalancer, listeners=49),
        crowded(NetworkLoadBalancer, listeners=50),
    ),
    "targets-per-zone": (crowded(NetworkLoadBalancer, targets=496), crowded(NetworkLoadBalancer, targets=497)),
    "rules-per-security-group": (
        crowded(LoadBalancer, egress=frozenset(range(59))),
        crowded(LoadBalancer, egress=frozenset(range(60))),
    ),
    "elastic-ip-addresses": (standing(5), standing(6)),
    "vpcs-per-region": (networks(5, nat_gateways=0), networks(6, nat_gateways=0)),
    "nat-gateway-addresses": (networks(1, zones=5), networks(2, zones=3)),
    "discovered-tasks": (discovered(1000), discovered(1001)),
    "lattice-region": (reached("eu-west-1"), reached("cn-north-1")),
    "gateways-per-cluster": (gateways(5), gateways(6)),
    "gateway-connectors": (connectors(1), connectors(2)),
    "gateway-subnets": (gateway_subnets(2), gateway_subnets(1)),
    "gateway-region": (gateway_in("eu-west-1"), gateway_in("eu-west-3")),
    "alarm-actions": (ringing(5), ringing(6)),
}

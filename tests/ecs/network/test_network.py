"""Networks, and the subnets and defaults of clusters."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk.assertions import Match
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage import (
    Capacity,
    Cluster,
    Container,
    Endpoints,
    Job,
    LoadBalancer,
    Network,
    NetworkLoadBalancer,
    Service,
    Task,
)
from moorage.testing import readable_template
from moorage.workload import service_limits
from tests.conftest import imported_vpc, template

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion


def test_whole_network(stack: cdk.Stack, template_snapshot: SnapshotAssertion) -> None:
    network = Network(stack, "Network", nat_gateways=0, endpoints=Endpoints("s3", "ecr.api"))
    assert network.node.default_child is network.vpc
    assert readable_template(stack) == template_snapshot


def rules_of(stack: cdk.Stack, group: str) -> set[tuple[str, int]]:
    """Return the addresses and ports of the egress rules of the security groups whose logical ID contains a word."""
    groups = template(stack).find_resources("AWS::EC2::SecurityGroup")
    rules = [
        rule for name, each in groups.items() if group in name for rule in each["Properties"]["SecurityGroupEgress"]
    ]
    return {(rule.get("CidrIpv6") or rule["CidrIp"], rule["ToPort"]) for rule in rules}


def test_a_network_with_ipv6_has_dual_stack_subnets_and_only_outgoing_private_routes(stack: cdk.Stack) -> None:
    network = Network(stack, "Network", ipv6=True)
    resources = template(stack)
    subnets = resources.find_resources("AWS::EC2::Subnet").values()
    assert len(subnets) == 4
    assert all("Ipv6CidrBlock" in each["Properties"] for each in subnets)
    assert not any(each["Properties"]["MapPublicIpOnLaunch"] for each in subnets)
    names = [{tag["Key"]: tag["Value"] for tag in each["Properties"]["Tags"]}["Name"] for each in subnets]
    assigning = [each["Properties"]["AssignIpv6AddressOnCreation"] for each in subnets]
    assert assigning == ["PrivateSubnet" in name for name in names]
    routes = [
        each["Properties"]
        for each in resources.find_resources("AWS::EC2::Route").values()
        if each["Properties"].get("DestinationIpv6CidrBlock") == "::/0"
    ]
    private = [stack.resolve(each.route_table.route_table_id) for each in network.vpc.private_subnets]
    outgoing = [each["RouteTableId"] for each in routes if "EgressOnlyInternetGatewayId" in each]
    assert sorted(map(str, outgoing)) == sorted(map(str, private))
    assert len(routes) == 4


def test_a_network_has_no_ipv6_by_default(stack: cdk.Stack) -> None:
    Network(stack, "Network")
    resources = template(stack)
    resources.resource_count_is("AWS::EC2::VPCCidrBlock", 0)
    resources.resource_count_is("AWS::EC2::EgressOnlyInternetGateway", 0)


@pytest.mark.parametrize(("ipv6", "addresses"), [(True, {"0.0.0.0/0", "::/0"}), (False, {"0.0.0.0/0"})])
def test_tasks_and_instances_connect_through_ipv6_only_in_a_network_with_ipv6(
    stack: cdk.Stack, *, ipv6: bool, addresses: set[str]
) -> None:
    capacity = Capacity.ec2("general", instance_types=["m7i.large"], max_instances=3)
    network = Network(stack, "Network", ipv6=ipv6)
    cluster = Cluster(stack, "Cluster", vpc=network.vpc, capacity=[capacity])
    Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8", port=6379)), egress=[443, 587])
    assert rules_of(stack, "generalinstances") == {(each, 443) for each in addresses}
    assert rules_of(stack, "Web") == {(each, port) for each in addresses for port in (443, 587)}


@pytest.mark.parametrize("env", [None, cdk.Environment(account="111111111111", region="eu-west-1")])
def test_a_network_has_three_zones_with_or_without_an_account(app: cdk.App, env: cdk.Environment | None) -> None:
    stack = cdk.Stack(app, "Shop", env=env)
    network = Network(stack, "Network", zones=3)
    assert len(network.vpc.private_subnets) == len(network.vpc.public_subnets) == 3
    template(stack).resource_count_is("AWS::EC2::NatGateway", 3)


@pytest.mark.parametrize(
    ("region", "zones"), [("us-west-1", 2), ("eu-west-1", 3), ("us-west-2", 4), ("us-east-1", 6), ("xx-west-1", 6)]
)
def test_a_network_has_no_more_zones_than_its_region_offers(app: cdk.App, region: str, zones: int) -> None:
    stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="111111111111", region=region))
    Network(stack, "Network", zones=zones, nat_gateways=1)
    if zones < 6:
        with pytest.raises(
            ValueError, match=rf"Shop/More: zones must not exceed .* {zones + 1} in {region}\); use zones={zones}"
        ):
            Network(stack, "More", zones=zones + 1, nat_gateways=1)


def test_a_public_address_reaches_the_internet_without_nat(stack: cdk.Stack) -> None:
    network = Network(stack, "Network", nat_gateways=0)
    cluster = Cluster(stack, "Cluster", vpc=network.vpc)
    task = Task(Container("redis:8"))
    Service(stack, "Web", cluster=cluster, task=task, assign_public_ip=True)
    with pytest.raises(ValueError, match="its subnets cannot reach the internet"):
        Service(stack, "Other", cluster=cluster, task=task)
    isolated = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    with pytest.raises(ValueError, match="its subnets cannot reach the internet"):
        Service(stack, "Other", cluster=cluster, task=task, assign_public_ip=True, vpc_subnets=isolated)


@pytest.mark.parametrize("listed", [False, True])
def test_a_task_in_public_subnets_needs_a_public_address(stack: cdk.Stack, *, listed: bool) -> None:
    network = Network(stack, "Network", nat_gateways=1)
    public = (
        ec2.SubnetSelection(subnets=network.vpc.public_subnets)
        if listed
        else ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
    )
    cluster = Cluster(stack, "Cluster", vpc=network.vpc)
    task = Task(Container("redis:8"))
    said = (
        "its subnets are public and its tasks have no public address, so they cannot reach the internet; use "
        "assign_public_ip=True, or private subnets with a NAT gateway (leave vpc_subnets out)"
    )
    with pytest.raises(ValueError, match=re.escape(f"Shop/Web: {said}")):
        Service(stack, "Web", cluster=cluster, task=task, vpc_subnets=public)
    Service(stack, "Web", cluster=cluster, task=task, vpc_subnets=public, assign_public_ip=True)
    Service(stack, "Other", cluster=cluster, task=task)


def test_a_vpc_without_subnets_is_refused(stack: cdk.Stack) -> None:
    bare = ec2.Vpc.from_vpc_attributes(stack, "Bare", vpc_id="vpc-1", availability_zones=["eu-west-1a"])
    general = Capacity.ec2("general", instance_types=["m7i.large"], max_instances=2)
    with pytest.raises(ValueError, match="Shop/Cluster: vpc must have subnets that CDK knows"):
        Cluster(stack, "Cluster", vpc=bare, capacity=[general])
    cluster = Cluster(stack, "Fargate", vpc=bare)
    task = Task(Container("redis:8"))
    with pytest.raises(ValueError, match="Shop/Web: vpc must have subnets that CDK knows"):
        Service(stack, "Web", cluster=cluster, task=task)
    with pytest.raises(ValueError, match="Shop/Web: vpc_subnets must select subnets of the VPC Shop/Bare"):
        Service(stack, "Web", cluster=cluster, task=task, assign_public_ip=True)


def test_the_subnets_of_a_capacity_must_be_in_the_vpc_of_its_cluster(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    own, other = Network(stack, "Network").vpc, Network(stack, "Other").vpc

    def capacity(subnets: list[ec2.ISubnet]) -> list[Capacity]:
        selection = ec2.SubnetSelection(subnets=subnets)
        return [Capacity.ec2("general", instance_types=["m7i.large"], max_instances=2, vpc_subnets=selection)]

    with pytest.raises(ValueError, match="vpc_subnets of capacity 'general' must be in the VPC Shop/Network/Default"):
        Cluster(stack, "Cluster", vpc=own, capacity=capacity(other.private_subnets))
    with pytest.raises(ValueError, match="must be in the VPC Shop/Network/Default .got Shop/Vpc/PrivateSubnet1 in ano"):
        Cluster(stack, "Cluster", vpc=own, capacity=capacity(vpc.private_subnets))
    Cluster(stack, "Cluster", vpc=own, capacity=capacity(own.private_subnets))
    Cluster(stack, "Imported", vpc=vpc, capacity=capacity(vpc.private_subnets))


def test_a_cluster_must_be_in_the_region_of_its_vpc(app: cdk.App) -> None:
    stacks = {
        region: cdk.Stack(app, region, env=cdk.Environment(account="111111111111", region=region))
        for region in ("eu-west-1", "us-east-1")
    }
    network = Network(stacks["us-east-1"], "Network")
    with pytest.raises(ValueError, match="eu-west-1/Cluster: vpc must be in region eu-west-1"):
        Cluster(stacks["eu-west-1"], "Cluster", vpc=network.vpc)


def test_a_cluster_accepts_a_vpc_that_cdk_has_not_looked_up_yet(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    vpc = ec2.Vpc.from_lookup(stack, "Vpc", vpc_name="shop")
    general = Capacity.ec2("general", instance_types=["m7i.large"], max_instances=2)
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[general, Capacity.fargate()])
    Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8")))
    Service(
        stack,
        "Open",
        cluster=cluster,
        task=Task(Container("redis:8")),
        capacity=cluster.capacities[1],
        assign_public_ip=True,
    )
    assert vpc.vpc_id == "vpc-12345"


@pytest.mark.parametrize("gateways", [0, 1, 2])
def test_a_network_has_the_given_number_of_nat_gateways(stack: cdk.Stack, gateways: int) -> None:
    Network(stack, "Network", nat_gateways=gateways)
    template(stack).resource_count_is("AWS::EC2::NatGateway", gateways)


def test_more_gateways_than_zones_are_refused(stack: cdk.Stack) -> None:
    message = (
        r"Shop/Network: nat_gateways must be between 0 and 2, the number of zones \(got 3\); use one for each zone"
    )
    with pytest.raises(ValueError, match=message):
        Network(stack, "Network", nat_gateways=3)


def test_nat_gateways_of_all_networks_count_towards_the_address_quota(app: cdk.App) -> None:
    env, elsewhere = (cdk.Environment(account="111111111111", region=region) for region in ("eu-west-1", "eu-west-2"))
    Network(cdk.Stack(cdk.Stage(app, "Test", env=env), "Shop"), "Network", zones=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Network(cdk.Stack(app, "Elsewhere", env=elsewhere), "Network", zones=3)
        Network(cdk.Stack(app, "Anywhere"), "Network", zones=3)
    message = r"Live/Shop/Network: the number of NAT gateways should be at most 5, a quota that AWS can raise \(got 6\)"
    with pytest.warns(UserWarning, match=message):
        Network(cdk.Stack(cdk.Stage(app, "Live", env=env), "Shop"), "Network", zones=3)


@pytest.mark.parametrize("cidr", ["10.0.0.0/19", "10.0.0.0/8", "10.0.0/16", "fd00::/64"])
def test_a_cidr_block_that_is_too_small_is_refused(stack: cdk.Stack, cidr: str) -> None:
    with pytest.raises(
        ValueError, match=f"Shop/Network: cidr must .*got '{cidr}' for 2 zones\\); use a larger block, up to a "
    ):
        Network(stack, "Network", cidr=cidr)


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 6), st.integers(16, 20))
def test_cidr_blocks_are_accepted_if_cdk_accepts_them(zones: int, prefix: int) -> None:
    stack = cdk.Stack(cdk.App(analytics_reporting=False), "Shop")
    subnets = [
        ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24),
        ec2.SubnetConfiguration(name="Private", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=20),
    ]
    enough = True
    try:
        ec2.Vpc(
            stack,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(f"10.0.0.0/{prefix}"),
            availability_zones=[f"z{zone}" for zone in range(zones)],
            subnet_configuration=subnets,
            restrict_default_security_group=False,
        )
    except RuntimeError:
        enough = False
    assert service_limits.NETWORK_CIDR.accepts((f"10.0.0.0/{prefix}", zones)) == enough


def test_nothing_gets_a_public_address_by_default(stack: cdk.Stack) -> None:
    Network(stack, "Network")
    template(stack).all_resources_properties("AWS::EC2::Subnet", {"MapPublicIpOnLaunch": False})


def test_traffic_is_logged_for_a_year_by_default(app: cdk.App) -> None:
    loud, quiet = cdk.Stack(app, "Loud"), cdk.Stack(app, "Quiet")
    Network(loud, "Network")
    Network(quiet, "Network", flow_logs=False)
    template(loud).resource_count_is("AWS::EC2::FlowLog", 1)
    template(loud).has_resource(
        "AWS::Logs::LogGroup", {"DeletionPolicy": "Retain", "Properties": {"RetentionInDays": 365}}
    )
    template(quiet).resource_count_is("AWS::EC2::FlowLog", 0)


def test_the_default_security_group_is_closed_by_default(app: cdk.App) -> None:
    closed, left = cdk.Stack(app, "Closed"), cdk.Stack(app, "Left")
    Network(closed, "Network")
    Network(left, "Network", close_default_security_group=False)
    template(closed).resource_count_is("Custom::VpcRestrictDefaultSG", 1)
    template(left).resource_count_is("Custom::VpcRestrictDefaultSG", 0)
    template(left).resource_count_is("AWS::Lambda::Function", 0)


def test_a_network_is_found_by_its_vpc(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    network = Network(stack, "Network")
    assert Network._of(network.vpc) is network
    assert Network._of(vpc) is None


def test_a_selection_of_unknown_subnets_is_not_checked(stack: cdk.Stack) -> None:
    network = Network(stack, "Network", nat_gateways=0)
    by_name = ec2.SubnetSelection(subnet_group_name="Private")
    assert network._missing(frozenset({"logs"}), by_name, public_address=False) is None
    assert network._missing(frozenset({"logs"}), None, public_address=False) == frozenset({"logs"})


def test_whole_cluster(stack: cdk.Stack, vpc: ec2.IVpc, template_snapshot: SnapshotAssertion) -> None:
    Cluster(stack, "Cluster", vpc=vpc, capacity=[Capacity.fargate(), Capacity.fargate_spot()])
    assert readable_template(stack) == template_snapshot


def test_container_insights_are_enhanced_by_default(app: cdk.App) -> None:
    loud, quiet = cdk.Stack(app, "Loud"), cdk.Stack(app, "Quiet")
    Cluster(loud, "Cluster", vpc=imported_vpc(loud))
    Cluster(quiet, "Cluster", vpc=imported_vpc(quiet), container_insights=ecs.ContainerInsights.DISABLED)
    for stack, value in ((loud, "enhanced"), (quiet, "disabled")):
        template(stack).has_resource_properties(
            "AWS::ECS::Cluster", {"ClusterSettings": [{"Name": "containerInsights", "Value": value}]}
        )


def test_a_cluster_works_with_cdk_constructs(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cluster = Cluster(stack, "Cluster", vpc=vpc)
    assert isinstance(cluster, ecs.Cluster)
    definition = ecs.FargateTaskDefinition(stack, "Definition")
    definition.add_container("app", image=ecs.ContainerImage.from_registry("redis:8"))
    ecs.FargateService(stack, "Plain", cluster=cluster, task_definition=definition, min_healthy_percent=100)
    template(stack).has_resource_properties(
        "AWS::ECS::Service", {"Cluster": {"Ref": Match.string_like_regexp("^Cluster")}}
    )


@pytest.mark.parametrize(
    ("capacity", "says"),
    [
        ([], "capacity must not be empty"),
        ([Capacity.fargate(), Capacity.fargate()], "names of capacities must be unique"),
    ],
)
def test_a_cluster_needs_at_least_one_capacity_and_each_only_once(
    stack: cdk.Stack, vpc: ec2.IVpc, capacity: list[Capacity], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        Cluster(stack, "Cluster", vpc=vpc, capacity=capacity)


def test_capacities_are_compared_by_identity() -> None:
    one, other = Capacity.fargate(), Capacity.fargate()
    assert len({one: 1, other: 2}) == 2


IN_ANOTHER_STACK: dict[str, Callable[[cdk.Stack, ec2.IVpc, ecs.ICluster], object]] = {
    "cluster": lambda stack, vpc, _: Cluster(stack, "Cluster", vpc=vpc),
    "service": lambda stack, _, cluster: Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8"))),
    "job": lambda stack, _, cluster: Job(
        stack,
        "Job",
        cluster=cluster,
        task=Task(Container("redis:8")),
        schedule=scheduler.ScheduleExpression.rate(cdk.Duration.days(1)),
    ),
    "load balancer": lambda stack, vpc, _: LoadBalancer(stack, "Edge", vpc=vpc),
    "network load balancer": lambda stack, vpc, _: NetworkLoadBalancer(stack, "Edge", vpc=vpc),
}


@pytest.mark.parametrize("kind", IN_ANOTHER_STACK)
@pytest.mark.parametrize("strength", ["strong", "weak"])
@pytest.mark.parametrize("is_apart", [True, False], ids=["another stack", "one stack"])
def test_the_values_of_a_network_stay_exported_for_other_stacks(kind: str, strength: str, *, is_apart: bool) -> None:
    app = cdk.App(context={"@aws-cdk/core:defaultCrossStackReferences": strength})
    stack = cdk.Stack(app, "Network")
    vpc = Network(stack, "Network").vpc
    cluster = Cluster(stack, "Own", vpc=vpc, failure_events=False)
    IN_ANOTHER_STACK[kind](cdk.Stack(app, "Shop") if is_apart else stack, vpc, cluster)
    outputs = template(stack).to_json().get("Outputs", {})
    exports = "".join(name for name, output in outputs.items() if "Export" in output)
    subnets = [f"{kind}Subnet{number}" for kind in ("Public", "Private") for number in (1, 2)]
    handed_out = [*subnets, "CidrBlock", "RefNetwork1C6012B5"]
    assert {each in exports for each in handed_out} == {is_apart and strength == "strong"}

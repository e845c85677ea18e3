"""The quotas of a load balancer, over all its services."""

from __future__ import annotations

import warnings
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from cfnlint.helpers import REGIONS
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from moorage import (
    Cluster,
    Container,
    Listener,
    LoadBalancer,
    NetworkLoadBalancer,
    Rollout,
    Route,
    Scaling,
    Service,
    Task,
)
from moorage.ecs.load_balancing.usage import Usage
from moorage.workload import service_limits
from tests.conftest import imported_vpc
from tests.workload.load_balancing_limit_cases import ARN

WEB = Task(Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", name="web", port=8080))
CANARY = Rollout.canary(alarms=None)
ROLLING = Rollout.rolling()


@pytest.fixture
def cluster(stack: cdk.Stack, vpc: ec2.IVpc) -> Cluster:
    return Cluster(stack, "Cluster", vpc=vpc)


def routes(edge: Any, first: int, count: int = 5) -> list[Route]:
    return [Route(edge, path=f"/{index}", priority=index) for index in range(first, first + count)]


def serve(scope: cdk.Stack, cluster: Cluster, name: str, *entries: Route | Listener, **arguments: Any) -> Service:
    return Service(scope, name, cluster=cluster, task=WEB, route=entries, **arguments)


def test_51_canaries_are_too_many_for_a_load_balancer(app: cdk.App, stack: cdk.Stack, cluster: Cluster) -> None:
    edge = LoadBalancer(stack, "Edge", vpc=cluster.vpc)
    stacks = [cdk.Stack(app, name) for name in ("First", "Second")]
    for index in range(10):
        serve(stacks[index % 2], cluster, f"Web{index}", *routes(edge, 1 + 5 * index), rollout=CANARY)
    with (
        pytest.warns(UserWarning, match="the number of listener rules of Shop/Edge should be at most 100"),
        pytest.raises(ValueError, match=r"number of target groups of Shop/Edge must be at most 100 \(got 102\); use"),
    ):
        serve(stacks[0], cluster, "Last", *routes(edge, 51, 1), rollout=CANARY)


def test_a_removed_service_uses_no_quota(stack: cdk.Stack, cluster: Cluster) -> None:
    edge = LoadBalancer(stack, "Edge", vpc=cluster.vpc)
    gone = serve(stack, cluster, "Gone", *routes(edge, 1))
    edge._use(Usage(target_groups=95), stack)
    with pytest.raises(ValueError, match=r"\(got 101\)"):
        serve(stack, cluster, "Web", *routes(edge, 6, 1))
    stack.node.try_remove_child(gone.node.id)
    serve(stack, cluster, "Web", *routes(edge, 6, 1))


def test_routes_that_differ_by_host_share_a_target_group(stack: cdk.Stack, cluster: Cluster) -> None:
    edge = LoadBalancer(stack, "Edge", vpc=cluster.vpc)
    edge._use(Usage(target_groups=99), stack)
    serve(stack, cluster, "Web", *(Route(edge, host=f"{name}.example.com") for name in "abc"))


def test_a_load_balancer_that_is_imported_twice_has_one_quota(app: cdk.App, stack: cdk.Stack, cluster: Cluster) -> None:
    first, second = (
        LoadBalancer.from_attributes(
            cdk.Stack(app, name), "Edge", listener_arn=ARN, security_group_id="sg-1", vpc=cluster.vpc
        )
        for name in ("First", "Second")
    )
    first._use(Usage(target_groups=99), stack)
    serve(stack, cluster, "Web", *routes(second, 1, 1), rollout=ROLLING)
    with pytest.raises(ValueError, match=r"target groups of First/Edge must be at most 100 \(got 101\)"):
        serve(stack, cluster, "Last", *routes(first, 2, 1), rollout=ROLLING)


def test_a_rule_of_a_test_listener_counts(stack: cdk.Stack, cluster: Cluster) -> None:
    edge = LoadBalancer(stack, "Edge", vpc=cluster.vpc)
    edge._use(Usage(rules=98), stack)
    serve(stack, cluster, "Web", *routes(edge, 1, 1), rollout=CANARY)
    with pytest.warns(UserWarning, match=r"listener rules of Shop/Edge should be at most 100, .*\(got 101\)"):
        serve(stack, cluster, "Last", *routes(edge, 2, 1), rollout=ROLLING)
    with warnings.catch_warnings():  # it warned before, and asking node again for each service would take long
        warnings.simplefilter("error")
        serve(stack, cluster, "More", *routes(edge, 3, 1), rollout=ROLLING)


@pytest.mark.parametrize(
    ("rollout", "copies"), [(ROLLING, 500), (Rollout.rolling(maximum_percent=125), 800), (CANARY, 500)]
)
def test_a_rollout_has_more_targets_than_copies(
    stack: cdk.Stack, cluster: Cluster, rollout: Rollout, copies: int
) -> None:
    edge = LoadBalancer(stack, "Edge", vpc=cluster.vpc)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plan = {"rollout": rollout, "scaling": Scaling(copies)}
        serve(stack, cluster, "Web", *routes(edge, 1, 1), **plan)
    other = LoadBalancer(stack, "Other", vpc=cluster.vpc)
    with pytest.warns(UserWarning, match=r"targets of Shop/Other should be at most 1,000, .*\(got 1,00[12]\)"):
        serve(stack, cluster, "More", *routes(other, 1, 1), rollout=rollout, scaling=Scaling(copies + 1))


@pytest.mark.parametrize(("cross_zone", "copies"), [(True, 250), (False, 500)])
def test_targets_of_a_network_load_balancer_count_for_each_zone(
    stack: cdk.Stack, cluster: Cluster, copies: int, *, cross_zone: bool
) -> None:
    """The VPC has two zones, and a rolling rollout runs twice the copies."""
    for name, more in (("Gate", 0), ("Other", 1)):
        gate = NetworkLoadBalancer(stack, name, vpc=cluster.vpc, cross_zone=cross_zone)
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            serve(stack, cluster, f"Web{name}", Listener(gate, 80), scaling=Scaling(copies + more))
        assert bool([each for each in found if "targets in a zone of" in str(each.message)]) is bool(more)


def test_51_listeners_are_too_many_for_a_network_load_balancer(stack: cdk.Stack, cluster: Cluster) -> None:
    gate = NetworkLoadBalancer(stack, "Gate", vpc=cluster.vpc)
    for index in range(10):
        ports = range(8000 + 5 * index, 8005 + 5 * index)
        serve(stack, cluster, f"Web{index}", *(Listener(gate, port) for port in ports))
    with pytest.raises(ValueError, match=r"listeners of Shop/Gate must be at most 50 \(got 51\)"):
        serve(stack, cluster, "Last", Listener(gate, 9000))


def test_a_test_port_counts_as_a_listener(stack: cdk.Stack, cluster: Cluster) -> None:
    gate = NetworkLoadBalancer(stack, "Gate", vpc=cluster.vpc)
    gate._use(Usage(listeners=49), stack)
    with pytest.raises(ValueError, match=r"\(got 51\)"):
        serve(stack, cluster, "Web", Listener(gate, 80, test_port=81), rollout=CANARY)


@pytest.mark.parametrize(("blocks", "warned"), [(30, False), (31, True)])
def test_31_blocks_of_addresses_need_too_many_rules(stack: cdk.Stack, blocks: int, *, warned: bool) -> None:
    """Each block needs a rule for port 443 and one for port 80."""
    arn = "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", arn)
    peers = [ec2.Peer.ipv4(f"10.0.{index}.0/24") for index in range(blocks)]
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        LoadBalancer(stack, "Edge", vpc=imported_vpc(stack), public=True, certificate=certificate, ingress=peers)
    assert (
        bool([each for each in found if "rules for ingress and test_ingress should be at most 60" in str(each.message)])
        is warned
    )


def test_the_clients_of_listeners_need_rules_as_well(stack: cdk.Stack, cluster: Cluster) -> None:
    peers = [ec2.Peer.ipv4(f"10.0.{index}.0/24") for index in range(31)]
    gate = NetworkLoadBalancer(stack, "Gate", vpc=cluster.vpc, ingress=peers)
    serve(stack, cluster, "Web", Listener(gate, 80))
    with pytest.warns(
        UserWarning, match=r"inbound security group rules of Shop/Gate should be at most 60, .*\(got 62\)"
    ):
        serve(stack, cluster, "Last", Listener(gate, 81))


def test_61_services_need_too_many_rules(stack: cdk.Stack, cluster: Cluster) -> None:
    """Each has its own security group; here 12 services have five groups each, and one has one."""
    edge = LoadBalancer(stack, "Edge", vpc=cluster.vpc)
    for index in range(12):
        groups = [
            ec2.SecurityGroup.from_security_group_id(stack, f"Group{index}-{each}", f"sg-{index}a{each}")
            for each in range(5)
        ]
        serve(stack, cluster, f"Web{index}", *routes(edge, 1 + index, 1), security_groups=groups)
    with pytest.warns(
        UserWarning, match=r"outbound security group rules of Shop/Edge should be at most 60, .*\(got 61\)"
    ):
        serve(stack, cluster, "Last", *routes(edge, 20, 1))


def test_the_regions_without_vpc_lattice_are_those_without_its_schema() -> None:
    resource = "AWS::VpcLattice::TargetGroup"
    missing = {each for each in REGIONS if resource not in PROVIDER_SCHEMA_MANAGER.get_resource_types(each)}
    assert {each for each in REGIONS if not service_limits.LATTICE_REGION.accepts(each)} == missing

"""The routes that a load balancer would refuse, checked without a stack."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from moorage import (
    Capacity,
    Container,
    Listener,
    LoadBalancer,
    NetworkLoadBalancer,
    Rollout,
    Route,
    Strategy,
    Task,
)
from moorage.ecs.load_balancing.route_checks import slow_drain_warning, udp_beside_tcp_warning, usages_of
from moorage.ecs.load_balancing.usage import Usage
from tests.stand_ins import stand_in

TASK = Task(Container("a:1", name="a", port=8080, memory_mib=64), Container("b:1", name="b", port=9090))
TOKEN: Any = cdk.Token.as_number({"Ref": "Number"})
ROLLING = Rollout.rolling()
CANARY = Rollout.canary(alarms=None)


def launch(**members: Any) -> Any:
    return SimpleNamespace(
        **{"task": TASK, "has_own_interface": True, "security_groups": None, "cluster_view": TASK, **members}
    )


def counts(usage: Usage) -> dict[str, int]:
    return {name: getattr(usage, name) for name in ("target_groups", "targets", "rules", "listeners", "ingress")}


def used(*routes: Any, rollout: Rollout = ROLLING, copies: Any = 3, **members: Any) -> Usage:
    """Return what routes use of their only load balancer."""
    (usage,) = usages_of(routes, launch(**members), rollout, copies).values()
    return usage


@pytest.fixture
def edge(stack: cdk.Stack, vpc: ec2.IVpc) -> LoadBalancer:
    return LoadBalancer(stack, "Edge", vpc=vpc)


@pytest.fixture
def gate(stack: cdk.Stack, vpc: ec2.IVpc) -> NetworkLoadBalancer:
    return NetworkLoadBalancer(stack, "Gate", vpc=vpc, ingress=[ec2.Peer.ipv4("10.0.0.0/16")])


def test_a_route_uses_a_rule_and_no_listener(edge: LoadBalancer) -> None:
    usage = used(Route(edge, path="/a"), Route(edge, path="/b", container="b"))
    assert counts(usage) == {"target_groups": 2, "targets": 12, "rules": 2, "listeners": 0, "ingress": 0}
    rules: Any = usage.egress
    assert {ports for _, ports in rules} == {(8080, 8080, False), (9090, 9090, False)}


def test_a_listener_uses_a_listener_and_no_rule(gate: NetworkLoadBalancer) -> None:
    usage = used(Listener(gate, 80))
    assert counts(usage) == {"target_groups": 1, "targets": 6, "rules": 0, "listeners": 1, "ingress": 1}


@pytest.mark.parametrize(
    ("rollout", "groups", "targets"),
    [
        (CANARY, 2, 200),
        (Rollout.rolling(maximum_percent=150), 1, 150),
        (Rollout.rolling(maximum_percent=TOKEN), 1, 200),
    ],
)
def test_a_rollout_uses_targets_for_both_versions(
    edge: LoadBalancer, rollout: Rollout, groups: int, targets: int
) -> None:
    usage = used(Route(edge), rollout=rollout, copies=100)
    assert (usage.target_groups, usage.targets) == (groups, targets)


@pytest.mark.parametrize("copies", [None, TOKEN], ids=["none", "a token"])
def test_an_unknown_number_of_copies_uses_no_targets(edge: LoadBalancer, copies: Any) -> None:
    assert used(Route(edge), copies=copies).targets == 0


def test_services_share_rules_to_instances_but_not_to_tasks_with_their_own_groups(edge: LoadBalancer) -> None:
    assert len((used(Route(edge)) + used(Route(edge))).egress) == 2
    on_instances: dict[str, Any] = {"has_own_interface": False, "security_groups": [stand_in("aws_ec2.ISecurityGroup")]}
    assert len((used(Route(edge), **on_instances) + used(Route(edge), **on_instances)).egress) == 1
    groups = [stand_in("aws_ec2.ISecurityGroup", security_group_id=name) for name in ("sg-1", "sg-2")]
    assert used(Route(edge), security_groups=groups).egress == {
        ("sg-1", (8080, 8080, False)),
        ("sg-2", (8080, 8080, False)),
    }


def spot(name: str) -> Capacity:
    return Capacity.ec2(name, instance_types=["m7g.large"], max_instances=1, spot=True)


def draining(*delays: int) -> list[Any]:
    return [SimpleNamespace(deregistration_delay=delay) for delay in delays]


def test_a_drain_of_spot_tasks_is_shorter_than_the_notice() -> None:
    spots = launch(strategy=Strategy({spot("one"): 1, spot("other"): 1}))
    assert slow_drain_warning([], spots) is None
    assert slow_drain_warning(draining(119, TOKEN), spots) is None
    warning = slow_drain_warning(draining(119, 121, 120), spots)
    assert warning
    assert warning.startswith("deregistration_delay is 121 s, but AWS interrupts a task on 'one' with")
    assert slow_drain_warning(draining(120), launch(strategy=Strategy(Capacity.fargate()))) is None


def test_the_first_container_with_udp_beside_tcp_is_named() -> None:
    shared: Any = {"container_port": None, "_protocols": {"TCP", "UDP"}}
    routes: Any = [SimpleNamespace(container=name, **shared) for name in ("b", "a")]
    warning = udp_beside_tcp_warning(routes, TASK, set())
    assert warning
    assert warning.startswith("container 'a' serves UDP and TCP on one port")
    assert udp_beside_tcp_warning(routes, TASK, {("a", 8080), ("b", 9090)}) is None

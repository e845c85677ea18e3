"""The Availability Zones of tasks, compared with the zones of their load balancers.

A load balancer sends nothing to targets in a zone without one of its subnets, even with cross-zone load balancing
(Elastic Load Balancing user guide, "How Elastic Load Balancing works"). Such targets stay `unused` with the reason
`Target.NotInUse` (botocore elbv2 TargetHealth.Reason), and ECS waits for them to become healthy.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from moorage.ecs.network.subnets import Zones, zones_of
from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2

    from moorage.ecs.load_balancing.gateway import Gateway
    from moorage.ecs.load_balancing.listener import Listener
    from moorage.ecs.load_balancing.route import Route
    from moorage.ecs.load_balancing.shared_load_balancer import SharedLoadBalancer
    from moorage.ecs.task.task_launch import Launch
    from moorage.workload.problems import Problems


def check_zones(routes: Iterable[Route | Listener], launch: Launch, problems: Problems) -> None:
    """Check that at least one zone of the tasks is a zone of their load balancer."""
    for load_balancer in dict.fromkeys(route.load_balancer for route in routes):
        for argument, zones, balancer_zones in _zones_beside(load_balancer, launch):
            if not set(zones) & set(balancer_zones):
                problems.add(_described(f"{argument} must be", zones, load_balancer, balancer_zones, launch.reach.vpc))


def check_all_zones(gateway: Gateway, launch: Launch, problems: Problems) -> None:
    """Check that a gateway has a subnet in each zone of the tasks, without which ECS does not use the gateway."""
    for argument, zones, own_zones in _zones_beside(gateway, launch):
        elsewhere = [each for each in zones if each not in own_zones]
        if elsewhere:
            vpc = launch.reach.vpc
            own, given = (", ".join(_zone_name(each, vpc) for each in names) for names in (own_zones, elsewhere))
            problems.add(
                f"each subnet of {argument} must be in zones of {gateway.node.path}, {own} (got {given}), since ECS "
                "connects a service only to gateways with a subnet in each of its zones; use subnets in zones of the "
                "gateway, or select subnets in all of these zones with vpc_subnets= of the gateway"
            )


def zones_warning(routes: Iterable[Route | Listener], launch: Launch) -> str | None:
    """Return a warning about zones of tasks in which their load balancer has no subnet, or None."""
    for load_balancer in dict.fromkeys(route.load_balancer for route in routes):
        for argument, zones, balancer_zones in _zones_beside(load_balancer, launch):
            elsewhere = [each for each in zones if each not in balancer_zones]
            if elsewhere:
                rule = f"each subnet of {argument} should be"
                return _described(rule, elsewhere, load_balancer, balancer_zones, launch.reach.vpc)
    return None


def _zones_beside(load_balancer: SharedLoadBalancer | Gateway, launch: Launch) -> Iterable[tuple[str, Zones, Zones]]:
    """Yield each argument that selects subnets for tasks, with the zones of these subnets and of the load balancer."""
    balancer_zones = load_balancer._subnets and zones_of(load_balancer._subnets, load_balancer.vpc)
    for argument, selection in launch.task_subnets if balancer_zones else ():
        zones = zones_of(selection, launch.reach.vpc)
        same_names = load_balancer.vpc is launch.reach.vpc or not (is_token(zones) or is_token(balancer_zones))
        if zones and balancer_zones and same_names:
            yield argument, zones, balancer_zones


def _described(
    rule: str, zones: Iterable[str], load_balancer: SharedLoadBalancer, balancer_zones: Zones, vpc: ec2.IVpc
) -> str:
    own, given = (", ".join(_zone_name(each, vpc) for each in names) for names in (balancer_zones, zones))
    return (
        f"{rule} in zones of {load_balancer.node.path}, {own} (got {given}), since a load balancer sends nothing to "
        "tasks in other zones, and ECS waits for these tasks to become healthy; use subnets in zones of the load "
        "balancer, or select subnets in all of these zones with vpc_subnets= of the load balancer"
    )


def _zone_name(zone: str, vpc: ec2.IVpc) -> str:
    """Return the name of a zone, or its number in the VPC if the name is a token."""
    return f"zone {vpc.availability_zones.index(zone) + 1} of the VPC" if is_token(zone) else zone

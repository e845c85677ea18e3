"""The properties of a Network Load Balancer that listeners use."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from moorage.ecs.load_balancing.shared_load_balancer import SharedLoadBalancer
from moorage.workload import load_balancing_limits, route_limits

if TYPE_CHECKING:
    from aws_cdk import aws_certificatemanager as acm
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_elasticloadbalancingv2 as elbv2

    from moorage.ecs.load_balancing.usage import Usage
    from moorage.ecs.task.task_launch import Launch
    from moorage.workload.limit import Limit
    from moorage.workload.problems import Problems


class ConnectionLoadBalancer(SharedLoadBalancer):
    """A Network Load Balancer with its listeners, defined here or imported."""

    load_balancer: elbv2.INetworkLoadBalancer
    _clients: tuple[ec2.IPeer, ...]
    _test_clients: tuple[ec2.IPeer, ...]
    _cross_zone: bool
    _zonal_shift: bool
    _dual_stack: bool
    _requires_tls: bool
    """True if the load balancer is public and has no reason for listeners without TLS."""

    def _quotas(self, usage: Usage, launch: Launch) -> list[tuple[Limit, str, int]]:
        """Return the quotas. With cross-zone load balancing, each target counts in every zone (NLB guide)."""
        return [
            (load_balancing_limits.LISTENERS, "listeners", usage.listeners),
            (
                load_balancing_limits.ZONE_TARGETS,
                "targets in a zone",
                usage.targets if self._cross_zone else math.ceil(usage.targets / launch.reach.zones),
            ),
            (route_limits.GROUP_RULES, "inbound security group rules", usage.ingress),
        ]


def check_encryption(
    problems: Problems, certificate: acm.ICertificate | None, without_tls: str | None, *, public: bool
) -> None:
    """Check that a public load balancer has a certificate, or a reason why it needs no certificate."""
    if without_tls is not None and not without_tls.strip():
        problems.add(
            "without_tls must not be empty (got ''), since reviewers read the reason; state why traffic without "
            "TLS is acceptable"
        )
    if public and certificate is None and without_tls is None:
        problems.add(
            "public=True without a certificate lets anyone on the network path read and change traffic that the tasks "
            "do not encrypt; use certificate=, or without_tls='the reason why this is acceptable'"
        )

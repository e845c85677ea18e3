"""The use of load balancers' quotas by services, counted over all stacks of an app."""

from __future__ import annotations

from collections.abc import Hashable

import attrs


@attrs.frozen(kw_only=True)
class Usage:
    """The part of a load balancer's quotas that one or more services use.

    Args:
        target_groups: The number of target groups. Default: 0.
        rules: The number of listener rules. Default: 0.
        listeners: The number of listeners. Default: 0.
        targets: The number of targets in all target groups during a rollout. Default: 0.
        ingress: The number of rules that let clients connect, in the security group of the load balancer. Default: 0.
        egress: The rules that let the load balancer connect to tasks, each as a unique value. Default: none.
    """

    target_groups: int = 0
    rules: int = 0
    listeners: int = 0
    targets: int = 0
    ingress: int = 0
    egress: frozenset[Hashable] = frozenset()

    def __add__(self, other: Usage) -> Usage:
        names = [field.name for field in attrs.fields(Usage) if field.name != "egress"]
        sums = {name: getattr(self, name) + getattr(other, name) for name in names}
        return Usage(**sums, egress=self.egress | other.egress)

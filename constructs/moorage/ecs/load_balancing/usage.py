"""The use of a load balancer's quotas by services, counted over all stacks of an app."""

from __future__ import annotations

from collections.abc import Hashable

import attrs


@attrs.frozen(kw_only=True)
class Usage:
    """The use of one service, or of several.

    Args:
        target_groups: The target groups.
        rules: The rules of listeners.
        listeners: The listeners.
        targets: The targets in all target groups, in the midst of a rollout.
        ingress: The rules that let clients into the security group of the load balancer.
        egress: The rules that let the load balancer out to tasks, each by a value of its own.
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

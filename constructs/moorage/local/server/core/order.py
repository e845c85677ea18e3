"""The order in which a stack's resources are made.

CloudFormation makes what does not depend on each other side by side. ministack makes one resource after the other, so
the order is that in which nothing waits in vain: a gateway is attached as early as it can be, since what needs it
without `DependsOn` finds it attached on AWS more often than not, and services come as late as they can, since ECS waits
until there are instances for their tasks.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

from moorage.local.server.core.adapter import engine, stacks

Resources = dict[str, Any]

_RANKS = {"AWS::EC2::VPCGatewayAttachment": 0, "AWS::CloudFormation::Stack": 2, "AWS::ECS::Service": 3}
"""How early resources are made that need nothing of each other; all other types are between the first two."""
_FIRST, _USUAL = 0, 1


def install() -> None:
    """Let the resources that others wait for come first, and those that wait for others last."""
    ordered = _ranked(engine.topological_sort)
    for module in (engine, stacks):
        module.topological_sort = ordered


def _ranked(sort: Callable[[Resources, dict[str, bool]], list[str]]) -> Callable[..., list[str]]:
    def ordered(resources: Resources, conditions: dict[str, bool]) -> list[str]:
        order = sort(resources, conditions)
        needs = {name: engine.extract_deps(resources[name], set(order)) - {name} for name in order}
        ranks = _ranks(resources, order, needs)
        ready = [(ranks[name], place, name) for place, name in enumerate(order) if not needs[name]]
        heapq.heapify(ready)
        places, made = {name: place for place, name in enumerate(order)}, []
        while ready:
            made.append(heapq.heappop(ready)[-1])
            for name in order:
                if made[-1] in needs[name]:
                    needs[name].remove(made[-1])
                    if not needs[name]:
                        heapq.heappush(ready, (ranks[name], places[name], name))
        return made

    return ordered


def _ranks(resources: Resources, order: list[str], needs: dict[str, set[str]]) -> dict[str, int]:
    """Return how early each resource is to be made; what a resource that is to be first needs is as early."""
    ranks = {name: _RANKS.get(str(resources[name].get("Type")), _USUAL) for name in order}
    for name in reversed(order):
        if ranks[name] == _FIRST:
            ranks.update(dict.fromkeys(needs[name], _FIRST))
    return ranks

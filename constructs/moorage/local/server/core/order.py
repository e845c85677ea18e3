"""The order in which the resources of a stack are created.

CloudFormation creates independent resources in parallel; ministack creates one at a time. This order avoids waits that
end only by a timeout. A gateway is attached as early as possible: on AWS, it is usually attached before resources
without `DependsOn` need it. Nested stacks and services are created as late as possible, since ECS waits until there are
instances for the tasks of a service.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

from moorage.local.server.core.adapter import engine, stacks

Resources = dict[str, Any]

_RANKS = {"AWS::EC2::VPCGatewayAttachment": 0, "AWS::CloudFormation::Stack": 2, "AWS::ECS::Service": 3}
"""The rank of each type among independent resources: lower ranks are created first. Other types have rank 1."""
_FIRST, _USUAL = 0, 1


def install() -> None:
    """Create gateway attachments as early as possible, and nested stacks and ECS services as late as possible."""
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
    """Return the rank of each resource. A resource has the first rank if a resource of that rank depends on it."""
    ranks = {name: _RANKS.get(str(resources[name].get("Type")), _USUAL) for name in order}
    for name in reversed(order):
        if ranks[name] == _FIRST:
            ranks.update(dict.fromkeys(needs[name], _FIRST))
    return ranks

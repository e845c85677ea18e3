"""The order in which a stack's resources are made.

CloudFormation makes what does not depend on each other side by side, and ECS waits until there are instances for a
service's tasks. ministack makes one resource after the other, so that services come last here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moorage.local.server.core.adapter import engine, stacks

Resources = dict[str, Any]
_WAITING = ("AWS::ECS::Service",)


def install() -> None:
    """Let the resources that wait for others come last."""
    for module in (engine, stacks):
        module.topological_sort = _waiting_last(module.topological_sort)


def _waiting_last(sort: Callable[[Resources, dict[str, bool]], list[str]]) -> Callable[..., list[str]]:
    def ordered(resources: Resources, conditions: dict[str, bool]) -> list[str]:
        order = sort(resources, conditions)
        last: set[str] = set()
        for name in order:
            resource = resources[name]
            if resource.get("Type") in _WAITING or last & set(engine.extract_deps(resource, set(order))):
                last.add(name)
        return [name for name in order if name not in last] + [name for name in order if name in last]

    return ordered

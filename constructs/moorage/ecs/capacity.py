"""What tasks run on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

import attrs

from moorage.workload import limits

if TYPE_CHECKING:
    from moorage.workload.faults import Faults


@attrs.frozen(eq=False)
class Capacity:
    """What tasks run on; defined by one of its methods and compared by identity, so that it can be a key.

    Args:
        name: The capacity provider's name, as ECS knows it.
    """

    name: str

    @classmethod
    def fargate(cls) -> Capacity:
        """Fargate: the platform injects each task into the VPC, and bills it by the second."""
        return cls("FARGATE")

    @classmethod
    def fargate_spot(cls) -> Capacity:
        """Fargate Spot: cheaper, and taken back with two minutes' notice when AWS needs the room."""
        return cls("FARGATE_SPOT")


Strategy: TypeAlias = Capacity | Mapping[Capacity, int]
"""One capacity, or the weights by which tasks are spread over several."""


def weights_of(strategy: Strategy) -> Mapping[Capacity, int]:
    return {strategy: 1} if isinstance(strategy, Capacity) else strategy


def check_strategy(strategy: Strategy, offered: tuple[Capacity, ...] | None, faults: Faults) -> None:
    """Note what ECS would not take as a strategy, and the capacities that the cluster does not have.

    Args:
        strategy: What the service asks for.
        offered: What its cluster has, or None where that is not known.
        faults: Where to note it.
    """
    weights = weights_of(strategy)
    faults.keep(limits.STRATEGY_ITEMS, "the number of capacities", len(weights))
    for capacity, weight in weights.items():
        faults.keep(limits.STRATEGY_WEIGHT, f"the weight of capacity {capacity.name!r}", weight)
        names = [each.name for each in offered or ()]
        if offered is not None and capacity.name not in names:
            faults.add(
                f"capacity {capacity.name!r} is none of the cluster's ({', '.join(map(repr, names))}); "
                "name it in Cluster(capacity=[...])"
            )
    if len(weights) > 1:
        faults.keep(limits.STRATEGY_WEIGHTS, "weights", list(weights.values()))

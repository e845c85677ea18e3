"""Over which capacities tasks are spread."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

import attrs

from moorage.ecs.capacity import Capacity, Kind
from moorage.workload import limits

if TYPE_CHECKING:
    from moorage.workload.faults import Faults


def _weights(given: Capacity | Mapping[Capacity, int]) -> Mapping[Capacity, int]:
    return MappingProxyType({given: 1} if isinstance(given, Capacity) else dict(given))


@attrs.frozen
class Strategy:
    """Over which capacities the tasks of a service are spread.

    Args:
        weights: One capacity, or the share of each: of tasks with `{general: 1, spot: 3}` three of four run on `spot`.
            A weight is 0 to 1,000, and not 0 for all of several.
        base: How many tasks one of them has before weights count, as in `base={general: 2}`; 0 to 100,000.
        of_cluster: Whether the service says nothing and follows the cluster's default (`Cluster.default_strategy`).
    """

    weights: Mapping[Capacity, int] = attrs.field(converter=_weights)
    base: Mapping[Capacity, int] = attrs.field(converter=_weights, factory=dict, kw_only=True)
    of_cluster: bool = attrs.field(default=False, kw_only=True)

    @classmethod
    def of(cls, given: CapacityChoice) -> Strategy:
        """What a service is given, as a strategy."""
        return given if isinstance(given, Strategy) else cls(given)

    @property
    def kind(self) -> Kind:
        """The kind of its capacities, of which `check` allows one."""
        return next(iter(self.weights)).kind

    def check(self, offered: tuple[Capacity, ...] | None, faults: Faults) -> None:
        """Note what ECS would not take as a strategy, and the capacities that the cluster does not have.

        Args:
            offered: What the cluster has, or None where that is not known.
            faults: Where to note it.
        """
        faults.keep(limits.STRATEGY_ITEMS, "the number of capacities", len(self.weights))
        for capacity, weight in self.weights.items():
            faults.keep(limits.STRATEGY_WEIGHT, f"the weight of capacity {capacity.name!r}", weight)
        for capacity in [*self.weights, *(each for each in self.base if each not in self.weights)]:
            names = [each.name for each in offered or ()]
            if offered is not None and capacity.name not in names:
                faults.add(
                    f"capacity {capacity.name!r} is none of the cluster's ({', '.join(map(repr, names))}); "
                    "name it in Cluster(capacity=[...])"
                )
        if len(self.weights) > 1:
            faults.keep(limits.STRATEGY_WEIGHTS, "weights", list(self.weights.values()))
        faults.keep(limits.STRATEGY_KINDS, "capacity", {each.name: each.kind.value for each in self.weights} or {"": 0})
        faults.keep(limits.STRATEGY_BASES, "base", [each.name for each in self.base])
        for capacity, base in self.base.items():
            faults.keep(limits.STRATEGY_BASE, f"the base of capacity {capacity.name!r}", base)
            if capacity not in self.weights:
                faults.add(
                    f"base names capacity {capacity.name!r}, but the weights do not; give it a weight, 0 or more"
                )


CapacityChoice: TypeAlias = Capacity | Mapping[Capacity, int] | Strategy
"""One capacity, the weights by which tasks are spread over several, or a strategy with a base."""

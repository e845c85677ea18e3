"""The capacity provider strategy of a service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

import attrs

from moorage.ecs.capacity.capacity import Capacity, CapacityKind
from moorage.workload import capacity_limits
from moorage.workload.problems import Problems
from moorage.workload.value import value_class


def _weights(choice: Capacity | Mapping[Capacity, int]) -> Mapping[Capacity, int]:
    if isinstance(choice, Capacity):
        return MappingProxyType({choice: 1})
    return MappingProxyType(dict(choice) if isinstance(choice, Mapping) else {choice: 1})


@value_class
@attrs.frozen
class Strategy:
    """A capacity provider strategy: how tasks are spread over several capacities, all of one kind.

    Args:
        weights: One capacity, or up to 20 capacities with a weight of 0 to 1,000 each, not all 0. With `{general: 1,
            spot: 3}`, three of four tasks run on `spot`.
        base: The number of tasks that one capacity runs before the weights apply, 0 to 100,000, such as
            `base={general: 2}`. Default: none.

    Raises:
        ValueError: If ECS would not accept the strategy. The error lists all problems.
    """

    weights: Mapping[Capacity, int] = attrs.field(converter=_weights)
    base: Mapping[Capacity, int] = attrs.field(converter=_weights, factory=dict, kw_only=True)
    _follows_cluster: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        problems = Problems("Strategy")
        if not self.weights:
            problems.add(
                "weights must not be empty, since tasks need capacity to run; name at least one capacity, or leave "
                "capacity= out"
            )
        if not problems.messages:
            self._check_limits(problems)
        problems.raise_any()

    @classmethod
    def _of(cls, choice: CapacityChoice) -> Strategy:
        """Return the `capacity` argument of a service as a strategy."""
        return choice if isinstance(choice, Strategy) else cls(choice)

    @property
    def _following_cluster(self) -> Strategy:
        """This strategy for services that follow the default strategy of a cluster."""
        strategy = Strategy(self.weights, base=self.base)
        object.__setattr__(strategy, "_follows_cluster", True)
        return strategy

    @property
    def _used_capacities(self) -> tuple[Capacity, ...]:
        """The capacities that tasks can run on: those with a weight or a base."""
        return tuple(each for each, weight in self.weights.items() if weight or each in self.base)

    @property
    def _kind(self) -> CapacityKind:
        """The kind of the capacities, which is the same for all of them."""
        return next(iter(self.weights)).kind

    def _items(self, provider_name: Callable[[Capacity], str]) -> list[dict[str, Any]]:
        """Return the strategy as plain data.

        Args:
            provider_name: A function that returns the name of a capacity's provider in ECS.
        """
        return [
            {
                "capacity_provider": provider_name(each),
                "weight": weight,
                **({"base": self.base[each]} if each in self.base else {}),
            }
            for each, weight in self.weights.items()
        ]

    def _check_limits(self, problems: Problems) -> None:
        problems.check(capacity_limits.STRATEGY_ITEMS, "the number of capacity providers in weights", len(self.weights))
        for capacity, weight in self.weights.items():
            problems.check(capacity_limits.STRATEGY_WEIGHT, f"the weight of capacity {capacity.name!r}", weight)
        if len(self.weights) > 1:
            problems.check(capacity_limits.STRATEGY_WEIGHTS, "weights", list(self.weights.values()))
        problems.check(
            capacity_limits.STRATEGY_KINDS, "the capacities", {each.name: each.kind.value for each in self.weights}
        )
        problems.check(capacity_limits.STRATEGY_BASES, "base", [each.name for each in self.base])
        for capacity, base in self.base.items():
            problems.check(capacity_limits.STRATEGY_BASE, f"the base of capacity {capacity.name!r}", base)
            if capacity not in self.weights:
                problems.add(
                    f"base must contain only capacities with a weight (got {capacity.name!r}); give capacity "
                    f"{capacity.name!r} a weight of 0 or more"
                )

    def _check(self, cluster_capacities: tuple[Capacity, ...] | None, problems: Problems) -> None:
        """Add a problem for capacities that the cluster does not have.

        Args:
            cluster_capacities: The capacities of the cluster, or None if unknown.
            problems: The problems to add to.
        """
        for capacity in self.weights:
            if cluster_capacities is None and not capacity._exists_already:
                problems.add(
                    f"capacity {capacity.name!r} must exist already, since an imported cluster defines no instances; "
                    "use Capacity.from_provider_name(...) for a capacity provider of the cluster, or define a Cluster"
                )
            elif cluster_capacities is not None and not any(capacity._same_as(each) for each in cluster_capacities):
                problems.add(_describe_unknown_capacity(capacity, [each.name for each in cluster_capacities]))


def _describe_unknown_capacity(capacity: Capacity, names: Sequence[str]) -> str:
    listed = ", ".join(map(repr, names))
    if capacity.name in names:
        return (
            f"capacity {capacity.name!r} must be the same object as the cluster's capacity with this name; create the "
            "capacity once, and use the same object in capacity=[...] of the cluster"
        )
    return (
        f"capacity {capacity.name!r} must be one of the cluster's capacities ({listed}); add this capacity to "
        "capacity=[...] of Cluster(...) or Cluster.from_attributes(...)"
    )


CapacityChoice: TypeAlias = Capacity | Mapping[Capacity, int] | Strategy
"""One capacity, the weights by which tasks are spread over several capacities, or a strategy with a base."""

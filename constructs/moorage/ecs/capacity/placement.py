"""The placement of a service's tasks on the instances of its capacity."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs
from aws_cdk import aws_ecs as ecs

from moorage.ecs.capacity.capacity import CAPACITY_ATTRIBUTE, CapacityKind
from moorage.workload import capacity_limits
from moorage.workload.attribute_names import AnswersNamesOfCdk
from moorage.workload.problems import is_token
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from collections.abc import Sequence

    from moorage.ecs.capacity.capacity import Capacity
    from moorage.ecs.capacity.strategy import Strategy
    from moorage.workload.problems import Problems
    from moorage.workload.task import Task

_TYPE_EXPRESSION = re.compile(
    r"attribute:ecs\.instance-type\s*(?:==\s*([^\s\[\]]+)|in\s*\[\s*([^\[\]]*?)\s*\])\s*", re.ASCII
)
"""An expression only about the instance type (ECS developer guide, cluster query language)."""
_ZONE_SPREAD = ("spread", "attribute:ecs.availability-zone")


def _strategies(strategies: Iterable[ecs.PlacementStrategy]) -> tuple[ecs.PlacementStrategy, ...]:
    return tuple(strategies)


def _constraints(constraints: Iterable[ecs.PlacementConstraint]) -> tuple[ecs.PlacementConstraint, ...]:
    return tuple(constraints)


@value_class
@attrs.frozen(kw_only=True)
class Placement(metaclass=AnswersNamesOfCdk):
    """The placement of tasks on the instances of an Auto Scaling group. AWS decides the placement on other capacities.

    A placement is checked when a service or a job uses it.

    Args:
        strategies: The placement strategies, applied in order, up to 5. Availability Zone rebalancing needs a spread
            over zones first. Default: spread over zones, then over instances.
        constraints: The placement constraints, up to 10. A constraint on `attribute:ecs.availability-zone` turns
            Availability Zone rebalancing off, since ECS does not accept both. Default: none.
        daemon: Whether to run one task on each instance of the capacity, such as a log router or an agent. A rollout
            stops each task before it starts the next task. ECS accepts no capacity provider for a daemon, so the
            service has the launch type EC2 and a constraint to the capacity. Default: False.
    """

    strategies: tuple[ecs.PlacementStrategy, ...] = attrs.field(converter=_strategies, default=())
    constraints: tuple[ecs.PlacementConstraint, ...] = attrs.field(converter=_constraints, default=())
    daemon: bool = False

    @classmethod
    def packed_by_cpu(cls) -> Placement:
        """Return a placement that spreads tasks over zones, then packs them by CPU, so that fewer instances run."""
        return cls(strategies=(_spread_over_zones(), ecs.PlacementStrategy.packed_by_cpu()))

    @classmethod
    def packed_by_memory(cls) -> Placement:
        """Return a placement that spreads tasks over zones, then packs them by memory, so that fewer instances run."""
        return cls(strategies=(_spread_over_zones(), ecs.PlacementStrategy.packed_by_memory()))

    @classmethod
    def on_each_instance(cls) -> Placement:
        """Return a placement that runs one task on each instance (a daemon)."""
        return cls(daemon=True)

    def _service_arguments(self, strategy: Strategy) -> dict[str, Any]:
        """Return the placement as arguments of CDK's services, or no arguments if AWS decides the placement."""
        if strategy._kind is not CapacityKind.INSTANCES:
            return {}
        constraints = list(self.constraints)
        # ECS starts a daemon on every instance of the cluster, and accepts no capacity provider strategy for a daemon
        if self.daemon and not any(each._exists_already for each in strategy._used_capacities):
            names = ", ".join(each.name for each in strategy._used_capacities)
            constraints.append(ecs.PlacementConstraint.member_of(f"attribute:{CAPACITY_ATTRIBUTE} in [{names}]"))
        return {
            "daemon": self.daemon,
            "placement_strategies": self._effective_strategies or None,
            "placement_constraints": constraints or None,
        }

    @property
    def _written_strategies(self) -> list[dict[str, str | None]]:
        """The given strategies, as ECS accepts them.

        CDK writes CPU and MEMORY; ECS accepts cpu and memory (botocore ecs PlacementStrategy.field).
        """
        properties = [written for each in self.strategies for written in each.to_json()]
        return [
            {"type": each.type, "field": each.field.lower() if each.field and each.type == "binpack" else each.field}
            for each in properties
        ]

    @property
    def _packed_fields(self) -> dict[int, str | None]:
        """For each packing strategy, by its index: the field in the form that ECS accepts."""
        return {
            index: each["field"] for index, each in enumerate(self._written_strategies) if each["type"] == "binpack"
        }

    @property
    def _effective_strategies(self) -> list[ecs.PlacementStrategy]:
        """The strategies that ECS applies in order. A daemon has no strategies, since it runs on every instance."""
        if self.daemon:
            return []
        return list(self.strategies) or [_spread_over_zones(), _spread_over_instances()]

    @property
    def _expressions(self) -> list[str]:
        """The expressions of the constraints, in the cluster query language."""
        return [each.expression or "" for constraint in self.constraints for each in constraint.to_json()]

    @property
    def _spreads_over_zones_first(self) -> bool:
        """True if tasks are first spread over all zones, as zone rebalancing requires."""
        if any(_ZONE_SPREAD[1] in expression for expression in self._expressions):
            return False
        if self.daemon or not self.strategies:
            return not self.daemon
        first_strategy = self.strategies[0].to_json()[0]
        return (first_strategy.type, first_strategy.field) == _ZONE_SPREAD

    def _check(
        self, strategy: Strategy, cluster_capacities: Sequence[Capacity] | None, task: Task, problems: Problems
    ) -> None:
        """Add a problem for each part of the placement that ECS does not accept for tasks on these capacities.

        Args:
            strategy: The capacities of the tasks.
            cluster_capacities: The capacities of the cluster, or None if unknown.
            task: The task that is placed.
            problems: The problems to add to.
        """
        problems.check(capacity_limits.PLACEMENT_STRATEGIES, "the number of placement strategies", len(self.strategies))
        problems.check(
            capacity_limits.PLACEMENT_CONSTRAINTS, "the number of placement constraints", len(self.constraints)
        )
        for expression in self._expressions:
            problems.check(capacity_limits.CONSTRAINT_EXPRESSION, "each expression of constraints", expression)
            _warn_of_other_types(expression, strategy, problems)
        if self.daemon:
            self._check_daemon(strategy, cluster_capacities, problems)
            # botocore ecs CreateService.volumeConfigurations: not supported for the DAEMON strategy
            for name in (volume.name for volume in task.volumes if volume._per_task):
                problems.add(
                    f"volume {name!r} is an EBS volume, which ECS does not support for a daemon; use "
                    "Volume.bind_mount(..., host_path=...) or Volume.efs(...)"
                )
        if self != EVEN_PLACEMENT and strategy._kind is not CapacityKind.INSTANCES:
            problems.add(
                f"placement applies only to Auto Scaling groups (got {strategy._kind.value}), since AWS itself decides "
                "the placement on other capacity; leave placement= out, or use Capacity.ec2(...)"
            )

    def _check_daemon(
        self, strategy: Strategy, cluster_capacities: Sequence[Capacity] | None, problems: Problems
    ) -> None:
        if self.strategies:
            problems.add(
                "strategies of placement must be left out if daemon=True, since a daemon runs on every instance; leave "
                "strategies= out"
            )
        if strategy.base or len(set(strategy.weights.values())) > 1:
            problems.add(
                "capacity of a daemon must have equal weights and no base, since a daemon runs on every instance; "
                "give each capacity the weight 1, and leave base= out"
            )
        imported = [each for each in strategy.weights if each._exists_already and each.kind is CapacityKind.INSTANCES]
        if imported and not _names_all_instance_capacities(strategy, cluster_capacities):
            problems.add(
                f"a daemon cannot be limited to the instances of capacity {imported[0].name!r}, which exists already, "
                "so the daemon would run on all instances of the cluster; use Capacity.ec2(...), or list all "
                "capacities of the cluster in the service and in Cluster.from_attributes(capacity=[...])"
            )


def _warn_of_other_types(expression: str, strategy: Strategy, problems: Problems) -> None:
    """Warn about a constraint that allows none of the instance types that the capacities launch."""
    match = _TYPE_EXPRESSION.fullmatch(expression)
    launched = [each.instances.named_types if each.instances else () for each in strategy._used_capacities]
    if not match or not all(launched) or is_token((expression, launched)):
        return
    wanted = set(re.split(r"[\s,]+", match[1] or match[2]))
    types = [name for names in launched for name in names]
    if wanted.isdisjoint(types):
        problems.warn(
            f"constraints contain {expression!r}, but capacity {strategy._used_capacities[0].name!r} launches only "
            f"{', '.join(types)}, so no task would be placed; use one of these types, or another capacity"
        )


EVEN_PLACEMENT = Placement()
"""The default placement: tasks are spread evenly over zones, then over instances."""


def _names_all_instance_capacities(strategy: Strategy, cluster_capacities: Sequence[Capacity] | None) -> bool:
    """Return True if a strategy names every capacity of the cluster on whose instances a daemon could run."""
    return cluster_capacities is not None and all(
        any(each._same_as(capacity) for capacity in strategy.weights)
        for each in cluster_capacities
        if each.kind is CapacityKind.INSTANCES
    )


@functools.cache
def _spread_over_zones() -> ecs.PlacementStrategy:
    return ecs.PlacementStrategy.spread_across(_ZONE_SPREAD[1])


@functools.cache
def _spread_over_instances() -> ecs.PlacementStrategy:
    return ecs.PlacementStrategy.spread_across_instances()

"""The causes of a difference in cost: the components that differ, those of the same name together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import attrs

from moorage.cost.amounts import ZERO, Range
from moorage.cost.difference import CostChange, size_of
from moorage.cost.money import rounded
from moorage.review.nouns import noun, plural, shown_path


@attrs.frozen
class Cause:
    """A component that differs, of one resource or of several.

    Args:
        changes: The difference of each resource, at least one.
    """

    changes: tuple[CostChange, ...]

    @property
    def component(self) -> str:
        """The name of the component."""
        return self.changes[0].component

    @property
    def before(self) -> Range:
        """The monthly cost of all resources in the base."""
        return sum((each.before for each in self.changes), ZERO)

    @property
    def after(self) -> Range:
        """The monthly cost of all resources in the head."""
        return sum((each.after for each in self.changes), ZERO)

    @property
    def difference(self) -> Range:
        """The difference between the amounts as they are shown, in cents."""
        return rounded(self.after) - rounded(self.before)

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the resources, without the parts that CDK added at their ends."""
        return tuple(dict.fromkeys(shown_path(each.path) for each in self.changes))

    @property
    def name(self) -> str:
        """The component and its resources, such as `Fargate vCPU of 5 ECS services` or `NAT gateway Shop/Nat`."""
        types = {noun(each.type) for each in self.changes}
        of = types.pop() if len(types) == 1 else "resource"
        is_resource = of.lower() == self.component.lower()
        if len(self.paths) == 1:
            return f"{self.component}{'' if is_resource else ' of'} {self.paths[0]}"
        count = f"{len(self.paths)} {plural(of)}"
        return count if is_resource else f"{self.component} of {count}"


def causes(changes: Sequence[CostChange]) -> list[Cause]:
    """Return the causes, the largest first. All components of the same name are one cause.

    Args:
        changes: The components that differ.
    """
    return list(_grouped(changes, lambda each: each.component))


def equal_changes(changes: Sequence[CostChange]) -> list[Cause]:
    """Return the causes, the largest first. Components of the same name are one cause only if their amounts are equal.

    Args:
        changes: The components that differ.
    """
    return list(_grouped(changes, lambda each: (each.component, each.type, each.before, each.after)))


def _grouped(changes: Sequence[CostChange], key: Callable[[CostChange], object]) -> Iterator[Cause]:
    groups: dict[object, list[CostChange]] = {}
    for each in changes:
        groups.setdefault(key(each), []).append(each)
    found = [Cause(tuple(group)) for group in groups.values()]
    yield from sorted(found, key=lambda each: (size_of(each.difference), each.component, each.paths))

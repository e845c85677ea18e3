"""Capacity that tasks and instances lose: capacity providers, maximums, and Fargate Spot.

Sources: ECS API reference, PutClusterCapacityProviders ("You can only disassociate an existing capacity provider from a
cluster if it's not being used by any existing tasks"); ECS developer guide, "Amazon ECS clusters for Fargate" (tasks on
Fargate Spot are interrupted with a two-minute warning); EC2 Auto Scaling user guide, "Set scaling limits", and
Application Auto Scaling user guide, "Register a scalable target" (a capacity above a new maximum is reduced to it).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moorage.assembly.cloud_assembly import Resource, mapping
from moorage.assembly.values import Place
from moorage.review.comparison import Comparison, Replacement, StackChange
from moorage.review.ecs_services import SCALABLE_TARGET, SERVICE
from moorage.review.finding import Finding, Kind
from moorage.review.nouns import named
from moorage.review.template.side import Scope, Side
from moorage.workload.fargate_sizes import FARGATE_MEMORY, nearest_fargate_sizes

_ASSOCIATIONS = "AWS::ECS::ClusterCapacityProviderAssociations"
_GROUP = "AWS::AutoScaling::AutoScalingGroup"
_STRATEGIES: Mapping[str, str] = {
    SERVICE: "CapacityProviderStrategy",
    _ASSOCIATIONS: "DefaultCapacityProviderStrategy",
}
_TASK, _SPOT = "AWS::ECS::TaskDefinition", "FARGATE_SPOT"
_MAXIMUMS: Mapping[str, tuple[str, str, str]] = {
    _GROUP: ("MaxSize", "instances", "instances above that are terminated"),
    SCALABLE_TARGET: ("MaxCapacity", "tasks", "tasks above that are stopped"),
}
"""A mapping from type to the property with the maximum, the noun for what the maximum limits, and the consequence."""


def dissociated(comparison: Comparison) -> Iterator[Finding]:
    """Yield a finding for each cluster that loses a capacity provider on which tasks may run.

    Args:
        comparison: The two assemblies, and the replacements that the update causes.
    """
    base, head = (Side.of(comparison, base=base) for base in (True, False))
    used = {name for scope, resource in base.resources(*_STRATEGIES) for name, _ in _strategy(scope, resource)}
    for position, stack in enumerate(comparison.stacks):
        if position not in base.scopes or position not in head.scopes:
            continue
        for change in stack.changes:
            before, after = change.before, change.after
            if before is None or after is None or after.type != _ASSOCIATIONS or before.type != _ASSOCIATIONS:
                continue
            old = base.scopes[position].texts(before.properties.get("CapacityProviders"))
            new = head.scopes[position].texts(after.properties.get("CapacityProviders"))
            gone = sorted((old - new) & used)
            if gone and change.replacement is not Replacement.YES:
                yield _dissociation(stack, after, [_readable(base, name) for name in gone])


def fargate_sizes(comparison: Comparison) -> Iterator[Finding]:
    """Yield a finding for each new task definition whose CPU and memory are not a valid Fargate size.

    Args:
        comparison: The two assemblies.
    """
    for change in comparison.changes:
        after = change.after
        if (
            after is None
            or after.type != _TASK
            or "FARGATE" not in str(after.properties.get("RequiresCompatibilities"))
        ):
            continue
        cpu, memory = (str(after.properties.get(name)) for name in ("Cpu", "Memory"))
        if not cpu.isdecimal() or not memory.isdecimal() or int(memory) in FARGATE_MEMORY.get(int(cpu), ()):
            continue
        sentence = f"The {named(after)} is refused: Fargate offers no task with {cpu} CPU units and {memory} MiB."
        sizes = nearest_fargate_sizes(int(cpu), int(memory)) if int(cpu) and int(memory) else ()
        listed = " or ".join(f"{units} CPU units with {mib} MiB" for units, mib in sizes)
        way = f"The nearest sizes: {listed}." if listed else "Use a size of Fargate."
        yield Finding(Kind.REFUSED, "refused/size-of-task", change.stack.path, after, sentence, (way,))


def _dissociation(stack: StackChange, after: Resource, providers: list[str]) -> Finding:
    sentence = (
        f"The update of the {named(after)} may be refused: it removes {' and '.join(providers)} from the cluster, "
        "which ECS does not permit while tasks run on it."
    )
    way = "Keep the old capacity provider until no service uses it, and remove it in a later deployment."
    return Finding(Kind.REFUSED, "refused/capacity", stack.path, after, sentence, (way,))


def _readable(side: Side, text: str) -> str:
    found = side.found(text)
    return f"the {named(found[1])}" if found else text


def less_capacity(comparison: Comparison) -> Iterator[Finding]:
    """Yield a finding for each maximum that becomes lower, and for tasks that will run only on Fargate Spot.

    Args:
        comparison: The two assemblies, and the replacements that the update causes.
    """
    base, head = (Side.of(comparison, base=base) for base in (True, False))
    for position, stack in enumerate(comparison.stacks):
        for change in stack.changes:
            before, after = change.before, change.after
            if before is None or after is None or before.type != after.type or change.replacement is Replacement.YES:
                continue
            if after.type in _MAXIMUMS and not (after.type == SCALABLE_TARGET and _is_of_service(stack, head, after)):
                yield from _maximum(stack, before, after)
            if after.type in _STRATEGIES:
                scopes = base.scopes[position], head.scopes[position]
                yield from _spot(stack, scopes, before, after)


def _is_of_service(stack: StackChange, head: Side, target: Resource) -> bool:
    """Return whether a scalable target belongs to a service of its stack, whose own finding has the maximum."""
    if stack.before is None or stack.after is None:
        return False
    scope = head.scope(stack.after)
    old, new = (
        {Place(scope.place, each.logical_id) for each in side.resources if each.type == SERVICE}
        for side in (stack.before, stack.after)
    )
    return not (old & new).isdisjoint(scope.referenced(target.properties))


def _maximum(stack: StackChange, before: Resource, after: Resource) -> Iterator[Finding]:
    name, contents, consequence = _MAXIMUMS[after.type]
    old, new = (str(side.properties.get(name)) for side in (before, after))
    is_other = after.type == SCALABLE_TARGET and after.properties.get("ServiceNamespace", "ecs") != "ecs"
    if old.isdecimal() and new.isdecimal() and int(new) < int(old) and not is_other:
        sentence = f"The {named(after)} permits at most {new} {contents} (before: {old}): {consequence}."
        yield Finding(Kind.INTERRUPTED, "interrupted/maximum", stack.path, after, sentence)


def _spot(stack: StackChange, scopes: tuple[Scope, Scope], before: Resource, after: Resource) -> Iterator[Finding]:
    old, new = (
        {name for name, counts in _strategy(scope, side) if counts}
        for scope, side in zip(scopes, (before, after), strict=True)
    )
    if new == {_SPOT} and old - new:
        what = "runs its tasks only" if after.type == SERVICE else "runs tasks by default only"
        sentence = f"The {named(after)} {what} on Fargate Spot: AWS can stop all of them with a two-minute warning."
        yield Finding(Kind.INTERRUPTED, "interrupted/spot", stack.path, after, sentence)


def _strategy(scope: Scope, resource: Resource) -> Iterator[tuple[str, bool]]:
    """Yield each capacity provider of a strategy, and whether it gets tasks."""
    for _, item in scope.items(resource.properties.get(_STRATEGIES[resource.type])):
        stated: Mapping[str, Any] = mapping(item)
        counts = any(str(stated.get(name, 0)) not in {"0", "0.0"} for name in ("Weight", "Base"))
        yield scope.text(stated.get("CapacityProvider")), counts

"""The differences between two cloud assemblies: stacks, resources and properties."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import AssemblyError, Resource, Stack
from moorage.assembly.references import References
from moorage.assembly.values import is_function

KEPT = frozenset({"Retain", "RetainExceptOnCreate"})
"""The values of `DeletionPolicy` and `UpdateReplacePolicy` that keep a resource (CloudFormation template reference)."""
_METADATA = "AWS::CDK::Metadata"
"""The type of the resource in which CDK reports the constructs in use. CloudFormation creates nothing for it."""


class Replacement(enum.Enum):
    """The answer to whether an update replaces a resource."""

    NO = "no"
    MAY = "may"
    YES = "yes"


@attrs.frozen
class PropertyChange:
    """A property of a resource with its values in the base and in the head; None if the property is not there.

    Args:
        path: The path from the resource's `Properties`, with list indexes as texts: `("Tags", "0", "Value")`.
        before: The value in the base.
        after: The value in the head.
    """

    path: tuple[str, ...]
    before: Any
    after: Any


@attrs.frozen(eq=False)
class ResourceChange:
    """A resource that differs between base and head, or that an update replaces because of a reference.

    Args:
        stack: The stack of the resource, in the base and in the head.
        before: The resource in the base; None if it is added.
        after: The resource in the head; None if it is removed.
        properties: The differences between the properties, as `property_changes` yields them.
        replacement: The answer to whether CloudFormation replaces the resource.
        reasons: The reasons for the replacement, or the conditions that decide it, each as a clause: `its Name
            changes`.
        refusals: The reasons why CloudFormation refuses the update, each as a clause. Default: none.
    """

    stack: StackChange
    before: Resource | None
    after: Resource | None
    properties: tuple[PropertyChange, ...] = ()
    replacement: Replacement = Replacement.NO
    reasons: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()

    @property
    def resource(self) -> Resource:
        """The resource in the head, or in the base if it is removed."""
        return next(side for side in (self.after, self.before) if side is not None)

    @property
    def replaced(self) -> str:
        """The verb and the reasons of a replacement: `is replaced because its Name changes`."""
        verb = "is replaced" if self.replacement is Replacement.YES else "may be replaced"
        return f"{verb} because {' and '.join(self.reasons)}" if self.reasons else verb

    @property
    def type(self) -> str:
        return self.resource.type

    @property
    def logical_id(self) -> str:
        return self.resource.logical_id


@attrs.define(eq=False)
class StackChange:
    """A stack in the base, in the head, or in both. Each nested stack also has a `StackChange`.

    Args:
        before: The stack in the base; None if it is added.
        after: The stack in the head; None if it is removed.
        changes: The resources that differ, in the order of the head's template, and removed resources last.
    """

    before: Stack | None
    after: Stack | None
    changes: tuple[ResourceChange, ...] = ()

    @property
    def stack(self) -> Stack:
        """The stack in the head, or in the base if it is removed."""
        return next(side for side in (self.after, self.before) if side is not None)

    @property
    def path(self) -> str:
        return self.stack.path


@attrs.frozen(eq=False)
class Comparison:
    """The differences between two assemblies.

    Args:
        stacks: All stacks of both assemblies, including nested stacks, in the head's deployment order, and removed
            stacks last.
        new: True if there is no base. Every resource is then added.
    """

    stacks: tuple[StackChange, ...]
    new: bool = False

    @property
    def changes(self) -> Iterator[ResourceChange]:
        """All resources that differ."""
        for stack in self.stacks:
            yield from stack.changes


def compare(base: Sequence[Stack] | None, head: Sequence[Stack]) -> Comparison:
    """Return the differences between the stacks of two assemblies, without the replacements that they cause.

    Args:
        base: The stacks before the change; None to review the head as a new app.
        head: The stacks after the change.

    Raises:
        AssemblyError: Two stacks of one assembly have the same stage, account, region and name.
    """
    before, after = _by_place(base or ()), _by_place(head)
    pairs = {place: place for place in after if place in before}
    for place in after:
        if place not in pairs and (other := _resolved(place, before.keys() - set(pairs.values()), after)):
            pairs[place] = other
    stacks = [StackChange(before[pairs[place]] if place in pairs else None, after[place]) for place in after]
    stacks += [StackChange(stack, None) for place, stack in before.items() if place not in pairs.values()]
    for stack in stacks:
        stack.changes = tuple(_changes(stack))
    return Comparison(tuple(stacks), new=base is None)


def property_changes(before: Any, after: Any, path: tuple[str, ...] = ()) -> Iterator[PropertyChange]:
    """Yield the differences between two values. Objects, and lists of the same length, are compared item by item.

    Args:
        before: The value in the base.
        after: The value in the head.
        path: The path of both values from the resource's `Properties`. Default: the values are `Properties` itself.
    """
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping) and not (is_function(before) or is_function(after)):
        for name in (*after, *(name for name in before if name not in after)):
            yield from property_changes(before.get(name), after.get(name), (*path, name))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from property_changes(one, other, (*path, str(index)))
    else:
        yield PropertyChange(path, before, after)


@attrs.frozen
class _Place:
    """The stage, account, region and name of a stack, by which it is found in the other assembly.

    Args:
        stage: The path of the stage, or of the parent of a nested stack.
        account: The account; None if the app does not specify an account.
        region: The region; None if the app does not specify a region.
        name: The name of the stack.
    """

    stage: str
    account: str | None
    region: str | None
    name: str

    def may_be(self, other: _Place) -> bool:
        """Return whether two places may be the same. An unknown account or region may be any account or region."""
        return (
            (self.stage, self.name) == (other.stage, other.name)
            and (None in {self.account, other.account} or self.account == other.account)
            and (None in {self.region, other.region} or self.region == other.region)
        )


def _resolved(place: _Place, before: Iterable[_Place], after: Iterable[_Place]) -> _Place | None:
    """Return the place of the base that may be the same as a place of the head.

    Return None if there is no such place, or if several places may be the same.
    """
    found = [other for other in before if place.may_be(other)]
    if len(found) == 1 and not any(found[0].may_be(other) for other in after if other != place):
        return found[0]
    return None


def _by_place(stacks: Sequence[Stack]) -> dict[_Place, Stack]:
    found: dict[_Place, Stack] = {}
    for top in stacks:
        for stack in top.walk():
            place = _Place(stack.path.rpartition("/")[0], stack.account, stack.region, stack.name)
            if place in found:
                raise AssemblyError(
                    f"the stacks {found[place].path} and {stack.path} have the same name {stack.name} "
                    f"({_where(stack)}); give each stack a different stack_name"
                )
            found[place] = stack
    return found


def _where(stack: Stack) -> str:
    account = f"account {stack.account}" if stack.account else "the account of the credentials"
    return f"{account}, {f'region {stack.region}' if stack.region else 'the region of the credentials'}"


def _changes(stack: StackChange) -> Iterator[ResourceChange]:
    before, after = _present(stack.before, stack.after), _present(stack.after, stack.before)
    for logical_id in (*after, *(name for name in before if name not in after)):
        one, other = before.get(logical_id), after.get(logical_id)
        if _METADATA in {each.type for each in (one, other) if each}:
            continue
        if one is None or other is None or _compared(one) != _compared(other):
            yield ResourceChange(
                stack,
                one,
                other,
                tuple(property_changes(one.properties, other.properties)) if one and other else (),
            )


def _present(stack: Stack | None, other: Stack | None) -> dict[str, Resource]:
    """Return a mapping from logical ID to resource, without resources whose condition is never true."""
    if stack is None:
        return {}
    references = References((stack,), (other,))
    return {
        resource.logical_id: resource
        for resource in stack.resources
        if not references.is_never(0, resource.definition.get("Condition"))
    }


def _compared(resource: Resource) -> Mapping[str, Any]:
    """Return a resource's definition without `Metadata`, which changes nothing in AWS."""
    return {name: value for name, value in resource.definition.items() if name != "Metadata"}

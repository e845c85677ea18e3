"""The replacements of an update, from CloudFormation's provider schemas and through references."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Resource
from moorage.assembly.values import Place, Reference, Value, at, within
from moorage.review.comparison import Comparison, PropertyChange, Replacement, ResourceChange
from moorage.review.replacement.conditions import is_in_place, properties_of
from moorage.review.replacement.difference import ADDED, REMOVED, SAME, Comparer, Difference, is_identity, may
from moorage.review.replacement.provider_schemas import Node, Pointer, ProviderSchema, provider_schema
from moorage.review.replacement.resolved import is_resolved_otherwise, resolved_changes
from moorage.review.replacement.update_behaviors import UpdateBehavior, documented_behaviors
from moorage.review.template.side import Side

_CUSTOM = ("Custom::", "AWS::CloudFormation::CustomResource")
_METADATA = "AWS::CDK::Metadata"
_TOKEN = "ServiceToken"  # noqa: S105  # the name of a property
_GROUP = "AWS::AutoScaling::AutoScalingGroup"
_TABLE, _ATTRIBUTES = "AWS::DynamoDB::Table", "AttributeDefinitions"
_DISPUTED = "which replaces it by AWS's documentation, but not by its schema"
_SOMETIMES = "which replaces it only under certain conditions"


def replaced(comparison: Comparison) -> Comparison:
    """Determine which resources of a comparison the update replaces, and why. Return the same comparison.

    Properties whose values are only written in another form are removed from the changes. Resources without other
    differences are removed too. Resources that do not differ, but are replaced because of a reference, are added.

    Args:
        comparison: The comparison, whose stacks get the changes.
    """
    cascade = _Cascade(comparison)
    cascade.run()
    for position, stack in enumerate(comparison.stacks):
        stack.changes = tuple(cascade.changes(position))
    return comparison


@attrs.frozen
class _Verdict:
    """The verdict for a resource: whether it is replaced and why, and why the update is refused."""

    replacement: Replacement = Replacement.NO
    reasons: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()


@attrs.frozen(eq=False)
class _Decisive:
    """A property that decides whether a resource is replaced, with its values on both sides."""

    pointer: Pointer
    before: Value
    after: Value
    node: Node
    condition: str = ""
    """The condition under which a change replaces the resource, as the end of a sentence; empty if it always does."""


@attrs.define(eq=False)
class _Cascade:
    """The replacements of an update, worked out until no reference replaces another resource."""

    comparison: Comparison
    _sides: tuple[Side, Side] = attrs.field(init=False)
    _resources: dict[Place, tuple[Resource, Resource]] = attrs.field(init=False)
    _decisive: dict[Place, tuple[_Decisive, ...]] = attrs.field(init=False, factory=dict)
    _differing: dict[Place, ResourceChange] = attrs.field(init=False, factory=dict)
    _updated: set[Place] = attrs.field(init=False, factory=set)
    _verdicts: dict[Place, _Verdict] = attrs.field(init=False, factory=dict)
    _following: set[tuple[Place, str]] = attrs.field(init=False, factory=set)

    def __attrs_post_init__(self) -> None:
        self._sides = Side.of(self.comparison, base=True), Side.of(self.comparison, base=False)
        before, after = (
            {
                Place(scope.place, resource.logical_id): resource
                for scope, resource in side.resources()
                if not side.references.is_never(scope.place, resource.definition.get("Condition"))
            }
            for side in self._sides
        )
        self._resources = {
            place: (before[place], resource)
            for place, resource in after.items()
            if place in before and resource.type != _METADATA
        }

    def run(self) -> None:
        """Determine the replacement of every resource that is on both sides."""
        for position, stack in enumerate(self.comparison.stacks):
            for change in stack.changes:
                place = Place(position, change.logical_id)
                if reduced := self._reduced(place, change):
                    self._differing[place] = reduced
                    if reduced.properties:
                        self._updated.add(place)
        self._resolve()
        referring: defaultdict[Place, set[Place]] = defaultdict(set)
        for place, (before, after) in self._resources.items():
            self._decisive[place] = tuple(self._deciding(place, before, after))
            for each in self._decisive[place]:
                for value in within(each.after):
                    if isinstance(value, Reference):
                        referring[value.place].add(place)
        self._spread(referring)

    def _resolve(self) -> None:
        """Add the resources whose values differ only because of the mappings or the conditions of their template."""
        for place, (before, after) in self._resources.items():
            stack = self.comparison.stacks[place.stack]
            if place in self._differing or not is_resolved_otherwise(stack.before, stack.after):
                continue
            scopes = (self._sides[0].scopes[place.stack], self._sides[1].scopes[place.stack])
            if found := tuple(resolved_changes(after.properties, scopes)):
                self._differing[place] = ResourceChange(stack, before, after, found)
                self._updated.add(place)

    def _spread(self, referring: Mapping[Place, Iterable[Place]]) -> None:
        waiting = deque(self._resources)
        queued = set(waiting)
        while waiting:
            place = waiting.popleft()
            queued.discard(place)
            old, new = self._verdicts.get(place, _Verdict()), self._verdict(place)
            self._verdicts[place] = new
            if new.replacement is not old.replacement:
                later = [each for each in referring.get(place, ()) if each not in queued]
                waiting.extend(later)
                queued.update(later)

    def changes(self, position: int) -> Iterator[ResourceChange]:
        """Yield the changes of a stack: those of the head in its order, then the removed resources."""
        stack = self.comparison.stacks[position]
        logical_ids = [resource.logical_id for resource in (stack.after.resources if stack.after else ())]
        removed = [change.logical_id for change in stack.changes if change.after is None]
        for logical_id in dict.fromkeys((*logical_ids, *removed)):
            place = Place(position, logical_id)
            change, verdict = self._differing.get(place), self._verdicts.get(place, _Verdict())
            if change is None and (verdict.replacement is not Replacement.NO or verdict.refusals):
                change = ResourceChange(stack, *self._resources[place])
            if change is not None:
                yield attrs.evolve(
                    change, replacement=verdict.replacement, reasons=verdict.reasons, refusals=verdict.refusals
                )

    def _reduced(self, place: Place, change: ResourceChange) -> ResourceChange | None:
        """Return a change without properties whose values are only written in another form; None if nothing differs."""
        if change.before is None or change.after is None:
            return change
        if change.before.type != change.after.type:
            return change
        schema = _schema(change.after, self.comparison, place)
        comparer = Comparer(lambda _: SAME, self._type_of)
        kept: list[PropertyChange] = []
        same: dict[str, bool] = {}
        for each in change.properties:
            name = each.path[0] if each.path else ""
            if name not in same:
                same[name] = self._same(place, comparer, _node(schema, (name,)), *_top(change, name))
            nested = len(each.path) > 1 and not same[name]
            if not same[name] and not (nested and self._same(place, comparer, _EMPTY, each.before, each.after)):
                kept.append(each)
        if not kept and _beside(change.before) == _beside(change.after):
            return None
        return attrs.evolve(change, properties=tuple(kept))

    def _same(self, place: Place, comparer: Comparer, node: Node, before: Any, after: Any) -> bool:
        one, other = self._sides[0].scopes[place.stack].value(before), self._sides[1].scopes[place.stack].value(after)
        return comparer.difference(one, other, node).answer is Replacement.NO

    def _type_of(self, reference: Reference) -> str | None:
        """Return the type of a referenced resource in the head, or else in the base; None if neither has it."""
        found = self._sides[1].at(reference.place) or self._sides[0].at(reference.place)
        return found[1].type if found else None

    def _deciding(self, place: Place, before: Resource, after: Resource) -> Iterator[_Decisive]:
        """Yield the properties that decide whether a resource is replaced."""
        if before.type != after.type:
            return
        schema = _schema(after, self.comparison, place)
        if schema is None or before.type.startswith(_CUSTOM):
            pointers: dict[Pointer, str] = {(name,): "" for name in (*after.properties, *before.properties)}
        else:
            stated = _pointers(schema, after)
            pointers = {each: stated[each] for each in stated if not is_in_place(each, before, after)}
        raw: dict[str, tuple[Value, Value]] = {}
        for pointer, condition in pointers.items():
            name = pointer[0]
            if name not in before.properties and name not in after.properties:
                continue
            if name not in raw:
                raw[name] = (
                    self._sides[0].scopes[place.stack].value(before.properties.get(name)),
                    self._sides[1].scopes[place.stack].value(after.properties.get(name)),
                )
            one, other = (at(value, pointer[1:]) for value in raw[name])
            yield _Decisive(pointer, one, other, _node(schema, pointer), condition)
        if before.type == _TABLE:
            yield self._attributes(place, before, after)

    def _attributes(self, place: Place, before: Resource, after: Resource) -> _Decisive:
        """Return the types of the attributes that a table defines on both sides.

        Source: CloudFormation template reference, `AWS::DynamoDB::Table`, `AttributeDefinitions`: "Replacement if you
        edit an existing AttributeDefinition". Attributes can be added and removed with their indexes.
        """
        values = (
            side.scopes[place.stack].value(resource.properties.get(_ATTRIBUTES))
            for side, resource in zip(self._sides, (before, after), strict=True)
        )
        one, other = ({str(each.get("AttributeName")): each for each in _objects(value)} for value in values)
        both = [name for name in other if name in one]
        old, new = ({name: side[name].get("AttributeType") for name in both} for side in (one, other))
        return _Decisive((_ATTRIBUTES,), old, new, _EMPTY, _DISPUTED)

    def _verdict(self, place: Place) -> _Verdict:
        before, after = self._resources[place]
        if before.type != after.type:
            # "Update of resource type is not permitted" (aws/aws-sam-cli, issue 6786)
            reason = f"its type changes from {before.type} to {after.type}"
            return _Verdict(Replacement.YES, (reason,), (reason,))
        comparer = Comparer(self._of_reference, self._type_of)
        found = [
            (each, difference)
            for each in self._decisive[place]
            if (difference := comparer.difference(each.before, each.after, each.node)).answer is not Replacement.NO
        ]
        if before.type.startswith(_CUSTOM):
            return _of_custom(found)
        if found and _schema(after, self.comparison, place) is None:
            return _Verdict(Replacement.MAY, (f"CloudFormation publishes no schema of its type {after.type}",))
        clauses = [(_answer(each, difference), _clause(each, difference)) for each, difference in found]
        for answer in (Replacement.YES, Replacement.MAY):
            reasons = tuple(dict.fromkeys(clause for given, of in clauses if given is answer for clause in of))
            if reasons:
                return _Verdict(answer, reasons)
        return _Verdict()

    def _of_reference(self, reference: Reference) -> Difference:
        """Return whether the value of a reference that is on both sides changes."""
        both, attribute = self._resources.get(reference.place), reference.attribute
        if both is None:
            return SAME
        if attribute is not None and (given := self._given(reference.place, both, attribute)) is not None:
            return given
        identity = attribute is None or self._is_identity(reference.place, both[1], attribute)
        replacement, name = self._verdicts.get(reference.place, _Verdict()).replacement, both[1].name
        if not identity and not self._may_follow(reference.place, both[1], attribute, replacement):
            return SAME
        of = name if identity else f"{attribute} of {name}"
        if replacement is Replacement.YES:
            return Difference(replacement if identity else Replacement.MAY, (f"refers to {of}, which is replaced",))
        if replacement is Replacement.MAY:
            return may(f"refers to {of}, which may be replaced")
        return may(f"refers to {of}, which may change") if not identity and reference.place in self._updated else SAME

    def _may_follow(self, place: Place, resource: Resource, attribute: str | None, replacement: Replacement) -> bool:
        """Return whether an update of a resource may change an attribute that only the service sets."""
        if resource.type.startswith(_CUSTOM) or _schema(resource, self.comparison, place) is None:
            return True  # its handler decides
        of = properties_of(resource.type, str(attribute))
        if of is None:
            return replacement is not Replacement.NO
        change = self._differing.get(place)
        return any(each.path[:1] == (name,) for name in of for each in (change.properties if change else ()))

    def _is_identity(self, place: Place, resource: Resource, attribute: str) -> bool:
        """Return whether an attribute changes only if the resource is replaced."""
        if resource.type.startswith(_CUSTOM):
            return False
        schema = _schema(resource, self.comparison, place)
        return is_identity(attribute) or (schema is not None and tuple(attribute.split(".")) in schema.identifiers)

    def _given(self, place: Place, both: tuple[Resource, Resource], attribute: str) -> Difference | None:
        """Return whether an attribute that is also a property in the template changes.

        Return None if the template does not contain its value on both sides, or for a circular reference.
        """
        schema = _schema(both[1], self.comparison, place)
        pointer = tuple(attribute.split("."))
        if schema is None or pointer in schema.read_only or pointer[0] not in both[0].properties:
            return None
        values = (
            at(side.scopes[place.stack].value(resource.properties.get(pointer[0])), pointer[1:])
            for side, resource in zip(self._sides, both, strict=True)
        )
        one, other = values
        if one is None or other is None or (place, attribute) in self._following:
            return None
        self._following.add((place, attribute))  # two resources that refer to each other would be a circle
        try:
            return Comparer(self._of_reference, self._type_of).difference(one, other, _node(schema, pointer))
        finally:
            self._following.remove((place, attribute))


_EMPTY = Node({}, {})


def _schema(resource: Resource, comparison: Comparison, place: Place) -> ProviderSchema | None:
    return provider_schema(resource.type, comparison.stacks[place.stack].stack.region)


def _node(schema: ProviderSchema | None, pointer: Pointer) -> Node:
    return schema.node(pointer) if schema else _EMPTY


def _objects(value: Value) -> Iterator[Mapping[str, Value]]:
    """Yield the objects of a list."""
    return (each for each in (value if isinstance(value, tuple) else ()) if isinstance(each, Mapping))


def _top(change: ResourceChange, name: str) -> tuple[Any, Any]:
    one, other = change.before, change.after
    return (one.properties.get(name) if one else None), (other.properties.get(name) if other else None)


def _beside(resource: Resource) -> Mapping[str, Any]:
    """Return the attributes of a resource, such as `DeletionPolicy`, except `Properties` and `Metadata`."""
    found = {name: of for name, of in resource.definition.items() if name not in {"Metadata", "Properties"}}
    needs = found.get("DependsOn")
    if needs is not None:
        found["DependsOn"] = sorted(map(str, [needs] if isinstance(needs, str) else needs))
    return found


def _pointers(schema: ProviderSchema, resource: Resource) -> dict[Pointer, str]:
    """Return the properties whose change can replace a resource, each with the condition under which it does."""
    found = dict.fromkeys(schema.create_only, "")
    condition = _replacing(resource) if resource.type == _GROUP else _SOMETIMES
    if condition is not None:
        found |= dict.fromkeys(schema.conditionally_create_only, condition)
    for each in documented_behaviors(resource.type):
        if each.update is Replacement.NO:
            found.pop(each.pointer, None)
        else:
            found[each.pointer] = _condition(each)
    return found


def _condition(behavior: UpdateBehavior) -> str:
    if behavior.update is Replacement.YES:
        return ""
    return _DISPUTED if behavior.documented == "Replacement" else _SOMETIMES


def _replacing(resource: Resource) -> str | None:
    """Return the condition under which an Auto Scaling group is replaced; None if it is never replaced.

    Only a group with `AutoScalingReplacingUpdate` is replaced (template reference, "UpdatePolicy attribute").
    """
    policy = resource.definition.get("UpdatePolicy")
    replacing = policy.get("AutoScalingReplacingUpdate") if isinstance(policy, Mapping) else None
    will = replacing.get("WillReplace") if isinstance(replacing, Mapping) else None
    if isinstance(will, Mapping) or (replacing is None and isinstance(policy, Mapping) and "Fn::If" in policy):
        return _SOMETIMES
    return "" if str(will).lower() == "true" else None


def _answer(decisive: _Decisive, difference: Difference) -> Replacement:
    return Replacement.MAY if decisive.condition else difference.answer


def _clause(decisive: _Decisive, difference: Difference) -> tuple[str, ...]:
    pointer, before, after = decisive.pointer, decisive.before, decisive.after
    while isinstance(before, Mapping) and isinstance(after, Mapping):
        differing = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        if len(differing) != 1:
            break
        pointer, before, after = (*pointer, differing[0]), before.get(differing[0]), after.get(differing[0])
    name = ".".join(part for part in pointer if part != "*")
    changes = before is not None and after is not None
    causes = ("changes" if changes and cause in {ADDED, REMOVED} else cause for cause in difference.causes)
    end = f", {decisive.condition}" if decisive.condition else ""
    return tuple(f"its {name} {cause}{end}" for cause in causes)


def _of_custom(found: list[tuple[_Decisive, Difference]]) -> _Verdict:
    """Return the verdict for a custom resource. The physical ID from its handler decides about a replacement."""
    refusals = [
        # template reference, AWS::CloudFormation::CustomResource, ServiceToken: "Updates aren't supported."
        f"its {_TOKEN} {cause}"
        for each, difference in found
        if each.pointer == (_TOKEN,) and difference.answer is Replacement.YES
        for cause in difference.causes
    ]
    others = [clause for each, of in found if each.pointer != (_TOKEN,) for clause in _clause(each, of)]
    if not others:
        return _Verdict(refusals=tuple(refusals))
    reasons = tuple(f"{clause}, and its handler decides" for clause in dict.fromkeys(others))
    return _Verdict(Replacement.MAY, reasons, tuple(refusals))

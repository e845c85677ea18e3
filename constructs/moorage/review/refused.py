"""Updates that CloudFormation or a service refuses, so that the deployment fails and is rolled back."""

from __future__ import annotations

import enum
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping

import attrs

from moorage.assembly.cloud_assembly import Resource, Stack
from moorage.assembly.values import Place
from moorage.review.capacity import dissociated, fargate_sizes
from moorage.review.claims import NAMES, Claim, claims
from moorage.review.comparison import KEPT, Comparison, Replacement, ResourceChange, StackChange
from moorage.review.data import data_of
from moorage.review.databases import databases
from moorage.review.exports import changed_exports
from moorage.review.finding import Finding, Kind
from moorage.review.key_policies import key_policies
from moorage.review.nouns import named
from moorage.review.subnets import overlapping_subnets
from moorage.review.template.side import Scope, Side
from moorage.review.unsupported import unsupported

RULES: Mapping[str, str] = {
    "refused/name": "A resource with a custom name is replaced under the same name.",
    "refused/in-use": "A new resource needs a name, a priority or a port that another resource still has.",
    "refused/export": "An output that another stack imports is removed or changed.",
    "refused/target-group": "A target group stays while its load balancer is replaced.",
    "refused/subnet": "A new subnet overlaps with an existing one.",
    "refused/update": "A property that cannot be updated changes, or changes too much at once.",
    "refused/capacity": "A cluster loses a capacity provider on which tasks may run.",
    "refused/size-of-task": "Fargate does not offer the CPU and memory of a task definition.",
    "refused/lockout": "The policy of an AWS KMS key lets nobody change it.",
    "refused/type": "A logical ID gets another resource type.",
    "refused/size": "A template exceeds a limit of CloudFormation.",
}
_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_LISTENER, _LISTENER_RULE = "AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule"
_TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
_LIMITS = {"Resources": 500, "Outputs": 200, "Parameters": 200, "Mappings": 200}
"""The maximum number of entries in each section (CloudFormation User Guide, "Understand CloudFormation quotas")."""
_LARGEST_TEMPLATE = 1_000_000
"""The maximum size of a template in S3, where CDK puts it: 1 MB, in bytes (the same page)."""


def refused(comparison: Comparison) -> Iterator[Finding]:
    """Yield a finding for each part of an update that CloudFormation or a service refuses.

    Args:
        comparison: The two assemblies, and the replacements that the update causes.
    """
    update = _Update.of(comparison)
    yield from _claimed(update)
    yield from changed_exports(update.base, update.head, update.replaced)
    yield from overlapping_subnets(comparison)
    yield from databases(comparison)
    yield from key_policies(comparison)
    yield from dissociated(comparison)
    yield from fargate_sizes(comparison)
    for position, stack in enumerate(comparison.stacks):
        if position in update.head.scopes:
            yield from _target_groups(stack, update.head.scopes[position])
        for change in stack.changes:
            yield from unsupported(change)
        yield from _sizes(stack)


@attrs.frozen(eq=False)
class _Update:
    """The update from the base of a comparison to the head.

    Args:
        comparison: The two assemblies.
        base: The stacks before the update.
        head: The stacks after the update.
        replaced: The changes that replace a resource, or may replace it.
    """

    comparison: Comparison
    base: Side
    head: Side
    replaced: Mapping[Place, ResourceChange]

    @classmethod
    def of(cls, comparison: Comparison) -> _Update:
        replaced = {
            Place(position, change.logical_id): change
            for position, stack in enumerate(comparison.stacks)
            for change in stack.changes
            if change.after and change.before and change.replacement is not Replacement.NO
        }
        return cls(comparison, Side.of(comparison, base=True), Side.of(comparison, base=False), replaced)

    def changes(self) -> Iterator[tuple[Scope | None, Scope, ResourceChange, Resource]]:
        """Yield each added or changed resource with its change, and with its stack in the base and in the head."""
        for position, stack in enumerate(self.comparison.stacks):
            for change in stack.changes:
                if change.after is not None:
                    yield self.base.scopes.get(position), self.head.scopes[position], change, change.after


@attrs.frozen(eq=False)
class _Holder:
    """A resource of the base that has a claim.

    Args:
        scope: The stack of the resource in the base.
        before: The resource in the base.
        after: The resource in the head; None if it is removed.
        later: The keys of the claims of the resource in the head.
        is_replaced: True if the update replaces the resource, or may replace it.
    """

    scope: Scope
    before: Resource
    after: Resource | None
    later: frozenset[tuple[str, ...]]
    is_replaced: bool

    @property
    def place(self) -> Place:
        return Place(self.scope.place, self.before.logical_id)


def _claimed(update: _Update) -> Iterator[Finding]:
    """Yield a finding for each claim of a new, changed or replaced resource that a resource of the base still has."""
    holders = _holders(update)
    for before, scope, change, after in update.changes():
        own = _keys(before, change.before)
        for claim in claims(scope, after):
            if not claim.references.isdisjoint(update.replaced):
                continue  # in a new listener or namespace, everything is free
            if claim.key in own:
                yield from _renewed(change, after, claim)
            else:
                for holder in holders.get(claim.key, ()):
                    yield from _taken(update, scope, change, after, claim, holder, own)


def _holders(update: _Update) -> Mapping[tuple[str, ...], list[_Holder]]:
    found = defaultdict(list)
    for scope, before in update.base.resources():
        after = update.head.at(Place(scope.place, before.logical_id))
        later = _keys(*after) if after else set()
        is_replaced = Place(scope.place, before.logical_id) in update.replaced
        holder = _Holder(scope, before, after[1] if after else None, frozenset(later), is_replaced)
        for key in _keys(scope, before):
            found[key].append(holder)
    return found


def _keys(scope: Scope | None, resource: Resource | None) -> set[tuple[str, ...]]:
    return {claim.key for claim in claims(scope, resource)} if scope and resource else set()


def _renewed(change: ResourceChange, after: Resource, claim: Claim) -> Iterator[Finding]:
    """Yield the finding for a replaced resource that keeps its own claim."""
    if change.replacement is Replacement.NO:
        return
    if any(reason.startswith(f"its {name} ") for reason in change.reasons for name in claim.properties):
        return  # a condition or a reference computes another name, or another port
    if after.type in NAMES:
        rule, result = (
            "refused/name",
            f"and CloudFormation does not replace a resource with a custom name ({claim.what})",
        )
    else:
        rule, result = "refused/in-use", f"and the old one still has {claim.what}"
    sentence = f"The {named(after)} {change.replaced}, {result}."
    what = "name" if after.type in NAMES else _short(claim.what)
    way = f"Give it another {what}, or remove it in a separate deployment first."
    if data := data_of(after):
        way = f"Give it another name, and copy its {data.contents} to the new one."
    yield Finding(Kind.REFUSED, rule, change.stack.path, after, sentence, (way,))


def _short(what: str) -> str:
    """Return the noun of a claim: `priority` for `priority 10 of its listener`."""
    if what.startswith("its "):
        return what.removeprefix("its ")
    words = what.split(" ")
    return words[2] if words[0] == "the" else words[0]


def _taken(
    update: _Update,
    scope: Scope,
    change: ResourceChange,
    after: Resource,
    claim: Claim,
    holder: _Holder,
    own: set[tuple[str, ...]],
) -> Iterator[Finding]:
    """Yield the finding for a claim that another resource has in the base."""
    freed_in_place = holder.after and claim.key not in holder.later and not holder.is_replaced
    certain = True
    if freed_in_place and not own & holder.later:
        needed = {*scope.referenced(after.properties), *(Place(scope.place, each) for each in _depends_on(after))}
        if holder.place in needed:
            return
        certain, reason = False, "which CloudFormation may not update first"
    elif freed_in_place:
        reason = "which takes over the one of this resource"
    elif apart := _apart(update, holder, scope):
        certain, reason = apart
        if not reason:
            return
    elif holder.after and claim.key in holder.later:
        reason = "which keeps it"
    else:
        reason = "which CloudFormation deletes only after it has created the new resources"
    if "Condition" in after.definition or "Condition" in holder.before.definition:
        certain = False
    verb = "is" if certain else "may be"
    owner = named(holder.before)
    if holder.before.path == after.path:
        owner += f" of the stack {holder.scope.stack.name}"
    sentence = f"The {named(after)} {verb} refused: {claim.what} belongs to the {owner}, {reason}."
    way = "Use another value, or delete the old resource in a separate deployment first."
    if data := data_of(holder.before):
        lost = f"if you delete it first, you lose its {data.contents}"
        way = f"Use another value, or keep the old resource as it is: {lost}."
    yield Finding(Kind.REFUSED, "refused/in-use", change.stack.path, after, sentence, (way,))


class _Order(enum.Enum):
    """The order in which the CDK CLI deploys a stack and another stack."""

    BEFORE = "before"
    AFTER = "after"
    SAME = "same"
    ANY = "any"
    NEVER = "never"


def _apart(update: _Update, holder: _Holder, other: Scope) -> tuple[bool, str] | None:
    """Return whether a resource of another stack certainly still has its claim, and the reason.

    The reason is empty if the resource is deleted first. Return None if the order of the stacks is not the reason.
    """
    stack = holder.scope.stack.path
    order = _deployed(update, holder.scope, other)
    if order is _Order.NEVER:
        return True, f"which `cdk deploy` does not delete, since {stack} is no longer in the app"
    if holder.after is not None:
        return None
    if holder.before.definition.get("DeletionPolicy") in KEPT:
        return True, "which is kept when it is removed from its stack"
    return {
        _Order.BEFORE: (True, ""),
        _Order.AFTER: (True, f"which {stack} deletes only later, since it depends on {other.stack.path}"),
        _Order.ANY: (False, f"unless {stack} is deployed first"),
    }.get(order)


def _deployed(update: _Update, stack: Scope, other: Scope) -> _Order:
    """Return whether the CDK CLI deploys a stack of the base before or after a stack of the head."""
    if stack.place == other.place:
        return _Order.SAME
    found = update.comparison.stacks[stack.place]
    if found.after is None and found.stack.root is None:
        return _Order.NEVER
    names = {each.after.name: each.after for each in update.comparison.stacks if each.after}

    def needs(of: Stack | None, seen: frozenset[str] = frozenset()) -> set[str]:
        own = set(of.needs) - seen if of else set()
        return own.union(*(needs(names.get(name), seen | own) for name in own))

    if found.stack.name in needs(other.stack):
        return _Order.BEFORE
    return _Order.AFTER if other.stack.name in needs(found.after) else _Order.ANY


def _depends_on(resource: Resource) -> list[str]:
    stated = resource.definition.get("DependsOn") or []
    return [stated] if isinstance(stated, str) else list(stated)


def _target_groups(stack: StackChange, scope: Scope) -> Iterator[Finding]:
    """Yield a finding for each target group that stays while the listeners that use it are replaced.

    Source: Elastic Load Balancing API reference, CreateListener (TargetGroupAssociationLimit): a target group cannot be
    associated with more than one load balancer.
    """
    changes = {change.logical_id: change for change in stack.changes}
    under = {
        change.logical_id: change
        for change in stack.changes
        if change.type == _BALANCER and change.before and change.after and change.replacement is not Replacement.NO
    }
    told: set[str] = set()
    for type_ in (_LISTENER, _LISTENER_RULE):
        for change in stack.changes:
            if change.type != type_ or change.after is None or change.before is None:
                continue
            referenced = scope.referenced(change.after.properties)
            names = sorted(each.logical_id for each in referenced if each.stack == scope.place)
            balancer = next((under[name] for name in names if name in under), None)
            if balancer is None:
                continue
            under[change.logical_id] = balancer
            for name in names:
                group = scope.by_id.get(name)
                if group and group.type == _TARGET_GROUP and name not in told and _stays(changes.get(name)):
                    told.add(name)
                    yield _shared_target_group(change, group, balancer)


def _stays(change: ResourceChange | None) -> bool:
    return change is None or (change.before is not None and change.replacement is Replacement.NO)


def _shared_target_group(listener: ResourceChange, group: Resource, balancer: ResourceChange) -> Finding:
    may = "is" if balancer.replacement is Replacement.YES else "may be"
    sentence = (
        f"The {named(listener.resource)} {may} refused: the {named(group)} still belongs to the old load balancer, "
        f"since the {named(balancer.resource)} {balancer.replaced}."
    )
    way = "Give the target group a change that replaces it, too, such as another name."
    return Finding(Kind.REFUSED, "refused/target-group", listener.stack.path, group, sentence, (way,))


def _sizes(stack: StackChange) -> Iterator[Finding]:
    if stack.after is None:
        return
    for section, limit in _LIMITS.items():
        count = len(stack.after.template.get(section) or {})
        if count > limit:
            sentence = f"The stack {stack.path} has {count} {section.lower()}; CloudFormation permits {limit}."
            yield Finding(Kind.REFUSED, "refused/size", stack.path, None, sentence, ("Divide it into several stacks.",))
    size = len(json.dumps(stack.after.template, separators=(",", ":")))
    if size > _LARGEST_TEMPLATE:
        sentence = f"The template of {stack.path} has {size:,} bytes; CloudFormation permits {_LARGEST_TEMPLATE:,}."
        yield Finding(Kind.REFUSED, "refused/size", stack.path, None, sentence, ("Divide it into several stacks.",))

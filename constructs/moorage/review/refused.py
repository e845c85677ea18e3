"""Updates that CloudFormation or a service refuses, so that the deployment fails and is rolled back."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Resource, Stack
from moorage.review.claims import NAMES, Claim, claims
from moorage.review.comparison import Comparison, Replacement, ResourceChange, StackChange
from moorage.review.finding import Finding, Kind
from moorage.review.nouns import named
from moorage.review.subnets import overlapping_subnets
from moorage.review.values import canonical, referenced

RULES: Mapping[str, str] = {
    "refused/name": "A resource with a custom name is replaced under the same name.",
    "refused/in-use": "A new resource needs a name, a priority or a port that another resource still has.",
    "refused/export": "An output that another stack imports is removed or changed.",
    "refused/target-group": "A target group stays while its load balancer is replaced.",
    "refused/protected": "A resource that is protected from deletion is removed or replaced.",
    "refused/subnet": "A new subnet overlaps with one that exists.",
    "refused/update": "A property changes that cannot be updated, or not so much at once.",
    "refused/type": "A logical ID gets another resource type.",
    "refused/size": "A template exceeds a limit of CloudFormation.",
}
_PROTECTED: Mapping[str, tuple[str, Any]] = {
    "AWS::Cognito::UserPool": ("DeletionProtection", "ACTIVE"),
    "AWS::DocDB::DBCluster": ("DeletionProtection", True),
    "AWS::DynamoDB::Table": ("DeletionProtectionEnabled", True),
    "AWS::EC2::Instance": ("DisableApiTermination", True),
    "AWS::Logs::LogGroup": ("DeletionProtectionEnabled", True),
    "AWS::Neptune::DBCluster": ("DeletionProtection", True),
    "AWS::RDS::DBCluster": ("DeletionProtection", True),
    "AWS::RDS::DBInstance": ("DeletionProtection", True),
}
"""The property that protects a type from deletion, and its value. A test compares it with CloudFormation's schemas."""
_KEPT = {"Retain", "RetainExceptOnCreate"}
_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_BALANCER_PROTECTION = "deletion_protection.enabled"
_LISTENER, _LISTENER_RULE = "AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule"
_TABLE = "AWS::DynamoDB::Table"
_TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
_LIMITS = {"Resources": 500, "Outputs": 200, "Parameters": 200, "Mappings": 200}
"""The most of each section (CloudFormation User Guide, "Understand CloudFormation quotas")."""
_LARGEST_TEMPLATE = 1_000_000
"""The bytes of a template in S3, where CDK puts it: 1 MB (the same page)."""


def refused(comparison: Comparison) -> Iterator[Finding]:
    """Yield a finding for each part of an update that is refused.

    Args:
        comparison: The two assemblies, with the replacements known.
    """
    yield from _claimed(comparison)
    yield from _exports(comparison)
    yield from overlapping_subnets(comparison)
    for stack in comparison.stacks:
        yield from _target_groups(stack)
        for change in stack.changes:
            yield from _protected(change)
            yield from _retyped(change)
            yield from _not_supported(change)
        yield from _sizes(stack)


@attrs.frozen(eq=False)
class _Holder:
    """A resource of the base that has a claim.

    Args:
        stack: The stack of the resource.
        before: The resource in the base.
        after: The resource in the head; None if it is removed.
        later: The keys of its claims in the head.
        replacement: The answer to whether the update replaces it.
    """

    stack: StackChange
    before: Resource
    after: Resource | None
    later: frozenset[tuple[str, ...]]
    replacement: Replacement


def _claimed(comparison: Comparison) -> Iterator[Finding]:
    """Yield a finding for each claim of a new, changed or replaced resource that a resource of the base has."""
    replacements = {
        (change.stack.stack.name, change.logical_id): change.replacement
        for change in comparison.changes
        if change.after and change.before
    }
    holders = _holders(comparison, replacements)
    for change in comparison.changes:
        if change.after is None or change.stack.after is None:
            continue
        own = _keys(change.stack.before, change.before)
        for claim in claims(change.stack.after, change.after):
            scope = [replacements.get((change.stack.stack.name, name)) for name in claim.references]
            if any(each not in (None, Replacement.NO) for each in scope):
                continue  # in a new listener or namespace, everything is free
            if claim.key in own:
                yield from _renewed(change, change.after, claim)
            else:
                for holder in holders.get(claim.key, ()):
                    yield from _taken(change, change.after, claim, holder, own)


def _holders(
    comparison: Comparison, replacements: Mapping[tuple[str, str], Replacement]
) -> Mapping[tuple[str, ...], list[_Holder]]:
    found = defaultdict(list)
    for stack in comparison.stacks:
        after = {resource.logical_id: resource for resource in (stack.after.resources if stack.after else ())}
        for before in stack.before.resources if stack.before else ():
            kept = after.get(before.logical_id)
            replacement = replacements.get((stack.stack.name, before.logical_id), Replacement.NO)
            holder = _Holder(stack, before, kept, frozenset(_keys(stack.after, kept)), replacement)
            for key in _keys(stack.before, before):
                found[key].append(holder)
    return found


def _keys(stack: Stack | None, resource: Resource | None) -> set[tuple[str, ...]]:
    return {claim.key for claim in claims(stack, resource)} if stack and resource else set()


def _renewed(change: ResourceChange, after: Resource, claim: Claim) -> Iterator[Finding]:
    """Yield the finding for a replaced resource that keeps its own claim."""
    if change.replacement is Replacement.NO:
        return
    if after.type in NAMES and any(reason.startswith(f"its {NAMES[after.type]} ") for reason in change.reasons):
        return  # a condition or a reference computes another name
    if after.type in NAMES:
        rule, result = (
            "refused/name",
            f"and CloudFormation does not replace a resource with a custom name ({claim.what})",
        )
    else:
        rule, result = "refused/in-use", f"and the old one still has {claim.what}"
    sentence = f"The {named(after)} {change.replaced}, {result}."
    way = "Change it as well, or remove the resource in a deployment of its own first."
    yield Finding(Kind.REFUSED, rule, change.stack.path, after, sentence, (way,))


def _taken(
    change: ResourceChange, after: Resource, claim: Claim, holder: _Holder, own: set[tuple[str, ...]]
) -> Iterator[Finding]:
    """Yield the finding for a claim that another resource has in the base."""
    freed_in_place = holder.after and claim.key not in holder.later and holder.replacement is Replacement.NO
    certain = True
    if freed_in_place and not own & holder.later:
        if holder.before.logical_id in {*_depends_on(after), *referenced(after.properties)}:
            return
        certain, reason = False, "which CloudFormation may not update first"
    elif freed_in_place:
        reason = "which takes over that of this one"
    elif holder.after is None and holder.before.definition.get("DeletionPolicy") in _KEPT:
        reason = "which is kept when it is removed from its stack"
    elif holder.after is None and holder.stack.stack.name != change.stack.stack.name:
        certain, reason = False, f"unless {holder.stack.path} is deployed first"
    elif holder.after and claim.key in holder.later:
        reason = "which keeps it"
    else:
        reason = "which CloudFormation deletes only after it has created the new resources"
    if "Condition" in after.definition or "Condition" in holder.before.definition:
        certain = False
    verb = "is" if certain else "may be"
    sentence = f"The {named(after)} {verb} refused: {claim.what} belongs to the {named(holder.before)}, {reason}."
    way = "Use another one, or delete the old resource in a deployment of its own first."
    yield Finding(Kind.REFUSED, "refused/in-use", change.stack.path, after, sentence, (way,))


def _depends_on(resource: Resource) -> list[str]:
    stated = resource.definition.get("DependsOn") or []
    return [stated] if isinstance(stated, str) else list(stated)


def _exports(comparison: Comparison) -> Iterator[Finding]:
    """Yield a finding for each export that a deployed stack imports and that changes.

    Source: CloudFormation User Guide, "Get exported outputs from a deployed CloudFormation stack": a referenced output
    can be neither modified nor removed.
    """
    importers = _importers(comparison)
    for stack in comparison.stacks:
        if stack.before is None or stack.after is None:
            continue
        replaced = {change.logical_id: change for change in stack.changes if change.replacement is not Replacement.NO}
        later = dict(_exported(stack.after))
        for name, value in _exported(stack.before):
            users = importers.get((stack.before.account, stack.before.region, name), [])
            if not users:
                continue
            if name not in later:
                what, may = "is removed", "is"
            elif canonical(later[name]) != canonical(value):
                what, may = "changes", "may be"
            elif causes := [replaced[each] for each in referenced(value) if each in replaced]:
                certain = any(cause.replacement is Replacement.YES for cause in causes)
                what = f"changes, because the {named(causes[0].resource)} {'is' if certain else 'may be'} replaced"
                may = "is" if certain else "may be"
            else:
                continue
            who = ", ".join(users)
            sentence = f"The update of {stack.path} {may} refused: its export {name} {what}, but {who} imports it."
            way = (
                f"Deploy {who} first (`cdk deploy -e {users[0]}`) if it no longer imports the value; otherwise keep "
                "the export with `export_value` until it is deployed."
            )
            yield Finding(Kind.REFUSED, "refused/export", stack.path, None, sentence, (way,))


def _exported(stack: Stack) -> Iterator[tuple[str, Any]]:
    for output in (stack.template.get("Outputs") or {}).values():
        export = output.get("Export") if isinstance(output, Mapping) else None
        if isinstance(export, Mapping) and isinstance(export.get("Name"), str):
            yield export["Name"], output.get("Value")


def _importers(comparison: Comparison) -> dict[tuple[str | None, str | None, str], list[str]]:
    """Return the paths of the stacks of the base that import each export."""
    found: dict[tuple[str | None, str | None, str], list[str]] = defaultdict(list)
    for stack in comparison.stacks:
        if stack.before is not None:
            for name in sorted(set(_imported(stack.before.template))):
                found[stack.before.account, stack.before.region, name].append(stack.before.path)
    return found


def _imported(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("Fn::ImportValue"), str):
            yield value["Fn::ImportValue"]
        for inner in value.values():
            yield from _imported(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _imported(inner)


def _target_groups(stack: StackChange) -> Iterator[Finding]:
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
            names = sorted(set(referenced(change.after.properties)))
            balancer = next((under[name] for name in names if name in under), None)
            if balancer is None:
                continue
            under[change.logical_id] = balancer
            for name in names:
                group = _resource(stack.after, name)
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


def _resource(stack: Stack | None, logical_id: str) -> Resource | None:
    return next((each for each in stack.resources if each.logical_id == logical_id), None) if stack else None


def _protected(change: ResourceChange) -> Iterator[Finding]:
    before = change.before
    if before is None or not is_protected(before) or _is_kept(change, before):
        return
    if change.after is not None and change.replacement is Replacement.NO:
        return
    if change.stack.after is None and change.stack.stack.root is None:
        return  # the CDK CLI does not delete a stack that leaves the app
    verb = "is removed" if change.after is None else change.replaced
    sentence = (
        f"The {named(before)} {verb}, but it is protected from deletion: CloudFormation cannot delete the old one, "
        "which stays outside of the stack and is billed."
    )
    way = "Turn the protection off in a deployment of its own first."
    yield Finding(Kind.REFUSED, "refused/protected", change.stack.path, change.resource, sentence, (way,))


def is_protected(resource: Resource) -> bool:
    """Return whether a resource is protected from deletion.

    Args:
        resource: The resource.
    """
    if resource.type == _BALANCER:
        attributes = resource.properties.get("LoadBalancerAttributes")
        return any(
            isinstance(each, Mapping)
            and each.get("Key") == _BALANCER_PROTECTION
            and str(each.get("Value")).lower() == "true"
            for each in (attributes if isinstance(attributes, list) else ())
        )
    name, value = _PROTECTED.get(resource.type, ("", None))
    return bool(name) and str(resource.properties.get(name)).lower() == str(value).lower()


def _is_kept(change: ResourceChange, before: Resource) -> bool:
    policy = "DeletionPolicy" if change.after is None else "UpdateReplacePolicy"
    stated = (change.after or before).definition.get(policy)
    return stated in _KEPT


def _retyped(change: ResourceChange) -> Iterator[Finding]:
    """Yield the finding for a logical ID with another type ("Update of resource type is not permitted")."""
    if change.before is None or change.after is None or change.before.type == change.after.type:
        return
    sentence = (
        f"The logical ID {change.logical_id} changes from {change.before.type} to {change.after.type}, which "
        "CloudFormation does not permit."
    )
    way = "Give the new resource another construct ID."
    yield Finding(Kind.REFUSED, "refused/type", change.stack.path, change.after, sentence, (way,))


def _not_supported(change: ResourceChange) -> Iterator[Finding]:
    """Yield the finding for an update that CloudFormation does not support, such as another `ServiceToken`."""
    if change.before is None or change.after is None or change.before.type != change.after.type:
        return
    if change.refusals:
        sentence = (
            f"The update of the {named(change.after)} is refused because {' and '.join(change.refusals)}, which "
            "CloudFormation does not support."
        )
        way = "Give the resource another construct ID, so that a new one is created."
        yield Finding(Kind.REFUSED, "refused/update", change.stack.path, change.after, sentence, (way,))
    before, after = (_indexes(side) for side in (change.before, change.after))
    changed = sorted(before ^ after) if change.replacement is Replacement.NO else []
    if change.type == _TABLE and len(changed) > 1:
        sentence = (
            f"The update of the {named(change.after)} is refused: it adds or removes {len(changed)} global secondary "
            f"indexes ({', '.join(changed)}), and DynamoDB permits 1 in an update."
        )
        way = "Deploy them one after the other."
        yield Finding(Kind.REFUSED, "refused/update", change.stack.path, change.after, sentence, (way,))


def _indexes(table: Resource) -> set[str]:
    """Return the names of the global secondary indexes of a table.

    Source: DynamoDB API reference, UpdateTable: only one of them can be created or deleted in an operation.
    """
    indexes = table.properties.get("GlobalSecondaryIndexes")
    names = {
        index.get("IndexName")
        for index in (indexes if isinstance(indexes, list) else ())
        if isinstance(index, Mapping) and isinstance(index.get("IndexName"), str)
    }
    return {str(name) for name in names}


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

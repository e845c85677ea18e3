"""Instances of Auto Scaling groups that CloudFormation replaces in batches.

Source: CloudFormation template reference, "UpdatePolicy attribute": with AutoScalingRollingUpdate, CloudFormation
replaces the instances if the group's launch configuration, launch template, subnets or placement group change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from moorage.assembly.cloud_assembly import Resource
from moorage.assembly.values import Place
from moorage.review.comparison import Comparison, Replacement, StackChange
from moorage.review.finding import Finding, Kind
from moorage.review.nouns import changing, named
from moorage.review.template.side import Scope, Side

_GROUP, _TEMPLATE = "AWS::AutoScaling::AutoScalingGroup", "AWS::EC2::LaunchTemplate"
_POLICY = "AutoScalingRollingUpdate"
_REPLACING = ("LaunchTemplate", "LaunchConfigurationName", "MixedInstancesPolicy", "VPCZoneIdentifier")


def replaced_instances(comparison: Comparison) -> Iterator[Finding]:
    """Yield a finding for each Auto Scaling group whose instances the update replaces in batches.

    Args:
        comparison: The two assemblies, and the replacements that the update causes.
    """
    head = Side.of(comparison, base=False)
    for stack in comparison.stacks:
        if stack.before is None or stack.after is None:
            continue
        scope = head.scope(stack.after)
        before = {resource.logical_id for resource in stack.before.resources if resource.type == _GROUP}
        for group in stack.after.resources:
            if group.logical_id not in before or group.type != _GROUP or not _rolls(group):
                continue
            change = next((each for each in stack.changes if each.logical_id == group.logical_id), None)
            own = {name for each in change.properties for name in each.path[:1]} if change else set()
            causes = [name for name in _REPLACING if name in own or _refers_to_a_new_version(stack, scope, group, name)]
            if causes and (change is None or change.replacement is not Replacement.YES):
                sentence = (
                    f"The {named(group)} replaces its instances in batches, since its {changing(causes)}: "
                    "the tasks on an instance stop with it."
                )
                yield Finding(Kind.INTERRUPTED, "interrupted/instances", stack.path, group, sentence)


def _rolls(group: Resource) -> bool:
    policy = group.definition.get("UpdatePolicy")
    return isinstance(policy, Mapping) and _POLICY in policy


def _refers_to_a_new_version(stack: StackChange, scope: Scope, group: Resource, name: str) -> bool:
    """Return whether a property refers to the latest version of a launch template that gets a new version."""
    changed = {
        Place(scope.place, each.logical_id)
        for each in stack.changes
        if each.type == _TEMPLATE
        and each.before
        and each.after
        and any(change.path[:1] == ("LaunchTemplateData",) for change in each.properties)
    }
    value = group.properties.get(name)
    return not changed.isdisjoint(scope.referenced(value)) and "LatestVersionNumber" in str(value)

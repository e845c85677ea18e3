"""New subnets whose address ranges overlap with those of existing subnets, so that EC2 refuses them.

Sources: EC2 API reference, CreateSubnet (the ranges of the subnets of a VPC cannot overlap) and the error
InvalidSubnet.Conflict; aws/aws-cdk, issue 6683 (CDK divides the range of a VPC again when `max_azs` changes).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from moorage.assembly.cloud_assembly import Resource, Stack
from moorage.assembly.values import Place
from moorage.review.comparison import Comparison, Replacement, ResourceChange, StackChange
from moorage.review.finding import Finding, Kind
from moorage.review.nouns import named
from moorage.review.template.side import Scope, Side

_SUBNET = "AWS::EC2::Subnet"
_Range = ipaddress.IPv4Network | ipaddress.IPv6Network


def overlapping_subnets(comparison: Comparison) -> Iterator[Finding]:
    """Yield a finding for each stack whose new subnets overlap with subnets of the base.

    The module `claims` finds ranges that are equal.

    Args:
        comparison: The two assemblies, and the replacements that the update causes.
    """
    base, head = (Side.of(comparison, base=base) for base in (True, False))
    for stack in comparison.stacks:
        if stack.before is None or stack.after is None:
            continue
        scopes = base.scope(stack.before), head.scope(stack.after)
        found = [pair for change in stack.changes for pair in _overlaps(scopes, stack, change)]
        if not found:
            continue
        change, old = found[0]
        certain = change.before is None or change.replacement is Replacement.YES
        count = len({each.logical_id for each, _ in found})
        others = "" if count == 1 else f" ({count} subnets of the stack overlap in this way)"
        own = change.logical_id == old.logical_id
        subject = "its own old range" if own else f"the range of the {named(old)}"
        sentence = (
            f"The new {named(change.resource)} {'is' if certain else 'may be'} refused: its range "
            f"{change.resource.properties.get('CidrBlock')} overlaps with {subject}, "
            f"{old.properties.get('CidrBlock')}, which CloudFormation deletes only later{others}."
        )
        way = "Reserve ranges for further zones from the start, or create the new subnets in a new VPC."
        yield Finding(Kind.REFUSED, "refused/subnet", stack.path, change.resource, sentence, (way,))


def _overlaps(
    scopes: tuple[Scope, Scope], stack: StackChange, change: ResourceChange
) -> Iterator[tuple[ResourceChange, Resource]]:
    """Yield a change that creates a subnet, with the first subnet of the base that overlaps with the new subnet."""
    after = change.after
    if change.type != _SUBNET or after is None or (change.before and change.replacement is Replacement.NO):
        return
    vpc = after.properties.get("VpcId")
    in_vpcs = scopes[1].referenced(vpc)
    if any(Place(scopes[1].place, each.logical_id) in in_vpcs and _is_new(each) for each in stack.changes):
        return
    new = _range(after)
    for old in _subnets(stack.before):
        other = _range(old)
        same = scopes[0].value(old.properties.get("VpcId")) == scopes[1].value(vpc)
        if same and new and other and new != other and new.version == other.version and new.overlaps(other):
            yield change, old
            return


def _is_new(change: ResourceChange) -> bool:
    return change.before is None or change.replacement is not Replacement.NO


def _subnets(stack: Stack | None) -> Iterator[Resource]:
    for resource in stack.resources if stack else ():
        if resource.type == _SUBNET:
            yield resource


def _range(subnet: Resource) -> _Range | None:
    """Return the IP address range of a subnet; None if the template does not contain the range."""
    try:
        return ipaddress.ip_network(str(subnet.properties.get("CidrBlock")))
    except ValueError:
        return None

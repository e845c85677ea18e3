"""Addresses that clients use and that an update removes: load balancers, ports, DNS names, gateways.

Sources: EC2 API reference, DeleteNatGateway and ReleaseAddress (the address returns to the pool); Elastic Load
Balancing API reference, ModifyListener (the port changes in place).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moorage.assembly.cloud_assembly import Resource, Stack
from moorage.review.claims import claims
from moorage.review.comparison import Comparison, Replacement, ResourceChange, StackChange
from moorage.review.finding import Finding, Kind
from moorage.review.nouns import named
from moorage.review.renamed import renames
from moorage.review.values import referenced

RULES: Mapping[str, str] = {
    "interrupted/removed": "A resource that clients or tasks use is removed.",
    "interrupted/address": "A port or a DNS name that clients use changes.",
}
_LISTENER, _RECORD = "AWS::ElasticLoadBalancingV2::Listener", "AWS::Route53::RecordSet"
_SEEN: Mapping[str, str] = {
    "AWS::ApiGateway::RestApi": "clients of its URL fail",
    "AWS::ApiGatewayV2::Api": "clients of its URL fail",
    "AWS::AutoScaling::AutoScalingGroup": "its instances are terminated with the tasks on them",
    "AWS::CloudFront::Distribution": "clients of its domain name fail",
    "AWS::EC2::EIP": "its public address is released, and allow lists of others may contain it",
    "AWS::EC2::Instance": "it is terminated",
    "AWS::EC2::NatGateway": "connections through it are cut",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "clients of its DNS name fail",
    "AWS::Lambda::Url": "clients of its URL fail",
    "AWS::ServiceDiscovery::HttpNamespace": "its names are no longer found",
    "AWS::ServiceDiscovery::PrivateDnsNamespace": "its names are no longer found",
    _LISTENER: "clients of its port{} fail",
    _RECORD: "clients no longer find its name{}",
}
"""The consequence of a removal for a client, by type, with the value of `_ADDRESS` for `{}`."""
_ADDRESS = {_LISTENER: "Port", _RECORD: "Name"}
_KEPT = {"Retain", "RetainExceptOnCreate"}


def removed(comparison: Comparison) -> Iterator[Finding]:
    """Yield a finding for each address that clients use and that the update removes.

    Args:
        comparison: The two assemblies, with the replacements known.
    """
    moved = {id(before) for rename in renames(comparison) for before, _ in rename.pairs}
    for stack in comparison.stacks:
        for change in stack.changes:
            before = change.before
            if before is None or stack.after is None or before.type not in _SEEN or id(change) in moved:
                continue
            if change.after is None:
                yield from _gone(stack, before)
            elif change.after.type == before.type:
                yield from _changed(stack, change, before, change.after)


def _gone(stack: StackChange, before: Resource) -> Iterator[Finding]:
    kept = before.definition.get("DeletionPolicy") in _KEPT
    if kept or _told(stack, before) or _claimed(stack, before):
        return
    address = before.properties.get(_ADDRESS.get(before.type, ""))
    known = f" {_shown(address)}" if isinstance(address, str | int) else ""
    sentence = f"The {named(before)} is removed: {_SEEN[before.type].format(known)}."
    yield Finding(Kind.INTERRUPTED, "interrupted/removed", stack.path, before, sentence)


def _changed(stack: StackChange, change: ResourceChange, before: Resource, after: Resource) -> Iterator[Finding]:
    """Yield the finding for a port or a DNS name that changes to another one."""
    name = _ADDRESS.get(before.type, "")
    old, new = before.properties.get(name), after.properties.get(name)
    if not (isinstance(old, str | int) and isinstance(new, str | int)) or _shown(old) == _shown(new):
        return
    in_a_new_balancer = before.type == _LISTENER and change.replacement is not Replacement.NO
    if in_a_new_balancer or _claimed(stack, before):
        return
    what = "port" if before.type == _LISTENER else "name"
    end = _SEEN[before.type].replace("its", "the old").format(f" {_shown(old)}")
    sentence = f"The {what} of the {named(after)} changes from {_shown(old)} to {_shown(new)}: {end}."
    yield Finding(Kind.INTERRUPTED, "interrupted/address", stack.path, after, sentence)


def _shown(address: Any) -> str:
    return str(address).removesuffix(".")


def _told(stack: StackChange, before: Resource) -> bool:
    """Return whether the removal of another resource says the same: the balancer of a listener, the user of an EIP."""
    gone = [change.resource for change in stack.changes if change.after is None]
    if before.type == _LISTENER:
        balancers = {each.logical_id for each in gone if each.type == "AWS::ElasticLoadBalancingV2::LoadBalancer"}
        return bool(balancers & set(referenced(before.properties.get("LoadBalancerArn"))))
    return before.type == "AWS::EC2::EIP" and any(
        each.type in _SEEN and before.logical_id in referenced(each.properties) for each in gone
    )


def _claimed(stack: StackChange, before: Resource) -> bool:
    """Return whether another resource of the head has the port or the name."""
    own = _keys(stack.before, before) if before.type in _ADDRESS else set()
    others = stack.after.resources if stack.after else ()
    return any(own & _keys(stack.after, each) for each in others if each.type == before.type)


def _keys(stack: Stack | None, resource: Resource) -> set[tuple[str, ...]]:
    return {claim.key for claim in claims(stack, resource)} if stack else set()

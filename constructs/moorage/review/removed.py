"""Addresses that clients use and that an update removes: load balancers, ports, paths, DNS names, gateways.

Sources: EC2 API reference, DeleteNatGateway and ReleaseAddress (the address returns to the pool); Elastic Load
Balancing API reference, ModifyListener (the port changes in place); Application Load Balancer guide, "Listener rules"
(requests that match no rule reach the default action).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moorage.assembly.cloud_assembly import Resource, mapping
from moorage.assembly.values import Place
from moorage.review.claims import claims
from moorage.review.comparison import KEPT, Comparison, Replacement, ResourceChange, StackChange
from moorage.review.data import is_member
from moorage.review.ecs_services import SERVICE
from moorage.review.finding import Finding, Kind
from moorage.review.nouns import named
from moorage.review.renamed import moved
from moorage.review.rerouted import takes_over
from moorage.review.template.side import Scope, Side

_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_SUBSCRIPTION = "AWS::SNS::Subscription"
_LISTENER, _RECORD = "AWS::ElasticLoadBalancingV2::Listener", "AWS::Route53::RecordSet"
_LISTENER_RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
_SEEN: Mapping[str, str] = {
    "AWS::ApiGateway::RestApi": "clients of its URL fail",
    "AWS::ApiGateway::DomainName": "clients of its name fail",
    "AWS::ApiGatewayV2::Api": "clients of its URL fail",
    "AWS::ApiGatewayV2::DomainName": "clients of its name fail",
    "AWS::AutoScaling::AutoScalingGroup": "its instances are terminated with the tasks on them",
    "AWS::CloudFront::Distribution": "clients of its domain name fail",
    "AWS::EC2::EIP": "its public address is released, and allow lists of others may contain it",
    "AWS::EC2::Instance": "it is terminated, by default with its root volume",
    "AWS::EC2::NatGateway": "connections through it are cut",
    _BALANCER: "clients of its DNS name fail",
    "AWS::Events::Rule": "its targets get no more events",
    "AWS::Lambda::EventSourceMapping": "its function gets no more events",
    "AWS::Lambda::Url": "clients of its URL fail",
    "AWS::Route53::HostedZone": "its names are no longer found",
    "AWS::SNS::Subscription": "its endpoint gets no more messages",
    "AWS::Scheduler::Schedule": "its target is no longer called",
    "AWS::ServiceDiscovery::HttpNamespace": "its names are no longer found",
    "AWS::ServiceDiscovery::PrivateDnsNamespace": "its names are no longer found",
    _LISTENER: "clients of its port{} fail",
    _LISTENER_RULE: "its requests reach another rule or the default action of the listener",
    _RECORD: "clients no longer find its name{}",
}
"""The consequence of a removal for a client, by type, with the value of `_ADDRESS` for `{}`."""
_DELIVERS = {
    "AWS::Events::Rule": ("Targets",),
    "AWS::Lambda::EventSourceMapping": ("EventSourceArn", "FunctionName"),
    "AWS::SNS::Subscription": ("TopicArn", "Endpoint"),
    "AWS::Scheduler::Schedule": ("Target",),
}
"""For each type that delivers events or messages, the properties with their source and target."""
_ADDRESS = {_LISTENER: "Port", _RECORD: "Name"}
_PARENT = {
    _LISTENER: ("LoadBalancerArn", _BALANCER),
    _LISTENER_RULE: ("ListenerArn", _LISTENER),
    "AWS::RDS::DBInstance": ("DBClusterIdentifier", "AWS::RDS::DBCluster"),
}
"""The property that names the parent of a resource, and the type of the parent."""
_Scopes = tuple[Scope, Scope]
"""A stack before and after the update."""


def removed(comparison: Comparison) -> Iterator[Finding]:
    """Yield a finding for each address that clients use and that the update removes.

    Args:
        comparison: The two assemblies, and the replacements that the update causes.
    """
    base, head = (Side.of(comparison, base=base) for base in (True, False))
    renamed = moved(comparison)
    for stack in comparison.stacks:
        if stack.before is None or stack.after is None:
            continue
        scopes = base.scope(stack.before), head.scope(stack.after)
        for change in stack.changes:
            before = change.before
            if before is None or not (before.type in _SEEN or is_member(before)) or id(change) in renamed:
                continue
            if change.after is None:
                yield from _gone(scopes, stack, before)
            elif change.after.type == before.type:
                yield from _changed(scopes, change, before, change.after)


def _gone(scopes: _Scopes, stack: StackChange, before: Resource) -> Iterator[Finding]:
    kept = before.definition.get("DeletionPolicy") in KEPT
    if kept or _told(scopes[0], stack, before) or _claimed(scopes, before):
        return
    address = before.properties.get(_ADDRESS.get(before.type, ""))
    known = f" {_shown(address)}" if isinstance(address, str | int) else ""
    consequence = "connections to it are cut; its data is in the cluster" if is_member(before) else _SEEN[before.type]
    sentence = f"The {named(before)} is removed: {consequence.format(known)}."
    details = tuple(_unconfirmed(stack, before)) if before.type == _SUBSCRIPTION else ()
    yield Finding(Kind.INTERRUPTED, "interrupted/removed", stack.path, before, sentence, details)


def _unconfirmed(stack: StackChange, before: Resource) -> Iterator[str]:
    """Yield a line for each new subscription to the same topic that a person must confirm.

    Source: SNS API reference, Subscribe.
    """
    topic = before.properties.get("TopicArn")
    for change in stack.changes:
        new = change.resource if change.before is None else None
        if new is None or new.type != _SUBSCRIPTION or new.properties.get("TopicArn") != topic:
            continue
        if new.properties.get("Protocol") in {"email", "email-json"}:
            yield f"The new {named(new)} gets messages only after its recipient confirms it."


def _changed(scopes: _Scopes, change: ResourceChange, before: Resource, after: Resource) -> Iterator[Finding]:
    """Yield the finding for a listener whose port changes, or a record whose DNS name changes."""
    name = _ADDRESS.get(before.type, "")
    old, new = before.properties.get(name), after.properties.get(name)
    if before.type == _LISTENER and change.replacement is Replacement.NO and old == new:
        yield from _protocol(change, before, after)
    if not (isinstance(old, str | int) and isinstance(new, str | int)) or _shown(old) == _shown(new):
        return
    in_a_new_balancer = before.type == _LISTENER and change.replacement is not Replacement.NO
    if in_a_new_balancer or _claimed(scopes, before):
        return
    what = "port" if before.type == _LISTENER else "name"
    end = _SEEN[before.type].replace("its", "the old").format(f" {_shown(old)}")
    sentence = f"The {what} of the {named(after)} changes from {_shown(old)} to {_shown(new)}: {end}."
    yield Finding(Kind.INTERRUPTED, "interrupted/address", change.stack.path, after, sentence)


def _protocol(change: ResourceChange, before: Resource, after: Resource) -> Iterator[Finding]:
    """Yield the finding for a port on which a listener newly expects encrypted traffic, or no longer does."""
    old, new = (side.properties.get("Protocol") for side in (before, after))
    if {old, new} in ({"HTTP", "HTTPS"}, {"TCP", "TLS"}):
        port = after.properties.get("Port")
        on = f" on port {port}" if isinstance(port, str | int) else ""
        sentence = f"The {named(after)} expects {new}{on} (before: {old}): clients that use {old} fail."
        yield Finding(Kind.INTERRUPTED, "interrupted/address", change.stack.path, after, sentence)


def _shown(address: Any) -> str:
    return str(address).removesuffix(".")


def _told(scope: Scope, stack: StackChange, before: Resource) -> bool:
    """Return whether a resource is removed with another resource, such as a listener with its load balancer."""
    gone = [change.resource for change in stack.changes if change.after is None]
    if before.type in _PARENT:
        name, type_ = _PARENT[before.type]
        parents = {Place(scope.place, each.logical_id) for each in gone if each.type == type_}
        if not parents.isdisjoint(scope.referenced(before.properties.get(name))):
            return True
    if before.type == _LISTENER_RULE:
        groups = set(scope.referenced(before.properties.get("Actions")))
        services = [each for each in gone if each.type == SERVICE]
        return any(groups.intersection(scope.referenced(each.properties.get("LoadBalancers"))) for each in services)
    if before.type in _DELIVERS:
        used = set(scope.referenced([before.properties.get(name) for name in _DELIVERS[before.type]]))
        others = {Place(scope.place, each.logical_id) for each in gone if not each.type.startswith("AWS::IAM::")}
        return not used.isdisjoint(others) or before.properties.get("State") == "DISABLED"
    return before.type == "AWS::EC2::EIP" and any(
        each.type in _SEEN and Place(scope.place, before.logical_id) in scope.referenced(each.properties)
        for each in gone
    )


def _claimed(scopes: _Scopes, before: Resource) -> bool:
    """Return whether another resource of the head has the port or the name, or matches the requests of a rule."""
    if before.type == _LISTENER_RULE:
        return takes_over((scopes[0], before), scopes[1].side.resources(_LISTENER_RULE))
    own = _keys(scopes[0], before) if before.type in {*_ADDRESS, *_DELIVERS} else set()
    return any(own & _keys(scopes[1], each) for each in scopes[1].stack.resources if each.type == before.type)


def _keys(scope: Scope, resource: Resource) -> set[tuple[str, ...]]:
    if resource.type in _DELIVERS:
        # a rule and a schedule are known by their targets, since a changed pattern or expression is no removal
        return {tuple(_delivers(scope, resource.properties.get(name)) for name in _DELIVERS[resource.type])}
    return {claim.key for claim in claims(scope, resource)}


def _delivers(scope: Scope, value: Any) -> str:
    """Return the text of a target: its ARN, without its input and its settings."""
    stated = [mapping(each).get("Arn", each) for each in (value if isinstance(value, list) else [value])]
    return repr(sorted(scope.text(each) for each in stated))

"""The findings about authentication that a change removes: at listeners, in user pools, and by the client's address.

Sources: Elastic Load Balancing API reference, Action (`authenticate-cognito`, `authenticate-oidc`, `jwt-validation`)
and SourceIpConditionConfig; Cognito API reference, AdminCreateUserConfigType ("When false, users can register
themselves", the default) and SetUserPoolMfaConfig (`ON`: every user needs a second factor); CloudFront developer guide,
"Serve private content with signed URLs and signed cookies"; API Gateway developer guide, "Mutual TLS authentication".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moorage.assembly.cloud_assembly import Resource, mapping
from moorage.assembly.values import is_function
from moorage.review.finding import Finding
from moorage.review.nouns import listed
from moorage.review.opened.iam_statements import range_covers
from moorage.review.opened.two_sides import Sides
from moorage.review.template.side import Scope

_ACTIONS = {
    "AWS::ElasticLoadBalancingV2::Listener": "DefaultActions",
    "AWS::ElasticLoadBalancingV2::ListenerRule": "Actions",
}
_USER_POOL, _DISTRIBUTION = "AWS::Cognito::UserPool", "AWS::CloudFront::Distribution"
_DOMAINS = ("AWS::ApiGateway::DomainName", "AWS::ApiGatewayV2::DomainName")
_SIGNERS = ("TrustedKeyGroups", "TrustedSigners")
_AUTHENTICATES = {"authenticate-cognito", "authenticate-oidc", "jwt-validation"}
_Side = tuple[Scope, Resource]


def lost_authentication(sides: Sides) -> Iterator[Finding]:
    """Yield a finding for each resource that accepts clients that it turned away before the change.

    Args:
        sides: The two sides of the comparison.
    """
    for scope, after in sides.head.resources(*_ACTIONS, *_DOMAINS, _DISTRIBUTION, _USER_POOL):
        before = sides.base.found(scope.token(after.logical_id))
        about = (scope, after)
        if before is None or before[1].type != after.type or before[1].properties == after.properties:
            continue
        if after.type == _USER_POOL:
            yield from _users(sides, before, about)
        elif after.type == _DISTRIBUTION:
            yield from _signed(sides, before, about)
        elif after.type in _DOMAINS:
            yield from _certificates(sides, before, about)
        else:
            yield from _listener(sides, before, about)


def _signed(sides: Sides, before: _Side, after: _Side) -> Iterator[Finding]:
    """Yield the finding for paths of a distribution that no longer need a signed URL or a signed cookie."""
    old, new = (_signers(side) for side in (before, after))
    paths = [path for path, signed in old.items() if signed and new.get(path) is False]
    if paths:
        name = sides.named(after[0].token(after[1].logical_id))
        sentence = f"{name} no longer requires signed requests for {listed(paths)}"
        yield sides.finding("opened/authentication", after, sentence)


def _signers(side: _Side) -> dict[str, bool]:
    """Return for each path of a distribution whether its requests must be signed."""
    scope, resource = side
    config = mapping(resource.properties.get("DistributionConfig"))
    behaviors = [("*", mapping(config.get("DefaultCacheBehavior")))]
    for _, each in scope.items(config.get("CacheBehaviors")):
        behaviors.append((scope.text(mapping(each).get("PathPattern")), mapping(each)))
    return {path: any(scope.texts(behavior.get(name)) for name in _SIGNERS) for path, behavior in behaviors}


def _certificates(sides: Sides, before: _Side, after: _Side) -> Iterator[Finding]:
    """Yield the finding for a domain name that no longer requires the certificate of a client."""
    name = "MutualTlsAuthentication"
    if before[1].properties.get(name) and not after[1].properties.get(name):
        subject = sides.named(after[0].token(after[1].logical_id))
        yield sides.finding(
            "opened/authentication", after, f"{subject} no longer requires a certificate of its clients"
        )


def _listener(sides: Sides, before: _Side, after: _Side) -> Iterator[Finding]:
    name = sides.named(after[0].token(after[1].logical_id))
    old, new = (_kinds(side) for side in (before, after))
    if old & _AUTHENTICATES and "forward" in new and not any("$" in kind for kind in new) and not new & _AUTHENTICATES:
        by = listed(sorted(old & _AUTHENTICATES))
        sentence = f"{name} no longer authenticates the requests that it forwards ({by})"
        yield sides.finding("opened/authentication", after, sentence)
    modes = [_setting(scope, resource, "MutualAuthentication", "Mode") for scope, resource in (before, after)]
    if modes[0] == "verify" and modes[1] in ("off", "passthrough", "null"):
        yield sides.finding(
            "opened/authentication", after, f"{name} no longer verifies the certificates of its clients"
        )
    addresses, now = (_addresses(side) for side in (before, after))
    if not addresses or any("$" in each for each in (*addresses, *now)):
        return
    wider = sorted(each for each in now if not any(range_covers(old, each) for old in addresses))
    if wider or not now:
        sentence = f"{name} now matches requests from {listed(wider) or 'any address'}"
        sentence += f" (before: {listed(sorted(addresses))})"
        yield sides.finding("opened/authentication", after, sentence)


def _kinds(side: _Side) -> set[str]:
    """Return the types of the actions of a listener or a rule, in any branch of a condition."""
    scope, resource = side
    actions = scope.items(resource.properties.get(_ACTIONS[resource.type]))
    return {scope.text(mapping(each).get("Type", each)) for _, each in actions}


def _addresses(side: _Side) -> frozenset[str]:
    """Return the addresses of clients that a rule requires; none if the rule has no such condition."""
    scope, resource = side
    return frozenset(
        text
        for _, condition in scope.items(resource.properties.get("Conditions"))
        for text in scope.texts(mapping(mapping(condition).get("SourceIpConfig")).get("Values"))
    )


def _users(sides: Sides, before: _Side, after: _Side) -> Iterator[Finding]:
    name = sides.named(after[0].token(after[1].logical_id))
    path = ("AdminCreateUserConfig", "AllowAdminCreateUserOnly")
    only_admins = [_setting(scope, resource, *path) for scope, resource in (before, after)]
    if only_admins[0] == "true" and only_admins[1] in ("false", "null"):
        yield sides.finding("opened/authentication", after, f"anyone can now sign up in {name}")
    old, new = (_setting(scope, resource, "MfaConfiguration") for scope, resource in (before, after))
    if old == "ON" and new in ("OPTIONAL", "OFF"):
        yield sides.finding("opened/authentication", after, f"users of {name} can now sign in without a second factor")


def _setting(scope: Scope, resource: Resource, *path: str) -> str:
    """Return the text of a property; `null` without the property."""
    value: Any = resource.properties
    for name in path:
        value = value if is_function(mapping(value)) else mapping(value).get(name)
    return scope.text(value)

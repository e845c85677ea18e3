"""The findings about lost protection: encryption, web ACLs, permissions boundaries, S3 Block Public Access.

Sources: Elastic Load Balancing, "Security policies for your Application Load Balancer" (the name of a policy has the
lowest version of TLS that it accepts; CloudFormation's default for a listener is `ELBSecurityPolicy-2016-08`, which
accepts TLS 1.0); the provider schemas of `AWS::CloudFront::Distribution`, `AWS::ECS::TaskDefinition` and
`AWS::ElastiCache::ReplicationGroup`; S3, `PublicAccessBlockConfiguration`; IAM user guide, "Permissions boundaries for
IAM entities" (the maximum of what the policies of an identity can grant).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from moorage.assembly.cloud_assembly import Resource, mapping
from moorage.review.finding import Finding
from moorage.review.nouns import listed
from moorage.review.opened.two_sides import Sides
from moorage.review.opened.web_acls import lost_web_acls
from moorage.review.template.side import Scope, root

_BOUNDED = ("AWS::IAM::Role", "AWS::IAM::User", "AWS::SSO::PermissionSet")
_API = "AWS::ApiGateway::RestApi"
_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_ENCRYPTED = ("HTTPS", "TLS")
_LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
_DEFAULT_POLICY = "ELBSecurityPolicy-2016-08"
_VERSION = re.compile(r"(?:TLS13|TLS|FS)[-_v]?1[-._](?P<minor>\d)(?!\d)")
_OLDEST = re.compile(r"ELBSecurityPolicy-(?:FS-)?20\d\d-\d\d|SSLv3|TLSv1(?:_2016)?")
"""The names of security policies that accept TLS 1.0 but do not contain this version in the usual form."""
_VERSIONS = ("SslPolicy", "MinimumProtocolVersion", "TLSSecurityPolicy", "SecurityPolicy")
"""The properties of listeners, distributions, domains and API domain names that set the lowest TLS version."""
_SWITCHES = {
    "EnforceHTTPS": ({"true"}, {"false"}, "requires HTTPS"),
    "OriginProtocolPolicy": ({"https-only"}, {"http-only"}, "encrypts the traffic to its origins"),
    "TransitEncryption": ({"ENABLED"}, {"DISABLED"}, "encrypts the traffic to its file systems"),
    "TransitEncryptionEnabled": ({"true"}, {"false"}, "encrypts its traffic"),
    "rds.force_ssl": ({"1"}, {"0"}, "requires TLS"),
    "require_secure_transport": ({"1", "ON"}, {"0", "OFF"}, "requires TLS"),
}
"""For each setting that turns encryption in transit on: its values for on and off, and the words. The last two are
parameters of databases (RDS user guide, "Using SSL/TLS to encrypt a connection to a DB instance or cluster")."""


def lost_protection(sides: Sides) -> Iterator[Finding]:
    """Yield a finding for each protection that the change removes.

    Args:
        sides: The two sides of the comparison.
    """
    yield from lost_web_acls(sides)
    for scope, after in sides.head.resources():
        found = sides.base.found(scope.token(after.logical_id))
        about = (scope, after)
        if after.type == "AWS::S3::Bucket":
            yield from _bucket(sides, about, found)
        if found is None or found[1].type != after.type or found[1].properties == after.properties:
            continue
        yield from _encryption(sides, about, found)
        yield from _policy(sides, about, found)
        yield from _boundary(sides, about, found)
        if after.type == _LISTENER:
            yield from _listener(sides, about, found)


def _bucket(sides: Sides, about: tuple[Scope, Resource], before: tuple[Scope, Resource] | None) -> Iterator[Finding]:
    now = mapping(about[1].properties.get("PublicAccessBlockConfiguration"))
    name = sides.named(about[0].token(about[1].logical_id))
    note = "Public access then depends on its policy, on its ACLs and on the settings of the account."
    if before is None:
        off = [block for block in _BLOCKS if about[0].text(now.get(block)) == "false"]
        if off:
            sentence = f"{name.replace('the ', 'the new ', 1)} does not block public access ({listed(off, 4)})"
            yield sides.finding("opened/public-access-block", about, sentence, [note])
        return
    old = mapping(before[1].properties.get("PublicAccessBlockConfiguration"))
    lost = [
        block
        for block in _BLOCKS
        if before[0].text(old.get(block)) == "true" and about[0].text(now.get(block, False)) == "false"
    ]
    if lost:
        sentence = f"{name} no longer blocks public access ({listed(lost, 4)})"
        yield sides.finding("opened/public-access-block", about, sentence, [note])


def _boundary(sides: Sides, about: tuple[Scope, Resource], before: tuple[Scope, Resource]) -> Iterator[Finding]:
    old, new = (scope.texts(resource.properties.get("PermissionsBoundary")) for scope, resource in (before, about))
    if about[1].type in _BOUNDED and old and not new:
        name = sides.named(about[0].token(about[1].logical_id))
        yield sides.finding("opened/deny-removed", about, f"no permissions boundary limits {name} any more")


def _policy(sides: Sides, about: tuple[Scope, Resource], before: tuple[Scope, Resource]) -> Iterator[Finding]:
    """Yield the finding for an API without a policy: only authorizers then limit who may call the API."""
    private = "PRIVATE" in about[0].text(about[1].properties.get("EndpointConfiguration"))
    if (
        about[1].type == _API
        and before[1].properties.get("Policy")
        and "Policy" not in about[1].properties
        and not private
    ):
        name = sides.named(about[0].token(about[1].logical_id))
        yield sides.finding("opened/deny-removed", about, f"no resource policy limits who may call {name} any more")


def _encryption(sides: Sides, about: tuple[Scope, Resource], before: tuple[Scope, Resource]) -> Iterator[Finding]:
    name = sides.named(about[0].token(about[1].logical_id), _noun(about[1]))
    old, new = (dict(_leaves(scope, resource.properties)) for scope, resource in (before, about))
    for scope, resource, leaves in ((*before, old), (*about, new)):
        if resource.type == _LISTENER and scope.text(resource.properties.get("Protocol")) in _ENCRYPTED:
            leaves.setdefault("SslPolicy", {_DEFAULT_POLICY})
    for key in _VERSIONS:
        lowest_before, lowest_after = _lowest(old.get(key, set())), _lowest(new.get(key, set()))
        if lowest_before is not None and lowest_after is not None and lowest_after < lowest_before:
            sentence = f"{name} now accepts TLS 1.{lowest_after} (before: at least TLS 1.{lowest_before})"
            yield sides.finding("opened/encryption", about, sentence)
    if "allow-all" in new.get("ViewerProtocolPolicy", set()) - old.get("ViewerProtocolPolicy", set()):
        yield sides.finding("opened/encryption", about, f"{name} now answers requests by HTTP, which is not encrypted")
    for key, (on, off, lost) in _SWITCHES.items():
        was, now = old.get(key, set()), new.get(key, {"false"} if key == "EnforceHTTPS" else set())
        if was and was <= on and now and now <= off:
            yield sides.finding("opened/encryption", about, f"{name} no longer {lost}")


def _listener(sides: Sides, about: tuple[Scope, Resource], before: tuple[Scope, Resource]) -> Iterator[Finding]:
    old, new = (scope.text(resource.properties.get("Protocol")) for scope, resource in (before, about))
    port = about[0].text(about[1].properties.get("Port"))
    balancer = sides.named(root(about[0].text(about[1].properties.get("LoadBalancerArn"))), "load balancer")
    if old in _ENCRYPTED and new not in _ENCRYPTED and "$" not in new:
        sentence = f"traffic to port {port} of {balancer} is no longer encrypted ({old} before, {new} now)"
        yield sides.finding("opened/encryption", about, sentence)
    elif new == "HTTP" and _redirects(before) and not _redirects(about):
        yield sides.finding("opened/encryption", about, f"port {port} of {balancer} no longer redirects to HTTPS")


def _redirects(listener: tuple[Scope, Resource]) -> bool:
    """Return whether a listener redirects to HTTPS."""
    scope, resource = listener
    return any(
        isinstance(action, Mapping)
        and isinstance(redirect := action.get("RedirectConfig"), Mapping)
        and scope.text(redirect.get("Protocol")) == "HTTPS"
        for _, action in scope.items(resource.properties.get("DefaultActions"))
    )


def _leaves(scope: Scope, value: Any) -> Iterator[tuple[str, set[str]]]:
    """Yield the name of each setting of encryption in transit, at any depth of a value, with all its values."""
    found: dict[str, set[str]] = {}

    def walk(value: Any) -> None:
        if isinstance(value, Mapping):
            for key, each in value.items():
                if key in (*_VERSIONS, *_SWITCHES, "ViewerProtocolPolicy"):
                    found.setdefault(key, set()).update(scope.texts(each))
                else:
                    walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    walk(value)
    yield from found.items()


def _lowest(names: set[str]) -> int | None:
    """Return the minor number of the lowest TLS version of the named security policies.

    Return None if no policy is named, or if the version of a policy is not known.
    """
    versions = []
    for name in names:
        found = _VERSION.search(name)
        if found is None and not _OLDEST.fullmatch(name):
            return None
        versions.append(int(found["minor"]) if found else 0)
    return min(versions, default=None)


def _noun(resource: Resource) -> str:
    """Return the last part of the type of a resource in words: `listener`, `domain name`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", resource.type.rpartition("::")[2]).lower()

"""The findings about network ACLs: traffic that they allow after a change, but not before it.

Sources: EC2 API reference, CreateNetworkAclEntry ("we process the entries in the ACL according to the rule numbers, in
ascending order"; without TCP, UDP and ICMP, an entry is about all ports) and ReplaceNetworkAclAssociation; Amazon VPC
user guide, "Control subnet traffic with network access control lists" (the first entry that matches applies; a custom
ACL denies by default; the default ACL of a VPC allows everything unless it is changed).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import attrs

from moorage.assembly.cloud_assembly import Resource, mapping
from moorage.review.finding import Finding
from moorage.review.nouns import listed
from moorage.review.opened.network_openings import peer_words, port_words
from moorage.review.opened.security_groups import EVERY_PORT, Peer, Ports, Rule
from moorage.review.opened.two_sides import Sides
from moorage.review.template.side import Scope, Side, root

_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "-1": "all"}
_NOTE = "Security groups may still refuse the traffic."


@attrs.frozen
class _Entry:
    """An entry of a network ACL.

    Args:
        number: The number of the entry. Entries with lower numbers apply first.
        allows: True if the entry allows the traffic, False if the entry denies the traffic.
        rule: The direction, the protocol, the ports and the peer of the traffic, as a security group rule.
    """

    number: int
    allows: bool
    rule: Rule


_Entries = Mapping[tuple[str, bool], Sequence[_Entry]]
"""A mapping from an ACL and a direction to the entries. The direction is True for traffic to the subnets of the ACL."""


def network_acl_openings(sides: Sides) -> Iterator[Finding]:
    """Yield a finding for the traffic that network ACLs allow after the change, but not before.

    Args:
        sides: The two sides of the comparison.
    """
    before, after = _entries(sides.base), _entries(sides.head)
    for (acl, ingress), entries in after.items():
        if sides.comparison.new or sides.added(acl):
            continue  # a new ACL allows only what its entries say
        old = before.get((acl, ingress), ())
        opened = [attrs.evolve(entry.rule, ports=ports) for entry in entries for ports in _opened(entry, entries, old)]
        yield from _allowed(sides, acl, opened)
        denied = [each.rule for each in old if not each.allows and _is_open(each, old, entries)]
        if denied:
            about = sides.head.found(acl) or _source(denied[0])
            name = sides.named(acl, "network ACL")
            sentence = f"{name} no longer denies traffic {listed([_words(sides, rule) for rule in denied])}"
            yield sides.finding("opened/network", about, sentence, [_NOTE])
    yield from _associations(sides, before, after)


def _entries(side: Side) -> _Entries:
    found: dict[tuple[str, bool], list[_Entry]] = defaultdict(list)
    for scope, resource in side.resources("AWS::EC2::NetworkAclEntry"):
        properties = resource.properties
        number, action = scope.text(properties.get("RuleNumber")), scope.text(properties.get("RuleAction"))
        if not number.isdecimal() or action not in ("allow", "deny"):
            continue
        acl, ingress = root(scope.text(properties.get("NetworkAclId"))), scope.text(properties.get("Egress")) != "true"
        for name in ("CidrBlock", "Ipv6CidrBlock"):
            for given, value in scope.items(properties.get(name), scope.given(resource)):
                protocol = scope.text(properties.get("Protocol"))
                rule = Rule(
                    acl,
                    ingress,
                    _PROTOCOLS.get(protocol, protocol),
                    _ports(scope, resource, protocol),
                    Peer("range", scope.text(value)),
                    given,
                    (scope, resource),
                )
                found[acl, ingress].append(_Entry(int(number), action == "allow", rule))
    return found


def _ports(scope: Scope, resource: Resource, protocol: str) -> Ports:
    stated = mapping(resource.properties.get("Icmp" if protocol in ("1", "58") else "PortRange"))
    if protocol in ("1", "58"):
        code = scope.text(stated.get("Type", -1))
        return EVERY_PORT if code == "-1" else code
    first, last = (scope.text(stated.get(name)) for name in ("From", "To"))
    if protocol not in ("6", "17"):
        return EVERY_PORT
    return (int(first), int(last)) if first.isdecimal() and last.isdecimal() else f"{first}-{last}"


def _opened(entry: _Entry, entries: Sequence[_Entry], old: Sequence[_Entry]) -> Iterator[Ports]:
    """Yield the ports that an entry allows, and that no entry of the base allowed or an earlier entry denies."""
    if not entry.allows:
        return
    denying = [each.rule for each in entries if not each.allows and each.number < entry.number]
    for ports in entry.rule.beyond([each.rule for each in old if each.allows]):
        if any(True for _ in attrs.evolve(entry.rule, ports=ports).beyond(denying)):
            yield ports


def _is_open(denial: _Entry, old: Sequence[_Entry], new: Sequence[_Entry]) -> bool:
    """Return whether an entry of both sides allows traffic that another entry denied before the change."""
    still = [each.number for each in new if not each.allows and not list(denial.rule.beyond([each.rule]))]
    allowed = [each.rule for each in old if each.allows and each.number > denial.number]
    return any(
        each.allows and each.rule in allowed and _meet(each.rule, denial.rule) and each.number < min(still, default=1e9)
        for each in new
    )


def _meet(one: Rule, other: Rule) -> bool:
    """Return whether two rules have traffic in common."""
    if "all" not in (one.protocol, other.protocol) and one.protocol != other.protocol:
        return False
    if not (one.peer.covers(other.peer) or other.peer.covers(one.peer)):
        return False
    if isinstance(one.ports, str) or isinstance(other.ports, str):
        return True
    return one.ports[0] <= other.ports[1] and other.ports[0] <= one.ports[1]


def _allowed(sides: Sides, acl: str, opened: Sequence[Rule]) -> Iterator[Finding]:
    if not opened:
        return
    about = sides.head.found(acl) or _source(opened[0])
    sentence = (
        f"{sides.named(acl, 'network ACL')} now allows traffic {listed([_words(sides, rule) for rule in opened])}"
    )
    yield sides.finding("opened/network", about, sentence, [_NOTE])


def _words(sides: Sides, rule: Rule) -> str:
    peer, ports = peer_words(sides, rule.peer), port_words(rule.protocol, rule.ports)
    return f"from {peer} to {ports}" if rule.ingress else f"to {ports} of {peer}"


def _source(rule: Rule) -> tuple[Scope, Resource]:
    assert rule.source is not None  # noqa: S101  # every entry comes from a resource
    return rule.source


def _associations(sides: Sides, before: _Entries, after: _Entries) -> Iterator[Finding]:
    """Yield a finding for each subnet that gets another network ACL, which may allow more."""
    old, new = (_acls(side) for side in (sides.base, sides.head))
    for subnet, (acl, association) in old.items():
        other = new[subnet][0] if subnet in new else None
        if other == acl or not sides.exists(subnet) or (other and _is_narrower(sides, acl, other, before, after)):
            continue
        about = sides.head.found(subnet) or association
        now = sides.named(other, "network ACL") if other else "the default network ACL of its VPC"
        sentence = f"{sides.named(subnet, 'subnet')} now has {now} (before: {sides.named(acl, 'network ACL')})"
        yield sides.finding("opened/network", about, f"{sentence}, which may allow more traffic", [_NOTE])


def _acls(side: Side) -> dict[str, tuple[str, tuple[Scope, Resource]]]:
    """Return a mapping from each associated subnet to its network ACL and the association."""
    found = {}
    for scope, resource in side.resources("AWS::EC2::SubnetNetworkAclAssociation"):
        subnet, acl = (root(scope.text(resource.properties.get(name))) for name in ("SubnetId", "NetworkAclId"))
        found[subnet] = (acl, (scope, resource))
    return found


def _is_narrower(sides: Sides, acl: str, other: str, before: _Entries, after: _Entries) -> bool:
    """Return whether the new ACL of a subnet certainly allows no more traffic than the old ACL."""
    for ingress in (True, False):
        old, new = before.get((acl, ingress), ()), after.get((other, ingress), ())
        allowed = [each.rule for each in old if each.allows]
        if any(not each.allows for each in old) or any(list(each.rule.beyond(allowed)) for each in new if each.allows):
            return False
    return sides.head.found(other) is not None

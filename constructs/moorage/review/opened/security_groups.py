"""The rules of security groups, each with a group, a protocol, a port range and a peer, and their differences.

Sources: CloudFormation's reference of `AWS::EC2::SecurityGroup` (a new group without egress rules gets an egress rule
for all traffic, but not when its rules are removed later), `…Ingress` and `…Egress` (`-1` is all protocols; for ICMP,
the ports are the type and the code, and `-1` is all of them).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Resource
from moorage.review.opened.iam_statements import implied, own_account, range_covers
from moorage.review.template.side import ALWAYS, Given, Scope, Side, root

_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "-1": "all"}
_NUMBERED = ("tcp", "udp")
_HIGHEST = 65535
EVERY_PORT = (0, _HIGHEST)
EVERYWHERE = ("0.0.0.0/0", "::/0")
_PEERS = {
    "CidrIp": "range",
    "CidrIpv6": "range",
    "SourceSecurityGroupId": "group",
    "SourceSecurityGroupName": "group",
    "DestinationSecurityGroupId": "group",
    "SourcePrefixListId": "prefix list",
    "DestinationPrefixListId": "prefix list",
}
_NOWHERE = "255.255.255.255/32"
"""The address of the rule with which CDK keeps a group from getting the default rule
(aws-cdk-lib, aws_ec2.SecurityGroup, `allow_all_outbound=False`)."""


@attrs.frozen
class Peer:
    """The source or the destination of the traffic that a rule allows.

    Args:
        kind: `range`, `group` or `prefix list`.
        text: The IP address range, or the canonical text of the group or prefix list.
        account: The account of a group in another account. Default: empty, for a group in the same account.
    """

    kind: str
    text: str
    account: str = ""

    @property
    def is_internet(self) -> bool:
        return self.text in EVERYWHERE

    def covers(self, other: Peer) -> bool:
        """Return whether every address of another peer belongs to this peer."""
        if self == other or (self.is_internet and other.kind != "range"):
            return True
        return self.kind == other.kind == "range" and range_covers(self.text, other.text)


Ports = tuple[int, int] | str
"""A range of ports, or a text if the range is not known or the protocol has no ports."""


@attrs.frozen
class Rule:
    """A rule of a security group.

    Args:
        group: The canonical text of the group.
        ingress: True for traffic to the group, False for traffic from it.
        protocol: `tcp`, `udp`, `icmp`, `icmpv6`, `all`, or the number of another protocol.
        ports: The range of ports.
        peer: The source of traffic to the group, or the destination of traffic from it.
        given: The conditions of the template under which the rule exists. Default: it always exists.
        source: The resource that contains the rule, with its stack. Default: None, for a rule that AWS adds.
    """

    group: str
    ingress: bool
    protocol: str
    ports: Ports
    peer: Peer
    given: Given = ALWAYS
    source: tuple[Scope, Resource] | None = attrs.field(default=None, eq=False)

    def beyond(self, others: list[Rule]) -> Iterator[Ports]:
        """Yield the ports that no rule of `others` opens to the peer.

        Args:
            others: The rules of the same group in the same direction.
        """
        covering = [
            each.ports
            for each in others
            if each.protocol in ("all", self.protocol)
            and each.peer.covers(self.peer)
            and implied(each.given, self.given)
        ]
        if EVERY_PORT in covering or self.ports in covering:
            return
        if isinstance(self.ports, str):
            yield self.ports
            return
        first, last = self.ports
        for low, high in sorted(each for each in covering if not isinstance(each, str)):
            if high < first:
                continue
            if low > last:
                break
            if low > first:
                yield (first, low - 1)
            first = high + 1
        if first <= last:
            yield (first, last)


def rules_of(side: Side, *, defaults: bool) -> Iterator[Rule]:
    """Yield the rules of all security groups of a side.

    Args:
        side: The stacks.
        defaults: Whether to include the egress rules that AWS adds to a new group without egress rules.
    """
    for scope, resource in side.resources("AWS::EC2::SecurityGroup"):
        properties = resource.properties
        group = scope.token(resource.logical_id)
        for name, ingress in (("SecurityGroupIngress", True), ("SecurityGroupEgress", False)):
            for given, stated in scope.items(properties.get(name), scope.given(resource)):
                yield from _rules(scope, resource, group, stated, ingress=ingress, given=given)
        if defaults and not properties.get("SecurityGroupEgress"):
            for everywhere in EVERYWHERE:
                peer = Peer("range", everywhere)
                yield Rule(group, ingress=False, protocol="all", ports=EVERY_PORT, peer=peer)
    for scope, resource in side.resources("AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"):
        properties = resource.properties
        group = _group(scope.text(properties.get("GroupId", properties.get("GroupName", ""))))
        ingress = resource.type.endswith("Ingress")
        yield from _rules(scope, resource, group, properties, ingress=ingress, given=scope.given(resource))


def _rules(scope: Scope, resource: Resource, group: str, stated: Any, *, ingress: bool, given: Given) -> Iterator[Rule]:
    if not isinstance(stated, Mapping):
        return
    number = scope.text(stated.get("IpProtocol", "-1")).lower()
    protocol = _PROTOCOLS.get(number, number)
    owner = scope.text(stated.get("SourceSecurityGroupOwnerId", ""))
    account = owner if owner != own_account(scope) else ""
    for name, kind in _PEERS.items():
        for holds, value in scope.items(stated.get(name), given):
            text = scope.text(value)
            if text == _NOWHERE:
                continue
            peer = Peer(kind, _group(text), account) if kind == "group" else Peer(kind, _range(scope.side, text))
            yield Rule(group, ingress, protocol, _ports(scope, protocol, stated), peer, holds, (scope, resource))


def _ports(scope: Scope, protocol: str, stated: Mapping[str, Any]) -> Ports:
    first, last = (scope.text(stated.get(name, -1)) for name in ("FromPort", "ToPort"))
    if protocol == "all" or first == "-1":
        return EVERY_PORT
    if protocol in _NUMBERED and first.isdecimal() and last.isdecimal():
        return (int(first), int(last))
    return first if first == last else f"{first}-{last}"


def _group(text: str) -> str:
    """Return the canonical text of a group, which is the same for `Ref` and `GroupId`."""
    return root(text) if text in (root(text), f"{root(text)[:-1]}.GroupId}}") else text


def _range(side: Side, text: str) -> str:
    """Return the CIDR block of the VPC that a text refers to; the text itself if no CIDR block is known."""
    found = side.found(text)
    if found and text.endswith(".CidrBlock}"):
        block = found[1].properties.get("CidrBlock")
        return found[0].text(block) if block is not None else text
    return text

"""The findings about security groups: traffic that they allow after a change, but not before it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

import attrs

from moorage.review.finding import Finding
from moorage.review.nouns import listed
from moorage.review.opened.iam_sentences import conditions
from moorage.review.opened.security_groups import EVERY_PORT, Peer, Ports, Rule, rules_of
from moorage.review.opened.two_sides import Sides


@attrs.frozen
class _Opening:
    """Traffic that security groups newly allow: every combination of the groups, the ports and the peers."""

    ingress: bool
    groups: tuple[str, ...]
    ports: tuple[str, ...]
    peers: tuple[str, ...]
    rule: str
    sources: tuple[Rule, ...] = attrs.field(eq=False)


def network_openings(sides: Sides) -> Iterator[Finding]:
    """Yield a finding for the traffic that security groups allow after the change, but not before.

    Args:
        sides: The two sides of the comparison.
    """
    before: dict[tuple[str, bool], list[Rule]] = defaultdict(list)
    for rule in rules_of(sides.base, defaults=True):
        before[rule.group, rule.ingress].append(rule)
    opened = [
        attrs.evolve(rule, ports=ports)
        for rule in dict.fromkeys(rules_of(sides.head, defaults=False))
        for ports in rule.beyond(_comparable(sides, rule, before))
        if _leaves(rule) or not (sides.comparison.new or sides.added(rule.group) or _leads_to_new(sides, rule))
    ]
    received = {(rule.peer.text, rule.group, rule.protocol, rule.ports) for rule in opened if rule.ingress}
    single = [
        _Opening(
            ingress=rule.ingress,
            groups=(rule.group,),
            ports=(port_words(rule.protocol, rule.ports),),
            peers=(peer_words(sides, rule.peer),),
            rule=_rule_id(rule),
            sources=(rule,),
        )
        for rule in opened
        if rule.ingress or (rule.group, rule.peer.text, rule.protocol, rule.ports) not in received
    ]
    for opening in _grouped(single):
        yield _finding(sides, opening)


def _comparable(sides: Sides, rule: Rule, before: dict[tuple[str, bool], list[Rule]]) -> list[Rule]:
    """Return the rules of the base for the same group, or for the removed groups of the stack if the group is new."""
    if not sides.added(rule.group):
        return before[rule.group, rule.ingress]
    head = sides.head.found(rule.group)
    return [
        each
        for (group, ingress), rules in before.items()
        for found in [sides.base.found(group)]
        if found and head and found[0].place == head[0].place and ingress == rule.ingress and not sides.exists(group)
        for each in rules
    ]


def _leaves(rule: Rule) -> bool:
    """Return whether a rule lets in traffic from the internet or from another account."""
    return rule.ingress and (rule.peer.is_internet or bool(rule.peer.account))


def _leads_to_new(sides: Sides, rule: Rule) -> bool:
    """Return whether a rule lets traffic out to a new security group, so that nothing that existed can be reached."""
    return not rule.ingress and rule.peer.kind == "group" and sides.added(rule.peer.text)


def _rule_id(rule: Rule) -> str:
    if rule.ingress and rule.peer.is_internet:
        return "opened/internet"
    return "opened/other-account" if rule.peer.account else "opened/security-group"


def _grouped(openings: Iterable[_Opening]) -> list[_Opening]:
    """Join the openings that differ only in ports, then those that differ only in groups, then only in peers."""
    ports = _joined(openings, lambda each: (each.ingress, each.rule, each.groups, each.peers))
    groups = _joined(ports, lambda each: (each.ingress, each.rule, each.ports, each.peers))
    return _joined(groups, lambda each: (each.ingress, each.rule, each.ports, each.groups))


def _joined(openings: Iterable[_Opening], key: Callable[[_Opening], Hashable]) -> list[_Opening]:
    found: dict[Hashable, list[_Opening]] = defaultdict(list)
    for opening in openings:
        found[key(opening)].append(opening)
    return [
        attrs.evolve(
            each[0],
            groups=_distinct(name for opening in each for name in opening.groups),
            ports=_distinct(name for opening in each for name in opening.ports),
            peers=_distinct(name for opening in each for name in opening.peers),
            sources=tuple(rule for opening in each for rule in opening.sources),
        )
        for each in found.values()
    ]


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _finding(sides: Sides, opening: _Opening) -> Finding:
    groups = [sides.named(group, "security group") for group in opening.groups]
    many = len(groups) > 1
    named = f"{len(groups)} security groups" if many else groups[0]
    ports, peers = _ports(opening.ports), listed(opening.peers)
    if opening.ingress:
        sentence = f"{peers} can now reach {ports} of {named}"
    else:
        sentence = f"egress to {ports} of {peers} opens from {named}"
    details = [
        *(", ".join(sides.readable(group) for group in opening.groups) for _ in range(many)),
        *(", ".join(opening.peers) for _ in range(len(opening.peers) > len(opening.peers[:3]))),
        *dict.fromkeys(f"Only if {conditions(sides, rule.given)}." for rule in opening.sources if rule.given),
    ]
    about = sides.head.found(opening.groups[0])
    source = next(rule.source for rule in opening.sources if rule.source)
    return sides.finding(opening.rule, about or source, sentence, details)


def _ports(words: Sequence[str]) -> str:
    """Return a phrase for the ports of an opening, in which the TCP ports share one noun."""
    numbers = sorted((word.removeprefix("port ") for word in words if word.startswith("port ")), key=_number)
    others = [word for word in words if not word.startswith("port ")]
    plural = len(numbers) > 1 or any("-" in number for number in numbers)
    return listed([*([f"{'ports' if plural else 'port'} {listed(numbers, 10)}"] if numbers else []), *others], 10)


def _number(port: str) -> int:
    """Return the first number of a range of ports; -1 for a text that is not a number."""
    first = port.partition("-")[0]
    return int(first) if first.isdecimal() else -1


def port_words(protocol: str, ports: Ports) -> str:
    """Return a phrase for a range of ports of a protocol, such as `port 80` or `every UDP port`."""
    if protocol == "all":
        return "every port"
    name = protocol.upper()
    if ports == EVERY_PORT:
        return f"every {name} port" if protocol in ("tcp", "udp") else f"everything that takes {name}"
    if protocol not in ("tcp", "udp"):
        return f"{name} type {ports}" if "icmp" in protocol else f"protocol {protocol}"
    text = ports if isinstance(ports, str) else "-".join(str(port) for port in dict.fromkeys(ports))
    if "$" in text:
        return "a port that is not known yet"
    return f"port {text}" if protocol == "tcp" else f"{name} port {text}"


def peer_words(sides: Sides, peer: Peer) -> str:
    if peer.is_internet:
        return "the internet"
    if peer.kind == "group":
        return sides.named(peer.text, "security group") + (f" of the account {peer.account}" if peer.account else "")
    return f"the {peer.kind} {sides.readable(peer.text)}" if peer.kind != "range" else sides.readable(peer.text)

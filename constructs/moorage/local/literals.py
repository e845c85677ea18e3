"""The IDs that templates contain as literals, except those that must belong to a VPC that a template defines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

Template = Mapping[str, Any]

_ID = re.compile(
    r"(vpc|subnet|sg|rtb)-[0-9a-zA-Z]+"
    r"|arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:(listener|loadbalancer|targetgroup)/[\w./-]+"
)
_NETWORKED = ("AWS::AutoScaling::", "AWS::EC2::", "AWS::ECS::Service", "AWS::EFS::", "AWS::ElasticLoadBalancing")
"""Prefixes of the types whose resources are in the same VPC as the resources that they name.

Types that span VPCs are not listed.
"""
_ACROSS = ("DestinationSecurityGroupId", "PeerVpcId", "SourceSecurityGroupId")
"""Properties that may name a resource in another, peered VPC."""
_OWN_VPC = "AWS::EC2::VPC"


@attrs.frozen
class Literals:
    """The IDs that templates name, grouped by VPC.

    Args:
        groups: The IDs of each VPC, in the order of the templates.
        positions: The index of each ID in the list that contains its first occurrence; 0 if it is not in a list.
    """

    groups: Sequence[tuple[str, ...]]
    positions: Mapping[str, int]


def kind_of(name: str) -> str | None:
    """Return the kind of an ID, such as `subnet` or `listener`; None if it is not a network ID.

    Args:
        name: The ID or ARN.
    """
    found = _ID.fullmatch(name)
    return (found[1] or found[2]) if found else None


def literals(templates: Sequence[Template], account: str, region: str) -> Literals:
    """Return the IDs that templates contain as literals, except those that must belong to a VPC of the templates.

    Args:
        templates: The templates of one account and region.
        account: The account ID of the templates' stacks.
        region: The region of these stacks.
    """
    joined = _Joined()
    positions: dict[str, int] = {}
    for number, template in enumerate(templates):
        resources = template.get("Resources", {})
        for name, resource in resources.items():
            owner, kind = f"{number}/{name}", str(resource.get("Type"))
            if kind == _OWN_VPC:
                joined.own.add(owner)
            for position, key, text in _texts(resource.get("Properties"), account, region):
                if kind_of(text):
                    positions.setdefault(text, position)
                    joined.add(text)
                    if kind.startswith(_NETWORKED) and key not in _ACROSS:
                        joined.join(owner, text)
            for referred in _referred(resource.get("Properties")) if kind.startswith(_NETWORKED) else ():
                if str(resources.get(referred, {}).get("Type")).startswith(_NETWORKED):
                    joined.join(owner, f"{number}/{referred}")
    return Literals(joined.groups(), positions)


class _Joined:
    """Groups of IDs and resources that are in the same VPC."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}
        self.own: set[str] = set()
        """The VPCs that the templates define."""

    def add(self, name: str) -> None:
        self._parents.setdefault(name, name)

    def join(self, name: str, other: str) -> None:
        self.add(name)
        self.add(other)
        self._parents[self._root(name)] = self._root(other)

    def _root(self, name: str) -> str:
        while self._parents[name] != name:
            name = self._parents[name]
        return name

    def groups(self) -> list[tuple[str, ...]]:
        made = {self._root(each) for each in self.own if each in self._parents}
        groups: dict[str, list[str]] = {}
        for name in self._parents:
            if kind_of(name) and self._root(name) not in made:
                groups.setdefault(self._root(name), []).append(name)
        return [tuple(each) for each in groups.values()]


def _texts(value: Any, account: str, region: str, key: str = "", position: int = 0) -> Iterator[tuple[int, str, str]]:
    """Yield the index, the property name and the text of each literal in a part of a template.

    The index is the literal's position in its list; 0 outside of a list.
    """
    text = text_of(value, account, region)
    if text is not None:
        yield position, key, text
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _texts(each, account, region, key, number)
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _texts(each, account, region, key if name.startswith("Fn::") else name)


def _referred(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _referred(each)
    elif isinstance(value, Mapping):
        for name, each in value.items():
            if name == "Ref" and isinstance(each, str):
                yield each
            elif name == "Fn::GetAtt" and each:
                yield each.split(".")[0] if isinstance(each, str) else str(each[0])
            elif name not in _ACROSS:
                yield from _referred(each)


def text_of(value: Any, account: str, region: str) -> str | None:
    """Return a value as text if it consists of literals and the account, region, partition or URL suffix; else None.

    Args:
        value: A value of a template.
        account: The value of `AWS::AccountId`.
        region: The value of `AWS::Region`.
    """
    known = {
        "AWS::AccountId": account,
        "AWS::Region": region,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
    }
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping):
        return None
    if "Ref" in value:
        return known.get(str(value["Ref"]))
    if "Fn::Join" in value and isinstance(value["Fn::Join"][1], list):
        parts = [text_of(each, account, region) for each in value["Fn::Join"][1]]
        return None if None in parts else str(value["Fn::Join"][0]).join(each for each in parts if each is not None)
    if isinstance(value.get("Fn::Sub"), str):
        text = re.sub(r"\$\{(AWS::\w+)\}", lambda found: known.get(found[1], found[0]), value["Fn::Sub"])
        return None if "${" in text else text
    return None

"""Traffic that network ACLs newly allow."""

from __future__ import annotations

from typing import Any

import pytest

from tests.review.opened.openings import findings, sentences

ACL = {"Acl": {"Type": "AWS::EC2::NetworkAcl", "Properties": {}}, "Other": {"Type": "AWS::EC2::NetworkAcl"}}
NETWORK = "10.0.0.0/16"


def entry(
    number: Any, cidr: Any, ports: Any = None, *, action: str = "allow", acl: Any = None, **properties: Any
) -> dict[str, Any]:
    stated: dict[str, Any] = {"NetworkAclId": acl or {"Ref": "Acl"}, "RuleNumber": number, "RuleAction": action}
    stated |= {"Ipv6CidrBlock" if ":" in str(cidr) else "CidrBlock": cidr, "Protocol": 6 if ports else -1}
    if ports:
        stated["PortRange"] = {"From": ports[0], "To": ports[1]}
    return {"Type": "AWS::EC2::NetworkAclEntry", "Properties": {**stated, **properties}}


def said(base: list[Any], head: list[Any]) -> list[str]:
    sides = ({**ACL, **{f"Entry{number}": each for number, each in enumerate(entries)}} for entries in (base, head))
    found = sentences(*sides)
    assert {rule for rule, _ in found} <= {"network"}
    return [sentence.removeprefix("The network ACL Shop/Acl ") for _, sentence in found]


@pytest.mark.parametrize(
    ("base", "head", "sentence"),
    [
        ([], [entry(100, "0.0.0.0/0", (22, 22))], "now allows traffic from the internet to port 22."),
        (
            [entry(110, NETWORK, (22, 22), action="deny")],
            [entry(100, NETWORK, (22, 22)), entry(110, NETWORK, (22, 22), action="deny")],
            "now allows traffic from 10.0.0.0/16 to port 22.",
        ),
        ([], [entry(100, "::/0")], "now allows traffic from the internet to every port."),
        (
            [entry(100, NETWORK, (443, 443))],
            [entry(100, "10.0.0.0/8", (443, 443))],
            "now allows traffic from 10.0.0.0/8 to port 443.",
        ),
        (
            [entry(100, NETWORK, (443, 443))],
            [entry(100, NETWORK, (443, 445))],
            "now allows traffic from 10.0.0.0/16 to port 444-445.",
        ),
        ([], [entry(100, NETWORK, Egress=True)], "now allows traffic to every port of 10.0.0.0/16."),
        (
            [entry(90, NETWORK, (22, 22), action="deny"), entry(100, "0.0.0.0/0")],
            [entry(100, "0.0.0.0/0")],
            "no longer denies traffic from 10.0.0.0/16 to port 22.",
        ),
        (
            [entry(90, NETWORK, (22, 22), action="deny"), entry(100, "0.0.0.0/0")],
            [entry(110, NETWORK, (22, 22), action="deny"), entry(100, "0.0.0.0/0")],
            "no longer denies traffic from 10.0.0.0/16 to port 22.",
        ),
    ],
)
def test_an_acl_that_allows_more_is_reported(base: Any, head: Any, sentence: str) -> None:
    assert said(base, head) == [sentence]
    assert said(head, base) == []


@pytest.mark.parametrize(
    ("base", "head"),
    [
        ([entry(100, NETWORK, (1, 99))], [entry(200, NETWORK, (22, 22))]),
        ([], [entry(90, "0.0.0.0/0", action="deny"), entry(100, NETWORK, (22, 22))]),
        ([], [entry({"Ref": "Number"}, "0.0.0.0/0")]),
        ([], [entry(100, NETWORK, RuleAction={"Ref": "Action"})]),
        ([entry(90, NETWORK, action="deny")], []),
        ([entry(90, NETWORK, action="deny"), entry(100, "192.168.0.0/16")], [entry(100, "192.168.0.0/16")]),
        ([entry(80, "0.0.0.0/0"), entry(90, NETWORK, action="deny")], [entry(80, "0.0.0.0/0")]),
        (
            [entry(90, NETWORK, action="deny"), entry(100, "0.0.0.0/0")],
            [entry(95, "10.0.0.0/8", action="deny"), entry(100, "0.0.0.0/0")],
        ),
    ],
)
def test_an_acl_that_allows_no_more_is_not_reported(base: Any, head: Any) -> None:
    assert said(base, head) == []


def test_an_acl_that_the_template_does_not_define_is_named_by_its_id() -> None:
    (finding,) = findings({**ACL}, {**ACL, "Entry": entry(100, "0.0.0.0/0", acl="acl-1")})
    assert finding.sentence == "The network ACL acl-1 now allows traffic from the internet to every port."
    assert finding.details == ("Security groups may still refuse the traffic.",)


def test_the_entries_of_a_new_acl_are_not_reported() -> None:
    assert findings({"Vpc": {"Type": "AWS::EC2::VPC"}}, {**ACL, "Entry": entry(100, "0.0.0.0/0")}) == []
    assert findings(None, {**ACL, "Entry": entry(100, "0.0.0.0/0")}) == []


def test_a_subnet_with_another_acl_may_get_more_traffic() -> None:
    def subnet(acl: Any, *entries: Any) -> dict[str, Any]:
        properties = {"SubnetId": {"Ref": "Subnet"}, "NetworkAclId": acl}
        association = {"Type": "AWS::EC2::SubnetNetworkAclAssociation", "Properties": properties}
        resources = {f"Entry{number}": each for number, each in enumerate(entries)}
        return {**ACL, "Subnet": {"Type": "AWS::EC2::Subnet"}, **resources, **({"Link": association} if acl else {})}

    own, wide = entry(100, NETWORK), entry(100, "10.0.0.0/8", acl={"Ref": "Other"})
    narrow = entry(100, "10.0.1.0/24", acl={"Ref": "Other"})
    base = subnet({"Ref": "Acl"}, own, wide, narrow)
    before = "(before: the network ACL Shop/Acl), which may allow more traffic."
    (found,) = findings(base, subnet({"Ref": "Other"}, own, wide, narrow))
    assert found.sentence == f"The EC2 subnet Shop/Subnet now has the network ACL Shop/Other {before}"
    (found,) = findings(base, subnet(None, own, wide, narrow))
    assert found.sentence == f"The EC2 subnet Shop/Subnet now has the default network ACL of its VPC {before}"
    assert findings(subnet({"Ref": "Acl"}, own, narrow), subnet({"Ref": "Other"}, own, narrow)) == []
    assert findings(subnet(None, own, wide), subnet({"Ref": "Acl"}, own, wide)) == []
    assert findings(base, {name: each for name, each in base.items() if name not in ("Subnet", "Link")}) == []

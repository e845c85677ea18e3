"""Traffic that security groups newly allow, in one finding each, and changes of rules that open nothing."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from moorage.review.opened.opened import opened
from moorage.review.opened.security_groups import EVERY_PORT, Peer, Rule
from tests.review.opened.openings import findings, sentences
from tests.review.templates import compared

INTERNET, INTERNET_6 = {"CidrIp": "0.0.0.0/0"}, {"CidrIpv6": "::/0"}
NOWHERE = {"CidrIp": "255.255.255.255/32", "IpProtocol": "icmp", "FromPort": 252, "ToPort": 86}


def group(*ingress: Any, egress: Any = (NOWHERE,)) -> dict[str, Any]:
    properties = {"SecurityGroupIngress": list(ingress), "SecurityGroupEgress": list(egress)}
    return {"Type": "AWS::EC2::SecurityGroup", "Properties": properties}


def tcp(first: Any, last: Any = None, **peer: Any) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": first, "ToPort": last or first, **peer}


def rule(direction: str, of: str, **rule: Any) -> dict[str, Any]:
    kind = f"AWS::EC2::SecurityGroup{direction}"
    return {"Type": kind, "Properties": {"GroupId": {"Fn::GetAtt": [of, "GroupId"]}, **rule}}


def test_both_versions_of_ip_are_the_internet_and_ports_of_one_group_are_one_finding() -> None:
    head = {"Web": group(tcp(22, **INTERNET), tcp(22, **INTERNET_6), tcp(443, **INTERNET))}
    said = "The internet can now reach ports 22 and 443 of the EC2 security group Shop/Web."
    assert sentences({"Web": group()}, head) == [("internet", said)]


def test_the_same_egress_from_22_groups_is_one_finding() -> None:
    base = {f"Web{number}": group() for number in range(22)}
    head = {f"Web{number}": group(egress=[tcp(22, **INTERNET)]) for number in range(22)}
    (found,) = findings(base, head)
    assert found.rule == "opened/security-group"
    assert found.sentence == "Egress to port 22 of the internet opens from 22 security groups."
    assert found.details[0].startswith("Shop/Web0, Shop/Web1, ")


@pytest.mark.parametrize(
    "head",
    [
        {"Web": group(tcp(81, 89, **INTERNET))},
        {"Web": group(tcp("80", "90", **INTERNET))},
        {"Web": group({**tcp(80, 90, **INTERNET), "IpProtocol": "6", "Description": "other"})},
        {"Web": group(tcp(80, 84, **INTERNET), tcp(85, 90, **INTERNET))},
        {"Web": group(tcp(80, CidrIp="10.0.0.0/8"))},
        {"Web": group(tcp(80, SourceSecurityGroupId="sg-1"))},
        {"Web": group(tcp(80, SourcePrefixListId="pl-1"))},
        {"Web": group(), "Rule": rule("Ingress", "Web", **tcp(80, 90, **INTERNET))},
        {"Web": group({"Fn::If": ["Open", tcp(80, **INTERNET), {"Ref": "AWS::NoValue"}]})},
        {"Web": group({"Fn::If": ["Open", tcp(80, **INTERNET), tcp(90, **INTERNET)]})},
        {},
    ],
)
def test_a_rule_that_is_narrowed_moved_split_or_renamed_opens_nothing(head: Any) -> None:
    assert sentences({"Web": group(tcp(80, 90, **INTERNET))}, head) == []


@pytest.mark.parametrize(
    ("head", "opens"),
    [
        (tcp(79, 90, **INTERNET), "The internet can now reach port 79"),
        (tcp(80, 91, **INTERNET), "The internet can now reach port 91"),
        (tcp(70, 100, **INTERNET), "The internet can now reach ports 70-79 and 91-100"),
        (tcp(0, 65535, **INTERNET), "The internet can now reach ports 0-79 and 91-65535"),
        ({"IpProtocol": "-1", **INTERNET}, "The internet can now reach every port"),
        ({**tcp(80, **INTERNET), "IpProtocol": "udp"}, "The internet can now reach UDP port 80"),
        ({**tcp(-1, **INTERNET), "IpProtocol": "icmp"}, "The internet can now reach everything that takes ICMP"),
        (tcp(22, CidrIp="10.0.0.0/8"), "10.0.0.0/8 can now reach port 22"),
        (tcp(22, SourcePrefixListId="pl-1"), "The prefix list pl-1 can now reach port 22"),
        (tcp(22, SourceSecurityGroupId="sg-1"), "The security group sg-1 can now reach port 22"),
        (
            tcp({"Fn::GetAtt": ["Db", "Port"]}, CidrIp="10.0.0.0/8"),
            "10.0.0.0/8 can now reach a port that is not known yet",
        ),
    ],
)
def test_only_the_difference_of_a_widened_rule_is_an_opening(head: Any, opens: str) -> None:
    (found,) = sentences({"Web": group(tcp(80, 90, **INTERNET))}, {"Web": group(tcp(80, 90, **INTERNET), head)})
    assert found[1] == f"{opens} of the EC2 security group Shop/Web."


def test_a_wider_address_range_is_an_opening_and_a_part_of_it_is_not() -> None:
    narrow, wide = {"Web": group(tcp(80, CidrIp="10.1.0.0/16"))}, {"Web": group(tcp(80, CidrIp="10.0.0.0/8"))}
    said = "10.0.0.0/8 can now reach port 80 of the EC2 security group Shop/Web."
    assert sentences(narrow, wide) == [("security-group", said)]
    assert sentences(wide, narrow) == []


def test_the_range_of_a_vpc_of_the_stack_is_known() -> None:
    vpc = {"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}}
    base = {**vpc, "Web": group(tcp(80, CidrIp={"Fn::GetAtt": ["Vpc", "CidrBlock"]}))}
    assert sentences(base, {**vpc, "Web": group(tcp(80, CidrIp="10.0.1.0/24"))}) == []
    assert len(sentences(base, {**vpc, "Web": group(tcp(80, CidrIp="10.1.1.0/24"))})) == 1


def test_a_connection_of_two_groups_is_said_once_by_their_names() -> None:
    base = {"Web": group(), "Db": group()}
    head = {
        **base,
        "In": rule("Ingress", "Db", **tcp(5432, SourceSecurityGroupId={"Ref": "Web"})),
        "Out": rule("Egress", "Web", **tcp(5432, DestinationSecurityGroupId={"Fn::GetAtt": ["Db", "GroupId"]})),
    }
    said = "The EC2 security group Shop/Web can now reach port 5432 of the EC2 security group Shop/Db."
    assert sentences(base, head) == [("security-group", said)]


def test_many_groups_that_reach_one_are_one_finding() -> None:
    base = {"Db": group(), **{f"Web{number}": group() for number in range(5)}}
    rules = [tcp(5432, SourceSecurityGroupId={"Ref": f"Web{number}"}) for number in range(5)]
    (found,) = findings(base, {**base, "Db": group(*rules)})
    assert found.sentence == (
        "The EC2 security group Shop/Web0, the EC2 security group Shop/Web1 and 3 more can now reach port 5432 of the "
        "EC2 security group Shop/Db."
    )
    assert found.details[0].count("Shop/Web") == 5


def test_a_group_of_another_account_is_said_as_that() -> None:
    peer = {"SourceSecurityGroupId": "sg-1", "SourceSecurityGroupOwnerId": "222222222222"}
    said = (
        "The security group sg-1 of the account 222222222222 can now reach port 80 of the EC2 security group Shop/Web."
    )
    assert sentences({"Web": group()}, {"Web": group(tcp(80, **peer))}) == [("other-account", said)]
    own = {**peer, "SourceSecurityGroupOwnerId": {"Ref": "AWS::AccountId"}}
    assert sentences({"Web": group()}, {"Web": group(tcp(80, **own))})[0][0] == "security-group"


def test_of_a_new_group_only_what_the_internet_reaches_is_said() -> None:
    new = {"Web": group(tcp(443, **INTERNET), tcp(80, CidrIp="10.0.0.0/8"), egress=[tcp(443, **INTERNET)])}
    said = [("internet", "The internet can now reach port 443 of the EC2 security group Shop/Web.")]
    assert sentences({}, new) == said
    assert sentences(None, new) == said


def test_of_a_new_app_an_existing_group_is_no_opening_within_the_account() -> None:
    def imported(**peer: Any) -> dict[str, Any]:
        properties = {"GroupId": "sg-1", **tcp(80, **peer)}
        return {"Rule": {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": properties}}

    assert sentences(None, imported(CidrIp="10.0.0.0/8")) == []
    assert len(sentences({}, imported(CidrIp="10.0.0.0/8"))) == 1
    assert len(sentences(None, imported(**INTERNET))) == 1


def test_a_group_under_another_id_that_opens_no_more_than_the_removed_one_opens_nothing() -> None:
    base = {"Web": group(tcp(443, **INTERNET))}
    assert sentences(base, {"Web2": group(tcp(443, **INTERNET))}) == []
    assert len(sentences(base, {"Web2": group(tcp(22, **INTERNET))})) == 1
    assert len(sentences(base, {**base, "Web2": group(tcp(443, **INTERNET))})) == 1


def test_a_group_without_egress_rules_reaches_everything_already() -> None:
    default = {"Web": {"Type": "AWS::EC2::SecurityGroup", "Properties": {}}}
    explicit = {"Web": group(egress=[tcp(443, **INTERNET)])}
    assert sentences(default, explicit) == []
    assert sentences(default, {**default, "Rule": rule("Egress", "Web", **tcp(22, **INTERNET))}) == []
    assert sentences(explicit, default) == [], "a group whose rules are removed later gets no default rule"


def test_a_rule_for_a_group_of_another_stack_is_compared_with_those_of_the_group() -> None:
    exported = {"Ref": "Web"}
    base = {"Net": {"Web": group(tcp(80, 90, **INTERNET))}, "App": {"T": {"Type": "AWS::SNS::Topic"}}}
    head = {
        "Net": {"Web": group()},
        "App": {
            "Rule": {
                "Type": "AWS::EC2::SecurityGroupIngress",
                "Properties": {"GroupId": {"Fn::GetStackOutput": {"StackName": "Net", "OutputName": "Web"}}}
                | tcp(80, **INTERNET),
            }
        },
    }
    comparison = compared(base, head)
    net = comparison.stacks[0]
    assert net.after
    net.after.template["Outputs"] = {"Web": {"Value": exported}}  # type: ignore[index]  # a dictionary of this test
    assert list(opened(comparison)) == []


RANGES = strategies.tuples(strategies.integers(0, 30), strategies.integers(0, 30)).map(lambda ends: tuple(sorted(ends)))


@hypothesis.given(RANGES, strategies.lists(RANGES, max_size=4))
def test_what_is_beyond_other_rules_is_each_port_that_is_in_none_of_them(
    ports: tuple[int, int], others: list[tuple[int, int]]
) -> None:
    def made(ports: tuple[int, int]) -> Rule:
        return Rule("group", ingress=True, protocol="tcp", ports=ports, peer=Peer("range", "0.0.0.0/0"))

    found: set[int] = set()
    for beyond in made(ports).beyond([made(each) for each in others]):
        assert not isinstance(beyond, str)
        found |= set(range(beyond[0], beyond[1] + 1))
    covered = {port for first, last in others for port in range(first, last + 1)}
    assert found == set(range(ports[0], ports[1] + 1)) - covered
    assert list(made(ports).beyond([made(EVERY_PORT)])) == []


def test_traffic_to_a_new_group_is_no_news() -> None:
    edge, to_new = {"Edge": group()}, tcp(80, DestinationSecurityGroupId={"Fn::GetAtt": ["New", "GroupId"]})
    new = {"Edge": group(), "New": group(), "Rule": rule("Egress", "Edge", **to_new)}
    assert sentences(edge, new) == []
    assert len(sentences({**edge, "New": group()}, new)) == 1

"""The subnets that EC2 refuses because their ranges overlap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from moorage.assembly.cloud_assembly import Stack, stacks_of
from moorage.review.comparison import compare
from moorage.review.replacement.replacement import replaced
from moorage.review.subnets import overlapping_subnets
from tests.review.templates import compared

NETWORK = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}


def subnet(block: Any, vpc: str = "Vpc") -> dict[str, Any]:
    return {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": vpc}, "CidrBlock": block}}


def sentences(base: dict[str, Any], head: dict[str, Any]) -> list[str]:
    comparison = replaced(compared({"Shop": {"Vpc": NETWORK, **base}}, {"Shop": {"Vpc": NETWORK, **head}}))
    return [finding.sentence for finding in overlapping_subnets(comparison)]


def test_a_new_subnet_overlaps_with_another() -> None:
    assert sentences({"A": subnet("10.0.0.0/18")}, {"A": subnet("10.0.0.0/18"), "B": subnet("10.0.32.0/19")}) == [
        "The new EC2 subnet Shop/B is refused: its range 10.0.32.0/19 overlaps with the range of the EC2 subnet "
        "Shop/A, 10.0.0.0/18, which CloudFormation deletes only later."
    ]


def test_a_replaced_subnet_overlaps_with_its_own_old_range() -> None:
    (sentence,) = sentences({"A": subnet("10.0.0.0/18")}, {"A": subnet("10.0.0.0/19")})
    assert "its range 10.0.0.0/19 overlaps with its own old range, 10.0.0.0/18" in sentence


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("10.0.0.0/19", "10.0.32.0/19"),
        ("10.0.0.0/19", {"Fn::GetAtt": ["Vpc", "CidrBlock"]}),
        ({"Ref": "Range"}, "10.0.0.0/19"),
        ("10.0.0.0/19", "fd00::/64"),
        ("10.0.0.0/19", 7.5),
    ],
)
def test_ranges_that_do_not_overlap_or_are_not_known_are_permitted(before: Any, after: Any) -> None:
    assert sentences({"A": subnet(before)}, {"A": subnet(before), "B": subnet(after)}) == []


def test_a_subnet_of_another_vpc_may_have_the_range() -> None:
    head = {"New": NETWORK, "A": subnet("10.0.0.0/19", "New")}
    assert sentences({"A": subnet("10.0.0.0/18")}, head) == []


def test_a_subnet_that_stays_is_not_new() -> None:
    tagged = subnet("10.0.0.0/18")
    tagged["Properties"]["Tags"] = [{"Key": "a", "Value": "b"}]
    assert sentences({"A": subnet("10.0.0.0/18")}, {"A": tagged}) == []


def test_a_further_zone_moves_the_subnets_of_cdk(tmp_path: Path) -> None:
    def synthesized(zones: int) -> tuple[Stack, ...]:
        app = cdk.App(outdir=str(tmp_path / str(zones)))
        stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="111111111111", region="eu-west-1"))
        network = ec2.Vpc(stack, "Vpc", max_azs=zones, nat_gateways=0)
        assert len(network.public_subnets) == zones
        app.synth()
        return stacks_of(tmp_path / str(zones))

    (finding,) = overlapping_subnets(replaced(compare(synthesized(1), synthesized(2))))
    assert "overlaps with" in finding.sentence
    assert "subnets of the stack overlap in this way" in finding.sentence

"""Estimates: sums, regions, prices and comparisons."""

from __future__ import annotations

from decimal import Decimal

import attrs

from moorage.cost.amounts import Range
from moorage.cost.estimate import Sum, estimate
from moorage.cost.parts import Kind
from moorage.cost.usage import Usage
from tests.cost.cost_rows import BOOK, Resource, estimated, stack_of

NAT = Resource("EC2::NatGateway", {"SubnetId": "a"})
KEY = Resource("KMS::Key")
NAT_MONTH = Decimal("32.85")


def test_sums_are_those_of_constructs_stacks_and_all() -> None:
    found = estimated(stack_of({"Nat": NAT, "Key": KEY}), stack_of({"Key": KEY}, name="Other"), use={"nat_gb": 10})
    assert found.total == Sum(Range.of(NAT_MONTH + 2), Decimal("0.45"))
    assert found.total.total == Range.of(NAT_MONTH + 2 + Decimal("0.45"))
    assert found.stacks == {"Shop": Sum(Range.of(NAT_MONTH + 1), Decimal("0.45")), "Other": Sum(Range.of(Decimal(1)))}
    assert found.constructs["Shop", "Shop/Nat"] == Sum(Range.of(NAT_MONTH), Decimal("0.45"))


def test_a_construct_is_the_part_directly_below_the_stack() -> None:
    shop = stack_of({"Nat": NAT})
    shop.template["Resources"]["Nat"]["Metadata"] = {"aws:cdk:path": "Shop/Network/Public/Nat/Resource"}
    (row, _) = estimated(shop).rows
    assert (row.stack, row.construct, row.path) == ("Shop", "Shop/Network", "Shop/Network/Public/Nat")


def test_the_resources_of_nested_stacks_belong_to_their_top_level_stack() -> None:
    inner = stack_of({"Nat": NAT}, name="Shop/Inner")
    parent = stack_of({"Inner": Resource("CloudFormation::Stack", {"TemplateURL": "https://example.com"})})
    found = estimated(attrs.evolve(parent, nested={"Inner": inner}))
    assert found.stacks == {"Shop": Sum(Range.of(NAT_MONTH))}


def test_patterns_select_stacks_but_references_still_lead_to_the_others() -> None:
    found = estimated(stack_of({"Nat": NAT}), stack_of({"Key": KEY}, name="Other"))
    assert list(found.of(["Oth*"]).stacks) == ["Other"]
    assert found.of(()) == found
    assert found.of(["nothing"]).rows == ()


def test_a_stack_without_a_region_has_the_prices_of_the_given_one() -> None:
    agnostic = stack_of({"Nat": NAT}, region=None)
    found, elsewhere = estimate([agnostic], BOOK), estimate([agnostic], BOOK, region="eu-west-1")
    assert found.rows[0].region == "us-east-1"
    assert found.notes == ("stacks without a region have the prices of us-east-1; --region changes it",)
    assert elsewhere.rows[0].price == Decimal("0.048")
    assert elsewhere.notes == ("stacks without a region have the prices of eu-west-1",)


def test_a_region_without_a_price_uses_another_one_and_says_so() -> None:
    found = estimated(stack_of({"Nat": NAT}, region="xx-nowhere-1"))
    assert found.rows[0].price == Decimal("0.045")
    (note,) = found.notes
    assert note == "the price book has no price in xx-nowhere-1 for nat.gb, nat.hour: those of us-east-1 are used"


def test_a_stack_without_a_region_in_a_region_without_prices_has_one_true_note() -> None:
    agnostic = stack_of({"Nat": NAT}, region=None)
    found = estimate([agnostic, stack_of({"Key": KEY}, name="Other")], BOOK, region="xx-nowhere-1")
    said = (
        "stacks without a region are estimated in xx-nowhere-1, but the price book has no price in xx-nowhere-1 for "
        "nat.gb, nat.hour: those of us-east-1 are used"
    )
    assert found.notes == (said,)
    assert found.of(["Shop"]).notes == (said,)
    assert found.of(["Other"]).notes == ()


def test_an_item_without_a_price_is_unknown_and_never_free() -> None:
    cache = Resource("ElastiCache::ReplicationGroup", {"CacheNodeType": "cache.zz.large", "NumCacheClusters": 2})
    (row,) = estimated(stack_of({"Cache": cache})).rows
    assert row.kind is Kind.UNKNOWN
    assert row.month is None
    assert row.quantity == Range.of(1460)
    assert "is not in the price book" in row.assumptions[-1]


def test_every_price_names_its_source() -> None:
    found = estimated(stack_of({"Nat": NAT, "Key": KEY}))
    assert all(row.source for row in found.rows if row.price is not None)


def test_equal_arguments_give_equal_estimates_and_different_ones_different_rows() -> None:
    one, same = (estimate([stack_of({"Nat": NAT})], BOOK, Usage()) for _ in range(2))
    two = estimate([stack_of({"Nat": NAT, "Key": KEY})], BOOK)
    assert one == same
    assert set(two.rows) - set(one.rows) == {row for row in two.rows if row.type == "AWS::KMS::Key"}


def test_free_resources_are_counted_once() -> None:
    found = estimated(stack_of({"Role": Resource("IAM::Role"), "Nat": NAT, "Trail": Resource("CloudTrail::Trail")}))
    assert found.free_resources == 2

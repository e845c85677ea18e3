"""The cost of a change: its lines and rows in each form, the limits, and the command."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import attrs
import jsonschema
import pytest
from click.testing import CliRunner, Result

from moorage.assembly.cloud_assembly import Stack
from moorage.cost.amounts import Range
from moorage.cost.money import signed
from moorage.prices.book import PriceBook, shipped_file
from moorage.review.command import review_command
from moorage.review.cost import CostOptions, CostReader, ReviewedCost
from moorage.review.forms import html, junit, markdown, sarif, terminal
from moorage.review.forms import json as json_form
from moorage.review.review import Review, review
from tests.review.templates import stacks

SCHEMA = json.loads((Path(json_form.__file__).parent / "review.schema.json").read_text())
SARIF = json.loads((Path(__file__).parent / "sarif-schema-2.1.0.json").read_text())
Resources = Mapping[str, Any]


def resource(type_: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{type_}", "Properties": properties}


KEY, NAT, QUEUE = resource("KMS::Key"), resource("EC2::NatGateway", SubnetId="a"), resource("SQS::Queue")
UNPRICED = resource("MSK::Cluster")
SECRET = resource("SecretsManager::Secret")
ALARM = resource("CloudWatch::Alarm", Period=60, MetricName="CPU")
NEW_TASKS = (
    "Causes: Fargate vCPU of Shop/Web +$29.55 with the least copies and +$59.10 with the most copies; Fargate memory "
    "of Shop/Web +$6.49 with the least copies and +$12.98 with the most copies."
)


def tasks(least: int = 2, most: int = 2, provider: str = "FARGATE") -> dict[str, Any]:
    """Return a service of tasks with 1 vCPU and 2 GB, and its scaling."""
    strategy = [{"CapacityProvider": provider, "Weight": 1}]
    return {
        "Task": resource("ECS::TaskDefinition", Cpu="1024", Memory="2048"),
        "Web": resource("ECS::Service", TaskDefinition={"Ref": "Task"}, CapacityProviderStrategy=strategy),
        "Target": resource(
            "ApplicationAutoScaling::ScalableTarget",
            ResourceId={"Fn::Join": ["/", ["service", "c", {"Fn::GetAtt": ["Web", "Name"]}]]},
            MinCapacity=least,
            MaxCapacity=most,
        ),
    }


def services(*names: str, copies: int = 1) -> dict[str, Any]:
    """Return services of tasks with 1 vCPU and 2 GB, beside those of `tasks`."""
    strategy = [{"CapacityProvider": "FARGATE", "Weight": 1}]
    task = {"Ref": "Task"}
    own = resource("ECS::Service", TaskDefinition=task, CapacityProviderStrategy=strategy, DesiredCount=copies)
    return dict.fromkeys(names, own)


def reviewed(base: Resources | None, head: Resources, options: CostOptions | None = None) -> Review:
    """Review a change of the stack Shop."""
    return of_stacks(None if base is None else stacks({"Shop": base}), stacks({"Shop": head}), options)


def of_stacks(base: list[Stack] | None, head: list[Stack], options: CostOptions | None = None) -> Review:
    found = review(base, head, policy=False)
    return attrs.evolve(found, cost=CostReader.of(options or CostOptions()).reviewed(found.comparison))


def cost_of(found: Review) -> ReviewedCost:
    assert found.cost
    return found.cost


def line(found: Review) -> str:
    """Return the lines about the cost at the top of the page; empty otherwise."""
    shown = terminal.render(found).splitlines()
    start = next((number for number, each in enumerate(shown) if each.startswith("Cost: ")), None)
    if start is None:
        return ""
    has_causes = shown[start + 1 :] and re.match("(Largest c|C)auses?[:,] ", shown[start + 1])
    return "\n".join(shown[start : start + (2 if has_causes else 1)])


@pytest.mark.parametrize(
    ("base", "head", "said"),
    [
        (
            {"Key": KEY},
            {"Key": KEY, "Nat": NAT},
            "$35.04 a month more ($1.00 → $36.04).\nCause: NAT gateway Shop/Nat +$35.04.",
        ),
        (
            {"Key": KEY, "Nat": NAT},
            {"Key": KEY},
            "$35.04 a month less ($36.04 → $1.00).\nCause: NAT gateway Shop/Nat -$35.04.",
        ),
        (None, {"Key": KEY}, "$1.00 a month.\nCause: KMS key Shop/Key +$1.00."),
        ({}, {"One": KEY, "Two": KEY}, "$2.00 a month more ($0.00 → $2.00).\nCause: 2 KMS keys +$2.00."),
        (
            tasks(2, 4),
            tasks(2, 6),
            "unchanged with the least copies ($72.08 a month); $72.08 a month more with the most copies ($144.16 → "
            "$216.24).\nCauses, only with the most copies: Fargate vCPU of Shop/Web +$59.10; Fargate memory of "
            "Shop/Web +$12.98.",
        ),
        (
            tasks(2, 4),
            {**tasks(1, 4), "Key": KEY},
            "$35.04 a month less with the least copies ($72.08 → $37.04); $1.00 a month more with the most copies "
            "($144.16 → $145.16).\nCauses: Fargate vCPU of Shop/Web -$29.55 only with the least copies; Fargate memory "
            "of Shop/Web -$6.49 only with the least copies; KMS key Shop/Key +$1.00.",
        ),
        (
            tasks(2, 4),
            tasks(1, 6),
            "$36.04 a month less with the least copies ($72.08 → $36.04); $72.08 a month more with the most copies "
            "($144.16 → $216.24).\nCauses: Fargate vCPU of Shop/Web -$29.55 with the least copies and +$59.10 with the "
            "most copies; Fargate memory of Shop/Web -$6.49 with the least copies and +$12.98 with the most copies.",
        ),
        (
            {**tasks(2, 4), **services("Api", "Admin")},
            {**tasks(1, 4), **services("Api", "Admin", "Mail", "Search")},
            "$36.04 a month more with the least copies ($144.16 → $180.20); $72.08 a month more with the most copies "
            "($216.24 → $288.32).\nCauses: Fargate vCPU of 3 ECS services +$29.55 with the least copies and +$59.10 "
            "with the most copies; Fargate memory of 3 ECS services +$6.49 with the least copies and +$12.98 with the "
            "most copies.",
        ),
        (None, tasks(1, 2), "$36.04 a month with the least copies, $72.08 with the most copies.\n" + NEW_TASKS),
        (
            {"Key": KEY},
            {"Nat": NAT, "Secret": SECRET, "Alarm": ALARM},
            "$34.54 a month more ($1.00 → $35.54).\nLargest causes: NAT gateway Shop/Nat +$35.04; KMS key Shop/Key "
            "-$1.00; Secret of Shop/Secret +$0.40; and 1 more.",
        ),
        (
            {"Key": KEY},
            {"Key": KEY, "Kafka": UNPRICED},
            "unchanged ($1.00 a month). The cost of 1 component is not known.",
        ),
    ],
)
def test_the_first_lines_have_the_difference_and_its_causes(base: Resources, head: Resources, said: str) -> None:
    assert line(reviewed(base, head)) == f"Cost: {said}"


@pytest.mark.parametrize(
    ("base", "head"),
    [
        ({"Key": KEY}, {"Key": resource("KMS::Key", EnableKeyRotation=True)}),
        ({"Key": KEY}, {"Key": KEY, "Queue": QUEUE}),  # billed only by use
        ({"Key": KEY, "Kafka": UNPRICED}, {"Key": KEY, "Kafka": UNPRICED}),
    ],
)
def test_an_equal_cost_is_not_mentioned(base: Resources, head: Resources) -> None:
    found = reviewed(base, head)
    for form in (terminal, markdown, html):
        assert "cost" not in form.render(found).lower()


def test_every_form_has_the_causes_and_where_the_prices_come_from() -> None:
    found = reviewed({"Key": KEY}, {"Key": KEY, "Nat": NAT, "Kafka": UNPRICED})
    date = str(cost_of(found).prices)
    for form in (terminal, markdown, html):
        text = form.render(found)
        for said in (
            "NAT gateway",
            "Shop/Nat",
            "35.04",
            "eu-west-1",
            date,
            "Resource of Shop/Kafka",
            "NAT gateway data",
        ):
            assert said in text, form.__name__
    jsonschema.Draft7Validator(SCHEMA).validate(json.loads(json_form.render(found)))
    log = json.loads(sarif.render(found))
    jsonschema.Draft4Validator(SARIF).validate(log)
    for cost in (json.loads(json_form.render(found))["cost"], log["runs"][0]["properties"]["cost"]):
        (change,) = cost["changes"]
        assert (change["path"], change["after"]) == ("Shop/Nat", {"least": "35.04", "most": "35.04"})
        assert (cost["prices"], cost["byUse"]) == (date, ["NAT gateway data"])
        assert cost["unknown"] == ["Resource of Shop/Kafka (moorage has no rule for AWS::MSK::Cluster)"]


def test_the_rows_of_the_terminal_and_of_markdown() -> None:
    found = reviewed({"Key": KEY}, {"Nat": NAT})
    assert re.search(r"NAT gateway +0.00 +35.04 +\+35.04\n  Shop/Nat", terminal.render(found))
    assert "| KMS key | Shop/Key | 1.00 | 0.00 | -1.00 |\n" in markdown.render(found)


def test_a_long_list_ends_with_the_rest() -> None:
    def different(number: int) -> Resources:
        """Return services with different numbers of copies. Each service is two rows."""
        copies = {f"Web{each}": each for each in range(1, number + 1)}
        return {"Task": tasks()["Task"]} | {each: services(each, copies=copies[each])[each] for each in copies}

    found = reviewed({}, different(6))
    assert "| 2 more components |  | 0.00 | 19.47 | +19.47 |" in markdown.render(found)
    assert "more components" not in markdown.render(reviewed({}, {**different(5), "Key": KEY}))


def test_the_largest_difference_of_either_end_is_first() -> None:
    found = reviewed(tasks(2, 4), {**tasks(2, 6), "Key": KEY})
    assert [each.component for each in cost_of(found).difference.changes] == [
        "Fargate vCPU",
        "Fargate memory",
        "KMS key",
    ]
    assert "Causes: Fargate vCPU of Shop/Web +$59.10 only with the most copies;" in line(found)


def test_equal_components_are_one_row() -> None:
    found = reviewed({}, {**dict.fromkeys(("A", "B", "C"), KEY), "Nat": NAT})
    assert "| KMS key | Shop/A, Shop/B and 1 more | 0.00 | 3.00 | +3.00 |" in markdown.render(found)


def test_a_difference_that_depends_on_the_copies_has_two_columns() -> None:
    text = markdown.render(reviewed(tasks(2, 4), tasks(1, 6)))
    assert "| component | resources | before | after | change, least copies | change, most copies |" in text
    assert "| Fargate vCPU | Shop/Web | 59.10 to 118.20 | 29.55 to 177.30 | -29.55 | +59.10 |" in text
    assert "A range is from the least to the most copies." in text
    assert "Assumptions" not in text  # that of the scaling says the same
    assert "A range" not in markdown.render(reviewed({"Key": KEY}, {"Nat": NAT}))


def test_a_comment_that_is_cut_keeps_the_line_of_the_cost() -> None:
    many = {f"Topic{number:05}": resource("SNS::Topic", TopicName="x" * 200) for number in range(2000)}
    text = markdown.render(reviewed({"Key": KEY}, {"Key": KEY, "Nat": NAT, **many}))
    assert len(text) <= markdown.LONGEST
    assert "- Cost: $35.04 a month more" in text
    assert "| NAT gateway | Shop/Nat |" in text


def test_a_stack_that_moves_to_another_region_is_compared_with_itself() -> None:
    base = stacks({"Shop": {"Nat": NAT}})
    found = of_stacks(base, [attrs.evolve(base[0], region="us-east-1")])
    (change,) = cost_of(found).difference.changes
    assert (change.before.least, change.after.least) == (Decimal("35.04"), Decimal("32.85"))
    assert "list prices in eu-west-1 and us-east-1 of" in terminal.render(found)
    assert "Not in the sum: $35.04 a month of the stack Shop, until somebody deletes it." in terminal.render(found)
    assert "Until the stack Shop is deleted, AWS bills $35.04 a month more.\n" in line(found)


def test_a_stack_without_a_region_has_that_of_the_other_side() -> None:
    (shop,) = stacks({"Shop": {"Nat": NAT}})
    for base, head in ((None, "eu-west-1"), ("eu-west-1", None)):
        found = of_stacks([attrs.evolve(shop, region=base)], [attrs.evolve(shop, region=head)])
        assert cost_of(found).difference.is_zero
        assert cost_of(found).difference.after.total.least == Decimal("35.04")


def test_an_added_a_removed_and_a_renamed_stack() -> None:
    base = stacks({"Shop": {"Key": KEY}, "Old": {"Nat": NAT}})
    head = stacks({"Shop": {"Key": KEY}, "New": {"One": KEY, "Two": KEY}})
    assert line(of_stacks(base, head)).startswith(
        "Cost: $33.04 a month less ($36.04 → $3.00). Until the stack Old is deleted, AWS bills $35.04 a month more.\n"
        "Causes: NAT gateway Old/Nat -$35.04; 2 KMS keys +$2.00."
    )
    same_name = attrs.evolve(base[1], path="Other")
    assert cost_of(of_stacks(base, [base[0], same_name])).difference.is_zero


def test_removed_stacks_are_billed_until_they_are_deleted() -> None:
    base = stacks({"Shop": {"Key": KEY}, "One": {"Nat": NAT}, "Two": {"Nat": NAT}})
    assert "Until 2 stacks are deleted, AWS bills $70.08 a month more." in line(of_stacks(base, base[:1]))


def test_a_stack_with_another_name_has_no_causes_of_nothing() -> None:
    found = of_stacks(stacks({"Shop": tasks(2, 4)}), stacks({"Store": tasks(2, 4)}))
    assert line(found) == (
        "Cost: unchanged ($72.08 a month with the least copies, $144.16 with the most copies). "
        "Until the stack Shop is deleted, AWS bills $72.08 to $144.16 a month more."
    )
    assert "Not in the sum: $72.08 to $144.16 a month of the stack Shop, until" in terminal.render(found)


def kept_cost(base: Resources, head: Resources) -> Mapping[str, Range]:
    return cost_of(reviewed(base, head)).kept


def test_a_resource_that_stays_in_no_stack_is_billed() -> None:
    nat = {**NAT, "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    found = reviewed({"Nat": nat, "Key": KEY}, {"Key": KEY})
    assert "($36.04 → $1.00). AWS also bills $35.04 a month of Shop/Nat, which is kept in no stack.\n" in line(found)
    assert "Not in the sum: $35.04 a month of the old Shop/Nat, which is kept in no stack." in terminal.render(found)
    moved = {**nat, "Properties": {"SubnetId": "b"}}
    found = reviewed({"Nat": nat}, {"Nat": moved})
    assert line(found) == (
        "Cost: unchanged ($35.04 a month). AWS also bills $35.04 a month of Shop/Nat, which is kept in no stack."
    )
    found = reviewed({"One": nat, "Two": nat}, {"One": moved, "Two": moved})
    assert line(found).endswith("AWS also bills $70.08 a month of 2 resources, which are kept in no stack.")


def test_a_resource_that_is_deleted_or_stays_in_its_stack_is_not_kept() -> None:
    nat = {**NAT, "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    assert kept_cost({"Nat": NAT}, {}) == {}
    assert kept_cost({"Nat": {**nat, "UpdateReplacePolicy": "Delete"}}, {"Nat": {**NAT, "Properties": {}}}) == {}
    assert kept_cost({"Nat": nat}, {"Nat": {**nat, "Properties": {"SubnetId": "a", "Tags": []}}}) == {}
    base = stacks({"Shop": {"Nat": nat}, "Web": {"Key": KEY}})
    assert cost_of(of_stacks(base, base[1:])).kept == {}  # it stays in its stack


def test_the_resources_of_a_row_are_indented_in_each_line() -> None:
    names = {f"ServiceWithALongName{'X' * 30}{each}": NAT for each in range(3)}
    page = terminal.render(reviewed({}, names))
    start = page.index("\nNAT gateway ")
    lines = page[start:].splitlines()[2:4]
    assert [each[:7] for each in lines] == ["  Shop/", "  Shop/"]


def test_an_exceeded_limit_says_whose_prices_it_counts() -> None:
    (shop,) = stacks({"Shop": {"Nat": NAT}})
    nowhere = [attrs.evolve(shop, region="xx-nowhere-1")]
    assert "those of us-east-1 are used" in terminal.render(of_stacks(nowhere, nowhere, limits("1")))
    assert "those of us-east-1 are used" not in terminal.render(of_stacks(nowhere, nowhere, limits("100")))


def test_a_resource_with_another_id_is_compared_with_itself() -> None:
    telling = dict.fromkeys(("Enabled", "EnableKeyRotation", "MultiRegion", "KeyUsage", "KeySpec", "Origin"), True)
    one, same, renamed = (
        {**resource("KMS::Key", **telling), "Metadata": {"aws:cdk:path": f"Shop/{name}/Key/Resource"}}
        for name in ("Data", "Data", "Vault")
    )
    assert cost_of(reviewed({"DataA": one}, {"DataB": same})).difference.is_zero
    assert cost_of(reviewed({"DataA": one}, {"VaultA": renamed})).difference.is_zero


def test_a_region_without_prices_says_whose_are_used() -> None:
    (shop,) = stacks({"Shop": {"Nat": NAT}})
    nowhere = attrs.evolve(shop, region="xx-nowhere-1")
    said = "The price book has no price in xx-nowhere-1 for nat.gb, nat.hour: those of us-east-1 are used."
    assert said in terminal.render(of_stacks([attrs.evolve(nowhere, template={"Resources": {}})], [nowhere]))


def test_the_price_of_spot_is_marked_as_assumed_in_every_form() -> None:
    found = reviewed(tasks(2), tasks(2, provider="FARGATE_SPOT"))
    for form in (terminal, markdown, html):
        text = form.render(found)
        assert text.count("$36.04 of the new sum rests on assumed prices.") == 1
        said = "Assumed prices of Fargate Spot vCPU and Fargate Spot memory: Spot costs 50 percent less"
        assert text.count(said) == 1
        assert "(assumed)" not in text
    cost = json.loads(json_form.render(found))["cost"]
    assert [each["assumed"] for each in cost["changes"]] == [
        each["component"].startswith("Fargate Spot") for each in cost["changes"]
    ]
    assert cost["after"]["assumed"] == cost["after"]["fixed"]


def test_sums_that_contain_an_assumed_price_say_so_if_it_does_not_differ() -> None:
    spot = tasks(2, provider="FARGATE_SPOT")
    found = reviewed(spot, {**spot, "Key": KEY})
    assert line(found).startswith(
        "Cost: $1.00 a month more ($36.04 → $37.04). $36.04 of each sum rests on assumed prices.\nCause: KMS key"
    )
    said = "Assumed prices of Fargate Spot vCPU and Fargate Spot memory: Spot costs 50 percent less"
    for form in (terminal, markdown, html):
        assert form.render(found).count(said) == 1
    assert cost_of(found).difference.changes[0].component == "KMS key"
    new = reviewed(None, {**spot, "Key": KEY})
    assert "$37.04 a month. $36.04 of the new sum rests on assumed prices." in line(new)


def limits(monthly: str | None = None, percent: str | None = None, usage: Path | None = None) -> CostOptions:
    max_monthly, max_increase = (None if each is None else Decimal(each) for each in (monthly, percent))
    return CostOptions(usage, max_monthly, max_increase)


@pytest.mark.parametrize(
    ("base", "head", "options", "said"),
    [
        ({"Key": KEY}, {"One": KEY, "Two": KEY}, limits("2"), ""),
        (
            {"One": KEY},
            {"One": KEY, "Two": KEY},
            limits("1.99"),
            "the cost of $2.00 a month with the least copies is over --max-monthly 1.99; the largest cause is KMS key "
            "Shop/Two ($0.00 → $1.00 a month)",
        ),
        (
            {"One": KEY},
            {"One": KEY},
            limits("0.99"),
            "the cost of $1.00 a month with the least copies is over --max-monthly 0.99; the base costs $1.00 "
            "already; the change raises nothing, and the largest part is KMS key Shop/One ($1.00 a month)",
        ),
        (
            {"One": NAT},
            {"Two": KEY},
            limits("0.99"),
            "the cost of $1.00 a month with the least copies is over --max-monthly 0.99; the base costs $35.04 "
            "already, and the change saves $34.04",
        ),
        (
            {"One": KEY},
            {"One": KEY, "Two": KEY},
            limits("0.99"),
            "the cost of $2.00 a month with the least copies is over --max-monthly 0.99; the base costs $1.00 already; "
            "the largest cause is KMS key Shop/Two ($0.00 → $1.00 a month)",
        ),
        ({"One": KEY}, {"One": KEY, "Two": KEY}, limits(percent="100"), ""),
        (
            {"One": KEY},
            {"One": KEY, "Two": KEY},
            limits(percent="99.9"),
            "the cost rises by 100.0 percent with the least copies ($1.00 → $2.00 a month), over "
            "--max-increase-percent 99.9; the largest cause is KMS key Shop/Two ($0.00 → $1.00 a month)",
        ),
        ({"One": KEY, "Two": KEY}, {"One": KEY}, limits(percent="0"), ""),
        ({"One": KEY}, {"One": KEY}, limits(percent="0"), ""),
        ({}, {}, limits("0", "0"), ""),
        (
            {},
            {"One": KEY},
            limits(percent="500"),
            "the cost rises from $0.00 to $1.00 a month with the least copies, which is more than any percentage and "
            "so over --max-increase-percent 500; the largest cause is KMS key Shop/One ($0.00 → $1.00 a month); to "
            "limit an app that cost nothing before, use --max-monthly",
        ),
        (
            {"One": KEY},
            tasks(provider="FARGATE_SPOT"),
            limits("36"),
            "the cost of $36.04 a month with the least copies is over --max-monthly 36; the largest cause is Fargate "
            "Spot vCPU of Shop/Web ($0.00 → $29.55 a month); $36.04 of the new cost rests on assumed prices",
        ),
        (
            {},
            tasks(provider="FARGATE_SPOT"),
            limits(percent="10"),
            "the cost rises from $0.00 to $36.04 a month with the least copies, which is more than any percentage and "
            "so over --max-increase-percent 10; the largest cause is Fargate Spot vCPU of Shop/Web ($0.00 → $29.55 a "
            "month); $36.04 of the new cost rests on assumed prices; to limit an app that cost nothing before, use "
            "--max-monthly",
        ),
        (
            {**tasks(provider="FARGATE_SPOT"), "One": KEY},
            {**tasks(4, 4, provider="FARGATE_SPOT"), "One": KEY},
            limits(percent="10"),
            "the cost rises by 97.4 percent with the least copies ($37.04 → $73.08 a month), over "
            "--max-increase-percent 10; the largest cause is Fargate Spot vCPU of Shop/Web ($29.55 → $59.10 a month); "
            "$36.04 of the old cost and $72.08 of the new cost rest on assumed prices",
        ),
        (tasks(2, 2), tasks(2, 60), limits("72.08", "0"), ""),  # the least copies count
    ],
)
def test_limits_count_the_least_copies(base: Resources, head: Resources, options: CostOptions, said: str) -> None:
    assert cost_of(reviewed(base, head, options)).exceeded == ((said,) if said else ())


def test_an_exceeded_limit_is_on_every_page() -> None:
    found = reviewed({"One": KEY}, {"One": KEY}, limits("0.5"))
    for form in (terminal, markdown, html, json_form, sarif, junit):
        assert "is over --max-monthly 0.5" in form.render(found)
    suite = ET.fromstring(junit.render(found)).find("testsuite[@name='Cost']")  # noqa: S314  # our own text
    assert suite is not None
    assert suite.get("failures") == "1"
    assert "Cost" not in junit.render(reviewed({"One": KEY}, {"One": KEY}, limits("1")))


def test_a_usage_file_adds_what_it_states(tmp_path: Path) -> None:
    usage = tmp_path / "usage.toml"
    usage.write_text('[defaults]\nnat_gb = 100\n[constructs."Shop/Nothing"]\nlog_gb = 1\n')
    found = reviewed({"Key": KEY}, {"Key": KEY, "Nat": NAT}, limits("40.83", usage=usage))
    assert line(found).startswith("Cost: $39.84 a month more ($1.00 → $40.84)")
    assert cost_of(found).exceeded
    assert cost_of(found).difference.unused == ('[constructs."Shop/Nothing"] of the usage file matches no construct',)


def test_a_difference_has_a_sign() -> None:
    found = cost_of(reviewed(tasks(2, 4), tasks(1, 6))).difference.changes[0].difference
    assert (signed(found.least), signed(found.most, "$")) == ("-29.55", "+$59.10")
    assert signed(Decimal("0.004"), "$") == "$0.00"


@pytest.fixture
def sides(tmp_path: Path) -> tuple[str, str]:
    """Write two assemblies and return their folders. The second one has a NAT gateway more."""
    folders = []
    for name, resources in {"base": {"Key": KEY}, "head": {"Key": KEY, "Nat": NAT}}.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "Shop.template.json").write_text(json.dumps({"Resources": resources}))
        stack = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://111111111111/eu-west-1",
            "properties": {"templateFile": "Shop.template.json"},
        }
        (folder / "manifest.json").write_text(json.dumps({"version": "48.0.0", "artifacts": {"Shop": stack}}))
        folders.append(str(folder))
    return folders[0], folders[1]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(review_command, [*arguments, "--no-policy"])


def test_the_command_prints_the_cost_and_fails_over_a_limit(sides: tuple[str, str]) -> None:
    done = run(*sides)
    assert done.exit_code == 0
    assert "Cost: $35.04 a month more ($1.00 → $36.04)" in done.output
    assert run(*sides, "--max-monthly", "1e12").exit_code == 0
    assert run(*sides, "--max-monthly", "36.04", "--max-increase-percent", "3504").exit_code == 0
    over = run(*sides, "--max-monthly", "36.03", "--max-increase-percent", "3503.99")
    assert over.exit_code == 1
    assert over.stderr.startswith("moorage review: the cost of $36.04 a month with the least copies is over")
    assert over.stderr.count("\n") == 2
    assert run(*sides, "--max-monthly", "36.03", "--fail-on", "lost").exit_code == 1
    assert run("--new", sides[1], "--max-monthly", "36.03").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--max-monthly", "$100"],
            "--max-monthly must be an amount in USD, without $ and commas, of at least 0 (got '$100'); write "
            "--max-monthly 100.",
        ),
        (["--max-monthly", "-1"], "of at least 0 (got '-1'); write --max-monthly 125."),
        (["--max-monthly", "1,000"], "without $ and commas, of at least 0 (got '1,000'); write --max-monthly 1000."),
        (["--max-monthly", "1e13"], "of at most 1,000,000,000,000 (got '1e13'); write --max-monthly 125."),
        (["--max-increase-percent", "1e999999"], "(got '1e999999'); write --max-increase-percent 10."),
        (["--max-monthly", ""], "of at least 0 (got ''); write --max-monthly 125."),
        (["--max-monthly", "nan"], "of at least 0 (got 'nan'); write --max-monthly 125."),
        (
            ["--max-increase-percent", "10%"],
            "--max-increase-percent must be a percentage, without %, of at least 0 (got '10%'); write "
            "--max-increase-percent 10.",
        ),
        (["--fail-on", "cost"], "for the cost, use --max-monthly or --max-increase-percent"),
        (["--usage", "nothing.toml"], "nothing.toml cannot be read"),
    ],
)
def test_a_wrong_value_is_one_sentence(sides: tuple[str, str], arguments: list[str], said: str) -> None:
    done = run(*sides, *arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_price_book_of_the_user_decides_the_amounts(sides: tuple[str, str], tmp_path: Path) -> None:
    contents = json.loads(shipped_file().read_text())
    (table,) = (table for table in contents["tables"] if "nat.hour" in table["prices"])
    table["prices"]["nat.hour"] = ["0.1"] * len(table["regions"])
    own = tmp_path / "prices.json"
    own.write_text(json.dumps(contents))
    assert "Cost: $73.00 a month more ($1.00 → $74.00)" in run(*sides, "--prices", str(own)).output
    own.write_text("{}")
    done = run("no", "sides", "--prices", str(own))  # the book is read before the sides
    assert done.exit_code == 2
    assert "is not a price book" in done.stderr


def test_old_prices_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PriceBook, "warning", lambda _self, _today: "the price book is old")
    found = reviewed({"Key": KEY}, {"Key": KEY, "Nat": NAT})
    for form in (terminal, markdown, html):
        assert form.render(found).count("The price book is old.") == 1
    assert "the price book is old" in json.loads(json_form.render(found))["cost"]["notes"]


def test_a_new_app_has_no_percentage(sides: tuple[str, str]) -> None:
    done = run("--new", sides[1], "--max-increase-percent", "10")
    assert done.exit_code == 2
    assert "--max-increase-percent needs a BASE; with --new, use --max-monthly." in done.stderr

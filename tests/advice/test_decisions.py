"""The advice and what would change it: each number is tried on both of its sides."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import attrs
import pytest

from moorage.advice import flips
from moorage.advice.advice import Advice, advise
from moorage.advice.assumptions import Assumptions
from moorage.advice.launch_type import LaunchType
from moorage.advice.offers import Offer
from moorage.advice.workload import Runs, Workload, WorkloadKind
from moorage.prices import PriceBook
from moorage.workload.task import Architecture

WEB = Workload(name="web", cpu=1024, memory_mib=2048, least=60)
MEMORY = Workload(name="cache", cpu=1024, memory_mib=6144, least=40)  # 1:6, a shape between the types
NIGHTLY = Workload(
    name="nightly",
    kind=WorkloadKind.JOB,
    cpu=4096,
    memory_mib=8192,
    runs=Runs(count=Decimal(30), hours=Decimal(1)),
)


def chosen(advice: Advice) -> LaunchType | None:
    return advice.advised.launch_type if advice.advised else None


def option(advice: Advice, launch_type: LaunchType, architecture: Architecture = Architecture.X86_64) -> Offer:
    (found,) = [each for each in advice.options if (each.launch_type, each.architecture) == (launch_type, architecture)]
    return found


def number(advice: Advice, pattern: str) -> Decimal:
    """Return the number in the only sentence that matches."""
    (found,) = [match[1] for flip in advice.flips if (match := re.search(pattern, flip))]
    return Decimal(found)


def advise_with(workload: Workload, **changes: Any) -> Advice:
    return advise([workload], assumptions=Assumptions(**changes))


def test_at_list_price_fargate_is_advised_for_a_large_service() -> None:
    advice = advise([WEB])
    assert chosen(advice) is LaunchType.FARGATE
    cost = option(advice, LaunchType.FARGATE).cost
    assert cost is not None
    assert cost.least == cost.most == 60 * 730 * (Decimal("0.04048") + 2 * Decimal("0.004445"))
    assert "Fargate costs $2,162 a month, and EC2 on demand" in advice.reason


@pytest.mark.parametrize("workload", [WEB, MEMORY], ids=["web", "memory"])
def test_the_savings_plan_at_which_ec2_wins(workload: Workload) -> None:
    plan = int(number(advise([workload]), r"Savings Plan of (\d+) %"))
    assert chosen(advise_with(workload, ec2_savings_plan_percent=plan)) is LaunchType.EC2
    assert chosen(advise_with(workload, ec2_savings_plan_percent=plan - 1)) is LaunchType.FARGATE


def test_a_savings_plan_on_both_does_not_change_the_winner_of_equals() -> None:
    assert chosen(advise_with(WEB, savings_plan_percent=20)) is LaunchType.FARGATE


def test_no_savings_plan_is_enough_for_a_small_service() -> None:
    advice = advise([attrs.evolve(WEB, cpu=256, memory_mib=512, least=2, most=2)])
    assert "Even the largest Savings Plan, 72 %, does not make EC2 win." in advice.flips
    small = attrs.evolve(WEB, cpu=256, memory_mib=512, least=2, most=2)
    assert chosen(advise_with(small, ec2_savings_plan_percent=72)) is LaunchType.FARGATE


def test_the_number_of_copies_from_which_ec2_wins() -> None:
    plan = {"ec2_savings_plan_percent": 40}
    (sentence,) = [each for each in advise_with(WEB, **plan).flips if "copies that run" in each]
    assert sentence == (
        "EC2 on demand wins from 14 copies that run all month. From 12 to 13 copies, it wins only if they fill the "
        "instances."
    )
    wins = [
        copies
        for copies in range(1, 30)
        if chosen(advise_with(attrs.evolve(WEB, least=copies, most=copies), **plan)) is LaunchType.EC2
    ]
    assert wins == [12, *range(14, 30)]  # the 13th copy needs another instance, which is then half empty


def test_the_number_of_copies_from_which_ec2_always_wins_can_be_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flips, "MOST_COPIES", 13)
    few = attrs.evolve(WEB, least=12, most=12)
    sentence = "EC2 on demand wins only with those numbers of copies up to 13 that fill the instances."
    assert sentence in advise_with(few, ec2_savings_plan_percent=40).flips


def test_the_number_of_copies_from_which_ec2_wins_without_exceptions() -> None:
    sentence = "EC2 on demand wins from 8 copies that run all month, and Fargate below."
    assert sentence in advise_with(WEB, ec2_savings_plan_percent=60).flips
    for copies, launch_type in ((7, LaunchType.FARGATE), (8, LaunchType.EC2), (9, LaunchType.EC2)):
        few = attrs.evolve(WEB, least=copies, most=copies)
        assert chosen(advise_with(few, ec2_savings_plan_percent=60)) is launch_type


def test_the_hours_of_upkeep_below_which_ec2_wins() -> None:
    plan = {"ec2_savings_plan_percent": 40}
    small = attrs.evolve(WEB, least=6, most=6)
    advice = advise_with(small, **plan)
    assert chosen(advice) is LaunchType.FARGATE
    hours = number(advice, r"EC2 on demand wins if upkeep takes less than ([\d.]+) hours")
    assert 0 < hours < 2
    assert chosen(advise_with(small, **plan, upkeep_hours=hours)) is LaunchType.EC2
    assert chosen(advise_with(small, **plan, upkeep_hours=hours + Decimal("0.1"))) is LaunchType.FARGATE


def test_the_hours_of_upkeep_above_which_fargate_wins() -> None:
    plan = {"ec2_savings_plan_percent": 40}
    advice = advise_with(WEB, **plan)
    assert chosen(advice) is LaunchType.EC2
    hours = number(advice, r"Fargate wins if upkeep takes more than ([\d.]+) hours")
    assert chosen(advise_with(WEB, **plan, upkeep_hours=hours)) is LaunchType.EC2
    assert chosen(advise_with(WEB, **plan, upkeep_hours=hours + Decimal("0.1"))) is LaunchType.FARGATE


def test_the_discount_at_which_ec2_spot_wins() -> None:
    worker = attrs.evolve(WEB, interruptible=True)
    spot = int(number(advise([worker]), r"EC2 Spot wins .* at least (\d+) %"))
    known = {"ec2_spot_percent": spot, "fargate_spot_percent": 0}
    assert chosen(advise_with(worker, **known)) is LaunchType.EC2_SPOT
    assert chosen(advise_with(worker, **{**known, "ec2_spot_percent": spot - 1})) in {
        LaunchType.FARGATE,
        LaunchType.FARGATE_SPOT,
    }


def test_the_fee_below_which_managed_instances_win() -> None:
    plan = {"ec2_savings_plan_percent": 40}
    advice = advise_with(WEB, **plan)
    fee = int(number(advice, r"if their fee is less than (\d+) %"))
    assert chosen(advise_with(WEB, **plan, managed_instances_fee_percent=fee)) is LaunchType.MANAGED_INSTANCES
    assert chosen(advise_with(WEB, **plan, managed_instances_fee_percent=fee + 1)) is LaunchType.EC2


def test_trunking_decides_for_small_tasks() -> None:
    small = attrs.evolve(WEB, cpu=256, memory_mib=512, least=200, most=200)
    plan = {"ec2_savings_plan_percent": 40}
    advice = advise_with(small, **plan)
    assert chosen(advice) is LaunchType.FARGATE
    assert any(flip.startswith("EC2 on demand wins with the account setting awsvpcTrunking") for flip in advice.flips)
    assert chosen(advise_with(small, **plan, trunking=True)) is LaunchType.EC2
    same = advise([attrs.evolve(small, least=2, most=2)])  # needs an instance in each of two zones anyway
    assert not any("awsvpcTrunking" in flip for flip in same.flips)
    still = advise([attrs.evolve(small, least=20, most=20)])
    assert any("still loses with the account setting awsvpcTrunking" in flip for flip in still.flips)


def test_graviton_is_named_if_the_images_are_not_built_for_it() -> None:
    assert any(
        "Fargate on Graviton" in flip and "20 % less, with images for ARM64" in flip for flip in advise([WEB]).flips
    )
    both = attrs.evolve(WEB, architectures=(Architecture.X86_64, Architecture.ARM64))
    advised = advise([both]).advised
    assert advised is not None
    assert advised.architecture is Architecture.ARM64


@pytest.mark.parametrize(("percent", "launch_type"), [("9.99", LaunchType.FARGATE), ("10.01", LaunchType.EC2)])
def test_instances_must_be_cheaper_by_the_margin(percent: str, launch_type: LaunchType) -> None:
    base = advise_with(WEB, upkeep_hours=0, host_volume_gib=0)
    fargate, hosted = (option(base, each).total for each in (LaunchType.FARGATE, LaunchType.EC2))
    assert fargate is not None
    assert hosted is not None
    plan = (1 - fargate * (100 - Decimal(percent)) / 100 / hosted) * 100  # so that EC2 is cheaper by this percentage
    advice = advise_with(WEB, upkeep_hours=0, host_volume_gib=0, ec2_savings_plan_percent=round(plan, 6))
    assert chosen(advice) is launch_type
    if launch_type is LaunchType.FARGATE:
        assert "10 % less, within the margin of 10 % for its overhead" in advice.reason


def test_instances_at_the_margin_do_not_win() -> None:
    plan = {"ec2_savings_plan_percent": 40, "host_volume_gib": 0, "hourly_rate": 1}
    base = advise_with(WEB, **plan, upkeep_hours=0)
    fargate, hosted = (option(base, each).total for each in (LaunchType.FARGATE, LaunchType.EC2))
    assert fargate is not None
    assert hosted is not None
    room = fargate * Decimal("0.9") - hosted
    assert chosen(advise_with(WEB, **plan, upkeep_hours=room)) is LaunchType.FARGATE
    assert chosen(advise_with(WEB, **plan, upkeep_hours=room - Decimal("0.01"))) is LaunchType.EC2


def test_a_price_that_the_region_lacks_is_unknown() -> None:
    shipped = PriceBook.load().contents
    rows = tuple(
        each
        for each in shipped.rows
        if (each.item, each.architecture) != ("fargate.gb_hour", "arm64") or each.region == "us-east-1"
    )
    book = PriceBook.of(attrs.evolve(shipped, rows=rows), PriceBook.load().file)
    offer = option(advise([WEB], region="eu-west-1", book=book), LaunchType.FARGATE, Architecture.ARM64)
    assert offer.cost is None
    assert offer.unknown == ("The price book has no price of fargate.gb_hour in eu-west-1.",)


def test_prices_and_reasons_have_sources() -> None:
    sources = advise([attrs.evolve(WEB, gpus=1)]).sources
    assert any(each.startswith("price of ec2.g4dn.xlarge in us-east-1: ") for each in sources)
    assert any(each.startswith("Fargate has no GPUs: ") for each in sources)
    assert any(each.startswith("price of fargate.vcpu_hour in us-east-1: ") for each in advise([WEB]).sources)


def test_upkeep_is_a_cost_of_its_own() -> None:
    advice = advise([WEB])
    assert option(advice, LaunchType.EC2).upkeep == 100
    assert option(advice, LaunchType.FARGATE).upkeep == option(advice, LaunchType.MANAGED_INSTANCES).upkeep == 0
    assert "Upkeep of the hosts of a cluster takes 2 hours a month at $50.00" in " ".join(advice.assumptions)


def test_unknown_prices_stay_unknown() -> None:
    advice = advise([attrs.evolve(WEB, interruptible=True)])
    for launch_type in (LaunchType.FARGATE_SPOT, LaunchType.EC2_SPOT, LaunchType.MANAGED_INSTANCES):
        offer = option(advice, launch_type)
        assert offer.cost is None
        assert offer.total is None
        assert offer.unknown
        assert offer.list_cost is not None
    assert "$2,162 less a discount" in str(advice)
    assert "and a fee" in str(advice)


def test_spot_is_advised_for_copies_that_can_be_interrupted_and_only_for_them() -> None:
    assert chosen(advise([attrs.evolve(WEB, interruptible=True)])) is LaunchType.FARGATE_SPOT
    assert chosen(advise_with(WEB, interruptible=True)) is LaunchType.FARGATE_SPOT
    assert chosen(advise_with(attrs.evolve(WEB, interruptible=True), interruptible=False)) is LaunchType.FARGATE


def test_spot_is_not_advised_blindly_with_a_savings_plan() -> None:
    """Savings Plans do not apply to Spot, so its discount decides."""
    worker, plan = attrs.evolve(WEB, interruptible=True), {"ec2_savings_plan_percent": 40}
    advice = advise_with(worker, **plan)
    assert chosen(advice) is LaunchType.EC2
    assert "EC2 Spot costs less if its discount is more than 40 %, that of the Savings Plan." in advice.flips
    for percent, launch_type in ((39, LaunchType.EC2), (41, LaunchType.EC2_SPOT)):
        known = advise_with(worker, **plan, ec2_spot_percent=percent, fargate_spot_percent=0)
        assert chosen(known) is launch_type
        assert not any("EC2 Spot costs less" in flip for flip in known.flips)
    both = [flip for flip in advise_with(WEB, savings_plan_percent=20).flips if flip.startswith("Fargate Spot costs")]
    assert both == [
        "Fargate Spot costs less if the copies tolerate a stop with a notice of two minutes (interruptible) and its "
        "discount is more than 20 %, that of the Savings Plan."
    ]


def test_a_savings_plan_does_not_apply_to_spot() -> None:
    worker = attrs.evolve(WEB, interruptible=True)
    known = {"ec2_spot_percent": 50, "fargate_spot_percent": 50}
    plain, planned = (advise_with(worker, **known, savings_plan_percent=percent) for percent in (0, 30))
    for launch_type in (LaunchType.EC2_SPOT, LaunchType.FARGATE_SPOT):
        assert option(plain, launch_type).cost == option(planned, launch_type).cost


def test_a_gpu_leaves_only_instances() -> None:
    advice = advise([Workload(name="model", cpu=2048, memory_mib=8192, gpus=1)])
    assert chosen(advice) is LaunchType.EC2
    assert "Fargate has no GPUs." in advice.reason
    hosts = option(advice, LaunchType.EC2).hosts
    assert hosts is not None
    assert hosts.instance_type == "g4dn.xlarge"


def test_an_option_without_a_known_price_does_not_win() -> None:
    advice = advise([Workload(name="site", cpu=1024, memory_mib=2048, windows=True)])
    assert chosen(advice) is LaunchType.FARGATE
    assert "The price of EC2 on demand is unknown." in advice.reason
    privileged = advise([Workload(name="site", cpu=1024, memory_mib=2048, windows=True, privileged=True)])
    assert privileged.advised is None
    assert privileged.reason.startswith("No known price decides between EC2 on demand.")


def test_a_task_that_nothing_holds_has_no_advice() -> None:
    advice = advise([Workload(name="giant", cpu=10**6, memory_mib=10**7)])
    assert advice.advised is None
    assert advice.reason == "No compared option fits."


def test_fargate_is_advised_if_no_type_holds_a_copy_with_the_memory_that_hosts_reserve() -> None:
    advice = advise_with(WEB, reserved_memory_mib=10**7)
    assert chosen(advice) is LaunchType.FARGATE
    assert "EC2 on demand has no compared instance type that holds a copy." in advice.reason


def test_a_daemon_has_no_cost_of_its_own() -> None:
    advice = advise([Workload(name="agent", cpu=128, memory_mib=128, daemon=True)])
    assert advice.reason.startswith("A daemon runs on the instances of its cluster")
    assert option(advice, LaunchType.EC2).total == 0


def test_a_job_costs_its_runs_on_fargate_and_longer_on_hosts() -> None:
    advice = advise([NIGHTLY])
    fargate, hosted = option(advice, LaunchType.FARGATE).cost, option(advice, LaunchType.EC2)
    assert fargate is not None
    assert hosted.cost is not None
    assert hosted.hosts is not None
    assert fargate.expected == 30 * (4 * Decimal("0.04048") + 8 * Decimal("0.004445"))
    assert hosted.cost.expected == 30 * Decimal("1.25") * hosted.hosts.hourly
    assert advice.reason.endswith("Its runs take 30 hours a month, and hosts run longer.")


@pytest.mark.parametrize(
    ("workload", "changes"),
    [
        (NIGHTLY, {"scales_to_zero": False}),
        (attrs.evolve(NIGHTLY, start_seconds=299), {}),
        (attrs.evolve(NIGHTLY, runs=Runs(count=Decimal(600), hours=Decimal(1))), {}),
    ],
    ids=["no scaling to zero", "a start that finds its host", "runs with hardly a pause"],
)
def test_the_hosts_of_a_job_run_all_month(workload: Workload, changes: dict[str, Any]) -> None:
    hosted = option(advise_with(workload, **changes), LaunchType.EC2)
    assert hosted.cost is not None
    assert hosted.hosts is not None
    assert hosted.cost.expected == 730 * hosted.hosts.hourly


@pytest.mark.parametrize(("count", "hosts"), [(730, 1), (731, 2), (1460, 2), (1461, 3)])
def test_runs_that_overlap_need_hosts_at_once(count: int, hosts: int) -> None:
    advice = advise([attrs.evolve(NIGHTLY, runs=Runs(count=Decimal(count), hours=Decimal(1)))])
    hosted, fargate = option(advice, LaunchType.EC2), option(advice, LaunchType.FARGATE)
    assert hosted.hosts is not None
    assert hosted.cost is not None
    assert fargate.cost is not None
    assert hosted.hosts.least == hosts
    hours = min(hosts * Decimal(730), count * Decimal("1.25"))
    assert round(hosted.cost.expected, 6) == round(hours * hosted.hosts.hourly, 6)
    assert fargate.cost.expected == count * (4 * Decimal("0.04048") + 8 * Decimal("0.004445"))
    overlap = f"{hosts} runs of nightly overlap on average, and need hosts at once."
    assert (overlap in advice.assumptions) is (hosts > 1)


def test_the_hosts_of_a_job_stop_if_its_start_can_wait() -> None:
    hosted = option(advise([attrs.evolve(NIGHTLY, start_seconds=300)]), LaunchType.EC2)
    assert hosted.cost is not None
    assert hosted.hosts is not None
    assert hosted.cost.expected < 730 * hosted.hosts.hourly


def test_fargate_bills_at_least_a_minute_of_a_run() -> None:
    def cost(hours: Decimal) -> Decimal:
        runs = Runs(count=Decimal(1000), hours=hours)
        found = option(advise([attrs.evolve(NIGHTLY, runs=runs)]), LaunchType.FARGATE).cost
        assert found is not None
        return found.expected

    assert cost(Decimal(0)) == cost(Decimal(1) / 60) < cost(Decimal(2) / 60)


@pytest.mark.parametrize(("hours", "expected"), [(None, 31), (Decimal(0), 2), (Decimal(730), 60), (Decimal(73), 7.8)])
def test_the_hours_with_the_most_copies_weigh_the_cost(hours: Decimal | None, expected: float) -> None:
    workload = attrs.evolve(WEB, least=2, most=60, hours_at_most=hours)
    advice = advise([workload])
    cost = option(advice, LaunchType.FARGATE).cost
    assert cost is not None
    one = 730 * (Decimal("0.04048") + 2 * Decimal("0.004445"))
    assert (cost.least, cost.most) == (2 * one, 60 * one)
    assert cost.expected == Decimal(str(expected)) * one
    assert any("the most copies run for half" in sentence for sentence in advice.assumptions) is (hours is None)


def test_small_services_of_a_cluster_share_instances() -> None:
    services = [Workload(name=f"s{number}", cpu=512, memory_mib=1024, least=2) for number in range(10)]
    assumptions = Assumptions(trunking=True)
    together = advise(services, assumptions=assumptions)
    each = [advise([service], assumptions=assumptions) for service in services]

    def total(advice: Advice, launch_type: LaunchType) -> Decimal:
        cost = option(advice, launch_type).cost
        assert cost is not None
        return cost.expected

    assert total(together, LaunchType.FARGATE) == sum(total(one, LaunchType.FARGATE) for one in each)
    assert total(together, LaunchType.EC2) < sum(total(one, LaunchType.EC2) for one in each) / 2
    assert option(together, LaunchType.EC2).upkeep == 100


def test_ephemeral_storage_beyond_20_gib_costs_on_fargate() -> None:
    def cost(gib: int) -> Decimal:
        found = option(advise([attrs.evolve(WEB, least=1, most=1, ephemeral_storage_gib=gib)]), LaunchType.FARGATE).cost
        assert found is not None
        return found.expected

    assert cost(21) - cost(20) == Decimal("0.000111") * 730


def test_the_advice_prints_as_a_table() -> None:
    lines = str(advise([WEB])).splitlines()
    assert lines[0] == "web"
    assert lines[1].split("  ")[0] == "option"
    assert lines[2].startswith("Fargate  ")
    assert any(line.startswith("Advised: Fargate. ") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"savings_plan_percent": 101}, "savings_plan_percent must be between 0 and 100 (got 101)"),
        ({"ec2_spot_percent": -1}, "ec2_spot_percent must be between 0 and 100 (got -1)"),
        ({"fargate_spot_percent": float("nan")}, "fargate_spot_percent must be between 0 and 100 (got NaN)"),
        ({"upkeep_hours": -1}, "upkeep_hours must be at least 0 (got -1)"),
        ({"hourly_rate": float("inf")}, "hourly_rate must be at least 0 (got Infinity)"),
        ({"zones": 7}, "zones must be between 1 and 6 (got 7)"),
        ({"zones": 1, "survives_zone_loss": True}, "survives_zone_loss needs zones of at least 2 (got 1)"),
        ({"target_capacity_percent": 0}, "target_capacity_percent must be between 1 and 100 (got 0)"),
    ],
)
def test_wrong_assumptions_are_refused(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        Assumptions(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"savings_plan_percent": 100, "ec2_spot_percent": 0, "margin_percent": 0},
        {"upkeep_hours": 0, "hourly_rate": 0, "idle_minutes": 0, "host_volume_gib": 0},
        {"zones": 6, "target_capacity_percent": 100},
        {"zones": 1, "target_capacity_percent": 1},
        {"zones": 2, "survives_zone_loss": True},
    ],
)
def test_assumptions_at_their_limits_are_accepted(arguments: dict[str, Any]) -> None:
    assert advise_with(WEB, **arguments).options


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"cpu": -1}, "cpu must be at least 0 (got -1)"),
        ({"memory_mib": 0}, "memory_mib must be at least 1 (got 0)"),
        ({"least": 3, "most": 2}, "most must be at least 3, the least copies (got 2)"),
        ({"hours_at_most": Decimal(731)}, "hours_at_most must be between 0 and 730"),
        ({"kind": WorkloadKind.JOB}, "runs must be given for a job"),
        ({"runs": Runs(count=Decimal(1), hours=Decimal(1))}, "runs must be given for a job"),
        ({"architectures": ()}, "architectures must not be empty"),
    ],
)
def test_wrong_workloads_are_refused(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        Workload(**{"name": "web", "cpu": 256, "memory_mib": 512, **arguments})


def test_negative_runs_are_refused() -> None:
    with pytest.raises(ValueError, match=r"count must be at least 0 \(got -1\)"):
        Runs(count=Decimal(-1), hours=Decimal(1))


def test_an_advice_needs_a_workload() -> None:
    with pytest.raises(ValueError, match="workloads must not be empty"):
        advise([])

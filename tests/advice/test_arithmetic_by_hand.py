"""The costs of workloads, computed by hand from the list prices of us-east-1."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from moorage.advice.advice import advise
from moorage.advice.assumptions import Assumptions
from moorage.advice.launch_type import LaunchType
from moorage.advice.offers import Offer
from moorage.advice.workload import Runs, Workload, WorkloadKind
from moorage.workload.task import Architecture, NetworkMode

HOURS = 730
X86_VCPU, X86_GB = Decimal("0.04048"), Decimal("0.004445")
ARM_VCPU, ARM_GB = Decimal("0.03238"), Decimal("0.00356")
C7I, M7I, R7I, M6I = Decimal("0.08925"), Decimal("0.1008"), Decimal("0.1323"), Decimal("0.096")  # large
M7G, R7G = Decimal("0.0816"), Decimal("0.1071")  # large
VOLUME = Decimal("2.4")  # 30 GiB of gp3 at 0.08 a month
FARGATE, FARGATE_SPOT, EC2, EC2_SPOT = LaunchType.FARGATE, LaunchType.FARGATE_SPOT, LaunchType.EC2, LaunchType.EC2_SPOT
ARM: dict[str, Any] = {"architectures": (Architecture.ARM64,)}
BRIDGE: dict[str, Any] = {"network_mode": NetworkMode.BRIDGE}
TRUNKING: dict[str, Any] = {"trunking": True}
SMALL: dict[str, Any] = {"cpu": 256, "memory_mib": 512}
PAIR: dict[str, Any] = {"cpu": 1024, "memory_mib": 2048}
ROOMY: dict[str, Any] = {"cpu": 1024, "memory_mib": 8192}
NIGHTLY: dict[str, Any] = {"kind": WorkloadKind.JOB, "runs": Runs(count=Decimal(30), hours=Decimal(1))}


def offer_of(facts: dict[str, Any], assumptions: dict[str, Any], launch_type: LaunchType) -> Offer:
    workload = Workload(**{"name": "web", "interruptible": True, **facts})
    advice = advise([workload], assumptions=Assumptions(**assumptions))
    (found,) = [
        each
        for each in advice.options
        if (each.launch_type, each.architecture) == (launch_type, workload.architectures[0])
    ]
    return found


@pytest.mark.parametrize(
    ("facts", "assumptions", "launch_type", "month"),
    [
        ({**SMALL, "least": 2}, {}, FARGATE, 2 * HOURS * (X86_VCPU / 4 + X86_GB / 2)),
        ({**PAIR, **ARM, "least": 60}, {}, FARGATE, 60 * HOURS * (ARM_VCPU + 2 * ARM_GB)),
        ({**ROOMY, "least": 3}, {}, FARGATE, 3 * HOURS * (X86_VCPU + 8 * X86_GB)),
        ({"cpu": 1024, "memory_mib": 8193}, {}, FARGATE, HOURS * (2 * X86_VCPU + 9 * X86_GB)),  # 1 vCPU has 8 GiB
        (
            {**PAIR, "ephemeral_storage_gib": 50},
            {},
            FARGATE,
            HOURS * (X86_VCPU + 2 * X86_GB + 30 * Decimal("0.000111")),
        ),
        ({**PAIR, "least": 1, "most": 3}, {}, FARGATE, 2 * HOURS * (X86_VCPU + 2 * X86_GB)),
        ({**PAIR, "most": 3, "hours_at_most": Decimal(73)}, {}, FARGATE, 876 * (X86_VCPU + 2 * X86_GB)),
        (PAIR, {"savings_plan_percent": 20}, FARGATE, HOURS * (X86_VCPU + 2 * X86_GB) * 80 / 100),
        (PAIR, {"savings_plan_percent": 20, "fargate_spot_percent": 66}, FARGATE_SPOT, HOURS * Decimal("0.01678580")),
        ({**PAIR, **NIGHTLY}, {}, FARGATE, 30 * (X86_VCPU + 2 * X86_GB)),
        (
            {**PAIR, "windows": True},
            {},
            FARGATE,
            HOURS * (Decimal("0.046552") + 2 * Decimal("0.00511175") + Decimal("0.046")),
        ),
    ],
)
def test_what_fargate_costs(
    facts: dict[str, Any], assumptions: dict[str, Any], launch_type: LaunchType, month: Decimal
) -> None:
    cost = offer_of(facts, assumptions, launch_type).cost
    assert cost is not None
    assert round(cost.expected, 6) == round(month, 6)


@pytest.mark.parametrize(
    ("facts", "assumptions", "launch_type", "hosts", "month"),
    [
        # a large type has three network interfaces: two tasks with their own
        ({**SMALL, "least": 9}, {}, EC2, (5, "c7i.large", 2), 5 * (HOURS * C7I + VOLUME)),
        ({**SMALL, "least": 16, **BRIDGE}, {}, EC2, (2, "m7i.large", 8), 2 * (HOURS * M7I + VOLUME)),
        ({**SMALL, "least": 6, **BRIDGE}, {}, EC2, (2, "c7i.large", 6), 2 * (HOURS * C7I + VOLUME)),  # one in each zone
        ({**SMALL, "least": 16}, TRUNKING, EC2, (2, "m7i.large", 8), 2 * (HOURS * M7I + VOLUME)),
        ({**SMALL, "least": 17}, {**TRUNKING, "zones": 1}, EC2, (3, "c7i.large", 6), 3 * (HOURS * C7I + VOLUME)),
        ({**SMALL, **ARM, "least": 16}, TRUNKING, EC2, (2, "m7g.large", 8), 2 * (HOURS * M7G + VOLUME)),
        # 2 GiB leave CPU as the limit of an m7i.large; 8 GiB are the limit of an r7i.xlarge
        ({**PAIR, "least": 4}, {}, EC2, (2, "m7i.large", 2), 2 * (HOURS * M7I + VOLUME)),
        ({**ROOMY, "least": 4}, {}, EC2, (2, "r7i.xlarge", 3), 2 * (HOURS * 2 * R7I + VOLUME)),
        ({**ROOMY, **ARM, "least": 4}, {}, EC2, (2, "r7g.xlarge", 3), 2 * (HOURS * 2 * R7G + VOLUME)),
        # a discount applies to the instance, and not to its volume
        ({**PAIR, "least": 4}, {"ec2_savings_plan_percent": 40}, EC2, (2, "m7i.large", 2), 2 * (438 * M7I + VOLUME)),
        ({**PAIR, "least": 4}, {"ec2_spot_percent": 60}, EC2_SPOT, (2, "m7i.large", 2), 2 * (292 * M7I + VOLUME)),
        ({**PAIR, "least": 4}, {"target_capacity_percent": 60}, EC2, (4, "m7i.large", 2), 4 * (HOURS * M7I + VOLUME)),
        # each night an hour, and 15 minutes until managed scaling stops the host
        ({**SMALL, **NIGHTLY}, {}, EC2, (1, "c7i.large", 2), Decimal("37.5") * (C7I + VOLUME / HOURS)),
        (
            {"cpu": 2048, "memory_mib": 8192, "gpus": 1},
            {},
            EC2,
            (1, "g4dn.xlarge", 1),
            HOURS * Decimal("0.526") + VOLUME,
        ),
        # an EBS volume of each task costs the same everywhere, and is left out
        ({**SMALL, "ebs_volumes": True}, {}, EC2, (1, "c7i.large", 2), HOURS * C7I + VOLUME),
        # the shape decides how many copies of 1 vCPU an m6i.2xlarge holds
        (
            {"cpu": 1024, "memory_mib": 4096, "least": 8, "instance_types": (("m6i.2xlarge",),)},
            TRUNKING,
            EC2,
            (2, "m6i.2xlarge", 7),
            2 * (HOURS * 4 * M6I + VOLUME),
        ),
        (
            {"cpu": 1024, "memory_mib": 3840, "least": 8, "instance_types": (("m6i.2xlarge",),)},
            {**TRUNKING, "zones": 1},
            EC2,
            (1, "m6i.2xlarge", 8),
            HOURS * 4 * M6I + VOLUME,
        ),
    ],
)
def test_what_instances_cost(
    facts: dict[str, Any],
    assumptions: dict[str, Any],
    launch_type: LaunchType,
    hosts: tuple[int, str, int],
    month: Decimal,
) -> None:
    offer = offer_of(facts, assumptions, launch_type)
    assert offer.hosts is not None
    assert (offer.hosts.most, offer.hosts.instance_type, offer.hosts.copies_each) == hosts
    assert offer.cost is not None
    assert round(offer.cost.expected, 6) == round(month, 6)
    assert offer.upkeep == 100


@pytest.mark.parametrize(
    ("type_", "facts", "copies", "ratio"),
    [
        ("m6i.large", {"cpu": 512, "memory_mib": 1024}, 4, "0.97"),
        ("m7g.large", {"cpu": 512, "memory_mib": 1024, **ARM}, 4, "1.03"),
        ("c7g.xlarge", {**PAIR, **ARM}, 3, "1.22"),
        ("m6i.2xlarge", {"cpu": 1024, "memory_mib": 4096}, 7, "0.94"),
    ],
)
def test_ec2_to_fargate_at_perfect_packing(type_: str, facts: dict[str, Any], copies: int, ratio: str) -> None:
    """The ratio is price / (copies * price of a copy on Fargate), without a volume and upkeep."""
    full = {**facts, "least": copies, "instance_types": ((type_,),)}
    assumptions = {**TRUNKING, "zones": 1, "host_volume_gib": 0, "upkeep_hours": 0}
    hosted, fargate = (offer_of(full, assumptions, each).cost for each in (EC2, FARGATE))
    assert hosted is not None
    assert fargate is not None
    assert f"{hosted.expected / fargate.expected:.2f}" == ratio


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ((("m6i.large", "c7i.large"),), "m6i.large"),  # EC2 launches them in this order
        ((("c6i.large",), ("m6i.large",)), "c6i.large"),  # the cheaper of two capacities
        ((("m6i.nano", "m6i.large"),), "m6i.large"),  # a type that does not exist
        ((("t3.nano", "m6i.large"),), "m6i.large"),  # a type that holds no copy
        ((("g4dn.xlarge",),), "c7i.large"),  # a type for tasks with GPUs
        ((("m7g.large",),), "c7i.large"),  # another architecture
        ((), "c7i.large"),
    ],
)
def test_the_types_of_a_cluster_are_the_only_candidates(types: tuple[tuple[str, ...], ...], expected: str) -> None:
    offer = offer_of({**SMALL, "instance_types": types}, {}, EC2)
    assert offer.hosts is not None
    assert offer.hosts.instance_type == expected
    managed = offer_of({**SMALL, "instance_types": types}, {}, LaunchType.MANAGED_INSTANCES)
    assert managed.hosts is not None
    assert managed.hosts.instance_type == "c7i.large"  # ECS chooses


def test_a_type_of_the_cluster_that_costs_more_is_said() -> None:
    def flips(*types: str) -> list[str]:
        advice = advise([Workload(name="web", **SMALL, least=4, instance_types=(types,))])
        return [flip for flip in advice.flips if "a type of the cluster" in flip]

    assert flips("m7i.large") == [
        "EC2 on demand costs $135 a month on c7i.large, and $152 on m7i.large, a type of the cluster."
    ]
    assert flips("c7i.large") == []


def test_the_assumptions_name_the_discounts_that_are_given() -> None:
    def said(**given: Any) -> list[str]:
        words = ("Savings Plan", "Spot costs", "fee of")
        found = advise([Workload(name="web", **SMALL)], assumptions=Assumptions(**given)).assumptions
        return [each for each in found if any(word in each for word in words)]

    assert said() == ["No Savings Plan applies."]
    assert said(savings_plan_percent=20.0) == ["A Compute Savings Plan of 20 % applies to Fargate and EC2."]
    assert said(ec2_savings_plan_percent=40.5) == ["A Savings Plan of 40.5 % applies to EC2, and none to Fargate."]
    assert said(
        savings_plan_percent=20,
        ec2_savings_plan_percent=40,
        fargate_spot_percent=66,
        ec2_spot_percent=60,
        managed_instances_fee_percent=12,
    ) == [
        "A Savings Plan of 40 % applies to EC2, and one of 20 % to Fargate.",
        "Fargate Spot costs 66 % less than Fargate.",
        "EC2 Spot costs 60 % less than EC2 on demand.",
        "The fee of ECS Managed Instances is 12 % of their price on demand.",
    ]


@pytest.mark.parametrize("copies", [0, 5000])
def test_no_copy_and_many_copies(copies: int) -> None:
    advice = advise([Workload(name="web", **SMALL, least=copies)])
    assert advice.advised is not None
    assert advice.advised.launch_type is FARGATE
    assert "Advised: Fargate. Fargate costs $" in advice.reason
    assert f"EC2 on demand does not win with any number of copies up to {max(1000, copies):,}." in advice.flips
    assert any("Fargate Spot costs less" in flip for flip in advice.flips) is (copies > 0)


def test_a_daemon_has_no_cheaper_launch_type() -> None:
    assert advise([Workload(name="agent", **SMALL, daemon=True)]).flips == ()


def test_the_change_of_a_task_with_the_fewest_steps_is_said() -> None:
    crawler = Workload(name="crawl", **SMALL, least=2, **BRIDGE)
    assert advise([crawler]).flips[-1] == "Fargate costs $18.02 a month, 92 % less, with network mode awsvpc."

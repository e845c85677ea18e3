"""The room for tasks on the instances of a capacity, without a stack."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest

from moorage import Architecture, Capacity, Container, Strategy, Task
from moorage.ecs.capacity.fit_checks import (
    Claim,
    maximum_shortage_warning,
    overcommitment_problem,
    too_small_types_warning,
)

LARGE = "m7g.2xlarge"
TOO_SMALL = ["c6g.medium", "c7g.medium", "c8g.medium", "m6g.medium", "m7g.medium", "m8g.medium"]


def general(*types: str, most: int = 2) -> Capacity:
    return Capacity.ec2("general", instance_types=types or ["m7g.large"], max_instances=most, trunking=True)


def needing(*, cpu: int | None = None, memory_mib: int = 512) -> Task:
    return Task(Container("redis:8"), cpu=cpu, memory_mib=memory_mib, architecture=Architecture.ARM64)


def claim(path: str, task: Task, minimum: int | None) -> Claim:
    return Claim(lambda: path, task, minimum)


@pytest.mark.parametrize(
    ("count", "begins"),
    [
        (1, "c6g.medium may be launched, but"),
        (5, "c6g.medium, c7g.medium, c8g.medium, m6g.medium, m7g.medium may be launched, but"),
        (6, "c6g.medium, c7g.medium, c8g.medium, m6g.medium, m7g.medium and 1 more may be launched, but"),
    ],
)
def test_a_warning_lists_five_types_that_are_too_small_and_counts_the_others(count: int, begins: str) -> None:
    mixed = general(LARGE, *TOO_SMALL[:count])
    warning = too_small_types_warning(needing(memory_mib=12_000), Strategy(mixed))
    assert warning
    assert warning.startswith(begins)


def test_a_service_may_scale_out_until_the_last_place_is_taken() -> None:
    task, strategy = needing(cpu=1024), Strategy(general(most=3))
    assert maximum_shortage_warning(task, strategy, 6) is None
    shortage = maximum_shortage_warning(task, strategy, 7)
    assert shortage
    assert "so 1 copies would wait" in shortage


@pytest.mark.parametrize(
    ("task", "needed", "available"),
    [(needing(cpu=512), "4608 CPU units", 4096), (needing(memory_mib=1842), "16578 MiB", 14740)],
)
def test_services_together_may_use_all_of_a_resource_but_no_more(task: Task, needed: str, available: int) -> None:
    capacity = general()
    web = claim("Web", task, 3)
    assert overcommitment_problem(capacity, [web, claim("Api", task, 5)]) is None
    problem = overcommitment_problem(capacity, [web, claim("Api", task, 6)])
    assert problem
    assert f"need {needed} in total, but capacity 'general' has at most {available} on 2" in problem


def test_a_service_with_an_unknown_minimum_does_not_hide_that_the_others_do_not_fit() -> None:
    unknown: Any = cdk.Token.as_number({"Ref": "Least"})
    task = needing(cpu=2048)
    problem = overcommitment_problem(general(), [claim("Web", task, 3), claim("Api", task, unknown)])
    assert problem
    assert problem.startswith("Web (3) need 6144 CPU units in total, but")


def test_services_on_types_newer_than_the_data_are_not_checked_together() -> None:
    with pytest.warns(UserWarning, match="not in the data"):
        young = general("m7g.large", "m99g.large")
    assert overcommitment_problem(young, [claim("Web", needing(cpu=2048), 3)]) is None

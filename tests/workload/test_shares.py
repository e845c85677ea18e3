"""The CPU and memory that a task reserves: on Linux its own size, on Windows that of its containers."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest

from moorage import Container, OperatingSystemFamily, Task
from moorage.workload.problems import is_token
from moorage.workload.shares import reserved_cpu, reserved_memory_mib, share_of

WINDOWS = OperatingSystemFamily.WINDOWS_SERVER_2022_CORE
TOKEN: Any = cdk.Token.as_number({"Ref": "Size"})


def containers(*sizes: dict[str, Any]) -> list[Container]:
    return [Container("a:1", name=f"c{index}", read_only=False, **size) for index, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("task", "sizes", "shares"),
    [
        ({"cpu": 1024}, [{}], [1024]),
        ({"cpu": 1024}, [{"cpu": 100}], [100]),
        ({"cpu": 1024}, [{}, {}], [512, 512]),
        ({"cpu": 1024}, [{"cpu": 24}, {}, {}], [24, 500, 500]),
        ({"cpu": 1025}, [{}, {}], [512, 512]),
        ({"cpu": None}, [{}, {}], [None, None]),
        ({"cpu": None}, [{"cpu": 24}, {}], [24, None]),
    ],
)
def test_containers_share_what_no_other_has(
    task: dict[str, Any], sizes: list[dict[str, Any]], shares: list[Any]
) -> None:
    built = containers(*sizes)
    made = Task(*built, **task, memory_mib=2048)
    assert [share_of(made, each, "cpu") for each in built] == shares


def test_a_single_container_has_the_size_of_its_task_even_if_it_is_a_token() -> None:
    (single,) = containers({})
    assert share_of(Task(single, cpu=TOKEN, memory_mib=2048), single, "cpu") == TOKEN


@pytest.mark.parametrize(
    ("memory_mib", "sizes"),
    [(TOKEN, [{}, {}]), (TOKEN, [{"memory_mib": 512}, {}]), (2048, [{"memory_mib": TOKEN}, {}])],
    ids=["of the task", "of the task beside a number", "of a container"],
)
def test_memory_that_cannot_be_shared_is_unknown_and_passes(memory_mib: int, sizes: list[dict[str, Any]]) -> None:
    task = Task(*containers(*sizes), cpu=1024, memory_mib=memory_mib, operating_system_family=WINDOWS)
    assert is_token(reserved_memory_mib(task))


@pytest.mark.parametrize(
    ("arguments", "sizes", "cpu", "memory_mib"),
    [
        ({"cpu": 1024}, [{"cpu": 100, "memory_mib": 512}], 1024, 2048),
        ({"cpu": None}, [{"cpu": 100}, {"cpu": 28}], 128, 2048),
        ({"cpu": None}, [{}, {"cpu": 28}], 28, 2048),
        ({"cpu": None}, [{}, {}], 0, 2048),
        ({"cpu": 1024, "operating_system_family": WINDOWS}, [{"cpu": 100, "memory_mib": 512}], 100, 512),
        ({"cpu": 1024, "operating_system_family": WINDOWS}, [{}, {"cpu": 24, "memory_mib": 48}], 1024, 2048),
        (
            {"cpu": 1024, "operating_system_family": WINDOWS},
            [{"memory_mib": 1024, "memory_reservation_mib": 256}, {"memory_mib": 128}],
            1024,
            384,
        ),
    ],
)
def test_an_instance_counts_a_task_on_linux_and_its_containers_on_windows(
    arguments: dict[str, Any], sizes: list[dict[str, Any]], cpu: int, memory_mib: int
) -> None:
    task = Task(*containers(*sizes), **arguments, memory_mib=2048)
    assert (reserved_cpu(task), reserved_memory_mib(task)) == (cpu, memory_mib)

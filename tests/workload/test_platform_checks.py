"""The settings of a task that each kind of capacity refuses."""

from __future__ import annotations

from typing import Any

import attrs
import aws_cdk as cdk
import pytest

from moorage import Container, LinuxParameters, OperatingSystemFamily, RestartPolicy, Task, Volume
from moorage.workload.platform_checks import (
    SESSION_LOG_PATH,
    check_fargate,
    check_instances,
    check_managed_instances,
    fargate_size,
)
from moorage.workload.problems import Problems

TOKEN: Any = cdk.Token.as_number({"Ref": "Size"})
WINDOWS: dict[str, Any] = {
    "operating_system_family": OperatingSystemFamily.WINDOWS_SERVER_2022_CORE,
    "cpu": 1024,
    "memory_mib": 4096,
}
COLLECTOR = Container.otel_collector(image="shop/collector:1")
ROUTER = Container.log_router({"Name": "http", "host": "logs.example.com"}, image="shop/router:1")


def web(name: str = "web", **arguments: Any) -> Container:
    return Container("shop:1", **{"name": name, "read_only": False, **arguments})


def problems_of(check: Any, task: Task, **arguments: Any) -> list[str]:
    problems = Problems("Service")
    check(task, problems, **arguments)
    return problems.messages


@pytest.mark.parametrize(
    "task",
    [
        Task(web(), volumes=[]),
        Task(web(restart_policy=RestartPolicy())),
        Task(web(memory_mib=256), COLLECTOR),
        Task(web(), **WINDOWS),
        Task(web(), attrs.evolve(COLLECTOR, restart_policy=None), **WINDOWS),
    ],
)
def test_fargate_runs_these_tasks(task: Task) -> None:
    assert problems_of(check_fargate, task) == []


@pytest.mark.parametrize(
    ("task", "says"),
    [
        (Task(web(), web("other", privileged=True)), "privileged of container 'other' must be False on Fargate"),
        (
            Task(web(linux_parameters=LinuxParameters(max_swap_mib=0))),
            "max_swap_mib of container 'web' must be left out on Fargate",
        ),
        (
            Task(
                web(mounts={"/a": "a", "/b": "b"}),
                volumes=[Volume.bind_mount("a"), Volume.bind_mount("b", host_path="/b")],
            ),
            "host_path of volume 'b' must be left out on Fargate",
        ),
        (
            Task(web(), **{**WINDOWS, "memory_mib": 1536}),
            "cpu and memory_mib must be a size that Fargate offers on Windows",
        ),
        (
            Task(web(), **{**WINDOWS, "memory_mib": 1024}),
            "cpu and memory_mib must be a size with at least 2,048 MiB for 1,024 CPU units",
        ),
        (
            Task(web(), web("other", restart_policy=RestartPolicy()), **WINDOWS),
            "restart_policy of container 'other' must be left out for Windows tasks on Fargate (got",
        ),
        (
            Task(web(memory_mib=256, memory_reservation_mib=128), **WINDOWS),
            "memory_reservation_mib of container 'web' must be left out for Windows tasks on Fargate",
        ),
        (
            Task(web(), COLLECTOR, **WINDOWS),
            f"restart_policy of container {COLLECTOR.name!r} must be left out for Windows tasks on Fargate; use",
        ),
        (
            Task(web(), ROUTER, **WINDOWS),
            f"log_router of container {ROUTER.name!r} must be left out for Windows tasks on Fargate (got 'fluentbit')",
        ),
    ],
)
def test_fargate_refuses_these_tasks(task: Task, says: str) -> None:
    (problem,) = problems_of(check_fargate, task)
    assert problem.startswith(says)


def test_fargate_spot_runs_no_tasks_on_windows() -> None:
    (problem,) = problems_of(check_fargate, Task(web(), **WINDOWS), spot=True)
    assert problem.startswith("operating_system_family must be 'LINUX' on Fargate Spot")
    assert problems_of(check_fargate, Task(web()), spot=True) == []


def test_a_container_of_unknown_cpu_needs_none() -> None:
    assert fargate_size(Task(web(), web("other", cpu=300), cpu=None, memory_mib=1024)) == (512, 1024)
    assert fargate_size(Task(web(), cpu=None, memory_mib=700)) == (0, 700)
    assert fargate_size(Task(web(cpu=300), cpu=None, memory_mib=700)) == (300, 700)


def test_a_given_size_stays_whether_fargate_offers_it_or_not() -> None:
    assert fargate_size(Task(web(), cpu=512, memory_mib=1024)) == (512, 1024)
    assert fargate_size(Task(web(), cpu=512, memory_mib=1000)) == (512, 1000)
    assert fargate_size(Task(web(), **{**WINDOWS, "memory_mib": 1024})) == (1024, 1024)


def test_a_size_that_depends_on_a_token_is_unknown() -> None:
    assert fargate_size(Task(web(cpu=TOKEN), cpu=None, memory_mib=1024)) == (TOKEN, 1024)
    assert fargate_size(Task(web(), cpu=None, memory_mib=TOKEN)) == (0, TOKEN)


@pytest.mark.parametrize("argument", ["writable", "mounts"])
def test_instances_log_sessions_to_their_own_directory(argument: str) -> None:
    paths: dict[str, Any] = {"writable": {SESSION_LOG_PATH: 1}, "mounts": {SESSION_LOG_PATH: "logs"}}
    container = web("other", **{argument: paths[argument]})
    volumes = [Volume.bind_mount("logs")] if argument == "mounts" else []
    (problem,) = problems_of(check_instances, Task(web(), container, volumes=volumes, execute_command=True))
    assert problem.startswith(f"{argument} of container 'other' must not have {SESSION_LOG_PATH!r}")
    assert problems_of(check_instances, Task(web(), container, volumes=volumes)) == []


def test_a_session_on_instances_leaves_other_paths_alone() -> None:
    assert problems_of(check_instances, Task(web(writable={"/tmp": 1}), execute_command=True)) == []


def test_each_container_on_windows_instances_has_cpu_and_memory() -> None:
    small = web("small", cpu=1024, memory_mib=4093)
    problems = problems_of(check_instances, Task(small, web(), **WINDOWS))
    assert problems[0].startswith("cpu of container 'web' must be given on Windows instances")
    assert problems[1].startswith("the memory left for container 'web' must be at least 6 MiB (got 3)")
    assert len(problems) == 2
    assert problems_of(check_instances, Task(web(), web("other"), **WINDOWS)) == []
    assert problems_of(check_instances, Task(web(), cpu=None, memory_mib=512)) == []


@pytest.mark.parametrize("check", [check_instances, check_managed_instances])
def test_tasks_on_instances_share_their_volume(check: Any) -> None:
    (problem,) = problems_of(check, Task(web(), ephemeral_storage_gib=21))
    assert problem.startswith("ephemeral_storage_gib must be left out on ")
    assert problem.endswith("(got 21); use a larger volume_gib= of the capacity instead")
    assert problems_of(check, Task(web())) == []


def test_a_session_on_managed_instances_needs_a_writable_file_system() -> None:
    containers = [web(), web("first", read_only=True), web("second", read_only=True)]
    (problem,) = problems_of(check_managed_instances, Task(*containers, execute_command=True))
    assert problem.startswith("read_only of container 'first' must be False with execute_command=True on ECS Managed")
    assert problems_of(check_managed_instances, Task(*containers)) == []
    assert problems_of(check_managed_instances, Task(web(), execute_command=True)) == []

"""The checks of a task over all its containers: sizes, order, volumes and namespaces."""

from __future__ import annotations

from typing import Any

import attrs
import aws_cdk as cdk
import pytest

from moorage import Container, LogMode, NetworkMode, OperatingSystemFamily, Task, Volume
from moorage.workload.ports import find_port
from moorage.workload.problems import Problems

IMAGE = "public.ecr.aws/docker/library/nginx:1.29"


def container(name: str, **given: Any) -> Container:
    return Container(IMAGE, name=name, **given)


def problems_of(*containers: Container, **given: Any) -> list[str]:
    """Return the problems of a task."""
    with pytest.raises(ValueError, match="Task ") as raised:
        Task(*containers, **given)
    first, *others = str(raised.value).splitlines()
    return [each.removeprefix("  - ") for each in others] or [first.partition(": ")[2]]


@pytest.mark.parametrize("argument", ["cpu", "memory_mib"])
def test_a_container_without_a_share_counts_as_nothing(argument: str) -> None:
    shares: dict[str, Any] = {"cpu": 256, "memory_mib": 512}
    fits = shares[argument]
    Task(container("a", **{argument: fits}), container("b"), **shares)
    (problem,) = problems_of(container("a", **{argument: fits + 1}), container("b"), **shares)
    assert str(fits + 1) in problem


def test_the_memory_of_a_task_is_the_sum_of_its_containers() -> None:
    task = Task(container("a", memory_mib=300), container("b", memory_mib=212), memory_mib=None)
    assert task.memory_mib == 512


def test_one_container_has_one_problem_of_its_writable_paths() -> None:
    (problem,) = problems_of(container("a", writable={"/tmp": 600}))
    assert problem.startswith("the sum of writable of container 'a' ")


def test_all_containers_share_the_memory_for_writable_paths() -> None:
    (problem,) = problems_of(*(container(name, writable={"/tmp": 300}) for name in "ab"))
    assert problem.startswith("the sum of writable of all containers ")


@pytest.mark.parametrize(
    ("names", "way_out"),
    [(("a",), "use another container"), (("a", "b", "c"), "use 'b', 'c'")],
)
def test_a_dependency_must_be_a_container_of_the_task(names: tuple[str, ...], way_out: str) -> None:
    first, *others = names
    problems = problems_of(container(first, depends_on=["missing"]), *map(container, others))
    assert problems == [
        f"depends_on of container 'a' must name containers of the task (got 'missing'); {way_out}, or remove the "
        "dependency"
    ]


@pytest.mark.parametrize(
    ("volumes", "way_out"),
    [
        ([], "add the volume to Task(volumes=[...])"),
        ([Volume.bind_mount("data")], "use 'data', or remove the mount"),
    ],
)
def test_a_mount_must_be_a_volume_of_the_task(volumes: list[Volume], way_out: str) -> None:
    mounts = {"/missing": "missing", **({"/data": "data"} if volumes else {})}
    assert problems_of(container("a", mounts=mounts), volumes=volumes) == [
        f"mounts of container 'a' must name volumes of the task (got 'missing' at '/missing'); {way_out}"
    ]


def test_a_volume_must_be_mounted() -> None:
    volumes = [Volume.bind_mount("data"), Volume.bind_mount("other")]
    assert problems_of(container("a", mounts={"/data": "data"}), volumes=volumes) == [
        "each item of volumes must be mounted by a container (got 'other'); use Container(mounts={'/path': 'other'}), "
        "or remove the volume"
    ]


def test_only_a_service_creates_a_volume_for_each_task() -> None:
    for volume, refused in ((Volume.ebs("data", size_gib=10), True), (Volume.bind_mount("data"), False)):
        problems = Problems("Job")
        Task(container("a", mounts={"/data": "data"}), volumes=volume)._check_without_service(problems)
        assert bool(problems.messages) is refused
        assert all("(got 'data')" in each for each in problems.messages)


@pytest.mark.parametrize("argument", ["pid_mode", "ipc_mode"])
def test_a_namespace_is_known_at_synthesis(argument: str) -> None:
    (problem,) = problems_of(container("a"), **{argument: cdk.Fn.ref("Mode")})
    assert problem.startswith(f"{argument} must be known at synthesis")


def test_the_first_container_with_a_port_receives_connections() -> None:
    task = Task(container("a"), container("b", port=80), container("c", port=81))
    port = find_port(task.containers, None, None)
    assert port
    assert port.container is task.containers[1]
    assert find_port(Task(container("a")).containers, None, None) is None


def test_volumes_come_from_containers_of_the_task() -> None:
    assert problems_of(container("a", volumes_from=["b", "c"]), container("c")) == [
        "volumes_from of container 'a' must name containers of the task (got 'b'); use 'c', or remove the name"
    ]


def test_a_container_does_not_wait_for_the_volumes_of_one_that_waits_for_it() -> None:
    Task(container("a", volumes_from="b"), container("b"))
    assert problems_of(container("a", volumes_from="b"), container("b", depends_on="a")) == [
        "depends_on and volumes_from must not be circular (got 'a', 'b'); remove one of these dependencies"
    ]


@pytest.mark.parametrize(
    "given", [{"dns_servers": "10.0.0.2"}, {"dns_search_domains": "shop.internal"}, {"extra_hosts": {"db": "10.0.0.9"}}]
)
def test_containers_have_no_names_of_their_own_in_awsvpc_mode(given: dict[str, Any]) -> None:
    Task(container("a"), container("b", **given), network_mode=NetworkMode.BRIDGE)
    (problem,) = problems_of(container("a"), container("b", **given))
    assert problem.startswith("network_mode must be 'bridge', 'host' or 'none' with dns_servers, dns_search_domains ")


@pytest.mark.parametrize(
    "given",
    [
        {"system_controls": {"net.core.somaxconn": 1024}},
        {"dns_servers": "10.0.0.2"},
        {"dns_search_domains": "shop.internal"},
        {"extra_hosts": {"db": "10.0.0.9"}},
    ],
)
def test_windows_has_no_linux_options(given: dict[str, Any]) -> None:
    (argument,) = given
    problems = problems_of(
        container("a", **given), operating_system_family=OperatingSystemFamily.WINDOWS_SERVER_2022_CORE
    )
    value = list(given[argument]) if isinstance(given[argument], dict) else (given[argument],)
    assert f"{argument} of container 'a' must be left out on Windows (got {value!r}); " in "".join(problems)


def test_bridge_mode_keeps_network_parameters_apart() -> None:
    controls = {"system_controls": {"net.core.somaxconn": 1024}}
    Task(container("a", **controls), container("b", **controls), network_mode=NetworkMode.BRIDGE)
    with pytest.warns(
        UserWarning, match=r"system_controls should have 'net.' parameters in only one .*\(got 'a', 'b'\)"
    ):
        Task(container("a", **controls), container("b", **controls))


def test_a_log_mode_is_that_of_the_log_group() -> None:
    mode, router = LogMode.blocking(), Container.log_router({"Name": "http"}, image=IMAGE)
    Task(container("a"), attrs.evolve(router, log_mode=mode))
    assert problems_of(container("a", log_mode=mode), router) == [
        "log_mode of container 'a' must be left out with a log router, to which the logs go (got 'log-router'); leave "
        "log_mode= out, or send the logs to the log group with logging="
    ]

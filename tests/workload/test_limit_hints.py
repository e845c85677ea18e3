"""The hints and the values in the messages of limits that have several numbers."""

from __future__ import annotations

import aws_cdk as cdk
import pytest

from moorage import Container
from moorage.workload import capacity_limits, container_limits, job_limits, platform_limits, route_limits, volume_limits
from moorage.workload.limit import BelowOrAbove, Limit, in_range, minimum_length


def hint_of(limit: Limit, value: object) -> str:
    problem = limit.problem("argument", value)
    assert problem is not None
    return problem.rpartition("; ")[2]


def test_the_hint_of_a_range_depends_on_the_side() -> None:
    limit = in_range("row", 3, 5, hint=BelowOrAbove(below="more", above="less"), source="")
    assert [hint_of(limit, value) for value in (2, 6)] == ["more", "less"]
    assert [limit.problem("argument", value) for value in (3, 5)] == [None, None]


@pytest.mark.parametrize(
    ("limit", "below", "above"),
    [
        (capacity_limits.INSTANCES, [(-1, 5), (3, 0), (0, 0)], [(5, 1), (3, 2)]),
        (capacity_limits.ON_DEMAND_BASE, [(-1, 5)], [(6, 5), (0, -1)]),
        (capacity_limits.WARM_POOL, [(-1, 5)], [(6, 5), (0, -1)]),
        (capacity_limits.VOLUME, [(29, 30)], [(65_537, 30), (65_537, 65_537)]),
        (container_limits.MEMORY_RESERVATION, [(5, 512), (5, 5)], [(6, 5), (513, 512)]),
    ],
    ids=lambda value: value.id if isinstance(value, Limit) else "",
)
def test_the_hint_says_which_number_to_change(
    limit: Limit, below: list[tuple[int, int]], above: list[tuple[int, int]]
) -> None:
    (less,) = {hint_of(limit, value) for value in below}
    (more,) = {hint_of(limit, value) for value in above}
    assert less.startswith("use ")
    assert " or more" in less
    assert "smaller" in more or "or less" in more


@pytest.mark.parametrize(
    ("throughput", "hint"),
    [
        (124, "use a value of throughput_mib between 125 and 2,000"),
        (125, "use iops=3000 or more"),
        (751, "use iops=3004 or more"),
        (2000, "use iops=8000 or more"),
        (2001, "use a value of throughput_mib between 125 and 2,000"),
    ],
)
def test_the_hint_for_a_throughput_names_iops_only_if_iops_can_allow_it(throughput: int, hint: str) -> None:
    assert hint_of(volume_limits.EBS_THROUGHPUT, (throughput, "gp3", 400)).startswith(hint)


@pytest.mark.parametrize(
    ("limit", "value", "shown"),
    [
        (container_limits.WRITABLE_SIZE, (600, 512), "got 600 of 512 MiB"),
        (job_limits.VISIBLE_AFTER_STOP, (30, 120), "got 30 with stop_timeout=120, in seconds"),
        (route_limits.TARGET_TIMEOUT_SHORTER, (31, 30), "got 31 with interval=30, in seconds"),
        (platform_limits.FARGATE_SIZE, (256, 4096), "got cpu=256, memory_mib=4096"),
        (platform_limits.FARGATE_WINDOWS_SIZE, (256, 4096), "got cpu=256, memory_mib=4096"),
        (platform_limits.FARGATE_WINDOWS_LEAST, (1024, 1024), "got cpu=1024, memory_mib=1024"),
    ],
    ids=lambda value: value.id if isinstance(value, Limit) else "",
)
def test_a_message_shows_both_numbers(limit: Limit, value: tuple[int, int], shown: str) -> None:
    assert shown in str(limit.problem("argument", value))


def test_the_length_of_a_document_is_that_of_compact_json() -> None:
    assert minimum_length({"a": ("b", ["c"]), "d": 1, "e": {"Ref": "F"}}) == len('{"a":["b",["c"]],"d":1,"e":""}')
    assert minimum_length(["${Token[A.1]}b"]) == len('["b"]')


def test_wrong_port_ranges_are_not_compared_with_each_other() -> None:
    with pytest.raises(ValueError, match=r"each item of port_ranges must be .* \(got \(5, 70000\)\)") as raised:
        Container("nginx:1.29", port_ranges=[(5, 70_000), (5, 6)])
    assert str(raised.value).startswith("Container 'app': each item"), "it is the only problem"


def test_ports_and_names_of_labels_are_known_at_synthesis() -> None:
    with pytest.raises(ValueError, match="each port of port_ranges must be known at synthesis"):
        Container("nginx:1.29", port_ranges=[(80, int(cdk.Token.as_number(cdk.Fn.ref("Port"))))])
    with pytest.raises(ValueError, match="each name of docker_labels must be known at synthesis"):
        Container("nginx:1.29", docker_labels={cdk.Fn.ref("Name"): "a"})

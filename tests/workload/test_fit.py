"""The number of copies on a container instance, and the room for rollouts."""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage import Architecture, Container, NetworkMode, Task
from moorage.workload.ec2_instances import InstanceType, instance_type, instance_types
from moorage.workload.fit import Demand, Host, fit, rollout_shortage, smallest_fitting_type, traffic_shift_shortage

SMALL = Demand(cpu=256, memory_mib=512)
BRIDGE = attrs.evolve(SMALL, interface=False)


def known(name: str) -> InstanceType:
    found = instance_type(name)
    assert found, name
    return found


def host(name: str, *, trunking: bool = False) -> Host:
    return Host.of(known(name), trunking=trunking)


demands = st.builds(
    Demand,
    cpu=st.integers(0, 8192),
    memory_mib=st.integers(6, 65536),
    gpus=st.integers(0, 4),
    interface=st.booleans(),
    architecture=st.sampled_from(Architecture),
)
hosts = st.builds(
    Host.of,
    st.sampled_from(instance_types()),
    trunking=st.booleans(),
    reserved_memory_mib=st.integers(0, 1024),
)


@pytest.mark.parametrize(
    ("name", "demand", "trunking", "copies", "binds"),
    [
        ("m5.large", SMALL, False, 2, "network interfaces"),
        ("m6i.2xlarge", SMALL, False, 3, "network interfaces"),
        ("t3.medium", SMALL, False, 2, "network interfaces"),
        ("m5.large", SMALL, True, 8, "CPU"),
        ("m6i.2xlarge", SMALL, True, 32, "CPU"),
        ("t3.medium", SMALL, True, 2, "network interfaces"),
        ("m5.large", BRIDGE, False, 8, "CPU"),
        ("m6i.2xlarge", BRIDGE, False, 32, "CPU"),
        ("t3.medium", BRIDGE, False, 6, "memory"),
    ],
)
def test_a_task_of_256_cpu_units_and_512_mib_fits_as_often_as_ecs_places_it(
    *, name: str, demand: Demand, trunking: bool, copies: int, binds: str
) -> None:
    held = fit(demand, host(name, trunking=trunking))
    assert (held.copies, held.limiting_resources) == (copies, (binds,))


def test_a_quarter_of_the_memory_fits_three_times_because_the_system_uses_some() -> None:
    quarter = Demand(cpu=1024, memory_mib=4096)
    assert fit(quarter, host("m6i.2xlarge", trunking=True)).copies == 7
    assert fit(attrs.evolve(quarter, memory_mib=3840), host("m6i.2xlarge", trunking=True)).copies == 8


@pytest.mark.parametrize(
    ("name", "registered"),
    [
        ("c5.large", 3714),
        ("t3.medium", 3828),
        ("c5.xlarge", 7634),
        ("inf1.xlarge", 7667),
        ("m5.large", 7690),
        ("m6i.large", 7907),
        ("m4.large", 7985),  # Amazon ECS developer guide, memory-management
    ],
)
def test_the_estimated_memory_never_exceeds_what_ecs_registers(name: str, registered: int) -> None:
    assert 0.95 * registered < Host.of(known(name), reserved_memory_mib=0).memory_mib <= registered


def test_memory_for_tasks_is_the_registered_memory_minus_the_reserved() -> None:
    assert Host.of(known("m5.large"), reserved_memory_mib=0).memory_mib == 7626
    assert Host.of(known("m5.large")).memory_mib == 7370
    assert Host.of(known("t3.nano"), reserved_memory_mib=4096).memory_mib == 0


def test_a_task_needs_only_memory_and_an_interface_by_default() -> None:
    assert Demand(memory_mib=512) == Demand(
        cpu=0, memory_mib=512, gpus=0, host_ports=(), interface=True, architecture=Architecture.X86_64
    )


@pytest.mark.parametrize("mode", NetworkMode)
def test_a_task_needs_an_interface_only_in_awsvpc_mode(mode: NetworkMode) -> None:
    task = Task(Container("redis:8"), memory_mib=512, network_mode=mode)
    assert Demand.of(task).interface == (mode is NetworkMode.AWSVPC)


def test_a_vcpu_has_1024_cpu_units() -> None:
    assert (host("m5.large").cpu, host("m6i.2xlarge").cpu) == (2048, 8192)


@pytest.mark.parametrize("make", [Demand, Host])
def test_the_numbers_of_resources_are_named(make: Callable[..., object]) -> None:
    with pytest.raises(TypeError, match="takes 1 positional argument"):
        make(1024, 2048)


def test_interfaces_for_tasks_exclude_the_primary_one_or_are_those_of_the_trunk() -> None:
    assert host("c5.large").interfaces == Host.of(known("c5.large")).interfaces == 2
    assert host("c5.large", trunking=True).interfaces == 10


def test_a_task_that_reserves_no_cpu_is_not_limited_by_cpu() -> None:
    assert fit(Demand(memory_mib=512, interface=False), host("m5.large")).limiting_resources == ("memory",)


def test_a_fixed_host_port_fits_once() -> None:
    held = fit(attrs.evolve(BRIDGE, host_ports=(8080,)), host("m5.large"))
    assert (held.copies, held.limiting_resources) == (1, ("host ports",))


@pytest.mark.parametrize("port", [22, 2375, 2376, 51678, 51680])
def test_a_task_with_a_port_that_ecs_reserves_never_fits(port: int) -> None:
    held = fit(attrs.evolve(BRIDGE, host_ports=(port,)), host("m5.large"))
    assert (held.copies, held.limiting_resources) == (0, ("host ports",))


def test_gpus_limit_only_tasks_that_need_them() -> None:
    asked = Demand(memory_mib=512, gpus=1, interface=False)
    assert fit(asked, host("g6.12xlarge")).limiting_resources == ("GPUs",)
    assert fit(asked, host("g6.12xlarge")).copies == 4
    assert fit(attrs.evolve(asked, gpus=3), host("g6.12xlarge")).copies == 1
    assert fit(asked, host("m5.large")).copies == 0


def test_a_task_of_another_architecture_never_fits() -> None:
    held = fit(attrs.evolve(SMALL, architecture=Architecture.ARM64), host("m5.large"))
    assert (held.copies, held.limiting_resources) == (0, ("architecture",))


def test_all_resources_that_limit_at_the_same_number_are_named() -> None:
    assert fit(Demand(cpu=4096, memory_mib=16384), host("m5.large")).limiting_resources == ("CPU", "memory")


def test_a_daemon_uses_its_share_of_every_resource() -> None:
    left = host("g6.12xlarge").remaining_after(Demand(cpu=128, memory_mib=256, gpus=1))
    complete_host = host("g6.12xlarge")
    assert (left.cpu, left.memory_mib, left.gpus, left.interfaces) == (
        complete_host.cpu - 128,
        complete_host.memory_mib - 256,
        complete_host.gpus - 1,
        complete_host.interfaces - 1,
    )


def test_a_daemon_blocks_its_host_port_for_tasks() -> None:
    agent = Demand(memory_mib=64, interface=False, host_ports=(8126,))
    assert fit(agent, host("m5.large").remaining_after(agent)).limiting_resources == ("host ports",)


def test_a_daemon_of_another_architecture_uses_nothing() -> None:
    assert host("m5.large").remaining_after(Demand(memory_mib=512, architecture=Architecture.ARM64)) == host("m5.large")


def test_daemons_never_leave_negative_resources() -> None:
    greedy = Demand(cpu=1024 * 1024, memory_mib=1024 * 1024, gpus=16)
    left = host("g6.12xlarge").remaining_after(*[greedy] * 20)
    assert (left.cpu, left.memory_mib, left.gpus, left.interfaces) == (0, 0, 0, 0)


def test_a_demand_reports_all_problems_together() -> None:
    with pytest.raises(ValueError, match="Demand: 5 problems") as raised:
        Demand(cpu=-1, memory_mib=4, gpus=-1, host_ports=(0,))
    assert "use interface=False, or no host ports" in str(raised.value)


@given(demands, hosts)
def test_copies_fit_on_the_host_and_one_more_does_not(demand: Demand, on: Host) -> None:
    held = fit(demand, on)
    assert held.host is on
    assert _within(demand, on, held.copies)
    assert not _within(demand, on, held.copies + 1)


@given(demands, hosts, st.integers(0, 8192), st.integers(0, 65536), st.integers(0, 4))
def test_a_larger_host_never_holds_fewer_copies(demand: Demand, on: Host, cpu: int, memory: int, more: int) -> None:
    larger = attrs.evolve(
        on,
        cpu=on.cpu + cpu,
        memory_mib=on.memory_mib + memory,
        gpus=on.gpus + more,
        interfaces=on.interfaces + more,
    )
    assert fit(demand, larger).copies >= fit(demand, on).copies


@given(demands, hosts, st.lists(demands, max_size=3))
def test_daemons_never_increase_the_number_of_copies(demand: Demand, on: Host, daemons: list[Demand]) -> None:
    assert fit(demand, on.remaining_after(*daemons)).copies <= fit(demand, on).copies


@given(demands, st.sampled_from(instance_types()))
def test_trunking_never_reduces_the_number_of_copies(demand: Demand, type_: InstanceType) -> None:
    assert fit(demand, Host.of(type_, trunking=True)).copies >= fit(demand, Host.of(type_)).copies


def nearest(demand: Demand, like: str, *daemons: Demand) -> str | None:
    found = smallest_fitting_type(demand, trunking=False, reserved_memory_mib=256, like=known(like), daemons=daemons)
    return found.name if found else None


@pytest.mark.parametrize(
    ("demand", "like", "name"),
    [
        (Demand(memory_mib=4096, architecture=Architecture.ARM64), "m7g.medium", "m7g.large"),
        (Demand(cpu=2048, memory_mib=4096), "m5.large", "m5.large"),
        (Demand(memory_mib=4096, architecture=Architecture.ARM64), "m7i.large", "m7g.large"),
        (Demand(memory_mib=300 * 1024, architecture=Architecture.ARM64), "m7g.16xlarge", "r6g.12xlarge"),
        (Demand(memory_mib=4096, gpus=1), "m7i.xlarge", "g4dn.xlarge"),
        (Demand(memory_mib=64 * 1024), "t3.medium", "r5a.4xlarge"),
    ],
)
def test_the_nearest_sufficient_type_is_suggested(demand: Demand, like: str, name: str) -> None:
    assert nearest(demand, like) == name


def test_the_suggested_type_also_holds_the_daemons() -> None:
    demand = Demand(memory_mib=7000)
    assert nearest(demand, "m5.large") == "m5.large"
    assert nearest(demand, "m5.large", Demand(memory_mib=1024)) == "m5.xlarge"


def test_no_type_is_suggested_if_none_is_sufficient() -> None:
    assert nearest(Demand(memory_mib=64 * 1024 * 1024), "m5.large") is None


@given(demands, st.sampled_from(instance_types()))
def test_the_suggested_type_holds_a_copy(demand: Demand, like: InstanceType) -> None:
    found = smallest_fitting_type(demand, trunking=True, reserved_memory_mib=256, like=like)
    assert found is None or fit(demand, Host.of(found, trunking=True)).copies >= 1
    if not like.bare_metal and fit(demand, Host.of(like, trunking=True)).copies:
        assert found
        assert found.family == like.family


@pytest.mark.parametrize(
    ("least", "minimum", "maximum", "slots", "shortage"),
    [
        (2, 100, 200, 3, None),
        (2, 50, 100, 2, None),
        (2, 50, 200, 2, None),
        (6, 100, 200, 8, None),
        (0, 100, 100, 0, None),
        (
            2, 100, 200, 2,
            "2 copies fill all 2 places, and at 100% healthy no copy can stop before a new one has started: "
            "3 places are needed",
        ),
        (
            1, 50, 200, 1,
            "1 copy fills the only place, and at 50% healthy no copy can stop before a new one has started: "
            "2 places are needed",
        ),
        (
            2, 100, 100, 9,
            "2 copies are all that a maximum of 100% allows, and at 100% healthy no copy can stop before a new one "
            "has started: a maximum of 150% is needed",
        ),
        (
            3, 80, 120, 3,
            "3 copies fill all 3 places and are all that a maximum of 120% allows, and at 80% healthy no copy can "
            "stop before a new one has started: 4 places and a maximum of 134% are needed",
        ),
        (
            3, 100, 133, 9,
            "3 copies are all that a maximum of 133% allows, and at 100% healthy no copy can stop before a new one "
            "has started: a maximum of 134% is needed",
        ),
        (3, 100, 134, 9, None),
        (3, 50, 200, 2, "3 copies need 3 places, and there are 2"),
        (1, 0, 200, 0, "1 copy needs 1 place, and there are 0"),
    ],
)  # fmt: skip
def test_a_rollout_without_room_reports_what_it_needs(
    least: int, minimum: int, maximum: int, slots: int, shortage: str | None
) -> None:
    assert rollout_shortage(least, minimum, maximum, slots) == shortage


@given(st.integers(0, 200), st.integers(0, 100), st.integers(100, 400), st.integers(0, 400))
def test_a_rollout_progresses_if_a_task_can_start_or_stop(least: int, minimum: int, maximum: int, slots: int) -> None:
    starts = least < slots and least * maximum // 100 > least
    stops = math.ceil(least * minimum / 100) < least
    possible = least <= slots and (least == 0 or starts or stops)
    assert (rollout_shortage(least, minimum, maximum, slots) is None) == possible


@given(st.integers(1, 200), st.integers(0, 100), st.integers(100, 400), st.integers(0, 400), st.integers(0, 50))
def test_more_slots_never_block_a_rollout(least: int, minimum: int, maximum: int, slots: int, more: int) -> None:
    if rollout_shortage(least, minimum, maximum, slots) is None:
        assert rollout_shortage(least, minimum, maximum, slots + more) is None


@pytest.mark.parametrize(
    ("least", "slots", "shortage"),
    [
        (0, 0, None),
        (2, 4, None),
        (2, 5, None),
        (2, 3, "the old version and the new one need 4 places at once, and there are 3"),
        (3, 5, "the old version and the new one need 6 places at once, and there are 5"),
    ],
)
def test_both_versions_have_room_at_once_where_traffic_shifts(least: int, slots: int, shortage: str | None) -> None:
    assert traffic_shift_shortage(least, slots) == shortage


def _within(demand: Demand, on: Host, copies: int) -> bool:
    return (
        (copies == 0 or demand.architecture is on.architecture)
        and copies * demand.cpu <= on.cpu
        and copies * demand.memory_mib <= on.memory_mib
        and copies * demand.gpus <= on.gpus
        and copies * demand.interface <= on.interfaces
    )

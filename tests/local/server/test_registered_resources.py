"""Container instances register AWS's numbers in the local AWS, independent of those of the library."""

from __future__ import annotations

import pytest

from moorage.local.server.ecs.registered_resources import RESERVED_PORTS, Room, registered_mib
from moorage.workload.ec2_instances import instance_type


def _room(name: str, *, trunking: bool = False, reserved_mib: int = 0) -> Room:
    type_ = instance_type(name)
    assert type_
    return Room.of(type_, trunking=trunking, reserved_mib=reserved_mib)


@pytest.mark.parametrize(
    ("name", "memory_mib"),
    [("m5.large", 7690), ("c5.large", 3714), ("c5.xlarge", 7634), ("t3.medium", 3828), ("inf1.xlarge", 7667)],
)
def test_a_measured_type_registers_the_measured_memory(name: str, memory_mib: int) -> None:
    assert _room(name).memory_mib == memory_mib
    assert _room(name, reserved_mib=256).memory_mib == memory_mib - 256


def test_two_tasks_that_do_not_fit_on_m6i_large_do_not_fit_here() -> None:
    assert 2 * 3910 <= _room("m6i.large").memory_mib < 2 * 3954


@pytest.mark.parametrize(
    ("name", "memory_mib"), [("c6i.large", 3714), ("m7g.large", 7634), ("m7g.xlarge", 15586), ("t3.nano", 464)]
)
def test_other_types_register_the_memory_that_the_kernel_leaves(name: str, memory_mib: int) -> None:
    assert _room(name).memory_mib == memory_mib


def test_no_type_registers_more_memory_than_it_has() -> None:
    names = ("t3.nano", "t3.micro", "t3.small", "m7g.metal", "u-6tb1.metal")
    types = [type_ for name in names if (type_ := instance_type(name))]
    assert len(types) > 3
    assert all(0.88 < registered_mib(type_) / type_.memory_mib < 1 for type_ in types)


def test_ports_cpu_and_interfaces_match_ecs() -> None:
    room = _room("m5.large")
    assert (room.cpu, room.interfaces, room.taken_ports) == (2048, 2, RESERVED_PORTS)
    assert sorted(RESERVED_PORTS) == [22, 2375, 2376, 51678, 51679, 51680]
    assert _room("m5.large", trunking=True).interfaces == 10

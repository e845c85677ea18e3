"""The reasons why a workload cannot run on a launch type, each from both sides."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.advice.launch_type import LaunchType, conditions, fargate_size, refusals
from moorage.advice.workload import Workload
from moorage.workload.task import Architecture, NetworkMode

FARGATE, FARGATE_SPOT = LaunchType.FARGATE, LaunchType.FARGATE_SPOT
EC2, EC2_SPOT, MANAGED = LaunchType.EC2, LaunchType.EC2_SPOT, LaunchType.MANAGED_INSTANCES
FACTS: dict[str, Any] = {"name": "web", "cpu": 1024, "memory_mib": 2048, "interruptible": True}


@pytest.mark.parametrize(
    ("refused", "accepted", "launch_types"),
    [
        ({"gpus": 1}, {"gpus": 0}, {FARGATE, FARGATE_SPOT}),
        ({"privileged": True}, {"privileged": False}, {FARGATE, FARGATE_SPOT}),
        ({"daemon": True}, {"daemon": False}, {FARGATE, FARGATE_SPOT}),
        ({"host_volumes": True}, {"host_volumes": False}, {FARGATE, FARGATE_SPOT}),
        ({"cpu": 32769, "memory_mib": 61440}, {"cpu": 32768, "memory_mib": 61440}, {FARGATE, FARGATE_SPOT}),
        ({"memory_mib": 244 * 1024 + 1}, {"memory_mib": 244 * 1024}, {FARGATE, FARGATE_SPOT}),
        ({"ephemeral_storage_gib": 201}, {"ephemeral_storage_gib": 200}, {FARGATE, FARGATE_SPOT}),
        ({"start_seconds": 29}, {"start_seconds": 30}, {FARGATE, FARGATE_SPOT}),
        ({"interruptible": False}, {"interruptible": True}, {FARGATE_SPOT, EC2_SPOT}),
        ({"windows": True}, {"windows": False}, {FARGATE_SPOT, MANAGED}),
        (
            {"windows": True, "ebs_volumes": True, "interruptible": True},
            {"ebs_volumes": True},
            {FARGATE, FARGATE_SPOT, MANAGED},
        ),
        ({"windows": True, "memory_mib": 30721}, {"memory_mib": 30721}, {FARGATE, FARGATE_SPOT, MANAGED}),
    ],
    ids=lambda value: None if isinstance(value, set) else str(value),  # the order of a set differs between processes
)
def test_each_hard_constraint(refused: dict[str, Any], accepted: dict[str, Any], launch_types: set[LaunchType]) -> None:
    def refusing(facts: dict[str, Any]) -> set[LaunchType]:
        workload = Workload(**{**FACTS, **facts})
        return {each for each in LaunchType if refusals(workload, each, Architecture.X86_64)}

    assert refusing(refused) == launch_types
    assert refusing(accepted) == set()


def test_every_refusal_has_a_source() -> None:
    workload = Workload(
        **{
            **FACTS,
            "gpus": 1,
            "privileged": True,
            "daemon": True,
            "host_volumes": True,
            "windows": True,
            "ebs_volumes": True,
            "start_seconds": 1,
            "memory_mib": 10**6,
            "ephemeral_storage_gib": 300,
            "interruptible": False,
        }
    )
    found = [each for type_ in LaunchType for each in refusals(workload, type_, Architecture.ARM64)]
    assert all(each.source for each in found)
    assert len({each.reason for each in found}) == 11


def test_fargate_spot_runs_graviton() -> None:
    """The ECS API reference accepts ARM64 on platform version 1.4.0 and later (CapacityProviderStrategyItem)."""
    workload = Workload(**FACTS, architectures=(Architecture.ARM64,))
    assert refusals(workload, FARGATE_SPOT, Architecture.ARM64) == ()


@pytest.mark.parametrize(
    ("facts", "launch_type", "architecture", "needed"),
    [
        ({}, FARGATE, Architecture.X86_64, ()),
        ({}, FARGATE, Architecture.ARM64, ("images for ARM64",)),
        ({"architectures": (Architecture.ARM64,)}, EC2, Architecture.X86_64, ("images for X86_64",)),
        ({"network_mode": NetworkMode.BRIDGE}, FARGATE, Architecture.X86_64, ("network mode awsvpc",)),
        ({"network_mode": NetworkMode.BRIDGE}, EC2, Architecture.X86_64, ()),
        ({"network_mode": NetworkMode.HOST}, MANAGED, Architecture.X86_64, ()),
        ({"network_mode": NetworkMode.BRIDGE}, MANAGED, Architecture.X86_64, ("network mode awsvpc",)),
        ({"daemon": True}, MANAGED, Architecture.X86_64, ("a managed daemon",)),
    ],
)
def test_what_must_change_before_a_launch_type_fits(
    facts: dict[str, Any], launch_type: LaunchType, architecture: Architecture, needed: tuple[str, ...]
) -> None:
    assert conditions(Workload(**{**FACTS, **facts}), launch_type, architecture) == needed


@pytest.mark.parametrize(
    ("facts", "size"),
    [
        ({"cpu": 0, "memory_mib": 100}, (256, 512)),
        ({"cpu": 256, "memory_mib": 513}, (256, 1024)),
        ({"cpu": 1024, "memory_mib": 3840}, (1024, 4096)),  # a size for hosts, which Fargate rounds up
        ({"cpu": 1025, "memory_mib": 2048}, (2048, 4096)),
        ({"cpu": 256, "memory_mib": 2049}, (512, 3072)),
        ({"cpu": 256, "memory_mib": 512, "windows": True}, (1024, 2048)),
    ],
)
def test_fargate_rounds_up_to_its_next_size(facts: dict[str, Any], size: tuple[int, int]) -> None:
    assert fargate_size(Workload(**{**FACTS, **facts})) == size

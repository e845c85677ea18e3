"""Checks of a task against its instances: operating system, privileges, volumes, swappiness and Service Connect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from moorage.workload.volumes import EbsVolume, EfsVolume

if TYPE_CHECKING:
    from moorage.ecs.capacity.capacity import Capacity
    from moorage.workload.problems import Problems
    from moorage.workload.task import Task


def check_instances(task: Task, capacities: Sequence[Capacity], problems: Problems, *, has_connect: bool) -> None:
    """Add a problem for everything in a task that the instances of these capacities do not support.

    Args:
        task: The task that runs on the instances.
        capacities: The capacities that the task can run on.
        problems: The problems to add to.
        has_connect: True if the service of the task has a name in Service Connect.
    """
    privileged = [each.name for each in task.containers if each.privileged]
    for capacity in capacities:
        _check_system(task, capacity, problems)
        if privileged and not capacity._runs_privileged:
            problems.add(
                f"container {privileged[0]!r} is privileged, which Bottlerocket does not allow by default; use "
                "ContainerInstance(user_data=['allow-privileged-containers = true']) in "
                f"capacity {capacity.name!r}"
            )
        if capacity._runs_bottlerocket:
            _check_bottlerocket(task, capacity, problems, has_connect=has_connect)
        _check_volumes(task, capacity, problems)
        if capacity._runs_al2023:
            _check_swappiness(task, capacity, problems)


def _check_system(task: Task, capacity: Capacity, problems: Problems) -> None:
    system = capacity._operating_system
    if system is not None and system is not task.operating_system_family:
        ami = "Ami.windows(...)" if task._on_windows else "Ami.al2023()"
        problems.add(
            f"operating_system_family is {task.operating_system_family.value!r}, but instances of capacity "
            f"{capacity.name!r} run {system.value}; use a capacity with a matching AMI, such as {ami}, or run the task "
            "on Fargate"
        )


def _check_bottlerocket(task: Task, capacity: Capacity, problems: Problems, *, has_connect: bool) -> None:
    """Add a problem for features that the ECS agent of Bottlerocket does not support.

    ECS places no task that needs these features (bottlerocket #1080, #2801).
    """
    volumes = [each.name for each in task.volumes if isinstance(each, (EfsVolume, EbsVolume))]
    parts = [f"volume {volumes[0]!r}"] if volumes else []
    if has_connect:
        parts.append("connect=ServiceConnect(...)")
    if parts:
        problems.add(
            f"{' and '.join(parts)} must not be used on capacity {capacity.name!r}, since Bottlerocket's ECS agent "
            "does not support EFS, EBS or Service Connect; use Ami.al2023(), or Fargate"
        )


def _check_swappiness(task: Task, capacity: Capacity, problems: Problems) -> None:
    """Add a problem for swappiness, which AL2023 does not support (botocore ecs LinuxParameters.swappiness)."""
    for container in task.containers:
        if container.linux_parameters and container.linux_parameters.swappiness is not None:
            problems.add(
                f"swappiness of container {container.name!r} is not supported by Amazon Linux 2023, which the "
                f"instances of capacity {capacity.name!r} run; leave swappiness= out"
            )


def _check_volumes(task: Task, capacity: Capacity, problems: Problems) -> None:
    """Add a problem for an EBS volume on Xen-based instances (ECS developer guide, EBS volumes with Amazon ECS)."""
    xen_types = capacity.instances.xen_types if capacity.instances else ()
    volumes = [each.name for each in task.volumes if isinstance(each, EbsVolume)]
    if volumes and xen_types:
        problems.add(
            f"volume {volumes[0]!r} is an EBS volume, which only instances of the AWS Nitro System can attach, but "
            f"capacity {capacity.name!r} launches {xen_types[0]}; use Nitro-based instance types such as 'm7i.large'"
        )

"""The CPU and memory of an instance that a task and its containers reserve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from moorage.workload.container import Container
    from moorage.workload.task import Task


def share_of(task: Task, container: Container, size: Literal["cpu", "memory_mib"]) -> int | None:
    """Return what a container has where the size of its task is ignored: its own, or an even share of the rest.

    None if the task has none to share, or if only CloudFormation knows what is left.
    """
    own: int | None = getattr(container, size)
    of_task: int | None = getattr(task, size)
    if own is not None or of_task is None or len(task.containers) == 1:
        return of_task if own is None else own
    said = [each for each in (getattr(other, size) for other in task.containers) if each is not None]
    return None if is_token((of_task, *said)) else (of_task - sum(said)) // (len(task.containers) - len(said))


def reserved_cpu(task: Task) -> int:
    """Return the CPU units that ECS counts on instances: of Windows, those of the containers."""
    if task.cpu is not None and not task._on_windows:
        return task.cpu
    return sum(share_of(task, each, "cpu") or 0 for each in task.containers)


def reserved_memory_mib(task: Task) -> int:
    """Return the MiB that ECS counts on instances: of Windows, what the containers reserve."""
    if not task._on_windows:
        return task.memory_mib
    return sum(each.memory_reservation_mib or share_of(task, each, "memory_mib") or 0 for each in task.containers)

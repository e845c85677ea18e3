"""The CPU and memory of an instance that a task and its containers reserve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from moorage.workload.container import Container
    from moorage.workload.task import Task


def share_of(task: Task, container: Container, size: Literal["cpu", "memory_mib"]) -> int | None:
    """Return the CPU units or the memory in MiB of a container on platforms that ignore the size of the task.

    The result is the container's own value. A container without a value gets an even share of the part of the task's
    value that other containers do not reserve. Return None if neither the container nor the task has a value, or if
    only CloudFormation knows the share.
    """
    own: int | None = getattr(container, size)
    of_task: int | None = getattr(task, size)
    if own is not None or of_task is None or len(task.containers) == 1:
        return of_task if own is None else own
    given = [each for each in (getattr(other, size) for other in task.containers) if each is not None]
    return None if is_token((of_task, *given)) else (of_task - sum(given)) // (len(task.containers) - len(given))


def reserved_cpu(task: Task) -> int:
    """Return the CPU units that ECS reserves for a task on an instance.

    The result is the task's `cpu`. On Windows, or if the task has no `cpu`, the result is the sum of the containers'
    CPU units.
    """
    if task.cpu is not None and not task._on_windows:
        return task.cpu
    return sum(share_of(task, each, "cpu") or 0 for each in task.containers)


def reserved_memory_mib(task: Task) -> int:
    """Return the memory in MiB that ECS reserves for a task on an instance.

    The result is the task's `memory_mib`. On Windows, the result is the sum of the containers' soft memory limits. A
    container without a soft limit counts with its hard limit or its share of the task's memory.
    """
    if not task._on_windows:
        return task.memory_mib
    shares = [each.memory_reservation_mib or share_of(task, each, "memory_mib") for each in task.containers]
    return sum(task.memory_mib if share is None else share for share in shares)  # None: one of the sizes is a token

"""The order in which the containers of a task start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from moorage.workload import task_limits

if TYPE_CHECKING:
    from moorage.workload.container import Container
    from moorage.workload.problems import Problems


def check_start_order(containers: Sequence[Container], problems: Problems) -> None:
    """Check that each container can start: after its dependencies, and after the containers whose volumes it mounts."""
    names = [container.name for container in containers]
    for container in containers:
        _check_names("depends_on", "dependency", container, container.depends_on, names, problems)
        _check_names("volumes_from", "name", container, container._volume_sources, names, problems)
        _check_conditions(container, containers, problems)
    waits = {container.name: {*container.depends_on, *container._volume_sources} for container in containers}
    startable: set[str] = set()
    while ready := {
        name for name, required in waits.items() if name not in startable and required & waits.keys() <= startable
    }:
        startable |= ready
    if cycle := sorted(waits.keys() - startable):
        argument = "depends_on and volumes_from" if any(each.volumes_from for each in containers) else "depends_on"
        problems.add(
            f"{argument} must not be circular (got {', '.join(map(repr, cycle))}); remove one of these dependencies"
        )


def _check_names(
    argument: str, noun: str, container: Container, named: Iterable[str], names: Sequence[str], problems: Problems
) -> None:
    """Check that an argument of a container names containers of the task."""
    others = ", ".join(repr(name) for name in names if name != container.name)
    for missing in sorted({*named} - {*names}):
        problems.add(
            f"{argument} of container {container.name!r} must name containers of the task (got {missing!r}); "
            f"use {others or 'another container'}, or remove the {noun}"
        )


def _check_conditions(container: Container, containers: Sequence[Container], problems: Problems) -> None:
    for dependency in (each for each in containers if each.name in container.depends_on):
        condition = container.depends_on[dependency.name]
        argument = f"depends_on {dependency.name!r} of container {container.name!r}"
        if condition and condition._waits_for_end:
            problems.check(task_limits.DEPENDENCY_ENDS, argument, (dependency.name, dependency.essential))
        if condition and condition.value == "HEALTHY":
            has_check = dependency.health_check is not None
            problems.check(task_limits.DEPENDENCY_HEALTHY, argument, (dependency.name, has_check))

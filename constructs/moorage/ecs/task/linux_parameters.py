"""The Linux parameters of a container, as CDK defines them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs

if TYPE_CHECKING:
    from constructs import Construct

    from moorage.workload.container import Container
    from moorage.workload.task import Task


def linux_parameters(scope: Construct, task: Task, container: Container) -> ecs.LinuxParameters | None:
    """Define the Linux parameters of a container, or return None if the container needs no Linux parameters."""
    settings = container.linux_parameters
    session = task.execute_command and container.read_only and not task._on_windows
    if not (container.writable or settings or session):
        return None
    options: dict[str, Any] = {}
    if settings:
        swap = None if settings.max_swap_mib is None else cdk.Size.mebibytes(settings.max_swap_mib)
        options = {
            "shared_memory_size": settings.shared_memory_mib,
            "max_swap": swap,
            "swappiness": settings.swappiness,
        }
    init_process = session or (settings and settings.init_process_enabled) or None
    parameters = ecs.LinuxParameters(scope, f"{container.name}-linux", init_process_enabled=init_process, **options)
    if container.writable:
        parameters.add_tmpfs(*(_tmpfs(container, path) for path in container.writable))
    if settings and settings.add_capabilities:
        parameters.add_capabilities(*(ecs.Capability[name] for name in settings.add_capabilities))
    if settings and settings.drop_capabilities:
        parameters.drop_capabilities(*(ecs.Capability[name] for name in settings.drop_capabilities))
    if settings and settings.devices:
        parameters.add_devices(*settings.devices)
    return parameters


def _tmpfs(container: Container, path: str) -> ecs.Tmpfs:
    options = [ecs.TmpfsMountOption.EXEC] if path in container.executable else None
    return ecs.Tmpfs(container_path=path, size=container.writable[path], mount_options=options)


def ulimits(container: Container) -> list[ecs.Ulimit] | None:
    """Return the ulimits of a container, or None if the container has no ulimits."""
    if container.linux_parameters is None:
        return None
    return [
        ecs.Ulimit(name=ecs.UlimitName[name.upper()], soft_limit=soft, hard_limit=hard)
        for name, (soft, hard) in container.linux_parameters.ulimits.items()
    ] or None

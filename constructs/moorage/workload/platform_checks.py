"""The checks of a task for each kind of capacity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moorage.workload import container_limits, daemon_limits, platform_limits
from moorage.workload.fargate_sizes import FARGATE_MEMORY, WINDOWS_MEMORY
from moorage.workload.problems import is_token
from moorage.workload.shares import share_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from moorage.workload.container import Container
    from moorage.workload.problems import Problems
    from moorage.workload.task import Task

SESSION_LOG_PATH = "/var/log/amazon/ssm"
"""The log directory of ECS Exec, which the agent mounts in each container (amazon-ecs-agent, `ContainerLogDir`)."""


def fargate_size(task: Task) -> tuple[int, int]:
    """Return the CPU units and the memory in MiB on Fargate: the task's own, or the smallest sufficient size.

    If Fargate has no such size, or a value is a token, return the requested values, which a check then refuses or
    accepts.
    """
    task_cpu, task_memory = task.cpu, task.memory_mib
    required_cpu = sum(container.cpu or 0 for container in task.containers) if task_cpu is None else task_cpu
    if is_token((required_cpu, task_memory)):
        return required_cpu, task_memory
    memories_by_cpu = WINDOWS_MEMORY if task._on_windows else FARGATE_MEMORY
    sizes = [
        (cpu, memory)
        for cpu, memories in memories_by_cpu.items()
        for memory in memories
        if (cpu >= required_cpu if task_cpu is None else cpu == task_cpu)
        and (memory >= task_memory if task._sized_by_containers else memory == task_memory)
        and not (task._on_windows and memory == cpu)  # CDK accepts it, Fargate does not (FARGATE_WINDOWS_LEAST)
    ]
    return min(sizes, default=(required_cpu, task_memory))


def check_fargate(task: Task, problems: Problems, *, spot: bool = False) -> None:
    """Check a task for settings that Fargate or Fargate Spot does not support."""
    size = fargate_size(task)
    if task._on_windows:
        problems.check(platform_limits.FARGATE_WINDOWS_SIZE, "cpu and memory_mib", size)
        problems.check(platform_limits.FARGATE_WINDOWS_LEAST, "cpu and memory_mib", size)
    else:
        problems.check(platform_limits.FARGATE_SIZE, "cpu and memory_mib", size)
    if spot:
        problems.check(
            platform_limits.FARGATE_SPOT_WINDOWS, "operating_system_family", task.operating_system_family.value
        )
    problems.check(platform_limits.FARGATE_NETWORK_MODE, "network_mode", task.network_mode.value)
    problems.check(platform_limits.FARGATE_PID_MODE, "pid_mode", task.pid_mode)
    problems.check(platform_limits.FARGATE_IPC_MODE, "ipc_mode", task.ipc_mode)
    for container in task.containers:
        _check_fargate_container(container, problems)
        if task._on_windows:
            _check_fargate_windows(container, problems)
    for volume in task.volumes:
        volume._check_fargate(problems, on_windows=task._on_windows)


def _check_fargate_container(container: Container, problems: Problems) -> None:
    owner = f"of container {container.name!r}"
    problems.check(platform_limits.START_TIMEOUT, f"start_timeout {owner}", container.start_timeout)
    problems.check(platform_limits.STOP_TIMEOUT, f"stop_timeout {owner}", container.stop_timeout)
    problems.check(platform_limits.FARGATE_GPUS, f"gpus {owner}", container.gpus)
    problems.check(platform_limits.FARGATE_PRIVILEGED, f"privileged {owner}", container.privileged)
    problems.check(
        platform_limits.FARGATE_SECURITY_OPTIONS, f"docker_security_options {owner}", container.docker_security_options
    )
    if linux := container.linux_parameters:
        problems.check(platform_limits.FARGATE_CAPABILITIES, f"add_capabilities {owner}", linux.add_capabilities)
        problems.check(platform_limits.FARGATE_ULIMITS, f"ulimits {owner}", list(linux.ulimits))
        problems.check(platform_limits.FARGATE_DEVICES, f"devices {owner}", linux.devices)
        problems.check(platform_limits.FARGATE_SHARED_MEMORY, f"shared_memory_mib {owner}", linux.shared_memory_mib)
        problems.check(platform_limits.FARGATE_SWAP, f"max_swap_mib {owner}", linux.max_swap_mib)
        problems.check(platform_limits.FARGATE_SWAP, f"swappiness {owner}", linux.swappiness)
    if container.logging is not None:
        problems.check(platform_limits.FARGATE_LOG_DRIVER, f"logging {owner}", type(container.logging).__name__)
    problems.check(platform_limits.FARGATE_CREDENTIAL_SPEC, f"credential_spec {owner}", container.credential_spec)
    if firelens := container._firelens:
        problems.check(platform_limits.FARGATE_LOG_ROUTER_CONFIG, f"config_file {owner}", firelens.config_file)


def _check_fargate_windows(container: Container, problems: Problems) -> None:
    owner = f"of container {container.name!r}"
    for argument in ("credential_spec", "memory_reservation_mib", *(() if container.sidecar else ("restart_policy",))):
        problems.check(platform_limits.FARGATE_WINDOWS_ABSENT, f"{argument} {owner}", getattr(container, argument))
    router = container._firelens and container._firelens.type
    problems.check(platform_limits.FARGATE_WINDOWS_ABSENT, f"log_router {owner}", router)
    if container.sidecar and container.restart_policy and not router:
        problems.add(
            f"restart_policy of container {container.name!r} must be left out for Windows tasks on Fargate; use "
            "attrs.evolve(container, restart_policy=None), or Capacity.ec2(...) with Ami.windows()"
        )


def check_instances(task: Task, problems: Problems) -> None:
    """Check a task for settings that instances of an Auto Scaling group do not support."""
    _check_ephemeral_storage(task, "instances of an Auto Scaling group", problems)
    for container in task.containers:
        if task._on_windows:
            _check_windows_shares(task, container, problems)
        for argument in ("writable", "mounts") if task.execute_command else ():
            if SESSION_LOG_PATH in getattr(container, argument):
                problems.add(
                    f"{argument} of container {container.name!r} must not have {SESSION_LOG_PATH!r}, which the ECS "
                    "agent itself mounts for ECS Exec; remove the path"
                )


def _check_windows_shares(task: Task, container: Container, problems: Problems) -> None:
    """Check that a container has CPU and memory on Windows, where the agent ignores the size of the task."""
    if not share_of(task, container, "cpu"):
        problems.add(
            f"cpu of container {container.name!r} must be given on Windows instances, which otherwise give the "
            "container 1% of a CPU; use Task(cpu=...) for all containers together, or Container(cpu=...)"
        )
    problems.check(
        container_limits.CONTAINER_MEMORY_LEAST._replace(
            hint="use a larger memory_mib= of the task, or smaller memory_mib= of the other containers"
        ),
        f"the memory left for container {container.name!r}",
        share_of(task, container, "memory_mib"),
    )


def check_managed_instances(task: Task, problems: Problems) -> None:
    """Check a task for settings that ECS Managed Instances do not support."""
    problems.check(platform_limits.MANAGED_NETWORK_MODE, "network_mode", task.network_mode.value)
    problems.check(platform_limits.MANAGED_IPC_MODE, "ipc_mode", task.ipc_mode)
    problems.check(platform_limits.MANAGED_SYSTEM, "operating_system_family", task.operating_system_family.value)
    _check_ephemeral_storage(task, "ECS Managed Instances", problems)
    for container in task.containers:
        argument = f"docker_security_options of container {container.name!r}"
        problems.check(platform_limits.MANAGED_SECURITY_OPTIONS, argument, container.docker_security_options)
    read_only = [container.name for container in task.containers if container.read_only]
    if task.execute_command and read_only:
        problems.add(
            f"read_only of container {read_only[0]!r} must be False with execute_command=True on ECS Managed "
            "Instances, where ECS Exec needs a writable file system; use Container(read_only=False), or "
            "attrs.evolve(container, read_only=False) for a sidecar"
        )


_NOT_IN_DAEMON_CONTAINERS = (
    *("port", "ports", "port_ranges", "host_port", "gpus", "docker_labels", "credential_spec", "volumes_from"),
    *("docker_security_options", "dns_servers", "dns_search_domains", "extra_hosts"),
)
_NOT_IN_DAEMON_LINUX_PARAMETERS = ("shared_memory_mib", "max_swap_mib", "swappiness")


def check_daemon(task: Task, problems: Problems) -> None:
    """Check a task for settings that a daemon task definition does not have, and list all of them in one problem."""
    problems.check(daemon_limits.DAEMON_SETTINGS, "task", tuple(_not_in_daemons(task)))


def _not_in_daemons(task: Task) -> Iterator[str]:
    """Yield the settings that botocore's `RegisterDaemonTaskDefinition` does not have.

    The default of `network_mode`, awsvpc, counts as left out, since a daemon always has a network of its own kind.
    """
    given = {
        "network_mode": task.network_mode.value != "awsvpc",
        "operating_system_family": task._on_windows,
        "ephemeral_storage_gib": task.ephemeral_storage_gib is not None,
        "enable_fault_injection": task.enable_fault_injection,
        "pid_mode": task.pid_mode not in (None, "host"),
        "ipc_mode": task.ipc_mode is not None,
    }
    yield from (f"{name}={_value_text(getattr(task, name))}" for name, is_given in given.items() if is_given)
    yield from (f"volume {each.name!r}, which is no bind mount" for each in task.volumes if not each._in_daemons)
    for container in task.containers:
        names = [name for name in _NOT_IN_DAEMON_CONTAINERS if getattr(container, name)]
        if not container.version_consistency:
            names.append("version_consistency")
        linux = container.linux_parameters
        names += [name for name in _NOT_IN_DAEMON_LINUX_PARAMETERS if linux and getattr(linux, name) is not None]
        yield from (f"{name} of container {container.name!r}" for name in names)


def _value_text(value: object) -> str:
    return repr(getattr(value, "value", value))


def _check_ephemeral_storage(task: Task, capacity: str, problems: Problems) -> None:
    if task.ephemeral_storage_gib is not None:
        problems.add(
            f"ephemeral_storage_gib must be left out on {capacity}, where tasks share the instance's volume "
            f"(got {task.ephemeral_storage_gib}); use a larger volume_gib= of the capacity instead"
        )

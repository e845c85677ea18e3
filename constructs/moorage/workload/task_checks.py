"""The checks of the containers and of the permissions of a task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from moorage.workload import container_limits, task_limits
from moorage.workload.limit import minimum_length

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam

    from moorage.workload.container import Container
    from moorage.workload.problems import Problems


def check_containers(containers: Sequence[Container], problems: Problems, *, on_windows: bool) -> None:
    """Check the limits that depend on all containers of a task or on its operating system."""
    files = sum(len(container.environment_files) for container in containers)
    problems.check(container_limits.ENVIRONMENT_FILES, "the number of environment_files of all containers", files)
    names = {container.name for container in containers if container.port}
    problems.check(task_limits.PORT_NAMES, "name", [name.lower() for name in names])
    port_names = (*{name.lower() for name in names}, *(name for container in containers for name in container.ports))
    problems.check(task_limits.NAMED_PORTS, "each name of ports", port_names)
    _check_log_routers(containers, problems)
    if not on_windows:
        for container in containers:
            for path in container.mounts:
                problems.check(task_limits.LINUX_PATH, f"mounts of container {container.name!r}", path)
    problems.check(task_limits.TASK_DEFINITION_SIZE, "the task definition", minimum_length(_definition(containers)))


def check_namespaces(
    containers: Sequence[Container], problems: Problems, *, network_mode: str, ipc_mode: str | None
) -> None:
    """Check the settings of containers for the network and IPC namespaces of the task."""
    if any(each.dns_servers or each.dns_search_domains or each.extra_hosts for each in containers):
        problems.check(task_limits.DNS_MODE, "network_mode", network_mode)
    parameters = {each.name: [*each.system_controls] for each in containers}
    of_network = [name for name, names in parameters.items() if any(each.startswith("net.") for each in names)]
    if of_network:
        problems.check(task_limits.NETWORK_CONTROLS_MODE, "network_mode", network_mode)
    if network_mode == "awsvpc":
        problems.check(task_limits.SHARED_NETWORK_CONTROLS, "system_controls", of_network)
    if any(not each.startswith("net.") for names in parameters.values() for each in names):
        problems.check(task_limits.IPC_CONTROLS_MODE, "ipc_mode", ipc_mode)


def check_permissions(permissions: Sequence[iam.PolicyStatement], problems: Problems) -> None:
    """Check that IAM accepts the resources of the permissions, and that the statements fit into a role."""
    documents = [statement.to_json() for statement in permissions]
    problems.check(task_limits.PERMISSIONS_SIZE, "permissions", minimum_length(documents))
    for document in documents:
        problems.check(task_limits.PERMISSION_SIZE, "each item of permissions", minimum_length(document))
        for argument, name in (("resources", "Resource"), ("not_resources", "NotResource")):
            resources = document.get(name, ())
            for resource in [resources] if isinstance(resources, str) else resources:
                problems.check(task_limits.PERMISSION_RESOURCE, f"each item of {argument}= in permissions", resource)


def _check_log_routers(containers: Sequence[Container], problems: Problems) -> None:
    routers = tuple(container.name for container in containers if container._firelens)
    problems.check(task_limits.LOG_ROUTERS, "log_router", routers)
    others = [container for container in containers if not container._firelens]
    if routers:
        problems.check(task_limits.LOG_ROUTER_CLIENTS, "log_router", [container.name for container in others])
    if routers and others and not any(map(_logs_to_router, others)):
        problems.warn(
            "log_router should route the logs of another container (got only containers with logging=); leave "
            "logging= out, or remove the log router if no container sends logs to port 24224"
        )
    for container in others if routers else ():
        if container.log_mode is not None:
            problems.add(
                f"log_mode of container {container.name!r} must be left out with a log router, to which the logs go "
                f"(got {routers[0]!r}); leave log_mode= out, or send the logs to the log group with logging="
            )
    for container in containers:
        if container.logging is not None and _logs_to_router(container):
            problems.check(task_limits.LOG_DRIVER_ROUTER, f"logging of container {container.name!r}", routers)


def _logs_to_router(container: Container) -> bool:
    """Return whether a log router of the task, if there is one, would route the logs of a container."""
    return container.logging is None or type(container.logging).__name__ == "FireLensLogDriver"


def _definition(containers: Sequence[Container]) -> list[dict[str, Any]]:
    """Return the largest fields of the container definitions, to estimate the size of the task definition.

    Values that are unknown here, such as ARNs, are left empty.
    """
    return [dict(_container(container)) for container in containers]


def _container(container: Container) -> Iterator[tuple[str, Any]]:
    yield "name", container.name
    yield "essential", container.essential
    yield "readonlyRootFilesystem", container.read_only
    yield "environment", [{"name": name, "value": value} for name, value in container.environment.items()]
    yield "secrets", [{"name": name, "valueFrom": ""} for name in container.secrets]
    yield "command", container.command or ()
    yield "entryPoint", container.entry_point or ()
    yield "dockerLabels", dict(container.docker_labels)
    yield "extraHosts", [{"hostname": name, "ipAddress": each} for name, each in container.extra_hosts.items()]
    yield (
        "mountPoints",
        [{"containerPath": path, "sourceVolume": each.volume} for path, each in container.mounts.items()],
    )
    yield "healthCheck", {"command": container.health_check.command if container.health_check else ()}
    mapping = {"containerPort": 0, "protocol": "tcp"}
    unnamed = [mapping for _ in (*container.port_ranges, container.port)]
    yield "portMappings", [*unnamed, *({**mapping, "name": name} for name in container.ports)]

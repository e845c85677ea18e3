"""The single ports of a task's containers, and the choice of one of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from moorage.workload.container import Container


class ContainerPort(NamedTuple):
    """A port of a container.

    Args:
        container: The container.
        name: The name of the port: for `port`, the name of the container in lower case.
        number: The number of the port.
    """

    container: Container
    name: str
    number: int


def ports_of(containers: Iterable[Container]) -> list[ContainerPort]:
    """Return the ports of containers, without port ranges. The first port of each container comes first."""
    return [ContainerPort(container, *port) for container in containers for port in container._ports.items()]


def find_port(
    containers: Iterable[Container], container: str | None, container_port: str | int | None
) -> ContainerPort | None:
    """Return the first port that matches, or None if no port does.

    Args:
        containers: The containers of a task.
        container: The name of the container, or None for any container.
        container_port: The name or number of the port, or None for any port.
    """
    for port in ports_of(containers):
        if container in {None, port.container.name} and container_port in {None, port.name, port.number}:
            return port
    return None


def choices(ports: Iterable[ContainerPort]) -> str:
    """Return the names of ports for errors, each with its number."""
    return " or ".join(f"{port.name!r} ({port.number})" for port in ports)


def missing_port(
    containers: Iterable[Container], container: str | None, container_port: str | int | None, owner: str
) -> str | None:
    """Describe why a task does not have the chosen port, or return None if the task has the port.

    Args:
        containers: The containers of a task. At least one container has a port.
        container: The name of the container, or None for any container.
        container_port: The name or number of the port, or None for any port.
        owner: The noun for the errors, such as "lattice".
    """
    ports = ports_of(containers)
    own_ports = [port for port in ports if container in {None, port.container.name}]
    if not own_ports:
        names = " or ".join(dict.fromkeys(repr(port.container.name) for port in ports))
        return f"container of {owner} must be a container with a port (got {container!r}); use {names}"
    if find_port(containers, container, container_port) is None:
        place = "the task" if container is None else f"container {container!r}"
        return f"container_port of {owner} must be a port of {place} (got {container_port!r}); use {choices(own_ports)}"
    return None

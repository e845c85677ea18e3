"""The port mappings of a container, and the names of its ports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from aws_cdk import aws_ecs as ecs

from moorage.workload.task import NetworkMode

if TYPE_CHECKING:
    from moorage.workload.container import Container
    from moorage.workload.task import Task


UDP = "udp"


def port_mappings(
    task: Task, container: Container, port_protocols: Mapping[tuple[str, int], str]
) -> list[ecs.PortMapping] | None:
    """Return a mapping for each port and each port range of a container, or None if the container has no ports.

    ECS refuses services with a port in two mappings (amazon-ecs-agent #3428).

    Args:
        task: The task.
        container: A container of the task.
        port_protocols: The protocols of ports that are not TCP, by the name of the container and the number of the
            port: `UDP`, or the name of an application protocol of ECS.
    """
    ports = [
        _port_mapping(task, container, name, number, port_protocols.get((container.name, number)))
        for name, number in container._ports.items()
    ]
    ranges = [
        ecs.PortMapping(
            container_port=ecs.ContainerDefinition.CONTAINER_PORT_USE_RANGE, container_port_range=f"{first}-{last}"
        )
        for first, last in container.port_ranges
    ]
    return [*ports, *ranges] or None


def _port_mapping(task: Task, container: Container, name: str, number: int, protocol: str | None) -> ecs.PortMapping:
    udp = protocol == UDP
    has_host_port = task.network_mode is NetworkMode.BRIDGE and number == container.port
    return ecs.PortMapping(
        container_port=number,
        host_port=container.host_port if has_host_port else None,
        name=None if udp else mapped_name(task, name),  # Service Connect supports only TCP
        protocol=ecs.Protocol.UDP if udp else None,
        app_protocol=None if udp or protocol is None else getattr(ecs.AppProtocol, protocol),
    )


def mapped_name(task: Task, name: str) -> str | None:
    """Return the name of a port for Service Connect and VPC Lattice.

    Return None in host mode, or if the name is that of a container and not valid for a port.
    """
    is_valid = task.network_mode is not NetworkMode.HOST and re.fullmatch(r"[a-z0-9_][a-z0-9_-]{0,63}", name)
    return name if is_valid else None

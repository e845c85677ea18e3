"""The port mappings of a container, and the names of its ports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_cdk import aws_ecs as ecs

from moorage.workload.task import NetworkMode

if TYPE_CHECKING:
    from moorage.workload.container import Container
    from moorage.workload.task import Task


UDP = "udp"


def port_mappings(task: Task, container: Container, protocol: str | None) -> list[ecs.PortMapping] | None:
    """Return a mapping for each port and each port range of a container, or None if the container has no ports.

    ECS refuses services with a port in two mappings (amazon-ecs-agent #3428).

    Args:
        task: The task of the container.
        container: The container with the ports.
        protocol: The protocol of the container's port: `UDP`, or the name of an application protocol of ECS. None for
            TCP.
    """
    udp = protocol == UDP
    mappings = [
        ecs.PortMapping(
            container_port=ecs.ContainerDefinition.CONTAINER_PORT_USE_RANGE, container_port_range=f"{first}-{last}"
        )
        for first, last in container.port_ranges
    ]
    if container.port:
        single = ecs.PortMapping(
            container_port=container.port,
            host_port=container.host_port if task.network_mode is NetworkMode.BRIDGE else None,
            name=None if udp else port_name(task, container),  # Service Connect supports only TCP
            protocol=ecs.Protocol.UDP if udp else None,
            app_protocol=None if udp or protocol is None else getattr(ecs.AppProtocol, protocol),
        )
        mappings.insert(0, single)
    return mappings or None


def port_name(task: Task, container: Container) -> str | None:
    """Return the lowercase name of the container as the port's name for Service Connect.

    Return None in host mode, or if that name is not valid for a port.
    """
    name = container.name.lower()
    is_valid = task.network_mode is not NetworkMode.HOST and re.fullmatch(r"[a-z0-9_][a-z0-9_-]{0,63}", name)
    return name if is_valid else None

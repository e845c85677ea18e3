"""The limits of the ports of a container; rows of the table in `limits`."""

from __future__ import annotations

from itertools import pairwise

from moorage.workload.limit import Botocore, Limit, at_most, in_range, matching, unique

PORT = in_range(
    "port",
    1,
    65535,
    show=str,
    hint="use a port such as 8080",
    source=Botocore(
        "ecs", "PortMapping", "containerPortRange", "The containerPortRange valid values are between 1 and 65535."
    ),
)
PORT_NAME = matching(
    "port-name",
    r"[a-z0-9_][a-z0-9_-]{0,63}",
    rule="must be 1 to 64 lowercase letters, digits, '_' and '-', and not start with '-'",
    hint="use a name such as 'admin'",
    source=Botocore("ecs", "PortMapping", "name", "The name can include up to 64 characters."),
)
PORTS_ONCE = unique(
    "container-ports-once",
    rule="must have each number only once",
    hint="use one name for each port",
    source=Botocore(
        "ecs", "PortMapping", "containerPortRange", "A port can only be included in one port mapping per container."
    ),
)
RESERVED_PORTS = frozenset({22, 2375, 2376, 51678, 51679, 51680})
"""The ports of an instance that tasks cannot use: those of SSH, Docker and the ECS agent (botocore PortMapping)."""
HOST_PORT = Limit(
    id="host-port",
    accepts=lambda port: port not in RESERVED_PORTS,
    rule="must not be 22, 2375, 2376, 51678, 51679 or 51680, which the instance uses",
    hint="use another port, or NetworkMode.BRIDGE without host_port= for a dynamic port",
    source=Botocore(
        "ecs",
        "PortMapping",
        "hostPort",
        "22 for SSH, the Docker ports 2375 and 2376, and the Amazon ECS container agent ports 51678-51680.",
    ),
    format=str,
)
HOST_PORT_EPHEMERAL = Limit(
    id="host-port-ephemeral",
    accepts=lambda port: port < 32768,
    rule="should be below 32768, since instances assign higher ports to containers without host_port=",
    hint="use a lower port, or leave host_port= out for a dynamic port",
    source=Botocore("ecs", "PortMapping", "hostPort", "ports below 32768 are outside of the ephemeral port range."),
    format=str,
    confirmed=False,
)
HOST_PORT_SAME = Limit(
    id="host-port-same",
    accepts=lambda ports: ports[0] == ports[1],
    rule="must be the same as port, except in bridge mode",
    hint="leave host_port= out, or use network_mode=NetworkMode.BRIDGE",
    source=Botocore(
        "ecs",
        "PortMapping",
        "hostPort",
        "the hostPort can either be left blank or set to the same value as the containerPort.",
    ),
    format=lambda ports: f"{ports[0]} with port={ports[1]}",
)
PORT_RANGES = at_most(
    "port-ranges",
    100,
    hint="use fewer and wider ranges",
    source=Botocore("ecs", "PortMapping", "containerPortRange", "a maximum of 100 port ranges per container."),
)
PORT_RANGE = Limit(
    id="port-range",
    accepts=lambda pair: len(pair) == 2 and 1 <= pair[0] < pair[1] <= 65535,
    rule="must be a first port and a higher last port, between 1 and 65535",
    hint="use a pair such as (8000, 8010), or port= for a single port",
    source=Botocore(
        "ecs", "PortMapping", "containerPortRange", "The containerPortRange valid values are between 1 and 65535."
    ),
)
PORT_RANGES_APART = Limit(
    id="port-ranges-apart",
    accepts=lambda ranges: not _overlap(ranges),
    rule="must not overlap",
    hint="use other ranges, or another port=",
    source=Botocore("ecs", "PortMapping", "containerPortRange", "You cannot specify overlapping port ranges."),
    format=lambda ranges: ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges),
)


def _overlap(ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(former[1] >= latter[0] for former, latter in pairwise(sorted(ranges)))

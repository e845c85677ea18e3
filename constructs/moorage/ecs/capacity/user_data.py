"""What an instance runs when it starts first, so that its agent joins the cluster and keeps tasks from its metadata."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from moorage.ecs.capacity.capacity import CAPACITY_ATTRIBUTE

if TYPE_CHECKING:
    from moorage.ecs.capacity.ec2_capacity import Ec2Capacity

_BLOCK_METADATA = "/var/lib/cloud/scripts/per-boot/block-metadata.sh"


def set_up(capacity: Ec2Capacity, cluster_name: str) -> str:
    """The user data of a capacity's instances, by their operating system."""
    if capacity.instance.ami.is_bottlerocket:
        return _bottlerocket(capacity, cluster_name)
    if capacity.instance.ami.on_windows:
        return _windows(capacity, cluster_name)
    return _amazon_linux(capacity, cluster_name)


def _bottlerocket(capacity: Ec2Capacity, cluster_name: str) -> str:
    lines = [
        *(["[settings.autoscaling]", "should-wait = true"] if capacity.warm_pool else []),
        "[settings.ecs.instance-attributes]",
        f'"{CAPACITY_ATTRIBUTE}" = "{capacity.name}"',
        "[settings.ecs]",
        f'cluster = "{cluster_name}"',
        "awsvpc-block-imds = true",
        f"reserved-memory = {capacity.instance.reserved_memory_mib}",
        *(["enable-spot-instance-draining = true"] if capacity.spot else []),
        *capacity.instance.user_data,
    ]
    return "\n".join(lines)


def _windows(capacity: Ec2Capacity, cluster_name: str) -> str:
    """By the module that ECS's AMIs of Windows have for it (ECS developer guide, bootstrapping Windows instances)."""
    variables = {
        "ECS_RESERVED_MEMORY": str(capacity.instance.reserved_memory_mib),
        "ECS_INSTANCE_ATTRIBUTES": json.dumps({CAPACITY_ATTRIBUTE: capacity.name}),
        "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE": "true",  # or logs would be the instance's role's, which has no say
        **({"ECS_ENABLE_SPOT_INSTANCE_DRAINING": "true"} if capacity.spot else {}),
    }
    lines = [
        "<powershell>",
        *(f"[Environment]::SetEnvironmentVariable('{name}', '{each}', 'Machine')" for name, each in variables.items()),
        *capacity.instance.user_data,
        "Import-Module ECSTools",
        f"Initialize-ECSAgent -Cluster '{cluster_name}' -EnableTaskIAMRole -EnableTaskENI -AwsvpcBlockIMDS "
        '-LoggingDrivers \'["json-file","awslogs"]\'',
        "</powershell>",
    ]
    return "\n".join(lines)


def _amazon_linux(capacity: Ec2Capacity, cluster_name: str) -> str:
    lines = [
        "#!/bin/bash",
        "cat >> /etc/ecs/ecs.config <<'END'",
        f"ECS_CLUSTER={cluster_name}",
        "ECS_AWSVPC_BLOCK_IMDS=true",
        f"ECS_RESERVED_MEMORY={capacity.instance.reserved_memory_mib}",
        f'ECS_INSTANCE_ATTRIBUTES={{"{CAPACITY_ATTRIBUTE}": "{capacity.name}"}}',
        *(["ECS_ENABLE_SPOT_INSTANCE_DRAINING=true"] if capacity.spot else []),
        *(["ECS_WARM_POOLS_CHECK=true"] if capacity.warm_pool else []),
        "END",
        f"cat > {_BLOCK_METADATA} <<'END'",
        "#!/bin/sh",
        "iptables --new-chain DOCKER-USER 2> /dev/null",
        "iptables --insert DOCKER-USER 1 --in-interface docker+ --destination 169.254.169.254/32 --jump DROP",
        "END",
        f"chmod +x {_BLOCK_METADATA} && {_BLOCK_METADATA}",
        *capacity.instance.user_data,
    ]
    return "\n".join(lines)

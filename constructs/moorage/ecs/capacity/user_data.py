"""The user data of instances, which join the cluster and keep most tasks from reaching the instance metadata."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from moorage.ecs.capacity.capacity import CAPACITY_ATTRIBUTE

if TYPE_CHECKING:
    from moorage.ecs.capacity.instance_specification import InstanceGroupSpecification

_BLOCK_METADATA_SCRIPT = "/var/lib/cloud/scripts/per-boot/block-metadata.sh"


def user_data_for(specification: InstanceGroupSpecification, cluster_name: str) -> str:
    """Return the user data of a capacity's instances, for their operating system."""
    if specification.instance.ami.is_bottlerocket:
        return _bottlerocket(specification, cluster_name)
    if specification.instance.ami._on_windows:
        return _windows(specification, cluster_name)
    return _amazon_linux(specification, cluster_name)


def _bottlerocket(specification: InstanceGroupSpecification, cluster_name: str) -> str:
    lines = [
        *(["[settings.autoscaling]", "should-wait = true"] if specification.warm_pool else []),
        "[settings.ecs.instance-attributes]",
        f'"{CAPACITY_ATTRIBUTE}" = "{specification.name}"',
        "[settings.ecs]",
        f'cluster = "{cluster_name}"',
        "awsvpc-block-imds = true",
        f"reserved-memory = {specification.instance.reserved_memory_mib}",
        *(["enable-spot-instance-draining = true"] if specification.spot else []),
        *specification.instance.user_data,
    ]
    return "\n".join(lines)


def _windows(specification: InstanceGroupSpecification, cluster_name: str) -> str:
    """Return a script for PowerShell's ECS module on the Windows AMIs (ECS developer guide, Windows instances)."""
    variables = {
        "ECS_RESERVED_MEMORY": str(specification.instance.reserved_memory_mib),
        "ECS_INSTANCE_ATTRIBUTES": json.dumps({CAPACITY_ATTRIBUTE: specification.name}),
        "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE": "true",  # otherwise the instance role needs permission for logs
        **({"ECS_ENABLE_SPOT_INSTANCE_DRAINING": "true"} if specification.spot else {}),
    }
    lines = [
        "<powershell>",
        *(f"[Environment]::SetEnvironmentVariable('{name}', '{each}', 'Machine')" for name, each in variables.items()),
        *specification.instance.user_data,
        "Import-Module ECSTools",
        f"Initialize-ECSAgent -Cluster '{cluster_name}' -EnableTaskIAMRole -EnableTaskENI -AwsvpcBlockIMDS "
        '-LoggingDrivers \'["json-file","awslogs"]\'',
        "</powershell>",
    ]
    return "\n".join(lines)


def _amazon_linux(specification: InstanceGroupSpecification, cluster_name: str) -> str:
    lines = [
        "#!/bin/bash",
        "cat >> /etc/ecs/ecs.config <<'END'",
        f"ECS_CLUSTER={cluster_name}",
        "ECS_AWSVPC_BLOCK_IMDS=true",
        f"ECS_RESERVED_MEMORY={specification.instance.reserved_memory_mib}",
        f'ECS_INSTANCE_ATTRIBUTES={{"{CAPACITY_ATTRIBUTE}": "{specification.name}"}}',
        *(["ECS_ENABLE_SPOT_INSTANCE_DRAINING=true"] if specification.spot else []),
        *(["ECS_WARM_POOLS_CHECK=true"] if specification.warm_pool else []),
        "END",
        f"cat > {_BLOCK_METADATA_SCRIPT} <<'END'",
        "#!/bin/sh",
        "iptables --new-chain DOCKER-USER 2> /dev/null",
        "iptables --insert DOCKER-USER 1 --in-interface docker+ --destination 169.254.169.254/32 --jump DROP",
        "END",
        f"chmod +x {_BLOCK_METADATA_SCRIPT} && {_BLOCK_METADATA_SCRIPT}",
        *specification.instance.user_data,
    ]
    return "\n".join(lines)

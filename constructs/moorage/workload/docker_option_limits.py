"""The limits of the Docker options of a container; rows of the table in `limits`."""

from __future__ import annotations

import ipaddress

from moorage.workload.limit import Botocore, Limit, at_least, in_range, matching, one_of


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


ULIMIT_NAME = one_of(
    "ulimit-name",
    (
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    ),
    hint="use a name such as 'nofile'",
    source=Botocore("ecs", "UlimitName"),
)
ULIMIT = Limit(
    id="ulimit",
    accepts=lambda pair: len(pair) == 2 and -1 <= pair[0] <= pair[1] and (pair[0] >= 0 or pair[1] == -1),
    rule="must be a soft limit and a hard limit that is not lower, or -1 (unlimited) for both",
    hint="use a pair such as (1024, 4096), or one number for both limits",
    source="RegisterTaskDefinition compares the numbers: Soft limit exceeds hard limit for ulimit (cdk-preflight)",
)
CAPABILITIES = frozenset(
    {
        "ALL",
        "AUDIT_CONTROL",
        "AUDIT_WRITE",
        "BLOCK_SUSPEND",
        "CHOWN",
        "DAC_OVERRIDE",
        "DAC_READ_SEARCH",
        "FOWNER",
        "FSETID",
        "IPC_LOCK",
        "IPC_OWNER",
        "KILL",
        "LEASE",
        "LINUX_IMMUTABLE",
        "MAC_ADMIN",
        "MAC_OVERRIDE",
        "MKNOD",
        "NET_ADMIN",
        "NET_BIND_SERVICE",
        "NET_BROADCAST",
        "NET_RAW",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_ADMIN",
        "SYS_BOOT",
        "SYS_CHROOT",
        "SYS_MODULE",
        "SYS_NICE",
        "SYS_PACCT",
        "SYS_PTRACE",
        "SYS_RAWIO",
        "SYS_RESOURCE",
        "SYS_TIME",
        "SYS_TTY_CONFIG",
        "SYSLOG",
        "WAKE_ALARM",
    }
)
CAPABILITY = Limit(
    id="capability",
    accepts=lambda name: name in CAPABILITIES,
    rule="must be a Linux capability that ECS offers",
    hint="use a name without CAP_, such as 'NET_ADMIN', or 'ALL'",
    source=Botocore("ecs", "KernelCapabilities", "add", 'Valid values: "ALL" | "AUDIT_CONTROL" | "AUDIT_WRITE"'),
)
SHARED_MEMORY = at_least(
    "shared-memory",
    1,
    unit="MiB",
    hint="use a larger shared_memory_mib=, or leave shared_memory_mib= out",
    source="CDK aws-ecs LinuxParameters.sharedMemorySize",
)
MAX_SWAP = at_least(
    "max-swap",
    0,
    unit="MiB",
    hint="use 0 for no swap space",
    source=Botocore("ecs", "LinuxParameters", "maxSwap", "Accepted values are 0 or any positive integer."),
)
SWAPPINESS = in_range(
    "swappiness",
    0,
    100,
    hint="use 0 to swap only if necessary, or up to 100 to swap aggressively",
    source=Botocore("ecs", "LinuxParameters", "swappiness", "Accepted values are whole numbers between 0 and 100."),
)
SWAPPINESS_ALONE = Limit(
    id="swappiness-alone",
    accepts=lambda pair: pair[1] is not None,
    rule="must not be given without max_swap_mib, since ECS then ignores swappiness",
    hint="set max_swap_mib=, or leave swappiness= out",
    source=Botocore("ecs", "LinuxParameters", "maxSwap", "A maxSwap value must be set for the swappiness parameter"),
    format=lambda pair: str(pair[0]),
)
SYSTEM_CONTROL = matching(
    "system-control",
    r"net\..+|fs\.mqueue\..+|kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)",
    rule="must be a kernel parameter of the network or IPC namespace",
    hint="use a name that begins with 'net.' or 'fs.mqueue.', or one of 'kernel.msgmax', 'kernel.msgmnb', "
    "'kernel.msgmni', 'kernel.sem', 'kernel.shmall', 'kernel.shmmax', 'kernel.shmmni' and 'kernel.shm_rmid_forced'",
    source=Botocore("ecs", "SystemControl", "value", "Valid IPC namespace values"),
)
DOCKER_SECURITY_OPTION = matching(
    "docker-security-option",
    r"no-new-privileges|(apparmor|label|credentialspec):.+",
    rule="must be 'no-new-privileges', 'apparmor:PROFILE', 'label:VALUE' or 'credentialspec:PATH'",
    hint="use an option such as 'no-new-privileges'",
    source=Botocore("ecs", "ContainerDefinition", "dockerSecurityOptions", 'Valid values: "no-new-privileges"'),
)
EXTRA_HOST = matching(
    "extra-host",
    r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?",
    rule="must be a host name, without a port or an address",
    hint="use a mapping such as {'db.internal': '10.0.0.10'}",
    source=Botocore("ecs", "HostEntry", "hostname", "The hostname to use in the /etc/hosts entry."),
)
IP_ADDRESS = Limit(
    id="ip-address",
    accepts=_is_address,
    rule="must be an IP address",
    hint="use an address such as '10.0.0.10'",
    source=Botocore(
        "ecs",
        "HostEntry",
        "ipAddress",
        "The IP address to use in the /etc/hosts entry.",
        also="moby: dns must be an IP address",
    ),
)

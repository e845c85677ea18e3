"""The limits of a container; rows of the table in `limits`."""

from __future__ import annotations

import ipaddress
from itertools import pairwise

from moorage.workload.limit import Botocore, Limit, at_least, at_most, in_range, matching, one_of, unique


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


CONTAINER_NAME = matching(
    "container-name",
    r"[A-Za-z0-9_-]{1,255}",
    rule="must be 1 to 255 letters, digits, hyphens and underscores",
    hint="use a name such as 'web-1'",
    source=Botocore("ecs", "ContainerDefinition", "name", "Up to 255 letters (uppercase and lowercase)"),
)
CONTAINER_CPU_LEAST = Limit(
    id="container-cpu-least",
    accepts=lambda cpu: cpu >= 0,
    rule="must be 0 or more",
    hint="use CPU units, 1,024 for each vCPU, or leave cpu= out to use the CPU that other containers do not reserve",
    source=Botocore("ecs", "ContainerDefinition", "cpu", "Null and zero CPU values are passed to Docker as 0"),
    format=str,
)
CONTAINER_MEMORY_LEAST = at_least(
    "container-memory-least",
    6,
    unit="MiB",
    hint="use memory_mib=6 or more",
    source=Botocore("ecs", "ContainerDefinition", "memory", "don't specify less than 6 MiB of memory"),
)
MEMORY_RESERVATION = Limit(
    id="memory-reservation",
    accepts=lambda pair: 6 <= pair[0] <= pair[1],
    rule="must be between 6 MiB and memory_mib of the container, or of the task if the container has no memory_mib",
    hint=lambda pair: (
        "use memory_reservation_mib=6 or more"
        if pair[0] < 6
        else "use a smaller memory_reservation_mib=, or a larger memory_mib="
    ),
    source=Botocore(
        "ecs",
        "ContainerDefinition",
        "memoryReservation",
        "don't specify less than 6 MiB of memory",
        also="CDK aws-ecs ContainerDefinition accepts both alike",
    ),
    format=lambda pair: f"{pair[0]} with memory_mib={pair[1]}",
)
CONTAINER_TIMEOUT = at_least(
    "container-timeout",
    0,
    unit="seconds",
    hint="use a duration such as cdk.Duration.seconds(30); Fargate accepts 2 to 120 seconds",
    source=Botocore("ecs", "ContainerDefinition", "stopTimeout", "Time duration (in seconds) to wait"),
)
WRITABLE_LEAST = Limit(
    id="writable-least",
    accepts=lambda size: size >= 1,
    rule="must be 1 MiB or more",
    hint="use a size such as writable={'/tmp': 64}, or remove the path",
    source=Botocore("ecs", "Tmpfs", "size", "The maximum size (in MiB) of the tmpfs volume."),
    format=str,
)
WRITABLE_SIZE = Limit(
    id="writable-size",
    accepts=lambda sizes: sizes[0] < sizes[1],
    rule="must be smaller than the memory of the container or task",
    hint="use smaller sizes in writable={path: MiB}, or a larger memory_mib= of the container or task",
    source=Botocore(
        "ecs",
        "Tmpfs",
        "size",
        "The maximum size (in MiB) of the tmpfs volume.",
        also="tmpfs pages count in the memory of the container that writes them",
    ),
    format=lambda sizes: f"{sizes[0]} of {sizes[1]} MiB",
)
MOUNT_PATH = matching(
    "mount-path",
    r"(/[^/:,]+)+/?|[A-Za-z]:\\([^\\/:,]+(\\[^\\/:,]+)*\\?)?",
    rule="must be an absolute path below the root, without ',', and with ':' only after a drive letter",
    hint="use a path such as '/data', or 'C:\\\\data' on Windows",
    source=Botocore(
        "ecs",
        "Tmpfs",
        "containerPath",
        "The absolute file path where the tmpfs volume is to be mounted.",
        also="MountPoint.containerPath; ECS developer guide, bind mounts on Windows",
    ),
)
LINUX_MOUNT_PATH = MOUNT_PATH._replace(
    id="writable-path",
    rule="must be an absolute path below '/', without ':' or ','",
    hint="use a path such as '/data'",
)
MOUNT_PATHS = unique(
    "mount-paths",
    rule="must be unique",
    hint="list each path only once ('/data' and '/data/' are the same path)",
    source="moby: Duplicate mount point",
)
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
    source=Botocore("ecs", "PortMapping", "name", "The name can't start with a hyphen."),
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
INSTANCE_GPUS = Limit(
    id="instance-gpus",
    accepts=lambda count: count >= 0,
    rule="must be 0 or more",
    hint="use 0 for no GPUs",
    source=Botocore("autoscaling", "AcceleratorCountRequest", "Min", "The minimum value."),
    format=str,
)
HEALTH_INTERVAL = in_range(
    "health-interval",
    5,
    300,
    unit="seconds",
    hint="use a duration such as cdk.Duration.seconds(10)",
    source=Botocore("ecs", "HealthCheck", "interval", "You may specify between 5 and 300 seconds."),
)
HEALTH_TIMEOUT = in_range(
    "health-timeout",
    2,
    60,
    unit="seconds",
    hint="use a duration such as cdk.Duration.seconds(5)",
    source=Botocore("ecs", "HealthCheck", "timeout", "You may specify between 2 and 60 seconds."),
)
HEALTH_TIMEOUT_SHORTER = Limit(
    id="health-timeout-shorter",
    accepts=lambda pair: pair[0] <= pair[1],
    rule="must not be longer than interval",
    hint="use a shorter timeout= or a longer interval=",
    source="CDK aws-ecs ContainerDefinition (health check)",
    format=lambda pair: f"{pair[0]} with interval={pair[1]}, in seconds",
)
HEALTH_RETRIES = in_range(
    "health-retries",
    1,
    10,
    hint="use a number of failures such as 3",
    source=Botocore("ecs", "HealthCheck", "retries", "You may specify between 1 and 10 retries."),
)
HEALTH_START = in_range(
    "health-start-period",
    0,
    300,
    unit="seconds",
    hint="use a duration such as cdk.Duration.seconds(60)",
    source=Botocore("ecs", "HealthCheck", "startPeriod", "You can specify between 0 and 300 seconds."),
)
RESTART_EXIT_CODES = at_most(
    "restart-exit-codes",
    50,
    hint="use fewer exit codes",
    source=Botocore(
        "ecs", "ContainerRestartPolicy", "ignoredExitCodes", "You can specify a maximum of 50 container exit codes."
    ),
)
RESTART_PERIOD = in_range(
    "restart-attempt-period",
    60,
    1800,
    unit="seconds",
    hint="use a duration such as cdk.Duration.minutes(5), for which a container must run before it can be restarted",
    source=Botocore(
        "ecs",
        "ContainerRestartPolicy",
        "restartAttemptPeriod",
        "a minimum restartAttemptPeriod of 60 seconds and a maximum restartAttemptPeriod of 1800 seconds.",
    ),
)
ENVIRONMENT_FILES = at_most(
    "environment-files",
    10,
    hint="combine some of the files",
    source=Botocore("ecs", "EnvironmentFile", "", "You can specify up to ten environment files."),
)
ENVIRONMENT_FILE_NAME = matching(
    "environment-file-name",
    r".+\.env",
    rule="must end in '.env'",
    hint="use a file name such as 'web.env'",
    source=Botocore("ecs", "EnvironmentFile", "", "The file must have a .env file extension."),
)
SECRET_VERSION = Limit(
    id="secret-version",
    accepts=lambda version: not all(version),
    rule="must not have both a version_stage and a version_id",
    hint="leave version_stage or version_id out",
    source="ECS developer guide, pass Secrets Manager secrets through environment variables",
    format=lambda version: f"version_stage={version[0]!r}, version_id={version[1]!r}",
)
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
LOG_BUFFER = at_least(
    "log-buffer",
    1,
    unit="MiB",
    hint="use a size such as 25, or LogMode.blocking()",
    source=Botocore(
        "ecs", "LogConfiguration", "options", "the max-buffer-size log option controls the size of the buffer"
    ),
)
LOG_BUFFER_MEMORY = Limit(
    id="log-buffer-memory",
    accepts=lambda sizes: sizes[0] < sizes[1],
    rule="should be smaller than the memory of the task, which the buffer uses",
    hint="use a smaller max_buffer_mib=, or a larger memory_mib= of the task",
    source=Botocore(
        "ecs",
        "LogConfiguration",
        "options",
        "the container's logs are instead stored in an in-memory intermediate buffer",
        also="no source states the memory that the buffer counts in",
    ),
    format=lambda sizes: f"{sizes[0]} of {sizes[1]} MiB",
    confirmed=False,
)
LOG_ROUTER = one_of(
    "log-router",
    ("fluentbit", "fluentd"),
    hint="leave type= out, or use type='fluentd' with image=",
    source=Botocore("ecs", "FirelensConfigurationType"),
)
LOG_ROUTER_IMAGE = Limit(
    id="log-router-image",
    accepts=lambda pair: pair[0] != "fluentd" or "fluent-bit" not in str(pair[1]),
    rule="must be a Fluentd image if type='fluentd'",
    hint="use a Fluentd image that has the plugin for your output, or type='fluentbit'",
    source="ECS developer guide, FireLens: AWS publishes images of Fluent Bit",
    format=lambda pair: repr(pair[1]),
)
CREDENTIAL_SPEC = matching(
    "credential-spec",
    r"credentialspec(domainless)?:arn:.+",
    rule="must be 'credentialspec:' or 'credentialspecdomainless:', followed by the ARN of an S3 object or SSM "
    "parameter",
    hint="use a form such as 'credentialspecdomainless:arn:aws:s3:::bucket/key'",
    source=Botocore("ecs", "ContainerDefinition", "credentialSpecs", "There are two formats for each ARN."),
)


def _overlap(ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(former[1] >= latter[0] for former, latter in pairwise(sorted(ranges)))

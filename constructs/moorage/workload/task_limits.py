"""What AWS accepts of one task and its containers beyond their size and ports; rows of the table in `limits`."""

from __future__ import annotations

from itertools import pairwise

from moorage.workload.limit import Limit, at_least, at_most, in_range, listed, matching, one_of, unique

_FARGATE = "AWS, task definition differences for Fargate"
_MANAGED = "CDK aws-ecs TaskDefinition (Compatibility.MANAGED_INSTANCES)"


def _absent(row: str, *, rule: str, hint: str, source: str) -> Limit:
    """What is not there at all on one platform; the value is what was given, or nothing."""
    return Limit(id=row, accepts=lambda value: not value, rule=rule, hint=hint, source=source)


def _overlap(ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(former[1] >= latter[0] for former, latter in pairwise(sorted(ranges)))


START_TIMEOUT = in_range(
    "start-timeout",
    2,
    120,
    unit="seconds",
    hint="use a time in that range; Fargate waits that long for a container that others depend on",
    source="botocore ContainerDefinition.startTimeout",
)
HEALTH_TIMEOUT_SHORTER = Limit(
    id="health-timeout-shorter",
    accepts=lambda pair: pair[0] <= pair[1],
    rule="must not be longer than interval",
    hint="use a shorter timeout= or a longer interval=",
    source="CDK aws-ecs ContainerDefinition (health check)",
    format=lambda pair: f"{pair[0]} with interval={pair[1]}, in seconds",
)
RESTART_EXIT_CODES = at_most(
    "restart-exit-codes",
    50,
    hint="use fewer",
    source="botocore ContainerRestartPolicy.ignoredExitCodes",
)
RESTART_PERIOD = in_range(
    "restart-attempt-period",
    60,
    1800,
    unit="seconds",
    source="botocore ContainerRestartPolicy.restartAttemptPeriod",
)
DEPENDENCY_ENDS = Limit(
    id="dependency-on-an-end",
    accepts=lambda essential: not essential,
    rule="must not wait for the end of an essential container, which ends the task",
    hint="make that container essential=False, or wait for START or HEALTHY",
    source="botocore ContainerDependency.condition",
    format=lambda _: "essential=True",
)
DEPENDENCY_HEALTHY = Limit(
    id="dependency-on-health",
    accepts=bool,
    rule="must not wait for HEALTHY without a health check",
    hint="give that container a health_check=, or wait for START",
    source="botocore ContainerDependency.condition",
    format=lambda _: "health_check=None",
)
ENVIRONMENT_FILES = at_most(
    "environment-files",
    10,
    hint="join some of the files",
    source="botocore EnvironmentFile",
)
ENVIRONMENT_FILE_NAME = matching(
    "environment-file-name",
    r".+\.env",
    rule="must end in '.env'",
    hint="rename the file, as in 'web.env'",
    source="botocore EnvironmentFile",
)
SECRET_VERSION = Limit(
    id="secret-version",
    accepts=lambda version: not all(version),
    rule="must have a version_stage or a version_id, not both",
    hint="use one of them",
    source="ECS developer guide, pass Secrets Manager secrets through environment variables",
    format=lambda version: f"version_stage={version[0]!r}, version_id={version[1]!r}",
)
MEMORY_RESERVATION = Limit(
    id="memory-reservation",
    accepts=lambda pair: 6 <= pair[0] < pair[1],
    rule="must be at least 6 MiB and less than memory_mib",
    hint="use a smaller memory_reservation_mib=, or a larger memory_mib=",
    source="botocore ContainerDefinition.memoryReservation",
    format=lambda pair: f"{pair[0]} with memory_mib={pair[1]}",
)
PORT_RANGES = at_most(
    "port-ranges",
    100,
    hint="join neighbouring ranges",
    source="botocore PortMapping.containerPortRange",
)
PORT_RANGE = Limit(
    id="port-range",
    accepts=lambda pair: len(pair) == 2 and 1 <= pair[0] < pair[1] <= 65535,
    rule="must be a first port and a later last port, between 1 and 65535",
    hint="write it as in (8000, 8010)",
    source="botocore PortMapping.containerPortRange",
)
PORT_RANGES_APART = Limit(
    id="port-ranges-apart",
    accepts=lambda ranges: not _overlap(ranges),
    rule="must not overlap",
    hint="use other ranges, or another port=",
    source="botocore PortMapping.containerPortRange",
    format=lambda ranges: ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges),
)
PORT_RANGE_MODE = one_of(
    "port-range-mode",
    ("awsvpc", "bridge"),
    where="with port_ranges",
    source="botocore PortMapping.containerPortRange",
)
NO_PORTS = Limit(
    id="none-mode-ports",
    accepts=lambda names: not names,
    rule="must be left out in network mode none",
    hint="leave port= out, or use another network_mode=",
    source="botocore RegisterTaskDefinition.networkMode",
    format=lambda names: f"the port of {listed(names)}",
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
    source="botocore UlimitName",
)
ULIMIT = Limit(
    id="ulimit",
    accepts=lambda pair: len(pair) == 2 and min(pair) >= -1 and (pair[1] == -1 or 0 <= pair[0] <= pair[1]),
    rule="must be a soft limit and a hard limit that is not below it, with -1 for unlimited",
    hint="write it as in (1024, 4096), or as one number for both",
    source="botocore Ulimit; setrlimit(2)",
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
    hint="write it without CAP_, as in 'NET_ADMIN', or use 'ALL'",
    source="botocore KernelCapabilities",
)
FARGATE_CAPABILITIES = Limit(
    id="fargate-capabilities",
    accepts=lambda names: set(names) <= {"SYS_PTRACE"},
    rule="must only be SYS_PTRACE on Fargate",
    hint="leave the others out, or use a Capacity.ec2(...)",
    source=f"botocore KernelCapabilities.add; {_FARGATE}",
    format=", ".join,
)
FARGATE_DEVICES = _absent(
    "fargate-devices",
    rule="must be left out on Fargate",
    hint="leave it out, or use a Capacity.ec2(...)",
    source=f"botocore LinuxParameters.devices; {_FARGATE}",
)
FARGATE_SHARED_MEMORY = _absent(
    "fargate-shared-memory",
    rule="must be left out on Fargate, where the size of /dev/shm is fixed",
    hint="leave it out, or write to a tmpfs (writable=)",
    source=f"botocore LinuxParameters.sharedMemorySize; {_FARGATE}",
)
FARGATE_SWAP = Limit(
    id="fargate-swap",
    accepts=lambda value: value is None,
    rule="must be left out on Fargate, which has no swap space",
    hint="leave it out, or use a Capacity.ec2(...)",
    source=f"botocore LinuxParameters.maxSwap, swappiness; {_FARGATE}",
    format=str,
)
SHARED_MEMORY = at_least(
    "shared-memory",
    1,
    unit="MiB",
    hint="use a larger shared_memory_mib=, or leave it out",
    source="CDK aws-ecs LinuxParameters.sharedMemorySize",
)
MAX_SWAP = at_least(
    "max-swap",
    0,
    unit="MiB",
    hint="use 0 for no swap space",
    source="botocore LinuxParameters.maxSwap",
)
SWAPPINESS = in_range(
    "swappiness",
    0,
    100,
    source="botocore LinuxParameters.swappiness",
)
SWAPPINESS_ALONE = Limit(
    id="swappiness-alone",
    accepts=lambda pair: pair[1] is not None,
    rule="must be given with max_swap_mib, or ECS ignores it",
    hint="give max_swap_mib=, or leave it out",
    source="botocore LinuxParameters.swappiness",
    format=lambda pair: str(pair[0]),
)
PID_MODE = one_of(
    "pid-mode",
    ("task", "host"),
    source="botocore PidMode",
)
FARGATE_PID_MODE = one_of(
    "fargate-pid-mode",
    ("task",),
    where="on Fargate",
    hint="use 'task', or a Capacity.ec2(...)",
    source="botocore RegisterTaskDefinition.pidMode",
)
IPC_MODE = one_of(
    "ipc-mode",
    ("task", "host", "none"),
    source="botocore IpcMode",
)
FARGATE_IPC_MODE = _absent(
    "fargate-ipc-mode",
    rule="must be left out on Fargate",
    hint="leave it out, or use a Capacity.ec2(...)",
    source=_FARGATE,
)
MANAGED_IPC_MODE = _absent(
    "managed-instances-ipc-mode",
    rule="must be left out on ECS Managed Instances",
    hint="leave it out, or use a Capacity.ec2(...)",
    source=_MANAGED,
)
FAULT_INJECTION_MODE = one_of(
    "fault-injection-mode",
    ("awsvpc", "host"),
    where="with fault injection",
    source="CDK aws-ecs TaskDefinition (enableFaultInjection)",
)
LOG_ROUTERS = Limit(
    id="log-routers",
    accepts=lambda names: len(names) <= 1,
    rule="must be given to one container at most",
    hint="let one router have several outputs in its config_file=",
    source="ECS developer guide, FireLens",
    format=listed,
)
LOG_ROUTER = one_of(
    "log-router",
    ("fluentbit", "fluentd"),
    source="botocore FirelensConfigurationType",
)
FARGATE_LOG_ROUTER_CONFIG = Limit(
    id="fargate-log-router-config",
    accepts=lambda path: not path.startswith("arn:"),
    rule="must be a path in the image on Fargate",
    hint="build the file into the image, and use its path",
    source="botocore FirelensConfiguration.options",
)
FARGATE_LOG_DRIVER = one_of(
    "fargate-log-driver",
    ("AwsLogDriver", "SplunkLogDriver", "FireLensLogDriver", "GenericLogDriver"),
    where="on Fargate",
    hint="use one of these, or a Capacity.ec2(...)",
    source="botocore LogConfiguration.logDriver",
)
CREDENTIAL_SPEC = matching(
    "credential-spec",
    r"credentialspec(domainless)?:arn:.+",
    rule="must be 'credentialspec:' or 'credentialspecdomainless:', followed by the ARN of a file or parameter",
    hint="write it as in 'credentialspecdomainless:arn:aws:s3:::bucket/key'",
    source="botocore ContainerDefinition.credentialSpecs",
)
FARGATE_CREDENTIAL_SPEC = Limit(
    id="fargate-credential-spec",
    accepts=lambda spec: spec.startswith("credentialspecdomainless:"),
    rule="must start with 'credentialspecdomainless:' on Fargate, whose hosts join no domain",
    hint="use 'credentialspecdomainless:' and the ARN of an object in S3",
    source="ECS developer guide, gMSA for Linux containers on Fargate",
)

VOLUME_NAME = matching(
    "volume-name",
    r"[A-Za-z0-9_-]{1,255}",
    rule="must be 1 to 255 letters, digits, hyphens and underscores",
    hint="use another name",
    source="botocore Volume.name",
)
VOLUME_NAMES = unique(
    "volume-names-unique",
    rule="must have different names",
    hint="give each volume its own name",
    source="botocore Volume.name, MountPoint.sourceVolume",
)
EBS_VOLUMES = Limit(
    id="ebs-volumes-per-task",
    accepts=lambda names: len(names) <= 1,
    rule="must have at most one Volume.ebs(...)",
    hint="use one larger volume, or Volume.efs(...) for one of them",
    source="botocore Volume.configuredAtLaunch; CDK aws-ecs BaseService",
    format=listed,
)
FARGATE_HOST_PATH = _absent(
    "fargate-host-path",
    rule="must be left out on Fargate",
    hint="leave host_path= out, or use Volume.efs(...)",
    source="botocore HostVolumeProperties.sourcePath",
)
EFS_ROOT = Limit(
    id="efs-root-directory",
    accepts=lambda pair: pair[0] == "/" or not pair[1],
    rule="must be left out with an access_point, which has a directory",
    hint="leave root_directory= or access_point= out",
    source="botocore EFSAuthorizationConfig.accessPointId",
    format=lambda pair: repr(pair[0]),
)
_EBS: dict[str, tuple[range, range | None]] = {
    "gp3": (range(1, 65537), range(3000, 80001)),
    "gp2": (range(1, 16385), None),
    "io1": (range(4, 16385), range(100, 64001)),
    "io2": (range(4, 65537), range(100, 256001)),
    "st1": (range(125, 16385), None),
    "sc1": (range(125, 16385), None),
    "standard": (range(1, 1025), None),
}
"""The sizes in GiB and the IOPS of each type (CDK's ServiceManagedVolume, which is newer than botocore's text)."""


def _ebs_range(of: range | None, unit: str) -> str:
    return f"{of[0]} to {of[-1]} {unit}" if of else f"no {unit}"


EBS_TYPE = one_of(
    "ebs-type",
    _EBS,
    source="botocore ServiceManagedEBSVolumeConfiguration.volumeType",
)
FARGATE_EBS_TYPE = Limit(
    id="fargate-ebs-type",
    accepts=lambda of: of != "standard",
    rule="must not be 'standard' on Fargate",
    hint="use 'gp3'",
    source="botocore ServiceManagedEBSVolumeConfiguration.volumeType",
)
EBS_SIZE = Limit(
    id="ebs-size",
    accepts=lambda pair: pair[0] in _EBS[pair[1]][0],
    rule="must be a size that its volume_type has",
    hint=lambda pair: f"use {_ebs_range(_EBS[pair[1]][0], 'GiB')}",
    source="CDK aws-ecs ServiceManagedVolume",
    format=lambda pair: f"{pair[0]} GiB with volume_type={pair[1]!r}",
)
EBS_IOPS = Limit(
    id="ebs-iops",
    accepts=lambda pair: pair[0] in (_EBS[pair[1]][1] or ()),
    rule="must be IOPS that its volume_type has",
    hint=lambda pair: f"use {_ebs_range(_EBS[pair[1]][1], 'IOPS')}",
    source="CDK aws-ecs ServiceManagedVolume",
    format=lambda pair: f"{pair[0]} with volume_type={pair[1]!r}",
)
EBS_IOPS_GIVEN = Limit(
    id="ebs-iops-given",
    accepts=lambda pair: pair[0] is not None or pair[1] not in {"io1", "io2"},
    rule="must be given for io1 and io2",
    hint="give iops=, or use 'gp3'",
    source="botocore ServiceManagedEBSVolumeConfiguration.iops",
    format=lambda pair: f"None with volume_type={pair[1]!r}",
)
EBS_THROUGHPUT = Limit(
    id="ebs-throughput",
    accepts=lambda pair: pair[1] == "gp3" and 1 <= pair[0] <= 2000,
    rule="must be between 1 and 2000 MiB/s with 'gp3', and left out with other types",
    hint="leave throughput_mib= out, or use up to 2000 with 'gp3'",
    source="CDK aws-ecs ServiceManagedVolume",
    format=lambda pair: f"{pair[0]} with volume_type={pair[1]!r}",
)
EBS_SOURCE = Limit(
    id="ebs-size-or-snapshot",
    accepts=any,
    rule="must be given without a snapshot_id",
    hint="give size_gib= or snapshot_id=",
    source="botocore ServiceManagedEBSVolumeConfiguration.sizeInGiB",
    format=lambda _: "None",
)
EBS_SNAPSHOT = matching(
    "ebs-snapshot",
    r"snap-[0-9a-fA-F]+",
    rule="must be 'snap-' and hexadecimal digits",
    hint="copy it from the console",
    source="CDK aws-ecs ServiceManagedVolume",
)
EBS_INITIALIZATION = Limit(
    id="ebs-initialization-rate",
    accepts=lambda pair: pair[1] is not None and 100 <= pair[0] <= 300,
    rule="must be between 100 and 300 MiB/s, and needs a snapshot_id",
    hint="use a rate in that range with snapshot_id=, or leave it out",
    source="botocore ServiceManagedEBSVolumeConfiguration.volumeInitializationRate; CDK aws-ecs ServiceManagedVolume",
    format=lambda pair: f"{pair[0]} with snapshot_id={pair[1]!r}",
)
FILE_SYSTEM_TYPE = one_of(
    "file-system-type",
    ("xfs", "ext4", "ext3"),
    source="botocore TaskFilesystemType",
)

WINDOWS_LINUX_ONLY = _absent(
    "windows-linux-only",
    rule="must be left out on Windows",
    hint="leave it out, or run on Linux",
    source="botocore ContainerDefinition.linuxParameters, privileged, ulimits, user; RegisterTaskDefinition.pidMode",
)
WINDOWS_VOLUMES = Limit(
    id="windows-volumes",
    accepts=lambda names: not names,
    rule="must only be bind mounts in Windows tasks on Fargate",
    hint="use Volume.bind_mount(...), or run on Linux",
    source="Batch RuntimePlatform (efsVolumeConfiguration); ECS developer guide, EBS volumes (platforms)",
    format=listed,
)
WINDOWS_NETWORK_MODE = one_of(
    "windows-network-mode",
    ("awsvpc",),
    where="on Windows",
    hint="leave it out",
    source="botocore RegisterTaskDefinition.networkMode",
)
WINDOWS_ARCHITECTURE = one_of(
    "windows-architecture",
    ("X86_64",),
    where="on Windows",
    hint="leave it out",
    source="botocore RuntimePlatform.cpuArchitecture",
)
WINDOWS_MEMORY: dict[int, tuple[int, ...]] = {
    1024: tuple(range(1024, 8193, 1024)),
    2048: tuple(range(4096, 16385, 1024)),
    4096: tuple(range(8192, 30721, 1024)),
}
"""The memory, in MiB, that Fargate offers on Windows with each number of CPU units."""
FARGATE_WINDOWS_SIZE = Limit(
    id="fargate-windows-size",
    accepts=lambda size: size[1] in WINDOWS_MEMORY.get(size[0] or 0, ()),
    rule="must be a size that Fargate offers on Windows",
    hint="use cpu=1024, 2048 or 4096 with 2 to 8, 4 to 16 or 8 to 30 GiB, in whole GiB",
    source="CDK aws-ecs TaskDefinition (checkFargateWindowsBasedTasksSize); botocore RegisterTaskDefinition.memory",
    format=lambda size: f"cpu={size[0]}, memory_mib={size[1]}",
)
FARGATE_WINDOWS_LEAST = Limit(
    id="fargate-windows-least",
    accepts=lambda size: tuple(size) != (1024, 1024),
    rule="must include at least 2048 MiB with 1024 CPU units on Windows",
    hint="use memory_mib=2048",
    source="botocore RegisterTaskDefinition.memory; cfn-lint E3047, though CDK takes 1 GiB",
    format=lambda size: f"cpu={size[0]}, memory_mib={size[1]}",
)
FARGATE_WINDOWS_ABSENT = _absent(
    "fargate-windows-absent",
    rule="must be left out on Windows on Fargate",
    hint="leave it out, or use a Capacity.ec2(...) with Ami.windows()",
    source="ECS developer guide, Windows containers on Fargate considerations",
)
FARGATE_SPOT_WINDOWS = one_of(
    "fargate-spot-windows",
    ("LINUX",),
    where="on Fargate Spot",
    hint="use Capacity.fargate()",
    source="botocore CapacityProviderStrategyItem",
)
MANAGED_SYSTEM = one_of(
    "managed-instances-system",
    ("LINUX",),
    where="on ECS Managed Instances",
    hint="use Capacity.fargate()",
    source=_MANAGED,
)

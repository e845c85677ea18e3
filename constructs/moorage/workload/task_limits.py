"""What AWS accepts of one task and its containers beyond their size and ports; rows of the table in `limits`."""

from __future__ import annotations

from itertools import pairwise

from moorage.workload.limit import Limit, in_range, matching, one_of

_FARGATE = "AWS, task definition differences for Fargate"
_MANAGED = "CDK aws-ecs TaskDefinition (Compatibility.MANAGED_INSTANCES)"


def _absent(row: str, *, rule: str, hint: str, source: str) -> Limit:
    """What is not there at all on one platform; the value is what was given, or nothing."""
    return Limit(id=row, accepts=lambda value: not value, rule=rule, hint=hint, source=source)


def _overlap(ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(former[1] >= latter[0] for former, latter in pairwise(sorted(ranges)))


START_TIMEOUT = in_range(
    "start-timeout", 2, 120, unit="s", of="what Fargate waits for a container that others depend on",
    source="botocore ContainerDefinition.startTimeout",
)  # fmt: skip
HEALTH_TIMEOUT_SHORTER = Limit(
    id="health-timeout-shorter",
    accepts=lambda pair: pair[0] <= pair[1],
    rule="a check must end before the next one starts",
    hint="use a shorter timeout= or a longer interval=",
    source="CDK aws-ecs ContainerDefinition (health check)",
    format=lambda pair: f"{pair[0]} s with an interval of {pair[1]} s",
)
RESTART_EXIT_CODES = Limit(
    id="restart-exit-codes",
    accepts=lambda count: count <= 50,
    rule="a restart policy ignores 50 at most",
    hint="name fewer",
    source="botocore ContainerRestartPolicy.ignoredExitCodes",
)
RESTART_PERIOD = in_range(
    "restart-attempt-period", 60, 1800, unit="s", of="the time that a container runs before it is restarted",
    source="botocore ContainerRestartPolicy.restartAttemptPeriod",
)  # fmt: skip
DEPENDENCY_ENDS = Limit(
    id="dependency-on-an-end",
    accepts=lambda essential: not essential,
    rule="an essential container ends the task when it ends",
    hint="make it essential=False, or wait for START or HEALTHY",
    source="botocore ContainerDependency.condition",
    format=lambda _: "the end of an essential container",
)
DEPENDENCY_HEALTHY = Limit(
    id="dependency-on-health",
    accepts=bool,
    rule="nobody checks its health",
    hint="give it a health_check=, or wait for START",
    source="botocore ContainerDependency.condition",
    format=lambda _: "HEALTHY",
)
ENVIRONMENT_FILES = Limit(
    id="environment-files",
    accepts=lambda count: count <= 10,
    rule="a container reads 10 at most",
    hint="join some of them",
    source="botocore EnvironmentFile",
)
ENVIRONMENT_FILE_NAME = matching(
    "environment-file-name", r".+\.env",
    rule="the name of an environment file ends in '.env'", hint="rename it, as in 'web.env'",
    source="botocore EnvironmentFile",
)  # fmt: skip
SECRET_VERSION = Limit(
    id="secret-version",
    accepts=lambda version: not all(version),
    rule="a version is named by its stage or by its id, not by both",
    hint="use one of version_stage and version_id",
    source="ECS developer guide, pass Secrets Manager secrets through environment variables",
    format=lambda version: f"stage {version[0]!r} and id {version[1]!r}",
)
MEMORY_RESERVATION = Limit(
    id="memory-reservation",
    accepts=lambda pair: 6 <= pair[0] < pair[1],
    rule="what is reserved is 6 MiB or more, and less than the container's limit",
    hint="use a smaller memory_reservation_mib=, or a larger memory_mib=",
    source="botocore ContainerDefinition.memoryReservation",
    format=lambda pair: f"{pair[0]} MiB in a container of {pair[1]} MiB",
)
PORT_RANGES = Limit(
    id="port-ranges",
    accepts=lambda count: count <= 100,
    rule="a container has 100 ranges at most",
    hint="join neighbouring ranges",
    source="botocore PortMapping.containerPortRange",
)
PORT_RANGE = Limit(
    id="port-range",
    accepts=lambda pair: len(pair) == 2 and 1 <= pair[0] < pair[1] <= 65535,
    rule="a range is its first port and a later one, 1 to 65,535",
    hint="write it as in (8000, 8010)",
    source="botocore PortMapping.containerPortRange",
)
PORT_RANGES_APART = Limit(
    id="port-ranges-apart",
    accepts=lambda ranges: not _overlap(ranges),
    rule="a port is in one mapping alone",
    hint="have the ranges, and port=, not overlap",
    source="botocore PortMapping.containerPortRange",
    format=lambda ranges: ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges),
)
PORT_RANGE_MODE = one_of(
    "port-range-mode", ("awsvpc", "bridge"), rule="port ranges are mapped in awsvpc and bridge mode alone",
    source="botocore PortMapping.containerPortRange",
)  # fmt: skip
NO_PORTS = Limit(
    id="none-mode-ports",
    accepts=lambda names: not names,
    rule="in none mode containers are on no network",
    hint="leave port= out, or use another network_mode=",
    source="botocore RegisterTaskDefinition.networkMode",
    format=lambda names: f"of {', '.join(map(repr, names))}",
)
ULIMIT_NAME = one_of(
    "ulimit-name",
    ("core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
     "rttime", "sigpending", "stack"),
    rule="Linux has no such limit", source="botocore UlimitName",
)  # fmt: skip
ULIMIT = Limit(
    id="ulimit",
    accepts=lambda pair: len(pair) == 2 and min(pair) >= -1 and (pair[1] == -1 or 0 <= pair[0] <= pair[1]),
    rule="a limit is a soft one and a hard one that is not below it; -1 is none",
    hint="write it as in (1024, 4096), or as one number for both",
    source="botocore Ulimit; setrlimit(2)",
)
CAPABILITIES = frozenset({
    "ALL", "AUDIT_CONTROL", "AUDIT_WRITE", "BLOCK_SUSPEND", "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER",
    "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE", "MKNOD",
    "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID",
    "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE", "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "SYSLOG", "WAKE_ALARM",
})  # fmt: skip
CAPABILITY = Limit(
    id="capability",
    accepts=lambda name: name in CAPABILITIES,
    rule="ECS knows no such capability",
    hint="write it as Linux does, without CAP_, as in 'NET_ADMIN', or 'ALL'",
    source="botocore KernelCapabilities",
)
FARGATE_CAPABILITIES = Limit(
    id="fargate-capabilities",
    accepts=lambda names: set(names) <= {"SYS_PTRACE"},
    rule="Fargate adds SYS_PTRACE alone",
    hint="leave the others out, or use a Capacity.ec2(...)",
    source=f"botocore KernelCapabilities.add; {_FARGATE}",
    format=", ".join,
)
FARGATE_DEVICES = _absent(
    "fargate-devices", rule="Fargate gives no device of its hosts",
    hint="leave it out, or use a Capacity.ec2(...)", source=f"botocore LinuxParameters.devices; {_FARGATE}",
)  # fmt: skip
FARGATE_SHARED_MEMORY = _absent(
    "fargate-shared-memory", rule="the size of /dev/shm is fixed on Fargate",
    hint="leave it out, or write to a tmpfs instead (writable=)",
    source=f"botocore LinuxParameters.sharedMemorySize; {_FARGATE}",
)  # fmt: skip
FARGATE_SWAP = Limit(
    id="fargate-swap",
    accepts=lambda value: value is None,
    rule="Fargate has no swap space",
    hint="leave it out, or use a Capacity.ec2(...)",
    source=f"botocore LinuxParameters.maxSwap, swappiness; {_FARGATE}",
)
SHARED_MEMORY = Limit(
    id="shared-memory",
    accepts=lambda size: size >= 1,
    rule="the size of /dev/shm is 1 MiB or more",
    hint="use a larger shared_memory_mib=, or leave it out",
    source="CDK aws-ecs LinuxParameters.sharedMemorySize",
)
MAX_SWAP = Limit(
    id="max-swap",
    accepts=lambda size: size >= 0,
    rule="swap space is 0 MiB or more",
    hint="use 0 for none",
    source="botocore LinuxParameters.maxSwap",
)
SWAPPINESS = in_range("swappiness", 0, 100, of="swappiness", source="botocore LinuxParameters.swappiness")
SWAPPINESS_ALONE = Limit(
    id="swappiness-alone",
    accepts=lambda pair: pair[1] is not None,
    rule="without max_swap_mib ECS ignores it",
    hint="give max_swap_mib=, or leave it out",
    source="botocore LinuxParameters.swappiness",
    format=lambda pair: str(pair[0]),
)
PID_MODE = one_of("pid-mode", ("task", "host"), rule="ECS knows no such mode", source="botocore PidMode")
FARGATE_PID_MODE = Limit(
    id="fargate-pid-mode",
    accepts=lambda mode: mode == "task",
    rule="on Fargate the containers of a task share their processes with one another alone",
    hint="use 'task', or a Capacity.ec2(...)",
    source="botocore RegisterTaskDefinition.pidMode",
)
IPC_MODE = one_of("ipc-mode", ("task", "host", "none"), rule="ECS knows no such mode", source="botocore IpcMode")
FARGATE_IPC_MODE = _absent(
    "fargate-ipc-mode", rule="Fargate lets no namespace for it be chosen",
    hint="leave it out, or use a Capacity.ec2(...)", source=_FARGATE,
)  # fmt: skip
MANAGED_IPC_MODE = _absent(
    "managed-instances-ipc-mode", rule="ECS Managed Instances let none be chosen",
    hint="leave it out, or use a Capacity.ec2(...)", source=_MANAGED,
)  # fmt: skip
FAULT_INJECTION_MODE = one_of(
    "fault-injection-mode", ("awsvpc", "host"), rule="faults are injected in awsvpc and host mode alone",
    source="CDK aws-ecs TaskDefinition (enableFaultInjection)",
)  # fmt: skip
LOG_ROUTERS = Limit(
    id="log-routers",
    accepts=lambda names: len(names) <= 1,
    rule="FireLens has one log router a task",
    hint="let one router have several outputs in its config_file=",
    source="ECS developer guide, FireLens",
    format=lambda names: ", ".join(map(repr, names)),
)
LOG_ROUTER = one_of(
    "log-router", ("fluentbit", "fluentd"), rule="FireLens knows two log routers",
    source="botocore FirelensConfigurationType",
)  # fmt: skip
FARGATE_LOG_ROUTER_CONFIG = Limit(
    id="fargate-log-router-config",
    accepts=lambda path: not path.startswith("arn:"),
    rule="on Fargate a log router's configuration is a file of its image",
    hint="build it into the image and name its path",
    source="botocore FirelensConfiguration.options",
)
FARGATE_LOG_DRIVER = one_of(
    "fargate-log-driver", ("AwsLogDriver", "SplunkLogDriver", "FireLensLogDriver", "GenericLogDriver"),
    rule="Fargate knows awslogs, splunk and awsfirelens", hint="use one of the three, or a Capacity.ec2(...)",
    source="botocore LogConfiguration.logDriver",
)  # fmt: skip
CREDENTIAL_SPEC = matching(
    "credential-spec", r"credentialspec(domainless)?:arn:.+",
    rule="a credential spec is 'credentialspec:' or 'credentialspecdomainless:' and the ARN of a file or parameter",
    hint="write it as in 'credentialspecdomainless:arn:aws:s3:::bucket/key'",
    source="botocore ContainerDefinition.credentialSpecs",
)  # fmt: skip
FARGATE_CREDENTIAL_SPEC = Limit(
    id="fargate-credential-spec",
    accepts=lambda spec: spec.startswith("credentialspecdomainless:"),
    rule="what Fargate runs on is in no domain",
    hint="use 'credentialspecdomainless:' and the ARN of an object in S3",
    source="ECS developer guide, gMSA for Linux containers on Fargate",
)

VOLUME_NAME = matching(
    "volume-name", r"[A-Za-z0-9_-]{1,255}",
    rule="a volume's name is 1 to 255 letters, digits, hyphens and underscores", hint="use another name",
    source="botocore Volume.name",
)  # fmt: skip
VOLUME_NAMES = Limit(
    id="volume-names-unique",
    accepts=lambda names: len(set(names)) == len(names),
    rule="each volume of a task has a name of its own",
    hint="give each another name",
    source="botocore Volume.name, MountPoint.sourceVolume",
    format=lambda names: ", ".join(map(repr, names)),
)
EBS_VOLUMES = Limit(
    id="ebs-volumes-per-task",
    accepts=lambda names: len(names) <= 1,
    rule="ECS gives each task one at most",
    hint="use one larger volume, or Volume.efs(...) for one of them",
    source="botocore Volume.configuredAtLaunch; CDK aws-ecs BaseService",
    format=lambda names: ", ".join(map(repr, names)),
)
FARGATE_HOST_PATH = _absent(
    "fargate-host-path", rule="Fargate shows no directory of its hosts",
    hint="leave host_path= out, or use Volume.efs(...)", source="botocore HostVolumeProperties.sourcePath",
)  # fmt: skip
EFS_ROOT = Limit(
    id="efs-root-directory",
    accepts=lambda pair: pair[0] == "/" or not pair[1],
    rule="the access point says which directory is mounted",
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
    return f"from {of[0]:,} to {of[-1]:,} {unit}" if of else f"no {unit}"


EBS_TYPE = one_of(
    "ebs-type", _EBS, rule="EBS has no such type", source="botocore ServiceManagedEBSVolumeConfiguration.volumeType"
)
FARGATE_EBS_TYPE = Limit(
    id="fargate-ebs-type",
    accepts=lambda of: of != "standard",
    rule="Fargate takes no magnetic volume",
    hint="use 'gp3'",
    source="botocore ServiceManagedEBSVolumeConfiguration.volumeType",
)
EBS_SIZE = Limit(
    id="ebs-size",
    accepts=lambda pair: pair[0] in _EBS[pair[1]][0],
    rule="a type of EBS volume has its sizes",
    hint=lambda pair: f"use {_ebs_range(_EBS[pair[1]][0], 'GiB')}",
    source="CDK aws-ecs ServiceManagedVolume",
    format=lambda pair: f"{pair[0]} GiB of {pair[1]}",
)
EBS_IOPS = Limit(
    id="ebs-iops",
    accepts=lambda pair: pair[0] in (_EBS[pair[1]][1] or ()),
    rule="a type of EBS volume has its IOPS",
    hint=lambda pair: f"use {_ebs_range(_EBS[pair[1]][1], 'IOPS')}",
    source="CDK aws-ecs ServiceManagedVolume",
    format=lambda pair: f"{pair[0]} of {pair[1]}",
)
EBS_IOPS_GIVEN = Limit(
    id="ebs-iops-given",
    accepts=lambda pair: pair[0] is not None or pair[1] not in {"io1", "io2"},
    rule="io1 and io2 are bought by their IOPS",
    hint="give iops=, or use 'gp3'",
    source="botocore ServiceManagedEBSVolumeConfiguration.iops",
    format=lambda pair: f"not given for {pair[1]}",
)
EBS_THROUGHPUT = Limit(
    id="ebs-throughput",
    accepts=lambda pair: pair[1] == "gp3" and 1 <= pair[0] <= 2000,
    rule="gp3 alone takes one, 2,000 MiB/s at most",
    hint="leave throughput_mib= out, or use up to 2,000 with 'gp3'",
    source="CDK aws-ecs ServiceManagedVolume",
    format=lambda pair: f"{pair[0]} MiB/s for {pair[1]}",
)
EBS_SOURCE = Limit(
    id="ebs-size-or-snapshot",
    accepts=any,
    rule="a volume has a size or a snapshot that it starts from",
    hint="give size_gib= or snapshot_id=",
    source="botocore ServiceManagedEBSVolumeConfiguration.sizeInGiB",
    format=lambda _: "not given",
)
EBS_SNAPSHOT = matching(
    "ebs-snapshot", r"snap-[0-9a-fA-F]+",
    rule="a snapshot's id is 'snap-' and hexadecimal digits", hint="copy it from the console",
    source="CDK aws-ecs ServiceManagedVolume",
)  # fmt: skip
EBS_INITIALIZATION = Limit(
    id="ebs-initialization-rate",
    accepts=lambda pair: pair[1] is not None and 100 <= pair[0] <= 300,
    rule="a volume is filled from a snapshot, with 100 to 300 MiB/s",
    hint="use a rate in that range with snapshot_id=, or leave it out",
    source="botocore ServiceManagedEBSVolumeConfiguration.volumeInitializationRate; CDK aws-ecs ServiceManagedVolume",
    format=lambda pair: f"{pair[0]} MiB/s",
)
FILE_SYSTEM_TYPE = one_of(
    "file-system-type", ("xfs", "ext4", "ext3"), rule="ECS formats a Linux task's volume as one of three",
    source="botocore TaskFilesystemType",
)  # fmt: skip

WINDOWS_LINUX_ONLY = _absent(
    "windows-linux-only", rule="Windows containers have none of it: it is Linux's",
    hint="leave it out on Windows",
    source="botocore ContainerDefinition.linuxParameters, privileged, ulimits, user; RegisterTaskDefinition.pidMode",
)  # fmt: skip
WINDOWS_VOLUMES = Limit(
    id="windows-volumes",
    accepts=lambda names: not names,
    rule="Windows tasks on Fargate have bind mounts alone",
    hint="use Volume.bind_mount(...), or run on Linux",
    source="Batch RuntimePlatform (efsVolumeConfiguration); ECS developer guide, EBS volumes (platforms)",
    format=lambda names: ", ".join(map(repr, names)),
)
WINDOWS_NETWORK_MODE = Limit(
    id="windows-network-mode",
    accepts=lambda mode: mode == "awsvpc",
    rule="Windows tasks run in awsvpc mode here",
    hint="leave it out",
    source="botocore RegisterTaskDefinition.networkMode",
)
WINDOWS_ARCHITECTURE = Limit(
    id="windows-architecture",
    accepts=lambda architecture: architecture == "X86_64",
    rule="ARM64 runs Linux tasks alone",
    hint="leave it out on Windows",
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
    rule="Fargate does not offer that pair on Windows",
    hint="use 1024, 2048 or 4096 CPU units with 2 to 8, 4 to 16 or 8 to 30 GiB, in whole GiB",
    source="CDK aws-ecs TaskDefinition (checkFargateWindowsBasedTasksSize); botocore RegisterTaskDefinition.memory",
    format=lambda size: f"{size[0]} CPU units with {size[1]} MiB",
)
FARGATE_WINDOWS_LEAST = Limit(
    id="fargate-windows-least",
    accepts=lambda size: tuple(size) != (1024, 1024),
    rule="2 GiB are the least that Windows has with 1 vCPU",
    hint="use memory_mib=2048",
    source="botocore RegisterTaskDefinition.memory; cfn-lint E3047, though CDK takes 1 GiB",
    format=lambda size: f"{size[0]} CPU units with {size[1]} MiB",
)
FARGATE_WINDOWS_ABSENT = _absent(
    "fargate-windows-absent", rule="Fargate has none of it on Windows",
    hint="leave it out, or use a Capacity.ec2(...) with Ami.windows()",
    source="ECS developer guide, Windows containers on Fargate considerations",
)  # fmt: skip
FARGATE_SPOT_WINDOWS = Limit(
    id="fargate-spot-windows",
    accepts=lambda system: system == "LINUX",
    rule="Fargate Spot runs Linux alone",
    hint="use Capacity.fargate()",
    source="botocore CapacityProviderStrategyItem",
)
MANAGED_SYSTEM = Limit(
    id="managed-instances-system",
    accepts=lambda system: system == "LINUX",
    rule="ECS Managed Instances run Linux alone",
    hint="use Capacity.fargate()",
    source=_MANAGED,
)

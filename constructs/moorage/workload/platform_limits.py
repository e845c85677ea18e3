"""The limits of a task on Fargate, on ECS Managed Instances and on Windows; rows of the table in `limits`."""

from __future__ import annotations

import re

from moorage.workload.fargate_sizes import FARGATE_MEMORY, WINDOWS_MEMORY, nearest_fargate_sizes, size_text
from moorage.workload.limit import Botocore, Limit, Source, comma_separated, in_range, one_of

_FARGATE = "AWS, task definition differences for Fargate"
_MANAGED = "CDK aws-ecs TaskDefinition (Compatibility.MANAGED_INSTANCES)"


def _absent(row: str, *, rule: str, hint: str, source: Source) -> Limit:
    """Return a limit that accepts only None, False, 0 and empty values, which count as left out."""
    return Limit(id=row, accepts=lambda value: not value, rule=rule, hint=hint, source=source)


def _fargate_way_out(size: tuple[int, int]) -> str:
    return f"use {' or '.join(map(size_text, nearest_fargate_sizes(size[0] or 256, size[1])))}"


FARGATE_SIZE = Limit(
    id="fargate-size",
    accepts=lambda size: size[1] in FARGATE_MEMORY.get(size[0], ()),
    rule="must be a size that Fargate offers",
    hint=_fargate_way_out,
    source="botocore RegisterTaskDefinition.memory; 32 vCPU: cfn-lint E3047 (PR #4668 cites the AWS task-size page)",
    format=size_text,
)
FARGATE_GPUS = Limit(
    id="fargate-gpus",
    accepts=lambda gpus: gpus == 0,
    rule="must be 0 on Fargate, which has no GPUs",
    hint="use a capacity with GPU instances, such as Capacity.ec2('gpu', instance_types=['g6.xlarge'], ...)",
    source="AWS, task definition differences for Fargate",
    format=str,
)
FARGATE_PRIVILEGED = Limit(
    id="fargate-privileged",
    accepts=lambda privileged: not privileged,
    rule="must be False on Fargate",
    hint="remove privileged=True, or use Capacity.ec2(...)",
    source="AWS, task definition differences for Fargate",
    format=str,
)
FARGATE_NETWORK_MODE = one_of(
    "fargate-network-mode",
    ("awsvpc",),
    where="on Fargate",
    hint="leave network_mode= out, or use Capacity.ec2(...)",
    source="AWS, task definition differences for Fargate",
)
START_TIMEOUT = in_range(
    "start-timeout",
    2,
    120,
    unit="seconds on Fargate",
    hint="use a duration such as cdk.Duration.seconds(60)",
    source=Botocore("ecs", "ContainerDefinition", "startTimeout", "The valid values for Fargate are 2-120 seconds."),
)
STOP_TIMEOUT = in_range(
    "stop-timeout",
    2,
    120,
    unit="seconds on Fargate",
    hint="use a duration such as cdk.Duration.seconds(30)",
    source=Botocore("ecs", "ContainerDefinition", "stopTimeout", "The valid values for Fargate are 2-120 seconds."),
)
FARGATE_CAPABILITIES = Limit(
    id="fargate-capabilities",
    accepts=lambda names: set(names) <= {"SYS_PTRACE"},
    rule="must contain only SYS_PTRACE on Fargate",
    hint="remove the other capabilities, or use Capacity.ec2(...)",
    source=Botocore(
        "ecs",
        "KernelCapabilities",
        "add",
        "Tasks launched on Fargate only support adding the SYS_PTRACE kernel capability.",
    ),
    format=", ".join,
)
FARGATE_ULIMITS = Limit(
    id="fargate-ulimits",
    accepts=lambda names: set(names) <= {"nofile"},
    rule="must contain only 'nofile' on Fargate",
    hint="remove the other ulimits, or use Capacity.ec2(...)",
    source=Botocore(
        "ecs", "ContainerDefinition", "ulimits", "with the exception of the nofile resource limit parameter"
    ),
    format=lambda names: comma_separated(sorted(names)),
)
FARGATE_DEVICES = _absent(
    "fargate-devices",
    rule="must be left out on Fargate",
    hint="use Capacity.ec2(...) for a task that needs devices",
    source=Botocore(
        "ecs", "LinuxParameters", "devices", "use the Fargate launch type, the devices parameter isn't supported."
    ),
)
FARGATE_SHARED_MEMORY = _absent(
    "fargate-shared-memory",
    rule="must be left out on Fargate, where the size of /dev/shm is fixed",
    hint="write to a tmpfs instead, with writable=",
    source=Botocore(
        "ecs",
        "LinuxParameters",
        "sharedMemorySize",
        "the Fargate launch type, the sharedMemorySize parameter is not supported.",
    ),
)
FARGATE_SWAP = Limit(
    id="fargate-swap",
    accepts=lambda value: value is None,
    rule="must be left out on Fargate, which has no swap space",
    hint="leave max_swap_mib= and swappiness= out, or use Capacity.ec2(...) for a task that needs swap space",
    source=Botocore(
        "ecs", "LinuxParameters", "maxSwap", "use the Fargate launch type, the maxSwap parameter isn't supported."
    ),
    format=str,
)
FARGATE_SECURITY_OPTIONS = _absent(
    "fargate-security-options",
    rule="must be left out on Fargate",
    hint="use Capacity.ec2(...) for a task that needs security options",
    source=Botocore(
        "ecs",
        "ContainerDefinition",
        "dockerSecurityOptions",
        "This field isn't valid for containers in tasks using the Fargate launch type.",
    ),
)
FARGATE_PID_MODE = one_of(
    "fargate-pid-mode",
    ("task",),
    where="on Fargate",
    hint="use 'task', or Capacity.ec2(...) for 'host'",
    source=Botocore(
        "ecs",
        "RegisterTaskDefinitionRequest",
        "pidMode",
        "On Fargate for Linux containers, the only valid value is task.",
    ),
)
FARGATE_IPC_MODE = _absent(
    "fargate-ipc-mode",
    rule="must be left out on Fargate",
    hint="use Capacity.ec2(...) for a task that needs an IPC mode",
    source=_FARGATE,
)
FARGATE_LOG_ROUTER_CONFIG = Limit(
    id="fargate-log-router-config",
    accepts=lambda path: not path.startswith("arn:"),
    rule="must be a path in the image on Fargate",
    hint="build the file into the image, and use its path",
    source=Botocore(
        "ecs",
        "FirelensConfiguration",
        "options",
        "Tasks hosted on Fargate only support the file configuration file type.",
    ),
)
FARGATE_LOG_DRIVER = Limit(
    id="fargate-log-driver",
    accepts=lambda name: name in {"AwsLogDriver", "SplunkLogDriver", "FireLensLogDriver", "GenericLogDriver"},
    rule="must be an awslogs, splunk or awsfirelens driver on Fargate",
    hint="use ecs.LogDrivers.aws_logs(...), splunk(...) or firelens(...), or Capacity.ec2(...)",
    source=Botocore(
        "ecs",
        "LogConfiguration",
        "logDriver",
        "For tasks on Fargate, the supported log drivers are awslogs, splunk, and awsfirelens.",
    ),
    format=str,
)
FARGATE_CREDENTIAL_SPEC = Limit(
    id="fargate-credential-spec",
    accepts=lambda spec: spec.startswith("credentialspecdomainless:"),
    rule="must start with 'credentialspecdomainless:' on Fargate, whose hosts do not join a domain",
    hint="use 'credentialspecdomainless:' followed by the ARN of an S3 object",
    source="ECS developer guide, gMSA for Linux containers on Fargate",
)
FARGATE_HOST_PATH = _absent(
    "fargate-host-path",
    rule="must be left out on Fargate",
    hint="leave host_path= out, or use Volume.efs(...) on Linux",
    source=Botocore(
        "ecs",
        "HostVolumeProperties",
        "sourcePath",
        "If you're using the Fargate launch type, the sourcePath parameter is not supported.",
    ),
)
FARGATE_EBS_TYPE = Limit(
    id="fargate-ebs-type",
    accepts=lambda volume_type: volume_type != "standard",
    rule="must not be 'standard' on Fargate",
    hint="use 'gp3'",
    source=Botocore(
        "ecs",
        "ServiceManagedEBSVolumeConfiguration",
        "volumeType",
        "The magnetic volume type is not supported on Fargate.",
    ),
)
FARGATE_SPOT_WINDOWS = one_of(
    "fargate-spot-windows",
    ("LINUX",),
    where="on Fargate Spot",
    hint="use Capacity.fargate() for tasks on Windows",
    source="ECS developer guide, Windows containers on Fargate considerations: no Fargate Spot",
)
MANAGED_NETWORK_MODE = one_of(
    "managed-instances-network-mode",
    ("awsvpc", "host"),
    where="on ECS Managed Instances",
    hint="leave network_mode= out for 'awsvpc', or use NetworkMode.HOST or Capacity.ec2(...)",
    source="CDK aws-ecs TaskDefinition (Compatibility.MANAGED_INSTANCES)",
)
MANAGED_IPC_MODE = _absent(
    "managed-instances-ipc-mode",
    rule="must be left out on ECS Managed Instances",
    hint="use Capacity.ec2(...) for a task that needs an IPC mode",
    source=_MANAGED,
)
MANAGED_SYSTEM = one_of(
    "managed-instances-system",
    ("LINUX",),
    where="on ECS Managed Instances",
    hint="use Capacity.fargate() for tasks on Windows",
    source=_MANAGED,
)
MANAGED_SECURITY_OPTIONS = Limit(
    id="managed-instances-security-options",
    accepts=lambda options: not any(option.startswith(("apparmor:", "label:")) for option in options),
    rule="should have no 'apparmor:' or 'label:' on ECS Managed Instances, whose agent AWS configures",
    hint="use Capacity.ec2(...) with instances that are configured for these options",
    source=Botocore(
        "ecs",
        "ContainerDefinition",
        "dockerSecurityOptions",
        "The Amazon ECS container agent running on a container instance must register with the",
    ),
    format=comma_separated,
    confirmed=False,
)
WINDOWS_SECURITY_OPTIONS = Limit(
    id="windows-security-options",
    accepts=lambda options: all(option.startswith("credentialspec:") for option in options),
    rule="must have only 'credentialspec:' on Windows",
    hint="leave the other options out, or use operating_system_family=OperatingSystemFamily.LINUX",
    source=Botocore(
        "ecs",
        "ContainerDefinition",
        "dockerSecurityOptions",
        "For Linux tasks on EC2, this parameter can be used to reference custom labels for SELinux and AppArmor",
    ),
    format=comma_separated,
)
WINDOWS_LINUX_ONLY = _absent(
    "windows-linux-only",
    rule="must be left out on Windows",
    hint="use operating_system_family=OperatingSystemFamily.LINUX for a task that needs this setting",
    source=Botocore(
        "ecs",
        "ContainerDefinition",
        "linuxParameters",
        "This parameter is not supported for Windows containers.",
        also="the same of privileged, ulimits, user, pidMode, systemControls, dnsServers, dnsSearchDomains, extraHosts",
    ),
)
_LINUX_IMAGE = re.compile(
    r"(public\.ecr\.aws/aws-observability|amazon)/(aws-otel-collector|aws-for-fluent-bit)(?!:windowsservercore)\b"
)
WINDOWS_IMAGE = Limit(
    id="windows-image",
    accepts=lambda reference: _LINUX_IMAGE.match(reference) is None,
    rule="must run on Windows, but AWS provides this image only for Linux",
    hint="use image= with an image for Windows, move the container to another service, or run the task on Linux",
    source="AWS Distro for OpenTelemetry, Build Collector on MS-Windows: an installer; aws-for-fluent-bit, README: "
    "tags for Windows begin with windowsservercore",
)
WINDOWS_VOLUMES = Limit(
    id="windows-volumes",
    accepts=lambda names: not names,
    rule="must not have a Volume.efs(...) in Windows tasks",
    hint="use Volume.bind_mount(...), or Volume.ebs(...) on instances, or run the task on Linux",
    source="ECS developer guide, storage options for Amazon ECS tasks",
    format=comma_separated,
)
FARGATE_WINDOWS_VOLUMES = Limit(
    id="fargate-windows-volumes",
    accepts=lambda names: not names,
    rule="must not have a Volume.ebs(...) in Windows tasks on Fargate",
    hint="use Volume.bind_mount(...), or Capacity.ec2(...) with Ami.windows()",
    source="ECS developer guide, storage options for Amazon ECS tasks",
    format=comma_separated,
)
WINDOWS_FILE_SYSTEM = Limit(
    id="windows-file-system",
    accepts=lambda pair: (pair[0] == "ntfs") is pair[1],
    rule="must be 'ntfs' on Windows, and another type on Linux",
    hint=lambda pair: "use 'ntfs'" if pair[1] else "use 'xfs'",
    source=Botocore(
        "ecs",
        "ServiceManagedEBSVolumeConfiguration",
        "filesystemType",
        "The available Windows filesystem types are NTFS.",
    ),
    format=lambda pair: repr(pair[0]),
)
WINDOWS_NETWORK_MODE = one_of(
    "windows-network-mode",
    ("awsvpc",),
    where="on Windows",
    hint="leave network_mode= out",
    source=Botocore(
        "ecs",
        "RegisterTaskDefinitionRequest",
        "networkMode",
        "on Amazon EC2 Windows instances, <default> or awsvpc can be used.",
    ),
)
WINDOWS_ARCHITECTURE = one_of(
    "windows-architecture",
    ("X86_64",),
    where="on Windows",
    hint="leave architecture= out",
    source=Botocore(
        "ecs",
        "RuntimePlatform",
        "cpuArchitecture",
        "You can run your Linux tasks on an ARM-based platform by setting the value to ARM64.",
    ),
)
FARGATE_WINDOWS_SIZE = Limit(
    id="fargate-windows-size",
    accepts=lambda size: size[1] in WINDOWS_MEMORY.get(size[0], ()),
    rule="must be a size that Fargate offers on Windows",
    hint="use cpu=1024 with memory_mib=2048 to 8192, cpu=2048 with 4096 to 16384 or cpu=4096 with 8192 to 30720, "
    "in steps of 1024",
    source="CDK aws-ecs TaskDefinition (checkFargateWindowsBasedTasksSize); botocore RegisterTaskDefinition.memory",
    format=size_text,
)
FARGATE_WINDOWS_LEAST = Limit(
    id="fargate-windows-least",
    accepts=lambda size: tuple(size) != (1024, 1024),
    rule="must be a size with at least 2,048 MiB for 1,024 CPU units on Windows",
    hint="use memory_mib=2048",
    source=Botocore(
        "ecs",
        "RegisterTaskDefinitionRequest",
        "memory",
        "2048 (2 GB), 3072 (3 GB), 4096 (4 GB), 5120 (5 GB), 6144 (6 GB), 7168 (7 GB), 8192 (8 GB) "
        "- Available cpu values: 1024 (1 vCPU)",
        also="cfn-lint E3047, though CDK takes 1 GiB",
    ),
    format=size_text,
)
FARGATE_WINDOWS_ABSENT = _absent(
    "fargate-windows-absent",
    rule="must be left out for Windows tasks on Fargate",
    hint="use Capacity.ec2(...) with Ami.windows() for a task that needs this setting",
    source="ECS developer guide, Windows containers on Fargate considerations",
)

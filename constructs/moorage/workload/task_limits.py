"""The limits of a task and of its containers together; rows of the table in `limits`."""

from __future__ import annotations

from moorage.workload.limit import BelowOrAbove, Botocore, Limit, comma_separated, in_range, matching, one_of, unique

TASK_CPU = in_range(
    "task-cpu",
    128,
    196608,
    unit="CPU units",
    hint="use CPU units, 1,024 for each vCPU",
    source=Botocore(
        "ecs",
        "RegisterTaskDefinitionRequest",
        "cpu",
        "Supported values are between 128 CPU units (0.125 vCPUs) and 196608 CPU units (192 vCPUs).",
    ),
)
TASK_MEMORY = Limit(
    id="task-memory",
    accepts=lambda memory: memory >= 6,
    rule="must be 6 MiB or more",
    hint="use the memory that the containers need; Fargate offers 512 MiB or more",
    source=Botocore("ecs", "ContainerDefinition", "memory", "don't specify less than 6 MiB of memory"),
    format=str,
)
EPHEMERAL_STORAGE = in_range(
    "ephemeral-storage",
    21,
    200,
    unit="GiB",
    hint=BelowOrAbove(
        below="use 21 or more, or leave ephemeral_storage_gib= out for the default of 20 GiB",
        above="use 200 or less, or Volume.efs(...) for more storage",
    ),
    source=Botocore(
        "ecs",
        "EphemeralStorage",
        "sizeInGiB",
        "The minimum supported value is 21 GiB and the maximum supported value is 200 GiB.",
    ),
)
FAMILY = matching(
    "task-family",
    r"[A-Za-z0-9_-]{1,255}",
    rule="must be 1 to 255 letters, digits, hyphens and underscores",
    hint="use a name such as 'web', or leave family= out",
    source=Botocore(
        "ecs",
        "RegisterTaskDefinitionRequest",
        "family",
        "Up to 255 letters (uppercase and lowercase), numbers, underscores, and hyphens are allowed.",
    ),
)
CONTAINERS = in_range(
    "containers-per-task",
    1,
    10,
    hint=BelowOrAbove(below="add a container", above="move some of the containers to another task"),
    source="ECS quotas",
)
UNIQUE_NAMES = unique(
    "container-names-unique",
    rule="must be unique in a task",
    hint="use another name= for one of the containers",
    source="botocore ContainerDefinition.name",
)
UNIQUE_PORTS = unique(
    "container-ports-unique",
    rule="must be unique in a task, since the containers share a network interface",
    hint="use another port for one of the containers",
    source="botocore PortMapping.hostPort",
)
PORT_NAMES = unique(
    "port-names-unique",
    rule="must be unique regardless of case for containers with port=, since ports are named after containers",
    hint="use another name= for one of the containers",
    source=Botocore(
        "ecs",
        "PortMapping",
        "name",
        "The name that's used for the port mapping.",
        also="CDK writes the name in lower case",
    ),
)
NAMED_PORTS = unique(
    "named-ports-unique",
    rule="must be unique in a task, even beside the names of containers with port=",
    hint="use another name for one of the ports",
    source=Botocore(
        "ecs",
        "PortMapping",
        "name",
        "This parameter is the name that you use in the serviceConnectConfiguration and the vpcLatticeConfigurations",
        also="these name no container",
    ),
)
UNIQUE_HOST_PORTS = unique(
    "host-ports-unique",
    rule="must be unique in a task",
    hint="leave host_port= out for dynamic ports, or use another host_port= for one of the containers",
    source="botocore PortMapping.hostPort",
)
ESSENTIAL = Limit(
    id="essential-container",
    accepts=any,
    rule="must be True for at least one container",
    hint="set essential=True on the container that does the work",
    source=Botocore("ecs", "ContainerDefinition", "essential", "All tasks must have at least one essential container."),
    format=lambda essential: f"False for all {len(essential)} containers" if len(essential) > 1 else "False",
)
CONTAINER_CPU = Limit(
    id="container-cpu",
    accepts=lambda sums: sums[1] is None or sums[0] <= sums[1],
    rule="must be at least the sum of the containers' cpu",
    hint="use a larger cpu= of the task, smaller cpu= of the containers, or Task(cpu=None)",
    source=Botocore(
        "ecs",
        "ContainerDefinition",
        "cpu",
        "the total amount of CPU reserved for all containers within a task be lower than the task-level cpu value.",
    ),
    format=lambda sums: f"{sums[1]}, with {sums[0]} in its containers",
)
CONTAINER_MEMORY = Limit(
    id="container-memory",
    accepts=lambda sums: sums[0] <= sums[1],
    rule="must be at least the sum of the containers' memory_mib",
    hint="use a larger memory_mib= of the task, smaller memory_mib= of the containers, or "
    "Task(memory_mib=None) if all containers have a memory_mib",
    source=Botocore(
        "ecs",
        "ContainerDefinition",
        "memory",
        "The total amount of memory reserved for all containers within a task must be lower than the task memory value",
    ),
    format=lambda sums: f"{sums[1]}, with {sums[0]} in its containers",
)
DEPENDENCY_ENDS = Limit(
    id="dependency-on-an-end",
    accepts=lambda dependency: not dependency[1],
    rule="must not wait for an essential container to end, since the task then stops",
    hint=lambda dependency: f"use essential=False for {dependency[0]!r}, or wait for START or HEALTHY",
    source=Botocore(
        "ecs", "ContainerDependency", "condition", "This condition can't be set on an essential container."
    ),
    format=lambda dependency: f"{dependency[0]!r} with essential=True",
)
DEPENDENCY_HEALTHY = Limit(
    id="dependency-on-health",
    accepts=lambda dependency: dependency[1],
    rule="must not wait for HEALTHY of a container without a health check",
    hint=lambda dependency: f"use health_check= for {dependency[0]!r}, or wait for START",
    source=Botocore(
        "ecs",
        "ContainerDependency",
        "condition",
        "This requires that the dependent container has health checks configured.",
    ),
    format=lambda dependency: f"{dependency[0]!r} with health_check=None",
)
PORT_RANGE_MODE = one_of(
    "port-range-mode",
    ("awsvpc", "bridge"),
    where="if a container has port_ranges",
    hint="use NetworkMode.AWSVPC or NetworkMode.BRIDGE, or leave port_ranges= out",
    source=Botocore(
        "ecs", "PortMapping", "containerPortRange", "either the bridge network mode or the awsvpc network mode."
    ),
)
NO_PORTS = Limit(
    id="none-mode-ports",
    accepts=lambda names: not names,
    rule="must be left out in network mode 'none'",
    hint="leave port= and port_ranges= out, or use another network_mode=",
    source=Botocore(
        "ecs",
        "RegisterTaskDefinitionRequest",
        "networkMode",
        "If the network mode is set to none, you cannot specify port mappings in your container definitions",
    ),
    format=lambda names: f"ports of {comma_separated(names)}",
)
PID_MODE = one_of(
    "pid-mode",
    ("task", "host"),
    hint="leave pid_mode= out for a separate namespace for each container",
    source=Botocore("ecs", "PidMode"),
)
IPC_MODE = one_of(
    "ipc-mode",
    ("task", "host", "none"),
    hint="use 'task' to share the IPC namespace between containers, or leave ipc_mode= out for Docker's default",
    source=Botocore("ecs", "IpcMode"),
)
FAULT_INJECTION_MODE = one_of(
    "fault-injection-mode",
    ("awsvpc", "host"),
    where="with fault injection",
    hint="leave network_mode= out for 'awsvpc', or use NetworkMode.HOST",
    source="CDK aws-ecs TaskDefinition (enableFaultInjection)",
)
DNS_MODE = one_of(
    "dns-mode",
    ("bridge", "host", "none"),
    where="with dns_servers, dns_search_domains or extra_hosts",
    hint="use NetworkMode.BRIDGE on instances, or leave these arguments out; in awsvpc mode, use a private hosted zone "
    "or the DHCP options of the VPC",
    source=Botocore(
        "ecs",
        "ContainerDefinition",
        "extraHosts",
        "This parameter isn't supported for Windows containers or tasks that use the awsvpc network mode.",
        also="DNS servers are not supported on container when networkMode=awsvpc (cdk-preflight)",
    ),
)
NETWORK_CONTROLS_MODE = one_of(
    "network-controls-mode",
    ("awsvpc", "bridge", "none"),
    where="with 'net.' parameters in system_controls",
    hint="leave network_mode= out for 'awsvpc', or set the parameters on the instance",
    source=Botocore("ecs", "SystemControl", "", "the network namespace systemControls aren't supported."),
)
IPC_CONTROLS_MODE = Limit(
    id="ipc-controls-mode",
    accepts=lambda mode: mode != "host",
    rule="must not be 'host' with 'kernel.' or 'fs.mqueue.' parameters in system_controls",
    hint="leave ipc_mode= out, use 'task', or set the parameters on the instance",
    source=Botocore("ecs", "SystemControl", "", "IPC namespace systemControls aren't supported."),
)
SHARED_NETWORK_CONTROLS = Limit(
    id="shared-network-controls",
    accepts=lambda names: len(names) <= 1,
    rule="should have 'net.' parameters in only one container in awsvpc mode, where containers share these parameters",
    hint="use all 'net.' parameters in system_controls= of one container",
    source=Botocore(
        "ecs",
        "SystemControl",
        "",
        "We don't recommend that you specify network-related systemControls parameters for multiple containers",
    ),
    format=comma_separated,
    confirmed=False,
)
LOG_ROUTERS = Limit(
    id="log-routers",
    accepts=lambda names: len(names) <= 1,
    rule="must be used at most once in a task",
    hint="use one log router, and configure the other outputs in its config_file=",
    source="ECS developer guide, FireLens",
    format=comma_separated,
)
LOG_ROUTER_CLIENTS = Limit(
    id="log-router-clients",
    accepts=bool,
    rule="must route the logs of another container in the task",
    hint="remove the log router, or add the container that writes the logs",
    source="ECS developer guide, FireLens: the log router is for the logs of the other containers of its task",
    format=lambda _: "none",
)
LOG_DRIVER_ROUTER = Limit(
    id="log-driver-router",
    accepts=bool,
    rule="must be used with a log router in the same task",
    hint="add Container.log_router({'Name': ...}) to the task, and leave logging= out of the containers that use the "
    "router",
    source="ECS developer guide, FireLens; CDK aws-ecs TaskDefinition, which adds one with the tag latest",
    format=lambda _: "only ecs.LogDrivers.firelens(...)",
)
LINUX_PATH = Limit(
    id="linux-path",
    accepts=lambda path: path.startswith("/"),
    rule="must start with '/' on Linux",
    hint="use a path such as '/data', or set operating_system_family= to a version of Windows",
    source=Botocore(
        "ecs",
        "MountPoint",
        "containerPath",
        "The path on the container to mount the host volume at.",
        also="moby, volume mounts on Linux",
    ),
)
PERMISSION_RESOURCE = matching(
    "permission-resource",
    r"\*|arn:[^:]+:[^:]+:[^:]*:.+",
    rule="must be an ARN or '*'",
    hint="use an attribute such as bucket.bucket_arn, or a grant such as bucket.grant_read(service)",
    source="IAM user guide, JSON policy elements: Resource",
)
_FEWER_RESOURCES = "replace several resources with one pattern such as 'arn:aws:s3:::shop-*'"
PERMISSION_SIZE = Limit(
    id="permission-size",
    accepts=lambda size: size <= 10_240,
    rule="must be at most 10,240 characters as JSON, the limit of one inline policy",
    hint=f"divide the statement into several, or {_FEWER_RESOURCES}",
    source="IAM user guide, quotas: aggregate policy size of a role (10,240); aws-cdk-lib Role divides no statement",
    format=lambda size: f"at least {size:,}",
)
PERMISSIONS_SIZE = Limit(
    id="permissions-size",
    accepts=lambda size: size <= 10_000 + 25 * 6_000,
    rule="must be at most 160,000 characters as JSON: 10,000 in the task role and 6,000 in each of 25 managed policies",
    hint=_FEWER_RESOURCES,
    source=(
        "IAM user guide, quotas: managed policies attached to an IAM role (10, at most 25 on request); aws-cdk-lib "
        "Role, which moves what is longer there and warns above 10"
    ),
    format=lambda size: f"at least {size:,}",
)
TASK_DEFINITION_SIZE = Limit(
    id="task-definition-size",
    accepts=lambda size: size <= 64 * 1024,
    rule="must be at most 65,536 bytes (64 KiB) as JSON",
    hint="move configuration to a parameter or a file that the container reads",
    source="ECS quotas: task definition size, which cannot be raised",
    format=lambda size: f"at least {size:,}",
)

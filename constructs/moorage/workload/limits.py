"""What AWS accepts, a row each, with where it says so.

A row is asked through `Faults.keep`. `tests/test_limits.py` holds, for each row, a definition that keeps it
and one that breaks it; a row without both fails the suite. Sources: `botocore` is the service model inside that
package (1.43.106), `CFN` the CloudFormation resource schemas inside cfn-lint 1.58, `ECS quotas` the service quotas
page of the Amazon ECS developer guide.
"""

from __future__ import annotations

import ipaddress
import math
import re

from moorage.workload import capacity_limits, job_limits, rollout_limits, task_limits
from moorage.workload.limit import Limit
from moorage.workload.limit import in_range as _range
from moorage.workload.limit import matching as _pattern


def _steps(low: int, high: int, step: int) -> tuple[int, ...]:
    return tuple(range(low, high + 1, step))


FARGATE_MEMORY: dict[int, tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: _steps(1024, 4096, 1024),
    1024: _steps(2048, 8192, 1024),
    2048: _steps(4096, 16384, 1024),
    4096: _steps(8192, 30720, 1024),
    8192: _steps(16384, 61440, 4096),
    16384: _steps(32768, 122880, 8192),
    32768: (61440, 122880, 249856),
}
"""The memory, in MiB, that Fargate offers on Linux with each number of CPU units."""


def nearest_fargate_sizes(cpu: int, memory_mib: int) -> tuple[tuple[int, int], ...]:
    """The sizes of Fargate's closest to the one asked for: one that is enough, where there is one, and one less."""
    sizes = [(units, memory) for units, memories in FARGATE_MEMORY.items() for memory in memories]

    def change(size: tuple[int, int]) -> float:
        return sum(
            abs(math.log2(offered / max(asked, 1))) for offered, asked in zip(size, (cpu, memory_mib), strict=True)
        )

    enough = [size for size in sizes if size[0] >= cpu and size[1] >= memory_mib]
    less = [size for size in sizes if size not in enough]
    return tuple(min(group, key=change) for group in (enough, less) if group)


def _fargate_way_out(size: tuple[int, int]) -> str:
    nearest = [f"cpu={cpu}, memory_mib={memory}" for cpu, memory in nearest_fargate_sizes(size[0] or 256, size[1])]
    return f"the nearest are {' or '.join(nearest)}"


FARGATE_SIZE = Limit(
    id="fargate-size",
    accepts=lambda size: size[1] in FARGATE_MEMORY.get(size[0] or 0, ()),
    rule="Fargate does not offer that pair",
    hint=_fargate_way_out,
    source="botocore RegisterTaskDefinition.memory; 32 vCPU: cfn-lint E3047 (PR #4668 cites the AWS task-size page)",
    format=lambda size: f"{size[0]} CPU units with {size[1]} MiB",
)
EPHEMERAL_STORAGE = _range(
    "ephemeral-storage", 21, 200, unit="GiB",
    of="the ephemeral storage of a Fargate task", hint="leave it out for Fargate's own 20 GiB, or use 21 to 200",
    source="botocore EphemeralStorage",
)  # fmt: skip
CONTAINERS = Limit(
    id="containers-per-task",
    accepts=lambda count: 1 <= count <= 10,
    rule="a task has 1 to 10 of them",
    hint=lambda count: "split the task in two services" if count else "name what runs, as in Task(Container(...))",
    source="ECS quotas",
)
CONTAINER_NAME = _pattern(
    "container-name", r"[A-Za-z0-9_-]{1,255}",
    rule="a container's name is 1 to 255 letters, digits, hyphens and underscores", hint="use another name=",
    source="botocore ContainerDefinition.name",
)  # fmt: skip
UNIQUE_NAMES = Limit(
    id="container-names-unique",
    accepts=lambda names: len(set(names)) == len(names),
    rule="each container of a task has a name of its own",
    hint="give each a name=",
    source="botocore ContainerDefinition.name",
    format=lambda names: ", ".join(map(repr, names)),
)
UNIQUE_PORTS = Limit(
    id="container-ports-unique",
    accepts=lambda ports: len(set(ports)) == len(ports),
    rule="the containers of a task share one network interface, so a port can be used once",
    hint="have one of them listen elsewhere",
    source="botocore PortMapping.hostPort",
    format=lambda ports: ", ".join(map(str, ports)),
)
ESSENTIAL = Limit(
    id="essential-container",
    accepts=any,
    rule="a task needs one that it ends with",
    hint="leave essential=True on the container that does the work",
    source="botocore ContainerDefinition.essential",
    format=lambda essential: f"False for all {len(essential)} of them" if len(essential) > 1 else "False",
)
CONTAINER_CPU_LEAST = Limit(
    id="container-cpu-least",
    accepts=lambda cpu: cpu >= 0 and not cpu % 1,
    rule="a container's share is a whole number, 0 or more",
    hint="leave it out for what the others leave, or use a number of CPU units, of which 1,024 are one vCPU",
    source="botocore ContainerDefinition.cpu",
    format=lambda cpu: f"{cpu} CPU units",
)
CONTAINER_CPU = Limit(
    id="container-cpu",
    accepts=lambda sums: sums[1] is None or sums[0] <= sums[1],
    rule="that is more than the task's",
    hint="give the task more cpu= or the containers less, or use cpu=None",
    source="botocore ContainerDefinition.cpu",
    format=lambda sums: f"{sums[0]} CPU units in all for a task of {sums[1]}",
)
CONTAINER_MEMORY = Limit(
    id="container-memory",
    accepts=lambda sums: sums[0] <= sums[1],
    rule="that is more than the task's",
    hint="give the task more memory_mib= or the containers less, or use memory_mib=None, which works it out",
    source="botocore ContainerDefinition.memory",
    format=lambda sums: f"{sums[0]} MiB in all for a task of {sums[1]} MiB",
)
CONTAINER_MEMORY_LEAST = Limit(
    id="container-memory-least",
    accepts=lambda memory: memory >= 6,
    rule="a container is given 6 MiB at least",
    hint="use a larger memory_mib=, or give the other containers less",
    source="botocore ContainerDefinition.memory",
    format=lambda memory: f"{memory} MiB",
)
WRITABLE_LEAST = Limit(
    id="writable-least",
    accepts=lambda size: size >= 1 and not size % 1,
    rule="a path that is written to holds a whole number of MiB, 1 or more",
    hint="give it more, as in writable={'/tmp': 64}, or leave it out",
    source="botocore Tmpfs.size",
    format=lambda size: f"{size} MiB",
)
WRITABLE_SIZE = Limit(
    id="writable-size",
    accepts=lambda sizes: sizes[0] < sizes[1],
    rule="what is written there is held in the container's memory, and something must be left to run in",
    hint="give the path less, as in writable={'/tmp': 64}, or the container more memory_mib=",
    source="botocore Tmpfs.size; tmpfs pages count in the memory of the container that writes them",
    format=lambda sizes: f"{sizes[0]} MiB in a container of {sizes[1]} MiB",
)
MOUNT_PATH = _pattern(
    "writable-path", r"(/[^/:,]+)+",
    rule="a mount is an absolute path below the root", hint="write it as in '/tmp'",
    source="botocore Tmpfs.containerPath",
)  # fmt: skip
UNIQUE_HOST_PORTS = Limit(
    id="host-ports-unique",
    accepts=lambda ports: len(set(ports)) == len(ports),
    rule="each port of the instance leads to one container",
    hint="leave host_port= out and ECS finds a free one for each, or have them differ",
    source="botocore PortMapping.hostPort",
    format=lambda ports: ", ".join(map(str, ports)),
)
RESERVED_PORTS = frozenset({22, 2375, 2376, 51678, 51679, 51680})
"""The ports of an instance that ECS gives to no task: SSH's, Docker's and its agent's (botocore PortMapping)."""
HOST_PORT = Limit(
    id="host-port",
    accepts=lambda port: port not in RESERVED_PORTS and port < 32768,
    rule="22, 2375, 2376 and 51678 to 51680 are SSH's, Docker's and the agent's, and those from 32,768 are handed out",
    hint="use another below 32,768, or leave it out and ECS finds a free one",
    source="botocore PortMapping.hostPort",
)
HOST_PORT_SAME = Limit(
    id="host-port-same",
    accepts=lambda ports: ports[0] == ports[1],
    rule="only in bridge mode is a port of the instance another than the container's",
    hint="leave host_port= out, or use network_mode=NetworkMode.BRIDGE",
    source="botocore PortMapping.hostPort",
    format=lambda ports: f"{ports[0]} for port {ports[1]}",
)
FARGATE_GPUS = Limit(
    id="fargate-gpus",
    accepts=lambda gpus: gpus == 0,
    rule="Fargate has no GPUs",
    hint="use a capacity with GPU instances, as in Capacity.ec2('gpu', instance_types=['g6.xlarge'], ...)",
    source="AWS, task definition differences for Fargate",
)
FARGATE_PRIVILEGED = Limit(
    id="fargate-privileged",
    accepts=lambda privileged: not privileged,
    rule="Fargate runs no privileged container",
    hint="leave it out, or use a Capacity.ec2(...)",
    source="AWS, task definition differences for Fargate",
)
FARGATE_NETWORK_MODE = Limit(
    id="fargate-network-mode",
    accepts=lambda mode: mode == "awsvpc",
    rule="on Fargate each task has a network interface of its own",
    hint="leave it out, or use a Capacity.ec2(...)",
    source="AWS, task definition differences for Fargate",
)
MANAGED_NETWORK_MODE = Limit(
    id="managed-instances-network-mode",
    accepts=lambda mode: mode in {"awsvpc", "host"},
    rule="ECS Managed Instances know awsvpc and host alone",
    hint="use one of the two, or a Capacity.ec2(...)",
    source="CDK aws-ecs TaskDefinition (Compatibility.MANAGED_INSTANCES)",
)
TASK_CPU = _range(
    "task-cpu", 128, 196608, unit="CPU units", of="what a task reserves, at 1,024 to the vCPU,",
    source="botocore RegisterTaskDefinition.cpu",
)  # fmt: skip
TASK_MEMORY = Limit(
    id="task-memory",
    accepts=lambda memory: memory >= 6 and not memory % 1,
    rule="a task has a whole number of MiB, 6 or more",
    hint="use what its containers need; Fargate's least is 512",
    source="botocore RegisterTaskDefinition.memory, ContainerDefinition.memory",
    format=lambda memory: f"{memory} MiB",
)
PORT = _range("port", 1, 65535, of="a port", source="botocore PortMapping.containerPort")
STOP_TIMEOUT = _range(
    "stop-timeout", 2, 120, unit="s", of="what Fargate waits between SIGTERM and SIGKILL",
    source="botocore ContainerDefinition.stopTimeout",
)  # fmt: skip
HEALTH_COMMAND = Limit(
    id="health-command",
    accepts=lambda command: len(command) > 1 and command[0] in {"CMD", "CMD-SHELL"} and all(command),
    rule="the command starts with CMD or CMD-SHELL and says what to run",
    hint="write the command as one string, or as ['CMD', 'program', 'argument']",
    source="botocore HealthCheck.command",
    format=lambda command: repr(list(command)),
)
HEALTH_INTERVAL = _range(
    "health-interval", 5, 300, unit="s", of="the time between two checks", source="botocore HealthCheck.interval"
)
HEALTH_TIMEOUT = _range(
    "health-timeout", 2, 60, unit="s", of="what a check may take", source="botocore HealthCheck.timeout"
)
HEALTH_RETRIES = _range("health-retries", 1, 10, of="the number of failures", source="botocore HealthCheck.retries")
HEALTH_START = _range(
    "health-start-period", 0, 300, unit="s", of="the time to start in", source="botocore HealthCheck.startPeriod"
)
TASK_DEFINITION_SIZE = Limit(
    id="task-definition-size",
    accepts=lambda size: size <= 64 * 1024,
    rule="a task definition is said to be 64 KiB at most",
    hint="move configuration to a parameter or a file that the container reads",
    source="no source of AWS's was found; containers-roadmap #172 asked to lift 32 KB",
    format=lambda size: f"about {size / 1024:.0f} KiB",
    confirmed=False,
)
WIDGETS = Limit(
    id="dashboard-widgets",
    accepts=lambda count: count <= 500,
    rule="a dashboard has up to 500 widgets",
    hint="give a dashboard to each cluster, or to each service",
    source="CloudWatch API, dashboard body structure (up to 500 widgets)",
    format=lambda count: f"the rows of {count} widgets",
)
CLUSTER_NAME = _pattern(
    "cluster-name", r"[A-Za-z0-9_-]{1,255}",
    rule="a cluster's name is 1 to 255 letters, digits, hyphens and underscores",
    hint="use that, without 'cluster/' before it",
    source="botocore CreateCluster.clusterName",
)  # fmt: skip
CLUSTER_ARN = _pattern(
    "cluster-arn", r"arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:cluster/[A-Za-z0-9_-]{1,255}",
    rule="a cluster's ARN is arn:aws:ecs:<region>:<account>:cluster/<name>", hint="use that, or cluster_name=",
    source="ECS service authorization reference (resource types: cluster); botocore CreateCluster.clusterName",
)  # fmt: skip
SECURITY_GROUPS = Limit(
    id="awsvpc-security-groups",
    accepts=lambda count: 1 <= count <= 5,
    rule="a task's network interface has 1 to 5",
    hint="name 1 to 5, or leave it out for one that is defined; one group can hold all the rules",
    source="botocore AwsVpcConfiguration.securityGroups",
)
SUBNETS = Limit(
    id="awsvpc-subnets",
    accepts=lambda count: 1 <= count <= 16,
    rule="a service's tasks go to 1 to 16 subnets",
    hint="name 1 to 16 with subnets=",
    source="botocore AwsVpcConfiguration.subnets",
)
ROUTES = Limit(
    id="target-groups-per-service",
    accepts=lambda count: count <= 5,
    rule="a service has 5 target groups at most",
    hint="let one Route name several hosts or paths",
    source="botocore Service.loadBalancers; ECS quotas",
)
NAMESPACE = _pattern(
    "namespace-name", r"(?!arn:)[!-~]{1,1024}",
    rule="a namespace's name is 1 to 1,024 visible characters of ASCII, and no ARN",
    hint="use another name, as in 'shop'; one that exists already is a Cluster.from_attributes(namespace='...')",
    source="botocore servicediscovery CreateHttpNamespace.Name",
)  # fmt: skip
CONNECT_NAME = _pattern(
    "service-connect-name", r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*",
    rule="it is a host name: lower-case letters, digits and hyphens", hint="use another name=, as in 'catalog'",
    source="botocore ServiceConnectClientAlias.dnsName",
)  # fmt: skip
AUTHORITY_ARN = _pattern(
    "private-ca-arn", r"arn:aws[a-z-]*:acm-pca:[a-z0-9-]+:\d{12}:certificate-authority/[0-9a-f-]+",
    rule="certificates are issued by an AWS Private CA", hint="use the ARN of one, in the same region",
    source="botocore ServiceConnectTlsCertificateAuthority.awsPcaAuthorityArn; CDK Service Connect",
)  # fmt: skip
PREFIX_LIST = _pattern(
    "prefix-list", r"pl-[0-9a-f]{8,17}",
    rule="a prefix list is named by its id",
    hint="use the id of com.amazonaws.<region>.vpc-lattice, as in 'pl-0a1b2c3d'",
    source="EC2 user guide, AWS-managed prefix lists",
)  # fmt: skip
LATTICE_TARGET_GROUP = _pattern(
    "lattice-target-group", r"arn:[a-z0-9-]+:vpc-lattice:[a-zA-Z0-9-]+:\d{12}:targetgroup/tg-[0-9a-z]{17}",
    rule="a target group of VPC Lattice is named by its ARN",
    hint="use the ARN of one, or leave it out for a new one",
    source="botocore vpc-lattice TargetGroupArn",
)  # fmt: skip
LATTICE_TARGET_GROUPS = Limit(
    id="lattice-target-groups",
    accepts=lambda count: count <= 5,
    rule="a service is in 5 target groups of VPC Lattice at most",
    hint="leave some out",
    source="ECS developer guide, Create a service that uses VPC Lattice",
)
GRACE_PERIOD = _range(
    "health-check-grace-period", 0, 2147483647, unit="s", of="the grace period",
    source="botocore CreateService.healthCheckGracePeriodSeconds",
)  # fmt: skip
TARGET_INTERVAL = _range(
    "target-health-interval", 5, 300, unit="s", of="the time between two checks of a target",
    source="botocore elbv2 CreateTargetGroup.HealthCheckIntervalSeconds",
)  # fmt: skip
TARGET_TIMEOUT = _range(
    "target-health-timeout", 2, 120, unit="s", of="what a target may take to answer a check",
    source="botocore elbv2 CreateTargetGroup.HealthCheckTimeoutSeconds",
)  # fmt: skip
TARGET_TIMEOUT_SHORTER = Limit(
    id="target-health-timeout-shorter",
    accepts=lambda pair: pair[0] < pair[1],
    rule="a check must end before the next one starts",
    hint="use a shorter timeout= or a longer interval=",
    source="CFN AWS::ElasticLoadBalancingV2::TargetGroup (cfn-lint E3049 and ELB's own validation)",
    format=lambda pair: f"{pair[0]} s with an interval of {pair[1]} s",
)
TARGET_THRESHOLD = _range(
    "target-health-threshold", 2, 10, of="the number of checks that changes a target's state",
    source="botocore elbv2 CreateTargetGroup.HealthyThresholdCount",
)  # fmt: skip
TARGET_PATH = Limit(
    id="target-health-path",
    accepts=lambda path: path.startswith("/") and 1 <= len(path) <= 1024,
    rule="the path of a health check starts with '/' and is at most 1,024 characters",
    hint="write it as in health='/healthz'",
    source="botocore elbv2 CreateTargetGroup.HealthCheckPath",
)
TARGET_GRPC_PATH = _pattern(
    "target-health-grpc-path", r"/[\w.]+/\w+",
    rule="gRPC is checked by calling /package.service/method",
    hint="name a method, as in '/grpc.health.v1.Health/Check'",
    source="botocore elbv2 CreateTargetGroup.HealthCheckPath",
)  # fmt: skip
TARGET_CODES = Limit(
    id="target-health-codes",
    accepts=lambda codes: within_codes(codes, 200, 499),
    rule="an HTTP health check takes codes from 200 to 499",
    hint="write them as in '200', '200,204' or '200-299'",
    source="botocore elbv2 Matcher.HttpCode",
)
TARGET_GRPC_CODES = Limit(
    id="target-health-grpc-codes",
    accepts=lambda codes: within_codes(codes, 0, 99),
    rule="a gRPC health check takes codes from 0 to 99",
    hint="write them as in '0', '0,12' or '0-5'",
    source="botocore elbv2 Matcher.GrpcCode",
)
DEREGISTRATION_DELAY = _range(
    "deregistration-delay", 0, 3600, unit="s", of="the time to drain a target",
    source="botocore elbv2 TargetGroupAttribute deregistration_delay.timeout_seconds",
)  # fmt: skip
RULE_PRIORITY = _range("rule-priority", 1, 50000, of="a rule's priority", source="botocore elbv2 CreateRule.Priority")
RULE_VALUES = Limit(
    id="rule-condition-values",
    accepts=lambda count: count <= 5,
    rule="a listener rule compares with 5 at most",
    hint="use a second Route, or a pattern with '*'",
    source="Elastic Load Balancing quotas: condition values per rule",
)
RULE_HOST = _pattern(
    "rule-host", r"(?=.{1,128}$)[A-Za-z0-9\-*?.]*\.[A-Za-z*?]+",
    rule="a host is 1 to 128 letters, digits, '-', '.', '*' and '?', with letters after its last '.'",
    hint="write it as in 'api.example.com' or '*.example.com'",
    source="botocore elbv2 HostHeaderConditionConfig.Values",
)  # fmt: skip
RULE_PATH = _pattern(
    "rule-path", r"(?=.{1,128}$)[/*?][A-Za-z0-9_\-.$/~\"'@:+&*?]*",
    rule="a path is 1 to 128 letters, digits and _ - . $ / ~ \" ' @ : + & * ?, and starts with '/'",
    hint="write it as in '/v1/*'",
    source="botocore elbv2 RuleCondition.Values",
)  # fmt: skip
IDLE_TIMEOUT = _range(
    "idle-timeout", 1, 4000, unit="s", of="how long a connection may be idle",
    source="CDK aws-elasticloadbalancingv2 ApplicationLoadBalancer.idleTimeout",
)  # fmt: skip
ZONES = _range(
    "zones", 2, 6, of="the number of availability zones",
    hint="use 2 or more, since a load balancer needs two; no region has more than 6",
    source="botocore elbv2 CreateLoadBalancer.Subnets; AWS global infrastructure",
)  # fmt: skip
INSTANCE_GPUS = Limit(
    id="instance-gpus",
    accepts=lambda count: count >= 0,
    rule="a number of GPUs is 0 or more",
    hint="use 0 for none",
    source="botocore autoscaling AcceleratorCountRequest; ecs ResourceRequirement",
)
EVENT_PATTERN = Limit(
    id="event-pattern",
    accepts=lambda size: size <= 4096,
    rule="an event pattern is 4,096 characters at most",
    hint="name fewer, or join some with a wildcard ('*'; events.Match has it, and prefixes)",
    source="botocore events PutRule.EventPattern",
    format=lambda size: f"{size:,} characters",
)
NETWORK_CIDR = Limit(
    id="network-cidr",
    accepts=lambda pair: _holds_subnets(*pair),
    rule="a VPC is an IPv4 block of /16 to /28, and each zone takes a /20 of it and a /24",
    hint="use a larger block, as in '10.0.0.0/16', or fewer zones",
    source="botocore ec2 CreateVpc.CidrBlock",
    format=lambda pair: f"{pair[0]!r} for {pair[1]} zones",
)
BALANCER_SUBNETS = Limit(
    id="load-balancer-subnets",
    accepts=lambda count: count >= 2,
    rule="a load balancer stands in two or more, each in a zone of its own",
    hint="use a VPC that has them, as a Network does, or name them with vpc_subnets=",
    source="botocore elbv2 CreateLoadBalancer.Subnets",
)
REPOSITORY_NAME = _pattern(
    "repository-name", r"(?=.{2,256}$)[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*",
    rule="a repository's name is 2 to 256 lower-case letters and digits, joined by . _ __ - and /",
    hint="use another name=, or leave it out and CloudFormation chooses one",
    source="botocore ecr CreateRepository.repositoryName",
)  # fmt: skip
IMAGE_REFERENCE = _pattern(
    "image-reference", r"([A-Za-z0-9.-]+(:\d+)?/)?[a-z0-9]+((\.|_|__|-+|/)[a-z0-9]+)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?",
    rule="an image is named by lower-case parts joined by '/', then ':tag' or '@sha256:...', without a scheme",
    hint="write it as `docker pull` takes it, as in 'redis:8' or 'ghcr.io/org/image:1.2'",
    source="distribution/reference, the grammar of image references; botocore ContainerDefinition.image",
)  # fmt: skip
IMAGE_TAG = _pattern(
    "image-tag", r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,299}",
    rule="a tag is 1 to 300 letters, digits, '_', '.' and '-', the first not '.' or '-'", hint="use another tag=",
    source="botocore ecr ImageTag",
)  # fmt: skip
IMAGE_DIGEST = _pattern(
    "image-digest", r"sha256:[0-9a-f]{64}",
    rule="a digest is 'sha256:' and 64 hexadecimal digits", hint="copy it whole from `docker push` or the console",
    source="botocore ecr ImageDigest; OCI image specification",
)  # fmt: skip


def _holds_subnets(cidr: str, zones: int) -> bool:
    try:
        block = ipaddress.IPv4Network(cidr, strict=False)
    except ValueError:
        return False
    # the /24s of all zones come first, and the next /20 begins at a multiple of its size
    return 16 <= block.prefixlen <= 28 and block.num_addresses >= (zones + 1) * 2**12


def within_codes(codes: str, low: int, high: int) -> bool:
    """Whether codes and ranges of them, as a health check names them, are between two."""
    if not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", codes):
        return False
    ranges = ([int(end) for end in each.split("-")] for each in codes.split(","))
    return all(low <= ends[0] <= ends[-1] <= high for ends in ranges)


TABLE: tuple[Limit, ...] = tuple(
    row
    for rows in (globals(), *map(vars, (task_limits, capacity_limits, rollout_limits, job_limits)))
    for row in list(rows.values())
    if isinstance(row, Limit)
)

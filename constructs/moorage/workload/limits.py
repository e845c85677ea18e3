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
from moorage.workload.limit import Limit, at_least, at_most, in_range, matching, one_of, unique


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
    return f"use {' or '.join(nearest)}"


FARGATE_SIZE = Limit(
    id="fargate-size",
    accepts=lambda size: size[1] in FARGATE_MEMORY.get(size[0] or 0, ()),
    rule="must be a size that Fargate offers",
    hint=_fargate_way_out,
    source="botocore RegisterTaskDefinition.memory; 32 vCPU: cfn-lint E3047 (PR #4668 cites the AWS task-size page)",
    format=lambda size: f"cpu={size[0]}, memory_mib={size[1]}",
)
EPHEMERAL_STORAGE = in_range(
    "ephemeral-storage",
    21,
    200,
    unit="GiB",
    hint="leave it out for the 20 GiB that Fargate includes, or use 21 to 200",
    source="botocore EphemeralStorage",
)
CONTAINERS = in_range(
    "containers-per-task",
    1,
    10,
    hint="pass at least one container, and split more than 10 into two services",
    source="ECS quotas",
)
CONTAINER_NAME = matching(
    "container-name",
    r"[A-Za-z0-9_-]{1,255}",
    rule="must be 1 to 255 letters, digits, hyphens and underscores",
    hint="use another name",
    source="botocore ContainerDefinition.name",
)
UNIQUE_NAMES = unique(
    "container-names-unique",
    rule="must differ between the containers of a task",
    hint="give each container its own name=",
    source="botocore ContainerDefinition.name",
)
UNIQUE_PORTS = unique(
    "container-ports-unique",
    rule="must differ between the containers of a task, which share a network interface",
    hint="let one of them listen on another port",
    source="botocore PortMapping.hostPort",
)
ESSENTIAL = Limit(
    id="essential-container",
    accepts=any,
    rule="must be True for at least one container",
    hint="leave essential=True on the container that does the work",
    source="botocore ContainerDefinition.essential",
    format=lambda essential: f"False for all {len(essential)} containers" if len(essential) > 1 else "False",
)
CONTAINER_CPU_LEAST = Limit(
    id="container-cpu-least",
    accepts=lambda cpu: cpu >= 0 and not cpu % 1,
    rule="must be a whole number, 0 or more",
    hint="use CPU units, of which 1024 are one vCPU, or leave it out to share what the other containers leave",
    source="botocore ContainerDefinition.cpu",
    format=str,
)
CONTAINER_CPU = Limit(
    id="container-cpu",
    accepts=lambda sums: sums[1] is None or sums[0] <= sums[1],
    rule="must be at least the sum of its containers' cpu",
    hint="give the task more cpu= or the containers less, or use cpu=None",
    source="botocore ContainerDefinition.cpu",
    format=lambda sums: f"{sums[1]}, with {sums[0]} in its containers",
)
CONTAINER_MEMORY = Limit(
    id="container-memory",
    accepts=lambda sums: sums[0] <= sums[1],
    rule="must be at least the sum of its containers' memory_mib",
    hint="give the task more memory_mib= or the containers less, or use memory_mib=None to derive it from them",
    source="botocore ContainerDefinition.memory",
    format=lambda sums: f"{sums[1]}, with {sums[0]} in its containers",
)
CONTAINER_MEMORY_LEAST = at_least(
    "container-memory-least",
    6,
    unit="MiB",
    hint="use a larger memory_mib=, or give the other containers less",
    source="botocore ContainerDefinition.memory",
)
WRITABLE_LEAST = Limit(
    id="writable-least",
    accepts=lambda size: size >= 1 and not size % 1,
    rule="must be a whole number of MiB, 1 or more",
    hint="give it a size, as in writable={'/tmp': 64}, or leave it out",
    source="botocore Tmpfs.size",
    format=str,
)
WRITABLE_SIZE = Limit(
    id="writable-size",
    accepts=lambda sizes: sizes[0] < sizes[1],
    rule="must be less than the memory of the container, which holds it",
    hint="give the path less, as in writable={'/tmp': 64}, or the container more memory_mib=",
    source="botocore Tmpfs.size; tmpfs pages count in the memory of the container that writes them",
    format=lambda sizes: f"{sizes[0]} MiB in a container of {sizes[1]} MiB",
)
MOUNT_PATH = matching(
    "writable-path",
    r"(/[^/:,]+)+",
    rule="must be an absolute path below the root",
    hint="write it as in '/tmp'",
    source="botocore Tmpfs.containerPath",
)
UNIQUE_HOST_PORTS = unique(
    "host-ports-unique",
    rule="must differ between the containers of a task",
    hint="leave host_port= out for dynamic ports, or use different ones",
    source="botocore PortMapping.hostPort",
)
RESERVED_PORTS = frozenset({22, 2375, 2376, 51678, 51679, 51680})
"""The ports of an instance that ECS gives to no task: SSH's, Docker's and its agent's (botocore PortMapping)."""
HOST_PORT = Limit(
    id="host-port",
    accepts=lambda port: port not in RESERVED_PORTS and port < 32768,
    rule="must be below 32768, and not 22, 2375 or 2376, which the instance uses",
    hint="use another port below 32768, or leave host_port= out for a dynamic one",
    source="botocore PortMapping.hostPort",
    format=str,
)
HOST_PORT_SAME = Limit(
    id="host-port-same",
    accepts=lambda ports: ports[0] == ports[1],
    rule="must be the container's port, except in bridge mode",
    hint="leave host_port= out, or use network_mode=NetworkMode.BRIDGE",
    source="botocore PortMapping.hostPort",
    format=lambda ports: f"{ports[0]} with port={ports[1]}",
)
FARGATE_GPUS = Limit(
    id="fargate-gpus",
    accepts=lambda gpus: gpus == 0,
    rule="must be 0 on Fargate, which has no GPUs",
    hint="use a capacity with GPU instances, as in Capacity.ec2('gpu', instance_types=['g6.xlarge'], ...)",
    source="AWS, task definition differences for Fargate",
    format=str,
)
FARGATE_PRIVILEGED = Limit(
    id="fargate-privileged",
    accepts=lambda privileged: not privileged,
    rule="must be False on Fargate",
    hint="leave it out, or use a Capacity.ec2(...)",
    source="AWS, task definition differences for Fargate",
    format=str,
)
FARGATE_NETWORK_MODE = one_of(
    "fargate-network-mode",
    ("awsvpc",),
    where="on Fargate",
    hint="leave it out, or use a Capacity.ec2(...)",
    source="AWS, task definition differences for Fargate",
)
MANAGED_NETWORK_MODE = one_of(
    "managed-instances-network-mode",
    ("awsvpc", "host"),
    where="on ECS Managed Instances",
    hint="use one of these, or a Capacity.ec2(...)",
    source="CDK aws-ecs TaskDefinition (Compatibility.MANAGED_INSTANCES)",
)
TASK_CPU = in_range(
    "task-cpu",
    128,
    196608,
    unit="CPU units",
    hint="use 1024 for each vCPU",
    source="botocore RegisterTaskDefinition.cpu",
)
TASK_MEMORY = Limit(
    id="task-memory",
    accepts=lambda memory: memory >= 6 and not memory % 1,
    rule="must be a whole number of MiB, 6 or more",
    hint="use the memory that its containers need; Fargate offers 512 or more",
    source="botocore RegisterTaskDefinition.memory, ContainerDefinition.memory",
    format=str,
)
PORT = in_range(
    "port",
    1,
    65535,
    source="botocore PortMapping.containerPort",
)
STOP_TIMEOUT = in_range(
    "stop-timeout",
    2,
    120,
    unit="seconds",
    hint="use a time in which the container ends after SIGTERM; Fargate sends SIGKILL after 120 seconds at the latest",
    source="botocore ContainerDefinition.stopTimeout",
)
HEALTH_COMMAND = Limit(
    id="health-command",
    accepts=lambda command: len(command) > 1 and command[0] in {"CMD", "CMD-SHELL"} and all(command),
    rule="must start with CMD or CMD-SHELL, followed by what to run",
    hint="write it as one string, or as ['CMD', 'program', 'argument']",
    source="botocore HealthCheck.command",
    format=lambda command: repr(list(command)),
)
HEALTH_INTERVAL = in_range(
    "health-interval",
    5,
    300,
    unit="seconds",
    source="botocore HealthCheck.interval",
)
HEALTH_TIMEOUT = in_range(
    "health-timeout",
    2,
    60,
    unit="seconds",
    source="botocore HealthCheck.timeout",
)
HEALTH_RETRIES = in_range(
    "health-retries",
    1,
    10,
    source="botocore HealthCheck.retries",
)
HEALTH_START = in_range(
    "health-start-period",
    0,
    300,
    unit="seconds",
    source="botocore HealthCheck.startPeriod",
)
TASK_DEFINITION_SIZE = Limit(
    id="task-definition-size",
    accepts=lambda size: size <= 64 * 1024,
    rule="should be at most 64 KiB as JSON",
    hint="move configuration to a parameter or a file that the container reads",
    source="no source of AWS's was found; containers-roadmap #172 asked to lift 32 KB",
    format=lambda size: f"about {size / 1024:.0f} KiB",
    confirmed=False,
)
WIDGETS = Limit(
    id="dashboard-widgets",
    accepts=lambda count: count <= 500,
    rule="must have at most 500 widgets in all",
    hint="define a dashboard for each cluster, or for each service",
    source="CloudWatch API, dashboard body structure (up to 500 widgets)",
    format=lambda count: f"{count} widgets",
)
CLUSTER_NAME = matching(
    "cluster-name",
    r"[A-Za-z0-9_-]{1,255}",
    rule="must be 1 to 255 letters, digits, hyphens and underscores",
    hint="use the name only, without 'cluster/'",
    source="botocore CreateCluster.clusterName",
)
CLUSTER_ARN = matching(
    "cluster-arn",
    r"arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:cluster/[A-Za-z0-9_-]{1,255}",
    rule="must be arn:aws:ecs:<region>:<account>:cluster/<name>",
    hint="use the ARN of a cluster, or cluster_name=",
    source="ECS service authorization reference (resource types: cluster); botocore CreateCluster.clusterName",
)
SECURITY_GROUPS = in_range(
    "awsvpc-security-groups",
    1,
    5,
    hint="pass 1 to 5, or leave security_groups= out for a new one; one group can hold all rules",
    source="botocore AwsVpcConfiguration.securityGroups",
)
SUBNETS = in_range(
    "awsvpc-subnets",
    1,
    16,
    hint="select 1 to 16 with vpc_subnets=",
    source="botocore AwsVpcConfiguration.subnets",
)
ROUTES = at_most(
    "target-groups-per-service",
    5,
    hint="let one Route have several hosts or paths",
    source="botocore Service.loadBalancers; ECS quotas",
)
NAMESPACE = matching(
    "namespace-name",
    r"(?!arn:)[!-~]{1,1024}",
    rule="must be 1 to 1024 visible ASCII characters, and not an ARN",
    hint="use a name, as in 'shop', or pass an existing namespace with Cluster.from_attributes(namespace='...')",
    source="botocore servicediscovery CreateHttpNamespace.Name",
)
CONNECT_NAME = matching(
    "service-connect-name",
    r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*",
    rule="must be a host name of lower-case letters, digits and hyphens",
    hint="use another name=, as in 'catalog'",
    source="botocore ServiceConnectClientAlias.dnsName",
)
AUTHORITY_ARN = matching(
    "private-ca-arn",
    r"arn:aws[a-z-]*:acm-pca:[a-z0-9-]+:\d{12}:certificate-authority/[0-9a-f-]+",
    rule="must be the ARN of an AWS Private CA",
    hint="use the ARN of one in the same region",
    source="botocore ServiceConnectTlsCertificateAuthority.awsPcaAuthorityArn; CDK Service Connect",
)
PREFIX_LIST = matching(
    "prefix-list",
    r"pl-[0-9a-f]{8,17}",
    rule="must be the id of a prefix list",
    hint="use the id of com.amazonaws.<region>.vpc-lattice, as in 'pl-0a1b2c3d'",
    source="EC2 user guide, AWS-managed prefix lists",
)
LATTICE_TARGET_GROUP = matching(
    "lattice-target-group",
    r"arn:[a-z0-9-]+:vpc-lattice:[a-zA-Z0-9-]+:\d{12}:targetgroup/tg-[0-9a-z]{17}",
    rule="must be the ARN of a VPC Lattice target group",
    hint="use the ARN of one, or leave it out for a new one",
    source="botocore vpc-lattice TargetGroupArn",
)
LATTICE_TARGET_GROUPS = at_most(
    "lattice-target-groups",
    5,
    hint="leave some out",
    source="ECS developer guide, Create a service that uses VPC Lattice",
)
GRACE_PERIOD = in_range(
    "health-check-grace-period",
    0,
    2147483647,
    unit="seconds",
    source="botocore CreateService.healthCheckGracePeriodSeconds",
)
TARGET_INTERVAL = in_range(
    "target-health-interval",
    5,
    300,
    unit="seconds",
    source="botocore elbv2 CreateTargetGroup.HealthCheckIntervalSeconds",
)
TARGET_TIMEOUT = in_range(
    "target-health-timeout",
    2,
    120,
    unit="seconds",
    source="botocore elbv2 CreateTargetGroup.HealthCheckTimeoutSeconds",
)
TARGET_TIMEOUT_SHORTER = Limit(
    id="target-health-timeout-shorter",
    accepts=lambda pair: pair[0] < pair[1],
    rule="must be shorter than interval",
    hint="use a shorter timeout= or a longer interval=",
    source="CFN AWS::ElasticLoadBalancingV2::TargetGroup (cfn-lint E3049 and ELB's own validation)",
    format=lambda pair: f"{pair[0]} with interval={pair[1]}, in seconds",
)
TARGET_THRESHOLD = in_range(
    "target-health-threshold",
    2,
    10,
    source="botocore elbv2 CreateTargetGroup.HealthyThresholdCount",
)
TARGET_PATH = Limit(
    id="target-health-path",
    accepts=lambda path: path.startswith("/") and 1 <= len(path) <= 1024,
    rule="must start with '/' and have at most 1024 characters",
    hint="write it as in health='/healthz'",
    source="botocore elbv2 CreateTargetGroup.HealthCheckPath",
)
TARGET_GRPC_PATH = matching(
    "target-health-grpc-path",
    r"/[\w.]+/\w+",
    rule="must be /package.service/method for gRPC",
    hint="use a method, as in '/grpc.health.v1.Health/Check'",
    source="botocore elbv2 CreateTargetGroup.HealthCheckPath",
)
TARGET_CODES = Limit(
    id="target-health-codes",
    accepts=lambda codes: within_codes(codes, 200, 499),
    rule="must be HTTP codes between 200 and 499",
    hint="write them as in '200', '200,204' or '200-299'",
    source="botocore elbv2 Matcher.HttpCode",
)
TARGET_GRPC_CODES = Limit(
    id="target-health-grpc-codes",
    accepts=lambda codes: within_codes(codes, 0, 99),
    rule="must be gRPC codes between 0 and 99",
    hint="write them as in '0', '0,12' or '0-5'",
    source="botocore elbv2 Matcher.GrpcCode",
)
DEREGISTRATION_DELAY = in_range(
    "deregistration-delay",
    0,
    3600,
    unit="seconds",
    source="botocore elbv2 TargetGroupAttribute deregistration_delay.timeout_seconds",
)
RULE_PRIORITY = in_range(
    "rule-priority",
    1,
    50000,
    source="botocore elbv2 CreateRule.Priority",
)
RULE_VALUES = at_most(
    "rule-condition-values",
    5,
    hint="use a second Route, or a pattern with '*'",
    source="Elastic Load Balancing quotas: condition values per rule",
)
RULE_HOST = matching(
    "rule-host",
    r"(?=.{1,128}$)[A-Za-z0-9\-*?.]*\.[A-Za-z*?]+",
    rule="must be 1 to 128 letters, digits, '-', '.', '*' and '?', with letters after the last '.'",
    hint="write it as in 'api.example.com' or '*.example.com'",
    source="botocore elbv2 HostHeaderConditionConfig.Values",
)
RULE_PATH = matching(
    "rule-path",
    r"(?=.{1,128}$)[/*?][A-Za-z0-9_\-.$/~\"'@:+&*?]*",
    rule="must start with '/' and be 1 to 128 letters, digits and _ - . $ / ~ \" ' @ : + & * ?",
    hint="write it as in '/v1/*'",
    source="botocore elbv2 RuleCondition.Values",
)
IDLE_TIMEOUT = in_range(
    "idle-timeout",
    1,
    4000,
    unit="seconds",
    source="CDK aws-elasticloadbalancingv2 ApplicationLoadBalancer.idleTimeout",
)
ZONES = in_range(
    "zones",
    2,
    6,
    hint="use 2 or more, since a load balancer needs two; no region has more than 6",
    source="botocore elbv2 CreateLoadBalancer.Subnets; AWS global infrastructure",
)
INSTANCE_GPUS = at_least(
    "instance-gpus",
    0,
    hint="use 0 for none",
    source="botocore autoscaling AcceleratorCountRequest; ecs ResourceRequirement",
)
EVENT_PATTERN = Limit(
    id="event-pattern",
    accepts=lambda size: size <= 4096,
    rule="must be at most 4096 characters",
    hint="use fewer values, or a wildcard or prefix of events.Match",
    source="botocore events PutRule.EventPattern",
    format=lambda size: f"{size} characters",
)
NETWORK_CIDR = Limit(
    id="network-cidr",
    accepts=lambda pair: _holds_subnets(*pair),
    rule="must be an IPv4 block of /16 to /28 with room for a /20 and a /24 in each zone",
    hint="use a larger block, as in '10.0.0.0/16', or fewer zones",
    source="botocore ec2 CreateVpc.CidrBlock",
    format=lambda pair: f"{pair[0]!r} for {pair[1]} zones",
)
BALANCER_SUBNETS = at_least(
    "load-balancer-subnets",
    2,
    hint="use a VPC that has them in different zones, such as a Network, or select them with vpc_subnets=",
    source="botocore elbv2 CreateLoadBalancer.Subnets",
)
REPOSITORY_NAME = matching(
    "repository-name",
    r"(?=.{2,256}$)[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*",
    rule="must be 2 to 256 lower-case letters and digits, joined by . _ __ - and /",
    hint="use another name=, or leave it out for a generated one",
    source="botocore ecr CreateRepository.repositoryName",
)
IMAGE_REFERENCE = matching(
    "image-reference",
    r"([A-Za-z0-9.-]+(:\d+)?/)?[a-z0-9]+((\.|_|__|-+|/)[a-z0-9]+)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?",
    rule="must be lower-case parts joined by '/', then ':tag' or '@sha256:...', without a scheme",
    hint="write it as for `docker pull`, as in 'redis:8' or 'ghcr.io/org/image:1.2'",
    source="distribution/reference, the grammar of image references; botocore ContainerDefinition.image",
)
IMAGE_TAG = matching(
    "image-tag",
    r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,299}",
    rule="must be 1 to 300 letters, digits, '_', '.' and '-', and not start with '.' or '-'",
    hint="use another tag=",
    source="botocore ecr ImageTag",
)
IMAGE_DIGEST = matching(
    "image-digest",
    r"sha256:[0-9a-f]{64}",
    rule="must be 'sha256:' and 64 hexadecimal digits",
    hint="copy all of it from `docker push` or the console",
    source="botocore ecr ImageDigest; OCI image specification",
)


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

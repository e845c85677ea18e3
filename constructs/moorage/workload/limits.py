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

from moorage.workload import task_limits
from moorage.workload.limit import Limit
from moorage.workload.limit import in_range as _range
from moorage.workload.limit import matching as _pattern
from moorage.workload.limit import whole_minutes as _minutes


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
    says="Fargate does not offer that pair",
    instead=_fargate_way_out,
    source="botocore RegisterTaskDefinition.memory; 32 vCPU: cfn-lint E3047 (PR #4668 cites the AWS task-size page)",
    show=lambda size: f"{size[0]} CPU units with {size[1]} MiB",
)
EPHEMERAL_STORAGE = _range(
    "ephemeral-storage", 21, 200, unit="GiB",
    of="the ephemeral storage of a Fargate task", instead="leave it out for Fargate's own 20 GiB, or use 21 to 200",
    source="botocore EphemeralStorage",
)  # fmt: skip
CONTAINERS = Limit(
    id="containers-per-task",
    accepts=lambda count: 1 <= count <= 10,
    says="a task has 1 to 10 of them",
    instead=lambda count: "split the task in two services" if count else "name what runs, as in Task(Container(...))",
    source="ECS quotas",
)
CONTAINER_NAME = _pattern(
    "container-name", r"[A-Za-z0-9_-]{1,255}",
    says="a container's name is 1 to 255 letters, digits, hyphens and underscores", instead="use another name=",
    source="botocore ContainerDefinition.name",
)  # fmt: skip
UNIQUE_NAMES = Limit(
    id="container-names-unique",
    accepts=lambda names: len(set(names)) == len(names),
    says="each container of a task has a name of its own",
    instead="give each a name=",
    source="botocore ContainerDefinition.name",
    show=lambda names: ", ".join(map(repr, names)),
)
UNIQUE_PORTS = Limit(
    id="container-ports-unique",
    accepts=lambda ports: len(set(ports)) == len(ports),
    says="the containers of a task share one network interface, so a port can be used once",
    instead="have one of them listen elsewhere",
    source="botocore PortMapping.hostPort",
    show=lambda ports: ", ".join(map(str, ports)),
)
ESSENTIAL = Limit(
    id="essential-container",
    accepts=any,
    says="a task needs one that it ends with",
    instead="leave essential=True on the container that does the work",
    source="botocore ContainerDefinition.essential",
    show=lambda essential: f"False for all {len(essential)} of them" if len(essential) > 1 else "False",
)
CONTAINER_CPU_LEAST = Limit(
    id="container-cpu-least",
    accepts=lambda cpu: cpu >= 0 and not cpu % 1,
    says="a container's share is a whole number, 0 or more",
    instead="leave it out for what the others leave, or use a number of CPU units, of which 1,024 are one vCPU",
    source="botocore ContainerDefinition.cpu",
    show=lambda cpu: f"{cpu} CPU units",
)
CONTAINER_CPU = Limit(
    id="container-cpu",
    accepts=lambda sums: sums[1] is None or sums[0] <= sums[1],
    says="that is more than the task's",
    instead="give the task more cpu= or the containers less, or use cpu=None",
    source="botocore ContainerDefinition.cpu",
    show=lambda sums: f"{sums[0]} CPU units in all for a task of {sums[1]}",
)
CONTAINER_MEMORY = Limit(
    id="container-memory",
    accepts=lambda sums: sums[0] <= sums[1],
    says="that is more than the task's",
    instead="give the task more memory_mib= or the containers less, or use memory_mib=None, which works it out",
    source="botocore ContainerDefinition.memory",
    show=lambda sums: f"{sums[0]} MiB in all for a task of {sums[1]} MiB",
)
CONTAINER_MEMORY_LEAST = Limit(
    id="container-memory-least",
    accepts=lambda memory: memory >= 6,
    says="a container is given 6 MiB at least",
    instead="use a larger memory_mib=, or give the other containers less",
    source="botocore ContainerDefinition.memory",
    show=lambda memory: f"{memory} MiB",
)
WRITABLE_LEAST = Limit(
    id="writable-least",
    accepts=lambda size: size >= 1 and not size % 1,
    says="a path that is written to holds a whole number of MiB, 1 or more",
    instead="give it more, as in writable={'/tmp': 64}, or leave it out",
    source="botocore Tmpfs.size",
    show=lambda size: f"{size} MiB",
)
WRITABLE_SIZE = Limit(
    id="writable-size",
    accepts=lambda sizes: sizes[0] < sizes[1],
    says="what is written there is held in the container's memory, and something must be left to run in",
    instead="give the path less, as in writable={'/tmp': 64}, or the container more memory_mib=",
    source="botocore Tmpfs.size; tmpfs pages count in the memory of the container that writes them",
    show=lambda sizes: f"{sizes[0]} MiB in a container of {sizes[1]} MiB",
)
MOUNT_PATH = _pattern(
    "writable-path", r"(/[^/:,]+)+",
    says="a mount is an absolute path below the root", instead="write it as in '/tmp'",
    source="botocore Tmpfs.containerPath",
)  # fmt: skip
UNIQUE_HOST_PORTS = Limit(
    id="host-ports-unique",
    accepts=lambda ports: len(set(ports)) == len(ports),
    says="each port of the instance leads to one container",
    instead="leave host_port= out and ECS finds a free one for each, or have them differ",
    source="botocore PortMapping.hostPort",
    show=lambda ports: ", ".join(map(str, ports)),
)
RESERVED_PORTS = frozenset({22, 2375, 2376, 51678, 51679, 51680})
"""The ports of an instance that ECS gives to no task: SSH's, Docker's and its agent's (botocore PortMapping)."""
HOST_PORT = Limit(
    id="host-port",
    accepts=lambda port: port not in RESERVED_PORTS and port < 32768,
    says="22, 2375, 2376 and 51678 to 51680 are SSH's, Docker's and the agent's, and those from 32,768 are handed out",
    instead="use another below 32,768, or leave it out and ECS finds a free one",
    source="botocore PortMapping.hostPort",
)
HOST_PORT_SAME = Limit(
    id="host-port-same",
    accepts=lambda ports: ports[0] == ports[1],
    says="only in bridge mode is a port of the instance another than the container's",
    instead="leave host_port= out, or use network_mode=NetworkMode.BRIDGE",
    source="botocore PortMapping.hostPort",
    show=lambda ports: f"{ports[0]} for port {ports[1]}",
)
FARGATE_GPUS = Limit(
    id="fargate-gpus",
    accepts=lambda gpus: gpus == 0,
    says="Fargate has no GPUs",
    instead="use a capacity with GPU instances, as in Capacity.ec2('gpu', instance_types=['g6.xlarge'], ...)",
    source="AWS, task definition differences for Fargate",
)
FARGATE_PRIVILEGED = Limit(
    id="fargate-privileged",
    accepts=lambda privileged: not privileged,
    says="Fargate runs no privileged container",
    instead="leave it out, or use a Capacity.ec2(...)",
    source="AWS, task definition differences for Fargate",
)
FARGATE_NETWORK_MODE = Limit(
    id="fargate-network-mode",
    accepts=lambda mode: mode == "awsvpc",
    says="on Fargate each task has a network interface of its own",
    instead="leave it out, or use a Capacity.ec2(...)",
    source="AWS, task definition differences for Fargate",
)
MANAGED_NETWORK_MODE = Limit(
    id="managed-instances-network-mode",
    accepts=lambda mode: mode in {"awsvpc", "host"},
    says="ECS Managed Instances know awsvpc and host alone",
    instead="use one of the two, or a Capacity.ec2(...)",
    source="CDK aws-ecs TaskDefinition (Compatibility.MANAGED_INSTANCES)",
)
PLACEMENT_STRATEGIES = Limit(
    id="placement-strategies",
    accepts=lambda count: count <= 5,
    says="ECS takes 5 at most",
    instead="leave out those that seldom decide",
    source="botocore CreateService.placementStrategy",
)
PLACEMENT_CONSTRAINTS = Limit(
    id="placement-constraints",
    accepts=lambda count: count <= 10,
    says="ECS takes 10 at most",
    instead="join them with 'and' in one expression",
    source="botocore CreateService.placementConstraints",
)
TASK_CPU = _range(
    "task-cpu", 128, 196608, unit="CPU units", of="what a task reserves, at 1,024 to the vCPU,",
    source="botocore RegisterTaskDefinition.cpu",
)  # fmt: skip
TASK_MEMORY = Limit(
    id="task-memory",
    accepts=lambda memory: memory >= 6 and not memory % 1,
    says="a task has a whole number of MiB, 6 or more",
    instead="use what its containers need; Fargate's least is 512",
    source="botocore RegisterTaskDefinition.memory, ContainerDefinition.memory",
    show=lambda memory: f"{memory} MiB",
)
PORT = _range("port", 1, 65535, of="a port", source="botocore PortMapping.containerPort")
STOP_TIMEOUT = _range(
    "stop-timeout", 2, 120, unit="s", of="what Fargate waits between SIGTERM and SIGKILL",
    source="botocore ContainerDefinition.stopTimeout",
)  # fmt: skip
HEALTH_COMMAND = Limit(
    id="health-command",
    accepts=lambda command: len(command) > 1 and command[0] in {"CMD", "CMD-SHELL"} and all(command),
    says="the command starts with CMD or CMD-SHELL and says what to run",
    instead="write the command as one string, or as ['CMD', 'program', 'argument']",
    source="botocore HealthCheck.command",
    show=lambda command: repr(list(command)),
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
    says="a task definition is said to be 64 KiB at most",
    instead="move configuration to a parameter or a file that the container reads",
    source="no source of AWS's was found; containers-roadmap #172 asked to lift 32 KB",
    show=lambda size: f"about {size / 1024:.0f} KiB",
    confirmed=False,
)
TASKS = _range("tasks-per-service", 0, 5000, unit="tasks", of="a service's number of copies", source="ECS quotas")
SCALING_COOLDOWN = Limit(
    id="scaling-cooldown",
    accepts=lambda cooldown: cooldown >= 0,
    says="nothing is waited for less than 0 s",
    instead="use datetime.timedelta(0) to wait for nothing",
    source="botocore application-autoscaling TargetTrackingScalingPolicyConfiguration.ScaleInCooldown",
    show=lambda cooldown: f"{cooldown} s",
)
SCALING_RANGE = Limit(
    id="scaling-range",
    accepts=lambda ends: ends[0] <= ends[1],
    says="the range is the wrong way round",
    instead="write the smaller number first",
    source="botocore application-autoscaling ScalableTarget.MaxCapacity",
    show=lambda ends: f"{ends[0]} to {ends[1]}",
)
TARGET_PERCENT = _range(
    "target-percent", 1, 100, unit="%", of="the share of what the tasks reserve",
    source="botocore application-autoscaling TargetTrackingScalingPolicyConfiguration.TargetValue (a percentage)",
    whole=False,
)  # fmt: skip
TARGET_VALUE = Limit(
    id="target-value",
    accepts=lambda target: 0 < target < math.inf,
    says="a target is above 0, and has an end",
    instead="use a larger number that has one",
    source="botocore application-autoscaling TargetTrackingScalingPolicyConfiguration.TargetValue",
)
SCALING_NAME = _pattern(
    "scaling-name", r"(?! )(?!.* $)[^\x00-\x1f\x7f-\x9f:/|]{1,240}",
    says="a name is 1 to 240 characters without ':', '/', '|' and spaces at its ends", instead="use another name",
    source="botocore application-autoscaling PutScheduledAction.ScheduledActionName, PutScalingPolicy.PolicyName (256, "
    "less what stands before it)",
)  # fmt: skip
UNIQUE_SCALING_NAMES = Limit(
    id="scaling-names-unique",
    accepts=lambda names: len(set(names)) == len(names),
    says="each names one of a service",
    instead="give each a name of its own",
    source="botocore application-autoscaling PutScalingPolicy.PolicyName, PutScheduledAction.ScheduledActionName",
    show=lambda names: ", ".join(map(repr, names)),
)
PEAK = Limit(
    id="peak-copies",
    accepts=lambda copies: copies >= 1,
    says="a peak is served by 1 copy or more",
    instead="use the number of copies that serve the most that is asked",
    source="AWS containers blog, Amazon ECS availability best practices",
)
PREDICTED_AHEAD = _range(
    "predicted-ahead", 0, 3599, unit="s", of="how long before the load copies start",
    source="botocore application-autoscaling PredictiveScalingPolicyConfiguration.SchedulingBufferTime",
)  # fmt: skip
PREDICTED_ABOVE = _range(
    "predicted-above-maximum", 0, 100, unit="%", of="what the forecast may add to the maximum",
    source="botocore application-autoscaling PredictiveScalingPolicyConfiguration.MaxCapacityBuffer",
)  # fmt: skip
BAKE = _minutes(
    "bake-time", 0, 1440, of="the time that a version is watched",
    source="CFN AWS::ECS::Service BakeTimeInMinutes, CanaryBakeTimeInMinutes, StepBakeTimeInMinutes",
)  # fmt: skip
ROLLOUT_DURATION = Limit(
    id="rollout-duration",
    accepts=lambda time: time <= 33 * 3600,
    says="CloudFormation refuses a rollout that takes more than 33 hours",
    instead="use shorter bake times or larger steps",
    source="CFN AWS::ECS::Service CanaryConfiguration, LinearConfiguration",
    show=lambda time: f"{time / 3600:.1f} h",
)
HOOK_TIMEOUT = _minutes(
    "hook-timeout", 1, 1440, of="the time that a function has to answer",
    source="ECS developer guide, Lambda hooks for Amazon ECS service deployments",
)  # fmt: skip
PAUSE_TIMEOUT = _minutes(
    "pause-timeout", 1, 20160, of="the time that a rollout pauses",
    source="CFN AWS::ECS::Service HookTimeoutConfig",
)  # fmt: skip
MINIMUM_HEALTHY = _range(
    "minimum-healthy", 0, 100, unit="%", of="the share that stays healthy",
    source="botocore DeploymentConfiguration.minimumHealthyPercent",
)  # fmt: skip
MAXIMUM_PERCENT = Limit(
    id="maximum-percent",
    accepts=lambda percent: percent >= 100,
    says="the share that may run at once is 100 % or more",
    instead="use 100 or more",
    source="botocore DeploymentConfiguration.maximumPercent",
    show=lambda percent: f"{percent} %",
)
ROLLOUT_ROOM = Limit(
    id="rollout-room",
    accepts=lambda shares: shares[0] < 100 or shares[1] > 100,
    says="none may start before one stops, and none may stop",
    instead="use a larger maximum_percent or a smaller minimum_healthy_percent",
    source="ECS API DeploymentConfiguration",
    show=lambda shares: f"{shares[1]} % with {shares[0]} % that stay healthy",
)
ROLLOUT_PROGRESS = Limit(
    id="rollout-progress",
    accepts=lambda given: not given[0] or _startable(*given) + _stoppable(*given) >= 1,
    says="no task may start and none may stop",
    instead="use a larger maximum_percent, a smaller minimum_healthy_percent or more copies",
    source="ECS API DeploymentConfiguration: the minimum is rounded up and the maximum down",
    show=lambda given: (
        f"{given[1]} % of {given[0]} that stay, rounded up to {given[0] - _stoppable(*given)}, "
        f"and {given[2]} % that may run, rounded down to {given[0] + _startable(*given)}"
    ),
)
DAEMON_MAXIMUM = Limit(
    id="daemon-maximum",
    accepts=lambda percent: percent == 100,
    says="a daemon never runs twice on an instance",
    instead="use Rollout.rolling(minimum_healthy_percent=0, maximum_percent=100)",
    source="CDK Ec2Service.maxHealthyPercent; botocore DeploymentConfiguration.maximumPercent",
    show=lambda percent: f"{percent} %",
)
_TENTHS = 1e-9


def _in_tenths(value: float) -> bool:
    return abs(value * 10 - round(value * 10)) < _TENTHS


CANARY_PERCENT = Limit(
    id="canary-percent",
    accepts=lambda percent: 0.1 <= percent <= 100 and _in_tenths(percent),
    says="the first share of the traffic is 0.1 to 100 % by tenths",
    instead="use a value such as 5 or 2.5",
    source="CFN AWS::ECS::Service CanaryConfiguration.CanaryPercent",
    show=lambda percent: f"{percent} %",
)
LINEAR_PERCENT = Limit(
    id="linear-percent",
    accepts=lambda percent: 3 <= percent <= 100 and _in_tenths(percent),
    says="a step of the traffic is 3 to 100 % by tenths",
    instead="use a value such as 10 or 12.5",
    source="CFN AWS::ECS::Service LinearConfiguration.StepPercent",
    show=lambda percent: f"{percent} %",
)
BREAKER_COUNT = Limit(
    id="breaker-count",
    accepts=lambda count: count >= 1,
    says="a rollout is given up after 1 failed task or more",
    instead="use a larger number, or circuit_breaker=None for never",
    source="botocore ThresholdConfiguration.value",
)
BREAKER_PERCENT = Limit(
    id="breaker-percent",
    accepts=lambda percent: 1 <= percent <= 100,
    says="a rollout is given up after 1 to 100 % of the copies failed",
    instead="use a value from 1 to 100",
    source="none found: botocore ThresholdConfiguration.value names no range",
    show=lambda percent: f"{percent} %",
    confirmed=False,
)
EARLY_SUCCESS = _range(
    "early-success", 0, 100, unit="%", of="the share of new tasks that must be healthy",
    source="botocore DeploymentEarlySuccessCriteria.healthyPercent",
)  # fmt: skip
EARLY_SUCCESS_LEAST = Limit(
    id="early-success-least",
    accepts=lambda shares: shares[0] >= shares[1],
    says="it may not count as done before as many are healthy as must stay so",
    instead="use a larger share, or a smaller minimum_healthy_percent",
    source="botocore DeploymentEarlySuccessCriteria.healthyPercent",
    show=lambda shares: f"{shares[0]} % with a minimum of {shares[1]} %",
)
ALARM_COUNT = Limit(
    id="alarm-threshold",
    accepts=lambda threshold: threshold > 0,
    says="an alarm of 0 would always ring",
    instead="use a larger value, or None for no alarm",
    source="botocore cloudwatch PutMetricAlarm.Threshold",
)
ALARM_PERCENT = Limit(
    id="alarm-percent",
    accepts=lambda percent: 0 <= percent < 100,
    says="an alarm rings above a share from 0 to less than 100 %, of which there is never more",
    instead="use a share such as 5 or 0.5, 0 for any error, or None for no alarm",
    source="botocore cloudwatch PutMetricAlarm.ComparisonOperator (GreaterThanThreshold), Threshold",
    show=lambda percent: f"{percent} %",
)
ALARM_MINUTES = _range(
    "alarm-minutes", 1, 1440, unit="minutes", of="the time that an alarm looks at",
    source="botocore cloudwatch PutMetricAlarm.EvaluationPeriods (a day at most)",
)  # fmt: skip
WIDGETS = Limit(
    id="dashboard-widgets",
    accepts=lambda count: count <= 500,
    says="a dashboard has up to 500 widgets",
    instead="give a dashboard to each cluster, or to each service",
    source="CloudWatch API, dashboard body structure (up to 500 widgets)",
    show=lambda count: f"the rows of {count} widgets",
)
STRATEGY_ITEMS = Limit(
    id="strategy-items",
    accepts=lambda count: 1 <= count <= 20,
    says="a strategy names 1 to 20 capacities",
    instead="name 1 to 20",
    source="botocore CreateService.capacityProviderStrategy",
)
STRATEGY_WEIGHT = _range(
    "strategy-weight", 0, 1000, of="a weight", source="botocore CapacityProviderStrategyItem.weight"
)
STRATEGY_WEIGHTS = Limit(
    id="strategy-weights",
    accepts=any,
    says="nothing would ever run on any of them",
    instead="give one of them a weight of 1",
    source="botocore CapacityProviderStrategyItem.weight",
    show=lambda weights: f"0 for all {len(weights)} capacities",
)
STRATEGY_BASE = _range(
    "strategy-base", 0, 100000, unit="tasks", of="a base", source="botocore CapacityProviderStrategyItem.base"
)
STRATEGY_BASES = Limit(
    id="strategy-one-base",
    accepts=lambda names: len(names) <= 1,
    says="one capacity of a strategy has a base",
    instead="leave it with the one that must hold the least number of tasks",
    source="botocore CapacityProviderStrategyItem.base",
    show=lambda names: f"of {', '.join(map(repr, names))}",
)
STRATEGY_KINDS = Limit(
    id="strategy-one-kind",
    accepts=lambda kinds: len(set(kinds.values())) == 1,
    says="a strategy has capacities of one kind: Fargate's, Auto Scaling groups or Managed Instances",
    instead="use those of one kind here, and another service for the rest",
    source="ECS developer guide, Fargate capacity providers; CDK aws-ecs Cluster",
    show=lambda kinds: ", ".join(f"{name!r} ({kind})" for name, kind in kinds.items()),
)
PROVIDER_NAME = _pattern(
    "capacity-provider-name", r"(?!(?i:aws|ecs|fargate))[A-Za-z0-9_-]{1,255}",
    says="a capacity provider's name is 1 to 255 letters, digits, '_' and '-', "
    "and AWS keeps what starts with aws, ecs or fargate for its own",
    instead="use another name, or Capacity.fargate() and Capacity.fargate_spot() for Fargate's",
    source="botocore CreateCapacityProvider.name",
)  # fmt: skip
CLUSTER_NAME = _pattern(
    "cluster-name", r"[A-Za-z0-9_-]{1,255}",
    says="a cluster's name is 1 to 255 letters, digits, hyphens and underscores",
    instead="use that, without 'cluster/' before it",
    source="botocore CreateCluster.clusterName",
)  # fmt: skip
CLUSTER_ARN = _pattern(
    "cluster-arn", r"arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:cluster/[A-Za-z0-9_-]{1,255}",
    says="a cluster's ARN is arn:aws:ecs:<region>:<account>:cluster/<name>", instead="use that, or cluster_name=",
    source="ECS service authorization reference (resource types: cluster); botocore CreateCluster.clusterName",
)  # fmt: skip
PROVIDERS = Limit(
    id="capacity-providers-per-cluster",
    accepts=lambda count: count <= 20,
    says="a cluster has 20 at most",
    instead="name fewer, or define a second cluster",
    source="ECS quotas",
)
WHOLE_INSTANCES = Limit(
    id="whole-instances",
    accepts=lambda number: isinstance(number, int) and not isinstance(number, bool),
    says="instances are counted in whole numbers",
    instead="use one, as in max_instances=10",
    source="botocore autoscaling CreateAutoScalingGroup.MinSize, MaxSize (integers)",
)
INSTANCES_PER_CLUSTER = Limit(
    id="instances-per-cluster",
    accepts=lambda count: count <= 5000,
    says="a cluster has 5,000 container instances at most",
    instead="use a smaller max_instances=, larger instance types, or a second cluster",
    source="ECS quotas",
    show=lambda count: f"{count:,} instances",
)
INSTANCES = Limit(
    id="instances-range",
    accepts=lambda ends: 0 <= ends[0] <= ends[1] and ends[1] >= 1,
    says="a group has 0 or more instances at least, 1 or more at most, and the least is not above the most",
    instead="use min_instances=0 and a larger max_instances=",
    source="botocore autoscaling CreateAutoScalingGroup.MinSize, MaxSize",
    show=lambda ends: f"{ends[0]} to {ends[1]}",
)
ON_DEMAND_BASE = Limit(
    id="on-demand-base",
    accepts=lambda pair: 0 <= pair[0] <= pair[1],
    says="it is 0 or more, and not above max_instances",
    instead="use a smaller on_demand_base=, or a larger max_instances=",
    source="botocore autoscaling InstancesDistribution.OnDemandBaseCapacity",
    show=lambda pair: f"{pair[0]} of {pair[1]} instances",
)
WARM_POOL = Limit(
    id="warm-pool",
    accepts=lambda ends: 0 <= ends[0] <= ends[1],
    says="0 instances or more wait, and no more than are prepared in all",
    instead="use a smaller WarmPool(min_instances=), or a larger max_prepared= or max_instances=",
    source="botocore autoscaling PutWarmPool.MinSize, MaxGroupPreparedCapacity",
    show=lambda ends: f"{ends[0]} waiting of {ends[1]}",
)
TARGET_CAPACITY = _range(
    "managed-scaling-target", 1, 100, unit="%", of="the share of the instances that tasks are to use",
    source="botocore ecs ManagedScaling.targetCapacity",
)  # fmt: skip
SCALING_STEP = _range(
    "managed-scaling-step", 1, 10000, unit="instances", of="what is launched at once",
    source="botocore ecs ManagedScaling.maximumScalingStepSize",
)  # fmt: skip
INSTANCE_WARMUP = _range(
    "managed-scaling-warmup", 0, 10000, unit="s", of="the time in which a new instance does not count",
    source="botocore ecs ManagedScaling.instanceWarmupPeriod",
)  # fmt: skip
VOLUME = _range(
    "instance-volume", 30, 65536, unit="GiB", of="the volume of an instance",
    source="ECS developer guide: ECS-optimized AMIs have a root volume of 30 GiB; botocore ec2 "
    "LaunchTemplateEbsBlockDeviceRequest.VolumeSize (gp3)",
)  # fmt: skip
RESERVED_MEMORY = Limit(
    id="reserved-memory",
    accepts=lambda memory: memory >= 0,
    says="what is kept for the system is 0 MiB or more",
    instead="use 0 or more",
    source="ECS developer guide: ECS_RESERVED_MEMORY",
    show=lambda memory: f"{memory} MiB",
)
MANAGED_VOLUME = Limit(
    id="managed-instances-volume",
    accepts=lambda size: size >= 1,
    says="the volume of a managed instance is 1 GiB or more",
    instead="use a larger volume_gib=",
    source="CFN AWS::ECS::CapacityProvider StorageSizeGiB",
    show=lambda size: f"{size} GiB",
)
SCALE_IN_DELAY = _range(
    "managed-instances-scale-in-delay", -1, 3600, unit="s",
    of="the time after which idle managed instances are given back",
    instead="use 0 to 3,600 s, or datetime.timedelta(seconds=-1) to keep them",
    source="CFN AWS::ECS::CapacityProvider.ScaleInAfter",
)  # fmt: skip
INSTANCE_TYPE_FILTER = _pattern(
    "managed-instances-type", r"[a-zA-Z0-9.*-]{1,30}",
    says="a type or pattern is 1 to 30 letters, digits, '.', '-' and '*'", instead="write it as in 'm7g.*'",
    source="CFN AWS::ECS::CapacityProvider AllowedInstanceTypes",
)  # fmt: skip
INSTANCE_TYPE_FILTERS = Limit(
    id="managed-instances-types",
    accepts=lambda count: count <= 400,
    says="400 types or patterns at most may be named",
    instead="use patterns, as in 'm7g.*'",
    source="CFN AWS::ECS::CapacityProvider AllowedInstanceTypes, ExcludedInstanceTypes",
)
SECURITY_GROUPS = Limit(
    id="awsvpc-security-groups",
    accepts=lambda count: 1 <= count <= 5,
    says="a task's network interface has 1 to 5",
    instead="name 1 to 5, or leave it out for one that is defined; one group can hold all the rules",
    source="botocore AwsVpcConfiguration.securityGroups",
)
SUBNETS = Limit(
    id="awsvpc-subnets",
    accepts=lambda count: 1 <= count <= 16,
    says="a service's tasks go to 1 to 16 subnets",
    instead="name 1 to 16 with subnets=",
    source="botocore AwsVpcConfiguration.subnets",
)
ROUTES = Limit(
    id="target-groups-per-service",
    accepts=lambda count: count <= 5,
    says="a service has 5 target groups at most",
    instead="let one Route name several hosts or paths",
    source="botocore Service.loadBalancers; ECS quotas",
)
NAMESPACE = _pattern(
    "namespace-name", r"(?!arn:)[!-~]{1,1024}",
    says="a namespace's name is 1 to 1,024 visible characters of ASCII, and no ARN",
    instead="use another name, as in 'shop'; one that exists already is a Cluster.from_attributes(namespace='...')",
    source="botocore servicediscovery CreateHttpNamespace.Name",
)  # fmt: skip
CONNECT_NAME = _pattern(
    "service-connect-name", r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*",
    says="it is a host name: lower-case letters, digits and hyphens", instead="use another name=, as in 'catalog'",
    source="botocore ServiceConnectClientAlias.dnsName",
)  # fmt: skip
AUTHORITY_ARN = _pattern(
    "private-ca-arn", r"arn:aws[a-z-]*:acm-pca:[a-z0-9-]+:\d{12}:certificate-authority/[0-9a-f-]+",
    says="certificates are issued by an AWS Private CA", instead="use the ARN of one, in the same region",
    source="botocore ServiceConnectTlsCertificateAuthority.awsPcaAuthorityArn; CDK Service Connect",
)  # fmt: skip
PREFIX_LIST = _pattern(
    "prefix-list", r"pl-[0-9a-f]{8,17}",
    says="a prefix list is named by its id",
    instead="use the id of com.amazonaws.<region>.vpc-lattice, as in 'pl-0a1b2c3d'",
    source="EC2 user guide, AWS-managed prefix lists",
)  # fmt: skip
LATTICE_TARGET_GROUP = _pattern(
    "lattice-target-group", r"arn:[a-z0-9-]+:vpc-lattice:[a-zA-Z0-9-]+:\d{12}:targetgroup/tg-[0-9a-z]{17}",
    says="a target group of VPC Lattice is named by its ARN",
    instead="use the ARN of one, or leave it out for a new one",
    source="botocore vpc-lattice TargetGroupArn",
)  # fmt: skip
LATTICE_TARGET_GROUPS = Limit(
    id="lattice-target-groups",
    accepts=lambda count: count <= 5,
    says="a service is in 5 target groups of VPC Lattice at most",
    instead="leave some out",
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
    says="a check must end before the next one starts",
    instead="use a shorter timeout= or a longer interval=",
    source="CFN AWS::ElasticLoadBalancingV2::TargetGroup (cfn-lint E3049 and ELB's own validation)",
    show=lambda pair: f"{pair[0]} s with an interval of {pair[1]} s",
)
TARGET_THRESHOLD = _range(
    "target-health-threshold", 2, 10, of="the number of checks that changes a target's state",
    source="botocore elbv2 CreateTargetGroup.HealthyThresholdCount",
)  # fmt: skip
TARGET_PATH = Limit(
    id="target-health-path",
    accepts=lambda path: path.startswith("/") and 1 <= len(path) <= 1024,
    says="the path of a health check starts with '/' and is at most 1,024 characters",
    instead="write it as in health='/healthz'",
    source="botocore elbv2 CreateTargetGroup.HealthCheckPath",
)
TARGET_GRPC_PATH = _pattern(
    "target-health-grpc-path", r"/[\w.]+/\w+",
    says="gRPC is checked by calling /package.service/method",
    instead="name a method, as in '/grpc.health.v1.Health/Check'",
    source="botocore elbv2 CreateTargetGroup.HealthCheckPath",
)  # fmt: skip
TARGET_CODES = Limit(
    id="target-health-codes",
    accepts=lambda codes: within_codes(codes, 200, 499),
    says="an HTTP health check takes codes from 200 to 499",
    instead="write them as in '200', '200,204' or '200-299'",
    source="botocore elbv2 Matcher.HttpCode",
)
TARGET_GRPC_CODES = Limit(
    id="target-health-grpc-codes",
    accepts=lambda codes: within_codes(codes, 0, 99),
    says="a gRPC health check takes codes from 0 to 99",
    instead="write them as in '0', '0,12' or '0-5'",
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
    says="a listener rule compares with 5 at most",
    instead="use a second Route, or a pattern with '*'",
    source="Elastic Load Balancing quotas: condition values per rule",
)
RULE_HOST = _pattern(
    "rule-host", r"(?=.{1,128}$)[A-Za-z0-9\-*?.]*\.[A-Za-z*?]+",
    says="a host is 1 to 128 letters, digits, '-', '.', '*' and '?', with letters after its last '.'",
    instead="write it as in 'api.example.com' or '*.example.com'",
    source="botocore elbv2 HostHeaderConditionConfig.Values",
)  # fmt: skip
RULE_PATH = _pattern(
    "rule-path", r"(?=.{1,128}$)[/*?][A-Za-z0-9_\-.$/~\"'@:+&*?]*",
    says="a path is 1 to 128 letters, digits and _ - . $ / ~ \" ' @ : + & * ?, and starts with '/'",
    instead="write it as in '/v1/*'",
    source="botocore elbv2 RuleCondition.Values",
)  # fmt: skip
IDLE_TIMEOUT = _range(
    "idle-timeout", 1, 4000, unit="s", of="how long a connection may be idle",
    source="CDK aws-elasticloadbalancingv2 ApplicationLoadBalancer.idleTimeout",
)  # fmt: skip
ZONES = _range(
    "zones", 2, 6, of="the number of availability zones",
    instead="use 2 or more, since a load balancer needs two; no region has more than 6",
    source="botocore elbv2 CreateLoadBalancer.Subnets; AWS global infrastructure",
)  # fmt: skip
INSTANCE_RANGE = Limit(
    id="instance-range",
    accepts=lambda pair: len(pair) == 2 and 0 <= pair[0] <= (math.inf if pair[1] is None else pair[1]),
    says="instances are asked for by the least and the most that they have",
    instead="write it as in (2, 8), with 0 for no least or None for no most",
    source="botocore autoscaling VCpuCountRequest, MemoryMiBRequest",
)
INSTANCE_GPUS = Limit(
    id="instance-gpus",
    accepts=lambda count: count >= 0,
    says="a number of GPUs is 0 or more",
    instead="use 0 for none",
    source="botocore autoscaling AcceleratorCountRequest; ecs ResourceRequirement",
)
TARGET_RETRIES = _range(
    "target-retries", 0, 185, of="how often EventBridge tries again",
    source="botocore scheduler, events RetryPolicy.MaximumRetryAttempts",
)  # fmt: skip
EVENT_AGE = _range(
    "target-event-age", 60, 86400, unit="s", of="how long EventBridge tries",
    source="botocore scheduler, events RetryPolicy.MaximumEventAgeInSeconds",
)  # fmt: skip
FLEXIBLE_WINDOW = Limit(
    id="flexible-time-window",
    accepts=lambda window: window % 60 == 0 and 1 <= window // 60 <= 1440,
    says="a flexible time window is 1 to 1,440 whole minutes",
    instead="use cdk.Duration.minutes(...), or leave it out to start at once",
    source="botocore scheduler FlexibleTimeWindow.MaximumWindowInMinutes",
    show=lambda window: f"{window} s",
)
EVENT_PATTERN = Limit(
    id="event-pattern",
    accepts=lambda size: size <= 4096,
    says="an event pattern is 4,096 characters at most",
    instead="name fewer, or join some with a wildcard ('*'; events.Match has it, and prefixes)",
    source="botocore events PutRule.EventPattern",
    show=lambda size: f"{size:,} characters",
)
TASK_OVERRIDES = Limit(
    id="task-overrides",
    accepts=lambda size: size <= 8192,
    says="what is passed to a task is 8,192 characters at most, all its JSON counted",
    instead="pass where it is to be read from, or put what never changes into Container(environment=...)",
    source="botocore events Target.Input; ecs RunTask.overrides",
    show=lambda size: f"{size} characters",
)
TARGET_STRATEGY_ITEMS = Limit(
    id="ecs-target-strategy-items",
    accepts=lambda count: count <= 6,
    says="EventBridge takes 6 at most",
    instead="name fewer, or use overlap=False, with which Step Functions starts the task",
    source="botocore scheduler, events EcsParameters.CapacityProviderStrategy",
)
TASK_TIMEOUT = _range(
    "task-timeout", 1, 99999999, unit="s", of="how long Step Functions lets a task run",
    source="Step Functions developer guide, Task state: TimeoutSeconds",
)  # fmt: skip
NETWORK_CIDR = Limit(
    id="network-cidr",
    accepts=lambda pair: _holds_subnets(*pair),
    says="a VPC is an IPv4 block of /16 to /28, and each zone takes a /20 of it and a /24",
    instead="use a larger block, as in '10.0.0.0/16', or fewer zones",
    source="botocore ec2 CreateVpc.CidrBlock",
    show=lambda pair: f"{pair[0]!r} for {pair[1]} zones",
)
BALANCER_SUBNETS = Limit(
    id="load-balancer-subnets",
    accepts=lambda count: count >= 2,
    says="a load balancer stands in two or more, each in a zone of its own",
    instead="use a VPC that has them, as a Network does, or name them with vpc_subnets=",
    source="botocore elbv2 CreateLoadBalancer.Subnets",
)
VISIBILITY_TIMEOUT = _range(
    "visibility-timeout", 0, 43200, unit="s", of="how long SQS hides a message that is worked on",
    source="botocore sqs SetQueueAttributes.Attributes (VisibilityTimeout)",
)  # fmt: skip
VISIBLE_AFTER_STOP = Limit(
    id="visibility-after-stop",
    accepts=lambda pair: pair[0] > pair[1],
    says="a task that is stopped while it works would still do so when another gets its message",
    instead="use a longer visibility_timeout=, or a shorter stop_timeout=",
    source="SQS developer guide, visibility timeout; botocore ecs ContainerDefinition.stopTimeout",
    show=lambda pair: f"{pair[0]} s with a stop_timeout of {pair[1]} s",
)
MAX_RECEIVES = _range(
    "max-receives", 1, 1000, of="how often SQS gives a message out before it goes to the dead-letter queue",
    source="AWS modern-data-architecture-accelerator QueueDlqProps.maxReceiveCount; the SQS console",
)  # fmt: skip
MESSAGE_RETENTION = _range(
    "message-retention", 60, 1209600, unit="s", of="how long SQS keeps a message",
    source="botocore sqs SetQueueAttributes.Attributes (MessageRetentionPeriod)",
)  # fmt: skip
REPOSITORY_NAME = _pattern(
    "repository-name", r"(?=.{2,256}$)[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*",
    says="a repository's name is 2 to 256 lower-case letters and digits, joined by . _ __ - and /",
    instead="use another name=, or leave it out and CloudFormation chooses one",
    source="botocore ecr CreateRepository.repositoryName",
)  # fmt: skip
IMAGE_REFERENCE = _pattern(
    "image-reference", r"([A-Za-z0-9.-]+(:\d+)?/)?[a-z0-9]+((\.|_|__|-+|/)[a-z0-9]+)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?",
    says="an image is named by lower-case parts joined by '/', then ':tag' or '@sha256:...', without a scheme",
    instead="write it as `docker pull` takes it, as in 'redis:8' or 'ghcr.io/org/image:1.2'",
    source="distribution/reference, the grammar of image references; botocore ContainerDefinition.image",
)  # fmt: skip
IMAGE_TAG = _pattern(
    "image-tag", r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,299}",
    says="a tag is 1 to 300 letters, digits, '_', '.' and '-', the first not '.' or '-'", instead="use another tag=",
    source="botocore ecr ImageTag",
)  # fmt: skip
IMAGE_DIGEST = _pattern(
    "image-digest", r"sha256:[0-9a-f]{64}",
    says="a digest is 'sha256:' and 64 hexadecimal digits", instead="copy it whole from `docker push` or the console",
    source="botocore ecr ImageDigest; OCI image specification",
)  # fmt: skip


def _startable(copies: int, _least: int, most: int) -> int:
    return copies * most // 100 - copies


def _stoppable(copies: int, least: int, _most: int) -> int:
    return copies - math.ceil(copies * least / 100)


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
    row for rows in (globals(), vars(task_limits)) for row in list(rows.values()) if isinstance(row, Limit)
)

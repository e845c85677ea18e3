"""What AWS accepts of what tasks run on, and of how they are spread over it; rows of the table in `limits`."""

from __future__ import annotations

import math

from moorage.workload.limit import Limit, in_range, matching

PLACEMENT_STRATEGIES = Limit(
    id="placement-strategies",
    accepts=lambda count: count <= 5,
    rule="ECS takes 5 at most",
    hint="leave out those that seldom decide",
    source="botocore CreateService.placementStrategy",
)
PLACEMENT_CONSTRAINTS = Limit(
    id="placement-constraints",
    accepts=lambda count: count <= 10,
    rule="ECS takes 10 at most",
    hint="join them with 'and' in one expression",
    source="botocore CreateService.placementConstraints",
)
STRATEGY_ITEMS = Limit(
    id="strategy-items",
    accepts=lambda count: 1 <= count <= 20,
    rule="a strategy names 1 to 20 capacities",
    hint="name 1 to 20",
    source="botocore CreateService.capacityProviderStrategy",
)
STRATEGY_WEIGHT = in_range(
    "strategy-weight", 0, 1000, of="a weight", source="botocore CapacityProviderStrategyItem.weight"
)
STRATEGY_WEIGHTS = Limit(
    id="strategy-weights",
    accepts=any,
    rule="nothing would ever run on any of them",
    hint="give one of them a weight of 1",
    source="botocore CapacityProviderStrategyItem.weight",
    format=lambda weights: f"0 for all {len(weights)} capacities",
)
STRATEGY_BASE = in_range(
    "strategy-base", 0, 100000, unit="tasks", of="a base", source="botocore CapacityProviderStrategyItem.base"
)
STRATEGY_BASES = Limit(
    id="strategy-one-base",
    accepts=lambda names: len(names) <= 1,
    rule="one capacity of a strategy has a base",
    hint="leave it with the one that must hold the least number of tasks",
    source="botocore CapacityProviderStrategyItem.base",
    format=lambda names: f"of {', '.join(map(repr, names))}",
)
STRATEGY_KINDS = Limit(
    id="strategy-one-kind",
    accepts=lambda kinds: len(set(kinds.values())) == 1,
    rule="a strategy has capacities of one kind: Fargate's, Auto Scaling groups or Managed Instances",
    hint="use those of one kind here, and another service for the rest",
    source="ECS developer guide, Fargate capacity providers; CDK aws-ecs Cluster",
    format=lambda kinds: ", ".join(f"{name!r} ({kind})" for name, kind in kinds.items()),
)
PROVIDER_NAME = matching(
    "capacity-provider-name", r"(?!(?i:aws|ecs|fargate))[A-Za-z0-9_-]{1,255}",
    rule="a capacity provider's name is 1 to 255 letters, digits, '_' and '-', "
    "and AWS keeps what starts with aws, ecs or fargate for its own",
    hint="use another name, or Capacity.fargate() and Capacity.fargate_spot() for Fargate's",
    source="botocore CreateCapacityProvider.name",
)  # fmt: skip
PROVIDERS = Limit(
    id="capacity-providers-per-cluster",
    accepts=lambda count: count <= 20,
    rule="a cluster has 20 at most",
    hint="name fewer, or define a second cluster",
    source="ECS quotas",
)
WHOLE_INSTANCES = Limit(
    id="whole-instances",
    accepts=lambda number: isinstance(number, int) and not isinstance(number, bool),
    rule="instances are counted in whole numbers",
    hint="use one, as in max_instances=10",
    source="botocore autoscaling CreateAutoScalingGroup.MinSize, MaxSize (integers)",
)
INSTANCES_PER_CLUSTER = Limit(
    id="instances-per-cluster",
    accepts=lambda count: count <= 5000,
    rule="a cluster has 5,000 container instances at most",
    hint="use a smaller max_instances=, larger instance types, or a second cluster",
    source="ECS quotas",
    format=lambda count: f"{count:,} instances",
)
INSTANCES = Limit(
    id="instances-range",
    accepts=lambda ends: 0 <= ends[0] <= ends[1] and ends[1] >= 1,
    rule="a group has 0 or more instances at least, 1 or more at most, and the least is not above the most",
    hint="use min_instances=0 and a larger max_instances=",
    source="botocore autoscaling CreateAutoScalingGroup.MinSize, MaxSize",
    format=lambda ends: f"{ends[0]} to {ends[1]}",
)
ON_DEMAND_BASE = Limit(
    id="on-demand-base",
    accepts=lambda pair: 0 <= pair[0] <= pair[1],
    rule="it is 0 or more, and not above max_instances",
    hint="use a smaller on_demand_base=, or a larger max_instances=",
    source="botocore autoscaling InstancesDistribution.OnDemandBaseCapacity",
    format=lambda pair: f"{pair[0]} of {pair[1]} instances",
)
WARM_POOL = Limit(
    id="warm-pool",
    accepts=lambda ends: 0 <= ends[0] <= ends[1],
    rule="0 instances or more wait, and no more than are prepared in all",
    hint="use a smaller WarmPool(min_instances=), or a larger max_prepared_instances= or max_instances=",
    source="botocore autoscaling PutWarmPool.MinSize, MaxGroupPreparedCapacity",
    format=lambda ends: f"{ends[0]} waiting of {ends[1]}",
)
TARGET_CAPACITY = in_range(
    "managed-scaling-target", 1, 100, unit="%", of="the share of the instances that tasks are to use",
    source="botocore ecs ManagedScaling.targetCapacity",
)  # fmt: skip
SCALING_STEP = in_range(
    "managed-scaling-step", 1, 10000, unit="instances", of="what is launched at once",
    source="botocore ecs ManagedScaling.maximumScalingStepSize",
)  # fmt: skip
INSTANCE_WARMUP = in_range(
    "managed-scaling-warmup", 0, 10000, unit="s", of="the time in which a new instance does not count",
    source="botocore ecs ManagedScaling.instanceWarmupPeriod",
)  # fmt: skip
VOLUME = in_range(
    "instance-volume", 30, 65536, unit="GiB", of="the volume of an instance",
    source="ECS developer guide: ECS-optimized AMIs have a root volume of 30 GiB; botocore ec2 "
    "LaunchTemplateEbsBlockDeviceRequest.VolumeSize (gp3)",
)  # fmt: skip
RESERVED_MEMORY = Limit(
    id="reserved-memory",
    accepts=lambda memory: memory >= 0,
    rule="what is kept for the system is 0 MiB or more",
    hint="use 0 or more",
    source="ECS developer guide: ECS_RESERVED_MEMORY",
    format=lambda memory: f"{memory} MiB",
)
MANAGED_VOLUME = Limit(
    id="managed-instances-volume",
    accepts=lambda size: size >= 1,
    rule="the volume of a managed instance is 1 GiB or more",
    hint="use a larger volume_gib=",
    source="CFN AWS::ECS::CapacityProvider StorageSizeGiB",
    format=lambda size: f"{size} GiB",
)
SCALE_IN_DELAY = in_range(
    "managed-instances-scale-in-delay", -1, 3600, unit="s",
    of="the time after which idle managed instances are given back",
    hint="use 0 to 3,600 s, or datetime.timedelta(seconds=-1) to keep them",
    source="CFN AWS::ECS::CapacityProvider.ScaleInAfter",
)  # fmt: skip
INSTANCE_TYPE_FILTER = matching(
    "managed-instances-type", r"[a-zA-Z0-9.*-]{1,30}",
    rule="a type or pattern is 1 to 30 letters, digits, '.', '-' and '*'", hint="write it as in 'm7g.*'",
    source="CFN AWS::ECS::CapacityProvider AllowedInstanceTypes",
)  # fmt: skip
INSTANCE_TYPE_FILTERS = Limit(
    id="managed-instances-types",
    accepts=lambda count: count <= 400,
    rule="400 types or patterns at most may be named",
    hint="use patterns, as in 'm7g.*'",
    source="CFN AWS::ECS::CapacityProvider AllowedInstanceTypes, ExcludedInstanceTypes",
)
INSTANCE_RANGE = Limit(
    id="instance-range",
    accepts=lambda pair: len(pair) == 2 and 0 <= pair[0] <= (math.inf if pair[1] is None else pair[1]),
    rule="instances are asked for by the least and the most that they have",
    hint="write it as in (2, 8), with 0 for no least or None for no most",
    source="botocore autoscaling VCpuCountRequest, MemoryMiBRequest",
)

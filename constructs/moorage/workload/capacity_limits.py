"""The limits of capacities, placement, instances, AMIs and Availability Zones; rows of the table in `limits`."""

from __future__ import annotations

import math
import re

from moorage.workload.limit import (
    BelowOrAbove,
    Botocore,
    Limit,
    at_least,
    at_most,
    comma_separated,
    in_range,
    matching,
    unique,
    with_commas,
)

PLACEMENT_STRATEGIES = at_most(
    "placement-strategies",
    5,
    hint="leave out the least important strategies",
    source=Botocore(
        "ecs",
        "CreateServiceRequest",
        "placementStrategy",
        "You can specify a maximum of 5 strategy rules for each service.",
    ),
)
CONSTRAINT_EXPRESSION = Limit(
    id="placement-expression",
    accepts=lambda expression: re.search(r"(?<![=!<>])=(?![=~])", expression) is None,
    rule="must test equality with '==', not with '='",
    hint="use an expression such as 'attribute:ecs.instance-type == m7g.large'",
    source="ECS developer guide, cluster query language: operators",
)
PLACEMENT_CONSTRAINTS = at_most(
    "placement-constraints",
    10,
    hint="combine several expressions with 'and'",
    source=Botocore(
        "ecs",
        "CreateServiceRequest",
        "placementConstraints",
        "You can specify a maximum of 10 constraints for each task.",
    ),
)
STRATEGY_ITEMS = in_range(
    "strategy-items",
    1,
    20,
    hint=BelowOrAbove(below="use at least one capacity provider", above="use fewer capacity providers"),
    source=Botocore(
        "ecs",
        "CreateServiceRequest",
        "capacityProviderStrategy",
        "A capacity provider strategy can contain a maximum of 20 capacity providers.",
    ),
)
STRATEGY_WEIGHT = in_range(
    "strategy-weight",
    0,
    1000,
    hint=BelowOrAbove(
        below="use a weight of 0 or more", above="use smaller weights with the same ratio, such as 1 and 3"
    ),
    source=Botocore("ecs", "CapacityProviderStrategyItem", "weight", "The valid range is 0 to 1,000"),
)
STRATEGY_WEIGHTS = Limit(
    id="strategy-weights",
    accepts=any,
    rule="must not all be 0",
    hint="use a weight of 1 or more for at least one capacity",
    source=Botocore(
        "ecs",
        "CapacityProviderStrategyItem",
        "weight",
        "at least one of the capacity providers must have a weight value greater than zero",
    ),
    format=lambda _: "0 for each capacity",
)
STRATEGY_BASE = in_range(
    "strategy-base",
    0,
    100000,
    unit="tasks",
    hint="use a smaller base, and a weight for the other tasks",
    source=Botocore("ecs", "CapacityProviderStrategyItem", "base", "The valid range is 0 to 100,000"),
)
STRATEGY_BASES = Limit(
    id="strategy-one-base",
    accepts=lambda names: len(names) <= 1,
    rule="must be given for at most one capacity",
    hint="keep the base only for the capacity that must run a minimum number of tasks",
    source=Botocore(
        "ecs",
        "CapacityProviderStrategyItem",
        "base",
        "Only one capacity provider in a capacity provider strategy can have a base defined.",
    ),
    format=comma_separated,
)
STRATEGY_KINDS = Limit(
    id="strategy-one-kind",
    accepts=lambda kinds: len(set(kinds.values())) == 1,
    rule="must all be of one kind: Fargate, Auto Scaling groups or ECS Managed Instances",
    hint="use capacities of one kind, and a second service for the other kinds",
    source="ECS developer guide, Fargate capacity providers; CDK aws-ecs Cluster",
    format=lambda kinds: ", ".join(f"{name!r} ({kind})" for name, kind in kinds.items()),
)
PROVIDER_NAME = matching(
    "capacity-provider-name",
    r"(?!(?i:aws|ecs|fargate))[A-Za-z0-9_-]{1,255}",
    rule="must be 1 to 255 letters, digits, '_' and '-', and not start with aws, ecs or fargate in any case",
    hint="use a name such as 'general', or Capacity.fargate() and Capacity.fargate_spot() for Fargate",
    source=Botocore("ecs", "CreateCapacityProviderRequest", "name", "Up to 255 characters are allowed."),
)
CAPACITY_NAME = matching(
    "capacity-name",
    r"[A-Za-z0-9_-]{1,128}",
    rule="must be 1 to 128 letters, digits, '_' and '-'",
    hint="use a name such as 'general'",
    source=Botocore(
        "ecs",
        "Attribute",
        "value",
        "The value must contain between 1 and 128 characters.",
        also="the attribute names the capacity of an instance",
    ),
)
PROVIDERS = at_most(
    "capacity-providers-per-cluster",
    20,
    hint="use fewer capacity providers, or define a second cluster",
    source="ECS quotas",
)
INSTANCES_PER_CLUSTER = at_most(
    "instances-per-cluster",
    5000,
    hint="use a smaller max_instances=, larger instance types, or a second cluster",
    source="ECS quotas",
)
INSTANCES = Limit(
    id="instances-range",
    accepts=lambda ends: 0 <= ends[0] <= ends[1] and ends[1] >= 1,
    rule="must be at least 0 and 1, respectively, and min_instances must not exceed max_instances",
    hint=lambda ends: (
        "use min_instances=0 or more, and max_instances=1 or more"
        if ends[0] < 0 or ends[1] < 1
        else "use a smaller min_instances=, or a larger max_instances="
    ),
    source="botocore autoscaling CreateAutoScalingGroup.MinSize, MaxSize",
    format=lambda ends: f"{ends[0]} and {ends[1]}",
)
ON_DEMAND_BASE = Limit(
    id="on-demand-base",
    accepts=lambda pair: 0 <= pair[0] <= pair[1],
    rule="must be between 0 and max_instances",
    hint=lambda pair: (
        "use on_demand_base=0 or more" if pair[0] < 0 else "use a smaller on_demand_base=, or a larger max_instances="
    ),
    source="botocore autoscaling InstancesDistribution.OnDemandBaseCapacity",
    format=lambda pair: f"{pair[0]} with max_instances={pair[1]}",
)
WARM_POOL = Limit(
    id="warm-pool",
    accepts=lambda ends: 0 <= ends[0] <= ends[1],
    rule="must have min_instances between 0 and max_prepared_instances, which is max_instances by default",
    hint=lambda ends: (
        "use WarmPool(min_instances=0) or more"
        if ends[0] < 0
        else "use a smaller WarmPool(min_instances=), or a larger max_prepared_instances= or max_instances="
    ),
    source=Botocore("autoscaling", "WarmPoolMinSize"),
    format=lambda ends: f"min_instances={ends[0]} with a maximum of {ends[1]}",
)
TARGET_CAPACITY = in_range(
    "managed-scaling-target",
    1,
    100,
    unit="%",
    hint="use a percentage such as 90, or 100 to keep no spare instances",
    source=Botocore(
        "ecs",
        "ManagedScaling",
        "targetCapacity",
        "The specified value must be greater than 0 and less than or equal to 100.",
    ),
)
SCALING_STEP = in_range(
    "managed-scaling-step",
    1,
    10000,
    unit="instances",
    hint="use a number of instances such as 10",
    source=Botocore(
        "ecs",
        "ManagedScaling",
        "maximumScalingStepSize",
        "If this parameter is omitted, the default value of 10000 is used.",
    ),
)
INSTANCE_WARMUP = in_range(
    "managed-scaling-warmup",
    0,
    10000,
    unit="seconds",
    hint="use a duration such as cdk.Duration.minutes(5), during which a new instance does not count",
    source=Botocore("ecs", "ManagedScaling", "instanceWarmupPeriod", "The period of time, in seconds"),
)
_AMI_PATHS = re.compile(
    r"/aws/service/(ecs/optimized-ami/|bottlerocket/|ami-windows-latest/Windows_Server-\d+-\w+-\w+-ECS_Optimized\b)"
)
"""The paths of the SSM parameters for AWS's AMIs for container instances. Any other path is for a custom AMI."""


def _ami_system(path: str) -> str:
    """Return the operating system of the AMI at a path: `Bottlerocket`, `LINUX`, or ECS's name of a Windows version."""
    windows = re.search(r"Windows_Server-(\d+)-\w+-(Core|Full)|windows_server/(\d+)/\w+/(core|full)", path)
    if windows:
        return "_".join(["WINDOWS_SERVER", *filter(None, windows.groups())]).upper()
    return "Bottlerocket" if path.startswith("/aws/service/bottlerocket/") else "LINUX"


def _ami_architecture(path: str) -> str | None:
    """Return the architecture of the AMI at a path. Return None for a custom AMI or an ambiguous path."""
    named = re.search(r"/(arm64|x86_64)/", path)
    if not _AMI_PATHS.match(path):
        return None
    if named:
        return named[1].upper()
    return "X86_64" if re.search(r"/amazon-linux(-2|-2023)?(/gpu)?/recommended/", path) else None


AMI_ID = Limit(
    id="ami-id",
    accepts=lambda path: not _AMI_PATHS.match(path) or re.search(r"/image_id(:\d+)?$", path) is not None,
    rule="must end in '/image_id', since AWS's other parameters do not hold an AMI ID",
    hint=lambda path: f"use {re.sub(r'/(image_name|image_version|os)$', '', path) + '/image_id'!r}",
    source="ECS developer guide, retrieving ECS-optimized Linux AMI metadata, and that of Windows and of Bottlerocket",
)
AMI_SYSTEM = Limit(
    id="ami-system",
    accepts=lambda pair: not _AMI_PATHS.match(pair[0]) or _ami_system(pair[0]) == pair[1],
    rule="must be for the operating system that the instances are configured for",
    hint=lambda pair: {
        "Bottlerocket": "use bottlerocket=True",
        "LINUX": "leave bottlerocket= and operating_system_family= out",
    }.get(_ami_system(pair[0]), f"use operating_system_family=OperatingSystemFamily.{_ami_system(pair[0])}"),
    source="ECS developer guide: user data is a shell script, TOML on Bottlerocket, PowerShell on Windows",
    format=lambda pair: f"{pair[0]!r} for {pair[1]}",
)
AMI_ARCHITECTURE = Limit(
    id="ami-architecture",
    accepts=lambda pair: _ami_architecture(pair[0]) in {None, pair[1]},
    rule="must be for the architecture of the instance types",
    hint=lambda pair: f"use the AMI for {pair[1].lower()}, or other instance types",
    source="ECS developer guide, retrieving ECS-optimized Linux AMI metadata",
    format=lambda pair: f"{pair[0]!r} for {pair[1]}",
)
VOLUME = Limit(
    id="instance-volume",
    accepts=lambda pair: pair[1] <= pair[0] <= 65536,
    rule="must be at most 65,536 GiB and at least the size of the AMI's snapshot",
    hint=lambda pair: f"use {pair[1]} or more" if pair[0] < pair[1] else "use 65,536 or less",
    source=Botocore(
        "ec2",
        "LaunchTemplateEbsBlockDeviceRequest",
        "VolumeSize",
        "gp3: 1 - 65,536 GiB",
        also="ECS developer guide: ECS-optimized AMIs have a root volume of 30 GiB, of Windows 50; "
        "bottlerocket-os twoliter",
    ),
    format=lambda pair: with_commas(pair[0]),
)
INSTANCE_TYPES = at_most(
    "instance-types",
    40,
    hint="use fewer types, or requirements=InstanceRequirements(...)",
    source="Amazon EC2 Auto Scaling user guide, groups with multiple instance types and purchase options",
)
UNIQUE_INSTANCE_TYPES = unique(
    "instance-types-unique",
    rule="must name each instance type at most once",
    hint="remove the repeated types",
    source="botocore autoscaling LaunchTemplate.Overrides",
)
USER_DATA = at_most(
    "instance-user-data",
    15000,
    unit="bytes",
    hint="fetch a longer script from S3, or build it into an AMI",
    source="Amazon EC2 user guide, user data: 16 KB; moorage uses 1 KB of it",
)
RESERVED_MEMORY = at_least(
    "reserved-memory",
    0,
    unit="MiB",
    hint="use 0 to reserve no memory",
    source="ECS developer guide: ECS_RESERVED_MEMORY",
)
MANAGED_VOLUME = at_least(
    "managed-instances-volume",
    1,
    unit="GiB",
    hint="use a larger volume_gib=",
    source="CFN AWS::ECS::CapacityProvider StorageSizeGiB",
)
SCALE_IN_DELAY = in_range(
    "managed-instances-scale-in-delay",
    -1,
    3600,
    unit="seconds",
    hint="use a duration such as cdk.Duration.minutes(5), or datetime.timedelta(seconds=-1) to keep idle instances",
    source="CFN AWS::ECS::CapacityProvider.ScaleInAfter",
)
RESERVATION_PREFERENCE = matching(
    "capacity-reservation-preference",
    r"RESERVATIONS_(FIRST|ONLY|EXCLUDED)",
    rule="must be RESERVATIONS_FIRST, RESERVATIONS_ONLY or RESERVATIONS_EXCLUDED",
    hint="use CapacityReservations.first(), only() or excluded()",
    source=Botocore(
        "ecs",
        "CapacityReservationRequest",
        "reservationPreference",
        "The preference on when capacity reservations should be used.",
    ),
)
RESERVATION_GROUP = matching(
    "capacity-reservation-group",
    r"arn:aws[a-z-]*:resource-groups:[a-z0-9-]+:\d{12}:group/.+",
    rule="must be the ARN of a resource group",
    hint="use an ARN such as 'arn:aws:resource-groups:eu-west-1:111111111111:group/reserved'",
    source=Botocore(
        "ecs",
        "CapacityReservationRequest",
        "reservationGroupArn",
        "The ARN of the Capacity Reservation resource group",
        also="service authorization reference, AWS Resource Groups: group",
    ),
)
INSTANCE_TYPE_FILTER = matching(
    "managed-instances-type",
    r"[a-zA-Z0-9.*-]{1,30}",
    rule="must be a type or pattern of 1 to 30 letters, digits, '.', '-' and '*'",
    hint="use a pattern such as 'm7g.*'",
    source="CFN AWS::ECS::CapacityProvider AllowedInstanceTypes",
)
INSTANCE_TYPE_FILTERS = at_most(
    "managed-instances-types",
    400,
    hint="replace several types with one pattern such as 'm7g.*'",
    source="CFN AWS::ECS::CapacityProvider AllowedInstanceTypes, ExcludedInstanceTypes",
)
INSTANCE_RANGE = Limit(
    id="instance-range",
    accepts=lambda pair: len(pair) == 2 and 0 <= pair[0] <= (math.inf if pair[1] is None else pair[1]),
    rule="must be a pair of a minimum, 0 or more, and a maximum that is not lower",
    hint="use a pair such as (2, 8), with 0 for no minimum or None for no maximum",
    source="botocore autoscaling VCpuCountRequest, MemoryMiBRequest",
)
_ZONES: dict[str, int] = {
    **dict.fromkeys(
        (
            *("af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-3", "ap-south-1", "ap-south-2", "ap-southeast-1"),
            *("ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6"),
            *("ap-southeast-7", "ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1", "eu-central-1"),
            *("eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3"),
            *("il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1", "us-east-2"),
            *("us-gov-east-1", "us-gov-west-1"),
        ),
        3,
    ),
    "ap-northeast-1": 4,
    "ap-northeast-2": 4,
    "us-east-1": 6,
    "us-west-1": 2,
    "us-west-2": 4,
}
"""The number of Availability Zones that one account can use, by region. In us-west-1, it is 2 of 3 zones."""
ZONES_OF_REGION = Limit(
    id="zones-of-region",
    accepts=lambda pair: pair[0] <= _ZONES.get(pair[1], pair[0]),
    rule="must not exceed the number of Availability Zones that the region offers to an account",
    hint=lambda pair: f"use zones={_ZONES[pair[1]]}",
    source="Amazon EC2 user guide, Regions and Zones",
    format=lambda pair: f"{pair[0]} in {pair[1]}",
)

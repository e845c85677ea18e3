"""Capacities, strategies and placements report their problems before anything is defined."""

from __future__ import annotations

import re
from contextlib import nullcontext
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecs as ecs

from moorage import (
    Ami,
    Architecture,
    Capacity,
    Cluster,
    Container,
    ContainerInstance,
    InstanceRequirements,
    LoadBalancer,
    NetworkMode,
    OperatingSystemFamily,
    Placement,
    Rollout,
    Route,
    Scaling,
    Service,
    Strategy,
    Task,
    WarmPool,
)
from moorage.workload.ec2_instances import instance_types
from tests.conftest import imported_vpc, template, warnings_of

WINDOWS = ContainerInstance(ami=Ami.windows())
ARM = Task(Container("redis:8", port=6379), cpu=256, memory_mib=512, architecture=Architecture.ARM64)


def general(**arguments: Any) -> Capacity:
    return Capacity.ec2(
        **{"name": "general", "instance_types": ["m7g.large", "m6g.large"], "max_instances": 10, **arguments}
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"min_instances": 11}, "min_instances must not exceed max_instances"),
        ({"instance_types": []}, "exactly one of instance_types and requirements must be given .got neither"),
        (
            {"requirements": InstanceRequirements(vcpus=(2, 4), memory_mib=(1, None))},
            "exactly one of instance_types and requirements must be given .got both",
        ),
        ({"instance_types": ["m7g.larg"]}, "'m7g.larg', which is not an instance type .*; use 'm7g.large'"),
        (
            {"instance_types": ["m7g.large", "m7i.large"]},
            r"differ in architecture \(got m7g.large \(ARM64\), m7i.large",
        ),
        ({"instance_types": ["g6.xlarge", "m7i.large"]}, r"differ in GPUs \(got g6.xlarge \(with GPUs\)"),
        (
            {"instance": WINDOWS},
            "x86_64 without GPUs, the only types that ECS's Windows AMIs support; use types such as 'm7i.large'",
        ),
        ({"instance": WINDOWS, "instance_types": ["g6.xlarge"]}, "instance_types must be x86_64 without GPUs"),
        (
            {"instance": WINDOWS, "instance_types": ["m7i.large"], "trunking": True},
            "trunking is not supported by Windows",
        ),
        (
            {"instance": WINDOWS, "instance_types": ["m7i.large"], "warm_pool": WarmPool()},
            "warm_pool is not supported by Windows",
        ),
        ({"instance_types": ["g5g.xlarge"]}, r"no Amazon Linux 2023 AMI; use .*Ami.bottlerocket\(\)"),
        ({"on_demand_base": 1}, "on_demand_base requires spot=True"),
        (
            {"on_demand_base": 11, "spot": True},
            "on_demand_base must be between 0 and max_instances",
        ),
        ({"warm_pool": WarmPool(), "spot": True}, "a Spot Instance cannot be stopped to wait"),
        (
            {"warm_pool": WarmPool(min_instances=1, max_prepared_instances=0)},
            "warm_pool must have min_instances between",
        ),
        (
            {"instance_types": ["t4g.large"], "trunking": True},
            "trunking=True requires instance types with a trunk interface",
        ),
        (
            {
                "instance_types": None,
                "requirements": InstanceRequirements(vcpus=(2, 4), memory_mib=(1, None), burstable=True),
                "trunking": True,
            },
            "trunking=True must not be used with burstable=True",
        ),
        ({"instance_types": ["M7G.large"]}, "'M7G.large', which is not an instance type .*; use 'm7g.large'"),
        ({"name": "two words"}, "1 to 128 letters, digits, '_' and '-'"),
    ],
)
def test_a_group_that_cannot_be_launched_is_refused(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says) as raised:
        general(**arguments)
    assert f"Capacity {arguments.get('name', 'general')!r}:" in str(raised.value)


def test_a_capacity_reports_all_problems_together() -> None:
    with pytest.raises(ValueError, match="Capacity 'a b': 3 problems"):
        general(name="a b", min_instances=20, on_demand_base=1)


def test_requirements_that_match_no_type_are_refused() -> None:
    nothing = InstanceRequirements(vcpus=(2, 2), memory_mib=(4_000_000, None))
    with pytest.raises(ValueError, match="requirements match no instance type"):
        general(instance_types=None, requirements=nothing)


def test_a_type_newer_than_the_data_warns_and_is_not_checked(stack: cdk.Stack) -> None:
    with pytest.warns(UserWarning, match=r"'m99g.large', which is not in the data of \d{4}-"):
        young = general(instance_types=["m99g.large"], max_instances=1)
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[young])
    Service(stack, "Web", cluster=cluster, task=ARM, scaling=Scaling(500))


def test_an_empty_list_of_allowed_types_does_not_allow_all() -> None:
    with pytest.raises(
        ValueError,
        match=r"allowed_instance_types must not be empty \(got \[\]\); leave allowed_instance_types= out for all",
    ):
        Capacity.managed_instances("m", allowed_instance_types=[])
    assert Capacity.managed_instances("m", excluded_instance_types=[])


def test_managed_instances_accept_either_allowed_or_excluded_types() -> None:
    with pytest.raises(ValueError, match="must not be given together, since ECS accepts only one of them"):
        Capacity.managed_instances("m", allowed_instance_types=["m7g.*"], excluded_instance_types=["t4g.*"])


@pytest.mark.parametrize("argument", ["allowed_instance_types", "excluded_instance_types"])
def test_types_of_managed_instances_are_known_or_patterns(argument: str) -> None:
    make: Any = Capacity.managed_instances
    for name, way_out in {
        "x": "another",
        "m7g": "'m7g.*'",
        "m7g.larg": "'m7g.large'",
        "M7g.large": "'m7g.large'",
    }.items():
        says = rf"{argument} has '{name}', which is not an instance type .*; use {re.escape(way_out)}"
        with pytest.raises(ValueError, match=says):
            make("managed", **{argument: [name]})
    for pattern in ("m99g.large", "m99g.*", "m7g.99*"):
        with pytest.warns(UserWarning, match=rf"{argument} has '{re.escape(pattern)}', which is not in the data of"):
            make("managed", **{argument: [pattern]})
    assert make("managed", **{argument: ["m7g.large", "c7*", "*3*", "*"]})


PATH = "/aws/service/ecs/optimized-ami"
BOTTLEROCKET_PATH = "/aws/service/bottlerocket/aws-ecs-2"
WINDOWS_PATH = "/aws/service/ami-windows-latest/Windows_Server-2022-English-Core-ECS_Optimized"
WINDOWS_2022_CORE = {"operating_system_family": OperatingSystemFamily.WINDOWS_SERVER_2022_CORE}


@pytest.mark.parametrize(
    ("path", "arguments", "says"),
    [
        (f"{PATH}/amazon-linux-2023/recommended", {}, f"use '{PATH}/amazon-linux-2023/recommended/image_id"),
        (f"{PATH}/amazon-linux-2/recommended/image_name", {}, f"use '{PATH}/amazon-linux-2/recommended/image_id"),
        (
            f"{BOTTLEROCKET_PATH}/x86_64/latest/image_version",
            {"bottlerocket": True},
            "parameter must end in '/image_id'",
        ),
        (WINDOWS_PATH, WINDOWS_2022_CORE, f"use '{WINDOWS_PATH}/image_id"),
        (f"{BOTTLEROCKET_PATH}/x86_64/latest/image_id", {}, "use bottlerocket=True"),
        (f"{WINDOWS_PATH}/image_id", {}, "use operating_system_family=OperatingSystemFamily.WINDOWS_SERVER_2022_CORE"),
        (
            f"{PATH}/windows_server/2019/english/full/recommended/image_id",
            WINDOWS_2022_CORE,
            "use operating_system_family=OperatingSystemFamily.WINDOWS_SERVER_2019_FULL",
        ),
        (f"{PATH}/amazon-linux-2023/recommended/image_id", {"bottlerocket": True}, "leave bottlerocket= and"),
        (f"{PATH}/amazon-linux-2023/recommended/image_id", WINDOWS_2022_CORE, "leave bottlerocket= and"),
    ],
)
def test_an_aws_ami_has_the_operating_system_of_its_user_data(path: str, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        Ami.from_ssm_parameter(path, **arguments)


@pytest.mark.parametrize(
    ("path", "bottlerocket", "instance_type", "passes"),
    [
        (f"{PATH}/amazon-linux-2023/arm64/recommended/image_id", False, "m7i.large", False),
        (f"{PATH}/amazon-linux-2023/arm64/recommended/image_id", False, "m7g.large", True),
        (f"{PATH}/amazon-linux-2023/recommended/image_id", False, "m7g.large", False),
        (f"{PATH}/amazon-linux-2/recommended/image_id", False, "m7i.large", True),
        (f"{PATH}/amazon-linux-2023/amzn2023-ami-ecs-hvm-2023.0/image_id", False, "m7g.large", True),
        (f"{BOTTLEROCKET_PATH}/x86_64/1.20.0/image_id", True, "m7g.large", False),
        (f"{BOTTLEROCKET_PATH}/arm64/latest/image_id", True, "m7g.large", True),
        ("/golden/x86_64/recommended", False, "m7g.large", True),
        ("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64", False, "m7g.large", True),
        pytest.param(
            f"{PATH}/amazon-linux-2023/arm64/recommended/image_id",
            False,
            cdk.Token.as_string({"Ref": "Type"}),
            True,
            id="token",  # its number differs between processes
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:.*which is not in the data of")
def test_an_aws_ami_has_the_architecture_of_the_instance_types(
    path: str, instance_type: str, *, bottlerocket: bool, passes: bool
) -> None:
    instance = ContainerInstance(ami=Ami.from_ssm_parameter(path, bottlerocket=bottlerocket))
    if passes:
        assert general(instance_types=[instance_type], instance=instance)
        return
    with pytest.raises(ValueError, match="parameter of the AMI must be for the architecture of the instance types"):
        general(instance_types=[instance_type], instance=instance)


def test_a_windows_group_without_types_is_refused() -> None:
    with pytest.raises(ValueError, match="exactly one of instance_types and requirements must be given"):
        Capacity.ec2("general", max_instances=1, instance=ContainerInstance(ami=Ami.windows()))


def test_a_custom_ami_needs_the_path_of_a_parameter() -> None:
    with pytest.raises(ValueError, match=r"parameter must be .* \(got 'ami-123'\); use a path such as '/golden/ecs'"):
        Ami.from_ssm_parameter("ami-123")
    with pytest.raises(ValueError, match=r"family must be a version of Windows \(got LINUX\); use Ami.al2023\(\)"):
        Ami.windows(OperatingSystemFamily.LINUX)
    with pytest.raises(ValueError, match="bottlerocket=True must not be used with a Windows operating_system_family"):
        Ami(is_bottlerocket=True, operating_system_family=OperatingSystemFamily.WINDOWS_SERVER_2019_CORE)


@pytest.mark.parametrize(
    ("ami", "architecture", "gpus", "parameter"),
    [
        (Ami.al2023(), Architecture.X86_64, False, "ecs/optimized-ami/amazon-linux-2023/recommended/image_id"),
        (Ami.al2023(), Architecture.ARM64, False, "ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id"),
        (Ami.al2023(), Architecture.X86_64, True, "ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id"),
        (
            Ami.windows(),
            Architecture.X86_64,
            False,
            "ami-windows-latest/Windows_Server-2022-English-Core-ECS_Optimized/image_id",
        ),
        (
            Ami.windows(OperatingSystemFamily.WINDOWS_SERVER_2025_FULL),
            Architecture.X86_64,
            False,
            "ami-windows-latest/Windows_Server-2025-English-Full-ECS_Optimized/image_id",
        ),
        (Ami.bottlerocket(), Architecture.ARM64, False, "bottlerocket/aws-ecs-2/arm64/latest/image_id"),
        (Ami.bottlerocket(), Architecture.X86_64, True, "bottlerocket/aws-ecs-2-nvidia/x86_64/latest/image_id"),
    ],
)
def test_each_ami_is_the_newest_of_its_kind(
    *, ami: Ami, architecture: Architecture, gpus: bool, parameter: str
) -> None:
    assert ami._parameter_for(architecture, gpus=gpus) == f"/aws/service/{parameter}"


@pytest.mark.parametrize(
    ("arguments", "task", "copies", "binds"),
    [
        ({}, {}, 2, "network interfaces"),
        ({"trunking": True}, {}, 8, "CPU"),
        ({"trunking": True}, {"memory_mib": 2048}, 3, "memory"),
        ({}, {"network_mode": NetworkMode.BRIDGE}, 8, "CPU"),
        ({}, {"network_mode": NetworkMode.HOST}, 1, "host ports"),
        ({}, {"architecture": Architecture.X86_64}, 0, "architecture"),
    ],
)
def test_the_number_of_copies_that_fit_is_known_at_synthesis(
    arguments: dict[str, Any], task: dict[str, Any], copies: int, binds: str
) -> None:
    what = Task(
        Container("redis:8", port=6379), **{"cpu": 256, "memory_mib": 512, "architecture": Architecture.ARM64, **task}
    )
    (fit, *_) = general(instance_types=["m7g.large"], **arguments).fit(what)
    assert fit.copies == copies
    assert binds in fit.limiting_resources


def refused(stack: cdk.Stack, *offered: Capacity, **arguments: Any) -> str:
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=offered or [general()])
    with pytest.raises(ValueError, match="Shop/Web: ") as raised:
        Service(stack, "Web", cluster=cluster, **{"task": ARM, **arguments})
    assert stack.node.try_find_child("Web") is None
    return str(raised.value)


def test_a_strategy_reports_all_problems_when_it_is_created() -> None:
    one, other = general(), general(name="spot", spot=True)
    with pytest.raises(ValueError, match="Strategy: 3 problems") as raised:
        Strategy({one: 0, other: 0, Capacity.fargate(): 0}, base={one: 1, other: 1})
    said = str(raised.value)
    assert "the capacities must all be of one kind" in said
    assert "weights must not all be 0" in said
    assert "base must be given for at most one capacity (got 'general', 'spot')" in said


def test_a_strategy_with_a_capacity_of_no_cluster_is_refused(stack: cdk.Stack) -> None:
    one, stray = general(), general(name="stray")
    said = refused(stack, one, Capacity.fargate(), capacity={one: 1, stray: 1})
    assert "capacity 'stray' must be one of the cluster's capacities ('general', 'FARGATE'); add this capacity" in said


def test_a_base_needs_a_weight() -> None:
    one, other = general(), general(name="other")
    with pytest.raises(ValueError, match="give capacity 'other' a weight of 0"):
        Strategy(one, base={other: 1})


def test_a_task_that_fits_on_no_type_is_refused_with_the_nearest_type(stack: cdk.Stack) -> None:
    large = Task(Container("redis:8"), cpu=1024, memory_mib=12_000, architecture=Architecture.ARM64)
    assert refused(stack, general(instance_types=["m7g.medium", "m7g.large"]), task=large) == (
        "Shop/Web: task needs 12000 MiB, but m7g.large has 7370, and no instance type of capacity 'general' has "
        "enough; use m7g.xlarge, the nearest type that holds the task, or a smaller task"
    )


def test_an_arm_task_does_not_run_on_x86_instances(stack: cdk.Stack) -> None:
    assert refused(stack, general(instance_types=["m7i.large"])) == (
        "Shop/Web: task is built for ARM64, but the instances of capacity 'general' are X86_64; "
        "use architecture=Architecture.X86_64, or ARM64 instance types"
    )


def test_a_gpu_task_needs_instances_with_gpus(stack: cdk.Stack) -> None:
    gpu = Task(Container("redis:8", gpus=1), architecture=Architecture.ARM64)
    assert "task needs 1 GPUs, but m7g.large has 0, and no instance type of capacity 'general'" in refused(
        stack, task=gpu
    )


def test_a_rollout_without_room_is_refused_with_the_numbers(stack: cdk.Stack) -> None:
    one = general(instance_types=["m7g.large"], max_instances=1)
    said = refused(stack, one, scaling=Scaling(2))
    assert (
        "minimum of scaling is 2, but capacity 'general' holds 2 on each m7g.large (limited by network interfaces)"
        in said
    )
    assert "has at most 1 instances, 2 in total" in said
    assert "3 places are needed" in said


def test_a_rollout_with_host_ports_needs_a_free_instance(stack: cdk.Stack) -> None:
    fixed = Task(
        Container("redis:8", port=6379, host_port=6379),
        network_mode=NetworkMode.BRIDGE,
        architecture=Architecture.ARM64,
    )
    said = refused(stack, general(max_instances=2), task=fixed, scaling=Scaling(2))
    assert "holds 1 on each m7g.large (limited by host ports) and has at most 2" in said


def test_a_service_that_outgrows_its_instances_warns(app: cdk.App, stack: cdk.Stack) -> None:
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[general(max_instances=3)])
    Service(stack, "Web", cluster=cluster, task=ARM, scaling=Scaling(2, 10, cpu_percent=60))
    (warning,) = warnings_of(app, "Shop")
    assert "maximum of scaling is 10, but" in warning
    assert "so 4 copies would wait" in warning


def test_room_on_several_capacities_is_added(app: cdk.App, stack: cdk.Stack) -> None:
    one, other = general(max_instances=1), general(name="other", max_instances=1)
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[one, other])
    Service(stack, "Web", cluster=cluster, task=ARM, scaling=Scaling(3), capacity={one: 1, other: 1})
    app.synth()  # the first has room for two of the three, and the complete stage is checked here


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"placement": Placement.on_each_instance(), "scaling": Scaling(2)}, "scaling does not apply to a daemon"),
        ({"assign_public_ip": True}, "assign_public_ip=True requires Fargate"),
        (
            {"capacity": Capacity.fargate(), "placement": Placement.on_each_instance()},
            "since AWS itself decides the placement",
        ),
        (
            {
                "task": Task(Container("redis:8"), network_mode=NetworkMode.BRIDGE, architecture=Architecture.ARM64),
                "egress": (6379,),
            },
            "egress does not apply in bridge mode, in which tasks have no network interface of",
        ),
        (
            {"task": Task(Container("redis:8"), ephemeral_storage_gib=30, architecture=Architecture.ARM64)},
            "ephemeral_storage_gib must be left out on instances of an Auto Scaling group",
        ),
    ],
)
def test_arguments_that_a_kind_of_capacity_does_not_support_are_refused(
    stack: cdk.Stack, arguments: dict[str, Any], says: str
) -> None:
    assert says in refused(stack, general(), Capacity.fargate(), **arguments)


def test_a_daemon_has_no_placement_strategies(stack: cdk.Stack) -> None:
    both = Placement(daemon=True, strategies=[ecs.PlacementStrategy.spread_across_instances()])
    assert "a daemon runs on every instance; leave strategies= out" in refused(stack, placement=both)


@pytest.mark.parametrize(("ami", "least"), [(Ami.al2023(), 30), (Ami.windows(), 50), (Ami.bottlerocket(), 1)])
def test_the_volume_of_an_instance_is_large_enough_for_its_ami(ami: Ami, least: int) -> None:
    assert ContainerInstance(ami=ami, volume_gib=least).volume_gib == least
    with pytest.raises(ValueError, match=rf"volume_gib must be .* \(got {least - 1}\); use {least} or more"):
        ContainerInstance(ami=ami, volume_gib=least - 1)
    with pytest.raises(ValueError, match=r"volume_gib must be .* \(got 65,537\)"):
        ContainerInstance(ami=ami, volume_gib=65537)


def test_a_capacity_may_have_a_reserved_name_since_cloudformation_names_its_provider() -> None:
    assert [general(name=name).name for name in ("ecs-spot", "aws", "Fargate1")] == ["ecs-spot", "aws", "Fargate1"]
    with pytest.raises(ValueError, match="not start with aws, ecs or fargate"):
        Capacity.from_provider_name("ecs-spot")


def test_the_minimum_of_a_warm_pool_is_at_most_its_maximum() -> None:
    with pytest.raises(ValueError, match=r"\(got min_instances=20 with a maximum of 10\)"):
        general(warm_pool=WarmPool(min_instances=20))


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ({}, "weights must not be empty"),
        ({"general": 1}, r"got a dict with the key 'general' of type str\); use a Capacity such as"),
        ("general", "got 'general' of type str"),
        ({Capacity.fargate(): True}, "got a dict with a value of type bool for a Capacity"),
        ({Capacity.fargate(): 0.5}, "got a dict with a value of type float for a Capacity"),
    ],
)
def test_a_strategy_needs_capacities_and_whole_numbers(weights: Any, says: str) -> None:
    with pytest.raises((TypeError, ValueError), match=says):
        Strategy(weights)


def test_another_capacity_of_the_same_name_is_refused(stack: cdk.Stack) -> None:
    assert (
        "capacity 'general' must be the same object as the cluster's capacity with this name; "
        "create the capacity once, and use the same object in capacity=[...] of the cluster"
    ) in refused(stack, capacity=general())


def test_a_cluster_of_cdk_has_no_capacity_of_moorage(stack: cdk.Stack) -> None:
    cluster = ecs.Cluster(stack, "Plain", vpc=imported_vpc(stack))
    with pytest.raises(ValueError, match="must exist already, since an imported cluster defines no instances"):
        Service(stack, "Web", cluster=cluster, task=ARM, capacity=general())


@pytest.mark.parametrize(
    "method",
    [
        "add_capacity",
        "add_asg_capacity_provider",
        "add_managed_instances_capacity_provider",
        "enable_fargate_capacity_providers",
    ],
)
def test_a_cluster_has_one_list_of_capacities(stack: cdk.Stack, method: str) -> None:
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack))
    with pytest.raises(ValueError, match=f"Shop/Cluster: {method} must not be called, since a cluster has one list"):
        getattr(cluster, method)()


def test_a_cluster_has_one_default_strategy(stack: cdk.Stack) -> None:
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack))
    with pytest.raises(ValueError, match=r"add_default_capacity_provider_strategy .*; use Cluster\(default_strategy="):
        cluster.add_default_capacity_provider_strategy([])  # type: ignore[arg-type]  # type checkers refuse it, too


def test_a_task_that_fits_on_no_managed_instance_is_refused(stack: cdk.Stack) -> None:
    small = InstanceRequirements(vcpus=(2, 4), memory_mib=(1, None), architecture=Architecture.ARM64)
    large = Task(Container("redis:8"), cpu=16384, memory_mib=4096, architecture=Architecture.ARM64)
    managed = Capacity.managed_instances("managed", requirements=small)
    assert "no instance type that capacity 'managed' allows holds the task" in refused(stack, managed, task=large)


@pytest.mark.filterwarnings("ignore:.*'m99g")
@pytest.mark.parametrize(
    ("types", "holds"),
    [
        ({"allowed_instance_types": ["m7i.*", "c7i.large"]}, False),
        ({"allowed_instance_types": ["m7i.*", "m7g.large"]}, True),
        ({"allowed_instance_types": ["m7i.*", "m99g.*"]}, True),
        ({"excluded_instance_types": ["m7g.*"]}, True),
        ({"excluded_instance_types": ["*g*", "a1.*"]}, False),
    ],
)
def test_a_task_must_fit_on_a_managed_instance_of_an_allowed_type(
    *, stack: cdk.Stack, types: dict[str, Any], holds: bool
) -> None:
    managed = Capacity.managed_instances("managed", **types)
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[managed])
    with nullcontext() if holds else pytest.raises(ValueError, match="and ARM64, but no instance type"):
        Service(stack, "Web", cluster=cluster, task=ARM)


def test_a_task_must_fit_on_the_type_that_is_launched_first(stack: cdk.Stack) -> None:
    large = Task(Container("redis:8"), memory_mib=12_000, architecture=Architecture.ARM64)
    said = refused(stack, general(instance_types=["m7g.medium", "m7g.2xlarge"]), task=large)
    assert "task needs 12000 MiB, but m7g.medium has 3454, and capacity 'general' launches that type first" in said


def test_types_that_are_too_small_for_the_task_warn(app: cdk.App, stack: cdk.Stack) -> None:
    large = Task(Container("redis:8"), memory_mib=12_000, architecture=Architecture.ARM64)
    mixed = general(instance_types=["m7g.2xlarge", "m7g.medium"])
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[mixed])
    Service(stack, "Web", cluster=cluster, task=large)
    (warning,) = warnings_of(app, "Shop")
    assert "m7g.medium may be launched, but cannot hold a task of this service" in warning


def test_bottlerocket_runs_privileged_containers_only_if_it_is_configured_to(stack: cdk.Stack) -> None:
    privileged = Task(Container("redis:8", privileged=True), architecture=Architecture.ARM64)
    bottlerocket = general(instance=ContainerInstance(ami=Ami.bottlerocket()))
    assert "is privileged, which Bottlerocket does not allow by default" in refused(
        stack, bottlerocket, task=privileged
    )
    with pytest.raises(ValueError, match=r"user_data must not have the header \[settings.ecs\]"):
        ContainerInstance(ami=Ami.bottlerocket(), user_data=["[settings.ecs]"])


def test_a_route_to_instances_with_an_unknown_security_group_is_refused(stack: cdk.Stack) -> None:
    vpc = imported_vpc(stack)
    bridged = Task(Container("redis:8", port=6379), network_mode=NetworkMode.BRIDGE)
    existing = Capacity.from_provider_name("theirs")
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[existing])
    with pytest.raises(ValueError, match="route leads to instances of capacity 'theirs', whose security group is not"):
        Service(stack, "Web", cluster=cluster, task=bridged, route=Route(LoadBalancer(stack, "Edge", vpc=vpc)))


def test_tokens_pass_unchecked(stack: cdk.Stack) -> None:
    number: Any = cdk.Token.as_number({"Ref": "Most"})
    one = general(max_instances=number, on_demand_base=0)
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[one])
    task = Task(Container("redis:8"), cpu=number, memory_mib=number, architecture=Architecture.ARM64)
    Service(stack, "Web", cluster=cluster, task=task, scaling=Scaling(number))


def test_cpu_may_be_left_out_on_instances_and_is_computed_on_fargate(stack: cdk.Stack) -> None:
    free = Task(Container("redis:8"), cpu=None, memory_mib=512, architecture=Architecture.ARM64)
    assert general().fit(free)[0].limiting_resources == ("network interfaces",)
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[Capacity.fargate()])
    Service(stack, "Web", cluster=cluster, task=free)
    template(stack).has_resource_properties("AWS::ECS::TaskDefinition", {"Cpu": "256", "Memory": "512"})


def test_two_services_with_one_host_port_need_an_instance_each(app: cdk.App, stack: cdk.Stack) -> None:
    fixed = Task(
        Container("redis:8", port=6379, host_port=80), network_mode=NetworkMode.BRIDGE, architecture=Architecture.ARM64
    )
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[general(max_instances=3)])
    for name in ("Web", "Api"):
        Service(cdk.Stack(app, name), name, cluster=cluster, task=fixed, scaling=Scaling(2))
    with pytest.raises(RuntimeError, match=r"need 4 instances with port 80 free in total, but .* has at most 3 on 3"):
        app.synth()


def test_services_that_do_not_fit_together_fail_synthesis(app: cdk.App, stack: cdk.Stack) -> None:
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[general(max_instances=3)])
    for name in ("Web", "Api"):
        Service(cdk.Stack(app, name), name, cluster=cluster, task=ARM, scaling=Scaling(4))
    with pytest.raises(
        RuntimeError, match=r"Web/Web \(4\), Api/Api \(4\) need 8 network interfaces .* has at most 6 on"
    ):
        app.synth()


def test_copies_have_the_room_that_daemons_leave(app: cdk.App, stack: cdk.Stack) -> None:
    one = general(instance_types=["m7g.large"], max_instances=2)
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[one])
    agent = Task(Container("redis:8"), cpu=1024, memory_mib=512, architecture=Architecture.ARM64)
    web = Task(Container("redis:8"), cpu=1536, memory_mib=512, architecture=Architecture.ARM64)
    rollout = Rollout.rolling(minimum_healthy_percent=50, maximum_percent=100)
    Service(stack, "Agent", cluster=cluster, task=agent, placement=Placement.on_each_instance())
    Service(stack, "Web", cluster=cluster, task=web, scaling=Scaling(2), rollout=rollout)
    with pytest.raises(
        RuntimeError,
        match=r"Shop/Agent \(one on each instance\), Shop/Web \(2\) need 3072 CPU units in total, .* at most 2048 on 2",
    ):
        app.synth()


def test_user_data_with_a_secret_is_refused() -> None:
    line = "export TOKEN={{resolve:secretsmanager:shop:SecretString:token}}"
    message = (
        "user_data must not contain the value of a secret, since everyone who may describe the launch template can "
        "read the value; read "
    )
    with pytest.raises(ValueError, match=message) as refused:
        ContainerInstance(user_data=["yum -y update", line])
    assert "SecretString" not in str(refused.value)
    with pytest.raises(ValueError, match=message):
        ContainerInstance(user_data="set -e\nexport API_TOKEN=abc\nrun")
    assert ContainerInstance(user_data="yum -y update\nexport API_TOKEN=$(cat /run/token)")


def constrained(stack: cdk.Stack, expression: str, *capacities: Capacity) -> None:
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=capacities)
    placement = Placement(constraints=[ecs.PlacementConstraint.member_of(expression)])
    strategy = dict.fromkeys(capacities, 1)
    Service(stack, "Web", cluster=cluster, task=ARM, capacity=strategy, placement=placement)


@pytest.mark.parametrize(
    "expression",
    ["attribute:ecs.instance-type == c7g.large", "attribute:ecs.instance-type in [c7g.large, c6g.large]"],
)
def test_a_constraint_to_types_that_are_never_launched_warns_of_unplaced_tasks(
    stack: cdk.Stack, expression: str
) -> None:
    with pytest.warns(UserWarning, match="capacity 'general' launches only m7g.large, so no task would be placed"):
        constrained(stack, expression, general(instance_types=["m7g.large"]))


@pytest.mark.parametrize(
    "expression",
    [
        "attribute:ecs.instance-type == m7g.large",
        "attribute:ecs.instance-type in [c7g.large, m7g.large]",
        "attribute:ecs.instance-type =~ m7g.*",
        "attribute:ecs.instance-type != c7g.large",
        "not(attribute:ecs.instance-type == c7g.large)",
        "attribute:stack == c7g.large",
    ],
)
def test_a_constraint_that_an_instance_meets_does_not_warn(stack: cdk.Stack, expression: str) -> None:
    constrained(stack, expression, general(instance_types=["m7g.large"]))


def test_a_constraint_to_the_types_of_one_of_two_capacities_does_not_warn(stack: cdk.Stack) -> None:
    other = general(name="other", instance_types=["c7g.large"])
    constrained(stack, "attribute:ecs.instance-type == c7g.large", general(instance_types=["m7g.large"]), other)


def test_a_constraint_to_types_that_ec2_may_choose_does_not_warn(stack: cdk.Stack) -> None:
    chosen = InstanceRequirements(vcpus=(2, 4), memory_mib=(4096, None), architecture=Architecture.ARM64)
    other = general(name="other", instance_types=None, requirements=chosen)
    constrained(stack, "attribute:ecs.instance-type == c7g.large", general(instance_types=["m7g.large"]), other)


def test_a_daemon_runs_everywhere_alike(stack: cdk.Stack) -> None:
    one, other = general(), general(name="other")
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[one, other])
    everywhere = Placement.on_each_instance()
    for capacity in (Strategy({one: 1, other: 2}), Strategy({one: 1}, base={one: 2})):
        with pytest.raises(ValueError, match="capacity of a daemon must have equal weights and no base"):
            Service(stack, "Agent", cluster=cluster, task=ARM, placement=everywhere, capacity=capacity)
    Service(stack, "Agent", cluster=cluster, task=ARM, placement=everywhere, capacity={one: 1, other: 1})


def test_trunking_of_a_type_that_aws_does_not_list_is_warned_of() -> None:
    unlisted = next(
        each.name
        for each in instance_types()
        if each.trunk_tasks is None and not each.burstable and each.architecture is Architecture.X86_64
    )
    with pytest.warns(UserWarning, match=f"trunking=True may have no effect on {unlisted}, which AWS"):
        general(instance_types=[unlisted], trunking=True)


def test_what_managed_instances_hold_is_not_known() -> None:
    assert Capacity.managed_instances("managed").fit(ARM) == ()


def test_managed_instances_run_privileged_containers_and_are_placed_by_aws(stack: cdk.Stack) -> None:
    managed = Capacity.managed_instances("managed")
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[managed])
    task = Task(Container("redis:8", privileged=True), cpu=256, memory_mib=512, architecture=Architecture.ARM64)
    Service(stack, "Web", cluster=cluster, task=task)
    only = Placement(constraints=[ecs.PlacementConstraint.member_of("attribute:ecs.instance-type == m7g.large")])
    with pytest.raises(ValueError, match=r"Auto Scaling groups \(got Managed Instances\)") as refused:
        Service(stack, "Other", cluster=cluster, task=ARM, placement=only)
    assert "would be placed" not in str(refused.value)

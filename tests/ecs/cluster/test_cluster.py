"""The instances of a cluster, the services that run on them, and the order of their deletion."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Match

from moorage import (
    Ami,
    Architecture,
    Capacity,
    CapacityReservations,
    Cluster,
    Container,
    ContainerInstance,
    Endpoints,
    ExecSessions,
    InstanceRequirements,
    LoadBalancer,
    ManagedScaling,
    Network,
    NetworkMode,
    OperatingSystemFamily,
    Placement,
    Route,
    Service,
    Strategy,
    Task,
    WarmPool,
)
from moorage.ecs.capacity.instance_specification import InstanceGroupSpecification
from moorage.testing import readable_template
from tests.conftest import imported_vpc, template, warnings_of

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

ARM = Task(Container("redis:8", port=6379), architecture=Architecture.ARM64)
GROUP, TEMPLATE, PROVIDER = (
    "AWS::AutoScaling::AutoScalingGroup",
    "AWS::EC2::LaunchTemplate",
    "AWS::ECS::CapacityProvider",
)
RESERVED = "arn:aws:resource-groups:eu-west-1:111111111111:group/gpus"


def general(**arguments: Any) -> Capacity:
    return Capacity.ec2(
        **{"name": "general", "instance_types": ["m7g.large", "m6g.large"], "max_instances": 10, **arguments}
    )


def cluster_of(stack: cdk.Stack, *capacity: Capacity) -> Cluster:
    return Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=capacity or [general()])


def only(stack: cdk.Stack, resource_type: str) -> Any:
    (found,) = template(stack).find_resources(resource_type).values()
    return found


def user_data(stack: cdk.Stack) -> str:
    parts = only(stack, TEMPLATE)["Properties"]["LaunchTemplateData"]["UserData"]["Fn::Base64"]["Fn::Join"][1]
    return "".join(part if isinstance(part, str) else "<cluster>" for part in parts)


def test_instances_are_secure_by_default(stack: cdk.Stack) -> None:
    cluster_of(stack)
    data = only(stack, TEMPLATE)["Properties"]["LaunchTemplateData"]
    assert data["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}
    assert all(device["Ebs"]["Encrypted"] for device in data["BlockDeviceMappings"])
    assert [each["AssociatePublicIpAddress"] for each in data["NetworkInterfaces"]] == [False]
    assert "KeyName" not in data
    (group,) = template(stack).find_resources("AWS::EC2::SecurityGroup").values()
    assert "SecurityGroupIngress" not in group["Properties"]
    assert [(rule["FromPort"], rule["ToPort"]) for rule in group["Properties"]["SecurityGroupEgress"]] == [(443, 443)]


def test_tasks_cannot_use_the_role_of_the_instance(stack: cdk.Stack) -> None:
    cluster_of(stack)
    lines = user_data(stack).splitlines()
    assert "ECS_AWSVPC_BLOCK_IMDS=true" in lines
    assert any("--in-interface docker+ --destination 169.254.169.254/32 --jump DROP" in line for line in lines)


def test_bottlerocket_is_configured_by_toml(stack: cdk.Stack) -> None:
    kernel = ["[settings.kernel]", 'lockdown = "integrity"']
    cluster_of(
        stack, general(instance=ContainerInstance(ami=Ami.bottlerocket(), user_data=kernel), warm_pool=WarmPool())
    )
    assert user_data(stack).splitlines() == [
        "[settings.autoscaling]",
        "should-wait = true",
        "[settings.ecs.instance-attributes]",
        '"moorage.capacity" = "general"',
        "[settings.ecs]",
        'cluster = "<cluster>"',
        "awsvpc-block-imds = true",
        "reserved-memory = 256",
        *kernel,
    ]


WINDOWS = OperatingSystemFamily.WINDOWS_SERVER_2022_CORE


def test_windows_is_configured_by_powershell(stack: cdk.Stack) -> None:
    joined = ["Add-Computer -DomainName 'corp.example.com'"]
    windows = ContainerInstance(ami=Ami.windows(WINDOWS), user_data=joined)
    cluster_of(stack, general(instance_types=["m7i.large", "m6i.large"], instance=windows, spot=True))
    assert user_data(stack).splitlines() == [
        "<powershell>",
        "[Environment]::SetEnvironmentVariable('ECS_RESERVED_MEMORY', '256', 'Machine')",
        "[Environment]::SetEnvironmentVariable('ECS_INSTANCE_ATTRIBUTES', "
        """'{"moorage.capacity": "general"}', 'Machine')""",
        "[Environment]::SetEnvironmentVariable('ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE', 'true', 'Machine')",
        "[Environment]::SetEnvironmentVariable('ECS_ENABLE_SPOT_INSTANCE_DRAINING', 'true', 'Machine')",
        *joined,
        "Import-Module ECSTools",
        "Initialize-ECSAgent -Cluster '<cluster>' -EnableTaskIAMRole -EnableTaskENI -AwsvpcBlockIMDS "
        """-LoggingDrivers '["json-file","awslogs"]'""",
        "</powershell>",
    ]
    data = only(stack, TEMPLATE)["Properties"]["LaunchTemplateData"]
    (device,) = data["BlockDeviceMappings"]
    assert (device["DeviceName"], device["Ebs"]["VolumeSize"], device["Ebs"]["Encrypted"]) == ("/dev/sda1", 50, True)


def test_a_task_in_active_directory_runs_on_windows_of_its_version(stack: cdk.Stack) -> None:
    windows = general(instance_types=["m7i.large"], instance=ContainerInstance(ami=Ami.windows(WINDOWS)))
    cluster = cluster_of(stack, windows)
    container = Container(
        "iis:1", port=80, credential_spec="credentialspec:arn:aws:ssm:eu-west-1:111111111111:parameter/a"
    )
    task = Task(container, cpu=1024, memory_mib=2048, operating_system_family=WINDOWS)
    Service(stack, "Web", cluster=cluster, task=task)
    template(stack).has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "RuntimePlatform": {"CpuArchitecture": "X86_64", "OperatingSystemFamily": "WINDOWS_SERVER_2022_CORE"},
            "RequiresCompatibilities": ["EC2"],
        },
    )


@pytest.mark.parametrize(
    ("system", "asked"),
    [
        (OperatingSystemFamily.WINDOWS_SERVER_2019_FULL, WINDOWS),
        (WINDOWS, OperatingSystemFamily.LINUX),
        (OperatingSystemFamily.LINUX, WINDOWS),
    ],
)
def test_a_task_for_another_operating_system_is_refused(
    stack: cdk.Stack, system: OperatingSystemFamily, asked: OperatingSystemFamily
) -> None:
    ami = Ami.al2023() if system is OperatingSystemFamily.LINUX else Ami.windows(system)
    cluster = cluster_of(stack, general(instance_types=["m7i.large"], instance=ContainerInstance(ami=ami)))
    with pytest.raises(ValueError, match="operating_system_family is") as raised:
        Service(stack, "Web", cluster=cluster, task=Task(Container("iis:1"), operating_system_family=asked))
    assert (
        f"Shop/Web: operating_system_family is {asked.value!r}, but instances of capacity 'general' run "
        f"{system.value}; use a capacity with a matching AMI, such as "
        f"{'Ami.al2023()' if asked is OperatingSystemFamily.LINUX else 'Ami.windows(...)'}"
    ) in str(raised.value)


def test_instances_span_every_private_subnet_and_roll_even_if_they_are_protected(stack: cdk.Stack) -> None:
    cluster_of(stack)
    group = only(stack, GROUP)
    assert group["Properties"]["VPCZoneIdentifier"] == ["subnet-1", "subnet-2"]
    refresh = group["UpdatePolicy"]["AutoScalingInstanceRefresh"]["Preferences"]
    assert refresh["ScaleInProtectedInstances"] == "Refresh"
    assert refresh["MinHealthyPercentage"] == 100


def test_a_deployment_does_not_reset_the_number_of_instances(stack: cdk.Stack) -> None:
    cluster_of(stack)
    assert "DesiredCapacity" not in only(stack, GROUP)["Properties"]


def test_ecs_drains_instances_itself(stack: cdk.Stack) -> None:
    cluster_of(stack)
    template(stack).has_resource_properties(PROVIDER, {"AutoScalingGroupProvider": {"ManagedDraining": "ENABLED"}})
    template(stack).resource_count_is("AWS::Lambda::Function", 0)
    template(stack).resource_count_is("AWS::AutoScaling::LifecycleHook", 0)


def test_scaling_can_be_set(stack: cdk.Stack) -> None:
    scaling = ManagedScaling(target_percent=80, maximum_scaling_step_size=5, instance_warmup=cdk.Duration.minutes(2))
    cluster_of(stack, general(scaling=scaling))
    managed = only(stack, PROVIDER)["Properties"]["AutoScalingGroupProvider"]["ManagedScaling"]
    assert managed == {
        "Status": "ENABLED",
        "TargetCapacity": 80,
        "MaximumScalingStepSize": 5,
        "InstanceWarmupPeriod": 120,
    }


def test_the_base_of_a_spot_capacity_is_on_demand(stack: cdk.Stack) -> None:
    cluster_of(stack, general(spot=True, on_demand_base=2))
    group = only(stack, GROUP)["Properties"]
    assert group["CapacityRebalance"] is True
    assert group["MixedInstancesPolicy"]["InstancesDistribution"] == {
        "OnDemandAllocationStrategy": "prioritized",
        "OnDemandBaseCapacity": 2,
        "OnDemandPercentageAboveBaseCapacity": 0,
        "SpotAllocationStrategy": "price-capacity-optimized",
    }
    assert "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true" in user_data(stack)


def test_one_type_needs_no_mixed_instances_policy(stack: cdk.Stack) -> None:
    cluster_of(stack, general(instance_types=["m7g.large"]))
    group = only(stack, GROUP)["Properties"]
    assert "LaunchTemplate" in group
    assert "MixedInstancesPolicy" not in group


def test_a_group_can_notify_a_topic_and_allow_session_manager(stack: cdk.Stack) -> None:
    topic = sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:eu-west-1:111111111111:topic")
    cluster_of(stack, general(notifications=topic, instance=ContainerInstance(ssm_access=True)))
    assert only(stack, GROUP)["Properties"]["NotificationConfigurations"][0]["TopicARN"] == topic.topic_arn
    assert "AmazonSSMManagedInstanceCore" in json.dumps(only(stack, "AWS::IAM::Role"))


def test_a_group_that_notifies_a_fifo_topic_warns(stack: cdk.Stack) -> None:
    with pytest.warns(UserWarning, match="notifications of capacity .* should be a standard topic, .*EC2 Auto Scaling"):
        cluster_of(stack, general(notifications=sns.Topic(stack, "Topic", fifo=True)))


def test_a_stack_with_a_reserved_name_gives_its_provider_a_name(app: cdk.App) -> None:
    stack = cdk.Stack(app, "ecs-platform")
    cluster_of(stack)
    assert only(stack, PROVIDER)["Properties"]["Name"].startswith("cp-")


def test_services_are_deleted_before_the_capacity_that_they_use(stack: cdk.Stack) -> None:
    Service(stack, "Web", cluster=cluster_of(stack), task=ARM)
    resources = template(stack).to_json()["Resources"]

    def id_of(resource_type: str) -> str:
        found: str
        (found,) = [name for name, resource in resources.items() if resource["Type"] == resource_type]
        return found

    service, associations = id_of("AWS::ECS::Service"), id_of("AWS::ECS::ClusterCapacityProviderAssociations")
    provider, group = id_of(PROVIDER), id_of(GROUP)
    for first, then in [(service, associations), (associations, provider), (provider, group)]:
        assert f'{{"Ref": "{then}"}}' in json.dumps(resources[first]["Properties"])


@pytest.mark.parametrize("protected", [True, False])
def test_termination_protection_is_off_by_default_and_explains_deletion_if_on(
    *, stack: cdk.Stack, protected: bool
) -> None:
    cluster_of(stack, general(termination_protection=protected))
    provider = only(stack, PROVIDER)["Properties"]["AutoScalingGroupProvider"]
    assert provider["ManagedTerminationProtection"] == ("ENABLED" if protected else "DISABLED")
    assert only(stack, GROUP)["Properties"]["NewInstancesProtectedFromScaleIn"] is protected
    said = json.dumps(template(stack).find_outputs("*"))
    assert ("deploy with termination_protection=False and run: aws autoscaling" in said) is protected


def test_a_service_of_copies_never_has_a_launch_type(stack: cdk.Stack) -> None:
    one, spot = general(), general(name="spot", spot=True)
    Service(
        stack,
        "Web",
        cluster=cluster_of(stack, one, spot),
        task=ARM,
        capacity=Strategy({one: 1, spot: 3}, base={one: 2}),
    )
    service = only(stack, "AWS::ECS::Service")["Properties"]
    assert "LaunchType" not in service
    assert [(each.get("Base"), each["Weight"]) for each in service["CapacityProviderStrategy"]] == [(2, 1), (None, 3)]


def test_a_service_follows_the_default_strategy_of_the_cluster_only_if_told_to(stack: cdk.Stack) -> None:
    cluster = cluster_of(stack)
    Service(stack, "Web", cluster=cluster, task=ARM, capacity=cluster.default_strategy)
    service = only(stack, "AWS::ECS::Service")["Properties"]
    assert not {"LaunchType", "CapacityProviderStrategy"} & set(service)


def test_the_default_strategy_of_a_cluster_has_weights_and_a_base(stack: cdk.Stack) -> None:
    one, spot = general(), general(name="spot", spot=True)
    strategy = Strategy({one: 1, spot: 3}, base={one: 2})
    cluster = Cluster(
        stack, "Cluster", vpc=imported_vpc(stack), capacity=[Capacity.fargate(), one, spot], default_strategy=strategy
    )
    Service(stack, "Web", cluster=cluster, task=ARM)
    associations = only(stack, "AWS::ECS::ClusterCapacityProviderAssociations")["Properties"]
    default = associations["DefaultCapacityProviderStrategy"]
    assert [(each.get("Base"), each["Weight"]) for each in default] == [(2, 1), (None, 3)]
    assert [each["CapacityProvider"] for each in default] == associations["CapacityProviders"][1:]
    assert only(stack, "AWS::ECS::Service")["Properties"]["CapacityProviderStrategy"] == default
    assert cluster.default_strategy.weights == strategy.weights
    assert cluster.default_strategy.base == strategy.base
    assert cluster.default_strategy._follows_cluster


def test_a_cluster_has_the_capacities_of_its_default_strategy(stack: cdk.Stack) -> None:
    steady, spot = Capacity.fargate(), Capacity.fargate_spot()
    Cluster(stack, "Cluster", vpc=imported_vpc(stack), default_strategy={spot: 3, steady: 1})
    associations = only(stack, "AWS::ECS::ClusterCapacityProviderAssociations")["Properties"]
    assert associations["CapacityProviders"] == ["FARGATE_SPOT", "FARGATE"]
    assert [each["Weight"] for each in associations["DefaultCapacityProviderStrategy"]] == [3, 1]


def test_a_default_strategy_with_a_capacity_that_the_cluster_lacks_is_refused(stack: cdk.Stack) -> None:
    with pytest.raises(ValueError, match=r"default_strategy: capacity 'FARGATE' must be one of the cluster's"):
        Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[general()], default_strategy=Capacity.fargate())


def test_a_default_strategy_of_two_kinds_is_refused(stack: cdk.Stack) -> None:
    one, fargate = general(), Capacity.fargate()
    with pytest.raises(ValueError, match="must all be of one kind"):
        Cluster(
            stack,
            "Cluster",
            vpc=imported_vpc(stack),
            capacity=[one, fargate],
            default_strategy={one: 1, fargate: 1},
        )


def test_tasks_are_spread_over_zones_then_over_instances(stack: cdk.Stack) -> None:
    Service(stack, "Web", cluster=cluster_of(stack), task=ARM)
    service = only(stack, "AWS::ECS::Service")["Properties"]
    assert service["PlacementStrategies"] == [
        {"Type": "spread", "Field": "attribute:ecs.availability-zone"},
        {"Type": "spread", "Field": "instanceId"},
    ]
    assert service["AvailabilityZoneRebalancing"] == "ENABLED"


def test_packing_keeps_zones_even(stack: cdk.Stack) -> None:
    Service(stack, "Web", cluster=cluster_of(stack), task=ARM, placement=Placement.packed_by_memory())
    service = only(stack, "AWS::ECS::Service")["Properties"]
    assert service["PlacementStrategies"] == [
        {"Type": "spread", "Field": "attribute:ecs.availability-zone"},
        {"Type": "binpack", "Field": "memory"},
    ]
    assert service["AvailabilityZoneRebalancing"] == "ENABLED"


def test_a_strategy_that_ignores_zones_turns_rebalancing_off(stack: cdk.Stack) -> None:
    packed = Placement(strategies=[ecs.PlacementStrategy.packed_by_cpu()])
    Service(stack, "Web", cluster=cluster_of(stack), task=ARM, placement=packed)
    service = only(stack, "AWS::ECS::Service")["Properties"]
    assert service["AvailabilityZoneRebalancing"] == "DISABLED"
    assert service["PlacementStrategies"] == [{"Type": "binpack", "Field": "cpu"}]


def test_a_constraint_on_zones_turns_rebalancing_off(stack: cdk.Stack) -> None:
    kept = ecs.PlacementConstraint.member_of("attribute:ecs.availability-zone == eu-west-1a")
    Service(stack, "Web", cluster=cluster_of(stack), task=ARM, placement=Placement(constraints=[kept]))
    service = only(stack, "AWS::ECS::Service")["Properties"]
    assert service["AvailabilityZoneRebalancing"] == "DISABLED"


def test_a_daemon_runs_once_on_each_instance(stack: cdk.Stack) -> None:
    Service(stack, "Agent", cluster=cluster_of(stack), task=ARM, placement=Placement.on_each_instance())
    service = only(stack, "AWS::ECS::Service")["Properties"]
    assert service["SchedulingStrategy"] == "DAEMON"
    assert service["LaunchType"] == "EC2"
    assert "CapacityProviderStrategy" not in service
    assert service["PlacementConstraints"] == [
        {"Type": "memberOf", "Expression": "attribute:moorage.capacity in [general]"}
    ]
    assert 'ECS_INSTANCE_ATTRIBUTES={"moorage.capacity": "general"}' in user_data(stack).splitlines()
    assert "DesiredCount" not in service
    assert service["DeploymentConfiguration"]["MaximumPercent"] == 100


@pytest.mark.parametrize(
    ("container", "mode", "ports"),
    [
        ({}, NetworkMode.BRIDGE, (32768, 65535)),
        ({"host_port": 8080}, NetworkMode.BRIDGE, (8080, 8080)),
        ({}, NetworkMode.HOST, (6379, 6379)),
    ],
)
def test_a_load_balancer_reaches_tasks_through_the_interface_of_their_instance(
    app: cdk.App, container: dict[str, Any], mode: NetworkMode, ports: tuple[int, int]
) -> None:
    platform, services = cdk.Stack(app, "Platform"), cdk.Stack(app, "Services")
    cluster = cluster_of(platform)
    edge = LoadBalancer(platform, "Edge", vpc=cluster.vpc)
    task = Task(Container("redis:8", port=6379, **container), network_mode=mode, architecture=Architecture.ARM64)
    Service(services, "Web", cluster=cluster, task=task, route=Route(edge))
    Service(cdk.Stack(app, "More"), "Api", cluster=cluster, task=task, route=Route(edge, path="/api/*"))
    template(services).has_resource_properties("AWS::ElasticLoadBalancingV2::TargetGroup", {"TargetType": "instance"})
    for rule, opened in (("Ingress", "SourceSecurityGroupId"), ("Egress", "DestinationSecurityGroupId")):
        found = template(platform).find_resources(
            f"AWS::EC2::SecurityGroup{rule}",
            {"Properties": {"FromPort": ports[0], "ToPort": ports[1], opened: Match.any_value()}},
        )
        assert len(found) == 1, "two stacks would define the same rule"
        template(services).resource_count_is(f"AWS::EC2::SecurityGroup{rule}", 0)
    assert "NetworkConfiguration" not in only(services, "AWS::ECS::Service")["Properties"]
    template(services).resource_count_is("AWS::EC2::SecurityGroup", 0)


def test_a_service_without_interfaces_of_its_own_uses_the_connections_of_its_instances(app: cdk.App) -> None:
    platform, services = cdk.Stack(app, "Platform"), cdk.Stack(app, "Services")
    task = Task(Container("redis:8", port=6379), network_mode=NetworkMode.BRIDGE, architecture=Architecture.ARM64)
    web = Service(services, "Web", cluster=cluster_of(platform), task=task)
    web.connections.allow_from(ec2.Peer.ipv4("10.1.0.0/16"), ec2.Port.tcp(6379))
    template(services).has_resource_properties(
        "AWS::EC2::SecurityGroupIngress", {"CidrIp": "10.1.0.0/16", "FromPort": 6379}
    )


def test_host_mode_on_managed_instances_uses_the_security_group_of_the_instance(stack: cdk.Stack) -> None:
    task = Task(Container("redis:8", port=6379), network_mode=NetworkMode.HOST)
    Service(stack, "Web", cluster=cluster_of(stack, Capacity.managed_instances("managed")), task=task)
    assert "NetworkConfiguration" not in only(stack, "AWS::ECS::Service")["Properties"]
    assert only(stack, "AWS::ECS::TaskDefinition")["Properties"]["RequiresCompatibilities"] == ["MANAGED_INSTANCES"]


def test_managed_instances_have_the_given_properties(stack: cdk.Stack) -> None:
    managed = Capacity.managed_instances("managed", spot=True, scale_in_delay=cdk.Duration.minutes(5), volume_gib=100)
    cluster_of(stack, managed)
    provider = only(stack, PROVIDER)["Properties"]["ManagedInstancesProvider"]
    assert provider["InfrastructureOptimization"] == {"ScaleInAfter": 300}
    assert provider["InstanceLaunchTemplate"]["CapacityOptionType"] == "SPOT"
    assert provider["InstanceLaunchTemplate"]["StorageConfiguration"] == {"StorageSizeGiB": 100}


@pytest.mark.parametrize(("auto_repair", "status"), [(True, "ENABLED"), (False, "DISABLED")])
def test_impaired_managed_instances_are_replaced_or_not(stack: cdk.Stack, *, auto_repair: bool, status: str) -> None:
    cluster_of(stack, Capacity.managed_instances("managed", auto_repair=auto_repair))
    provider = only(stack, PROVIDER)["Properties"]["ManagedInstancesProvider"]
    assert provider["AutoRepairConfiguration"] == {"ActionsStatus": status}


@pytest.mark.parametrize(
    ("reservations", "rendered"),
    [
        (
            CapacityReservations.only(group_arn=RESERVED),
            {"ReservationPreference": "RESERVATIONS_ONLY", "ReservationGroupArn": RESERVED},
        ),
        (CapacityReservations.first(), {"ReservationPreference": "RESERVATIONS_FIRST"}),
        (CapacityReservations.excluded(), {"ReservationPreference": "RESERVATIONS_EXCLUDED"}),
    ],
)
def test_managed_instances_use_capacity_reservations(
    stack: cdk.Stack, reservations: CapacityReservations, rendered: dict[str, str]
) -> None:
    cluster_of(stack, Capacity.managed_instances("managed", reservations=reservations))
    launch_template = only(stack, PROVIDER)["Properties"]["ManagedInstancesProvider"]["InstanceLaunchTemplate"]
    assert launch_template["CapacityOptionType"] == "RESERVED"
    assert launch_template["CapacityReservations"] == rendered


def test_managed_instances_say_nothing_of_repair_and_reservations_by_default(stack: cdk.Stack) -> None:
    cluster_of(stack, Capacity.managed_instances("managed"))
    provider = only(stack, PROVIDER)["Properties"]["ManagedInstancesProvider"]
    assert "AutoRepairConfiguration" not in provider
    assert provider["InstanceLaunchTemplate"]["CapacityOptionType"] == "ON_DEMAND"
    assert "CapacityReservations" not in provider["InstanceLaunchTemplate"]


def test_reservations_on_spot_are_refused() -> None:
    with pytest.raises(ValueError, match="reservations must not be used with spot=True"):
        Capacity.managed_instances("managed", spot=True, reservations=CapacityReservations.first())


def test_reservations_of_another_region_are_refused(app: cdk.App) -> None:
    stack = cdk.Stack(app, "There", env=cdk.Environment(account="111111111111", region="eu-central-1"))
    managed = Capacity.managed_instances("managed", reservations=CapacityReservations.only(group_arn=RESERVED))
    with pytest.raises(ValueError, match="reservations of capacity 'managed' must be in region eu-central-1"):
        Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[managed])


@pytest.mark.parametrize(
    ("capacities", "associated"),
    [
        ([Capacity.managed_instances("managed")], []),
        ([Capacity.fargate(), Capacity.managed_instances("managed")], ["FARGATE"]),
    ],
)
def test_managed_instances_are_in_the_default_strategy_and_not_associated(
    stack: cdk.Stack, capacities: list[Capacity], associated: list[str]
) -> None:
    Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=capacities)
    (properties,) = (
        each["Properties"]
        for each in template(stack).find_resources("AWS::ECS::ClusterCapacityProviderAssociations").values()
    )
    assert properties["CapacityProviders"] == associated
    default_provider = properties["DefaultCapacityProviderStrategy"][0]["CapacityProvider"]
    assert default_provider == (associated[0] if associated else {"Ref": "ClustermanagedinstancesProvider622913FB"})


def test_an_existing_provider_of_managed_instances_is_refused(stack: cdk.Stack) -> None:
    existing = Capacity.from_provider_name("managed", managed_instances=True)
    with pytest.raises(
        ValueError, match="'managed' must not be an existing capacity provider of ECS Managed Instances, since"
    ):
        Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[existing])


def test_a_cluster_returns_the_instances_of_a_capacity(stack: cdk.Stack) -> None:
    one = general()
    cluster = cluster_of(stack, one, Capacity.fargate())
    defined = cluster.capacity(one)
    assert defined.connections.security_groups
    assert cluster._provider_name(one) == defined.provider_name
    assert {name: fits[0].copies for name, fits in cluster.fit(ARM).items()} == {"general": 2}
    with pytest.raises(
        ValueError, match=r"Shop/Cluster: this cluster defines no instances for capacity 'other'; use 'general'"
    ):
        cluster.capacity(general(name="other"))


def test_instances_run_in_subnets_that_are_known_only_by_their_ids(app: cdk.App, stack: cdk.Stack) -> None:
    subnet = ec2.Subnet.from_subnet_id(stack, "Subnet", "subnet-7")
    general = Capacity.ec2(
        "general",
        instance_types=["m7i.large"],
        max_instances=2,
        vpc_subnets=ec2.SubnetSelection(subnets=[subnet]),
    )
    Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[general])
    template(stack).has_resource_properties("AWS::AutoScaling::AutoScalingGroup", {"VPCZoneIdentifier": ["subnet-7"]})
    assert not warnings_of(app, "Shop")


def test_instances_in_one_zone_warn(app: cdk.App, stack: cdk.Stack) -> None:
    subnet = ec2.SubnetSelection(availability_zones=["eu-west-1a"])
    cluster_of(stack, general(vpc_subnets=subnet))
    (warning,) = warnings_of(app, "Shop")
    assert (
        "all subnets of these instances are in one Availability Zone, so all instances and their tasks fail" in warning
    )


@pytest.mark.parametrize(("zones", "warned"), [(1, True), (2, False)])
def test_instances_in_one_zone_warn_even_if_the_region_is_not_known(
    *, app: cdk.App, stack: cdk.Stack, zones: int, warned: bool
) -> None:
    Cluster(stack, "Cluster", vpc=ec2.Vpc(stack, "Vpc", max_azs=zones), capacity=[general()])
    assert any("in one Availability Zone" in warning for warning in warnings_of(app, "Shop")) is warned


def test_instances_can_have_public_addresses_in_public_subnets_without_nat(app: cdk.App, stack: cdk.Stack) -> None:
    network = Network(stack, "Network", nat_gateways=0)
    one = general(assign_public_ip=True)
    cluster = Cluster(stack, "Cluster", vpc=network.vpc, capacity=[one])
    Service(stack, "Web", cluster=cluster, task=ARM)
    data = only(stack, TEMPLATE)["Properties"]["LaunchTemplateData"]
    assert [each["AssociatePublicIpAddress"] for each in data["NetworkInterfaces"]] == [True]
    public = [stack.resolve(each.subnet_id) for each in network.vpc.public_subnets]
    assert only(stack, GROUP)["Properties"]["VPCZoneIdentifier"] == public
    assert not [each for each in warnings_of(app, "Shop") if "reach" in each]


def test_instances_with_public_addresses_in_private_subnets_are_refused(stack: cdk.Stack) -> None:
    vpc = Network(stack, "Network").vpc
    for selection in (
        ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
        ec2.SubnetSelection(subnet_group_name="Private"),
        ec2.SubnetSelection(subnets=vpc.private_subnets[:1]),
    ):
        one = general(assign_public_ip=True, vpc_subnets=selection)
        with pytest.raises(
            ValueError, match=r"must be public subnets if assign_public_ip=True \(got Shop/Network/.*PrivateSubnet1"
        ):
            Cluster(stack, "Cluster", vpc=vpc, capacity=[one])


def test_instances_with_public_addresses_need_public_subnets_in_the_vpc(stack: cdk.Stack) -> None:
    vpc = ec2.Vpc(
        stack,
        "Vpc",
        subnet_configuration=[
            ec2.SubnetConfiguration(name="Inner", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24)
        ],
    )
    with pytest.raises(ValueError, match="vpc_subnets of capacity 'general' must select subnets of the VPC"):
        Cluster(stack, "Cluster", vpc=vpc, capacity=[general(assign_public_ip=True)])


def test_instances_that_cannot_reach_ecs_are_refused_with_the_endpoints(stack: cdk.Stack) -> None:
    network = Network(stack, "Network", nat_gateways=0, endpoints=Endpoints("logs"))
    with pytest.raises(ValueError, match="cannot reach 'ecs', 'ecs-agent', 'ecs-telemetry', which an instance needs"):
        Cluster(stack, "Cluster", vpc=network.vpc, capacity=[general()])


@pytest.mark.parametrize("subnets", [None, ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)])
def test_instances_in_isolated_subnets_of_another_vpc_are_warned_of(
    app: cdk.App, stack: cdk.Stack, subnets: ec2.SubnetSelection | None
) -> None:
    capacity = [general(vpc_subnets=subnets)]
    Cluster(stack, "Cluster", vpc=imported_vpc(stack, isolated=True), capacity=capacity)
    (warning,) = warnings_of(app, "Shop")
    assert (
        "the subnets of these instances have no route to the internet, as far as CDK knows, "
        "so the instances may not reach ecs, " in warning
    )


def test_instances_in_private_subnets_of_another_vpc_are_not_warned_of(app: cdk.App, stack: cdk.Stack) -> None:
    private = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)
    Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[general(vpc_subnets=private)])
    assert not warnings_of(app, "Shop")


def test_endpoints_for_tasks_on_instances_let_the_agent_join(stack: cdk.Stack) -> None:
    network = Network(stack, "Network", nat_gateways=0, endpoints=Endpoints.for_tasks(instances=True))
    Cluster(stack, "Cluster", vpc=network.vpc, capacity=[general()])


REQUIRED = InstanceRequirements(vcpus=(2, 8), memory_mib=(4096, 16384), architecture=Architecture.ARM64)


@pytest.mark.parametrize(
    "capacity",
    [
        pytest.param(lambda: [general(min_instances=2)], id="ec2"),
        pytest.param(
            lambda: [general(spot=True, on_demand_base=1, instance_types=None, requirements=REQUIRED)], id="spot"
        ),
        pytest.param(
            lambda: [general(instance_types=["m7g.large"], instance=ContainerInstance(ami=Ami.bottlerocket()))],
            id="bottlerocket-arm64",
        ),
        pytest.param(lambda: [general(instance_types=["g6.xlarge", "g5.xlarge"])], id="gpu"),
        pytest.param(lambda: [Capacity.managed_instances("managed", requirements=REQUIRED)], id="managed-instances"),
    ],
)
def test_whole_template(capacity: Any, stack: cdk.Stack, template_snapshot: SnapshotAssertion) -> None:
    (one,) = capacity()
    gpu = isinstance(one.instances, InstanceGroupSpecification) and one.instances.has_gpus
    task = Task(
        Container("redis:8", port=6379, gpus=int(gpu)),
        architecture=Architecture.X86_64 if gpu else Architecture.ARM64,
    )
    Service(stack, "Web", cluster=cluster_of(stack, one), task=task)
    assert readable_template(stack) == template_snapshot


def test_two_namespaces_with_the_same_name_are_refused(app: cdk.App) -> None:
    """Cloud Map has each name once in an account and region (botocore servicediscovery NamespaceAlreadyExists)."""
    place = cdk.Environment(account="111111111111", region="eu-west-1")
    for name in ("Test", "Live"):
        stack = cdk.Stack(cdk.Stage(app, name), "Shop", env=place)
        Cluster(stack, "Cluster", vpc=imported_vpc(stack), namespace="shop")
    with pytest.raises(
        RuntimeError, match="have the same name 'shop', but the name of each AWS::ServiceDiscovery::HttpNamespace"
    ):
        app.synth()


def test_the_key_of_sessions_and_the_log_groups_stay_exported(stack: cdk.Stack) -> None:
    Cluster(stack, "Cluster", vpc=imported_vpc(stack), exec_sessions=ExecSessions())
    values = [each["Value"] for each in template(stack).to_json()["Outputs"].values() if "Export" in each]
    resources = {each["Fn::GetAtt"][0] if "Fn::GetAtt" in each else each["Ref"] for each in values}
    names = {name.rstrip("0123456789ABCDEF") for name in resources}
    assert names >= {"ClusterSessions", "ClusterSessionKey", "ClusterForensicsLogs"}


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("add_default_cloud_map_namespace", {"name": "shop", "use_for_service_connect": True}),
        ("add_default_cloud_map_namespace", {"name": "shop.internal"}),
        ("add_existing_default_cloud_map_namespace", {"namespace": None}),
    ],
)
def test_a_default_namespace_is_refused(stack: cdk.Stack, method: str, arguments: dict[str, Any]) -> None:
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack))
    with pytest.raises(ValueError, match=rf"Cluster: {method} must not be called.*; use Cluster\(namespace=\.\.\.\)"):
        getattr(cluster, method)(**arguments)

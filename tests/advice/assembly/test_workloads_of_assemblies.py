"""The workloads of templates, as the advice needs them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from moorage.advice.assembly.workloads import Found, Skipped, workloads_of
from moorage.advice.workload import WorkloadKind
from moorage.cost.usage import Usage
from moorage.workload.task import Architecture, NetworkMode
from tests.cost.cost_rows import Resource, stack_of

TARGET = {"Fn::Join": ["/", ["service", {"Ref": "Cluster"}, {"Fn::GetAtt": ["Web", "Name"]}]]}


def task(**properties: Any) -> Resource:
    stated = {"Cpu": "512", "Memory": "1024", "NetworkMode": "awsvpc", "ContainerDefinitions": [{"Name": "web"}]}
    return Resource("ECS::TaskDefinition", {**stated, **properties})


def service(**properties: Any) -> Resource:
    stated = {"TaskDefinition": {"Ref": "Task"}, "Cluster": {"Ref": "Cluster"}, "DesiredCount": 2}
    return Resource("ECS::Service", {**stated, "LaunchType": "FARGATE", **properties})


def on(*strategy: Any) -> Resource:
    properties = {**service().properties, "CapacityProviderStrategy": [{"CapacityProvider": each} for each in strategy]}
    del properties["LaunchType"]
    return Resource("ECS::Service", properties)


def scaling(**properties: Any) -> Resource:
    stated = {"ResourceId": TARGET, "MinCapacity": 2, "MaxCapacity": 10, **properties}
    return Resource("ApplicationAutoScaling::ScalableTarget", stated)


def read(resources: dict[str, Resource], **use: float) -> Found:
    usage = Usage({key: Decimal(str(value)) for key, value in use.items()})
    (found,) = workloads_of([stack_of({"Cluster": Resource("ECS::Cluster"), **resources})], usage)
    assert isinstance(found, Found), found
    return found


def test_a_service_on_fargate() -> None:
    found = read({"Task": task(), "Web": service()})
    assert (found.path, found.cluster, found.current, found.region) == (
        "Shop/Web",
        "Shop/Cluster",
        "Fargate",
        "us-east-1",
    )
    workload = found.workload
    assert workload.kind is WorkloadKind.SERVICE
    assert (workload.cpu, workload.memory_mib, workload.least, workload.most) == (512, 1024, 2, 2)
    assert workload.architectures == (Architecture.X86_64,)
    assert workload.network_mode is NetworkMode.AWSVPC
    flags = (workload.interruptible, workload.daemon, workload.privileged, workload.host_volumes)
    assert not any(flags)


@pytest.mark.parametrize(
    ("properties", "fact", "value"),
    [
        ({"RuntimePlatform": {"CpuArchitecture": "ARM64"}}, "architectures", (Architecture.ARM64,)),
        ({"RuntimePlatform": {"OperatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}, "windows", True),
        ({"EphemeralStorage": {"SizeInGiB": 50}}, "ephemeral_storage_gib", 50),
        ({"Volumes": [{"Name": "data", "Host": {"SourcePath": "/data"}}]}, "host_volumes", True),
        ({"Volumes": [{"Name": "data", "Host": {}}]}, "host_volumes", False),
        ({"ContainerDefinitions": [{"Name": "web", "Privileged": True}]}, "privileged", True),
        (
            {"ContainerDefinitions": [{"ResourceRequirements": [{"Type": "GPU", "Value": "2"}]}, {"Name": "other"}]},
            "gpus",
            2,
        ),
        (
            {"NetworkMode": "bridge", "ContainerDefinitions": [{"PortMappings": [{"HostPort": 80}]}]},
            "host_ports",
            (80,),
        ),
        ({"NetworkMode": "bridge", "ContainerDefinitions": [{"PortMappings": [{"HostPort": 0}]}]}, "host_ports", ()),
        (
            {"NetworkMode": "host", "ContainerDefinitions": [{"PortMappings": [{"ContainerPort": 81}]}]},
            "host_ports",
            (81,),
        ),
        ({"ContainerDefinitions": [{"PortMappings": [{"ContainerPort": 80}]}]}, "host_ports", ()),
        ({"NetworkMode": None}, "network_mode", NetworkMode.BRIDGE),
        ({"Cpu": "1 vCPU"}, "cpu", 1024),
        ({"Cpu": None, "ContainerDefinitions": [{"Cpu": 100}, {"Cpu": 50}]}, "cpu", 150),
        (
            {"Memory": None, "ContainerDefinitions": [{"MemoryReservation": 256, "Memory": 512}, {"Memory": 128}]},
            "memory_mib",
            384,
        ),
    ],
    ids=str,
)
def test_what_the_task_definition_states(properties: dict[str, Any], fact: str, value: Any) -> None:
    stated = {name: each for name, each in {**task().properties, **properties}.items() if each is not None}
    found = read({"Task": Resource("ECS::TaskDefinition", stated), "Web": service()})
    assert getattr(found.workload, fact) == value


def test_a_daemon_runs_once_on_each_instance() -> None:
    found = read({"Task": task(), "Web": service(SchedulingStrategy="DAEMON", LaunchType="EC2", DesiredCount=7)})
    assert found.workload.daemon
    assert (found.workload.least, found.workload.most) == (1, 1)


def group(**properties: Any) -> dict[str, Resource]:
    return {
        "Group": Resource("AutoScaling::AutoScalingGroup", properties),
        "Template": Resource(
            "EC2::LaunchTemplate", {"LaunchTemplateData": {"InstanceMarketOptions": {"MarketType": "spot"}}}
        ),
        "Provider": Resource(
            "ECS::CapacityProvider", {"AutoScalingGroupProvider": {"AutoScalingGroupArn": {"Ref": "Group"}}}
        ),
    }


MIXED = {"MixedInstancesPolicy": {"InstancesDistribution": {"OnDemandPercentageAboveBaseCapacity": 0}}}
ON_DEMAND = {"MixedInstancesPolicy": {"InstancesDistribution": {"OnDemandPercentageAboveBaseCapacity": 100}}}


def managed(option: str) -> dict[str, Resource]:
    launch = {"InstanceLaunchTemplate": {"CapacityOptionType": option}}
    return {"Provider": Resource("ECS::CapacityProvider", {"ManagedInstancesProvider": launch})}


@pytest.mark.parametrize(
    ("strategy", "resources", "current", "interruptible"),
    [
        (["FARGATE"], {}, "Fargate", False),
        (["FARGATE", "FARGATE_SPOT"], {}, "Fargate and Fargate Spot", True),
        ([{"Ref": "Provider"}], group(**MIXED), "EC2 Spot", True),
        ([{"Ref": "Provider"}], group(**ON_DEMAND), "EC2", False),
        ([{"Ref": "Provider"}], group(LaunchTemplate={"LaunchTemplateId": {"Ref": "Template"}}), "EC2 Spot", True),
        ([{"Ref": "Provider"}], managed("ON_DEMAND"), "ECS Managed Instances", False),
        ([{"Ref": "Provider"}], managed("SPOT"), "ECS Managed Instances Spot", True),
        (["general"], {}, "general", False),
        ([{"Fn::ImportValue": "provider"}], {}, "a capacity provider", False),
    ],
)
def test_copies_that_use_spot_already_can_be_interrupted(
    strategy: list[Any], resources: dict[str, Resource], current: str, *, interruptible: bool
) -> None:
    found = read({"Task": task(), "Web": on(*strategy), **resources})
    assert (found.current, found.workload.interruptible) == (current, interruptible)


def test_a_service_that_reads_a_queue_is_a_worker() -> None:
    reading = task(ContainerDefinitions=[{"Environment": [{"Name": "QUEUE_URL", "Value": {"Ref": "Queue"}}]}])
    queue = Resource("SQS::Queue")
    assert read({"Task": reading, "Queue": queue, "Web": service()}).workload.kind is WorkloadKind.WORKER
    behind = service(LoadBalancers=[{"ContainerPort": 80}])
    assert read({"Task": reading, "Queue": queue, "Web": behind}).workload.kind is WorkloadKind.SERVICE


def allowing(*actions: str, effect: str = "Allow") -> dict[str, Any]:
    return {"Statement": [{"Effect": effect, "Action": list(actions), "Resource": "*"}]}


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (allowing("sqs:SendMessage"), WorkloadKind.SERVICE),
        (allowing("sqs:SendMessage", "sqs:ReceiveMessage"), WorkloadKind.WORKER),
        (allowing("SQS:receive*"), WorkloadKind.WORKER),
        (allowing("sqs:ReceiveMessage", effect="Deny"), WorkloadKind.SERVICE),
        ({"Statement": {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}}, WorkloadKind.WORKER),
    ],
    ids=str,
)
def test_the_task_role_tells_a_worker_from_a_sender(document: dict[str, Any], kind: WorkloadKind) -> None:
    variables = [{"Name": "QUEUE_URL", "Value": {"Ref": "Queue"}}]
    definition = task(ContainerDefinitions=[{"Environment": variables}], TaskRoleArn={"Fn::GetAtt": ["Role", "Arn"]})
    resources = {"Task": definition, "Queue": Resource("SQS::Queue"), "Web": service()}
    attached = {"PolicyDocument": document, "Roles": [{"Ref": "Role"}]}
    policies = [
        {"Role": Resource("IAM::Role"), "Policy": Resource("IAM::Policy", attached)},
        {"Role": Resource("IAM::Role"), "Policy": Resource("IAM::ManagedPolicy", attached)},
        {"Role": Resource("IAM::Role", {"Policies": [{"PolicyName": "own", "PolicyDocument": document}]})},
        {
            "Role": Resource("IAM::Role", {"ManagedPolicyArns": [{"Ref": "Policy"}]}),
            "Policy": Resource("IAM::ManagedPolicy", {"PolicyDocument": document}),
        },
    ]
    for each in policies:
        assert read({**resources, **each}).workload.kind is kind


@pytest.mark.parametrize(
    "door",
    [
        {"LoadBalancers": [{"ContainerPort": 80}]},
        {"ServiceConnectConfiguration": {"Enabled": True, "Services": [{"PortName": "http"}]}},
        {"ServiceRegistries": [{"RegistryArn": "arn"}]},
        {"VpcLatticeConfigurations": [{"PortName": "http"}]},
    ],
    ids=lambda door: next(iter(door)),
)
def test_a_service_that_others_connect_to_is_no_worker(door: dict[str, Any]) -> None:
    definition = task(TaskRoleArn={"Fn::GetAtt": ["Role", "Arn"]})
    policy = Resource("IAM::Policy", {"PolicyDocument": allowing("sqs:*"), "Roles": [{"Ref": "Role"}]})
    resources = {"Task": definition, "Role": Resource("IAM::Role"), "Policy": policy}
    assert read({**resources, "Web": service()}).workload.kind is WorkloadKind.WORKER
    assert read({**resources, "Web": service(**door)}).workload.kind is WorkloadKind.SERVICE
    client = service(ServiceConnectConfiguration={"Enabled": True, "Namespace": "shop"})
    assert read({**resources, "Web": client}).workload.kind is WorkloadKind.WORKER


def test_scaling_gives_the_least_and_the_most_copies() -> None:
    workload = read({"Task": task(), "Web": service(), "Target": scaling()}).workload
    assert (workload.least, workload.most, workload.hours_at_most) == (2, 10, None)


def action(schedule: str, **bounds: int) -> dict[str, Any]:
    return {"ScheduledActionName": schedule, "Schedule": schedule, "ScalableTargetAction": bounds}


DAY = [
    action("cron(0 8 * * ? *)", MinCapacity=10, MaxCapacity=10),
    action("cron(0 20 * * ? *)", MinCapacity=2, MaxCapacity=2),
]


@pytest.mark.parametrize(
    ("actions", "hours"),
    [
        (DAY, "365"),  # half of each day
        (
            [
                action("cron(0 8 ? * MON-FRI *)", MinCapacity=10, MaxCapacity=10),
                action("cron(0 20 ? * MON-FRI *)", MinCapacity=2, MaxCapacity=2),
            ],
            "261.0",  # 12 hours of 261 work days, by 12
        ),
        ([action("at(2027-01-01T00:00:00)", MinCapacity=3)], None),
        ([action("cron(wrong)", MinCapacity=3)], None),
    ],
)
def test_schedules_give_the_hours_with_the_most_copies(actions: list[dict[str, Any]], hours: str | None) -> None:
    target = scaling(MinCapacity=2, MaxCapacity=2 if actions[0]["ScalableTargetAction"].get("MaxCapacity") else 10)
    changed = Resource(target.type, {**target.properties, "ScheduledActions": actions})
    found = read({"Task": task(), "Web": service(), "Target": changed}).workload.hours_at_most
    assert (found and round(found, 1)) == (hours and Decimal(hours))


def test_a_policy_keeps_the_copies_between_the_bounds_of_schedules() -> None:
    policy = Resource("ApplicationAutoScaling::ScalingPolicy", {"ScalingTargetId": {"Ref": "Target"}})
    actions = [action("cron(0 0 * * ? *)", MinCapacity=2, MaxCapacity=10)]
    resources = {"Task": task(), "Web": service(), "Target": scaling(ScheduledActions=actions), "Policy": policy}
    found = read(resources).workload.hours_at_most
    assert found is not None
    assert round(found) == 365


def schedule(**properties: Any) -> Resource:
    parameters = {"TaskDefinitionArn": {"Ref": "Task"}, "TaskCount": 3, "LaunchType": "FARGATE"}
    target = {"Arn": {"Fn::GetAtt": ["Cluster", "Arn"]}, "EcsParameters": parameters}
    return Resource("Scheduler::Schedule", {"ScheduleExpression": "rate(1 hour)", "Target": target, **properties})


def test_a_schedule_runs_a_job() -> None:
    found = read({"Task": task(), "Nightly": schedule()})
    assert found.workload.kind is WorkloadKind.JOB
    assert (found.workload.least, found.cluster, found.current) == (3, "Shop/Cluster", "Fargate")
    runs = found.workload.runs
    assert runs is not None
    assert (runs.count, runs.hours, runs.assumed) == (Decimal(730), Decimal("0.25"), True)
    stated = read({"Task": task(), "Nightly": schedule()}, run_minutes=90).workload.runs
    assert stated is not None
    assert (stated.count, stated.hours, stated.assumed) == (Decimal(730), Decimal("1.5"), False)


def test_a_rule_for_events_runs_a_job_an_assumed_number_of_times() -> None:
    target = {
        "Arn": {"Fn::GetAtt": ["Cluster", "Arn"]},
        "EcsParameters": {"TaskDefinitionArn": {"Ref": "Task"}, "LaunchType": "FARGATE"},
    }
    rule = Resource("Events::Rule", {"EventPattern": {"source": ["shop"]}, "Targets": [target]})
    assert (
        read({"Task": task(), "Rule": rule}).workload.runs
        == read({"Task": task(), "Rule": rule}, runs=30).workload.runs
    )
    runs = read({"Task": task(), "Rule": rule}).workload.runs
    assert runs is not None
    assert (runs.count, runs.assumed) == (Decimal(30), True)


def test_what_starts_no_task_is_no_job() -> None:
    rule = Resource("Events::Rule", {"EventPattern": {}, "Targets": [{"Arn": "arn:aws:sns:us-east-1:1:t", "Id": "T"}]})
    assert workloads_of([stack_of({"Rule": rule})]) == ()


@pytest.mark.parametrize(
    ("resources", "reason"),
    [
        ({"Web": service(TaskDefinition="task:1")}, "its task definition is not in the app"),
        ({"Task": task(Cpu="much"), "Web": service()}, "is not a size"),
        ({"Task": task(Memory=None), "Web": service()}, "neither the task nor its containers state their memory"),
        ({"Task": task(), "Web": on()}, ""),
        ({"Task": task(), "Web": service(), "Target": scaling(MinCapacity={"Ref": "AWS::StackName"})}, "MinCapacity"),
        ({"Nightly": schedule()}, "its task definition is not in the app"),
        ({"Task": task(RuntimePlatform={"CpuArchitecture": "RISCV"}), "Web": service()}, "RISCV"),
    ],
)
def test_a_workload_that_cannot_be_read_is_skipped_with_its_reason(resources: dict[str, Resource], reason: str) -> None:
    stated = {
        name: Resource(each.type, {key: value for key, value in each.properties.items() if value is not None})
        for name, each in resources.items()
    }
    (found,) = workloads_of([stack_of({"Cluster": Resource("ECS::Cluster"), **stated})])
    if reason:
        assert isinstance(found, Skipped)
        assert reason in found.reason
    else:
        assert isinstance(found, Found)
        assert found.current == "EC2"


def capacity(name: str, *types: str, subnets: tuple[str, ...] = (), **group_properties: Any) -> dict[str, Resource]:
    """Return a capacity provider with its group, whose launch template has the first type."""
    overrides = [{"InstanceType": each} for each in types]
    template = {"LaunchTemplateSpecification": {"LaunchTemplateId": {"Ref": f"{name}Template"}}, "Overrides": overrides}
    stated = {"MixedInstancesPolicy": {"LaunchTemplate": template}, "VPCZoneIdentifier": list(subnets)}
    return {
        f"{name}Template": Resource("EC2::LaunchTemplate", {"LaunchTemplateData": {"InstanceType": types[0]}}),
        f"{name}Group": Resource("AutoScaling::AutoScalingGroup", {**stated, **group_properties}),
        name: Resource(
            "ECS::CapacityProvider", {"AutoScalingGroupProvider": {"AutoScalingGroupArn": {"Ref": f"{name}Group"}}}
        ),
    }


def associated(*names: str) -> Resource:
    providers = [{"Ref": name} if name != "FARGATE" else name for name in names]
    stated = {"Cluster": {"Ref": "Cluster"}, "CapacityProviders": providers}
    return Resource("ECS::ClusterCapacityProviderAssociations", stated)


GENERAL = capacity("General", "m7g.large", "m6g.large")
SPOT = capacity("Spot", "m7i.large")
REQUIREMENTS = {"LaunchTemplate": {"Overrides": [{"InstanceRequirements": {"VCpuCount": {"Min": 2}}}]}}


@pytest.mark.parametrize(
    ("services", "types"),
    [
        (on({"Ref": "General"}), (("m7g.large", "m6g.large"),)),
        (on({"Ref": "Spot"}, {"Ref": "General"}), (("m7i.large",), ("m7g.large", "m6g.large"))),
        (on("FARGATE"), (("m7g.large", "m6g.large"), ("m7i.large",))),  # those of its cluster
        (service(LaunchType="EC2"), (("m7g.large", "m6g.large"), ("m7i.large",))),
    ],
)
def test_the_instance_types_of_the_capacities(services: Resource, types: tuple[tuple[str, ...], ...]) -> None:
    resources = {"Task": task(), "Web": services, "All": associated("FARGATE", "General", "Spot"), **GENERAL, **SPOT}
    assert read(resources).workload.instance_types == types


def test_types_that_ec2_chooses_are_no_candidates() -> None:
    chosen = capacity("General", "m7g.large", MixedInstancesPolicy=REQUIREMENTS)
    assert read({"Task": task(), "Web": on({"Ref": "General"}), **chosen}).workload.instance_types == ()
    assert read({"Task": task(), "Web": on({"Fn::ImportValue": "provider"})}).workload.instance_types == ()


@pytest.mark.parametrize(
    ("services", "stated", "architecture"),
    [
        (on({"Ref": "General"}), {}, Architecture.ARM64),  # EC2 needs no statement
        (on({"Ref": "General"}), {"CpuArchitecture": "X86_64"}, Architecture.X86_64),
        (on({"Ref": "Spot"}), {}, Architecture.X86_64),
        (on({"Ref": "General"}, {"Ref": "Spot"}), {}, Architecture.X86_64),
        (on("FARGATE"), {}, Architecture.X86_64),
    ],
)
def test_tasks_on_instances_have_their_architecture(
    services: Resource, stated: dict[str, str], architecture: Architecture
) -> None:
    resources = {"Task": task(RuntimePlatform=stated), "Web": services, **GENERAL, **SPOT}
    assert read({**resources, "All": associated("General")}).workload.architectures == (architecture,)


def subnet(zone: Any) -> Resource:
    return Resource("EC2::Subnet", {"AvailabilityZone": zone})


def in_subnets(*subnets: Any) -> dict[str, Any]:
    return {"NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": list(subnets)}}}


SUBNETS = {
    "One": subnet({"Fn::Select": [0, {"Fn::GetAZs": ""}]}),
    "Other": subnet({"Fn::Select": [0, {"Fn::GetAZs": ""}]}),
    "Two": subnet({"Fn::Select": [1, {"Fn::GetAZs": ""}]}),
}


@pytest.mark.parametrize(
    ("services", "zones"),
    [
        (service(**in_subnets({"Ref": "One"}, {"Ref": "Two"}, {"Ref": "Other"})), 2),
        (service(**in_subnets("subnet-1", "subnet-2", "subnet-3")), 3),
        (service(), None),
        (service(LaunchType="EC2"), 2),  # without network interfaces of their own: those of the instances
    ],
)
def test_the_zones_are_those_of_the_subnets(services: Resource, zones: int | None) -> None:
    instances = capacity("General", "m7g.large")
    instances["GeneralGroup"].properties["VPCZoneIdentifier"].extend([{"Ref": "One"}, {"Ref": "Two"}])
    found = read({"Task": task(), "Web": services, "All": associated("General"), **instances, **SUBNETS})
    assert found.zones == zones


def test_a_job_has_the_path_of_its_construct() -> None:
    def paths(*starters: str, definition: str = "Shop/Report/Definition") -> list[str]:
        stack = stack_of({"Task": task(), **{f"Start{position}": schedule() for position in range(len(starters))}})
        named = dict(
            zip(["Task", *(f"Start{each}" for each in range(len(starters)))], [definition, *starters], strict=True)
        )
        for logical_id, path in named.items():
            stack.template["Resources"][logical_id]["Metadata"] = {"aws:cdk:path": f"{path}/Resource"}
        return [each.path for each in workloads_of([stack])]

    assert paths("Shop/Report/Schedule") == ["Shop/Report"]
    assert paths("Shop/Nightly") == ["Shop/Nightly"]  # only the stack has both
    assert paths("Shop/Report/Day", "Shop/Report/Night") == ["Shop/Report/Day", "Shop/Report/Night"]  # two of one name


def test_a_service_is_never_named_like_its_stack() -> None:
    stack = stack_of({"Task": task(), "Web": service()})
    stack.template["Resources"]["Web"]["Metadata"] = {"aws:cdk:path": "Shop/Service/Service"}
    assert [each.path for each in workloads_of([stack])] == ["Shop/Service"]

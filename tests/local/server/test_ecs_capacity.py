"""ECS on instances in the local AWS: how a group is filled, and how it grows, changes and is deleted."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from moorage.assembly.cloud_assembly import Stack
from moorage.local.report.readback import why_not_standing
from moorage.local.report.table import table
from tests.local.local_aws import ACCOUNT, REGION, Client, Deploy, access, attribute, ref, resource

Remove = Callable[[str], None]
Resources = dict[str, Any]

AMI = "/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id"
PARAMETERS = {"Ami": {"Type": "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", "Default": AMI}}
OUTPUTS = {"cluster": ref("Cluster"), "group": ref("Group"), "provider": ref("Provider"), "template": ref("Template")}
BRIDGE = {"Name": "web", "Image": "public.ecr.aws/nginx/nginx:1", "Cpu": 512, "Memory": 1024}
ROLE = {"Statement": [{"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}]}
REFRESH = {
    "AutoScalingInstanceRefresh": {"Strategy": "Rolling", "Preferences": {"ScaleInProtectedInstances": "Refresh"}}
}


def _user_data(settings: str = "") -> Resources:
    return {"Fn::Base64": {"Fn::Sub": f"#!/bin/bash\necho ECS_CLUSTER=${{Cluster}} >> /etc/ecs/ecs.config\n{settings}"}}


def _base(
    *,
    group: Resources | None = None,
    provider: Resources | None = None,
    data: Resources | None = None,
    update: Resources | None = None,
) -> Resources:
    """Return a cluster and its capacity in two Availability Zones."""
    subnets = {
        f"Subnet{number}": resource(
            "AWS::EC2::Subnet",
            VpcId=ref("Vpc"),
            CidrBlock=f"10.0.{number}.0/24",
            AvailabilityZone={"Fn::Select": [number, {"Fn::GetAZs": ""}]},
        )
        for number in range(2)
    }
    managed = {
        "AutoScalingGroupArn": ref("Group"),
        "ManagedScaling": {"Status": "ENABLED", "TargetCapacity": 100},
        "ManagedTerminationProtection": "DISABLED",
    }
    sizes: Resources = {"MinSize": "0", "MaxSize": "3", "VPCZoneIdentifier": [ref("Subnet0"), ref("Subnet1")]}
    template = {"LaunchTemplateId": ref("Template"), "Version": attribute("Template", "LatestVersionNumber")}
    stated = group or {}
    if "MixedInstancesPolicy" not in stated:
        sizes["LaunchTemplate"] = template
    return {
        "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16"),
        **subnets,
        "Members": resource("AWS::EC2::SecurityGroup", GroupDescription="members", VpcId=ref("Vpc")),
        "Cluster": resource("AWS::ECS::Cluster"),
        "Role": resource(
            "AWS::IAM::Role",
            AssumeRolePolicyDocument=ROLE,
            ManagedPolicyArns=["arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"],
        ),
        "Profile": resource("AWS::IAM::InstanceProfile", Roles=[ref("Role")]),
        "Template": resource(
            "AWS::EC2::LaunchTemplate",
            LaunchTemplateData={
                "ImageId": ref("Ami"),
                "InstanceType": "m7g.large",
                "IamInstanceProfile": {"Arn": attribute("Profile", "Arn")},
                "SecurityGroupIds": [ref("Members")],
                "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
                "Monitoring": {"Enabled": True},
                "BlockDeviceMappings": [
                    {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 40, "VolumeType": "gp3", "Encrypted": True}}
                ],
                "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "team", "Value": "shop"}]}],
                "UserData": _user_data(),
                **(data or {}),
            },
        ),
        "Group": resource("AWS::AutoScaling::AutoScalingGroup", **{**sizes, **stated})
        | ({"UpdatePolicy": update} if update else {}),
        "Provider": resource("AWS::ECS::CapacityProvider", AutoScalingGroupProvider={**managed, **(provider or {})}),
        "Capacity": resource(
            "AWS::ECS::ClusterCapacityProviderAssociations",
            Cluster=ref("Cluster"),
            CapacityProviders=[ref("Provider"), "FARGATE"],
            DefaultCapacityProviderStrategy=[{"CapacityProvider": ref("Provider"), "Weight": 1}],
        ),
    }


def _service(
    *, name: str = "Service", container: Resources | None = None, task: Resources | None = None, **properties: Any
) -> Resources:
    """Return a service on the cluster's default capacity, in bridge mode by default."""
    return {
        f"{name}Task": resource(
            "AWS::ECS::TaskDefinition",
            **{
                "NetworkMode": "bridge",
                "RequiresCompatibilities": ["EC2"],
                "ContainerDefinitions": [{**BRIDGE, **(container or {})}],
                **(task or {}),
            },
        ),
        name: resource(
            "AWS::ECS::Service",
            **{
                "Cluster": ref("Cluster"),
                "TaskDefinition": ref(f"{name}Task"),
                "CapacityProviderStrategy": [{"CapacityProvider": ref("Provider"), "Weight": 1}],
                "DeploymentConfiguration": {"DeploymentCircuitBreaker": {"Enable": True, "Rollback": True}},
                **properties,
            },
        )
        | {"DependsOn": "Capacity"},
    }


AWSVPC: Resources = {"NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": [ref("Subnet0"), ref("Subnet1")]}}}


class Seen:
    """The deployed resources, as each service's API shows them."""

    def __init__(self, client: Client, stack: dict[str, Any]) -> None:
        self.client, self.values = client, stack["Values"]

    @property
    def group(self) -> dict[str, Any]:
        found = self.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[self.values["group"]])
        group: dict[str, Any] = found["AutoScalingGroups"][0]
        return group

    @property
    def ids(self) -> list[str]:
        return [each["InstanceId"] for each in self.group["Instances"]]

    @property
    def ec2(self) -> list[dict[str, Any]]:
        found = self.client("ec2").describe_instances(InstanceIds=self.ids)["Reservations"] if self.ids else []
        return [each for reservation in found for each in reservation["Instances"]]

    @property
    def instances(self) -> list[dict[str, Any]]:
        ecs, cluster = self.client("ecs"), self.values["cluster"]
        arns = ecs.list_container_instances(cluster=cluster)["containerInstanceArns"]
        if not arns:
            return []
        found = ecs.describe_container_instances(cluster=cluster, containerInstances=arns)["containerInstances"]
        return list(found)

    def service(self, name: str = "service") -> dict[str, Any]:
        found = self.client("ecs").describe_services(cluster=self.values["cluster"], services=[self.values[name]])
        service: dict[str, Any] = found["services"][0]
        return service

    @property
    def tasks(self) -> list[dict[str, Any]]:
        ecs, cluster = self.client("ecs"), self.values["cluster"]
        arns = ecs.list_tasks(cluster=cluster)["taskArns"]
        return list(ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]) if arns else []


@pytest.fixture
def stand(client: Client, deploy: Deploy) -> Callable[..., Seen]:
    """Return a function that deploys a template and returns the deployed resources."""

    def stood(resources: Resources, status: str = "_COMPLETE", **outputs: Any) -> Seen:
        more = {"service": ref("Service")} if "Service" in resources else {}
        stack = deploy(resources, parameters=PARAMETERS, **OUTPUTS, **more, **outputs)
        assert stack["StackStatus"] in (f"CREATE{status}", f"UPDATE{status}"), stack["Reason"]
        return Seen(client, stack)

    return stood


def _resources(instance: dict[str, Any], which: str) -> dict[str, int]:
    return {item["name"]: item.get("integerValue", 0) for item in instance[f"{which}Resources"]}


def _deleted(client: Client, stack: str) -> dict[str, Any]:
    cloudformation = client("cloudformation")
    stack_id = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName=stack)
    found: dict[str, Any] = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]
    events = cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"]
    found["Reasons"] = [each["ResourceStatusReason"] for each in events if each["ResourceStatus"] == "DELETE_FAILED"]
    return found


def _stack_name(request: pytest.FixtureRequest) -> str:
    return re.sub("[^A-Za-z0-9]+", "-", request.node.name)[:100]


def test_image_parameters_exist_in_every_region_and_can_be_released(client: Client) -> None:
    names = [AMI, "/aws/service/bottlerocket/aws-ecs-2-nvidia/x86_64/latest/image_id"]
    for region in (REGION, "ap-southeast-2"):
        found = client("ssm", region=region).get_parameters(Names=names)
        assert [each["Value"][:5] for each in found["Parameters"]] == ["ami-0", "ami-0"]
    client("ssm", region="eu-north-1").put_parameter(Name=AMI, Value="ami-01", Overwrite=True)
    assert client("ssm", region="eu-north-1").get_parameter(Name=AMI)["Parameter"]["Value"] == "ami-01"


def test_a_launch_template_keeps_its_data_and_a_change_adds_a_version(
    client: Client, stand: Callable[..., Seen]
) -> None:
    seen = stand(_base())
    stand(_base(data={"InstanceType": "m7g.xlarge"}))
    versions = client("ec2").describe_launch_template_versions(LaunchTemplateId=seen.values["template"])
    latest, first = (each["LaunchTemplateData"] for each in versions["LaunchTemplateVersions"])
    assert (first["InstanceType"], latest["InstanceType"]) == ("m7g.large", "m7g.xlarge")
    assert latest["MetadataOptions"]["HttpTokens"] == "required"
    assert latest["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    assert latest["TagSpecifications"][0]["Tags"] == [{"Key": "team", "Value": "shop"}]
    assert seen.group["LaunchTemplate"]["Version"] == "2"
    (template,) = client("ec2").describe_launch_templates(LaunchTemplateIds=[seen.values["template"]])[
        "LaunchTemplates"
    ]
    assert (template["DefaultVersionNumber"], template["LatestVersionNumber"]) == (1, 2)


def test_a_released_image_reaches_the_instances_by_an_instance_refresh(
    client: Client, stand: Callable[..., Seen]
) -> None:
    resources = _base(group={"MinSize": "2"}, update=REFRESH)
    before = stand(resources)
    image, ids = before.ec2[0]["ImageId"], before.ids
    client("ssm").put_parameter(Name=AMI, Value="ami-0fedcba9876543210", Type="String", Overwrite=True)
    try:
        after = stand(resources)
        assert {each["ImageId"] for each in after.ec2} == {"ami-0fedcba9876543210"} != {image}
        assert not set(ids) & set(after.ids)
        refreshes = client("autoscaling").describe_instance_refreshes(AutoScalingGroupName=after.values["group"])
        assert refreshes["InstanceRefreshes"][0]["Status"] == "Successful"
    finally:
        client("ssm").delete_parameter(Name=AMI)


def test_a_group_matches_its_template_and_has_instances_in_its_zones(
    client: Client, stand: Callable[..., Seen]
) -> None:
    said = {
        "MinSize": "2",
        "NewInstancesProtectedFromScaleIn": False,
        "CapacityRebalance": True,
        "DefaultInstanceWarmup": 120,
        "HealthCheckType": "EC2",
        "HealthCheckGracePeriod": 30,
        "MaxInstanceLifetime": 604800,
        "TerminationPolicies": ["OldestLaunchTemplate"],
        "AvailabilityZoneDistribution": {"CapacityDistributionStrategy": "balanced-only"},
        "MetricsCollection": [{"Granularity": "1Minute"}],
        "NotificationConfigurations": [
            {"TopicARN": [ref("Topic")], "NotificationTypes": ["autoscaling:EC2_INSTANCE_TERMINATE"]}
        ],
        "Tags": [{"Key": "shown", "Value": "yes", "PropagateAtLaunch": True}],
    }
    seen = stand(_base(group=said) | {"Topic": resource("AWS::SNS::Topic")})
    group = seen.group
    for name in ("CapacityRebalance", "DefaultInstanceWarmup", "HealthCheckGracePeriod", "TerminationPolicies"):
        assert group[name] == said[name]
    assert group["MaxInstanceLifetime"] == 604800
    assert group["AvailabilityZoneDistribution"] == said["AvailabilityZoneDistribution"]
    assert "GroupInServiceInstances" in [each["Metric"] for each in group["EnabledMetrics"]]
    notified = client("autoscaling").describe_notification_configurations(AutoScalingGroupNames=[seen.values["group"]])
    assert notified["NotificationConfigurations"][0]["NotificationType"] == "autoscaling:EC2_INSTANCE_TERMINATE"
    assert sorted(each["AvailabilityZone"] for each in group["Instances"]) == [f"{REGION}a", f"{REGION}b"]
    instance = seen.ec2[0]
    assert (instance["InstanceType"], instance["Architecture"], instance["Monitoring"]) == (
        "m7g.large",
        "arm64",
        {"State": "enabled"},
    )
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert {"Key": "shown", "Value": "yes"} in instance["Tags"]
    volume = instance["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    assert client("ec2").describe_volumes(VolumeIds=[volume])["Volumes"][0]["Encrypted"] is True


@pytest.mark.parametrize("kind", ["script", "bottlerocket"])
def test_instances_register_with_the_cluster_of_their_user_data(stand: Callable[..., Seen], kind: str) -> None:
    toml = '[settings.ecs]\ncluster = "${Cluster}"\nreserved-memory = 256\n'
    said = {
        "script": _user_data("echo ECS_RESERVED_MEMORY=256 >> /etc/ecs/ecs.config"),
        "bottlerocket": {"Fn::Base64": {"Fn::Sub": toml}},
    }
    (instance,) = stand(_base(group={"MinSize": "1"}, data={"UserData": said[kind]})).instances
    # 8 GiB minus 1/64 for the page structures, 430 MiB for the kernel and the reserved memory
    assert _resources(instance, "registered") | {"CPU": 2048, "MEMORY": 7634 - 256} == _resources(
        instance, "registered"
    )
    attributes = {each["name"]: each.get("value") for each in instance["attributes"]}
    assert (attributes["ecs.instance-type"], attributes["ecs.cpu-architecture"]) == ("m7g.large", "arm64")
    assert instance["capacityProviderName"]


EFS = {"NetworkMode": "bridge", "Volumes": [{"Name": "data", "EFSVolumeConfiguration": {"FilesystemId": "fs-1"}}]}
CONNECTED = {"ServiceConnectConfiguration": {"Enabled": True, "Namespace": "shop"}}


@pytest.mark.parametrize("more", [{"task": EFS}, CONNECTED, {}], ids=["EFS", "Service Connect", "neither"])
@pytest.mark.parametrize("kind", ["script", "bottlerocket"])
def test_bottlerocket_has_neither_efs_nor_service_connect(deploy: Deploy, kind: str, more: Resources) -> None:
    toml = {"Fn::Base64": {"Fn::Sub": '[settings.ecs]\ncluster = "${Cluster}"\n'}}
    base = _base(group={"MinSize": "1"}, data={"UserData": toml} if kind == "bottlerocket" else {})
    stack = deploy(base | _service(**more), parameters=PARAMETERS)
    refused = kind == "bottlerocket" and bool(more)
    assert (stack["StackStatus"] == "ROLLBACK_COMPLETE") == refused, stack["Reason"]
    assert ("is missing an attribute required by your task" in stack["Reason"]) == refused, stack["Reason"]


def test_a_mixed_group_uses_on_demand_for_its_base_and_spot_above(stand: Callable[..., Seen]) -> None:
    other = {"LaunchTemplateId": ref("Template"), "Version": attribute("Template", "LatestVersionNumber")}
    policy = {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": other,
            "Overrides": [
                {"InstanceType": "m7g.large", "LaunchTemplateSpecification": other},
                {"InstanceType": "r7g.large"},
            ],
        },
        "InstancesDistribution": {
            "OnDemandBaseCapacity": 1,
            "OnDemandPercentageAboveBaseCapacity": 0,
            "SpotAllocationStrategy": "price-capacity-optimized",
        },
    }
    seen = stand(_base(group={"MinSize": "3", "MixedInstancesPolicy": policy}))
    bought = sorted((each["InstanceType"], each.get("InstanceLifecycle", "on-demand")) for each in seen.ec2)
    assert bought == [("m7g.large", "on-demand"), ("m7g.large", "spot"), ("r7g.large", "spot")]
    shown = seen.group["MixedInstancesPolicy"]
    assert shown["InstancesDistribution"]["OnDemandBaseCapacity"] == 1
    assert [each["InstanceType"] for each in shown["LaunchTemplate"]["Overrides"]] == ["m7g.large", "r7g.large"]


def test_a_group_by_requirements_starts_a_type_that_meets_them(stand: Callable[..., Seen]) -> None:
    required = {"VCpuCount": {"Min": 4, "Max": 8}, "MemoryMiB": {"Min": 16384}, "AllowedInstanceTypes": ["m7g.*"]}
    specification = {"LaunchTemplateId": ref("Template"), "Version": attribute("Template", "LatestVersionNumber")}
    policy = {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": specification,
            "Overrides": [{"InstanceRequirements": required}],
        }
    }
    seen = stand(_base(group={"MinSize": "1", "MixedInstancesPolicy": policy}))
    assert [each["InstanceType"] for each in seen.ec2] == ["m7g.xlarge"]


def test_a_group_grows_for_tasks_and_shrinks_when_they_stop(stand: Callable[..., Seen]) -> None:
    seen = stand(_base() | _service(DesiredCount=5))
    # 512 CPU units each: four fit on an m7g.large
    assert (seen.service()["runningCount"], len(seen.instances), seen.group["DesiredCapacity"]) == (5, 2, 2)
    assert sorted(each["runningTasksCount"] for each in seen.instances) == [1, 4]
    full = next(each for each in seen.instances if each["runningTasksCount"] == 4)
    assert _resources(full, "remaining")["CPU"] == 0
    assert {each["capacityProviderName"] for each in seen.tasks} == {seen.values["provider"]}
    stand(_base() | _service(DesiredCount=1))
    assert seen.group["DesiredCapacity"] == 1
    stand(_base())
    assert (seen.group["DesiredCapacity"], seen.instances) == (0, [])


def test_a_service_that_does_not_fit_on_its_instances_fails_with_the_reason(client: Client, deploy: Deploy) -> None:
    stack = deploy(_base() | _service(DesiredCount=13), parameters=PARAMETERS, **OUTPUTS)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "was unable to place a task because no container instance met all of its requirements" in stack["Reason"]
    assert "has insufficient CPU units available" in stack["Reason"]
    assert client("ecs").list_clusters()["clusterArns"] == []


def test_an_update_without_room_fails_and_the_old_tasks_keep_running(
    deploy: Deploy, stand: Callable[..., Seen]
) -> None:
    seen = stand(_base() | _service(DesiredCount=12))
    old = seen.service()["taskDefinition"]
    changed = _base() | _service(DesiredCount=12, container={"Image": "public.ecr.aws/nginx/nginx:2"})
    failed = deploy(changed, parameters=PARAMETERS, service=ref("Service"), **OUTPUTS)
    assert failed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "has insufficient CPU units available" in failed["Reason"]
    service = seen.service()
    assert (service["taskDefinition"], service["runningCount"]) == (old, 12)
    assert [each["rolloutState"] for each in service["deployments"]] == ["COMPLETED", "FAILED"]


def test_a_rollout_succeeds_in_a_full_cluster_if_tasks_may_stop_first(stand: Callable[..., Seen]) -> None:
    room = {"MinimumHealthyPercent": 50, "MaximumPercent": 100}
    stand(_base() | _service(DesiredCount=12, DeploymentConfiguration=room))
    image = {"Image": "public.ecr.aws/nginx/nginx:2"}
    seen = stand(_base() | _service(DesiredCount=12, DeploymentConfiguration=room, container=image))
    assert seen.service()["runningCount"] == 12
    assert {each["taskDefinitionArn"] for each in seen.tasks} == {seen.service()["taskDefinition"]}


def test_a_desired_count_that_exceeds_the_instances_waits(client: Client, stand: Callable[..., Seen]) -> None:
    seen = stand(_base(group={"MaxSize": "1"}) | _service(DesiredCount=1))
    client("ecs").update_service(cluster=seen.values["cluster"], service=seen.values["service"], desiredCount=6)
    service = seen.service()
    assert (service["desiredCount"], service["runningCount"], service["pendingCount"]) == (6, 4, 2)
    assert sorted(each["lastStatus"] for each in seen.tasks) == ["PROVISIONING"] * 2 + ["RUNNING"] * 4
    stand(_base(group={"MaxSize": "2"}) | _service(DesiredCount=1))
    assert (seen.service()["runningCount"], seen.group["DesiredCapacity"]) == (6, 2)


def test_a_service_is_told_why_its_own_tasks_wait_and_not_those_of_another(
    client: Client, deploy: Deploy, stand: Callable[..., Seen]
) -> None:
    base, crowded = _base(group={"MaxSize": "1"}), _service(DesiredCount=1)
    seen = stand(base | crowded)
    client("ecs").update_service(cluster=seen.values["cluster"], service=seen.values["service"], desiredCount=6)
    large = _service(name="Large", container={"Cpu": 0, "Memory": 16_000})
    failed = deploy(base | crowded | large, parameters=PARAMETERS, service=ref("Service"), **OUTPUTS)
    assert "(service " in failed["Reason"]
    assert "has insufficient memory available" in failed["Reason"]
    assert "CPU" not in failed["Reason"]


def test_network_interfaces_bind_tasks_of_their_own(stand: Callable[..., Seen]) -> None:
    small = {"Cpu": 64, "Memory": 128}
    seen = stand(_base() | _service(DesiredCount=3, container=small, task={"NetworkMode": "awsvpc"}, **AWSVPC))
    # an m7g.large has three interfaces; one is the instance's
    assert sorted(each["runningTasksCount"] for each in seen.instances) == [1, 2]
    subnets = {each["ec2InstanceId"]: each for each in seen.instances}
    assert len(subnets) == 2
    for task in seen.tasks:
        zone = {each["containerInstanceArn"]: each for each in seen.instances}[task["containerInstanceArn"]]
        assert task["availabilityZone"] in [each.get("value") for each in zone["attributes"]]
        assert task["attachments"][0]["type"] == "ElasticNetworkInterface"


def test_a_host_port_is_used_by_one_task_per_instance(stand: Callable[..., Seen]) -> None:
    port = {"PortMappings": [{"ContainerPort": 80, "HostPort": 8080}]}
    seen = stand(_base() | _service(DesiredCount=2, container=port))
    assert [each["runningTasksCount"] for each in seen.instances] == [1, 1]
    assert {each["containers"][0]["networkBindings"][0]["hostPort"] for each in seen.tasks} == {8080}


def test_host_mode_tmpfs_and_gpus_are_kept(client: Client, stand: Callable[..., Seen]) -> None:
    tmpfs = {"LinuxParameters": {"Tmpfs": [{"ContainerPath": "/tmp", "Size": 64}]}}
    gpu = {"ResourceRequirements": [{"Type": "GPU", "Value": "1"}]}
    data = {"InstanceType": "g5g.xlarge"}
    seen = stand(_base(data=data) | _service(DesiredCount=1, container={**tmpfs, **gpu}, task={"NetworkMode": "host"}))
    definition = client("ecs").describe_task_definition(taskDefinition=seen.service()["taskDefinition"])
    container = definition["taskDefinition"]["containerDefinitions"][0]
    assert container["linuxParameters"]["tmpfs"][0]["size"] == 64
    (instance,) = seen.instances
    shown = {each["name"]: each.get("stringSetValue") for each in instance["registeredResources"]}
    assert len(shown["GPU"]) == 1
    left = {each["name"]: each.get("stringSetValue") for each in instance["remainingResources"]}
    assert left["GPU"] == []


@pytest.mark.parametrize(("strategy", "counts"), [("binpack", [0, 2]), ("spread", [1, 1])])
def test_placement_strategies_are_followed(stand: Callable[..., Seen], strategy: str, counts: list[int]) -> None:
    field = {"binpack": "memory", "spread": "attribute:ecs.availability-zone"}[strategy]
    placed = [{"Type": strategy, "Field": field}]
    resources = _base(group={"MinSize": "2"}) | _service(DesiredCount=2, PlacementStrategies=placed)
    seen = stand(resources)
    assert sorted(each["runningTasksCount"] for each in seen.instances) == counts
    assert seen.service()["placementStrategy"] == [{"type": strategy, "field": field}]


def test_tasks_of_other_services_do_not_count_for_a_spread(stand: Callable[..., Seen]) -> None:
    small = {"Cpu": 64, "Memory": 128}
    packed = _service(
        name="Packed",
        container=small,
        DesiredCount=2,
        PlacementStrategies=[{"Type": "binpack", "Field": "memory"}],
    )
    base = _base(group={"MinSize": "2"})
    seen = stand(base | packed, packed=ref("Packed"))
    assert sorted(each["runningTasksCount"] for each in seen.instances) == [0, 2]
    seen = stand(base | packed | _service(container=small, DesiredCount=2), packed=ref("Packed"))
    assert sorted(each["runningTasksCount"] for each in seen.instances) == [1, 3]


def test_tasks_of_other_services_do_not_keep_a_task_from_an_instance(stand: Callable[..., Seen]) -> None:
    small, distinct = {"Cpu": 64, "Memory": 128}, [{"Type": "distinctInstance"}]
    base, first = _base(group={"MinSize": "1", "MaxSize": "1"}), _service(name="First", container=small)
    seen = stand(base | first | _service(container=small, PlacementConstraints=distinct), first=ref("First"))
    assert [each["runningTasksCount"] for each in seen.instances] == [2]


def test_placement_constraints_are_kept(stand: Callable[..., Seen]) -> None:
    data = {"UserData": _user_data("""echo 'ECS_INSTANCE_ATTRIBUTES={"stack":"blue"}' >> /etc/ecs/ecs.config""")}
    constraints = [{"Type": "distinctInstance"}, {"Type": "memberOf", "Expression": "attribute:stack == blue"}]
    seen = stand(_base(data=data) | _service(DesiredCount=2, PlacementConstraints=constraints))
    assert [each["runningTasksCount"] for each in seen.instances] == [1, 1]
    assert seen.service()["placementConstraints"][1]["expression"] == "attribute:stack == blue"


def test_a_placement_constraint_that_no_instance_meets_fails_the_service(deploy: Deploy) -> None:
    constraint = {"Type": "memberOf", "Expression": "attribute:ecs.instance-type =~ c7g.*"}
    stack = deploy(_base(group={"MinSize": "1"}) | _service(PlacementConstraints=[constraint]), parameters=PARAMETERS)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "MemberOf placement constraint unsatisfied" in stack["Reason"]


def test_a_daemon_runs_one_task_on_every_instance(stand: Callable[..., Seen]) -> None:
    daemon = _service(
        name="Daemon", SchedulingStrategy="DAEMON", CapacityProviderStrategy={"Ref": "AWS::NoValue"}, LaunchType="EC2"
    )
    seen = stand(_base(group={"MinSize": "2"}) | daemon, daemon=ref("Daemon"))
    shown = seen.service("daemon")
    assert (shown["desiredCount"], shown["runningCount"]) == (2, 2)
    # 2,048 CPU units minus the daemon's 512: three tasks fit on an instance
    seen = stand(_base(group={"MinSize": "2"}) | daemon | _service(DesiredCount=7), daemon=ref("Daemon"))
    assert (seen.service("daemon")["runningCount"], len(seen.instances)) == (3, 3)
    assert seen.service()["runningCount"] == 7
    newer = _service(
        name="Daemon",
        SchedulingStrategy="DAEMON",
        CapacityProviderStrategy={"Ref": "AWS::NoValue"},
        LaunchType="EC2",
        container={"Image": "public.ecr.aws/nginx/nginx:2"},
    )
    seen = stand(_base(group={"MinSize": "2"}) | newer | _service(DesiredCount=7), daemon=ref("Daemon"))
    assert seen.service("daemon")["runningCount"] == 3


def test_a_cluster_shows_its_providers_and_their_settings(client: Client, stand: Callable[..., Seen]) -> None:
    seen = stand(_base())
    ecs = client("ecs")
    (cluster,) = ecs.describe_clusters(clusters=[seen.values["cluster"]])["clusters"]
    assert cluster["capacityProviders"] == [seen.values["provider"], "FARGATE"]
    assert cluster["defaultCapacityProviderStrategy"][0]["capacityProvider"] == seen.values["provider"]
    (provider,) = ecs.describe_capacity_providers(capacityProviders=[seen.values["provider"]])["capacityProviders"]
    assert provider["autoScalingGroupProvider"]["autoScalingGroupArn"] == seen.group["AutoScalingGroupARN"]
    assert provider["autoScalingGroupProvider"]["managedScaling"]["targetCapacity"] == 100
    assert provider["autoScalingGroupProvider"]["managedDraining"] == "ENABLED"
    assert "AmazonECSManaged" in [each["Key"] for each in seen.group["Tags"]]
    stand(_base(provider={"ManagedScaling": {"Status": "ENABLED", "TargetCapacity": 80}}))
    (provider,) = ecs.describe_capacity_providers(capacityProviders=[seen.values["provider"]])["capacityProviders"]
    assert provider["autoScalingGroupProvider"]["managedScaling"]["targetCapacity"] == 80


def test_a_managed_instances_provider_is_shown_and_runs_a_service(client: Client, stand: Callable[..., Seen]) -> None:
    managed = resource(
        "AWS::ECS::CapacityProvider",
        ClusterName=ref("Cluster"),
        ManagedInstancesProvider={
            "InfrastructureRoleArn": attribute("Role", "Arn"),
            "InstanceLaunchTemplate": {
                "Ec2InstanceProfileArn": attribute("Profile", "Arn"),
                "NetworkConfiguration": {"Subnets": [ref("Subnet0")], "SecurityGroups": [ref("Members")]},
                "InstanceRequirements": {"VCpuCount": {"Min": 2}, "MemoryMiB": {"Min": 4096}},
            },
        },
    )
    service = _service(
        DesiredCount=2,
        CapacityProviderStrategy=[{"CapacityProvider": ref("Managed"), "Weight": 1}],
        task={
            "NetworkMode": "awsvpc",
            "RequiresCompatibilities": ["MANAGED_INSTANCES"],
            "Cpu": "512",
            "Memory": "1024",
        },
        **AWSVPC,
    )
    seen = stand(_base() | {"Managed": managed} | service, managed=ref("Managed"))
    found = client("ecs").describe_capacity_providers(capacityProviders=[seen.values["managed"]])["capacityProviders"]
    template = found[0]["managedInstancesProvider"]["instanceLaunchTemplate"]
    assert template["instanceRequirements"]["vCpuCount"]["min"] == 2
    assert seen.service()["runningCount"] == 2
    assert {each["launchType"] for each in seen.tasks} == {"MANAGED_INSTANCES"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"provider": {"ManagedTerminationProtection": "ENABLED"}},
            "must have instance protection from scale in enabled",
        ),
        (
            {
                "group": {"NewInstancesProtectedFromScaleIn": True},
                "provider": {"ManagedTerminationProtection": "ENABLED", "ManagedScaling": {"Status": "DISABLED"}},
            },
            "managed scaling must be enabled",
        ),
        ({"data": {"InstanceType": "m7i.large"}}, "does not match the architecture 'arm64'"),
        ({"data": {"InstanceType": "m99.large"}}, "the instance type 'm99.large' is not known"),
        ({"group": {"MinSize": "4"}}, "must be between the specified min size:4 and max size:3"),
        ({"group": {"TargetGroupARNs": ["arn"]}}, "The target group 'arn' does not exist"),
    ],
)
def test_invalid_capacity_is_refused_as_on_aws(deploy: Deploy, changes: Resources, reason: str) -> None:
    stack = deploy(_base(**changes), parameters=PARAMETERS)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in stack["Reason"]


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        (
            {"CapacityProviderStrategy": [{"CapacityProvider": n, "Weight": 1} for n in ("FARGATE", ref("Provider"))]},
            "cannot contain a mix of capacity providers using Auto Scaling groups and Fargate providers",
        ),
        (
            {"CapacityProviderStrategy": [{"CapacityProvider": "nowhere", "Weight": 1}]},
            "cannot contain a capacity provider that is not associated with the cluster",
        ),
        ({"SchedulingStrategy": "DAEMON"}, "capacity provider strategy is not supported .* DAEMON"),
        (
            {
                "SchedulingStrategy": "DAEMON",
                "DesiredCount": 2,
                "CapacityProviderStrategy": {"Ref": "AWS::NoValue"},
                "LaunchType": "EC2",
            },
            "does not support a desired count",
        ),
        ({**AWSVPC}, "Network Configuration is not valid for the given networkMode"),
    ],
)
def test_an_invalid_service_is_refused_as_on_aws(deploy: Deploy, service: Resources, reason: str) -> None:
    stack = deploy(_base() | _service(**service), parameters=PARAMETERS)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert re.search(reason, stack["Reason"])


def test_a_provider_in_use_can_be_neither_removed_nor_deleted(client: Client, stand: Callable[..., Seen]) -> None:
    seen = stand(_base() | _service(DesiredCount=1))
    ecs, provider = client("ecs"), seen.values["provider"]
    with pytest.raises(ClientError, match="The specified capacity provider is in use and cannot be removed") as error:
        ecs.put_cluster_capacity_providers(
            cluster=seen.values["cluster"], capacityProviders=["FARGATE"], defaultCapacityProviderStrategy=[]
        )
    assert error.value.response["Error"]["Code"] == "ResourceInUseException"
    with pytest.raises(ClientError, match="because it is associated with cluster"):
        ecs.delete_capacity_provider(capacityProvider=provider)
    group = {"autoScalingGroupArn": seen.group["AutoScalingGroupARN"]}
    with pytest.raises(ClientError, match="already being used by another capacity provider"):
        ecs.create_capacity_provider(name="second", autoScalingGroupProvider=group)
    with pytest.raises(ClientError, match="cannot be prefixed with aws, ecs, or fargate"):
        ecs.create_capacity_provider(name="ecs-mine", autoScalingGroupProvider={"autoScalingGroupArn": "x"})
    with pytest.raises(ClientError, match="was not found"):
        ecs.put_cluster_capacity_providers(
            cluster=seen.values["cluster"], capacityProviders=["none"], defaultCapacityProviderStrategy=[]
        )


def test_a_stack_with_running_services_is_deleted_in_one_step(
    client: Client, stand: Callable[..., Seen], remove: Remove, request: pytest.FixtureRequest
) -> None:
    seen = stand(_base(group={"MinSize": "1"}) | _service(DesiredCount=2))
    ids = seen.ids
    remove(_stack_name(request))
    states = [
        each["Instances"][0]["State"]["Name"]
        for each in client("ec2").describe_instances(InstanceIds=ids)["Reservations"]
    ]
    assert states == ["terminated"]


def test_protected_instances_block_the_deletion_of_their_stack(
    client: Client, stand: Callable[..., Seen], request: pytest.FixtureRequest
) -> None:
    protected: Resources = {
        "group": {"NewInstancesProtectedFromScaleIn": True},
        "provider": {"ManagedTerminationProtection": "ENABLED"},
    }
    seen = stand(_base(**protected) | _service(DesiredCount=1))
    assert [each["ProtectedFromScaleIn"] for each in seen.group["Instances"]] == [True]
    failed = _deleted(client, _stack_name(request))
    assert failed["StackStatus"] == "DELETE_FAILED"
    assert any("all remaining instances are protected from scale-in" in each for each in failed["Reasons"])
    client("autoscaling").set_instance_protection(
        AutoScalingGroupName=seen.values["group"], InstanceIds=seen.ids, ProtectedFromScaleIn=False
    )
    assert _deleted(client, _stack_name(request))["StackStatus"] == "DELETE_COMPLETE"


def test_a_stack_can_be_deleted_after_its_protection_is_disabled(
    client: Client, stand: Callable[..., Seen], request: pytest.FixtureRequest
) -> None:
    seen = stand(_base(group={"NewInstancesProtectedFromScaleIn": True, "MinSize": "1"}))
    stand(_base(group={"MinSize": "1"}))
    assert [each["ProtectedFromScaleIn"] for each in seen.group["Instances"]] == [True]
    client("autoscaling").set_instance_protection(
        AutoScalingGroupName=seen.values["group"], InstanceIds=seen.ids, ProtectedFromScaleIn=False
    )
    assert _deleted(client, _stack_name(request))["StackStatus"] == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("preference", "outcome"), [("Refresh", "replaced"), ("Ignore", "kept"), ("Wait", "refused"), (None, "refused")]
)
def test_an_instance_refresh_follows_its_setting_for_protected_instances(
    deploy: Deploy, stand: Callable[..., Seen], client: Client, preference: str | None, outcome: str
) -> None:
    preferences = {"ScaleInProtectedInstances": preference} if preference else {}
    update = {"AutoScalingInstanceRefresh": {"Strategy": "Rolling", "Preferences": preferences}}
    group = {"NewInstancesProtectedFromScaleIn": True, "MinSize": "1"}
    seen = stand(_base(group=group, update=update))
    before = seen.ids
    changed = deploy(_base(group=group, update=update, data={"InstanceType": "m7g.xlarge"}), parameters=PARAMETERS)
    if outcome == "refused":
        assert changed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        assert "protected from scale-in" in changed["Reason"]
    else:
        assert (seen.ids == before) is (outcome == "kept")
    client("autoscaling").set_instance_protection(
        AutoScalingGroupName=seen.values["group"], InstanceIds=seen.ids, ProtectedFromScaleIn=False
    )


def test_a_rolling_update_replaces_instances_and_restarts_their_tasks(stand: Callable[..., Seen]) -> None:
    update = {"AutoScalingRollingUpdate": {"MaxBatchSize": 1, "MinInstancesInService": 1}}
    before = stand(_base(update=update) | _service(DesiredCount=5)).ids
    seen = stand(_base(update=update, data={"InstanceType": "m7g.xlarge"}) | _service(DesiredCount=5))
    assert not set(before) & set(seen.ids)
    assert {each["InstanceType"] for each in seen.ec2} == {"m7g.xlarge"}
    assert seen.service()["runningCount"] == 5


def test_a_warm_pool_and_a_lifecycle_hook_are_shown(client: Client, stand: Callable[..., Seen]) -> None:
    more = {
        "Pool": resource(
            "AWS::AutoScaling::WarmPool", AutoScalingGroupName=ref("Group"), MinSize=1, PoolState="Stopped"
        ),
        "Hook": resource(
            "AWS::AutoScaling::LifecycleHook",
            AutoScalingGroupName=ref("Group"),
            LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING",
            HeartbeatTimeout=90,
        ),
    }
    seen = stand(_base(group={"MaxSize": "2", "MinSize": "1"}) | more)
    autoscaling = client("autoscaling")
    pool = autoscaling.describe_warm_pool(AutoScalingGroupName=seen.values["group"])
    assert (pool["WarmPoolConfiguration"]["MinSize"], len(pool["Instances"])) == (1, 1)
    assert pool["Instances"][0]["LifecycleState"] == "Warmed:Stopped"
    hooks = autoscaling.describe_lifecycle_hooks(AutoScalingGroupName=seen.values["group"])["LifecycleHooks"]
    assert hooks[0]["HeartbeatTimeout"] == 90


def test_a_terminated_instance_is_replaced_and_its_tasks_start_elsewhere(
    client: Client, stand: Callable[..., Seen]
) -> None:
    seen = stand(_base() | _service(DesiredCount=2))
    (gone,) = seen.ids
    client("ec2").terminate_instances(InstanceIds=[gone])
    assert gone not in seen.ids
    assert seen.service()["runningCount"] == 2


def test_run_task_without_room_returns_the_reason(client: Client, stand: Callable[..., Seen]) -> None:
    seen = stand(_base(group={"MinSize": "1"}) | _service(DesiredCount=1))
    task = seen.service()["taskDefinition"]
    done = client("ecs").run_task(cluster=seen.values["cluster"], taskDefinition=task, launchType="EC2", count=9)
    assert (len(done["tasks"]), len(done["failures"])) == (3, 6)


def test_a_blue_green_deployment_stops_no_old_task_to_make_room(stand: Callable[..., Seen]) -> None:
    plan = {"Strategy": "BLUE_GREEN", "MinimumHealthyPercent": 0}
    base = _base(group={"MaxSize": "1"})
    before = {task["taskArn"] for task in stand(base | _service(DesiredCount=3, DeploymentConfiguration=plan)).tasks}
    changed = {"Environment": [{"Name": "VERSION", "Value": "2"}]}
    seen = stand(base | _service(DesiredCount=3, DeploymentConfiguration=plan, container=changed), "_ROLLBACK_COMPLETE")
    assert {task["taskArn"] for task in seen.tasks} == before


def test_the_table_shows_the_capacity_and_how_many_tasks_fit(
    stand: Callable[..., Seen], server: tuple[int, int], request: pytest.FixtureRequest
) -> None:
    resources = _base() | _service(DesiredCount=5)
    stand(resources)
    reached, name = access(server[1]), _stack_name(request)
    template = {"Parameters": PARAMETERS, "Resources": resources}
    stack = Stack(path=name, name=name, account=ACCOUNT, region=REGION, template=template, needs=())
    rows = {row.what.strip(): row.says for row in table(reached, [stack])}
    assert rows["capacity"] == "2 instances (0 to 3), m7g.large"
    assert rows["fits"] == "4 per m7g.large (limited by CPU), room for 3 more"
    assert why_not_standing(reached, stack) is None


@pytest.mark.parametrize("gone", ["AWS::AutoScaling::AutoScalingGroup", "AWS::EC2::LaunchTemplate"])
def test_deleted_capacity_is_detected(
    client: Client, stand: Callable[..., Seen], server: tuple[int, int], request: pytest.FixtureRequest, gone: str
) -> None:
    seen = stand(_base())
    if gone == "AWS::EC2::LaunchTemplate":
        client("ec2").delete_launch_template(LaunchTemplateId=seen.values["template"])
    else:
        client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=seen.values["group"], ForceDelete=True)
    name = _stack_name(request)
    stack = Stack(path=name, name=name, account=ACCOUNT, region=REGION, template={}, needs=())
    assert f"({gone})" in str(why_not_standing(access(server[1]), stack))

"""Volumes are encrypted, authorized by roles, reachable by their service, and mounted at valid paths."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_scheduler as scheduler
from aws_cdk.assertions import Match

from moorage import Capacity, Cluster, Container, Job, Mount, Network, NetworkMode, Service, Task, Volume
from moorage.testing import readable_template
from tests.conftest import imported_vpc, template, warnings_of
from tests.ecs.task.test_task_definition import containers_of, granted
from tests.stand_ins import stand_in

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

FILE_SYSTEM = stand_in("aws_efs.IFileSystem")


@pytest.fixture
def cluster(stack: cdk.Stack, vpc: ec2.IVpc) -> Cluster:
    return Cluster(stack, "Cluster", vpc=vpc)


def shared(stack: cdk.Stack, vpc: ec2.IVpc) -> efs.FileSystem:
    return efs.FileSystem(stack, "Files", vpc=vpc, removal_policy=cdk.RemovalPolicy.DESTROY)


def serve(stack: cdk.Stack, cluster: Cluster, *volumes: Volume, read_only: bool = False) -> Service:
    mounts = {f"/{volume.name}": Mount(volume.name, read_only=read_only) for volume in volumes}
    task = Task(Container("shop:1", mounts=mounts), volumes=volumes)
    return Service(stack, "Web", cluster=cluster, task=task)


def test_whole_template(
    stack: cdk.Stack, vpc: ec2.IVpc, cluster: Cluster, template_snapshot: SnapshotAssertion
) -> None:
    files = shared(stack, vpc)
    point = files.add_access_point("Uploads", path="/uploads", posix_user=efs.PosixUser(uid="1000", gid="1000"))
    uploads = Volume.efs("uploads", files, access_point=point)
    serve(stack, cluster, uploads, Volume.ebs("scratch", 100, kms_key=kms.Key(stack, "Key")))
    assert readable_template(stack) == template_snapshot


def test_a_file_system_is_encrypted_in_transit_and_authorized_by_the_task_role(
    stack: cdk.Stack, vpc: ec2.IVpc, cluster: Cluster
) -> None:
    serve(stack, cluster, Volume.efs("files", shared(stack, vpc)))
    template(stack).has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "Volumes": [
                Match.object_like(
                    {
                        "Name": "files",
                        "EFSVolumeConfiguration": {
                            "TransitEncryption": "ENABLED",
                            "AuthorizationConfig": {"IAM": "ENABLED"},
                            "FilesystemId": Match.any_value(),
                        },
                    }
                )
            ]
        },
    )
    assert granted(stack, "TaskRole").keys() == {"elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"}


def test_a_read_only_mount_grants_no_write_access(stack: cdk.Stack, vpc: ec2.IVpc, cluster: Cluster) -> None:
    serve(stack, cluster, Volume.efs("files", shared(stack, vpc)), read_only=True)
    assert granted(stack, "TaskRole").keys() == {"elasticfilesystem:ClientMount"}
    (point,) = containers_of(stack)["app"]["MountPoints"]
    assert point == {"ContainerPath": "/files", "ReadOnly": True, "SourceVolume": "files"}


def test_access_is_limited_to_the_access_point(stack: cdk.Stack, vpc: ec2.IVpc, cluster: Cluster) -> None:
    files = shared(stack, vpc)
    serve(stack, cluster, Volume.efs("files", files, access_point=files.add_access_point("Point"), root_access=True))
    (statement,) = granted(stack, "TaskRole")["elasticfilesystem:ClientRootAccess"]
    condition = statement["Condition"]["StringEquals"]["elasticfilesystem:AccessPointArn"]
    assert "Point" in str(condition)
    authorization = {"AccessPointId": Match.any_value(), "IAM": "ENABLED"}
    template(stack).has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "Volumes": [
                Match.object_like({"EFSVolumeConfiguration": Match.object_like({"AuthorizationConfig": authorization})})
            ]
        },
    )


def test_a_file_system_must_be_in_the_vpc_of_its_tasks(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cluster = Cluster(stack, "Cluster", vpc=Network(stack, "Network").vpc)
    for files in (shared(stack, vpc), efs.FileSystem(stack, "Second", vpc=Network(stack, "Other").vpc)):
        with pytest.raises(ValueError, match="file_system of volume 'data' must be in the VPC Shop/Network/Default"):
            serve(stack, cluster, Volume.efs("data", files))


def test_a_file_system_and_a_key_must_be_in_the_region_of_their_tasks(app: cdk.App) -> None:
    here, there = (
        cdk.Stack(app, region, env=cdk.Environment(account="111111111111", region=region))
        for region in ("eu-west-1", "us-east-1")
    )
    cluster = Cluster(here, "Cluster", vpc=imported_vpc(here))
    with pytest.raises(ValueError, match="file_system of volume 'data' must be in region eu-west-1"):
        serve(here, cluster, Volume.efs("data", shared(there, imported_vpc(there))))
    with pytest.raises(ValueError, match="kms_key of volume 'data' must be in region eu-west-1"):
        serve(here, cluster, Volume.ebs("data", 10, kms_key=kms.Key(there, "Key")))


@pytest.mark.parametrize("targets", [1, 2, 3])
@pytest.mark.parametrize("is_network", [True, False], ids=["Network", "ec2.Vpc"])
def test_a_zone_without_a_mount_target_warns(app: cdk.App, targets: int, *, is_network: bool) -> None:
    stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    vpc = Network(stack, "Here", zones=3).vpc if is_network else ec2.Vpc(stack, "Here", max_azs=3)
    selection = ec2.SubnetSelection(subnets=vpc.private_subnets[:targets])
    files = efs.FileSystem(stack, "Files", vpc=vpc, vpc_subnets=selection)
    serve(stack, Cluster(stack, "Cluster", vpc=vpc), Volume.efs("files", files))
    told = [each for each in warnings_of(app, "Shop") if "mount target" in each]
    assert [f"(got {targets} for 3 zones)" in each for each in told] == [True] * (targets < 3)


def test_a_one_zone_file_system_does_not_warn_for_tasks_in_that_zone(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    vpc = imported_vpc(stack)
    files = Volume.efs("files", efs.FileSystem(stack, "Files", vpc=vpc, one_zone=True))
    task = Task(Container("shop:1", mounts={"/files": Mount("files")}), volumes=[files])
    cluster = Cluster(stack, "Cluster", vpc=vpc)
    one_zone = ec2.SubnetSelection(subnets=vpc.private_subnets[:1])
    Service(stack, "One", cluster=cluster, task=task, vpc_subnets=one_zone)
    assert warnings_of(app, "Shop") == []


def test_an_access_point_of_another_file_system_is_refused(stack: cdk.Stack, vpc: ec2.IVpc, cluster: Cluster) -> None:
    files, other = shared(stack, vpc), efs.FileSystem(stack, "Other", vpc=vpc)
    with pytest.raises(
        ValueError, match="access_point of volume 'data' must belong to the file system Shop/Files .got an"
    ):
        serve(stack, cluster, Volume.efs("data", files, access_point=other.add_access_point("Point")))
    imported = efs.AccessPoint.from_access_point_id(stack, "Imported", "fsap-1")
    task = Task(
        Container("shop:1", mounts={"/own": "own", "/imported": "imported"}),
        volumes=[
            Volume.efs("own", files, access_point=files.add_access_point("Own")),
            Volume.efs("imported", files, access_point=imported),
        ],
    )
    Service(stack, "Web", cluster=cluster, task=task)


def test_a_service_reaches_its_file_system_only_on_the_nfs_port(
    stack: cdk.Stack, vpc: ec2.IVpc, cluster: Cluster
) -> None:
    files = shared(stack, vpc)
    point = files.add_access_point("Point")
    serve(stack, cluster, Volume.efs("one", files), Volume.efs("two", files, access_point=point))
    template(stack).resource_count_is("AWS::EC2::SecurityGroupIngress", 1)
    template(stack).has_resource_properties("AWS::EC2::SecurityGroupIngress", {"FromPort": 2049, "ToPort": 2049})
    template(stack).has_resource_properties("AWS::EC2::SecurityGroupEgress", {"FromPort": 2049, "ToPort": 2049})


def test_services_that_share_a_security_group_define_a_rule_once(
    stack: cdk.Stack, vpc: ec2.IVpc, cluster: Cluster
) -> None:
    files, group = shared(stack, vpc), ec2.SecurityGroup(stack, "Group", vpc=vpc, allow_all_outbound=False)
    task = Task(Container("shop:1", mounts={"/files": "files"}), volumes=[Volume.efs("files", files)])
    for name in ("Web", "Api"):
        Service(stack, name, cluster=cluster, task=task, security_groups=[group])
    template(stack).resource_count_is("AWS::EC2::SecurityGroupIngress", 1)


def test_a_pre_deployment_task_reaches_the_file_system_and_cannot_have_an_ebs_volume(
    stack: cdk.Stack, vpc: ec2.IVpc, cluster: Cluster
) -> None:
    def migrate(volume: Volume) -> Task:
        return Task(Container("migrate:1", mounts={"/data": volume.name}), volumes=[volume])

    files = Volume.efs("files", shared(stack, vpc))
    Service(stack, "Web", cluster=cluster, task=Task(Container("shop:1")), pre_deployment_task=migrate(files))
    template(stack).resource_count_is("AWS::EC2::SecurityGroupIngress", 1)
    with pytest.raises(ValueError, match=r"volumes must not have a Volume.ebs\(...\) in a task without a service"):
        Service(
            stack,
            "Api",
            cluster=cluster,
            task=Task(Container("shop:1")),
            pre_deployment_task=migrate(Volume.ebs("disk", 9)),
        )


def test_a_file_system_of_another_stack_causes_no_cyclic_reference(app: cdk.App) -> None:
    platform, services = cdk.Stack(app, "Platform"), cdk.Stack(app, "Services")
    vpc = imported_vpc(platform)
    files = shared(platform, vpc)
    serve(services, Cluster(platform, "Cluster", vpc=vpc), Volume.efs("files", files))
    template(platform).resource_count_is("AWS::EC2::SecurityGroupIngress", 0)
    template(services).resource_count_is("AWS::EC2::SecurityGroupIngress", 1)
    assert platform.dependencies == []


def test_tasks_start_after_their_mount_targets(stack: cdk.Stack, vpc: ec2.IVpc, cluster: Cluster) -> None:
    disk = Volume.ebs("disk", 10, kms_key=kms.Key(stack, "Key"))
    serve(stack, cluster, Volume.efs("files", shared(stack, vpc)), disk)
    (service,) = template(stack).find_resources("AWS::ECS::Service").values()
    targets = template(stack).find_resources("AWS::EFS::MountTarget").keys()
    policies = [name for name in template(stack).find_resources("AWS::IAM::Policy") if "EBSRole" in name]
    assert policies
    assert {*targets, *policies} <= set(service["DependsOn"])


def test_each_task_gets_an_encrypted_ebs_volume_through_a_role_of_ecs(stack: cdk.Stack, cluster: Cluster) -> None:
    serve(stack, cluster, Volume.ebs("data", 100, iops=6000, throughput_mib=500, file_system_type="ext4"))
    template(stack).has_resource_properties(
        "AWS::ECS::TaskDefinition", {"Volumes": [{"Name": "data", "ConfiguredAtLaunch": True}]}
    )
    template(stack).has_resource_properties(
        "AWS::ECS::Service",
        {
            "VolumeConfigurations": [
                {
                    "Name": "data",
                    "ManagedEBSVolume": {
                        "Encrypted": True,
                        "FilesystemType": "ext4",
                        "Iops": 6000,
                        "RoleArn": Match.any_value(),
                        "SizeInGiB": 100,
                        "Throughput": 500,
                        "VolumeType": "gp3",
                    },
                }
            ]
        },
    )
    roles = template(stack).find_resources("AWS::IAM::Role").values()
    managed = [role["Properties"].get("ManagedPolicyArns", []) for role in roles]
    assert sum("AmazonECSInfrastructureRolePolicyForVolumes" in str(each) for each in managed) == 1


def test_ecs_may_use_the_key_of_an_ebs_volume(stack: cdk.Stack, cluster: Cluster) -> None:
    serve(stack, cluster, Volume.ebs("data", 100, kms_key=kms.Key(stack, "Key")))
    assert {"kms:CreateGrant", "kms:GenerateDataKeyWithoutPlaintext"} <= granted(stack, "EBSRole").keys()


def test_an_ebs_volume_can_start_from_a_snapshot(stack: cdk.Stack, cluster: Cluster) -> None:
    serve(stack, cluster, Volume.ebs("data", snapshot_id="snap-05abe246af", initialization_rate_mib=200))
    disk = {"SnapshotId": "snap-05abe246af", "SizeInGiB": Match.absent(), "VolumeInitializationRate": 200}
    template(stack).has_resource_properties(
        "AWS::ECS::Service", {"VolumeConfigurations": [{"ManagedEBSVolume": Match.object_like(disk)}]}
    )


def test_containers_share_a_directory_that_one_of_them_mounts_read_only(stack: cdk.Stack, cluster: Cluster) -> None:
    task = Task(
        Container("shop:1", mounts={"/out": "shared"}),
        Container("tail:1", name="tail", mounts={"/in": Mount("shared", read_only=True)}),
        volumes=Volume.bind_mount("shared"),
    )
    Service(stack, "Web", cluster=cluster, task=task)
    points = {name: at["MountPoints"][0] for name, at in containers_of(stack).items()}
    assert (points["app"]["ReadOnly"], points["tail"]["ReadOnly"]) == (False, True)


@pytest.mark.parametrize(
    ("mounts", "volumes", "says"),
    [
        (
            {"/data": "data"},
            [],
            r"mounts of container 'app' must name volumes of the task \(got 'data' at '/data'\); add the volume to",
        ),
        ({"/data": "date"}, [Volume.bind_mount("data")], r"got 'date' at '/data'\); use 'data', or remove the mount"),
        (
            {},
            [Volume.bind_mount("data")],
            r"each item of volumes must be mounted by a container \(got 'data'\); use Container",
        ),
    ],
)
def test_mounts_and_volumes_must_match(mounts: dict[str, str], volumes: list[Volume], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Task(Container("redis:8", mounts=mounts), volumes=volumes)


@pytest.mark.parametrize(
    ("writable", "mounts", "says"),
    [
        (["/data/tmp"], {"/data": "data"}, "writable must not have a path below '/data' of mounts"),
        (["/tmp", "/tmp/a"], {}, "writable must not have a path below '/tmp' of writable"),
        (["/data"], {"/data": "data"}, "writable and mounts must not have the same path"),
    ],
)
def test_a_writable_path_below_another_mount_is_refused(writable: list[str], mounts: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Container("redis:8", writable=writable, mounts=mounts)


def test_paths_with_a_common_prefix_are_different() -> None:
    assert Container("redis:8", writable=["/data-tmp"], mounts={"/data": "data"})


def test_all_problems_of_an_ebs_volume_are_reported_together() -> None:
    with pytest.raises(ValueError, match="Volume 'data': 3 problems"):
        Volume.ebs("data", 0, iops=100, throughput_mib=9000)


@pytest.mark.parametrize(
    ("arguments", "way_out"),
    [
        ({"size_gib": 4, "iops": 16000}, "size_gib=4); use iops=3000, or a larger size_gib="),
        (
            {"size_gib": 10, "iops": 16000},
            "size_gib=10); use a value of iops between 3,000 and 5,000, or a larger size_gib=",
        ),
        ({"size_gib": 1, "volume_type": "io1", "iops": 100}, "size_gib=1); use size_gib=4 or more"),
        (
            {"size_gib": 10, "volume_type": "gp2", "iops": 3000},
            "size_gib=10); leave iops= out, or use volume_type='gp3'",
        ),
    ],
)
def test_invalid_iops_and_sizes_suggest_valid_ones(arguments: dict[str, Any], way_out: str) -> None:
    with pytest.raises(ValueError, match=re.escape(way_out)):
        Volume.ebs("data", **arguments)


def test_a_volume_comes_from_one_of_its_methods(stack: cdk.Stack, cluster: Cluster) -> None:
    with pytest.raises(TypeError, match="is not a volume; use Volume.bind_mount"):
        serve(stack, cluster, Volume("files"))


def test_tasks_that_share_an_instance_open_no_path_to_a_file_system(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    own = Capacity.ec2("own", instance_types=["m7i.large"], max_instances=2)
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[own])
    files = Volume.efs("files", shared(stack, vpc))
    container = Container("shop:1", mounts={"/files": files.name})
    task = Task(container, volumes=[files], network_mode=NetworkMode.BRIDGE)
    Job(stack, "Nightly", cluster=cluster, task=task, schedule=scheduler.ScheduleExpression.rate(cdk.Duration.days(1)))
    rules = template(stack).find_resources("AWS::EC2::SecurityGroupIngress").values()
    assert not [each for each in rules if each["Properties"].get("FromPort") == 2049]

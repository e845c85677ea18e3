"""The volumes of a task, in its task definition and in its service."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam

from moorage.ecs.capacity.capacity import CapacityKind
from moorage.ecs.cdk_values import tcp
from moorage.ecs.group_rules import is_first
from moorage.ecs.network.subnets import zones_of
from moorage.scope.acknowledgements import AWS_MANAGED_POLICY, POLICY_OF_ONE_ROLE, acknowledge
from moorage.scope.place import check_in_vpc, check_place
from moorage.workload.container_checks import is_below
from moorage.workload.errors import ArgumentTypeError
from moorage.workload.problems import is_token
from moorage.workload.volumes import BindMount, EbsVolume, EfsVolume

if TYPE_CHECKING:
    from aws_cdk import aws_efs as efs
    from constructs import Construct, IConstruct

    from moorage.workload.container import Container
    from moorage.workload.problems import Problems
    from moorage.workload.task import Task

_VOLUME_POLICY = "service-role/AmazonECSInfrastructureRolePolicyForVolumes"
_NFS_PORT = 2049

_SESSION_PATHS = {
    CapacityKind.FARGATE: ("/managed-agents", "/var/lib/amazon/ssm", "/var/log/amazon/ssm"),
    CapacityKind.INSTANCES: ("/var/lib/amazon/ssm",),
}
"""The paths to which the agent of ECS Exec writes as root (containers-roadmap #1359, #2824). On instances, the ECS
agent mounts its programs and the log directory itself, and Docker refuses a second mount (amazon-ecs-agent,
`execcmd/manager_init_task_linux.go`)."""


def define_volumes(
    task: Task,
    definition: ecs.TaskDefinition,
    container_definitions: Mapping[str, ecs.ContainerDefinition],
    kind: CapacityKind,
) -> None:
    """Define and mount the volumes of a task, including volumes for sessions, and grant access to EFS.

    Args:
        task: The task with the volumes.
        definition: The task definition in which to define the volumes.
        container_definitions: The definitions of the containers, by name.
        kind: The kind of capacity on which the task runs.
    """
    for volume in task.volumes:
        _add_volume(definition, volume)
    for container in task.containers:
        points = [
            ecs.MountPoint(container_path=path, source_volume=mount.volume, read_only=mount.read_only)
            for path, mount in container.mounts.items()
        ]
        for name, path in _session_mounts(task, container, kind).items():
            definition.add_volume(name=name)
            points.append(ecs.MountPoint(container_path=path, source_volume=name, read_only=False))
        if points:
            container_definitions[container.name].add_mount_points(*points)
    _grant_file_systems(task, definition)


def check_volumes(task: Task, scope: IConstruct, vpc: ec2.IVpc, problems: Problems) -> None:
    """Check that tasks in the VPC and in the account and region of `scope` can use the file systems and keys."""
    for volume in task.volumes:
        argument = f"volume {volume.name!r}"
        if isinstance(volume, EbsVolume):
            check_place(problems, f"kms_key of {argument}", volume.kms_key, scope, across_accounts=True)
        if isinstance(volume, EfsVolume):
            check_place(problems, f"file_system of {argument}", volume.file_system, scope, across_accounts=True)
            security_groups = volume.file_system.connections.security_groups
            check_in_vpc(problems, f"file_system of {argument}", security_groups, vpc)
            if volume.access_point is not None:
                _check_access_point(volume.access_point, volume.file_system, f"access_point of {argument}", problems)


def few_mount_targets_warning(task: Task, selections: Iterable[ec2.SubnetSelection], vpc: ec2.IVpc) -> str | None:
    """Return a warning about a file system of this app that cannot be mounted in some zones of the tasks, or None.

    A zone has at most one mount target of a file system (botocore efs CreateMountTarget). ECS mounts a file system by a
    name that is known only in zones with a mount target (Amazon EFS user guide, "Mounting One Zone file systems").

    Args:
        task: The task that mounts the file systems.
        selections: The subnets of the tasks.
        vpc: The VPC of the subnets.
    """
    volumes = [volume for volume in task.volumes if isinstance(volume, EfsVolume)]
    zones = {zone for each in selections for zone in zones_of(each, vpc) or ()} if volumes else set()
    for volume in volumes:
        from aws_cdk import aws_efs as efs  # noqa: PLC0415  # loads aws_cdk.aws_efs

        targets = sum(isinstance(each, efs.CfnMountTarget) for each in volume.file_system.node.children)
        if 0 < targets < len(zones):
            return (
                f"file_system of volume {volume.name!r} should have a mount target in each zone of the tasks (got "
                f"{targets} for {len(zones)} zones), since tasks in other zones do not start; use vpc_subnets= of the "
                "file system for all of these zones, or fewer subnets for the tasks"
            )
    return None


def _check_access_point(
    access_point: efs.IAccessPoint, file_system: efs.IFileSystem, argument: str, problems: Problems
) -> None:
    """Check that an access point is not known to belong to another file system."""
    try:
        ids = (access_point.file_system.file_system_id, file_system.file_system_id)
    except RuntimeError:  # jsii raises it for every error in Node.js; here the access point was imported by its ID
        return
    if ids[0] != ids[1] and (not is_token(ids) or file_system.node.default_child is not None):
        problems.add(
            f"{argument} must belong to the file system {file_system.node.path} (got an access point of "
            f"{access_point.file_system.node.path}); use an access point of {file_system.node.path}, or leave "
            "access_point= out"
        )


def _grant_file_systems(task: Task, definition: ecs.TaskDefinition) -> None:
    """Let the task role mount the task's file systems, with write access if a container needs it."""
    for volume in task.volumes:
        if isinstance(volume, EfsVolume):
            mounts = [
                mount for each in task.containers for mount in each.mounts.values() if mount.volume == volume.name
            ]
            actions = ["elasticfilesystem:ClientMount"]
            if not all(mount.read_only for mount in mounts):
                actions.append("elasticfilesystem:ClientWrite")
            if volume.root_access:
                actions.append("elasticfilesystem:ClientRootAccess")
            access_point = volume.access_point
            conditions = (
                {"elasticfilesystem:AccessPointArn": access_point.access_point_arn}
                if access_point is not None
                else None
            )
            definition.add_to_task_role_policy(
                iam.PolicyStatement(
                    actions=actions,
                    resources=[volume.file_system.file_system_arn],
                    conditions={"StringEquals": conditions} if conditions else None,
                )
            )


def attach_volumes(
    scope: Construct, tasks: Sequence[Task], service: ecs.BaseService, connections: ec2.Connections | None
) -> None:
    """Add the EBS volumes of tasks to a service, open their file systems, and let the service wait for mount targets.

    Args:
        scope: The scope in which to define the role of the managed volume.
        tasks: The tasks that the service runs.
        service: The service to which the volumes are added.
        connections: The connections of the tasks, or None if the tasks use the network of instances, which services
            share.
    """
    volumes = [volume for task in tasks for volume in task.volumes]
    for volume in volumes:
        if isinstance(volume, EbsVolume):
            service.add_volume(_managed_volume(scope, volume, service))
    open_file_systems(scope, tasks, service, connections)


def open_file_systems(
    scope: Construct, tasks: Sequence[Task], starter: Construct, connections: ec2.Connections | None
) -> None:
    """Let tasks connect to their file systems, and make the construct that starts the tasks wait for mount targets.

    The security group rules belong to the stack of the tasks, even if another stack defines the file system. Therefore,
    stacks never depend on each other in a cycle.

    Args:
        scope: A scope in the stack of the tasks, in which to define the rules.
        tasks: The tasks that mount the file systems.
        starter: The construct that starts the tasks.
        connections: The connections of the tasks, or None if the tasks use the network of instances, which services
            share.
    """
    volumes = [volume for task in tasks for volume in task.volumes]
    for file_system in dict.fromkeys(volume.file_system for volume in volumes if isinstance(volume, EfsVolume)):
        starter.node.add_dependency(file_system.mount_targets_available)
        if connections:
            _open_file_system(file_system, cdk.Stack.of(scope), connections)


def _open_file_system(file_system: efs.IFileSystem, stack: cdk.Stack, connections: ec2.Connections) -> None:
    """Define the rules in `stack` that let tasks connect to a file system, unless the stage already has these rules.

    Services of several stacks may share a security group.
    """
    for group, own in itertools.product(file_system.connections.security_groups, connections.security_groups):
        if is_first(stack, own.security_group_id, group.security_group_id, _NFS_PORT):
            own.connections.allow_to(_security_group_in(stack, group), tcp(_NFS_PORT), "Tasks to file system")


def _security_group_in(stack: cdk.Stack, security_group: ec2.ISecurityGroup) -> ec2.ISecurityGroup:
    """Import a file system's security group into `stack` once, so that no two services define the same rule."""
    name = f"FileSystem {security_group.node.addr}"
    existing = stack.node.try_find_child(name)
    return cast("ec2.ISecurityGroup | None", existing) or ec2.SecurityGroup.from_security_group_id(
        stack, name, security_group.security_group_id, allow_all_outbound=True
    )


def _add_volume(definition: ecs.TaskDefinition, volume: object) -> None:
    match volume:
        case EfsVolume():
            definition.add_volume(
                name=volume.name,
                efs_volume_configuration=ecs.EfsVolumeConfiguration(
                    file_system_id=volume.file_system.file_system_id,
                    root_directory=None if volume.root_directory == "/" else volume.root_directory,
                    transit_encryption="ENABLED",
                    authorization_config=ecs.AuthorizationConfig(
                        access_point_id=volume.access_point.access_point_id if volume.access_point else None,
                        iam="ENABLED",
                    ),
                ),
            )
        case EbsVolume():
            definition.add_volume(name=volume.name, configured_at_launch=True)
        case BindMount(host_path=host_path):
            definition.add_volume(name=volume.name, host=ecs.Host(source_path=host_path) if host_path else None)
        case _:
            raise ArgumentTypeError(
                f"{volume!r} is not a volume; use Volume.bind_mount(...), Volume.efs(...) or Volume.ebs(...)"
            )


def _managed_volume(scope: Construct, volume: EbsVolume, service: ecs.BaseService) -> ecs.ServiceManagedVolume:
    managed_volume = ecs.ServiceManagedVolume(
        scope,
        volume.name,
        name=volume.name,
        managed_ebs_volume=ecs.ServiceManagedEBSVolumeConfiguration(
            encrypted=True,
            kms_key_id=volume.kms_key,
            size=None if volume.size_gib is None else cdk.Size.gibibytes(volume.size_gib),
            volume_type=ec2.EbsDeviceVolumeType[volume.volume_type.upper()],
            iops=volume.iops,
            throughput=volume.throughput_mib,
            snap_shot_id=volume.snapshot_id,
            volume_initialization_rate=None
            if volume.initialization_rate_mib is None
            else cdk.Size.mebibytes(volume.initialization_rate_mib),
            file_system_type=ecs.FileSystemType[volume.file_system_type.upper()],
        ),
    )
    acknowledge(managed_volume, *AWS_MANAGED_POLICY, policies=[_VOLUME_POLICY])
    acknowledge(managed_volume, *POLICY_OF_ONE_ROLE)
    if volume.kms_key is not None:  # ECS developer guide, encrypt data stored in EBS volumes
        volume.kms_key.grant(
            managed_volume.role,
            "kms:DescribeKey",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:CreateGrant",
            "kms:Decrypt",
        ).apply_before(service)
    return managed_volume


def _session_mounts(task: Task, container: Container, kind: CapacityKind) -> dict[str, str]:
    """Return the volumes that sessions need in a read-only container, each with its path."""
    if not task.execute_command or not container.read_only or task._on_windows:
        return {}
    writable = [*container.writable, *(path for path, mount in container.mounts.items() if not mount.read_only)]
    return {
        f"session-{task.containers.index(container)}{path.replace('/', '-')}": path
        for path in _SESSION_PATHS.get(kind, ())
        if not any(path == each or is_below(path, each) for each in writable)
    }

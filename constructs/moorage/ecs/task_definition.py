"""A `Task` as CDK defines it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs

from moorage.ecs.capacity import Kind
from moorage.ecs.values import duration, optional_duration, platform, registry_image
from moorage.workload.faults import is_token
from moorage.workload.image import DirectoryImage, RegistryImage, RepositoryImage
from moorage.workload.task import Architecture, NetworkMode

if TYPE_CHECKING:
    from aws_cdk import aws_ecr_assets as ecr_assets
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_secretsmanager as secretsmanager
    from aws_cdk import aws_ssm as ssm
    from constructs import Construct

    from moorage.workload.container import Container, HealthCheck
    from moorage.workload.image import Image
    from moorage.workload.task import Task


_NETWORK_MODES = {
    NetworkMode.AWSVPC: ecs.NetworkMode.AWS_VPC,
    NetworkMode.BRIDGE: ecs.NetworkMode.BRIDGE,
    NetworkMode.HOST: ecs.NetworkMode.HOST,
}


def define_task(scope: Construct, task: Task, log_group: logs.ILogGroup, kind: Kind) -> ecs.TaskDefinition:
    """The task definition of `task` in `scope`, with a task role and, where the task uses one, an execution role."""
    definition = _define(scope, task, kind)
    defined = {container.name: _add(scope, definition, task, container, log_group) for container in task.containers}
    for container in task.containers:
        if container.depends_on:
            waited = [(defined[each.name], each) for each in task.containers if each.name in container.depends_on]
            defined[container.name].add_container_dependencies(
                *(
                    ecs.ContainerDependency(container=definition, condition=_ready(value))
                    for definition, value in waited
                )
            )
    for statement in task.permissions:
        definition.add_to_task_role_policy(statement)
    return definition


def _define(scope: Construct, task: Task, kind: Kind) -> ecs.TaskDefinition:
    if kind is Kind.FARGATE:
        return ecs.FargateTaskDefinition(
            scope,
            "TaskDefinition",
            cpu=task.cpu,
            memory_limit_mib=task.memory_mib,
            ephemeral_storage_gib=task.ephemeral_storage_gib,
            runtime_platform=platform(task.architecture),
        )
    managed = kind is Kind.MANAGED_INSTANCES
    return ecs.TaskDefinition(
        scope,
        "TaskDefinition",
        compatibility=ecs.Compatibility.MANAGED_INSTANCES if managed else ecs.Compatibility.EC2,
        network_mode=_NETWORK_MODES[task.network_mode],
        cpu=None if task.cpu is None else _text(task.cpu),
        memory_mib=_text(task.memory_mib),
        runtime_platform=platform(task.architecture) if managed else None,
    )


def _text(number: int) -> str:
    return cdk.Tokenization.stringify_number(number) if is_token(number) else str(number)


def _add(
    scope: Construct, definition: ecs.TaskDefinition, task: Task, container: Container, log_group: logs.ILogGroup
) -> ecs.ContainerDefinition:
    return definition.add_container(
        container.name,
        image=_image(container.image, task.architecture),
        cpu=container.cpu,
        memory_limit_mib=task.memory_of(container),
        essential=container.essential,
        port_mappings=_port_mappings(task, container),
        gpu_count=container.gpus or None,
        privileged=container.privileged or None,
        environment=dict(container.environment) or None,
        secrets={name: _secret(secret) for name, secret in container.secrets.items()} or None,
        command=container.command and list(container.command),
        entry_point=container.entry_point and list(container.entry_point),
        working_directory=container.working_directory,
        health_check=_health_check(container.health_check),
        stop_timeout=optional_duration(container.stop_timeout),
        user=container.user,
        readonly_root_filesystem=container.read_only,
        linux_parameters=_linux_parameters(scope, container),
        logging=ecs.LogDrivers.aws_logs(stream_prefix=container.name, log_group=log_group),
    )


def _port_mappings(task: Task, container: Container) -> list[ecs.PortMapping] | None:
    if not container.port:
        return None
    return [
        ecs.PortMapping(
            container_port=container.port,
            host_port=container.host_port if task.network_mode is NetworkMode.BRIDGE else None,
            name=_port_name(task, container),
        )
    ]


def _port_name(task: Task, container: Container) -> str | None:
    """The port's name for Service Connect, which knows fewer names than ECS does and no host mode."""
    name = container.name.lower()
    named = task.network_mode is not NetworkMode.HOST and re.fullmatch(r"[a-z0-9_][a-z0-9_-]{0,63}", name)
    return name if named else None


def _image(image: Image, architecture: Architecture) -> ecs.ContainerImage:
    match image:
        case RegistryImage(reference=reference):
            return registry_image(reference)
        case RepositoryImage(repository=repository, tag=tag, digest=digest):
            return ecs.ContainerImage.from_ecr_repository(repository, digest or tag)
        case DirectoryImage(path=path, file=file, build_args=build_args, target=target):
            return ecs.ContainerImage.from_asset(
                str(path),
                file=file,
                build_args=dict(build_args) or None,
                target=target,
                platform=_build_platform(architecture),
            )
        case _:
            raise TypeError(f"{image!r} is not an image; use one of the Image.from_* methods")


def _build_platform(architecture: Architecture) -> ecr_assets.Platform:
    from aws_cdk import aws_ecr_assets as ecr_assets  # noqa: PLC0415  # loaded only where an image is built

    arm = architecture is Architecture.ARM64
    return ecr_assets.Platform.LINUX_ARM64 if arm else ecr_assets.Platform.LINUX_AMD64


def _secret(secret: secretsmanager.ISecret | ssm.IParameter | ecs.Secret) -> ecs.Secret:
    if isinstance(secret, ecs.Secret):
        return secret
    if hasattr(secret, "parameter_arn"):
        return ecs.Secret.from_ssm_parameter(cast("ssm.IParameter", secret))
    return ecs.Secret.from_secrets_manager(secret)


def _health_check(check: HealthCheck | None) -> ecs.HealthCheck | None:
    if check is None:
        return None
    return ecs.HealthCheck(
        command=list(check.command),
        interval=duration(check.interval),
        timeout=duration(check.timeout),
        retries=check.retries,
        start_period=optional_duration(check.start_period),
    )


def _linux_parameters(scope: Construct, container: Container) -> ecs.LinuxParameters | None:
    if not container.writable:
        return None
    parameters = ecs.LinuxParameters(scope, f"{container.name}-linux")
    parameters.add_tmpfs(*(ecs.Tmpfs(container_path=path, size=size) for path, size in container.writable.items()))
    return parameters


def _ready(container: Container) -> ecs.ContainerDependencyCondition:
    return (
        ecs.ContainerDependencyCondition.HEALTHY if container.health_check else ecs.ContainerDependencyCondition.START
    )

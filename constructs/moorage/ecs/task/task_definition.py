"""The task definition of a `Task`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as s3_assets

from moorage.ecs.capacity.capacity import CapacityKind
from moorage.ecs.cdk_values import duration, number_text, optional_duration, runtime_platform
from moorage.ecs.task.container_images import container_image
from moorage.ecs.task.linux_parameters import linux_parameters, ulimits
from moorage.ecs.task.port_mappings import port_mappings
from moorage.ecs.task.task_roles import policy_owners, role_in
from moorage.scope.acknowledgements import POLICY_OF_ONE_ROLE, acknowledge
from moorage.scope.claimed_names import claim_name
from moorage.workload.platform_checks import fargate_size
from moorage.workload.shares import share_of
from moorage.workload.task import NetworkMode

if TYPE_CHECKING:
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_secretsmanager as secretsmanager
    from aws_cdk import aws_ssm as ssm
    from constructs import Construct

    from moorage.ecs.identity import Identity
    from moorage.workload.container import Container
    from moorage.workload.container_lifecycle import ContainerCondition, HealthCheck
    from moorage.workload.log_mode import LogMode
    from moorage.workload.sidecars import FireLens
    from moorage.workload.task import Task


_MAX_FAMILY_LENGTH = 255
"""The maximum length of the name of a task definition (botocore ecs RegisterTaskDefinition.family)."""
_NETWORK_MODES = {
    NetworkMode.AWSVPC: ecs.NetworkMode.AWS_VPC,
    NetworkMode.BRIDGE: ecs.NetworkMode.BRIDGE,
    NetworkMode.HOST: ecs.NetworkMode.HOST,
    NetworkMode.NONE: ecs.NetworkMode.NONE,
}


def define_task(
    scope: Construct,
    identity: Identity,
    task: Task,
    log_group: logs.ILogGroup,
    kind: CapacityKind,
    port_protocols: Mapping[tuple[str, int], str] = MappingProxyType({}),
) -> ecs.TaskDefinition:
    """Define the task definition of `task`, with a task role and, if needed, an execution role.

    Args:
        scope: The scope in which to define this construct.
        identity: The identity of the construct that starts the task.
        task: The task.
        log_group: The log group of the containers.
        kind: The kind of capacity on which the task runs.
        port_protocols: The protocols of ports that are not TCP, by container name and port; see `port_mappings`.
            Default: none.
    """
    definition = _define_task_definition(scope, identity, task, kind)
    resource = definition.node.default_child if task.retain_revisions else None
    if isinstance(resource, cdk.CfnResource):
        resource.cfn_options.update_replace_policy = cdk.CfnDeletionPolicy.RETAIN
    container_definitions = {
        container.name: _add_container(scope, definition, task, container, log_group, kind, port_protocols)
        for container in task.containers
    }
    for container in task.containers:
        if container.volumes_from:
            container_definitions[container.name].add_volumes_from(
                *(
                    ecs.VolumeFrom(source_container=name, read_only=read_only)
                    for name, read_only in container._volume_sources.items()
                )
            )
        if container.depends_on:
            container_definitions[container.name].add_container_dependencies(
                *(
                    ecs.ContainerDependency(
                        container=container_definitions[each.name],
                        condition=_condition(each, container.depends_on[each.name]),
                    )
                    for each in task.containers
                    if each.name in container.depends_on
                )
            )
    for statement in (*task.permissions, *_sidecar_statements(task)):
        definition.add_to_task_role_policy(statement)
    _acknowledge(definition, task)
    if task.volumes or task.execute_command:
        from moorage.ecs.task.volumes import define_volumes  # noqa: PLC0415  # needed only by volumes

        define_volumes(task, definition, container_definitions, kind)
    return definition


def _acknowledge(definition: ecs.TaskDefinition, task: Task) -> None:
    """Acknowledge the policy issues that CDK, sidecars and images cause in a task definition."""
    acknowledge(definition, *POLICY_OF_ONE_ROLE)
    sidecar_actions = {action for each in task.containers if each.sidecar for action in each.sidecar.actions}
    for owner in policy_owners(definition, task):
        acknowledge(
            owner,
            "iam-wildcard",
            "ecr:GetAuthorizationToken and the actions of sidecars cannot be limited to a resource",
            actions={"ecr:GetAuthorizationToken", *sidecar_actions},
        )
    sidecar_variables = {name for each in task.containers if each.sidecar for name in each.environment}
    acknowledge(
        definition,
        "task-env-vars",
        "the only variables are those that CDK and sidecars set, and none is a secret",
        variables={"AWS_REGION", *sidecar_variables},
    )
    if all(container.user is None for container in task.containers):
        acknowledge(
            definition,
            "nonroot-user",
            "the image sets the user; Container(user=...) overrides this user if the image can run as another user",
            containers=[container.name for container in task.containers],
        )


def _sidecar_statements(task: Task) -> Iterator[iam.PolicyStatement]:
    """Yield the permissions of sidecars, which AWS cannot limit to a resource."""
    for container in task.containers:
        if container.sidecar and container.sidecar.actions:
            yield iam.PolicyStatement(actions=list(container.sidecar.actions), resources=["*"])


def _define_task_definition(scope: Construct, identity: Identity, task: Task, kind: CapacityKind) -> ecs.TaskDefinition:
    if task.family:
        claim_name(scope, "AWS::ECS::TaskDefinition", task.family)
    common_options: dict[str, Any] = {
        "family": task.family or identity.unique_name(_MAX_FAMILY_LENGTH),
        "task_role": role_in(scope, "TaskRole", task.task_role),
        "execution_role": role_in(scope, "ExecutionRole", task.execution_role),
        "pid_mode": ecs.PidMode[task.pid_mode.upper()] if task.pid_mode else None,
        "enable_fault_injection": task.enable_fault_injection or None,
    }
    if kind is CapacityKind.FARGATE:
        cpu, memory = fargate_size(task)
        return ecs.FargateTaskDefinition(
            scope,
            "TaskDefinition",
            cpu=cpu,
            memory_limit_mib=memory,
            ephemeral_storage_gib=task.ephemeral_storage_gib,
            runtime_platform=runtime_platform(task.architecture, task.operating_system_family),
            **common_options,
        )
    managed = kind is CapacityKind.MANAGED_INSTANCES
    definition = ecs.TaskDefinition(
        scope,
        "TaskDefinition",
        compatibility=ecs.Compatibility.MANAGED_INSTANCES if managed else ecs.Compatibility.EC2,
        network_mode=_NETWORK_MODES[task.network_mode],
        cpu=None if task.cpu is None else number_text(task.cpu),
        memory_mib=number_text(task.memory_mib),
        ipc_mode=ecs.IpcMode[task.ipc_mode.upper()] if task.ipc_mode else None,
        runtime_platform=runtime_platform(task.architecture, task.operating_system_family) if managed else None,
        **common_options,
    )
    resource = definition.node.default_child if task._on_windows else None
    if isinstance(resource, cdk.CfnResource):  # CDK does not accept a runtime platform for EC2
        platform_property = {
            "CpuArchitecture": task.architecture.value,
            "OperatingSystemFamily": task.operating_system_family.value,
        }
        resource.add_property_override("RuntimePlatform", platform_property)
    return definition


def _add_container(
    scope: Construct,
    definition: ecs.TaskDefinition,
    task: Task,
    container: Container,
    log_group: logs.ILogGroup,
    kind: CapacityKind,
    port_protocols: Mapping[tuple[str, int], str],
) -> ecs.ContainerDefinition:
    restart = container.restart_policy
    task_size_is_ignored = task._on_windows and kind is CapacityKind.INSTANCES
    options: dict[str, Any] = {
        "image": container_image(scope, definition, container, task),
        "cpu": share_of(task, container, "cpu") if task_size_is_ignored else container.cpu,
        "memory_limit_mib": share_of(task, container, "memory_mib")
        if task_size_is_ignored
        else task._memory_limit_of(container),
        "memory_reservation_mib": container.memory_reservation_mib,
        "essential": container.essential,
        "port_mappings": port_mappings(task, container, port_protocols),
        "gpu_count": container.gpus or None,
        "privileged": container.privileged or None,
        "environment": dict(container.environment) or None,
        "environment_files": _environment_files(scope, definition, container),
        "secrets": _secrets(scope, definition, container.name, container.secrets),
        "command": container.command and list(container.command),
        "entry_point": container.entry_point and list(container.entry_point),
        "working_directory": container.working_directory,
        "health_check": _health_check(container.health_check),
        "start_timeout": optional_duration(container.start_timeout),
        "stop_timeout": optional_duration(container.stop_timeout),
        "enable_restart_policy": restart and True,
        "restart_attempt_period": restart and duration(restart.attempt_period),
        "restart_ignored_exit_codes": restart and list(restart.ignored_exit_codes),
        "user": container.user,
        "readonly_root_filesystem": None if task._on_windows else container.read_only,
        "linux_parameters": linux_parameters(scope, task, container),
        "ulimits": ulimits(container),
        "docker_labels": dict(container.docker_labels) or None,
        **_docker_options(container),
        "version_consistency": None if container.version_consistency else ecs.VersionConsistency.DISABLED,
        "credential_specs": _credential_specs(definition, container),
        "logging": _logging(scope, definition, task, container, log_group),
    }
    if container._firelens is None:
        return definition.add_container(container.name, **options)
    firelens_config = _firelens(container._firelens)
    return definition.add_firelens_log_router(container.name, firelens_config=firelens_config, **options)


def _docker_options(container: Container) -> dict[str, Any]:
    """Return the options of `docker run` that most containers leave out."""
    return {
        "system_controls": [
            ecs.SystemControl(namespace=name, value=value) for name, value in container.system_controls.items()
        ]
        or None,
        "docker_security_options": list(container.docker_security_options) or None,
        "dns_servers": list(container.dns_servers) or None,
        "dns_search_domains": list(container.dns_search_domains) or None,
        "extra_hosts": dict(container.extra_hosts) or None,
        "interactive": container.interactive or None,
        "pseudo_terminal": container.pseudo_terminal or None,
    }


def _logging(
    scope: Construct, definition: ecs.TaskDefinition, task: Task, container: Container, log_group: logs.ILogGroup
) -> ecs.LogDriver:
    if container.logging is not None:
        return container.logging
    router = task._log_router
    if router is None or router is container or router._firelens is None:
        return ecs.LogDrivers.aws_logs(
            stream_prefix=container.name, log_group=log_group, **_delivery(container.log_mode)
        )
    firelens = router._firelens
    return ecs.LogDrivers.firelens(
        options=dict(firelens.output),
        secret_options=_secrets(scope, definition, f"{container.name}-log", firelens.secret_output),
    )


def _delivery(mode: LogMode | None) -> dict[str, Any]:
    if mode is None:
        return {}
    if mode.max_buffer_mib is None:
        return {"mode": ecs.AwsLogDriverMode.BLOCKING}
    size = cdk.Size.mebibytes(mode.max_buffer_mib)
    return {"mode": ecs.AwsLogDriverMode.NON_BLOCKING, "max_buffer_size": size}


def _firelens(firelens: FireLens) -> ecs.FirelensConfig:
    kind = ecs.FirelensConfigFileType.S3 if firelens.config_in_s3 else ecs.FirelensConfigFileType.FILE
    return ecs.FirelensConfig(
        type=ecs.FirelensLogRouterType[firelens.type.upper()],
        options=ecs.FirelensOptions(
            enable_ecs_log_metadata=firelens.enable_ecs_log_metadata,
            config_file_type=kind if firelens.config_file else None,
            config_file_value=firelens.config_file,
        ),
    )


def _secrets(
    scope: Construct,
    definition: ecs.TaskDefinition,
    prefix: str,
    secrets: Mapping[str, secretsmanager.ISecret | ssm.IParameter | ecs.Secret],
) -> dict[str, ecs.Secret] | None:
    if not secrets:
        return None
    from moorage.ecs.task.secret_grants import grant_secret  # noqa: PLC0415  # loads aws_cdk.aws_secretsmanager

    return {name: grant_secret(scope, f"{prefix}-{name}", definition, secret) for name, secret in secrets.items()}


def _environment_files(
    scope: Construct, definition: ecs.TaskDefinition, container: Container
) -> list[ecs.EnvironmentFile] | None:
    files: list[ecs.EnvironmentFile] = []
    for index, file in enumerate(container.environment_files):
        bucket, key = file.bucket, file.key
        if bucket is None:
            asset = s3_assets.Asset(scope, f"{container.name}-environment-{index}", path=key)
            bucket, key = asset.bucket, asset.s3_object_key
        files.append(ecs.EnvironmentFile.from_bucket(bucket, key))
        _grant_read(definition, ["s3:GetObject"], bucket.arn_for_objects(key))
        _grant_read(definition, ["s3:GetBucketLocation"], bucket.bucket_arn)
        if bucket.encryption_key is not None:
            bucket.encryption_key.grant_decrypt(definition.obtain_execution_role())
    return files or None


def _credential_specs(definition: ecs.TaskDefinition, container: Container) -> list[ecs.CredentialSpec] | None:
    if container.credential_spec is None:
        return None
    kind, location = container.credential_spec.split(":", 1)
    _grant_read(definition, ["ssm:GetParameters" if ":ssm:" in location else "s3:GetObject"], location)
    return [ecs.CredentialSpec(kind, location)]


def _grant_read(definition: ecs.TaskDefinition, actions: list[str], resource: str) -> None:
    definition.add_to_execution_role_policy(iam.PolicyStatement(actions=actions, resources=[resource]))


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


def _condition(container: Container, condition: ContainerCondition | None) -> ecs.ContainerDependencyCondition:
    if condition is not None:
        return ecs.ContainerDependencyCondition[condition.value]
    return (
        ecs.ContainerDependencyCondition.HEALTHY if container.health_check else ecs.ContainerDependencyCondition.START
    )

"""The image of a container in a task definition."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs

from moorage.ecs.cdk_values import registry_image
from moorage.scope.per_construct import PerConstruct
from moorage.workload.image import NO_IMAGE_YET, DirectoryImage, RegistryImage, RepositoryImage
from moorage.workload.task import Architecture

if TYPE_CHECKING:
    from constructs import Construct

    from moorage.workload.container import Container
    from moorage.workload.image import Image
    from moorage.workload.task import Task


_CACHE_IMPORT_ACTIONS = ("ecr:BatchImportUpstreamImage", "ecr:CreateRepository")
_parameters_of_conditions: PerConstruct[cdk.Stack, list[str]] = PerConstruct()
"""The parameter of each condition in a stack."""


def container_image(
    scope: Construct, definition: ecs.TaskDefinition, container: Container, task: Task
) -> ecs.ContainerImage:
    """Return the image of a container for its container definition, and grant what the pull needs.

    Args:
        scope: The parent of what the image defines, such as a condition.
        definition: The task definition, whose execution role pulls the image.
        container: The container.
        task: The task, whose platform an image from a directory is built for.
    """
    image: Image = container.image
    match image:
        case RegistryImage():
            return _registry_image(scope, definition, container.name, image)
        case RepositoryImage():
            return _repository_image(scope, definition, container.name, image)
        case _:
            directory = cast("DirectoryImage", image)  # a task with any other image is rejected earlier
            return ecs.ContainerImage.from_asset(
                str(directory.path),
                file=directory.file,
                build_args=dict(directory.build_args) or None,
                build_secrets=dict(directory.build_secrets) or None,
                target=directory.target,
                platform=_build_platform(task),
            )


def _registry_image(
    scope: Construct, definition: ecs.TaskDefinition, name: str, image: RegistryImage
) -> ecs.ContainerImage:
    if image.credentials is None:
        return registry_image(image.reference)
    from moorage.ecs.task.secret_grants import decryptable_secret  # noqa: PLC0415  # loads aws_cdk.aws_secretsmanager

    credentials = decryptable_secret(scope, f"{name}-registry", definition, image.credentials)
    return ecs.ContainerImage.from_registry(image.reference, credentials=credentials)


def _repository_image(
    scope: Construct, definition: ecs.TaskDefinition, name: str, image: RepositoryImage
) -> ecs.ContainerImage:
    repository = image.repository
    if image.placeholder is not None or image.digest_parameter is not None:
        repository.grant_pull(definition.obtain_execution_role())
    if image.pull_through:  # ECR guide, IAM permissions required to sync an upstream registry
        repository.grant(definition.obtain_execution_role(), *_CACHE_IMPORT_ACTIONS)
    if image.stored is None:
        return ecs.ContainerImage.from_ecr_repository(repository, image.digest or image.tag)
    stored = _stored_value(scope, image)
    if image.placeholder is None and image.holds_tag:
        return ecs.ContainerImage.from_ecr_repository(repository, stored)
    uri = repository.repository_uri_for_tag(stored) if image.holds_tag else repository.repository_uri_for_digest(stored)
    if image.placeholder is None:
        return ecs.ContainerImage.from_registry(uri)
    not_pushed = cdk.Fn.condition_equals(stored, NO_IMAGE_YET)
    pushed = cdk.CfnCondition(scope, f"{name}-pushed", expression=cdk.Fn.condition_not(not_pushed))
    _acknowledge_equal_conditions(cdk.Stack.of(scope), image)
    image_name = cdk.Fn.condition_if(pushed.logical_id, uri, image.placeholder)
    return ecs.ContainerImage.from_registry(image_name.to_string())


def _acknowledge_equal_conditions(stack: cdk.Stack, image: RepositoryImage) -> None:
    """Acknowledge W9053 of CDK's validation, which reports equal conditions, if two images use one parameter.

    One condition for all of them would belong to the task definition that is defined first, and its logical ID would
    change with the order. The validation knows only the stack of a condition.
    """
    parameter = image.parameter_name or cast("cdk.CfnParameter", image.stored).node.path
    parameters = _parameters_of_conditions.get_or_make(stack, list)
    if parameters.count(parameter) == 1:
        cdk.Validations.of(stack).acknowledge(
            cdk.Acknowledgment(
                id="CloudFormation-Validate::W9053",
                reason="each task definition has its own condition, whose logical ID does not depend on the others",
            )
        )
    parameters.append(parameter)


def _stored_value(scope: Construct, image: RepositoryImage) -> str:
    """Return the tag or digest that a parameter holds at deployment."""
    if image.parameter_name is None:
        return cast("cdk.CfnParameter", image.stored).value_as_string
    from aws_cdk import aws_ssm as ssm  # noqa: PLC0415  # loads aws_cdk.aws_ssm

    return ssm.StringParameter.value_for_string_parameter(scope, image.parameter_name)


def _build_platform(task: Task) -> ecr_assets.Platform:
    if task._on_windows:
        return ecr_assets.Platform.custom("windows/amd64")
    arm = task.architecture is Architecture.ARM64
    return ecr_assets.Platform.LINUX_ARM64 if arm else ecr_assets.Platform.LINUX_AMD64

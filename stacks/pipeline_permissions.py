"""The permissions of the roles that workflows assume: the least that each of them needs."""

from __future__ import annotations

from collections.abc import Iterator

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from stacks.images import PREFIX
from stacks.settings import EnvironmentSettings

_BOOTSTRAP_ROLES = ("deploy", "file-publishing", "image-publishing", "lookup")
"""The roles of `cdk bootstrap` that the CDK CLI assumes. CloudFormation itself assumes the fifth, `cfn-exec`."""
_PUSH_ACTIONS = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:GetDownloadUrlForLayer",  # docker buildx imagetools inspect reads the configuration of each image
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)
"""https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html"""


def deploy_statements(
    stack: cdk.Stack, environment: str, settings: EnvironmentSettings
) -> Iterator[iam.PolicyStatement]:
    """Yield what a deployment of an environment needs, and a promotion of images to it.

    Args:
        stack: The stack of the role.
        environment: The name of the environment.
        settings: The settings of the environment.
    """
    yield from bootstrap_statements(stack, settings)
    regions = _regions(settings)
    yield iam.PolicyStatement(
        actions=["ssm:GetParameter", "ssm:PutParameter"],
        resources=[_parameters(stack, environment, region) for region in regions],
    )
    yield iam.PolicyStatement(
        actions=["ecr:DescribeImages", "ecr:DescribeImageScanFindings"],
        resources=[_repositories(stack, region) for region in regions],
    )
    # ECR user guide, IAM permissions required for enhanced scanning
    yield iam.PolicyStatement(actions=["inspector2:ListCoverage", "inspector2:ListFindings"], resources=["*"])


def bootstrap_statements(stack: cdk.Stack, settings: EnvironmentSettings) -> Iterator[iam.PolicyStatement]:
    """Yield the permission to assume the roles of `cdk bootstrap`, which deploy an environment.

    Args:
        stack: The stack of the role.
        settings: The settings of the environment.
    """
    roles = [_bootstrap_role(stack, kind, region) for region in _regions(settings) for kind in _BOOTSTRAP_ROLES]
    yield iam.PolicyStatement(actions=["sts:AssumeRole"], resources=roles)


def promote_statements(
    stack: cdk.Stack, environment: str, settings: EnvironmentSettings
) -> Iterator[iam.PolicyStatement]:
    """Yield what a promotion of the images of an environment to another one reads.

    Args:
        stack: The stack of the role.
        environment: The name of the environment.
        settings: The settings of the environment.
    """
    resources = [_parameters(stack, environment, region) for region in _regions(settings)]
    yield iam.PolicyStatement(actions=["ssm:GetParameter"], resources=resources)


def push_statements(stack: cdk.Stack) -> Iterator[iam.PolicyStatement]:
    """Yield what a push to the repositories of the company needs.

    Args:
        stack: The stack of the role.
    """
    yield iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"])
    yield iam.PolicyStatement(actions=[*_PUSH_ACTIONS], resources=[_repositories(stack, stack.region)])


def _regions(settings: EnvironmentSettings) -> list[str]:
    return [region for region in (settings.region, settings.recovery_region) if region]


def _bootstrap_role(stack: cdk.Stack, kind: str, region: str) -> str:
    qualifier = stack.synthesizer.bootstrap_qualifier or cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER
    name = f"cdk-{qualifier}-{kind}-role-{stack.account}-{region}"
    return stack.format_arn(service="iam", region="", resource="role", resource_name=name)


def _parameters(stack: cdk.Stack, environment: str, region: str) -> str:
    return stack.format_arn(
        service="ssm", region=region, resource="parameter", resource_name=f"{PREFIX}/{environment}/*"
    )


def _repositories(stack: cdk.Stack, region: str) -> str:
    return stack.format_arn(service="ecr", region=region, resource="repository", resource_name=f"{PREFIX}/*")

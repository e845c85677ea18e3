"""The Lambda functions of lifecycle hooks, whose code the template contains."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from moorage.scope.acknowledgements import acknowledge


def define_hook_function(
    scope: Construct,
    file: Path,
    *,
    description: str,
    timeout_seconds: int,
    role: iam.Role,
    log_group: logs.ILogGroup,
    environment: Mapping[str, str],
    purpose: str,
) -> lambda_.Function:
    """Define and return a function that ECS invokes during deployments.

    Args:
        scope: The scope in which to define the function.
        file: The file with the code, at most 4,096 characters (CloudFormation, `AWS::Lambda::Function` `ZipFile`).
        description: The description of the function.
        timeout_seconds: The timeout of the function in seconds.
        role: The role of the function.
        log_group: The log group of the function.
        environment: The variables of the function.
        purpose: The purpose of the function, after "only during deployments, to".
    """
    function = lambda_.Function(
        scope,
        "Function",
        description=description,
        runtime=lambda_.Runtime.PYTHON_3_13,
        architecture=lambda_.Architecture.ARM_64,
        handler="index.handler",
        code=lambda_.Code.from_inline(file.read_text("utf-8")),
        timeout=cdk.Duration.seconds(timeout_seconds),
        role=role,
        log_group=log_group,
        environment=dict(environment),
    )
    acknowledge(function, "helper-lambda", f"ECS invokes the function only during deployments, to {purpose}")
    acknowledge(
        function,
        "lambda-runtime",
        "Lambda supports this version of Python, but the policy rule accepts only the latest version",
    )
    return function

"""Secrets for a task, with permissions for their keys, and without cyclic references between stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager

from moorage.ecs.cdk_values import pseudo_parameters
from moorage.workload import secret_sources
from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from aws_cdk import aws_ssm as ssm
    from constructs import Construct


def grant_secret(
    scope: Construct,
    construct_id: str,
    definition: ecs.TaskDefinition,
    secret: secretsmanager.ISecret | ssm.IParameter | ecs.Secret,
) -> ecs.Secret:
    """Return a secret for CDK's containers, and let the execution role decrypt the secret if CDK does not.

    CDK grants the role access only in the policy of the secret's key (`Secret.grantRead`). The policy of an imported
    key cannot be changed. The policy of another stack's key would make that stack depend on the stack of the role. In
    both cases, the role itself is granted access to the key, as the default key policy allows, and a secret of another
    stack is imported by its ARN.

    Args:
        scope: The scope in which the task is defined.
        construct_id: The ID in this scope of a secret that is imported by its ARN.
        definition: The task definition that uses the secret.
        secret: The secret that a container reads.
    """
    if secret_sources.is_parameter(secret):
        return ecs.Secret.from_ssm_parameter(cast("ssm.IParameter", secret))
    if secret_sources.is_reference(secret):
        return _grant_reference(scope, construct_id, definition, cast("ecs.Secret", secret))
    manager_secret = cast("secretsmanager.ISecret", secret)
    return ecs.Secret.from_secrets_manager(decryptable_secret(scope, construct_id, definition, manager_secret))


def decryptable_secret(
    scope: Construct, construct_id: str, definition: ecs.TaskDefinition, secret: secretsmanager.ISecret
) -> secretsmanager.ISecret:
    """Let the execution role decrypt a secret if CDK does not, and import a secret of another stack if needed.

    Args:
        scope: The scope in which the task is defined.
        construct_id: The ID in this scope of a secret that is imported by its ARN.
        definition: The task definition that uses the secret.
        secret: The secret, which CDK then lets the role read.
    """
    key = secret.encryption_key
    if key is None or (isinstance(key, kms.Key) and cdk.Stack.of(key) is cdk.Stack.of(scope)):
        return secret
    _grant_decrypt(definition, key.key_arn)
    if not isinstance(key, kms.Key):
        return secret
    return secretsmanager.Secret.from_secret_complete_arn(scope, construct_id, secret.secret_arn)


def _grant_reference(
    scope: Construct, construct_id: str, definition: ecs.TaskDefinition, secret: ecs.Secret
) -> ecs.Secret:
    """Return a field or version of a secret. Import another stack's secret, and let the role decrypt with its key."""
    owner = _owner(secret.arn)
    key = _key_of(owner)
    if owner is None or key is None or cdk.Stack.of(owner) is cdk.Stack.of(scope):
        return secret
    field, stage, version = secret.arn.rsplit(":", 3)[1:] if secret_sources.version(secret) else ("", "", "")
    imported_secret = secretsmanager.Secret.from_secret_complete_arn(scope, construct_id, secret_sources.arn(secret))
    _grant_decrypt(definition, key)
    version_info = ecs.SecretVersionInfo(version_stage=stage or None, version_id=version or None)
    return ecs.Secret.from_secrets_manager_version(imported_secret, version_info, field or None)


def secret_resource(arn: str) -> secretsmanager.CfnSecret | None:
    """Return the secret that an ARN refers to, directly or through its attachment to a database.

    Return None if this app does not define the secret.
    """
    owner = _owner(arn)
    return owner if isinstance(owner, secretsmanager.CfnSecret) else None


def _owner(arn: str) -> cdk.CfnElement | None:
    """Return the resource that an ARN refers to: a secret, or the database whose master user password RDS manages.

    Return None if the ARN refers to no resource of the app.
    """
    tokens = cdk.Tokenization.reverse_string(arn).tokens if is_token(arn) else []
    target = next((each.target for each in tokens if isinstance(each, cdk.Reference)), None)
    if isinstance(target, secretsmanager.CfnSecretTargetAttachment):
        return _owner(target.secret_id)
    return target if isinstance(target, cdk.CfnElement) else None


def _key_of(owner: cdk.CfnElement | None) -> str | None:
    """Return the KMS key of a secret, or of the master user password of a database. Return None if CDK names no key.

    A database is recognized by a property, since aws_cdk.aws_rds takes long to load.
    """
    if isinstance(owner, secretsmanager.CfnSecret):
        return owner.kms_key_id
    managed = getattr(owner, "master_user_secret", None)
    return getattr(managed, "kms_key_id", None)


def _grant_decrypt(definition: ecs.TaskDefinition, key_arn: str) -> None:
    conditions = {"StringEquals": {"kms:ViaService": f"secretsmanager.{pseudo_parameters()[1]}.amazonaws.com"}}
    definition.add_to_execution_role_policy(
        iam.PolicyStatement(actions=["kms:Decrypt"], resources=[key_arn], conditions=conditions)
    )

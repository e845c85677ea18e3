"""Checks that a task can read its secrets, and that its definition contains no secret in plain text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk

from moorage.scope.place import check_place
from moorage.workload import secret_sources
from moorage.workload.plain_texts import check_unwrapped
from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from aws_cdk import aws_secretsmanager as secretsmanager
    from constructs import IConstruct

    from moorage.workload.problems import Problems
    from moorage.workload.task import Task

_FIRST_STAGES = {"", "AWSCURRENT"}
"""The stages of a secret that has one version (Secrets Manager user guide, "Secret versions")."""

_ATTACHED_FIELDS = {"engine", "host", "port", "dbname", "dbInstanceIdentifier", "dbClusterIdentifier"}
"""The fields that the attachment to a database adds (CloudFormation, AWS::SecretsManager::SecretTargetAttachment)."""


def check_secrets(scope: IConstruct, task: Task, problems: Problems) -> None:
    """Check that tasks in the stack of `scope` can read their secrets, and that no secret is in plain text."""
    for each in task.containers:
        if each.image._credentials is not None:  # the secret can be in another region (ECS developer guide)
            argument = f"credentials of the image of container {each.name!r}"
            check_place(problems, argument, each.image._credentials, scope, across_accounts=True, across_regions=True)
    secrets = [(container.name, *each) for container in task.containers for each in container._all_secrets]
    texts = [text for container in task.containers for text in container._plain_texts if is_token(text.value)]
    if not (secrets or texts):
        return
    stack = cdk.Stack.of(scope)
    check_unwrapped(texts, stack.resolve, problems)
    for container, name, secret in secrets:
        argument = f"secret {name!r} of container {container!r}"
        _check_place(argument, secret, scope, problems)
        if secret_sources.version(secret):
            _check_reference(argument, secret, problems)


def _check_place(argument: str, secret: Any, scope: IConstruct, problems: Problems) -> None:
    """Check the stage of a secret or parameter, and the region of a secret. Either may be in another account."""
    thing = secret
    if secret_sources.is_reference(secret):
        from moorage.ecs.task.secret_grants import secret_resource  # noqa: PLC0415  # loads aws_cdk.aws_secretsmanager

        thing = secret_resource(secret.arn) or secret_sources.arn(secret)
    in_any_region = secret_sources.source_service(secret) == "ssm"
    check_place(problems, argument, thing, scope, across_accounts=True, across_regions=in_any_region)


def _check_reference(argument: str, reference: Any, problems: Problems) -> None:
    """Check that a secret of this app has the field and the version when the first task reads it."""
    from moorage.ecs.task.secret_grants import secret_resource  # noqa: PLC0415  # loads aws_cdk.aws_secretsmanager

    resource = secret_resource(reference.arn)
    if resource is None:
        return
    field = reference.arn.split(":")[-3]
    stage, _ = secret_sources.version(reference) or ("", "")
    if stage not in _FIRST_STAGES:
        problems.add(
            f"{argument} must refer to a version that a new secret has (got version_stage={stage!r}), since no task "
            "starts until the secret has been rotated; use 'AWSCURRENT', or import the secret by its name once the "
            "secret has that version"
        )
    fields = _fields(resource)
    if field and field not in _ATTACHED_FIELDS and fields is not None and field not in fields:
        names = ", ".join(map(repr, sorted(fields)))
        problems.add(
            f"{argument} must refer to a field of the secret (got {field!r}); use one of the fields {names}, or add "
            f"{field!r} to secret_string_template="
            if fields
            else f"{argument} must not refer to a field (got {field!r}), since the secret is plain text without "
            "fields; use the secret itself, or generate JSON with "
            f"SecretStringGenerator(secret_string_template='{{}}', generate_string_key={field!r})"
        )


def _fields(secret: secretsmanager.CfnSecret) -> set[str] | None:
    """Return the fields of a secret, an empty set for plain text, or None if the fields are unknown."""
    text, key = secret.secret_string, None
    if text is None:
        generator = secret.generate_secret_string
        text, key = (getattr(generator, name, None) for name in ("secret_string_template", "generate_string_key"))
    if text is None:
        return set()
    if is_token(text) or is_token(key):
        return None
    try:
        document = json.loads(text)
    except ValueError:
        return set()
    return {*document, *([key] if key else [])} if isinstance(document, dict) else set()

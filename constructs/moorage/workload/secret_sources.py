"""The sources of secrets that ECS reads, distinguished with as few round trips to Node.js as possible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from moorage.workload import container_limits
from moorage.workload.cdk_types import names_of, public_name

if TYPE_CHECKING:
    from moorage.workload.problems import Problems

_TOKEN_ARN_PARTS, _ARN_PARTS = 4, 10
"""The numbers of parts of a secret's ARN with field, stage and version ID: of a token, and of a literal ARN."""
_JSON_CLASSES = {
    "aws_docdb.DatabaseSecret",
    "aws_rds.DatabaseSecret",
    "aws_secretsmanager.SecretTargetAttachment",
}
"""The classes of CDK whose secrets hold JSON with the credentials of a database."""


def is_parameter(secret: Any) -> bool:
    """Return whether a secret is an `ssm.IParameter`."""
    return _class_has(secret, "parameter_arn")


def is_secret(secret: Any) -> bool:
    """Return whether a value is a Secrets Manager secret, an SSM parameter, or an `ecs.Secret`."""
    return is_parameter(secret) or _class_has(secret, "secret_arn") or is_reference(secret)


def is_reference(secret: Any) -> bool:
    """Return whether a value is an `ecs.Secret`."""
    return _class_has(secret, "has_field")


def is_json(secret: Any) -> bool:
    """Return whether a secret is known to hold JSON, only from its class, which costs no round trip to Node.js."""
    return not _JSON_CLASSES.isdisjoint(names_of(secret))


def _class_has(secret: Any, name: str) -> bool:
    """Return whether the class of a value has a property. For jsii's proxy of an interface, check the value itself."""
    class_ = type(secret)
    return hasattr(class_, name) or (hasattr(class_, "__getattr__") and hasattr(secret, name))


def check_secrets(argument: str, secrets: Mapping[Any, Any], problems: Problems) -> None:
    """Check that ECS can read secrets. The problems do not show the values, which may be secrets in plain text."""
    for name, secret in secrets.items():
        if not is_secret(secret):
            problems.add(
                f"{argument}[{name!r}] must be a secret or a parameter (got a value of type {public_name(secret)}); "
                "use a secretsmanager.Secret, an ssm.StringParameter or ecs.Secret.from_secrets_manager(secret, "
                "'password')"
            )
        if reference_version := version(secret):
            problems.check(container_limits.SECRET_VERSION, f"{argument}[{name!r}]", reference_version)


def wrong_variable(name: str, value: Any) -> str:
    """Return the problem of an environment variable whose value is no string. Only numbers and booleans are shown."""
    wrong = f"environment[{name!r}] must be of type str"
    if isinstance(value, (int, float)):
        return f"{wrong} (got {value!r} of type {type(value).__name__}); use {{{name!r}: {str(value)!r}}}"
    is_meant_as_secret = "aws-cdk-lib.SecretValue" in names_of(value) or is_secret(value)
    way_out = f"secrets={{{name!r}: ...}}" if is_meant_as_secret else "a string"
    return f"{wrong} (got a value of type {public_name(value)}); use {way_out}"


def source_service(secret: Any) -> str:
    """Return the AWS service from which a secret is read, as in the name of the service's endpoint."""
    parameter = is_parameter(secret) or (is_reference(secret) and ":ssm:" in secret.arn)
    return "ssm" if parameter else "secretsmanager"


def version(secret: Any) -> tuple[str, str] | None:
    """Return the stage and the ID of the version that an `ecs.Secret` names, with '' for a part that is not given.

    Return None for an `ecs.Secret` without field and version, and for other secrets.
    """
    parts: list[str] = secret.arn.split(":") if is_reference(secret) else []
    return (parts[-2], parts[-1]) if len(parts) in {_TOKEN_ARN_PARTS, _ARN_PARTS} else None


def arn(secret: Any) -> str:
    """Return the ARN of a secret or parameter, without field and version."""
    if is_parameter(secret):
        return str(secret.parameter_arn)
    if not is_reference(secret):
        return str(secret.secret_arn)
    secret_arn = str(secret.arn)
    return secret_arn.rsplit(":", 3)[0] if version(secret) else secret_arn

"""What ECS reads secrets from, told apart with as few questions to node as can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from moorage.workload import container_limits
from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from moorage.workload.problems import Problems

_TOKEN_ARN_PARTS, _ARN_PARTS = 4, 10
"""A secret's ARN with field, stage and id behind it, where the ARN is a token and where it is written out."""


def is_parameter(secret: Any) -> bool:
    """Whether it is an SSM parameter of CDK's."""
    return _has(secret, "parameter_arn")


def is_secret(secret: Any) -> bool:
    """Whether it is a secret of Secrets Manager, a parameter, or `ecs.Secret`, which is either."""
    return is_parameter(secret) or _has(secret, "secret_arn") or is_reference(secret)


def is_reference(secret: Any) -> bool:
    """Whether it is an `ecs.Secret`."""
    return _has(secret, "has_field")


def _has(secret: Any, name: str) -> bool:
    """Whether its class has that property; jsii's proxy of an interface has none, and is asked itself."""
    kind = type(secret)
    return hasattr(kind, name) or (hasattr(kind, "__getattr__") and hasattr(secret, name))


def check(argument: str, secrets: Mapping[Any, Any], problems: Problems) -> None:
    """Note what ECS cannot read, without showing it: it may be a secret in plain text."""
    for name, secret in secrets.items():
        if not isinstance(name, str):
            problems.add(
                f"{argument} has the key {name!r}, a {type(name).__name__}, but a name is a text; "
                "write it as in 'DB_PASSWORD'"
            )
        if not is_secret(secret):
            problems.add(
                f"{argument} {name!r} is a {type(secret).__name__}, but ECS reads secrets and parameters; "
                "use a secretsmanager.Secret, an ssm.StringParameter or an ecs.Secret"
            )
        if found := version(secret):
            problems.check(container_limits.SECRET_VERSION, f"{argument} {name!r}", found)


def needed(secret: Any) -> str:
    """The service of AWS that it is read from, as endpoints name it."""
    parameter = is_parameter(secret) or (is_reference(secret) and ":ssm:" in secret.arn)
    return "ssm" if parameter else "secretsmanager"


def version(secret: Any) -> tuple[str, str] | None:
    """The stage and the id of the version that an `ecs.Secret` names, each empty where it names none."""
    parts: list[str] = secret.arn.split(":") if is_reference(secret) else []
    return (parts[-2], parts[-1]) if len(parts) in {_TOKEN_ARN_PARTS, _ARN_PARTS} else None


def arn(secret: Any) -> str:
    """Its ARN, or that of the parameter, without a field and a version."""
    if is_parameter(secret):
        return str(secret.parameter_arn)
    if not is_reference(secret):
        return str(secret.secret_arn)
    given = str(secret.arn)
    return given.rsplit(":", 3)[0] if version(secret) else given


def region(secret: Any) -> str | None:
    """The region of a Secrets Manager secret, where its ARN says so; a parameter is read in any."""
    return None if is_parameter(secret) else _part(secret, "secretsmanager", 3)


def account(secret: Any) -> str | None:
    """The account of a secret or a parameter, where its ARN says so."""
    return _part(secret, needed(secret), 4)


def _part(secret: Any, service: str, index: int) -> str | None:
    if not is_secret(secret):
        return None
    parts = arn(secret).split(":")
    written = len(parts) > _TOKEN_ARN_PARTS and parts[2] == service and not is_token(parts[index])
    return parts[index] if written else None

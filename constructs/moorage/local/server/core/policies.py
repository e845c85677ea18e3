"""The decisions of resource policies about requests from AWS services."""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_account_id, get_region

from moorage.local.server.core.adapter import iam_evaluator as iam
from moorage.local.server.core.adapter import kms


def allows(
    policy: str | dict[str, Any] | None, service: str, action: str, resource: str, source: str | None, **context: str
) -> bool:
    """Return whether a resource policy allows an AWS service to perform an action.

    Args:
        policy: The resource policy; None or empty if the resource has no policy, which allows nothing.
        service: The service principal, such as `events.amazonaws.com`.
        action: The action, such as `sqs:SendMessage`.
        resource: The ARN of the resource.
        source: The ARN of the resource that the service acts for; None if the service sends neither the ARN nor the
            account.
        context: More condition keys of the request, with their values.
    """
    if not policy:
        return False
    asked = iam.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource,
        region=get_region(),
        secure_transport=True,
        service_context={
            **({"aws:sourcearn": source, "aws:sourceaccount": get_account_id()} if source else {}),
            "aws:principalservicename": service,
            **context,
        },
    )
    return bool(iam.evaluate_resource_policy(policy, asked, service=service).decision == "Allow")


def is_elsewhere(arn: str) -> bool:
    """Return whether a text is an ARN without this account's ID, such as that of a resource in another account."""
    return arn.startswith("arn:") and f":{get_account_id()}:" not in arn


def unusable_key(key: str | None, service: str, source: str | None, *actions: str, **context: str) -> str | None:
    """Return why a service cannot use the key that encrypts a resource; None if the service can, or if there is no key.

    A key of another account is not known here and counts as usable.

    Args:
        key: The ID, ARN or alias of the key.
        service: The service principal.
        source: The ARN of the resource that the service acts for, as for `allows`.
        actions: The actions that the service performs with the key.
        context: More condition keys of the request, with their values.
    """
    if not key:
        return None
    if "alias/aws/" in key:
        return f"{service} cannot use the AWS managed key {key} of another service"
    record = kms.resolve_key(key)
    if record is None:
        return None if is_elsewhere(key) else f"the key {key} does not exist"
    if record["KeyState"] != "Enabled":
        return f"the key {key} is {record['KeyState']}"
    denied = [each for each in actions if not allows(record["Policy"], service, each, record["Arn"], source, **context)]
    return f"the key {key} does not allow {service} to perform {', '.join(denied)}" if denied else None

"""What a resource's own policy lets an AWS service do on behalf of one of its resources."""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_account_id, get_region

from moorage.local.server.core.adapter import iam_evaluator as iam
from moorage.local.server.core.adapter import kms


def allows(
    policy: str | dict[str, Any] | None, service: str, action: str, resource: str, source: str | None, **context: str
) -> bool:
    """Whether a resource's policy lets a service do something.

    Args:
        policy: The resource's policy.
        service: The service's principal, as in `events.amazonaws.com`.
        action: As in `sqs:SendMessage`.
        resource: The resource's ARN.
        source: The ARN of what the service acts for; None if the service sends neither that nor its account.
        context: More of the request, by condition keys.
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
    """Return whether an ARN is that of a resource in another account, which is not known here."""
    return arn.startswith("arn:") and f":{get_account_id()}:" not in arn


def unusable_key(key: str | None, service: str, source: str | None, *actions: str, **context: str) -> str | None:
    """Why a service could not use the key that encrypts a resource; None if it can, or if there is none.

    Args:
        key: A key's ID, ARN or alias, as the resource states it.
        service: The service's principal.
        source: As for `allows`.
        actions: What the service does with the key.
        context: More of the request, by condition keys.
    """
    if not key:
        return None
    if "alias/aws/" in key:
        return f"{service} cannot use the key {key}, which AWS manages for another service"
    record = kms.resolve_key(key)
    if record is None:
        return None if is_elsewhere(key) else f"the key {key} does not exist"
    if record["KeyState"] != "Enabled":
        return f"the key {key} is {record['KeyState']}"
    denied = [each for each in actions if not allows(record["Policy"], service, each, record["Arn"], source, **context)]
    return f"the key {key} does not let {service} do {', '.join(denied)}" if denied else None

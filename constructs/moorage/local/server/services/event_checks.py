"""The checks that Amazon EventBridge's `PutRule` and `PutTargets` perform on rules and targets, with their messages."""

from __future__ import annotations

import json
import re
from typing import Any

from moorage.local.server.core.adapter import iam as roles
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.services import iam

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)(s?)\)")
_WITH_A_ROLE = ("ecs", "firehose", "kinesis", "states")
"""The targets that require a role (EventBridge user guide, "Using IAM roles to access resources")."""
_INPUTS = ("Input", "InputPath", "InputTransformer")


def check_schedule(expression: str | None, bus: str) -> None:
    """Refuse a schedule with an invalid rate, or on a custom event bus.

    Args:
        expression: The rule's `ScheduleExpression`, if it is specified.
        bus: The name of the rule's event bus.

    Raises:
        RefusedError: EventBridge does not accept the schedule; the message is EventBridge's.
    """
    if not expression:
        return
    if bus != "default":
        raise RefusedError("ValidationException: ScheduleExpression is supported only on the default event bus.")
    rate = _RATE.fullmatch(str(expression))
    if rate and (int(rate[1]) < 1 or (int(rate[1]) == 1) == bool(rate[3])):
        raise RefusedError("ValidationException: Parameter ScheduleExpression is not valid.")


def check_role(rule_arn: str, role: str | None) -> None:
    """Refuse a rule's role if EventBridge cannot assume it (Miserlou/Zappa issue 381).

    PutTargets does not check the roles of targets (cdk-preflight 1.9.1, rule pf-events-target-role-trust).

    Args:
        rule_arn: The ARN of the rule.
        role: The rule's `RoleArn`, if it is specified.

    Raises:
        RefusedError: EventBridge does not accept the role; the message is EventBridge's.
    """
    known = role and str(role).rsplit("/", maxsplit=1)[-1] in roles.roles
    if known and not iam.is_trusted(str(role), "events.amazonaws.com", sourcearn=rule_arn):
        raise RefusedError(
            f"ValidationException: Provided role '{role}' cannot be assumed by principal 'events.amazonaws.com'."
        )


def check_targets(targets: list[dict[str, Any]]) -> None:
    """Refuse targets that EventBridge does not accept.

    Args:
        targets: The targets, as parameters of `PutTargets`.

    Raises:
        RefusedError: EventBridge does not accept a target; the message is EventBridge's.
    """
    for target in targets:
        name, arn = target["Id"], str(target["Arn"])
        if len([each for each in _INPUTS if each in target]) > 1:
            raise RefusedError(
                "ValidationException: Only one of Input, InputPath, or InputTransformer must be provided for target "
                f"{name}."
            )
        if "Input" in target and not _is_json(target["Input"]):
            raise RefusedError(f"ValidationException: JSON syntax error in input for target {name}.")
        service = arn.split(":")[2] if arn.startswith("arn:") else ""
        if service == "sqs" and arn.endswith(".fifo") and "SqsParameters" not in target:
            # cdk-preflight 1.9.1, rule pf-events-target-parameters-required
            raise RefusedError(f"ValidationException: Parameter(s) SqsParameters must be specified for target: {name}.")
        if service in _WITH_A_ROLE and not target.get("RoleArn"):
            raise RefusedError(f"ValidationException: RoleArn is required for target {arn}.")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True

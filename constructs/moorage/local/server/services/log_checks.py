"""The checks that Amazon CloudWatch Logs performs on filter patterns, subscriptions, resource policies and KMS keys.

The error codes are those of the service's model in botocore. The messages are the service's, measured by cdk-preflight
1.9.1 (rules pf-logs-filter-pattern-bracket and pf-logs-resource-policy-json) or reported by users. The sources in the
CloudWatch Logs user guide are "Filter pattern syntax for metric filters" and "Encrypt log data using AWS KMS".
"""

from __future__ import annotations

import re
from typing import Any

from ministack.core.responses import get_account_id, get_region

from moorage.local.server.core import policies
from moorage.local.server.core.adapter import cloudwatch_logs as logs
from moorage.local.server.core.adapter import lambda_svc
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Properties
from moorage.local.server.services import documents, principals
from moorage.local.server.services.guards import guard

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|%[^%]*%')
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_JSON = re.compile(r"\{.*(=|<|>|\bIS\b|\bEXISTS\b).*\}", re.DOTALL)
_MOST_SUBSCRIPTIONS = 2
_MOST_POLICIES = 10


def _check_pattern(stated: Any) -> None:
    pattern = _QUOTED.sub("a", str(stated or "").strip())
    if pattern.startswith("[") and not pattern.endswith("]"):
        raise RefusedError("InvalidParameterException: If a filter pattern starts with '[' it must end with ']'")
    whole = pattern[:1] not in ("{", "[") or pattern[-1:] == _PAIRS[pattern[0]]
    selects = not pattern.startswith("{") or bool(_JSON.fullmatch(pattern))
    if '"' in pattern or not whole or not selects or (pattern[:1] in ("{", "[") and not _is_balanced(pattern)):
        raise RefusedError("InvalidParameterException: Invalid filter pattern")


def _is_balanced(pattern: str) -> bool:
    wanted: list[str] = []
    for each in pattern:
        if each in _PAIRS:
            wanted.append(_PAIRS[each])
        elif each in _PAIRS.values() and (not wanted or wanted.pop() != each):
            return False
    return not wanted


def _check_metric_filter(properties: Properties) -> None:
    _check_pattern(properties.get("FilterPattern"))


def _check_subscription(properties: Properties) -> None:
    group, arn = logs.log_groups.get(properties.get("LogGroupName")), str(properties.get("DestinationArn"))
    if group is None:
        raise RefusedError("ResourceNotFoundException: The specified log group does not exist.")
    _check_pattern(properties.get("FilterPattern"))
    if ":lambda:" in arn:
        function, *_ = lambda_svc.get_func_record_for_ref(arn)
        services = ("logs.amazonaws.com", f"logs.{get_region()}.amazonaws.com")
        if not function or not any(
            policies.allows(function["policy"], each, "lambda:InvokeFunction", arn, group["arn"]) for each in services
        ):
            raise RefusedError(
                "InvalidParameterException: Could not execute the lambda function. Make sure you have given CloudWatch "
                "Logs permission to execute your function."
            )


def _check_new_subscription(properties: Properties) -> None:
    others = set(logs.log_groups[properties["LogGroupName"]]["subscriptionFilters"]) - {properties.get("FilterName")}
    if len(others) >= _MOST_SUBSCRIPTIONS:
        raise RefusedError("LimitExceededException: Resource limit exceeded.")


def _check_resource_policy(properties: Properties) -> None:
    try:
        document = documents.parsed(properties.get("PolicyDocument"))
        documents.refuse(documents.syntax_faults(document))
        stated = documents.statements(document)
    except RefusedError as error:
        raise RefusedError(
            "InvalidParameterException: Error occurred while parsing accessPolicy. Please check if the accessPolicy "
            "has been constructed correctly using IAM grammar."
        ) from error
    if any(fault for each in stated for fault in principals.invalid(each.get("Principal", "*"))):
        raise RefusedError("InvalidParameterException: Invalid principal in policy document")
    others = set(logs.resource_policies) - {properties.get("PolicyName")}
    if len(others) >= _MOST_POLICIES:
        raise RefusedError("LimitExceededException: Resource limit exceeded.")


def check_key(key: str | None, group: str) -> None:
    """Refuse a key with which CloudWatch Logs cannot encrypt a log group.

    Args:
        key: The ARN of the key. None and a key of another account or region are accepted.
        group: The log group's name.

    Raises:
        RefusedError: CloudWatch Logs cannot use the key; the message is that of CloudWatch Logs.
    """
    here = f"arn:aws:kms:{get_region()}:{get_account_id()}:"
    if not key or not str(key).startswith(here):
        return
    arn = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{group}"
    context = {"kms:encryptioncontext:aws:logs:arn": arn}
    services = (f"logs.{get_region()}.amazonaws.com", "logs.amazonaws.com")
    use = ("kms:GenerateDataKey", "kms:Decrypt")
    if all(policies.unusable_key(key, each, arn, *use, **context) for each in services):
        raise RefusedError(
            "AccessDeniedException: The specified KMS key does not exist or is not allowed to be used with LogGroup "
            f"'{arn}'"
        )


def install() -> None:
    """Check metric filters, subscription filters and resource policies as CloudWatch Logs does."""
    guard("AWS::Logs::MetricFilter", _check_metric_filter)
    guard("AWS::Logs::ResourcePolicy", _check_resource_policy)
    guard("AWS::Logs::SubscriptionFilter", _check_subscription, creation=_check_new_subscription)

"""The checks that Elastic Load Balancing performs on listener rules.

The messages are the service's, as users report them. Otherwise the rule is the API reference's (RuleCondition and the
structures in it), or that of the user guide, "Condition types for listener rules".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from moorage.local.server.core.adapter import alb
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.services.elbv2_checks import check_actions

Properties = Mapping[str, Any]

_RULE_VALUES = 5
_RULE_WILDCARDS = 6  # Application Load Balancers user guide, "Quotas for your Application Load Balancers"
_LONGEST_VALUE = 128
_CONFIGURATIONS = {
    "path-pattern": "PathPatternConfig",
    "host-header": "HostHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "source-ip": "SourceIpConfig",
    "query-string": "QueryStringConfig",
    "http-header": "HttpHeaderConfig",
}
_ONCE = ("host-header", "http-request-method", "path-pattern", "source-ip")
_WITH_WILDCARDS = ("host-header", "http-header", "path-pattern", "query-string")
_METHOD = re.compile("[A-Z_-]{1,40}")


def check_rule(properties: Properties) -> None:
    """Refuse a rule that Elastic Load Balancing does not accept.

    Args:
        properties: The properties in the template.

    Raises:
        RefusedError: Elastic Load Balancing does not accept the rule.
    """
    conditions = properties.get("Conditions") or []
    if not conditions:
        raise RefusedError("ValidationError: A condition must be specified")
    for condition in conditions:
        _check_condition(condition)
    fields = [condition.get("Field") for condition in conditions]
    for field in _ONCE:
        if fields.count(field) > 1:
            raise RefusedError(f"ValidationError: A rule can only have one '{field}' condition")
    if sum(len(list(_values(condition))) for condition in conditions) > _RULE_VALUES:
        raise RefusedError(f"ValidationError: A rule can only have '{_RULE_VALUES}' condition values")
    wild = (str(value) for each in conditions if each.get("Field") in _WITH_WILDCARDS for value in _values(each))
    if sum(value.count("*") + value.count("?") for value in wild) > _RULE_WILDCARDS:
        raise RefusedError(f"ValidationError: A rule can only have '{_RULE_WILDCARDS}' condition wildcards")
    listener = alb.listeners.get(properties.get("ListenerArn"), {})
    balancer = alb.lbs.get(listener.get("LoadBalancerArn"), {})
    if balancer.get("Type") == "network":
        raise RefusedError("OperationNotPermitted: Rules are unsupported for this load balancer type")
    check_actions(properties.get("Actions") or [], balancer, listener)


def _check_condition(condition: Properties) -> None:
    field = condition.get("Field")
    if field is not None and field not in _CONFIGURATIONS:
        raise RefusedError(
            f"ValidationError: Condition field '{field}' must be one of '[{', '.join(_CONFIGURATIONS)}]'"
        )
    for other, name in _CONFIGURATIONS.items():
        if field and name in condition and other != field:
            raise RefusedError(f"ValidationError: {name} can be specified only for the condition field '{other}'")
    for address in (condition.get("SourceIpConfig") or {}).get("Values") or []:
        if not _is_network(str(address)):
            raise RefusedError(f"ValidationError: The source IP '{address}' must be in CIDR format")
    if field == "http-header" and not (condition.get("HttpHeaderConfig") or {}).get("HttpHeaderName"):
        raise RefusedError("ValidationError: The HTTP header name must be specified for an http-header condition")
    for value in map(str, _values(condition)):
        if field in _WITH_WILDCARDS and field != "query-string" and len(value) > _LONGEST_VALUE:
            raise RefusedError(
                f"ValidationError: Condition value '{value}' cannot be longer than '{_LONGEST_VALUE}' characters"
            )
        if field == "http-request-method" and not _METHOD.fullmatch(value):
            raise RefusedError(f"ValidationError: The HTTP request method '{value}' is not valid")


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _values(condition: Properties) -> Iterator[Any]:
    """Yield the values of a condition."""
    for part in (condition, *(part for part in condition.values() if isinstance(part, Mapping))):
        for name in ("Values", "RegexValues"):
            yield from part.get(name) or []

"""The properties that an acknowledgement of moorage's constructs depends on, in the construct and in the template.

A construct does not see what `add_property_override` changes. An acknowledgement counts only if the template has the
properties that were judged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_GROUP_RULES = ("SecurityGroupIngress", "CidrIp", "CidrIpv6", "SourcePrefixListId", "IpProtocol", "FromPort", "ToPort")
_READ: Mapping[str, tuple[str, ...]] = {
    "alb-public": _GROUP_RULES,
    "open-ports": _GROUP_RULES,
    "http-redirect-listener": ("DefaultActions",),
    "iam-wildcard": ("PolicyDocument", "Policies"),
    "kms-grants": ("KeyPolicy",),
    "lambda-runtime": ("Runtime",),
    "managed-policy": ("ManagedPolicyArns",),
    "nonroot-user": ("ContainerDefinitions",),
    "task-env-vars": ("ContainerDefinitions",),
}
"""A mapping from issue to the properties that it depends on. All other issues are about something that is missing, so a
change can only fix them."""


def is_judged(issue: str) -> bool:
    """Return whether an issue depends on properties that users can change.

    Args:
        issue: The name of the issue.
    """
    return issue in _READ


def digest(issue: str, properties: Mapping[str, Any]) -> str:
    """Return a digest of the properties that an issue depends on.

    Args:
        issue: The name of the issue.
        properties: The properties of the resource, as in the template.
    """
    read = {name: _filled(properties.get(name)) for name in _READ.get(issue, ())}
    return hashlib.sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()


def _filled(value: Any) -> Any:
    """Return a value without its empty parts, which CDK leaves out of templates."""
    if isinstance(value, Mapping):
        parts = {name: _filled(each) for name, each in value.items()}
        return {name: each for name, each in parts.items() if each not in (None, {}, [])}
    if isinstance(value, list | tuple):
        return [each for each in map(_filled, value) if each not in (None, {}, [])]
    return value

"""The checks that Amazon ECR's PutLifecyclePolicy performs on a lifecycle policy.

The rules are those of the ECR user guide, "Lifecycle policy properties in Amazon ECR". The priorities of
each storage class are separate ("Examples of lifecycle policies in Amazon ECR", "Combining archive and expire rules").
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moorage.local.server.core.calls import RefusedError

_COUNT_TYPES = ("imageCountMoreThan", "sinceImagePulled", "sinceImagePushed", "sinceImageTransitioned")
_TAGS = ("tagPrefixList", "tagPatternList")

Rule = Mapping[str, Any]


def check(text: str) -> None:
    """Refuse a lifecycle policy that ECR does not accept.

    Args:
        text: The policy, as JSON.

    Raises:
        RefusedError: The policy has an error; the message describes the first error.
    """
    for fault in _faults(text):
        raise RefusedError(
            "InvalidParameterException: Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
            f"'Lifecycle policy validation failure: {fault}'"
        )


def _faults(text: str) -> Iterator[str]:
    try:
        policy = json.loads(text)
    except ValueError:
        yield "Could not map policyString into LifecyclePolicy."
        return
    rules: list[Rule] = list((policy.get("rules") if isinstance(policy, Mapping) else None) or ())
    if not rules or not all(isinstance(rule, Mapping) for rule in rules):
        yield "a policy needs at least one rule"
        return
    for stated in (rule.get("rulePriority") for rule in rules):
        if not isinstance(stated, int) or stated < 1:
            yield f"rulePriority must be a positive integer, not {stated}"
            return
    priorities: list[int] = [rule["rulePriority"] for rule in rules]
    for priority in priorities:
        if priorities.count(priority) > 1:
            yield "Duplicate priority in multiple rules"
    for rule in rules:
        yield from _rule_faults(rule)
    for storage_class in ("standard", "archive"):
        own = [rule for rule in rules if rule["selection"].get("storageClass", "standard") == storage_class]
        highest = max((rule["rulePriority"] for rule in own), default=0)
        if any(rule["selection"]["tagStatus"] == "any" and rule["rulePriority"] != highest for rule in own):
            yield "Rule for tagStatus=ANY must have the highest rulePriority"


def _rule_faults(rule: Rule) -> Iterator[str]:
    selection, action = rule.get("selection"), (rule.get("action") or {}).get("type")
    if not isinstance(selection, Mapping) or action not in ("expire", "transition"):
        yield "a rule needs a selection, and an action of type expire or transition"
        return
    status, kind, number = (selection.get(name) for name in ("tagStatus", "countType", "countNumber"))
    if status not in ("any", "tagged", "untagged"):
        yield f"tagStatus must be tagged, untagged or any, not {status}"
    if (status == "tagged") != any(selection.get(name) for name in _TAGS):
        yield "tagPrefixList or tagPatternList is required with tagStatus tagged, and is not allowed otherwise"
    if kind not in _COUNT_TYPES:
        yield f"countType must be one of {', '.join(_COUNT_TYPES)}, not {kind}"
    if (kind != "imageCountMoreThan") != (selection.get("countUnit") == "days"):
        yield "countUnit days is required with every countType except imageCountMoreThan, with which it is not allowed"
    if not isinstance(number, int) or number < 1:
        yield f"countNumber must be a positive integer, not {number}"

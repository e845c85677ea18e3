"""Policies of AWS KMS keys that nobody could change afterwards.

Source: KMS API reference, PutKeyPolicy and CreateKey, `BypassPolicyLockoutSafetyCheck`: the policy "must allow the
calling principal to make a subsequent PutKeyPolicy request on the KMS key". A template does not say who deploys, so
only a policy that permits it to nobody is reported.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from typing import Any

from moorage.assembly.cloud_assembly import Resource, mapping
from moorage.assembly.values import is_function
from moorage.review.comparison import Comparison
from moorage.review.finding import Finding, Kind
from moorage.review.nouns import named

_KEYS = {"AWS::KMS::Key", "AWS::KMS::ReplicaKey"}
_ACTION = "kms:putkeypolicy"


def key_policies(comparison: Comparison) -> Iterator[Finding]:
    """Yield a finding for each key whose new policy lets nobody change it.

    Args:
        comparison: The two assemblies.
    """
    for change in comparison.changes:
        after = change.after
        if after is None or after.type not in _KEYS or _is_bypassed(after):
            continue
        policy = after.properties.get("KeyPolicy")
        unchanged = change.before is not None and change.before.properties.get("KeyPolicy") == policy
        if policy is None or unchanged or _permits(policy):
            continue
        sentence = (
            f"The {'update' if change.before else 'creation'} of the {named(after)} is refused: its policy permits "
            "kms:PutKeyPolicy to nobody, so that it could not be changed later."
        )
        way = "Permit kms:PutKeyPolicy to the account or to the role that deploys, as the default policy of CDK does."
        yield Finding(Kind.REFUSED, "refused/lockout", change.stack.path, after, sentence, (way,))


def _is_bypassed(key: Resource) -> bool:
    return str(key.properties.get("BypassPolicyLockoutSafetyCheck", False)).lower() != "false"


def _permits(policy: Any) -> bool:
    """Return whether a policy may permit someone to change it. What is not known may permit it."""
    statements = mapping(policy).get("Statement") if isinstance(policy, Mapping) and not is_function(policy) else None
    if isinstance(statements, Mapping):
        statements = [statements]
    if not isinstance(statements, list):
        return True
    return any(_allows(statement) for statement in statements)


def _allows(statement: Any) -> bool:
    if not isinstance(statement, Mapping) or is_function(statement):
        return True
    if statement.get("Effect") != "Allow":
        return False
    actions = statement.get("Action")
    listed = actions if isinstance(actions, list) else [actions]
    known = [action.lower() for action in listed if isinstance(action, str)]
    if "NotAction" in statement or len(known) < len(listed):
        return True
    return any(fnmatch.fnmatchcase(_ACTION, action) for action in known)

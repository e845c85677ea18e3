"""The keys of topics and queues: which services may use them, and when they are deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

EVENTBRIDGE = "events.amazonaws.com"
SENDER_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey*")
"""The actions that a service needs on the key of a topic or queue (SNS and SQS developer guides, key management)."""
_DELETION_ORDER = (
    cdk.RemovalPolicy.DESTROY,
    cdk.RemovalPolicy.SNAPSHOT,
    cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    cdk.RemovalPolicy.RETAIN,
)


def allow_use(key: kms.IKey, service: str) -> None:
    """Allow a service of AWS to send to the topics and queues that a key encrypts; nothing for an imported key."""
    key.grant(iam.ServicePrincipal(service), *SENDER_ACTIONS)


def is_managed(key_id: object, service: str) -> bool:
    """Return whether a key is the one that AWS manages for SNS or SQS, whose policy lets no other service in.

    Args:
        key_id: The id, alias or ARN of the key.
        service: `sns` or `sqs`.
    """
    return isinstance(key_id, str) and key_id.endswith(f"alias/aws/{service}")


def retained_except_on_create(policy: cdk.RemovalPolicy) -> cdk.RemovalPolicy:
    """Return the policy of what is empty when its creation fails: retained, except then.

    A repository that a failed first deployment left would keep its name, and a key would cost.
    """
    return cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if policy is cdk.RemovalPolicy.RETAIN else policy


def strictest(*policies: cdk.RemovalPolicy) -> cdk.RemovalPolicy:
    """Return the policy that retains most, for a key: what it encrypts is unreadable once its deletion is pending."""
    return max(policies, key=_DELETION_ORDER.index)

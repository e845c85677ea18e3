"""The KMS keys of topics and queues: their permissions for AWS services, and their removal policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

EVENTBRIDGE = "events.amazonaws.com"
SENDER_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey*")
"""The actions that a sender needs on the key of a topic or queue (SNS and SQS developer guides, key management)."""
_DELETION_ORDER = (
    cdk.RemovalPolicy.DESTROY,
    cdk.RemovalPolicy.SNAPSHOT,
    cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    cdk.RemovalPolicy.RETAIN,
)


def allow_use(key: kms.IKey, service: str) -> None:
    """Allow an AWS service to send to the topics and queues that a key encrypts.

    The policy of an imported key does not change.
    """
    key.grant(iam.ServicePrincipal(service), *SENDER_ACTIONS)


def is_managed(key_id: object, service: str) -> bool:
    """Return whether a key is the AWS managed key for SNS or SQS, whose policy allows no other service.

    Args:
        key_id: The alias of the key, or the alias's ARN. A key ID or key ARN is not recognized.
        service: The service: `sns` or `sqs`.
    """
    return isinstance(key_id, str) and key_id.endswith(f"alias/aws/{service}")


def retained_except_on_create(policy: cdk.RemovalPolicy) -> cdk.RemovalPolicy:
    """Return a removal policy that, even for `RETAIN`, deletes a resource if its creation fails.

    The resource is empty then. Otherwise a repository from a failed first deployment would keep its name, and a key
    would be billed.
    """
    return cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if policy is cdk.RemovalPolicy.RETAIN else policy


def strictest(*policies: cdk.RemovalPolicy) -> cdk.RemovalPolicy:
    """Return the strictest removal policy, for a key. Data is unreadable once the deletion of its key is pending."""
    return max(policies, key=_DELETION_ORDER.index)

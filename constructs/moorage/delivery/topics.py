"""The topics that AWS services publish to: whether these can, and the permissions that let them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from moorage.delivery.keys import allow_use, is_managed
from moorage.scope.place import check_place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from aws_cdk import aws_sns as sns
    from constructs import IConstruct

    from moorage.workload.problems import Problems


def check_topic(
    problems: Problems,
    argument: str,
    topic: sns.ITopic,
    scope: IConstruct,
    service: str,
    *,
    across_accounts: bool = False,
) -> None:
    """Note a topic that a service cannot publish to: of another place, or with the key that AWS manages for SNS.

    That key's policy lets no service in (SNS developer guide, key management). Of the key of a topic that is imported
    nothing is known.

    Args:
        problems: The problems to add to.
        argument: The name of the argument that takes the topic.
        topic: The topic.
        scope: The construct that has the alarm or the rule.
        service: The service principal that publishes, as `events.amazonaws.com`.
        across_accounts: Whether the service reaches a topic of another account.
    """
    check_place(problems, argument, topic, scope, across_accounts=across_accounts)
    if is_managed(getattr(topic.node.default_child, "kms_master_key_id", None), "sns"):
        problems.add(
            f"{argument} must not be encrypted by alias/aws/sns, which {service} may not use (got {topic.node.path}); "
            "give the topic master_key= a kms.Key of your own"
        )


def allow_publish(topic: sns.ITopic, service: str, conditions: Mapping[str, Any] | None = None) -> None:
    """Allow a service to publish to a topic, and to use its key; nothing for what is imported.

    The policy says so even where SNS's own default would let it: a topic with a policy has no default any more.

    Args:
        topic: The topic.
        service: The service principal, as `events.amazonaws.com`.
        conditions: The conditions of the topic's policy. There are none for EventBridge, which sends neither
            `aws:SourceArn` nor `aws:SourceAccount` to SNS (EventBridge guide, resource-based policies).
    """
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(service)],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions=conditions,
        )
    )
    key = topic.master_key
    if key is not None:
        allow_use(key, service)

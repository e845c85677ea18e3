"""The topics that rules of EventBridge tell: whether they can be reached, and the permissions that let events in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from moorage.delivery.keys import EVENTBRIDGE, allow_use, is_managed
from moorage.scope.place import check_place

if TYPE_CHECKING:
    from aws_cdk import aws_sns as sns
    from constructs import IConstruct

    from moorage.workload.problems import Problems


def check_topic(problems: Problems, argument: str, topic: sns.ITopic, scope: IConstruct) -> None:
    """Note a topic that a rule in the stack of `scope` could not publish to."""
    check_place(problems, argument, topic, scope)
    check_key(problems, argument, topic, "EventBridge")
    if topic.fifo:  # EventBridge user guide, event bus targets: "EventBridge does not support Amazon SNS FIFO topics"
        problems.add(
            f"{argument} must be a standard topic, since EventBridge supports no FIFO topics (got {topic.node.path}); "
            "leave fifo= out of the Topic"
        )


def warn_of_fifo(problems: Problems, argument: str, name: str, sender: str) -> None:
    """Warn about a FIFO topic, to which a sender that gives no group probably cannot publish.

    "For FIFO topics: Every message must include a MessageGroupId" (botocore sns Publish), and no setting of CloudWatch
    or Amazon EC2 Auto Scaling gives one.
    """
    problems.warn(
        f"{argument} should be a standard topic, since each message to a FIFO topic needs a group, which {sender} has "
        f"no setting for (got {name}); leave fifo= out of the Topic"
    )


def check_key(problems: Problems, argument: str, topic: sns.ITopic, sender: str) -> None:
    """Note a topic that is encrypted by AWS's key for SNS.

    The policy of that key lets no service in, and nobody can change it (SNS developer guide, key management). Of the
    key of an imported topic nothing is known.
    """
    if is_managed(getattr(topic.node.default_child, "kms_master_key_id", None), "sns"):
        problems.add(
            f"{argument} must not be encrypted by alias/aws/sns, which does not let {sender} in (got "
            f"{topic.node.path}); give the topic a kms.Key of your own with master_key=, or none"
        )


def allow_publish(topic: sns.ITopic) -> None:
    """Allow EventBridge to publish to a topic, and to use its key; nothing for what is imported.

    The policy says so even where SNS's own default would let it: a topic with a policy has no default any more. It has
    no condition, since EventBridge sends neither `aws:SourceArn` nor `aws:SourceAccount` to SNS (EventBridge guide,
    resource-based policies, permissions of SNS).
    """
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(EVENTBRIDGE)], actions=["sns:Publish"], resources=[topic.topic_arn]
        )
    )
    key = topic.master_key
    if key is not None:
        allow_use(key, EVENTBRIDGE)

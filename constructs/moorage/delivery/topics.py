"""The topics that EventBridge rules notify: their permissions, and the check that EventBridge can reach them."""

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
    """Check that an EventBridge rule in the stack of `scope` can publish to a topic."""
    check_place(problems, argument, topic, scope)
    check_key(problems, argument, topic, "EventBridge")
    if topic.fifo:  # EventBridge user guide, event bus targets: "EventBridge does not support Amazon SNS FIFO topics"
        problems.add(
            f"{argument} must be a standard topic, since EventBridge does not support FIFO topics (got "
            f"{topic.node.path}); leave fifo= out of the Topic"
        )


def warn_of_fifo(problems: Problems, argument: str, name: str, sender: str) -> None:
    """Warn about a FIFO topic, to which a sender without message groups probably cannot publish.

    Every message to a FIFO topic "must include a MessageGroupId" (botocore sns Publish), but CloudWatch and Amazon EC2
    Auto Scaling have no setting for this ID.
    """
    problems.warn(
        f"{argument} should be a standard topic, since {sender} has no setting for the message group that FIFO topics "
        f"need (got {name}); leave fifo= out of the Topic"
    )


def check_key(problems: Problems, argument: str, topic: sns.ITopic, sender: str) -> None:
    """Check that a topic is not encrypted with the AWS managed key for SNS.

    The policy of that key allows no service and cannot be changed (SNS developer guide, key management). The key of an
    imported topic is unknown.
    """
    if is_managed(getattr(topic.node.default_child, "kms_master_key_id", None), "sns"):
        problems.add(
            f"{argument} must not be encrypted with alias/aws/sns, which {sender} cannot use (got {topic.node.path}); "
            "give the topic a kms.Key of your own with master_key=, or leave master_key= out"
        )


def allow_publish(topic: sns.ITopic) -> None:
    """Allow EventBridge to publish to a topic and to use its KMS key. The policies of imported resources do not change.

    The statement is needed even though SNS's default policy allows the same, since a topic with any other policy has no
    default policy. The statement has no condition, since EventBridge sends neither `aws:SourceArn` nor
    `aws:SourceAccount` to SNS (EventBridge guide, resource-based policies, permissions of SNS).
    """
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(EVENTBRIDGE)], actions=["sns:Publish"], resources=[topic.topic_arn]
        )
    )
    key = topic.master_key
    if key is not None:
        allow_use(key, EVENTBRIDGE)

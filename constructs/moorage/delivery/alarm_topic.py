"""The topics that alarms notify: their permissions, and the check that CloudWatch can reach them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from moorage.delivery.keys import allow_use
from moorage.delivery.topics import check_key, warn_of_fifo
from moorage.scope.place import check_place, place_of

if TYPE_CHECKING:
    from aws_cdk import aws_sns as sns
    from constructs import IConstruct

    from moorage.workload.problems import Problems

_CLOUDWATCH_SERVICE = "cloudwatch.amazonaws.com"


def check_alarm_topic(problems: Problems, argument: str, topic: sns.ITopic, scope: IConstruct) -> None:
    """Check that an alarm in the stack of `scope` can notify a topic.

    An alarm can notify topics in its own region, in any account that allows this (CloudWatch guide: using Amazon
    CloudWatch alarms).
    """
    check_place(problems, argument, topic, scope, across_accounts=True)
    check_key(problems, argument, topic, "CloudWatch")
    if topic.fifo:
        warn_of_fifo(problems, argument, topic.node.path, "CloudWatch")


def let_alarms_publish(topic: sns.ITopic, scope: IConstruct) -> None:
    """Allow the alarms of the account of `scope` to publish to a topic, and to use the topic's KMS key.

    The policies of imported topics and keys do not change. The statement is needed even though SNS's default policy
    allows the same. A topic with any other policy, such as that of `enforce_ssl`, has no default policy.
    """
    account, region = _account_and_region(topic, scope)
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(_CLOUDWATCH_SERVICE)],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions={
                "StringEquals": {"aws:SourceAccount": account},
                "ArnLike": {"aws:SourceArn": f"arn:{_partition()}:cloudwatch:{region}:{account}:alarm:*"},
            },
        )
    )
    key = topic.master_key
    if key is not None:
        allow_use(key, _CLOUDWATCH_SERVICE)


def _account_and_region(topic: sns.ITopic, scope: IConstruct) -> tuple[str, str]:
    """Return the account and region of the alarms.

    Both are literals if the topic is known to be in another account, otherwise both are pseudo parameters.
    """
    topic_account, _ = place_of(topic)
    account, region = place_of(scope)
    if account and region and topic_account not in {None, account}:
        return account, region
    return _pseudo_parameters()


@functools.cache
def _pseudo_parameters() -> tuple[str, str]:
    return cdk.Aws.ACCOUNT_ID, cdk.Aws.REGION


@functools.cache
def _partition() -> str:
    return cdk.Aws.PARTITION

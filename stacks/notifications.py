"""The topics that notify the operators of an environment or a registry."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct


def define_topic(scope: Construct, *, key: kms.IKey, operators: Sequence[str]) -> sns.Topic:
    """Define and return an encrypted topic that sends email.

    Args:
        scope: The stack.
        key: The key of the topic.
        operators: The email addresses.
    """
    topic = sns.Topic(scope, "Operators", master_key=key, enforce_ssl=True)
    for address in operators:
        topic.add_subscription(subscriptions.EmailSubscription(address))
    acknowledgment = cdk.Acknowledgment(
        id="Serverless::Serverless-SNSRedrivePolicy",
        reason="SNS sends an email again for six hours, and nobody would read a queue of emails",
    )
    cdk.Validations.of(topic).acknowledge(acknowledgment)
    return topic

"""The checks that Amazon SQS and Amazon SNS perform on queues, topics and subscriptions.

The protocols and names are those of the API references. The messages are the services', if they are published.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import get_account_id, get_region

from moorage.local.server.core.adapter import sns, sqs
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Properties
from moorage.local.server.services import documents
from moorage.local.server.services.guards import guard

_QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo")
_RAW = ("firehose", "http", "https", "sqs")
_TOPIC_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}|[A-Za-z0-9_-]{1,251}\.fifo")
_ENDPOINTS = {
    "application": (r"arn:[^:]+:sns:.+", "Invalid parameter: Application endpoint arn invalid:{}"),
    "email": (r"[^@\s]+@[^@\s]+", "Invalid parameter: Email address"),
    "email-json": (r"[^@\s]+@[^@\s]+", "Invalid parameter: Email address"),
    "firehose": (r"arn:[^:]+:firehose:.+", "Invalid parameter: Firehose endpoint ARN"),
    "http": (r"http://.+", "Invalid parameter: Endpoint must match the specified protocol"),
    "https": (r"https://.+", "Invalid parameter: Endpoint must match the specified protocol"),
    "lambda": (r"arn:[^:]+:lambda:.+", "Invalid parameter: Lambda endpoint ARN"),
    "sms": (r"\+?[0-9() .-]+", "Invalid parameter: Invalid SMS endpoint: {}"),
    "sqs": (r"arn:[^:]+:sqs:.+", "Invalid parameter: SQS endpoint ARN"),
}
"""For each protocol: the pattern of valid endpoints, and the message for any other endpoint (SNS API, Subscribe)."""


def _check_queue(queue: Properties) -> None:
    name, fifo = queue.get("QueueName"), _is_true(queue.get("FifoQueue"))
    if name is not None and not _QUEUE_NAME.fullmatch(str(name)):
        raise RefusedError(
            "InvalidParameterValue: Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in "
            "length"
        )
    if queue.get("KmsMasterKeyId") and _is_true(queue.get("SqsManagedSseEnabled")):
        raise RefusedError(
            "InvalidAttributeValue: You can use one type of server-side encryption (SSE) at one time. You can either "
            "enable KMS SSE or SQS SSE."
        )
    redrive = queue.get("RedrivePolicy")
    arn = str(documents.parsed(redrive).get("deadLetterTargetArn")) if redrive else ""
    target = sqs.queue_by_arn(arn) if arn.startswith(_own("sqs")) else None
    if target is not None and target["is_fifo"] != fifo:
        raise RefusedError(
            f"InvalidParameterValue: Value {redrive} for parameter RedrivePolicy is invalid. Reason: Dead-letter queue "
            "must be same type of queue as the source."
        )
    if arn.startswith(_own("sqs")) and target is None:
        raise RefusedError(
            f"InvalidParameterValue: Value {redrive} for parameter RedrivePolicy is invalid. Reason: Dead letter "
            "target does not exist."
        )


def check_topic(topic: Properties) -> None:
    """Refuse a topic that SNS does not accept.

    Args:
        topic: The properties in the template.

    Raises:
        RefusedError: SNS does not accept the topic; the message is SNS's.
    """
    name = topic.get("TopicName")
    if name is not None and not _TOPIC_NAME.fullmatch(str(name)):
        raise RefusedError("InvalidParameter: Invalid parameter: Topic Name")
    for each in topic.get("Subscription") or ():
        documents.refuse(_endpoint_faults(each), "InvalidParameter")


def _check_subscription(subscription: Properties) -> None:
    arn = str(subscription.get("TopicArn"))
    if arn.startswith(_own("sns")) and arn not in sns.topics:
        raise RefusedError("NotFound: Topic does not exist")
    documents.refuse(_endpoint_faults(subscription), "InvalidParameter")
    documents.refuse(_filter_faults(subscription), "InvalidParameter")
    if _is_true(subscription.get("RawMessageDelivery")) and subscription.get("Protocol") not in _RAW:
        # SetSubscriptionAttributes, RawMessageDelivery
        raise RefusedError(
            f"InvalidParameter: Invalid parameter: Attributes Reason: Delivery protocol "
            f"[{subscription.get('Protocol')}] does not support raw message delivery."
        )
    if arn.endswith(".fifo") and subscription.get("Protocol") != "sqs":
        # SNS developer guide, "Amazon SNS message delivery for FIFO topics"
        raise RefusedError(
            f"InvalidParameter: Invalid parameter: Invalid protocol type: {subscription.get('Protocol')}"
        )
    if not arn.endswith(".fifo") and str(subscription.get("Endpoint")).endswith(".fifo"):
        raise RefusedError(
            "InvalidParameter: Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be "
            "subscribed to standard SNS topics"
        )


def _endpoint_faults(subscription: Properties) -> Iterator[str]:
    protocol, endpoint = str(subscription.get("Protocol")), str(subscription.get("Endpoint"))
    if protocol not in _ENDPOINTS:
        yield f"Invalid parameter: Amazon SNS does not support this protocol string: {protocol}"
        return
    pattern, fault = _ENDPOINTS[protocol]
    if not re.fullmatch(pattern, endpoint):
        yield fault.format(endpoint)
    if protocol == "firehose" and not subscription.get("SubscriptionRoleArn"):
        yield "Invalid parameter: Attributes Reason: SubscriptionRoleArn is required for the firehose protocol"


def _filter_faults(subscription: Properties) -> Iterator[str]:
    policy = subscription.get("FilterPolicy")
    for key, value in (documents.parsed(policy) if policy else {}).items():
        if not isinstance(value, dict | list):
            yield f'Invalid parameter: FilterPolicy: "{key}" must be an object or an array'
        elif isinstance(value, dict) and subscription.get("FilterPolicyScope") != "MessageBody" and key != "$or":
            yield "Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy"


def _own(service: str) -> str:
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:"


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


def install() -> None:
    """Check queues and subscriptions as the services do."""
    guard("AWS::SNS::Subscription", _check_subscription)
    guard("AWS::SQS::Queue", _check_queue)

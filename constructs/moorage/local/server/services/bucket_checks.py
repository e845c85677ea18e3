"""The checks that Amazon S3 performs on a bucket's configuration and on the destinations of its notifications.

The messages are S3's, as users report them (notifications: aws/aws-cdk issues 5991 and 20127). The limits are those of
the S3 user guide, "Transitioning objects using Amazon S3 Lifecycle". The events are those of S3's model in botocore.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree as ET

from moorage.local.server.core import policies
from moorage.local.server.core.adapter import lambda_svc, provisioners, s3, sns, sqs
from moorage.local.server.core.calls import RefusedError, model
from moorage.local.server.core.resource import Properties
from moorage.local.server.services import documents
from moorage.local.server.services.guards import guard

_SERVICE = "s3.amazonaws.com"
_UNTOUCHED_DAYS = 30
_SHORTEST_NAME = 3
_INFREQUENT = ("ONEZONE_IA", "STANDARD_IA")
_ACTIONS = frozenset(
    (
        *("AbortIncompleteMultipartUpload", "ExpirationDate", "ExpirationInDays", "ExpiredObjectDeleteMarker"),
        *("NoncurrentVersionExpiration", "NoncurrentVersionExpirationInDays", "NoncurrentVersionTransition"),
        *("NoncurrentVersionTransitions", "Transition", "Transitions"),
    )
)
_DESTINATIONS = ("Queue", "Topic", "CloudFunction")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")


def _check_bucket(bucket: Properties) -> None:
    documents.refuse(_faults(bucket), "InvalidArgument")


def _faults(bucket: Properties) -> Iterator[str]:
    name = str(bucket.get("BucketName", ""))
    short = bool(name) and len(name) < _SHORTEST_NAME  # S3 user guide, "General purpose bucket naming rules"
    if ".." in name or _ADDRESS.fullmatch(name) or short:
        yield "The specified bucket is not valid."
    yield from _lifecycle_faults((bucket.get("LifecycleConfiguration") or {}).get("Rules") or [])
    yield from _event_faults(bucket.get("NotificationConfiguration") or {})
    target = (bucket.get("LoggingConfiguration") or {}).get("DestinationBucketName")
    if target and target != name and s3.bucket_owner_account(target) is None:
        yield "The target bucket for logging does not exist"
    website = bucket.get("WebsiteConfiguration")
    if website and not {"IndexDocument", "RedirectAllRequestsTo"} & set(website):
        yield "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty"
    for rule in (bucket.get("BucketEncryption") or {}).get("ServerSideEncryptionConfiguration") or ():
        default = rule.get("ServerSideEncryptionByDefault") or {}
        if default.get("KMSMasterKeyID") and default.get("SSEAlgorithm") == "AES256":
            yield "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse"
    block = bucket.get("PublicAccessBlockConfiguration") or {"BlockPublicAcls": True}
    if (
        str(bucket.get("AccessControl")).startswith("PublicRead")
        and str(block.get("BlockPublicAcls")).lower() == "true"
    ):
        yield "Bucket cannot have public ACLs set with BlockPublicAccess enabled"


def _lifecycle_faults(rules: list[Properties]) -> Iterator[str]:
    names = [each["Id"] for each in rules if "Id" in each]
    if len(names) != len(set(names)):
        yield "Rule ID must be unique. Found same ID for more than one rule"
    for rule in rules:
        if not _ACTIONS & set(rule):
            yield "At least one action needs to be specified in a rule"
        transitions = [*(rule.get("Transitions") or ()), *documents.several(rule.get("Transition"))]
        for each in transitions:
            days, kind = each.get("TransitionInDays"), each.get("StorageClass")
            if days is not None and kind in _INFREQUENT and int(days) < _UNTOUCHED_DAYS:
                yield (
                    f"'Days' in Transition action must be greater than or equal to {_UNTOUCHED_DAYS} for storageClass "
                    f"'{kind}'"
                )
            expiration = rule.get("ExpirationInDays")
            if days is not None and expiration is not None and int(expiration) <= int(days):
                yield (
                    f"'Days' in the Expiration action for filter '(prefix={rule.get('Prefix', '')})' must be greater "
                    "than 'Days' in the Transition action"
                )


def _event_faults(configuration: Properties) -> Iterator[str]:
    known = model("s3").shape_for("Event").enum
    for key in ("LambdaConfigurations", "QueueConfigurations", "TopicConfigurations"):
        for each in configuration.get(key) or ():
            if each.get("Event") not in known:
                yield "The event is not supported for notifications"
    keys = ("LambdaConfigurations", "QueueConfigurations", "TopicConfigurations")
    stated = [each for key in keys for each in configuration.get(key) or () if not each.get("Filter")]
    for number, each in enumerate(stated):
        if any(_is_same_event(str(each.get("Event")), str(other.get("Event"))) for other in stated[:number]):
            yield "Configurations overlap. Configurations on the same bucket cannot share a common event type."


def _is_same_event(one: str, other: str) -> bool:
    """Return whether two events are equal, or a wildcard in either matches the other (S3 user guide, "Event types")."""
    return one == other or any(a.endswith("*") and b.startswith(a[:-1]) for a, b in ((one, other), (other, one)))


def _validated(put: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse a bucket's notification configuration if a destination does not let S3 use it.

    S3 validates destinations in the same way.
    """

    def validated(name: str, body: bytes, *rest: Any, **named: Any) -> Any:
        elements = ET.fromstring(body or b"<a/>").iter()  # noqa: S314  # as S3's own handler parses it
        for element in elements:
            if element.tag.rpartition("}")[2] in _DESTINATIONS and not _lets_in(str(element.text).strip(), name):
                return s3.error("InvalidArgument", "Unable to validate the following destination configurations", 400)
        return put(name, body, *rest, **named)

    return validated


def _lets_in(arn: str, bucket: str) -> bool:
    source = f"arn:aws:s3:::{bucket}"
    if ":lambda:" in arn:
        function, *_ = lambda_svc.get_func_record_for_ref(arn)
        return bool(function) and policies.allows(function["policy"], _SERVICE, "lambda:InvokeFunction", arn, source)
    found = sqs.queue_by_arn(arn) if ":sqs:" in arn else sns.topics.get(arn)
    if found is None:
        return False
    attributes, action = found["attributes"], "sqs:SendMessage" if ":sqs:" in arn else "sns:Publish"
    use = ("kms:GenerateDataKey", "kms:Decrypt")
    return policies.allows(attributes.get("Policy"), _SERVICE, action, arn, source) and not policies.unusable_key(
        attributes.get("KmsMasterKeyId"), _SERVICE, source, *use
    )


def _undone(create: Callable[..., Any]) -> Callable[..., Any]:
    """Delete a new bucket if its configuration is refused."""

    def created(logical_id: str, properties: Properties, stack_name: str) -> Any:
        before = set(s3.buckets)
        try:
            return create(logical_id, properties, stack_name)
        except (RefusedError, ValueError):
            for name in set(s3.buckets) - before:
                provisioners.s3_delete(name, {})
            raise

    return created


def install() -> None:
    """Check buckets as S3 does."""
    handler = provisioners.RESOURCE_HANDLERS["AWS::S3::Bucket"]
    handler["create"] = _undone(handler["create"])
    guard("AWS::S3::Bucket", _check_bucket)
    s3.put_bucket_notification = _validated(s3.put_bucket_notification)

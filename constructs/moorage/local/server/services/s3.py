"""Amazon S3: the bucket properties that ministack ignores. They are set through S3's own API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.serialize import create_serializer
from ministack.core.responses import get_account_id, get_region

from moorage.local.server.core.adapter import provisioners, s3
from moorage.local.server.core.calls import RefusedError, model, request

Put = Callable[[str, bytes], Any]

_SSE = "x-amz-server-side-encryption"
_ENCRYPTION = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
_FILTERS = ("ObjectSizeGreaterThan", "ObjectSizeLessThan", "Prefix")
_TRANSITION = {"TransitionInDays": "Days", "TransitionDate": "Date"}
_NONCURRENT = {"TransitionInDays": "NoncurrentDays"}
_RECORDED = (
    "AnalyticsConfigurations", "IntelligentTieringConfigurations", "InventoryConfigurations", "MetricsConfigurations",
)  # fmt: skip
"""The properties for reports and storage classes, which do not affect objects; ministack has no API for them."""
_DAYS = {"ExpirationInDays": "Days", "ExpirationDate": "Date", "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker"}
_CANNED = {
    "AuthenticatedRead": "authenticated-read",
    "BucketOwnerFullControl": "bucket-owner-full-control",
    "BucketOwnerRead": "bucket-owner-read",
    "LogDeliveryWrite": "log-delivery-write",
    "Private": "private",
    "PublicRead": "public-read",
    "PublicReadWrite": "public-read-write",
}


def install() -> None:
    """Make the handler of buckets apply the properties that ministack drops, and refuse to delete non-empty buckets."""
    provisioners.S3_BUCKET_CONFIGURATIONS = (
        *provisioners.S3_BUCKET_CONFIGURATIONS,
        (
            "AccelerateConfiguration",
            lambda value: _xml(
                "PutBucketAccelerateConfiguration", {"AccelerateConfiguration": {"Status": value["AccelerationStatus"]}}
            ),
            _checked(s3.put_bucket_accelerate),
            s3.bucket_accelerate_config.pop,
        ),
        ("AccessControl", str.encode, _put_canned_acl, lambda name: s3.bucket_acl.pop(name, None)),
        ("BucketEncryption", _encryption, _checked(s3.put_bucket_encryption), s3.delete_bucket_encryption),
        ("LifecycleConfiguration", _lifecycle, _checked(s3.put_bucket_lifecycle), s3.delete_bucket_lifecycle),
        ("LoggingConfiguration", _logging, _checked(s3.put_bucket_logging), s3.bucket_logging_config.pop),
        ("ObjectLockEnabled", _lock, _locked, s3.bucket_object_lock.pop),
        ("ObjectLockConfiguration", _lock, _locked, s3.bucket_object_lock.pop),
        (
            "OwnershipControls",
            lambda value: _xml("PutBucketOwnershipControls", {"OwnershipControls": value}),
            _checked(s3.put_bucket_ownership_controls),
            s3.delete_bucket_ownership_controls,
        ),
        (
            "Tags",
            lambda value: _xml("PutBucketTagging", {"Tagging": {"TagSet": value}}),
            _checked(s3.put_bucket_tagging),
            lambda name: s3.bucket_tags.pop(name, None),
        ),
        *(_recorded(name) for name in _RECORDED),
    )
    provisioners.RESOURCE_HANDLERS["AWS::S3::Bucket"]["delete"] = _delete
    resolve = s3.resolve_sse_write_headers

    def resolved(headers: dict[str, str], bucket: str) -> Any:
        if headers.get(_SSE) == "aws:kms":
            # S3 uses the AWS managed key aws/s3 if the request names no key; ministack would refuse the request.
            key = f"arn:aws:kms:{get_region()}:{get_account_id()}:alias/aws/s3"
            headers = {f"{_SSE}-aws-kms-key-id": key, **headers}
        return resolve(headers, bucket)

    s3.resolve_sse_write_headers = resolved


def _xml(operation: str, properties: dict[str, Any], renamed: dict[str, str] | None = None) -> bytes:
    stated = request("s3", operation, {"Bucket": "bucket", **properties}, renamed=renamed)
    serialized = create_serializer("rest-xml").serialize_to_request(stated, model("s3").operation_model(operation))
    body: bytes = serialized["body"]
    return body


def _encryption(value: dict[str, Any]) -> bytes:
    rules = {"Rules": value["ServerSideEncryptionConfiguration"]}
    return _xml("PutBucketEncryption", {"ServerSideEncryptionConfiguration": rules}, _ENCRYPTION)


def _lifecycle(value: dict[str, Any]) -> bytes:
    rules = [_rule(rule) for rule in value["Rules"]]
    return _xml("PutBucketLifecycleConfiguration", {"LifecycleConfiguration": {"Rules": rules}})


def _logging(value: dict[str, Any]) -> bytes:
    renamed = {"DestinationBucketName": "TargetBucket", "LogFilePrefix": "TargetPrefix"}
    stated = {"LogFilePrefix": "", **value}
    return _xml("PutBucketLogging", {"BucketLoggingStatus": {"LoggingEnabled": stated}}, renamed)


def _lock(value: Any) -> bytes:
    """Return the object lock configuration, which has no rule if the template has only `ObjectLockEnabled`."""
    if not isinstance(value, dict):
        value = {"ObjectLockEnabled": "Enabled"} if str(value).lower() == "true" else {}
    return _xml("PutObjectLockConfiguration", {"ObjectLockConfiguration": value}) if value else b""


def _locked(name: str, body: bytes) -> None:
    if body:
        _checked(s3.put_object_lock_configuration)(name, body)


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    """Return a lifecycle rule in S3's structure, which nests properties that CloudFormation has side by side."""
    flat = (*_DAYS, *_FILTERS, "NoncurrentVersionExpirationInDays", "NoncurrentVersionTransition", "TagFilters")
    stated = {key: value for key, value in rule.items() if key not in (*flat, "Transition")}
    expiration = {_DAYS[key]: rule[key] for key in _DAYS if key in rule}
    if expiration:
        stated["Expiration"] = expiration
    if "NoncurrentVersionExpirationInDays" in rule:
        stated["NoncurrentVersionExpiration"] = {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    for name, words in (("Transition", _TRANSITION), ("NoncurrentVersionTransition", _NONCURRENT)):
        steps = [*rule.get(f"{name}s", ()), *([rule[name]] if name in rule else [])]
        if steps:
            stated[f"{name}s"] = [{words.get(key, key): value for key, value in step.items()} for step in steps]
    filters = {"Prefix": rule.get("Prefix", ""), **{key: rule[key] for key in _FILTERS if key in rule}}
    tags = rule.get("TagFilters", [])
    return {**stated, "Filter": {"And": {**filters, "Tags": tags}} if tags or len(filters) > 1 else filters}


def _recorded(name: str) -> tuple[Any, ...]:
    """Return the configuration that keeps a property in the bucket's record."""
    return (
        name,
        lambda value: value,
        lambda bucket, value: s3.buckets[bucket].update({name: value}),
        lambda bucket: s3.buckets[bucket].pop(name, None),
    )


def _put_canned_acl(name: str, canned: bytes) -> None:
    s3.bucket_acl[name] = s3.canned_acl_policy_xml(_CANNED[canned.decode()], s3.canonical_owner_id())


def _checked(put: Put) -> Put:
    def checked(name: str, body: bytes) -> None:
        status, _, answer = put(name, body)
        if status >= 300:  # noqa: PLR2004  # S3 answers 200 or 204
            raise RefusedError(answer.decode("utf-8", errors="replace"))

    return checked


def _delete(physical_id: str, _properties: dict[str, Any]) -> None:
    if physical_id in s3.buckets:
        _checked(lambda name, _: s3.delete_bucket(name))(physical_id, b"")

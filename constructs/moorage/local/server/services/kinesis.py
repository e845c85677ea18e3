"""Amazon Kinesis Data Streams: the properties of streams that ministack drops, and stream consumers."""

from __future__ import annotations

from typing import Any

from moorage.local.server.core import policies
from moorage.local.server.core.adapter import kinesis, kms
from moorage.local.server.core.calls import RefusedError, perform, request
from moorage.local.server.core.resource import Made, Properties, Resource
from moorage.local.server.services.guards import complete


class StreamConsumer(Resource):
    """A consumer with dedicated throughput; `Ref` returns its ARN."""

    type = "AWS::Kinesis::StreamConsumer"

    def create(self, properties: Properties, name: str) -> Made:
        stated = request("kinesis", "RegisterStreamConsumer", properties)
        consumer: dict[str, Any] = perform(kinesis.register_consumer, stated)["Consumer"]
        arn = consumer["ConsumerARN"]
        shown = {"ConsumerARN": arn, "ConsumerStatus": "ACTIVE", "StreamARN": properties["StreamARN"]}
        shown["ConsumerName"] = properties["ConsumerName"]
        return Made(arn, {**shown, "ConsumerCreationTimestamp": str(consumer["ConsumerCreationTimestamp"])})

    def delete(self, physical_id: str, properties: Properties) -> None:
        kinesis.deregister_consumer({"ConsumerARN": physical_id})


def install() -> None:
    """Make the handler of streams apply the properties that ministack drops."""
    complete("AWS::Kinesis::Stream", _complete)


def _complete(name: str, old: Properties, new: Properties) -> None:
    encryption = new.get("StreamEncryption")
    if encryption:
        key = str(encryption["KeyId"])
        if not _may_exist(key):
            raise RefusedError(f"KMSNotFoundException: Key '{key}' does not exist")
        perform(kinesis.start_stream_encryption, {"StreamName": name, **encryption})
    elif old.get("StreamEncryption"):
        perform(kinesis.stop_stream_encryption, {"StreamName": name})
    kinesis.streams[name]["ShardLevelMetrics"] = list(new.get("DesiredShardLevelMetrics") or [])


def _may_exist(key: str) -> bool:
    """Return whether a key may exist; True for an AWS managed key and for a key in another account.

    A key can be in another account (Kinesis Data Streams developer guide, "Create and use user-generated KMS keys").
    """
    managed = key.rpartition(":")[2].startswith("alias/aws/")
    return managed or policies.is_elsewhere(key) or kms.resolve_key(key) is not None

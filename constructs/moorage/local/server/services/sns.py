"""Amazon SNS: topics with all their attributes."""

from __future__ import annotations

import json
from typing import Any

from moorage.local.server.core.adapter import provisioners, sns
from moorage.local.server.core.calls import RefusedError, query, text
from moorage.local.server.core.resource import Made, Properties, Resource, shortened
from moorage.local.server.services import message_checks
from moorage.local.server.services.guards import plain

_LONGEST = 251  # without the suffix `.fifo`
_ATTRIBUTES = (
    "ArchivePolicy", "ContentBasedDeduplication", "DisplayName", "FifoThroughputScope", "FifoTopic", "KmsMasterKeyId",
    "MaximumMessageSize", "SignatureVersion", "TracingConfig",
)  # fmt: skip


class Topic(Resource):
    """A topic; an existing name is refused."""

    type = "AWS::SNS::Topic"

    def create(self, properties: Properties, name: str) -> Made:
        message_checks.check_topic(plain(properties))
        attributes = self._attributes(properties)
        ending = ".fifo" if attributes.get("FifoTopic") == "true" else ""
        topic = str(properties.get("TopicName") or shortened(name, _LONGEST) + ending)
        if f"arn:aws:sns:{sns.get_region()}:{sns.get_account_id()}:{topic}" in sns.topics:
            raise RefusedError(
                f"Resource of type '{self.type}' with identifier '{topic}' already exists (AlreadyExists)"
            )
        entries = {
            f"Attributes.entry.{number}.{part}": value
            for number, pair in enumerate(attributes.items(), start=1)
            for part, value in zip(("key", "value"), pair, strict=True)
        }
        arn = text(query(sns.create_topic, Name=topic, **entries), "TopicArn")
        return self._put(arn, {}, properties)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        message_checks.check_topic(plain(new))
        attributes = sns.topics[physical_id]["attributes"]
        for gone in self._attributes(old).keys() - self._attributes(new).keys():
            attributes.pop(gone, None)
        return self._put(physical_id, old, new)

    def delete(self, physical_id: str, properties: Properties) -> None:
        provisioners.sns_delete(physical_id, properties)

    def _put(self, arn: str, old: Properties, new: Properties) -> Made:
        topic = sns.topics[arn]
        named = {**new, "TopicName": topic["name"]}
        provisioners.sns_update(
            arn, {**old, "TopicName": topic["name"]}, named, ""
        )  # the tags and the subscriptions in the template
        topic["attributes"] |= {"DisplayName": "", **self._attributes(new)}
        return Made(arn, {"TopicArn": arn, "TopicName": topic["name"]})

    def _attributes(self, properties: Properties) -> dict[str, str]:
        return {name: _said(properties[name]) for name in _ATTRIBUTES if name in properties}


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)

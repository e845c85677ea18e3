"""The inline policies of queues and topics, made with ministack's types for policies of several queues or topics."""

from __future__ import annotations

from typing import ClassVar

from moorage.local.server.core.adapter import provisioners
from moorage.local.server.core.resource import Made, Properties, Resource


class QueueInlinePolicy(Resource):
    """The policy of a single queue; `Ref` returns the queue's URL."""

    type = "AWS::SQS::QueueInlinePolicy"
    several: ClassVar[str] = "AWS::SQS::QueuePolicy"
    one: ClassVar[str] = "Queue"
    names: ClassVar[str] = "Queues"

    def create(self, properties: Properties, name: str) -> Made:
        provisioners.RESOURCE_HANDLERS[self.several]["create"](name, self._stated(properties), "")
        return Made(properties[self.one])

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return self.create(new, physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        provisioners.RESOURCE_HANDLERS[self.several]["delete"](physical_id, self._stated(properties))

    def _stated(self, properties: Properties) -> Properties:
        return {self.names: [properties[self.one]], "PolicyDocument": properties["PolicyDocument"]}


class TopicInlinePolicy(QueueInlinePolicy):
    """The policy of a single topic; `Ref` returns the topic's ARN."""

    type = "AWS::SNS::TopicInlinePolicy"
    several = "AWS::SNS::TopicPolicy"
    one = "TopicArn"
    names = "Topics"

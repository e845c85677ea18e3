"""Amazon EventBridge: archives, connections, API destinations and the policies of event buses."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from moorage.local.server.core.adapter import eventbridge
from moorage.local.server.core.resource import Made, Properties, Resource
from moorage.local.server.core.service_api import REF, ApiResource
from moorage.local.server.services.guards import complete


class Archive(ApiResource):
    """An archive of an event bus; `Ref` returns its name."""

    type = "AWS::Events::Archive"
    service = "events"
    creation = "CreateArchive"
    change = ("UpdateArchive", {"ArchiveName": REF})
    deletion = ("DeleteArchive", {"ArchiveName": REF})
    identity = "ArchiveName"
    named = ("ArchiveName", 48)
    attributes = (("Arn", "ArchiveArn"), ("ArchiveName", REF))
    renamed = (("SourceArn", "EventSourceArn"),)


class Connection(ApiResource):
    """A connection, which authorizes requests to API destinations; `Ref` returns its name."""

    type = "AWS::Events::Connection"
    service = "events"
    creation = "CreateConnection"
    change = ("UpdateConnection", {"Name": REF})
    deletion = ("DeleteConnection", {"Name": REF})
    identity = "Name"
    named = ("Name", 64)
    attributes = (("Arn", "ConnectionArn"), ("ArnForPolicy", "ConnectionArn"), ("SecretArn", "SecretArn"))

    def made(self, known: Mapping[str, Any], physical_id: str | None = None) -> Made:
        arn = _with_end(known["ConnectionArn"])
        parts = arn.split(":")
        secret = f"arn:aws:secretsmanager:{parts[3]}:{parts[4]}:secret:events!{parts[5]}"
        return super().made({**known, "ConnectionArn": arn, "SecretArn": secret}, physical_id)


class ApiDestination(ApiResource):
    """An API destination; `Ref` returns its name."""

    type = "AWS::Events::ApiDestination"
    service = "events"
    creation = "CreateApiDestination"
    change = ("UpdateApiDestination", {"Name": REF})
    deletion = ("DeleteApiDestination", {"Name": REF})
    identity = "Name"
    named = ("Name", 64)
    attributes = (("Arn", "ApiDestinationArn"), ("ArnForPolicy", "ArnForPolicy"))

    def stated(self, properties: Properties) -> Properties:
        return {**properties, "ConnectionArn": str(properties["ConnectionArn"]).rpartition("/")[0]}

    def made(self, known: Mapping[str, Any], physical_id: str | None = None) -> Made:
        arn = known["ApiDestinationArn"]
        ends = {"ApiDestinationArn": _with_end(arn), "ArnForPolicy": arn}
        return super().made({**known, **ends}, physical_id)


class EventBusPolicy(Resource):
    """A statement in the policy of an event bus; `Ref` returns its ID."""

    type = "AWS::Events::EventBusPolicy"

    def create(self, properties: Properties, name: str) -> Made:
        statement, sid = properties.get("Statement"), str(properties["StatementId"])
        if not statement:
            principal = properties.get("Principal", "*")
            statement = {
                "Effect": "Allow",
                "Principal": principal if principal == "*" else {"AWS": f"arn:aws:iam::{principal}:root"},
                "Action": properties.get("Action", "events:PutEvents"),
            }
            if properties.get("Condition"):
                given = properties["Condition"]
                statement["Condition"] = {given["Type"]: {given["Key"]: given["Value"]}}
        self._others(properties)["Statement"].append({**statement, "Sid": sid})
        return Made(sid)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        self.delete(physical_id, old)
        return self.create(new, physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        self._others(properties)

    def _others(self, properties: Properties) -> Properties:
        """Remove the statement from the policy of the event bus, and return the policy."""
        empty = {"Version": "2012-10-17", "Statement": []}
        bus = str(properties.get("EventBusName") or "default")
        policy: Properties = eventbridge.event_bus_policies.setdefault(bus, empty)
        policy["Statement"] = [each for each in policy["Statement"] if each.get("Sid") != properties["StatementId"]]
        return policy


def _with_end(arn: str) -> str:
    """Return an ARN with an ID at the end, as EventBridge does; ministack knows resources by the ARN without the ID."""
    return f"{arn}/{uuid.uuid5(uuid.NAMESPACE_URL, arn)}"


def install() -> None:
    """Give each event bus the policy in its `Policy` property."""
    complete("AWS::Events::EventBus", _complete)


def _complete(bus: str, old: Properties, new: Properties) -> None:
    new.get("EventSourceName")
    if new.get("Policy"):
        eventbridge.event_bus_policies[bus] = {"Version": "2012-10-17", **new["Policy"]}
    elif old.get("Policy"):
        eventbridge.event_bus_policies.pop(bus, None)

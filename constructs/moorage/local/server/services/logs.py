"""Amazon CloudWatch Logs: log groups."""

from __future__ import annotations

from typing import Any

from moorage.local.server.core.adapter import cloudwatch_logs as logs
from moorage.local.server.core.adapter import provisioners
from moorage.local.server.core.calls import RefusedError, perform, request
from moorage.local.server.core.resource import Made, Properties, Resource
from moorage.local.server.services import log_checks

_OF_THE_REQUEST = ("KmsKeyId", "LogGroupClass")
_RECORDED = ("BearerTokenAuthenticationEnabled", "DataProtectionPolicy", "FieldIndexPolicies")
"""The properties for queries and for the display of events, for which ministack has no API."""


class LogGroup(Resource):
    """A log group; an existing name is refused."""

    type = "AWS::Logs::LogGroup"

    def create(self, properties: Properties, name: str) -> Made:
        group = str(properties.get("LogGroupName") or name)
        if group in logs.log_groups:
            identifier = f'{{"/properties/LogGroupName":"{group}"}}'
            raise RefusedError(
                f"Resource of type '{self.type}' with identifier '{identifier}' already exists (AlreadyExists)"
            )
        log_checks.check_key(properties.get("KmsKeyId"), group)
        stated = {key: properties[key] for key in _OF_THE_REQUEST if key in properties}
        perform(logs.create_log_group, request("logs", "CreateLogGroup", {"LogGroupName": group, **stated}))
        record = logs.log_groups[group]
        record["tags"] = provisioners.tag_map(properties.get("Tags"))
        self._retain(record, properties)
        self._keep(record, properties)
        provisioners.cwlogs_sync_resource_policy(group, record["arn"], properties)
        return Made(group, {"Arn": record["arn"]})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        record = logs.log_groups.get(physical_id)
        if record is None:
            return self.create(new, physical_id)
        if old.get("LogGroupClass", "STANDARD") != new.get("LogGroupClass", "STANDARD"):
            raise RefusedError("property LogGroupClass cannot be changed after the log group is created")
        log_checks.check_key(new.get("KmsKeyId"), physical_id)
        record["kmsKeyId"] = new.get("KmsKeyId")
        self._retain(record, new)
        self._keep(record, new)
        provisioners.reconcile_tag_map(record["tags"], old, new)
        provisioners.cwlogs_sync_resource_policy(physical_id, record["arn"], new, old)
        return Made(physical_id, {"Arn": record["arn"]})

    def delete(self, physical_id: str, properties: Properties) -> None:
        if physical_id in logs.log_groups:
            perform(logs.delete_log_group, {"logGroupName": physical_id})

    def _keep(self, record: dict[str, Any], properties: Properties) -> None:
        record.update({name: properties.get(name) for name in _RECORDED})

    def _retain(self, record: dict[str, Any], properties: Properties) -> None:
        days = properties.get("RetentionInDays")
        if days is not None and int(days) not in logs.VALID_RETENTION_DAYS:
            raise RefusedError(f"property RetentionInDays: {days} is not a retention period of CloudWatch Logs")
        record["retentionInDays"] = None if days is None else int(days)

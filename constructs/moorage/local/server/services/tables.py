"""Amazon DynamoDB: the table properties that ministack ignores, set through the API or in ministack's records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import get_region

from moorage.local.server.core.adapter import dynamodb, provisioners
from moorage.local.server.core.calls import perform, request
from moorage.local.server.core.resource import Properties
from moorage.local.server.services.guards import complete, guard

_ENCRYPTION = {"SSEEnabled": "Enabled"}
_OF_A_REPLICA = (
    "ContributorInsightsSpecification", "KinesisStreamSpecification", "PointInTimeRecoverySpecification",
    "ResourcePolicy", "SSESpecification",
)  # fmt: skip


def install() -> None:
    """Make the handlers of tables apply the properties that ministack drops."""
    handler = provisioners.RESOURCE_HANDLERS["AWS::DynamoDB::GlobalTable"]
    handler["update"] = _in_place(handler["update"])
    complete("AWS::DynamoDB::Table", _complete)
    complete("AWS::DynamoDB::GlobalTable", _complete_global)
    for kind in ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"):
        guard(kind, deletion=_clear)


def _in_place(update: Callable[..., Any]) -> Callable[..., Any]:
    """Update a table with a generated name in place; ministack would create another table."""

    def updated(physical_id: str, old: Properties, new: Properties, *rest: Any) -> Any:
        named = {"TableName": physical_id}
        if old.get("TableName") or new.get("TableName"):
            return update(physical_id, old, new, *rest)
        return update(physical_id, {**old, **named}, new | named, *rest)

    return updated


def _clear(name: str, _properties: Properties) -> None:
    """Delete the replicas of a table, and the settings that a new table of the same name must not get."""
    table = dynamodb.tables.get(name)
    if table is not None:
        _replicate(name, table, set())
    for settings in (dynamodb.ttl_settings, dynamodb.pitr_settings, dynamodb.kinesis_destinations):
        settings.pop(name, None)


def _complete(name: str, old: Properties, new: Properties) -> None:
    table = dynamodb.tables[name]
    _encrypt(table, new.get("SSESpecification"))
    _call("UpdateTimeToLive", dynamodb.update_ttl, name, old, new, "TimeToLiveSpecification")
    recovery = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False}}
    if "PointInTimeRecoverySpecification" in {*old, *new}:
        stated = request(
            "dynamodb", "UpdateContinuousBackups", {"TableName": name, **recovery, **_only(new, *recovery)}
        )
        perform(dynamodb.update_continuous_backups, stated)
    _stream(name, old.get("KinesisStreamSpecification"), new.get("KinesisStreamSpecification"))
    insights = new.get("ContributorInsightsSpecification") or old.get("ContributorInsightsSpecification")
    if insights is not None:
        wanted = str((new.get("ContributorInsightsSpecification") or {}).get("Enabled", False)).lower() == "true"
        action = {"TableName": name, "ContributorInsightsAction": "ENABLE" if wanted else "DISABLE"}
        perform(dynamodb.update_contributor_insights, action)
    policy = (new.get("ResourcePolicy") or {}).get("PolicyDocument")
    if policy:
        stated = {"ResourceArn": table["TableArn"], "Policy": policy}
        perform(dynamodb.put_resource_policy, request("dynamodb", "PutResourcePolicy", stated))
    elif old.get("ResourcePolicy"):
        perform(dynamodb.delete_resource_policy, {"ResourceArn": table["TableArn"]})
    _keep(table, new)


def _only(properties: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: properties[name] for name in names if name in properties}


def _encrypt(table: dict[str, Any], encryption: Mapping[str, Any] | None) -> None:
    stated = request("dynamodb", "UpdateTable", {"SSESpecification": encryption or {}}, renamed=_ENCRYPTION)
    on = stated["SSESpecification"].get("Enabled")
    table["SSEDescription"] = dynamodb.sse_description_from_spec(stated["SSESpecification"]) if on else None


def _call(operation: str, call: Any, name: str, old: Properties, new: Properties, setting: str) -> None:
    """Apply a setting of the template, or disable the setting if the template no longer has it."""
    if new.get(setting):
        perform(call, request("dynamodb", operation, {"TableName": name, setting: new[setting]}))
    elif old.get(setting):
        off = {**old[setting], "Enabled": False}
        perform(call, request("dynamodb", operation, {"TableName": name, setting: off}))


def _stream(name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> None:
    """Send the changes of a table to the Kinesis stream in the template."""
    if old == new:
        return
    if old:
        perform(dynamodb.disable_kinesis_streaming_destination, {"TableName": name, "StreamArn": old["StreamArn"]})
    if new:
        precision = _only(new, "ApproximateCreationDateTimePrecision")
        stated = {"TableName": name, "StreamArn": new["StreamArn"], "EnableKinesisStreamingConfiguration": precision}
        perform(dynamodb.enable_kinesis_streaming_destination, stated)


def _keep(table: dict[str, Any], new: Properties) -> None:
    """Store the properties that only DescribeTable shows."""
    kind, on_demand, warm = (new.get(name) for name in ("TableClass", "OnDemandThroughput", "WarmThroughput"))
    table["TableClassSummary"] = {"TableClass": kind} if kind else None
    table["OnDemandThroughput"] = on_demand and {name: int(value) for name, value in on_demand.items()}
    table.pop("WarmThroughput", None)
    if warm:
        table["WarmThroughput"] = {**{name: int(value) for name, value in warm.items()}, "Status": "ACTIVE"}


def _complete_global(name: str, old: Properties, new: Properties) -> Properties:
    here = _here(new)
    encryption = new.get("SSESpecification")
    own = _only(here, *_OF_A_REPLICA)
    if encryption:
        own["SSESpecification"] = {**encryption, **own.get("SSESpecification", {})}
    before = {**_only(old, "TimeToLiveSpecification"), **_only(_here(old), *_OF_A_REPLICA)}
    if "TableClassOverride" in here:
        own["TableClass"] = here["TableClassOverride"]
    _complete(name, before, {**own, **_only(new, "TimeToLiveSpecification", "WarmThroughput")})
    table = dynamodb.tables[name]
    table["DeletionProtectionEnabled"] = str(here.get("DeletionProtectionEnabled", False)).lower() == "true"
    if here.get("Tags"):
        dynamodb.tags[table["TableArn"]] = [dict(tag) for tag in here["Tags"]]
    _replicate(name, table, {str(each["Region"]) for each in new["Replicas"]})
    return {"TableId": table["TableId"]}


def _here(properties: Properties) -> Mapping[str, Any]:
    """Return the replica in the region of the stack; empty if there is no replica."""
    replicas: list[Mapping[str, Any]] = properties.get("Replicas") or []
    return next((each for each in replicas if each.get("Region") == get_region()), {})


def _replicate(name: str, table: dict[str, Any], wanted: set[str]) -> None:
    """Create and delete the replicas of a table in other regions."""
    standing = set(dynamodb.replica_group(table)) - {get_region()}
    wanted -= {get_region()}
    for action, regions in (("Create", wanted - standing), ("Delete", standing - wanted)):
        for region in sorted(regions):
            change = {"TableName": name, "ReplicaUpdates": [{action: {"RegionName": region}}]}
            perform(dynamodb.update_table, change)

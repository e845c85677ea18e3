"""The checks that Amazon DynamoDB performs on tables and on their deletion."""

from __future__ import annotations

import re

from ministack.core.responses import new_uuid

from moorage.local.server.core.adapter import dynamodb
from moorage.local.server.core.calls import RefusedError, perform, request
from moorage.local.server.core.resource import Properties
from moorage.local.server.services.guards import guard

_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_KEPT = ("AttributeDefinitions", "BillingMode", "KeySchema", "ProvisionedThroughput", "TableClass")
_INDEXES = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
_OF_AN_INDEX = ("IndexName", "KeySchema", "Projection", "ProvisionedThroughput")


def _check(table: Properties) -> None:
    """Refuse a table that `CreateTable` refuses, by creating and deleting a table with the same properties."""
    name = table.get("TableName")
    if name is not None and not _NAME.fullmatch(str(name)):
        raise RefusedError(
            f"ValidationException: 1 validation error detected: Value '{name}' at 'tableName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        )
    stated = {key: table[key] for key in _KEPT if key in table}
    for key in _INDEXES:
        if table.get(key):
            stated[key] = [{part: each[part] for part in _OF_AN_INDEX if part in each} for each in table[key]]
    probe = f"probe-{new_uuid()}"
    try:
        perform(dynamodb.create_table, request("dynamodb", "CreateTable", {**stated, "TableName": probe}))
    finally:
        dynamodb.tables.pop(probe, None)


def _check_change(old: Properties, new: Properties) -> None:
    """Refuse to create or delete more than one global secondary index (DynamoDB API reference, UpdateTable)."""
    before, after = ({each["IndexName"] for each in table.get(_INDEXES[0]) or ()} for table in (old, new))
    if len(before ^ after) > 1:  # aws/aws-cdk issue 12246
        raise RefusedError(
            "LimitExceededException: Cannot perform more than one GSI creation or deletion in a single update"
        )


def _check_deletion(name: str, _properties: Properties) -> None:
    table = dynamodb.tables.get(name)
    if table is not None and str(table.get("DeletionProtectionEnabled")).lower() == "true":
        raise RefusedError(
            "ValidationException: Resource cannot be deleted as it is currently protected against deletion. Disable "
            "deletion protection first."
        )


def install() -> None:
    """Check tables as DynamoDB does."""
    guard("AWS::DynamoDB::Table", _check, change=_check_change, deletion=_check_deletion)
    guard("AWS::DynamoDB::GlobalTable", deletion=_check_deletion)

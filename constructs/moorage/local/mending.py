"""The deletion of stacks that are unfinished or lack a resource, so that `up` redeploys only those stacks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from moorage.assembly.cloud_assembly import Stack
from moorage.local.account import Account
from moorage.local.environment import Access
from moorage.local.process import LocalError
from moorage.local.protection import take_away
from moorage.local.report.readback import TOOLKIT, why_not_standing
from moorage.local.toolkit import DISCARD

_SETTLING_SECONDS = 300.0
_POLL_SECONDS = 0.2
_STAGING = "AWS::S3::Bucket"


def mend(access: Access, stacks: Sequence[Stack]) -> Iterator[str]:
    """Delete each stack that is unfinished or lacks a resource, and yield a line about each step.

    Stacks that import exports of such a stack are deleted first, since CloudFormation does not delete an export in use.

    Args:
        access: The local AWS.
        stacks: The stacks to deploy.

    Raises:
        LocalError: A stack is still in progress, or cannot be deleted.
    """
    for stack in stacks:
        account = Account(access, stack.account, stack.region)
        yield from _settled(account, stack.name)
        reason = why_not_standing(access, stack)
        if reason:
            yield f"{reason}; deleting and redeploying only this stack."
            yield from delete(access, stack)


def _settled(account: Account, name: str) -> Iterator[str]:
    """Wait for an operation that an earlier command left in progress, and yield a line about the operation."""
    until = time.monotonic() + _SETTLING_SECONDS
    told = False
    while (status := _status(account, name)).endswith("_IN_PROGRESS") and not status.startswith("REVIEW"):
        if time.monotonic() > until:
            raise LocalError(f"{name} is still {status}; wait and run up again; {DISCARD}")
        if not told:
            yield f"{name} is still {status} from an earlier command; waiting."
            told = True
        time.sleep(_POLL_SECONDS)


def delete(access: Access, stack: Stack) -> Iterator[str]:
    """Delete a stack after the stacks that import from it, and yield a line about each step that is not obvious.

    Args:
        access: The local AWS.
        stack: The stack.

    Raises:
        LocalError: The stack cannot be deleted.
    """
    account = Account(access, stack.account, stack.region)
    for name in _importing(account, stack.name):
        yield f"{name} imports from {stack.name} and is deleted first; up redeploys {name}."
        yield from delete(access, Stack(name, name, stack.account, stack.region, {}, ()))
    if said := take_away(access, [stack]):
        yield said
    client = account.client("cloudformation")
    stack_id = (account.stack(stack.name) or {}).get("StackId", stack.name)
    client.delete_stack(StackName=stack.name)
    _await_end(account, stack_id)
    if _status(account, stack.name) == "DELETE_FAILED":  # retain what cannot be deleted
        client.delete_stack(StackName=stack.name, DeletionMode="FORCE_DELETE_STACK")
        _await_end(account, stack_id)
    if remaining := _status(account, stack.name):
        found = account.stack(stack.name) or {}
        reason = found.get("StackStatusReason", remaining)
        raise LocalError(f"{stack.path} cannot be deleted: {reason}; {DISCARD}")
    for kept in _kept(client, stack_id):
        if stack.name == TOOLKIT and kept["ResourceType"] == _STAGING:
            _remove_bucket(account, kept["PhysicalResourceId"])
        else:
            named = f"{kept['LogicalResourceId']} ({kept['ResourceType']} {kept['PhysicalResourceId']})"
            yield f"Left behind, as on AWS: {named}. Its DeletionPolicy retains it, or it cannot be deleted."


def _status(account: Account, name: str) -> str:
    return str((account.stack(name) or {}).get("StackStatus", ""))


def _await_end(account: Account, stack_id: str) -> None:
    until = time.monotonic() + _SETTLING_SECONDS
    while _status(account, stack_id) == "DELETE_IN_PROGRESS" and time.monotonic() < until:
        time.sleep(_POLL_SECONDS)


def _importing(account: Account, name: str) -> Sequence[str]:
    """Return the names of the stacks that import the exports of a stack."""
    client = account.client("cloudformation")
    stack_id = (account.stack(name) or {}).get("StackId")
    pages = client.get_paginator("list_exports").paginate()
    exports = [each["Name"] for page in pages for each in page["Exports"] if each["ExportingStackId"] == stack_id]
    found: dict[str, None] = {}
    for export in exports:
        try:
            found |= dict.fromkeys(client.list_imports(ExportName=export)["Imports"])
        except ClientError:  # no stack imports it
            continue
    return list(found)


def _kept(client: Any, stack_id: str) -> Sequence[Mapping[str, Any]]:
    """Return the resources that the deletion of a stack, or the rollback before the deletion, retained."""
    pages = client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    events = [each for page in pages for each in page["StackEvents"]]
    return [each for each in events if each["ResourceStatus"] == "DELETE_SKIPPED" and each.get("PhysicalResourceId")]


def _remove_bucket(account: Account, name: str) -> None:
    """Delete the bootstrap stack's bucket, since the next bootstrap stack uses the same bucket name."""
    client = account.client("s3")
    try:
        client.delete_bucket(Bucket=name)
    except ClientError:
        return

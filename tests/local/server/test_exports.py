"""Exports between stacks in the local AWS: an imported export can be neither changed nor deleted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.local.local_aws import Client, resource

QUEUE = resource("AWS::SQS::Queue")
Put = Callable[..., dict[str, Any]]


def _exporting(name: str, value: str = "first", logical_id: str = "Queue") -> dict[str, Any]:
    return {"Resources": {logical_id: QUEUE}, "Outputs": {"Out": {"Value": value, "Export": {"Name": name}}}}


def _importing(name: Any) -> dict[str, Any]:
    return {"Resources": {"Parameter": resource("AWS::SSM::Parameter", Type="String", Value={"Fn::ImportValue": name})}}


@pytest.fixture
def put(client: Client) -> Iterator[Put]:
    """Return a function that creates or updates a stack, and delete the stacks at the end, importing stacks first."""
    cloudformation = client("cloudformation")
    made: list[str] = []

    def done(stack: str, template: dict[str, Any]) -> dict[str, Any]:
        change = cloudformation.update_stack if stack in made else cloudformation.create_stack
        change(StackName=stack, TemplateBody=json.dumps(template))
        made.append(stack)
        return _described(client, stack)

    yield done
    for stack in reversed(dict.fromkeys(made)):
        cloudformation.delete_stack(StackName=stack)
        cloudformation.describe_stacks()


def _described(client: Client, stack: str) -> dict[str, Any]:
    cloudformation = client("cloudformation")
    found: dict[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    found["Reasons"] = " ".join(each.get("ResourceStatusReason", "") for each in events)
    found["Resources"] = [
        each["LogicalResourceId"] for each in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    ]
    return found


def test_an_export_in_use_is_neither_deleted_nor_changed(client: Client, put: Put) -> None:
    put("platform", _exporting("vpc"))
    put("shop", _importing("vpc"))
    put("admin", _importing({"Fn::Sub": "vpc"}))

    without = put("platform", {"Resources": {"Other": QUEUE}})
    assert without["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Export vpc cannot be deleted as it is in use by admin and shop" in without["Reasons"]
    assert without["Resources"] == ["Queue"]

    changed = put("platform", _exporting("vpc", "second"))
    assert changed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Cannot update export vpc as it is in use by admin and shop" in changed["Reasons"]
    assert [each["Value"] for each in client("cloudformation").list_exports()["Exports"]] == ["first"]

    put("platform", _exporting("vpc", logical_id="Moved"))
    assert _described(client, "platform")["StackStatus"] == "UPDATE_COMPLETE"


def test_a_stack_whose_export_is_in_use_is_not_deleted(client: Client, put: Put) -> None:
    put("platform", _exporting("vpc"))
    put("shop", _importing("vpc"))
    cloudformation = client("cloudformation")
    cloudformation.delete_stack(StackName="platform")
    kept = _described(client, "platform")
    assert kept["StackStatus"] == "CREATE_COMPLETE"
    assert kept["StackStatusReason"] == "Export vpc cannot be deleted as it is in use by shop"
    assert kept["StackStatusReason"] in kept["Reasons"]
    cloudformation.delete_stack(StackName="shop")
    cloudformation.delete_stack(StackName="platform")
    assert cloudformation.list_exports()["Exports"] == []


def test_an_export_that_is_no_longer_imported_can_be_deleted_and_reused(client: Client, put: Put) -> None:
    put("platform", _exporting("vpc"))
    put("shop", _importing("vpc"))
    put("shop", {"Resources": {"Other": QUEUE}})
    gone = put("platform", {"Resources": {"Queue": QUEUE}})
    assert gone["StackStatus"] == "UPDATE_COMPLETE", gone["Reasons"]
    assert client("cloudformation").list_exports()["Exports"] == []
    assert put("network", _exporting("vpc"))["StackStatus"] == "CREATE_COMPLETE"


def test_an_export_name_is_unique(put: Put) -> None:
    put("platform", _exporting("vpc"))
    second = put("network", _exporting("vpc"))
    assert second["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Export with name vpc is already exported by stack platform" in second["Reasons"]

"""Updates that CloudFormation executes, and updates that change nothing, as change sets and as direct updates."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.local_aws import Client, attribute, ref, resource

NEVER = {"Fn::Equals": ["a", "b"]}
TEMPLATE: dict[str, Any] = {
    "Description": "a shop",
    "Metadata": {"Owner": "shop"},
    "Parameters": {name: {"Type": "String", "Default": "one"} for name in ("Used", "Unused")},
    "Conditions": {"Never": NEVER},
    "Resources": {"Queue": resource("AWS::SQS::Queue"), "Topic": resource("AWS::SNS::Topic")},
    "Outputs": {
        "Name": {"Value": attribute("Queue", "QueueName"), "Export": {"Name": "shop-queue"}},
        "Version": {"Value": ref("Used")},
        "Missing": {"Value": "none", "Condition": "Never"},
    },
}
OUTPUTS, RESOURCES = TEMPLATE["Outputs"], TEMPLATE["Resources"]
NAMED = OUTPUTS["Name"]

Change = dict[str, Any]


def _template(**sections: Any) -> Change:
    return {"TemplateBody": json.dumps(TEMPLATE | sections)}


def _with_output(name: str, **output: Any) -> Change:
    return _template(Outputs=OUTPUTS | {name: output})


def _with_parameter(name: str) -> Change:
    return _template() | {"Parameters": [{"ParameterKey": name, "ParameterValue": "two"}]}


def _tagged(value: str) -> Change:
    return _template() | {"Tags": [{"Key": "team", "Value": value}]}


CHANGES: dict[str, Change] = {
    "an output's value": _with_output("Version", Value="two"),
    "an output's resource": _with_output("Name", **NAMED | {"Value": attribute("Topic", "TopicName")}),
    "a parameter of an output": _with_parameter("Used"),
    "the name of an export": _with_output("Name", **NAMED | {"Export": {"Name": "shop-orders"}}),
    "an export that ends": _with_output("Name", Value=NAMED["Value"]),
    "the description of an output": _with_output("Version", Value=ref("Used"), Description="the version"),
    "a new output": _with_output("Other", Value="none"),
    "an output that ends": _template(Outputs={"Name": NAMED}),
    "an output whose condition becomes true": _template(Conditions={"Never": {"Fn::Not": [NEVER]}}),
    "a tag": _tagged("checkout"),
}
"""Changes that CloudFormation executes; none of them changes a property."""
NOTHING: dict[str, Change] = {
    "nothing": _template(),
    "the same tags": _tagged("shop"),
    "the description": _template(Description="another shop"),
    "the metadata": _template(Metadata={"Owner": "checkout"}),
    "an unused parameter's value": _with_parameter("Unused"),
    "an unused parameter": _template(Parameters=TEMPLATE["Parameters"] | {"More": {"Type": "String", "Default": "a"}}),
    "an unused condition": _template(Conditions={"Never": NEVER, "Always": {"Fn::Not": [NEVER]}}),
    "a mapping": _template(Mappings={"Sizes": {"small": {"cpu": "256"}}}),
    "an output whose condition is false": _with_output("Missing", Value="some", Condition="Never"),
    "a resource whose condition is false": _template(
        Resources=RESOURCES | {"A": RESOURCES["Queue"] | {"Condition": "Never"}}
    ),
    "an order": _template(Resources=RESOURCES | {"Topic": RESOURCES["Topic"] | {"DependsOn": "Queue"}}),
}


@pytest.fixture
def stack(client: Client, remove: Callable[[str], None]) -> Iterator[str]:
    """Yield the name of a stack with the template and a tag."""
    name = f"shop-{uuid.uuid4().hex}"
    client("cloudformation").create_stack(StackName=name, **_tagged("shop"))
    assert _described(client, name)["StackStatus"] == "CREATE_COMPLETE"
    yield name
    remove(name)


def _described(client: Client, stack: str) -> dict[str, Any]:
    found: dict[str, Any] = client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return found


def _read(client: Client, stack: str) -> tuple[Any, Any]:
    described = _described(client, stack)
    outputs = {each.pop("OutputKey"): each for each in described["Outputs"]}
    return outputs, described["Tags"]


def _change_set(client: Client, stack: str, change: Change) -> dict[str, Any]:
    named = {"StackName": stack, "ChangeSetName": f"update-{uuid.uuid4().hex}"}
    client("cloudformation").create_change_set(**named, **change)
    found: dict[str, Any] = client("cloudformation").describe_change_set(**named)
    return found


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_set_with_another_output_or_tag_is_executed(client: Client, stack: str, change: Change) -> None:
    before = _read(client, stack)
    found = _change_set(client, stack, change)
    assert (found["Status"], found["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE"), found["StatusReason"]
    client("cloudformation").execute_change_set(ChangeSetName=found["ChangeSetId"])
    assert _described(client, stack)["StackStatus"] == "UPDATE_COMPLETE"
    assert _read(client, stack) != before
    assert _change_set(client, stack, change)["Status"] == "FAILED"  # a second deployment changes nothing


@pytest.mark.parametrize("change", NOTHING.values(), ids=NOTHING)
def test_a_change_set_without_a_change_is_failed(client: Client, stack: str, change: Change) -> None:
    found = _change_set(client, stack, change)
    assert (found["Status"], found["ExecutionStatus"], found["Changes"]) == ("FAILED", "UNAVAILABLE", [])
    assert found["StatusReason"].startswith("The submitted information didn't contain changes.")


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_update_with_another_output_or_tag_is_made(client: Client, stack: str, change: Change) -> None:
    before = _read(client, stack)
    client("cloudformation").update_stack(StackName=stack, **change)
    assert _described(client, stack)["StackStatus"] == "UPDATE_COMPLETE"
    assert _read(client, stack) != before


@pytest.mark.parametrize("change", NOTHING.values(), ids=NOTHING)
def test_an_update_without_a_change_is_refused(client: Client, stack: str, change: Change) -> None:
    with pytest.raises(ClientError, match=r"No updates are to be performed\."):
        client("cloudformation").update_stack(StackName=stack, **change)


def test_an_update_of_a_resource_is_made(client: Client, stack: str) -> None:
    resources = RESOURCES | {"Queue": resource("AWS::SQS::Queue", VisibilityTimeout=40)}
    client("cloudformation").update_stack(StackName=stack, **_template(Resources=resources))
    assert _described(client, stack)["StackStatus"] == "UPDATE_COMPLETE"


def test_the_description_changes_together_with_an_output(client: Client, stack: str) -> None:
    found = _change_set(client, stack, _template(Description="another shop", Outputs={"Name": NAMED}))
    assert found["Status"] == "CREATE_COMPLETE"
    client("cloudformation").execute_change_set(ChangeSetName=found["ChangeSetId"])
    assert _described(client, stack)["Description"] == "another shop"


def test_termination_protection_changes_without_an_update(client: Client, stack: str) -> None:
    cloudformation = client("cloudformation")
    for protected in (True, False):
        cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=protected)
        assert _described(client, stack)["EnableTerminationProtection"] is protected
        assert _described(client, stack)["StackStatus"] == "CREATE_COMPLETE"

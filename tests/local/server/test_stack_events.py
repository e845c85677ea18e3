"""The events of stacks, from which the cdk CLI shows progress, and the change sets and templates that it compares."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local.local_aws import Client, Deploy, attribute, ref, resource

TOPIC = resource("AWS::SNS::Topic", DisplayName="one")
QUEUE = resource("AWS::SQS::Queue", VisibilityTimeout=30)


def events(client: Client, stack: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the events of a stack's last operation, oldest first."""
    found = client("cloudformation").describe_stack_events(StackName=stack["StackId"])["StackEvents"]
    own = [each["LogicalResourceId"] == stack["StackName"] for each in found]
    starts = [each["ResourceStatus"] in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS") for each in found]
    last = next(number for number, begins in enumerate(zip(own, starts, strict=True)) if all(begins))
    return [
        ("Stack" if mine else each["LogicalResourceId"], each["ResourceStatus"])
        for mine, each in reversed(list(zip(own, found, strict=True))[: last + 1])
    ]


@pytest.mark.parametrize(
    ("after", "expected", "deleted"),
    [
        (
            {"Topic": TOPIC, "Queue": resource("AWS::SQS::Queue", VisibilityTimeout=40)},
            [("Queue", "UPDATE_IN_PROGRESS"), ("Queue", "UPDATE_COMPLETE")],
            [],
        ),
        (
            {"Topic": TOPIC, "Queue": QUEUE, "New": TOPIC},
            [("New", "CREATE_IN_PROGRESS"), ("New", "CREATE_COMPLETE")],
            [],
        ),
        (
            {"Topic": TOPIC},
            [],
            [("Queue", "DELETE_IN_PROGRESS"), ("Queue", "DELETE_COMPLETE")],
        ),
        (
            {"Topic": TOPIC, "Queue": resource("AWS::SQS::Queue", VisibilityTimeout=30, QueueName="other")},
            [("Queue", "UPDATE_IN_PROGRESS"), ("Queue", "UPDATE_IN_PROGRESS"), ("Queue", "UPDATE_COMPLETE")],
            [("Queue", "DELETE_IN_PROGRESS"), ("Queue", "DELETE_COMPLETE")],
        ),
    ],
    ids=["changed", "new", "removed", "replaced"],
)
def test_an_update_has_events_only_for_changed_resources(
    client: Client,
    deploy: Deploy,
    after: dict[str, Any],
    expected: list[tuple[str, str]],
    deleted: list[tuple[str, str]],
) -> None:
    deploy({"Topic": TOPIC, "Queue": QUEUE})
    stack = deploy(after)
    assert stack["StackStatus"] == "UPDATE_COMPLETE", stack["Reason"]
    assert events(client, stack) == [
        *[("Stack", "UPDATE_IN_PROGRESS"), *expected],
        *[("Stack", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"), *deleted, ("Stack", "UPDATE_COMPLETE")],
    ]
    found = client("cloudformation").describe_stack_resources(StackName=stack["StackName"])["StackResources"]
    stated = {each["LogicalResourceId"]: each["ResourceStatus"] for each in found}
    assert stated == {**dict.fromkeys(after, "CREATE_COMPLETE"), **dict(expected)}


def test_a_resource_with_a_reference_has_events_only_if_it_changes(client: Client, deploy: Deploy) -> None:
    def resources(name: str) -> dict[str, Any]:
        parameter = resource("AWS::SSM::Parameter", Type="String", Value=attribute("Queue", "QueueName"))
        queue = resource("AWS::SQS::Queue", VisibilityTimeout=len(name), QueueName=name)
        return {"Queue": queue, "Parameter": parameter, "Topic": resource("AWS::SNS::Topic", DisplayName=ref("Queue"))}

    deploy(resources("first"))
    told = {name for name, _ in events(client, deploy(resources("second")))}
    assert told == {"Stack", "Queue", "Parameter", "Topic"}


def test_a_failed_update_has_events_for_the_failure_and_the_rollback(client: Client, deploy: Deploy) -> None:
    deploy({"Topic": TOPIC, "Queue": QUEUE})
    stack = deploy({"Topic": TOPIC, "Queue": resource("AWS::SQS::Queue", VisibilityTimeout=-1)})
    assert events(client, stack)[1:3] == [("Queue", "UPDATE_IN_PROGRESS"), ("Queue", "UPDATE_FAILED")]
    assert not [name for name, _ in events(client, stack) if name == "Topic"]


def test_events_have_operation_ids_and_a_rollback_has_its_own(client: Client, deploy: Deploy) -> None:
    deploy({"Topic": TOPIC})
    deploy({"Topic": TOPIC, "Queue": QUEUE})
    stack = deploy({"Topic": TOPIC, "Queue": resource("AWS::SQS::Queue", VisibilityTimeout=-1)})
    found = client("cloudformation").describe_stack_events(StackName=stack["StackId"])["StackEvents"]
    operations = dict.fromkeys(each["OperationId"] for each in reversed(found))
    assert len(operations) == len(("create", "update", "update", "rollback"))
    failed = [each["OperationId"] for each in found if each["ResourceStatus"] == "UPDATE_FAILED"]
    assert failed == [list(operations)[2]]


def test_events_are_in_the_order_of_their_timestamps(client: Client, deploy: Deploy) -> None:
    stack = deploy({f"Topic{number}": TOPIC for number in range(20)})
    found = client("cloudformation").describe_stack_events(StackName=stack["StackId"])["StackEvents"]
    times = [each["Timestamp"] for each in found]
    assert len(set(times)) == len(times)
    assert times == sorted(times, reverse=True)


def test_a_change_set_leaves_out_resources_whose_condition_is_false(client: Client) -> None:
    template = {
        "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
        "Resources": {"Topic": TOPIC, "Other": {**TOPIC, "Condition": "Never"}},
    }
    cloudformation = client("cloudformation")
    named = {"StackName": "conditional", "ChangeSetName": "made"}
    cloudformation.create_change_set(TemplateBody=json.dumps(template), ChangeSetType="CREATE", **named)
    changes = cloudformation.describe_change_set(**named)["Changes"]
    assert [each["ResourceChange"]["LogicalResourceId"] for each in changes] == ["Topic"]
    cloudformation.delete_stack(StackName="conditional")


@pytest.mark.parametrize("stage", ["Original", "Processed"])
def test_a_template_is_returned_unchanged(client: Client, stage: str) -> None:
    name = '      DisplayName: !Sub "${AWS::Region} é"\n'
    body = f'Resources:\n  Topic: # kept\n    Type: "AWS::SNS::Topic"\n    Properties:\n{name}'
    cloudformation = client("cloudformation")
    cloudformation.create_stack(StackName="sent", TemplateBody=body)
    assert cloudformation.get_template(StackName="sent", TemplateStage=stage)["TemplateBody"] == body
    cloudformation.delete_stack(StackName="sent")


def test_no_event_is_repeated_or_lost_between_two_pages(client: Client, deploy: Deploy) -> None:
    """The cdk CLI stops reading at the first event that it has read, also if older events follow."""
    topics = {f"Topic{number}": resource("AWS::SNS::Topic") for number in range(60)}
    stack = deploy(topics)
    cloudformation = client("cloudformation")
    first = cloudformation.describe_stack_events(StackName=stack["StackId"])
    deploy({**topics, "Queue": QUEUE})
    second = cloudformation.describe_stack_events(StackName=stack["StackId"], NextToken=first["NextToken"])
    assert "NextToken" not in second
    read = [each["EventId"] for page in (first, second) for each in page["StackEvents"]]
    assert len(read) == len(set(read)) == 2 * (len(topics) + 1)
    begun = second["StackEvents"][-1]
    assert (begun["LogicalResourceId"], begun["ResourceStatus"]) == (stack["StackName"], "CREATE_IN_PROGRESS")

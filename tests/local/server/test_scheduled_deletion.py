"""A stack that a schedule deletes, as EventBridge Scheduler calls CloudFormation on AWS."""

from __future__ import annotations

import datetime as dt
import json
import time
from typing import Any

import pytest

from tests.local.local_aws import Client, Deploy, attribute, ref, resource, role

STACK = {"Ref": "AWS::StackId"}
TARGET = {"Fn::Sub": "arn:${AWS::Partition}:scheduler:::aws-sdk:cloudformation:deleteStack"}
NAMED = {"Fn::Sub": '{"StackName":"${AWS::StackId}"}'}


def allowed(resource: Any, action: str = "cloudformation:DeleteStack") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def ending(*statements: dict[str, Any], **target: Any) -> dict[str, Any]:
    """Return a schedule that is due now and deletes its stack, with its role and a dead-letter queue."""
    now = dt.datetime.now(dt.UTC)
    return {
        "Dead": resource("AWS::SQS::Queue"),
        "Role": role("scheduler.amazonaws.com", allowed(attribute("Dead", "Arn"), "sqs:SendMessage"), *statements),
        "End": resource(
            "AWS::Scheduler::Schedule",
            FlexibleTimeWindow={"Mode": "OFF"},
            ScheduleExpression=f"at({now:%Y-%m-%dT%H:%M:%S})",
            Target={
                "Arn": TARGET,
                "RoleArn": attribute("Role", "Arn"),
                "Input": NAMED,
                "DeadLetterConfig": {"Arn": attribute("Dead", "Arn")},
                **target,
            },
        ),
    }


def test_a_schedule_deletes_its_own_stack_with_everything_in_it(client: Client, deploy: Deploy) -> None:
    stack = deploy(ending(allowed(STACK)), end=ref("End"), dead=ref("Dead"))
    cloudformation = client("cloudformation")
    for _ in range(100):
        found = cloudformation.describe_stacks(StackName=stack["StackId"])["Stacks"][0]
        if found["StackStatus"] == "DELETE_COMPLETE":
            break
        time.sleep(0.1)
    assert found["StackStatus"] == "DELETE_COMPLETE"
    assert stack["Values"]["end"] not in [each["Name"] for each in client("scheduler").list_schedules()["Schedules"]]


def test_without_permission_the_stack_stays_and_the_event_is_put_aside(client: Client, deploy: Deploy) -> None:
    other = {"Fn::Sub": "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/other/*"}
    stack = deploy(ending(allowed(other)), dead=ref("Dead"))
    messages: list[Any] = []
    for _ in range(100):
        messages = (
            client("sqs")
            .receive_message(QueueUrl=stack["Values"]["dead"], MessageAttributeNames=["All"])
            .get("Messages", [])
        )
        if messages:
            break
        time.sleep(0.1)
    assert "not authorized to perform: cloudformation:DeleteStack" in json.dumps(messages)
    found = client("cloudformation").describe_stacks(StackName=stack["StackId"])["Stacks"][0]
    assert found["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"Input": "{}"}, "'StackName': a value is required"),
        ({"Arn": "arn:aws:scheduler:::aws-sdk:cloudformation:createStack"}, "does not implement schedules with the ta"),
    ],
)
def test_a_call_that_cannot_succeed_is_refused(deploy: Deploy, target: dict[str, Any], said: str) -> None:
    stack = deploy(ending(allowed(STACK), **target))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert said in stack["Reason"]

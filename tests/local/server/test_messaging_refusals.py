"""Buckets, topics, functions and state machines that are refused, each with a correction that deploys."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local.local_aws import Deploy, attribute, check_pair, ref, resource, role

Resources = dict[str, Any]

PUBLISHING = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish", "Resource": "*"}


def _may(*actions: str) -> Resources:
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*"}


def _bucket(name: str) -> Resources:
    return {"Bucket": resource("AWS::S3::Bucket", BucketName=name)}


def _notifying(*events: str) -> Resources:
    stated = [{"Event": event, "Topic": ref("Topic")} for event in events]
    policy = resource("AWS::SNS::TopicPolicy", Topics=[ref("Topic")], PolicyDocument={"Statement": [PUBLISHING]})
    bucket = resource("AWS::S3::Bucket", NotificationConfiguration={"TopicConfigurations": stated})
    return {"Topic": resource("AWS::SNS::Topic"), "Policy": policy, "Bucket": bucket | {"DependsOn": "Policy"}}


def _subscribed(topic: Resources, **subscription: Any) -> Resources:
    subscribed = resource("AWS::SNS::Subscription", TopicArn=ref("Topic"), **subscription)
    queue = resource("AWS::SQS::Queue", FifoQueue=True)
    return {"Topic": topic, "Queue": queue, "Plain": resource("AWS::SQS::Queue"), "Subscription": subscribed}


def _function(*statements: Resources, **more: Resources) -> Resources:
    function = resource(
        "AWS::Lambda::Function",
        Runtime="python3.12",
        Handler="index.handler",
        Role=attribute("Role", "Arn"),
        Code={"ZipFile": "handler = print"},
    )
    return {"Role": role("lambda.amazonaws.com", *statements), "Function": function} | more


def _alias(version: Any) -> Resources:
    made = resource("AWS::Lambda::Version", FunctionName=ref("Function"))
    alias = resource("AWS::Lambda::Alias", FunctionName=ref("Function"), FunctionVersion=version, Name="live")
    return _function(Version=made, Alias=alias)


def _reading(*queues: str) -> Resources:
    mappings = {
        f"Reading{number}": resource(
            "AWS::Lambda::EventSourceMapping", FunctionName=ref("Function"), EventSourceArn=attribute(queue, "Arn")
        )
        for number, queue in enumerate(queues)
    }
    made = {name: resource("AWS::SQS::Queue") for name in ("Queue", "Other")}
    return _function(_may("sqs:*"), **made, **mappings)


def _failing(*statements: Resources) -> Resources:
    ends = {"OnFailure": {"Destination": attribute("Queue", "Arn")}}
    stated = {"FunctionName": ref("Function"), "Qualifier": "$LATEST", "DestinationConfig": ends}
    invoked = resource("AWS::Lambda::EventInvokeConfig", **stated)
    return _function(*statements, Queue=resource("AWS::SQS::Queue"), Invoked=invoked)


def _machine(states: Resources, *statements: Resources, **properties: Any) -> Resources:
    definition = json.dumps({"StartAt": "First", "States": states})
    machine = resource(
        "AWS::StepFunctions::StateMachine",
        RoleArn=attribute("Role", "Arn"),
        DefinitionString=definition,
        **properties,
    )
    return {"Role": role("states.amazonaws.com", *statements), "Machine": machine}


def _logged(*statements: Resources) -> Resources:
    destination = {"CloudWatchLogsLogGroup": {"LogGroupArn": attribute("Group", "Arn")}}
    machine = _machine(END, *statements, LoggingConfiguration={"Level": "ALL", "Destinations": [destination]})
    return machine | {"Group": resource("AWS::Logs::LogGroup")}


END: Resources = {"First": {"Type": "Succeed"}}
NEXT: Resources = {"Type": "Pass", "Next": "Last"}
LAST: Resources = {"Type": "Succeed"}
CHOICE: Resources = {"Variable": "$.a", "IsPresent": True, "Next": "Last"}
FIFO, TOPIC = resource("AWS::SNS::Topic", FifoTopic=True), resource("AWS::SNS::Topic")
EMAIL: Resources = {"Protocol": "email", "Endpoint": "a@example.com"}
IN_ORDER: Resources = {"Protocol": "sqs", "Endpoint": attribute("Queue", "Arn")}
PLAIN: Resources = {"Protocol": "sqs", "Endpoint": attribute("Plain", "Arn")}

CASES: dict[str, tuple[Resources, str, Resources]] = {
    "bucket name of two letters": (_bucket("ab"), "The specified bucket is not valid.", _bucket("abc")),
    "duplicate event": (
        _notifying("s3:ObjectCreated:*", "s3:ObjectCreated:Put"),
        "Configurations overlap.",
        _notifying("s3:ObjectCreated:Put", "s3:ObjectCreated:Copy", "s3:ObjectRemoved:*"),
    ),
    "raw delivery by email": (
        _subscribed(TOPIC, **EMAIL, RawMessageDelivery=True),
        "Delivery protocol [email] does not support raw message delivery.",
        _subscribed(TOPIC, **PLAIN, RawMessageDelivery=True),
    ),
    "email subscription to a FIFO topic": (
        _subscribed(FIFO, **EMAIL),
        "Invalid protocol type: email",
        _subscribed(FIFO, **IN_ORDER),
    ),
    "alias of a version that does not exist": (
        _alias("7"),
        "ResourceNotFoundException: Function not found: arn:aws:lambda:",
        _alias(attribute("Version", "Version")),
    ),
    "duplicate event source mapping": (
        _reading("Queue", "Queue"),
        "ResourceConflictException: An event source mapping",
        _reading("Queue", "Other"),
    ),
    "destination that the role does not allow": (
        _failing(),
        "does not have permissions to call SendMessage on arn:aws:sqs:",
        _failing(_may("sqs:SendMessage")),
    ),
    "state without an end": (
        _machine({"First": {"Type": "Pass"}}),
        "state First must have either Next or End",
        _machine({"First": {"Type": "Pass", "End": True}}),
    ),
    "unknown state type": (
        _machine({"First": {"Type": "Stop"}}),
        "state First has the Type Stop",
        _machine({"First": {"Type": "Fail"}}),
    ),
    "unreachable state": (
        _machine(END | {"Last": LAST}),
        "no state leads to state Last",
        _machine({"First": NEXT, "Last": LAST}),
    ),
    "choice without choices": (
        _machine({"First": {"Type": "Choice", "Default": "Last"}, "Last": LAST}),
        "state First has no Choices",
        _machine({"First": {"Type": "Choice", "Choices": [CHOICE]}, "Last": LAST}),
    ),
    "log destination that the role does not allow": (
        _logged(),
        "The state machine IAM Role is not authorized to access the Log Destination",
        _logged(_may("logs:CreateLogDelivery")),
    ),
}


@pytest.mark.parametrize(("faulty", "says", "mended"), CASES.values(), ids=CASES)
def test_faulty_template_is_refused_and_the_corrected_one_deploys(
    deploy: Deploy, faulty: Resources, says: str, mended: Resources
) -> None:
    check_pair(deploy, faulty, says, mended)

"""EventBridge in the local AWS: the events that a rule's targets get, and those that no target accepts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local.local_aws import ACCOUNT, REGION, Client, Deploy, attribute, open_to_events, received, ref, resource

PATTERN = {"source": ["shop"]}
SERVICE = {"Service": "events.amazonaws.com"}


def _rule(**target: Any) -> dict[str, Any]:
    return resource("AWS::Events::Rule", EventPattern=PATTERN, Targets=[{"Id": "Target0", **target}])


def _put(client: Client, **detail: Any) -> None:
    entry = {"Source": "shop", "DetailType": "order", "Detail": json.dumps(detail)}
    assert client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def test_rule_has_the_properties_of_its_template_and_is_updated_in_place(client: Client, deploy: Deploy) -> None:
    queues = {name: resource("AWS::SQS::Queue") for name in ("Queue", "Letters")}
    target = {
        "Id": "Target0",
        "Arn": attribute("Queue", "Arn"),
        "DeadLetterConfig": {"Arn": attribute("Letters", "Arn")},
        "InputTransformer": {"InputPathsMap": {"who": "$.detail.who"}, "InputTemplate": '{"who":<who>}'},
        "RetryPolicy": {"MaximumRetryAttempts": "3", "MaximumEventAgeInSeconds": 3600},
    }

    def rule(**properties: Any) -> dict[str, Any]:
        return queues | {"Rule": resource("AWS::Events::Rule", Name="orders", **properties)}

    full = {"Description": "orders", "EventPattern": PATTERN, "State": "DISABLED", "Targets": [target]}
    arns = {"arn": "Rule", "letters": "Letters", "queue": "Queue"}
    stack = deploy(rule(**full), name=ref("Rule"), **{key: attribute(each, "Arn") for key, each in arns.items()})
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    events = client("events")
    shown = events.describe_rule(Name="orders")
    assert (shown["Arn"], shown["Description"], shown["State"]) == (stack["Values"]["arn"], "orders", "DISABLED")
    assert stack["Values"]["name"] == "orders"
    assert json.loads(shown["EventPattern"]) == PATTERN
    (kept,) = events.list_targets_by_rule(Rule="orders")["Targets"]
    assert kept["Arn"] == stack["Values"]["queue"]
    assert kept["RetryPolicy"] == {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600}
    assert kept["InputTransformer"]["InputPathsMap"] == {"who": "$.detail.who"}
    assert kept["DeadLetterConfig"] == {"Arn": stack["Values"]["letters"]}

    second = deploy({"Rule": resource("AWS::Events::Rule", Name="orders", EventPattern=PATTERN)}, "-second")
    assert "AlreadyExists" in second["Reason"]
    changed = deploy(
        rule(ScheduleExpression="rate(5 minutes)", Targets=[{"Id": "B", "Arn": attribute("Queue", "Arn")}])
    )
    assert changed["StackStatus"] == "UPDATE_COMPLETE", changed["Reason"]
    shown = events.describe_rule(Name="orders")
    assert (shown["ScheduleExpression"], shown["State"]) == ("rate(5 minutes)", "ENABLED")
    assert [each["Id"] for each in events.list_targets_by_rule(Rule="orders")["Targets"]] == ["B"]


@pytest.mark.parametrize(
    ("properties", "fault"),
    [
        ({}, "A rule requires an EventPattern or a ScheduleExpression"),
        ({"EventPattern": {"source": "shop"}}, "InvalidEventPatternException"),
        ({"EventPattern": PATTERN, "Targets": [{"Id": "a", "Arn": "queue"}]}, "not valid"),
        (
            {
                "EventPattern": PATTERN,
                "Targets": [
                    {
                        "Id": "a",
                        "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q",
                        "RetryPolicy": {"MaximumRetryAttempts": 186},
                    }
                ],
            },
            "must be at most 185",
        ),
    ],
)
def test_rule_that_eventbridge_refuses_is_refused(
    client: Client, deploy: Deploy, properties: dict[str, Any], fault: str
) -> None:
    stack = deploy({"Rule": resource("AWS::Events::Rule", Name="refused", **properties)})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert fault in stack["Reason"]
    assert not client("events").list_rules(NamePrefix="refused")["Rules"]


def test_queue_gets_the_transformed_event(client: Client, deploy: Deploy) -> None:
    transformer = {
        "InputPathsMap": {"who": "$.detail.who", "items": "$.detail.items"},
        "InputTemplate": '{"text":"<who> ordered","items":<items>,"rule":<aws.events.rule-name>}',
    }
    stack = deploy(
        {
            "Queue": resource("AWS::SQS::Queue"),
            "Open": open_to_events("Queue"),
            "Rule": _rule(Arn=attribute("Queue", "Arn"), InputTransformer=transformer),
        },
        queue=ref("Queue"),
        rule=ref("Rule"),
    )
    _put(client, who="Ada", items=[1, 2])
    assert received(client("sqs"), stack["Values"]["queue"]) == [
        {"text": "Ada ordered", "items": [1, 2], "rule": stack["Values"]["rule"]}
    ]


@pytest.mark.parametrize("allowed", [True, False])
def test_log_group_gets_the_event_if_a_policy_allows_it(client: Client, deploy: Deploy, *, allowed: bool) -> None:
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/events/shop"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": ["events.amazonaws.com", "delivery.logs.amazonaws.com"]},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{arn}:*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    resources = {
        "Group": resource("AWS::Logs::LogGroup", LogGroupName="/aws/events/shop"),
        "Rule": _rule(Arn=arn),
        "Short": _rule(
            Arn=arn,
            InputTransformer={
                "InputPathsMap": {"who": "$.detail.who", "time": "$.time"},
                "InputTemplate": '{"timestamp":<time>,"message":"<who> ordered"}',
            },
        ),
    }
    if allowed:
        resources["Policy"] = resource("AWS::Logs::ResourcePolicy", PolicyName="events", PolicyDocument=document)
    stack = deploy(resources)
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    _put(client, who="Ada")
    found = client("logs").filter_log_events(logGroupName="/aws/events/shop")["events"]
    messages = sorted(each["message"] for each in found)
    if not allowed:
        assert messages == []
        return
    assert messages[0] == "Ada ordered"
    assert json.loads(messages[1])["detail"] == {"who": "Ada"}


def test_event_that_cannot_be_delivered_goes_to_the_dead_letter_queue(client: Client, deploy: Deploy) -> None:
    stack = deploy(
        {
            "Queue": resource("AWS::SQS::Queue"),
            "Letters": resource("AWS::SQS::Queue"),
            "Open": open_to_events("Letters"),
            "Rule": _rule(Arn=attribute("Queue", "Arn"), DeadLetterConfig={"Arn": attribute("Letters", "Arn")}),
        },
        queue=ref("Queue"),
        letters=ref("Letters"),
        arn=attribute("Queue", "Arn"),
        rule=attribute("Rule", "Arn"),
    )
    values, sqs = stack["Values"], client("sqs")
    _put(client, who="Ada")
    (letter,) = sqs.receive_message(QueueUrl=values["letters"], MessageAttributeNames=["All"])["Messages"]
    assert json.loads(letter["Body"])["detail"] == {"who": "Ada"}
    said = {name: each["StringValue"] for name, each in letter["MessageAttributes"].items()}
    assert (said["ERROR_CODE"], said["RULE_ARN"]) == ("NO_PERMISSIONS", values["rule"])
    assert (said["TARGET_ARN"], said["RETRY_ATTEMPTS"]) == (values["arn"], "0")
    assert received(sqs, values["queue"]) == []


@pytest.mark.parametrize("allowed", [True, False])
def test_key_of_an_encrypted_topic_must_allow_events(client: Client, deploy: Deploy, *, allowed: bool) -> None:
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    use = {"Effect": "Allow", "Principal": SERVICE, "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*"}
    publish = {"Effect": "Allow", "Principal": SERVICE, "Action": "sns:Publish", "Resource": ref("Topic")}
    deliver = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": attribute("Queue", "Arn"),
    }

    def document(*statements: dict[str, Any]) -> dict[str, Any]:
        return {"Version": "2012-10-17", "Statement": list(statements)}

    key = document(root, use) if allowed else document(root)
    stack = deploy(
        {
            "Key": resource("AWS::KMS::Key", KeyPolicy=key, EnableKeyRotation=True, PendingWindowInDays=7),
            "Topic": resource("AWS::SNS::Topic", KmsMasterKeyId=attribute("Key", "Arn")),
            "Policy": resource("AWS::SNS::TopicPolicy", Topics=[ref("Topic")], PolicyDocument=document(publish)),
            "Queue": resource("AWS::SQS::Queue"),
            "Open": resource("AWS::SQS::QueuePolicy", Queues=[ref("Queue")], PolicyDocument=document(deliver)),
            "Subscription": resource(
                "AWS::SNS::Subscription",
                TopicArn=ref("Topic"),
                Protocol="sqs",
                Endpoint=attribute("Queue", "Arn"),
                RawMessageDelivery=True,
            ),
            "Rule": _rule(Arn=ref("Topic")),
        },
        queue=ref("Queue"),
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    _put(client, who="Ada")
    found = [each["detail"] for each in received(client("sqs"), stack["Values"]["queue"])]
    assert found == ([{"who": "Ada"}] if allowed else [])


def test_caller_cannot_put_events_of_aws_services(client: Client) -> None:
    entry = {"Source": "aws.ecr", "DetailType": "ECR Image Action", "Detail": "{}"}
    (answer,) = client("events").put_events(Entries=[entry])["Entries"]
    assert answer["ErrorCode"] == "NotAuthorizedForSourceException"


@pytest.mark.parametrize("allowed", [True, False])
def test_function_must_allow_events(client: Client, deploy: Deploy, *, allowed: bool) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    permission = resource(
        "AWS::Lambda::Permission",
        Action="lambda:InvokeFunction",
        FunctionName=ref("Function"),
        Principal="events.amazonaws.com",
        SourceArn=attribute("Rule", "Arn"),
    )
    stack = deploy(
        {
            "Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument={"Statement": [trust]}),
            "Function": resource(
                "AWS::Lambda::Function",
                Code={"ZipFile": "exports.handler = async () => {};"},
                Handler="index.handler",
                Role=attribute("Role", "Arn"),
                Runtime="nodejs24.x",
            ),
            "Letters": resource("AWS::SQS::Queue"),
            "Open": open_to_events("Letters"),
            "Rule": _rule(Arn=attribute("Function", "Arn"), DeadLetterConfig={"Arn": attribute("Letters", "Arn")}),
            **({"Permission": permission} if allowed else {}),
        },
        letters=ref("Letters"),
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    _put(client, who="Ada")
    assert len(received(client("sqs"), stack["Values"]["letters"])) == (0 if allowed else 1)

"""The publishers to a topic in the local AWS: EventBridge without the name of its rule, CloudWatch with its alarm's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local.local_aws import ACCOUNT, REGION, Client, Deploy, attribute, open_to_events, received, ref, resource

ROOT = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
OWN_ACCOUNT = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
OWN_RULES = {"ArnLike": {"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/*"}}
OWN_ALARMS = {"ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:*"}}


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _topic(service: str, *, condition: dict[str, Any] | None = None, **topic: Any) -> dict[str, Any]:
    """Return a topic to which a service may publish, and a queue that is subscribed to it."""
    deliver = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": attribute("Queue", "Arn"),
    }
    publish = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": ref("Topic"),
        **({"Condition": condition} if condition else {}),
    }
    return {
        "Topic": resource("AWS::SNS::Topic", **topic),
        "Policy": resource("AWS::SNS::TopicPolicy", Topics=[ref("Topic")], PolicyDocument=_document(publish)),
        "Queue": resource("AWS::SQS::Queue"),
        "Open": resource("AWS::SQS::QueuePolicy", Queues=[ref("Queue")], PolicyDocument=_document(deliver)),
        "Subscription": resource(
            "AWS::SNS::Subscription",
            TopicArn=ref("Topic"),
            Protocol="sqs",
            Endpoint=attribute("Queue", "Arn"),
            RawMessageDelivery=True,
        ),
    }


def _key(service: str, condition: dict[str, Any] | None = None) -> dict[str, Any]:
    use = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        **({"Condition": condition} if condition else {}),
    }
    return resource("AWS::KMS::Key", KeyPolicy=_document(ROOT, use))


@pytest.mark.parametrize(
    ("topic_condition", "key_condition"),
    [(None, None), (OWN_ACCOUNT, None), (OWN_RULES, None), (None, OWN_ACCOUNT), (None, OWN_RULES)],
    ids=["open", "topic for the account", "topic for rules", "key for the account", "key for rules"],
)
def test_conditions_on_the_sender_keep_events_out_of_a_topic(
    client: Client, deploy: Deploy, topic_condition: dict[str, Any] | None, key_condition: dict[str, Any] | None
) -> None:
    target = {"Id": "Target0", "Arn": ref("Topic"), "DeadLetterConfig": {"Arn": attribute("Letters", "Arn")}}
    stack = deploy(
        _topic("events", condition=topic_condition, KmsMasterKeyId=attribute("Key", "Arn"))
        | {
            "Key": _key("events", key_condition),
            "Letters": resource("AWS::SQS::Queue"),
            "OpenLetters": open_to_events("Letters"),
            "Rule": resource("AWS::Events::Rule", EventPattern={"source": ["shop"]}, Targets=[target]),
        },
        queue=ref("Queue"),
        letters=ref("Letters"),
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    client("events").put_events(Entries=[{"Source": "shop", "DetailType": "order", "Detail": "{}"}])
    arrived, aside = (len(received(client("sqs"), stack["Values"][name])) for name in ("queue", "letters"))
    assert (arrived, aside) == ((0, 1) if topic_condition or key_condition else (1, 0))


def test_condition_on_the_rule_lets_events_into_a_queue(client: Client, deploy: Deploy) -> None:
    """A queue, unlike a topic, gets the name of the rule."""
    stack = deploy(
        {
            "Queue": resource("AWS::SQS::Queue"),
            "Open": resource(
                "AWS::SQS::QueuePolicy",
                Queues=[ref("Queue")],
                PolicyDocument=_document(
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "events.amazonaws.com"},
                        "Action": "sqs:SendMessage",
                        "Resource": attribute("Queue", "Arn"),
                        "Condition": OWN_RULES,
                    }
                ),
            ),
            "Rule": resource(
                "AWS::Events::Rule",
                EventPattern={"source": ["shop"]},
                Targets=[{"Id": "Target0", "Arn": attribute("Queue", "Arn")}],
            ),
        },
        queue=ref("Queue"),
    )
    client("events").put_events(Entries=[{"Source": "shop", "DetailType": "order", "Detail": "{}"}])
    assert len(received(client("sqs"), stack["Values"]["queue"])) == 1


def _alarm(topic: Any = None) -> dict[str, Any]:
    return resource(
        "AWS::CloudWatch::Alarm",
        AlarmName="errors",
        AlarmActions=[topic or ref("Topic")],
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="Errors",
        Namespace="Shop",
        Period=60,
        Statistic="Sum",
        Threshold=1,
    )


def _rung(client: Client, deploy: Deploy, resources: dict[str, Any]) -> tuple[int, str]:
    """Trigger the alarm, and return the number of messages and the summary of the action in its history."""
    stack = deploy(resources | {"Alarm": _alarm()}, queue=ref("Queue"))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    watch = client("cloudwatch")
    watch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="tried")
    items = watch.describe_alarm_history(AlarmName="errors", HistoryItemType="Action")["AlarmHistoryItems"]
    said = max(items, key=lambda each: each["Timestamp"])
    assert json.loads(said["HistoryData"])["actionState"] in said["HistorySummary"].replace("Successfully", "Succeeded")
    return len(received(client("sqs"), stack["Values"]["queue"])), str(said["HistorySummary"])


@pytest.mark.parametrize("condition", [None, OWN_ACCOUNT, OWN_ALARMS], ids=["open", "account", "alarms"])
def test_alarm_publishes_if_topic_and_key_allow_cloudwatch(
    client: Client, deploy: Deploy, condition: dict[str, Any] | None
) -> None:
    resources = _topic("cloudwatch", condition=condition, KmsMasterKeyId=attribute("Key", "Arn"))
    arrived, said = _rung(client, deploy, resources | {"Key": _key("cloudwatch", condition)})
    assert (arrived, said.split(" arn")[0]) == (1, "Successfully executed action")


def test_alarm_publishes_to_a_topic_with_the_default_policy(client: Client, deploy: Deploy) -> None:
    resources = _topic("cloudwatch")
    del resources["Policy"]
    assert _rung(client, deploy, resources)[0] == 1


@pytest.mark.parametrize(
    ("resources", "fault"),
    [
        (_topic("events"), "is not authorized to perform: SNS:Publish on resource"),
        (_topic("cloudwatch", condition=OWN_RULES), "is not authorized to perform: SNS:Publish on resource"),
        (_topic("cloudwatch", KmsMasterKeyId="alias/aws/sns"), "does not have authorization to access the SNS topic"),
        (
            _topic("cloudwatch", KmsMasterKeyId=attribute("Key", "Arn")) | {"Key": _key("events")},
            "does not have authorization to access the SNS topic encryption key",
        ),
    ],
    ids=["another service", "another service's condition", "AWS's key", "key for another service"],
)
def test_action_that_may_not_publish_fails_with_the_reason_in_the_history(
    client: Client, deploy: Deploy, resources: dict[str, Any], fault: str
) -> None:
    arrived, said = _rung(client, deploy, resources)
    assert arrived == 0
    assert said.startswith("Failed to execute action arn:aws:sns:")
    assert fault in said


def test_alarm_with_an_action_in_another_region_is_refused(deploy: Deploy) -> None:
    stack = deploy({"Alarm": _alarm(f"arn:aws:sns:us-east-1:{ACCOUNT}:topic")})
    assert f"Invalid region us-east-1 specified. Only {REGION} is supported." in stack["Reason"]

"""The topics of alarms: their checks and their permissions."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from moorage.delivery.alarm_actions import check_alarm_actions
from moorage.delivery.alarm_topic import check_alarm_topic, let_alarms_publish
from moorage.workload.problems import Problems
from tests.conftest import template

OWN = cdk.Environment(account="111111111111", region="eu-west-1")
CLOUDWATCH = {"Service": "cloudwatch.amazonaws.com"}


def problems_of(topic: sns.ITopic, stack: cdk.Stack) -> list[str]:
    problems = Problems("It")
    check_alarm_topic(problems, "topic", topic, stack)
    return problems.messages


def statements(stack: cdk.Stack, kind: str, name: str) -> list[dict[str, Any]]:
    (found,) = template(stack).find_resources(kind).values()
    return [each for each in found["Properties"][name]["Statement"] if each["Principal"] == CLOUDWATCH]


def test_a_topic_with_a_policy_allows_alarms_to_publish(stack: cdk.Stack) -> None:
    """A topic with any policy, as from `enforce_ssl`, has no default policy."""
    topic = sns.Topic(stack, "Topic", enforce_ssl=True)
    let_alarms_publish(topic, stack)
    (statement,) = statements(stack, "AWS::SNS::TopicPolicy", "PolicyDocument")
    assert statement["Action"] == "sns:Publish"
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


def test_the_key_of_a_topic_allows_alarms_only_once(stack: cdk.Stack) -> None:
    topic = sns.Topic(stack, "Topic", master_key=kms.Key(stack, "Key"))
    let_alarms_publish(topic, stack)
    let_alarms_publish(topic, stack)
    (statement,) = statements(stack, "AWS::KMS::Key", "KeyPolicy")
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]


def test_a_topic_in_another_account_names_the_account_of_the_alarms(app: cdk.App) -> None:
    shop = cdk.Stack(app, "Own", env=OWN)
    other = cdk.Stack(app, "Other", env=cdk.Environment(account="222222222222", region=OWN.region))
    topic = sns.Topic(other, "Topic", topic_name="alarms")
    assert problems_of(topic, shop) == []
    let_alarms_publish(topic, shop)
    (statement,) = statements(other, "AWS::SNS::TopicPolicy", "PolicyDocument")
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "111111111111"}
    assert "eu-west-1:111111111111:alarm:*" in str(statement["Condition"]["ArnLike"])


def test_a_topic_that_alarms_cannot_reach_is_refused(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Own", env=OWN)
    managed = kms.Alias.from_alias_name(stack, "Managed", "alias/aws/sns")
    (problem,) = problems_of(sns.Topic(stack, "Topic", master_key=managed), stack)
    assert problem.startswith("topic must not be encrypted with alias/aws/sns, which CloudWatch cannot use")
    by_hand = sns.CfnTopic(stack, "ByHand", kms_master_key_id="alias/aws/sns")
    set_by_hand = sns.Topic(stack, "SetByHand")
    set_by_hand.node.default_child.kms_master_key_id = by_hand.kms_master_key_id  # type: ignore[union-attr]  # a CfnTopic
    assert len(problems_of(set_by_hand, stack)) == 1
    elsewhere = sns.Topic.from_topic_arn(stack, "Elsewhere", "arn:aws:sns:us-east-1:111111111111:alarms")
    (problem,) = problems_of(elsewhere, stack)
    assert "topic must be in region eu-west-1" in problem
    own = kms.Alias.from_alias_name(stack, "Own", "alias/shop/sns")
    assert problems_of(sns.Topic(stack, "Other", master_key=own), stack) == []


FIFO_ARN = "arn:aws:sns:eu-west-1:111111111111:alarms.fifo"


def test_a_fifo_topic_for_alarms_warns(stack: cdk.Stack) -> None:
    for topic in (
        sns.Topic(stack, "Fifo", fifo=True),
        sns.Topic.from_topic_arn(stack, "ImportedFifo", FIFO_ARN),
    ):
        with pytest.warns(UserWarning, match="topic should be a standard topic, since CloudWatch has no setting"):
            assert problems_of(topic, stack) == []
    problems = Problems("It")
    imported = sns.Topic.from_topic_arn(stack, "ByArn", FIFO_ARN)
    with pytest.warns(UserWarning, match=f"alarm_actions should be a standard topic.* .got {FIFO_ARN}."):
        check_alarm_actions(problems, "alarm_actions", [actions.SnsAction(imported)], stack, topic=None)


def test_an_imported_topic_keeps_its_policy(stack: cdk.Stack) -> None:
    topic = sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:eu-west-1:111111111111:alarms")
    let_alarms_publish(topic, stack)
    template(stack).resource_count_is("AWS::SNS::TopicPolicy", 0)
    assert problems_of(topic, stack) == []

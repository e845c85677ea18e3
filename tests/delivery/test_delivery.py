"""The topics and queues of deliveries: their checks and their permissions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from moorage.delivery import dead_letters, keys, topics
from moorage.workload.problems import Problems
from tests.conftest import template

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS = "events.amazonaws.com"
DESTROY, RETAIN = cdk.RemovalPolicy.DESTROY, cdk.RemovalPolicy.RETAIN
EXCEPT_ON_CREATE = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


def statements_for(stack: cdk.Stack, kind: str, document: str, service: str) -> Iterator[dict[str, Any]]:
    for resource in template(stack).find_resources(kind).values():
        for statement in resource["Properties"][document]["Statement"]:
            if statement["Principal"] == {"Service": service}:
                yield statement


def define_rule(stack: cdk.Stack) -> events.CfnRule:
    return events.CfnRule(stack, "Rule", event_pattern={"source": ["aws.ecr"]})


def test_a_queue_in_the_same_stack_allows_only_the_rule(stack: cdk.Stack) -> None:
    dead_letters.allow_send(sqs.Queue(stack, "Queue"), define_rule(stack))
    (statement,) = statements_for(stack, "AWS::SQS::QueuePolicy", "PolicyDocument", EVENTS)
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]}}}


def test_a_queue_in_another_stack_allows_the_rules_of_the_account_without_a_circle() -> None:
    app = cdk.App()
    queues, rules = cdk.Stack(app, "Queues"), cdk.Stack(app, "Rules")
    queue = sqs.Queue(queues, "Queue")
    rule = define_rule(rules)
    target = events.CfnRule.TargetProperty(
        id="A", arn="b", dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=queue.queue_arn)
    )
    rule.targets = [target]
    dead_letters.allow_send(queue, rule)
    app.synth()
    (statement,) = statements_for(queues, "AWS::SQS::QueuePolicy", "PolicyDocument", EVENTS)
    assert list(statement["Condition"]) == ["ArnLike"]
    assert json.dumps(statement["Condition"]["ArnLike"]).endswith(':rule/*"]]}}')


@pytest.mark.parametrize("own_stack", [True, False])
def test_eventbridge_can_use_the_key_of_a_queue(stack: cdk.Stack, *, own_stack: bool) -> None:
    scope = stack if own_stack else cdk.Stack(cdk.Stage.of(stack) or stack, "Queues")
    queue = sqs.Queue(scope, "Queue", encryption_master_key=kms.Key(scope, "Key"))
    dead_letters.allow_send(queue, define_rule(stack))
    (statement,) = statements_for(scope, "AWS::KMS::Key", "KeyPolicy", EVENTS)
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert "Condition" not in statement


def test_a_queue_with_the_managed_key_is_refused(stack: cdk.Stack) -> None:
    problems = Problems("Shop/Job")
    managed = sqs.Queue(stack, "Managed", encryption=sqs.QueueEncryption.KMS_MANAGED)
    dead_letters.check_queue(problems, "dead_letter_queue", managed, stack)
    for encryption in (sqs.QueueEncryption.SQS_MANAGED, sqs.QueueEncryption.KMS, sqs.QueueEncryption.UNENCRYPTED):
        dead_letters.check_queue(problems, "other", sqs.Queue(stack, encryption.value, encryption=encryption), stack)
    dead_letters.check_queue(
        problems,
        "other",
        sqs.Queue.from_queue_arn(stack, "Imported", "arn:aws:sqs:eu-west-1:111111111111:letters"),
        stack,
    )
    with pytest.raises(ValueError, match="dead_letter_queue must not be encrypted with alias/aws/sqs.*Shop/Managed"):
        problems.raise_any()
    assert len(problems.messages) == 1


def test_a_topic_with_the_managed_key_is_refused(stack: cdk.Stack) -> None:
    problems = Problems("Shop/Alarms")
    managed = kms.Alias.from_alias_name(stack, "Sns", "alias/aws/sns")
    set_by_hand = sns.Topic(stack, "ByHand")
    resource: Any = set_by_hand.node.default_child
    resource.kms_master_key_id = "alias/aws/sns"
    topics.check_topic(problems, "topic", sns.Topic(stack, "Managed", master_key=managed), stack)
    topics.check_topic(problems, "topic", set_by_hand, stack)
    assert ["Shop/Managed" in problems.messages[0], "Shop/ByHand" in problems.messages[1]] == [True, True]
    own_key = sns.Topic(stack, "OwnKey", master_key=kms.Key(stack, "Key"))
    imported = sns.Topic.from_topic_arn(stack, "Imported", "arn:aws:sns:eu-west-1:111111111111:operators")
    for topic in (own_key, imported, sns.Topic(stack, "Plain")):
        topics.check_topic(problems, "topic", topic, stack)
    assert len(problems.messages) == 2


def test_a_fifo_topic_of_a_rule_is_refused(stack: cdk.Stack) -> None:
    problems = Problems("Shop/Alarms")
    topics.check_topic(problems, "topic", sns.Topic(stack, "Fifo", fifo=True), stack)
    imported = sns.Topic.from_topic_arn(stack, "Imported", "arn:aws:sns:eu-west-1:111111111111:operators.fifo")
    topics.check_topic(problems, "topic", imported, stack)
    assert [each[:27] for each in problems.messages] == ["topic must be a standard to"] * 2
    topics.check_topic(problems, "topic", sns.Topic(stack, "Standard"), stack)
    assert len(problems.messages) == 2


def test_the_policies_of_topic_and_key_allow_eventbridge_to_publish(stack: cdk.Stack) -> None:
    topic = sns.Topic(stack, "Topic", master_key=kms.Key(stack, "Key"), enforce_ssl=True)
    topics.allow_publish(topic)
    (published,) = statements_for(stack, "AWS::SNS::TopicPolicy", "PolicyDocument", EVENTS)
    assert published["Action"] == "sns:Publish"
    assert "Condition" not in published  # EventBridge sends no condition keys
    (used,) = statements_for(stack, "AWS::KMS::Key", "KeyPolicy", EVENTS)
    assert used["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]


def test_a_retained_resource_is_deleted_if_its_creation_fails(stack: cdk.Stack) -> None:
    for name, policy in {"Kept": RETAIN, "Gone": DESTROY}.items():
        dead_letters.define_dead_letters(stack, name, encryption=sqs.QueueEncryption.SQS_MANAGED, removal_policy=policy)
    queues = template(stack).find_resources("AWS::SQS::Queue")
    assert sorted((each["DeletionPolicy"], each["UpdateReplacePolicy"]) for each in queues.values()) == [
        ("Delete", "Delete"),
        ("RetainExceptOnCreate", "Retain"),
    ]


def test_a_key_follows_the_strictest_policy() -> None:
    assert keys.strictest(DESTROY, EXCEPT_ON_CREATE) is EXCEPT_ON_CREATE
    assert keys.strictest(RETAIN, EXCEPT_ON_CREATE, DESTROY) is RETAIN
    assert keys.strictest(DESTROY) is DESTROY


def test_a_topic_or_queue_in_another_region_is_refused() -> None:
    app = cdk.App()
    here, there = (
        cdk.Stack(app, region, env=cdk.Environment(account="111111111111", region=region))
        for region in ("eu-west-1", "us-east-1")
    )
    problems = Problems("eu-west-1/Job")
    dead_letters.check_queue(problems, "dead_letter_queue", sqs.Queue(there, "Queue"), here)
    topics.check_topic(problems, "topic", sns.Topic(there, "Topic"), here)
    dead_letters.check_queue(problems, "dead_letter_queue", sqs.Queue(here, "Queue"), here)
    topics.check_topic(problems, "topic", sns.Topic(here, "Topic"), here)
    assert [each.split(" must be in region eu-west-1")[0] for each in problems.messages] == [
        "dead_letter_queue",
        "topic",
    ]


def test_only_a_dead_letter_queue_can_be_in_another_account() -> None:
    app = cdk.App()
    here, there = (
        cdk.Stack(app, f"Of{account[0]}", env=cdk.Environment(account=account, region="eu-west-1"))
        for account in ("111111111111", "222222222222")
    )
    problems = Problems("Of1/Registry")
    dead_letters.check_queue(problems, "dead_letter_queue", sqs.Queue(there, "Letters"), here)
    assert problems.messages == []
    topics.check_topic(problems, "topic", sns.Topic(there, "Topic"), here)
    dead_letters.check_queue(problems, "queue", sqs.Queue(there, "Queue"), here, across_accounts=False)
    assert [each.split(" must be in account 111111111111")[0] for each in problems.messages] == ["topic", "queue"]

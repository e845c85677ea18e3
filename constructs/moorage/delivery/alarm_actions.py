"""The actions of alarms, and the checks and permissions of the SNS topics behind them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import aws_cdk as cdk

from moorage.delivery.alarm_topic import check_alarm_topic, let_alarms_publish
from moorage.delivery.topics import warn_of_fifo
from moorage.scope.place import check_place
from moorage.workload import service_limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_sns as sns
    from constructs import Construct

    from moorage.workload.problems import Problems


def check_alarm_actions(
    problems: Problems,
    argument: str,
    actions: Iterable[cloudwatch.IAlarmAction],
    scope: Construct,
    *,
    topic: sns.ITopic | None,
) -> None:
    """Check the number of actions, and that alarms in the stack of `scope` can notify the topics.

    Args:
        problems: The problems to add to.
        argument: The name of the argument for the actions.
        actions: The alarm actions to check.
        scope: The scope of the alarm.
        topic: The topic to notify in addition to the actions. The topic counts as an action.
    """
    actions = tuple(actions)
    counted = argument if topic is None else f"{argument} and topic together"
    problems.check(service_limits.ALARM_ACTIONS, f"the number of {counted}", len(actions) + (topic is not None))
    if topic is not None:
        check_alarm_topic(problems, "topic", topic, scope)
    for arn in _topic_arns(actions):
        defined_topic = _topic_of(arn)
        if defined_topic is None:
            check_place(problems, argument, arn, scope, across_accounts=True)
            if arn.endswith(".fifo"):
                warn_of_fifo(problems, argument, arn, "CloudWatch")
        else:
            check_alarm_topic(problems, argument, defined_topic, scope)


def add_alarm_actions(
    alarm: cloudwatch.Alarm, actions: Sequence[cloudwatch.IAlarmAction], scope: Construct, *, topic: sns.ITopic | None
) -> None:
    """Add `actions` and the notification of `topic` to an alarm.

    Alarms in the account of `scope` are allowed to publish to `topic` and to the topics of `actions`. The policy of an
    imported topic is not changed.
    """
    for defined_topic in filter(None, map(_topic_of, _topic_arns(actions))):
        let_alarms_publish(defined_topic, scope)
    if actions:
        alarm.add_alarm_action(*actions)
    if topic is not None:
        from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions  # noqa: PLC0415  # loads aws_cdk.aws_cloudwatch_actions

        let_alarms_publish(topic, scope)
        alarm.add_alarm_action(cloudwatch_actions.SnsAction(topic))


def _topic_arns(actions: Iterable[cloudwatch.IAlarmAction]) -> list[str]:
    given = list(actions)
    if not given:
        return []
    from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions  # noqa: PLC0415  # loads aws_cdk.aws_cloudwatch_actions

    # SnsAction.bind defines no resource and does not use the alarm
    scope, alarm = _any_alarm()
    return [
        each.bind(scope, alarm).alarm_action_arn for each in given if isinstance(each, cloudwatch_actions.SnsAction)
    ]


@functools.cache
def _any_alarm() -> tuple[cdk.Stack, cloudwatch.IAlarm]:
    """Return a stack and an alarm that belong to no app."""
    from aws_cdk import aws_cloudwatch as cloudwatch  # noqa: PLC0415  # loads aws_cdk.aws_cloudwatch

    stack = cdk.Stack()
    return stack, cloudwatch.Alarm.from_alarm_name(stack, "Alarm", "any")


def _topic_of(arn: str) -> sns.Topic | None:
    """Return the topic that an ARN refers to, or None if this app does not define the topic."""
    from aws_cdk import aws_sns as sns  # noqa: PLC0415  # loads aws_cdk.aws_sns

    tokens = cdk.Tokenization.reverse_string(arn).tokens
    target = next((each.target for each in tokens if isinstance(each, cdk.Reference)), None)
    topic = target.node.scope if isinstance(target, sns.CfnTopic) else None
    return topic if isinstance(topic, sns.Topic) else None

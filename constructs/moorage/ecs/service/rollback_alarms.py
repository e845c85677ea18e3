"""The alarms that roll a deployment back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_cloudwatch as cloudwatch

from moorage.delivery.alarm_topic import check_alarm_topic
from moorage.ecs.load_balancing.target_metrics import UNHEALTHY_TARGETS, target_alarms
from moorage.scope.acknowledgements import acknowledge
from moorage.scope.place import check_place

if TYPE_CHECKING:
    from constructs import Construct, IConstruct

    from moorage.ecs.load_balancing.target import Target
    from moorage.workload.problems import Problems
    from moorage.workload.rollback_alarms import RollbackAlarms


def check_places(alarms: RollbackAlarms, scope: IConstruct, problems: Problems) -> None:
    """Check that ECS and CloudWatch can use the alarms and the topic in the account and region of `scope`."""
    for alarm in alarms.extra_alarms:  # ECS refers to alarms by name
        check_place(problems, "each item of extra_alarms", alarm, scope)
    if alarms.topic is not None:
        check_alarm_topic(problems, "topic of the rollout's alarms", alarms.topic, scope)


def define_rollback_alarms(scope: Construct, alarms: RollbackAlarms, target: Target, *, start_period: int) -> list[str]:
    """Define alarms over both target groups of a route, since either group may serve. Return the names of the alarms.

    Args:
        scope: The scope in which to define the alarms.
        alarms: The thresholds.
        target: The target groups.
        start_period: The time that a task may take to start, in seconds. The target is unhealthy until then.
    """
    minutes = {UNHEALTHY_TARGETS: max(alarms.evaluation_minutes, start_period // 60 + 1)}
    alarm_queries = target_alarms(target, alarms.errors_percent, alarms.latency, alarms.unhealthy_targets)
    actions = [alarms.topic.topic_arn] if alarms.topic else None
    defined = [
        cloudwatch.CfnAlarm(
            scope,
            f"{name}{target.suffix}",
            comparison_operator="GreaterThanThreshold",
            evaluation_periods=minutes.get(name, alarms.evaluation_minutes),
            threshold=threshold,
            treat_missing_data="notBreaching",
            metrics=queries,
            alarm_actions=actions,
        )
        for name, (threshold, queries) in alarm_queries.items()
    ]
    for alarm in defined:
        acknowledge(alarm, "alarm-actions", "ECS reads the alarm during a deployment, and rolls the deployment back")
    return [alarm.ref for alarm in defined]

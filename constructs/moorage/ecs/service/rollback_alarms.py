"""The alarms that take a rollout back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_cloudwatch as cloudwatch

from moorage.ecs.load_balancing.target_metrics import target_alarms

if TYPE_CHECKING:
    from constructs import Construct

    from moorage.ecs.load_balancing.target import Target
    from moorage.workload.rollout import RollbackAlarms


def define_rollback_alarms(scope: Construct, alarms: RollbackAlarms, target: Target) -> list[str]:
    """Define the alarms over both target groups of a route, of which either may serve; returns their names."""
    alarm_queries = target_alarms(target, alarms.errors_percent, alarms.latency, alarms.unhealthy_targets)
    actions = [alarms.topic.topic_arn] if alarms.topic else None
    return [
        cloudwatch.CfnAlarm(
            scope,
            f"{name}{target.suffix}",
            comparison_operator="GreaterThanThreshold",
            evaluation_periods=alarms.evaluation_minutes,
            threshold=threshold,
            treat_missing_data="notBreaching",
            metrics=queries,
            alarm_actions=actions,
        ).ref
        for name, (threshold, queries) in alarm_queries.items()
    ]

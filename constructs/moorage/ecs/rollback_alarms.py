"""The alarms that take a rollout back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aws_cdk import aws_cloudwatch as cloudwatch

if TYPE_CHECKING:
    from constructs import Construct

    from moorage.ecs.routing import Target
    from moorage.workload.rollout import RollbackAlarms

_LEAST_REQUESTS = 20
"""Fewer answers in a minute say nothing of their share of errors."""


def define_alarms(scope: Construct, alarms: RollbackAlarms, target: Target) -> list[str]:
    """Define the alarms over both target groups of a route, of which either may serve; returns their names."""
    balancer = target.route.load_balancer.load_balancer.load_balancer_full_name
    groups = [group.target_group_full_name for group in target.groups]
    watched = {
        "Errors": (alarms.errors_percent, _errors(balancer, groups)),
        "Latency": (
            alarms.latency and alarms.latency / 1000,
            _worst("TargetResponseTime", "p99", balancer, groups),
        ),
        "UnhealthyTargets": (
            # more than one less than so many, since all three ask for more than their threshold
            alarms.unhealthy_targets and alarms.unhealthy_targets - 1,
            _worst("UnHealthyHostCount", "Maximum", balancer, groups),
        ),
    }
    actions = [alarms.topic.topic_arn] if alarms.topic else None
    return [
        cloudwatch.CfnAlarm(
            scope,
            f"{name}{target.suffix}",
            comparison_operator="GreaterThanThreshold",
            evaluation_periods=alarms.minutes,
            threshold=threshold,
            treat_missing_data="notBreaching",
            metrics=queries,
            alarm_actions=actions,
        ).ref
        for name, (threshold, queries) in watched.items()
        if threshold is not None
    ]


def _worst(metric: str, statistic: str, balancer: str, groups: Sequence[str]) -> list[dict[str, Any]]:
    queries = [_query(f"m{index}", metric, statistic, balancer, group) for index, group in enumerate(groups)]
    each = ", ".join(f"FILL({query['id']}, 0)" for query in queries)
    return [*queries, {"id": "worst", "expression": f"MAX([{each}])", "label": metric, "returnData": True}]


def _errors(balancer: str, groups: Sequence[str]) -> list[dict[str, Any]]:
    """Queries for the share of answers of 500 and above, in percent of enough of them, of whichever group has more.

    Of each group, since a new version that gets a twentieth of the traffic and fails whole is a twentieth of all.
    """
    queries: list[dict[str, Any]] = []
    shares: list[dict[str, Any]] = []
    for index, group in enumerate(groups):
        queries.append(_query(f"e{index}", "HTTPCode_Target_5XX_Count", "Sum", balancer, group))
        queries.append(_query(f"r{index}", "RequestCount", "Sum", balancer, group))
        share = f"IF(FILL(r{index}, 0) >= {_LEAST_REQUESTS}, 100 * FILL(e{index}, 0) / r{index}, 0)"
        shares.append({"id": f"share{index}", "expression": share, "returnData": False})
    worst = f"MAX([{', '.join(share['id'] for share in shares)}])"
    label = "answers of 500 and above, %"
    return [*queries, *shares, {"id": "worst", "expression": worst, "label": label, "returnData": True}]


def _query(name: str, metric: str, statistic: str, balancer: str, group: str) -> dict[str, Any]:
    return {
        "id": name,
        "returnData": False,
        "metricStat": {
            "metric": {
                "namespace": "AWS/ApplicationELB",
                "metricName": metric,
                "dimensions": [
                    {"name": "LoadBalancer", "value": balancer},
                    {"name": "TargetGroup", "value": group},
                ],
            },
            "period": 60,
            "stat": statistic,
        },
    }

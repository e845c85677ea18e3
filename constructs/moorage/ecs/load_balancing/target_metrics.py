"""What CloudWatch knows of the targets of a route, asked of both target groups, of which either may serve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moorage.ecs.load_balancing.target import Target

_MIN_REQUESTS = 20
"""The smallest number of answers in a minute from which their share of errors is taken."""
_APPLICATION_NAMESPACE = "AWS/ApplicationELB"


def target_alarms(
    target: Target, errors_percent: float | None, latency: int | None, unhealthy_targets: int | None
) -> dict[str, tuple[float, list[dict[str, Any]]]]:
    """Return the alarms over a route's targets, by id: the threshold of each, and its queries.

    For a listener of a network load balancer only that of unhealthy targets: it knows of no answers.

    Args:
        target: The target groups of the route.
        errors_percent: The share of answers of 500 and above, in percent of the 20 or more that one of the groups gives
            in a minute; None for none.
        latency: The time to an answer that 1 of 100 takes longer than, in milliseconds; None for none.
        unhealthy_targets: The number of targets that fail their health check; None for none.
    """
    alarms = {}
    if target.route._reads_requests:
        alarms["Errors"] = (errors_percent, error_share_queries(target))
        alarms["Latency"] = (latency and latency / 1000, worst_queries(target, "TargetResponseTime", "p99"))
    # more than one less than so many, since all three ask for more than their threshold
    unhealthy = worst_queries(target, "UnHealthyHostCount", "Maximum")
    alarms["UnhealthyTargets"] = (unhealthy_targets and unhealthy_targets - 1, unhealthy)
    return {name: (threshold, queries) for name, (threshold, queries) in alarms.items() if threshold is not None}


def worst_queries(target: Target, metric: str, statistic: str) -> list[dict[str, Any]]:
    """Return queries for the higher value of both target groups."""
    namespace = _APPLICATION_NAMESPACE if target.route._reads_requests else "AWS/NetworkELB"
    numbered = enumerate(target.dimensions)
    queries = [_query(f"m{index}", metric, statistic, filled, namespace) for index, filled in numbered]
    filled = ", ".join(f"FILL({query['id']}, 0)" for query in queries)
    return [*queries, {"id": "worst", "expression": f"MAX([{filled}])", "label": metric, "returnData": True}]


def request_queries(target: Target) -> list[dict[str, Any]]:
    """Return queries for the requests of both target groups together."""
    queries = [_query(f"r{index}", "RequestCount", "Sum", each) for index, each in enumerate(target.dimensions)]
    total = " + ".join(f"FILL({query['id']}, 0)" for query in queries)
    return [*queries, {"id": "requests", "expression": total, "label": "requests", "returnData": True}]


def error_share_queries(target: Target) -> list[dict[str, Any]]:
    """Return queries for the share of answers of 500 and above, in percent, of the target group with the larger share.

    Of each group by itself, since a new version that gets a twentieth of the traffic and fails whole is no more than a
    twentieth of all.
    """
    queries: list[dict[str, Any]] = []
    shares: list[dict[str, Any]] = []
    label = "answers of 500 and above, %"
    for index, dimensions in enumerate(target.dimensions):
        queries.append(_query(f"e{index}", "HTTPCode_Target_5XX_Count", "Sum", dimensions))
        queries.append(_query(f"r{index}", "RequestCount", "Sum", dimensions))
        share = f"IF(FILL(r{index}, 0) >= {_MIN_REQUESTS}, 100 * FILL(e{index}, 0) / r{index}, 0)"
        shares.append({"id": f"share{index}", "expression": share, "label": label, "returnData": False})
    largest = f"MAX([{', '.join(share['id'] for share in shares)}])"
    return [*queries, *shares, {"id": "share", "expression": largest, "label": label, "returnData": True}]


def _query(
    name: str, metric: str, statistic: str, dimensions: Mapping[str, str], namespace: str = _APPLICATION_NAMESPACE
) -> dict[str, Any]:
    return {
        "id": name,
        "returnData": False,
        "metricStat": {
            "metric": {
                "namespace": namespace,
                "metricName": metric,
                "dimensions": [{"name": each, "value": value} for each, value in dimensions.items()],
            },
            "period": 60,
            "stat": statistic,
        },
    }

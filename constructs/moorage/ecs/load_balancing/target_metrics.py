"""What CloudWatch knows of the targets of a route, asked of both target groups, of which either may serve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moorage.ecs.load_balancing.target import Target

_MIN_REQUESTS = 20
"""The smallest number of answers in a minute from which their share of errors is taken."""
UNHEALTHY_TARGETS = "UnhealthyTargets"
"""The name of the alarm on targets that fail their health check."""
_APPLICATION_NAMESPACE = "AWS/ApplicationELB"


def target_alarms(
    target: Target, errors_percent: float | None, latency: int | None, unhealthy_targets: int | None
) -> dict[str, tuple[float, list[dict[str, Any]]]]:
    """Return the alarms over a route's targets, by id: the threshold of each, and its queries.

    For a listener of a network load balancer only that of unhealthy targets: it knows of no answers.

    Args:
        target: The target groups of the route.
        errors_percent: The share of errors of targets, in percent of the 20 requests or more that one of the groups
            gets in a minute; None for none.
        latency: The time to an answer that 1 of 100 takes longer than, in milliseconds; None for none.
        unhealthy_targets: The number of targets that fail their health check; None for none.
    """
    alarms = {}
    if target.route._reads_requests:
        alarms["Errors"] = (errors_percent, error_share_queries(target))
        alarms["Latency"] = (latency and latency / 1000, worst_queries(target, "TargetResponseTime", "p99"))
    # more than one less than so many, since all three ask for more than their threshold
    unhealthy = worst_queries(target, "UnHealthyHostCount", "Maximum")
    alarms[UNHEALTHY_TARGETS] = (unhealthy_targets and unhealthy_targets - 1, unhealthy)
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
    """Return queries for the share of errors in percent, of the target group with the larger share.

    Errors are answers of 500 and above, and connections that a target refuses or resets: the load balancer answers
    those itself with 502, which no metric of a target group counts. A target that never answers is no error here: the
    load balancer's own 504 is of no target group. Each group counts by itself, since a new version that gets a
    twentieth of the traffic and fails each request is no more than a twentieth of all.
    """
    queries: list[dict[str, Any]] = []
    shares: list[dict[str, Any]] = []
    label = "answers of 500 and above, %"
    for index, dimensions in enumerate(target.dimensions):
        queries.append(_query(f"e{index}", "HTTPCode_Target_5XX_Count", "Sum", dimensions))
        queries.append(_query(f"c{index}", "TargetConnectionErrorCount", "Sum", dimensions))
        queries.append(_query(f"r{index}", "RequestCount", "Sum", dimensions))
        errors = f"(FILL(e{index}, 0) + FILL(c{index}, 0))"
        percent = f"IF({errors} > r{index}, 100, 100 * {errors} / r{index})"  # one request may fail on several targets
        share = f"IF(FILL(r{index}, 0) >= {_MIN_REQUESTS}, {percent}, 0)"
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

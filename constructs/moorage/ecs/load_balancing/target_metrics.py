"""CloudWatch metrics of a route's targets. They cover both target groups, since either group may serve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moorage.ecs.load_balancing.target import MeasuredTarget

_MIN_REQUESTS = 20
"""The number of requests in a minute below which the share of errors counts as 0."""
UNHEALTHY_TARGETS = "UnhealthyTargets"
"""The name of the alarm on targets that fail their health check."""
_APPLICATION_NAMESPACE = "AWS/ApplicationELB"


def target_alarms(
    target: MeasuredTarget, errors_percent: float | None, latency: int | None, unhealthy_targets: int | None
) -> dict[str, tuple[float, list[dict[str, Any]]]]:
    """Return the threshold and the metric queries of each alarm on a route's targets, by the ID of the alarm.

    A listener of a Network Load Balancer has only the alarm for unhealthy targets, since the load balancer does not
    read responses.

    Args:
        target: The target groups of the route.
        errors_percent: The threshold for failed requests, in percent of the requests that a target group gets in a
            minute, or None for no alarm. Minutes with fewer than 20 requests are ignored.
        latency: The threshold for the 99th percentile of the response time in milliseconds, or None for no alarm.
        unhealthy_targets: The number of unhealthy targets at which the alarm triggers, or None for no alarm.
    """
    alarms = {}
    if target.reads_requests:
        alarms["Errors"] = (errors_percent, error_share_queries(target))
        alarms["Latency"] = (latency and latency / 1000, worst_queries(target, "TargetResponseTime", "p99"))
    # the alarm goes off above its threshold, so the threshold is one less
    unhealthy = worst_queries(target, "UnHealthyHostCount", "Maximum")
    alarms[UNHEALTHY_TARGETS] = (unhealthy_targets and unhealthy_targets - 1, unhealthy)
    return {name: (threshold, queries) for name, (threshold, queries) in alarms.items() if threshold is not None}


def worst_queries(target: MeasuredTarget, metric: str, statistic: str) -> list[dict[str, Any]]:
    """Return queries for the higher value of the two target groups."""
    namespace = _APPLICATION_NAMESPACE if target.reads_requests else "AWS/NetworkELB"
    numbered = enumerate(target.dimensions)
    queries = [_query(f"m{index}", metric, statistic, filled, namespace) for index, filled in numbered]
    filled = ", ".join(f"FILL({query['id']}, 0)" for query in queries)
    return [*queries, {"id": "worst", "expression": f"MAX([{filled}])", "label": metric, "returnData": True}]


def request_queries(target: MeasuredTarget) -> list[dict[str, Any]]:
    """Return queries for the number of requests of both target groups."""
    queries = [_query(f"r{index}", "RequestCount", "Sum", each) for index, each in enumerate(target.dimensions)]
    total = " + ".join(f"FILL({query['id']}, 0)" for query in queries)
    return [*queries, {"id": "requests", "expression": total, "label": "requests", "returnData": True}]


def error_share_queries(target: MeasuredTarget) -> list[dict[str, Any]]:
    """Return queries for the share of requests with errors in percent, for the target group with the larger share.

    Errors are responses of 500 and above, and connections that a target refuses or resets. The load balancer itself
    answers requests on such connections with 502, which no metric of a target group counts. A target that never answers
    is not counted, since the load balancer's own 504 belongs to no target group. Each group is counted separately.
    Otherwise, a new version that fails every request but gets 5% of the traffic would cause an error share of only 5%.
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

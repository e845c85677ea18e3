"""A CloudWatch dashboard of services."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from moorage.ecs.cdk_values import stack_of
from moorage.ecs.cluster.failure_events import FailureEvents
from moorage.ecs.load_balancing.target_metrics import error_share_queries, request_queries, worst_queries
from moorage.ecs.monitoring.service_alarms import service_of
from moorage.scope.claimed_names import claim_name
from moorage.scope.place import check_place
from moorage.workload import service_limits
from moorage.workload.door import door
from moorage.workload.problems import Problems

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs

    from moorage.ecs.load_balancing.target import MeasuredTarget
    from moorage.ecs.service.imported_service import ImportedService
    from moorage.ecs.service.service import Service
    from moorage.ecs.worker.worker import Worker

Metric = list[Any]
"""A metric or an expression in a dashboard's body (CloudWatch API reference, dashboard body structure)."""

_DASHBOARD_WIDTH = 24
_WIDGET_HEIGHT = 6
_FAILED_TASKS_QUERY = """
| fields @timestamp, `detail-type` as event, coalesce(detail.group, resources.0) as what,
    coalesce(detail.stoppedReason, detail.reason, detail.eventName) as why
| sort @timestamp desc | limit 50
"""


@door
class Dashboard(Construct):
    """A CloudWatch dashboard of services, with a row for each of their clusters and a row for each service.

    The row of a service shows its CPU, memory and running tasks. For each route, the row shows requests, latency, the
    share of responses of 500 and above, and unhealthy targets, over both target groups. For a listener of a Network
    Load Balancer, the row shows only unhealthy targets. If a queue scales the service, the row shows the queue's
    messages. The row of a cluster shows CPU and memory, and the entries of its `FailureEvents`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        services: Iterable[Service | Worker | ImportedService],
        dashboard_name: str | None = None,
    ) -> None:
        """Define a CloudWatch dashboard of services, with a row for each cluster and a row for each service.

        Args:
            scope: The scope in which to define this construct.
            construct_id: The ID of this construct in its scope.
            services: The services and workers, in the order of their rows, at least one, and results of
                `Service.from_attributes`. The services must be in the account and region of the dashboard.
            dashboard_name: The name of the dashboard, 1 to 255 letters, digits, `-` and `_`. Default: CloudFormation
                generates a name.

        Raises:
            ValueError: If there is no service, a service is given twice or belongs to another account or region, there
                are more than 500 widgets, or `dashboard_name` is invalid.
        """
        dashboard_services = [service_of(service) for service in services]
        problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
        if not dashboard_services:
            problems.add("services must not be empty (got none); list at least one Service or Worker")
        for path in sorted(
            {service.node.path for service in dashboard_services if dashboard_services.count(service) > 1}
        ):
            problems.add(f"services must be unique (got {path} more than once); list each service once")
        for service in dashboard_services:
            check_place(problems, f"service {service.node.path}", service, scope)
        problems.check(service_limits.DASHBOARD_NAME, "dashboard_name", dashboard_name)
        problems.check(service_limits.WIDGETS, "services", _count_widgets(dashboard_services))
        problems.raise_any()

        super().__init__(scope, construct_id)
        if dashboard_name is not None:
            claim_name(self, "AWS::CloudWatch::Dashboard", dashboard_name)
        clusters = {id(service.cluster): service.cluster for service in dashboard_services}
        rows = [*map(_cluster_row, clusters.values()), *map(_service_row, dashboard_services)]
        self.dashboard = cloudwatch.CfnDashboard(
            self,
            "Default",
            dashboard_name=dashboard_name,
            dashboard_body=stack_of(scope).to_json_string({"widgets": [widget for row in rows for widget in row]}),
        )


def _count_widgets(services: Sequence[Service | ImportedService]) -> int:
    """Count the widgets of services and of their clusters that `_service_row` and `_cluster_row` return."""
    clusters = {id(service.cluster): service.cluster for service in services}
    cluster_widgets = sum(2 if FailureEvents._of(cluster) is None else 3 for cluster in clusters.values())
    targets = [target for service in services for target in service._targets]
    target_widgets = sum(4 if target.reads_requests else 1 for target in targets)
    queue_widgets = sum(service.queue is not None for service in services)
    return cluster_widgets + 3 * len(services) + target_widgets + queue_widgets


def _cluster_row(cluster: ecs.ICluster) -> list[dict[str, Any]]:
    name = cluster.cluster_name
    dimensions = {"ClusterName": name}
    use = [_metric("AWS/ECS", each, dimensions, "Average") for each in ("CPUUtilization", "MemoryUtilization")]
    row = [_title(f"# {name}"), _graph("CPU and memory of the cluster, %", use, width=_DASHBOARD_WIDTH)]
    failure_events = FailureEvents._of(cluster)
    if failure_events:
        query = f"SOURCE '{failure_events.log_group.log_group_name}' {_FAILED_TASKS_QUERY}"
        properties = {"region": cdk.Aws.REGION, "title": "What failed", "query": query, "view": "table"}
        row.append({"type": "log", "width": _DASHBOARD_WIDTH, "height": _WIDGET_HEIGHT, "properties": properties})
    return row


def _service_row(service: Service | ImportedService) -> list[dict[str, Any]]:
    dimensions = {"ClusterName": service.cluster.cluster_name, "ServiceName": service.service.service_name}
    use = [_metric("AWS/ECS", each, dimensions, "Average") for each in ("CPUUtilization", "MemoryUtilization")]
    # each running task sends one sample a minute, even without insights (ECS guide: service RUNNING task count)
    running = [_metric("AWS/ECS", "CPUUtilization", dimensions, "SampleCount", label="running tasks")]
    graphs = [("CPU and memory, %", use), ("Running tasks", running)]
    for target in service._targets:
        graphs += [(f"{title}{target.suffix}", metrics) for title, metrics in _target_metrics(target).items()]
    if service.queue:
        queue = {"QueueName": service.queue.queue_name}
        metric_names = ("ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible")
        graphs.append(("Messages to work on", [_metric("AWS/SQS", each, queue, "Maximum") for each in metric_names]))
    return [_title(f"## {service.node.path}"), *(_graph(title, metrics) for title, metrics in graphs)]


def _target_metrics(target: MeasuredTarget) -> dict[str, list[Metric]]:
    queries_by_title = {}
    if target.reads_requests:
        queries_by_title["Requests"] = request_queries(target)
        queries_by_title["Latency (p99), s"] = worst_queries(target, "TargetResponseTime", "p99")
        queries_by_title["Answers of 500 and above, %"] = error_share_queries(target)
    queries_by_title["Unhealthy targets"] = worst_queries(target, "UnHealthyHostCount", "Maximum")
    return {title: [_dashboard_metric(each) for each in queries] for title, queries in queries_by_title.items()}


def _dashboard_metric(query: Mapping[str, Any]) -> Metric:
    """Return the metric query of an alarm in the form that a dashboard requires."""
    if "expression" in query:
        hidden = {} if query["returnData"] else {"visible": False}
        return [{"id": query["id"], "expression": query["expression"], "label": query["label"], **hidden}]
    statistic = query["metricStat"]
    metric = statistic["metric"]
    dimensions = {each["name"]: each["value"] for each in metric["dimensions"]}
    return _metric(
        metric["namespace"], metric["metricName"], dimensions, statistic["stat"], id=query["id"], visible=False
    )


def _metric(namespace: str, name: str, dimensions: Mapping[str, str], statistic: str, **options: Any) -> Metric:
    flattened = [part for dimension in dimensions.items() for part in dimension]
    return [namespace, name, *flattened, {"stat": statistic, "period": 60, **options}]


def _title(markdown: str) -> dict[str, Any]:
    return {"type": "text", "width": _DASHBOARD_WIDTH, "height": 1, "properties": {"markdown": markdown}}


def _graph(title: str, metrics: Sequence[Metric], *, width: int = _DASHBOARD_WIDTH // 4) -> dict[str, Any]:
    properties = {
        "region": cdk.Aws.REGION,
        "title": title,
        "view": "timeSeries",
        "metrics": list(metrics),
        "yAxis": {"left": {"min": 0}},
    }
    return {"type": "metric", "width": width, "height": _WIDGET_HEIGHT, "properties": properties}

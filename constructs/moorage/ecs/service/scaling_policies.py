"""The scaling policies that CDK has no class for, or not with all that AWS takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_cloudwatch as cloudwatch

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs
    from aws_cdk import aws_sqs as sqs

    from moorage.ecs.load_balancing.target import Target
    from moorage.workload.scaling import Scaling
    from moorage.workload.scaling_targets import MetricTarget, PredictiveScaling

HIGH_RESOLUTION_SECONDS = 20
_MINUTE = 60


class Policies:
    """The policies of one service beside CDK's own."""

    def __init__(self, service: ecs.BaseService, count: ecs.ScalableTaskCount, scaling: Scaling) -> None:
        self._service = service
        self._count = count
        self._scaling = scaling

    def define(self, targets: Sequence[Target]) -> None:
        scaling = self._scaling
        if scaling.high_resolution:
            self._track_use(scaling)
        if scaling.requests_per_task is not None:
            for index, target in enumerate(targets):
                # AWS's own metric is of one target group, and here either serves
                if target.alternate and target.route.reads_requests:
                    self._track_queries(f"Requests{index or ''}", scaling.requests_per_task, self._requests(target))
        if scaling.backlog_per_task is not None and scaling.queue is not None:
            self._track_queries("Backlog", scaling.backlog_per_task, self._backlog(scaling.queue))
            if scaling.minimum == 0:
                self._step_from_zero(scaling.queue)
        for each in scaling.metrics:
            self._track_queries(f"Metric {each.name}", each.target, _queries_of(each))
        if scaling.predictive:
            self._predict(scaling.predictive, targets)

    def _track_use(self, scaling: Scaling) -> None:
        for name, what, percent in (("Cpu", "CPU", scaling.cpu_percent), ("Memory", "Memory", scaling.memory_percent)):
            if percent is not None:
                metric = {"predefinedMetricType": f"ECSServiceAverage{what}UtilizationHighResolution"}
                self._track(name, percent, {"predefinedMetricSpecification": metric})

    def _requests(self, target: Target) -> list[dict[str, Any]]:
        metric = ("AWS/ApplicationELB", "RequestCount", "Sum")
        counted = [_query(f"r{index}", metric, **each) for index, each in enumerate(target.dimensions)]
        total = " + ".join(f"FILL({each['id']}, 0)" for each in counted)
        return [*counted, self._running(), _result("each", f"({total}) / {self._at_least_one}")]

    def _backlog(self, queue: sqs.IQueue) -> list[dict[str, Any]]:
        """Queries for the messages, waiting and in work, for each task that runs."""
        return [
            _of_queue("waiting", "ApproximateNumberOfMessagesVisible", queue),
            _of_queue("working", "ApproximateNumberOfMessagesNotVisible", queue),
            self._running(),
            _result("each", f"(waiting + working) / {self._at_least_one}"),
        ]

    def _running(self) -> dict[str, Any]:
        """A query for the number of running tasks: ECS measures each once a minute (ECS developer guide, metrics)."""
        names = {"ClusterName": self._service.cluster.cluster_name, "ServiceName": self._service.service_name}
        return _query("samples", ("AWS/ECS", "CPUUtilization", "SampleCount"), **names)

    @property
    def _tasks(self) -> str:
        samples = _MINUTE // HIGH_RESOLUTION_SECONDS if self._scaling.high_resolution else 1
        return "FILL(samples, 0)" if samples == 1 else f"(FILL(samples, 0) / {samples})"

    @property
    def _at_least_one(self) -> str:
        return f"IF({self._tasks} > 1, {self._tasks}, 1)"

    def _step_from_zero(self, queue: sqs.IQueue) -> None:
        """Start a task when messages wait and none runs, which the target never does: a share of none is none."""
        policy = appscaling.CfnScalingPolicy(
            self._count,
            "FromZero",
            policy_name="FromZero",
            policy_type="StepScaling",
            scaling_target_id=self._target_id,
            step_scaling_policy_configuration={
                "adjustmentType": "ChangeInCapacity",
                "cooldown": 2 * _MINUTE,
                "metricAggregationType": "Maximum",
                "stepAdjustments": [{"metricIntervalLowerBound": 0, "scalingAdjustment": 1}],
            },
        )
        waiting = _of_queue("waiting", "ApproximateNumberOfMessagesVisible", queue)
        cloudwatch.CfnAlarm(
            self._count,
            "Waiting",
            alarm_description="Messages wait, and no task runs",
            comparison_operator="GreaterThanOrEqualToThreshold",
            evaluation_periods=1,
            threshold=1,
            treat_missing_data="notBreaching",
            metrics=[
                _with_period(waiting),
                _with_period(self._running()),
                _result("idle", f"IF(FILL(waiting, 0) > 0 AND {self._tasks} < 1, 1, 0)"),
            ],
            alarm_actions=[policy.ref],
        )

    def _predict(self, predictive: PredictiveScaling, targets: Sequence[Target]) -> None:
        pair = {"predefinedMetricType": "ECSServiceCPUUtilization"}
        if predictive.memory_percent is not None:
            pair = {"predefinedMetricType": "ECSServiceMemoryUtilization"}
        elif predictive.requests_per_task is not None:
            first = next(target.group for target in targets if target.route.reads_requests)
            label = f"{first.first_load_balancer_full_name}/{first.target_group_full_name}"
            pair = {"predefinedMetricType": "ALBRequestCount", "resourceLabel": label}
        configuration: dict[str, Any] = {
            "metricSpecifications": [{"targetValue": predictive._target, "predefinedMetricPairSpecification": pair}],
            "mode": "ForecastOnly" if predictive.forecast_only else "ForecastAndScale",
            "schedulingBufferTime": predictive.scheduling_buffer,
        }
        if predictive.max_capacity_buffer_percent is not None:
            configuration["maxCapacityBreachBehavior"] = "IncreaseMaxCapacity"
            configuration["maxCapacityBuffer"] = predictive.max_capacity_buffer_percent
        appscaling.CfnScalingPolicy(
            self._count,
            "Predictive",
            policy_name="Predictive",
            policy_type="PredictiveScaling",
            scaling_target_id=self._target_id,
            predictive_scaling_policy_configuration=configuration,
        )

    def _track_queries(self, name: str, target: float, queries: list[dict[str, Any]]) -> None:
        self._track(name, target, {"customizedMetricSpecification": {"metrics": queries}})

    def _track(self, name: str, target: float, metric: dict[str, Any]) -> None:
        appscaling.CfnScalingPolicy(
            self._count,
            name,
            policy_name=name,
            policy_type="TargetTrackingScaling",
            scaling_target_id=self._target_id,
            target_tracking_scaling_policy_configuration={
                **metric,
                "targetValue": target,
                "scaleInCooldown": self._scaling.scale_in_cooldown,
                "scaleOutCooldown": self._scaling.scale_out_cooldown,
            },
        )

    @property
    def _target_id(self) -> str:
        target = self._count.node.find_child("Target")
        if not isinstance(target, appscaling.ScalableTarget):
            raise TypeError(f"{self._count.node.path}: CDK's scalable target is not where it was")
        return target.scalable_target_id


def _query(name: str, metric: tuple[str, str, str], **dimensions: str) -> dict[str, Any]:
    """A query as scaling policies take it, which look at minutes and name no period."""
    namespace, metric_name, statistic = metric
    named = [{"name": key, "value": value} for key, value in dimensions.items()]
    return {
        "id": name,
        "returnData": False,
        "metricStat": {
            "metric": {"namespace": namespace, "metricName": metric_name, "dimensions": named},
            "stat": statistic,
        },
    }


def _of_queue(name: str, metric: str, queue: sqs.IQueue) -> dict[str, Any]:
    return _query(name, ("AWS/SQS", metric, "Average"), QueueName=queue.queue_name)


def _result(name: str, expression: str) -> dict[str, Any]:
    return {"id": name, "expression": expression, "returnData": True}


def _with_period(query: dict[str, Any]) -> dict[str, Any]:
    """The same query as alarms take it."""
    return {**query, "metricStat": {**query["metricStat"], "period": _MINUTE}}


def _queries_of(target: MetricTarget) -> list[dict[str, Any]]:
    queries: list[dict[str, Any]] = []
    _add_queries("tracked", target.metric, queries)
    queries[-1]["returnData"] = True
    return queries


def _add_queries(name: str, metric: cloudwatch.IMetric, queries: list[dict[str, Any]]) -> None:
    """Add the queries of CDK's metric, those before it that it is computed from."""
    config = metric.to_metric_config()
    if config.math_expression:
        for inner, of in config.math_expression.using_metrics.items():
            _add_queries(inner, of, queries)
        queries.append({"id": name, "expression": config.math_expression.expression, "returnData": False})
    elif config.metric_stat:
        stat = config.metric_stat
        dimensions = {each.name: each.value for each in stat.dimensions or ()}
        queries.append(_query(name, (stat.namespace, stat.metric_name, stat.statistic), **dimensions))

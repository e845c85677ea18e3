"""The scaling policies for which CDK has no class, or only a class without some options of AWS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_cloudwatch as cloudwatch

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs
    from aws_cdk import aws_sqs as sqs

    from moorage.ecs.load_balancing.target import Target
    from moorage.workload.scaling import Scaling
    from moorage.workload.scaling_targets import MetricTarget, PredictiveScaling

HIGH_RESOLUTION_SECONDS = 20
_MINUTE_SECONDS = 60
_QUOTED = {ord(character): f"%{ord(character):02X}" for character in ":/|"}
"""The characters that are not allowed in a policy's name (botocore application-autoscaling
PutScalingPolicy.PolicyName), with their replacements."""


class ScalingPolicies:
    """The scaling policies of one service, of the kinds that CDK does not define."""

    def __init__(self, service: ecs.BaseService, count: ecs.ScalableTaskCount, scaling: Scaling) -> None:
        self._service = service
        self._count = count
        self._scaling = scaling

    def define(self, targets: Sequence[Target]) -> None:
        scaling = self._scaling
        if scaling.high_resolution:
            self._track_utilization(scaling)
        if scaling.requests_per_task is not None:
            for target in targets:
                # AWS's predefined metric is of one target group, and either of two may serve
                if target.alternate and target.route._reads_requests:
                    self._track_queries(
                        f"Requests{target.suffix}", scaling.requests_per_task, self._request_queries(target)
                    )
        if scaling.backlog_per_task is not None and scaling.queue is not None:
            self._track_queries("Backlog", scaling.backlog_per_task, self._backlog_queries(scaling.queue))
            if scaling.minimum == 0:
                self._step_from_zero(scaling.queue)
        for each in scaling.metrics:
            self._track_queries(f"Metric {each.name}", each.target, _queries_of(each))
        if scaling.predictive:
            self._predict(scaling.predictive, targets)

    def _track_utilization(self, scaling: Scaling) -> None:
        for name, resource, percent in (
            ("Cpu", "CPU", scaling.cpu_percent),
            ("Memory", "Memory", scaling.memory_percent),
        ):
            if percent is not None:
                metric = {"predefinedMetricType": f"ECSServiceAverage{resource}UtilizationHighResolution"}
                self._track(name, percent, {"predefinedMetricSpecification": metric})

    def _request_queries(self, target: Target) -> list[dict[str, Any]]:
        metric = ("AWS/ApplicationELB", "RequestCount", "Sum")
        queries = [_query(f"r{index}", metric, **query) for index, query in enumerate(target.dimensions)]
        total = " + ".join(f"FILL({query['id']}, 0)" for query in queries)
        return [*queries, self._running_tasks_query(), _result_query("each", f"({total}) / {self._at_least_one_task}")]

    def _backlog_queries(self, queue: sqs.IQueue) -> list[dict[str, Any]]:
        """Return the queries for the number of messages, waiting and in flight, per running task."""
        return [
            _queue_query("waiting", "ApproximateNumberOfMessagesVisible", queue),
            _queue_query("working", "ApproximateNumberOfMessagesNotVisible", queue),
            self._running_tasks_query(),
            _result_query("each", f"(waiting + working) / {self._at_least_one_task}"),
        ]

    def _running_tasks_query(self) -> dict[str, Any]:
        """Return a query for the CPU samples in a minute. Each running task sends 1, or 3 with high resolution."""
        names = {"ClusterName": self._service.cluster.cluster_name, "ServiceName": self._service.service_name}
        return _query("samples", ("AWS/ECS", "CPUUtilization", "SampleCount"), **names)

    @property
    def _running_tasks(self) -> str:
        samples = _MINUTE_SECONDS // HIGH_RESOLUTION_SECONDS if self._scaling.high_resolution else 1
        return "FILL(samples, 0)" if samples == 1 else f"(FILL(samples, 0) / {samples})"

    @property
    def _at_least_one_task(self) -> str:
        return f"IF({self._running_tasks} > 1, {self._running_tasks}, 1)"

    def _step_from_zero(self, queue: sqs.IQueue) -> None:
        """Start a task if messages wait and no task runs, since target tracking cannot scale out from zero."""
        policy = appscaling.CfnScalingPolicy(
            self._count,
            "FromZero",
            policy_name="FromZero",
            policy_type="StepScaling",
            scaling_target_id=self._target_id,
            step_scaling_policy_configuration={
                "adjustmentType": "ChangeInCapacity",
                "cooldown": 2 * _MINUTE_SECONDS,
                "metricAggregationType": "Maximum",
                "stepAdjustments": [{"metricIntervalLowerBound": 0, "scalingAdjustment": 1}],
            },
        )
        waiting_messages = _queue_query("waiting", "ApproximateNumberOfMessagesVisible", queue)
        cloudwatch.CfnAlarm(
            self._count,
            "Waiting",
            alarm_description="Messages wait, and no task runs",
            comparison_operator="GreaterThanOrEqualToThreshold",
            evaluation_periods=1,
            threshold=1,
            treat_missing_data="notBreaching",
            metrics=[
                _with_period(waiting_messages),
                _with_period(self._running_tasks_query()),
                _result_query("idle", f"IF(FILL(waiting, 0) > 0 AND {self._running_tasks} < 1, 1, 0)"),
            ],
            alarm_actions=[policy.ref],
        )

    def _predict(self, predictive: PredictiveScaling, targets: Sequence[Target]) -> None:
        pair = {"predefinedMetricType": "ECSServiceCPUUtilization"}
        if predictive.memory_percent is not None:
            pair = {"predefinedMetricType": "ECSServiceMemoryUtilization"}
        elif predictive.requests_per_task is not None:
            target_group = next(target.group for target in targets if target.route._reads_requests)
            label = f"{target_group.first_load_balancer_full_name}/{target_group.target_group_full_name}"
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
            policy_name=name.translate(_QUOTED),
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
        return cast("appscaling.ScalableTarget", self._count.node.find_child("Target")).scalable_target_id


def _query(name: str, metric: tuple[str, str, str], **dimensions: str) -> dict[str, Any]:
    """Return a query in the form for scaling policies: one value per minute, without a period."""
    namespace, metric_name, statistic = metric
    metric_dimensions = [{"name": dimension, "value": value} for dimension, value in dimensions.items()]
    return {
        "id": name,
        "returnData": False,
        "metricStat": {
            "metric": {"namespace": namespace, "metricName": metric_name, "dimensions": metric_dimensions},
            "stat": statistic,
        },
    }


def _queue_query(name: str, metric: str, queue: sqs.IQueue) -> dict[str, Any]:
    return _query(name, ("AWS/SQS", metric, "Average"), QueueName=queue.queue_name)


def _result_query(name: str, expression: str) -> dict[str, Any]:
    return {"id": name, "expression": expression, "returnData": True}


def _with_period(query: dict[str, Any]) -> dict[str, Any]:
    """Return a query in the form for alarms."""
    return {**query, "metricStat": {**query["metricStat"], "period": _MINUTE_SECONDS}}


def _queries_of(target: MetricTarget) -> list[dict[str, Any]]:
    queries: list[dict[str, Any]] = []
    _add_queries("tracked", target.metric, queries)
    queries[-1]["returnData"] = True
    return queries


def _add_queries(name: str, metric: cloudwatch.IMetric, queries: list[dict[str, Any]]) -> None:
    """Add the queries of a CDK metric, after the queries of the metrics in its expression."""
    configuration = metric.to_metric_config()
    if configuration.math_expression:
        for variable, used_metric in configuration.math_expression.using_metrics.items():
            _add_queries(variable, used_metric, queries)
        queries.append({"id": name, "expression": configuration.math_expression.expression, "returnData": False})
    else:
        stat = cast("cloudwatch.MetricStatConfig", configuration.metric_stat)  # a SEARCH expression is rejected earlier
        dimensions = {each.name: each.value for each in stat.dimensions or ()}
        queries.append(_query(name, (stat.namespace, stat.metric_name, stat.statistic), **dimensions))

"""The alarms on the entrance and the data stores. Services, workers and jobs have their own."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from stacks.data import DataStack
from stacks.platform import PlatformStack
from stacks.settings import EnvironmentSettings


class MonitoringStack(cdk.Stack):
    """The alarms that notify the operators of failures that no service reports itself."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: EnvironmentSettings,
        platform: PlatformStack,
        data: DataStack | None,
    ) -> None:
        super().__init__(scope, construct_id, termination_protection=not settings.removable)
        self._operators = platform.operators
        # the load balancer's own errors, such as 503 if no task is healthy; those of tasks are in ServiceAlarms
        errors = platform.entrance.load_balancer.metrics.http_code_elb(elbv2.HttpCodeElb.ELB_5XX_COUNT)
        self._alarm("EntranceErrors", errors, 10, "The load balancer answers with errors of its own")
        if data:
            self._watch(data)

    def _watch(self, data: DataStack) -> None:
        """Define the alarms on the data stores."""
        for name, database in data.databases.items():
            # at 100%, the database cannot grow any more (Aurora user guide, metrics of Aurora Serverless v2)
            capacity = database.cluster.metric_acu_utilization(statistic="Maximum")
            self._alarm(f"{name}Capacity", capacity, 90, f"The database of {name} reaches its largest capacity")
        for number, node in enumerate(data.cache.nodes, 1):
            memory = cloudwatch.Metric(
                namespace="AWS/ElastiCache",
                metric_name="DatabaseMemoryUsagePercentage",
                dimensions_map={"CacheClusterId": node},
                statistic="Maximum",
            )
            self._alarm(f"CheckoutMemory{number}", memory, 80, "The cache of Checkout will evict data")
        operations = [dynamodb.Operation.PUT_ITEM, dynamodb.Operation.QUERY, dynamodb.Operation.UPDATE_ITEM]
        throttled = data.carts.metric_throttled_requests_for_operations(operations=operations)
        self._alarm("CartsThrottled", throttled, 1, "DynamoDB throttles requests for carts")

    def _alarm(self, construct_id: str, metric: cloudwatch.IMetric, threshold: float, description: str) -> None:
        """Define an alarm that notifies the operators when a metric is at a threshold for ten minutes."""
        cloudwatch.Alarm(
            self,
            construct_id,
            alarm_description=description,
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=2,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        ).add_alarm_action(actions.SnsAction(self._operators))

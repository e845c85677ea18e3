"""The metrics that ECS publishes for a service, whether this app defines the service or imports it."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING

from constructs import Construct

from moorage.workload.door import door

if TYPE_CHECKING:
    import aws_cdk as cdk
    from aws_cdk import aws_cloudwatch as cloudwatch


@door
class ServiceMetrics(Construct):
    """The base of services: the metrics that ECS publishes."""

    @abc.abstractmethod
    def _metric(self, metric_name: str, statistic: str | None, period: cdk.Duration | None) -> cloudwatch.Metric:
        """Return a metric with the names of the cluster and of the service."""

    def metric(
        self, metric_name: str, *, statistic: str | None = None, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Return a metric that ECS publishes for this service.

        Args:
            metric_name: The name of the metric in the namespace `AWS/ECS`.
            statistic: The statistic. Default: the average.
            period: The period over which the statistic is computed. Default: five minutes.
        """
        return self._metric(metric_name, statistic, period)

    def metric_cpu_utilization(
        self, *, statistic: str | None = None, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Return the metric for the CPU that the tasks use, in percent of the CPU that they reserve.

        Args:
            statistic: The statistic. Default: the average.
            period: The period over which the statistic is computed. Default: five minutes.
        """
        return self.metric("CPUUtilization", statistic=statistic, period=period)

    def metric_memory_utilization(
        self, *, statistic: str | None = None, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Return the metric for the memory that the tasks use, in percent of the memory that they reserve.

        Args:
            statistic: The statistic. Default: the average.
            period: The period over which the statistic is computed. Default: five minutes.
        """
        return self.metric("MemoryUtilization", statistic=statistic, period=period)

"""The metrics of a repository in CloudWatch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch


class MetricOptions(TypedDict, total=False):
    """The options of `cloudwatch.Metric`, except its namespace and name."""

    account: str
    color: str
    dimensions_map: Mapping[str, str]
    id: str
    label: str
    period: cdk.Duration
    region: str
    stack_account: str
    stack_region: str
    statistic: str
    unit: cloudwatch.Unit
    visible: bool


def pull_count(repository_name: str, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
    """Return the metric of the number of pulls from a repository.

    Args:
        repository_name: The name of the repository.
        **options: The options of `cloudwatch.Metric`.
    """
    stated: dict[str, Any] = {
        "namespace": "AWS/ECR",
        "metric_name": "RepositoryPullCount",
        "dimensions_map": {"RepositoryName": repository_name},
        "statistic": "Sum",
        "period": cdk.Duration.minutes(1),
        **options,
    }
    return cloudwatch.Metric(**stated)

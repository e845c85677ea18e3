"""The metrics of a repository in CloudWatch."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch


def pull_count(repository_name: str, **options: Any) -> cloudwatch.Metric:
    """Return the metric of the number of pulls from a repository.

    Args:
        repository_name: The name of the repository.
        **options: The options of `cloudwatch.Metric`.
    """
    return cloudwatch.Metric(
        **{
            "namespace": "AWS/ECR",
            "metric_name": "RepositoryPullCount",
            "dimensions_map": {"RepositoryName": repository_name},
            "statistic": "Sum",
            "period": cdk.Duration.minutes(1),
            **options,
        }
    )

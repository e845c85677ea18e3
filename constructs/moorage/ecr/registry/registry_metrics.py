"""The metrics of a registry in CloudWatch: its API calls, and the use of their quotas."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from moorage.delivery.alarm_actions import add_alarm_actions, check_alarm_actions
from moorage.ecr.repository.repository_metrics import MetricOptions, pull_count
from moorage.scope.place import check_place
from moorage.workload.door import door
from moorage.workload.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_ecr as ecr
    from aws_cdk import aws_sns as sns

_WIDGET_HEIGHT, _WIDGET_WIDTH = 6, 12


class ApiCall(enum.Enum):
    """An API operation of ECR that CloudWatch counts (ECR guide: usage metrics)."""

    GET_AUTHORIZATION_TOKEN = "GetAuthorizationToken"  # noqa: S105  # the name of a call
    BATCH_CHECK_LAYER_AVAILABILITY = "BatchCheckLayerAvailability"
    INITIATE_LAYER_UPLOAD = "InitiateLayerUpload"
    UPLOAD_LAYER_PART = "UploadLayerPart"
    COMPLETE_LAYER_UPLOAD = "CompleteLayerUpload"
    PUT_IMAGE = "PutImage"
    BATCH_GET_IMAGE = "BatchGetImage"
    GET_DOWNLOAD_URL_FOR_LAYER = "GetDownloadUrlForLayer"


class ExpressionOptions(TypedDict, total=False):
    """The options of `cloudwatch.MathExpression`, except its expression and metrics."""

    color: str
    label: str
    period: cdk.Duration
    search_account: str
    search_region: str


@door
class RegistryMetrics(Construct):
    """The metrics of a `Registry` in CloudWatch, which cover its entire account and region."""

    def metric_calls(self, call: ApiCall, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the metric for the calls of an API operation per minute.

        Args:
            call: The operation. A login is `GET_AUTHORIZATION_TOKEN`, a push ends with `PUT_IMAGE`, and a pull starts
                with `BATCH_GET_IMAGE`.
            **options: The options of `cloudwatch.Metric`, such as `statistic` and `period`.
        """
        stated: dict[str, Any] = {
            "namespace": "AWS/Usage",
            "metric_name": "CallCount",
            "dimensions_map": {"Service": "ECR", "Type": "API", "Resource": call.value, "Class": "None"},
            "statistic": "Sum",
            "period": cdk.Duration.minutes(1),
            "label": call.value,
            **options,
        }
        return cloudwatch.Metric(**stated)

    def metric_quota_used(self, call: ApiCall, **options: Unpack[ExpressionOptions]) -> cloudwatch.MathExpression:
        """Return the metric of the percentage of an API operation's quota that is used.

        Use the metric to predict throttling, since ECR has no metric of throttled calls.

        Args:
            call: The operation.
            **options: The options of `cloudwatch.MathExpression`, such as `label` and `period`.
        """
        usage_id = call.name.lower()
        stated: dict[str, Any] = {
            "expression": f"{usage_id}/SERVICE_QUOTA({usage_id})*100",  # as the CloudWatch user guide writes it
            "using_metrics": {usage_id: self.metric_calls(call)},
            "label": f"{call.value}, % of its quota",
            "period": cdk.Duration.minutes(1),
            **options,
        }
        return cloudwatch.MathExpression(**stated)

    def alarm_near_quota(
        self,
        construct_id: str,
        *,
        call: ApiCall,
        percent: float = 80,
        topic: sns.ITopic | None = None,
        actions: Sequence[cloudwatch.IAlarmAction] = (),
    ) -> cloudwatch.Alarm:
        """Define an alarm that triggers when an API operation exceeds a percentage of its quota in 3 of 5 minutes.

        Args:
            construct_id: The ID of the alarm in the registry.
            call: The operation.
            percent: The percentage of the quota, above 0 and at most 100. Default: 80.
            topic: The SNS topic to notify. CloudWatch is allowed to publish to the topic. An alarm with neither a topic
                nor actions notifies nobody (Security Hub CloudWatch.15). Default: none.
            actions: Further actions, at most five together with `topic`. CloudWatch is allowed to publish to the topic
                of an `aws_cloudwatch_actions.SnsAction` if this app defines the topic. Default: none.

        Raises:
            ValueError: If the percentage is outside its range, there are too many actions, or CloudWatch cannot notify
                a topic.
        """
        problems = Problems(lambda: f"{self.node.path}/{construct_id}")
        if not 0 < percent <= 100:  # noqa: PLR2004  # percent
            problems.add(f"percent must be above 0 and at most 100 (got {percent}); use a percentage such as 80")
        check_alarm_actions(problems, "actions", actions, self, topic=topic)
        problems.raise_any()
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            metric=self.metric_quota_used(call),
            threshold=percent,
            evaluation_periods=5,
            datapoints_to_alarm=3,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=f"{call.value} of Amazon ECR is near its quota, beyond which calls are refused",
        )
        add_alarm_actions(alarm, actions, self, topic=topic)
        return alarm

    def add_dashboard(self, construct_id: str, *, repositories: Sequence[ecr.IRepository] = ()) -> cloudwatch.Dashboard:
        """Define a dashboard with logins, pushes and pulls, the use of each quota, and the pulls of repositories.

        Args:
            construct_id: The ID of the dashboard in the registry.
            repositories: The repositories whose pulls are shown, each with its own line. Default: none.

        Raises:
            ValueError: If a repository, and therefore its metrics, is in another account or region.
        """
        problems = Problems(lambda: f"{self.node.path}/{construct_id}")
        for repository in repositories:
            check_place(problems, "each item of repositories", repository, self)
        problems.raise_any()
        logins = [ApiCall.GET_AUTHORIZATION_TOKEN, ApiCall.PUT_IMAGE, ApiCall.BATCH_GET_IMAGE]
        dashboard = cloudwatch.Dashboard(self, construct_id)
        dashboard.add_widgets(
            _graph_widget("Logins, pushes and pulls", [self.metric_calls(call) for call in logins]),
            _graph_widget("Quotas used, in percent", [self.metric_quota_used(call) for call in ApiCall]),
        )
        if repositories:
            pulls = [pull_count(each.repository_name, label=each.repository_name) for each in repositories]
            dashboard.add_widgets(_graph_widget("Pulls by repository", pulls))
        return dashboard


def _graph_widget(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=_WIDGET_WIDTH, height=_WIDGET_HEIGHT)

"""The metrics of a registry in CloudWatch: calls of its API, and how much of their quotas is used."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from moorage.delivery.alarm_actions import add_alarm_actions, check_alarm_actions
from moorage.ecr.repository.repository_metrics import pull_count
from moorage.scope.place import check_place
from moorage.workload.door import door
from moorage.workload.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_ecr as ecr
    from aws_cdk import aws_sns as sns

_WIDGET_HEIGHT, _WIDGET_WIDTH = 6, 12


class ApiCall(enum.Enum):
    """The calls of ECR that CloudWatch counts (ECR guide: usage metrics)."""

    GET_AUTHORIZATION_TOKEN = "GetAuthorizationToken"  # noqa: S105  # the name of a call
    BATCH_CHECK_LAYER_AVAILABILITY = "BatchCheckLayerAvailability"
    INITIATE_LAYER_UPLOAD = "InitiateLayerUpload"
    UPLOAD_LAYER_PART = "UploadLayerPart"
    COMPLETE_LAYER_UPLOAD = "CompleteLayerUpload"
    PUT_IMAGE = "PutImage"
    BATCH_GET_IMAGE = "BatchGetImage"
    GET_DOWNLOAD_URL_FOR_LAYER = "GetDownloadUrlForLayer"


@door
class RegistryMetrics(Construct):
    """What a `Registry` shows of itself in CloudWatch, of its account and region as a whole."""

    def metric_calls(self, call: ApiCall, **options: Any) -> cloudwatch.Metric:
        """How often an API was called, by the minute.

        Args:
            call: Which one: a login is `GET_AUTHORIZATION_TOKEN`, a push ends with `PUT_IMAGE`, a pull begins with
                `BATCH_GET_IMAGE`.
            options: What `cloudwatch.Metric` takes.
        """
        return cloudwatch.Metric(
            **{
                "namespace": "AWS/Usage",
                "metric_name": "CallCount",
                "dimensions_map": {"Service": "ECR", "Type": "API", "Resource": call.value, "Class": "None"},
                "statistic": "Sum",
                "period": cdk.Duration.minutes(1),
                "label": call.value,
                **options,
            }
        )

    def metric_quota_used(self, call: ApiCall, **options: Any) -> cloudwatch.MathExpression:
        """How much of a call's quota is used, in percent; ECR counts no throttled calls, so they are foreseen by this.

        Args:
            call: Which one.
            options: What `cloudwatch.MathExpression` takes.
        """
        usage_id = call.name.lower()
        return cloudwatch.MathExpression(
            **{
                "expression": f"{usage_id}/SERVICE_QUOTA({usage_id})*100",  # as the CloudWatch user guide writes it
                "using_metrics": {usage_id: self.metric_calls(call)},
                "label": f"{call.value}, % of its quota",
                "period": cdk.Duration.minutes(1),
                **options,
            }
        )

    def alarm_near_quota(
        self,
        construct_id: str,
        *,
        call: ApiCall,
        percent: float = 80,
        topic: sns.ITopic | None = None,
        actions: Sequence[cloudwatch.IAlarmAction] = (),
    ) -> cloudwatch.Alarm:
        """Raise an alarm when a call has used more of its quota than `percent`, for three minutes of five.

        Args:
            construct_id: Its id in the registry.
            call: Which one.
            percent: The share of the quota, above 0 and up to 100.
            topic: The topic that is told then; CloudWatch is let publish to it. An alarm without a topic and actions is
                seen by nobody who does not look (Security Hub CloudWatch.15).
            actions: What else happens then, with `topic` at most five. CloudWatch is let publish to a topic of this app
                in an `aws_cloudwatch_actions.SnsAction`.

        Raises:
            ValueError: the share is outside its range, or CloudWatch cannot reach the topic.
        """
        problems = Problems(lambda: f"{self.node.path}/{construct_id}")
        if not 0 < percent <= 100:  # noqa: PLR2004  # a share of the whole
            problems.add(f"percent is {percent}, but a share of a quota is above 0 and up to 100; use 80")
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
        """Show logins, pushes and pulls, how much of each quota is used, and the pulls of some repositories.

        Args:
            construct_id: Its id in the registry.
            repositories: Any `ecr.IRepository`s, each with a line of its own.

        Raises:
            ValueError: a repository is of another account or region, whose pulls are counted there.
        """
        problems = Problems(lambda: f"{self.node.path}/{construct_id}")
        for repository in repositories:
            check_place(problems, "each of repositories", repository, self)
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
